"""The authorization request: parsed once into a frozen value."""

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from idp.protocol import claims_request, redirects
from idp.protocol.claims_request import ClaimsRequest
from idp.protocol.encoding import base64url
from idp.protocol.errors import ProtocolError

Pairs = Sequence[tuple[str, str]]

# OpenID Connect Core §3.1.2.1
PROMPTS = frozenset({"none", "login", "consent", "select_account"})
# OpenID Connect Prompt Create §4: understood, so that a person can be told, but not announced: nobody registers alone.
CREATE = "create"
DISPLAYS = frozenset({"page", "popup", "touch", "wap"})
# OAuth 2.0 Form Post Response Mode; JARM §2.3, where ``jwt`` means the default of the response type.
RESPONSE_MODES = {
    "query": "query",
    "form_post": "form_post",
    "jwt": "query.jwt",
    "query.jwt": "query.jwt",
    "form_post.jwt": "form_post.jwt",
}
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
# PostgreSQL stores it in no text and no JSON.
NUL = re.compile(r"\x00")
# Characters.  A state of 2 kB is common; a request object or a hint is a signed token.  RFC 9101 §5.2 for request_uri.
MAX_LENGTH = 4096
MAX_LENGTHS = {"request": 16_384, "request_uri": 512, "id_token_hint": 16_384, "claims": 8_192}
MAX_TOTAL = 24_000
MAX_RESOURCES = 10
MANY = frozenset({"resource"})
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
        "dpop_jkt",
        "resource",
    }
)


@dataclass(frozen=True, slots=True)
class Rules:
    """What one tool may ask for, and what its requests must keep to."""

    scopes: frozenset[str]
    resources: frozenset[str] = frozenset()
    pkce_required: bool = True
    pushed_only: bool = False
    signed_only: bool = False
    jwt_answers_only: bool = False
    default_max_age: int | None = None


@dataclass(frozen=True, slots=True)
class Destination:
    """The part that must be right before anything may be sent to the tool's address.

    ``response_mode`` is how even a refusal of the rest leaves; a mode that is not understood is answered by query.
    """

    client_id: str
    redirect_uri: str
    state: str
    response_mode: str = "query"


@dataclass(frozen=True, slots=True)
class AuthRequest:
    """An authorization request that keeps to RFC 6749 §4.1.1, RFC 7636 §4.3 and OpenID Connect Core §3.1.2.1."""

    client_id: str
    redirect_uri: str
    response_mode: str
    scopes: frozenset[str]
    state: str
    nonce: str
    code_challenge: str
    prompt: frozenset[str]
    max_age: int | None
    login_hint: str
    ui_locales: tuple[str, ...]
    display: str
    id_token_hint: str
    acr_values: tuple[str, ...]
    claims: ClaimsRequest
    claims_text: str
    resources: tuple[str, ...]
    dpop_jkt: str
    pairs: tuple[tuple[str, str], ...]

    @property
    def query(self) -> str:
        """The request as a query again."""
        return urlencode(self.pairs)


def destination(pairs: Pairs) -> Destination:
    """Raises ``ProtocolError`` when the answer could not be addressed at all: shown as a page, never redirected."""
    counts = Counter(name for name, _ in pairs)
    for name in ("client_id", "redirect_uri"):
        if counts[name] > 1:
            raise ProtocolError("invalid_request", f"{name} is repeated", detail="repeated_parameter")
        if not counts[name]:
            raise ProtocolError("invalid_request", f"{name} is missing", detail=f"{name}_missing")
    values = dict(pairs)
    if any(len(values[name]) > MAX_LENGTH for name in ("client_id", "redirect_uri")):
        raise ProtocolError("invalid_request", "a parameter is too long", detail="too_long")
    mode = RESPONSE_MODES.get(values.get("response_mode", ""), "query")
    return Destination(
        client_id=values["client_id"],
        redirect_uri=values["redirect_uri"],
        state=_state(values.get("state", "")) if counts["state"] == 1 else "",
        response_mode=mode if counts["response_mode"] == 1 else "query",
    )


def parse(pairs: Pairs, *, rules: Rules, pushed: bool = False, signed: bool = False) -> AuthRequest:
    """Raises ``ProtocolError`` with the specification's code; the caller sends it to the (already checked) address.

    ``pushed`` and ``signed`` tell how the request came: by RFC 9126, inside a verified object of RFC 9101.
    """
    check_shape(pairs)
    _check_way(rules, pushed=pushed, signed=signed)
    # RFC 6749 §3.1: a parameter without a value counts as not sent; unknown ones are ignored.
    values = {name: value for name, value in pairs if value}
    mode = _response(values, rules)
    claims_text = values.get("claims", "")
    return AuthRequest(
        client_id=values["client_id"],
        redirect_uri=values["redirect_uri"],
        response_mode=mode,
        scopes=_scopes(values, rules.scopes),
        state=values.get("state", ""),
        nonce=values.get("nonce", ""),
        code_challenge=_challenge(values, required=rules.pkce_required),
        prompt=_prompt(values),
        max_age=_max_age(values, rules.default_max_age),
        login_hint=values.get("login_hint", "")[:254],
        ui_locales=tuple(values.get("ui_locales", "").split()[:10]),
        display=values["display"] if values.get("display") in DISPLAYS else "page",
        id_token_hint=values.get("id_token_hint", ""),
        acr_values=tuple(dict.fromkeys(values.get("acr_values", "").split()))[:10],
        claims=claims_request.parse(claims_text),
        claims_text=claims_text,
        resources=_resources(pairs, rules.resources),
        dpop_jkt=_dpop_jkt(values),
        pairs=tuple((name, value) for name, value in pairs if name in KNOWN and value),
    )


def without_create(pairs: Pairs) -> Pairs:
    """The same request from somebody who has an account already."""
    kept = []
    for name, value in pairs:
        words = " ".join(word for word in value.split() if word != CREATE) if name == "prompt" else value
        kept.append((name, words))
    return [(name, value) for name, value in kept if value]


def check_shape(pairs: Pairs) -> None:
    """Raises ``ProtocolError`` for what no endpoint of the provider reads: repeated, oversized, unstorable."""
    known = [(name, value) for name, value in pairs if name in KNOWN or name in MAX_LENGTHS]
    counts = Counter(name for name, _ in known)
    repeated = sorted(name for name, count in counts.items() if count > 1 and name not in MANY)
    if repeated:
        raise ProtocolError("invalid_request", f"{repeated[0]} is repeated", detail="repeated_parameter")
    oversized = any(len(value) > MAX_LENGTHS.get(name, MAX_LENGTH) for name, value in known)
    if oversized or sum(len(value) for _, value in known) > MAX_TOTAL:
        raise ProtocolError("invalid_request", "a parameter is too long", detail="too_long")
    for name, value in known:
        # RFC 6749 appendix A: printable characters only.  White space inside JSON is no part of its value.
        controls = NUL if name == "claims" else CONTROLS
        if controls.search(value) or not _is_text(value):
            raise ProtocolError("invalid_request", f"{name} holds a forbidden character", detail="control_character")
        if name == "state" and not redirects.state_fits(value):
            raise ProtocolError("invalid_request", "a parameter is too long", detail="too_long")
    if any(name == "registration" and value for name, value in pairs):
        # OpenID Connect Core §3.1.2.6: refused by name, never ignored, since ignoring would change its meaning.
        raise ProtocolError("registration_not_supported", "registration is not supported")


def _check_way(rules: Rules, *, pushed: bool, signed: bool) -> None:
    if rules.pushed_only and not pushed:
        # RFC 9126 §5, §6
        raise ProtocolError("invalid_request", "this client must push its requests", detail="not_pushed")
    if rules.signed_only and not signed:
        # RFC 9101 §10.5
        raise ProtocolError("invalid_request", "this client must sign its requests", detail="not_signed")


def _response(values: dict[str, str], rules: Rules) -> str:
    response_type = values.get("response_type")
    if not response_type:
        raise ProtocolError("invalid_request", "response_type is missing")
    if response_type != "code":
        # RFC 9700 §2.1.2: no token leaves by the front channel.
        raise ProtocolError("unsupported_response_type", "only code is supported")
    mode = RESPONSE_MODES.get(values.get("response_mode", "query"), "")
    if not mode:
        raise ProtocolError("invalid_request", "response_mode is not supported", detail="response_mode")
    if rules.jwt_answers_only and not mode.endswith(".jwt"):
        # FAPI 2.0 MS §5.4: told, not imposed, since a client that did not ask for a JWT would not look for one.
        raise ProtocolError("invalid_request", "this client must ask for response_mode=jwt", detail="not_jarm")
    return mode


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
    if not prompt <= PROMPTS | {CREATE} or ("none" in prompt and len(prompt) > 1):
        raise ProtocolError("invalid_request", "prompt is not understood", detail="prompt")
    return prompt


def _max_age(values: dict[str, str], default: int | None) -> int | None:
    raw = values.get("max_age")
    if raw is None:
        # OpenID Connect Dynamic Client Registration §2, default_max_age
        return default
    if not re.fullmatch(r"[0-9]{1,9}", raw):
        raise ProtocolError("invalid_request", "max_age is not a number of seconds", detail="max_age")
    return int(raw)


def _resources(pairs: Pairs, allowed: frozenset[str]) -> tuple[str, ...]:
    """RFC 8707 §2: a token for any address that somebody names would be good everywhere; each tool has its list."""
    asked = tuple(dict.fromkeys(value for name, value in pairs if name == "resource" and value))
    if len(asked) > MAX_RESOURCES or not allowed.issuperset(asked):
        raise ProtocolError("invalid_target", "a resource is unknown for this client")
    return asked


def _dpop_jkt(values: dict[str, str]) -> str:
    # RFC 9449 §10: a SHA-256 thumbprint (RFC 7638), 43 characters.
    jkt = values.get("dpop_jkt", "")
    if jkt and not CHALLENGE.fullmatch(jkt):
        raise ProtocolError("invalid_request", "dpop_jkt is not a thumbprint", detail="dpop_jkt_malformed")
    return jkt


def _state(state: str) -> str:
    """What may be sent back in an error: as received, or not at all."""
    return state if redirects.state_fits(state) and not CONTROLS.search(state) and _is_text(state) else ""


def _is_text(value: str) -> bool:
    """Whether every character can be stored and sent: half of a surrogate pair cannot."""
    return not any("\ud800" <= character <= "\udfff" for character in value)


def challenge_of(verifier: str) -> str:
    """RFC 7636 §4.2: the S256 challenge of a verifier."""
    return base64url(hashlib.sha256(verifier.encode("ascii", "replace")).digest())
