"""Addresses that a collective shows, each with a name where it was given one.  Values in, values out; no Django."""

from dataclasses import dataclass

from directory.people import links

SIGN = " | "
LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class Link:
    """``name``: what is read of it."""

    name: str
    address: str


def kept(typed: str) -> str:
    """One line as it is kept, or nothing where its address cannot be opened: « Dossier partagé | https://… »."""
    name, sign, address = typed.rpartition("|")
    found = links.read(address)
    name = " ".join(name.split())
    if not found or (sign and not name) or len(name) > LONGEST_NAME:
        return ""
    return f"{name}{SIGN}{found}" if name else found


def read(line: str) -> Link:
    """Of a line of ``kept``; an address has no such sign with spaces around it."""
    name, _sign, address = line.rpartition(SIGN)
    return Link(name or links.shown(address), address)
