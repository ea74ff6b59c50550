"""Who is found by what, and by whom: rules without a database."""

from unicodedata import normalize
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory.people.index import ALL, NEAR, Index, Person, Text, Wanted, is_slip
from directory.people.words import folded, likeness

WOOD, PAPER = UUID(int=101), UUID(int=102)


def person(number: int, name: str, *texts: Text, collectives=(), place="", place_seen_by=0) -> Person:
    return Person(
        id=UUID(int=number),
        order=folded(name),
        texts=(Text(name, ALL, is_name=True), *texts),
        collectives=frozenset(collectives),
        named_in=frozenset(collectives),
        place=place,
        place_seen_by=place_seen_by,
    )


AMELIE = person(
    1, "Amélie Roussel", Text("Menuisière ébéniste", ALL), collectives=[WOOD], place="34142", place_seen_by=ALL
)
BRUNO = person(2, "Bruno Cœur", Text("Relieur", NEAR), collectives=[PAPER], place="34172", place_seen_by=NEAR)
CHLOE = person(3, "Chloé Lefèvre-Martin", Text("Œnologue, dégustation", ALL), collectives=[WOOD, PAPER])
PEOPLE = (AMELIE, BRUNO, CHLOE)


def found(text="", *, reader=0, collectives=(), people=PEOPLE, **more) -> list[int]:
    ids = Index(people).find(Wanted(text, **more), reader=UUID(int=reader), collectives=collectives)
    return [pk.int for pk in ids]


@pytest.mark.parametrize(
    ("typed", "who"),
    [
        ("amelie", [1]),
        ("AMÉLIE roussel", [1]),
        ("roussel amelie", [1]),
        ("rouss", [1]),
        ("benist", [1]),
        ("coeur", [2]),
        ("œnologue", [3]),
        ("oenologue", [3]),
        ("lefevre", [3]),
        ("martin chloe", [3]),
        ("Amelei", [1]),
        ("rousel", [1]),
        ("lefebvre", [3]),
        ("menuisiere", [1]),
        ("menuisier", [1]),
        ("xylophone", []),
        ("amelie relieur", []),
    ],
)
def test_a_person_is_found_by_what_they_show_however_it_is_typed(typed, who):
    assert found(typed) == who


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_name_is_found_whichever_way_its_accents_are_written_or_typed(form):
    two = [person(number, normalize(way, "Hélène Brémond-Gély")) for number, way in enumerate(("NFC", "NFD"), 1)]

    assert found(normalize(form, "Hélène"), people=two) == [1, 2]
    assert found(normalize(form, "brémond-gély"), people=two) == [1, 2]


@pytest.mark.parametrize("typed", ["O'Neill", "O’Neill", "d'haussonville", "d’Haussonville", "o neill d haussonville"])
def test_a_name_with_an_apostrophe_is_found_by_either(typed):
    assert found(typed, people=[*PEOPLE, person(4, "Aurélie O'Neill d’Haussonville")]) == [4]


@pytest.mark.parametrize(
    ("typed", "shown"),
    [("menuisier", "Menuiserie"), ("plombier", "Plomberie"), ("coiffeuse", "Coiffure"), ("traductrice", "Traduction")],
)
def test_a_trade_is_found_by_its_craft(typed, shown):
    crafts = [person(1, "Amélie Roussel", Text(shown, ALL)), person(2, "Bruno Cœur", Text("Reliure", ALL))]

    assert found(typed, people=crafts) == [1]


def test_nothing_typed_finds_everybody_by_name():
    assert found() == [1, 2, 3]


def test_a_word_for_collectives_finds_somebody_for_those_who_have_one_in_common():
    assert found("relieur") == []
    assert found("relieur", collectives=[WOOD]) == []
    assert found("relieur", collectives=[PAPER]) == [2]
    assert found("relieur", reader=2) == [2]


def test_a_hidden_word_does_not_keep_what_is_like_it_from_being_found():
    """Else the absence of an answer would tell that somebody has the word."""
    others = (*PEOPLE, person(4, "Diane Blanc", Text("Relieure", ALL)))

    assert found("relieur", people=others) == [4]
    assert found("relieus", people=others) == [4]


def test_a_place_that_is_not_shown_is_in_no_answer():
    near_lodeve = {"34142": 0.0, "34172": 44.0}

    assert found(places=near_lodeve) == [1]
    assert found(places=near_lodeve, collectives=[PAPER]) == [1, 2]
    assert found(places={}) == []


def test_the_nearest_come_first_after_what_was_typed():
    near_montpellier = {"34142": 44.0, "34172": 0.0}

    assert found(places=near_montpellier, collectives=[PAPER]) == [2, 1]
    assert found("menuisiere", places=near_montpellier, collectives=[PAPER]) == [1]


def test_whoever_looks_through_a_sensitive_collective_finds_no_place_that_is_not_shown():
    circle = UUID(int=99)
    quiet = Person(UUID(int=5), "5", (Text("Élise Noir", ALL),), frozenset({circle}), frozenset(), "34142", NEAR)
    away = Person(UUID(int=6), "6", (Text("Farid Brun", ALL),), frozenset({circle}), frozenset(), "75056", ALL)

    assert found(people=[quiet, away], collective=circle, collectives=[circle]) == [5, 6]
    assert found(people=[quiet, away], collective=circle, collectives=[circle], places={"34142": 0.0}) == [5]
    assert found(people=[quiet, away], collective=circle, places={"34142": 0.0}) == []


def test_people_are_counted_where_they_show_to_be():
    index = Index(PEOPLE)
    everybody = [each.id for each in PEOPLE]

    assert index.places(everybody, reader=UUID(int=0), collectives=[]) == {"34142": 1}
    assert index.places(everybody, reader=UUID(int=0), collectives=[PAPER]) == {"34142": 1, "34172": 1}


def test_a_sensitive_collective_finds_its_members_for_its_members_alone():
    secret = Person(UUID(int=9), "i", (Text("Inès", ALL, is_name=True),), frozenset({WOOD}), frozenset())

    assert found(collective=WOOD, people=[secret]) == []
    assert found(collective=WOOD, people=[secret], collectives=[WOOD]) == [9]


def test_a_name_comes_before_the_same_word_elsewhere():
    others = (person(1, "Anne Blanc", Text("Martin-pêcheur", ALL)), person(2, "Zoé Martin"))

    assert found("martin", people=others) == [2, 1]


def test_what_somebody_no_longer_says_is_in_no_memory():
    index = Index([AMELIE])

    index.put(person(1, "Amélie Roussel"))

    assert index.find(Wanted("ebeniste"), reader=UUID(int=0), collectives=[]) == []
    assert "ebeniste" not in index._found_by
    assert not any("ebeniste" in words for words in index._holding.values())


@pytest.mark.parametrize(
    ("one", "other", "slip"),
    [
        ("amelie", "ameile", True),
        ("amelie", "amelia", True),
        ("amelie", "ameli", True),
        ("amelie", "emilie", False),
        ("lefebvre", "lefevre", True),
        ("guillemette", "guilemete", True),
        ("guillemette", "guilmete", False),
        ("", "a", True),
    ],
)
def test_a_slip_is_one_letter_or_two_in_a_long_word(one, other, slip):
    assert is_slip(one, other) is slip is is_slip(other, one)


def test_likeness_is_what_pg_trgm_says():
    """By its definition: shared trigrams over all trigrams of both."""
    assert likeness("amelie", "amelie") == 1
    assert likeness("amelie", "emilie") == pytest.approx(2 / 12)
    assert likeness("roussel", "rousel") == pytest.approx(6 / 9)


@given(st.text(max_size=20))
def test_folding_twice_is_folding_once(text):
    assert folded(folded(text)) == folded(text)


@given(st.lists(st.sampled_from(["ane", "anne", "bois", "boisé", "roussel", "rousel"]), max_size=8), st.integers(0, 7))
def test_mending_the_index_is_making_it_anew(words, drop):
    people = [person(number, word) for number, word in enumerate(words, 1)]
    mended = Index(people)
    for each in people:
        mended.put(person(each.id.int, "chat"))
        mended.put(each)
    mended.drop(UUID(int=drop))
    fresh = Index(each for each in people if each.id.int != drop)

    for typed in ("", "anne", "bois", "rous", "chat"):
        wanted = Wanted(typed)
        assert mended.find(wanted, reader=UUID(int=0), collectives=[]) == fresh.find(
            wanted, reader=UUID(int=0), collectives=[]
        )
    assert mended._found_by.keys() == fresh._found_by.keys()
