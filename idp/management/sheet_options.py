"""A tool's processing sheet as options of a command: what it is given, why, and what the register asks besides."""

import json
from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from consent.findings.selectors import preview
from consent.policy import check_sheet, sheet_of
from consent.types import (
    ITEMS,
    Ending,
    Engagement,
    LegalBasis,
    Purpose,
    RecipientRole,
    Safeguard,
    Sheet,
    SheetInvalid,
    SheetItem,
)
from idp.models import Tool
from idp.services.tools import NotDeclared

# They say something about a processing; without one they would be dropped unseen.
DESCRIBING = ("processing_en", "purpose", "purpose_en", "retention", "retention_en", "recipient", "contact", "items")
# So do these, which a file of several purposes leaves to the command.
ENGAGING = (
    *(
        "recipient_role",
        "contract",
        "contract_end",
        "country",
        "safeguard",
        "kept_since",
        "kept_then",
    ),
)
# By what an operator says it, for each thing that a sheet lacks.
OPTIONS = {
    "processing": "--processing",
    "purpose": "--purpose",
    "basis": "--legal-basis",
    "balancing": "nothing here: the data protection officer first weighs the legitimate interest, in the register",
    "data": "--item",
    "period": "--retention, --kept-since and --kept-then",
    "recipient": "--recipient",
    "role": "--recipient-role",
    "contract": "--contract and --contract-end",
    "contract_over": "--contract-end, which is past",
    "contact": "--contact",
    "country": "--country",
    "safeguard": "--safeguard",
}


def add_to(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("--processing", default="", help="name of the processing; without it the tool gets no personal data")
    add("--processing-en", default="")
    add("--purpose", default="")
    add("--purpose-en", default="")
    add("--legal-basis", choices=LegalBasis.values, default=LegalBasis.CONTRACT)
    add("--retention", default="", help="how long the tool keeps the data")
    add("--retention-en", default="")
    add("--kept-since", default="", help="from when that counts, unless it says so itself")
    add("--kept-then", choices=Ending.values, default="", help="what becomes of the data then")
    add("--recipient", default="")
    add("--recipient-role", choices=RecipientRole.values, default="", help="what the recipient is to you")
    add("--contract", default="", help="reference of the contract (GDPR articles 26 and 28)")
    add("--contract-end", type=_day, default=None, metavar="YYYY-MM-DD")
    add("--contact", default="", help="whom to ask about this data")
    add("--country", default="", help="where the data goes, in French or as ISO 3166 code")
    add("--safeguard", choices=Safeguard.values, default="", help="of a country outside the EEA; none is an answer")
    add(
        "--item",
        action="append",
        default=[],
        dest="items",
        metavar="CODE=WHY[|WHY_EN]",
        help=f"a data item on the sheet: {', '.join(ITEMS)}",
    )
    add(
        "--sheet",
        type=_sheet_file,
        metavar="FILE",
        help="instead of these: a processing with several purposes, each with its legal basis (JSON)",
    )


def sheet_from(options: dict[str, Any]) -> Sheet | None:
    """What the options say; nothing where they say nothing.  Raises ``CommandError`` or ``ValidationError``."""
    written: Sheet | None = options["sheet"]
    if written and options["processing"]:
        raise CommandError("--sheet says all about the processing: leave --processing and what describes it out")
    described = [*DESCRIBING, *([] if written else ENGAGING)]
    if not options["processing"] and any(options[name] for name in described):
        raise CommandError("--item, --purpose, --retention and the like describe a processing: name it by --processing")
    sheet = written or _one_purpose(options)
    return replace(sheet, engagement=_engagement(options)) if sheet else None


def previewed(slug: str, sheet: Sheet | None, *, now: datetime) -> str:
    """What this sheet would have stopped of what left to the tool lately; nothing is changed.

    Raises ``SheetInvalid``, or ``CommandError`` where there is no sheet.
    """
    if sheet is None:
        raise CommandError("--dry-run says what a sheet would have stopped: give one")
    check_sheet(sheet)
    tool = Tool.objects.filter(slug=slug).first()
    if tool is None:
        return f"{slug} is new: nothing has left to it"
    stopped = preview(tool.pk, [each.item for each in sheet.items], now=now)
    if not stopped.releases:
        return f"This sheet would have stopped nothing to {slug} in the last 90 days"
    items = ", ".join(stopped.items)
    return (
        f"This sheet would have stopped {stopped.releases} releases to {slug} in the last 90 days, "
        f"of {stopped.members} members: {items}"
    )


def _one_purpose(options: dict[str, Any]) -> Sheet | None:
    """A sheet with one purpose, as most have."""
    if not options["processing"]:
        return None
    purpose = Purpose(
        text=options["purpose"],
        text_en=options["purpose_en"],
        legal_basis=LegalBasis(options["legal_basis"]),
        retention=options["retention"],
        retention_en=options["retention_en"],
        items=tuple(_item(text) for text in options["items"]),
    )
    return Sheet(
        processing=options["processing"],
        processing_en=options["processing_en"],
        purposes=(purpose,),
        recipient=options["recipient"],
        contact=options["contact"],
    )


def _engagement(options: dict[str, Any]) -> Engagement:
    return Engagement(
        role=RecipientRole(options["recipient_role"]) if options["recipient_role"] else "",
        contract=options["contract"],
        contract_end=options["contract_end"],
        country=options["country"],
        safeguard=Safeguard(options["safeguard"]) if options["safeguard"] else "",
        since=options["kept_since"],
        ending=Ending(options["kept_then"]) if options["kept_then"] else "",
    )


def invalid(error: SheetInvalid) -> str:
    return (
        f"the sheet cannot be declared: {error}; --processing needs --purpose and --retention, "
        "and each item its reason (--item CODE=WHY)"
    )


def incomplete(slug: str, error: NotDeclared) -> str:
    wanted = "; ".join(OPTIONS[each] for each in error.missing)
    return (
        f"{slug} is not switched on, because its sheet is incomplete: say {wanted}. "
        "Or let nobody in yet: without --everyone and --collective, or with --state closed"
    )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text} is not a day as YYYY-MM-DD") from error


def _item(text: str) -> SheetItem:
    code, _, why = text.partition("=")
    if code not in ITEMS:
        raise ValidationError({"item": [f"{code} is not one of {', '.join(ITEMS)}"]})
    french, _, english = why.partition("|")
    return SheetItem(item=code, why=french, why_en=english)


def _sheet_file(path: str) -> Sheet:
    try:
        return sheet_of(read_json(path))
    except SheetInvalid as error:
        raise ArgumentTypeError(f"{path}: {error}") from error


def read_json(path: str) -> Any:
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ArgumentTypeError(f"{path} is not a readable JSON file") from error
