"""Why somebody cannot get in, or will soon not: facts in, obstacles out.  No Django, no clock of its own.

The office and the member are told the same things, each in their own words (``idp/standing_words.py``).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from directory.types import Hold, MailState, MemberState


class Invited(StrEnum):
    """How far the way in has come for somebody who never signed in."""

    NEVER = "never"
    WAITING = "waiting"
    SENT = "sent"
    OPENED = "opened"
    NOT_SENT = "not_sent"
    EXPIRED = "expired"


class Code(StrEnum):
    """What stands in the way."""

    LEFT = "left"
    LEFT_DIRECTORY = "left_directory"
    SUSPENDED = "suspended"
    LOCKED = "locked"
    MISSING = "missing"
    SOURCE_RETIRED = "source_retired"
    REMOVAL_WAITS = "removal_waits"
    NO_NAME = "no_name"
    SHARED_NAME = "shared_name"
    LOGIN_IS_MAIL = "login_is_mail"
    MAIL_IS_LOGIN = "mail_is_login"
    BLOCKED = "blocked"
    FACTOR_MISSING = "factor_missing"
    INVITATION_NEVER = "invitation_never"
    INVITATION_WAITING = "invitation_waiting"
    INVITATION_SENT = "invitation_sent"
    INVITATION_OPENED = "invitation_opened"
    INVITATION_NOT_SENT = "invitation_not_sent"
    INVITATION_EXPIRED = "invitation_expired"
    FACTOR_DUE = "factor_due"
    MAIL_MISSING = "mail_missing"
    MAIL_SHARED = "mail_shared"
    MAIL_INVALID = "mail_invalid"
    LEAVING = "leaving"


class Ask(StrEnum):
    """Who can mend it."""

    OFFICE = "office"
    DIRECTORY = "directory"
    TECHNIQUE = "technique"
    MEMBER = "member"
    NOBODY = "nobody"


class Act(StrEnum):
    """What the office may do about it on the member's page."""

    RESUME = "resume"
    UNLOCK = "unlock"
    INVITE = "invite"
    WELCOME_BACK = "welcome_back"
    CANCEL_DEPARTURE = "cancel_departure"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of an account at one moment."""

    state: MemberState
    hold: Hold = Hold.NONE
    since: datetime | None = None
    reason: str = ""
    # Nobody asks their directory whose password it is any more.
    source_retired: bool = False
    # Their entry was not there any more, and nobody has said yet that it should not be.
    removal_waits: bool = False
    has_login: bool = True
    login_shared: bool = False
    # Somebody else's address is what their login is, or the other way round.
    login_is_mail: bool = False
    mail: MailState = MailState.OK
    mail_is_login: bool = False
    blocked_until: datetime | None = None
    ever_in: bool = True
    invited: Invited = Invited.NEVER
    has_factor: bool = False
    has_passkey: bool = False
    factor_by: datetime | None = None
    last_day: date | None = None


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One thing in the way.  ``stops``: nobody gets in while it lasts; else it is only worth knowing."""

    code: Code
    stops: bool
    ask: Ask
    act: Act | None = None
    at: datetime | date | None = None
    reason: str = ""


def obstacles(facts: Facts, now: datetime) -> tuple[Obstacle, ...]:
    """Everything in the way, what stops first."""
    found = tuple(_found(facts, now))
    return (*(each for each in found if each.stops), *(each for each in found if not each.stops))


def can_enter(facts: Facts, now: datetime) -> bool:
    return not any(each.stops for each in _found(facts, now))


def _found(facts: Facts, now: datetime) -> Iterator[Obstacle]:
    yield from _of_the_account(facts)
    if facts.hold == Hold.LEFT or facts.state in (MemberState.LEFT, MemberState.MISSING):
        # Whoever has left needs no invitation, no factor and no address.
        return
    if facts.source_retired:
        # Whoever has a passkey comes in with it: no directory is asked for that.
        yield Obstacle(Code.SOURCE_RETIRED, not facts.has_passkey, Ask.TECHNIQUE)
    if facts.removal_waits:
        yield Obstacle(Code.REMOVAL_WAITS, not facts.has_passkey, Ask.TECHNIQUE)
    yield from _of_the_name(facts)
    if facts.blocked_until and facts.blocked_until > now:
        yield Obstacle(Code.BLOCKED, True, Ask.OFFICE, Act.UNLOCK, facts.blocked_until)
    yield from _of_the_factor(facts, now)
    yield from _of_the_mail(facts)
    if not facts.ever_in:
        yield Obstacle(Code(f"invitation_{facts.invited}"), False, *_INVITATIONS[facts.invited])
    if facts.last_day and facts.hold == Hold.NONE:
        yield Obstacle(Code.LEAVING, False, Ask.OFFICE, Act.CANCEL_DEPARTURE, facts.last_day)


_INVITATIONS: dict[Invited, tuple[Ask, Act | None]] = {
    Invited.NEVER: (Ask.OFFICE, Act.INVITE),
    Invited.WAITING: (Ask.NOBODY, None),
    Invited.SENT: (Ask.MEMBER, Act.INVITE),
    Invited.OPENED: (Ask.MEMBER, Act.INVITE),
    Invited.NOT_SENT: (Ask.OFFICE, Act.INVITE),
    Invited.EXPIRED: (Ask.OFFICE, Act.INVITE),
}
_STATES: dict[MemberState, tuple[Code, Ask]] = {
    MemberState.LEFT: (Code.LEFT_DIRECTORY, Ask.DIRECTORY),
    MemberState.LOCKED: (Code.LOCKED, Ask.DIRECTORY),
    MemberState.MISSING: (Code.MISSING, Ask.DIRECTORY),
}


def _of_the_account(facts: Facts) -> Iterator[Obstacle]:
    if facts.hold == Hold.LEFT:
        yield Obstacle(Code.LEFT, True, Ask.OFFICE, Act.WELCOME_BACK, facts.since)
    if facts.hold == Hold.SUSPENDED:
        yield Obstacle(Code.SUSPENDED, True, Ask.OFFICE, Act.RESUME, facts.since, facts.reason)
    if facts.state in _STATES:
        code, ask = _STATES[facts.state]
        yield Obstacle(code, True, ask, None, None if facts.hold else facts.since)


def _of_the_name(facts: Facts) -> Iterator[Obstacle]:
    """Login or mail lead to the account; a name that two people answer to leads to neither."""
    by_mail = facts.mail == MailState.OK and not facts.mail_is_login
    by_login = facts.has_login and not facts.login_shared and not facts.login_is_mail
    stops = not by_mail and not by_login
    if facts.login_shared:
        yield Obstacle(Code.SHARED_NAME, stops, Ask.DIRECTORY)
    elif not facts.has_login and facts.mail != MailState.OK:
        yield Obstacle(Code.NO_NAME, True, Ask.DIRECTORY)
    if facts.login_is_mail:
        yield Obstacle(Code.LOGIN_IS_MAIL, stops, Ask.DIRECTORY)
    if facts.mail_is_login:
        yield Obstacle(Code.MAIL_IS_LOGIN, stops, Ask.DIRECTORY)


def _of_the_factor(facts: Facts, now: datetime) -> Iterator[Obstacle]:
    if facts.has_factor or facts.factor_by is None:
        return
    late = facts.factor_by <= now
    # They come in as far as the page where one is added: nothing opens before.
    yield Obstacle(Code.FACTOR_MISSING if late else Code.FACTOR_DUE, late, Ask.MEMBER, None, facts.factor_by)


def _of_the_mail(facts: Facts) -> Iterator[Obstacle]:
    codes = {
        MailState.NONE: Code.MAIL_MISSING,
        MailState.SHARED: Code.MAIL_SHARED,
        MailState.INVALID: Code.MAIL_INVALID,
    }
    if facts.mail in codes:
        yield Obstacle(codes[facts.mail], False, Ask.DIRECTORY)
