"""Pages that belong to no app: language, mailbox of the demonstration, health, errors."""

import sys
from dataclasses import dataclass
from http import HTTPStatus

from csp.constants import NONE, UNSAFE_INLINE
from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import check_for_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from audit import mailing, witnesses
from audit.proof import selectors as proof
from audit.reconciliation.selectors import open_gaps
from audit.stream import sending
from directory.access import may
from directory.policy import Right
from directory.selectors import directory_age
from hub import mailbox as mailbox_reader
from hub import rgaa, sitemap
from hub.back_channel import is_called_by_programs
from hub.context import facts
from hub.rgaa import Found
from news import selectors as news

Text = str | Promise
RETRY_AFTER_SECONDS = 15


def request_id(request: HttpRequest) -> str:
    return str(getattr(request, "request_id", ""))


@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """Remember the language in a cookie and go back; only to a page of ours, or this is an open redirect."""
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure()):
        target = reverse("launcher:home")
    response = HttpResponseRedirect(target)
    language = request.POST.get("language", "")
    if language in dict(settings.LANGUAGES) and check_for_language(language):
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            language,
            max_age=365 * 24 * 3600,
            secure=settings.LANGUAGE_COOKIE_SECURE,
            httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
            samesite="Lax",
        )
    return response


@require_GET
def mailbox(request: HttpRequest, key: str = "") -> HttpResponse:
    """The mails the demonstration would have sent.  Elsewhere this page does not exist."""
    if not settings.DEMO:
        raise Http404
    mails = mailbox_reader.mails(settings.DATA_DIR / "mail")
    shown = next((mail for mail in mails if mail.key == key), None)
    if key and not shown:
        raise Http404
    return render(request, "hub/mailbox.html", {"mails": mails, "shown": shown})


@require_GET
def mail_page(request: HttpRequest, key: str) -> HttpResponse:
    """What a mail program makes of its HTML.  Nothing in it runs, nothing is fetched, and it is of no origin."""
    mails = mailbox_reader.mails(settings.DATA_DIR / "mail") if settings.DEMO else []
    shown = next((mail for mail in mails if mail.key == key and mail.page), None)
    if shown is None:
        raise Http404
    response = HttpResponse(shown.page)
    response._csp_replace = {  # type: ignore[attr-defined]
        "script-src": NONE,
        "style-src": [UNSAFE_INLINE],
        "img-src": ["data:"],
        "form-action": NONE,
        "sandbox": [],
    }
    return response


@require_GET
def style(request: HttpRequest) -> HttpResponse:
    """The living style page, beside the demonstration only."""
    if not settings.DEMO:
        raise Http404
    return render(request, "hub/style.html", {"hues": range(24)})


@require_GET
def site_map(request: HttpRequest) -> HttpResponse:
    """Every page that this person may open, by its name."""

    def opens(right: Right) -> bool:
        # A lead has these over their own collectives, the office the first over all members.
        if right is Right.WRITE_NEWS:
            return news.may_write(request.user)
        return news.leads(request.user) if right is Right.RUN_COLLECTIVE else may(request.user, right)

    parts = sitemap.parts(is_member=request.user.is_authenticated, may=opens)
    return render(request, "hub/sitemap.html", {"parts": parts})


@require_GET
def accessibility(request: HttpRequest) -> HttpResponse:
    """For everybody, whether they get in or not: what can be used by whom, and whom to tell."""
    counted = {
        "conform": rgaa.count(Found.YES),
        "not_applicable": rgaa.count(Found.NONE),
        "untested": rgaa.count(Found.UNTESTED),
        "missing": rgaa.missing(),
        "share": rgaa.share(),
    }
    return render(request, "hub/accessibility.html", counted)


@require_GET
def healthz(request: HttpRequest) -> HttpResponse:
    """For the supervisor: is this process able to serve?

    A silent directory is no reason to start it again, nor is a log of proof that is not signed: both are told, for
    whoever wants to be woken by them.
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
        now = timezone.now()
        age, late, unsigned = directory_age(now), proof.late_by(now), proof.unsigned(now)
        streams = sending.standing(now)
        contradicted, is_kept = witnesses.contradicted(), mailing.is_kept_outside(now)
        stopped = proof.retention_is_stopped()
        gaps = open_gaps().count()
    except DatabaseError:
        return JsonResponse({"status": "failing", "database": "unavailable"}, status=HTTPStatus.SERVICE_UNAVAILABLE)
    seconds = int(age.total_seconds()) if age is not None else None
    told = {"directory_age_seconds": seconds, "journal_late_seconds": int(late.total_seconds())}
    journal = {
        "journal_unsigned": unsigned,
        "journal_gaps": gaps,
        "journal_retention_stopped": stopped,
        "journal_contradicted": contradicted,
        "journal_kept_outside": is_kept,
    }
    # Nothing of it where no SIEM is named.
    fares = [
        {"to": each.cursor.name, "late_seconds": each.late_seconds, "error": each.cursor.last_error} for each in streams
    ]
    streamed = {"stream": fares} if fares else {}
    return JsonResponse({"status": "ok", "database": "ok", **told, **journal, **streamed})


# Errors ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Explained:
    """An error in the member's words: what happened and whose doing it is, then what to do."""

    status: HTTPStatus
    title: Text
    message: Text
    advice: Text


def error_page(request: HttpRequest, error: Explained) -> HttpResponse:
    """Rendered without the request: neither the database nor the session is needed, so nothing can fail twice."""
    context = facts() | {
        "title": error.title,
        "message": error.message,
        "advice": error.advice,
        "reference": request_id(request),
    }
    response = HttpResponse(render_to_string("hub/error.html", context), status=error.status)
    response["Cache-Control"] = "no-store"
    return response


CSRF = Explained(
    HTTPStatus.FORBIDDEN,
    _("Cette page a expiré"),
    _("Le formulaire n’a pas été envoyé : la page est restée ouverte trop longtemps. Vous n’y êtes pour rien."),
    _("Revenez en arrière, rechargez la page et recommencez. Vérifiez que les cookies sont acceptés."),
)
BAD_REQUEST = Explained(
    HTTPStatus.BAD_REQUEST,
    _("Cette demande n’est pas lisible"),
    _("L’adresse ou le formulaire n’a pas la forme attendue. Le lien suivi est sans doute abîmé."),
    _("Repartez de la page de vos outils."),
)
FORBIDDEN = Explained(
    HTTPStatus.FORBIDDEN,
    _("Cette page ne vous est pas ouverte"),
    _("Elle est réservée à d’autres personnes de la coopérative. Votre compte fonctionne normalement."),
    _("Si vous devriez y avoir accès, demandez à la structure de vous l’ouvrir."),
)
NOT_FOUND = Explained(
    HTTPStatus.NOT_FOUND,
    _("Cette page n’existe pas"),
    _("Rien ne se trouve à cette adresse. Le lien est ancien ou incomplet."),
    _("Repartez de la page de vos outils."),
)
TOO_MANY_REQUESTS = Explained(
    HTTPStatus.TOO_MANY_REQUESTS,
    _("Trop d’essais, faisons une pause"),
    _("Trop d’essais ont été faits pour ce compte ou depuis votre réseau. C’est une protection, pas une sanction."),
    _("Attendez cinq minutes, puis recommencez. Si ce n’était pas vous, prévenez la structure."),
)
SERVER_ERROR = Explained(
    HTTPStatus.INTERNAL_SERVER_ERROR,
    _("Quelque chose n’a pas fonctionné"),
    _("Votre demande n’a pas pu être traitée, et rien n’a changé. Vous n’y êtes pour rien."),
    _("Recommencez dans une minute. Si cela revient, donnez la référence ci-dessous à la structure."),
)
UNAVAILABLE = Explained(
    HTTPStatus.SERVICE_UNAVAILABLE,
    _("Trousseau n’est pas disponible"),
    _("Une partie de Trousseau ne répond pas. Votre demande n’a pas été traitée, et vous n’y êtes pour rien."),
    _("Recommencez dans une minute. Si cela dure, prévenez la structure."),
)
DIRECTORY_UNAVAILABLE = Explained(
    HTTPStatus.SERVICE_UNAVAILABLE,
    _("L’annuaire ne répond pas"),
    _("L’annuaire de la coopérative ne répond pas. Vous n’y êtes pour rien, et votre mot de passe n’est pas en cause."),
    _("Recommencez dans quelques minutes. Les outils déjà ouverts continuent de fonctionner."),
)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return error_page(request, CSRF)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_page(request, BAD_REQUEST)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_page(request, FORBIDDEN)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_page(request, NOT_FOUND)


def too_many_requests(request: HttpRequest) -> HttpResponse:
    """Shown by allauth's limits, which look for ``handler429`` beside the addresses."""
    return error_page(request, TOO_MANY_REQUESTS)


def server_error(request: HttpRequest) -> HttpResponse:
    """Called while the exception is handled: what is merely away is told from what is broken."""
    away = _is_away(sys.exception())
    explained = UNAVAILABLE if away else SERVER_ERROR
    if not is_called_by_programs(request):
        answer = error_page(request, explained)
    else:
        answer = JsonResponse({"error": "temporarily_unavailable" if away else "server_error"}, status=explained.status)
        answer["Cache-Control"] = "no-store"
    return _later(answer) if away else answer


def directory_unavailable(request: HttpRequest) -> HttpResponse:
    return _later(error_page(request, DIRECTORY_UNAVAILABLE))


def _is_away(error: BaseException | None) -> bool:
    """Whether PostgreSQL or Redis did not answer, were not there, or went away in the middle."""
    while error is not None:
        if isinstance(error, (OperationalError, InterfaceError, RedisConnectionError, RedisTimeoutError)):
            return True
        error = error.__cause__ or error.__context__
    return False


def _later(response: HttpResponse) -> HttpResponse:
    response["Retry-After"] = RETRY_AFTER_SECONDS
    return response
