"""What a run sheet came to, in the words of the person it is about (GDPR 12(4), 17 and 19); in today's language."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.formats import date_format
from django.utils.translation import gettext

from consent.display import item_label
from consent.erasures import selectors
from consent.erasures.models import ErasureHolder, ErasureRun
from consent.erasures.types import HolderState, Line, Part, Stays


@dataclass(frozen=True, slots=True)
class Told:
    """A sentence each: what is erased and where, what stays and why, who was told and what they answered."""

    erased: tuple[str, ...]
    kept: tuple[str, ...]
    recipients: tuple[str, ...]


def of(run: ErasureRun) -> Told:
    """Three statements at most.  What a holder was asked and does not confirm is told with its answer alone."""
    holders = selectors.told(run)
    own = parts_of(run)
    here = gettext("Chez nous")
    going = [str(each.part.label) for each in own if not each.stays]
    erased = [_said(here, ", ".join(going))] if going else []
    erased += [
        _said(each.tool.name, ", ".join(str(item_label(item)) for item in each.items))
        for each in holders
        if each.state == HolderState.CONFIRMED and each.items
    ]
    kept = [_said(here, f"{each.part.label}, {Stays(each.stays).label}") for each in own if each.stays]
    kept += [line for each in holders for line in _kept(each)]
    return Told(tuple(erased), tuple(kept), tuple(map(_answer, holders)))


def parts_of(run: ErasureRun) -> list[Line]:
    """The hub's own part, as it was agreed to; nothing where one tool alone was asked."""
    return [Line(Part(each["part"]), each["number"], each["stays"]) for each in run.preview]


def _kept(holder: ErasureHolder) -> Iterable[str]:
    """What stays for one reason, and as long, is one line."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for each in holder.kept:
        reasons.setdefault((each["why"], each["period"]), []).append(str(item_label(each["item"])))
    for (why, period), items in reasons.items():
        until = f" ({period})" if period else ""
        yield _said(holder.tool.name, f"{', '.join(items)}, {Stays(why).label}{until}")


def _answer(holder: ErasureHolder) -> str:
    said = _said(holder.tool.name, holder.get_state_display())
    if holder.answered_at:
        said += f", {date_format(holder.answered_at, 'SHORT_DATE_FORMAT')}"
    if holder.told_at:
        day = date_format(holder.told_at, "SHORT_DATE_FORMAT")
        said += " · " + gettext("prévenu le {day}").format(day=day)
    if holder.refusal:
        said += f". {holder.get_refusal_display()}"
    # On one line: what somebody else wrote stands between its quotation marks and nowhere else.
    note = " ".join(holder.note.split())
    return said + (f" «\xa0{note}\xa0»" if note else "")


def _said(name: str, what: str) -> str:
    return gettext("{name} : {what}").format(name=name, what=what)
