"""The log of proof over HTTP, as C2SP tlog-tiles lays it out: for witnesses, and for whoever else wants to look.

    /audit/keys                   the public key of each log, one a line; its name says where the log is
    /audit/verify.py              the program that checks exports with them
    /audit/NAME/checkpoint        the newest signed checkpoint
    /audit/NAME/tile/…            hashes of the tree; nothing personal can be told from them
    /audit/NAME/tile/entries/…    the entries, where ``PUBLISH_LOG`` says so
    /audit/NAME/cosignatures      where a witness sends what it signed

What is in a tile never changes, and neither does what is signed: whoever stands between may keep it.
"""

from datetime import datetime
from http import HTTPStatus

from django.conf import settings
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from audit import merkle, published, witnesses
from audit.exporting import verifier
from audit.services import record
from audit.types import Action, Entry, WitnessError
from idp.services import refusals
from idp.signin.allauth_parts import network_of

FOR_EVER = "public, max-age=31536000, immutable"
# A witness looks once a day; a flood of askers costs a statement every few seconds.
FOR_A_MOMENT = "public, max-age=5"
# A checkpoint with the lines of a dozen witnesses, ML-DSA-44 among them.
MAX_BYTES = 50_000
# Each log once a day, and some more.
SENT_A_MINUTE = 60
STATUS = {
    "witness_unreadable": HTTPStatus.BAD_REQUEST,
    "witness_log": HTTPStatus.NOT_FOUND,
    "witness_given_up": HTTPStatus.GONE,
    "witness_throttled": HTTPStatus.TOO_MANY_REQUESTS,
}
# What anybody can send who has seen nothing of the hub: refused, and no line of the journal.
UNWRITTEN = frozenset({"witness_unreadable", "witness_log", "witness_throttled"})
# Checkpoints are public, and so the rest can be sent by anybody too.
LINES_A_MINUTE = 1


@require_safe
def keys(request: HttpRequest) -> HttpResponse:
    """Whatever is published: exports name this address, for a key that comes with what it checks proves nothing."""
    return _text("".join(f"{key}\n" for key in published.public_keys()))


@require_safe
def program(request: HttpRequest) -> HttpResponse:
    """The verifier, for whoever would rather not take it from an export."""
    response = HttpResponse(verifier(), content_type="text/x-python; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="verify.py"'
    return response


@require_safe
def checkpoint(request: HttpRequest, name: str) -> HttpResponse:
    _check_published("tree", "entries")
    note = published.newest(name)
    if note is None:
        raise Http404
    return _text(note)


@require_safe
def tile(request: HttpRequest, name: str, path: str) -> HttpResponse:
    asked = merkle.tile_of(f"tile/{path}")
    if asked is None:
        raise Http404
    level, number, width = asked
    if level == "entries":
        _check_published("entries")
        content = published.entries(name, number, width)
    else:
        _check_published("tree", "entries")
        content = published.hashes(name, int(level), number, width)
    if content is None:
        raise Http404
    response = HttpResponse(content, content_type="application/octet-stream")
    response["Cache-Control"] = FOR_EVER
    return response


@require_POST
def cosignatures(request: HttpRequest, name: str) -> HttpResponse:
    """A checkpoint of this log with the line of a witness (C2SP tlog-cosignature): whoever sends it needs no account.

    The witness calls the hub, and not the other way round (C2SP tlog-witness): it needs no server of its own.
    """
    _check_published("tree", "entries")
    now, network = timezone.now(), network_of(request)
    try:
        if not refusals.allowed("cosignatures", network=network, limit=SENT_A_MINUTE, now=now):
            raise WitnessError("witness_throttled")
        received = witnesses.receive(log_name=name, text=_sent(request), now=now)
    except WitnessError as error:
        _note_refusal(error.code, now)
        return _said(error.code, STATUS.get(error.code, HTTPStatus.FORBIDDEN))
    if received is witnesses.Received.CONTRADICTS:
        return _said("witness_contradicts", HTTPStatus.CONFLICT)
    return _said("kept", HTTPStatus.OK)


def _note_refusal(reason: str, now: datetime) -> None:
    """So many lines a minute for the whole hub: networks are many, and whoever sends has no account."""
    if reason in UNWRITTEN:
        return
    if refusals.allowed("cosignatures-refused", network="", limit=LINES_A_MINUTE, now=now):
        with transaction.atomic():
            record(Entry(Action.WITNESS_REFUSED, refused=True, reason=reason, at=now))


def _sent(request: HttpRequest) -> str:
    """Raises ``WitnessError``."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or not 0 < int(length) <= MAX_BYTES:
        raise WitnessError("witness_unreadable")
    try:
        return request.body.decode()
    except UnicodeDecodeError:
        raise WitnessError("witness_unreadable") from None


def _said(code: str, status: HTTPStatus) -> HttpResponse:
    response = HttpResponse(f"{code}\n", content_type="text/plain; charset=utf-8", status=status)
    response["Cache-Control"] = "no-store"
    return response


def _check_published(*choices: str) -> None:
    """Raises ``Http404``: what the operator does not publish is not there."""
    if settings.PUBLISH_LOG not in choices:
        raise Http404


def _text(text: str) -> HttpResponse:
    response = HttpResponse(text, content_type="text/plain; charset=utf-8")
    response["Cache-Control"] = FOR_A_MOMENT
    return response
