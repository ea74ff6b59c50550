"""Passes over a real 389 Directory Server, and signing in with it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from demo.slapd import EmbeddedDirectory
from directory.ldap import passwords, reading, sources
from directory.ldap.passwords import Outcome, Verdict
from directory.models import Collective, DirectorySource, Member, Membership, SyncRun
from directory.services import synchronise
from directory.types import DirectoryRefused, DirectoryUnavailable, MemberState, Mode, RunStatus, ServerKind
from tests.support.ds389 import Ds389
from tests.support.slapd import ldap_settings, settle

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 11, 23, 8, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(days=1)
BASE = EmbeddedDirectory.base
MEMBERS, STAFF, FORMER = (f"ou={name},ou=personnes,{BASE}" for name in ("membres", "equipe", "anciens"))
NOEMIE = f"uid=noemie.ferrand,{MEMBERS}"
SECRET, ANOTHER, YET_ANOTHER = "alizarine-garrigue", "nouveau-mot-de-passe-1", "nouveau-mot-de-passe-2"


def follow(settings: Any, server: EmbeddedDirectory, kind: ServerKind) -> DirectorySource:
    """The hub reads this directory."""
    bases = {"people_base": f"ou=personnes,{BASE}", "groups_base": f"ou=groupes,{BASE}"}
    settings.LDAP = ldap_settings(server, **bases)
    source = sources.settings_source()
    source.server = kind
    source.save()
    return source


@pytest.fixture
def followed(settings: Any, fresh_ds389: Ds389) -> Ds389:
    follow(settings, fresh_ds389, ServerKind.DS389)
    synchronise(now=MONDAY)
    return fresh_ds389


def noemie() -> Member:
    return Member.objects.get(login="noemie.ferrand")


def change(server: Ds389, dn: str, lines: str) -> None:
    server.modify(f"dn: {dn}\nchangetype: modify\n{lines}")


def rename(server: Ds389, dn: str, name: str, superior: str = "") -> None:
    moved = f"newsuperior: {superior}\n" if superior else ""
    server.modify(f"dn: {dn}\nchangetype: modrdn\nnewrdn: {name}\ndeleteoldrdn: 1\n{moved}")


def told() -> dict[str, Any]:
    """What the hub holds of people and groups, whichever server it comes from."""
    columns = [
        field.name
        for field in Member._meta.concrete_fields
        if field.name not in {"id", "entry_uuid", "source", "csn", "digest", "handle", "password", "dn", "dn_key"}
        and not field.name.endswith(("_since", "_at", "_by"))
    ]
    return {
        # One name may have been somebody else's before.
        "people": {(row["dn_key"], row["state"]): row for row in Member.objects.values("dn_key", *columns)},
        "groups": sorted(Collective.objects.values_list("dn_key", "name", "kind", "description", "present")),
        "members": sorted(Membership.objects.values_list("collective__dn_key", "member__dn_key", "direct")),
        "leads": sorted(Collective.leads.through.objects.values_list("collective__dn_key", "member__dn_key")),
    }


def next_pass(expected: Mode = Mode.PIVOT) -> dict[str, int]:
    run = synchronise(now=TUESDAY)
    assert run.mode == expected
    assert run.status in (RunStatus.OK, RunStatus.PROBLEMS)
    return {name: count for name, count in run.counts.items() if count and name.startswith(("people", "groups"))}


# Passes ----------------------------------------------------------------------------------------------------------


def test_both_servers_give_the_same_people_and_groups_before_and_after_five_weeks(
    settings, fresh_ds389, fresh_directory
):
    def two_passes(server: EmbeddedDirectory, kind: ServerKind) -> tuple[Any, Any]:
        follow(settings, server, kind)
        synchronise(now=MONDAY)
        before = told()
        server.modify(server.changes_file.read_bytes())
        settle(server)
        synchronise(now=TUESDAY)
        return before, told()

    one = two_passes(fresh_ds389, ServerKind.DS389)
    for model in (SyncRun, Membership, Collective.leads.through, Collective, Member, DirectorySource):
        model.objects.all().delete()
    other = two_passes(fresh_directory, ServerKind.OPENLDAP)

    for mine, theirs in zip(one, other, strict=True):
        assert mine["people"] == theirs["people"]
        assert mine == theirs
        assert len(mine["people"]) > 400
    assert one[0] != one[1]


def test_the_second_pass_writes_nothing(followed):
    before = told()

    run = synchronise(now=TUESDAY)

    assert run.mode == Mode.PIVOT
    assert not run.counts.get("written")
    assert told() == before


@pytest.mark.parametrize(
    ("happens", "counts", "state", "reason"),
    [
        (
            lambda server: change(server, NOEMIE, "replace: l\nl: Agde\n"),
            {"people_changed": 1},
            MemberState.ACTIVE,
            "",
        ),
        (
            lambda server: change(server, NOEMIE, "add: nsAccountLock\nnsAccountLock: true\n"),
            {"people_ended": 1},
            MemberState.LOCKED,
            "locked_for_good",
        ),
        (
            lambda server: rename(server, NOEMIE, "uid=noemie.ferrand", FORMER),
            {"people_ended": 1},
            MemberState.LEFT,
            "former_branch",
        ),
        (
            lambda server: rename(server, NOEMIE, "uid=noemie.ferrand", f"ou=services,{BASE}"),
            {"people_ended": 1},
            MemberState.MISSING,
            "out_of_scope",
        ),
        (
            lambda server: server.modify(f"dn: {NOEMIE}\nchangetype: delete\n"),
            {"people_ended": 1},
            MemberState.MISSING,
            "entry_gone",
        ),
        (
            lambda server: rename(server, NOEMIE, "uid=noemie.autre"),
            {"people_changed": 1},
            MemberState.ACTIVE,
            "",
        ),
    ],
    ids=["edited", "locked", "left", "moved away", "deleted", "renamed"],
)
def test_what_happens_to_an_entry_arrives(followed, happens: Callable[[Ds389], None], counts, state, reason):
    member = noemie()

    happens(followed)
    seen = next_pass()

    member.refresh_from_db()
    assert {name: count for name, count in seen.items() if name.startswith("people")} == counts
    assert (member.state, member.state_reason) == (state, reason)


def test_a_renamed_branch_keeps_everybody_and_their_groups(followed):
    """No mark of the people below changes: their names tell."""
    before, members = told(), {member.pk: member.dn for member in Member.objects.filter(dn__endswith=STAFF)}

    rename(followed, STAFF, "ou=permanents")
    next_pass()

    after = told()
    assert members
    assert all(Member.objects.get(pk=pk).dn == dn.replace("equipe", "permanents") for pk, dn in members.items())
    assert len(after["members"]) == len(before["members"])
    assert {row["state"] for row in after["people"].values()} == {row["state"] for row in before["people"].values()}


def test_the_same_entry_that_returns_is_the_same_member_and_a_new_one_is_not(followed):
    member = noemie()
    rename(followed, NOEMIE, "uid=noemie.ferrand", f"ou=services,{BASE}")
    next_pass()
    rename(followed, f"uid=noemie.ferrand,ou=services,{BASE}", "uid=noemie.ferrand", MEMBERS)
    next_pass()
    member.refresh_from_db()
    returned = member.state
    followed.modify(f"dn: {NOEMIE}\nchangetype: delete\n")
    next_pass()
    followed.modify(f"dn: {NOEMIE}\nchangetype: add\nobjectClass: inetOrgPerson\ncn: N\nsn: N\n")
    next_pass()

    member.refresh_from_db()
    assert returned == MemberState.ACTIVE
    assert member.state == MemberState.MISSING
    assert Member.objects.filter(login="noemie.ferrand").count() == 2


def test_the_watermark_tells_whether_to_look(followed):
    ldap = sources.load()

    def watermark() -> tuple[str, ...]:
        with reading.reading(ldap) as read:
            return read.watermark()

    first, second = watermark(), watermark()
    change(followed, NOEMIE, "replace: l\nl: Agde\n")

    assert first == second != watermark()


def test_a_correction_is_found_by_its_number_before_everybody_is_listed(followed, monkeypatch):
    def cut(_: reading.Reading) -> None:
        raise DirectoryUnavailable

    change(followed, NOEMIE, "replace: l\nl: Agde\n")
    monkeypatch.setattr(reading.Reading, "pivots", cut)

    with pytest.raises(DirectoryUnavailable):
        next_pass()

    assert noemie().town == "Agde"


def test_without_its_counter_a_change_is_seen_all_the_same(followed):
    """Entries keep the last number they had: everybody is read in full."""
    plugin = "cn=USN,cn=plugins,cn=config"
    change(followed, plugin, "replace: nsslapd-pluginEnabled\nnsslapd-pluginEnabled: off\n")
    followed.stop()
    followed.start(followed.port, ldaps=True)

    change(followed, NOEMIE, "replace: l\nl: Agde\n")
    next_pass()

    assert noemie().town == "Agde"


def test_an_older_copy_waits_wholly(followed, tmp_path, settings):
    port = followed.port
    followed.stop(gently=True)
    older = followed.copy_to(tmp_path / f"{followed.folder.name}-older")
    followed.start(port, ldaps=True)
    change(followed, NOEMIE, "replace: l\nl: Agde\n")
    next_pass(Mode.PIVOT)
    followed.stop()

    with older.start(port, ldaps=True):
        run = synchronise(now=TUESDAY)

    assert run.status == RunStatus.HELD
    assert [held["what"] for held in run.report["held"]] == ["server_went_back"]
    assert noemie().town == "Agde"


def test_a_limit_is_a_failure_and_not_a_departure(followed):
    change(followed, followed.reader_dn, "replace: nsPagedLookThroughLimit\nnsPagedLookThroughLimit: 210\n")

    with pytest.raises(DirectoryRefused, match="ADMINLIMIT_EXCEEDED"):
        synchronise(now=TUESDAY)

    assert Member.objects.filter(state=MemberState.MISSING).count() == 0


# Passwords -------------------------------------------------------------------------------------------------------


def test_a_member_signs_in_and_nobody_else_does(followed):
    ldap, member = sources.load(), noemie()

    assert passwords.check_password(ldap, member.entry_uuid, SECRET).verdict is Verdict.ACCEPTED
    assert passwords.check_password(ldap, member.entry_uuid, "wrong").verdict is Verdict.REFUSED
    assert passwords.check_password(ldap, member.entry_uuid, "").verdict is Verdict.REFUSED
    assert passwords.check_password(ldap, None, SECRET).verdict is Verdict.REFUSED


def test_a_locked_member_does_not_sign_in(followed):
    change(followed, NOEMIE, "add: nsAccountLock\nnsAccountLock: true\n")

    check = passwords.check_password(sources.load(), noemie().entry_uuid, SECRET)

    assert check.verdict is Verdict.REFUSED


def policy(server: Ds389, **settings: str) -> None:
    lines = "-\n".join(f"replace: {name}\n{name}: {value}\n" for name, value in settings.items())
    change(server, "cn=config", lines)


def test_a_password_that_is_over_or_was_set_by_somebody_else_is_told_apart(followed):
    ldap, member = sources.load(), noemie()
    policy(followed, passwordExp="on", passwordMaxAge="86400", passwordMustChange="on")
    change(followed, NOEMIE, "replace: passwordExpirationTime\npasswordExpirationTime: 20260101000000Z\n")
    expired = passwords.check_password(ldap, member.entry_uuid, SECRET).verdict

    change(followed, NOEMIE, f"replace: userPassword\nuserPassword: {ANOTHER}\n")
    replaced = passwords.check_password(ldap, member.entry_uuid, ANOTHER).verdict

    assert (expired, replaced) == (Verdict.EXPIRED, Verdict.MUST_CHANGE)


def test_a_member_changes_their_password_and_reads_why_one_is_refused(followed):
    ldap, member = sources.load(), noemie()
    policy(followed, passwordCheckSyntax="on", passwordMinLength="12", passwordHistory="on", passwordInHistory="3")

    def outcome(old: str, new: str) -> Outcome:
        return passwords.change_password(ldap, member.entry_uuid, old, new)

    assert outcome("wrong", ANOTHER) is Outcome.WRONG_OLD
    assert outcome(SECRET, ANOTHER) is Outcome.DONE
    assert outcome(ANOTHER, "court") in (Outcome.QUALITY, Outcome.TOO_SHORT)
    assert outcome(ANOTHER, YET_ANOTHER) is Outcome.DONE
    assert outcome(YET_ANOTHER, ANOTHER) is Outcome.IN_HISTORY
    assert passwords.check_password(ldap, member.entry_uuid, YET_ANOTHER).verdict is Verdict.ACCEPTED


def test_a_forgotten_password_is_replaced_by_the_write_account(followed):
    ldap, member = sources.load(), noemie()

    assert passwords.reset_password(ldap, member.entry_uuid, ANOTHER) is Outcome.DONE
    assert passwords.check_password(ldap, member.entry_uuid, ANOTHER).verdict is Verdict.ACCEPTED
