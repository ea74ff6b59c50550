"""What a few rows need to have grown old: begun with the first test, looked at by the last ones."""

import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Self, TypeVar

from tests.certification.fapi import FapiParty
from tests.certification.party import Party, Tokens
from tests.certification.plans import BASIC, FAPI, FAPI_JAR, FAPI_MS, FORM_POST_OP, SIGNED
from tests.certification.providers import Provider

Result = TypeVar("Result")
# FAPI 2.0 SP §5.3.2.2: "authorization codes with a maximum lifetime of 60 seconds".
MAX_CODE_SECONDS = 60


def basic_party(op: Provider, plan: str, name: str = "basic") -> Party:
    return Party(op, name, response_mode="form_post" if plan == FORM_POST_OP else "")


def fapi_party(op: Provider, plan: str, *, second: bool = False) -> FapiParty:
    name = {FAPI_MS: "fapi-signed", FAPI_JAR: "fapi-jar"}.get(plan, "fapi") + ("-second" if second else "")
    return FapiParty(op, name, signed=plan in SIGNED, jarm=plan == FAPI_MS)


@dataclass(frozen=True)
class Used:
    """A code that was redeemed, and what it gave."""

    party: Party
    code: str
    tokens: Tokens
    since: float


@dataclass(frozen=True)
class Unused:
    """A code, or the reference of a pushed request, that nobody redeemed; good for so many seconds."""

    party: FapiParty
    value: str
    seconds: float
    since: float


def wait_until(since: float, seconds: float) -> None:
    """Sleep until what was given at ``since`` (monotonic) is that old."""
    time.sleep(max(0.0, since + seconds - time.monotonic()))


@dataclass(frozen=True)
class Left:
    """By plan.  What could not be begun fails the row that asks for it, and no other."""

    used_codes: "dict[str, Future[Used]]"
    codes: "dict[str, Future[Unused]]"
    requests: "dict[str, Future[Unused]]"

    @classmethod
    def begin(cls, op: Provider) -> Self:
        return cls(
            {plan: _attempt(partial(_use_code, op, plan)) for plan in BASIC},
            {plan: _attempt(partial(_leave_code, op, plan)) for plan in FAPI},
            {plan: _attempt(partial(_leave_request, op, plan)) for plan in FAPI},
        )


def _attempt(make: Callable[[], Result]) -> "Future[Result]":
    attempt: Future[Result] = Future()
    try:
        attempt.set_result(make())
    except Exception as error:
        attempt.set_exception(error)
    return attempt


def _use_code(op: Provider, plan: str) -> Used:
    party = basic_party(op, plan)
    code = party.code(party.authorize(op.browser()))
    return Used(party, code, party.tokens(party.exchange(code)), time.monotonic())


def _leave_code(op: Provider, plan: str) -> Unused:
    party = fapi_party(op, plan)
    return Unused(party, party.code(party.authorize(op.browser())), MAX_CODE_SECONDS, time.monotonic())


def _leave_request(op: Provider, plan: str) -> Unused:
    party = fapi_party(op, plan)
    answer = party.push()
    return Unused(party, party.reference(answer), answer.json()["expires_in"], time.monotonic())
