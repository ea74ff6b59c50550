"""The tables of what is kept of the log outside the hub, and by whom."""

from django.db import models

from audit.models.proof import Checkpoint, Log


class Mailing(models.Model):
    """The checkpoints of one day, mailed to so many people: a row for each day, so that no day has two."""

    day = models.DateField(primary_key=True)
    at = models.DateTimeField()
    told = models.PositiveSmallIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.day} {self.told}"


class MailsKept(models.Model):
    """Somebody who reads the journal says that they keep the mails; believed for a while, then asked again."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.at}"


class AlarmMailed(models.Model):
    """Something that contradicts a log, of which somebody was told: once, as long as it is the same."""

    code = models.CharField(max_length=120, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.code


class Witness(models.Model):
    """Somebody who looks at the logs and signs what they saw; known by their public key, as C2SP writes it.

    ``outside``: whoever reads the journal says that those who run the hub cannot reach the witness's key.
    """

    id = models.BigAutoField(primary_key=True)
    key = models.TextField()
    owner = models.CharField(max_length=120)
    outside = models.BooleanField(default=False)
    added_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key"], condition=models.Q(ended_at=None), name="one_witness_of_each_key")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return self.key.partition("+")[0]


class Cosignature(models.Model):
    """The line of a witness under a checkpoint; ``at`` is when they signed it, by their own clock."""

    id = models.BigAutoField(primary_key=True)
    checkpoint = models.ForeignKey(Checkpoint, models.CASCADE, related_name="cosignatures")
    witness = models.ForeignKey(Witness, models.PROTECT, related_name="cosignatures")
    line = models.TextField()
    at = models.DateTimeField()
    received_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["checkpoint", "witness"], name="one_line_of_each_witness"),
        ]
        indexes = [models.Index(fields=["witness", "-at"], name="cosignature_witness")]

    def __str__(self) -> str:
        return f"{self.checkpoint_id} {self.witness_id}"


class Contradiction(models.Model):
    """What a witness holds, signed with the log's own key, and the database does not lead to any more."""

    id = models.BigAutoField(primary_key=True)
    log = models.ForeignKey(Log, models.CASCADE, related_name="contradictions")
    witness = models.ForeignKey(Witness, models.PROTECT, related_name="contradictions")
    size = models.BigIntegerField()
    note = models.TextField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["log", "witness", "size"], name="one_contradiction_of_each_size"),
        ]

    def __str__(self) -> str:
        return f"{self.log_id} {self.size}"
