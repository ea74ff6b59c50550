"""Getting back in with the office's help: two different people, and a trace that the member sees."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from allauth.mfa.models import Authenticator
from django.utils import timezone

from audit.models import Event
from audit.sealing import unseal
from audit.types import SYSTEM, Action, Actor
from directory import services
from directory.models import Member, RoleGrant
from directory.types import CannotChange, Hold, Role
from idp.models import AccountLink, HubSession, OutgoingMail, Recovery
from idp.services.accounts import lifecycle, links, mails, recovery
from idp.types import LinkKind, MailKind, RecoveryState
from tests.support.cast import MONDAY, TUESDAY, make_member


def officer(login: str, **grant: object) -> Member:
    person = make_member(login, login.replace(".", " ").title())
    RoleGrant.objects.create(member=person, role=Role.OFFICE, **grant)
    return person


@pytest.fixture
def karim(db) -> Member:
    return officer("karim.benali")


@pytest.fixture
def lucie(db) -> Member:
    return officer("lucie.faure")


@pytest.fixture
def with_factor(member) -> Member:
    Authenticator.objects.create(user=member, type=Authenticator.Type.TOTP, data={"secret": "x"})
    HubSession.objects.create(
        member=member, started_at=MONDAY, auth_time=MONDAY, last_seen_at=MONDAY, expires_at=MONDAY + timedelta(days=7)
    )
    return member


def asked(member: Member, by: Member, **more: object) -> Recovery:
    return recovery.ask(**{"member_id": member.pk, "by_hand": False, "actor": Actor(by.pk), "now": MONDAY} | more)  # type: ignore[arg-type]


@pytest.mark.spec("ANSSI MFA", "R30")
def test_one_asks_another_approves_and_the_factors_and_sessions_are_gone(with_factor, karim, lucie):
    request = asked(with_factor, karim)
    assert Authenticator.objects.filter(user=with_factor).exists()

    decided = recovery.approve(recovery_id=request.pk, actor=Actor(lucie.pk), now=TUESDAY)

    assert decided.secret == ""
    assert not Authenticator.objects.filter(user=with_factor).exists()
    assert HubSession.objects.get(member=with_factor).ended_reason == "recovered"
    kinds = OutgoingMail.objects.filter(member=with_factor, kind=MailKind.RECOVERY)
    # To the member when it is asked and when it is done, and to the office in between.
    assert kinds.count() == 3
    lines = Event.objects.about(with_factor).filter(action__in=[Action.RECOVERY_ASKED, Action.RECOVERY_APPROVED])
    assert {(line.action, line.actor_id) for line in lines} == {
        (Action.RECOVERY_ASKED, karim.pk),
        (Action.RECOVERY_APPROVED, lucie.pk),
    }


def test_the_same_person_cannot_do_both(with_factor, karim):
    request = asked(with_factor, karim)

    with pytest.raises(CannotChange) as refused:
        recovery.approve(recovery_id=request.pk, actor=Actor(karim.pk), now=TUESDAY)

    assert refused.value.reason == "same_person"
    assert Authenticator.objects.filter(user=with_factor).exists()


def test_nobody_asks_or_approves_for_themselves(karim, lucie):
    with pytest.raises(CannotChange) as refused:
        asked(karim, karim)
    assert refused.value.reason == "own_account"

    request = asked(karim, lucie)
    with pytest.raises(CannotChange) as refused:
        recovery.approve(recovery_id=request.pk, actor=Actor(karim.pk), now=TUESDAY)
    assert refused.value.reason == "own_account"


def test_the_database_itself_refuses_one_person_for_both(with_factor, karim):
    from django.db import IntegrityError, transaction

    request = asked(with_factor, karim)

    with pytest.raises(IntegrityError), transaction.atomic():
        Recovery.objects.filter(pk=request.pk).update(state=RecoveryState.APPROVED, decided_by=karim)


def test_a_lost_mail_box_gives_a_link_to_hand_over_once(with_factor, karim, lucie):
    request = asked(with_factor, karim, by_hand=True)

    decided = recovery.approve(recovery_id=request.pk, actor=Actor(lucie.pk), now=TUESDAY)

    link = AccountLink.objects.get(member=with_factor, kind=LinkKind.BY_HAND)
    assert decided.secret
    assert decided.secret not in link.digest
    assert link.expires_at - TUESDAY == timedelta(hours=24)


def test_the_member_stops_what_they_did_not_ask_for(with_factor, karim, lucie):
    request = asked(with_factor, karim)

    recovery.cancel(recovery_id=request.pk, actor=Actor(with_factor.pk), now=MONDAY)

    with pytest.raises(CannotChange) as refused:
        recovery.approve(recovery_id=request.pk, actor=Actor(lucie.pk), now=TUESDAY)
    assert refused.value.reason == "recovery_over"


def test_a_stranger_cannot_cancel_it(with_factor, other_member, karim):
    request = asked(with_factor, karim)

    with pytest.raises(CannotChange) as refused:
        recovery.cancel(recovery_id=request.pk, actor=Actor(other_member.pk), now=MONDAY)

    assert refused.value.reason == "not_your_request"


def test_what_nobody_decides_lapses_and_another_can_be_asked_for(with_factor, karim, lucie):
    request = asked(with_factor, karim)
    later = MONDAY + recovery.OPEN_FOR

    with pytest.raises(CannotChange):
        recovery.approve(recovery_id=request.pk, actor=Actor(lucie.pk), now=later)
    assert recovery.expire(now=later) == 1
    assert recovery.expire(now=later) == 0
    again = asked(with_factor, karim, now=later)

    assert again.pk != request.pk
    assert Event.objects.filter(action=Action.RECOVERY_CANCELLED, reason="expired").count() == 1


def test_one_request_at_a_time_and_none_for_a_closed_account(with_factor, karim, lucie):
    asked(with_factor, karim)
    with pytest.raises(CannotChange) as refused:
        asked(with_factor, lucie)
    assert refused.value.reason == "recovery_open"

    gone = make_member("gone.person", "Gone Person", hold=Hold.SUSPENDED)
    with pytest.raises(CannotChange) as refused:
        asked(gone, karim)
    assert refused.value.reason == "not_active"


@pytest.mark.parametrize(("role", "reason"), [(Role.DPO, "watches_you"), (Role.TECHNICIAN, "role_first")])
def test_the_office_gets_into_no_account_that_stands_above_it(with_factor, karim, lucie, role, reason):
    request = asked(with_factor, karim)
    RoleGrant.objects.create(member=with_factor, role=role)

    with pytest.raises(CannotChange) as refused:
        recovery.approve(recovery_id=request.pk, actor=Actor(lucie.pk), now=TUESDAY)

    assert refused.value.reason == reason
    assert Authenticator.objects.filter(user=with_factor).exists()
    line = Event.objects.get(action=Action.RECOVERY_APPROVED, refused=True)
    assert (line.actor_id, line.subject_id, line.reason) == (lucie.pk, with_factor.pk, reason)


def test_nobody_makes_the_second_person_for_the_occasion(with_factor, karim):
    accomplice = officer("nouvel.appui", granted_by=karim)
    RoleGrant.objects.filter(member=accomplice).update(granted_at=MONDAY - timedelta(days=2))
    request = asked(with_factor, karim)

    with pytest.raises(CannotChange) as refused:
        recovery.approve(recovery_id=request.pk, actor=Actor(accomplice.pk), now=TUESDAY)
    assert refused.value.reason == "role_too_new"

    RoleGrant.objects.filter(member=accomplice).update(granted_at=MONDAY - timedelta(days=4))
    assert recovery.approve(recovery_id=request.pk, actor=Actor(accomplice.pk), now=TUESDAY)


def test_a_role_given_by_the_technician_counts_at_once(with_factor, karim):
    technician = make_member("tech.nicienne", "Tech Nicienne")
    RoleGrant.objects.create(member=technician, role=Role.TECHNICIAN)
    second = officer("second.e", granted_by=technician)
    request = asked(with_factor, karim)

    assert recovery.approve(recovery_id=request.pk, actor=Actor(second.pk), now=TUESDAY)


def test_a_request_that_is_not_there_is_over(karim):
    with pytest.raises(CannotChange) as refused:
        recovery.approve(recovery_id=uuid4(), actor=Actor(karim.pk), now=timezone.now())

    # Nobody knows whose it was.
    assert refused.value.reason == "member_unknown"


def test_what_nobody_decides_lapses_by_the_worker_and_its_line_says_so(with_factor, karim):
    request = asked(with_factor, karim)

    lifecycle.turn(now=MONDAY + timedelta(days=4))

    request.refresh_from_db()
    assert request.state == RecoveryState.EXPIRED
    assert Event.objects.get(action=Action.RECOVERY_CANCELLED).reason == "expired"


@pytest.mark.parametrize("role", [Role.DPO, Role.TECHNICIAN])
def test_a_link_by_hand_from_before_opens_no_account_that_stands_above_the_office_since(
    with_factor, karim, lucie, role
):
    request = asked(with_factor, karim, by_hand=True)
    secret = recovery.approve(recovery_id=request.pk, actor=Actor(lucie.pk), now=TUESDAY).secret
    assert links.find(secret, now=TUESDAY)

    services.grant_role(member_id=with_factor.pk, role=role, actor=SYSTEM, now=TUESDAY)

    with pytest.raises(links.LinkRefused, match="link_ended"):
        links.find(secret, now=TUESDAY + timedelta(hours=1))


def test_the_office_reads_of_a_request_in_its_own_language(with_factor, karim, settings):
    Member.objects.filter(pk=with_factor.pk).update(language="en")

    asked(with_factor, karim)

    contents = [json.loads(unseal(bytes(each.sealed), purpose=mails.PURPOSE)) for each in OutgoingMail.objects.all()]
    subjects = {content["to"]: content["subject"] for content in contents}
    assert subjects[settings.OFFICE_CONTACT] == "Une récupération de compte attend une seconde personne"
