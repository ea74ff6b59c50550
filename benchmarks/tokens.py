"""The second report: the hub with few and with many live tokens, and while expired ones are removed.

The rows are copies of real ones, made by PostgreSQL beside what real sign-ins left: every column that is not named here
has the value that the hub wrote.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from benchmarks import hub, report
from benchmarks.rounds import Round, Station, median, station

CLIENTS = 4
OPERATIONS = ("introspection", "userinfo", "refresh")
TOKENS_OF_A_SESSION = 10
# Beyond what the hub's own sequences reach in a run.
FIRST = 1_000_000_000

# By which column a member's row is told from another's; a tool session is its hub session's.
OWNERS = {
    "idp_hubsession": "member_id",
    "idp_toolsession": "hub_session_id",
    "idp_accesstoken": "user_id",
    "idp_refreshtoken": "user_id",
}
SESSION = f"(n / {TOKENS_OF_A_SESSION})"
FAMILY = "md5('family-' || n)::uuid"
HUB_SESSION = "md5('session-' || n)::uuid"
DIGEST = "encode(sha256(convert_to('{}-' || n, 'UTF8')), 'hex')"


def run(folder: Path, arguments: argparse.Namespace) -> None:
    with (
        hub.running(folder, members=CLIENTS) as running,
        station(running.side) as load,
        psycopg.connect(running.database, autocommit=True) as store,
    ):
        keep_models(store)
        print(report.machine())
        print(growth(store, load, arguments))
        print(purge(store, load, running, arguments))


def growth(store: "psycopg.Connection[Any]", load: Station, arguments: argparse.Namespace) -> str:
    rows, filled = [], 0
    for live in arguments.live:
        fill(store, filled, live, expires="now() + interval '1 day'")
        filled = live
        for operation in OPERATIONS:
            found = median(rounds_of(load, operation, live, arguments))
            costs = (f"{found.server_ms:.2f}", f"{found.store_ms:.2f}")
            rows.append(
                (operation, f"{live:,}", *costs, f"{found.p50_ms:.1f} / {found.p95_ms:.1f}", f"{found.others:.0%}")
            )
        print(f"  {live:,} live tokens", file=sys.stderr, flush=True)
    rows.sort(key=lambda row: OPERATIONS.index(row[0]))
    head = ("operation", "live tokens", "server CPU ms", "store CPU ms", "p50 / p95 ms", "others")
    return f"From few live tokens to many, {CLIENTS} clients:\n\n{report.table(head, rows)}"


def purge(store: "psycopg.Connection[Any]", load: Station, running: hub.Hub, arguments: argparse.Namespace) -> str:
    """Half of what goes are access tokens, half the refresh tokens that came with them."""
    live, expired = max(arguments.live), arguments.expired // 2
    fill(store, live, live + expired, expires="now() - interval '3 days'")
    before = rounds_of(load, "introspection", live, arguments)
    removing = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.purging"],
        cwd=hub.ROOT,
        env=running.environment,
        stdout=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    during: list[Round] = []
    try:
        while removing.poll() is None:
            during.append(load.round("introspection", clients=CLIENTS, seconds=arguments.seconds, filled=live))
        told = removing.communicate()[0]
    finally:
        removing.kill()
    if removing.returncode != 0:
        raise RuntimeError("the expired tokens were not removed")
    gone: dict[str, Any] = json.loads(told)
    if gone["rows"] < 2 * expired:
        raise RuntimeError(f"{gone['rows']} rows were removed, not {2 * expired}")
    rows = [
        ("before", len(before), *_latency(median(before)), f"{max(each.p95_ms for each in before):.1f}"),
        ("meanwhile", len(during), *_latency(median(during)), f"{max(each.p95_ms for each in during):.1f}"),
    ]
    head = ("introspection", "rounds", "p50 ms", "p95 ms", "worst round's p95 ms")
    lines = [
        f"Removing {gone['rows']:,} expired rows beside {2 * live:,} live ones: {gone['seconds']:.0f} s, "
        f"{gone['turns']} turns without a pause, the longest {gone['longest_ms']:.0f} ms.\n",
        report.table(head, rows),
        report.table(("statement of a turn", "how PostgreSQL reads it"), gone["plans"]),
    ]
    return "\n".join(lines)


def _latency(found: Round) -> tuple[str, str]:
    return f"{found.p50_ms:.1f}", f"{found.p95_ms:.1f}"


def rounds_of(load: Station, operation: str, live: int, arguments: argparse.Namespace) -> list[Round]:
    taken = [
        load.round(operation, clients=CLIENTS, seconds=arguments.seconds, filled=live)
        for _ in range(arguments.rounds + 1)
    ]
    return taken[1:]  # the first one warms up


# Filling --------------------------------------------------------------------------------------------------------


def keep_models(store: "psycopg.Connection[Any]") -> None:
    """One row of each member and table, as the sign-ins left it: what is used later must not be copied as used."""
    for table, owner in OWNERS.items():
        statement = (
            "CREATE TEMPORARY TABLE {model} AS SELECT *, row_number() OVER (ORDER BY {owner}) - 1 AS rank, "
            "count(*) OVER () AS owners FROM (SELECT DISTINCT ON ({owner}) * FROM {table} ORDER BY {owner}) AS found"
        )
        names = {"model": f"model_{table}", "table": table, "owner": owner}
        store.execute(sql.SQL(statement).format(**{name: sql.Identifier(value) for name, value in names.items()}))


def fill(store: "psycopg.Connection[Any]", first: int, last: int, *, expires: str) -> None:
    """Tokens ``first`` to ``last``, ten of a session: ``access-<n>`` and ``refresh-<n>``, stored as their digests."""
    sessions = (-(-first // TOKENS_OF_A_SESSION), -(-last // TOKENS_OF_A_SESSION))
    copy(store, "idp_hubsession", sessions, "n", id=HUB_SESSION)
    opened = {"id": f"{FIRST} + n", "sid": "md5('sid-' || n)", "hub_session_id": HUB_SESSION}
    copy(store, "idp_toolsession", sessions, "n", **opened)
    shared = {"id": f"{FIRST} + n", "tool_session_id": f"{FIRST} + {SESSION}", "grant_id": "NULL", "expires": expires}
    access = {"token_checksum": DIGEST.format("access"), "family": FAMILY}
    copy(store, "idp_accesstoken", (first, last), SESSION, **shared, **access)
    refresh = {"token_checksum": DIGEST.format("refresh"), "token_family": FAMILY, "access_token_id": f"{FIRST} + n"}
    copy(store, "idp_refreshtoken", (first, last), SESSION, **shared, **refresh)
    store.execute("VACUUM ANALYZE")


def copy(store: "psycopg.Connection[Any]", table: str, span: tuple[int, int], turn: str, **changed: str) -> None:
    """For every ``n`` of the span a copy of a member's row, members in turn, so that tables agree on whose it is."""
    listed = "SELECT column_name FROM information_schema.columns WHERE table_name = %s"
    columns = [name for (name,) in store.execute(listed, [table])]
    unknown = set(changed) - set(columns)
    if unknown:
        raise RuntimeError(f"{table} has no {', '.join(sorted(unknown))}")
    values = [sql.SQL(changed[name]) if name in changed else sql.Identifier("model", name) for name in columns]
    statement = (
        "INSERT INTO {table} ({columns}) SELECT {values} FROM generate_series({first}, {last}) AS n "
        "JOIN {model} AS model ON model.rank = {turn} % model.owners"
    )
    store.execute(
        sql.SQL(statement).format(
            table=sql.Identifier(table),
            model=sql.Identifier(f"model_{table}"),
            columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
            values=sql.SQL(", ").join(values),
            first=span[0],
            last=span[1] - 1,
            turn=sql.SQL(turn),
        )
    )
