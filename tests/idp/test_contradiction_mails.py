"""What contradicts the logs is mailed to those who must know: once, with nothing personal in it."""

from datetime import datetime, timedelta

import pytest
from django.db import transaction
from django.test import override_settings
from django.urls import reverse
from django.utils import timezone

from audit import signer, witnesses
from audit.alarms import AT_MOST_EVERY, AT_ONCE, SUSPECT
from audit.models import AlarmMailed, Contradiction, Event, Gap, Leaf, Log, Reconciliation, Witness
from audit.reconciliation.services import reconcile
from audit.sequencer import sequence
from audit.services import record
from audit.types import Action, Entry, Trouble
from directory.models import Member, RoleGrant
from directory.types import Role
from idp.models import HubSession, OutgoingMail
from idp.services.accounts import lifecycle, mails, proof_mails
from idp.types import MailKind, OutgoingState
from tests.support.cast import make_member
from tests.support.links import waiting
from tests.support.races import together
from tests.support.smtp import post_office

pytestmark = pytest.mark.django_db
SMTP = "django.core.mail.backends.smtp.EmailBackend"
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def signed(settings, tmp_path, member) -> Log:
    settings.AUDIT_DIR = tmp_path / "audit"
    settings.DPO_CONTACT, settings.OFFICE_CONTACT = "dpo@canari.example", "structure@canari.example"
    with transaction.atomic():
        record(Entry(Action.CONSENT_GIVEN, subject=member.pk))
    for _ in range(2):
        sequence(now=timezone.now())
        signer.sign_due(now=timezone.now())
    return Log.objects.get(family="ledger")


@pytest.fixture
def technician(db) -> Member:
    person = make_member("yann.kerdreux", "Yann Kerdreux")
    RoleGrant.objects.create(member=person, role=Role.TECHNICIAN)
    return person


def witness(name: str = "garance.example/temoin") -> Witness:
    return Witness.objects.create(key=f"{name}+00000000+x", owner="Marie Témoin", added_at=timezone.now())


def contradict(log: Log, by: Witness, size: int = 9) -> None:
    witnesses._contradict(log, by, size, "note", timezone.now())


def told(now: datetime | None = None) -> list[dict[str, str]]:
    """What a turn of the worker puts into the outbox."""
    before = len(waiting(MailKind.CONTRADICTION))
    proof_mails.tell_of_contradictions(now=now or timezone.now())
    return waiting(MailKind.CONTRADICTION)[before:]


def test_while_nothing_contradicts_the_logs_nothing_is_mailed(dpo):
    assert told() == []
    assert not Event.objects.filter(action=Action.CONTRADICTION_MAILED).exists()


def test_a_witness_that_contradicts_is_told_to_officer_and_technician_once(dpo, technician, signed):
    contradict(signed, witness())

    lifecycle.turn(now=timezone.now())
    found = {mail["to"]: mail["body"] for mail in waiting(MailKind.CONTRADICTION)}

    assert set(found) == {dpo.email, technician.email}
    for body in found.values():
        assert f"Le témoin garance.example/temoin garde un relevé signé auquel le registre {signed.name}" in body
        assert reverse("audit:proof") in body
    line = Event.objects.get(action=Action.CONTRADICTION_MAILED)
    assert (line.facts, line.refused) == ({"logs": [signed.name], "alarms": 1, "told": 2}, False)
    assert told(timezone.now() + timedelta(days=9)) == []


def test_a_database_that_was_cut_is_told_as_its_signer_sees_it(dpo, signed):
    Leaf.objects.filter(log=signed).delete()
    Log.objects.filter(pk=signed.pk).update(size=1)
    signer.sign_due(now=timezone.now())

    (officer, _office) = told()

    assert f"{signed.name} n’est plus signé : la base en contient moins que ce qui a été signé." in officer["body"]


@pytest.mark.parametrize("trouble", Trouble)
def test_what_somebody_may_have_touched_is_told_and_a_full_disk_is_not(dpo, signed, trouble):
    Log.objects.filter(pk=signed.pk).update(trouble=trouble, trouble_since=timezone.now())

    assert bool(told()) is (trouble in SUSPECT)


def test_the_same_trouble_that_came_back_is_told_again(dpo, signed):
    now = timezone.now()
    for later in (timedelta(), 2 * HOUR):
        Log.objects.filter(pk=signed.pk).update(trouble=Trouble.SHORTER, trouble_since=now + later)
        assert told(now + later)
    Log.objects.filter(pk=signed.pk).update(trouble="", trouble_since=None)
    assert told(now + 4 * HOUR) == []


def test_gaps_of_the_night_are_counted_and_told_until_they_are_settled(dpo, member):
    now = timezone.now()
    HubSession.objects.create(
        member=member, started_at=now - HOUR, auth_time=now, last_seen_at=now, expires_at=now + HOUR
    )
    reconcile(now=now)
    (gap,) = Gap.objects.all()

    (officer, _office) = told()
    settled = Reconciliation.objects.create(since=now, until=now, leaf=0, at=now, examined=1, found=1)
    Gap.objects.create(found_by=settled, source="x", row="1", at=now, settled_at=now)

    assert "1 fait n’est pas dans les tables comme dans le journal." in officer["body"]
    assert reverse("audit:reconciliation") in officer["body"]
    assert gap.row not in officer["body"]
    assert told(now + 2 * HOUR) == []


def test_nothing_in_it_is_about_anybody(dpo, member, signed):
    contradict(signed, witness())

    for mail in told():
        for said in (str(member.pk), member.login, member.display_name, dpo.display_name, "Marie Témoin"):
            assert said not in mail["subject"] + mail["body"]


def test_however_much_contradicts_there_is_a_mail_an_hour_and_a_line_for_each_witness(dpo, signed):
    now, known = timezone.now(), witness()
    for size in range(9, 60):
        contradict(signed, known, size)
    assert told(now)[0]["body"].count("garde un relevé") == 1

    for number in range(AT_ONCE + 1):
        contradict(signed, witness(f"w{number}.example/t"))
    soon, later = told(now + HOUR / 2), told(now + AT_MOST_EVERY)
    rest = told(now + 2 * AT_MOST_EVERY)

    assert soon == []
    assert later[0]["body"].count("garde un relevé") == AT_ONCE
    assert rest[0]["body"].count("garde un relevé") == 1


def test_without_officer_or_technician_their_addresses_are_written_to(signed):
    contradict(signed, witness())

    assert [mail["to"] for mail in told()] == ["dpo@canari.example", "structure@canari.example"]


def test_that_nobody_could_be_written_to_is_on_the_record(settings, signed):
    settings.DPO_CONTACT = settings.OFFICE_CONTACT = "04 67 00 00 00"
    contradict(signed, witness())

    assert told() == []

    line = Event.objects.get(action=Action.CONTRADICTION_MAILED)
    assert (line.refused, line.reason) == (True, "nobody_to_write_to")


def test_whoever_is_named_later_is_told_of_what_nobody_could_be_told_of(settings, signed):
    settings.DPO_CONTACT = settings.OFFICE_CONTACT = ""
    now = timezone.now()
    contradict(signed, witness())
    before = [told(now), told(now + HOUR / 4), told(now + 30 * HOUR)]
    person = make_member("marion.delage", "Marion Delage")
    RoleGrant.objects.create(member=person, role=Role.DPO)

    (mail,) = told(now + 31 * HOUR)

    assert before == [[], [], []]
    assert mail["to"] == person.email
    lines = Event.objects.filter(action=Action.CONTRADICTION_MAILED).order_by("pk")
    assert [line.refused for line in lines] == [True, True, False]
    assert told(now + 40 * HOUR) == []


def test_another_contradiction_by_the_same_witness_is_told_too(dpo, signed):
    now, known = timezone.now(), witness()
    contradict(signed, known, 12)
    first = told(now)
    contradict(signed, known, 9)

    assert first
    assert told(now + HOUR / 2) == []
    assert told(now + timedelta(days=90))
    assert told(now + timedelta(days=91)) == []


def test_a_clock_that_was_wrong_silences_nothing(dpo, signed):
    now = timezone.now()
    AlarmMailed.objects.create(code="another", at=now + timedelta(days=300))
    contradict(signed, witness())

    assert told(now)


def test_while_the_mail_server_is_away_it_waits_and_then_leaves_once(dpo, technician, signed):
    now = timezone.now()
    contradict(signed, witness())
    with override_settings(EMAIL_BACKEND=SMTP, EMAIL_HOST="127.0.0.1", EMAIL_PORT=1):
        lifecycle.turn(now=now)
        for hours in range(0, 24 * 7, 3):
            mails.send_due(now=now + timedelta(hours=hours))
    alarm = OutgoingMail.objects.filter(kind=MailKind.CONTRADICTION)
    assert set(alarm.values_list("state", flat=True)) == {OutgoingState.WAITING}

    with post_office() as post, override_settings(EMAIL_BACKEND=SMTP, EMAIL_HOST="127.0.0.1", EMAIL_PORT=post.port):
        for days in (8, 9):
            lifecycle.turn(now=now + timedelta(days=days))
            mails.send_due(now=now + timedelta(days=days))
        alarms = [raw for raw in post.taken if "contredit" in raw]

    assert set(alarm.values_list("state", flat=True)) == {OutgoingState.SENT}
    assert len(alarms) == 2


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_tell_it_once(dpo, signed):
    contradict(signed, witness())
    now = timezone.now()

    together(*[lambda: proof_mails.tell_of_contradictions(now=now)] * 3)

    assert len(waiting(MailKind.CONTRADICTION)) == 2
    assert (AlarmMailed.objects.count(), Contradiction.objects.count()) == (1, 1)
    assert Event.objects.filter(action=Action.CONTRADICTION_MAILED).count() == 1
