"""What the silent path costs: authorize, token, userinfo, one after the other, against a running demonstration.

Loopback only, one request at a time, a fixed count.  CPU time is read from /proc for the hub's processes.
"""

import argparse
import base64
import hashlib
import json
import os
import re
import secrets
import statistics
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

TICKS = os.sysconf("SC_CLK_TCK")


def hub_processes(port: int) -> list[Path]:
    """The server on this port and its workers, by their command lines and parents."""
    found: dict[str, Path] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().split(b"\0")
            parent = (folder / "stat").read_text().rsplit(")", 1)[1].split()[1]
        except OSError:
            continue
        is_server = b"hub.wsgi:application" in command and str(port).encode() in command
        if is_server or parent in found:
            found[folder.name] = folder
    return list(found.values())


def cpu_seconds(processes: list[Path]) -> float:
    ticks = 0
    for folder in processes:
        fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS


class Member:
    """A signed-in browser and the tool it visits."""

    def __init__(self, facts: dict[str, Any]) -> None:
        self.hub: str = facts["hub"]
        self.tool = facts["spare_tools"][0]
        self.http = requests.Session()
        self.times: dict[str, list[float]] = {"authorize": [], "token": [], "userinfo": []}
        account = facts["accounts"][0]
        page = self.http.get(f"{self.hub}/compte/connexion/", timeout=10)
        form = {"csrfmiddlewaretoken": hidden(page.text), "login": account["username"], "password": account["password"]}
        self.http.post(page.url, data=form, timeout=10).raise_for_status()

    def enter(self) -> None:
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        redirect_uri = self.tool["redirect_uris"][0]
        query = {
            "response_type": "code",
            "client_id": self.tool["client_id"],
            "redirect_uri": redirect_uri,
            "scope": "openid profile email",
            "state": secrets.token_urlsafe(16),
            "nonce": secrets.token_urlsafe(16),
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        answer = self.timed("authorize", "GET", "/oidc/authorize", params=query, allow_redirects=False)
        if answer.status_code == 200:
            answer = self.accept(answer.text)
        code = parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        credentials = (self.tool["client_id"], self.tool["client_secret"])
        tokens = self.timed("token", "POST", "/oidc/token", data=form, auth=credentials).json()
        self.timed("userinfo", "GET", "/oidc/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"})

    def accept(self, page: str) -> requests.Response:
        """The notice of the first visit."""
        form = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
        form = {name: value.replace("&amp;", "&") for name, value in form.items()} | {"answer": "accept"}
        return self.http.post(f"{self.hub}/oidc/consent", data=form, allow_redirects=False, timeout=10)

    def timed(self, step: str, method: str, path: str, **how: Any) -> requests.Response:
        started = time.perf_counter()
        answer = self.http.request(method, self.hub + path, timeout=10, **how)
        self.times[step].append(time.perf_counter() - started)
        answer.raise_for_status()
        return answer


def hidden(page: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    return found[1] if found else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, required=True, help="the file that ./trousseau demo --json wrote")
    parser.add_argument("--sign-ins", type=int, default=50)
    arguments = parser.parse_args()
    facts = json.loads(arguments.json.read_text())
    if urlsplit(facts["hub"]).hostname != "localhost":
        parser.error("this measures a demonstration on this machine only")
    member = Member(facts)
    for _ in range(5):
        member.enter()  # caches, connections, the notice
    for times in member.times.values():
        times.clear()
    processes = hub_processes(urlsplit(facts["hub"]).port or 80)
    count = max(2, min(arguments.sign_ins, 1000))
    before = cpu_seconds(processes)
    for _ in range(count):
        member.enter()
    spent = cpu_seconds(processes) - before
    for step, times in member.times.items():
        print(
            f"{step:<10} median {statistics.median(times) * 1000:6.1f} ms"
            f"   95 % {statistics.quantiles(times, n=20)[-1] * 1000:6.1f} ms"
        )
    print(f"{'CPU':<10} {spent / count * 1000:6.1f} ms per sign-in in {len(processes)} processes")


if __name__ == "__main__":
    main()
