"""The tables of what is kept for how long, what must not go, and what went."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from audit.types import RemovalKind, RemovalState


class Removal(models.Model):
    """One erasure or one run of the rules: what it has to take out of the journal, how far it is, what went.

    ``unsaid``: what went and was not announced in the log yet, by log and role; written with its going, emptied with
    its announcement.  ``digest`` commits to the places of all that went, and ``salt`` is what opens it.
    """

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=10, choices=RemovalKind.choices)
    state = models.CharField(max_length=10, choices=RemovalState.choices, default=RemovalState.GOING)
    # Whom, until it is over; after that nothing here names them.
    person = models.UUIDField(null=True)
    # Who started a run that no night did, until its line in the journal says so.
    begun_by = models.UUIDField(null=True)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    # Version of the rules it goes by; what happened before ``began_at`` less their periods goes.
    rules = models.PositiveIntegerField(default=0)
    reached = models.BigIntegerField(default=0)
    unsaid = models.JSONField(default=dict)
    said = models.JSONField(default=dict)
    salt = models.BinaryField(null=True)
    digest = models.BinaryField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person"], condition=models.Q(ended_at=None), name="one_erasure_of_each"),
            models.UniqueConstraint(
                fields=["kind"], condition=models.Q(kind=RemovalKind.RETENTION, ended_at=None), name="one_run_at_once"
            ),
            models.UniqueConstraint(
                fields=["kind"], condition=models.Q(kind=RemovalKind.DATA, ended_at=None), name="one_data_run_at_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    @property
    def count(self) -> int:
        return sum(
            number for counts in (self.unsaid, self.said) for roles in counts.values() for number in roles.values()
        )


class Hold(models.Model):
    """Until somebody lifts it nothing about this person, or of this class, goes: a quarrel, a judge, an inquiry."""

    id = models.BigAutoField(primary_key=True)
    # Whom; nobody any more once they were erased, which waits for the end of the hold.
    person = models.UUIDField(null=True)
    retention = models.CharField(max_length=20, blank=True)
    why = models.CharField(max_length=300)
    put_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, db_constraint=False, related_name="+"
    )
    since = models.DateTimeField(default=timezone.now)
    # Past this day it holds no more, unless it is put again.
    until = models.DateField(null=True)
    lifted_at = models.DateTimeField(null=True)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, db_constraint=False, related_name="+"
    )
    lifted_why = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(person__isnull=False, retention="")
                | models.Q(person__isnull=True) & ~models.Q(retention="")
                | models.Q(lifted_at__isnull=False, retention="")
                | models.Q(until__isnull=False, retention=""),
                name="hold_person_or_class",
            )
        ]

    def __str__(self) -> str:
        return f"hold {self.pk}"


class Destruction(models.Model):
    """That a log should go, by the word of one person and that of another; and that it went.

    ``expires_at``: until when the second may agree, and once they did, until when the command may destroy it.
    """

    id = models.BigAutoField(primary_key=True)
    log = models.ForeignKey("audit.Log", models.PROTECT, related_name="+")
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, db_constraint=False, related_name="+"
    )
    proposed_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, db_constraint=False, related_name="+"
    )
    approved_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["log"], condition=models.Q(done_at=None), name="one_proposal_of_each")
        ]

    def __str__(self) -> str:
        return f"destruction of {self.log_id}"


class DataPeriod(models.Model):
    """For how many days a category of what the hub holds is kept, from this moment on; the newest counts."""

    id = models.BigAutoField(primary_key=True)
    category = models.CharField(max_length=30)
    days = models.PositiveIntegerField()
    at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, db_constraint=False, related_name="+"
    )
    why = models.CharField(max_length=300)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(days__gte=1), name="data_kept_for_a_time")]

    def __str__(self) -> str:
        return f"{self.category} {self.days}"


class RetentionRules(models.Model):
    """One version of the rules, whole; before the first those of the code hold.  Its number is that of the row."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, db_constraint=False, related_name="+"
    )
    why = models.CharField(max_length=300)
    periods = models.JSONField()

    def __str__(self) -> str:
        return f"rules {self.pk}"
