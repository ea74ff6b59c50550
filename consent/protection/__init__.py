"""The data protection officer's workspace: what needs them today, and what is declared beside what was seen.

It reads; what others build gives it a card (``cards.offer``) and keeps its own pages.  It never touches an account.
"""
