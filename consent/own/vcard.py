"""What a member gave of themself, as a card that an address book reads (RFC 6350).  Pure.

Portability covers what somebody gave, on consent or contract (GDPR art. 20(1)): numbers that the cooperative assigned,
and what was worked out from use, are not among it.
"""

from dataclasses import dataclass

LINE = 75


@dataclass(frozen=True, slots=True)
class Given:
    name: str
    given_name: str = ""
    family_name: str = ""
    email: str = ""
    phone: str = ""
    mobile: str = ""
    street: str = ""
    postal_code: str = ""
    town: str = ""
    trade: str = ""
    business: str = ""
    language: str = ""


def card_of(given: Given) -> str:
    address = ("", "", given.street, given.town, "", given.postal_code, "")
    lines = [
        ("FN", _text(given.name)),
        ("N", _parts(given.family_name, given.given_name, "", "", "")),
        ("EMAIL", _text(given.email)),
        ("TEL;TYPE=voice", _text(given.phone)),
        ("TEL;TYPE=cell", _text(given.mobile)),
        ("ADR", _parts(*address) if any(address) else ""),
        ("TITLE", _text(given.trade)),
        ("ORG", _text(given.business)),
        ("LANG", _text(given.language)),
    ]
    named = [f"{name}:{value}" for name, value in lines if value]
    return "".join(f"{_folded(line)}\r\n" for line in ("BEGIN:VCARD", "VERSION:4.0", *named, "END:VCARD"))


def _parts(*values: str) -> str:
    return ";".join(map(_text, values))


def _text(value: str) -> str:
    """§3.4; a carriage return would begin a property of its own."""
    escaped = value.replace("\\", "\\\\").replace(",", "\\,").replace(";", "\\;")
    return "\\n".join(escaped.splitlines())


def _folded(line: str) -> str:
    """§3.2: at most 75 octets a line, never within a character."""
    folded, width = [""], 0
    for character in line:
        size = len(character.encode())
        if width + size > LINE:
            # The space that begins the next line counts.
            folded.append(" ")
            width = 1
        folded[-1] += character
        width += size
    return "\r\n".join(folded)
