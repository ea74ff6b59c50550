"""Cards are values in, values out: no database here."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.types import ToolState
from launcher import cards


@dataclass(frozen=True)
class FakeTool:
    pk: int = 1
    slug: str = "louty"
    name: str = "Louty"
    monogram: str = ""
    hue: int = 12
    state: str = "open"
    section: str = "management"
    keywords: str = ""
    favourite: bool = False
    shown_tagline: str = "Factures, notes de frais et contrat"


@dataclass(frozen=True)
class FakeSection:
    slug: str
    icon: str = "other"
    shown_name: str = ""


LOUTY = FakeTool()
MANAGEMENT, LEARNING, TOGETHER = FakeSection("management"), FakeSection("learning"), FakeSection("together")
REST = cards.Rest("Autres outils")


def test_a_card_says_what_the_page_shows() -> None:
    shown = cards.card(replace(LOUTY, favourite=True))  # type: ignore[arg-type]

    assert (shown.name, shown.tagline, shown.monogram, shown.hue_step) == (
        "Louty",
        "Factures, notes de frais et contrat",
        "Lo",
        1,
    )
    assert shown.favourite
    assert shown.is_open


def test_a_tool_in_maintenance_is_not_open() -> None:
    shown = cards.card(replace(LOUTY, state=ToolState.MAINTENANCE))  # type: ignore[arg-type]

    assert not shown.is_open
    assert str(shown.state.label) == "en maintenance"


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Louty", "Lo"),
        ("Carnet de temps", "CT"),
        ("L’agenda", "Ag"),
        ("Suivi de la trésorerie", "ST"),
        ("É", "É"),
        ("Le", "Le"),
        ("3D", "3d"),
    ],
)
def test_letters_come_from_the_words_that_matter(name: str, letters: str) -> None:
    assert cards.monogram(name) == letters


def test_letters_chosen_for_a_tool_win() -> None:
    assert cards.monogram("Louty", "LTY") == "LTY"


@given(st.integers(min_value=0, max_value=359))
def test_every_hue_has_one_of_the_twenty_four_steps_near_it(degrees: int) -> None:
    step = cards.hue_step(degrees)

    distance = abs(step * cards.HUE_STEP_DEGREES - degrees)
    assert 0 <= step <= 23
    assert min(distance, 360 - distance) <= cards.HUE_STEP_DEGREES / 2


@pytest.mark.parametrize(
    "query", ["frais", "FRAIS", "  note   frais ", "lou", "facture", "depenses", "mois jeux", "notes de frais"]
)
def test_search_ignores_case_accents_and_order(query: str) -> None:
    board = [cards.card(replace(LOUTY, keywords="dépenses, remboursement, mois de jeu"))]  # type: ignore[arg-type]

    assert cards.matching(board, query) == board


def test_search_asks_for_every_word() -> None:
    board = [cards.card(LOUTY)]  # type: ignore[arg-type]

    assert cards.matching(board, "frais planning") == []


def test_an_empty_search_finds_everything() -> None:
    board = [cards.card(LOUTY)]  # type: ignore[arg-type]

    assert cards.matching(board, "  ") == board


def test_ligatures_and_apostrophes_fold() -> None:
    assert cards.folded("Œuvres d’Ève, main-d'œuvre") == "oeuvres d eve, main d oeuvre"


@given(st.text(max_size=80))
def test_folding_twice_changes_nothing(text: str) -> None:
    once = cards.folded(text)

    assert cards.folded(once) == once


def test_shelves_follow_the_order_of_the_sections_and_leave_out_the_empty() -> None:
    wiki = cards.card(replace(LOUTY, slug="wiki", section="together"))  # type: ignore[arg-type]
    louty = cards.card(LOUTY)  # type: ignore[arg-type]

    shelves = cards.shelves([wiki, louty], [MANAGEMENT, LEARNING, TOGETHER], rest=REST)

    assert [shelf.section.slug for shelf in shelves] == ["management", "together"]


def test_what_no_section_holds_stands_at_the_end() -> None:
    lost = cards.card(replace(LOUTY, slug="wiki", section="gone"))  # type: ignore[arg-type]
    louty = cards.card(LOUTY)  # type: ignore[arg-type]

    shelves = cards.shelves([lost, louty], [MANAGEMENT], rest=REST)

    assert [(shelf.section.slug, [card.slug for card in shelf.cards]) for shelf in shelves] == [
        ("management", ["louty"]),
        ("other", ["wiki"]),
    ]


def test_a_section_of_that_name_takes_what_no_other_holds() -> None:
    lost = cards.card(replace(LOUTY, section="gone"))  # type: ignore[arg-type]
    others = FakeSection("other")

    shelves = cards.shelves([lost], [others, TOGETHER], rest=REST)

    assert [id(shelf.section) for shelf in shelves] == [id(others)]


@given(st.lists(st.text(min_size=1, max_size=3), min_size=1, max_size=6, unique=True), st.data(), st.booleans())
def test_what_is_moved_goes_one_place_and_nothing_is_lost(names: list[str], data: st.DataObject, up: bool) -> None:
    name = data.draw(st.sampled_from(names))

    found = cards.moved(names, name, up=up)

    there, here = found.index(name), names.index(name)
    assert sorted(found) == sorted(names)
    assert there == max(min(here + (-1 if up else 1), len(names) - 1), 0)


@pytest.mark.parametrize(("hour", "part"), [(4, "evening"), (5, "day"), (17, "day"), (18, "evening")])
def test_greetings_follow_the_hour(hour: int, part: str) -> None:
    assert cards.day_part(hour) == part
