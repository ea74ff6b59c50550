"""Browsers known again by a cookie, for each member who signed in there; and those that skip the second factor.

The cookie holds 256 random bits, one cookie for all members who use the browser; the hub keeps a digest.  It changes at
every sign-in, like the session's: a copy taken or planted before is worth nothing after it.  Being known opens nothing:
it tells whether a sign-in is news to the member, and which budget its tries count on.

Trust spares the second factor at sign-in and nothing else: such a session proved the password alone, and says so.  It
ends at its date, which use does not put off, with any change of the member's factors or password, and with the account.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.crypto import constant_time_compare, salted_hmac

from audit.services import record, record_all
from audit.types import SYSTEM, Action, Actor, Entry
from directory.models import Member
from idp.models import Browser, HubSession
from idp.services.accounts import mails
from idp.types import MailKind

MEMORY = timedelta(days=180)
ENDED_MEMORY = timedelta(days=30)
NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Begun:
    """A browser in which somebody has just signed in; ``secret`` is what its cookie holds from now on."""

    browser: Browser
    secret: str
    is_new: bool


def live(now: datetime) -> QuerySet[Browser]:
    return Browser.objects.filter(ended_at=None, expires_at__gt=now)


def over(now: datetime) -> QuerySet[Browser]:
    """Known to nobody any more; the journal has their lines."""
    return Browser.objects.filter(Q(expires_at__lte=now) | Q(ended_at__lte=now - ENDED_MEMORY)).order_by("expires_at")


def known(*, member_id: UUID | None, secret: str, now: datetime) -> Browser | None:
    """The browser that this cookie names, for this member.  Asked for nobody as well: the answer takes as long."""
    return live(now).filter(member_id=member_id or NOBODY, digest=_digest(secret)).first() if secret else None


@transaction.atomic
def begin(*, member: Member, secret: str, label: str, now: datetime) -> Begun:
    """At the end of a sign-in: know this browser again, and give its cookie a new value."""
    fresh = token_urlsafe(32)
    if secret:
        live(now).filter(digest=_digest(secret)).update(digest=_digest(fresh))
    found = live(now).filter(member=member, digest=_digest(fresh)).first()
    if found is not None:
        found.last_seen_at, found.expires_at, found.label = now, now + MEMORY, label
        found.save(update_fields=["last_seen_at", "expires_at", "label"])
        return Begun(found, fresh, is_new=False)
    row = Browser.objects.create(
        member=member,
        digest=_digest(fresh),
        label=label,
        first_seen_at=now,
        last_seen_at=now,
        expires_at=now + MEMORY,
    )
    facts: dict[str, object] = {"browser": str(row.pk)}
    record(Entry(Action.BROWSER_ADDED, actor=Actor(member=member.pk), subject=member.pk, facts=facts, at=now))
    return Begun(row, fresh, is_new=True)


def tell(*, member: Member, label: str, network: str, now: datetime) -> None:
    """News to somebody who has signed in before: a browser of theirs that the hub does not know (ASVS 6.3.7)."""
    # Sessions from before browsers were known have no network: an upgrade writes to nobody.
    if HubSession.objects.filter(member=member).exclude(network="").exists():
        context = {"label": label, "network": network, "at": now}
        mails.queue(kind=MailKind.SECURITY, template="new_browser", member=member, now=now, context=context)


# Trust -------------------------------------------------------------------------------------------------------


@transaction.atomic
def trust(*, browser: Browser, now: datetime) -> None:
    """The member asked not to be asked for a second factor here, and has just proved it."""
    browser.trusted_until = now + settings.BROWSER_TRUST
    browser.fingerprint = fingerprint_of(browser.member)
    browser.save(update_fields=["trusted_until", "fingerprint"])
    record(
        Entry(
            Action.BROWSER_TRUSTED,
            actor=Actor(member=browser.member_id),
            subject=browser.member_id,
            facts={"browser": str(browser.pk)},
            at=now,
        )
    )


def is_trusted(*, member: Member, secret: str, now: datetime) -> bool:
    """Whether this member skips the second factor in this browser."""
    browser = known(member_id=member.pk, secret=secret, now=now)
    return browser is not None and trust_holds(browser, fingerprint_of(member), now)


def trust_holds(browser: Browser, fingerprint: str, now: datetime) -> bool:
    """A shorter time in the settings holds for what was trusted before, too."""
    until = browser.trusted_until
    if until is None or not now < until <= now + settings.BROWSER_TRUST:
        return False
    return constant_time_compare(browser.fingerprint, fingerprint)


def fingerprint_of(member: Member) -> str:
    """Another value after any change of the member's factors, or of the password that the hub itself keeps.

    The directory's password is not ours to look at: what changes it calls ``end_trust``.
    """
    factors = Authenticator.objects.filter(user=member.pk).order_by("pk").values_list("pk", "type", "created_at")
    parts = [str(member.pk), member.password, *(f"{pk} {kind} {at.timestamp()}" for pk, kind, at in factors)]
    return salted_hmac("idp.browser_trust", "\n".join(parts), algorithm="sha256").hexdigest()


@transaction.atomic
def end_trust(
    *, member_id: UUID, now: datetime, actor: Actor = SYSTEM, reason: str = "trust_ended", browser: UUID | None = None
) -> int:
    """The second factor is asked for again: in one browser, or in all of a member's."""
    rows = Browser.objects.filter(member_id=member_id, ended_at=None, trusted_until__gt=now)
    rows = rows.filter(pk=browser) if browser else rows
    ended = rows.update(trusted_until=None, fingerprint="")
    if ended:
        facts: dict[str, object] = {"browser": str(browser)} if browser else {"browsers": ended}
        record(Entry(Action.BROWSER_FORGOTTEN, actor=actor, subject=member_id, reason=reason, facts=facts, at=now))
    return ended


# Forgetting --------------------------------------------------------------------------------------------------


def forget(*, member_id: UUID, browser: UUID, actor: Actor, now: datetime) -> int:
    """One browser is known to this member no more; the other members who use it keep it."""
    return _end(Browser.objects.filter(member_id=member_id, pk=browser), reason="by_hand", actor=actor, now=now)


def end_all(member_ids: Iterable[UUID], *, reason: str, actor: Actor = SYSTEM, now: datetime) -> int:
    """Every browser of these people, with the trust in it."""
    return _end(Browser.objects.filter(member_id__in=list(member_ids)), reason=reason, actor=actor, now=now)


@transaction.atomic
def _end(rows: QuerySet[Browser], *, reason: str, actor: Actor, now: datetime) -> int:
    ended = list(rows.filter(ended_at=None).select_for_update(no_key=True).values_list("pk", "member_id"))
    Browser.objects.filter(pk__in=[pk for pk, _member in ended]).update(
        ended_at=now, trusted_until=None, fingerprint=""
    )
    record_all(
        Entry(
            Action.BROWSER_FORGOTTEN,
            actor=actor,
            subject=member,
            reason=reason,
            facts={"browser": str(pk)},
            at=now,
        )
        for pk, member in ended
    )
    return len(ended)


def _digest(secret: str) -> str:
    """Of 256 random bits: nothing to guess, so no salt and no slow hash."""
    return sha256(secret.encode()).hexdigest()
