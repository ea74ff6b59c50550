"""Who is in which group, before and after."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from uuid import UUID

from directory.ldap.plan.types import Mirror

# A group and a person.
Pair = tuple[UUID, UUID]
# Of each group its people, and whether each is in it directly; by numbers, for a UUID takes ten times as long to find.
Memberships = Mapping[int, Mapping[int, bool]]


def by_number(memberships: Mapping[tuple[UUID, UUID], bool]) -> Memberships:
    found: dict[int, dict[int, bool]] = {}
    for (group, person), direct in memberships.items():
        found.setdefault(group.int, {})[person.int] = direct
    return found


def memberships_gone(mirror: Mirror, before: Memberships, after: Memberships) -> frozenset[tuple[UUID, UUID]]:
    return frozenset(
        (group, UUID(int=person))
        for group in mirror.touched
        for person in before.get(group.int, {}).keys() - after.get(group.int, {}).keys()
    )


def memberships_set(before: Memberships, after: Memberships, people: Iterable[UUID]) -> dict[tuple[UUID, UUID], bool]:
    """Those that are new, or otherwise than they were.  ``people``: most of whom they are of."""
    changed: dict[tuple[UUID, UUID], bool] = {}
    # The very same object is found again without being compared.
    known_people = {person.int: person for person in people}
    for number, members in after.items():
        known = before.get(number, {})
        if members != known:
            group = UUID(int=number)
            changed.update(
                ((group, known_people.get(person) or UUID(int=person)), direct)
                for person, direct in members.items()
                if known.get(person) != direct
            )
    return changed


def in_runs(pairs: Iterable[Pair]) -> Iterator[tuple[UUID, Iterator[Pair]]]:
    """Those of one group that stand together, as nearly all do: a group is found much sooner than once for each."""
    return groupby(pairs, key=itemgetter(0))


def in_order(pair: Pair) -> tuple[int, int]:
    """As pairs of identifiers compare, which do so ten times as slowly."""
    return pair[0].int, pair[1].int
