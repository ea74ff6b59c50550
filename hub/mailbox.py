"""Mails of the demonstration: the files Django's file backend wrote, read with the standard library."""

import re
from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path

# django.core.mail.backends.filebased ends every message with this line; one inside a text is not followed by a header.
SEPARATOR = re.compile(rb"\n-{79}\n(?=[A-Za-z-]+: |\Z)")


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as the page shows it."""

    key: str
    to: str
    sender: str
    subject: str
    at: datetime | None
    body: str
    page: str


def mails(folder: Path) -> list[Mail]:
    """Every mail in the folder, newest first; a folder that does not exist yet holds none."""
    files = sorted(folder.glob("*.log"), key=lambda path: path.name, reverse=True) if folder.is_dir() else []
    return [mail for path in files for mail in reversed(_in_file(path))]


def _in_file(path: Path) -> list[Mail]:
    parts = SEPARATOR.split(path.read_bytes())
    return [_parse(f"{path.stem}-{index}", part) for index, part in enumerate(parts) if part.strip()]


def _parse(key: str, raw: bytes) -> Mail:
    message = message_from_bytes(raw.lstrip(b"\n"), _class=EmailMessage, policy=policy.default)
    text = message.get_body(preferencelist=("plain", "html"))
    page = message.get_body(preferencelist=("html",))
    return Mail(
        key=key,
        to=str(message["To"] or ""),
        sender=str(message["From"] or ""),
        subject=str(message["Subject"] or ""),
        at=_date(str(message["Date"] or "")),
        body=str(text.get_content()).strip() if text else "",
        page=_with_pictures(str(page.get_content()), message) if page else "",
    )


def _with_pictures(page: str, message: EmailMessage) -> str:
    """RFC 2392: what the page calls by the number of its part stands in it, as a browser knows no parts."""
    for part in message.walk():
        number = str(part["Content-ID"] or "").strip("<>")
        if number and part.get_content_maintype() == "image":
            content = b64encode(part.get_content()).decode()
            page = page.replace(f"cid:{number}", f"data:{part.get_content_type()};base64,{content}")
    return page


def _date(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    # RFC 5322 §3.3: "-0000" is UTC without a place, which the library gives back without a zone.
    return at if at.tzinfo else at.replace(tzinfo=UTC)
