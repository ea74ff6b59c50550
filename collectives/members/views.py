"""Adding and removing members: whom, what it opens or closes, then the change; each is undone for thirty days."""

from datetime import datetime
from http import HTTPStatus
from typing import cast
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from collectives import selectors as pages
from collectives.members import policy, selectors, services
from collectives.members.services import MembershipRefused
from collectives.words import REFUSALS
from directory.models import Collective, Member
from directory.people import cards
from directory.policy import Right
from directory.services.memberships import is_run_here
from idp import gate
from idp.views.directory.sources import must_prove
from idp.views.office.acts import PROOF

PER_PAGE = 50
STATUSES = {
    "changed_meanwhile": HTTPStatus.CONFLICT,
    "change_uncertain": HTTPStatus.SERVICE_UNAVAILABLE,
    "DirectoryUnavailable": HTTPStatus.SERVICE_UNAVAILABLE,
}


@login_required
@require_safe
def page(request: HttpRequest, slug: str) -> HttpResponse:
    member, now = cast(Member, request.user), timezone.now()
    collective = _led_or_404(request, slug, "collectives:members")
    query = request.GET.get("q", "").replace("\x00", "").strip()[:100]
    if query and not selectors.may_search(member, now):
        messages.info(request, _("Vous avez fait beaucoup de recherches aujourd’hui. Revenez demain."))
        query = ""
    changes = selectors.changes(collective, now)
    context = {
        "collective": collective,
        "query": query,
        "found": selectors.found(member, collective, query) if query else [],
        "page": Paginator(selectors.members(collective), PER_PAGE).get_page(request.GET.get("page")),
        "changes": [
            (each, policy.may_be_undone(each.at, is_undone=each.undone_at is not None, now=now)) for each in changes
        ],
    }
    return render(request, "collectives/members.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def one(request: HttpRequest, slug: str, member_id: UUID) -> HttpResponse:
    """What the change would open and close, then the change: what was shown is what is done, whoever was faster."""
    now = timezone.now()
    collective = _led_or_404(request, slug, "collectives:member")
    if (turned_away := gate.refusal(request, Right.RUN_COLLECTIVE, "collectives:member")) is not None:
        return turned_away
    member = _member_or_404(collective, member_id)
    is_named, undoes = selectors.is_named(collective, member), _undone(request, collective, now)
    context: dict[str, object] = {
        "collective": collective,
        "member": member,
        "joins": not is_named,
        "effect": selectors.effect(collective, member, joins=not is_named),
        "undoes": undoes,
    }
    if request.method != "POST":
        return render(request, "collectives/member.html", context)
    if request.POST.get("joins") != ("0" if is_named else "1"):
        messages.info(request, _("Rien n’a changé : c’était déjà fait."))
        return _back(slug)
    here = reverse("collectives:member", args=[slug, member_id])
    here += f"?annule={undoes}" if undoes else ""
    if (asked := must_prove(request, here, within=PROOF)) is not None:
        return asked
    try:
        is_shown = services.change(
            collective_id=collective.pk,
            member_id=member.pk,
            joins=not is_named,
            actor=gate.actor_of(request),
            now=now,
            undoes=undoes,
        )
    except MembershipRefused as refused:
        context["refused"] = REFUSALS.get(refused.reason, REFUSALS["DirectoryRefused"])
        status = STATUSES.get(refused.reason, HTTPStatus.UNPROCESSABLE_ENTITY)
        return render(request, "collectives/member.html", context, status=status)
    names = {"name": member.display_name, "collective": collective.name}
    if not is_shown:
        messages.success(request, _("C’est écrit dans l’annuaire. Trousseau le montre dans une minute."))
    elif is_named:
        messages.success(request, _("%(name)s ne fait plus partie de « %(collective)s ».") % names)
    else:
        messages.success(request, _("%(name)s fait partie de « %(collective)s ».") % names)
    return _back(slug)


def _led_or_404(request: HttpRequest, slug: str, name: str) -> Collective:
    """One that is not there, or not theirs to know of, looks as one whose members are not changed here."""
    collective = pages.one_visible(cast(Member, request.user), slug)
    if collective is None:
        raise Http404
    gate.check(request, Right.RUN_COLLECTIVE, collective, page=name)
    if not is_run_here(collective):
        raise Http404
    return collective


def _member_or_404(collective: Collective, member_id: UUID) -> Member:
    """Whom the lead may find: those who are in it, whatever they show, and whoever stands in the list of members."""
    there = Member.objects.filter(pk=member_id, memberships__collective=collective, erased_at=None).first()
    return there or get_object_or_404(cards.listed(), pk=member_id)


def _undone(request: HttpRequest, collective: Collective, now: datetime) -> int | None:
    """The change that this one would take back, where the address or the form names one that can be."""
    named = request.POST.get("undoes") or request.GET.get("annule", "")
    if not (named.isascii() and named.isdigit() and len(named) < 16):
        return None
    change = selectors.undoable(collective, int(named), now)
    return change.pk if change is not None else None


def _back(slug: str) -> HttpResponse:
    return HttpResponseRedirect(reverse("collectives:members", args=[slug]), status=HTTPStatus.SEE_OTHER)
