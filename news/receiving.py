"""How news come to a member outside the hub: the page where they choose, and what a feed reader asks."""

from http import HTTPStatus
from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from directory.models import Member
from idp.gate import actor_of
from idp.services import refusals
from idp.signin.allauth_parts import network_of
from news import feeds, selectors
from news.models import FeedLink

# Of one network: an office with a reader on each desk.
READINGS_A_MINUTE = 60


@login_required
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    return _page(request)


@require_POST
@login_required
def make_feed(request: HttpRequest, slug: str) -> HttpResponse:
    """The address is shown in this answer and never again."""
    member = cast(Member, request.user)
    collective = get_object_or_404(selectors.near(member), slug=slug)
    made = feeds.make(member=member, collective_id=collective.pk, actor=actor_of(request), now=timezone.now())
    return _page(request, made=made, of=collective.slug)


@require_POST
@login_required
def end_feed(request: HttpRequest, slug: str) -> HttpResponse:
    member = cast(Member, request.user)
    link = get_object_or_404(FeedLink, member=member, collective__slug=slug)
    feeds.end(member_id=member.pk, collective_id=link.collective_id, actor=actor_of(request), now=timezone.now())
    messages.success(request, _("Cette adresse n’ouvre plus rien."))
    return HttpResponseRedirect(reverse("news:receive"))


@require_safe
def feed(request: HttpRequest, secret: str) -> HttpResponse:
    """No line in the journal: reading leaves none, and a reader asks on for years with an address that is over."""
    now = timezone.now()
    if not refusals.allowed("news_feed", network=network_of(request), limit=READINGS_A_MINUTE, now=now):
        return HttpResponse(status=HTTPStatus.TOO_MANY_REQUESTS, headers={"Retry-After": "60"})
    link = feeds.find(secret)
    if link is None:
        raise Http404
    response = HttpResponse(feeds.written(link, now), content_type="application/atom+xml; charset=utf-8")
    # The address opens this: it is told to no other site, and kept by no cache on the way.
    response["Cache-Control"] = "private, no-store"
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    return response


def _page(request: HttpRequest, *, made: str = "", of: str = "") -> HttpResponse:
    member = cast(Member, request.user)
    linked = dict(FeedLink.objects.filter(member=member).values_list("collective_id", "made_at"))
    rows = [(each, linked.get(each.pk)) for each in selectors.near(member)]
    return render(request, "news/receive.html", {"rows": rows, "made": made, "of": of})
