"""``./trousseau demo``: starts every part of the demonstration, watches them, and ends them together.

What runs: slapd with the demonstration directory, the hub's web server, the hub's worker, two tools.
Each is a child in a process group of its own and is ended by its id; nothing else on the machine is touched.
"""

import argparse
import base64
import fcntl
import hashlib
import json
import os
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from demo.slapd import DirectoryNotStarted, EmbeddedDirectory

ROOT = Path(__file__).resolve().parent.parent
MARK = ".trousseau-demo"
LOCK = "lock"
DEFAULT_PORT = 8000
TOOL_PORTS = {"louty": 8101, "formation": 8102}
START_LIMIT_SECONDS = 120
STOP_LIMIT_SECONDS = 10
# Whatever changes what `demo.prepare` would do: when none of it changed since the last start, it is skipped.
PREPARED_FROM = (
    "*/migrations/*.py",
    "*/static/**/*",
    "*/models.py",
    "idp/models/*.py",
    "demo/prepare.py",
    "demo/seed.py",
    "hub/settings.py",
    "requirements.txt",
)
ACCOUNTS = (
    ("member", "noemie.ferrand", "alizarine-garrigue", "membre"),
    ("lead", "benoit.de-la-tour", "alizarine-tramontane", "responsable de collectif"),
    ("office", "karim.benali", "alizarine-chantier", "structure"),
    ("dpo", "mireille.vidal", "alizarine-conseil", "déléguée à la protection des données"),
    ("technician", "lea.martinez-roux", "alizarine-structure", "technicienne"),
)


class CannotStart(Exception):
    """The demonstration cannot run; the message is for the person at the terminal."""


class Stopped(Exception):
    """Somebody asked for the end: Ctrl-C, a signal, a closed terminal."""


def say(text: str) -> None:
    print(text, flush=True)


# Ports ----------------------------------------------------------------------------------------------------------


def is_free(port: int) -> bool:
    """On both loopback addresses: a browser tries ::1 before 127.0.0.1 and would meet the other program there."""
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except PermissionError:
                return False
            except OSError as error:
                if error.errno == 98:  # EADDRINUSE; a machine without IPv6 answers otherwise
                    return False
    return True


class Ports:
    """The ports of one run, each claimed before its server binds it.

    The server shares its port among its workers (SO_REUSEPORT), so a second demonstration that starts at the same
    moment would share it too.  A claim is a name in the kernel's abstract socket space: it ends with this process.
    """

    def __init__(self) -> None:
        self._claims: dict[int, socket.socket] = {}

    def take(self, port: int) -> bool:
        """Claim a port, unless it is taken or claimed."""
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0trousseau-port-{port}")
        except OSError:
            claim.close()
            return False
        if not is_free(port):
            claim.close()
            return False
        self._claims[port] = claim
        return True

    def any(self) -> int:
        for _ in range(50):
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port: int = probe.getsockname()[1]
            if self.take(port):
                return port
        raise CannotStart("no free port was found")

    def hub(self, wanted: int) -> int:
        if wanted == 0:
            return self.any()
        if not self.take(wanted):
            raise CannotStart(
                f"port {wanted} is taken by another program; choose another with --port N (0 = any free one)\n"
                f"           le port {wanted} est occupé ; choisissez-en un autre avec --port N (0 = n’importe lequel)"
            )
        return wanted

    def tools(self, remembered: Mapping[str, int]) -> dict[str, int]:
        """The same ports as last time where they are free: addresses stay, nothing needs registering again."""
        chosen: dict[str, int] = {}
        for name, first in TOOL_PORTS.items():
            candidates = [*([remembered[name]] if name in remembered else []), *range(first, first + 40)]
            taken = next((port for port in candidates if self.take(port)), None)
            chosen[name] = self.any() if taken is None else taken
        return chosen

    def release(self) -> None:
        for claim in self._claims.values():
            claim.close()
        self._claims.clear()


# The data folder ------------------------------------------------------------------------------------------------


@contextmanager
def locked(data: Path) -> Iterator[IO[str]]:
    """One demonstration per data folder; the lock ends with the process, however it ends."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (data / LOCK).open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            where = lock.read().strip() or "starting up"
            raise CannotStart(
                f"a demonstration already runs on this data ({data}): {where}\n"
                f"           une démonstration utilise déjà ces données : {where}"
            ) from None
        lock.truncate(0)
        try:
            yield lock
        finally:
            lock.truncate(0)


def prepare_folder(data: Path, *, fresh: bool) -> None:
    """Empty the folder when asked to; never one that a demonstration did not make."""
    mark = data / MARK
    others = [path for path in data.iterdir() if path.name not in (LOCK, MARK)]
    if others and not mark.exists() and not data.is_relative_to(ROOT / "var"):
        if fresh:
            raise CannotStart(f"--fresh would empty {data}, which no demonstration made; remove it yourself")
        raise CannotStart(f"{data} holds other things; choose an empty folder with --data DIR")
    if fresh and others:
        say("Forgetting the data of earlier runs…")
        for path in others:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    mark.touch(mode=0o600)
    for name in ("secrets", "logs", "mail"):
        (data / name).mkdir(mode=0o700, exist_ok=True)


def kept_secret(folder: Path, name: str, make: str) -> str:
    """A secret made once, readable by its owner only."""
    path = folder / name
    if not path.exists():
        half = path.with_suffix(".half")
        half.touch(mode=0o600)
        half.write_text(make, encoding="utf-8")
        half.replace(path)
    return path.read_text(encoding="utf-8")


def load_json(path: Path) -> dict[str, Any]:
    try:
        loaded = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return loaded if isinstance(loaded, dict) else {}


def write_private(path: Path, text: str) -> None:
    """All of it or nothing, for whoever reads meanwhile."""
    half = path.with_name(f".{path.name}.{os.getpid()}")
    half.unlink(missing_ok=True)
    half.touch(mode=0o600)
    half.write_text(text, encoding="utf-8")
    half.replace(path)


def state_of(ports: Mapping[str, int], origin: str) -> str:
    """What the prepared data depends on, as one number."""
    sum_ = hashlib.sha256(json.dumps([sys.version, origin, dict(ports), os.environ.get("DATABASE_URL", "")]).encode())
    for pattern in PREPARED_FROM:
        for path in sorted(ROOT.glob(pattern)):
            if path.parts[len(ROOT.parts)] in (".venv", "var", "tests") or not path.is_file():
                continue
            facts = path.stat()
            sum_.update(f"{path} {facts.st_size} {facts.st_mtime_ns}\n".encode())
    return sum_.hexdigest()


# Children -------------------------------------------------------------------------------------------------------


@dataclass
class Child:
    """One program started here."""

    name: str
    command: list[str]
    environment: dict[str, str]
    log: Path
    process: "subprocess.Popen[bytes] | None" = field(default=None)

    def start(self) -> None:
        guard = shutil.which("setpriv")
        # A supervisor killed by -9 leaves nobody behind.
        command = [guard, "--pdeathsig", "TERM", *self.command] if guard else self.command
        with self.log.open("wb") as output:
            # A process group of its own: Ctrl-C reaches the supervisor alone, which ends its children in order.
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,
            )

    @property
    def exit_code(self) -> int | None:
        return self.process.poll() if self.process else None

    def told(self, lines: int = 15) -> str:
        with suppress(OSError):
            return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
        return ""

    def signal(self, number: signal.Signals) -> None:
        if self.process:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)


def stop_children(children: list[Child]) -> None:
    """Ask all at once, wait for each, insist at the end."""
    running = [child for child in children if child.process]
    for child in running:
        if child.exit_code is None:
            child.signal(signal.SIGTERM)
    deadline = time.monotonic() + STOP_LIMIT_SECONDS
    for child in running:
        if child.process:
            with suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0.1, deadline - time.monotonic()))
        child.signal(signal.SIGKILL)  # what is left of its group, if anything is
        if child.process:
            child.process.wait()


def check_alive(children: list[Child], directory: EmbeddedDirectory) -> None:
    if directory.pid is None:
        raise CannotStart(f"the directory server has ended; its log: {directory.log_file}")
    for child in children:
        code = child.exit_code
        if code is not None:
            raise CannotStart(
                f"{child.name} has ended (code {code}); its log, {child.log}, closes with:\n{child.told()}"
            )


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310 - our own addresses
            return int(response.status) == 200
    except (OSError, urllib.error.URLError):
        return False


def wait_until_all_answer(urls: list[str], children: list[Child], directory: EmbeddedDirectory) -> None:
    deadline = time.monotonic() + START_LIMIT_SECONDS
    waiting = list(urls)
    while waiting:
        check_alive(children, directory)
        waiting = [url for url in waiting if not answers(url)]
        if waiting and time.monotonic() > deadline:
            raise CannotStart(f"{waiting[0]} does not answer; the logs are in {children[0].log.parent}")
        time.sleep(0.1)


# The demonstration ----------------------------------------------------------------------------------------------


@dataclass
class Demo:
    """One run, step by step."""

    data: Path
    port: int
    directory: EmbeddedDirectory
    children: list[Child] = field(default_factory=list)

    @property
    def origin(self) -> str:
        return f"http://localhost:{self.port}"

    def hub_environment(self) -> dict[str, str]:
        """The operator's own TROUSSEAU_ settings are for a real hub: only the two service addresses pass."""
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("TROUSSEAU_")},
            "DJANGO_SETTINGS_MODULE": "hub.settings",
            "PYTHONUNBUFFERED": "1",
            "TROUSSEAU_ORIGIN": self.origin,
            "TROUSSEAU_DEMO": "true",
            "TROUSSEAU_DATA_DIR": str(self.data),
            "TROUSSEAU_SECRETS_DIR": str(self.data / "secrets"),
            "TROUSSEAU_LDAP_URI": self.directory.uri,
            "TROUSSEAU_LDAP_BASE": self.directory.base,
            "TROUSSEAU_LDAP_BIND_DN": self.directory.reader_dn,
            "TROUSSEAU_LDAP_WRITE_DN": self.directory.writer_dn,
            "TROUSSEAU_LDAP_CA_FILE": str(self.directory.ca_file),
            "TROUSSEAU_OUTGOING_NETWORKS": '["127.0.0.0/8", "::1/128"]',
        }

    def write_environment(self) -> None:
        """For ``manage.py`` by hand, beside a running demonstration."""
        names = ("DATABASE_URL", "CACHE_URL", "DJANGO_SETTINGS_MODULE")
        lines = [
            f"export {name}={shlex.quote(value)}"
            for name, value in sorted(self.hub_environment().items())
            if value and (name.startswith("TROUSSEAU_") or name in names)
        ]
        write_private(self.data / "hub.env", "\n".join(lines) + "\n")

    def make_secrets(self) -> dict[str, str]:
        folder = self.data / "secrets"
        kept_secret(folder, "trousseau_secret_key", secrets.token_urlsafe(50))
        kept_secret(folder, "trousseau_key_encryption_key", base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
        kept_secret(folder, "trousseau_pairwise_salt", secrets.token_urlsafe(32))
        kept_secret(folder, "trousseau_ldap_bind_password", self.directory.reader_password)
        kept_secret(folder, "trousseau_ldap_write_password", self.directory.writer_password)
        return {
            name: kept_secret(folder, f"client_{name}", secrets.token_hex(32))
            for name in ("louty", "formation", "essai-un", "essai-deux")
        }

    def make_ready(self, ports: Mapping[str, int], client_secrets: Mapping[str, str]) -> dict[str, Any]:
        """Tables, keys, static files, members and tools; skipped when nothing that it depends on has changed."""
        stamp, answer = self.data / "prepared", self.data / "credentials.json"
        state = state_of(ports, self.origin)
        if stamp.exists() and stamp.read_text(encoding="utf-8") == state and load_json(answer):
            return load_json(answer)
        stamp.unlink(missing_ok=True)
        orders = {"ports": dict(ports), "client_secrets": dict(client_secrets), "answer": str(answer)}
        with (self.data / "logs" / "prepare.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "demo.prepare"],
                cwd=ROOT,
                env=self.hub_environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                process_group=0,
                text=True,
            )
            try:
                if process.stdin is None or process.stdout is None:
                    raise CannotStart("the preparation takes no orders")
                process.stdin.write(json.dumps(orders))
                process.stdin.close()
                for line in process.stdout:
                    say(f"  {line.rstrip()}…")
                code = process.wait()
            finally:
                if process.poll() is None:
                    process.terminate()
                    process.wait()
        if code != 0:
            raise CannotStart(f"preparing the data failed:\n{(self.data / 'logs' / 'prepare.log').read_text()}")
        stamp.write_text(state, encoding="utf-8")
        return load_json(answer)

    def start_servers(self, ports: Mapping[str, int], credentials: Mapping[str, Any]) -> None:
        logs, hub = self.data / "logs", self.hub_environment()
        granian = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--no-ws"]
        serve = [*granian, "--port", str(self.port), "--workers", "2", "--blocking-threads", "4"]
        self.children += [
            Child("the hub", [*serve, "hub.wsgi:application"], hub, logs / "hub.log"),
            Child("the worker", [sys.executable, "manage.py", "run_worker"], hub, logs / "worker.log"),
        ]
        for name, port in ports.items():
            tool = {
                **{key: value for key, value in os.environ.items() if not key.startswith(("TROUSSEAU_", "DJANGO_"))},
                "PYTHONUNBUFFERED": "1",
                "TOOL_NAME": name,
                "TOOL_ORIGIN": f"http://localhost:{port}",
                "TOOL_HUB": self.origin,
                "TOOL_DATA_DIR": str(self.data / "tools"),
                "TOOL_SECRET_KEY": kept_secret(self.data / "secrets", f"cookies_{name}", secrets.token_urlsafe(50)),
                "TOOL_CLIENT_ID": str(credentials[name]["client_id"]),
                "TOOL_CLIENT_SECRET": str(credentials[name]["client_secret"]),
                "TOOL_SCOPES": {"louty": "openid profile email groups", "formation": "openid profile email phone"}[
                    name
                ],
                "TOOL_BASIC_AUTH": "yes" if name == "louty" else "no",
            }
            self.children.append(Child(name, [sys.executable, "-m", "demo.tools.serve"], tool, logs / f"{name}.log"))
        for child in self.children:
            child.start()

    def described(self, ports: Mapping[str, int], credentials: Mapping[str, Any]) -> dict[str, Any]:
        """What scripts are told."""
        return {
            "hub": self.origin,
            "issuer": self.origin,
            "mailbox": f"{self.origin}/courrier/",
            "tools": [{"name": name, "url": f"http://localhost:{port}/"} for name, port in ports.items()],
            "accounts": [
                {"role": role, "username": username, "password": password} for role, username, password, _ in ACCOUNTS
            ],
            "spare_tools": [credentials[name] for name in ("essai-un", "essai-deux", "essai-public")],
            "ldap": {
                "uri": self.directory.uri,
                "base": self.directory.base,
                "ca_file": str(self.directory.ca_file),
                "admin_dn": self.directory.admin_dn,
                "admin_password": self.directory.admin_password,
            },
        }


def compile_messages() -> None:
    """Catalogues that are newer than their compiled form."""
    for source in ROOT.glob("*/locale/*/LC_MESSAGES/*.po"):
        target = source.with_suffix(".mo")
        if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
            half = target.with_name(f".{target.name}.{os.getpid()}")
            done = subprocess.run(["msgfmt", "-o", str(half), str(source)], capture_output=True, text=True)
            if done.returncode != 0:
                raise CannotStart(f"{source.name} does not compile:\n{done.stderr}")
            half.replace(target)


def print_block(facts: Mapping[str, Any], data: Path) -> None:
    width = max(len(username) for _, username, _, _ in ACCOUNTS)
    lines = [
        "",
        "  Trousseau est prêt · Trousseau is ready",
        "",
        f"    Ouvrir · Open               {facts['hub']}/",
        *(f"    {'Louty' if tool['name'] == 'louty' else 'Formation':<28}{tool['url']}" for tool in facts["tools"]),
        f"    Courriers · Mailbox         {facts['mailbox']}",
        f"    Annuaire · Directory        {facts['ldap']['uri']} ({facts['ldap']['base']})",
        f"    Données · Data              {data}",
        "",
        "    Comptes · Accounts",
        *(f"      {name:<{width}}  {password:<20}  {role} · {code}" for code, name, password, role in ACCOUNTS),
        "",
        "    Ctrl-C pour tout arrêter · Ctrl-C stops everything",
        "",
    ]
    say("\n".join(lines))


def run(arguments: argparse.Namespace) -> None:
    data: Path = arguments.data
    with locked(data) as lock:
        # Not before the lock: the file of a demonstration that runs is its own.
        if arguments.json:
            arguments.json.unlink(missing_ok=True)
        if arguments.fresh and os.environ.get("DATABASE_URL"):
            raise CannotStart("--fresh does not empty the database that DATABASE_URL names; do that yourself")
        prepare_folder(data, fresh=arguments.fresh)
        claims = Ports()
        port = claims.hub(arguments.port)
        ports = claims.tools(load_json(data / "ports.json"))
        directory = EmbeddedDirectory(data / "slapd")
        demo = Demo(data, port, directory)
        try:
            say("Starting the directory…")
            directory.start()
            lock.write(f"{demo.origin}/ (pid {os.getpid()})")
            lock.flush()
            client_secrets = demo.make_secrets()
            demo.write_environment()
            compile_messages()
            say("Preparing the data…")
            credentials = demo.make_ready(ports, client_secrets)
            (data / "ports.json").write_text(json.dumps(ports), encoding="utf-8")
            say("Starting the hub and two tools…")
            demo.start_servers(ports, credentials)
            facts = demo.described(ports, credentials)
            healthy = [f"http://127.0.0.1:{each}/sante" for each in ports.values()]
            wait_until_all_answer([f"{demo.origin}/healthz", *healthy], demo.children, directory)
            if arguments.json:
                write_private(arguments.json, json.dumps(facts, ensure_ascii=False, indent=2) + "\n")
            print_block(facts, data)
            while True:
                time.sleep(0.3)
                check_alive(demo.children, directory)
        finally:
            # A second Ctrl-C must not leave half of them running.
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            stop_children(demo.children)
            directory.stop()
            claims.release()


def arguments_of(argv: list[str]) -> argparse.Namespace:
    here = Path(os.environ.get("TROUSSEAU_CALLED_FROM") or os.getcwd())

    def path(text: str) -> Path:
        return (here / Path(text).expanduser()).absolute()

    parser = argparse.ArgumentParser(
        prog="./trousseau demo", description="Run the hub with the demonstration cooperative."
    )
    parser.add_argument("--fresh", action="store_true", help="forget the data of earlier runs")
    parser.add_argument("--data", type=path, default=ROOT / "var" / "demo", metavar="DIR", help="keep the data here")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, metavar="N", help="serve here (0 = any free port)")
    parser.add_argument("--json", type=path, metavar="FILE", help="write addresses and accounts once all answers")
    found = parser.parse_args(argv)
    if not 0 <= found.port <= 65535:
        parser.error("--port takes 0 to 65535")
    if found.json and not found.json.parent.is_dir():
        parser.error(f"--json: {found.json.parent} is no folder")
    return found


def main(argv: list[str]) -> int:
    arguments = arguments_of(argv)
    os.umask(0o077)

    def stop(*_: object) -> None:
        raise Stopped

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    try:
        run(arguments)
    except Stopped:
        say("\nTout est arrêté · Everything is stopped")
        return 0
    except (CannotStart, DirectoryNotStarted) as problem:
        print(f"trousseau: {problem}", file=sys.stderr, flush=True)
    except OSError as problem:
        print(f"trousseau: {problem.strerror}: {problem.filename}", file=sys.stderr, flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
