"""Colours that can be read, in both themes, and the nearest of those that cannot."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from branding import colours
from branding.selectors import ACCENT, SECOND

CSS = (Path(__file__).parents[2] / "hub" / "static" / "hub" / "css" / "hub.css").read_text(encoding="utf-8")
ANY = st.integers(0, 0xFFFFFF).map("#{:06x}".format)


@pytest.mark.parametrize("name", ["paper", "surface", "sunken"])
def test_the_grounds_are_those_of_the_style_sheet(name: str) -> None:
    found = re.search(rf"--{name}: light-dark\((#\w+), (#\w+)\)", CSS)

    assert found is not None
    assert found.groups() == (colours.LIGHT[name], colours.DARK[name])


@pytest.mark.parametrize(("name", "colour"), [("accent", ACCENT), ("rest", SECOND)])
def test_the_first_colours_are_those_of_the_style_sheet_and_can_be_read(name: str, colour: str) -> None:
    assert f"--{name}: light-dark({colour}," in CSS
    assert colours.can_be_read(colour)


@pytest.mark.parametrize(
    ("one", "other", "ratio"), [("#000000", "#ffffff", 21.0), ("#777777", "#ffffff", 4.48), ("#fff000", "#fff000", 1.0)]
)
def test_contrast_is_that_of_wcag(one: str, other: str, ratio: float) -> None:
    assert round(colours.contrast(one, other), 2) == ratio


@pytest.mark.parametrize("colour", ["#ffcc00", "#00aa88", "#888888", "#ffffff", "#ff0000"])
def test_a_pale_colour_cannot_be_read_and_the_nearest_can(colour: str) -> None:
    assert not colours.can_be_read(colour)

    nearest = colours.nearest(colour)

    assert colours.can_be_read(nearest)
    assert colours.luminance(nearest) < colours.luminance(colour)


def test_the_nearest_is_no_darker_than_it_must_be() -> None:
    nearest = colours.nearest("#ffcc00")

    least = min(pair.ratio for pair in colours.pairs_of(nearest) if pair.theme == "light" and pair.use == "text")
    assert colours.TEXT <= least < colours.TEXT + 0.2


@given(ANY)
def test_what_is_offered_can_always_be_read_in_both_themes(colour: str) -> None:
    nearest = colours.nearest(colour)

    assert [pair for pair in colours.pairs_of(nearest) if not pair.passes] == []
    assert colours.nearest(nearest) == nearest


@pytest.mark.parametrize("text", ["", "red", "#12345", "#1234567", "9d2139", "#9d2139;}", "url(x)"])
def test_what_is_no_colour_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="no colour"):
        colours.parse(text)


@pytest.mark.parametrize(
    ("name", "needed"),
    [("ink", 4.5), ("ink-soft", 4.5), ("ok", 4.5), ("wait", 4.5), ("bad", 4.5), ("edge", 3.0)],
)
def test_the_other_tokens_are_read_on_every_ground_too(name: str, needed: float) -> None:
    found = re.search(rf"--{name}: light-dark\((#\w+), (#\w+)\)", CSS)

    assert found is not None
    for colour, grounds in zip(found.groups(), (colours.LIGHT, colours.DARK), strict=True):
        assert min(colours.contrast(colour, ground) for ground in grounds.values()) >= needed


def test_every_token_that_follows_the_colours_is_replaced() -> None:
    of_colours = set(re.findall(r"--((?:accent|rest)[a-z-]*): light-dark", CSS))

    assert of_colours == set(re.findall(r"--([a-z-]+):", colours.style_sheet(ACCENT, SECOND)))
