"""Confirming one's identity, and second factors, by the pages and against a real directory."""

import json
import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings as hub_settings
from django.contrib.sessions.models import Session
from django.core import mail
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from audit.models import Event
from audit.types import Action
from directory.models import Member
from directory.types import MemberState
from idp.models import HubSession
from idp.services import refusals
from idp.services.accounts import mails
from idp.signin import pending, reauth
from tests.support.oidc import sign_in
from tests.support.signin import (
    KARIM_PASSWORD,
    NOEMIE,
    NOEMIE_PASSWORD,
    WRONG,
    Enrol,
    confirm_password,
    totp,
    try_to_sign_in,
)

pytestmark = pytest.mark.django_db
CLOSED = [
    "launcher:home",
    "consent:mine",
    "mfa_index",
    "mfa_activate_totp",
    "mfa_view_recovery_codes",
    "mfa_generate_recovery_codes",
    "mfa_download_recovery_codes",
    "account_reauthenticate",
    "mfa_reauthenticate",
]


@pytest.fixture
def inside(client: Client, noemie: Member) -> Client:
    """Noémie, signed in with her password."""
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)
    return client


def request_of(client: Client, member: Member) -> HttpRequest:
    """A request of this browser, as a view would see it."""
    request = RequestFactory().get("/")
    request.session = client.session
    request.user = member
    return request


def enter_code(client: Client, code: str) -> Any:
    return client.post(reverse("mfa_authenticate"), {"code": code})


def level() -> tuple[list[str], str]:
    session = HubSession.objects.latest("started_at")
    return session.methods, session.acr


# Confirming --------------------------------------------------------------------------------------------------


def test_a_directory_member_cannot_enrol_without_the_password_again(inside: Client) -> None:
    seen = inside.get(reverse("mfa_activate_totp"))
    posted = inside.post(reverse("mfa_activate_totp"), {"code": "000000"})

    assert seen.status_code == posted.status_code == 302
    assert seen["Location"].startswith(reverse("account_reauthenticate"))
    assert posted["Location"].startswith(reverse("account_reauthenticate"))
    assert not Authenticator.objects.exists()


def test_only_the_directory_s_own_password_confirms(inside: Client, karim: Member) -> None:
    wrong = confirm_password(inside, WRONG)
    someone_else_s = confirm_password(inside, KARIM_PASSWORD)
    empty = confirm_password(inside, "")

    assert wrong.status_code == someone_else_s.status_code == empty.status_code == 200
    assert inside.get(reverse("mfa_activate_totp")).status_code == 302
    lines = Event.objects.filter(action=Action.SIGN_IN_REFUSED)
    assert [(line.reason, line.facts["step"]) for line in lines] == [("wrong", "confirmation")] * 2


def test_the_right_password_confirms_for_five_minutes(inside: Client) -> None:
    confirm_password(inside, NOEMIE_PASSWORD)

    assert inside.get(reverse("mfa_activate_totp")).status_code == 200


def test_confirming_changes_the_session_key_and_is_noted(inside: Client, noemie: Member) -> None:
    key, before = inside.session.session_key, HubSession.objects.get().auth_time

    confirm_password(inside, NOEMIE_PASSWORD)

    session = HubSession.objects.get()
    assert inside.session.session_key != key
    assert not Session.objects.filter(session_key=key).exists()
    assert session.session_key == inside.session.session_key
    assert session.auth_time > before
    assert Event.objects.get(action=Action.REAUTHENTICATED).subject_id == noemie.pk


def test_going_straight_back_is_no_proof(inside: Client, noemie: Member) -> None:
    asked = timezone.now()
    asking = reauth.must_reauthenticate(request_of(inside, noemie), "/oidc/authorize?prompt=login")

    inside.get(asking["Location"])
    confirm_password(inside, WRONG, "/oidc/authorize?prompt=login")

    assert asking["Location"].startswith(reverse("account_reauthenticate"))
    assert not reauth.proof_since(request_of(inside, noemie), asked)


def test_the_password_again_is_a_proof_and_leads_back(inside: Client, noemie: Member) -> None:
    asked = timezone.now()

    answer = confirm_password(inside, NOEMIE_PASSWORD, "/mes-donnees/?x=1")

    assert answer["Location"] == "/mes-donnees/?x=1"
    assert reauth.proof_since(request_of(inside, noemie), asked)
    assert not reauth.proof_since(request_of(inside, noemie), timezone.now())


def test_a_proof_of_somebody_else_is_none(inside: Client, karim: Member) -> None:
    long_ago = timezone.now() - timedelta(days=1)

    assert not reauth.proof_since(request_of(inside, karim), long_ago)


def test_the_page_that_confirms_leads_nowhere_else(inside: Client) -> None:
    answer = confirm_password(inside, NOEMIE_PASSWORD, "//evil.test")

    assert answer["Location"] == reverse("launcher:home")


@pytest.mark.incident("CVE-2026-16103", "CVE-2026-9798")
@pytest.mark.parametrize("known", [True, False], ids=["a known browser", "a stolen session elsewhere"])
def test_confirming_is_limited_like_signing_in(inside: Client, known: bool) -> None:
    if not known:
        del inside.cookies[hub_settings.BROWSER_COOKIE_NAME]
    tries = 4 if known else 5
    for _ in range(tries):
        confirm_password(inside, WRONG)

    confirm_password(inside, NOEMIE_PASSWORD)
    inside.post(reverse("idp:sign_out"))
    try_to_sign_in(inside, NOEMIE, NOEMIE_PASSWORD)

    reasons = list(Event.objects.filter(action=Action.SIGN_IN_REFUSED).order_by("id").values_list("reason", flat=True))
    assert reasons == ["wrong"] * tries + ["throttled"] * 2
    assert "_auth_user_id" not in inside.session


# Enrolling ---------------------------------------------------------------------------------------------------


def test_enrolling_counts_as_having_used_the_factor(inside: Client, noemie: Member, enrol: Enrol) -> None:
    enrol(inside, NOEMIE_PASSWORD)

    assert level() == (["pwd", "otp", "mfa"], "2")
    added = Event.objects.about(noemie.pk).filter(action=Action.FACTOR_ADDED).values_list("facts", flat=True)
    assert sorted(facts["factor"] for facts in added) == ["recovery_codes", "totp"]


def test_after_enrolling_a_mail_tells_the_member(inside: Client, noemie: Member, enrol: Enrol) -> None:
    enrolled = enrol(inside, NOEMIE_PASSWORD)
    mails.send_due(now=timezone.now())

    assert [message.to for message in mail.outbox] == [[noemie.email]]
    assert enrolled.secret not in mail.outbox[0].body


def test_secrets_of_factors_are_not_in_clear_in_the_database(inside: Client, enrol: Enrol) -> None:
    confirm_password(inside, NOEMIE_PASSWORD)
    waiting = inside.get(reverse("mfa_activate_totp")).context["form"].secret
    while_waiting = json.dumps([row.get_decoded() for row in Session.objects.all()], default=str)

    enrolled = enrol(inside, NOEMIE_PASSWORD)

    kept = json.dumps(list(Authenticator.objects.values("data")))
    assert waiting not in while_waiting
    assert enrolled.secret not in kept
    assert all(code not in kept for code in enrolled.recovery_codes)
    assert len(enrolled.recovery_codes) == 10
    assert enrolled.secret not in json.dumps([row.get_decoded() for row in Session.objects.all()], default=str)


def test_a_first_code_for_no_secret_enrols_nothing(inside: Client) -> None:
    confirm_password(inside, NOEMIE_PASSWORD)

    answer = inside.post(reverse("mfa_activate_totp"), {"code": "123456"})

    assert answer.status_code == 200
    assert not Authenticator.objects.exists()


def test_a_wrong_first_code_is_said_once_beside_its_field(inside: Client) -> None:
    confirm_password(inside, NOEMIE_PASSWORD)
    inside.get(reverse("mfa_activate_totp"))

    page = inside.post(reverse("mfa_activate_totp"), {"code": "000000"}).content.decode()

    assert page.count("Ce code ne convient pas.") == 1
    assert 'id="id_code_error"' in page
    assert re.search(r'<input[^>]*aria-describedby="[^"]*id_code_error[^"]*"', page)


def test_the_key_of_an_application_is_shown_by_fours(inside: Client) -> None:
    confirm_password(inside, NOEMIE_PASSWORD)

    response = inside.get(reverse("mfa_activate_totp"))

    secret = response.context["form"].secret
    assert f"<span>{secret[:4]}</span><wbr><span>{secret[4:8]}</span>" in response.content.decode()


@pytest.mark.parametrize("name", ["mfa_activate_totp", "account_reauthenticate", "idp:sessions"])
def test_a_page_below_security_marks_it_in_the_navigation(inside: Client, name: str) -> None:
    if name != "account_reauthenticate":
        confirm_password(inside, NOEMIE_PASSWORD)

    page = inside.get(reverse(name)).content.decode()

    assert f'<a href="{reverse("mfa_index")}" aria-current="true">' in page


def test_enrolling_keeps_the_request_that_waits(inside: Client, noemie: Member, enrol: Enrol) -> None:
    request = request_of(inside, noemie)
    pending.remember(request, url="/oidc/authorize?client_id=louty", tool="Louty", redirect_uri="https://louty.test/cb")
    request.session.save()

    enrolled = enrol(inside, NOEMIE_PASSWORD)
    page = inside.get(reverse("mfa_view_recovery_codes"))

    assert enrolled.answer["Location"] == reverse("mfa_view_recovery_codes")
    assert 'href="/oidc/authorize?client_id=louty"' in page.content.decode()
    pending.forget(request_of(inside, noemie))


@pytest.mark.incident("GHSA-8g9r-9wjw-37j4")
@pytest.mark.spec("OWASP ASVS", "7.5.1")
def test_removing_the_factor_needs_both_proofs_again_and_lowers_the_level(
    inside: Client, noemie: Member, enrol: Enrol
) -> None:
    enrolled = enrol(inside, NOEMIE_PASSWORD)
    stale = inside.session
    for record in stale["account_authentication_methods"]:
        record["at"] -= 600
    stale.save()
    Authenticator.objects.update(created_at=timezone.now() - timedelta(hours=1))
    refused = inside.post(reverse("mfa_deactivate_totp"))

    confirm_password(inside, NOEMIE_PASSWORD)
    half = inside.post(reverse("mfa_deactivate_totp"))
    inside.post(reverse("mfa_reauthenticate"), {"code": totp(enrolled.secret)})
    inside.post(reverse("mfa_deactivate_totp"))

    assert refused["Location"].startswith(reverse("account_reauthenticate"))
    assert half["Location"].startswith(reverse("mfa_reauthenticate"))
    assert not Authenticator.objects.exists()
    assert level() == (["pwd"], "1")
    assert Event.objects.about(noemie.pk).filter(action=Action.FACTOR_REMOVED).count() == 2


@pytest.mark.incident("CVE-2024-52946")
def test_removing_the_factor_lowers_the_members_other_browsers_too(
    inside: Client, noemie: Member, karim: Member, enrol: Enrol
) -> None:
    enrol(inside, NOEMIE_PASSWORD)
    strong = {"methods": ("pwd", "otp", "mfa"), "acr": "2"}
    elsewhere, somebody_else = sign_in(noemie, **strong), sign_in(karim, **strong)
    confirm_password(inside, NOEMIE_PASSWORD)

    inside.post(reverse("mfa_deactivate_totp"))

    levels = dict(HubSession.objects.values_list("pk", "acr"))
    assert sorted(levels.values()) == ["1", "1", "2"]
    assert levels[UUID(somebody_else.session["hub_session"])] == "2"
    assert HubSession.objects.get(pk=elsewhere.session["hub_session"]).methods == ["pwd"]


@pytest.mark.parametrize("by", ["an application of codes", "a recovery code"])
def test_a_step_with_a_factor_that_was_removed_does_not_count_for_the_next_one(
    inside: Client, noemie: Member, enrol: Enrol, by: str
) -> None:
    first = enrol(inside, NOEMIE_PASSWORD)
    other = Client()
    try_to_sign_in(other, NOEMIE, NOEMIE_PASSWORD)
    enter_code(other, totp(first.secret) if by == "an application of codes" else first.recovery_codes[0])
    session = HubSession.objects.filter(pk=other.session["hub_session"])
    assert session.get().acr == "2"

    inside.post(reverse("mfa_deactivate_totp"))
    second = enrol(inside, NOEMIE_PASSWORD)
    session.update(acr="1", methods=["pwd"])
    confirm_password(other, NOEMIE_PASSWORD)
    by_password = session.get()
    other.post(reverse("mfa_reauthenticate"), {"code": totp(second.secret), "next": "/"})

    assert (by_password.acr, by_password.methods) == ("1", ["pwd"])
    assert session.get().acr == "2"
    confirmed = Event.objects.filter(action=Action.REAUTHENTICATED).order_by("pk")
    lines = [line for line in confirmed if line.session == session.get().pk]
    assert [line.facts["methods"] for line in lines] == [["pwd"], ["pwd", "otp", "mfa"]]


# The second step ---------------------------------------------------------------------------------------------


@pytest.fixture
def enrolled(inside: Client, enrol: Enrol) -> Any:
    """Noémie has an application of codes; her browser is signed out."""
    found = enrol(inside, NOEMIE_PASSWORD)
    inside.post(reverse("idp:sign_out"))
    return found


@pytest.mark.incident("CVE-2024-52946", "CVE-2023-28862", "CVE-2026-12804")
def test_the_password_alone_opens_nothing(client: Client, enrolled: Any) -> None:
    answer = try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)

    assert answer["Location"] == reverse("mfa_authenticate")
    assert "_auth_user_id" not in client.session
    assert not HubSession.objects.filter(ended_at=None).exists()
    for name in CLOSED:
        page = client.get(reverse(name))
        assert page.status_code == 302, name
        assert reverse("account_login") in page["Location"], name


def test_password_and_code_sign_in_at_the_second_level(client: Client, enrolled: Any) -> None:
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD, next="/mes-donnees/")

    answer = enter_code(client, totp(enrolled.secret))

    assert answer["Location"] == "/mes-donnees/"
    assert level() == (["pwd", "otp", "mfa"], "2")


def test_a_code_serves_once(client: Client, enrolled: Any) -> None:
    code = totp(enrolled.secret)
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)
    enter_code(client, code)
    second = Client()
    try_to_sign_in(second, NOEMIE, NOEMIE_PASSWORD)

    answer = enter_code(second, code)

    assert answer.status_code == 200
    assert "_auth_user_id" not in second.session
    assert Event.objects.filter(action=Action.SIGN_IN_REFUSED).latest("id").reason == "code"


@pytest.mark.spec("OWASP ASVS", "6.5.5")
@pytest.mark.parametrize("step", [-3, 3])
def test_a_code_lives_for_its_half_minute_and_the_next(client: Client, enrolled: Any, step: int) -> None:
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)

    enter_code(client, totp(enrolled.secret, step=step))

    assert "_auth_user_id" not in client.session


def test_the_first_code_of_enrolment_does_not_sign_in(client: Client, enrolled: Any) -> None:
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)

    enter_code(client, totp(enrolled.secret, step=-1))

    assert "_auth_user_id" not in client.session


def test_a_recovery_code_serves_once(client: Client, enrolled: Any) -> None:
    code = enrolled.recovery_codes[0]
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)
    first = enter_code(client, code)
    second = Client()
    try_to_sign_in(second, NOEMIE, NOEMIE_PASSWORD)

    again = enter_code(second, code)

    assert first.status_code == 302
    assert level() == (["pwd", "mfa"], "2")
    assert again.status_code == 200


@pytest.mark.incident("CVE-2025-64102", "GHSA-xrw9-r35x-x878")
def test_codes_are_limited_by_person_across_browsers(client: Client, enrolled: Any) -> None:
    stranger = Client()
    try_to_sign_in(stranger, NOEMIE, NOEMIE_PASSWORD)
    for _ in range(5):
        other = Client()
        try_to_sign_in(other, NOEMIE, NOEMIE_PASSWORD)
        enter_code(other, "000000")

    answer = enter_code(stranger, totp(enrolled.secret))

    assert answer.status_code == 200
    assert "_auth_user_id" not in stranger.session
    assert Event.objects.filter(action=Action.SIGN_IN_REFUSED).latest("id").reason == "throttled"


def test_codes_over_the_limit_are_few_lines(client: Client, enrolled: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "MINUTE", 86_400)
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)

    for _ in range(4 + refusals.LINES + 10):
        assert enter_code(client, "000000").status_code == 200

    lines = Event.objects.filter(action=Action.SIGN_IN_REFUSED)
    assert lines.filter(reason="code").count() == 4
    assert lines.filter(reason="throttled").count() == refusals.LINES


def test_a_right_code_does_not_reset_the_count_of_its_network(client: Client, enrolled: Any) -> None:
    for number in range(19):
        try_to_sign_in(Client(), f"guess{number}", WRONG)
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)
    assert enter_code(client, totp(enrolled.secret)).status_code == 302

    try_to_sign_in(Client(), "guess98", WRONG)
    try_to_sign_in(Client(), "guess99", WRONG)

    assert Event.objects.filter(action=Action.SIGN_IN_REFUSED).latest("id").reason == "throttled"


@pytest.mark.incident("CVE-2026-49443", "CVE-2026-54730")
@pytest.mark.parametrize("body", [{}, {"code": ""}, {"code": ["", ""]}, {"code": "é" * 6}, {"code": "0" * 500}])
def test_odd_codes_open_nothing(client: Client, enrolled: Any, body: dict[str, Any]) -> None:
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)

    answer = client.post(reverse("mfa_authenticate"), body)

    assert answer.status_code == 200
    assert "_auth_user_id" not in client.session


def test_the_code_page_without_a_password_asks_for_it(client: Client, enrolled: Any) -> None:
    answer = enter_code(client, totp(enrolled.secret))

    assert answer["Location"] == reverse("account_login")


def test_somebody_who_left_between_password_and_code_stays_out(client: Client, noemie: Member, enrolled: Any) -> None:
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)
    Member.objects.filter(pk=noemie.pk).update(state=MemberState.LEFT)

    answer = enter_code(client, totp(enrolled.secret))

    assert answer["Location"] == reverse("account_login")
    assert "_auth_user_id" not in client.session
    assert not HubSession.objects.filter(ended_at=None).exists()


def test_two_factors_are_renewed_by_two_factors(client: Client, noemie: Member, enrolled: Any) -> None:
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)
    enter_code(client, totp(enrolled.secret))
    asked = timezone.now()

    first = reauth.must_reauthenticate(request_of(client, noemie), "/x")["Location"]
    confirm_password(client, NOEMIE_PASSWORD, "/x")
    half = reauth.proof_since(request_of(client, noemie), asked)
    second = reauth.must_reauthenticate(request_of(client, noemie), "/x")["Location"]
    client.post(reverse("mfa_reauthenticate"), {"code": totp(enrolled.secret, step=1), "next": "/x"})
    whole = reauth.proof_since(request_of(client, noemie), asked)

    assert first.startswith(reverse("account_reauthenticate"))
    assert second.startswith(reverse("mfa_reauthenticate"))
    assert (half, whole) == (False, True)
    assert HubSession.objects.latest("started_at").auth_time > asked


def test_a_silent_mail_server_does_not_stop_enrolment(
    inside: Client, enrol: Enrol, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_: Any, **__: Any) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(mail.EmailMessage, "send", silent)

    enrolled = enrol(inside, NOEMIE_PASSWORD)

    assert enrolled.answer.status_code == 302
    assert level()[1] == "2"


def test_a_factor_that_cannot_be_decrypted_opens_nothing(client: Client, enrolled: Any) -> None:
    Authenticator.objects.filter(type="totp").update(data={"secret": enrolled.secret})
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)

    answer = enter_code(client, totp(enrolled.secret))

    assert answer.status_code == 200
    assert "_auth_user_id" not in client.session


def test_the_forms_of_factors_are_the_hub_s_own() -> None:
    assert getattr(hub_settings, "MFA_FORMS", None) == {
        "authenticate": "idp.signin.forms.CodeForm",
        "reauthenticate": "idp.signin.forms.ConfirmCodeForm",
        "activate_totp": "idp.signin.forms.EnrolForm",
    }
