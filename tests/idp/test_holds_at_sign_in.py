"""Somebody whom the cooperative holds back signs in by no way, and the page says no more than to anybody else."""

import pytest
from django.test import Client
from django.urls import reverse

from audit.models import Event
from audit.types import Action
from directory.backends import DirectoryBackend
from directory.ldap import passwords
from directory.models import Member
from directory.types import Hold, MemberState
from idp.signin import adapter
from idp.signin.people import attempt_by
from tests.support.cast import browser_of
from tests.support.signin import NOEMIE, NOEMIE_PASSWORD, try_to_sign_in

HELD = [(Hold.SUSPENDED, "suspended"), (Hold.LEFT, "left")]


@pytest.mark.spec("ANSSI MFA", "R18")
@pytest.mark.parametrize(("hold", "reason"), HELD)
def test_the_right_password_opens_nothing_to_whoever_is_held_back(add_member, client, hold, reason):
    noemie = add_member(NOEMIE, hold=hold)

    answer = try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)

    assert answer.status_code == 200
    assert str(adapter.SIGN_IN_FAILED) in answer.content.decode()
    line = Event.objects.get(action=Action.SIGN_IN_REFUSED)
    assert (line.subject_id, line.reason) == (noemie.pk, reason)
    assert client.get("/").status_code == 302


@pytest.mark.parametrize(("hold", "reason"), HELD)
def test_a_hold_is_told_before_what_the_directory_says(member, hold, reason):
    Member.objects.filter(pk=member.pk).update(hold=hold, state=MemberState.LOCKED)

    assert attempt_by(member.login).reason == reason
    assert attempt_by(member.email).member_id == member.pk


@pytest.mark.parametrize("hold", [Hold.SUSPENDED, Hold.LEFT])
def test_a_cookie_of_whoever_is_held_back_is_nobodys_at_the_next_request(member, hold):
    browser = browser_of(member)
    Member.objects.filter(pk=member.pk).update(hold=hold)

    assert browser.get("/")["Location"].startswith(reverse("account_login"))
    assert DirectoryBackend().get_user(member.pk) is None


def test_whoever_is_held_back_between_the_password_and_the_code_gets_no_further(noemie, monkeypatch):
    """The bind succeeds while the office suspends: the account is read again after it."""

    check = passwords.check_password

    def meanwhile(*given, **more):
        Member.objects.filter(pk=noemie.pk).update(hold=Hold.SUSPENDED)
        return check(*given, **more)

    monkeypatch.setattr(passwords, "check_password", meanwhile)
    browser = Client()

    try_to_sign_in(browser, NOEMIE, NOEMIE_PASSWORD)

    assert browser.get("/").status_code == 302
