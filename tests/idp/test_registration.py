"""Registration by programs (RFC 7591) and its management (RFC 7592), with what a hostile program would try."""

import json
from datetime import timedelta
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from audit.models import Event
from audit.types import SYSTEM, Action
from branding import selectors as look
from consent.models import Disclosure
from directory.models import Collective
from idp.models import AccessToken, InitialAccessToken, RefreshToken, Tool, ToolSession
from idp.protocol.errors import ProtocolError
from idp.protocol.registration import Offered, parse
from idp.protocol.tokens import digest
from idp.services import registration
from idp.services.tools import set_access
from idp.types import AuthMethod, SubjectType, ToolState
from tests.consent.register.conftest import ENGAGED_LOUTY as SHEET
from tests.idp.test_tools import DECLARED
from tests.support.logout import deliver_due, tool_server
from tests.support.oidc import REDIRECT, Party, answer_of, connect

pytestmark = pytest.mark.django_db
MINIMAL = {"redirect_uris": [REDIRECT], "client_name": "Carnet partagé"}
OFFERED = Offered(
    auth_methods=("none", "client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt"),
    assertion_algorithms=("RS256", "HS256"),
    signing=("RS256", "ES256"),
    encryption=("RSA-OAEP-256",),
    encryption_methods=("A128CBC-HS256", "A256GCM"),
    request_objects=("RS256",),
    scopes=("openid", "profile", "email", "offline_access"),
    acr_values=("1", "2"),
)


@pytest.fixture(autouse=True)
def _switched_on(settings, signing_key):
    settings.DYNAMIC_REGISTRATION = settings.REGISTRATION_MANAGEMENT = settings.REGISTRATION_OPENS = True


@pytest.fixture
def token() -> str:
    return give()


def give(**changes: object) -> str:
    how = {"label": "essai", "days": 1, "uses": 50, "opens": False, "relaxes_pkce": False, **changes}
    return registration.give_token(**how, actor=SYSTEM, now=timezone.now())


def register(token: str, metadata: object = MINIMAL, **headers: str):
    bearer = {"Authorization": f"Bearer {token}"} if token else {}
    return Client().post(
        "/oidc/register", json.dumps(metadata), content_type="application/json", headers={**bearer, **headers}
    )


def manage(method: str, told: dict, token: str | None = None, metadata: object = None):
    path = told["registration_client_uri"].removeprefix("http://localhost:8000")
    bearer = told["registration_access_token"] if token is None else token
    body = {} if metadata is None else {"data": json.dumps(metadata), "content_type": "application/json"}
    return getattr(Client(), method)(path, headers={"Authorization": f"Bearer {bearer}"}, **body)


def refusals(reason: str) -> int:
    return Event.objects.filter(action=Action.REGISTRATION_REFUSED, refused=True, reason=reason).count()


# Registering ---------------------------------------------------------------------------------------------------


@pytest.mark.spec("RFC 7591", "3.2.1")
def test_a_program_with_a_token_registers_a_tool_that_nobody_may_enter_yet(token):
    response = register(token)

    told = response.json()
    assert response.status_code == 201
    assert response["Cache-Control"] == "no-store"
    tool = Tool.objects.get()
    assert told["client_id"] == tool.client_id
    assert told["client_secret_expires_at"] == 0
    assert tool.client_secret == digest(told["client_secret"])
    assert tool.registration_access_token == digest(told["registration_access_token"])
    assert told["redirect_uris"] == [REDIRECT]
    assert told["token_endpoint_auth_method"] == "client_secret_basic"
    assert told["grant_types"] == ["authorization_code"]
    assert told["response_types"] == ["code"]
    assert (tool.self_registered, tool.state, tool.everyone) == (True, ToolState.CLOSED, False)
    assert tool.pkce_required
    line = Event.objects.get(action=Action.TOOL_CREATED)
    assert line.reason == "self_registered"


def test_what_registered_itself_is_closed_until_an_operator_opens_it(token, browser):
    told = register(token).json()
    party = Party(Tool.objects.get(), told["client_secret"])

    assert party.authorize(browser).status_code == 400
    call_command("open_tool", party.tool.slug, "--everyone", *DECLARED, stdout=StringIO())

    party = Party(Tool.objects.get(), told["client_secret"])
    body = party.exchange(answer_of(party.authorize(browser))["code"]).json()
    assert party.claims(body["id_token"])["aud"] == told["client_id"]
    out = StringIO()
    call_command("list_tools", stdout=out)
    assert "registered itself" in out.getvalue()


def test_an_operator_may_let_a_test_run_in_at_once_and_without_pkce(browser):
    told = register(give(opens=True, relaxes_pkce=True)).json()
    party = Party(Tool.objects.get(), told["client_secret"])

    answer = answer_of(party.authorize(browser, code_challenge=None, code_challenge_method=None))

    assert party.exchange(answer["code"], code_verifier=None).status_code == 200
    out = StringIO()
    call_command("list_tools", "--json", stdout=out)
    assert json.loads(out.getvalue())[0]["warnings"] == ["no_pkce", "self_registered"]


@pytest.mark.spec("RFC 7591", "3")
def test_nobody_registers_without_a_token(token):
    response = register("")

    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Bearer"
    assert refusals("token_missing") == 1
    assert not Tool.objects.exists()


@pytest.mark.incident("CVE-2025-64708")
@pytest.mark.spec("RFC 6750", "3.1")
def test_a_token_that_is_wrong_over_or_used_up_is_refused(token):
    once = give(uses=1)
    assert register(once).status_code == 201
    old = give()
    InitialAccessToken.objects.filter(digest=digest(old)).update(expires_at=timezone.now())

    for each, reason in (("x" * 43, "token_unknown"), (once, "token_used_up"), (old, "token_expired")):
        response = register(each)
        assert response.status_code == 401
        assert response.json() == {"error": "invalid_token"}
        assert refusals(reason) == 1
    assert Tool.objects.count() == 1


def test_a_token_is_read_from_the_header_only(token):
    body = json.dumps({**MINIMAL, "access_token": token})

    response = Client().post(f"/oidc/register?access_token={token}", body, content_type="application/json")

    assert response.status_code == 401


@pytest.mark.incident("canaille 0.3.6")
@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_a_management_token_made_up_by_the_client_is_refused(token, algorithm):
    told = register(token).json()
    claims = {"sub": told["client_id"], "iss": "http://localhost:8000", "exp": 4_000_000_000}
    if algorithm == "none":
        forged = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0."
    else:
        forged = jwt.encode({"alg": "HS256"}, claims, OctKey.import_key("x" * 32), algorithms=["HS256"])

    assert manage("get", told, token=forged).status_code == 401
    assert register(forged).status_code == 401


def test_refused_metadata_give_the_use_of_the_token_back(token):
    once = give(uses=1)

    assert register(once, {"redirect_uris": ["javascript:alert(1)"]}).status_code == 400
    assert register(once).status_code == 201


def test_one_network_cannot_try_tokens_without_end(token, monkeypatch):
    monkeypatch.setattr("idp.views.registration.REQUESTS", 2)

    statuses = [register("x").status_code for _ in range(3)]

    assert statuses == [401, 401, 429]


# Two switches --------------------------------------------------------------------------------------------------


@pytest.mark.incident("canaille 0.3.6")
def test_each_switch_opens_one_endpoint_only(token, settings, client):
    told = register(token).json()

    settings.DYNAMIC_REGISTRATION = False
    assert register(token).status_code == 404
    assert manage("get", told).status_code == 200

    settings.DYNAMIC_REGISTRATION, settings.REGISTRATION_MANAGEMENT = True, False
    assert manage("get", told).status_code == 404
    assert manage("delete", told).status_code == 404
    again = register(token)
    assert again.status_code == 201
    assert "registration_access_token" not in again.json()
    assert "registration_client_uri" not in again.json()


def test_both_are_off_unless_somebody_switches_them_on():
    from hub.env import Env

    fields = Env.model_fields
    assert fields["dynamic_registration"].default is False
    assert fields["registration_management"].default is False


# What is registered --------------------------------------------------------------------------------------------


HOSTILE = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    "java\nscript:alert(1)",
    " javascript:alert(1)",
    "\x01javascript:alert(1)",
    "DATA:text/html,<script>alert(1)</script>",
    "data\r\n:text/html,x",
    "vbscript:x",
    "file:///etc/passwd",
    "blob:https://tool.example/x",
    "//tool.example/x",
    "https:tool.example",
    "https:///x",
    "https://user@tool.example/",
    "https://tool.example/#x",
    "https://tool.example/\\@evil.example",
    "http://tool.example/",
    "https://tool.example/ x",
    "https://tооl.example/",
    "https://tool.example:99999/",
    "\ud800",
    "x" * 600,
]
ADDRESS_FIELDS = [
    *("client_uri", "logo_uri", "policy_uri", "tos_uri", "jwks_uri", "initiate_login_uri"),
    *("backchannel_logout_uri", "frontchannel_logout_uri"),
]


@pytest.mark.incident("CVE-2026-9086")
@pytest.mark.spec("RFC 7591", "5")
@pytest.mark.parametrize("field", ADDRESS_FIELDS)
def test_no_address_may_be_a_script_or_anything_but_https(token, field):
    for uri in HOSTILE:
        response = register(token, {**MINIMAL, field: uri})

        assert response.status_code == 400, (field, uri)
        assert response.json()["error"] == "invalid_client_metadata"
    assert not Tool.objects.exists()


@pytest.mark.incident("CVE-2026-9086")
@pytest.mark.spec("RFC 7591", "3.2.2")
@pytest.mark.parametrize("field", ["redirect_uris", "post_logout_redirect_uris", "request_uris"])
def test_no_listed_address_may_either(token, field):
    for uri in HOSTILE:
        if field == "request_uris" and uri.endswith("#x"):
            continue
        response = register(token, {**MINIMAL, field: [REDIRECT, uri]})

        assert response.status_code == 400, (field, uri)
    code = "invalid_redirect_uri" if field == "redirect_uris" else "invalid_client_metadata"
    assert response.json()["error"] == code


@pytest.mark.parametrize(
    "metadata",
    [
        {"redirect_uris": []},
        {"redirect_uris": None},
        {"redirect_uris": "https://tool.example/cb"},
        {"redirect_uris": [1]},
        {"redirect_uris": ["https://tool.example/cb"] * 21},
        {"grant_types": ["implicit"]},
        {"grant_types": ["password"]},
        {"grant_types": ["client_credentials"]},
        {"grant_types": ["urn:ietf:params:oauth:grant-type:device_code"]},
        {"grant_types": ["authorization_code", "urn:ietf:params:oauth:grant-type:token-exchange"]},
        {"grant_types": ["refresh_token"]},
        {"grant_types": "authorization_code"},
        {"response_types": ["token"]},
        {"response_types": ["code id_token"]},
        {"response_types": []},
        {"token_endpoint_auth_method": "client_secret"},
        {"token_endpoint_auth_method": "magic"},
        {"token_endpoint_auth_method": 7},
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_dns": "x.example"},
        {"id_token_signed_response_alg": "none"},
        {"id_token_signed_response_alg": "HS256"},
        {"userinfo_signed_response_alg": "none"},
        {"request_object_signing_alg": "none"},
        {"token_endpoint_auth_signing_alg": "none"},
        {"authorization_signed_response_alg": "none"},
        {"introspection_signed_response_alg": "HS512"},
        {"id_token_encrypted_response_alg": "RSA1_5"},
        {"id_token_encrypted_response_alg": "RSA-OAEP-256"},
        {"userinfo_encrypted_response_enc": "A256GCM"},
        {"authorization_encrypted_response_alg": "RSA-OAEP-256"},
        {"jwks": {"keys": []}},
        {"jwks": []},
        {"jwks": {"keys": [{"kty": "oct", "k": "AAAA"}]}},
        {"jwks": {"keys": [{"kty": "RSA", "kid": "\x00", "n": "AQAB", "e": "AQAB"}]}},
        {"jwks": {"keys": [{"kty": "EC", "crv": ["P-256"], "x": "A", "y": "A"}]}},
        {"jwks": {"keys": [{"kty": "OKP", "crv": {}, "x": "A"}]}},
        {"jwks": {"keys": [{"kty": "RSA"}]}, "jwks_uri": "https://tool.example/jwks"},
        {"subject_type": "public"},
        {"subject_type": "PAIRWISE"},
        {"sector_identifier_uri": "https://tool.example/sector.json"},
        {"application_type": "worm"},
        {"default_max_age": -1},
        {"default_max_age": "60"},
        {"default_max_age": True},
        {"default_max_age": 10**12},
        {"require_auth_time": "yes"},
        {"dpop_bound_access_tokens": 1},
        {"default_acr_values": ["gold"]},
        {"contacts": ["not a mail"]},
        {"contacts": ["x@y.example\nBcc: z@y.example"]},
        {"contacts": "x@y.example"},
        {"client_name": "a\x00b"},
        {"client_name": "line\nbreak"},
        {"client_name": "\u202egnp.exe"},
        {"client_name": "\u3164\u3164"},
        {"client_name": "\u2003\u115f"},
        {"client_name": "\u2800"},
        {"client_name": "W\u0456ki"},
        {"client_name": ["Carnet"]},
        {"client_name": "x" * 121},
        {"scope": 'openid "'},
        {"scope": ["openid"]},
        {"software_statement": "eyJhbGciOiJub25lIn0.e30."},
        {"frontchannel_logout_uri": "https://elsewhere.example/out"},
        {"tls_client_auth_san_ip": "127.0.0.1"},
        {"tls_client_auth_subject_dn": "CN=x"},
    ],
)
def test_metadata_that_do_not_hold_are_named_and_nothing_is_stored(token, metadata):
    response = register(token, {**MINIMAL, **metadata})

    assert response.status_code == 400
    assert response.json()["error"] in (
        *("invalid_client_metadata", "invalid_redirect_uri", "unapproved_software_statement"),
    )
    assert response.json()["error_description"]
    assert not Tool.objects.exists()
    assert Event.objects.filter(action=Action.REGISTRATION_REFUSED).count() == 1


@pytest.mark.parametrize(
    "body",
    ["", "[]", "null", "{", '{"redirect_uris": [], "redirect_uris": []}', "[" * 5000, "{}" + " " * 40_000, "\xff"],
)
def test_a_body_that_is_no_object_is_refused(token, body):
    response = Client().post(
        "/oidc/register", body, content_type="application/json", headers={"Authorization": f"Bearer {token}"}
    )

    assert response.status_code == 400
    assert response.json()["error"] == "invalid_client_metadata"


@pytest.mark.parametrize("length", ["viele", "-1", "1e3"])
def test_a_length_that_is_no_number_is_refused(token, length):
    """A server in front may let it through."""
    response = Client().post(
        "/oidc/register",
        "{}",
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
        CONTENT_LENGTH=length,
    )

    assert (response.status_code, response.json()["error"]) == (400, "invalid_client_metadata")


def test_a_form_is_no_registration(token):
    response = Client().post("/oidc/register", {"x": "y"}, headers={"Authorization": f"Bearer {token}"})

    assert response.status_code == 400
    assert Client().get("/oidc/register").status_code == 405


@pytest.mark.incident("CVE-2026-49448", "CVE-2024-37905")
def test_nothing_that_only_an_operator_decides_can_be_sent(token):
    extra = {
        "client_id": "chosen",
        "client_secret": "chosen-chosen-chosen-chosen-chosen-chosen",
        "state": "open",
        "everyone": True,
        "collectives": ["tous"],
        "self_registered": False,
        "pkce_required": False,
        "sector": "wiki",
        "slug": "wiki",
        "security_profile": "",
        "resource_identifier": "https://wiki.example/",
        "resources": "https://wiki.example/",
        "required_acr": "",
        "is_staff": True,
        "owner": "somebody",
        "user": 1,
        "skip_authorization": True,
        "registration_access_token": "chosen",
    }

    told = register(token, {**MINIMAL, **extra}).json()

    tool = Tool.objects.get()
    assert told["client_id"] != "chosen"
    assert told["client_secret"] != extra["client_secret"]
    assert tool.registration_access_token != digest("chosen")
    assert (tool.state, tool.everyone, tool.self_registered, tool.pkce_required) == ("closed", False, True, True)
    assert (tool.sector, tool.resource_identifier, tool.resources, tool.user_id) == ("", "", "", None)
    assert tool.slug.startswith("auto-")
    assert tool.skip_authorization is False
    assert not tool.collectives.exists()
    assert tool.subject_type == SubjectType.PAIRWISE


@pytest.mark.spec("OIDC Registration", "2")
def test_everything_that_can_be_registered_comes_back_as_registered(token):
    key = RSAKey.generate_key(2048, private=False)
    metadata = {
        "client_name": "Notes",
        "client_name#fr": "Carnet",
        "redirect_uris": ["https://tool.example/cb", "http://127.0.0.1:8080/cb"],
        "post_logout_redirect_uris": ["https://tool.example/bye"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "ES256",
        "jwks": {"keys": [{**key.as_dict(private=False), "use": "sig"}, {**key.as_dict(private=False), "use": "enc"}]},
        "id_token_signed_response_alg": "ES256",
        "userinfo_signed_response_alg": "RS256",
        "id_token_encrypted_response_alg": "RSA-OAEP-256",
        "client_uri": "https://tool.example/",
        "logo_uri": "https://tool.example/logo.png",
        "policy_uri": "https://tool.example/privacy",
        "tos_uri": "https://tool.example/terms",
        "contacts": ["admin@tool.example"],
        "default_max_age": 3600,
        "require_auth_time": True,
        "default_acr_values": ["1"],
        "backchannel_logout_uri": "https://tool.example/logout",
        "backchannel_logout_session_required": True,
        "frontchannel_logout_uri": "https://tool.example/out",
        "frontchannel_logout_session_required": True,
        "require_pushed_authorization_requests": True,
        "dpop_bound_access_tokens": True,
        "scope": "openid email offline_access unheard-of",
        "initiate_login_uri": "https://tool.example/start",
        "software_id": "notes",
        "software_version": "1",
        "application_type": "web",
        "unheard_of": {"deep": ["ly"]},
    }

    told = register(token, metadata).json()

    gone = (
        "client_name#fr",
        "token_endpoint_auth_signing_alg",
        "require_auth_time",
        "default_acr_values",
        "unheard_of",
    )
    same = metadata.keys() - {*gone, "client_name", "scope", "initiate_login_uri", "software_id", "software_version"}
    same -= {"application_type", "backchannel_logout_session_required"}
    assert {name: told[name] for name in same} == {name: metadata[name] for name in same}
    assert told["client_name"] == "Carnet"
    assert told["scope"] == "email openid"
    assert told["id_token_encrypted_response_enc"] == "A128CBC-HS256"
    assert "client_secret" not in told
    tool = Tool.objects.get()
    assert tool.launch_url == "https://tool.example/start"
    assert tool.offline_access
    assert tool.client_type == Tool.CLIENT_CONFIDENTIAL


@pytest.mark.parametrize(
    ("method", "kept"), [("client_secret_post", "digest"), ("client_secret_jwt", "sealed"), ("none", "nothing")]
)
def test_each_method_gets_the_secret_it_needs(token, method, kept):
    told = register(token, {**MINIMAL, "token_endpoint_auth_method": method}).json()

    tool = Tool.objects.get()
    assert tool.token_endpoint_auth_method == AuthMethod(method)
    assert bool(tool.client_secret) == (kept == "digest")
    assert bool(tool.sealed_client_secret) == (kept == "sealed")
    assert ("client_secret" in told) == (kept != "nothing")


def test_a_tool_without_a_name_is_called_by_its_host(token):
    register(token, {"redirect_uris": ["https://tool.example/cb"]})

    tool = Tool.objects.get()
    assert tool.name == "tool.example"
    assert tool.launch_url == "https://tool.example/"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=40) | st.sampled_from(HOSTILE[:-2]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(
    [
        *ADDRESS_FIELDS,
        *("redirect_uris", "post_logout_redirect_uris", "request_uris", "grant_types", "response_types", "scope"),
        *("client_name", "client_name#fr", "contacts", "jwks", "default_max_age", "token_endpoint_auth_method"),
        *("subject_type", "id_token_signed_response_alg", "id_token_encrypted_response_alg", "application_type"),
        *("require_auth_time", "default_acr_values", "tls_client_auth_subject_dn", "software_statement"),
    ]
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(NAMES, VALUES, max_size=5))
def test_whatever_is_sent_is_either_checked_or_refused_by_name(sent):
    found, code = None, ""
    try:
        found = parse({**MINIMAL, **sent}, offered=OFFERED)
    except ProtocolError as error:
        code = error.code

    if found is None:
        assert code in ("invalid_client_metadata", "invalid_redirect_uri", "unapproved_software_statement")
        return
    for uri in (*found.redirect_uris, *found.post_logout_redirect_uris, found.properties["client_uri"] or REDIRECT):
        assert uri.startswith(("https://", "http://localhost", "http://127.0.0.1", "http://[::1]"))


# Management ----------------------------------------------------------------------------------------------------


@pytest.mark.incident("CVE-2026-40166", "CVE-2024-42490")
@pytest.mark.spec("RFC 7592", "2.1")
def test_a_tool_reads_its_registration_without_its_secret(token):
    told = register(token).json()

    response = manage("get", told)

    read = response.json()
    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    assert "client_secret" not in read
    assert read["registration_access_token"] == told["registration_access_token"]
    assert {name: read[name] for name in read if name in told} == read


@pytest.mark.spec("RFC 7592", "2.2")
def test_a_tool_replaces_the_whole_of_its_metadata_and_is_looked_at_again(token, browser):
    told = register(token, {**MINIMAL, "client_uri": "https://tool.example/"}).json()
    set_access(
        slug=Tool.objects.get().slug,
        state=ToolState.OPEN,
        everyone=True,
        collectives=[],
        sheet=SHEET,
        actor=SYSTEM,
        now=timezone.now(),
    )
    changed = {"client_id": told["client_id"], "redirect_uris": ["https://evil.example/cb"], "client_name": "Banque"}

    response = manage("put", told, metadata=changed)

    assert response.status_code == 200
    assert response.json()["redirect_uris"] == ["https://evil.example/cb"]
    assert "client_uri" not in response.json()
    assert "client_secret" not in response.json()
    tool = Tool.objects.get()
    assert (tool.state, tool.everyone, tool.self_registered) == (ToolState.CLOSED, False, True)
    assert tool.client_secret == digest(told["client_secret"]), "the same secret goes on"
    line = Event.objects.filter(action=Action.TOOL_CHANGED, reason="self_changed").get()
    assert line.actor_tool_id == tool.pk


def test_the_same_metadata_again_change_nothing(token):
    told = register(token).json()
    collective = Collective.objects.create(
        entry_uuid=uuid4(), dn="cn=bureau", dn_key="cn=bureau", slug="bureau", name="Bureau"
    )
    set_access(
        slug=Tool.objects.get().slug,
        state=ToolState.OPEN,
        everyone=False,
        collectives=["bureau"],
        sheet=SHEET,
        actor=SYSTEM,
        now=timezone.now(),
    )
    same = {**MINIMAL, "client_id": told["client_id"], "client_secret": told["client_secret"]}

    assert manage("put", told, metadata=same).status_code == 200

    tool = Tool.objects.get()
    assert tool.state == ToolState.OPEN
    assert list(tool.collectives.all()) == [collective]


@pytest.mark.spec("RFC 7592", "2.2")
@pytest.mark.parametrize(
    "change",
    [
        {"client_id": "another"},
        {"client_id": None},
        {"client_secret": "chosen by the client"},
        {"registration_access_token": "x"},
        {"registration_client_uri": "https://x.example/"},
        {"client_secret_expires_at": 0},
        {"client_id_issued_at": 0},
        {"redirect_uris": ["javascript:alert(1)"]},
    ],
)
def test_a_change_of_what_is_not_the_clients_is_refused(token, change):
    told = register(token).json()

    response = manage("put", told, metadata={**MINIMAL, "client_id": told["client_id"], **change})

    assert response.status_code == 400
    assert Tool.objects.get().name == MINIMAL["client_name"]


@pytest.mark.incident("canaille 0.3.6")
@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_the_token_of_one_tool_does_nothing_to_another(token, wiki, method):
    one, other = register(token).json(), register(token).json()
    body = {**MINIMAL, "client_id": other["client_id"]} if method == "put" else None

    response = manage(method, other, token=one["registration_access_token"], metadata=body)

    assert response.status_code == 401
    assert response.json() == {"error": "invalid_token"}
    assert refusals("token_foreign") == 1
    assert Tool.objects.get(client_id=other["client_id"]).registration_access_token


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_tools_that_an_operator_made_are_out_of_reach(token, wiki, method):
    told = register(token).json()
    Tool.objects.filter(pk=wiki.tool.pk).update(registration_access_token=digest("known"))
    uri = f"http://localhost:8000/oidc/register/{wiki.tool.client_id}"

    for bearer in (told["registration_access_token"], token, "known", ""):
        body = {**MINIMAL, "client_id": wiki.tool.client_id} if method == "put" else None
        assert manage(method, {"registration_client_uri": uri}, token=bearer, metadata=body).status_code == 401
    assert Tool.objects.get(pk=wiki.tool.pk).name == "Wiki"


def test_an_unknown_client_and_a_wrong_token_look_the_same(token):
    told = register(token).json()
    unknown = {**told, "registration_client_uri": "http://localhost:8000/oidc/register/nobody"}

    assert manage("get", unknown).content == manage("get", told, token="wrong").content
    assert Client().get("/oidc/register/%00").status_code == 401


@pytest.mark.spec("RFC 7592", "2.3")
def test_a_tool_that_leaves_takes_its_sessions_and_tokens_with_it_and_leaves_the_ledger(browser):
    told = register(give(opens=True), {**MINIMAL, "grant_types": ["authorization_code", "refresh_token"]}).json()
    party = Party(Tool.objects.get(), told["client_secret"])
    code = party.code(browser, scope="openid profile offline_access", prompt="consent")
    body = party.exchange(code).json()
    assert party.userinfo(body["access_token"]).status_code == 200
    known = Disclosure.objects.filter(tool=party.tool).count()

    response = manage("delete", told)

    assert response.status_code == 204
    assert response.content == b""
    tool = Tool.objects.get()
    assert (tool.state, tool.client_secret, tool.redirect_uris) == (ToolState.CLOSED, "", "")
    assert not AccessToken.objects.filter(application=tool).exists()
    assert not RefreshToken.objects.filter(application=tool, revoked=None).exists()
    assert not ToolSession.objects.filter(tool=tool, ended_at=None).exists()
    assert Disclosure.objects.filter(tool=tool).count() == known > 0
    assert party.userinfo(body["access_token"]).status_code == 401
    assert party.refresh(body["refresh_token"]).status_code == 401
    assert party.authorize(browser).status_code == 400
    assert manage("get", told).status_code == 401
    assert Event.objects.get(action=Action.TOOL_CLOSED).reason == "self_removed"
    with pytest.raises(CommandError):
        call_command("open_tool", tool.slug, "--everyone", stdout=StringIO())


@pytest.mark.spec("RFC 7592", "2.3")
def test_a_tool_that_leaves_is_still_told_of_the_sessions_that_ended_with_it(browser):
    with tool_server() as heard:
        told = register(give(opens=True), {**MINIMAL, "backchannel_logout_uri": heard.url("/bye")}).json()
        Party(Tool.objects.get(), told["client_secret"]).code(browser)

        assert manage("delete", told).status_code == 204
        deliver_due(now=timezone.now())

    assert len(heard.of("/bye")) == 1


def test_a_tool_that_changes_its_method_is_given_the_secret_it_needs(token):
    told = register(token, {**MINIMAL, "token_endpoint_auth_method": "none"}).json()
    changed = {**MINIMAL, "client_id": told["client_id"], "token_endpoint_auth_method": "client_secret_jwt"}

    again = manage("put", told, metadata=changed).json()

    assert len(again["client_secret"]) == 64
    assert Tool.objects.get().sealed_client_secret


def test_the_secret_is_in_no_line_of_the_journal(token):
    told = register(token).json()
    manage("put", told, metadata={**MINIMAL, "client_id": told["client_id"], "client_name": "Autre"})

    written = json.dumps(list(Event.objects.values("facts", "reason")))

    for secret in (token, told["client_secret"], told["registration_access_token"], digest(token)):
        assert secret not in written


# The operator's token ------------------------------------------------------------------------------------------


def test_the_operators_token_is_printed_once_and_stored_as_a_digest():
    out = StringIO()

    call_command("give_registration_token", "--label", "essai", "--days", "2", "--uses", "3", stdout=out)

    printed = out.getvalue().strip()
    row = InitialAccessToken.objects.get()
    assert row.digest == digest(printed)
    assert (row.uses_left, row.opens, row.relaxes_pkce) == (3, False, False)
    assert timedelta(days=1) < row.expires_at - timezone.now() <= timedelta(days=2)
    assert Event.objects.get(action=Action.REGISTRATION_ALLOWED).facts["uses"] == 3


def test_no_token_opens_tools_where_there_are_members(settings):
    settings.REGISTRATION_OPENS = False

    with pytest.raises(CommandError, match="registration_opens is off"):
        call_command("give_registration_token", "--label", "essai", "--opens", stdout=StringIO())

    assert not InitialAccessToken.objects.exists()
    line = Event.objects.get(action=Action.REGISTRATION_ALLOWED)
    assert (line.refused, line.reason) == (True, "registration_opens_off")


def test_a_token_from_before_opens_nothing_once_that_is_off(settings, browser):
    token = give(opens=True)
    settings.REGISTRATION_OPENS = False

    told = register(token).json()

    tool = Tool.objects.get()
    assert (tool.state, tool.everyone) == (ToolState.CLOSED, False)
    assert Party(tool, told["client_secret"]).authorize(browser).status_code != 200


@pytest.mark.parametrize("options", [("--days", "0"), ("--days", "999"), ("--uses", "0")])
def test_a_token_without_end_is_not_given(options):
    with pytest.raises(CommandError):
        call_command("give_registration_token", "--label", "essai", *options, stdout=StringIO())

    assert not InitialAccessToken.objects.exists()


@pytest.mark.spec("RFC 7591", "5")
@pytest.mark.parametrize(
    "name",
    [
        *("Wiki", "WIKI", " wiki ", "W i k i", "Wiki\u2800", "Wiki\u3164", "Wiki\u034f", "W\ufe0fiki"),
        *("\uff37\uff49\uff4b\uff49", "W\u0131ki", "\u051d\u0456\u043a\u0456", "Trousseau", "TR0USSEAU"),
        *("Coopérative Alizarine", "cooperative alizarine"),
    ],
)
def test_nobody_takes_a_name_that_members_know(token, name):
    connect("wiki")

    response = register(token, {**MINIMAL, "client_name": name})

    assert (response.status_code, response.json()["error"]) == (400, "invalid_client_metadata")
    assert refusals("name_taken") == 1
    assert Tool.objects.count() == 1


@pytest.mark.spec("RFC 7591", "5")
@pytest.mark.parametrize("field", ["client_name", "client_name#fr"])
def test_nobody_borrows_letters_of_another_script(token, field):
    assert register(token, {**MINIMAL, field: "W\u0456ki"}).status_code == 400
    assert refusals("name_letters") == 1


@pytest.mark.spec("RFC 7592", "2.2")
def test_nobody_comes_to_such_a_name_by_a_change(token, settings):
    settings.COOPERATIVE = "Les Ateliers"
    look.renew()
    told = register(token).json()

    response = manage(
        "put", told, metadata={**MINIMAL, "client_id": told["client_id"], "client_name": "Les\u2800ateliers"}
    )

    assert response.status_code == 400
    assert refusals("name_taken") == 1
    assert Tool.objects.get().name == MINIMAL["client_name"]


def test_an_operator_names_tools_as_they_like():
    assert connect("trousseau").tool.name == "Trousseau"


def test_two_tools_that_registered_themselves_may_have_one_name(token):
    assert register(token).status_code == register(token).status_code == 201
