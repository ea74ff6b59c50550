"""Reading news."""

from typing import cast

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from collectives.selectors import visible
from directory import pictures
from directory.access import may
from directory.models import Member
from news import selectors, services
from news.gate import may_withdraw, right_over

PER_PAGE = 20
# In this browser alone: a proxy does not know who is signed in.
FOR_EVER = "private, max-age=31536000, immutable"


@login_required
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Everything that reaches whoever asks, put aside or not."""
    member = cast(Member, request.user)
    rows, slug = selectors.reaching(member, timezone.now()), request.GET.get("collectif", "")
    of = get_object_or_404(visible(member), slug=slug) if slug else None
    found = Paginator(rows.filter(collective=of) if of else rows, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": found,
        "of": of,
        "may_write": selectors.may_write(member),
        "may_send": selectors.leads(member),
    }
    return render(request, "news/page.html", context)


@login_required
@require_safe
def brief(request: HttpRequest, brief_id: int) -> HttpResponse:
    """What reaches somebody; and for whoever writes it, as it will be, with where it stands."""
    member, now = cast(Member, request.user), timezone.now()
    found = selectors.one(brief_id)
    if found is None:
        raise Http404
    may_change = may(member, right_over(found), found.collective)
    if not may_change and not selectors.reaching(member, now).filter(pk=brief_id).exists():
        raise Http404
    width, height = pictures.measured(selectors.picture(found)) if found.picture_digest else (0, 0)
    context = {
        "brief": found,
        "standing": found.standing(now),
        "may_change": may_change,
        "may_withdraw": not may_change and may_withdraw(member, found, now),
        "width": width,
        "height": height,
    }
    return render(request, "news/brief.html", context)


@login_required
@require_safe
def picture(request: HttpRequest, brief_id: int, digest: str) -> HttpResponse:
    """For whom the text is; its address changes with it, so a browser asks once."""
    member, now = cast(Member, request.user), timezone.now()
    found = selectors.one(brief_id)
    if found is None or found.picture_digest != digest:
        raise Http404
    if not may(member, right_over(found), found.collective):
        get_object_or_404(selectors.reaching(member, now), pk=brief_id)
    response = HttpResponse(selectors.picture(found), content_type="image/webp")
    response["Cache-Control"] = FOR_EVER
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["Content-Disposition"] = "inline"
    return response


@require_POST
@login_required
def put_aside(request: HttpRequest, brief_id: int) -> HttpResponse:
    """Away from the page of tools; it stays among all others."""
    member = cast(Member, request.user)
    found = get_object_or_404(selectors.reaching(member, timezone.now()), pk=brief_id)
    services.put_aside(member_id=member.pk, brief_id=found.pk)
    return HttpResponseRedirect(reverse("launcher:home"))
