"""A directory password, checked by a bind against a real server."""

import os
import re
import socket
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.contrib.auth import authenticate

from demo.slapd import EmbeddedDirectory
from directory import backends
from directory.backends import DirectoryBackend
from directory.ldap import connection
from directory.ldap import passwords as client
from directory.ldap.connection import Breaker
from directory.ldap.passwords import Verdict
from directory.ldap.sources import load
from directory.models import Member
from directory.services import synchronise
from directory.types import DirectoryUnavailable, MemberState
from tests.support.slapd import add_person, ldap_settings

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 11, 23, 8, tzinfo=UTC)
PEOPLE = "ou=membres,ou=personnes,dc=alizarine,dc=example"
RIGHT = ("noemie.ferrand", "alizarine-garrigue")


@pytest.fixture
def shared(shared_directory: EmbeddedDirectory) -> EmbeddedDirectory:
    synchronise(now=MONDAY)
    return shared_directory


@pytest.fixture
def own(own_directory: EmbeddedDirectory) -> EmbeddedDirectory:
    synchronise(now=MONDAY)
    return own_directory


def sign_in(username: str, password: str) -> Member | None:
    return authenticate(None, username=username, password=password)


def operations(server: EmbeddedDirectory, mark: int) -> list[str]:
    """What the server did since the mark, each operation by its kind."""
    text = server.log_file.read_bytes()[mark:].decode()
    kinds = re.findall(r"conn=\d+ (?:fd=\d+ (ACCEPT)|op=\d+ (BIND dn=\S+ method|SRCH base|EXT|WHOAMI|UNBIND))", text)
    return [(one or other).split()[0] for one, other in kinds]


@pytest.mark.parametrize(
    "name", ["noemie.ferrand", "Noemie.FERRAND", " noemie.ferrand ", "noemie.ferrand@alizarine.example"]
)
def test_login_or_address_and_the_right_password_open_the_account(shared, name):
    member = sign_in(name, "alizarine-garrigue")

    assert member is not None
    assert member.login == "noemie.ferrand"


def test_an_argon2_password_opens_the_account(shared):
    assert sign_in("benoit.de-la-tour", "alizarine-tramontane") is not None


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("noemie.ferrand", "wrong"),
        ("noemie.ferrand", "Alizarine-garrigue"),
        ("noemie.ferrand", "alizarine-garrigue\0"),
        ("noemie.ferrand", "alizarine-garrigue "),
        ("noemie.ferrand", "\ud800"),
        ("nobody", "alizarine-garrigue"),
        ("*", "alizarine-garrigue"),
        ("noemie.ferrand)(uid=*", "alizarine-garrigue"),
        (f"uid=noemie.ferrand,{PEOPLE}", "alizarine-garrigue"),
        ("accueil.partage@alizarine.example", "alizarine-quirk"),
        ("hub-lecture", "alizarine-hub-lecture"),
    ],
)
def test_anything_else_opens_nothing(shared, name, password):
    assert sign_in(name, password) is None


@pytest.mark.incident("django-allauth, blank passwords")
@pytest.mark.spec("RFC 4513", "5.1.2")
@pytest.mark.parametrize("password", ["", " ", "\t\n", "\0"])
def test_a_blank_password_is_refused_before_any_bind(shared, password, monkeypatch):
    def connect(*_, **__):
        raise AssertionError("the directory was asked")

    monkeypatch.setattr(client, "connect", connect)

    assert sign_in("noemie.ferrand", password) is None


def test_the_client_itself_refuses_an_empty_password(shared):
    member = Member.objects.get(login="noemie.ferrand")

    assert client.check_password(load(), member.entry_uuid, "").verdict is Verdict.REFUSED


@pytest.mark.parametrize(
    ("name", "password"), [("hugo.castel", "alizarine-verrou"), ("ines.oliveira", "alizarine-ancienne")]
)
def test_locked_and_former_members_are_refused_with_the_right_password(shared, name, password):
    assert sign_in(name, password) is None


def test_somebody_who_left_a_minute_ago_is_refused(own):
    own.modify(
        f"dn: uid=noemie.ferrand,{PEOPLE}\nchangetype: modrdn\nnewrdn: uid=noemie.ferrand\ndeleteoldrdn: 1\n"
        f"newsuperior: ou=anciens,ou=personnes,{own.base}\n"
    )

    assert sign_in(*RIGHT) is None


def test_somebody_locked_a_minute_ago_is_refused(own):
    own.modify(
        f"dn: uid=noemie.ferrand,{PEOPLE}\nchangetype: modify\nadd: pwdAccountLockedTime\n"
        "pwdAccountLockedTime: 000001010000Z\n"
    )

    assert sign_in(*RIGHT) is None


def test_somebody_who_was_moved_a_minute_ago_still_signs_in(own):
    own.modify(
        f"dn: uid=noemie.ferrand,{PEOPLE}\nchangetype: modrdn\nnewrdn: uid=noemie.dupont\ndeleteoldrdn: 1\n"
        f"newsuperior: ou=equipe,ou=personnes,{own.base}\n"
    )

    assert sign_in(*RIGHT) is not None


def test_the_new_holder_of_a_name_does_not_open_the_old_account(own):
    entry = own.search("-b", PEOPLE, "(uid=noemie.ferrand)", "objectClass", "uid", "cn", "sn", "userPassword")
    own.modify(f"dn: uid=noemie.ferrand,{PEOPLE}\nchangetype: delete\n")
    own.modify(entry.replace("objectClass:", "changetype: add\nobjectClass:", 1))

    assert sign_in(*RIGHT) is None


def test_an_address_of_three_people_is_nobodys_however_many_the_directory_shows(own):
    """Looked for at most two at a time (RFC 4511 §4.5.1.4): that is an answer, and the directory is there."""
    for uid in ("one", "two", "three"):
        add_person(own, uid, "right-password", branch=PEOPLE, mail="shared@alizarine.example")

    assert sign_in("shared@alizarine.example", "right-password") is None
    assert sign_in("three", "right-password") is not None


def test_a_changed_password_holds_at_once(own):
    own.modify(own.changes_file.read_bytes())

    assert sign_in(*RIGHT) is None
    assert sign_in("noemie.ferrand", "alizarine-garrigue-2") is not None


def test_a_password_that_the_office_has_just_set_is_right(own):
    own.modify(f"dn: uid=noemie.ferrand,{PEOPLE}\nchangetype: modify\nreplace: pwdReset\npwdReset: TRUE\n")
    member = Member.objects.get(login="noemie.ferrand")

    assert client.check_password(load(), member.entry_uuid, "alizarine-garrigue").verdict is Verdict.MUST_CHANGE
    assert client.check_password(load(), member.entry_uuid, "wrong").verdict is Verdict.REFUSED
    assert sign_in(*RIGHT) == member
    assert sign_in("noemie.ferrand", "wrong") is None


def test_an_unknown_account_costs_the_directory_what_a_wrong_password_costs(own):
    done = []
    for name in ("noemie.ferrand", "nobody", "hugo.castel", "ines.oliveira", "accueil.partage@alizarine.example"):
        mark = own.log_file.stat().st_size
        sign_in(name, "wrong")
        deadline = time.monotonic() + 5
        while operations(own, mark).count("UNBIND") < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        # Sorted: the server's threads write the end of one connection and the start of the next in any order.
        done.append(sorted(operations(own, mark)))

    assert done == [["ACCEPT", "ACCEPT", "BIND", "BIND", "EXT", "EXT", "SRCH", "UNBIND", "UNBIND"]] * 5


def test_an_unknown_account_takes_the_time_of_a_wrong_password(shared):
    times = {}
    for name in ("benoit.de-la-tour", "nobody"):
        began = time.perf_counter()
        sign_in(name, "wrong-password")
        times[name] = time.perf_counter() - began

    assert min(times.values()) >= backends.REFUSAL_SECONDS
    assert abs(times["nobody"] - times["benoit.de-la-tour"]) < 0.15


def test_no_password_is_stored(shared):
    sign_in(*RIGHT)

    assert all(password.startswith("!") for password in Member.objects.values_list("password", flat=True))


def test_a_directory_that_is_down_gives_no_verdict(own):
    own.stop()

    with pytest.raises(DirectoryUnavailable):
        sign_in(*RIGHT)
    with pytest.raises(DirectoryUnavailable):
        sign_in("nobody", "alizarine-garrigue")


@pytest.mark.parametrize("scheme", ["uri", "tls_uri"])
def test_a_frozen_directory_is_given_up_within_its_budget(own, settings, scheme):
    settings.LDAP = ldap_settings(own, uri=getattr(own, scheme), timeout_seconds=1.0)
    began = time.monotonic()

    with own.paused(), pytest.raises(DirectoryUnavailable):
        sign_in(*RIGHT)

    # Without a budget nothing would end it while the server sleeps; a busy machine adds seconds of its own.
    assert time.monotonic() - began < client.SIGN_IN_SECONDS + 7


SILENT = """
import sys, time
from pathlib import Path
from directory.ldap import connection, passwords as client
from directory.ldap.config import LdapConfig
from directory.types import DirectoryUnavailable
config = LdapConfig(sys.argv[1], "dc=x", "dc=x", "dc=x", "cn=reader", "secret", Path(sys.argv[2]), timeout_seconds=1.0)
try:
    client.check_password(config, None, "password")
except DirectoryUnavailable:
    print(time.process_time() < 5)
"""


@pytest.mark.parametrize("scheme", ["ldap", "ldaps"])
def test_a_server_that_falls_silent_in_the_tls_handshake_is_given_up(directory_template, scheme):
    started_tls = bytes.fromhex("300c02010178070a010004000400")  # an extended response with result code 0
    kept = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            kept.append(connection)
            if scheme == "ldap":
                connection.recv(4096)
                connection.sendall(started_tls)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, daemon=True).start()
        uri = f"{scheme}://127.0.0.1:{listening.getsockname()[1]}"

        # In a process of its own: what this is about does not come back to Python.
        done = subprocess.run(
            [sys.executable, "-c", SILENT, uri, str(directory_template.ca_file)],
            capture_output=True,
            text=True,
            timeout=20,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
            check=False,
        )

    for each in kept:
        each.close()
    assert done.stdout.strip() == "True", done.stderr


def test_after_three_failures_nobody_waits_and_then_one_asks(own, settings):
    settings.LDAP = ldap_settings(own, timeout_seconds=0.4)

    with own.paused():
        for _ in range(3):
            with pytest.raises(DirectoryUnavailable):
                sign_in(*RIGHT)
        began = time.monotonic()
        with pytest.raises(DirectoryUnavailable, match="a moment ago"):
            sign_in(*RIGHT)
        # Not even the time of one more question, to a server that answers none.
        assert time.monotonic() - began < backends.REFUSAL_SECONDS + 0.4

    connection.breaker_of(own.uri).reset()
    assert sign_in(*RIGHT) is not None


def test_the_breaker_lets_one_ask_after_its_time():
    now = [0.0]
    breaker = Breaker(lambda: now[0])

    def fail():
        with breaker():
            raise DirectoryUnavailable("down")

    for _ in range(3):
        with pytest.raises(DirectoryUnavailable, match="down"):
            fail()
    with pytest.raises(DirectoryUnavailable, match="a moment ago"):
        fail()
    now[0] = connection.OPEN_SECONDS
    with breaker(), pytest.raises(DirectoryUnavailable, match="a moment ago"):
        fail()
    with breaker():
        pass


def test_the_hubs_own_account_being_refused_is_no_verdict_on_a_password(shared, settings):
    settings.LDAP = ldap_settings(shared, bind_password="wrong")

    with pytest.raises(DirectoryUnavailable):
        sign_in(*RIGHT)


def test_without_a_directory_there_is_no_verdict(db, settings):
    settings.LDAP = {"uri": "", "base": ""}

    with pytest.raises(DirectoryUnavailable):
        sign_in(*RIGHT)


def test_a_member_who_is_no_longer_active_is_nobody(shared):
    member = Member.objects.get(login="noemie.ferrand")
    assert DirectoryBackend().get_user(member.pk) == member

    for state in set(MemberState) - {MemberState.ACTIVE}:
        Member.objects.filter(pk=member.pk).update(state=state)
        assert DirectoryBackend().get_user(member.pk) is None


@pytest.mark.parametrize("key", ["nonsense", 7, None])
def test_a_key_that_is_none_is_nobody(db, key):
    assert DirectoryBackend().get_user(key) is None
    assert DirectoryBackend().get_user(uuid4()) is None


@pytest.mark.spec("RFC 4532", "2.2")
@pytest.mark.parametrize("answer", ["", "u:noemie.ferrand", "dn:", f"dn:uid=somebody,{PEOPLE}", "dn:nonsense"])
def test_a_bind_that_ends_as_somebody_else_is_refused(shared, answer, monkeypatch):
    monkeypatch.setattr("ldap.ldapobject.SimpleLDAPObject.whoami_s", lambda *_: answer)

    assert sign_in(*RIGHT) is None
