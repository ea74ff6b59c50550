"""The rules: what a sheet may say, what is asked, what is released.  Values in, values out; no database, no clock."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from consent.types import (
    ALWAYS,
    ITEMS,
    Changes,
    Decision,
    Face,
    Holds,
    LegalBasis,
    Lenience,
    Purpose,
    Question,
    Release,
    Right,
    Sheet,
    SheetInvalid,
    SheetItem,
    Standing,
    Terms,
    face_of,
)

# The parts of a notice, beside its items, whose change is told to the member, in the order of the page.
PARTS = ("purpose", "legal_basis", "retention")

# Where a right holds otherwise than everywhere (CNIL, developer's guide, sheet 15): articles 17(3)(b), 20(1) and 21(1).
_ALL = dict.fromkeys(Right, Holds.YES)
_RIGHTS: dict[LegalBasis, dict[Right, Holds]] = {
    LegalBasis.CONSENT: _ALL | {Right.OBJECT: Holds.BY_WITHDRAWAL},
    LegalBasis.CONTRACT: _ALL | {Right.OBJECT: Holds.NO},
    LegalBasis.LEGITIMATE_INTEREST: _ALL | {Right.PORTABILITY: Holds.NO},
    LegalBasis.LEGAL_DUTY: _ALL | {Right.ERASE: Holds.CONDITIONAL, Right.PORTABILITY: Holds.NO, Right.OBJECT: Holds.NO},
    LegalBasis.PUBLIC_TASK: _ALL | {Right.ERASE: Holds.NO, Right.PORTABILITY: Holds.NO},
    LegalBasis.VITAL_INTEREST: _ALL | {Right.PORTABILITY: Holds.NO, Right.OBJECT: Holds.NO},
}


def rights(basis: LegalBasis) -> Mapping[Right, Holds]:
    """Which rights a person has over what is processed on this basis."""
    return _RIGHTS[basis]


def check_sheet(sheet: Sheet) -> None:
    """GDPR art. 5(1)(b), (c), (e) and 6(1): each item is known and has a reason; purposes and periods are said."""
    if not sheet.processing.strip():
        raise SheetInvalid("processing is empty")
    if not sheet.purposes:
        raise SheetInvalid("no purpose is given")
    for purpose in sheet.purposes:
        for part, text in (("purpose", purpose.text), ("retention", purpose.retention)):
            if not text.strip():
                raise SheetInvalid(f"{part} is empty")
        if face_of(purpose.legal_basis) != Face.INFORMATION and not purpose.items:
            raise SheetInvalid("a purpose that can be refused or objected to names the items that are held back then")
    codes = [item.item for item in sheet.items]
    if unknown := sorted(set(codes) - ITEMS.keys()):
        raise SheetInvalid(f"unknown data items: {', '.join(unknown)}")
    if len(codes) != len(set(codes)):
        raise SheetInvalid("a data item is declared twice")
    if asked_for := sorted(ALWAYS.intersection(codes)):
        raise SheetInvalid(f"every tool gets these, and nobody is asked: {', '.join(asked_for)}")
    if unexplained := sorted(item.item for item in sheet.items if not item.why.strip()):
        raise SheetInvalid(f"no reason given for: {', '.join(unexplained)}")


def notice_content(sheet: Sheet) -> dict[str, Any]:
    """The notice as data, in both languages: what the page shows and the digest covers."""
    return {
        "processing": {"fr": sheet.processing, "en": sheet.processing_en},
        "purposes": [
            {
                "purpose": {"fr": purpose.text, "en": purpose.text_en},
                "legal_basis": str(purpose.legal_basis.value),
                "retention": {"fr": purpose.retention, "en": purpose.retention_en},
                "items": [{"item": item.item, "why": {"fr": item.why, "en": item.why_en}} for item in purpose.items],
            }
            for purpose in sheet.purposes
        ],
        "recipient": sheet.recipient,
        "contact": sheet.contact,
    }


def sheet_of(content: Any) -> Sheet:
    """The sheet that ``notice_content`` tells: how an operator writes one down.  Raises ``SheetInvalid``."""
    whole = _object(content, "the sheet", ("processing", "purposes"), ("recipient", "contact"))
    purposes = []
    for told in _list(whole["purposes"], "purposes"):
        purpose = _object(told, "a purpose", ("purpose", "legal_basis", "retention"), ("items",))
        if purpose["legal_basis"] not in LegalBasis.values:
            raise SheetInvalid(f"legal_basis is one of {', '.join(LegalBasis.values)}")
        items = [_object(each, "an item", ("item", "why")) for each in _list(purpose.get("items", []), "items")]
        text, retention = _both(purpose["purpose"], "purpose"), _both(purpose["retention"], "retention")
        purposes.append(
            Purpose(
                text=text[0],
                text_en=text[1],
                legal_basis=LegalBasis(purpose["legal_basis"]),
                retention=retention[0],
                retention_en=retention[1],
                items=tuple(SheetItem(_text(each["item"], "item"), *_both(each["why"], "why")) for each in items),
            )
        )
    processing = _both(whole["processing"], "processing")
    return Sheet(
        processing=processing[0],
        processing_en=processing[1],
        purposes=tuple(purposes),
        recipient=_text(whole.get("recipient", ""), "recipient"),
        contact=_text(whole.get("contact", ""), "contact"),
    )


def _object(value: Any, what: str, needed: Collection[str], beside: Collection[str] = ()) -> Mapping[str, Any]:
    if not isinstance(value, dict) or not set(needed) <= value.keys() <= {*needed, *beside}:
        raise SheetInvalid(f"{what} has {', '.join([*needed, *(f'{each} (may be left out)' for each in beside)])}")
    return value


def _list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise SheetInvalid(f"{what} is a list")
    return value


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise SheetInvalid(f"{what} is a text")
    return value


def _both(value: Any, what: str) -> tuple[str, str]:
    """French and English; a text alone is French."""
    if isinstance(value, str):
        return value, ""
    told = _object(value, what, ("fr",), ("en",))
    return _text(told["fr"], what), _text(told.get("en", ""), what)


def in_purposes(content: Mapping[str, Any]) -> dict[str, Any]:
    """A notice as ``notice_content`` tells it; one from before there were several purposes is told as one."""
    if "purposes" in content:
        return dict(content)
    items = [{"item": item["item"], "why": item["why"]} for item in content.get("items", [])]
    own = {part: content.get(part) for part in PARTS}
    beside = {name: value for name, value in content.items() if name not in (*PARTS, "items")}
    return beside | {"purposes": [own | {"items": items}]}


def compared(content: Mapping[str, Any]) -> dict[str, object]:
    """A notice part by part, each language by itself, as the journal tells what a new version changed."""
    whole = in_purposes(content)
    purposes = {str(number): each for number, each in enumerate(whole["purposes"], 1)}
    names, reasons = _languages(whole["processing"]), _items_of(whole)
    parts: dict[str, object] = {"name": names["fr"], "name_en": names["en"], "items": _bases_of(whole)}
    for part in ("purpose", "retention"):
        parts[part] = {number: _languages(each[part])["fr"] for number, each in purposes.items()}
        parts[f"{part}_en"] = {number: _languages(each[part])["en"] for number, each in purposes.items()}
    parts["why"] = {item: _languages(why)["fr"] for item, why in reasons.items()}
    parts["why_en"] = {item: _languages(why)["en"] for item, why in reasons.items()}
    return parts | {name: whole.get(name, "") for name in ("recipient", "contact")}


def canonical(content: Mapping[str, Any]) -> bytes:
    """Sorted keys, no spaces, UTF-8: as RFC 8785 for this content."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest(content: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical form."""
    return hashlib.sha256(canonical(content)).hexdigest()


def agreeable(content: Mapping[str, Any]) -> frozenset[str]:
    """The items of a notice that leave only for those who agree."""
    return frozenset(item for item, basis in _bases_of(in_purposes(content)).items() if basis == LegalBasis.CONSENT)


def changes(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Changes:
    """What ``after`` says differently from ``before``; nothing for a member who knew no notice."""
    if not before or not after:
        return Changes()
    old, new = in_purposes(before), in_purposes(after)
    old_items, new_items = _items_of(old), _items_of(new)
    old_bases, new_bases = _bases_of(old), _bases_of(new)
    parts = [part for part in ("purpose", "retention") if _said(old, part) != _said(new, part)]
    if any(new_bases.get(item, basis) != basis for item, basis in old_bases.items()):
        parts.append("legal_basis")
    parts += ["recipient"] if old.get("recipient") != new.get("recipient") else []
    parts += ["items"] if any(each in new_items and new_items[each] != why for each, why in old_items.items()) else []
    return Changes(
        added=tuple(item for item in new_items if item not in old_items),
        removed=tuple(item for item in old_items if item not in new_items),
        parts=tuple(parts),
    )


def settled(terms: Terms, standing: Standing | None) -> bool:
    """Whether the member has decided about the notice in force, as its bases require.

    Any change of the notice asks or informs again: a consent covers the purpose, the period and the items that
    were shown (GDPR art. 4(11), "specific, informed").  Until then the tool gets nothing but its identifier.
    """
    expected = Decision.GIVEN if terms.asks else Decision.INFORMED
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
    if not again and (frozenset(asked).isdisjoint(terms.bases) or settled(terms, standing)):
        return None
    return Question(
        notice=terms.notice,
        asks=terms.asks,
        needed=terms.under(Face.INFORMATION),
        objectable=terms.under(Face.OBJECTION),
        optional=terms.under(Face.CONSENT),
        changes=changed or Changes(),
    )


def release(
    terms: Terms | None, standing: Standing | None, asked: Iterable[str], *, lenience: Lenience | None = None
) -> Release:
    """What may leave now, and on which grounds.  No sheet, nothing settled, or data that is restricted (GDPR art. 18):
    the tool's own identifiers only, by which whoever opens it is recognised.

    ``lenience``: the tool is not in the strict mode.  Then what it asks for beside its sheet leaves too, save what
    anybody ever had a say in.
    """
    if terms is None:
        return Release(items=ALWAYS)
    if standing is None or standing.restricted or not settled(terms, standing):
        # Never booked as consent: there is none.
        return Release(items=ALWAYS, processing=terms.processing, legal_basis=_words(_without_asking(terms)))
    wanted = frozenset(asked)
    leaving = terms.bases.keys() & standing.items & wanted
    undeclared = beside(terms, wanted, lenience.withheld) if lenience else frozenset[str]()
    # The identifiers alone go where the tool needs them for anything at all.
    grounds = {terms.bases[item] for item in leaving} or _without_asking(terms) or {LegalBasis.CONSENT}
    return Release(
        items=ALWAYS | leaving | undeclared,
        processing=terms.processing,
        notice=terms.notice,
        legal_basis=_words(grounds),
        consent=standing.consent,
        undeclared=undeclared,
        mode=lenience.mode if lenience and undeclared else "",
    )


def beside(terms: Terms, asked: Iterable[str], withheld: Iterable[str]) -> frozenset[str]:
    """What a tool asks for and its sheet does not declare, without what never leaves so."""
    return frozenset(asked).intersection(ITEMS).difference(ALWAYS, terms.bases, withheld)


def split(terms: Terms, accepted: Iterable[str], objected: Iterable[str] = ()) -> tuple[list[str], list[str]]:
    """Items granted and items refused by a member who goes on; what is not on the sheet is ignored.

    What only informs has no switch.  Optional items are refused unless switched on, those that may be objected to go
    unless somebody did.
    """
    chosen, against = frozenset(accepted), frozenset(objected)
    refused = [item for item in terms.under(Face.OBJECTION) if item in against]
    refused += [item for item in terms.under(Face.CONSENT) if item not in chosen]
    return [item for item in terms.bases if item not in refused], refused


def _without_asking(terms: Terms) -> set[LegalBasis]:
    """On what the tool's own identifiers leave, where nothing else does: what nobody can refuse, if there is any."""
    unasked = set(terms.grounds) - {LegalBasis.CONSENT}
    return {each for each in unasked if face_of(each) == Face.INFORMATION} or unasked


def _words(grounds: Collection[LegalBasis]) -> str:
    return " ".join(basis.value for basis in LegalBasis if basis in grounds)


def _languages(told: Any) -> dict[str, str]:
    return {"fr": told, "en": ""} if isinstance(told, str) else {"fr": told.get("fr", ""), "en": told.get("en", "")}


def _said(content: Mapping[str, Any], part: str) -> list[str]:
    """A part of every purpose, whatever their order."""
    return sorted(json.dumps(each[part], sort_keys=True) for each in content["purposes"])


def _items_of(content: Mapping[str, Any]) -> dict[str, Any]:
    return {item["item"]: item["why"] for purpose in content["purposes"] for item in purpose["items"]}


def _bases_of(content: Mapping[str, Any]) -> dict[str, str]:
    return {item["item"]: purpose["legal_basis"] for purpose in content["purposes"] for item in purpose["items"]}
