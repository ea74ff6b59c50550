"""The end of the retention period: what identifies somebody goes, what proves something stays."""

from dataclasses import replace
from datetime import timedelta
from io import StringIO
from uuid import UUID, uuid4

import pytest
from django.core.management import call_command
from django.utils import timezone

from audit.keeping import holds
from audit.models import Event, PersonKey, Removal
from audit.services import record
from audit.types import SYSTEM, Action, Actor, Entry
from directory import services
from directory.ldap.plan import Ceilings
from directory.models import Collective, DirectorySource, Member, Membership, SyncIssue, SyncRun
from directory.selectors import matching
from directory.services import erasure, synchronise
from directory.types import Hold, MailState, MemberState, Mode, SourceState, Status
from tests.directory.test_plan import NOBODY, group, make_plan, person, seen
from tests.support.cast import MONDAY, make_member
from tests.support.keeping import carried_out, settle
from tests.support.migrations import migrate

pytestmark = pytest.mark.django_db
YEAR = timedelta(days=365)
PEOPLE = "ou=membres,ou=personnes,dc=alizarine,dc=example"
FORMER = "ou=anciens,ou=personnes,dc=alizarine,dc=example"


def left(member: Member, **values: object) -> Member:
    Member.objects.filter(pk=member.pk).update(
        **{"state": MemberState.LEFT, "state_since": MONDAY, **values}  # type: ignore[arg-type]
    )
    return member


def values_of(member: Member) -> str:
    row = Member.objects.filter(pk=member.pk).values().get()
    return " ".join(str(value) for name, value in row.items() if name not in ("id", "entry_uuid"))


@pytest.mark.spec("OWASP ASVS", "14.2.7")
def test_the_contact_details_of_a_leaver_go_with_the_retention_period(member):
    left(member)
    known = [member.display_name, member.login, member.email, member.phone, member.mobile, member.trade, member.town]
    known += [member.employee_number, member.postal_address, member.dn, member.family_name]

    early = services.erase_leavers(now=MONDAY + YEAR - timedelta(seconds=1))
    done = services.erase_leavers(now=MONDAY + YEAR)
    twice = services.erase_leavers(now=MONDAY + YEAR)

    assert (early, done, twice) == (0, 1, 0)
    assert all(known)
    assert not [value for value in known if value in values_of(member)]
    erased = Member.objects.get(pk=member.pk)
    assert (erased.display_name, erased.email_state) == ("Ancien membre", MailState.NONE)
    assert (erased.entry_uuid, erased.erased_at) == (member.entry_uuid, MONDAY + YEAR)
    line = Event.objects.get(action=Action.MEMBER_ERASED)
    assert (line.subject_id, line.reason) == (member.pk, "retention_over")


def test_a_group_that_lists_somebody_erased_is_worked_out_from_the_beginning(member):
    concerned, led, other = (
        Collective.objects.create(entry_uuid=uuid4(), slug=slug, name=slug, digest="0f") for slug in ("a", "b", "c")
    )
    Membership.objects.create(member=member, collective=concerned)
    led.leads.add(member)
    left(member)

    services.erase_leavers(now=MONDAY + YEAR)

    assert {group: Collective.objects.get(pk=group.pk).digest for group in (concerned, led, other)} == {
        concerned: "",
        led: "",
        other: "0f",
    }


def test_a_departure_counts_as_well_as_the_directorys_word(member, other_member):
    Member.objects.filter(pk=member.pk).update(hold=Hold.LEFT, hold_since=MONDAY)
    Member.objects.filter(pk=other_member.pk).update(hold=Hold.SUSPENDED, hold_since=MONDAY)

    assert services.erase_leavers(now=MONDAY + YEAR - timedelta(minutes=1)) == 0, "kept for as long as anybody"
    assert services.erase_leavers(now=MONDAY + YEAR) == 1
    assert Member.objects.get(erased_at__isnull=False) == member


def test_whoever_came_back_meanwhile_is_not_erased(member):
    Member.objects.filter(pk=member.pk).update(state=MemberState.ACTIVE, state_since=MONDAY)

    assert services.erase_leavers(now=MONDAY + 3 * YEAR) == 0


def test_collectives_leads_and_anomalies_forget_an_erased_member(member):
    crowd = Collective.objects.create(entry_uuid=uuid4(), name="Reliure", slug="reliure")
    Membership.objects.create(member=member, collective=crowd)
    crowd.leads.add(member)
    run = SyncRun.objects.create(started_at=MONDAY)
    kept = {"code": "mail_shared", "first_run": run, "last_run": run}
    SyncIssue.objects.create(entry_uuid=member.entry_uuid, dn=member.dn, **kept)
    SyncIssue.objects.create(entry_uuid=uuid4(), dn="uid=x", detail=member.dn, **kept)
    left(member)

    services.erase_leavers(now=MONDAY + YEAR)

    assert not Membership.objects.filter(member=member).exists()
    assert not crowd.leads.exists()
    assert list(SyncIssue.objects.values_list("dn", "detail")) == [("uid=x", "")]


def test_a_clock_that_jumps_ahead_erases_nobody_in_number():
    for number in range(11):
        left(make_member(f"m{number}", f"M {number}"))
    jumped = MONDAY + 2 * YEAR

    assert services.erase_leavers(now=jumped) == 0
    held = erasure.waiting(now=jumped)
    assert held is not None
    assert services.erase_leavers(now=jumped, approved="of something else") == 0
    assert services.erase_leavers(now=jumped, approved=held.digest) == 11


def test_nothing_of_how_they_came_in_is_left(member):
    member.set_password("alizarine-garrigue")
    member.second_factor_by = MONDAY
    member.save()
    left(member)

    services.erase_leavers(now=MONDAY + YEAR)

    member.refresh_from_db()
    assert not member.check_password("alizarine-garrigue")
    assert member.second_factor_by is None


def test_a_departure_of_the_hubs_own_does_not_wait_for_a_directory_that_is_away(member, other_member):
    """What the cooperative decided itself no entry that comes back undoes."""
    away = DirectorySource.objects.create(name="Loin", state=SourceState.PAUSED, uri="ldap://127.0.0.1:1")
    Member.objects.filter(pk=member.pk).update(hold=Hold.LEFT, hold_since=MONDAY, source=away)
    left(other_member, source=away)

    assert services.erase_leavers(now=MONDAY + YEAR) == 1
    assert Member.objects.get(erased_at__isnull=False) == member


def test_whoever_is_welcomed_back_since_they_were_looked_for_is_not_erased(member, monkeypatch):
    """Between the list and each of its transactions."""
    left(member)
    real = erasure._erased

    def back_first(member_id, now):
        Member.objects.filter(pk=member.pk).update(state=MemberState.ACTIVE)
        return real(member_id, now)

    monkeypatch.setattr(erasure, "_erased", back_first)

    assert services.erase_leavers(now=MONDAY + YEAR) == 0
    assert Member.objects.get(pk=member.pk).erased_at is None
    assert not Event.objects.filter(action=Action.MEMBER_ERASED).exists()


def test_the_command_shows_counts_before_anything_is_written(member):
    for number in range(11):
        left(make_member(f"m{number}", f"M {number}"))
    left(member, state_since=MONDAY - 9 * YEAR)
    Member.objects.exclude(pk=member.pk).update(state_since=MONDAY - 9 * YEAR)
    shown, held, done = StringIO(), StringIO(), StringIO()

    call_command("erase_leavers", "--dry-run", stdout=shown)
    call_command("erase_leavers", stdout=held)
    digest = held.getvalue().split()[-1]
    nothing = Member.objects.filter(erased_at__isnull=False).count()
    call_command("erase_leavers", "--approve", digest, stdout=done)

    assert shown.getvalue().startswith("12 to erase; nothing was written (dry run)\n")
    assert held.getvalue().startswith("0 erased\n12 at once are more than")
    assert nothing == 0
    assert done.getvalue() == "12 erased\n"
    assert member.login not in shown.getvalue() + held.getvalue()


def test_nobody_is_erased_about_whom_everything_is_held_until_that_is_lifted(member, dpo):
    left(member)
    hold = holds.put(actor=Actor(dpo.pk), person=member.pk, why="Instance", now=timezone.now())

    held = services.erase_leavers(now=MONDAY + YEAR)
    holds.lift(actor=Actor(dpo.pk), hold_id=hold.pk, why="Jugement", now=timezone.now())
    lifted = services.erase_leavers(now=MONDAY + YEAR)

    assert (held, lifted) == (0, 1)


@pytest.mark.gdpr("G20")
def test_whoever_is_erased_leaves_the_journal_too(member, settings, tmp_path):
    settings.AUDIT_DIR = tmp_path
    record(Entry(Action.SIGN_IN, Actor(member.pk), member.pk))
    left(member)

    services.erase_leavers(now=MONDAY + YEAR)
    settle()
    carried_out()

    assert not Event.objects.about(member).exists()
    assert Event.objects.filter(action=Action.PERSON_ERASED).count() == 1


@pytest.mark.django_db(transaction=True)
def test_whoever_was_erased_by_the_release_before_leaves_the_journal_after_all(settings, tmp_path):
    settings.AUDIT_DIR = tmp_path
    before = migrate([("directory", "0011_indexes"), ("audit", "0013_only_parts")])
    gone = make_member("amelie.roux", "Amélie Roux", erased_at=MONDAY)
    stays = make_member("bachir.haddad", "Bachir Haddad")
    keys = before.loader.project_state([("audit", "0013_only_parts")]).apps.get_model("audit", "PersonKey")
    for one in (gone, stays):
        keys.objects.create(person_id=one.pk, half_year="2026H1", sealed=b"")

    migrate()

    assert Removal.objects.get().person == gone.pk
    assert set(PersonKey.objects.exclude(retired_at=None).values_list("person", flat=True)) == {gone.pk}


# The next passes -----------------------------------------------------------------------------------------------


def erased(number: int, state: MemberState = MemberState.LEFT, *, is_held: bool = False):
    empty = dict.fromkeys(person(number).details, "") | {"display_name": "Ancien membre"}
    return replace(
        person(number),
        dn="",
        dn_key="",
        csn="",
        state=state,
        details=empty,
        email_state=MailState.NONE,
        is_held=is_held,
        is_erased=True,
    )


def plan_of(known, observed, groups=()):
    return make_plan(replace(NOBODY, people={known.entry_uuid: known}), seen([observed], groups), Ceilings())


def test_an_entry_that_stands_among_the_leavers_fills_nobody_again():
    entry = replace(person(1), state=MemberState.LEFT, state_reason="former_branch")

    plan = plan_of(replace(erased(1), state_reason="former_branch"), entry, [group(9, "uid=p1,ou=personnes,dc=x")])

    assert plan.people == ()
    assert not plan.memberships_set
    assert plan.issues == ()


def test_an_entry_that_is_still_active_fills_nobody_whose_departure_the_hub_carried_out():
    plan = plan_of(erased(1, MemberState.ACTIVE, is_held=True), person(1), [group(9, "uid=p1,ou=personnes,dc=x")])

    assert plan.people == ()
    assert not plan.memberships_set


def test_an_entry_that_is_active_again_is_the_whole_person_again():
    plan = plan_of(erased(1), person(1), [group(9, "uid=p1,ou=personnes,dc=x")])

    (change,) = plan.people
    assert change.verb == "return"
    assert change.changes["display_name"] == person(1).details["display_name"]
    assert change.changes["dn"] == person(1).dn
    assert plan.memberships_set == {(UUID(int=1009), UUID(int=1)): True}


def test_a_leaver_is_erased_stays_erased_and_returns(own_directory):
    synchronise(now=MONDAY)
    noemie = Member.objects.get(login="noemie.ferrand")
    groups = noemie.collectives.exclude(status="employee").count()
    own_directory.modify(
        f"dn: uid=noemie.ferrand,{PEOPLE}\nchangetype: modrdn\nnewrdn: uid=noemie.ferrand\ndeleteoldrdn: 0\n"
        "newsuperior: ou=anciens,ou=personnes,dc=alizarine,dc=example\n"
    )
    synchronise(now=MONDAY + timedelta(days=1))
    later = MONDAY + YEAR + timedelta(days=1)
    synchronise(now=later)
    held = erasure.waiting(now=later)
    assert held is not None
    services.erase_leavers(now=later, approved=held.digest)
    empty = values_of(noemie)

    synchronise(now=later + timedelta(days=1))
    still = values_of(noemie)
    own_directory.modify(
        f"dn: uid=noemie.ferrand,{FORMER}\nchangetype: modrdn\nnewrdn: uid=noemie.ferrand\ndeleteoldrdn: 0\n"
        "newsuperior: ou=membres,ou=personnes,dc=alizarine,dc=example\n"
    )
    synchronise(now=later + timedelta(days=2))

    back = Member.objects.get(pk=noemie.pk)
    assert still == empty
    assert "oémie" not in empty
    assert (back.is_active, back.login, back.display_name) == (True, "noemie.ferrand", noemie.display_name)
    assert (back.erased_at, back.status) == (None, Status.EMPLOYEE)
    assert back.collectives.exclude(status="employee").count() == groups


def test_an_erased_member_who_is_welcomed_back_is_filled_by_the_next_pass(own_directory):
    synchronise(now=MONDAY)
    noemie = Member.objects.get(login="noemie.ferrand")
    Member.objects.filter(pk=noemie.pk).update(
        hold=Hold.LEFT, hold_since=MONDAY - 2 * YEAR, state_since=MONDAY - 3 * YEAR
    )
    services.erase_leavers(now=MONDAY)
    synchronise(now=MONDAY + timedelta(hours=1))
    before = Member.objects.get(pk=noemie.pk).display_name

    services.welcome_back(member_id=noemie.pk, actor=SYSTEM, now=MONDAY + timedelta(hours=2))
    synchronise(now=MONDAY + timedelta(hours=3))

    assert before == "Ancien membre"
    assert Member.objects.get(pk=noemie.pk).display_name == noemie.display_name


def move(own_directory, source: str, target: str) -> None:
    own_directory.modify(
        f"dn: uid=noemie.ferrand,{source}\nchangetype: modrdn\nnewrdn: uid=noemie.ferrand\ndeleteoldrdn: 0\n"
        f"newsuperior: {target}\n"
    )


def test_an_erased_member_whose_entry_is_moved_back_can_be_found_and_welcomed_back(own_directory):
    """Their departure was the hub's, the entry was put away, and years later they join again."""
    synchronise(now=MONDAY)
    noemie = Member.objects.get(login="noemie.ferrand")
    Member.objects.filter(pk=noemie.pk).update(hold=Hold.LEFT, hold_since=MONDAY)
    move(own_directory, PEOPLE, FORMER)
    synchronise(now=MONDAY + timedelta(days=1))
    later = MONDAY + YEAR + timedelta(days=1)
    synchronise(now=later)
    held = erasure.waiting(now=later)
    assert held is not None
    services.erase_leavers(now=later, approved=held.digest)
    assert Member.objects.get(pk=noemie.pk).erased_at is not None

    move(own_directory, FORMER, PEOPLE)
    for days in (2, 3):
        synchronise(now=later + timedelta(days=days))
        erasure.erase_leavers(now=later + timedelta(days=days))
    back = Member.objects.get(pk=noemie.pk)
    services.welcome_back(member_id=noemie.pk, actor=SYSTEM, now=later + timedelta(days=4))

    assert (back.is_active, back.display_name, back.erased_at) == (False, noemie.display_name, None)
    assert noemie.pk in matching("noémie ferrand")
    again = Member.objects.get(pk=noemie.pk)
    assert (again.is_active, again.login, again.status) == (True, "noemie.ferrand", Status.EMPLOYEE)


@pytest.mark.spec("OWASP ASVS", "14.2.7")
def test_no_report_of_a_pass_names_somebody_long_after_it(own_directory):
    """Whatever an anomaly refers to: the first pass names everybody, and its row is kept for as long as that lasts."""
    synchronise(now=MONDAY)
    own_directory.modify(f"dn: uid=noemie.ferrand,{PEOPLE}\nchangetype: modify\nreplace: title\ntitle: Relieuse\n")

    synchronise(now=MONDAY + timedelta(days=91))

    first = SyncRun.objects.order_by("pk").first()
    assert first is not None
    assert first.started_at == MONDAY
    assert first.issues_opened.exists()
    assert first.report == {}
    assert first.counts["written"]
    assert "uid=noemie.ferrand" in str(SyncRun.objects.latest("pk").report)


@pytest.mark.spec("OWASP ASVS", "14.2.7")
def test_a_night_in_which_nothing_changed_forgets_old_reports_too(small_directory):
    for minute in range(3):
        synchronise(now=MONDAY + timedelta(minutes=minute))
    first = SyncRun.objects.order_by("pk").first()
    assert first is not None
    assert first.report["people"]

    quiet = synchronise(now=MONDAY + timedelta(days=91), mode=Mode.DEEP)

    assert quiet.counts["written"] == 0
    assert not SyncRun.objects.filter(pk=first.pk).exclude(report={}).exists()


def test_one_erasure_that_fails_keeps_nobody_elses_details(member, other_member, monkeypatch, caplog):
    for each in (member, other_member):
        left(each)
    first = min(member.pk, other_member.pk)
    end_roles = erasure.end_roles_of

    def fails(member_id: UUID, **more: object) -> None:
        if member_id == first:
            raise RuntimeError("canari")
        end_roles(member_id, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(erasure, "end_roles_of", fails)

    assert services.erase_leavers(now=MONDAY + YEAR) == 1
    assert Member.objects.get(pk=first).erased_at is None
    assert "RuntimeError" in caplog.text
    assert "canari" not in caplog.text
