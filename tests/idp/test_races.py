"""Everything at once: what may happen once happens once, what has ended stays ended, and nobody meets a deadlock."""

import time
from collections import Counter
from datetime import timedelta
from functools import partial

import pytest
from django.core.cache import cache
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from audit.models import Event
from audit.types import SYSTEM, Action, Actor
from consent import services as consent_services
from consent.models import Consent, Disclosure
from directory.types import MemberState
from idp import entrance
from idp.models import (
    AccessToken,
    DeviceGrant,
    Grant,
    HubSession,
    PushedRequest,
    RefreshToken,
    SeenIdentifier,
    SigningKey,
    Tool,
    ToolPair,
    ToolSession,
)
from idp.models.tools import forget_tools
from idp.services import codes, introspection, keys, purge, sessions, tokens, withdrawal
from idp.services.tools import close_tool, pair_tools, part_tools, rotate_secret
from idp.types import AuthMethod, GrantType, SigningAlgorithm
from tests.support.cast import FORMATION, notice_of
from tests.support.incidents import approve_device, connect_with_every_grant, noted, redeem_device, start_device
from tests.support.keys import Holder
from tests.support.oidc import REDIRECT, Party, answer_of, connect, sign_in
from tests.support.races import Running, alike, in_the_middle, meets_inside, results, same_browser, together

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("signing_key")]
OFFLINE = "openid profile offline_access"
MANY = 12


@pytest.fixture(autouse=True)
def _no_counts() -> None:
    """Refusals are counted by the minute: those of another test are not this one's."""
    cache.clear()


@pytest.fixture
def party(signing_key) -> Party:
    return connect_with_every_grant("riche", scopes="openid profile api:lire")


def statuses(answers) -> dict[int, int]:
    return dict(Counter(each.status_code for each in answers))


def lines(*actions: Action, **named: object) -> int:
    return Event.objects.filter(action__in=actions, **named).count()


def disclosed_by(channel: str) -> int:
    return Disclosure.objects.filter(channel=channel).aggregate(times=Sum("count"))["times"] or 0


def good(answers) -> list:
    return [each for each in answers if each.status_code == 200]


def code_in(response) -> str:
    """The code that an answer of the authorization endpoint carries, if it does."""
    return answer_of(response).get("code", "") if response.get("Location", "").startswith(REDIRECT) else ""


def nothing_is_active(party: Party, answers) -> None:
    """No token of these answers opens anything, whoever is asked."""
    tool = Tool.objects.get(pk=party.tool.pk)
    for held in (each.json() for each in good(answers)):
        assert introspection.introspect(held["access_token"], tool=tool, now=timezone.now()) == {"active": False}
        assert party.userinfo(held["access_token"]).status_code == 401
        assert party.refresh(held.get("refresh_token", "none")).status_code in (400, 401)


# Once, and only once -----------------------------------------------------------------------------------------


@pytest.mark.spec("RFC 6749", "4.1.2")
@pytest.mark.spec("RFC 9700", "4.5")
def test_of_many_redemptions_of_one_code_one_is_answered_and_what_it_gave_is_dead(party, browser):
    for turn in (1, 2, 3):
        code = party.code(browser, scope=OFFLINE)

        answers = together(*(partial(alike(party).exchange, code) for _ in range(MANY)))

        assert statuses(answers) == {200: 1, 400: MANY - 1}
        nothing_is_active(party, answers)
        assert AccessToken.objects.count() == RefreshToken.objects.filter(revoked=None).count() == 0
        assert lines(Action.CODE_ISSUED) == lines(Action.TOKEN_ISSUED) == turn
        assert lines(Action.CODE_REPLAYED) == noted("code_replayed") == turn * (MANY - 1)


@pytest.mark.spec("RFC 8628", "3.5")
def test_of_many_questions_about_an_approved_device_one_gets_the_tokens(party, browser):
    for turn in (1, 2):
        told = start_device(party, scope=OFFLINE)
        approve_device(browser, told["user_code"])

        answers = together(*(partial(redeem_device, alike(party), told["device_code"]) for _ in range(MANY)))

        assert statuses(answers) == {200: 1, 400: MANY - 1}
        (given,) = good(answers)
        assert party.refresh(given.json()["refresh_token"]).status_code == 200
        assert lines(Action.TOKEN_ISSUED) == lines(Action.DEVICE_APPROVED) == turn
        assert noted("device_code_used") == turn * (MANY - 1)


def test_a_device_that_asks_while_the_member_approves_gets_its_tokens_once(party, browser):
    told = start_device(party)
    browser.post("/appareil/", {"user_code": told["user_code"]})

    def ask(mine: Party) -> list:
        return [redeem_device(mine, told["device_code"]) for _ in range(4)]

    def approve():
        return [same_browser(browser).post("/appareil/", {"user_code": told["user_code"], "answer": "approve"})]

    *asked, _approved = together(*(partial(ask, alike(party)) for _ in range(6)), approve)
    last = redeem_device(party, told["device_code"])

    answers = [*(answer for each in asked for answer in each), last]
    assert statuses(answers) == {200: 1, 400: 24}
    assert {each.json()["error"] for each in answers if each.status_code == 400} <= {
        *("authorization_pending", "slow_down", "invalid_grant"),
    }
    assert lines(Action.TOKEN_ISSUED) == lines(Action.DEVICE_APPROVED) == AccessToken.objects.count() == 1


def test_a_device_is_decided_about_once_in_however_many_tabs(party, member):
    for turn in (1, 2):
        browser = sign_in(member)
        told = start_device(party)
        browser.post("/appareil/", {"user_code": told["user_code"]})

        def say(tab, answer, user_code=told["user_code"]):
            return tab.post("/appareil/", {"user_code": user_code, "answer": answer})

        tabs = [(same_browser(browser), answer) for answer in ("approve", "deny") for _ in range(4)]
        answers = together(*(partial(say, tab, answer) for tab, answer in tabs))

        assert max(statuses(answers)) < 500
        assert lines(Action.DEVICE_APPROVED, Action.DEVICE_DENIED) == turn
        grant = DeviceGrant.objects.latest("pk")
        given = redeem_device(party, told["device_code"])
        assert given.status_code == (200 if grant.status == DeviceGrant.AUTHORIZED else 400)


@pytest.mark.spec("RFC 9126", "4")
@pytest.mark.spec("FAPI 2.0 SP", "5.3.2.2")
def test_of_many_browsers_with_one_pushed_request_one_gets_a_code(party, member, other_member):
    browsers = [*(sign_in(member) for _ in range(6)), *(sign_in(other_member) for _ in range(6))]
    for turn in (1, 2):
        form = {**party.request(), **party.credentials()}
        pushed = party.post("/oidc/par", form).json()["request_uri"]
        asked = {"client_id": party.tool.client_id, "request_uri": pushed}

        answers = together(*(partial(each.get, "/oidc/authorize", asked) for each in browsers))

        (code,) = filter(None, map(code_in, answers))
        assert party.exchange(code).status_code == 200
        assert Grant.objects.count() == PushedRequest.objects.exclude(used_at=None).count() == turn
        assert lines(Action.CODE_ISSUED) == turn
        assert lines(Action.AUTHORIZATION_REFUSED, reason__in=("request_uri", "request_uri_used")) == turn * 11


@pytest.mark.spec("RFC 9449", "11.1")
def test_of_many_requests_with_one_proof_one_passes(signing_key, browser, settings):
    settings.DPOP_NONCES = False
    holder = Holder()
    party = connect("cles", token_endpoint_auth_method=AuthMethod.POST, dpop_bound_access_tokens=True)
    code = party.code(browser)

    def redeem(mine: Party, proof: str):
        form = {"grant_type": GrantType.CODE, "code": code, "redirect_uri": REDIRECT, "code_verifier": mine.verifier}
        return mine.post("/oidc/token", {**form, **mine.credentials()}, {"DPoP": proof})

    def ask(mine: Party, token: str, proof: str):
        return mine.http.get("/oidc/userinfo", headers={"Authorization": f"DPoP {token}", "DPoP": proof})

    proof = holder.proof("POST", "/oidc/token")
    at_token = together(*(partial(redeem, alike(party), proof) for _ in range(MANY)))
    (given,) = good(at_token)
    token = given.json()["access_token"]
    shown = holder.proof("GET", "/oidc/userinfo", access_token=token)
    at_userinfo = together(*(partial(ask, alike(party), token, shown) for _ in range(MANY)))

    assert statuses(at_token) == {200: 1, 400: MANY - 1}
    assert {each.json()["error"] for each in at_token if each.status_code == 400} == {"invalid_dpop_proof"}
    assert statuses(at_userinfo) == {200: 1, 401: MANY - 1}
    assert noted("dpop_replayed") == 2 * (MANY - 1)
    assert lines(Action.TOKEN_ISSUED) == disclosed_by("userinfo") == 1
    assert SeenIdentifier.objects.count() == 2


@pytest.mark.spec("RFC 7523", "3")
def test_of_many_requests_with_one_assertion_one_passes(signing_key):
    holder = Holder()
    robot = connect(
        "robot",
        token_endpoint_auth_method=AuthMethod.PRIVATE_KEY_JWT,
        client_jwks=holder.jwks,
        grant_types=GrantType.CLIENT_CREDENTIALS,
        scopes="api:lire",
    )
    for turn in (1, 2, 3):
        form = {"grant_type": GrantType.CLIENT_CREDENTIALS, "scope": "api:lire"}
        form |= holder.assertion(robot.tool.client_id)

        answers = together(*(partial(alike(robot).post, "/oidc/token", form) for _ in range(8)))

        assert statuses(answers) == {200: 1, 401: 7}
        assert AccessToken.objects.count() == lines(Action.TOKEN_ISSUED) == SeenIdentifier.objects.count() == turn
        assert noted("assertion_replayed") == turn * 7


def test_tabs_that_open_a_tool_for_the_first_time_share_one_session_of_it(party, browser):
    tabs = [same_browser(browser) for _ in range(MANY)]

    answers = together(*(partial(alike(party).authorize, tab, scope=OFFLINE) for tab in tabs))

    given = together(*(partial(alike(party).exchange, answer_of(each)["code"]) for each in answers))
    assert statuses(given) == {200: MANY}
    assert ToolSession.objects.count() == 1
    assert len({party.claims(each.json()["id_token"])["sid"] for each in given}) == 1
    assert lines(Action.CODE_ISSUED) == lines(Action.TOKEN_ISSUED) == MANY
    assert lines(Action.CODE_REPLAYED, Action.TOKEN_REFUSED) == 0


def test_an_answer_given_in_many_tabs_is_one_agreement(signing_key, member, browser):
    party = connect("formation", scopes="openid profile email phone")
    consent_services.declare(tool_id=party.tool.pk, sheet=FORMATION, actor=SYSTEM, now=timezone.now())
    agree = partial(
        consent_services.answer,
        member_id=member.pk,
        tool_id=party.tool.pk,
        notice_id=notice_of(party.tool),
        accepted=frozenset({"phone"}),
        actor=Actor(member=member.pk),
        language="fr",
        now=timezone.now(),
    )

    together(*[agree] * 8)

    assert Consent.objects.count() == lines(Action.CONSENT_GIVEN) == 1


# What has ended ----------------------------------------------------------------------------------------------


def withdraws(party, browser, member):
    withdrawal.withdraw(member_id=member.pk, tool=party.tool, actor=Actor(member=member.pk), now=timezone.now())


def is_suspended(party, browser, member):
    """As a pass over the directory does it, in one transaction."""
    with transaction.atomic():
        type(member).objects.filter(pk=member.pk).update(state=MemberState.LOCKED)
        sessions.end_member([member.pk], reason="member_ended", now=timezone.now())


def signs_out(party, browser, member):
    assert same_browser(browser).post("/deconnexion/").status_code == 303


def closes_the_tool(party, browser, member):
    close_tool(slug=party.tool.slug, actor=SYSTEM, now=timezone.now(), reason="test")


ENDS = [withdraws, is_suspended, signs_out, closes_the_tool]


@pytest.fixture
def formation(signing_key, member) -> Party:
    """A tool that may everything, on consent, which the member gave."""
    party = connect_with_every_grant("formation", scopes="openid profile email phone")
    consent_services.declare(tool_id=party.tool.pk, sheet=FORMATION, actor=SYSTEM, now=timezone.now())
    consent_services.answer(
        member_id=member.pk,
        tool_id=party.tool.pk,
        notice_id=notice_of(party.tool),
        accepted=frozenset({"phone", "trade"}),
        actor=Actor(member=member.pk),
        language="fr",
        now=timezone.now(),
    )
    return party


@pytest.mark.incident("CVE-2026-43983", "keycloak#43734")
@pytest.mark.parametrize("after_ms", [0, 30, 80])
@pytest.mark.parametrize("end", ENDS)
def test_whatever_runs_while_something_ends_leaves_nothing_that_works(formation, browser, member, end, after_ms):
    held = [formation.exchange(formation.code(browser, scope=OFFLINE)) for _ in range(4)]
    fresh = [formation.code(browser, scope=OFFLINE) for _ in range(4)]
    before = lines(Action.CODE_ISSUED), lines(Action.TOKEN_ISSUED)

    def ends():
        time.sleep(after_ms / 1000)
        end(formation, browser, member)

    answers = together(
        *(partial(alike(formation).exchange, code) for code in fresh),
        *(partial(alike(formation).refresh, each.json()["refresh_token"]) for each in held),
        *(partial(alike(formation).userinfo, each.json()["access_token"]) for each in held),
        *(partial(alike(formation).authorize, same_browser(browser), scope=OFFLINE) for _ in range(4)),
        ends,
    )

    exchanged, refreshed, told, opened = (answers[start : start + 4] for start in (0, 4, 8, 12))
    came = [code for code in map(code_in, opened) if code]
    assert max(statuses([*exchanged, *refreshed, *told, *opened])) < 500
    late = [formation.exchange(code) for code in came]
    assert good(late) == []
    nothing_is_active(formation, [*held, *exchanged, *refreshed])
    assert lines(Action.CODE_ISSUED) - before[0] == len(came)
    assert lines(Action.TOKEN_ISSUED) - before[1] == len(good(exchanged))
    assert lines(Action.TOKEN_REFRESHED) == len(good(refreshed))
    assert disclosed_by("userinfo") == len(good(told))
    assert lines(Action.CONSENT_WITHDRAWN) == (end is withdraws)
    assert lines(Action.TOOL_SESSION_ENDED) == (end in (withdraws, closes_the_tool))
    assert lines(Action.SIGN_OUT) == (end in (is_suspended, signs_out))
    assert lines(Action.TOOL_CLOSED) == (end is closes_the_tool)


@meets_inside
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("what", ["exchange", "refresh"])
def test_tokens_about_to_be_given_die_with_what_ends_meanwhile(formation, browser, member, what, end):
    held = formation.exchange(formation.code(browser, scope=OFFLINE)).json()
    code = formation.code(browser, scope=OFFLINE)
    give = {"exchange": partial(formation.exchange, code), "refresh": partial(formation.refresh, held["refresh_token"])}

    given, _ = in_the_middle(give[what], partial(end, alike(formation), browser, member), at=(tokens, "save_tokens"))

    assert given.status_code == 200
    nothing_is_active(formation, [given])


@meets_inside
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("at", [(entrance, "before"), (codes, "record")], ids=["decided", "issued"])
@pytest.mark.parametrize("opened", ["opened_before", "never_opened"])
def test_a_code_about_to_be_given_is_worth_nothing_after_what_ends_meanwhile(
    formation, browser, member, opened, at, end
):
    if opened == "opened_before":
        formation.code(browser)

    answer, _ = in_the_middle(
        partial(formation.authorize, same_browser(browser), scope=OFFLINE),
        partial(end, formation, browser, member),
        at=at,
    )

    assert answer.status_code < 500
    code = code_in(answer)
    given = formation.exchange(code) if code else None
    assert given is None or given.status_code in (400, 401), given.json()
    assert AccessToken.objects.count() == 0


def test_of_many_tabs_that_open_tools_during_a_sign_out_none_holds_a_code_that_works(party, member):
    for turn in (1, 2, 3):
        browser = sign_in(member)
        party.code(browser)
        tabs = [same_browser(browser) for _ in range(8)]

        *answers, out = together(
            *(partial(alike(party).authorize, tab) for tab in tabs),
            partial(same_browser(browser).post, "/deconnexion/"),
        )

        assert out.status_code == 303
        assert max(statuses(answers)) < 500
        assert good([party.exchange(code) for code in map(code_in, answers) if code]) == []
        assert AccessToken.objects.count() == 0
        assert HubSession.objects.filter(ended_at=None).count() == 0
        assert lines(Action.SIGN_OUT) == turn


# Revoking while something is refreshed -----------------------------------------------------------------------


def is_revoked(party, old, held, code):
    assert party.post("/oidc/revoke", {"token": held["refresh_token"], **party.credentials()}).status_code == 200


def is_reused(party, old, held, code):
    assert party.refresh(old["refresh_token"]).status_code == 400


def comes_back(party, old, held, code):
    assert party.exchange(code).status_code == 400


@meets_inside
@pytest.mark.incident("CVE-2026-43983", "keycloak#45647")
@pytest.mark.spec("RFC 9700", "4.14.2")
@pytest.mark.spec("RFC 7009", "2.1")
@pytest.mark.parametrize("again", [is_revoked, is_reused, comes_back])
def test_what_a_refresh_is_about_to_give_dies_with_its_family(party, browser, again):
    code = party.code(browser, scope=OFFLINE)
    old = party.exchange(code).json()
    held = party.refresh(old["refresh_token"]).json()

    given, _ = in_the_middle(
        partial(party.refresh, held["refresh_token"]),
        partial(again, alike(party), old, held, code),
        at=(tokens, "save_tokens"),
    )

    assert RefreshToken.objects.filter(revoked=None).count() == 0
    nothing_is_active(party, [given])


@meets_inside
@pytest.mark.spec("RFC 7009", "2.1")
def test_an_answer_about_to_be_given_again_dies_with_its_family(signing_key, browser):
    party = connect("agenda", offline_access=True, token_endpoint_auth_method=AuthMethod.POST, refresh_grace_seconds=30)
    old = party.exchange(party.code(browser, scope=OFFLINE)).json()
    held = party.refresh(old["refresh_token"]).json()

    given, _ = in_the_middle(
        partial(party.refresh, old["refresh_token"]),
        partial(is_revoked, alike(party), old, held, ""),
        at=(tokens, "save_tokens"),
    )

    assert given.json()["refresh_token"] == held["refresh_token"]
    nothing_is_active(party, [given])


def test_old_and_new_refresh_tokens_shown_together_end_the_family_and_nobody_waits_for_ever(party, browser):
    for _ in range(2):
        chain = [party.exchange(party.code(browser, scope=OFFLINE)).json()["refresh_token"]]
        for _ in range(3):
            chain.append(party.refresh(chain[-1]).json()["refresh_token"])

        answers = together(*(partial(alike(party).refresh, token) for token in chain * 3))

        assert set(statuses(answers)) <= {200, 400}
        assert len(good(answers)) <= 1
        nothing_is_active(party, answers)
        assert RefreshToken.objects.filter(revoked=None).count() == 0


# Keys --------------------------------------------------------------------------------------------------------


def test_a_rotation_commanded_many_times_at_once_is_one_and_signing_goes_on(signing_key):
    now = timezone.now()

    def sign() -> list[str]:
        return [keys.sign({"iss": "http://localhost:8000"}, alg=alg) for alg in SigningAlgorithm.values * 5]

    *_, first, second = together(*[partial(keys.rotate, now=now)] * 8, *[sign] * 2)

    for algorithm in SigningAlgorithm.values:
        rows = SigningKey.objects.filter(algorithm=algorithm).order_by("active_at")
        assert [row.retired_at for row in rows] == [rows[1].active_at, None]
    assert all(keys.verify(token) for token in (*first, *second))
    assert lines(Action.KEY_ROTATED, reason="by_hand") == len(SigningAlgorithm.values)


def test_stolen_keys_replaced_by_many_at_once_leave_one_that_signs(signing_key):
    now = timezone.now()

    def sign() -> list[str]:
        return [keys.sign({"iss": "http://localhost:8000"}, alg="ES256") for _ in range(20)]

    signed = together(*[partial(keys.rotate, now=now, algorithm="ES256", at_once=True)] * 6, *[sign] * 3)

    (alive,) = SigningKey.objects.filter(algorithm="ES256", gone_at=None)
    assert all(len(tokens) == 20 for tokens in signed[-3:])
    assert keys.verify(keys.sign({"iss": "http://localhost:8000"}, alg="ES256"))
    assert alive.kid.encode() in keys.document()
    assert SigningKey.objects.filter(algorithm="ES256").exclude(pk=alive.pk).exclude(private=b"").count() == 0
    assert lines(Action.KEY_ROTATED, reason="compromised") == 6
    assert lines(Action.KEY_GONE, reason="compromised") == 6


def test_the_first_keys_are_made_once_by_however_many(signing_key):
    SigningKey.objects.all().delete()
    keys.forget_registry()
    before = lines(Action.KEY_ROTATED)

    together(*[partial(keys.rotate_due, now=timezone.now())] * 4)

    for algorithm in SigningAlgorithm.values:
        assert SigningKey.objects.filter(algorithm=algorithm, retired_at=None).count() == 1
    assert lines(Action.KEY_ROTATED) - before == SigningKey.objects.count()
    assert keys.algorithms() == tuple(SigningAlgorithm.values)


# Secrets -----------------------------------------------------------------------------------------------------


def own_token(party: Party, secret: str):
    form = {"grant_type": GrantType.CLIENT_CREDENTIALS, "scope": "api:lire", "client_id": party.tool.client_id}
    return party.post("/oidc/token", {**form, "client_secret": secret})


def test_a_tool_that_proves_itself_while_its_secret_changes_is_never_refused(party):
    rotate = partial(rotate_secret, slug="riche", actor=SYSTEM, now=timezone.now(), overlap=timedelta(hours=1))

    def enter(mine: Party) -> list:
        return [own_token(mine, party.secret) for _ in range(3)]

    *entered, new = together(*(partial(enter, alike(party)) for _ in range(6)), rotate)

    # A request that read the tool before the change may have kept it for the seconds that any process may.
    forget_tools()
    answers = [answer for each in entered for answer in each]
    assert statuses([*answers, own_token(party, party.secret), own_token(party, new)]) == {200: 20}
    assert lines(Action.SECRET_ROTATED) == 1
    assert lines(Action.TOKEN_ISSUED) == 20


def test_of_secrets_renewed_at_once_the_last_two_enter_and_no_other(party):
    rotate = partial(rotate_secret, slug="riche", actor=SYSTEM, now=timezone.now(), overlap=timedelta(hours=1))

    made = together(*[rotate] * 4)

    forget_tools()
    answers = [own_token(party, secret) for secret in (party.secret, *made)]
    assert statuses(answers) == {200: 2, 401: 3}
    assert answers[0].status_code == 401
    assert lines(Action.SECRET_ROTATED) == 4


# Purging -----------------------------------------------------------------------------------------------------


def test_purging_while_tokens_are_given_loses_nothing_that_lives(party, browser):
    held = [party.exchange(party.code(browser, scope=OFFLINE)).json() for _ in range(6)]
    fresh = [party.code(browser, scope=OFFLINE) for _ in range(6)]
    long_ago = timezone.now() - timedelta(days=2)
    Grant.objects.exclude(used_at=None).update(expires=long_ago)
    AccessToken.objects.update(expires=long_ago)

    def refresh(mine: Party, token: str) -> list:
        answers = []
        for _ in range(3):
            answers.append(mine.refresh(token))
            token = answers[-1].json()["refresh_token"]
        return answers

    def clean() -> list[int]:
        return [purge.purge_expired(now=timezone.now()) for _ in range(3)]

    answers = together(
        *(partial(refresh, alike(party), each["refresh_token"]) for each in held),
        *(partial(alike(party).exchange, code) for code in fresh),
        *[clean] * 2,
    )

    refreshed, exchanged = [one for each in answers[:6] for one in each], answers[6:12]
    assert statuses([*refreshed, *exchanged]) == {200: 24}
    assert AccessToken.objects.count() == 24
    assert RefreshToken.objects.filter(revoked=None).count() == 12
    clean()
    assert Grant.objects.filter(expires=long_ago).count() == 0
    last = [one.json() for one in (*refreshed[2::3], *exchanged)]
    assert statuses([party.refresh(each["refresh_token"]) for each in last]) == {200: 12}
    assert statuses([party.userinfo(each["access_token"]) for each in last]) == {200: 12}


@meets_inside
def test_purging_gives_way_to_who_holds_what_it_would_remove(party, browser):
    """Sooner than PostgreSQL ends one of two who wait for each other."""
    party.exchange(party.code(browser, scope=OFFLINE))
    AccessToken.objects.update(expires=timezone.now() - timedelta(days=2))
    held = AccessToken.objects.get()

    with transaction.atomic():
        AccessToken.objects.select_for_update().get(pk=held.pk)
        began = time.monotonic()
        (removed,) = results([Running(lambda: purge.purge_expired(now=timezone.now())).start()])
        took = time.monotonic() - began

    assert (removed, AccessToken.objects.filter(pk=held.pk).exists()) == (0, True)
    assert took < 1
    assert purge.purge_expired(now=timezone.now()) == 1


@meets_inside
def test_a_code_is_purged_while_what_it_gave_is_being_refreshed(party, browser):
    held = party.exchange(party.code(browser, scope=OFFLINE)).json()
    Grant.objects.update(expires=timezone.now() - timedelta(days=2))

    given, _ = in_the_middle(
        partial(party.refresh, held["refresh_token"]),
        partial(purge.purge_expired, now=timezone.now()),
        at=(tokens, "save_tokens"),
    )

    assert given.status_code == 200
    assert party.userinfo(given.json()["access_token"]).status_code == 200
    assert party.refresh(given.json()["refresh_token"]).status_code == 200
    purge.purge_expired(now=timezone.now())
    assert Grant.objects.count() == 0


# Exchanged while its ground goes -----------------------------------------------------------------------------


@meets_inside
def test_scopes_that_are_taken_away_during_an_exchange_are_taken_from_it_too(party, browser):
    target = connect("louty-api", resource_identifier="https://api.alizarine.example/")
    pair_tools(source="riche", target="louty-api", scopes={"lire", "noter"}, actor=SYSTEM, now=timezone.now())
    exchange = {
        "grant_type": GrantType.EXCHANGE,
        "subject_token": party.exchange(party.code(browser)).json()["access_token"],
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "resource": "https://api.alizarine.example/",
        **party.credentials(),
    }
    narrow = partial(pair_tools, source="riche", target="louty-api", scopes={"lire"}, actor=SYSTEM, now=timezone.now())

    given, _narrowed = in_the_middle(
        partial(alike(party).post, "/oidc/token", exchange), narrow, at=(tokens, "save_tokens")
    )

    answer = target.post("/oidc/introspect", {"token": given.json()["access_token"]})
    assert answer.json() == {"active": False}


def test_pairing_both_ways_at_once_waits_and_ends(party):
    other = connect_with_every_grant("autre", resource_identifier="https://autre.example/")
    Tool.objects.filter(pk=party.tool.pk).update(resource_identifier="https://riche.example/")

    def pair(source: str, target: str):
        return pair_tools(source=source, target=target, scopes={"lire"}, actor=SYSTEM, now=timezone.now())

    for _ in range(5):
        together(*(partial(pair, *names) for names in (("riche", "autre"), ("autre", "riche")) * 3))
        ToolPair.objects.all().delete()

    assert other.tool.pk


@meets_inside
@pytest.mark.parametrize("end", ["revoked", "parted"])
def test_what_is_exchanged_while_its_ground_goes_dies_with_it(party, browser, end):
    target = connect("louty-api", resource_identifier="https://api.alizarine.example/")
    pair_tools(source="riche", target="louty-api", scopes={"lire"}, actor=SYSTEM, now=timezone.now())
    own = party.exchange(party.code(browser)).json()["access_token"]
    exchange = {
        "grant_type": GrantType.EXCHANGE,
        "subject_token": own,
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "resource": "https://api.alizarine.example/",
        **party.credentials(),
    }

    def go() -> object:
        if end == "revoked":
            return alike(party).post("/oidc/revoke", {"token": own, **party.credentials()})
        return part_tools(source="riche", target="louty-api", actor=SYSTEM, now=timezone.now())

    given, _gone = in_the_middle(partial(alike(party).post, "/oidc/token", exchange), go, at=(tokens, "save_tokens"))

    assert given.status_code == 200
    answer = target.post("/oidc/introspect", {"token": given.json()["access_token"]})
    assert answer.json() == {"active": False}
