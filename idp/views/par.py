"""Pushed authorization requests (RFC 9126)."""

from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from idp import arrivals, clients, sender
from idp.arrivals import Arrived
from idp.models import Tool
from idp.protocol.authorization import Pairs
from idp.protocol.dpop import DPoPInvalid
from idp.protocol.errors import ProtocolError
from idp.services import pushed, refusals
from idp.signin.allauth_parts import network_of
from idp.types import AuthMethod
from idp.views.back_channel import address_of, check_form, json_answer, refused

# Of public tools: anybody can come as one.
PUSHES_A_MINUTE = 120
# How the tool proved itself is no part of what it asks for.
PROOFS = frozenset({"client_secret", "client_assertion", "client_assertion_type"})


@csrf_exempt
@require_POST
@sensitive_post_parameters()
def push(request: HttpRequest) -> HttpResponse:
    """RFC 9126 §2: everything is checked now, with the tool proved; the browser later carries a reference only."""
    now = timezone.now()
    tool: Tool | None = None
    try:
        check_form(request)
        sender.check_nonce(request)
        client = clients.authenticate(request, endpoint=address_of(request))
        tool = client.tool
        if client.method == AuthMethod.NONE and not refusals.allowed(
            "pushes", network=network_of(request), limit=PUSHES_A_MINUTE, now=now
        ):
            raise ProtocolError("temporarily_unavailable", "too many requests", detail="throttled")
        arrived = _arrived(request, tool)
        arrivals.address(arrived.pairs)
        arrivals.read(tool, arrived, pushed_now=True)
    except ProtocolError as error:
        return refused(request, error, tool)
    request_uri, seconds = pushed.push(tool=tool, pairs=arrived.pairs, signed=arrived.signed, now=now)
    response = json_answer({"request_uri": request_uri, "expires_in": seconds}, 201)
    if "DPoP" in request.headers:
        sender.give_nonce(response)
    return response


def _arrived(request: HttpRequest, tool: Tool) -> Arrived:
    """Raises ``ProtocolError``."""
    pairs = [(name, value) for name, values in request.POST.lists() for value in values if name not in PROOFS]
    if any(name == "request_uri" for name, _value in pairs):
        raise ProtocolError("invalid_request", "request_uri cannot be pushed", detail="request_uri_pushed")
    if not any(name == "client_id" for name, _value in pairs):
        pairs.append(("client_id", tool.client_id))
    signed_object = request.POST.get("request", "")
    if signed_object:
        arrived = arrivals.opened(tool, pairs, signed_object, now=timezone.now())
    else:
        arrived = arrivals.plain(pairs)
    if {value for name, value in arrived.pairs if name == "client_id"} != {tool.client_id}:
        raise ProtocolError("invalid_request", "the request is another client's", detail="client_id_differs")
    return _with_key(arrived, sender.key_of(request, tool))


def _with_key(arrived: Arrived, shown: str) -> Arrived:
    """RFC 9449 §10.1: the key that a proof shows here is the one that the code is bound to."""
    named: Sequence[str] = [value for name, value in arrived.pairs if name == "dpop_jkt" and value]
    if not shown:
        return arrived
    if named and named != [shown]:
        raise DPoPInvalid("dpop_jkt names another key than the proof", detail="jkt_differs")
    pairs: Pairs = (*(pair for pair in arrived.pairs if pair[0] != "dpop_jkt"), ("dpop_jkt", shown))
    return Arrived(pairs, arrived.reference, arrived.signed)
