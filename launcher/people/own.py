"""« Ma fiche »: what a member shows, to whom, and how it looks to them."""

from http import HTTPStatus
from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from directory.models import Member, Profile
from directory.people import cards
from directory.photos import digest_of
from directory.services.showing import show
from idp.gate import actor_of
from launcher.people.forms import PageForm
from launcher.people.services import looks_at

# As whom somebody looks at their own card.
NEAR, FAR = "collectif", "membre"


@login_required
@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    member = cast(Member, request.user)
    profile = Profile.objects.filter(pk=member.pk).first()
    if request.method != "POST":
        return _page(request, member, PageForm(member, profile))
    form = PageForm(member, profile, request.POST)
    if not form.is_valid():
        return _page(request, member, form, HTTPStatus.UNPROCESSABLE_ENTITY)
    changed = show(member_id=member.pk, page=form.page, actor=actor_of(request), now=timezone.now())
    if changed:
        messages.success(request, _("C’est enregistré. Voici ce que les autres en voient."))
        return HttpResponseRedirect(reverse("launcher:my_page_preview"), status=HTTPStatus.SEE_OTHER)
    messages.info(request, _("Rien n’a changé."))
    return HttpResponseRedirect(reverse("launcher:my_page"), status=HTTPStatus.SEE_OTHER)


def _page(request: HttpRequest, member: Member, form: PageForm, status: HTTPStatus = HTTPStatus.OK) -> HttpResponse:
    context = {
        "form": form,
        "member": member,
        "has_photo": bool(digest_of(member.pk)),
        "looks": looks_at(member.pk, now=timezone.now()),
    }
    return render(request, "launcher/people/own.html", context, status=status)


@login_required
@require_safe
def preview(request: HttpRequest) -> HttpResponse:
    """As a colleague sees it: made by the very code that makes it for them."""
    member = cast(Member, request.user)
    as_whom = FAR if request.GET.get("comme") == FAR else NEAR
    who = cards.colleague(member) if as_whom == NEAR else cards.stranger()
    profile = Profile.objects.filter(pk=member.pk).first()
    context = {
        "card": cards.own(member, who),
        "as_whom": as_whom,
        "is_listed": not member.is_local and (profile is None or profile.listed),
        "is_preview": True,
    }
    return render(request, "launcher/people/preview.html", context)
