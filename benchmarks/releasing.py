"""A child of the sixth report, in the hub's environment: lets data leave, and asks who is concerned."""

import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import django
from django.db import connection, transaction
from django.utils import timezone

from benchmarks import meters

PEOPLE, TOOLS, PROFILES = 1000, 5, 3
# Of each of the tools, what it receives by its ways.
ITEMS = (["identifier", "session"], ["identifier", "name", "email"], ["identifier", "name", "email", "phone", "town"])
# One in so many has had something erased in the middle of it all.
ERASED = 20
FILL = """
INSERT INTO consent_disclosure
    (member_id, tool_id, channel, items, legal_basis, at, last_at, count, day, profile, decision, closed_at, mode)
SELECT m.id, t.id, 'userinfo', (%(items)s::jsonb) -> p, '', moment, moment, 1 + d %% 7, moment::date,
    'bench' || p, 0, moment, ''
FROM generate_series(0, %(days)s - 1) AS d, directory_member AS m, idp_tool AS t,
    generate_series(0, %(profiles)s - 1) AS p,
    LATERAL (SELECT timestamptz '2020-01-01 08:00Z' + d * interval '1 day' + p * interval '1 minute' AS moment) AS at
WHERE (hashtext(m.id::text) + t.id) %% 4 <> 0
"""
# Every row, and whether what it says was erased before the window began.
RECOUNT = """
SELECT DISTINCT r.member_id, item FROM consent_disclosure AS r, jsonb_array_elements_text(r.items) AS item
WHERE r.tool_id = %(tool)s AND r.at <= %(until)s AND NOT EXISTS (
    SELECT 1 FROM consent_holding AS h WHERE h.member_id = r.member_id AND h.tool_id = r.tool_id AND h.item = item
    AND h.ended_at >= r.closed_at AND h.ended_at < %(since)s
)
"""


def main() -> None:
    django.setup()
    connection.ensure_connection()
    work: dict[str, Callable[..., dict[str, Any]]] = {"prepare": prepare, "release": release, "fill": fill, "ask": ask}
    print(json.dumps({}), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps(work[order.pop("do")](**order)), flush=True)


def prepare() -> dict[str, Any]:
    from directory.models import Member
    from idp.models import Tool

    Member.objects.bulk_create(Member(login=f"bench{number}", display_name="x") for number in range(PEOPLE))
    for number in range(TOOLS):
        Tool.objects.create(name=f"bench {number}", slug=f"bench-{number}", client_id=f"bench-{number}")
    return {}


def release(*, again: bool, turn: int, count: int, store: int) -> dict[str, Any]:
    """What userinfo does beside reading: a transaction with an answer that leaves."""
    from consent.ledger.services import disclose
    from consent.types import Channel, Disclosed, Release
    from directory.models import Member
    from idp.models import Tool

    people, tool = list(Member.objects.values_list("pk", flat=True)[:count]), Tool.objects.earliest("pk").pk
    now = timezone.now() + timedelta(days=turn, minutes=again)
    leaving = [Disclosed(person, tool, Channel.USERINFO, frozenset(ITEMS[1]), Release()) for person in people]
    times = []
    own, stored = _own_seconds(), meters.cpu_seconds([store])
    for each in leaving:
        began = time.perf_counter()
        with transaction.atomic():
            disclose([each], now=now)
        times.append(time.perf_counter() - began)
    own, stored = _own_seconds() - own, meters.cpu_seconds([store]) - stored
    micro = 1_000_000 / len(leaving)
    return {"median_ms": statistics.median(times) * 1000, "own_us": own * micro, "store_us": stored * micro}


def fill(*, entries: int) -> dict[str, Any]:
    """A ledger of so many rows, and what is held by it; some of it erased, and received again."""
    from audit.types import SYSTEM
    from consent.ledger import holdings
    from consent.models import Disclosure, Holding

    days = max(2, round(entries / (PEOPLE * TOOLS * PROFILES * 0.75)))
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE consent_disclosure, consent_holding")
        # What they refer to is there: four look-ups for each row would be most of the time.
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(FILL, {"items": json.dumps(ITEMS), "days": days, "profiles": PROFILES})
        cursor.execute("SET session_replication_role = DEFAULT")
    began = time.monotonic()
    holdings.rebuild(actor=SYSTEM, now=timezone.now())
    rebuilt = time.monotonic() - began
    middle = Disclosure.objects.earliest("at").at + timedelta(days=days // 2, hours=12)
    for number, member in enumerate(sorted(set(Holding.objects.values_list("member_id", flat=True)))):
        if number % ERASED == 0:
            Holding.objects.filter(member_id=member).update(ended_at=middle)
    # What left after that is held anew.
    holdings.rebuild(actor=SYSTEM, now=timezone.now())
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE consent_disclosure, consent_holding")
    began = time.monotonic()
    if holdings.differences():
        raise RuntimeError("what is held is not what the ledger has")
    compared = time.monotonic() - began
    return {
        "rows": Disclosure.objects.count(),
        "held": Holding.objects.count(),
        "rebuilt_s": rebuilt,
        "compared_s": compared,
    }


def ask(*, rounds: int) -> dict[str, Any]:
    """Windows before, around and after the erasures; each answer is the recount's, or nothing is told."""
    from consent.ledger import holdings
    from consent.models import Disclosure
    from idp.models import Tool

    first, last = Disclosure.objects.earliest("at").at, Disclosure.objects.latest("at").at
    length = last - first
    windows = [(first + length * begins, first + length * ends) for begins, ends in ((0.1, 0.2), (0.4, 0.6), (0.9, 1))]
    questions, recounts, people = [], [], 0
    for tool in Tool.objects.order_by("pk")[:rounds]:
        for since, until in windows:
            began = time.perf_counter()
            found = list(holdings.held_by(tool.pk, since=since, until=until))
            questions.append(time.perf_counter() - began)
            began = time.perf_counter()
            with connection.cursor() as cursor:
                cursor.execute(RECOUNT, {"tool": tool.pk, "since": since, "until": until})
                recount = set(cursor.fetchall())
            recounts.append(time.perf_counter() - began)
            if {(each.member, item) for each in found for item in each.items} != recount:
                raise RuntimeError("the answer is not the recount's")
            people = max(people, len(found))
    return {
        "question_ms": statistics.median(questions) * 1000,
        "recount_ms": statistics.median(recounts) * 1000,
        "people": people,
    }


def _own_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
