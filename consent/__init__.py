"""Owns what is declared and agreed: processings, notices, consents, and the ledger of disclosures.

Asks directory for members and audit to record; tools are known by identifier only.
Never revokes tokens or ends sessions: the use cases that need both live in idp.
"""
