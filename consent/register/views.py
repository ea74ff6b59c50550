"""The register of processing, for the data protection officer: as it is, as it was, and writing in it."""

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import date
from functools import partial
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from audit import gate
from audit.services import note_refused_page
from audit.types import Actor
from consent.contracts.policy import processors
from consent.contracts.selectors import holes as missing_contracts
from consent.modes import selectors as modes
from consent.register import cnil, exports, incoming, policy, selectors, services, spreadsheet, words
from consent.register.forms import CloseForm, DayForm, PartiesForm, RecordForms, UploadForm
from consent.register.models import RegisterRecord
from consent.register.types import (
    SENSITIVE,
    Kind,
    Listed,
    Parties,
    Purpose,
    RecordKept,
    RegisterChanged,
    RegisterInvalid,
)
from consent.selectors import notice_on
from consent.views import show_notice


@dataclass(frozen=True, slots=True)
class Row:
    """A record as the list shows it."""

    listed: Listed
    main: Purpose | None
    has_transfers: bool
    is_sensitive: bool
    holes: list[Any]


def rows_of(records: Collection[Listed], on: date) -> list[Row]:
    """With what they and their contracts do not say yet.  One statement."""
    contracts = missing_contracts(records, selectors.end_of(on))
    return [_row(each, on, contracts[each.reference]) for each in records]


def _row(listed: Listed, on: date, contracts: list[str]) -> Row:
    content = listed.content
    return Row(
        listed=listed,
        main=content.purposes[0] if content.purposes else None,
        has_transfers=bool(content.transfers),
        is_sensitive=any(row.rubric in SENSITIVE for row in content.data),
        holes=[words.hole(code) for code in [*policy.holes(content, listed.kind, today=on), *contracts]],
    )


@gate.for_readers("register:list")
@require_safe
def listed(request: HttpRequest) -> HttpResponse:
    today = timezone.localdate()
    form = DayForm({"on": request.GET.get("on") or today})
    if not form.is_valid():
        context: dict[str, Any] = {"form": form, "today": today, "on": today}
        return render(request, "consent/register/list.html", context, status=HTTPStatus.BAD_REQUEST)
    on = form.cleaned_data["on"] or today
    register = selectors.register_on(on)
    rows = rows_of(register.records, on)
    context = {
        "form": form,
        "on": on,
        "today": today,
        "rows": rows,
        "volumes": exports.volumes(register),
        "incomplete": sum(bool(row.holes) for row in rows),
        "parties": register.parties,
        "closed": selectors.closed() if on == today else [],
        "first_day": selectors.first_day(),
        **_in_english(),
    }
    return render(request, "consent/register/list.html", context)


@gate.for_readers("register:record")
@require_safe
def record(request: HttpRequest, reference: str) -> HttpResponse:
    today = timezone.localdate()
    form = DayForm({"on": request.GET.get("on") or today})
    if not form.is_valid():
        raise Http404
    on = form.cleaned_data["on"] or today
    register = selectors.register_on(on)
    found = next((each for each in register.records if each.reference == reference), None)
    row = _found(reference)
    if found is None and on == today:
        return redirect("register:versions", row.reference)
    if found is None:
        raise Http404
    context = {
        "row": rows_of([found], on)[0],
        "on": on,
        "today": today,
        "parties": _parties(register.parties),
        "tool": row.tool,
        "mode": modes.standing(row.tool_id, now=timezone.now()) if row.tool_id and on == today else None,
        "has_processors": bool(processors(found.content)),
        "sensitive": [each for each in found.content.data if each.rubric in SENSITIVE],
        "data": [each for each in found.content.data if each.rubric not in SENSITIVE],
        **_in_english(row, on),
    }
    return render(request, "consent/register/record.html", context)


@gate.for_readers("register:notice")
@require_safe
def notice(request: HttpRequest, reference: str) -> HttpResponse:
    """What members see of a tool's sheet, as it was shown at the end of a day."""
    form = DayForm({"on": request.GET.get("on") or timezone.localdate()})
    row = _found(reference)
    if not form.is_valid() or row.tool_id is None:
        raise Http404
    found = notice_on(row.tool_id, selectors.end_of(form.cleaned_data["on"] or timezone.localdate()))
    if found is None:
        raise Http404
    return show_notice(request, found)


@gate.for_readers("register:export")
@require_safe
def export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """The register on a day, as a file; that it leaves is on the record before it does.

    A document of a long one is asked for part by part.
    """
    now = timezone.now()
    form = DayForm({"on": request.GET.get("on") or timezone.localdate(now)})
    if not form.is_valid():
        raise Http404
    register = selectors.register_on(form.cleaned_data["on"])
    write, content_type = exports.KINDS[kind]
    name = f"registre-{register.on:%Y-%m-%d}"
    if kind == "pdf":
        parts = exports.volumes(register)
        if len(parts) > 1 and "partie" not in request.GET:
            messages.info(
                request,
                _("Ce registre est long : le PDF est en plusieurs parties, chacune prête en quelques secondes."),
            )
            return redirect(f"{reverse('register:list')}?on={register.on:%Y-%m-%d}#register-export")
        number = next((n for n in range(1, len(parts) + 1) if request.GET.get("partie", "1") == str(n)), 0)
        if not number:
            raise Http404
        register, write = parts[number - 1], partial(exports.pdf_of, number=number, of=len(parts))
        name += f"-{number}" if len(parts) > 1 else ""
    services.note_export(actor=_actor(request), day=register.on, kind=kind, records=len(register.records), now=now)
    response = StreamingHttpResponse(write(register), content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
    response["Cache-Control"] = "no-store, private"
    return response


@gate.for_readers("register:import")
@require_http_methods(["GET", "HEAD", "POST"])
def importing(request: HttpRequest) -> HttpResponse:
    """A workbook in the CNIL's layout: what it would change is shown first, and is what happens once confirmed."""
    if request.method != "POST":
        return render(request, "consent/register/import.html", {"form": UploadForm()})
    if "plan" in request.POST:
        return _apply(request)
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        _note_refused_import(request, "file_missing")
        return render(request, "consent/register/import.html", {"form": form}, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    file, today = form.cleaned_data["file"], timezone.localdate()
    try:
        sheets = spreadsheet.sheets_in(file, size=file.size)
    except spreadsheet.Unreadable as error:
        return _untaken(request, form, str(error))
    with override("fr"):
        plan = incoming.plan(cnil.read(sheets, today=today))
    signed = incoming.signed(plan, reader=str(request.user.pk)) if plan.does_something else ""
    if len(signed) > incoming.MOST_SIGNED:
        # Shown, it could not be confirmed.
        return _untaken(request, form, "file_too_big")
    if plan.errors:
        _note_refused_import(request, "cells_wrong", len(plan.errors))
    context = {
        "form": UploadForm(),
        "plan": plan,
        "errors": [(each.sheet, each.cell, words.problem(each.code)) for each in plan.errors],
        "changes": [
            (each, [(words.field(one.field), one.before, one.after) for one in each.differences])
            for each in plan.changes
        ],
        "parties": [(words.field(each.field), each.before, each.after) for each in plan.party_differences],
        "signed": signed,
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if plan.errors else HTTPStatus.OK
    return render(request, "consent/register/import.html", context, status=status)


def _untaken(request: HttpRequest, form: UploadForm, reason: str) -> HttpResponse:
    _note_refused_import(request, reason)
    form.add_error("file", words.problem(reason))
    return render(request, "consent/register/import.html", {"form": form}, status=HTTPStatus.UNPROCESSABLE_ENTITY)


def _apply(request: HttpRequest) -> HttpResponse:
    try:
        plan = incoming.opened(request.POST["plan"], reader=str(request.user.pk))
        services.apply_import(plan, actor=_actor(request), now=timezone.now())
    except signing.BadSignature:
        _note_refused_import(request, "plan_not_shown")
        messages.warning(request, _("Ce qui était montré date de plus d’une heure : choisissez le fichier de nouveau."))
        return redirect("register:import")
    except (RegisterChanged, RegisterInvalid):
        _note_refused_import(request, "register_changed")
        messages.warning(request, _("Le registre a changé entre-temps. Rien n’a été importé : recommencez."))
        return redirect("register:import")
    messages.success(request, _("Le fichier est importé."))
    return redirect("register:list")


@gate.for_readers("register:versions")
@require_safe
def versions(request: HttpRequest, reference: str) -> HttpResponse:
    """Each version with what it says differently; of the parties too."""
    row = RegisterRecord.objects.filter(reference=reference).first()
    if row is None:
        raise Http404
    told = [
        (each.row, [(words.field(one.field), one.before, one.after) for one in each.differences])
        for each in selectors.versions(row)
    ]
    context = {
        "record": row,
        "versions": told,
        "name": told[0][0].content.get("name") or _("Organisme"),
        "is_closed": told[0][0].ended_at is not None,
        "is_parties": row.kind == Kind.PARTIES,
    }
    return render(request, "consent/register/versions.html", context)


@gate.for_readers("register:new")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    forms = RecordForms(request.POST or None, shown=None, version=0, fed=False)
    if request.method == "POST" and not forms.is_adding and forms.is_valid():
        values = forms.form.cleaned_data
        try:
            reference = services.add(
                kind=Kind(values["kind"]),
                content=forms.content(),
                actor=_actor(request),
                note=values["note"],
                now=timezone.now(),
            )
        except RegisterInvalid as error:
            forms.tell(error)
        except RegisterChanged:
            forms.form.add_error(None, _changed_meanwhile(request, "register:new"))
        else:
            messages.success(request, _("La fiche est au registre."))
            return redirect("register:record", reference)
    return render(request, "consent/register/edit.html", {"forms": forms}, status=_status(request, forms))


@gate.for_readers("register:edit")
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, reference: str) -> HttpResponse:
    row = _found(reference)
    standing = selectors.last(row)
    shown = policy.content_of(standing.content)
    fed = row.tool_id is not None
    closed = standing.ended_at is not None
    forms = RecordForms(request.POST or None, shown=shown, version=standing.version, fed=fed, closed=closed)
    if request.method == "POST" and not forms.is_adding and forms.is_valid():
        try:
            services.change(
                of=row,
                content=forms.content(),
                version=forms.form.cleaned_data["version"] or 0,
                actor=_actor(request),
                note=forms.form.cleaned_data["note"],
                now=timezone.now(),
                reopens=forms.form.cleaned_data["reopens"],
            )
        except RegisterInvalid as error:
            forms.tell(error)
        except RegisterChanged:
            forms.form.add_error(None, _changed_meanwhile(request, "register:edit"))
        else:
            messages.success(request, _("La fiche a une nouvelle version."))
            return redirect("register:record", row.reference)
    context = {"forms": forms, "record": row, "is_closed": closed}
    return render(request, "consent/register/edit.html", context, status=_status(request, forms))


@gate.for_readers("register:close")
@require_http_methods(["GET", "HEAD", "POST"])
def close(request: HttpRequest, reference: str) -> HttpResponse:
    row = _found(reference)
    standing = selectors.current(row)
    if standing is None:
        raise Http404
    form = CloseForm(request.POST or None, initial={"version": standing.version})
    if request.method == "POST" and form.is_valid():
        try:
            services.close(
                of=row,
                version=form.cleaned_data["version"] or 0,
                actor=_actor(request),
                note=form.cleaned_data["note"],
                now=timezone.now(),
            )
        except RegisterChanged:
            form.add_error(None, _changed_meanwhile(request, "register:close"))
        except RecordKept:
            _note_refused(request, "register:close", "record_kept")
            form.add_error(None, _("L’outil est ouvert : sa fiche se clôt une fois l’outil fermé par la technique."))
        else:
            messages.success(request, _("La fiche est close. Ses versions restent."))
            return redirect("register:list")
    context = {"form": form, "record": row, "name": standing.content["name"]}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if request.method == "POST" else HTTPStatus.OK
    return render(request, "consent/register/close.html", context, status=status)


@gate.for_readers("register:parties")
@require_http_methods(["GET", "HEAD", "POST"])
def parties(request: HttpRequest) -> HttpResponse:
    """Who the cooperative is: written once, for all records."""
    shown, version = selectors.parties()
    form = PartiesForm(request.POST or None, shown=shown, initial={"version": version})
    if request.method == "POST" and form.is_valid():
        try:
            services.change_parties(
                parties=form.parties(),
                version=form.cleaned_data["version"] or 0,
                actor=_actor(request),
                note=form.cleaned_data["note"],
                now=timezone.now(),
            )
        except RegisterInvalid as error:
            for place, code in error.problems.items():
                form.add_error(place.replace(".", "_"), words.problem(code))
        except RegisterChanged:
            form.add_error(None, _changed_meanwhile(request, "register:parties"))
        else:
            messages.success(request, _("L’organisme est à jour sur toutes les fiches."))
            return redirect("register:list")
    status = HTTPStatus.UNPROCESSABLE_ENTITY if request.method == "POST" else HTTPStatus.OK
    context = {"form": form, "version": version, "parties": policy.PARTIES}
    return render(request, "consent/register/parties.html", context, status=status)


def _in_english(row: RegisterRecord | None = None, on: date | None = None) -> dict[str, Any]:
    """The words that a page in English has for a register in French; nothing on a page in French."""
    if (get_language() or "fr").startswith("fr"):
        return {"english": {}}
    notice = notice_on(row.tool_id, selectors.end_of(on)) if row and row.tool_id and on else None
    return {"english": selectors.english(notice), "is_foreign": True}


def _found(reference: str) -> RegisterRecord:
    row = selectors.record(reference)
    if row is None:
        raise Http404
    return row


def _parties(found: Parties) -> list[tuple[Any, str]]:
    named = ((each.name, policy.line(getattr(found, each.name))) for each in fields(found))
    return [(words.field(name), said) for name, said in named if said]


def _actor(request: HttpRequest) -> Actor:
    return Actor(member=request.user.pk)


def _note_refused_import(request: HttpRequest, reason: str, problems: int = 0) -> None:
    services.note_refused_import(actor=_actor(request), reason=reason, problems=problems, now=timezone.now())


def _note_refused(request: HttpRequest, page: str, reason: str) -> None:
    note_refused_page(actor=_actor(request), page=page, reason=reason, now=timezone.now())


def _changed_meanwhile(request: HttpRequest, page: str) -> str:
    """Said to the reader, and to the journal."""
    _note_refused(request, page, "register_changed")
    return _("Une autre version a été enregistrée entre-temps. Rouvrez la page pour partir d’elle.")


def _status(request: HttpRequest, forms: RecordForms) -> int:
    failed = request.method == "POST" and not forms.is_adding
    return HTTPStatus.UNPROCESSABLE_ENTITY if failed else HTTPStatus.OK
