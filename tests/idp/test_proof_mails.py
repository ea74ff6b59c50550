"""The daily mail of checkpoints: once a day, to whoever reads the journal, with nothing personal in it."""

import json
from base64 import b64decode
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from io import BytesIO

import pytest
from django.test import override_settings
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from audit import signer, verify
from audit.models import Checkpoint, Event, Log, Mailing
from audit.sealing import seal
from audit.sequencer import sequence
from audit.services import record
from audit.types import Action, Entry
from directory.models import Member, RoleGrant
from directory.types import Role
from idp.models import OutgoingMail
from idp.services.accounts import lifecycle, mails, proof_mails
from idp.types import MailKind, OutgoingState
from tests.support.cast import browser_of, make_member
from tests.support.links import waiting
from tests.support.smtp import post_office

pytestmark = pytest.mark.django_db
SMTP = "django.core.mail.backends.smtp.EmailBackend"


def at(hour: int, *, day: int = 0) -> datetime:
    """Today, or a later day, at this hour of the cooperative's clock."""
    return (timezone.localtime() + timedelta(days=day)).replace(hour=hour, minute=5, second=0, microsecond=0)


def sign() -> None:
    while sequence(now=timezone.now()):
        pass
    signer.sign_due(now=timezone.now())


@pytest.fixture(autouse=True)
def signed(settings, tmp_path, member) -> list[Log]:
    settings.AUDIT_DIR = tmp_path / "audit"
    settings.DPO_CONTACT = "dpo@canari.example"
    record(Entry(Action.SIGN_IN, subject=member.pk), Entry(Action.CONSENT_GIVEN, subject=member.pk))
    sign()
    sign()
    return list(Log.objects.all())


def queued() -> list[dict[str, str]]:
    return waiting(MailKind.CHECKPOINTS)


def newest() -> list[Checkpoint]:
    return [log.checkpoints.order_by("size").reverse()[0] for log in Log.objects.all()]


def test_each_officer_gets_every_newest_checkpoint_word_for_word_in_their_language(dpo, member):
    english = make_member("mary.green", "Mary Green", language="en")
    RoleGrant.objects.create(member=english, role=Role.DPO)
    gone = make_member("paul.gone", "Paul Gone")
    RoleGrant.objects.create(member=gone, role=Role.DPO, ends_at=at(5))

    lifecycle.turn(now=at(6))

    found = {mail["to"]: mail for mail in queued()}
    assert set(found) == {dpo.email, english.email}
    for mail in found.values():
        for checkpoint in newest():
            assert checkpoint.note in mail["body"]
    assert "à garder" in found[dpo.email]["subject"]
    assert "to keep" in found[english.email]["subject"]
    assert "Bonjour" not in found[english.email]["body"]


def test_nothing_in_it_is_about_anybody(dpo, member):
    lifecycle.turn(now=at(6))

    (mail,) = queued()
    for person in (dpo, member):
        for said in (str(person.pk), person.login, person.display_name, person.family_name):
            assert said not in mail["subject"] + mail["body"]


def test_one_a_day_from_six_on_also_after_days_without_a_worker(dpo):
    sent = []
    for day, hour in [(0, 5), (0, 6), (0, 6), (0, 23), (1, 0), (1, 5), (1, 14), (1, 15), (9, 3), (9, 12), (9, 12)]:
        before = len(queued())
        lifecycle.turn(now=at(hour, day=day))
        sent.append(len(queued()) - before)

    assert sent == [0, 1, 0, 0, 0, 0, 1, 0, 0, 1, 0]


def test_where_no_officer_can_be_written_to_their_address_is(settings):
    lifecycle.turn(now=at(6))

    assert [mail["to"] for mail in queued()] == ["dpo@canari.example"]


def test_a_day_on_which_nobody_could_be_written_to_is_told(settings):
    settings.DPO_CONTACT = "04 67 00 00 00"

    lifecycle.turn(now=at(6))

    line = Event.objects.get(action=Action.CHECKPOINTS_MAILED)
    assert (line.refused, line.reason, line.facts["told"]) == (True, "nobody_to_write_to", 0)
    assert queued() == []


def test_before_anything_is_signed_nothing_is_sent(dpo):
    Checkpoint.objects.all().delete()

    lifecycle.turn(now=at(6))

    assert (queued(), Mailing.objects.count()) == ([], 0)


def test_it_is_on_the_record(dpo):
    lifecycle.turn(now=at(6))

    line = Event.objects.get(action=Action.CHECKPOINTS_MAILED)
    assert (sorted(line.facts["logs"]), line.facts["told"]) == (sorted(log.name for log in Log.objects.all()), 1)
    assert not line.refused


def test_the_last_word_on_a_log_goes_along_for_a_month_after_it_is_closed(dpo, signed):
    closed = signed[0]
    Log.objects.filter(pk=closed.pk).update(closed_at=at(6))

    for day, told in ((30, True), (32, False)):
        OutgoingMail.objects.all().delete()
        lifecycle.turn(now=at(6, day=day))
        assert (f"({closed.name})" in queued()[0]["body"]) is told


def test_what_arrives_is_what_was_signed_for_people_programs_and_telephones(dpo, tmp_path):
    with post_office() as post, override_settings(EMAIL_BACKEND=SMTP, EMAIL_HOST="127.0.0.1", EMAIL_PORT=post.port):
        lifecycle.turn(now=at(6))
        mails.send_due(now=at(6))
        (raw,) = post.taken

    message = message_from_bytes(raw.encode(), policy=policy.default)
    said, together, *pictures = message.iter_parts()
    text = said.get_body(("plain",))
    notes = [each.note for each in newest()]
    assert all(note in text.get_content().replace("\r\n", "\n") for note in notes)
    (tmp_path / "kept").write_bytes(together.get_content().encode())
    kept = verify.notes_in(verify.read_saved(str(tmp_path / "kept")))
    assert sorted(kept) == sorted(notes)
    keys = [verify.key_of(log.key) for log in Log.objects.all()]
    assert {verify.checkpoint_of("kept", note, keys, []).size for note in kept} == {each.size for each in newest()}
    assert sorted(each.get_filename() for each in pictures) == sorted(
        f"{each.log.name}-{each.size}.png" for each in newest()
    )
    for picture in pictures:
        assert picture.get_content_type() == "image/png"
        drawn = Image.open(BytesIO(picture.get_content()))
        assert drawn.width == drawn.height > 200
    assert Event.objects.filter(action=Action.MAIL_SENT, facts__mail="checkpoints").count() == 1


def test_while_the_mail_server_is_away_it_waits_and_gives_way_to_the_next_days(dpo):
    with override_settings(EMAIL_BACKEND=SMTP, EMAIL_HOST="127.0.0.1", EMAIL_PORT=1):
        lifecycle.turn(now=at(6))
        for hours in range(30):
            mails.send_due(now=at(6) + timedelta(hours=hours))

    (mail,) = OutgoingMail.objects.filter(kind=MailKind.CHECKPOINTS)
    assert mail.state == OutgoingState.FAILED
    assert Event.objects.get(action=Action.MAIL_FAILED).facts["mail"] == "checkpoints"


def test_a_mail_of_the_release_before_still_leaves(member):
    """It waits without the word for attached files."""
    mail = mails.queue_text(kind=MailKind.RESET, member=member, subject="Objet", body="Corps", now=at(6))
    old = json.dumps({"to": member.email, "subject": "Objet", "body": "Corps"})
    mail.sealed = seal(old.encode(), purpose=mails.PURPOSE)
    mail.save()

    with post_office() as post, override_settings(EMAIL_BACKEND=SMTP, EMAIL_HOST="127.0.0.1", EMAIL_PORT=post.port):
        assert mails.send_due(now=at(6)) == 1


def test_a_turn_without_anything_to_mail_costs_one_statement(dpo, django_assert_num_queries):
    lifecycle.turn(now=at(6))
    with django_assert_num_queries(1):
        proof_mails.mail_checkpoints(now=at(7))
    with django_assert_num_queries(0):
        proof_mails.mail_checkpoints(now=at(5, day=1))


def test_the_officers_page_prints_the_same(dpo):
    page = browser_of(dpo).get(reverse("audit:checkpoints")).content.decode()

    for checkpoint in newest():
        assert f'data-checkpoint="{checkpoint.log.name}"' in page
        assert checkpoint.note.replace("+", "&#x2B;") in page or checkpoint.note in page.replace("&#x2B;", "+")
    pictures = [part.partition('"')[0] for part in page.split('src="data:image/svg+xml;base64,')[1:]]
    assert len(pictures) == len(newest())
    assert all(b64decode(each).startswith(b"<?xml") for each in pictures)


def test_somebody_else_does_not_get_the_page(member):
    assert browser_of(Member.objects.get(pk=member.pk)).get(reverse("audit:checkpoints")).status_code == 403
