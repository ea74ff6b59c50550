"""Finding people by the words that they show: one algorithm, equal results on either database.  No Django.

A word that is typed finds words that are it, begin with it or hold it; where it finds nobody, those that are like it,
for fingers slip.  Which of these it is, is decided by what the reader may see: what is hidden changes no answer.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from directory.people.words import folded, likeness, trigrams

# Who finds a person by a word: everybody, or those who have a collective in common with them.
ALL, NEAR = 1, 2
EXACT, BEGINNING, PART = 1.0, 0.9, 0.7
NAME_FIRST = 0.25
# pg_trgm's own limit is 0.3; a slip of the finger in a short word leaves less in common.
ALIKE, ALIKE_AT_ALL = 0.42, 0.14
SHORTEST_PART, SHORTEST_ALIKE = 3, 4
SHORTEST_STEM, LONGEST_ENDING = 5, 4
MOST_WORDS = 8


@dataclass(frozen=True, slots=True)
class Text:
    """Words of one thing about somebody, and who finds them by it."""

    words: str
    seen_by: int
    is_name: bool = False


@dataclass(frozen=True, slots=True)
class Person:
    """``order`` is their place in a list; ``place`` is seen by ``place_seen_by``, 0 for nobody."""

    id: UUID
    order: str
    texts: tuple[Text, ...]
    collectives: frozenset[UUID]
    named_in: frozenset[UUID]
    place: str = ""
    place_seen_by: int = 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """``places``: codes of communes and departments, with how far each is; None where the place does not matter."""

    text: str = ""
    collective: UUID | None = None
    places: Mapping[str, float] | None = None

    def km_to(self, place: str) -> float:
        return self.places.get(place, 0.0) if self.places else 0.0


class Index:
    """People by their words, in memory: it holds nothing that nobody may see."""

    def __init__(self, people: Iterable[Person]) -> None:
        self._people: dict[UUID, Person] = {}
        self._found_by: dict[str, dict[UUID, int]] = {}
        self._holding: dict[str, set[str]] = defaultdict(set)
        self._in: dict[UUID, set[UUID]] = defaultdict(set)
        self._sorted: list[str] | None = None
        self._names: dict[UUID, frozenset[str]] = {}
        for person in people:
            self.put(person)

    def __len__(self) -> int:
        return len(self._people)

    def collectives(self) -> dict[UUID, frozenset[UUID]]:
        """Of everybody in it."""
        return {each.id: each.collectives for each in self._people.values()}

    def put(self, person: Person) -> None:
        """As they are now."""
        self.drop(person.id)
        self._people[person.id] = person
        names: set[str] = set()
        for text in person.texts:
            for word in folded(text.words).split():
                if word not in self._found_by:
                    self._add(word)
                found = self._found_by[word]
                found[person.id] = found.get(person.id, 0) | text.seen_by
                if text.is_name:
                    names.add(word)
        self._names[person.id] = frozenset(names)
        for collective in person.collectives:
            self._in[collective].add(person.id)

    def drop(self, person_id: UUID) -> None:
        person = self._people.pop(person_id, None)
        if person is None:
            return
        self._names.pop(person_id, None)
        for text in person.texts:
            for word in folded(text.words).split():
                found = self._found_by.get(word)
                if found is not None and found.pop(person_id, None) is not None and not found:
                    self._forget(word)
        for collective in person.collectives:
            self._in[collective].discard(person_id)

    def find(self, wanted: Wanted, *, reader: UUID, collectives: Collection[UUID]) -> list[UUID]:
        """Whom this reader finds: the nearest to what they typed first, then to where they look, then by name."""
        near = {reader}.union(*(self._in.get(each, ()) for each in collectives))
        words = folded(wanted.text).split()[:MOST_WORDS]
        scores = self._scores(words, near) if words else dict.fromkeys(self._people, 0.0)
        found = (self._people[pk] for pk in scores)
        kept = [person for person in found if self._fits(person, wanted, near, collectives)]
        far = wanted.km_to
        kept.sort(key=lambda person: (-round(scores[person.id], 3), far(person.place), person.order, person.id))
        return [person.id for person in kept]

    def places(self, found: Sequence[UUID], *, reader: UUID, collectives: Collection[UUID]) -> dict[str, int]:
        """How many of them show this reader that they are there, by the code of the place."""
        near = {reader}.union(*(self._in.get(each, ()) for each in collectives))
        counts: dict[str, int] = defaultdict(int)
        for pk in found:
            person = self._people[pk]
            if person.place and self._sees(person.place_seen_by, pk, near):
                counts[person.place] += 1
        return dict(counts)

    def _fits(self, person: Person, wanted: Wanted, near: Collection[UUID], collectives: Collection[UUID]) -> bool:
        if wanted.collective is not None and not self._is_in(person, wanted.collective, collectives):
            return False
        if wanted.places is None:
            return True
        return person.place in wanted.places and self._sees(person.place_seen_by, person.id, near)

    @staticmethod
    def _is_in(person: Person, collective: UUID, collectives: Collection[UUID]) -> bool:
        """A sensitive one names nobody but to those who are in it."""
        return collective in person.named_in or (collective in collectives and collective in person.collectives)

    @staticmethod
    def _sees(seen_by: int, person_id: UUID, near: Collection[UUID]) -> bool:
        return bool(seen_by & ALL) or bool(seen_by & NEAR and person_id in near)

    def _scores(self, words: Sequence[str], near: Collection[UUID]) -> dict[UUID, float]:
        together: dict[UUID, float] | None = None
        for word in words:
            found = self._seen(self._holding_word(word), near) or self._seen(self._like(word), near)
            if together is None:
                together = found
            else:
                together = {pk: score + found[pk] for pk, score in together.items() if pk in found}
            if not together:
                return {}
        return together or {}

    def _seen(self, weights: dict[str, float], near: Collection[UUID]) -> dict[UUID, float]:
        best: dict[UUID, float] = {}
        for word, weight in weights.items():
            for pk, seen_by in self._found_by[word].items():
                if not self._sees(seen_by, pk, near):
                    continue
                score = weight + NAME_FIRST if word in self._names[pk] else weight
                if score > best.get(pk, 0.0):
                    best[pk] = score
        return best

    def _holding_word(self, word: str) -> dict[str, float]:
        if self._sorted is None:
            self._sorted = sorted(self._found_by)
        found: dict[str, float] = {}
        if len(word) >= SHORTEST_PART:
            inner = [word[place : place + 3] for place in range(len(word) - 2)]
            holding = min((self._holding.get(each, set()) for each in inner), key=len)
            found = {each: PART for each in holding if word in each}
        for place in range(bisect_left(self._sorted, word), len(self._sorted)):
            if not self._sorted[place].startswith(word):
                break
            found[self._sorted[place]] = BEGINNING
        if word in self._found_by:
            found[word] = EXACT
        return found

    def _like(self, word: str) -> dict[str, float]:
        if len(word) < SHORTEST_ALIKE or word.isdigit():
            return {}
        candidates = set().union(*(self._holding.get(each, ()) for each in trigrams(word)))
        found = {}
        for each in candidates:
            alike = likeness(word, each)
            if alike >= ALIKE or (alike >= ALIKE_AT_ALL and (is_slip(word, each) or is_of_one_trade(word, each))):
                found[each] = PART * max(alike, ALIKE)
        return found

    def _add(self, word: str) -> None:
        self._found_by[word] = {}
        self._sorted = None
        for each in trigrams(word):
            self._holding[each].add(word)

    def _forget(self, word: str) -> None:
        """Nobody has it any more: it is in no memory either."""
        del self._found_by[word]
        self._sorted = None
        for each in trigrams(word):
            self._holding[each].discard(word)


def is_of_one_trade(one: str, other: str) -> bool:
    """« plombier » and « plomberie »: one stem, and an ending each."""
    apart = (place for place, (here, there) in enumerate(zip(one, other, strict=False)) if here != there)
    stem = next(apart, min(len(one), len(other)))
    return stem >= SHORTEST_STEM and max(len(one), len(other)) - stem <= LONGEST_ENDING


def is_slip(one: str, other: str) -> bool:
    """One letter too many, missing, another, or two that changed places; two such in a long word."""
    allowed = 2 if min(len(one), len(other)) >= 8 else 1
    if abs(len(one) - len(other)) > allowed:
        return False
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, sign in enumerate(one, 1):
        next_row = [i]
        for j, there in enumerate(other, 1):
            cost = min(row[j] + 1, next_row[j - 1] + 1, row[j - 1] + (sign != there))
            if i > 1 and j > 1 and sign == other[j - 2] and one[i - 2] == there:
                cost = min(cost, before[j - 2] + 1)
            next_row.append(cost)
        before, row = row, next_row
        if min(row) > allowed:
            return False
    return row[-1] <= allowed
