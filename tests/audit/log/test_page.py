"""What the data protection officer sees of the log of proof, and takes home."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from audit import signer
from audit.models import Event, Log, Pending
from audit.sequencer import sequence
from audit.services import record
from audit.types import Action, Entry, Trouble
from tests.support.cast import browser_of

pytestmark = pytest.mark.django_db
PAGE = reverse("audit:proof")


@pytest.fixture(autouse=True)
def _folder(settings, tmp_path) -> None:
    settings.AUDIT_DIR = tmp_path / "audit"


@pytest.fixture
def signed(dpo) -> Log:
    record(Entry(Action.FAVOURITE_CHANGED))
    for _ in range(2):  # the second time with what the first signatures wrote
        while sequence(now=timezone.now()):
            pass
        signer.sign_due(now=timezone.now())
    return Log.objects.get(family="access")


def read(dpo, url=PAGE):
    return browser_of(dpo).get(url)


def test_before_the_first_line_the_page_says_what_is_to_come(dpo):
    Pending.objects.all().delete()

    assert 'id="proof-empty"' in read(dpo).content.decode()


def test_where_all_is_signed_the_page_says_so_and_offers_each_checkpoint(dpo, signed):
    page = read(dpo).content.decode()

    assert 'id="proof-well"' in page
    for log in Log.objects.all():
        assert f'data-log="{log.name}"' in page
        assert log.key in page
        assert reverse("audit:checkpoint", args=[log.name]) in page


def test_a_checkpoint_is_what_was_signed_last_and_nothing_else(dpo, signed):
    response = read(dpo, reverse("audit:checkpoint", args=[signed.name]))

    last = signed.checkpoints.order_by("-size").first()
    assert response.content.decode() == last.note
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert response["Content-Disposition"] == f'attachment; filename="{signed.name}-{last.size}.txt"'
    assert "no-store" in response["Cache-Control"]


def test_a_log_that_is_not_signed_yet_has_no_checkpoint(dpo):
    record(Entry(Action.FAVOURITE_CHANGED))
    sequence(now=timezone.now())

    assert read(dpo, reverse("audit:checkpoint", args=[Log.objects.first().name])).status_code == 404


@pytest.mark.parametrize("trouble", Trouble)
def test_a_log_that_cannot_be_signed_says_why(dpo, signed, trouble):
    Log.objects.filter(pk=signed.pk).update(trouble=trouble, trouble_since=timezone.now() - timedelta(hours=2))

    page = read(dpo).content.decode()

    assert f'data-trouble="{signed.name}"' in page
    assert 'id="proof-well"' not in page


def test_lines_that_wait_for_long_are_told(dpo, signed):
    record(Entry(Action.FAVOURITE_CHANGED))
    Pending.objects.update(since=timezone.now() - timedelta(minutes=9))

    page = read(dpo).content.decode()

    assert 'id="proof-late"' in page
    assert 'id="proof-well"' not in page


def test_a_log_that_nobody_signs_is_told(dpo, signed, client):
    long_ago = int((timezone.now() - timedelta(minutes=9)).timestamp())
    Log.objects.filter(pk=signed.pk).update(size=signed.size + 1, time=long_ago)

    page = read(dpo).content.decode()

    assert f'data-unsigned="{signed.name}"' in page
    assert 'id="proof-well"' not in page
    assert client.get("/healthz").json()["journal_unsigned"] == [signed.name]


@pytest.mark.parametrize("name", ["a%00b", "..%2fb", "A", "a" * 41])
def test_what_is_no_name_of_a_log_is_not_looked_for(dpo, name):
    assert read(dpo, f"/journal/preuve/{name}.txt").status_code == 404


@pytest.mark.parametrize("url", [PAGE, reverse("audit:checkpoint", args=["access-2026h2"])])
def test_a_member_who_is_not_the_officer_is_refused_and_that_is_recorded(member, url):
    assert read(member, url).status_code == 403

    line = Event.objects.get(action=Action.ACCESS_REFUSED)
    assert (line.actor_id, line.reason) == (member.pk, "role_missing")


def test_the_page_takes_few_statements_however_many_logs(dpo, signed, django_assert_max_num_queries):
    for year in range(2000, 2020):
        Log.objects.create(name=f"ledger-{year}", family="ledger", opened_at=timezone.now(), closed_at=timezone.now())
    browser = browser_of(dpo)

    # Session, person, roles; the logs, the queue; contradictions, witnesses, mails, who keeps them; the clock.
    with django_assert_max_num_queries(13):
        browser.get(PAGE)
