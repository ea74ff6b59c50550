"""Towns for whoever is typing the name of one.  Of nobody: the same list for everybody who is signed in."""

from functools import lru_cache

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, JsonResponse
from django.urls import reverse_lazy
from django.utils.translation import ngettext
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from directory.places import communes

MOST, LONGEST = 8, 60
A_DAY = 24 * 3600
# What a field of towns is told of it; without scripts it stays a field like any other.
SUGGESTED = {"autocomplete": "off", "data-towns": reverse_lazy("launcher:towns")}


@login_required
@require_safe
@cache_control(private=True, max_age=A_DAY)
def beginning(request: HttpRequest) -> JsonResponse:
    """``told`` is what a screen reader says of the list."""
    found = _beginning(" ".join(request.GET.get("debut", "")[:LONGEST].split()))
    said = ngettext("%(count)s commune proposée", "%(count)s communes proposées", len(found)) % {"count": len(found)}
    return JsonResponse({"towns": found, "told": said}, headers={"Vary": "Cookie, Accept-Language"})


@lru_cache(maxsize=2_000)
def _beginning(typed: str) -> tuple[str, ...]:
    return tuple(each.said_for(typed) for each in communes.beginning(typed, MOST))
