"""What the provider does when something leaves: release, then write it."""

from datetime import timedelta

from django.db import transaction

from consent import selectors
from consent.ledger import services as ledger
from consent.policy import asked_items
from consent.types import ALWAYS, Channel, Disclosed
from tests.support.cast import ALL_SCOPES, WEDNESDAY

MINUTE = timedelta(minutes=1)


def leave(member, tool, *items, now=WEDNESDAY, times=1, channel=Channel.USERINFO):
    """These items and the tool's own identifiers, once a minute."""
    release = selectors.release(member.pk, tool.pk, asked_items(ALL_SCOPES))
    each = Disclosed(member.pk, tool.pk, channel, frozenset(items) | ALWAYS, release)
    with transaction.atomic():
        for number in range(times):
            ledger.disclose([each], now=now + number * MINUTE)
