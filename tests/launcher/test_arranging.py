"""The sections of the page, as the cooperative arranges them."""

import re
from importlib import import_module
from uuid import uuid4

import pytest
from django.apps import apps
from django.test import Client

from audit.models import Event
from audit.types import Action
from directory.models import Collective, Member, Membership, RoleGrant
from directory.types import Role
from idp.models import Tool
from launcher.arranging import selectors
from launcher.models import Section
from tests.launcher.test_home import new_tool, page, sections
from tests.support.cast import make_member
from tests.support.oidc import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def technician(db) -> Client:
    person = make_member("tech.x", "Tech X")
    RoleGrant.objects.create(member=person, role=Role.TECHNICIAN)
    return sign_in(person)


@pytest.fixture
def amelie(db) -> Member:
    return make_member("amelie.x", "Amélie X")


def shelves(html: str) -> list[str]:
    return re.findall(r'id="shelf-([\w-]+)">', html)


def changes() -> list[dict[str, object]]:
    return [line.facts for line in Event.objects.filter(action=Action.SECTION_CHANGED).order_by("pk")]


def test_a_section_is_added_at_the_end_with_its_name_in_two_languages(technician: Client, amelie: Member) -> None:
    sections("files")

    answer = technician.post(
        "/accueil/rubriques/ajouter/", {"name": "Nos chantiers", "name_en": "Our sites", "icon": "together"}
    )

    assert answer["Location"] == "/accueil/#nos-chantiers"
    new_tool("plans", section="nos-chantiers")
    new_tool("nuage", section="files")
    html = page(sign_in(amelie))
    assert shelves(html) == ["files", "nos-chantiers"]
    assert "Nos chantiers" in html
    assert changes()[0]["section"] == "nos-chantiers"


def test_two_sections_of_one_name_have_two_slugs(technician: Client) -> None:
    for _ in range(2):
        technician.post("/accueil/rubriques/ajouter/", {"name": "Projets", "icon": "other"})

    assert list(Section.objects.values_list("slug", flat=True)) == ["projets", "projets-2"]


def test_a_section_without_a_name_is_refused_with_words(technician: Client) -> None:
    answer = technician.post("/accueil/rubriques/ajouter/", {"name": " ", "icon": "other"})

    assert answer.status_code == 422
    assert "id_name_error" in answer.content.decode()
    assert not Section.objects.exists()


def test_a_section_is_renamed_and_keeps_its_tools(technician: Client) -> None:
    sections("files")
    new_tool("nuage", section="files")

    technician.post("/accueil/rubriques/files/", {"name": "Documents", "icon": "files"})

    assert page(technician).count("Documents") == 1
    assert changes()[0]["changes"] == {"icon": ["other", "files"], "name": ["Files", "Documents"]}


def test_saying_the_same_again_is_no_change(technician: Client) -> None:
    sections("files")

    technician.post("/accueil/rubriques/files/", {"name": "Files", "icon": "other"})

    assert changes() == []


def test_sections_change_places_by_buttons(technician: Client) -> None:
    sections("files", "learning", "together")

    technician.post("/accueil/rubriques/together/deplacer/", {"move": "up"})
    technician.post("/accueil/rubriques/files/deplacer/", {"move": "up"})

    assert list(Section.objects.values_list("slug", flat=True)) == ["files", "together", "learning"]
    assert len(changes()) == 1, "the first one cannot go further up"


def test_tools_change_places_in_their_section(technician: Client) -> None:
    sections("files")
    for slug in ("agenda", "courriel", "nuage"):
        new_tool(slug, section="files")

    technician.post("/accueil/outils/nuage/deplacer/", {"move": "up"})

    assert list(Tool.objects.values_list("slug", flat=True)) == ["agenda", "nuage", "courriel"]
    assert Event.objects.filter(action=Action.TOOL_CHANGED, reason="shown").count() == 3


def test_the_tools_of_a_removed_section_stand_at_the_end(technician: Client) -> None:
    sections("files", "learning")
    new_tool("nuage", section="files")
    new_tool("cours", section="learning")

    technician.post("/accueil/rubriques/files/retirer/")

    html = page(technician)
    assert shelves(html) == ["learning", "other"]
    assert "/outils/nuage/ouvrir/" in html


def test_a_section_of_a_collective_shows_to_its_members_and_hides_no_tool(technician: Client, amelie: Member) -> None:
    crowd = Collective.objects.create(entry_uuid=uuid4(), name="Reliure", slug="reliure")
    Membership.objects.create(collective=crowd, member=amelie)
    sections("files")
    technician.post("/accueil/rubriques/ajouter/", {"name": "Atelier", "icon": "other", "collective": crowd.pk})
    new_tool("presse", section="atelier")

    inside, outside = page(sign_in(amelie)), page(technician)

    assert shelves(inside) == ["atelier"]
    assert shelves(outside) == ["other"]
    assert "/outils/presse/ouvrir/" in outside


def test_what_members_see_of_a_tool_is_changed_on_its_page(technician: Client) -> None:
    sections("files", "learning")
    new_tool("louty", section="files")

    technician.post(
        "/accueil/outils/louty/",
        {"section": "learning", "tagline": "Vos factures", "keywords": "notes de frais", "monogram": "LT"},
    )

    assert "/outils/louty/" in page(technician, "/?q=note+frais")
    line = Event.objects.get(action=Action.TOOL_CHANGED)
    assert line.facts["properties"] == ["keywords", "monogram", "section", "tagline"]


@pytest.mark.parametrize("more", [{"monogram": "LONG"}, {"section": "nowhere"}, {"tagline": "x" * 121}])
def test_what_does_not_fit_is_refused_and_changes_nothing(technician: Client, more: dict[str, str]) -> None:
    sections("files")
    new_tool("louty", section="files", tagline="Avant")

    answer = technician.post("/accueil/outils/louty/", {"section": "files", "tagline": "Après", **more})

    assert answer.status_code == 422
    assert Tool.objects.get().tagline == "Avant"


def test_a_form_changes_nothing_but_what_members_see(technician: Client) -> None:
    new_tool("louty", everyone=False)

    technician.post(
        "/accueil/outils/louty/", {"section": "other", "everyone": "on", "launch_url": "https://evil.example/"}
    )

    tool = Tool.objects.get()
    assert (tool.everyone, tool.launch_url) == (False, "https://louty.example/")


def test_members_find_no_way_to_arrange(amelie: Member) -> None:
    sections("files")
    browser = sign_in(amelie)

    assert "/accueil/" not in page(browser)
    assert browser.get("/accueil/").status_code == 403
    assert browser.post("/accueil/rubriques/files/retirer/").status_code == 403
    assert Section.objects.count() == 1
    assert Event.objects.filter(action=Action.ACCESS_REFUSED).count() == 2


def test_the_fixed_sections_become_rows_that_keep_the_words_of_tools() -> None:
    import_module("launcher.migrations.0002_sections").carry(apps, None)
    new_tool("louty", section="management")

    assert list(Section.objects.values_list("slug", flat=True)) == [
        "management",
        "files",
        "learning",
        "together",
        "other",
    ]
    assert [stand.section.slug for stand in selectors.stands() if stand.tools] == ["management"]
