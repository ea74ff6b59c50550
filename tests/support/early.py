"""A pass that comes no further than to its list, and what is changed in the directory before it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from demo.slapd import EmbeddedDirectory
from directory.ldap.reading import Reading
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


@pytest.fixture
def synced(own_directory: EmbeddedDirectory) -> EmbeddedDirectory:
    synchronise(now=MONDAY)
    return own_directory


@pytest.fixture
def cut_off(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """A pass that comes no further than to its list."""

    def cut(_: Reading) -> None:
        raise DirectoryUnavailable

    def the_pass() -> None:
        with monkeypatch.context() as patch:
            patch.setattr(Reading, "pivots", cut)
            with pytest.raises(DirectoryUnavailable):
                synchronise(now=LATER)

    return the_pass
