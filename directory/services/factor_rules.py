"""Who needs a second factor, and until when it may be missing: by collective, and by role."""

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from audit.differences import differences
from audit.services import record, record_all
from audit.types import Action, Actor, Entry
from directory.models import Collective, Member, Membership, RoleGrant
from directory.types import CannotChange


def require_second_factor(*, collective_id: UUID, since: datetime | None, actor: Actor, now: datetime) -> None:
    """From this moment on the members of this collective need a second factor; None ends the rule.

    Raises ``CannotChange`` for a collective that is not there.
    """
    try:
        with transaction.atomic():
            collective = Collective.objects.select_for_update().filter(pk=collective_id, present=True).first()
            if collective is None:
                raise CannotChange("collective_unknown")
            before = collective.second_factor_from
            if before == since:
                return
            collective.second_factor_from = since
            collective.save(update_fields=["second_factor_from"])
            facts: dict[str, object] = {"collective": str(collective_id), "required": since is not None}
            facts |= differences({"second_factor_from": before}, {"second_factor_from": since})
            record(Entry(Action.FACTOR_POLICY_CHANGED, actor=actor, facts=facts, at=now))
            settle_second_factor_dates(now=now)
    except CannotChange as refusal:
        with transaction.atomic():
            record(Entry(Action.FACTOR_POLICY_CHANGED, actor=actor, refused=True, reason=refusal.reason, at=now))
        raise


@transaction.atomic
def settle_second_factor_dates(*, now: datetime) -> int:
    """Give whoever falls under a rule now their time to add a factor, and let go whom no rule holds any more.

    Returns how many changed.  The date is set once: neither a second rule nor another pass moves it.  Whoever is not
    active keeps theirs: a suspension is no new delay.
    """
    # Whom another worker is just settling is skipped: one line each in the journal.
    people = Member.objects.active().annotate(is_held=_held(now)).select_for_update(skip_locked=True, no_key=True)
    freed = list(people.filter(is_held=False, second_factor_by__isnull=False).values_list("pk", flat=True))
    asked = list(people.filter(is_held=True, second_factor_by=None).values_list("pk", flat=True))
    if freed:
        Member.objects.filter(pk__in=freed).update(second_factor_by=None)
    if asked:
        by = now + settings.SECOND_FACTOR_GRACE
        Member.objects.filter(pk__in=asked).update(second_factor_by=by)
        record_all(
            Entry(Action.FACTOR_REQUIRED, subject=pk, facts={"by": by.isoformat(timespec="minutes")}, at=now)
            for pk in asked
        )
    return len(freed) + len(asked)


def under_a_rule(now: datetime) -> QuerySet[Member]:
    """The active members who need a second factor."""
    return Member.objects.active().annotate(is_held=_held(now)).filter(is_held=True)


def _held(now: datetime) -> Q:
    rules = Membership.objects.filter(
        member=OuterRef("pk"), collective__present=True, collective__second_factor_from__lte=now
    )
    if not settings.ROLES_NEED_SECOND_FACTOR:
        return Q(Exists(rules))
    roles = RoleGrant.objects.filter(Q(ends_at=None) | Q(ends_at__gt=now), member=OuterRef("pk"))
    return Q(Exists(rules)) | Q(Exists(roles))
