"""The hub's side of the OAuth toolkit: with idp/models, the only code that talks to it."""
