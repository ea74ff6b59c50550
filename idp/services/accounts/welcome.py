"""That a member was shown what the hub itself keeps about them: a row, and a line of the journal with its digest."""

from datetime import datetime
from functools import cache
from hashlib import sha256
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.crypto import constant_time_compare
from django.utils.translation import override

from audit.services import record
from audit.types import Action, Actor, Entry
from consent.models import HubNotice

# What a session knows of what its member was shown: a page that asks costs no statement once they were.
SESSION_FIELD = "hub_notice"


def notice_digest() -> str:
    """Of the text as it is in the language in force: which words somebody was shown can be found again."""
    return sha256(render_to_string("account/notice_text.html").encode()).hexdigest()


@cache
def notice_version() -> str:
    """The same in every language: whoever changes theirs is not told again.  It changes with the words in French."""
    with override(settings.LANGUAGE_CODE):
        return notice_digest()


class NoticeChanged(Exception):
    """The page shows another text than the one somebody went on from."""


def remember(request: HttpRequest, member_id: UUID) -> None:
    """At sign-in: what they were shown last.  One statement."""
    seen = HubNotice.objects.filter(pk=member_id).values_list("version", flat=True).first()
    request.session[SESSION_FIELD] = seen or ""


def is_news(request: HttpRequest, member_id: UUID) -> bool:
    """Whether they have yet to be shown it, as it is now.  No statement once they were; one until then."""
    if request.session.get(SESSION_FIELD) == notice_version():
        return False
    seen = HubNotice.objects.filter(pk=member_id, version=notice_version()).exists()
    if seen:
        # In another browser, since.
        request.session[SESSION_FIELD] = notice_version()
    return not seen


@transaction.atomic
def note_notice(*, member_id: UUID, digest: str, language: str, session: str | None, now: datetime) -> None:
    """``digest`` is that of the page they went on from.  Raises ``NoticeChanged``: nobody read what was not shown."""
    if not constant_time_compare(digest, notice_digest()):
        raise NoticeChanged
    shown = {"version": notice_version(), "language": language, "digest": digest, "at": now}
    HubNotice.objects.update_or_create(pk=member_id, defaults=shown)
    facts: dict[str, object] = {"language": language, "digest": digest}
    record(
        Entry(
            Action.HUB_NOTICE_SEEN,
            actor=Actor(member=member_id),
            subject=member_id,
            session=UUID(session) if session else None,
            facts=facts,
            at=now,
        )
    )
