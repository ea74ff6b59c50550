"""A private Apache with mod_auth_openidc: its own configuration, one loopback port for each site, stopped by its id."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

MODULES = Path("/usr/lib/apache2/modules")
LOADED = ("mpm_event", "authn_core", "authz_core", "authz_user", "dir", "env", "include", "mime", "auth_openidc")
START_SECONDS = 15
STOP_SECONDS = 10
PAGE = """<p id="who"><!--#echo var="REMOTE_USER" --></p>
<p id="email"><!--#echo var="OIDC_CLAIM_email" --></p>
"""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


def _site(folder: Path, port: int, directives: Mapping[str, str]) -> str:
    lines = "\n".join(f"  {name} {value}" for name, value in directives.items())
    return f"""
Listen 127.0.0.1:{port}
<VirtualHost 127.0.0.1:{port}>
  ServerName http://localhost:{port}
  DocumentRoot {folder}/www
  OIDCRedirectURI http://localhost:{port}/members/callback
  OIDCCryptoPassphrase a-passphrase-of-the-tests-{port}
  OIDCCookie apache_{port}
{lines}
  <Location /members>
    AuthType openid-connect
    Require valid-user
    Options +Includes
    SetOutputFilter INCLUDES
    DirectoryIndex index.html
  </Location>
</VirtualHost>
"""


def _prepare(folder: Path, sites: Mapping[int, Mapping[str, str]]) -> Path:
    (folder / "www" / "members").mkdir(parents=True)
    (folder / "www" / "members" / "index.html").write_text(PAGE)
    (folder / "www" / "bye.html").write_text("<p>bye</p>")
    # Started as root, Apache's workers run as the web server's user, who must reach the pages.
    identity = "User www-data\nGroup www-data\n" if os.geteuid() == 0 else ""
    modules = "".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so\n" for name in LOADED)
    configuration = folder / "apache.conf"
    configuration.write_text(
        f"""ServerRoot {folder}
{modules}{identity}PidFile {folder}/apache.pid
DefaultRuntimeDir {folder}
Mutex posixsem
ErrorLog {folder}/error.log
LogLevel warn auth_openidc:info
TypesConfig /dev/null
AddType text/html .html
ServerName localhost
StartServers 1
ServerLimit 1
ThreadsPerChild 16
MaxRequestWorkers 16
MinSpareThreads 1
MaxSpareThreads 16
{"".join(_site(folder, port, directives) for port, directives in sites.items())}"""
    )
    configuration.chmod(0o600)
    return configuration


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def apache(sites: Mapping[int, Mapping[str, str]]) -> Iterator[Path]:
    """Serve these sites (mod_auth_openidc's directives by port) and yield the path of the error log."""
    program = shutil.which("apache2") or "/usr/sbin/apache2"
    folder = Path(tempfile.mkdtemp(prefix="trousseau-apache-"))
    folder.chmod(0o755)
    log = folder / "error.log"
    process = None
    try:
        configuration = _prepare(folder, sites)
        with (folder / "stderr").open("wb") as output:
            process = subprocess.Popen(
                [program, "-f", str(configuration), "-DFOREGROUND"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=output,
                process_group=0,
            )
        deadline = time.monotonic() + START_SECONDS
        while not all(_listens(port) for port in sites):
            if process.poll() is not None or time.monotonic() > deadline:
                told = (folder / "stderr").read_text() + (log.read_text() if log.exists() else "")
                raise RuntimeError(f"Apache did not start:\n{told}")
            time.sleep(0.05)
        yield log
    finally:
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(folder, ignore_errors=True)
