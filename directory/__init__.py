"""Owns members and collectives, kept in step with LDAP, and the check of a directory password.

Asks audit to record; everything else comes from LDAP through directory/ldap/client.py.
Never stores a directory password and never erases a member because an entry is gone.
"""
