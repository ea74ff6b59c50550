"""Reading requests: one's own, those that wait, and what the letters start from."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import Count, Prefetch, Q, QuerySet

from consent.erasures.models import ErasureRun
from consent.models import Consent, Holding, Processing
from consent.register import selectors as register
from consent.requests import letters, policy
from consent.requests.models import LetterVersion, RequestFile, RequestStep, Restriction, SubjectRequest
from consent.requests.types import OPEN_STATES, Kind, Letter, State, Step
from consent.types import Holds, LegalBasis


@dataclass(frozen=True, slots=True)
class RightOn:
    """Whether what is asked for goes with one purpose: of a tool, or of the hub itself."""

    holder: str
    purpose: str
    basis: LegalBasis
    applies: Holds


@dataclass(frozen=True, slots=True)
class Template:
    """What a letter starts from; version 0 is the one that comes with the hub."""

    letter: Letter
    language: str
    version: int
    text: str


def tools_of(member_id: UUID) -> list[Any]:
    """The tools that hold something of this member, or that they decided about."""
    held = Holding.objects.filter(member_id=member_id, ended_at=None).values("tool")
    decided = Consent.objects.filter(member_id=member_id).values("tool")
    tools = Consent._meta.get_field("tool").related_model._default_manager  # by the relation: tools live above
    return list(tools.filter(Q(pk__in=held) | Q(pk__in=decided)).order_by("name"))


def rights(kind: Kind, member_id: UUID, tool_id: int | None = None) -> list[RightOn]:
    """Purpose by purpose, for one tool or all that the member has to do with and the hub itself."""
    return [
        RightOn(holder, text, basis, policy.applies(kind, basis))
        for holder, text, basis in _purposes(member_id, tool_id)
    ]


def possible(member_id: UUID, tool_id: int | None = None) -> tuple[Kind, ...]:
    return policy.possible(basis for _holder, _text, basis in _purposes(member_id, tool_id))


def _purposes(member_id: UUID, tool_id: int | None) -> list[tuple[str, str, LegalBasis]]:
    wanted = [tool_id] if tool_id else [tool.pk for tool in tools_of(member_id)]
    sheets = Processing.objects.filter(tool_id__in=wanted, ended_at=None).select_related("tool").order_by("tool__name")
    found = [
        (str(sheet.tool), purpose.shown_text, LegalBasis(purpose.legal_basis))
        for sheet in sheets.prefetch_related("purposes")
        for purpose in sheet.purposes.all()
    ]
    return found if tool_id else [*found, *_own_purposes()]


def _own_purposes() -> list[tuple[str, str, LegalBasis]]:
    """What the hub itself does with data, as the register has it today."""
    own = register.in_force().exclude(record__own=None).order_by("record__reference")
    return [
        (row["name"], purpose["text"], LegalBasis(purpose["basis"]))
        for row in own.values_list("content", flat=True)
        for purpose in row["purposes"]
        if purpose["basis"]
    ]


# Requests -----------------------------------------------------------------------------------------------------


def of_member(member_id: UUID) -> QuerySet[SubjectRequest]:
    return SubjectRequest.objects.filter(member_id=member_id).select_related("tool").order_by("-pk")


def own(member_id: UUID, reference: str) -> SubjectRequest | None:
    return of_member(member_id).filter(reference=reference).first()


def waiting() -> list[SubjectRequest]:
    """What is due first comes first; a clock that stands still, last."""
    rows = SubjectRequest.objects.filter(state__in=OPEN_STATES).select_related("member", "tool")
    return sorted(rows, key=lambda each: (each.state == State.WAITING, each.due_on, each.pk))


def closed() -> QuerySet[SubjectRequest]:
    rows = SubjectRequest.objects.exclude(state__in=OPEN_STATES).select_related("member", "tool")
    return rows.order_by("-closed_on", "-pk")


def found(reference: str) -> SubjectRequest | None:
    return SubjectRequest.objects.select_related("member", "tool").filter(reference=reference).first()


def steps(request: SubjectRequest, *, notes: bool) -> list[RequestStep]:
    """What happened, the oldest first, with the names of files; the officers' notes only where asked for."""
    rows = RequestStep.objects.filter(request=request).select_related("author").order_by("pk")
    files = Prefetch("files", queryset=RequestFile.objects.defer("content"))
    return list((rows if notes else rows.exclude(step=Step.NOTE)).prefetch_related(files))


def file(request: SubjectRequest, number: int, *, notes: bool) -> RequestFile | None:
    """A file of this request that is still kept; of whoever asked, what was sent to them."""
    rows = RequestFile.objects.filter(pk=number, step__request=request, emptied_at=None).select_related("step")
    return (rows if notes else rows.exclude(step__step=Step.NOTE)).first()


def counts() -> dict[str, int]:
    """How many wait, and how many are over, whatever became of them."""
    is_open = Q(state__in=OPEN_STATES)
    return SubjectRequest.objects.aggregate(open=Count("pk", filter=is_open), closed=Count("pk", filter=~is_open))


def sheet_of(request: SubjectRequest) -> ErasureRun | None:
    """The run sheet that carries an erasure out: of the same tool, or of all of them; not one from long before."""
    runs = ErasureRun.objects.filter(member=request.member_id)
    runs = runs.filter(tool=None) if request.tool_id is None else runs.filter(tool=request.tool_id)
    return runs.exclude(closed_at__date__lt=request.received_on).order_by("-pk").first()


def exported(member_id: UUID) -> list[dict[str, Any]]:
    """What a member asked, the last first, and what was said to them, for their own file.  Three statements."""
    rows = SubjectRequest.objects.filter(member_id=member_id).select_related("tool").order_by("-pk")
    files = Prefetch("files", queryset=RequestFile.objects.defer("content"))
    told = RequestStep.objects.exclude(step=Step.NOTE).order_by("pk").prefetch_related(files)
    return [
        {
            "reference": row.reference,
            "kind": row.kind,
            "tool": row.tool.slug if row.tool else None,
            "state": row.state,
            "received_on": row.received_on.isoformat(),
            "due_on": row.due_on.isoformat(),
            "closed_on": row.closed_on.isoformat() if row.closed_on else None,
            "steps": [
                {
                    "at": step.at.isoformat(),
                    "step": step.step,
                    "text": step.text,
                    "files": [{"name": file.name, "sha256": file.digest} for file in step.files.all()],
                }
                for step in row.steps.all()
            ],
        }
        for row in rows.prefetch_related(Prefetch("steps", queryset=told))
    ]


def restriction_of(request: SubjectRequest) -> Restriction | None:
    """What this request has frozen, as long as it is."""
    return Restriction.objects.filter(request=request, ended_at=None).first()


def restrictions_of(member_id: UUID) -> QuerySet[Restriction]:
    """Everything of a member's that is frozen today."""
    rows = Restriction.objects.filter(member_id=member_id, ended_at=None)
    return rows.select_related("tool", "request").order_by("pk")


# For the mails ------------------------------------------------------------------------------------------------


def untold() -> QuerySet[RequestStep]:
    """Steps that somebody is to be told of, and was not yet."""
    return RequestStep.objects.filter(told_at=None).select_related("request__member").order_by("pk")


def to_remind(today: date) -> list[SubjectRequest]:
    """Of whose deadline, near or over, the officers were not told."""
    near = SubjectRequest.objects.filter(state=State.OPEN, due_on__lte=today + policy.REMINDED_BEFORE)
    return [each for each in near.select_related("member").order_by("due_on", "pk") if _is_news(each, today)]


def _is_news(request: SubjectRequest, today: date) -> bool:
    told = request.overdue_told_for if today > request.due_on else request.reminded_for
    return told != request.due_on


# Letters ------------------------------------------------------------------------------------------------------


def template(letter: Letter, language: str) -> Template:
    newest = LetterVersion.objects.filter(letter=letter, language=language).order_by("-version").first()
    if newest is None:
        return Template(letter, language, 0, letters.shipped(letter, language))
    return Template(letter, language, newest.version, newest.text)


def templates(wanted: Iterable[Letter], language: str) -> dict[Letter, Template]:
    """Several at once.  One statement."""
    written: dict[str, LetterVersion] = {}
    for row in LetterVersion.objects.filter(letter__in=list(wanted), language=language).order_by("version"):
        written[row.letter] = row
    return {
        each: Template(each, language, written[each].version, written[each].text)
        if each in written
        else Template(each, language, 0, letters.shipped(each, language))
        for each in wanted
    }


def versions(letter: Letter, language: str) -> QuerySet[LetterVersion]:
    return LetterVersion.objects.filter(letter=letter, language=language).select_related("author").order_by("-version")


def objections_of(request: SubjectRequest) -> list[Any]:
    """Those that stand and are examined in this request."""
    return list(request.objections.filter(ended_at=None).select_related("purpose").order_by("pk"))
