"""Words for the codes that the trombinoscope writes to the journal."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

REASONS: dict[str, str | Promise] = {
    "too_many_pages": _("trop de pages du trombinoscope en un jour"),
    "too_many_cards": _("trop de fiches du trombinoscope en un jour"),
    "too_many_messages": _("trop de messages par le trombinoscope en un jour"),
    "not_written_to": _("personne qui ne reçoit pas de message de ce membre"),
}
