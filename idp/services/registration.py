"""Tools that register themselves (RFC 7591) and look after their registration (RFC 7592).

Whoever registers holds a token that an operator gave.  What comes of it is closed until an operator opens it, is
marked for good, and has no grant that works without a member's browser.
"""

import hmac
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction

from audit.services import record
from audit.types import SYSTEM, Action, Actor, Entry
from branding import selectors as branding
from idp import capabilities
from idp.models import InitialAccessToken, Tool
from idp.protocol import registration as protocol
from idp.protocol.errors import ProtocolError
from idp.protocol.registration import Metadata, Offered
from idp.protocol.tokens import digest
from idp.services import tools
from idp.types import GrantType, SubjectType, ToolState

MAX_DAYS = 365
HUB = "Trousseau"


class TokenRefused(Exception):
    """RFC 6750 §3.1: no token, or one that is unknown, over, used up, or another tool's."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Registration:
    """A tool with what is told this once: its secret where it is new, and the token that manages it."""

    tool: Tool
    client_secret: str
    registration_access_token: str


def give_token(
    *, label: str, days: int, uses: int, opens: bool, relaxes_pkce: bool, actor: Actor, now: datetime
) -> str:
    """A token that lets its holder register ``uses`` tools within ``days``.

    Raises ``ValidationError``; after a line in the journal where it would open tools and the settings do not let it.
    """
    if opens and not settings.REGISTRATION_OPENS:
        _note_refused_token(actor=actor, now=now)
        raise ValidationError(
            {"token": ["registration_opens is off: open_tool lets members in, with the tool's sheet"]}
        )
    return _give_token(label=label, days=days, uses=uses, opens=opens, relaxes_pkce=relaxes_pkce, actor=actor, now=now)


@transaction.atomic
def _note_refused_token(*, actor: Actor, now: datetime) -> None:
    record(Entry(Action.REGISTRATION_ALLOWED, actor=actor, refused=True, reason="registration_opens_off", at=now))


@transaction.atomic
def _give_token(
    *, label: str, days: int, uses: int, opens: bool, relaxes_pkce: bool, actor: Actor, now: datetime
) -> str:
    if not label.strip() or not 1 <= days <= MAX_DAYS or not 1 <= uses <= 10_000:
        raise ValidationError({"token": [f"a label, 1 to {MAX_DAYS} days, 1 to 10000 uses"]})
    token = secrets.token_urlsafe(32)
    row = InitialAccessToken.objects.create(
        digest=digest(token),
        label=label.strip()[:120],
        created_at=now,
        expires_at=now + timedelta(days=days),
        uses_left=uses,
        opens=opens,
        relaxes_pkce=relaxes_pkce,
    )
    facts: dict[str, object] = {"registration": row.pk, "uses": uses, "opens": opens, "relaxes_pkce": relaxes_pkce}
    record(Entry(Action.REGISTRATION_ALLOWED, actor=actor, facts=facts, at=now))
    return token


@transaction.atomic
def register(*, sent: object, initial_token: str, now: datetime) -> Registration:
    """RFC 7591 §3.  Raises ``TokenRefused``, or ``ProtocolError`` for metadata that do not hold."""
    allowed = _spend(initial_token, now)
    metadata = protocol.parse(sent, offered=offered())
    token = secrets.token_urlsafe(32)
    opens = allowed.opens and settings.REGISTRATION_OPENS
    given = {
        "self_registered": True,
        "registration_access_token": digest(token),
        "state": ToolState.OPEN if opens else ToolState.CLOSED,
        "everyone": opens,
        "pkce_required": not allowed.relaxes_pkce,
        "grant_types": GrantType.CODE,
        "subject_type": SubjectType.PAIRWISE,
    }
    registered = _store(f"auto-{secrets.token_hex(6)}", metadata, given, now=now, reason="self_registered")
    return Registration(registered.tool, registered.client_secret, token)


@transaction.atomic
def replace(*, client_id: str, token: str, sent: object, now: datetime) -> Registration:
    """RFC 7592 §2.2: the whole of the metadata anew.  What an operator opened is closed until they look again.

    Raises ``TokenRefused`` or ``ProtocolError``.
    """
    tool = _managed(client_id, token, lock=True)
    _check_sent_again(tool, sent)
    metadata = protocol.parse(sent, offered=offered())
    given, let_in = (
        {"state": tool.state, "everyone": tool.everyone},
        list(tool.collectives.values_list("slug", flat=True)),
    )
    if _differs(tool, metadata):
        # The operator let in what they saw, not what it may become.
        given, let_in = {"state": ToolState.CLOSED, "everyone": False}, []
    registered = _store(
        tool.slug, metadata, given, collectives=let_in, now=now, reason="self_changed", actor=Actor(tool=tool.pk)
    )
    return Registration(registered.tool, registered.client_secret, token)


def read(*, client_id: str, token: str) -> Registration:
    """RFC 7592 §2.1; without the secret, of which the hub keeps a digest only.  Raises ``TokenRefused``."""
    return Registration(_managed(client_id, token), "", token)


@transaction.atomic
def remove(*, client_id: str, token: str, now: datetime) -> None:
    """RFC 7592 §2.3.  Raises ``TokenRefused``."""
    tool = _managed(client_id, token, lock=True)
    tools.close_tool(slug=tool.slug, actor=Actor(tool=tool.pk), now=now, reason="self_removed")


def offered() -> Offered:
    now = capabilities.switched_on()
    return Offered(
        auth_methods=capabilities.auth_methods(now),
        assertion_algorithms=capabilities.assertion_algorithms(),
        signing=now.signing,
        encryption=capabilities.encryption_algorithms(),
        encryption_methods=capabilities.encryption_methods(),
        request_objects=capabilities.request_object_algorithms(),
        scopes=settings.SCOPES,
        acr_values=capabilities.acr_values(),
    )


def described(tool: Tool) -> dict[str, Any]:
    """The metadata as registered (RFC 7591 §3.2.1); what has no value is left out."""
    known = {
        "client_id": tool.client_id,
        "client_id_issued_at": int(tool.created.timestamp()),
        "client_name": tool.name,
        "redirect_uris": list(tool.redirect_uri_list),
        "post_logout_redirect_uris": list(tool.post_logout_redirect_uri_list),
        "grant_types": list(tool.grant_type_list),
        "response_types": ["code"],
        "token_endpoint_auth_method": tool.token_endpoint_auth_method,
        "scope": tool.scopes,
        "subject_type": "pairwise" if tool.subject_type == SubjectType.PAIRWISE else "public",
        "id_token_signed_response_alg": tool.algorithm,
        "jwks": tool.client_jwks,
        "jwks_uri": tool.client_jwks_uri,
        "contacts": tool.contacts.split(),
        "default_max_age": tool.default_max_age,
        "frontchannel_logout_session_required": tool.frontchannel_logout_session_required,
        **{name: getattr(tool, name) for name in AS_THEY_ARE},
    }
    return {name: value for name, value in known.items() if value not in (None, "", [])}


AS_THEY_ARE = (
    *("client_uri", "logo_uri", "policy_uri", "tos_uri", "backchannel_logout_uri", "frontchannel_logout_uri"),
    *protocol.CERTIFICATE_NAMES,
    *protocol.SWITCHES,
    *("userinfo_signed_response_alg", "introspection_signed_response_alg", "authorization_signed_response_alg"),
    *("id_token_encrypted_response_alg", "id_token_encrypted_response_enc"),
    *("userinfo_encrypted_response_alg", "userinfo_encrypted_response_enc"),
)


def _spend(token: str, now: datetime) -> InitialAccessToken:
    """One use of an initial access token; given back with the transaction when the metadata do not hold."""
    row = InitialAccessToken.objects.select_for_update().filter(digest=digest(token)).first() if token else None
    if row is None:
        raise TokenRefused("token_unknown" if token else "token_missing")
    if row.expires_at <= now:
        raise TokenRefused("token_expired")
    if row.uses_left < 1:
        raise TokenRefused("token_used_up")
    row.uses_left -= 1
    row.save(update_fields=["uses_left"])
    return row


def _managed(client_id: str, token: str, *, lock: bool = False) -> Tool:
    """The tool that this very token manages; one that an operator made, or that is gone, has no such token."""
    rows = Tool.objects.select_for_update() if lock else Tool.objects.all()
    tool = rows.filter(client_id=client_id, self_registered=True).first() if "\x00" not in client_id else None
    known = tool.registration_access_token if tool else ""
    if tool is None or not known or not hmac.compare_digest(known, digest(token)):
        raise TokenRefused("token_foreign" if token else "token_missing")
    return tool


def _check_sent_again(tool: Tool, sent: object) -> None:
    """RFC 7592 §2.2: its own identifier, its own secret if any, and nothing that only the hub decides."""
    if not isinstance(sent, Mapping):
        raise ProtocolError("invalid_client_metadata", "a JSON object is expected", detail="metadata_shape")
    if sent.get("client_id") != tool.client_id:
        raise ProtocolError("invalid_client_metadata", "client_id is not this client's", detail="client_id_differs")
    for name in ("registration_access_token", "registration_client_uri", "client_secret_expires_at"):
        if name in sent:
            raise ProtocolError("invalid_client_metadata", f"{name} is not the client's to set", detail="not_settable")
    if "client_id_issued_at" in sent:
        raise ProtocolError("invalid_client_metadata", "client_id_issued_at is not settable", detail="not_settable")
    secret = sent.get("client_secret")
    if secret is not None and not tools.is_secret_of(tool, str(secret)):
        # RFC 7592 §2.2: the client must not choose its secret.
        raise ProtocolError("invalid_client_metadata", "client_secret is not the current one", detail="secret_differs")


def _differs(tool: Tool, metadata: Metadata) -> bool:
    return (
        tool.name != metadata.name
        or tool.redirect_uri_list != metadata.redirect_uris
        or tool.post_logout_redirect_uri_list != metadata.post_logout_redirect_uris
        or any(getattr(tool, name) != value for name, value in metadata.properties.items())
    )


def _known_names() -> list[str]:
    """What members trust by its name: the hub, the cooperative, and the tools that an operator connected."""
    return [HUB, *branding.names(), *Tool.objects.filter(self_registered=False).values_list("name", flat=True)]


def _store(
    slug: str,
    metadata: Metadata,
    given: Mapping[str, Any],
    *,
    collectives: Collection[str] = (),
    now: datetime,
    reason: str,
    actor: Actor = SYSTEM,
) -> tools.Registered:
    """Through the one function that makes tools.  Raises ``ProtocolError`` for what does not fit together."""
    if protocol.likeness(metadata.name) in map(protocol.likeness, _known_names()):
        # Members know that name: on the page that asks for their agreement it would stand for another.
        raise ProtocolError("invalid_client_metadata", "client_name looks like a name in use", detail="name_taken")
    try:
        return tools.register_tool(
            slug=slug,
            name=metadata.name,
            actor=actor,
            now=now,
            redirect_uris=metadata.redirect_uris,
            post_logout_redirect_uris=metadata.post_logout_redirect_uris,
            collectives=collectives,
            properties={**metadata.properties, **given},
            reason=reason,
        )
    except ValidationError as error:
        field, why = next(iter(error.message_dict.items()))
        code = "invalid_redirect_uri" if field == "redirect_uris" else "invalid_client_metadata"
        raise ProtocolError(code, f"{field}: {why[0]}"[:200], detail=f"metadata_{field}"[:60]) from error
