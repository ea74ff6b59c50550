"""A hub as in production, with stores of its own that can be stopped, frozen and brought back.

``python -m tests.support.outages`` prepares the data in one process and prints what the test must know of it.
"""

import base64
import json
import os
import pwd
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import requests

from demo.slapd import EmbeddedDirectory
from tools.servers import free_port, stop

ROOT = Path(__file__).resolve().parents[2]
REDIRECT = "http://localhost:9999/callback"
START_SECONDS = 60
# What a browser or a tool waits for without giving up.
PATIENCE_SECONDS = 10.0


@dataclass
class Server:
    """A process with its children, started here and signalled by id only."""

    command: list[str]
    log: Path
    ready: Callable[[], bool]
    how: dict[str, Any] = field(default_factory=dict)
    text: str = ""
    how_to_stop: signal.Signals = signal.SIGTERM
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.PIPE, stdout=output, stderr=output, process_group=0, **self.how
            )
        assert self.process.stdin is not None
        self.process.stdin.write(self.text.encode())
        self.process.stdin.close()
        deadline = time.monotonic() + START_SECONDS
        while not self.ready():
            assert self.process.poll() is None, self.log.read_text(errors="replace")[-3000:]
            assert time.monotonic() < deadline, self.log.read_text(errors="replace")[-3000:]
            time.sleep(0.05)

    def stop(self) -> None:
        if self.process is not None:
            self.signal(signal.SIGCONT)
            stop(self.process, self.how_to_stop)

    def hang(self) -> None:
        self.signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.signal(signal.SIGCONT)

    def signal(self, which: signal.Signals) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        # The parent first: stopped, it makes no more children.
        for pid in (self.process.pid, *children_of(self.process.pid)):
            try:
                os.kill(pid, which)
            except ProcessLookupError:
                continue


def children_of(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def database(folder: Path) -> tuple[Server, str]:
    """A PostgreSQL on a socket in its own folder, and its DATABASE_URL."""
    binaries = max(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3])).parent
    home = folder / "postgresql"
    home.mkdir(mode=0o700)
    how: dict[str, Any] = {"cwd": "/", "env": {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}}
    if os.geteuid() == 0:
        account = pwd.getpwnam("postgres")
        os.chown(home, account.pw_uid, account.pw_gid)
        how |= {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    data = str(home / "data")
    initialise = [str(binaries / "initdb"), "-D", data, "-U", "trousseau", "-A", "trust", "-E", "UTF8", "--no-sync"]
    subprocess.run(initialise, check=True, stdout=subprocess.DEVNULL, **how)
    options = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={home}", "-c", "fsync=off"]
    asked = [str(binaries / "pg_isready"), "-q", "-h", str(home), "-U", "trousseau"]
    server = Server(
        [str(binaries / "postgres"), "-D", data, *options],
        folder / "postgresql.log",
        lambda: subprocess.run(asked).returncode == 0,
        how,
        # Immediate: as after a crash, nobody says goodbye.
        how_to_stop=signal.SIGQUIT,
    )
    return server, f"postgres://trousseau@{quote(str(home), safe='')}/postgres"


def cache(folder: Path) -> tuple[Server, str]:
    """A Redis in memory only, and its CACHE_URL."""
    port, password = free_port(), secrets.token_urlsafe(24)
    configuration = f'bind 127.0.0.1\nport {port}\nrequirepass {password}\nsave ""\nappendonly no\ndir {folder}\n'
    server = Server(["redis-server", "-"], folder / "redis.log", lambda: listens(port), text=configuration)
    return server, f"redis://:{password}@127.0.0.1:{port}/0"


def listens(port: int) -> bool:
    import socket

    try:
        with socket.create_connection(("127.0.0.1", port), 1):
            return True
    except OSError:
        return False


@dataclass(frozen=True)
class Answer:
    """What came back, and how long it took."""

    status: int
    seconds: float
    headers: Any
    text: str

    def json(self) -> Any:
        return json.loads(self.text)


@dataclass
class World:
    """The hub, what it depends on, and what the test knows of its tools and of one member."""

    hub: Server
    origin: str
    database: Server
    cache: Server
    directory: EmbeddedDirectory
    told: dict[str, Any]
    browser: requests.Session = field(default_factory=requests.Session)

    # Asking -------------------------------------------------------------------------------------------------

    def ask(self, method: str, path: str, *, http: Any = requests, **how: Any) -> Answer:
        started = time.monotonic()
        try:
            got = http.request(method, self.origin + path, timeout=2 * PATIENCE_SECONDS, allow_redirects=False, **how)
        except requests.RequestException as error:
            return Answer(0, time.monotonic() - started, {}, type(error).__name__)
        return Answer(got.status_code, time.monotonic() - started, got.headers, got.text)

    def tab(self) -> requests.Session:
        """The member's browser once more, for a request of its own."""
        tab = requests.Session()
        tab.cookies.update(self.browser.cookies)
        return tab

    def sign_in(self, browser: requests.Session, password: str = "") -> Answer:
        page = self.ask("GET", "/compte/connexion/", http=browser)
        return self.send_sign_in(browser, page, password)

    def send_sign_in(self, browser: requests.Session, page: Answer, password: str = "") -> Answer:
        token = page.text.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
        form = {"csrfmiddlewaretoken": token, "login": self.told["login"]}
        form["password"] = password or self.told["password"]
        return self.ask("POST", "/compte/connexion/", http=browser, data=form, headers={"Referer": self.origin})

    def authorize(self, **changes: str) -> Answer:
        query = {
            "response_type": "code",
            "client_id": self.told["client_id"],
            "redirect_uri": REDIRECT,
            "scope": "openid offline_access",
            "state": "s",
            "nonce": "n",
            "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",  # RFC 7636, appendix B
            "code_challenge_method": "S256",
            **changes,
        }
        return self.ask("GET", "/oidc/authorize", http=self.tab(), params=query)

    def code(self) -> str:
        answer = self.authorize()
        assert answer.status == 303, answer
        return parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]

    def token(self, **form: str) -> Answer:
        return self.ask("POST", "/oidc/token", data=form, auth=(self.told["client_id"], self.told["client_secret"]))

    def exchange(self, code: str) -> Answer:
        verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
        return self.token(grant_type="authorization_code", code=code, redirect_uri=REDIRECT, code_verifier=verifier)

    def refresh(self, token: str) -> Answer:
        return self.token(grant_type="refresh_token", refresh_token=token)

    def introspect(self, token: str) -> Answer:
        credentials = (self.told["client_id"], self.told["client_secret"])
        return self.ask("POST", "/oidc/introspect", data={"token": token}, auth=credentials)

    def userinfo(self, token: str) -> Answer:
        return self.ask("GET", "/oidc/userinfo", headers={"Authorization": f"Bearer {token}"})

    def sign_out(self, browser: requests.Session) -> Answer:
        token = browser.cookies.get("trousseau_csrf", "")
        form = {"csrfmiddlewaretoken": token}
        return self.ask("POST", "/deconnexion/", http=browser, data=form, headers={"Referer": self.origin})

    def manage(self, command: str) -> None:
        """An operator's command, or what the worker would do at its turn."""
        subprocess.run([sys.executable, "manage.py", command], check=True, capture_output=True, **self.hub.how)

    def worker(self) -> Server:
        """The hub's own loop, with the process that follows the directory beside it; not started yet."""
        command = [sys.executable, "manage.py", "run_worker"]
        return Server(command, self.hub.log.with_name("worker.log"), lambda: True, self.hub.how)

    def all_at_once(self, asked: dict[str, Callable[[], Answer]]) -> dict[str, Answer]:
        """Each in a thread: what hangs holds nobody else up, and the whole takes as long as the slowest."""
        with ThreadPoolExecutor(len(asked)) as pool:
            began = {name: pool.submit(ask) for name, ask in asked.items()}
            return {name: each.result() for name, each in began.items()}


def eventually(holds: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


# Building it -------------------------------------------------------------------------------------------------


@contextmanager
def world(folder: Path, *, back_channel: str = "") -> Iterator[World]:
    """``back_channel``: the address at which the tool wants to hear of sign-outs."""
    folder.chmod(0o711)
    with ExitStack() as stack:
        postgres, database_url = database(folder)
        redis, cache_url = cache(folder)
        directory = EmbeddedDirectory(folder / "ldap", members=60, durable=False)
        port = free_port()
        for server in (postgres, redis):
            stack.callback(server.stop)
            server.start()
        stack.callback(directory.stop)
        directory.start()
        origin = f"http://127.0.0.1:{port}"
        environment = hub_environment(folder, origin, database_url, cache_url, directory)
        prepared = subprocess.run(
            [sys.executable, "-m", "tests.support.outages", back_channel],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert prepared.returncode == 0, prepared.stderr[-3000:]
        told = json.loads(prepared.stdout.splitlines()[-1]) | accounts_of(directory)
        serve = ["granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port), "--no-ws"]
        serve += ["--workers", "2", "--blocking-threads", "4", "--respawn-failed-workers", "hub.wsgi:application"]
        hub = Server(
            [sys.executable, "-m", *serve],
            folder / "hub.log",
            lambda: listens(port) and requests.get(f"{origin}/healthz", timeout=5).ok,
            {"cwd": ROOT, "env": environment},
        )
        stack.callback(hub.stop)
        hub.start()
        yield World(hub, origin, postgres, redis, directory, told)


def accounts_of(directory: EmbeddedDirectory) -> dict[str, Any]:
    """Somebody who stays, and somebody who will leave."""
    first, second, *_ = (each for each in directory.manifest["demo_people"] if each["state"] == "active")
    login = {"login": first["uid"], "password": first["password"]}
    return login | {"leaver": {"login": second["uid"], "password": second["password"], "dn": second["dn"]}}


def hub_environment(
    folder: Path, origin: str, database_url: str, cache_url: str, directory: EmbeddedDirectory
) -> dict[str, str]:
    data = folder / "data"
    data.mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TROUSSEAU_", "DJANGO_"))}
    return {
        **kept,
        "DJANGO_SETTINGS_MODULE": "hub.settings",
        "DATABASE_URL": database_url,
        "CACHE_URL": cache_url,
        "TROUSSEAU_ORIGIN": origin,
        "TROUSSEAU_DATA_DIR": str(data),
        "TROUSSEAU_SECRET_KEY": secrets.token_urlsafe(50),
        "TROUSSEAU_KEY_ENCRYPTION_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "TROUSSEAU_PAIRWISE_SALT": secrets.token_urlsafe(32),
        "TROUSSEAU_OUTGOING_NETWORKS": '["127.0.0.0/8"]',
        "TROUSSEAU_LDAP_URI": directory.uri,
        "TROUSSEAU_LDAP_BASE": directory.base,
        "TROUSSEAU_LDAP_BIND_DN": directory.reader_dn,
        "TROUSSEAU_LDAP_BIND_PASSWORD": directory.reader_password,
        "TROUSSEAU_LDAP_CA_FILE": str(directory.ca_file),
    }


def main() -> None:
    import django

    django.setup()
    from django.core.management import call_command
    from django.utils import timezone

    from audit.types import SYSTEM
    from directory.models import DirectorySource
    from idp.services.tools import register_tool
    from tests.support.keys import Holder

    call_command("migrate", interactive=False, verbosity=0)
    call_command("ensure_keys", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    call_command("sync_directory", verbosity=0)
    # More people leave in one afternoon of tests than a small cooperative loses in a day.
    DirectorySource.objects.update(ceilings={"people": 1000})
    holder = Holder()
    common: dict[str, Any] = {"actor": SYSTEM, "now": timezone.now()}
    tool = register_tool(
        slug="wiki",
        name="Wiki",
        redirect_uris=[REDIRECT],
        properties={
            "everyone": True,
            "scopes": "openid",
            "offline_access": True,
            "backchannel_logout_uri": sys.argv[1],
        },
        **common,
    )
    robot = register_tool(
        slug="robot",
        name="Robot",
        properties={
            "scopes": "api:lire",
            "grant_types": "client_credentials",
            "token_endpoint_auth_method": "private_key_jwt",
            "client_jwks": holder.jwks,
        },
        **common,
    )
    told = {
        "client_id": tool.tool.client_id,
        "client_secret": tool.client_secret,
        "robot": robot.tool.client_id,
        "robot_key": holder.key.as_dict(private=True),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
