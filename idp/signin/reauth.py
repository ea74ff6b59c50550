"""Sending a browser to prove who is behind it, and back; and telling whether that happened."""

from datetime import datetime
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from directory.models import Member
from idp.signin import allauth_parts
from idp.signin.methods import code_is_older, proof_of


def must_sign_in(url: str) -> HttpResponse:
    """To the sign-in page, and back to this path of the hub."""
    return HttpResponseRedirect(f"{reverse('account_login')}?{urlencode({'next': url})}")


def must_reauthenticate(request: HttpRequest, url: str) -> HttpResponse:
    """To the confirmation of identity, and back to this path of the hub.

    A member with a second factor proves both, one page after the other: the step proved longer ago comes first.
    """
    page = "account_reauthenticate"
    member = request.user
    if (
        isinstance(member, Member)
        and allauth_parts.has_second_factor(member)
        and code_is_older(allauth_parts.records_of(request, member))
    ):
        page = "mfa_reauthenticate"
    return HttpResponseRedirect(f"{reverse(page)}?{urlencode({'next': url})}")


def must_enter_code(url: str) -> HttpResponse:
    """To the second factor alone, for a session that proved the password only, and back."""
    return HttpResponseRedirect(f"{reverse('mfa_reauthenticate')}?{urlencode({'next': url})}")


def proof_since(request: HttpRequest, since: datetime) -> bool:
    """Did this session prove itself, with every factor it claims, after ``since``?

    Told by the records of the session alone: coming back to the address without having proved anything changes nothing.
    """
    member = request.user
    if not isinstance(member, Member):
        return False
    proof = proof_of(allauth_parts.records_of(request, member), second_factor=allauth_parts.has_second_factor(member))
    return proof is not None and proof.at > since
