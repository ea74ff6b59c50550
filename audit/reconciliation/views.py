"""The page of what is missing in the journal, for its readers."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from audit import gate
from audit.reconciliation import selectors, services
from audit.types import Actor


class SettleForm(forms.Form):
    """Which gaps, and why they are."""

    gap = forms.TypedMultipleChoiceField(coerce=int)
    settlement = forms.CharField(
        label=_("Explication"),
        min_length=10,
        max_length=500,
        widget=forms.Textarea({"rows": 3}),
        help_text=_("Ce qui s’est passé, et ce que vous en avez fait. Sans nom ni coordonnées."),
    )

    def __init__(self, *args: Any, shown: list[int], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        gap = self.fields["gap"]
        assert isinstance(gap, forms.TypedMultipleChoiceField)  # noqa: S101
        gap.choices = [(number, "") for number in shown]
        gap.error_messages["required"] = _("Cochez au moins un écart.")
        gap.error_messages["invalid_choice"] = _("Un écart coché n’est plus ouvert : rechargez la page.")


@gate.for_readers("audit:reconciliation")
@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    opened = selectors.open_gaps()
    gaps = list(opened[: selectors.GAPS_SHOWN])
    form = SettleForm(request.POST if request.method == "POST" else None, shown=[gap.pk for gap in gaps])
    if request.method == "POST" and form.is_valid():
        settled = services.settle(
            gaps=form.cleaned_data["gap"],
            settlement=form.cleaned_data["settlement"],
            actor=Actor(member=request.user.pk),
            now=timezone.now(),
        )
        told = ngettext("%(count)s écart est réglé.", "%(count)s écarts sont réglés.", settled)
        messages.success(request, told % {"count": settled})
        return redirect("audit:reconciliation")
    context = {
        "missing": selectors.by_source(gaps),
        "count": len(gaps) if len(gaps) < selectors.GAPS_SHOWN else opened.count(),
        "shown": len(gaps),
        "form": form,
        "chosen": set(request.POST.getlist("gap")),
        "settled": selectors.settled_gaps(),
        "runs": list(selectors.runs()),
    }
    return render(request, "audit/reconciliation.html", context, status=422 if form.errors else 200)
