"""A member corrects a number, meets somebody else's change, and shows another photo; the directory says so too."""

import base64
import os
import signal
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Page, expect

from demo.slapd import EmbeddedDirectory
from directory import pictures
from directory.pictures import Frame
from tests.journeys.test_main_job import look
from tests.support.demo import Demo, Visitor

pytestmark = pytest.mark.journey
Arrive = Callable[..., Visitor]
# How far down the preview is looked at, in its middle.
DOWN = (0.02, 0.25, 0.5, 0.75, 0.98)
CORNERS = """() => {
  const canvas = document.querySelector("#photo-try canvas");
  return [0.02, 0.25, 0.5, 0.75, 0.98].map((at) =>
    [...canvas.getContext("2d").getImageData(canvas.width / 2, Math.round(canvas.height * at), 1, 1).data.slice(0, 3)]);
}"""
MINE, THEIRS = "06 39 98 77 66", "06 39 98 55 55"


class Office:
    """Somebody who keeps a member's entry with another tool than the hub, and puts it back as it was."""

    def __init__(self, demo: Demo, role: str) -> None:
        self.server = EmbeddedDirectory(demo.data / "slapd")
        self.server.port = urlsplit(demo.told["ldap"]["uri"]).port or 0
        login, _password = demo.account(role)
        told = self.server.search("-b", self.server.base, f"(uid={login})", "1.1")
        self.dn = told.splitlines()[0].removeprefix("dn: ")
        self.before = {name: self.read(name) for name in ("mobile", "title", "l", "postalAddress", "jpegPhoto")}

    def put_back(self) -> None:
        for name, values in self.before.items():
            self.write(name, values)

    def write(self, attribute: str, values: list[str]) -> None:
        encoded = values if attribute == "jpegPhoto" else [base64.b64encode(each.encode()).decode() for each in values]
        lines = "".join(f"{attribute}:: {value}\n" for value in encoded)
        self.server.modify(f"dn: {self.dn}\nchangetype: modify\nreplace: {attribute}\n{lines}")

    def read(self, attribute: str) -> list[str]:
        """As ``ldapsearch`` prints it, text that is not ASCII decoded, a photo as it is."""
        told = self.server.search("-b", self.dn, "-s", "base", "(objectClass=*)", attribute)
        found = [line.removeprefix(attribute) for line in told.splitlines() if line.startswith(f"{attribute}:")]
        if attribute == "jpegPhoto":
            return [value.removeprefix(":: ") for value in found]
        return [
            base64.b64decode(value[3:]).decode() if value.startswith(":: ") else value.removeprefix(": ")
            for value in found
        ]


@pytest.fixture
def office_of(demo: Demo) -> Iterator[Callable[[str], Office]]:
    offices: list[Office] = []

    def keep(role: str) -> Office:
        offices.append(Office(demo, role))
        return offices[-1]

    yield keep
    for office in offices:
        office.put_back()


def portrait(folder: Path) -> Path:
    """A face, as far as circles make one, on a picture as wide as those of telephones."""
    image = Image.new("RGB", (1600, 1200), (163, 202, 221))
    pen = ImageDraw.Draw(image)
    pen.ellipse((550, 650, 1050, 1500), fill=(157, 33, 57))
    pen.ellipse((620, 200, 980, 640), fill=(240, 200, 170))
    image.save(folder / "portrait.jpg", quality=90)
    return folder / "portrait.jpg"


def banded(folder: Path) -> Path:
    """Every height of it has its colour, and it was taken with the telephone held upright (Exif 2.32 §4.6.4)."""
    image = Image.linear_gradient("L").resize((600, 1200)).convert("RGB").transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[pictures.ORIENTATION] = 6
    image.save(folder / "banded.jpg", quality=95, exif=exif)
    return folder / "banded.jpg"


def colour(image: Image.Image, down: int) -> tuple[int, ...]:
    """In the middle, so far down."""
    middle = image.width // 2
    return tuple(image.crop((middle, down, middle + 1, down + 1)).tobytes())


def close(one: list[list[int]], other: list[tuple[int, ...]]) -> bool:
    return all(abs(a - b) < 8 for left, right in zip(one, other, strict=True) for a, b in zip(left, right, strict=True))


def save(page: Page) -> None:
    page.click("#details-form button[type=submit]")


@pytest.mark.parametrize(
    ("role", "locale", "width", "dark"),
    [
        ("member", "fr-FR", 360, False),
        ("lead", "fr-FR", 1280, True),
        ("office", "en-GB", 360, True),
        ("technician", "en-GB", 1280, False),
    ],
)
def test_a_member_corrects_their_details_and_meets_somebody_elses_change(
    demo: Demo,
    visit: Arrive,
    office_of: Callable[[str], Office],
    tmp_path: Path,
    role: str,
    locale: str,
    width: int,
    dark: bool,
) -> None:
    office = office_of(role)
    visitor = visit(width=width, locale=locale, dark=dark)
    page, name = visitor.page, f"{locale[:2]}-{width}-{'dark' if dark else 'light'}-details"
    visitor.sign_in(demo, role)

    # From « Mes données » to the form: what is there, what may be corrected, whom to ask for the rest.
    page.goto(demo.hub + "/mes-donnees/")
    page.click("#correct")
    expect(page.locator("#fixed")).to_contain_text("@alizarine.example")
    look(visitor, f"{name}-1-page")

    # A number that nobody could dial is said beside its field, and nothing else is lost.
    page.fill("#id_mobile", "voir avec Léa")
    page.fill("#id_trade", "Relieuse d’art")
    save(page)
    expect(page.locator("#id_mobile")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#id_trade")).to_have_value("Relieuse d’art")
    look(visitor, f"{name}-2-unreadable")

    # Corrected: in the directory as any other tool reads it, and on the page.
    page.fill("#id_mobile", MINE)
    expect(page.locator("#photo-try")).to_be_hidden()
    page.set_input_files("#id_photo", banded(tmp_path))
    expect(page.locator("#photo-try")).to_be_visible()
    look(visitor, f"{name}-2-photo-chosen")
    previews = []
    for along, share in (("", ""), ("0", "0.5"), ("1", "0.5"), ("1", "")):
        page.select_option("#id_photo_along", along)
        page.select_option("#id_photo_share", share)
        previews.append(page.evaluate(CORNERS))
        # As the server will crop it, to the eye.
        kept = pictures.read(banded(tmp_path).read_bytes(), Frame(float(along or 0.35), float(share or 1))).image
        assert close(previews[-1], [colour(kept, round(kept.height * at)) for at in DOWN]), (along, share)
    assert len({str(each) for each in previews}) == 4
    page.select_option("#id_photo_along", "")
    page.set_input_files("#id_photo", portrait(tmp_path))
    save(page)
    expect(page.locator(".notices .notice--success")).to_be_visible()
    expect(page.locator("#id_mobile")).to_have_value(MINE)
    assert office.read("mobile") == [MINE]
    assert Image.open(BytesIO(base64.b64decode(office.read("jpegPhoto")[0]))).size == (512, 512)
    shown = page.locator("img.portrait")
    expect(shown).to_be_visible()
    assert shown.evaluate("image => image.naturalWidth") == 256
    look(visitor, f"{name}-3-saved")

    # Between opening and saving, somebody else writes another number.
    office.write("mobile", [THEIRS])
    page.fill("#id_mobile", "06 39 98 44 44")
    page.fill("#id_town", "Sète")
    save(page)
    expect(page.locator("#clashes")).to_contain_text("55")
    expect(page.locator("#clashes")).to_contain_text("06 39 98 44 44")
    expect(page.locator("#id_town")).to_have_value("Sète")
    assert office.read("mobile") == [THEIRS]
    look(visitor, f"{name}-4-conflict")
    page.check("#clashes input[value=mine]")
    save(page)
    expect(page.locator(".notices .notice--success")).to_be_visible()
    assert office.read("mobile") == ["06 39 98 44 44"]
    assert office.read("title") == ["Relieuse d’art"]

    # The photo goes everywhere.
    page.check("#id_remove_photo")
    save(page)
    expect(page.locator("img.portrait")).to_have_count(0)
    assert office.read("jpegPhoto") == []
    look(visitor, f"{name}-5-no-photo")


def test_it_works_without_scripts_and_with_the_keyboard(
    demo: Demo, visit: Arrive, office_of: Callable[[str], Office]
) -> None:
    office = office_of("dpo")
    visitor = visit(width=1280, locale="fr-FR", scripts=False)
    page = visitor.page
    visitor.sign_in(demo, "dpo")
    page.goto(demo.hub + "/compte/coordonnees/")

    office.write("mobile", [THEIRS])
    page.fill("#id_mobile", MINE)
    page.keyboard.press("Enter")
    expect(page.locator("#clashes")).to_be_visible()
    page.focus("#clashes input[value=theirs]")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")

    expect(page.locator(".notices")).to_be_visible()
    expect(page.locator("#id_mobile")).to_have_value(THEIRS)
    assert office.read("mobile") == [THEIRS]


def test_a_directory_that_is_away_costs_nobody_what_they_typed(
    demo: Demo, visit: Arrive, office_of: Callable[[str], Office]
) -> None:
    office = office_of("member")
    visitor = visit(width=360, locale="fr-FR")
    page = visitor.page
    visitor.sign_in(demo, "member")
    page.goto(demo.hub + "/compte/coordonnees/")
    page.fill("#id_mobile", MINE)
    page.fill("#id_postal_address", "3 rue du Lez\nBâtiment B")

    server = int((office.server.folder / "slapd.pid").read_text())
    os.kill(server, signal.SIGSTOP)
    try:
        save(page)
        expect(page.locator("#refusal")).to_contain_text("Pas enregistré", timeout=20_000)
        expect(page.locator("#id_mobile")).to_have_value(MINE)
        expect(page.locator("#id_postal_address")).to_have_value("3 rue du Lez\nBâtiment B")
        look(visitor, "fr-360-light-details-6-away")
    finally:
        os.kill(server, signal.SIGCONT)

    # As the page says: wait a moment, then save again.
    for _ in range(8):
        page.wait_for_timeout(3_000)
        save(page)
        if not page.locator("#refusal").count():
            break
    expect(page.locator(".notices .notice--success")).to_be_visible()
    assert office.read("mobile") == [MINE]
