"""The list of collectives, the page of one, and the button that follows it."""

from http import HTTPStatus
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from collectives import labels, selectors, services
from collectives.cloud import selectors as cloud
from collectives.forms import PageForm
from directory.access import may
from directory.models import Collective, Member
from directory.people import markdown
from directory.policy import Right
from directory.services.memberships import is_run_here
from idp import gate

DESCRIBE = "collectives:describe"


@login_required
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    member = cast(Member, request.user)
    return render(request, "collectives/list.html", {"shelves": selectors.shelves(member)})


@login_required
@require_safe
def one(request: HttpRequest, slug: str) -> HttpResponse:
    member = cast(Member, request.user)
    collective = collective_or_404(member, slug)
    said = selectors.page_of(collective)
    context = {
        "collective": collective,
        "told": selectors.told(member, collective),
        "presentation": _safe(said.presentation) if said else "",
        "joining": _safe(said.joining) if said else "",
        "links": [labels.read(each) for each in said.links] if said else [],
        "has_cloud": cloud.is_configured() and said is not None and bool(said.folder or said.calendar),
        "may_run": selectors.may_lead(member, collective) and is_run_here(collective),
        "may_describe": selectors.may_describe(member, collective),
    }
    return render(request, "collectives/one.html", context)


@login_required
@require_safe
def held(request: HttpRequest, slug: str) -> HttpResponse:
    """A page of its own: the collective's never waits for a cloud.  For whoever is in it, or leads it."""
    member = cast(Member, request.user)
    collective = collective_or_404(member, slug)
    inside: Any = collective
    if not (inside.is_in or inside.is_led):
        raise Http404
    found = cloud.held(selectors.page_of(collective), timezone.now())
    if found is None:
        raise Http404
    return render(request, "collectives/cloud.html", {"collective": collective, "held": found})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def describe(request: HttpRequest, slug: str) -> HttpResponse:
    member, now = cast(Member, request.user), timezone.now()
    collective = collective_or_404(member, slug)
    right = Right.RUN_COLLECTIVE if selectors.may_lead(member, collective) else Right.DESCRIBE_COLLECTIVES
    if (turned_away := gate.refusal(request, right, DESCRIBE)) is not None:
        return turned_away
    places = cloud.is_configured() and may(member, Right.DESCRIBE_COLLECTIVES)
    given = request.POST if request.method == "POST" else None
    form = PageForm(selectors.page_of(collective), given, places=places)
    if form.is_bound and form.is_valid():
        if services.describe(collective_id=collective.pk, page=form.page, actor=gate.actor_of(request), now=now):
            messages.success(request, _("C’est enregistré."))
        else:
            messages.info(request, _("Rien n’a changé."))
        return HttpResponseRedirect(reverse("collectives:one", args=[slug]), status=HTTPStatus.SEE_OTHER)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "collectives/describe.html", {"collective": collective, "form": form}, status=status)


def _safe(text: str) -> SafeString:
    return mark_safe(markdown.html(text)) if text else SafeString()  # noqa: S308 (cleaned by a list of what may stay)


@login_required
@require_POST
def follow(request: HttpRequest, slug: str) -> HttpResponse:
    """``suivre`` says whether to; a second press of the same button changes nothing."""
    member, now = cast(Member, request.user), timezone.now()
    collective = collective_or_404(member, slug)
    if request.POST.get("suivre") == "1":
        if services.follow(member=member, collective_id=collective.pk, actor=gate.actor_of(request), now=now):
            messages.success(request, _("Vous suivez « %(name)s ».") % {"name": collective.name})
    elif services.unfollow(member=member, collective_id=collective.pk, actor=gate.actor_of(request), now=now):
        messages.success(request, _("Vous ne suivez plus « %(name)s ».") % {"name": collective.name})
    return HttpResponseRedirect(reverse("collectives:one", args=[slug]), status=HTTPStatus.SEE_OTHER)


def collective_or_404(member: Member, slug: str) -> Collective:
    """One that is not there and one that is not theirs to know of look the same."""
    found = selectors.one_visible(member, slug)
    if found is None:
        raise Http404
    return found
