"""The tables of the Merkle log: what waits to enter it, what is in it, and what was signed of it."""

import uuid

from django.db import models
from django.utils import timezone

from audit.kinds import Family
from audit.types import Trouble
from statements.writing import InsertingQuerySet


class Pending(models.Model):
    """An event that was written and has no place in a log yet; the sequencer removes it when it gets one.

    ``commitments``: of each part its role and its 32 bytes, one after the other.
    """

    id = models.BigAutoField(primary_key=True)
    reference = models.UUIDField(editable=False)
    action = models.CharField(max_length=40)
    commitments = models.BinaryField()
    since = models.DateTimeField(default=timezone.now)

    objects = InsertingQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.action} {self.reference}"


class Log(models.Model):
    """One log: open until its half-year or year is over, or until it had to be given up.

    ``size`` is what the sequencer has put in; ``time`` is that of its last batch, in whole seconds since 1970.
    """

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=40, unique=True)
    family = models.CharField(max_length=10)
    size = models.BigIntegerField(default=0)
    time = models.BigIntegerField(default=0)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    # Closed because it could not be signed any more; another log goes on in its place.
    given_up = models.BooleanField(default=False)
    # Announced as destroyed: its rows go, and this one stays for its name.
    destroyed_at = models.DateTimeField(null=True)
    # The public key of its signer, as C2SP writes it; empty until the signer has met the log.
    key = models.TextField(blank=True)
    trouble = models.CharField(max_length=20, blank=True)
    trouble_since = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["family"], condition=models.Q(closed_at=None), name="one_open_log")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def family_words(self) -> str:
        return str(Family(self.family).label)

    @property
    def trouble_words(self) -> str:
        return str(Trouble(self.trouble).label) if self.trouble else ""


class Leaf(models.Model):
    """An entry of a log, for as long as the log is kept; it says nothing about anybody."""

    id = models.BigAutoField(primary_key=True)
    log = models.ForeignKey(Log, models.PROTECT, related_name="leaves")
    index = models.BigIntegerField()
    reference = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    entry = models.BinaryField()

    objects = InsertingQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["log", "index"], name="one_leaf_at_each_index")]

    def __str__(self) -> str:
        return f"{self.log_id} {self.index}"


class Tile(models.Model):
    """Up to 256 hashes of one level (C2SP tlog-tiles)."""

    id = models.BigAutoField(primary_key=True)
    log = models.ForeignKey(Log, models.PROTECT, related_name="tiles")
    level = models.SmallIntegerField()
    number = models.BigIntegerField()
    hashes = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["log", "level", "number"], name="one_tile_at_each_place")]

    def __str__(self) -> str:
        return f"{self.log_id} {self.level} {self.number}"


class Checkpoint(models.Model):
    """What the signer said of a log (C2SP tlog-checkpoint).  What witnesses add is kept beside."""

    id = models.BigAutoField(primary_key=True)
    log = models.ForeignKey(Log, models.PROTECT, related_name="checkpoints")
    size = models.BigIntegerField()
    note = models.TextField()
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["log", "size"], name="one_checkpoint_of_each_size")]

    def __str__(self) -> str:
        return f"{self.log_id} {self.size}"
