"""The directories that the hub follows: what their rows and the operator's settings say, as one value each."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction

from audit.differences import differences
from audit.sealing import InvalidToken, unseal
from audit.services import record
from audit.types import Action, Entry
from directory.ldap.authorities import file_of
from directory.ldap.config import SYSTEM_AUTHORITIES, LdapConfig
from directory.ldap.plan import Ceilings
from directory.ldap.rules import WRITABLE, rules_from
from directory.ldap.servers import SERVERS
from directory.models import DirectorySource, Member
from directory.normalise import dn_key
from directory.types import DirectoryRefused, ServerKind, SourceState

LOOPBACK = {"127.0.0.1", "::1", "localhost"}
SETTINGS_SOURCE = "Annuaire"
ASKED = frozenset({SourceState.ACTIVE, SourceState.PAUSED})
SECRET_PURPOSE = "directory source"  # noqa: S105 what a secret is sealed for


def load() -> LdapConfig:
    """The directory of the operator's settings.  Raises ``DirectoryRefused`` as ``of``."""
    return of(settings_source())


def settings_source() -> DirectorySource:
    """The source that the operator's settings name.  Raises ``DirectoryRefused`` where they name none."""
    if not getattr(settings, "LDAP", {}).get("uri"):
        raise DirectoryRefused("no directory is configured (TROUSSEAU_LDAP_URI)")
    found = DirectorySource.objects.filter(from_settings=True).first()
    if found is not None:
        return found
    return _made()


@transaction.atomic
def _made() -> DirectorySource:
    # Two processes may start at once: the constraint lets one row be made, and both find it.
    name = SETTINGS_SOURCE
    if DirectorySource.objects.filter(name=name).exists():
        name = f"{SETTINGS_SOURCE} (réglages)"
    source, is_new = DirectorySource.objects.get_or_create(
        from_settings=True,
        # From then on its row says what members may correct, also where that is nothing.
        defaults={"name": name, "state": SourceState.ACTIVE, "writable": list(WRITABLE)},
    )
    if is_new:
        changes = differences({}, {"name": source.name, "state": source.state, "writable": source.writable})
        record(Entry(Action.SOURCE_ADDED, facts={"source": source.pk, **changes}))
    return source


def in_use() -> list[DirectorySource]:
    """Every source but the retired ones, that of the operator's settings first; its row is made if need be."""
    is_configured = bool(getattr(settings, "LDAP", {}).get("uri"))
    found = list(DirectorySource.objects.exclude(state=SourceState.RETIRED).order_by("-from_settings", "pk"))
    if is_configured and not any(source.from_settings for source in found):
        found.insert(0, settings_source())
    return [source for source in found if is_configured or not source.from_settings]


def active_sources() -> list[DirectorySource]:
    """The sources that are followed, that of the operator's settings first."""
    return [source for source in in_use() if source.state == SourceState.ACTIVE]


def asked_sources() -> list[DirectorySource]:
    """Those that are asked whose password it is: also the ones that are paused."""
    return [source for source in in_use() if source.state in ASKED]


def of_member(member: Member) -> LdapConfig:
    """The directory that holds this member's entry.

    Raises ``DirectoryRefused`` as ``of``, and for one that is no longer in use.
    """
    source = source_of(member)
    if source is None:
        raise DirectoryRefused("the member's directory is no longer in use")
    return of(source)


def source_of(member: Member) -> DirectorySource | None:
    """The directory to ask about this member; one that is paused is not followed, and still asked."""
    source = settings_source() if member.source_id is None else member.source
    return source if source is not None and source.state in ASKED else None


def of(source: DirectorySource) -> LdapConfig:
    """What a source's row and the operator's settings say together.

    Raises ``DirectoryRefused`` for one whose settings are not complete, for a distant one without TLS, and as
    ``LdapConfig``.
    """
    given = _from_settings() if source.from_settings else _from_row(source)
    server = SERVERS[ServerKind(source.server)]
    base = given["base"]
    if not base:
        raise DirectoryRefused("it is not said where its entries are")
    people_base = given["people_base"] or server.people_base(base)
    config = LdapConfig(
        **{
            **given,
            "uri": " ".join(given["uri"].split()),
            "people_base": people_base,
            "groups_base": given["groups_base"] or server.groups_base(base),
            "server": server,
            "people_filter": source.people_filter,
            "groups_filter": source.groups_filter,
            "ceilings": Ceilings(**source.ceilings),
            "source_id": source.pk,
            "rules": rules_from(
                server,
                base=base,
                former_key=dn_key(source.former_base or f"ou=anciens,{people_base}"),
                mapping=source.mapping,
                kinds=source.kinds,
                writable=source.writable,
            ),
        }
    )
    # RFC 4513 §5.1.3: a simple bind hands the password to whoever listens.
    for uri in config.uri.split():
        url = urlsplit(uri)
        if url.scheme == "ldap" and not config.start_tls and url.hostname not in LOOPBACK:
            raise DirectoryRefused("the directory would be read without TLS")
    return config


def _from_settings() -> dict[str, Any]:
    given = getattr(settings, "LDAP", {})
    if not given.get("uri"):
        raise DirectoryRefused("no directory is configured (TROUSSEAU_LDAP_URI)")
    return {
        "uri": given["uri"],
        "base": given["base"],
        "people_base": given.get("people_base") or "",
        "groups_base": given.get("groups_base") or "",
        "bind_dn": given.get("bind_dn", ""),
        "bind_password": given.get("bind_password", ""),
        "write_dn": given.get("write_dn", ""),
        "write_password": given.get("write_password", ""),
        "ca_file": Path(given.get("ca_file") or SYSTEM_AUTHORITIES),
        "start_tls": given.get("start_tls", True),
        "timeout_seconds": given.get("timeout_seconds", 3.0),
    }


def _from_row(source: DirectorySource) -> dict[str, Any]:
    if not source.uri:
        raise DirectoryRefused("the directory has no address")
    try:
        bind, write = (
            unseal(bytes(sealed), purpose=SECRET_PURPOSE).decode() if sealed else ""
            for sealed in (source.bind_secret, source.write_secret)
        )
    except InvalidToken as error:
        raise DirectoryRefused("the reader's password was sealed with another key") from error
    return {
        "uri": source.uri,
        "base": source.base,
        "people_base": source.people_base,
        "groups_base": source.groups_base,
        "bind_dn": source.bind_dn,
        "bind_password": bind,
        "write_dn": source.write_dn,
        "write_password": write,
        "ca_file": file_of(source.authorities) if source.authorities else SYSTEM_AUTHORITIES,
        "start_tls": source.start_tls,
        "timeout_seconds": source.timeout_seconds,
    }
