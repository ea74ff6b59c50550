"""What a tool may learn of a token it was shown (RFC 7662, RFC 9701)."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import BigIntegerField, CharField, DateTimeField, F

from consent import selectors as consent_selectors
from consent.ledger.services import disclose
from consent.types import Channel, Disclosed
from idp import access
from idp.models import AccessToken, Tool
from idp.protocol import access_tokens, acr
from idp.protocol.tokens import digest
from idp.services import keys, subjects, tokens
from idp.types import ToolState
from statements.reading import Given, Prepared

_SHOWN: Prepared[Any] = Prepared(
    lambda: access.with_entry(
        tokens.with_ground(
            AccessToken.objects.annotate(
                holder=F("application__client_id"), holder_state=F("application__state"), acting=F("actor__client_id")
            ),
            tool="application_id",
        ),
        member="user",
        tool=Given("reader", BigIntegerField()),
        name="reader_open",
    ).filter(token_checksum=Given("token", CharField()), expires__gt=Given("now", DateTimeField()))
)
INACTIVE: dict[str, Any] = {"active": False}


def introspect(token: str, *, tool: Tool, now: datetime) -> dict[str, Any]:
    """Only the audience of a token learns anything of it: the tool itself, or the resource it was made for.

    Refresh tokens are the business of the hub and of their holder, and read as inactive.  One statement, and that of
    ledger and journal where the answer names a person.
    """
    row = _SHOWN.first(token=digest(token), reader=tool.pk, now=now)
    if row is None or not _is_for(row, tool) or row.holder_state == ToolState.CLOSED:
        return INACTIVE
    if row.user is not None and (row.tool_session is None or _why_unusable(row, now=now)):
        return INACTIVE
    if row.user is not None and not _opens(row, tool):
        # The holder may still be entered, the resource behind it no longer.
        return INACTIVE
    answer = {
        "active": True,
        "iss": settings.ISSUER,
        "client_id": row.holder,
        "aud": (row.resource or [tool.client_id])[0] if len(row.resource or ()) < 2 else row.resource,
        "scope": row.scope,
        "token_type": access_tokens.token_type(row.binding),
        "exp": int(row.expires.timestamp()),
        "iat": int(row.created.timestamp()),
    }
    # A tool's own account has no subject: it is nobody, and must not be taken for somebody (RFC 9700 §4.15).
    if row.user is not None:
        answer["sub"] = subjects.given(row.user, tool)
    if row.auth_time is not None:
        answer["auth_time"] = int(row.auth_time.timestamp())
    stated = row.acr if row.user is None else tokens.level_of(row)
    if stated:
        answer["acr"] = stated
    if row.binding:
        answer["cnf"] = access_tokens.cnf(row.binding)
    if row.acting is not None:
        answer["act"] = {"sub": row.acting}
    if "sub" in answer:
        # Before it leaves, as everywhere: what cannot be written is not told.
        with transaction.atomic():
            disclose([_told(row, tool)], now=now)
    return answer


def _told(row: Any, reader: Tool) -> Disclosed:
    """Who the token is about is all that an answer tells of a person: no claim is made of anything else."""
    member, nothing = row.user_id, frozenset[str]()
    if reader.pk == row.application_id:
        release = consent_selectors.release_on(member, reader.pk, consent_selectors.standing_of(row), nothing)
    else:
        release = consent_selectors.release(member, reader.pk, nothing)
    identifier, session = frozenset({"identifier"}), row.tool_session.hub_session_id
    return Disclosed(member, reader.pk, Channel.INTROSPECTION, identifier, release, session)


def signed(answer: dict[str, Any], *, tool: Tool, now: datetime) -> str:
    """RFC 9701 §5, by the algorithm that the tool registered."""
    payload = access_tokens.introspection_payload(
        issuer=settings.ISSUER, audience=tool.client_id, now=now, answer=answer
    )
    alg = tool.introspection_signed_response_alg or tool.algorithm
    return keys.sign(payload, alg=alg, typ=access_tokens.INTROSPECTION_TYPE)


def _why_unusable(row: Any, *, now: datetime) -> str:
    return tokens.why_unusable(row, Tool.objects.known(row.application_id), now=now)


def _opens(row: Any, reader: Tool) -> bool:
    """Whether the token's member would be let into the tool that reads it."""
    if reader.pk != row.application_id and not consent_selectors.may_be_told(row.user_id, reader.pk):
        return False
    enough = acr.suffices(row.tool_session.hub_session.acr, acr.Need(minimum=reader.required_acr))
    return enough and access.may_enter_as_read(row, row.user, name="reader_open")


def _is_for(row: Any, tool: Tool) -> bool:
    if row.resource:
        return bool(tool.resource_identifier) and tool.resource_identifier in row.resource
    return bool(row.application_id == tool.pk)
