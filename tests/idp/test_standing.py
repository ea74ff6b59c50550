"""Why somebody cannot get in: the rule as values, and its words for the office and for the member."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from directory.types import Hold, MailState, MemberState, SuspensionReason
from idp.standing import Act, Ask, Code, Facts, Invited, can_enter, obstacles
from idp.standing_words import MEMBER, OFFICE, to_member, to_office

NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
FINE = Facts(MemberState.ACTIVE)


def codes(facts: Facts) -> list[Code]:
    return [each.code for each in obstacles(facts, NOW)]


def test_nothing_stands_in_the_way_of_an_ordinary_member():
    assert obstacles(FINE, NOW) == ()
    assert can_enter(FINE, NOW)


@pytest.mark.parametrize(
    ("facts", "code", "ask", "act"),
    [
        (Facts(MemberState.LEFT), Code.LEFT_DIRECTORY, Ask.DIRECTORY, None),
        (Facts(MemberState.LOCKED), Code.LOCKED, Ask.DIRECTORY, None),
        (Facts(MemberState.MISSING), Code.MISSING, Ask.DIRECTORY, None),
        (Facts(MemberState.ACTIVE, Hold.LEFT, NOW), Code.LEFT, Ask.OFFICE, Act.WELCOME_BACK),
        (Facts(MemberState.ACTIVE, Hold.SUSPENDED, NOW, "security"), Code.SUSPENDED, Ask.OFFICE, Act.RESUME),
        (
            Facts(MemberState.ACTIVE, has_login=False, mail=MailState.NONE),
            Code.NO_NAME,
            Ask.DIRECTORY,
            None,
        ),
        (
            Facts(MemberState.ACTIVE, login_shared=True, mail=MailState.SHARED),
            Code.SHARED_NAME,
            Ask.DIRECTORY,
            None,
        ),
        (
            Facts(MemberState.ACTIVE, login_is_mail=True, mail=MailState.INVALID),
            Code.LOGIN_IS_MAIL,
            Ask.DIRECTORY,
            None,
        ),
        (Facts(MemberState.ACTIVE, has_login=False, mail_is_login=True), Code.MAIL_IS_LOGIN, Ask.DIRECTORY, None),
        (
            Facts(MemberState.ACTIVE, login_shared=True, mail_is_login=True),
            Code.SHARED_NAME,
            Ask.DIRECTORY,
            None,
        ),
        (Facts(MemberState.ACTIVE, blocked_until=NOW + timedelta(minutes=3)), Code.BLOCKED, Ask.OFFICE, Act.UNLOCK),
        (Facts(MemberState.ACTIVE, factor_by=NOW - timedelta(days=1)), Code.FACTOR_MISSING, Ask.MEMBER, None),
        (Facts(MemberState.ACTIVE, source_retired=True), Code.SOURCE_RETIRED, Ask.TECHNIQUE, None),
        (Facts(MemberState.ACTIVE, removal_waits=True), Code.REMOVAL_WAITS, Ask.TECHNIQUE, None),
    ],
)
def test_what_stops_somebody_names_who_can_mend_it(facts, code, ask, act):
    first = obstacles(facts, NOW)[0]

    assert (first.code, first.stops, first.ask, first.act) == (code, True, ask, act)
    assert not can_enter(facts, NOW)


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        (Facts(MemberState.ACTIVE, login_shared=True), Code.SHARED_NAME),
        (Facts(MemberState.ACTIVE, login_is_mail=True), Code.LOGIN_IS_MAIL),
        (Facts(MemberState.ACTIVE, mail_is_login=True), Code.MAIL_IS_LOGIN),
        # Whoever has a passkey does without a password.
        (Facts(MemberState.ACTIVE, source_retired=True, has_passkey=True), Code.SOURCE_RETIRED),
        (Facts(MemberState.ACTIVE, removal_waits=True, has_passkey=True), Code.REMOVAL_WAITS),
        (Facts(MemberState.ACTIVE, factor_by=NOW + timedelta(days=5)), Code.FACTOR_DUE),
        (Facts(MemberState.ACTIVE, last_day=date(2026, 12, 31)), Code.LEAVING),
        (Facts(MemberState.ACTIVE, mail=MailState.NONE), Code.MAIL_MISSING),
        (Facts(MemberState.ACTIVE, ever_in=False), Code.INVITATION_NEVER),
        (Facts(MemberState.ACTIVE, ever_in=False, invited=Invited.EXPIRED), Code.INVITATION_EXPIRED),
    ],
)
def test_what_is_only_worth_knowing_stops_nobody(facts, code):
    assert codes(facts) == [code]
    assert can_enter(facts, NOW)


def test_a_block_that_is_over_and_a_factor_that_is_there_are_no_obstacles():
    facts = Facts(MemberState.ACTIVE, blocked_until=NOW, has_factor=True, factor_by=NOW - timedelta(days=1))

    assert codes(facts) == []


def test_whoever_has_left_is_told_nothing_about_factors_and_addresses():
    facts = Facts(MemberState.LEFT, mail=MailState.NONE, ever_in=False, factor_by=NOW, last_day=date(2026, 1, 1))

    assert codes(facts) == [Code.LEFT_DIRECTORY]


FACTS = st.builds(
    Facts,
    state=st.sampled_from(MemberState),
    hold=st.sampled_from(Hold),
    since=st.just(NOW),
    reason=st.sampled_from(["", *SuspensionReason.values]),
    source_retired=st.booleans(),
    removal_waits=st.booleans(),
    has_login=st.booleans(),
    login_shared=st.booleans(),
    login_is_mail=st.booleans(),
    mail=st.sampled_from(MailState),
    mail_is_login=st.booleans(),
    blocked_until=st.sampled_from([None, NOW - timedelta(hours=1), NOW + timedelta(hours=1)]),
    ever_in=st.booleans(),
    invited=st.sampled_from(Invited),
    has_factor=st.booleans(),
    has_passkey=st.booleans(),
    factor_by=st.sampled_from([None, NOW - timedelta(hours=1), NOW + timedelta(hours=1)]),
    last_day=st.sampled_from([None, date(2026, 12, 1)]),
)


@given(FACTS)
def test_every_obstacle_is_said_to_both_and_what_stops_comes_first(facts):
    found = obstacles(facts, NOW)

    assert can_enter(facts, NOW) is (not any(each.stops for each in found))
    assert [each.stops for each in found] == sorted((each.stops for each in found), reverse=True)
    for each in found:
        for said in (to_office(each), to_member(each)):
            assert said.title
            assert said.text
            assert said.whom
            assert "{" not in said.text


def test_nobody_active_and_held_by_nobody_is_called_gone():
    assert can_enter(Facts(MemberState.ACTIVE), NOW)
    assert not any(
        can_enter(Facts(state, hold), NOW)
        for state in MemberState
        for hold in Hold
        if (state, hold) != (MemberState.ACTIVE, Hold.NONE)
    )


@pytest.mark.parametrize("language", ["fr", "en"])
def test_each_code_has_words_for_both_readers_in_both_languages(language):
    with translation.override(language):
        for code in Code:
            assert str(OFFICE[code][0])
            assert str(MEMBER[code][0])
    if language == "en":
        with translation.override("en"):
            english = {str(text) for pair in (*OFFICE.values(), *MEMBER.values()) for text in pair}
        french = {str(text) for pair in (*OFFICE.values(), *MEMBER.values()) for text in pair}
        assert not english & french
