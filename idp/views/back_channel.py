"""What endpoints share that tools call from server to server: how a form is read, how an answer leaves."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from audit.types import Action, Actor, Entry
from idp import sender
from idp.models import Tool
from idp.protocol.errors import ProtocolError
from idp.services import refusals
from idp.signin.allauth_parts import network_of

# RFC 8707 §2, RFC 8693 §2.1: the two that may come more than once.
REPEATABLE = frozenset({"resource", "audience"})
STATUS = {"invalid_client": 401, "temporarily_unavailable": 503}
FORM = "application/x-www-form-urlencoded"


def check_form(request: HttpRequest) -> None:
    """RFC 6749 §3.2: a form, no parameter more than once.  Raises ``ProtocolError``."""
    if request.content_type != FORM:
        raise ProtocolError("invalid_request", "form expected", detail="content_type")
    for name, values in request.POST.lists():
        if len(values) > 1 and name not in REPEATABLE:
            raise ProtocolError("invalid_request", "a parameter comes twice", detail="repeated_parameter")
        # PostgreSQL's driver would raise on a NUL.
        if any("\x00" in value for value in values):
            raise ProtocolError("invalid_request", "a parameter holds a NUL", detail="nul")


def address_of(request: HttpRequest) -> str:
    """The endpoint by its public name, whatever the Host header said."""
    return f"{settings.ISSUER}{request.path}"


def refused(request: HttpRequest, error: ProtocolError, tool: Tool | None = None) -> HttpResponse:
    """RFC 6749 §5.2, with its journal line."""
    known = getattr(error, "tool", None) or tool
    # Strangers could fill the journal here: each is refused, not each is a line.
    refusals.note(refusal(known, error.detail), network=network_of(request), now=timezone.now())
    body = {"error": error.code}
    if error.description:
        body["error_description"] = error.description
    response = json_answer(body, STATUS.get(error.code, 400))
    if error.code == "temporarily_unavailable":
        response["Retry-After"] = "15"
    if error.code == "invalid_client":
        response["WWW-Authenticate"] = 'Basic realm="token"'
    if error.code in ("use_dpop_nonce", "invalid_dpop_proof"):
        sender.give_nonce(response)
    return response


def json_answer(body: dict[str, Any], status: int = 200) -> HttpResponse:
    return uncached(JsonResponse(body, status=status))


def uncached(response: HttpResponse) -> HttpResponse:
    # RFC 6749 §5.1
    response["Cache-Control"] = "no-store"
    response["Pragma"] = "no-cache"
    return response


def refusal(tool: Tool | None, reason: str) -> Entry:
    """The journal's line."""
    pk = tool.pk if tool else None
    return Entry(Action.TOKEN_REFUSED, actor=Actor(tool=pk), tool=pk, refused=True, reason=reason[:60])
