"""That a member was shown what the hub itself keeps about them: a line of the journal with the digest of the text."""

from datetime import datetime
from hashlib import sha256
from uuid import UUID

from django.db import transaction
from django.template.loader import render_to_string
from django.utils.crypto import constant_time_compare

from audit.services import record
from audit.types import Action, Actor, Entry


def notice_digest() -> str:
    """Of the text as it is in the language in force: which words somebody was shown can be found again."""
    return sha256(render_to_string("account/notice_text.html").encode()).hexdigest()


class NoticeChanged(Exception):
    """The page shows another text than the one somebody went on from."""


@transaction.atomic
def note_notice(*, member_id: UUID, digest: str, language: str, session: str | None, now: datetime) -> None:
    """``digest`` is that of the page they went on from.  Raises ``NoticeChanged``: nobody read what was not shown."""
    if not constant_time_compare(digest, notice_digest()):
        raise NoticeChanged
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
