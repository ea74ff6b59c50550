"""A tool of FAPI 2.0: pushed requests, signed assertions, proofs of possession; with message signing both ways."""

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import requests
from joserfc.jwk import ECKey, RSAKey

from tests.certification import jose
from tests.certification.browser import Browser, Journey
from tests.certification.clients import ClientKeys
from tests.certification.party import Party, Request, Tokens, kept

REQUEST_TYPE = "oauth-authz-req+jwt"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# What the official rows say again outside the pushed request (OpenID Connect Core §6.1).
OUTSIDE = ("response_type", "scope", "redirect_uri")
Make = Callable[[], str | None]


def new_key() -> ECKey:
    return ECKey.generate_key("P-256")


@dataclass
class FapiParty(Party):
    """``signed``, ``jarm``: FAPI 2.0 Message Signing of requests, of answers; else the Security Profile alone."""

    name: str = "fapi"
    signed: bool = False
    jarm: bool = False
    dpop_key: ECKey | RSAKey = field(default_factory=new_key)
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    nonce: str = ""
    token_type = "dpop"
    id_token_algorithm = "ES256"

    # Proofs and assertions ----------------------------------------------------------------------------------------

    def assertion(self, *, alg: str = "ES256", keys: ClientKeys | None = None, **claims: Any) -> str:
        """RFC 7523 §3 as FAPI 2.0 SP §5.3.3.1 wants it: the issuer alone as the audience."""
        keys = keys or self.client.keys
        assert keys is not None
        key = keys.rsa if alg == "RS256" else keys.ec
        now = int(time.time())
        usual = {
            "iss": self.client.client_id,
            "sub": self.client.client_id,
            "aud": self.op.issuer,
            "iat": now,
            "exp": now + 60,
            "jti": secrets.token_urlsafe(16),
        }
        payload = {name: value for name, value in {**usual, **claims}.items() if value is not None}
        if alg == "none":
            return jose.unsigned(payload)
        return jose.signed({"alg": alg, "kid": key.kid}, payload, key)

    def proof(
        self,
        method: str,
        url: str,
        *,
        access_token: str = "",
        key: ECKey | RSAKey | None = None,
        header: Mapping[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """RFC 9449 §4.2."""
        key = key or self.dpop_key
        usual = {
            "htm": method,
            "htu": url,
            "iat": int(time.time()),
            "jti": secrets.token_urlsafe(16),
            **({"ath": jose.whole_hash(access_token)} if access_token else {}),
            **({"nonce": self.nonce} if self.nonce else {}),
        }
        payload = {name: value for name, value in {**usual, **claims}.items() if value is not None}
        head = {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.as_dict(private=False), **(header or {})}
        if head["alg"] == "none":
            return jose.unsigned(payload, **head)
        return jose.signed({name: value for name, value in head.items() if value is not None}, payload, key)

    def _post(
        self, url: str, form: Mapping[str, Any], *, assertion: Make | None = None, proof: Make | None = None
    ) -> requests.Response:
        """Client authentication and proof are made anew for the second attempt, with the nonce that the first told."""
        make_assertion = assertion or self.assertion
        for attempt in (1, 2):
            sent_assertion, sent_proof = make_assertion(), proof() if proof else None
            credentials = {
                "client_id": self.client.client_id,
                "client_assertion": sent_assertion,
                "client_assertion_type": ASSERTION_TYPE if sent_assertion is not None else None,
            }
            response = self.http.post(
                url,
                data=kept({**credentials, **form}),
                headers={"DPoP": sent_proof} if sent_proof is not None else {},
                timeout=20,
            )
            if attempt == 2 or not self._learn_nonce(response):
                return response
        raise AssertionError

    def _learn_nonce(self, response: requests.Response) -> bool:
        """RFC 9449 §8, §9: whether the provider wants the request again with a nonce of its own."""
        given = response.headers.get("DPoP-Nonce", "")
        self.nonce = given or self.nonce
        wanted = "use_dpop_nonce" in response.text or "use_dpop_nonce" in response.headers.get("WWW-Authenticate", "")
        return bool(given) and response.status_code in (400, 401) and wanted

    # Asking -----------------------------------------------------------------------------------------------------

    def request(self, **changes: Any) -> Request:
        usual = {
            "code_challenge": jose.whole_hash(self.verifier),
            "code_challenge_method": "S256",
            **({"response_mode": "jwt"} if self.jarm else {}),
        }
        return super().request(**{**usual, **changes})

    def request_object(
        self, parameters: Mapping[str, Any], *, alg: str = "ES256", typ: str | None = REQUEST_TYPE, **claims: Any
    ) -> str:
        """RFC 9101 §4 with the times of FAPI 2.0 MS §5.3.1."""
        assert self.client.keys is not None
        now = int(time.time())
        usual = {"iss": self.client.client_id, "aud": self.op.issuer, "iat": now, "nbf": now, "exp": now + 300}
        payload = {name: value for name, value in {**usual, **parameters, **claims}.items() if value is not None}
        if alg == "none":
            return jose.unsigned(payload, typ=REQUEST_TYPE)
        key = self.client.keys.rsa if alg == "RS256" else self.client.keys.ec
        return jose.signed({"alg": alg, "kid": key.kid, **({"typ": typ} if typ else {})}, payload, key)

    def push(
        self,
        *,
        assertion: Make | None = None,
        proof: Make | None = None,
        typ: str | None = REQUEST_TYPE,
        form: Mapping[str, Any] | None = None,
        **changes: Any,
    ) -> requests.Response:
        """RFC 9126 §2.1.  ``form`` is posted as it is, beside the credentials, which it may change."""
        self.asked = self.request(**changes)
        if form is None:
            form = {"request": self.request_object(self.asked, typ=typ)} if self.signed else self.asked
        return self._post(self.op.endpoint("pushed_authorization_request"), form, assertion=assertion, proof=proof)

    def pushed(self, **changes: Any) -> str:
        return self.reference(self.push(**changes))

    @staticmethod
    def reference(response: requests.Response) -> str:
        """RFC 9126 §2.2."""
        assert response.status_code == 201, response.text
        answer = response.json()
        assert isinstance(answer["expires_in"], int)
        assert 5 <= answer["expires_in"] <= 600
        return str(answer["request_uri"])

    def visit(
        self, browser: Browser, request_uri: str, *, consents: bool = True, repeats: bool = True, **more: Any
    ) -> Journey:
        """RFC 9126 §4.  ``repeats``: with what the official rows say again outside."""
        again = {name: self.asked.get(name) for name in OUTSIDE if repeats}
        query = {"client_id": self.client.client_id, "request_uri": request_uri, **again, **more}
        return browser.walk(f"{self.op.endpoint('authorization')}?{urlencode(kept(query))}", consents=consents)

    def authorize(self, browser: Browser, *, consents: bool = True, **changes: Any) -> Journey:
        return self.visit(browser, self.pushed(**changes), consents=consents)

    # Reading the answer -----------------------------------------------------------------------------------------

    def answer(self, journey: Journey) -> Request:
        if not self.jarm:
            return super().answer(journey)
        arrival = journey.arrival
        assert arrival.method == "GET"
        sent = self.sent_back(arrival)
        # JARM §2.3.1: nothing beside the one parameter.
        assert sent.keys() == {"response"}, sent
        claims = jose.verified(sent["response"], self.op.keys(), algorithm="ES256")
        assert claims.pop("iss") == self.op.issuer
        assert claims.pop("aud") in (self.client.client_id, [self.client.client_id])
        assert time.time() < claims.pop("exp") <= time.time() + 600
        assert claims.get("state") == self.asked.get("state")
        return claims

    # The token endpoint -----------------------------------------------------------------------------------------

    def token_request(
        self, form: Mapping[str, Any], *, assertion: Make | None = None, proof: Make | None = None
    ) -> requests.Response:
        url = self.op.endpoint("token")
        return self._post(url, form, assertion=assertion, proof=proof or (lambda: self.proof("POST", url)))

    def exchange(
        self, code: str, *, assertion: Make | None = None, proof: Make | None = None, **changes: Any
    ) -> requests.Response:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.client.redirect_uri,
            "code_verifier": self.verifier,
        }
        return self.token_request({**form, **changes}, assertion=assertion, proof=proof)

    def refresh(
        self, refresh_token: str, *, assertion: Make | None = None, proof: Make | None = None, **changes: Any
    ) -> requests.Response:
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token, **changes}
        return self.token_request(form, assertion=assertion, proof=proof)

    # The resource -----------------------------------------------------------------------------------------------

    def userinfo(
        self,
        access_token: str,
        *,
        scheme: str = "DPoP",
        proof: Make | None = None,
        header: str = "DPoP",
        **more: str,
    ) -> requests.Response:
        """``more`` are headers; ``header`` is how the proof's own is written."""
        url = self.op.endpoint("userinfo")
        make = proof or (lambda: self.proof("GET", url, access_token=access_token))
        for attempt in (1, 2):
            sent = make()
            headers = {
                "Authorization": f"{scheme} {access_token}",
                **more,
                **({header: sent} if sent is not None else {}),
            }
            response = self.http.get(url, headers=headers, timeout=20)
            if attempt == 2 or not self._learn_nonce(response):
                return response
        raise AssertionError

    def works(self, tokens: Tokens) -> bool:
        return self.userinfo(tokens.access_token).status_code == 200
