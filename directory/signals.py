"""What the directory tells the apps above it, inside the transaction of the change."""

from django.dispatch import Signal

# Sent with ``member_ids`` (who just became inactive) and ``now``.
members_ended = Signal()
