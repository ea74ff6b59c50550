"""One frame for every mail: the text, the same text in the cooperative's colours, and nothing from anywhere else."""

import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from io import BytesIO

import pytest
from django.conf import settings
from django.test import override_settings
from PIL import Image

from audit.types import SYSTEM
from branding import colours, services
from idp.services.accounts import letters, mails
from idp.services.accounts.letters import Block, Piece
from idp.services.accounts.mails import Attachment
from idp.types import MailKind
from tests.support.cast import MONDAY
from tests.support.smtp import Post, post_office

SMTP = "django.core.mail.backends.smtp.EmailBackend"
LINK = "https://hub.example/lien/canari?a=1&b=2"


@pytest.fixture
def post() -> Iterator[Post]:
    with post_office() as server, override_settings(EMAIL_BACKEND=SMTP, EMAIL_HOST="127.0.0.1", EMAIL_PORT=server.port):
        yield server


def arrived(post: Post) -> EmailMessage:
    assert mails.send_due(now=MONDAY) == 1
    return message_from_bytes(post.taken[-1].encode(), _class=EmailMessage, policy=policy.default)


def part(message: EmailMessage, kind: str) -> str:
    found = message.get_body((kind,))
    assert found is not None
    return str(found.get_content()).replace("\r\n", "\n")


def picture(size: tuple[int, int], colour: str = "#101010") -> bytes:
    out = BytesIO()
    Image.new("RGBA", size, colour).save(out, "PNG")
    return out.getvalue()


def chosen(**more: object) -> None:
    values = {"name_fr": "Les Tisserands", "name_en": "The Weavers", "short_name": "", "accent": "", "second": ""}
    services.change(**(values | more), actor=SYSTEM, now=MONDAY)  # type: ignore[arg-type]


def test_a_mail_is_its_text_and_the_same_text_as_a_page(member, post):
    body = f"Bonjour,\n\nOuvrez ce lien :\n{LINK}\n\n- un\n- deux\n\n-- \nLes Tisserands\nhttps://hub.example/\n"
    mails.queue_text(kind=MailKind.RESET, member=member, subject="Objet été", body=body, now=MONDAY)

    message = arrived(post)

    assert part(message, "plain") == body
    page = part(message, "html")
    assert page.count("<h1>Objet été</h1>") == 1
    assert "<ul><li>un</li><li>deux</li></ul>" in page
    assert set(re.findall(r'href="([^"]+)"', page)) == {LINK.replace("&", "&amp;"), "https://hub.example/"}
    # The signature stands at the end, once.
    assert page.count("Les Tisserands") == 1
    assert "-- " not in page


def test_nothing_in_it_is_fetched_and_nothing_runs(member, post):
    mails.queue(kind=MailKind.RESET, template="account_resumed", member=member, now=MONDAY)

    message = arrived(post)

    page = part(message, "html")
    sources = re.findall(r'src="([^"]+)"', page)
    numbers = [str(each["Content-ID"]).strip("<>") for each in message.walk() if each["Content-ID"]]
    assert sources == [f"cid:{number}" for number in numbers]
    assert len(numbers) == 1
    for word in ("<script", "url(", "@import", "<link", "javascript:", "onload"):
        assert word not in page
    shown = next(each for each in message.walk() if each["Content-ID"])
    assert shown.get_content_disposition() == "inline"
    assert Image.open(BytesIO(shown.get_payload(decode=True))).format == "PNG"
    assert message.get_content_type() == "multipart/related"


def test_what_somebody_wrote_is_words_and_never_a_page(member, post):
    wicked = '<img src=x onerror=alert(1)>\n"https://canari.example/"><script>alert(1)</script>\njavascript:alert(1)'
    mails.queue_text(kind=MailKind.CONTACT, member=member, subject="<b>Objet</b>", body=wicked, now=MONDAY)

    page = part(arrived(post), "html")

    assert "<script" not in page
    assert page.count("<img") == 1
    assert "<b>" not in page
    assert 'href="https://canari.example/"' in page
    assert page.count("href=") == 1


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "Voir https://hub.example/a.",
            (Piece("Voir "), Piece("https://hub.example/a", "https://hub.example/a"), Piece(".")),
        ),
        ("Écrivez : bureau@a.example", (Piece("Écrivez : "), Piece("bureau@a.example", "mailto:bureau@a.example"))),
        ("bureau 3, cnil.fr", (Piece("bureau 3, cnil.fr"),)),
        ("ftp://a.example", (Piece("ftp://a.example"),)),
    ],
)
def test_links_are_those_that_the_text_shows(line, expected):
    assert letters.pieces(line) == expected


def test_paragraphs_lists_and_lonely_addresses_are_told_apart():
    found = letters.blocks("Un :\nhttps://a.example/\ndeux\n\n– trois\n– quatre")

    assert [block.kind for block in found] == ["lines", "way", "lines", "list"]
    assert found[3] == Block("list", ((Piece("trois"),), (Piece("quatre"),)))


@pytest.mark.spec("RFC 3676", "4.5")
def test_what_is_quoted_is_a_quotation_whatever_it_says():
    said = letters.quoted("https://a.example/\n\n> b\u2028- c\r\n-- \nd")

    assert said == "> https://a.example/\n>\n> > b\n> - c\n> --\n> d"
    (found,) = letters.blocks(said)
    assert found.kind == "quote"
    assert ["".join(piece.text for piece in line) for line in found.lines] == [
        *("https://a.example/", "", "> b", "- c", "--", "d")
    ]


def test_a_long_line_of_nothing_is_read_at_once():
    assert letters.pieces("a" * 200_000 + "@") == (Piece("a" * 200_000 + "@"),)


def test_the_look_is_the_cooperatives_and_can_be_read_in_both_themes(member, post, db):
    accent, second = "#1d5c4a", "#6a3d12"
    chosen(accent=accent, second=second, logo=picture((400, 100)))
    mails.queue(kind=MailKind.RESET, template="account_resumed", member=member, now=MONDAY)

    message = arrived(post)

    page = part(message, "html")
    assert {accent, second, colours.shades_of(accent).dark, colours.shades_of(second).dark} <= set(
        re.findall(r"#[0-9a-f]{6}", page)
    )
    for colour in (accent, second):
        shades = colours.shades_of(colour)
        assert colours.contrast(shades.light, colours.LIGHT["surface"]) >= 4.5
        assert colours.contrast(shades.light, shades.wash_light) >= 4.5
        assert colours.contrast(shades.dark, colours.DARK["surface"]) >= 4.5
        assert colours.contrast(shades.dark, shades.wash_dark) >= 4.5
    shown = next(each for each in message.walk() if each["Content-ID"])
    mark = Image.open(BytesIO(shown.get_payload(decode=True))).convert("RGBA")
    # On paper: a dark logo on a dark page is read as well.
    assert mark.getpixel((mark.width // 2, 3))[:3] == (255, 253, 249)
    assert mark.width > 2 * mark.height
    assert f'width="{round(mark.width / 2)}" height="{round(mark.height / 2)}"' in page


@pytest.mark.parametrize(
    ("language", "why"), [("fr", "Vous recevez cet e-mail parce que"), ("en", "You receive this email")]
)
def test_every_mail_ends_with_whose_it_is_why_it_comes_and_where_the_hub_is(member, post, db, language, why):
    chosen()
    member.language = language
    mails.queue(kind=MailKind.RESET, template="account_resumed", member=member, now=MONDAY)

    message = arrived(post)

    signature = part(message, "plain").partition("\n-- \n")[2].splitlines()
    assert signature[0] == {"fr": "Les Tisserands", "en": "The Weavers"}[language]
    assert signature[1].startswith(why)
    assert signature[-1] == f"{settings.ORIGIN}/"
    assert f'<html lang="{language}">' in part(message, "html")


def test_who_is_written_to_for_a_charge_is_told_so(member):
    told = mails.rendered("role_office", member, {"given": True, "role": "x"}, language="fr")[1]

    assert "à cause de votre rôle" in told
    assert "vous avez un compte" not in told


def test_files_to_keep_stand_beside_the_page_and_no_picture_among_them(member, post):
    files = (Attachment("releves.txt", "text/plain", b"relev"),)
    mails.queue_text(kind=MailKind.RESET, member=member, subject="a", body="b\n", now=MONDAY, files=files)

    message = arrived(post)

    assert message.get_content_type() == "multipart/mixed"
    assert [each.get_filename() for each in message.iter_attachments()] == ["releves.txt"]
    assert "<img" not in part(message, "html")


def test_every_template_leaves_the_end_to_the_signature():
    folder = settings.BASE_DIR / "idp/templates/idp/mail"
    names = {path.stem for path in folder.glob("*.txt")} - {"signature"}

    assert names >= mails.FOR_STAFF
    for name in names:
        text = (folder / f"{name}.txt").read_text(encoding="utf-8")
        assert not re.search(r"^\{\{ cooperative \}\}$", text, re.MULTILINE), name
