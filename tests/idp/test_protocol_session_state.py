"""``session_state``: the same recipe here and in the page behind the iframe."""

import hashlib

import pytest

from idp.protocol.session_state import as_browsers_write, session_state

PARTS = {"client_id": "wiki", "origin": "https://wiki.example", "browser_state": "b", "salt": "x"}


@pytest.mark.spec("OIDC Session Management", "3.2")
def test_the_state_is_the_hash_of_the_four_parts_and_then_the_salt():
    expected = hashlib.sha256(b"wiki https://wiki.example b x").hexdigest()

    assert session_state(**PARTS) == f"{expected}.x"


@pytest.mark.spec("OIDC Session Management", "3.2")
@pytest.mark.parametrize("name", sorted(PARTS))
def test_each_part_counts(name):
    assert session_state(**PARTS) != session_state(**{**PARTS, name: "other"})


@pytest.mark.parametrize("name", sorted(PARTS))
def test_a_part_that_blurs_the_borders_is_refused(name):
    for value in ("", "a b"):
        with pytest.raises(ValueError, match="session_state"):
            session_state(**{**PARTS, name: value})


def test_a_salt_with_a_dot_could_not_be_told_from_the_hash():
    with pytest.raises(ValueError, match="session_state"):
        session_state(**{**PARTS, "salt": "a.b"})


def test_the_state_has_no_space():
    assert " " not in session_state(**PARTS)


@pytest.mark.spec("OIDC Session Management", "3.2")
@pytest.mark.parametrize(
    ("registered", "in_the_browser"),
    [
        ("https://Wiki.example:443", "https://wiki.example"),
        ("https://wiki.example:4430", "https://wiki.example:4430"),
        ("https://wiki.example:80", "https://wiki.example:80"),
        ("http://localhost:80", "http://localhost"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_an_origin_is_hashed_as_the_browser_will_write_it(registered, in_the_browser):
    assert session_state(**{**PARTS, "origin": registered}) == session_state(**{**PARTS, "origin": in_the_browser})
    assert as_browsers_write(registered) == in_the_browser
