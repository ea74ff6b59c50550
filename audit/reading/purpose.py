"""Why the journal is read."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from audit import gate
from audit.forms import ReadingForm
from audit.purpose import Door
from audit.types import READING_LASTS

JOURNAL = Door(
    field="audit.reading",
    page="audit:purpose",
    home="audit:journal",
    form=ReadingForm,
    template="audit/reading/purpose.html",
    lasts=READING_LASTS,
)
for_a_purpose, back_to = JOURNAL.opens, JOURNAL.back_to


@gate.for_readers("audit:purpose")
@require_http_methods(["GET", "HEAD", "POST"])
def purpose(request: HttpRequest) -> HttpResponse:
    return JOURNAL.answer(request)
