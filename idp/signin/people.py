"""Whom a typed name means, for limits and for the journal; deciding who may enter is the backend's."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q, QuerySet

from directory import selectors
from directory.models import Member
from directory.normalise import login_key, mail_key
from directory.types import Hold, MemberState
from idp.services.accounts.attempts import account_of

REASONS = {
    MemberState.LOCKED: "locked",
    MemberState.LEFT: "left",
    MemberState.MISSING: "absent",
    Hold.SUSPENDED: "suspended",
    Hold.LEFT: "left",
}


@dataclass(frozen=True, slots=True)
class Attempt:
    """A typed name brought to a person: why it fails, if it fails, and what its attempts count on."""

    member_id: UUID | None
    reason: str
    budget: str


def attempt_by(identifier: str) -> Attempt:
    """Login, mail, other case and other spaces of one person share one budget, or each would give five tries more."""
    name = f"name:{login_key(identifier)}"
    if "\x00" in identifier:
        return Attempt(None, "unknown", name)
    member = selectors.find_for_sign_in(identifier)
    if member is not None:
        return _of(member.pk, "wrong")
    known = list(_answering_to(identifier)[:2])
    if not known:
        return Attempt(None, "unknown", name)
    if len(known) > 1:
        return Attempt(None, "ambiguous", name)
    return _of(known[0].pk, _why(known[0]))


def identifier_of(member: Member) -> str:
    """The name that leads to this member and nobody else, or nothing."""
    for name in (member.login, member.email):
        found = selectors.find_for_sign_in(name) if name else None
        if found is not None and found.pk == member.pk:
            return name
    return ""


def _why(member: Member) -> str:
    """The cooperative’s own word first: a member whom the office suspended is no lock of the directory’s."""
    held = REASONS.get(Hold(member.hold)) if member.hold else None
    return held or REASONS.get(MemberState(member.state), "ambiguous")


def _of(member_id: UUID, reason: str) -> Attempt:
    return Attempt(member_id, reason, account_of(member_id))


def _answering_to(identifier: str) -> QuerySet[Member]:
    """Everybody, in whatever state, whose login or mail this is.  An empty key is nobody's, not everybody's."""
    wanted = Q()
    for field, key in (("login_key", login_key(identifier)), ("email_key", mail_key(identifier))):
        if key:
            wanted |= Q(**{field: key})
    found = Member.objects.filter(wanted) if wanted else Member.objects.none()
    return found.only("pk", "state", "hold").order_by("pk")
