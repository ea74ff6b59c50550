"""What happened before the journal is read."""

import pytest

from audit.models import Event
from audit.services import record
from audit.types import SYSTEM, Action, Actor, Entry
from tests.support.cast import MONDAY, TUESDAY, WEDNESDAY


@pytest.fixture
def happened(member, other_member, louty, formation):
    """Six lines about two people and two tools, over three days."""
    Event.objects.all()._raw_delete("default")
    record(
        Entry(Action.SIGN_IN, Actor(member=member.pk), member.pk, at=MONDAY),
        Entry(Action.DISCLOSED, Actor(tool=louty.pk), member.pk, louty.pk, facts={"items": ["email"]}, at=MONDAY),
        Entry(Action.SIGN_IN, Actor(member=other_member.pk), other_member.pk, at=TUESDAY),
        Entry(Action.DISCLOSED, Actor(tool=formation.pk), other_member.pk, formation.pk, at=TUESDAY),
        Entry(Action.SIGN_IN_REFUSED, SYSTEM, other_member.pk, refused=True, reason="bad_password", at=WEDNESDAY),
        Entry(Action.SYNC_FAILED, reason="unreachable", at=WEDNESDAY),
    )
