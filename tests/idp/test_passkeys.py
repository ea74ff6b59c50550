"""Passkeys: added, used to enter, as a second step and to confirm, removed; and every answer that must be refused."""

import json
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.models import Event
from audit.types import Action
from demo.slapd import EmbeddedDirectory
from directory.models import Member
from directory.types import Hold, MemberState
from idp.models import HubSession
from idp.services import refusals
from idp.services.accounts import mails
from idp.signin import passkeys
from tests.support.oidc import connect
from tests.support.passkeys import (
    BITWARDEN,
    Passkey,
    add,
    ask_to_enter,
    b64,
    confirm,
    enter,
    options_in,
    post_to_enter,
    unb64,
)
from tests.support.signin import (
    NOEMIE,
    NOEMIE_PASSWORD,
    WRONG,
    Enrol,
    confirm_password,
    totp,
    try_to_sign_in,
)

pytestmark = pytest.mark.django_db
WEBAUTHN = "Web Authentication"


@pytest.fixture(autouse=True)
def _fresh_counts() -> Any:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def inside(client: Client, noemie: Member) -> Client:
    """Noémie, signed in with her password and confirmed a moment ago."""
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)
    confirm_password(client, NOEMIE_PASSWORD)
    return client


@pytest.fixture
def phone(inside: Client) -> Passkey:
    """Noémie's passkey; her browser is signed in."""
    passkey = Passkey()
    assert add(inside, passkey, "Téléphone").status_code == 302
    return passkey


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def level() -> tuple[list[str], str]:
    session = HubSession.objects.latest("started_at")
    return session.methods, session.acr


def last_refusal() -> tuple[str, str]:
    line = Event.objects.filter(action=Action.SIGN_IN_REFUSED).latest("id")
    return line.reason, line.facts["step"]


def age(client: Client, seconds: int = 600) -> None:
    """Everything this browser proved was that much earlier."""
    session = client.session
    for record in session["account_authentication_methods"]:
        record["at"] -= seconds
    session.save()
    for factor in Authenticator.objects.all():
        Authenticator.objects.filter(pk=factor.pk).update(created_at=factor.created_at - timedelta(seconds=2 * seconds))


# Adding --------------------------------------------------------------------------------------------------------


@pytest.mark.spec("NIST SP 800-63B-4", "13")
def test_a_passkey_is_asked_to_be_discoverable_and_to_verify_its_holder(inside: Client, noemie: Member) -> None:
    options = options_in(inside.get(reverse("mfa_add_webauthn")))

    assert options["authenticatorSelection"] == {
        "residentKey": "required",
        "requireResidentKey": True,
        "userVerification": "required",
    }
    assert options["rp"]["id"] == "localhost"
    assert unb64(options["user"]["id"]) == noemie.pk.hex.encode()
    assert noemie.email not in json.dumps(options)


def test_the_relying_party_is_the_configured_host_whatever_the_request_says(inside: Client) -> None:
    page = inside.get(reverse("mfa_add_webauthn"), headers={"host": "testserver"})

    assert options_in(page)["rp"]["id"] == "localhost"


@pytest.mark.spec("ANSSI MFA", "R9")
def test_adding_a_passkey_is_two_factors_brings_codes_and_is_noted(inside: Client, noemie: Member) -> None:
    answer = add(inside, Passkey(), "Téléphone")

    assert answer["Location"] == reverse("mfa_view_recovery_codes")
    assert level() == (["pwd", "hwk", "user", "mfa"], "2")
    added = Event.objects.about(noemie.pk).filter(action=Action.FACTOR_ADDED).values_list("facts", flat=True)
    assert sorted(facts["factor"] for facts in added) == ["recovery_codes", "webauthn"]
    page = inside.get(reverse("mfa_index")).content.decode()
    assert "Téléphone" in page
    assert "pas encore utilisée" in page


@pytest.mark.spec("NIST SP 800-63B-4", "15")
@pytest.mark.spec("OWASP ASVS", "6.3.7")
def test_the_member_is_told_by_mail_of_a_passkey_added_and_removed(
    inside: Client, noemie: Member, phone: Passkey
) -> None:
    inside.post(reverse("mfa_remove_webauthn", args=[Authenticator.objects.get(type="webauthn").pk]))
    mails.send_due(now=timezone.now())

    assert [message.to for message in mail.outbox] == [[noemie.email]] * 2
    assert [message.subject for message in mail.outbox] == [
        "Clé d’accès ajoutée",
        "Clé d’accès retirée",
    ]


def test_a_mail_about_a_factor_is_in_the_members_language_and_names_the_browser(
    inside: Client, noemie: Member, phone: Passkey
) -> None:
    Member.objects.filter(pk=noemie.pk).update(language="en")
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0"
    which = Authenticator.objects.get(type="webauthn").pk
    inside.post(reverse("mfa_remove_webauthn", args=[which]), headers={"user-agent": agent, "accept-language": "fr"})
    mails.send_due(now=timezone.now())

    told = mail.outbox[-1]
    assert told.subject == "Passkey removed"
    assert "Firefox, Linux" in told.body
    assert "Mozilla" not in told.body


@pytest.mark.parametrize(
    ("model", "agent", "name"),
    [
        (BITWARDEN, "", "Bitwarden"),
        (bytes(16), "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0", "Firefox, Linux"),
        (bytes(16), "x" * 5000, "Clé d’accès"),
    ],
)
def test_without_a_name_it_gets_one_to_be_recognised_by(inside: Client, model: bytes, agent: str, name: str) -> None:
    add(inside, Passkey(model=model), headers={"user-agent": agent})
    add(inside, Passkey(model=model), headers={"user-agent": agent})

    names = [row.data["name"] for row in Authenticator.objects.filter(type="webauthn").order_by("pk")]
    assert names == [name, f"{name} 2"]


def test_what_is_kept_is_what_is_needed(inside: Client) -> None:
    passkey = Passkey(synced=True)
    options = options_in(inside.get(reverse("mfa_add_webauthn")))
    posted = passkey.register(options) | {"canari": "more"}
    posted["response"] |= {"canari": "more", "transports": ["internal", 7, {}]}

    inside.post(reverse("mfa_add_webauthn"), {"credential": json.dumps(posted)})

    data = Authenticator.objects.get(type="webauthn").data
    assert "canari" not in json.dumps(data)
    assert data["credential"]["response"]["transports"] == ["internal"]
    assert (data["synced"], data["sign_count"]) == (True, 0)


@pytest.mark.incident("GHSA-8g9r-9wjw-37j4")
@pytest.mark.spec("OWASP ASVS", "7.5.1")
def test_every_change_of_factors_asks_for_fresh_proof(inside: Client, phone: Passkey) -> None:
    own = Authenticator.objects.get(type="webauthn").pk
    addresses = [
        reverse(name, args=args)
        for name, args in [
            ("mfa_add_webauthn", []),
            ("mfa_edit_webauthn", [own]),
            ("mfa_remove_webauthn", [own]),
            ("mfa_activate_totp", []),
            ("mfa_generate_recovery_codes", []),
            ("mfa_view_recovery_codes", []),
            ("mfa_download_recovery_codes", []),
        ]
    ]
    age(inside)
    before = list(Authenticator.objects.values_list("pk", "data"))

    for address in addresses:
        for answer in (inside.get(address), inside.post(address, {"name": "x", "credential": "{}"})):
            assert answer.status_code == 302, address
            assert answer["Location"].startswith(reverse("mfa_reauthenticate_webauthn")), address
    # The password alone is half of it.
    confirm_password(inside, NOEMIE_PASSWORD)
    assert inside.get(addresses[0])["Location"].startswith(reverse("mfa_reauthenticate_webauthn"))

    assert list(Authenticator.objects.values_list("pk", "data")) == before
    confirm(inside, phone)
    assert inside.get(addresses[0]).status_code == 200


def test_strangers_are_asked_who_they_are(client: Client, db: None) -> None:
    for name, args in [("mfa_add_webauthn", []), ("mfa_edit_webauthn", [1]), ("mfa_choose", []), ("mfa_index", [])]:
        assert client.get(reverse(name, args=args))["Location"].startswith(reverse("account_login"))


def test_nobody_touches_the_passkey_of_somebody_else(inside: Client, karim: Member) -> None:
    passkey = Passkey()
    other = Authenticator.objects.create(user=karim, type="webauthn", data={"name": "Karim", "credential": {}})

    for name in ("mfa_edit_webauthn", "mfa_remove_webauthn"):
        assert inside.get(reverse(name, args=[other.pk])).status_code == 404
        assert inside.post(reverse(name, args=[other.pk]), {"name": "pris"}).status_code == 404

    other.refresh_from_db()
    assert other.data["name"] == "Karim"
    assert passkey.counter == 0


def test_a_passkey_is_renamed(inside: Client, phone: Passkey, noemie: Member) -> None:
    own = Authenticator.objects.get(type="webauthn")

    inside.post(reverse("mfa_edit_webauthn", args=[own.pk]), {"name": "Ordinateur <b>"})

    page = inside.get(reverse("mfa_index")).content.decode()
    assert "Ordinateur &lt;b&gt;" in page
    assert Event.objects.get(action=Action.FACTOR_RENAMED).facts == {"factor": "webauthn"}


def test_a_passkey_that_somebody_has_already_is_not_added_again(inside: Client, phone: Passkey) -> None:
    options = options_in(inside.get(reverse("mfa_add_webauthn")))
    assert [each["id"] for each in options["excludeCredentials"]] == [b64(phone.number)]

    answer = inside.post(reverse("mfa_add_webauthn"), {"credential": json.dumps(phone.register(options))})

    assert answer.status_code == 200
    assert last_refusal() == ("passkey_known", "passkey")
    assert Authenticator.objects.filter(type="webauthn").count() == 1


def test_there_is_an_end_to_how_many(inside: Client, phone: Passkey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passkeys, "MAX_PASSKEYS", 1)

    add(inside, Passkey())

    assert last_refusal() == ("passkey_many", "passkey")


# Entering ------------------------------------------------------------------------------------------------------


@pytest.mark.spec("OWASP ASVS", "6.3.3")
@pytest.mark.spec("OWASP ASVS", "7.2.4")
@pytest.mark.spec("ANSSI MFA", "R39")
@pytest.mark.parametrize(("synced", "kind"), [(False, "hwk"), (True, "swk")])
def test_a_passkey_alone_is_two_factors_and_says_so(inside: Client, noemie: Member, synced: bool, kind: str) -> None:
    passkey = Passkey(synced=synced)
    add(inside, passkey)
    browser = Client()
    asked = timezone.now()
    options = ask_to_enter(browser)
    planted = browser.session.session_key

    answer = post_to_enter(browser, passkey.sign(options), next="/mes-donnees/")

    assert "allowCredentials" not in options
    assert answer["Location"] == "/mes-donnees/"
    session = HubSession.objects.latest("started_at")
    assert (session.member, session.methods, session.acr) == (noemie, [kind, "user", "mfa"], "2")
    assert session.auth_time >= asked
    assert browser.session.session_key != planted
    line = Event.objects.filter(action=Action.SIGN_IN).latest("id")
    assert (line.subject_id, line.facts) == (noemie.pk, {"methods": [kind, "user", "mfa"]})
    assert Authenticator.objects.get(type="webauthn").last_used_at is not None


@pytest.mark.spec("NIST SP 800-63B-4", "10")
@pytest.mark.spec("OWASP ASVS", "6.5.1")
def test_an_answer_serves_once(phone: Passkey) -> None:
    browser = Client()
    answer = phone.sign(ask_to_enter(browser))
    post_to_enter(browser, answer)
    browser.post(reverse("idp:sign_out"))

    post_to_enter(browser, answer)

    assert not is_in(browser)
    assert last_refusal() == ("passkey_challenge", "passkey")


def test_a_refused_answer_spends_its_challenge(phone: Passkey) -> None:
    browser = Client()
    options = ask_to_enter(browser)
    post_to_enter(browser, phone.sign(options, signature=b"no"))

    post_to_enter(browser, phone.sign(options))

    assert not is_in(browser)
    assert last_refusal()[0] == "passkey_challenge"


def test_a_challenge_belongs_to_one_browser(phone: Passkey) -> None:
    browser, other = Client(), Client()
    ask_to_enter(other)

    post_to_enter(other, phone.sign(ask_to_enter(browser)))

    assert not is_in(other)
    assert last_refusal()[0] == "passkey_challenge"


def test_a_challenge_is_over_after_minutes(phone: Passkey, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = Client()
    options = ask_to_enter(browser)
    monkeypatch.setattr(passkeys, "GOOD_FOR", timedelta(seconds=-1))

    post_to_enter(browser, phone.sign(options))

    assert not is_in(browser)
    assert last_refusal()[0] == "passkey_challenge"


def test_a_challenge_to_confirm_does_not_enter(inside: Client, phone: Passkey) -> None:
    """And the other way round: each is for what its page said."""
    options = options_in(inside.get(reverse("mfa_reauthenticate_webauthn")))
    stolen = Client()
    stolen.cookies = inside.cookies.copy()
    HubSession.objects.update(ended_at=timezone.now())

    post_to_enter(stolen, phone.sign(options))

    assert HubSession.objects.filter(ended_at=None).count() == 0
    assert last_refusal()[0] == "passkey_challenge"


@pytest.mark.incident("kanidm, origin of a passkey")
@pytest.mark.spec(WEBAUTHN, "7.2")
@pytest.mark.parametrize(
    "origin",
    [
        "http://evillocalhost:8000",
        "http://evil.localhost:8000",
        "http://localhost:8001",
        "https://localhost:8000",
        "http://localhost",
        "http://localhost:8000/",
        "HTTP://LOCALHOST:8000",
        "null",
        "",
        None,
        {"a": 1},
        ["http://localhost:8000"],
    ],
)
def test_the_origin_is_this_one_and_not_one_that_looks_like_it(phone: Passkey, origin: Any) -> None:
    phone.origin = origin
    browser = Client()

    enter(browser, phone)

    assert not is_in(browser)
    assert last_refusal()[0] == "passkey_origin"


@pytest.mark.incident("kanidm, origin of a passkey")
@pytest.mark.parametrize(
    ("origin", "ours"),
    [
        ("https://hub.test", True),
        ("https://evilhub.test", False),
        ("https://www.hub.test", False),
        ("https://hub.test.evil.example", False),
        ("http://hub.test", False),
        ("http://localhost", False),
        ("http://localhost:8000", False),
        ("https://hub.test:8443", False),
    ],
)
def test_localhost_is_an_origin_only_where_it_is_the_configured_one(settings: Any, origin: str, ours: bool) -> None:
    settings.ORIGIN = "https://hub.test"

    assert passkeys.is_our_origin(origin) is ours


BENT: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "another site's relying party": ({"rp_id": "evil.test"}, {}, "passkey_invalid"),
    "no PIN and no finger": ({"verified": False}, {}, "passkey_unverified"),
    "in a frame of another site": ({"cross_origin": True}, {}, "passkey_origin"),
    "in a frame, said oddly": ({"cross_origin": "false"}, {}, "passkey_origin"),
    "an answer to adding": ({}, {"type": "webauthn.create"}, "passkey_invalid"),
    "a forged signature": ({}, {"signature": b"\x30\x06\x02\x01\x01\x02\x01\x01"}, "passkey_invalid"),
    "an empty signature": ({}, {"signature": b""}, "passkey_invalid"),
}


@pytest.mark.spec(WEBAUTHN, "7.2")
@pytest.mark.parametrize("case", BENT)
def test_an_answer_that_is_not_right_in_every_part_opens_nothing(phone: Passkey, case: str) -> None:
    properties, bent, reason = BENT[case]
    for name, value in properties.items():
        setattr(phone, name, value)
    browser = Client()

    answer = post_to_enter(browser, phone.sign(ask_to_enter(browser), **bent), next="/mes-donnees/")

    assert answer["Location"] == f"{reverse('account_login')}?next=%2Fmes-donnees%2F"
    assert not is_in(browser)
    assert last_refusal() == (reason, "passkey")
    assert "Cette clé d’accès ne convient pas." in browser.get(answer["Location"]).content.decode()


def test_a_signature_by_another_key_under_the_same_number_opens_nothing(phone: Passkey) -> None:
    forged = Passkey(number=phone.number, user_handle=phone.user_handle)
    browser = Client()

    enter(browser, forged)

    assert not is_in(browser)
    assert last_refusal()[0] == "passkey_invalid"


@pytest.mark.parametrize("handle", [b"", b"\xff", b"0" * 32, b"x" * 3000])
def test_a_handle_of_nobody_opens_nothing(phone: Passkey, handle: bytes) -> None:
    phone.user_handle = handle
    browser = Client()

    enter(browser, phone)

    assert not is_in(browser)
    assert last_refusal()[0] == "passkey_unknown"


def test_a_passkey_of_one_member_does_not_open_another_ones_account(
    phone: Passkey, karim: Member, noemie: Member
) -> None:
    phone.user_handle = karim.pk.hex.encode()
    browser = Client()

    enter(browser, phone)

    assert not is_in(browser)
    line = Event.objects.filter(action=Action.SIGN_IN_REFUSED).latest("id")
    assert (line.reason, line.subject_id) == ("passkey_unknown", karim.pk)


def malformed() -> dict[str, Any]:
    """Bodies that no browser makes, by name; a callable bends a real answer."""

    def without(*names: str) -> Any:
        return lambda answer: {name: part for name, part in answer.items() if name not in names}

    def response(**changes: Any) -> Any:
        return lambda answer: answer | {"response": {**answer["response"], **changes}}

    return {
        "nothing": "",
        "no JSON": "{",
        "a number": "7",
        "a list": "[]",
        "null": "null",
        "deep": "[" * 9_999 + "]" * 9_999,
        "a huge number": "1" * 10_000,
        "huge": '"' + "x" * 200_000 + '"',
        "NUL": "\x00",
        "an empty object": {},
        "without a number": without("id"),
        "without a raw number": without("rawId"),
        "without an answer": without("response"),
        "without a type": without("type"),
        "an answer that is a list": lambda answer: answer | {"response": []},
        "another number": lambda answer: answer | {"id": "AAAA"},
        "a number of bytes": lambda answer: answer | {"id": 10**12, "rawId": 10**12},
        "a number as a list": lambda answer: answer | {"id": [1], "rawId": [1]},
        "a signature of so many bytes": response(signature=10**12),
        "a handle of so many bytes": response(userHandle=10**12),
        "data of so many bytes": response(authenticatorData=10**12),
        "data that is cut": response(authenticatorData="AAAA"),
        "data that is no base64": response(authenticatorData="é"),
        "client data that is null": response(clientDataJSON=None),
        "client data that is a list": response(clientDataJSON=b64(b"[]")),
        "client data without anything": response(clientDataJSON=b64(b"{}")),
        "client data that is no text": response(clientDataJSON=b64(b"\xff\xfe")),
        "a challenge that is a number": response(
            clientDataJSON=b64(b'{"type":"webauthn.get","challenge":100000000000,"origin":"http://localhost:8000"}')
        ),
    }


@pytest.mark.incident("CVE-2026-49443", "CVE-2026-54730")
@pytest.mark.parametrize("case", malformed())
def test_what_is_no_answer_is_refused_calmly_everywhere(inside: Client, phone: Passkey, case: str) -> None:
    bend = malformed()[case]

    def body(options: dict[str, Any]) -> str:
        bent = bend(phone.sign(options)) if callable(bend) else bend
        return bent if isinstance(bent, str) else json.dumps(bent)

    stranger, half_way = Client(), Client()
    try_to_sign_in(half_way, NOEMIE, NOEMIE_PASSWORD)
    entering = post_to_enter(stranger, body(ask_to_enter(stranger)))
    stepping = half_way.post(
        reverse("mfa_authenticate"), {"credential": body(options_in(half_way.get(reverse("mfa_authenticate"))))}
    )
    confirming = inside.post(
        reverse("mfa_reauthenticate_webauthn"),
        {"credential": body(options_in(inside.get(reverse("mfa_reauthenticate_webauthn"))))},
    )

    assert (entering.status_code, stepping.status_code, confirming.status_code) == (302, 200, 200)
    assert not is_in(stranger)
    assert not is_in(half_way)
    lines = Event.objects.filter(action=Action.SIGN_IN_REFUSED)
    assert lines.count() == 3
    assert {line.reason for line in lines} <= {"passkey_malformed", "passkey_invalid"}


@pytest.mark.parametrize(
    "bend",
    [
        lambda answer: {},
        lambda answer: answer | {"response": {"clientDataJSON": answer["response"]["clientDataJSON"]}},
        lambda answer: answer | {"response": answer["response"] | {"attestationObject": "oA"}},
        lambda answer: answer | {"response": answer["response"] | {"attestationObject": 10**12}},
        lambda answer: answer | {"response": answer["response"] | {"attestationObject": b64(b"\x9b" + b"\xff" * 8)}},
        lambda answer: answer | {"response": answer["response"] | {"attestationObject": b64(b"\x81" * 9000)}},
    ],
)
def test_what_is_no_new_passkey_is_refused_calmly(inside: Client, bend: Any) -> None:
    options = options_in(inside.get(reverse("mfa_add_webauthn")))

    answer = inside.post(reverse("mfa_add_webauthn"), {"credential": json.dumps(bend(Passkey().register(options)))})

    assert answer.status_code == 200
    assert last_refusal() == ("passkey_malformed", "passkey")
    assert not Authenticator.objects.exists()


@pytest.mark.parametrize(
    ("properties", "bent", "reason"),
    [
        ({"origin": "http://evil.localhost:8000"}, {}, "passkey_origin"),
        ({"rp_id": "evil.test"}, {}, "passkey_invalid"),
        ({"verified": False}, {}, "passkey_unverified"),
        # RSA with SHA-1, and a key of no kind at all.
        ({}, {"public": {1: 3, 3: -65535, -1: b"\x01" * 256, -2: b"\x01\x00\x01"}}, "passkey_invalid"),
        ({}, {"public": {1: 2, 3: -9999}}, "passkey_invalid"),
        ({"number": b"n" * 2000}, {}, "passkey_invalid"),
    ],
)
def test_a_new_passkey_that_would_not_do_is_not_added(
    inside: Client, properties: dict[str, Any], bent: dict[str, Any], reason: str
) -> None:
    options = options_in(inside.get(reverse("mfa_add_webauthn")))
    posted = Passkey(**properties).register(options, **bent)

    inside.post(reverse("mfa_add_webauthn"), {"credential": json.dumps(posted)})

    assert last_refusal() == (reason, "passkey")
    assert not Authenticator.objects.exists()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"hold": Hold.SUSPENDED}, "suspended"),
        ({"hold": Hold.LEFT}, "left"),
        ({"state": MemberState.LOCKED}, "locked"),
        ({"state": MemberState.LEFT}, "left"),
        ({"state": MemberState.MISSING}, "absent"),
    ],
)
def test_a_closed_account_is_not_opened_by_its_passkey_and_the_page_does_not_say_why(
    phone: Passkey, noemie: Member, changes: dict[str, Any], reason: str
) -> None:
    Member.objects.filter(pk=noemie.pk).update(**changes)
    browser, unknown = Client(), Client()

    said = browser.get(enter(browser, phone)["Location"]).content.decode()
    stranger = Passkey(user_handle=b"0" * 32)
    said_to_unknown = unknown.get(enter(unknown, stranger)["Location"]).content.decode()

    assert not is_in(browser)
    line = Event.objects.filter(action=Action.SIGN_IN_REFUSED).earliest("id")
    assert (line.reason, line.subject_id) == (reason, noemie.pk)
    for page in (said, said_to_unknown):
        assert "Cette clé d’accès ne convient pas." in page


def test_a_directory_that_is_away_does_not_stop_a_passkey(phone: Passkey, own_directory: EmbeddedDirectory) -> None:
    own_directory.stop()
    browser = Client()

    enter(browser, phone)

    assert is_in(browser)


@pytest.mark.parametrize("url", ["//evil.test", "https://evil.test", "/\\evil.test", "javascript:alert(1)"])
def test_a_passkey_leads_nowhere_but_into_the_hub(phone: Passkey, url: str) -> None:
    browser = Client()

    answer = enter(browser, phone, next=url)

    assert answer["Location"] == reverse("launcher:home")


def test_a_refused_passkey_leads_nowhere_else_either(phone: Passkey) -> None:
    phone.verified = False

    answer = enter(Client(), phone, next="https://evil.test")

    assert answer["Location"] == reverse("account_login")


def test_the_tool_that_waits_is_opened(transactional_db: None, signing_key: Any, phone: Passkey) -> None:
    wiki = connect("wiki")
    browser = Client()
    asking = wiki.authorize(browser)
    back = asking["Location"].partition("next=")[2].replace("%2F", "/").replace("%3F", "?").replace("%3D", "=")

    entered = enter(browser, phone, next=back)

    assert entered["Location"] == back
    assert "code=" in browser.get(back)["Location"]


def test_the_challenges_of_strangers_are_limited_by_network(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "MINUTE", 86_400)
    monkeypatch.setattr("idp.signin.views.OPTIONS_A_MINUTE", 2)

    answers = [Client().post(reverse("mfa_login_webauthn_options")).status_code for _ in range(3)]

    assert answers == [200, 200, 429]


def test_a_page_of_another_site_cannot_ask_for_challenges(db: None) -> None:
    strict = Client(enforce_csrf_checks=True)

    assert strict.get(reverse("mfa_login_webauthn_options")).status_code == 405
    assert strict.post(reverse("mfa_login_webauthn_options")).status_code == 403


@pytest.mark.spec("ANSSI MFA", "R10")
def test_answers_are_limited_by_network_and_lines_are_few(
    phone: Passkey, monkeypatch: pytest.MonkeyPatch, noemie: Member
) -> None:
    monkeypatch.setattr(refusals, "MINUTE", 86_400)
    monkeypatch.setattr("idp.signin.forms.PASSKEYS_A_MINUTE", 3)
    monkeypatch.setattr(refusals, "LINES", 4)
    browser = Client()
    for _ in range(8):
        post_to_enter(browser, "{}")

    enter(browser, phone)

    assert not is_in(browser)
    reasons = list(Event.objects.filter(action=Action.SIGN_IN_REFUSED).order_by("id").values_list("reason", flat=True))
    assert reasons[:4] == ["passkey_malformed"] * 3 + ["throttled"]
    assert len(reasons) <= 6
    # Nobody is locked out of anything else by it.
    assert try_to_sign_in(Client(), NOEMIE, NOEMIE_PASSWORD).status_code == 302


def test_a_reloaded_answer_leads_back_to_the_form(client: Client, db: None) -> None:
    assert client.get(reverse("mfa_login_webauthn"))["Location"] == reverse("account_login")


def test_somebody_who_is_in_goes_on(inside: Client, phone: Passkey) -> None:
    answer = post_to_enter(inside, "{}", next="/mes-donnees/")

    assert answer["Location"] == "/mes-donnees/"


# The counter ---------------------------------------------------------------------------------------------------


@pytest.mark.spec(WEBAUTHN, "6.1.1")
def test_a_counter_that_goes_back_is_a_sign_in_the_journal_and_no_more(phone: Passkey, noemie: Member) -> None:
    enter(Client(), phone)
    assert not Event.objects.filter(action=Action.FACTOR_DOUBTED).exists()
    phone.counter = 0
    copy = Client()

    enter(copy, phone)

    assert is_in(copy)
    line = Event.objects.get(action=Action.FACTOR_DOUBTED)
    assert (line.subject_id, line.reason) == (noemie.pk, "passkey_counter")


def test_a_passkey_that_never_counts_raises_no_doubt(inside: Client) -> None:
    passkey = Passkey(counts=False)
    add(inside, passkey)

    enter(Client(), passkey)
    enter(Client(), passkey)

    assert not Event.objects.filter(action=Action.FACTOR_DOUBTED).exists()


# The second step and confirming ------------------------------------------------------------------------------------


def step(client: Client, passkey: Passkey) -> Any:
    page = client.get(reverse("mfa_authenticate"))
    return client.post(reverse("mfa_authenticate"), {"credential": json.dumps(passkey.sign(options_in(page)))})


@pytest.mark.incident("CVE-2024-52946", "CVE-2023-28862", "CVE-2026-12804")
def test_with_a_passkey_the_password_alone_opens_nothing(phone: Passkey) -> None:
    browser = Client()

    answer = try_to_sign_in(browser, NOEMIE, NOEMIE_PASSWORD)

    assert answer["Location"] == reverse("mfa_authenticate")
    assert not is_in(browser)
    for name in ("launcher:home", "mfa_index", "mfa_add_webauthn", "mfa_reauthenticate_webauthn", "mfa_choose"):
        assert browser.get(reverse(name))["Location"].startswith(reverse("account_login")), name


@pytest.mark.spec("OWASP ASVS", "6.3.4")
def test_a_passkey_is_the_second_step_after_the_password(phone: Passkey) -> None:
    browser = Client()
    try_to_sign_in(browser, NOEMIE, NOEMIE_PASSWORD, next="/mes-donnees/")

    answer = step(browser, phone)

    assert answer["Location"] == "/mes-donnees/"
    assert level() == (["pwd", "hwk", "user", "mfa"], "2")


def test_the_page_of_the_second_step_shows_every_way(inside: Client, phone: Passkey, enrol: Enrol) -> None:
    enrol(inside, NOEMIE_PASSWORD)
    browser = Client()
    try_to_sign_in(browser, NOEMIE, NOEMIE_PASSWORD)

    page = browser.get(reverse("mfa_authenticate"))

    assert [each["id"] for each in options_in(page)["allowCredentials"]] == [b64(phone.number)]
    assert "Utiliser ma clé d’accès" in page.content.decode()
    assert 'name="code"' in page.content.decode()


def test_a_passkey_of_somebody_else_is_no_second_step(phone: Passkey, karim: Member) -> None:
    browser = Client()
    try_to_sign_in(browser, NOEMIE, NOEMIE_PASSWORD)

    answer = step(browser, Passkey(user_handle=karim.pk.hex.encode()))

    assert answer.status_code == 200
    assert not is_in(browser)
    assert last_refusal() == ("passkey_unknown", "passkey")


@pytest.mark.incident("CVE-2025-64102", "GHSA-xrw9-r35x-x878")
@pytest.mark.spec("ANSSI MFA", "R10")
def test_codes_that_are_used_up_stop_no_passkey(phone: Passkey) -> None:
    for _number in range(6):
        browser = Client()
        try_to_sign_in(browser, NOEMIE, NOEMIE_PASSWORD)
        browser.post(reverse("mfa_authenticate"), {"code": "000000"})
    assert last_refusal()[0] == "throttled"

    # Nobody is kept out by whoever knows their password: a passkey opens, and no code can be guessed any longer.
    assert enter(Client(), phone)["Location"] == reverse("launcher:home")


def test_confirming_by_passkey_proves_both_at_once(inside: Client, phone: Passkey) -> None:
    age(inside)
    asked = timezone.now()
    HubSession.objects.update(auth_time=asked - timedelta(minutes=10))
    key = inside.session.session_key

    answer = confirm(inside, phone, "/mes-donnees/")

    session = HubSession.objects.get()
    assert answer["Location"] == "/mes-donnees/"
    assert session.auth_time > asked
    assert (session.methods, session.acr) == (["pwd", "hwk", "user", "mfa"], "2")
    assert inside.session.session_key != key


def test_confirming_with_the_passkey_of_somebody_else_is_none(inside: Client, phone: Passkey) -> None:
    age(inside)

    answer = confirm(inside, Passkey())

    assert answer.status_code == 200
    assert last_refusal() == ("passkey_unknown", "passkey")
    assert inside.get(reverse("mfa_add_webauthn")).status_code == 302


# Removing ------------------------------------------------------------------------------------------------------


def remove(client: Client, name: str) -> Any:
    (pk,) = (row.pk for row in Authenticator.objects.filter(type="webauthn") if row.data["name"] == name)
    return client.post(reverse("mfa_remove_webauthn", args=[pk]))


@pytest.mark.incident("CVE-2024-52946")
@pytest.mark.spec("ANSSI MFA", "R15")
@pytest.mark.spec("ANSSI MFA", "R18")
def test_a_removed_passkey_opens_nothing_and_what_it_alone_had_opened_ends(inside: Client, phone: Passkey) -> None:
    add(inside, Passkey(), "Ordinateur")
    stolen = Client()
    enter(stolen, phone)
    taken = HubSession.objects.latest("started_at")

    remove(inside, "Téléphone")

    taken.refresh_from_db()
    assert (taken.ended_reason, stolen.get(reverse("mfa_index")).status_code) == ("factor_removed", 302)
    here = HubSession.objects.get(ended_at=None)
    assert (here.methods, here.acr) == (["pwd", "hwk", "user", "mfa"], "2"), "the other passkey carries this one"
    again = Client()
    enter(again, phone)
    assert not is_in(again)


def test_what_another_factor_carries_goes_on(inside: Client, phone: Passkey) -> None:
    computer = Passkey()
    add(inside, computer, "Ordinateur")
    elsewhere = Client()
    enter(elsewhere, computer)
    carried = HubSession.objects.latest("started_at")

    remove(inside, "Téléphone")

    carried.refresh_from_db()
    assert (carried.ended_at, carried.acr) == (None, "2")
    assert elsewhere.get(reverse("mfa_index")).status_code == 200


def test_what_the_password_carries_falls_back_to_it(inside: Client, phone: Passkey) -> None:
    elsewhere = Client()
    try_to_sign_in(elsewhere, NOEMIE, NOEMIE_PASSWORD)
    step(elsewhere, phone)

    remove(inside, "Téléphone")

    assert sorted(HubSession.objects.values_list("acr", "ended_at")) == [("1", None), ("1", None)]
    assert [session.methods for session in HubSession.objects.all()] == [["pwd"], ["pwd"]]
    assert not Authenticator.objects.exists(), "recovery codes are nothing without what they stand in for"


def test_removing_the_passkey_that_opened_this_session_ends_it(inside: Client, phone: Passkey) -> None:
    browser = Client()
    enter(browser, phone)
    confirm(browser, phone)

    answer = remove(browser, "Téléphone")

    assert answer["Location"] == reverse("account_login")
    assert not is_in(browser)
    assert not HubSession.objects.filter(ended_at=None, acr="2").exists()


def test_removing_is_asked_about_first(inside: Client, phone: Passkey) -> None:
    own = Authenticator.objects.get(type="webauthn")

    page = inside.get(reverse("mfa_remove_webauthn", args=[own.pk])).content.decode()

    assert "Retirer «\u00a0Téléphone\u00a0»\u00a0?" in page
    assert "dernière double vérification" in page
    assert Authenticator.objects.filter(pk=own.pk).exists()


def test_a_sign_in_under_way_with_a_passkey_removed_meanwhile_is_none(inside: Client, phone: Passkey) -> None:
    browser = Client()
    options = ask_to_enter(browser)
    answer = phone.sign(options)
    remove(inside, "Téléphone")

    post_to_enter(browser, answer)

    assert not is_in(browser)


# Beside other factors --------------------------------------------------------------------------------------------


def test_removing_the_application_leaves_the_passkeys_sessions_alone(
    inside: Client, phone: Passkey, enrol: Enrol
) -> None:
    enrolled = enrol(inside, NOEMIE_PASSWORD)
    by_code, by_passkey = Client(), Client()
    try_to_sign_in(by_code, NOEMIE, NOEMIE_PASSWORD)
    by_code.post(reverse("mfa_authenticate"), {"code": totp(enrolled.secret)})
    coded = HubSession.objects.latest("started_at")
    enter(by_passkey, phone)
    keyed = HubSession.objects.latest("started_at")

    inside.post(reverse("mfa_deactivate_totp"))

    coded.refresh_from_db()
    keyed.refresh_from_db()
    assert (coded.acr, coded.methods) == ("1", ["pwd"])
    assert (keyed.acr, keyed.ended_at) == ("2", None)


def test_wrong_passwords_do_not_stop_a_passkey(phone: Passkey) -> None:
    for _ in range(6):
        try_to_sign_in(Client(), NOEMIE, WRONG)
    browser = Client()

    enter(browser, phone)

    assert is_in(browser)
