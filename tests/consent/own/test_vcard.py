"""What a member gave of themself, for another service."""

import pytest

from consent.own.vcard import LINE, Given, card_of


def unfolded(card):
    return card.replace("\r\n ", "").split("\r\n")


@pytest.mark.spec("RFC 6350", "3.2")
def test_a_card_says_what_was_given_and_leaves_out_what_was_not():
    card = card_of(Given("Amélie Roux", "Amélie", "Roux", email="a@canari.example", mobile="+33 6", trade="Relieuse"))

    assert unfolded(card) == [
        "BEGIN:VCARD",
        "VERSION:4.0",
        "FN:Amélie Roux",
        "N:Roux;Amélie;;;",
        "EMAIL:a@canari.example",
        "TEL;TYPE=cell:+33 6",
        "TITLE:Relieuse",
        "END:VCARD",
        "",
    ]


@pytest.mark.spec("RFC 6350", "3.2")
def test_long_lines_are_folded_by_octets_and_never_within_a_character():
    card = card_of(Given("é" * 120))

    assert all(len(line.encode()) <= LINE for line in card.split("\r\n"))
    assert f"FN:{'é' * 120}" in unfolded(card)


@pytest.mark.spec("RFC 6350", "3.4")
def test_no_value_begins_a_property_of_its_own():
    given = Given("A", street="12, rue; du\r\nEMAIL:voleur@ailleurs.example", business="a\\b")

    card = unfolded(card_of(given))

    assert "ADR:;;12\\, rue\\; du\\nEMAIL:voleur@ailleurs.example;;;;" in card
    assert "ORG:a\\\\b" in card
    assert not any(line.startswith("EMAIL") for line in card)
