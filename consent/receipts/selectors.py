"""Reading what a receipt says of one decision."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urljoin
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.urls import reverse

from audit.models import Event
from audit.types import Action
from branding import selectors as branding
from consent import display, policy
from consent.models import Consent, ConsentAsked
from consent.receipts import policy as rules
from consent.receipts.types import Decided, Happened, Shown, State
from consent.register import policy as register
from consent.register import selectors as registered
from consent.register.models import RegisterVersion
from consent.register.types import Kind, Parties, Recipient
from consent.selectors import decisions
from consent.types import WITHDRAWN, Origin

# How a tool knows a member: told by the app that gives tools their identifiers.  (member, tool) → text.
Naming = Callable[[Any, Any], str]
_namings: list[Naming] = []
DECIDING = (
    Action.NOTICE_SEEN,
    Action.CONSENT_GIVEN,
    Action.CONSENT_REFUSED,
    Action.OBJECTED,
    Action.OBJECTION_ENDED,
)


def identify_with(naming: Naming) -> None:
    """Called once, when the apps are ready."""
    _namings[:] = [naming]


def decided(member_id: UUID, number: int) -> Decided | None:
    """A decision of this member with all that its receipt says; nothing for one that is not theirs."""
    consent = decisions(member_id).select_related("member").prefetch_related("notice__copies").filter(pk=number).first()
    if consent is None:
        return None
    version, parties = _register_at(consent.tool_id, consent.at)
    notice = consent.notice
    # A copy for each language is kept; one that the hub no longer speaks leaves the digest of the words.
    copies = {copy.language: copy for copy in notice.copies.all()}
    page = copies.get(consent.language.partition("-")[0])
    content = register.content_of(version.content) if version else None
    return Decided(
        number=rules.number_of(settings.ORIGIN, consent.pk),
        principal=_identifier(consent),
        hub=settings.ORIGIN,
        tool=consent.tool.slug,
        tool_name=consent.tool.name,
        shown=Shown(
            version=notice.version,
            digest=notice.digest,
            language=consent.language,
            address=urljoin(settings.ORIGIN, reverse("consent:notice", args=[notice.pk])),
            content=policy.in_purposes(notice.content),
            kept=notice.content,
            page=page.html if page else "",
            page_digest=page.digest if page else "",
        ),
        granted=tuple(consent.items),
        refused=tuple(consent.refused_items),
        origin=Origin(consent.origin),
        events=events_of(consent, _lines(member_id, consent.pk)),
        withdrawal=urljoin(settings.ORIGIN, f"{reverse('consent:mine')}#outil-{consent.tool.slug}"),
        parties=parties,
        recipients=tuple(each for each in content.recipients if each.fed) if content else tuple[Recipient, ...](),
        register=(version.record.reference, version.version) if version else None,
        labels={code: str(display.item_label(code)) for code in (*consent.items, *consent.refused_items)},
    )


def state_of(consent: Consent) -> State:
    """What became of a decision, told without its lines."""
    return events_of(consent, {})[-1].state


def events_of(consent: Consent, lines: Mapping[Action, UUID]) -> tuple[Happened, ...]:
    """What happened to the decision, in its order; ``lines``: those of the journal, each under what it says.

    ``consent`` comes from ``consent.selectors.decisions``.
    """
    first = rules.state_at_first(consent.decision, consent.notice.content, consent.items)
    asked_at = getattr(consent, "asked_at", None)
    found = []
    if asked_at is not None and asked_at <= consent.at:
        found.append(Happened(asked_at, State.REQUESTED, lines.get(Action.CONSENT_ASKED)))
    found.append(Happened(consent.at, first, next((lines[each] for each in DECIDING if each in lines), None)))
    changed_at = consent.notice.processing.ended_at
    if first is State.GIVEN and changed_at is not None and (consent.ended_at is None or changed_at < consent.ended_at):
        # An agreement is about the text that was shown: with another in force it lets nothing leave.
        found.append(Happened(changed_at, State.EXPIRED))
    if consent.ended_at is not None and consent.ended_reason == WITHDRAWN:
        found.append(Happened(consent.ended_at, State.TAKEN_BACK, lines.get(Action.CONSENT_WITHDRAWN)))
    elif consent.ended_at is not None:
        found.append(Happened(consent.ended_at, State.TERMINATED))
    return tuple(found)


def _identifier(consent: Consent) -> str:
    known = _namings[0](consent.member, consent.tool) if _namings else ""
    return known or str(consent.member_id)


def _lines(member_id: UUID, number: int) -> dict[Action, UUID]:
    about = Q(action__in=(*DECIDING, Action.CONSENT_WITHDRAWN), facts__consent=number)
    question = ConsentAsked.objects.filter(consent=number).order_by("pk").values_list("pk", flat=True).first()
    if question is not None:
        about |= Q(action=Action.CONSENT_ASKED, facts__question=question)
    rows = Event.objects.about(member_id).filter(about).order_by("-pk").values_list("action", "reference")
    # The first line of each kind is the one: later ones are of forms that were sent twice.
    return {Action(action): reference for action, reference in rows}


def _register_at(tool_id: int, at: datetime) -> tuple[RegisterVersion | None, Parties]:
    """The tool's record as it stood then, and who the cooperative was; what the register knows since, before it was."""
    rows = RegisterVersion.objects.filter(Q(record__tool_id=tool_id) | Q(record__kind=Kind.PARTIES))
    standing = rows.filter(started_at__lte=at).filter(Q(ended_at=None) | Q(ended_at__gt=at)).select_related("record")
    found = {row.record.kind == Kind.PARTIES: row for row in standing}
    parties = register.parties_of(found[True].content) if True in found else registered.parties()[0]
    if not parties.controller.name:
        parties = replace(parties, controller=replace(parties.controller, name=branding.cooperative("fr")))
    if not parties.officer.name:
        officer = replace(parties.officer, name=settings.DPO_CONTACT, mail=parties.officer.mail or settings.DPO_CONTACT)
        parties = replace(parties, officer=officer)
    return found.get(False), parties
