"""Client certificates (RFC 8705) as the front proxy hands them over; whether it may be believed is decided before."""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from joserfc.jwk import Key, OctKey

from idp.protocol.encoding import base64url

MAX_CHARS = 16_384
MAX_NAMES = 200
UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----")
# RFC 4514 §3 has nine names and says they are case-insensitive; these others are what openssl prints, and the eIDAS
# certificates of ETSI EN 319 412-1 hold.
_ATTRIBUTES = {
    "CN": NameOID.COMMON_NAME,
    "L": NameOID.LOCALITY_NAME,
    "ST": NameOID.STATE_OR_PROVINCE_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "C": NameOID.COUNTRY_NAME,
    "STREET": NameOID.STREET_ADDRESS,
    "DC": NameOID.DOMAIN_COMPONENT,
    "UID": NameOID.USER_ID,
    "emailAddress": NameOID.EMAIL_ADDRESS,
    "serialNumber": NameOID.SERIAL_NUMBER,
    "organizationIdentifier": NameOID.ORGANIZATION_IDENTIFIER,
    "businessCategory": NameOID.BUSINESS_CATEGORY,
    "jurisdictionC": NameOID.JURISDICTION_COUNTRY_NAME,
    "GN": NameOID.GIVEN_NAME,
    "SN": NameOID.SURNAME,
    "title": NameOID.TITLE,
}
_BY_SPELLING = {spelling: oid for name, oid in _ATTRIBUTES.items() for spelling in (name, name.upper(), name.lower())}


@dataclass(frozen=True, slots=True)
class Certificate:
    """What the hub asks a certificate.  ``thumbprint`` is ``x5t#S256`` (RFC 8705 §3.1)."""

    thumbprint: str
    subject: x509.Name
    dns_names: frozenset[str]
    uris: frozenset[str]
    not_before: datetime
    not_after: datetime
    public_key: bytes

    def is_valid_at(self, now: datetime) -> bool:
        return self.not_before <= now <= self.not_after

    def matches(self, *, subject_dn: str = "", san_dns: str = "", san_uri: str = "") -> bool:
        """``tls_client_auth`` (RFC 8705 §2.1.2): the one name that was registered, whole and without wildcards.

        With none or several registered nothing matches: a choice between names is a choice for the attacker.
        The proxy has checked the chain: with a certificate that anybody may sign, names mean nothing.
        """
        if [bool(subject_dn), bool(san_dns), bool(san_uri)].count(True) != 1:
            return False
        if subject_dn:
            expected = parse_subject(subject_dn)
            return expected is not None and expected == self.subject
        if san_dns:
            return san_dns.lower() in self.dns_names
        return san_uri in self.uris

    def has_key_of(self, keys: Iterable[Key]) -> bool:
        """``self_signed_tls_client_auth`` (RFC 8705 §2.2): one of the client's own published keys.

        TLS proved the private key, so the public key is what counts: a renewed certificate needs no new registration.
        """
        return any(_public_octets(key) == self.public_key for key in keys if not isinstance(key, OctKey))


def parse(header_value: str) -> Certificate | None:
    """The certificate in a proxy's header, or nothing when there is none that can be read.

    Reads nginx's ``$ssl_client_escaped_cert`` (URL-encoded PEM), plain base64 of DER, and RFC 9440 (``:base64:``).
    """
    octets = _octets(header_value)
    if octets is None:
        return None
    try:
        certificate = x509.load_der_x509_certificate(octets)
        names = _alternative_names(certificate)
        return Certificate(
            thumbprint=base64url(hashlib.sha256(octets).digest()),
            subject=certificate.subject,
            dns_names=frozenset(name.lower() for name in names.get_values_for_type(x509.DNSName)),
            uris=frozenset(names.get_values_for_type(x509.UniformResourceIdentifier)),
            not_before=certificate.not_valid_before_utc,
            not_after=certificate.not_valid_after_utc,
            public_key=certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        )
    except UNREADABLE:
        return None


def parse_subject(text: str) -> x509.Name | None:
    """A distinguished name in the form of RFC 4514, or nothing.  Also for checking what somebody registers.

    Compared value by value and to the letter.  Spaces after a comma, which RFC 4514 does not write but people do,
    are left out.
    """
    for candidate in (text, re.sub(r"(?<!\\)([,+]) +", r"\1", text)):
        try:
            name = x509.Name.from_rfc4514_string(candidate, _BY_SPELLING)
        except (ValueError, TypeError):
            continue
        return name if len(name.rdns) else None
    return None


def _octets(header_value: str) -> bytes | None:
    if not header_value or len(header_value) > MAX_CHARS:
        return None
    text = header_value.strip()
    if "BEGIN" in text:
        # unquote, not unquote_plus: "+" is a letter of base64 here.
        found = _PEM.fullmatch(unquote(text).strip())
        text = re.sub(r"\s", "", found[1]) if found else ""
    elif len(text) > 2 and text.startswith(":") and text.endswith(":"):
        text = text[1:-1]
    try:
        octets = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    # One certificate has one thumbprint: nothing may hang on behind it.
    return octets if octets else None


def _alternative_names(certificate: x509.Certificate) -> x509.SubjectAlternativeName:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return x509.SubjectAlternativeName([])
    if len(names) > MAX_NAMES:
        raise ValueError("too many names")
    return names


def _public_octets(key: Key) -> bytes:
    if isinstance(key, OctKey):
        return b""
    return key.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
