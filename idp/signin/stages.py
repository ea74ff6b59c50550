"""The steps of a sign-in between the password and the session, where the hub decides differently from allauth."""

from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from allauth.account.stages import LoginStage
from allauth.mfa.stages import AuthenticateStage
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from directory.models import Member
from idp.services.accounts import browsers
from idp.signin.browser import secret_of

KEY = "choose_password"
BY_LINK = "by_link"


class SecondFactorStage(AuthenticateStage):
    """The second factor, unless the member trusts this browser.

    Not by allauth's signed cookie: nobody could see which browsers hold one, nor end the trust in one of them.
    """

    def handle(self) -> tuple[Any, bool]:
        member = cast("Member | None", self.login.user)
        if member is not None and not is_by_link(self.login) and self._is_trusted(member):
            return None, True
        answer: tuple[Any, bool] = super().handle()
        return answer

    def _is_trusted(self, member: Member) -> bool:
        return browsers.is_trusted(member=member, secret=secret_of(self.request), now=timezone.now())


class ChoosePasswordStage(LoginStage):
    """For whoever came by a link, and for a right password that may no longer be kept.

    It comes after the second factor, so that neither a link nor a password that somebody else has set skips it
    (ASVS 6.4.3).  Nothing of the sign-in counts as a password before it: a mail box alone opens nothing.
    """

    key = KEY
    urlname = "account_choose_password"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Said once, of the person the backend has just let in; the steps before this one read them anew.
        why = getattr(self.login.user, "must_change_password", "")
        if why:
            self.state["why"] = why
        graces = getattr(self.login.user, "password_graces", None)
        if graces is not None:
            self.state["graces"] = graces
        seconds = getattr(self.login.user, "password_expires_in", None)
        if seconds is not None:
            self.state["until"] = (timezone.now() + timedelta(seconds=seconds)).isoformat()

    def handle(self) -> tuple[HttpResponse | None, bool]:
        if not self.why:
            self._tell_of_its_end()
            return None, True
        return HttpResponseRedirect(reverse(self.urlname)), True

    @property
    def why(self) -> str:
        """``by_link``, ``must_change`` or ``expired``; nothing where the password stays."""
        return str(self.state.get("why", ""))

    @property
    def graces(self) -> int | None:
        """How many more times a password that is over lets in; ``None`` where the directory does not say."""
        graces = self.state.get("graces")
        return None if graces is None else int(graces)

    def _tell_of_its_end(self) -> None:
        """Once for each sign-in, by its day: whoever goes on to a tool reads it when they are back."""
        until = self.state.pop("until", "")
        if until:
            day = date_format(localtime(datetime.fromisoformat(until)), "DATE_FORMAT")
            told = _("Votre mot de passe n’est plus valable après le {day}. Changez-le avant, depuis « Sécurité ».")
            messages.warning(self.request, told.format(day=day))

    @property
    def link_id(self) -> UUID | None:
        return UUID(self.state["link"]) if "link" in self.state else None


def by_link(link_id: UUID) -> dict[str, str]:
    """What this step finds of a sign-in that began with a link."""
    return {"why": BY_LINK, "link": str(link_id)}


def is_by_link(login: Any) -> bool:
    """Did this sign-in begin with a link?  Then a browser that is trusted skips nothing."""
    return bool(login.state.get("stages", {}).get(KEY, {}).get("data", {}).get("why") == BY_LINK)
