"""Owns how the cooperative shows itself in the hub: its name, its logo, its two colours.

Asks directory to decode pictures and audit to record; whoever draws a page or writes a mail asks here.
Never says who may change it, and never holds anything of a person.
"""
