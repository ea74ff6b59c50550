"""What members made of each purpose, as a table: counts, and nobody in them."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator

from django.utils.translation import gettext as _

from audit.reading import ods
from audit.reading.exports import safe_cell
from consent.display import basis_name, item_label
from consent.protection.selectors import Asked, Purposed
from consent.protection.types import Share

Rows = list[list[str]]


def table(asked: Iterable[Asked]) -> Rows:
    """A line for each purpose, and one for each item that can be refused."""
    found: Rows = [
        [
            *(_("Outil"), _("Traitement"), _("Version"), _("Finalité"), _("Base légale"), _("Donnée")),
            *(_("Oui"), _("Ont répondu"), _("Taux en %"), _("Oppositions"), _("À informer de nouveau")),
            _("Retraits en 90 jours"),
        ]
    ]
    for each in asked:
        for one in each.purposes:
            found.append(_row(each, one, "", one.shares.total, one.shares.objected))
            found += [_row(each, one, str(item_label(item)), share, 0) for item, share in one.shares.items]
    return found


def _row(each: Asked, one: Purposed, item: str, share: Share, objected: int) -> list[str]:
    processing = each.processing
    return [
        *(processing.tool.name, processing.name, str(processing.version), one.purpose.text),
        *(basis_name(one.purpose.legal_basis), item, str(share.yes), str(share.of)),
        *("" if share.percent is None else str(share.percent), str(objected), str(each.behind), str(each.withdrawn)),
    ]


def csv_of(rows: Rows) -> Iterator[bytes]:
    out = io.StringIO()
    csv.writer(out, delimiter=";", lineterminator="\r\n").writerows([safe_cell(each) for each in row] for row in rows)
    yield b"\xef\xbb\xbf"
    yield out.getvalue().encode()


def ods_of(rows: Rows) -> Iterator[bytes]:
    return ods.ods(_("Accords et refus"), rows[0], rows[1:])


KINDS: dict[str, tuple[Callable[[Rows], Iterator[bytes]], str]] = {
    "csv": (csv_of, "text/csv; charset=utf-8"),
    "ods": (ods_of, ods.TYPE),
}
