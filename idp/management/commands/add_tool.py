"""Connect a tool without a screen: every property of its sheet is an option."""

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from audit.types import SYSTEM
from consent import services as consent_services
from consent.types import ITEMS, LegalBasis, Sheet, SheetItem
from idp.services.tools import Registered, register_tool
from idp.types import AuthMethod, Section, SubjectType, ToolKind, ToolState

PROPERTIES = (
    "kind",
    "state",
    "tagline",
    "tagline_en",
    "keywords",
    "section",
    "monogram",
    "hue",
    "launch_url",
    "order",
    "everyone",
    "token_endpoint_auth_method",
    "pkce_required",
    "subject_type",
    "sector",
    "scopes",
    "claims_in_id_token",
    "offline_access",
    "backchannel_logout_uri",
)


class Command(BaseCommand):
    help = "Connects a tool, or brings the one of this slug in line, and prints its credentials."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("slug", help="short name in addresses, e.g. wiki")
        add("--name", required=True)
        add("--redirect-uri", action="append", default=[], dest="redirect_uris")
        add("--post-logout-redirect-uri", action="append", default=[], dest="post_logout_redirect_uris")
        add("--backchannel-logout-uri", default="")
        add("--collective", action="append", default=[], dest="collectives", help="slug of a collective let in")
        add("--everyone", action="store_true", help="let every member in")
        add("--kind", choices=ToolKind.values, default=ToolKind.OIDC)
        add("--state", choices=ToolState.values, default=ToolState.OPEN)
        add("--tagline", default="", help="one line in French")
        add("--tagline-en", default="")
        add("--keywords", default="", help="other words a member may search for")
        add("--section", choices=Section.values, default=Section.OTHER)
        add("--monogram", default="")
        add("--hue", type=int, default=12, help="0 to 359")
        add("--order", type=int, default=100)
        add("--launch-url", default="", help="where the tile leads")
        add("--auth-method", choices=AuthMethod.values, default=AuthMethod.BASIC, dest="token_endpoint_auth_method")
        add("--no-pkce", action="store_false", dest="pkce_required", help="relax PKCE for an old tool")
        add("--subject-type", choices=SubjectType.values, default=SubjectType.PAIRWISE)
        add("--sector", default="", help="tools of one sector share subject identifiers")
        add("--scopes", default="openid profile email")
        add("--claims-in-userinfo-only", action="store_false", dest="claims_in_id_token")
        add("--offline-access", action="store_true", help="allow refresh tokens")
        add("--client-secret", default="", help="keep a secret that the tool already has (else one is made)")
        add("--processing", default="", help="name of the processing; without it the tool gets no personal data")
        add("--processing-en", default="")
        add("--purpose", default="")
        add("--purpose-en", default="")
        add("--legal-basis", choices=LegalBasis.values, default=LegalBasis.CONTRACT)
        add("--retention", default="", help="how long the tool keeps the data")
        add("--retention-en", default="")
        add("--recipient", default="")
        add("--contact", default="")
        add(
            "--item",
            action="append",
            default=[],
            dest="items",
            metavar="CODE=WHY[|WHY_EN]",
            help=f"a data item on the sheet: {', '.join(ITEMS)}",
        )
        add("--optional-item", action="append", default=[], dest="optional_items", metavar="CODE=WHY[|WHY_EN]")
        add("--json", action="store_true", dest="as_json")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            registered = self._register(options)
        except ValidationError as error:
            told = (f"{field}: {', '.join(why)}" for field, why in error.message_dict.items())
            raise CommandError("; ".join(told)) from error
        if options["as_json"]:
            self.stdout.write(json.dumps(self._described(registered), ensure_ascii=False))
            return
        for name, value in self._described(registered).items():
            self.stdout.write(f"{name}: {value}")

    @transaction.atomic
    def _register(self, options: dict[str, Any]) -> Registered:
        now = timezone.now()
        registered = register_tool(
            slug=options["slug"],
            name=options["name"],
            actor=SYSTEM,
            now=now,
            redirect_uris=options["redirect_uris"],
            post_logout_redirect_uris=options["post_logout_redirect_uris"],
            collectives=options["collectives"],
            properties={name: options[name] for name in PROPERTIES},
            client_secret=options["client_secret"],
        )
        if options["processing"]:
            sheet = Sheet(
                processing=options["processing"],
                processing_en=options["processing_en"],
                purpose=options["purpose"],
                purpose_en=options["purpose_en"],
                legal_basis=LegalBasis(options["legal_basis"]),
                retention=options["retention"],
                retention_en=options["retention_en"],
                recipient=options["recipient"],
                contact=options["contact"],
                items=(
                    *(_item(text, optional=False) for text in options["items"]),
                    *(_item(text, optional=True) for text in options["optional_items"]),
                ),
            )
            consent_services.declare(tool_id=registered.tool.pk, sheet=sheet, actor=SYSTEM, now=now)
        return registered

    def _described(self, registered: Registered) -> dict[str, object]:
        tool = registered.tool
        return {
            "slug": tool.slug,
            "issuer": settings.ISSUER,
            "client_id": tool.client_id,
            "client_secret": registered.client_secret,
            "token_endpoint_auth_method": tool.token_endpoint_auth_method,
            "redirect_uris": list(tool.redirect_uri_list),
            "post_logout_redirect_uris": list(tool.post_logout_redirect_uri_list),
            "backchannel_logout_uri": tool.backchannel_logout_uri,
            "scopes": tool.scopes,
        }


def _item(text: str, *, optional: bool) -> SheetItem:
    code, _, why = text.partition("=")
    if code not in ITEMS:
        raise ValidationError({"item": [f"{code} is not one of {', '.join(ITEMS)}"]})
    french, _, english = why.partition("|")
    return SheetItem(item=code, why=french, why_en=english, optional=optional)
