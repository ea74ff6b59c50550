"""The first technician's role comes with their second factor.  Connected by ``IdpConfig.ready``."""

from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added
from django.dispatch import receiver
from django.utils import timezone

from directory.models import Member
from idp.services.accounts import first

SECOND_FACTORS = {Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN}


@receiver(authenticator_added, dispatch_uid="idp.finish_first")
def finish_first(*, user: Member, authenticator: Authenticator, **_: Any) -> None:
    if authenticator.type in SECOND_FACTORS:
        first.finish(member_id=user.pk, now=timezone.now())
