"""How the kinds of directory server differ.  Values in, values out."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from directory.types import ServerKind

Attributes = Mapping[str, Sequence[bytes]]


@dataclass(frozen=True, slots=True)
class Server:
    """What tells entries of this kind of server apart, and what tells that one has changed."""

    kind: ServerKind
    identity: str = "entryUUID"
    mark: str = "entryCSN"
    people_filter: str = "(objectClass=inetOrgPerson)"
    groups_filter: str = "(objectClass=groupOfNames)"
    # Items whose attribute is another one here.
    person: Mapping[str, str] = field(default_factory=dict)
    group: Mapping[str, str] = field(default_factory=dict)

    @property
    def pivots(self) -> tuple[str, ...]:
        return (self.identity, self.mark)

    def identity_of(self, attributes: Attributes) -> UUID:
        return UUID(attributes[self.identity.lower()][0].decode("ascii"))

    @property
    def has_ranges(self) -> bool:
        return False

    def hex_of(self, attributes: Attributes) -> str:
        return attributes[self.identity.lower()][0].decode("ascii").replace("-", "").lower()

    def watermark(self, read: Callable[[str, Collection[str]], Attributes], base: str) -> tuple[str, ...]:
        values = read(base, ("contextCSN",)).get("contextcsn", ())
        return tuple(sorted(value.decode("ascii", "replace") for value in values))

    def mark_of(self, attributes: Attributes) -> str:
        return next((value.decode("ascii", "replace") for value in attributes.get(self.mark.lower(), ())), "")

    def identity_filter(self, uuid: UUID) -> str:
        return f"({self.identity}={uuid})"

    def people_base(self, base: str) -> str:
        return f"ou=personnes,{base}"

    def groups_base(self, base: str) -> str:
        return f"ou=groupes,{base}"

    def is_locked(self, attributes: Attributes) -> bool:
        return b"000001010000Z" in attributes.get("pwdaccountlockedtime", ())


SERVERS = {ServerKind.OPENLDAP: Server(ServerKind.OPENLDAP)}
