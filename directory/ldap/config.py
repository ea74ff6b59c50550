"""One directory as a value: where it is, as whom it is read, and what its words mean here."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from directory.ldap.plan import Ceilings
from directory.ldap.rules import Rules, rules_from
from directory.ldap.servers import SERVERS, Server
from directory.types import DirectoryRefused, ServerKind

# LDAPNOINIT keeps ldap.conf out, and with it the system's authorities: they are named here instead.
SYSTEM_AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
# libldap takes other letters, and commas between addresses: what is not written so would be checked as one thing and
# used as another.
ADDRESS = re.compile(r"(ldaps?|ldapi)://[^\s,]+")


@dataclass(frozen=True, slots=True)
class LdapConfig:
    """Everything that reading, binding and writing need to know of one source."""

    uri: str
    base: str
    people_base: str
    groups_base: str
    bind_dn: str
    bind_password: str
    ca_file: Path = SYSTEM_AUTHORITIES
    write_dn: str = ""
    write_password: str = ""
    start_tls: bool = True
    timeout_seconds: float = 3.0
    server: Server = SERVERS[ServerKind.OPENLDAP]
    people_filter: str = ""
    groups_filter: str = ""
    rules: Rules = field(default_factory=lambda: rules_from(SERVERS[ServerKind.OPENLDAP]))
    ceilings: Ceilings = field(default_factory=Ceilings)
    source_id: int | None = None

    def __post_init__(self) -> None:
        """Raises ``DirectoryRefused`` where the addresses are not of one kind.

        libldap goes to the next one by itself: whoever stops the ldaps:// of a list would be told the reader's password
        in clear text at an ldap:// of it, since StartTLS is not for ldaps:// (RFC 4513 §3.1.1).
        """
        kinds = {found[1] if (found := ADDRESS.fullmatch(each)) else "" for each in self.uri.split()}
        if len(kinds) > 1 or "" in kinds:
            raise DirectoryRefused("an address is none, or they do not all begin alike")

    def __repr__(self) -> str:
        return f"LdapConfig({self.uri})"

    @property
    def can_write(self) -> bool:
        """Whether the hub has an account that may set passwords."""
        return bool(self.write_dn and self.write_password)

    @property
    def people_search(self) -> str:
        return self.people_filter or self.server.people_filter

    @property
    def groups_search(self) -> str:
        return self.groups_filter or self.server.groups_filter
