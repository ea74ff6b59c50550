"""A child of the second report, in the hub's environment: what the worker calls, until nothing is left to remove.

Answers with a line of JSON: rows, turns, seconds, the longest turn, and how PostgreSQL reads each statement of a turn.
"""

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import django
from django.db import connection
from django.utils import timezone

TABLES = ("idp_accesstoken", "idp_refreshtoken")


def main() -> None:
    django.setup()
    from idp.services.purge import purge_expired

    heard: list[tuple[str, Any]] = []

    def listen(execute: Any, statement: str, parameters: Any, many: bool, context: Any) -> Any:
        heard.append((statement, parameters))
        return execute(statement, parameters, many, context)

    with connection.execute_wrapper(listen):
        rows = purge_expired(now=timezone.now())
    plans = sorted({(short(statement), plan) for statement, given in heard for plan in _plans(statement, given)})
    times, last = [], rows
    while last:
        began = time.monotonic()
        last = purge_expired(now=timezone.now())
        times.append(time.monotonic() - began)
        rows += last
    told = {"rows": rows, "turns": len(times) + 1, "seconds": sum(times), "longest_ms": max(times) * 1000}
    print(json.dumps(told | {"plans": plans}))


def short(statement: str) -> str:
    """Without the names of twenty columns and the marks of five hundred values."""
    told = re.sub(r"(%s, )+%s", "…", statement.replace('"', ""))
    told = re.sub(r"SELECT .*? FROM", "SELECT … FROM", told)
    return re.sub(r"idp_\w+\.(\w+)", r"\1", told)


def _plans(statement: str, parameters: Any) -> Iterator[str]:
    """By which index a statement finds rows of tokens; a plan that reads a table from end to end says so."""
    if not statement.startswith(("SELECT", "DELETE", "UPDATE")) or not any(table in statement for table in TABLES):
        return
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
        (plan,) = cursor.fetchone()
    found = plan if isinstance(plan, list) else json.loads(plan)
    yield ", ".join(sorted(set(_readings(found[0]["Plan"]))))


def _readings(node: dict[str, Any]) -> Iterator[str]:
    if "Scan" in node["Node Type"] and "Index Name" in node:
        yield f"{node['Node Type']}: {node['Index Name']}"
    elif "Seq Scan" in node["Node Type"]:
        yield f"{node['Node Type']}: {node['Relation Name']}"
    for child in node.get("Plans", []):
        yield from _readings(child)


if __name__ == "__main__":
    main()
