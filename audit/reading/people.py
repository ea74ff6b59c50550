"""How people are called while the journal is read: by pseudonyms, but for those whose names the reader asked for."""

import re
from collections.abc import Iterable
from functools import cached_property, lru_cache
from hmac import compare_digest
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.utils.translation import gettext as _

from audit import selectors, words
from audit.sealing import keyed_digest
from audit.types import Reading

PURPOSE, SHOWN, CHOICE = "audit.pseudonym", "audit.shown", "audit.choice"
# Douglas Crockford's: no letter is taken for a digit.
SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 8
KEPT = 10_000
PSEUDONYM = re.compile(f"[{SIGNS}]{{4}}-[{SIGNS}]{{4}}")
CHOSEN = re.compile("[0-9a-f]{64}")


class People:
    """Of one reading.  Who has which pseudonym depends on its reader, purpose and case, and on the hub's own key: it is
    the same every time they come back for the same, and leads nobody else, nor from one case to another, to a person.
    """

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._context = f"{reading.reader} {reading.purpose.value} {reading.case} ".encode()
        # A page names somebody several times, an export millions of sessions.
        self.pseudonym = lru_cache(KEPT)(self._pseudonym)

    @cached_property
    def named(self) -> frozenset[UUID]:
        """Those who are called by their names; the reader knows their own."""
        return selectors.revealed(self._reading) | {self._reading.reader}

    @cached_property
    def _members(self) -> dict[UUID, Any]:
        """The rows of those who are called by their names."""
        return get_user_model()._default_manager.in_bulk(self.named)

    def _pseudonym(self, person: UUID) -> str:
        """``A7F3-K2MD``: 40 bits, so that a hundred thousand people have one each."""
        number = self._number(person)
        signs = "".join(SIGNS[number >> 5 * place & 31] for place in range(LENGTH))
        return f"{signs[:4]}-{signs[4:]}"

    def _number(self, person: UUID) -> int:
        return int.from_bytes(keyed_digest(self._context + person.bytes, purpose=PURPOSE)[:5], "big")

    def find(self, pseudonym: str) -> UUID | None:
        """Whose this is; there is no way but to try everybody."""
        number = sum(SIGNS.index(sign) << 5 * place for place, sign in enumerate(pseudonym.replace("-", "")))
        return next((each for each in selectors.everybody() if self._number(each) == number), None)

    def choice(self, person: UUID) -> str:
        """Stands for somebody in a list of names, in this reading: nothing of it leads to the pseudonym."""
        return keyed_digest(self._reading.id.bytes + person.bytes, purpose=CHOICE).hex()

    def chosen(self, choice: str) -> UUID | None:
        """Whose ``choice`` this is."""
        return next((each for each in selectors.everybody() if compare_digest(self.choice(each), choice)), None)

    def digest(self, people: Iterable[UUID]) -> str:
        """The same for the same people in this reading, and nothing about them."""
        everyone = b"".join(sorted(each.bytes for each in people))
        return keyed_digest(self._reading.id.bytes + everyone, purpose=SHOWN).hex()

    def name(self, person: UUID) -> str:
        """As ``call``, of somebody whose row is not at hand."""
        return self.call(self._members.get(person), person)

    def call(self, member: Any, person: UUID | None) -> str:
        """As ``audit.words`` wants people called."""
        if person is None or person in self.named:
            return words.person(member, person)
        return _("Membre %(pseudonym)s") % {"pseudonym": self.pseudonym(person)}
