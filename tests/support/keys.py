"""Keys of a tool in the tests: client assertions, DPoP proofs, request objects."""

import hashlib
import secrets
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field

from joserfc import jwt
from joserfc.jwk import ECKey, Key

ISSUER = "http://localhost:8000"


@dataclass
class Holder:
    """A key, P-256 unless told otherwise, and what its holder can sign with it."""

    key: Key = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": secrets.token_hex(4), "use": "sig"}))
    alg: str = "ES256"

    @property
    def jwks(self) -> dict:
        return {"keys": [{**self.key.as_dict(private=False), "alg": self.alg}]}

    @property
    def jkt(self) -> str:
        return self.key.thumbprint()

    def sign(self, claims: dict, **header: object) -> str:
        named = {"alg": self.alg, "kid": self.key.kid, **header}
        return jwt.encode(named, claims, self.key, algorithms=[self.alg])

    def assertion(self, client_id: str, **changes: object) -> dict[str, str]:
        now = int(time.time())
        claims = {"iss": client_id, "sub": client_id, "aud": ISSUER, "jti": secrets.token_hex(8), "iat": now}
        return {
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": self.sign({**claims, "exp": now + 60, **changes}),
        }

    def proof(self, method: str, path: str, *, nonce: str = "", access_token: str = "", **changes: object) -> str:
        claims: dict[str, object] = {"htm": method, "htu": ISSUER + path, "jti": secrets.token_hex(8)}
        claims["iat"] = int(time.time())
        if nonce:
            claims["nonce"] = nonce
        if access_token:
            digest = hashlib.sha256(access_token.encode()).digest()
            claims["ath"] = urlsafe_b64encode(digest).decode().rstrip("=")
        public = {name: value for name, value in self.key.as_dict(private=False).items() if name not in ("kid", "use")}
        header = {"alg": self.alg, "typ": "dpop+jwt", "jwk": public}
        return jwt.encode(header, {**claims, **changes}, self.key, algorithms=[self.alg])
