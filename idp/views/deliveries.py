"""The technician's page of logout notices: what waits, what failed and why, and the button that tries again."""

from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from directory.policy import Right
from idp.gate import actor_of, opened_by
from idp.models import Tool
from idp.notices import ToolNotices, by_tool, notices
from idp.services import deliveries
from idp.types import DeliveryState

PER_PAGE = 25


class NoticeFilter(forms.Form):
    """The criteria, read from the address; one that means nothing is said and searched for nothing."""

    tool = forms.ChoiceField(label=_("Outil"), required=False)
    state = forms.ChoiceField(label=_("État"), required=False, choices=[("", _("Tous")), *DeliveryState.choices])

    def __init__(self, data: object, tools: list[ToolNotices]) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        field = self.fields["tool"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101
        field.choices = [("", _("Tous")), *((each.tool.slug, each.tool.name) for each in tools)]
        field.error_messages["invalid_choice"] = _("Aucun outil « %(value)s ».")
        self.fields["state"].error_messages["invalid_choice"] = _("Aucun état « %(value)s ».")

    @property
    def wanted(self) -> dict[str, str]:
        """The criteria in use, as the address names them."""
        return {name: str(value) for name, value in self.cleaned_data.items() if value}


@opened_by(Right.SEE_DELIVERIES, page="idp:deliveries")
@require_safe
def log(request: HttpRequest) -> HttpResponse:
    tools = by_tool()
    form = NoticeFilter(request.GET, tools)
    known = form.is_valid()
    wanted = form.wanted if known else {}
    rows = notices(**wanted)
    context = {
        "tools": tools,
        "form": form,
        "filtered": bool(wanted),
        "query": urlencode(wanted),
        "page": Paginator(rows, PER_PAGE).get_page(request.GET.get("page")) if known else None,
        "now": timezone.now(),
    }
    return render(request, "idp/deliveries.html", context, status=200 if known else 400)


@opened_by(Right.RETRY_DELIVERIES, page="idp:retry_deliveries")
@require_POST
def retry(request: HttpRequest) -> HttpResponse:
    """Try again at once: all that a tool did not get, or one notice."""
    tool = Tool.objects.filter(slug=request.POST.get("tool", "").replace("\x00", "")).first()
    one = request.POST.get("notice", "")
    if tool is None or (one and not (one.isascii() and one.isdecimal() and len(one) < 19)):
        raise Http404
    ids = [int(one)] if one else None
    count = deliveries.retry(tool_id=tool.pk, delivery_ids=ids, actor=actor_of(request), now=timezone.now())
    if count:
        text = ngettext(
            "%(count)s avis pour « %(tool)s » repart à l’instant.",
            "%(count)s avis pour « %(tool)s » repartent à l’instant.",
            count,
        )
        messages.success(request, text % {"count": count, "tool": tool.name})
    else:
        messages.info(
            request,
            _("Rien à relancer pour « %(tool)s » : ses avis sont transmis ou déjà en route.") % {"tool": tool.name},
        )
    return HttpResponseRedirect(_back(request))


def _back(request: HttpRequest) -> str:
    """The page as it was filtered; whatever else the form says stays out of the address."""
    form = NoticeFilter({"tool": request.POST.get("shown_tool"), "state": request.POST.get("shown_state")}, by_tool())
    query = urlencode(form.wanted) if form.is_valid() else ""
    return f"{reverse('idp:deliveries')}?{query}" if query else reverse("idp:deliveries")
