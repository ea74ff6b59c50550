"""What passes did, what they hold back for a person, what is to be settled in the directory, and who is absent."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from directory import follow_words, following
from directory import services as directory_services
from directory import words as directory_words
from directory.access import may
from directory.models import DirectorySource, SyncRun
from directory.policy import Right
from directory.types import CannotChange, RunStatus, SourceState
from idp.gate import actor_of, opened_by
from idp.views.directory.sources import looked_at_again, must_prove
from idp.views.office.acts import PROOF

PER_PAGE = 25
# Of which list somebody said that they had read it, before they were asked who they are.
READ = "directory_read"
SOME = 10
# Which list of a report is asked for: of what was done, or of what waits wholly.
LIST, WOULD = "liste", "attente"


@opened_by(Right.SEE_DIRECTORY, page="idp:directory_runs")
@require_safe
def runs(request: HttpRequest) -> HttpResponse:
    chosen = None
    if number := request.GET.get("annuaire", ""):
        is_number = number.isascii() and number.isdecimal() and len(number) < 19
        chosen = get_object_or_404(DirectorySource, pk=int(number) if is_number else 0)
    page = Paginator(following.runs(chosen), PER_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "chosen": chosen, "sources": DirectorySource.objects.order_by("pk")}
    return render(request, "idp/directory/runs.html", context)


@opened_by(Right.SEE_DIRECTORY, page="idp:directory_run")
@require_safe
def run(request: HttpRequest, run_id: int) -> HttpResponse:
    """All of a report in words; one of its lists, page by page, where it is asked for."""
    found = SyncRun.objects.select_related("source", "asked_by", "approved_by").filter(pk=run_id).first()
    if found is None:
        return _replaced(request, run_id)
    lists, would = _lists(request, found), _lists(request, following.would_of(found), name=WOULD)
    chosen = request.GET.get(LIST) or request.GET.get(WOULD)
    if chosen and not (lists or would):
        raise Http404
    context = {
        "run": found,
        "lists": lists,
        "would": would,
        "wholly": following.waits_wholly(found),
        "chosen": chosen,
        "held": [
            (follow_words.held_title(each.what), each, each.lines[:SOME], each.count - len(each.lines[:SOME]))
            for each in following.what_waits(found)
        ],
        "error": follow_words.error(found.error) if found.error else "",
        "cure": follow_words.cure(found.error) if found.error else "",
        "may_manage": may(request.user, Right.MANAGE_SOURCES),
        "is_waiting": _still_waits(found),
        "outcome": following.outcome_of(found),
        "may_find": may(request.user, Right.FIND_MEMBERS),
    }
    running = found.status == RunStatus.RUNNING
    return looked_at_again(render(request, "idp/directory/run.html", context), when=running)


def _lists(
    request: HttpRequest, run: SyncRun | None, *, name: str = LIST, some: int = SOME, pages: bool = True
) -> list[dict[str, Any]]:
    """What a report tells, list by list: some lines of each, or one of them page by page where it is asked for."""
    if run is None:
        return []
    chosen = request.GET.get(name, "") if pages else ""
    if pages and not chosen and (request.GET.get(LIST) or request.GET.get(WOULD)):
        return []
    parts, left_out, known = following.parts_of(run), following.left_out(run), following.names_in(run)
    lists = []
    for code, title in follow_words.VERBS.items():
        everything = parts.get(code, [])
        if not (everything or left_out.get(code)) or (chosen and code != chosen):
            continue
        lines = following.nameable(code, everything, known)
        page = Paginator(lines, PER_PAGE).get_page(request.GET.get("page")) if chosen else None
        shown = page.object_list if page is not None else lines[:some]
        lists.append(
            {
                "name": name,
                "code": code,
                "title": title,
                "count": len(everything) + left_out.get(code, 0),
                "nameless": len(everything) - len(lines),
                "left_out": left_out.get(code, 0),
                "lines": [_line(code, each) for each in following.named(code, list(shown), known)],
                "page": page,
                "more": len(lines) - len(shown) if page is None else 0,
            }
        )
    return lists


def _still_waits(run: SyncRun) -> bool:
    """Whether something that this pass held back may be decided upon; a later one may hold the same."""
    is_held = run.status == RunStatus.HELD and not run.dry
    return is_held and run.source is not None and bool(following.held_of(run.source)[0])


def _replaced(request: HttpRequest, run_id: int) -> HttpResponse:
    """Of several passes that say the same, the last one is kept: a link to one before it is no dead end."""
    if not SyncRun.objects.filter(pk__gt=run_id).exists():
        raise Http404
    messages.info(request, _("Cette lecture n’est plus gardée : une plus récente dit la même chose."))
    return HttpResponseRedirect(reverse("idp:directory_runs"))


def _line(code: str, line: following.Named) -> dict[str, Any]:
    why = str(directory_words.REASONS.get(line.why, "")) if code != "issues" else line.why
    return {"named": line, "why": why}


# What waits ----------------------------------------------------------------------------------------------------------


@opened_by(Right.SEE_DIRECTORY, page="idp:directory_waiting")
@require_safe
def waiting(request: HttpRequest, source_id: int) -> HttpResponse:
    return _waiting_page(request, get_object_or_404(DirectorySource, pk=source_id))


def _waiting_page(request: HttpRequest, source: DirectorySource, *, wrong: str = "", status: int = 200) -> HttpResponse:
    run = following.waiting_of(source)
    kinds = following.what_waits(run) if run is not None else []
    waiting_list = run.report["approval"] if run is not None else ""
    is_accepted = bool(waiting_list) and source.approval == waiting_list
    wholly = run is not None and following.waits_wholly(run)
    would = following.would_of(run) if run is not None else None
    context = {
        "source": source,
        "run": run,
        "would": _lists(request, would, name=WOULD, some=PER_PAGE, pages=False),
        "kinds": [(each, follow_words.held_title(each.what), follow_words.held_advice(each.what)) for each in kinds],
        "count": _how_many(run),
        "closes": not wholly and any(each.closes_accounts for each in kinds),
        "wholly": wholly,
        "approved": is_accepted,
        "answers": source.failing_since is None,
        "followed": source.state == SourceState.ACTIVE,
        "others_accepted": run is not None and bool(run.report.get("others_accepted")),
        "may_approve": may(request.user, Right.APPROVE_REMOVALS),
        "may_find": may(request.user, Right.FIND_MEMBERS),
        "wrong": wrong,
        "read": run is not None and request.session.pop(READ, None) == waiting_list,
    }
    answer = render(request, "idp/directory/waiting.html", context, status=status)
    return looked_at_again(answer, when=is_accepted)


def _how_many(run: SyncRun | None) -> int:
    """Removals, or changes of whatever kind where everything waits."""
    if run is None:
        return 0
    return int(run.counts["held"]) if following.would_of(run) is not None else following.removals(run)


@opened_by(Right.APPROVE_REMOVALS, page="idp:directory_approve")
@require_http_methods(["GET", "HEAD", "POST"])
def approve(request: HttpRequest, source_id: int) -> HttpResponse:
    """One word for exactly the removals that were shown, by somebody who says again who they are.

    Whoever comes back to this address, by a choice of language or a reload, is shown the list again.
    """
    source = get_object_or_404(DirectorySource, pk=source_id)
    here = reverse("idp:directory_waiting", args=[source.pk])
    if request.method != "POST":
        return HttpResponseRedirect(here)
    if request.POST.get("take_back"):
        if not directory_services.take_back(source_id=source.pk, actor=actor_of(request), now=timezone.now()):
            messages.info(request, _("Il n’y a plus d’accord à annuler."))
        return HttpResponseRedirect(here)
    if not request.POST.get("read"):
        wrong = _("Cochez la case pour dire que vous avez lu la liste.")
        return _waiting_page(request, source, wrong=wrong, status=422)
    digest = request.POST.get("digest", "")[:32]
    if (asked := must_prove(request, here, within=PROOF)) is not None:
        request.session[READ] = digest
        return asked
    try:
        directory_services.approve(source_id=source.pk, digest=digest, actor=actor_of(request), now=timezone.now())
    except CannotChange as error:
        messages.error(request, str(directory_words.refusal(error.reason)))
    return HttpResponseRedirect(here)


# Issues --------------------------------------------------------------------------------------------------------------


@opened_by(Right.SEE_DIRECTORY, page="idp:directory_issues")
@require_safe
def issues(request: HttpRequest) -> HttpResponse:
    """By what to do: some of each, or all of one."""
    seen = request.GET.get("liste", "") == "vues"
    code = request.GET.get("quoi", "")
    page = None
    if code:
        rows = following.open_issues(seen=seen).filter(code=code).order_by("pk")
        page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
        start = (page.number - 1) * PER_PAGE
        groups = [following.kindred(code, seen=seen, start=start, end=start + PER_PAGE)]
        if not groups[0].count:
            raise Http404
    else:
        groups = following.issues(seen=seen)
    context = {
        "groups": groups,
        "code": code,
        "page": page,
        "seen": seen,
        "others": following.open_issues(seen=not seen).count(),
        "several": following.are_several(),
        "may_settle": may(request.user, Right.SETTLE_ISSUES),
        "may_find": may(request.user, Right.FIND_MEMBERS),
    }
    return render(request, "idp/directory/issues.html", context)


@opened_by(Right.SETTLE_ISSUES, page="idp:directory_issue")
@require_POST
def settle(request: HttpRequest) -> HttpResponse:
    """Seen, or to be settled after all."""
    ids = [
        int(each) for each in request.POST.getlist("issue") if each.isascii() and each.isdecimal() and len(each) < 19
    ]
    actor, now = actor_of(request), timezone.now()
    if request.POST.get("undo"):
        count = directory_services.take_up_again(issue_ids=ids, actor=actor, now=now)
        text = ngettext(
            "%(count)s anomalie est de nouveau à régler.", "%(count)s anomalies sont de nouveau à régler.", count
        )
        back = reverse("idp:directory_issues") + "?liste=vues"
    else:
        count = directory_services.acknowledge(issue_ids=ids, actor=actor, now=now)
        text = ngettext(
            "%(count)s anomalie est mise de côté : elle reviendra si elle change.",
            "%(count)s anomalies sont mises de côté : elles reviendront si elles changent.",
            count,
        )
        back = reverse("idp:directory_issues")
    if not count:
        raise Http404
    messages.success(request, text % {"count": count})
    return HttpResponseRedirect(back)


# Absent --------------------------------------------------------------------------------------------------------------


@opened_by(Right.SEE_DIRECTORY, page="idp:directory_absent")
@require_safe
def absent(request: HttpRequest) -> HttpResponse:
    page = Paginator(following.absent(), PER_PAGE).get_page(request.GET.get("page"))
    now = timezone.now()
    rows = [following.absence_of(member, now) for member in page.object_list]
    context = {
        "page": page,
        "absence_days": settings.ABSENCE.days,
        "waiting": [each for each in following.sources() if each.waits],
        "rows": rows,
        # Said once for everybody of whom it holds.
        "cures": dict.fromkeys((row.why, row.cure) for row in rows),
        "may_find": may(request.user, Right.FIND_MEMBERS),
        "now": now,
    }
    return render(request, "idp/directory/absent.html", context)
