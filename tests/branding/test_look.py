"""The look of the cooperative: chosen on a page, refused where it cannot be read, shown everywhere, given up again."""

from io import BytesIO

import pytest
from django.conf import settings
from django.core import mail as django_mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, InterfaceError, OperationalError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from audit.models import Event
from audit.types import SYSTEM, Action
from branding import selectors, services
from branding.models import Look
from branding.types import LookRefused
from directory.models import RoleGrant
from directory.types import Role
from idp.services.accounts import mails
from tests.support.cast import browser_of, make_member

WOAD, MOSS = "#1d4e89", "#3f5a2a"
NOTHING = {"name_fr": "", "name_en": "", "short_name": "", "accent": "", "second": ""}
CHOSEN = {
    "name_fr": "Coopérative des Tisserands",
    "name_en": "Weavers’ Cooperative",
    "short_name": "Tisserands",
    "accent": WOAD,
    "second": MOSS,
}


def picture(size: tuple[int, int] = (300, 100), kind: str = "PNG", **options: object) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, (10, 80, 160)).save(out, kind, **options)
    return out.getvalue()


def change(**values: object) -> bool:
    return services.change(**{**CHOSEN, **values}, actor=SYSTEM, now=timezone.now())  # type: ignore[arg-type]


def lines() -> list[tuple[bool, str, list[str]]]:
    events = Event.objects.filter(action=Action.LOOK_CHANGED).order_by("pk")
    return [(each.refused, each.reason, each.facts["properties"]) for each in events]


@pytest.fixture
def technician(db) -> Client:
    person = make_member("iban.technique", "Iban Technique")
    RoleGrant.objects.create(member=person, role=Role.TECHNICIAN)
    return browser_of(person)


def test_what_was_chosen_is_one_line_of_the_journal_and_the_same_again_is_none(db) -> None:
    assert change() is True
    assert change() is False

    assert lines() == [(False, "", ["accent", "name_en", "name_fr", "second", "short_name"])]
    assert Event.objects.get(action=Action.LOOK_CHANGED).facts["changes"]["accent"] == ["", WOAD]


@pytest.mark.parametrize("field", ["accent", "second"])
def test_a_colour_that_cannot_be_read_is_refused_with_the_nearest(db, field: str) -> None:
    with pytest.raises(LookRefused) as refused:
        change(**{field: "#ffcc00"})

    assert (refused.value.reason, refused.value.field) == ("colour_weak", field)
    assert refused.value.nearest == "#7f6500"
    assert lines() == [(True, "colour_weak", [field])]
    assert not Look.objects.exists()


def test_what_is_no_colour_is_refused(db) -> None:
    with pytest.raises(LookRefused, match="colour_unreadable"):
        change(second="red")

    assert lines() == [(True, "colour_unreadable", ["second"])]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "unreadable"),
        (picture(kind="GIF"), "unreadable"),
        (picture((6000, 6000), "PNG"), "too_large"),
        (b"\x89PNG" + bytes(2_000_001), "too_heavy"),
    ],
)
def test_a_logo_that_is_no_picture_of_three_kinds_within_limits_is_refused(db, content: bytes, reason: str) -> None:
    with pytest.raises(LookRefused, match=reason):
        change(logo=content)

    assert lines() == [(True, reason, ["logo"])]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_logo_is_made_anew_and_nothing_else_of_its_file_comes_along(db, kind: str) -> None:
    secret = Image.Exif()
    secret[0x010E] = "canari-exif"

    change(logo=picture((1200, 400), kind, exif=secret))

    kept = selectors.logo()
    with Image.open(BytesIO(kept)) as made:
        assert (made.format, made.size) == ("PNG", (576, 192))
    assert b"canari" not in kept


def test_a_logo_stays_until_it_is_taken_away(db) -> None:
    change(logo=picture())
    change(short_name="Tissu")
    assert selectors.logo()

    change(short_name="Tissu", logo=b"")

    assert not selectors.logo()
    assert lines()[-1] == (False, "", ["logo"])


def test_pages_show_the_name_the_logo_and_the_colours(technician: Client) -> None:
    change(logo=picture())
    look = selectors.shown()

    html = technician.get("/").content.decode()

    assert "Coopérative des Tisserands" in html
    assert f'href="/identite/{look.digest}/couleurs.css"' in html
    assert f'src="/identite/{look.digest}/logo.png"' in html
    assert f'content="{WOAD}"' in html
    style = technician.get(f"/identite/{look.digest}/couleurs.css")
    assert f"--accent:light-dark({WOAD}," in style.content.decode()
    assert style["Cache-Control"] == "public, max-age=31536000, immutable"


def test_english_pages_have_the_english_name(technician: Client) -> None:
    change()

    html = technician.get("/", headers={"accept-language": "en"}).content.decode()

    assert "Weavers’ Cooperative" in html


def test_an_address_of_another_look_gives_nothing(technician: Client) -> None:
    change(logo=picture())
    old = selectors.shown().digest
    change(accent=MOSS)

    for name in ("couleurs.css", "logo.png", "icone-192-rond.png"):
        assert technician.get(f"/identite/{old}/{name}").status_code == 404
        assert technician.get(f"/identite/{selectors.shown().digest}/{name}").status_code == 200


@pytest.mark.parametrize("kind", ["rond", "plein"])
@pytest.mark.parametrize("logo", [None, picture((40, 400))])
def test_the_icon_is_square_whatever_the_logo(technician: Client, kind: str, logo: bytes | None) -> None:
    change(logo=logo)

    answer = technician.get(f"/identite/{selectors.shown().digest}/icone-192-{kind}.png")

    with Image.open(BytesIO(answer.content)) as icon:
        assert icon.size == (192, 192)
        assert (icon.getpixel((0, 0))[3] == 255) == (kind == "plein")


def test_without_a_choice_no_style_is_asked_for(technician: Client) -> None:
    html = technician.get("/").content.decode()

    assert "couleurs.css" not in html
    assert "favicon" in html


def test_mails_bear_the_name_in_the_language_of_whoever_gets_them(db) -> None:
    change()

    texts = [mails.rendered("reset_help", make_member(f"m{lang}", "M", language=lang), {})[1] for lang in ("fr", "en")]

    assert "Coopérative des Tisserands" in texts[0]
    assert "Weavers’ Cooperative" in texts[1]
    assert django_mail.outbox == []


def test_an_error_page_needs_no_database(technician: Client, django_assert_num_queries) -> None:
    change()
    selectors.shown()

    with django_assert_num_queries(0):
        assert selectors.last_shown().name("fr") == "Coopérative des Tisserands"


def test_it_is_read_once_in_a_few_seconds(db, django_assert_num_queries) -> None:
    selectors.forget()

    with django_assert_num_queries(1):
        selectors.shown()
        selectors.shown()


def test_the_form_saves_and_says_so(technician: Client) -> None:
    logo = SimpleUploadedFile("logo.png", picture(), "image/png")

    answer = technician.post(reverse("idp:look"), {**CHOSEN, "logo": logo}, follow=True)

    assert "C’est enregistré." in answer.content.decode()
    assert Look.objects.get().short_name == "Tisserands"
    assert selectors.logo()


def test_the_first_colours_are_no_choice(technician: Client) -> None:
    technician.post(reverse("idp:look"), {**CHOSEN, "accent": selectors.ACCENT, "second": selectors.SECOND})

    assert Look.objects.get().accent == ""
    assert not selectors.shown().has_own_colours


def test_an_empty_name_shows_the_one_that_stands_for_it(technician: Client) -> None:
    html = technician.get(reverse("idp:look")).content.decode()

    assert f'placeholder="{settings.COOPERATIVE}"' in html


def test_the_form_refuses_with_the_nearest_and_takes_it_at_a_press(technician: Client) -> None:
    answer = technician.post(reverse("idp:look"), {**CHOSEN, "accent": "#ffcc00"})

    html = answer.content.decode()
    assert answer.status_code == 422
    assert "Cette couleur se lit mal" in html
    assert '<a href="#id_accent">Couleur principale</a>' in html[html.index('id="wrong"') : html.index("<form class")]
    assert 'name="take_accent" value="#7f6500"' in html
    assert "Coopérative des Tisserands" in html

    taken = technician.post(reverse("idp:look"), {**CHOSEN, "accent": "#ffcc00", "take_accent": "#7f6500"})

    assert 'value="#7f6500"' in taken.content.decode()
    assert not Look.objects.exists()


def test_a_look_is_tried_without_being_saved(technician: Client) -> None:
    answer = technician.post(reverse("idp:look"), {**CHOSEN, "try": "1"})

    assert f"essai.css?accent=%23{WOAD[1:]}" in answer.content.decode()
    assert not Look.objects.exists()
    assert lines() == []


def test_a_try_takes_colours_and_nothing_else_into_the_style(technician: Client) -> None:
    style = technician.get(reverse("idp:look_try_style"), {"accent": "red}body{display:none", "second": MOSS})

    assert "display" not in style.content.decode()
    assert MOSS in style.content.decode()


def test_back_to_the_first_look_keeps_nothing(technician: Client) -> None:
    change(logo=picture())

    technician.post(reverse("idp:look_restore"))

    assert not Look.objects.exists()
    assert selectors.cooperative() == "Coopérative Alizarine"
    assert "logo" in lines()[-1][2]
    technician.post(reverse("idp:look_restore"))
    assert len(lines()) == 2


def test_there_is_one_look_at_most(db) -> None:
    change()

    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE branding_look SET id = 2")


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_while_the_database_is_away_pages_show_what_they_showed_last(db, monkeypatch, error) -> None:
    change()
    before = selectors.shown()

    def away() -> None:
        raise error

    monkeypatch.setattr(selectors, "row", away)
    selectors.renew()

    assert selectors.shown() == before
    selectors.forget()
    assert selectors.shown() == selectors.shown_of(None), "nothing was shown yet"
