"""Every module has a row, and the table of differences says what the rows say."""

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from tests.certification.modules import MODULES
from tests.certification.plans import SHORT

HERE = Path(__file__).parent


def calls(name: str) -> Iterator[ast.Call]:
    for path in HERE.glob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
                yield node


def first_word(call: ast.Call) -> str:
    word = call.args[0]
    assert isinstance(word, ast.Constant)
    return str(word.value)


@pytest.mark.parametrize("plan", SHORT, ids=SHORT.values())
def test_every_module_of_the_plan_has_a_row(plan: str):
    rows = {
        mark.args[0]
        for path in HERE.glob("test_*.py")
        for function in vars(import_module(f"tests.certification.{path.stem}")).values()
        for mark in getattr(function, "pytestmark", [])
        if mark.name == "module" and plan in mark.kwargs["plans"]
    }

    assert rows == MODULES[plan]


def test_every_difference_that_a_row_asserts_is_explained_and_no_other():
    text = (HERE / "DIFFERENCES.md").read_text(encoding="utf-8")

    explained = set(re.findall(r"^\| ([a-z][a-z-]+) \|", text, re.MULTILINE)) - {"name"}

    assert explained == {first_word(call) for call in calls("difference")}
