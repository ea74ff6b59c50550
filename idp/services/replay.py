"""Identifiers that may come once: the ``jti`` of client assertions and of DPoP proofs."""

from datetime import datetime

from django.db import IntegrityError, transaction

from idp.models import SeenIdentifier
from idp.protocol.tokens import digest


def first_time(kind: str, holder: str, jti: str, *, expires_at: datetime) -> bool:
    """Remember this identifier until ``expires_at``, and say whether it was new.

    One INSERT decides, so that of two requests at once only one is the first; it stands even when the request that
    brought it fails later.  ``holder`` keeps the identifiers of two senders apart.
    """
    try:
        with transaction.atomic():
            SeenIdentifier.objects.create(digest=digest(f"{kind}\x00{holder}\x00{jti}"), expires_at=expires_at)
    except IntegrityError:
        return False
    return True
