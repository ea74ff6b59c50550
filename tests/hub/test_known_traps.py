"""Traps of the libraries in use that have no other home; the rest stand beside the code that avoids them."""

import re
from pathlib import Path

import pytest
from allauth.mfa import app_settings as mfa
from django.conf import settings
from django.urls import NoReverseMatch, resolve, reverse

ROOT = Path(__file__).resolve().parents[2]
PINS = (ROOT / "requirements.txt").read_text() + (ROOT / "requirements-dev.txt").read_text()


def test_every_dependency_is_pinned_exactly():
    lines = [line.split("#")[0].strip() for line in PINS.splitlines()]
    named = [line for line in lines if line and not line.startswith("-")]

    assert named
    assert [
        line for line in named if not re.fullmatch(r"[A-Za-z0-9_.\-]+(\[[a-z,\-]+\])?==[^=\s;]+(\s*;.*)?", line)
    ] == []


def test_no_script_of_others_is_loaded():
    """A partial-update library changes major under one tag; two admin themes want ``unsafe-eval``: none is here."""
    scripts = {
        path.name for app in settings.INSTALLED_APPS if (ROOT / app).is_dir() for path in (ROOT / app).rglob("*.js")
    }

    assert scripts == {
        "app.js",
        "check-session.js",
        "form-post.js",
        "launcher.js",
        "look.js",
        "order.js",
        "passkeys.js",
        "password.js",
        "people.js",
        "photo.js",
        "service_worker.js",
        "signed-out.js",
        "signin.js",
        "towns.js",
    }
    assert "htmx" not in PINS
    assert "django.contrib.admin" not in settings.INSTALLED_APPS


def test_the_library_makes_no_recovery_codes_and_takes_no_passkey_in_its_own_way():
    """It keeps codes so that they can be read again, takes an origin by its end, and calls each key "Master key"."""
    assert set(mfa.SUPPORTED_TYPES) == {"totp", "webauthn"}
    assert mfa.WEBAUTHN_USER_VERIFICATION == "required"
    for name in ("mfa_login_webauthn", "mfa_add_webauthn", "mfa_edit_webauthn", "mfa_remove_webauthn"):
        args = [1] if name.endswith(("edit_webauthn", "remove_webauthn")) else []
        assert resolve(reverse(name, args=args)).func.__module__ == "idp.signin.views"
    for name in ("mfa_signup_webauthn", "mfa_list_webauthn", "mfa_trust"):
        with pytest.raises(NoReverseMatch):
            reverse(name)


def test_no_page_registers_resets_or_links_an_account():
    for name in ("account_signup", "account_reset_password", "account_set_password", "account_email"):
        with pytest.raises(NoReverseMatch):
            reverse(name)


def test_the_policy_leaves_no_door_open():
    directives = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]

    flat = [value for values in directives.values() for value in values]
    assert not [value for value in flat if "unsafe" in value or "strict-dynamic" in value or "*" in value]
    assert directives["default-src"] == ["'none'"]
    assert directives["frame-ancestors"] == ["'none'"]
