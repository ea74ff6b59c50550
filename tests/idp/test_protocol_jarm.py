"""Signed authorization answers, as data."""

from datetime import UTC, datetime, timedelta

import pytest

from idp.protocol.jarm import LIFETIME, RESPONSE_MODES, payload

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def answer(parameters, **changes):
    return payload(parameters, **{"issuer": "https://hub.example", "client_id": "wiki", "now": NOW, **changes})


@pytest.mark.spec("JARM", "2.1")
def test_an_answer_says_who_answers_for_whom_and_until_when():
    assert answer({"code": "c", "state": "s"}, lifetime=timedelta(minutes=1)) == {
        "code": "c",
        "state": "s",
        "iss": "https://hub.example",
        "aud": "wiki",
        "exp": int(NOW.timestamp()) + 60,
    }


@pytest.mark.spec("JARM", "2.1")
def test_an_error_is_an_answer_too_and_empty_parameters_do_not_leave():
    assert answer({"error": "access_denied", "error_description": "", "state": ""}).keys() == {
        "error",
        "iss",
        "aud",
        "exp",
    }


def test_no_parameter_replaces_who_answers():
    replaced = answer({"iss": "https://evil.example", "aud": "other", "exp": "99999999999", "code": "c"})

    assert (replaced["iss"], replaced["aud"]) == ("https://hub.example", "wiki")
    assert replaced["exp"] == int((NOW + LIFETIME).timestamp())


@pytest.mark.spec("JARM", "2.1")
def test_an_answer_does_not_live_longer_than_ten_minutes():
    assert timedelta() < LIFETIME <= timedelta(minutes=10)


@pytest.mark.spec("JARM", "2.3.4")
def test_the_short_name_of_the_mode_means_the_query():
    assert RESPONSE_MODES["jwt"] == "query.jwt"
