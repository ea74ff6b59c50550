"""The marks of tests, as they are written: read without importing a test."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def marked(name: str) -> Iterator[tuple[list[str], str]]:
    """The words of each ``@pytest.mark.NAME("…", "…")``, with its test as "file: name"; in the order of the files."""
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                for decorator in node.decorator_list:
                    if isinstance(decorator, ast.Call) and ast.unparse(decorator.func).endswith(f"mark.{name}"):
                        words = [str(word.value) for word in decorator.args if isinstance(word, ast.Constant)]
                        yield words, f"{path.relative_to(ROOT)}: {node.name}"


def listed(tests: list[str]) -> str:
    """Tests in a cell of a table."""
    return "<br>".join(f"`{test}`" for test in tests)
