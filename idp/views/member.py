"""What members do with their tools: open one, withdraw from one."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from audit.types import Action, Actor, Entry
from directory.models import Member
from idp import access
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
        line = Entry(
            Action.AUTHORIZATION_REFUSED,
            actor=Actor(member=member.pk),
            subject=member.pk,
            tool=tool.pk if tool else None,
            refused=True,
            reason="not_in_group" if tool else "tool_unknown",
        )
        refusals.note(line, network=str(member.pk), now=timezone.now())
        context = {
            "title": _("Cet outil ne vous est pas ouvert"),
            "message": _("Il n’existe pas, ou il est réservé à des collectifs dont vous ne faites pas partie."),
            "advice": _("Si vous devriez y avoir accès, demandez à la structure de vous l’ouvrir."),
        }
        return render(request, "hub/error.html", context, status=404)
    return HttpResponseRedirect(tool.launch_url)


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
    if ended:
        messages.success(
            request,
            _(
                "Votre accord pour « %(tool)s » est retiré. L’outil n’a plus accès à vos données ; "
                "il garde celles qu’il a déjà reçues tant que vous n’en demandez pas l’effacement."
            )
            % {"tool": tool.name},
        )
    else:
        messages.info(request, _("Aucun accord n’était en cours pour « %(tool)s ».") % {"tool": tool.name})
    return redirect("consent:mine")
