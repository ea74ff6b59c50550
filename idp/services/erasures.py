"""Erasures carried out: the hub's own part, the holders told and reminded, the letter at the end."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core import signing
from django.db import transaction
from django.urls import reverse
from django.utils import translation

from audit.keeping import erasure as journal
from audit.sealing import InvalidToken, seal, unseal
from audit.types import SYSTEM, Action, Actor
from consent.erasures import policy, telling
from consent.erasures import services as sheet
from consent.erasures.models import ErasureHolder, ErasureRun
from consent.erasures.types import WAITING, AnsweredBy, ErasureRefused, HolderState, Line, Part, RunState, Stays
from consent.models import Consent, Directions, Disclosure, Objection, Processing
from directory.access import may
from directory.models import Member, MemberPhoto, Membership
from directory.policy import Right
from directory.services.changing import why_right_is_borrowed
from directory.services.erasure import EMPTIED, erase_on_request
from directory.types import CannotChange
from idp import claims
from idp.models import AccountLink, Browser, HubSession, LogoutDelivery, OutgoingMail, Tool
from idp.services import subjects
from idp.services.accounts import mails
from idp.services.withdrawal import end_everything_held
from idp.types import MailKind

PURPOSE = "trousseau erasure"
SALT = "trousseau.erasure.link"
# By what a holder finds the person, of what it has; the rest of it is nobody's business on that page.
FOUND_BY = ("name", "login", "email", "employee_number")
# A mail server that is away for days takes no week of the holder's.
MAIL_KEPT = policy.REMINDED_AFTER[0]


class LinkRefused(Exception):
    """This link answers nothing; ``reason`` is for the journal."""

    def __init__(self, reason: str, holder: ErasureHolder | None = None) -> None:
        super().__init__(reason)
        self.reason, self.holder = reason, holder


# What goes, what stays ---------------------------------------------------------------------------------------


def preview(member_id: UUID, *, held: bool, now: datetime) -> list[Line]:
    """The hub's own part of an erasure of all of somebody: as many statements as parts."""
    member = Member.objects.get(pk=member_id)
    mine = {"member": member}
    counts = {
        Part.DETAILS: sum(bool(getattr(member, name)) for name in EMPTIED),
        Part.PHOTO: MemberPhoto.objects.filter(**mine).count(),
        Part.GROUPS: Membership.objects.filter(**mine).count(),
        Part.FACTORS: Authenticator.objects.filter(user=member).count(),
        Part.BROWSERS: Browser.objects.filter(**mine).count() + AccountLink.objects.filter(**mine).count(),
        Part.SESSIONS: HubSession.objects.filter(**mine).exclude(label="", network="").count(),
        Part.DIRECTIONS: Directions.objects.filter(**mine).count(),
        Part.MAILS: OutgoingMail.objects.filter(**mine).count(),
    }
    hold = Stays.HOLD if held else ""
    lines = [] if member.entry_uuid is None else [Line(Part.SOURCE, 1, Stays.SOURCE)]
    lines += [Line(part, number, hold) for part, number in counts.items() if number]
    told = journal.preview(member_id, now)
    for why in ("", Stays.PROOF):
        number = sum(each.number for each in told if bool(each.stays) == bool(why))
        lines += [Line(Part.JOURNAL, number, hold or why)] if number else []
    agreements = Consent.objects.filter(**mine).count() + Objection.objects.filter(**mine).count()
    for part, number in ((Part.AGREEMENTS, agreements), (Part.DISCLOSURES, Disclosure.objects.filter(**mine).count())):
        lines += [Line(part, number, hold or Stays.PROOF)] if number else []
    return lines


# Two people --------------------------------------------------------------------------------------------------


def right_to_approve(run: ErasureRun) -> Right:
    """A member who asks a tool is one of the two: whoever follows erasures is the other."""
    return Right.FOLLOW_ERASURES if run.is_by_self else Right.APPROVE_ERASURES


def may_drop(person: Any, run: ErasureRun) -> bool:
    """Whoever follows erasures, or would agree to this one: what a member asks of a tool is not the office's."""
    return may(person, Right.FOLLOW_ERASURES) or may(person, right_to_approve(run))


def check_pair(run: ErasureRun) -> None:
    """Whoever asked and whoever agrees are two, and neither was made by the other.  Raises ``ErasureRefused``."""
    asker, approver = run.asked_by, run.approved_by
    if asker is None or approver is None:
        raise ErasureRefused("asker_gone")
    if approver.pk == run.member_id:
        raise ErasureRefused("own_account")
    if not may(approver, right_to_approve(run)):
        raise ErasureRefused("approver_may_not")
    if run.is_by_self:
        return
    if not may(asker, Right.FOLLOW_ERASURES):
        raise ErasureRefused("proposer_may_not")
    sides = ((asker, approver, Right.FOLLOW_ERASURES), (approver, asker, Right.APPROVE_ERASURES))
    for person, other, right in sides:
        if why := why_right_is_borrowed(person, other, right=right, asked_at=run.asked_at):
            raise ErasureRefused(why)


def tell_of_asking(run: ErasureRun, *, now: datetime) -> None:
    """To whoever has to decide: the office, or the officer where the member asked.  It names nobody."""
    page = settings.ORIGIN + reverse("idp:erasure", args=[run.pk])
    subject, body = mails.rendered("erasure_asked", None, {"run": run, "page": page})
    address = settings.DPO_CONTACT if run.is_by_self else settings.OFFICE_CONTACT
    mails.queue_text(kind=MailKind.ERASURE, member=None, subject=subject, body=body, now=now, address=address)


def approve(*, run_id: int, actor: Actor, now: datetime) -> ErasureRun:
    """The second person agrees, and it is done: here at once, at the holders by what they are told.

    Raises ``ErasureRefused``.
    """
    asked = ErasureRun.objects.filter(pk=run_id).select_related("member").first()
    if asked is None:
        raise ErasureRefused("erasure_unknown")
    member = asked.member
    with sheet.deciding(Action.ERASURE_APPROVED, actor, member.pk, now, tool=asked.tool_id):
        lines = preview(member.pk, held=False, now=now) if asked.is_whole else []
        run = sheet.approve(
            run_id=run_id,
            actor=actor,
            pair=check_pair,
            preview=[{"part": str(each.part), "number": each.number, "stays": str(each.stays)} for each in lines],
            reply=_sealed({"name": member.display_name, "mail": mails.address_of(member), **_post(member)}),
            now=now,
        )
        # Before the account has neither name nor address: this is how holders find the person.
        known = {holder.pk: _known_as(member, holder) for holder in run.holders.all()}
        if run.is_whole:
            try:
                erase_on_request(member_id=member.pk, actor=actor, now=now)
            except CannotChange as refusal:
                raise ErasureRefused(refusal.reason) from refusal
        else:
            end_everything_held(member.pk, Tool.objects.get(pk=asked.tool_id or 0), actor, now=now)
        _tell(run, known, now)
    return run


@transaction.atomic
def follow_rule(*, member_ids: Sequence[UUID], now: datetime) -> None:
    """Whose details were erased at the end of their period: the tools are told by what each knows them as."""
    for member in Member.objects.filter(pk__in=member_ids):
        run = sheet.follow_rule(member_id=member.pk, now=now)
        if run is not None:
            _tell(run, {holder.pk: _known_as(member, holder) for holder in run.holders.all()}, now)


def _tell(run: ErasureRun, known: Mapping[int, dict[str, str]], now: datetime) -> None:
    for holder in run.holders.select_related("run", "tool"):
        holder.known_sealed = _sealed(known[holder.pk])
        if holder.state == HolderState.TOLD:
            _write_to(holder, now=now)
            sheet.note_told(holder, now=now)
        elif holder.state == HolderState.BY_HAND:
            holder.save(update_fields=["known_sealed"])


def _post(member: Member) -> dict[str, str]:
    return {"address": member.postal_address, "language": mails.language_of(member)}


def _known_as(member: Member, holder: ErasureHolder) -> dict[str, str]:
    if member.erased_at is not None:
        return {"identifier": subjects.given(member, Tool.objects.get(pk=holder.tool_id))}
    has = {*holder.items, *(each["item"] for each in holder.kept)}
    shown = claims.shown(member, [item for item in FOUND_BY if item in has])
    return {"identifier": subjects.given(member, Tool.objects.get(pk=holder.tool_id)), **shown}


# Holders -----------------------------------------------------------------------------------------------------


def turn(*, now: datetime) -> int:
    """The worker's: reminders after seven and fourteen days, then silence; what the rule began ends by itself.

    Returns how many mails there are.
    """
    told = ErasureHolder.objects.filter(state=HolderState.TOLD, run__state=RunState.GOING)
    due = told.filter(reminders__lt=len(policy.REMINDED_AFTER), told_at__lte=now - policy.REMINDED_AFTER[0])
    count = sum(_remind(pk, now) for pk in list(due.order_by("pk").values_list("pk", flat=True)))
    sheet.note_silent(now=now)
    by_rule = ErasureRun.objects.filter(state=RunState.GOING, asked_by=None, approved_by=None)
    for run in by_rule.exclude(holders__state__in=WAITING):
        sheet.close(run_id=run.pk, actor=SYSTEM, letter_mailed=False, now=now)
    return count


@transaction.atomic
def _remind(holder_id: int, now: datetime) -> bool:
    found = ErasureHolder.objects.select_for_update(of=("self",), skip_locked=True).select_related("run", "tool")
    holder = found.filter(pk=holder_id, state=HolderState.TOLD, run__state=RunState.GOING).first()
    if holder is None or holder.told_at is None:
        return False
    wanted = policy.reminders_due(holder.told_at, now)
    if holder.reminders >= wanted:
        return False
    _write_to(holder, now=now, reminder=True)
    sheet.note_told(holder, reminders=wanted, now=now)
    return True


def _write_to(holder: ErasureHolder, *, now: datetime, reminder: bool = False) -> None:
    """Nothing in the mail says whom it is about: the page does, to whoever has the link."""
    contact = Processing.objects.filter(tool=holder.tool_id).order_by("-version").values_list("contact", flat=True)
    context = {"tool": holder.tool, "run": holder.run, "address": address_of(holder), "reminder": reminder}
    subject, body = mails.rendered("erasure_holder", None, context)
    mails.queue_text(
        kind=MailKind.ERASURE,
        member=None,
        subject=subject,
        body=body,
        now=now,
        address=policy.mail_address(contact.first() or ""),
        kept=MAIL_KEPT,
    )


def address_of(holder: ErasureHolder) -> str:
    """The same in every mail about it; a number that nobody guesses, signed, and nothing about anybody."""
    secret = signing.Signer(salt=SALT).sign(f"{holder.pk}.{holder.nonce}")
    return f"{settings.ORIGIN}{reverse('idp:erasure_answer', args=[secret])}"


def find(secret: str, *, now: datetime) -> ErasureHolder:
    """The holder whose link this is, as long as it may answer.  Raises ``LinkRefused``."""
    try:
        number, _dot, nonce = signing.Signer(salt=SALT).unsign(secret).partition(".")
    except signing.BadSignature:
        raise LinkRefused("link_unknown") from None
    holder = ErasureHolder.objects.select_related("run", "tool").filter(pk=int(number), nonce=nonce).first()
    if holder is None:
        raise LinkRefused("link_unknown")
    if holder.answered_at is not None:
        raise LinkRefused("link_used", holder)
    if holder.run.state != RunState.GOING or not holder.is_waiting:
        raise LinkRefused("link_ended", holder)
    if holder.told_at is None or now >= holder.told_at + policy.LINK_LIFETIME:
        raise LinkRefused("link_expired", holder)
    return holder


def known_as(holder: ErasureHolder) -> dict[str, str]:
    return _opened(bytes(holder.known_sealed))


def answer_by_link(*, secret: str, confirmed: bool, refusal: str, note: str, now: datetime) -> ErasureHolder:
    """Raises ``LinkRefused``."""
    holder = find(secret, now=now)
    try:
        return sheet.answer(
            holder_id=holder.pk, confirmed=confirmed, by=AnsweredBy.CONTACT, refusal=refusal, note=note, now=now
        )
    except ErasureRefused:
        # Two answers at once: the first is the one.
        raise LinkRefused("link_used", holder) from None


def notices(run: ErasureRun) -> dict[int, LogoutDelivery]:
    """Of each holder the last sign-out notice about this person, by tool.  One statement."""
    rows = LogoutDelivery.objects.filter(tool_session__hub_session__member=run.member_id).order_by("pk")
    return {row.tool_session.tool_id: row for row in rows.select_related("tool_session")}


# The end -----------------------------------------------------------------------------------------------------


def letter(run: ErasureRun) -> dict[str, Any]:
    """What the closing letter is made of; ``to`` is empty once it has left."""
    return {"run": run, "to": _opened(bytes(run.reply_sealed))}


def close(*, run_id: int, actor: Actor, now: datetime) -> ErasureRun:
    """End it, with a letter to the person where there is still an address.  Raises ``ErasureRefused``."""
    asked = ErasureRun.objects.select_related("tool").filter(pk=run_id).first()
    if asked is None:
        raise ErasureRefused("erasure_unknown")
    with sheet.deciding(Action.ERASURE_CLOSED, actor, asked.member_id, now, tool=asked.tool_id):
        content = letter(asked)
        to = content["to"]
        run = sheet.close(run_id=run_id, actor=actor, letter_mailed=bool(to.get("mail")), now=now)
        if to.get("mail"):
            language = to.get("language", "") or settings.LANGUAGE_CODE
            with translation.override(language):
                content["told"] = telling.of(run)
            subject, body = mails.rendered("erasure_closed", None, content, language=language)
            mails.queue_text(
                kind=MailKind.ERASURE,
                member=None,
                subject=subject,
                body=body,
                now=now,
                address=to["mail"],
                language=to.get("language", ""),
            )
    return run


def _sealed(content: dict[str, str]) -> bytes:
    return seal(json.dumps(content).encode(), purpose=PURPOSE)


def _opened(sealed: bytes) -> dict[str, str]:
    if not sealed:
        return {}
    try:
        found: dict[str, str] = json.loads(unseal(sealed, purpose=PURPOSE))
    except InvalidToken:
        return {}
    return found
