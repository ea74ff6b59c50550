"""Every setting an operator may choose, declared once: type, default, unit and the question it answers.

Values come from environment variables (prefix ``TROUSSEAU_``), or from files of the same name in the
folder named by ``TROUSSEAU_SECRETS_DIR``.  ``DATABASE_URL`` and ``CACHE_URL`` carry no prefix.
"""

import os
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent


class Env(BaseSettings):
    """The operator's answers."""

    model_config = SettingsConfigDict(
        env_prefix="TROUSSEAU_", secrets_dir=os.environ.get("TROUSSEAU_SECRETS_DIR"), extra="ignore"
    )

    origin: str = Field("http://localhost:8000", description="Where do browsers reach the hub? No trailing slash.")
    demo: bool = Field(False, description="Is this the demonstration with its mailbox page and its accounts?")
    data_dir: Path = Field(ROOT / "var" / "demo", description="Where do the database, mails and keys live?")
    audit_dir: Path | None = Field(
        None,
        description="Where does the signer of the journal keep its keys and what it signed last? Empty: in the data "
        "folder. Never in a backup that is restored with the database.",
    )
    journal_in_worker: bool = Field(
        True, description="Does the worker put events into the log of proof and sign it? False: run_journal does."
    )
    journal_before_administration: bool = Field(
        False,
        description="Do changes by office, technicians and DPO wait while the journal is unsigned? Sign-in never does.",
    )
    stream_url: str = Field(
        "",
        description="To which SIEM does the journal go as it grows? syslog+tls://host:6514 (RFC 5425). Empty: to none.",
    )
    stream_ca_file: Path | None = Field(
        None, description="Which authority signed the SIEM's certificate? Empty: those of the system."
    )
    stream_certificate_file: Path | None = Field(
        None, description="With which certificate does the hub show itself there? PEM, with its key. Empty: with none."
    )
    stream_confirms: bool = Field(
        True,
        description="Does the SIEM answer the end of TLS (RFC 5425 section 4.4)? False: what was written counts as "
        "taken, and is lost where the SIEM goes down at that moment.",
    )
    stream_file: Path | None = Field(
        None,
        description="Into which file does the journal go besides, a line of JSON for each event? Empty: into none.",
    )
    stream_people: Literal["pseudonym", "member"] = Field(
        "pseudonym",
        description="How are people called there? pseudonym: by a name that leads to nobody; member: by id.",
    )
    witness_silent_days: int = Field(
        3, ge=1, description="After how many days without a signature is a witness of the log called silent?"
    )
    publish_log: Literal["nothing", "tree", "entries"] = Field(
        "tree",
        description="What of the log of proof may anybody fetch? nothing; tree: checkpoints and hashes, all that a "
        "witness needs; entries: the entries too. None of it says anything of a person.",
    )
    secret_key: SecretStr = Field(SecretStr(""), description="Which key signs cookies? 50 random characters or more.")
    key_encryption_key: SecretStr = Field(
        SecretStr(""),
        description="Which key encrypts secrets at rest? 32 random bytes, URL-safe base64; old ones after a space.",
    )
    pairwise_salt: SecretStr = Field(
        SecretStr(""), description="Which salt derives subject identifiers? Losing it renames everyone at every tool."
    )
    database_url: str = Field(
        "",
        validation_alias=AliasChoices("DATABASE_URL", "database_url"),
        description="Which database? Empty: SQLite in the data folder; else postgres://user:password@host/name.",
    )
    cache_url: str = Field(
        "",
        validation_alias=AliasChoices("CACHE_URL", "cache_url"),
        description="Which shared cache? Empty: a table of the database; else redis://host:6379/0.",
    )

    ldap_uri: str = Field("", description="Which directory? ldap:// with StartTLS or ldaps://.")
    ldap_base: str = Field("dc=alizarine,dc=example", description="Which suffix holds people and groups?")
    ldap_people_base: str = Field("", description="Where are the people? Empty: ou=personnes under the suffix.")
    ldap_groups_base: str = Field("", description="Where are the groups? Empty: ou=groupes under the suffix.")
    ldap_bind_dn: str = Field("", description="As whom does the hub read the directory?")
    ldap_bind_password: SecretStr = Field(SecretStr(""), description="With which password does it read it?")
    ldap_write_dn: str = Field(
        "", description="As whom does the hub change passwords in the directory? Empty: it cannot reset any."
    )
    ldap_write_password: SecretStr = Field(SecretStr(""), description="With which password does it write there?")
    ldap_ca_file: Path | None = Field(None, description="Which authority signed the directory's certificate?")
    ldap_start_tls: bool = Field(True, description="Upgrade an ldap:// connection to TLS before anything is sent?")
    ldap_timeout_seconds: float = Field(3.0, gt=0, description="How long may one answer of the directory take?")
    directory_max_age_hours: int = Field(
        24, gt=0, description="From which age is the directory copy called stale, so that no passkey opens on it alone?"
    )
    directory_memory_mb: int = Field(
        1500, ge=300, description="How much memory, in MB, may the process take that follows the directories?"
    )

    mail_url: str = Field(
        "",
        description="Which mail server? smtps://user:password@host, smtp+tls://… for STARTTLS, or smtp://… in clear. "
        "Empty: mails are files in the data folder.",
    )
    mail_from: str = Field("Trousseau <trousseau@alizarine.example>", description="Who do mails come from?")
    cooperative_name: str = Field("Coopérative Alizarine", description="Whose hub is this?")
    office_contact: str = Field("structure@alizarine.example", description="Whom may a member ask for help?")
    dpo_contact: str = Field("dpo@alizarine.example", description="How is the data protection officer reached?")
    breach_hours: str = Field(
        "72",
        pattern=r"^[1-9][0-9]{0,2}( [0-9]{4}-[0-9]{2}-[0-9]{2}=[1-9][0-9]{0,2})*$",
        description="Within how many hours is a breach of data notified (GDPR article 33)? Another delay from a day on "
        "follows after a space: 72 2027-07-01=96.",
    )

    trusted_proxies: int = Field(0, ge=0, description="How many proxies of ours stand before the hub?")
    client_certificate_header: str = Field(
        "", description="In which header does the front proxy hand over a tool's TLS certificate? Empty: it does not."
    )
    client_certificate_verify_header: str = Field(
        "", description="In which header does the proxy say SUCCESS when it verified the certificate's chain?"
    )
    client_certificate_proxies: list[IPv4Network | IPv6Network] = Field(
        default_factory=list, description="From which addresses is that header believed?"
    )
    client_certificate_origin: str = Field(
        "", description="Under which other origin does the proxy ask tools for their certificate? Empty: the hub's own."
    )
    dpop_nonces: bool = Field(True, description="Must a DPoP proof carry a nonce of ours, so that none is made ahead?")
    dynamic_registration: bool = Field(
        False,
        description="May a program with a token of yours register tools (RFC 7591)? They stay closed until you look.",
    )
    registration_opens: bool = Field(
        False,
        description="May such a token open its tools to every member at once? Only for a hub without members.",
    )
    registration_management: bool = Field(
        False, description="May tools registered that way read, change and withdraw their own registration (RFC 7592)?"
    )
    documentation_url: str = Field("", description="Which page tells developers how to connect a tool? Empty: none.")
    policy_url: str = Field("", description="Which page tells tools what they may do with members' data? Empty: none.")
    cloud_url: str = Field(
        "",
        description="Where is the cooperative's Nextcloud, whose folders and calendars collectives show? "
        "https://nuage.example. Empty: there is none.",
    )
    cloud_user: str = Field("", description="As which account does the hub read there? It sees what is shared with it.")
    cloud_password: SecretStr = Field(SecretStr(""), description="With which app password of that account?")
    outgoing_networks: list[IPv4Network | IPv6Network] = Field(
        default_factory=list,
        description="Which private networks may the hub call (back-channel logout)? Empty: public addresses only.",
    )
    session_idle_hours: int = Field(12, gt=0, description="After how many idle hours does a session end?")
    session_absolute_days: int = Field(7, gt=0, description="After how many days does a session end in any case?")
    password_min_length: int = Field(15, ge=8, description="How many characters does a new password need?")
    invitation_days: int = Field(7, ge=1, le=30, description="For how many days is an invitation good?")
    reset_minutes: int = Field(
        30, ge=5, le=1440, description="For how many minutes is the link of a forgotten password good?"
    )
    trusted_browser_days: int = Field(
        30, ge=0, le=90, description="For how many days may a browser skip the second factor at sign-in? 0: never."
    )
    second_factor_grace_days: int = Field(
        14, ge=0, description="How many days has somebody to add a second factor once it is required?"
    )
    roles_need_second_factor: bool = Field(
        True, description="Must people with a role (office, DPO, technician) have a second factor?"
    )
    known_networks: dict[str, IPv4Network | IPv6Network] = Field(
        default_factory=dict, description="What are your own networks called on the page of sessions? A JSON object."
    )
    leaver_retention_days: int = Field(
        365, ge=30, description="For how many days are the details of somebody who left kept, so that they may return?"
    )
    requests_kept_days: int = Field(
        1826,
        ge=30,
        description="For how many days after their end are the words of requests kept, if no rule says otherwise?",
    )
    absence_days: int = Field(
        30,
        ge=1,
        description="For how many days, while its directory is read, is an entry missing before that is a departure?",
    )
    key_rotation_days: int = Field(90, ge=1, description="How many days does a signing key sign?")
    key_publish_ahead_hours: int = Field(
        48, ge=2, description="How many hours before it signs is a key published? More than tools keep the key set."
    )
    key_hint_days: int = Field(
        365, ge=1, description="For how many days after it last signed does a key verify ID tokens shown as hints?"
    )
    log_level: str = Field("INFO", description="How much goes to the technical log?")


@lru_cache(maxsize=1)
def load() -> Env:
    """Read the settings once per process."""
    return Env()
