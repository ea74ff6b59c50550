"""Processes of the hub's that do one thing after the other, as lines of JSON tell them, and answer with one each."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from benchmarks import hub


@dataclass
class Child:
    process: "subprocess.Popen[str]"
    # What it said when it was ready; repeated in every answer.
    greeting: dict[str, Any] = field(default_factory=dict)

    def order(self, **told: Any) -> dict[str, Any]:
        self.send(**told)
        return self.answer()

    def send(self, **told: Any) -> None:
        if self.process.stdin is None:
            raise RuntimeError("it takes no orders")
        self.process.stdin.write(json.dumps(told) + "\n")
        self.process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        line = self.process.stdout.readline() if self.process.stdout else ""
        if not line:
            raise RuntimeError("wrong answer, nothing measured")
        return {**json.loads(line), **self.greeting}


@contextmanager
def child(module: str, environment: dict[str, str]) -> Iterator[Child]:
    with subprocess.Popen(
        [sys.executable, "-m", module],
        cwd=hub.ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        process_group=0,
    ) as process:
        try:
            ready = Child(process)
            ready.greeting = ready.answer()
            yield ready
        finally:
            process.terminate()
