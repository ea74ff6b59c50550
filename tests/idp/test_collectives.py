"""The office's pages of collectives: who is in them, and whether tools may hear of it."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.models import Event
from audit.types import SYSTEM, Action
from consent import services as consent_services
from consent.types import SheetItem
from directory import following
from directory.models import Collective, DirectorySource, Member, Membership, RoleGrant
from directory.types import Kind, MemberState, Role, SourceState, Status
from idp.claims import values
from idp.models import Tool
from idp.types import ToolState
from tests.idp.test_directory_pages import proved
from tests.support.cast import LOUTY, helping, make_member, make_tool, with_items
from tests.support.cost import counted
from tests.support.oidc import sign_in

LIST = "/structure/collectifs/"


@pytest.fixture
def noemie_in() -> Member:
    return make_member("noemie.y", "Noémie Ypsilon")


def make_collective(name: str, slug: str, *people: Member, **columns: object) -> Collective:
    found = Collective.objects.create(entry_uuid=uuid4(), name=name, slug=slug, **columns)
    Membership.objects.bulk_create(Membership(collective=found, member=each) for each in people)
    return found


def with_role(login: str, role: Role) -> Client:
    person = make_member(login, f"Personne {role}")
    RoleGrant.objects.create(member=person, role=role)
    return sign_in(person, methods=("pwd", "otp", "mfa"), acr="2")


@pytest.fixture
def desk(db) -> Client:
    return helping(proved(with_role("karim.x", Role.OFFICE)))


@pytest.fixture
def union(member, other_member) -> Collective:
    found = make_collective("Section syndicale", "section-syndicale", member, other_member, kind=Kind.SELF_RUN)
    found.leads.add(other_member)
    return found


@pytest.fixture
def louty(db) -> Tool:
    tool = make_tool("louty", "Louty")
    sheet = with_items(LOUTY, SheetItem("groups", "Ranger."))
    consent_services.declare(tool_id=tool.pk, sheet=sheet, actor=SYSTEM, now=timezone.now())
    return tool


def text_of(answer) -> str:
    return answer.content.decode()


def names_in(page: str) -> list[str]:
    """The collectives of the list, from top to bottom."""
    return [
        part.partition("<")[0]
        for part in page.split('role="rowheader"><a href="')[1:]
        for part in [part.partition(">")[2]]
    ]


# The list --------------------------------------------------------------------------------------------------------


def test_the_list_says_of_each_its_kind_its_leads_and_how_many_are_in_it(desk, union, member):
    through = make_member("paul.martin", "Paul Martin")
    Membership.objects.create(collective=union, member=through, direct=False)
    gone = make_member("efface", "Ancien membre", erased_at=timezone.now())
    Membership.objects.create(collective=union, member=gone)

    page = text_of(desk.get(LIST))

    row = page[page.index(">Section syndicale</a>") :].partition("</tr>")[0]
    assert str(Kind.SELF_RUN.label) in row
    assert "Bachir Haddad" in row
    assert ">3 <span" in row
    assert "dont 2 directement" in row


def test_collectives_are_in_order_and_closed_sensitive_and_statuses_apart(desk):
    make_collective("Zinguerie", "zinguerie")
    make_collective("Écriture", "ecriture")
    make_collective("Aumônerie", "aumonerie", sensitive=True)
    make_collective("Fanfare", "fanfare", present=False)
    make_collective("En CAPE", "cape", kind=Kind.STATUS, status=Status.CAPE)

    assert names_in(text_of(desk.get(LIST))) == ["Aumônerie", "Écriture", "Zinguerie"]
    assert names_in(text_of(desk.get(LIST, {"liste": "sensibles"}))) == ["Aumônerie"]
    assert names_in(text_of(desk.get(LIST, {"liste": "fermes"}))) == ["Fanfare"]
    assert desk.get(LIST, {"liste": "secrets"}).status_code == 404
    assert desk.get(reverse("idp:office_collective", args=["cape"])).status_code == 404


@pytest.mark.parametrize(
    ("typed", "found"), [("ecrit", ["Écriture"]), ("ÉCRITURE", ["Écriture"]), ("zzz", []), ("\x00", None)]
)
def test_a_collective_is_found_by_parts_of_its_name(desk, typed, found):
    make_collective("Zinguerie", "zinguerie")
    make_collective("Écriture", "ecriture")

    page = text_of(desk.get(LIST, {"q": typed}))

    assert names_in(page) == (["Écriture", "Zinguerie"] if found is None else found)
    assert ('id="no-collective"' in page) is (found == [])


def test_the_pages_of_a_search_keep_what_was_looked_for(desk):
    for number in range(30):
        make_collective(f"Atelier {number:02}", f"atelier-{number}")
    make_collective("Zinguerie", "zinguerie")

    page = text_of(desk.get(LIST, {"q": "atelier"}))

    assert "?liste=ouverts&amp;q=atelier&amp;page=2" in page
    assert names_in(text_of(desk.get(LIST, {"q": "atelier", "page": "2"}))) == [f"Atelier {n}" for n in range(25, 30)]


def test_of_several_directories_each_collective_says_its_own(desk):
    sources = [DirectorySource.objects.create(name=name, state=SourceState.ACTIVE) for name in ("Siège", "Grappe")]
    make_collective("Écriture", "ecriture", source=sources[1])

    assert ">Grappe</td>" in text_of(desk.get(LIST))

    sources[0].delete()
    assert ">Grappe</td>" not in text_of(desk.get(LIST))


# One of them ---------------------------------------------------------------------------------------------------------


def test_the_page_of_one_shows_members_leads_and_what_it_holds(desk, union, member):
    holder = make_collective("Vie interne", "vie-interne")
    holder.nested.add(union)
    Membership.objects.create(collective=holder, member=member, direct=False)

    page = text_of(desk.get(reverse("idp:office_collective", args=[union.slug])))
    above = text_of(desk.get(reverse("idp:office_collective", args=["vie-interne"])))

    assert page.index(">Amélie Roux</a>") < page.index("Bachir Haddad</a></th>")
    assert "Bachir Haddad" in page[page.index('id="leads"') :].partition("</dd>")[0]
    assert ">Vie interne</a>" in page
    assert ">directe</td>" in page
    assert ">Section syndicale</a>" in above[above.index('id="nested"') :].partition("</dd>")[0]
    assert ">par un collectif contenu</td>" in above


def test_members_have_links_to_the_collectives_they_are_in(desk, union, member):
    page = text_of(desk.get(reverse("idp:office_member", args=[member.pk])))

    assert f'href="{reverse("idp:office_collective", args=[union.slug])}"' in page
    assert f'href="{LIST}"' in text_of(desk.get(reverse("idp:office")))


@pytest.mark.parametrize("page", [LIST, f"{LIST}section-syndicale/"])
def test_a_page_costs_the_same_for_many_as_for_few(desk, union, louty, page):
    desk.get(page)
    with counted() as few:
        desk.get(page)
    people = [make_member(f"q{number}", f"Personne {number:02}") for number in range(30)]
    union.leads.add(*people[:5])
    Membership.objects.bulk_create(Membership(collective=union, member=each) for each in people)
    for number in range(30):
        make_collective(f"Atelier {number:02}", f"atelier-{number}", *people).leads.add(*people[:3])

    with counted() as many:
        answer = desk.get(page)

    assert len(answer.context["page"].object_list) == 25
    assert len(many.statements) == len(few.statements) <= 16


@pytest.mark.parametrize("role", [Role.TECHNICIAN, Role.DPO, None])
def test_nobody_but_the_office_sees_who_is_in_a_collective_or_marks_it(union, louty, role):
    """A lead sees their own members where they are looked up; the technician has tools and no accounts."""
    asking = with_role("x.y", role) if role else sign_in(Member.objects.get(leads=union))

    for answer in (
        asking.get(LIST),
        asking.get(f"{LIST}{union.slug}/"),
        asking.get(f"{LIST}{union.slug}/sensible/"),
        asking.post(f"{LIST}{union.slug}/sensible/", {"sensitive": "1"}),
    ):
        assert answer.status_code == 403
        assert "Amélie Roux" not in text_of(answer)
    assert Event.objects.filter(action=Action.ACCESS_REFUSED).count() == 4
    union.refresh_from_db()
    assert not union.sensitive


@pytest.mark.gdpr("G13")
def test_neither_reports_nor_the_list_say_who_is_in_a_sensitive_collective(desk, union, noemie_in):
    """Only its own page does, to the office alone, and with a line."""
    pair = [(str(union.entry_uuid), str(noemie_in.entry_uuid))]
    assert [each.other for each in following.named("memberships-set", pair)] == [union.name]
    union.leads.add(noemie_in)
    assert noemie_in.display_name in text_of(desk.get(LIST))

    Collective.objects.filter(pk=union.pk).update(sensitive=True)

    for part in ("memberships-set", "memberships-removed", "leads-added"):
        (told,) = following.named(part, pair, {str(union.entry_uuid): union.name})
        assert (told.name, told.other) == (noemie_in.display_name, "un collectif sensible")
    assert noemie_in.display_name not in text_of(desk.get(LIST, {"liste": "sensibles"}))
    assert union.name in text_of(desk.get(LIST, {"liste": "sensibles"}))


def test_reading_who_is_in_a_sensitive_collective_is_recorded_once_in_a_while(desk, union):
    page = f"{LIST}{union.slug}/"
    desk.get(page)
    assert not Event.objects.filter(action=Action.COLLECTIVE_CONSULTED).exists()
    other = make_collective("Aumônerie", "aumonerie", sensitive=True)
    Collective.objects.filter(pk=union.pk).update(sensitive=True)

    for _ in range(2):
        desk.get(page)
        desk.get(f"{LIST}aumonerie/")

    told = Event.objects.filter(action=Action.COLLECTIVE_CONSULTED).order_by("pk")
    assert [event.facts["collective"] for event in told] == [str(union.pk), str(other.pk)]


# The mark ------------------------------------------------------------------------------------------------------------


def test_what_a_mark_changes_is_said_before_and_is_what_happens(desk, union, member, louty):
    deaf = make_tool("carte", "Carte")
    closed = make_tool("ancien", "Ancien outil", state=ToolState.CLOSED)
    consent_services.declare(
        tool_id=closed.pk,
        sheet=with_items(LOUTY, SheetItem("groups", "Ranger.")),
        actor=SYSTEM,
        now=timezone.now(),
    )
    page = f"{LIST}{union.slug}/"
    before = text_of(desk.get(page))
    confirmation = text_of(desk.get(f"{page}sensible/"))

    answer = desk.post(f"{page}sensible/", {"sensitive": "1"}, follow=True)

    assert ">Louty</span>" in before
    changes = confirmation[confirmation.index('id="changes"') :].partition("</section>")[0]
    assert "n’apprendra plus" in changes
    assert ">Louty</span>" in changes
    assert deaf.name not in changes
    assert closed.name not in changes
    assert "n’est pas repris" in confirmation
    assert answer.redirect_chain == [(page, 302)]
    assert 'id="sensitive"' in text_of(answer)
    assert union.name not in values(member, ["groups"])["groups"]["groups"]
    line = Event.objects.get(action=Action.COLLECTIVE_MARKED)
    assert line.actor is not None
    assert (line.actor.login, line.facts) == ("karim.x", {"collective": str(union.pk), "change": "sensitive"})


def test_taking_a_mark_back_says_who_hears_of_it_again(desk, union, member, louty):
    Collective.objects.filter(pk=union.pk).update(sensitive=True)
    page = f"{LIST}{union.slug}/sensible/"
    confirmation = text_of(desk.get(page))

    desk.post(page, {"sensitive": "0"})

    assert "apprendra de nouveau" in confirmation
    assert ">Louty</span>" in confirmation
    assert union.name in values(member, ["groups"])["groups"]["groups"]
    assert Event.objects.get(action=Action.COLLECTIVE_MARKED).facts["change"] == "ordinary"


def test_where_somebody_was_faster_nothing_is_turned_round(desk, union):
    page = f"{LIST}{union.slug}/sensible/"
    desk.get(page)
    Collective.objects.filter(pk=union.pk).update(sensitive=True)

    answer = desk.post(page, {"sensitive": "1"}, follow=True)

    assert "c’était déjà fait" in text_of(answer)
    assert Collective.objects.get(pk=union.pk).sensitive
    assert not Event.objects.filter(action=Action.COLLECTIVE_MARKED).exists()


def test_a_form_that_does_not_say_which_changes_nothing_and_asks_again(desk, union):
    Collective.objects.filter(pk=union.pk).update(sensitive=True)

    answer = desk.post(f"{LIST}{union.slug}/sensible/", {"sensitive": "non"})

    assert answer.status_code == 422
    assert Collective.objects.get(pk=union.pk).sensitive


def test_whoever_marks_says_again_who_they_are(desk, union):
    page = f"{LIST}{union.slug}/sensible/"

    answer = proved(desk, ago=timedelta(minutes=6)).post(page, {"sensitive": "1"})

    assert answer.url.startswith(reverse("account_reauthenticate"))
    assert not Collective.objects.get(pk=union.pk).sensitive


def test_what_it_opens_is_said_as_entering_shows_who_is_in_it(desk, union):
    tool = make_tool("caisse", "Caisse de grève", everyone=False)
    tool.collectives.add(union)

    assert "y entrer peut montrer qu’on en fait partie (Caisse de grève)" in text_of(
        desk.get(f"{LIST}{union.slug}/sensible/")
    )


def test_a_closed_one_keeps_its_mark_for_when_it_opens_again(desk, union):
    Collective.objects.filter(pk=union.pk).update(present=False)
    Member.objects.filter(memberships__collective=union).update(state=MemberState.LEFT)

    page = text_of(desk.get(f"{LIST}{union.slug}/"))

    assert 'id="closed"' in page
    assert "votre choix vaudra s’il rouvre" in text_of(desk.get(f"{LIST}{union.slug}/sensible/"))
