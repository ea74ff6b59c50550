"""Reading the journal."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet
from django.utils import timezone

from audit.models import Event
from audit.types import Cursor, EventFilter

PER_PAGE = 50


@dataclass(frozen=True, slots=True)
class Page:
    """Some lines, the newest first, and whether there are newer and older ones."""

    events: tuple[Event, ...]
    newer: int | None
    older: int | None


def events(wanted: EventFilter, *, members: list[UUID] | None = None) -> QuerySet[Event]:
    """The lines that match, the newest first, with the people and tools they name.

    ``members`` is what ``matching_members`` found, for a caller that needs it too.
    """
    rows = Event.objects.select_related("actor", "actor_tool", "subject", "tool").order_by("-pk")
    if wanted.member:
        people = matching_members(wanted.member) if members is None else members
        rows = rows.filter(Q(subject_id__in=people) | Q(actor_id__in=people))
    if wanted.tool:
        rows = rows.filter(Q(tool__slug=wanted.tool) | Q(actor_tool__slug=wanted.tool))
    if wanted.action:
        rows = rows.filter(action=wanted.action)
    if wanted.since:
        rows = rows.filter(at__gte=timezone.make_aware(datetime.combine(wanted.since, time.min)))
    if wanted.until:
        rows = rows.filter(at__lt=timezone.make_aware(datetime.combine(wanted.until + timedelta(days=1), time.min)))
    if wanted.refused:
        rows = rows.filter(refused=True)
    return rows


def page(rows: QuerySet[Event], cursor: Cursor, size: int = PER_PAGE) -> Page:
    """One page by position, not by number: nothing is counted, and new lines move nothing.  One statement."""
    if cursor.after is not None:
        found = list(rows.filter(pk__gt=cursor.after).order_by("pk")[: size + 1])
        shown = tuple(reversed(found[:size]))
        more_newer, more_older = len(found) > size, bool(found)
    else:
        limited = rows if cursor.before is None else rows.filter(pk__lt=cursor.before)
        found = list(limited[: size + 1])
        shown = tuple(found[:size])
        more_newer, more_older = cursor.before is not None, len(found) > size
    return Page(
        events=shown,
        newer=shown[0].pk if shown and more_newer else None,
        older=shown[-1].pk if shown and more_older else None,
    )


def matching_members(text: str) -> list[UUID]:
    """People whose identifier is this, or whose name or login holds every word of it, without accents or case.

    Compared here rather than in the database: SQLite folds no accents, and a cooperative has a thousand people.
    """
    try:
        return [UUID(text.strip())]
    except ValueError:
        words = fold(text).split()
    people = get_user_model()._default_manager.values_list("pk", "display_name", "login")
    return [pk for pk, *names in people.iterator() if all(word in fold(" ".join(names)) for word in words)]


def tool_choices() -> list[tuple[str, str]]:
    """Every tool, closed ones too, as (slug, name).  Reached by the relation: tools live above the journal."""
    tools: Any = Event._meta.get_field("tool").related_model
    return list(tools._default_manager.order_by("name").values_list("slug", "name"))


def exported(rows: QuerySet[Event]) -> Iterator[Event]:
    """Every matching line, in slices: no ceiling, and no long history in memory."""
    return rows.iterator(chunk_size=1000)


def fold(text: str) -> str:
    """Without accents and case."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(sign for sign in decomposed if not unicodedata.combining(sign)).casefold()
