"""No password of a directory's account is ever said in clear text, whichever way its address is written."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.slapd import free_port
from directory.ldap import connection, sources
from directory.ldap.connection import Deadline
from directory.models import DirectorySource
from directory.types import DirectoryRefused, DirectoryUnavailable

pytestmark = pytest.mark.django_db
SECRET = "the-readers-own-password"


@pytest.fixture
def listener() -> Iterator[tuple[int, bytearray]]:
    """Somebody on the way who takes connections, says nothing and keeps what is said."""
    heard = bytearray()
    server = socket.create_server(("127.0.0.1", 0))

    def hear() -> None:
        while True:
            try:
                taken, _ = server.accept()
            except OSError:
                return
            taken.settimeout(1.0)
            try:
                while data := taken.recv(4096):
                    heard.extend(data)
            except OSError:
                pass
            taken.close()

    threading.Thread(target=hear, daemon=True).start()
    yield server.getsockname()[1], heard
    server.close()


@pytest.mark.parametrize(
    "uri",
    [
        "ldaps://127.0.0.1:{closed} ldap://127.0.0.1:{heard}",
        "ldap://127.0.0.1:{closed} ldap://127.0.0.1:{heard}",
        "ldap://127.0.0.1:{heard} ldaps://127.0.0.1:{closed}",
        "ldaps://127.0.0.1:{closed},ldap://127.0.0.1:{heard}",
        "LDAP://127.0.0.1:{heard}",
        " ldap://127.0.0.1:{heard}",
        "Ldaps://127.0.0.1:{closed} LDAP://127.0.0.1:{heard}",
        "cldap://127.0.0.1:{heard}",
    ],
)
def test_whoever_stops_the_first_server_does_not_hear_the_password_at_the_second(uri, listener, settings):
    port, heard = listener
    settings.LDAP = {
        "uri": uri.format(closed=free_port(), heard=port),
        "base": "dc=x",
        "people_base": "",
        "groups_base": "",
        "bind_dn": "cn=reader,dc=x",
        "bind_password": SECRET,
        "ca_file": Path("/etc/ssl/certs/ca-certificates.crt"),
        "start_tls": True,
        "timeout_seconds": 0.5,
    }
    source = DirectorySource(name="x", from_settings=True)

    with (
        pytest.raises((DirectoryRefused, DirectoryUnavailable)),
        connection.reader(sources.of(source), Deadline(1.0, 0.5)),
    ):
        pytest.fail("nobody answers there")

    assert SECRET.encode() not in heard
