"""The peer: npm ``oidc-provider``, the version that the certification rows run against, in one Node process."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGTERM
from typing import Any
from urllib.parse import urlsplit

from benchmarks import stores
from benchmarks.parties import CLAIMS, PASSWORD, REDIRECT_URI, Side, Tool, member_names, new_tool
from tests.support.node import NODE, installed
from tools.servers import stop

HERE = Path(__file__).parent
PACKAGE = HERE.parent / "tests" / "certification" / "oracle"


@contextmanager
def running(folder: Path, *, members: int) -> Iterator[Side]:
    library = installed(PACKAGE) / "oidc-provider" / "lib" / "index.js"
    web, service = new_tool("web"), new_tool("service")
    with stores.redis(folder, "peer") as store, (folder / "peer.log").open("wb") as errors:
        address = urlsplit(store.url)
        orders = {
            "library": str(library),
            "redis": {"port": address.port, "password": address.password},
            "clients": [_web(web), _service(service)],
            "password": PASSWORD,
            "claims": CLAIMS,
        }
        process = subprocess.Popen(
            [str(NODE), str(HERE / "peer.mjs")],
            env={"NODE_ENV": "production"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            process_group=0,
        )
        try:
            issuer = _started(process, orders, folder / "peer.log")
            yield Side(
                "oidc-provider",
                issuer,
                web=web,
                service=service,
                members=tuple(member_names(members)),
                server=(process.pid,),
                store=(store.pid,),
            )
        finally:
            stop(process, SIGTERM)  # type: ignore[arg-type]
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    pipe.close()


def _started(process: "subprocess.Popen[str]", orders: dict[str, Any], log: Path) -> str:
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("the peer takes no orders")
    process.stdin.write(json.dumps(orders) + "\n")
    process.stdin.flush()
    told = process.stdout.readline()
    if not told:
        raise RuntimeError(f"the peer did not start:\n{log.read_text(errors='replace')}")
    return str(json.loads(told)["issuer"])


def _web(tool: Tool) -> dict[str, Any]:
    return {
        "client_id": tool.client_id,
        "client_secret": tool.client_secret,
        "redirect_uris": [REDIRECT_URI],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "scope": "openid profile email offline_access",
    }


def _service(tool: Tool) -> dict[str, Any]:
    return {
        "client_id": tool.client_id,
        "client_secret": tool.client_secret,
        "redirect_uris": [],
        "grant_types": ["client_credentials"],
        "response_types": [],
    }
