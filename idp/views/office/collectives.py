"""Collectives: who is in them, and whether tools may hear of it."""

from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from directory import collectives, following
from directory import services as directory_services
from directory.access import may
from directory.models import Collective
from directory.policy import Right
from idp import access, accounts
from idp.gate import actor_of, opened_by
from idp.selectors import tools_told
from idp.services.accounts import lookups
from idp.views.directory.sources import must_prove
from idp.views.office.acts import PROOF
from idp.views.office.members import PER_PAGE, badge
from idp.views.office.purpose import RECORDS

LISTS = {
    "ouverts": gettext_lazy("Ouverts"),
    "sensibles": gettext_lazy("Sensibles"),
    "fermes": gettext_lazy("Fermés"),
}


@opened_by(Right.FIND_MEMBERS, page="idp:office_collectives")
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    which = request.GET.get("liste", "ouverts")
    if which not in LISTS:
        raise Http404
    query = request.GET.get("q", "").replace("\x00", "").strip()[:100]
    found = Paginator(collectives.collectives(which, query), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "which": which,
        "lists": LISTS.items(),
        "query": query,
        # What the addresses of the other pages keep.
        "kept": urlencode({"liste": which, **({"q": query} if query else {})}),
        "page": found,
        "several": following.are_several(),
    }
    return render(request, "idp/office/collectives.html", context)


@opened_by(Right.FIND_MEMBERS, page="idp:office_collective")
@require_safe
def one(request: HttpRequest, slug: str) -> HttpResponse:
    found = _collective_or_404(slug)
    now = timezone.now()
    reading = RECORDS.current(request, now)
    if found.sensitive:
        if reading is None:
            return RECORDS.ask(request)
        lookups.note_consulted_collective(collective_id=found.pk, reading=reading, now=now)
    rows = accounts.members().filter(memberships__collective=found).annotate(direct=F("memberships__direct"))
    members = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    context = _known_of(found) | {
        "page": members,
        "reading": reading,
        "rows": [(each, badge(each)) for each in members.object_list],
        "several": following.are_several(),
        "may_mark": may(request.user, Right.MARK_COLLECTIVES),
    }
    return render(request, "idp/office/collective.html", context)


@opened_by(Right.MARK_COLLECTIVES, page="idp:office_collective_mark")
@require_http_methods(["GET", "HEAD", "POST"])
def mark(request: HttpRequest, slug: str) -> HttpResponse:
    """What the mark changes, then the change: what was shown is what is done, whoever was faster."""
    found = _collective_or_404(slug)
    wanted = request.POST.get("sensitive", "")
    if wanted not in ("0", "1"):
        status = 422 if request.method == "POST" else 200
        return render(request, "idp/office/collective_mark.html", _known_of(found), status=status)
    here = reverse("idp:office_collective_mark", args=[found.slug])
    if (asked := must_prove(request, here, within=PROOF)) is not None:
        return asked
    sensitive = wanted == "1"
    is_news = directory_services.mark_sensitive(
        collective_id=found.pk, sensitive=sensitive, actor=actor_of(request), now=timezone.now()
    )
    if not is_news:
        messages.info(request, _("Rien n’a changé : c’était déjà fait."))
    elif sensitive:
        text = _("« %(name)s » est sensible : aucun outil n’apprend plus qui en fait partie.")
        messages.success(request, text % {"name": found.name})
    else:
        messages.success(request, _("« %(name)s » n’est plus sensible.") % {"name": found.name})
    return HttpResponseRedirect(reverse("idp:office_collective", args=[found.slug]))


def _collective_or_404(slug: str) -> Collective:
    found = collectives.collective(slug)
    if found is None:
        raise Http404
    return found


def _known_of(found: Collective) -> dict[str, object]:
    """The collective, the tools that are told of collectives, and those that this one opens."""
    return {"collective": found, "told": list(tools_told("groups")), "opened": list(access.opened_by(found))}
