"""What is a finding.  Values in, values out; no database, no clock."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from consent.findings.types import OBSERVED, Agreed, Behind, Declared, Finding, Kind, Objected, Sent, Stopped
from consent.types import LegalBasis

# What is ended is dead everywhere within a minute: an answer that was under way is no finding.
UNDER_WAY = timedelta(seconds=60)

# The legal basis of each item, by the number of the processing.
Sheets = Mapping[int, Mapping[str, str]]
Found = tuple[Sent, Collection[str], datetime]


def undeclared(sent: Iterable[Sent], sheets: Sheets) -> list[Finding]:
    """F1: what is not on the sheet under which it left, or left under none."""
    beyond = ((each, each.items - _sheet_of(each, sheets).keys(), each.first) for each in sent)
    return _by_tool(Kind.UNDECLARED, beyond)


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
) -> list[Finding]:
    """F3: what left after the member took it back, objected to it, was erased or left."""
    withdrawn = {each.number: each.until for each in agreed if each.withdrawn}
    against: dict[tuple[UUID, int], list[Objected]] = {}
    for objection in objected:
        against.setdefault((objection.member, objection.tool), []).append(objection)

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
        return each, items, max(each.first, min(times, default=each.first))

    return _by_tool(Kind.ENDED, map(found, sent))


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


def stopped(sent: Iterable[Sent], items: Collection[str]) -> Stopped:
    """What a sheet with these items alone would have stopped."""
    beyond = [(each, each.items - frozenset(items)) for each in sent if not each.items <= frozenset(items)]
    return Stopped(
        releases=sum(each.count for each, _ in beyond),
        members=len({each.member for each, _ in beyond}),
        items=tuple(sorted({item for _, some in beyond for item in some})),
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
        )
        for tool, some in sorted(wrong.items())
    ]
