"""One directory as a value: where it is, as whom it is read, and what its words mean here."""

from dataclasses import dataclass, field
from pathlib import Path

from directory.ldap.plan import Ceilings
from directory.ldap.rules import Rules, rules_from
from directory.ldap.servers import SERVERS, Server
from directory.types import ServerKind

# LDAPNOINIT keeps ldap.conf out, and with it the system's authorities: they are named here instead.
SYSTEM_AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")


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
