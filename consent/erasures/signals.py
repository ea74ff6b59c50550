"""What erasures tell the apps above, inside the transaction of the change."""

from django.dispatch import Signal

# Sent with ``run`` and ``now``: somebody asks for an erasure, and somebody else has to decide.
erasure_asked = Signal()
