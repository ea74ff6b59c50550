"""What the page of tools may cost: statements of the database, bytes on the wire."""

import gzip
import re
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.utils import timezone

from directory.models import Collective, Member, Membership
from idp.models import Admission
from launcher.models import Arrangement, Condition, Favourite, Section
from news.models import Brief
from tests.launcher.test_home import MAX_STATEMENTS, new_tool, opened, page
from tests.support.cast import make_member
from tests.support.oidc import sign_in

pytestmark = pytest.mark.django_db
PAGE_BYTES, SCRIPT_BYTES = 60_000, 20_000


@pytest.fixture
def amelie(db) -> Member:
    return make_member("amelie.x", "Amélie X")


@pytest.fixture
def browser(amelie: Member) -> Client:
    return sign_in(amelie)


def crowded(member: Member) -> None:
    """Sixty tools, forty collectives with a section each, and something of everything."""
    now = timezone.now()
    crowds = [Collective(entry_uuid=uuid4(), name=f"Collectif {each}", slug=f"c{each}") for each in range(40)]
    Collective.objects.bulk_create(crowds)
    Membership.objects.bulk_create(Membership(collective=crowd, member=member) for crowd in crowds)
    Section.objects.bulk_create(
        Section(slug=f"s{place}", name=f"Rubrique {place}", order=place, collective=crowd)
        for place, crowd in enumerate(crowds)
    )
    tools = [new_tool(f"outil{number}", section=f"s{number % 40}", everyone=number % 2 == 0) for number in range(60)]
    for number, tool in enumerate(tools):
        tool.collectives.add(crowds[number % 40])
    Favourite.objects.bulk_create(Favourite(member=member, tool=tool) for tool in tools[:10])
    Condition.objects.bulk_create(
        Condition(tool=tool, said="En travaux", said_until=now + timedelta(days=1)) for tool in tools[:5]
    )
    for number in range(5):
        locked = new_tool(f"reserve{number}", everyone=False, requestable=True)
        Admission.objects.create(member=member, tool=locked, reason="x", asked_at=now)
    Arrangement.objects.create(member=member, order=[tool.pk for tool in reversed(tools)])
    opened(member, *tools[20:40])
    moments = {"since": now, "written_at": now, "changed_at": now, "is_draft": False}
    Brief.objects.bulk_create(Brief(collective=crowd, title=crowd.name, text="x", **moments) for crowd in crowds)


@pytest.mark.parametrize("by_collective", [False, True])
def test_sixty_tools_and_forty_collectives_cost_twelve_statements_at_most(
    browser: Client, amelie: Member, by_collective: bool, django_assert_max_num_queries
) -> None:
    crowded(amelie)
    Arrangement.objects.update(by_collective=by_collective)

    with django_assert_max_num_queries(MAX_STATEMENTS):
        html = page(browser)

    assert html.count('class="tile__link"') == 60 + 10 + 5
    assert html.count("/ranger/") == 2


def packed(content: bytes) -> int:
    return len(gzip.compress(content))


def parts(html: str) -> dict[str, bytes]:
    """What a first visit brings beside the page: style, scripts, the icon."""
    names = set(re.findall(r'(?:src|href)="/static/([^"]+)"', html))
    return {name: Path(finders.find(name)).read_bytes() for name in names}


def test_a_first_visit_with_thirty_tools_weighs_less_than_sixty_kilobytes(browser: Client) -> None:
    words = ("Factures, dépenses et suivi", "Vos dossiers partagés", "Une salle par collectif", "Modèles de devis")
    for number in range(30):
        new_tool(f"outil{number}", name=f"Outil n° {number}", tagline=words[number % 4], keywords=words[-number % 4])

    html = page(browser)

    found = parts(html)
    scripts = sum(packed(content) for name, content in found.items() if name.endswith(".js"))
    assert scripts < SCRIPT_BYTES
    assert packed(html.encode()) + sum(map(packed, found.values())) < PAGE_BYTES
    assert 2 < len(found) < 8, "each is a request"
