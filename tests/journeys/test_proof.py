"""A partner's computer becomes a witness of a hub that runs; the officer confirms it, and the hub stops asking."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from audit import verify
from audit.note import VerifierKey, open_note
from tests.journeys.test_main_job import look
from tests.support.demo import Demo, Visitor

pytestmark = pytest.mark.journey
Arrive = Callable[..., Visitor]


def witness(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-I", verify.__file__, "witness", *arguments, "--lang", "en"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(("locale", "width", "dark"), [("fr-FR", 360, False), ("en-GB", 1280, True)])
def test_somebody_outside_keeps_the_journal(demo: Demo, visit: Arrive, tmp_path: Path, locale, width, dark):
    key = VerifierKey.parse(witness(tmp_path, "--new-key", "cle", "--name", f"garance.example/{width}{locale}").strip())
    visitor = visit(locale=locale, width=width, dark=dark)
    page = visitor.page
    name = f"proof-{locale}-{width}"

    visitor.sign_in(demo, "dpo")
    look(visitor, f"{name}-1-nagged")
    nagged = page.locator("#kept-nowhere").count() == 1
    page.goto(f"{demo.hub}/journal/preuve/")
    look(visitor, f"{name}-2-before")
    page.fill("#id_owner", "Coopérative Garance, Béziers")
    page.fill("#id_key", key.text)
    page.click("#witness-form button[type=submit]")
    row = page.locator(f'[data-witness="{key.name}"]')
    expect(row).to_be_visible()

    seen = witness(tmp_path, f"{demo.hub}/audit", "--state", "vu", "--witness-key", "cle", "--post")
    row.locator('form[action$="/confiance/"] button').click()

    expect(row.locator(".badge--ok")).to_be_visible()
    expect(page.locator("#kept-nowhere")).to_have_count(0)
    look(visitor, f"{name}-3-kept")
    for note in verify.notes_in(seen):
        assert open_note(note, key).checkpoint.size > 0
    page.goto(f"{demo.hub}/journal/preuve/releves/")
    look(visitor, f"{name}-4-checkpoints")
    page.emulate_media(media="print")
    look(visitor, f"{name}-5-printed")
    expect(page.locator(".masthead")).to_be_hidden()
    page.emulate_media(media="screen")
    page.goto(f"{demo.hub}/journal/preuve/")
    page.locator(f'[data-witness="{key.name}"] form[action$="/retrait/"] button').click()
    expect(page.locator("#kept-nowhere")).to_have_count(int(nagged))
    assert visitor.problems == []
