"""Every address, asked by everybody, with both methods: what the table of ``access.py`` says is what happens."""

from collections.abc import Iterator
from copy import deepcopy
from unittest.mock import patch
from uuid import UUID, uuid4

import pytest
from allauth.mfa.models import Authenticator
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from directory.models import Collective, DirectorySource, Member, Membership, RoleGrant, SyncRun
from directory.types import Hold, Role, RunStatus
from idp.models import Tool
from tests.hub.access import A_MEMBER, IN, OUT, PUBLISHED, TABLE, Answer, Row, Who
from tests.support.cast import make_member, make_tool
from tests.support.oidc import sign_in

ROLES = {Who.OFFICE: Role.OFFICE, Who.DPO: Role.DPO, Who.TECHNICIAN: Role.TECHNICIAN}
SIGN_IN, CODE = "/compte/connexion/", "/compte/connexion/code/"
WHY = (
    "/journal/raison/",
    "/structure/raison/",
    "/violations/raison/",
    "/effacements/raison/",
    "/dossier/raison/",
)


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
    make_member("autre.x", "Autre X", id=UUID(A_MEMBER))
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
    """One tool for everybody, one for nobody here; a directory that is being set up."""
    make_tool("ouvert", "Ouvert", scopes="openid")
    source = DirectorySource.objects.create(pk=71, name="Grappe")
    SyncRun.objects.create(pk=71, source=source, started_at=timezone.now(), status=RunStatus.OK)
    tool = make_tool("reserve", "Réservé", scopes="openid", everyone=False)
    tool.collectives.add(Collective.objects.create(entry_uuid=uuid4(), name="Autre", slug="autre"))
    Collective.objects.create(entry_uuid=uuid4(), name="Sensible", slug="sensible", sensitive=True)


def answer_to(browser: Client, row: Row, method: str) -> Answer | str:
    """The word of the table for what came back; whatever it changed is undone."""
    url = reverse(row.route, kwargs=dict(row.objects) or None)
    asking = Client()
    asking.cookies = deepcopy(browser.cookies)
    with transaction.atomic():
        response = asking.get(url, dict(row.query)) if method == "get" else asking.post(url, dict(row.form))
        content = response.getvalue()
        transaction.set_rollback(True)
    location = response.headers.get("Location", "")
    if location.startswith(CODE):
        return Answer.CODE
    if location.startswith(WHY) or (url not in WHY and b'id="purpose-form"' in content):
        return Answer.WHY
    if response.status_code in (302, 303):
        return Answer.SIGN_IN if location.startswith(SIGN_IN) else Answer.DONE
    words = {
        200: Answer.PAGE,
        400: Answer.UNREADABLE,
        401: Answer.UNPROVED,
        403: Answer.FORBIDDEN,
        404: Answer.ABSENT,
        405: Answer.NO_METHOD,
        410: Answer.OVER,
        422: Answer.UNFIT,
    }
    return words.get(response.status_code, f"{response.status_code} {location}")


def test_every_address_has_its_row_and_every_row_its_address():
    named = set(routes())

    assert sorted(named - {row.route for row in TABLE}) == [], "who may see these? Write their rows in access.py"
    assert sorted({row.route for row in TABLE} - named) == [], "these rows are of no address any more"


def test_every_row_speaks_of_everybody():
    assert all(set(row.get) == set(row.post) == set(Who) for row in TABLE)
    assert len({(row.route, row.about) for row in TABLE}) == len(TABLE)


@pytest.mark.spec("OWASP ASVS", "8.2.1")
@pytest.mark.incident("CVE-2026-18201", "CVE-2026-4629", "CVE-2026-14615")
@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.route} {row.about}".strip())
def test_the_table_is_what_happens(people, tools, row):
    found = {
        method: {who: answer_to(browser, row, method) for who, browser in people.items()} for method in ("get", "post")
    }

    assert found == {"get": dict(row.get), "post": dict(row.post)}


# Strangers -----------------------------------------------------------------------------------------------------


@pytest.mark.incident("CVE-2026-55106")
def test_only_the_published_list_answers_a_stranger(tools):
    stranger = Client()
    answered = set()
    for row in TABLE:
        url = reverse(row.route, kwargs=dict(row.objects) or None)
        for address in (url, url + "?debug=1&format=json", url + "?next=/&user=1"):
            response = stranger.get(address)
            if response.status_code == 200:
                answered.add(row.route)

    assert answered == PUBLISHED
    # To be changed by hand, and with care.
    assert answered == {
        "accessibility",
        "healthz",
        "manifest",
        "offline",
        "service_worker",
        "idp:discovery",
        "idp:server_metadata",
        "idp:resource_metadata",
        "idp:userinfo_metadata",
        "idp:jwks",
        "idp:device_linked",
        "idp:device_refused",
        "idp:logged_out",
        "idp:end_session",
        "account_login",
        "account_forgotten",
        "account_forgotten_sent",
        "log_keys",
        "log_program",
        "consent:proof",
        "mailbox",
        "site_map",
        "style",
    }


# Secrets and foreign fields ------------------------------------------------------------------------------------


@pytest.mark.incident("CVE-2026-40166", "CVE-2024-42490")
def test_nobody_is_shown_a_secret_of_the_hub_or_of_a_tool(people, tools, settings):
    settings.PAIRWISE_SALT = "canari-sel-des-sujets"
    tool = Tool.objects.get(slug="ouvert")
    tool.client_secret = "canari-secret-de-l-outil"
    tool.save()
    planted = [
        *(settings.SECRET_KEY, settings.KEY_ENCRYPTION_KEY, settings.PAIRWISE_SALT),
        *("canari-secret-de-l-outil", Tool.objects.get(pk=tool.pk).client_secret),
    ]
    planted = [each.encode() if isinstance(each, str) else each for each in planted]
    assert min(map(len, planted)) >= 10

    for row in TABLE:
        url = reverse(row.route, kwargs=dict(row.objects) or None)
        for who, browser in people.items():
            asking = Client()
            asking.cookies = deepcopy(browser.cookies)
            response = asking.get(url, dict(row.query))
            told = b"".join(response) if response.streaming else response.content
            assert not [each for each in planted if each in told], (row.route, who)


FOREIGN = {
    **dict.fromkeys(("owner", "user", "user_id", "member", "member_id", "id", "pk", "actor"), "1"),
    **dict.fromkeys(("is_staff", "is_superuser", "is_active", "staff", "everyone", "admin"), "on"),
    **{"group": "reliure", "groups": "reliure", "collectives": "reliure", "role": "dpo", "roles": "technician"},
    **{"state": "active", "hold": "", "status": "staff", "hold_reason": "x", "scopes": "openid groups"},
    **{"granted_by": "1", "ends_at": "2099-01-01", "second_factor_by": "", "erased_at": "", "entry_uuid": "x"},
}


def owned() -> list[object]:
    """Everything that says who somebody is and what they may do."""
    people = Member.objects.order_by("pk").values("pk", "state", "hold", "status", "entry_uuid", "second_factor_by")
    return [
        list(people),
        list(RoleGrant.objects.order_by("pk").values()),
        list(Membership.objects.order_by("pk").values()),
        list(Collective.leads.through.objects.order_by("pk").values()),
        list(Tool.collectives.through.objects.order_by("pk").values()),
        list(Tool.objects.order_by("pk").values("pk", "everyone", "state", "scopes", "client_secret")),
    ]


@pytest.mark.incident("CVE-2026-49448", "CVE-2024-37905")
@pytest.mark.parametrize("who", [Who.NOBODY, Who.MEMBER, Who.LEAD, Who.OFFICE])
def test_fields_that_no_form_has_change_nothing(people, tools, who):
    before = owned()

    for row in TABLE:
        asking = Client()
        asking.cookies = deepcopy(people[who].cookies)
        url = reverse(row.route, kwargs=dict(row.objects) or None)
        with transaction.atomic():
            asking.post(url, FOREIGN | dict(row.form))
            changed = owned() != before
            transaction.set_rollback(True)
        assert not changed, row.route
