"""The rules of sign-in that need neither a database nor a directory."""

from datetime import UTC, datetime

import pytest
from django.conf import settings as hub_settings

from idp.signin.addresses import is_own_path
from idp.signin.methods import Proof, code_is_older, proof_of

EIGHT, NINE, TEN = (datetime(2026, 11, 23, hour, tzinfo=UTC) for hour in (8, 9, 10))


def password(at: datetime) -> dict[str, object]:
    return {"method": "password", "at": at.timestamp(), "username": "someone"}


def code(at: datetime, kind: str = "totp") -> dict[str, object]:
    return {"method": "mfa", "at": at.timestamp(), "type": kind, "id": 1}


def test_a_password_alone_is_the_first_level() -> None:
    assert proof_of([password(EIGHT)], second_factor=False) == Proof(("pwd",), "1", EIGHT)


def test_a_password_and_a_code_are_the_second_level() -> None:
    assert proof_of([password(EIGHT), code(EIGHT)], second_factor=True) == Proof(("pwd", "otp", "mfa"), "2", EIGHT)


def test_a_recovery_code_is_a_second_factor_but_no_one_time_password() -> None:
    proof = proof_of([password(EIGHT), code(EIGHT, "recovery_codes")], second_factor=True)

    assert proof == Proof(("pwd", "mfa"), "2", EIGHT)


def test_the_password_alone_does_not_renew_a_session_of_two_factors() -> None:
    proof = proof_of([password(EIGHT), code(EIGHT), password(TEN)], second_factor=True)

    assert proof == Proof(("pwd", "otp", "mfa"), "2", EIGHT)


def test_both_factors_again_renew_the_session_to_the_older_of_the_two() -> None:
    proof = proof_of([password(EIGHT), code(EIGHT), password(NINE), code(TEN)], second_factor=True)

    assert proof is not None
    assert proof.at == NINE


def test_a_factor_that_was_removed_counts_no_more() -> None:
    assert proof_of([password(EIGHT), code(NINE)], second_factor=False) == Proof(("pwd",), "1", EIGHT)


@pytest.mark.parametrize("records", [[], [code(EIGHT)]])
def test_without_a_password_nothing_is_proved(records: list[dict[str, object]]) -> None:
    assert proof_of(records, second_factor=True) is None


def test_the_step_proved_longer_ago_is_asked_for_first() -> None:
    assert code_is_older([password(EIGHT), code(EIGHT), password(TEN)])
    assert not code_is_older([password(EIGHT), code(NINE)])
    assert not code_is_older([password(EIGHT)])


@pytest.mark.parametrize("url", ["/", "/mes-donnees/", "/oidc/authorize?client_id=a&redirect_uri=https%3A%2F%2Fx%2Fcb"])
def test_a_path_of_the_hub_is_a_return_address(url: str) -> None:
    assert is_own_path(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "//evil.test",
        "///evil.test",
        "/\\evil.test",
        "\\\\evil.test",
        "/\t/evil.test",
        "/\n/evil.test",
        " /",
        "https:evil.test",
        "https:/evil.test",
        "https:///evil.test",
        "https://evil.test",
        "HTTPS://evil.test",
        "https://testserver@evil.test/",
        "http://testserver/",
        "@evil.test",
        "evil.test",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "/" + "a" * 9000,
    ],
)
def test_nothing_else_is_a_return_address(url: str) -> None:
    assert not is_own_path(url)


@pytest.mark.spec("ANSSI MFA", "R8")
def test_no_factor_travels_by_text_message_or_mail():
    assert set(hub_settings.MFA_SUPPORTED_TYPES) <= {"totp", "webauthn"}
    assert "phone" not in {name.strip("*") for name in hub_settings.ACCOUNT_SIGNUP_FIELDS}
    assert not getattr(hub_settings, "ACCOUNT_LOGIN_BY_CODE_ENABLED", False)
