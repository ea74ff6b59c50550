"""Owns OpenID Connect: tools, sessions, codes, tokens, keys, sign-in and sign-out.

Asks directory who a member is, consent what may be released, audit to record it.
Never stores a code, token or client secret in clear, and never releases an item that consent did not allow.
"""
