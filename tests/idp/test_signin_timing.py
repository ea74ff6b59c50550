"""How long a refusal takes tells nobody who is a member: measured, and compared as ranks."""

from collections.abc import Callable
from itertools import combinations
from math import erf, sqrt
from time import monotonic

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from audit.models import Event
from audit.types import Action
from directory import backends
from directory.models import Member
from directory.types import Hold, MemberState
from idp.services.accounts import attempts
from idp.signin import adapter
from tests.support.signin import HUGO, HUGO_PASSWORD, KARIM, KARIM_PASSWORD, NOEMIE, WRONG, AddMember, try_to_sign_in

ROUNDS = 14
REFUSAL_SECONDS = 0.08
# Of ten comparisons of what does not differ, one in a thousand runs has one as far apart as this.
UNLIKELY = 1e-4


def rank_test(one: list[float], other: list[float]) -> float:
    """Mann and Whitney's test, two-sided, by its normal approximation: how likely such a difference is by chance."""
    above = sum((a > b) + 0.5 * (a == b) for a in one for b in other)
    mean = len(one) * len(other) / 2
    spread = sqrt(len(one) * len(other) * (len(one) + len(other) + 1) / 12)
    return 1 - erf(abs(above - mean) / spread / sqrt(2))


def measured(cases: dict[str, Callable[[], object]]) -> dict[str, list[float]]:
    """Each case once in every round, so that a busy machine is as busy for all of them."""
    took: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(ROUNDS + 2):
        names = list(cases)
        for name in names[number % len(names) :] + names[: number % len(names)]:
            cache.clear()
            if name == "blocked":
                member = Member.objects.get(login=KARIM)
                for _ in range(5):
                    attempts.take(account=attempts.account_of(member.pk), network="x", known=False, now=timezone.now())
            began = monotonic()
            cases[name]()
            if number > 1:
                took[name].append(monotonic() - began)
    return took


@pytest.fixture
def cases(add_member: AddMember, monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[[], object]]:
    add_member(NOEMIE)
    add_member(KARIM)
    add_member(HUGO, state=MemberState.LOCKED)
    add_member("ines.oliveira", hold=Hold.SUSPENDED)
    monkeypatch.setattr(backends, "REFUSAL_SECONDS", REFUSAL_SECONDS)
    return {
        "known": lambda: try_to_sign_in(Client(), NOEMIE, WRONG),
        "unknown": lambda: try_to_sign_in(Client(), "nobody.at.all", WRONG),
        "locked": lambda: try_to_sign_in(Client(), HUGO, HUGO_PASSWORD),
        "suspended": lambda: try_to_sign_in(Client(), "ines.oliveira", WRONG),
        "blocked": lambda: try_to_sign_in(Client(), KARIM, KARIM_PASSWORD),
    }


@pytest.mark.spec("OWASP ASVS", "6.3.8")
@pytest.mark.spec("CNIL 2022-100", "12")
def test_known_unknown_locked_suspended_and_blocked_names_are_refused_in_the_same_time(cases):
    took = measured(cases)

    assert min(min(each) for each in took.values()) >= REFUSAL_SECONDS
    apart = {(a, b): rank_test(took[a], took[b]) for a, b in combinations(took, 2)}
    assert {pair: p for pair, p in apart.items() if p < UNLIKELY} == {}, {
        name: sorted(round(1000 * each, 1) for each in samples) for name, samples in took.items()
    }
    reasons = set(Event.objects.filter(action=Action.SIGN_IN_REFUSED).values_list("reason", flat=True))
    assert reasons == {"wrong", "unknown", "locked", "suspended", "throttled"}


def test_the_measure_sees_a_refusal_that_does_not_wait(cases, monkeypatch: pytest.MonkeyPatch):
    """Who is blocked is refused before the directory is asked: without the adapter's own wait, at once."""
    monkeypatch.setattr(adapter, "wait_for_refusal", lambda *_: None)

    took = measured({name: cases[name] for name in ("known", "blocked")})

    assert rank_test(took["known"], took["blocked"]) < 0.01
