"""What surrounds an account is kept for a time that is written down, and goes by itself."""

from datetime import timedelta

import pytest

from audit.keeping import data
from audit.types import SYSTEM
from idp import kept
from idp.models import AccountLink, Alarm, Browser, HubSession, OutgoingMail, Recovery
from idp.services import purge
from idp.services.accounts import browsers, links, mails
from idp.types import LinkKind, MailKind, RecoveryState
from tests.support.cast import MONDAY

pytestmark = pytest.mark.spec("OWASP ASVS", "14.2.7")
LONG_AFTER = MONDAY + timedelta(days=kept.ACCOUNT_DAYS + 1)


def let_go(now):
    """What the worker's turn and the night do."""
    purge.purge_expired(now=now)
    run = data.begin(now=now)
    while data.step(run.pk):
        pass


def test_mails_links_and_browsers_go_and_what_still_counts_stays(member, other_member):
    mails.queue_text(kind=MailKind.SECURITY, member=member, subject="a", body="b", now=MONDAY)
    mails.send_due(now=MONDAY)
    links.issue(member_id=member.pk, kind=LinkKind.RESET, actor=SYSTEM, lifetime=timedelta(hours=1), now=MONDAY)
    browsers.begin(member=member, secret="", label="Firefox, Linux", now=MONDAY)
    browsers.end_all([member.pk], reason="by_hand", now=MONDAY)
    browsers.begin(member=other_member, secret="", label="Firefox, Linux", now=LONG_AFTER)
    waiting = mails.queue_text(kind=MailKind.SECURITY, member=member, subject="a", body="b", now=LONG_AFTER)

    let_go(LONG_AFTER)

    assert list(OutgoingMail.objects.all()) == [waiting]
    assert not AccountLink.objects.exists()
    assert [each.member_id for each in Browser.objects.all()] == [other_member.pk]


def test_a_session_long_over_says_no_more_from_where_it_was(member):
    def begun(**values):
        times = {"started_at": MONDAY, "auth_time": MONDAY, "last_seen_at": MONDAY, "expires_at": LONG_AFTER}
        return HubSession.objects.create(member=member, label="Firefox, Linux", network="82.64", **times, **values)

    over, running = begun(ended_at=MONDAY, ended_reason="sign_out"), begun()

    let_go(LONG_AFTER)

    over.refresh_from_db()
    running.refresh_from_db()
    assert (over.label, over.network, running.label) == ("", "", "Firefox, Linux")


def test_what_the_office_dealt_with_goes_after_a_year_and_what_waits_does_not(member):
    old = MONDAY - timedelta(days=kept.HELP_DAYS + 1)
    Alarm.objects.create(member=member, raised_at=old, settled_at=old)
    open_alarm = Alarm.objects.create(member=member, raised_at=old)
    Recovery.objects.create(member=member, state=RecoveryState.REFUSED, asked_at=old, expires_at=old, decided_at=old)

    let_go(MONDAY)

    assert list(Alarm.objects.all()) == [open_alarm]
    assert not Recovery.objects.exists()
