"""Why people concerned by a breach are looked at by their names: stated once, kept for half an hour of the session."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from audit import gate
from audit.purpose import Door
from audit.types import READING_LASTS
from consent.incidents.forms import ListingForm

CONCERNED = Door(
    field="incidents.reading",
    page="incidents:purpose",
    home="incidents:list",
    form=ListingForm,
    template="consent/incidents/purpose.html",
    lasts=READING_LASTS,
)


@gate.for_readers("incidents:purpose")
@require_http_methods(["GET", "HEAD", "POST"])
def purpose(request: HttpRequest) -> HttpResponse:
    return CONCERNED.answer(request)
