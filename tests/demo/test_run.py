"""The supervisor's decisions, and its life with real processes that are not the hub."""

import argparse
import json
import os
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from demo import run
from demo.run import CannotStart, Child


@pytest.fixture
def taken_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.fixture
def ports():
    claims = run.Ports()
    yield claims
    claims.release()


def test_a_taken_port_is_named_with_how_to_choose_another(ports, taken_port):
    with pytest.raises(CannotStart, match=rf"port {taken_port} is taken .* --port N"):
        ports.hub(taken_port)


def test_a_port_taken_on_the_other_loopback_address_counts_as_taken():
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with listener:
        port = listener.getsockname()[1]

        assert not run.is_free(port)


def test_port_zero_takes_any_free_one(ports):
    port = ports.hub(0)

    assert port > 0
    assert run.is_free(port)


def test_two_demonstrations_that_start_together_never_share_a_port(ports):
    port = ports.any()

    assert not run.Ports().take(port)


def test_a_port_can_be_taken_again_after_the_end(ports):
    port = ports.any()
    ports.release()

    assert ports.take(port)


def test_a_tool_keeps_the_port_of_the_last_start_and_moves_on_when_it_is_taken(ports, taken_port):
    free = ports.any()
    ports.release()

    chosen = ports.tools({"louty": taken_port, "formation": free})

    assert chosen["louty"] != taken_port
    assert chosen["formation"] == free


def test_two_tools_never_share_a_port_with_each_other_or_the_hub(ports):
    hub = ports.any()

    chosen = ports.tools({"louty": hub, "formation": hub})

    assert len({hub, *chosen.values()}) == 3


def test_a_second_start_says_where_the_first_runs(tmp_path):
    with run.locked(tmp_path) as lock:
        lock.write("http://localhost:8000/ (pid 1)")
        lock.flush()

        with pytest.raises(CannotStart, match="http://localhost:8000/"), run.locked(tmp_path):
            pass


def test_a_second_start_leaves_the_first_ones_json_file_alone(tmp_path):
    data, told = tmp_path / "data", tmp_path / "demo.json"
    told.write_text("{}")

    with run.locked(data), pytest.raises(CannotStart):
        run.run(argparse.Namespace(data=data, json=told, fresh=False, port=0))

    assert told.read_text() == "{}"


def test_the_lock_is_free_again_after_the_end(tmp_path):
    with run.locked(tmp_path):
        pass

    with run.locked(tmp_path) as lock:
        assert lock.tell() == 0


def test_a_fresh_start_empties_a_folder_of_the_demonstration(tmp_path):
    run.prepare_folder(tmp_path, fresh=False)
    (tmp_path / "hub.sqlite3").touch()

    run.prepare_folder(tmp_path, fresh=True)

    assert not (tmp_path / "hub.sqlite3").exists()


def test_a_fresh_start_never_empties_a_folder_it_did_not_make(tmp_path):
    (tmp_path / "thesis.odt").touch()

    with pytest.raises(CannotStart, match="no demonstration made"):
        run.prepare_folder(tmp_path, fresh=True)

    assert (tmp_path / "thesis.odt").exists()


def test_a_folder_with_other_things_is_not_marked_as_the_demonstrations(tmp_path):
    (tmp_path / "thesis.odt").touch()

    with pytest.raises(CannotStart, match="holds other things"):
        run.prepare_folder(tmp_path, fresh=False)


def test_a_secret_is_made_once_and_readable_by_its_owner_only(tmp_path):
    first = run.kept_secret(tmp_path, "key", "one")
    second = run.kept_secret(tmp_path, "key", "two")

    assert first == second == "one"
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600


def test_a_file_for_scripts_is_written_whole_and_private(tmp_path):
    run.write_private(tmp_path / "demo.json", "{}")

    assert (tmp_path / "demo.json").read_text() == "{}"
    assert stat.S_IMODE((tmp_path / "demo.json").stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["demo.json"]


def test_a_broken_memory_of_ports_is_no_reason_not_to_start(tmp_path):
    (tmp_path / "ports.json").write_text("not json")

    assert run.load_json(tmp_path / "ports.json") == {}


def test_stopping_ends_a_child_and_its_own_children(tmp_path):
    child = Child("sleeper", ["/bin/sh", "-c", "sleep 60 & echo $!; wait"], dict(os.environ), tmp_path / "log")
    child.start()
    deadline = time.monotonic() + 5
    while not child.told() and time.monotonic() < deadline:
        time.sleep(0.02)
    grandchild = int(child.told())

    run.stop_children([child])

    assert child.exit_code is not None
    assert ended(grandchild)


def test_stopping_insists_when_a_child_does_not_listen(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "STOP_LIMIT_SECONDS", 0.3)
    child = Child("deaf", ["/bin/sh", "-c", "trap '' TERM; echo on; sleep 60"], dict(os.environ), tmp_path / "log")
    child.start()
    while not child.told():
        time.sleep(0.02)

    run.stop_children([child])

    assert child.exit_code is not None


def test_a_relative_folder_is_meant_from_where_the_command_was_typed(tmp_path, monkeypatch):
    monkeypatch.setenv("TROUSSEAU_CALLED_FROM", str(tmp_path))

    found = run.arguments_of(["--data", "here", "--json", "out.json"])

    assert (found.data, found.json) == (tmp_path / "here", tmp_path / "out.json")


def test_the_settings_of_a_real_hub_do_not_leak_into_the_demonstration(tmp_path, monkeypatch):
    monkeypatch.setenv("TROUSSEAU_MAIL_URL", "smtp://real.example.org")
    directory = run.EmbeddedDirectory(tmp_path / "slapd")

    environment = run.Demo(tmp_path, 8000, directory).hub_environment()

    assert "TROUSSEAU_MAIL_URL" not in environment


def test_a_taken_port_ends_the_command_before_anything_starts(tmp_path, taken_port):
    command = [sys.executable, "-m", "demo.run", "--data", str(tmp_path / "data"), "--port", str(taken_port)]

    done = subprocess.run(command, cwd=run.ROOT, capture_output=True, text=True, timeout=60)

    assert done.returncode == 1
    assert "--port" in done.stderr
    assert not (tmp_path / "data" / "slapd").exists()


def test_the_described_demonstration_has_exactly_the_promised_shape(tmp_path, monkeypatch):
    directory = run.EmbeddedDirectory(tmp_path / "slapd")
    monkeypatch.setattr(run.EmbeddedDirectory, "admin_password", "secret")
    credentials = {name: {"client_id": name} for name in ("essai-un", "essai-deux", "essai-public")}

    facts = run.Demo(tmp_path, 8000, directory).described({"louty": 8101, "formation": 8102}, credentials)

    assert list(facts) == ["hub", "issuer", "mailbox", "tools", "accounts", "spare_tools", "ldap"]
    assert [account["role"] for account in facts["accounts"]] == ["member", "lead", "office", "dpo", "technician"]
    assert list(facts["ldap"]) == ["uri", "base", "ca_file", "admin_dn", "admin_password"]
    assert json.dumps(facts)


def ended(pid: int) -> bool:
    """Within a moment: a killed process still takes its leave."""
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            return True
        if state in "ZX":  # it only waits to be collected by whoever adopted it
            return True
        time.sleep(0.02)
    return False
