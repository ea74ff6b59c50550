"""Changing what is declared and agreed, and writing the ledger.  Each change records itself in its transaction."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import transaction

from audit.services import record
from audit.types import Action, Actor, Entry
from consent import policy, selectors
from consent.models import Consent, Disclosure, Notice, Processing, ProcessingItem
from consent.types import Decision, Disclosed, LegalBasis, NoticeOutdated, Sheet, SheetInvalid, Terms

REPLACED = "replaced"
WITHDRAWN = "withdrawn"


@transaction.atomic
def declare(*, tool_id: int, sheet: Sheet, actor: Actor, now: datetime) -> Processing:
    """Put a sheet in force: a new version with its notice, or nothing at all when it says the same."""
    policy.check_sheet(sheet)
    content = policy.notice_content(sheet)
    digest = policy.digest(content)
    newest = (
        Processing.objects.select_for_update(of=("self",))
        .filter(tool_id=tool_id)
        .select_related("notice")
        .order_by("-version")
        .first()
    )
    if newest is not None and newest.ended_at is None and newest.notice.digest == digest:
        return newest
    Processing.objects.filter(tool_id=tool_id, ended_at=None).update(ended_at=now)
    processing = Processing(
        tool_id=tool_id,
        version=newest.version + 1 if newest is not None else 1,
        name=sheet.processing,
        name_en=sheet.processing_en,
        purpose=sheet.purpose,
        purpose_en=sheet.purpose_en,
        legal_basis=sheet.legal_basis,
        retention=sheet.retention,
        retention_en=sheet.retention_en,
        recipient=sheet.recipient,
        contact=sheet.contact,
        started_at=now,
    )
    try:
        processing.clean_fields(exclude=["tool", "ended_at"])
    except ValidationError as error:
        raise SheetInvalid(
            "; ".join(f"{name}: {' '.join(said)}" for name, said in error.message_dict.items())
        ) from error
    processing.save()
    ProcessingItem.objects.bulk_create(
        ProcessingItem(
            processing=processing, item=item.item, why=item.why, why_en=item.why_en, optional=item.optional, order=order
        )
        for order, item in enumerate(sheet.items)
    )
    notice = Notice.objects.create(
        processing=processing, version=processing.version, digest=digest, content=content, created_at=now
    )
    selectors.forget_sheets()
    transaction.on_commit(selectors.forget_sheets)
    record(
        Entry(
            Action.SHEET_DECLARED,
            actor=actor,
            tool=tool_id,
            facts={
                "processing": processing.pk,
                "notice": notice.pk,
                "version": notice.version,
                "digest": digest,
                "legal_basis": sheet.legal_basis.value,
                "items": [item.item for item in sheet.items],
            },
            at=now,
        )
    )
    return processing


@transaction.atomic
def answer(
    *,
    member_id: UUID,
    tool_id: int,
    notice_id: int,
    accepted: frozenset[str],
    actor: Actor,
    language: str,
    now: datetime,
    session: UUID | None = None,
) -> Consent:
    """The member goes on: informed where the basis needs no consent, else granting item by item.

    Raises ``NoticeOutdated`` when the notice is not the one in force: nobody agrees to a text they did not see.
    """
    terms = _terms(tool_id, notice_id)
    granted, refused = policy.split(terms, accepted)
    decision = Decision.GIVEN if terms.basis == LegalBasis.CONSENT else Decision.INFORMED
    action = Action.NOTICE_SEEN
    if decision == Decision.GIVEN:
        # Going on with every switch off opens the tool without data: the journal must not call that an agreement.
        action = Action.CONSENT_GIVEN if granted or not refused else Action.CONSENT_REFUSED
    return _decide(
        member_id=member_id,
        tool_id=tool_id,
        terms=terms,
        decision=decision,
        granted=granted,
        refused=refused,
        action=action,
        actor=actor,
        language=language,
        session=session,
        now=now,
    )


@transaction.atomic
def refuse(
    *,
    member_id: UUID,
    tool_id: int,
    notice_id: int,
    actor: Actor,
    language: str,
    now: datetime,
    session: UUID | None = None,
) -> Consent:
    """The member does not open the tool.  It is asked again the next time they try to open it."""
    terms = _terms(tool_id, notice_id)
    return _decide(
        member_id=member_id,
        tool_id=tool_id,
        terms=terms,
        decision=Decision.REFUSED,
        granted=[],
        refused=[*terms.required, *terms.optional],
        action=Action.CONSENT_REFUSED,
        actor=actor,
        language=language,
        session=session,
        now=now,
    )


@transaction.atomic
def end_consent(*, member_id: UUID, tool_id: int, actor: Actor, now: datetime, reason: str = WITHDRAWN) -> bool:
    """End the member's consent for a tool, from now on (GDPR art. 7(3)); whether there was one.

    Only an agreement can be withdrawn: a notice that was read, or a refusal, is not one.
    """
    live = (
        Consent.objects.select_for_update(of=("self",))
        .filter(member_id=member_id, tool_id=tool_id, ended_at=None, decision=Decision.GIVEN)
        .select_related("notice")
        .first()
    )
    if live is None:
        return False
    live.ended_at, live.ended_reason = now, reason
    live.save(update_fields=["ended_at", "ended_reason"])
    record(
        Entry(
            Action.CONSENT_WITHDRAWN,
            actor=actor,
            subject=member_id,
            tool=tool_id,
            reason=reason,
            facts={
                "consent": live.pk,
                "notice": live.notice_id,
                "version": live.notice.version,
                "items": live.items,
            },
            at=now,
        )
    )
    return True


def disclose(disclosures: Sequence[Disclosed], *, now: datetime) -> list[Entry]:
    """Write ledger rows in one statement and return their lines, so that the caller writes its journal in one too.

    Raises ``TransactionManagementError`` outside a transaction, as the journal does: what leaves and what is
    written of it stand or fall together.
    """
    if not disclosures:
        return []
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("disclose() belongs inside the transaction of what it hands out")
    Disclosure.objects.insert(
        [
            {
                "member_id": each.member,
                "tool_id": each.tool,
                "channel": each.channel,
                "items": sorted(each.items),
                "processing_id": each.release.processing,
                "notice_id": each.release.notice,
                "legal_basis": each.release.legal_basis,
                "session": each.session,
                "at": now,
            }
            for each in disclosures
        ]
    )
    return [
        Entry(
            Action.DISCLOSED,
            actor=Actor(tool=each.tool),
            subject=each.member,
            tool=each.tool,
            session=each.session,
            facts={
                "channel": each.channel.value,
                "items": sorted(each.items),
                "processing": each.release.processing,
                "notice": each.release.notice,
                "legal_basis": each.release.legal_basis,
            },
            at=now,
        )
        for each in disclosures
    ]


@transaction.atomic
def note_download(*, member_id: UUID, now: datetime) -> None:
    """The member takes their own record with them: the proof that the right of access was answered."""
    record(Entry(Action.OWN_DATA_DOWNLOADED, actor=Actor(member=member_id), subject=member_id, at=now))


def _terms(tool_id: int, notice_id: int) -> Terms:
    # From the database, not from what this process keeps: the decision is about the text in force now.
    terms = selectors.read_in_force(tool_id).terms
    if terms is None or terms.notice != notice_id:
        raise NoticeOutdated(f"notice {notice_id} is not in force for tool {tool_id}")
    return terms


def _decide(
    *,
    member_id: UUID,
    tool_id: int,
    terms: Terms,
    decision: Decision,
    granted: list[str],
    refused: list[str],
    action: Action,
    actor: Actor,
    language: str,
    session: UUID | None,
    now: datetime,
) -> Consent:
    """Replace the standing decision; a form sent twice leaves one row and one line."""
    # The member's row is the lock: two answers at once queue up instead of breaking the "one live" constraint.
    get_user_model().objects.select_for_update(no_key=True).only("pk").get(pk=member_id)
    live = Consent.objects.filter(member_id=member_id, tool_id=tool_id, ended_at=None)
    standing = live.first()
    if standing is not None:
        said = (standing.notice_id, standing.decision, standing.items, standing.refused_items)
        if said == (terms.notice, decision, granted, refused):
            return standing
        live.update(ended_at=now, ended_reason=REPLACED)
    consent = Consent.objects.create(
        member_id=member_id,
        tool_id=tool_id,
        notice_id=terms.notice,
        decision=decision,
        items=granted,
        refused_items=refused,
        language=language,
        at=now,
    )
    record(
        Entry(
            action,
            actor=actor,
            subject=member_id,
            tool=tool_id,
            session=session,
            refused=decision == Decision.REFUSED,
            facts={
                "consent": consent.pk,
                "notice": terms.notice,
                "items": granted,
                "refused_items": refused,
                "language": language,
            },
            at=now,
        )
    )
    return consent
