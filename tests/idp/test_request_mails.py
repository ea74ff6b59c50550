"""Whoever asked something about their data, and whoever answers, are written to: once, and without what was said."""

from datetime import timedelta

import pytest
from django.conf import settings

from audit.types import Actor
from consent.requests import services
from consent.requests.models import RequestStep
from consent.requests.types import Came, Kind
from consent.services import fill_register
from directory.models import Member
from directory.types import Hold
from idp.models import OutgoingMail
from idp.services.accounts import lifecycle, request_mails
from idp.types import MailKind
from tests.support.cast import MONDAY, TUESDAY
from tests.support.links import waiting

pytestmark = pytest.mark.django_db
REFUSAL = "Rien ne nous y oblige. Vous pouvez saisir la CNIL ou le tribunal."


@pytest.fixture(autouse=True)
def contacts(settings, db):
    settings.DPO_CONTACT = "dpo@canari.example"
    fill_register(now=MONDAY)


@pytest.fixture
def asked(member):
    said = {"kind": Kind.ACCESS, "text": "Un mot secret", "tool_id": None, "language": "fr"}
    return services.make(member_id=member.pk, actor=Actor(member=member.pk), now=MONDAY, **said)


def told(now=MONDAY):
    """What the next turn puts into the outbox: to whom, and which subject and text."""
    OutgoingMail.objects.all().delete()
    request_mails.tell_of_requests(now=now)
    return {mail["to"]: mail for mail in waiting(MailKind.REQUEST)}


def test_a_request_is_acknowledged_and_the_officer_told(asked, member, dpo):
    mails = told()

    assert set(mails) == {member.email, dpo.email}
    ours = mails[member.email]["body"]
    assert "16 décembre 2026" in ours
    assert f"{settings.ORIGIN}/mes-donnees/demandes/{asked.reference}/" in ours
    assert f"{settings.ORIGIN}/demandes/{asked.reference}/" in mails[dpo.email]["body"]
    assert "secret" not in str(mails)
    assert "Amélie" not in mails[dpo.email]["body"]


def test_each_step_is_told_once(asked, dpo):
    assert told()
    assert told() == {}
    assert not RequestStep.objects.filter(told_at=None).exists()


def test_without_an_officer_the_address_of_the_settings_is_written_to(asked, member):
    assert set(told()) == {member.email, "dpo@canari.example"}


def test_an_answer_leads_to_the_page_and_says_nothing_of_it(asked, member, dpo):
    told()
    services.answer(of=asked, text="Votre adresse est Lodève.", files=(), actor=Actor(member=dpo.pk), now=TUESDAY)

    mails = told()

    assert set(mails) == {member.email}
    assert "Lodève" not in mails[member.email]["body"]


def test_whoever_cannot_come_in_any_more_gets_the_letter_itself(asked, member, dpo):
    told()
    Member.objects.filter(pk=member.pk).update(hold=Hold.LEFT)
    services.refuse(of=asked, text=REFUSAL, actor=Actor(member=dpo.pk), now=TUESDAY)

    assert REFUSAL in told()[member.email]["body"]


def test_notes_are_told_to_nobody(asked, dpo):
    told()
    services.note(of=asked, text="Vu", files=(), actor=Actor(member=dpo.pk), now=TUESDAY)

    assert told() == {}


@pytest.mark.parametrize("act", ["reply", "withdraw"])
def test_what_the_person_does_is_told_to_the_officer_alone(asked, member, dpo, act):
    told()
    said = {"text": "Et aussi"} if act == "reply" else {}
    getattr(services, act)(of=asked, actor=Actor(member=member.pk), now=TUESDAY, **said)

    assert set(told()) == {dpo.email}


def test_what_an_officer_enters_is_told_to_whose_name_it_bears(member, dpo):
    services.enter(
        member_id=member.pk,
        kind=Kind.ERASURE,
        text="Lettre",
        tool_id=None,
        came=Came.PAPER,
        received_on=MONDAY.date(),
        actor=Actor(member=dpo.pk),
        language="fr",
        now=MONDAY,
    )

    assert set(told()) == {member.email}


def test_the_officer_is_reminded_a_week_before_and_when_it_is_late(asked, dpo):
    told()
    subjects = []
    for days in range(20, 40):
        OutgoingMail.objects.all().delete()
        lifecycle.turn(now=MONDAY + timedelta(days=days))
        subjects += [(days, mail["to"], mail["subject"]) for mail in waiting(MailKind.REQUEST)]

    assert subjects == [
        (23, dpo.email, "Demande D-2026-001 : à répondre avant le 16 décembre 2026"),
        (31, dpo.email, "Demande D-2026-001 : le délai est passé"),
    ]


def test_the_mail_speaks_the_language_of_its_reader(asked, member):
    Member.objects.filter(pk=member.pk).update(language="en")

    assert told()[member.email]["subject"] == "Your request D-2026-001"
