"""The door of the pages that roles open: the right, the proof of the session, and what members see of what was done."""

from datetime import timedelta
from uuid import uuid4

import pytest
from allauth.mfa.models import Authenticator
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.test import RequestFactory
from django.urls import reverse
from django.utils import timezone

from audit.models import Event
from audit.services import record
from audit.types import SYSTEM, Action, Actor, Entry
from directory import services
from directory.models import Collective, Member, RoleGrant
from directory.policy import Right
from directory.types import CannotChange, Hold, Role, SuspensionReason
from idp import gate
from idp.selectors import ACTS, acts_on
from tests.support.cast import MONDAY, TUESDAY, make_member
from tests.support.oidc import sign_in

pytestmark = pytest.mark.django_db
LATE = timedelta(days=15)
PAGES = {Role.DPO: "audit:proof", Role.TECHNICIAN: "idp:deliveries"}


def with_role(role: Role, *, given_ago: timedelta = timedelta(0), ends_at=None) -> Member:
    person = make_member(f"{role}.x", f"Personne {role}")
    RoleGrant.objects.create(member=person, role=role, ends_at=ends_at)
    RoleGrant.objects.filter(member=person).update(granted_at=timezone.now() - given_ago)
    return person


def refusals() -> list[tuple[str, str]]:
    lines = Event.objects.filter(action=Action.ACCESS_REFUSED, refused=True)
    return [(line.reason, line.facts["page"]) for line in lines]


@pytest.mark.parametrize(("role", "page"), PAGES.items())
def test_a_role_without_a_second_factor_opens_its_pages_while_there_is_time(role, page):
    browser = sign_in(with_role(role))

    assert browser.get(reverse(page)).status_code == 200


@pytest.mark.spec("ANSSI MFA", "R15")
@pytest.mark.parametrize(("role", "page"), PAGES.items())
def test_a_role_without_a_second_factor_opens_nothing_once_the_time_is_over(role, page):
    browser = sign_in(with_role(role, given_ago=LATE))

    answer = browser.get(reverse(page))

    assert (answer.status_code, answer["Location"]) == (302, reverse("mfa_index"))
    assert refusals() == [("second_factor_missing", page)]
    assert browser.get("/").status_code == 200


@pytest.mark.parametrize(("role", "page"), PAGES.items())
def test_a_session_that_proved_the_password_alone_is_asked_for_the_code(role, page):
    person = with_role(role, given_ago=LATE)
    Authenticator.objects.create(user=person, type=Authenticator.Type.TOTP, data={"secret": "x"})

    answer = sign_in(person).get(reverse(page))
    proved = sign_in(person, methods=("pwd", "otp", "mfa"), acr="2").get(reverse(page))

    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("mfa_reauthenticate"))
    assert proved.status_code == 200
    assert refusals() == []


def test_the_date_that_the_rules_gave_wins_over_the_day_of_the_role():
    person = with_role(Role.DPO, given_ago=LATE)
    Member.objects.filter(pk=person.pk).update(second_factor_by=timezone.now() + timedelta(days=1))

    assert sign_in(person).get(reverse("audit:proof")).status_code == 200


def test_where_roles_need_no_second_factor_none_is_asked_for(settings):
    settings.ROLES_NEED_SECOND_FACTOR = False

    assert sign_in(with_role(Role.DPO, given_ago=LATE)).get(reverse("audit:proof")).status_code == 200


@pytest.mark.spec("ANSSI MFA", "R18")
@pytest.mark.parametrize(("role", "page"), PAGES.items())
def test_a_role_that_is_over_opens_nothing_before_its_row_is_gone(role, page):
    person = with_role(role, ends_at=timezone.now() + timedelta(hours=1))
    browser = sign_in(person)
    before = browser.get(reverse(page)).status_code

    RoleGrant.objects.update(ends_at=timezone.now())

    assert before == 200
    assert browser.get(reverse(page)).status_code == 403
    assert refusals() == [("role_missing", page)]


@pytest.mark.spec("ANSSI MFA", "R18")
def test_a_role_that_is_taken_back_opens_nothing_at_the_next_request():
    person = with_role(Role.TECHNICIAN)
    RoleGrant.objects.create(member=make_member("autre", "Autre Technicienne"), role=Role.TECHNICIAN)
    browser = sign_in(person)

    services.revoke_role(member_id=person.pk, role=Role.TECHNICIAN, actor=SYSTEM, now=timezone.now())

    assert browser.get(reverse("idp:deliveries")).status_code == 403


def request_of(person: Member):
    request = RequestFactory().get("/collectifs/")
    request.user, request.session = person, {}
    return request


def test_the_door_of_leads_opens_to_whoever_leads_and_each_collective_is_asked_for(member):
    lead = make_member("lise.gely", "Lise Gély")
    mine = Collective.objects.create(entry_uuid=uuid4(), name="Reliure", slug="reliure")
    others = Collective.objects.create(entry_uuid=uuid4(), name="Lutherie", slug="lutherie")
    mine.leads.add(lead)

    assert gate.refusal(request_of(lead), Right.SEE_COLLECTIVE, "collectif") is None
    gate.check(request_of(lead), Right.SEE_COLLECTIVE, mine, page="collectif")
    for person, subject in ((lead, others), (lead, member), (member, mine), (member, None)):
        with pytest.raises(PermissionDenied):
            gate.check(request_of(person), Right.SEE_COLLECTIVE, subject, page="collectif")
    assert refusals() == [("role_missing", "collectif")] * 4


def test_nobody_acts_on_themself_by_a_page():
    office = with_role(Role.OFFICE)

    assert gate.refusal(request_of(office), Right.SUSPEND, "membre") is None
    with pytest.raises(PermissionDenied):
        gate.check(request_of(office), Right.SUSPEND, office, page="membre")


# What members see of what was done to them ---------------------------------------------------------------------


def _suspend(member, actor):
    services.suspend(member_id=member.pk, reason=SuspensionReason.OTHER, actor=actor, now=MONDAY)


def _resume(member, actor):
    Member.objects.filter(pk=member.pk).update(hold=Hold.SUSPENDED)
    services.resume(member_id=member.pk, actor=actor, now=MONDAY)


def _welcome(member, actor):
    Member.objects.filter(pk=member.pk).update(hold=Hold.LEFT)
    services.welcome_back(member_id=member.pk, actor=actor, now=MONDAY)


def _plan(member, actor):
    services.plan_departure(member_id=member.pk, last_day=TUESDAY.date(), actor=actor, now=MONDAY)


def _cancel(member, actor):
    services.plan_departure(member_id=member.pk, last_day=TUESDAY.date(), actor=SYSTEM, now=MONDAY)
    services.cancel_departure(member_id=member.pk, actor=actor, now=MONDAY)


def _grant(member, actor):
    services.grant_role(member_id=member.pk, role=Role.OFFICE, actor=actor, now=MONDAY)


def _revoke(member, actor):
    RoleGrant.objects.create(member=member, role=Role.OFFICE)
    services.revoke_role(member_id=member.pk, role=Role.OFFICE, actor=actor, now=MONDAY)


@pytest.mark.parametrize(
    ("act", "action"),
    [
        (_suspend, Action.MEMBER_SUSPENDED),
        (_resume, Action.MEMBER_RESUMED),
        (_welcome, Action.MEMBER_RETURNED),
        (_plan, Action.DEPARTURE_PLANNED),
        (_cancel, Action.DEPARTURE_CANCELLED),
        (_grant, Action.ROLE_GRANTED),
        (_revoke, Action.ROLE_REVOKED),
    ],
)
def test_each_act_of_the_office_is_shown_to_its_member(member, other_member, act, action):
    office = with_role(Role.OFFICE)

    act(member, Actor(member=office.pk))

    shown = acts_on(member)
    assert [(line.action, line.actor) for line in shown] == [(action, office)]
    assert acts_on(other_member) == []
    assert acts_on(office) == []


def test_an_act_that_was_refused_is_shown_as_well(member):
    RoleGrant.objects.create(member=member, role=Role.TECHNICIAN)

    with pytest.raises(CannotChange):
        _suspend(member, Actor(member=with_role(Role.OFFICE).pk))

    assert [(line.action, line.refused) for line in acts_on(member)] == [(Action.MEMBER_SUSPENDED, True)]


@pytest.mark.parametrize("action", sorted(ACTS))
def test_what_members_do_themselves_and_what_the_hub_does_is_no_act_of_others(member, dpo, action):

    with transaction.atomic():
        for actor in (Actor(member=member.pk), SYSTEM, Actor(member=dpo.pk)):
            record(Entry(action, actor=actor, subject=member.pk, at=MONDAY))

    assert [line.actor for line in acts_on(member)] == [dpo]
