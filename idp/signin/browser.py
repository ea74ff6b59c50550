"""The browser behind a request: its cookie, what it is called, from which network, and what it may still try."""

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from directory.models import Member
from idp import networks, user_agents
from idp.models import Browser
from idp.selectors import live_sessions
from idp.services.accounts import attempts, browsers
from idp.services.sessions import SESSION_FIELD
from idp.signin.allauth_parts import network_of

# Who asked, on the page of the second factor, not to be asked there again.
TRUST_FIELD = "trust_browser"
OFFER_FIELD = "offer_to_end_others"


def secret_of(request: HttpRequest) -> str:
    return request.COOKIES.get(settings.BROWSER_COOKIE_NAME, "")


def label_of(request: HttpRequest) -> str:
    return user_agents.label_of(request.headers.get("User-Agent", ""))


def place_of(request: HttpRequest) -> str:
    """The network, as coarsely as a session keeps it."""
    return networks.cut(network_of(request), settings.KNOWN_NETWORKS)


def known_here(request: HttpRequest, member_id: UUID | None) -> Browser | None:
    return browsers.known(member_id=member_id, secret=secret_of(request), now=timezone.now())


def take(request: HttpRequest, account: str, *, member_id: UUID | None) -> attempts.Try | None:
    """Count a try at this account's password or code, before anything is looked at; ``None``: not this time."""
    known = known_here(request, member_id) is not None
    return attempts.take(account=account, network=network_of(request), known=known, now=timezone.now())


def take_look(request: HttpRequest, account: str, *, member_id: UUID | None) -> attempts.Try | None:
    """Count a look at a password that the hub keeps itself; ``None``: not this time."""
    known = known_here(request, member_id) is not None
    return attempts.take_look(account=account, known=known, now=timezone.now())


def ask_trust(request: HttpRequest, member: Member) -> None:
    """The member ticked the box, and has just proved the second factor: it counts once the sign-in is complete."""
    request.session[TRUST_FIELD] = str(member.pk)


def offer_to_end_others(request: HttpRequest, member_id: UUID) -> None:
    """OWASP ASVS 7.4.3: a factor has just changed; the pages of security ask whether other sessions should end."""
    here = str(request.session.get(SESSION_FIELD, ""))
    others = live_sessions(timezone.now()).filter(member_id=member_id).values_list("pk", flat=True)
    if any(str(pk) != here for pk in others):
        request.session[OFFER_FIELD] = True


def begin(request: HttpRequest, member: Member, response: HttpResponse | None, *, now: datetime) -> browsers.Begun:
    """At the end of a sign-in: this browser is known from now on, and trusted if that was asked for."""
    begun = browsers.begin(member=member, secret=secret_of(request), label=label_of(request), now=now)
    if response is not None:
        response.set_cookie(
            settings.BROWSER_COOKIE_NAME,
            begun.secret,
            max_age=browsers.MEMORY,
            secure=settings.SECURE,
            httponly=True,
            samesite="Lax",
        )
    if request.session.pop(TRUST_FIELD, None) == str(member.pk) and settings.BROWSER_TRUST:
        browsers.trust(browser=begun.browser, now=now)
    return begun
