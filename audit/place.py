"""From where the request that is being answered came, for the few events that note it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# Looked up only when an event wants it; names of parts of an address and of a browser, already cut short.
Place = Callable[[], dict[str, str]]
_place: ContextVar[Place | None] = ContextVar("audit_place", default=None)


@contextmanager
def coming_from(place: Place) -> Iterator[None]:
    """While this lasts, events that note a place note this one."""
    token = _place.set(place)
    try:
        yield
    finally:
        _place.reset(token)


def here() -> dict[str, str]:
    """Empty outside a request."""
    place = _place.get()
    return {name: said for name, said in place().items() if said} if place else {}
