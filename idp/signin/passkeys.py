"""Passkeys (Web Authentication Level 3): what a browser is asked, and the checks of what it answers.

The library checks signatures and structures.  What it leaves to others is done here: the one origin, a challenge that
is good once, for one purpose and for minutes, and answers that are no answers.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from fido2.server import Fido2Server
from fido2.utils import websafe_encode
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    AuthenticatorData,
    CollectedClientData,
    PublicKeyCredentialDescriptor,
    PublicKeyCredentialParameters,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialType,
    PublicKeyCredentialUserEntity,
    RegistrationResponse,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from branding import selectors as branding
from directory.models import Member
from directory.selectors import is_out_of_date
from directory.types import Hold, MemberState
from idp.signin import journal
from idp.signin.pending import not_for_long
from idp.signin.people import REASONS

CHALLENGES = "passkey_challenges"
# A page may stay open for a while, and a person may have a few.
GOOD_FOR = timedelta(minutes=10)
KEPT = 6
# RFC 9053: ES256, Ed25519, RS256.  The library would take SHA-1 as well.
ALGORITHMS = (-7, -8, -257)
# Of the answer as it is posted: one with a chain of certificates is a few thousand characters.
MAX_LENGTH = 20_000
MAX_CREDENTIAL_ID = 1023
MAX_PASSKEYS = 20
PARTS: dict[type, tuple[str, ...]] = {
    RegistrationResponse: ("clientDataJSON", "attestationObject"),
    AuthenticationResponse: ("clientDataJSON", "authenticatorData", "signature"),
}
Answer = TypeVar("Answer", RegistrationResponse, AuthenticationResponse)


class Purpose(StrEnum):
    """What a challenge is for: an answer given to enter confirms nothing, and the other way round."""

    ENTER = "enter"
    CONFIRM = "confirm"
    ADD = "add"


# Why a passkey that is right does not open: the directory was not read for too long.
OUT_OF_DATE = "directory_old"


class Refused(Exception):
    """The answer of a passkey that does not do; ``reason`` is for the journal, ``member_id`` whom it was about."""

    def __init__(self, reason: str, member_id: UUID | None = None) -> None:
        super().__init__(reason)
        self.reason, self.member_id = reason, member_id


# Asking --------------------------------------------------------------------------------------------------------


def options_to_use(request: HttpRequest, *, purpose: Purpose, member: Member | None, now: datetime) -> dict[str, Any]:
    """§7.2, first steps: which passkey is wanted.  Nobody's in particular where nobody said who they are."""
    known = None if member is None else [_described(factor) for factor in of(member)]
    options, state = _server().authenticate_begin(known, user_verification=UserVerificationRequirement.REQUIRED)
    _keep(request, purpose, state["challenge"], now)
    return _as_json(options)


def options_to_add(request: HttpRequest, *, member: Member, now: datetime) -> dict[str, Any]:
    """§7.1, first steps.  It must be found without a name (discoverable) and ask its holder for a PIN or a finger."""
    user = PublicKeyCredentialUserEntity(
        id=handle_of(member), name=member.login or member.display_name, display_name=member.display_name
    )
    options, state = _server().register_begin(
        user,
        [_described(factor) for factor in of(member)],
        resident_key_requirement=ResidentKeyRequirement.REQUIRED,
        user_verification=UserVerificationRequirement.REQUIRED,
        extensions={"credProps": True},
    )
    _keep(request, Purpose.ADD, state["challenge"], now)
    return _as_json(options)


def of(member: Member) -> list[Authenticator]:
    return list(Authenticator.objects.filter(user=member.pk, type=Authenticator.Type.WEBAUTHN).order_by("pk"))


def handle_of(member: Member) -> bytes:
    """§5.4.3: no name and no mail, for whoever holds the device can read it."""
    return member.pk.hex.encode()


# Checking ------------------------------------------------------------------------------------------------------


def check_use(
    request: HttpRequest, raw: str, *, purpose: Purpose, member: Member | None, now: datetime
) -> Authenticator:
    """§7.2: the passkey that signed, with its member.  Raises ``Refused``."""
    answer = _parsed(AuthenticationResponse, raw)
    holder = member or _holder(answer.response.user_handle)
    who = holder.pk if holder else None
    _check_client_data(request, answer.response.client_data, purpose, now, who)
    if holder is None:
        raise Refused("passkey_unknown")
    factor = next((each for each in of(holder) if _credential(each).credential_id == answer.raw_id), None)
    if factor is None:
        raise Refused("passkey_unknown", who)
    data = answer.response.authenticator_data
    if not data.is_user_verified():
        raise Refused("passkey_unverified", who)
    _verified(
        lambda: _server().authenticate_complete(_state(answer.response.client_data), [_credential(factor)], answer), who
    )
    if not holder.is_active:
        # Said to nobody but the journal: the page answers as it does to a passkey that nobody knows.
        raise Refused(_why_closed(holder), who)
    if purpose is Purpose.ENTER and is_out_of_date(holder, now):
        # A password is asked of the directory itself; a passkey rests on what was last read there.
        raise Refused(OUT_OF_DATE, who)
    _count(request, factor, data.counter, holder, now)
    factor.user = holder
    return factor


def check_new(request: HttpRequest, raw: str, *, member: Member, now: datetime) -> dict[str, Any]:
    """§7.1: what is kept of a new passkey.  Raises ``Refused``."""
    answer = _parsed(RegistrationResponse, raw)
    _check_client_data(request, answer.response.client_data, Purpose.ADD, now, member.pk)
    data = answer.response.attestation_object.auth_data
    if not data.is_user_verified():
        raise Refused("passkey_unverified", member.pk)
    _verified(lambda: _server().register_complete(_state(answer.response.client_data), answer), member.pk)
    made = data.credential_data
    if made is None or made.public_key.get(3) not in ALGORITHMS or len(made.credential_id) > MAX_CREDENTIAL_ID:
        raise Refused("passkey_invalid", member.pk)
    number = websafe_encode(made.credential_id)
    passkeys = Authenticator.objects.filter(type=Authenticator.Type.WEBAUTHN)
    if passkeys.filter(data__credential__id=number).exists():
        raise Refused("passkey_known", member.pk)
    if passkeys.filter(user=member.pk).count() >= MAX_PASSKEYS:
        raise Refused("passkey_many", member.pk)
    return _kept(json.loads(raw), number)


def facts_of(credential: Mapping[str, Any]) -> dict[str, Any]:
    """What the first answer of a passkey says of it: where the counter begins, and whether it travels."""
    data = _attested(credential)
    return {"sign_count": data.counter, "synced": data.is_backup_eligible()}


def model_of(credential: Mapping[str, Any]) -> str:
    """The AAGUID of the kind of device or program that made it."""
    made = _attested(credential).credential_data
    return str(made.aaguid) if made is not None else ""


def number_of(factor: Authenticator) -> str:
    return str(factor.data["credential"]["id"])


# Parts ---------------------------------------------------------------------------------------------------------


def _server() -> Fido2Server:
    """The relying party is the host of the configured origin, whatever the request calls itself."""
    host = urlsplit(settings.ORIGIN).hostname or "localhost"
    rp = PublicKeyCredentialRpEntity(id=host, name=branding.cooperative())
    server = Fido2Server(rp, verify_origin=is_our_origin)
    server.allowed_algorithms = [
        PublicKeyCredentialParameters(type=PublicKeyCredentialType.PUBLIC_KEY, alg=algorithm)
        for algorithm in ALGORITHMS
    ]
    server.timeout = int(GOOD_FOR.total_seconds() * 1000)  # type: ignore[assignment]
    return server


def is_our_origin(origin: object) -> bool:
    """§7.2 step 12: this very origin.  A suffix, another port, or plain HTTP on localhost is somebody else."""
    return origin == settings.ORIGIN


def _as_json(options: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(dict(options), default=dict))
    return dict(found["publicKey"])


def _described(factor: Authenticator) -> PublicKeyCredentialDescriptor:
    return PublicKeyCredentialDescriptor(
        type=PublicKeyCredentialType.PUBLIC_KEY,
        id=_credential(factor).credential_id,
        transports=factor.data["credential"]["response"].get("transports") or None,
    )


def _credential(factor: Authenticator) -> AttestedCredentialData:
    made = _attested(factor.data["credential"]).credential_data
    assert made is not None  # noqa: S101 (checked when it was added)
    return made


def _attested(credential: Mapping[str, Any]) -> AuthenticatorData:
    return RegistrationResponse.from_dict(credential).response.attestation_object.auth_data


def _kept(answer: Mapping[str, Any], number: str) -> dict[str, Any]:
    """The parts of an answer that are known, and nothing else that was sent along with them."""
    given = answer["response"]
    transports = given.get("transports")
    named = [each for each in transports if isinstance(each, str)] if isinstance(transports, list) else []
    return {
        "id": number,
        "rawId": number,
        "type": "public-key",
        "response": {name: given[name] for name in PARTS[RegistrationResponse]} | {"transports": named[:8]},
        "clientExtensionResults": {},
    }


def _parsed(kind: type[Answer], raw: str) -> Answer:
    """Raises ``Refused`` for what is no such answer, whatever it is.

    Texts and nothing else get as far as the library: it would take a number for so many bytes, and make them.
    """
    try:
        if not raw or len(raw) > MAX_LENGTH:
            raise ValueError("length")
        posted = json.loads(raw)
        given = posted["response"]
        parts: dict[str, object] = {name: given[name] for name in PARTS[kind]}
        if kind is AuthenticationResponse and given.get("userHandle") is not None:
            parts["userHandle"] = given["userHandle"]
        texts = [posted["id"], posted["rawId"], *parts.values()]
        if posted["type"] != "public-key" or not all(isinstance(text, str) for text in texts):
            raise TypeError("parts")
        return kind.from_dict({"id": posted["id"], "rawId": posted["rawId"], "type": "public-key", "response": parts})
    except Exception as error:
        # Whoever writes the answer chooses what the library fails with: CBOR, JSON, points of curves, depth.
        raise Refused("passkey_malformed") from error


def _verified(check: Any, who: UUID | None) -> None:
    try:
        check()
    except Exception as error:
        raise Refused("passkey_invalid", who) from error


def _check_client_data(
    request: HttpRequest, data: CollectedClientData, purpose: Purpose, now: datetime, who: UUID | None
) -> None:
    """The challenge is spent before anything else is looked at: a failed answer cannot be mended and sent again."""
    if not _spend(request, purpose, websafe_encode(data.challenge), now):
        raise Refused("passkey_challenge", who)
    if not is_our_origin(data.origin) or data.cross_origin is not False:
        raise Refused("passkey_origin", who)


def _state(data: CollectedClientData) -> dict[str, Any]:
    """The library's memory of the question, whose challenge was found in the session."""
    return {"challenge": websafe_encode(data.challenge), "user_verification": UserVerificationRequirement.REQUIRED}


def _holder(handle: bytes | None) -> Member | None:
    try:
        number = UUID(hex=(handle or b"").decode("ascii"))
    except ValueError:
        return None
    return Member.objects.filter(pk=number).first()


def _why_closed(member: Member) -> str:
    if member.state != MemberState.ACTIVE:
        return REASONS.get(MemberState(member.state), "left")
    return "suspended" if member.hold == Hold.SUSPENDED else "left"


@transaction.atomic
def _count(request: HttpRequest, factor: Authenticator, counter: int, holder: Member, now: datetime) -> None:
    """§6.1.1: a counter that does not go up hints at a copy.  Synced passkeys do not count: it is a sign, no proof."""
    row = Authenticator.objects.select_for_update(no_key=True).get(pk=factor.pk)
    known = int(row.data.get("sign_count", 0))
    if (counter or known) and counter <= known:
        journal.copied(request, member_id=holder.pk, now=now)
    row.data["sign_count"] = max(counter, known)
    row.save(update_fields=["data"])
    factor.data = row.data


def _keep(request: HttpRequest, purpose: Purpose, challenge: str, now: datetime) -> None:
    entry = {"challenge": challenge, "for": purpose.value, "at": now.timestamp()}
    request.session[CHALLENGES] = [*request.session.get(CHALLENGES, [])[-(KEPT - 1) :], entry]
    not_for_long(request)


def _spend(request: HttpRequest, purpose: Purpose, challenge: str, now: datetime) -> bool:
    """§13.4.3: good once.  The challenge is bound to this browser by its session."""
    known = request.session.get(CHALLENGES, [])
    entry = next((each for each in known if each["challenge"] == challenge), None)
    if entry is None:
        return False
    request.session[CHALLENGES] = [each for each in known if each is not entry]
    age = now.timestamp() - entry["at"]
    return bool(entry["for"] == purpose and age <= GOOD_FOR.total_seconds())
