"""What this provider can do, as it is switched on now: what metadata announce and registrations must fit."""

from dataclasses import dataclass

from django.conf import settings

from consent.types import ITEMS
from idp import clients
from idp.models import Tool
from idp.protocol.acr import LEVELS
from idp.protocol.algorithms import ENCRYPTION, ENCRYPTION_METHODS, FROM_TOOLS
from idp.protocol.authorization import DISPLAYS, PROMPTS, RESPONSE_MODES
from idp.protocol.dpop import DPOP_ALGORITHMS
from idp.services import keys
from idp.types import AuthMethod, GrantType

# Claims of an ID token that are no data item: they tell of the answer, not of the person.
ABOUT_THE_ANSWER = ("iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "at_hash")


@dataclass(frozen=True, slots=True)
class SwitchedOn:
    """Everything that changes while the hub runs or differs between two hubs; the rest is the program itself."""

    signing: tuple[str, ...]
    certificates: bool
    certificate_origin: str
    registration: bool
    session_iframe: bool


def switched_on() -> SwitchedOn:
    """Read from what the process keeps for seconds: no statement of its own while that is fresh."""
    return SwitchedOn(
        signing=keys.algorithms(),
        certificates=bool(settings.CLIENT_CERTIFICATE_HEADER),
        certificate_origin=settings.CLIENT_CERTIFICATE_ORIGIN if settings.CLIENT_CERTIFICATE_HEADER else "",
        registration=settings.DYNAMIC_REGISTRATION,
        session_iframe=bool(Tool.objects.session_iframe_origins()),
    )


def auth_methods(now: SwitchedOn) -> list[str]:
    """The methods of RFC 7591 §2 and RFC 8705 §2 that a tool may be pinned to."""
    without = {AuthMethod.EITHER} if now.certificates else {AuthMethod.EITHER, *clients.BY_CERTIFICATE}
    return [str(method) for method in AuthMethod if method not in without]


def assertion_algorithms() -> list[str]:
    """RFC 7523: by key, or by the client secret (HS256)."""
    return [*sorted(FROM_TOOLS), "HS256"]


def grant_types() -> list[str]:
    return [str(grant) for grant in GrantType]


def request_object_algorithms() -> list[str]:
    return sorted(FROM_TOOLS)


def encryption_algorithms() -> list[str]:
    return list(ENCRYPTION)


def encryption_methods() -> list[str]:
    return list(ENCRYPTION_METHODS)


def dpop_algorithms() -> list[str]:
    return list(DPOP_ALGORITHMS)


def prompts() -> list[str]:
    return sorted(PROMPTS)


def displays() -> list[str]:
    return sorted(DISPLAYS)


def response_modes() -> list[str]:
    return list(RESPONSE_MODES)


def acr_values() -> list[str]:
    return list(LEVELS)


def claims() -> list[str]:
    return sorted({*ABOUT_THE_ANSWER, *(claim for item in ITEMS.values() for claim in item.claims)})
