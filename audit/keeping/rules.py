"""For how long which part of what is kept, and what outlives the erasure of a person: values in, values out."""

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from audit.kinds import Retention
from audit.parts import Role

Key = tuple[Retention, Role]
MAX_MONTHS = 600
# Whoever reads the journal also says how long it shows what they read: not less than that.
LOOK_UP_MONTHS = 6
# A period that was shortened: until then somebody can object, and nobody hides today what they did yesterday.
NOTICE = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Period:
    """``months``: none, as long as the log itself.  ``after_end``: counted from the end of the person's relation.

    ``outlives``: stays when the person is erased (GDPR 17(3)), until its own end.
    """

    months: int
    after_end: bool = False
    outlives: bool = False

    @property
    def is_endless(self) -> bool:
        return self.months == 0

    def begins_to_go(self, now: datetime) -> datetime:
        """What happened before that may go."""
        return months_before(now, self.months)


@dataclass(frozen=True, slots=True)
class Rules:
    """``version``: none for those that the code brings."""

    version: int
    periods: Mapping[Key, Period]

    def of(self, retention: Retention, role: Role) -> Period:
        return self.periods[retention, role]

    def outlives(self, retention: Retention, role: Role) -> bool:
        # From where somebody came outlives nobody: no duty asks for it.
        return role is not Role.NETWORK and self.of(retention, role).outlives


def _of(retention: Retention, common: int, subject: int, actor: int) -> dict[Key, Period]:
    return {
        (retention, Role.COMMON): Period(common, outlives=common == 0),
        (retention, Role.SUBJECT): Period(subject),
        (retention, Role.ACTOR): Period(actor),
        (retention, Role.NETWORK): Period(6),
    }


# Sign-ins and what tools were given: a year.  Look-ups: three, as a documented internal control.  Agreements are proof
# (GDPR 7(1)) for five years after the relation, the time in which somebody may sue; acts on accounts as look-ups.
# Who looked at somebody's file, changed their account or a setting has to answer for it after leaving too: 17(3)(e).
DEFAULTS: dict[Key, Period] = {
    **_of(Retention.SIGN_IN, 12, 12, 12),
    **_of(Retention.RELEASE, 12, 12, 12),
    **_of(Retention.LOOK_UP, 36, 36, 36),
    (Retention.LOOK_UP, Role.ACTOR): Period(36, outlives=True),
    **_of(Retention.CONSENT, 0, 60, 60),
    (Retention.CONSENT, Role.SUBJECT): Period(60, after_end=True, outlives=True),
    **_of(Retention.ACCOUNT, 0, 36, 36),
    (Retention.ACCOUNT, Role.ACTOR): Period(36, outlives=True),
    **_of(Retention.DIRECTORY, 0, 36, 36),
    **_of(Retention.ADMINISTRATION, 0, 60, 60),
    (Retention.ADMINISTRATION, Role.ACTOR): Period(60, outlives=True),
}


def to_json(periods: Mapping[Key, Period]) -> dict[str, dict[str, list[int]]]:
    found: dict[str, dict[str, list[int]]] = {}
    for (retention, role), each in periods.items():
        found.setdefault(retention.value, {})[role.value] = [each.months, int(each.after_end), int(each.outlives)]
    return found


def from_json(kept: Mapping[str, Mapping[str, Any]]) -> dict[Key, Period]:
    """What a version does not name yet is as the code has it."""
    periods = dict(DEFAULTS)
    for retention, roles in kept.items():
        for role, (months, after_end, outlives) in roles.items():
            if retention in Retention.values:
                periods[Retention(retention), Role(role)] = Period(months, bool(after_end), bool(outlives))
    return periods


def why_not(periods: Mapping[Key, Period]) -> str:
    """Why these cannot be the rules; empty where they can.

    The network is sealed with the key of whoever it is about, and without people the facts of a line stay alone: so
    nothing about people outlives the facts, and no network the people.
    """
    for retention in Retention:
        common, network = periods[retention, Role.COMMON], periods[retention, Role.NETWORK]
        for role in (Role.SUBJECT, Role.ACTOR):
            person = periods[retention, role]
            if _longer(network, person):
                return "network_outlives"
            if _longer(person, common) or (person.after_end and not common.is_endless):
                return "facts_first"
    if any(not 0 <= each.months <= MAX_MONTHS for each in periods.values()):
        return "months"
    if any(0 < periods[Retention.LOOK_UP, role].months < LOOK_UP_MONTHS for role in (Role.SUBJECT, Role.ACTOR)):
        return "look_ups_shown"
    return ""


def longest(versions: Sequence[Mapping[Key, Period]]) -> dict[Key, Period]:
    """Of each part, the longest that one of these keeps it; possible where each of them is."""
    return {key: _longest([each[key] for each in versions]) for key in versions[0]}


def _longest(periods: Sequence[Period]) -> Period:
    months = 0 if any(each.is_endless for each in periods) else max(each.months for each in periods)
    after_end = any(each.after_end for each in periods)
    return Period(months, after_end=after_end, outlives=any(each.outlives for each in periods))


def is_loosened(before: Period, after: Period) -> bool:
    """Whether anything is kept longer than it was."""
    more = _longer(after, before) or (after.after_end and not before.after_end and not before.is_endless)
    return more or (after.outlives and not before.outlives)


def months_before(now: datetime, months: int) -> datetime:
    """The same day and hour so many months earlier; the last day of a month that is shorter."""
    year, month = divmod(now.year * 12 + now.month - 1 - months, 12)
    day = min(now.day, calendar.monthrange(year, month + 1)[1])
    return now.replace(year=year, month=month + 1, day=day)


def _longer(one: Period, other: Period) -> bool:
    return not other.is_endless and (one.is_endless or one.months > other.months)
