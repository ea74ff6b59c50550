"""Requests, what happened to each, what was joined to them, and the letters they are answered from."""

from typing import Any, NoReturn

from django.conf import settings
from django.db import models
from django.utils import timezone

from audit.types import AppendOnlyError
from consent.requests import policy
from consent.requests.types import OPEN_STATES, Came, Clock, Identity, Kind, Letter, State, Step


class SubjectRequest(models.Model):
    """How far one request is.  What was said stands in its steps; dates are whole days, as the regulation counts.

    ``due_on`` is what the clock said when it last changed: lists are sorted by it.
    """

    reference = models.CharField(max_length=20, unique=True)
    member = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="subject_requests")
    kind = models.CharField(max_length=14, choices=Kind.choices)
    # Whom it is about; none for the whole.
    tool = models.ForeignKey(
        settings.OAUTH2_PROVIDER_APPLICATION_MODEL, models.SET_NULL, null=True, related_name="subject_requests"
    )
    came = models.CharField(max_length=8, choices=Came.choices, default=Came.PAGE)
    language = models.CharField(max_length=8)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    identity = models.CharField(max_length=10, choices=Identity.choices)
    received_on = models.DateField()
    due_on = models.DateField()
    waiting_since = models.DateField(null=True)
    paused_days = models.PositiveSmallIntegerField(default=0)
    extended_on = models.DateField(null=True)
    closed_on = models.DateField(null=True)
    # Until when the officers were reminded, and that it was late.
    reminded_for = models.DateField(null=True)
    overdue_told_for = models.DateField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["state", "due_on"], name="request_due"),
            models.Index(fields=["member", "-received_on"], name="request_member"),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def clock(self) -> Clock:
        return self.clock_on(timezone.localdate())

    def clock_on(self, today: Any) -> Clock:
        return policy.clock(
            self.received_on,
            today=today,
            paused=self.paused_days,
            waiting_since=self.waiting_since,
            extended=self.extended_on is not None,
            over=not self.is_open,
        )


class _AddedOnly(models.QuerySet[Any]):
    """Of what is only added to, nothing but ``later`` is written afterwards."""

    later: frozenset[str] = frozenset()

    def update(self, **changes: Any) -> int:
        if changes.keys() - self.later:
            raise AppendOnlyError("the steps of a request are never changed")
        return super().update(**changes)

    def delete(self) -> NoReturn:
        raise AppendOnlyError("the steps of a request are never removed")


class StepQuerySet(_AddedOnly):
    # That the mail is in the outbox; and that the period is over, when what was said goes.
    later = frozenset({"told_at", "text", "emptied_at"})


class FileQuerySet(_AddedOnly):
    later = frozenset({"content", "name", "emptied_at"})


class RequestStep(models.Model):
    """Something that happened to a request.  ``text`` is what a person said about a person: it is nowhere else.

    ``digest`` is SHA-256 over the text, and stays when the text goes.  ``letter`` names what it was written from.
    """

    request = models.ForeignKey(SubjectRequest, models.CASCADE, related_name="steps")
    step = models.CharField(max_length=16, choices=Step.choices)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField()
    text = models.TextField(blank=True)
    digest = models.CharField(max_length=64, blank=True)
    letter = models.CharField(max_length=40, blank=True)
    told_at = models.DateTimeField(null=True)
    emptied_at = models.DateTimeField(null=True)

    objects = StepQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["id"], condition=models.Q(told_at=None), name="step_untold")]

    def __str__(self) -> str:
        return f"{self.step} of {self.request_id}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError("the steps of a request are never changed")
        super().save(*args, **kwargs)


class RequestFile(models.Model):
    """What was joined to a step: to an answer for whoever asked, to anything else as evidence for the officers."""

    step = models.ForeignKey(RequestStep, models.CASCADE, related_name="files")
    name = models.CharField(max_length=200)
    media_type = models.CharField(max_length=100)
    size = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    content = models.BinaryField()
    # Joined by an officer while it was not known who asks: kept for the shortest time of all.
    proves_identity = models.BooleanField(default=False)
    emptied_at = models.DateTimeField(null=True)

    objects = FileQuerySet.as_manager()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"file {self.pk}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError("the files of a request are never changed")
        super().save(*args, **kwargs)


class Restriction(models.Model):
    """A member's data is kept and does not leave, for one tool or for all (GDPR article 18); only its end is added.

    ``announced_at`` is when the member was told that it would end: before it does (article 18(3)).
    """

    member = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="restrictions")
    tool = models.ForeignKey(
        settings.OAUTH2_PROVIDER_APPLICATION_MODEL, models.CASCADE, null=True, related_name="restrictions"
    )
    request = models.ForeignKey(SubjectRequest, models.PROTECT, related_name="restrictions")
    at = models.DateTimeField()
    announced_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["request"], condition=models.Q(ended_at=None), name="one_live_restriction")
        ]
        indexes = [
            models.Index(fields=["member"], condition=models.Q(ended_at=None), name="restriction_live"),
        ]

    def __str__(self) -> str:
        return f"restriction {self.pk}"


class LetterVersion(models.Model):
    """One version of a letter, as an officer wrote it; the newest counts, those before stay."""

    letter = models.CharField(max_length=24, choices=Letter.choices)
    language = models.CharField(max_length=8)
    version = models.PositiveIntegerField()
    text = models.TextField()
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField()

    objects = _AddedOnly.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["letter", "language", "version"], name="one_letter_version")]

    def __str__(self) -> str:
        return f"{self.letter} {self.language} v{self.version}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError("versions of a letter are never changed")
        super().save(*args, **kwargs)
