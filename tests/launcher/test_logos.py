"""Logos of tools: what is taken in, how it is served."""

import re
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from audit.models import Event
from audit.types import Action
from directory.models import RoleGrant
from directory.types import Role
from launcher.models import Logo
from tests.directory.test_pictures import bomb, picture
from tests.launcher.test_home import new_tool, page
from tests.support.cast import make_member
from tests.support.oidc import sign_in

pytestmark = pytest.mark.django_db
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'


@pytest.fixture
def office(db) -> Client:
    person = make_member("karim.x", "Karim X")
    RoleGrant.objects.create(member=person, role=Role.OFFICE)
    return sign_in(person)


def give(browser: Client, raw: bytes, name: str = "logo.png"):
    return browser.post("/accueil/outils/louty/logo/", {"logo": SimpleUploadedFile(name, raw)})


def drawn(size: tuple[int, int], colour: tuple[int, int, int, int]) -> bytes:
    out = BytesIO()
    Image.new("RGBA", size, colour).save(out, "PNG")
    return out.getvalue()


def address(html: str) -> str:
    return re.findall(r'src="(/logos/[0-9a-f]{64}\.webp)"', html)[0]


def test_a_logo_stands_on_the_tile_at_an_address_of_its_content(office: Client) -> None:
    new_tool("louty")

    answer = give(office, drawn((400, 100), (200, 0, 0, 255)))

    assert answer.status_code == 302
    html = page(office)
    served = office.get(address(html))
    assert served["Content-Type"] == "image/webp"
    assert served["Cache-Control"] == "private, max-age=31536000, immutable"
    assert 'class="monogram" data-hue' not in html
    assert re.search(r'<img class="monogram[^>]*width="128" height="128"', html), "its place is kept while it loads"


def test_the_whole_of_it_is_shown_on_a_white_square(office: Client) -> None:
    new_tool("louty")
    give(office, drawn((400, 100), (200, 0, 0, 255)))

    kept = Image.open(BytesIO(bytes(Logo.objects.get().content))).convert("RGB")

    assert kept.size == (128, 128)
    assert kept.getpixel((64, 4)) == pytest.approx((255, 255, 255), abs=3)
    assert kept.getpixel((3, 64)) == pytest.approx((200, 0, 0), abs=8)
    assert kept.getpixel((124, 64)) == pytest.approx((200, 0, 0), abs=8)


def test_another_logo_has_another_address_and_the_old_one_is_gone(office: Client) -> None:
    new_tool("louty")
    give(office, drawn((90, 90), (200, 0, 0, 255)))
    before = address(page(office))

    give(office, drawn((90, 90), (0, 0, 200, 255)))

    assert address(page(office)) != before
    assert office.get(before).status_code == 404


def test_nothing_of_the_file_itself_is_kept(office: Client) -> None:
    new_tool("louty")

    give(office, picture(comment=b"<script>alert(1)</script>"), "logo.jpg")

    assert b"script" not in bytes(Logo.objects.get().content)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (SVG, "unreadable"),
        (b"GIF89a\x01\x00\x01\x00", "unreadable"),
        (b"", "unreadable"),
        (b"\x89PNG" + b"\0" * 2_000_000, "too_heavy"),
        (bomb(6000, 6000), "too_large"),
    ],
    ids=["svg", "gif", "empty", "heavy", "bomb"],
)
def test_what_is_no_logo_is_refused_with_words_and_a_line(office: Client, raw: bytes, reason: str) -> None:
    new_tool("louty")

    answer = give(office, raw)

    assert answer.status_code == 422
    assert 'id="id_logo_error"' in answer.content.decode()
    assert not Logo.objects.exists()
    line = Event.objects.get(action=Action.TOOL_CHANGED)
    assert (line.refused, line.reason) == (True, reason)


def test_without_its_logo_a_tool_has_letters_again(office: Client) -> None:
    new_tool("louty")
    give(office, drawn((90, 90), (200, 0, 0, 255)))

    office.post("/accueil/outils/louty/logo/", {"remove": "1"})

    assert 'class="monogram" data-hue' in page(office)
    assert Event.objects.filter(action=Action.TOOL_CHANGED, reason="shown").count() == 2


def test_a_logo_is_for_whoever_is_signed_in(office: Client, client: Client) -> None:
    new_tool("louty")
    give(office, drawn((90, 90), (200, 0, 0, 255)))

    assert client.get(address(page(office))).status_code == 302


def test_members_give_no_logo(office: Client) -> None:
    new_tool("louty")

    answer = give(sign_in(make_member("amelie.x", "Amélie X")), drawn((90, 90), (200, 0, 0, 255)))

    assert answer.status_code == 403
    assert not Logo.objects.exists()
    assert Event.objects.filter(action=Action.ACCESS_REFUSED).count() == 1
