"""The outbox of mails: sealed while it waits, sent once, retried while the server is away, and given up visibly."""

import socket
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import override_settings

from audit.models import Event
from audit.types import Action
from directory.models import Member
from directory.types import MailState
from idp.models import OutgoingMail
from idp.services.accounts import mails
from idp.types import MailKind, OutgoingState
from tests.support.cast import MONDAY
from tests.support.smtp import Post, post_office

SECRET = "https://hub.example/lien/canari-secret"
SMTP = "django.core.mail.backends.smtp.EmailBackend"


@pytest.fixture
def post() -> Iterator[Post]:
    with post_office() as server, override_settings(EMAIL_BACKEND=SMTP, EMAIL_HOST="127.0.0.1", EMAIL_PORT=server.port):
        yield server


def queued(member: Member, **more: object) -> OutgoingMail:
    values = {"kind": MailKind.RESET, "subject": "Objet", "body": f"Bonjour\n{SECRET}\n", "now": MONDAY}
    mail = mails.queue_text(member=member, **(values | more))  # type: ignore[arg-type]
    assert mail is not None
    return mail


def test_a_mail_is_sent_once_and_its_text_is_gone_with_it(member, post):
    mail = queued(member)

    assert mails.send_due(now=MONDAY) == 1
    assert mails.send_due(now=MONDAY + timedelta(hours=1)) == 0

    mail.refresh_from_db()
    assert (mail.state, bytes(mail.sealed)) == (OutgoingState.SENT, b"")
    assert len(post.taken) == 1
    assert SECRET in post.taken[0].replace("=\r\n", "")
    assert "Auto-Submitted: auto-generated" in post.taken[0]
    assert member.email in post.taken[0]
    line = Event.objects.get(action=Action.MAIL_SENT)
    assert (line.subject_id, line.facts) == (member.pk, {"mail": "reset", "attempts": 1})


def test_what_waits_is_not_readable_in_the_database(member):
    mail = queued(member)

    mail.refresh_from_db()
    assert SECRET.encode() not in bytes(mail.sealed)
    assert member.email.encode() not in bytes(mail.sealed)


def test_a_server_that_is_away_is_asked_again_later_and_the_mail_leaves_then(member, post):
    free = socket.socket()
    free.bind(("127.0.0.1", 0))
    mail = queued(member)
    with override_settings(EMAIL_PORT=free.getsockname()[1]):
        mails.send_due(now=MONDAY)
    mail.refresh_from_db()
    assert (mail.state, mail.attempts, mail.last_result) == (OutgoingState.WAITING, 1, "unreachable")

    assert mails.send_due(now=MONDAY + timedelta(seconds=5)) == 0
    assert mails.send_due(now=MONDAY + timedelta(minutes=2)) == 1
    free.close()


def test_a_mail_whose_time_is_over_is_given_up_and_the_journal_says_so(member):
    mail = queued(member, kept=timedelta(minutes=30))
    with override_settings(EMAIL_BACKEND=SMTP, EMAIL_HOST="127.0.0.1", EMAIL_PORT=1):
        for minutes in range(0, 60):
            mails.send_due(now=MONDAY + timedelta(minutes=minutes))

    mail.refresh_from_db()
    assert (mail.state, bytes(mail.sealed)) == (OutgoingState.FAILED, b"")
    line = Event.objects.get(action=Action.MAIL_FAILED)
    assert (line.reason, line.refused) == ("mail_unreachable", True)


@pytest.mark.parametrize(
    ("answer", "state"), [("550 unknown", OutgoingState.FAILED), ("450 later", OutgoingState.WAITING)]
)
def test_a_lasting_no_is_final_and_a_passing_one_is_not(member, post, answer, state):
    post.answer = answer
    mail = queued(member)

    mails.send_due(now=MONDAY)

    mail.refresh_from_db()
    assert mail.state == state


def test_nobody_is_written_to_at_an_address_that_may_be_another_persons(member):
    member.email_state = MailState.SHARED

    assert mails.queue_text(kind=MailKind.RESET, member=member, subject="a", body="b", now=MONDAY) is None


def test_a_subject_cannot_hold_a_second_header(member, post):
    queued(member, subject="Bonjour\r\nBcc: autre@canari.example")

    mails.send_due(now=MONDAY)

    assert "\nBcc:" not in post.taken[0]


def test_a_mail_that_cannot_be_sent_stands_in_the_way_of_no_other(member, post):
    poison = queued(member, address="Claire, bureau 3 <@>")
    others = [queued(member) for _ in range(3)]

    assert mails.send_due(now=MONDAY) == len(others)

    poison.refresh_from_db()
    assert (poison.state, poison.last_result, bytes(poison.sealed)) == (OutgoingState.FAILED, "unsendable", b"")
    assert Event.objects.get(action=Action.MAIL_FAILED).subject_id == member.pk


def test_an_office_that_is_reached_by_telephone_gets_no_mail(member):
    assert (
        mails.queue_text(
            kind=MailKind.ALARM, member=member, subject="x", body="y", now=MONDAY, address="bureau 3, 01 23 45 67 89"
        )
        is None
    )


def test_a_slow_server_keeps_the_worker_from_nothing_else(member, post, monkeypatch):
    rows = [queued(member) for _ in range(3)]
    clock = iter(range(0, 1000, 8))
    monkeypatch.setattr("idp.services.accounts.mails.time.monotonic", lambda: float(next(clock)))

    first = mails.send_due(now=MONDAY)
    second = mails.send_due(now=MONDAY)

    assert (first, second) == (1, 1)
    assert OutgoingMail.objects.filter(pk__in=[row.pk for row in rows], state=OutgoingState.WAITING).count() == 1
    assert len(post.taken) == 2


def test_a_second_worker_sends_nothing_that_a_slow_first_one_has_in_hand(member, post, monkeypatch):
    queued(member), queued(member)
    send = mails._send

    def slow(mail: OutgoingMail) -> None:
        # Meanwhile the other worker has its turn.
        with monkeypatch.context() as meanwhile:
            meanwhile.setattr(mails, "_send", send)
            mails.send_due(now=MONDAY + timedelta(seconds=40))
        send(mail)

    monkeypatch.setattr(mails, "_send", slow)
    mails.send_due(now=MONDAY)

    assert len(post.taken) == 2
    assert Event.objects.filter(action=Action.MAIL_SENT).count() == 2


def test_a_member_erased_while_a_mail_of_theirs_is_on_its_way_stops_no_other(member, other_member, post, monkeypatch):
    gone = queued(member)
    queued(other_member)
    send = mails._send

    def erased_meanwhile(mail: OutgoingMail) -> None:
        send(mail)
        OutgoingMail.objects.filter(pk=gone.pk).delete()

    monkeypatch.setattr(mails, "_send", erased_meanwhile)

    assert mails.send_due(now=MONDAY) == 2
    assert not OutgoingMail.objects.filter(state=OutgoingState.WAITING).exists()
