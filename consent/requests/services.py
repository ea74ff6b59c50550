"""Changing requests: each change is a step, closed by default once a request is over, with a line in the journal.

The journal has references, kinds, dates and digests.  What people wrote stands in the steps alone.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.db.models.functions import Length
from django.utils import timezone
from django.utils.translation import gettext, override

from audit.models import Event
from audit.services import record
from audit.types import SYSTEM, Action, Actor, Entry
from consent.requests import letters, policy, selectors
from consent.requests.models import LetterVersion, RequestFile, RequestStep, Restriction, SubjectRequest
from consent.requests.types import (
    OPEN_STATES,
    Came,
    Identity,
    Kind,
    Letter,
    RequestRefused,
    State,
    Step,
    Upload,
    answer_to,
)

MOST_TRIES = 20
MOST_CHARACTERS = 5_000
# Of one member at once: more are one request, said better.
MOST_OPEN = 10
# Taken back or not: each is written to the officers.
MOST_A_DAY = 10
MOST_REPLIES_A_DAY = 20
MOST_FILE_BYTES = 10_000_000
# The longest ago that a request may have come that is entered only now.
OLDEST = timedelta(days=3 * 365)
# Coming back to a request while working on it is one look.
ONE_LOOK = timedelta(minutes=10)
# Between telling somebody that a restriction ends and its end.
TOLD_BEFORE = timedelta(days=1)
# What asks for something says what: the others speak for themselves.
NEEDS_WORDS = frozenset({Kind.RECTIFICATION, Kind.OBJECTION, Kind.COMPLAINT})


@transaction.atomic
def make(
    *, member_id: UUID, kind: Kind, text: str, tool_id: int | None, actor: Actor, language: str, now: datetime
) -> SubjectRequest:
    """By the member, in a session, which is proof enough of who asks (article 12(6)).  Raises ``RequestRefused``."""
    # Who asks twice at once waits, and is counted.
    get_user_model().objects.select_for_update(no_key=True).only("pk").get(pk=member_id)
    mine = SubjectRequest.objects.filter(member_id=member_id)
    if mine.filter(state__in=OPEN_STATES).count() >= MOST_OPEN:
        raise RequestRefused("too_many_open")
    lately = RequestStep.objects.filter(step=Step.MADE, author_id=member_id, at__gt=now - timedelta(days=1))
    if lately.filter(request__in=mine).count() >= MOST_A_DAY:
        raise RequestRefused("too_many_today")
    _check_possible(member_id, kind, text, tool_id)
    today = timezone.localdate(now)
    return _begun(
        member_id, kind, text, tool_id, Came.PAGE, Identity.SESSION, today, actor=actor, language=language, now=now
    )


@transaction.atomic
def enter(
    *,
    member_id: UUID,
    kind: Kind,
    text: str,
    tool_id: int | None,
    came: Came,
    received_on: date,
    actor: Actor,
    language: str,
    now: datetime,
) -> SubjectRequest:
    """By an officer, for somebody who wrote or said it: the clock runs since it came.  Raises ``RequestRefused``."""
    today = timezone.localdate(now)
    if not today - OLDEST <= received_on <= today:
        raise RequestRefused("day_wrong")
    _check_possible(member_id, kind, text, tool_id)
    return _begun(
        member_id, kind, text, tool_id, came, Identity.UNCHECKED, received_on, actor=actor, language=language, now=now
    )


@transaction.atomic
def examine(
    *, member_id: UUID, tool_id: int, purpose: str, actor: Actor, language: str, now: datetime
) -> SubjectRequest:
    """An objection that was made with a switch, for an officer to decide on within the month (article 21(1)).

    It is never one too many, and the tool need not have received anything yet.
    """
    with override(language):
        text = gettext("Je m’oppose à cet usage : « {purpose} ».").format(purpose=purpose)
    today = timezone.localdate(now)
    return _begun(
        member_id,
        Kind.OBJECTION,
        text[:MOST_CHARACTERS],
        tool_id,
        Came.PAGE,
        Identity.SESSION,
        today,
        actor=actor,
        language=language,
        now=now,
    )


def _check_possible(member_id: UUID, kind: Kind, text: str, tool_id: int | None) -> None:
    if kind in NEEDS_WORDS and not text.strip():
        raise RequestRefused("text_missing")
    if tool_id is not None and tool_id not in {tool.pk for tool in selectors.tools_of(member_id)}:
        raise RequestRefused("tool_unknown")
    if kind not in selectors.possible(member_id, tool_id):
        raise RequestRefused("kind_not_possible")


def _begun(
    member_id: UUID,
    kind: Kind,
    text: str,
    tool_id: int | None,
    came: Came,
    identity: Identity,
    received_on: date,
    *,
    actor: Actor,
    language: str,
    now: datetime,
) -> SubjectRequest:
    made = _numbered(
        received_on,
        member_id=member_id,
        kind=kind,
        tool_id=tool_id,
        came=came,
        language=language,
        identity=identity,
        received_on=received_on,
        due_on=policy.due(received_on),
    )
    _step(made, Step.MADE, text=text, actor=actor, now=now)
    facts = {
        "request_kind": made.kind,
        "came": made.came,
        "received_on": received_on.isoformat(),
        "due_on": made.due_on.isoformat(),
    }
    record(_line(Action.REQUEST_MADE, made, actor=actor, now=now, **facts))
    return made


@transaction.atomic
def reply(*, of: SubjectRequest, text: str, actor: Actor, now: datetime) -> None:
    """A message by the person who asked.  Raises ``RequestRefused``."""
    request = _open(of)
    lately = RequestStep.objects.filter(request=request, step=Step.REPLY, at__gt=now - timedelta(days=1))
    if lately.count() >= MOST_REPLIES_A_DAY:
        raise RequestRefused("too_many_messages")
    _say(Step.REPLY, Action.REQUEST_MESSAGED, request, text, actor=actor, now=now)


@transaction.atomic
def withdraw(*, of: SubjectRequest, actor: Actor, now: datetime) -> None:
    """Taken back by whoever made it.  Raises ``RequestRefused`` where it is over.

    An objection that it was about stands: nobody lets data leave by giving up an answer.  Ending that is an act of its
    own.
    """
    request = _open(of)
    _step(request, Step.WITHDRAWN, actor=actor, now=now)
    _close(request, State.WITHDRAWN, now)
    record(_line(Action.REQUEST_WITHDRAWN, request, actor=actor, now=now))


# The officers' -------------------------------------------------------------------------------------------------


@transaction.atomic
def note_read(*, of: SubjectRequest, actor: Actor, now: datetime) -> None:
    """Looking at a request is an event too, which its person can read; once for a while."""
    looks = Event.objects.about(of.member_id).filter(action=Action.REQUEST_READ, at__gt=now - ONE_LOOK)
    if of.member_id != actor.member and not any(_is_look(each, of, actor) for each in looks):
        record(_line(Action.REQUEST_READ, of, actor=actor, now=now))


def _is_look(line: Event, request: SubjectRequest, actor: Actor) -> bool:
    return line.facts.get("request") == request.reference and line.actor_id == actor.member


@transaction.atomic
def message(*, of: SubjectRequest, text: str, actor: Actor, now: datetime) -> None:
    _say(Step.MESSAGE, Action.REQUEST_MESSAGED, _open(of), text, actor=actor, now=now)


@transaction.atomic
def note(*, of: SubjectRequest, text: str, files: Sequence[Upload], actor: Actor, now: datetime) -> None:
    """For the officers, also when all is over: what proves how the request was dealt with, under its digest."""
    request = _locked(of)
    if not text.strip() and not files:
        raise RequestRefused("text_missing")
    # What is joined while nobody is sure who asks is about that.
    doubted = request.is_open and request.identity in (Identity.UNCHECKED, Identity.DOUBTED)
    made = _step(request, Step.NOTE, text=text, files=files, actor=actor, now=now, told=True, proves_identity=doubted)
    record(_line(Action.REQUEST_NOTED, request, actor=actor, now=now, **_digests(made)))


@transaction.atomic
def ask_identity(*, of: SubjectRequest, text: str, actor: Actor, now: datetime) -> None:
    """On a reasonable doubt that the letter gives (article 12(6)); the clock stands still from this day on."""
    request = _open(of)
    if request.state == State.WAITING:
        raise RequestRefused("identity_asked_already")
    made = _letter(request, Step.IDENTITY_ASKED, Letter.IDENTITY, text, (), actor=actor, now=now)
    request.state, request.identity = State.WAITING, Identity.DOUBTED
    request.waiting_since = timezone.localdate(now)
    request.save(update_fields=["state", "identity", "waiting_since"])
    record(_line(Action.REQUEST_PAUSED, request, actor=actor, now=now, **_digests(made)))


@transaction.atomic
def settle_identity(*, of: SubjectRequest, text: str, actor: Actor, now: datetime) -> None:
    """Who asks is who they say; ``text`` says how that is known.  A clock that stood still goes on from this day."""
    request = _open(of)
    if request.identity not in (Identity.UNCHECKED, Identity.DOUBTED):
        raise RequestRefused("identity_known")
    if not text.strip():
        raise RequestRefused("text_missing")
    if request.waiting_since is not None:
        request.paused_days += max((timezone.localdate(now) - request.waiting_since).days, 0)
    request.state, request.identity, request.waiting_since = State.OPEN, Identity.CHECKED, None
    _reckon(request, now)
    _step(request, Step.IDENTITY_SETTLED, text=text, actor=actor, now=now)
    record(_line(Action.REQUEST_RESUMED, request, actor=actor, now=now, due_on=request.due_on.isoformat()))


@transaction.atomic
def extend(*, of: SubjectRequest, text: str, actor: Actor, now: datetime) -> None:
    """By two months, with the reasons, told within the first (article 12(3)).  Raises ``RequestRefused``."""
    request = _open(of)
    today = timezone.localdate(now)
    if request.extended_on is not None:
        raise RequestRefused("extended_already")
    if today > request.clock_on(today).first_due:
        raise RequestRefused("extension_late")
    made = _letter(request, Step.EXTENDED, Letter.EXTENSION, text, (), actor=actor, now=now)
    request.extended_on = today
    _reckon(request, now)
    record(
        _line(
            Action.REQUEST_EXTENDED, request, actor=actor, now=now, due_on=request.due_on.isoformat(), **_digests(made)
        )
    )


@transaction.atomic
def refuse(*, of: SubjectRequest, text: str, actor: Actor, now: datetime) -> None:
    """With the reason, and the way to the CNIL and to court (article 12(4)); the line says where it comes late.

    It is due within the first month, extended or not: what is late is sent all the same, and known to be.
    """
    request = _open(of)
    made = _letter(request, Step.REFUSED, Letter.REFUSAL, text, (), actor=actor, now=now)
    late = timezone.localdate(now) > request.clock_on(timezone.localdate(now)).first_due
    _close(request, State.REFUSED, now)
    record(_line(Action.REQUEST_REFUSED, request, actor=actor, now=now, late=late, **_digests(made)))


@transaction.atomic
def answer(*, of: SubjectRequest, text: str, files: Sequence[Upload], actor: Actor, now: datetime) -> None:
    """With a letter and what belongs to it, to somebody who is who they say.  Raises ``RequestRefused``."""
    request = _open(of)
    if request.identity not in (Identity.SESSION, Identity.CHECKED):
        raise RequestRefused("identity_unchecked")
    made = _letter(request, Step.ANSWERED, answer_to(request.kind), text, files, actor=actor, now=now)
    today = timezone.localdate(now)
    late = today > request.clock_on(today).due
    _close(request, State.ANSWERED, now)
    record(_line(Action.REQUEST_ANSWERED, request, actor=actor, now=now, late=late, **_digests(made)))


@transaction.atomic
def restrict(*, of: SubjectRequest, text: str, actor: Actor, now: datetime) -> None:
    """From now on nothing leaves of what the request is about (article 18); ``text`` tells the person why, and
    until when.

    Raises ``RequestRefused`` where it is restricted already.
    """
    request = _open(of)
    if selectors.restriction_of(request) is not None:
        raise RequestRefused("restricted_already")
    made = _told(Step.RESTRICTED, request, text, actor=actor, now=now)
    row = Restriction.objects.create(member_id=request.member_id, tool_id=request.tool_id, request=request, at=now)
    record(_line(Action.RESTRICTED, request, actor=actor, now=now, restriction=row.pk, **_digests(made)))


@transaction.atomic
def announce_end(*, of: SubjectRequest, text: str, actor: Actor, now: datetime) -> None:
    """The person is told that the restriction ends, and why: before it does (article 18(3))."""
    request = _locked(of)
    row = _restriction(request)
    if row.announced_at is not None:
        raise RequestRefused("end_announced_already")
    made = _told(Step.END_ANNOUNCED, request, text, actor=actor, now=now)
    row.announced_at = now
    row.save(update_fields=["announced_at"])
    record(_line(Action.RESTRICTION_ANNOUNCED, request, actor=actor, now=now, restriction=row.pk, **_digests(made)))


@transaction.atomic
def free(*, of: SubjectRequest, actor: Actor, now: datetime, text: str = "") -> None:
    """Data leaves again: whenever whoever asked for it says so, else a day after they were told."""
    request = _locked(of)
    row = _restriction(request)
    if actor.member != request.member_id and (row.announced_at is None or now < row.announced_at + TOLD_BEFORE):
        raise RequestRefused("end_not_announced")
    _step(request, Step.FREED, text=text, actor=actor, now=now)
    row.ended_at = now
    row.save(update_fields=["ended_at"])
    record(_line(Action.RESTRICTION_ENDED, request, actor=actor, now=now, restriction=row.pk))


def _restriction(request: SubjectRequest) -> Restriction:
    row = selectors.restriction_of(request)
    if row is None:
        raise RequestRefused("not_restricted")
    return row


@transaction.atomic
def change_letter(*, letter: Letter, language: str, version: int, text: str, actor: Actor, now: datetime) -> None:
    """Another version of what letters start from; ``version`` is the one that was shown.  Raises ``RequestRefused``."""
    text = _tidy(text)
    standing = selectors.template(letter, language)
    if standing.version != version:
        raise RequestRefused("letter_changed")
    if problem := letters.problem_of_template(letter, text):
        raise RequestRefused(problem)
    if text == _tidy(standing.text):
        return
    try:
        with transaction.atomic():
            made = LetterVersion.objects.create(
                letter=letter, language=language, version=version + 1, text=text, author_id=actor.member, at=now
            )
    except IntegrityError:
        # Somebody was faster by a moment.
        raise RequestRefused("letter_changed") from None
    facts: dict[str, object] = {
        "letter": letter.value,
        "language": language,
        "version": made.version,
        "digest": _digest(text.encode()),
    }
    record(Entry(Action.LETTER_CHANGED, actor=actor, facts=facts, at=now))


@transaction.atomic
def empty(requests: Sequence[int], *, now: datetime) -> int:
    """The words of requests whose time is over go, and files that outlived theirs; dates, kinds and digests stay."""
    rows = list(SubjectRequest.objects.select_for_update().filter(pk__in=list(requests)).order_by("pk"))
    for request in rows:
        files = RequestFile.objects.filter(step__request=request, emptied_at=None)
        files.update(name="", content=b"", emptied_at=now)
        RequestStep.objects.filter(request=request, emptied_at=None).update(text="", emptied_at=now)
        record(_line(Action.REQUEST_EMPTIED, request, actor=SYSTEM, now=now))
    return len(rows)


def empty_files(files: Sequence[int], *, now: datetime) -> int:
    """Their names too; that there was one, how large and its digest stay.  The run that calls it records how many."""
    return RequestFile.objects.filter(pk__in=list(files), emptied_at=None).update(name="", content=b"", emptied_at=now)


# For the mails -------------------------------------------------------------------------------------------------


def note_told(steps: Iterable[RequestStep], *, now: datetime) -> None:
    """The mails about these are in the outbox: in the same transaction."""
    RequestStep.objects.filter(pk__in=[each.pk for each in steps]).update(told_at=now)


@transaction.atomic
def begin_reminding(of: SubjectRequest, *, now: datetime) -> SubjectRequest | None:
    """The request, locked, where its officers are still to be told of its deadline; its line is written."""
    today = timezone.localdate(now)
    request = _locked(of)
    if request not in selectors.to_remind(today):
        return None
    overdue = today > request.due_on
    field = "overdue_told_for" if overdue else "reminded_for"
    setattr(request, field, request.due_on)
    request.save(update_fields=[field])
    facts = {"due_on": request.due_on.isoformat(), "overdue": overdue}
    record(_line(Action.REQUEST_REMINDED, request, actor=SYSTEM, now=now, **facts))
    return request


# -----------------------------------------------------------------------------------------------------------------


def _told(step: Step, request: SubjectRequest, text: str, *, actor: Actor, now: datetime) -> RequestStep:
    if not text.strip():
        raise RequestRefused("text_missing")
    return _step(request, step, text=text, actor=actor, now=now)


def _say(step: Step, action: Action, request: SubjectRequest, text: str, *, actor: Actor, now: datetime) -> None:
    made = _told(step, request, text, actor=actor, now=now)
    record(_line(action, request, actor=actor, now=now, **_digests(made)))


def _letter(
    request: SubjectRequest,
    step: Step,
    letter: Letter,
    text: str,
    files: Sequence[Upload],
    *,
    actor: Actor,
    now: datetime,
) -> RequestStep:
    template = selectors.template(letter, request.language)
    if problem := letters.problem_of(letter, text, template=template.text):
        raise RequestRefused(problem)
    written_from = f"{letter.value} {template.language} {template.version}"
    return _step(request, step, text=text, letter=written_from, files=files, actor=actor, now=now)


def _step(
    request: SubjectRequest,
    step: Step,
    *,
    actor: Actor,
    now: datetime,
    text: str = "",
    letter: str = "",
    files: Sequence[Upload] = (),
    told: bool = False,
    proves_identity: bool = False,
) -> RequestStep:
    text = _tidy(text)
    if len(text) > (letters.MOST_CHARACTERS if letter else MOST_CHARACTERS):
        raise RequestRefused("text_long")
    if any(len(each.content) > MOST_FILE_BYTES for each in files):
        raise RequestRefused("file_big")
    made = RequestStep.objects.create(
        request=request,
        step=step,
        author_id=actor.member,
        at=now,
        text=text,
        digest=_digest(text.encode()) if text else "",
        letter=letter,
        told_at=now if told else None,
    )
    for each in files:
        RequestFile.objects.create(
            step=made,
            name=each.name[-200:],
            media_type=each.media_type[:100],
            size=len(each.content),
            digest=_digest(each.content),
            content=each.content,
            proves_identity=proves_identity,
        )
    return made


def _digests(step: RequestStep) -> dict[str, object]:
    """What was said and joined, by digest: it can be shown later that it was this."""
    files = [each.digest for each in step.files.defer("content")]
    told: dict[str, object] = {"digest": step.digest} if step.digest else {}
    return told | ({"letter": step.letter} if step.letter else {}) | ({"files": files} if files else {})


def _line(action: Action, request: SubjectRequest, *, actor: Actor, now: datetime, **facts: object) -> Entry:
    told = {"request": request.reference, **facts}
    return Entry(action, actor=actor, subject=request.member_id, tool=request.tool_id, facts=told, at=now)


def _close(request: SubjectRequest, state: State, now: datetime) -> None:
    today = timezone.localdate(now)
    if request.waiting_since is not None:
        request.paused_days += max((today - request.waiting_since).days, 0)
    request.state, request.closed_on, request.waiting_since = state, today, None
    _reckon(request, now)


def _reckon(request: SubjectRequest, now: datetime) -> None:
    request.due_on = request.clock_on(timezone.localdate(now)).due
    request.save()


def _locked(of: SubjectRequest) -> SubjectRequest:
    """Whoever comes second waits, and finds what the first one did."""
    return SubjectRequest.objects.select_for_update(of=("self",)).get(pk=of.pk)


def _open(of: SubjectRequest) -> SubjectRequest:
    request = _locked(of)
    if not request.is_open:
        raise RequestRefused("request_over")
    return request


def _numbered(day: date, **values: Any) -> SubjectRequest:
    """Under the next number of its year, in the form that the journal takes for a file's."""
    series = f"D-{day.year}-"
    for _ in range(MOST_TRIES):
        taken = SubjectRequest.objects.filter(reference__startswith=series).order_by(Length("reference"), "reference")
        last = taken.values_list("reference", flat=True).last()
        number = int(last.removeprefix(series)) + 1 if last else 1
        try:
            with transaction.atomic():
                return SubjectRequest.objects.create(reference=f"{series}{number:03d}", **values)
        except IntegrityError:
            continue
    raise RequestRefused("try_again")


def _tidy(text: str) -> str:
    # A browser sends CRLF; no database takes NUL.
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "").strip()


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()
