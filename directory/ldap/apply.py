"""Writing a plan into the mirror, with its issues; what it says of itself is in ``report`` and ``lines``."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, groupby, islice
from secrets import token_urlsafe
from typing import Any, TypeVar, cast
from uuid import UUID, uuid4

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db.models import Q, QuerySet
from django.utils.text import slugify

from audit.services import record_all
from directory import corrections
from directory.ldap.lines import entries_of, lines_of
from directory.ldap.plan import (
    DETAILS,
    ELSEWHERE_ISSUE,
    GROUP_KEYS,
    MAX_DETAIL,
    PersonChange,
    Plan,
    together,
)
from directory.ldap.plan.memberships import Pair, in_order, in_runs
from directory.ldap.report import report_of
from directory.models import Collective, Member, Membership, SyncIssue, SyncRun
from directory.normalise import order_key
from directory.runs import LONGEST
from directory.signals import addresses_changed, members_ended, memberships_ended
from directory.statuses import status_of
from directory.types import MailState, MemberState, Status
from statements.writing import InsertingQuerySet, Row

MIRRORED = ("dn", "dn_key", "csn", "digest", "state", "state_reason", "login_ambiguous", "email_state", *DETAILS)
# Of people, what a pass writes beside what it has read.
KEPT_BY_THE_HUB = ("source", "order_key", "state_since", "absent_from", "absent_for_good_at", "erased_at", "updated_at")
GROUP_MIRRORED = ("dn", "dn_key", "csn", "digest", "name", "kind", "description", "present", *GROUP_KEYS)
# Rows made ready before they are sent: of more, the first have left the processor's memory when they are.
ROWS_AT_ONCE = 2_000
T = TypeVar("T")
MAX_SLUG = 110


@dataclass(frozen=True, slots=True)
class Applied:
    """``arrived``: the new members and their first status; ``changed``: others whose rows were written.

    ``written``: how many rows in all, the run's own apart.
    """

    changed: tuple[UUID, ...]
    arrived: Mapping[UUID, Status]
    written: int


@dataclass(frozen=True, slots=True)
class Early:
    """What a pass carried out before it had looked for everybody; ``written``: rows."""

    plan: Plan
    written: int


def apply(
    run: SyncRun, plan: Plan, now: datetime, *, first: bool, held_before: str, early: Early | None = None
) -> Applied:
    """Inside the caller's transaction: all of it or nothing.

    ``held_before``: the approval that the pass before was waiting for; what waits is told once.  ``early``: what this
    pass carried out before, for its report.
    """
    # A source that is not believed says nothing about what was settled either.
    written = _write(run, plan, now, within=LONGEST, issues=not plan.waits_wholly)
    report_of(run, plan if early is None else together(early.plan, plan), now)
    run.counts["written"] = written.rows + (early.written if early else 0)
    told = entries_of(run, plan, written.members, written.collectives, now, first=first, held_before=held_before)
    applied = _applied(plan, written)
    newcomers = frozenset(applied.arrived)
    for part in _parts(told):
        record_all(part, newcomers=newcomers)
    return applied


def apply_early(run: SyncRun, plan: Plan, now: datetime) -> Applied:
    """What a pass may carry out before it has looked for everybody; inside the caller's transaction, as ``apply``."""
    written = _write(run, plan, now, within=LONGEST)
    ended = {change.entry_uuid for change in plan.people if change.verb == "end"}
    out_of = {group for group, person in chain(plan.memberships_removed, plan.leads_removed) if person in ended}
    # They still name whoever is gone: what comes of that is for the pass, which works them out from the beginning.
    Collective.objects.filter(entry_uuid__in=out_of).update(digest="")
    record_all(lines_of(plan, written.members, written.collectives, now, facts={"run": run.pk}))
    return _applied(plan, written)


def apply_between(run: SyncRun, plan: Plan, now: datetime, *, told: Collection[str] = ()) -> Applied:
    """What was seen of one entry between two passes; inside the caller's transaction, as ``apply``.

    ``run``: the last pass, which keeps the report that it has.  ``told``: items of which the caller's own line tells.
    """
    written = _write(run, plan, now, within=corrections.ONE_ENTRY)
    record_all(lines_of(plan, written.members, written.collectives, now, facts={}, told=told))
    return _applied(plan, written)


@dataclass(frozen=True, slots=True)
class _People:
    """``members``: the keys of everybody whom the plan names, by their entry; ``arrived``: as ``Applied`` has it.

    ``former``: by member the address they had, where it is another one now, or is no longer theirs alone; ``items``:
    what tools would be told otherwise.
    """

    members: dict[UUID, UUID]
    arrived: dict[UUID, Status]
    former: dict[UUID, str]
    items: list[corrections.Changed]


@dataclass(frozen=True, slots=True)
class _Written:
    members: dict[UUID, UUID]
    arrived: dict[UUID, Status]
    collectives: dict[UUID, Collective]
    rows: int


def _write(run: SyncRun, plan: Plan, now: datetime, *, within: timedelta, issues: bool = True) -> _Written:
    people = _write_people(run, plan, now)
    collectives = _write_groups(run, plan)
    _write_memberships(plan, people.members, collectives)
    _note_changes(plan, people, collectives, now, within=within)
    rows = plan.changes + (_write_issues(run, plan, now) if issues else 0)
    _tell(plan, people, now)
    return _Written(people.members, people.arrived, collectives, rows)


def _applied(plan: Plan, written: _Written) -> Applied:
    members = written.members
    return Applied(
        changed=tuple(members[each.entry_uuid] for each in plan.people if each.verb != "join"),
        arrived=written.arrived,
        written=written.rows,
    )


def _first_status(change: PersonChange) -> Status:
    is_gone = change.changes["state"] == MemberState.LEFT
    return status_of(str(change.changes["employee_type"]), is_gone=is_gone)


def _tell(plan: Plan, people: _People, now: datetime) -> None:
    members = people.members
    ended = [members[each.entry_uuid] for each in plan.people if each.verb == "end"]
    if ended:
        members_ended.send(sender=SyncRun, member_ids=ended, now=now)
    out = {members[person] for _group, person in chain(plan.memberships_removed, plan.leads_removed)}
    if out:
        memberships_ended.send(sender=SyncRun, member_ids=sorted(out), now=now)
    if people.former:
        addresses_changed.send(sender=SyncRun, former=people.former, now=now)


# Rows --------------------------------------------------------------------------------------------------------


def _write_people(run: SyncRun, plan: Plan, now: datetime) -> _People:
    known = {each.entry_uuid for each in plan.people if each.verb != "join"}
    # Held until they are written: what others write of them meanwhile, an erasure above all, must not be undone.
    current = Member.objects.select_for_update(no_key=True)
    rows: dict[UUID, Member] = {member.entry_uuid: member for member in _by_entry(current, known)}
    members = {entry: member.pk for entry, member in rows.items()}
    joined: dict[UUID, PersonChange] = {}
    changed: list[Member] = []
    former: dict[UUID, str] = {}
    items: list[corrections.Changed] = []
    for each in plan.people:
        if each.verb == "join":
            members[each.entry_uuid] = pk = uuid4()
            joined[pk] = each
            continue
        member = rows[each.entry_uuid]
        member.updated_at = now
        changed.append(member)
        if {"email_key", "email_state"} & each.changes.keys():
            former[member.pk] = member.email if member.email_state == MailState.OK else ""
        items += ((member.pk, item) for item in corrections.items_of(each.changes.keys(), member))
        for name, value in each.changes.items():
            setattr(member, name, value)
        if "csn" in each.changes or "digest" in each.changes:
            # Somebody of a source that is no longer in use may be this one's from now on.
            member.source_id = run.source_id
        if "state" in each.changes:
            member.state_since = now
            is_missing = each.changes["state"] == MemberState.MISSING
            member.absent_from = run.source.followed_for if is_missing and run.source else None
            member.absent_for_good_at = None
        if member.is_active or each.changes.get("dn"):
            # Erased, and back: the plan filled them again.
            member.erased_at = None
    arrived = {pk: _first_status(each) for pk, each in joined.items()}
    for part in _parts(_newcomer(run, each, pk, arrived[pk], now) for pk, each in joined.items()):
        InsertingQuerySet(Member).insert(part)
    _rewrite(changed, [*MIRRORED, *KEPT_BY_THE_HUB])
    pairs = chain(plan.memberships_set, plan.memberships_removed, plan.leads_added, plan.leads_removed)
    others = {person for _, person in pairs if person not in members}
    members.update(_by_entry(Member.objects.values_list("entry_uuid", "pk"), others))
    return _People(members, arrived, former, items)


def _newcomer(run: SyncRun, change: PersonChange, pk: UUID, status: Status, now: datetime) -> Row:
    return {
        "id": pk,
        "entry_uuid": change.entry_uuid,
        "source_id": run.source_id,
        # As ``make_password(None)`` writes it: nothing matches it, and no two are alike.
        "password": UNUSABLE_PASSWORD_PREFIX + token_urlsafe(30),
        "state_since": now,
        "status": status,
        "order_key": order_key(str(change.changes["display_name"])),
        **change.changes,
    }


def _write_groups(run: SyncRun, plan: Plan) -> dict[UUID, Collective]:
    named = {each.entry_uuid for each in plan.groups}
    pairs = chain(plan.memberships_set, plan.memberships_removed, plan.leads_added, plan.leads_removed)
    named |= {group for group, _ in in_runs(pairs)}
    # Without the names of their members, which are half a megabyte in a large group.
    rows = Collective.objects.defer(*GROUP_KEYS)
    collectives = {collective.entry_uuid: collective for collective in _by_entry(rows, named)}
    slugs = set(Collective.objects.values_list("slug", flat=True)) if plan.groups else set()
    made: list[Collective] = []
    changed: list[tuple[Collective, list[str]]] = []
    for each in plan.groups:
        if each.verb == "new":
            collective = Collective(entry_uuid=each.entry_uuid, slug=_slug(str(each.changes["name"]), slugs))
            collectives[each.entry_uuid] = collective
            made.append(collective)
        else:
            collective = collectives[each.entry_uuid]
            changed.append((collective, [name for name in GROUP_MIRRORED if name in each.changes]))
        for name, value in each.changes.items():
            if name != "nested":
                setattr(collective, name, value)
        collective.source_id = run.source_id
    Collective.objects.bulk_create(made)
    for collective, columns in changed:
        # One by one, and what differs alone: what is sent in bulk is quoted twice.
        collective.save(update_fields=[*columns, "order_key", "source"])
    _write_nesting(plan, collectives)
    return collectives


def _rewrite(rows: Sequence[Member], columns: Sequence[str]) -> None:
    """The same columns of many rows.  Every row is there: a conflict on its key is how each is found."""
    for start in range(0, len(rows), 200):
        Member.objects.bulk_create(
            rows[start : start + 200], update_conflicts=True, unique_fields=["id"], update_fields=columns
        )


def _write_nesting(plan: Plan, collectives: dict[UUID, Collective]) -> None:
    through = Collective.nested.through
    wanted: dict[UUID, frozenset[UUID]] = {
        each.entry_uuid: cast("frozenset[UUID]", each.changes["nested"])
        for each in plan.groups
        if "nested" in each.changes
    }
    if not wanted:
        return
    others: set[UUID] = set().union(*wanted.values()) - collectives.keys()
    pks = {uuid: collective.pk for uuid, collective in collectives.items()}
    pks.update(_by_entry(Collective.objects.values_list("entry_uuid", "pk"), others))
    through.objects.filter(from_collective_id__in=[pks[uuid] for uuid in wanted]).delete()
    through.objects.bulk_create(
        through(from_collective_id=pks[uuid], to_collective_id=pks[child])
        for uuid, children in sorted(wanted.items())
        for child in sorted(children)
    )


def _by_entry(rows: "QuerySet[Any, Any]", uuids: AbstractSet[UUID]) -> Iterator[Any]:
    wanted = sorted(uuids)
    for start in range(0, len(wanted), 500):
        yield from rows.filter(entry_uuid__in=wanted[start : start + 500])


def _slug(name: str, taken: set[str]) -> str:
    """Given once: an address that members keep does not change with the name."""
    plain = name.replace("œ", "oe").replace("Œ", "Oe").replace("æ", "ae").replace("’", " ").replace("'", " ")
    stem = slugify(plain)[:MAX_SLUG].strip("-") or "collectif"
    slug, number = stem, 2
    while slug in taken:
        slug, number = f"{stem}-{number}", number + 1
    taken.add(slug)
    return slug


def _write_memberships(plan: Plan, members: dict[UUID, UUID], collectives: dict[UUID, Collective]) -> None:
    new = {each.entry_uuid for each in plan.people if each.verb == "join"}
    new |= {each.entry_uuid for each in plan.groups if each.verb == "new"}
    first: list[tuple[UUID, UUID, bool]] = []
    others: list[Pair] = []
    for group, several in groupby(plan.memberships_set.items(), key=lambda item: item[0][0]):
        pk, is_new = collectives[group].pk, group in new
        for pair, direct in several:
            # Whoever has just come, or a group that has, is in nothing yet.
            if is_new or pair[1] in new:
                first.append((members[pair[1]], pk, direct))
            else:
                others.append(pair)
    rows = ({"member_id": member, "collective_id": pk, "direct": direct} for member, pk, direct in first)
    for part in _parts(rows):
        InsertingQuerySet(Membership).insert(part)
    Membership.objects.bulk_create(
        (
            Membership(
                member_id=members[person],
                collective_id=collectives[group].pk,
                direct=plan.memberships_set[group, person],
            )
            for group, person in sorted(others, key=in_order)
        ),
        update_conflicts=True,
        unique_fields=["member", "collective"],
        update_fields=["direct"],
        batch_size=500,
    )
    for batch in _batches(sorted(plan.memberships_removed)):
        Membership.objects.filter(_any_of(batch, members, collectives)).delete()
    through = Collective.leads.through
    through.objects.bulk_create(
        through(collective_id=collectives[group].pk, member_id=members[person])
        for group, person in sorted(plan.leads_added)
    )
    for batch in _batches(sorted(plan.leads_removed)):
        through.objects.filter(_any_of(batch, members, collectives)).delete()


def _note_changes(
    plan: Plan, people: _People, collectives: Mapping[UUID, Collective], now: datetime, *, within: timedelta
) -> None:
    """Whoever has just come was told to nobody; nor is a sensitive collective ever."""
    joined = {each.entry_uuid for each in plan.people if each.verb == "join"}
    pairs = chain(plan.memberships_set, plan.memberships_removed)
    inside = {person for group, person in pairs if person not in joined and not collectives[group].sensitive}
    known = [each for each in plan.groups if each.verb != "new" and {"name", "present"} & each.changes.keys()]
    told = (collectives[each.entry_uuid] for each in known)
    renamed = [each.pk for each in told if not each.sensitive]
    grouped = ((people.members[person], corrections.GROUPS) for person in inside)
    corrections.note(chain(people.items, grouped, corrections.of_members_of(renamed)), now=now, within=within)


def _parts(items: Iterable[T]) -> Iterator[list[T]]:
    """Of a large first reading never all rows at once: they would be half of what it holds in memory."""
    left = iter(items)
    while part := list(islice(left, ROWS_AT_ONCE)):
        yield part


def _batches(pairs: Sequence[tuple[UUID, UUID]]) -> Iterator[Sequence[tuple[UUID, UUID]]]:
    return (pairs[start : start + 100] for start in range(0, len(pairs), 100))


def _any_of(pairs: Sequence[tuple[UUID, UUID]], members: dict[UUID, UUID], collectives: dict[UUID, Collective]) -> Q:
    found = Q(pk__in=[])
    for group, person in pairs:
        found |= Q(collective_id=collectives[group].pk, member_id=members[person])
    return found


def _write_issues(run: SyncRun, plan: Plan, now: datetime) -> int:
    """One row per entry and code for ever: opened, opened again, changed or settled; unchanged ones are not touched.

    Of what another source shows too, one for each source that shows it.
    """

    def place(entry: UUID, code: str, source: int | None) -> tuple[UUID, str, int | None]:
        return entry, code, source if code == ELSEWHERE_ISSUE else None

    named = {issue.entry_uuid for issue in plan.issues} | {uuid for uuid, _ in plan.settled}
    rows = {place(row.entry_uuid, row.code, row.source_id): row for row in _by_entry(SyncIssue.objects.all(), named)}
    opened, changed = [], []
    for issue in plan.issues:
        detail = issue.detail[:MAX_DETAIL]
        row = rows.get(place(issue.entry_uuid, issue.code, run.source_id))
        if row is None:
            opened.append(
                SyncIssue(
                    source_id=run.source_id,
                    entry_uuid=issue.entry_uuid,
                    dn=issue.dn,
                    code=issue.code,
                    detail=detail,
                    first_run=run,
                    last_run=run,
                )
            )
        elif row.resolved_at is not None or (row.dn, row.detail) != (issue.dn, detail):
            row.dn, row.detail, row.last_run, row.resolved_at = issue.dn, detail, run, None
            # Seen as it was: it is another thing now.
            row.acknowledged_by, row.source_id = None, run.source_id
            changed.append(row)
    for entry, code in plan.settled:
        if (row := rows.get(place(entry, code, run.source_id))) is not None:
            row.resolved_at = now
            changed.append(row)
    SyncIssue.objects.bulk_create(opened, batch_size=500)
    if changed:
        columns = ["dn", "detail", "last_run", "resolved_at", "acknowledged_by", "source"]
        SyncIssue.objects.bulk_update(changed, columns, batch_size=200)
    return len(opened) + len(changed)
