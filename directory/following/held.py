"""What waits for a person."""

from collections.abc import Sequence
from dataclasses import dataclass

from audit.selectors import fold as unaccented
from directory.following.names import Named, group_names, people_by_entry
from directory.following.reports import named
from directory.ldap.plan import ALL_WAITS, at_once
from directory.models import Collective, DirectorySource, Member, Membership, SyncRun
from directory.runs import last_read
from directory.selectors import READ
from directory.types import MemberState, RunStatus, SourceState

# Kinds of what waits whose lines name a person whose account would close.
OF_PEOPLE = frozenset({"people", "last_administrator"})


def waiting_of(source: DirectorySource) -> SyncRun | None:
    """The pass whose removals wait for a person, if they do."""
    run = last_read(source)
    return run if run is not None and run.status == RunStatus.HELD and run.report.get("approval") else None


def held_of(source: DirectorySource) -> tuple[str, int, bool]:
    """Which removals wait for a person, how many, and whether these are all changes of whatever kind, as the directory
    is not believed; without reading the report.  Nothing: ``("", 0, False)``.
    """
    last = SyncRun.objects.filter(source=source, dry=False, status__in=READ).order_by("-id")
    row = last.values_list("status", "counts", "report__approval").first()
    if row is None or row[0] != RunStatus.HELD or not row[2]:
        return "", 0, False
    return str(row[2]), int(row[1].get("held", 0)), bool(row[1].get("waits_wholly"))


def waiting() -> tuple[DirectorySource, ...]:
    """Those of which removals are held back until somebody has read them."""
    followed = DirectorySource.objects.filter(state=SourceState.ACTIVE)
    return tuple(source for source in followed if held_of(source)[0])


@dataclass(frozen=True, slots=True)
class Waiting:
    """One kind of removal that waits: how many of how many, above which limit, and which.

    ``before``: how many went within a day before, where the limit is for all of these.
    """

    what: str
    count: int
    limit: int
    total: int
    lines: tuple[Named, ...]
    before: int = 0

    @property
    def closes_accounts(self) -> bool:
        return at_once(self.what) in OF_PEOPLE

    @property
    def left_out(self) -> int:
        return self.count - len(self.lines)

    @property
    def in_a_day(self) -> int:
        return self.before + self.count

    @property
    def share(self) -> float:
        """In a hundred, for the picture."""
        return self._share(self.in_a_day)

    @property
    def limit_share(self) -> float:
        return self._share(self.limit)

    def _share(self, count: int) -> float:
        return round(min(count / self.total, 1) * 100, 1) if self.total else 0


def removal_waits(member: Member) -> bool:
    """Whether this member's entry is gone and somebody is to decide what becomes of that.  One statement."""
    run = waiting_of(member.source) if member.source and member.state == MemberState.ACTIVE else None
    if run is None:
        return False
    going = {rest for what, rest in map(_split, run.report.get("held_names", [])) if at_once(what) in OF_PEOPLE}
    would = run.report.get("would", {}).get("people", ())
    return str(member.entry_uuid) in going | {line["entry"] for line in would if line["verb"] == "end"}


def what_waits(run: SyncRun) -> list[Waiting]:
    """The removals of a held pass, kind by kind, with names."""
    lists: dict[str, list[str]] = {}
    for line in run.report.get("held_names", []):
        what, rest = _split(line)
        lists.setdefault(what, []).append(rest)
    return [
        Waiting(
            held["what"],
            held["count"],
            held["limit"],
            _total(at_once(held["what"]), run),
            tuple(_waiting_lines(at_once(held["what"]), lists.get(held["what"], []))),
            held.get("before", 0),
        )
        for held in run.report.get("held", [])
    ]


def outcome_of(run: SyncRun) -> SyncRun | None:
    """The first pass that no longer held what this one did: let go, changed, or given back.  One statement."""
    if run.dry or run.status != RunStatus.HELD:
        return None
    later = SyncRun.objects.filter(source=run.source_id, dry=False, status__in=READ, pk__gt=run.pk)
    others = later.exclude(report__approval=run.report.get("approval", ""))
    return others.select_related("approved_by").order_by("pk").first()


def removals(run: SyncRun) -> int:
    return sum(held["count"] for held in run.report.get("held", []))


def waits_wholly(run: SyncRun) -> bool:
    """Whether nothing of what the directory shows is believed."""
    return any(held["what"] in ALL_WAITS for held in run.report.get("held", []))


def would_of(run: SyncRun) -> SyncRun | None:
    """Where everything waits, what a person's word would carry out: read as the report of a pass, and never saved."""
    would = run.report.get("would")
    return SyncRun(source=run.source, report=would, counts=would["counts"]) if would else None


def _split(line: str) -> tuple[str, str]:
    """``people UUID``, ``memberships UUID UUID``, ``leads UUID UUID``, ``attribute phone UUID``."""
    what, _, rest = line.partition(" ")
    if at_once(what) == "attribute":
        name, _, rest = rest.partition(" ")
        what = f"{what} {name}"
    return what, rest


def _waiting_lines(what: str, rests: Sequence[str]) -> list[Named]:
    if what in ("memberships", "leads"):
        pairs = [rest.split(" ") for rest in rests]
        return sorted(named(f"{what}-removed", pairs), key=lambda each: (unaccented(each.other), _place(each)))
    if what == "groups":
        groups = group_names(rests)
        return sorted((Named(groups.get(rest, "?")) for rest in rests), key=_place)
    people = people_by_entry(rests)
    found = [
        Named(people[rest].display_name, other=people[rest].login, why=_standing(people[rest]), member=people[rest].pk)
        for rest in rests
        if rest in people
    ]
    if what in ("nothing_in_common", "taken_over"):
        groups = group_names(rest for rest in rests if rest not in people)
        found += [Named(name) for name in groups.values()]
    return sorted(found, key=_place)


def _standing(person: Member) -> str:
    """Of those who cannot enter as it is: their account closes for good all the same."""
    return "" if person.state == MemberState.ACTIVE else str(MemberState(person.state).label)


def _place(line: Named) -> tuple[str, str]:
    """By name as people look for it: without accents or case."""
    return unaccented(line.name), line.name


def _total(what: str, run: SyncRun) -> int:
    """Of how many, as they are now."""
    people = Member.objects.filter(source=run.source_id, state=MemberState.ACTIVE)
    if what in ("people", "last_administrator", "nothing_in_common"):
        return people.count()
    groups = Collective.objects.filter(source=run.source_id, present=True)
    if what == "groups":
        return groups.count()
    if what == "memberships":
        return Membership.objects.filter(collective__in=groups).count()
    if what == "leads":
        return Collective.leads.through.objects.filter(collective__in=groups).count()
    if what.startswith("attribute "):
        name = what.removeprefix("attribute ")
        known = name in {field.name for field in Member._meta.get_fields()}
        return people.exclude(**{name: ""}).count() if known else 0
    return 0
