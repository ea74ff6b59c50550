"""The page of tools, with a database."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from audit.models import Event
from audit.types import Action
from directory.models import Collective, Member, Membership
from idp.models import HubSession, Tool, ToolSession
from launcher.models import Favourite, Section

pytestmark = pytest.mark.django_db
MAX_STATEMENTS = 12


def new_tool(slug: str, **more: object) -> Tool:
    values: dict[str, object] = {
        "name": slug.capitalize(),
        "client_id": slug,
        "everyone": True,
        "launch_url": f"https://{slug}.example/",
        "client_type": "confidential",
        "authorization_grant_type": "authorization-code",
        "tagline": "Une ligne de mots simples",
    }
    return Tool.objects.create(slug=slug, **(values | more))


def sections(*slugs: str) -> None:
    for order, slug in enumerate(slugs):
        Section.objects.create(slug=slug, name=slug.capitalize(), order=order)


@pytest.fixture
def amelie() -> Member:
    return Member.objects.create(
        login="amelie",
        display_name="Amélie Roussel",
        given_name="Amélie",
        entry_uuid=uuid4(),
        email="a@alizarine.example",
    )


@pytest.fixture
def browser(amelie: Member) -> Client:
    client = Client()
    client.force_login(amelie)
    return client


def opened(member: Member, *tools: Tool) -> None:
    now = timezone.now()
    session = HubSession.objects.create(
        member=member, started_at=now, auth_time=now, last_seen_at=now, expires_at=now + timedelta(hours=1)
    )
    for age, tool in enumerate(tools):
        ToolSession.objects.create(hub_session=session, tool=tool, first_at=now, last_at=now - timedelta(minutes=age))


def page(browser: Client, path: str = "/") -> str:
    response = browser.get(path)
    assert response.status_code == 200
    return response.content.decode()


def test_a_stranger_is_sent_to_sign_in(client: Client) -> None:
    response = client.get("/")

    assert response.status_code == 302
    assert response["Location"].startswith("/compte/connexion/")


def test_the_page_greets_by_first_name_and_links_each_tool(browser: Client) -> None:
    new_tool("louty", tagline="Factures et contrat")

    html = page(browser)

    assert "Amélie</h1>" in re.sub(r"\s+", " ", html).replace(" </h1>", "</h1>")
    assert 'href="/outils/louty/ouvrir/"' in html
    assert "Factures et contrat" in html


def test_a_tool_of_another_collective_does_not_show(browser: Client, amelie: Member) -> None:
    theirs, mine = (
        Collective.objects.create(entry_uuid=uuid4(), dn=slug, dn_key=slug, slug=slug, name=slug)
        for slug in ("batiment", "textile")
    )
    Membership.objects.create(member=amelie, collective=mine)
    new_tool("chantiers", everyone=False).collectives.add(theirs)
    new_tool("patrons", everyone=False).collectives.add(mine)

    html = page(browser)

    assert "patrons" in html
    assert "chantiers" not in html


def test_a_closed_tool_does_not_show_and_one_in_maintenance_says_so(browser: Client) -> None:
    new_tool("ferme", state="closed")
    new_tool("visio", state="maintenance")

    html = page(browser)

    assert "ferme" not in html
    assert "en maintenance" in html


def test_favourites_stand_on_top_and_stay_in_their_place(browser: Client, amelie: Member) -> None:
    Favourite.objects.create(member=amelie, tool=new_tool("louty"))

    html = page(browser)

    assert 'id="shelf-favourites"' in html
    assert html.count('href="/outils/louty/ouvrir/"') == 2
    assert html.count('class="star" aria-pressed="true"') == 2


def test_favourites_follow_the_order_of_the_sections(browser: Client, amelie: Member) -> None:
    sections("management", "files")
    for slug, section in (("nuage", "files"), ("louty", "management")):
        Favourite.objects.create(member=amelie, tool=new_tool(slug, section=section))

    html = page(browser)

    on_top = html[html.index("shelf-favourites") : html.index("data-shelf")]
    assert re.findall(r"/outils/(\w+)/ouvrir/", on_top) == ["louty", "nuage"]


def test_the_last_opened_show_newest_first_five_at_most_without_favourites(browser: Client, amelie: Member) -> None:
    tools = [new_tool(f"outil{number}") for number in range(7)]
    Favourite.objects.create(member=amelie, tool=tools[0])
    opened(amelie, *tools)

    html = page(browser)

    recents = re.findall(r'class="recent" href="/outils/(\w+)/', html)
    assert recents == ["outil1", "outil2", "outil3", "outil4"]


def test_search_works_without_scripts(browser: Client) -> None:
    new_tool("louty", keywords="note de frais, dépenses")
    new_tool("wiki")

    html = page(browser, "/?q=DEPENSES")

    assert "/outils/louty/" in html
    assert "/outils/wiki/" not in html
    assert "1 outil trouvé" in html


def test_a_search_without_result_says_whom_to_ask(browser: Client) -> None:
    new_tool("louty")

    html = page(browser, "/?q=zzz")

    assert re.search(r'id="nothing-found">', html)
    assert "structure@alizarine.example" in html


def test_what_is_typed_is_shown_escaped(browser: Client) -> None:
    new_tool("louty")

    html = page(browser, "/?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E%00")

    assert "<script>alert" not in html


def test_nobody_is_left_before_an_empty_page(browser: Client) -> None:
    html = page(browser)

    assert 'id="no-tools"' in html
    assert "structure@alizarine.example" in html


def test_sixty_tools_cost_no_more_statements_than_two(
    browser: Client, amelie: Member, django_assert_max_num_queries
) -> None:
    tools = [new_tool(f"outil{number}") for number in range(60)]
    for tool in tools[:10]:
        Favourite.objects.create(member=amelie, tool=tool)
    opened(amelie, *tools[20:40])

    with django_assert_max_num_queries(MAX_STATEMENTS):
        page(browser)


def test_a_tile_nests_nothing_interactive_in_its_link(browser: Client) -> None:
    new_tool("louty")

    html = page(browser)

    links = re.findall(r'<a class="tile__link".*?</a>', html, re.DOTALL)
    assert links
    assert not any(re.search(r"<(button|input|form|a )", link[2:]) for link in links)


def test_the_page_carries_no_inline_style_or_script(browser: Client) -> None:
    new_tool("louty")

    html = page(browser)

    assert "style=" not in html
    assert not re.search(r"<script(?![^>]*\bsrc=)", html)
    assert not re.search(r"\son\w+=", html)


def test_a_star_turns_on_and_off_and_is_written_in_the_journal(browser: Client, amelie: Member) -> None:
    louty = new_tool("louty")

    first = browser.post("/favoris/louty/")
    on = Favourite.objects.filter(member=amelie, tool=louty).exists()
    browser.post("/favoris/louty/")
    off = Favourite.objects.filter(member=amelie, tool=louty).exists()

    assert first["Location"] == "/#outil-louty"
    assert (on, off) == (True, False)
    lines = Event.objects.filter(action=Action.FAVOURITE_CHANGED).order_by("id")
    assert [line.facts for line in lines] == [{"favourite": True}, {"favourite": False}]
    assert {(line.actor_id, line.subject_id, line.tool_id) for line in lines} == {(amelie.pk, amelie.pk, louty.pk)}


@pytest.mark.parametrize("slug", ["inconnu", "reserve"])
def test_a_star_on_a_tool_one_may_not_enter_is_refused_without_telling_which(browser: Client, slug: str) -> None:
    new_tool("reserve", everyone=False)

    response = browser.post(f"/favoris/{slug}/")

    assert response.status_code == 404
    assert not Favourite.objects.exists()
    assert not Event.objects.filter(action=Action.FAVOURITE_CHANGED).exists()


def test_a_star_needs_a_form_from_us(amelie: Member) -> None:
    new_tool("louty")
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(amelie)

    response = strict.post("/favoris/louty/")

    assert response.status_code == 403
    assert not Favourite.objects.exists()


def test_a_link_does_not_change_a_favourite(browser: Client) -> None:
    new_tool("louty")

    assert browser.get("/favoris/louty/").status_code == 405
