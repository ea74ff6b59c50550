"""Connecting a tool from the command line."""

import json
from dataclasses import replace
from datetime import date, timedelta
from io import StringIO
from secrets import token_hex
from uuid import uuid4

import pytest
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.utils import timezone
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from audit.models import Event
from audit.types import SYSTEM, Action
from consent import selectors as consent_selectors
from consent.policy import notice_content
from consent.register import policy as register_policy
from consent.register import selectors as register
from consent.register import services as register_services
from consent.register.models import RegisterRecord
from directory.models import Collective
from idp.models import AccessToken, Grant, Tool
from idp.protocol.tokens import digest
from idp.services.purge import purge_expired
from idp.services.tools import rotate_secret
from idp.types import ToolKind
from tests.consent.ledger.leaving import leave
from tests.support.cast import FORMATION
from tests.support.oidc import Party, answer_of, connect

pytestmark = pytest.mark.django_db


def add_tool(*options: str) -> dict:
    out = StringIO()
    call_command("add_tool", "essai", "--name", "Essai", "--json", *options, stdout=out)
    return json.loads(out.getvalue())


def test_a_tool_that_came_from_another_hub_bears_the_day(db):
    add_tool("--redirect-uri", "https://essai.example/cb", "--imported-on", "2026-01-31")
    marked = Tool.objects.get(slug="essai").imported_on
    add_tool("--redirect-uri", "https://essai.example/cb")

    assert marked == date(2026, 1, 31)
    assert Tool.objects.get(slug="essai").imported_on is None


DECLARED = (
    *("--processing", "Essai", "--purpose", "Essayer.", "--retention", "un an après l’essai", "--kept-then", "delete"),
    *("--recipient-role", "internal", "--contact", "structure@x.example", "--country", "France"),
)


def without(option: str) -> tuple[str, ...]:
    place = DECLARED.index(option)
    return DECLARED[:place] + DECLARED[place + 2 :]


def test_it_prints_credentials_once_and_stores_a_digest():
    told = add_tool("--redirect-uri", "https://essai.example/cb")

    tool = Tool.objects.get()
    assert len(told["client_secret"]) == 64
    assert tool.client_secret == digest(told["client_secret"])
    assert told["issuer"] == "http://localhost:8000"
    assert add_tool("--redirect-uri", "https://essai.example/cb")["client_secret"] == ""
    assert add_tool("--redirect-uri", "https://essai.example/cb")["client_id"] == told["client_id"]
    assert Event.objects.filter(action=Action.TOOL_CREATED).count() == 1
    assert not Event.objects.filter(action=Action.TOOL_CHANGED).exists(), "nothing changed, nothing is said"


def test_what_it_prints_works(signing_key, browser):
    told = add_tool("--redirect-uri", "http://localhost:9999/callback", "--everyone", *DECLARED)
    party = Party(Tool.objects.get(), told["client_secret"])

    body = party.exchange(answer_of(party.authorize(browser))["code"]).json()

    assert party.claims(body["id_token"])["aud"] == told["client_id"]


def test_a_sheet_comes_with_its_items():
    add_tool(
        "--redirect-uri",
        "https://essai.example/cb",
        "--processing",
        "Essai",
        "--purpose",
        "Essayer.",
        "--legal-basis",
        "consent",
        "--retention",
        "un an",
        "--item",
        "name=pour l’affichage|to show it",
        "--item",
        "phone=pour appeler",
    )

    (purpose,) = consent_selectors.sheet(Tool.objects.get().pk).purposes.all()
    assert (purpose.text, purpose.legal_basis, purpose.retention) == ("Essayer.", "consent", "un an")
    assert [(item.item, item.why_en) for item in purpose.items.all()] == [("name", "to show it"), ("phone", "")]


def test_a_sheet_of_several_purposes_is_written_in_a_file(tmp_path):
    written = tmp_path / "fiche.json"
    written.write_text(json.dumps(notice_content(FORMATION)), encoding="utf-8")

    add_tool("--redirect-uri", "https://essai.example/cb", "--sheet", str(written))

    sheet = consent_selectors.sheet(Tool.objects.get().pk)
    assert sheet.notice.content == notice_content(FORMATION)
    assert [purpose.legal_basis for purpose in sheet.purposes.all()] == ["contract", "consent"]


def dry_run(*options: str) -> str:
    out = StringIO()
    call_command("add_tool", "essai", "--name", "Essai", "--dry-run", *options, stdout=out)
    return out.getvalue()


def test_a_sheet_is_tried_against_what_left_before_it_is_declared(tmp_path, member):
    written = tmp_path / "fiche.json"
    written.write_text(json.dumps(notice_content(FORMATION)), encoding="utf-8")
    assert "essai is new" in dry_run("--sheet", str(written))
    assert not Tool.objects.exists()
    add_tool("--redirect-uri", "https://essai.example/cb", "--sheet", str(written))
    leave(member, Tool.objects.get(), "name", "town", now=timezone.now(), times=3)
    events = Event.objects.count()

    said = dry_run("--sheet", str(written))

    assert "would have stopped 3 releases to essai in the last 90 days, of 1 members: town" in said
    assert consent_selectors.sheet(Tool.objects.get().pk).version == 1
    assert Event.objects.count() == events
    assert "would have stopped nothing" in dry_run(
        *("--processing", "Essai", "--purpose", "Essayer.", "--retention", "un an"),
        *("--item", "name=pour l’affichage", "--item", "town=pour l’affichage"),
    )


def test_nothing_is_tried_without_a_sheet():
    with pytest.raises(CommandError, match="give one"):
        dry_run()


@pytest.mark.parametrize(
    ("written", "options", "said"),
    [
        ("{", (), "not a readable JSON file"),
        ("{}", (), "the sheet has processing, purposes"),
        (json.dumps({"processing": "Essai", "purposes": []}), (), "no purpose is given"),
        (json.dumps(notice_content(FORMATION)), ("--processing", "Essai"), "leave --processing"),
        (json.dumps(notice_content(FORMATION)), ("--item", "name=pour l’affichage"), "--processing"),
    ],
)
def test_a_file_that_is_no_sheet_is_explained_and_nothing_is_stored(tmp_path, written, options, said):
    (tmp_path / "fiche.json").write_text(written, encoding="utf-8")

    with pytest.raises(CommandError, match=said):
        add_tool("--redirect-uri", "https://essai.example/cb", "--sheet", str(tmp_path / "fiche.json"), *options)

    assert not Tool.objects.exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "at least one"),
        (("--redirect-uri", "javascript:alert(1)"), "redirect_uris"),
        (("--redirect-uri", "http://essai.example/cb"), "outside this machine"),
        (("--redirect-uri", "https://essai.example/cb#x"), "fragment"),
        (
            ("--redirect-uri", "https://e.example/", "--backchannel-logout-uri", "JAVASCRIPT:x"),
            "backchannel_logout_uri",
        ),
        (("--redirect-uri", "https://e.example/", "--launch-url", "data:text/html,x"), "launch_url"),
        (("--redirect-uri", "https://e.example/", "--collective", "nulle-part"), "nulle-part"),
        (("--redirect-uri", "https://e.example/", "--processing", "P", "--item", "telepathy=x"), "telepathy"),
    ],
)
def test_a_wrong_property_is_named_and_nothing_is_stored(options, said):
    with pytest.raises(CommandError, match=said):
        add_tool(*options)

    assert not Tool.objects.exists()


PROCESSOR = ("--recipient-role", "processor", "--contract", "C-17", "--contract-end")


@pytest.mark.parametrize(
    ("options", "said", "missing"),
    [
        ((), "say --processing", ["processing"]),
        (without("--kept-then"), "--kept-since and --kept-then", ["period"]),
        (without("--recipient-role"), "--recipient-role", ["role"]),
        (without("--contact"), "--contact", ["contact"]),
        (without("--country"), "--country", ["country"]),
        ((*without("--country"), "--country", "Canada"), "--safeguard", ["safeguard"]),
        ((*without("--recipient-role"), *PROCESSOR, "2020-01-01"), "which is past", ["contract_over"]),
    ],
)
@pytest.mark.parametrize("let_in", [("--everyone",), ("--collective", "bureau")])
def test_no_member_gets_in_before_the_sheet_has_every_answer(options, said, missing, let_in):
    Collective.objects.create(entry_uuid=uuid4(), slug="bureau", name="Bureau")

    with pytest.raises(CommandError, match=said):
        add_tool("--redirect-uri", "https://essai.example/cb", *let_in, *options)

    assert not Tool.objects.exists()
    line = Event.objects.get()
    assert (line.action, line.refused, line.facts) == (Action.TOOL_REFUSED, True, {"missing": missing})


def test_a_tool_that_nobody_enters_yet_needs_no_sheet():
    add_tool("--redirect-uri", "https://essai.example/cb")
    add_tool("--redirect-uri", "https://essai.example/cb", "--everyone", "--state", "closed")

    assert not Tool.objects.get().is_open


def test_a_mere_link_needs_no_sheet():
    add_tool("--kind", "link", "--launch-url", "https://essai.example/", "--everyone")

    assert Tool.objects.get().is_open


def test_a_tool_that_runs_goes_on_without_the_answers():
    Tool.objects.filter(pk=connect("wiki").tool.pk).update(slug="essai")

    add_tool("--redirect-uri", "https://essai.example/cb", "--everyone")

    assert Tool.objects.get().everyone


def test_a_tool_is_opened_with_the_sheet_it_lacked():
    add_tool("--redirect-uri", "https://essai.example/cb")

    with pytest.raises(CommandError, match="say --processing"):
        call_command("open_tool", "essai", "--everyone", stdout=StringIO())
    assert not Tool.objects.get().everyone
    assert Event.objects.get(action=Action.TOOL_REFUSED).tool_id == Tool.objects.get().pk

    call_command("open_tool", "essai", "--everyone", *DECLARED, stdout=StringIO())
    assert Tool.objects.get().everyone

    call_command("open_tool", "essai", "--state", "closed", stdout=StringIO())
    call_command("open_tool", "essai", "--everyone", stdout=StringIO())
    assert Tool.objects.get().is_open, "the sheet is in force"


CALLBACK = ("--redirect-uri", "https://essai.example/cb")
BY_INTEREST = (*DECLARED, "--legal-basis", "legitimate_interest", "--item", "email=Écrire.")


def weigh() -> None:
    """What the data protection officer writes in the register."""
    row = RegisterRecord.objects.get(tool__slug="essai")
    standing = register.last(row)
    content = register_policy.content_of(standing.content)
    weighed = replace(content.purposes[0], balancing="Pesé.", balanced_on=timezone.localdate())
    register_services.change(
        of=row,
        content=replace(content, purposes=(weighed,)),
        version=standing.version,
        actor=SYSTEM,
        note="",
        now=timezone.now(),
    )


def test_a_legitimate_interest_is_weighed_before_anybody_gets_in():
    with pytest.raises(CommandError, match="weighs the legitimate interest"):
        add_tool(*CALLBACK, "--everyone", *BY_INTEREST)
    refused_for(["balancing"])
    add_tool(*CALLBACK, *BY_INTEREST)
    with pytest.raises(CommandError, match="weighs the legitimate interest"):
        call_command("open_tool", "essai", "--everyone", stdout=StringIO())

    weigh()
    call_command("open_tool", "essai", "--everyone", stdout=StringIO())

    assert Tool.objects.get().is_open


def test_a_tool_in_use_goes_on_while_a_new_interest_is_weighed_and_lets_nobody_more_in(collectives):
    add_tool(*CALLBACK, "--collective", "bureau", *DECLARED)
    add_tool(*CALLBACK, "--collective", "bureau", *BY_INTEREST)

    with pytest.raises(CommandError, match="weighs the legitimate interest"):
        add_tool(*CALLBACK, "--everyone", *BY_INTEREST)

    assert [each.slug for each in Tool.objects.get().collectives.all()] == ["bureau"]


def add_again(*options: str) -> None:
    add_tool(*CALLBACK, *options)


def open_tool(*options: str) -> None:
    call_command("open_tool", "essai", *options, stdout=StringIO())


def refused_for(missing: list[str]) -> None:
    line = Event.objects.get(action=Action.TOOL_REFUSED)
    assert (line.refused, line.facts) == (True, {"missing": missing})


def test_a_link_that_becomes_a_tool_needs_its_sheet():
    add_tool("--kind", "link", "--launch-url", "https://essai.example/", "--everyone")

    with pytest.raises(CommandError, match="say --processing"):
        add_tool(*CALLBACK, "--everyone")

    assert Tool.objects.get().kind == ToolKind.LINK
    refused_for(["processing"])


@pytest.fixture
def collectives(db) -> None:
    for slug in ("bureau", "atelier"):
        Collective.objects.create(entry_uuid=uuid4(), slug=slug, name=slug.capitalize())


@pytest.fixture
def from_before(collectives) -> Tool:
    """Open to one collective, with a sheet from before the register asked so much."""
    add_tool(*CALLBACK, *without("--country"))
    Tool.objects.get().collectives.add(Collective.objects.get(slug="bureau"))
    return Tool.objects.get()


@pytest.mark.parametrize("let_in", [("--everyone",), ("--collective", "bureau", "--collective", "atelier")])
@pytest.mark.parametrize("command", [add_again, open_tool])
def test_nobody_more_gets_in_before_the_sheet_has_every_answer(from_before, command, let_in):
    with pytest.raises(CommandError, match="--country"):
        command(*let_in)

    assert not Tool.objects.get().everyone
    assert [each.slug for each in from_before.collectives.all()] == ["bureau"]
    refused_for(["country"])


def test_a_tool_from_before_goes_on_as_it_is_or_with_fewer(from_before):
    add_tool(*CALLBACK, "--collective", "bureau")
    open_tool("--collective", "bureau")
    open_tool("--collective", "bureau", *without("--country"))
    Tool.objects.update(everyone=True)
    open_tool("--collective", "bureau", "--collective", "atelier")

    assert Tool.objects.get().collectives.count() == 2


@pytest.mark.parametrize("command", [add_again, open_tool])
def test_the_sheet_of_a_tool_in_use_never_says_less(collectives, command):
    add_tool(*CALLBACK, "--collective", "bureau", *DECLARED)

    with pytest.raises(CommandError, match="--contact"):
        command("--collective", "bureau", *without("--contact"))

    tool = Tool.objects.get()
    assert register.missing_to_open(tool.pk, today=timezone.localdate()) == []
    refused_for(["contact"])


def test_the_sheet_of_a_closed_tool_may_be_poorer_until_it_opens(collectives):
    add_tool(*CALLBACK, "--collective", "bureau", *DECLARED)

    add_tool(*CALLBACK, "--collective", "bureau", "--state", "closed", *without("--contact"))
    with pytest.raises(CommandError, match="--contact"):
        open_tool("--collective", "bureau")

    assert not Tool.objects.get().is_open


PROCESSING = ("--processing", "Essai", "--purpose", "Essayer.", "--retention", "un an")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (PROCESSING[:2], "purpose is empty.*needs --purpose and --retention"),
        (PROCESSING[:4], "retention is empty.*needs --purpose and --retention"),
        ((*PROCESSING, "--item", "name"), "no reason given for: name.*CODE=WHY"),
        ((*PROCESSING, "--item", "name= |to show it"), "no reason given for: name.*CODE=WHY"),
        ((*PROCESSING, "--item", "name=a", "--item", "name=b"), "declared twice"),
        (("--item", "name=pour l’affichage"), "--processing"),
        (PROCESSING[2:], "--processing"),
        (("--processing", "", "--item", "name=pour l’affichage"), "--processing"),
    ],
)
def test_a_sheet_that_cannot_be_declared_is_explained_and_nothing_is_stored(options, said):
    with pytest.raises(CommandError, match=said):
        add_tool("--redirect-uri", "https://essai.example/cb", *options)

    assert not Tool.objects.exists()
    assert not Event.objects.exists()


def test_an_old_secret_works_until_its_end(wiki, browser):
    Tool.objects.update(
        previous_client_secret=digest("old"), previous_client_secret_until=timezone.now() + timedelta(hours=1)
    )
    old = Party(Tool.objects.get(), "old", verifier=wiki.verifier)
    assert old.exchange(wiki.code(browser)).status_code == 200

    Tool.objects.update(previous_client_secret_until=timezone.now())

    assert old.exchange(wiki.code(browser)).status_code == 401


def test_a_tool_on_trial_may_send_its_secret_either_way(wiki, browser):
    Tool.objects.update(token_endpoint_auth_method="client_secret")
    form = {"client_id": wiki.tool.client_id, "client_secret": wiki.secret}

    assert wiki.exchange(wiki.code(browser)).status_code == 200
    assert wiki.exchange(wiki.code(browser), headers={}, **form).status_code == 200
    assert wiki.exchange(wiki.code(browser), headers={}, client_id=wiki.tool.client_id).status_code == 401


def test_what_expired_is_purged_and_nothing_else(wiki, browser):
    wiki.exchange(wiki.code(browser))
    assert purge_expired(now=timezone.now()) == 0

    later = timezone.now() + timedelta(days=60)
    assert purge_expired(now=later) > 0

    assert not AccessToken.objects.exists()
    assert not Grant.objects.exists()
    assert not Session.objects.exists()
    assert Event.objects.exists(), "the journal is not a cache"


# What a tool may be --------------------------------------------------------------------------------------------


KEYS = {"keys": [ECKey.generate_key("P-256").as_dict(private=False)]}
FAPI = {
    "security_profile": "fapi2",
    "token_endpoint_auth_method": "private_key_jwt",
    "client_jwks": KEYS,
    "dpop_bound_access_tokens": True,
    "algorithm": "ES256",
}


@pytest.mark.parametrize(
    ("properties", "field"),
    [
        ({"client_jwks": KEYS, "client_jwks_uri": "https://t.example/jwks"}, "client_jwks_uri"),
        ({"client_jwks_uri": "http://t.example/jwks"}, "client_jwks_uri"),
        ({"client_jwks": {"keys": []}}, "client_jwks"),
        ({"client_jwks": {"keys": [ECKey.generate_key("P-256").as_dict(private=True)]}}, "client_jwks"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "client_jwks"),
        ({"token_endpoint_auth_method": "self_signed_tls_client_auth"}, "client_jwks"),
        ({"require_signed_request_object": True}, "client_jwks"),
        ({"token_endpoint_auth_method": "tls_client_auth"}, "tls_client_auth_subject_dn"),
        (
            {
                "token_endpoint_auth_method": "tls_client_auth",
                "tls_client_auth_subject_dn": "CN=t",
                "tls_client_auth_san_dns": "t.example",
            },
            "tls_client_auth_subject_dn",
        ),
        ({"tls_client_auth_san_dns": "t.example"}, "tls_client_auth_san_dns"),
        ({"grant_types": "authorization_code password"}, "grant_types"),
        ({"grant_types": "authorization_code refresh_token"}, "grant_types"),
        ({"grant_types": ""}, "grant_types"),
        (
            {"grant_types": "authorization_code client_credentials", "token_endpoint_auth_method": "none"},
            "grant_types",
        ),
        ({"refresh_grace_seconds": 3600}, "refresh_grace_seconds"),
        ({"id_token_encrypted_response_alg": "RSA-OAEP-256"}, "id_token_encrypted_response_alg"),
        ({"id_token_encrypted_response_alg": "RSA1_5", "client_jwks": KEYS}, "id_token_encrypted_response_alg"),
        ({"userinfo_encrypted_response_enc": "A256GCM", "client_jwks": KEYS}, "userinfo_encrypted_response_enc"),
        ({"algorithm": "HS256"}, "algorithm"),
        ({"algorithm": "none"}, "algorithm"),
        ({"authorization_signed_response_alg": "HS256"}, "authorization_signed_response_alg"),
        ({"resources": "https://api.example/#x"}, "resources"),
        ({"resources": "api"}, "resources"),
        ({"resources": "https://api.example/ JAVASCRIPT:x"}, "resources"),
        ({"resource_identifier": "/api"}, "resource_identifier"),
        ({"required_acr": "gold"}, "required_acr"),
        ({"logo_uri": "JavaScript:alert(1)"}, "logo_uri"),
        ({"frontchannel_logout_uri": "https://elsewhere.example/out"}, "frontchannel_logout_uri"),
        ({**FAPI, "token_endpoint_auth_method": "client_secret_basic"}, "token_endpoint_auth_method"),
        ({**FAPI, "token_endpoint_auth_method": "none"}, "token_endpoint_auth_method"),
        ({**FAPI, "dpop_bound_access_tokens": False}, "dpop_bound_access_tokens"),
        ({**FAPI, "algorithm": "RS256"}, "algorithm"),
        ({**FAPI, "userinfo_signed_response_alg": "RS256"}, "userinfo_signed_response_alg"),
        ({**FAPI, "grant_types": "authorization_code urn:ietf:params:oauth:grant-type:device_code"}, "grant_types"),
    ],
)
def test_properties_that_do_not_fit_together_are_named(properties, field):
    with pytest.raises(ValidationError) as told:
        connect("essai", **properties)

    assert field in told.value.message_dict
    assert not Tool.objects.exists()


@pytest.mark.parametrize(
    "properties",
    [
        FAPI,
        {**FAPI, "security_profile": "fapi2_signed"},
        {"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_dns": "t.example"},
        {"client_jwks_uri": "https://t.example/jwks", "token_endpoint_auth_method": "private_key_jwt"},
        {"resources": "https://api.example/v1 urn:example:api", "resource_identifier": "https://t.example/"},
        {
            "id_token_encrypted_response_alg": "ECDH-ES",
            "id_token_encrypted_response_enc": "A128GCM",
            "client_jwks": KEYS,
        },
    ],
)
def test_properties_that_fit_together_are_stored(properties):
    tool = connect("essai", **properties).tool

    assert all(getattr(Tool.objects.get(pk=tool.pk), name) == value for name, value in properties.items())


def test_a_tool_without_a_browsers_grant_needs_no_address():
    add_tool("--grant", "client-credentials")

    assert Tool.objects.get().grant_type_list == ("client_credentials",)


def test_two_tools_cannot_be_one_resource():
    connect("api", resource_identifier="https://api.example/")

    with pytest.raises(ValidationError, match="another tool is this resource"):
        connect("faux", resource_identifier="https://api.example/")


def test_every_property_of_the_protocol_has_its_option(tmp_path):
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps(KEYS))

    add_tool(
        *("--redirect-uri", "https://essai.example/cb", "--auth-method", "private_key_jwt", "--jwks", str(path)),
        *("--profile", "fapi2", "--pushed-requests-only", "--signed-requests-only", "--default-max-age", "60"),
        *("--required-acr", "2", "--id-token-alg", "ES256", "--userinfo-alg", "PS256", "--introspection-alg", "ES256"),
        *(
            "--answer-alg",
            "ES256",
            "--access-token-format",
            "jwt",
            "--resource-identifier",
            "https://essai.example/api",
        ),
        *("--resource", "https://a.example/", "--resource", "https://b.example/", "--dpop-bound"),
        *("--frontchannel-logout-uri", "https://essai.example/out", "--session-iframe"),
        *("--userinfo-encryption-alg", "ECDH-ES", "--userinfo-encryption-enc", "A128GCM"),
        *("--client-uri", "https://essai.example/", "--technical-contact", "admin@essai.example"),
        *("--grant", "code", "--grant", "client-credentials"),
    )

    tool = Tool.objects.get()
    assert tool.grant_type_list == ("authorization_code", "client_credentials")
    assert tool.resource_list == ("https://a.example/", "https://b.example/")
    assert (tool.default_max_age, tool.required_acr, tool.algorithm) == (60, "2", "ES256")
    assert tool.client_jwks == KEYS
    assert tool.dpop_bound_access_tokens
    assert tool.session_iframe


# Secrets -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "client_secret", "client_secret_jwt"])
def test_a_short_secret_is_not_imported(method):
    with pytest.raises(CommandError, match="shorter than 32"):
        add_tool("--redirect-uri", "https://e.example/", "--auth-method", method, "--client-secret", "x" * 31)

    assert (
        add_tool(*("--redirect-uri", "https://e.example/", "--auth-method", method, "--client-secret", "x" * 32))[
            "client_secret"
        ]
        == "x" * 32
    )


def test_a_second_run_says_that_the_secret_was_kept():
    first = add_tool("--redirect-uri", "https://essai.example/cb")
    second = add_tool("--redirect-uri", "https://essai.example/cb")

    assert (first["client_secret_kept"], second["client_secret_kept"]) == (False, True)
    assert second["client_secret"] == ""


@pytest.mark.spec("RFC 6749", "2.3.1")
def test_a_rotated_secret_works_beside_the_old_one_until_the_overlap_ends(wiki, browser):
    out = StringIO()
    call_command("rotate_secret", "wiki", "--overlap-hours", "1", "--json", stdout=out)
    fresh = json.loads(out.getvalue())["client_secret"]
    parties = [Party(Tool.objects.get(), secret, verifier=wiki.verifier) for secret in (fresh, wiki.secret)]

    assert [party.exchange(wiki.code(browser)).status_code for party in parties] == [200, 200]

    Tool.objects.update(previous_client_secret_until=timezone.now())
    assert [party.exchange(wiki.code(browser)).status_code for party in parties] == [200, 401]
    line = Event.objects.get(action=Action.SECRET_ROTATED)
    assert line.facts == {"overlap_minutes": 60}


def test_without_overlap_the_old_secret_ends_at_once(wiki, browser):
    call_command("rotate_secret", "wiki", "--overlap-hours", "0", stdout=StringIO())

    assert wiki.exchange(wiki.code(browser)).status_code == 401


@pytest.mark.spec("RFC 7523", "2.2")
def test_a_sealed_secret_rotates_with_overlap_too(signing_key, browser):
    party = connect("scelle", token_endpoint_auth_method="client_secret_jwt")
    fresh = rotate_secret(slug="scelle", actor=SYSTEM, now=timezone.now(), overlap=timedelta(hours=1))

    def status(secret: str) -> int:
        return party.exchange(party.code(browser), headers={}, **assertion(party, secret)).status_code

    assert [status(fresh), status(party.secret)] == [200, 200]
    Tool.objects.update(previous_client_secret_until=timezone.now())
    assert [status(fresh), status(party.secret)] == [200, 401]


def test_a_tool_that_leaves_assertions_for_a_header_keeps_its_secret(signing_key, browser):
    sealed = connect("scelle", token_endpoint_auth_method="client_secret_jwt")

    plain = connect("scelle", token_endpoint_auth_method="client_secret_basic")

    assert plain.secret == ""
    party = Party(plain.tool, sealed.secret)
    assert party.exchange(party.code(browser)).status_code == 200
    assert Tool.objects.get().sealed_client_secret is None


@pytest.mark.parametrize("method", ["none", "private_key_jwt"])
def test_a_tool_without_a_secret_has_none_to_rotate(method):
    connect("essai", token_endpoint_auth_method=method, client_jwks=KEYS)

    with pytest.raises(CommandError, match="without one"):
        call_command("rotate_secret", "essai", stdout=StringIO())


@pytest.mark.parametrize("hours", ["-1", "10000"])
def test_an_overlap_has_an_end(wiki, hours):
    with pytest.raises(CommandError, match="30 days"):
        call_command("rotate_secret", "wiki", f"--overlap-hours={hours}", stdout=StringIO())


def test_unknown_tools_are_said_to_be_so(db):
    for command, options in (
        ("rotate_secret", ()),
        ("open_tool", ("--everyone",)),
        ("pair_tools", ("autre", "--end")),
    ):
        with pytest.raises(CommandError, match="no tool"):
            call_command(command, "personne", *options, stdout=StringIO())


# Looking and opening -------------------------------------------------------------------------------------------


def test_the_list_warns_of_what_was_relaxed(signing_key):
    connect("ancien", pkce_required=False, token_endpoint_auth_method="client_secret", subject_type="login")
    connect("neuf")
    connect("mobile", pkce_required=False, token_endpoint_auth_method="none")
    connect("passerelle", token_endpoint_auth_method="tls_client_auth", tls_client_auth_san_dns="p.example")
    rotate_secret(slug="neuf", actor=SYSTEM, now=timezone.now(), overlap=timedelta(hours=1))
    listed, text = StringIO(), StringIO()

    call_command("list_tools", "--json", stdout=listed)
    call_command("list_tools", stdout=text)

    warnings = {each["slug"]: each["warnings"] for each in json.loads(listed.getvalue())}
    assert warnings == {
        "ancien": ["no_pkce", "any_secret", "shared_login"],
        "mobile": [],
        "neuf": ["old_secret"],
        "passerelle": ["no_certificates"],
    }
    assert "! PKCE is not required of it" in text.getvalue()
    assert 'secret":' not in listed.getvalue()


def test_a_plain_link_is_listed_without_a_way_of_proving_itself():
    call_command("add_tool", "forum", "--name", "Forum", "--kind", "link", stdout=StringIO())
    listed, text = StringIO(), StringIO()

    call_command("list_tools", "--json", stdout=listed)
    call_command("list_tools", stdout=text)

    assert [each["token_endpoint_auth_method"] for each in json.loads(listed.getvalue())] == [""]
    assert text.getvalue() == "forum (Forum): link, open\n"


def test_adding_a_relaxed_tool_warns_at_once():
    assert add_tool("--redirect-uri", "https://e.example/", "--no-pkce")["warnings"] == ["no_pkce"]


def test_closing_a_tool_is_noticed_by_the_next_use_of_its_tokens(wiki, browser):
    body = wiki.exchange(wiki.code(browser)).json()
    assert wiki.userinfo(body["access_token"]).status_code == 200

    call_command("open_tool", "wiki", "--state", "closed", stdout=StringIO())

    assert wiki.userinfo(body["access_token"]).status_code == 401
    line = Event.objects.filter(action=Action.TOOL_CHANGED, reason="access").get()
    changes = {"state": ["open", "closed"], "everyone": ["true", "false"]}
    access = {"state": "closed", "everyone": False, "collectives": 0}
    assert line.facts == {**access, "properties": ["everyone", "state"], "changes": changes}


def assertion(party: Party, secret: str) -> dict[str, str]:
    now, name = int(timezone.now().timestamp()), party.tool.client_id
    claims = {
        "iss": name,
        "sub": name,
        "aud": "http://localhost:8000",
        "jti": token_hex(8),
        "iat": now,
        "exp": now + 60,
    }
    return {
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(secret), algorithms=["HS256"]),
        "client_id": name,
    }


@pytest.mark.spec("OIDC Session Management", "3.2")
@pytest.mark.parametrize("client_id", ["deux mots", "accentué", "", "x" * 101, "ligne\n"])
def test_a_client_id_that_other_endpoints_could_not_carry_is_refused(client_id):
    with pytest.raises(ValidationError) as refused:
        connect("essai", client_id=client_id)

    assert "client_id" in refused.value.message_dict
    assert not Tool.objects.exists()
