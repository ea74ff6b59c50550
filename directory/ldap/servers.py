"""How the kinds of directory server differ.  Values in, values out: no connection, no Django, no clock.

Attribute names in what is passed here are in lower case, values are bytes as they came.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple
from uuid import UUID

from directory.normalise import InvalidName, dn_key
from directory.types import ServerKind

Attributes = Mapping[str, Sequence[bytes]]
Place = tuple[int, str]

# What to ask of the root entry (RFC 4512 §5.1, RFC 3045) to recognise a server and to know what it can do.
ROOT_ATTRIBUTES = (
    "objectClass",
    "vendorName",
    "vendorVersion",
    "namingContexts",
    "defaultNamingContext",
    "subschemaSubentry",
    "supportedControl",
    "supportedExtension",
    "supportedFeatures",
    "supportedCapabilities",
)
PAGING = b"1.2.840.113556.1.4.319"
ASSERTION = b"1.3.6.1.1.12"
POST_READ = b"1.3.6.1.1.13.2"
PASSWORD_POLICY = b"1.3.6.1.4.1.42.2.27.8.5.1"
MODIFY_PASSWORD = b"1.3.6.1.4.1.4203.1.11.1"
WHO_AM_I = b"1.3.6.1.4.1.4203.1.11.3"
# [MS-ADTS] §3.1.1.3.4.3: LDAP_CAP_ACTIVE_DIRECTORY_OID; Samba says it too.
IS_ACTIVE_DIRECTORY = b"1.2.840.113556.1.4.800"

# Locked for good; any other time is a lock that ends by itself, which only the server's bind can judge.
LOCKED_FOR_GOOD = b"000001010000Z"
# [MS-ADTS] §2.2.16
ACCOUNT_DISABLED = 0x2
RANGE = re.compile(r"(?P<name>[^;]+);range=(?P<first>[0-9]+)-(?P<last>[0-9]+|\*)")
# ``AcceptSecurityContext error, data 773``: a right password that is over, or has to be replaced first.
EXPIRED = re.compile(r"\bdata (532|773)\b")
# ERROR_INVALID_PASSWORD ([MS-ERREF] §2.2), said of the old password where a new one is set.
WRONG_OLD = re.compile(r"^00000056: ")
MAX_ORIGIN = 60
NUMBER = re.compile(r"-?[0-9]{1,20}")
# Of a time as servers write it, what comes before its parts of a second.
SECONDS = 14
# A change sequence number (RFC 4533 leaves its form to the server; slapd's).
CSN = re.compile(r"[0-9]{14}\.[0-9]{6}Z(#[0-9a-f]{3,6}){3}")
# RFC 4122 §3, as slapd writes it; other servers' identities have another form, or other bytes.
USUAL_UUID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
FOUR_WORDS = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{8}){3}")


class NoIdentity(ValueError):
    """An entry that cannot be told from others; the message is the attribute's name."""


class PasswordChange(Enum):
    """How a server is told a new password."""

    # RFC 3062, the extended operation.
    OPERATION = "operation"
    # [MS-ADTS] §3.1.1.3.1.5: ``unicodePwd``, written as ``quoted_password`` gives it, and only over TLS.
    ATTRIBUTE = "attribute"


class Range(NamedTuple):
    """An attribute of which the server gave a part, and where the next part begins."""

    attribute: str
    start: int

    @property
    def wanted(self) -> str:
        """What to ask for to have the next part."""
        return f"{self.attribute};range={self.start}-*"


@dataclass(frozen=True, slots=True)
class Server:
    """OpenLDAP, and what the others say differently.

    ``origin`` is which of several servers of the same content answers: where an entry's mark is this server's own
    count, the same number of another server means nothing.
    """

    kind: ServerKind = ServerKind.OPENLDAP
    # What tells an entry apart for ever, and what tells that it is not as it was.
    identity: str = "entryUUID"
    marks: tuple[str, ...] = ("entryCSN",)
    watermark: tuple[str, ...] = ("contextCSN",)
    people_filter: str = "(objectClass=inetOrgPerson)"
    groups_filter: str = "(objectClass=groupOfNames)"
    # Items whose attribute is another one here.
    person: Mapping[str, str] = field(default_factory=dict)
    group: Mapping[str, str] = field(default_factory=dict)
    # Classes of group, and which of their attributes names the members.
    members: Mapping[str, str] = field(
        default_factory=lambda: {"groupOfNames": "member", "groupOfUniqueNames": "uniqueMember"}
    )
    locked: str = "pwdAccountLockedTime"
    # For each page slapd begins to look through its candidates anew; more at once gains nothing.
    page_size: int = 400
    # Whether a value may come in parts (``ranged``).
    gives_ranges: bool = False
    # Settings of the server that cut an answer short: named to whoever can change them.
    limits: tuple[str, ...] = ("olcSizeLimit", "olcLimits")
    # Marks mean something only while the server also says how far its content is: one that has stopped counting
    # leaves every entry its last number.
    marks_need_watermark: bool = False
    password_change: PasswordChange = PasswordChange.OPERATION
    usual_people: str = "ou=personnes"
    usual_groups: str = "ou=groupes"

    # One entry ---------------------------------------------------------------------------------------------------

    @property
    def pivots(self) -> tuple[str, ...]:
        return (self.identity, *self.marks)

    @property
    def always(self) -> tuple[str, ...]:
        """What is read of a person whatever a mapping says: who may enter, and as whom the server knows them."""
        return (self.locked,)

    def identity_of(self, attributes: Attributes) -> UUID:
        """Raises ``NoIdentity`` for an entry that shows none, or several, or something else."""
        try:
            return self._uuid(_only(attributes, self.identity))
        except ValueError as error:
            raise NoIdentity(self.identity) from error

    def hex_of(self, attributes: Attributes) -> str:
        """``identity_of`` as digits: what a pass asks of everybody, and so without an object for each."""
        values = attributes.get(self.identity.lower(), ())
        if len(values) == 1 and USUAL_UUID.fullmatch(values[0]):
            return values[0].replace(b"-", b"").decode("ascii")
        return self.identity_of(attributes).hex

    def _uuid(self, value: bytes) -> UUID:
        return UUID(value.decode("ascii"))

    def identity_filter(self, uuid: UUID) -> str:
        return f"({self.identity}={uuid})"

    def mark_of(self, attributes: Attributes, origin: str = "") -> str:
        """Other than it was where the entry has changed; compared for nothing else.

        Empty where the server shows none: nothing is known of such an entry until it is read in full.
        """
        return _first(attributes, self.marks[0])

    def is_locked(self, attributes: Attributes) -> bool:
        """Locked for good: a lock that ends by itself is left to the server's bind."""
        return LOCKED_FOR_GOOD in attributes.get(self.locked.lower(), ())

    def ranged(self, attributes: Attributes) -> Range | None:
        """An attribute whose values did not all come, if there is one; ``whole`` puts the parts together."""
        return None

    def is_same(self, authorisation: str, dn: str, attributes: Attributes) -> bool:
        """Whether the answer to "Who am I?" (RFC 4532) is this entry."""
        try:
            return authorisation.startswith("dn:") and dn_key(authorisation[3:]) == dn_key(dn) != ""
        except InvalidName:
            return False

    def is_expired(self, told: str) -> bool:
        """Whether the server's words to a refused bind say that the password was right, and is over."""
        return False

    def is_wrong_old(self, told: str) -> bool:
        """Whether the server's words to a refused new password mean the old one."""
        return False

    # The whole content -------------------------------------------------------------------------------------------

    def people_base(self, base: str) -> str:
        return f"{self.usual_people},{base}" if self.usual_people else base

    def groups_base(self, base: str) -> str:
        return f"{self.usual_groups},{base}" if self.usual_groups else base

    def watermark_dn(self, base: str) -> str:
        """The entry that says how far the whole content has come; the root entry's name is empty."""
        return base

    def origin_dn(self, attributes: Attributes) -> str:
        """Where the server that answered says which it is; empty where the watermark's own entry tells all of it."""
        return ""

    def origin_of(self, attributes: Attributes) -> str:
        return ""

    def watermark_of(self, attributes: Attributes, origin: str = "") -> tuple[str, ...]:
        """How far the content has come, by server; empty where the server does not say."""
        values = attributes.get(self.watermark[0].lower(), ())
        return tuple(sorted(value.decode("ascii", "replace") for value in values))

    def marked_since(self, before: Iterable[str], after: Iterable[str]) -> str:
        """A filter for what was written between these two watermarks; empty where they do not tell.

        A hint and no proof: an entry whose server's clock is behind another's may be left out, and whatever is gone.
        """
        marks = [mark for _, mark in _overtaken(before, after) if CSN.fullmatch(mark)]
        return f"({self.marks[0]}>={min(marks)})" if marks else ""

    def sync_cookie(self, watermark: Iterable[str]) -> str:
        """How far a mirror is (RFC 4533 §2.1.2), as OpenLDAP writes it; empty for the marks of any other."""
        marks = list(watermark)
        return f"rid=000,csn={';'.join(marks)}" if marks and all(map(CSN.fullmatch, marks)) else ""


@dataclass(frozen=True, slots=True)
class Ds389Server(Server):
    """389 Directory Server, and Red Hat's: change numbers where its USN plug-in is on."""

    kind: ServerKind = ServerKind.DS389
    identity: str = "nsUniqueId"
    # An import begins the count again, and every entry has number 0 then: the time tells those apart.
    marks: tuple[str, ...] = ("entryUSN", "modifyTimestamp")
    watermark: tuple[str, ...] = ("lastusn", "netscapemdsuffix")
    groups_filter: str = "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames))"
    person: Mapping[str, str] = field(default_factory=lambda: {"locked": "nsAccountLock"})
    locked: str = "nsAccountLock"
    limits: tuple[str, ...] = ("nsPagedLookThroughLimit", "nsLookThroughLimit", "nsSizeLimit")
    marks_need_watermark: bool = True
    usual_people: str = "ou=people"
    usual_groups: str = "ou=groups"

    def _uuid(self, value: bytes) -> UUID:
        text = value.decode("ascii").lower()
        if not FOUR_WORDS.fullmatch(text):
            raise ValueError("another form")
        return UUID(text.replace("-", ""))

    def identity_filter(self, uuid: UUID) -> str:
        words = "-".join(uuid.hex[start : start + 8] for start in range(0, 32, 8))
        return f"({self.identity}={words})"

    def mark_of(self, attributes: Attributes, origin: str = "") -> str:
        number, time = (_first(attributes, name) for name in self.marks)
        # The time alone has a grain of a second: a change in the second of the reading would never be seen.
        return f"{origin}#{number}#{time}" if number else ""

    def is_locked(self, attributes: Attributes) -> bool:
        return any(value.strip().lower() == b"true" for value in attributes.get(self.locked.lower(), ()))

    def watermark_dn(self, base: str) -> str:
        return ""

    def origin_of(self, attributes: Attributes) -> str:
        """``cn=ldap://dc=HOST:PORT``: the numbers are not replicated, every supplier counts for itself."""
        origin = _first(attributes, "netscapemdsuffix").removeprefix("cn=ldap://dc=")
        # A mark is kept in a column, and a watermark is a list parted by spaces.
        fits = len(origin) <= MAX_ORIGIN and not re.search(r"\s", origin)
        return origin if fits else hashlib.sha256(origin.encode()).hexdigest()[:MAX_ORIGIN]

    def watermark_of(self, attributes: Attributes, origin: str = "") -> tuple[str, ...]:
        """``lastusn;userroot``: one number for each database, or a single one where they share the count."""
        counts = {
            name.lower().partition(";")[2]: values
            for name, values in attributes.items()
            if name.lower().partition(";")[0] == "lastusn"
        }
        return tuple(
            sorted(
                f"{origin}/{database}#{value.decode('ascii', 'replace')}"
                for database, values in counts.items()
                for value in values
            )
        )

    def marked_since(self, before: Iterable[str], after: Iterable[str]) -> str:
        return _numbered_since(self.marks[0], before, after)


@dataclass(frozen=True, slots=True)
class ActiveDirectoryServer(Server):
    """A domain controller: each counts for itself, and says which it is by its ``invocationId``.

    That identifier is a new one after a restored backup, so the marks of before are all others, and everything is
    read again.
    """

    kind: ServerKind = ServerKind.ACTIVE_DIRECTORY
    identity: str = "objectGUID"
    marks: tuple[str, ...] = ("uSNChanged",)
    watermark: tuple[str, ...] = ("highestCommittedUSN", "dsServiceName")
    # Not the domain's own: Administrator, krbtgt, Domain Users and their like.
    people_filter: str = "(&(objectCategory=person)(objectClass=user)(!(isCriticalSystemObject=TRUE)))"
    groups_filter: str = "(&(objectClass=group)(!(isCriticalSystemObject=TRUE)))"
    person: Mapping[str, str] = field(
        default_factory=lambda: {
            "login": "sAMAccountName",
            "business_name": "company",
            "postal_address": "streetAddress",
            "photo": "thumbnailPhoto",
            "locked": "userAccountControl",
        }
    )
    group: Mapping[str, str] = field(default_factory=lambda: {"lead": "managedBy"})
    members: Mapping[str, str] = field(default_factory=lambda: {"group": "member"})
    locked: str = "userAccountControl"
    page_size: int = 1000
    gives_ranges: bool = True
    limits: tuple[str, ...] = ("MaxPageSize", "MaxValRange")
    password_change: PasswordChange = PasswordChange.ATTRIBUTE
    # People live in units of every name: the whole domain.
    usual_people: str = ""
    usual_groups: str = ""

    @property
    def always(self) -> tuple[str, ...]:
        return (self.locked, "sAMAccountName")

    def _uuid(self, value: bytes) -> UUID:
        return UUID(bytes_le=value)

    def identity_filter(self, uuid: UUID) -> str:
        """[MS-DTYP] §2.3.4.2: the first three parts of a GUID are stored with their last byte first."""
        return f"({self.identity}={escaped(uuid.bytes_le)})"

    def mark_of(self, attributes: Attributes, origin: str = "") -> str:
        number = _first(attributes, self.marks[0])
        # Behind a domain's name another controller answers at any time: a number without its controller is none.
        return f"{origin}#{number}" if number and origin else ""

    def is_locked(self, attributes: Attributes) -> bool:
        text = _first(attributes, self.locked)
        # A number that cannot be read says nothing good of an account.
        return bool(text) and (not NUMBER.fullmatch(text) or bool(int(text) & ACCOUNT_DISABLED))

    def ranged(self, attributes: Attributes) -> Range | None:
        """[MS-ADTS] §3.1.1.3.1.3.3: at most 1,500 values (``MaxValRange``) come at once, as ``member;range=0-1499``."""
        parts = filter(None, map(RANGE.fullmatch, (name.lower() for name in attributes)))
        ends: dict[str, list[str]] = {}
        for part in parts:
            ends.setdefault(part["name"], []).append(part["last"])
        for name, last in sorted(ends.items()):
            if "*" not in last:
                return Range(name, max(map(int, last)) + 1)
        return None

    def is_same(self, authorisation: str, dn: str, attributes: Attributes) -> bool:
        """``u:DOMAIN\\name``, not the entry's name."""
        domain, _, name = authorisation.partition("\\")
        return (
            domain.startswith("u:")
            and bool(name)
            and name.casefold() == _first(attributes, "sAMAccountName").casefold()
        )

    def is_expired(self, told: str) -> bool:
        return bool(EXPIRED.search(told))

    def is_wrong_old(self, told: str) -> bool:
        return bool(WRONG_OLD.search(told))

    def watermark_dn(self, base: str) -> str:
        return ""

    def origin_dn(self, attributes: Attributes) -> str:
        """The controller's own settings, which hold its ``invocationId``."""
        return _first(attributes, "dsServiceName")

    def origin_of(self, attributes: Attributes) -> str:
        return next((str(self._uuid(value)) for value in attributes.get("invocationid", ())), "")

    def watermark_of(self, attributes: Attributes, origin: str = "") -> tuple[str, ...]:
        number = _first(attributes, self.watermark[0])
        return (f"{origin}#{number}",) if number and origin else ()

    def marked_since(self, before: Iterable[str], after: Iterable[str]) -> str:
        return _numbered_since(self.marks[0], before, after)


OPENLDAP = Server()
DS389 = Ds389Server()
ACTIVE_DIRECTORY = ActiveDirectoryServer()
SERVERS: Mapping[ServerKind, Server] = {server.kind: server for server in (OPENLDAP, DS389, ACTIVE_DIRECTORY)}


def recognise(root: Attributes) -> Server | None:
    """Which kind of server this root entry belongs to; nothing for one that the hub does not know."""
    said = {name.lower(): {value.lower() for value in values} for name, values in root.items()}
    if IS_ACTIVE_DIRECTORY in said.get("supportedcapabilities", ()):
        return ACTIVE_DIRECTORY
    if b"openldaprootdse" in said.get("objectclass", ()):
        return OPENLDAP
    if b"389 project" in said.get("vendorname", ()) or any(
        version.startswith(b"389-directory/") for version in said.get("vendorversion", ())
    ):
        return DS389
    return None


def went_back(before: Iterable[str], after: Iterable[str]) -> bool:
    """Whether a server's content is older than it was: an older backup, restored.  Both are watermarks."""
    now = _places(after)
    return any(now[server] < place for server, place in _places(before).items() if server in now)


def is_older(before: str, now: str) -> bool:
    """Whether an entry's mark is one of before.

    Of times, by a second at least: a content that is loaded anew may be numbered anew within one.
    """
    (server, (number, time)), (other, (number_now, time_now)) = _place(before), _place(now)
    return server == other and (number_now < number or time_now[:SECONDS] < time[:SECONDS])


def _overtaken(before: Iterable[str], after: Iterable[str]) -> list[Place]:
    """Where those servers were that have come further since."""
    now = _places(after)
    return [place for server, place in _places(before).items() if server in now and now[server] > place]


def _numbered_since(attribute: str, before: Iterable[str], after: Iterable[str]) -> str:
    numbers = [number for number, text in _overtaken(before, after) if not text]
    return f"({attribute}>={min(numbers) + 1})" if numbers else ""


def _places(watermark: Iterable[str]) -> dict[str, Place]:
    found: dict[str, Place] = {}
    for server, place in map(_place, watermark):
        found[server] = max(found.get(server, place), place)
    return found


def _place(value: str) -> tuple[str, Place]:
    """Of which server, and how far: a CSN (``time#count#server#change``, RFC 4533) or ``server#number``."""
    parts = value.split("#")
    if len(parts) == 4:
        return parts[2], (0, value)
    server, _, number = value.rpartition("#")
    return server, (int(number), "") if NUMBER.fullmatch(number) else (0, value)


def whole(parts: Iterable[Attributes]) -> dict[str, list[bytes]]:
    """One entry's attributes, of which a server gave one part after the other (``ranged``)."""
    joined: dict[str, list[bytes]] = {}
    for part in parts:
        for name, values in part.items():
            found = RANGE.fullmatch(name.lower())
            held = joined.setdefault(found["name"] if found else name.lower(), [])
            held += [value for value in values if value not in held] if found is None else values
    return joined


def escaped(value: bytes) -> str:
    """Any bytes as they stand in a filter (RFC 4515 §3)."""
    return "".join(f"\\{byte:02x}" for byte in value)


def quoted_password(password: str) -> bytes:
    """A password as ``unicodePwd`` wants it ([MS-ADTS] §3.1.1.3.1.5)."""
    return f'"{password}"'.encode("utf-16-le")


def _first(attributes: Attributes, name: str) -> str:
    values = attributes.get(name.lower())
    return values[0].decode("utf-8", "replace") if values else ""


def _only(attributes: Attributes, name: str) -> bytes:
    values = attributes.get(name.lower(), ())
    if len(values) != 1:
        raise ValueError(f"{len(values)} values")
    return values[0]


# What can be done with one server -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Probed:
    """What was read when a source was set up, with the account that will read it.

    ``samples``: some people and groups, asked for ``pivots``.  ``origin`` and ``watermark``: what ``origin_of`` and
    ``watermark_of`` made of the answers.  ``authorisation``: the server's answer to "Who am I?", as the reader.
    """

    root: Attributes
    samples: Sequence[Attributes] = ()
    origin: str = ""
    watermark: tuple[str, ...] = ()
    authorisation: str = ""
    has_writer: bool = False


@dataclass(frozen=True, slots=True)
class Ability:
    """One thing that can or cannot be done; ``directory.words`` says why, and what follows.

    ``why`` is a code; ``names``: the attributes or settings that somebody would have to show or to change.
    """

    what: str
    can: bool
    why: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Abilities:
    """What the hub can do with a server as it is set up now."""

    read: Ability
    page: Ability
    pivot: Ability
    probe: Ability
    policy: Ability
    change_password: Ability
    reset_password: Ability
    write: Ability
    whoami: Ability

    @property
    def each(self) -> tuple[Ability, ...]:
        return (
            self.read,
            self.page,
            self.pivot,
            self.probe,
            self.policy,
            self.change_password,
            self.reset_password,
            self.write,
            self.whoami,
        )

    @property
    def codes(self) -> dict[str, str]:
        """As a source's row keeps them."""
        return {ability.what: ability.why for ability in self.each}


def abilities_of(server: Server, probed: Probed) -> Abilities:
    """What this server, asked by this account, lets the hub do."""
    root = {name.lower(): frozenset(values) for name, values in probed.root.items()}
    controls, extensions = root.get("supportedcontrol", frozenset()), root.get("supportedextension", frozenset())
    read = _read(server, probed)
    by_operation = server.password_change is PasswordChange.OPERATION
    tells = by_operation and MODIFY_PASSWORD not in extensions
    return Abilities(
        read=read,
        page=_offered("page", controls, PAGING, names=server.limits),
        pivot=_pivot(server, probed, read),
        probe=_probe(server, probed),
        policy=Ability("policy", True, "by_message")
        if server is ACTIVE_DIRECTORY
        else _offered("policy", controls, PASSWORD_POLICY),
        change_password=Ability("change_password", not tells, "not_offered" if tells else "offered"),
        reset_password=_by_writer("reset_password", probed, offered=not tells),
        write=_write(probed, controls),
        # Samba answers without having said that it would.
        whoami=_offered("whoami", extensions | ({WHO_AM_I} if probed.authorisation else set()), WHO_AM_I),
    )


def _read(server: Server, probed: Probed) -> Ability:
    if not probed.samples:
        return Ability("read", False, "nothing_found")
    for sample in probed.samples:
        try:
            server.identity_of(sample)
        except NoIdentity:
            return Ability("read", False, "identity_hidden", (server.identity,))
    return Ability("read", True, "identity_shown", (server.identity,))


def _pivot(server: Server, probed: Probed, read: Ability) -> Ability:
    if not read.can:
        return Ability("pivot", False, "nothing_read")
    shown = all(server.mark_of(sample, probed.origin) for sample in probed.samples)
    shown = shown and (bool(probed.watermark) or not server.marks_need_watermark)
    return Ability("pivot", shown, "mark_shown" if shown else "mark_hidden", server.marks[:1])


def _probe(server: Server, probed: Probed) -> Ability:
    shown = bool(probed.watermark)
    return Ability("probe", shown, "watermark_shown" if shown else "watermark_hidden", server.watermark[:1])


def _offered(what: str, offers: frozenset[bytes], wanted: bytes, *, names: tuple[str, ...] = ()) -> Ability:
    can = wanted in offers
    return Ability(what, can, "offered" if can else "not_offered", names)


def _by_writer(what: str, probed: Probed, *, offered: bool) -> Ability:
    if not offered:
        return Ability(what, False, "not_offered")
    return Ability(what, probed.has_writer, "offered" if probed.has_writer else "no_writer")


def _write(probed: Probed, controls: frozenset[bytes]) -> Ability:
    """Nobody's change is overwritten: by an assertion (RFC 4528), or by naming each value that is replaced."""
    if not probed.has_writer:
        return Ability("write", False, "no_writer")
    return Ability("write", True, "by_assertion" if {ASSERTION, POST_READ} <= controls else "by_value")
