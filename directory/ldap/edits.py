"""What a correction comes to in an entry's own attributes.  Values in, values out.

An attribute may hold more values than the one that the hub shows: only that one is replaced, the others stay.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from directory.ldap.mapping import LIMITS, person_from
from directory.ldap.rules import READ_APART, Rules
from directory.normalise import clean, name_keys, postal_address

Attributes = Mapping[str, Sequence[bytes]]

NOBODY = UUID(int=0)
# RFC 4517 §3.3.28, Postal Address: what the usual attributes for one have as their syntax.
POSTAL = frozenset({"postaladdress", "homepostaladdress", "registeredaddress"})


class Unwritable(ValueError):
    """A value that the directory could not hold as it is meant; ``item`` says of what."""

    def __init__(self, item: str) -> None:
        super().__init__(item)
        self.item = item


class NobodyLeft(ValueError):
    """A group of names holds one at least (RFC 4519 §3.5): its last is not taken out."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One attribute: exactly these values go, these come.

    ``whole``: where values cannot be told apart by the server (a photo has no equality, RFC 2798 §2.6), all of them as
    they are to be.
    """

    attribute: str
    gone: tuple[bytes, ...] = ()
    new: tuple[bytes, ...] = ()
    whole: tuple[bytes, ...] | None = None

    def applied(self, values: Sequence[bytes]) -> list[bytes]:
        """The attribute's values afterwards."""
        if self.whole is not None:
            return list(self.whole)
        return [*(value for value in values if value not in self.gone), *self.new]


def shown(attributes: Attributes, rules: Rules) -> dict[str, str]:
    """What the hub makes of an entry, item by item."""
    return dict(person_from(NOBODY, "", "", attributes, rules).details)


def edit_of(item: str, text: str, attributes: Attributes, rules: Rules) -> Edit | None:
    """From what the entry holds to what is wanted of this item; nothing where that is the same.

    Raises ``Unwritable``.
    """
    name = rules.person[item]
    raws = tuple(attributes.get(name.lower(), ()))
    wanted = encoded(item, text, name)
    now = shown(attributes, rules)[item]
    # The value that is shown, in each of its spellings; a server gives no order.
    gone = tuple(raw for raw in raws if now and shown({name.lower(): [raw]}, rules)[item] == now and raw != wanted)
    new = (wanted,) if wanted and wanted not in raws else ()
    return Edit(name, gone, new) if gone or new else None


def photo_edit(content: bytes, attributes: Attributes, rules: Rules) -> Edit | None:
    """``content``: the new photo, or nothing.  The first is the one that is shown; any others stay behind it."""
    name = rules.person["photo"]
    raws = tuple(attributes.get(name.lower(), ()))
    whole = (*((content,) if content else ()), *(raw for raw in raws[1:] if raw != content))
    return None if whole == raws else Edit(name, whole=whole)


def member_edit(dn: str, attributes: Attributes, rules: Rules, *, wanted: bool) -> Edit | None:
    """Of a group: with this person among its members, or without; nothing where that is so.

    ``dn``: the person's name, as the directory has it.  Raises ``NobodyLeft``.
    """
    held = [(name, raw) for name in rules.member_attributes for raw in attributes.get(name.lower(), ())]
    own = name_keys([dn.encode()])
    there = [(name, raw) for name, raw in held if name_keys([raw]) == own]
    if wanted:
        # Classes of group name their members in one attribute or another: in the one that this group uses.
        return None if there else Edit(held[0][0] if held else rules.group["member"], new=(dn.encode(),))
    if not there:
        return None
    if len(there) == len(held):
        raise NobodyLeft
    name = there[0][0]
    return Edit(name, gone=tuple(raw for attribute, raw in there if attribute == name))


def encoded(item: str, text: str, attribute: str) -> bytes:
    """As the directory writes it: one line, or the lines of an address; empty for nothing.  Raises ``Unwritable``."""
    if item in READ_APART:
        raise Unwritable(item)
    lines = item == "postal_address"
    kept = clean(text, lines=lines)
    if len(kept) > LIMITS[item]:
        raise Unwritable(item)
    if lines and attribute.lower() in POSTAL:
        kept = "$".join(_escaped(line) for line in kept.split("\n"))
        # What would not be read as it was written would change by itself at the next pass.
        if postal_address(kept) != clean(text, lines=True):
            raise Unwritable(item)
    return kept.encode()


def _escaped(line: str) -> str:
    return line.replace("\\", "\\5C").replace("$", "\\24")
