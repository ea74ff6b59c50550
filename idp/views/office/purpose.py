"""Why the office opens members' records: stated once, kept for half a day of the session, told to each member."""

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from audit.forms import PurposeForm, purpose_field
from audit.purpose import Door
from audit.types import Purpose
from directory.policy import Right
from idp.gate import opened_by

PURPOSES = (
    Purpose.MEMBER_REQUEST,
    Purpose.ACCESS_REPAIR,
    Purpose.ARRIVAL_OR_DEPARTURE,
    Purpose.DIRECTORY_CHECK,
    Purpose.SECURITY_INCIDENT,
    Purpose.INTERNAL_CONTROL,
)


class HelpingForm(PurposeForm):
    purpose = purpose_field(_("Pourquoi ouvrez-vous des fiches de membres ?"), PURPOSES)


RECORDS = Door(
    field="office.reading",
    page="idp:office_purpose",
    home="idp:office",
    form=HelpingForm,
    template="idp/office/purpose.html",
    # Asked more often, nobody who helps members all day would read what they choose.
    lasts=timedelta(hours=4),
)


@opened_by(Right.FIND_MEMBERS, page="idp:office_purpose")
@require_http_methods(["GET", "HEAD", "POST"])
def purpose(request: HttpRequest) -> HttpResponse:
    return RECORDS.answer(request)
