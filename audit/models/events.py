"""The tables of what happened: rows are added, never changed."""

import uuid
from collections.abc import Collection
from contextlib import suppress
from typing import Any, NoReturn, Self

from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.db import models
from django.utils import timezone

from audit import keyring, releases
from audit.common import COLUMNS, common_part
from audit.models.keys import PersonKey
from audit.parts import Part, PartsError, Role, open_part
from audit.sealing import InvalidToken
from audit.types import Action, AppendOnlyError, By
from statements.writing import InsertingQuerySet

# Where a role's sealed part and its key stand in the row; the network's is that of the actor, or else of the subject.
COLUMNS_OF: dict[Role, tuple[str, ...]] = {
    Role.SUBJECT: ("subject_sealed", "subject_key_id"),
    Role.ACTOR: ("actor_sealed", "actor_key_id"),
    Role.NETWORK: ("network_sealed",),
}

# Looked up in an enumeration, each would be compared with all.
LABELS = {action.value: action.label for action in Action}


class EventQuerySet(InsertingQuerySet):
    def update(self, **_: Any) -> NoReturn:
        raise AppendOnlyError("events are never changed")

    def delete(self) -> NoReturn:
        raise AppendOnlyError("events are never removed")

    def let_go(self, roles: Collection[Role]) -> None:
        """The one door by which parts leave; ``audit.keeping.parts`` alone opens it, and announces what went.

        The row is the common part: it goes with all the others.
        """
        if Role.COMMON in roles:
            self._raw_delete(self.db)
            return
        super().update(**{name: None for role in roles for name in COLUMNS_OF[role]})

    def put_under(self, key: uuid.UUID, sealed: bytes, role: Role) -> None:
        """The same part sealed with another key of the same person; ``audit.keeping.erasure`` alone does this."""
        sealed_in, key_in = COLUMNS_OF[role]
        super().update(**{sealed_in: sealed, key_in: key})

    def about(self, *people: Any) -> Self:
        """What happened to one of these people, whoever did it; people or their identifiers."""
        return self.filter(_concerns(people, "subject_key"))

    def done_by(self, *people: Any) -> Self:
        """What one of these people did, to themselves, to somebody else or to nobody."""
        own = _concerns(people, "subject_key") & models.Q(by=By.SELF)
        return self.filter(own | _concerns(people, "actor_key"))

    def concerning(self, *people: Any) -> Self:
        """What one of these people did, or what happened to one of them."""
        return self.filter(_concerns(people, "subject_key") | _concerns(people, "actor_key"))

    def by_others(self) -> Self:
        """What a member did who is not the one concerned."""
        return self.filter(by=By.MEMBER)

    def with_people(self) -> Self:
        """Who did it and to whom, in the same statement."""
        return self.select_related("subject_key__person", "actor_key__person")


class Event(models.Model):
    """One thing that happened: in clear what says of nobody who they are, and sealed what does.

    The sealed parts may go, each by itself, and so may the keys that open them and say whose they are.  ``salt`` goes
    with the columns in clear into the commitment by which the log holds them.  Foreign keys carry no constraint: the
    line outlives what it names.
    """

    id = models.BigAutoField(primary_key=True)
    reference = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    at = models.DateTimeField(default=timezone.now)
    action = models.CharField(max_length=40)
    by = models.CharField(max_length=6, choices=By.choices, default=By.HUB)
    actor_tool = models.ForeignKey(
        settings.OAUTH2_PROVIDER_APPLICATION_MODEL,
        models.DO_NOTHING,
        null=True,
        db_constraint=False,
        related_name="+",
    )
    tool = models.ForeignKey(
        settings.OAUTH2_PROVIDER_APPLICATION_MODEL,
        models.DO_NOTHING,
        null=True,
        db_constraint=False,
        related_name="+",
    )
    refused = models.BooleanField(default=False)
    reason = models.CharField(max_length=60, blank=True)
    facts = models.JSONField(default=dict, blank=True)
    salt = models.BinaryField()
    subject_key = models.ForeignKey(PersonKey, models.DO_NOTHING, null=True, db_constraint=False, related_name="+")
    subject_sealed = models.BinaryField(null=True)
    # None as well where the subject did it: the same part says so.
    actor_key = models.ForeignKey(PersonKey, models.DO_NOTHING, null=True, db_constraint=False, related_name="+")
    actor_sealed = models.BinaryField(null=True)
    # Under the key of whoever did it, or else of the subject.
    network_sealed = models.BinaryField(null=True)

    objects = EventQuerySet.as_manager()
    # What its facts number, by fact, as ``audit.words`` has looked it up; nothing before that.
    called: dict[str, str] | None = None

    class Meta:
        indexes = [
            models.Index(fields=["-at"], name="event_at"),
            models.Index(fields=["tool", "-at"], name="event_tool"),
            models.Index(fields=["action", "-at"], name="event_action"),
            # Few lines have one.
            models.Index(fields=["reason", "-at"], name="event_reason", condition=models.Q(reason__gt="")),
        ]
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.action} {self.reference}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError("events are never changed")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnlyError("events are never removed")

    def get_action_display(self) -> str:
        """What kind of thing it was, in words; the code of one that this version does not know."""
        return str(LABELS.get(self.action, self.action))

    @property
    def common(self) -> Part:
        """What the log has committed to of this row."""
        return common_part({name: getattr(self, name) for name in COLUMNS})

    def part(self, role: Role) -> Part | None:
        """What was committed to, salt and all; None where there is none, its key is gone, or another key sealed it."""
        if role is Role.COMMON:
            return self.common
        key, sealed = self._sealed(role)
        if key is None or sealed is None:
            return None
        with suppress(PartsError, InvalidToken):
            return open_part(keyring.secret_of(key), bytes(sealed), role=role, reference=self.reference)
        return None

    @property
    def told(self) -> dict[str, Any]:
        """The facts, with what the release profile says that they name."""
        facts: dict[str, Any] = self.facts if isinstance(self.facts, dict) else {}
        return {**releases.facts_of(str(facts["profile"])), **facts} if "profile" in facts else facts

    @property
    def subject(self) -> Any:
        """Whom it happened to; None when it was nobody, or somebody who was erased."""
        return _person(_kept(self, "subject_key"))

    @property
    def subject_id(self) -> uuid.UUID | None:
        key = _kept(self, "subject_key")
        return key.person_id if key else None

    @property
    def actor(self) -> Any:
        """The member who did it; None when it was none, or somebody who was erased."""
        return self.subject if self.by == By.SELF else _person(_kept(self, "actor_key"))

    @property
    def actor_id(self) -> uuid.UUID | None:
        if self.by == By.SELF:
            return self.subject_id
        key = _kept(self, "actor_key")
        return key.person_id if key else None

    @property
    def session(self) -> uuid.UUID | None:
        """The subject's, or else that of whoever did it, as long as the part that says so can be opened."""
        parts = (self.part(role) for role in (Role.SUBJECT, Role.ACTOR))
        session = next((part.facts["session"] for part in parts if part and "session" in part.facts), None)
        return uuid.UUID(session) if session else None

    @property
    def place(self) -> dict[str, str]:
        """From which network and browser, if that was noted and is still kept."""
        part = self.part(Role.NETWORK)
        facts: dict[str, str] = part.facts if part else {}
        return facts

    @property
    def sealed_parts(self) -> dict[Role, bool]:
        """Which personal parts there still are, whether they can be opened or not."""
        kept = {
            Role.SUBJECT: self.subject_sealed,
            Role.ACTOR: self.actor_sealed,
            Role.NETWORK: self.network_sealed,
        }
        return {role: sealed is not None for role, sealed in kept.items()}

    def _sealed(self, role: Role) -> tuple[PersonKey | None, Any]:
        if role is Role.SUBJECT:
            return _kept(self, "subject_key"), self.subject_sealed
        actor = _kept(self, "actor_key")
        if role is Role.ACTOR:
            return actor, self.actor_sealed
        return actor if self.actor_key_id else _kept(self, "subject_key"), self.network_sealed


def _kept(event: Event, name: str) -> PersonKey | None:
    """None once the key was thrown away: nobody can tell any more whom the part is about."""
    try:
        key: PersonKey | None = getattr(event, name)
    except PersonKey.DoesNotExist:
        return None
    return key


def _person(key: PersonKey | None) -> Any:
    """None too for somebody whose row is gone."""
    try:
        return key.person if key else None
    except ObjectDoesNotExist:
        return None


def _concerns(people: Any, key: str) -> models.Q:
    ids = [getattr(each, "pk", each) for each in people]
    return models.Q(**{f"{key}__person__in": ids})
