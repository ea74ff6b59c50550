"""Reading what belongs to a scope, always in the same order."""

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from audit.models import Event, Removal, RetentionRules
from audit.types import Action, RemovalKind
from consent.evidence.types import Scope
from consent.incidents import selectors as breaches
from consent.incidents.selectors import Known
from consent.models import Consent, ContractVersion, NoticeCopy, Objection, RegisterVersion, SafetyLine
from consent.register import selectors as register
from consent.register.models import RegisterRecord
from consent.register.types import Kind, Register

# Lines that name a record of the register, or a breach, and perhaps no tool.
OF_RECORDS = (Action.REGISTER_CHANGED, Action.REGISTER_CLOSED, Action.SCREENING_MADE, Action.CONTRACT_KEPT)
OF_BREACHES = (Action.INCIDENT_OPENED, Action.INCIDENT_CHANGED, Action.INCIDENT_COUNTED, Action.INCIDENTS_EXPORTED)
LATEST = 10


class Found:
    """What a scope comes to."""

    def __init__(self, scope: Scope, now: datetime) -> None:
        self.scope, self.now = scope, now
        self.since = timezone.make_aware(datetime.combine(scope.since, time.min))
        self.until = register.end_of(scope.until)
        self.records = self._records()
        self.tools = {row.tool_id for row in self.records if row.tool_id is not None}

    @property
    def is_all(self) -> bool:
        return not self.scope.references

    def register(self) -> Register:
        """As it was at the end of the last day."""
        whole = register.register_on(min(self.scope.until, timezone.localdate(self.now)))
        wanted = {row.reference for row in self.records}
        return Register(whole.on, whole.parties, tuple(each for each in whole.records if each.reference in wanted))

    def versions(self) -> QuerySet[RegisterVersion]:
        """Every version that was in force on one of the days, the parties' too."""
        rows = RegisterVersion.objects.filter(
            Q(record__in=[row.pk for row in self.records]) | Q(record__kind=Kind.PARTIES), started_at__lt=self.until
        )
        rows = rows.filter(Q(ended_at=None) | Q(ended_at__gte=self.since))
        return rows.select_related("record").order_by("record__reference", "version")

    def copies(self) -> QuerySet[NoticeCopy]:
        """What members saw: of the notices in force on one of the days, and those that decisions in force are about."""
        rows = NoticeCopy.objects.filter(notice__created_at__lt=self.until)
        rows = rows.filter(
            Q(notice__processing__ended_at=None)
            | Q(notice__processing__ended_at__gte=self.since)
            | Q(notice__in=self.decisions().values("notice"))
        )
        if not self.is_all:
            rows = rows.filter(notice__processing__tool__in=self.tools)
        rows = rows.select_related("notice__processing__tool")
        return rows.order_by("notice__processing__tool__slug", "notice__version", "notice", "language")

    def decisions(self) -> QuerySet[Consent]:
        """Those that were in force on one of the days."""
        rows = Consent.objects.filter(at__lt=self.until).filter(Q(ended_at=None) | Q(ended_at__gte=self.since))
        if not self.is_all:
            rows = rows.filter(tool__in=self.tools)
        return rows.select_related("notice", "tool", "member").order_by("pk")

    def objections(self) -> QuerySet[Objection]:
        rows = Objection.objects.filter(at__lt=self.until).filter(Q(ended_at=None) | Q(ended_at__gte=self.since))
        if not self.is_all:
            rows = rows.filter(tool__in=self.tools)
        return rows.select_related("tool", "purpose", "member", "request").order_by("pk")

    def people(self) -> set[UUID]:
        """Those whom the decisions and objections are of."""
        found: set[UUID] = set()
        rows: Iterable[QuerySet[Any]] = (self.decisions(), self.objections())
        for each in rows:
            found.update(each.order_by().values_list("member_id", flat=True).distinct())
        return found

    def counts(self) -> Counter[tuple[str, int, str]]:
        """How many decisions of each kind there are, by tool and version of the notice.  One statement."""
        rows = self.decisions().select_related(None).order_by()
        return Counter(rows.values_list("tool__slug", "notice__version", "decision"))

    def contracts(self) -> list[ContractVersion]:
        """What was read in each contract by the last day, the text aside."""
        rows = ContractVersion.objects.filter(record__in=[row.pk for row in self.records], at__lt=self.until)
        rows = rows.select_related("record", "file").defer("file__content")
        return list(rows.order_by("record__reference", "recipient", "version"))

    def safety(self) -> QuerySet[SafetyLine]:
        """What was done for security by the last day; it protects every processing."""
        return SafetyLine.objects.filter(on__lte=self.scope.until, at__lt=self.until).order_by("on", "pk")

    def breaches(self) -> list[Known]:
        """Those that somebody was aware of by the last day and that were open, or noted, on one of the days.

        Of some processings: those in which one of their tools was counted.  The oldest first.
        """
        found = []
        for each in reversed(breaches.incidents(self.now)):
            told = {asked.tool for _number, asked in each.standing.counts}
            in_days = each.incident.opened_at < self.until and each.steps[-1].at >= self.since
            if in_days and (self.is_all or told & self.tools):
                found.append(each)
        return found

    def runs(self) -> QuerySet[Removal]:
        """How the rules of retention were applied in these days."""
        return Removal.objects.filter(
            kind=RemovalKind.RETENTION, began_at__gte=self.since, began_at__lt=self.until
        ).order_by("pk")

    def rules(self) -> QuerySet[RetentionRules]:
        return RetentionRules.objects.filter(at__lt=self.until).order_by("pk")

    def lines(self) -> QuerySet[Event]:
        """The lines of the journal: all of these days, or those that name a tool, a record or a breach of the scope."""
        rows = Event.objects.filter(at__gte=self.since, at__lt=self.until)
        if self.is_all:
            return rows
        return rows.filter(
            Q(tool__in=self.tools)
            | Q(actor_tool__in=self.tools)
            | Q(action__in=OF_RECORDS, facts__record__in=[row.reference for row in self.records])
            | Q(action__in=OF_BREACHES, facts__incident__in=[each.incident.reference for each in self.breaches()])
        )

    def _records(self) -> list[RegisterRecord]:
        rows = RegisterRecord.objects.exclude(kind=Kind.PARTIES).order_by("reference")
        return list(rows if self.is_all else rows.filter(reference__in=self.scope.references))


def choices(today: date) -> list[tuple[str, str]]:
    """What may be asked for: every processing that is or was in the register, by reference."""
    named = {each.reference: each.content.name for each in register.register_on(today).records}
    named |= {row.record.reference: row.content["name"] for row in register.closed()}
    return [(reference, f"{named[reference]} ({reference})") for reference in sorted(named)]


def latest() -> list[Event]:
    """The last packs, the newest first."""
    return list(Event.objects.filter(action=Action.EVIDENCE_MADE).order_by("-pk")[:LATEST])
