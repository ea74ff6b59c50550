"""Token exchange (RFC 8693): between two tools that the operator paired, for a member who may enter both."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from idp.models import AccessToken, Tool, ToolPair
from idp.protocol.errors import ProtocolError
from idp.protocol.tokens import digest
from idp.selectors import tool_by_client_id
from idp.services import tokens
from idp.services.tokens import Audience, Basis

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105


@dataclass(frozen=True, slots=True)
class ExchangeRequest:
    """What RFC 8693 §2.1 lets a tool say, as it said it."""

    subject_token: str
    subject_token_type: str
    requested_token_type: str = ""
    actor_token: str = ""
    audiences: Sequence[str] = ()
    resources: Sequence[str] = ()
    scope: str = ""


def ground_for(wanted: ExchangeRequest, *, tool: Tool, binding: str, now: datetime) -> tuple[Basis, Audience]:
    """The ground of the new token, and its audience: the target tool as a resource.

    Delegation, not impersonation: the token says who acts (§4.1) and dies with the one it was exchanged for.
    Raises ``ProtocolError``.
    """
    if tool.client_type != Tool.CLIENT_CONFIDENTIAL:
        raise ProtocolError("unauthorized_client", "a public client cannot act for anybody", detail="exchange_public")
    _check_types(wanted)
    subject = _subject(wanted.subject_token, tool, binding=binding, now=now)
    pair = _pair(wanted, tool)
    basis = Basis(
        tool=tool,
        scopes=_scopes(wanted.scope, pair),
        member=subject.user,
        tool_session=subject.tool_session,
        auth_time=subject.auth_time,
        acr=tokens.level_of(subject),
        family=subject.family,
        grant=subject.grant,
        actor=tool,
    )
    audience = Audience((pair.target.resource_identifier,), (pair.target,))
    tokens.check_readers(basis, audience, now=now)
    return basis, audience


def _check_types(wanted: ExchangeRequest) -> None:
    if not wanted.subject_token or wanted.subject_token_type != ACCESS_TOKEN:
        raise ProtocolError("invalid_request", "an access token is exchanged", detail="subject_token_type")
    if wanted.requested_token_type not in ("", ACCESS_TOKEN):
        raise ProtocolError("invalid_request", "an access token is given", detail="requested_token_type")
    if wanted.actor_token:
        raise ProtocolError("invalid_request", "the client itself is the actor", detail="actor_token")


def _subject(subject_token: str, tool: Tool, *, binding: str, now: datetime) -> Any:
    """The member's token: the tool's own, or one that was made for it as a resource."""
    # Locked: a revocation at the same moment waits until what is given here can be seen, and ended with it.
    locked = AccessToken.objects.select_for_update(of=("self",), no_key=True).select_related("grant")
    rows = tokens.with_ground(locked, tool="application_id")
    row = rows.filter(token_checksum=digest(subject_token), expires__gt=now).first()
    own = row is not None and row.application_id == tool.pk and not row.resource
    received = row is not None and tool.resource_identifier and tool.resource_identifier in (row.resource or ())
    if row is None or not (own or received):
        raise ProtocolError("invalid_grant", "the subject token is not for this client", detail="subject_token_foreign")
    if row.user is None or row.tool_session is None or row.actor_id is not None:
        # Neither a tool's own account nor a token that was itself exchanged: whom it stands for must stay plain.
        raise ProtocolError("invalid_grant", "the subject token cannot be exchanged", detail="subject_token_kind")
    if own and row.binding and row.binding != binding:
        raise ProtocolError(
            "invalid_grant", "the subject token is bound to another key", detail="subject_token_binding"
        )
    unusable = tokens.why_unusable(row, Tool.objects.known(row.application_id), now=now) or (
        _why_closed(row, tool, now=now) if received else ""
    )
    if unusable:
        raise ProtocolError("invalid_grant", "the subject token's ground is gone", detail=unusable)
    return row


def _why_closed(row: Any, tool: Tool, *, now: datetime) -> str:
    """Why a token that was made for this tool opens it no longer, or nothing: then it opens nothing beyond it."""
    try:
        tokens.check_doors(row.user, row.tool_session.hub_session, [tool], now=now)
    except ProtocolError as error:
        return error.detail
    return ""


def _pair(wanted: ExchangeRequest, tool: Tool) -> ToolPair:
    named = [tool_by_client_id(each) for each in wanted.audiences]
    named += [Tool.objects.of_resource(each) for each in wanted.resources]
    targets = {target.pk: target for target in named if target is not None}
    if len(targets) != 1 or None in named:
        raise ProtocolError("invalid_target", "name one tool as audience or resource", detail="exchange_target")
    (target,) = targets.values()
    # Locked, as the subject token is: who parts the two waits, and ends what is given here.
    pairs = ToolPair.objects.select_for_update(of=("self",), no_key=True).select_related("target")
    pair = pairs.filter(source=tool, target=target).first()
    if pair is None or not target.resource_identifier:
        raise ProtocolError("invalid_target", "these tools are not paired", detail="exchange_not_paired")
    return pair


def _scopes(asked: str, pair: ToolPair) -> frozenset[str]:
    allowed = frozenset(pair.scopes.split())
    scopes = frozenset(asked.split()) or allowed
    if not scopes <= allowed:
        raise ProtocolError("invalid_scope", "the pair does not carry that scope", detail="exchange_scope")
    return scopes
