"""The claims behind an access token (OpenID Connect Core §5.3)."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import CharField, DateTimeField
from django.urls import reverse

from consent.ledger.services import disclose
from consent.types import Channel
from idp.models import AccessToken, Tool
from idp.protocol.errors import ProtocolError
from idp.protocol.tokens import digest
from idp.services import client_keys, keys, subjects, tokens
from statements.reading import Given, Prepared

_SHOWN: Prepared[Any] = Prepared(
    lambda: tokens.with_ground(AccessToken.objects.all(), tool="application_id").filter(
        token_checksum=Given("token", CharField()), expires__gt=Given("now", DateTimeField())
    )
)


@dataclass(frozen=True, slots=True)
class Userinfo:
    """An answer ready to leave: claims as JSON, or the signed or encrypted form that the tool asked for."""

    claims: dict[str, Any]
    signed: str


def userinfo(access_token: str, *, check_holder: Callable[[Tool, str], None], now: datetime) -> Userinfo:
    """Raises ``ProtocolError``: unknown, expired, without ground, for another resource, or without a person.

    Raises ``KeysUnavailable`` where the tool wants the answer encrypted and its key cannot be had.

    ``check_holder`` is given the token's tool and binding, and raises unless the request proves it.
    """
    row = _SHOWN.first(token=digest(access_token), now=now)
    if row is None:
        raise ProtocolError("invalid_token", "unknown or expired", detail="token_unknown")
    tool = Tool.objects.known(row.application_id)
    check_holder(tool, row.binding)
    if tool.userinfo_encrypted_response_alg:
        # The tool may take its time over its key, and the member may withdraw meanwhile: what stands is read after.
        client_keys.prepare(tool, alg=tool.userinfo_encrypted_response_alg)
        row = _SHOWN.first(token=digest(access_token), now=now)
        if row is None:
            raise ProtocolError("invalid_token", "unknown or expired", detail="token_unknown")
    if row.user is None or row.tool_session is None or row.actor_id is not None:
        # A tool's own account is nobody, and an exchanged token is for the tool it was exchanged for.
        raise ProtocolError("insufficient_scope", "this token stands for no person here", detail="token_without_person")
    if row.resource and not _names().intersection(row.resource):
        raise ProtocolError("invalid_token", "the token is for another resource", detail="token_audience")
    if "openid" not in row.scope.split():
        raise ProtocolError("insufficient_scope", "openid was not granted", detail="token_scope")
    unusable = tokens.why_unusable(row, tool, now=now)
    if unusable:
        raise ProtocolError("invalid_token", "its ground is gone", detail=unusable)
    answer = tokens.claims_for(tokens.basis_of(row, tool, claims=row.claims), channel=Channel.USERINFO)
    payload = {**answer.claims, "sub": subjects.given(row.user, tool)}
    ready = Userinfo(payload, _signed(tool, payload, now=now))
    # What leaves and its lines stand or fall together.
    with transaction.atomic():
        disclose([answer.disclosed], now=now)
    return ready


def _names() -> frozenset[str]:
    """What userinfo is called as a resource (RFC 9728 §3.3): the hub's name, or its own address."""
    return frozenset({settings.ISSUER, settings.ISSUER + reverse("idp:userinfo")})


def _signed(tool: Tool, payload: dict[str, Any], *, now: datetime) -> str:
    """OpenID Connect Core §5.3.2: signed, encrypted, or both; empty where the tool wants plain JSON."""
    text = ""
    if tool.userinfo_signed_response_alg:
        signed = {**payload, "iss": settings.ISSUER, "aud": tool.client_id, "iat": int(now.timestamp())}
        text = keys.sign(signed, alg=tool.userinfo_signed_response_alg)
    if not tool.userinfo_encrypted_response_alg:
        return text
    return client_keys.encrypt(
        tool,
        text or json.dumps(payload),
        alg=tool.userinfo_encrypted_response_alg,
        enc=tool.userinfo_encrypted_response_enc,
        cty="JWT" if text else "json",
    )
