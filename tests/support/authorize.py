"""What a tool does beyond a plain request: signing it, pushing it, and reading signed or posted answers."""

import html
import json
import re
import secrets
from collections.abc import Iterable
from urllib.parse import parse_qs, parse_qsl, urlsplit

from django.test import Client
from django.utils import timezone
from joserfc import jwk, jwt
from joserfc.jwk import KeySet

from audit.models import Event
from audit.types import Action
from idp.models import Tool
from idp.protocol.encoding import base64url
from tests.support.oidc import Party, connect

ISSUER = "http://localhost:8000"
CLIENT_KEY = jwk.ECKey.generate_key("P-256", parameters={"kid": "tool-1", "use": "sig"}, private=True)
RSA_KEY = jwk.RSAKey.generate_key(2048, parameters={"kid": "tool-rsa", "use": "sig"}, private=True)
FOREIGN_KEY = jwk.ECKey.generate_key("P-256", parameters={"kid": "tool-1", "use": "sig"}, private=True)


def with_keys(slug: str, **properties: object) -> Party:
    """A tool that registered its keys."""
    keys = {"keys": [key.as_dict(private=False) for key in (CLIENT_KEY, RSA_KEY)]}
    return connect(slug, client_jwks=keys, **properties)


def seconds() -> int:
    return int(timezone.now().timestamp())


def signed_request(party: Party, *, key=CLIENT_KEY, alg: str = "ES256", typ: str = "oauth-authz-req+jwt", **changes):
    """A request object; ``None`` takes a member away."""
    claims = {
        **party.request(),
        "iss": party.tool.client_id,
        "aud": ISSUER,
        "nbf": seconds() - 1,
        "exp": seconds() + 240,
        **changes,
    }
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode({"alg": alg, "kid": key.kid, "typ": typ}, claims, key, algorithms=[alg])


def unsigned(claims: dict[str, object]) -> str:
    """A request object of the algorithm "none"."""
    parts = ({"alg": "none"}, claims)
    return ".".join([base64url(json.dumps(part).encode()) for part in parts]) + "."


def push(party: Party, headers: dict[str, str] | None = None, **changes: object):
    """At the endpoint of RFC 9126, by the tool's own client authentication."""
    form = {**party.request(**changes), **party.credentials()}
    return party.post("/oidc/par", form, None if headers is None else {**party.headers(), **headers})


def open_pushed(party: Party, browser: Client, response, **changes: object):
    assert response.status_code == 201, response.content
    pairs = {"client_id": party.tool.client_id, "request_uri": response.json()["request_uri"], **changes}
    return browser.get("/oidc/authorize", pairs)


def back_from(response) -> str:
    """Where sign-in or a confirmation will lead back to."""
    assert response.status_code == 302, response.content[:300]
    return parse_qs(urlsplit(response["Location"]).query)["next"][0]


def posted(response) -> dict[str, str]:
    """The fields of a form-post answer, and nothing else may be in the page's form."""
    assert response.status_code == 200, response.content[:300]
    page = response.content.decode()
    form = re.search(r'<form id="form-post".*?</form>', page, re.S)
    assert form is not None, page[:500]
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', form[0])
    return {html.unescape(name): html.unescape(value) for name, value in found}


def signed_answer(party: Party, token: str, algorithms: Iterable[str] = ("RS256",)) -> dict[str, object]:
    published = KeySet.import_key_set(party.http.get("/oidc/jwks").json())
    return dict(jwt.decode(token, published, algorithms=list(algorithms)).claims)


def query_of(response) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(response["Location"]).query))


def refusals(reason: str, tool: Tool | None = None) -> int:
    found = Event.objects.filter(
        action__in=[Action.AUTHORIZATION_REFUSED, Action.TOKEN_REFUSED], reason=reason, refused=True
    )
    return (found.filter(tool_id=tool.pk) if tool else found).count()


def random_text(length: int) -> str:
    return secrets.token_urlsafe(length)[:length]
