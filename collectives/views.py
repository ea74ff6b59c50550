"""The list of collectives, the page of one, and the button that follows it."""

from http import HTTPStatus
from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from collectives import selectors, services
from directory.models import Collective, Member
from idp.gate import actor_of


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
    context = {"collective": collective, "may_lead": selectors.may_lead(member, collective)}
    return render(request, "collectives/one.html", context)


@login_required
@require_POST
def follow(request: HttpRequest, slug: str) -> HttpResponse:
    """``suivre`` says whether to; a second press of the same button changes nothing."""
    member, now = cast(Member, request.user), timezone.now()
    collective = collective_or_404(member, slug)
    if request.POST.get("suivre") == "1":
        if services.follow(member=member, collective_id=collective.pk, actor=actor_of(request), now=now):
            messages.success(request, _("Vous suivez « %(name)s ».") % {"name": collective.name})
    elif services.unfollow(member=member, collective_id=collective.pk, actor=actor_of(request), now=now):
        messages.success(request, _("Vous ne suivez plus « %(name)s ».") % {"name": collective.name})
    return HttpResponseRedirect(reverse("collectives:one", args=[slug]), status=HTTPStatus.SEE_OTHER)


def collective_or_404(member: Member, slug: str) -> Collective:
    """One that is not there and one that is not theirs to know of look the same."""
    found = selectors.one_visible(member, slug)
    if found is None:
        raise Http404
    return found
