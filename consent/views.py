"""« Mes données »: who received what, what is known, and what one agreed to."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from audit.exporting import digest_of_verifier, keys_address
from audit.own import selectors as own
from audit.own.exporting import export_person
from audit.own.types import Kind, NothingProved, OwnFilter
from audit.published import public_keys
from audit.selectors import page as page_of
from audit.services import note_refused_page
from audit.types import Actor
from consent import activity, display, history, selectors, services, taking
from consent.activity import LineForm
from consent.models import Notice, Objection
from consent.requests import selectors as requests
from consent.types import Download, NothingToObjectTo, NoticeOutdated
from directory.models import Member

# The last ones only, to the page of all.
SENT_SHOWN = 5


@login_required
@require_safe
def mine(request: HttpRequest) -> HttpResponse:
    member = selectors.known_member(cast(Member, request.user).pk)
    relations = selectors.relations(member.pk)
    known = display.known(member)
    context = {
        "relations": relations,
        "behind": [each for each in relations if each.is_behind],
        "sent": selectors.ledger(member.pk)[:SENT_SHOWN],
        "known": [each for each in known if each.value],
        "unknown": [each for each in known if not each.value],
        "restrictions": requests.restrictions_of(member.pk),
    }
    return render(request, "consent/mine.html", context)


@login_required
@require_safe
def notice(request: HttpRequest, notice: int) -> HttpResponse:
    """The text as it was shown, for whoever decided about it."""
    person, now = cast(Member, request.user).pk, timezone.now()
    found = selectors.notice_decided(person, notice)
    if found is None:
        raise taking.not_theirs(person, "consent:notice", now)
    return show_notice(request, found)


def show_notice(request: HttpRequest, found: Notice) -> HttpResponse:
    copies = list(found.copies.all())
    wanted = request.GET.get("lang") or translation.get_language()
    copy = next((each for each in copies if each.language == wanted), copies[0] if copies else None)
    if copy is None:
        raise Http404
    others = [(each.language, display.language_name(each.language)) for each in copies if each != copy]
    context = {"notice": found, "tool": found.processing.tool, "copy": copy, "others": others}
    return render(request, "consent/notice_page.html", context)


@login_required
@require_POST
def choose(request: HttpRequest, notice: int) -> HttpResponse:
    """Which optional items a tool receives from now on."""
    person, now = cast(Member, request.user).pk, timezone.now()
    found = selectors.notice_decided(person, notice)
    if found is None:
        raise taking.not_theirs(person, "consent:choose", now)
    try:
        services.choose(
            member_id=person,
            notice=found,
            accepted=frozenset(request.POST.getlist("items")),
            actor=Actor(member=person),
            language=translation.get_language() or "fr",
            now=now,
        )
    except NoticeOutdated:
        note_refused_page(actor=Actor(member=person), page="consent:choose", reason="notice_outdated", now=now)
        said = _("Ce texte n’est plus celui de l’outil : la question vous sera posée à sa prochaine ouverture.")
        messages.info(request, said)
        return redirect("consent:mine")
    messages.success(request, _("C’est noté : vos choix valent dès maintenant."))
    return redirect(f"{reverse('consent:mine')}#outil-{found.processing.tool.slug}")


@login_required
@require_POST
def object_to(request: HttpRequest, purpose: int) -> HttpResponse:
    """From now on nothing leaves for this purpose.  It is taken back in one click: nobody is asked twice."""
    person, now = cast(Member, request.user).pk, timezone.now()
    try:
        made = services.object_to(member_id=person, purpose_id=purpose, actor=Actor(member=person), now=now)
    except NothingToObjectTo:
        note_refused_page(actor=Actor(member=person), page="consent:object", reason="nothing_to_object_to", now=now)
        messages.info(request, _("Il n’y a rien à changer : l’usage n’est plus le même, ou vous vous y opposez déjà."))
        return redirect("consent:mine")
    messages.success(request, _("C’est noté : plus rien ne part pour cet usage. Vous pouvez y revenir à tout moment."))
    return redirect(_card_of(made))


@login_required
@require_POST
def end_objection(request: HttpRequest, objection: int) -> HttpResponse:
    person, now = cast(Member, request.user).pk, timezone.now()
    try:
        ended = services.end_objection(member_id=person, objection_id=objection, actor=Actor(member=person), now=now)
    except NothingToObjectTo:
        raise taking.not_theirs(person, "consent:end_objection", now) from None
    messages.success(request, _("Vous ne vous y opposez plus."))
    return redirect(_card_of(ended))


def _card_of(objection: Objection) -> str:
    return f"{reverse('consent:mine')}#outil-{objection.tool.slug}"


@login_required
@require_safe
def my_activity(request: HttpRequest) -> HttpResponse:
    """What one did, what was sent, who looked: one's own lines of the journal."""
    person = cast(Member, request.user).pk
    keys = own.keys_of(person)
    form = activity.ActivityForm(request.GET, tools=own.tools_in(keys))
    page, lines, drawn = None, [], None
    if form.is_valid():
        page = page_of(own.lines(keys, form.wanted), form.cursor)
        lines = activity.tell(page.events, person)
        drawn = activity.picture(own.hours(keys, form.wanted))
    query = request.GET.copy()
    for name in ("before", "after"):
        query.pop(name, None)
    context = {
        "form": form,
        "page": page,
        "lines": lines,
        "picture": drawn,
        "query": query.urlencode(),
        "filtered": form.is_valid() and bool(form.wanted),
        "kinds": Kind,
    }
    return render(request, "consent/activity.html", context, status=200 if page else 400)


@login_required
@require_safe
def my_history(request: HttpRequest) -> HttpResponse:
    """What left, in sentences: a month of it, with the months that there are."""
    person = cast(Member, request.user).pk
    form = history.HistoryForm(request.GET, tools=history.tools_in(person))
    context: dict[str, object] = {"form": form}
    if form.is_valid():
        tool, wanted = form.cleaned_data["tool"], form.cleaned_data["month"]
        rows = selectors.ledger(person, tool)
        months = history.months(rows)
        shown = wanted or (months[0].first if months else None)
        seen = own.hours(own.keys_of(person), OwnFilter(Kind.RELEASES, tool))
        context |= {
            "tool": tool,
            "months": months,
            "shown": shown,
            "newer": next((each.first for each in reversed(months) if shown and each.first > shown), None),
            "older": next((each.first for each in months if shown and each.first < shown), None),
            "sent": history.tell(history.of_month(rows, shown), person) if shown else [],
            "picture": activity.picture(seen),
        }
    return render(request, "consent/history.html", context, status=200 if form.is_valid() else 400)


@require_safe
def proof(request: HttpRequest) -> HttpResponse:
    """How anybody checks what they took with them, and with which keys: for whoever has a file, signed in or not."""
    context = {"keys": public_keys(), "keys_address": keys_address(), "program": digest_of_verifier()}
    return render(request, "consent/proof.html", context)


@login_required
@require_POST
def take_lines(request: HttpRequest) -> HttpResponseBase:
    """All one's lines with their proofs, or one: made whole before anything is sent, in a file that has no name."""
    person, now = cast(Member, request.user).pk, timezone.now()
    wanted = LineForm(request.POST)
    line = wanted.cleaned_data["line"] if wanted.is_valid() else None
    if not wanted.is_valid() or (line and not own.has_line(own.keys_of(person), line)):
        raise taking.not_theirs(person, "consent:take_lines", now)
    if taking.is_enough(request, "consent:take_lines", now):
        return redirect("consent:proof")
    lines = [line] if line else []
    try:
        file = taking.zipped(lambda sink: export_person(sink, person, tell=activity.tell, lines=lines, now=now))
    except NothingProved:
        messages.info(request, _("Ce n’est pas encore signé : recommencez dans une minute."))
        return redirect("consent:activity" if line else "consent:proof")
    # Before it leaves, and not where nothing does.
    services.note_download(member_id=person, what=Download.LINE if line else Download.LINES, now=now)
    name = f"ligne-{str(line)[:8]}" if line else f"mes-lignes-{timezone.localdate():%Y-%m-%d}"
    return taking.as_file(file, f"{name}.zip", "application/zip")
