"""Who sees a collective, and who follows it.  Values in, values out; no Django."""


def may_see(*, sensitive: bool, is_in: bool, leads: bool) -> bool:
    """That a sensitive one exists is known to those who are in it or lead it, and to nobody else here."""
    return not sensitive or is_in or leads


def may_follow(*, sensitive: bool, is_in: bool) -> bool:
    """Who is in it hears of it anyway; a list of whoever follows a sensitive one would say what it must not."""
    return not sensitive and not is_in
