"""People of the demonstration directory as members of the hub, and the way they sign in."""

import base64
import hashlib
import hmac
import re
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import ldap
import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from demo.slapd import EmbeddedDirectory
from directory import backends
from directory.models import Member
from directory.normalise import dn_key, login_key, mail_key
from directory.types import MailState, MemberState

NOEMIE, NOEMIE_PASSWORD = "noemie.ferrand", "alizarine-garrigue"
KARIM, KARIM_PASSWORD = "karim.benali", "alizarine-chantier"
HUGO, HUGO_PASSWORD = "hugo.castel", "alizarine-verrou"
INES, INES_PASSWORD = "ines.oliveira", "alizarine-ancienne"
WRONG = "canari-mot-de-passe-faux"
# Fit for the rule: words that have nothing to do with each other.
NEW_PASSWORD = "pelican-bureau-ancre-lilas"

AddMember = Callable[..., Member]


def entry_of(server: EmbeddedDirectory, uid: str) -> tuple[str, dict[str, list[bytes]]]:
    """The entry as the hub's reading account sees it."""
    library: Any = ldap
    for left in reversed(range(3)):
        try:
            return _searched(server, uid)
        except library.SERVER_DOWN:
            # Some kernels tell of a connection that has only just begun that it is none.
            if not left:
                raise
            time.sleep(0.1)
    raise AssertionError


def _searched(server: EmbeddedDirectory, uid: str) -> tuple[str, dict[str, list[bytes]]]:
    library: Any = ldap
    connection = library.initialize(server.tls_uri)
    connection.set_option(library.OPT_X_TLS_CACERTFILE, str(server.ca_file))
    connection.set_option(library.OPT_X_TLS_NEWCTX, 0)
    connection.simple_bind_s(server.reader_dn, server.reader_password)
    found = connection.search_s(server.base, library.SCOPE_SUBTREE, f"(uid={uid})", ["*", "entryUUID"])
    connection.unbind_s()
    dn, attributes = found[0]
    return dn, attributes


def add_member_from(server: EmbeddedDirectory, uid: str, **changes: Any) -> Member:
    """One member as the synchronisation would leave it, without the other four hundred."""
    dn, attributes = entry_of(server, uid)
    mail = attributes["mail"][0].decode()
    fields: dict[str, Any] = {
        "entry_uuid": UUID(attributes["entryUUID"][0].decode()),
        "dn": dn,
        "dn_key": dn_key(dn),
        "state": MemberState.ACTIVE,
        "login": uid,
        "login_key": login_key(uid),
        "email": mail,
        "email_key": mail_key(mail),
        "email_state": MailState.OK,
        "display_name": attributes["cn"][0].decode(),
    }
    return Member.objects.create(**fields | changes)


@pytest.fixture
def add_member(db: None, own_directory: EmbeddedDirectory, monkeypatch: pytest.MonkeyPatch) -> AddMember:
    """Adds a person of the directory: ``add_member("noemie.ferrand", state=…)``.

    A directory of the test's own: wrong passwords count there too, and its policy would lock people for the others.
    """
    # The delay of a refusal hides which names exist; tests of it are with the directory's.
    monkeypatch.setattr(backends, "REFUSAL_SECONDS", 0.0)
    return lambda uid, **changes: add_member_from(own_directory, uid, **changes)


@pytest.fixture
def noemie(add_member: AddMember) -> Member:
    return add_member(NOEMIE)


@pytest.fixture
def karim(add_member: AddMember) -> Member:
    return add_member(KARIM)


def try_to_sign_in(client: Client, login: str, password: str, **more: Any) -> Any:
    """Post the sign-in form; ``next`` and headers go by name."""
    headers = more.pop("headers", None)
    return client.post(reverse("account_login"), {"login": login, "password": password, **more}, headers=headers)


def confirm_password(client: Client, password: str, url: str = "/") -> Any:
    return client.post(reverse("account_reauthenticate"), {"password": password, "next": url})


def totp(secret: str, *, step: int = 0) -> str:
    """RFC 6238 with its defaults, written anew so that the hub is not checked against itself."""
    counter = struct.pack(">Q", int(time.time()) // 30 + step)
    digest = hmac.new(base64.b32decode(secret), counter, hashlib.sha1).digest()
    offset = digest[-1] & 15
    number = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


@dataclass
class Enrolled:
    """A member with an application of codes."""

    secret: str
    recovery_codes: list[str]
    answer: Any


Enrol = Callable[[Client, str], Enrolled]


@pytest.fixture
def enrol(transactional_db: None) -> Iterator[Enrol]:
    """Confirm, scan, enter the first code, and read the recovery codes, by the pages.

    With real commits: allauth tells of a new factor once its row is there.
    """
    cache.clear()

    def go(client: Client, password: str) -> Enrolled:
        confirm_password(client, password)
        page = client.get(reverse("mfa_activate_totp"))
        secret = page.context["form"].secret
        # The code before the current one, within the tolerance: tests can then use the current one to sign in.
        answer = client.post(reverse("mfa_activate_totp"), {"code": totp(secret, step=-1)})
        codes = client.get(reverse("mfa_view_recovery_codes"))
        return Enrolled(secret, list(codes.context["unused_codes"]), answer)

    yield go
    cache.clear()


def said(page: Any) -> str:
    """The page without what differs at each request anyway."""
    text: str = page.content.decode()
    text = re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", text)
    return re.sub(r'name="login" value="[^"]*"', 'name="login"', text)
