"""What the provider does when the directory says that people are gone.  Connected by ``IdpConfig.ready``."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.dispatch import receiver

from directory.signals import members_ended
from idp.services.sessions import end_member


@receiver(members_ended)
def end_members(*, member_ids: Sequence[UUID], now: datetime, **_: Any) -> None:
    """In the transaction of the sync: whoever is no longer active has nothing left anywhere."""
    end_member(member_ids, reason="member_ended", now=now)
