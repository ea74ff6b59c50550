"""Mails of a directory that needs a person: said once, again every day, and once when it is over."""

from datetime import timedelta

import pytest
from django.conf import settings as hub_settings

from audit.types import Actor
from directory.models import DirectorySource, Member, RoleGrant, SyncRun
from directory.services.sources import activate, change_source, pause
from directory.types import Role, RunStatus, SourceState
from idp.models import OutgoingMail
from idp.services.accounts import directory_mails, lifecycle
from idp.types import MailKind
from tests.support.cast import MONDAY, make_member
from tests.support.links import waiting

pytestmark = pytest.mark.django_db
TECHNICIAN = "tea.martin@alizarine.example"
OFFICE = "bureau@alizarine.example"


@pytest.fixture
def source(settings) -> DirectorySource:
    settings.OFFICE_CONTACT = OFFICE
    someone = make_member("tea.martin", "Téa Martin", email=TECHNICIAN)
    RoleGrant.objects.create(member=someone, role=Role.TECHNICIAN)
    return DirectorySource.objects.create(name="Grappe", state=SourceState.ACTIVE)


def hold(source: DirectorySource, approval: str = "a" * 16, count: int = 7) -> None:
    SyncRun.objects.create(
        source=source,
        started_at=MONDAY,
        status=RunStatus.HELD if approval else RunStatus.OK,
        counts={"held": count},
        report={"approval": approval},
    )


def queued() -> list[tuple[str, str]]:
    return [(mail["to"], f"{mail['subject']}\n{mail['body']}") for mail in waiting(MailKind.DIRECTORY)]


def told(now) -> list[tuple[str, str]]:
    """To whom, and of what, in one turn of the worker."""
    OutgoingMail.objects.all().delete()
    lifecycle.turn(now=now)
    return queued()


def readers(now) -> list[str]:
    return sorted(to for to, _text in told(now))


def test_removals_that_wait_are_told_to_the_office_and_to_technicians_once_a_day(source):
    assert readers(MONDAY) == []
    hold(source)

    found = told(MONDAY)

    assert sorted(to for to, _text in found) == [OFFICE, TECHNICIAN]
    for _to, text in found:
        assert "7 retraits" in text
        assert f"{hub_settings.ORIGIN}/" in text
        assert str(source.pk) in text
    assert readers(MONDAY + timedelta(hours=23)) == []
    assert readers(MONDAY + timedelta(hours=24)) == [OFFICE, TECHNICIAN]


def test_other_removals_are_news_and_what_was_decided_is_not_told(source):
    hold(source)
    told(MONDAY)
    for minute in range(1, 60):
        hold(source, f"{minute:016d}")
        assert readers(MONDAY + timedelta(minutes=minute)) == [], "a directory that empties bit by bit"
    assert readers(MONDAY + timedelta(minutes=60)) == [OFFICE, TECHNICIAN]
    hold(source, "")
    assert readers(MONDAY + timedelta(minutes=62)) == []
    hold(source, "b" * 16)
    assert readers(MONDAY + timedelta(minutes=63)) == [OFFICE, TECHNICIAN], "it came back"


def test_a_directory_that_cannot_be_read_is_told_to_technicians_and_so_is_its_return(source):
    source.failing_since = MONDAY
    source.save()
    assert readers(MONDAY + timedelta(minutes=14)) == [], "a server that restarts is no alarm"
    assert readers(MONDAY + timedelta(minutes=15)) == [TECHNICIAN]
    assert readers(MONDAY + timedelta(minutes=16)) == []
    DirectorySource.objects.update(failing_since=None)

    ((to, text),) = told(MONDAY + timedelta(minutes=17))

    assert to == TECHNICIAN
    assert "se lit de nouveau" in text
    assert readers(MONDAY + timedelta(minutes=18)) == []


@pytest.mark.parametrize(
    ("error", "minutes"), [("DirectoryRefused: INVALID_CREDENTIALS", 0), ("DirectoryUnavailable: SERVER_DOWN", 15)]
)
def test_one_that_refuses_to_be_read_is_told_at_once_and_once(source, error, minutes):
    source.failing_since = MONDAY
    source.save()
    SyncRun.objects.create(source=source, started_at=MONDAY, status=RunStatus.FAILED, error=error)

    sent = [minute for minute in range(20) if readers(MONDAY + timedelta(minutes=minute)) == [TECHNICIAN]]

    assert sent == [minutes]


def test_one_that_refused_and_then_falls_silent_is_not_said_to_be_read_again(source):
    source.failing_since = MONDAY
    source.save()
    refused, silent = "DirectoryRefused: INVALID_CREDENTIALS", "DirectoryUnavailable: SERVER_DOWN"
    SyncRun.objects.create(source=source, started_at=MONDAY, status=RunStatus.FAILED, error=refused)
    assert readers(MONDAY) == [TECHNICIAN]
    SyncRun.objects.create(source=source, started_at=MONDAY, status=RunStatus.FAILED, error=silent)

    assert [readers(MONDAY + timedelta(minutes=minute)) for minute in range(1, 30)] == [[]] * 29


def test_where_no_technician_can_be_written_to_the_office_is(source):
    RoleGrant.objects.update(ends_at=MONDAY - timedelta(days=1))
    source.failing_since = MONDAY
    source.save()

    ((to, text),) = told(MONDAY + timedelta(hours=1))

    assert to == OFFICE
    assert "ne se lit plus" in text


@pytest.mark.parametrize("state", [SourceState.DRAFT, SourceState.PAUSED, SourceState.RETIRED])
def test_of_a_directory_that_is_not_followed_nothing_is_told(source, state):
    hold(source)
    source.failing_since, source.state = MONDAY, state
    source.save()

    assert readers(MONDAY + timedelta(hours=1)) == []


def test_an_idle_turn_costs_two_statements_a_source(source, django_assert_max_num_queries):
    with django_assert_max_num_queries(5):
        directory_mails.tell_of_directories(now=MONDAY)


def mails_after(act) -> list[tuple[str, str]]:
    OutgoingMail.objects.all().delete()
    act()
    return queued()


def test_whoever_makes_the_hub_believe_a_directory_is_told_of_to_the_office_and_the_others(source):
    """Its passwords open accounts from then on, of technicians too."""
    karim = make_member("karim.haddad", "Karim Haddad")
    actor = Actor(member=karim.pk)
    pause(source_id=source.pk, actor=actor, now=MONDAY)
    DirectorySource.objects.update(mapping_digest="known")

    found = mails_after(lambda: activate(source_id=source.pk, actor=actor, now=MONDAY))

    assert sorted(to for to, _text in found) == [OFFICE, TECHNICIAN]
    assert all("Karim Haddad" in text and "est suivi" in text for _to, text in found)


@pytest.mark.parametrize("has_members", [True, False])
def test_another_address_is_told_where_people_enter_by_it(source, has_members):
    karim = make_member("karim.haddad", "Karim Haddad")
    Member.objects.filter(pk=karim.pk).update(source=source if has_members else None)
    DirectorySource.objects.update(state=SourceState.PAUSED)
    changes = {"uri": "ldaps://ailleurs.alizarine.example"}

    found = mails_after(
        lambda: change_source(source_id=source.pk, changes=changes, actor=Actor(member=karim.pk), now=MONDAY)
    )

    assert sorted(to for to, _text in found) == ([OFFICE, TECHNICIAN] if has_members else [])
    assert all("ailleurs" not in text for _to, text in found)
