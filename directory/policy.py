"""Who may do what in the hub, and when a date that has come waits for a person.  Values in, values out.

Each role is narrow: the office has accounts and no tools, the technician tools and no journal, the data protection
officer the journal and no accounts, a lead their own collectives.  Nobody acts in the name of a member: what can be
done to an account is the closed list of ``Right``, each recorded, each told to the member.
"""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum

from directory.types import Role


class Right(StrEnum):
    """The closed list of what a role can open; everything else belongs to members themselves, or to nobody."""

    # Over accounts.
    FIND_MEMBERS = "find_members"
    INVITE = "invite"
    DATE_DEPARTURE = "date_departure"
    SUSPEND = "suspend"
    UNLOCK = "unlock"
    END_SESSIONS = "end_sessions"
    ASK_RECOVERY = "ask_recovery"
    DECIDE_RECOVERY = "decide_recovery"
    SETTLE_ALARMS = "settle_alarms"
    # Over collectives: which of them tools hear of.
    MARK_COLLECTIVES = "mark_collectives"
    # What their pages say.
    DESCRIBE_COLLECTIVES = "describe_collectives"
    # Over rules and roles.
    SEE_ROLES = "see_roles"
    GRANT_ROLES = "grant_roles"
    SET_FACTOR_POLICY = "set_factor_policy"
    # Over tools.
    ANSWER_ADMISSIONS = "answer_admissions"
    ARRANGE_TOOLS = "arrange_tools"
    SEE_DELIVERIES = "see_deliveries"
    RETRY_DELIVERIES = "retry_deliveries"
    # Over the name, logo and colours.
    CHANGE_LOOK = "change_look"
    SET_TOOL_MODES = "set_tool_modes"
    # Over the directories.
    SEE_DIRECTORY = "see_directory"
    MANAGE_SOURCES = "manage_sources"
    APPROVE_REMOVALS = "approve_removals"
    SETTLE_ISSUES = "settle_issues"
    # Over the journal.
    READ_JOURNAL = "read_journal"
    # Over the register of processing.
    KEEP_REGISTER = "keep_register"
    # Over what members ask about their data.
    ANSWER_REQUESTS = "answer_requests"
    # Over erasures, never alone either: one asks and follows, another agrees; both read the sheet.
    SEE_ERASURES = "see_erasures"
    FOLLOW_ERASURES = "follow_erasures"
    APPROVE_ERASURES = "approve_erasures"
    # How far its proof has come, and who keeps it outside: it says nothing of anybody.
    KEEP_PROOF = "keep_proof"
    # Never alone: one proposes, another carries it out.
    DESTROY_LOGS = "destroy_logs"
    # Over what the whole cooperative reads.
    ANNOUNCE = "announce"
    # Over one’s own collectives.
    SEE_COLLECTIVE = "see_collective"
    RUN_COLLECTIVE = "run_collective"
    WRITE_NEWS = "write_news"


RIGHTS: dict[Role, frozenset[Right]] = {
    Role.OFFICE: frozenset(
        {
            Right.FIND_MEMBERS,
            Right.INVITE,
            Right.DATE_DEPARTURE,
            Right.SUSPEND,
            Right.UNLOCK,
            Right.END_SESSIONS,
            Right.ASK_RECOVERY,
            Right.DECIDE_RECOVERY,
            Right.SETTLE_ALARMS,
            Right.SEE_ERASURES,
            Right.APPROVE_ERASURES,
            # Not the technician’s: it takes knowing what a collective is, and shows who is in it.
            Right.MARK_COLLECTIVES,
            Right.DESCRIBE_COLLECTIVES,
            # What members see of tools, not how these speak.
            Right.ARRANGE_TOOLS,
            Right.ANNOUNCE,
            Right.ANSWER_ADMISSIONS,
            Right.SEE_ROLES,
            Right.GRANT_ROLES,
            Right.SET_FACTOR_POLICY,
            Right.SEE_DIRECTORY,
            Right.APPROVE_REMOVALS,
            Right.SETTLE_ISSUES,
        }
    ),
    Role.TECHNICIAN: frozenset(
        {
            Right.ARRANGE_TOOLS,
            Right.SEE_DELIVERIES,
            Right.RETRY_DELIVERIES,
            Right.CHANGE_LOOK,
            Right.SET_TOOL_MODES,
            Right.SEE_ROLES,
            Right.GRANT_ROLES,
            Right.SET_FACTOR_POLICY,
            Right.SEE_DIRECTORY,
            Right.MANAGE_SOURCES,
            Right.APPROVE_REMOVALS,
            Right.SETTLE_ISSUES,
            Right.KEEP_PROOF,
            Right.DESTROY_LOGS,
            Right.SEE_ERASURES,
            Right.APPROVE_ERASURES,
        }
    ),
    Role.DPO: frozenset(
        {
            Right.READ_JOURNAL,
            Right.KEEP_REGISTER,
            Right.ANSWER_REQUESTS,
            Right.SEE_ERASURES,
            Right.FOLLOW_ERASURES,
            Right.KEEP_PROOF,
            Right.DESTROY_LOGS,
        }
    ),
}
# What a lead may do, in the collectives that the directory says they lead and nowhere else.
LEAD_RIGHTS = frozenset({Right.SEE_COLLECTIVE, Right.RUN_COLLECTIVE, Right.WRITE_NEWS})
# What nobody does to their own account: the second pair of eyes is the point of it.
NEVER_ON_ONESELF = frozenset(
    {
        Right.DATE_DEPARTURE,
        Right.SUSPEND,
        Right.UNLOCK,
        Right.ASK_RECOVERY,
        Right.DECIDE_RECOVERY,
        Right.SETTLE_ALARMS,
        Right.GRANT_ROLES,
    }
)
# Who gives and takes back which role.  The office looks after its own team.  It neither chooses nor removes who
# watches it: GDPR 38(3), a data protection officer takes no instructions and is not dismissed for doing the job.
# The technician, who has no account in hand and cannot read the journal, writes down what the cooperative decided.
GIVEN_BY: dict[Role, frozenset[Role]] = {
    Role.OFFICE: frozenset({Role.OFFICE, Role.TECHNICIAN}),
    Role.TECHNICIAN: frozenset({Role.TECHNICIAN}),
    Role.DPO: frozenset({Role.TECHNICIAN}),
}
# GDPR 38(6): nobody checks what they do themselves.  Office and technician may be one person: cooperatives are small.
INCOMPATIBLE: dict[Role, frozenset[Role]] = {
    Role.DPO: frozenset({Role.OFFICE, Role.TECHNICIAN}),
    Role.OFFICE: frozenset({Role.DPO}),
    Role.TECHNICIAN: frozenset({Role.DPO}),
}


def rights_of(roles: Collection[Role]) -> frozenset[Right]:
    """All that these roles open, added up."""
    return frozenset(right for role in roles for right in RIGHTS[role])


def roles_with(right: Right) -> frozenset[Role]:
    return frozenset(role for role, rights in RIGHTS.items() if right in rights)


def given_by(roles: Collection[Role]) -> frozenset[Role]:
    """What somebody with these roles may give and take back."""
    return frozenset(role for role, givers in GIVEN_BY.items() if givers & set(roles))


def why_not_granted(role: Role, *, by: Collection[Role], to: Collection[Role], is_self: bool) -> str:
    """Why a person with the roles ``by`` may not give this role to one with the roles ``to``; empty when they may."""
    if is_self:
        return "own_role"
    if not GIVEN_BY[role] & set(by):
        return "not_yours_to_give"
    return why_incompatible(role, to)


def why_incompatible(role: Role, held: Collection[Role]) -> str:
    """The same for whoever gives it, the machine’s own operator too."""
    return "incompatible_role" if INCOMPATIBLE[role] & set(held) else ""


def why_not_revoked(role: Role, *, by: Collection[Role], is_self: bool) -> str:
    """Giving up one’s own role is nobody else’s business."""
    return "" if is_self or GIVEN_BY[role] & set(by) else "not_yours_to_give"


# Dates that have come ------------------------------------------------------------------------------------------

# The worker looks twice a minute: a departure that is late by days means a hub that was off, or a clock that jumped.
LATE = timedelta(days=3)
MANY_LATE = 10
# The end of a year ends many contracts on one day; beyond this somebody should look.
MANY_AT_ONCE = 25
SHARE_AT_ONCE = 0.10
# What is erased does not come back.
MANY_ERASED = 10
SHARE_ERASED = 0.03
# A directory is read at the latest every quarter of an hour: what it showed in a longer gap nobody knows.
LONGEST_GAP = timedelta(hours=1)
REMINDERS = tuple(timedelta(days=days) for days in (30, 7, 1))
ROLE_REMINDERS = tuple(timedelta(days=days) for days in (14, 2))


def departures_wait(last_days: Sequence[date], *, today: date, active: int) -> bool:
    """Whether so many departures are due at once that a person should look first."""
    late = sum(today - day > LATE for day in last_days)
    return late > MANY_LATE or len(last_days) > max(MANY_AT_ONCE, int(active * SHARE_AT_ONCE))


def erasures_wait(count: int, *, people: int) -> bool:
    return count > max(MANY_ERASED, int(people * SHARE_ERASED))


def time_followed(so_far: timedelta, until: datetime | None, now: datetime) -> timedelta:
    """For how long a directory has been followed, where it is read once more.

    Absences are counted by this time: it stands still while the directory cannot be read, while something waits, while
    the hub is off, and when a clock jumps.  Nobody becomes a leaver because nobody looked.
    """
    if until is None or not until <= now <= until + LONGEST_GAP:
        return so_far
    return so_far + (now - until)


def is_followed(until: datetime | None, now: datetime) -> bool:
    """Whether what is known of a directory is what it shows."""
    return until is not None and until <= now <= until + LONGEST_GAP


def reminder_is_due(end: date, *, today: date, told: date | None, before: Sequence[timedelta] = REMINDERS) -> bool:
    """Whether a reminder’s day has come since they were last told.  After an outage one mail makes up for several."""
    days = [end - ahead for ahead in before if end - ahead <= today]
    return bool(days) and today < end and (told is None or told < max(days))


def digest_of(names: Iterable[str]) -> str:
    """Names exactly these: an approval given for them holds for no others."""
    return hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()[:16]
