"""A server whose clock was set back, or is far ahead: what was written there is seen, and what comes after it."""

import re
from datetime import UTC, datetime

import pytest

from demo.slapd import EmbeddedDirectory
from directory.models import Collective, Member, SyncRun
from directory.services import synchronise
from directory.services.turns import PIVOT_EVERY, Follower
from directory.types import MemberState, Mode, RunStatus
from tests.support.early import NEWCOMER, NOEMIE, change, one_in, synced
from tests.support.passes import TUESDAY, WEDNESDAY
from tests.support.slapd import settle
from tests.support.slapd_control import rewrite

__all__ = ["synced"]
pytestmark = pytest.mark.django_db
MARK = "{}0101000000.000000Z#000000#000#000000"
EARLIER, FUTURE = MARK.format(2001), MARK.format(2099)
POLE = "Pôle Numérique"


def write_under_another_clock(server: EmbeddedDirectory, mark: str) -> None:
    """Noémie moves to Agde and comes to the pôle.  A server's own mark goes ahead with its clock, and never back."""
    pole = Collective.objects.get(name=POLE)

    def edit(content: str) -> str:
        entries = content.split("\n\n")
        for number, entry in enumerate(entries):
            marked = re.sub(r"^entryCSN: .*$", f"entryCSN: {mark}", entry, flags=re.MULTILINE)
            if f"entryUUID: {Member.objects.get(dn=NOEMIE).entry_uuid}\n" in entry:
                entries[number] = re.sub(r"^l:.*$", "l: Agde", marked, flags=re.MULTILINE)
            elif f"entryUUID: {pole.entry_uuid}\n" in entry:
                entries[number] = marked.replace("\nmember: ", f"\nmember: {NOEMIE}\nmember: ", 1)
            elif mark == FUTURE:
                entries[number] = re.sub(r"^contextCSN: .*$", f"contextCSN: {mark}", entry, flags=re.MULTILINE)
        return "\n\n".join(entries)

    rewrite(server, edit)


def is_in_the_pole(member: Member) -> bool:
    return member.memberships.filter(collective__name=POLE, direct=True).exists()


@pytest.mark.parametrize("mark", [EARLIER, FUTURE])
def test_what_was_written_under_another_clock_is_seen_and_what_comes_after_it(synced, mark):
    write_under_another_clock(synced, mark)

    run = synchronise(now=TUESDAY)

    noemie = Member.objects.get(dn=NOEMIE)
    assert (run.mode, run.status) == (Mode.PIVOT, RunStatus.PROBLEMS)
    assert (noemie.csn, noemie.town, is_in_the_pole(noemie)) == (mark, "Agde", True)
    assert (run.counts["people_changed"], run.counts["groups_changed"]) == (1, 1)

    # The clock is right again: of the same entries, of a new one, of one that goes.
    gone = one_in(Collective.objects.get(name="Conseil coopératif"))
    change(synced, "replace: l\nl: Lodève")
    change(synced, f"delete: member\nmember: {NOEMIE}", Collective.objects.get(name=POLE).dn)
    synced.modify(NEWCOMER)
    synced.modify(f"dn: {gone.dn}\nchangetype: delete\n")
    settle(synced)

    run = synchronise(now=WEDNESDAY)

    noemie.refresh_from_db()
    assert (run.mode, run.status) == (Mode.PIVOT, RunStatus.PROBLEMS)
    assert (noemie.town, is_in_the_pole(noemie)) == ("Lodève", False)
    assert Member.objects.get(login="lise.tout-juste").is_active
    assert Member.objects.get(pk=gone.pk).state == MemberState.MISSING


def test_where_the_servers_mark_has_run_ahead_a_change_is_seen_within_a_quarter_of_an_hour(synced):
    """It says of nothing any more that something was written: nobody waits for the night."""
    noon = datetime(2026, 11, 24, 11, tzinfo=UTC)
    write_under_another_clock(synced, FUTURE)
    follower = Follower()
    follower.turn(now=noon)
    change(synced, "replace: l\nl: Lodève")
    passes = SyncRun.objects.count()

    follower.turn(now=noon + PIVOT_EVERY / 2)
    follower.turn(now=noon + PIVOT_EVERY)
    follower.close()

    assert SyncRun.objects.count() == passes + 1
    assert Member.objects.get(dn=NOEMIE).town == "Lodève"
