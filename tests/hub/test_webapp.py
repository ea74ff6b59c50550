"""The hub on a telephone: what is offered to be installed, and what is kept there."""

import json
import re
from io import BytesIO

import pytest
from django.test import Client
from PIL import Image

from audit.types import SYSTEM
from branding import services
from directory.models import Member
from tests.support.cast import MONDAY, browser_of


def worker(browser: Client) -> tuple[str, list[str]]:
    script = browser.get("/service-worker.js").content.decode()
    cache, kept = re.search(r'CACHE = "(.*?)";\nconst KEPT = (\[.*?\]);', script).groups()  # type: ignore[union-attr]
    return cache, json.loads(kept)


def manifest(**headers: str) -> dict[str, object]:
    answer = Client().get("/manifest.webmanifest", headers=headers)
    assert answer["Content-Type"] == "application/manifest+json"
    return json.loads(answer.content)


def choose(**values: str) -> None:
    chosen = {"name_fr": "Les Tisserands", "name_en": "", "short_name": "Tissu", "accent": "", "second": ""}
    services.change(**{**chosen, **values}, actor=SYSTEM, now=MONDAY)


def test_the_manifest_names_the_cooperative_and_every_icon_is_there(db) -> None:
    choose(accent="#1d4e89", second="#3f5a2a")

    told = manifest()

    assert (told["name"], told["short_name"]) == ("Trousseau · Les Tisserands", "Tissu")
    assert (told["theme_color"], told["start_url"], told["lang"]) == ("#1d4e89", "/", "fr")
    for icon in told["icons"]:  # type: ignore[attr-defined]
        answer = Client().get(icon["src"])
        with Image.open(BytesIO(answer.content)) as drawn:
            assert f"{drawn.width}x{drawn.height}" == icon["sizes"]


def test_the_manifest_speaks_the_language_of_the_browser(db) -> None:
    assert manifest(**{"accept-language": "en"})["lang"] == "en"


def test_the_offline_page_is_the_same_for_a_member_and_for_nobody(member: Member) -> None:
    page = browser_of(member).get("/hors-ligne/").content

    assert page == Client().get("/hors-ligne/").content
    assert "Vous êtes hors ligne" in page.decode()
    assert "<form" not in page.decode()
    assert "<script" not in page.decode()


def test_the_worker_keeps_the_offline_page_and_files_and_nothing_else(member: Member) -> None:
    _cache, kept = worker(browser_of(member))

    assert kept[0] == "/hors-ligne/"
    assert all(path.startswith(("/static/", "/identite/")) for path in kept[1:])
    assert worker(Client())[1] == kept


def test_what_is_kept_has_another_name_once_any_of_it_is_another(db) -> None:
    before, _ = worker(Client())

    choose()
    named, _ = worker(Client())
    choose(accent="#1d4e89", second="#3f5a2a")
    coloured, kept = worker(Client())

    assert len({before, named, coloured}) == 3
    assert any(path.endswith("couleurs.css") for path in kept)
    for path in kept[3:]:
        assert Client().get(path).status_code == 200


@pytest.mark.parametrize("path", ["/manifest.webmanifest", "/service-worker.js", "/hors-ligne/"])
def test_nobody_needs_a_cookie_for_it(db, path: str) -> None:
    answer = Client().get(path)

    assert answer.status_code == 200
    assert not answer.cookies
    assert "worker-src 'self'" in answer["Content-Security-Policy"]
