"""Owns the page of connected tools: cards, sections, favourites, search.

Asks idp which tools a member may enter and when they were last opened.
Never decides access itself and never releases personal data to a tool.
"""
