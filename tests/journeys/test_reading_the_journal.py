"""The officer reads the journal: why first, by pseudonyms, in words, pictures and files, all of it on the record."""

import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.test_main_job import look
from tests.support.demo import Demo, Visitor

pytestmark = pytest.mark.journey
# Each dress once, and scripts in two of them.
CASES = [
    ("fr-FR", 360, False, False),
    ("fr-FR", 1280, True, True),
    ("en-GB", 360, True, True),
    ("en-GB", 1280, False, False),
]
ITEMS = {"fr": "reçoit données", "en": "receives data"}
# One member opens a tool's page of data, another is refused: lines about somebody, whoever ran before.
HAPPENED = """
from django.db import transaction
from audit.services import record
from audit.types import SYSTEM, Action, Actor, Entry
from directory.models import Member
from idp.models import Tool
person, tool = Member.objects.get(login={login!r}), Tool.objects.get(slug="louty")
with transaction.atomic():
    record(
        Entry(Action.DISCLOSED, Actor(tool=tool.pk), person.pk, tool.pk, facts={{"items": ["email"]}}),
        Entry(Action.SIGN_IN_REFUSED, SYSTEM, person.pk, refused=True, reason="password"),
    )
print(person.display_name)
"""
KEYS = """
from audit.models import Log
print("\\n".join(f"{log.name} {log.key}" for log in Log.objects.exclude(key="")))
"""


@pytest.mark.parametrize(("locale", "width", "dark", "scripts"), CASES)
def test_the_officer_reads_the_journal(
    demo: Demo, visit: Callable[..., Visitor], tmp_path: Path, locale: str, width: int, dark: bool, scripts: bool
) -> None:
    login = demo.account("member")[0]
    somebody = demo.manage("shell", "-c", HAPPENED.format(login=login)).strip().splitlines()[-1]
    visitor = visit(width=width, locale=locale, dark=dark, scripts=scripts)
    page, name = visitor.page, f"journal-{locale[:2]}-{width}"
    seen = look if scripts else lambda *_: None
    visitor.sign_in(demo, "dpo")

    # Why, once, and back to where one was going.
    page.goto(f"{demo.hub}/journal/?result=refused")
    expect(page.locator("#purpose-form")).to_be_visible()
    seen(visitor, f"{name}-1-why")
    page.check('[name="purpose"][value="member_request"]')
    page.fill("#id_case", "2026-17")
    page.click("#purpose-form button[type=submit]")
    expect(page).to_have_url(f"{demo.hub.rstrip('/')}/journal/?result=refused")
    expect(page.locator('#reading[data-purpose="member_request"]')).to_contain_text("2026-17")

    # Nobody has a name yet; words are looked for in the reader's language.
    assert somebody not in page.content()
    search(page, words=ITEMS[locale[:2]], result="")
    assert actions(page) == {"consent:data:disclose"}
    assert somebody not in page.content()
    seen(visitor, f"{name}-2-words")

    # A name is asked for with a reason, and its owner can see it.
    page.locator("#journal-table details summary").first.click()
    page.locator('#journal-table a[href*="/journal/personnes/"]').first.click()
    seen(visitor, f"{name}-3-name")
    page.check('[name="ground"][value="answer"]')
    page.click("#reveal-form button[type=submit]")
    expect(page.locator("#journal-table tbody tr").first).to_contain_text(somebody)

    # Somebody who is looked for by name is in no address.
    search(page, words="", member=login)
    expect(page.locator("#journal-member")).to_contain_text(somebody)
    assert login.split(".")[0] not in page.url
    seen(visitor, f"{name}-4-member")

    # Criteria are kept, for the next time.
    page.click("#keep-search summary")
    page.fill("#id_name", "Demandes")
    page.click("#keep-search form.filters button")
    expect(page.locator("#saved-searches")).to_contain_text("Demandes")

    # What is found is taken home, and the proof of it is sound.
    page.click("#journal-export summary")
    with page.expect_download() as sheet:
        page.click('#journal-export a[href*="export.ods"]')
    assert zipfile.ZipFile(sheet.value.path()).read("mimetype").startswith(b"application/vnd.oasis")
    check_proof(page, demo, tmp_path)

    # Pictures lead to narrower ones, and to lines.
    page.click('#journal-tabs a[href="/journal/images/"]')
    seen(visitor, f"{name}-5-pictures")
    page.locator("#time-line a").last.click()
    page.click("#time-table summary")
    page.locator("#time-table a").last.click()
    assert "hour=" in page.url
    expect(page.locator("#journal-table")).to_be_visible()

    # All that has been looked at, by whom and why.
    page.click('#journal-tabs a[href="/journal/consultations/"]')
    expect(page.locator("#pairs")).to_contain_text(somebody)
    seen(visitor, f"{name}-6-lookups")


def search(page: Page, **criteria: str) -> None:
    for name, value in criteria.items():
        field = page.locator(f"#journal-form [name={name}]")
        if field.evaluate("field => field.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
    page.click("#journal-form button[type=submit]")


def actions(page: Page) -> set[str | None]:
    return {row.get_attribute("data-action") for row in page.locator("#journal-table tr[data-action]").all()}


def check_proof(page: Page, demo: Demo, folder: Path) -> None:
    """By the program that came with it.  The worker has put the lines into the log by now, or does in a moment."""
    for _ in range(40):
        answer = page.request.get(page.url.replace("/journal/?", "/journal/export.zip?"))
        if answer.headers["content-type"] == "application/zip":
            break
        page.wait_for_timeout(250)
    export = folder / "journal.zip"
    export.write_bytes(answer.body())
    archive = zipfile.ZipFile(export)
    (folder / "verify.py").write_bytes(archive.read("verify.py"))
    logs = {each.split("/")[1] for each in archive.namelist() if each.startswith("log/")}
    known = dict(line.split(" ", 1) for line in demo.manage("shell", "-c", KEYS).splitlines() if " " in line)
    keys = [word for log in logs for word in ("--key", known[log])]
    command = [sys.executable, "-I", str(folder / "verify.py"), str(export), *keys]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stdout
