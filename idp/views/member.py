"""What members do with their tools: open one, withdraw from one."""

from datetime import datetime
from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from audit.types import Action, Actor, Entry
from consent import selectors, taking
from consent.erasures import wishes
from consent.erasures.types import ErasureRefused
from consent.erasures.words import REFUSALS
from directory.models import Member
from idp import access, aftermath
from idp.models import Tool
from idp.services import refusals, withdrawal


@login_required
@require_safe
def open_tool(request: HttpRequest, slug: str) -> HttpResponse:
    """To the tool's own address; it asks the hub who this is, and the hub answers without a word."""
    member = cast(Member, request.user)
    tool = Tool.objects.filter(slug=slug).first()
    if tool is None or not access.may_enter(member, tool):
        # An unknown tool and a closed one look the same.
        note_not_open(member, tool, now=timezone.now())
        context = {
            "title": _("Cet outil ne vous est pas ouvert"),
            "message": _("Il n’existe pas, ou il est réservé à des collectifs dont vous ne faites pas partie."),
            "advice": _("Si vous devriez y avoir accès, demandez à la structure de vous l’ouvrir."),
            # Beside this page, so that what somebody typed as a name is not said again.
            "back_url": "../acces/",
            "back_label": _("Pourquoi n’ai-je pas accès ?"),
        }
        return render(request, "hub/error.html", context, status=404)
    return HttpResponseRedirect(tool.launch_url)


def note_not_open(member: Member, tool: Tool | None, *, now: datetime) -> None:
    line = Entry(
        Action.AUTHORIZATION_REFUSED,
        actor=Actor(member=member.pk),
        subject=member.pk,
        tool=tool.pk if tool else None,
        refused=True,
        reason="not_in_group" if tool else "tool_unknown",
    )
    refusals.note(line, network=str(member.pk), now=now)


@login_required
@require_POST
def withdraw(request: HttpRequest, slug: str) -> HttpResponse:
    """One click, as easy as giving: consent, codes, tokens and the tool's session end together."""
    member = cast(Member, request.user)
    tool = get_object_or_404(Tool, slug=slug)
    ended = withdrawal.withdraw(member_id=member.pk, tool=tool, actor=Actor(member=member.pk), now=timezone.now())
    if not ended and not access.may_enter(member, tool):
        # An unknown tool and a closed one look the same; what was agreed to can be withdrawn even then.
        raise Http404
    if not ended:
        messages.info(request, _("Aucun accord n’était en cours pour « %(tool)s ».") % {"tool": tool.name})
        return redirect("consent:mine")
    messages.success(request, _("Votre accord pour « %(tool)s » est retiré.") % {"tool": tool.name})
    return redirect("idp:withdrawn", slug)


@login_required
@require_safe
def withdrawn(request: HttpRequest, slug: str) -> HttpResponse:
    """What the withdrawal ended, way by way, what is still on its way, and what it cannot undo."""
    member = cast(Member, request.user)
    tool = _left(member, slug, "idp:withdrawn")
    return render(
        request, "idp/withdrawn.html", {"tool": tool, "after": aftermath.of(member, tool, now=timezone.now())}
    )


@login_required
@require_POST
def ask_erasure(request: HttpRequest, slug: str) -> HttpResponse:
    """Of what a tool received before it was left."""
    member, now = cast(Member, request.user), timezone.now()
    tool = _left(member, slug, "idp:ask_erasure")
    try:
        wishes.ask(member_id=member.pk, tool_id=tool.pk, language=get_language() or "fr", now=now)
    except ErasureRefused as refusal:
        said = str(REFUSALS.get(refusal.reason, _("cette demande n’a pas pu être enregistrée")))
        messages.info(request, f"{capfirst(said)}.")
        return redirect("idp:withdrawn", slug)
    messages.success(request, _("Votre demande d’effacement est enregistrée."))
    return redirect("requests:mine")


def _left(member: Member, slug: str, page: str) -> Tool:
    """The tool from which this member took their agreement back; any other and none look the same."""
    tool = Tool.objects.filter(slug=slug).first()
    if tool is None or selectors.last_withdrawal(member.pk, tool.pk) is None:
        raise taking.not_theirs(member.pk, page, timezone.now())
    return tool
