"""A passkey in a few lines: what a phone would answer, made with the library of curves and nothing of the hub."""

import hashlib
import json
import os
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client
from django.urls import reverse

ORIGIN = "http://localhost:8000"
UP, UV, BE, BS, AT = 0x01, 0x04, 0x08, 0x10, 0x40
NONE = bytes(16)
BITWARDEN = bytes.fromhex("d548826e79b4db40a3d811116f7e8349")


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _cbor(value: Any) -> bytes:
    """RFC 8949, as much of it as an attestation without a statement needs."""
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        return _head(3, len(value)) + value.encode()
    return _head(5, len(value)) + b"".join(_cbor(key) + _cbor(each) for key, each in value.items())


def _head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([major << 5 | number])
    if number < 256:
        return bytes([major << 5 | 24, number])
    return bytes([major << 5 | 25]) + struct.pack(">H", number)


@dataclass
class Passkey:
    """One discoverable credential.  Every property may be bent to make an answer that must be refused."""

    origin: str = ORIGIN
    rp_id: str = "localhost"
    model: bytes = NONE
    synced: bool = False
    verified: bool = True
    counts: bool = True
    cross_origin: Any = False
    user_handle: bytes = b""
    counter: int = 0
    number: bytes = field(default_factory=lambda: os.urandom(32))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def register(self, options: dict[str, Any], **bent: Any) -> dict[str, Any]:
        self.user_handle = unb64(options["user"]["id"])
        point = self.key.public_key().public_numbers()
        public = {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
        made = self.model + struct.pack(">H", len(self.number)) + self.number + _cbor(bent.pop("public", public))
        attestation = {"fmt": "none", "attStmt": {}, "authData": self._data(AT) + made}
        return self._answer(
            {
                "clientDataJSON": b64(self._client_data("webauthn.create", options["challenge"])),
                "attestationObject": b64(_cbor(attestation)),
                "transports": ["internal"],
            }
        )

    def sign(self, options: dict[str, Any], **bent: Any) -> dict[str, Any]:
        client_data = self._client_data(bent.pop("type", "webauthn.get"), options["challenge"])
        self.counter += self.counts
        data = self._data(0)
        signature = self.key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer(
            {
                "clientDataJSON": b64(client_data),
                "authenticatorData": b64(data),
                "signature": b64(bent.pop("signature", signature)),
                "userHandle": b64(self.user_handle),
            }
        )

    def _answer(self, response: dict[str, Any]) -> dict[str, Any]:
        number = b64(self.number)
        return {
            "id": number,
            "rawId": number,
            "type": "public-key",
            "response": response,
            "clientExtensionResults": {"credProps": {"rk": True}},
            "authenticatorAttachment": "platform",
        }

    def _data(self, flags: int) -> bytes:
        flags |= UP | (UV if self.verified else 0) | (BE | BS if self.synced else 0)
        return hashlib.sha256(self.rp_id.encode()).digest() + struct.pack(">BI", flags, self.counter)

    def _client_data(self, kind: str, challenge: str) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": self.cross_origin}
        return json.dumps(said).encode()


# The pages -----------------------------------------------------------------------------------------------------


def options_in(page: Any) -> dict[str, Any]:
    """What the page asks the browser for."""
    found: dict[str, Any] = json.loads(page.context["passkey_options"])
    return found


def ask_to_enter(client: Client) -> dict[str, Any]:
    found: dict[str, Any] = client.post(reverse("mfa_login_webauthn_options")).json()
    return found


def post_to_enter(client: Client, answer: Any, **more: Any) -> Any:
    raw = answer if isinstance(answer, str) else json.dumps(answer)
    return client.post(reverse("mfa_login_webauthn"), {"credential": raw, **more})


def enter(client: Client, passkey: Passkey, **more: Any) -> Any:
    return post_to_enter(client, passkey.sign(ask_to_enter(client)), **more)


def confirm(client: Client, passkey: Passkey, url: str = "/") -> Any:
    page = client.get(reverse("mfa_reauthenticate_webauthn"))
    answer = passkey.sign(options_in(page))
    return client.post(reverse("mfa_reauthenticate_webauthn"), {"credential": json.dumps(answer), "next": url})


def add(client: Client, passkey: Passkey, name: str = "", **more: Any) -> Any:
    """With fresh proof already given."""
    answer = passkey.register(options_in(client.get(reverse("mfa_add_webauthn"))))
    return client.post(reverse("mfa_add_webauthn"), {"credential": json.dumps(answer), "name": name}, **more)
