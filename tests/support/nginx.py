"""nginx with ``deploy/nginx.conf``, on ports and paths of its own, before a hub started as its unit starts it."""

import configparser
import json
import os
import re
import shlex
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import Message
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.support.apache import free_port

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
NAME, CERTIFICATES = "cles.example.org", "certificats.cles.example.org"
START_SECONDS = 60
ANSWER_SECONDS = 15
STOP_SECONDS = 10
# What Debian's own configuration puts around the file: the old versions of TLS and compression are on.
AROUND = """daemon off;
worker_processes 2;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 768; }}
http {{
    default_type application/octet-stream;
    ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;
    ssl_prefer_server_ciphers on;
    gzip on;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


# Certificates ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Holder:
    """A certificate with its key, and the files in which a TLS client looks for them."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    chain: Path
    secret: Path

    @property
    def files(self) -> tuple[str, str]:
        return str(self.chain), str(self.secret)

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()


@dataclass(frozen=True, slots=True)
class Mint:
    """Makes certificates in a folder of the tests."""

    folder: Path

    def make(
        self,
        name: str,
        *,
        by: Holder | None = None,
        key: ec.EllipticCurvePrivateKey | None = None,
        names: Iterable[str] = (),
        authority: bool = False,
        days: tuple[int, int] = (-1, 30),
        purpose: x509.ObjectIdentifier = ExtendedKeyUsageOID.CLIENT_AUTH,
        chain: Iterable[Holder] = (),
    ) -> Holder:
        """``days``: from when to when, counted from today.  ``chain``: what is sent along with it."""
        key, now = key or ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Coopérative"),
                x509.NameAttribute(NameOID.COMMON_NAME, name),
            ]
        )
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(by.certificate.subject if by else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + timedelta(days=days[0]))
            .not_valid_after(now + timedelta(days=days[1]))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if not authority:
            builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        if names := list(names):
            builder = builder.add_extension(
                x509.SubjectAlternativeName([x509.DNSName(each) for each in names]), critical=False
            )
        certificate = builder.sign(by.key if by else key, SHA256())
        stem = f"{name}-{certificate.serial_number:x}"
        sent, secret = self.folder / f"{stem}.pem", self.folder / f"{stem}.key"
        sent.write_bytes(b"".join(each.public_bytes(Encoding.PEM) for each in (certificate, *_bare(chain))))
        secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return Holder(certificate, key, sent, secret)


def _bare(holders: Iterable[Holder]) -> list[x509.Certificate]:
    return [each.certificate for each in holders]


# Processes ---------------------------------------------------------------------------------------------------


@contextmanager
def _running(
    command: list[str], log: Path, ready: Callable[[], bool], environment: Mapping[str, str] | None = None
) -> "Iterator[subprocess.Popen[bytes]]":
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command[0]} did not start:\n{log.read_text()[-4000:]}")
            time.sleep(0.05)
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def unit(name: str, key: str) -> str:
    """One setting of a unit's service."""
    reader = configparser.ConfigParser(strict=False, interpolation=None)
    reader.optionxform = str  # type: ignore[assignment,method-assign]
    reader.read(DEPLOY / name, encoding="utf-8")
    return reader["Service"][key]


def settings() -> dict[str, str]:
    """The variables of ``deploy/hub.env``, those that are commented out as well."""
    lines = (DEPLOY / "hub.env").read_text(encoding="utf-8").splitlines()
    found = (re.fullmatch(r"(?:# ?)?([A-Z_]+)=(.*)", line) for line in lines)
    return {match[1]: "".join(shlex.split(match[2])) if match[2][:1] in "\"'" else match[2] for match in found if match}


@contextmanager
def hub(environment: Mapping[str, str], folder: Path) -> Iterator[int]:
    """The hub as the unit starts it; yields its port."""
    port = free_port()
    told = shlex.split(unit("trousseau-hub.service", "ExecStart"))
    told[told.index("--port") + 1] = str(port)
    command = [sys.executable, "-m", Path(told[0]).name, *told[1:]]

    def answers() -> bool:
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/healthz", headers={"Host": NAME})
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    with _running(command, folder / "hub.log", answers, environment):
        yield port


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Message
    text: str

    def json(self) -> Any:
        return json.loads(self.text)


@dataclass(frozen=True, slots=True)
class Front:
    """Where the proxy listens, and whom its clients take for the one who may vouch for it."""

    plain: int
    secure: int
    folder: Path
    root: Path

    def tls(self, holder: Holder | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.root))
        if holder:
            context.load_cert_chain(*holder.files)
        return context

    def ask(
        self,
        method: str,
        path: str,
        *,
        name: str = NAME,
        holder: Holder | None = None,
        form: Mapping[str, str] | None = None,
        headers: Iterable[tuple[str, str]] = (),
        source: str = "127.0.0.1",
    ) -> Answer:
        """Over TLS, with a certificate if there is a holder.  ``source`` is the client's own address."""
        connection = _ToFront(name, context=self.tls(holder), timeout=ANSWER_SECONDS, source_address=(source, 0))
        connection.at = self.secure
        return ask(connection, method, path, form=form, headers=headers)

    def ask_plainly(self, path: str, headers: Iterable[tuple[str, str]] = ()) -> Answer:
        connection = HTTPConnection("127.0.0.1", self.plain, timeout=ANSWER_SECONDS)
        return ask(connection, "GET", path, headers=headers)


class _ToFront(HTTPSConnection):
    """Calls the deployment's name at the port of this run, as with a name server of its own."""

    at: int
    context: ssl.SSLContext

    def __init__(self, name: str, *, context: ssl.SSLContext, timeout: float, source_address: tuple[str, int]) -> None:
        super().__init__(name, context=context, timeout=timeout, source_address=source_address)
        self.context = context

    def connect(self) -> None:
        bare = socket.create_connection(("127.0.0.1", self.at), ANSWER_SECONDS, self.source_address)  # type: ignore[attr-defined]
        self.sock = self.context.wrap_socket(bare, server_hostname=self.host)


def ask(
    connection: HTTPConnection,
    method: str,
    path: str,
    *,
    form: Mapping[str, str] | None = None,
    headers: Iterable[tuple[str, str]] = (),
) -> Answer:
    """One request, its headers as they are given: also twice, also another Host."""
    sent = list(headers)
    body = urlencode(form).encode() if form is not None else b""
    if form is not None:
        sent += [("Content-Type", "application/x-www-form-urlencoded"), ("Content-Length", str(len(body)))]
    try:
        given = {name for name, _ in sent}
        connection.putrequest(method, path, skip_host="Host" in given, skip_accept_encoding=True)
        for each in sent:
            connection.putheader(*each)
        connection.endheaders(body)
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read().decode(errors="replace"))
    finally:
        connection.close()


def _site(folder: Path, plain: int, secure: int, hub_port: int, server: Holder, authorities: Path) -> str:
    """``deploy/nginx.conf`` with other ports and paths, and nothing else: raises if a word is not there to replace."""
    text = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    for old, new in (
        (r" *listen \[::\]:[^\n]*\n", ""),
        (r"listen 80;", f"listen 127.0.0.1:{plain};"),
        (r"listen 443 ", f"listen 127.0.0.1:{secure} "),
        (r"server 127\.0\.0\.1:8000;", f"server 127.0.0.1:{hub_port};"),
        (r"/etc/letsencrypt/live/cles\.example\.org/fullchain\.pem", str(server.chain)),
        (r"/etc/letsencrypt/live/cles\.example\.org/privkey\.pem", str(server.secret)),
        (r"/etc/trousseau/tools-ca\.pem", str(authorities)),
        (r"/var/log/nginx/", f"{folder}/"),
    ):
        text, count = re.subn(old, new.replace("\\", r"\\"), text)
        if not count:
            raise ValueError(f"deploy/nginx.conf has no {old}")
    return text


@contextmanager
def nginx(hub_port: int, server: Holder, root: Path, authorities: Path) -> Iterator[Front]:
    """``server`` is the site's certificate, vouched for by ``root``; ``authorities`` are those of the tools."""
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    folder = Path(tempfile.mkdtemp(prefix="trousseau-nginx-"))
    # Started as root, nginx's workers run as another user, who must reach the folders for bodies and answers.
    folder.chmod(0o755)
    try:
        front = Front(free_port(), free_port(), folder, root)
        (folder / "site.conf").write_text(
            _site(folder, front.plain, front.secure, hub_port, server, authorities), encoding="utf-8"
        )
        identity = "user www-data;\n" if os.geteuid() == 0 else ""
        configuration = folder / "nginx.conf"
        configuration.write_text(identity + AROUND.format(folder=folder), encoding="utf-8")
        command = [program, "-p", str(folder), "-e", f"{folder}/error.log", "-c", str(configuration)]
        with _running(command, folder / "stdout", lambda: _listens(front.plain) and _listens(front.secure)):
            yield front
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# Data --------------------------------------------------------------------------------------------------------


def main() -> None:
    import django

    django.setup()
    from django.conf import settings as hub_settings
    from django.core.management import call_command
    from django.utils import timezone

    from audit.types import SYSTEM
    from idp.services.tools import register_tool
    from tests.support.cast import make_member
    from tests.support.oidc import sign_in

    for command in ("migrate", "createcachetable", "ensure_keys", "collectstatic"):
        call_command(
            command, verbosity=0, **({"interactive": False} if command in ("migrate", "collectstatic") else {})
        )
    clients = {}
    for slug, order in json.load(sys.stdin).items():
        made = register_tool(slug=slug, name=slug.capitalize(), actor=SYSTEM, now=timezone.now(), **order)
        clients[slug] = {"client_id": made.tool.client_id, "client_secret": made.client_secret}
    browser = sign_in(make_member("odile", "Odile Fabre"))
    cookie = f"{hub_settings.SESSION_COOKIE_NAME}={browser.cookies[hub_settings.SESSION_COOKIE_NAME].value}"
    print(json.dumps({"tools": clients, "cookie": cookie}))


if __name__ == "__main__":
    main()
