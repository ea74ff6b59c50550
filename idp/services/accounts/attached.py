"""What is attached to a member beside their sessions: links, browsers, recoveries, factors, mails."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.db.models import QuerySet

from audit.services import record_all
from audit.types import Action, Entry
from idp.models import AccountLink, Admission, Browser, HubSession, OutgoingMail, Recovery
from idp.services.accounts import browsers
from idp.types import RecoveryState


@transaction.atomic
def end(member_ids: Sequence[UUID], *, now: datetime) -> None:
    """Links are dead, browsers are strangers again, recoveries stop: nothing waits for somebody who may not enter."""
    links = list(AccountLink.objects.filter(member_id__in=member_ids, used_at=None, ended_at=None))
    AccountLink.objects.filter(pk__in=[link.pk for link in links]).update(ended_at=now)
    browsers.end_all(member_ids, reason="member_ended", now=now)
    recoveries = list(Recovery.objects.filter(member_id__in=member_ids, state=RecoveryState.ASKED))
    Recovery.objects.filter(pk__in=[each.pk for each in recoveries]).update(
        state=RecoveryState.CANCELLED, decided_at=now
    )
    record_all(
        [
            *(
                Entry(
                    Action.INVITATION_ENDED,
                    subject=link.member_id,
                    reason="member_ended",
                    facts={"link": str(link.pk), "link_kind": str(link.kind)},
                    at=now,
                )
                for link in links
            ),
            *(
                Entry(
                    Action.RECOVERY_CANCELLED,
                    subject=each.member_id,
                    reason="member_ended",
                    facts={"recovery": str(each.pk)},
                    at=now,
                )
                for each in recoveries
            ),
        ]
    )


@transaction.atomic
def forget(member_ids: Sequence[UUID], *, now: datetime) -> None:
    """The end of the retention period: what only the hub knew of them goes; the journal says what there was."""
    forget_factors(member_ids, now=now)
    OutgoingMail.objects.filter(member_id__in=member_ids).delete()
    Admission.objects.filter(member_id__in=member_ids).delete()
    AccountLink.objects.filter(member_id__in=member_ids).delete()
    Browser.objects.filter(member_id__in=member_ids).delete()
    # That there was a session is a proof; from which browser and where is not.
    forget_places(HubSession.objects.filter(member_id__in=member_ids))


@transaction.atomic
def forget_factors(member_ids: Sequence[UUID], *, now: datetime) -> int:
    """Returns of how many people."""
    having = Counter(Authenticator.objects.filter(user__in=member_ids).values_list("user_id", flat=True))
    Authenticator.objects.filter(user__in=member_ids).delete()
    record_all(Entry(Action.FACTORS_RESET, subject=member_id, reason="retention_over", at=now) for member_id in having)
    return len(having)


def forget_places(sessions: QuerySet[HubSession]) -> int:
    return sessions.exclude(label="", network="").update(label="", network="")
