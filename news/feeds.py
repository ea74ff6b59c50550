"""A collective's news for a feed reader, which cannot sign in: an address that is a secret of one member (RFC 4287).

What is asked at each reading is what their own page asks: whoever leaves the collective or the cooperative, or is
suspended, has an address that opens nothing.
"""

import hashlib
import re
import secrets
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed

from audit.services import record
from audit.types import Action, Actor, Entry
from branding import selectors as branding
from collectives.models import Follow
from directory.models import Collective, Member, Membership
from directory.people import markdown
from news.models import Brief, FeedLink
from news.selectors import near, reaching
from news.types import NewsRefused

# 256 bits: nothing slower than one digest is needed to keep it.
SECRET_BYTES = 32
IN_FEED = 20
# XML 1.0 §2.2: what a text may hold and a feed may not.
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


@transaction.atomic
def make(*, member: Member, collective_id: UUID, actor: Actor, now: datetime) -> str:
    """A new address, told once; the one before it ends.  Raises ``NewsRefused`` of one that is not near them."""
    if not near(member).filter(pk=collective_id).exists():
        raise NewsRefused("feed_not_yours")
    secret = secrets.token_urlsafe(SECRET_BYTES)
    values = {"digest": _digest(secret), "made_at": now}
    FeedLink.objects.update_or_create(member=member, collective_id=collective_id, defaults=values)
    record(_line(Action.FEED_MADE, member.pk, collective_id, actor=actor, now=now))
    return f"{settings.ORIGIN}{reverse('news:feed', args=[secret])}"


@transaction.atomic
def end(*, member_id: UUID, collective_id: UUID, actor: Actor, now: datetime) -> bool:
    gone, _ = FeedLink.objects.filter(member_id=member_id, collective_id=collective_id).delete()
    if gone:
        record(_line(Action.FEED_ENDED, member_id, collective_id, actor=actor, now=now))
    return bool(gone)


def end_where_out(links: Q) -> None:
    """Of these addresses, those of whoever is out of the collective now: being in it again later brings none back.

    Following one that is sensitive is being out of it.
    """
    here = {"member": OuterRef("member"), "collective": OuterRef("collective")}
    inside = Exists(Membership.objects.filter(**here))
    leading = Exists(Collective.leads.through.objects.filter(**here))
    following = Q(Exists(Follow.objects.filter(**here)), collective__sensitive=False)
    FeedLink.objects.filter(links).exclude(inside | leading | following).delete()


def find(secret: str) -> FeedLink | None:
    """The address, if it opens anything at this moment."""
    # Looked up by digest whatever was sent: how far a guess was right cannot be seen from the time it takes.
    row = FeedLink.objects.filter(digest=_digest(secret)).select_related("member", "collective").first()
    if row is None or not row.member.is_active or not near(row.member).filter(pk=row.collective_id).exists():
        return None
    return row


def written(link: FeedLink, now: datetime) -> str:
    """The newest, as Atom, without pictures, which nobody fetches without signing in."""
    of = link.collective
    feed = Atom1Feed(
        title=_clean(of.name),
        subtitle=branding.cooperative(),
        link=settings.ORIGIN + reverse("collectives:one", args=[of.slug]),
        # Not its own address, which would go along wherever the feed is passed on.
        feed_guid=f"{settings.ORIGIN}/breves/flux/{of.slug}",
        author_name=_clean(of.name),
        description="",
        language=settings.LANGUAGE_CODE,
    )
    for brief in _newest(link.member, of, now):
        address = settings.ORIGIN + reverse("news:brief", args=[brief.pk])
        feed.add_item(
            title=_clean(brief.title),
            link=address,
            unique_id=address,
            description=_clean(markdown.html(brief.text)),
            pubdate=brief.since,
            updateddate=max(brief.changed_at, brief.since or brief.changed_at),
        )
    return feed.writeString("utf-8")


def _newest(member: Member, of: Collective, now: datetime) -> QuerySet[Brief]:
    return reaching(member, now).filter(collective=of)[:IN_FEED]


def _clean(text: str) -> str:
    return CONTROL.sub("", text)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _line(action: Action, member_id: UUID, collective_id: UUID, *, actor: Actor, now: datetime) -> Entry:
    facts: dict[str, object] = {"collective": str(collective_id)}
    return Entry(action, actor, member_id, facts=facts, at=now)
