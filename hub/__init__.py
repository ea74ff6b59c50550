"""Wires the apps together: settings, addresses, middleware, base templates, worker.

Asks every app for its public names (services, selectors, types, views).
Never holds a rule about identity, consent or the log of its own.
"""
