"""Whatever happens in a directory, and however often it is looked at meanwhile: what is known in the end is the same.

A chain of passes that read differences, with sign-ins between them, comes to what one reading of everything gives to a
hub that knew nothing.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from demo.slapd import EmbeddedDirectory
from directory.ldap import sources
from directory.models import Collective, DirectorySource, Member, SyncIssue, SyncRun
from directory.services import first_looks, passes, synchronise
from directory.services.one_entry import take_over
from directory.types import DirectoryUnavailable, MemberState, Mode, RunStatus
from tests.support.memory_directory import (
    ELSEWHERE,
    FORMER,
    GROUPS,
    LDAP,
    MEMBERS,
    TEAM,
    Kept,
    MemoryDirectory,
    RealDirectory,
)
from tests.support.mirror import content, difference, put_back

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
# Nobody asks here whether so many may go: that is another matter, and another test.
NO_CEILING = {
    f"{what}{part}": value
    for what in ("people", "groups", "memberships", "leads", "emptied")
    for part, value in (("", 10_000), ("_share", 1.0))
}
NAMES = ("alix", "bilal", "chloe", "dora", "emile", "fanny")
LOCKED = "000001010000Z"
KINDS = ("pôle", "territorial", "auto-géré", "inconnu")
STATUSES = ("associé", "CAPE", "salarié", "")


class Life:
    """What happens, one step after another; ``a`` and ``b`` choose whom it happens to."""

    def __init__(self, directory: MemoryDirectory) -> None:
        self.directory = directory
        self.clock = count(1)
        for name in NAMES:
            self.enters(NAMES.index(name), 0)
        for number in range(4):
            self.a_group_opens(number, number)

    # People -----------------------------------------------------------------------------------------------------

    def enters(self, a: int, b: int) -> None:
        """Sometimes under a name or an address that somebody has already."""
        uid, branch = NAMES[a % len(NAMES)], (MEMBERS, TEAM)[b % 2]
        rdn = f"uid={uid}" if not self.directory.is_taken(f"uid={uid}", branch) else f"uid={uid}.{self.directory.made}"
        mail = f"{NAMES[(a + b // 2) % len(NAMES)]}@alizarine.example"
        self.directory.add(
            "person",
            rdn,
            branch,
            uid=[rdn.partition("=")[2]],
            cn=[uid.title()],
            sn=[uid.title()],
            mail=[mail],
            employeeType=[STATUSES[b % len(STATUSES)]],
        )

    def enters_under_a_login_in_use(self, a: int, b: int) -> None:
        one = self.person(a)
        if one is not None:
            self.directory.add("person", f"cn=double {self.directory.made}", MEMBERS, uid=list(one.attributes["uid"]))

    def is_corrected(self, a: int, b: int) -> None:
        self.changes(self.person(a), "title", [f"Métier {b % 7}"] if b % 3 else [])

    def changes_status(self, a: int, b: int) -> None:
        self.changes(self.person(a), "employeeType", [STATUSES[b % len(STATUSES)]])

    def changes_address(self, a: int, b: int) -> None:
        other = self.person(b)
        addresses = list(other.attributes.get("mail", [])) if other is not None else []
        self.changes(self.person(a), "mail", [addresses, ["nul"], [], [f"x{b}@y.example"]][b % 4])

    def two_exchange_addresses(self, a: int, b: int) -> None:
        one, other = self.person(a), self.person(b)
        if one is not None and other is not None:
            mails = one.attributes.get("mail", []), other.attributes.get("mail", [])
            self.changes(one, "mail", list(mails[1]))
            self.changes(other, "mail", list(mails[0]))

    def is_locked(self, a: int, b: int) -> None:
        self.changes(self.person(a), "pwdAccountLockedTime", [LOCKED] if b % 2 else [])

    def is_renamed(self, a: int, b: int) -> None:
        one = self.person(a)
        uid = NAMES[b % len(NAMES)] + ("" if b % 2 else f".{b}")
        if one is not None and not self.directory.is_taken(f"uid={uid}", one.branch):
            one.attributes["uid"] = [uid]
            self.directory.move(one, f"uid={uid}", one.branch)

    def is_moved(self, a: int, b: int) -> None:
        one, branch = self.person(a), (MEMBERS, TEAM, FORMER, ELSEWHERE)[b % 4]
        if one is not None and not self.directory.is_taken(one.rdn, branch):
            self.directory.move(one, one.rdn, branch)

    def is_moved_with_a_branch(self, a: int, b: int) -> None:
        one, branch = self.person(a), (MEMBERS, TEAM, FORMER, ELSEWHERE)[b % 4]
        if one is not None and not self.directory.is_taken(one.rdn, branch):
            self.directory.move_branch(one, branch)

    def is_deleted(self, a: int, b: int) -> None:
        one = self.person(a)
        if one is not None:
            self.directory.remove(one)

    def is_put_back(self, a: int, b: int) -> None:
        gone = self.directory.removed
        if gone and not self.directory.is_taken(gone[a % len(gone)].rdn, gone[a % len(gone)].branch):
            self.directory.put_back(gone.pop(a % len(gone)))

    # Groups -----------------------------------------------------------------------------------------------------

    def a_group_opens(self, a: int, b: int) -> None:
        whom = [each.dn for each in (self.person(a), self.person(b)) if each is not None]
        name = f"Groupe {self.directory.made}"
        self.directory.add(
            "group", f"cn={name}", GROUPS, cn=[name], businessCategory=[KINDS[a % 4]], member=whom, owner=whom[:1]
        )

    def a_group_closes(self, a: int, b: int) -> None:
        group = self.group(a)
        if group is not None:
            self.directory.remove(group)

    def a_group_is_renamed(self, a: int, b: int) -> None:
        group = self.group(a)
        if group is not None:
            name = f"Autre {b}.{self.directory.writes}"
            group.attributes["cn"] = [name]
            self.directory.move(group, f"cn={name}", GROUPS)

    def somebody_is_put_into_a_group(self, a: int, b: int) -> None:
        self.joins(self.group(a), self.person(b), "member")

    def somebody_leads_a_group(self, a: int, b: int) -> None:
        self.joins(self.group(a), self.person(b), "owner")

    def a_group_is_put_into_a_group(self, a: int, b: int) -> None:
        """Into itself, too, and into one that it holds."""
        self.joins(self.group(a), self.group(b), "member")

    def somebody_who_is_nobody_is_put_into_a_group(self, a: int, b: int) -> None:
        group = self.group(a)
        if group is not None:
            self.changes(group, "member", [*group.attributes.get("member", []), f"uid=personne.{b},{MEMBERS}"])

    def a_group_loses_a_member(self, a: int, b: int) -> None:
        group = self.group(a)
        if group is not None and (values := group.attributes.get("member", [])):
            self.changes(group, "member", [each for each in values if each != values[b % len(values)]])

    def somebody_leads_a_group_no_longer(self, a: int, b: int) -> None:
        group = self.group(a)
        if group is not None and (values := group.attributes.get("owner", [])):
            self.changes(group, "owner", [each for each in values if each != values[b % len(values)]])

    # Meanwhile --------------------------------------------------------------------------------------------------

    def groups_follow(self, a: int, b: int) -> None:
        self.directory.carry()

    def somebody_signs_in(self, a: int, b: int) -> None:
        """What was read of their entry is taken over between two passes."""
        one = self.person(a)
        if one is None or not SyncRun.objects.exists():
            return
        source = sources.settings_source()
        names = (*sources.load().rules.person_attributes, "entryUUID", "entryCSN")
        take_over(source, self.directory.entry(one, names), now=self.now())

    def a_pass(self, a: int, b: int) -> None:
        """The server has carried a change into its groups before the hub looks for the second time."""
        run = synchronise(now=self.now(), mode=Mode.DEEP if b % 8 == 7 else Mode.PIVOT)
        assert run.status in (RunStatus.OK, RunStatus.PROBLEMS), run.report["held"]
        self.directory.carry()

    def something_happens_during_a_pass(self, a: int, b: int) -> None:
        """While everybody is listed, and the pass has looked for the first time already."""
        happens = [step for step in HAPPENS if step.__name__ not in OF_PASSES]
        self.directory.meanwhile.append(lambda: happens[a % len(happens)](self, b, a))
        self.a_pass(a, b)

    def a_pass_breaks_off(self, a: int, b: int) -> None:
        """What its first look has carried out stays."""

        def cut() -> None:
            raise DirectoryUnavailable

        self.directory.meanwhile.append(cut)
        with pytest.raises(DirectoryUnavailable):
            synchronise(now=self.now(), mode=Mode.PIVOT)

    # Helpers ----------------------------------------------------------------------------------------------------

    def now(self) -> datetime:
        return NOON + next(self.clock) * timedelta(minutes=1)

    def person(self, number: int) -> Kept | None:
        """Never the first of them: that everybody is gone at once is not believed."""
        people = self.directory.of("person")[1:]
        return people[number % len(people)] if people else None

    def group(self, number: int) -> Kept | None:
        groups = self.directory.of("group")
        return groups[number % len(groups)] if groups else None

    def changes(self, kept: Kept | None, name: str, values: list[str]) -> None:
        if kept is not None:
            kept.attributes[name] = values
            self.directory.written(kept)

    def joins(self, group: Kept | None, kept: Kept | None, name: str) -> None:
        if group is not None and kept is not None and kept.dn not in group.attributes.get(name, []):
            self.changes(group, name, [*group.attributes.get(name, []), kept.dn])


OF_PASSES = {"a_pass", "something_happens_during_a_pass", "a_pass_breaks_off"}
Step = tuple[Callable[[Life, int, int], None], int, int]
HAPPENS = [
    step
    for name, step in vars(Life).items()
    if not name.startswith("_") and name not in ("now", "person", "group", "changes", "joins")
]
# What happens between two answers of a server is not arranged here.
AT_A_SERVER = [step for step in HAPPENS if step.__name__ not in OF_PASSES - {"a_pass"}]
# Every other thing that happens is that somebody looks.
STEPS = st.lists(
    st.tuples(
        st.one_of(st.sampled_from(HAPPENS), st.just(Life.a_pass)),
        st.integers(0, 63),
        st.integers(0, 63),
    ),
    min_size=1,
    max_size=25,
)


@pytest.fixture
def memory(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Life]:
    settings.LDAP = LDAP

    def begin() -> Life:
        life = Life(MemoryDirectory())
        for module in (passes, first_looks):
            monkeypatch.setattr(module, "reading", life.directory.reading)
        # Between any two entries.
        monkeypatch.setattr(first_looks, "EVERY_SECONDS", 0)
        return life

    return begin


def prepared() -> DirectorySource:
    source = sources.settings_source()
    source.ceilings = NO_CEILING
    source.save()
    return source


def until_it_is_quiet(life: Life) -> None:
    """As the worker does: what was in motion is looked at once more."""
    life.directory.carry()
    for _ in range(4):
        life.a_pass(0, 0)
        if not DirectorySource.objects.get().look_again:
            return
    raise AssertionError("the directory does not change any more, and passes find no end")


def known() -> dict[str, Any]:
    """What is known of everything that is there: who was there before is known to one of two hubs alone."""
    told = content()
    told["people"] = {
        uuid: {name: value for name, value in each.items() if name != "source_id"}
        for uuid, each in told["people"].items()
        if each["state"] != MemberState.MISSING
    }
    # Whoever is absent keeps the status they had, and so its collective, until the absence is a departure.
    told["memberships"] = {
        (group, person): direct
        for (group, person), direct in told["memberships"].items()
        if person in told["people"] or not isinstance(group, str)
    }
    told["collectives"] = {
        uuid: {name: value for name, value in each.items() if name not in ("source_id", "slug")}
        for uuid, each in told["collectives"].items()
        if each["present"]
    }
    # That a login was somebody else's before is known to whoever knew them.
    told["issues"] = {(uuid, code) for uuid, code in told["issues"] if code != "login_reused"}
    return told


def of_a_hub_that_knew_nothing(life: Life) -> dict[str, Any]:
    with put_back():
        for model in (SyncIssue, SyncRun, Collective, Member, DirectorySource):
            model.objects.all().delete()
        prepared()
        synchronise(now=life.now())
        return known()


@example(steps=[(Life.is_deleted, 1, 0), (Life.a_pass, 0, 0)])
@example(steps=[(Life.is_renamed, 1, 5), (Life.a_pass, 0, 0)])
@example(steps=[(Life.is_moved_with_a_branch, 1, 1), (Life.a_pass, 0, 0)])
@example(steps=[(Life.is_renamed, 1, 5), (Life.somebody_signs_in, 1, 0), (Life.groups_follow, 0, 0)])
@example(steps=[(Life.enters, 7, 3), (Life.somebody_signs_in, 5, 0), (Life.is_renamed, 5, 3), (Life.a_pass, 0, 0)])
@example(steps=[(Life.enters_under_a_login_in_use, 1, 0), (Life.a_pass, 0, 0), (Life.is_deleted, 5, 0)])
@example(steps=[(Life.a_group_is_put_into_a_group, 0, 1), (Life.a_pass, 0, 0), (Life.a_group_closes, 1, 0)])
@given(steps=STEPS)
@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_chain_of_passes_comes_to_what_one_reading_of_everything_gives(
    memory: Callable[[], Life], steps: list[Step]
) -> None:
    with put_back():
        life = memory()
        prepared()
        life.a_pass(0, 0)

        for step, a, b in steps:
            step(life, a, b)
        until_it_is_quiet(life)

        assert not difference(known(), of_a_hub_that_knew_nothing(life))
        assert nothing_is_left_to_do(life)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_so_it_does_with_a_real_slapd(small_directory: EmbeddedDirectory, seed: int) -> None:
    chance = Random(seed)  # noqa: S311 no secret
    life = Life(RealDirectory(server=small_directory))
    prepared()
    life.a_pass(0, 0)

    for _ in range(20):
        step = chance.choice(AT_A_SERVER) if chance.random() < 0.7 else Life.a_pass
        step(life, chance.randrange(64), chance.randrange(64))
    until_it_is_quiet(life)

    assert not difference(known(), of_a_hub_that_knew_nothing(life))
    assert nothing_is_left_to_do(life)


def nothing_is_left_to_do(life: Life) -> bool:
    """Neither by differences nor by a reading of everything (I4)."""
    return not any(
        synchronise(now=life.now(), mode=mode, dry_run=True).counts["people_changed"]
        for mode in (Mode.PIVOT, Mode.DEEP)
    )
