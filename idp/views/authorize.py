"""The authorization endpoint: the one function that knows the order of the steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from django.conf import settings
from django.core.signing import BadSignature, dumps, loads
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from audit.services import record
from audit.types import Action, Actor, Entry
from consent import selectors as consent_selectors
from consent import services as consent_services
from consent.display import rows
from consent.types import NoticeOutdated, Question
from directory.models import Member
from idp import access, claims
from idp.models import HubSession, Tool
from idp.oauth.validator import allowed_scopes
from idp.protocol import redirects
from idp.protocol.authorization import AuthRequest, Destination, destination, parse
from idp.protocol.errors import ProtocolError
from idp.selectors import live_session, tool_by_client_id
from idp.services import keys, tokens
from idp.services.sessions import SESSION_FIELD
from idp.signin import pending, reauth
from idp.types import ToolKind, ToolState
from idp.views.cross_site import came_without_cookie, same_by_get

Pairs = Sequence[tuple[str, str]]
ASKED = "proof_asked"
CONSENT_SALT = "idp.consent"
CONSENT_LIFETIME = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Asked:
    """A checked request with its tool."""

    tool: Tool
    request: AuthRequest


@csrf_exempt
@require_http_methods(["GET", "POST"])
def authorize(request: HttpRequest) -> HttpResponse:
    """OpenID Connect Core §3.1.2, by GET and by POST.  Changes nothing that a foreign page could profit from."""
    if request.method == "POST" and request.content_type != "application/x-www-form-urlencoded":
        return _error_page(request, ProtocolError("invalid_request", "form expected", detail="content_type"))
    query = request.META.get("QUERY_STRING", "") if request.method == "GET" else request.body.decode("latin-1")
    pairs = _pairs(query)
    if came_without_cookie(request):
        # A session begun here would replace the member's own, which any page could then do to anybody.
        return same_by_get("idp:authorize", urlencode(pairs))
    return _answer(request, pairs)


def _pairs(query: str) -> Pairs:
    try:
        return parse_qsl(query, keep_blank_values=True, max_num_fields=100)
    except ValueError:
        return []


def _answer(request: HttpRequest, pairs: Pairs, *, consented: bool = False) -> HttpResponse:
    now = timezone.now()
    try:
        where = destination(pairs)
        tool = _load_tool(where)
    except ProtocolError as error:
        return _error_page(request, error)
    try:
        asked = Asked(tool, parse(pairs, allowed_scopes=allowed_scopes(tool), pkce_required=tool.pkce_required))
        return _steps(request, asked, now=now, consented=consented)
    except ProtocolError as error:
        return _error_redirect(request, where, tool, error)


def _load_tool(where: Destination) -> Tool:
    """Raises ``ProtocolError`` unless the tool is known, connected, and registered this very address."""
    tool = tool_by_client_id(where.client_id)
    if tool is None or tool.kind != ToolKind.OIDC or tool.state == ToolState.CLOSED:
        raise ProtocolError("invalid_client", "unknown client", detail="client_unknown")
    if not redirects.is_registered(where.redirect_uri, tool.redirect_uri_list):
        raise ProtocolError("invalid_request", "redirect_uri is not registered", detail="redirect_uri_foreign")
    return tool


def _steps(request: HttpRequest, asked: Asked, *, now: datetime, consented: bool) -> HttpResponse:
    silent = "none" in asked.request.prompt
    _use_language(request, asked.request)
    session = live_session(request.session.get(SESSION_FIELD)) if request.user.is_authenticated else None
    if session is None or not isinstance(request.user, Member):
        return _sign_in(request, asked, silent=silent)
    if _needs_proof(request, asked, session, now=now):
        return _confirm(request, asked, silent=silent, now=now)
    _check_hint(request.user, asked)
    if not access.may_enter(request.user, asked.tool):
        return _no_access(request, asked, silent=silent)
    question = None if consented else _question(request.user, asked)
    if question is not None:
        return _ask(request, request.user, asked, question, silent=silent)
    return _issue(request, request.user, asked, session, now=now)


# Signing in and proving it -----------------------------------------------------------------------------------


def _sign_in(request: HttpRequest, asked: Asked, *, silent: bool) -> HttpResponse:
    if silent:
        raise ProtocolError("login_required", "nobody is signed in")
    url = _own_url(asked.request)
    _note_asked(request, asked.request, timezone.now())
    pending.remember(request, url=url, tool=asked.tool.name, redirect_uri=asked.request.redirect_uri)
    return reauth.must_sign_in(url)


def _needs_proof(request: HttpRequest, asked: Asked, session: HubSession, *, now: datetime) -> bool:
    """``prompt=login`` and ``max_age``: judged by what the session did, never by the way the browser came back."""
    if asked.request.prompt & {"login", "select_account"} or asked.request.max_age == 0:
        since = request.session.get(ASKED, {}).get(asked.request.fingerprint)
        return since is None or session.auth_time < datetime.fromtimestamp(since, UTC)
    if asked.request.max_age is None:
        return False
    return now - session.auth_time > timedelta(seconds=asked.request.max_age)


def _confirm(request: HttpRequest, asked: Asked, *, silent: bool, now: datetime) -> HttpResponse:
    if silent:
        raise ProtocolError("login_required", "a new sign-in is needed")
    url = _own_url(asked.request)
    if asked.request.fingerprint not in request.session.get(ASKED, {}):
        _note_asked(request, asked.request, now)
    pending.remember(request, url=url, tool=asked.tool.name, redirect_uri=asked.request.redirect_uri)
    return reauth.must_reauthenticate(request, url)


def _note_asked(request: HttpRequest, asked: AuthRequest, now: datetime) -> None:
    """Remember when proof was asked for this request; the ten latest are kept."""
    known = dict(list(request.session.get(ASKED, {}).items())[-9:])
    known[asked.fingerprint] = now.timestamp()
    request.session[ASKED] = known


def _check_hint(member: Member, asked: Asked) -> None:
    """OpenID Connect Core §3.1.2.1: a hint that names somebody else cannot be answered for this member."""
    hint = asked.request.id_token_hint
    if not hint:
        return
    try:
        claimed = keys.verify(hint)
    except keys.NotOurs as error:
        raise ProtocolError("invalid_request", "id_token_hint is not ours", detail=f"hint_{error}"[:60]) from error
    if claimed.get("aud") != asked.tool.client_id or claimed.get("sub") != claims.subject(member, asked.tool):
        raise ProtocolError("login_required", "somebody else is signed in", detail="hint_mismatch")


def _use_language(request: HttpRequest, asked: AuthRequest) -> None:
    """``ui_locales`` counts where the member has not chosen a language (OpenID Connect Core §3.1.2.1)."""
    if settings.LANGUAGE_COOKIE_NAME in request.COOKIES:
        return
    known = {code for code, _name in settings.LANGUAGES}
    for locale in asked.ui_locales:
        if locale.split("-")[0].lower() in known:
            translation.activate(locale.split("-")[0].lower())
            return


# Access and consent ------------------------------------------------------------------------------------------


def _no_access(request: HttpRequest, asked: Asked, *, silent: bool) -> HttpResponse:
    if silent:
        raise ProtocolError("access_denied", "this member may not enter this tool", detail="not_in_group")
    _record_refusal(request, asked.tool, "not_in_group")
    back = _response_uri(asked.request.redirect_uri, asked.request.state, {"error": "access_denied"})
    context = {
        "title": _("Cet outil ne vous est pas ouvert"),
        "message": _("« %(tool)s » est réservé à certains collectifs, et vous n’en faites pas partie.")
        % {"tool": asked.tool.name},
        "advice": _("Si vous devriez y avoir accès, demandez à la structure de vous l’ouvrir."),
        "back_url": back,
        "back_label": _("Revenir à %(tool)s") % {"tool": asked.tool.name},
    }
    return render(request, "hub/error.html", context, status=403)


def _question(member: Member, asked: Asked) -> Question | None:
    return consent_selectors.question(
        member.pk, asked.tool.pk, asked.request.scopes, again="consent" in asked.request.prompt
    )


def _ask(request: HttpRequest, member: Member, asked: Asked, question: Question, *, silent: bool) -> HttpResponse:
    if silent:
        raise ProtocolError("consent_required" if question.asks else "interaction_required", "something must be shown")
    pending.remember(
        request, url=_own_url(asked.request), tool=asked.tool.name, redirect_uri=asked.request.redirect_uri
    )
    processing = consent_selectors.sheet(asked.tool.pk)
    items = (*question.required, *question.optional)
    context = {
        "tool": asked.tool,
        "processing": processing,
        "notice": getattr(processing, "notice", None),
        "question": question,
        "rows": rows(processing, question, claims.shown(member, items)),
        "return_fields": [("request", dumps([list(pair) for pair in asked.request.pairs], salt=CONSENT_SALT))],
    }
    return render(request, "consent/ask.html", context)


@require_POST
def consent(request: HttpRequest) -> HttpResponse:
    """The member's answer.  The request itself travels signed, and every step is taken again before a code leaves."""
    try:
        kept = loads(request.POST.get("request", ""), salt=CONSENT_SALT, max_age=CONSENT_LIFETIME)
    except BadSignature:
        return _error_page(request, ProtocolError("invalid_request", "stale form", detail="consent_form_stale"))
    pairs = [(str(name), str(value)) for name, value in kept]
    try:
        where = destination(pairs)
        tool = _load_tool(where)
        asked = parse(pairs, allowed_scopes=allowed_scopes(tool), pkce_required=tool.pkce_required)
    except ProtocolError:
        # What was right when the page was shown may be refused since: the tool changed.
        return _answer(request, pairs)
    if not isinstance(request.user, Member):
        return _answer(request, pairs)
    question = consent_selectors.question(request.user.pk, tool.pk, asked.scopes, again=True)
    if question is None or str(question.notice) != request.POST.get("notice"):
        # The notice changed while the page was open: show the new one.
        return _answer(request, pairs)
    try:
        return _decide(request, request.user, tool, question, where, pairs)
    except NoticeOutdated:
        # The sheet changed between reading and answering: nobody agrees to a text they did not see.
        return _answer(request, pairs)


def _decide(
    request: HttpRequest, member: Member, tool: Tool, question: Question, where: Destination, pairs: Pairs
) -> HttpResponse:
    language, now, session = translation.get_language() or "fr", timezone.now(), _session_id(request)
    if request.POST.get("answer") == "accept":
        consent_services.answer(
            member_id=member.pk,
            tool_id=tool.pk,
            notice_id=question.notice,
            accepted=frozenset(request.POST.getlist("items")) & frozenset(question.optional),
            actor=Actor(member=member.pk),
            language=language,
            now=now,
            session=session,
        )
        return _answer(request, pairs, consented=True)
    if question.asks:
        tokens.refuse(
            member_id=member.pk, tool=tool, notice_id=question.notice, language=language, session=session, now=now
        )
    refusal = ProtocolError("access_denied", "the member chose not to enter", detail="member_refused")
    return _error_redirect(request, where, tool, refusal)


# Answering ---------------------------------------------------------------------------------------------------


def _issue(request: HttpRequest, member: Member, asked: Asked, session: HubSession, *, now: datetime) -> HttpResponse:
    code = tokens.issue_code(member=member, tool=asked.tool, session=session, request=asked.request, now=now)
    pending.forget(request)
    if asked.request.fingerprint in request.session.get(ASKED, {}):
        request.session[ASKED] = {
            key: at for key, at in request.session[ASKED].items() if key != asked.request.fingerprint
        }
    return _go(_response_uri(asked.request.redirect_uri, asked.request.state, {"code": code}))


def _error_redirect(request: HttpRequest, where: Destination, tool: Tool, error: ProtocolError) -> HttpResponse:
    _record_refusal(request, tool, error.detail)
    pending.forget(request)
    answer = {"error": error.code, "error_description": error.description}
    return _go(_response_uri(where.redirect_uri, where.state, answer))


def _error_page(request: HttpRequest, error: ProtocolError) -> HttpResponse:
    """RFC 6749 §4.1.2.1: an answer that cannot be addressed safely stays here."""
    _record_refusal(request, None, error.detail)
    context = {
        "title": _("Cet outil n’a pas pu s’ouvrir"),
        "message": _("L’outil a fait une demande que Trousseau ne reconnaît pas ; vous n’y êtes pour rien."),
        "advice": _("Revenez à vos outils et ouvrez-le de là. Si cela se répète, signalez-le à la structure."),
        "technical": error.description,
    }
    return render(request, "hub/error.html", context, status=400)


def _response_uri(redirect_uri: str, state: str, answer: dict[str, str]) -> str:
    # RFC 9207: ``iss`` on success and on error alike, so that answers of two providers cannot be mixed up.
    return redirects.answer_uri(redirect_uri, {**answer, "state": state, "iss": settings.ISSUER})


def _go(uri: str) -> HttpResponse:
    # RFC 9700 §4.12: 303, so that a form with credentials is never sent on.
    response = HttpResponseRedirect(uri)
    response.status_code = 303
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "no-referrer"
    return response


def _own_url(asked: AuthRequest) -> str:
    return f"{reverse('idp:authorize')}?{asked.query}"


def _session_id(request: HttpRequest) -> UUID | None:
    session = live_session(request.session.get(SESSION_FIELD))
    return session.pk if session else None


def _record_refusal(request: HttpRequest, tool: Tool | None, reason: str) -> None:
    member = request.user.pk if request.user.is_authenticated else None
    with transaction.atomic():
        record(
            Entry(
                Action.AUTHORIZATION_REFUSED,
                actor=Actor(member=member),
                subject=member,
                tool=tool.pk if tool else None,
                refused=True,
                reason=reason[:60],
            )
        )
