"""Changing things in the provider: sessions, tokens, tools, keys, logout notices."""
