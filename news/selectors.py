"""Reading news: what reaches a member, and what somebody may write."""

from datetime import datetime
from typing import Any

from django.db.models import Case, Exists, OuterRef, Q, QuerySet, Subquery, When

from collectives.models import Follow
from directory.access import may
from directory.models import Collective, Member, Membership
from directory.policy import Right
from directory.types import Kind
from news.models import Brief, Dismissal
from news.policy import UNDO
from news.types import Audience

ON_TOP = 2


def reaching(member: Member, now: datetime) -> QuerySet[Brief]:
    """Published at this moment and meant for them, the newest first; one statement, without the pictures."""
    return _published(now).filter(_meant_for(member))


def on_top(member: Member, now: datetime) -> list[Brief]:
    """The few that stand on the page of tools, without those that the member put aside there.

    The newest of the whole cooperative is among them: collectives write more often than the office.
    """
    aside = Dismissal.objects.filter(member=member, brief=OuterRef("pk"))
    rows = reaching(member, now).filter(~Exists(aside)).defer("picture", "text")
    of_all = rows.filter(collective=None).values("pk")[:1]
    kept = rows.annotate(is_kept=Case(When(pk=Subquery(of_all), then=1), default=0)).order_by(
        "-is_kept", *rows.query.order_by
    )
    return sorted(kept[:ON_TOP], key=lambda each: (each.since, each.pk), reverse=True)


def near(member: Member) -> QuerySet[Collective]:
    """Those whose news may be sent out of the hub to them: the ones they are in, lead or follow, if not sensitive.

    What leaves the hub is read by others on its way (GDPR art. 9).
    """
    inside = Q(pk__in=Membership.objects.filter(member=member).values("collective"))
    leading = Q(pk__in=Collective.leads.through.objects.filter(member=member).values("collective"))
    following = Q(pk__in=Follow.objects.filter(member=member).values("collective"))
    there = Collective.objects.filter(inside | leading | following, present=True, sensitive=False)
    return there.exclude(kind=Kind.STATUS).order_by("order_key", "pk")


def picture(brief: Brief) -> bytes:
    content = Brief.objects.filter(pk=brief.pk).values_list("picture", flat=True).first()
    return bytes(content or b"")


def one(brief_id: int) -> Brief | None:
    """Whatever became of it, for whoever writes; ``reaching`` is for readers."""
    return Brief.objects.filter(pk=brief_id).select_related("collective").defer("picture").first()


def written(member: Member, now: datetime) -> QuerySet[Brief]:
    """What they may change, drafts too; what was removed as long as it can be put back."""
    theirs = Q(collective__in=led(member))
    if may(member, Right.ANNOUNCE):
        theirs |= Q(collective=None)
    there = Q(removed_at=None) | Q(removed_at__gt=now - UNDO)
    rows = Brief.objects.filter(theirs & there).select_related("collective").defer("picture", "text")
    return rows.order_by("-changed_at", "-pk")


def led(member: Member) -> QuerySet[Collective]:
    return Collective.objects.filter(present=True, leads=member)


def leads(person: Any) -> bool:
    """Whether there is a collective that they write for."""
    return isinstance(person, Member) and person.is_active and led(person).exists()


def may_write(person: Any) -> bool:
    """Whether there is anything that they may write news for."""
    return may(person, Right.ANNOUNCE) or leads(person)


def _published(now: datetime) -> QuerySet[Brief]:
    there = Q(is_draft=False, removed_at=None, since__lte=now)
    rows = Brief.objects.filter(there, Q(until=None) | Q(until__gt=now))
    return rows.select_related("collective").defer("picture").order_by("-since", "-pk")


def _meant_for(member: Member) -> Q:
    """A collective that is marked as sensitive after the fact is so for its news as well."""
    inside = Q(collective__in=Membership.objects.filter(member=member).values("collective"))
    leading = Q(collective__in=Collective.leads.through.objects.filter(member=member).values("collective"))
    following = Q(collective__in=Follow.objects.filter(member=member).values("collective"))
    outside = Q(collective__sensitive=False) & (following | Q(audience=Audience.EVERYBODY))
    return Q(collective=None) | Q(Q(collective__present=True) & (inside | leading | outside))
