"""Days and moments that somebody types: within centuries that every calendar, clock and database can reckon with."""

from datetime import date, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

FIRST, LAST = date(1900, 1, 1), date(2200, 1, 1)


def check_reckonable(day: date) -> None:
    """The first and the last years that a date can say have no day before or after, in one time zone or another."""
    if not FIRST <= (day.date() if isinstance(day, datetime) else day) < LAST:
        raise ValidationError(_("Une date entre 1900 et 2200."), code="unreckonable")


class DayField(forms.DateField):
    """A day, by the browser's own calendar."""

    def __init__(self, **more: Any) -> None:
        own: dict[str, Any] = {
            "widget": forms.DateInput({"type": "date"}, "%Y-%m-%d"),
            "validators": [check_reckonable],
        }
        super().__init__(**own | more)


class MomentField(forms.DateTimeField):
    """A day with its hour, by the browser's own calendar."""

    BROWSERS = "%Y-%m-%dT%H:%M"
    # As browsers without a picker for it let people write it.
    OTHERS = ("%Y-%m-%d %H:%M", "%d/%m/%Y %H:%M", "%Y-%m-%dT%H:%M:%S")

    def __init__(self, **more: Any) -> None:
        own: dict[str, Any] = {
            "widget": forms.DateTimeInput({"type": "datetime-local"}, self.BROWSERS),
            "input_formats": [self.BROWSERS, *self.OTHERS],
            "validators": [check_reckonable],
        }
        super().__init__(**own | more)
