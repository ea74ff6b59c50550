"""How a mail looks: its text is the truth, and beside it stands the same text in the cooperative's colours.

Every mail of the hub is built here.  The HTML is made of the text, so that neither says what the other does not; its
only picture travels with it, and nothing in it is fetched from anywhere.

What somebody else wrote stands in it as a quotation, and never looks like the hub's own call to do something.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from email.mime.image import MIMEImage
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from branding import colours, icons
from branding import selectors as branding

# RFC 3676 §4.3: what mail programs know a signature by.
SIGNATURE = "\n\n-- \n"
BULLETS = ("- ", "– ")
# RFC 3676 §4.5: what mail programs know a quotation by; an empty line of it has no space.
QUOTE, QUOTED = ">", "> "
# The links that the text shows, and no other: a name that only looks like a host stays a name.
LINK = re.compile(r"https?://[^\s<>\"«»]+|[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+")
TRAILING = ".,;:!?)'’"
MARK_HEIGHT = 56


@dataclass(frozen=True, slots=True)
class Piece:
    """Words of a line; with an address where they are a link, which is then all that they say."""

    text: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """``kind``: "lines", "list", "quote", or "way" for an address that stands alone on its line."""

    kind: str
    lines: tuple[tuple[Piece, ...], ...]


class _Related(EmailMultiAlternatives):
    """RFC 2387: what is attached belongs to the page."""

    mixed_subtype = "related"


def letter(
    *,
    subject: str,
    body: str,
    language: str,
    to: str,
    reply_to: str,
    headers: Mapping[str, str],
    files: Sequence[tuple[str, bytes, str]] = (),
) -> EmailMultiAlternatives:
    """Ready to leave."""
    look = branding.shown()
    host = urlsplit(settings.ORIGIN).hostname or "localhost"
    # A related part is a piece of the page, which some programs show nowhere else: files that are to be kept go apart,
    # and the mark stays away then.
    mark = None if files else icons.mark(accent=look.accent or branding.ACCENT, logo=branding.logo())
    message = (_Related if mark else EmailMultiAlternatives)(
        subject,
        body,
        settings.DEFAULT_FROM_EMAIL,
        [to],
        reply_to=[reply_to] if reply_to else None,
        headers=dict(headers),
    )
    text, _cut, signature = body.strip().rpartition(SIGNATURE)
    page = {
        "subject": subject,
        "language": language,
        "cooperative": look.name(language),
        "blocks": blocks(text or signature),
        "signature": blocks(signature) if text else (),
        "first": colours.shades_of(look.accent or branding.ACCENT),
        "second": colours.shades_of(look.second or branding.SECOND),
        "light": colours.LIGHT,
        "dark": colours.DARK,
        "mark": mark and {"cid": f"mark@{host}", "height": MARK_HEIGHT, "width": mark.width_at(MARK_HEIGHT)},
    }
    message.attach_alternative(render_to_string("idp/mail/frame.html", page), "text/html")
    if mark:
        # RFC 2392: found by its number in this very mail.
        message.attach(_picture(mark.content, f"mark@{host}"))
    for name, content, media_type in files:
        message.attach(name, content, media_type)
    return message


def quoted(text: str) -> str:
    """What somebody else wrote, for a place of its own in the text of a mail: every line of it, whatever ends it."""
    return "\n".join(f"{QUOTED}{line}".rstrip() for line in text.strip().splitlines())


def blocks(text: str) -> tuple[Block, ...]:
    """Paragraphs, lists and addresses, as the plain text has them."""
    found: list[Block] = []
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        found += _runs(line.rstrip() for line in paragraph.splitlines())
    return tuple(found)


def pieces(line: str) -> tuple[Piece, ...]:
    found: list[Piece] = []
    place = 0
    for match in LINK.finditer(line):
        said = match.group().rstrip(TRAILING)
        found += [Piece(line[place : match.start()])] if match.start() > place else []
        found.append(Piece(said, said if "://" in said else f"mailto:{said}"))
        place = match.start() + len(said)
    return (*found, Piece(line[place:])) if place < len(line) else tuple(found)


def _runs(lines: Iterable[str]) -> list[Block]:
    """Neighbouring lines of one kind make one block."""
    runs: list[tuple[str, list[tuple[Piece, ...]]]] = []
    for line in lines:
        kind = _kind(line)
        said = pieces(line[2:] if kind in ("list", "quote") else line)
        if runs and runs[-1][0] == kind:
            runs[-1][1].append(said)
        else:
            runs.append((kind, [said]))
    return [Block(kind, tuple(said)) for kind, said in runs]


def _kind(line: str) -> str:
    if line == QUOTE or line.startswith(QUOTED):
        return "quote"
    return "list" if line.startswith(BULLETS) else "way" if _is_address(line) else "lines"


def _is_address(line: str) -> bool:
    found = pieces(line)
    return len(found) == 1 and "://" in found[0].href


def _picture(content: bytes, number: str) -> MIMEImage:
    picture = MIMEImage(content, "png")
    picture.add_header("Content-ID", f"<{number}>")
    picture.add_header("Content-Disposition", "inline", filename="logo.png")
    return picture
