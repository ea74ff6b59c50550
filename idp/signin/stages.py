"""The steps of a sign-in between the password and the session, where the hub decides differently from allauth."""

from typing import Any, cast

from allauth.mfa.stages import AuthenticateStage
from django.utils import timezone

from directory.models import Member
from idp.services import browsers
from idp.signin.browser import secret_of


class SecondFactorStage(AuthenticateStage):
    """The second factor, unless the member trusts this browser.

    Not by allauth's signed cookie: nobody could see which browsers hold one, nor end the trust in one of them.
    """

    def handle(self) -> tuple[Any, bool]:
        member = cast("Member | None", self.login.user)
        if member is not None and browsers.is_trusted(
            member=member, secret=secret_of(self.request), now=timezone.now()
        ):
            return None, True
        answer: tuple[Any, bool] = super().handle()
        return answer
