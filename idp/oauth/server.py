"""The toolkit's engine with the two grants the hub offers, and no others."""

import secrets
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from oauth2_provider.settings import oauth2_settings
from oauthlib.oauth2.rfc6749.endpoints.token import TokenEndpoint
from oauthlib.oauth2.rfc6749.tokens import BearerToken
from oauthlib.openid.connect.core.grant_types.authorization_code import AuthorizationCodeGrant
from oauthlib.openid.connect.core.grant_types.refresh_token import RefreshTokenGrant

from idp.oauth.validator import Validator


def _new_token(request: Any) -> str:
    """43 characters, 256 bits."""
    return secrets.token_urlsafe(32)


class Server(TokenEndpoint):
    """Implicit, password, client-credentials and device grants are absent: they answer unsupported_grant_type."""

    def __init__(self, validator: Validator) -> None:
        self.request_validator = validator
        bearer = BearerToken(validator, _new_token, int(settings.ACCESS_TOKEN_LIFETIME.total_seconds()))
        code = AuthorizationCodeGrant(validator)
        TokenEndpoint.__init__(
            self,
            default_grant_type="authorization_code",
            grant_types={"authorization_code": code, "refresh_token": RefreshTokenGrant(validator)},
            default_token_type=bearer,
        )


def token_response(request: HttpRequest) -> tuple[dict[str, str], str, int, Validator]:
    """Headers, JSON body and status of a token request, and the validator that knows why."""
    validator = Validator()
    core = oauth2_settings.OAUTH2_BACKEND_CLASS(Server(validator))
    _, headers, body, status = core.create_token_response(request)
    return headers, body, status, validator
