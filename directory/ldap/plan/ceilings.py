"""What would go too far, and so waits for a person."""

from collections.abc import Callable, Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import cache
from uuid import UUID

from directory.ldap.plan.removals import Removals, deposed, withdrawn
from directory.ldap.plan.sharing import words_of
from directory.ldap.plan.types import (
    VALUES,
    Ceilings,
    Group,
    Held,
    Mirror,
    Observed,
    Person,
    Totals,
    today,
)
from directory.types import MailState, MemberState

NONE: frozenset[str] = frozenset()


def over_the_ceilings(
    mirror: Mirror,
    observed: Observed,
    removals: Removals,
    ceilings: Ceilings,
    *,
    gone: AbstractSet[tuple[UUID, UUID]],
    leads: AbstractSet[tuple[UUID, UUID]],
) -> tuple[tuple[Held, ...], tuple[str, ...]]:
    """What waits, and the names of it: an approval is bound to exactly these.

    ``gone``: memberships that would be no more; ``leads``: those of the touched groups as they would be.
    """
    held: list[Held] = []
    names: list[str] = []
    totals = mirror.totals
    gone_lately = cache(totals.gone_lately)

    def hold(what: str, which: Iterable[str], limit: int, before: int = 0) -> None:
        found = sorted(which)
        held.append(Held(what, len(found), limit, before))
        names.extend(f"{what} {name}" for name in found)

    def hold_beyond(
        what: str, which: Collection[str], total: Callable[[], int], *, back: int = 0, along: AbstractSet[str] = NONE
    ) -> bool:
        """Where so many are too many, at once or with those who went lately.

        ``back``: who returns just now; ``along``: who does not count, and goes or waits with the others.
        """
        if not which:
            return False
        floor, share = ceilings.of(what)
        if (limit := _limit(len(which), floor, share, total)) is not None:
            hold(what, [*which, *along], limit)
            return True
        before = max(gone_lately().get(what, 0) - back, 0)
        if (limit := _limit(len(which) + before, floor, share, total)) is not None:
            hold(today(what), [*which, *along], limit, before)
        return limit is not None

    going = {str(uuid) for uuid in removals.people if mirror.people[uuid].state == MemberState.ACTIVE}
    # They could not enter anyway; but an approval is for exactly those whom it lists.
    locked = {str(uuid) for uuid in removals.people if mirror.people[uuid].state == MemberState.LOCKED}
    administrators = {str(uuid) for uuid, may_enter in mirror.administrators.items() if may_enter}
    # All that are left, however few: an empty answer is likelier than that everybody went at once.
    if 0 < len(going) <= ceilings.people and _is_a_row(going, gone_lately) and totals.active() == len(going):
        hold("people", going | locked, 0)
    # Whom a bad quarter of an hour had hidden comes back in this very pass.
    elif not hold_beyond("people", going, totals.active, back=_people_back(mirror, observed), along=locked) and (
        administrators and administrators <= going
    ):
        hold("last_administrator", going | locked, 0)
    # Retired to make room for a new one, whose first reading takes everybody over: not for one that was there before,
    # and could have waited for it with the identity of whom it likes.
    left_over = [each.entry_uuid for each in observed.people if _is_left_over(mirror.people, each.entry_uuid)]
    left_over += [each.entry_uuid for each in observed.groups if _is_left_over(mirror.groups, each.entry_uuid)]
    if left_over:
        hold("taken_over", map(str, left_over), 0)
    found, found_names = over_others(mirror, observed, ceilings)
    held.extend(found)
    names.extend(found_names)
    closing = [str(uuid) for uuid in removals.groups]
    hold_beyond("groups", closing, totals.groups, back=_groups_back(mirror, observed))
    lost = [f"{group} {person}" for group, person in withdrawn(gone, removals)]
    hold_beyond("memberships", lost, totals.memberships)
    no_longer = [f"{group} {person}" for group, person in deposed(mirror.leads_touched - leads, removals)]
    # As with people: that nobody leads anything any more is likelier a right that the reader lost.
    if 1 < len(no_longer) <= ceilings.leads and not leads and totals.leads() == len(no_longer):
        hold("leads", no_longer, 0)
    else:
        hold_beyond("leads", no_longer, totals.leads)
    for name in VALUES:
        emptied = [str(uuid) for uuid in _emptied(mirror, observed, name)]
        hold_beyond(f"attribute {name}", emptied, _Asked(totals, name))
    return tuple(held), tuple(names)


def _is_a_row(going: Collection[str], gone_lately: Callable[[], Mapping[str, int]]) -> bool:
    """Several at once, or one of several in a day."""
    return len(going) + max(gone_lately().get("people", 0), 0) > 1


def over_others(mirror: Mirror, observed: Observed, ceilings: Ceilings) -> tuple[tuple[Held, ...], tuple[str, ...]]:
    """What people of other directories would lose by this one, if that is too much: their login, their address."""
    others = takers_of(mirror, observed)
    if not others or len(others.keys() | mirror.totals.others_sharing()) <= ceilings.others:
        return (), ()
    found = sorted(map(str, others))
    return (Held("others", len(found), ceilings.others),), tuple(f"others {each}" for each in found)


def _people_back(mirror: Mirror, observed: Observed) -> int:
    return sum(
        now.state == MemberState.ACTIVE
        and (known := mirror.people.get(now.entry_uuid)) is not None
        and known.state != MemberState.ACTIVE
        for now in observed.people
    )


def _groups_back(mirror: Mirror, observed: Observed) -> int:
    return sum(
        (known := mirror.groups.get(now.entry_uuid)) is not None and not known.present for now in observed.groups
    )


def _is_left_over(known: Mapping[UUID, Person] | Mapping[UUID, Group], uuid: UUID) -> bool:
    return uuid in known and known[uuid].is_left_over


def takers_of(mirror: Mirror, observed: Observed) -> dict[UUID, set[UUID]]:
    """By people of other sources whose login or address would no longer mean them alone: whom it would mean too."""
    holders: dict[str, list[UUID]] = {}
    for uuid, person in mirror.people.items():
        if person.is_foreign and person.is_present:
            for word in _words_alone(person):
                holders.setdefault(word, []).append(uuid)
    found: dict[UUID, set[UUID]] = {}
    for now in observed.people if holders else ():
        if now.is_present:
            known = mirror.people.get(now.entry_uuid)
            # What one of this source was called before is taken from nobody.
            had = words_of(known) if known is not None and known.is_present else frozenset()
            for word in words_of(now) - had:
                for uuid in holders.get(word, ()):
                    found.setdefault(uuid, set()).add(now.entry_uuid)
    return found


def _words_alone(person: Person) -> frozenset[str]:
    """Those that mean this person and nobody else, as far as was known."""
    login = "" if person.login_ambiguous else person.details["login_key"]
    mail = person.details["email_key"] if person.email_state == MailState.OK else ""
    return words_of(replace(person, details={"login_key": login, "email_key": mail}))


@dataclass(frozen=True, slots=True)
class _Asked:
    totals: Totals
    name: str

    def __call__(self) -> int:
        return self.totals.holders(self.name)


def _limit(count: int, floor: int, share: float, total: Callable[[], int]) -> int | None:
    """The limit that this many are above, if they are; a large cooperative is counted only when they may be."""
    if count <= floor:
        return None
    limit = max(floor, int(total() * share))
    return limit if count > limit else None


def _emptied(mirror: Mirror, observed: Observed, name: str) -> list[UUID]:
    return [
        now.entry_uuid
        for now in observed.people
        if (known := mirror.people.get(now.entry_uuid)) and known.details.get(name) and not now.details.get(name)
    ]
