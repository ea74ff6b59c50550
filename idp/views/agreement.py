"""The member's answer to a notice or a question of consent, and on to the tool."""

import re
from datetime import datetime
from uuid import UUID

from django.core.signing import BadSignature
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.views.decorators.http import require_POST

from audit.types import Actor
from consent import selectors as consent_selectors
from consent import services as consent_services
from consent.types import NoticeOutdated, Question
from directory.models import Member
from idp import arrivals
from idp.protocol.errors import ProtocolError
from idp.selectors import live_session
from idp.services import withdrawal
from idp.services.sessions import SESSION_FIELD
from idp.signin import pending
from idp.views import answers, steps

# Going on with what is switched on, or with nothing of what may be refused.
ACCEPT, WITHOUT = "accept", "without"
NUMBER = re.compile("[0-9]{1,18}")


@require_POST
def answer(request: HttpRequest) -> HttpResponse:
    """The member's answer.  The request itself travels signed, and every step is taken again before a code leaves."""
    now = timezone.now()
    try:
        arrived = steps.signed_form(request.POST.get("request", ""))
    except BadSignature:
        error = ProtocolError("invalid_request", "stale form", detail="consent_form_stale")
        return answers.error_page(request, error, now=now)
    try:
        tool, where = arrivals.address(arrived.pairs)
        asked = steps.Asked(tool, where, arrived, arrivals.read(tool, arrived))
    except ProtocolError:
        # What was right when the page was shown may be refused since: the tool changed.
        return steps.proceed(request, arrived, now=now)
    if not isinstance(request.user, Member):
        return steps.proceed(request, arrived, now=now)
    question = consent_selectors.question(request.user.pk, tool.pk, asked.items, again=True)
    if question is None or str(question.notice) != request.POST.get("notice"):
        # The notice changed while the page was open: show the new one.
        return steps.proceed(request, arrived, now=now)
    try:
        return _decide(request, request.user, asked, question, now=now)
    except NoticeOutdated:
        # The sheet changed between reading and answering: nobody agrees to a text they did not see.
        return steps.proceed(request, arrived, now=now)


def record_yes(
    request: HttpRequest, question: Question, *, member_id: UUID, tool_id: int, session: UUID | None, now: datetime
) -> None:
    """What the posted form of ``consent/ask.html`` agrees to.

    Raises ``NoticeOutdated`` when the notice is not the one in force.
    """
    without = request.POST.get("answer") == WITHOUT
    consent_services.answer(
        member_id=member_id,
        tool_id=tool_id,
        notice_id=question.notice,
        accepted=frozenset() if without else frozenset(request.POST.getlist("items")),
        objected=frozenset(int(each) for each in request.POST.getlist("objections") if NUMBER.fullmatch(each)),
        actor=Actor(member=member_id),
        language=translation.get_language() or "fr",
        now=now,
        session=session,
    )


def _decide(
    request: HttpRequest, member: Member, asked: steps.Asked, question: Question, *, now: datetime
) -> HttpResponse:
    language, session, tool = translation.get_language() or "fr", _session_id(request), asked.tool
    if request.POST.get("answer") in (ACCEPT, WITHOUT):
        record_yes(request, question, member_id=member.pk, tool_id=tool.pk, session=session, now=now)
        return steps.proceed(request, asked.arrived, now=now, consented=True)
    if question.asks:
        withdrawal.refuse(
            member_id=member.pk, tool=tool, notice_id=question.notice, language=language, session=session, now=now
        )
    pending.done(request, asked.key)
    refusal = ProtocolError("access_denied", "the member chose not to enter", detail="member_refused")
    return answers.with_error(request, tool, asked.where, refusal, member=member.pk, now=now)


def _session_id(request: HttpRequest) -> UUID | None:
    session = live_session(request.session.get(SESSION_FIELD))
    return session.pk if session else None
