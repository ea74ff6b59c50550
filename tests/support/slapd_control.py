"""What an operator, an attacker or a bad day does to a running slapd.

Changes of its configuration go by ``ldapmodify`` to cn=config, as its administrator; they hold until they are taken
back here or the folder is thrown away.
"""

import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from unittest.mock import patch
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from demo.slapd import EmbeddedDirectory, run

DATABASE = "olcDatabase={1}mdb,cn=config"
HOUR = timedelta(hours=1)


# The process -------------------------------------------------------------------------------------------------


def kill(server: EmbeddedDirectory) -> None:
    """As a machine that loses its power; ``start(server.port)`` brings it back."""
    pid = server.pid
    assert pid
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while server.pid and time.monotonic() < deadline:
        time.sleep(0.002)


def restart(server: EmbeddedDirectory) -> None:
    """On the port it had; ``ldaps`` gets another one."""
    server.stop()
    server.start(server.port, ldaps=bool(server.tls_port))


# Its configuration ---------------------------------------------------------------------------------------------


def change_database(server: EmbeddedDirectory, *changes: str) -> None:
    server.modify(f"dn: {DATABASE}\nchangetype: modify\n" + "\n-\n".join(changes) + "\n")


def limit(server: EmbeddedDirectory, limits: str) -> None:
    """The reader's limits, in the words of slapd.conf(5)."""
    change_database(server, f'replace: olcLimits\nolcLimits: dn.exact="{server.reader_dn}" {limits}')


def unlimit(server: EmbeddedDirectory) -> None:
    limit(server, "size=unlimited time=unlimited")


@contextmanager
def hidden(server: EmbeddedDirectory, what: str) -> Iterator[None]:
    """The reader no longer sees this: ``dn.subtree="ou=…"``, ``attrs=mail``.  The server says nothing of it."""
    change_database(
        server, f'add: olcAccess\nolcAccess: {{0}}to {what} by dn.exact="{server.reader_dn}" none by * break'
    )
    try:
        yield
    finally:
        change_database(server, "delete: olcAccess\nolcAccess: {0}")


def read_only(server: EmbeddedDirectory, *, on: bool) -> None:
    change_database(server, f"replace: olcReadOnly\nolcReadOnly: {str(on).upper()}")


def without_syncprov(server: EmbeddedDirectory) -> None:
    """The suffix keeps the ``contextCSN`` it had, and says no longer when something changes."""
    server.modify(f"dn: olcOverlay={{0}}syncprov,{DATABASE}\nchangetype: delete\n")


def session_log(server: EmbeddedDirectory, size: int) -> None:
    """Of how many deletions the server can say that they were; none of any before."""
    what = f"replace: olcSpSessionlog\nolcSpSessionlog: {size}" if size else "delete: olcSpSessionlog"
    server.modify(f"dn: olcOverlay={{0}}syncprov,{DATABASE}\nchangetype: modify\n{what}\n")


def without_refint(server: EmbeddedDirectory) -> None:
    """Groups go on naming whoever is gone or renamed."""
    server.modify(f"dn: olcOverlay={{2}}refint,{DATABASE}\nchangetype: delete\n")


@contextmanager
def failing_at(server: EmbeddedDirectory, dn: str, code: int) -> Iterator[None]:
    """A search that comes to this entry has given what lies before it, and ends there with this result code."""
    overlay = f"olcOverlay={{4}}retcode,{DATABASE}"
    server.modify("dn: cn=module{0},cn=config\nchangetype: modify\nadd: olcModuleLoad\nolcModuleLoad: retcode\n")
    server.modify(
        f"dn: {overlay}\nchangetype: add\nobjectClass: olcOverlayConfig\nobjectClass: olcRetcodeConfig\n"
        f"olcOverlay: retcode\nolcRetcodeParent: cn=retcode,{server.base}\nolcRetcodeInDir: TRUE\n"
    )
    server.modify(
        f"dn: {dn}\nchangetype: modify\nadd: objectClass\nobjectClass: errAuxObject\n-\nadd: errCode\nerrCode: {code}\n"
    )
    try:
        yield
    finally:
        server.modify(f"dn: {overlay}\nchangetype: delete\n")


# Its content -------------------------------------------------------------------------------------------------


def change_password(server: EmbeddedDirectory, dn: str, password: str) -> None:
    """For good: without the mark by which its holder would have to choose yet another."""
    server.modify(f"dn: {dn}\nchangetype: modify\nreplace: userPassword\nuserPassword: {password}\n")
    server.modify(f"dn: {dn}\nchangetype: modify\nreplace: pwdReset\n")


def backup(server: EmbeddedDirectory) -> Path:
    """A copy of the content as it is now."""
    server.stop()
    kept = server.folder.with_name(f"{server.folder.name}-{uuid4().hex[:8]}")
    _copy(server.folder / "db", kept)
    server.start(server.port, ldaps=bool(server.tls_port))
    return kept


def restore(server: EmbeddedDirectory, kept: Path) -> None:
    """The content of then, on a server that knows nothing of what has been since."""
    server.stop()
    shutil.rmtree(server.folder / "db")
    _copy(kept, server.folder / "db")
    server.start(server.port, ldaps=bool(server.tls_port))


def rewrite(server: EmbeddedDirectory, edit: Callable[[str], str]) -> None:
    """Its whole content as LDIF, marks and identities included, edited and loaded again.

    For what a server writes by itself and lets nobody else write: that its clock was wrong, above all.
    """
    server.stop()
    content = run(["slapcat", "-n", "1", "-F", "slapd.d", "-o", "ldif-wrap=no"], server.folder).decode()
    shutil.rmtree(server.folder / "db")
    (server.folder / "db").mkdir(mode=0o700)
    run(["slapadd", "-n", "1", "-F", "slapd.d", "-q"], server.folder, edit(content).encode())
    server.start(server.port, ldaps=bool(server.tls_port))


def _copy(folder: Path, to: Path) -> None:
    # Sparse: the database file has the size of its limit right after loading.
    subprocess.run(["cp", "-a", "--sparse=always", str(folder), str(to)], check=True)


class OtherDirectory(EmbeddedDirectory):
    """The same names and people, every one of them another entry: the directory that was loaded anew."""

    def _write_content(self, folder: Path) -> None:
        super()._write_content(folder)
        entries = (folder / "alizarine.ldif").read_text("utf-8")
        entries = re.sub(r"^entryUUID: .*$", lambda _: f"entryUUID: {uuid4()}", entries, flags=re.MULTILINE)
        (folder / "alizarine.ldif").write_text(entries, "utf-8")


class LaterDirectory(EmbeddedDirectory):
    """The second snapshot, loaded as a first one: as the directory is when its five weeks of changes are through."""

    def _write_content(self, folder: Path) -> None:
        super()._write_content(folder)
        (folder / "alizarine-later.ldif").replace(folder / "alizarine.ldif")


class ShuffledDirectory(EmbeddedDirectory):
    """One snapshot, each entry with the identity it has, in another order: of entries, and of the values of each.

    The branches keep their place before what hangs on them.
    """

    def __init__(self, folder: Path, seed: int, snapshot: str) -> None:
        super().__init__(folder, quirks=True, members=60, durable=False)
        self.seed, self.snapshot = seed, snapshot

    def _write_content(self, folder: Path) -> None:
        super()._write_content(folder)
        random_order = random.Random(self.seed)  # noqa: S311 an order, no secret
        branches: list[str] = []
        leaves: list[str] = []
        for entry in (folder / self.snapshot).read_text("utf-8").strip().split("\n\n"):
            is_leaf = re.search(r"^objectClass: (inetOrgPerson|groupOfNames)$", entry, re.MULTILINE)
            if is_leaf:
                leaves.append(_shuffled_values(entry, random_order))
            else:
                branches.append(entry)
        random_order.shuffle(leaves)
        (folder / "alizarine.ldif").write_text("\n\n".join([*branches, *leaves]) + "\n", "utf-8")


def _shuffled_values(entry: str, random_order: random.Random) -> str:
    """Values of one attribute stay together: slapd takes them for two attributes otherwise."""
    name, *lines = re.split(r"\n(?! )", entry)
    attributes: dict[str, list[str]] = {}
    for line in lines:
        attributes.setdefault(line.partition(":")[0], []).append(line)
    parts = list(attributes.values())
    for values in (parts, *parts):
        random_order.shuffle(values)
    return "\n".join([name, *(line for values in parts for line in values)])


# Its certificate -----------------------------------------------------------------------------------------------


def give_certificate(server: EmbeddedDirectory, what: str) -> None:
    """One that is ``right``, or wrong in one way: ``other authority``, ``expired``, ``not yet``, ``other name``.

    But for the first of these, the authority in ``ca_file`` is the one that signed it.
    """
    now = datetime.now(UTC)
    folder = server.folder / "tls"
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Alizarine demonstration authority")])
    begins, ends = {"expired": (-3 * HOUR, -HOUR), "not yet": (HOUR, 3 * HOUR)}.get(what, (-HOUR, HOUR))
    address = IPv4Address("192.0.2.1" if what == "other name" else "127.0.0.1")

    def signed(subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, is_authority: bool) -> bytes:
        builder = x509.CertificateBuilder(name, subject, key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - HOUR if is_authority else now + begins)
        builder = builder.not_valid_after(now + 10 * HOUR if is_authority else now + ends)
        builder = builder.add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        if not is_authority:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.IPAddress(address)]), critical=False)
        return builder.sign(keys[0], hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    if what != "other authority":
        (folder / "ca.pem").write_bytes(signed(name, keys[0], is_authority=True))
    own = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    (folder / "server.pem").write_bytes(signed(own, keys[1], is_authority=False))
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / "server.key").write_bytes(keys[1].private_bytes(pem, pkcs8, serialization.NoEncryption()))
    # Left to itself it would have a good one again.
    with patch("demo.slapd.RENEW_BEFORE", -100 * HOUR):
        restart(server)
