"""Every address, asked by everybody, with both methods: what the table of ``access.py`` says is what happens."""

from collections.abc import Iterator
from copy import deepcopy
from unittest.mock import patch
from uuid import uuid4

import pytest
from allauth.mfa.models import Authenticator
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from directory.models import Collective, Member, Membership, RoleGrant
from directory.types import Hold, Role
from tests.hub.access import IN, OUT, Answer, Row, Who
from tests.support.cast import make_member, make_tool
from tests.support.oidc import sign_in

ROLES = {Who.OFFICE: Role.OFFICE, Who.DPO: Role.DPO, Who.TECHNICIAN: Role.TECHNICIAN}
SIGN_IN, CODE = "/compte/connexion/", "/compte/connexion/code/"


def routes(patterns=None, prefix: str = "") -> Iterator[str]:
    """The names of all addresses, as ``reverse`` takes them."""
    for each in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(each, URLResolver):
            yield from routes(each.url_patterns, f"{prefix}{each.namespace}:" if each.namespace else prefix)
        elif isinstance(each, URLPattern):
            assert each.name, f"{each.pattern} has no name, so no row"
            yield f"{prefix}{each.name}"


def half_signed_in(member: Member) -> Client:
    """The password was right; the page of the code is open."""
    Authenticator.objects.create(user=member, type=Authenticator.Type.TOTP, data={"secret": "x"})
    browser = Client()
    with patch("directory.backends._verified", return_value=member):
        answer = browser.post(SIGN_IN, {"login": member.login, "password": "x"})
    assert answer.status_code == 302
    assert answer["Location"].startswith(CODE), answer["Location"]
    return browser


@pytest.fixture
def people(db) -> dict[Who, Client]:
    """Each of them with the strongest cookie they can have: those who may not enter had a session before."""
    found = {Who.NOBODY: Client(), Who.HALF: half_signed_in(make_member("half.x", "Half X"))}
    for who in (*IN, Who.SUSPENDED, Who.LEFT):
        name = who.replace(" ", "-")
        person = make_member(f"{name}.x", f"Personne {name}")
        if who in ROLES:
            RoleGrant.objects.create(member=person, role=ROLES[who])
        if who is Who.LEAD:
            crowd = Collective.objects.create(entry_uuid=uuid4(), name="Reliure", slug="reliure")
            crowd.leads.add(person)
            Membership.objects.create(collective=crowd, member=person)
        found[who] = sign_in(person)
        if who in OUT:
            held = Hold.SUSPENDED if who is Who.SUSPENDED else Hold.LEFT
            Member.objects.filter(pk=person.pk).update(hold=held)
    return found


@pytest.fixture
def tools(signing_key, people) -> None:
    """One tool for everybody, one for nobody here."""
    make_tool("ouvert", "Ouvert")
    tool = make_tool("reserve", "Réservé", everyone=False)
    tool.collectives.add(Collective.objects.create(entry_uuid=uuid4(), name="Autre", slug="autre"))


def answer_to(browser: Client, row: Row, method: str) -> Answer | str:
    """The word of the table for what came back; whatever it changed is undone."""
    url = reverse(row.route, kwargs=dict(row.objects) or None)
    asking = Client()
    asking.cookies = deepcopy(browser.cookies)
    with transaction.atomic():
        response = asking.get(url) if method == "get" else asking.post(url, dict(row.form))
        if response.streaming:
            b"".join(response)
        transaction.set_rollback(True)
    location = response.headers.get("Location", "")
    if location.startswith(CODE):
        return Answer.CODE
    if response.status_code in (302, 303):
        return Answer.SIGN_IN if location.startswith(SIGN_IN) else Answer.DONE
    words = {
        200: Answer.PAGE,
        400: Answer.UNREADABLE,
        401: Answer.UNPROVED,
        403: Answer.FORBIDDEN,
        404: Answer.ABSENT,
        405: Answer.NO_METHOD,
    }
    return words.get(response.status_code, f"{response.status_code} {location}")
