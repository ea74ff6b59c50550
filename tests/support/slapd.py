"""Real directories for tests: one prepared once, cheap copies of it where a test changes things."""

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from audit.sealing import seal
from demo.slapd import EmbeddedDirectory
from directory.ldap.sources import SECRET_PURPOSE
from directory.models import DirectorySource
from directory.types import SourceState


@pytest.fixture(scope="session")
def directory_template() -> Iterator[EmbeddedDirectory]:
    """The demonstration directory with every nasty case, loaded and never started."""
    with tempfile.TemporaryDirectory(prefix="trousseau-slapd-") as folder:
        template = EmbeddedDirectory(Path(folder) / "t", quirks=True, durable=False, log_operations=True)
        template.prepare()
        yield template


@pytest.fixture(scope="session")
def directory_server(directory_template: EmbeddedDirectory) -> Iterator[EmbeddedDirectory]:
    """A running directory shared by tests that only read it or bind to it."""
    server = directory_template.copy_to(directory_template.folder.with_name("shared"))
    server.start(ldaps=True)
    yield server
    server.stop()


@pytest.fixture
def fresh_directory(
    directory_template: EmbeddedDirectory, request: pytest.FixtureRequest
) -> Iterator[EmbeddedDirectory]:
    """A running directory of this test's own: change, freeze or stop it at will."""
    with tempfile.TemporaryDirectory(prefix="trousseau-slapd-") as folder:
        server = directory_template.copy_to(Path(folder) / "d")
        server.start(ldaps=True)
        yield server
        server.stop()


@pytest.fixture(scope="session")
def small_template() -> Iterator[EmbeddedDirectory]:
    """Sixty people and forty-five groups without a nasty case, for what is done hundreds of times."""
    with tempfile.TemporaryDirectory(prefix="trousseau-slapd-") as folder:
        template = EmbeddedDirectory(Path(folder) / "t", members=60, durable=False, log_operations=True)
        template.prepare()
        yield template


@pytest.fixture
def small_directory(settings: Any, small_template: EmbeddedDirectory) -> Iterator[EmbeddedDirectory]:
    """The hub reads a small directory of this test's own."""
    with tempfile.TemporaryDirectory(prefix="trousseau-slapd-") as folder:
        server = small_template.copy_to(Path(folder) / "d")
        server.start(ldaps=True)
        settings.LDAP = ldap_settings(server)
        yield server
        server.stop()


def settle(server: EmbeddedDirectory) -> None:
    """slapd's refint works in the background: wait until the groups have stayed as they are for a while.

    Their change marks say nothing of it: refint writes without one.
    """
    deadline = time.monotonic() + 10
    before, quiet = "", 0
    while time.monotonic() < deadline and quiet < 3:
        told = server.search("-b", f"ou=groupes,{server.base}", "(objectClass=groupOfNames)", "member", "owner")
        quiet = quiet + 1 if told == before else 0
        before = told
        time.sleep(0.05)


def five_weeks_later(server: EmbeddedDirectory) -> None:
    """People join, leave, come back, are renamed, locked and replaced; groups come, go and change."""
    server.modify(server.changes_file.read_bytes())
    settle(server)


def ldap_settings(server: EmbeddedDirectory, **changes: Any) -> dict[str, Any]:
    """The ``LDAP`` setting that points the hub at this directory."""
    return {
        "uri": server.uri,
        "base": server.base,
        "people_base": "",
        "groups_base": "",
        "bind_dn": server.reader_dn,
        "bind_password": server.reader_password,
        "write_dn": server.writer_dn,
        "write_password": server.writer_password,
        "ca_file": server.ca_file,
        "start_tls": True,
        "timeout_seconds": 3.0,
        **changes,
    }


@pytest.fixture
def shared_directory(settings: Any, directory_server: EmbeddedDirectory) -> EmbeddedDirectory:
    """The hub reads the shared directory."""
    settings.LDAP = ldap_settings(directory_server)
    return directory_server


@pytest.fixture
def own_directory(settings: Any, fresh_directory: EmbeddedDirectory) -> EmbeddedDirectory:
    """The hub reads a directory of this test's own."""
    settings.LDAP = ldap_settings(fresh_directory)
    return fresh_directory


# A second one ----------------------------------------------------------------------------------------------------

GUESTS = "ou=invites,dc=alizarine,dc=example"
ZOE, ZOE_PASSWORD = "zoe.lointaine", "alizarine-horizon"


@dataclass
class Second:
    """Another directory that the hub follows beside the first: one person of its own, and room for more."""

    server: EmbeddedDirectory
    source: DirectorySource

    def add(self, uid: str, password: str, **attributes: str) -> None:
        add_person(self.server, uid, password, branch=GUESTS, **attributes)


def add_person(server: EmbeddedDirectory, uid: str, password: str, *, branch: str, **attributes: str) -> str:
    """A new entry, as somebody who keeps the directory writes one; its name comes back."""
    given = {"uid": uid, "cn": uid, "sn": uid, "mail": f"{uid}@alizarine.example", "userPassword": password}
    lines = "".join(f"{name}: {value}\n" for name, value in (given | attributes).items() if value)
    server.modify(f"dn: uid={uid},{branch}\nchangetype: add\nobjectClass: inetOrgPerson\n{lines}")
    return f"uid={uid},{branch}"


@pytest.fixture
def second(db: None, own_directory: EmbeddedDirectory, directory_template: EmbeddedDirectory) -> Iterator[Second]:
    """A second directory with Zoé in it, followed and not yet read; the first is ``own_directory``."""
    with tempfile.TemporaryDirectory(prefix="trousseau-slapd-") as folder:
        server = directory_template.copy_to(Path(folder) / "d")
        server.start()
        server.modify(f"dn: {GUESTS}\nchangetype: add\nobjectClass: organizationalUnit\nou: invites\n")
        source = DirectorySource.objects.create(
            name="Invités",
            state=SourceState.ACTIVE,
            uri=server.uri,
            authorities=server.ca_file.read_text(),
            bind_dn=server.reader_dn,
            bind_secret=seal(server.reader_password.encode(), purpose=SECRET_PURPOSE),
            base=server.base,
            people_base=GUESTS,
            groups_base=GUESTS,
        )
        two = Second(server, source)
        two.add(ZOE, ZOE_PASSWORD)
        yield two
        server.stop()
