"""Format, lint, types, import contracts, templates, migrations, translations, documentation; then the tests."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
BIN = Path(sys.executable).parent
APPS = ("audit", "collectives", "consent", "directory", "branding", "hub", "idp", "launcher", "news")


@dataclass(frozen=True, slots=True)
class Check:
    """One program whose exit code says whether its rule holds, and what to do when it does not."""

    title: str
    command: tuple[str, ...]
    cure: str


CHECKS = (
    Check("Format", (f"{BIN}/ruff", "format", "--check", "--quiet", "."), "run: .venv/bin/ruff format ."),
    Check("Lint", (f"{BIN}/ruff", "check", "--quiet", "."), "run: .venv/bin/ruff check --fix ."),
    Check("Types", (f"{BIN}/mypy", "--no-error-summary", "."), "see docs/tour.md for the shape of the code"),
    Check("Import contracts", (f"{BIN}/lint-imports",), "each contract's name says what to do instead"),
    Check("Templates", (f"{BIN}/djlint", "--lint", "--quiet", *APPS, "demo"), "rules are listed in pyproject.toml"),
    Check(
        "Migrations",
        (PYTHON, "manage.py", "makemigrations", "--check", "--dry-run"),
        "run: .venv/bin/python manage.py makemigrations",
    ),
    Check(
        "Translations",
        (PYTHON, "-m", "tools.messages"),
        "run: .venv/bin/python -m tools.messages --update, then write the English",
    ),
    Check(
        "Plain words",
        (PYTHON, "-m", "tools.plain_words"),
        "shorten the sentence, space it, or say it in the reader's words; pages of staff stand in tools/plain_words.py",
    ),
    Check(
        "Settings table",
        (PYTHON, "-m", "tools.settings_table", "--check"),
        "run: .venv/bin/python -m tools.settings_table",
    ),
    Check(
        "Specification table",
        (PYTHON, "-m", "tools.specifications", "--check"),
        "run: .venv/bin/python -m tools.specifications",
    ),
    Check(
        "Data protection table",
        (PYTHON, "-m", "tools.data_protection", "--check"),
        "run: .venv/bin/python -m tools.data_protection",
    ),
    Check(
        "Access table", (PYTHON, "-m", "tools.access_table", "--check"), "run: .venv/bin/python -m tools.access_table"
    ),
    Check(
        "Accessibility grid",
        (PYTHON, "-m", "tools.accessibility", "--check"),
        "run: .venv/bin/python -m tools.accessibility",
    ),
    Check("Documentation links", (PYTHON, "-m", "tools.links"), "correct the link, or write what it points to"),
)


def made_up_environment(data: str) -> dict[str, str]:
    """Settings that let the project be imported, without touching anybody's data."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("TROUSSEAU_")},
        "TROUSSEAU_DATA_DIR": data,
        "TROUSSEAU_SECRET_KEY": "checks-only-secret-key-that-is-long-enough-0123456789",
        "TROUSSEAU_KEY_ENCRYPTION_KEY": "A" * 43 + "=",
        "TROUSSEAU_PAIRWISE_SALT": "checks-only",
        "DATABASE_URL": "",
        "CACHE_URL": "",
    }


def run_static() -> bool:
    """Run every check, two at a time; say what failed and how to mend it."""
    data = tempfile.mkdtemp(prefix="trousseau-checks-")
    environment = made_up_environment(data)

    def run(check: Check) -> tuple[Check, subprocess.CompletedProcess[str], float]:
        started = time.monotonic()
        result = subprocess.run(
            check.command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        return check, result, time.monotonic() - started

    failed = False
    try:
        with ThreadPoolExecutor(max_workers=2) as pool:
            for check, result, seconds in pool.map(run, CHECKS):
                print(
                    f"{'ok    ' if result.returncode == 0 else 'FAILED'}  {check.title} ({seconds:.0f} s)", flush=True
                )
                if result.returncode != 0:
                    failed = True
                    print((result.stdout + result.stderr).rstrip())
                    print(f"        → {check.cure}", flush=True)
    finally:
        shutil.rmtree(data, ignore_errors=True)
    return not failed


def main() -> int:
    parser = argparse.ArgumentParser(prog="tools/check", description=__doc__)
    parser.add_argument("--static", action="store_true", help="leave the tests out")
    arguments = parser.parse_args()
    sound = run_static()
    if not arguments.static:
        sound &= subprocess.run([PYTHON, "-m", "pytest", "--cov"], cwd=ROOT, stdin=subprocess.DEVNULL).returncode == 0
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
