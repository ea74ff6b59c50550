"""The door of every page that a role opens: the right, then the proof of the session.  Refusals are recorded.

``directory.access.may`` says what a person may do; this file asks it for requests, and nobody else does.
"""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.proof import selectors as proof
from audit.services import note_refused_page
from audit.types import Actor
from directory.access import may
from directory.models import Collective, Member
from directory.policy import Right
from idp.protocol.acr import Need, suffices
from idp.selectors import live_session
from idp.services.sessions import SESSION_FIELD
from idp.signin import allauth_parts, reauth

View = Callable[..., HttpResponseBase]
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# Forms by which somebody goes on to read: why they do, and what they look for.
READING = frozenset({"audit:purpose", "audit:search", "idp:erasure_purpose", "idp:office_purpose", "idp:office_search"})
TWO_FACTORS = Need(minimum="2")


def opened_by(right: Right, *, page: str) -> Callable[[View], View]:
    """A page for whoever has this right; ``page`` is its name in the journal, where it is refused.

    Its view asks ``check`` besides, where the right is over one member or one collective.
    """

    def guarded(view: View) -> View:
        @wraps(view)
        def enter(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            answer = refusal(request, right, page)
            return answer if answer is not None else view(request, *args, **kwargs)

        return login_required(enter)

    return guarded


def refusal(request: HttpRequest, right: Right, page: str) -> HttpResponse | None:
    """Nothing for whoever may go on; the way to a second factor for whose session lacks it.

    Nothing is changed either while the journal is not signed, where that was chosen: the page says to come back.

    Raises ``PermissionDenied`` without the right, after a line in the journal.
    """
    check(request, right, page=page)
    member = request.user
    now = timezone.now()
    changes = request.method not in SAFE and page not in READING
    if settings.JOURNAL_BEFORE_ADMINISTRATION and changes and proof.is_behind(now):
        note_refused_page(actor=actor_of(request), page=page, reason="journal_behind", now=now)
        return _come_back_later(request)
    if not isinstance(member, Member) or not _must_prove_more(request, member, now):
        return None
    if allauth_parts.has_second_factor(member):
        # A form that was sent is not sent again by coming back: its page is asked for anew.
        back = request.get_full_path() if request.method == "GET" else reverse("launcher:home")
        return reauth.must_prove_second_factor(member, back)
    note_refused_page(actor=actor_of(request), page=page, reason="second_factor_missing", now=now)
    messages.warning(
        request,
        _("Votre rôle demande une double vérification, et le délai pour l’ajouter est passé. Ajoutez-la ici."),
    )
    return HttpResponseRedirect(reverse("mfa_index"))


def check(request: HttpRequest, right: Right, subject: Member | Collective | None = None, *, page: str) -> None:
    """Go on, or raise ``PermissionDenied``: asked again wherever a page is about one member or one collective."""
    if not may(request.user, right, subject) and not (subject is None and _may_somewhere(request, right)):
        note_refused_page(actor=actor_of(request), page=page, now=timezone.now())
        raise PermissionDenied


def must_prove_now(request: HttpRequest, *, page: str, back: str) -> HttpResponse | None:
    """For what cannot be undone: two factors of these minutes, whatever the grace that a new role has for the second.

    Nothing where they were proved; ``back`` is where they are asked for, to come back to.
    """
    member, now = request.user, timezone.now()
    if not isinstance(member, Member) or not allauth_parts.has_second_factor(member):
        note_refused_page(actor=actor_of(request), page=page, reason="second_factor_missing", now=now)
        messages.warning(request, _("Ajoutez d’abord une double vérification : ce geste la demande."))
        return HttpResponseRedirect(reverse("mfa_index"))
    if reauth.is_fresh(request, now):
        return None
    messages.info(request, _("Confirmez d’abord que c’est vous, puis recommencez."))
    return reauth.must_reauthenticate(request, back, whole=True)


def actor_of(request: HttpRequest) -> Actor:
    return Actor(member=request.user.pk)


def is_second_factor_due(member: Member, now: datetime) -> bool:
    """Whether this person's time to add a second factor is over, as far as a role asks for one."""
    if not settings.ROLES_NEED_SECOND_FACTOR or not member.roles:
        return False
    if member.second_factor_by is not None:
        return now >= member.second_factor_by
    # The worker has not looked since the role was given.
    given = [grant.granted_at for grant in member.role_grants.all() if grant.is_in_force(now)]
    return not given or now >= min(given) + settings.SECOND_FACTOR_GRACE


def _come_back_later(request: HttpRequest) -> HttpResponse:
    context = {
        "title": _("Le journal ne se signe plus"),
        "message": _("Votre coopérative a choisi que rien ne change tant que le journal ne peut pas le prouver."),
        "advice": _("Prévenez la technique, puis revenez en arrière : ce que vous avez écrit y est encore."),
    }
    response = render(request, "hub/error.html", context, status=HTTPStatus.SERVICE_UNAVAILABLE)
    response["Retry-After"] = str(int(proof.LATE.total_seconds()))
    return response


def _must_prove_more(request: HttpRequest, member: Member, now: datetime) -> bool:
    if not is_second_factor_due(member, now):
        return False
    session = live_session(request.session.get(SESSION_FIELD))
    return session is None or not suffices(session.acr, TWO_FACTORS)


def _may_somewhere(request: HttpRequest, right: Right) -> bool:
    """A lead's right is over collectives: the door of a page opens to whoever leads one, its content is checked."""
    person = request.user
    if not isinstance(person, Member):
        return False
    return any(may(person, right, each) for each in Collective.objects.filter(present=True, leads=person)[:1])
