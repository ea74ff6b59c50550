"""Which directory the hub reads, and how: the operator's ``LDAP`` setting as one value."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings

from directory.types import DirectoryRefused

LOOPBACK = {"127.0.0.1", "::1", "localhost"}
# LDAPNOINIT keeps ldap.conf out, and with it the system's authorities: they are named here instead.
SYSTEM_AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")


@dataclass(frozen=True, slots=True)
class LdapConfig:
    """Where the directory is and as whom it is read."""

    uri: str
    base: str
    people_base: str
    groups_base: str
    bind_dn: str
    bind_password: str
    write_dn: str = ""
    write_password: str = ""
    ca_file: Path = SYSTEM_AUTHORITIES
    start_tls: bool = True
    timeout_seconds: float = 3.0

    def __repr__(self) -> str:
        return f"LdapConfig({self.uri})"

    @property
    def can_write(self) -> bool:
        """Whether the hub has an account that may set passwords."""
        return bool(self.write_dn and self.write_password)

    @property
    def former_base(self) -> str:
        """The branch of those who left."""
        return f"ou=anciens,{self.people_base}"

    @property
    def placeholders(self) -> tuple[str, ...]:
        """What a reference-keeping server writes where a group or an office would be left without anybody."""
        return (f"cn=personne,ou=services,{self.base}",)

    @property
    def mail_domain(self) -> str:
        """The organisation's domain, from its suffix: ``dc=alizarine,dc=example`` is ``alizarine.example``."""
        parts = [part.strip().partition("=") for part in self.base.split(",")]
        return ".".join(value for name, _, value in parts if name.lower() == "dc").lower()


def load() -> LdapConfig:
    """The configured directory.  Raises ``DirectoryRefused`` for none, and for a distant one without TLS."""
    given = getattr(settings, "LDAP", {})
    if not given.get("uri"):
        raise DirectoryRefused("no directory is configured (TROUSSEAU_LDAP_URI)")
    base = given["base"]
    config = LdapConfig(
        uri=given["uri"],
        base=base,
        people_base=given.get("people_base") or f"ou=personnes,{base}",
        groups_base=given.get("groups_base") or f"ou=groupes,{base}",
        bind_dn=given.get("bind_dn", ""),
        bind_password=given.get("bind_password", ""),
        write_dn=given.get("write_dn", ""),
        write_password=given.get("write_password", ""),
        ca_file=Path(given.get("ca_file") or SYSTEM_AUTHORITIES),
        start_tls=given.get("start_tls", True),
        timeout_seconds=given.get("timeout_seconds", 3.0),
    )
    url = urlsplit(config.uri)
    # RFC 4513 §5.1.3: a simple bind hands the password to whoever listens.
    if url.scheme == "ldap" and not config.start_tls and url.hostname not in LOOPBACK:
        raise DirectoryRefused("the directory would be read without TLS")
    return config
