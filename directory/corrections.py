"""Which items of people changed, written in the transaction of the change: names and moments, never values."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import QuerySet

from directory.models import ItemChange, Member, Membership

# What of a person a tool can be told, by the column that it is made of; ``groups`` is made of memberships.
ITEMS_OF: Mapping[str, tuple[str, ...]] = {
    "display_name": ("name",),
    "given_name": ("given_name",),
    "family_name": ("family_name",),
    "login": ("login",),
    "language": ("language",),
    "email": ("email",),
    "email_state": ("email",),
    "phone": ("phone",),
    "mobile": ("phone",),
    "postal_address": ("address",),
    "postal_code": ("address",),
    "town": ("address", "town"),
    "trade": ("trade",),
    "business_name": ("business_name",),
    "employee_number": ("employee_number",),
}
GROUPS = "groups"
# From a moment that somebody took before they asked the directory, until what they wrote is there for all: of one
# entry, with whatever was read a moment before by those who tell tools.
ONE_ENTRY = timedelta(minutes=1)
AT_ONCE = 500

Changed = tuple[UUID, str]


def items_of(columns: Collection[str], before: Member) -> frozenset[str]:
    """What tools would be told otherwise, where these columns of a member become others."""
    if before.mobile and "mobile" not in columns:
        # Tools are told the mobile one where there is one.
        columns = set(columns) - {"phone"}
    return frozenset(item for column in columns for item in ITEMS_OF.get(column, ()))


def of_members_of(collectives: Collection[UUID]) -> Iterator[Changed]:
    """Whose collectives are told otherwise from now on, as these are; one statement, none where there are none."""
    if collectives:
        members = Membership.objects.filter(collective__in=collectives).order_by("member").distinct()
        yield from ((member, GROUPS) for member in members.values_list("member", flat=True))


def note(changed: Iterable[Changed], *, now: datetime, within: timedelta) -> None:
    """In the caller's transaction and beside its lines; a statement for some hundreds of items, none for none.

    ``within``: for how long after ``now`` the value of before may still be told.
    """
    rows = [
        ItemChange(member_id=member, item=item, at=now, sure_from=now + within) for member, item in sorted({*changed})
    ]
    if rows:
        ItemChange.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["member", "item"],
            update_fields=["at", "sure_from"],
            batch_size=AT_ONCE,
        )


def forget_changes(members: Sequence[UUID]) -> None:
    """Where nothing is known of them any more, nothing of it can be wrong."""
    ItemChange.objects.filter(member__in=members).delete()


def of_member(member_id: UUID) -> QuerySet[ItemChange]:
    return ItemChange.objects.filter(member_id=member_id)
