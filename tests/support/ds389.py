"""Debian's 389 Directory Server as a child process, with the demonstration's people and groups in it.

Made from the package's own templates and without its installer, so that nothing of it asks for systemd, a fixed
place or a second port.  It writes inside its folder, and one semaphore's file in ``/dev/shm``.
"""

import base64
import contextlib
import hashlib
import json
import os
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from demo.alizarine import make_ldif
from demo.slapd import HOST, EmbeddedDirectory, accepts, free_port, program, run, write_private

TEMPLATES = Path("/usr/share/dirsrv/data")
OWN_SCHEMA = "dn: cn=schema\nobjectClass: top\nobjectClass: ldapSubentry\nobjectClass: subschema\ncn: schema\n"
START_SECONDS = 30.0
STOP_SECONDS = 30.0
NICKNAME = "Server-Cert"

DATABASE = """
dn: cn=userRoot,cn=ldbm database,cn=plugins,cn=config
objectClass: top
objectClass: extensibleObject
objectClass: nsBackendInstance
cn: userRoot
nsslapd-suffix: {base}
nsslapd-directory: {folder}/db/userRoot

dn: cn={escaped},cn=mapping tree,cn=config
objectClass: top
objectClass: extensibleObject
objectClass: nsMappingTree
cn: {base}
nsslapd-state: backend
nsslapd-backend: userRoot
"""
# What an administrator of 389 DS gives to an account that reads everything: the limits of a search are four.
READER = """nsSizeLimit: -1
nsLookThroughLimit: -1
nsPagedSizeLimit: -1
nsPagedLookThroughLimit: -1
"""
SLAPDS_OWN = re.compile(
    r"^((entryUUID|entryCSN|(creator|modifier)sName|(create|modify)Timestamp|cae\w+):.*|objectClass: caePerson)\n", re.M
)
OPERATIONAL = "nsUniqueId || entryUSN || modifyTimestamp || createTimestamp || nsAccountLock || entryUUID"
WRITABLE = (
    "mobile || telephoneNumber || postalAddress || postalCode || l || description || labeledURI || jpegPhoto"
    " || displayName || preferredLanguage"
)


class Ds389(EmbeddedDirectory):
    """A 389 Directory Server of one's own, used like the demonstration's slapd; its administrator sees everything."""

    admin_dn = "cn=Directory Manager"

    @property
    def log_file(self) -> Path:
        return self.folder / "logs" / "errors"

    @property
    def access_log(self) -> Path:
        """Every operation, as the server saw it."""
        return self.folder / "logs" / "access"

    @property
    def semaphore(self) -> Path:
        """The one file outside the folder, named after it."""
        return Path(f"/dev/shm/sem.{self.folder.name}.stats")  # noqa: S108 the server's own place

    # Preparing ----------------------------------------------------------------------------------------------

    def _load(self, making: Path, facts: Mapping[str, object]) -> None:
        program("ns-slapd", "389-ds-base")
        for part in ("schema", "lock", "tmp", "bak", "run", "logs", "db/userRoot"):
            (making / part).mkdir(parents=True, exist_ok=True, mode=0o700)
        # What the package keeps in /etc only root and the service may read; nothing of it is needed.
        (making / "schema" / "99user.ldif").write_text(OWN_SCHEMA)
        (making / "certmap.conf").write_text("certmap default default\n")
        (making / "slapd-collations.conf").write_text("")
        _keep_keys(making)
        arguments = ["--out", str(making / "ldif"), "--members", str(self.members)]
        with contextlib.redirect_stdout(None):
            make_ldif.main([*arguments, "--quirks"] if self.quirks else arguments)
        people = making / "ldif" / "alizarine.ldif"
        people.write_text(self._adapted(people.read_text("utf-8"), making), "utf-8")
        changes = making / "ldif" / "alizarine-changes.ldif"
        changes.write_text(_without_slapds_own(changes.read_text("utf-8")), "utf-8")
        config = self._configuration(making, str(facts["admin_password"]))
        write_private(making / "dse.ldif", config.encode())
        command = ["ns-slapd", "ldif2db", "-D", str(making), "-n", "userRoot", "-i", str(people)]
        run(command, making)

    def _configuration(self, folder: Path, password: str) -> str:
        values = {
            "schema_dir": f"{folder}/schema",
            "lock_dir": f"{folder}/lock",
            "tmp_dir": f"{folder}/tmp",  # noqa: S108 inside the folder
            "cert_dir": str(folder),
            "ldif_dir": f"{folder}/ldif",
            "bak_dir": f"{folder}/bak",
            "run_dir": f"{folder}/run",
            "inst_dir": str(folder),
            "config_dir": str(folder),
            "log_dir": f"{folder}/logs",
            "db_dir": f"{folder}/db",
            "db_home_dir": f"{folder}/db",
            "db_lib": "bdb",
            "fqdn": "localhost",
            "ds_port": "389",
            "ds_user": _user(),
            "ds_suffix": self.base,
            "rootdn": self.admin_dn,
            "ds_passwd": _hashed(password),
        }
        config = (TEMPLATES / "template-dse.ldif").read_text("utf-8")
        # No socket: its path may not be longer than a hundred characters.
        config = re.sub(r"^nsslapd-ldapi.*\n", "", config, flags=re.M)
        config = re.sub(r"%(\w+)%", lambda found: values[found[1]], config).strip() + "\n"
        escaped = self.base.replace("=", "\\3D").replace(",", "\\2C")
        config += DATABASE.format(base=self.base, folder=folder, escaped=escaped)
        config = _with(
            config,
            "cn=config",
            "nsslapd-rootpwstoragescheme: SSHA512",
            f"nsslapd-listenhost: {HOST}",
            f"nsslapd-securelistenhost: {HOST}",
            "nsslapd-security: on",
            "nsslapd-securePort: 636",
            "nsslapd-threadnumber: 4",
            "nsslapd-allow-anonymous-access: rootdse",
            "nsslapd-accesslog-logbuffering: off",
        )
        # Sized from the machine's memory otherwise.
        config = _with(
            config,
            "cn=config,cn=ldbm database,cn=plugins,cn=config",
            "nsslapd-cache-autosize: 0",
            "nsslapd-dbcachesize: 1000000",
            "nsslapd-import-cache-autosize: 0",
            "nsslapd-import-cachesize: 20000000",
        )
        for plugin in ("USN", "referential integrity postoperation"):
            config = re.sub(
                rf"(dn: cn={plugin},cn=plugins,cn=config\n(?:.+\n)*?nsslapd-pluginenabled: )off",
                r"\1on",
                config,
                flags=re.I,
            )
        return config

    def _adapted(self, ldif: str, folder: Path) -> str:
        """The same people without what is slapd's own, the reader's limits, everybody's rights.

        And passwords that this server can check: it knows no Argon2.
        """
        ldif = _without_slapds_own(ldif)
        for dn, lines in ((self.base, self._rights()), (self.reader_dn, READER)):
            ldif = ldif.replace(f"dn: {dn}\n", f"dn: {dn}\n{lines}", 1)
        known = {person["dn"]: person["password"] for person in _manifest(folder)["demo_people"]}
        for dn, password in known.items():
            entry = re.compile(rf"(^dn: {re.escape(dn)}\n(?:.+\n)*?userPassword): .+$", re.M)
            ldif = entry.sub(rf"\1: {_hashed(password)}", ldif)
        return ldif

    def _rights(self) -> str:
        def rule(name: str, target: str, rights: str, who: str) -> str:
            return f'aci: (targetattr {target})(version 3.0; acl "{name}"; allow ({rights}) userdn="ldap:///{who}";)\n'

        return (
            rule("reader", '!= "userPassword || aci"', "read, search, compare", self.reader_dn)
            + rule("reader-operational", f'= "{OPERATIONAL}"', "read, search, compare", self.reader_dn)
            + rule("writer", f'= "{WRITABLE} || userPassword"', "write", self.writer_dn)
            + rule("writer-reads", '!= "userPassword || aci"', "read, search, compare", self.writer_dn)
            + rule("self", '= "userPassword"', "write", "self")
        )

    # Running ------------------------------------------------------------------------------------------------

    def _launch(self) -> bool:
        self._settle_in()
        command = [program("ns-slapd"), "-D", str(self.folder), "-i", str(self.folder / "slapd.pid"), "-d", "0"]
        if guard := shutil.which("setpriv"):
            command = [guard, "--pdeathsig", "KILL", *command]
        (self.folder / "slapd.pid").unlink(missing_ok=True)
        with (self.folder / "slapd.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, process_group=0
            )
        deadline = monotonic() + START_SECONDS
        while monotonic() < deadline:
            if self._process.poll() is not None:
                return False
            if self._written_pid() == self._process.pid and accepts(self.port):
                return True
            sleep(0.02)
        self.stop()
        return False

    def _settle_in(self) -> None:
        """The server wants absolute paths: where it was and on which ports is written over."""
        config = (self.folder / "dse.ldif").read_text("utf-8").replace("\n ", "")
        before = re.search(r"^nsslapd-certdir: (.+)$", config, re.M)
        if before:
            config = re.sub(rf"{re.escape(before[1])}(?=/|$)", str(self.folder), config, flags=re.M)
        for name, port in (("port", self.port), ("securePort", self.tls_port or free_port())):
            config = re.sub(rf"^nsslapd-{name}: .*$", f"nsslapd-{name}: {port}", config, flags=re.M | re.I)
        (self.folder / "dse.ldif").write_text(config, "utf-8")

    def stop(self, *, gently: bool = False) -> None:
        """End this child.  It takes four seconds to say goodbye: where nothing is kept it is not asked to."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGCONT)
            if gently or self.durable:
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(STOP_SECONDS)
            process.kill()
            process.wait()
        self.semaphore.unlink(missing_ok=True)

    def copy_to(self, folder: Path) -> "Ds389":
        """As of slapd's; two that run at the same time need folders of different names."""
        copied = super().copy_to(folder)
        return Ds389(copied.folder, quirks=self.quirks, members=self.members, durable=self.durable)


def _keep_keys(folder: Path) -> None:
    """The server reads keys from NSS's database only."""
    tls = folder / "tls"
    key = serialization.load_pem_private_key((tls / "server.key").read_bytes(), None)
    certificate = x509.load_pem_x509_certificate((tls / "server.pem").read_bytes())
    secret = secrets.token_urlsafe(12)
    parcel = pkcs12.serialize_key_and_certificates(
        NICKNAME.encode(), key, certificate, None, serialization.BestAvailableEncryption(secret.encode())
    )
    write_private(tls / "server.p12", parcel)
    write_private(tls / "secret", secret.encode())
    run(["certutil", "-N", "-d", ".", "--empty-password"], folder)
    run(["pk12util", "-i", "tls/server.p12", "-d", ".", "-w", "tls/secret", "-K", ""], folder)
    run(["certutil", "-A", "-d", ".", "-n", "CA", "-t", "CT,,", "-a", "-i", "tls/ca.pem"], folder)
    (tls / "server.p12").unlink()
    (tls / "secret").unlink()


def _without_slapds_own(ldif: str) -> str:
    ldif = ldif.replace("\n ", "").replace("pwdAccountLockedTime: 000001010000Z", "nsAccountLock: true")
    return SLAPDS_OWN.sub("", ldif.replace("pwdAccountLockedTime", "nsAccountLock"))


def _with(config: str, dn: str, *lines: str) -> str:
    added = "".join(f"{line}\n" for line in lines)
    return config.replace(f"dn: {dn}\n", f"dn: {dn}\n{added}", 1)


def _hashed(password: str) -> str:
    salt = secrets.token_bytes(8)
    digest = hashlib.sha512(password.encode() + salt).digest()
    return "{SSHA512}" + base64.b64encode(digest + salt).decode()


def _user() -> str:
    return pwd.getpwuid(os.getuid()).pw_name


def _manifest(folder: Path) -> Any:
    return json.loads((folder / "ldif" / "alizarine.json").read_text("utf-8"))


@pytest.fixture(scope="session")
def ds389_template() -> Iterator[Ds389]:
    """A 389 Directory Server with the demonstration's people and every nasty case, loaded and never started."""
    with tempfile.TemporaryDirectory(prefix="trousseau-ds389-") as folder:
        template = Ds389(Path(folder) / "t", quirks=True, durable=False)
        template.prepare()
        yield template


@pytest.fixture(scope="session")
def ds389_server(ds389_template: Ds389) -> Iterator[Ds389]:
    """A running one, shared by tests that only read it or bind to it."""
    folder = ds389_template.folder
    server = ds389_template.copy_to(folder.with_name(folder.parent.name + "-shared"))
    server.start(ldaps=True)
    yield server
    server.stop()


@pytest.fixture
def fresh_ds389(ds389_template: Ds389) -> Iterator[Ds389]:
    """A running one of this test's own."""
    with tempfile.TemporaryDirectory(prefix="trousseau-ds389-") as folder:
        server = ds389_template.copy_to(Path(folder) / Path(folder).name)
        server.start(ldaps=True)
        yield server
        server.stop()
