"""Recovery codes on their way to the member: sealed in the session, shown once, saved once, then nowhere."""

import json
from datetime import datetime, timedelta

from django.http import HttpRequest
from django.utils import timezone

from idp.signin import secrets

FIELD = "recovery_codes"
# To read them, and to save or print them.
KEPT = timedelta(minutes=10)


def keep(request: HttpRequest, codes: list[str]) -> None:
    sealed = secrets.encrypt(json.dumps(codes))
    request.session[FIELD] = {"codes": sealed, "at": timezone.now().timestamp(), "seen": False}


def show(request: HttpRequest, *, now: datetime) -> list[str]:
    """The codes, the first time they are asked for."""
    kept = _kept(request, now)
    if kept is None or kept["seen"]:
        return []
    request.session[FIELD] = {**kept, "seen": True}
    return _opened(kept)


def hand_over(request: HttpRequest, *, now: datetime) -> list[str]:
    """The codes for a file, the first time; from here on nobody can see them again."""
    kept = _kept(request, now)
    request.session.pop(FIELD, None)
    return _opened(kept) if kept else []


def can_hand_over(request: HttpRequest, *, now: datetime) -> bool:
    return _kept(request, now) is not None


def _kept(request: HttpRequest, now: datetime) -> dict[str, object] | None:
    kept: dict[str, object] | None = request.session.get(FIELD)
    if kept and now.timestamp() - float(str(kept["at"])) <= KEPT.total_seconds():
        return kept
    request.session.pop(FIELD, None)
    return None


def _opened(kept: dict[str, object]) -> list[str]:
    try:
        return list(json.loads(secrets.decrypt(str(kept["codes"]))))
    except secrets.InvalidToken:
        return []
