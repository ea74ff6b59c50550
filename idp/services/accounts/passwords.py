"""Choosing a password: judged here, kept by the directory, and everything that rested on the old one ends with it."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction

from audit.services import record
from audit.types import Action, Actor, Entry
from branding import selectors as branding
from directory import passwords as kept
from directory.models import Member
from directory.passwords import Outcome
from directory.types import ChangeUncertain, DirectoryUnavailable
from idp import passwords
from idp.models import AccountLink, HubSession, Tool
from idp.passwords import Judgement
from idp.services import refusals, sessions
from idp.services.accounts import attempts, browsers, links, mails
from idp.types import LinkKind, MailKind

# Known to everybody who guesses at this house.
HOUSE = ("trousseau",)
# Nobody had one before: there is nothing to be told of.
FIRST_PASSWORDS = (LinkKind.INVITATION, LinkKind.FIRST)
# The step of a line in the journal, by the reason that a change would have had.
STEPS = {"by_link": "link", "had_to_change": "must_change", "by_member": "change"}


class PasswordRefused(Exception):
    """The hub's rule or the directory's says no, and nothing was changed; ``reason`` is a code."""

    def __init__(self, reason: str, bits: float = 0.0) -> None:
        super().__init__(reason)
        self.reason, self.bits = reason, bits


def judge(member: Member, typed: str) -> Judgement:
    """This person's new password: their own words, the house's and those of its tools are no strength."""
    words = [member.display_name, member.given_name, member.family_name, member.login, member.email.partition("@")[0]]
    words += [member.email.partition("@")[2], member.business_name, member.town, *branding.names(), *HOUSE]
    words += Tool.objects.values_list("name", flat=True)
    return passwords.judge(typed, minimum=settings.PASSWORD_MIN_LENGTH, words=words)


def choose_by_link(*, member: Member, link_id: UUID, typed: str, now: datetime) -> None:
    """The link's holder chooses: the link is used up, the password kept, and nothing old goes on.

    Raises ``PasswordRefused``, ``links.LinkRefused`` or ``DirectoryUnavailable``: then nothing has happened, but for
    ``ChangeUncertain``.
    """
    new = _judged(member, typed, step="link", now=now)
    _set(member, lambda: kept.reset(member, new=new), reason="by_link", link_id=link_id, now=now)


def replace(*, member: Member, old: str, typed: str, now: datetime) -> None:
    """Somebody at the door whose right password may no longer be kept.  Raises as ``choose_by_link``."""
    new = _judged(member, typed, step="must_change", now=now)
    _set(member, lambda: kept.change(member, old=old, new=new), reason="had_to_change", now=now)


def replace_expired(*, member: Member, typed: str, now: datetime) -> None:
    """As ``replace``, where the directory no longer lets its holder in to change it: the write account does."""
    new = _judged(member, typed, step="must_change", now=now)
    _set(member, lambda: kept.reset(member, new=new), reason="had_to_change", now=now)


def change(*, member: Member, old: str, typed: str, keep: UUID | None, end_others: bool, now: datetime) -> None:
    """Somebody signed in changes theirs; ``keep`` is the session they do it in.  Raises as ``choose_by_link``."""
    new = _judged(member, typed, step="change", now=now)
    _set(
        member,
        lambda: kept.change(member, old=old, new=new),
        reason="by_member",
        keep=keep,
        end_sessions=end_others,
        now=now,
    )


def _judged(member: Member, typed: str, *, step: str, now: datetime) -> str:
    judgement = judge(member, typed)
    if not judgement.is_good:
        fault = f"password_{judgement.faults[0]}"
        _note_refused(member, reason=fault, step=step, now=now)
        raise PasswordRefused(fault, judgement.bits)
    return judgement.password


def _set(
    member: Member,
    order: Callable[[], Outcome],
    *,
    reason: str,
    now: datetime,
    link_id: UUID | None = None,
    keep: UUID | None = None,
    end_sessions: bool = True,
) -> None:
    """All that goes with a new password, and the order to the directory last: when it says no, nothing has happened."""
    try:
        with transaction.atomic():
            sessions.hold(member.pk)
            link = links.use(link_id, member_id=member.pk, now=now) if link_id else None
            _settle(member, link, reason=reason, keep=keep, end_sessions=end_sessions, now=now)
            outcome = order()
            if outcome is not Outcome.DONE:
                raise PasswordRefused(f"directory_{outcome.value}")
    except PasswordRefused as refused:
        _note_refused(member, reason=refused.reason, step=reason, now=now)
        raise
    except DirectoryUnavailable as error:
        code = "directory_uncertain" if isinstance(error, ChangeUncertain) else "directory_down"
        _note_refused(member, reason=code, step=reason, now=now)
        raise
    # Whoever knows the new one has failed at nothing: what strangers tried before counts no more.  Once it is kept, and
    # not before: Redis has no part in the transaction, and each wrong guess at the old one would open the count anew.
    attempts.password_kept(member.pk)


def _settle(
    member: Member, link: AccountLink | None, *, reason: str, keep: UUID | None, end_sessions: bool, now: datetime
) -> None:
    actor = Actor(member=member.pk)
    running = HubSession.objects.filter(member_id=member.pk, ended_at=None)
    others = running.exclude(pk=keep) if keep else running
    count = others.count() if end_sessions else 0
    if end_sessions:
        sessions.end_hub_sessions(others, reason="password_changed", actor=actor, now=now)
    links.end_all(member.pk, now=now)
    # What was trusted was trusted with the password there was.
    untrusted = browsers.end_trust(member_id=member.pk, actor=actor, reason="password_changed", now=now)
    facts: dict[str, object] = {"sessions": count, "browsers": untrusted}
    if link is not None:
        facts["link_kind"] = str(link.kind)
    record(Entry(Action.PASSWORD_CHANGED, actor=actor, subject=member.pk, reason=reason, facts=facts, at=now))
    if link is None or link.kind not in FIRST_PASSWORDS:
        told = {"at": now, "sessions_ended": end_sessions, "by_link": link is not None}
        mails.queue(kind=MailKind.SECURITY, template="password_changed", member=member, now=now, context=told)


def _note_refused(member: Member, *, reason: str, step: str, now: datetime) -> None:
    """Within what one person may write: whoever tries out passwords tries many."""
    entry = Entry(
        Action.PASSWORD_REFUSED,
        actor=Actor(member=member.pk),
        subject=member.pk,
        refused=True,
        reason=reason,
        facts={"step": STEPS.get(step, step)},
        at=now,
    )
    refusals.note(entry, network=str(member.pk), now=now)
