"""Owns how the statements of the hot paths are sent: composed once, where Django would do it at every request.

Asks nobody anything: the apps write their queries and name their columns as ever.
Never decides anything and knows no table: what is read and written is the apps' own.
"""
