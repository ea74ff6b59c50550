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
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from directory.models import Member
from idp.gate import actor_of
from idp.services import refusals
from idp.services.accounts.mails import address_of
from idp.signin.allauth_parts import network_of
from news import digests, feeds, letters, selectors
from news.forms import RhythmForm
from news.models import FeedLink, Mute, Subscription
from news.types import Rhythm

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


@require_POST
@login_required
def choose(request: HttpRequest) -> HttpResponse:
    member = cast(Member, request.user)
    form = RhythmForm(request.POST)
    if not form.is_valid():
        return _page(request, form=form)
    rhythm = Rhythm(form.cleaned_data["rhythm"])
    if digests.choose(member_id=member.pk, rhythm=rhythm, actor=actor_of(request), now=timezone.now()):
        messages.success(request, _("C’est enregistré."))
    else:
        messages.info(request, _("Rien n’a changé."))
    return HttpResponseRedirect(reverse("news:receive"), status=HTTPStatus.SEE_OTHER)


@require_POST
@login_required
def unmute(request: HttpRequest, slug: str) -> HttpResponse:
    """Letters of this collective again."""
    member = cast(Member, request.user)
    row = get_object_or_404(Mute, member=member, collective__slug=slug)
    actor, now = actor_of(request), timezone.now()
    letters.unmute(member_id=member.pk, collective_id=row.collective_id, actor=actor, now=now)
    messages.success(request, _("C’est enregistré."))
    return HttpResponseRedirect(reverse("news:receive"), status=HTTPStatus.SEE_OTHER)


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """From a mail, without signing in: mail programs post here by themselves (RFC 8058 §3.2), with no cookie and no
    token of a form; whoever opens it by hand finds a button, for mail scanners read what they find."""
    now = timezone.now()
    if not refusals.allowed("news_unsubscribe", network=network_of(request), limit=READINGS_A_MINUTE, now=now):
        return HttpResponse(status=HTTPStatus.TOO_MANY_REQUESTS, headers={"Retry-After": "60"})
    row = digests.subscription_of(token)
    if row is None:
        raise Http404
    if request.method == "POST":
        digests.unsubscribe(subscription_id=row.pk, now=now)
    return private(render(request, "news/unsubscribe.html", {"is_done": request.method == "POST"}))


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
    return private(response)


def private(response: HttpResponse) -> HttpResponse:
    # The address opens this: it is told to no other site, and kept by no cache on the way.  "no-referrer" would have
    # browsers send the form with "Origin: null".
    response["Cache-Control"] = "private, no-store"
    response["Referrer-Policy"] = "same-origin"
    response["X-Robots-Tag"] = "noindex"
    return response


def _page(request: HttpRequest, *, made: str = "", of: str = "", form: RhythmForm | None = None) -> HttpResponse:
    member = cast(Member, request.user)
    standing = Subscription.objects.filter(member=member).values_list("rhythm", flat=True).first()
    links = FeedLink.objects.filter(member=member).select_related("collective").order_by("collective__order_key", "pk")
    linked = {each.collective_id: each for each in links}
    rows = [(each, linked.pop(each.pk, None)) for each in selectors.near(member)]
    context = {
        "rows": rows,
        # Addresses that open nothing at this moment are theirs to end as well.
        "closed": list(linked.values()),
        "made": made,
        "of": of,
        "form": form or RhythmForm(initial={"rhythm": standing or Rhythm.NEVER}),
        "muted": Mute.objects.filter(member=member).select_related("collective").order_by("collective__order_key"),
        "has_address": bool(address_of(member)),
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form else HTTPStatus.OK
    return render(request, "news/receive.html", context, status=status)
