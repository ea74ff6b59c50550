"""Client certificates: read from a header, compared with what a client registered."""

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from functools import cache
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey

from idp.protocol.certificates import parse, parse_subject

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SUBJECT = ((NameOID.COUNTRY_NAME, "FR"), (NameOID.ORGANIZATION_NAME, "Alizarine, SA"), (NameOID.COMMON_NAME, "agenda"))
KEY = ec.generate_private_key(ec.SECP256R1())


def made(*, names=(), subject=SUBJECT, key=KEY):
    name = x509.Name([x509.NameAttribute(oid, value) for oid, value in subject])
    builder = x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key())
    builder = builder.serial_number(5).not_valid_before(NOW).not_valid_after(NOW + timedelta(days=30))
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(key, hashes.SHA256())


@cache
def der():
    return made(names=(x509.DNSName("Agenda.example"), x509.UniformResourceIdentifier("urn:agenda"))).public_bytes(
        Encoding.DER
    )


def pem(octets):
    return x509.load_der_x509_certificate(octets).public_bytes(Encoding.PEM).decode()


def known(octets=None):
    certificate = parse(quote(pem(octets or der())))
    assert certificate
    return certificate


@pytest.mark.spec("RFC 8705", "3.1")
def test_the_thumbprint_is_the_digest_of_the_whole_certificate():
    expected = base64.urlsafe_b64encode(hashlib.sha256(der()).digest()).decode().rstrip("=")

    assert known().thumbprint == expected


@pytest.mark.spec("RFC 9440", "2.1")
def test_every_way_in_which_proxies_write_a_certificate_gives_the_same_one():
    plain = base64.b64encode(der()).decode()

    for header in (quote(pem(der())), quote(pem(der()), safe=""), pem(der()), plain, f":{plain}:"):
        assert parse(header) == known()


@pytest.mark.parametrize(
    "header",
    [
        "",
        " ",
        ":",
        "::",
        "(null)",
        "AAAA",
        "é",
        "%00",
        "-----BEGIN CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
        "x" * 20_000,
    ],
)
def test_what_is_no_certificate_is_none(header):
    assert parse(header) is None


def test_nothing_may_hang_on_before_or_behind_the_certificate():
    two = pem(der()) + pem(made().public_bytes(Encoding.DER))

    assert parse(quote(two)) is None
    assert parse(base64.b64encode(der() + b"\x00").decode()) is None
    assert parse(quote("x" + pem(der()))) is None


@given(st.text(max_size=100) | st.binary(max_size=200).map(lambda octets: base64.b64encode(octets).decode()))
def test_no_header_raises(header):
    assert parse(header) is None


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_no_damaged_certificate_raises_and_none_keeps_its_thumbprint(position, octet):
    good = der()
    position %= len(good)
    damaged = good[:position] + bytes([octet]) + good[position + 1 :]

    certificate = parse(base64.b64encode(damaged).decode())

    assert damaged == good or certificate is None or certificate.thumbprint != known().thumbprint


@pytest.mark.spec("RFC 8705", "2.1.2")
@pytest.mark.parametrize(
    ("registered", "same"),
    [
        ("CN=agenda,O=Alizarine\\, SA,C=FR", True),
        ("cn=agenda,o=Alizarine\\, SA,c=FR", True),
        ("CN=agenda, O=Alizarine\\, SA, C=FR", True),
        ("2.5.4.3=agenda,2.5.4.10=Alizarine\\2c SA,2.5.4.6=FR", True),
        ("C=FR,O=Alizarine\\, SA,CN=agenda", False),
        ("CN=agenda", False),
        ("CN=agenda,O=Alizarine\\, SA", False),
        ("CN=Agenda,O=Alizarine\\, SA,C=FR", False),
        ("CN=agenda+O=Alizarine\\, SA,C=FR", False),
        ("CN=*,O=Alizarine\\, SA,C=FR", False),
        ("CN=agenda,O=Alizarine, SA,C=FR", False),
        ("agenda", False),
        ("=", False),
        (" ", False),
    ],
)
def test_a_subject_is_compared_part_by_part(registered, same):
    assert known().matches(subject_dn=registered) is same


def test_a_subject_cannot_be_forged_with_commas_inside_a_name():
    forged = made(subject=((NameOID.COMMON_NAME, "agenda,O=Alizarine"),))

    assert not known(forged.public_bytes(Encoding.DER)).matches(subject_dn="CN=agenda,O=Alizarine")


@pytest.mark.spec("RFC 8705", "2.1.2")
def test_alternative_names_are_compared_whole():
    certificate = known()

    assert certificate.matches(san_dns="agenda.example")
    assert certificate.matches(san_dns="AGENDA.example")
    assert certificate.matches(san_uri="urn:agenda")
    for name in ("example", "*.example", "x.agenda.example", "agenda.example.evil.example", "urn:agenda"):
        assert not certificate.matches(san_dns=name)
    for uri in ("urn:Agenda", "urn:agenda/", "agenda.example"):
        assert not certificate.matches(san_uri=uri)


def test_a_wildcard_in_the_certificate_is_a_name_and_no_pattern():
    certificate = known(made(names=(x509.DNSName("*.example"),)).public_bytes(Encoding.DER))

    assert not certificate.matches(san_dns="agenda.example")
    assert not certificate.matches(san_uri="urn:agenda")


@pytest.mark.spec("RFC 8705", "2.1.2")
def test_with_no_name_or_with_two_registered_nothing_matches():
    subject = "CN=agenda,O=Alizarine\\, SA,C=FR"

    assert not known().matches()
    assert not known().matches(subject_dn=subject, san_dns="agenda.example")
    assert not known().matches(san_dns="agenda.example", san_uri="urn:agenda")


def test_an_empty_subject_matches_no_empty_registration():
    certificate = known(made(subject=()).public_bytes(Encoding.DER))

    assert not certificate.matches(subject_dn=" ")
    assert parse_subject("") is None


@given(st.text(max_size=60) | st.text(alphabet='CN=O,+\\# ;<>"a1.2', max_size=40))
def test_no_registered_name_raises(text):
    assert known().matches(subject_dn=text) is False


@pytest.mark.spec("RFC 8705", "2.2")
def test_a_self_signed_certificate_is_known_by_its_key():
    own = ECKey.import_key(KEY.public_key())
    others = [RSAKey.generate_key(2048), OKPKey.generate_key("Ed25519"), ECKey.generate_key("P-256")]

    assert known().has_key_of(KeySet([*others, own]))
    assert known(made(subject=((NameOID.COMMON_NAME, "renewed"),)).public_bytes(Encoding.DER)).has_key_of([own])
    assert not known().has_key_of(others)
    assert not known().has_key_of([])
    assert not known().has_key_of([OctKey.import_key("0123456789abcdef0123456789abcdef")])
    assert not known(made(key=ec.generate_private_key(ec.SECP256R1())).public_bytes(Encoding.DER)).has_key_of([own])


def test_a_certificate_is_good_between_its_dates():
    certificate = known()

    assert certificate.is_valid_at(NOW)
    assert certificate.is_valid_at(NOW + timedelta(days=30))
    assert not certificate.is_valid_at(NOW - timedelta(seconds=1))
    assert not certificate.is_valid_at(NOW + timedelta(days=30, seconds=1))
