"""Trying a directory out, step by step, while somebody sets it up: what answers, as whom, where, with what in it.

Every step has its own few seconds, and comes to a value; what did not work is a ``Trouble``, never an exception.
Of what is read here of people, whoever asked is shown the shape, and nothing is kept: any attribute can be mapped for
a moment.
"""

# python-ldap fills its module with names at run time: a type checker sees none of them.
# mypy: disable-error-code="attr-defined, no-untyped-call"

import re
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from time import monotonic
from typing import Any, TypeVar
from urllib.parse import urlsplit

import ldap
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from directory.ldap import mapping
from directory.ldap.addresses import connected
from directory.ldap.config import LdapConfig
from directory.ldap.connection import TOO_LARGE, Deadline, Entry, allow, connect, pages, reader
from directory.ldap.plan import Group, Person
from directory.ldap.servers import ROOT_ATTRIBUTES, Abilities, NoIdentity, Probed, Server, abilities_of, recognise
from directory.normalise import InvalidName, clean, parse_dn
from directory.types import DirectoryRefused, DirectoryUnavailable, MemberState

# Somebody waits at a page: longer than this is an answer too.
SECONDS = 5.0
SAMPLES = 3
SUGGESTED = 12
WORD = re.compile(r"[^\W\d_]+")
# A shorter word would be half told by its first letter.
LONG_WORD = 4
RDN = re.compile(r"(?:\\.|[^,\\])*")
COUNTED_BY = 500
# The extended request that begins TLS (RFC 4511 §4.14), as bytes: libldap shows no certificate that it refuses.
START_TLS = bytes.fromhex("301d02010177188016") + b"1.3.6.1.4.1.1466.20037"
SUCCESS = b"\x0a\x01\x00"
# How the answer to it begins, or the notice that none will come (§4.1.1, §4.4.1), whichever way lengths are written.
RESPONSE = re.compile(rb"\x30(?:[\x00-\x7f]|\x81.|\x82..|\x83...|\x84....)\x02\x01[\x00\x01]\x78", re.DOTALL)
LONGEST_BEGINNING = 10
# What OpenSSL says of a certificate (x509_vfy.h), as codes with words.
VERDICTS = {
    # Of the name of a known one, and not its key.
    7: "authority_unknown",
    9: "certificate_early",
    10: "certificate_expired",
    18: "authority_unknown",
    19: "authority_unknown",
    20: "authority_unknown",
    21: "authority_unknown",
    62: "certificate_name",
    64: "certificate_name",
}
# What libldap calls an error, as a code with words.
CODES = {
    "SERVER_DOWN": "no_connection",
    "CONNECT_ERROR": "no_connection",
    "TIMEOUT": "no_answer",
    "the directory is too slow": "no_answer",
    "INVALID_CREDENTIALS": "wrong_password",
    "INVALID_DN_SYNTAX": "dn_unreadable",
    "NAMING_VIOLATION": "dn_unreadable",
    "INAPPROPRIATE_AUTH": "wrong_password",
    "UNWILLING_TO_PERFORM": "unwilling",
    "CONFIDENTIALITY_REQUIRED": "unwilling",
    "STRONG_AUTH_REQUIRED": "unwilling",
    "NO_SUCH_OBJECT": "no_such_branch",
    "INSUFFICIENT_ACCESS": "no_right",
    "FILTER_ERROR": "filter_unreadable",
    "SIZELIMIT_EXCEEDED": "limit_reached",
    "TIMELIMIT_EXCEEDED": "limit_reached",
    "ADMINLIMIT_EXCEEDED": "limit_reached",
    TOO_LARGE: "answer_too_large",
}
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Trouble:
    """What did not work: a code that ``directory.follow_words`` explains, and what the server or library called it."""

    code: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Reached:
    """At which addresses a directory answers, and what is wrong with the others."""

    addresses: tuple[tuple[str, Trouble | None], ...]

    @property
    def trouble(self) -> Trouble | None:
        """Of all of them: one that answers is enough to go on."""
        troubles = [trouble for _, trouble in self.addresses]
        return None if None in troubles else next((each for each in troubles if each), None)


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a server shows of itself."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    until: datetime
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Secured:
    """``trouble``: why the certificate is not believed; nothing where libldap, which decides, takes it."""

    certificate: Certificate | None
    trouble: Trouble | None


@dataclass(frozen=True, slots=True)
class Known:
    """As whom the server knows this account, in its own words."""

    authorisation: str


@dataclass(frozen=True, slots=True)
class Branches:
    """How many people and groups are where the source looks for them; and where else it could look.

    A number is a trouble where there is none: no such branch, no right to see it, a filter that is none.  ``root`` and
    ``former``: what is wrong with the suffix, and with the branch of those who left where one is named.
    """

    server: Server | None
    suffixes: tuple[str, ...]
    people: int | Trouble
    groups: int | Trouble
    units: tuple[str, ...] = ()
    root: Trouble | None = None
    former: Trouble | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One item of a sample: from which attribute, how it is there, and in which shape what the hub makes of it."""

    item: str
    attribute: str
    values: int
    length: int
    is_text: bool
    comes_to: str


@dataclass(frozen=True, slots=True)
class Sample:
    dn: str
    lines: tuple[Line, ...]
    problems: tuple[tuple[str, str], ...]
    state: str = ""


@dataclass(frozen=True, slots=True)
class Samples:
    people: tuple[Sample, ...]
    groups: tuple[Sample, ...]
    # Attributes that no sample has: a mistyped name looks like this.
    absent: tuple[str, ...] = ()


# Address -----------------------------------------------------------------------------------------------------------


def reach(uri: str) -> Reached:
    """Whether a directory answers at each address; each has its share of the time, so that none uses up another's."""
    uris = uri.split()
    return Reached(tuple((each, _answering(each, SECONDS / len(uris))) for each in uris))


def _answering(uri: str, seconds: float) -> Trouble | None:
    """Why it does not answer as a directory.

    It is asked for TLS, which costs nothing and which each may refuse, but only in an LDAPMessage (RFC 4511 §4.14.2).
    """
    end = monotonic() + seconds
    try:
        connection = connected(uri, seconds)
    except OSError as error:
        return _network(error)
    try:
        if urlsplit(uri).scheme == "ldaps":
            connection = _believing_anything().wrap_socket(connection)
        connection.sendall(START_TLS)
        try:
            told = _first_words(connection, end - seconds / 2)
        except TimeoutError:
            # Whoever speaks in lines (HTTP) waits for the end of one.
            connection.sendall(b"\r\n\r\n")
            told = _first_words(connection, end)
        return None if RESPONSE.match(told) else Trouble("not_ldap")
    except ssl.SSLError:
        return Trouble("no_tls")
    except TimeoutError:
        return Trouble("no_answer")
    except OSError:
        return Trouble("not_ldap")
    finally:
        connection.close()


def _first_words(connection: socket.socket, end: float) -> bytes:
    """So much of what is said back as tells what it is, however it is cut up.  Raises ``TimeoutError``."""
    told = b""
    while len(told) < LONGEST_BEGINNING and not RESPONSE.match(told):
        connection.settimeout(max(end - monotonic(), 0.1))
        more = connection.recv(512)
        told += more
        if not more:
            break
    return told


def _network(error: OSError) -> Trouble:
    if isinstance(error, socket.gaierror):
        return Trouble("name_unknown")
    if isinstance(error, TimeoutError):
        return Trouble("no_answer")
    if isinstance(error, ConnectionRefusedError):
        return Trouble("connection_refused")
    return Trouble("unreachable")


# TLS ---------------------------------------------------------------------------------------------------------------


def secure(config: LdapConfig) -> Secured:
    """The certificate of the first server, and whether libldap takes it: nothing else is asked, and nothing sent.

    It is fetched without being believed, to be shown; every other connection of the hub is verified.
    """
    shown: Certificate | None = None
    uri = config.uri.split()[0]
    try:
        shown = _certificate(uri)
    except OSError as error:
        if not isinstance(error, ssl.SSLError):
            return Secured(None, _network(error))
        return Secured(None, Trouble("no_tls"))
    except ValueError:
        return Secured(None, Trouble("no_tls"))
    except x509.InvalidVersion:
        return Secured(None, Trouble("certificate_refused"))
    trouble = _tried(
        config, lambda connection: connection.search_ext_s("", ldap.SCOPE_BASE, "(objectClass=*)", ["1.1"])
    )
    if not isinstance(trouble, Trouble):
        return Secured(shown, None)
    return Secured(shown, _why_not_believed(uri, config) or trouble)


def _certificate(uri: str) -> Certificate:
    with _wrapped(uri, _believing_anything()) as connection:
        der = connection.getpeercert(binary_form=True)
    if not der:
        raise ValueError("no certificate")
    return certificate_from(x509.load_der_x509_certificate(der))


def _believing_anything() -> ssl.SSLContext:
    """To see what a server shows of itself: nothing of anybody is sent to it, and nothing that it says is kept."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def certificate_from(found: x509.Certificate) -> Certificate:
    names: tuple[str, ...] = ()
    try:
        extension = found.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        names = tuple(clean(str(name.value)) for name in extension.value)
    except (x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, ValueError):
        # Whoever answers there writes what they like: it is shown as far as it can be read.
        pass
    return Certificate(
        clean(found.subject.rfc4514_string()),
        clean(found.issuer.rfc4514_string()),
        names,
        found.not_valid_after_utc,
        found.fingerprint(SHA256()).hex(":").upper(),
    )


def _wrapped(uri: str, context: ssl.SSLContext) -> ssl.SSLSocket:
    end = monotonic() + SECONDS
    plain = connected(uri, SECONDS)
    try:
        if urlsplit(uri).scheme == "ldap":
            plain.sendall(START_TLS)
            if SUCCESS not in plain.recv(4096):
                raise ssl.SSLError("no StartTLS")
        plain.settimeout(max(end - monotonic(), 0.1))
        return context.wrap_socket(plain, server_hostname=urlsplit(uri).hostname)
    except BaseException:
        plain.close()
        raise


def _why_not_believed(uri: str, config: LdapConfig) -> Trouble | None:
    """libldap only says no: OpenSSL, given the same authorities, says why."""
    try:
        context = ssl.create_default_context(cafile=str(config.ca_file))
        _wrapped(uri, context).close()
    except ssl.SSLCertVerificationError as error:
        return Trouble(VERDICTS.get(error.verify_code, "certificate_refused"), error.verify_message)
    except OSError:
        return None
    return None


# Account -----------------------------------------------------------------------------------------------------------


def sign_in(config: LdapConfig) -> Known | Trouble:
    """Bind as the reading account, and hear as whom."""
    if not config.bind_dn:
        return Trouble("no_account")
    if not config.bind_password:
        return Trouble("no_password")
    return _asked(config, lambda connection, _: Known(str(connection.whoami_s())))


def sign_in_writer(config: LdapConfig) -> Known | Trouble:
    return sign_in(replace(config, bind_dn=config.write_dn, bind_password=config.write_password))


def recognised(config: LdapConfig) -> tuple[Server | None, tuple[str, ...]]:
    """What kind of server it is and what it holds, by its own word; nothing where it does not say."""

    def ask(connection: Any, deadline: Deadline) -> tuple[Server | None, tuple[str, ...]]:
        return _root(_one(connection, deadline, "", ROOT_ATTRIBUTES))

    found = _asked(config, ask)
    return (None, ()) if isinstance(found, Trouble) else found


def _root(root: Mapping[str, Sequence[bytes]]) -> tuple[Server | None, tuple[str, ...]]:
    """A server's usual suffix first: Active Directory holds several, of which one has people."""
    values = [*root.get("defaultnamingcontext", ()), *root.get("namingcontexts", ())]
    return recognise(root), tuple(dict.fromkeys(value.decode("utf-8", "replace") for value in values))


# Bases -------------------------------------------------------------------------------------------------------------


def look_around(config: LdapConfig, former_base: str = "") -> Branches | Trouble:
    """What kind of server it is, what it holds, and how much of that is where the source looks."""

    def ask(connection: Any, deadline: Deadline) -> Branches:
        server, suffixes = _root(_one(connection, deadline, "", ROOT_ATTRIBUTES))
        return Branches(
            server,
            suffixes,
            _counted(connection, deadline, config.people_base, config.people_search, config),
            _counted(connection, deadline, config.groups_base, config.groups_search, config),
            _units(connection, deadline, config.base),
            _missing(connection, deadline, config.base),
            _missing(connection, deadline, former_base) if former_base else None,
        )

    return _asked(config, ask)


def _counted(connection: Any, deadline: Deadline, base: str, filter_: str, config: LdapConfig) -> int | Trouble:
    try:
        found = pages(connection, deadline, base, filter_, ["1.1"], size=max(config.server.page_size, COUNTED_BY))
        return sum(len(page) for page in found)
    except ldap.LDAPError as error:
        return _trouble(error)
    except DirectoryUnavailable:
        return Trouble("no_answer")


def _missing(connection: Any, deadline: Deadline, dn: str) -> Trouble | None:
    """Why this entry is not seen."""
    try:
        allow(connection, deadline)
        found = connection.search_ext_s(dn, ldap.SCOPE_BASE, "(objectClass=*)", ["1.1"])
    except ldap.LDAPError as error:
        return _trouble(error)
    except DirectoryUnavailable:
        return Trouble("no_answer")
    return None if any(of is not None for of, _ in found) else Trouble("no_such_branch")


def _units(connection: Any, deadline: Deadline, base: str) -> tuple[str, ...]:
    try:
        allow(connection, deadline)
        filter_ = "(|(objectClass=organizationalUnit)(objectClass=container))"
        found = connection.search_ext_s(base, ldap.SCOPE_ONELEVEL, filter_, ["1.1"])
    except (ldap.LDAPError, DirectoryUnavailable):
        return ()
    return tuple(sorted(dn for dn, _ in found if dn))[:SUGGESTED]


# Mapping -----------------------------------------------------------------------------------------------------------


def sample(config: LdapConfig) -> Samples | Trouble:
    """Some people and groups as they would come out."""
    rules = config.rules

    def ask(connection: Any, deadline: Deadline) -> Samples:
        people = _some(connection, deadline, config.people_base, config.people_search, rules.person_attributes, config)
        groups = _some(connection, deadline, config.groups_base, config.groups_search, rules.group_attributes, config)
        wanted = {*rules.person_attributes} if people else set()
        shown = {name for entry in people for name in entry.attributes}
        return Samples(
            tuple(_person(entry, config) for entry in people),
            tuple(_group(entry, config) for entry in groups),
            tuple(sorted(name for name in wanted if name.lower() not in shown)),
        )

    return _asked(config, ask)


def _some(
    connection: Any, deadline: Deadline, base: str, filter_: str, names: Sequence[str], config: LdapConfig
) -> list[Entry]:
    wanted = [*config.server.pivots, *names]
    return next(pages(connection, deadline, base, filter_, wanted, size=SAMPLES), [])[:SAMPLES]


def _person(entry: Entry, config: LdapConfig) -> Sample:
    try:
        uuid = config.server.identity_of(entry.attributes)
        made: Person = mapping.person_from(uuid, entry.dn, "", entry.attributes, config.rules)
    except NoIdentity:
        return Sample(_place(entry.dn), (), (("identity_hidden", config.server.identity),))
    except InvalidName:
        return Sample(_place(entry.dn), (), (("name_unreadable", ""),))
    comes_to = {item: shape(value) for item, value in made.details.items()}
    comes_to["locked"] = str(made.state) if made.state == MemberState.LOCKED else ""
    lines = [_line(item, attribute, entry, comes_to.get(item, "")) for item, attribute in config.rules.person.items()]
    return Sample(_place(entry.dn), tuple(lines), _told(made.problems), str(made.state))


def _group(entry: Entry, config: LdapConfig) -> Sample:
    try:
        uuid = config.server.identity_of(entry.attributes)
        made: Group = mapping.group_from(uuid, entry.dn, "", entry.attributes, config.rules)
    except NoIdentity:
        return Sample(_place(entry.dn), (), (("identity_hidden", config.server.identity),))
    except InvalidName:
        return Sample(_place(entry.dn), (), (("name_unreadable", ""),))
    # Of groups too: people may be looked for where groups are.
    comes_to = {
        "name": shape(made.name),
        "description": shape(made.description),
        "kind": str(made.kind.label),
        "member": str(len(made.member_keys or ())),
        "lead": str(len(made.lead_keys or ())),
    }
    lines = [_line(item, attribute, entry, comes_to.get(item, "")) for item, attribute in config.rules.group.items()]
    return Sample(_place(entry.dn), tuple(lines), _told(made.problems))


def shape(value: str) -> str:
    """What a value looks like: the first letter of longer words, an x for every other letter, a 0 for every digit."""

    def hidden(word: re.Match[str]) -> str:
        text = word[0]
        return text[0] + "x" * (len(text) - 1) if len(text) >= LONG_WORD else "x" * len(text)

    return "".join("0" if each.isdigit() else each for each in WORD.sub(hidden, value))


def _place(dn: str) -> str:
    """The branch as it is, and of the entry's own name its shape."""
    own = RDN.match(dn)
    end = own.end() if own is not None else 0
    attribute, equals, value = dn[:end].partition("=")
    return f"{attribute}={shape(value)}{dn[end:]}" if equals else shape(dn)


def _line(item: str, attribute: str, entry: Entry, comes_to: str) -> Line:
    values = entry.attributes.get(attribute.lower(), ()) if attribute else ()
    if item == "member" and not values:
        values = entry.attributes.get("uniquemember", ())
    longest = max(map(len, values), default=0)
    return Line(item, attribute, len(values), longest, all(map(_is_text, values)), comes_to)


def _is_text(value: bytes) -> bool:
    try:
        return value.decode("utf-8").isprintable() or b"\n" in value
    except UnicodeDecodeError:
        return False


def _told(problems: Sequence[Any]) -> tuple[tuple[str, str], ...]:
    return tuple((each.code, each.detail) for each in problems)


# Abilities ---------------------------------------------------------------------------------------------------------


def abilities(config: LdapConfig) -> Abilities | Trouble:
    """What this server, asked by this account, lets the hub do."""
    server = config.server

    def ask(connection: Any, deadline: Deadline) -> Abilities:
        root = _one(connection, deadline, "", ROOT_ATTRIBUTES)
        # Of 389 DS and Active Directory the root entry says how far its content is; of OpenLDAP the suffix.
        told = _one(connection, deadline, server.watermark_dn(config.base), server.watermark)
        settings = server.origin_dn(told)
        origin = server.origin_of(_one(connection, deadline, settings, ("invocationId",)) if settings else told)
        samples = [
            entry.attributes
            for base, filter_ in (
                (config.people_base, config.people_search),
                (config.groups_base, config.groups_search),
            )
            for entry in next(pages(connection, deadline, base, filter_, server.pivots, size=SAMPLES), [])
        ]
        watermark = server.watermark_of(told, origin)
        return abilities_of(server, Probed(root, samples, origin, watermark, has_writer=config.can_write))

    return _asked(config, ask)


# Asking ------------------------------------------------------------------------------------------------------------


def _asked(config: LdapConfig, ask: Callable[[Any, Deadline], Found]) -> Found | Trouble:
    deadline = Deadline(SECONDS, min(config.timeout_seconds, SECONDS))
    try:
        with reader(config, deadline) as connection:
            allow(connection, deadline)
            return ask(connection, deadline)
    except (DirectoryUnavailable, DirectoryRefused) as error:
        return _named(str(error), isinstance(error, DirectoryUnavailable))


def _tried(config: LdapConfig, ask: Callable[[Any], object]) -> object:
    """As ``_asked``, as nobody."""
    deadline = Deadline(SECONDS, min(config.timeout_seconds, SECONDS))
    try:
        with connect(config, deadline) as connection:
            allow(connection, deadline)
            try:
                return ask(connection)
            except (ldap.SERVER_DOWN, ldap.CONNECT_ERROR, ldap.TIMEOUT):
                raise
            except ldap.LDAPError:
                # An answer, whatever it is: the connection stands.
                return None
    except (DirectoryUnavailable, DirectoryRefused) as error:
        return _named(str(error), isinstance(error, DirectoryUnavailable))


def _trouble(error: Exception) -> Trouble:
    return _named(type(error).__name__, False)


def _named(name: str, unavailable: bool) -> Trouble:
    return Trouble(CODES.get(name, "no_connection" if unavailable else "directory_refused"), name)


def _one(connection: Any, deadline: Deadline, dn: str, names: Sequence[str]) -> Mapping[str, Sequence[bytes]]:
    allow(connection, deadline)
    try:
        found = connection.search_ext_s(dn, ldap.SCOPE_BASE, "(objectClass=*)", list(names))
    except ldap.NO_SUCH_OBJECT:
        return {}
    return {name.lower(): values for of, each in found if of is not None for name, values in each.items()}


def is_name(text: str) -> bool:
    """Whether this can be the name of an entry."""
    try:
        return bool(parse_dn(text))
    except InvalidName:
        return False
