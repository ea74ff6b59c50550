"""One person leaves the journal: asked for in the transaction that erases them elsewhere
(``audit.services.erase_person``), carried out by the worker.

Their keys seal nothing new from the moment it is asked.  What stays by rule is sealed anew, so that the old keys can be
thrown away; that waits until no process remembers one.  Whatever is written of them until it is over goes too, and
after it nothing is written of them (``audit.keyring.keys_of``).
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Q, QuerySet

from audit import keyring
from audit.keeping import changes, holds
from audit.keeping.parts import announce, go_together, held_by, places_of, take_out
from audit.keeping.rules import Rules
from audit.kinds import RETENTION, Retention
from audit.models import Event, Hold, PersonKey, Removal
from audit.parts import PartsError, Role, seal_part
from audit.services import erase_person
from audit.types import RemovalState

AT_ONCE = 500
# Longer than any process remembers a key, and than the transaction in which it uses it.
REMEMBERED = timedelta(seconds=keyring.KEPT_SECONDS) + timedelta(minutes=5)


def class_of(event: Event) -> Retention:
    return RETENTION.get(event.action, Retention.ADMINISTRATION)


def leaving(event: Event, of: Iterable[UUID], rules: Rules) -> frozenset[Role]:
    """What goes of this row with the people whose keys these are."""
    keys, roles = set(of), {Role.NETWORK}
    about, by = event.subject_key_id in keys, event.actor_key_id in keys
    kept = {role for role in (Role.COMMON, Role.SUBJECT, Role.ACTOR) if rules.outlives(class_of(event), role)}
    if event.actor_key_id and not by:
        roles.discard(Role.NETWORK)
    if about:
        # What was done about nobody else says nothing once they are gone; settings that they changed stay changed.
        roles |= {Role.SUBJECT, Role.COMMON}
    if by:
        roles.add(Role.ACTOR)
    return go_together(event, roles - kept)


class Line(NamedTuple):
    """So many parts of this kind; ``stays``: why they do not go, empty where they do."""

    retention: Retention
    role: Role
    number: int
    stays: str


def preview(person: UUID, now: datetime) -> list[Line]:
    """What an erasure would take of somebody's own parts, and what it would leave.  Five statements."""
    rules, held, people = changes.in_force(now), holds.held_classes(now), holds.held_people(now)
    found: Counter[tuple[Retention, Role]] = Counter()
    for role, whose, sealed in (
        (Role.SUBJECT, Q(subject_key__person=person), "subject_sealed"),
        (Role.ACTOR, Q(actor_key__person=person), "actor_sealed"),
        (Role.NETWORK, Q(actor_key__person=person) | Q(actor_key=None, subject_key__person=person), "network_sealed"),
    ):
        rows = Event.objects.filter(whose, **{f"{sealed}__isnull": False}).order_by()
        for action, count in rows.values_list("action").annotate(Count("pk")):
            found[RETENTION.get(action, Retention.ADMINISTRATION), role] += count

    def stays(retention: Retention, role: Role) -> str:
        if person in people:
            return "hold_person"
        if retention in held:
            return "hold_class"
        return "outlives" if rules.outlives(retention, role) else ""

    ordered = [(retention, role) for retention in Retention for role in Role if found[retention, role]]
    return [Line(retention, role, found[retention, role], stays(retention, role)) for retention, role in ordered]


def take_up(*, now: datetime) -> None:
    """Again those of whom something was written all the same: by a release before, or by what took very long."""
    for person in keyring.left_behind():
        with transaction.atomic():
            erase_person(person, now=now)


def step(removal_id: int, *, now: datetime) -> bool:
    """One batch of an erasure that was asked for; whether there is more to do at once."""
    with transaction.atomic():
        removal = Removal.objects.select_for_update(skip_locked=True).filter(pk=removal_id, ended_at=None).first()
        if removal is None or removal.person is None:
            return False
        people = holds.held_people(now)
        if removal.person in people:
            removal.state = RemovalState.HELD
            removal.save(update_fields=["state"])
            return False
        return _batch(removal, removal.person, people, now)


def _batch(removal: Removal, person: UUID, held_people: set[UUID], now: datetime) -> bool:
    # What is written of somebody who is leaving, the end of a session or a hold, leaves with them.
    keyring.retire_new(person, now=now)
    keys = list(PersonKey.objects.filter(person=person).exclude(retired_at=None))
    held = holds.held_classes(now)
    everything = under(keys)
    some = holds.not_about(everything.filter(pk__gt=removal.reached), held_people)
    some = some.exclude(action__in=changes.actions_of(held)).order_by("pk")
    rows = list(some.select_related("subject_key", "actor_key").select_for_update(of=("self",))[:AT_ONCE])
    places = places_of([row.reference for row in rows])
    placed = [row for row in rows if row.reference in places]
    rules, ours = changes.in_force(now), {key.pk for key in keys}
    due = {row: leaving(row, ours, rules) for row in placed}
    stays = [(row, role) for row, roles in due.items() for role in held_by(row) - roles]
    take_out(removal, due, places)
    for row, role in stays:
        _seal_anew(row, role, ours)
    if len(rows) == AT_ONCE:
        removal.reached = rows[-1].pk
        removal.save()
        return True
    # What has no signed place yet, what is held, and what came while this looked.
    left = everything.exists()
    _end_of_pass(removal, keys, left=left, is_held=left and bool(held or held_people), now=now)
    return False


def _end_of_pass(removal: Removal, keys: list[PersonKey], *, left: bool, is_held: bool, now: datetime) -> None:
    removal.reached = 0
    if removal.unsaid:
        announce(removal, facts={"rules": changes.current().version}, now=now)
    limit = now - REMEMBERED
    if left:
        removal.state = RemovalState.HELD if is_held else RemovalState.GOING
    elif any(key.retired_at is None or key.retired_at > limit for key in keys):
        removal.state = RemovalState.SWEEPING
    else:
        PersonKey.objects.filter(pk__in=[key.pk for key in keys]).delete()
        # None of them is in force, or this would wait.
        Hold.objects.filter(person=removal.person).update(person=None)
        # Whoever has the salt could try which places it was: it would name lines of somebody who is gone.
        removal.person, removal.salt, removal.state, removal.ended_at = None, None, RemovalState.OVER, now
    removal.save()


def _seal_anew(row: Event, role: Role, ours: set[UUID]) -> None:
    """Of what outlives the person: the same part, opened by a key that no copy of the database has yet."""
    key = {Role.SUBJECT: row.subject_key, Role.ACTOR: row.actor_key}.get(role)
    if key is None or key.pk not in ours:
        return
    part = row.part(role)
    if part is None:
        raise PartsError(f"part {role} of {row.reference} does not open, and is to be kept")
    fresh = keyring.lasting_key(key.person_id, key.half_year)
    sealed = seal_part(fresh.secret, part, reference=row.reference)
    Event.objects.filter(pk=row.pk).put_under(fresh.id, sealed, role)


def under(keys: Iterable[PersonKey]) -> QuerySet[Event]:
    ids = [key.pk for key in keys]
    return Event.objects.filter(Q(subject_key__in=ids) | Q(actor_key__in=ids))
