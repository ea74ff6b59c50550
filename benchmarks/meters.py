"""CPU time of servers, read from outside: no rights, no agent, nothing inside what is measured."""

import os
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class ProcessTimes:
    """One line of ``/proc/<pid>/stat``: user and system time, own and of children that have been waited for."""

    pid: int
    parent: int
    ticks: int


def parsed(stat: str) -> ProcessTimes:
    """proc(5).  The command, in parentheses, may hold spaces and parentheses of its own."""
    head, _, tail = stat.rpartition(")")
    fields = tail.split()
    return ProcessTimes(int(head.split(" ", 1)[0]), int(fields[1]), sum(int(field) for field in fields[11:15]))


def running() -> dict[int, ProcessTimes]:
    found: dict[int, ProcessTimes] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            times = parsed(path.read_text(errors="replace"))
        except OSError:
            continue  # ended meanwhile
        found[times.pid] = times
    return found


def tree(root: int, processes: dict[int, ProcessTimes]) -> list[ProcessTimes]:
    """A process and its descendants.  By parent, not by group: PostgreSQL gives each of its children its own group."""
    children: dict[int, list[int]] = {}
    for each in processes.values():
        children.setdefault(each.parent, []).append(each.pid)
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        if pid in processes:
            found.append(processes[pid])
            waiting += children.get(pid, [])
    return found


def cpu_seconds(roots: list[int]) -> float:
    """What these processes and all their descendants have used since they began, to about 10 ms each."""
    processes = running()
    return sum(each.ticks for root in roots for each in tree(root, processes)) / TICKS_PER_SECOND


def machine_busy_seconds() -> float:
    """What everything on this machine has used, all cores together."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    return (sum(map(int, fields)) - int(fields[3]) - int(fields[4])) / TICKS_PER_SECOND
