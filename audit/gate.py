"""Who may read the journal is decided above: the apps that know roles and sessions hand their rule over here."""

from collections.abc import Callable
from functools import wraps

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase

View = Callable[..., HttpResponseBase]
# An answer for whoever may not go on, nothing for whoever may; refusals raise ``PermissionDenied``.
Rule = Callable[[HttpRequest, str], HttpResponseBase | None]
_rules: list[Rule] = []


def guard_with(rule: Rule) -> None:
    """Called once, when the apps are ready; with several rules all of them must let the reader through."""
    _rules.append(rule)


def for_readers(page: str) -> Callable[[View], View]:
    """A page of the journal; closed to everybody as long as nobody said who reads it."""

    def guarded(view: View) -> View:
        @wraps(view)
        def enter(request: HttpRequest, **kwargs: str) -> HttpResponseBase:
            if not _rules:
                raise PermissionDenied
            for rule in _rules:
                answer = rule(request, page)
                if answer is not None:
                    return answer
            return view(request, **kwargs)

        return login_required(enter)

    return guarded
