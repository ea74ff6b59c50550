"""Sending a browser to prove who is behind it, and back; and telling whether that happened."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from directory.models import Member
from idp.signin import allauth_parts, passkeys
from idp.signin.methods import ACR_TWO_FACTORS, Proof, code_is_older, last_second_factor, proof_of

View = Callable[..., Any]


def must_sign_in(url: str) -> HttpResponse:
    """To the sign-in page, and back to this path of the hub."""
    return HttpResponseRedirect(f"{reverse('account_login')}?{urlencode({'next': url})}")


def must_reauthenticate(request: HttpRequest, url: str, *, whole: bool = False) -> HttpResponse:
    """To the confirmation of identity, and back to this path of the hub.

    A session that proved two factors proves both, one page after the other: the step proved longer ago comes first.
    Whoever uses a passkey proves both with it.  ``whole`` asks for both of a session that was let off the second.
    """
    page = "account_reauthenticate"
    member = request.user
    if isinstance(member, Member) and allauth_parts.has_second_factor(member):
        records = allauth_parts.records_of(request, member)
        if last_second_factor(records) in ("", "webauthn") and passkeys.of(member):
            page = "mfa_reauthenticate_webauthn"
        elif code_is_older(records, missing=whole):
            page = "mfa_reauthenticate"
    return HttpResponseRedirect(f"{reverse(page)}?{urlencode({'next': url})}")


def must_prove_second_factor(member: Member, url: str) -> HttpResponse:
    """To the second factor alone, for a session that proved the password only, and back."""
    page = "mfa_reauthenticate_webauthn" if passkeys.of(member) else "mfa_reauthenticate"
    return HttpResponseRedirect(f"{reverse(page)}?{urlencode({'next': url})}")


def proof_since(request: HttpRequest, since: datetime) -> bool:
    """Did this session prove itself, with every factor it claims, after ``since``?

    Told by the records of the session alone: coming back to the address without having proved anything changes nothing.
    """
    member = request.user
    if not isinstance(member, Member):
        return False
    proof = _proof(request, member)
    return proof is not None and proof.at > since


def fresh_proof(view: View) -> View:
    """Before factors are looked at or changed (ASVS 7.5.1): proof of these minutes, both steps where there are two.

    allauth asks for one of them: with a stolen session and the password alone somebody would replace the second factor.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not is_fresh(request, timezone.now()):
            return must_reauthenticate(request, request.path, whole=True)
        return view(request, *args, **kwargs)

    return login_required(guarded)


def is_fresh(request: HttpRequest, now: datetime) -> bool:
    if not allauth_parts.did_recently_reauthenticate(request):
        return False
    member = request.user
    if not isinstance(member, Member) or not allauth_parts.has_second_factor(member):
        return True
    # A browser that is trusted was let off the second factor: for this it is asked all the same.
    proof = _proof(request, member)
    oldest = now - timedelta(seconds=settings.ACCOUNT_REAUTHENTICATION_TIMEOUT)
    return proof is not None and proof.acr == ACR_TWO_FACTORS and proof.at > oldest


def _proof(request: HttpRequest, member: Member) -> Proof | None:
    return proof_of(allauth_parts.records_of(request, member), second_factor=allauth_parts.has_second_factor(member))
