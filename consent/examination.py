"""What an officer decides about an objection (GDPR article 21(1)).

It stops what leaves when it is made, and goes on stopping it once it is upheld: an answer to its request changes
nothing.  It ends where the officer refuses with grounds that weigh more, in a letter that names them and the way to
complain (article 12(4)).
"""

from datetime import datetime

from django.db import transaction

from audit.types import Action, Actor
from consent import services
from consent.requests import selectors
from consent.requests import services as requests
from consent.requests.models import SubjectRequest


@transaction.atomic
def refuse(*, of: SubjectRequest, text: str, actor: Actor, now: datetime) -> None:
    """A request is refused; the objections that it is about end with it.  Raises ``RequestRefused``."""
    # First the member, as whoever takes an objection back does.
    services.lock(of.member_id)
    requests.refuse(of=of, text=text, actor=actor, now=now)
    for objection in selectors.objections_of(of):
        services.end_objection(
            member_id=of.member_id, objection_id=objection.pk, actor=actor, now=now, action=Action.OBJECTION_REFUSED
        )
