"""Codes that people copy from one screen to another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol.device import ALPHABET, LENGTH, new_user_code, normalise, shown

CODES = st.text(alphabet=ALPHABET, min_size=LENGTH, max_size=LENGTH)


@pytest.mark.incident("django-oauth-toolkit#1734")
@pytest.mark.spec("RFC 8628", "6.1")
def test_a_code_has_letters_that_make_no_word_and_enough_of_them():
    codes = {new_user_code() for _ in range(200)}

    assert len(codes) == 200
    assert all(len(code) == LENGTH and set(code) <= set(ALPHABET) for code in codes)
    assert not set(ALPHABET) & set("AEIOUY0123456789")
    # RFC 8628 §5.1: with five tries, the chance to hit a code is below 2^-32.
    assert len(ALPHABET) ** LENGTH > 5 * 2**32


@given(CODES)
@pytest.mark.spec("RFC 8628", "6.1")
def test_a_code_is_recognised_however_it_was_typed(code):
    for typed in (code, code.lower(), shown(code), f" {code[:4].lower()} {code[4:]} ", ".".join(code)):
        assert normalise(typed) == code


@pytest.mark.parametrize("typed", ["", "BCDF", "BCDF-GHJKL", "BCDF-GHJA", "BCDF-GHJ1", "ABCDFGHJK", "é" * 8, "-" * 8])
def test_what_cannot_be_a_code_is_none(typed):
    assert normalise(typed) == ""


def test_a_code_is_shown_in_two_groups():
    assert shown("BCDFGHJK") == "BCDF-GHJK"


@given(st.text(max_size=100))
def test_whatever_is_typed_gives_a_code_or_nothing(typed):
    code = normalise(typed)

    assert code == "" or (len(code) == LENGTH and set(code) <= set(ALPHABET))
    assert normalise(code) == code


def test_a_long_text_is_not_searched_for_a_code():
    assert normalise("BCDFGHJK" + " " * 64) == ""
