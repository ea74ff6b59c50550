"""What replays of incidents look at: that nothing was given, and that the refusal is in the journal."""

from django.test import Client

from audit.models import Event
from audit.types import Action
from idp.models import AccessToken, Grant, RefreshToken
from idp.types import AuthMethod, GrantType
from tests.support.oidc import Party, connect


def given() -> tuple[int, int, int]:
    """How many codes, access tokens and living refresh tokens there are."""
    return Grant.objects.count(), AccessToken.objects.count(), RefreshToken.objects.filter(revoked=None).count()


def nothing_given() -> None:
    assert given() == (0, 0, 0)


def noted(reason: str, action: Action = Action.TOKEN_REFUSED) -> int:
    """How many refusals the journal holds for this reason."""
    return Event.objects.filter(action=action, refused=True, reason=reason).count()


def stays_here(response, address: str = "") -> None:
    """A page of the hub's own: no redirect, no form, no link and no policy that leads to ``address``."""
    page = response.content.decode()
    assert response.status_code == 400, page[:300]
    assert "Location" not in response
    assert 'id="error-page"' in page
    assert 'id="form-post"' not in page
    assert not address or address not in page + response["Content-Security-Policy"]


def refused_token(response, error: str, reason: str) -> None:
    """The token endpoint said no, for this reason, with nothing beside it."""
    body = response.json()
    assert (response.status_code, body["error"]) == (401 if error == "invalid_client" else 400, error)
    assert set(body) <= {"error", "error_description"}
    assert noted(reason) == 1, list(Event.objects.filter(refused=True).values_list("action", "reason"))


def start_device(party: Party, scope: str = "openid profile") -> dict[str, str]:
    form = {"scope": scope, **party.credentials()}
    return dict(party.post("/oidc/device_authorization", form).json())


def approve_device(browser: Client, user_code: str) -> None:
    browser.post("/appareil/", {"user_code": user_code})
    browser.post("/appareil/", {"user_code": user_code, "answer": "approve"})


def redeem_device(party: Party, device_code: str):
    form = {"grant_type": GrantType.DEVICE, "device_code": device_code, **party.credentials()}
    return party.post("/oidc/token", form)


def exchange_token(party: Party, subject_token: str, target: Party):
    form = {
        "grant_type": GrantType.EXCHANGE,
        "subject_token": subject_token,
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "audience": target.tool.client_id,
        **party.credentials(),
    }
    return party.post("/oidc/token", form)


def connect_with_every_grant(slug: str, **properties: object) -> Party:
    """A confidential tool that may use whatever there is."""
    return connect(
        slug,
        offline_access=True,
        token_endpoint_auth_method=AuthMethod.POST,
        grant_types=" ".join((GrantType.CODE, GrantType.DEVICE, GrantType.EXCHANGE, GrantType.CLIENT_CREDENTIALS)),
        **properties,
    )
