"""Reading the journal."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import connection, models
from django.db.models import Q, QuerySet
from django.utils import timezone

from audit import words
from audit.keeping import holds
from audit.kinds import ACTIONS, Retention
from audit.letters import without_accents
from audit.models import Event, PersonKey, SavedSearch
from audit.types import Action, Cursor, EventFilter, Reading

PER_PAGE = 50
SLICE = 1000
DAY = timedelta(days=1)
ACCEPTED, REFUSED = "accepted", "refused"
# What a keyboard has for signs that names are written with: French ones have no ’, and no œ.
TYPED = str.maketrans({"’": "'", "ʼ": "'", "‘": "'", "‐": "-", "œ": "oe", "æ": "ae"})
# Each reason once, by one look into the index for each of them: there are a hundred among millions of lines.
KNOWN_REASONS = """
    WITH RECURSIVE known(reason) AS (
        SELECT min(reason) FROM audit_event WHERE reason > ''
        UNION ALL
        SELECT (SELECT min(reason) FROM audit_event WHERE reason > '' AND reason > known.reason)
        FROM known WHERE known.reason IS NOT NULL
    )
    SELECT reason FROM known WHERE reason IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Page:
    """Some lines, the newest first, and whether there are newer and older ones."""

    events: tuple[Event, ...]
    newer: int | None
    older: int | None


def held_people(now: datetime) -> set[UUID]:
    """About whom nothing may be erased for now."""
    return holds.held_people(now)


def events(wanted: EventFilter) -> QuerySet[Event]:
    """The lines that match, the newest first, with the people and tools they name; ``words`` are another's to find."""
    rows = Event.objects.select_related("actor_tool", "tool").with_people().order_by("-pk")
    if wanted.member:
        rows = rows.filter(concerning(wanted.member))
    if wanted.tool:
        rows = rows.filter(Q(tool__slug=wanted.tool) | Q(actor_tool__slug=wanted.tool))
    if wanted.family:
        rows = rows.filter(action__in=ACTIONS[Retention(wanted.family)])
    if wanted.action:
        rows = rows.filter(action=wanted.action)
    if wanted.by:
        rows = rows.filter(by=wanted.by)
    if wanted.result:
        rows = rows.filter(refused=wanted.result == REFUSED)
    if wanted.reason:
        rows = rows.filter(reason=wanted.reason)
    if wanted.since:
        rows = rows.filter(at__gte=_start_of(wanted.since, wanted.hour))
    if wanted.until:
        following = (wanted.until, wanted.hour + 1) if wanted.hour is not None else (wanted.until + DAY, None)
        rows = rows.filter(at__lt=_start_of(*following))
    return rows


def concerning(person: UUID) -> Q:
    """What they did and what happened to them.  Their keys are few and looked up first, one statement: then two indexes
    lead to the lines, where a join on either side would have every line of the journal looked at.
    """
    keys = list(PersonKey.objects.filter(person=person).values_list("pk", flat=True))
    return Q(subject_key__in=keys) | Q(actor_key__in=keys)


def of_reference(beginning: str) -> Q:
    """The lines whose references begin so; the index has them in this order."""
    signs = beginning.replace("-", "")
    return Q(reference__range=(UUID(signs.ljust(32, "0")), UUID(signs.ljust(32, "f"))))


def _start_of(day: date, hour: int | None) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min)) + timedelta(hours=hour or 0)


def page(rows: QuerySet[Event], cursor: Cursor, size: int = PER_PAGE) -> Page:
    """One page by position, not by number: nothing is counted, and new lines move nothing.

    One statement, and one for each sort of thing that the lines name.
    """
    if cursor.after is not None:
        found = list(rows.filter(pk__gt=cursor.after).order_by("pk")[: size + 1])
        shown = tuple(reversed(found[:size]))
        more_newer, more_older = len(found) > size, bool(found)
    else:
        limited = rows if cursor.before is None else rows.filter(pk__lt=cursor.before)
        found = list(limited[: size + 1])
        shown = tuple(found[:size])
        more_newer, more_older = cursor.before is not None, len(found) > size
    words.call_things(shown)
    return Page(
        events=shown,
        newer=shown[0].pk if shown and more_newer else None,
        older=shown[-1].pk if shown and more_older else None,
    )


def matching_members(text: str) -> dict[UUID, tuple[str, str]]:
    """People whose identifier is this, or whose name or login holds every word of it, without accents or case.

    Compared here rather than in the database: SQLite folds no accents, and a cooperative has a thousand people.
    """
    members = get_user_model()._default_manager
    try:
        person = UUID(text.strip())
    except ValueError:
        looked_for = fold(text).split()
    else:
        # Of whoever is gone for good the lines remain.
        known = PersonKey.objects.filter(person=person).exists() or members.filter(pk=person).exists()
        return {person: ("", "")} if known else {}
    people = members.values_list("pk", "display_name", "login").order_by("display_name")
    return {pk: (name, login) for pk, name, login in people.iterator() if has_words(looked_for, name, login)}


def everybody() -> Iterator[UUID]:
    """Whoever a line could be about: those who have lines, then those who have an account."""
    yield from PersonKey.objects.values_list("person_id", flat=True).distinct().iterator()
    yield from get_user_model()._default_manager.values_list("pk", flat=True).iterator()


def revealed(reading: Reading) -> frozenset[UUID]:
    """Who is called by their names in this reading: the journal itself says so.  One statement."""
    lines = Event.objects.filter(action=Action.PERSON_REVEALED, at__gte=reading.since, refused=False)
    people = lines.filter(facts__reading=str(reading.id)).values_list("subject_key__person_id", flat=True)
    return frozenset(each for each in people if each is not None)


def people_in(rows: QuerySet[Event]) -> set[UUID]:
    """Whoever these lines name; two statements."""
    plain = rows.select_related(None).order_by()
    people: set[Any] = set()
    for key in ("subject_key", "actor_key"):
        people.update(plain.values_list(f"{key}__person_id", flat=True).distinct())
    return people - {None}


def reasons() -> list[str]:
    """Every reason that the journal knows."""
    with connection.cursor() as cursor:
        cursor.execute(KNOWN_REASONS)
        return [reason for (reason,) in cursor.fetchall()]


def saved_searches(owner: Any) -> list[SavedSearch]:
    return list(SavedSearch.objects.filter(owner=owner).order_by("name"))


def tool_choices() -> list[tuple[str, str]]:
    """Every tool, closed ones too, as (slug, name).  Reached by the relation: tools live above the journal."""
    tools: Any = Event._meta.get_field("tool").related_model
    return list(tools._default_manager.order_by("name").values_list("slug", "name"))


@dataclass(frozen=True, slots=True)
class Count:
    """How many lines have this in common, a slot of time, a code or a key, and how many of them are refusals."""

    what: Any
    count: int
    refused: int


def counts(rows: QuerySet[Event], what: Any) -> list[Count]:
    """By an expression, in its order.  One statement."""
    plain = rows.select_related(None).order_by().annotate(what=what).values("what")
    counted = plain.annotate(count=models.Count("pk"), refused_ones=models.Count("pk", filter=Q(refused=True)))
    return [Count(row["what"], row["count"], row["refused_ones"]) for row in counted.order_by("what")]


def as_they_stand(rows: QuerySet[Event]) -> tuple[QuerySet[Event], int]:
    """These lines without those that are still to be written, and how many they are."""
    last = Event.objects.order_by("-pk").values_list("pk", flat=True).first()
    standing = rows.filter(pk__lte=last or 0)
    return standing, standing.count()


def exported(rows: QuerySet[Event]) -> Iterator[Event]:
    """Every matching line, in slices: no ceiling, and no long history in memory."""
    left = rows.iterator(chunk_size=SLICE)
    while part := list(islice(left, SLICE)):
        words.call_things(part)
        yield from part


def has_words(wanted: Sequence[str], *names: str) -> bool:
    """Whether names hold every one of these words, which ``fold`` has made plain already."""
    text = fold(" ".join(names))
    return all(word in text for word in wanted)


def fold(text: str) -> str:
    """Without accents, ligatures and case; apostrophes and hyphens as every keyboard has them."""
    return without_accents(text).casefold().translate(TYPED)
