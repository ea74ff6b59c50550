"""What is asked of a cloud, and what its answers mean.  Values in, values out; no Django, no connection.

An answer is somebody else's: bounded, of XML without a document type, so without entities (RFC 4918 §20.6).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from email.utils import parsedate_to_datetime
from urllib.parse import quote, unquote
from xml.parsers import expat
from zoneinfo import ZoneInfo

MOST_BYTES = 512 * 1024
MOST_ENTRIES = 200
LONGEST_PLACE, LONGEST_TEXT = 200, 200
AHEAD = timedelta(days=60)
FIRST_YEAR, LAST_YEAR = 2, 9998

PROPFIND = (
    '<?xml version="1.0" encoding="utf-8"?><d:propfind xmlns:d="DAV:"><d:prop>'
    "<d:resourcetype/><d:getcontentlength/><d:getlastmodified/></d:prop></d:propfind>"
)
# §9.6.5: the server works out what comes again and again.
REPORT = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<c:calendar-query xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:prop><c:calendar-data>'
    '<c:expand start="{start}" end="{end}"/></c:calendar-data></d:prop><c:filter><c:comp-filter name="VCALENDAR">'
    '<c:comp-filter name="VEVENT"><c:time-range start="{start}" end="{end}"/></c:comp-filter></c:comp-filter>'
    "</c:filter></c:calendar-query>"
)
RESPONSE, HREF, COLLECTION = "DAV: response", "DAV: href", "DAV: collection"
LENGTH, MODIFIED = "DAV: getcontentlength", "DAV: getlastmodified"
CALENDAR = "urn:ietf:params:xml:ns:caldav calendar-data"
TEXTS = frozenset({HREF, LENGTH, MODIFIED, CALENDAR})
NAMED = re.compile(r"[A-Za-z0-9_.@-]+")


class Unreadable(ValueError):
    """An answer that is none, or too much of one."""


@dataclass(frozen=True, slots=True)
class Document:
    """One thing in a folder."""

    name: str
    is_folder: bool
    size: int
    changed: datetime | None


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of a calendar; a whole day has no time."""

    title: str
    place: str
    begins: datetime
    is_whole_day: bool


def folder_of(typed: str) -> str | None:
    """A folder as it is kept: names parted by slashes; None for what leads anywhere else."""
    names = [each for each in typed.strip().split("/") if each]
    kept = "/".join(names)
    if len(kept) > LONGEST_PLACE or any(each in (".", "..") for each in names) or not kept.isprintable():
        return None
    return kept if "\\" not in kept else None


def calendar_of(typed: str) -> str | None:
    """The short name of a calendar in its address; None for what is none."""
    typed = typed.strip()
    is_one = not typed or (bool(NAMED.fullmatch(typed)) and len(typed) <= LONGEST_PLACE and typed not in (".", ".."))
    return typed if is_one else None


def folder_path(user: str, folder: str) -> str:
    return f"/remote.php/dav/files/{quote(user, safe='')}/{quote(folder)}/"


def calendar_path(user: str, calendar: str) -> str:
    return f"/remote.php/dav/calendars/{quote(user, safe='')}/{quote(calendar, safe='')}/"


def report(now: datetime) -> str:
    start, end = (each.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ") for each in (now, now + AHEAD))
    return REPORT.format(start=start, end=end)


def documents(body: bytes, path: str) -> list[Document]:
    """What lies in the folder at this path, folders first, then by what was changed last.  Raises ``Unreadable``."""
    found = []
    for each in _responses(body):
        href = unquote(each.get(HREF, ""))
        name = href.rstrip("/").rpartition("/")[2]
        # The folder itself is among the answers (RFC 4918 §9.1).
        if not name or href.rstrip("/").endswith(unquote(path).rstrip("/")):
            continue
        size = each.get(LENGTH, "")
        found.append(
            Document(
                name[:LONGEST_TEXT],
                COLLECTION in each,
                int(size) if size.isascii() and size.isdigit() and len(size) < 16 else 0,
                _changed(each.get(MODIFIED, "")),
            )
        )
    long_ago = datetime.min.replace(tzinfo=UTC)
    return sorted(found, key=lambda one: (not one.is_folder, -_age(one.changed or long_ago), one.name))


def _age(at: datetime) -> float:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()


def events(body: bytes, *, now: datetime, zone: tzinfo) -> list[Event]:
    """What begins from today on, the next first.  Raises ``Unreadable``."""
    today = datetime.combine(now.astimezone(zone).date(), time.min, zone)
    found = [event for each in _responses(body) for event in _events(each.get(CALENDAR, ""), zone)]
    return sorted((each for each in found if each.begins >= today), key=lambda one: (one.begins, one.title))


def _responses(body: bytes) -> list[dict[str, str]]:
    if len(body) > MOST_BYTES:
        raise Unreadable("too large")
    reading = _Reading()
    try:
        reading.parser.Parse(body, True)
    except (expat.ExpatError, ValueError) as error:
        raise Unreadable("not XML as it is wanted") from error
    return reading.found


class _Reading:
    """By events, without a tree: of each response a few texts."""

    def __init__(self) -> None:
        self.found: list[dict[str, str]] = []
        self._now: dict[str, str] | None = None
        self._text: list[str] = []
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartDoctypeDeclHandler = self._no_document_type
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text_of

    def _no_document_type(self, *_given: object) -> None:
        raise Unreadable("a document type")

    def _start(self, tag: str, _attributes: Mapping[str, str]) -> None:
        self._text = []
        if tag == RESPONSE:
            self._now = {}
        elif tag == COLLECTION and self._now is not None:
            self._now[tag] = "1"

    def _text_of(self, text: str) -> None:
        self._text.append(text)

    def _end(self, tag: str) -> None:
        if self._now is None:
            return
        if tag in TEXTS:
            self._now.setdefault(tag, "".join(self._text))
        elif tag == RESPONSE:
            if len(self.found) < MOST_ENTRIES:
                self.found.append(self._now)
            self._now = None


def _changed(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
        return _bounded(found if found.tzinfo is not None else found.replace(tzinfo=UTC))
    except (ValueError, TypeError, OverflowError):
        return None


def _bounded(at: datetime) -> datetime | None:
    """A year at either end of what there is has no other time zone: a page would break on it."""
    return at if FIRST_YEAR <= at.year <= LAST_YEAR else None


def _events(text: str, zone: tzinfo) -> list[Event]:
    """Of a calendar object (RFC 5545): folded lines are one (§3.1)."""
    lines = re.sub(r"\r?\n[ \t]", "", text).splitlines()
    found: list[Event] = []
    now: dict[str, tuple[str, str]] | None = None
    inner = 0
    for line in lines:
        name, _sign, value = line.partition(":")
        word, _sign, parameters = name.partition(";")
        word = word.upper()
        if word == "BEGIN" and value.upper() == "VEVENT":
            now, inner = {}, 0
        elif now is None:
            continue
        elif word == "BEGIN":
            inner += 1
        elif word == "END" and value.upper() == "VEVENT":
            if (event := _event(now, zone)) is not None:
                found.append(event)
            now = None
        elif word == "END":
            inner -= 1
        elif not inner:
            # An alarm inside has a title of its own.
            now.setdefault(word, (parameters, value))
    return found


def _event(lines: Mapping[str, tuple[str, str]], zone: tzinfo) -> Event | None:
    parameters, value = lines.get("DTSTART", ("", ""))
    begins = _moment(parameters, value, zone)
    if begins is None or lines.get("STATUS", ("", ""))[1].upper() == "CANCELLED":
        return None
    title, place = (_plain(lines.get(word, ("", ""))[1]) for word in ("SUMMARY", "LOCATION"))
    return Event(title, place, begins, "T" not in value.upper())


def _moment(parameters: str, value: str, zone: tzinfo) -> datetime | None:
    """§3.3.4, §3.3.5: a day, a time of the world, one of a named zone, or one of whoever reads."""
    named = re.search(r"TZID=\"?([^;\"]+)", parameters, re.IGNORECASE)
    try:
        if "T" not in value.upper():
            day = date(int(value[:4]), int(value[4:6]), int(value[6:8]))
            return _bounded(datetime.combine(day, time.min, zone))
        at = datetime.strptime(value.upper().rstrip("Z"), "%Y%m%dT%H%M%S")
        return _bounded(
            at.replace(tzinfo=UTC if value.upper().endswith("Z") else _zone(named[1] if named else "", zone))
        )
    except (ValueError, OverflowError):
        return None


def _zone(name: str, usual: tzinfo) -> tzinfo:
    try:
        return ZoneInfo(name) if name else usual
    except (ValueError, OSError, KeyError):
        return usual


def _plain(text: str) -> str:
    """§3.3.11."""
    said = re.sub(r"\\([\\;,nN])", lambda found: " " if found[1] in "nN" else found[1], text)
    return " ".join(said.split())[:LONGEST_TEXT]
