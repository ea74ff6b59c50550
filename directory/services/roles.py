"""The roles people have in the hub: given and taken back by people, within the rules of ``directory.policy``."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from audit.differences import differences
from audit.services import record, record_all
from audit.types import SYSTEM, Action, Actor, Entry
from directory import policy
from directory.models import Member, RoleGrant
from directory.services.changing import changing, check_not_last_technician
from directory.services.factor_rules import settle_second_factor_dates
from directory.signals import member_acted_on
from directory.types import CannotChange, MemberState, Role

GONE_STATES = (MemberState.LEFT, MemberState.MISSING)


def grant_role(*, member_id: UUID, role: Role, actor: Actor, now: datetime, ends_at: datetime | None = None) -> None:
    """Give a role, until a date or for good; giving it again changes its end, or nothing.

    Raises ``CannotChange``: to oneself, by somebody whose role does not give this one, beside a role that it would
    watch, with an end that is past.  The hub itself (a command) is bound by the last two only.
    """
    with changing(Action.ROLE_GRANTED, member_id=member_id, actor=actor, now=now) as member:
        held = _in_force(member, now) - {role}
        reason = policy.why_incompatible(role, held)
        if actor.member is not None:
            by = _roles_of(actor.member, now)
            reason = policy.why_not_granted(role, by=by, to=held, is_self=actor.member == member_id)
        if reason:
            raise CannotChange(reason)
        if ends_at is not None and ends_at <= now:
            raise CannotChange("day_past")
        grant = RoleGrant.objects.filter(member=member, role=role).first()
        if grant is not None and grant.is_in_force(now) and grant.ends_at == ends_at:
            return
        if role == Role.TECHNICIAN and ends_at is not None and grant is not None:
            check_not_last_technician(member_id, now=now)
        # One that was over and is given again begins anew, whether its row is gone yet or not.
        begun = {} if grant is None or grant.is_in_force(now) else {"granted_at": now}
        RoleGrant.objects.update_or_create(
            member=member,
            role=role,
            defaults={"ends_at": ends_at, "reminded_at": None, "granted_by_id": actor.member, **begun},
        )
        facts: dict[str, object] = {"role": str(role)}
        if ends_at is not None:
            facts["ends_at"] = ends_at.isoformat()
        if grant is not None and grant.is_in_force(now):
            facts |= differences({"ends_at": grant.ends_at}, {"ends_at": ends_at})
        record(Entry(Action.ROLE_GRANTED, actor=actor, subject=member_id, facts=facts, at=now))
        settle_second_factor_dates(now=now)
        _tell(Action.ROLE_GRANTED, member_id, actor, {"role": role, "ends_at": ends_at}, now)


def revoke_role(*, member_id: UUID, role: Role, actor: Actor, now: datetime) -> None:
    """Take a role back; one’s own can be given up.

    Raises ``CannotChange`` for somebody whose role does not give this one, and for the last technician.
    """
    with changing(Action.ROLE_REVOKED, member_id=member_id, actor=actor, now=now) as member:
        if actor.member is not None:
            is_self = actor.member == member_id
            reason = policy.why_not_revoked(role, by=_roles_of(actor.member, now), is_self=is_self)
            if reason:
                raise CannotChange(reason)
            if role == Role.TECHNICIAN:
                check_not_last_technician(member_id, now=now)
        removed, _ = RoleGrant.objects.filter(member=member, role=role).delete()
        if not removed:
            return
        record(Entry(Action.ROLE_REVOKED, actor=actor, subject=member_id, facts={"role": str(role)}, at=now))
        settle_second_factor_dates(now=now)
        _tell(Action.ROLE_REVOKED, member_id, actor, {"role": role}, now)


def end_roles_of(member_id: UUID, *, actor: Actor, reason: str, now: datetime) -> None:
    """All roles of somebody who is gone.  Call inside the transaction of their departure, which tells them."""
    grants = list(RoleGrant.objects.select_for_update().filter(member_id=member_id))
    RoleGrant.objects.filter(pk__in=[grant.pk for grant in grants]).delete()
    record_all(_revoked(grant, actor, reason, now) for grant in grants)


def end_roles_of_leavers(*, now: datetime) -> None:
    """Whoever is gone from the directory has no role there either: it does not come back by itself with them.

    Inside the transaction of the pass.
    """
    gone = Member.objects.filter(state__in=GONE_STATES, role_grants__isnull=False)
    for member_id in gone.order_by("pk").values_list("pk", flat=True).distinct():
        end_roles_of(member_id, actor=SYSTEM, reason="member_ended", now=now)


@transaction.atomic
def end_roles_over(*, now: datetime) -> int:
    """Remove the rows of roles whose end has come; they opened nothing any more since that moment."""
    grants = list(RoleGrant.objects.select_for_update(skip_locked=True).filter(ends_at__lte=now))
    if not grants:
        return 0
    RoleGrant.objects.filter(pk__in=[grant.pk for grant in grants]).delete()
    record_all(_revoked(grant, SYSTEM, "role_over", now) for grant in grants)
    settle_second_factor_dates(now=now)
    for grant in grants:
        _tell(Action.ROLE_REVOKED, grant.member_id, SYSTEM, {"role": Role(grant.role)}, now)
    return len(grants)


def _revoked(grant: RoleGrant, actor: Actor, reason: str, now: datetime) -> Entry:
    facts: dict[str, object] = {"role": str(grant.role)}
    return Entry(Action.ROLE_REVOKED, actor=actor, subject=grant.member_id, reason=reason, facts=facts, at=now)


def _roles_of(member_id: UUID, now: datetime) -> frozenset[Role]:
    """Of somebody who acts: nobody who is not active has any."""
    member = Member.objects.active().filter(pk=member_id).first()
    return _in_force(member, now) if member else frozenset()


def _in_force(member: Member, now: datetime) -> frozenset[Role]:
    return frozenset(Role(grant.role) for grant in member.role_grants.all() if grant.is_in_force(now))


def _tell(action: Action, member_id: UUID, actor: Actor, facts: dict[str, object], now: datetime) -> None:
    member_acted_on.send(sender=RoleGrant, action=action, member_id=member_id, actor=actor, facts=facts, now=now)
