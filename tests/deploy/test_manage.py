"""Commands by hand run as the services do: ``deploy/trousseau-manage``, ``deploy/hub.env`` and the two units."""

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest
from django.core.management import get_commands

from hub.env import ROOT

DEPLOY = ROOT / "deploy"
PAGES = ("README.md", "CONTRIBUTING.md", "deploy/README.md", "docs/operations.md", "docs/tour.md")
SETPRIV = "/usr/bin/setpriv"
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")


@pytest.fixture
def manage() -> ModuleType:
    loader = SourceFileLoader("trousseau_manage", str(DEPLOY / "trousseau-manage"))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    written, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    loader.exec_module(module)
    sys.dont_write_bytecode = written
    return module


def uncommented(folder: Path) -> Path:
    """The example with the settings that stand behind a "#" too."""
    text = (DEPLOY / "hub.env").read_text(encoding="utf-8")
    path = folder / "hub.env"
    path.write_text(re.sub(r"^# (?=[A-Z_]+=)", "", text, flags=re.MULTILINE), encoding="utf-8")
    return path


def read_by_a_shell(path: Path) -> dict[str, str]:
    script = f"set -eu; set -a; . {path}; exec env -0"
    told = subprocess.run(["/bin/sh", "-c", script], env={}, capture_output=True, text=True, check=True)
    assert told.stderr == ""
    pairs = (line.partition("=") for line in told.stdout.split("\0") if line)
    return {name: value for name, _, value in pairs if name not in {"PWD", "OLDPWD", "SHLVL", "_"}}


def read_by_systemd(path: Path) -> dict[str, str]:
    """What systemd.exec(5) says of ``EnvironmentFile``: quotes around and in the midst of a value, and backslashes."""
    found: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.lstrip()[0] in "#;":
            continue
        name, _, rest = line.partition("=")
        value, rest = "", rest.strip()
        while rest[:1] in {"'", '"'}:
            assert "\\" not in rest
            inside, _, rest = rest[1:].partition(rest[0])
            value, rest = value + inside, rest.lstrip()
        assert "\\" not in rest
        found[name.strip()] = value + rest
    return found


# The settings --------------------------------------------------------------------------------------------------


def test_the_example_means_the_same_to_systemd_to_a_shell_and_to_commands_by_hand(manage, tmp_path):
    path = uncommented(tmp_path)

    read = manage.settings(path)

    assert read == read_by_systemd(path) == read_by_a_shell(path)
    assert read["TROUSSEAU_COOPERATIVE_NAME"] == "Coopérative Exemple"
    assert read["TROUSSEAU_MAIL_FROM"] == "Trousseau <trousseau@example.org>"
    assert read["TROUSSEAU_CLIENT_CERTIFICATE_PROXIES"] == '["127.0.0.1/32"]'


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("NAME=Coopérative Exemple", "Coopérative Exemple"),
        ("NAME=  spaced  ", "spaced"),
        ("NAME=", ""),
        ("NAME=''", ""),
        ("NAME='$HOME `id` <a> \"b\"'", '$HOME `id` <a> "b"'),
        ('NAME="l\'Exemple"', "l'Exemple"),
        ("NAME=$HOME;id>x # no comment", "$HOME;id>x # no comment"),
        ("NAME=l'Exemple", "l'Exemple"),
        ("  NAME=a=b", "a=b"),
    ],
)
def test_what_a_shell_would_run_is_read_as_the_services_read_it(manage, tmp_path, line, value):
    path = tmp_path / "hub.env"
    path.write_text(f"# NAME=no\n; NAME=no\n\n{line}\n", encoding="utf-8")

    assert manage.settings(path) == read_by_systemd(path) == {"NAME": value}


@pytest.mark.parametrize(
    "line", ["NAME", "export NAME=a", "NAME='a' 'b'", "NAME='a'b", "NAME='a", r"NAME=a\b", "=a", "NAME= 'a'b"]
)
def test_a_line_that_could_be_read_in_two_ways_is_refused_by_its_number(manage, tmp_path, line):
    path = tmp_path / "hub.env"
    path.write_text(f"# settings\n{line}\n", encoding="utf-8")

    with pytest.raises(SystemExit, match=r"hub\.env, line 2"):
        manage.settings(path)


# The units -----------------------------------------------------------------------------------------------------


def test_both_units_have_the_same_user_settings_and_secrets():
    shared = r"^(?:# )?(?:User|Group|WorkingDirectory|EnvironmentFile|Environment|LoadCredential)=.*$"
    hub, worker = (
        re.findall(shared, (DEPLOY / f"trousseau-{name}.service").read_text(encoding="utf-8"), re.MULTILINE)
        for name in ("hub", "worker")
    )

    assert hub == worker
    assert len(hub) > 8


# The command ---------------------------------------------------------------------------------------------------


@pytest.fixture
def machine() -> Iterator[Path]:
    """A folder that others may enter, with the unit, its settings and secrets, and a Python that tells what it got."""
    with tempfile.TemporaryDirectory(prefix="trousseau-deploy-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        unit = (DEPLOY / "trousseau-hub.service").read_text(encoding="utf-8")
        for before, after in (
            ("User=trousseau", "User=nobody"),
            ("Group=trousseau", "Group=nogroup"),
            ("/opt/trousseau", str(folder)),
            ("/etc/trousseau", str(folder)),
        ):
            assert before in unit
            unit = unit.replace(before, after)
        (folder / "trousseau-hub.service").write_text(unit, encoding="utf-8")
        (folder / "hub.env").write_text((DEPLOY / "hub.env").read_text(encoding="utf-8"), encoding="utf-8")
        (folder / "secrets").mkdir(mode=0o700)
        for secret in re.findall(r"^LoadCredential=(\w+):", unit, re.MULTILINE):
            (folder / "secrets" / secret).write_text(f"{secret}, two words\n", encoding="utf-8")
        (folder / "secrets" / "trousseau_mail_url").write_text("no unit loads this", encoding="utf-8")
        python = folder / ".venv" / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.write_text('#!/bin/sh\nid -un; id -gn; id -G; pwd; umask; echo "$@"; env\nexit 3\n')
        python.chmod(0o755)
        script = (DEPLOY / "trousseau-manage").read_text(encoding="utf-8")
        script = script.replace("/etc/systemd/system/", f"{folder}/")
        (folder / "trousseau-manage").write_text(script, encoding="utf-8")
        (folder / "trousseau-manage").chmod(0o755)
        yield folder


def run(folder: Path, *words: str, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    outer = {**os.environ, "TROUSSEAU_DEMO": "true", "LC_ALL": "C.UTF-8"}
    command = [*before, str(folder / "trousseau-manage"), *words]
    return subprocess.run(command, env=outer, cwd="/", capture_output=True, text=True)


@as_root
def test_a_command_runs_as_the_services_user_with_their_settings_and_secrets(machine):
    done = run(machine, "add_tool", "two words")

    user, group, groups, folder, umask, words, *environment = done.stdout.splitlines()
    variables = dict(line.split("=", 1) for line in environment)
    assert (user, group, folder, umask) == ("nobody", "nogroup", str(machine), "0077")
    assert len(groups.split()) == 1, "none of root's groups"
    assert words == "manage.py add_tool two words"
    assert variables["TROUSSEAU_COOPERATIVE_NAME"] == "Coopérative Exemple"
    assert variables["TROUSSEAU_SECRET_KEY"] == "trousseau_secret_key, two words"
    assert variables["TROUSSEAU_MAIL_URL"].startswith("smtp+tls://mail.example.org")
    assert "TROUSSEAU_DEMO" not in variables, "what the terminal holds stays out"
    assert done.returncode == 3, "the command's own code"


@as_root
def test_a_command_has_no_part_in_roots_terminal_and_open_files(machine):
    """It could type into the one, and read the others: the hub's user is not trusted with either."""
    python = machine / ".venv" / "bin" / "python"
    python.write_text('#!/bin/sh\ncut -d" " -f1,6 /proc/$$/stat\nls /proc/$$/fd\n')
    with Path("/etc/shadow").open() as secret:
        os.dup2(secret.fileno(), 77)
    try:
        done = subprocess.run([str(machine / "trousseau-manage")], capture_output=True, text=True, pass_fds=[77])
    finally:
        os.close(77)

    ids, *files = done.stdout.splitlines()
    process, session = ids.split()
    assert process == session, "a session of its own"
    assert {"0", "1", "2"} <= set(files)
    assert "77" not in files


@as_root
@pytest.mark.parametrize("how", ["at once", "before it is ready to pass it on"])
def test_an_interruption_reaches_the_command_and_its_code_comes_back(machine, how):
    if how != "at once":
        program = machine / "trousseau-manage"
        told, step = program.read_text(), "    for each in PASSED_ON:\n"
        assert step in told
        program.write_text(told.replace(step, f"    __import__('time').sleep(0.5)\n{step}"))
    python = machine / ".venv" / "bin" / "python"
    python.write_text("#!/bin/sh\ntrap 'echo stopped; exit 5' INT\necho ready\nwhile :; do sleep 0.1; done\n")
    # A shell cannot catch what was ignored before it began, as under nohup.
    command = ["env", "--default-signal=INT", str(machine / "trousseau-manage")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        ready = running.stdout.readline()
        running.send_signal(signal.SIGINT)
        stopped, code = running.stdout.readline(), running.wait(10)

    assert (ready, stopped, code) == ("ready\n", "stopped\n", 5)


@as_root
def test_the_secrets_stay_where_they_are_and_readable_by_root_only(machine):
    before = sorted((path, path.stat().st_mode, path.stat().st_uid) for path in machine.rglob("*"))

    run(machine, "check")

    assert sorted((path, path.stat().st_mode, path.stat().st_uid) for path in machine.rglob("*")) == before


@as_root
@pytest.mark.parametrize(
    "missing", ["trousseau-hub.service", "hub.env", "secrets/trousseau_pairwise_salt", ".venv/bin/python"]
)
def test_what_is_missing_is_named(machine, missing):
    (machine / missing).unlink()

    done = run(machine, "check")

    assert done.returncode != 0
    assert str(machine / missing) in done.stderr
    assert "Traceback" not in done.stderr


@as_root
def test_a_python_that_the_services_may_not_run_is_not_run_by_hand_either(machine):
    (machine / ".venv").chmod(0o700)

    done = run(machine, "check")

    assert done.returncode == 1
    assert done.stderr == f"trousseau-manage: {machine}/.venv/bin/python: Permission denied\n"


@as_root
@pytest.mark.parametrize("key", ["User", "Group"])
def test_a_user_who_does_not_exist_is_named(machine, key):
    unit = machine / "trousseau-hub.service"
    unit.write_text(re.sub(rf"^{key}=.*$", f"{key}=nobody-here", unit.read_text(), flags=re.MULTILINE))

    done = run(machine, "check")

    assert done.returncode == 1
    assert "nobody-here" in done.stderr
    assert "Traceback" not in done.stderr


def test_anybody_but_root_is_told_so(machine):
    nobody = (SETPRIV, "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--") if os.geteuid() == 0 else ()

    done = run(machine, "check", before=nobody)

    assert done.returncode == 1
    assert "for root" in done.stderr


# The documents -------------------------------------------------------------------------------------------------


def test_every_command_that_the_documents_name_exists():
    known = set(get_commands())
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        named = set(re.findall(r"(?:trousseau-manage|manage\.py) ([a-z_]+)", text))
        assert named <= known, page

    operations = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    own = {name for name, app in get_commands().items() if (ROOT / app).is_dir()}
    assert own - set(re.findall(r"[a-z_]+", operations)) == set(), "each command of ours is documented"


def test_every_file_of_the_examples_is_told_where_to_go():
    text = (DEPLOY / "README.md").read_text(encoding="utf-8")
    operations = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")

    for path in sorted(DEPLOY.iterdir()):
        if path.name != "README.md":
            assert f"]({path.name})" in text
            assert f"deploy/{path.name}" in operations
