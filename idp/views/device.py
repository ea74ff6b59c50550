"""Devices without a browser (RFC 8628): the tool's request, and the page where a member answers for it."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from consent import selectors as consent_selectors
from consent.display import groups, item_label
from consent.policy import asked_items
from consent.types import ALWAYS, ITEMS, NoticeOutdated, Question
from directory.models import Member
from idp import access, claims, clients
from idp.models import DeviceGrant, HubSession, Tool
from idp.oauth.validator import allowed_scopes
from idp.protocol import acr
from idp.protocol import device as codes
from idp.protocol.errors import ProtocolError
from idp.selectors import live_session
from idp.services import device, refusals, withdrawal
from idp.services.accounts import attempts
from idp.services.sessions import SESSION_FIELD
from idp.signin import allauth_parts, reauth
from idp.signin.allauth_parts import network_of
from idp.views import agreement, steps
from idp.views.back_channel import address_of, check_form, json_answer, refused
from idp.views.onward import see_other

# For one network and minute: an office may hold a few devices.
STARTS = 60


# The tool's side ---------------------------------------------------------------------------------------------


@csrf_exempt
@require_POST
@sensitive_post_parameters()
def start(request: HttpRequest) -> HttpResponse:
    """RFC 8628 §3.1 and §3.2."""
    tool: Tool | None = None
    now, network = timezone.now(), network_of(request)
    try:
        check_form(request)
        tool = clients.authenticate(request, endpoint=address_of(request)).tool
        if not refusals.allowed("device", network=network, limit=STARTS, now=now):
            raise ProtocolError("temporarily_unavailable", "too many requests", detail="throttled")
        started = device.start(tool=tool, scopes=_scopes(request, tool), asked_from=network, now=now)
    except ProtocolError as error:
        return refused(request, error, tool)
    shown, page = codes.shown(started.user_code), settings.ISSUER + reverse("idp:device")
    return json_answer(
        {
            "device_code": started.device_code,
            "user_code": shown,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?{urlencode({'user_code': shown})}",
            "expires_in": int(device.LIFETIME.total_seconds()),
            "interval": device.INTERVAL_SECONDS,
        }
    )


def _scopes(request: HttpRequest, tool: Tool) -> frozenset[str]:
    """What is asked for and was given to the tool.  Raises ``ProtocolError`` when nothing is left."""
    scopes = frozenset(request.POST.get("scope", "").split()) & allowed_scopes(tool)
    if not scopes:
        raise ProtocolError("invalid_scope", "no known scope is asked for", detail="scope_missing")
    return scopes


# The member's side -------------------------------------------------------------------------------------------


class CodeForm(forms.Form):
    user_code = forms.CharField(
        label=gettext_lazy("Code affiché par l’appareil"),
        max_length=codes.MAX_TYPED_CHARS,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false", "autofocus": True}
        ),
    )


@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """Type the code, read what is asked, answer.  Only a form sent from here changes anything."""
    typed = (request.POST if request.method == "POST" else request.GET).get("user_code", "")
    code = codes.normalise(typed)
    session = live_session(request.session.get(SESSION_FIELD)) if request.user.is_authenticated else None
    if session is None or session.member_id != request.user.pk:
        return reauth.must_sign_in(_own_path(code))
    if request.method != "POST":
        # A link may fill the code in (RFC 8628 §3.3.1); opening it stays the member's own act (§5.4).
        return _ask_code(request, CodeForm(initial={"user_code": codes.shown(code) if code else ""}))
    form = CodeForm(request.POST)
    if not form.is_valid():
        return _ask_code(request, form)
    answers = {"": _opened, "approve": _approved, "deny": _denied, "refuse": _refused}
    answers |= {agreement.ACCEPT: _agreed, agreement.WITHOUT: _agreed}
    answer = answers.get(request.POST.get("answer", ""), _opened)
    now = timezone.now()
    attempt = attempts.take_device_code(session=session.pk, network=network_of(request), now=now)
    if attempt is None:
        device.note_refused(member_id=session.member_id, session_id=session.pk, reason="throttled", now=now)
        form.add_error(None, _("Trop d’essais. Patientez cinq minutes, puis recommencez."))
        return _ask_code(request, form)
    try:
        response = answer(request, code, session, now)
    except device.CodeRefused as error:
        device.note_refused(member_id=session.member_id, session_id=session.pk, reason=error.reason, now=now)
        # One sentence for a wrong code, an old one and one that somebody else has opened.
        form.add_error(None, _("Ce code ne convient pas, ou n’est plus valable. Vérifiez-le sur l’appareil."))
        return _ask_code(request, form)
    attempt.give_back()
    return response


@require_safe
def done(request: HttpRequest, *, linked: bool) -> HttpResponse:
    return render(request, "idp/device_done.html", {"linked": linked})


def _ask_code(request: HttpRequest, form: CodeForm) -> HttpResponse:
    return render(request, "idp/device_code.html", {"form": form}, status=400 if form.errors else 200)


def _opened(request: HttpRequest, code: str, session: HubSession, now: datetime) -> HttpResponse:
    grant = device.open_by(user_code=code, session=session, now=now)
    stopped = _not_allowed(request, grant, code, session, now)
    if stopped is not None:
        return stopped
    member = _member(session)
    question = _question(member, grant)
    asked = question.items if question else _released(member, grant)
    context = {
        "tool": grant.tool,
        "code": codes.shown(code),
        "asked_at": grant.created_at,
        "asked_from": grant.asked_from or "",
        "same_network": grant.asked_from == network_of(request),
        "items": [item_label(item) for item in asked],
        "asks_next": bool(question),
        "own_path": _own_path(code),
    }
    return render(request, "idp/device_confirm.html", context)


def _approved(request: HttpRequest, code: str, session: HubSession, now: datetime) -> HttpResponse:
    """The device is the member's own; what the tool would get of them may still be a question."""
    grant = device.open_by(user_code=code, session=session, now=now)
    stopped = _not_allowed(request, grant, code, session, now)
    if stopped is not None:
        return stopped
    question = _question(_member(session), grant)
    if question is not None:
        return _ask_consent(request, grant, question, code, session)
    device.approve(user_code=code, session=session, now=now)
    return _over(linked=True)


def _agreed(request: HttpRequest, code: str, session: HubSession, now: datetime) -> HttpResponse:
    """The answer to the question of consent, and with it to the device's."""
    grant = device.open_by(user_code=code, session=session, now=now)
    stopped = _not_allowed(request, grant, code, session, now)
    if stopped is not None:
        return stopped
    question = _question(_member(session), grant, again=True)
    if question is None or str(question.notice) != request.POST.get("notice"):
        # The notice changed while the page was open: show the new one.
        return _approved(request, code, session, now)
    try:
        with transaction.atomic():
            agreement.record_yes(
                request, question, member_id=session.member_id, tool_id=grant.tool_id, session=session.pk, now=now
            )
            device.approve(user_code=code, session=session, now=now)
    except NoticeOutdated:
        return _approved(request, code, session, now)
    return _over(linked=True)


def _denied(request: HttpRequest, code: str, session: HubSession, now: datetime) -> HttpResponse:
    device.deny(user_code=code, session=session, reason="member_refused", now=now)
    return _over(linked=False)


def _refused(request: HttpRequest, code: str, session: HubSession, now: datetime) -> HttpResponse:
    """No to the question of consent: what an earlier yes gave this tool ends too."""
    grant = device.open_by(user_code=code, session=session, now=now)
    question = _question(_member(session), grant, again=True)
    try:
        with transaction.atomic():
            if question is not None and question.asks and str(question.notice) == request.POST.get("notice"):
                withdrawal.refuse(
                    member_id=session.member_id,
                    tool=grant.tool,
                    notice_id=question.notice,
                    language=translation.get_language() or "fr",
                    session=session.pk,
                    now=now,
                )
            device.deny(user_code=code, session=session, reason="member_refused", now=now)
    except NoticeOutdated:
        return _denied(request, code, session, now)
    return _over(linked=False)


# What stands between a code and a yes -----------------------------------------------------------------------


def _not_allowed(
    request: HttpRequest, grant: DeviceGrant, code: str, session: HubSession, now: datetime
) -> HttpResponse | None:
    """The same questions as at the authorization endpoint: may they enter, and have they proved enough?"""
    tool, member = grant.tool, _member(session)
    if not access.may_enter(member, tool):
        device.deny(user_code=code, session=session, reason="not_in_group", now=now)
        context = {
            "title": _("Cet outil ne vous est pas ouvert"),
            "message": _("« %(tool)s » est réservé à certains collectifs, et vous n’en faites pas partie.")
            % {"tool": tool.name},
            "advice": _("Si vous devriez y avoir accès, demandez à la structure de vous l’ouvrir."),
        }
        return render(request, "hub/error.html", context, status=403)
    if not acr.suffices(session.acr, acr.Need(minimum=tool.required_acr)):
        return _needs_second_factor(request, tool, code, member)
    oldest = None if tool.default_max_age is None else now - timedelta(seconds=tool.default_max_age)
    # Whoever proved themselves since the device asked is not asked again, however short the period is.
    if oldest is not None and session.auth_time < min(oldest, grant.created_at):
        return reauth.must_reauthenticate(request, _own_path(code))
    return None


def _needs_second_factor(request: HttpRequest, tool: Tool, code: str, member: Member) -> HttpResponse:
    if allauth_parts.has_second_factor(member):
        return reauth.must_prove_second_factor(member, _own_path(code))
    context = {
        "title": _("Une double vérification est demandée"),
        "message": _(
            "Pour ouvrir « %(tool)s », le mot de passe seul ne suffit pas, et vous n’avez rien d’autre encore."
        )
        % {"tool": tool.name},
        "advice": _("Ajoutez une double vérification, puis saisissez de nouveau le code de l’appareil."),
        "back_url": reverse("mfa_choose"),
        "back_label": _("Ajouter la double vérification"),
    }
    return render(request, "hub/error.html", context, status=403)


def _question(member: Member, grant: DeviceGrant, *, again: bool = False) -> Question | None:
    return consent_selectors.question(member.pk, grant.tool_id, _asked(grant), again=again)


def _released(member: Member, grant: DeviceGrant) -> list[str]:
    items = consent_selectors.release(member.pk, grant.tool_id, _asked(grant)).items
    return [code for code in ITEMS if code in items - ALWAYS]


def _asked(grant: DeviceGrant) -> frozenset[str]:
    return asked_items(grant.scope.split())


def _ask_consent(
    request: HttpRequest, grant: DeviceGrant, question: Question, code: str, session: HubSession
) -> HttpResponse:
    processing = consent_selectors.sheet(grant.tool_id)
    member = _member(session)
    steps.note_asked(question, member_id=member.pk, tool_id=grant.tool_id, session=session.pk, now=timezone.now())
    context: dict[str, Any] = {
        "tool": grant.tool,
        "processing": processing,
        "notice": getattr(processing, "notice", None),
        "question": question,
        "groups": groups(
            processing,
            claims.shown(member, question.items),
            consent_selectors.objected(member.pk, grant.tool_id),
        ),
        "form_action": reverse("idp:device"),
        "return_fields": [("user_code", codes.shown(code))],
    }
    return render(request, "consent/ask.html", context)


def _member(session: HubSession) -> Member:
    member: Member = session.member
    return member


def _own_path(code: str) -> str:
    path = reverse("idp:device")
    return f"{path}?{urlencode({'user_code': codes.shown(code)})}" if code else path


def _over(*, linked: bool) -> HttpResponse:
    return see_other(reverse("idp:device_linked" if linked else "idp:device_refused"))
