"""Is every French sentence of the pages translated?  ``--update`` adds the new ones to the English catalogue.

Sentences are gathered as Django's makemessages does, into a folder of their own: a check changes nothing.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from django.conf import settings
from django.utils.translation.template import templatize

from tools.checks import APPS, ROOT

CATALOGUE = ROOT / "hub" / "locale" / "en" / "LC_MESSAGES" / "django.po"
KEYWORDS = (
    "gettext_noop",
    "gettext_lazy",
    "ngettext_lazy:1,2",
    "pgettext:1c,2",
    "npgettext:1c,2,3",
    "pgettext_lazy:1c,2",
    "npgettext_lazy:1c,2,3",
)


def gather(folder: Path, *, location: str = "never") -> Path:
    """Write a template catalogue of every sentence marked for translation; return its path."""
    sources: list[str] = []
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*")):
            if "migrations" in path.parts or path.suffix not in {".py", ".html", ".txt"}:
                continue
            text = path.read_text(encoding="utf-8")
            if path.suffix != ".py":
                text = templatize(text, origin=str(path))
            target = folder / path.relative_to(ROOT).with_name(path.name + ".py")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
            sources.append(str(target.relative_to(folder)))
    found = folder / "found.pot"
    subprocess.run(
        [
            "xgettext",
            "--language=Python",
            "--from-code=UTF-8",
            "--no-wrap",
            "--sort-output",
            f"--add-location={location}",
            "--keyword=_",
            *(f"--keyword={keyword}" for keyword in KEYWORDS),
            f"--output={found}",
            *sources,
        ],
        cwd=folder,
        check=True,
    )
    # xgettext leaves the charset open, and every later program refuses accents then.
    found.write_text(found.read_text(encoding="utf-8").replace("charset=CHARSET", "charset=UTF-8"), encoding="utf-8")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--update", action="store_true", help="add what is new, drop what is gone")
    arguments = parser.parse_args()
    settings.configure()  # templatize asks for nothing but the presence of settings
    with tempfile.TemporaryDirectory() as folder:
        found = gather(Path(folder))
        if arguments.update:
            merge = [
                "msgmerge",
                "--quiet",
                "--update",
                "--backup=none",
                "--no-fuzzy-matching",
                "--no-wrap",
                "--sort-output",
            ]
            subprocess.run([*merge, str(CATALOGUE), str(found)], check=True)
            subprocess.run(
                ["msgattrib", "--no-obsolete", "--no-wrap", "-o", str(CATALOGUE), str(CATALOGUE)], check=True
            )
            return 0
        missing = untranslated(found, Path(folder))
        checked = subprocess.run(
            ["msgfmt", "--check-format", "-o", "/dev/null", str(CATALOGUE)], capture_output=True, text=True
        )
        sys.stderr.write(missing + checked.stderr)
        return 1 if missing or checked.returncode else 0


def untranslated(found: Path, folder: Path) -> str:
    """The entries without their English, ready to be filled in; nothing when the catalogue is complete."""
    merged = folder / "merged.po"
    merge = ["msgmerge", "--quiet", "--no-fuzzy-matching", "--no-wrap", "-o", str(merged), str(CATALOGUE), str(found)]
    subprocess.run(merge, check=True)
    entries = ""
    for kind in ("--untranslated", "--only-fuzzy"):
        chosen = ["msgattrib", kind, "--no-obsolete", "--no-wrap", str(merged)]
        listed = subprocess.run(chosen, check=True, capture_output=True, text=True).stdout
        entries += "\n\n".join(listed.split("\n\n")[1:])  # without the header
    return entries


if __name__ == "__main__":
    sys.exit(main())
