"""One entry, one person, for ever: whoever returns has what they had, and whoever gets a login again has none of it."""

from datetime import datetime
from uuid import UUID

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings as hub_settings
from django.test import Client
from django.utils import timezone

from audit.types import SYSTEM, Actor
from consent import selectors as consents
from consent import services as consent_services
from demo.slapd import EmbeddedDirectory
from directory.models import Collective, Member, Membership, RoleGrant
from directory.services import synchronise
from directory.types import Kind, MemberState, Role
from idp.models import Browser, HubSession
from launcher.models import Favourite
from tests.support.cast import FORMATION, notice_of
from tests.support.oidc import Party, answer_of, connect
from tests.support.passkeys import Passkey, add, enter
from tests.support.signin import NOEMIE, NOEMIE_PASSWORD, confirm_password, try_to_sign_in
from tests.support.slapd import add_person, settle

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("signing_key")]
NEW_PASSWORD = "alizarine-lavande"
MEMBERS = "ou=membres,ou=personnes,dc=alizarine,dc=example"
ELSEWHERE = "ou=services,dc=alizarine,dc=example"
OFFLINE = "openid offline_access"
ENTRY = f"uid={NOEMIE},{MEMBERS}"


class Held:
    """What somebody has in the hub, and what tools hold of them."""

    def __init__(self, member: Member) -> None:
        self.member = member
        self.agenda: Party = connect("agenda", offline_access=True)
        self.files: Party = connect("fichiers", subject_type="login")
        self.browser, self.phone = Client(), Passkey()
        try_to_sign_in(self.browser, NOEMIE, NOEMIE_PASSWORD, remember="on")
        confirm_password(self.browser, NOEMIE_PASSWORD)
        assert add(self.browser, self.phone).status_code == 302
        self.tokens = self.agenda.exchange(self.agenda.code(self.browser, scope=OFFLINE)).json()
        self.subjects = self.subjects_in(self.browser)
        tool = connect("formation").tool
        consent_services.declare(tool_id=tool.pk, sheet=FORMATION, actor=SYSTEM, now=timezone.now())
        consent_services.answer(
            member_id=member.pk,
            tool_id=tool.pk,
            notice_id=notice_of(tool),
            accepted=frozenset({"phone"}),
            actor=Actor(member=member.pk),
            language="fr",
            now=timezone.now(),
        )
        self.formation = tool
        Favourite.objects.create(member=member, tool=tool)
        Browser.objects.filter(member=member).update(trusted_until=timezone.now() + hub_settings.BROWSER_TRUST)
        RoleGrant.objects.create(member=member, role=Role.OFFICE)
        self.collectives = self.collectives_of(member)

    def subjects_in(self, browser: Client) -> list[str]:
        return [
            str(tool.claims(tool.exchange(answer_of(tool.authorize(browser))["code"]).json()["id_token"])["sub"])
            for tool in (self.agenda, self.files)
        ]

    @staticmethod
    def collectives_of(member: Member) -> set[UUID]:
        rows = Membership.objects.filter(member=member).exclude(collective__kind=Kind.STATUS)
        return set(rows.values_list("collective_id", flat=True))

    def opens(self) -> dict[str, bool]:
        """What the browser, the passkey and the tokens of before open now."""
        by_passkey = Client()
        enter(by_passkey, self.phone)
        return {
            "session": self.browser.get("/").status_code == 200,
            "passkey": "_auth_user_id" in by_passkey.session,
            "access token": self.agenda.userinfo(self.tokens["access_token"]).status_code == 200,
            "refresh token": "access_token" in self.agenda.refresh(self.tokens["refresh_token"]).json(),
        }


def a_pass() -> datetime:
    now = timezone.now()
    synchronise(now=now)
    return now


@pytest.fixture
def held(small_directory: EmbeddedDirectory) -> Held:
    a_pass()
    found = Held(Member.objects.get(login=NOEMIE))
    assert found.collectives
    return found


def move(server: EmbeddedDirectory, dn: str, branch: str) -> None:
    rdn = dn.partition(",")[0]
    server.modify(f"dn: {dn}\nchangetype: modrdn\nnewrdn: {rdn}\ndeleteoldrdn: 1\nnewsuperior: {branch}\n")
    settle(server)


@pytest.mark.parametrize("away", [ELSEWHERE, "ou=anciens,ou=personnes,dc=alizarine,dc=example", "locked"])
def test_the_same_entry_that_returns_is_the_same_person_with_all_they_had(
    held: Held, small_directory: EmbeddedDirectory, away: str
) -> None:
    lock = f"dn: {ENTRY}\nchangetype: modify\n{{}}: pwdAccountLockedTime\n"
    if away == "locked":
        small_directory.modify(lock.format("replace") + "pwdAccountLockedTime: 000001010000Z\n")
    else:
        move(small_directory, ENTRY, away)
    left_at = a_pass()
    gone = Member.objects.get(pk=held.member.pk)
    opened_meanwhile = held.opens()

    if away == "locked":
        small_directory.modify(lock.format("delete"))
    else:
        move(small_directory, f"uid={NOEMIE},{away}", MEMBERS)
    came_back_at = a_pass()
    a_pass()

    states = {ELSEWHERE: (MemberState.MISSING, "out_of_scope"), "locked": (MemberState.LOCKED, "locked_for_good")}
    assert (gone.state, gone.state_reason) == states.get(away, (MemberState.LEFT, "former_branch"))
    assert gone.state_since == left_at
    assert set(opened_meanwhile.values()) == {False}
    back = Member.objects.get(pk=held.member.pk)
    assert (back.state, back.state_reason, back.state_since) == (MemberState.ACTIVE, "", came_back_at)
    assert (back.entry_uuid, back.is_active) == (held.member.entry_uuid, True)
    # What was theirs is theirs; what was open is not open again by itself.
    assert held.collectives_of(back) == held.collectives
    assert Favourite.objects.filter(member=back, tool=held.formation).exists()
    assert consents.release(back.pk, held.formation.pk, frozenset({"name", "email", "phone"})).items
    assert held.opens() == {"session": False, "passkey": True, "access token": False, "refresh token": False}
    assert not Browser.objects.filter(member=back, trusted_until__gt=timezone.now(), ended_at=None).exists()
    again = Client()
    enter(again, held.phone)
    assert held.subjects_in(again) == held.subjects
    # A role is given by somebody who knows that they are back.
    assert RoleGrant.objects.filter(member=back).exists() == (away == "locked")


@pytest.mark.incident("CVE-2026-19607")
@pytest.mark.parametrize("seen_between", [True, False])
def test_whoever_gets_a_login_again_is_somebody_else_and_inherits_nothing(
    held: Held, small_directory: EmbeddedDirectory, seen_between: bool
) -> None:
    small_directory.modify(f"dn: {ENTRY}\nchangetype: delete\n")
    settle(small_directory)
    if seen_between:
        a_pass()
    add_person(small_directory, NOEMIE, NEW_PASSWORD, branch=MEMBERS, mail=held.member.email)
    a_pass()

    newcomer = Member.objects.active().get(login=NOEMIE)
    by_their_password, by_the_old_one = Client(), Client()
    answer = try_to_sign_in(by_their_password, NOEMIE, NEW_PASSWORD)
    try_to_sign_in(by_the_old_one, NOEMIE, NOEMIE_PASSWORD)

    assert newcomer.pk != held.member.pk
    assert newcomer.entry_uuid != held.member.entry_uuid
    assert answer.status_code == 302
    assert "_auth_user_id" not in by_the_old_one.session
    assert set(held.opens().values()) == {False}
    # Nothing of the former person's: means to enter, agreements, favourites, browsers, roles, collectives.
    for rows in (
        Authenticator.objects.filter(user=newcomer.pk),
        Favourite.objects.filter(member=newcomer),
        RoleGrant.objects.filter(member=newcomer),
        Collective.objects.filter(leads=newcomer),
        HubSession.objects.filter(member=newcomer).exclude(ended_at=None),
    ):
        assert not rows.exists(), rows.model
    assert not held.collectives_of(newcomer)
    assert Browser.objects.filter(member=newcomer).count() == 1, "the one they have just come with"
    assert consents.standing(newcomer.pk, held.formation.pk) is None
    assert not set(held.subjects_in(by_their_password)) & set(held.subjects)
    # And the former one's stay the former one's.
    former = Member.objects.get(pk=held.member.pk)
    assert former.state == MemberState.MISSING
    assert Authenticator.objects.filter(user=former.pk).exists()
    assert consents.standing(former.pk, held.formation.pk) is not None


@pytest.mark.incident("CVE-2026-19607")
def test_the_browser_of_the_former_person_is_a_stranger_to_the_new_one(
    held: Held, small_directory: EmbeddedDirectory
) -> None:
    """Its cookie trusted it for the one; it trusts nobody for the other."""
    small_directory.modify(f"dn: {ENTRY}\nchangetype: delete\n")
    add_person(small_directory, NOEMIE, NEW_PASSWORD, branch=MEMBERS)
    a_pass()

    try_to_sign_in(held.browser, NOEMIE, NEW_PASSWORD)

    newcomer = Member.objects.active().get(login=NOEMIE)
    assert held.browser.session["_auth_user_id"] == str(newcomer.pk)
    assert Browser.objects.get(member=newcomer).trusted_until is None
    assert not Browser.objects.filter(member=held.member, ended_at=None).exists()
