"""The toolkit's engine with the grants the hub offers, and no others."""

import json
from typing import Any

from django.conf import settings
from django.http import HttpRequest, QueryDict
from oauthlib.oauth2.rfc6749.endpoints.token import TokenEndpoint
from oauthlib.oauth2.rfc6749.errors import OAuth2Error
from oauthlib.oauth2.rfc6749.grant_types.client_credentials import ClientCredentialsGrant
from oauthlib.oauth2.rfc6749.tokens import BearerToken
from oauthlib.openid.connect.core.grant_types.authorization_code import AuthorizationCodeGrant
from oauthlib.openid.connect.core.grant_types.refresh_token import RefreshTokenGrant

from idp.clients import Authenticated
from idp.oauth.grants import DeviceCodeGrant, TokenExchangeGrant, UnknownGrant
from idp.oauth.validator import Validator
from idp.protocol.errors import ProtocolError
from idp.types import GrantType

# What each grant reads: RFC 6749 §4.1.3 with RFC 7636 §4.5, §6, §4.4.2; RFC 8628 §3.4; RFC 8693 §2.1.
PARAMETERS: dict[str, frozenset[str]] = {
    GrantType.CODE: frozenset({"code", "redirect_uri", "code_verifier"}),
    GrantType.REFRESH: frozenset({"refresh_token", "scope"}),
    GrantType.CLIENT_CREDENTIALS: frozenset({"scope"}),
    GrantType.DEVICE: frozenset({"device_code"}),
    GrantType.EXCHANGE: frozenset(
        {"subject_token", "subject_token_type", "requested_token_type", "actor_token", "actor_token_type", "scope"}
    ),
}


class Server(TokenEndpoint):
    """Implicit and password grants are absent, and whatever is not listed answers unsupported_grant_type."""

    def __init__(self, validator: Validator) -> None:
        self.request_validator = validator
        bearer = BearerToken(
            validator,
            token_generator=validator.new_access_token,
            refresh_token_generator=validator.new_refresh_token,
            expires_in=int(settings.ACCESS_TOKEN_LIFETIME.total_seconds()),
        )
        TokenEndpoint.__init__(
            self,
            default_grant_type="",
            grant_types={
                "": UnknownGrant(validator),
                GrantType.CODE: AuthorizationCodeGrant(validator),
                GrantType.REFRESH: RefreshTokenGrant(validator),
                GrantType.CLIENT_CREDENTIALS: ClientCredentialsGrant(validator),
                GrantType.DEVICE: DeviceCodeGrant(validator),
                GrantType.EXCHANGE: TokenExchangeGrant(validator),
            },
            default_token_type=bearer,
        )


def _of_grant(form: QueryDict) -> list[tuple[str, str]]:
    """What the grant reads and nothing else: the engine makes an attribute of its request of whatever it is sent.

    The client proved itself before: its credentials are nothing that the engine has to see.
    """
    known = PARAMETERS.get(form.get("grant_type", ""), frozenset())
    return [(name, str(value)) for name, value in form.items() if name == "grant_type" or name in known]


def token_response(
    request: HttpRequest, client: Authenticated, *, binding: str
) -> tuple[dict[str, Any], int, Validator]:
    """JSON body and status of a token request, and the validator that knows why."""
    form = request.POST
    validator = Validator(
        client, binding=binding, resources=form.getlist("resource"), audiences=form.getlist("audience")
    )
    try:
        _, body, status = Server(validator).create_token_response(request.path, "POST", _of_grant(form), {})
    except ProtocolError as error:
        validator.refusal = error.detail
        return {"error": error.code, "error_description": error.description}, 400, validator
    except OAuth2Error as error:
        return json.loads(error.json), error.status_code, validator
    return json.loads(body), status, validator
