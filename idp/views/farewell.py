"""What the page after a sign-out has to do, kept for the browser that signed out, for two minutes and one showing.

Kept apart from the session, which is gone; and not begun as a new one: a form posted from another site comes without
the member's session cookie, and a new one would replace it.

One entry for a hub session, under its name: who never signed in leaves nothing in the cache that holds the limits.
"""

from dataclasses import asdict, dataclass
from datetime import timedelta

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from idp.views.onward import see_other

COOKIE = "trousseau_farewell"
SALT = "idp.farewell"
LIFETIME = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Farewell:
    """``frames`` are the tools' own sign-out pages; ``alone`` tells that the hub and the other tools stay open.

    ``language`` is the one the tool asked for, if any.  With ``automatic`` the browser goes on to ``return_uri``, which
    is there, by itself; otherwise that is a link.
    """

    tool: str = ""
    alone: bool = False
    frames: tuple[str, ...] = ()
    return_uri: str = ""
    automatic: bool = False
    language: str = ""


def say(farewell: Farewell, *, session: str | None) -> HttpResponse:
    """To the page after a sign-out, or straight back to the tool where that page has nothing to do.

    ``session`` is the hub session in which something ended; without one, the page says that nobody is signed in.
    """
    if farewell.automatic and not farewell.frames:
        return see_other(farewell.return_uri)
    response = see_other(reverse("idp:logged_out"))
    if session is None or farewell == Farewell():
        # What an earlier page did not come to say would be said now.
        response.delete_cookie(COOKIE, path=reverse("idp:logged_out"), samesite="Lax")
    else:
        cache.set(_key(session), asdict(farewell), LIFETIME.total_seconds())
        response.set_signed_cookie(
            COOKIE,
            session,
            salt=SALT,
            max_age=LIFETIME,
            path=reverse("idp:logged_out"),
            secure=settings.SECURE,
            httponly=True,
            samesite="Lax",
        )
    return response


def take(request: HttpRequest) -> Farewell | None:
    """What was kept for this browser, once: a page shown again signs nobody out anew."""
    session = request.get_signed_cookie(COOKIE, default="", salt=SALT, max_age=LIFETIME)
    if not session:
        return None
    kept = cache.get(_key(session))
    if kept is None or not cache.delete(_key(session)):
        return None
    return Farewell(**{**kept, "frames": tuple(kept["frames"])})


def _key(session: str) -> str:
    return f"farewell:{session}"
