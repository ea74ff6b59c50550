"""The steps of an authorization request: the one function that knows their order."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID

from django.core.signing import dumps, loads
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from consent import policy as consent_policy
from consent import selectors as consent_selectors
from consent import services as consent_services
from consent.display import groups
from consent.types import Question
from directory.models import Member
from idp import arrivals, claims, entrance
from idp.arrivals import Arrived
from idp.entrance import Entrance
from idp.models import Tool
from idp.protocol import acr
from idp.protocol.authorization import CREATE, AuthRequest, Destination, without_create
from idp.protocol.errors import ProtocolError
from idp.selectors import must_enrol
from idp.services import codes, keys, refusals, tokens
from idp.signin import allauth_parts, pending, reauth
from idp.views import answers, language
from idp.views.onward import see_other

CONSENT_SALT = "idp.consent"
CONSENT_LIFETIME = timedelta(minutes=30)
# Long enough to read a notice after signing in.
PROOF_SERVES = timedelta(minutes=15)
# From one network, before anybody there has signed in: each is a row of several kilobytes.
WAITS_A_MINUTE = 300


@dataclass(frozen=True, slots=True)
class Asked:
    """A checked request with its tool, and how it came."""

    tool: Tool
    where: Destination
    arrived: Arrived
    request: AuthRequest

    @property
    def key(self) -> str:
        return self.arrived.key

    @property
    def silent(self) -> bool:
        return "none" in self.request.prompt

    @property
    def own_url(self) -> str:
        return own_url(self.arrived, self.tool)

    @property
    def items(self) -> frozenset[str]:
        """The data items asked for, by scope or by single claim."""
        return consent_policy.asked_items(self.request.scopes, self.request.claims.names)


def own_url(arrived: Arrived, tool: Tool) -> str:
    """Where a waiting request is taken up again; the tool is named for the page of one that waits no more."""
    return f"{reverse('idp:resume', args=[arrived.key])}?{urlencode({'client_id': tool.client_id})}"


# The order ---------------------------------------------------------------------------------------------------


def proceed(request: HttpRequest, arrived: Arrived, *, now: datetime, consented: bool = False) -> HttpResponse:
    try:
        tool, where = arrivals.address(arrived.pairs)
    except ProtocolError as error:
        return answers.error_page(request, error, now=now)
    try:
        asked = Asked(tool, where, arrived, arrivals.read(tool, arrived))
        return _steps(request, asked, now=now, consented=consented)
    except ProtocolError as error:
        pending.done(request, arrived.key)
        return answers.with_error(request, tool, where, error, member=member_id_of(request), now=now)


def _steps(request: HttpRequest, asked: Asked, *, now: datetime, consented: bool) -> HttpResponse:
    language.follow(request, asked.request.ui_locales)
    readers = _readers(asked)
    need = acr.need_of(asked.request, minimum=acr.strongest(*(tool.required_acr for tool in (asked.tool, *readers))))
    if not acr.attainable(need):
        # RFC 9470 §5; nobody is asked for a proof that would not do.
        raise ProtocolError("unmet_authentication_requirements", "this acr is not offered here", detail="acr_unknown")
    hinted = _hinted_subject(asked)
    if CREATE in asked.request.prompt:
        if member_id_of(request) is None:
            _check_waits(request, now)
        return _no_registration(request, asked, now=now)
    found = entrance.before(asked.tool, request.session, now=now)
    if found is None:
        return _sign_in(request, asked, now=now)
    if asked.silent and found.left:
        # The tool would otherwise let itself in again, a moment after the member closed it.
        raise ProtocolError("login_required", "the member left this tool", detail="tool_was_closed")
    _check_subject(found.member, asked, hinted)
    if not found.may_enter:
        return _no_access(request, asked, found.member, now=now)
    if _needs_enrolment(found, now):
        return _enrol(request, asked, now=now)
    if _needs_proof(request, asked, found, readers, now=now):
        return _confirm(request, asked, now=now)
    if _needs_step_up(asked, found, need):
        return _step_up(request, asked, found.member, now=now)
    tokens.check_doors(found.member, found.session, readers, now=now)
    question = None if consented else _question(found, asked)
    if question is not None:
        return _ask(request, found, asked, question, now=now)
    code = codes.issue(
        entrance=found,
        tool=asked.tool,
        request=asked.request,
        acr=acr.stated(found.session.acr, need),
        reference=asked.arrived.reference,
        now=now,
    )
    pending.done(request, asked.key)
    return answers.with_code(request, asked.tool, asked.where, code, found.session, now=now)


def _readers(asked: Asked) -> list[Tool]:
    """The other tools that the tokens will be shown to (RFC 8707): what they ask of a member is asked now."""
    found = [Tool.objects.of_resource(each) for each in asked.request.resources]
    return [tool for tool in found if tool is not None and tool.pk != asked.tool.pk]


def _hinted_subject(asked: Asked) -> object:
    """Who the tool expects, by a token of ours; ``None`` without a hint.  An expired one, or of a retired key, serves.

    Raises ``ProtocolError`` for a token that is not ours, is no ID token, or was made for somebody else.
    """
    if not asked.request.id_token_hint:
        return None
    try:
        claimed = keys.verify_id_token(asked.request.id_token_hint)
    except keys.NotOurs as error:
        raise ProtocolError("invalid_request", "id_token_hint is not ours", detail=f"hint_{error}"[:60]) from error
    audience = claimed.get("aud")
    if asked.tool.client_id not in (audience if isinstance(audience, list) else [audience]):
        raise ProtocolError("invalid_request", "id_token_hint is another client's", detail="hint_audience")
    return claimed["sub"]


def _check_subject(member: Member, asked: Asked, hinted: object) -> None:
    """OpenID Connect Core §3.1.2.1, §5.5.1: what is asked about one person is not answered for another."""
    wishes = [
        wish for part in (asked.request.claims.id_token, asked.request.claims.userinfo) if (wish := part.get("sub"))
    ]
    if hinted is None and not wishes:
        return
    subject = claims.subject(member, asked.tool)
    if hinted is not None and hinted != subject:
        raise ProtocolError("login_required", "somebody else is signed in", detail="hint_mismatch")
    if not all(wish.accepts(subject) for wish in wishes):
        raise ProtocolError("login_required", "somebody else is signed in", detail="sub_mismatch")


# Signing in and proving it -----------------------------------------------------------------------------------


def _wait(request: HttpRequest, asked: Asked) -> None:
    pending.wait(request, asked.key, asked.arrived.kept())
    pending.remember(
        request,
        url=asked.own_url,
        tool=asked.tool.name,
        redirect_uri=asked.request.redirect_uri,
        hint=asked.request.login_hint,
    )


def _check_waits(request: HttpRequest, now: datetime) -> None:
    """Raises ``ProtocolError`` where nobody is signed in, and nobody could sign in here or too many wait already."""
    if request.headers.get("Sec-Fetch-Dest", "document") != "document":
        # A picture or a frame of any page, which would use up the share of everybody behind the same address.
        raise ProtocolError("login_required", "a sign-in needs a window", detail="no_window")
    if not refusals.allowed("waits", network=allauth_parts.network_of(request), limit=WAITS_A_MINUTE, now=now):
        raise ProtocolError("temporarily_unavailable", "too many requests at once", detail="throttled")


def _sign_in(request: HttpRequest, asked: Asked, *, now: datetime) -> HttpResponse:
    if asked.silent:
        raise ProtocolError("login_required", "nobody is signed in")
    _check_waits(request, now)
    _wait(request, asked)
    pending.note_proof_asked(request, asked.key, now)
    return reauth.must_sign_in(asked.own_url)


def _needs_proof(
    request: HttpRequest, asked: Asked, found: Entrance, readers: Sequence[Tool], *, now: datetime
) -> bool:
    """``prompt=login`` and ``max_age``: judged by what the session did, never by the way the browser came back."""
    proved = found.session.auth_time
    if asked.request.prompt & {"login", "select_account"} or asked.request.max_age == 0:
        since = pending.proof_asked(request, asked.key)
        # Not what somebody else proves later, for another reason, in a browser where this request was left waiting.
        return since is None or proved < since or now - proved > PROOF_SERVES
    if not all(tokens.is_fresh_for(reader, proved, now=now) for reader in readers):
        return True
    return asked.request.max_age is not None and now - proved > timedelta(seconds=asked.request.max_age)


def _confirm(request: HttpRequest, asked: Asked, *, now: datetime) -> HttpResponse:
    if asked.silent:
        raise ProtocolError("login_required", "a new sign-in is needed")
    _wait(request, asked)
    pending.note_proof_asked(request, asked.key, now)
    return reauth.must_reauthenticate(request, asked.own_url)


def _needs_enrolment(found: Entrance, now: datetime) -> bool:
    """Is a second factor asked of this member, and missing after its date?  A session that used one has one."""
    return found.session.acr == acr.LEVELS[0] and must_enrol(found.member, now)


def _enrol(request: HttpRequest, asked: Asked, *, now: datetime) -> HttpResponse:
    if asked.silent:
        raise ProtocolError("interaction_required", "the member must add a second factor", detail="no_factor")
    _wait(request, asked)
    answers.note_refusal(request, asked.tool, "no_factor", member=member_id_of(request), now=now)
    return see_other(reverse("mfa_choose"))


def _needs_step_up(asked: Asked, found: Entrance, need: acr.Need) -> bool:
    held = found.session.acr
    if not acr.suffices(held, need):
        return True
    # A wish only: it is followed where the member can follow it, and silently passed over where they cannot.
    return acr.wished(held, need) and not asked.silent and allauth_parts.has_second_factor(found.member)


def _step_up(request: HttpRequest, asked: Asked, member: Member, *, now: datetime) -> HttpResponse:
    if asked.silent:
        raise ProtocolError("login_required", "a stronger sign-in is needed", detail="acr_too_low")
    _wait(request, asked)
    if allauth_parts.has_second_factor(member):
        return reauth.must_prove_second_factor(member, asked.own_url)
    context = {
        "title": _("Une double vérification est demandée"),
        "message": _(
            "Pour ouvrir « %(tool)s », le mot de passe seul ne suffit pas, et vous n’avez rien d’autre encore."
        )
        % {"tool": asked.tool.name},
        "advice": _("Ajoutez une double vérification : cela prend deux minutes, puis l’outil s’ouvrira."),
        "next_url": reverse("mfa_choose"),
        "next_label": _("Ajouter la double vérification"),
    }
    error = ProtocolError("unmet_authentication_requirements", "the member has no second factor", detail="no_factor")
    return answers.stopped(request, asked.tool, asked.where, error, context, status=200, now=now)


def _no_registration(request: HttpRequest, asked: Asked, *, now: datetime) -> HttpResponse:
    """OpenID Connect Prompt Create §4.1: unsupported, so HTTP 400 and ``invalid_request``, as a page.

    Nobody opens an account alone in a cooperative; the person is told whom to ask, and may go on with the account
    they have.  The tool learns of it when they go back.
    """
    answers.note_refusal(request, asked.tool, "prompt_create", member=member_id_of(request), now=now)
    going_on = replace(asked.arrived, pairs=tuple(without_create(asked.arrived.pairs)))
    pending.wait(request, going_on.key, going_on.kept())
    context = {
        "title": _("Les comptes sont ouverts par la structure"),
        "message": _("« %(tool)s » vous propose de créer un compte. Ici, chaque membre en a déjà un.")
        % {"tool": asked.tool.name},
        "advice": _("Si vous n’en avez pas encore, écrivez à la structure."),
        "next_url": own_url(going_on, asked.tool),
        "next_label": _("J’ai déjà un compte"),
    }
    error = ProtocolError("invalid_request", "prompt=create is not supported", detail="prompt_create")
    return answers.stopped(request, asked.tool, asked.where, error, context, status=400, now=now)


# Access and consent ------------------------------------------------------------------------------------------


def _no_access(request: HttpRequest, asked: Asked, member: Member, *, now: datetime) -> HttpResponse:
    error = ProtocolError("access_denied", "this member may not enter this tool", detail="not_in_group")
    if asked.silent:
        raise error
    answers.note_refusal(request, asked.tool, error.detail, member=member.pk, now=now)
    context = {
        "title": _("Cet outil ne vous est pas ouvert"),
        "message": _("« %(tool)s » est réservé à certains collectifs, et vous n’en faites pas partie.")
        % {"tool": asked.tool.name},
        "advice": _("Si vous devriez y avoir accès, demandez à la structure de vous l’ouvrir."),
        "next_url": reverse("idp:why", args=[asked.tool.slug]),
        "next_label": _("Pourquoi n’ai-je pas accès ?"),
    }
    return answers.stopped(request, asked.tool, asked.where, error, context, status=403, now=now)


def _question(found: Entrance, asked: Asked) -> Question | None:
    again = "consent" in asked.request.prompt
    if not again and consent_selectors.settled(asked.tool.pk, found.standing, asked.items):
        return None
    return consent_selectors.question(found.member.pk, asked.tool.pk, asked.items, again=again)


def note_asked(question: Question, *, member_id: UUID, tool_id: int, session: UUID, now: datetime) -> None:
    """What is about to be shown asks for something, and does not only inform."""
    if question.asks:
        consent_services.note_asked(
            member_id=member_id,
            tool_id=tool_id,
            notice_id=question.notice,
            language=get_language() or "fr",
            session=session,
            now=now,
        )


def _ask(request: HttpRequest, found: Entrance, asked: Asked, question: Question, *, now: datetime) -> HttpResponse:
    if asked.silent:
        raise ProtocolError("consent_required" if question.asks else "interaction_required", "something must be shown")
    _wait(request, asked)
    note_asked(question, member_id=found.member.pk, tool_id=asked.tool.pk, session=found.session.pk, now=now)
    processing = consent_selectors.sheet(asked.tool.pk)
    context = {
        "tool": asked.tool,
        "processing": processing,
        "notice": getattr(processing, "notice", None),
        "question": question,
        "groups": groups(
            processing,
            claims.shown(found.member, question.items),
            consent_selectors.objected(found.member.pk, asked.tool.pk),
        ),
        "return_fields": [("request", dumps(asked.arrived.kept(), salt=CONSENT_SALT))],
    }
    return render(request, "consent/ask.html", context)


def signed_form(text: str) -> Arrived:
    """The request that travelled in a consent form.  Raises ``BadSignature`` for one that is forged or too old."""
    return Arrived.restored(loads(text, salt=CONSENT_SALT, max_age=CONSENT_LIFETIME))


def member_id_of(request: HttpRequest) -> UUID | None:
    """Who is signed in, for the journal of refusals."""
    return request.user.pk if request.user.is_authenticated else None
