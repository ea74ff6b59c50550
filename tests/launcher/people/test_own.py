"""« Ma fiche »: what is typed, to whom it is opened, and the preview."""

import pytest
from django.test import Client
from django.urls import reverse

from consent.own.sections import SECTIONS
from directory.models import Collective, Membership, Profile
from directory.types import Audience, Shown

pytestmark = pytest.mark.django_db
TYPED = {
    "listed": "on",
    "skills": "Reliure, dorure\nreliure  d’art",
    "presentation": "Je **relie**.",
    "links": "canari.example",
    "town": "34700 Lodève",
    "level": "commune",
}


@pytest.fixture
def browser(member) -> Client:
    client = Client()
    client.force_login(member)
    return client


def save(browser, **changes):
    return browser.post(reverse("launcher:my_page"), {**TYPED, **changes})


def opened(**audiences):
    return {f"audience_{item}": audience for item, audience in audiences.items()}


def test_everything_is_closed_until_it_is_opened(browser, member):
    page = browser.get(reverse("launcher:my_page")).content.decode()

    assert page.count('<option value="" selected>Personne</option>') == len(Shown)
    assert '<option value="" selected>Nulle part</option>' in page
    assert not Profile.objects.exists()


def test_what_is_typed_is_kept_and_shown_as_a_colleague_sees_it(browser, member):
    answer = save(browser, **opened(skills=Audience.EVERYBODY, place=Audience.EVERYBODY))

    profile = Profile.objects.get()
    assert answer.status_code == 303
    assert answer.url == reverse("launcher:my_page_preview")
    assert profile.skills == ["Reliure", "dorure", "reliure d’art"]
    assert profile.links == ["https://canari.example"]
    assert profile.place == "34142"
    assert profile.audiences == {"place": "everybody", "skills": "everybody"}
    page = browser.get(answer.url).content.decode()
    assert "dorure" in page
    assert "Lodève (34)" in page
    assert "relie</strong>" not in page


def test_the_preview_tells_collectives_from_everybody(browser, member):
    wood = Collective.objects.create(slug="bois", name="Pôle bois")
    Membership.objects.create(member=member, collective=wood)
    save(browser, **opened(mobile=Audience.COLLECTIVES, presentation=Audience.EVERYBODY))

    near = browser.get(reverse("launcher:my_page_preview")).content.decode()
    far = browser.get(reverse("launcher:my_page_preview"), {"comme": "membre"}).content.decode()

    assert "+33 6 39 98 00 01" in near
    assert "+33 6 39 98 00 01" not in far
    assert "<strong>relie</strong>" in near
    assert "<strong>relie</strong>" in far


def test_only_the_department_is_kept_where_only_the_department_is_chosen(browser):
    save(browser, level="department")

    assert Profile.objects.get().place == "34"


def test_no_place_is_kept_where_none_is_chosen(browser):
    save(browser, level="")

    assert Profile.objects.get().place == ""


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"town": "Atlantide"}, "Cette commune n’est pas connue."),
        ({"links": "javascript:alert(1)"}, "Cette adresse ne s’ouvre pas"),
        ({"links": "\n".join(f"a{n}.example" for n in range(6))}, "Cinq liens au plus."),
        ({"skills": ",".join(map(str, range(13)))}, "Douze savoir-faire au plus."),
        ({"skills": "x" * 41}, "Quarante caractères au plus"),
        ({"presentation": "x" * 1501}, "1500"),
        ({"audience_phone": "world"}, "world n’en fait pas partie"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_lost(browser, wrong, said):
    answer = save(browser, **wrong)

    page = answer.content.decode()
    assert answer.status_code == 422
    assert said in page.replace("\u202f", "")
    assert "Je **relie**." in page or "presentation" in wrong
    assert not Profile.objects.exists()


def test_whoever_leaves_the_list_is_told_so_on_their_preview(browser):
    save(browser, listed="")

    assert "Vous ne figurez pas dans la liste" in browser.get(reverse("launcher:my_page_preview")).content.decode()


@pytest.mark.gdpr("G4")
def test_the_file_that_members_take_has_their_card(browser, member):
    save(browser, **opened(skills=Audience.EVERYBODY))

    rows = [row for section in SECTIONS if section.name == "profile" for row in section.rows(member.pk)]

    assert rows[0].data == {"listed": True}
    assert {"item": "skills", "value": ["Reliure", "dorure", "reliure d’art"], "open_to": "everybody"} in [
        row.data for row in rows
    ]
    assert "Savoir-faire, ouvert à : tous les membres. Reliure, dorure, reliure d’art" in [row.said for row in rows]
