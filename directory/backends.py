"""Signing in with the directory's password: checked by a bind, never stored, never compared here."""

from time import monotonic, sleep
from typing import Any
from uuid import UUID

from django.contrib.auth.backends import BaseBackend
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from directory import selectors
from directory.ldap import client, config, mapping
from directory.ldap.client import Verdict
from directory.models import Member
from directory.normalise import dn_key
from directory.types import DirectoryRefused, DirectoryUnavailable, MemberState

# Every refusal takes at least this long: hashes differ in cost (Argon2 takes slapd 5 to 160 ms, a name that does
# not exist none), and the difference would tell who has an account.
REFUSAL_SECONDS = 0.25


class DirectoryBackend(BaseBackend):
    """A bind against the directory, and the hub's own rules on top."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **_: Any
    ) -> Member | None:
        """The member, or None for every kind of no.  Raises ``DirectoryUnavailable``: no verdict on the password."""
        # RFC 4513 §5.1.2: an empty password binds as nobody, and succeeds. Nothing is asked of the directory.
        if not username or not password or not password.strip():
            return None
        began = monotonic()
        member = _verified(username, password)
        if member is None:
            wait_for_refusal(began)
        return member

    def get_user(self, user_id: Any) -> Member | None:
        """Whoever is no longer active is nobody from the next request on."""
        try:
            member = Member.objects.filter(pk=user_id).first()
        except (ValidationError, ValueError, TypeError):
            return None
        return member if member is not None and member.is_active else None


def wait_for_refusal(began: float) -> None:
    """Sleep until a refusal of something that ``began`` then (``monotonic``) may be told."""
    sleep(max(0.0, began + REFUSAL_SECONDS - monotonic()))


def _verified(username: str, password: str) -> Member | None:
    """The same searches and binds whoever is meant, known or not."""
    member = selectors.find_for_sign_in(username)
    ldap = _config()
    try:
        check = client.check_password(ldap, member.entry_uuid if member else None, password)
    except DirectoryRefused as error:
        # The hub's own account or certificate is at fault: no verdict on anybody's password.
        raise DirectoryUnavailable("the directory refuses the hub") from error
    # A password that must be changed is right: the office has just set it, and the hub has no page to change it yet.
    if member is None or check.entry is None or check.verdict is Verdict.REFUSED:
        return None
    # Where the entry is now, not where it was at the last pass: somebody may have left a minute ago.
    locked = check.entry.attributes.get("pwdaccountlockedtime", ())
    state, _ = mapping.state_of(dn_key(check.entry.dn), dn_key(ldap.former_base), locked)
    return member if state == MemberState.ACTIVE and _is_still_active(member.pk) else None


def _is_still_active(member_id: UUID) -> bool:
    return Member.objects.active().filter(pk=member_id).exists()


def _config() -> config.LdapConfig:
    try:
        return config.load()
    except DirectoryRefused as error:
        raise DirectoryUnavailable("no directory is configured") from error
