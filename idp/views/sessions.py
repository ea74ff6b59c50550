"""« Mes appareils et sessions »: what is open where, and how to end it (OWASP ASVS 7.5.2)."""

from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import UUID

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from audit.types import Action, Actor, Entry
from directory.models import Member
from idp.models import Browser, HubSession, ToolSession
from idp.selectors import sessions_of
from idp.services import refusals, sessions
from idp.services.accounts import alarms, browsers
from idp.signin.browser import OFFER_FIELD, known_here, place_of
from idp.views import logout


@dataclass(frozen=True, slots=True)
class Shown:
    """One session as its member recognises it."""

    session: HubSession
    here: bool
    same_network: bool
    tools: tuple[ToolSession, ...]


@dataclass(frozen=True, slots=True)
class ShownBrowser:
    browser: Browser
    here: bool
    trusted: bool


@login_required
@require_safe
def mine(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    shown = _shown(request, now)
    context = {
        "here": [each for each in shown if each.here],
        "others": [each for each in shown if not each.here],
        "browsers": _shown_browsers(request, now),
        "offer": request.session.get(OFFER_FIELD, False) and len(shown) > 1,
    }
    return render(request, "idp/sessions.html", context)


@require_safe
def open_tools(_request: HttpRequest) -> HttpResponse:
    """Where the tools opened from this browser were shown alone; pages of others still lead here."""
    return redirect("idp:sessions")


@login_required
@require_POST
def end_one(request: HttpRequest, session: UUID) -> HttpResponse:
    member = _member(request)
    rows = HubSession.objects.filter(pk=session, member=member)
    if not rows.exists():
        raise _not_yours(request)
    if str(session) == _here(request):
        return logout.sign_out(request)
    if _end(rows, member):
        messages.success(request, _("Cette session est fermée, avec les outils qui y étaient ouverts."))
    else:
        messages.info(request, _("Cette session était déjà fermée."))
    return redirect("idp:sessions")


@login_required
@require_POST
def end_others(request: HttpRequest) -> HttpResponse:
    """Every session but this one."""
    member = _member(request)
    ended = _end(_others(request), member)
    request.session.pop(OFFER_FIELD, None)
    if ended:
        told = ngettext(
            "%(count)s autre session est fermée, avec les outils qui y étaient ouverts.",
            "%(count)s autres sessions sont fermées, avec les outils qui y étaient ouverts.",
            ended,
        )
        messages.success(request, told % {"count": ended})
    else:
        messages.info(request, _("Aucune autre session n’était ouverte."))
    return redirect("idp:sessions")


@login_required
@require_http_methods(["GET", "POST"])
def end_everything(request: HttpRequest) -> HttpResponse:
    """Every session, this one last; asked first, since work in a tool may be lost."""
    if request.method == "GET":
        return render(request, "idp/sessions_end_all.html", {"shown": _shown(request, timezone.now())})
    _end(_others(request), _member(request))
    return logout.sign_out(request)


@login_required
@require_POST
def forget(request: HttpRequest, browser: UUID) -> HttpResponse:
    """The next sign-in from there is news to the member, who is told of it."""
    member = _member(request)
    if not Browser.objects.filter(pk=browser, member=member).exists():
        raise _not_yours(request)
    browsers.forget(member_id=member.pk, browser=browser, actor=Actor(member=member.pk), now=timezone.now())
    messages.success(request, _("Ce navigateur est oublié. Sa prochaine connexion vous sera signalée par e-mail."))
    return redirect("idp:sessions")


@login_required
@require_POST
def ask_code_again(request: HttpRequest, browser: UUID) -> HttpResponse:
    """No more trust in this browser: the second factor is asked for there."""
    member = _member(request)
    if not Browser.objects.filter(pk=browser, member=member).exists():
        raise _not_yours(request)
    actor = Actor(member=member.pk)
    browsers.end_trust(member_id=member.pk, browser=browser, actor=actor, now=timezone.now())
    messages.success(request, _("La double vérification sera redemandée sur ce navigateur."))
    return redirect("idp:sessions")


@login_required
@require_http_methods(["GET", "POST"])
@reauthentication_required(allow_get=True)  # type: ignore[untyped-decorator]
def not_me(request: HttpRequest) -> HttpResponse:
    """The page says what will happen and whom to call; the form does it, after fresh proof."""
    member = _member(request)
    if request.method == "GET":
        return render(request, "idp/sessions_not_me.html")
    here = _here(request)
    alarms.raise_alarm(
        member=member, actor=Actor(member=member.pk), here=UUID(here) if here else None, now=timezone.now()
    )
    request.session.pop(OFFER_FIELD, None)
    told = _("Tout est fermé, sauf cette session. La structure est prévenue.")
    then = _("Choisissez maintenant un nouveau mot de passe.")
    messages.success(request, f"{told} {then}")
    return redirect("account_password")


def _member(request: HttpRequest) -> Member:
    return cast(Member, request.user)


def _here(request: HttpRequest) -> str:
    return str(request.session.get(sessions.SESSION_FIELD, ""))


def _others(request: HttpRequest) -> QuerySet[HubSession]:
    here = _here(request)
    rows = HubSession.objects.filter(member=_member(request))
    return rows.exclude(pk=here) if here else rows


def _end(rows: QuerySet[HubSession], member: Member) -> int:
    count = rows.filter(ended_at=None).count()
    sessions.end_hub_sessions(rows, reason="ended_by_member", actor=Actor(member=member.pk), now=timezone.now())
    return count


def _not_yours(request: HttpRequest) -> Http404:
    """Somebody else's and none look the same."""
    member = request.user.pk
    page = request.resolver_match.view_name if request.resolver_match else ""
    line = Entry(
        Action.ACCESS_REFUSED, actor=Actor(member=member), refused=True, reason="not_yours", facts={"page": page}
    )
    refusals.note(line, network=str(member), now=timezone.now())
    return Http404()


def _shown(request: HttpRequest, now: datetime) -> list[Shown]:
    rows = list(sessions_of(_member(request).pk, now))
    opened: dict[UUID, list[ToolSession]] = {row.pk: [] for row in rows}
    for tool_session in (
        ToolSession.objects.filter(hub_session__in=rows, ended_at=None).select_related("tool").order_by("-last_at")
    ):
        opened[tool_session.hub_session_id].append(tool_session)
    here, place = _here(request), place_of(request)
    return [
        Shown(
            session=row,
            here=str(row.pk) == here,
            same_network=bool(row.network) and row.network == place,
            tools=tuple(opened[row.pk]),
        )
        for row in rows
    ]


def _shown_browsers(request: HttpRequest, now: datetime) -> list[ShownBrowser]:
    member = _member(request)
    here, fingerprint = known_here(request, member.pk), browsers.fingerprint_of(member)
    rows = browsers.live(now).filter(member=member).order_by("-last_seen_at")
    return [
        ShownBrowser(
            browser=row,
            here=here is not None and row.pk == here.pk,
            trusted=browsers.trust_holds(row, fingerprint, now),
        )
        for row in rows
    ]
