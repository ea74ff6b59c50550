"""The toolkit's questions, answered from the hub's own rows.

One validator serves one request: what it loads stays on it, so that a code or a tool is read once.
"""

from datetime import datetime
from typing import Any

from django.utils import timezone
from oauth2_provider.oauth2_validators import OAuth2Validator

from consent.types import Channel
from idp import clients
from idp.models import Grant, RefreshToken, Tool
from idp.protocol import redirects
from idp.protocol.tokens import digest
from idp.services import tokens
from idp.types import ToolKind

OAuthRequest = Any


class Validator(OAuth2Validator):
    """Grants: authorization code with PKCE, and refresh.  Everything else is refused by the server's own table."""

    def __init__(self) -> None:
        super().__init__()
        self.now: datetime = timezone.now()
        self.tool: Tool | None = None
        self.grant: Grant | None = None
        self.refresh: RefreshToken | None = None
        self.answer: tokens.Answer | None = None
        self.refusal = ""

    # Client authentication -----------------------------------------------------------------------------------

    def client_authentication_required(self, request: OAuthRequest, *args: Any, **kwargs: Any) -> bool:
        """Always: a public tool "authenticates" by being registered as one and sending no secret."""
        return True

    def authenticate_client(self, request: OAuthRequest, *args: Any, **kwargs: Any) -> bool:
        form = {name: getattr(request, name, None) or "" for name in ("client_id", "client_secret")}
        self.tool = clients.authenticate(request.headers.get("Authorization", ""), form)
        if self.tool is None:
            return self._refuse("invalid_client")
        request.client, request.client_id = self.tool, self.tool.client_id
        return True

    def authenticate_client_id(self, client_id: str, request: OAuthRequest, *args: Any, **kwargs: Any) -> bool:
        return self.authenticate_client(request)

    def validate_grant_type(
        self, client_id: str, grant_type: str, client: Tool, request: OAuthRequest, *args: Any, **kwargs: Any
    ) -> bool:
        if client.kind != ToolKind.OIDC:
            return False
        return grant_type == "authorization_code" or (grant_type == "refresh_token" and client.offline_access)

    # Authorization code --------------------------------------------------------------------------------------

    def validate_code(
        self, client_id: str, code: str, client: Tool, request: OAuthRequest, *args: Any, **kwargs: Any
    ) -> bool:
        grant = (
            Grant.objects.select_for_update(of=("self",))
            .select_related("user", "tool_session__hub_session")
            .filter(code=digest(code), application=client)
            .first()
        )
        if grant is None:
            return self._refuse("code_unknown")
        if grant.used_at is not None:
            tokens.revoke_code_family(grant, now=self.now)
            return self._refuse("code_replayed")
        if grant.expires <= self.now:
            return self._refuse("code_expired")
        if not grant.code_challenge and request.code_verifier:
            # RFC 9700 §4.8.2: a verifier for a code that was asked for without challenge is a downgrade.
            return self._refuse("pkce_downgrade")
        unusable = tokens.usable(grant.user, client, grant.tool_session, now=self.now)
        if unusable:
            return self._refuse(unusable)
        self.grant = grant
        request.user, request.scopes = grant.user, grant.scope.split()
        return True

    def get_code_challenge(self, code: str, request: OAuthRequest) -> str | None:
        return (self.grant.code_challenge if self.grant else "") or None

    def get_code_challenge_method(self, code: str, request: OAuthRequest) -> str | None:
        return (self.grant.code_challenge_method if self.grant else "") or None

    def is_pkce_required(self, client_id: str, request: OAuthRequest) -> bool:
        return self.tool is None or self.tool.pkce_required

    def get_default_redirect_uri(self, client_id: str, request: OAuthRequest, *args: Any, **kwargs: Any) -> None:
        """None: the request named its address, so the exchange must name it too (RFC 6749 §4.1.3)."""
        return

    def confirm_redirect_uri(
        self, client_id: str, code: str, redirect_uri: str, client: Tool, *args: Any, **kwargs: Any
    ) -> bool:
        return self.grant is not None and redirects.is_registered(redirect_uri, (self.grant.redirect_uri,))

    def get_authorization_code_nonce(
        self, client_id: str, code: str, redirect_uri: str, request: OAuthRequest
    ) -> str | None:
        return (self.grant.nonce if self.grant else "") or None

    def invalidate_authorization_code(
        self, client_id: str, code: str, request: OAuthRequest, *args: Any, **kwargs: Any
    ) -> None:
        """The row stays, marked: a replay must be recognised (RFC 9700 §4.5)."""
        if self.grant is not None:
            Grant.objects.filter(pk=self.grant.pk).update(used_at=self.now)

    # Refresh -------------------------------------------------------------------------------------------------

    def validate_refresh_token(
        self, refresh_token: str, client: Tool, request: OAuthRequest, *args: Any, **kwargs: Any
    ) -> bool:
        row = (
            RefreshToken.objects.select_for_update(of=("self",))
            .select_related("user", "grant", "tool_session__hub_session")
            .filter(token_checksum=digest(refresh_token), application=client)
            .first()
        )
        if row is None:
            return self._refuse("refresh_unknown")
        if row.revoked is not None:
            tokens.revoke_family(row, reason="refresh_reused", refused=True, now=self.now)
            return self._refuse("refresh_reused")
        if row.expires <= self.now:
            return self._refuse("refresh_expired")
        unusable = tokens.usable(row.user, client, row.tool_session, now=self.now)
        if unusable:
            return self._refuse(unusable)
        self.refresh = row
        request.user = row.user
        return True

    def get_original_scopes(self, refresh_token: str, request: OAuthRequest, *args: Any, **kwargs: Any) -> list[str]:
        """What was granted, less what the operator has since taken from the tool."""
        if self.refresh is None or self.tool is None:
            return []
        return [scope for scope in self.refresh.scope.split() if scope in allowed_scopes(self.tool)]

    def rotate_refresh_token(self, request: OAuthRequest) -> bool:
        return True

    # Tokens --------------------------------------------------------------------------------------------------

    def finalize_id_token(
        self, id_token: dict[str, Any], token: dict[str, Any], token_handler: Any, request: OAuthRequest
    ) -> str:
        basis = self._basis()
        self.answer = tokens.claims_for(
            request.user,
            request.client,
            scopes=frozenset(request.scopes),
            channel=Channel.ID_TOKEN,
            session=basis.tool_session.hub_session_id,
        )
        return tokens.sign_id_token(
            member=request.user,
            tool=request.client,
            tool_session=basis.tool_session,
            basis=basis,
            nonce=id_token.get("nonce", ""),
            access_token=token["access_token"],
            released=self.answer.claims,
            now=self.now,
        )

    def save_bearer_token(self, token: dict[str, Any], request: OAuthRequest, *args: Any, **kwargs: Any) -> None:
        basis = self._basis()
        offline = isinstance(basis, RefreshToken) or (
            request.client.offline_access and "offline_access" in request.scopes
        )
        if not offline:
            token.pop("refresh_token", None)
        if isinstance(basis, RefreshToken):
            RefreshToken.objects.filter(pk=basis.pk).update(revoked=self.now)
        tokens.save_tokens(
            member=request.user,
            tool=request.client,
            tool_session=basis.tool_session,
            basis=basis,
            scopes=request.scopes,
            access_token=token["access_token"],
            refresh_token=token.get("refresh_token", ""),
            answer=self.answer,
            now=self.now,
        )

    def _basis(self) -> Grant | RefreshToken:
        basis = self.grant or self.refresh
        if basis is None:
            raise RuntimeError("tokens are issued on a code or a refresh token only")
        return basis

    def _refuse(self, reason: str) -> bool:
        self.refusal = reason
        return False


def allowed_scopes(tool: Tool) -> frozenset[str]:
    """The scopes an operator gave this tool."""
    offline = {"offline_access"} if tool.offline_access else set()
    return frozenset(tool.scopes.split()) | {"openid"} | offline
