"""Towns, postcodes and distances, from the data that is shipped."""

import pytest

from directory.places import communes
from directory.places.projection import HEIGHT, WIDTH, km_between


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("Lodève", "34142"),
        ("lodeve", "34142"),
        ("34700", "34142"),
        ("34700 Lodève", "34142"),
        ("Lodève (34)", "34142"),
        ("L’Haÿ-les-Roses", "94038"),
        ("St Etienne", "42218"),
        ("Paris", "75056"),
        ("75012", "75056"),
        ("Saint-Pierre (La Réunion)", "97416"),
        ("Saint-Pierre (39)", "39494"),
    ],
)
def test_a_town_is_known_however_it_is_typed(typed, code):
    assert communes.meant(typed).code == code


@pytest.mark.parametrize("typed", ["", " ", "Atlantide", "00000", "Lodève (59)", "34700 Lille", "(34)"])
def test_what_is_no_town_is_none(typed):
    assert communes.meant(typed) is None


def test_a_department_is_known_by_its_number_and_its_name():
    assert communes.department_meant("herault").code == "34"
    assert communes.department_meant("2a").name == "Corse-du-Sud"
    assert communes.department_meant("") is None


def test_within_twenty_kilometres_of_lodeve_there_is_clermont_and_not_montpellier():
    lodeve = communes.meant("Lodève")

    near = communes.within(lodeve, 20)

    assert lodeve.code in near
    assert communes.meant("Clermont-l’Hérault").code in near
    assert communes.meant("Montpellier").code not in near
    assert near[lodeve.code] == 0
    assert near[communes.meant("Clermont-l’Hérault").code] == pytest.approx(15, abs=2)


def test_a_distance_is_what_a_map_says():
    paris, marseille = communes.meant("Paris"), communes.meant("Marseille")

    assert paris.km_to(marseille) == pytest.approx(661, abs=5)
    assert km_between(paris.centre, paris.centre) == 0


def test_every_commune_has_its_department_and_a_point_on_the_map_where_that_is_drawn():
    drawn = {code for code, each in communes.departments().items() if each.outline}

    for each in communes.communes().values():
        assert each.department in communes.departments()
        x, y = each.point
        assert each.department not in drawn or (0 <= x <= WIDTH and 0 <= y <= HEIGHT), each


def test_a_name_that_is_begun_is_completed_the_largest_first():
    assert [each.label for each in communes.beginning("clermont", 2)] == ["Clermont-Ferrand (63)", "Clermont (60)"]
    assert communes.meant("Lodève") in communes.beginning("3470", 20)
    assert communes.beginning("l", 5) == []


def test_a_place_is_said_in_words_and_an_old_code_is_no_error():
    assert communes.label_of("34142") == "Lodève (34)"
    assert communes.label_of("34") == "Hérault"
    assert communes.label_of("99999") == communes.words_of("99999") == communes.department_of("99999") == ""
    assert communes.words_of("34142") == "Lodève 34700 Hérault"
