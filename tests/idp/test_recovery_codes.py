"""Recovery codes: digests at rest, shown once, saved once, good once, and those of the release before."""

import json
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.apps import apps
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.models import Event
from audit.types import Action
from directory.models import Member
from idp.models import HubSession
from idp.services import reseal
from idp.services.accounts import mails, recovery_codes
from idp.signin import secrets, shown_codes
from tests.support.cast import MONDAY
from tests.support.races import together
from tests.support.signin import NOEMIE, NOEMIE_PASSWORD, Enrol, confirm_password, totp, try_to_sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh_counts() -> Any:
    cache.clear()
    yield
    cache.clear()


def rows() -> Any:
    return Authenticator.objects.filter(type="recovery_codes")


def of_the_release_before(member: Member, *, used: int = 0) -> list[str]:
    """A row as allauth makes it, and the codes that were on the member's paper."""
    data = {"seed": secrets.encrypt(RecoveryCodes.generate_seed()), "used_mask": used}
    row = Authenticator.objects.create(user=member, type="recovery_codes", data=data)
    return list(RecoveryCodes(row).get_unused_codes())


def enter_by(code: str) -> bool:
    browser = Client()
    try_to_sign_in(browser, NOEMIE, NOEMIE_PASSWORD)
    browser.post(reverse("mfa_authenticate"), {"code": code})
    return "_auth_user_id" in browser.session


@pytest.fixture
def inside(client: Client, noemie: Member) -> Client:
    try_to_sign_in(client, NOEMIE, NOEMIE_PASSWORD)
    return client


# At rest -------------------------------------------------------------------------------------------------------


@pytest.mark.spec("OWASP ASVS", "6.5.2")
@pytest.mark.spec("ANSSI MFA", "R13")
def test_neither_the_database_nor_the_session_holds_a_code(member: Member, rf: Any, client: Client) -> None:
    row, codes = recovery_codes.make(member_id=member.pk, now=MONDAY)
    request = rf.get("/")
    request.session = client.session

    shown_codes.keep(request, codes)

    kept = json.dumps(row.data) + json.dumps(request.session[shown_codes.FIELD])
    for code in codes:
        assert code not in kept
        assert recovery_codes.normalised(code) not in kept
    assert len(row.data["digests"]) == 10


@pytest.mark.spec("OWASP ASVS", "6.5.4")
@pytest.mark.spec("ANSSI MFA", "R5")
def test_codes_are_many_bits_and_all_different(member: Member) -> None:
    made = {code for _ in range(3) for code in recovery_codes.make(member_id=member.pk, now=MONDAY)[1]}

    assert len(made) == 30
    assert len(recovery_codes.ALPHABET) ** recovery_codes.LENGTH > 2**20
    assert all(set(recovery_codes.normalised(code)) <= set(recovery_codes.ALPHABET) for code in made)


def test_without_the_key_from_outside_the_database_no_digest_can_be_compared(member: Member, settings: Any) -> None:
    _row, codes = recovery_codes.make(member_id=member.pk, now=MONDAY)
    settings.KEY_ENCRYPTION_KEY = "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA="

    with pytest.raises(secrets.InvalidToken):
        recovery_codes.use(member_id=member.pk, typed=codes[0])


def test_codes_outlive_a_change_of_the_key(member: Member, settings: Any) -> None:
    _row, codes = recovery_codes.make(member_id=member.pk, now=MONDAY)
    new = "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA="
    settings.KEY_ENCRYPTION_KEY = f"{new} {settings.KEY_ENCRYPTION_KEY}"
    reseal.reseal_all(now=MONDAY)
    settings.KEY_ENCRYPTION_KEY = new

    assert recovery_codes.use(member_id=member.pk, typed=codes[0]) is not None


# Once ----------------------------------------------------------------------------------------------------------


@pytest.mark.spec("OWASP ASVS", "6.5.1")
@pytest.mark.parametrize("typed", ["plain", "lower", "spaces", "no dash"])
def test_a_code_serves_once_however_it_is_typed(member: Member, typed: str) -> None:
    _row, codes = recovery_codes.make(member_id=member.pk, now=MONDAY)
    code = codes[3]
    ways = {"plain": code, "lower": code.lower(), "spaces": f"  {code} ", "no dash": code.replace("-", "")}

    assert recovery_codes.use(member_id=member.pk, typed=ways[typed]) is not None
    assert recovery_codes.use(member_id=member.pk, typed=codes[3]) is None
    assert recovery_codes.left(member.pk) == 9


@pytest.mark.parametrize("typed", ["", "-", "é" * 8, "00000000", "A" * 500, "\x00" * 8])
def test_what_is_no_code_uses_none_up(member: Member, typed: str) -> None:
    recovery_codes.make(member_id=member.pk, now=MONDAY)

    assert recovery_codes.use(member_id=member.pk, typed=typed) is None
    assert recovery_codes.left(member.pk) == 10


def test_the_codes_of_somebody_else_are_worth_nothing(member: Member, noemie: Member) -> None:
    _row, codes = recovery_codes.make(member_id=member.pk, now=MONDAY)
    recovery_codes.make(member_id=noemie.pk, now=MONDAY)

    assert recovery_codes.use(member_id=noemie.pk, typed=codes[0]) is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.spec("OWASP ASVS", "6.5.1")
def test_of_two_at_once_one_enters(member: Member) -> None:
    _row, codes = recovery_codes.make(member_id=member.pk, now=MONDAY)

    def use() -> bool:
        return recovery_codes.use(member_id=member.pk, typed=codes[0]) is not None

    results = together(use, use)

    assert sorted(results) == [False, True]
    assert recovery_codes.left(member.pk) == 9


# Those of the release before -----------------------------------------------------------------------------------


def test_codes_of_the_release_before_keep_working_and_are_digests_afterwards(member: Member) -> None:
    codes = of_the_release_before(member, used=0b101)
    assert len(codes) == 8

    digest = import_module("idp.migrations.0010_recovery_codes").digest
    digest(apps, None)

    data = rows().get().data
    assert set(data) == {"salt", "digests"}
    assert recovery_codes.left(member.pk) == 8
    for code in codes:
        assert recovery_codes.use(member_id=member.pk, typed=code) is not None
        assert recovery_codes.use(member_id=member.pk, typed=code) is None


def test_a_row_written_by_the_release_before_beside_this_one_is_read_too(member: Member) -> None:
    codes = of_the_release_before(member)

    assert recovery_codes.left(member.pk) == 10
    assert recovery_codes.use(member_id=member.pk, typed=codes[4]) is not None
    assert "seed" not in rows().get().data


def test_a_seed_that_nobody_can_open_stops_nothing(member: Member) -> None:
    Authenticator.objects.create(user=member, type="recovery_codes", data={"seed": "canari", "used_mask": 0})

    import_module("idp.migrations.0010_recovery_codes").digest(apps, None)

    assert recovery_codes.left(member.pk) == 0
    assert recovery_codes.use(member_id=member.pk, typed="12345678") is None


# The pages -----------------------------------------------------------------------------------------------------


def test_codes_are_shown_once_and_saved_once(inside: Client, enrol: Enrol) -> None:
    enrolled = enrol(inside, NOEMIE_PASSWORD)
    address = reverse("mfa_download_recovery_codes")

    again = inside.get(reverse("mfa_view_recovery_codes")).content.decode()
    by_link = inside.get(address)
    saved = inside.post(address)
    twice = inside.post(address)

    assert all(code not in again for code in enrolled.recovery_codes)
    assert "10 codes restants." in again
    assert by_link["Location"] == twice["Location"] == reverse("mfa_view_recovery_codes")
    assert saved["Content-Disposition"] == 'attachment; filename="trousseau-codes.txt"'
    assert all(code in saved.content.decode() for code in enrolled.recovery_codes)
    assert saved["Cache-Control"].count("no-store") == 1
    assert shown_codes.FIELD not in inside.session
    text = json.dumps([row.get_decoded() for row in Session.objects.all()], default=str)
    assert all(code not in text for code in enrolled.recovery_codes)


def test_codes_nobody_saved_are_gone_after_minutes(
    inside: Client, enrol: Enrol, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(inside, NOEMIE_PASSWORD)
    monkeypatch.setattr(shown_codes, "KEPT", timedelta(seconds=-1))

    answer = inside.post(reverse("mfa_download_recovery_codes"))

    assert answer.status_code == 302
    assert shown_codes.FIELD not in inside.session


@pytest.mark.spec("NIST SP 800-63B-4", "15")
@pytest.mark.spec("OWASP ASVS", "6.3.7")
def test_a_recovery_code_enters_once_and_the_member_is_told(inside: Client, noemie: Member, enrol: Enrol) -> None:
    enrolled = enrol(inside, NOEMIE_PASSWORD)
    mails.send_due(now=timezone.now())
    mail.outbox.clear()

    assert enter_by(enrolled.recovery_codes[0])
    assert not enter_by(enrolled.recovery_codes[0])

    assert HubSession.objects.latest("started_at").methods == ["pwd", "mfa"]
    mails.send_due(now=timezone.now())
    (told,) = [each for each in mail.outbox if each.subject == "Un code de secours a servi"]
    assert "Il en reste 9." in told.body
    assert enrolled.recovery_codes[0] not in told.body


def test_new_codes_end_the_old_ones_and_are_told_of(inside: Client, noemie: Member, enrol: Enrol) -> None:
    enrolled = enrol(inside, NOEMIE_PASSWORD)

    inside.post(reverse("mfa_generate_recovery_codes"))
    page = inside.get(reverse("mfa_view_recovery_codes"))

    new = list(page.context["unused_codes"])
    assert len(new) == 10
    assert not set(new) & set(enrolled.recovery_codes)
    assert not enter_by(enrolled.recovery_codes[0])
    assert enter_by(new[0])
    added = [line.facts["factor"] for line in Event.objects.filter(action=Action.FACTOR_ADDED).order_by("pk")]
    assert added == ["totp", "recovery_codes", "recovery_codes"]
    mails.send_due(now=timezone.now())
    assert "Nouveaux codes de secours" in [message.subject for message in mail.outbox]


def test_a_session_keeps_its_level_when_the_codes_it_used_are_made_anew(inside: Client, enrol: Enrol) -> None:
    enrolled = enrol(inside, NOEMIE_PASSWORD)
    browser = Client()
    try_to_sign_in(browser, NOEMIE, NOEMIE_PASSWORD)
    browser.post(reverse("mfa_authenticate"), {"code": enrolled.recovery_codes[0]})
    mine = HubSession.objects.latest("started_at")
    inside.post(reverse("mfa_generate_recovery_codes"))

    confirm_password(browser, NOEMIE_PASSWORD)

    mine.refresh_from_db()
    assert (mine.acr, mine.methods) == ("2", ["pwd", "mfa"])


@pytest.mark.parametrize("left", [2, 1, 0])
def test_the_pages_warn_when_few_are_left(inside: Client, noemie: Member, enrol: Enrol, left: int) -> None:
    enrol(inside, NOEMIE_PASSWORD)
    row = rows().get()
    row.data["digests"] = row.data["digests"][:left]
    row.save()

    security = inside.get(reverse("mfa_index")).content.decode()
    codes = inside.get(reverse("mfa_view_recovery_codes")).content.decode()

    assert "créez de nouveaux codes avant" in security
    assert "Créez-en de nouveaux avant" in codes


def test_there_are_no_codes_without_a_factor(inside: Client) -> None:
    confirm_password(inside, NOEMIE_PASSWORD)

    assert inside.get(reverse("mfa_view_recovery_codes")).status_code == 404
    assert inside.post(reverse("mfa_generate_recovery_codes"))["Location"] == reverse("mfa_choose")
    assert not rows().exists()


def test_a_code_of_the_application_still_enters_beside_them(inside: Client, enrol: Enrol) -> None:
    enrolled = enrol(inside, NOEMIE_PASSWORD)

    assert enter_by(totp(enrolled.secret))
    assert recovery_codes.left(Member.objects.get(login=NOEMIE).pk) == 10
    assert settings.MFA_TOTP_TOLERANCE == 1
