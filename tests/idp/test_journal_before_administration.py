"""While the journal is not signed, what the people in charge would change waits, where the cooperative chose so."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from audit import signer
from audit.models import Event, Log, Pending
from audit.sequencer import sequence
from audit.types import Action, Trouble
from directory.models import Member, RoleGrant
from directory.types import Hold, Role
from tests.support.cast import helping, make_member
from tests.support.oidc import sign_in

pytestmark = pytest.mark.django_db
LATE = timedelta(seconds=90)


@pytest.fixture
def office(settings, tmp_path) -> Member:
    settings.AUDIT_DIR = tmp_path / "audit"
    person = make_member("paul.x", "Paul Bureau")
    RoleGrant.objects.create(member=person, role=Role.OFFICE)
    return person


def suspend(office: Member, member: Member):
    page = reverse("idp:office_act", args=[member.pk, "suspend"])
    return sign_in(office, methods=("pwd", "otp", "mfa"), acr="2").post(page, {"reason": "other"})


def all_signed() -> None:
    for _ in range(3):
        while sequence(now=timezone.now()):
            pass
        signer.sign_due(now=timezone.now())


def nobody_sequences() -> None:
    assert Pending.objects.update(since=timezone.now() - LATE)


def the_signer_refuses() -> None:
    all_signed()
    assert Log.objects.filter(family="ledger").update(trouble=Trouble.FILES, trouble_since=timezone.now()) == 1


def the_signer_is_away() -> None:
    all_signed()
    long_ago = int((timezone.now() - LATE).timestamp())
    assert Log.objects.filter(family="ledger").update(size=10_000, time=long_ago) == 1


@pytest.mark.parametrize("broken", [nobody_sequences, the_signer_refuses, the_signer_is_away])
def test_a_change_waits_and_says_so_and_reading_goes_on(settings, office, member, broken):
    settings.JOURNAL_BEFORE_ADMINISTRATION = True
    all_signed()
    sign_in(office)
    broken()

    answer = suspend(office, member)

    assert answer.status_code == 503
    assert answer["Retry-After"] == "60"
    assert "ne se signe plus" in answer.content.decode()
    member.refresh_from_db()
    assert member.hold == Hold.NONE
    line = Event.objects.get(action=Action.ACCESS_REFUSED)
    assert (line.reason, line.actor) == ("journal_behind", office)
    page = reverse("idp:office_member", args=[member.pk])
    assert helping(sign_in(office, methods=("pwd", "otp", "mfa"), acr="2")).get(page).status_code == 200
    assert sign_in(member).get("/").status_code == 200, "sign-in never waits"


@pytest.mark.parametrize("chosen", [False, True])
def test_a_change_goes_on_where_the_journal_is_signed_or_nobody_chose_to_wait(settings, office, member, chosen):
    settings.JOURNAL_BEFORE_ADMINISTRATION = chosen
    all_signed()
    sign_in(office)
    if not chosen:
        nobody_sequences()

    assert suspend(office, member).status_code == 302

    member.refresh_from_db()
    assert member.hold == Hold.SUSPENDED


def test_whoever_reads_says_why_and_for_whom_they_look_also_while_changes_wait(settings, office, dpo, member):
    settings.JOURNAL_BEFORE_ADMINISTRATION = True
    all_signed()
    desk, reader = (sign_in(each, methods=("pwd", "otp", "mfa"), acr="2") for each in (office, dpo))
    nobody_sequences()

    assert desk.post(reverse("idp:office_search"), {"q": "amelie"}).status_code == 302
    assert desk.post(reverse("idp:office_purpose"), {"purpose": "security_incident"}).status_code == 302
    assert "Amélie Roux" in desk.get(reverse("idp:office")).content.decode()
    assert reader.post(reverse("audit:purpose"), {"purpose": "security_incident"}).status_code == 302
    assert reader.post(reverse("audit:search"), {"member": "amelie"}).status_code == 302
    assert reader.get(reverse("audit:journal")).status_code == 200
