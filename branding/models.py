"""What the cooperative chose of its look: one row, or none."""

from django.db import models

ONLY = 1


class Look(models.Model):
    """Empty fields stand for what the hub shows by itself."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY)
    name_fr = models.CharField(max_length=80, blank=True)
    name_en = models.CharField(max_length=80, blank=True)
    short_name = models.CharField(max_length=12, blank=True)
    # "#rrggbb", both or none.
    accent = models.CharField(max_length=7, blank=True)
    second = models.CharField(max_length=7, blank=True)
    # PNG, made by the hub, never as it came.
    logo = models.BinaryField(default=bytes, editable=False)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=ONLY), name="one_look")]

    def __str__(self) -> str:
        return "look"
