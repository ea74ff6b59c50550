"""What the office does on a member's account: a closed list, each act announced, recorded and shown to the member."""

from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from audit.types import Actor
from directory import services as directory_services
from directory import words as directory_words
from directory.access import may
from directory.models import Member
from directory.policy import Right
from directory.types import CannotChange, SuspensionReason
from idp import words
from idp.gate import actor_of, opened_by, refusal
from idp.models import Alarm, Recovery
from idp.services.accounts import alarms, help, invitations, links, lookups, recovery
from idp.signin import reauth
from idp.views.office.members import DepartureForm, SuspensionForm, member_or_404, shown
from idp.views.office.purpose import RECORDS

# A decision that opens an account to somebody asks who is deciding, again.
PROOF = timedelta(minutes=5)
Act = Callable[[HttpRequest, Member, Actor, datetime], "HttpResponse | None"]


@login_required
@require_POST
def act(request: HttpRequest, member_id: UUID, act: str) -> HttpResponse:
    """One act by its name in the address, then back to the member's page."""
    if act not in ACTS:
        raise Http404
    right, todo = ACTS[act]
    turned_away = refusal(request, right, "idp:office_act")
    if turned_away is not None:
        return turned_away
    actor = actor_of(request)
    found = member_or_404(member_id)
    now = timezone.now()
    answer = None
    if not may(request.user, right, found):
        _not_allowed(request, act, found, actor, "own_account", now)
        return _back(found)
    try:
        answer = todo(request, found, actor, now)
    except invitations.CannotInvite as error:
        _not_allowed(request, act, found, actor, error.reason, now)
    except CannotChange as error:
        # The service has written it down.
        messages.error(request, said(error.reason))
    return answer or _back(found)


def said(reason: str) -> str:
    """Why nothing has changed, and what to do."""
    known = directory_words.REFUSALS.get(reason)
    return str(known) if known else _("Rien n’a changé : %(reason)s.") % {"reason": words.reason(reason)}


def _back(found: Member) -> HttpResponse:
    return HttpResponseRedirect(reverse("idp:office_member", args=[found.pk]))


def _not_allowed(request: HttpRequest, act: str, found: Member, actor: Actor, reason: str, now: datetime) -> None:
    lookups.note_refused_act(act=act, member_id=found.pk, actor=actor, reason=reason, now=now)
    messages.error(request, said(reason))


def _invite(request: HttpRequest, found: Member, actor: Actor, now: datetime) -> None:
    invitations.invite(member_id=found.pk, actor=actor, now=now)
    messages.success(request, _("L’invitation part dans l’instant."))


def _take_back(request: HttpRequest, found: Member, actor: Actor, now: datetime) -> None:
    invitations.take_back(member_id=found.pk, actor=actor, now=now)
    messages.success(request, _("L’invitation est annulée : son lien ne sert plus."))


def _unlock(request: HttpRequest, found: Member, actor: Actor, now: datetime) -> None:
    help.unlock(member_id=found.pk, actor=actor, now=now)
    messages.success(request, _("Les essais repartent de zéro."))


def _end_sessions(request: HttpRequest, found: Member, actor: Actor, now: datetime) -> None:
    help.end_sessions(member_id=found.pk, actor=actor, now=now)
    messages.success(request, _("Toutes les sessions sont fermées, dans Trousseau et dans les outils."))


def _suspend(request: HttpRequest, found: Member, actor: Actor, now: datetime) -> HttpResponse | None:
    form = SuspensionForm(request.POST)
    if not form.is_valid():
        return _again(request, found, suspension_form=form)
    reason = SuspensionReason(form.cleaned_data["reason"])
    directory_services.suspend(member_id=found.pk, reason=reason, actor=actor, now=now)
    messages.success(request, _("Le compte est suspendu, et tout ce qui était ouvert est fermé."))
    return None


def _resume(request: HttpRequest, found: Member, actor: Actor, now: datetime) -> None:
    directory_services.resume(member_id=found.pk, actor=actor, now=now)
    messages.success(request, _("La suspension est levée."))


def _depart(request: HttpRequest, found: Member, actor: Actor, now: datetime) -> HttpResponse | None:
    form = DepartureForm(request.POST)
    if form.is_valid() and form.cleaned_data["last_day"] < timezone.localdate(now):
        form.add_error("last_day", _("Ce jour est passé. Pour fermer le compte tout de suite, suspendez-le."))
    if not form.is_valid():
        return _again(request, found, departure_form=form)
    day = form.cleaned_data["last_day"]
    directory_services.plan_departure(member_id=found.pk, last_day=day, actor=actor, now=now)
    text = _("Le départ est daté : le compte se ferme à la fin du %(day)s. Le membre est prévenu.")
    messages.success(request, text % {"day": date_format(day, "DATE_FORMAT")})
    return None


def _cancel_departure(request: HttpRequest, found: Member, actor: Actor, now: datetime) -> None:
    directory_services.cancel_departure(member_id=found.pk, actor=actor, now=now)
    messages.success(request, _("Le départ est annulé."))


def _welcome_back(request: HttpRequest, found: Member, actor: Actor, now: datetime) -> None:
    directory_services.welcome_back(member_id=found.pk, actor=actor, now=now)
    messages.success(request, _("Le compte est rouvert : c’est la même personne pour tous les outils."))


def _ask_recovery(request: HttpRequest, found: Member, actor: Actor, now: datetime) -> None:
    recovery.ask(member_id=found.pk, by_hand=bool(request.POST.get("by_hand")), actor=actor, now=now)
    messages.success(request, _("La demande est faite. Une autre personne de la structure doit l’accepter."))


ACTS: dict[str, tuple[Right, Act]] = {
    "invite": (Right.INVITE, _invite),
    "take_back": (Right.INVITE, _take_back),
    "unlock": (Right.UNLOCK, _unlock),
    "end_sessions": (Right.END_SESSIONS, _end_sessions),
    "suspend": (Right.SUSPEND, _suspend),
    "resume": (Right.SUSPEND, _resume),
    "depart": (Right.DATE_DEPARTURE, _depart),
    "cancel_departure": (Right.DATE_DEPARTURE, _cancel_departure),
    "welcome_back": (Right.SUSPEND, _welcome_back),
    "ask_recovery": (Right.ASK_RECOVERY, _ask_recovery),
}


def _again(request: HttpRequest, found: Member, **forms: object) -> HttpResponse:
    reading = RECORDS.current(request, timezone.now())
    if reading is None:
        return RECORDS.ask(request)
    context = shown(request, found, reading, **forms)  # type: ignore[arg-type]
    return render(request, "idp/office/member.html", context, status=HTTPStatus.UNPROCESSABLE_ENTITY)


# Recoveries and alarms ---------------------------------------------------------------------------------------


@opened_by(Right.DECIDE_RECOVERY, page="idp:office_recovery")
@require_POST
def decide(request: HttpRequest, recovery_id: UUID) -> HttpResponse:
    """The other person's word.  Saying yes asks them to prove who they are, again."""
    actor = actor_of(request)
    now = timezone.now()
    asked = get_object_or_404(Recovery.objects.select_related("member"), pk=recovery_id)
    page = reverse("idp:office_member", args=[asked.member_id])
    answer = request.POST.get("answer", "")
    if answer == "approve" and not reauth.proof_since(request, now - PROOF):
        messages.info(request, _("Confirmez d’abord que c’est vous, puis acceptez de nouveau."))
        return reauth.must_reauthenticate(request, page)
    try:
        if answer == "approve":
            decided = recovery.approve(recovery_id=recovery_id, actor=actor, now=now)
            if decided.secret:
                link = links.address_of(decided.secret)
                return render(request, "idp/office/by_hand.html", {"person": asked.member, "link": link})
            messages.success(
                request, _("C’est fait : la double vérification repart de zéro, et le membre est prévenu.")
            )
        elif answer == "refuse":
            recovery.refuse(recovery_id=recovery_id, actor=actor, now=now)
            messages.success(request, _("La demande est refusée. Rien n’a changé pour le membre."))
        elif answer == "cancel":
            recovery.cancel(recovery_id=recovery_id, actor=actor, now=now)
            messages.success(request, _("La demande est annulée."))
        else:
            raise Http404
    except CannotChange as error:
        lookups.note_refused_act(act="recovery", member_id=asked.member_id, actor=actor, reason=error.reason, now=now)
        messages.error(request, said(error.reason))
    return HttpResponseRedirect(page)


@opened_by(Right.SETTLE_ALARMS, page="idp:office_alarm")
@require_POST
def settle_alarm(request: HttpRequest, alarm_id: int) -> HttpResponse:
    """Somebody has spoken with the member."""
    actor = actor_of(request)
    alarm = get_object_or_404(Alarm.objects.select_related("member"), pk=alarm_id)
    now = timezone.now()
    try:
        alarms.settle(alarm_id=alarm_id, actor=actor, now=now)
        messages.success(request, _("L’alerte est rangée."))
    except CannotChange as error:
        _not_allowed(request, "alarm", alarm.member, actor, error.reason, now)
    return HttpResponseRedirect(reverse("idp:office"))


@login_required
@require_POST
def cancel_own(request: HttpRequest, recovery_id: UUID) -> HttpResponse:
    """The member themself: "I asked for nothing"."""
    asked = get_object_or_404(Recovery, pk=recovery_id, member=request.user.pk)
    try:
        recovery.cancel(recovery_id=asked.pk, actor=Actor(member=request.user.pk), now=timezone.now())
        messages.success(request, _("La demande est annulée : rien n’a changé. Prévenez la structure."))
    except CannotChange:
        messages.info(request, _("Cette demande n’attend plus de réponse."))
    return HttpResponseRedirect(reverse("mfa_index"))
