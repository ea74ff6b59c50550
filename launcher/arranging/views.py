"""The pages by which the office and the technician arrange the page of tools."""

from django.contrib import messages
from django.forms import model_to_dict
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from directory.pictures import PhotoRefused
from directory.policy import Right
from idp.gate import actor_of, opened_by
from idp.models import Tool
from idp.services.admissions import set_rule
from idp.services.presentation import present
from idp.services.tools import NotDeclared
from launcher import cards
from launcher.arranging import logos, selectors, services
from launcher.arranging.forms import ConditionForm, RuleForm, SectionForm, ShownForm
from launcher.conditions import services as conditions
from launcher.models import Condition, Section
from launcher.words import LOGOS


@opened_by(Right.ARRANGE_TOOLS, page="launcher:arrange")
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    return render(request, "launcher/arranging/page.html", {"stands": selectors.stands()})


@opened_by(Right.ARRANGE_TOOLS, page="launcher:section_add")
@require_http_methods(["GET", "HEAD", "POST"])
def add_section(request: HttpRequest) -> HttpResponse:
    form = SectionForm(request.POST if request.method == "POST" else None)
    if not form.is_bound or not form.is_valid():
        return render(request, "launcher/arranging/section.html", {"form": form}, status=422 if form.is_bound else 200)
    made = services.add_section(**form.cleaned_data, actor=actor_of(request), now=timezone.now())
    messages.success(request, _("La rubrique « %(name)s » est ajoutée.") % {"name": made.shown_name})
    return _back(made.slug)


@opened_by(Right.ARRANGE_TOOLS, page="launcher:section")
@require_http_methods(["GET", "HEAD", "POST"])
def section(request: HttpRequest, slug: str) -> HttpResponse:
    found = get_object_or_404(Section, slug=slug)
    form = SectionForm(request.POST if request.method == "POST" else None, initial=model_to_dict(found))
    if not form.is_bound or not form.is_valid():
        context = {"form": form, "section": found}
        return render(request, "launcher/arranging/section.html", context, status=422 if form.is_bound else 200)
    services.change_section(slug=slug, **form.cleaned_data, actor=actor_of(request), now=timezone.now())
    messages.success(request, _("La rubrique est modifiée."))
    return _back(slug)


@opened_by(Right.ARRANGE_TOOLS, page="launcher:section_move")
@require_POST
def move_section(request: HttpRequest, slug: str) -> HttpResponse:
    get_object_or_404(Section, slug=slug)
    services.move_section(slug=slug, up=_is_up(request), actor=actor_of(request), now=timezone.now())
    return _back(slug)


@opened_by(Right.ARRANGE_TOOLS, page="launcher:section_remove")
@require_POST
def remove_section(request: HttpRequest, slug: str) -> HttpResponse:
    found = get_object_or_404(Section, slug=slug)
    services.remove_section(slug=slug, actor=actor_of(request), now=timezone.now())
    text = _("La rubrique « %(name)s » est retirée. Ses outils sont à la fin de la page.")
    messages.success(request, text % {"name": found.shown_name})
    return HttpResponseRedirect(reverse("launcher:arrange"))


@opened_by(Right.ARRANGE_TOOLS, page="launcher:tool")
@require_http_methods(["GET", "HEAD", "POST"])
def tool(request: HttpRequest, slug: str) -> HttpResponse:
    found = _tool_or_404(slug)
    form = _shown_form(found, request.POST if request.method == "POST" else None)
    if not form.is_bound or not form.is_valid():
        return _tool_page(request, found, form, status=422 if form.is_bound else 200)
    present(slug=slug, shown=form.cleaned_data, actor=actor_of(request), now=timezone.now())
    messages.success(request, _("« %(tool)s » est modifié.") % {"tool": found.name})
    return _back(f"outil-{slug}")


@opened_by(Right.ARRANGE_TOOLS, page="launcher:tool_logo")
@require_POST
def logo(request: HttpRequest, slug: str) -> HttpResponse:
    """Another logo, or none: then the letters are shown again."""
    found = _tool_or_404(slug)
    actor, now = actor_of(request), timezone.now()
    if "remove" in request.POST:
        logos.remove(tool=found, actor=actor, now=now)
        messages.success(request, _("Le logo est retiré."))
        return HttpResponseRedirect(reverse("launcher:tool", args=[slug]))
    file = request.FILES.get("logo")
    try:
        logos.give(tool=found, raw=logos.read(file), actor=actor, now=now)
    except PhotoRefused as refused:
        logos.note_refused(tool=found, reason=refused.reason, actor=actor, now=now)
        return _tool_page(request, found, logo_error=LOGOS[refused.reason], status=422)
    messages.success(request, _("Le logo est enregistré."))
    return HttpResponseRedirect(reverse("launcher:tool", args=[slug]))


@opened_by(Right.ARRANGE_TOOLS, page="launcher:tool_rule")
@require_POST
def rule(request: HttpRequest, slug: str) -> HttpResponse:
    """Whether members may ask for the tool, and who answers."""
    found = _tool_or_404(slug)
    form = RuleForm(request.POST)
    if form.is_valid():
        try:
            set_rule(slug=slug, **form.cleaned_data, actor=actor_of(request), now=timezone.now())
        except NotDeclared:
            form.add_error("requestable", _("Le registre des traitements ne dit pas encore tout de cet outil."))
        else:
            messages.success(request, _("« %(tool)s » est modifié.") % {"tool": found.name})
            return HttpResponseRedirect(reverse("launcher:tool", args=[slug]))
    return _tool_page(request, found, rule_form=form, status=422)


@opened_by(Right.ARRANGE_TOOLS, page="launcher:tool_condition")
@require_POST
def condition(request: HttpRequest, slug: str) -> HttpResponse:
    """Where to look whether the tool is there, and what members read of it."""
    found = _tool_or_404(slug)
    form = ConditionForm(request.POST)
    if not form.is_valid():
        return _tool_page(request, found, condition_form=form, status=422)
    conditions.set_condition(tool=found, **form.cleaned_data, actor=actor_of(request), now=timezone.now())
    messages.success(request, _("« %(tool)s » est modifié.") % {"tool": found.name})
    return HttpResponseRedirect(reverse("launcher:tool", args=[slug]))


@opened_by(Right.ARRANGE_TOOLS, page="launcher:tool_move")
@require_POST
def move_tool(request: HttpRequest, slug: str) -> HttpResponse:
    found = _tool_or_404(slug)
    stand = next(each for each in selectors.stands() if found in each.tools)
    services.move_tool(tools=stand.tools, slug=slug, up=_is_up(request), actor=actor_of(request), now=timezone.now())
    return _back(f"outil-{slug}")


def _shown_form(tool: Tool, data: QueryDict | None = None) -> ShownForm:
    sections = selectors.choices()
    known = {slug for slug, _name in sections}
    initial = model_to_dict(tool) | ({} if tool.section in known else {"section": sections[-1][0]})
    return ShownForm(data, initial=initial, sections=sections)


def _tool_page(
    request: HttpRequest,
    tool: Tool,
    form: ShownForm | None = None,
    *,
    rule_form: RuleForm | None = None,
    condition_form: ConditionForm | None = None,
    logo_error: object = "",
    status: int = 200,
) -> HttpResponse:
    standing = Condition.objects.filter(tool=tool).first() or Condition(tool=tool)
    owners = "\n".join(tool.owners.order_by("login").values_list("login", flat=True))
    context = {
        "form": form or _shown_form(tool),
        "tool": tool,
        "card": cards.card(tool),
        "rule_form": rule_form or RuleForm(initial={"requestable": tool.requestable, "owners": owners}),
        "condition": standing,
        "condition_form": condition_form or ConditionForm(initial=model_to_dict(standing)),
        "logo_error": logo_error,
    }
    return render(request, "launcher/arranging/tool.html", context, status=status)


def _tool_or_404(slug: str) -> Tool:
    found = next((each for each in selectors.tools() if each.slug == slug), None)
    if found is None:
        raise Http404
    return found


def _is_up(request: HttpRequest) -> bool:
    return request.POST.get("move") == "up"


def _back(anchor: str) -> HttpResponseRedirect:
    return HttpResponseRedirect(f"{reverse('launcher:arrange')}#{anchor}")
