"""The rules of breaches: what may be written, how long there is to notify, what the drafts say.

Values in, values out; no database, no clock.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from datetime import date, datetime, timedelta
from typing import Any

from pydantic import TypeAdapter

from consent.incidents.types import (
    Aside,
    Clock,
    Closing,
    Content,
    Count,
    Decision,
    Facts,
    Form,
    IncidentInvalid,
    Letter,
    Notice,
    Pace,
    Phase,
    Risk,
    Standing,
    StepKind,
    Telling,
)
from consent.register.policy import tidy

MOST_CHARACTERS, MOST_LETTER = 4000, 12_000
KINDS: dict[type[Any], StepKind] = {
    Facts: StepKind.FACTS,
    Count: StepKind.COUNT,
    Aside: StepKind.ASIDE,
    Decision: StepKind.RISK,
    Form: StepKind.FORM,
    Letter: StepKind.LETTER,
    Notice: StepKind.NOTICE,
    Telling: StepKind.TELLING,
    Closing: StepKind.CLOSING,
}
_ADAPTERS: dict[str, TypeAdapter[Any]] = {kind.value: TypeAdapter(each) for each, kind in KINDS.items()}
# Art. 9: to be in a collective can tell of a mandate, of an illness.
TELLING_ITEMS = frozenset({"groups"})


def to_json(content: Content) -> dict[str, Any]:
    found: dict[str, Any] = _ADAPTERS[KINDS[type(content)].value].dump_python(content, mode="json")
    return found


def content_of(kind: str, stored: Any) -> Any:
    return _ADAPTERS[kind].validate_python(stored)


# How long there is ----------------------------------------------------------------------------------------------


def hours_on(day: date, delays: str) -> int:
    """The delay for what is noticed on a day: ``72 2027-07-01=96`` is 72 hours, and 96 from that day on."""
    first, *later = delays.split()
    hours = int(first)
    for each in sorted(later):
        since, _equals, said = each.partition("=")
        if date.fromisoformat(since) <= day:
            hours = int(said)
    return hours


def clock(standing: Standing, now: datetime) -> Clock:
    """Article 33(1): until when, from when somebody was aware of it."""
    facts = standing.facts
    deadline = facts.deadline
    first = min((each.at for each in standing.notices), default=None)
    if first is not None:
        pace = Pace.NOTIFIED if first <= deadline else Pace.NOTIFIED_LATE
    elif standing.decision is not None and standing.decision.risk is Risk.NONE:
        pace = Pace.NOT_DUE
    elif now > deadline:
        pace = Pace.LATE
    else:
        pace = Pace.UNDECIDED if standing.decision is None else Pace.TO_NOTIFY
    spent = ((first or now) - facts.aware) / timedelta(hours=facts.hours)
    return Clock(pace, deadline, deadline - (first or now), max(0, min(100, int(spent * 100))), facts.hours)


def owes_telling(standing: Standing) -> bool:
    """Whether people at high risk are still to be told (article 34(1))."""
    decision = standing.decision
    return decision is not None and decision.risk is Risk.HIGH and not standing.tellings and standing.closing is None


# What may be written --------------------------------------------------------------------------------------------


def standing_of(steps: Iterable[tuple[int, str, Any]]) -> Standing:
    """All steps in their order; what comes after a closing opens it again."""
    found: Standing | None = None
    for number, kind, stored in steps:
        content = content_of(kind, stored)
        if found is None:
            found = Standing(content)
            continue
        found = replace(found, closing=None)
        match content:
            case Facts():
                found = replace(found, facts=content)
            case Count():
                found = replace(found, counts=(*found.counts, (number, content)))
            case Aside():
                found = replace(found, counts=tuple(each for each in found.counts if each[0] != content.number))
            case Decision():
                found = replace(found, decision=content)
            case Form():
                found = replace(found, form=content)
            case Letter():
                found = replace(found, letter=content)
            case Notice():
                found = replace(found, notices=(*found.notices, content))
            case Telling():
                found = replace(found, tellings=(*found.tellings, content))
            case Closing():
                found = replace(found, closing=content)
    if found is None:
        raise ValueError("a breach begins with its facts")
    return found


def checked(content: Any, standing: Standing | None, *, now: datetime) -> Any:
    """The content as it is kept.  Raises ``IncidentInvalid`` with every place that is wrong."""
    content = tidy(content)
    problems = {
        each.name: "too_long"
        for each in fields(content)
        if isinstance(said := getattr(content, each.name), str)
        and len(said) > (MOST_LETTER if isinstance(content, Letter) else MOST_CHARACTERS)
    }
    check: Callable[[], dict[str, str]] = {
        Facts: lambda: _wrong_facts(content, now),
        Count: lambda: _wrong_count(content, now),
        Aside: lambda: _wrong_aside(content, standing),
        Decision: lambda: {} if content.reason else {"reason": "missing"},
        Notice: lambda: _wrong_notice(content, standing, now),
        Telling: lambda: _wrong_telling(content, standing, now),
        Closing: lambda: _wrong_closing(content, standing),
        Letter: lambda: {name: "missing" for name in ("fr", "en") if not getattr(content, name)},
    }.get(type(content), dict)
    if problems := problems | check():
        raise IncidentInvalid(problems)
    return content


def _wrong_facts(facts: Facts, now: datetime) -> dict[str, str]:
    found = {name: "missing" for name in ("title", "natures") if not getattr(facts, name)}
    moments = {name: getattr(facts, name) for name in ("began", "ended", "noticed", "aware")}
    found |= {name: "future" for name, at in moments.items() if at is not None and at > now and name != "ended"}
    if facts.began and facts.ended and facts.ended < facts.began:
        found["ended"] = "before_it_began"
    # Aware is who knows that there is a breach: not before it, nor before somebody noticed something.
    if any(early is not None and facts.aware < early for early in (facts.began, facts.noticed)):
        found["aware"] = "aware_too_early"
    return found


def _wrong_count(count: Count, now: datetime) -> dict[str, str]:
    if count.until < count.since:
        return {"until": "before_it_began"}
    return {"since": "future"} if count.since > now else {}


def _wrong_aside(aside: Aside, standing: Standing | None) -> dict[str, str]:
    counted = {number for number, _count in standing.counts} if standing else set[int]()
    return {} if aside.number in counted else {"number": "no_count"}


def _wrong_notice(notice: Notice, standing: Standing | None, now: datetime) -> dict[str, str]:
    found = {} if notice.at <= now else {"at": "future"}
    if standing is None:
        return found
    if notice.at < standing.facts.aware:
        found["at"] = "before_aware"
    initial = any(each.phase is Phase.INITIAL for each in standing.notices)
    if notice.phase is Phase.INITIAL and initial:
        found["phase"] = "notified_already"
    if notice.phase is Phase.COMPLEMENT and not initial:
        found["phase"] = "not_notified"
    if notice.phase is Phase.INITIAL and notice.at > standing.facts.deadline and not notice.late:
        found["late"] = "late_why"
    return found


def _wrong_telling(telling: Telling, standing: Standing | None, now: datetime) -> dict[str, str]:
    found = {} if telling.how else {"how": "missing"}
    if telling.at > now:
        found["at"] = "future"
    elif standing is not None and telling.at < standing.facts.aware:
        found["at"] = "before_aware"
    return found


def _wrong_closing(closing: Closing, standing: Standing | None) -> dict[str, str]:
    if standing is None or standing.decision is None:
        return {"": "undecided"}
    if standing.decision.risk is not Risk.NONE and not standing.notices:
        return {"": "not_notified"}
    if standing.decision.risk is Risk.HIGH and not standing.tellings and not closing.reason:
        return {"reason": "not_told"}
    return {}


# Drafts ---------------------------------------------------------------------------------------------------------


def people_of(standing: Standing) -> int | None:
    """The most that a count found, or what was estimated: tools may hold the same people."""
    return _most([each.people for _number, each in standing.counts], standing.facts.people)


def entries_of(standing: Standing) -> int | None:
    by_tool: dict[int, int] = {}
    for _number, each in standing.counts:
        by_tool[each.tool] = max(by_tool.get(each.tool, 0), each.entries)
    return _most([sum(by_tool.values())] if by_tool else [], standing.facts.entries)


def _most(counted: list[int], estimated: int | None) -> int | None:
    found = [*counted, *([estimated] if estimated is not None else [])]
    return max(found) if found else None


def held(counts: Iterable[Count], what: Callable[[Count], Mapping[str, int]]) -> list[str]:
    """The codes that any of the counts found, each once and in the order in which they came."""
    return list(dict.fromkeys(code for count in counts for code in what(count)))
