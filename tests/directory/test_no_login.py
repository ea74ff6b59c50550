"""Somebody whom the directory gives no login (``uid``): kept, let in by address and password, told to the office."""

import pytest
from django.contrib.auth import authenticate

from demo.slapd import EmbeddedDirectory
from directory import backends
from directory.models import Member, SyncIssue, SyncRun
from directory.services import synchronise
from directory.types import MailState, MemberState
from tests.support.passes import MONDAY, TUESDAY

pytestmark = pytest.mark.django_db
MEMBERS = "ou=membres,ou=personnes,dc=alizarine,dc=example"
PASSWORD = "alizarine-sans-identifiant"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "REFUSAL_SECONDS", 0.0)


def add_without_login(server: EmbeddedDirectory, name: str, mail: str) -> str:
    """``uid`` is no attribute that inetOrgPerson asks for (RFC 2798 §9.1.4)."""
    dn = f"cn={name},{MEMBERS}"
    server.modify(
        f"dn: {dn}\nchangetype: add\nobjectClass: inetOrgPerson\ncn: {name}\nsn: {name.split()[-1]}\n"
        f"mail: {mail}\nuserPassword: {PASSWORD}\n"
    )
    return dn


def sign_in(name: str, password: str = PASSWORD) -> Member | None:
    found = authenticate(None, username=name, password=password)
    return found if isinstance(found, Member) else None


def open_issues(member: Member) -> set[str]:
    found = SyncIssue.objects.filter(entry_uuid=str(member.entry_uuid), resolved_at=None)
    return set(found.values_list("code", flat=True))


def test_somebody_without_a_login_is_kept_and_enters_by_their_address(own_directory):
    one = add_without_login(own_directory, "Lise Sanslogin", "lise.sanslogin@alizarine.example")
    other = add_without_login(own_directory, "Paul Sanslogin", "paul.sanslogin@alizarine.example")

    synchronise(now=MONDAY)

    lise, paul = Member.objects.get(dn=one), Member.objects.get(dn=other)
    assert (lise.state, lise.login, lise.email_state) == (MemberState.ACTIVE, "", MailState.OK)
    assert sign_in("lise.sanslogin@alizarine.example") == lise
    assert sign_in("Paul.Sanslogin@alizarine.example") == paul
    assert sign_in("lise.sanslogin@alizarine.example", "alizarine-garrigue") is None
    # Two without a login do not share one.
    assert open_issues(lise) == open_issues(paul) == {"no_login"}
    told = {(issue["code"], issue["dn"]) for issue in SyncRun.objects.get().report["issues"]}
    assert {("no_login", one), ("no_login", other)} <= told
    assert all(sign_in(name) is None for name in (" ", "Lise Sanslogin", one))


def test_somebody_without_a_login_enters_before_the_first_pass_that_sees_them(own_directory):
    synchronise(now=MONDAY)
    dn = add_without_login(own_directory, "Lise Sanslogin", "lise.sanslogin@alizarine.example")

    entered = sign_in("lise.sanslogin@alizarine.example")
    synchronise(now=TUESDAY)

    assert entered is not None
    assert entered == Member.objects.get(dn=dn)
    assert open_issues(entered) == {"no_login"}


def test_whoever_loses_their_login_keeps_their_account_and_has_it_again_when_it_is_put_back(own_directory):
    synchronise(now=MONDAY)
    noemie = Member.objects.get(login="noemie.ferrand")
    password = "alizarine-garrigue"
    own_directory.modify(f"dn: {noemie.dn}\nchangetype: modrdn\nnewrdn: cn=Noémie Ferrand\ndeleteoldrdn: 1\n")
    synchronise(now=TUESDAY)

    without = Member.objects.get(pk=noemie.pk)
    by_login, by_mail = (sign_in(name, password) for name in (noemie.login, noemie.email))
    issues = open_issues(without)
    own_directory.modify(f"dn: {without.dn}\nchangetype: modrdn\nnewrdn: uid=noemie.ferrand\ndeleteoldrdn: 0\n")
    synchronise(now=TUESDAY)

    assert (without.state, without.login) == (MemberState.ACTIVE, "")
    assert (by_login, by_mail) == (None, noemie)
    assert issues == {"no_login"}
    assert sign_in(noemie.login, password) == noemie
    assert not open_issues(noemie)
