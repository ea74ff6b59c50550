"""Every tool on one line, with what deserves a second look."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from idp.models import Tool
from idp.selectors import warnings_about
from idp.types import ToolKind, ToolWarning

SENTENCES = {
    ToolWarning.NO_PKCE: "PKCE is not required of it",
    ToolWarning.SELF_REGISTERED: "it registered itself",
    ToolWarning.ANY_SECRET: "on trial: it may send its secret by header or by form",
    ToolWarning.SHARED_LOGIN: "it knows members by their login, as other tools may",
    ToolWarning.OLD_SECRET: "its former secret still works",
    ToolWarning.NO_CERTIFICATES: "it needs a TLS certificate, which no proxy hands over (client_certificate_header)",
}


class Command(BaseCommand):
    help = "Lists the tools with their state, their way of proving themselves, and warnings."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        known = Tool.objects.order_by("slug").prefetch_related("pairs_out__target")
        tools = [(tool, warnings_about(tool, now)) for tool in known]
        if options["as_json"]:
            self.stdout.write(json.dumps([_described(tool, told) for tool, told in tools], ensure_ascii=False))
            return
        for tool, told in tools:
            facts = filter(None, (tool.kind, tool.state, _auth_method(tool)))
            self.stdout.write(f"{tool.slug} ({tool.name}): {', '.join(facts)}")
            for target, scopes in _exchanges(tool).items():
                self.stdout.write(f"  -> {target}: {' '.join(scopes)}")
            for warning in told:
                self.stdout.write(f"  ! {SENTENCES[warning]}")


def _auth_method(tool: Tool) -> str:
    """Nothing for a plain link, which never asks the hub for anything."""
    return tool.token_endpoint_auth_method if tool.kind == ToolKind.OIDC else ""


def _exchanges(tool: Tool) -> dict[str, list[str]]:
    """The tools at which it may act for its members, and what it may do there (RFC 8693)."""
    return {pair.target.slug: pair.scopes.split() for pair in tool.pairs_out.all()}


def _described(tool: Tool, told: tuple[ToolWarning, ...]) -> dict[str, object]:
    return {
        "slug": tool.slug,
        "name": tool.name,
        "kind": tool.kind,
        "state": tool.state,
        "client_id": tool.client_id,
        "token_endpoint_auth_method": _auth_method(tool),
        "grant_types": list(tool.grant_type_list),
        "security_profile": tool.security_profile,
        "everyone": tool.everyone,
        "exchanges": _exchanges(tool),
        "self_registered": tool.self_registered,
        "warnings": [str(warning) for warning in told],
    }
