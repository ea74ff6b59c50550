"""The embedded directory: a slapd of one's own."""

import os
import signal
import time
from pathlib import Path

import pytest

from demo.slapd import DirectoryNotStarted, EmbeddedDirectory

PERSON = "uid=noemie.ferrand,ou=membres,ou=personnes,dc=alizarine,dc=example"


def mobile(server: EmbeddedDirectory) -> str:
    return server.search("-b", PERSON, "(objectClass=*)", "mobile").partition("mobile: ")[2].strip()


def test_what_was_changed_survives_a_restart_in_another_place(fresh_directory, tmp_path):
    fresh_directory.modify(f"dn: {PERSON}\nchangetype: modify\nreplace: mobile\nmobile: 1\n")
    fresh_directory.stop()
    fresh_directory.folder.rename(tmp_path / "elsewhere")

    with EmbeddedDirectory(tmp_path / "elsewhere") as moved:
        assert mobile(moved) == "1"


def test_preparing_twice_keeps_the_data_and_the_password(directory_template, tmp_path):
    server = directory_template.copy_to(tmp_path / "d")
    password = server.admin_password

    server.prepare()

    assert server.admin_password == password


def test_a_half_made_folder_is_made_again(tmp_path):
    (tmp_path / "d.making").mkdir()
    (tmp_path / "d" / "db").mkdir(parents=True)

    with EmbeddedDirectory(tmp_path / "d", members=60, durable=False) as server:
        assert mobile(server)


def test_a_second_server_on_the_same_folder_is_refused(fresh_directory):
    with pytest.raises(DirectoryNotStarted, match="already runs"):
        EmbeddedDirectory(fresh_directory.folder).start()


def test_a_taken_port_is_told(directory_template, fresh_directory, tmp_path):
    other = directory_template.copy_to(tmp_path / "d")

    with pytest.raises(DirectoryNotStarted, match=str(fresh_directory.port)):
        other.start(fresh_directory.port)
    assert other.pid is None


def test_stopping_ends_this_child_even_when_frozen_and_nothing_else(fresh_directory, directory_server):
    pid = fresh_directory.pid
    fresh_directory.pause()

    fresh_directory.stop()

    assert not Path(f"/proc/{pid}").exists()
    assert fresh_directory.pid is None
    assert directory_server.pid is not None


def test_a_killed_server_loses_nothing_that_was_told_done(directory_template, tmp_path):
    server = EmbeddedDirectory(tmp_path / "d", members=60).start()
    server.modify(f"dn: {PERSON}\nchangetype: modify\nreplace: mobile\nmobile: 2\n")
    assert server.pid

    os.kill(server.pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while server.pid and time.monotonic() < deadline:
        time.sleep(0.01)

    with server:
        assert mobile(server) == "2"


def test_secrets_are_readable_by_their_owner_only(directory_template):
    folder = directory_template.folder

    assert folder.stat().st_mode & 0o077 == 0
    for name in ("directory.json", "tls/server.key"):
        assert (folder / name).stat().st_mode & 0o077 == 0
