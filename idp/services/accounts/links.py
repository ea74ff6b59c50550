"""Links that somebody is handed: invitation, forgotten password, by hand, first technician.

The secret is known to whoever holds the link; the hub keeps its digest.  Reading a link never uses it up, for mail
scanners read them: it is used by what it was for, inside that change's transaction.
"""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from audit.services import record
from audit.types import Action, Actor, Entry
from directory.models import Member
from idp.models import AccountLink
from idp.services import refusals
from idp.types import LinkKind

# 256 bits: nothing slower than one digest is needed to keep it.
SECRET_BYTES = 32


class LinkRefused(Exception):
    """This link opens nothing; ``reason`` is for the journal."""

    def __init__(self, reason: str, link: AccountLink | None = None) -> None:
        super().__init__(reason)
        self.reason, self.link = reason, link


@transaction.atomic
def issue(
    *, member_id: UUID, kind: LinkKind, actor: Actor, lifetime: timedelta, now: datetime
) -> tuple[AccountLink, str]:
    """A link and its secret in clear, which is told once; earlier open ones of its kind end."""
    # One at a time for each person: two requests at once must not leave two open links.
    list(Member.objects.select_for_update(no_key=True).filter(pk=member_id).values_list("pk"))
    end_all(member_id, now=now, kinds=[kind])
    secret = secrets.token_urlsafe(SECRET_BYTES)
    link = AccountLink.objects.create(
        member_id=member_id,
        kind=kind,
        digest=digest_of(secret),
        created_by_id=actor.member,
        created_at=now,
        expires_at=now + lifetime,
    )
    return link, secret


def address_of(secret: str) -> str:
    """From the configured origin and nothing else: what a request says about its host never gets into a mail."""
    return f"{settings.ORIGIN}{reverse('account_link', args=[secret])}"


@transaction.atomic
def end_all(member_id: UUID, *, now: datetime, kinds: Iterable[LinkKind] = tuple(LinkKind)) -> int:
    """End the open links of these kinds; returns how many.  What ends them is the caller's line in the journal."""
    return AccountLink.objects.filter(member_id=member_id, kind__in=list(kinds), used_at=None, ended_at=None).update(
        ended_at=now
    )


def find(secret: str, *, now: datetime) -> AccountLink:
    """The open link with this secret.  Raises ``LinkRefused``."""
    # Looked up by digest whatever was sent: how far a guess was right cannot be seen from the time it takes.
    return _open(
        AccountLink.objects.filter(digest=digest_of(secret)).select_related("member", "created_by").first(), now
    )


def again(link_id: UUID, *, now: datetime) -> AccountLink:
    """A link that was found a while ago, if it is still open.  Raises ``LinkRefused``."""
    return _open(AccountLink.objects.filter(pk=link_id).select_related("member", "created_by").first(), now)


@transaction.atomic
def note_opened(link: AccountLink, *, now: datetime) -> None:
    """Its holder goes on with it: the office sees that an invitation has arrived."""
    if link.opened_at is None:
        AccountLink.objects.filter(pk=link.pk).update(opened_at=now)
        facts: dict[str, object] = {"link_kind": str(link.kind)}
        record(Entry(Action.LINK_OPENED, subject=link.member_id, facts=facts, at=now))


def note_refused(refused: LinkRefused, *, network: str, now: datetime) -> None:
    """A line for each, within what one network may write: anybody can invent links."""
    facts: dict[str, object] = {"link_kind": str(refused.link.kind)} if refused.link else {}
    subject = refused.link.member_id if refused.link else None
    entry = Entry(Action.LINK_REFUSED, subject=subject, refused=True, reason=refused.reason, facts=facts, at=now)
    refusals.note(entry, network=network, now=now)


def use(link_id: UUID, *, member_id: UUID, now: datetime) -> AccountLink:
    """Use the link up, for this person alone, in the caller's transaction.  Raises ``LinkRefused``."""
    # Keycloak CVE-2026-18963: a reset begun for one person was finished as another.
    held = AccountLink.objects.select_for_update(no_key=True, of=("self",)).select_related("member")
    link = _open(held.filter(pk=link_id, member_id=member_id).first(), now)
    link.used_at = now
    link.save(update_fields=["used_at"])
    return link


def digest_of(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _open(link: AccountLink | None, now: datetime) -> AccountLink:
    if link is None:
        raise LinkRefused("link_unknown")
    if link.used_at is not None:
        raise LinkRefused("link_used", link)
    if link.ended_at is not None:
        raise LinkRefused("link_ended", link)
    # authentik CVE-2025-64708: at its end a link is over, not a little later.
    if now >= link.expires_at:
        raise LinkRefused("link_expired", link)
    if not link.member.is_active:
        raise LinkRefused("member_inactive", link)
    return link
