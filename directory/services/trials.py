"""Trying a source's settings out, one step after the other: what comes of each is a value, and that it was tried is
noted.  Nothing that is read of people is kept.
"""

from copy import copy
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from audit.types import Actor
from directory.ldap import probing, sources
from directory.ldap.config import LdapConfig
from directory.ldap.probing import Branches, Known, Reached, Samples, Secured, Trouble
from directory.ldap.servers import Abilities
from directory.models import DirectorySource
from directory.normalise import InvalidName
from directory.services.sources import change_source, keep_abilities, note_tested
from directory.types import DirectoryRefused

Found = TypeVar("Found")
# Before anybody has said where to look, nothing is looked for there.
NOWHERE = "cn=x"


def try_address(source: DirectorySource, *, actor: Actor, now: datetime) -> Reached | Trouble:
    config = _config(source)
    found = config if isinstance(config, Trouble) else probing.reach(config.uri)
    return _noted(source, "address", found, found.trouble if isinstance(found, Reached) else found, actor, now)


def try_tls(source: DirectorySource, *, actor: Actor, now: datetime) -> Secured | Trouble:
    config = _config(source)
    found = config if isinstance(config, Trouble) else probing.secure(config)
    return _noted(source, "tls", found, found.trouble if isinstance(found, Secured) else found, actor, now)


def try_account(
    source: DirectorySource, *, actor: Actor, now: datetime
) -> tuple[Known | Trouble, Known | Trouble | None]:
    """The reading account, and the writing one where there is one.

    Where nobody said yet which suffix, or which kind of server, what the server says of itself is kept.
    """
    config = _config(source)
    if isinstance(config, Trouble):
        return _noted(source, "account", (config, None), config, actor, now)
    reader = probing.sign_in(config)
    writer = probing.sign_in_writer(config) if config.write_dn else None
    if isinstance(reader, Known) and not source.from_settings and not source.base:
        server, suffixes = probing.recognised(config)
        changes: dict[str, object] = {"base": suffixes[0]} if suffixes else {}
        if server is not None:
            changes["server"] = server.kind.value
        change_source(source_id=source.pk, changes=changes, actor=actor, now=now)
    trouble = next((each for each in (reader, writer) if isinstance(each, Trouble)), None)
    return _noted(source, "account", (reader, writer), trouble, actor, now)


def try_bases(source: DirectorySource, *, actor: Actor, now: datetime) -> Branches | Trouble:
    config = _config(source)
    found = config if isinstance(config, Trouble) else probing.look_around(config, source.former_base)
    trouble = found if isinstance(found, Trouble) else None
    if isinstance(found, Branches):
        trouble = next((each for each in (found.people, found.groups) if isinstance(each, Trouble)), None)
        trouble = trouble or (None if found.people else Trouble("nobody_found"))
        trouble = trouble or (Trouble("no_former_branch", found.former.detail) if found.former else None)
    return _noted(source, "bases", found, trouble, actor, now)


def try_mapping(source: DirectorySource, *, actor: Actor, now: datetime) -> Samples | Trouble:
    config = _config(source)
    found = config if isinstance(config, Trouble) else probing.sample(config)
    if isinstance(found, Trouble):
        return _noted(source, "mapping", found, found, actor, now)
    # A look at people, as a search is one: of how many, and never of whom.
    looked_at = len(found.people) + len(found.groups)
    note_tested(source_id=source.pk, step="mapping", trouble="", actor=actor, now=now, results=looked_at)
    return found


def try_abilities(source: DirectorySource, *, actor: Actor, now: datetime) -> Abilities | Trouble:
    """What can be done with the server; kept, so that a reading for show may follow, where entries can be read."""
    config = _config(source)
    found = config if isinstance(config, Trouble) else probing.abilities(config)
    if isinstance(found, Abilities) and found.read.can:
        keep_abilities(source_id=source.pk, found=found, actor=actor, now=now)
        return found
    trouble = found if isinstance(found, Trouble) else Trouble("read_missing")
    return _noted(source, "abilities", found, trouble, actor, now)


def _config(source: DirectorySource) -> LdapConfig | Trouble:
    tried = copy(source)
    tried.base = tried.base or NOWHERE
    try:
        config = sources.of(tried)
    except (DirectoryRefused, InvalidName) as error:
        return Trouble("not_configured", str(error))
    return replace(config, timeout_seconds=min(config.timeout_seconds, probing.SECONDS))


def _noted(
    source: DirectorySource, step: str, found: Found, trouble: Trouble | None, actor: Actor, now: datetime
) -> Found:
    reason = f"source_{trouble.code}" if trouble else ""
    note_tested(source_id=source.pk, step=step, trouble=reason, actor=actor, now=now)
    return found
