"""A member's own wish that a tool erase what it received: the sheet that carries it, and the request with its clock."""

from datetime import datetime
from uuid import UUID

from audit.services import note_refused_page
from audit.types import Actor
from consent.erasures import services
from consent.erasures.models import ErasureRun
from consent.requests import services as requests
from consent.requests.models import SubjectRequest
from consent.requests.types import OPEN_STATES, Kind, RequestRefused


def ask(*, member_id: UUID, tool_id: int, language: str, now: datetime) -> ErasureRun:
    """One that was asked in words before keeps its clock.  Raises ``ErasureRefused``."""
    actor = Actor(member_id)
    run = services.ask(actor=actor, member_id=member_id, tool_id=tool_id, now=now)
    alike = SubjectRequest.objects.filter(member=member_id, tool=tool_id, kind=Kind.ERASURE, state__in=OPEN_STATES)
    if not alike.exists():
        try:
            requests.make(
                member_id=member_id,
                kind=Kind.ERASURE,
                text="",
                tool_id=tool_id,
                actor=actor,
                language=language,
                now=now,
            )
        except RequestRefused as refusal:
            # So many are open that they wait for an answer anyway: the sheet goes its way.
            note_refused_page(actor=actor, page="requests:mine", reason=refusal.code, now=now)
    return run
