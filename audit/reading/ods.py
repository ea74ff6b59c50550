"""Rows of text as an OpenDocument spreadsheet, row by row: the little of the format that tables need."""

import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from xml.sax.saxutils import escape, quoteattr

from django.utils.translation import get_language

from audit.zipping import zipped

TYPE = "application/vnd.oasis.opendocument.spreadsheet"
# What the common programs open of one sheet; the rows that follow stand on the next.
ROWS_OF_A_SHEET = 1_048_576
_OFFICE = "urn:oasis:names:tc:opendocument:xmlns"
_MANIFEST = f"""<?xml version="1.0" encoding="UTF-8"?>
<manifest:manifest xmlns:manifest="{_OFFICE}:manifest:1.0" manifest:version="1.3">
<manifest:file-entry manifest:full-path="/" manifest:version="1.3" manifest:media-type="{TYPE}"/>
<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>
<manifest:file-entry manifest:full-path="meta.xml" manifest:media-type="text/xml"/>
<manifest:file-entry manifest:full-path="styles.xml" manifest:media-type="text/xml"/>
</manifest:manifest>
"""
_START = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<office:document-content office:version="1.3"'
    + "".join(f' xmlns:{name}="{_OFFICE}:{name}:1.0"' for name in ("office", "table", "text"))
    + "><office:body><office:spreadsheet>"
)
_END = "</office:spreadsheet></office:body></office:document-content>\n"
# What a screen reader says first, and in which voice (RGAA 13.3): a title and a language.
_META = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<office:document-meta office:version="1.3"'
    f' xmlns:office="{_OFFICE}:office:1.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><office:meta>'
    "<dc:title>{title}</dc:title><dc:language>{language}</dc:language></office:meta></office:document-meta>\n"
)
_STYLES = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<office:document-styles office:version="1.3"'
    f' xmlns:office="{_OFFICE}:office:1.0" xmlns:style="{_OFFICE}:style:1.0"'
    f' xmlns:fo="{_OFFICE}:xsl-fo-compatible:1.0"><office:styles><style:default-style style:family="table-cell">'
    '<style:text-properties fo:language="{language}" fo:country="{country}"/></style:default-style>'
    "</office:styles></office:document-styles>\n"
)
COUNTRIES = {"fr": "FR", "en": "GB"}
# What XML 1.0 has no way to say.
_UNSAYABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def ods(title: str, heading: list[str], rows: Iterable[list[str]]) -> Iterator[bytes]:
    """One table with its heading.  Cells are text, so that nothing in them is a formula."""
    return _file(title, _table(title, heading, rows))


def workbook(title: str, sheets: Iterable[tuple[str, list[list[str]]]]) -> Iterator[bytes]:
    """Several sheets, each by its name, as they are."""
    return _file(title, (piece for name, rows in sheets for piece in _sheet(name, rows)))


def _file(title: str, tables: Iterable[str]) -> Iterator[bytes]:
    """In the language that is spoken as it is asked for."""
    language = (get_language() or "fr").partition("-")[0]
    meta = _META.format(title=escape(_UNSAYABLE.sub("", title)), language=language)
    styles = _STYLES.format(language=language, country=COUNTRIES.get(language, "none"))
    content = (piece.encode() for piece in chain([_START], tables, [_END]))
    files = [("META-INF/manifest.xml", iter([_MANIFEST.encode()])), ("meta.xml", iter([meta.encode()]))]
    files += [("styles.xml", iter([styles.encode()])), ("content.xml", content)]
    return zipped(files, stored=("mimetype", TYPE.encode()))


def _table(title: str, heading: list[str], rows: Iterable[list[str]]) -> Iterator[str]:
    remaining = iter(rows)
    first = next(remaining, None)
    sheet = 1
    while first is not None or sheet == 1:
        yield f"<table:table table:name={quoteattr(title if sheet == 1 else f'{title} {sheet}')}>"
        yield f'<table:table-column table:number-columns-repeated="{len(heading)}"/>'
        yield f"<table:table-header-rows>{_row(heading)}</table:table-header-rows>"
        here = [] if first is None else [first]
        for row in chain(here, islice(remaining, ROWS_OF_A_SHEET - 1 - len(here))):
            yield _row(row)
        yield "</table:table>"
        first = next(remaining, None)
        sheet += 1


def _sheet(name: str, rows: list[list[str]]) -> Iterator[str]:
    yield f"<table:table table:name={quoteattr(name)}>"
    yield f'<table:table-column table:number-columns-repeated="{max(map(len, rows), default=1) or 1}"/>'
    yield from map(_row, rows)
    yield "</table:table>"


def _row(cells: list[str]) -> str:
    return f"<table:table-row>{''.join(map(_cell, cells)) or '<table:table-cell/>'}</table:table-row>"


def _cell(text: str) -> str:
    said = escape(_UNSAYABLE.sub("\N{REPLACEMENT CHARACTER}", text))
    # A line break in a paragraph is a blank (OpenDocument 1.3, part 3, §6.1.2): each line is a paragraph.
    lines = "".join(f"<text:p>{line}</text:p>" for line in said.split("\n"))
    return f'<table:table-cell office:value-type="string">{lines}</table:table-cell>'
