"""The hub as in production: the command line of ``deploy/``, its settings, everything else by ``manage.py``."""

import base64
import json
import os
import re
import secrets
import shlex
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGTERM
from typing import Any

from benchmarks import stores
from benchmarks.parties import PASSWORD, REDIRECT_URI, SCOPES, Side, Tool
from demo.slapd import EmbeddedDirectory
from tools.servers import free_port, stop, wait_for

ROOT = Path(__file__).resolve().parents[1]
UNIT = ROOT / "deploy" / "trousseau-hub.service"
# One sheet with the claims that the peer gives; what a member's entry lacks does not leave.
ITEMS = ("name", "given_name", "family_name", "login", "language", "email")
SHEET = (
    *("--processing", "Mesure", "--purpose", "Mesurer.", "--retention", "un jour après la mesure"),
    *("--kept-then", "delete", "--recipient-role", "internal", "--contact", "x@x.example", "--country", "France"),
)
SHEET_ITEMS = tuple(part for item in ITEMS for part in ("--item", f"{item}=pour mesurer"))


@dataclass(frozen=True, slots=True)
class Hub:
    side: Side
    database: str
    environment: dict[str, str]
    directory: EmbeddedDirectory

    def manage(self, *arguments: str) -> str:
        return run(self.environment, str(ROOT / "manage.py"), *arguments)


@contextmanager
def running(folder: Path, *, members: int) -> Iterator[Hub]:
    """Two workers behind one address, with PostgreSQL, Redis and a directory of their own."""
    with (
        stores.postgresql(folder) as database,
        stores.redis(folder, "hub") as cache,
        EmbeddedDirectory(folder / "slapd") as directory,
    ):
        names = give_password(directory, members)
        port = free_port()
        environment = environment_of(folder, port, directory) | {"DATABASE_URL": database.url, "CACHE_URL": cache.url}
        web, service = _prepared(environment)
        server = _serve(environment, port, folder / "hub.log")
        try:
            side = Side(
                "hub",
                environment["TROUSSEAU_ORIGIN"],
                web=web,
                service=service,
                members=names,
                server=(server.pid,),
                store=(database.pid, cache.pid),
            )
            yield Hub(side, database.url, environment, directory)
        finally:
            stop(server, SIGTERM)


def environment_of(folder: Path, port: int, directory: EmbeddedDirectory) -> dict[str, str]:
    environment = environment_without_directory(folder, port)
    kept = Path(environment["TROUSSEAU_SECRETS_DIR"])
    (kept / "trousseau_ldap_bind_password").write_text(directory.reader_password)
    return environment | {
        "TROUSSEAU_LDAP_URI": directory.uri,
        "TROUSSEAU_LDAP_BASE": directory.base,
        "TROUSSEAU_LDAP_BIND_DN": directory.reader_dn,
        "TROUSSEAU_LDAP_CA_FILE": str(directory.ca_file),
    }


def environment_without_directory(folder: Path, port: int) -> dict[str, str]:
    kept = folder / "secrets"
    kept.mkdir(mode=0o700)
    for name, value in {
        "secret_key": secrets.token_urlsafe(50),
        "key_encryption_key": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "pairwise_salt": secrets.token_urlsafe(32),
    }.items():
        (kept / f"trousseau_{name}").write_text(value)
    return {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "hub.settings",
        "PYTHONUNBUFFERED": "1",
        "TROUSSEAU_ORIGIN": f"http://localhost:{port}",
        "TROUSSEAU_DATA_DIR": str(folder),
        "TROUSSEAU_SECRETS_DIR": str(kept),
        # The load generator stands where the front proxy does, and says who calls.
        "TROUSSEAU_TRUSTED_PROXIES": "1",
    }


def give_password(directory: EmbeddedDirectory, count: int) -> tuple[str, ...]:
    """So many people of the directory get the password of this run."""
    found = directory.search(
        "-b", f"ou=membres,ou=personnes,{directory.base}", "(&(uid=*)(!(pwdAccountLockedTime=*)))", "uid"
    )
    people = re.findall(r"^dn: (.+)\nuid: (.+)$", found, re.MULTILINE)[:count]
    if len(people) < count:
        raise RuntimeError(f"the directory has {len(people)} members, not {count}")
    change = "dn: {}\nchangetype: modify\nreplace: userPassword\nuserPassword: {}\n"
    directory.modify("\n".join(change.format(dn, PASSWORD) for dn, _ in people))
    # What an administrator sets must be replaced at the next sign-in, says the directory's policy.
    own = "dn: {}\nchangetype: modify\ndelete: pwdReset\n"
    directory.modify("\n".join(own.format(dn) for dn, _ in people))
    return tuple(uid for _, uid in people)


def _prepared(environment: dict[str, str]) -> tuple[Tool, Tool]:
    """The first start of docs/operations.md."""
    for command in (
        "check",
        "migrate",
        "createcachetable",
        "ensure_keys",
        "collectstatic --no-input",
        "sync_directory",
    ):
        run(environment, str(ROOT / "manage.py"), *command.split())
    web = ["--redirect-uri", REDIRECT_URI, "--everyone", "--offline-access", "--scopes", f"{SCOPES} offline_access"]
    # The peer, too, gives claims at userinfo only.
    web += ["--claims-in-userinfo-only", *SHEET, *SHEET_ITEMS]
    return _added(environment, "web", *web), _added(environment, "service", "--grant", "client-credentials")


def _added(environment: dict[str, str], slug: str, *options: str) -> Tool:
    answer = run(environment, str(ROOT / "manage.py"), "add_tool", slug, "--name", slug, "--json", *options)
    told: dict[str, Any] = json.loads(answer)
    return Tool(told["client_id"], told["client_secret"])


def _serve(environment: dict[str, str], port: int, log: Path) -> "subprocess.Popen[bytes]":
    with log.open("wb") as output:
        server = subprocess.Popen(
            _command(port), cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    wait_for(server, "the hub", log, lambda: _healthy(f"{environment['TROUSSEAU_ORIGIN']}/healthz"))
    return server


def _command(port: int) -> list[str]:
    """What systemd would start, here and on a free port."""
    found = re.search(r"^ExecStart=/opt/trousseau/\.venv/bin/(.+)$", UNIT.read_text(), re.MULTILINE)
    if found is None:
        raise RuntimeError(f"{UNIT} starts something else")
    program, *arguments = shlex.split(found[1].replace("--port 8000", f"--port {port}"))
    return [sys.executable, "-m", program, *arguments]


def _healthy(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:  # noqa: S310 - our own address
            return int(answer.status) == 200
    except OSError:
        return False


def run(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(arguments[:2])} failed:\n{done.stdout}{done.stderr}")
    return done.stdout
