"""An absence that lasts: counted while the directory is read, then a departure with a date, undone by a return."""

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import LazySettings
from django.urls import reverse

from audit.models import Event
from audit.types import Action
from demo.slapd import EmbeddedDirectory
from directory import following, services
from directory.models import DirectorySource, Member, RoleGrant
from directory.policy import LONGEST_GAP, time_followed
from directory.services import absences, synchronise
from directory.services.turns import Follower
from directory.types import DirectoryUnavailable, MemberState, Role, RunStatus, SourceState, Status
from idp.models import OutgoingMail
from idp.services.accounts import lifecycle
from tests.idp.test_lifecycle import outbox
from tests.support.cast import make_member
from tests.support.oidc import sign_in
from tests.support.slapd import add_person

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# What an absence takes to count here; thirty days of turns would be read in an hour.
LONG = 3 * HOUR
STEP = 20 * MINUTE
MEMBERS = "ou=membres,ou=personnes,dc=alizarine,dc=example"
NOEMIE = f"uid=noemie.ferrand,{MEMBERS}"


@pytest.fixture(autouse=True)
def _short(settings: LazySettings) -> None:
    settings.ABSENCE = LONG


@pytest.fixture
def source(db: None) -> DirectorySource:
    """Read a moment ago, without anything waiting."""
    return DirectorySource.objects.create(
        name="Essai", state=SourceState.ACTIVE, uri="ldap://127.0.0.1:1", followed_until=NOON, followed_for=10 * DAY
    )


@pytest.fixture
def absent(source: DirectorySource) -> Member:
    return make_member(
        "paul.verdier",
        "Paul Verdier",
        state=MemberState.MISSING,
        state_reason="entry_gone",
        state_since=NOON,
        absent_from=10 * DAY,
        source=source,
    )


def followed(source: DirectorySource, until: datetime, so_far: timedelta) -> None:
    DirectorySource.objects.filter(pk=source.pk).update(followed_until=until, followed_for=so_far)


def is_for_good(member: Member) -> bool:
    return Member.objects.get(pk=member.pk).absent_for_good_at is not None


# The time that counts --------------------------------------------------------------------------------------------


def test_the_time_between_two_readings_counts_unless_nobody_knows_what_was_in_it():
    assert time_followed(DAY, NOON, NOON + MINUTE) == DAY + MINUTE
    assert time_followed(DAY, NOON, NOON + LONGEST_GAP) == DAY + LONGEST_GAP
    for until in (NOON - LONGEST_GAP - MINUTE, NOON - 300 * DAY, NOON + MINUTE, None):
        assert time_followed(DAY, until, NOON) == DAY


def test_it_goes_on_with_passes_and_with_what_is_seen_to_be_unchanged(small_directory):
    follower = Follower()
    for step in range(13):
        follower.turn(now=NOON + step * 5 * MINUTE)
    follower.close()

    source = DirectorySource.objects.get()
    assert (source.followed_for, source.followed_until) == (HOUR, NOON + HOUR)


def test_it_stands_still_while_the_directory_is_away(small_directory):
    synchronise(now=NOON)
    small_directory.stop()
    for hours in range(1, 48):
        with pytest.raises(DirectoryUnavailable):
            synchronise(now=NOON + hours * HOUR)
    small_directory.start(small_directory.port)

    synchronise(now=NOON + 48 * HOUR)
    synchronise(now=NOON + 48 * HOUR + MINUTE)

    assert DirectorySource.objects.get().followed_for == MINUTE


def test_it_stands_still_while_something_waits(small_directory):
    synchronise(now=NOON)
    source = DirectorySource.objects.get()
    DirectorySource.objects.update(ceilings={"people": 0, "people_share": 0.0})
    for dn in Member.objects.active().filter(dn__endswith=MEMBERS).values_list("dn", flat=True)[:2]:
        small_directory.modify(f"dn: {dn}\nchangetype: delete\n")

    for step in range(1, 10):
        run = synchronise(now=NOON + step * STEP)
        assert run.status == RunStatus.HELD
        assert DirectorySource.objects.get().followed_for == timedelta()
    assert absences.not_followed(NOON + 9 * STEP) == [source.pk]
    synchronise(now=NOON + 10 * STEP, approved=run.report["approval"])
    synchronise(now=NOON + 11 * STEP)

    source.refresh_from_db()
    missing = Member.objects.filter(state=MemberState.MISSING, source=source)
    assert source.followed_for == STEP
    assert set(missing.values_list("absent_from", flat=True)) == {timedelta()}


def test_a_dry_run_counts_for_nothing(small_directory):
    synchronise(now=NOON)

    synchronise(now=NOON + MINUTE, dry_run=True)

    assert DirectorySource.objects.get().followed_for == timedelta()


# Its end ---------------------------------------------------------------------------------------------------------


def test_an_absence_that_lasts_becomes_a_departure_that_the_office_is_told_of(small_directory, settings):
    settings.OFFICE_CONTACT = "structure@alizarine.example"
    member = after_passes(small_directory, steps=0)
    small_directory.modify(f"dn: {NOEMIE}\nchangetype: delete\n")
    for step in range(1, 11):
        synchronise(now=NOON + step * STEP)
        lifecycle.turn(now=NOON + step * STEP)
        assert is_for_good(member) == (step == 10), "three hours after the pass that missed it"

    lifecycle.turn(now=NOON + 10 * STEP + MINUTE)

    line = Event.objects.get(action=Action.ABSENCE_ENDED)
    assert (line.subject_id, line.reason, line.facts) == (member.pk, "entry_gone", {"absent_since": "2026-11-23"})
    (mail,) = outbox()
    assert mail["to"] == "structure@alizarine.example"
    assert member.display_name in mail["body"]
    assert "23 novembre 2026" in mail["body"]
    assert "23 novembre 2027" in mail["body"]
    member.refresh_from_db()
    assert (member.state, member.login) == (MemberState.MISSING, "noemie.ferrand"), "nothing is lost by it"


def after_passes(server: EmbeddedDirectory, *, steps: int) -> Member:
    for step in range(steps + 1):
        synchronise(now=NOON + step * STEP)
    return Member.objects.get(login="noemie.ferrand")


def test_whoever_is_absent_keeps_their_status_until_the_absence_is_a_departure(small_directory):
    synchronise(now=NOON)
    noemie = Member.objects.get(login="noemie.ferrand")
    before = noemie.status
    small_directory.modify(f"dn: {NOEMIE}\nchangetype: delete\n")

    synchronise(now=NOON + MINUTE)
    noemie.refresh_from_db()
    meanwhile = (noemie.state, noemie.is_absent, noemie.status)
    synchronise(now=NOON + MINUTE + LONG)
    end = NOON + 2 * MINUTE + LONG
    DirectorySource.objects.update(followed_for=2 * LONG, followed_until=end)
    absences.end_absences(now=end)

    noemie.refresh_from_db()
    assert before not in ("", Status.LEAVER)
    assert meanwhile == (MemberState.MISSING, True, before)
    assert (noemie.is_absent, noemie.status) == (False, Status.LEAVER)
    lines = Event.objects.about(noemie.pk).filter(action=Action.STATUS_CHANGED)
    assert [line.facts for line in lines] == [{"status": "leaver", "former_status": before}]
    periods = noemie.status_periods.values_list("status", "until")
    assert (Status.LEAVER, None) in periods


def test_no_day_counts_in_which_nobody_could_see_the_entry_return(small_directory):
    """A directory that is away for weeks, or a hub that is off, makes nobody a leaver."""
    member = after_passes(small_directory, steps=0)
    small_directory.modify(f"dn: {NOEMIE}\nchangetype: delete\n")
    synchronise(now=NOON + MINUTE)
    port = small_directory.port
    small_directory.stop()

    for days in range(1, 100):
        with pytest.raises(DirectoryUnavailable):
            synchronise(now=NOON + days * DAY)
        lifecycle.turn(now=NOON + days * DAY)
    assert not is_for_good(member)

    small_directory.start(port)
    back = NOON + 100 * DAY
    synchronise(now=back)
    lifecycle.turn(now=back)
    assert not is_for_good(member), "the first pass after that proves that it is missing, and not for how long"
    for step in range(1, 9):
        synchronise(now=back + step * STEP)
        lifecycle.turn(now=back + step * STEP)
    assert not is_for_good(member)
    synchronise(now=back + 9 * STEP)
    lifecycle.turn(now=back + 9 * STEP)
    assert is_for_good(member)


@pytest.mark.parametrize(
    "changes",
    [
        {"followed_until": NOON},
        {"followed_until": None},
        {"followed_until": NOON + 400 * DAY},
        {"state": SourceState.PAUSED},
        {"followed_for": 10 * DAY + LONG - MINUTE},
    ],
    ids=["not read lately", "something waits", "a clock that jumped", "paused", "not long enough"],
)
def test_nobody_becomes_a_leaver_by_a_source_that_is_not_followed(absent, source, changes):
    now = NOON + 2 * DAY
    values = {"followed_until": now, "followed_for": 10 * DAY + LONG} | changes
    DirectorySource.objects.filter(pk=source.pk).update(**values)

    assert services.end_absences(now=now) == 0

    DirectorySource.objects.filter(pk=source.pk).update(
        followed_until=now, followed_for=10 * DAY + LONG, state=SourceState.ACTIVE
    )
    assert services.end_absences(now=now) == 1
    assert services.end_absences(now=now) == 0, "once"


def test_of_a_source_that_is_retired_the_calendar_counts(absent, source):
    DirectorySource.objects.filter(pk=source.pk).update(state=SourceState.RETIRED, followed_until=None)

    assert services.end_absences(now=NOON + LONG - MINUTE) == 0
    assert services.end_absences(now=NOON + LONG) == 1


def test_of_whom_no_source_shows_the_calendar_counts_too(absent):
    Member.objects.filter(pk=absent.pk).update(source=None, absent_from=None)

    assert services.end_absences(now=NOON + LONG - MINUTE) == 0
    assert services.end_absences(now=NOON + LONG) == 1


def test_each_absence_is_counted_by_the_directory_of_its_own(absent, source):
    """Another that has been followed for a year says nothing of who came back to this one."""
    older = DirectorySource.objects.create(
        name="Ancien", state=SourceState.ACTIVE, uri="ldap://127.0.0.1:1", followed_until=NOON, followed_for=400 * DAY
    )
    followed(source, NOON, 10 * DAY + MINUTE)

    assert services.end_absences(now=NOON) == 0
    assert older.pk not in absences.not_followed(NOON)


def test_whoever_is_erased_is_no_longer_told_of(absent, source):
    Member.objects.filter(pk=absent.pk).update(erased_at=NOON)
    followed(source, NOON, 400 * DAY)

    assert services.end_absences(now=NOON) == 0
    assert not Event.objects.filter(action=Action.ABSENCE_ENDED).exists()


def test_who_was_missing_before_days_were_counted_begins_now(absent, source):
    Member.objects.filter(pk=absent.pk).update(absent_from=None, state_since=NOON - 300 * DAY)
    there = make_member("lea.colin", "Léa Colin", source=source)
    followed(source, NOON, 10 * DAY)

    assert services.end_absences(now=NOON) == 0
    assert Member.objects.get(pk=absent.pk).absent_from == 10 * DAY
    assert Member.objects.get(pk=there.pk).absent_from is None
    followed(source, NOON, 10 * DAY + LONG)
    assert services.end_absences(now=NOON) == 1


def test_of_each_directory_they_begin_where_it_stands(absent, source):
    older = DirectorySource.objects.create(name="Ancien", uri="ldap://127.0.0.1:1", followed_for=400 * DAY)
    other = make_member("lea.colin", "Léa Colin", state=MemberState.MISSING, state_since=NOON, source=older)
    Member.objects.filter(pk=absent.pk).update(absent_from=None)

    services.end_absences(now=NOON)

    begun = dict(Member.objects.values_list("pk", "absent_from"))
    assert begun == {absent.pk: 10 * DAY, other.pk: 400 * DAY}


def test_whoever_came_back_since_they_were_looked_for_is_not_ended(absent, source, monkeypatch):
    """Between the list and each of its transactions a pass may have seen them."""
    followed(source, NOON, 10 * DAY + LONG)
    real = absences._ended

    def back_first(member_id, now):
        Member.objects.filter(pk=absent.pk).update(state=MemberState.ACTIVE, absent_from=None)
        return real(member_id, now)

    monkeypatch.setattr(absences, "_ended", back_first)

    assert services.end_absences(now=NOON) == 0
    assert not is_for_good(absent)
    assert not Event.objects.filter(action=Action.ABSENCE_ENDED).exists()


@pytest.mark.parametrize("of", ["a source", "one that is retired", "none"])
def test_others_in_the_directory_are_left_alone(source, of):
    followed(source, NOON, 400 * DAY)
    if of == "one that is retired":
        DirectorySource.objects.update(state=SourceState.RETIRED)
    where = {"source": None if of == "none" else source, "absent_from": timedelta()}
    for state in set(MemberState) - {MemberState.MISSING}:
        make_member(f"m.{state}", f"M {state}", state=state, state_since=NOON - 300 * DAY, **where)

    assert services.end_absences(now=NOON) == 0


def test_one_that_fails_keeps_no_other_one_open(absent, source, monkeypatch, caplog):
    other = make_member(
        "lea.colin", "Léa Colin", state=MemberState.MISSING, state_since=NOON, absent_from=10 * DAY, source=source
    )
    followed(source, NOON, 10 * DAY + LONG)
    record = absences.record

    def fails(entry):
        if entry.subject == absent.pk:
            raise ValueError("paul@alizarine.example")
        return record(entry)

    monkeypatch.setattr(absences, "record", fails)

    assert services.end_absences(now=NOON) == 1
    assert is_for_good(other)
    assert not is_for_good(absent)
    assert "ValueError" in caplog.text
    assert "alizarine" not in caplog.text


def test_the_day_it_began_is_that_of_the_cooperative(absent, source):
    Member.objects.filter(pk=absent.pk).update(state_since=datetime(2026, 11, 22, 23, 30, tzinfo=UTC))
    followed(source, NOON, 10 * DAY + LONG)

    services.end_absences(now=NOON)

    assert Event.objects.get(action=Action.ABSENCE_ENDED).facts == {"absent_since": "2026-11-23"}


# Its undoing -----------------------------------------------------------------------------------------------------


def test_the_entry_that_returns_gives_everything_back_and_the_next_absence_begins_anew(small_directory):
    member = after_passes(small_directory, steps=0)
    elsewhere = f"uid=noemie.ferrand,ou=services,{small_directory.base}"
    move(small_directory, NOEMIE, f"ou=services,{small_directory.base}")
    for step in range(1, 11):
        synchronise(now=NOON + step * STEP)
    services.end_absences(now=NOON + 10 * STEP)
    assert is_for_good(member)

    move(small_directory, elsewhere, MEMBERS)
    synchronise(now=NOON + 11 * STEP)

    back = Member.objects.get(pk=member.pk)
    assert (back.state, back.is_active, back.login) == (MemberState.ACTIVE, True, "noemie.ferrand")
    assert (back.absent_from, back.absent_for_good_at) == (None, None)
    move(small_directory, NOEMIE, f"ou=services,{small_directory.base}")
    synchronise(now=NOON + 12 * STEP)
    services.end_absences(now=NOON + 12 * STEP)
    assert Member.objects.get(pk=member.pk).absent_from == 12 * STEP
    assert not is_for_good(member)


def move(server: EmbeddedDirectory, dn: str, branch: str) -> None:
    rdn = dn.partition(",")[0]
    server.modify(f"dn: {dn}\nchangetype: modrdn\nnewrdn: {rdn}\ndeleteoldrdn: 1\nnewsuperior: {branch}\n")


def test_the_list_holds_whom_the_directory_had_and_whose_details_are_still_here(absent, source):
    """Those whose departure has a date first, the next of them before the others; then by how long they are absent."""

    def missing(login: str, **columns: object) -> Member:
        how = {"state": MemberState.MISSING, "source": source, "state_since": NOON, "absent_from": 10 * DAY}
        return make_member(login, login.title(), **how | columns)

    missing("erased", erased_at=NOON)
    local = missing("local")
    Member.objects.filter(pk=local.pk).update(entry_uuid=None)
    make_member("active", "Active", source=source)
    later, sooner = (missing(f"{days}", absent_for_good_at=NOON - days * DAY) for days in (1, 2))
    longer = missing("longer", state_since=NOON - DAY)

    assert list(following.absent()) == [sooner, later, longer, absent]


def test_until_when_they_are_kept_is_counted_from_what_was_followed_and_never_before_today(absent, source, settings):
    def until() -> datetime:
        told = following.absence_of(Member.objects.get(pk=absent.pk), NOON)
        assert not told.is_dated
        return told.until - settings.LEAVER_RETENTION

    assert until() == NOON + LONG
    followed(source, NOON, 10 * DAY + HOUR)
    assert until() == NOON + LONG - HOUR
    followed(source, NOON, 400 * DAY)
    assert until() == NOON
    Member.objects.filter(pk=absent.pk).update(absent_for_good_at=NOON - DAY)
    told = following.absence_of(Member.objects.get(pk=absent.pk), NOON)
    assert (told.until, told.is_dated) == (NOON - DAY + settings.LEAVER_RETENTION, True)


# What follows ----------------------------------------------------------------------------------------------------


def test_details_are_kept_for_as_long_as_a_leavers_from_then_on(absent, source, settings):
    ended = NOON + DAY
    Member.objects.filter(pk=absent.pk).update(absent_for_good_at=ended, state_since=NOON - 500 * DAY)
    over = ended + settings.LEAVER_RETENTION
    followed(source, over, 400 * DAY)

    assert services.erase_leavers(now=over - MINUTE) == 0
    assert services.erase_leavers(now=over) == 1


def test_an_absence_that_is_none_yet_erases_nobody(absent, source):
    now = NOON + 3000 * DAY
    followed(source, now, 10 * DAY)

    assert services.erase_leavers(now=now) == 0


@pytest.mark.parametrize("state", [MemberState.LEFT, MemberState.MISSING])
@pytest.mark.parametrize("stands", ["away", "something waits", "paused"])
def test_nobody_is_erased_while_their_return_could_not_be_seen(absent, source, state, stands):
    now = NOON + 1000 * DAY
    Member.objects.filter(pk=absent.pk).update(state=state, absent_for_good_at=NOON, state_since=NOON)
    followed(source, {"away": now - 2 * HOUR, "something waits": None, "paused": now}[stands], 400 * DAY)
    if stands == "paused":
        DirectorySource.objects.filter(pk=source.pk).update(state=SourceState.PAUSED)

    assert services.erase_leavers(now=now) == 0

    DirectorySource.objects.filter(pk=source.pk).update(state=SourceState.ACTIVE, followed_until=now)
    assert services.erase_leavers(now=now) == 1


def test_of_a_source_that_is_retired_details_go_by_the_calendar(absent, source):
    DirectorySource.objects.filter(pk=source.pk).update(state=SourceState.RETIRED)
    Member.objects.filter(pk=absent.pk).update(absent_for_good_at=NOON)

    assert services.erase_leavers(now=NOON + 1000 * DAY) == 1


def test_the_page_says_when_details_are_erased_or_from_when_on_they_may_be(absent, source, monkeypatch, settings):
    person = make_member("karim.benali", "Karim Benali")
    RoleGrant.objects.create(member=person, role=Role.OFFICE)
    desk = sign_in(person, methods=("pwd", "otp", "mfa"), acr="2")
    monkeypatch.setattr("idp.views.directory.reports.timezone.now", lambda: NOON)
    followed(source, NOON, 10 * DAY + HOUR)
    settings.ABSENCE = 5 * DAY

    before = desk.get(reverse("idp:directory_absent")).content.decode()
    Member.objects.filter(pk=absent.pk).update(absent_for_good_at=NOON)
    after = desk.get(reverse("idp:directory_absent")).content.decode()

    assert "pas avant le <time" in before
    assert "28/11/2027" in before
    assert "Après 5 jours" in before
    assert "23/11/2027" in after
    assert "pas avant" not in after


def test_a_login_that_is_given_to_somebody_else_meanwhile_leads_to_them_and_not_back(small_directory):
    """What somebody absent had stays theirs, whoever is called so now."""
    former = after_passes(small_directory, steps=0)
    small_directory.modify(f"dn: {NOEMIE}\nchangetype: delete\n")
    synchronise(now=NOON + STEP)
    add_person(small_directory, "noemie.ferrand", "alizarine-lavande", branch=MEMBERS)
    synchronise(now=NOON + 2 * STEP)

    now_called_so = Member.objects.active().get(login="noemie.ferrand")

    assert now_called_so.pk != former.pk
    assert Member.objects.get(pk=former.pk).state == MemberState.MISSING
    assert not OutgoingMail.objects.filter(member=now_called_so).exists()
