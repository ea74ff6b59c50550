"""The office's pages: finding somebody, seeing what keeps them out, and the acts, each recorded and shown."""

from datetime import timedelta
from uuid import uuid4

import pytest
from allauth.mfa.models import Authenticator
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.models import Event
from audit.services import note_reading, reveal
from audit.types import Action, EventFilter, Ground, Purpose, Reading
from directory.models import Departure, DirectorySource, Member, RoleGrant, SyncIssue, SyncRun
from directory.types import Hold, MailState, MemberState, Role, RunStatus, SourceState
from idp.models import AccountLink, Alarm, HubSession, OutgoingMail
from idp.selectors import acts_on
from idp.services.accounts import attempts
from idp.types import LinkKind
from tests.support.cast import browser_of, helping, make_member
from tests.support.oidc import sign_in


@pytest.fixture
def karim(db) -> Member:
    person = make_member("karim.benali", "Karim Benali")
    RoleGrant.objects.create(member=person, role=Role.OFFICE)
    return person


@pytest.fixture
def desk(karim) -> Client:
    return helping(sign_in(karim, methods=("pwd", "otp", "mfa"), acr="2"))


def page_of(desk: Client, member: Member) -> str:
    return desk.get(reverse("idp:office_member", args=[member.pk])).content.decode()


def act(desk: Client, who: Member, name: str, **data: object):
    return desk.post(reverse("idp:office_act", args=[who.pk, name]), data, follow=True)


def came(member: Member) -> HubSession:
    now = timezone.now()
    return HubSession.objects.create(
        member=member, started_at=now, auth_time=now, last_seen_at=now, expires_at=now + timedelta(days=1)
    )


# Finding -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["amélie", "AMELIE roux", "roux", "amelie.roux@canari", "elie rou"])
def test_somebody_is_found_by_parts_of_name_login_or_address_without_accents(desk, member, other_member, typed):
    page = desk.post(reverse("idp:office_search"), {"q": typed}, follow=True).content.decode()

    assert "Amélie Roux" in page
    assert "Bachir Haddad" not in page


@pytest.mark.spec("OWASP ASVS", "14.2.1")
def test_what_is_looked_for_is_in_no_address_and_in_no_line_of_the_journal(desk, member):
    answer = desk.post(reverse("idp:office_search"), {"q": "amélie"})
    desk.get(answer.url)

    assert "lie" not in answer.url
    line = Event.objects.get(action=Action.MEMBERS_SEARCHED)
    assert line.facts.keys() == {"results", "purpose", "reading"}
    assert line.facts["results"] == 1


def test_nobody_found_says_what_to_try_and_the_search_can_be_cleared(desk, member):
    page = desk.post(reverse("idp:office_search"), {"q": "zzz"}, follow=True).content.decode()
    assert 'id="office-empty"' in page

    page = desk.post(reverse("idp:office_search"), {"q": ""}, follow=True).content.decode()
    assert "Amélie Roux" in page


@pytest.mark.parametrize(
    ("which", "shown"),
    [("jamais", {"Amélie Roux"}), ("suspendus", {"Bachir Haddad"}), ("partis", {"Celine Petit"}), ("departs", set())],
)
def test_each_list_holds_its_own(desk, karim, member, other_member, which, shown):
    came(karim)
    Member.objects.filter(pk=other_member.pk).update(hold=Hold.SUSPENDED)
    make_member("celine.petit", "Celine Petit", state=MemberState.LEFT)

    page = desk.get(reverse("idp:office"), {"liste": which}).content.decode()

    names = {"Amélie Roux", "Bachir Haddad", "Celine Petit"}
    assert {name for name in names if f">{name}</a>" in page} == shown


@pytest.mark.parametrize(
    ("changes", "badge", "lists"),
    [
        ({"state": MemberState.MISSING}, "absent·e de l’annuaire", {"tous", "absents"}),
        ({"state": MemberState.MISSING, "absent_for_good_at": timezone.now()}, "parti·e", {"tous", "partis"}),
        ({"state": MemberState.MISSING, "hold": Hold.LEFT}, "parti·e", {"tous", "partis"}),
        ({"state": MemberState.LEFT}, "parti·e", {"tous", "partis"}),
    ],
)
def test_whoever_is_absent_is_no_leaver_yet(desk, karim, member, changes, badge, lists):
    came(karim)
    Member.objects.filter(pk=member.pk).update(**changes)

    pages = {
        name: desk.get(reverse("idp:office"), {"liste": name}).content.decode()
        for name in ("tous", "absents", "partis")
    }

    assert {name for name, page in pages.items() if ">Amélie Roux</a>" in page} == lists
    row = pages["tous"][pages["tous"].index(">Amélie Roux</a>") :].partition("</tr>")[0]
    assert f">{badge}</span>" in row


def test_the_list_and_the_page_say_the_same_of_whose_directory_was_retired(desk, member):
    """No password opens their account; a passkey does."""
    retired = DirectorySource.objects.create(name="Ancien", state=SourceState.RETIRED)
    Member.objects.filter(pk=member.pk).update(source=retired)
    came(member)

    def shown() -> tuple[str, bool]:
        page = desk.get(reverse("idp:office")).content.decode()
        row = page[page.index(">Amélie Roux</a>") :].partition("</tr>")[0]
        return row, "ne peut pas entrer" in page_of(desk, member)

    row, is_out = shown()
    assert ">annuaire retiré</span>" in row
    assert is_out
    Authenticator.objects.create(user=member, type=Authenticator.Type.WEBAUTHN, data={})
    row, is_out = shown()
    assert ">peut entrer</span>" in row
    assert not is_out


def test_a_list_that_does_not_exist_is_not_a_page(desk):
    assert desk.get(reverse("idp:office"), {"liste": "secret"}).status_code == 404


# Who may -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [None, Role.DPO, Role.TECHNICIAN])
def test_only_the_office_sees_members_and_a_refusal_is_recorded(db, member, role):
    other = make_member("paul.martin", "Paul Martin")
    if role:
        RoleGrant.objects.create(member=other, role=role)
    browser = sign_in(other, methods=("pwd", "otp", "mfa"), acr="2")

    for answer in (
        browser.get(reverse("idp:office")),
        browser.get(reverse("idp:office_member", args=[member.pk])),
        browser.post(reverse("idp:office_act", args=[member.pk, "suspend"]), {"reason": "other"}),
    ):
        assert answer.status_code == 403
    assert Event.objects.done_by(other).filter(action=Action.ACCESS_REFUSED).count() == 3
    member.refresh_from_db()
    assert member.hold == Hold.NONE


def test_a_look_at_somebody_is_recorded_once_in_a_while_and_shown_to_the_office(desk, karim, member):
    page_of(desk, member)
    page = page_of(desk, member)

    line = Event.objects.get(action=Action.MEMBER_CONSULTED)
    assert (line.actor_id, line.subject_id) == (karim.pk, member.pk)
    assert "Karim Benali ouvre la fiche" in page
    assert acts_on(member) == [], "the member is told of it without a name"


def test_nobody_acts_on_their_own_account(desk, karim):
    came(karim)
    page = page_of(desk, karim)

    assert "C’est votre propre fiche" in page
    assert "/suspend/" not in page
    answer = act(desk, karim, "suspend", reason="other")
    assert "demandez à une autre personne" in answer.content.decode()
    assert Event.objects.done_by(karim).filter(action=Action.ACT_REFUSED, reason="own_account").exists()


# Seeing and acting -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["people", "people_today", "last_administrator"])
def test_whose_entry_is_gone_while_that_waits_is_told_as_that(desk, member, other_member, what):
    source = DirectorySource.objects.create(name="Annuaire", state=SourceState.ACTIVE)
    Member.objects.filter(pk__in=[member.pk, other_member.pk]).update(source=source)
    report = {"approval": "a", "held": [{"what": what, "count": 1, "limit": 0}]}
    waits = SyncRun.objects.create(
        source=source,
        status=RunStatus.HELD,
        started_at=timezone.now(),
        report={
            **report,
            "held_names": [f"{what} {member.entry_uuid}", f"memberships {uuid4()} {other_member.entry_uuid}"],
        },
    )

    page = page_of(desk, member)
    assert 'data-obstacle="removal_waits"' in page
    # The office may decide: it is sent to the list, and to nobody else.
    assert reverse("idp:directory_waiting", args=[source.pk]) in page
    assert "Sa fiche n’y est plus" in page_of(desk, member)
    assert "removal_waits" not in page_of(desk, other_member)

    SyncRun.objects.filter(pk=waits.pk).update(status=RunStatus.OK)
    assert "removal_waits" not in page_of(desk, member)


def test_a_suspended_member_is_explained_and_let_in_again(desk, member):
    came(member)
    answer = act(desk, member, "suspend", reason="asked")
    page = answer.content.decode()

    assert 'data-obstacle="suspended"' in page
    assert "à la demande du membre" in page
    member.refresh_from_db()
    assert member.hold == Hold.SUSPENDED
    assert HubSession.objects.get(member=member).ended_at is not None

    act(desk, member, "resume")
    member.refresh_from_db()
    assert member.hold == Hold.NONE


def test_a_reason_that_does_not_exist_changes_nothing_and_says_so(desk, member):
    answer = act(desk, member, "suspend", reason="canari")

    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Le compte n’est pas suspendu" in page[page.index("data-not-done") : page.index('id="acces"')]
    assert '<details class="panel" open>' in page
    member.refresh_from_db()
    assert member.hold == Hold.NONE


def test_a_departure_is_dated_changed_and_called_off(desk, member):
    came(member)
    day = timezone.localdate() + timedelta(days=30)

    page = act(desk, member, "depart", last_day=day.isoformat()).content.decode()
    assert 'data-obstacle="leaving"' in page
    act(desk, member, "depart", last_day=(day + timedelta(days=1)).isoformat())
    assert Departure.objects.get(member=member, cancelled_at=None).last_day == day + timedelta(days=1)

    act(desk, member, "cancel_departure")
    assert not Departure.objects.filter(member=member, cancelled_at=None, done_at=None).exists()


@pytest.mark.parametrize("day", ["", "31/02/2027", "2020-01-01", "canari"])
def test_a_day_that_cannot_be_is_said_on_top_and_beside_the_field(desk, member, day):
    answer = act(desk, member, "depart", last_day=day)

    page = answer.content.decode()
    assert answer.status_code == 422
    assert "errorlist" in page
    # And on top of a long page, with the way there.
    top = page[page.index("data-not-done") : page.index('id="acces"')]
    assert "Le départ n’est pas daté" in top
    assert 'href="#id_last_day"' in top
    assert not Departure.objects.exists()


def test_nothing_says_that_one_can_act_where_there_is_nothing_to_do(desk, member):
    """Nobody can be invited here: the hub cannot write a password."""
    page = page_of(desk, member)

    assert 'data-obstacle="invitation_never"' in page
    assert "Vous pouvez agir ici" not in page
    assert "/invite/" not in page


def test_somebody_who_never_came_is_invited_and_the_invitation_can_be_read_before(desk, member, settings):
    # Whoever is invited chooses a password: the hub must be able to write it.
    settings.LDAP = settings.LDAP | {"uri": "ldaps://127.0.0.1:1", "write_dn": "cn=w", "write_password": "canari"}
    page = page_of(desk, member)
    assert 'data-obstacle="invitation_never"' in page

    preview = desk.get(reverse("idp:office_invitation", args=[member.pk])).content.decode()
    assert 'lang="fr"' in preview
    assert 'lang="en"' in preview

    page = act(desk, member, "invite").content.decode()
    link = AccountLink.objects.get(member=member, kind=LinkKind.INVITATION)
    assert 'data-obstacle="invitation_waiting"' in page
    assert link.digest not in page
    assert OutgoingMail.objects.filter(link=link).count() == 1


def test_somebody_without_an_address_is_not_invited_and_the_reason_is_said(desk, member):
    Member.objects.filter(pk=member.pk).update(email_state=MailState.SHARED)

    page = page_of(desk, member)
    answer = act(desk, member, "invite").content.decode()

    assert 'data-obstacle="mail_shared"' in page
    assert "Rien n’a changé" in answer
    assert not AccountLink.objects.exists()


def test_a_blocked_member_is_unlocked(desk, member):
    came(member)
    for _try in range(6):
        attempts.take(account=f"member:{member.pk}", network="192.0.2.7", known=False, now=timezone.now())
    assert 'data-obstacle="blocked"' in page_of(desk, member)

    answer = act(desk, member, "unlock")

    assert "Les essais repartent de zéro" in answer.content.decode()
    assert 'data-obstacle="blocked"' not in answer.content.decode()
    assert Event.objects.about(member).filter(action=Action.ACCOUNT_UNLOCKED).count() == 1


def test_all_sessions_of_a_member_are_ended(desk, member):
    session = came(member)

    act(desk, member, "end_sessions")

    session.refresh_from_db()
    assert session.ended_reason == "office_asked"
    assert OutgoingMail.objects.filter(member=member, kind="security").count() == 1


def test_an_act_that_does_not_exist_is_not_a_page(desk, member):
    assert desk.post(reverse("idp:office_act", args=[member.pk, "impersonate"])).status_code == 404
    assert desk.get(reverse("idp:office_act", args=[member.pk, "suspend"])).status_code == 405


# What waits --------------------------------------------------------------------------------------------------


def test_what_is_wrong_in_the_directory_is_said_where_the_office_looks_first(desk):
    run = SyncRun.objects.create(started_at=timezone.now(), status=RunStatus.PROBLEMS)
    for seen_by in (None, Member.objects.first()):
        issue = {"entry_uuid": uuid4(), "dn": "uid=a", "code": "no_mail", "acknowledged_by": seen_by}
        SyncIssue.objects.create(first_run=run, last_run=run, **issue)

    page = desk.get(reverse("idp:office")).content.decode()

    assert f'href="{reverse("idp:directory_issues")}">1 anomalie est à régler' in page
    assert 'id="nothing-to-do"' not in page


def test_alarms_and_recoveries_wait_on_the_first_page_until_somebody_deals_with_them(desk, member):
    assert 'id="nothing-to-do"' in desk.get(reverse("idp:office")).content.decode()
    alarm = Alarm.objects.create(member=member, raised_at=timezone.now())
    act(desk, member, "ask_recovery")

    page = desk.get(reverse("idp:office")).content.decode()
    assert f'id="alarm-{alarm.pk}"' in page
    assert "Une autre personne que vous doit décider" in page

    desk.post(reverse("idp:office_alarm", args=[alarm.pk]))
    assert f'id="alarm-{alarm.pk}"' not in desk.get(reverse("idp:office")).content.decode()


def test_another_person_approves_with_a_fresh_proof_only(desk, member, db):
    act(desk, member, "ask_recovery")
    lucie = make_member("lucie.faure", "Lucie Faure")
    RoleGrant.objects.create(member=lucie, role=Role.OFFICE)
    other_desk = sign_in(lucie, methods=("pwd", "otp", "mfa"), acr="2", at=timezone.now() - timedelta(hours=1))
    request = member.recoveries.get()

    answer = other_desk.post(reverse("idp:office_recovery", args=[request.pk]), {"answer": "approve"})

    assert answer.status_code == 302
    assert answer.url.startswith("/compte/confirmer/")
    request.refresh_from_db()
    assert request.state == "asked"


def test_the_same_person_is_refused_and_that_is_recorded(desk, karim, member):
    act(desk, member, "ask_recovery")
    request = member.recoveries.get()

    desk.post(reverse("idp:office_recovery", args=[request.pk]), {"answer": "cancel"})
    request.refresh_from_db()
    assert request.state == "cancelled"


@pytest.mark.incident("CVE-2026-49448")
def test_extra_fields_change_nothing(desk, member):
    act(desk, member, "suspend", reason="other", hold="left", state="left", role="technician", member="x", is_staff="1")

    member.refresh_from_db()
    assert (member.hold, member.state) == (Hold.SUSPENDED, MemberState.ACTIVE)
    assert not RoleGrant.objects.filter(member=member).exists()


# What is tried all the same -----------------------------------------------------------------------------------


def test_nobody_puts_their_own_alarm_away(desk, karim, member):
    """A thief with the account of somebody of the office must not silence what its owner raised."""
    own = Alarm.objects.create(member=karim, raised_at=timezone.now())
    others = Alarm.objects.create(member=member, raised_at=timezone.now())

    page = desk.get(reverse("idp:office")).content.decode()
    for alarm in (own, others):
        desk.post(reverse("idp:office_alarm", args=[alarm.pk]))

    own.refresh_from_db()
    others.refresh_from_db()
    assert own.settled_at is None
    assert others.settled_at is not None
    assert reverse("idp:office_alarm", args=[own.pk]) not in page
    line = Event.objects.get(action=Action.ACT_REFUSED)
    assert (line.subject_id, line.reason, line.facts) == (karim.pk, "own_account", {"act": "alarm"})


@pytest.mark.parametrize("way", ["a form with a fault", "the preview of an invitation"])
def test_every_way_to_see_a_member_leaves_its_line(desk, karim, member, way):
    if way == "a form with a fault":
        answer = act(desk, member, "suspend", reason="no such reason")
    else:
        answer = desk.get(reverse("idp:office_invitation", args=[member.pk]))

    assert "Amélie" in answer.content.decode()
    line = Event.objects.get(action=Action.MEMBER_CONSULTED)
    assert (line.actor_id, line.subject_id) == (karim.pk, member.pk)


@pytest.mark.parametrize("number", ["9" * 5000, "9" * 19, "-1", "١", ""])
def test_a_role_that_cannot_be_named_is_none(desk, number):
    assert desk.post(reverse("idp:office_revoke"), {"grant": number}).status_code == 404


def test_whom_the_officer_who_watches_the_office_looks_up_is_not_shown_to_it(desk, dpo, member):
    with transaction.atomic():
        reading = Reading(uuid4(), dpo.pk, Purpose.MEMBER_REQUEST, "", timezone.now())
        note_reading(reading=reading, wanted=EventFilter(member=member.pk), now=timezone.now())
        reveal(reading=reading, people=[member.pk], ground=Ground.ANSWER, now=timezone.now())

    assert dpo.display_name not in page_of(desk, member)
    assert acts_on(member) == []
    told = browser_of(member).get(reverse("consent:activity"), {"kind": "regards"}).content.decode()
    assert "La personne déléguée à la protection des données cherche vos lignes dans le journal." in told
    assert dpo.display_name not in told
