"""What is a finding.  Values in, values out; no database, no clock."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID

from consent.findings.types import (
    ACCEPTED,
    ASSESSED,
    BY_MODE,
    OBSERVED,
    OFTEN,
    SETTLED,
    Agreed,
    Behind,
    Decided,
    DecisionInvalid,
    Declared,
    Finding,
    Kind,
    Objected,
    Record,
    Restricted,
    Sent,
    Stopped,
)
from consent.modes.types import Period
from consent.types import ITEMS, Face, LegalBasis, face_of

# What is ended is dead everywhere within a minute: an answer that was under way is no finding.
UNDER_WAY = timedelta(seconds=60)

# The legal basis of each item, by the number of the processing.
Sheets = Mapping[int, Mapping[str, str]]
Found = tuple[Sent, Collection[str], datetime]
# Of what the register lacks, what a date or a country made urgent; the rest is a hole that the register shows.
OVERDUE = ("contract_over", "safeguard", "no_safeguard")


def undeclared(sent: Iterable[Sent], sheets: Sheets, periods: Iterable[Period] = ()) -> list[Finding]:
    """F1: what is not on the sheet under which it left, or left under none.

    An alarm, unless the tool really was in the mode by which the row says that it left.
    """
    of_tool: dict[tuple[int, str], list[Period]] = {}
    for period in periods:
        of_tool.setdefault((period.tool, period.mode), []).append(period)

    def mode_of(each: Sent) -> str:
        # What left alike is counted together: several decisions for one mode may have followed each other.
        lenient = [(period.since, period.until + UNDER_WAY) for period in of_tool.get((each.tool, each.mode), [])]
        known = all(any(since <= at < until for since, until in lenient) for at in (each.first, each.last))
        return each.mode if known and each.processing is not None else ""

    by_mode: dict[str, list[Found]] = {"": [], **{mode: [] for mode in BY_MODE}}
    for each in sent:
        if items := each.items - _sheet_of(each, sheets).keys():
            by_mode[mode_of(each)].append((each, items, each.first))
    found = ((mode, finding) for mode, some in by_mode.items() for finding in _by_tool(Kind.UNDECLARED, some))
    return [replace(finding, mode=mode) for mode, finding in found]


def not_agreed(sent: Iterable[Sent], sheets: Sheets, agreed: Iterable[Agreed]) -> list[Finding]:
    """F2: what rests on consent, and no agreement to it stood when it left."""
    decisions = {each.number: each for each in agreed}
    of_pair: dict[tuple[UUID, int], list[Agreed]] = {}
    for decision in decisions.values():
        of_pair.setdefault((decision.member, decision.tool), []).append(decision)

    def covered(each: Sent) -> frozenset[str]:
        # A row that is older than decisions in the ledger names none: any that stood then will do.
        named = decisions.get(each.decision)
        possible = of_pair.get((each.member, each.tool), []) if not each.decision else [named] if named else []
        stood = (one for one in possible if (one.member, one.tool) == (each.member, each.tool) and _stood(one, each))
        return frozenset(item for one in stood for item in one.items)

    def missing(each: Sent) -> frozenset[str]:
        asked = {item for item, basis in _sheet_of(each, sheets).items() if basis == LegalBasis.CONSENT}
        return (each.items & asked) - covered(each)

    return _by_tool(Kind.NOT_AGREED, ((each, missing(each), each.first) for each in sent))


def ended(
    sent: Iterable[Sent],
    agreed: Iterable[Agreed],
    objected: Iterable[Objected],
    gone: Mapping[UUID, datetime],
    restricted: Iterable[Restricted] = (),
) -> list[Finding]:
    """F3: what left after the member took it back, objected to it, had it restricted, was erased or left."""
    withdrawn = {each.number: each.until for each in agreed if each.withdrawn}
    against: dict[tuple[UUID, int], list[Objected]] = {}
    for objection in objected:
        against.setdefault((objection.member, objection.tool), []).append(objection)
    kept: dict[UUID, list[Restricted]] = {}
    for restriction in restricted:
        kept.setdefault(restriction.member, []).append(restriction)

    def found(each: Sent) -> Found:
        items: set[str] = set()
        times: list[datetime] = []
        for end in (withdrawn.get(each.decision), gone.get(each.member)):
            if end is not None and each.last > end + UNDER_WAY:
                items |= each.items
                times.append(end)
        for objection in against.get((each.member, each.tool), ()):
            over = objection.until is not None and objection.until <= each.first
            if each.items & objection.items and each.last > objection.since + UNDER_WAY and not over:
                items |= each.items & objection.items
                times.append(objection.since)
        for restriction in kept.get(each.member, ()):
            over = restriction.until is not None and restriction.until <= each.first
            is_of_tool = restriction.tool in (None, each.tool)
            if is_of_tool and each.last > restriction.since + UNDER_WAY and not over:
                items |= each.items
                times.append(restriction.since)
        return each, items, max(each.first, min(times, default=each.first))

    return _by_tool(Kind.ENDED, map(found, sent))


def grown(sent: Iterable[Sent], sheets: Sheets, read: Mapping[int, int]) -> list[Finding]:
    """F4: what the text that the member decided about does not have; ``read``: its processing, by decision."""

    def unread(each: Sent) -> frozenset[str]:
        processing = read.get(each.decision)
        # What is on no sheet is F1's.
        declared = each.items & _sheet_of(each, sheets).keys()
        return declared - sheets.get(processing, {}).keys() if processing is not None else frozenset()

    return _by_tool(Kind.GROWN, ((each, unread(each), each.first) for each in sent))


def outdated(behind: Iterable[Behind]) -> list[Finding]:
    """F5: the notice is newer than the one that members know."""
    return [Finding(Kind.OUTDATED, each.tool, each.since, each.members) for each in behind if each.members]


def unobserved(declared: Iterable[Declared], *, now: datetime) -> list[Finding]:
    """F6: what has been declared for so long and was not seen to leave since: it may not be needed."""
    long_ago = now - OBSERVED
    old: dict[int, list[Declared]] = {}
    for each in declared:
        if each.since <= long_ago and (each.seen is None or each.seen < long_ago):
            old.setdefault(each.tool, []).append(each)
    return [
        Finding(
            Kind.UNOBSERVED,
            tool,
            min(each.seen or each.since for each in some),
            len(some),
            tuple(sorted(each.item for each in some)),
        )
        for tool, some in sorted(old.items())
    ]


def empty(sent: Iterable[Sent], sheets_in_force: Mapping[int, Mapping[str, str]], since: datetime) -> list[Finding]:
    """F8: what nobody may refuse, is asked for with what left, and never had a value."""
    left: dict[int, dict[str, int]] = {}
    for each in sent:
        times = left.setdefault(each.tool, {})
        for item in each.items:
            times[item] = times.get(item, 0) + each.count

    def is_empty(item: str, basis: str, times: Mapping[str, int]) -> bool:
        if item in times or item not in ITEMS or face_of(basis) is not Face.INFORMATION:
            return False
        beside = (other for other in times if other in ITEMS and ITEMS[other].scope == ITEMS[item].scope)
        return max((times[other] for other in beside), default=0) >= OFTEN

    found = []
    for tool, sheet in sorted(sheets_in_force.items()):
        items = tuple(sorted(item for item, basis in sheet.items() if is_empty(item, basis, left.get(tool, {}))))
        if items:
            found.append(Finding(Kind.EMPTY, tool, since, len(items), items))
    return found


def overdue(records: Iterable[Record], *, today: date) -> list[Finding]:
    """F9: a contract that is over, a transfer without a safeguard, an impact assessment that lacks or is old."""
    found = []
    for each in records:
        codes = [code for code in OVERDUE if code in each.holes]
        if each.is_sensitive and "assessment" in each.holes:
            codes.append("assessment")
        if each.assessed is not None and each.assessed < today - ASSESSED:
            codes.append("assessment_old")
        if codes:
            found.append(
                Finding(Kind.OVERDUE, each.tool, each.since, len(codes), tuple(codes), reference=each.reference)
            )
    return found


def sensitive(known: Iterable[tuple[int, datetime]]) -> list[Finding]:
    """F10: for each tool, people whose collectives it was told before one of them became sensitive."""
    people: dict[int, list[datetime]] = {}
    for tool, since in known:
        people.setdefault(tool, []).append(since)
    return [Finding(Kind.SENSITIVE, tool, min(each), len(each), ("groups",)) for tool, each in sorted(people.items())]


def looked_up(people: int, *, since: datetime, now: datetime) -> list[Finding]:
    """F11: some people looked far more often than they use to.  It says how many, and never who."""
    return [Finding(Kind.LOOKUPS, None, since, people, last=now)] if people else []


def unlogged(gaps: int, since: datetime | None) -> list[Finding]:
    """F12: what the nightly comparison found in the tables and not in the journal."""
    return [Finding(Kind.UNLOGGED, None, since, gaps)] if gaps and since is not None else []


def kept(held: Iterable[tuple[int, str, datetime, int]]) -> list[Finding]:
    """F13: items that a tool still holds of people who were erased; tool, item, since when and of how many."""
    by_tool: dict[int, list[tuple[str, datetime, int]]] = {}
    for tool, item, since, people in held:
        by_tool.setdefault(tool, []).append((item, since, people))
    return [
        Finding(
            Kind.KEPT,
            tool,
            min(since for _, since, _ in each),
            max(people for _, _, people in each),
            tuple(sorted(item for item, _, _ in each)),
        )
        for tool, each in sorted(by_tool.items())
    ]


def check_decision(kind: Kind, until: date | None, *, today: date) -> None:
    """Raises ``DecisionInvalid``.  A gap of the journal is explained row by row, beside its comparison."""
    if kind is Kind.UNLOGGED:
        raise DecisionInvalid("elsewhere")
    if kind in SETTLED:
        if until is not None:
            raise DecisionInvalid("not_accepted")
        return
    if until is None:
        raise DecisionInvalid("until_missing")
    if until < today:
        raise DecisionInvalid("until_past")
    if until > today + ACCEPTED:
        raise DecisionInvalid("until_far")


def covers(decided: Decided, finding: Finding, *, today: date) -> bool:
    """Whether this was said of this finding, and still holds: nothing more, and nothing since, where it is settled."""
    same = (decided.kind, decided.tool, decided.reference) == (finding.kind, finding.tool, finding.reference)
    # What a mode lets out is not settled: the mode ends.
    if not same or finding.mode or not decided.items >= frozenset(finding.items):
        return False
    if decided.until is not None:
        return today <= decided.until
    return finding.last is None or finding.last <= decided.at


def stopped(sent: Iterable[Sent], items: Collection[str]) -> Stopped:
    """What a sheet with these items alone would have stopped."""
    beyond = [(each, each.items - frozenset(items)) for each in sent if not each.items <= frozenset(items)]
    return Stopped(
        releases=sum(each.count for each, _ in beyond),
        members=len({each.member for each, _ in beyond}),
        items=tuple(sorted({item for _, some in beyond for item in some})),
    )


def let_out(sent: Iterable[Sent], items: Collection[str], noes: Mapping[UUID, Collection[str]]) -> Stopped:
    """What would have left besides, had these items been let out, all but what each member said no to."""
    more = [(each, frozenset(items) - frozenset(noes.get(each.member, ()))) for each in sent]
    more = [(each, some) for each, some in more if some]
    return Stopped(
        releases=sum(each.count for each, _ in more),
        members=len({each.member for each, _ in more}),
        items=tuple(sorted({item for _, some in more for item in some})),
    )


def _sheet_of(each: Sent, sheets: Sheets) -> Mapping[str, str]:
    return sheets.get(each.processing, {}) if each.processing is not None else {}


def _stood(decision: Agreed, each: Sent) -> bool:
    # After its end, one that was taken back is F3's.
    over = decision.until is not None and each.last > decision.until + UNDER_WAY and not decision.withdrawn
    return decision.since <= each.first and not over


def _by_tool(kind: Kind, found: Iterable[Found]) -> list[Finding]:
    """One finding for each tool, of the releases that have something wrong with them."""
    wrong: dict[int, list[Found]] = {}
    for each in found:
        if each[1]:
            wrong.setdefault(each[0].tool, []).append(each)
    return [
        Finding(
            kind,
            tool,
            min(since for _, _, since in some),
            sum(each.count for each, _, _ in some),
            tuple(sorted({item for _, items, _ in some for item in items})),
            last=max(each.last for each, _, _ in some),
        )
        for tool, some in sorted(wrong.items())
    ]
