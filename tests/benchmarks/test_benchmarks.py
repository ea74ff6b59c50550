"""The benchmarks run and answer right.  Never how fast: that is read by people, on a machine at rest."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import answer
from benchmarks.meters import parsed, tree
from benchmarks.parties import Side, new_tool
from benchmarks.rounds import OPERATIONS, Station
from benchmarks.wire import Answer, Wrong

ROOT = Path(__file__).resolve().parents[2]
LIMIT_SECONDS = 120


@pytest.fixture(scope="module")
def reports() -> tuple[str, str]:
    """Both at once: most of their time is the start of a hub."""
    command = [sys.executable, "-m", "benchmarks", "--seconds", "0.05", "--rounds", "1"]
    wanted = (["--clients", "1"], ["--tokens", "--live", "50,200", "--expired", "1200"])
    pipe = subprocess.PIPE
    running = [subprocess.Popen([*command, *each], cwd=ROOT, stdout=pipe, stderr=pipe, text=True) for each in wanted]
    told = [each.communicate(timeout=LIMIT_SECONDS) for each in running]
    for each, (_, errors) in zip(running, told, strict=True):
        assert each.returncode == 0, errors
    return told[0][0], told[1][0]


def rows_of(report: str, name: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in report.splitlines()
        if line.startswith(f"| {name} ")
    ]


def test_every_operation_is_answered_right_by_both_sides_and_compared(reports):
    report, _ = reports

    for operation in OPERATIONS:
        compared, *taken = rows_of(report, operation)
        assert re.fullmatch(r"\d+\.\d", compared[3]), compared
        assert [row[1] for row in taken] == ["hub", "oidc-provider"]


def test_tokens_put_in_in_bulk_are_good_and_expired_ones_are_removed(reports):
    _, report = reports

    for operation in ("introspection", "userinfo", "refresh"):
        assert [row[1] for row in rows_of(report, operation) if row[1].isdigit()] == ["50", "200"]
    assert "Removing 1,200 expired rows" in report


def test_passes_over_a_directory_are_compared_with_ldapsearch_and_a_change_is_seen():
    command = [
        sys.executable,
        "-m",
        "benchmarks",
        "--directory",
        "--people",
        "200",
        "--rounds",
        "1",
        "--seconds",
        "0.05",
    ]

    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=3 * LIMIT_SECONDS)

    assert told.returncode == 0, told.stderr
    for what in ("first import", "deep pass, nothing changed", "pass, nothing changed", "pass, 20 changes"):
        assert [row[2] for row in rows_named(told.stdout, what)] == ["PostgreSQL", "SQLite"]
    assert len(rows_of(told.stdout, "200")) == 17  # with ldapsearch twice, the pass after changes, five to effect
    assert len(rows_of(told.stdout, "{SSHA}")) == 2
    assert re.search(r"hanging / answering \d+\.\d\d:", told.stdout)


def test_an_export_of_the_log_is_checked_with_and_without_its_parts():
    command = [sys.executable, "-m", "benchmarks", "--log", "--entries", "3,600", "--rounds", "1"]

    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_SECONDS)

    assert told.returncode == 0, told.stderr
    for size in ("3", "600"):
        assert [row[1:3] for row in rows_of(told.stdout, size)] == [
            ["all parts", size],
            ["tree", size],
            ["one person", size],
        ]
    for operation in ("entry, read", "root", "checkpoint signed, ML-DSA-44"):
        assert [float(row[1]) > 0 for row in rows_of(told.stdout, operation)] == [True]


def test_a_line_of_the_journal_is_measured_beside_a_chain_under_a_lock():
    command = [sys.executable, "-m", "benchmarks", "--journal", "--entries", "500", "--rounds", "1", "--seconds", "0.1"]

    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_SECONDS)

    assert told.returncode == 0, told.stderr
    assert float(rows_of(told.stdout, "**the line alone**")[0][4]) > 0
    assert [row[2] for row in rows_of(told.stdout, "chain")] == ["1", "4", "16"] * 2
    assert [float(row[6]) > 0 for row in rows_of(told.stdout, "queue")] == [True] * 6
    assert float(rows_of(told.stdout, "500")[0][1].replace(",", "")) > 0
    live, nobody, nothing = (
        float(rows_of(told.stdout, what)[0][5])
        for what in ("live", "without what says who people are", "without any part")
    )
    assert live > nobody > nothing > 0
    assert re.search(r"From an event to its signed checkpoint, at \d+ events a second for 1 s: \d+ ms", told.stdout)


def test_a_release_is_measured_and_who_is_concerned_is_compared_with_a_recount():
    command = [sys.executable, "-m", "benchmarks", "--ledger", "--entries", "30000", "--rounds", "1"]

    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_SECONDS)

    assert told.returncode == 0, told.stderr
    assert float(rows_of(told.stdout, "the first of a day")[0][4]) > 0
    assert float(rows_of(told.stdout, "again that day")[0][4]) > 0
    lengths = re.findall(r"^\| [\d,]+ +\| +[\d,]+ \| +\d+ \| +(\d+) \|", told.stdout, re.M)
    assert int(lengths[0]) > 0


def test_what_a_member_with_a_long_history_takes_is_measured_and_checked():
    command = [sys.executable, "-m", "benchmarks", "--answer", "--entries", "60", "--rounds", "1"]

    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_SECONDS)

    assert told.returncode == 0, told.stderr
    assert "| 60 rows and 60 lines " in told.stdout
    for what in answer.TAKEN.values():
        assert [float(row[1]) > 0 for row in rows_of(told.stdout, what)] == [True]


def rows_named(report: str, name: str) -> list[list[str]]:
    return [row for row in rows_of(report, "200") if row[1] == name]


@pytest.mark.parametrize("command", ["node", "postgres: a b", "a) b (c"])
def test_a_process_is_read_whatever_its_name_holds(command):
    times = parsed(f"12 ({command}) S 7 12 12 0 -1 0 0 0 0 0 3 4 5 6 20 0")

    assert (times.pid, times.parent, times.ticks) == (12, 7, 3 + 4 + 5 + 6)


def test_children_of_children_belong_to_the_tree_and_strangers_do_not():
    parents = {2: 1, 3: 2, 4: 3, 5: 1}
    known = {pid: parsed(f"{pid} (x) S {parent} 0 0 0 -1 0 0 0 0 0 1 0 0 0") for pid, parent in parents.items()}

    found = tree(2, known)

    assert {each.pid for each in found} == {2, 3, 4}


def test_an_answer_of_the_wrong_kind_ends_the_measurement():
    with pytest.raises(Wrong, match="userinfo: 401 instead of 200"):
        Answer(401, {}, (), b"").expect(200, "userinfo")


def test_a_load_generator_that_met_a_wrong_answer_leaves_no_figure():
    silent = subprocess.Popen([sys.executable, "-c", ""], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    side = Side("hub", "", web=new_tool("web"), service=new_tool("service"), members=(), server=(), store=())

    with silent, pytest.raises(RuntimeError, match="nothing measured"):
        Station(side, silent).order({})
