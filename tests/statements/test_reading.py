"""Queries that are composed once: the same rows as Django's own, whatever the values, in every thread."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import CharField, DateTimeField, UUIDField
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from directory.models import Member
from idp.models import HubSession
from statements.reading import Given, Prepared
from tests.support.oidc import sign_in

pytestmark = pytest.mark.django_db


def by_login() -> Prepared[Member]:
    return Prepared(lambda: Member.objects.filter(login=Given("login", CharField())))


def test_each_run_has_its_own_values(member, other_member):
    query = by_login()

    assert query.first(login=member.login) == member
    assert query.first(login=other_member.login) == other_member
    assert query.first(login="personne") is None
    assert query.first(login=member.login) == member


def test_a_value_is_a_value_and_never_a_part_of_the_statement(member):
    query = by_login()

    for hostile in ("' OR 1=1 --", "%s", "%(login)s", "\\"):
        assert query.first(login=hostile) is None
    assert query.first(login=member.login) == member


def test_identifiers_and_times_reach_the_database_as_their_fields_send_them(member):
    now = timezone.now()
    sign_in(member)
    session = HubSession.objects.get()
    query = Prepared(
        lambda: HubSession.objects.filter(
            pk=Given("session", UUIDField()), expires_at__gt=Given("now", DateTimeField())
        ).select_related("member")
    )

    with CaptureQueriesContext(connection) as cost:
        found = query.first(session=session.pk, now=now)
        login = found.member.login if found else ""
    assert login == member.login
    assert len(cost) == 1
    assert query.first(session=session.pk, now=now + timedelta(days=366)) is None


def test_a_value_that_was_not_given_is_an_error(member):
    with pytest.raises(KeyError):
        by_login().first()


@pytest.mark.django_db(transaction=True)
def test_threads_do_not_see_each_others_values(member, other_member):
    query, wrong = by_login(), []

    def ask(who: Member) -> None:
        try:
            for _ in range(50):
                if query.first(login=who.login) != who:
                    wrong.append(who)
        finally:
            connection.close()

    threads = [threading.Thread(target=ask, args=[who]) for who in (member, other_member) * 3]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert wrong == []
