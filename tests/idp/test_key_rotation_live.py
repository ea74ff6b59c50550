"""Rotations under load: two servers, two workers, tools that keep the key set exactly as long as they may."""

import json
import sqlite3
import threading
import time
import urllib.request
from collections import Counter
from contextlib import ExitStack, closing
from dataclasses import dataclass, field

import pytest
from joserfc import jws
from joserfc.jwk import KeySet

from tests.support.key_servers import Fast, Process, prepare

# An hour and a half per second: keys sign for four seconds, and are published more than three ahead.
SPEED, SECONDS = 5_400.0, 15
ALGORITHMS = ("RS256", "PS256", "ES256", "Ed25519")


def fetched(url: str) -> tuple[str, str]:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode(), answer.headers.get("Cache-Control", "")


@dataclass
class ToolWithCache:
    """Verifies tokens of one server with the key set of another, and fetches it only once it is stale."""

    clock: Fast
    signs: str
    publishes: str
    failures: list[str] = field(default_factory=list)
    kids: set[str] = field(default_factory=set)
    counts: Counter = field(default_factory=Counter)

    def run(self, until: float) -> None:
        kept, stale_at, hints = None, 0.0, []
        while time.time() < until:
            try:
                for algorithm in ALGORITHMS:
                    # As in a sign-in: the token exists, then the tool looks for its key.
                    token, _ = fetched(f"{self.signs}/sign?{algorithm}")
                    if kept is None or self.clock.seconds() >= stale_at:
                        asked_at = self.clock.seconds()
                        text, control = fetched(f"{self.publishes}/oidc/jwks")
                        kept = KeySet.import_key_set(json.loads(text))
                        stale_at = asked_at + int(control.partition("max-age=")[2])
                        self.counts["fetched"] += 1
                    self.kids.add(jws.deserialize_compact(token, kept, algorithms=[algorithm]).headers()["kid"])
                    self.counts["signed"] += 1
                    hints.append(token)
                fetched(f"{self.publishes}/hint?{hints[len(hints) // 3]}")
                self.counts["hints"] += 1
            except Exception as error:
                self.failures.append(f"{type(error).__name__}: {error}")


@pytest.mark.spec("OIDC Core", "10.1.1")
def test_no_tool_ever_meets_an_unknown_key_while_keys_are_rotated_under_load(tmp_path):
    prepare(tmp_path / "hub.sqlite3")
    clock = Fast(time.time(), SPEED)
    with ExitStack() as stack:
        workers = [Process("work", tmp_path / "hub.sqlite3", clock) for _ in range(2)]
        servers = [Process("serve", tmp_path / "hub.sqlite3", clock) for _ in range(2)]
        for each in (*workers, *servers):
            stack.callback(each.end)
        first, second = (each.address() for each in servers)
        wait_for_keys(first, second)
        tools = [ToolWithCache(clock, *pair) for pair in ((first, second), (second, first), (first, first))]
        threads = [threading.Thread(target=tool.run, args=[time.time() + SECONDS]) for tool in tools]

        for each in threads:
            each.start()
        for each in threads:
            each.join()

    counts, kids = sum((tool.counts for tool in tools), Counter()), {kid for tool in tools for kid in tool.kids}
    assert [failure for tool in tools for failure in tool.failures] == []
    assert len(kids) >= 3 * len(ALGORITHMS)
    assert counts["signed"] > 100
    assert counts["hints"] > 25
    # Tools did keep the set: a test in which each looked every time would prove nothing.
    assert counts["fetched"] < counts["signed"]
    assert_one_chain_per_algorithm(tmp_path / "hub.sqlite3")


def wait_for_keys(*servers: str) -> None:
    deadline = time.time() + 30
    for server in servers:
        while time.time() < deadline:
            try:
                fetched(f"{server}/sign?{ALGORITHMS[-1]}")
                break
            except OSError:
                time.sleep(0.1)


def assert_one_chain_per_algorithm(database) -> None:
    """Two workers raced at each change: one key per change, each retired when the next one starts."""
    with closing(sqlite3.connect(database)) as connection:
        for algorithm in ALGORITHMS:
            rows = connection.execute(
                "select active_at, retired_at from idp_signingkey where algorithm = ? order by active_at", [algorithm]
            ).fetchall()
            starts, ends = [start for start, _ in rows], [end for _, end in rows]

            assert ends == [*starts[1:], None]
