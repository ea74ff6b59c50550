"""What the provider announces is what it does, and it does nothing that it does not announce."""

import json
from base64 import b64encode, urlsafe_b64decode

import pytest
from django.test import Client
from django.utils import timezone
from joserfc import jws, jwt
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey

from idp.models import Tool
from idp.services import keys
from idp.types import AuthMethod, GrantType
from idp.views import metadata
from tests.support.oidc import REDIRECT, Party, answer_of, connect

# RFC 9864 gives EdDSA a new name: tools that still use the old one are read, and the library warns of it.
pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore:EdDSA is deprecated")]
ISSUER = "http://localhost:8000"
DISCOVERY = "/.well-known/openid-configuration"


@pytest.fixture
def document(signing_key, client) -> dict:
    return client.get(DISCOVERY).json()


def fetch(path: str, **headers: str):
    return Client().get(path, headers=headers)


# The documents -------------------------------------------------------------------------------------------------


@pytest.mark.spec("OIDC Discovery", "4.2")
def test_discovery_is_public_json_of_this_issuer(document, client):
    response = client.get(DISCOVERY)

    assert response["Content-Type"] == "application/json"
    assert response["Access-Control-Allow-Origin"] == "*"
    assert document["issuer"] == ISSUER
    required = ["authorization_endpoint", "token_endpoint", "jwks_uri", "response_types_supported"]
    assert all(document[name] for name in [*required, "subject_types_supported"])
    assert "RS256" in document["id_token_signing_alg_values_supported"]
    assert "openid" in document["scopes_supported"]


@pytest.mark.spec("RFC 8414", "3.2")
def test_the_two_documents_say_the_same(document, client):
    server = client.get("/.well-known/oauth-authorization-server").json()

    assert server.pop("protected_resources") == [ISSUER, f"{ISSUER}/oidc/userinfo"]
    assert server == document


def test_no_member_is_empty(document):
    assert {name for name, value in document.items() if value in ("", [], None)} == set()


@pytest.mark.spec("RFC 8414", "2")
def test_every_endpoint_that_is_announced_answers(document):
    addresses = {name: value for name, value in document.items() if name.endswith(("_endpoint", "_uri", "_iframe"))}

    assert len(addresses) >= 9
    for name, address in addresses.items():
        path = address.removeprefix(ISSUER)
        assert {Client().get(path).status_code, Client().post(path).status_code} - {404}, name


@pytest.mark.spec("RFC 9111", "5.2")
def test_documents_are_kept_no_longer_than_the_keys_and_cost_no_query(document, client, django_assert_num_queries):
    paths = [DISCOVERY, "/.well-known/oauth-authorization-server", "/.well-known/oauth-protected-resource"]
    paths += ["/.well-known/oauth-protected-resource/oidc/userinfo", "/oidc/jwks"]
    for path in paths:
        client.get(path)

    with django_assert_num_queries(0):
        answers = [client.get(path) for path in paths]

    fresh = {answer["Cache-Control"] for answer in answers}
    assert fresh == {f"public, max-age={keys.seconds_fresh(timezone.now())}"}
    for path, answer in zip(paths, answers, strict=True):
        again = fetch(path, **{"If-None-Match": answer["ETag"]})
        assert (again.status_code, again.content) == (304, b"")


@pytest.mark.spec("RFC 9728", "3")
@pytest.mark.parametrize(
    ("path", "resource"),
    [("", ISSUER), ("/oidc/userinfo", f"{ISSUER}/oidc/userinfo")],
)
def test_the_resource_is_described_under_its_own_name(signing_key, client, path, resource):
    told = client.get(f"/.well-known/oauth-protected-resource{path}").json()

    assert told["resource"] == resource
    assert told["authorization_servers"] == [ISSUER]
    assert told["bearer_methods_supported"] == ["header", "body"]
    assert told["jwks_uri"] == f"{ISSUER}/oidc/jwks"


@pytest.mark.spec("RFC 9728", "5.1")
def test_a_refused_userinfo_request_says_where_to_read_more(signing_key, client):
    challenge = client.get("/oidc/userinfo")["WWW-Authenticate"]

    address = challenge.partition('resource_metadata="')[2].partition('"')[0]
    told = client.get(address.removeprefix(ISSUER)).json()
    assert told["authorization_servers"] == [ISSUER]
    # RFC 9728 §3.3: the document speaks of the very address that was called.
    assert told["resource"] == f"{ISSUER}/oidc/userinfo"


# What is switched on -------------------------------------------------------------------------------------------


def test_registration_is_announced_where_it_is_on(document, client, settings):
    assert "registration_endpoint" not in document
    assert Client().post("/oidc/register").status_code == 404

    settings.DYNAMIC_REGISTRATION = True

    assert client.get(DISCOVERY).json()["registration_endpoint"] == f"{ISSUER}/oidc/register"
    assert Client().post("/oidc/register").status_code == 401


@pytest.mark.spec("RFC 8705", "3.3")
def test_certificates_are_announced_where_a_proxy_hands_them_over(document, client, settings):
    by_certificate = {"tls_client_auth", "self_signed_tls_client_auth"}
    assert not by_certificate & set(document["token_endpoint_auth_methods_supported"])
    assert document["tls_client_certificate_bound_access_tokens"] is False

    settings.CLIENT_CERTIFICATE_HEADER = "X-Client-Cert"

    told = client.get(DISCOVERY).json()
    assert by_certificate <= set(told["token_endpoint_auth_methods_supported"])
    assert told["tls_client_certificate_bound_access_tokens"] is True


@pytest.mark.spec("RFC 8705", "5")
def test_tools_with_a_certificate_are_sent_where_browsers_are_not_asked_for_one(document, client, settings):
    settings.CLIENT_CERTIFICATE_ORIGIN = "https://certificats.cles.example"
    assert "mtls_endpoint_aliases" not in client.get(DISCOVERY).json(), "nobody hands certificates over"

    settings.CLIENT_CERTIFICATE_HEADER = "X-Client-Cert"

    told = client.get(DISCOVERY).json()
    aliases = told["mtls_endpoint_aliases"]
    assert aliases["token_endpoint"] == "https://certificats.cles.example/oidc/token"
    for name, address in aliases.items():
        assert address.removeprefix("https://certificats.cles.example") == told[name].removeprefix(ISSUER)
    assert "authorization_endpoint" not in aliases
    assert "mtls_endpoint_aliases" not in document


@pytest.mark.spec("OIDC Session Management", "3.3")
def test_the_session_iframe_is_announced_while_a_tool_watches(document, client, wiki):
    assert "check_session_iframe" not in document

    Tool.objects.filter(pk=wiki.tool.pk).update(session_iframe=True)

    address = client.get(DISCOVERY).json()["check_session_iframe"]
    assert client.get(address.removeprefix(ISSUER)).status_code == 200


def test_algorithms_follow_the_keys(document, client):
    announced = document["id_token_signing_alg_values_supported"]
    held = {key["alg"] for key in client.get("/oidc/jwks").json()["keys"]}

    assert announced == list(keys.algorithms())
    assert set(announced) == held


def test_an_operators_pages_are_named_where_there_are_some(document, client, settings):
    assert {"service_documentation", "op_policy_uri"}.isdisjoint(document)

    settings.DOCUMENTATION_URL, settings.POLICY_URL = "https://hub.example/docs", "https://hub.example/policy"
    metadata._prepared.cache_clear()

    told = client.get(DISCOVERY).json()
    assert told["service_documentation"] == "https://hub.example/docs"
    assert told["op_policy_uri"] == "https://hub.example/policy"
    metadata._prepared.cache_clear()


# Truth: the authorization endpoint -----------------------------------------------------------------------------

ALL_MODES = ["query", "form_post", "fragment", "web_message", "jwt", "query.jwt", "form_post.jwt", "fragment.jwt"]
ALL_PROMPTS = ["none", "login", "consent", "select_account", "create", "magic"]
ALL_TYPES = ["code", "token", "id_token", "code token", "code id_token", "id_token token", "none"]


@pytest.mark.spec("OIDC Discovery", "3")
@pytest.mark.parametrize("mode", ALL_MODES)
def test_a_response_mode_works_exactly_where_it_is_announced(document, wiki, browser, mode):
    response = wiki.authorize(browser, response_mode=mode)

    body = response.content.decode() + response.get("Location", "")
    refused = "error=" in body and "response_mode" in body
    assert refused == (mode not in document["response_modes_supported"])
    if not refused:
        by_form, by_jwt = "form_post" in mode, "jwt" in mode
        assert (response.status_code == 200) == by_form
        assert ("response=" in body or 'name="response"' in body) == by_jwt


@pytest.mark.spec("OIDC Prompt Create", "4")
@pytest.mark.parametrize("prompt", ALL_PROMPTS)
def test_a_prompt_is_understood_exactly_where_it_is_announced(document, wiki, browser, prompt):
    response = wiki.authorize(browser, prompt=prompt)

    refused = response.status_code == 400 or "error=invalid_request" in response.get("Location", "")
    assert refused == (prompt not in document["prompt_values_supported"])


@pytest.mark.parametrize("kind", ALL_TYPES)
def test_a_response_type_works_exactly_where_it_is_announced(document, wiki, browser, kind):
    response = wiki.authorize(browser, response_type=kind)

    assert ("code=" in response["Location"]) == (kind in document["response_types_supported"])


@pytest.mark.spec("RFC 7636", "4.2")
def test_only_the_announced_challenge_method_works(document, wiki, browser):
    assert document["code_challenge_methods_supported"] == ["S256"]

    plain = answer_of(wiki.authorize(browser, code_challenge_method="plain"))

    assert plain["error"] == "invalid_request"


@pytest.mark.parametrize("value", ["1", "2", "3", "gold"])
def test_an_essential_acr_can_be_met_exactly_where_it_is_announced(document, wiki, browser, value):
    wish = json.dumps({"id_token": {"acr": {"essential": True, "value": value}}})

    response = wiki.authorize(browser, claims=wish)

    unmet = "unmet_authentication_requirements" in response.get("Location", "")
    assert unmet == (value not in document["acr_values_supported"])


@pytest.mark.spec("RFC 9101", "10.2")
@pytest.mark.parametrize("alg", ["none", "HS256", "RS256", "PS256", "ES256", "Ed25519", "EdDSA", "RS512", "ES384"])
def test_request_objects_are_read_exactly_by_the_announced_algorithms(document, browser, alg):
    party, key = keyed("signe", alg)
    now = int(timezone.now().timestamp())
    signer = party.secret if alg == "HS256" else key
    claims = {**party.request(), "iss": party.tool.client_id, "aud": ISSUER, "iat": now, "exp": now + 60, "nbf": now}

    response = browser.get("/oidc/authorize", {"client_id": party.tool.client_id, "request": made(claims, signer, alg)})

    accepted = response.status_code == 303 and "code=" in response["Location"]
    assert accepted == (alg in document["request_object_signing_alg_values_supported"])


@pytest.mark.spec("OIDC Core", "6.2")
def test_no_request_is_fetched_from_an_address(document, wiki, browser):
    assert document["request_uri_parameter_supported"] is False

    response = wiki.authorize(browser, request_uri="https://tool.example/request.jwt")

    assert b"request_uri_not_supported" in response.content + response.get("Location", "").encode()


def test_the_claims_parameter_is_read(document, wiki, browser):
    assert document["claims_parameter_supported"] is True

    assert answer_of(wiki.authorize(browser, claims="{"))["error"] == "invalid_request"


@pytest.mark.spec("RFC 9207", "3")
def test_answers_name_their_issuer_as_announced(document, wiki, browser):
    assert document["authorization_response_iss_parameter_supported"] is True

    assert answer_of(wiki.authorize(browser))["iss"] == ISSUER


@pytest.mark.parametrize("scope", ["openid", "profile", "email", "phone", "address", "groups", "offline_access"])
def test_every_announced_scope_can_be_given_to_a_tool(document, browser, scope):
    assert scope in document["scopes_supported"]
    scopes = " ".join(set(document["scopes_supported"]) - {"offline_access"})
    party = connect("tout", scopes=scopes, offline_access=True)

    body = party.exchange(party.code(browser, scope=f"openid {scope}", prompt="consent")).json()

    assert scope in body["scope"].split()


# Truth: the token endpoint and its kin -------------------------------------------------------------------------

KNOWN_GRANTS = [str(grant) for grant in GrantType]
OTHER_GRANTS = [
    "password",
    "implicit",
    "urn:ietf:params:oauth:grant-type:jwt-bearer",
    "urn:openid:params:grant-type:ciba",
]


@pytest.mark.spec("RFC 6749", "5.2")
@pytest.mark.parametrize("grant", [*KNOWN_GRANTS, *OTHER_GRANTS])
def test_a_grant_is_known_exactly_where_it_is_announced(document, wiki, grant):
    response = wiki.post("/oidc/token", {"grant_type": grant})

    unknown = response.json()["error"] == "unsupported_grant_type"
    assert unknown == (grant not in document["grant_types_supported"])


METHODS = [*(str(method) for method in AuthMethod if method != AuthMethod.EITHER), "magic"]


@pytest.mark.spec("RFC 7591", "2")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("endpoint", ["token", "introspection", "revocation"])
def test_a_tool_can_prove_itself_exactly_as_announced(document, browser, method, endpoint):
    announced = method in document[f"{endpoint}_endpoint_auth_methods_supported"]
    if method in ("magic", "tls_client_auth", "self_signed_tls_client_auth"):
        assert not announced
        return
    party, key = keyed("outil", "ES256", token_endpoint_auth_method=method)
    path = document[f"{endpoint}_endpoint"].removeprefix(ISSUER)
    form = {"grant_type": "authorization_code", "code": "unknown", "redirect_uri": REDIRECT, "token": "unknown"}

    response = party.post(path, {**form, **proof(party, method, key)}, basic(party) if method.endswith("basic") else {})

    assert (response.status_code != 401) == announced, response.content


@pytest.mark.spec("RFC 8414", "2")
@pytest.mark.parametrize("alg", ["none", "HS256", "RS256", "PS256", "ES256", "Ed25519", "EdDSA", "RS512", "HS512"])
def test_assertions_are_read_exactly_by_the_announced_algorithms(document, alg):
    by_secret = alg.startswith("HS")
    method = AuthMethod.SECRET_JWT if by_secret else AuthMethod.PRIVATE_KEY_JWT
    party, key = keyed("outil", alg, token_endpoint_auth_method=method)

    response = party.post("/oidc/revoke", {"token": "x", **proof(party, method, key, alg)}, {})

    announced = alg in document["token_endpoint_auth_signing_alg_values_supported"]
    assert (response.status_code == 200) == announced, response.content


@pytest.mark.spec("OIDC Core", "3.1.3.7")
@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "Ed25519"])
def test_id_tokens_and_userinfo_are_signed_by_every_announced_algorithm(document, browser, alg):
    assert alg in document["id_token_signing_alg_values_supported"]
    assert alg in document["userinfo_signing_alg_values_supported"]
    party = connect("outil", algorithm=alg, userinfo_signed_response_alg=alg)

    body = party.exchange(party.code(browser)).json()

    published = KeySet.import_key_set(party.http.get("/oidc/jwks").json())
    for signed in (body["id_token"], party.userinfo(body["access_token"]).content.decode()):
        assert jwt.decode(signed, published, algorithms=[alg]).header["alg"] == alg


@pytest.mark.spec("OIDC Core", "10.2")
def test_answers_are_encrypted_by_every_announced_algorithm(document, browser):
    for alg in document["id_token_encryption_alg_values_supported"]:
        for enc in document["id_token_encryption_enc_values_supported"]:
            key = RSAKey.generate_key(2048) if alg.startswith("RSA") else ECKey.generate_key("P-256")
            names = {"encrypted_response_alg": alg, "encrypted_response_enc": enc}
            party = connect(
                f"outil-{len(alg)}-{enc.lower()}",
                client_jwks={"keys": [{**key.as_dict(private=False), "use": "enc"}]},
                **{f"{answer}_{name}": value for answer in ("id_token", "userinfo") for name, value in names.items()},
            )

            body = party.exchange(party.code(browser)).json()

            assert header_of(body["id_token"])["alg"] == alg
            assert header_of(party.userinfo(body["access_token"]).content.decode())["enc"] == enc


def test_what_is_announced_for_encryption_is_what_the_hub_does(document):
    assert set(document["id_token_encryption_alg_values_supported"]) == {"RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A256KW"}
    assert set(document["id_token_encryption_enc_values_supported"]) == {"A128CBC-HS256", "A128GCM", "A256GCM"}


@pytest.mark.spec("OIDC Discovery", "3")
def test_subjects_are_of_the_announced_types(document, browser, member):
    private, shared = connect("prive"), connect("partage", subject_type="login")

    subjects = [
        party.claims(party.exchange(party.code(browser)).json()["id_token"])["sub"] for party in (private, shared)
    ]

    assert document["subject_types_supported"] == ["pairwise", "public"]
    assert subjects[0] != member.login
    assert subjects[1] == member.login


@pytest.mark.spec("OIDC Back-Channel Logout", "2.1")
def test_id_tokens_hold_no_claim_that_is_not_announced(document, wiki, browser):
    body = wiki.exchange(wiki.code(browser)).json()

    assert set(wiki.claims(body["id_token"])) <= set(document["claims_supported"])
    assert "sid" in wiki.claims(body["id_token"])


# Helpers -------------------------------------------------------------------------------------------------------


def keyed(slug: str, alg: str, **properties: object):
    """A tool with a key pair for this algorithm."""
    if alg in ("Ed25519", "EdDSA"):
        key = OKPKey.generate_key("Ed25519")
    elif alg.startswith("ES"):
        key = ECKey.generate_key("P-384" if alg == "ES384" else "P-256")
    else:
        key = RSAKey.generate_key(2048)
    return connect(slug, client_jwks={"keys": [key.as_dict(private=False)]}, **properties), key


def made(claims: dict, key, alg: str) -> str:
    """Signed by the named algorithm, also by those that nobody should accept."""
    registry = jws.JWSRegistry(algorithms=[alg])
    if alg == "none":
        head = b64encode(b'{"alg":"none"}').decode().rstrip("=")
        body = b64encode(json.dumps(claims).encode()).decode().rstrip("=").replace("+", "-").replace("/", "_")
        return f"{head}.{body}."
    if isinstance(key, str):
        key = OctKey.import_key(key)
    return jwt.encode({"alg": alg}, claims, key, registry=registry)


def proof(party: Party, method: str, key, alg: str = "") -> dict[str, str]:
    if method in ("none", "client_secret_post"):
        secret = {"client_secret": party.secret} if method != "none" else {}
        return {"client_id": party.tool.client_id, **secret}
    if method not in (AuthMethod.SECRET_JWT, AuthMethod.PRIVATE_KEY_JWT):
        return {}
    by_secret = method == AuthMethod.SECRET_JWT
    now = int(timezone.now().timestamp())
    name = party.tool.client_id
    claims = {"iss": name, "sub": name, "aud": ISSUER, "jti": f"j{now}-{alg}", "iat": now, "exp": now + 60}
    signed = made(claims, party.secret if by_secret else key, alg or ("HS256" if by_secret else "ES256"))
    return {
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": signed,
    }


def basic(party: Party) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"{party.tool.client_id}:{party.secret}".encode()).decode()}


def header_of(token: str) -> dict:
    head = token.partition(".")[0]
    return json.loads(urlsafe_b64decode(head + "=" * (-len(head) % 4)))
