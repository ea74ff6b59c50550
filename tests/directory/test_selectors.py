"""Whom a typed name means."""

import uuid
from datetime import UTC, datetime

import pytest

from directory import selectors
from directory.models import Member
from directory.normalise import login_key, mail_key
from directory.types import MailState, MemberState

pytestmark = pytest.mark.django_db


def person(login: str, mail: str = "", **columns: object) -> Member:
    values = {"email_state": MailState.OK if mail else MailState.NONE, "display_name": login, **columns}
    return Member.objects.create(
        entry_uuid=uuid.uuid4(),
        login=login,
        login_key=login_key(login),
        email=mail,
        email_key=mail_key(mail),
        **values,
    )


def test_a_member_is_found_by_login_and_by_address():
    member = person("noemie", "noemie@x.example")

    assert selectors.find_for_sign_in("NOEMIE") == member
    assert selectors.find_for_sign_in(" Noemie@X.example ") == member
    assert selectors.member(member.pk) == member


def test_a_login_that_is_the_address_of_somebody_else_means_nobody():
    person("a@x.example")
    person("b", "a@x.example")

    assert selectors.find_for_sign_in("a@x.example") is None


def test_whose_login_is_whose_address_is_known_of_both():
    one, two, three = person("A@x.example"), person("b", "a@X.example"), person("c", "c@x.example")

    assert selectors.crossed_names(one) == (True, False)
    assert selectors.crossed_names(two) == (False, True)
    assert selectors.crossed_names(three) == (False, False)
    assert selectors.find_for_sign_in("b") == two


def test_a_login_that_is_ones_own_address_or_that_of_somebody_who_is_out_crosses_nobody():
    own = person("a@x.example", "a@x.example")
    person("b", "b@x.example", state=MemberState.LEFT)
    other = person("b@x.example", "c@x.example")
    person("nobody")

    for each in (own, other, person("without")):
        assert selectors.crossed_names(each) == (False, False)
        assert selectors.find_for_sign_in(each.login) == each


def test_an_address_in_letters_of_its_own_is_the_login_that_is_typed_like_it():
    one, two = person("zoe@ét.example"), person("b", "zoe@xn--t-9fa.example")

    assert selectors.find_for_sign_in(one.login) is None
    assert selectors.crossed_names(one) == (True, False)
    assert selectors.crossed_names(two) == (False, True)


def test_what_an_account_of_the_hubs_own_is_called_is_not_crossed_by_a_directory():
    own = person("a@x.example")
    Member.objects.filter(pk=own.pk).update(entry_uuid=None)
    own.refresh_from_db()
    other = person("b", "a@x.example")

    assert selectors.find_for_sign_in("a@x.example") == own
    assert selectors.crossed_names(own) == (False, False)
    assert selectors.crossed_names(other) == (False, True)


def test_an_address_shared_with_somebody_suspended_means_nobody():
    one = person("one", "a@x.example", email_state=MailState.SHARED)
    person("two", "a@x.example", email_state=MailState.SHARED, state=MemberState.LOCKED)

    assert selectors.find_for_sign_in("a@x.example") is None
    assert selectors.find_for_sign_in("one") == one


def test_a_login_shared_with_somebody_suspended_means_nobody():
    person("jo", login_ambiguous=True)
    person("Jo", login_ambiguous=True, state=MemberState.LOCKED)

    assert selectors.find_for_sign_in("jo") is None


@pytest.mark.parametrize("state", sorted(set(MemberState) - {MemberState.ACTIVE}))
def test_whoever_is_not_active_is_not_found(state):
    person("noemie", "noemie@x.example", state=state)

    assert selectors.find_for_sign_in("noemie") is None
    assert selectors.find_for_sign_in("noemie@x.example") is None


@pytest.mark.parametrize("typed", ["", " ", "\0", "@"])
def test_an_empty_name_does_not_mean_the_members_without_one(typed):
    person("", "")

    assert selectors.find_for_sign_in(typed) is None


def test_the_age_of_the_copy_is_unknown_before_the_first_pass():
    assert selectors.directory_age(datetime(2026, 11, 23, tzinfo=UTC)) is None
    assert selectors.member(uuid.uuid4()) is None
