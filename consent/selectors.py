"""Reading what is declared, agreed and disclosed."""

import threading
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from cachetools import TTLCache
from django.contrib.auth import get_user_model
from django.db.models import Exists, F, FilteredRelation, Max, Min, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.expressions import Combinable
from django.utils import timezone

from audit.models import Event
from audit.types import Action
from consent import policy
from consent.corrections import selectors as corrections
from consent.corrections.types import Correction
from consent.models import (
    Consent,
    ConsentAsked,
    Disclosure,
    Holding,
    Notice,
    NoticeCopy,
    Objection,
    Processing,
    ProcessingPurpose,
    Restriction,
)
from consent.modes import policy as modes_policy
from consent.modes import selectors as modes
from consent.modes.types import Chosen
from consent.types import (
    ITEMS,
    WITHDRAWN,
    Changes,
    Decision,
    Face,
    LegalBasis,
    Lenience,
    Mode,
    Question,
    Release,
    Standing,
    Terms,
)
from directory import photos

SHEET_SECONDS = 5
STANDING_FIELDS = ("id", "notice_id", "decision", "items")


@dataclass(frozen=True, slots=True)
class InForce:
    """A tool's terms with the text of their notice; neither for a tool without a sheet.

    ``chosen`` is the newest decision about its mode, and ``withheld`` what a lenient one never lets out.
    """

    terms: Terms | None
    content: Any
    chosen: Chosen | None = None
    withheld: frozenset[str] = frozenset()


_sheets: TTLCache[int, InForce] = TTLCache(maxsize=2000, ttl=SHEET_SECONDS)
_sheets_lock = threading.Lock()


def sheet(tool_id: int) -> Processing | None:
    """The processing in force for a tool, with its notice and items."""
    return (
        Processing.objects.filter(tool_id=tool_id, ended_at=None)
        .select_related("notice")
        .prefetch_related("purposes__items")
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
    return release_on(member_id, tool_id, standing(member_id, tool_id), asked)


def standing(member_id: UUID, tool_id: int) -> Standing | None:
    """The decision that stands today; one statement."""
    live = (
        Consent.objects.filter(member_id=member_id, tool_id=tool_id, ended_at=None)
        .annotate(restricted=_restricted("member", tool_id))
        .values("pk", "notice_id", "decision", "items", "restricted")
        .first()
    )
    return _standing(live) if live else None


def may_be_told(member_id: UUID, tool_id: int) -> bool:
    """Whether this tool may hear of the member from another one: where it rests on consent, only while that stands,
    and nowhere while their data is restricted.

    A decision about a text that is no longer in force is none: the member has not seen what is asked today.
    """
    if restrictions(member_id, tool_id).exists():
        return False
    terms = _in_force(tool_id).terms
    if terms is None or not terms.asks:
        return True
    live = standing(member_id, tool_id)
    in_force = _in_force(tool_id, live).terms
    return in_force is None or not in_force.asks or policy.settled(in_force, live)


def release_on(member_id: UUID, tool_id: int, standing: Standing | None, asked: frozenset[str]) -> Release:
    """As ``release``, on a decision that was read beside something else.  No statement in the strict mode."""
    in_force = _in_force(tool_id, standing)
    lenience = _lenience(member_id, tool_id, in_force, standing, asked)
    return policy.release(in_force.terms, standing, asked, lenience=lenience)


def _lenience(
    member_id: UUID, tool_id: int, in_force: InForce, standing: Standing | None, asked: frozenset[str]
) -> Lenience | None:
    """Nothing, and no statement, where the tool is strict or asks for nothing more; else one."""
    today = timezone.localdate()
    terms, chosen = in_force.terms, in_force.chosen
    if terms is None or modes_policy.mode_on(chosen, is_imported=True, today=today) == Mode.ENFORCE:
        return None
    if not policy.settled(terms, standing) or not policy.beside(terms, asked, in_force.withheld):
        return None
    return modes.lenience(member_id, tool_id, withheld=in_force.withheld, today=today)


# Reading the standing decision beside a session or a token ---------------------------------------------------


def with_standing(rows: QuerySet[Any], *, member: str, tool: int | str | Combinable) -> QuerySet[Any]:
    """Join the live decision about this tool to rows that lead to a member; ``standing_of`` takes it from a row.

    ``member`` is the path to the member, ``tool`` an identifier or the name of its field.  At most one joins.
    """
    wanted = F(tool) if isinstance(tool, str) else tool
    live = Q(**{f"{member}__consents__tool": wanted, f"{member}__consents__ended_at": None})
    joined = rows.annotate(agreed=FilteredRelation(f"{member}__consents", condition=live))
    read: QuerySet[Any] = joined.annotate(
        **{f"agreed_{name}": F(f"agreed__{name}") for name in STANDING_FIELDS},
        restricted=_restricted(member, OuterRef(tool) if isinstance(tool, str) else tool),
    )
    return read


def _restricted(member: str, tool: Any) -> Exists:
    """Whether data of the member on this path is restricted for a tool, or for all."""
    rows = Restriction.objects.filter(member=OuterRef(member), ended_at=None)
    return Exists(rows.filter(Q(tool=None) | Q(tool=tool)))


def restrictions(member_id: UUID, tool_id: int) -> QuerySet[Restriction]:
    """By what a member's data is kept from this tool today."""
    rows = Restriction.objects.filter(member_id=member_id, ended_at=None)
    return rows.filter(Q(tool=None) | Q(tool=tool_id))


def standing_of(row: Any) -> Standing | None:
    """The decision joined by ``with_standing``."""
    if row.agreed_id is None:
        return None
    return Standing(
        consent=row.agreed_id,
        notice=row.agreed_notice_id,
        decision=Decision(row.agreed_decision),
        items=frozenset(row.agreed_items),
        restricted=row.restricted,
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
    objections: list[Objection] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    transmissions: int = 0
    # Of what it holds, what changed since; whether it has the new value or not.
    corrections: list[Correction] = field(default_factory=list)
    # Until when the tool gets what its sheet does not declare, where members are told.
    warned_until: date | None = None

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
    def is_behind(self) -> bool:
        """Whether it still has a value of before."""
        return any(not each.is_delivered for each in self.corrections)

    @property
    def stands(self) -> bool:
        """Whether the member goes on with a tool that asks for something, agreed to or not."""
        consent = self.consent
        return consent is not None and consent.ended_at is None and consent.decision == Decision.GIVEN

    @property
    def agreed(self) -> bool:
        """Whether anything was agreed to that could have been refused, beside what the tool needs anyway."""
        consent = self.consent
        if consent is None or consent.decision != Decision.GIVEN:
            return False
        return not policy.agreeable(consent.notice.content).isdisjoint(consent.items)

    @property
    def may_withdraw(self) -> bool:
        return self.stands and self.agreed

    @property
    def ended(self) -> bool:
        """Whether the last word is a withdrawal: what the card tells is past."""
        return self.consent is not None and self.consent.ended_at is not None

    @property
    def purposes(self) -> list[ProcessingPurpose]:
        return list(self.processing.purposes.all()) if self.processing else []

    @property
    def on_consent(self) -> bool:
        return any(purpose.legal_basis == LegalBasis.CONSENT for purpose in self.purposes)

    @property
    def outdated(self) -> bool:
        """Whether the standing decision is about an older notice than the one in force."""
        if self.consent is None or self.processing is None or self.consent.ended_at is not None:
            return False
        return self.consent.notice.processing_id != self.processing.pk


def relations(member_id: UUID) -> list[Relation]:
    """The tools that received or asked something of this member, the last one first.  Eleven statements at most."""
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
    for objection in objections(member_id):
        if objection.tool_id in found:
            found[objection.tool_id].objections.append(objection)
    in_force = Processing.objects.filter(tool_id__in=found, ended_at=None).select_related("notice")
    for processing in in_force.prefetch_related("purposes__items"):
        found[processing.tool_id].processing = processing
    for tool_id, until in modes.warned(found.keys(), now=timezone.now()).items():
        found[tool_id].warned_until = until
    for tool_id, changed in corrections.by_tool(member_id).items():
        if tool_id in found:
            found[tool_id].corrections = changed
    return sorted(found.values(), key=Relation.recency, reverse=True)


def is_known(member_id: UUID, tool_id: int) -> bool:
    """Whether ``relations`` has this tool: it received something of this member, or asked them."""
    mine = {"member_id": member_id, "tool_id": tool_id}
    return Consent.objects.filter(**mine).exists() or Disclosure.objects.filter(**mine).exists()


def notice_decided(member_id: UUID, notice_id: int) -> Notice | None:
    """A notice that this member decided about, whatever became of the decision, with its copies."""
    decided = Consent.objects.filter(member_id=member_id, notice=notice_id)
    return _shown(Notice.objects.filter(Exists(decided), pk=notice_id))


def notice(notice_id: int) -> Notice | None:
    """A notice with its copies, for whoever may read any."""
    return _shown(Notice.objects.filter(pk=notice_id))


def digests(notice_id: int, language: str) -> dict[str, str]:
    """What a text was, whatever becomes of the row: of its words, and of its page in the language that was shown."""
    page = FilteredRelation("copies", condition=Q(copies__language=language.partition("-")[0]))
    rows = Notice.objects.annotate(page=page).filter(pk=notice_id)
    digest, page_digest = rows.values_list("digest", "page__digest").get()
    return {"digest": digest, **({"page_digest": page_digest} if page_digest else {})}


def notice_on(tool_id: int, at: datetime) -> Notice | None:
    """The notice of a tool that was in force at a moment, with its copies."""
    begun = Notice.objects.filter(processing__tool_id=tool_id, processing__started_at__lte=at)
    return _shown(begun.exclude(processing__ended_at__lte=at).order_by("-version"))


def _shown(notices: QuerySet[Notice]) -> Notice | None:
    return notices.select_related("processing__tool").prefetch_related("copies").first()


def objections(member_id: UUID) -> QuerySet[Objection]:
    """What a member objects to today."""
    return (
        Objection.objects.filter(member_id=member_id, ended_at=None).select_related("purpose", "request").order_by("pk")
    )


def objected(member_id: UUID, tool_id: int) -> frozenset[str]:
    """The items that do not leave for a tool because the member objects."""
    live = Objection.objects.filter(member_id=member_id, tool_id=tool_id, ended_at=None)
    return frozenset(item for items in live.values_list("items", flat=True) for item in items)


def decisions(member_id: UUID) -> QuerySet[Consent]:
    """Every decision of a member, the newest first."""
    kept = NoticeCopy.objects.filter(notice=OuterRef("notice"))
    asked = ConsentAsked.objects.filter(consent=OuterRef("pk")).order_by("pk").values("at")[:1]
    rows = Consent.objects.filter(member_id=member_id).annotate(has_copy=Exists(kept), asked_at=Subquery(asked))
    return rows.select_related("tool", "notice__processing").order_by("-pk")


def unanswered(member_id: UUID) -> QuerySet[ConsentAsked]:
    """Questions of consent that this member was shown and left, the newest first."""
    rows = ConsentAsked.objects.filter(member_id=member_id, consent=None)
    return rows.select_related("notice__processing__tool").order_by("-pk")


def last_withdrawal(member_id: UUID, tool_id: int) -> Consent | None:
    """The agreement that this member took back last."""
    return decisions(member_id).filter(tool_id=tool_id, ended_reason=WITHDRAWN).first()


def held(member_id: UUID, tool_id: int) -> list[str]:
    """The items that a tool received of this member, and of which nobody confirmed the erasure."""
    rows = Holding.objects.filter(member_id=member_id, tool_id=tool_id, ended_at=None)
    found = set(rows.values_list("item", flat=True))
    return [item for item in ITEMS if item in found]


def ledger(member_id: UUID, tool: str = "") -> QuerySet[Disclosure]:
    """What left about a member, the newest first; ``tool`` is the slug of the only tool wanted."""
    rows = Disclosure.objects.filter(member_id=member_id).select_related("tool", "processing", "notice")
    return rows.filter(tool__slug=tool) if tool else rows


def purposes_for(processing: Processing, items: Collection[str]) -> list[ProcessingPurpose]:
    """What these items were wanted for; where only the tool's own identifiers left, what nobody can refuse, if any."""
    purposes = list(processing.purposes.all())
    wanted = [each for each in purposes if any(item.item in items for item in each.items.all())]
    return wanted or [each for each in purposes if each.face == Face.INFORMATION] or purposes


def known_member(member_id: UUID) -> Any:
    """The member with roles, collectives and their way, for the page that tells them what is known."""
    known = ("role_grants", "memberships__collective", "departures", "status_periods")
    photo = photos.shown().filter(member=OuterRef("pk"))
    return get_user_model().objects.annotate(has_photo=Exists(photo)).prefetch_related(*known).get(pk=member_id)


def downloads(member_id: UUID, *, since: datetime) -> int:
    """How often this member took their own data with them."""
    return Event.objects.about(member_id).filter(action=Action.OWN_DATA_DOWNLOADED, at__gt=since).count()


def told(row: Disclosure) -> dict[str, Any]:
    """A row of the ledger as data, in names of items."""
    return {
        "at": row.at.isoformat(),
        "last_at": row.last_at.isoformat(),
        "times": row.count,
        "tool": row.tool.slug,
        "tool_name": row.tool.name,
        "channel": row.channel,
        "items": row.items,
        "processing": row.processing.name if row.processing else None,
        "purposes": [each.text for each in purposes_for(row.processing, row.items)] if row.processing else [],
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
    """What is in force for a tool, from the database.  One statement, and one more for a tool that is not strict."""
    columns = ["processing", "processing__notice__pk", "legal_basis", "items__item", "processing__notice__content"]
    newest = {name: modes.newest(name, tool="processing__tool") for name in ("mode", "until")}
    rows = list(
        ProcessingPurpose.objects.filter(processing__tool_id=tool_id, processing__ended_at=None)
        .annotate(**newest)
        .order_by("order", "pk", "items__order", "items__pk")
        .values_list(*columns, *newest)
    )
    if not rows or rows[0][1] is None:
        return InForce(None, None)
    processing, notice, _, _, content, mode, until = rows[0]
    terms = Terms(
        processing=processing,
        notice=notice,
        grounds=tuple(dict.fromkeys(LegalBasis(row[2]) for row in rows)),
        bases={row[3]: LegalBasis(row[2]) for row in rows if row[3]},
    )
    if mode is None or mode == Mode.ENFORCE:
        return InForce(terms, content)
    return InForce(terms, content, Chosen(Mode(mode), until), modes.on_consent(tool_id))


def _standing(row: Any) -> Standing:
    return Standing(
        consent=row["pk"],
        notice=row["notice_id"],
        decision=Decision(row["decision"]),
        items=frozenset(row["items"]),
        # What only asks whether something must be shown does not read it.
        restricted=row.get("restricted", False),
    )


def _received(member_id: UUID) -> dict[int, tuple[list[Received], int]]:
    """Per tool, each item with its first and last time.  One statement: few distinct sets of items, many rows."""
    spans: dict[int, dict[str, Received]] = defaultdict(dict)
    counts: dict[int, int] = defaultdict(int)
    sets = (
        Disclosure.objects.filter(member_id=member_id)
        .order_by()
        .values("tool_id", "items")
        .annotate(first=Min("at"), last=Max("last_at"), times=Sum("count"))
    )
    for row in sets:
        counts[row["tool_id"]] += row["times"]
        known = spans[row["tool_id"]]
        for item in row["items"]:
            before = known.get(item)
            first = min(before.first, row["first"]) if before else row["first"]
            last = max(before.last, row["last"]) if before else row["last"]
            known[item] = Received(item, first, last)
    return {tool: (list(items.values()), counts[tool]) for tool, items in spans.items()}
