"""The worker's turns: departures announced, reminded of and carried out, roles that end, and what ends with them."""

import json
import logging
from datetime import date, timedelta
from uuid import uuid4

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings as hub_settings
from django.test import Client
from django.utils import timezone

from audit.models import Event
from audit.sealing import unseal
from audit.types import SYSTEM, Action, Actor
from directory import services
from directory.models import Collective, Departure, Member, Membership, RoleGrant
from directory.types import Hold, MailState, MemberState, Role, SuspensionReason
from idp.models import AccountLink, Browser, HubSession, LogoutDelivery, OutgoingMail, Recovery, RefreshToken
from idp.selectors import acts_on
from idp.services import sessions
from idp.services.accounts import lifecycle, mails
from idp.types import LinkKind, MailKind, RecoveryState
from launcher.models import Favourite
from tests.support.cast import MONDAY, TUESDAY, make_member
from tests.support.oidc import answer_of, connect, sign_in

pytestmark = pytest.mark.django_db
LAST_DAY = MONDAY.date() + timedelta(days=60)


@pytest.fixture
def office(db) -> Actor:
    someone = make_member("odile.bonnet", "Odile Bonnet")
    RoleGrant.objects.create(member=someone, role=Role.OFFICE)
    return Actor(member=someone.pk)


def outbox(kind: MailKind | None = None) -> list[dict[str, str]]:
    rows = OutgoingMail.objects.order_by("pk")
    rows = rows.filter(kind=kind) if kind else rows
    return [json.loads(unseal(bytes(row.sealed), purpose=mails.PURPOSE)) for row in rows]


def to(kind: MailKind | None = None) -> list[str]:
    return [mail["to"] for mail in outbox(kind)]


def plan(member: Member, office: Actor, *, last_day: date = LAST_DAY, now=MONDAY) -> Departure:
    return services.plan_departure(member_id=member.pk, last_day=last_day, actor=office, now=now)


def at(day: date, hour: int = 9):
    return MONDAY.replace(year=day.year, month=day.month, day=day.day, hour=hour)


# Announcing ----------------------------------------------------------------------------------------------------


@pytest.fixture
def lead(member) -> Member:
    someone = make_member("lise.gely", "Lise Gély", language="en")
    for name in ("Reliure", "Papier"):
        crowd = Collective.objects.create(entry_uuid=uuid4(), name=name, slug=name.lower())
        Membership.objects.create(member=member, collective=crowd)
        crowd.leads.add(someone, member)
    return someone


def test_a_departure_is_announced_once_to_the_member_the_office_and_the_leads(member, lead, office, settings):
    plan(member, office)

    lifecycle.turn(now=MONDAY)
    lifecycle.turn(now=TUESDAY)

    told = outbox(MailKind.DEPARTURE)
    assert [mail["to"] for mail in told] == [member.email, settings.OFFICE_CONTACT, lead.email]
    assert told[0]["subject"] == "La date de votre départ est fixée"
    assert "15 janvier 2027" in told[0]["body"]
    assert "Amélie Roux" in told[1]["body"]
    assert told[2]["subject"] == "A departure in your collective"
    assert "Papier, Reliure" in told[2]["body"]
    line = Event.objects.get(action=Action.DEPARTURE_ANNOUNCED)
    assert line.facts == {"last_day": "2027-01-15", "told": 3}


def test_another_date_is_announced_anew_and_a_departure_called_off_is_told_to_whoever_knew(member, lead, office):
    plan(member, office)
    lifecycle.announce(now=MONDAY)
    plan(member, office, last_day=LAST_DAY + timedelta(days=1), now=TUESDAY)
    lifecycle.announce(now=TUESDAY)
    services.cancel_departure(member_id=member.pk, actor=office, now=TUESDAY)
    lifecycle.turn(now=TUESDAY)

    subjects = [mail["subject"] for mail in outbox(MailKind.DEPARTURE)]
    assert len(subjects) == 9
    assert subjects[3] == "La date de votre départ est fixée"
    assert subjects[6:] == [
        "Votre départ est annulé",
        "Un départ est annulé",
        "A departure is called off in your collective",
    ]


def test_a_departure_that_was_never_announced_is_called_off_in_silence(member, office):
    plan(member, office)

    services.cancel_departure(member_id=member.pk, actor=office, now=MONDAY)

    assert outbox() == []


def test_leads_who_left_hear_nothing(member, lead, office):
    Member.objects.filter(pk=lead.pk).update(hold=Hold.LEFT)
    plan(member, office)

    lifecycle.announce(now=MONDAY)

    assert lead.email not in to()


def test_a_member_without_an_address_leaves_all_the_same(member, office, settings):
    Member.objects.filter(pk=member.pk).update(email_state=MailState.SHARED)
    plan(member, office)

    lifecycle.turn(now=MONDAY)

    assert to() == [settings.OFFICE_CONTACT]


def test_a_departure_is_reminded_of_thirty_seven_and_one_days_before(member, lead, office, settings):
    plan(member, office)
    lifecycle.announce(now=MONDAY)
    OutgoingMail.objects.all().delete()

    days = {}
    for ahead in range(59, -1, -1):
        for hour in (6, 18):
            lifecycle.remind(now=at(LAST_DAY - timedelta(days=ahead), hour))
        if outbox():
            days[ahead] = to()
        OutgoingMail.objects.all().delete()

    assert days == {ahead: [member.email, settings.OFFICE_CONTACT] for ahead in (30, 7, 1)}
    assert Event.objects.filter(action=Action.DEPARTURE_ANNOUNCED, reason="departure_near").count() == 3


def test_after_an_outage_one_reminder_makes_up_for_several(member, office):
    plan(member, office)
    lifecycle.announce(now=MONDAY)

    for _ in range(3):
        lifecycle.remind(now=at(LAST_DAY - timedelta(days=1)))

    assert to().count(member.email) == 2


def test_a_departure_dated_for_tomorrow_is_announced_and_not_reminded_of_besides(member, office):
    plan(member, office, last_day=TUESDAY.date())

    lifecycle.turn(now=MONDAY)
    lifecycle.turn(now=MONDAY + timedelta(hours=3))

    assert to().count(member.email) == 1


# Ending --------------------------------------------------------------------------------------------------------


@pytest.fixture
def with_everything(member, agenda) -> tuple[Member, Client, dict[str, str]]:
    """A member with a session, tokens, a link, a browser and a recovery on their way."""
    browser = sign_in(member)
    held = agenda.exchange(agenda.code(browser, scope="openid offline_access")).json()
    now = timezone.now()
    soon = now + timedelta(days=400)
    AccountLink.objects.create(member=member, kind=LinkKind.RESET, digest="a" * 64, created_at=now, expires_at=soon)
    Browser.objects.create(
        member=member, digest="b" * 64, first_seen_at=now, last_seen_at=now, expires_at=soon, trusted_until=soon
    )
    Recovery.objects.create(member=member, asked_at=now, expires_at=soon)
    return member, browser, held


def everything_is_dead(member: Member, browser: Client, agenda, held) -> None:
    assert browser.get("/").status_code == 302
    assert agenda.userinfo(held["access_token"]).status_code == 401
    assert agenda.refresh(held["refresh_token"]).json() == {"error": "invalid_grant"}
    assert not HubSession.objects.filter(member=member, ended_at=None).exists()
    assert not RefreshToken.objects.filter(revoked=None).exists()
    assert not AccountLink.objects.filter(member=member, ended_at=None).exists()
    assert not Browser.objects.filter(member=member, ended_at=None).exists()
    assert not Browser.objects.filter(member=member, trusted_until__isnull=False).exists()
    assert Recovery.objects.get(member=member).state == RecoveryState.CANCELLED


@pytest.fixture
def told_agenda(agenda):
    agenda.tool.backchannel_logout_uri = "http://127.0.0.1:9/logout"
    agenda.tool.save()
    return agenda


@pytest.mark.spec("OWASP ASVS", "7.4.2")
def test_a_suspension_ends_everything_at_once(with_everything, told_agenda, office):
    member, browser, held = with_everything

    services.suspend(member_id=member.pk, reason=SuspensionReason.SECURITY, actor=office, now=timezone.now())

    everything_is_dead(member, browser, told_agenda, held)
    assert LogoutDelivery.objects.count() == 1
    lines = Event.objects.about(member.pk).filter(reason="member_ended").values_list("action", flat=True)
    assert set(lines) == {
        Action.SIGN_OUT,
        Action.INVITATION_ENDED,
        Action.BROWSER_FORGOTTEN,
        Action.RECOVERY_CANCELLED,
    }


@pytest.mark.spec("OWASP ASVS", "7.4.5")
def test_the_office_ends_the_sessions_of_one_person_or_of_everybody(with_everything, other_member, office):
    member, browser, _held = with_everything
    others = sign_in(other_member)
    now = timezone.now()

    sessions.end_member([member.pk], reason="ended_by_office", actor=office, now=now)
    one = [each.get("/").status_code for each in (browser, others)]
    sessions.end_hub_sessions(HubSession.objects.all(), reason="ended_by_office", actor=office, now=now)

    assert one == [302, 200]
    assert others.get("/").status_code == 302
    assert [(line.action, line.actor_id) for line in acts_on(member)] == [(Action.SIGN_OUT, office.member)]


def test_a_departure_ends_everything_within_a_minute_of_midnight(with_everything, told_agenda, office):
    from hub.management.commands import run_worker

    member, browser, held = with_everything
    now = timezone.now()
    midnight = (timezone.localtime(now) + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    plan(member, office, last_day=timezone.localdate(now), now=now)
    job = run_worker.Job("life cycle", run_worker.LIFE_CYCLE, lambda when: lifecycle.turn(now=when))

    # The worst case: the turn before was a moment before midnight.
    job.run_if_due(midnight - timedelta(seconds=1))
    before = Member.objects.get(pk=member.pk).is_active
    job.run_if_due(midnight + run_worker.LIFE_CYCLE - timedelta(seconds=1))

    assert before
    assert timedelta(seconds=60) > run_worker.LIFE_CYCLE
    everything_is_dead(member, browser, told_agenda, held)
    assert LogoutDelivery.objects.count() == 1
    assert [mail["subject"] for mail in outbox(MailKind.DEPARTURE)][-2:] == [
        "Votre compte est fermé",
        "Un compte est fermé",
    ]


def test_one_departure_that_fails_keeps_nobody_else_in(member, other_member, office, monkeypatch, caplog):
    for each in (member, other_member):
        plan(each, office, last_day=MONDAY.date())
    tell = lifecycle.lifecycle_mails.departure

    def fails(what, person, **more):
        if person == member:
            raise RuntimeError(person.email)
        return tell(what, person, **more)

    monkeypatch.setattr(lifecycle.lifecycle_mails, "departure", fails)
    lifecycle.turn(now=TUESDAY)

    assert [Member.objects.get(pk=each.pk).is_active for each in (member, other_member)] == [True, False]
    assert "could not be carried out: RuntimeError" in caplog.text
    assert member.email not in caplog.text


def test_one_step_that_fails_stops_no_other(member, office, monkeypatch, caplog):
    plan(member, office)
    monkeypatch.setattr(lifecycle, "carry_out", lambda now: [][0])

    lifecycle.turn(now=MONDAY)

    assert Departure.objects.get().announced_at == MONDAY
    assert "failed: IndexError" in caplog.text


@pytest.mark.incident("CVE-2026-19607")
def test_a_return_is_the_same_subject_at_each_tool_and_a_freed_login_is_another_one(member, agenda, signing_key):
    nextcloud = connect("nextcloud", subject_type="login")

    def subjects(person: Member) -> list[object]:
        browser = sign_in(person)
        return [
            tool.claims(tool.exchange(answer_of(tool.authorize(browser))["code"]).json()["id_token"])["sub"]
            for tool in (agenda, nextcloud)
        ]

    now = timezone.now()
    before = subjects(member)
    services.plan_departure(member_id=member.pk, last_day=timezone.localdate(now), actor=SYSTEM, now=now)
    services.carry_out_departures(now=now + timedelta(days=1))
    services.welcome_back(member_id=member.pk, actor=SYSTEM, now=now)
    returned = subjects(Member.objects.get(pk=member.pk))
    Member.objects.filter(pk=member.pk).update(state=MemberState.LEFT, state_since=now - timedelta(days=999))
    services.erase_leavers(now=now)
    newcomer = make_member(member.login, "Amélie Roussel", email=member.email, email_key=member.email_key)
    theirs = subjects(newcomer)

    assert returned == before
    assert not set(theirs) & set(before)
    assert theirs[1] == f"{member.login}~2"


def test_whoever_is_resumed_has_the_factors_they_had(member, office):
    Authenticator.objects.create(user=member, type=Authenticator.Type.TOTP, data={"secret": "x"})

    services.suspend(member_id=member.pk, reason=SuspensionReason.ABSENCE, actor=office, now=MONDAY)
    services.resume(member_id=member.pk, actor=office, now=TUESDAY)

    assert Authenticator.objects.filter(user=member).count() == 1


@pytest.mark.spec("OWASP ASVS", "14.2.7")
def test_the_end_of_the_retention_takes_what_only_the_hub_knew(member, louty, office):
    Authenticator.objects.create(user=member, type=Authenticator.Type.TOTP, data={"secret": "x"})
    Favourite.objects.create(member=member, tool=louty)
    mails.queue_text(kind=MailKind.SECURITY, member=member, subject="x", body="y", now=MONDAY)
    AccountLink.objects.create(
        member=member, kind=LinkKind.RESET, digest="a" * 64, created_at=MONDAY, expires_at=MONDAY
    )
    Browser.objects.create(member=member, digest="b" * 64, first_seen_at=MONDAY, last_seen_at=MONDAY, expires_at=MONDAY)
    session = HubSession.objects.create(
        member=member,
        started_at=MONDAY,
        auth_time=MONDAY,
        last_seen_at=MONDAY,
        expires_at=MONDAY,
        label="Firefox, Linux",
        network="192.0.2.0/24",
    )
    Member.objects.filter(pk=member.pk).update(state=MemberState.LEFT, state_since=MONDAY)
    lines = Event.objects.about(member.pk).count()

    lifecycle.erase(now=MONDAY + timedelta(days=365))

    for model, field in ((Authenticator, "user"), (Favourite, "member"), (OutgoingMail, "member")):
        assert not model.objects.filter(**{field: member.pk}).exists(), model
    assert not AccountLink.objects.exists()
    assert not Browser.objects.exists()
    session.refresh_from_db()
    assert (session.label, session.network) == ("", "")
    assert Event.objects.about(member.pk).count() == lines + 2


def test_what_waits_for_a_person_is_said_once_an_hour(caplog):
    lifecycle._said.clear()
    for number in range(11):
        make_member(f"m{number}", f"M {number}", state=MemberState.LEFT, state_since=MONDAY)

    later = MONDAY + timedelta(days=365)
    with caplog.at_level(logging.ERROR, "idp.lifecycle"):
        for minutes in (0, 20, 40, 61):
            lifecycle.erase(now=later + timedelta(minutes=minutes))

    assert [record.message for record in caplog.records] == [
        "11 erasures are due at once: see manage.py erase_leavers"
    ] * 2


# Roles that end ------------------------------------------------------------------------------------------------


def test_a_role_reminds_before_it_ends_and_ends_at_its_moment(member, settings):
    RoleGrant.objects.create(member=make_member("lea.m", "Léa M"), role=Role.TECHNICIAN)
    end = MONDAY + timedelta(days=30)
    services.grant_role(member_id=member.pk, role=Role.OFFICE, actor=SYSTEM, now=MONDAY, ends_at=end)
    RoleGrant.objects.update(granted_at=MONDAY)
    OutgoingMail.objects.all().delete()

    days = {}
    for ahead in range(29, 0, -1):
        lifecycle.remind_of_roles(now=end - timedelta(days=ahead))
        if outbox():
            days[ahead] = to(MailKind.ROLE_REMINDER)
        OutgoingMail.objects.all().delete()
    before = Member.objects.get(pk=member.pk)
    held = [grant.is_in_force(end - timedelta(seconds=1)) for grant in before.role_grants.all()]
    lifecycle.turn(now=end)

    assert days == {ahead: [member.email, settings.OFFICE_CONTACT] for ahead in (14, 2)}
    assert held == [True]
    assert not RoleGrant.objects.filter(member=member).exists()
    line = Event.objects.get(action=Action.ROLE_REVOKED)
    assert (line.subject_id, line.reason, line.facts) == (member.pk, "role_over", {"role": "office"})


@pytest.mark.parametrize(
    ("change", "subject"),
    [
        ("suspend", "Votre compte est suspendu"),
        ("resume", "Votre compte est de nouveau ouvert"),
        ("welcome_back", "Bon retour dans la coopérative"),
        ("grant", "Vous avez un nouveau rôle dans Trousseau"),
        ("revoke", "Vous n’avez plus un de vos rôles dans Trousseau"),
    ],
)
def test_each_act_on_an_account_is_told_to_the_member(member, change, subject):
    if change == "suspend":
        services.suspend(member_id=member.pk, reason=SuspensionReason.ABSENCE, actor=SYSTEM, now=MONDAY)
    elif change == "resume":
        Member.objects.filter(pk=member.pk).update(hold=Hold.SUSPENDED)
        services.resume(member_id=member.pk, actor=SYSTEM, now=MONDAY)
    elif change == "welcome_back":
        Member.objects.filter(pk=member.pk).update(hold=Hold.LEFT)
        services.welcome_back(member_id=member.pk, actor=SYSTEM, now=MONDAY)
    elif change == "grant":
        services.grant_role(member_id=member.pk, role=Role.OFFICE, actor=SYSTEM, now=MONDAY)
    else:
        RoleGrant.objects.create(member=member, role=Role.OFFICE)
        services.revoke_role(member_id=member.pk, role=Role.OFFICE, actor=SYSTEM, now=MONDAY)

    sent = outbox()
    assert (sent[0]["to"], sent[0]["subject"]) == (member.email, subject)
    assert not [mail for mail in sent if "&" in mail["body"]]
    # Who may act on accounts is told to the office as well: nobody makes themself an accomplice unseen.
    others = [mail["to"] for mail in sent[1:]]
    assert others == ([hub_settings.OFFICE_CONTACT] if change in ("grant", "revoke") else [])


@pytest.mark.parametrize("change", ["resume", "welcome_back"])
def test_a_session_that_slipped_in_while_the_account_was_being_closed_does_not_wake_up_with_it(member, office, change):
    if change == "resume":
        services.suspend(member_id=member.pk, reason=SuspensionReason.SECURITY, actor=office, now=MONDAY)
    else:
        services.plan_departure(member_id=member.pk, last_day=MONDAY.date(), actor=office, now=MONDAY)
        services.carry_out_departures(now=TUESDAY)
    slipped_in = HubSession.objects.create(
        member=member,
        started_at=MONDAY,
        auth_time=MONDAY,
        last_seen_at=MONDAY,
        expires_at=MONDAY + timedelta(days=7),
    )

    getattr(services, change)(member_id=member.pk, actor=office, now=TUESDAY)

    slipped_in.refresh_from_db()
    assert (slipped_in.ended_at, slipped_in.ended_reason) == (TUESDAY, "member_ended")
