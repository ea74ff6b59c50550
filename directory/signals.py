"""What the directory tells the apps above it, inside the transaction of the change."""

from django.dispatch import Signal

# Sent with ``member_ids`` (who just became inactive) and ``now``.
members_ended = Signal()

# Sent with ``member_ids`` (whose contact details were just removed), ``named`` (how they were called until then) and
# ``now``: whoever keeps more of them removes it.
members_erased = Signal()

# Sent with ``action``, ``member_id``, ``actor``, ``facts`` and ``now``: somebody changed this member’s account.
member_acted_on = Signal()

# Sent with ``source``, ``actor``, ``what`` ("followed" or "moved") and ``now``: another directory says from now on
# whose passwords open accounts.
source_trusted = Signal()

# Sent with ``proposal`` and ``now``: somebody wants a log of proof destroyed.
destruction_proposed = Signal()

# Sent with ``former`` (by member whose mail address is another one now, or no longer theirs alone: the one they had, or
# nothing) and ``now``.
addresses_changed = Signal()

# Sent with ``member_ids`` and ``now``: the directory says no longer that they are in some collective, or lead it.
memberships_ended = Signal()

# Sent with ``collective_id`` and ``now``.
collective_became_sensitive = Signal()
