"""The mails of requests on one's data: what happened to whoever asked, what waits to the officers.

They name the request and lead to its page; what was written stays there.  Somebody who cannot sign in any more has no
page: the letter goes with the mail.
"""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from consent.models import RequestStep, SubjectRequest
from consent.requests import selectors, services
from consent.requests.types import BY_THE_PERSON, Step
from consent.requests.words import ASKED
from directory.models import Member
from directory.types import Role
from idp.services.accounts import mails
from idp.services.accounts.proof_mails import with_role
from idp.types import MailKind

AT_ONCE = 50


@transaction.atomic
def tell_of_requests(*, now: datetime) -> int:
    """What happened since the last turn; each for one worker.  Returns how many steps were told."""
    steps = list(selectors.untold().select_for_update(of=("self",), skip_locked=True)[:AT_ONCE])
    for step in steps:
        by_the_person = step.author_id == step.request.member_id
        if by_the_person and step.step in BY_THE_PERSON:
            _to_officers("request_officer", step.request, {"step": step.step}, now)
        if step.step == Step.MADE or not by_the_person:
            _to_person(step, now)
    services.note_told(steps, now=now)
    return len(steps)


def remind_of_requests(*, now: datetime) -> int:
    """Seven days before the deadline, and once it is over.  Returns how many requests were recalled."""
    return sum(_remind(request, now) for request in selectors.to_remind(timezone.localdate(now)))


@transaction.atomic
def _remind(found: SubjectRequest, now: datetime) -> bool:
    request = services.begin_reminding(found, now=now)
    if request is not None:
        _to_officers("request_reminder", request, {"overdue": request.overdue_told_for == request.due_on}, now)
    return request is not None


def _to_person(step: RequestStep, now: datetime) -> None:
    member = step.request.member
    comes_in = Member.objects.active().filter(pk=member.pk).exists()
    context = _told(step.request, "requests:own") | {"step": step.step, "letter": "" if comes_in else step.text}
    mails.queue(kind=MailKind.REQUEST, template="request_member", member=member, context=context, now=now)


def _to_officers(template: str, request: SubjectRequest, context: dict[str, Any], now: datetime) -> None:
    """To each of them in their language; to nobody in particular, to the officer's address."""
    told = _told(request, "requests:case") | context

    def queue(member: Member | None, address: str = "") -> bool:
        subject, body = mails.rendered(template, member, told)
        mail = mails.queue_text(
            kind=MailKind.REQUEST, member=member, subject=subject, body=body, now=now, address=address
        )
        return mail is not None

    if not sum(queue(member) for member in with_role(Role.DPO, now)):
        queue(None, settings.DPO_CONTACT)


def _told(request: SubjectRequest, page: str) -> dict[str, Any]:
    return {
        "request": request,
        "asked": ASKED[request.kind],
        "page": settings.ORIGIN + reverse(page, args=[request.reference]),
    }
