"""What the provider tells the apps above it, inside the transaction of the change."""

from django.dispatch import Signal

# Sent with ``member_id`` and ``now``: somebody said « Ce n’était pas moi » of this account.
alarm_raised = Signal()
