"""Lines of the journal about sign-in.  The page tells everybody the same; the reason is here, for the DPO."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from audit.services import record
from audit.types import Action, Actor, Entry
from idp.services import refusals
from idp.services.sessions import SESSION_FIELD
from idp.signin.allauth_parts import network_of

# What no count of tries stops: these come as often as somebody asks.
UNCOUNTED = frozenset({"throttled", "blank", "directory_down"})


def refused(request: HttpRequest, *, member_id: UUID | None, reason: str, step: str) -> None:
    """A sign-in or a confirmation that failed.  What was typed is kept nowhere: people type passwords as names."""
    line = Entry(
        Action.SIGN_IN_REFUSED,
        actor=_actor(request),
        subject=member_id,
        refused=True,
        reason=reason,
        facts={"step": step},
    )
    if reason in UNCOUNTED or step == "passkey":
        refusals.note(line, network=network_of(request), now=timezone.now())
        return
    with transaction.atomic():
        record(line)


@transaction.atomic
def factor_changed(request: HttpRequest, *, action: Action, member_id: UUID, kind: str) -> None:
    record(
        Entry(
            action,
            actor=_actor(request),
            subject=member_id,
            facts={"factor": kind},
        )
    )


@transaction.atomic
def copied(request: HttpRequest, *, member_id: UUID, now: datetime) -> None:
    """A passkey that counts its uses went backwards: worth a look, since a copy would do that."""
    record(
        Entry(
            Action.FACTOR_DOUBTED,
            actor=_actor(request),
            subject=member_id,
            reason="passkey_counter",
            facts={"factor": "webauthn"},
            at=now,
        )
    )


@transaction.atomic
def confirmed_in_part(request: HttpRequest, *, member_id: UUID, method: str) -> None:
    """One of the two steps was proved again; ``auth_time`` waits for the other."""
    record(
        Entry(
            Action.REAUTHENTICATED,
            actor=Actor(member=member_id),
            subject=member_id,
            session=_session(request),
            reason="one_step",
            facts={"methods": [method]},
        )
    )


def _actor(request: HttpRequest) -> Actor:
    """Who is signed in here and in which session: not always whom the line is about."""
    if not request.user.is_authenticated:
        return Actor()
    return Actor(member=request.user.pk, session=_session(request))


def _session(request: HttpRequest) -> UUID | None:
    kept = request.session.get(SESSION_FIELD)
    return UUID(kept) if kept else None
