"""The page of a collective: what it says of itself, who is shown in it, which tools it opens, who writes it."""

from uuid import uuid4

import pytest
from django.urls import reverse

from audit.models import Event
from audit.types import Action
from collectives import labels, selectors
from collectives.models import CollectivePage
from directory.models import Collective, Membership, Profile, RoleGrant
from directory.types import Audience, Role, Shown
from tests.collectives.test_following import one
from tests.support.cast import MONDAY, browser_of, make_member, make_tool


@pytest.fixture
def bindery(db) -> Collective:
    return Collective.objects.create(entry_uuid=uuid4(), name="Reliure", slug="reliure")


@pytest.fixture
def lead(bindery):
    person = make_member("lise.gely", "Lise Gély")
    bindery.leads.add(person)
    return person


def described(collective: Collective, **said: object) -> CollectivePage:
    return CollectivePage.objects.create(collective=collective, updated_at=MONDAY, **said)


def write(person, collective, **typed):
    address = reverse("collectives:describe", args=[collective.slug])
    return browser_of(person).post(address, {"presentation": "", "joining": "", "links": "", **typed})


# Reading -------------------------------------------------------------------------------------------------------


def test_a_page_that_nobody_wrote_says_so_for_each_of_its_parts(member, bindery):
    text = browser_of(member).get(one(bindery)).text

    for part in ("no-presentation", "no-leads", "no-tools", "no-members"):
        assert f'id="{part}"' in text


def test_what_it_says_is_shown_and_nothing_that_a_page_would_run(member, bindery):
    described(
        bindery,
        presentation="Nous **relions**.\n\n<script>alert(1)</script> [x](javascript:alert(1))",
        joining="Le *mardi*. <img src=x onerror=alert(1)>",
        links=["Dossier <b> | https://nuage.example/f/12", "https://relire.example/a/"],
    )

    text = browser_of(member).get(one(bindery)).text

    assert "<strong>relions</strong>" in text
    assert "<em>mardi</em>" in text
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert 'href="javascript' not in text
    assert '<a href="https://nuage.example/f/12" rel="noopener noreferrer nofollow">Dossier &lt;b&gt;</a>' in text
    assert ">relire.example/a</a>" in text


def test_a_member_is_shown_as_far_as_they_show_themselves_and_those_against_it_not_at_all(member, bindery):
    shown, closed, hidden = (make_member(f"p{n}.x", f"Personne{n} X", trade=f"Métier{n}") for n in range(3))
    for each in (shown, closed, hidden):
        Membership.objects.create(member=each, collective=bindery)
    opened = {Shown.TRADE.value: Audience.EVERYBODY.value}
    Profile.objects.create(member=shown, audiences=opened, updated_at=MONDAY)
    Profile.objects.create(member=hidden, audiences=opened, listed=False, updated_at=MONDAY)

    told = selectors.told(member, bindery)
    text = browser_of(member).get(one(bindery)).text

    assert told.count == 2
    assert [(card.name, card.trade) for card in told.members] == [("Personne0 X", "Métier0"), ("Personne1 X", "")]
    assert "Métier1" not in text
    assert "Personne2" not in text


def test_the_first_dozen_stand_here_and_the_rest_in_the_list_of_members(member, bindery):
    for number in range(14):
        Membership.objects.create(member=make_member(f"p{number}.x", f"P{number} X"), collective=bindery)

    text = browser_of(member).get(one(bindery)).text

    assert text.count('class="faces__one"') == 12
    assert "/membres/?collectif=reliure" in text


def test_a_lead_is_written_to_without_an_address_where_they_allow_it(member, bindery, lead):
    Profile.objects.create(member=lead, audiences={Shown.CONTACT.value: Audience.EVERYBODY.value}, updated_at=MONDAY)

    text = browser_of(member).get(one(bindery)).text

    assert reverse("launcher:write", args=[lead.pk]) in text
    assert "canari.example" not in text


def test_a_lead_who_does_not_want_to_stand_in_a_list_is_not_named(member, bindery, lead):
    Profile.objects.create(member=lead, listed=False, updated_at=MONDAY)

    text = browser_of(member).get(one(bindery)).text

    assert "Lise" not in text
    assert 'id="no-leads"' in text


@pytest.mark.gdpr("G13")
def test_of_a_sensitive_one_nobody_in_it_is_listed(member, other_member, bindery):
    Collective.objects.filter(pk=bindery.pk).update(sensitive=True)
    for each in (member, other_member):
        Membership.objects.create(member=each, collective=bindery)

    text = browser_of(member).get(one(bindery)).text

    assert selectors.told(member, Collective.objects.get()).members == []
    assert other_member.display_name not in text
    assert 'id="not-listed"' in text
    assert 'class="faces' not in text


def test_the_tools_that_it_opens_are_told_to_whoever_may_know_of_them(member, other_member, bindery):
    opened, asked, everybodys, closed = (
        make_tool("compta", "Compta", everyone=False),
        make_tool("devis", "Devis", everyone=False, requestable=True),
        make_tool("agenda", "Agenda"),
        make_tool("vieux", "Vieux", everyone=False, state="closed"),
    )
    for each in (opened, asked, everybodys, closed):
        each.collectives.add(bindery)
    Membership.objects.create(member=member, collective=bindery)

    assert selectors.told(member, bindery).tools == [opened, asked]
    assert selectors.told(other_member, bindery).tools == [asked]
    page = browser_of(member).get(reverse("collectives:one", args=[bindery.slug])).content.decode()
    assert [f'<a href="{reverse("idp:why", args=[each.slug])}">' in page for each in (opened, closed)] == [True, False]


@pytest.mark.parametrize("people", [1, 40])
def test_the_page_costs_the_same_however_many_are_in_it(member, bindery, lead, people, django_assert_max_num_queries):
    for number in range(people):
        Membership.objects.create(member=make_member(f"p{number}.x", f"P{number} X"), collective=bindery)

    with django_assert_max_num_queries(10):
        selectors.told(member, bindery)


# Writing -------------------------------------------------------------------------------------------------------


def test_a_lead_writes_the_page_and_the_journal_says_which_parts_and_no_word(bindery, lead):
    answer = write(lead, bindery, presentation="Nous relions.", links="Dossier | nuage.example/f/12\n\n")

    assert answer.status_code == 303
    page = CollectivePage.objects.get(pk=bindery.pk)
    assert (page.presentation, page.joining, page.links) == (
        "Nous relions.",
        "",
        ["Dossier | https://nuage.example/f/12"],
    )
    (line,) = Event.objects.filter(action=Action.COLLECTIVE_DESCRIBED)
    assert line.told["properties"] == ["links", "presentation"]
    assert "relions" not in str(line.told)
    write(lead, bindery, presentation="Nous relions.", links="Dossier | https://nuage.example/f/12")
    assert Event.objects.filter(action=Action.COLLECTIVE_DESCRIBED).count() == 1


def test_the_office_writes_any_page_that_it_may_see(member, bindery):
    RoleGrant.objects.create(member=member, role=Role.OFFICE)
    union = Collective.objects.create(entry_uuid=uuid4(), name="Section", slug="section", sensitive=True)

    assert write(member, bindery, joining="Le mardi.").status_code == 303
    assert write(member, union, joining="Le mardi.").status_code == 404


def test_whoever_is_only_in_it_is_refused_with_a_line(member, bindery):
    Membership.objects.create(member=member, collective=bindery)

    assert write(member, bindery, presentation="À moi.").status_code == 403

    assert not CollectivePage.objects.exists()
    assert Event.objects.get(action=Action.ACCESS_REFUSED).facts["page"] == "collectives:describe"


def test_the_lead_of_another_one_is_refused(member, bindery, lead):
    other = Collective.objects.create(entry_uuid=uuid4(), name="Vigne", slug="vigne")

    assert write(lead, other, presentation="À moi.").status_code == 403
    assert 'id="describe"' not in browser_of(lead).get(one(other)).text
    assert 'id="describe"' in browser_of(lead).get(one(bindery)).text


@pytest.mark.parametrize(
    "typed",
    [
        {"links": "Dossier | javascript:alert(1)"},
        {"links": "| https://nuage.example/"},
        {"links": "\n".join(f"https://n{n}.example" for n in range(13))},
        {"presentation": "x" * 4001},
        {"joining": "x" * 1001},
    ],
)
def test_what_does_not_fit_is_said_and_kept_in_the_form(bindery, lead, typed):
    answer = write(lead, bindery, **typed)

    assert answer.status_code == 422
    assert "errorlist" in answer.text
    assert not CollectivePage.objects.exists()


@pytest.mark.parametrize(
    ("typed", "kept", "shown"),
    [
        ("https://a.example/x", "https://a.example/x", "a.example/x"),
        (" Dossier  commun |a.example ", "Dossier commun | https://a.example", "Dossier commun"),
        ("A | B | https://a.example", "A | B | https://a.example", "A | B"),
    ],
)
def test_a_link_is_kept_with_its_name(typed, kept, shown):
    assert labels.kept(typed) == kept
    assert labels.read(kept).name == shown
    assert labels.read(kept).address == "https://a.example" + ("/x" if "/x" in typed else "")
