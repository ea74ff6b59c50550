"""Connecting a tool, giving it a secret, opening and closing it: the one way a tool comes to be what it is."""

import hmac
import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from audit.differences import differences, text
from audit.sealing import seal, unseal
from audit.services import record
from audit.types import Action, Actor, Entry
from consent import services as consent_services
from consent.register import selectors as register
from consent.types import Sheet
from directory.models import Collective
from idp.clients import SECRET_PURPOSE
from idp.models import AccessToken, Admission, Tool, ToolPair, ToolSession
from idp.protocol.tokens import digest
from idp.services import client_keys, sessions
from idp.types import LIVE_ADMISSIONS, AdmissionState, AuthMethod, GrantType, ToolKind, ToolState

WITH_SECRET = frozenset({AuthMethod.BASIC, AuthMethod.POST, AuthMethod.EITHER, AuthMethod.SECRET_JWT})
# An imported secret is stored under one SHA-256: that is enough for 32 random characters, not for a word.
LEAST_SECRET = 32
MAX_OVERLAP = timedelta(days=30)
# RFC 6749 §3.3
SCOPE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+")
SCOPES_LENGTH = 255
# A secret, keys, and people's addresses: the journal has that they changed.
UNTOLD = frozenset({"secret", "client_jwks", "contacts"})


@dataclass(frozen=True, slots=True)
class Registered:
    """A tool and, this once, its secret in clear; ``kept`` tells that the tool goes on with the one it had."""

    tool: Tool
    client_secret: str
    kept: bool = False


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
    reason: str = "",
    is_new: bool = False,
) -> Registered:
    """Connect a new tool, or bring the one of this slug in line with what is given.

    ``collectives`` are slugs.  ``is_new``: it must not be there yet, else ``IntegrityError``.  Raises
    ``ValidationError`` naming the property that is wrong; nothing is changed then.
    """
    tool = None if is_new else Tool.objects.select_for_update(no_key=True).filter(slug=slug).first()
    created = tool is None
    tool = tool or Tool(slug=slug, client_id=f"{slug}-{secrets.token_hex(4)}")
    before = {} if created else _facts(tool) | {"collectives": _let_in(tool)}
    tool.name = name
    tool.redirect_uris = " ".join(redirect_uris)
    tool.post_logout_redirect_uris = " ".join(post_logout_redirect_uris)
    for field, value in (properties or {}).items():
        setattr(tool, field, value)
    tool.client_type = (
        Tool.CLIENT_PUBLIC if tool.token_endpoint_auth_method == AuthMethod.NONE else Tool.CLIENT_CONFIDENTIAL
    )
    tool.authorization_grant_type = Tool.GRANT_AUTHORIZATION_CODE
    _check(tool, client_secret)
    secret = _give_secret(tool, client_secret)
    tool.save()
    tool.collectives.set(_collectives(collectives))
    after = _facts(tool) | {"collectives": _let_in(tool)}
    if created or before != after:
        record(
            Entry(
                Action.TOOL_CREATED if created else Action.TOOL_CHANGED,
                actor=actor,
                tool=tool.pk,
                reason=reason,
                facts=differences(before, after, untold=UNTOLD),
                at=now,
            )
        )
    return Registered(tool, secret, kept=_has_secret(tool) and not secret)


class NotDeclared(ValidationError):
    """A tool would be switched on whose sheet has yet to say something: ``missing`` has the codes of what."""

    def __init__(self, missing: list[str]) -> None:
        self.missing = missing
        super().__init__(
            {"state": [f"not switched on: its sheet does not say {', '.join(missing)} (GDPR articles 5, 28 and 30)"]}
        )


def connect_tool(*, slug: str, sheet: Sheet | None, actor: Actor, now: datetime, **order: Any) -> Registered:
    """``register_tool`` and the tool's sheet in one transaction, as an operator connects a tool.

    Raises ``NotDeclared``, after a line in the journal, where more members would get in before the sheet says what the
    register must know, or where the sheet of a tool in use says less of it than before; ``SheetInvalid`` and
    ``ValidationError`` as those do.  Nothing is changed then.
    """
    try:
        with transaction.atomic():
            before = _use_of(Tool.objects.select_for_update(no_key=True).filter(slug=slug).first(), now=now)
            registered = register_tool(slug=slug, actor=actor, now=now, **order)
            if sheet is not None:
                consent_services.declare(tool_id=registered.tool.pk, sheet=sheet, actor=actor, now=now)
            _check_declared(registered.tool, before, now=now)
            return registered
    except NotDeclared as error:
        note_refused(slug, error, actor=actor, now=now)
        raise


@dataclass(frozen=True, slots=True)
class _Use:
    """Which members a tool that is given data lets in, nobody as long as it is closed; and what its sheet omits."""

    everyone: bool = False
    collectives: frozenset[str] = frozenset()
    missing: tuple[str, ...] = ("processing",)

    def widens(self, before: "_Use") -> bool:
        if before.everyone:
            return False
        return self.everyone or not self.collectives <= before.collectives

    def says_less(self, before: "_Use") -> bool:
        """A tool in use whose sheet omits nothing new goes on, as one from before there was a register does.

        A new interest is weighed once the sheet names it: that is a hole of the register, and nobody more gets in.
        """
        in_use = self.everyone or bool(self.collectives)
        return (
            in_use
            and "processing" not in before.missing
            and not set(self.missing) - {"balancing"} <= set(before.missing)
        )


def _use_of(tool: Tool | None, *, now: datetime) -> _Use:
    # A mere link is given no data.
    if tool is None or tool.kind != ToolKind.OIDC:
        return _Use()
    missing = tuple(register.missing_to_open(tool.pk, today=timezone.localdate(now)))
    if not tool.is_open:
        return _Use(missing=missing)
    return _Use(tool.everyone, frozenset(_let_in(tool)), missing)


def _check_declared(tool: Tool, before: _Use, *, now: datetime) -> None:
    """Raises ``NotDeclared``."""
    after = _use_of(tool, now=now)
    if after.missing and (after.widens(before) or after.says_less(before)):
        raise NotDeclared(list(after.missing))


def check_declared(tool: Tool, *, now: datetime) -> None:
    """Before anybody may be let in one by one.  Raises ``NotDeclared``."""
    missing = register.missing_to_open(tool.pk, today=timezone.localdate(now)) if tool.signs_in_here else ()
    if missing:
        raise NotDeclared(list(missing))


@transaction.atomic
def note_refused(slug: str, error: NotDeclared, *, actor: Actor, now: datetime) -> None:
    tool = Tool.objects.filter(slug=slug).first()
    facts: dict[str, object] = {"missing": error.missing}
    record(Entry(Action.TOOL_REFUSED, actor, tool=tool.pk if tool else None, refused=True, facts=facts, at=now))


@transaction.atomic
def rotate_secret(*, slug: str, actor: Actor, now: datetime, overlap: timedelta) -> str:
    """A new secret; the old one goes on working for ``overlap``, so that the tool can be changed meanwhile.

    Raises ``ValidationError`` for a tool that has no secret of ours, or an overlap that is no overlap.
    """
    tool = locked(slug)
    if not _has_secret(tool):
        raise ValidationError({"client_secret": ["this tool proves itself without one"]})
    if not timedelta() <= overlap <= MAX_OVERLAP:
        raise ValidationError({"overlap": [f"0 to {MAX_OVERLAP.days} days"]})
    tool.previous_client_secret, tool.previous_sealed_client_secret = tool.client_secret, tool.sealed_client_secret
    tool.previous_client_secret_until = now + overlap
    secret = _new_secret(tool)
    tool.save()
    minutes = overlap // timedelta(minutes=1)
    record(Entry(Action.SECRET_ROTATED, actor=actor, tool=tool.pk, facts={"overlap_minutes": minutes}, at=now))
    return secret


def set_access(
    *,
    slug: str,
    state: ToolState,
    everyone: bool,
    collectives: Collection[str],
    actor: Actor,
    now: datetime,
    sheet: Sheet | None = None,
) -> Tool:
    """Who may enter, and whether anybody: the operator's word, also about a tool that registered itself.

    ``sheet`` is declared with it, where the tool has none yet or another.

    Raises ``ValidationError``; ``NotDeclared`` as ``connect_tool`` does.  Access that is taken away is noticed by the
    next use of any token.
    """
    try:
        with transaction.atomic():
            tool = locked(slug)
            before = _use_of(tool, now=now)
            if sheet is not None:
                consent_services.declare(tool_id=tool.pk, sheet=sheet, actor=actor, now=now)
            _set_access(tool, state, everyone, collectives, actor=actor, now=now)
            _check_declared(tool, before, now=now)
            return tool
    except NotDeclared as error:
        note_refused(slug, error, actor=actor, now=now)
        raise


def _set_access(
    tool: Tool, state: ToolState, everyone: bool, collectives: Collection[str], *, actor: Actor, now: datetime
) -> None:
    before = _access(tool)
    tool.state, tool.everyone = state, everyone
    if state != ToolState.CLOSED:
        _check(tool, "")
    tool.save()
    tool.collectives.set(_collectives(collectives))
    facts: dict[str, object] = {"state": str(state.value), "everyone": everyone, "collectives": len(collectives)}
    facts |= differences(before, _access(tool))
    record(Entry(Action.TOOL_CHANGED, actor=actor, tool=tool.pk, reason="access", facts=facts, at=now))


@transaction.atomic
def close_tool(*, slug: str, actor: Actor, now: datetime, reason: str) -> None:
    """The end of a tool: nobody enters, nothing it holds works, its credentials are gone.

    The row stays: the ledger and the agreements name it, and must for as long as they are kept.  So does the address
    for logout notices: those queued here have yet to be sent, and with no session left to end there will be no other.
    """
    tool = locked(slug)
    sessions.end_tool_sessions(ToolSession.objects.filter(tool=tool), now=now, reason="tool_closed", actor=actor)
    # What its own account holds belongs to no session.
    AccessToken.objects.filter(application=tool).delete()
    tool.state, tool.everyone = ToolState.CLOSED, False
    tool.redirect_uris = tool.post_logout_redirect_uris = ""
    tool.client_secret = tool.previous_client_secret = tool.registration_access_token = ""
    tool.sealed_client_secret = tool.previous_sealed_client_secret = tool.previous_client_secret_until = None
    tool.client_jwks, tool.client_jwks_uri = None, ""
    tool.save()
    tool.collectives.clear()
    live = Admission.objects.filter(tool=tool, state__in=LIVE_ADMISSIONS)
    live.update(state=AdmissionState.ENDED, ended_at=now)
    record(Entry(Action.TOOL_CLOSED, actor=actor, tool=tool.pk, reason=reason, at=now))


@transaction.atomic
def pair_tools(*, source: str, target: str, scopes: Collection[str], actor: Actor, now: datetime) -> ToolPair:
    """Let ``source`` exchange a member's token for one of these scopes at ``target`` (RFC 8693), from now on.

    Raises ``ValidationError`` where either could not take part; scopes that are taken away end what was exchanged.
    """
    giver, taker = _both_locked(source, target)
    _check_pair(giver, taker, scopes)
    # An exchange under way holds the row; what it gives is ended with the rest.
    pair = ToolPair.objects.select_for_update(no_key=True).filter(source=giver, target=taker).first()
    before = frozenset(pair.scopes.split()) if pair else frozenset()
    if pair and before == frozenset(scopes):
        return pair
    if not before <= frozenset(scopes):
        _end_exchanged(giver, taker)
    pair, _created = ToolPair.objects.update_or_create(
        source=giver,
        target=taker,
        defaults={"scopes": " ".join(sorted(scopes))},
        create_defaults={"scopes": " ".join(sorted(scopes)), "created_at": now},
    )
    facts: dict[str, object] = {"target": taker.slug, "scopes": sorted(scopes)}
    facts |= differences({"scopes": before}, {"scopes": frozenset(scopes)})
    record(Entry(Action.TOOLS_PAIRED, actor=actor, tool=giver.pk, facts=facts, at=now))
    return pair


@transaction.atomic
def part_tools(*, source: str, target: str, actor: Actor, now: datetime) -> None:
    """End an exchange with everything that it gave, but for signed tokens, which live out their minutes.

    Raises ``ValidationError`` for two tools that were not paired.
    """
    giver, taker = _both_locked(source, target)
    if not ToolPair.objects.filter(source=giver, target=taker).delete()[0]:
        raise ValidationError({"target": ["these tools are not paired"]})
    _end_exchanged(giver, taker)
    record(Entry(Action.TOOLS_PARTED, actor=actor, tool=giver.pk, facts={"target": taker.slug}, at=now))


def _check_pair(giver: Tool, taker: Tool, scopes: Collection[str]) -> None:
    """Raises ``ValidationError``."""
    if giver.pk == taker.pk:
        raise ValidationError({"target": ["a tool needs no exchange with itself"]})
    if giver.client_type != Tool.CLIENT_CONFIDENTIAL or GrantType.EXCHANGE not in giver.grant_type_list:
        raise ValidationError({"source": [f"it must be confidential and have the grant {GrantType.EXCHANGE}"]})
    if not taker.resource_identifier:
        raise ValidationError({"target": ["it has no resource identifier by which tokens could name it"]})
    if not scopes or not all(SCOPE.fullmatch(scope) for scope in scopes):
        raise ValidationError({"scopes": ["at least one, without spaces, quotes or backslashes"]})
    if len(" ".join(scopes)) > SCOPES_LENGTH:
        raise ValidationError({"scopes": [f"more than {SCOPES_LENGTH} characters"]})


def _end_exchanged(giver: Tool, taker: Tool) -> None:
    AccessToken.objects.filter(application=giver, actor=giver, resource=[taker.resource_identifier]).delete()


def is_secret_of(tool: Tool, secret: str) -> bool:
    """Whether this is the tool's current secret."""
    known = tool.client_secret
    if tool.sealed_client_secret is not None:
        known = digest(unseal(bytes(tool.sealed_client_secret), purpose=SECRET_PURPOSE).decode())
    return bool(known) and hmac.compare_digest(known, digest(secret))


def locked(slug: str) -> Tool:
    # ``no_key``: tokens that are being written name the tool, and wait for no more than its identifier.
    tool = Tool.objects.select_for_update(no_key=True).filter(slug=slug).first()
    if tool is None:
        raise ValidationError({"slug": ["no tool of this name"]})
    return tool


def _both_locked(source: str, target: str) -> tuple[Tool, Tool]:
    """In one order for everybody: two operators who pair the same tools both ways would wait for each other."""
    found = {slug: locked(slug) for slug in sorted({source, target})}
    return found[source], found[target]


def _check(tool: Tool, imported_secret: str) -> None:
    """Raises ``ValidationError``."""
    if imported_secret and tool.token_endpoint_auth_method in WITH_SECRET and len(imported_secret) < LEAST_SECRET:
        raise ValidationError({"client_secret": [f"shorter than {LEAST_SECRET} characters"]})
    if tool.client_jwks and (why := client_keys.why_not_usable(tool.client_jwks)):
        raise ValidationError({"client_jwks": [why]})
    named = tool.resource_identifier
    if named and Tool.objects.filter(resource_identifier=named).exclude(pk=tool.pk).exists():
        raise ValidationError({"resource_identifier": ["another tool is this resource"]})
    tool.full_clean(exclude=["user", "client_secret", "redirect_uris"], validate_unique=False)


def _give_secret(tool: Tool, wanted: str) -> str:
    """The secret in clear when it is new.  Ours are random (256 bits, no character that needs encoding)."""
    if tool.kind != ToolKind.OIDC or tool.token_endpoint_auth_method not in WITH_SECRET:
        _forget_secrets(tool)
        return ""
    if wanted:
        return _store_secret(tool, wanted)
    if tool.sealed_client_secret and tool.token_endpoint_auth_method != AuthMethod.SECRET_JWT:
        # The method changed, the secret need not: from now on its digest is enough.
        _store_secret(tool, unseal(bytes(tool.sealed_client_secret), purpose=SECRET_PURPOSE).decode())
        tool.previous_sealed_client_secret = None
    return "" if _has_secret(tool) else _new_secret(tool)


def _has_secret(tool: Tool) -> bool:
    """Whether it has the secret that its method needs."""
    if tool.token_endpoint_auth_method == AuthMethod.SECRET_JWT:
        return tool.sealed_client_secret is not None
    return bool(tool.client_secret)


def _new_secret(tool: Tool) -> str:
    return _store_secret(tool, secrets.token_hex(32))


def _store_secret(tool: Tool, secret: str) -> str:
    tool.client_secret, tool.sealed_client_secret = digest(secret), None
    if tool.token_endpoint_auth_method == AuthMethod.SECRET_JWT:
        # The one method that needs the secret itself.
        tool.client_secret, tool.sealed_client_secret = "", seal(secret.encode(), purpose=SECRET_PURPOSE)
    return secret


def _forget_secrets(tool: Tool) -> None:
    tool.client_secret = tool.previous_client_secret = ""
    tool.sealed_client_secret = tool.previous_sealed_client_secret = tool.previous_client_secret_until = None


def _access(tool: Tool) -> dict[str, object]:
    return {"state": tool.state, "everyone": tool.everyone, "collectives": _let_in(tool)}


def _let_in(tool: Tool) -> list[str]:
    return sorted(tool.collectives.values_list("slug", flat=True))


def _collectives(slugs: Collection[str]) -> list[Collective]:
    found = list(Collective.objects.filter(slug__in=slugs))
    unknown = set(slugs) - {collective.slug for collective in found}
    if unknown:
        raise ValidationError({"collectives": [f"unknown: {', '.join(sorted(unknown))}"]})
    return found


def _facts(tool: Tool) -> dict[str, object]:
    """The properties as text, to tell which ones changed and how."""
    skipped = {
        *("id", "created", "updated", "client_secret", "previous_client_secret", "previous_client_secret_until"),
        *("sealed_client_secret", "previous_sealed_client_secret", "registration_access_token"),
    }
    facts: dict[str, object] = {field.name: text(getattr(tool, field.attname)) for field in tool._meta.concrete_fields}
    facts["secret"] = tool.client_secret or digest(bytes(tool.sealed_client_secret or b"").decode())
    return {name: value for name, value in facts.items() if name not in skipped}
