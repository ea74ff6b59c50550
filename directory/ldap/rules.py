"""What the words of one directory mean in the hub: which attribute gives which item, which kind, which state.

Values in, values out.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from directory.ldap.servers import Server
from directory.normalise import dn_key, fold
from directory.types import Kind

# Raised when the same entry would come to something else than before: every entry is looked at again.
VERSION = 2
PERSON: dict[str, str] = {
    "login": "uid",
    "email": "mail",
    "display_name": "displayName",
    "common_name": "cn",
    "given_name": "givenName",
    "family_name": "sn",
    "phone": "telephoneNumber",
    "mobile": "mobile",
    "trade": "title",
    "employee_number": "employeeNumber",
    "employee_type": "employeeType",
    "business_name": "o",
    "postal_address": "postalAddress",
    "postal_code": "postalCode",
    "town": "l",
    "language": "preferredLanguage",
    "photo": "jpegPhoto",
    "locked": "pwdAccountLockedTime",
}
# Read apart from everything else, and only of whom it may have changed: a photo weighs more than the rest of an entry.
READ_APART = frozenset({"photo"})
GROUP: dict[str, str] = {
    "name": "cn",
    "description": "description",
    "kind": "businessCategory",
    "member": "member",
    "lead": "owner",
}
KINDS = {
    "pôle": Kind.POLE,
    "auto-géré": Kind.SELF_RUN,
    "territorial": Kind.TERRITORY,
    "structure": Kind.TEAM,
    "conseil": Kind.BOARD,
}
# What nobody changes of themselves, whatever a mapping says: who somebody is, and what opens the account.  A mail
# address is such a thing: forgotten passwords go there, and nothing here proves yet that the new one is the member's.
NEVER_WRITABLE = frozenset(
    {"login", "email", "employee_number", "employee_type", "locked", "common_name", "display_name"}
)
# What members correct themselves where a source has a write account and says nothing else: what they alone know, which
# the office would only type for them.  Names are left out: contracts and payslips carry them, and the office sees a
# paper first.
WRITABLE = (
    "phone",
    "mobile",
    "trade",
    "business_name",
    "postal_address",
    "postal_code",
    "town",
    "language",
    "photo",
)
# The word, among what a source lets be written, for its groups: those who lead a collective add and remove its members.
# It stands nowhere until somebody puts it there, for a group may open more in the directory than the hub knows of.
MEMBERSHIPS = "memberships"
NO_PASSWORDS = frozenset(
    {
        "userpassword",
        "authpassword",
        "pwdhistory",
        "passwordhistory",
        "unicodepwd",
        "ntpwdhistory",
        "lmpwdhistory",
        "dbcspwd",
        "supplementalcredentials",
        "ms-mcs-admpwd",
        "sambantpassword",
        "sambalmpassword",
        "sambapasswordhistory",
        "ipanthash",
        "krbprincipalkey",
        "userpkcs12",
        "olcrootpw",
    }
)
# What gives rights in a directory, or says who somebody is to other programs: no correction of one's own either,
# whichever item a mapping gives it to.
GIVE_RIGHTS = frozenset(
    {
        "objectclass",
        "uid",
        "mail",
        "employeetype",
        "memberof",
        "member",
        "uniquemember",
        "owner",
        "manager",
        "authzto",
        "authzfrom",
        "pwdreset",
        "pwdpolicysubentry",
        "pwdaccountlockedtime",
        "nsaccountlock",
        "nsroledn",
        "useraccountcontrol",
        "samaccountname",
        "userprincipalname",
        "serviceprincipalname",
        "krbprincipalname",
        "altsecurityidentities",
        "mailalternateaddress",
        "mailforwardingaddress",
        "uidnumber",
        "gidnumber",
        "homedirectory",
        "loginshell",
        "sshpublickey",
    }
)
# By a number (RFC 4512 §1.4) any attribute has a second name, that of passwords too: 2.5.4.35.
NAMED = re.compile(r"[A-Za-z][A-Za-z0-9-]*")


@dataclass(frozen=True)
class Rules:
    """``person`` and ``group``: item → attribute; an item without an attribute is not read.

    ``former_key``: the branch of those who left.  ``placeholders``: names that a server writes where a group would be
    left without anybody.  ``mail_domain``: whose addresses are the organisation's own.
    """

    server: Server
    person: Mapping[str, str]
    group: Mapping[str, str]
    kinds: Mapping[str, Kind]
    writable: frozenset[str]
    former_key: str
    mail_domain: str
    placeholders: frozenset[str]
    memberships_writable: bool = False

    @cached_property
    def person_attributes(self) -> tuple[str, ...]:
        read = {name for item, name in self.person.items() if item not in READ_APART}
        return tuple(sorted({*read, *self.server.always} - {""}))

    @cached_property
    def person_keys(self) -> tuple[str, ...]:
        """As an answer names them."""
        return tuple(name.lower() for name in self.person_attributes)

    @cached_property
    def member_attributes(self) -> tuple[str, ...]:
        """Classes of group name their members in one attribute or another: whichever an entry has."""
        return tuple(sorted({self.group["member"], *self.server.members.values()} - {""}))

    @cached_property
    def group_attributes(self) -> tuple[str, ...]:
        return tuple(sorted({*self.group.values(), *self.member_attributes} - {""}))

    @cached_property
    def group_keys(self) -> tuple[str, ...]:
        return tuple(name.lower() for name in self.group_attributes)

    @cached_property
    def digest(self) -> str:
        """Changes with everything that could make the same entry come to something else."""
        parts = [
            str(VERSION),
            self.server.kind.value,
            *(f"{item}={name}" for item, name in sorted(self.person.items())),
            *(f"{item}={name}" for item, name in sorted(self.group.items())),
            *(f"{word}={kind}" for word, kind in sorted(self.kinds.items())),
            self.former_key,
            self.mail_domain,
            *sorted(self.placeholders),
        ]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def rules_from(
    server: Server,
    *,
    base: str = "",
    former_key: str = "",
    mapping: Mapping[str, Mapping[str, str]] | None = None,
    kinds: Mapping[str, str] | None = None,
    writable: Sequence[str] = (),
) -> Rules:
    """The server's usual words, and what a source says is otherwise.

    An attribute that holds a password is never read, whatever a mapping names; what says who somebody is, or gives
    rights, is never a member's to correct, whichever item a mapping gives it to.
    """
    given = mapping or {}
    person = {**PERSON, **server.person, **given.get("person", {})}
    group = {**GROUP, **server.group, **given.get("group", {})}
    for names in (person, group):
        names.update({item: "" for item, name in names.items() if not may_be_read(name)})
    words = {**{word: kind.value for word, kind in KINDS.items()}, **(kinds or {})}
    return Rules(
        server=server,
        person=person,
        group=group,
        kinds={fold(word): Kind(kind) for word, kind in words.items() if kind in Kind.values},
        # What is not read would be written blindly.
        writable=frozenset(
            item for item in writable if item not in NEVER_WRITABLE and may_be_written(item, person, server)
        ),
        former_key=former_key,
        mail_domain=domain_of(base),
        placeholders=frozenset({dn_key(f"cn=personne,ou=services,{base}")} if base else ()),
        memberships_writable=MEMBERSHIPS in writable,
    )


def may_be_read(attribute: str) -> bool:
    """Whether this is the name of an attribute, and of none that holds passwords."""
    return bool(NAMED.fullmatch(attribute)) and attribute.lower() not in NO_PASSWORDS


def may_be_written(item: str, person: Mapping[str, str], server: Server) -> bool:
    """Whether the attribute of this item is anything but what says who somebody is, or opens the account."""
    attribute = person.get(item, "").lower()
    names = {person[never] for never in NEVER_WRITABLE} | {*server.pivots, *server.always, *server.watermark}
    return bool(attribute) and attribute not in GIVE_RIGHTS | {name.lower() for name in names}


def domain_of(base: str) -> str:
    """The organisation's domain, from its suffix: ``dc=alizarine,dc=example`` is ``alizarine.example``."""
    parts = [part.strip().partition("=") for part in base.split(",")]
    return ".".join(value for name, _, value in parts if name.lower() == "dc").lower()
