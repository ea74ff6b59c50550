"""Signing in with a password: the directory's, checked by a bind and never stored, or one that the hub keeps itself."""

from collections.abc import Callable
from math import ceil
from time import monotonic, sleep
from typing import Any
from uuid import UUID

from django.contrib.auth.backends import BaseBackend
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone

from directory import asking, selectors
from directory.asking import Proof
from directory.ldap.passwords import Verdict
from directory.models import Member
from directory.normalise import opaque
from directory.services.one_entry import take_over
from directory.types import DirectoryUnavailable, MemberState, PartlyUnavailable

# Every refusal takes at least this long: hashes differ in cost (Argon2 takes slapd 5 to 160 ms, a name that does
# not exist none), and the difference would tell who has an account.
REFUSAL_SECONDS = 0.25
# Why a right password must be replaced, as the page that asks for another one names it.
MUST_CHANGE = {Verdict.MUST_CHANGE: "must_change", Verdict.EXPIRED: "expired"}


class DirectoryBackend(BaseBackend):
    """A bind against the directory, and the hub's own rules on top; a hash for accounts that have no entry there.

    One class for both: who has which kind of account must not be told by the time a refusal takes, nor by the answer
    while the directory is away.
    """

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        local: Callable[[], bool] = lambda: True,
        again: Callable[[], bool] = lambda: True,
        **_: Any,
    ) -> Member | None:
        """The member, or None for every kind of no.  Raises ``DirectoryUnavailable``: no verdict on the password.

        Somebody whom the mirror does not know yet becomes a member by the password of their entry, and by nothing less.
        ``must_change_password`` of the member tells that the password is right and may no longer be kept,
        ``password_expires_in`` and ``password_graces`` that it will soon be so.
        ``local`` is asked before the password of an account of the hub's own is looked at, ``again`` before the
        directory is shown a second form of one: each counts, and says no where the tries are used up.
        """
        # RFC 4513 §5.1.2: an empty password binds as nobody, and succeeds. Nothing is asked of the directory.
        if not username or not password or not password.strip():
            return None
        began, forms = monotonic(), forms_of(password)
        member = selectors.find_for_sign_in(username)
        if member is not None and member.has_own_password and local() and _is_own(member, forms):
            return member
        try:
            member = _verified(member, username, forms, again)
        except DirectoryUnavailable:
            wait_for_refusal(began, len(forms))
            raise
        if member is None:
            wait_for_refusal(began, len(forms))
        return member

    def get_user(self, user_id: Any) -> Member | None:
        """Whoever is no longer active is nobody from the next request on."""
        try:
            member = Member.objects.filter(pk=user_id).first()
        except (ValidationError, ValueError, TypeError):
            return None
        return member if member is not None and member.is_active else None


def wait_for_refusal(began: float, steps: int = 1) -> None:
    """Sleep until a refusal of something that ``began`` then (``monotonic``) may be told.

    In whole steps, one for each form of the password: what takes longer says no more than how many it took.
    """
    took = monotonic() - began
    if REFUSAL_SECONDS:
        sleep(max(steps, ceil(took / REFUSAL_SECONDS)) * REFUSAL_SECONDS - took)


def _is_own(member: Member, forms: tuple[str, ...]) -> bool:
    """The password of an account of the hub's own.  Works while the directory is down: that is what it is for."""
    return any(member.check_password(form) for form in forms)


def forms_of(password: str) -> tuple[str, ...]:
    """As it was typed (ASVS 6.2.8), then as the hub writes new ones, where that is something else."""
    try:
        written = opaque(password)
    except ValueError:
        return (password,)
    return (password,) if written == password else (password, written)


def _verified(member: Member | None, name: str, forms: tuple[str, ...], again: Callable[[], bool]) -> Member | None:
    """The same searches and binds whoever is meant, known or not."""
    places = asking.places_for(member)
    proof = partly = None
    for number, form in enumerate(forms):
        # Two binds are two failures to the directory, whose own lock is not to be reached from here.
        if proof is not None or (number and not again()):
            break
        try:
            proof = asking.prove(member, name, form, places)
        except PartlyUnavailable as error:
            partly = error
    if proof is None and partly is not None:
        raise partly
    if proof is None or proof.state != MemberState.ACTIVE:
        return None
    member = _up_to_date(member, name, proof)
    if member is None or not _is_still_active(member.pk):
        return None
    check = proof.check
    # Right, but set by somebody else or over: it serves to choose another one, and for nothing beside.
    member.must_change_password = MUST_CHANGE.get(check.verdict, "")
    member.password_expires_in, member.password_graces = check.expires_in, check.graces
    return member


def _up_to_date(member: Member | None, name: str, proof: Proof) -> Member | None:
    """The mirror takes over what was read of the entry, by the rules of a pass; nothing where nothing is otherwise."""
    if member is not None and member.digest == proof.digest:
        return member
    taken = take_over(proof.source, proof.entry, now=timezone.now())
    if member is not None:
        return taken or member
    # Whoever was not known by this name is let in by it once it leads to them, and to nobody else.
    found = selectors.find_for_sign_in(name)
    return found if taken is not None and found is not None and found.pk == taken.pk else None


def _is_still_active(member_id: UUID) -> bool:
    return Member.objects.active().filter(pk=member_id).exists()
