"""Reading how directories are followed: their sources, passes and what waits, what is to be settled, who is absent."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Count, F, Q, QuerySet

from audit.selectors import fold as unaccented
from directory import follow_words as words
from directory.ldap.apply import LISTED, PLUMBING
from directory.ldap.plan import Ceilings
from directory.ldap.rules import GROUP, KINDS, NEVER_WRITABLE, PERSON, may_be_read, may_be_written
from directory.ldap.servers import SERVERS
from directory.models import Collective, DirectorySource, Member, Membership, SyncIssue, SyncRun
from directory.normalise import InvalidName, fold, parse_dn
from directory.runs import last_read
from directory.selectors import READ
from directory.types import Hold, Kind, MemberState, RunStatus, ServerKind, SourceState

# A mirror that is older than this is said to be late: the worker reads at the latest every quarter of an hour.
LATE = timedelta(minutes=30)
# What everybody's rows say of two entries that share it.
SHARED = {"login_shared": "login_key", "mail_shared": "email_key"}
# What changes with an entry's place, and tells a reader more than that it was looked at.
TOLD = {"dn", "member_keys", "lead_keys", "nested"}
UNTOLD = PLUMBING - TOLD
# Of an issue, where there may be many.
SHOWN = ("entry_uuid", "dn", "detail", "code", "first_run__started_at", "acknowledged_by", "source__name")
ORDER = {code: place for place, code in enumerate(words.ISSUES)}


# Sources -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Followed:
    """How one source stands."""

    source: DirectorySource
    last: SyncRun | None
    waits: SyncRun | None
    people: int

    @property
    def is_failing(self) -> bool:
        return self.source.failing_since is not None or (
            self.last is not None and self.last.status == RunStatus.FAILED and self.source.state == SourceState.ACTIVE
        )


def sources() -> list[Followed]:
    """Every source, the retired ones last."""
    rows = list(
        DirectorySource.objects.annotate(
            people=Count("members", filter=Q(members__state=MemberState.ACTIVE, members__hold=Hold.NONE))
        )
    )
    last = _last_runs([row.pk for row in rows])
    found = []
    for row in rows:
        run = last.get(row.pk)
        waits = waiting_of(row) if run is not None else None
        found.append(Followed(row, run, waits, row.people))
    order = {SourceState.ACTIVE: 0, SourceState.PAUSED: 1, SourceState.DRAFT: 2, SourceState.RETIRED: 3}
    return sorted(found, key=lambda each: (order[SourceState(each.source.state)], each.source.pk))


def _last_runs(ids: Collection[int]) -> dict[int, SyncRun]:
    done = SyncRun.objects.filter(source__in=ids, dry=False).exclude(status=RunStatus.RUNNING)
    found: dict[int, SyncRun] = {}
    for source in ids:
        run = done.filter(source=source).defer("report").order_by("-id").first()
        if run is not None:
            found[source] = run
    return found


def waiting_of(source: DirectorySource) -> SyncRun | None:
    """The pass whose removals wait for a person, if they do."""
    run = last_read(source)
    return run if run is not None and run.status == RunStatus.HELD and run.report.get("approval") else None


def held_of(source: DirectorySource) -> tuple[str, int]:
    """Which removals wait for a person, and how many, without reading the report; nothing: ``("", 0)``."""
    last = SyncRun.objects.filter(source=source, dry=False, status__in=READ).order_by("-id")
    row = last.values_list("status", "counts", "report__approval").first()
    if row is None or row[0] != RunStatus.HELD or not row[2]:
        return "", 0
    return str(row[2]), int(row[1].get("held", 0))


def dry_run_of(source: DirectorySource) -> SyncRun | None:
    """The last reading for show, whatever came of it."""
    return SyncRun.objects.filter(source=source, dry=True).order_by("-id").first()


@dataclass(frozen=True, slots=True)
class Mapped:
    """One item: which attribute gives it, which one usually does on such a server."""

    item: str
    label: str
    attribute: str
    usual: str
    needed: bool
    may_be_writable: bool


NEEDED = {"person": {"login"}, "group": {"name", "member"}}


def mapping_of(source: DirectorySource) -> dict[str, list[Mapped]]:
    server = SERVERS[ServerKind(source.server)]
    usual = {"person": {**PERSON, **server.person}, "group": {**GROUP, **server.group}}
    return {
        part: [
            Mapped(
                item,
                str(words.item(item)).capitalize(),
                source.mapping.get(part, {}).get(item, attribute),
                attribute,
                item in NEEDED[part],
                part == "person" and item not in NEVER_WRITABLE,
            )
            for item, attribute in names.items()
        ]
        for part, names in usual.items()
    }


def kind_words(source: DirectorySource) -> dict[Kind, list[str]]:
    """By kind, the directory's words for it."""
    found: dict[Kind, list[str]] = {}
    for word, kind in {**{word: kind.value for word, kind in KINDS.items()}, **source.kinds}.items():
        if kind in Kind.values:
            found.setdefault(Kind(kind), []).append(word)
    return found


def kinds_from(given: Mapping[Kind, Sequence[str]]) -> dict[str, str]:
    """As a source keeps them: a usual word that nobody wants any more stands for no kind."""
    wanted = {word: kind.value for kind, all_ in given.items() for word in all_}
    folded = {fold(word) for word in wanted}
    taken_out = {word: Kind.OTHER.value for word in KINDS if fold(word) not in folded}
    return {word: kind for word, kind in {**wanted, **taken_out}.items() if KINDS.get(word) != kind}


def settings_connection() -> dict[str, object]:
    """What the operator's settings say of their directory, to be shown; of passwords nothing."""
    given = getattr(settings, "LDAP", {})
    shown = ("uri", "base", "people_base", "groups_base", "bind_dn", "write_dn")
    return {**{name: given.get(name) or "" for name in shown}, "authorities": str(given.get("ca_file") or "")}


def holds_passwords(attribute: str) -> bool:
    return not may_be_read(attribute)


def is_writable(item: str, person: Mapping[str, str], source: DirectorySource) -> bool:
    """Whether members may correct this item, where ``person`` says which attribute each item has."""
    server = SERVERS[ServerKind(source.server)]
    return may_be_written(item, {**PERSON, **server.person, **person}, server)


def usual_places(source: DirectorySource) -> dict[str, str]:
    """Where it is looked for, and by which filter, where nothing else is said."""
    server = SERVERS[ServerKind(source.server)]
    given = settings_connection() if source.from_settings else {}
    base = str(given.get("base") or source.base or "dc=exemple,dc=fr")
    people = str(given.get("people_base") or source.people_base or server.people_base(base))
    return {
        "base": "dc=exemple,dc=fr",
        "people_base": server.people_base(base),
        "people_filter": server.people_filter,
        "groups_base": server.groups_base(base),
        "groups_filter": server.groups_filter,
        "former_base": f"ou=anciens,{people}",
    }


def usual_ceilings() -> dict[str, float]:
    """How much may go in one pass without a person's word, where nothing else is said."""
    return asdict(Ceilings())


@dataclass(frozen=True, slots=True)
class Age:
    """How old what the hub knows of one directory is."""

    source: DirectorySource
    read_at: datetime | None
    failing_since: datetime | None
    retry_at: datetime | None
    error: str
    is_late: bool


def ages(now: datetime) -> list[Age]:
    """Of each source that is followed, the one that was read longest ago first."""
    rows = list(DirectorySource.objects.filter(state=SourceState.ACTIVE))
    rows.sort(key=lambda each: (each.read_at is not None, each.read_at or now, each.pk))
    last = _last_runs([row.pk for row in rows])
    return [_age(row, last.get(row.pk), now) for row in rows]


def _age(row: DirectorySource, run: SyncRun | None, now: datetime) -> Age:
    failed = run is not None and run.status == RunStatus.FAILED
    return Age(
        row,
        row.read_at,
        row.failing_since or (run.started_at if run is not None and failed else None),
        row.retry_at if row.retry_at and row.retry_at > now else None,
        run.error if run is not None and failed else "",
        row.read_at is None or now - row.read_at > LATE,
    )


# Passes --------------------------------------------------------------------------------------------------------------


def runs(source: DirectorySource | None = None) -> QuerySet[SyncRun]:
    """Every pass, the latest first; its report is read where it is shown."""
    found = SyncRun.objects.select_related("source", "asked_by", "approved_by").defer("report").order_by("-id")
    return found.filter(source=source) if source is not None else found


@dataclass(frozen=True, slots=True)
class Named:
    """A line of a report with names in place of identifiers."""

    name: str
    dn: str = ""
    items: tuple[str, ...] = ()
    why: str = ""
    member: UUID | None = None
    other: str = ""


def parts_of(run: SyncRun) -> dict[str, list[Any]]:
    """What a report tells, by kind of change; what was only looked at again is not told."""
    report = run.report or {}
    parts: dict[str, list[Any]] = {code: [] for code in words.VERBS}
    for kind in ("people", "groups"):
        for line in report.get(kind, []):
            is_quiet = line["verb"] == "edit" and not set(line.get("items", [])) - UNTOLD
            if not is_quiet:
                parts.setdefault(f"{kind}-{line['verb']}", []).append(line)
    for kind, verbs in (("memberships", ("set", "removed")), ("leads", ("added", "removed"))):
        for verb in verbs:
            parts[f"{kind}-{verb}"] = report.get(kind, {}).get(verb, [])
    parts["issues"] = report.get("issues", [])
    return {code: lines for code, lines in parts.items() if lines}


# What a pass counted, which is right however much of it the report has room for.
COUNTS = {
    "people-join": "people_joined",
    "people-end": "people_ended",
    "people-return": "people_returned",
    "people-edit": "people_changed",
    "groups-new": "groups_new",
    "groups-end": "groups_ended",
    "groups-return": "groups_returned",
    "groups-edit": "groups_changed",
    "memberships-set": "memberships_set",
    "memberships-removed": "memberships_removed",
    "leads-added": "leads_added",
    "leads-removed": "leads_removed",
}


PAIRS = ("memberships-", "leads-")


def left_out(run: SyncRun) -> dict[str, int]:
    """By kind of change, how many the report of a very large pass does not list."""
    found: dict[str, int] = {}
    for part, name in COUNTS.items():
        kind, _dash, verb = part.partition("-")
        told = (run.report or {}).get(kind) or []
        lines = told if isinstance(told, list) else told.get(verb, [])
        listed = sum(line["verb"] == verb for line in lines) if isinstance(told, list) else len(lines)
        missing = run.counts.get(name, 0) - listed
        if len(lines) >= LISTED and missing > 0:
            found[part] = missing
    return found


def names_in(run: SyncRun) -> dict[str, str]:
    """What a report itself calls people and groups: of those who are nowhere else, where it is for show."""
    report = run.report or {}
    return {line["entry"]: short(line["dn"]) for kind in ("people", "groups") for line in report.get(kind, [])}


def nameable(part: str, lines: Sequence[Any], known: Mapping[str, str]) -> list[Any]:
    """Without the pairs of a person and a group of which one has no name any more, neither here nor in the report."""
    if not part.startswith(PAIRS):
        return list(lines)
    groups = _group_names(group for group, _ in lines if group not in known)
    people = _people(person for _, person in lines if person not in known)
    return [
        (group, person)
        for group, person in lines
        if (group in known or group in groups) and (person in known or person in people)
    ]


def named(part: str, lines: Sequence[Any], known: Mapping[str, str] | None = None) -> list[Named]:
    """These lines of one part, with the names of whom they are about.  ``known``: how the report calls the others."""
    if part.startswith(PAIRS):
        others = known or {}
        groups = {**others, **_group_names(group for group, _ in lines)}
        people = _people(person for _, person in lines)
        return [
            Named(
                people[person].display_name if person in people else others.get(person, "?"),
                member=people[person].pk if person in people else None,
                other=groups.get(group, "?"),
            )
            for group, person in lines
        ]
    entries = [line["entry"] for line in lines]
    people = _people(entries)
    groups = _group_names(entries) if part != "people-join" else {}
    return [_named(part, line, people, groups) for line in lines]


def _named(part: str, line: Mapping[str, Any], people: Mapping[str, Member], groups: Mapping[str, str]) -> Named:
    entry, dn = line["entry"], line["dn"]
    member = people.get(entry)
    name = member.display_name if member else groups.get(entry) or short(dn)
    if part == "issues":
        return Named(name, dn, why=str(words.issue(line["code"])[0]), member=member.pk if member else None)
    items = tuple(sorted({str(words.item(each)) for each in line.get("items", []) if each not in UNTOLD}))
    if part in ("people-end", "people-return", "people-join"):
        items = ()
    return Named(name, dn, items, str(line.get("reason", "")), member.pk if member else None)


def _people(entries: Iterable[str]) -> dict[str, Member]:
    found: dict[str, Member] = {}
    for batch in _batches(_uuids(entries)):
        rows = Member.objects.filter(entry_uuid__in=batch).only("pk", "entry_uuid", "display_name", "login")
        found |= {str(row.entry_uuid): row for row in rows}
    return found


def _group_names(entries: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for batch in _batches(_uuids(entries)):
        rows = Collective.objects.filter(entry_uuid__in=batch).values_list("entry_uuid", "name")
        found |= {str(uuid): name for uuid, name in rows}
    return found


def _uuids(entries: Iterable[str]) -> list[UUID]:
    found = set()
    for entry in entries:
        try:
            found.add(UUID(entry))
        except ValueError:
            continue
    return sorted(found)


def _batches(wanted: Sequence[UUID]) -> Iterable[Sequence[UUID]]:
    return (wanted[start : start + 500] for start in range(0, len(wanted), 500))


def short(dn: str) -> str:
    """The first value of a name, for somebody whom the hub does not know yet."""
    try:
        return parse_dn(dn)[0][0][1]
    except (InvalidName, IndexError):
        return dn


# What waits ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Waiting:
    """One kind of removal that waits: how many of how many, above which limit, and which."""

    what: str
    count: int
    limit: int
    total: int
    lines: tuple[Named, ...]

    @property
    def left_out(self) -> int:
        return self.count - len(self.lines)

    @property
    def share(self) -> float:
        """In a hundred, for the picture."""
        return round(min(self.count / self.total, 1) * 100, 1) if self.total else 0

    @property
    def limit_share(self) -> float:
        return round(min(self.limit / self.total, 1) * 100, 1) if self.total else 0


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
            _total(held["what"], run),
            tuple(_waiting_lines(held["what"], lists.get(held["what"], []))),
        )
        for held in run.report.get("held", [])
    ]


def removals(run: SyncRun) -> int:
    return sum(held["count"] for held in run.report.get("held", []))


def _split(line: str) -> tuple[str, str]:
    """``people UUID``, ``memberships UUID UUID``, ``attribute phone UUID``."""
    what, _, rest = line.partition(" ")
    if what == "attribute":
        name, _, rest = rest.partition(" ")
        what = f"attribute {name}"
    return what, rest


def _waiting_lines(what: str, rests: Sequence[str]) -> list[Named]:
    if what == "server_went_back":
        return []
    if what == "memberships":
        pairs = [rest.split(" ") for rest in rests]
        return sorted(named("memberships-removed", pairs), key=lambda each: (unaccented(each.other), _place(each)))
    if what == "groups":
        groups = _group_names(rests)
        return sorted((Named(groups.get(rest, "?")) for rest in rests), key=_place)
    people = _people(rests)
    found = [
        Named(people[rest].display_name, other=people[rest].login, member=people[rest].pk)
        for rest in rests
        if rest in people
    ]
    if what in ("nothing_in_common", "taken_over"):
        groups = _group_names(rest for rest in rests if rest not in people)
        found += [Named(name) for name in groups.values()]
    return sorted(found, key=_place)


def _place(line: Named) -> tuple[str, str]:
    """By name as people look for it: without accents or case."""
    return unaccented(line.name), line.name


def _total(what: str, run: SyncRun) -> int:
    """Of how many, as they are now."""
    people = Member.objects.filter(source=run.source_id, state=MemberState.ACTIVE)
    if what in ("people", "people_today", "last_administrator", "nothing_in_common"):
        return people.count()
    groups = Collective.objects.filter(source=run.source_id, present=True)
    if what == "groups":
        return groups.count()
    if what == "memberships":
        return Membership.objects.filter(collective__in=groups).count()
    if what.startswith("attribute "):
        name = what.removeprefix("attribute ")
        known = name in {field.name for field in Member._meta.get_fields()}
        return people.exclude(**{name: ""}).count() if known else 0
    return 0


# Issues --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ToSettle:
    """One thing to settle: who is concerned (both, where two share something), and the rows that say so."""

    ids: tuple[int, ...]
    people: tuple[Named, ...]
    detail: str = ""
    since: datetime | None = None
    seen_by: str = ""
    # Of which directory.
    source: str = ""


@dataclass(frozen=True, slots=True)
class Kindred:
    """All that has the same cure."""

    code: str
    title: str
    advice: str
    count: int
    shown: tuple[ToSettle, ...] = ()


def open_issues(*, seen: bool = False) -> QuerySet[SyncIssue]:
    """Those that are there now; the ones that somebody lives with apart."""
    return SyncIssue.objects.filter(resolved_at=None, acknowledged_by__isnull=not seen)


def issues(*, seen: bool = False, each: int = 5) -> list[Kindred]:
    """By what to do, the gravest first, some of each."""
    counts = dict(open_issues(seen=seen).values_list("code").annotate(count=Count("pk")))
    return [
        _kindred(code, counts[code], to_settle(code, seen=seen, start=0, end=each))
        for code in sorted(counts, key=lambda code: (ORDER.get(code, len(ORDER)), code))
    ]


def kindred(code: str, *, seen: bool, start: int, end: int) -> Kindred:
    count = open_issues(seen=seen).filter(code=code).count()
    return _kindred(code, count, to_settle(code, seen=seen, start=start, end=end))


def _kindred(code: str, count: int, shown: Sequence[ToSettle]) -> Kindred:
    title, advice = words.issue(code)
    return Kindred(code, str(title), str(advice), count, tuple(shown))


def to_settle(code: str, *, seen: bool, start: int, end: int) -> list[ToSettle]:
    """Where several share one thing, one line for all of them."""
    rows = open_issues(seen=seen).filter(code=code).select_related("first_run", "acknowledged_by", "source")
    found = list(rows.only(*SHOWN).order_by("pk")) if code in SHARED else list(rows.order_by("pk")[start:end])
    people = _people(str(row.entry_uuid) for row in found)
    groups = _group_names(str(row.entry_uuid) for row in found if str(row.entry_uuid) not in people)

    def of(row: SyncIssue) -> Named:
        member = people.get(str(row.entry_uuid))
        name = member.display_name if member else groups.get(str(row.entry_uuid)) or short(row.dn)
        return Named(name, row.dn, member=member.pk if member else None)

    if code not in SHARED:
        return [_settled(row, (of(row),), _detail(row)) for row in found]
    sets: dict[frozenset[str], list[SyncIssue]] = {}
    for row in found:
        sets.setdefault(frozenset({row.dn, *row.detail.split("; ")}), []).append(row)
    lines = []
    for dns, together in sorted(sets.items(), key=lambda each: min(row.pk for row in each[1]))[start:end]:
        by_dn = {row.dn: of(row) for row in together}
        everybody = tuple(by_dn.get(dn) or Named(short(dn), dn) for dn in sorted(dns - {""}))
        line = _settled(together[0], everybody, "")
        # Two that share a name may be of two directories.
        names = " · ".join(sorted({row.source.name for row in together if row.source}, key=unaccented))
        lines.append(replace(line, ids=tuple(row.pk for row in together), source=names))
    return lines


def _settled(row: SyncIssue, people: tuple[Named, ...], detail: str) -> ToSettle:
    seen_by = row.acknowledged_by.display_name if row.acknowledged_by else ""
    source = row.source.name if row.source else ""
    return ToSettle((row.pk,), people, detail, row.first_run.started_at, seen_by, source)


def _detail(row: SyncIssue) -> str:
    """Names of attributes, a count, or names of groups: never the identifier of an entry."""
    return "" if row.code in ("login_reused", "entry_elsewhere") else row.detail.replace(" of ", "/")


# Absent --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Absent:
    member: Member
    why: str
    cure: str
    # When what the hub knows of them is erased: on that day once the absence counts as a departure, else not before.
    until: datetime
    is_dated: bool


def absent() -> QuerySet[Member]:
    """Whom the directory no longer shows, and whose details are still here; the next to be erased first."""
    found = Member.objects.filter(state=MemberState.MISSING, erased_at=None).exclude(entry_uuid=None)
    found = found.select_related("source")
    first = F("absent_for_good_at").asc(nulls_last=True), F("state_since").asc(nulls_first=True)
    return found.order_by(*first, "display_name")


def absence_of(member: Member, now: datetime) -> Absent:
    why, cure = words.ABSENCES.get(member.state_reason, words.ABSENCES["entry_gone"])
    if member.absent_for_good_at is not None:
        return Absent(member, str(why), str(cure), member.absent_for_good_at + settings.LEAVER_RETENTION, True)
    counted = timedelta()
    if member.source is not None and member.absent_from is not None:
        counted = member.source.followed_for - member.absent_from
    left = max(settings.ABSENCE - counted, timedelta())
    return Absent(member, str(why), str(cure), now + left + settings.LEAVER_RETENTION, False)


# What asks for somebody ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Todo:
    waiting: tuple[DirectorySource, ...]
    issues: int
    absent: int


def waiting() -> tuple[DirectorySource, ...]:
    """Those of which removals are held back until somebody has read them."""
    followed = DirectorySource.objects.filter(state=SourceState.ACTIVE)
    return tuple(source for source in followed if held_of(source)[0])


def todo() -> Todo:
    return Todo(waiting(), open_issues().count(), absent().count())


def are_several() -> bool:
    """Whether a page that tells of all directories should say which one it means."""
    return DirectorySource.objects.exclude(state__in=[SourceState.DRAFT, SourceState.RETIRED]).count() > 1


def collectives_of(source: DirectorySource) -> int:
    return Collective.objects.filter(source=source, present=True).exclude(kind=Kind.STATUS).count()
