"""The pages where a tool that knows nothing of the hub gets its tile: a name, an address, and who sees it."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from directory.policy import Right
from idp.gate import actor_of, opened_by
from idp.models import Tool
from idp.services.tools import close_tool
from idp.types import ToolKind
from launcher.arranging import selectors, services
from launcher.arranging.forms import LinkForm
from launcher.arranging.services import Link


@opened_by(Right.ARRANGE_TOOLS, page="launcher:link_add")
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    form = LinkForm(request.POST if request.method == "POST" else None, initial={"everyone": True})
    if not form.is_bound or not form.is_valid():
        return _page(request, form)
    made = services.add_link(link=Link(**form.cleaned_data), actor=actor_of(request), now=timezone.now())
    text = _("Le lien « %(name)s » est ajouté. Donnez-lui une ligne, une rubrique et un logo.")
    messages.success(request, text % {"name": made.name})
    return HttpResponseRedirect(reverse("launcher:tool", args=[made.slug]))


@opened_by(Right.ARRANGE_TOOLS, page="launcher:link")
@require_http_methods(["GET", "HEAD", "POST"])
def change(request: HttpRequest, slug: str) -> HttpResponse:
    tool = _link_or_404(slug)
    initial = {"name": tool.name, "launch_url": tool.launch_url, "everyone": tool.everyone}
    if request.method != "POST":
        return _page(request, LinkForm(initial=initial | {"collectives": tool.collectives.all()}), tool)
    form = LinkForm(request.POST)
    if not form.is_valid():
        return _page(request, form, tool)
    services.change_link(slug=slug, link=Link(**form.cleaned_data), actor=actor_of(request), now=timezone.now())
    messages.success(request, _("« %(tool)s » est modifié.") % {"tool": form.cleaned_data["name"]})
    return HttpResponseRedirect(reverse("launcher:tool", args=[slug]))


@opened_by(Right.ARRANGE_TOOLS, page="launcher:link_remove")
@require_POST
def remove(request: HttpRequest, slug: str) -> HttpResponse:
    tool = _link_or_404(slug)
    close_tool(slug=slug, actor=actor_of(request), now=timezone.now(), reason="link_removed")
    messages.success(request, _("Le lien « %(name)s » est retiré.") % {"name": tool.name})
    return HttpResponseRedirect(reverse("launcher:arrange"))


def _page(request: HttpRequest, form: LinkForm, tool: Tool | None = None) -> HttpResponse:
    context = {"form": form, "tool": tool}
    return render(request, "launcher/arranging/link.html", context, status=422 if form.is_bound else 200)


def _link_or_404(slug: str) -> Tool:
    """Who may enter a connected tool, and where it lives, is its operator's: that is no link."""
    found = next((each for each in selectors.tools() if each.slug == slug and each.kind == ToolKind.LINK), None)
    if found is None:
        raise Http404
    return found
