"""Debian's slapd as a child process, with a folder of its own and the demonstration directory in it.

Used by ``./trousseau demo`` and by the tests.  It has nothing to do with the system's slapd service: no file
outside its folder is read or written but Debian's schema files, and it listens on a loopback port only.

The folder may be copied or moved while slapd is stopped: every path in its configuration is relative, and
slapd runs inside it.
"""

import contextlib
import io
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from time import monotonic, sleep
from types import TracebackType
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from demo.alizarine import make_ldif

HOST = "127.0.0.1"
TEMPLATE = Path(__file__).parent / "alizarine" / "slapd-config.ldif.in"
CERTIFICATE_LIFETIME = timedelta(days=3650)
RENEW_BEFORE = timedelta(days=60)
START_SECONDS = 10.0
STOP_SECONDS = 10.0
# Memory follows the descriptor limit: 13 MB at 1,024, some 700 MB at a container's million.
DESCRIPTORS = 1024


class DirectoryNotStarted(RuntimeError):
    """slapd could not be prepared or started; the message says why, in words for the person at the terminal."""


class EmbeddedDirectory:
    """A slapd of one's own: prepared once, started as often as wanted; its data survive.

    ``durable=False`` skips the disk synchronisation of every write (throw-away folders of tests).
    ``log_operations=True`` writes each operation to ``slapd.log`` in the folder.
    ``changes=False`` leaves out the five weeks of changes, which take minutes to make up for a hundred thousand.
    """

    base = "dc=alizarine,dc=example"
    reader_dn = f"cn=hub-lecture,ou=services,{base}"
    reader_password = "alizarine-hub-lecture"  # noqa: S105 the demonstration's, written in its LDIF
    writer_dn = f"cn=hub-ecriture,ou=services,{base}"
    writer_password = "alizarine-hub-ecriture"  # noqa: S105
    admin_dn = f"cn=admin,{base}"

    def __init__(
        self,
        folder: Path,
        *,
        quirks: bool = False,
        members: int = 420,
        durable: bool = True,
        log_operations: bool = False,
        changes: bool = True,
    ) -> None:
        self.folder = folder.absolute()
        self.quirks = quirks
        self.members = members
        self.durable = durable
        self.log_operations = log_operations
        self.changes = changes
        self.port = 0
        self.tls_port = 0
        self._process: subprocess.Popen[bytes] | None = None

    # What a client needs ------------------------------------------------------------------------------------

    @property
    def uri(self) -> str:
        """``ldap://``: to be upgraded with StartTLS."""
        return f"ldap://{HOST}:{self.port}"

    @property
    def tls_uri(self) -> str:
        """``ldaps://``, when started with ``ldaps=True``."""
        return f"ldaps://{HOST}:{self.tls_port}"

    @property
    def ca_file(self) -> Path:
        return self.folder / "tls" / "ca.pem"

    @property
    def admin_password(self) -> str:
        return str(self._facts()["admin_password"])

    @property
    def log_file(self) -> Path:
        return self.folder / "slapd.log"

    @property
    def manifest(self) -> dict[str, Any]:
        """The generator's account of what is in the directory: people who can sign in, quirks, changes."""
        manifest: dict[str, Any] = json.loads((self.folder / "ldif" / "alizarine.json").read_text("utf-8"))
        return manifest

    @property
    def changes_file(self) -> Path:
        """Five weeks of changes, for ``ldapmodify``."""
        return self.folder / "ldif" / "alizarine-changes.ldif"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process and self._process.poll() is None else None

    # Preparing ----------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Make the folder; leave one that is there as it is, but for a certificate about to expire."""
        if (self.folder / "directory.json").exists():
            self._renew_certificate_if_due()
            return
        # A half-made folder is never taken for a whole one: made beside, then renamed.
        making = self.folder.with_name(self.folder.name + ".making")
        shutil.rmtree(making, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        for part in ("slapd.d", "db", "tls", "ldif"):
            (making / part).mkdir(parents=True, mode=0o700)
        making.chmod(0o700)
        _make_certificate(making / "tls")
        facts = {"admin_password": secrets.token_urlsafe(24), "quirks": self.quirks, "members": self.members}
        self._load(making, facts)
        write_private(making / "directory.json", json.dumps(facts).encode())
        making.rename(self.folder)

    def _write_content(self, folder: Path) -> None:
        arguments = ["--out", str(folder), "--members", str(self.members)]
        options = [*(["--quirks"] if self.quirks else []), *([] if self.changes else ["--no-later"])]
        with contextlib.redirect_stdout(io.StringIO()):
            make_ldif.main([*arguments, *options])

    def _load(self, making: Path, facts: Mapping[str, object]) -> None:
        self._write_content(making / "ldif")
        config = TEMPLATE.read_text("utf-8")
        for mark, value in {
            "@BASE@": self.base,
            "@ROOTPW@": str(facts["admin_password"]),
            "@NOSYNC@": "FALSE" if self.durable else "TRUE",
        }.items():
            config = config.replace(mark, value)
        config = "".join(line for line in config.splitlines(keepends=True) if not line.startswith("#"))
        write_private(making / "ldif" / "config.ldif", config.encode())
        for database, options, name in (
            ("0", [], "config.ldif"),
            ("0", [], "alizarine-schema.ldif"),
            ("1", ["-q", "-w"], "alizarine.ldif"),
            ("1", [], "alizarine-ppolicy.ldif"),
        ):
            run(["slapadd", "-n", database, "-F", "slapd.d", *options, "-l", f"ldif/{name}"], making)
        (making / "ldif" / "config.ldif").unlink()

    def _renew_certificate_if_due(self) -> None:
        pem = (self.folder / "tls" / "server.pem").read_bytes()
        if x509.load_pem_x509_certificate(pem).not_valid_after_utc - datetime.now(UTC) < RENEW_BEFORE:
            _make_certificate(self.folder / "tls")

    def _facts(self) -> dict[str, object]:
        facts: dict[str, object] = json.loads((self.folder / "directory.json").read_text("utf-8"))
        return facts

    # Running ------------------------------------------------------------------------------------------------

    def start(self, port: int = 0, *, ldaps: bool = False) -> Self:
        """Start slapd as a foreground child and return once it accepts connections; 0 is any free port."""
        if self.pid:
            return self
        self.prepare()
        self._refuse_second_server()
        for _ in range(5):
            self.port = port or free_port()
            self.tls_port = free_port() if ldaps else 0
            if self._launch():
                return self
            if port:
                break
        raise DirectoryNotStarted(f"slapd does not start on port {self.port}: see {self.log_file}")

    def _launch(self) -> bool:
        urls = f"{self.uri}/" + (f" {self.tls_uri}/" if self.tls_port else "")
        level = "stats" if self.log_operations else "0"
        command = [program("slapd"), "-F", "slapd.d", "-h", urls, "-d", level]
        if guard := shutil.which("setpriv"):
            # A parent killed by -9 leaves no orphan behind that would hold the database.
            command = [guard, "--pdeathsig", "TERM", *command]
        limited = ["/bin/sh", "-c", f'ulimit -n {DESCRIPTORS}; exec "$@"', "slapd", *command]
        (self.folder / "slapd.pid").unlink(missing_ok=True)
        with self.log_file.open("ab") as log:
            # A process group of its own: Ctrl-C reaches the parent, which stops its children in order.
            self._process = subprocess.Popen(
                limited, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, process_group=0
            )
        deadline = monotonic() + START_SECONDS
        while monotonic() < deadline:
            if self._process.poll() is not None:
                return False
            # Whoever answers on the port may be another program: this child says so in its file once it listens.
            if self._written_pid() == self._process.pid and accepts(self.port):
                return True
            sleep(0.005)
        self.stop()
        return False

    def _refuse_second_server(self) -> None:
        pid = self._written_pid()
        with contextlib.suppress(OSError):
            if pid and os.readlink(f"/proc/{pid}/cwd") == str(self.folder.resolve()):
                raise DirectoryNotStarted(f"slapd already runs in {self.folder} (process {pid})")

    def _written_pid(self) -> int | None:
        try:
            return int((self.folder / "slapd.pid").read_text())
        except (OSError, ValueError):
            return None

    def stop(self) -> None:
        """End this child and wait for it; nothing else is touched."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def pause(self) -> None:
        """Freeze the server: it accepts connections and never answers."""
        if self.pid:
            os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        if self.pid:
            os.kill(self.pid, signal.SIGCONT)

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        self.pause()
        try:
            yield
        finally:
            self.resume()

    def copy_to(self, folder: Path) -> "EmbeddedDirectory":
        """Another directory with the same content; this one must be stopped."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        # Sparse: the database file has the size of its limit right after loading.
        run(["cp", "-a", "--sparse=always", str(self.folder), str(folder)], folder.parent)
        (folder / "slapd.pid").unlink(missing_ok=True)
        return EmbeddedDirectory(
            folder,
            quirks=self.quirks,
            members=self.members,
            durable=self.durable,
            log_operations=self.log_operations,
            changes=self.changes,
        )

    # Changing by hand ---------------------------------------------------------------------------------------

    def modify(self, ldif: str | bytes, *, dn: str | None = None, password: str | None = None) -> None:
        """Apply change LDIF with ``ldapmodify``, as the administrator unless told otherwise."""
        secret = self.admin_password if password is None else password
        self._client(["ldapmodify"], dn or self.admin_dn, secret, ldif.encode() if isinstance(ldif, str) else ldif)

    def search(self, *arguments: str) -> str:
        """What ``ldapsearch`` prints, unfolded, as the administrator; for tests and for looking."""
        command = ["ldapsearch", "-LLL", "-o", "ldif-wrap=no", *arguments]
        return self._client(command, self.admin_dn, self.admin_password, b"").decode()

    def _client(self, command: list[str], dn: str, password: str, text: bytes) -> bytes:
        # The password goes by a descriptor: an argument can be read by every user of the machine.
        reading, writing = os.pipe()
        os.write(writing, password.encode())
        os.close(writing)
        try:
            connection = ["-x", "-ZZ", "-H", self.uri, "-D", dn, "-y", f"/dev/fd/{reading}"]
            return run(
                [command[0], *connection, *command[1:]],
                self.folder,
                text,
                pass_fds=(reading,),
                environment={"LDAPTLS_CACERT": str(self.ca_file), "LDAPTLS_REQCERT": "demand"},
            )
        finally:
            os.close(reading)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def program(name: str, packages: str = "slapd ldap-utils") -> str:
    """slapd and slapadd live in /usr/sbin, which is not on everybody's path."""
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not found:
        raise DirectoryNotStarted(f"{name} is missing: apt-get install {packages}")
    return found


def run(
    command: list[str],
    folder: Path,
    text: bytes = b"",
    *,
    pass_fds: tuple[int, ...] = (),
    environment: Mapping[str, str] | None = None,
) -> bytes:
    done = subprocess.run(
        [program(command[0]), *command[1:]],
        cwd=folder,
        input=text,
        capture_output=True,
        pass_fds=pass_fds,
        # A parent that uses LDAP itself may carry LDAPNOINIT, which would hide the authority named below.
        env={name: value for name, value in os.environ.items() if name != "LDAPNOINIT"} | dict(environment or {}),
        check=False,
    )
    if done.returncode:
        raise DirectoryNotStarted(f"{command[0]} failed ({done.returncode}): {done.stderr.decode(errors='replace')}")
    return done.stdout


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def accepts(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=1):
            return True
    except OSError:
        return False


def write_private(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)


def _make_certificate(folder: Path) -> None:
    """An authority and a server certificate; the authority's key is forgotten at once."""
    now = datetime.now(UTC) - timedelta(hours=1)
    authority_key, server_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Alizarine demonstration authority")])

    def builder(name: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(authority_name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now)
            .not_valid_after(now + CERTIFICATE_LIFETIME)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False
            )
        )

    authority = (
        builder(authority_name, authority_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    # libldap checks a URI with `localhost` against the machine's own name: that one belongs there too.
    names: list[x509.GeneralName] = [x509.IPAddress(IPv4Address(HOST))]
    names += [x509.DNSName(name) for name in sorted({"localhost", socket.gethostname()}) if name.isascii()]
    server = (
        builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]), server_key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "ca.pem").write_bytes(authority.public_bytes(pem))
    (folder / "server.pem").write_bytes(server.public_bytes(pem))
    key = server_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    write_private(folder / "server.key", key)


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
