"""The rules of contracts with processors: what may be kept, what is still missing.

Values in, values out; no database, no clock.
"""

from dataclasses import replace
from typing import Any

from pydantic import TypeAdapter

from consent.contracts.types import ContractInvalid, Further, Point, Terms, Text
from consent.register.policy import tidy
from consent.register.types import Content
from consent.types import RecipientRole

MOST_CHARACTERS, MOST_LINE, MOST_FURTHER = 2000, 200, 50
MOST_BYTES = 10_000_000
# ISO 32000-1 §7.5.2 and §7.5.5: how one begins, and within which of its last bytes it says that it ends.
BEGINS, ENDS, WITHIN = b"%PDF-", b"%%EOF", 1024
_TERMS: TypeAdapter[Terms] = TypeAdapter(Terms)


def to_json(terms: Terms) -> dict[str, Any]:
    found: dict[str, Any] = _TERMS.dump_python(terms, mode="json")
    return found


def terms_of(stored: Any) -> Terms:
    return _TERMS.validate_python(stored)


def processors(content: Content) -> list[str]:
    """Those of a record with whom there is a contract of article 28, as it calls them."""
    return list(dict.fromkeys(row.name for row in content.recipients if row.role == RecipientRole.PROCESSOR))


def checked(terms: Terms) -> Terms:
    """As it is kept.  Raises ``ContractInvalid`` with every field that is wrong."""
    explained = {point: tidy(said) for point, said in (terms.explained or {}).items()}
    terms = replace(
        terms,
        held=tuple(point for point in Point if point in terms.held),
        explained={point: explained[point] for point in Point if explained.get(point)},
        further=tuple(tidy(each) for each in terms.further),
    )
    problems = {f"why_{point}": "too_long" for point, said in explained.items() if len(said) > MOST_CHARACTERS}
    if len(terms.further) > MOST_FURTHER or any(_is_wrong(each) for each in terms.further):
        problems["further"] = "further_unreadable"
    elif terms.further and terms.alone:
        problems["alone"] = "alone_with_others"
    if problems:
        raise ContractInvalid(problems)
    return terms


def _is_wrong(further: Further) -> bool:
    said = (further.name, further.country, further.purpose)
    return not all(said) or any(len(each) > MOST_LINE or "\n" in each for each in said)


def check_text(text: Text) -> None:
    """Raises ``ContractInvalid``: what everybody can open for years, and no program in disguise."""
    if len(text.content) > MOST_BYTES:
        raise ContractInvalid({"file": "file_too_big"})
    if not text.content.startswith(BEGINS) or ENDS not in text.content[-WITHIN:]:
        raise ContractInvalid({"file": "file_no_pdf"})


def holes(terms: Terms | None, *, has_text: bool) -> list[str]:
    """What the officer has yet to see, in the words of the register."""
    terms = terms or Terms()
    found = []
    if any(point not in terms.held and point not in (terms.explained or {}) for point in Point):
        found.append("contract_points")
    if not terms.further and not terms.alone:
        found.append("contract_further")
    return found if has_text else [*found, "contract_file"]


def further_said(further: tuple[Further, ...]) -> str:
    """One a line, as the form has them; ``further_read`` takes them apart again."""
    return "\n".join(f"{each.name} ; {each.country} ; {each.purpose}" for each in further)


def further_read(text: str) -> tuple[Further, ...]:
    """Raises ``ContractInvalid`` where a line does not have its three parts."""
    found = []
    for line in filter(None, map(str.strip, text.splitlines())):
        parts = [part.strip() for part in line.split(";", 2)]
        if len(parts) != 3:
            raise ContractInvalid({"further": "further_unreadable"})
        found.append(Further(*parts))
    return tuple(found)
