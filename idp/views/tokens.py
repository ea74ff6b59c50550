"""Endpoints that tools call from server to server."""

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from audit.services import record
from audit.types import Action, Entry
from idp import clients, sender
from idp.models import Tool
from idp.oauth.server import token_response
from idp.protocol import dpop
from idp.protocol.access_tokens import INTROSPECTION_MEDIA_TYPE
from idp.protocol.errors import ProtocolError
from idp.services import client_keys, introspection, refusals, tokens
from idp.services.userinfo import userinfo as claims_behind
from idp.signin.allauth_parts import network_of
from idp.types import AuthMethod
from idp.views.back_channel import FORM, address_of, check_form, json_answer, refusal, refused, uncached

# A tool that wants its answers encrypted has no key to be had now: better no answer than a readable one.
KEYS_AWAY = ProtocolError("temporarily_unavailable", "the client's keys cannot be had", detail="keys_unavailable")


@csrf_exempt
@require_POST
@sensitive_post_parameters()
def token(request: HttpRequest) -> HttpResponse:
    """RFC 6749 §3.2.  A refusal commits too: the replay of a code ends what the code gave."""
    tool: Tool | None = None
    try:
        check_form(request)
        sender.check_nonce(request)
        client = clients.authenticate(request, endpoint=address_of(request))
        tool = client.tool
        binding = sender.binding_for(request, client)
        client_keys.prepare(tool, alg=tool.id_token_encrypted_response_alg)
    except client_keys.KeysUnavailable:
        return refused(request, KEYS_AWAY, tool)
    except ProtocolError as error:
        return refused(request, error, tool)
    with transaction.atomic():
        body, status, validator = token_response(request, client, binding=binding)
        if status != 200:
            _note_refusal(request, client, validator.refusal or str(body.get("error", "")))
    response = json_answer(body, status)
    if binding.startswith("jkt:"):
        sender.give_nonce(response)
    return response


def _note_refusal(request: HttpRequest, client: clients.Authenticated, reason: str) -> None:
    """Each is a line, but of a public tool, as which anybody can come."""
    line = refusal(client.tool, reason)
    if client.method == AuthMethod.NONE:
        refusals.note(line, network=network_of(request), now=timezone.now())
    else:
        record(line)


@csrf_exempt
@require_POST
@sensitive_post_parameters()
def introspect(request: HttpRequest) -> HttpResponse:
    """RFC 7662 and RFC 9701, for tools that can prove themselves."""
    try:
        check_form(request)
        client = clients.authenticate(request, endpoint=address_of(request))
        if client.method == AuthMethod.NONE:
            raise clients.ClientRefused("public_client", client.tool)
        if not request.POST.get("token"):
            raise ProtocolError("invalid_request", "token is missing", detail="token_missing")
    except ProtocolError as error:
        return refused(request, error)
    now = timezone.now()
    answer = introspection.introspect(request.POST["token"], tool=client.tool, now=now)
    wants_jwt = INTROSPECTION_MEDIA_TYPE in request.headers.get("Accept", "")
    if wants_jwt or client.tool.introspection_signed_response_alg:
        signed = introspection.signed(answer, tool=client.tool, now=now)
        return uncached(HttpResponse(signed, content_type=INTROSPECTION_MEDIA_TYPE))
    return json_answer(answer)


@csrf_exempt
@require_POST
@sensitive_post_parameters()
def revoke(request: HttpRequest) -> HttpResponse:
    """RFC 7009: 200 whether or not the token was known."""
    try:
        check_form(request)
        client = clients.authenticate(request, endpoint=address_of(request))
        if not request.POST.get("token"):
            raise ProtocolError("invalid_request", "token is missing", detail="token_missing")
    except ProtocolError as error:
        return refused(request, error)
    tokens.revoke(tool=client.tool, token=request.POST["token"], now=timezone.now())
    return json_answer({})


@csrf_exempt
@require_http_methods(["GET", "POST"])
def userinfo(request: HttpRequest) -> HttpResponse:
    """OpenID Connect Core §5.3.  A token in the address is never read (RFC 6750 §2.3, RFC 9700 §4.3.2)."""
    scheme, access_token = _shown_token(request)
    if not access_token:
        return _challenge(request, None)
    try:
        found = claims_behind(
            access_token,
            check_holder=lambda tool, binding: sender.check(
                request, tool, binding, access_token=access_token, scheme=scheme
            ),
            now=timezone.now(),
        )
    except client_keys.KeysUnavailable:
        return refused(request, KEYS_AWAY)
    except ProtocolError as error:
        line = Entry(Action.TOKEN_REFUSED, refused=True, reason=error.detail[:60], facts={"endpoint": "userinfo"})
        refusals.note(line, network=network_of(request), now=timezone.now())
        return _challenge(request, error, scheme)
    if found.signed:
        response = uncached(HttpResponse(found.signed, content_type="application/jwt"))
    else:
        response = json_answer(found.claims)
    if scheme == "dpop":
        sender.give_nonce(response)
    return response


def _shown_token(request: HttpRequest) -> tuple[str, str]:
    """Scheme in lower case and token; RFC 6750 §2.1 and §2.2, one way at a time."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() in ("bearer", "dpop"):
        return scheme.lower(), value.strip()
    if not scheme and request.method == "POST" and request.content_type == FORM:
        return "bearer", request.POST.get("access_token", "")
    return "", ""


def _challenge(request: HttpRequest, error: ProtocolError | None, scheme: str = "bearer") -> HttpResponse:
    """RFC 6750 §3, RFC 9449 §7.1, RFC 9728 §5.1: what went wrong, and where to read how to do it right."""
    code = error.code if error else ""
    parts = [f'error="{code}"', f'error_description="{error.description}"'] if error else []
    metadata = f'resource_metadata="{settings.ISSUER}{reverse("idp:userinfo_metadata")}"'
    known = scheme == "dpop" or code in ("use_dpop_nonce", "invalid_dpop_proof")
    offered = [("DPoP", [*parts, f'algs="{" ".join(dpop.DPOP_ALGORITHMS)}"'])] if known else [("Bearer", parts)]
    response = json_answer({"error": code} if code else {}, 403 if code == "insufficient_scope" else 401)
    response["WWW-Authenticate"] = ", ".join(f"{name} {', '.join([*said, metadata])}" for name, said in offered)
    if known:
        sender.give_nonce(response)
    return response
