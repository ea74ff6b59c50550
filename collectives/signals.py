"""What the pages of collectives tell the apps above them, inside the transaction of the change."""

from django.dispatch import Signal

# Sent with ``member_id`` and ``collective_id``: this member follows it no more.
unfollowed = Signal()
