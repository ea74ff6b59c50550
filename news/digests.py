"""News by mail, at the rhythm that each member chose: told once, and ended by one press without signing in.

A turn tells one member in one transaction: the mail stands in the outbox, and until when they were told with it.  A
worker that is killed has done both or neither.
"""

from datetime import datetime
from html import unescape
from uuid import UUID

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.html import strip_tags
from django.utils.text import Truncator

from audit.services import record
from audit.types import Action, Actor, Entry
from directory.models import Member
from directory.people import markdown
from idp.services.accounts import mails
from idp.services.accounts.letters import quoted
from idp.types import MailKind
from news import policy
from news.models import Brief, Subscription
from news.selectors import reaching
from news.types import Rhythm

AT_ONCE, IN_MAIL, WORDS = 50, 20, 40
SALT = "news.digest"


@transaction.atomic
def choose(*, member_id: UUID, rhythm: Rhythm, actor: Actor, now: datetime) -> bool:
    """From now on; what was published before is not sent.  Whether anything is another thing now."""
    row = Subscription.objects.select_for_update().filter(member_id=member_id).first()
    if (row.rhythm if row else Rhythm.NEVER) == rhythm:
        return False
    Subscription.objects.update_or_create(member_id=member_id, defaults={"rhythm": rhythm, "told_at": now})
    record(Entry(Action.DIGEST_CHOSEN, actor, member_id, facts={"rhythm": rhythm.value}, at=now))
    return True


def subscription_of(token: str) -> Subscription | None:
    """By what stands in a mail of it; it names nobody, and nobody can make one up."""
    try:
        number = Signer(salt=SALT).unsign(token)
    except BadSignature:
        return None
    return Subscription.objects.filter(pk=number).first()


@transaction.atomic
def unsubscribe(*, subscription_id: int, now: datetime) -> None:
    """By whoever holds the mail; once more changes nothing."""
    row = Subscription.objects.select_for_update().get(pk=subscription_id)
    if row.rhythm != Rhythm.NEVER:
        row.rhythm = Rhythm.NEVER
        row.save(update_fields=["rhythm"])
        facts: dict[str, object] = {"rhythm": row.rhythm}
        record(Entry(Action.DIGEST_CHOSEN, subject=row.member_id, reason="by_mail_link", facts=facts, at=now))


def send_due(*, now: datetime) -> int:
    """Tell those whose moment has come since they were last told; returns how many were looked at."""
    due = list(Subscription.objects.filter(_due(now)).order_by("told_at", "pk").values_list("pk", flat=True)[:AT_ONCE])
    for number in due:
        _tell(number, now)
    return len(due)


@transaction.atomic
def _tell(number: int, now: datetime) -> None:
    """Nothing where another worker has just done it, and no mail where there is nothing new."""
    row = Subscription.objects.select_for_update(skip_locked=True, of=("self",)).filter(_due(now), pk=number)
    found = row.select_related("member").first()
    if found is None:
        return
    briefs = list(_new(found.member, found.told_at, now)) if found.member.is_active else []
    found.told_at = now
    found.save(update_fields=["told_at"])
    if briefs:
        _queue(found, briefs, now)


def _queue(row: Subscription, briefs: list[Brief], now: datetime) -> None:
    ends = settings.ORIGIN + reverse("news:unsubscribe", args=[Signer(salt=SALT).sign(str(row.pk))])
    context = {
        "briefs": [(each, quoted(_told(each)), _address(each)) for each in briefs[:IN_MAIL]],
        "more": len(briefs) - IN_MAIL,
        "is_daily": row.rhythm == Rhythm.DAILY,
        "all": settings.ORIGIN + reverse("news:all"),
        "ends": ends,
    }
    subject, body = mails.rendered("news", row.member, context)
    mails.queue_text(kind=MailKind.NEWS, member=row.member, subject=subject, body=body, now=now, unsubscribe=ends)


def _new(member: Member, since: datetime, now: datetime) -> list[Brief]:
    """What a sensitive collective says does not leave the hub: mails are read on their way."""
    new = Q(since__gt=since) | Q(published_at__gt=since)
    return list(reaching(member, now).filter(new).exclude(collective__sensitive=True))


def _due(now: datetime) -> Q:
    local, found = timezone.localtime(now), Q(pk=None)
    for rhythm in (Rhythm.DAILY, Rhythm.WEEKLY):
        found |= Q(rhythm=rhythm, told_at__lt=policy.last_slot(rhythm, local))
    return found


def _told(brief: Brief) -> str:
    return " ".join(brief.title.split()) + f"\n{_excerpt(brief)}"


def _excerpt(brief: Brief) -> str:
    return Truncator(" ".join(unescape(strip_tags(markdown.html(brief.text))).split())).words(WORDS)


def _address(brief: Brief) -> str:
    return settings.ORIGIN + reverse("news:brief", args=[brief.pk])
