"""What tokens hold, as data."""

import base64
import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from idp.protocol.tokens import (
    BACKCHANNEL_EVENT,
    at_hash,
    id_token,
    items_sent,
    logout_token,
    pairwise_subject,
    released_claims,
)

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
VALUES = {
    "email": {"email": "a@b.example", "email_verified": True},
    "groups": {"groups": []},
    "phone": {"phone_number": ""},
}


def make(**changes):
    given = {
        "issuer": "https://hub.example",
        "subject": "s",
        "client_id": "wiki",
        "now": NOW,
        "lifetime": timedelta(minutes=10),
        "auth_time": NOW - timedelta(hours=1),
        "nonce": "n",
        "sid": "x",
        "acr": "1",
        "amr": ["pwd"],
        "access_token": "t",
        "claims": {},
    }
    return id_token(**{**given, **changes})


@pytest.mark.spec("OIDC Core", "8.1")
def test_two_sectors_cannot_match_their_members():
    one = pairwise_subject(salt=b"k", sector="a", member="m")

    assert one == pairwise_subject(salt=b"k", sector="a", member="m")
    assert len({one, *(pairwise_subject(salt=b"k", sector=s, member=m) for s, m in [("b", "m"), ("a", "n")])}) == 3


def test_only_released_items_become_claims():
    assert released_claims(VALUES, {"email"}) == {"email": "a@b.example", "email_verified": True}


def test_an_empty_value_does_not_leave_but_an_empty_group_list_does():
    assert released_claims(VALUES, {"phone", "groups"}) == {"groups": []}


def test_the_ledger_is_told_of_what_left_and_not_of_what_was_allowed():
    claims = released_claims(VALUES, {"email", "phone"})

    assert items_sent(VALUES, claims) == {"email"}


@pytest.mark.spec("OIDC Core", "2")
def test_no_claim_can_replace_who_the_token_is_about():
    token = make(claims={"sub": "somebody else", "iss": "https://evil.example", "aud": "other", "name": "N"})

    assert (token["sub"], token["iss"], token["aud"], token["name"]) == ("s", "https://hub.example", "wiki", "N")


def test_times_are_whole_seconds_and_auth_time_is_the_session_s():
    token = make()

    assert token["exp"] - token["iat"] == 600
    assert token["auth_time"] == int((NOW - timedelta(hours=1)).timestamp())


@pytest.mark.spec("OIDC Core", "3.1.3.6")
def test_at_hash_is_the_left_half_of_the_digest():
    for alg in ("RS256", "PS256", "ES256"):
        assert at_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y", alg) == "77QmUPtjPfzWtF2AnpK9RQ"


@pytest.mark.spec("OIDC Core", "3.1.3.6")
def test_at_hash_under_ed25519_is_half_of_the_longer_digest():
    value = at_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y", "Ed25519")

    assert (
        base64.urlsafe_b64decode(value + "=")
        == hashlib.sha512(b"jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y").digest()[:32]
    )
    assert make(alg="Ed25519", access_token="t")["at_hash"] == at_hash("t", "Ed25519")


@pytest.mark.parametrize("alg", ["none", "HS256", ""])
def test_there_is_no_at_hash_for_an_algorithm_that_the_hub_does_not_sign_with(alg):
    with pytest.raises(KeyError):
        at_hash("t", alg)


@pytest.mark.spec("OIDC Core", "3.1.3.6")
def test_an_answer_without_access_token_has_no_at_hash():
    assert "at_hash" not in make(access_token="", claims={"at_hash": "x"})


@pytest.mark.spec("OIDC Back-Channel Logout", "2.4")
def test_a_logout_token_names_session_and_subject_and_never_a_nonce():
    token = logout_token(
        issuer="i", subject="s", client_id="c", sid="x", jti="j", now=NOW, lifetime=timedelta(minutes=2)
    )

    assert token["events"] == {BACKCHANNEL_EVENT: {}}
    assert "nonce" not in token
    assert (token["sub"], token["sid"], token["aud"]) == ("s", "x", "c")
    assert token["exp"] > token["iat"]
