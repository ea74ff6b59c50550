"""The two providers, really running on ports of loopback: the hub, and ``oidc-provider`` as the oracle."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import requests
from joserfc.jwk import KeySet

from demo.slapd import EmbeddedDirectory
from tests.certification.browser import Browser
from tests.certification.clients import Client
from tests.support.node import NODE, installed

ROOT = Path(__file__).resolve().parents[2]
ORACLE = Path(__file__).parent / "oracle"
LOGIN, PASSWORD = "noemie.ferrand", "alizarine-garrigue"
HALF_KNOWN = ("lea.martinez-roux", "alizarine-structure")
NEWCOMER = ("benoit.de-la-tour", "alizarine-tramontane")
# What a front proxy would set; here the tools do.
CERTIFICATE_HEADER = "X-Client-Certificate"
START_SECONDS = 60
STOP_SECONDS = 10
CLAIMS = {
    "name": "Noémie Ferrand",
    "given_name": "Noémie",
    "family_name": "Ferrand",
    "preferred_username": LOGIN,
    "locale": "fr",
    "updated_at": 1_790_000_000,
    "email": "noemie.ferrand@alizarine.example",
    "email_verified": True,
    "phone_number": "+33 6 39 98 36 43",
    "phone_number_verified": True,
    "address": {"formatted": "116 ter quai de la Résistance", "postal_code": "34110", "locality": "Frontignan"},
}


@dataclass
class Provider:
    """A running provider and the tools it knows."""

    name: str
    issuer: str
    clients: dict[str, Client]
    verify: str | bool = True
    http: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.http.trust_env = False
        self.http.verify = self.verify
        # The hub stands behind one front proxy, which names the caller.
        self.http.headers["X-Forwarded-For"] = "198.19.0.1"

    @property
    def is_hub(self) -> bool:
        return self.name == "hub"

    @cached_property
    def metadata(self) -> dict[str, Any]:
        answer = self.http.get(f"{self.issuer}/.well-known/openid-configuration", timeout=20)
        assert answer.status_code == 200, answer.text
        metadata: dict[str, Any] = answer.json()
        return metadata

    def endpoint(self, name: str) -> str:
        return str(self.metadata[f"{name}_endpoint"])

    def keys(self) -> KeySet:
        return KeySet.import_key_set(self.http.get(self.metadata["jwks_uri"], timeout=20).json())

    def browser(self) -> Browser:
        return Browser(origin=self.issuer, login=LOGIN, password=PASSWORD, verify=self.verify)

    def newcomer(self) -> Browser:
        """Of somebody who never agreed to anything; the oracle knows one person, and forgets with each session."""
        return self._browser_of(NEWCOMER)

    def half_known(self) -> Browser:
        """Of somebody with an address of which the directory knows one part."""
        return self._browser_of(HALF_KNOWN)

    def _browser_of(self, account: tuple[str, str]) -> Browser:
        login, password = account if self.is_hub else (LOGIN, PASSWORD)
        return Browser(origin=self.issuer, login=login, password=password, verify=self.verify)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def stop(process: "subprocess.Popen[Any]") -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until_it_answers(url: str, process: "subprocess.Popen[Any]", log: Path, *, verify: str | bool = True) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            if requests.get(url, timeout=5, verify=verify).ok:
                return
        except requests.RequestException:
            pass
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{url} does not answer:\n{log.read_text(errors='replace')[-4000:]}")
        time.sleep(0.1)


# The oracle -----------------------------------------------------------------------------------------------------


@contextmanager
def oracle(wanted: list[Client], folder: Path, *, tls: "tuple[Path, Path] | None" = None) -> Iterator[Provider]:
    installed(ORACLE)
    clients = {
        client.name: replace(
            client, client_id=f"{client.name}-{secrets.token_hex(4)}", client_secret=secrets.token_hex(32)
        )
        for client in wanted
    }
    orders = {
        "clients": [client.as_static() for client in clients.values()],
        "login": LOGIN,
        "password": PASSWORD,
        "claims": CLAIMS,
        "fapi": [client.client_id for client in clients.values() if client.profile],
        "tls": {"cert": tls[0].read_text(), "key": tls[1].read_text()} if tls else None,
    }
    log = folder / f"oracle{'-tls' if tls else ''}.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [str(NODE), "provider.mjs"],
            cwd=ORACLE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(orders) + "\n")
        process.stdin.flush()
        told = process.stdout.readline()
        if not told:
            raise RuntimeError(f"the oracle did not start:\n{log.read_text(errors='replace')}")
        yield Provider("oracle", json.loads(told)["issuer"], clients, verify=str(tls[0]) if tls else True)
    finally:
        stop(process)
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()


# The hub --------------------------------------------------------------------------------------------------------


@contextmanager
def own_database(folder: Path) -> Iterator[str]:
    """Where the run has PostgreSQL, a database beside the one of the other tests; else SQLite in the folder."""
    server = os.environ.get("DATABASE_URL", "")
    if not server:
        yield ""
        return
    name = f"certification_{secrets.token_hex(4)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")  # type: ignore[call-overload]
    try:
        yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[call-overload]


def hub_environment(folder: Path, directory: EmbeddedDirectory, database: str) -> dict[str, str]:
    """The settings of the test run, over a data folder and a database of its own."""
    foreign = ("TROUSSEAU_", "DATABASE_URL", "CACHE_URL", "DJANGO_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    # Another number of the same Redis: the tests empty theirs after each test.
    cache = os.environ.get("CACHE_URL", "")
    return {
        **kept,
        **({"DATABASE_URL": database} if database else {}),
        **({"CACHE_URL": urlunsplit(urlsplit(cache)._replace(path="/1"))} if cache else {}),
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "PYTHONUNBUFFERED": "1",
        "TROUSSEAU_DATA_DIR": str(folder),
        "TROUSSEAU_LDAP_URI": directory.uri,
        "TROUSSEAU_LDAP_BASE": directory.base,
        "TROUSSEAU_LDAP_BIND_DN": directory.reader_dn,
        "TROUSSEAU_LDAP_BIND_PASSWORD": directory.reader_password,
        "TROUSSEAU_LDAP_CA_FILE": str(directory.ca_file),
        # A front proxy that names the caller: each browser of the tests has its own attempt limits.
        "TROUSSEAU_TRUSTED_PROXIES": "1",
        # It hands over the tool's certificate, too.
        "TROUSSEAU_CLIENT_CERTIFICATE_HEADER": CERTIFICATE_HEADER,
        "TROUSSEAU_CLIENT_CERTIFICATE_PROXIES": '["127.0.0.0/8"]',
    }


@dataclass
class Hub:
    """A prepared hub: its environment, and the tools it knows."""

    folder: Path
    environment: dict[str, str]
    clients: dict[str, Client]

    @contextmanager
    def serve(self, *, tls: "tuple[Path, Path] | None" = None) -> Iterator[Provider]:
        """Its web server; with ``tls``, an address of its own over the same data."""
        port, scheme = free_port(), "https" if tls else "http"
        issuer = f"{scheme}://localhost:{port}"
        command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
        command += ["--workers", "1", "--blocking-threads", "4", "--no-ws"]
        if tls:
            command += ["--ssl-certificate", str(tls[0]), "--ssl-keyfile", str(tls[1])]
        verify = str(tls[0]) if tls else True
        with self._running([*command, "hub.wsgi:application"], f"hub-{scheme}", TROUSSEAU_ORIGIN=issuer) as running:
            process, log = running
            wait_until_it_answers(f"{issuer}/healthz", process, log, verify=verify)
            yield Provider("hub", issuer, self.clients, verify=verify)

    @contextmanager
    def work(self, issuer: str) -> Iterator[None]:
        """Its worker, which delivers logout tokens."""
        with self._running([sys.executable, "manage.py", "run_worker"], "worker", TROUSSEAU_ORIGIN=issuer):
            yield

    @contextmanager
    def _running(self, command: list[str], name: str, **more: str) -> "Iterator[tuple[subprocess.Popen[bytes], Path]]":
        log = self.folder / f"{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**self.environment, **more},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        try:
            yield process, log
        finally:
            stop(process)


@contextmanager
def prepared_hub(wanted: list[Client], folder: Path, directory: EmbeddedDirectory) -> Iterator[Hub]:
    with own_database(folder) as database:
        environment = hub_environment(folder, directory, database)
        orders = [
            {
                "name": client.name,
                "metadata": client.metadata,
                "profile": client.profile,
                "session_iframe": client.session_iframe,
            }
            for client in wanted
        ]
        done = subprocess.run(
            [sys.executable, "-m", "tests.certification.hub_ready"],
            cwd=ROOT,
            env=environment,
            input=json.dumps(orders),
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise RuntimeError(f"the hub was not made ready:\n{done.stderr[-4000:]}")
        given = json.loads(done.stdout.splitlines()[-1])
        yield Hub(folder, environment, {client.name: replace(client, **given[client.name]) for client in wanted})
