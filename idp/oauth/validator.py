"""The toolkit's questions, answered from the hub's own rows.

One validator serves one request: what it loads stays on it, so that a code or a token is read once.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import BigIntegerField, CharField
from django.utils import timezone
from oauth2_provider.oauth2_validators import OAuth2Validator

from consent.types import Channel
from idp.clients import Authenticated
from idp.models import Grant, RefreshToken, Tool
from idp.protocol import redirects
from idp.protocol.access_tokens import token_type
from idp.protocol.errors import ProtocolError
from idp.protocol.tokens import digest
from idp.services import device, exchange, tokens
from idp.services.tokens import Answer, Basis
from idp.types import AccessTokenFormat, ToolState
from statements.reading import Given, Prepared

OAuthRequest = Any
_TOOL = Given("tool", BigIntegerField())
# ``no_key``: a refresh in flight names its code when it commits, while a replay of that code ends what it gave.
_CODE: Prepared[Any] = Prepared(
    lambda: tokens.with_ground(Grant.objects.select_for_update(of=("self",), no_key=True), tool=_TOOL).filter(
        code=Given("code", CharField()), application=_TOOL
    )
)
_REFRESH: Prepared[Any] = Prepared(
    lambda: tokens.with_ground(
        RefreshToken.objects.select_for_update(of=("self",), no_key=True).select_related("grant"), tool=_TOOL
    ).filter(token_checksum=Given("token", CharField()), application=_TOOL)
)
# RFC 7636 §4.1: shorter ones can be guessed.
VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
# What a tool asks about persons means nothing for its own account.
PERSONAL = frozenset({"openid", "profile", "email", "phone", "address", "groups", "offline_access"})


class Validator(OAuth2Validator):
    """Every grant comes to a ``Basis``; from there on all of them are treated alike."""

    def __init__(
        self, client: Authenticated, *, binding: str, resources: Sequence[str], audiences: Sequence[str]
    ) -> None:
        super().__init__()
        self.now: datetime = timezone.now()
        self.tool: Tool = client.tool
        self.binding = binding
        self.resources = resources
        self.audiences = audiences
        self.audience = tokens.Audience()
        self.basis: Basis | None = None
        self.answer: Answer | None = None
        self.refusal = ""

    # The client, which proved itself before the engine was asked ----------------------------------------------

    def client_authentication_required(self, request: OAuthRequest, *args: Any, **kwargs: Any) -> bool:
        """Always: a public tool "authenticates" by being registered as one and sending no secret."""
        return True

    def authenticate_client(self, request: OAuthRequest, *args: Any, **kwargs: Any) -> bool:
        request.client, request.client_id = self.tool, self.tool.client_id
        return True

    def authenticate_client_id(self, client_id: str, request: OAuthRequest, *args: Any, **kwargs: Any) -> bool:
        return self.authenticate_client(request)

    def validate_grant_type(
        self, client_id: str, grant_type: str, client: Tool, request: OAuthRequest, *args: Any, **kwargs: Any
    ) -> bool:
        if grant_type in client.grant_type_list:
            return True
        return self._refuse("grant_not_allowed")

    # Authorization code --------------------------------------------------------------------------------------

    def validate_code(
        self, client_id: str, code: str, client: Tool, request: OAuthRequest, *args: Any, **kwargs: Any
    ) -> bool:
        grant = _CODE.first(code=digest(code), tool=client.pk)
        if grant is None:
            return self._refuse("code_unknown")
        if grant.tool_session.ended_at is not None:
            # All that it gave ended with it: a second use is no news.
            return self._refuse("session_ended")
        if grant.used_at is not None:
            tokens.revoke_code_family(grant, now=self.now)
            return self._refuse("code_replayed")
        if grant.expires <= self.now:
            return self._refuse("code_expired")
        if grant.code_challenge and not request.code_verifier:
            # RFC 7636 §4.6: invalid_grant, as for a wrong one; the engine would call it invalid_request.
            return self._refuse("pkce_missing")
        if request.code_verifier and not VERIFIER.fullmatch(request.code_verifier):
            return self._refuse("pkce_verifier")
        if not grant.code_challenge and request.code_verifier:
            # RFC 9700 §4.8.2: a verifier for a code that was asked for without challenge is a downgrade.
            return self._refuse("pkce_downgrade")
        if grant.dpop_jkt and f"jkt:{grant.dpop_jkt}" != self.binding:
            # RFC 9449 §10: the code was asked for by the holder of another key.
            return self._refuse("dpop_code_binding")
        unusable = tokens.why_unusable(grant, client, now=self.now)
        if unusable:
            return self._refuse(unusable)
        if not tokens.is_settled(grant, client):
            # Withdrawn, or the sheet replaced, after the decision that this code was issued on.
            return self._refuse("consent_ended")
        self.basis = tokens.basis_of(
            grant,
            client,
            nonce=grant.nonce,
            claims=grant.claims,
            resources=tuple(grant.resource or ()),
            grant=grant,
        )
        request.user, request.scopes = grant.user, sorted(self.basis.scopes)
        self.audience = tokens.audience_for(self.basis, self.resources, now=self.now)
        return True

    def get_code_challenge(self, code: str, request: OAuthRequest) -> str | None:
        return self._grant().code_challenge or None

    def get_code_challenge_method(self, code: str, request: OAuthRequest) -> str | None:
        return self._grant().code_challenge_method or None

    def is_pkce_required(self, client_id: str, request: OAuthRequest) -> bool:
        return self.tool.needs_pkce

    def get_default_redirect_uri(self, client_id: str, request: OAuthRequest, *args: Any, **kwargs: Any) -> None:
        """None: the request named its address, so the exchange must name it too (RFC 6749 §4.1.3)."""
        return

    def confirm_redirect_uri(
        self, client_id: str, code: str, redirect_uri: str, client: Tool, *args: Any, **kwargs: Any
    ) -> bool:
        return redirects.is_registered(redirect_uri, (self._grant().redirect_uri,))

    def get_authorization_code_nonce(
        self, client_id: str, code: str, redirect_uri: str, request: OAuthRequest
    ) -> str | None:
        return self._grant().nonce or None

    def invalidate_authorization_code(
        self, client_id: str, code: str, request: OAuthRequest, *args: Any, **kwargs: Any
    ) -> None:
        """The row stays, marked: a replay must be recognised (RFC 9700 §4.5)."""
        Grant.objects.mark(self._grant().pk, used_at=self.now)

    def _grant(self) -> Grant:
        grant = self._basis().grant
        if grant is None:
            raise RuntimeError("no code was presented")
        return grant

    # Refresh -------------------------------------------------------------------------------------------------

    def validate_refresh_token(
        self, refresh_token: str, client: Tool, request: OAuthRequest, *args: Any, **kwargs: Any
    ) -> bool:
        row = _REFRESH.first(token=digest(refresh_token), tool=client.pk)
        if row is None:
            return self._refuse("refresh_unknown")
        if row.tool_session.ended_at is not None:
            # What a sign-out, a withdrawal or the closing of a tool revoked is no theft when it comes again.
            return self._refuse("session_ended")
        if row.binding and row.binding != self.binding:
            # Before anything is ended: whoever stole the token alone must not be able to end its family.
            return self._refuse("refresh_binding")
        repeated = self._repeated(row, refresh_token) if row.revoked is not None else ""
        if row.revoked is not None and not repeated:
            tokens.revoke_family(row, reason="refresh_reused", refused=True, now=self.now)
            return self._refuse("refresh_reused")
        if row.expires <= self.now:
            return self._refuse("refresh_expired")
        unusable = tokens.why_unusable(row, client, now=self.now)
        if unusable:
            return self._refuse(unusable)
        self.basis = tokens.basis_of(
            row,
            client,
            claims=row.claims,
            resources=tuple(row.resource or ()),
            family=row.token_family,
            grant=row.grant,
            refresh=row,
            repeated=repeated,
        )
        request.user = row.user
        self.audience = tokens.audience_for(self.basis, self.resources, now=self.now)
        return True

    def _repeated(self, row: RefreshToken, refresh_token: str) -> str:
        """The successor to give again: asked for within the tool's grace period, and not used itself yet."""
        grace = timedelta(seconds=self.tool.refresh_grace_seconds)
        if row.revoked is None or not grace or self.now - row.revoked > grace:
            return ""
        successor = tokens.successor_of(refresh_token)
        # Locked: who ends the family waits until this answer's access token can be seen, and ended with it.
        unused = RefreshToken.objects.select_for_update(no_key=True).filter(
            token_checksum=digest(successor), token_family=row.token_family, revoked=None
        )
        return successor if unused.values_list("pk").first() else ""

    def get_original_scopes(self, refresh_token: str, request: OAuthRequest, *args: Any, **kwargs: Any) -> list[str]:
        """What was granted, less what the operator has since taken from the tool."""
        return sorted(self._basis().scopes & allowed_scopes(self.tool))

    def rotate_refresh_token(self, request: OAuthRequest) -> bool:
        return True

    # A tool's own account ------------------------------------------------------------------------------------

    def get_default_scopes(self, client_id: str, request: OAuthRequest, *args: Any, **kwargs: Any) -> list[str]:
        return []

    def validate_scopes(
        self, client_id: str, scopes: list[str], client: Tool, request: OAuthRequest, *args: Any, **kwargs: Any
    ) -> bool:
        """Client credentials (RFC 6749 §4.4) only: the other grants bring the scopes that were granted."""
        if not frozenset(scopes) <= frozenset(client.scopes.split()) - PERSONAL:
            return self._refuse("scope_not_allowed")
        signed = client.access_token_format == AccessTokenFormat.JWT
        if signed and not Tool.objects.filter(pk=client.pk).exclude(state=ToolState.CLOSED).exists():
            # Nobody asks the hub about a signed token: that the tool was closed a moment ago must count now.
            return self._refuse("tool_closed")
        self.basis = Basis(tool=client, scopes=frozenset(scopes))
        self.audience = tokens.audience_for(self.basis, self.resources, now=self.now)
        return True

    # Device code and token exchange --------------------------------------------------------------------------

    def validate_device_code(self, request: OAuthRequest) -> None:
        """Raises ``ProtocolError`` by the names of RFC 8628 §3.5."""
        code = _given(request, "device_code")
        if not code:
            raise ProtocolError("invalid_request", "device_code is missing", detail="device_code_missing")
        self.audience = tokens.audience_for(Basis(tool=self.tool, scopes=frozenset()), self.resources, now=self.now)
        grant = device.redeem(tool=self.tool, device_code=code, audience=self.audience, now=self.now)
        self.basis = tokens.basis_of(grant, self.tool)
        request.user, request.scopes = grant.user, sorted(self.basis.scopes)

    def validate_subject_token(self, request: OAuthRequest) -> None:
        """Raises ``ProtocolError`` by the names of RFC 8693 §2.2.2."""
        wanted = exchange.ExchangeRequest(
            subject_token=_given(request, "subject_token"),
            subject_token_type=_given(request, "subject_token_type"),
            requested_token_type=_given(request, "requested_token_type"),
            actor_token=_given(request, "actor_token"),
            audiences=self.audiences,
            resources=self.resources,
            scope=_given(request, "scope"),
        )
        self.basis, self.audience = exchange.ground_for(wanted, tool=self.tool, binding=self.binding, now=self.now)
        request.user, request.scopes = self.basis.member, sorted(self.basis.scopes)

    # Tokens --------------------------------------------------------------------------------------------------

    def new_access_token(self, request: OAuthRequest, refresh_token: bool = False) -> str:
        # A refresh may narrow what was granted (RFC 6749 §6); claims and lifetime follow the narrower set.
        self.basis = replace(self._basis(), scopes=frozenset(request.scopes))
        return tokens.new_access_token(self.basis, audience=self.audience, binding=self.binding, now=self.now)

    def new_refresh_token(self, request: OAuthRequest, refresh_token: bool = False) -> str:
        basis = self._basis()
        return tokens.new_refresh_token(basis, request.refresh_token if basis.refresh is not None else "")

    def finalize_id_token(
        self, id_token: dict[str, Any], token: dict[str, Any], token_handler: Any, request: OAuthRequest
    ) -> str:
        basis = self._basis()
        self.answer = tokens.claims_for(basis, channel=Channel.ID_TOKEN)
        return tokens.sign_id_token(basis, self.answer, access_token=token["access_token"], now=self.now)

    def save_bearer_token(self, token: dict[str, Any], request: OAuthRequest, *args: Any, **kwargs: Any) -> None:
        basis = self._basis()
        if not self._may_refresh(basis, request):
            token.pop("refresh_token", None)
        token["token_type"] = token_type(self.binding)
        if basis.refresh and not basis.repeated and not tokens.keeps_refresh_token(self.tool):
            RefreshToken.objects.mark(basis.refresh.pk, revoked=self.now)
        tokens.save_tokens(
            basis,
            audience=self.audience,
            binding=self.binding,
            access_token=token["access_token"],
            refresh_token=token.get("refresh_token", ""),
            answer=self.answer,
            now=self.now,
        )

    def _may_refresh(self, basis: Basis, request: OAuthRequest) -> bool:
        """``offline_access`` asked for, granted, and still allowed to the tool (OpenID Connect Core §11)."""
        if basis.refresh is not None:
            return True
        return basis.member is not None and self.tool.offline_access and "offline_access" in request.scopes

    def _basis(self) -> Basis:
        if self.basis is None:
            raise RuntimeError("tokens are issued on a checked ground only")
        return self.basis

    def _refuse(self, reason: str) -> bool:
        self.refusal = reason
        return False


def _given(request: OAuthRequest, name: str) -> str:
    """A parameter that the engine does not know raises when it was not sent."""
    return str(getattr(request, name, None) or "")


def allowed_scopes(tool: Tool) -> frozenset[str]:
    """The scopes an operator gave this tool."""
    offline = {"offline_access"} if tool.offline_access else set()
    return frozenset(tool.scopes.split()) | {"openid"} | offline
