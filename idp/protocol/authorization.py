"""The authorization request: parsed once into a frozen value."""

import base64
import hashlib
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from idp.protocol.errors import ProtocolError

PROMPTS = frozenset({"none", "login", "consent", "select_account"})
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
MAX_LENGTH = 4096
KNOWN = frozenset(
    {
        "client_id",
        "redirect_uri",
        "response_type",
        "response_mode",
        "scope",
        "state",
        "nonce",
        "code_challenge",
        "code_challenge_method",
        "prompt",
        "max_age",
        "login_hint",
        "ui_locales",
        "acr_values",
        "claims",
        "id_token_hint",
        "display",
        "claims_locales",
    }
)


@dataclass(frozen=True, slots=True)
class Destination:
    """The part that must be right before anything may be sent to the tool's address."""

    client_id: str
    redirect_uri: str
    state: str


@dataclass(frozen=True, slots=True)
class AuthRequest:
    """An authorization request that keeps to RFC 6749 §4.1.1, RFC 7636 §4.3 and OpenID Connect Core §3.1.2.1."""

    client_id: str
    redirect_uri: str
    scopes: frozenset[str]
    state: str
    nonce: str
    code_challenge: str
    prompt: frozenset[str]
    max_age: int | None
    login_hint: str
    ui_locales: tuple[str, ...]
    id_token_hint: str
    pairs: tuple[tuple[str, str], ...]

    @property
    def query(self) -> str:
        """The request as a query again, for the way back after sign-in."""
        return urlencode(self.pairs)

    @property
    def fingerprint(self) -> str:
        """Names this very request in the session: proof given for one request does not serve another."""
        return hashlib.sha256(self.query.encode()).hexdigest()[:32]


def destination(pairs: Sequence[tuple[str, str]]) -> Destination:
    """Raises ``ProtocolError`` when the answer could not be addressed at all: shown as a page, never redirected."""
    counts = Counter(name for name, _ in pairs)
    for name in ("client_id", "redirect_uri"):
        if counts[name] > 1:
            raise ProtocolError("invalid_request", f"{name} is repeated", detail="repeated_parameter")
        if not counts[name]:
            raise ProtocolError("invalid_request", f"{name} is missing", detail=f"{name}_missing")
    values = dict(pairs)
    state = values.get("state", "") if counts["state"] <= 1 else ""
    if any(len(value) > MAX_LENGTH for value in (values["client_id"], values["redirect_uri"], state)):
        raise ProtocolError("invalid_request", "a parameter is too long", detail="too_long")
    return Destination(values["client_id"], values["redirect_uri"], state)


def parse(pairs: Sequence[tuple[str, str]], *, allowed_scopes: frozenset[str], pkce_required: bool) -> AuthRequest:
    """Raises ``ProtocolError`` with the specification's code; the caller sends it to the (already checked) address."""
    _check_shape(pairs)
    # RFC 6749 §3.1: a parameter without a value counts as not sent; unknown ones are ignored.
    values = {name: value for name, value in pairs if value}
    _check_response(values)
    scopes = _scopes(values, allowed_scopes)
    return AuthRequest(
        client_id=values["client_id"],
        redirect_uri=values["redirect_uri"],
        scopes=scopes,
        state=values.get("state", ""),
        nonce=values.get("nonce", ""),
        code_challenge=_challenge(values, required=pkce_required),
        prompt=_prompt(values),
        max_age=_max_age(values),
        login_hint=values.get("login_hint", "")[:254],
        ui_locales=tuple(values.get("ui_locales", "").split()[:10]),
        id_token_hint=values.get("id_token_hint", ""),
        pairs=tuple((name, value) for name, value in pairs if name in KNOWN and value),
    )


def _check_shape(pairs: Sequence[tuple[str, str]]) -> None:
    repeated = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1 and name in KNOWN]
    if repeated:
        raise ProtocolError("invalid_request", f"{sorted(repeated)[0]} is repeated", detail="repeated_parameter")
    if any(len(value) > MAX_LENGTH for name, value in pairs if name in KNOWN):
        raise ProtocolError("invalid_request", "a parameter is too long", detail="too_long")
    if any("\x00" in value for name, value in pairs if name in KNOWN):
        raise ProtocolError("invalid_request", "a parameter holds a NUL", detail="nul")
    sent = {name for name, value in pairs if value}
    # OpenID Connect Core §3.1.2.6: refused by name, never ignored, since ignoring would change their meaning.
    for name in ("request", "request_uri", "registration"):
        if name in sent:
            raise ProtocolError(f"{name}_not_supported", f"{name} is not supported")
    if "resource" in sent:
        # RFC 8707 §2: a token for any address that somebody names would be good everywhere; no tool has a list yet.
        raise ProtocolError("invalid_target", "no resource is known for this client")


def _check_response(values: dict[str, str]) -> None:
    response_type = values.get("response_type")
    if not response_type:
        raise ProtocolError("invalid_request", "response_type is missing")
    if response_type != "code":
        # RFC 9700 §2.1.2: no token leaves by the front channel.
        raise ProtocolError("unsupported_response_type", "only code is supported")
    if values.get("response_mode", "query") != "query":
        raise ProtocolError("invalid_request", "only the query response mode is supported", detail="response_mode")
    if "claims" in values:
        try:
            claims = json.loads(values["claims"])
        except (ValueError, RecursionError):
            claims = None
        if not isinstance(claims, dict):
            raise ProtocolError("invalid_request", "claims is not a JSON object", detail="claims_malformed")


def _scopes(values: dict[str, str], allowed: frozenset[str]) -> frozenset[str]:
    requested = frozenset(values.get("scope", "").split())
    if "openid" not in requested:
        raise ProtocolError("invalid_scope", "scope must contain openid")
    # OpenID Connect Core §3.1.2.1: scopes that are not understood are ignored.
    return requested & allowed | {"openid"}


def _challenge(values: dict[str, str], *, required: bool) -> str:
    challenge = values.get("code_challenge", "")
    if not challenge:
        if required or "code_challenge_method" in values:
            raise ProtocolError("invalid_request", "code_challenge is missing", detail="pkce_missing")
        return ""
    # RFC 9700 §2.1.1: S256 only; an absent method means "plain" (RFC 7636 §4.3) and is refused as such.
    if values.get("code_challenge_method") != "S256":
        raise ProtocolError("invalid_request", "code_challenge_method must be S256", detail="pkce_method")
    if not CHALLENGE.fullmatch(challenge):
        raise ProtocolError("invalid_request", "code_challenge is malformed", detail="pkce_malformed")
    return challenge


def _prompt(values: dict[str, str]) -> frozenset[str]:
    prompt = frozenset(values.get("prompt", "").split())
    if not prompt <= PROMPTS or ("none" in prompt and len(prompt) > 1):
        raise ProtocolError("invalid_request", "prompt is not understood", detail="prompt")
    return prompt


def _max_age(values: dict[str, str]) -> int | None:
    raw = values.get("max_age")
    if raw is None:
        return None
    if not re.fullmatch(r"[0-9]{1,9}", raw):
        raise ProtocolError("invalid_request", "max_age is not a number of seconds", detail="max_age")
    return int(raw)


def challenge_of(verifier: str) -> str:
    """RFC 7636 §4.2: the S256 challenge of a verifier."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii", "replace")).digest()).decode().rstrip("=")
