"""The closed list of what can happen, and what each kind of event comes with."""

import pytest

from audit.kinds import ACTIONS, FAMILIES, NETWORK_NOTED, RETENTION, Retention
from audit.types import Action


def test_every_kind_is_kept_by_exactly_one_rule():
    named = [action for actions in ACTIONS.values() for action in actions]

    assert sorted(named) == sorted(Action)
    assert set(RETENTION) == {action.value for action in Action}
    assert set(FAMILIES) == set(Retention)


@pytest.mark.parametrize("action", Action)
def test_a_kind_is_an_app_a_subject_and_a_verb(action):
    app, subject, verb = action.value.split(":")

    assert app in {"audit", "collectives", "consent", "directory", "branding", "idp", "launcher", "news"}
    assert subject
    assert verb
    assert len(action.value) <= 40


def test_the_network_is_noted_of_what_happens_to_accounts_and_of_nothing_else():
    assert {RETENTION[action] for action in NETWORK_NOTED} == {Retention.SIGN_IN, Retention.ACCOUNT}
