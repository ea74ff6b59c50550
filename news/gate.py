"""The door of the pages where news are written: those who announce, and those who lead a collective."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase

from directory.access import may
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


def brief_or_404(request: HttpRequest, brief_id: int, *, page: str) -> Brief:
    """Raises ``PermissionDenied`` where it is another's, after a line in the journal."""
    found = selectors.one(brief_id)
    if found is None:
        raise Http404
    check(request, right_over(found), found.collective, page=page)
    return found
