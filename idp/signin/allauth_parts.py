"""The only place that uses what allauth does not promise to keep; the tests of sign-in go through all of it."""

from math import inf
from typing import Any

from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY, get_authentication_records
from allauth.account.internal.flows.login import record_authentication
from allauth.core.internal import ratelimit
from allauth.core.internal.ratelimit import cache_lock
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import SECRET_SESSION_KEY, clear_totp_secret, validate_totp_code
from allauth.mfa.utils import is_mfa_enabled
from django.http import HttpRequest

from directory.models import Member

__all__ = ["SECRET_SESSION_KEY", "cache_lock", "clear_totp_secret", "validate_totp_code"]


def records_of(request: HttpRequest, member: Member) -> list[dict[str, Any]]:
    """The steps of this session that count, oldest first; none when they are somebody else's.

    A second factor counts from the day it was enrolled: what was proved with the one before it, or with the recovery
    codes of that time, is worth nothing when it was removed because somebody else has it.
    """
    found: list[dict[str, Any]] = get_authentication_records(request, member)
    if all(record.get("method") != "mfa" for record in found):
        return found
    factor = Authenticator.objects.filter(user=member.pk, type=Authenticator.Type.TOTP).only("created_at").first()
    since = factor.created_at.timestamp() if factor else inf
    return [record for record in found if record.get("method") != "mfa" or record["at"] >= since]


def record_second_factor(request: HttpRequest, member: Member, *, kind: str, factor_id: int) -> None:
    record_authentication(request, member, "mfa", type=kind, id=factor_id)


def forget_second_factor(request: HttpRequest, member: Member) -> None:
    """Drop the steps of a factor that is gone from this session."""
    request.session[AUTHENTICATION_METHODS_SESSION_KEY] = [
        record for record in records_of(request, member) if record.get("method") != "mfa"
    ]


def has_second_factor(member: Member) -> bool:
    return bool(is_mfa_enabled(member, ["totp"]))


def network_of(request: HttpRequest) -> str:
    """Where a request comes from, as the limits count it: an address, or the network of an IPv6 one."""
    return str(ratelimit.get_ip(request))
