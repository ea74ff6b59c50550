"""Correcting an entry of a real directory: what is written, what is refused, and nobody's change overwritten."""

# python-ldap fills its module with names at run time: a type checker sees none of them.
# mypy: disable-error-code="attr-defined"

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime

import ldap
import pytest

from demo.slapd import EmbeddedDirectory
from directory.ldap import connection, edits, writing
from directory.ldap.config import LdapConfig
from directory.ldap.edits import Edit, NobodyLeft, Unwritable
from directory.ldap.mapping import LIMITS
from directory.ldap.reading import Reading, reading
from directory.ldap.rules import NEVER_WRITABLE, WRITABLE, rules_from
from directory.ldap.servers import ACTIVE_DIRECTORY, ASSERTION, OPENLDAP, POST_READ
from directory.ldap.sources import load, settings_source
from directory.ldap.writing import Conflict, NotAllowed, Unfit, Written, write, write_photo
from directory.models import Member
from directory.services import synchronise
from directory.types import ChangeUncertain, DirectoryRefused, DirectoryUnavailable
from tests.support.slapd_control import hidden

MONDAY = datetime(2026, 11, 23, 8, tzinfo=UTC)
PEOPLE = "ou=membres,ou=personnes,dc=alizarine,dc=example"
NOEMIE = f"uid=noemie.ferrand,{PEOPLE}"
RULES = rules_from(OPENLDAP, writable=WRITABLE)


# What a correction comes to ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("item", "held", "text", "edit"),
    [
        ("mobile", [], "+33 6 39 98 77 66", Edit("mobile", (), (b"+33 6 39 98 77 66",))),
        ("mobile", [b"06 39 98 00 01"], "", Edit("mobile", (b"06 39 98 00 01",))),
        ("town", ["Sète".encode()], "Sète", None),
        ("town", ["Se\u0300te".encode()], "Sète", Edit("l", ("Se\u0300te".encode(),), ("Sète".encode(),))),
        # The hub shows the first number that can be dialled: the others are not its business.
        (
            "mobile",
            [b"bureau: 12", b"+33 6 39 98 00 01", b"+33 7 39 98 00 01"],
            "+33 6 39 98 77 66",
            Edit("mobile", (b"+33 6 39 98 00 01",), (b"+33 6 39 98 77 66",)),
        ),
        # One number in two spellings is one number.
        (
            "mobile",
            [b"+33 6 39 98 00 01", b"06.39.98.00.01"],
            "+33 6 39 98 77 66",
            Edit("mobile", (b"+33 6 39 98 00 01", b"06.39.98.00.01"), (b"+33 6 39 98 77 66",)),
        ),
        # What is wanted is there already, behind what is shown.
        ("trade", [b"Brasseuse", b"Relieuse"], "Relieuse", Edit("title", (b"Brasseuse",))),
        (
            "postal_address",
            [b"1 rue Haute$34000 Montpellier"],
            "Chez « Tout à 5 $ »\n12 \\ rue",
            Edit(
                "postalAddress",
                (b"1 rue Haute$34000 Montpellier",),
                ("Chez « Tout à 5 \\24 »$12 \\5C rue".encode(),),
            ),
        ),
    ],
)
def test_only_the_value_that_the_hub_shows_is_replaced(item, held, text, edit):
    attributes = {RULES.person[item].lower(): held}

    assert edits.edit_of(item, text, attributes, RULES) == edit


MEMBER = "uid=léa,ou=p,dc=x"


@pytest.mark.spec("RFC 4519", "3.5")
@pytest.mark.parametrize(
    ("held", "wanted", "edit"),
    [
        ({"member": ["cn=y"]}, True, Edit("member", new=(MEMBER.encode(),))),
        ({"uniquemember": ["cn=y"]}, True, Edit("uniqueMember", new=(MEMBER.encode(),))),
        # The same name, written otherwise, is the same person, and goes as it stands.
        ({"member": ["cn=y", "UID=Léa, ou=P,dc=X"]}, True, None),
        ({"member": ["cn=y", "UID=Léa, ou=P,dc=X"]}, False, Edit("member", ("UID=Léa, ou=P,dc=X".encode(),))),
        ({"member": ["cn=y"]}, False, None),
    ],
)
def test_a_member_is_put_in_or_taken_out_by_name_and_nobody_else_is_touched(held, wanted, edit):
    attributes = {name: [value.encode() for value in values] for name, values in held.items()}

    assert edits.member_edit(MEMBER, attributes, RULES, wanted=wanted) == edit


def test_the_last_member_of_a_group_stays():
    with pytest.raises(NobodyLeft):
        edits.member_edit(MEMBER, {"member": [MEMBER.encode()]}, RULES, wanted=False)


def test_an_address_in_an_attribute_of_another_syntax_keeps_its_lines():
    rules = rules_from(ACTIVE_DIRECTORY, writable=WRITABLE)

    edit = edits.edit_of("postal_address", "1 rue Haute\nBâtiment B", {}, rules)

    assert edit == Edit("streetAddress", (), ("1 rue Haute\nBâtiment B".encode(),))


@pytest.mark.parametrize(("item", "text"), [("town", "x" * 121), ("photo", "x")])
def test_what_would_not_be_read_as_it_was_written_is_not_written(item, text):
    with pytest.raises(Unwritable):
        edits.edit_of(item, text, {}, RULES)


def test_whatever_a_source_marks_writable_nobody_changes_who_they_are():
    rules = rules_from(OPENLDAP, writable=[*WRITABLE, *NEVER_WRITABLE, "userPassword", "unknown"])

    assert rules.writable == set(WRITABLE)
    assert {"email", "login"} <= NEVER_WRITABLE


def test_an_attribute_that_holds_a_password_is_never_written():
    rules = rules_from(OPENLDAP, mapping={"person": {"trade": "userPassword"}}, writable=["trade"])

    assert rules.writable == frozenset()


@pytest.mark.parametrize(
    "attribute", ["2.5.4.35", "userPassword;lang-fr", "pwdHistory", "USERPASSWORD", "userPassword ", "x)(uid=*"]
)
def test_a_password_is_not_read_nor_written_under_another_name_of_its_attribute(attribute):
    rules = rules_from(
        OPENLDAP, mapping={"person": {"trade": attribute}, "group": {"description": attribute}}, writable=["trade"]
    )

    assert attribute not in (*rules.person_attributes, *rules.group_attributes)
    assert rules.writable == frozenset()


@pytest.mark.parametrize(
    "attribute", ["mail", "UID", "objectClass", "employeeType", "memberOf", "authzTo", "entryUUID"]
)
def test_who_somebody_is_is_not_corrected_through_another_item(attribute):
    rules = rules_from(OPENLDAP, mapping={"person": {"town": attribute}}, writable=["town", "phone"])

    assert rules.writable == {"phone"}


def test_the_attribute_that_a_source_takes_the_login_from_is_closed_too():
    rules = rules_from(OPENLDAP, mapping={"person": {"login": "mobile"}}, writable=["mobile", "phone"])

    assert rules.writable == {"phone"}


def test_a_value_that_nobody_can_read_is_not_taken_away_by_whoever_did_not_see_it():
    edit = edits.edit_of("mobile", "+33 6 39 98 77 66", {"mobile": [b"\xff\xfe"]}, RULES)

    assert edit == Edit("mobile", gone=(), new=(b"+33 6 39 98 77 66",))


def test_a_photo_that_stood_behind_another_is_there_once():
    assert edits.photo_edit(b"b", {"jpegphoto": [b"a", b"b", b"c"]}, RULES) == Edit("jpegPhoto", whole=(b"b", b"c"))


def test_one_line_stays_one_line_and_the_longest_text_is_taken():
    assert edits.encoded("town", "Sète\nle Port", "l") == "Sète le Port".encode()
    longest = "é" * LIMITS["town"]
    assert edits.encoded("town", longest, "l") == longest.encode()


def test_what_is_written_whole_is_there_whole_afterwards():
    assert Edit("jpegPhoto", whole=(b"b",)).applied([b"a", b"c"]) == [b"b"]


# On a real server ----------------------------------------------------------------------------------------------------


@pytest.fixture
def own(db, own_directory: EmbeddedDirectory) -> EmbeddedDirectory:
    synchronise(now=MONDAY)
    return own_directory


@pytest.fixture
def noemie(own) -> Member:
    return Member.objects.get(login_key="noemie.ferrand")


def change(server: EmbeddedDirectory, attribute: str, *values: str) -> None:
    lines = "".join(f"{attribute}: {value}\n" for value in values)
    server.modify(f"dn: {NOEMIE}\nchangetype: modify\nreplace: {attribute}\n{lines}")


def meanwhile(monkeypatch: pytest.MonkeyPatch, server: EmbeddedDirectory, attribute: str, value: str) -> None:
    """Somebody else changes this once, between the reading and the writing."""
    real = writing._modify
    values = iter([value])

    def modify(*given):
        for each in values:
            change(server, attribute, each)
        return real(*given)

    monkeypatch.setattr(writing, "_modify", modify)


def held(attribute: str) -> set[bytes]:
    config = load()
    with reading(config) as read:
        entry = read.people_by("login", "noemie.ferrand")[0]
        return set(read.attributes_of(entry.dn, [attribute]).get(attribute.lower(), ()))


def mark() -> str:
    with reading(load()) as read:
        return read.mark_of(read.people_by("login", "noemie.ferrand")[0])


def correct(member: Member, item: str, text: str, **seen: str) -> Written:
    return write(load(), member.entry_uuid, {item: text}, seen=seen or {item: getattr(member, item)})


def test_a_correction_comes_back_with_the_new_mark_and_the_entry_as_it_is(own, noemie):
    before = mark()

    written = correct(noemie, "mobile", "+33 6 39 98 77 66")

    assert held("mobile") == {b"+33 6 39 98 77 66"}
    assert written.mark == mark() != before
    with reading(load()) as read:
        assert dict(written.entry.attributes) == dict(read.people_by("login", "noemie.ferrand")[0].attributes)


def test_every_item_that_is_writable_can_be_written_and_read_again(own, noemie):
    wanted = {
        "phone": "04 67 00 00 01",
        "mobile": "06 39 98 77 66",
        "trade": "Imprimeuse-relieuse",
        "business_name": "L’Atelier d’à côté & Cie",
        "postal_address": "Chez « Tout à 5 $ »\n12 rue du Puits",
        "postal_code": "34200",
        "town": "Sète",
        "language": "en",
    }
    assert {*wanted, "photo"} == set(WRITABLE)

    write(load(), noemie.entry_uuid, wanted, seen={item: getattr(noemie, item) for item in wanted})
    synchronise(now=MONDAY)
    noemie.refresh_from_db()

    assert {item: getattr(noemie, item) for item in wanted} == {
        **wanted,
        "phone": "+33467000001",
        "mobile": "+33639987766",
    }


def test_what_is_emptied_is_gone(own, noemie):
    correct(noemie, "mobile", "")

    assert held("mobile") == set()


def test_other_values_of_an_attribute_stay(own, noemie):
    change(own, "mobile", "+33 6 39 98 00 01", "+33 7 39 98 00 02")
    synchronise(now=MONDAY)
    noemie.refresh_from_db()

    correct(noemie, "mobile", "+33 6 39 98 77 66")

    assert held("mobile") == {b"+33 6 39 98 77 66", b"+33 7 39 98 00 02"}


def test_what_is_there_already_is_not_written_again(own, noemie):
    before = mark()

    written = correct(noemie, "town", noemie.town)

    assert written.mark == mark() == before


def test_somebody_who_was_faster_is_not_overwritten(own, noemie):
    change(own, "mobile", "+33 6 39 98 55 55")

    with pytest.raises(Conflict) as refused:
        correct(noemie, "mobile", "+33 6 39 98 77 66")

    assert held("mobile") == {b"+33 6 39 98 55 55"}
    assert edits.shown(refused.value.now.entry.attributes, load().rules)["mobile"] == "+33639985555"
    assert refused.value.now.mark == mark()


def test_a_change_of_something_else_is_kept_and_nobody_is_bothered(own, noemie):
    change(own, "l", "Agde")

    correct(noemie, "mobile", "+33 6 39 98 77 66")

    assert (held("mobile"), held("l")) == ({b"+33 6 39 98 77 66"}, {b"Agde"})


def test_a_change_in_the_very_moment_of_writing_is_seen_by_the_server(own, noemie, monkeypatch):
    """Between the reading and the writing: the assertion (RFC 4528) is what stands in the way."""
    meanwhile(monkeypatch, own, "mobile", "+33 6 39 98 55 55")

    with pytest.raises(Conflict):
        correct(noemie, "mobile", "+33 6 39 98 77 66")

    assert held("mobile") == {b"+33 6 39 98 55 55"}


def test_the_assertion_alone_stops_it_where_no_value_goes(own, noemie, monkeypatch):
    """Adding to what was empty names no value that would be missed."""
    change(own, "mobile")
    synchronise(now=MONDAY)
    noemie.refresh_from_db()
    meanwhile(monkeypatch, own, "mobile", "+33 6 39 98 55 55")

    with pytest.raises(Conflict):
        correct(noemie, "mobile", "+33 6 39 98 77 66")

    assert held("mobile") == {b"+33 6 39 98 55 55"}


def test_a_change_of_something_else_in_that_moment_is_tried_again(own, noemie, monkeypatch):
    meanwhile(monkeypatch, own, "l", "Agde")

    correct(noemie, "mobile", "+33 6 39 98 77 66")

    assert (held("mobile"), held("l")) == ({b"+33 6 39 98 77 66"}, {b"Agde"})


def test_without_assertions_the_old_value_itself_must_still_be_there(own, noemie, monkeypatch):
    """As 389 Directory Server does it: exactly the old value goes, so a change by somebody else makes it fail."""
    monkeypatch.setattr(writing, "_offers", lambda *_: False)
    correct(noemie, "town", "Agde")
    meanwhile(monkeypatch, own, "mobile", "+33 6 39 98 55 55")
    with pytest.raises(Conflict):
        correct(noemie, "mobile", "+33 6 39 98 77 66")

    assert (held("mobile"), held("l")) == ({b"+33 6 39 98 55 55"}, {b"Agde"})


def test_a_server_that_shows_no_change_marks_is_corrected_by_the_old_value_alone(own, noemie):
    """An assertion about a mark that nobody has read would be refused for ever."""
    with hidden(own, "attrs=entryCSN"):
        written = correct(noemie, "mobile", "+33 6 39 98 77 66")

        assert (written.changed, written.mark) == (True, "")
    assert held("mobile") == {b"+33 6 39 98 77 66"}


@pytest.mark.parametrize(
    ("shown", "offers"),
    [
        ({ASSERTION, POST_READ, b"1.2.840.113556.1.4.319"}, True),
        ({ASSERTION}, False),
        ({POST_READ}, False),
        (set(), False),
    ],
)
def test_assertions_are_made_to_a_server_that_knows_them_and_tells_what_it_wrote(shown, offers):
    class Root:
        def set_option(self, *_: object) -> None: ...

        def search_ext_s(self, *_: object) -> list[tuple[str, dict[str, list[bytes]]]]:
            return [("", {"supportedControl": sorted(shown)})]

    assert writing._offers(Root(), connection.Deadline(1.0, 1.0), {ASSERTION, POST_READ}) is offers


def before_the_order(monkeypatch: pytest.MonkeyPatch, server: EmbeddedDirectory, ldif: str) -> None:
    """Somebody else does this once, between the reading and the writing."""
    real, left = writing._modify, [ldif]

    def modify(*given):
        while left:
            server.modify(left.pop())
        return real(*given)

    monkeypatch.setattr(writing, "_modify", modify)


def test_somebody_who_is_renamed_in_that_moment_is_found_again(own, noemie, monkeypatch):
    before_the_order(
        monkeypatch, own, f"dn: {NOEMIE}\nchangetype: modrdn\nnewrdn: cn=Noémie Ferrand\ndeleteoldrdn: 0\n"
    )

    written = correct(noemie, "mobile", "+33 6 39 98 77 66")

    assert written.entry.dn != NOEMIE
    assert held("mobile") == {b"+33 6 39 98 77 66"}


def test_somebody_who_is_deleted_in_that_moment_is_a_conflict_without_an_entry(own, noemie, monkeypatch):
    before_the_order(monkeypatch, own, f"dn: {NOEMIE}\nchangetype: delete\n")

    with pytest.raises(Conflict) as refused:
        correct(noemie, "mobile", "+33 6 39 98 77 66")

    assert refused.value.now is None


def test_two_entries_of_one_identity_are_nobody_to_write_to(own, noemie, monkeypatch):
    shown = Reading.people
    monkeypatch.setattr(Reading, "people", lambda self, wanted: [*shown(self, wanted), *shown(self, wanted)])

    with pytest.raises(Conflict) as refused:
        correct(noemie, "mobile", "+33 6 39 98 77 66")

    assert refused.value.now is None


def test_where_marks_are_one_servers_own_it_is_asked_which_one_answers(own, noemie):
    """As of Active Directory: a mark that was taken without asking would mean nothing, and is none."""
    config = replace(load(), server=replace(OPENLDAP, marks_need_watermark=True))

    written = write(config, noemie.entry_uuid, {"mobile": "+33 6 39 98 77 66"}, seen={"mobile": noemie.mobile})
    again = write(config, noemie.entry_uuid, {"mobile": "+33 6 39 98 77 66"}, seen={})

    assert written.mark == again.mark == mark() != ""
    assert (written.changed, again.changed) == (True, False)


def test_an_entry_that_is_gone_is_a_conflict_without_an_entry(own, noemie):
    own.modify(f"dn: {NOEMIE}\nchangetype: delete\n")

    with pytest.raises(Conflict) as refused:
        correct(noemie, "mobile", "+33 6 39 98 77 66")

    assert refused.value.now is None


@pytest.mark.parametrize("item", ["login", "email", "employee_number", "employee_type", "family_name", "given_name"])
def test_what_is_not_marked_writable_is_refused_before_the_server_is_asked(own, noemie, item):
    own.stop()

    with pytest.raises(NotAllowed) as refused:
        correct(noemie, item, "x")

    assert refused.value.items == (item,)


@pytest.mark.parametrize(
    "attribute",
    ["mail", "uid", "sn", "givenName", "displayName", "description", "employeeNumber", "employeeType"],
)
def test_the_demonstrations_write_account_may_write_nothing_else(own, attribute):
    written = f"dn: {NOEMIE}\nchangetype: modify\nreplace: {attribute}\n{attribute}: x@alizarine.example\n"

    with pytest.raises(RuntimeError, match="Insufficient access"):
        own.modify(written, dn=own.writer_dn, password=own.writer_password)


@pytest.mark.parametrize("dn", ["cn=Pôle Numérique,ou=poles,ou=groupes", "ou=personnes"])
def test_the_demonstrations_write_account_writes_to_people_only(own, dn):
    written = f"dn: {dn},{own.base}\nchangetype: modify\nreplace: description\ndescription: x\n"

    with pytest.raises(RuntimeError, match="Insufficient access"):
        own.modify(written, dn=own.writer_dn, password=own.writer_password)


def test_what_the_write_account_may_not_write_is_told_with_its_item(own, noemie):
    source = settings_source()
    source.writable = ["given_name", "mobile"]
    source.save()

    with pytest.raises(NotAllowed) as refused:
        correct(noemie, "given_name", "Noémi")

    assert refused.value.items == ("given_name",)


def test_without_a_write_account_nothing_is_writable(own, noemie, settings):
    settings.LDAP = {**settings.LDAP, "write_dn": ""}

    with pytest.raises(NotAllowed):
        correct(noemie, "mobile", "+33 6 39 98 77 66")


@pytest.mark.parametrize(("item", "text"), [("mobile", "le numéro"), ("phone", "été")])
def test_a_value_that_the_server_takes_for_none_is_told_with_its_item(own, noemie, item, text):
    wanted = {item: text, "town": "Agde"}

    with pytest.raises(Unfit) as refused:
        write(load(), noemie.entry_uuid, wanted, seen={})

    assert refused.value.items == (item,)
    assert held("l") == {noemie.town.encode()}


def test_a_server_that_is_away_has_written_nothing(own, noemie):
    own.stop()

    with pytest.raises(DirectoryUnavailable):
        correct(noemie, "mobile", "+33 6 39 98 77 66")


def test_whoever_is_overtaken_each_time_is_shown_what_was_left_last(own, noemie, monkeypatch):
    towns, real = iter(["Agde", "Béziers", "Cette"]), writing._modify

    def modify(*given):
        change(own, "l", next(towns))
        return real(*given)

    monkeypatch.setattr(writing, "_modify", modify)

    with pytest.raises(Conflict) as refused:
        correct(noemie, "mobile", "+33 6 39 98 77 66")

    assert edits.shown(refused.value.now.entry.attributes, load().rules)["town"] == "Cette"
    assert held("mobile") != {b"+33 6 39 98 77 66"}


def test_where_the_entry_may_not_be_looked_at_afterwards_it_is_uncertain(own, noemie, monkeypatch):
    real, reads = writing._read, []

    def read(*given):
        reads.append(given)
        if len(reads) > 1:
            raise DirectoryRefused("INSUFFICIENT_ACCESS")
        return real(*given)

    def silent(_wanted):
        raise ldap.SERVER_DOWN({"result": -1})

    monkeypatch.setattr(writing, "_read", read)
    monkeypatch.setattr(writing, "_orders", silent)

    with pytest.raises(ChangeUncertain):
        correct(noemie, "mobile", "+33 6 39 98 77 66")


def test_what_a_server_refuses_otherwise_is_refused_and_not_silence(own, noemie, monkeypatch):
    def refused(_wanted):
        raise ldap.OTHER({"result": 80, "desc": "Other (e.g., implementation specific) error"})

    monkeypatch.setattr(writing, "_orders", refused)

    with pytest.raises(DirectoryRefused, match="OTHER"):
        correct(noemie, "mobile", "+33 6 39 98 77 66")


def test_a_server_that_stops_between_reading_and_writing_leaves_no_doubt_where_it_comes_back(own, noemie, monkeypatch):
    port, real = own.port, writing._orders

    def stopping(wanted):
        own.stop()
        return real(wanted)

    def back(*arguments):
        own.start(port)
        return looked_up(*arguments)

    looked_up = writing._looked_up
    monkeypatch.setattr(writing, "_orders", stopping)
    monkeypatch.setattr(writing, "_looked_up", back)

    with pytest.raises(DirectoryUnavailable) as refused:
        correct(noemie, "mobile", "+33 6 39 98 77 66")

    assert not isinstance(refused.value, ChangeUncertain)
    assert held("mobile") != {b"+33 6 39 98 77 66"}


def test_a_server_that_stops_between_and_stays_away_leaves_it_uncertain(own, noemie, monkeypatch):
    real = writing._orders

    def stopping(wanted):
        own.stop()
        return real(wanted)

    monkeypatch.setattr(writing, "_orders", stopping)

    with pytest.raises(ChangeUncertain):
        correct(noemie, "mobile", "+33 6 39 98 77 66")


def test_an_order_that_was_carried_out_although_its_answer_was_lost_is_told_as_done(own, noemie, settings, monkeypatch):
    settings.LDAP = {**settings.LDAP, "timeout_seconds": 5.0}
    real = writing._orders
    awake: list[threading.Timer] = []

    def freezing(wanted):
        own.pause()
        # The order lies in the server's hands while the hub gives up waiting for its answer.
        awake.append(threading.Timer(5.5, own.resume))
        awake[0].start()
        return real(wanted)

    looked_up = writing._looked_up

    def later(*arguments):
        awake[0].join()
        time.sleep(0.3)
        return looked_up(*arguments)

    monkeypatch.setattr(writing, "_orders", freezing)
    monkeypatch.setattr(writing, "_looked_up", later)

    written = correct(noemie, "mobile", "+33 6 39 98 77 66")

    assert held("mobile") == {b"+33 6 39 98 77 66"}
    assert written.mark == mark()


def test_after_three_failures_nobody_waits_for_the_server(own, noemie):
    own.stop()
    for _attempt in range(3):
        with pytest.raises(DirectoryUnavailable):
            correct(noemie, "mobile", "+33 6 39 98 77 66")

    with pytest.raises(DirectoryUnavailable, match="a moment ago"):
        correct(noemie, "mobile", "+33 6 39 98 77 66")
    connection.breaker_of(load().uri).reset()


def test_the_password_is_neither_read_nor_written(own, noemie):
    begun = len(own.log_file.read_bytes())

    correct(noemie, "mobile", "+33 6 39 98 77 66")

    told = own.log_file.read_bytes()[begun:].decode().lower()
    assert "mobile" in told
    assert "userpassword" not in told


def test_a_photo_takes_the_first_place_and_leaves_by_itself(own, noemie):
    written = write_photo(load(), noemie.entry_uuid, b"\xff\xd8one")

    assert held("jpegPhoto") == {b"\xff\xd8one"}
    assert written.mark == mark()
    write_photo(load(), noemie.entry_uuid, b"")
    assert held("jpegPhoto") == set()


def config_of(**changes: object) -> LdapConfig:
    return LdapConfig(**{"uri": "ldap://127.0.0.1:1", "base": "", "people_base": "", "groups_base": "", **changes})


def test_the_rules_are_asked_again_where_it_is_written():
    """A mapping that a page let through does not open what opens the account."""
    forged = rules_from(OPENLDAP, mapping={"person": {"town": "mail"}}, writable=["mobile"])
    object.__setattr__(forged, "writable", frozenset({"mobile", "login", "email", "town", "trade"}))
    object.__setattr__(forged, "person", {**forged.person, "trade": "userPassword"})
    config = config_of(bind_dn="", bind_password="", write_dn="cn=w", write_password="w", rules=forged)

    for item in ("login", "email", "town", "trade"):
        with pytest.raises(NotAllowed):
            write(config, Member().id, {item: "x"}, seen={})
