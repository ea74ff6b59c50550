"""When a directory is looked at, and when it is read."""

from datetime import UTC, datetime, timedelta

import pytest

from audit.models import Event
from audit.types import Action, Actor
from demo.slapd import EmbeddedDirectory
from directory.ldap import reading
from directory.ldap.observe import by_everything
from directory.models import DirectorySource, Member, MemberPhoto, RoleGrant, SyncRun
from directory.services import approve, passes, pause, photos, take_back, turns
from directory.services.turns import Follower
from directory.types import MemberState, Mode, Role, RunStatus, SourceState
from tests.directory.test_sync import PEOPLE
from tests.support.slapd import settle
from tests.support.slapd_control import hidden, limit, unlimit

pytestmark = pytest.mark.django_db
# A Monday afternoon, after the nightly reading.
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
NOEMIE = f"dn: uid=noemie.ferrand,{PEOPLE}\nchangetype: modify\nreplace: title\ntitle: "


@pytest.fixture
def follower(own_directory):
    follower = Follower(photo_seconds=60.0)
    follower.turn(now=NOON)
    yield follower
    follower.close()


@pytest.fixture
def approver(member) -> Member:
    RoleGrant.objects.create(member=member, role=Role.OFFICE)
    return member


def source() -> DirectorySource:
    return DirectorySource.objects.get()


def test_the_first_turn_reads_everything(follower):
    assert SyncRun.objects.get().mode == Mode.DEEP
    assert source().deep_at == source().read_at == NOON


def test_a_turn_with_nothing_new_reads_one_entry_and_writes_nothing(follower, own_directory, django_assert_num_queries):
    follower.turn(now=NOON + SECOND)
    before = own_directory.log_file.read_text()

    with django_assert_num_queries(1):
        passes = follower.turn(now=NOON + 2 * SECOND)

    searches = [line for line in own_directory.log_file.read_text()[len(before) :].splitlines() if " SRCH base" in line]
    assert passes == 0
    assert len(searches) == 1
    assert " BIND " not in own_directory.log_file.read_text()[len(before) :]


def test_a_change_is_seen_at_the_next_turn(follower, own_directory):
    follower.turn(now=NOON + SECOND)
    own_directory.modify(NOEMIE + "Maraîchère\n".encode().decode())

    follower.turn(now=NOON + 2 * SECOND)

    assert Member.objects.get(login="noemie.ferrand").trade == "Maraîchère"
    assert SyncRun.objects.first().mode == Mode.PIVOT


def test_whoever_is_deleted_is_gone_at_the_next_turn_and_their_groups_are_looked_at_again(follower, own_directory):
    member = Member.objects.get(login="noemie.ferrand")
    own_directory.modify(f"dn: {member.dn}\nchangetype: delete\n")

    follower.turn(now=NOON + SECOND)
    unsettled = source().look_again
    settle(own_directory)
    early = follower.turn(now=NOON + 2 * SECOND)
    late = follower.turn(now=NOON + timedelta(seconds=7))

    assert Member.objects.get(pk=member.pk).state == MemberState.MISSING
    assert unsettled
    assert (early, late) == (0, 1)
    assert not source().look_again


def test_what_somebody_changes_while_the_server_settles_is_seen_at_the_next_turn(follower, own_directory):
    """The groups of whoever is gone are looked at again after five seconds; nobody's change waits for that."""
    gone = Member.objects.filter(dn__endswith=PEOPLE, state=MemberState.ACTIVE).exclude(login="noemie.ferrand").first()
    own_directory.modify(f"dn: {gone.dn}\nchangetype: delete\n")
    follower.turn(now=NOON + SECOND)
    unsettled = source().look_again
    settle(own_directory)
    own_directory.modify(NOEMIE + "Tailleuse\n")

    passes = follower.turn(now=NOON + 2 * SECOND)

    assert unsettled
    assert passes == 1
    assert Member.objects.get(login="noemie.ferrand").trade == "Tailleuse"


def test_photos_are_looked_at_between_turns_and_nobodys_change_waits_for_all_of_them(own_directory, monkeypatch):
    monkeypatch.setattr(photos, "LISTED", 30)
    follower = Follower()
    follower.turn(now=NOON)
    early = MemberPhoto.objects.count()
    own_directory.modify(NOEMIE + "Tailleuse\n")

    passes = [follower.turn(now=NOON + number * SECOND) for number in range(1, 60)]
    follower.close()

    there = Member.objects.filter(state__in=(MemberState.ACTIVE, MemberState.LOCKED))
    assert 0 < early <= 30
    assert passes == [1] + [0] * 58
    assert MemberPhoto.objects.count() == there.count()


def test_a_quiet_directory_is_read_again_after_a_quarter_of_an_hour_and_each_night(follower):
    turns_at = [
        timedelta(minutes=14),
        timedelta(minutes=15),
        timedelta(minutes=29),
        timedelta(hours=13, minutes=59),
        timedelta(hours=14),
        timedelta(hours=14, minutes=1),
    ]

    passes = [follower.turn(now=NOON + after) for after in turns_at]

    # 3 o'clock in Paris is 2 o'clock UTC, fourteen hours after noon.
    assert passes == [0, 1, 0, 1, 1, 0]
    assert source().deep_at == NOON + timedelta(hours=14)


def test_what_is_as_it_was_is_confirmed_once_a_minute(follower):
    follower.turn(now=NOON + 30 * SECOND)
    early = source().read_at
    follower.turn(now=NOON + 61 * SECOND)

    assert early == NOON
    assert source().read_at == NOON + 61 * SECOND


def test_a_directory_that_is_down_is_tried_ever_later_and_told_once(follower, own_directory, monkeypatch):
    monkeypatch.setattr(turns._SYSTEM, "uniform", lambda low, high: 1.0)
    own_directory.stop()
    tried = []
    for second in range(1, 60):
        if follower.turn(now=NOON + second * SECOND):
            tried.append(second)

    assert tried == [1, 6, 16, 36]
    row = source()
    assert (row.failures, row.failing_since) == (4, NOON + SECOND)
    assert SyncRun.objects.filter(status=RunStatus.FAILED).count() == 1
    assert Event.objects.filter(action=Action.SYNC_FAILED).count() == 1
    assert Member.objects.filter(state=MemberState.MISSING).count() == 0

    own_directory.start(own_directory.port, ldaps=True)
    follower.turn(now=NOON + timedelta(minutes=2))

    assert source().failing_since is None
    assert source().failures == 0


def test_hubs_that_lost_one_server_do_not_all_come_back_at_the_same_moment(follower, own_directory):
    own_directory.stop()
    pauses = set()
    for number in range(1, 9):
        follower.turn(now=NOON + number * SECOND)
        pauses.add((source().retry_at - NOON - number * SECOND).total_seconds())
        DirectorySource.objects.update(failures=0, retry_at=None)

    assert len(pauses) > 4
    assert all(4 <= pause <= 6 for pause in pauses)


def test_a_pause_that_a_wrong_clock_left_behind_holds_nobody_up(follower, own_directory):
    DirectorySource.objects.update(retry_at=NOON + timedelta(days=365), failures=3)
    own_directory.modify(NOEMIE + "Potière\n")

    follower.turn(now=NOON + SECOND)

    assert Member.objects.get(login="noemie.ferrand").trade == "Potière"


def test_a_server_that_closed_the_connection_of_the_probe_is_asked_on_another(follower, own_directory):
    follower.turn(now=NOON + SECOND)
    port = own_directory.port
    own_directory.stop()
    own_directory.start(port, ldaps=True)

    assert follower.turn(now=NOON + 2 * SECOND) == 0
    assert source().failures == 0


def test_what_somebody_asked_for_is_done_once_at_the_next_turn(follower, member):
    DirectorySource.objects.update(wanted=Mode.DEEP, wanted_dry=True, wanted_by=member)

    passes = [follower.turn(now=NOON + SECOND), follower.turn(now=NOON + 2 * SECOND)]

    run = SyncRun.objects.first()
    assert passes == [1, 0]
    assert (run.dry, run.mode, run.asked_by_id) == (True, Mode.DEEP, member.pk)
    assert source().wanted == ""


def test_a_dry_run_of_a_draft_changes_nobody(follower, own_directory, member):
    DirectorySource.objects.update(state=SourceState.DRAFT, wanted=Mode.DEEP, wanted_dry=True, wanted_by=member)
    own_directory.modify(NOEMIE + "Potière\n")

    follower.turn(now=NOON + SECOND)
    idle = follower.turn(now=NOON + timedelta(hours=1))

    assert SyncRun.objects.first().counts["people_changed"] == 1
    assert Member.objects.get(login="noemie.ferrand").trade != "Potière"
    assert idle == 0


def going_of(count: int) -> list[Member]:
    found = Member.objects.filter(dn__endswith=PEOPLE, state="active", leads=None)
    return [each for each in found if each.dn.isascii()][:count]


def fifteen_wait(follower: Follower, directory: EmbeddedDirectory) -> str:
    """What an acceptance of them is for."""
    directory.modify("\n".join(f"dn: {each.dn}\nchangetype: delete\n" for each in going_of(15)))
    settle(directory)
    follower.turn(now=NOON + SECOND)
    return str(SyncRun.objects.latest("pk").report["approval"])


def test_removals_that_somebody_accepted_go_at_the_next_turn_and_others_do_not(follower, own_directory, approver):
    waiting = fifteen_wait(follower, own_directory)
    DirectorySource.objects.update(approval="of-something-else", approved_by=approver)
    follower.turn(now=NOON + 2 * SECOND)
    refused = Member.objects.filter(state=MemberState.MISSING).count()
    run, line = SyncRun.objects.first(), Event.objects.get(action=Action.SYNC_APPROVAL_REFUSED)
    assert (run.status, run.approved_by) == (RunStatus.HELD, None)
    assert (line.actor_id, line.refused, line.reason) == (approver.pk, True, "others_wait")
    DirectorySource.objects.update(approval=waiting, approved_by=approver)

    follower.turn(now=NOON + 3 * SECOND)

    assert refused == 0
    assert Member.objects.filter(state=MemberState.MISSING).count() == 15
    assert SyncRun.objects.first().approved_by_id == approver.pk
    assert source().approval == ""


def test_what_was_accepted_while_the_directory_is_away_goes_once_it_is_back(
    follower, own_directory, approver, monkeypatch
):
    monkeypatch.setattr(turns._SYSTEM, "uniform", lambda low, high: 1.0)
    waiting = fifteen_wait(follower, own_directory)
    own_directory.stop()
    DirectorySource.objects.update(approval=waiting, approved_by=approver)

    tried = [second for second in range(2, 12) if follower.turn(now=NOON + second * SECOND)]

    assert tried == [2, 7]
    assert (source().approval, source().approved_by) == (waiting, approver)
    failed = SyncRun.objects.first()
    assert (failed.status, failed.approved_by) == (RunStatus.FAILED, None)
    assert Member.objects.filter(state=MemberState.MISSING).count() == 0

    own_directory.start(own_directory.port, ldaps=True)
    follower.turn(now=NOON + timedelta(minutes=2))

    assert Member.objects.filter(state=MemberState.MISSING).count() == 15
    assert (SyncRun.objects.first().approved_by, source().approval) == (approver, "")
    assert not Event.objects.filter(action=Action.SYNC_APPROVAL_REFUSED).exists()


def test_an_accord_to_what_the_directory_gave_back_meanwhile_is_refused_with_its_line(follower, approver):
    DirectorySource.objects.update(approval="0" * 32, approved_by=approver)

    follower.turn(now=NOON + SECOND)

    assert SyncRun.objects.first().approved_by is None
    assert Event.objects.get(action=Action.SYNC_APPROVAL_REFUSED).reason == "nothing_waits"
    assert source().approval == ""


def test_what_somebody_accepted_who_may_no_longer_is_refused_with_its_line(follower, own_directory, approver):
    waiting = fifteen_wait(follower, own_directory)
    RoleGrant.objects.filter(member=approver).delete()
    DirectorySource.objects.update(approval=waiting, approved_by=approver)

    follower.turn(now=NOON + 2 * SECOND)

    assert Member.objects.filter(state=MemberState.MISSING).count() == 0
    assert Event.objects.get(action=Action.SYNC_APPROVAL_REFUSED).reason == "right_gone"
    assert (source().approval, source().approved_by) == ("", None)


def test_a_pause_takes_back_what_was_accepted(follower, own_directory, approver):
    DirectorySource.objects.update(approval="0" * 32, approved_by=approver)

    pause(source_id=source().pk, actor=Actor(approver.pk), now=NOON)

    assert (source().approval, source().approved_by) == ("", None)
    assert Event.objects.get(action=Action.SYNC_APPROVAL_TAKEN_BACK).actor_id == approver.pk


def test_what_is_taken_back_while_it_is_read_is_not_carried_out(follower, own_directory, approver, monkeypatch):
    waiting = fifteen_wait(follower, own_directory)
    DirectorySource.objects.update(approval=waiting, approved_by=approver)

    meanwhile_in(monkeypatch, lambda: take_back(source_id=source().pk, actor=Actor(approver.pk), now=NOON))
    follower.turn(now=NOON + 2 * SECOND)

    run = SyncRun.objects.first()
    assert (run.status, run.approved_by, run.report["approval"]) == (RunStatus.HELD, None, waiting)
    assert Member.objects.filter(state=MemberState.MISSING).count() == 0
    assert not Event.objects.filter(action=Action.SYNC_APPROVAL_REFUSED).exists()


def test_whoever_loses_the_right_while_it_is_read_has_accepted_nothing(follower, own_directory, approver, monkeypatch):
    waiting = fifteen_wait(follower, own_directory)
    DirectorySource.objects.update(approval=waiting, approved_by=approver)

    meanwhile_in(monkeypatch, RoleGrant.objects.all().delete)
    follower.turn(now=NOON + 2 * SECOND)

    assert Member.objects.filter(state=MemberState.MISSING).count() == 0
    assert (source().approval, SyncRun.objects.first().approved_by) == ("", None)
    assert Event.objects.get(action=Action.SYNC_APPROVAL_REFUSED).reason == "right_gone"


def test_what_the_command_lets_go_is_its_own_word_also_beside_somebody_elses(follower, own_directory, approver):
    waiting = fifteen_wait(follower, own_directory)
    DirectorySource.objects.update(approval=waiting, approved_by=approver)

    run = passes.synchronise(now=NOON + 2 * SECOND, approved=waiting)

    assert (run.report["accepted"], run.approved_by, source().approval) == (waiting, None, "")
    assert Event.objects.get(action=Action.SYNC_APPROVED).actor_id is None


def test_another_word_ends_the_one_of_a_list_that_no_longer_waits(follower, own_directory, approver):
    waiting = fifteen_wait(follower, own_directory)
    DirectorySource.objects.update(approval="0" * 32, approved_by=approver)

    approve(source_id=source().pk, digest=waiting, actor=Actor(approver.pk), now=NOON)

    assert Event.objects.get(action=Action.SYNC_APPROVAL_REFUSED).reason == "others_wait"
    assert source().approval == waiting


def meanwhile_in(monkeypatch, act):
    def read(*arguments, **options):
        seen = by_everything(*arguments, **options)
        act()
        return seen

    monkeypatch.setattr(passes, "by_everything", read)


def test_an_acceptance_outlives_a_pass_that_breaks(follower, own_directory, approver, monkeypatch):
    waiting = fifteen_wait(follower, own_directory)
    DirectorySource.objects.update(approval=waiting, approved_by=approver)
    with monkeypatch.context() as broken:
        broken.setattr(passes, "apply", breaks)
        follower.turn(now=NOON + 2 * SECOND)
    assert (source().approval, SyncRun.objects.first().approved_by) == (waiting, None)

    follower.turn(now=NOON + timedelta(minutes=1))

    assert Member.objects.filter(state=MemberState.MISSING).count() == 15
    assert SyncRun.objects.first().approved_by == approver


def breaks(*_arguments, **_options):
    raise ValueError("of a kind that nobody expected")


def test_a_list_that_is_refused_while_the_probe_answers_is_failing_until_it_is_read(
    follower, own_directory, monkeypatch
):
    """The mark of the server does not move for a limit of the account that reads it."""
    monkeypatch.setattr(turns._SYSTEM, "uniform", lambda low, high: 1.0)
    limit(own_directory, "size=100")
    tried = [second for second in range(900, 960) if follower.turn(now=NOON + second * SECOND)]
    assert tried == [900, 905, 915, 935]
    assert source().failing_since == NOON + 900 * SECOND
    assert source().read_at < NOON + 900 * SECOND

    unlimit(own_directory)
    follower.turn(now=NOON + timedelta(minutes=30))

    assert source().failing_since is None


def over_a_minute(follower: Follower, since: datetime = NOON + SECOND) -> int:
    return sum(follower.turn(now=since + number * SECOND) for number in range(60))


def test_while_removals_wait_the_directory_is_not_read_over_and_over(follower, own_directory):
    """Whoever waits is gone all the while; it was taken each time for somebody who has just gone."""
    going = [each for each in Member.objects.filter(dn__endswith=PEOPLE, leads=None) if each.dn.isascii()]
    own_directory.modify("\n".join(f"dn: {each.dn}\nchangetype: delete\n" for each in going[:15]))
    settle(own_directory)

    passes = over_a_minute(follower)

    assert SyncRun.objects.first().status == RunStatus.HELD
    assert passes == 2, "one sees it, and one looks at the groups again"


def test_a_directory_that_is_not_believed_is_not_read_over_and_over(follower):
    """It stays behind the mark that was seen there, until somebody decides or it comes up to it again."""
    SyncRun.objects.update(watermark="20991231000000.000000Z#000000#000#000000")
    DirectorySource.objects.update(watermark="20991231000000.000000Z#000000#000#000000")

    passes = over_a_minute(follower)

    assert SyncRun.objects.first().report["held"][0]["what"] == "server_went_back"
    assert passes == 1


def test_a_directory_without_a_mark_of_its_own_is_read_by_the_clock(own_directory):
    with hidden(own_directory, "attrs=contextCSN"):
        follower = Follower()
        follower.turn(now=NOON)
        passes = over_a_minute(follower)
        later = follower.turn(now=NOON + timedelta(minutes=15))
        follower.close()

    assert source().watermark == ""
    assert (passes, later) == (0, 1)


def test_the_probe_is_bounded_while_the_server_is_frozen(follower, own_directory, settings, monkeypatch):
    follower.turn(now=NOON + SECOND)
    settings.LDAP = settings.LDAP | {"timeout_seconds": 0.5}
    monkeypatch.setattr(reading, "PROBE_SECONDS", 1.0)

    with own_directory.paused():
        passes = follower.turn(now=NOON + 2 * SECOND)

    assert passes == 1
    assert source().failing_since == NOON + 2 * SECOND
