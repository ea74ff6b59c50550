"""RP-Initiated, Back-Channel, Front-Channel Logout OP and Session Management OP."""

import json
import secrets
import time
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from joserfc.jwk import OctKey
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page as Tab

from tests.certification import jose
from tests.certification.browser import LOGOUT, SIGN_IN, Arrival, Journey
from tests.certification.conftest import Receiver
from tests.certification.differences import difference
from tests.certification.party import Party
from tests.certification.plans import BACKCHANNEL_OP, FRONTCHANNEL_OP, RP_LOGOUT_OP, SESSION_OP
from tests.certification.providers import LOGIN, PASSWORD, Provider

# Whatever an address may say of itself; the official rows leave out "+", which a form reads as a space.
ODD = "".join(chr(number) for number in range(0x21, 0x7F) if chr(number) != "+")
BACKCHANNEL_EVENT = "http://schemas.openid.net/event/backchannel-logout"


@pytest.fixture
def party(op: Provider) -> Party:
    return Party(op)


def odd_state() -> str:
    return "".join(secrets.choice(ODD) for _ in range(50))


def bye(party: Party) -> str:
    return str(party.client.metadata["post_logout_redirect_uris"][0])


def check_returned(party: Party, journey: Journey, *, state: str = "") -> None:
    arrival = journey.arrival
    assert arrival.method == "GET"
    assert arrival.address == bye(party)
    assert arrival.values == ({"state": state} if state else {})


def check_stayed(journey: Journey) -> None:
    """Nobody was sent anywhere: an error page, or a page that asks or says that the sign-out is done."""
    assert not isinstance(journey.end, Arrival), journey.end
    assert journey.end.is_error or "logged-out" in journey.end.ids, journey.end.text[:2000]


@pytest.mark.module("oidcc-rp-initiated-logout", plans=[RP_LOGOUT_OP])
@pytest.mark.spec("OIDC RP-Initiated Logout", "3")
def test_oidcc_rp_initiated_logout(op: Provider, party: Party):
    browser, state = op.browser(), odd_state()
    tokens = party.login(browser)

    journey = party.sign_out(browser, id_token_hint=tokens.id_token, post_logout_redirect_uri=bye(party), state=state)

    check_returned(party, journey, state=state)
    # §2: the OP SHOULD ask; it need not when the hint is of the very session.
    assert journey.shown == difference("logout-asks", op, hub=[], oracle=[LOGOUT])
    party.check_signed_out(browser)


@pytest.mark.module("oidcc-rp-initiated-logout-bad-post-logout-redirect-uri", plans=[RP_LOGOUT_OP])
@pytest.mark.spec("OIDC RP-Initiated Logout", "3")
def test_oidcc_rp_initiated_logout_bad_post_logout_redirect_uri(op: Provider, party: Party):
    browser = op.browser()
    tokens = party.login(browser)

    foreign = f"{bye(party)}/{secrets.token_hex(4)}"
    journey = party.sign_out(
        browser, id_token_hint=tokens.id_token, post_logout_redirect_uri=foreign, state=odd_state()
    )

    check_stayed(journey)
    # §4: an unregistered address is an error; nobody is signed out on the way.
    assert journey.page.is_error
    party.check_signed_in(browser)


@pytest.mark.module("oidcc-rp-initiated-logout-modified-id-token-hint", plans=[RP_LOGOUT_OP])
@pytest.mark.spec("OIDC RP-Initiated Logout", "4")
def test_oidcc_rp_initiated_logout_modified_id_token_hint(op: Provider, party: Party):
    browser = op.browser()
    tokens = party.login(browser)

    # The same claims, signed by nobody.
    hint = jose.unsigned(jose.payload_of(tokens.id_token))
    journey = party.sign_out(browser, id_token_hint=hint, post_logout_redirect_uri=bye(party), state=odd_state())

    check_stayed(journey)
    party.check_signed_in(browser)


@pytest.mark.module("oidcc-rp-initiated-logout-no-id-token-hint", plans=[RP_LOGOUT_OP])
@pytest.mark.spec("OIDC RP-Initiated Logout", "3")
def test_oidcc_rp_initiated_logout_no_id_token_hint(op: Provider, party: Party):
    browser = op.browser()
    party.login(browser)

    journey = party.sign_out(browser, post_logout_redirect_uri=bye(party), state=odd_state())

    check_stayed(journey)
    # Neither hint nor client_id: whose address it is cannot be known (§3).
    assert journey.shown == difference("logout-unknown-address", op, hub=[], oracle=[LOGOUT])


@pytest.mark.module("oidcc-rp-initiated-logout-no-params", plans=[RP_LOGOUT_OP])
@pytest.mark.spec("OIDC RP-Initiated Logout", "2")
def test_oidcc_rp_initiated_logout_no_params(op: Provider, party: Party):
    browser = op.browser()
    party.login(browser)

    journey = party.sign_out(browser)

    assert journey.shown == [LOGOUT]
    assert "logged-out" in journey.page.ids
    party.check_signed_out(browser)


@pytest.mark.module("oidcc-rp-initiated-logout-no-post-logout-redirect-uri", plans=[RP_LOGOUT_OP])
@pytest.mark.spec("OIDC RP-Initiated Logout", "2")
def test_oidcc_rp_initiated_logout_no_post_logout_redirect_uri(op: Provider, party: Party):
    browser = op.browser()
    tokens = party.login(browser)

    journey = party.sign_out(browser, id_token_hint=tokens.id_token, state=odd_state())

    assert "logged-out" in journey.page.ids
    party.check_signed_out(browser)


@pytest.mark.module("oidcc-rp-initiated-logout-no-state", plans=[RP_LOGOUT_OP])
@pytest.mark.spec("OIDC RP-Initiated Logout", "3")
def test_oidcc_rp_initiated_logout_no_state(op: Provider, party: Party):
    browser = op.browser()
    tokens = party.login(browser)

    journey = party.sign_out(browser, id_token_hint=tokens.id_token, post_logout_redirect_uri=bye(party))

    check_returned(party, journey)
    party.check_signed_out(browser)


@pytest.mark.module("oidcc-rp-initiated-logout-only-state", plans=[RP_LOGOUT_OP])
@pytest.mark.spec("OIDC RP-Initiated Logout", "2")
def test_oidcc_rp_initiated_logout_only_state(op: Provider, party: Party):
    browser = op.browser()
    party.login(browser)

    journey = party.sign_out(browser, state=odd_state())

    assert journey.shown == [LOGOUT]
    assert "logged-out" in journey.page.ids
    party.check_signed_out(browser)


@pytest.mark.module("oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri", plans=[RP_LOGOUT_OP])
@pytest.mark.spec("OIDC RP-Initiated Logout", "3")
def test_oidcc_rp_initiated_logout_query_added_to_post_logout_redirect_uri(op: Provider, party: Party):
    browser = op.browser()
    tokens = party.login(browser)

    added = f"{bye(party)}?foo=bar"
    journey = party.sign_out(browser, id_token_hint=tokens.id_token, post_logout_redirect_uri=added, state=odd_state())

    check_stayed(journey)
    assert journey.page.is_error


@pytest.mark.module("oidcc-rp-initiated-logout-bad-id-token-hint", plans=[RP_LOGOUT_OP])
@pytest.mark.spec("OIDC RP-Initiated Logout", "4")
def test_oidcc_rp_initiated_logout_bad_id_token_hint(op: Provider, party: Party):
    browser = op.browser()
    tokens = party.login(browser)

    # Of the tool's own making, and one of the provider's with another signature.
    now, client = int(time.time()), party.client
    claims = {"iss": client.client_id, "sub": "SubjectID", "aud": op.issuer, "nonce": "n", "iat": now, "exp": now + 300}
    own = jose.signed({"alg": "HS256"}, claims, OctKey.import_key(client.client_secret))
    for hint in (own, jose.broken(tokens.id_token)):
        journey = party.sign_out(browser, id_token_hint=hint, post_logout_redirect_uri=bye(party), state=odd_state())

        check_stayed(journey)
        assert journey.page.is_error
        party.check_signed_in(browser)


# The tool is told ---------------------------------------------------------------------------------------------------


def check_logout_token(op: Provider, party: Party, token: str, *, claims: dict[str, Any]) -> None:
    """OpenID Connect Back-Channel Logout §2.6."""
    said = jose.verified(token, op.keys(), algorithm="RS256")
    now = time.time()

    assert jose.header_of(token).get("typ", "logout+jwt").lower() == "logout+jwt"
    assert said["iss"] == op.issuer
    assert said["aud"] in (party.client.client_id, [party.client.client_id])
    assert now - 60 < said["iat"] <= now + 5
    assert now < said["exp"] <= now + 300
    assert said["jti"]
    assert said["events"] == {BACKCHANNEL_EVENT: {}}
    assert "nonce" not in said
    assert said["sid"] == claims["sid"]
    assert said.get("sub", claims["sub"]) == claims["sub"]


@pytest.mark.module("oidcc-backchannel-rp-initiated-logout", plans=[BACKCHANNEL_OP])
@pytest.mark.spec("OIDC Back-Channel Logout", "2.5")
def test_oidcc_backchannel_rp_initiated_logout(op: Provider, receiver: Receiver):
    party, browser, state = Party(op, "backchannel"), op.browser(), odd_state()
    tokens = party.login(browser)
    before = len(receiver.at("/backchannel"))

    journey = party.sign_out(browser, id_token_hint=tokens.id_token, post_logout_redirect_uri=bye(party), state=state)
    form = receiver.wait_for("/backchannel", count=before + 1)

    assert form.keys() == {"logout_token"}
    check_logout_token(op, party, form["logout_token"], claims=tokens.claims)
    check_returned(party, journey, state=state)
    party.check_signed_out(browser)


@pytest.mark.module("oidcc-frontchannel-rp-initiated-logout", plans=[FRONTCHANNEL_OP])
@pytest.mark.spec("OIDC Front-Channel Logout", "3")
def test_oidcc_frontchannel_rp_initiated_logout(op: Provider):
    party, browser, state = Party(op, "frontchannel"), op.browser(), odd_state()
    tokens = party.login(browser)

    journey = party.sign_out(browser, id_token_hint=tokens.id_token, post_logout_redirect_uri=bye(party), state=state)

    check_returned(party, journey, state=state)
    party.check_signed_out(browser)
    if not difference("front-channel", op, hub=True, oracle=False):
        assert journey.frames == []
        return
    assert len(journey.frames) == 1
    address = urlsplit(journey.frames[0])
    registered = urlsplit(party.client.metadata["frontchannel_logout_uri"])
    assert (address.scheme, address.netloc, address.path) == (registered.scheme, registered.netloc, registered.path)
    assert parse_qs(address.query) == {"iss": [op.issuer], "sid": [tokens.claims["sid"]]}


# As the official rows have it: the frame that asks is beside the provider's, and posts to whatever is there.
WATCHING = """<!DOCTYPE html><title>Tool</title>
<iframe id="op" src="{frame}"></iframe><iframe name="asking" src="/session/ask"></iframe>"""
ASKING = """<!DOCTYPE html><title>Asking</title>
<script>
  const heard = [];
  addEventListener("message", (event) => {{ if (event.origin === {origin}) heard.push(event.data); }});
  window.ask = (message) => new Promise((resolve) => {{
    const count = heard.length;
    const timer = setInterval(() => {{
      if (heard.length > count) {{ clearInterval(timer); resolve(heard.at(-1)); }}
    }}, 20);
    parent.document.getElementById("op").contentWindow.postMessage(message, "*");
  }});
</script>"""


def said_to(tab: Tab, watch: str, *messages: str) -> list[str]:
    """What the provider's frame answers, on a page of the tool's."""
    tab.goto(watch)
    asking = tab.frame("asking")
    assert asking is not None
    return [asking.evaluate("window.ask", message) for message in messages]


def sign_in_by_page(tab: Tab, url: str) -> None:
    tab.goto(url)
    tab.fill("#sign-in-form [name=login]", LOGIN)
    tab.fill("#sign-in-form [name=password]", PASSWORD)
    tab.click("#sign-in-form button[type=submit]")
    tab.wait_for_load_state()
    if tab.locator("#consent-accept").count():
        tab.click("#consent-accept")
        tab.wait_for_load_state()


@pytest.mark.module("oidcc-session-management-rp-initiated-logout", plans=[SESSION_OP])
@pytest.mark.spec("OIDC Session Management", "3.2")
def test_oidcc_session_management_rp_initiated_logout(op: Provider, receiver: Receiver, chromium: Chromium):
    party = Party(op, "session")
    if not difference("session-iframe", op, hub=True, oracle=False):
        assert "session_state" not in party.answer(party.authorize(op.browser()))
        return
    receiver.pages["/session/watch"] = WATCHING.format(frame=op.metadata["check_session_iframe"])
    receiver.pages["/session/ask"] = ASKING.format(origin=json.dumps(op.issuer))
    watch = party.client.redirect_uri.replace("/session/callback", "/session/watch")
    party.asked = party.request()
    tab = chromium.new_context().new_page()

    sign_in_by_page(tab, f"{op.endpoint('authorization')}?{urlencode(party.asked)}")
    tab.wait_for_url(f"{party.client.redirect_uri}?*")
    answer = dict(part for part in ((n, v[0]) for n, v in parse_qs(urlsplit(tab.url).query).items()))
    tokens = party.tokens(party.exchange(answer["code"]))
    message = f"{party.client.client_id} {answer['session_state']}"
    before = said_to(tab, watch, message, "nonsense")
    leaving = {"id_token_hint": tokens.id_token, "post_logout_redirect_uri": bye(party), "state": odd_state()}
    tab.goto(f"{op.endpoint('end_session')}?{urlencode(leaving)}")
    tab.wait_for_url(f"{bye(party)}?*")
    returned = parse_qs(urlsplit(tab.url).query)
    after = said_to(tab, watch, message)
    tab.context.close()

    # The salt may hold no space: it ends the message (§3.1).
    assert " " not in answer["session_state"]
    assert before == ["unchanged", "error"]
    assert returned == {"state": [leaving["state"]]}
    assert after == ["changed"]


@pytest.mark.module("oidcc-session-management-rp-initiated-logout", plans=[SESSION_OP])
@pytest.mark.spec("OIDC RP-Initiated Logout", "2")
def test_oidcc_session_management_rp_initiated_logout_without_scripts(op: Provider):
    party, browser = Party(op, "session"), op.browser()
    tokens = party.login(browser)

    party.sign_out(browser, id_token_hint=tokens.id_token, post_logout_redirect_uri=bye(party))

    party.check_signed_out(browser)
    assert SIGN_IN in party.authorize(browser).shown
