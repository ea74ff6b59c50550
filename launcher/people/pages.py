"""The trombinoscope: who is found, as faces, a list or a map behind one address; and the card of one of them."""

from datetime import datetime, time, timedelta
from http import HTTPStatus
from typing import Any, cast
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from directory.models import Member
from directory.people import cards, search
from launcher.people import maps, services
from launcher.people.finding import MAP, USUAL_KM, VIEWS, FindForm, Query

PER_PAGE = 24


@login_required
@require_safe
def people(request: HttpRequest) -> HttpResponse:
    member, now = cast(Member, request.user), timezone.now()
    who = cards.reader(member)
    asked = request.GET.copy()
    asked.setdefault("km", str(USUAL_KM))
    form = FindForm(asked, who=who)
    if not form.is_valid():
        context: dict[str, Any] = {
            "form": form,
            "view": form.cleaned_data.get("vue") or "",
            "views": [],
            "has_errors": True,
        }
        return render(request, "launcher/people/find.html", context, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    if not services.note_page(reader=member.pk, now=now):
        return _too_many(request, now)
    query, view = form.query, form.view
    wanted = query.wanted
    found = search.find(wanted, who)
    page = Paginator(found.ids, PER_PAGE).get_page(request.GET.get("page"))
    shown = cards.cards(list(page.object_list), who) if view != MAP else []
    context = {
        "form": form,
        "query": query,
        "view": view,
        "views": [(name, label, query.address(vue=name)) for name, label in VIEWS.items()],
        "count": len(found.ids),
        "page": page,
        "cards": [(each, round(wanted.km_to(each.place))) for each in shown],
        "rest": query.address(vue=view),
    }
    if view == MAP:
        context |= _drawn(query, found)
    return render(request, "launcher/people/find.html", context)


def _drawn(query: Query, found: search.Found) -> dict[str, Any]:
    total = len(found.ids)
    if query.commune is not None:
        return {"drawing": maps.around(query.commune, query.km, found.places, total)}
    if query.department is not None:
        return {"drawing": maps.department(query.department.code, found.places, total)}
    drawing = maps.france(found.places, total)
    return {"drawing": drawing, "areas": sorted((each for each in drawing.areas if each.count), key=_most_first)}


def _most_first(area: maps.Area) -> tuple[int, str]:
    return -area.count, area.name


@login_required
@require_safe
def card(request: HttpRequest, member_id: UUID) -> HttpResponse:
    now = timezone.now()
    found = card_or_404(request, member_id)
    if not services.note_card(reader=cast(Member, request.user).pk, member_id=member_id, now=now):
        return _too_many(request, now)
    return render(request, "launcher/people/card.html", {"card": found, "is_own": member_id == request.user.pk})


def _too_many(request: HttpRequest, now: datetime) -> HttpResponse:
    """RFC 6585 §4."""
    response = render(request, "launcher/people/limit.html", status=HTTPStatus.TOO_MANY_REQUESTS)
    tomorrow = datetime.combine(timezone.localdate(now) + timedelta(days=1), time.min, timezone.get_current_timezone())
    response["Retry-After"] = str(max(1, int((tomorrow - now).total_seconds())))
    return response


def card_or_404(request: HttpRequest, member_id: UUID) -> cards.Card:
    """Nobody, somebody who left and somebody who does not want to be listed look the same."""
    found = cards.cards([member_id], cards.reader(cast(Member, request.user)))
    if not found:
        raise Http404
    return found[0]
