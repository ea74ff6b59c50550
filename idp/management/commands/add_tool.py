"""Connect a tool without a screen: every property of its sheet is an option."""

import json
from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from audit.types import SYSTEM
from consent.types import Sheet, SheetInvalid
from idp.management import sheet_options
from idp.selectors import warnings_about
from idp.services.tools import NotDeclared, Registered, connect_tool
from idp.types import (
    AccessTokenFormat,
    AuthMethod,
    GrantType,
    SecurityProfile,
    SigningAlgorithm,
    SubjectType,
    ToolKind,
    ToolState,
)

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
    "imported_on",
    "token_endpoint_auth_method",
    "pkce_required",
    "subject_type",
    "sector",
    "scopes",
    "claims_in_id_token",
    "offline_access",
    "backchannel_logout_uri",
    "frontchannel_logout_uri",
    "frontchannel_logout_session_required",
    "session_iframe",
    "grant_types",
    "client_jwks",
    "client_jwks_uri",
    "tls_client_auth_subject_dn",
    "tls_client_auth_san_dns",
    "tls_client_auth_san_uri",
    "security_profile",
    "require_pushed_authorization_requests",
    "require_signed_request_object",
    "default_max_age",
    "required_acr",
    "algorithm",
    "id_token_encrypted_response_alg",
    "id_token_encrypted_response_enc",
    "userinfo_signed_response_alg",
    "userinfo_encrypted_response_alg",
    "userinfo_encrypted_response_enc",
    "introspection_signed_response_alg",
    "authorization_signed_response_alg",
    "access_token_format",
    "resource_identifier",
    "resources",
    "dpop_bound_access_tokens",
    "tls_client_certificate_bound_access_tokens",
    "refresh_grace_seconds",
    "client_uri",
    "logo_uri",
    "policy_uri",
    "tos_uri",
    "contacts",
)
GRANTS = {
    "code": GrantType.CODE,
    "client-credentials": GrantType.CLIENT_CREDENTIALS,
    "device": GrantType.DEVICE,
    "exchange": GrantType.EXCHANGE,
}


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
        add(
            "--imported-on",
            type=date.fromisoformat,
            metavar="DATE",
            help="when it came from another hub: then it may be given up to 90 days to do with its sheet",
        )
        add("--kind", choices=ToolKind.values, default=ToolKind.OIDC)
        add("--state", choices=ToolState.values, default=ToolState.OPEN)
        add("--tagline", default="", help="one line in French")
        add("--tagline-en", default="")
        add("--keywords", default="", help="other words a member may search for")
        add("--section", default="other", help="slug of a section of the page of tools")
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
        self._add_protocol(parser)
        add("--client-secret", default="", help="keep a secret that the tool already has (else one is made)")
        sheet_options.add_to(parser)
        add("--dry-run", action="store_true", help="only say what the sheet would have stopped in the last 90 days")
        add("--json", action="store_true", dest="as_json")

    def _add_protocol(self, parser: ArgumentParser) -> None:
        """How the tool speaks, beyond what most tools need."""
        add = parser.add_argument
        algorithms = SigningAlgorithm.values
        add("--grant", choices=GRANTS, action="append", dest="grants", help="code unless given; may be repeated")
        add(
            "--jwks",
            type=sheet_options.read_json,
            dest="client_jwks",
            metavar="FILE",
            help="the tool's public keys (RFC 7517)",
        )
        add("--jwks-uri", default="", dest="client_jwks_uri")
        add("--tls-subject-dn", default="", dest="tls_client_auth_subject_dn", help="of the tool's certificate")
        add("--tls-san-dns", default="", dest="tls_client_auth_san_dns")
        add("--tls-san-uri", default="", dest="tls_client_auth_san_uri")
        add("--profile", choices=[each for each in SecurityProfile.values if each], default="", dest="security_profile")
        add("--pushed-requests-only", action="store_true", dest="require_pushed_authorization_requests")
        add("--signed-requests-only", action="store_true", dest="require_signed_request_object")
        add("--default-max-age", type=int, metavar="SECONDS", help="proof of identity may be this old")
        add("--required-acr", default="", help="1: password; 2: a second factor too")
        add("--id-token-alg", choices=algorithms, default=SigningAlgorithm.RS256, dest="algorithm")
        add("--userinfo-alg", choices=algorithms, default="", dest="userinfo_signed_response_alg")
        add("--introspection-alg", choices=algorithms, default="", dest="introspection_signed_response_alg")
        add("--answer-alg", choices=algorithms, default="", dest="authorization_signed_response_alg", help="JARM")
        for answer in ("id-token", "userinfo"):
            name = answer.replace("-", "_")
            add(f"--{answer}-encryption-alg", default="", dest=f"{name}_encrypted_response_alg")
            add(f"--{answer}-encryption-enc", default="", dest=f"{name}_encrypted_response_enc")
        add("--access-token-format", choices=AccessTokenFormat.values, default=AccessTokenFormat.OPAQUE)
        add("--resource-identifier", default="", help="the address that names this tool as a resource (RFC 8707)")
        add("--resource", action="append", default=[], dest="resources", help="a resource the tool may ask for")
        add("--dpop-bound", action="store_true", dest="dpop_bound_access_tokens")
        add("--tls-bound", action="store_true", dest="tls_client_certificate_bound_access_tokens")
        add("--refresh-grace-seconds", type=int, default=0, help="a lost answer may be asked for again this long")
        add("--frontchannel-logout-uri", default="")
        add(
            "--frontchannel-without-session",
            action="store_false",
            dest="frontchannel_logout_session_required",
            help="leave iss and sid out of front-channel logout",
        )
        add("--session-iframe", action="store_true", help="let the tool watch the session (Session Management)")
        for name in ("client", "logo", "policy", "tos"):
            add(f"--{name}-uri", default="")
        add("--technical-contact", action="append", default=[], dest="contacts", metavar="MAIL")

    def handle(self, *args: Any, **options: Any) -> None:
        grants = [str(GRANTS[name]) for name in options["grants"] or ["code"]]
        options["grant_types"] = " ".join(dict.fromkeys(grants))
        options["resources"] = " ".join(options["resources"])
        options["contacts"] = " ".join(options["contacts"])
        try:
            sheet = sheet_options.sheet_from(options)
            if options["dry_run"]:
                self.stdout.write(sheet_options.previewed(options["slug"], sheet, now=timezone.now()))
                return
            registered = self._register(options, sheet)
        except NotDeclared as error:
            raise CommandError(sheet_options.incomplete(options["slug"], error)) from error
        except ValidationError as error:
            told = (f"{field}: {', '.join(why)}" for field, why in error.message_dict.items())
            raise CommandError("; ".join(told)) from error
        except SheetInvalid as error:
            raise CommandError(sheet_options.invalid(error)) from error
        if options["as_json"]:
            self.stdout.write(json.dumps(self._described(registered), ensure_ascii=False))
            return
        for name, value in self._described(registered).items():
            self.stdout.write(f"{name}: {value}")

    def _register(self, options: dict[str, Any], sheet: Sheet | None) -> Registered:
        return connect_tool(
            slug=options["slug"],
            name=options["name"],
            sheet=sheet,
            actor=SYSTEM,
            now=timezone.now(),
            redirect_uris=options["redirect_uris"],
            post_logout_redirect_uris=options["post_logout_redirect_uris"],
            collectives=options["collectives"],
            properties={name: options[name] for name in PROPERTIES},
            client_secret=options["client_secret"],
        )

    def _described(self, registered: Registered) -> dict[str, object]:
        tool = registered.tool
        return {
            "slug": tool.slug,
            "issuer": settings.ISSUER,
            "client_id": tool.client_id,
            "client_secret": registered.client_secret,
            "client_secret_kept": registered.kept,
            "token_endpoint_auth_method": tool.token_endpoint_auth_method,
            "redirect_uris": list(tool.redirect_uri_list),
            "post_logout_redirect_uris": list(tool.post_logout_redirect_uri_list),
            "backchannel_logout_uri": tool.backchannel_logout_uri,
            "scopes": tool.scopes,
            "warnings": [str(warning) for warning in warnings_about(tool, timezone.now())],
        }
