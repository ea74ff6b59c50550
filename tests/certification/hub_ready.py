"""Makes a hub ready for the certification plans, as a process of its own with the hub's settings.

Reads the tools as JSON from standard input and answers with their credentials, by name, on standard output.
"""

import json
import sys
from typing import Any

import django
from django.core.management import call_command
from django.utils import timezone

# Tool fields that are named as in RFC 7591 and its extensions.
SAME_NAME = (
    "token_endpoint_auth_method",
    "dpop_bound_access_tokens",
    "tls_client_certificate_bound_access_tokens",
    "require_pushed_authorization_requests",
    "require_signed_request_object",
    "authorization_signed_response_alg",
    "backchannel_logout_uri",
    "frontchannel_logout_uri",
    "frontchannel_logout_session_required",
)
OTHER_NAME = {"jwks": "client_jwks", "id_token_signed_response_alg": "algorithm", "scope": "scopes"}


def main() -> None:
    orders: list[dict[str, Any]] = json.load(sys.stdin)
    django.setup()
    call_command("migrate", interactive=False, verbosity=0)
    call_command("createcachetable", verbosity=0)
    call_command("ensure_keys", verbosity=0, stdout=sys.stderr)
    call_command("collectstatic", interactive=False, verbosity=0)
    call_command("sync_directory", verbosity=0, stdout=sys.stderr)
    print(json.dumps({order["name"]: register(order) for order in orders}))


def register(order: dict[str, Any]) -> dict[str, str]:
    """One tool with a sheet that declares every item of the standard scopes, and asks for one of them."""
    from audit.types import SYSTEM
    from consent import services as consent_services
    from consent.types import ITEMS, LegalBasis, Purpose, Sheet, SheetItem
    from idp.services.tools import register_tool

    metadata, now = order["metadata"], timezone.now()
    properties: dict[str, Any] = {
        "everyone": True,
        "offline_access": True,
        "claims_in_id_token": False,
        "pkce_required": bool(order["profile"]),
        "security_profile": order["profile"],
        "session_iframe": order["session_iframe"],
        **{name: metadata[name] for name in SAME_NAME if name in metadata},
        **{field: metadata[name] for name, field in OTHER_NAME.items() if name in metadata},
    }
    registered = register_tool(
        slug=order["name"],
        name=order["name"],
        actor=SYSTEM,
        now=now,
        redirect_uris=metadata["redirect_uris"],
        post_logout_redirect_uris=metadata["post_logout_redirect_uris"],
        properties=properties,
    )
    # The first is none that a plan looks for.
    codes = sorted(ITEMS, key=lambda code: code != "business_name")
    scopes = ("profile", "email", "phone", "address")
    items = tuple(SheetItem(code, "Pour l’essai.") for code in codes if ITEMS[code].scope in scopes)
    sheet = Sheet(
        processing="Certification",
        purposes=(
            Purpose("Éprouver le fournisseur d’identité.", LegalBasis.CONTRACT, "Le temps d’un essai.", items[1:]),
            # Something to agree to, so that the page asks and can be refused.
            Purpose("Éprouver un accord.", LegalBasis.CONSENT, "Le temps d’un essai.", items[:1]),
        ),
    )
    consent_services.declare(tool_id=registered.tool.pk, sheet=sheet, actor=SYSTEM, now=now)
    return {"client_id": registered.tool.client_id, "client_secret": registered.client_secret}


if __name__ == "__main__":
    main()
