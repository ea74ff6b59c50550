"""Tiles of tools that know nothing of the hub: made, changed and removed on a page, and what they lead to."""

import re
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from audit.models import Event
from audit.types import Action, Actor
from consent.models import Consent, Disclosure
from directory.models import Collective, Member, Membership, RoleGrant
from directory.types import Role
from idp.models import Tool
from idp.types import ToolKind, ToolState
from launcher.arranging import services
from tests.launcher.test_home import new_tool, page
from tests.support.cast import make_member
from tests.support.oidc import sign_in

pytestmark = pytest.mark.django_db
ADD = "/accueil/liens/ajouter/"
TYPED = {"name": "Carte des ateliers", "launch_url": "https://carte.example/ici", "everyone": "on"}


@pytest.fixture
def office(db) -> Client:
    person = make_member("odile.x", "Odile X")
    RoleGrant.objects.create(member=person, role=Role.OFFICE)
    return sign_in(person)


@pytest.fixture
def amelie(db) -> Member:
    return make_member("amelie.x", "Amélie X")


@pytest.fixture
def wood(db) -> Collective:
    return Collective.objects.create(entry_uuid=uuid4(), name="Pôle bois", slug="bois")


def lines() -> list[Event]:
    made = (Action.TOOL_CREATED, Action.TOOL_CHANGED, Action.TOOL_CLOSED)
    return list(Event.objects.filter(action__in=made).order_by("pk"))


def tiles(html: str) -> list[str]:
    return re.findall(r'id="outil-([\w-]+)"', html)


def test_a_link_is_added_and_everybody_finds_it_and_is_led_there(office: Client, amelie: Member) -> None:
    answer = office.post(ADD, TYPED)

    tool = Tool.objects.get()
    assert answer["Location"] == f"/accueil/outils/{tool.slug}/"
    assert (tool.kind, tool.state, tool.everyone) == (ToolKind.LINK, ToolState.OPEN, True)
    there = sign_in(amelie)
    assert tiles(page(there)) == [tool.slug]
    assert there.get(f"/outils/{tool.slug}/ouvrir/")["Location"] == TYPED["launch_url"]
    (line,) = lines()
    assert (line.action, line.reason, line.tool) == (Action.TOOL_CREATED, "link", tool)


def test_a_link_is_given_nothing_of_anybody(office: Client, amelie: Member) -> None:
    office.post(ADD, TYPED)
    tool = Tool.objects.get()
    there = sign_in(amelie)

    answer = there.get("/oidc/authorize", {"client_id": tool.client_id, "response_type": "code", "scope": "openid"})
    there.get(f"/outils/{tool.slug}/ouvrir/")

    assert answer.status_code == 400
    assert not tool.client_secret
    assert not Consent.objects.exists()
    assert not Disclosure.objects.exists()


def test_a_link_for_a_collective_is_seen_by_its_members_alone(office: Client, amelie: Member, wood) -> None:
    Membership.objects.create(collective=wood, member=amelie)

    office.post(ADD, {**TYPED, "everyone": "", "collectives": [wood.pk]})

    tool = Tool.objects.get()
    assert tiles(page(sign_in(amelie))) == [tool.slug]
    other = sign_in(make_member("basile.x", "Basile X"))
    assert tiles(page(other)) == []
    assert other.get(f"/outils/{tool.slug}/ouvrir/").status_code == 404
    assert Event.objects.get(action=Action.AUTHORIZATION_REFUSED).tool == tool


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": " "}, "name"),
        ({"launch_url": "http://carte.example/"}, "launch_url"),
        ({"launch_url": "javascript:alert(1)"}, "launch_url"),
        ({"launch_url": "https://moi:secret@carte.example/"}, "launch_url"),
        ({"everyone": ""}, "everyone"),
        ({"everyone": "", "collectives": ["00000000-0000-4000-8000-000000000001"]}, "collectives"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_made(office: Client, wrong, field) -> None:
    answer = office.post(ADD, TYPED | wrong)

    assert answer.status_code == 422
    assert f"id_{field}_error" in answer.content.decode()
    assert not Tool.objects.exists()
    assert lines() == []


def test_two_links_of_one_name_are_two_tools(office: Client) -> None:
    for _ in range(2):
        office.post(ADD, TYPED)

    assert list(Tool.objects.order_by("slug").values_list("slug", flat=True)) == [
        "carte-des-ateliers",
        "carte-des-ateliers-2",
    ]


def test_a_link_moves_to_another_address_and_to_other_people(office: Client, wood) -> None:
    office.post(ADD, TYPED)
    slug = Tool.objects.get().slug
    assert TYPED["launch_url"] in office.get(f"/accueil/liens/{slug}/").content.decode()

    answer = office.post(
        f"/accueil/liens/{slug}/", {"name": "Carte", "launch_url": "https://neuf.example/", "collectives": [wood.pk]}
    )

    tool = Tool.objects.get()
    assert answer["Location"] == f"/accueil/outils/{slug}/"
    assert (tool.name, tool.launch_url, tool.everyone) == ("Carte", "https://neuf.example/", False)
    assert list(tool.collectives.all()) == [wood]
    assert sorted(lines()[-1].facts["properties"]) == ["collectives", "everyone", "launch_url", "name"]


def test_a_connected_tool_is_no_link_whoever_asks(office: Client) -> None:
    new_tool("nuage")
    before = Tool.objects.values().get()

    for address in ("/accueil/liens/nuage/", "/accueil/liens/nuage/retirer/"):
        assert office.post(address, TYPED).status_code == 404
    link = services.Link(name="X", launch_url="https://x.example/", everyone=True, collectives=())
    with pytest.raises(Tool.DoesNotExist):
        services.change_link(slug="nuage", link=link, actor=Actor(), now=timezone.now())

    assert Tool.objects.values().get() == before
    assert 'id="is-link"' not in office.get("/accueil/outils/nuage/").content.decode()


def test_a_link_that_is_removed_is_on_nobodys_page_any_more(office: Client, amelie: Member) -> None:
    office.post(ADD, TYPED)
    slug = Tool.objects.get().slug
    assert 'id="is-link"' in office.get(f"/accueil/outils/{slug}/").content.decode()

    assert office.post(f"/accueil/liens/{slug}/retirer/")["Location"] == "/accueil/"

    assert tiles(page(sign_in(amelie))) == []
    assert office.get(f"/accueil/liens/{slug}/").status_code == 404
    assert (lines()[-1].action, lines()[-1].reason) == (Action.TOOL_CLOSED, "link_removed")


def test_what_a_link_holds_stands_in_the_register_beside_the_rest(office: Client) -> None:
    office.post(ADD, TYPED)
    officer = make_member("delphine.x", "Delphine X")
    RoleGrant.objects.create(member=officer, role=Role.DPO)

    assert TYPED["name"] in sign_in(officer).get("/protection/outils/").content.decode()


def test_of_two_links_made_at_the_same_moment_neither_becomes_the_other(office, monkeypatch):
    """Both have looked which addresses are free before either was there."""
    office.post(ADD, TYPED)
    real, looked = services._free_slug, []

    def as_before(*arguments, **named):
        looked.append(True)
        return "carte-des-ateliers" if len(looked) == 1 else real(*arguments, **named)

    monkeypatch.setattr(services, "_free_slug", as_before)

    office.post(ADD, TYPED | {"launch_url": "https://carte.example/la-bas"})

    assert dict(Tool.objects.values_list("slug", "launch_url")) == {
        "carte-des-ateliers": "https://carte.example/ici",
        "carte-des-ateliers-2": "https://carte.example/la-bas",
    }


def test_where_every_free_address_is_taken_at_once_the_link_gets_one_of_its_own(office, monkeypatch):
    office.post(ADD, TYPED)
    monkeypatch.setattr(services, "_free_slug", lambda *_, **__: "carte-des-ateliers")

    office.post(ADD, TYPED)

    assert Tool.objects.count() == 2
    assert len(lines()) == 2
