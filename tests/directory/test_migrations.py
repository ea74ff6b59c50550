"""Data of the release before, which had one directory and knew no sources."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from directory.models import Collective, DirectorySource, Member, SyncRun
from directory.services import synchronise
from directory.types import SourceState
from tests.support.cast import make_member
from tests.support.migrations import migrate
from tests.support.mirror import content, difference
from tests.support.passes import MONDAY, TUESDAY

BEFORE = [("directory", "0002_accounts")]
AS_JSON = [("directory", "0009_order_key")]


def without_source() -> dict[str, Any]:
    """The source is made anew, under a number of its own."""
    said = content()
    for part in ("people", "collectives"):
        said[part] = {uuid: {**each, "source_id": None} for uuid, each in said[part].items()}
    return said


@pytest.fixture
def whole(transactional_db: None) -> Iterator[None]:
    yield
    migrate()


def test_people_of_the_only_directory_are_its_people_and_the_next_pass_finds_them(whole, own_directory):
    synchronise(now=MONDAY)
    before, known = without_source(), Member.objects.exclude(entry_uuid=None).count()
    local = make_member("secours", "Compte de secours").pk
    Member.objects.filter(pk=local).update(entry_uuid=None)

    migrate(BEFORE)
    assert "directory_directorysource" not in connection.introspection.table_names()
    migrate()

    (source,) = DirectorySource.objects.all()
    assert source.from_settings
    assert source.state == SourceState.ACTIVE
    assert Member.objects.filter(source=source).count() == known
    assert Member.objects.get(pk=local).source is None, "an account of the hub's own has no directory"
    assert not Collective.objects.exclude(entry_uuid=None).filter(source=None).exists()
    assert set(SyncRun.objects.values_list("source", flat=True)) == {source.pk}
    assert source.watermark
    Member.objects.filter(pk=local).delete()

    run = synchronise(now=TUESDAY)

    counts = run.counts
    assert {counts[name] for name in ("people_joined", "people_ended", "people_returned", "held")} == {0}
    assert not difference(without_source(), before)


def test_names_of_members_become_lines_and_go_back_to_json(whole, own_directory):
    synchronise(now=MONDAY)
    before = {one.pk: (one.member_keys, one.lead_keys, one.unknown_keys) for one in Collective.objects.all()}
    migrate(AS_JSON)
    then = MigrationExecutor(connection).loader.project_state(AS_JSON).apps.get_model("directory", "Collective")

    as_json = {one.pk: (one.member_keys, one.lead_keys, one.unknown_keys) for one in then.objects.all()}
    migrate()

    assert any(len(members) > 10 for members, _, _ in before.values())
    assert any(unknown for _, _, unknown in before.values())
    assert as_json == before
    assert {one.pk: (one.member_keys, one.lead_keys, one.unknown_keys) for one in Collective.objects.all()} == before


@pytest.mark.parametrize("keys", [[], [""], ["uid=léa,dc=fr", "?no name", ""]])
def test_names_of_members_are_read_as_they_were_written(db, keys):
    one = Collective.objects.create(slug="un", name="Un", member_keys=keys)

    assert Collective.objects.get(pk=one.pk).member_keys == keys


def test_a_hub_that_never_read_a_directory_gets_none(whole):
    migrate(BEFORE)
    migrate()

    assert not DirectorySource.objects.exists()
