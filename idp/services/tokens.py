"""Tokens: made on a ground, saved as digests, revoked by family.  Every step runs inside the caller's transaction."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.expressions import Combinable
from django.utils.crypto import salted_hmac

from audit.services import record
from audit.types import Action, Actor, Entry
from consent import selectors as consent_selectors
from consent.ledger.services import disclose
from consent.policy import asked_items
from consent.types import ALWAYS, Channel, Disclosed, Standing
from directory.models import Member
from idp import access, claims
from idp.models import AccessToken, Grant, HubSession, RefreshToken, Tool, ToolSession
from idp.protocol import access_tokens, acr, claims_request
from idp.protocol import tokens as protocol
from idp.protocol.encoding import base64url
from idp.protocol.errors import ProtocolError
from idp.services import client_keys, keys, subjects
from idp.types import AccessTokenFormat
from statements.writing import together

# A code lives half as long: who has just proved themselves is let into any resource.
LEAST_FRESH = timedelta(minutes=2)
# Columns that no ground is judged by and no claim is made of.
UNREAD = (
    *(f"user__{name}" for name in ("password", "source", "dn", "dn_key", "csn", "digest")),
    *(f"user__{name}" for name in ("state_reason", "state_since")),
    *(f"user__{name}" for name in ("login_key", "email_key", "order_key", "employee_type", "created_at", "updated_at")),
    *(f"tool_session__hub_session__{name}" for name in ("session_key", "started_at", "last_seen_at", "ended_reason")),
)


@dataclass(frozen=True, slots=True)
class Basis:
    """What tokens rest on, read once: a code, a refresh token, a device's approval, another token, the tool itself.

    Without ``member`` it is the tool's own account, which is nobody: no claim, no session, no ID token.
    """

    tool: Tool
    scopes: frozenset[str]
    member: Member | None = None
    tool_session: ToolSession | None = None
    standing: Standing | None = None
    auth_time: datetime | None = None
    acr: str = ""
    methods: tuple[str, ...] = ()
    nonce: str = ""
    claims: str = ""
    resources: tuple[str, ...] = ()
    family: UUID = field(default_factory=uuid4)
    grant: Grant | None = None
    refresh: RefreshToken | None = None
    # Set where a lost answer is given again: the refresh token that the first one carried.
    repeated: str = ""
    actor: Tool | None = None


@dataclass(frozen=True, slots=True)
class Audience:
    """For whom a token is (RFC 8707); ``readers`` are the tools behind the resources, where they are ours.

    No resource: the hub itself, behind userinfo.
    """

    resources: tuple[str, ...] = ()
    readers: tuple[Tool, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """Claims about to leave, with what the ledger must be told of them."""

    claims: dict[str, Any]
    disclosed: Disclosed


# Grounds -----------------------------------------------------------------------------------------------------


def with_ground(rows: QuerySet[Any], *, tool: int | str | Combinable) -> QuerySet[Any]:
    """Read the access decision and the standing consent beside rows that have a ``user`` and a ``tool_session``."""
    beside = rows.select_related("user", "tool_session__hub_session").defer(*UNREAD)
    beside = access.with_entry(beside, member="user", tool=tool)
    return consent_selectors.with_standing(beside, member="user", tool=tool)


def why_unusable(row: Any, tool: Tool, *, now: datetime) -> str:
    """Why tokens may no longer be had on the ground of this row, or nothing.  Asked at every use of every token.

    ``tool`` is the one that holds it: what its operator asks of a sign-in counts for what was given before, too.
    """
    if not row.user.is_active:
        return "member_inactive"
    if row.tool_session.ended_at is not None or row.tool_session.hub_session.is_over(now):
        return "session_ended"
    if not access.may_enter_as_read(row, row.user):
        return "access_denied"
    if not acr.suffices(row.tool_session.hub_session.acr, acr.Need(minimum=tool.required_acr)):
        return "acr_too_low"
    return ""


def is_settled(row: Any, tool: Tool) -> bool:
    """Whether nothing had to be shown before this code were issued now.  No statement."""
    asked = asked_items(frozenset(row.scope.split()), claims_request.parse(row.claims).names)
    return consent_selectors.settled(tool.pk, consent_selectors.standing_of(row), asked)


def basis_of(row: Any, tool: Tool, **more: Any) -> Basis:
    """The ground that a row read by ``with_ground`` is, with what only its kind has in ``more``."""
    methods = getattr(row, "methods", ()) if still_proved(row) else row.tool_session.hub_session.methods
    return Basis(
        tool=tool,
        member=row.user,
        tool_session=row.tool_session,
        standing=consent_selectors.standing_of(row),
        scopes=frozenset(row.scope.split()),
        auth_time=row.auth_time,
        acr=level_of(row),
        methods=tuple(methods),
        **more,
    )


def still_proved(row: Any) -> bool:
    """Whether the session is still at the level that this row states: a factor that was removed proves nothing."""
    return acr.suffices(row.tool_session.hub_session.acr, acr.Need(minimum=row.acr))


def level_of(row: Any) -> str:
    """The ``acr`` to state for this row of a member: its own, or what is left of it in the session."""
    stated: str = row.acr if still_proved(row) else row.tool_session.hub_session.acr
    return stated


def audience_for(basis: Basis, wanted: Iterable[str], *, now: datetime) -> Audience:
    """RFC 8707 §2.2: the resources of this token, from those granted, or from the tool's own list where none was.

    Raises ``ProtocolError`` invalid_target, also for a signed token that would have to name its subject differently
    to two resources, and as ``check_readers`` does.
    """
    asked = tuple(dict.fromkeys(wanted))
    known = frozenset(basis.resources or basis.tool.resource_list)
    if not known.issuperset(asked):
        raise ProtocolError("invalid_target", "this client may not ask for that resource", detail="resource_foreign")
    resources = asked or basis.resources
    if len(resources) > 1 and basis.tool.access_token_format == AccessTokenFormat.JWT:
        raise ProtocolError("invalid_target", "name one resource for this token", detail="resource_many")
    found = [Tool.objects.of_resource(resource) for resource in resources]
    audience = Audience(resources, tuple(tool for tool in found if tool is not None))
    check_readers(basis, audience, now=now)
    return audience


def check_readers(basis: Basis, audience: Audience, *, now: datetime) -> None:
    """A token opens the tool that reads it, so all that is asked at its door is asked here: may the member enter,
    have they agreed where it rests on that, and have they proved enough.  Raises ``ProtocolError`` access_denied.
    """
    if basis.member is not None:
        others = [reader for reader in audience.readers if reader.pk != basis.tool.pk]
        check_doors(basis.member, _person(basis)[2].hub_session, others, now=now)


def is_fresh_for(reader: Tool, auth_time: datetime, *, now: datetime) -> bool:
    """Whether this tool, behind a resource, would take a proof of that time.

    Time passes between the proof and the token: what asks for none at all would be reached by nobody.
    """
    age = reader.default_max_age
    return age is None or now - auth_time <= max(timedelta(seconds=age), LEAST_FRESH)


def check_doors(member: Member, session: HubSession, readers: Iterable[Tool], *, now: datetime) -> None:
    """Whether each of these tools would let the member in as they are.  Raises ``ProtocolError`` access_denied."""
    for reader in readers:
        if not access.may_enter(member, reader):
            raise ProtocolError("access_denied", "this member may not enter the resource", detail="access_denied")
        if not consent_selectors.may_be_told(member.pk, reader.pk):
            raise ProtocolError("access_denied", "this member did not agree to the resource", detail="consent_missing")
        if not acr.suffices(session.acr, acr.Need(minimum=reader.required_acr)):
            raise ProtocolError("access_denied", "the resource needs a stronger sign-in", detail="acr_too_low")
        if not is_fresh_for(reader, session.auth_time, now=now):
            raise ProtocolError("access_denied", "the resource needs a fresher sign-in", detail="auth_too_old")


# Claims ------------------------------------------------------------------------------------------------------


def claims_for(basis: Basis, *, channel: Channel) -> Answer:
    """The claims this tool gets on this channel, and the ledger line that must be written with them."""
    member, tool, session = _person(basis)
    single = claims_request.parse(basis.claims)
    if channel == Channel.USERINFO:
        asked = asked_items(basis.scopes, single.userinfo)
    else:
        asked = asked_items(basis.scopes if tool.claims_in_id_token else (), single.id_token)
    release = consent_selectors.release_on(member.pk, tool.pk, basis.standing, asked)
    known = claims.values(member, release.items)
    sent = protocol.released_claims(known, release.items)
    always = ALWAYS if channel == Channel.ID_TOKEN else frozenset({"identifier"})
    items = protocol.items_sent(known, sent) | always
    return Answer(sent, Disclosed(member.pk, tool.pk, channel, items, release, session.hub_session_id))


def _person(basis: Basis) -> tuple[Member, Tool, ToolSession]:
    if basis.member is None or basis.tool_session is None:
        raise RuntimeError("a tool's own account is nobody")
    return basis.member, basis.tool, basis.tool_session


# Making ------------------------------------------------------------------------------------------------------


def new_access_token(basis: Basis, *, audience: Audience, binding: str, now: datetime) -> str:
    """43 random characters, or a JWT (RFC 9068) where the tool wants its resources to read it alone."""
    if basis.tool.access_token_format != AccessTokenFormat.JWT:
        return secrets.token_urlsafe(32)
    payload = access_tokens.payload(
        issuer=settings.ISSUER,
        subject=subject_at(basis, audience.readers[0] if audience.readers else None),
        client_id=basis.tool.client_id,
        audience=audience.resources or (settings.ISSUER,),
        scope=" ".join(sorted(basis.scopes)),
        now=now,
        lifetime=settings.ACCESS_TOKEN_LIFETIME,
        jti=secrets.token_urlsafe(16),
        auth_time=basis.auth_time,
        acr=basis.acr,
        binding=binding,
        actor=basis.actor.client_id if basis.actor else "",
    )
    return keys.sign(payload, alg=basis.tool.algorithm, typ=access_tokens.ACCESS_TOKEN_TYPE)


def subject_at(basis: Basis, reader: Tool | None) -> str:
    """How the token's reader knows the person; a tool's own account is its ``client_id``, which nobody is called."""
    if basis.member is None:
        return basis.tool.client_id
    return subjects.given(basis.member, reader or basis.tool)


def sign_id_token(basis: Basis, answer: Answer, *, access_token: str, now: datetime) -> str:
    """OpenID Connect Core §2, signed as the tool chose and encrypted to it where it wants that (§10.2).

    Raises ``KeysUnavailable`` when the tool's key cannot be had: better no answer than a readable one.
    """
    member, tool, session = _person(basis)
    payload = protocol.id_token(
        issuer=settings.ISSUER,
        subject=subjects.given(member, tool),
        client_id=tool.client_id,
        now=now,
        lifetime=settings.ID_TOKEN_LIFETIME,
        auth_time=basis.auth_time or session.first_at,
        nonce=basis.nonce,
        sid=session.sid,
        acr=basis.acr,
        amr=basis.methods,
        access_token=access_token,
        claims=answer.claims,
        alg=tool.algorithm,
    )
    signed = keys.sign(payload, alg=tool.algorithm)
    if not tool.id_token_encrypted_response_alg:
        return signed
    return client_keys.encrypt(
        tool, signed, alg=tool.id_token_encrypted_response_alg, enc=tool.id_token_encrypted_response_enc
    )


def new_refresh_token(basis: Basis, presented: str) -> str:
    """The next refresh token of a family: random, or derived from the last where a lost answer may be asked for again.

    Derived, the same answer can be given twice although only digests are stored: who holds the old token within the
    grace period gets the same successor and never a second family.
    """
    if basis.repeated:
        return basis.repeated
    if presented and keeps_refresh_token(basis.tool):
        return presented
    if presented and basis.tool.refresh_grace_seconds:
        return successor_of(presented)
    return secrets.token_urlsafe(32)


def successor_of(refresh_token: str) -> str:
    """43 characters that only the hub can tell from a refresh token."""
    mac = salted_hmac("idp.refresh.successor", refresh_token, algorithm="sha256").digest()
    return base64url(mac)


def keeps_refresh_token(tool: Tool) -> bool:
    """FAPI 2.0 Security Profile §5.3.2.1: no rotation, since these tokens are bound to a client that proves itself."""
    return tool.is_fapi


# Saving ------------------------------------------------------------------------------------------------------


def save_tokens(
    basis: Basis,
    *,
    audience: Audience,
    binding: str,
    access_token: str,
    refresh_token: str,
    answer: Answer | None,
    now: datetime,
) -> None:
    """Store the digests, write the ledger and the journal.  An empty ``refresh_token`` means none was asked for."""
    scope = " ".join(sorted(basis.scopes))
    token = {
        "user_id": basis.member.pk if basis.member else None,
        "application_id": basis.tool.pk,
        "token": "",
        "token_checksum": protocol.digest(access_token),
        "expires": now + settings.ACCESS_TOKEN_LIFETIME,
        "scope": scope,
        "resource": list(audience.resources),
        "claims": basis.claims,
        "tool_session_id": basis.tool_session.pk if basis.tool_session else None,
        "grant_id": basis.grant.pk if basis.grant else None,
        "family": basis.family,
        "binding": binding,
        "auth_time": basis.auth_time,
        "acr": basis.acr,
        "actor_id": basis.actor.pk if basis.actor else None,
    }
    entry = Entry(
        Action.TOKEN_REFRESHED if basis.refresh else Action.TOKEN_ISSUED,
        actor=Actor(tool=basis.tool.pk),
        subject=basis.member.pk if basis.member else None,
        tool=basis.tool.pk,
        session=basis.tool_session.hub_session_id if basis.tool_session else None,
        facts=_facts(basis, resources=audience.resources, binding=binding, refresh=bool(refresh_token)),
        at=now,
    )
    leaving = [answer.disclosed] if answer else []
    leaving += _told_to_readers(basis, audience.readers)
    with together():
        AccessToken.objects.insert([token])
        if refresh_token and not basis.repeated and not (basis.refresh and keeps_refresh_token(basis.tool)):
            _save_refresh_token(basis, scope=scope, binding=binding, refresh_token=refresh_token, now=now)
        record(entry)
        disclose(leaving, now=now)


def _save_refresh_token(basis: Basis, *, scope: str, binding: str, refresh_token: str, now: datetime) -> None:
    before = basis.refresh
    member, _, session = _person(basis)
    # RFC 9449 §5: a confidential client proves itself at every refresh; a public one has only its key.
    held = binding if basis.tool.client_type == Tool.CLIENT_PUBLIC else ""
    token = {
        "user_id": member.pk,
        "application_id": basis.tool.pk,
        "token": "",
        "token_checksum": protocol.digest(refresh_token),
        "token_family": basis.family,
        "tool_session_id": session.pk,
        "grant_id": basis.grant.pk if basis.grant else None,
        "scope": before.scope if before else scope,
        "resource": list(basis.resources),
        "claims": basis.claims,
        "binding": before.binding if before else held,
        "auth_time": basis.auth_time or session.first_at,
        "acr": basis.acr,
        "methods": list(basis.methods),
        "expires": before.expires if before else now + settings.REFRESH_TOKEN_LIFETIME,
    }
    RefreshToken.objects.insert([token])


def _facts(basis: Basis, *, resources: tuple[str, ...], binding: str, refresh: bool) -> dict[str, object]:
    facts: dict[str, object] = {"refresh": refresh}
    if resources:
        facts["resources"] = list(resources)
    if binding:
        facts["binding"] = binding.partition(":")[0]
    if basis.member is None:
        facts["own_account"] = True
    if basis.actor:
        facts["exchanged_by"] = basis.actor.pk
    if basis.repeated:
        facts["repeated"] = True
    return facts


def _told_to_readers(basis: Basis, readers: Iterable[Tool]) -> list[Disclosed]:
    """A token for another tool tells that tool who the person is: the ledger is told when it is made."""
    if basis.member is None or basis.tool_session is None:
        return []
    member, session, identifier = basis.member.pk, basis.tool_session.hub_session_id, frozenset({"identifier"})
    return [
        Disclosed(
            member,
            reader.pk,
            Channel.ACCESS_TOKEN,
            identifier,
            consent_selectors.release(member, reader.pk, frozenset()),
            session,
        )
        for reader in readers
        if reader.pk != basis.tool.pk
    ]


# Revoking ----------------------------------------------------------------------------------------------------


def revoke_code_family(grant: Grant, *, now: datetime) -> None:
    """RFC 6749 §4.1.2: a code used twice was stolen by one of the two; what it gave dies."""
    _revoke_all(RefreshToken.objects.filter(grant=grant), now=now)
    AccessToken.objects.filter(grant=grant).delete()
    record(
        Entry(
            Action.CODE_REPLAYED,
            actor=Actor(tool=grant.application_id),
            subject=grant.user_id,
            tool=grant.application_id,
            session=grant.tool_session.hub_session_id,
            refused=True,
            reason="code_replayed",
            at=now,
        )
    )


def revoke_family(token: RefreshToken, *, reason: str, refused: bool, now: datetime) -> None:
    """RFC 9700 §4.14.2: the whole family of a refresh token, with every access token it gave."""
    _revoke_all(RefreshToken.objects.filter(token_family=token.token_family), now=now)
    AccessToken.objects.filter(family=token.token_family).delete()
    record(
        Entry(
            Action.TOKEN_REVOKED,
            actor=Actor(tool=token.application_id),
            subject=token.user_id,
            tool=token.application_id,
            session=token.tool_session.hub_session_id,
            refused=refused,
            reason=reason,
            at=now,
        )
    )


def _revoke_all(rows: QuerySet[RefreshToken], *, now: datetime) -> None:
    """Until none is left: a refresh that the UPDATE waited for has put its successor where the UPDATE did not look."""
    live = rows.filter(revoked=None)
    while live.exists():
        live.update(revoked=now)


def end_read_by(tool: Tool, member_id: UUID) -> None:
    """What other tools hold to act at this one for the member, and what it holds to act at others on the ground of
    that, where the hub still can: opaque tokens."""
    AccessToken.objects.filter(user_id=member_id, application=tool, actor=tool).delete()
    if not tool.resource_identifier:
        return
    rows = AccessToken.objects.filter(user_id=member_id).exclude(resource=[]).values_list("pk", "resource")
    read = [pk for pk, resources in rows if tool.resource_identifier in (resources or ())]
    AccessToken.objects.filter(pk__in=read).delete()


@transaction.atomic
def revoke(*, tool: Tool, token: str, now: datetime) -> None:
    """RFC 7009: by the tool the token was given to; another's token counts as unknown, and nothing is told."""
    checksum = protocol.digest(token)
    refresh = RefreshToken.objects.select_related("tool_session").filter(application=tool)
    row = refresh.filter(token_checksum=checksum).first()
    access_row = None if row else AccessToken.objects.filter(token_checksum=checksum, application=tool).first()
    if row is None and access_row is not None and access_row.family is not None:
        row = refresh.filter(token_family=access_row.family).first()
    if row is not None:
        revoke_family(row, reason="by_tool", refused=False, now=now)
    elif access_row is not None:
        # An exchange under way holds the row; what it gives can be seen after it.
        list(AccessToken.objects.select_for_update(no_key=True).filter(pk=access_row.pk).values_list("pk"))
        gone = Q(pk=access_row.pk)
        if access_row.family is not None and access_row.actor_id is None:
            # With what was exchanged for it.  Who revokes an exchanged one ends that alone: its family is another's.
            gone |= Q(family=access_row.family, actor__isnull=False)
        AccessToken.objects.filter(gone).delete()
        record(Entry(Action.TOKEN_REVOKED, Actor(tool=tool.pk), access_row.user_id, tool.pk, reason="by_tool", at=now))
