"""After an invitation: what the hub keeps about its members, an offer, and in.  After the first link: the role.

Whoever came without an invitation finds the same text on the page of tools, until they say that it is read.
"""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.cache import never_cache

from directory.models import Member
from idp.services.accounts import first, welcome
from idp.services.sessions import SESSION_FIELD
from idp.signin import allauth_parts


@method_decorator([never_cache, login_required], name="dispatch")
class Notice(View):
    """What Trousseau itself knows and does, in a few lines; that it was shown is in the journal."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return render(request, "account/notice.html", {"digest": welcome.notice_digest()})

    def post(self, request: HttpRequest) -> HttpResponse:
        member = request.user
        assert isinstance(member, Member)  # noqa: S101 (login_required)
        try:
            welcome.note_notice(
                member_id=member.pk,
                digest=request.POST.get("digest", ""),
                language=get_language() or "fr",
                session=request.session.get(SESSION_FIELD),
                now=timezone.now(),
            )
        except welcome.NoticeChanged:
            return redirect("account_notice")
        welcome.remember(request, member.pk)
        return redirect("launcher:home" if "home" in request.POST else "account_passkey_offer")


@never_cache
@login_required
def passkey_offer(request: HttpRequest) -> HttpResponse:
    return render(request, "account/passkey_offer.html", {"page": reverse("mfa_add_webauthn")})


@never_cache
@login_required
def first_steps(request: HttpRequest) -> HttpResponse:
    """The first technician needs a second factor before the role: the page says so until it is there."""
    member = request.user
    assert isinstance(member, Member)  # noqa: S101 (login_required)
    if not first.is_awaited(member.pk, now=timezone.now()):
        return redirect("launcher:home")
    if request.method == "POST" and allauth_parts.second_factor_at(request, member):
        if first.finish(member_id=member.pk, now=timezone.now()):
            messages.success(request, _("Vous avez le rôle de technicien·ne."))
        return redirect("launcher:home")
    ready = bool(allauth_parts.second_factor_at(request, member))
    return render(request, "account/first.html", {"passkeys": reverse("mfa_add_webauthn"), "ready": ready})
