"""Setting passwords in a real directory: by their holder, by the write account, and what its policy says."""

import time
from datetime import UTC, datetime

import pytest
from django.contrib.auth import authenticate

from demo.slapd import EmbeddedDirectory
from directory import backends, passwords
from directory.ldap import passwords as client
from directory.ldap.passwords import Outcome, Verdict
from directory.ldap.sources import load
from directory.models import Member
from directory.normalise import opaque
from directory.services import synchronise
from directory.types import ChangeUncertain, DirectoryUnavailable, MemberState
from tests.support.signin import NEW_PASSWORD, NOEMIE, NOEMIE_PASSWORD, add_member_from
from tests.support.slapd import ldap_settings

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 11, 23, 8, tzinfo=UTC)
PEOPLE = "ou=membres,ou=personnes,dc=alizarine,dc=example"
POLICY = "cn=defaut,ou=politiques,dc=alizarine,dc=example"
ENTRY = f"uid={NOEMIE},{PEOPLE}"


@pytest.fixture
def own(own_directory: EmbeddedDirectory, monkeypatch) -> EmbeddedDirectory:
    monkeypatch.setattr(backends, "REFUSAL_SECONDS", 0.0)
    return own_directory


@pytest.fixture
def member(db, own) -> Member:
    return add_member_from(own, NOEMIE)


def verdict(member: Member, password: str) -> Verdict:
    return client.check_password(load(), member.entry_uuid, password).verdict


def set_policy(own: EmbeddedDirectory, **values: object) -> None:
    for name, value in values.items():
        own.modify(f"dn: {POLICY}\nchangetype: modify\nreplace: {name}\n{name}: {value}\n")


def marks(own: EmbeddedDirectory) -> str:
    return own.search("-b", ENTRY, "-s", "base", "(objectClass=*)", "pwdReset", "pwdAccountLockedTime")


# By its holder -----------------------------------------------------------------------------------------------


@pytest.mark.spec("RFC 3062", "2")
@pytest.mark.spec("OWASP ASVS", "6.2.3")
def test_a_person_changes_their_password_with_the_old_one(own, member):
    assert passwords.change(member, old=NOEMIE_PASSWORD, new=NEW_PASSWORD) is Outcome.DONE

    assert verdict(member, NEW_PASSWORD) is Verdict.ACCEPTED
    assert verdict(member, NOEMIE_PASSWORD) is Verdict.REFUSED


def test_the_directory_keeps_it_hashed_with_argon2(own, member):
    passwords.change(member, old=NOEMIE_PASSWORD, new=NEW_PASSWORD)

    kept = own.search("-b", ENTRY, "-s", "base", "(objectClass=*)", "userPassword")
    assert "e0FSR09OM" in kept, "{ARGON2}, in base64"
    assert NEW_PASSWORD not in kept


def test_a_wrong_old_password_changes_nothing(own, member):
    assert passwords.change(member, old="wrong", new=NEW_PASSWORD) is Outcome.WRONG_OLD
    assert passwords.change(member, old="", new=NEW_PASSWORD) is Outcome.WRONG_OLD

    assert verdict(member, NOEMIE_PASSWORD) is Verdict.ACCEPTED


@pytest.mark.parametrize("new", ["", "a\0b", "\ud800"])
def test_a_password_that_cannot_be_bound_with_is_never_set(own, member, new):
    assert passwords.change(member, old=NOEMIE_PASSWORD, new=new) is Outcome.QUALITY
    assert passwords.reset(member, new=new) is Outcome.QUALITY

    assert verdict(member, NOEMIE_PASSWORD) is Verdict.ACCEPTED


# What the policy says ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["change", "reset"])
def test_too_short_for_the_directory(own, member, how):
    set_policy(own, pwdMinLength=40)

    assert _set(member, how, NEW_PASSWORD) is Outcome.TOO_SHORT
    assert verdict(member, NOEMIE_PASSWORD) is Verdict.ACCEPTED


def test_a_password_there_was_is_not_taken_again(own, member):
    passwords.change(member, old=NOEMIE_PASSWORD, new=NEW_PASSWORD)

    assert passwords.change(member, old=NEW_PASSWORD, new=NOEMIE_PASSWORD) is Outcome.IN_HISTORY
    assert passwords.reset(member, new=NEW_PASSWORD) is Outcome.IN_HISTORY


def test_too_soon_after_the_last_change(own, member):
    passwords.change(member, old=NOEMIE_PASSWORD, new=NEW_PASSWORD)
    set_policy(own, pwdMinAge=1000)

    assert passwords.change(member, old=NEW_PASSWORD, new=NEW_PASSWORD + "-2") is Outcome.TOO_YOUNG


def test_a_directory_where_people_do_not_change_theirs(own, member):
    set_policy(own, pwdAllowUserChange="FALSE")

    assert passwords.change(member, old=NOEMIE_PASSWORD, new=NEW_PASSWORD) is Outcome.NOT_ALLOWED


def test_a_write_account_without_the_right_is_told_apart_from_a_silent_directory(own, member, settings):
    settings.LDAP = ldap_settings(own, write_dn=own.reader_dn, write_password=own.reader_password)

    assert passwords.reset(member, new=NEW_PASSWORD) is Outcome.NOT_ALLOWED


def test_an_expired_password_is_right_and_over(own, member):
    passwords.reset(member, new=NEW_PASSWORD)
    set_policy(own, pwdMaxAge=1)
    time.sleep(2.1)

    assert verdict(member, NEW_PASSWORD) is Verdict.EXPIRED
    assert verdict(member, "wrong") is Verdict.REFUSED
    found = authenticate(None, username=NOEMIE, password=NEW_PASSWORD)
    assert found == member
    assert found.must_change_password == "expired"


def test_a_password_on_grace_must_be_changed(own, member):
    passwords.reset(member, new=NEW_PASSWORD)
    set_policy(own, pwdMaxAge=1, pwdGraceAuthNLimit=3)
    time.sleep(2.1)

    assert verdict(member, NEW_PASSWORD) is Verdict.MUST_CHANGE


# By the write account ------------------------------------------------------------------------------------------


@pytest.mark.spec("RFC 3062", "2")
def test_the_write_account_sets_one_without_the_old(own, member):
    assert passwords.reset(member, new=NEW_PASSWORD) is Outcome.DONE

    assert verdict(member, NEW_PASSWORD) is Verdict.ACCEPTED
    assert "pwdReset" not in marks(own)


def test_a_mark_that_the_server_puts_on_a_reset_is_taken_off(own, member, settings):
    # The administrator's account has the right to manage: slapd then asks for another change (pwdMustChange).
    settings.LDAP = ldap_settings(own, write_dn=own.admin_dn, write_password=own.admin_password)
    own.modify(f"dn: {ENTRY}\nchangetype: modify\nreplace: pwdReset\npwdReset: TRUE\n")

    passwords.reset(member, new=NEW_PASSWORD)

    assert verdict(member, NEW_PASSWORD) is Verdict.ACCEPTED


def test_a_lock_for_a_while_ends_with_a_reset(own, member):
    for _ in range(11):
        verdict(member, "wrong")
    assert verdict(member, NOEMIE_PASSWORD) is Verdict.REFUSED

    passwords.reset(member, new=NEW_PASSWORD)

    assert verdict(member, NEW_PASSWORD) is Verdict.ACCEPTED


def test_a_lock_for_good_does_not(own, member):
    own.modify(f"dn: {ENTRY}\nchangetype: modify\nadd: pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z\n")

    assert passwords.reset(member, new=NEW_PASSWORD) is Outcome.CLOSED
    assert "000001010000Z" in marks(own)


def test_somebody_who_left_a_minute_ago_gets_none(own, member):
    own.modify(
        f"dn: {ENTRY}\nchangetype: modrdn\nnewrdn: uid={NOEMIE}\ndeleteoldrdn: 1\n"
        f"newsuperior: ou=anciens,ou=personnes,{own.base}\n"
    )

    assert passwords.reset(member, new=NEW_PASSWORD) is Outcome.CLOSED


def test_without_a_write_account_nothing_can_be_reset(own, member, settings):
    settings.LDAP = ldap_settings(own, write_dn="", write_password="")

    assert not passwords.can_reset(member)
    assert passwords.reset(member, new=NEW_PASSWORD) is Outcome.NOT_ALLOWED
    settings.LDAP = {"uri": "", "base": ""}
    assert not passwords.can_reset(member)


# A silent directory --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["change", "reset"])
def test_a_directory_that_is_down_changes_nothing_and_says_so(own, member, how):
    own.stop()

    with pytest.raises(DirectoryUnavailable):
        _set(member, how, NEW_PASSWORD)


@pytest.mark.parametrize("how", ["change", "reset"])
def test_a_frozen_directory_is_given_up_within_its_budget(own, member, how, settings):
    settings.LDAP = ldap_settings(own, timeout_seconds=0.5)
    began = time.monotonic()

    with own.paused(), pytest.raises(DirectoryUnavailable):
        _set(member, how, NEW_PASSWORD)

    assert time.monotonic() - began < client.CHANGE_SECONDS


def test_an_answer_that_is_lost_is_looked_for(own, member, monkeypatch):
    """The order arrived; the connection broke before the answer."""
    _lose_answers(monkeypatch, carried_out=True)

    assert passwords.reset(member, new=NEW_PASSWORD) is Outcome.DONE
    assert verdict(member, NEW_PASSWORD) is Verdict.ACCEPTED


def test_an_order_that_was_lost_has_changed_nothing(own, member, monkeypatch):
    _lose_answers(monkeypatch, carried_out=False)

    with pytest.raises(DirectoryUnavailable) as raised:
        passwords.change(member, old=NOEMIE_PASSWORD, new=NEW_PASSWORD)

    assert not isinstance(raised.value, ChangeUncertain)
    assert verdict(member, NOEMIE_PASSWORD) is Verdict.ACCEPTED


def test_where_nobody_can_tell_that_is_what_is_said(own, member, monkeypatch):
    _lose_answers(monkeypatch, carried_out=True, then=own.stop)

    with pytest.raises(ChangeUncertain):
        passwords.reset(member, new=NEW_PASSWORD)


def _lose_answers(monkeypatch, *, carried_out: bool, then=lambda: None) -> None:
    import ldap

    real = ldap.ldapobject.SimpleLDAPObject.passwd_s

    def lossy(self, *arguments, **more):
        if carried_out:
            real(self, *arguments, **more)
        then()
        raise ldap.SERVER_DOWN({"result": -1, "desc": "Can't contact LDAP server"})

    monkeypatch.setattr("ldap.ldapobject.SimpleLDAPObject.passwd_s", lossy)


def _set(member: Member, how: str, new: str) -> Outcome:
    return (
        passwords.change(member, old=NOEMIE_PASSWORD, new=new) if how == "change" else passwords.reset(member, new=new)
    )


# As it is typed ------------------------------------------------------------------------------------------------


@pytest.mark.spec("NIST SP 800-63B-4", "2")
@pytest.mark.spec("RFC 8265", "4.2.2")
def test_the_same_keys_give_the_same_password_on_every_keyboard():
    assert opaque("e\u0301te\u0301\u00a0bleu") == opaque("\u00e9t\u00e9 bleu") == "\u00e9t\u00e9 bleu"
    assert opaque("  \ufb01n \u2460 ") == "  \ufb01n \u2460 ", "nothing is cut, and nothing made compatible"
    for unreadable in ("a\0b", "a\nb", "\ud800"):
        with pytest.raises(ValueError, match="control"):
            opaque(unreadable)


@pytest.mark.spec("NIST SP 800-63B-4", "2")
def test_a_password_opens_in_whichever_form_a_keyboard_sends_it(own, member):
    passwords.reset(member, new="\u00e9t\u00e9 sous les tilleuls de Lod\u00e8ve")

    composed = authenticate(None, username=NOEMIE, password="\u00e9t\u00e9 sous les tilleuls de Lod\u00e8ve")
    apart = authenticate(None, username=NOEMIE, password="e\u0301te\u0301\u00a0sous les tilleuls de Lode\u0300ve")

    assert composed == apart == member


@pytest.mark.spec("OWASP ASVS", "6.2.8")
def test_what_was_typed_comes_first(own, member):
    """A password set elsewhere, in a form that the hub would not write."""
    odd = "e\u0301te\u0301 sous les tilleuls"
    assert client.reset_password(load(), member.entry_uuid, odd) is Outcome.DONE

    assert authenticate(None, username=NOEMIE, password=odd) == member


@pytest.mark.spec("OWASP ASVS", "6.2.9")
@pytest.mark.spec("ANSSI MFA", "R21/R22")
def test_a_thousand_characters_open(own, member):
    long = ("tilleul-" * 128)[:1024]
    passwords.reset(member, new=long)

    assert authenticate(None, username=NOEMIE, password=long) == member
    assert authenticate(None, username=NOEMIE, password=long[:-1]) is None, "the whole of it is checked"


# Accounts of the hub's own -------------------------------------------------------------------------------------


def local(**changes: object) -> Member:
    values = {"login": "secours", "login_key": "secours", "display_name": "Secours", **changes}
    member = Member(**values)
    member.set_password(NEW_PASSWORD)
    member.save()
    return member


@pytest.mark.spec("ANSSI MFA", "R28/R29")
@pytest.mark.spec("NIST SP 800-63B-4", "8")
@pytest.mark.spec("CNIL 2022-100", "6")
def test_a_password_of_the_hubs_own_is_kept_by_argon2id_with_a_salt_of_128_bits(db):
    algorithm, kind, _version, cost, salt, _hash = local().password.split("$")

    assert (algorithm, kind) == ("argon2", "argon2id")
    parameters = dict(pair.split("=") for pair in cost.split(","))
    assert int(parameters["m"]) >= 19 * 1024, "memory-hard, in KiB"
    assert len(salt) * 6 >= 128


def test_it_opens_while_the_directory_is_down(own):
    member = local()
    own.stop()

    assert authenticate(None, username="secours", password=NEW_PASSWORD) == member
    assert authenticate(None, username=" SECOURS ", password=NEW_PASSWORD) == member


@pytest.mark.spec("OWASP ASVS", "6.3.8")
def test_while_the_directory_is_down_a_wrong_password_is_answered_as_for_anybody(own, monkeypatch):
    monkeypatch.setattr(backends, "REFUSAL_SECONDS", 0.5)
    local()
    own.stop()
    times = []

    for name in ("secours", "nobody"):
        began = time.monotonic()
        with pytest.raises(DirectoryUnavailable):
            authenticate(None, username=name, password="wrong")
        times.append(time.monotonic() - began)

    # How much longer is the machine’s affair: nobody is answered before the others are.
    assert min(times) >= 0.5


@pytest.mark.spec("OWASP ASVS", "6.3.8")
def test_a_wrong_password_of_the_hubs_own_takes_the_time_of_a_name_nobody_has(own, monkeypatch):
    monkeypatch.setattr(backends, "REFUSAL_SECONDS", 0.5)
    local()
    times = []

    for name in ("secours", "nobody", "secours", "nobody"):
        began = time.monotonic()
        assert authenticate(None, username=name, password="wrong") is None
        times.append(time.monotonic() - began)

    assert min(times) >= 0.5


def test_a_member_with_an_entry_has_no_password_here_whatever_the_row_says(own, member):
    member.set_password(NEW_PASSWORD)
    member.save()

    assert not member.has_own_password
    assert authenticate(None, username=NOEMIE, password=NEW_PASSWORD) is None
    own.stop()
    with pytest.raises(DirectoryUnavailable):
        authenticate(None, username=NOEMIE, password=NEW_PASSWORD)


@pytest.mark.spec("OWASP ASVS", "6.3.2")
def test_an_account_without_a_password_opens_with_none(own):
    member = local()
    member.set_unusable_password()
    member.save()

    for typed in ("", "!", member.password, " "):
        assert authenticate(None, username="secours", password=typed) is None


@pytest.mark.parametrize("state", [MemberState.LEFT, MemberState.LOCKED, MemberState.MISSING])
def test_an_account_of_the_hubs_own_that_is_closed_opens_nothing(own, state):
    local(state=state)

    assert authenticate(None, username="secours", password=NEW_PASSWORD) is None


@pytest.mark.spec("NIST SP 800-63B-4", "8")
def test_a_hash_of_former_parameters_is_renewed_at_sign_in(own, monkeypatch):
    from django.contrib.auth.hashers import Argon2PasswordHasher

    monkeypatch.setattr(Argon2PasswordHasher, "memory_cost", 19 * 1024)
    member = local()
    before = member.password
    monkeypatch.undo()
    monkeypatch.setattr(backends, "REFUSAL_SECONDS", 0.0)

    authenticate(None, username="secours", password=NEW_PASSWORD)

    member.refresh_from_db()
    assert member.password != before
    assert "m=102400" in member.password


def test_a_pass_over_the_directory_leaves_accounts_of_the_hubs_own_alone(own):
    member = local()

    synchronise(now=MONDAY)

    member.refresh_from_db()
    assert member.state == MemberState.ACTIVE


def test_its_holder_changes_it_with_the_old_one(own):
    member = local()

    assert passwords.change(member, old="wrong", new="autre-phrase-sans-rapport") is Outcome.WRONG_OLD
    assert passwords.change(member, old=NEW_PASSWORD, new="autre-phrase-sans-rapport") is Outcome.DONE

    assert authenticate(None, username="secours", password="autre-phrase-sans-rapport") == member
