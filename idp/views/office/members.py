"""Finding members, and the page of one of them."""

from typing import Any
from uuid import UUID

from django import forms
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from audit.days import DayField
from audit.services import note_consulted, note_name_search
from audit.types import Reading
from consent.directions.selectors import has_left
from directory import selectors as directory_selectors
from directory.models import Member
from directory.policy import Right
from directory.types import Hold, Kind, MemberState, SourceState, SuspensionReason
from idp import accounts, words
from idp.gate import actor_of, opened_by
from idp.models import Browser, Recovery
from idp.selectors import acts_on, live_sessions
from idp.services.accounts import factors, invitations
from idp.standing import Act, Code, Obstacle, can_enter, obstacles
from idp.standing_words import ACTS, to_office
from idp.types import RecoveryState
from idp.views.office.purpose import RECORDS

PER_PAGE = 25
# What was looked for waits in the session: a name in an address would stay in histories and logs.
QUERY = "office_query"
LISTS = {
    "tous": _("Tout le monde"),
    "jamais": _("Jamais venus"),
    "suspendus": _("Suspendus"),
    "departs": _("Départs prévus"),
    "absents": _("Absents"),
    "partis": _("Partis"),
}


class DepartureForm(forms.Form):
    last_day = DayField(label=_("Dernier jour"))


class SuspensionForm(forms.Form):
    reason = forms.ChoiceField(label=_("Raison"), choices=SuspensionReason.choices)


@opened_by(Right.FIND_MEMBERS, page="idp:office")
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What waits, and the list of members: one list, or what was looked for."""
    actor = actor_of(request)
    now = timezone.now()
    which = request.GET.get("liste", "")
    if which and which not in LISTS:
        raise Http404
    query = "" if which else str(request.session.get(QUERY, ""))
    ids = None
    reading = RECORDS.current(request, now)
    if query:
        if reading is None:
            return RECORDS.ask(request)
        ids = directory_selectors.matching(query)
        note_name_search(actor=actor, reading=reading, results=len(ids), now=now)
    page = Paginator(accounts.members(which or "tous", ids), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "query": query,
        "reading": reading,
        "which": which or ("" if query else "tous"),
        "lists": LISTS.items(),
        "page": page,
        "rows": [(member, badge(member)) for member in page.object_list],
        "to_do": accounts.to_do(now),
        "me": actor.member,
    }
    return render(request, "idp/office/home.html", context)


@opened_by(Right.FIND_MEMBERS, page="idp:office_search")
@require_POST
def search(request: HttpRequest) -> HttpResponse:
    """Keep what is looked for and show it; nothing typed shows everybody again."""
    request.session[QUERY] = request.POST.get("q", "").replace("\x00", "").strip()[:100]
    return HttpResponseRedirect(reverse("idp:office") + "#membres")


@opened_by(Right.FIND_MEMBERS, page="idp:office_member")
@require_safe
@RECORDS.opens
def member(request: HttpRequest, member_id: UUID, reading: Reading) -> HttpResponse:
    return render(request, "idp/office/member.html", shown(request, member_or_404(member_id), reading))


def member_or_404(member_id: UUID) -> Member:
    found = Member.objects.filter(pk=member_id, erased_at=None).first()
    if found is None:
        raise Http404
    return found


def shown(request: HttpRequest, found: Member, reading: Reading, **forms_: forms.Form) -> dict[str, Any]:
    """What the page of a member shows; ``forms_`` are those that came back with errors.

    Whoever is shown it has looked at the account, by whichever way they came.
    """
    now = timezone.now()
    note_consulted(member_id=found.pk, reading=reading, now=now)
    facts = accounts.facts_of(found, now)
    enters = can_enter(facts, now)
    tools = accounts.tools_seen_for(found)
    why_not_invited = invitations.why_not(found, now=now)
    departure = directory_selectors.planned_departure(found)
    sessions = live_sessions(now).filter(member=found).prefetch_related("tool_sessions__tool").order_by("-last_seen_at")
    own = found.pk == request.user.pk
    return {
        "person": found,
        "reading": reading,
        "own": own,
        "enters": enters,
        "obstacles": [
            (to_office(each), None if own else _act_words(each, may_invite=not why_not_invited))
            for each in obstacles(facts, now)
        ],
        "acts_with_form": {"resume", "unlock", "invite", "welcome_back", "cancel_departure"},
        "facts": facts,
        "invitation": invitations.latest(found, now=now),
        "may_invite": not why_not_invited,
        "why_not_invited": words.reason(why_not_invited),
        "departure": departure,
        "has_directions": has_left(found.pk),
        "departure_form": forms_.get("departure_form")
        or DepartureForm(initial={"last_day": departure.last_day if departure else None}),
        "suspension_form": forms_.get("suspension_form") or SuspensionForm(),
        "sessions": list(sessions),
        "browsers": Browser.objects.filter(member=found, ended_at=None, expires_at__gt=now).count(),
        "factors": factors.summary(found),
        "recovery": Recovery.objects.filter(member=found, state=RecoveryState.ASKED, expires_at__gt=now)
        .select_related("asked_by")
        .first(),
        "me": request.user.pk,
        "opens": [each for each in tools if each.opens],
        "reserved": [each for each in tools if not each.opens and (each.closed or each.needed or enters)],
        "collectives": found.collectives.filter(present=True).exclude(kind=Kind.STATUS),
        "periods": directory_selectors.path_of(found),
        "acts": acts_on(found, limit=20, for_office=True),
        "today": timezone.localdate(),
    }


def _act_words(obstacle: Obstacle, *, may_invite: bool) -> tuple[str, str] | None:
    """What may be done about it, and what the button says."""
    if obstacle.act is None or (obstacle.act == Act.INVITE and not may_invite):
        return None
    again = obstacle.act == Act.INVITE and obstacle.code != Code.INVITATION_NEVER
    return str(obstacle.act), str(_("Renvoyer l’invitation") if again else ACTS[obstacle.act])


def badge(found: Any) -> tuple[str, Any]:
    """How somebody stands, in a word: for a list, from what one statement reads."""
    if found.is_absent:
        return "wait", _("absent·e de l’annuaire")
    if found.hold == Hold.LEFT or found.state in (MemberState.LEFT, MemberState.MISSING):
        return "", _("parti·e")
    if found.hold == Hold.SUSPENDED:
        return "bad", _("suspendu·e")
    if found.state == MemberState.LOCKED:
        return "bad", _("verrouillé·e dans l’annuaire")
    if found.source_state == SourceState.RETIRED and not found.has_passkey:
        return "bad", _("annuaire retiré")
    if found.leaving:
        return "wait", _("départ prévu")
    return ("ok", _("peut entrer")) if found.ever_in else ("wait", _("jamais venu·e"))
