"""The rules: what a sheet may say, what is asked, what is released.  Values in, values out; no database, no clock."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from consent.types import (
    ALWAYS,
    ITEMS,
    Changes,
    Decision,
    LegalBasis,
    Question,
    Release,
    Sheet,
    SheetInvalid,
    Standing,
    Terms,
)

# The parts of a notice, beside its items, whose change is told to the member, in the order of the page.
PARTS = ("purpose", "legal_basis", "retention", "recipient")


def check_sheet(sheet: Sheet) -> None:
    """GDPR art. 5(1)(b), (c), (e) and 7(4): each item is known and has a reason; purpose and period are said."""
    for part in ("processing", "purpose", "retention"):
        if not getattr(sheet, part).strip():
            raise SheetInvalid(f"{part} is empty")
    codes = [item.item for item in sheet.items]
    if unknown := sorted(set(codes) - ITEMS.keys()):
        raise SheetInvalid(f"unknown data items: {', '.join(unknown)}")
    if len(codes) != len(set(codes)):
        raise SheetInvalid("a data item is declared twice")
    if unexplained := sorted(item.item for item in sheet.items if not item.why.strip()):
        raise SheetInvalid(f"no reason given for: {', '.join(unexplained)}")
    # One basis per purpose: an item that may be refused rests on consent, whatever the rest of the sheet says.
    if sheet.legal_basis != LegalBasis.CONSENT and any(item.optional for item in sheet.items):
        raise SheetInvalid("optional items need consent as their legal basis")


def notice_content(sheet: Sheet) -> dict[str, Any]:
    """The notice as data, in both languages: what the page shows and the digest covers."""
    return {
        "processing": {"fr": sheet.processing, "en": sheet.processing_en},
        "purpose": {"fr": sheet.purpose, "en": sheet.purpose_en},
        "legal_basis": str(sheet.legal_basis.value),
        "retention": {"fr": sheet.retention, "en": sheet.retention_en},
        "recipient": sheet.recipient,
        "contact": sheet.contact,
        "items": [
            {"item": item.item, "why": {"fr": item.why, "en": item.why_en}, "optional": item.optional}
            for item in sheet.items
        ],
    }


def digest(content: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical form: sorted keys, no spaces, UTF-8 (as RFC 8785 for this content)."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def changes(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Changes:
    """What ``after`` says differently from ``before``; nothing for a member who knew no notice."""
    if not before or not after:
        return Changes()
    old, new = _items_of(before), _items_of(after)
    return Changes(
        added=tuple(item for item in new if item not in old),
        removed=tuple(item for item in old if item not in new),
        parts=tuple(part for part in PARTS if before.get(part) != after.get(part))
        + (("items",) if any(item in new and new[item] != old[item] for item in old) else ()),
    )


def settled(terms: Terms, standing: Standing | None) -> bool:
    """Whether the member has decided about the notice in force, as its basis requires.

    Any change of the notice asks or informs again: a consent covers the purpose, the period and the items that
    were shown (GDPR art. 4(11), "specific, informed").  Until then the tool gets nothing but its identifier.
    """
    expected = Decision.GIVEN if terms.basis == LegalBasis.CONSENT else Decision.INFORMED
    return standing is not None and standing.notice == terms.notice and standing.decision == expected


def asked_items(scopes: Iterable[str], claims: Iterable[str] = ()) -> frozenset[str]:
    """The data items that a request asks for, by scope or by single claim (OpenID Connect Core §5.4, §5.5)."""
    by_scope, by_claim = frozenset(scopes), frozenset(claims)
    return frozenset(
        code
        for code, item in ITEMS.items()
        if code not in ALWAYS and (item.scope in by_scope or not by_claim.isdisjoint(item.claims))
    )


def question(
    terms: Terms | None,
    standing: Standing | None,
    asked: Iterable[str],
    *,
    changed: Changes | None = None,
    again: bool = False,
) -> Question | None:
    """What must be shown before the tool opens; nothing when it asks for no data or all is settled.

    ``again`` shows it even then (``prompt=consent``, OpenID Connect Core §3.1.2.1).
    """
    if terms is None:
        return None
    of_no_concern = frozenset(asked).isdisjoint((*terms.required, *terms.optional))
    if not again and (of_no_concern or settled(terms, standing)):
        return None
    return Question(
        notice=terms.notice,
        asks=terms.basis == LegalBasis.CONSENT,
        required=tuple(item for item in terms.required if item not in ALWAYS),
        optional=tuple(item for item in terms.optional if item not in ALWAYS),
        changes=changed or Changes(),
    )


def release(terms: Terms | None, standing: Standing | None, asked: Iterable[str]) -> Release:
    """What may leave now, and on which ground.  No sheet, or nothing settled: the tool's own identifiers only."""
    if terms is None:
        return Release(items=ALWAYS)
    if standing is None or not settled(terms, standing):
        # Never booked as consent: there is none.
        basis = "" if terms.basis == LegalBasis.CONSENT else terms.basis.value
        return Release(items=ALWAYS, processing=terms.processing, legal_basis=basis)
    declared = (*terms.required, *terms.optional)
    on_consent = terms.basis == LegalBasis.CONSENT
    allowed = [item for item in declared if item in standing.items] if on_consent else terms.required
    return Release(
        items=ALWAYS | (frozenset(allowed) & frozenset(asked)),
        processing=terms.processing,
        notice=terms.notice,
        legal_basis=terms.basis.value,
        consent=standing.consent,
    )


def split(terms: Terms, accepted: Iterable[str]) -> tuple[list[str], list[str]]:
    """Items granted and items refused by a member who goes on; what is not on the sheet is ignored.

    Required items have no switch: going on grants them.  Optional ones are refused unless switched on.
    """
    chosen = frozenset(accepted)
    granted = [*terms.required, *(item for item in terms.optional if item in chosen)]
    return granted, [item for item in terms.optional if item not in chosen]


def _items_of(content: Mapping[str, Any]) -> dict[str, Any]:
    return {item["item"]: item for item in content.get("items", [])}
