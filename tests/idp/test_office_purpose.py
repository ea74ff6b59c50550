"""The office says once why it opens members' records; each look says so, to the member and to the officer."""

from datetime import timedelta
from html import unescape
from urllib.parse import quote

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.models import Event
from audit.types import Action
from directory.models import Collective, Member, RoleGrant
from directory.types import Hold, Role
from idp.views.office.purpose import RECORDS
from tests.support.cast import browser_of, helping, make_member, reader_of
from tests.support.oidc import sign_in

pytestmark = pytest.mark.django_db
HOME, WHY, SEARCH = reverse("idp:office"), reverse("idp:office_purpose"), reverse("idp:office_search")


@pytest.fixture
def karim(db) -> Member:
    person = make_member("karim.benali", "Karim Benali")
    RoleGrant.objects.create(member=person, role=Role.OFFICE)
    return person


@pytest.fixture
def desk(karim) -> Client:
    return sign_in(karim, methods=("pwd", "otp", "mfa"), acr="2")


def text_of(response) -> str:
    return unescape(response.content.decode()).replace("\u202f", " ").replace("\u00a0", " ")


def lines(action: Action) -> list[Event]:
    return list(Event.objects.filter(action=action).order_by("pk"))


def record_of(member: Member) -> str:
    return reverse("idp:office_member", args=[member.pk])


def state(browser: Client, **form: str):
    return browser.post(WHY, {"purpose": "access_repair", **form})


# Before it is said


@pytest.mark.parametrize("way", ["record", "invitation", "sensitive collective", "search"])
def test_nothing_is_looked_at_before_it_is_said_why_and_then_the_same_page_opens(desk, member, way):
    Collective.objects.create(entry_uuid=member.entry_uuid, name="Section", slug="section", sensitive=True)
    if way == "search":
        desk.post(SEARCH, {"q": "amelie"})
    address = {
        "record": record_of(member),
        "invitation": reverse("idp:office_invitation", args=[member.pk]),
        "sensitive collective": reverse("idp:office_collective", args=["section"]),
        "search": HOME,
    }[way]
    before = desk.get(address)
    asked = desk.get(before["Location"])
    looks = [Action.MEMBER_CONSULTED, Action.COLLECTIVE_CONSULTED, Action.MEMBERS_SEARCHED]
    assert before["Location"].startswith(WHY)
    assert "Amélie" not in text_of(asked)
    assert not Event.objects.filter(action__in=looks).exists()

    answer = state(desk, next=asked.context["form"].initial["next"])

    assert answer["Location"] == address
    page = desk.get(address)
    assert 'data-purpose="access_repair"' in text_of(page)
    assert f"{WHY}?next={quote(address, safe='')}" in text_of(page)
    (look,) = Event.objects.filter(action__in=looks)
    assert look.facts["purpose"] == "access_repair"


def test_lists_and_collectives_that_say_nothing_of_anybody_open_without_a_purpose(desk, member):
    Collective.objects.create(entry_uuid=member.entry_uuid, name="Section", slug="section")

    for address in (HOME, f"{HOME}?liste=jamais", reverse("idp:office_collective", args=["section"])):
        page = desk.get(address)
        assert page.status_code == 200
        assert 'id="reading"' not in text_of(page)


def test_a_form_with_a_fault_waits_for_the_purpose_with_what_was_typed(desk, member):
    """It was open for longer than the purpose was good for."""
    address = reverse("idp:office_act", args=[member.pk, "depart"])

    asked = desk.post(address, {"last_day": "2020-01-01"})
    answer = state(desk, next=address, again="True", last_day="2020-01-01")

    assert 'name="last_day" value="2020-01-01"' in text_of(asked)
    assert (answer.status_code, answer["Location"]) == (307, address)
    assert "Ce jour est passé" in text_of(desk.post(address, {"last_day": "2020-01-01"}))


# Saying it


def test_one_click_is_enough_for_every_record_and_each_look_says_why(desk, karim, member, other_member):
    assert 'type="submit" name="purpose" value="access_repair">Accès à rétablir</button>' in text_of(desk.get(WHY))

    state(desk)
    for person in (member, other_member, member):
        assert desk.get(record_of(person)).status_code == 200

    (said,) = lines(Action.READING_OPENED)
    assert (said.actor_id, said.subject_id) == (karim.pk, None)
    assert (said.facts["page"], said.facts["purpose"]) == ("idp:office", "access_repair")
    looks = lines(Action.MEMBER_CONSULTED)
    assert [look.subject_id for look in looks] == [member.pk, other_member.pk]
    assert all(look.facts == {name: said.facts[name] for name in ("purpose", "reading")} for look in looks)


@pytest.mark.parametrize("purpose", ["", "curiosity", "authority_request", "technical_check"])
def test_a_purpose_is_one_of_the_offices(desk, member, purpose):
    answer = state(desk, purpose=purpose)

    assert answer.status_code == 422
    assert 'id="id_purpose_error"' in text_of(answer)
    assert desk.get(record_of(member)).status_code == 302
    assert not lines(Action.READING_OPENED)


def test_another_task_is_another_look(desk, member):
    state(desk)
    desk.get(record_of(member))

    changed = text_of(desk.get(f"{WHY}?next={record_of(member)}"))
    answer = state(desk, purpose="arrival_or_departure", next=record_of(member))
    page = text_of(desk.get(answer["Location"]))

    assert 'class="button button--primary" type="submit" name="purpose" value="access_repair"' in changed
    assert 'data-purpose="arrival_or_departure"' in page
    assert [look.facts["purpose"] for look in lines(Action.MEMBER_CONSULTED)] == [
        "access_repair",
        "arrival_or_departure",
    ]


@pytest.mark.parametrize(("age", "asks"), [(timedelta(hours=3, minutes=59), False), (timedelta(hours=4), True)])
def test_a_purpose_is_over_after_half_a_day(desk, member, age, asks):
    state(desk)
    session = desk.session
    kept = session[RECORDS.field]
    session[RECORDS.field] = kept | {"since": (timezone.now() - age).isoformat()}
    session.save()

    assert desk.get(record_of(member)).status_code == (302 if asks else 200)


@pytest.mark.parametrize(
    "address",
    ["https://evil.example/structure/", "//evil.example/structure/", "/structure/..//evil.example/", "/journal/", ""],
)
def test_whoever_said_why_is_led_to_the_offices_pages_and_nowhere_else(desk, address):
    assert state(desk, next=address)["Location"] == HOME


# Whose it is


def test_the_purpose_of_one_is_not_that_of_another_nor_of_the_journal(desk, karim, dpo, member):
    RoleGrant.objects.create(member=dpo, role=Role.OFFICE)
    reader = reader_of(dpo)
    assert reader.get(record_of(member))["Location"].startswith(WHY)

    RoleGrant.objects.create(member=karim, role=Role.DPO)
    state(desk)
    assert desk.get(reverse("audit:journal"))["Location"].startswith(reverse("audit:purpose"))
    session = desk.session
    session[RECORDS.field] = session[RECORDS.field] | {"reader": str(dpo.pk)}
    session.save()
    assert desk.get(record_of(member)).status_code == 302


@pytest.mark.parametrize("role", [None, Role.DPO, Role.TECHNICIAN])
def test_a_purpose_opens_nothing_for_whoever_has_no_right_and_the_refusal_is_recorded(member, role):
    other = make_member("paul.martin", "Paul Martin")
    if role:
        RoleGrant.objects.create(member=other, role=role)
    browser = sign_in(other, methods=("pwd", "otp", "mfa"), acr="2")

    assert browser.get(WHY).status_code == 403
    assert state(browser).status_code == 403
    assert browser.get(record_of(member)).status_code == 403

    refused = [line.facts["page"] for line in lines(Action.ACCESS_REFUSED)]
    assert refused == ["idp:office_purpose", "idp:office_purpose", "idp:office_member"]
    assert not lines(Action.READING_OPENED)


def test_an_act_needs_no_other_purpose_than_itself(desk, member):
    desk.post(reverse("idp:office_act", args=[member.pk, "suspend"]), {"reason": "other"})

    member.refresh_from_db()
    assert member.hold == Hold.SUSPENDED


# Who is told


@pytest.mark.gdpr("G18")
def test_the_member_reads_who_opened_their_record_and_why_without_a_name(desk, karim, member):
    helping(desk, "arrival_or_departure").get(record_of(member))

    told = text_of(browser_of(member).get(reverse("consent:activity"), {"kind": "regards"}))

    line = told[told.index("Quelqu’un de la structure ouvre votre fiche.") :]
    assert "Arrivée ou départ" in line[:1500]
    assert karim.display_name not in told


def test_the_officer_reads_it_beside_who_looked_at_whom_and_so_does_the_office_on_the_record(desk, dpo, member):
    page = text_of(helping(desk, "directory_check").get(record_of(member)))
    lookups = text_of(reader_of(dpo).get(reverse("audit:lookups")))

    assert "Vérification de l’annuaire" in page[page.index('id="acts"') :]
    assert "Vérification de l’annuaire" in lookups[lookups.index('id="pairs"') :]
    journal = text_of(reader_of(dpo).get(reverse("audit:journal"), {"action": Action.READING_OPENED}))
    assert "dit pourquoi consulter." in journal
    assert "page de la structure" in journal
