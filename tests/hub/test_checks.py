"""Unsafe combinations of settings stop the hub."""

from typing import Any

import pytest
from django.core.checks import CheckMessage
from pydantic import SecretStr

from audit import pdf
from hub import checks
from hub.env import Env


def env(**values: Any) -> Env:
    secrets: dict[str, Any] = {name: SecretStr("x") for name in ("secret_key", "key_encryption_key", "pairwise_salt")}
    defaults: dict[str, Any] = {
        "demo": False,
        "ldap_uri": "",
        "ldap_start_tls": True,
        "mail_url": "",
        "origin": "https://hub.example",
    }
    given: dict[str, Any] = defaults | secrets | values
    return Env.model_construct(**given)


def ids(found: list[CheckMessage]) -> list[str | None]:
    return [message.id for message in found]


@pytest.mark.parametrize("name", ["locmem.LocMemCache", "dummy.DummyCache"])
def test_a_cache_per_process_is_refused(name: str) -> None:
    assert ids(checks.cache_errors(f"django.core.cache.backends.{name}")) == ["hub.E001"]


@pytest.mark.parametrize("name", ["db.DatabaseCache", "redis.RedisCache"])
def test_a_shared_cache_is_accepted(name: str) -> None:
    assert checks.cache_errors(f"django.core.cache.backends.{name}") == []


def test_sessions_in_cookies_are_refused() -> None:
    assert ids(checks.session_errors("django.contrib.sessions.backends.signed_cookies")) == ["hub.E002"]
    assert checks.session_errors("django.contrib.sessions.backends.cached_db") == []


@pytest.mark.parametrize("name", ["secret_key", "key_encryption_key", "pairwise_salt"])
def test_each_empty_secret_is_named(name: str) -> None:
    found = checks.secret_errors(env(**{name: SecretStr("")}))

    assert ids(found) == ["hub.E003"]
    assert f"TROUSSEAU_{name.upper()}" in found[0].msg


@pytest.mark.parametrize("origin", ["https://hub.example", "http://localhost:8000", "http://127.0.0.1:8000"])
def test_tls_or_ones_own_machine_is_accepted(origin: str) -> None:
    assert checks.origin_errors(origin) == []


@pytest.mark.parametrize(
    "origin",
    ["http://hub.example", "http://localhost.evil.example", "ftp://localhost", "hub.example", "", "https://"],
)
def test_any_other_origin_is_refused(origin: str) -> None:
    assert ids(checks.origin_errors(origin)) == ["hub.E004"]


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "ldaps://ldap.example",
        "ldap://ldap.example",
        "ldapi://%2Frun%2Fldapi",
        "ldaps://one.example ldaps://two.example:1636",
    ],
)
def test_a_directory_over_tls_or_a_local_socket_is_accepted(uri: str) -> None:
    assert checks.directory_errors(env(ldap_uri=uri)) == []


@pytest.mark.parametrize(
    "uri",
    [
        "ldaps://one.example ldap://two.example",
        "ldaps://one.example,ldap://two.example",
        "LDAP://ldap.example",
        "ldap.example",
    ],
)
def test_addresses_that_would_not_all_be_read_alike_are_refused(uri: str) -> None:
    assert ids(checks.directory_errors(env(ldap_uri=uri))) == ["hub.E009"]


def test_a_directory_without_tls_is_refused_but_in_the_demonstration() -> None:
    plain: dict[str, Any] = {"ldap_uri": "ldap://ldap.example", "ldap_start_tls": False}

    assert ids(checks.directory_errors(env(**plain))) == ["hub.E005"]
    assert checks.directory_errors(env(**plain, demo=True)) == []


@pytest.mark.parametrize("url", ["", "smtps://hub:mot%2Fde%23passe@mail.example", "smtp+tls://mail.example:2525"])
def test_no_mail_server_or_one_that_can_be_told_is_accepted(url: str) -> None:
    assert checks.mail_errors(env(mail_url=url)) == []


@pytest.mark.parametrize(
    "url",
    [
        "mail.example",
        "mail.example:587",
        "tls://mail.example",
        "smtp+starttls://mail.example",
        "smtps://",
        "smtps://mail.example:many",
        "smtps://hub:mot/de/passe@mail.example",
        "smtps://hub:mot#passe@mail.example",
        "smtps://hub:mot?passe@mail.example",
    ],
)
def test_a_mail_server_that_cannot_be_told_is_refused_without_repeating_it(url: str) -> None:
    found = checks.mail_errors(env(mail_url=url))

    assert ids(found) == ["hub.E008"]
    assert "passe" not in str(found[0])


def test_a_siem_that_cannot_be_told_is_refused() -> None:
    assert checks.stream_errors(env(stream_url="")) == []
    assert checks.stream_errors(env(stream_url="syslog+tls://siem.example")) == []
    assert ids(checks.stream_errors(env(stream_url="syslog://siem.example"))) == ["hub.E010"]


def test_a_token_that_opens_tools_to_everybody_is_warned_of() -> None:
    assert ids(checks.registration_warnings(env(registration_opens=True))) == ["hub.W001"]
    assert ids(checks.registration_warnings(env())) == []


def test_the_settings_of_the_tests_pass() -> None:
    assert checks.unsafe_settings(app_configs=None) == []


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"key_encryption_key": SecretStr("A" * 43 + "=")}, []),
        ({"key_encryption_key": SecretStr("A" * 43 + "= " + "B" * 43 + "=")}, []),
        ({"key_encryption_key": SecretStr("not a key")}, ["hub.E007"]),
        ({"key_encryption_key": SecretStr("A" * 43 + "=,")}, ["hub.E007"]),
        ({"key_encryption_key": SecretStr("A" * 43 + "="), "key_publish_ahead_hours": 24 * 90}, ["hub.E006"]),
    ],
)
def test_keys_that_cannot_work_are_refused_before_the_hub_starts(values: dict[str, Any], expected: list[str]) -> None:
    given = {"key_rotation_days": 90, "key_publish_ahead_hours": 48, **values}

    assert ids(checks.key_errors(env(**given))) == expected


def test_libraries_that_documents_need_are_looked_for_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    assert pdf.missing_libraries() == [], "they are on every machine that makes documents"
    monkeypatch.setitem(pdf.LIBRARIES, "libpango-1.0-0", ("libnothing-of-this-name.so.0",))

    missing = pdf.missing_libraries()
    (told,) = checks.document_warnings(missing)

    assert missing == ["libpango-1.0-0"]
    assert (told.id, "libpango-1.0-0" in str(told.hint), "Pango" in told.msg) == ("hub.W002", True, True)
    assert checks.document_warnings([]) == []
