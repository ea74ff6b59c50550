"""The invitation as the member will read it, in both languages, before it leaves."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language_info
from django.views.decorators.http import require_safe

from audit.services import note_consulted
from audit.types import Reading
from directory.policy import Right
from idp.gate import opened_by
from idp.services.accounts import invitations, mails
from idp.views.office.members import member_or_404
from idp.views.office.purpose import RECORDS

LANGUAGES = ("fr", "en")


@opened_by(Right.INVITE, page="idp:office_invitation")
@require_safe
@RECORDS.opens
def preview(request: HttpRequest, member_id: UUID, reading: Reading) -> HttpResponse:
    found = member_or_404(member_id)
    note_consulted(member_id=found.pk, reading=reading, now=timezone.now())
    own = mails.language_of(found)
    written = [
        (code, get_language_info(code)["name_local"], code == own, *invitations.preview(found, code))
        for code in sorted(LANGUAGES, key=lambda code: code != own)
    ]
    return render(request, "idp/office/invitation.html", {"person": found, "reading": reading, "written": written})
