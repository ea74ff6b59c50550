"""How what members take with them is sent: to its owner alone, so often an hour, with a line, kept by no cache."""

from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from tempfile import TemporaryFile
from typing import IO, cast
from uuid import UUID

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest
from django.utils.translation import gettext as _

from audit.bundle import Sink
from audit.services import note_refused_page
from audit.types import Actor
from audit.zipping import Archive
from consent import selectors
from directory.models import Member

HOUR = timedelta(hours=1)
# Each is worked out line by line, with the hub's processor.
DOWNLOADS_AN_HOUR = 20


def not_theirs(person: UUID, page: str, now: datetime) -> Http404:
    """On the record, and for the reader: somebody else's and none look the same."""
    note_refused_page(actor=Actor(member=person), page=page, reason="not_yours", now=now)
    return Http404()


def is_enough(request: HttpRequest, page: str, now: datetime) -> bool:
    """Whether the one before was the last for an hour: that is said, and is on the record too."""
    person = cast(Member, request.user).pk
    if selectors.downloads(person, since=now - HOUR) < DOWNLOADS_AN_HOUR:
        return False
    note_refused_page(actor=Actor(member=person), page=page, reason="downloads_enough", now=now)
    messages.warning(request, _("Assez pour cette heure : ce que vous avez emporté reste bon. Revenez plus tard."))
    return True


def zipped(write: Callable[[Sink], object]) -> IO[bytes]:
    """Made whole before anything is sent, in a file that has no name."""
    file = TemporaryFile()  # noqa: SIM115 (closed with the answer)
    try:
        with closing(Archive(file)) as archive:
            write(archive)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def as_file(content: IO[bytes], name: str, kind: str) -> FileResponse:
    response = FileResponse(content, as_attachment=True, filename=name, content_type=kind)
    response["Cache-Control"] = "no-store, private"
    return response
