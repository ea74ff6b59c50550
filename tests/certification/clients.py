"""The tools of the certification plans, in the metadata names of RFC 7591; both providers get the same."""

import base64
import secrets
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from joserfc.jwk import ECKey, KeySet, RSAKey

from tests.certification.tls import of_key

ELSEWHERE = "http://localhost:9999"
# Of the second FAPI tool's address, as the official rows have it registered.
SECOND_QUERY = "?dummy1=lorem&dummy2=ipsum"
# How a tool of FAPI 2.0 proves itself whose tokens are bound to its certificate.
BY_CERTIFICATE = ("private_key_jwt", "self_signed_tls_client_auth")
SCOPES = "openid profile email phone address offline_access"


@dataclass(frozen=True)
class ClientKeys:
    """An ES256 key for use, and an RSA key that is registered too: its algorithm is what gets refused, not the key."""

    ec: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"use": "sig", "kid": secrets.token_hex(4)}))
    rsa: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"use": "sig", "kid": secrets.token_hex(4)}))

    def public(self) -> dict[str, Any]:
        return dict(KeySet([self.ec, self.rsa]).as_dict(private=False))

    @cached_property
    def certificate(self) -> x509.Certificate:
        return of_key(self.ec.private_key, secrets.token_hex(4))

    def certified(self) -> dict[str, Any]:
        """RFC 8705 §2.2: the key of the certificate, with the certificate beside it."""
        octets = self.certificate.public_bytes(Encoding.DER)
        return {"keys": [{**self.ec.as_dict(private=False), "x5c": [base64.b64encode(octets).decode()]}]}


@dataclass
class Client:
    """One tool at one provider.  ``profile`` is the hub's name for what is demanded of it."""

    name: str
    metadata: dict[str, Any]
    keys: ClientKeys | None = None
    profile: str = ""
    session_iframe: bool = False
    client_id: str = ""
    client_secret: str = ""

    @property
    def redirect_uri(self) -> str:
        return str(self.metadata["redirect_uris"][0])

    @property
    def auth_method(self) -> str:
        return str(self.metadata["token_endpoint_auth_method"])

    def as_static(self) -> dict[str, Any]:
        """How the oracle is told of it."""
        secret = {"client_secret": self.client_secret} if self.auth_method.startswith("client_secret") else {}
        return {"client_id": self.client_id, **secret, **self.metadata}


def _client(name: str, *, origin: str = ELSEWHERE, keys: bool = False, query: str = "", **metadata: Any) -> Client:
    own = ClientKeys() if keys else None
    extra = {name: metadata.pop(name) for name in ("profile", "session_iframe") if name in metadata}
    described = {
        "redirect_uris": [f"{origin}/{name}/callback{query}"],
        "post_logout_redirect_uris": [f"{origin}/{name}/bye"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "client_secret_basic",
        "scope": SCOPES,
        "require_auth_time": True,
        **({"jwks": own.public()} if own else {}),
        **metadata,
    }
    return Client(name, described, own, **extra)


def _fapi(name: str, *, signed: bool = False, jarm: bool = False, query: str = "") -> Client:
    requests = {"request_object_signing_alg": "ES256", "require_signed_request_object": True}
    answers = {"authorization_signed_response_alg": "ES256"}
    return _client(
        name,
        keys=True,
        query=query,
        profile="fapi2_signed" if jarm else "fapi2",
        token_endpoint_auth_method="private_key_jwt",
        token_endpoint_auth_signing_alg="ES256",
        id_token_signed_response_alg="ES256",
        dpop_bound_access_tokens=True,
        require_pushed_authorization_requests=True,
        **(requests if signed else {}),
        **(answers if jarm else {}),
    )


def _fapi_by_certificate(name: str, auth_method: str, *, query: str = "") -> Client:
    client = _fapi(name, query=query)
    assert client.keys is not None
    client.metadata["jwks"] = client.keys.certified()
    client.metadata["token_endpoint_auth_method"] = auth_method
    client.metadata["dpop_bound_access_tokens"] = False
    client.metadata["tls_client_certificate_bound_access_tokens"] = True
    if auth_method != "private_key_jwt":
        del client.metadata["token_endpoint_auth_signing_alg"]
    return client


def wanted(receiver: str) -> list[Client]:
    """Every tool of the plans.  ``receiver`` is where a server of the tests listens."""
    return [
        _client("basic", keys=True),
        _client("basic-second"),
        _client("post", token_endpoint_auth_method="client_secret_post"),
        _client(
            "backchannel", backchannel_logout_uri=f"{receiver}/backchannel", backchannel_logout_session_required=True
        ),
        _client(
            "frontchannel",
            frontchannel_logout_uri=f"{ELSEWHERE}/frontchannel/logout",
            frontchannel_logout_session_required=True,
        ),
        # By name, as the provider is: its frame in the tool's page is then of the same site.
        _client("session", origin=receiver.replace("127.0.0.1", "localhost"), session_iframe=True),
        _fapi("fapi"),
        _fapi("fapi-second", query=SECOND_QUERY),
        _fapi("fapi-jar", signed=True),
        _fapi("fapi-jar-second", signed=True, query=SECOND_QUERY),
        _fapi("fapi-signed", signed=True, jarm=True),
        _fapi("fapi-signed-second", signed=True, jarm=True, query=SECOND_QUERY),
        *(
            _fapi_by_certificate(f"{method}{which}", method, query=query)
            for method in BY_CERTIFICATE
            for which, query in (("", ""), ("-second", SECOND_QUERY))
        ),
    ]
