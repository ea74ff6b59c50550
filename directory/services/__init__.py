"""Changing members and collectives: one verb, one transaction, one line in the journal."""

from directory.services.absences import end_absences
from directory.services.acceptances import approve, take_back
from directory.services.collectives import mark_sensitive
from directory.services.departures import cancel_departure, carry_out_departures, plan_departure
from directory.services.destructions import (
    approve_destruction,
    carry_out_destruction,
    propose_destruction,
    withdraw_destruction,
)
from directory.services.erasure import erase_leavers
from directory.services.factor_rules import require_second_factor, settle_second_factor_dates
from directory.services.holds import resume, suspend, welcome_back
from directory.services.passes import synchronise
from directory.services.roles import end_roles_over, grant_role, revoke_role
from directory.services.sources import (
    acknowledge,
    activate,
    add_source,
    ask_pass,
    change_source,
    may_activate,
    pause,
    retire,
    take_up_again,
    trial_of,
)

__all__ = [
    "acknowledge",
    "activate",
    "add_source",
    "approve",
    "approve_destruction",
    "ask_pass",
    "cancel_departure",
    "carry_out_departures",
    "carry_out_destruction",
    "change_source",
    "end_absences",
    "end_roles_over",
    "erase_leavers",
    "grant_role",
    "mark_sensitive",
    "may_activate",
    "pause",
    "plan_departure",
    "propose_destruction",
    "require_second_factor",
    "resume",
    "retire",
    "revoke_role",
    "settle_second_factor_dates",
    "suspend",
    "synchronise",
    "take_back",
    "take_up_again",
    "trial_of",
    "welcome_back",
    "withdraw_destruction",
]
