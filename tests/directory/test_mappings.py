"""Once the words of a directory mean something else here, everybody is read again, changed there or not."""

import pytest

from audit.types import SYSTEM
from directory import services
from directory.ldap import rules
from directory.models import Collective, DirectorySource, Member, SyncIssue
from directory.services import synchronise
from directory.types import Kind, Mode
from tests.support.early import synced
from tests.support.mirror import rows
from tests.support.passes import MONDAY, TUESDAY, WEDNESDAY

__all__ = ["synced"]
pytestmark = pytest.mark.django_db


def map_otherwise(**changes: object) -> None:
    """As a technician does: paused, changed, read for show, followed again."""
    source = DirectorySource.objects.get()
    services.pause(source_id=source.pk, actor=SYSTEM, now=MONDAY)
    services.change_source(source_id=source.pk, changes=changes, actor=SYSTEM, now=MONDAY)
    DirectorySource.objects.update(probed_at=MONDAY)
    synchronise(now=MONDAY, dry_run=True, asked_by=Member.objects.get(login="lea.martinez-roux").pk)
    services.activate(source_id=source.pk, actor=SYSTEM, now=MONDAY)


def test_nothing_else_makes_a_pass_read_everybody(synced):
    assert synchronise(now=TUESDAY).mode == Mode.PIVOT


def test_a_group_that_did_not_change_has_the_kind_that_its_word_means_now(synced):
    poles = set(Collective.objects.filter(kind=Kind.POLE).values_list("pk", flat=True))
    unknown = Collective.objects.get(name="Groupe d’un genre inconnu")
    marks = dict(Collective.objects.values_list("pk", "csn"))
    map_otherwise(kinds={"pôle": "team", "club-secret": "self_run"})

    run = synchronise(now=TUESDAY)
    after = synchronise(now=WEDNESDAY)

    assert (run.mode, after.mode) == (Mode.DEEP, Mode.PIVOT)
    assert len(poles) == 12
    assert set(Collective.objects.filter(pk__in=poles).values_list("kind", flat=True)) == {Kind.TEAM}
    assert Collective.objects.get(pk=unknown.pk).kind == Kind.SELF_RUN
    assert not SyncIssue.objects.filter(entry_uuid=unknown.entry_uuid, resolved_at=None).exists()
    assert dict(Collective.objects.values_list("pk", "csn")) == marks
    # Each of those groups is told, and nobody else.
    assert (run.counts["groups_changed"], run.counts["people_changed"]) == (len(poles) + 1, 0)
    assert after.counts["written"] == 0


def test_an_item_comes_from_the_attribute_that_it_is_read_from_now(synced):
    """Exchanged: the same attributes are read, of entries that are as they were."""
    both = Member.objects.exclude(phone="").exclude(mobile="")
    before = {pk: (mobile, phone) for pk, phone, mobile in both.values_list("pk", "phone", "mobile")}
    map_otherwise(mapping={"person": {"phone": "mobile", "mobile": "telephoneNumber"}})

    run = synchronise(now=TUESDAY)

    assert run.mode == Mode.DEEP
    assert before
    after = Member.objects.filter(pk__in=before).values_list("pk", "phone", "mobile")
    assert {pk: (phone, mobile) for pk, phone, mobile in after} == before


def test_a_release_that_reads_entries_otherwise_reads_everybody_once(synced, monkeypatch):
    before = rows()
    monkeypatch.setattr(rules, "VERSION", rules.VERSION + 1)

    modes = [synchronise(now=now).mode for now in (TUESDAY, WEDNESDAY)]

    assert modes == [Mode.DEEP, Mode.PIVOT]
    said = [{key: row for key, row in line.items() if key not in ("digest", "updated_at")} for line in before["Member"]]
    assert said == [
        {key: row for key, row in line.items() if key not in ("digest", "updated_at")} for line in rows()["Member"]
    ]


def test_a_reading_for_show_reads_everybody_too_and_leaves_it_to_be_done(synced):
    DirectorySource.objects.update(kinds={"pôle": "team"})

    shown = synchronise(now=TUESDAY, dry_run=True)

    assert (shown.mode, shown.counts["groups_changed"]) == (Mode.DEEP, 12)
    assert synchronise(now=TUESDAY).counts["groups_changed"] == 12
