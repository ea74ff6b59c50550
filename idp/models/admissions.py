"""Access to one tool for one member: asked for with a reason, answered by whoever looks after the tool, until a day."""

from django.conf import settings
from django.db import models

from idp.types import LIVE_ADMISSIONS, AdmissionState


class Admission(models.Model):
    """``reason`` and ``answer`` are what the two wrote to each other; the journal has neither."""

    member = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="admissions")
    tool = models.ForeignKey("idp.Tool", models.CASCADE, related_name="admissions")
    state = models.CharField(max_length=10, choices=AdmissionState.choices, default=AdmissionState.ASKED)
    reason = models.CharField(max_length=500)
    asked_at = models.DateTimeField()
    answer = models.CharField(max_length=500, blank=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    # What was granted ends here: the access decision looks at it, whether or not the worker has been by.
    ends_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["member", "tool"],
                condition=models.Q(state__in=LIVE_ADMISSIONS),
                name="one_live_admission",
            ),
            models.CheckConstraint(
                condition=~models.Q(state=AdmissionState.GRANTED) | models.Q(ends_at__isnull=False),
                name="granted_until_a_day",
            ),
        ]
        ordering = ["-asked_at"]

    def __str__(self) -> str:
        return f"admission {self.pk} {self.state}"

    @property
    def is_asked(self) -> bool:
        return self.state == AdmissionState.ASKED

    @property
    def is_granted(self) -> bool:
        return self.state == AdmissionState.GRANTED
