"""Reading what is declared, agreed and disclosed."""

import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from cachetools import TTLCache
from django.contrib.auth import get_user_model
from django.db.models import Count, Exists, F, FilteredRelation, Max, Min, OuterRef, Q, QuerySet
from django.db.models.expressions import Combinable

from consent import policy
from consent.models import Consent, Disclosure, Processing
from consent.types import Changes, Decision, LegalBasis, Question, Release, Standing, Terms
from directory import photos

SHEET_SECONDS = 5
STANDING_FIELDS = ("id", "notice_id", "decision", "items")


@dataclass(frozen=True, slots=True)
class InForce:
    """A tool's terms with the text of their notice; neither for a tool without a sheet."""

    terms: Terms | None
    content: Any


_sheets: TTLCache[int, InForce] = TTLCache(maxsize=2000, ttl=SHEET_SECONDS)
_sheets_lock = threading.Lock()


def sheet(tool_id: int) -> Processing | None:
    """The processing in force for a tool, with its notice and items."""
    return (
        Processing.objects.filter(tool_id=tool_id, ended_at=None)
        .select_related("notice")
        .prefetch_related("items")
        .first()
    )


def terms(tool_id: int) -> Terms | None:
    """What is in force for a tool, as the rules see it; read from the database at most every few seconds."""
    return _in_force(tool_id).terms


def question(member_id: UUID, tool_id: int, asked: frozenset[str], *, again: bool = False) -> Question | None:
    """What must be shown before the tool opens; one statement, none for a tool without a sheet."""
    if _in_force(tool_id).terms is None:
        return None
    last = (
        Consent.objects.filter(member_id=member_id, tool_id=tool_id)
        .order_by("-pk")
        .values("pk", "notice_id", "decision", "items", "ended_at", "notice__content")
        .first()
    )
    live = _standing(last) if last is not None and last["ended_at"] is None else None
    in_force = _in_force(tool_id, live)
    changed = policy.changes(last["notice__content"], in_force.content) if last is not None else Changes()
    return policy.question(in_force.terms, live, asked, changed=changed, again=again)


def settled(tool_id: int, standing: Standing | None, asked: frozenset[str]) -> bool:
    """Whether nothing needs to be shown, told from a decision that was read beside something else.  No statement."""
    return policy.question(_in_force(tool_id, standing).terms, standing, asked) is None


def release(member_id: UUID, tool_id: int, asked: frozenset[str]) -> Release:
    """What may leave now for this member and tool; one statement, none for a tool without a sheet."""
    if _in_force(tool_id).terms is None:
        return policy.release(None, None, asked)
    return release_on(tool_id, standing(member_id, tool_id), asked)


def standing(member_id: UUID, tool_id: int) -> Standing | None:
    """The decision that stands today; one statement."""
    live = (
        Consent.objects.filter(member_id=member_id, tool_id=tool_id, ended_at=None)
        .values("pk", "notice_id", "decision", "items")
        .first()
    )
    return _standing(live) if live else None


def may_be_told(member_id: UUID, tool_id: int) -> bool:
    """Whether this tool may hear of the member from another one: where it rests on consent, only while that stands."""
    terms = _in_force(tool_id).terms
    if terms is None or terms.basis != LegalBasis.CONSENT:
        return True
    live = standing(member_id, tool_id)
    return live is not None and live.decision == Decision.GIVEN


def release_on(tool_id: int, standing: Standing | None, asked: frozenset[str]) -> Release:
    """As ``release``, on a decision that was read beside something else.  No statement."""
    return policy.release(_in_force(tool_id, standing).terms, standing, asked)


# Reading the standing decision beside a session or a token ---------------------------------------------------


def with_standing(rows: QuerySet[Any], *, member: str, tool: int | str | Combinable) -> QuerySet[Any]:
    """Join the live decision about this tool to rows that lead to a member; ``standing_of`` takes it from a row.

    ``member`` is the path to the member, ``tool`` an identifier or the name of its field.  At most one joins.
    """
    wanted = F(tool) if isinstance(tool, str) else tool
    live = Q(**{f"{member}__consents__tool": wanted, f"{member}__consents__ended_at": None})
    joined = rows.annotate(agreed=FilteredRelation(f"{member}__consents", condition=live))
    read: QuerySet[Any] = joined.annotate(**{f"agreed_{name}": F(f"agreed__{name}") for name in STANDING_FIELDS})
    return read


def standing_of(row: Any) -> Standing | None:
    """The decision joined by ``with_standing``."""
    if row.agreed_id is None:
        return None
    return Standing(
        consent=row.agreed_id,
        notice=row.agreed_notice_id,
        decision=Decision(row.agreed_decision),
        items=frozenset(row.agreed_items),
    )


# « Mes données » --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Received:
    """A data item a tool received about a member."""

    item: str
    first: datetime
    last: datetime


@dataclass(slots=True)
class Relation:
    """Everything between one member and one tool."""

    tool: Any
    processing: Processing | None = None
    consent: Consent | None = None
    received: list[Received] = field(default_factory=list)
    transmissions: int = 0

    @property
    def since(self) -> datetime | None:
        starts = [each.first for each in self.received] + ([self.consent.at] if self.consent else [])
        return min(starts, default=None)

    @property
    def last(self) -> datetime | None:
        return max((each.last for each in self.received), default=None)

    def recency(self) -> float:
        moment = self.last or self.since
        return moment.timestamp() if moment else 0.0

    @property
    def may_withdraw(self) -> bool:
        consent = self.consent
        return consent is not None and consent.ended_at is None and consent.decision == Decision.GIVEN

    @property
    def ended(self) -> bool:
        """Whether the last word is a withdrawal: what the card tells is past."""
        return self.consent is not None and self.consent.ended_at is not None

    @property
    def on_consent(self) -> bool:
        return self.processing is not None and self.processing.legal_basis == LegalBasis.CONSENT

    @property
    def outdated(self) -> bool:
        """Whether the standing decision is about an older notice than the one in force."""
        if self.consent is None or self.processing is None or self.consent.ended_at is not None:
            return False
        return self.consent.notice.processing_id != self.processing.pk


def relations(member_id: UUID) -> list[Relation]:
    """The tools that received or asked something of this member, the last one first.  Five statements at most."""
    found: dict[int, Relation] = {}
    for consent in decisions(member_id):
        relation = found.setdefault(consent.tool_id, Relation(tool=consent.tool))
        relation.consent = relation.consent or consent
    received = _received(member_id)
    tools = Consent._meta.get_field("tool").related_model._default_manager  # by the relation: tools live above
    for tool in tools.filter(pk__in=received.keys() - found.keys()):
        found[tool.pk] = Relation(tool=tool)
    for tool_id, (items, count) in received.items():
        found[tool_id].received, found[tool_id].transmissions = items, count
    in_force = Processing.objects.filter(tool_id__in=found, ended_at=None).select_related("notice")
    for processing in in_force.prefetch_related("items"):
        found[processing.tool_id].processing = processing
    return sorted(found.values(), key=Relation.recency, reverse=True)


def decisions(member_id: UUID) -> QuerySet[Consent]:
    """Every decision of a member, the newest first."""
    return Consent.objects.filter(member_id=member_id).select_related("tool", "notice__processing").order_by("-pk")


def ledger(member_id: UUID, tool: str = "") -> QuerySet[Disclosure]:
    """What left about a member, the newest first; ``tool`` is the slug of the only tool wanted."""
    rows = Disclosure.objects.filter(member_id=member_id).select_related("tool", "processing", "notice")
    return rows.filter(tool__slug=tool) if tool else rows


def known_member(member_id: UUID) -> Any:
    """The member with roles, collectives and their way, for the page that tells them what is known."""
    known = ("role_grants", "memberships__collective", "departures", "status_periods")
    photo = photos.shown().filter(member=OuterRef("pk"))
    return get_user_model().objects.annotate(has_photo=Exists(photo)).prefetch_related(*known).get(pk=member_id)


def export(member_id: UUID) -> Iterator[dict[str, Any]]:
    """The member's ledger, row by row and without a ceiling, in names of items."""
    for row in ledger(member_id).iterator(chunk_size=1000):
        yield {
            "at": row.at.isoformat(),
            "tool": row.tool.slug,
            "tool_name": row.tool.name,
            "channel": row.channel,
            "items": row.items,
            "processing": row.processing.name if row.processing else None,
            "purpose": row.processing.purpose if row.processing else None,
            "legal_basis": row.legal_basis or None,
            "notice_version": row.notice.version if row.notice else None,
            "notice_digest": row.notice.digest if row.notice else None,
            "session": str(row.session) if row.session else None,
        }


def export_decisions(member_id: UUID) -> list[dict[str, Any]]:
    """The member's decisions, each with the very text it was about (GDPR art. 7(1))."""
    return [
        {
            "at": row.at.isoformat(),
            "tool": row.tool.slug,
            "decision": row.decision,
            "items": row.items,
            "refused_items": row.refused_items,
            "language": row.language,
            "ended_at": row.ended_at.isoformat() if row.ended_at else None,
            "ended_reason": row.ended_reason or None,
            "notice_version": row.notice.version,
            "notice_digest": row.notice.digest,
            "notice": row.notice.content,
        }
        for row in decisions(member_id)
    ]


def _in_force(tool_id: int, standing: Standing | None = None) -> InForce:
    """A sheet changes a few times a year and is read at every sign-on: each process keeps it for a few seconds.

    A tool's new sheet therefore counts everywhere ``SHEET_SECONDS`` later at most; decisions about it are checked
    against the database (``services``), and what leaves meanwhile is what the member agreed to under the old one.
    A decision about another notice than the kept one is the sign of a change: then it is read again.
    """
    with _sheets_lock:
        known = _sheets.get(tool_id)
    other = known is not None and standing is not None and (not known.terms or known.terms.notice != standing.notice)
    if known is None or other:
        known = read_in_force(tool_id)
        with _sheets_lock:
            _sheets[tool_id] = known
    return known


def forget_sheets() -> None:
    """Read every sheet again at its next use: after a change made by this process."""
    with _sheets_lock:
        _sheets.clear()


def read_in_force(tool_id: int) -> InForce:
    """What is in force for a tool, from the database.  One statement."""
    columns = ["pk", "notice__pk", "legal_basis", "items__item", "items__optional", "notice__content"]
    rows = list(
        Processing.objects.filter(tool_id=tool_id, ended_at=None)
        .order_by("items__order", "items__pk")
        .values_list(*columns)
    )
    if not rows or rows[0][1] is None:
        return InForce(None, None)
    processing, notice, basis = rows[0][:3]
    found = Terms(
        processing=processing,
        notice=notice,
        basis=LegalBasis(basis),
        required=tuple(row[3] for row in rows if row[3] and not row[4]),
        optional=tuple(row[3] for row in rows if row[3] and row[4]),
    )
    return InForce(found, rows[0][5])


def _standing(row: Any) -> Standing:
    return Standing(
        consent=row["pk"],
        notice=row["notice_id"],
        decision=Decision(row["decision"]),
        items=frozenset(row["items"]),
    )


def _received(member_id: UUID) -> dict[int, tuple[list[Received], int]]:
    """Per tool, each item with its first and last time.  One statement: few distinct sets of items, many rows."""
    spans: dict[int, dict[str, Received]] = defaultdict(dict)
    counts: dict[int, int] = defaultdict(int)
    sets = (
        Disclosure.objects.filter(member_id=member_id)
        .order_by()
        .values("tool_id", "items")
        .annotate(first=Min("at"), last=Max("at"), count=Count("pk"))
    )
    for row in sets:
        counts[row["tool_id"]] += row["count"]
        known = spans[row["tool_id"]]
        for item in row["items"]:
            before = known.get(item)
            first = min(before.first, row["first"]) if before else row["first"]
            last = max(before.last, row["last"]) if before else row["last"]
            known[item] = Received(item, first, last)
    return {tool: (list(items.values()), counts[tool]) for tool, items in spans.items()}
