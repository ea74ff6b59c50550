"""What of the mirror a pass has to know: whoever a change of what was observed can touch, and nobody else.

Of a hundred thousand people of whom ten have changed, some dozens of rows are read.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache, cached_property
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet

from directory.ldap.graph import reachable, reversed_edges
from directory.ldap.observe import Known
from directory.ldap.plan import BETWEEN_SOURCES, CROSSING_ISSUE, DETAILS, Group, Mirror, Observed, Person
from directory.models import Collective, DirectorySource, Member, Membership, RoleGrant, SyncIssue, SyncRun
from directory.normalise import logins_like, mail_key
from directory.types import Hold, Kind, MailState, MemberState, Role, SourceState

# Parameters of one statement; SQLite takes 32,766, and long lists are slow to plan.
AT_ONCE = 500
FEW = 10
# In so long, what many passes take away one by one counts as one removal.
LATELY = timedelta(days=1)
MEMBER_COLUMNS = (
    "entry_uuid",
    "source_id",
    "dn",
    "dn_key",
    "csn",
    "digest",
    "state",
    "state_reason",
    "email_state",
    "login_ambiguous",
    "hold",
    "erased_at",
    *DETAILS,
)
GROUP_COLUMNS = ("pk", "entry_uuid", "dn", "dn_key", "csn", "digest", "name", "kind", "description", "present")


class Counted:
    """How many there are of one source, counted when somebody asks."""

    def __init__(self, source: DirectorySource, now: datetime | None) -> None:
        self._source, self._now = source, now
        self._people = Member.objects.filter(source=source)
        self._groups = Collective.objects.filter(source=source, present=True)

    def active(self) -> int:
        return self._active

    @cached_property
    def _active(self) -> int:
        return self._people.filter(state=MemberState.ACTIVE).count()

    def gone_lately(self) -> dict[str, int]:
        """By kind, how many more have gone than come back since yesterday, or since a person last let removals go."""
        found: dict[str, int] = {}
        if self._now is None:
            return found
        runs = SyncRun.objects.filter(
            Q(report__has_key="gone") | Q(report__lifted=True),
            source=self._source,
            dry=False,
            # Whatever became of the pass: it tells of what was carried out before.
            started_at__gt=self._now - LATELY,
        )
        for gone, lifted in runs.order_by("pk").values_list("report__gone", "report__lifted"):
            if lifted:
                found = {}
                continue
            for what, count in gone.items():
                # Whoever comes back makes up for those who went before, and not for those who go afterwards.
                found[what] = max(found.get(what, 0) + count, 0)
        return found

    def others_sharing(self) -> frozenset[UUID]:
        """People of other sources whose login or address means somebody of this one too."""
        there = (MemberState.ACTIVE, MemberState.LOCKED)
        own = self._people.filter(state__in=there)
        others = Member.objects.exclude(source=self._source).filter(state__in=there, entry_uuid__isnull=False)
        others = others.exclude(source__state=SourceState.RETIRED)
        sharing = Q(login_ambiguous=True, login_key__in=own.filter(login_ambiguous=True).values("login_key"))
        shared = own.filter(email_state=MailState.SHARED)
        sharing |= Q(email_state=MailState.SHARED, email_key__in=shared.values("email_key"))
        sharing |= Q(login_key__in=own.exclude(email_key="").values("email_key"))
        sharing |= Q(email_key__in=own.filter(login_key__contains="@").values("login_key"))
        return frozenset(uuid for uuid in others.filter(sharing).values_list("entry_uuid", flat=True) if uuid)

    def groups(self) -> int:
        return self._groups.count()

    def memberships(self) -> int:
        return Membership.objects.filter(collective__in=self._groups).count()

    def leads(self) -> int:
        return Collective.leads.through.objects.filter(collective__in=self._groups).count()

    def holders(self, name: str) -> int:
        return self._people.exclude(state=MemberState.MISSING).exclude(**{name: ""}).count()


def known_entries(source: DirectorySource, *, column: str, only: Collection[str] | None = None) -> Known:
    """The people and groups that should be there, or those of them that have one of these identities.

    ``column``: what tells whether one has changed, ``csn`` or ``digest``.  By hand: Django would make a hundred
    thousand identifiers of them, only to have them compared.
    """
    found = []
    named = "" if only is None else f" AND entry_uuid IN ({', '.join(['%s'] * len(only)) or 'NULL'})"
    for model, condition, values, columns in (
        (Member, "state <> %s", [MemberState.MISSING.value], f"{column}, dn"),
        (Collective, "present", [], f"{column}, dn, digest"),
    ):
        identity = "entry_uuid" if connection.vendor == "sqlite" else "replace(entry_uuid::text, '-', '')"
        table = model._meta.db_table
        where = f"source_id = %s AND entry_uuid IS NOT NULL AND {condition}{named}"
        sql = f"SELECT {identity}, {columns} FROM {table} WHERE {where}"  # noqa: S608 names of columns only
        with connection.cursor() as cursor:
            cursor.execute(sql, [source.pk, *values, *(only or ())])
            found.append(cursor.fetchall())
    people, groups = found
    return Known(
        people={identity: (mark, dn) for identity, mark, dn in people},
        groups={identity: (mark, dn) for identity, mark, dn, _digest in groups},
        group_digests={identity: digest for identity, _mark, _dn, digest in groups},
    )


def some_known(source: DirectorySource, *, but: Collection[str] = ()) -> list[str]:
    """The identities of a few people who should be there."""
    there = Member.objects.filter(source=source, entry_uuid__isnull=False).exclude(state=MemberState.MISSING)
    there = there.exclude(entry_uuid__in=but)
    return [uuid.hex for uuid in there.order_by("pk").values_list("entry_uuid", flat=True)[:FEW] if uuid]


def newly_named(source: DirectorySource, groups: Collection[Group], *, most: int) -> dict[str, str]:
    """Of people who should be there, and whom these groups name now or named until now: the keys of their names, by
    identity.  Nobody where that is more names than so many.
    """
    rows = Collective.objects.filter(source=source, entry_uuid__in=[group.entry_uuid for group in groups])
    before = {uuid: keys for uuid, *keys in rows.values_list("entry_uuid", "member_keys", "lead_keys")}
    keys: set[str] = set()
    for group in groups:
        members, leads = before.get(group.entry_uuid, ((), ()))
        keys |= {*members}.symmetric_difference(group.member_keys or ())
        keys |= {*leads}.symmetric_difference(group.lead_keys or ())
    if len(keys) > most:
        return {}
    there = Member.objects.filter(source=source, entry_uuid__isnull=False).exclude(state=MemberState.MISSING)
    return {
        uuid.hex: key
        for batch in batches(sorted(keys), AT_ONCE)
        for uuid, key in there.filter(dn_key__in=batch).values_list("entry_uuid", "dn_key")
        if uuid is not None
    }


def load_mirror(
    source: DirectorySource,
    observed: Observed,
    *,
    context_csn: tuple[str, ...],
    now: datetime | None = None,
    whole_groups: bool = True,
) -> Mirror:
    """Everything of the mirror that the plan for what was observed depends on.

    ``now``: up to when departures of before are counted; without it none are.  ``whole_groups``: with everybody in the
    groups that are concerned.  Without, those who stay in them are left out wherever groups are called and nested as
    before; that takes memberships that are what the groups said last, so not while any wait for a decision.
    """
    seen = {person.entry_uuid: person for person in observed.people}
    people = _people_of(source, [*seen, *observed.located])
    logins, mails = _keys_concerned(people.values(), seen.values())
    people = {**_sharing(source, logins, mails, apart=people), **people}
    issues = _open_issues(source, people)
    if crossed := [people[uuid] for uuid, code in issues if code == CROSSING_ISSUE and uuid in people]:
        # Is either of their two names still another's?
        more = _keys_concerned(crossed, ())
        people = {**_sharing(source, more[0] - logins, more[1] - mails, apart=people), **people}
        logins, mails = logins | more[0], mails | more[1]
    groups = _concerned_groups(source, observed, people, whole=whole_groups)
    return Mirror(
        totals=Counted(source, now),
        people=people,
        groups=groups.groups,
        memberships=groups.memberships,
        leads=groups.leads,
        bystanders=groups.bystanders,
        touched=groups.touched,
        names=groups.names,
        login_keys=logins,
        email_keys=mails,
        administrators=_administrators(source) if people else {},
        open_issues=issues,
        context_csn=context_csn,
        is_empty=not Member.objects.filter(source=source).exists(),
    )


# People ------------------------------------------------------------------------------------------------------


def _people_of(source: DirectorySource, uuids: Collection[UUID]) -> dict[UUID, Person]:
    rows = _in_batches(Member.objects.all(), "entry_uuid", uuids)
    return {person.entry_uuid: person for person in _persons(source, rows)}


def _keys_concerned(known: Iterable[Person], seen: Iterable[Person]) -> tuple[frozenset[str], frozenset[str]]:
    """With the logins that are somebody's address, and the other way round: at the door both are typed in one place."""
    each = [*known, *seen]
    logins = {person.details["login_key"] for person in each}
    mails = {person.details["email_key"] for person in each}
    as_logins = {login for mail in mails for login in logins_like(mail)}
    as_mails = {mail_key(login) for login in logins if "@" in login}
    return frozenset(logins | as_logins) - {""}, frozenset(mails | as_mails) - {""}


def _sharing(
    source: DirectorySource, logins: Collection[str], mails: Collection[str], *, apart: Collection[UUID]
) -> dict[UUID, Person]:
    """Whoever has one of these logins or addresses, in whichever source but a retired one, which lets nobody in."""
    everybody = Member.objects.filter(entry_uuid__isnull=False).exclude(source__state=SourceState.RETIRED)
    rows = [*_in_batches(everybody, "login_key", logins), *_in_batches(everybody, "email_key", mails)]
    return {person.entry_uuid: person for person in _persons(source, rows) if person.entry_uuid not in apart}


def _in_batches(rows: "QuerySet[Any]", column: str, values: Collection[Any]) -> Iterator[tuple[Any, ...]]:
    """One statement per some hundred; where most of the table is meant anyway, all of it in one."""
    if len(values) > 20 * AT_ONCE:
        position = MEMBER_COLUMNS.index(column)
        wanted = set(values)
        yield from (
            row for row in rows.values_list(*MEMBER_COLUMNS).iterator(chunk_size=2000) if row[position] in wanted
        )
        return
    for batch in batches(sorted(values), AT_ONCE):
        yield from rows.filter(**{f"{column}__in": batch}).values_list(*MEMBER_COLUMNS)


def _persons(source: DirectorySource, rows: Iterable[tuple[Any, ...]]) -> Iterator[Person]:
    retired = cache(_retired)
    for entry_uuid, source_id, dn, key, csn, digest, state, reason, mail_state, ambiguous, hold, erased, *rest in rows:
        if entry_uuid is None:
            continue
        adopted = source_id != source.pk and (source_id is None or source_id in retired())
        yield Person(
            entry_uuid,
            dn,
            key,
            # What was another source's is looked at in any case: the row becomes this one's.
            "" if adopted else csn,
            MemberState(state),
            reason,
            MailState(mail_state),
            dict(zip(DETAILS, rest, strict=True)),
            login_ambiguous=ambiguous,
            digest="" if adopted else digest,
            is_held=hold != Hold.NONE,
            is_erased=erased is not None,
            is_foreign=source_id != source.pk and not adopted,
            is_left_over=adopted and source_id is not None,
        )


def _retired() -> frozenset[int]:
    """Sources that are no longer in use: whoever of them another one shows is taken over.

    Asked where somebody of another source is met, which is seldom.
    """
    return frozenset(DirectorySource.objects.filter(state=SourceState.RETIRED).values_list("pk", flat=True))


def _open_issues(source: DirectorySource, people: Collection[UUID]) -> frozenset[tuple[UUID, str]]:
    """Those of this source, and of others' what somebody of it may be the reason of."""
    mine = Q(source=source) | Q(code__in=BETWEEN_SOURCES)
    rows = SyncIssue.objects.filter(mine, resolved_at=None).values_list("entry_uuid", "code", "source_id")
    return frozenset((uuid, code) for uuid, code, own in rows if own == source.pk or uuid in people)


def _administrators(source: DirectorySource) -> dict[UUID, bool]:
    grants = RoleGrant.objects.filter(role=Role.TECHNICIAN, member__source=source)
    rows = grants.values_list("member__entry_uuid", "member__state", "member__hold")
    return {uuid: state == MemberState.ACTIVE and hold == Hold.NONE for uuid, state, hold in rows if uuid}


# Groups ------------------------------------------------------------------------------------------------------


class _Groups:
    def __init__(self) -> None:
        self.groups: dict[UUID, Group] = {}
        self.memberships: dict[tuple[UUID, UUID], bool] = {}
        self.leads: frozenset[tuple[UUID, UUID]] = frozenset()
        self.bystanders: dict[str, UUID] = {}
        self.touched: frozenset[UUID] = frozenset()
        self.names: frozenset[str] | None = None


def _concerned_groups(
    source: DirectorySource, observed: Observed, people: dict[UUID, Person], *, whole: bool
) -> _Groups:
    """The groups that must be worked out again, with all that this takes; nothing where no group is concerned."""
    result = _Groups()
    moved = _moved(observed, people)
    ended = set(observed.located) - people.keys()
    if not observed.groups and not moved and not ended:
        return result
    seen = {group.entry_uuid: group for group in observed.groups}
    result.groups, pks = _headers(source, seen)
    by_key = {group.dn_key: uuid for uuid, group in result.groups.items() if group.present}
    by_key.update({group.dn_key: uuid for uuid, group in seen.items()})
    old_edges = {uuid: set(group.nested) for uuid, group in result.groups.items()}
    again = _to_work_out_again(result.groups, seen, moved, people, ended, old_edges)
    _load_keys(result.groups, {uuid for uuid in again if uuid in pks}, pks)
    edges = {uuid: set(children) for uuid, children in old_edges.items()}
    for uuid in again:
        keys = (seen.get(uuid) or result.groups[uuid]).member_keys or ()
        edges.setdefault(uuid, set()).update(by_key[key] for key in keys if key in by_key)
    result.touched = reachable(again, reversed_edges(edges))
    needed = reachable(result.touched, edges)
    if not whole and ended.isdisjoint(result.groups):
        result.names = _names_concerned(result.groups, seen, again, moved, by_key)
    result.bystanders = _bystanders(source, result, seen, again, people)
    only = None
    if result.names is not None:
        # Exactly those who have such a name, or had: of anybody else the plan takes no name for missing in a group.
        only = {uuid for uuid, person in people.items() if person.dn_key in result.names}
        only |= {*moved, *result.bystanders.values()}
    _load_memberships(result, {pks[uuid]: uuid for uuid in needed if uuid in pks}, only)
    return result


def _names_concerned(
    groups: dict[UUID, Group],
    seen: dict[UUID, Group],
    again: Collection[UUID],
    moved: dict[UUID, set[str]],
    by_key: dict[str, UUID],
) -> frozenset[str] | None:
    """See ``Mirror.names``; None where a group is new, back, renamed, nested otherwise, or not at rest."""
    names = set(by_key).union(*moved.values())
    for uuid in again:
        known = groups.get(uuid)
        now = seen.get(uuid, known)
        if known is None or now is None or not known.present or known.is_foreign or known.dn_key != now.dn_key:
            return None
        before, after = set(known.member_keys or ()), set(now.member_keys or ())
        # Without a digest: what it lists was resolved by a former name, or somebody of it was erased.
        if not known.digest or {by_key[key] for key in by_key.keys() & after} - {uuid} != known.nested:
            return None
        names.update(before ^ after, known.unknown_keys, known.lead_keys or (), now.lead_keys or ())
    return frozenset(names)


def _moved(observed: Observed, people: dict[UUID, Person]) -> dict[UUID, set[str]]:
    """Whoever a name may mean now that it did not mean before, or no longer means; with their names then and now."""
    moved: dict[UUID, set[str]] = {}
    for person in observed.people:
        known = people.get(person.entry_uuid)
        if known is None or known.is_erased or known.state == MemberState.MISSING or known.dn_key != person.dn_key:
            moved[person.entry_uuid] = {person.dn_key, known.dn_key if known else ""} - {""}
    for uuid in observed.located:
        if uuid in people:
            moved[uuid] = {people[uuid].dn_key} - {""}
    return moved


def _headers(source: DirectorySource, seen: Collection[UUID]) -> tuple[dict[UUID, Group], dict[UUID, int]]:
    """All groups of the source, and those of others that were seen; without the keys of their members."""
    rows = Collective.objects.filter(Q(source=source) | Q(entry_uuid__in=list(seen))).exclude(entry_uuid=None)
    retired = cache(_retired)
    groups, pks, own = {}, {}, {}
    for row in rows.values_list(*GROUP_COLUMNS, "unknown_keys", "source_id"):
        pk, uuid, dn, key, csn, digest, name, kind, description, present, unknown, source_id = row
        adopted = source_id != source.pk and (source_id is None or source_id in retired())
        groups[uuid] = Group(
            uuid,
            dn,
            key,
            "" if adopted else csn,
            name,
            Kind(kind),
            description,
            member_keys=None,
            lead_keys=None,
            digest="" if adopted else digest,
            present=present,
            unknown_keys=tuple(unknown),
            is_foreign=source_id != source.pk and not adopted,
            is_left_over=adopted and source_id is not None,
        )
        pks[uuid], own[pk] = pk, uuid
    nested: dict[UUID, set[UUID]] = {}
    for parent, child in Collective.nested.through.objects.filter(from_collective__source=source).values_list(
        "from_collective_id", "to_collective_id"
    ):
        if parent in own and child in own:
            nested.setdefault(own[parent], set()).add(own[child])
    for uuid, children in nested.items():
        groups[uuid] = replace(groups[uuid], nested=frozenset(children))
    return groups, pks


def _to_work_out_again(
    groups: dict[UUID, Group],
    seen: dict[UUID, Group],
    moved: dict[UUID, set[str]],
    people: dict[UUID, Person],
    ended: set[UUID],
    edges: dict[UUID, set[UUID]],
) -> set[UUID]:
    again = set(seen) | {uuid for uuid in ended if uuid in groups}
    changed_groups = {
        uuid
        for uuid, group in seen.items()
        if uuid not in groups or groups[uuid].dn_key != group.dn_key or not groups[uuid].present
    } | ended
    keys = set().union(*moved.values()) if moved else set()
    keys |= {seen[uuid].dn_key for uuid in changed_groups if uuid in seen}
    again |= {uuid for uuid, group in groups.items() if group.present and not keys.isdisjoint(group.unknown_keys)}
    again |= {
        uuid for uuid, children in edges.items() if groups[uuid].present and not children.isdisjoint(changed_groups)
    }
    pks = [uuid for uuid in moved if uuid in people]
    for batch in batches(pks, AT_ONCE):
        direct = Membership.objects.filter(member__entry_uuid__in=batch, direct=True, collective__present=True)
        led = Collective.leads.through.objects.filter(member__entry_uuid__in=batch, collective__present=True)
        for rows in (direct, led):
            found = rows.values_list("collective__entry_uuid", flat=True)
            again |= {uuid for uuid in found if uuid in groups and uuid is not None}
    return again


def _load_keys(groups: dict[UUID, Group], wanted: Collection[UUID], pks: dict[UUID, int]) -> None:
    for batch in batches(sorted(wanted), AT_ONCE):
        rows = Collective.objects.filter(entry_uuid__in=batch)
        for uuid, members, leads in rows.values_list("entry_uuid", "member_keys", "lead_keys"):
            known = groups[uuid] if uuid else None
            if known is not None:
                groups[known.entry_uuid] = replace(known, member_keys=tuple(members), lead_keys=tuple(leads))


def _load_memberships(result: _Groups, wanted: dict[Any, UUID], only: Collection[UUID] | None) -> None:
    """``only``: the memberships of these people; leads in any case."""
    leads = set()
    for batch in batches(sorted(wanted), AT_ONCE):
        rows = Membership.objects.filter(collective_id__in=batch, member__entry_uuid__isnull=False)
        parts = [rows]
        if only is not None and len(only) <= 20 * AT_ONCE:
            parts = [rows.filter(member__entry_uuid__in=some) for some in batches(sorted(only), AT_ONCE)]
        for part in parts:
            for pk, person, direct in part.values_list("collective_id", "member__entry_uuid", "direct"):
                if person is not None and (only is None or person in only):
                    result.memberships[wanted[pk], person] = direct
        led = Collective.leads.through.objects.filter(collective_id__in=batch, member__entry_uuid__isnull=False)
        rows_of_leads = led.values_list("collective_id", "member__entry_uuid")
        leads |= {(wanted[pk], person) for pk, person in rows_of_leads if person is not None}
    result.leads = frozenset(leads)


def _bystanders(
    source: DirectorySource,
    result: _Groups,
    seen: dict[UUID, Group],
    again: Collection[UUID],
    people: Collection[UUID],
) -> dict[str, UUID]:
    keys: set[str] = set(result.names or ())
    for uuid in again if result.names is None else ():
        group = seen.get(uuid) or result.groups[uuid]
        keys.update(group.member_keys or (), group.lead_keys or ())
    there = Member.objects.filter(source=source, erased_at=None).exclude(state=MemberState.MISSING)
    found = {}
    if len(keys) > 20 * AT_ONCE:
        rows: Iterable[tuple[str, UUID | None]] = (
            (key, uuid) for key, uuid in there.values_list("dn_key", "entry_uuid").iterator() if key in keys
        )
    else:
        rows = (
            row
            for batch in batches(sorted(keys), AT_ONCE)
            for row in there.filter(dn_key__in=batch).values_list("dn_key", "entry_uuid")
        )
    for key, who in rows:
        if who is not None and who not in people:
            found[key] = who
    return found


def batches(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))
