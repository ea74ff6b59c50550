"""Reading an OpenDocument spreadsheet that somebody sends: sheets of text, within limits, and nothing else of it.

No document type is taken, so no entity is ever expanded; what unpacks to more than the limit is not unpacked.
"""

import zipfile
import zlib
from typing import IO
from xml.parsers import expat

MOST_BYTES = 2_000_000
MOST_UNPACKED = 16_000_000
MOST_SHEETS, MOST_ROWS, MOST_COLUMNS = 500, 2_000, 30
# Over the whole file, what is repeated counted as often as it is.
MOST_CELLS, MOST_CHARACTERS = 300_000, 4_000_000
MOST_SPACES = 100
# Each element that is open takes memory, some hundred times what it takes in the file.
MOST_DEPTH = 100
TYPES = (
    b"application/vnd.oasis.opendocument.spreadsheet",
    b"application/vnd.oasis.opendocument.spreadsheet-template",
)
_OFFICE = "urn:oasis:names:tc:opendocument:xmlns:"
_TABLE, _TEXT, _META = f"{_OFFICE}table:1.0 ", f"{_OFFICE}text:1.0 ", f"{_OFFICE}office:1.0 "


class Unreadable(Exception):
    """The file is none of ours to read; the code says why."""


def sheets_in(file: IO[bytes], *, size: int) -> list[tuple[str, list[list[str]]]]:
    """Each sheet's name and rows.  Raises ``Unreadable``."""
    if size > MOST_BYTES:
        raise Unreadable("file_too_big")
    try:
        with zipfile.ZipFile(file) as archive:
            if _taken(archive, "mimetype", 200).strip() not in TYPES:
                raise Unreadable("file_no_spreadsheet")
            content = _taken(archive, "content.xml", MOST_UNPACKED)
    except (zipfile.BadZipFile, zlib.error, LookupError, RuntimeError, OSError, EOFError, ValueError) as error:
        raise Unreadable("file_no_spreadsheet") from error
    return _Reader().read(content)


def _taken(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """What the archive says of its sizes is not believed: reading stops at the limit.

    ODF 1.3 part 2 §2.2: stored or deflated; how much memory the other methods take is for the file to say.
    """
    if archive.getinfo(name).compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Unreadable("file_no_spreadsheet")
    with archive.open(name) as member:
        content = member.read(most + 1)
    if len(content) > most:
        raise Unreadable("file_too_big")
    return content


class _Reader:
    """The few elements of a table that hold text; comments and pictures are passed over."""

    def __init__(self) -> None:
        self.sheets: list[tuple[str, list[list[str]]]] = []
        self.row: list[str] = []
        self.pieces: list[str] = []
        self.day = ""
        self.repeat_row = self.repeat_cell = 1
        self.depth = self.paragraph = self.aside = self.blank_rows = self.cells = self.characters = 0

    def read(self, content: bytes) -> list[tuple[str, list[list[str]]]]:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartDoctypeDeclHandler = self._refuse
        parser.EntityDeclHandler = self._refuse
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._data
        parser.buffer_text = True
        try:
            parser.Parse(content, True)
        except (expat.ExpatError, LookupError, ValueError) as error:
            # The last two are about an encoding that is none, or that expat cannot have.
            raise Unreadable("file_no_spreadsheet") from error
        return self.sheets

    def _refuse(self, *_: object) -> None:
        raise Unreadable("file_entities")

    def _start(self, name: str, said: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > MOST_DEPTH:
            raise Unreadable("file_too_big")
        if self.aside or name == f"{_META}annotation":
            self.aside += 1
        elif name == f"{_TABLE}table":
            if len(self.sheets) >= MOST_SHEETS:
                raise Unreadable("file_too_big")
            title = said.get(f"{_TABLE}name", "")
            self._count(len(title))
            self.sheets.append((title, []))
            self.blank_rows = 0
        elif name == f"{_TABLE}table-row":
            self.row, self.repeat_row = [], _number(said.get(f"{_TABLE}number-rows-repeated"))
        elif name in (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
            self.pieces, self.repeat_cell = [], _number(said.get(f"{_TABLE}number-columns-repeated"))
            self.day = said.get(f"{_META}date-value", "")
            self._count(len(self.day))
        elif name == f"{_TEXT}p":
            self.paragraph += 1
            self._data("\n")
        elif self.paragraph and name == f"{_TEXT}s":
            self._data(" " * min(_number(said.get(f"{_TEXT}c")), MOST_SPACES))
        elif self.paragraph and name in (f"{_TEXT}tab", f"{_TEXT}line-break"):
            self._data("\n" if name.endswith("line-break") else "\t")

    def _data(self, text: str) -> None:
        if not self.paragraph or self.aside:
            return
        self._count(len(text))
        self.pieces.append(text)

    def _count(self, characters: int, cells: int = 0) -> None:
        self.characters += characters
        self.cells += cells
        if self.characters > MOST_CHARACTERS or self.cells > MOST_CELLS:
            raise Unreadable("file_too_big")

    def _end(self, name: str) -> None:
        self.depth -= 1
        if self.aside:
            self.aside -= 1
        elif name == f"{_TEXT}p":
            self.paragraph -= 1
        elif name in (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
            self._end_cell(self.day or "".join(self.pieces).removeprefix("\n"))
        elif name == f"{_TABLE}table-row" and self.sheets:
            self._end_row(self.sheets[-1][1])

    def _end_cell(self, text: str) -> None:
        # Spreadsheets end their rows with thousands of empty cells in one.
        room = MOST_COLUMNS - len(self.row)
        if text and self.repeat_cell > room:
            raise Unreadable("file_too_big")
        self._count(len(text) * (self.repeat_cell - 1))
        self.row += [text] * min(self.repeat_cell, room)

    def _end_row(self, rows: list[list[str]]) -> None:
        while self.row and not self.row[-1]:
            self.row.pop()
        if not self.row:
            # And their sheets with a million empty rows: they are there once something follows.
            self.blank_rows += self.repeat_row
            return
        if len(rows) + self.blank_rows + self.repeat_row > MOST_ROWS:
            raise Unreadable("file_too_big")
        self._count(
            sum(map(len, self.row)) * (self.repeat_row - 1),
            cells=self.blank_rows + (len(self.row) + 1) * self.repeat_row,
        )
        rows += [[] for _ in range(self.blank_rows)]
        rows += [list(self.row) for _ in range(self.repeat_row)]
        self.blank_rows = 0


def _number(text: str | None) -> int:
    return max(1, int(text)) if text and text.isascii() and text.isdigit() and len(text) < 9 else 1
