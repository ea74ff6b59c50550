"""What ``directory.ldap.servers`` says of 389 Directory Server, held against a real one."""

# python-ldap fills its module with names at run time.
# mypy: disable-error-code="attr-defined"

import os

# As directory.ldap does: whatever libldap finds in the environment stays out.
os.environ["LDAPNOINIT"] = "1"

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ldap
import pytest
from ldap.controls.libldap import AssertionControl, SimplePagedResultsControl
from ldap.controls.ppolicy import PasswordPolicyControl
from ldap.controls.readentry import PostReadControl

from demo.slapd import EmbeddedDirectory, free_port, run
from directory.ldap.servers import DS389, ROOT_ATTRIBUTES, Abilities, Probed, abilities_of, recognise, went_back
from tests.support.ds389 import Ds389

BASE = EmbeddedDirectory.base
MEMBERS, STAFF, FORMER = (f"ou={name},ou=personnes,{BASE}" for name in ("membres", "equipe", "anciens"))
NOEMIE = f"uid=noemie.ferrand,{MEMBERS}"
KARIM = f"uid=karim.benali,{STAFF}"
# No word of the entry, its address included, and three kinds of character: what the server wants of a new one.
SECRET, ANOTHER, YET_ANOTHER = "alizarine-garrigue", "nouveau-mot-de-passe-1", "nouveau-mot-de-passe-2"


def connect(server: Ds389, dn: str = "", password: str = "") -> Any:
    connection = ldap.initialize(server.tls_uri)
    connection.set_option(ldap.OPT_X_TLS_CACERTFILE, str(server.ca_file))
    connection.set_option(ldap.OPT_X_TLS_NEWCTX, 0)
    connection.simple_bind_s(dn or server.reader_dn, password or server.reader_password)
    return connection


def writer(server: Ds389) -> Any:
    return connect(server, server.writer_dn, server.writer_password)


def administrator(server: Ds389) -> Any:
    return connect(server, server.admin_dn, server.admin_password)


def paged(connection: Any, base: str, filter_: str, attributes: tuple[str, ...], size: int = 100) -> Iterator[Any]:
    paging = SimplePagedResultsControl(True, size=size, cookie="")
    while True:
        message = connection.search_ext(base, ldap.SCOPE_SUBTREE, filter_, list(attributes), serverctrls=[paging])
        _, found, _, controls = connection.result3(message)
        for dn, values in found:
            yield dn, {name.lower(): value for name, value in values.items()}
        paging.cookie = next(each.cookie for each in controls if each.controlType == paging.controlType)
        if not paging.cookie:
            return


def root_of(server: Ds389) -> dict[str, list[bytes]]:
    found = connect(server).search_s("", ldap.SCOPE_BASE, "(objectClass=*)", [*ROOT_ATTRIBUTES, *DS389.watermark])
    return {name.lower(): values for name, values in found[0][1].items()}


def watermark(server: Ds389) -> tuple[str, ...]:
    root = root_of(server)
    return DS389.watermark_of(root, DS389.origin_of(root))


def pivots(server: Ds389, base: str = BASE, filter_: str = DS389.people_filter) -> dict[Any, tuple[str, str]]:
    """Identity → (name, mark), as a pass reads them."""
    origin = DS389.origin_of(root_of(server))
    found = paged(connect(server), base, filter_, DS389.pivots)
    return {DS389.identity_of(values): (dn, DS389.mark_of(values, origin)) for dn, values in found}


def of(server: Ds389, uid: str) -> tuple[Any, str, str]:
    """Identity, name and mark of the person with this login."""
    ((identity, (dn, mark)),) = pivots(server, filter_=f"(uid={uid})").items()
    return identity, dn, mark


def probe(server: Ds389) -> Abilities:
    root = root_of(server)
    samples = [values for _, values in paged(connect(server), BASE, DS389.people_filter, DS389.pivots)]
    origin = DS389.origin_of(root)
    who = connect(server).whoami_s()
    return abilities_of(DS389, Probed(root, samples, origin, DS389.watermark_of(root, origin), who, has_writer=True))


@contextmanager
def refused(error: type[Exception]) -> Iterator[dict[str, Any]]:
    """What the server said, and its code for a password it refuses."""
    said: dict[str, Any] = {}
    with pytest.raises(error) as raised:
        yield said
    said |= raised.value.args[0]
    for kind, _critical, value in said["ctrls"]:
        control = PasswordPolicyControl()
        if kind == control.controlType:
            control.decodeControlValue(value)
            said["policy"] = control.error


# What it can do --------------------------------------------------------------------------------------------------


def test_the_server_is_recognised_and_can_do_everything(ds389_server):
    abilities = probe(ds389_server)

    assert recognise(root_of(ds389_server)) is DS389
    assert [ability.what for ability in abilities.each if not ability.can] == []
    # No assertion on this server: each replaced value is named instead.
    assert abilities.write.why == "by_value"


def test_everybody_is_read_page_by_page_with_identity_and_mark(ds389_server):
    told = ds389_server.manifest["snapshot1"]

    people = pivots(ds389_server)
    groups = pivots(ds389_server, filter_=DS389.groups_filter)

    assert len(people) == told["people"]
    assert len(groups) == told["groups"]
    assert not people.keys() & groups.keys()
    assert all(mark for _, mark in [*people.values(), *groups.values()])


def test_each_entry_is_found_by_its_identity(ds389_server):
    people = pivots(ds389_server)
    wanted = "".join(map(DS389.identity_filter, people))

    assert pivots(ds389_server, filter_=f"(|{wanted})") == people


def test_a_server_that_stopped_counting_is_read_in_full(fresh_ds389):
    """Switched off, the plug-in leaves every entry its last number, which would never change again."""
    plugin = "cn=USN,cn=plugins,cn=config"
    fresh_ds389.modify(
        f"dn: {plugin}\nchangetype: modify\nreplace: nsslapd-pluginEnabled\nnsslapd-pluginEnabled: off\n"
    )
    fresh_ds389.stop()
    fresh_ds389.start(ldaps=True)

    abilities = probe(fresh_ds389)

    assert of(fresh_ds389, "noemie.ferrand")[2]
    assert (abilities.pivot.why, abilities.probe.why) == ("mark_hidden", "watermark_hidden")
    assert abilities.read.can


# What changes, and what does not ---------------------------------------------------------------------------------


@pytest.fixture
def before(fresh_ds389: Ds389) -> tuple[dict[Any, tuple[str, str]], tuple[str, ...]]:
    return pivots(fresh_ds389), watermark(fresh_ds389)


def test_a_changed_entry_has_another_mark_and_no_other_has(fresh_ds389, before):
    people, mark = before
    noemie, dn, _ = of(fresh_ds389, "noemie.ferrand")

    fresh_ds389.modify(f"dn: {dn}\nchangetype: modify\nreplace: l\nl: Agde\n")

    after = pivots(fresh_ds389)
    assert {identity for identity in people if people[identity] != after[identity]} == {noemie}
    assert after.keys() == people.keys()
    assert watermark(fresh_ds389) != mark
    assert not went_back(mark, watermark(fresh_ds389))


def test_two_changes_of_one_second_are_two_marks(fresh_ds389):
    marks = set()
    for town in ("Agde", "Mèze", "Sète"):
        fresh_ds389.modify(f"dn: {NOEMIE}\nchangetype: modify\nreplace: l\nl: {town}\n")
        marks.add(of(fresh_ds389, "noemie.ferrand")[2])

    assert len(marks) == 3


def test_a_renamed_and_moved_entry_is_the_same_one(fresh_ds389):
    noemie, _, mark = of(fresh_ds389, "noemie.ferrand")

    fresh_ds389.modify(
        f"dn: {NOEMIE}\nchangetype: modrdn\nnewrdn: uid=noemie.partie\ndeleteoldrdn: 1\nnewsuperior: {FORMER}\n"
    )

    identity, dn, after = of(fresh_ds389, "noemie.partie")
    assert identity == noemie
    assert dn == f"uid=noemie.partie,{FORMER}"
    assert after != mark


def test_below_a_renamed_branch_only_the_names_change(fresh_ds389, before):
    """Why a pass compares names too: the marks of the people below stay as they were."""
    people, mark = before
    karim, _, _ = of(fresh_ds389, "karim.benali")

    fresh_ds389.modify(f"dn: {STAFF}\nchangetype: modrdn\nnewrdn: ou=permanents\ndeleteoldrdn: 1\n")

    after = pivots(fresh_ds389)
    assert after.keys() == people.keys()
    assert after[karim] == (f"uid=karim.benali,ou=permanents,ou=personnes,{BASE}", people[karim][1])
    assert watermark(fresh_ds389) != mark


def test_a_deleted_entry_is_nowhere_and_its_name_is_another_person_afterwards(fresh_ds389, before):
    people, mark = before
    noemie, _, _ = of(fresh_ds389, "noemie.ferrand")

    fresh_ds389.modify(f"dn: {NOEMIE}\nchangetype: delete\n")
    gone, told = pivots(fresh_ds389, filter_=DS389.identity_filter(noemie)), watermark(fresh_ds389)
    fresh_ds389.modify(f"dn: {NOEMIE}\nchangetype: add\nobjectClass: inetOrgPerson\ncn: N\nsn: N\n")

    assert gone == {}
    assert told != mark
    assert of(fresh_ds389, "noemie.ferrand")[0] not in people


def test_a_renamed_member_is_renamed_in_the_groups_which_are_marked(fresh_ds389):
    groups = pivots(fresh_ds389, filter_=DS389.groups_filter)
    theirs = set(pivots(fresh_ds389, filter_=f"(member={NOEMIE})"))

    fresh_ds389.modify(f"dn: {NOEMIE}\nchangetype: modrdn\nnewrdn: uid=noemie.autre\ndeleteoldrdn: 1\n")

    after = pivots(fresh_ds389, filter_=DS389.groups_filter)
    assert theirs
    assert {identity for identity in groups if groups[identity] != after[identity]} == theirs
    assert set(pivots(fresh_ds389, filter_=f"(member=uid=noemie.autre,{MEMBERS})")) == theirs


def test_reading_and_a_wrong_password_leave_the_watermark_alone(ds389_server):
    mark = watermark(ds389_server)

    pivots(ds389_server)
    with refused(ldap.INVALID_CREDENTIALS):
        connect(ds389_server, KARIM, "wrong")

    assert watermark(ds389_server) == mark


def test_a_restart_changes_nothing_and_an_older_copy_is_noticed(fresh_ds389, tmp_path):
    fresh_ds389.stop(gently=True)
    older = fresh_ds389.copy_to(tmp_path / f"{fresh_ds389.folder.name}-older")
    port = free_port()
    fresh_ds389.start(port, ldaps=True)
    people = pivots(fresh_ds389)
    fresh_ds389.modify(f"dn: {NOEMIE}\nchangetype: modify\nreplace: l\nl: Agde\n")
    fresh_ds389.modify(f"dn: {KARIM}\nchangetype: delete\n")
    after, mark = pivots(fresh_ds389), watermark(fresh_ds389)
    fresh_ds389.stop()

    fresh_ds389.start(port, ldaps=True)
    restarted, told = pivots(fresh_ds389), watermark(fresh_ds389)
    fresh_ds389.stop()
    with older.start(port, ldaps=True):
        restored, restored_mark = pivots(older), watermark(older)

    assert restarted == after
    assert not went_back(mark, told)
    assert restored == people
    assert went_back(mark, restored_mark)


def test_after_an_export_and_an_import_everybody_is_the_same_and_the_content_went_back(fresh_ds389):
    """The count begins again: a changed entry has another mark, and the whole waits for somebody's word."""
    folder, port = fresh_ds389.folder, fresh_ds389.port
    fresh_ds389.modify(f"dn: {NOEMIE}\nchangetype: modify\nreplace: l\nl: Agde\n")
    people, mark = pivots(fresh_ds389), watermark(fresh_ds389)
    fresh_ds389.stop(gently=True)
    for command in (["db2ldif", "-a"], ["ldif2db", "-i"]):
        run(["ns-slapd", command[0], "-D", str(folder), "-n", "userRoot", command[1], str(folder / "all.ldif")], folder)

    fresh_ds389.start(port, ldaps=True)

    after = pivots(fresh_ds389)
    noemie, _, _ = of(fresh_ds389, "noemie.ferrand")
    assert {identity: dn for identity, (dn, _) in after.items()} == {key: dn for key, (dn, _) in people.items()}
    assert after[noemie] != people[noemie]
    assert went_back(mark, watermark(fresh_ds389))


def test_a_large_group_comes_whole(fresh_ds389):
    """No ranges here: two thousand members are one answer."""
    members = "".join(f"member: uid=p{number},{MEMBERS}\n" for number in range(2000))
    name = f"cn=Tous,ou=groupes,{BASE}"
    fresh_ds389.modify(f"dn: {name}\nchangetype: add\nobjectClass: groupOfNames\ncn: Tous\n{members}")

    ((_, values),) = paged(connect(fresh_ds389), name, DS389.groups_filter, (*DS389.pivots, "member"))

    assert len(values["member"]) == 2000
    assert DS389.ranged(values) is None


@pytest.mark.parametrize("setting", ["nsPagedLookThroughLimit", "nsLookThroughLimit"])
def test_a_limit_cuts_in_the_middle_of_the_pages(fresh_ds389, setting):
    """Part of an answer, then an error: whoever keeps the part loses hundreds of people."""
    others = [name for name in ("nsPagedLookThroughLimit", "nsLookThroughLimit") if name != setting]
    lines = "".join(f"delete: {name}\n-\n" for name in others)
    dn = fresh_ds389.reader_dn
    fresh_ds389.modify(f"dn: {dn}\nchangetype: modify\n{lines}replace: {setting}\n{setting}: 150\n")
    came = []

    with refused(ldap.ADMINLIMIT_EXCEEDED):
        for dn, _ in paged(connect(fresh_ds389), BASE, DS389.people_filter, DS389.pivots):
            came.append(dn)

    assert 0 < len(came) < fresh_ds389.manifest["snapshot1"]["people"]
    assert setting in DS389.limits


# Who may enter -----------------------------------------------------------------------------------------------------


def lock_of(server: Ds389, dn: str) -> dict[str, list[bytes]]:
    ((_, values),) = paged(connect(server), dn, "(objectClass=*)", (*DS389.pivots, *DS389.always))
    return values


def test_a_locked_account_shows_and_nobody_enters(fresh_ds389):
    mark = of(fresh_ds389, "noemie.ferrand")[2]
    fresh_ds389.modify(f"dn: {NOEMIE}\nchangetype: modify\nadd: nsAccountLock\nnsAccountLock: true\n")

    with refused(ldap.UNWILLING_TO_PERFORM):
        connect(fresh_ds389, NOEMIE, SECRET)

    assert DS389.is_locked(lock_of(fresh_ds389, NOEMIE))
    assert not DS389.is_locked(lock_of(fresh_ds389, KARIM))
    assert of(fresh_ds389, "noemie.ferrand")[2] != mark


def test_a_lock_after_wrong_passwords_is_none_for_good(fresh_ds389):
    policy(fresh_ds389, passwordLockout="on", passwordMaxFailure="2", passwordLockoutDuration="600")
    for _ in range(2):
        with refused(ldap.INVALID_CREDENTIALS):
            connect(fresh_ds389, NOEMIE, "wrong")

    with refused(ldap.CONSTRAINT_VIOLATION):
        connect(fresh_ds389, NOEMIE, SECRET)

    assert not DS389.is_locked(lock_of(fresh_ds389, NOEMIE))


def test_who_am_i_is_the_entry(ds389_server):
    name = connect(ds389_server, NOEMIE, SECRET).whoami_s()

    assert DS389.is_same(name, NOEMIE, {})
    assert not DS389.is_same(name, KARIM, {})


# Passwords -----------------------------------------------------------------------------------------------------------


def policy(server: Ds389, **settings: str) -> None:
    lines = "-\n".join(f"replace: {name}\n{name}: {value}\n" for name, value in settings.items())
    server.modify(f"dn: cn=config\nchangetype: modify\n{lines}")


def change(connection: Any, dn: str, old: str | None, new: str) -> None:
    connection.passwd_s(dn, old, new, serverctrls=[PasswordPolicyControl()])


@pytest.mark.spec("RFC 3062", "2")
def test_a_person_changes_their_password_and_the_old_one_is_checked(fresh_ds389):
    person = connect(fresh_ds389, NOEMIE, SECRET)

    with refused(ldap.INVALID_CREDENTIALS):
        change(person, NOEMIE, "wrong", ANOTHER)
    change(person, NOEMIE, SECRET, ANOTHER)

    assert connect(fresh_ds389, NOEMIE, ANOTHER)
    with refused(ldap.INVALID_CREDENTIALS):
        connect(fresh_ds389, NOEMIE, SECRET)


def test_the_write_account_sets_a_password_and_the_reader_none(fresh_ds389):
    change(writer(fresh_ds389), NOEMIE, None, ANOTHER)

    assert connect(fresh_ds389, NOEMIE, ANOTHER)
    with refused(ldap.INSUFFICIENT_ACCESS):
        change(connect(fresh_ds389), NOEMIE, None, SECRET)


def test_the_server_says_why_it_refuses_a_password(fresh_ds389):
    policy(fresh_ds389, passwordCheckSyntax="on", passwordMinLength="12", passwordHistory="on", passwordInHistory="3")
    change(connect(fresh_ds389, NOEMIE, SECRET), NOEMIE, SECRET, ANOTHER)
    change(connect(fresh_ds389, NOEMIE, ANOTHER), NOEMIE, ANOTHER, YET_ANOTHER)
    person = connect(fresh_ds389, NOEMIE, YET_ANOTHER)

    with refused(ldap.CONSTRAINT_VIOLATION) as short:
        change(person, NOEMIE, YET_ANOTHER, "court")
    with refused(ldap.CONSTRAINT_VIOLATION) as used:
        change(person, NOEMIE, YET_ANOTHER, ANOTHER)

    # draft-behera-ldap-password-policy-10 §6.2: insufficientPasswordQuality, passwordInHistory.
    assert (short["policy"], used["policy"]) == (5, 8)


def test_an_expired_password_is_told_from_a_wrong_one(fresh_ds389):
    policy(fresh_ds389, passwordExp="on", passwordMaxAge="86400")
    over = "replace: passwordExpirationTime\npasswordExpirationTime: 20260101000000Z\n"
    fresh_ds389.modify(f"dn: {NOEMIE}\nchangetype: modify\n{over}")
    connection = connect(fresh_ds389)

    with refused(ldap.INVALID_CREDENTIALS) as right:
        connection.simple_bind_s(NOEMIE, SECRET, serverctrls=[PasswordPolicyControl()])
    with refused(ldap.INVALID_CREDENTIALS) as wrong:
        connection.simple_bind_s(NOEMIE, "wrong", serverctrls=[PasswordPolicyControl()])

    assert right["policy"] == 0
    assert "policy" not in wrong


# Writing -------------------------------------------------------------------------------------------------------------


def test_an_assertion_is_refused_rather_than_ignored(fresh_ds389):
    """RFC 4511 §4.1.11: marked critical, it stops the change; not critical, this server would write all the same."""
    wanted = [(ldap.MOD_REPLACE, "mobile", [b"+33639980001"])]

    with refused(ldap.UNAVAILABLE_CRITICAL_EXTENSION):
        writer(fresh_ds389).modify_ext_s(NOEMIE, wanted, serverctrls=[AssertionControl(True, "(entryUSN=999)")])

    ((_, values),) = paged(connect(fresh_ds389), NOEMIE, "(objectClass=*)", ("mobile",))
    assert values["mobile"] != [b"+33639980001"]


def test_a_value_that_changed_meanwhile_is_not_overwritten(fresh_ds389):
    ((_, values),) = paged(connect(fresh_ds389), NOEMIE, "(objectClass=*)", ("mobile", "l"))
    (seen,) = values["mobile"]
    fresh_ds389.modify(f"dn: {NOEMIE}\nchangetype: modify\nreplace: mobile\nmobile: +33639980002\n")

    with refused(ldap.NO_SUCH_ATTRIBUTE):
        writer(fresh_ds389).modify_s(
            NOEMIE,
            [
                (ldap.MOD_REPLACE, "l", [b"Agde"]),
                (ldap.MOD_DELETE, "mobile", [seen]),
                (ldap.MOD_ADD, "mobile", [b"+33639980003"]),
            ],
        )

    ((_, after),) = paged(connect(fresh_ds389), NOEMIE, "(objectClass=*)", ("mobile", "l"))
    # All of a change, or nothing of it.
    assert after == {"mobile": [b"+33639980002"], "l": values["l"]}


@pytest.mark.spec("RFC 4527", "3.2")
def test_what_was_written_comes_back_with_its_mark(fresh_ds389):
    ((_, values),) = paged(connect(fresh_ds389), NOEMIE, "(objectClass=*)", ("mobile",))
    order = [(ldap.MOD_DELETE, "mobile", values["mobile"]), (ldap.MOD_ADD, "mobile", [b"+33639980004"])]
    connection = writer(fresh_ds389)

    message = connection.modify_ext(NOEMIE, order, serverctrls=[PostReadControl(True, [*DS389.pivots, "mobile"])])
    (control,) = connection.result3(message)[3]

    written = {name.lower(): values for name, values in control.entry.items()}
    origin = DS389.origin_of(root_of(fresh_ds389))
    assert written["mobile"] == [b"+33639980004"]
    assert (DS389.identity_of(written), NOEMIE, DS389.mark_of(written, origin)) == of(fresh_ds389, "noemie.ferrand")


def test_the_write_account_changes_nothing_that_is_not_writable(fresh_ds389):
    with refused(ldap.INSUFFICIENT_ACCESS):
        writer(fresh_ds389).modify_s(NOEMIE, [(ldap.MOD_REPLACE, "employeeType", [b"administrateur"])])


def test_the_reader_never_sees_a_password(ds389_server):
    ((_, values),) = paged(connect(ds389_server), NOEMIE, "(objectClass=*)", ("uid", "userPassword"))
    ((_, all_values),) = paged(connect(ds389_server), NOEMIE, "(objectClass=*)", ("*", "+"))

    assert values == {"uid": [b"noemie.ferrand"]}
    assert "userpassword" not in all_values


# The server itself ---------------------------------------------------------------------------------------------------


def test_it_listens_on_loopback_only_and_leaves_nothing_behind(ds389_template, tmp_path):
    server = ds389_template.copy_to(tmp_path / f"{ds389_template.folder.parent.name}-alone")
    started = time.monotonic()
    with server.start(ldaps=True):
        pid, ports = server.pid, {server.port, server.tls_port}
        took = time.monotonic() - started
        listening = [line.split()[1:4:2] for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]

    # 127.0.0.1, written as the machine does; 0A is "listening".
    local = {address for address, state in listening if state == "0A" and int(address[-4:], 16) in ports}
    assert {address[:8] for address in local} == {"0100007F"}
    assert len(local) == 2
    assert took < 10
    assert not server.semaphore.exists()
    assert not Path(f"/proc/{pid}").exists()
