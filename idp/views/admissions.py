"""Why a member may enter a tool or not, asking for it, and the page of whoever answers."""

from datetime import datetime, time, timedelta
from typing import cast

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from audit.days import DayField
from audit.services import note_refused_page
from directory.access import may
from directory.models import Collective, Member
from directory.policy import Right
from idp import access, admissions, gate
from idp.gate import actor_of
from idp.models import Admission, Tool
from idp.services import admissions as services
from idp.types import AdmissionRefused
from idp.views.member import note_not_open
from idp.words import REASONS

USUAL, LONGEST = timedelta(days=365), timedelta(days=2 * 366)
SHOWN = 50


class AskForm(forms.Form):
    """What the member writes to whoever looks after the tool."""

    reason = forms.CharField(
        label=gettext_lazy("Pourquoi en avez-vous besoin ?"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Une phrase suffit. Elle est lue par la personne qui répond."),
    )


class AnswerForm(forms.Form):
    """Until when, or why not."""

    until = DayField(label=gettext_lazy("Dernier jour de l’accès"), required=False)
    answer = forms.CharField(
        label=gettext_lazy("Un mot pour la personne"),
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Nécessaire si vous refusez."),
    )

    def clean(self) -> None:
        today, day = timezone.localdate(), self.cleaned_data.get("until")
        if "refuse" in self.data:
            if not self.cleaned_data.get("answer"):
                self.add_error("answer", _("Dites pourquoi : la personne le lira."))
        elif "until" not in self.errors:
            if day is None or day < today:
                self.add_error("until", _("Choisissez un jour à venir."))
            elif day > today + LONGEST:
                self.add_error("until", _("Deux ans au plus : l’accès se redemande ensuite."))

    @property
    def ends_at(self) -> datetime:
        """The last moment of that day, by the cooperative's clock."""
        return timezone.make_aware(datetime.combine(self.cleaned_data["until"], time.max))


@login_required
@require_safe
def why(request: HttpRequest, slug: str) -> HttpResponse:
    return _why(request, slug, AskForm())


@login_required
@require_POST
def ask(request: HttpRequest, slug: str) -> HttpResponse:
    member, form = cast(Member, request.user), AskForm(request.POST)
    tool = admissions.shown_tool(member, slug)
    if tool is None or not form.is_valid():
        return _why(request, slug, form, status=422)
    try:
        services.ask(member=member, tool=tool, reason=form.cleaned_data["reason"], now=timezone.now())
        messages.success(request, _("Votre demande est partie. La réponse vous viendra par e-mail."))
    except AdmissionRefused as refused:
        messages.info(request, f"{capfirst(str(REASONS[refused.reason]))}.")
    return redirect("idp:why", slug)


@login_required
@require_POST
def take_back(request: HttpRequest, slug: str) -> HttpResponse:
    """Of a tool that nobody asked for, and one that does not exist, there is nothing to take back."""
    member = cast(Member, request.user)
    tool = Tool.objects.filter(slug=slug).first()
    if tool is None or not services.take_back(member=member, tool=tool, now=timezone.now()):
        raise Http404
    messages.success(request, _("C’est fait : vous n’attendez plus rien, et n’avez plus cet accès."))
    return redirect("launcher:home")


@login_required
@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    answer = _door(request, "idp:admissions")
    if answer is not None:
        return answer
    person = cast(Member, request.user)
    rows = admissions.answerable(person)
    context = {
        "waiting": admissions.waiting(person),
        "others": rows.exclude(pk__in=admissions.waiting(person).values("pk"))[:SHOWN],
    }
    return render(request, "idp/admissions/inbox.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def one(request: HttpRequest, admission_id: int) -> HttpResponse:
    """What somebody asked, and the answer.  Another's tool and no request look the same."""
    answer = _door(request, "idp:admission")
    if answer is not None:
        return answer
    person, now = cast(Member, request.user), timezone.now()
    row = admissions.answerable(person).filter(pk=admission_id).first()
    if row is None:
        raise Http404
    if request.method != "POST":
        day = timezone.localdate() + USUAL
        return _one(request, row, AnswerForm(initial={"until": day}))
    if "end" in request.POST:
        services.end(admission_id=row.pk, actor=actor_of(request), now=now)
        messages.success(request, _("L’accès est retiré. Ce que l’outil avait ouvert est fermé."))
        return redirect("idp:admissions")
    form = AnswerForm(request.POST)
    if not form.is_valid():
        return _one(request, row, form, status=422)
    return _decided(request, row, form, person, now)


def _decided(request: HttpRequest, row: Admission, form: AnswerForm, person: Member, now: datetime) -> HttpResponse:
    said = form.cleaned_data["answer"]
    try:
        if "refuse" in request.POST:
            services.refuse(admission_id=row.pk, answer=said, person=person, now=now)
        else:
            services.grant(admission_id=row.pk, ends_at=form.ends_at, answer=said, person=person, now=now)
        messages.success(request, _("Votre réponse est partie : %(who)s la reçoit par e-mail.") % {"who": row.member})
    except AdmissionRefused as refused:
        messages.error(request, f"{capfirst(str(REASONS[refused.reason]))}.")
    return redirect("idp:admissions")


def _why(request: HttpRequest, slug: str, form: AskForm, status: int = 200) -> HttpResponse:
    member, now = cast(Member, request.user), timezone.now()
    tool = admissions.shown_tool(member, slug)
    if tool is None:
        note_not_open(member, Tool.objects.filter(slug=slug).first(), now=now)
        return render(request, "idp/admissions/not_shown.html", status=404)
    rows = admissions.of(member, tool)
    last = rows[0] if rows else None
    context = {
        "tool": tool,
        "why": access.why(member, tool),
        # Which collectives are sensitive is not told to whoever is in none of them.
        "open_to": Collective.objects.filter(tools=tool, present=True, sensitive=False).order_by("name"),
        "last": last,
        "again_from": admissions.may_ask_from(last, now),
        "answerers": admissions.answerers(tool),
        "form": form,
    }
    return render(request, "idp/admissions/why.html", context, status=status)


def _one(request: HttpRequest, row: Admission, form: AnswerForm, status: int = 200) -> HttpResponse:
    context = {"row": row, "form": form, "why": access.why(row.member, row.tool)}
    return render(request, "idp/admissions/one.html", context, status=status)


def _door(request: HttpRequest, page: str) -> HttpResponse | None:
    """Whoever looks after a tool comes in as a member; the office by its right, with what that asks."""
    person = request.user
    if may(person, Right.ANSWER_ADMISSIONS):
        return gate.refusal(request, Right.ANSWER_ADMISSIONS, page)
    if not isinstance(person, Member) or not admissions.may_answer_somewhere(person):
        note_refused_page(actor=actor_of(request), page=page, now=timezone.now())
        raise PermissionDenied
    return None
