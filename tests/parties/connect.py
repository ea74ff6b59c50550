"""Connects tools to a hub that runs: a child process with that hub's environment, orders as JSON on standard input.

Answers with each tool's credentials on standard output, or with a token that lets tools register themselves.
"""

import json
import sys
from typing import Any

import django

SHEET_ITEMS = ("name", "email")


def main() -> None:
    orders: dict[str, Any] = json.load(sys.stdin)
    django.setup()
    from django.utils import timezone

    from audit.types import SYSTEM
    from consent.services import declare
    from consent.types import LegalBasis, Purpose, Sheet, SheetItem
    from idp.models import Tool, ToolPair
    from idp.services.registration import give_token
    from idp.services.tools import register_tool

    now = timezone.now()
    sheet = Sheet(
        processing="Essai de la connexion",
        purposes=(
            Purpose(
                text="Vérifier qu’un outil écrit ailleurs se connecte.",
                legal_basis=LegalBasis.CONTRACT,
                retention="le temps de l’essai",
                items=tuple(SheetItem(item, "pour reconnaître le compte") for item in SHEET_ITEMS),
            ),
        ),
    )
    if "registration" in orders:
        token = give_token(
            label="tests", days=1, uses=orders["registration"], opens=True, relaxes_pkce=False, actor=SYSTEM, now=now
        )
        print(json.dumps({"initial_access_token": token}))
        return
    credentials = {}
    for tool in orders["tools"]:
        registered = register_tool(
            slug=tool["slug"],
            name=tool["slug"].capitalize(),
            actor=SYSTEM,
            now=now,
            redirect_uris=tool["redirect_uris"],
            post_logout_redirect_uris=tool.get("post_logout_redirect_uris", []),
            properties={"everyone": True, **tool["properties"]},
        )
        declare(tool_id=registered.tool.pk, sheet=sheet, actor=SYSTEM, now=now)
        credentials[tool["slug"]] = {
            "client_id": registered.tool.client_id,
            "client_secret": registered.client_secret,
        }
    for pair in orders.get("pairs", []):
        source, target = (Tool.objects.get(slug=pair[end]) for end in ("source", "target"))
        ToolPair.objects.get_or_create(
            source=source, target=target, defaults={"scopes": pair["scopes"], "created_at": now}
        )
    print(json.dumps(credentials))


if __name__ == "__main__":
    main()
