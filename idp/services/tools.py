"""Connecting a tool, and giving it a secret."""

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from audit.services import record
from audit.types import Action, Actor, Entry
from directory.models import Collective
from idp.clients import SECRET_PURPOSE
from idp.models import Tool
from idp.protocol.tokens import digest
from idp.sealing import seal
from idp.types import AuthMethod, ToolKind

WITH_SECRET = frozenset({AuthMethod.BASIC, AuthMethod.POST, AuthMethod.EITHER, AuthMethod.SECRET_JWT})


@dataclass(frozen=True, slots=True)
class Registered:
    """A tool and, this once, its secret in clear (empty for a public tool, a link, or an unchanged secret)."""

    tool: Tool
    client_secret: str


@transaction.atomic
def register_tool(
    *,
    slug: str,
    name: str,
    actor: Actor,
    now: datetime,
    redirect_uris: Collection[str] = (),
    post_logout_redirect_uris: Collection[str] = (),
    collectives: Collection[str] = (),
    properties: Mapping[str, Any] | None = None,
    client_secret: str = "",
) -> Registered:
    """Connect a new tool, or bring the one of this slug in line with what is given.

    ``collectives`` are slugs.  Raises ``ValidationError`` naming the property that is wrong; nothing is changed then.
    """
    tool = Tool.objects.select_for_update().filter(slug=slug).first()
    created = tool is None
    tool = tool or Tool(slug=slug, client_id=f"{slug}-{secrets.token_hex(4)}")
    before = _facts(tool) if not created else {}
    tool.name = name
    tool.redirect_uris = " ".join(redirect_uris)
    tool.post_logout_redirect_uris = " ".join(post_logout_redirect_uris)
    for field, value in (properties or {}).items():
        setattr(tool, field, value)
    tool.client_type = (
        Tool.CLIENT_PUBLIC if tool.token_endpoint_auth_method == AuthMethod.NONE else Tool.CLIENT_CONFIDENTIAL
    )
    tool.authorization_grant_type = Tool.GRANT_AUTHORIZATION_CODE
    tool.full_clean(exclude=["user", "client_secret", "redirect_uris"], validate_unique=False)
    secret = _give_secret(tool, client_secret, created=created)
    tool.save()
    tool.collectives.set(_collectives(collectives))
    if created or before != _facts(tool):
        changed = sorted(key for key, value in _facts(tool).items() if before.get(key) != value)
        record(
            Entry(
                Action.TOOL_CREATED if created else Action.TOOL_CHANGED,
                actor=actor,
                tool=tool.pk,
                facts={"properties": changed},
                at=now,
            )
        )
    return Registered(tool, secret)


def _give_secret(tool: Tool, wanted: str, *, created: bool) -> str:
    """Secrets are ours to make (256 bits, no character that needs encoding) unless an operator imports one."""
    if tool.kind != ToolKind.OIDC or tool.token_endpoint_auth_method not in WITH_SECRET:
        tool.client_secret, tool.sealed_client_secret = "", None
        return ""
    if not wanted and not created and (tool.client_secret or tool.sealed_client_secret):
        return ""
    secret = wanted or secrets.token_hex(32)
    tool.client_secret, tool.sealed_client_secret = digest(secret), None
    if tool.token_endpoint_auth_method == AuthMethod.SECRET_JWT:
        # The one method that needs the secret itself.
        tool.client_secret = ""
        tool.sealed_client_secret = seal(secret.encode(), purpose=SECRET_PURPOSE)
    return secret


def _collectives(slugs: Collection[str]) -> list[Collective]:
    found = list(Collective.objects.filter(slug__in=slugs))
    unknown = set(slugs) - {collective.slug for collective in found}
    if unknown:
        raise ValidationError({"collectives": [f"unknown: {', '.join(sorted(unknown))}"]})
    return found


def _facts(tool: Tool) -> dict[str, str]:
    skipped = {
        *("id", "created", "updated", "client_secret", "previous_client_secret", "previous_client_secret_until"),
        *("sealed_client_secret", "previous_sealed_client_secret"),
    }
    facts = {field.name: str(getattr(tool, field.attname)) for field in tool._meta.concrete_fields}
    facts["secret"] = tool.client_secret or digest(bytes(tool.sealed_client_secret or b"").decode())
    return {name: value for name, value in facts.items() if name not in skipped}
