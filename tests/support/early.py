"""A pass that comes no further than to its list, and what is changed in the directory before it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from demo.slapd import EmbeddedDirectory
from directory.ldap.reading import Reading
from directory.models import Collective, Member, Membership
from directory.services import synchronise
from directory.types import DirectoryUnavailable

MONDAY = datetime(2026, 11, 23, 8, tzinfo=UTC)
LATER = MONDAY + timedelta(minutes=1)
BASE = "dc=alizarine,dc=example"
PEOPLE = f"ou=membres,ou=personnes,{BASE}"
NOEMIE = f"uid=noemie.ferrand,{PEOPLE}"
NEWCOMER = f"""dn: uid=lise.tout-juste,{PEOPLE}
changetype: add
objectClass: inetOrgPerson
uid: lise.tout-juste
cn: Lise Tout-Juste
sn: Tout-Juste
mail: lise@alizarine.example
"""


def change(server: EmbeddedDirectory, what: str, dn: str = NOEMIE) -> None:
    server.modify(f"dn: {dn}\nchangetype: modify\n{what}\n")


def a_pole() -> Collective:
    """One that Noémie is not in."""
    there = Collective.objects.filter(present=True, memberships__direct=True, dn__gt="")
    return there.exclude(memberships__member__dn=NOEMIE).order_by("dn")[0]


def one_in(pole: Collective) -> Member:
    return Membership.objects.filter(collective=pole, direct=True).select_related("member").order_by("pk")[0].member


@pytest.fixture
def synced(own_directory: EmbeddedDirectory) -> EmbeddedDirectory:
    synchronise(now=MONDAY)
    return own_directory


@pytest.fixture
def cut_off(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A pass that comes no further than to its list."""

    def cut(_: Reading) -> None:
        raise DirectoryUnavailable

    def the_pass(now: datetime = LATER) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(Reading, "pivots", cut)
            with pytest.raises(DirectoryUnavailable):
                synchronise(now=now)

    return the_pass
