"""Grants that the engine does not bring: device code (RFC 8628) and token exchange (RFC 8693)."""

import json
from typing import Any

from oauthlib.oauth2.rfc6749 import errors
from oauthlib.oauth2.rfc6749.grant_types.base import GrantTypeBase

OAuthRequest = Any
Response = tuple[dict[str, str], str, int]


class UnknownGrant(GrantTypeBase):
    """RFC 6749 §5.2: a grant that nobody offers, or none at all."""

    def create_token_response(self, request: OAuthRequest, token_handler: Any) -> Response:
        if not request.grant_type:
            raise errors.InvalidRequestError(description="Missing grant_type parameter.", request=request)
        raise errors.UnsupportedGrantTypeError(request=request)


class _Checked(GrantTypeBase):
    """A grant whose proof the validator checks as a whole; what is left is the order of the steps."""

    request_validator: Any
    refreshable = False

    def create_token_response(self, request: OAuthRequest, token_handler: Any) -> Response:
        self.request_validator.authenticate_client(request)
        self.validate_grant_type(request)
        self.prove(request)
        token = token_handler.create_token(request, refresh_token=self.refreshable)
        token = self.complete(token, token_handler, request)
        self.request_validator.save_token(token, request)
        return self._get_default_headers(), json.dumps(token), 200

    def prove(self, request: OAuthRequest) -> None:
        raise NotImplementedError

    def complete(self, token: dict[str, Any], token_handler: Any, request: OAuthRequest) -> dict[str, Any]:
        return token


class DeviceCodeGrant(_Checked):
    """RFC 8628 §3.4: what the member approved on another screen."""

    refreshable = True

    def prove(self, request: OAuthRequest) -> None:
        self.request_validator.validate_device_code(request)

    def complete(self, token: dict[str, Any], token_handler: Any, request: OAuthRequest) -> dict[str, Any]:
        if "openid" in request.scopes:
            token["id_token"] = self.request_validator.finalize_id_token({}, token, token_handler, request)
        return token


class TokenExchangeGrant(_Checked):
    """RFC 8693 §2: a member's token at one tool for one at another."""

    def prove(self, request: OAuthRequest) -> None:
        self.request_validator.validate_subject_token(request)

    def complete(self, token: dict[str, Any], token_handler: Any, request: OAuthRequest) -> dict[str, Any]:
        token["issued_token_type"] = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105
        return token
