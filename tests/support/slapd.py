"""Real directories for tests: one prepared once, cheap copies of it where a test changes things."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from demo.slapd import EmbeddedDirectory


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
