"""Owns the journal: what happened, to whose data, and why.

Asks nobody anything: other apps call audit.services.record inside the transaction of their change.
Never holds a secret or a personal value; events carry identifiers and names of items only.
"""
