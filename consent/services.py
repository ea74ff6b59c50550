"""Changing what is declared and agreed.  Each change records itself in its transaction."""

from datetime import datetime
from uuid import UUID

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils.translation import get_language

from audit.differences import differences
from audit.services import record, record_all
from audit.types import SYSTEM, Action, Actor, Entry
from consent import copies, policy, selectors
from consent.models import Consent, ConsentAsked, Notice, Objection, Processing, ProcessingItem, ProcessingPurpose
from consent.register import policy as register_policy
from consent.register import services as register
from consent.requests import services as requests
from consent.types import (
    WITHDRAWN,
    Decision,
    Download,
    Face,
    NothingToObjectTo,
    NoticeOutdated,
    Origin,
    Sheet,
    SheetInvalid,
    Terms,
)

REPLACED = "replaced"
BASIS_CHANGED = "basis_changed"


@transaction.atomic
def declare(*, tool_id: int, sheet: Sheet, actor: Actor, now: datetime) -> Processing:
    """Put a sheet in force: a new version with its notice, or nothing at all when it says the same."""
    policy.check_sheet(sheet)
    register_policy.check_engagement(sheet)
    content = policy.notice_content(sheet)
    digest = policy.digest(content)
    newest = (
        Processing.objects.select_for_update(of=("self",))
        .filter(tool_id=tool_id)
        .select_related("notice")
        .order_by("-version")
        .first()
    )
    if newest is not None and newest.ended_at is None and policy.in_purposes(newest.notice.content) == content:
        # Members are not asked again about a contract that was renewed: the register has it, and its versions.
        _feed_register(newest, sheet, actor=actor, now=now)
        return newest
    before = policy.compared(newest.notice.content) if newest is not None else {}
    Processing.objects.filter(tool_id=tool_id, ended_at=None).update(ended_at=now)
    processing = Processing(
        tool_id=tool_id,
        version=newest.version + 1 if newest is not None else 1,
        name=sheet.processing,
        name_en=sheet.processing_en,
        recipient=sheet.recipient,
        contact=sheet.contact,
        started_at=now,
    )
    _check(processing, but=["tool", "ended_at"])
    processing.save()
    for order, wanted in enumerate(sheet.purposes):
        purpose = ProcessingPurpose(
            processing=processing,
            text=wanted.text,
            text_en=wanted.text_en,
            legal_basis=wanted.legal_basis,
            retention=wanted.retention,
            retention_en=wanted.retention_en,
            order=order,
        )
        _check(purpose, but=["processing"])
        purpose.save()
        ProcessingItem.objects.bulk_create(
            ProcessingItem(
                processing=processing, purpose=purpose, item=item.item, why=item.why, why_en=item.why_en, order=order
            )
            for order, item in enumerate(wanted.items)
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
                "copies": copies.make(processing, notice),
                "legal_basis": " ".join(dict.fromkeys(purpose.legal_basis.value for purpose in sheet.purposes)),
                "items": [item.item for item in sheet.items],
                **differences(before, policy.compared(content), untold={"contact"}),
            },
            at=now,
        )
    )
    record_all(_carry_objections(processing, now=now))
    _feed_register(processing, sheet, actor=actor, now=now)
    return processing


def _check(row: models.Model, *, but: list[str]) -> None:
    try:
        row.clean_fields(exclude=but)
    except ValidationError as error:
        told = "; ".join(f"{name}: {' '.join(said)}" for name, said in error.message_dict.items())
        raise SheetInvalid(told) from error


def _feed_register(processing: Processing, sheet: Sheet, *, actor: Actor, now: datetime) -> None:
    register.feed(
        tool_id=processing.tool_id,
        sheet=sheet,
        software=processing.tool.name,
        notice=f"version {processing.version}",
        actor=actor,
        now=now,
    )


@transaction.atomic
def fill_register(*, now: datetime) -> int:
    """The register of a hub that has none yet, or whose tools were declared before it had one.

    Such a sheet says nothing of contracts and countries: the record has these as holes, and its tool goes on.
    """
    filled = register.fill(now=now)
    declared = Processing.objects.filter(ended_at=None, tool__register_record=None).select_related("tool", "notice")
    for processing in declared:
        sheet = policy.sheet_of(policy.in_purposes(processing.notice.content))
        _feed_register(processing, sheet, actor=SYSTEM, now=now)
        filled += 1
    return filled


@transaction.atomic
def answer(
    *,
    member_id: UUID,
    tool_id: int,
    notice_id: int,
    accepted: frozenset[str],
    objected: frozenset[int] = frozenset(),
    actor: Actor,
    language: str,
    now: datetime,
    session: UUID | None = None,
    origin: Origin = Origin.PAGE,
) -> Consent:
    """The member goes on: informed where no basis needs consent, else granting item by item.

    ``objected`` names purposes; what was objected to before stays so, said again or not.

    Raises ``NoticeOutdated`` when the notice is not the one in force: nobody agrees to a text they did not see.
    """
    terms = _terms(tool_id, notice_id)
    lock(member_id)
    against = frozenset[str]()
    if terms.under(Face.OBJECTION):
        for purpose in _objectable(terms.processing) if objected else ():
            if purpose.pk in objected:
                objection = _object(member_id, purpose, tool_id=tool_id, actor=actor, now=now)
                record_all([_made(objection, actor, session)] if objection else [])
        against = selectors.objected(member_id, tool_id)
    granted, refused = policy.split(terms, accepted, against)
    decision = Decision.GIVEN if terms.asks else Decision.INFORMED
    action = Action.NOTICE_SEEN
    if decision == Decision.GIVEN:
        # Going on with every switch off opens the tool without them: the journal must not call that an agreement.
        agreed = not set(granted).isdisjoint(terms.under(Face.CONSENT))
        action = Action.CONSENT_GIVEN if agreed else Action.CONSENT_REFUSED
    return _decide(
        member_id=member_id,
        tool_id=tool_id,
        notice_id=terms.notice,
        decision=decision,
        granted=granted,
        refused=refused,
        action=action,
        actor=actor,
        language=language,
        session=session,
        now=now,
        origin=origin,
    )


@transaction.atomic
def choose(
    *, member_id: UUID, notice: Notice, accepted: frozenset[str], actor: Actor, language: str, now: datetime
) -> Consent:
    """Other optional items than before, for a tool that the member goes on using; the rest of it stands.

    Raises ``NoticeOutdated`` where no decision stands about this text: then the tool asks when it is opened.
    """
    lock(member_id)
    live = Consent.objects.filter(member_id=member_id, notice=notice, ended_at=None, decision=Decision.GIVEN)
    if not live.exists():
        raise NoticeOutdated(f"no decision stands about notice {notice.pk}")
    return answer(
        member_id=member_id,
        tool_id=notice.processing.tool_id,
        notice_id=notice.pk,
        accepted=accepted,
        actor=actor,
        language=language,
        now=now,
        origin=Origin.CHOICE,
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
    lock(member_id)
    return _decide(
        member_id=member_id,
        tool_id=tool_id,
        notice_id=terms.notice,
        decision=Decision.REFUSED,
        granted=[],
        refused=list(terms.bases),
        action=Action.CONSENT_REFUSED,
        actor=actor,
        language=language,
        session=session,
        now=now,
    )


@transaction.atomic
def object_to(*, member_id: UUID, purpose_id: int, actor: Actor, now: datetime) -> Objection:
    """From now on nothing leaves for this purpose, if it is one that can be objected to (GDPR art. 21(1)).

    Raises ``NothingToObjectTo``.
    """
    lock(member_id)
    purpose = (
        # Whoever changes the sheet meanwhile carries this objection over, or comes first.
        ProcessingPurpose.objects.select_for_update(of=("processing",), no_key=True)
        .filter(pk=purpose_id, processing__ended_at=None)
        .select_related("processing")
        .prefetch_related("items")
        .first()
    )
    if purpose is None or purpose.face != Face.OBJECTION:
        raise NothingToObjectTo(f"purpose {purpose_id}")
    # A tool that the member has nothing to do with and none look the same: it may be one that they may not know of.
    if not selectors.is_known(member_id, purpose.processing.tool_id):
        raise NothingToObjectTo(f"purpose {purpose_id}")
    tool_id = purpose.processing.tool_id
    objection = _object(member_id, purpose, tool_id=tool_id, actor=actor, now=now)
    if objection is None:
        raise NothingToObjectTo(f"purpose {purpose_id}")
    record(_made(objection, actor, decision=_follow_objections(member_id, tool_id, now=now)))
    return objection


@transaction.atomic
def end_objection(
    *, member_id: UUID, objection_id: int, actor: Actor, now: datetime, action: Action = Action.OBJECTION_ENDED
) -> Objection:
    """The member takes it back: the items leave again, and nothing is left to examine.

    ``consent.examination`` says by which other action it ends.  Raises ``NothingToObjectTo`` for none that is theirs.
    """
    lock(member_id)
    objection = Objection.objects.filter(pk=objection_id, member_id=member_id, ended_at=None).first()
    if objection is None:
        raise NothingToObjectTo(f"objection {objection_id}")
    objection.ended_at = now
    objection.save(update_fields=["ended_at"])
    decision = _follow_objections(member_id, objection.tool_id, now=now)
    record(_over(objection, actor, decision=decision, action=action))
    if objection.request is not None and objection.request.is_open:
        requests.withdraw(of=objection.request, actor=actor, now=now)
    return objection


@transaction.atomic
def note_asked(
    *, member_id: UUID, tool_id: int, notice_id: int, language: str, session: UUID | None, now: datetime
) -> None:
    """A question of consent is shown: a row and a line, once until it is answered."""
    asked, is_new = ConsentAsked.objects.get_or_create(
        member_id=member_id, notice_id=notice_id, consent=None, defaults={"language": language, "at": now}
    )
    if is_new:
        facts: dict[str, object] = {"notice": notice_id, "question": asked.pk}
        actor = Actor(tool=tool_id)
        record(
            Entry(
                Action.CONSENT_ASKED, actor=actor, subject=member_id, tool=tool_id, session=session, facts=facts, at=now
            )
        )


@transaction.atomic
def end_consent(*, member_id: UUID, tool_id: int, actor: Actor, now: datetime, reason: str = WITHDRAWN) -> bool:
    """End the member's consent for a tool, from now on (GDPR art. 7(3)); whether there was one.

    Only an agreement can be withdrawn: a notice that was read, or a refusal, is not one.
    """
    lock(member_id)
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


@transaction.atomic
def note_download(*, member_id: UUID, what: Download, now: datetime) -> None:
    """The member takes their own record with them: the proof that the right of access was answered."""
    facts: dict[str, object] = {"download": what.value}
    record(Entry(Action.OWN_DATA_DOWNLOADED, actor=Actor(member=member_id), subject=member_id, facts=facts, at=now))


def _terms(tool_id: int, notice_id: int) -> Terms:
    # From the database, not from what this process keeps: the decision is about the text in force now.
    terms = selectors.read_in_force(tool_id).terms
    if terms is None or terms.notice != notice_id:
        raise NoticeOutdated(f"notice {notice_id} is not in force for tool {tool_id}")
    return terms


def lock(member_id: UUID) -> None:
    """Two answers at once queue up instead of breaking the "one live" constraints."""
    get_user_model().objects.select_for_update(no_key=True).only("pk").get(pk=member_id)


def _objectable(processing_id: int) -> list[ProcessingPurpose]:
    """Raises ``NoticeOutdated`` when the sheet changed meanwhile: what is objected to now is not carried over."""
    if not Processing.objects.select_for_update(no_key=True).filter(pk=processing_id, ended_at=None).exists():
        raise NoticeOutdated(f"processing {processing_id} is over")
    purposes = ProcessingPurpose.objects.filter(processing_id=processing_id).prefetch_related("items")
    return [each for each in purposes if each.face == Face.OBJECTION]


def _object(
    member_id: UUID, purpose: ProcessingPurpose, *, tool_id: int, actor: Actor, now: datetime
) -> Objection | None:
    """With the request in which an officer examines it; nothing where all of its items are objected to already."""
    items = [each.item for each in purpose.items.all()]
    if selectors.objected(member_id, tool_id).issuperset(items):
        return None
    asked = requests.examine(
        member_id=member_id, tool_id=tool_id, purpose=purpose.shown_text, actor=actor, language=_language(), now=now
    )
    return Objection.objects.create(
        member_id=member_id, tool_id=tool_id, purpose=purpose, items=items, request=asked, at=now
    )


def _language() -> str:
    """Of whoever is at the page."""
    return "en" if (get_language() or "fr").startswith("en") else "fr"


def _carry_objections(processing: Processing, *, now: datetime) -> list[Entry]:
    """A new sheet may ask under another basis for what was objected to: then the objection is over for that item.

    It is said, to the member too: their notice tells the new basis, and their activity that the objection ended.
    """
    faces = {item.item: item.purpose.face for item in processing.items.select_related("purpose")}
    lines = []
    for objection in Objection.objects.select_for_update().filter(tool_id=processing.tool_id, ended_at=None):
        stays = [item for item in objection.items if faces.get(item, Face.OBJECTION) == Face.OBJECTION]
        if stays == objection.items:
            continue
        objection.ended_at = now
        objection.save(update_fields=["ended_at"])
        lines.append(_over(objection, SYSTEM, reason=BASIS_CHANGED))
        if stays:
            rest = Objection.objects.create(
                member_id=objection.member_id,
                tool_id=objection.tool_id,
                purpose=objection.purpose,
                items=stays,
                request=objection.request,
                at=now,
            )
            lines.append(_made(rest, SYSTEM))
    return lines


def _over(
    objection: Objection,
    actor: Actor,
    *,
    decision: Consent | None = None,
    reason: str = "",
    action: Action = Action.OBJECTION_ENDED,
) -> Entry:
    return Entry(
        action,
        actor=actor,
        subject=objection.member_id,
        tool=objection.tool_id,
        reason=reason,
        facts={"objection": objection.pk, "items": objection.items, **_naming(decision)},
        at=objection.ended_at,
    )


def _naming(decision: Consent | None) -> dict[str, object]:
    """The decision that stands since, where there is one."""
    return {"consent": decision.pk} if decision else {}


def _made(objection: Objection, actor: Actor, session: UUID | None = None, *, decision: Consent | None = None) -> Entry:
    return Entry(
        Action.OBJECTED,
        actor=actor,
        subject=objection.member_id,
        tool=objection.tool_id,
        session=session,
        facts={
            "objection": objection.pk,
            "processing": objection.purpose.processing_id,
            "items": objection.items,
            **_naming(decision),
        },
        at=objection.at,
    )


def _follow_objections(member_id: UUID, tool_id: int, *, now: datetime) -> Consent | None:
    """The decision that stands, told anew with what is objected to today; what was agreed to is not touched."""
    terms = selectors.read_in_force(tool_id).terms
    live = Consent.objects.select_for_update().filter(member_id=member_id, tool_id=tool_id, ended_at=None).first()
    if terms is None or live is None or live.notice_id != terms.notice or live.decision == Decision.REFUSED:
        return None
    granted, refused = policy.split(terms, live.items, selectors.objected(member_id, tool_id))
    live.ended_at, live.ended_reason = now, REPLACED
    live.save(update_fields=["ended_at", "ended_reason"])
    return Consent.objects.create(
        member_id=member_id,
        tool_id=tool_id,
        notice_id=live.notice_id,
        decision=live.decision,
        items=granted,
        refused_items=refused,
        origin=Origin.OWN_DATA,
        language=live.language,
        at=now,
    )


def _answered(decision: Consent) -> None:
    """The question that was open, if one was, found its answer."""
    ConsentAsked.objects.filter(member=decision.member_id, notice=decision.notice_id, consent=None).update(
        consent=decision
    )


def _decide(
    *,
    member_id: UUID,
    tool_id: int,
    notice_id: int,
    decision: Decision,
    granted: list[str],
    refused: list[str],
    action: Action,
    actor: Actor,
    language: str,
    session: UUID | None,
    now: datetime,
    origin: Origin = Origin.PAGE,
) -> Consent:
    """Replace the standing decision; a form sent twice leaves one row and one line."""
    live = Consent.objects.filter(member_id=member_id, tool_id=tool_id, ended_at=None)
    standing = live.first()
    if standing is not None:
        said = (standing.notice_id, standing.decision, standing.items, standing.refused_items)
        if said == (notice_id, decision, granted, refused):
            _answered(standing)
            return standing
        live.update(ended_at=now, ended_reason=REPLACED)
    consent = Consent.objects.create(
        member_id=member_id,
        tool_id=tool_id,
        notice_id=notice_id,
        decision=decision,
        items=granted,
        refused_items=refused,
        origin=origin,
        language=language,
        at=now,
    )
    _answered(consent)
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
                "notice": notice_id,
                "items": granted,
                "refused_items": refused,
                "language": language,
                # With them the line that is signed tells which text it is about (GDPR 7(1)), and not its number only.
                **selectors.digests(notice_id, language),
            },
            at=now,
        )
    )
    return consent
