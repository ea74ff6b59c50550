"""Reading erasures, and what holders have of somebody."""

from collections import defaultdict
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from consent.erasures import policy
from consent.erasures.models import ErasureHolder, ErasureRun
from consent.erasures.types import WAITING, Holder, Item, RunState
from consent.ledger.models import Holding
from consent.models import Processing, ProcessingItem


def holders(member_id: UUID, *, tool_id: int | None = None, held: bool) -> list[Holder]:
    """Who holds what of somebody, and what of it goes; of everybody, or of one tool.  Three statements.

    ``held``: nothing may be erased of this person for now.
    """
    rows = Holding.objects.filter(member_id=member_id, ended_at=None).select_related("tool")
    rows = rows.filter(tool_id=tool_id) if tool_id else rows
    by_tool: dict[int, list[Holding]] = defaultdict(list)
    for row in rows.order_by("tool__name", "tool_id", "item"):
        by_tool[row.tool_id].append(row)
    under = {row.processing_id for of_tool in by_tool.values() for row in of_tool}
    declared = ProcessingItem.objects.filter(processing__in=under - {None}).select_related("purpose")
    purposes = {(each.processing_id, each.item): each.purpose for each in declared}
    contacts = dict(Processing.objects.filter(tool__in=by_tool).order_by("version").values_list("tool_id", "contact"))

    def read(of_tool: list[Holding]) -> tuple[Item, ...]:
        found = []
        for row in of_tool:
            purpose = purposes.get((row.processing_id or 0, row.item))
            why = policy.stays(purpose.legal_basis if purpose else "", whole=tool_id is None, held=held)
            found.append(Item(row.item, why, purpose.shown_retention if purpose and why else ""))
        lead = policy.identifier_stays([each.stays for each in found])
        return tuple(Item(each.code, lead) if policy.is_identifier(each.code) else each for each in found)

    return [
        Holder(tool, of_tool[0].tool.name, contacts.get(tool, ""), min(row.since for row in of_tool), read(of_tool))
        for tool, of_tool in by_tool.items()
    ]


def runs() -> QuerySet[ErasureRun]:
    """The newest first, with how many holders there are and still have to answer.  One statement."""
    waiting = Count("holders", filter=Q(holders__state__in=WAITING))
    return ErasureRun.objects.select_related("tool").annotate(total=Count("holders"), waiting=waiting).order_by("-pk")


def of(member_id: UUID) -> QuerySet[ErasureRun]:
    """A person's own, for their pages; with each holder's answer."""
    return ErasureRun.objects.filter(member_id=member_id).select_related("tool").prefetch_related("holders__tool")


def open_for(member_id: UUID, tool_id: int | None) -> ErasureRun | None:
    going = ErasureRun.objects.filter(member_id=member_id, state__in=(RunState.ASKED, RunState.GOING))
    return going.filter(tool__isnull=True).first() if tool_id is None else going.filter(tool_id=tool_id).first()


def told(run: ErasureRun) -> list[ErasureHolder]:
    """GDPR 19: each recipient of a run."""
    return list(run.holders.select_related("tool").order_by("tool__name", "pk"))
