"""The journal of the release before, which named people in clear and knew no log."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from django.utils import timezone

from audit.models import Event, Leaf, Pending
from audit.parts import Role, parse_entry
from audit.sequencer import sequence
from audit.types import Action
from tests.support.cast import MONDAY, make_member
from tests.support.migrations import migrate

BEFORE = [("audit", "0010_collectives")]


@pytest.fixture
def lines_before(transactional_db: None) -> Iterator[object]:
    """The table as it was."""
    executor = migrate(BEFORE)
    yield executor.loader.project_state(BEFORE).apps.get_model("audit", "Event")
    migrate()


def test_old_lines_keep_what_they_said_of_whom_and_enter_the_log(lines_before):
    member, office, session = make_member("amelie.roux", "Amélie Roux"), make_member("karim", "Karim"), uuid4()
    common = {"at": MONDAY, "reason": "", "refused": False}
    lines_before.objects.create(
        action=Action.SIGN_IN,
        actor_id=member.pk,
        subject_id=member.pk,
        session=session,
        facts={"methods": []},
        **common,
    )
    lines_before.objects.create(action=Action.MEMBER_SUSPENDED, actor_id=office.pk, subject_id=member.pk, **common)
    lines_before.objects.create(action=Action.DISCLOSED, actor_tool_id=7, tool_id=7, subject_id=member.pk, **common)
    lines_before.objects.create(action=Action.SECRET_ROTATED, tool_id=7, facts={"overlap_hours": 24.0}, **common)
    lines_before.objects.create(action=Action.SECRET_ROTATED, tool_id=7, facts={"overlap_hours": 0.5}, **common)
    lines_before.objects.create(action=Action.MEMBERS_SEARCHED, actor_id=office.pk, session=session, **common)

    migrate()

    lines = list(Event.objects.order_by("pk"))
    assert [(line.action, line.by, line.actor_id, line.subject_id, line.session) for line in lines] == [
        (Action.SIGN_IN, "self", member.pk, member.pk, session),
        (Action.MEMBER_SUSPENDED, "member", office.pk, member.pk, None),
        (Action.DISCLOSED, "tool", None, member.pk, None),
        (Action.SECRET_ROTATED, "hub", None, None, None),
        (Action.SECRET_ROTATED, "hub", None, None, None),
        (Action.MEMBERS_SEARCHED, "member", office.pk, None, session),
    ]
    assert [line.facts for line in lines[3:5]] == [{"overlap_hours": 24}, {"overlap_hours": "0.5"}]
    assert sequence(now=timezone.now()) == 6
    assert not Pending.objects.exists()
    for line in lines:
        entry = parse_entry(bytes(Leaf.objects.get(reference=line.reference).entry))
        parts = [part for role in Role if (part := line.part(role))]
        assert [(part.role, part.commitment) for part in parts] == list(entry.commitments)


def test_a_long_journal_is_brought_in_bit_by_bit(lines_before):
    member = make_member("amelie.roux", "Amélie Roux")
    lines_before.objects.bulk_create(
        [lines_before(action=Action.SIGN_OUT, subject_id=member.pk, at=MONDAY) for _ in range(2500)]
    )

    migrate()

    assert Event.objects.about(member).count() == Pending.objects.count() == 2500
    assert len({bytes(line.salt) for line in Event.objects.all()}) == 2500
