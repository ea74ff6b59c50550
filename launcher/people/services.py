"""How much somebody looks: counted by day, written in the journal, and stopped before it is a harvest."""

from datetime import date, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from audit.services import record
from audit.types import Action, Actor, Entry
from directory.models import Member
from directory.people import cards
from idp.services import refusals
from idp.services.accounts import letters, mails
from idp.types import MailKind
from launcher.models import CardLook, PeopleDay

# A page has two dozen names and what their holders opened to this reader; a card the ways to reach somebody.
PAGES_A_DAY, CARDS_A_DAY, MESSAGES_A_DAY = 200, 60, 10
# One line for so many pages: a line each would hide the others.
PAGES_A_LINE = 50
KEPT = timedelta(days=30)


class NotWritten(Exception):
    """A message that does not leave; ``reason`` has its words in ``words.py``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def note_page(*, reader: UUID, now: datetime) -> bool:
    """Count one more page; false where the day’s are used up, after a line in the journal."""
    day = _count(reader, "pages", PAGES_A_DAY, now)
    if day is None:
        _refuse(Action.PEOPLE_SEARCHED, reader, None, "too_many_pages", now)
        return False
    return True


def note_card(*, reader: UUID, member_id: UUID, now: datetime) -> bool:
    """Write that they opened somebody’s card, once a day; false where the day’s are used up.  One’s own is free."""
    if reader == member_id:
        return True
    today = timezone.localdate(now)
    with transaction.atomic():
        _hold(reader)
        looks = CardLook.objects.filter(reader_id=reader, day=today)
        if looks.filter(member_id=member_id).exists():
            return True
        if looks.count() < CARDS_A_DAY:
            CardLook.objects.create(reader_id=reader, member_id=member_id, day=today)
            record(Entry(Action.CARD_OPENED, actor=Actor(member=reader), subject=member_id, at=now))
            return True
    _refuse(Action.CARD_OPENED, reader, member_id, "too_many_cards", now)
    return False


@transaction.atomic
def write(*, sender: Member, recipient_id: UUID, text: str, gives_address: bool, now: datetime) -> None:
    """Send somebody a message without either address being told; the sender’s is, where they choose so.

    Raises ``NotWritten``; whether they may is asked at this moment, whatever the form was shown for.
    """
    recipient = Member.objects.filter(pk=recipient_id).first()
    may = cards.cards([recipient_id], cards.reader(sender)) if recipient_id != sender.pk else []
    if recipient is None or not may or not may[0].can_be_written_to:
        raise NotWritten("not_written_to")
    if _count(sender.pk, "messages", MESSAGES_A_DAY, now) is None:
        raise NotWritten("too_many_messages")
    address = mails.address_of(sender) if gives_address else ""
    said = {"sender": " ".join(sender.display_name.split()), "text": letters.quoted(text)}
    context = {**said, "address": address, "page": _page_of(sender.pk)}
    subject, body = mails.rendered("contact", recipient, context)
    mails.queue_text(kind=MailKind.CONTACT, member=recipient, subject=subject, body=body, now=now, reply_to=address)
    facts: dict[str, object] = {"address_given": bool(address)}
    actor = Actor(member=sender.pk)
    record(Entry(Action.MEMBER_WRITTEN_TO, actor=actor, subject=recipient.pk, facts=facts, at=now))


def refuse_message(*, sender: UUID, recipient_id: UUID, reason: str, now: datetime) -> None:
    """The line of a ``NotWritten``, once its transaction is over."""
    subject = Member.objects.filter(pk=recipient_id).values_list("pk", flat=True).first()
    _refuse(Action.MEMBER_WRITTEN_TO, sender, subject, reason, now)


def _page_of(member_id: UUID) -> str:
    return settings.ORIGIN + reverse("launcher:card", args=[member_id])


def looks_at(member_id: UUID, *, now: datetime) -> int:
    """How often their card was opened in the last thirty days, once a day by the same person."""
    return CardLook.objects.filter(member_id=member_id, day__gt=timezone.localdate(now) - KEPT).count()


@transaction.atomic
def _count(reader: UUID, what: str, limit: int, now: datetime) -> PeopleDay | None:
    """One more of this on this day; nothing where that would be too many."""
    today = timezone.localdate(now)
    _hold(reader)
    day, is_new = PeopleDay.objects.get_or_create(member_id=reader, day=today)
    if is_new:
        _forget(reader, today - KEPT)
    count = getattr(day, what)
    if count >= limit:
        return None
    setattr(day, what, count + 1)
    day.save(update_fields=[what])
    if what == "pages" and count % PAGES_A_LINE == 0:
        facts: dict[str, object] = {"pages": count + 1}
        record(Entry(Action.PEOPLE_SEARCHED, actor=Actor(member=reader), facts=facts, at=now))
    return day


def _hold(reader: UUID) -> None:
    """What one person does at the same moment is counted one after the other."""
    Member.objects.select_for_update(no_key=True).filter(pk=reader).values_list("pk", flat=True).first()


def _forget(reader: UUID, before: date) -> None:
    PeopleDay.objects.filter(member_id=reader, day__lt=before).delete()
    CardLook.objects.filter(reader_id=reader, day__lt=before).delete()


def _refuse(action: Action, reader: UUID, subject: UUID | None, reason: str, now: datetime) -> None:
    line = Entry(action, actor=Actor(member=reader), subject=subject, refused=True, reason=reason, at=now)
    refusals.note(line, network=str(reader), now=now)
