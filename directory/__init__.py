"""Owns members and collectives, kept in step with LDAP, what the cooperative decides of them, and who may do what.

Asks audit to record; everything else comes from LDAP through directory/ldap/.
Never stores a directory password, and never erases a member because an entry is gone: that takes the retention period.
"""
