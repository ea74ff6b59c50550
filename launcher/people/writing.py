"""Writing to a member whose address stays hidden."""

from http import HTTPStatus
from typing import cast
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from directory.models import Member
from idp.services.accounts.mails import address_of
from launcher.people import services
from launcher.people.pages import card_or_404
from launcher.people.services import NotWritten

LONGEST = 3_000


class MessageForm(forms.Form):
    text = forms.CharField(
        label=gettext_lazy("Votre message"), max_length=LONGEST, widget=forms.Textarea(attrs={"rows": 8})
    )
    gives_address = forms.BooleanField(label=gettext_lazy("Donner mon adresse e-mail pour la réponse"), required=False)

    def clean_text(self) -> str:
        return str(self.cleaned_data["text"]).replace("\r\n", "\n").replace("\x00", "").strip()


@login_required
@require_http_methods(["GET", "POST"])
def write(request: HttpRequest, member_id: UUID) -> HttpResponse:
    member, now = cast(Member, request.user), timezone.now()
    card = card_or_404(request, member_id)
    form = MessageForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            services.write(
                sender=member,
                recipient_id=member_id,
                text=given["text"],
                gives_address=given["gives_address"],
                now=now,
            )
        except NotWritten as error:
            services.refuse_message(sender=member.pk, recipient_id=member_id, reason=error.reason, now=now)
            if error.reason == "not_written_to":
                raise Http404 from error
            form.add_error(None, _("Dix messages par jour au plus : envoyez celui-ci demain."))
            return _page(request, {"card": card, "form": form}, HTTPStatus.TOO_MANY_REQUESTS)
        messages.success(request, _("Votre message part."))
        return HttpResponseRedirect(reverse("launcher:card", args=[member_id]), status=HTTPStatus.SEE_OTHER)
    if not card.can_be_written_to or member.pk == member_id:
        raise Http404
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return _page(request, {"card": card, "form": form, "has_address": bool(address_of(member))}, status)


def _page(request: HttpRequest, context: dict[str, object], status: HTTPStatus) -> HttpResponse:
    return render(request, "launcher/people/write.html", context, status=status)
