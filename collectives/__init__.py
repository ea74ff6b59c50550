"""Owns the pages of collectives: what they say of themselves, who is shown in them, who follows them.

Asks directory who is in a collective and who leads it, and idp which tools it opens.
Never decides access itself, and names a sensitive collective to nobody who is not in it.
"""
