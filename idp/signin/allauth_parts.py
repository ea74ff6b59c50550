"""The only place that uses what allauth does not promise to keep; the tests of sign-in go through all of it."""

from collections.abc import Iterable
from datetime import UTC, datetime
from math import inf
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY, get_authentication_records
from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate
from allauth.account.internal.stagekit import clear_login
from allauth.account.models import Login
from allauth.account.utils import get_next_redirect_url
from allauth.core.internal import ratelimit
from allauth.core.internal.ratelimit import cache_lock
from allauth.mfa.base.internal.flows import post_authentication
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added
from allauth.mfa.totp.internal.auth import SECRET_SESSION_KEY, clear_totp_secret, validate_totp_code
from allauth.mfa.webauthn.internal.flows import remove_authenticator
from django.contrib import messages
from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from directory.models import Member
from idp.selectors import has_second_factor
from idp.services.accounts.factors import is_synced
from idp.types import SECOND_FACTORS

__all__ = [
    "SECRET_SESSION_KEY",
    "cache_lock",
    "clear_totp_secret",
    "did_recently_reauthenticate",
    "has_second_factor",
    "post_authentication",
    "validate_totp_code",
]

Record = dict[str, Any]


# What a session has proved -------------------------------------------------------------------------------------


def records_of(request: HttpRequest, member: Member) -> list[Record]:
    """The steps of this session that count, oldest first; none when they are somebody else's."""
    return _counting(get_authentication_records(request, member), member)


def records_in(session: SessionBase, member: Member) -> list[Record]:
    """The same for the session of another browser."""
    request = HttpRequest()
    request.session = session
    return records_of(request, member)


def _counting(found: list[Record], member: Member) -> list[Record]:
    """A second factor counts as long as it is there, and from the day it was enrolled.

    What was proved with one that was removed because somebody else has it is worth nothing, and neither are the
    recovery codes of the time before those that are left.
    """
    if all(record.get("method") != "mfa" for record in found):
        return found
    factors = {
        factor.pk: factor
        for factor in Authenticator.objects.filter(user=member.pk, type__in=SECOND_FACTORS).order_by("created_at")
    }
    oldest = min((factor.created_at.timestamp() for factor in factors.values()), default=inf)
    return [counted for record in found if (counted := _counted(record, factors, oldest)) is not None]


def _counted(record: Record, factors: dict[Any, Authenticator], oldest: float) -> Record | None:
    if record.get("method") != "mfa":
        return record
    if record.get("type") == Authenticator.Type.RECOVERY_CODES:
        return record if record["at"] >= oldest else None
    factor = factors.get(record.get("id"))
    if factor is None or record["at"] < factor.created_at.timestamp():
        return None
    return record | {"synced": factor.type == Authenticator.Type.WEBAUTHN and is_synced(factor)}


def record_enrolment(request: HttpRequest, member: Member, factor: Authenticator) -> None:
    record_authentication(request, member, "mfa", type=factor.type, id=factor.pk, enrolment=True)


def record_password(request: HttpRequest, member: Member) -> None:
    """The directory has just taken or checked this person's password."""
    record_authentication(request, member, "password")


def password_at(request: HttpRequest, member: Member) -> datetime | None:
    """When this session last proved the password; ``None`` for never."""
    found = [float(each["at"]) for each in records_of(request, member) if each.get("method") == "password"]
    return datetime.fromtimestamp(max(found), UTC) if found else None


def second_factor_at(request: HttpRequest, member: Member) -> float:
    """When this session last proved a second factor, in seconds; 0 for never."""
    return max((float(each["at"]) for each in records_of(request, member) if each.get("method") == "mfa"), default=0.0)


def begin_login(
    request: HttpRequest, member: Member, *, stage: str, state: dict[str, Any], redirect_url: str
) -> HttpResponse:
    """A sign-in that begins with something else than a password, through every step that a sign-in has.

    ``state`` is what ``stage`` finds of it.  A sign-in that somebody else left half-way in this browser is forgotten,
    with all it had proved.
    """
    clear_login(request)
    request.session.cycle_key()
    login = Login(user=member, redirect_url=redirect_url, state={"stages": {stage: {"data": state}}})
    answer: HttpResponse = perform_login(request, login)
    return answer


def forget_login(request: HttpRequest) -> None:
    """Drop a sign-in that is under way, with all it has proved."""
    clear_login(request)


def keep_records(request: HttpRequest, records: Iterable[Record]) -> None:
    """Drop the steps that count no more from this session."""
    request.session[AUTHENTICATION_METHODS_SESSION_KEY] = list(records)


# Addresses -----------------------------------------------------------------------------------------------------


def next_url(request: HttpRequest) -> str:
    """Where the form says to go on to, when that is a path of the hub (see ``AccountAdapter.is_safe_url``)."""
    return str(get_next_redirect_url(request) or "")


# Passkeys ------------------------------------------------------------------------------------------------------


def enter_by_passkey(request: HttpRequest, factor: Authenticator) -> HttpResponse:
    """Sign in with a passkey that was verified, and go on to where the form says, within the hub.

    allauth's own view knows no return address: a tool that waits would be forgotten.
    """
    post_authentication(request, factor, passwordless=True)
    login = Login(user=factor.user, redirect_url=next_url(request) or None)
    answer: HttpResponse = perform_login(request, login)
    return answer


@transaction.atomic
def add_passkey(request: HttpRequest, member: Member, data: dict[str, Any]) -> Authenticator:
    """As allauth's own, which keeps a name and the answer only: what is counted later must be there from the start."""
    factor: Authenticator = Authenticator.objects.create(user=member, type=Authenticator.Type.WEBAUTHN, data=data)
    authenticator_added.send(sender=Authenticator, request=request, user=member, authenticator=factor)
    adapter = get_adapter(request)
    adapter.add_message(request, messages.SUCCESS, "mfa/messages/webauthn_added.txt")
    adapter.send_notification_mail("mfa/email/webauthn_added", member)
    return factor


def remove_passkey(request: HttpRequest, factor: Authenticator) -> None:
    remove_authenticator(request, factor)


# Limits ----------------------------------------------------------------------------------------------------------


def network_of(request: HttpRequest) -> str:
    """Where a request comes from, as the limits count it: an address, or the network of an IPv6 one."""
    return str(ratelimit.get_ip(request))
