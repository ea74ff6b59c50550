"""Letters of a collective to its members: written, tried on oneself, sent once, and what became of them.

Nothing in a letter tells whether it was read.  Whoever wants no more of them says so by one press, for each collective.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.urls import reverse

from audit.services import record
from audit.types import Action, Actor, Entry
from collectives import selectors as collectives
from directory.models import Collective, Member
from idp.models import OutgoingMail
from idp.services.accounts import mails
from idp.services.accounts.letters import quoted
from idp.types import MailKind, OutgoingState
from news.models import Delivery, Letter, Mute
from news.types import NewsRefused

SALT = "news.letter"
# Members are not a mailing list: so many of one collective, and so many trials of one person, in a day.
LETTERS_A_DAY, TRIALS_A_DAY = 3, 10
DAY = timedelta(days=1)
# So many each second: a mail that somebody waits for, to sign in, does not wait behind a letter to hundreds.
A_SECOND = 5
# Worth sending for longer than a link that opens an account.
KEPT = timedelta(days=5)


@dataclass(frozen=True, slots=True)
class Content:
    subject: str
    text: str
    to_followers: bool = False
    gives_address: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """How many mails of a letter wait, left, and were given up."""

    waiting: int
    sent: int
    failed: int


@transaction.atomic
def write(*, collective: Collective, content: Content, actor: Actor, now: datetime) -> Letter:
    """A draft: nothing leaves."""
    letter = Letter(collective=collective, author_id=actor.member, written_at=now)
    _fill(letter, content, now)
    record(_line(Action.LETTER_WRITTEN, letter, actor=actor, now=now))
    return letter


@transaction.atomic
def change(*, letter_id: int, content: Content, actor: Actor, now: datetime) -> None:
    """Raises ``NewsRefused`` of one that was sent."""
    letter = _draft(letter_id)
    _fill(letter, content, now)
    record(_line(Action.LETTER_WRITTEN, letter, actor=actor, now=now))


@transaction.atomic
def drop(*, letter_id: int, actor: Actor, now: datetime) -> None:
    """Raises ``NewsRefused`` of one that was sent."""
    letter = _draft(letter_id)
    record(_line(Action.LETTER_WRITTEN, letter, actor=actor, now=now))
    letter.delete()


@transaction.atomic
def try_out(*, letter_id: int, member: Member, now: datetime) -> None:
    """To whoever writes it, as the others would get it.  Raises ``NewsRefused``."""
    letter = _draft(letter_id)
    lately = OutgoingMail.objects.filter(member=member, kind=MailKind.LETTER, created_at__gt=now - DAY)
    if lately.count() >= TRIALS_A_DAY:
        raise NewsRefused("too_many_trials")
    if not mails.address_of(member):
        raise NewsRefused("no_address")
    subject, body = preview(letter, member)
    mails.queue_text(
        kind=MailKind.LETTER, member=member, subject=subject, body=body, now=now, reply_to=_reply_to(letter)
    )


def send(*, letter_id: int, expected: int, actor: Actor, now: datetime) -> int:
    """Once, to those whom it was shown to be for; returns how many mails there are.

    Raises ``NewsRefused``: sent before, too many today, or for others than were shown.
    """
    try:
        return _send(letter_id=letter_id, expected=expected, actor=actor, now=now)
    except NewsRefused as refused:
        letter = Letter.objects.get(pk=letter_id)
        with transaction.atomic():
            facts = _facts(letter)
            record(Entry(Action.LETTER_SENT, actor, refused=True, reason=refused.reason, facts=facts, at=now))
        raise


@transaction.atomic
def _send(*, letter_id: int, expected: int, actor: Actor, now: datetime) -> int:
    letter = _draft(letter_id)
    # One after the other, of one collective: the limit is counted under this lock.
    Collective.objects.select_for_update(no_key=True).filter(pk=letter.collective_id).values_list("pk").first()
    if Letter.objects.filter(collective=letter.collective_id, sent_at__gt=now - DAY).count() >= LETTERS_A_DAY:
        raise NewsRefused("too_many_letters")
    people = list(recipients(letter))
    if len(people) != expected:
        raise NewsRefused("others_than_shown")
    queued = [mail for each in people if (mail := _queue(letter, each, now)) is not None]
    for number, mail in enumerate(queued):
        mail.next_at = now + timedelta(seconds=number // A_SECOND)
    OutgoingMail.objects.bulk_update(queued, ["next_at"])
    letter.sent_at, letter.author_id = now, actor.member
    letter.recipients, letter.without_address = len(queued), len(people) - len(queued)
    letter.save()
    facts = {"recipients": len(queued)}
    record(_line(Action.LETTER_SENT, letter, actor=actor, now=now, **facts))
    return len(queued)


def recipients(letter: Letter) -> QuerySet[Member]:
    """Its members, and whoever follows it if that was chosen, but those who want no letters of it."""
    chosen = Q(pk__in=collectives.members_of(letter.collective).values("pk"))
    if letter.to_followers:
        chosen |= Q(pk__in=collectives.followers(letter.collective).values("pk"))
    quiet = Mute.objects.filter(collective=letter.collective_id).values("member")
    return Member.objects.active().filter(chosen).exclude(pk__in=quiet).order_by("order_key", "pk")


def preview(letter: Letter, member: Member) -> tuple[str, str]:
    """Subject and text as this member would get them."""
    return _rendered(letter, member, settings.ORIGIN + reverse("news:receive"))


def state_of(letter: Letter) -> State:
    """Of the mails that are still known."""
    states = {state: Count("pk", filter=Q(mail__state=state)) for state in OutgoingState.values}
    found = letter.deliveries.aggregate(**states)
    return State(found[OutgoingState.WAITING], found[OutgoingState.SENT], found[OutgoingState.FAILED])


def written(member: Member) -> QuerySet[Letter]:
    mine = Collective.objects.filter(present=True, leads=member)
    return Letter.objects.filter(collective__in=mine).select_related("collective")


# Wanting none ------------------------------------------------------------------------------------------------------


def delivery_of(token: str) -> Delivery | None:
    """By what stands in the mail; it names nobody, and nobody can make one up."""
    try:
        number = Signer(salt=SALT).unsign(token)
    except BadSignature:
        return None
    return Delivery.objects.filter(pk=number).select_related("letter__collective").first()


@transaction.atomic
def mute(*, member_id: UUID, collective_id: UUID, now: datetime) -> None:
    """By whoever holds the mail; once more changes nothing."""
    _row, is_new = Mute.objects.get_or_create(member_id=member_id, collective_id=collective_id)
    if is_new:
        facts: dict[str, object] = {"collective": str(collective_id)}
        record(Entry(Action.LETTERS_MUTED, subject=member_id, reason="by_mail_link", facts=facts, at=now))


@transaction.atomic
def unmute(*, member_id: UUID, collective_id: UUID, actor: Actor, now: datetime) -> None:
    gone, _ = Mute.objects.filter(member_id=member_id, collective_id=collective_id).delete()
    if gone:
        facts: dict[str, object] = {"collective": str(collective_id)}
        record(Entry(Action.LETTERS_HEARD, actor, member_id, facts=facts, at=now))


def _queue(letter: Letter, member: Member, now: datetime) -> OutgoingMail | None:
    """Nothing where there is no address; then there is no delivery either."""
    if not mails.address_of(member):
        return None
    delivery = Delivery.objects.create(letter=letter, member=member)
    ends = settings.ORIGIN + reverse("news:mute", args=[Signer(salt=SALT).sign(str(delivery.pk))])
    subject, body = _rendered(letter, member, ends)
    delivery.mail = mails.queue_text(
        kind=MailKind.LETTER,
        member=member,
        subject=subject,
        body=body,
        now=now,
        kept=KEPT,
        reply_to=_reply_to(letter),
        unsubscribe=ends,
    )
    delivery.save(update_fields=["mail"])
    return delivery.mail


def _rendered(letter: Letter, member: Member, ends: str) -> tuple[str, str]:
    context: Mapping[str, object] = {
        "text": quoted(letter.text),
        "author": letter.author.display_name if letter.author else "",
        # A mail is read on its way: which sensitive collective somebody is in is not said there (GDPR art. 9).
        "of": "" if letter.collective.sensitive else letter.collective.name,
        "ends": ends,
    }
    _subject, body = mails.rendered("letter", member, context)
    return " ".join(letter.subject.split()), body


def _reply_to(letter: Letter) -> str:
    return mails.address_of(letter.author) if letter.gives_address and letter.author else ""


def _draft(letter_id: int) -> Letter:
    """Raises ``NewsRefused`` of one that was sent, ``Letter.DoesNotExist``."""
    held = Letter.objects.select_for_update(of=("self",)).select_related("collective", "author")
    letter = held.get(pk=letter_id)
    if letter.sent_at is not None:
        raise NewsRefused("letter_sent")
    return letter


def _fill(letter: Letter, content: Content, now: datetime) -> None:
    letter.subject, letter.text, letter.changed_at = content.subject, content.text, now
    letter.to_followers = content.to_followers and not letter.collective.sensitive
    letter.gives_address = content.gives_address
    letter.save()


def _facts(letter: Letter) -> dict[str, object]:
    return {"news_letter": letter.pk, "collective": str(letter.collective_id)}


def _line(action: Action, letter: Letter, *, actor: Actor, now: datetime, **facts: object) -> Entry:
    return Entry(action, actor, facts=_facts(letter) | facts, at=now)
