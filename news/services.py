"""Changing news: written, changed, taken back, put back; each with its line, which holds no word of the text."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.urls import reverse

from audit.differences import differences
from audit.services import record
from audit.types import Action, Actor, Entry
from directory import pictures
from directory.models import Collective, Member
from directory.pictures import PhotoRefused
from idp.services.accounts import mails
from idp.types import MailKind
from news import policy
from news.models import Brief, Dismissal
from news.types import Audience, NewsRefused

# What somebody wrote, of which the journal knows only that it changed.
UNTOLD = frozenset({"title", "text", "picture", "picture_alt"})


@dataclass(frozen=True, slots=True)
class Content:
    """``picture``: as it was sent; empty takes it away, None leaves it."""

    title: str
    text: str
    audience: Audience
    is_draft: bool
    since: datetime | None = None
    until: datetime | None = None
    picture: bytes | None = None
    picture_alt: str = ""


def read(file: "UploadedFile[bytes] | None") -> bytes:
    """Raises ``PhotoRefused``, before anything is read of what is too heavy."""
    if file is None or not file.size:
        raise PhotoRefused("unreadable")
    if file.size > pictures.MAX_BYTES:
        raise PhotoRefused("too_heavy")
    raw: bytes = file.read()
    return raw


def write(*, collective: Collective | None, content: Content, actor: Actor, now: datetime) -> Brief:
    """A new one, of a collective or of the whole cooperative.  Raises ``PhotoRefused``."""
    drawn = pictures.illustration(content.picture) if content.picture else b""
    with transaction.atomic():
        brief = Brief(collective=collective, author_id=actor.member, written_at=now)
        _fill(brief, content, drawn, now)
        brief.save()
        record(_line(Action.BRIEF_CHANGED, brief, actor=actor, now=now, **differences({}, _told(brief), untold=UNTOLD)))
    return brief


def change(*, brief_id: int, content: Content, actor: Actor, now: datetime) -> bool:
    """Whether anything is another thing now.  Raises ``PhotoRefused``, ``NewsRefused`` of what was removed."""
    drawn = pictures.illustration(content.picture) if content.picture else content.picture
    with transaction.atomic():
        brief = _held(brief_id)
        if brief.removed_at is not None:
            raise NewsRefused("brief_removed")
        before = _told(brief)
        _fill(brief, content, drawn, now)
        facts = differences(before, _told(brief), untold=UNTOLD)
        if not facts["properties"]:
            return False
        brief.save()
        record(_line(Action.BRIEF_CHANGED, brief, actor=actor, now=now, **facts))
    return True


@transaction.atomic
def remove(*, brief_id: int, actor: Actor, now: datetime) -> int:
    """Seen by nobody from now on; it can be put back for a month.

    Who leads the collective hears of it from others: returns how many are told.
    """
    brief = _held(brief_id)
    if brief.removed_at is not None:
        return 0
    brief.removed_at = now
    brief.save(update_fields=["removed_at"])
    record(_line(Action.BRIEF_REMOVED, brief, actor=actor, now=now))
    return _tell_leads(brief, actor, now)


@transaction.atomic
def restore(*, brief_id: int, actor: Actor, now: datetime) -> None:
    """As a draft: whoever puts it back looks at it first.  Raises ``NewsRefused`` where it is too late."""
    brief = _held(brief_id)
    if not policy.can_be_restored(brief.removed_at, now):
        raise NewsRefused("brief_not_restored")
    brief.removed_at, brief.is_draft = None, True
    brief.save(update_fields=["removed_at", "is_draft"])
    record(_line(Action.BRIEF_RESTORED, brief, actor=actor, now=now))


def note_refused(*, collective: Collective | None, reason: str, actor: Actor, now: datetime) -> None:
    """A picture that was not taken."""
    facts: dict[str, object] = {"properties": ["picture"]} | _place(collective)
    with transaction.atomic():
        record(Entry(Action.BRIEF_CHANGED, actor, refused=True, reason=reason, facts=facts, at=now))


def put_aside(*, member_id: UUID, brief_id: int) -> None:
    """Away from the member's page of tools."""
    Dismissal.objects.get_or_create(member_id=member_id, brief_id=brief_id)


def _tell_leads(brief: Brief, actor: Actor, now: datetime) -> int:
    """Where somebody else took it away.  Neither title nor collective: a sensitive one is named in no mail (GDPR 9)."""
    leads = list(brief.collective.leads.active()) if brief.collective else []
    by = Member.objects.filter(pk=actor.member).first() if actor.member else None
    if by is None or by in leads:
        return 0
    context = {"by": " ".join(by.display_name.split()), "page": settings.ORIGIN + reverse("news:written")}
    sent = [
        mails.queue(kind=MailKind.NEWS, template="brief_withdrawn", member=lead, now=now, context=context)
        for lead in leads
    ]
    return len(sent) - sent.count(None)


def _held(brief_id: int) -> Brief:
    """Raises ``Brief.DoesNotExist``."""
    return Brief.objects.select_for_update(of=("self",)).select_related("collective").get(pk=brief_id)


def _fill(brief: Brief, content: Content, drawn: bytes | None, now: datetime) -> None:
    of = brief.collective
    brief.audience = policy.audience_of(content.audience, sensitive=bool(of and of.sensitive), of_all=of is None)
    if not content.is_draft and (brief.is_draft or brief.published_at is None):
        brief.published_at = now
    brief.title, brief.text, brief.is_draft = content.title, content.text, content.is_draft
    # Nobody said when: at once, to the minute, as it is typed.
    at_once = now.replace(second=0, microsecond=0)
    brief.since = content.since or (None if content.is_draft else brief.since or at_once)
    brief.until = content.until
    if drawn is not None:
        brief.picture, brief.picture_digest = drawn, hashlib.sha256(drawn).hexdigest() if drawn else ""
    brief.picture_alt = content.picture_alt if brief.picture_digest else ""
    brief.changed_at = now


def _told(brief: Brief) -> dict[str, object]:
    return {
        "title": brief.title,
        "text": brief.text,
        "picture": brief.picture_digest,
        "picture_alt": brief.picture_alt,
        "audience": brief.audience,
        "draft": brief.is_draft,
        "since": brief.since,
        "until": brief.until,
    }


def _line(action: Action, brief: Brief, *, actor: Actor, now: datetime, **facts: object) -> Entry:
    numbered: dict[str, object] = {"brief": brief.pk, "standing": brief.standing(now).value}
    return Entry(action, actor, facts=numbered | _place(brief.collective) | facts, at=now)


def _place(collective: Collective | None) -> dict[str, object]:
    return {"collective": str(collective.pk)} if collective else {}
