"""Run sheets of erasures, for those who ask, agree and follow; and the page on which a holder answers."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from audit import services as journal
from audit import words
from audit.purpose import Door
from audit.selectors import held_people
from audit.types import Action, Entry, Reading
from consent.directions.selectors import has_left
from consent.display import item_label
from consent.erasures import selectors, telling
from consent.erasures import services as run_sheet
from consent.erasures.models import ErasureHolder, ErasureRun
from consent.erasures.types import (
    AnsweredBy,
    ErasureRefused,
    Ground,
    RunState,
    Stays,
)
from consent.requests import selectors as requests
from consent.requests.types import Kind
from directory.access import may
from directory.models import Member
from directory.policy import Right
from directory.services.erasure import why_not_erased
from idp.gate import actor_of, must_prove_now, opened_by
from idp.models import Tool
from idp.services import erasures, refusals
from idp.signin.allauth_parts import network_of
from idp.views.erasures.forms import AnswerForm, AskForm, WhyForm

ANSWERS_A_MINUTE = 30
STATES = {
    "link_unknown": HTTPStatus.NOT_FOUND,
    "link_used": HTTPStatus.GONE,
    "link_ended": HTTPStatus.GONE,
    "link_expired": HTTPStatus.GONE,
}


SHEETS = Door(
    field="erasures.reading",
    page="idp:erasure_purpose",
    home="idp:erasures",
    form=WhyForm,
    template="idp/erasures/purpose.html",
    lasts=timedelta(minutes=30),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One holder on the sheet: what goes and stays in words, and the sign-out notice about this person."""

    holder: ErasureHolder
    items: list[Any]
    kept: list[tuple[Any, Any, str]]
    notice: Any = None


# Whoever asks, agrees and follows ----------------------------------------------------------------------------


@opened_by(Right.SEE_ERASURES, page="idp:erasure_purpose")
@require_http_methods(["GET", "HEAD", "POST"])
def purpose(request: HttpRequest) -> HttpResponse:
    return SHEETS.answer(request)


@opened_by(Right.SEE_ERASURES, page="idp:erasures")
@require_safe
def listed(request: HttpRequest) -> HttpResponse:
    """Nobody's name: whom a sheet is about opens for a purpose."""
    context = {"runs": selectors.runs()[:200], "may_ask": may(request.user, Right.FOLLOW_ERASURES)}
    return render(request, "idp/erasures/list.html", context)


@opened_by(Right.FOLLOW_ERASURES, page="idp:erasure_ask")
@require_http_methods(["GET", "HEAD", "POST"])
@SHEETS.opens
def ask(request: HttpRequest, reading: Reading) -> HttpResponse:
    """What would go and stay is shown first; asked once confirmed.  Names stay in the body."""
    form, now = AskForm(request.POST or None, initial=_asked_in(request.GET.get("demande", ""))), timezone.now()
    if request.method != "POST" or not _is_valid(form, request, reading):
        status = HTTPStatus.UNPROCESSABLE_ENTITY if request.method == "POST" else HTTPStatus.OK
        return render(request, "idp/erasures/ask.html", {"form": form}, status=status)
    values = form.cleaned_data
    member, tool = Member.objects.get(pk=values["member"]), values["tool"]
    if "confirm" in request.POST:
        try:
            run = run_sheet.ask(
                actor=actor_of(request),
                member_id=member.pk,
                tool_id=tool.pk if tool else None,
                ground=Ground(values["ground"]),
                now=now,
            )
        except ErasureRefused as refusal:
            form.add_error(None, _sentence(refusal))
            return render(request, "idp/erasures/ask.html", {"form": form}, status=HTTPStatus.UNPROCESSABLE_ENTITY)
        messages.success(request, _("C’est demandé. Une seconde personne, de la structure ou de la technique, décide."))
        return redirect("idp:erasure", run.pk)
    journal.note_consulted(member_id=member.pk, reading=reading, now=now)
    held = member.pk in held_people(now)
    if tool is None and not held and (why := why_not_erased(member, now=now)):
        # What would go if they had left says nothing of today.
        form.add_error("tool", _sentence(ErasureRefused(why)))
        return render(request, "idp/erasures/ask.html", {"form": form}, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    context = {
        "form": form,
        "person": member,
        "tool": tool,
        "ground": Ground(values["ground"]),
        "lines": erasures.preview(member.pk, held=held, now=now) if tool is None else [],
        "rows": _live_rows(member, tool, held=held),
        "has_directions": tool is None and has_left(member.pk) and may(request.user, Right.KEEP_REGISTER),
    }
    return render(request, "idp/erasures/preview.html", context)


@opened_by(Right.SEE_ERASURES, page="idp:erasure")
@require_safe
@SHEETS.opens
def sheet(request: HttpRequest, run_id: int, reading: Reading) -> HttpResponse:
    return _shown(request, _run(run_id), reading)


@opened_by(Right.SEE_ERASURES, page="idp:erasure_approve")
@require_POST
def approve(request: HttpRequest, run_id: int) -> HttpResponse:
    run = _run(run_id)
    back = reverse("idp:erasure", args=[run.pk])
    if (asked := must_prove_now(request, page="idp:erasure_approve", back=back)) is not None:
        return asked
    done = _("L’effacement est fait ici, et les outils sont prévenus.")
    return _act(request, run, lambda now: erasures.approve(run_id=run.pk, actor=actor_of(request), now=now), done)


@opened_by(Right.SEE_ERASURES, page="idp:erasure_drop")
@require_POST
def drop(request: HttpRequest, run_id: int) -> HttpResponse:
    run = _run(run_id)
    done = _("L’effacement est abandonné. Rien n’est parti.")
    if not erasures.may_drop(request.user, run):
        journal.note_refused_page(actor=actor_of(request), page="idp:erasure_drop", now=timezone.now())
        raise PermissionDenied
    return _act(request, run, lambda now: run_sheet.drop(run_id=run.pk, actor=actor_of(request), now=now), done)


@opened_by(Right.FOLLOW_ERASURES, page="idp:erasure_close")
@require_POST
def close(request: HttpRequest, run_id: int) -> HttpResponse:
    run = _run(run_id)
    done = _("L’effacement est clos. La liste des destinataires prévenus reste ici.")
    return _act(request, run, lambda now: erasures.close(run_id=run.pk, actor=actor_of(request), now=now), done)


@opened_by(Right.FOLLOW_ERASURES, page="idp:erasure_holder")
@require_http_methods(["GET", "HEAD", "POST"])
@SHEETS.opens
def note_answer(request: HttpRequest, run_id: int, holder_id: int, reading: Reading) -> HttpResponse:
    """A holder answered by telephone or by post."""
    holder = get_object_or_404(ErasureHolder.objects.select_related("run__member", "tool"), pk=holder_id, run=run_id)
    _note_consulted(holder.run, reading)
    form = AnswerForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        said = form.said
        return _act(
            request,
            holder.run,
            lambda now: run_sheet.answer(
                holder_id=holder.pk, by=AnsweredBy.OFFICER, actor=actor_of(request), now=now, **said
            ),
            _("La réponse est notée."),
        )
    context = {
        "form": form,
        "holder": holder,
        "known": _known(holder),
        "items": [item_label(item) for item in holder.items],
        "by_officer": True,
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if request.method == "POST" else HTTPStatus.OK
    return render(request, "idp/erasures/answer.html", context, status=status)


@opened_by(Right.FOLLOW_ERASURES, page="idp:erasure_letter")
@require_safe
@SHEETS.opens
def letter(request: HttpRequest, run_id: int, reading: Reading) -> HttpResponse:
    """As it is sent, for whoever has no address: to be printed."""
    run = _run(run_id)
    if run.approved_at is None:
        return redirect("idp:erasure", run.pk)
    _note_consulted(run, reading)
    context = erasures.letter(run) | {"told": telling.of(run), "today": timezone.now()}
    return render(request, "idp/erasures/letter.html", context)


# Whoever answers for a holder, without an account -------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def answer(request: HttpRequest, secret: str) -> HttpResponse:
    """Reading answers nothing: mail scanners read.  It has a line each day.  One answer, once."""
    now, network = timezone.now(), network_of(request)
    if not refusals.allowed("erasure_answer", network=network, limit=ANSWERS_A_MINUTE, now=now):
        return _over(request, "throttled", HTTPStatus.TOO_MANY_REQUESTS)
    try:
        holder = erasures.find(secret, now=now)
        form = AnswerForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            answered = erasures.answer_by_link(secret=secret, now=now, **form.said)
            return _private(render(request, "idp/erasures/thanks.html", {"holder": answered}))
    except erasures.LinkRefused as refused:
        _note_refused(refused, network=network, now=now)
        return _over(request, refused.reason, STATES[refused.reason])
    run_sheet.note_read(holder, now=now)
    context = {
        "form": form,
        "holder": holder,
        "known": _known(holder),
        "items": [item_label(item) for item in holder.items],
        "kept": [(item_label(each["item"]), Stays(each["why"]).label) for each in holder.kept],
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if request.method == "POST" else HTTPStatus.OK
    return _private(render(request, "idp/erasures/answer.html", context, status=status))


def _note_refused(refused: erasures.LinkRefused, *, network: str, now: datetime) -> None:
    """A line for each, within what one network may write: anybody can invent links."""
    tool = refused.holder.tool_id if refused.holder else None
    facts: dict[str, object] = {"link_kind": "erasure"}
    entry = Entry(Action.LINK_REFUSED, tool=tool, refused=True, reason=refused.reason, facts=facts, at=now)
    refusals.note(entry, network=network, now=now)


def _over(request: HttpRequest, reason: str, status: HTTPStatus) -> HttpResponse:
    return _private(render(request, "idp/erasures/over.html", {"reason": reason}, status=status))


def _private(response: HttpResponse) -> HttpResponse:
    # The address opens this page: it is told to no other site, and kept by no cache.  "no-referrer" would have browsers
    # send the form with "Origin: null", which is refused as foreign.
    response["Referrer-Policy"] = "same-origin"
    response["Cache-Control"] = "no-store, private"
    response["X-Robots-Tag"] = "noindex"
    return response


# Shared ------------------------------------------------------------------------------------------------------


def _note_consulted(run: ErasureRun, reading: Reading) -> None:
    """Of whoever is erased nothing more is written."""
    if run.member.erased_at is None:
        journal.note_consulted(member_id=run.member_id, reading=reading, now=timezone.now())


def _shown(request: HttpRequest, run: ErasureRun, reading: Reading) -> HttpResponse:
    now, member = timezone.now(), run.member
    _note_consulted(run, reading)
    held = member.pk in held_people(now)
    asked = run.state == RunState.ASKED
    lines = telling.parts_of(run)
    if asked and run.is_whole:
        lines = erasures.preview(member.pk, held=held, now=now)
    rows = _live_rows(member, run.tool, held=held) if asked else _rows(run)
    follows = may(request.user, Right.FOLLOW_ERASURES)
    context = {
        "run": run,
        "person": member,
        "lines": lines,
        "rows": rows,
        "asked": asked,
        "held": held,
        "may_approve": asked
        and request.user.pk not in (run.asked_by_id, run.member_id)
        and may(request.user, erasures.right_to_approve(run)),
        "may_drop": asked and erasures.may_drop(request.user, run),
        "may_follow": follows and run.state == RunState.GOING,
        "stays_open": run_sheet.why_not_closed(list(run.holders.all())) if run.state == RunState.GOING else "",
        "by_self": run.is_by_self,
        "has_directions": run.is_whole and has_left(member.pk) and may(request.user, Right.KEEP_REGISTER),
    }
    return render(request, "idp/erasures/sheet.html", context)


def _asked_in(reference: str) -> dict[str, Any]:
    """Who asked to be erased, and where, in a request that stands by its reference in the address."""
    found = requests.found(reference) if reference else None
    if found is None or found.kind != Kind.ERASURE:
        return {}
    return {"member": found.member.login, "tool": found.tool_id, "ground": Ground.WITHDRAWN}


def _run(run_id: int) -> ErasureRun:
    return get_object_or_404(ErasureRun.objects.select_related("member", "tool", "asked_by", "approved_by"), pk=run_id)


def _rows(run: ErasureRun) -> list[Row]:
    notices = erasures.notices(run)
    return [
        Row(
            holder,
            [item_label(item) for item in holder.items],
            [(item_label(each["item"]), Stays(each["why"]).label, each["period"]) for each in holder.kept],
            notices.get(holder.tool_id),
        )
        for holder in selectors.told(run)
    ]


def _live_rows(member: Member, tool: Any, *, held: bool) -> list[Row]:
    """The holders as they would be now: none of them is asked anything yet."""
    found = selectors.holders(member.pk, tool_id=tool.pk if tool else None, held=held)
    return [
        Row(
            ErasureHolder(tool=Tool(pk=each.tool, name=each.name)),
            [item_label(item.code) for item in each.going],
            [(item_label(item.code), Stays(item.stays).label, item.period) for item in each.staying],
        )
        for each in found
    ]


def _known(holder: ErasureHolder) -> list[tuple[Any, str]]:
    return [(item_label(item), value) for item, value in erasures.known_as(holder).items() if value]


def _act(request: HttpRequest, run: ErasureRun, act: Callable[[datetime], Any], done: str) -> HttpResponse:
    try:
        act(timezone.now())
    except ErasureRefused as refusal:
        messages.error(request, _sentence(refusal))
    else:
        messages.success(request, done)
    return redirect("idp:erasure", run.pk)


def _is_valid(form: AskForm, request: HttpRequest, reading: Reading) -> bool:
    """And a line about looking for somebody by name: that there is nobody is an answer too."""
    valid = form.is_valid()
    if form.results is not None:
        now = timezone.now()
        journal.note_name_search(actor=actor_of(request), reading=reading, results=form.results, now=now)
    return valid


def _sentence(refusal: ErasureRefused) -> str:
    text = words.name("reason", refusal.reason)
    return text[:1].upper() + text[1:] + "."
