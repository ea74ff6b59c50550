"""Client metadata as a program sends it (RFC 7591 §2, OpenID Connect Registration §2): read once, every part checked.

What a tool may not decide about itself (who may enter, its state, its subject's form, PKCE) is no member of this
value, so nothing that is sent can set it.
"""

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from idp.protocol.errors import ProtocolError
from idp.protocol.redirects import why_not_registrable

MAX_BYTES = 32_768
MAX_LIST = 20
MAX_NAME = 120
MAX_ADDRESS = 500
# RFC 7591 §2: what cannot be served is refused by name where ignoring it would change what the tool relies on.
GRANTS = ("authorization_code", "refresh_token")
DEFAULT_ENCRYPTION = "A128CBC-HS256"
MAIL = re.compile(r"[^\s@<>\"']{1,64}@[A-Za-z0-9.-]{1,180}")
# RFC 6749 §3.3
SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*")
ADDRESSES = (
    *("client_uri", "logo_uri", "policy_uri", "tos_uri", "initiate_login_uri"),
    *("backchannel_logout_uri", "frontchannel_logout_uri"),
)
SWITCHES = {
    "require_pushed_authorization_requests": "require_pushed_authorization_requests",
    "require_signed_request_object": "require_signed_request_object",
    "dpop_bound_access_tokens": "dpop_bound_access_tokens",
    "tls_client_certificate_bound_access_tokens": "tls_client_certificate_bound_access_tokens",
}
# Checked, and true already or of no effect here: each ID token has auth_time, each logout token a sid.
HARMLESS_SWITCHES = ("require_auth_time", "backchannel_logout_session_required")
# What a program may write a tool's name in: other scripts hold whole alphabets that imitate Latin.  Operators are free.
SCRIPTS = {
    **{name: name for name in ("LATIN", "GREEK", "CYRILLIC", "ARABIC", "HEBREW")},
    **dict.fromkeys(("CJK", "HIRAGANA", "KATAKANA", "HANGUL"), "EAST ASIAN"),
}
# Beyond are phonetic letters, small capitals and the like; an accented letter is a letter and an accent by then.
LAST_LATIN = "\u017f"
# UTS 39 §4, for these scripts: letters that are taken for others, and for which.
IMITATIONS: dict[int, int | str] = {
    **str.maketrans("АВЕЅІЈКМНОРСТУХԚԜҮӀѴ", "ABESIJKMHOPCTYXQWYIV"),
    **str.maketrans("аеѕіјкмнорстухԛԝүӏѵһԁвгп", "aesijkmhopctyxqwyivhdbrn"),
    **str.maketrans("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX"),
    **str.maketrans("αβεγηικνορςστυχω", "abeynikvopcotuxw"),
    **str.maketrans("ıĸłŁøØđĐðħĦŧŦŋŊ|℮", "iklLoOdDdhHtTnNie"),
    **{ord(one): two for one, two in (("œ", "oe"), ("Œ", "OE"), ("æ", "ae"), ("Æ", "AE"))},
}
ALIKE = str.maketrans("l105", "iios")
# Signs that imitate no letter, as "!" does, and the blank that is called a sign.  Pictures begin where the symbols end
# that look like circles and strokes.
SIGNS = frozenset(" '\"’‘“”«»()[]&+-–—·.,:;?/°@#_\u2800")
FIRST_PICTURE = "\U0001f300"
CERTIFICATE_NAMES = ("tls_client_auth_subject_dn", "tls_client_auth_san_dns", "tls_client_auth_san_uri")


@dataclass(frozen=True, slots=True)
class Offered:
    """What this provider can do, as it announces it."""

    auth_methods: Collection[str]
    assertion_algorithms: Collection[str]
    signing: Collection[str]
    encryption: Collection[str]
    encryption_methods: Collection[str]
    request_objects: Collection[str]
    scopes: Collection[str]
    acr_values: Collection[str]


@dataclass(frozen=True, slots=True)
class Metadata:
    """Checked metadata.  ``properties`` are columns of the tool, by their own names."""

    name: str
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...]
    properties: Mapping[str, Any] = field(default_factory=dict)


def parse(sent: object, *, offered: Offered) -> Metadata:
    """Raises ``ProtocolError``: ``invalid_redirect_uri`` or ``invalid_client_metadata`` (RFC 7591 §3.2.2)."""
    if not isinstance(sent, Mapping):
        raise _wrong("a JSON object is expected", "metadata_shape")
    reader = _Reader(sent)
    _refuse_unsupported(reader)
    redirects = _redirects(reader)
    grants = _grants(reader)
    properties: dict[str, Any] = {
        "token_endpoint_auth_method": reader.one_of(
            "token_endpoint_auth_method", offered.auth_methods, "client_secret_basic"
        ),
        "offline_access": "refresh_token" in grants,
        "scopes": _scopes(reader, offered.scopes),
        "contacts": " ".join(reader.texts("contacts", lambda mail: MAIL.fullmatch(mail) is not None)),
        "default_max_age": reader.seconds("default_max_age"),
        "frontchannel_logout_session_required": reader.switch("frontchannel_logout_session_required"),
        **{column: reader.switch(name) for name, column in SWITCHES.items()},
        **_keys(reader),
        **_algorithms(reader, offered),
        **{name: reader.text(name) for name in CERTIFICATE_NAMES},
        **{name: reader.address(name) for name in ADDRESSES if name != "initiate_login_uri"},
    }
    properties["launch_url"] = reader.address("initiate_login_uri") or properties["client_uri"] or _origin(redirects[0])
    for name in HARMLESS_SWITCHES:
        reader.switch(name)
    reader.texts("default_acr_values", lambda value: value in offered.acr_values)
    reader.one_of("token_endpoint_auth_signing_alg", offered.assertion_algorithms, "")
    reader.one_of("request_object_signing_alg", offered.request_objects, "")
    return Metadata(
        name=_name(reader, redirects),
        redirect_uris=redirects,
        post_logout_redirect_uris=reader.addresses("post_logout_redirect_uris"),
        properties=properties,
    )


def why_unsafe(uri: str) -> str | None:
    """Why a program may not register this address, or nothing.

    ASCII only: letters that look alike make two hosts look like one to the operator who opens the tool.
    """
    return why_not_registrable(uri) if uri.isascii() else "holds other characters than ASCII"


def likeness(name: str) -> str:
    """What is seen of a name at a glance, not to be shown: two names of one likeness are taken for each other.

    Width, case, accents, spaces, signs and what leaves no mark do not count; letters that imitate others are those.
    """
    plain = unicodedata.normalize("NFKD", name).translate(IMITATIONS).casefold()
    seen = "".join(char for char in plain if _is_seen(char)).translate(ALIKE)
    return seen.replace("rn", "m").replace("vv", "w")


def _wrong(description: str, detail: str, code: str = "invalid_client_metadata") -> ProtocolError:
    return ProtocolError(code, description, detail=detail)


@dataclass(frozen=True, slots=True)
class _Reader:
    """One member at a time, of the type it must have.  Each method raises ``ProtocolError`` naming the member."""

    sent: Mapping[str, Any]

    def get(self, name: str) -> Any:
        # RFC 7592 §2.2: a null counts as not sent.
        return self.sent.get(name)

    def text(self, name: str, *, longest: int = MAX_ADDRESS) -> str:
        value = self.get(name)
        if value is None:
            return ""
        if not isinstance(value, str) or len(value) > longest or not value.isprintable():
            raise _wrong(f"{name} is not a text of up to {longest} characters", "metadata_text")
        return value

    def switch(self, name: str) -> bool:
        value = self.get(name)
        if value is None:
            return False
        if not isinstance(value, bool):
            raise _wrong(f"{name} is neither true nor false", "metadata_switch")
        return value

    def seconds(self, name: str) -> int | None:
        value = self.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 999_999_999:
            raise _wrong(f"{name} is not a number of seconds", "metadata_number")
        return value

    def one_of(self, name: str, known: Collection[str], default: str) -> str:
        value = self.text(name)
        if not value:
            return default
        if value not in known:
            raise _wrong(f"{name} is not one of {', '.join(sorted(known))}", "metadata_unsupported")
        return value

    def texts(self, name: str, fits: Any) -> tuple[str, ...]:
        value = self.get(name)
        if value is None:
            return ()
        if not isinstance(value, list) or len(value) > MAX_LIST or not all(isinstance(each, str) for each in value):
            raise _wrong(f"{name} is not a list of up to {MAX_LIST} texts", "metadata_list")
        if not all(len(each) <= MAX_ADDRESS and fits(each) for each in value):
            raise _wrong(f"{name} holds something that it cannot", "metadata_value")
        return tuple(dict.fromkeys(value))

    def address(self, name: str) -> str:
        """One address that the hub or a page of it may lead to: never a script, however it is written."""
        uri = self.get(name)
        if uri is None or uri == "":
            return ""
        if not isinstance(uri, str) or len(uri) > MAX_ADDRESS or why_unsafe(uri):
            raise _wrong(f"{name} is not an https address", "metadata_address")
        return uri

    def addresses(self, name: str) -> tuple[str, ...]:
        return self.texts(name, lambda uri: why_unsafe(uri) is None)


def _refuse_unsupported(reader: _Reader) -> None:
    """Named and refused: a tool that relies on one of these must not believe that it has it."""
    if reader.get("software_statement") is not None:
        raise _wrong("software statements are not read", "software_statement", "unapproved_software_statement")
    if reader.get("sector_identifier_uri") is not None:
        # OpenID Connect Core §8.1: one subject for several tools is what an operator decides, not the tools.
        raise _wrong("each tool is its own sector here; an operator may join tools", "sector_identifier_uri")
    if reader.text("subject_type") not in ("", "pairwise"):
        raise _wrong("subject_type is pairwise unless an operator says otherwise", "subject_type")
    if reader.text("application_type") not in ("", "web", "native"):
        raise _wrong("application_type is web or native", "application_type")
    if reader.texts("request_uris", lambda uri: why_unsafe(uri.partition("#")[0]) is None):
        raise _wrong("requests are taken by value or pushed, never fetched", "request_uris")
    for name in ("tls_client_auth_san_ip", "tls_client_auth_san_email"):
        if reader.get(name) is not None:
            raise _wrong(f"{name} is not supported", "certificate_name")


def _redirects(reader: _Reader) -> tuple[str, ...]:
    uris = reader.get("redirect_uris")
    fine = (
        isinstance(uris, list)
        and 0 < len(uris) <= MAX_LIST
        and all(isinstance(uri, str) and len(uri) <= MAX_ADDRESS for uri in uris)
    )
    if not fine:
        raise _wrong("redirect_uris is a list of addresses", "redirect_uris_missing", "invalid_redirect_uri")
    for uri in uris:
        why = why_unsafe(uri)
        if why:
            raise _wrong(f"a redirect URI {why}", "redirect_uri_unsafe", "invalid_redirect_uri")
    return tuple(dict.fromkeys(uris))


def _grants(reader: _Reader) -> tuple[str, ...]:
    """RFC 7591 §2.1: grants and response types must fit.  Grants without a person's browser are the operator's."""
    grants = reader.texts("grant_types", lambda grant: grant in GRANTS) or ("authorization_code",)
    if "authorization_code" not in grants:
        raise _wrong("grant_types without authorization_code", "grant_types")
    reader.texts("response_types", lambda kind: kind == "code")
    if reader.get("response_types") == []:
        raise _wrong("authorization_code goes with the response type code", "response_types")
    return grants


def _scopes(reader: _Reader, known: Collection[str]) -> str:
    """What is asked for and known; what then leaves is decided by the sheet that an operator declares."""
    text = reader.text("scope")
    if text and not SCOPE.fullmatch(text):
        raise _wrong("scope is malformed", "scope")
    asked = text.split() or ["openid", "profile", "email"]
    return " ".join(sorted({"openid", *(scope for scope in asked if scope in known and scope != "offline_access")}))


def _keys(reader: _Reader) -> dict[str, Any]:
    jwks, uri = reader.get("jwks"), reader.address("jwks_uri")
    if jwks is not None and uri:
        raise _wrong("jwks or jwks_uri, not both", "jwks_twice")
    if jwks is not None and not isinstance(jwks, dict):
        raise _wrong("jwks is not a key set", "jwks_shape")
    return {"client_jwks": jwks, "client_jwks_uri": uri}


def _algorithms(reader: _Reader, offered: Offered) -> dict[str, str]:
    found = {"algorithm": reader.one_of("id_token_signed_response_alg", offered.signing, "RS256")}
    for answer in ("userinfo", "introspection", "authorization"):
        name = f"{answer}_signed_response_alg"
        found[name] = reader.one_of(name, offered.signing, "")
    for answer in ("id_token", "userinfo"):
        alg_name, enc_name = f"{answer}_encrypted_response_alg", f"{answer}_encrypted_response_enc"
        alg = reader.one_of(alg_name, offered.encryption, "")
        enc = reader.one_of(enc_name, offered.encryption_methods, DEFAULT_ENCRYPTION if alg else "")
        if enc and not alg:
            raise _wrong(f"{enc_name} without {alg_name}", "encryption_half")
        found[alg_name], found[enc_name] = alg, enc
    for answer in ("authorization", "introspection"):
        if reader.get(f"{answer}_encrypted_response_alg") is not None:
            raise _wrong(f"{answer} answers are not encrypted", "encryption_unsupported")
    return found


def _name(reader: _Reader, redirects: tuple[str, ...]) -> str:
    """RFC 7591 §2.2: the French name where there is one; a tool without a name is called by its host."""
    name = reader.text("client_name#fr", longest=MAX_NAME) or reader.text("client_name", longest=MAX_NAME)
    if name.strip() and not likeness(name):
        raise _wrong("client_name shows nothing", "name_invisible")
    if not _is_of_one_script(name):
        raise _wrong("client_name is not in one script, or in letters that imitate others", "name_letters")
    return name.strip() or (urlsplit(redirects[0]).hostname or "")


def _is_of_one_script(name: str) -> bool:
    found = set()
    for char in unicodedata.normalize("NFKD", name):
        words = re.split("[ -]", unicodedata.name(char, ""))
        if unicodedata.category(char)[0] in "MS" and "LETTER" in words:
            # White on black, or a half of a flag.
            return False
        if not _is_seen(char):
            if unicodedata.category(char)[0] in "SP" and char not in SIGNS and char < FIRST_PICTURE:
                return False
            continue
        if char.isascii() and char.isdigit():
            continue
        script = SCRIPTS.get(words[0])
        if script is None or (script == "LATIN" and char > LAST_LATIN):
            return False
        found.add(script)
    return len(found) < 2


def _is_seen(char: str) -> bool:
    """A letter or digit that leaves a mark: the Hangul fillers are letters by their category, and blank."""
    kind = unicodedata.category(char)
    return kind[0] in "LN" and kind != "Lm" and char not in "\u115f\u1160\u3164\uffa0"


def _origin(uri: str) -> str:
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}/"
