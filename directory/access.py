"""The one function that decides what a person may do in the hub beyond their own account: every page asks here."""

from typing import Any

from django.db.models import QuerySet

from directory.models import Collective, Member
from directory.policy import LEAD_RIGHTS, NEVER_ON_ONESELF, Right, given_by, rights_of
from directory.types import Role


def may(person: Any, right: Right, subject: Member | Collective | None = None) -> bool:
    """Whether this person has this right now, over this member or collective; nobody who is not active has any.

    ``person`` is whoever a request comes from: somebody not signed in is nobody.
    """
    if not isinstance(person, Member) or not person.is_active:
        return False
    if isinstance(subject, Member) and subject.pk == person.pk and right in NEVER_ON_ONESELF:
        return False
    if right in LEAD_RIGHTS:
        return _leads(person, subject)
    return right in rights_of(person.roles)


def roles_to_give(person: Any) -> frozenset[Role]:
    """The roles that this person may give and take back."""
    if not isinstance(person, Member) or not person.is_active:
        return frozenset()
    return frozenset(given_by(person.roles))


def _leads(person: Member, subject: Member | Collective | None) -> bool:
    """The directory says who leads; a collective that is gone, and one inside another, give nothing."""
    mine = Collective.objects.filter(present=True, leads=person)
    if isinstance(subject, Collective):
        return mine.filter(pk=subject.pk).exists()
    if isinstance(subject, Member):
        return mine.filter(memberships__member=subject).exists()
    return False


def findable_by(person: Any) -> QuerySet[Member]:
    """Whom this person may look up: the office everybody, a lead the members of their collectives, others nobody."""
    if may(person, Right.FIND_MEMBERS):
        return Member.objects.all()
    if not isinstance(person, Member) or not person.is_active:
        return Member.objects.none()
    mine = Collective.objects.filter(present=True, leads=person)
    return Member.objects.active().filter(memberships__collective__in=mine).distinct()
