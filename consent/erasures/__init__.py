"""Erasing somebody: what goes and what stays, by whose word, what each holder answered.  It acts on no account."""
