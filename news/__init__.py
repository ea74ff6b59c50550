"""Owns what is told in the cooperative: short news (brèves) of collectives and announcements to everybody.

Asks directory who is in which collective and who leads it, collectives who follows it, idp who comes with a request.
Never writes down who has read what.
"""
