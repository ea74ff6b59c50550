"""Collectives that nobody else needs to know of: marked here, kept whatever the directory does, told to no tool."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command

from audit.models import Event
from audit.types import SYSTEM, Action
from demo.slapd import EmbeddedDirectory
from directory.models import Collective, Member
from directory.services import mark_sensitive, synchronise
from idp.claims import values
from tests.support.slapd import settle

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def union(small_directory: EmbeddedDirectory) -> Collective:
    """A collective of the directory that has members of its own."""
    synchronise(now=NOON)
    found = Collective.objects.filter(memberships__direct=True, status="").exclude(dn="").order_by("name").first()
    assert found is not None
    return found


@pytest.mark.gdpr("G13")
@pytest.mark.spec("OWASP ASVS", "14.2.3")
def test_a_sensitive_collective_is_named_to_no_tool_from_that_moment(union: Collective) -> None:
    member = Member.objects.filter(memberships__collective=union)[0]
    before = values(member, ["groups"])["groups"]["groups"]

    call_command("mark_collective", union.slug, verbosity=0)

    assert union.name in before
    assert union.name not in values(member, ["groups"])["groups"]["groups"]
    line = Event.objects.get(action=Action.COLLECTIVE_MARKED)
    assert line.facts == {"collective": str(union.pk), "change": "sensitive"}


def test_the_mark_is_taken_back_and_saying_it_twice_is_said_once(union: Collective) -> None:
    for _ in range(2):
        call_command("mark_collective", union.slug, verbosity=0)
        call_command("mark_collective", union.slug, verbosity=0)
        call_command("mark_collective", union.slug, "--ordinary", verbosity=0)

    assert not Collective.objects.get(pk=union.pk).sensitive
    assert Event.objects.filter(action=Action.COLLECTIVE_MARKED).count() == 4


def test_a_collective_that_is_none_is_refused(db: None) -> None:
    with pytest.raises(CommandError, match="no collective"):
        call_command("mark_collective", "personne")


def test_no_pass_takes_the_mark_off(union: Collective, small_directory: EmbeddedDirectory) -> None:
    """Renamed, closed and opened again, it is the same collective."""
    mark_sensitive(collective_id=union.pk, sensitive=True, actor=SYSTEM, now=NOON)
    rdn, _, branch = union.dn.partition(",")
    away = f"ou=services,{small_directory.base}"

    def move(dn: str, rdn: str, branch: str) -> None:
        small_directory.modify(f"dn: {dn}\nchangetype: modrdn\nnewrdn: {rdn}\ndeleteoldrdn: 1\nnewsuperior: {branch}\n")
        settle(small_directory)

    move(union.dn, "cn=Section renommée", branch)
    synchronise(now=NOON + MINUTE)
    renamed = Collective.objects.get(pk=union.pk)
    move(f"cn=Section renommée,{branch}", "cn=Section renommée", away)
    synchronise(now=NOON + 2 * MINUTE)
    closed = Collective.objects.get(pk=union.pk)
    move(f"cn=Section renommée,{away}", rdn, branch)
    synchronise(now=NOON + 3 * MINUTE)
    back = Collective.objects.get(pk=union.pk)

    assert (renamed.name, closed.present, back.present) == ("Section renommée", False, True)
    assert renamed.sensitive
    assert closed.sensitive
    assert back.sensitive
    assert back.slug == union.slug
