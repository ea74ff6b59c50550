"""The pages where news are written."""

from functools import partial
from http import HTTPStatus
from typing import cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from directory.access import may
from directory.models import Member
from directory.pictures import PhotoRefused
from directory.policy import Right
from idp.gate import actor_of
from news import selectors, services
from news.forms import BriefForm, ChangeForm
from news.gate import brief_or_404, for_writers, removable_or_404, right_over
from news.models import Brief
from news.services import Content
from news.types import NewsRefused, Standing
from news.words import PICTURES

PER_PAGE = 30


@for_writers("news:written")
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    found = Paginator(selectors.written(cast(Member, request.user), now), PER_PAGE).get_page(request.GET.get("page"))
    rows = [(each, each.standing(now)) for each in found.object_list]
    return render(request, "news/written.html", {"page": found, "rows": rows})


@for_writers("news:write")
@require_http_methods(["GET", "HEAD", "POST"])
def write(request: HttpRequest) -> HttpResponse:
    member, now = cast(Member, request.user), timezone.now()
    form_of = partial(BriefForm, collectives=list(selectors.led(member)), of_all=may(member, Right.ANNOUNCE))
    if request.method != "POST":
        form = form_of()
        form.initial.setdefault("collective", request.GET.get("collectif", ""))
        return _form(request, form)
    form = form_of(request.POST, request.FILES)
    if not form.is_valid():
        return _form(request, form)
    actor = actor_of(request)
    try:
        made = services.write(collective=form.chosen, content=_content(request, form), actor=actor, now=now)
    except PhotoRefused as refused:
        services.note_refused(collective=form.chosen, reason=refused.reason, actor=actor, now=now)
        form.add_error("picture", str(PICTURES[refused.reason]))
        return _form(request, form)
    return _done(request, made)


@for_writers("news:change")
@require_http_methods(["GET", "HEAD", "POST"])
def change(request: HttpRequest, brief_id: int) -> HttpResponse:
    brief, now = brief_or_404(request, brief_id, page="news:change"), timezone.now()
    if brief.removed_at is not None:
        messages.info(request, _("Cette brève est retirée : remettez-la d’abord."))
        return HttpResponseRedirect(reverse("news:written"))
    if request.method != "POST":
        return _form(request, ChangeForm(brief), brief)
    form = ChangeForm(brief, request.POST, request.FILES)
    if not form.is_valid():
        return _form(request, form, brief)
    actor = actor_of(request)
    try:
        services.change(brief_id=brief_id, content=_content(request, form), actor=actor, now=now)
    except PhotoRefused as refused:
        services.note_refused(collective=brief.collective, reason=refused.reason, actor=actor, now=now)
        form.add_error("picture", str(PICTURES[refused.reason]))
        return _form(request, form, brief)
    except NewsRefused:
        messages.info(request, _("Cette brève est retirée : remettez-la d’abord."))
        return HttpResponseRedirect(reverse("news:written"))
    return _done(request, Brief.objects.defer("picture").get(pk=brief_id))


@for_writers("news:remove")
@require_POST
def remove(request: HttpRequest, brief_id: int) -> HttpResponse:
    brief = removable_or_404(request, brief_id, page="news:remove")
    told = services.remove(brief_id=brief_id, actor=actor_of(request), now=timezone.now())
    if not may(cast(Member, request.user), right_over(brief), brief.collective):
        withdrawn = (
            _("La brève est retirée. Ses responsables en sont prévenu·es.") if told else _("La brève est retirée.")
        )
        messages.success(request, withdrawn)
        return HttpResponseRedirect(reverse("news:all"))
    messages.success(request, _("La brève est retirée. Vous pouvez la remettre pendant trente jours."))
    return HttpResponseRedirect(f"{reverse('news:written')}#breve-{brief_id}")


@for_writers("news:restore")
@require_POST
def restore(request: HttpRequest, brief_id: int) -> HttpResponse:
    brief_or_404(request, brief_id, page="news:restore")
    try:
        services.restore(brief_id=brief_id, actor=actor_of(request), now=timezone.now())
    except NewsRefused:
        messages.info(request, _("Rien n’a changé : c’était déjà fait."))
        return HttpResponseRedirect(reverse("news:written"))
    messages.success(request, _("La brève est de nouveau un brouillon."))
    return HttpResponseRedirect(reverse("news:change", args=[brief_id]))


def _content(request: HttpRequest, form: BriefForm) -> Content:
    """Raises ``PhotoRefused``."""
    given = form.cleaned_data
    dropped = b"" if given.get("drop_picture") else None
    return Content(
        title=given["title"],
        text=given["text"],
        audience=form.wanted_audience,
        is_draft="draft" in request.POST,
        since=given["since"],
        until=given["until"],
        picture=services.read(given["picture"]) if given["picture"] else dropped,
        picture_alt=given["picture_alt"],
    )


def _form(request: HttpRequest, form: BriefForm, brief: Brief | None = None) -> HttpResponse:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    standing = brief.standing(timezone.now()) if brief else Standing.DRAFT
    context = {"form": form, "brief": brief, "is_draft": standing == Standing.DRAFT}
    return render(request, "news/write.html", context, status=status)


def _done(request: HttpRequest, brief: Brief) -> HttpResponseRedirect:
    said = {
        Standing.DRAFT: _("Le brouillon est gardé. Voici comment il se lira."),
        Standing.SCHEDULED: _("La brève paraîtra à la date dite."),
        Standing.PUBLISHED: _("La brève est publiée."),
    }
    messages.success(request, said.get(brief.standing(timezone.now()), _("C’est enregistré.")))
    return HttpResponseRedirect(reverse("news:brief", args=[brief.pk]), status=HTTPStatus.SEE_OTHER)
