"""The directories that are followed: set up, tried, switched on and off; and what people ask or decide about passes.

Nothing here speaks LDAP: a page that tries a connection calls ``directory.ldap.probing`` and has it noted here.  Passes
are the worker's: what is asked for waits in the source's row.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from django.db import transaction

from audit.differences import differences
from audit.sealing import seal
from audit.services import record, record_all
from audit.types import Action, Actor, Entry
from directory.ldap.servers import Abilities
from directory.ldap.sources import SECRET_PURPOSE
from directory.models import DirectorySource, SyncIssue, SyncRun
from directory.selectors import READ
from directory.services.acceptances import end_with_following
from directory.services.given_back import give_back
from directory.signals import source_trusted
from directory.types import CannotChange, Mode, SourceState

# Where it is and as whom it is read: of the operator's own directory, the operator's settings say it.
CONNECTION = frozenset(
    {
        "uri",
        "authorities",
        "bind_dn",
        "bind_password",
        "write_dn",
        "write_password",
        "base",
        "people_base",
        "groups_base",
        "timeout_seconds",
    }
)
MEANING = frozenset({"server", "people_filter", "groups_filter", "former_base", "mapping", "kinds", "writable"})
# The first step of the setting-up to be tried again after each has changed; nothing is, after those that are not here.
STEPS = ("address", "tls", "account", "bases", "mapping", "abilities")
STEP_OF = {
    "uri": "address",
    "authorities": "tls",
    "timeout_seconds": "address",
    **dict.fromkeys(("bind_dn", "bind_password", "write_dn", "write_password"), "account"),
    **dict.fromkeys(
        ("server", "base", "people_base", "groups_base", "former_base", "people_filter", "groups_filter"), "bases"
    ),
    **dict.fromkeys(("mapping", "kinds", "writable"), "mapping"),
}
CHANGEABLE = CONNECTION | MEANING | {"name", "ceilings"}
# An account may bear somebody's name, and a filter or a rule may name whom it leaves out.
UNTOLD = frozenset({"bind_dn", "write_dn", "people_filter", "groups_filter", "mapping"})
SECRETS = {"bind_password": "bind_secret", "write_password": "write_secret"}
# Another server behind the same settings would be handed the account's password (as in CVE-2024-5967).
FORGETS_SECRETS = frozenset({"uri", "authorities"})


@contextmanager
def _changing(action: Action, *, source_id: int, actor: Actor, now: datetime) -> Iterator[DirectorySource]:
    """The source, locked, in a transaction of its own; a refusal undoes it and leaves its line."""
    try:
        with transaction.atomic():
            source = DirectorySource.objects.select_for_update(no_key=True).filter(pk=source_id).first()
            if source is None:
                raise CannotChange("source_unknown")
            yield source
    except CannotChange as refusal:
        with transaction.atomic():
            facts: dict[str, object] = {"source": source_id}
            record(Entry(action, actor=actor, refused=True, reason=refusal.reason, facts=facts, at=now))
        raise


# Settings ------------------------------------------------------------------------------------------------------------


@transaction.atomic
def add_source(*, name: str, uri: str, actor: Actor, now: datetime) -> DirectorySource:
    """A draft: nothing is read of it by itself."""
    source = DirectorySource.objects.create(name=name, uri=uri, state=SourceState.DRAFT)
    facts = {"source": source.pk, **differences({}, {"name": name, "uri": uri})}
    record(Entry(Action.SOURCE_ADDED, actor=actor, facts=facts, at=now))
    return source


def change_source(*, source_id: int, changes: Mapping[str, object], actor: Actor, now: datetime) -> tuple[str, ...]:
    """Keep new settings; returns the names of those that are others now.

    An empty password keeps the one there is; another address or authority forgets it, so that it is handed to nobody.
    What was tried before counts no longer.  Raises ``CannotChange`` for a source that is followed (it is paused first),
    one that is retired, and for the connection of the one in the operator's settings.
    """
    with _changing(Action.SOURCE_CHANGED, source_id=source_id, actor=actor, now=now) as source:
        changed = _changed(source, changes)
        if not changed:
            return ()
        if source.state == SourceState.RETIRED:
            raise CannotChange("source_retired")
        if source.from_settings and CONNECTION & set(changed):
            raise CannotChange("source_from_settings")
        if source.state == SourceState.ACTIVE and set(changed) != {"name"}:
            raise CannotChange("source_followed")
        before = _told(source, changed)
        _keep(source, changes, changed)
        if FORGETS_SECRETS & set(changed) and source.members.exists():
            source_trusted.send(None, source=source, actor=actor, what="moved", now=now)
        facts: dict[str, object] = {"source": source.pk, **differences(before, _told(source, changed), untold=UNTOLD)}
        facts["properties"] = list(changed)
        record(Entry(Action.SOURCE_CHANGED, actor=actor, facts=facts, at=now))
        return changed


def _changed(source: DirectorySource, changes: Mapping[str, object]) -> tuple[str, ...]:
    def differs(name: str) -> bool:
        return bool(changes[name]) if name in SECRETS else getattr(source, name) != changes[name]

    return tuple(sorted(name for name in changes if name in CHANGEABLE and differs(name)))


def _told(source: DirectorySource, names: Collection[str]) -> dict[str, object]:
    """Passwords by their names alone."""
    return {name: getattr(source, name) for name in names if name not in SECRETS}


def _keep(source: DirectorySource, changes: Mapping[str, object], changed: Collection[str]) -> None:
    if FORGETS_SECRETS & set(changed):
        source.bind_secret = source.write_secret = b""
    for name in changed:
        if name in SECRETS:
            setattr(source, SECRETS[name], seal(str(changes[name]).encode(), purpose=SECRET_PURPOSE))
        else:
            setattr(source, name, changes[name])
    if set(changed) - {"name", "ceilings"}:
        first = min(STEPS.index(STEP_OF[name]) for name in changed if name in STEP_OF)
        source.tried = [step for step in STEPS[:first] if step in source.tried]
        source.probed_at = None
        # Read in full, and tried again at once, whatever was known before.
        source.mapping_digest, source.failing_since, source.failures, source.retry_at = "", None, 0, None
        source.look_again = True
    source.save()


@transaction.atomic
def note_tested(
    *, source_id: int, step: str, trouble: str, actor: Actor, now: datetime, results: int | None = None
) -> None:
    """Somebody tried a connection: who, which step, and what was wrong in a word; nothing of what was read.

    ``results``: of how many entries something was shown.
    """
    facts: dict[str, object] = {"source": source_id, "source_step": step}
    if results is not None:
        facts["results"] = results
    _keep_tried(source_id, step, went_well=not trouble)
    record(Entry(Action.SOURCE_TESTED, actor=actor, refused=bool(trouble), reason=trouble, facts=facts, at=now))


def _keep_tried(source_id: int, step: str, *, went_well: bool) -> None:
    source = DirectorySource.objects.select_for_update(no_key=True).filter(pk=source_id).only("tried").first()
    if source is not None and (step in source.tried) != went_well:
        source.tried = [each for each in STEPS if (went_well if each == step else each in source.tried)]
        source.save(update_fields=["tried"])


@transaction.atomic
def keep_abilities(*, source_id: int, found: Abilities, actor: Actor, now: datetime) -> None:
    """What the server can do, as it was just tried."""
    codes = found.codes
    DirectorySource.objects.filter(pk=source_id).update(abilities=codes, probed_at=now)
    _keep_tried(source_id, "abilities", went_well=True)
    facts: dict[str, object] = {"source": source_id, "source_step": "abilities"}
    record(Entry(Action.SOURCE_TESTED, actor=actor, facts=facts, at=now))


# On and off ----------------------------------------------------------------------------------------------------------


def activate(*, source_id: int, actor: Actor, now: datetime) -> None:
    """Follow it from now on.

    Raises ``CannotChange`` before a reading with exactly these settings has shown what would come of them.
    """
    with _changing(Action.SOURCE_CHANGED, source_id=source_id, actor=actor, now=now) as source:
        if source.state == SourceState.RETIRED:
            raise CannotChange("source_retired")
        if source.state == SourceState.ACTIVE:
            raise CannotChange("source_followed_already")
        if not may_activate(source):
            raise CannotChange("source_not_tried")
        _set_state(source, SourceState.ACTIVE, actor, now)
        source_trusted.send(None, source=source, actor=actor, what="followed", now=now)


def pause(*, source_id: int, actor: Actor, now: datetime) -> None:
    """Read nothing of it until it is activated again; members stay as they are, and sign in as before."""
    with _changing(Action.SOURCE_CHANGED, source_id=source_id, actor=actor, now=now) as source:
        if source.state != SourceState.ACTIVE:
            raise CannotChange("source_not_followed")
        end_with_following(source, actor, now)
        _set_state(source, SourceState.PAUSED, actor, now)


def retire(*, source_id: int, actor: Actor, now: datetime) -> None:
    """For good: what it had may become another source's.  Its passwords are forgotten, its issues are settled: no
    reading could find them gone.

    Raises ``CannotChange`` for one that is followed, and for the one in the operator's settings.
    """
    with _changing(Action.SOURCE_RETIRED, source_id=source_id, actor=actor, now=now) as source:
        if source.from_settings:
            raise CannotChange("source_from_settings")
        if source.state == SourceState.ACTIVE:
            raise CannotChange("source_followed")
        if source.state == SourceState.RETIRED:
            raise CannotChange("source_retired")
        source.state = SourceState.RETIRED
        source.bind_secret = source.write_secret = b""
        source.wanted = ""
        source.save()
        SyncIssue.objects.filter(source=source, resolved_at=None).update(resolved_at=now)
        give_back(source, now=now)
        record(Entry(Action.SOURCE_RETIRED, actor=actor, facts={"source": source.pk}, at=now))


def _set_state(source: DirectorySource, state: SourceState, actor: Actor, now: datetime) -> None:
    before, source.state = source.state, state
    source.save(update_fields=["state"])
    facts: dict[str, object] = {"source": source.pk, "source_state": str(state)}
    facts |= differences({"state": str(before)}, {"state": str(state)})
    record(Entry(Action.SOURCE_CHANGED, actor=actor, facts=facts, at=now))


def may_activate(source: DirectorySource) -> bool:
    """Whether its settings as they are were read with, for show or for good."""
    return bool(source.mapping_digest) or trial_of(source) is not None


def trial_of(source: DirectorySource) -> SyncRun | None:
    """The reading for show that was done with the settings as they are, if it came to an end."""
    if source.probed_at is None:
        return None
    runs = SyncRun.objects.filter(source=source, status__in=READ, started_at__gte=source.probed_at)
    return runs.order_by("-id").first()


# Passes --------------------------------------------------------------------------------------------------------------


def ask_pass(*, source_id: int, mode: Mode, dry: bool, actor: Actor, now: datetime) -> None:
    """Ask the worker for a pass at its next turn.

    Raises ``CannotChange`` where one is asked for already, for one that is not followed (unless it is for show), and
    for settings that were never tried.
    """
    with _changing(Action.SYNC_ASKED, source_id=source_id, actor=actor, now=now) as source:
        if source.state == SourceState.RETIRED:
            raise CannotChange("source_retired")
        if source.state != SourceState.ACTIVE and not dry:
            raise CannotChange("source_not_followed")
        if source.state != SourceState.ACTIVE and source.probed_at is None and not source.mapping_digest:
            raise CannotChange("source_not_probed")
        if source.wanted:
            raise CannotChange("pass_asked_already")
        source.wanted, source.wanted_dry, source.wanted_by_id = mode, dry, actor.member
        source.save(update_fields=["wanted", "wanted_dry", "wanted_by"])
        facts: dict[str, object] = {"source": source.pk, "mode": str(mode), "dry": dry}
        record(Entry(Action.SYNC_ASKED, actor=actor, facts=facts, at=now))


# Issues --------------------------------------------------------------------------------------------------------------


@transaction.atomic
def acknowledge(*, issue_ids: Collection[int], actor: Actor, now: datetime) -> int:
    """Somebody has seen these and lives with them: they step aside until they change.  Returns how many."""
    issues = SyncIssue.objects.filter(pk__in=issue_ids, resolved_at=None, acknowledged_by=None)
    found = list(issues.select_for_update(of=("self",), no_key=True))
    SyncIssue.objects.filter(pk__in=[issue.pk for issue in found]).update(acknowledged_by=actor.member)
    record_all(_seen(issue, actor, now) for issue in found)
    return len(found)


@transaction.atomic
def take_up_again(*, issue_ids: Collection[int], actor: Actor, now: datetime) -> int:
    """Back among what is to be settled."""
    issues = SyncIssue.objects.filter(pk__in=issue_ids, resolved_at=None).exclude(acknowledged_by=None)
    found = list(issues.select_for_update(of=("self",), no_key=True))
    SyncIssue.objects.filter(pk__in=[issue.pk for issue in found]).update(acknowledged_by=None)
    record_all(_seen(issue, actor, now, undone=True) for issue in found)
    return len(found)


def _seen(issue: SyncIssue, actor: Actor, now: datetime, *, undone: bool = False) -> Entry:
    facts: dict[str, object] = {"source": issue.source_id, "issue": issue.code}
    if undone:
        facts["undone"] = True
    return Entry(Action.ISSUE_ACKNOWLEDGED, actor=actor, facts=facts, at=now)
