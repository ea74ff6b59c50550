"""The door of the pages where news are written: those who announce, and those who lead a collective."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from directory.access import may
from directory.models import Member
from directory.policy import Right
from idp.gate import check, refusal
from news import selectors
from news.models import Brief

View = Callable[..., HttpResponseBase]


def for_writers(page: str) -> Callable[[View], View]:
    """``page`` is its name in the journal, where it is refused.  Which news are theirs is asked by ``brief_or_404``."""

    def guarded(view: View) -> View:
        @wraps(view)
        def enter(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            right = Right.ANNOUNCE if may(request.user, Right.ANNOUNCE) else Right.WRITE_NEWS
            answer = refusal(request, right, page)
            return answer if answer is not None else view(request, *args, **kwargs)

        return login_required(enter)

    return guarded


def right_over(brief: Brief) -> Right:
    """What is everybody's is the office's; what is a collective's belongs to those who lead it, and to nobody else."""
    return Right.ANNOUNCE if brief.collective_id is None else Right.WRITE_NEWS


def may_withdraw(member: Member, brief: Brief, now: datetime) -> bool:
    """Whoever speaks for the house answers for what it shows: they take away what they read, and change no word."""
    return may(member, Right.ANNOUNCE) and selectors.reaching(member, now).filter(pk=brief.pk).exists()


def removable_or_404(request: HttpRequest, brief_id: int, *, page: str) -> Brief:
    """One's own, or one to be withdrawn.  Raises ``PermissionDenied`` as ``brief_or_404`` does."""
    found = _found_or_404(brief_id)
    if not may_withdraw(cast(Member, request.user), found, timezone.now()):
        check(request, right_over(found), found.collective, page=page)
    return found


def brief_or_404(request: HttpRequest, brief_id: int, *, page: str) -> Brief:
    """Raises ``PermissionDenied`` where it is another's, after a line in the journal."""
    found = _found_or_404(brief_id)
    check(request, right_over(found), found.collective, page=page)
    return found


def _found_or_404(brief_id: int) -> Brief:
    found = selectors.one(brief_id)
    if found is None:
        raise Http404
    return found
