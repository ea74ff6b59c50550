"""How the kinds of server differ, as data."""

from uuid import UUID

import pytest
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st
from ldap.filter import escape_filter_chars

from directory import words
from directory.ldap.rules import rules_from
from directory.ldap.servers import (
    ACTIVE_DIRECTORY,
    ASSERTION,
    DS389,
    MODIFY_PASSWORD,
    OPENLDAP,
    PAGING,
    PASSWORD_POLICY,
    POST_READ,
    SERVERS,
    WHO_AM_I,
    NoIdentity,
    PasswordChange,
    Probed,
    abilities_of,
    escaped,
    is_older,
    quoted_password,
    recognise,
    went_back,
    whole,
)
from directory.models import Member
from directory.types import ServerKind

NOEMIE = UUID("6f9619ff-8b86-d011-b42d-00cf4fc964ff")
CONTROLLER = UUID("a0a0a0a0-b1b1-c2c2-d3d3-e4e4e4e4e4e4")
NAMES = {server.kind.value: server for server in (OPENLDAP, DS389, ACTIVE_DIRECTORY)}
every_server = pytest.mark.parametrize("server", NAMES.values(), ids=NAMES)


def shown(server, uuid: UUID) -> dict[str, list[bytes]]:
    """The identity as such a server writes it."""
    value = {
        ServerKind.OPENLDAP: str(uuid).encode(),
        ServerKind.DS389: "-".join(uuid.hex[at : at + 8] for at in (0, 8, 16, 24)).encode(),
        ServerKind.ACTIVE_DIRECTORY: uuid.bytes_le,
    }[server.kind]
    return {server.identity.lower(): [value]}


# Who an entry is -------------------------------------------------------------------------------------------------


def test_every_kind_of_server_is_known():
    assert set(SERVERS) == set(ServerKind)
    assert all(server.kind == kind for kind, server in SERVERS.items())


@pytest.mark.parametrize(
    ("server", "value"),
    [
        (OPENLDAP, b"6f9619ff-8b86-d011-b42d-00cf4fc964ff"),
        (DS389, b"6f9619ff-8b86d011-b42d00cf-4fc964ff"),
        (DS389, b"6F9619FF-8B86D011-B42D00CF-4FC964FF"),
        # The example of [MS-DTYP] §2.3.4: the same GUID as bytes and as text.
        (ACTIVE_DIRECTORY, bytes.fromhex("ff19966f868b11d0b42d00cf4fc964ff")),
    ],
)
def test_an_identity_is_read_in_each_writing(server, value):
    expected = UUID("6f9619ff-8b86-d011-b42d-00cf4fc964ff")
    assert server.identity_of({server.identity.lower(): [value]}) == expected


@every_server
@given(uuid=st.uuids())
def test_an_identity_survives_its_writing(server, uuid):
    assert server.identity_of(shown(server, uuid)) == uuid


@every_server
@pytest.mark.parametrize("values", [None, [], [b""], [b"6f9619ff"], [b"\xff\xfe"], [b"x" * 17]])
def test_what_is_no_identity_is_refused(server, values):
    with pytest.raises(NoIdentity):
        server.identity_of({} if values is None else {server.identity.lower(): values})


@every_server
def test_an_entry_with_two_identities_is_refused(server):
    name, (value,) = next(iter(shown(server, NOEMIE).items()))
    with pytest.raises(NoIdentity):
        server.identity_of({name: [value, value]})


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        (OPENLDAP, "(entryUUID=6f9619ff-8b86-d011-b42d-00cf4fc964ff)"),
        (DS389, "(nsUniqueId=6f9619ff-8b86d011-b42d00cf-4fc964ff)"),
        (ACTIVE_DIRECTORY, r"(objectGUID=\ff\19\96\6f\86\8b\11\d0\b4\2d\00\cf\4f\c9\64\ff)"),
    ],
)
def test_an_entry_is_found_by_its_identity(server, expected):
    assert server.identity_filter(NOEMIE) == expected


@given(uuid=st.uuids())
def test_a_filter_on_bytes_has_no_character_of_its_own_in_it(uuid):
    """RFC 4515 §3: python-ldap's own escaping of every character is the same text."""
    assert escaped(uuid.bytes_le) == escape_filter_chars(uuid.bytes_le.decode("latin-1"), escape_mode=2).lower()
    assert ACTIVE_DIRECTORY.identity_filter(uuid).count("(") == 1


# What has changed ------------------------------------------------------------------------------------------------


def test_a_mark_is_the_entrys_own_csn():
    assert OPENLDAP.mark_of({"entrycsn": [b"20261002080000.000000Z#000000#000#000000"]}).startswith("20261002")


def test_a_number_begun_again_is_another_mark():
    """Every entry has number 0 after an import: the time tells one content from the other."""
    before = DS389.mark_of({"entryusn": [b"0"], "modifytimestamp": [b"20261128190957Z"]}, "one:389")
    after = DS389.mark_of({"entryusn": [b"0"], "modifytimestamp": [b"20261129070000Z"]}, "one:389")

    assert before != after


@pytest.mark.parametrize("server", [DS389, ACTIVE_DIRECTORY])
def test_the_same_number_of_another_server_is_another_mark(server):
    attributes = {server.marks[0].lower(): [b"4711"]}

    assert server.mark_of(attributes, "one") != server.mark_of(attributes, "two")
    assert server.mark_of(attributes, "one") == server.mark_of(attributes, "one")


@every_server
def test_an_entry_without_a_mark_has_none(server):
    assert server.mark_of({}, "one") == ""
    # The time alone cannot tell two changes of one second apart.
    assert server.mark_of({"modifytimestamp": [b"20261128190957Z"]}, "one") == ""


def test_each_server_says_how_far_its_content_is():
    root = {"lastusn;userroot": [b"31"], "lastusn;other": [b"-1"], "netscapemdsuffix": [b"cn=ldap://dc=a.example:389"]}
    controller = {"highestcommittedusn": [b"12873"], "dsservicename": [b"CN=NTDS Settings,CN=DC1,CN=Configuration"]}
    csn = b"20261002080000.000000Z#000000#001#000000"

    assert OPENLDAP.watermark_dn("dc=x") == "dc=x"
    assert OPENLDAP.watermark_of({"contextcsn": [csn]}) == (csn.decode(),)
    assert DS389.watermark_dn("dc=x") == ACTIVE_DIRECTORY.watermark_dn("dc=x") == ""
    assert DS389.origin_dn(root) == ""
    assert DS389.origin_of(root) == "a.example:389"
    assert DS389.watermark_of(root, "a.example:389") == ("a.example:389/other#-1", "a.example:389/userroot#31")
    assert DS389.watermark_of({"lastusn": [b"420"]}, "a") == ("a/#420",)
    assert ACTIVE_DIRECTORY.origin_dn(controller) == "CN=NTDS Settings,CN=DC1,CN=Configuration"
    assert ACTIVE_DIRECTORY.origin_of({"invocationid": [CONTROLLER.bytes_le]}) == str(CONTROLLER)
    assert ACTIVE_DIRECTORY.watermark_of(controller, str(CONTROLLER)) == (f"{CONTROLLER}#12873",)


def test_a_long_name_of_a_server_fits_into_a_mark():
    origin = DS389.origin_of({"netscapemdsuffix": [b"cn=ldap://dc=" + b"annuaire." * 27 + b"example:636"]})

    mark = DS389.mark_of({"entryusn": [b"9" * 19], "modifytimestamp": [b"20261128190957Z"]}, origin)

    assert origin != DS389.origin_of({"netscapemdsuffix": [b"cn=ldap://dc=" + b"annuaire." * 27 + b"example:389"]})
    assert len(mark) < Member._meta.get_field("csn").max_length


@every_server
def test_a_server_that_says_nothing_has_no_watermark(server):
    assert server.watermark_of({}, "one") == ()
    assert not went_back((), ("one#1",))


CSN = "2026100{}080000.000000Z#000000#{}#000000"


@pytest.mark.parametrize(
    ("before", "after", "answer"),
    [
        ([CSN.format(2, "000")], [CSN.format(1, "000")], True),
        ([CSN.format(1, "000")], [CSN.format(2, "000")], False),
        ([CSN.format(1, "000")], [CSN.format(1, "000")], False),
        ([CSN.format(2, "001")], [CSN.format(1, "002")], False),
        ([CSN.format(1, "001"), CSN.format(2, "002")], [CSN.format(3, "001"), CSN.format(1, "002")], True),
        ([CSN.format(2, "000")], [], False),
        ([], [CSN.format(1, "000")], False),
        # Numbers, not texts: 9 comes before 10.
        (["a/userroot#9"], ["a/userroot#10"], False),
        (["a/userroot#10"], ["a/userroot#9"], True),
        (["a/userroot#10"], ["a/userroot#-1"], True),
        # Another server of the same content counts for itself.
        (["a/userroot#10"], ["b/userroot#3"], False),
        ([f"{CONTROLLER}#12873"], [f"{CONTROLLER}#12872"], True),
        # The address of a server may hold the sign that parts it from the number.
        (["a#b/x#2"], ["a#b/x#1"], True),
        (["nonsense"], ["nonsense"], False),
    ],
)
def test_a_restored_backup_is_noticed(before, after, answer):
    assert went_back(before, after) is answer


@pytest.mark.parametrize(
    ("before", "now", "answer"),
    [
        (CSN.format(2, "000"), CSN.format(1, "000"), True),
        (CSN.format(1, "000"), CSN.format(2, "000"), False),
        (CSN.format(2, "001"), CSN.format(1, "002"), False),
        # Within a second: loaded anew.
        ("20261001080000.000009Z#000000#000#000000", "20261001080000.000001Z#000000#000#000000", False),
        ("20261001080001Z", "20261001080000Z", True),
        ("a/userroot#10", "a/userroot#9", True),
        ("a/userroot#9", "a/userroot#10", False),
        ("", CSN.format(1, "000"), False),
        (CSN.format(1, "000"), "", False),
    ],
)
def test_the_mark_of_an_entry_is_one_of_before(before, now, answer):
    assert is_older(before, now) is answer
    assert not is_older(now, now)


@given(st.lists(st.text(max_size=12), max_size=5))
def test_no_content_is_older_than_itself(values):
    assert not went_back(values, values)
    assert not any(server.marked_since(values, values) for server in SERVERS.values())


@pytest.mark.parametrize(
    ("server", "before", "after", "filter_"),
    [
        (OPENLDAP, [CSN.format(1, "000")], [CSN.format(2, "000")], f"(entryCSN>={CSN.format(1, '000')})"),
        # Of two servers that have both written, from the one on that was behind.
        (
            OPENLDAP,
            [CSN.format(1, "001"), CSN.format(2, "002")],
            [CSN.format(3, "001"), CSN.format(4, "002")],
            f"(entryCSN>={CSN.format(1, '001')})",
        ),
        # What the silent one wrote last is no reason to go back that far.
        (
            OPENLDAP,
            [CSN.format(1, "001"), CSN.format(2, "002")],
            [CSN.format(1, "001"), CSN.format(4, "002")],
            f"(entryCSN>={CSN.format(2, '002')})",
        ),
        (OPENLDAP, [CSN.format(2, "000")], [CSN.format(1, "000")], ""),
        (OPENLDAP, [CSN.format(2, "001")], [CSN.format(3, "002")], ""),
        (OPENLDAP, [], [CSN.format(1, "000")], ""),
        (OPENLDAP, ["a)(uid=*#1"], ["a)(uid=*#2"], ""),
        (DS389, ["a/userroot#9"], ["a/userroot#10"], "(entryUSN>=10)"),
        (DS389, ["a/other#-1", "a/userroot#9"], ["a/other#3", "a/userroot#9"], "(entryUSN>=0)"),
        # Another server of the same content counts for itself.
        (DS389, ["a/userroot#9"], ["b/userroot#12"], ""),
        (ACTIVE_DIRECTORY, [f"{CONTROLLER}#12872"], [f"{CONTROLLER}#12874"], "(uSNChanged>=12873)"),
    ],
)
def test_what_was_written_between_two_watermarks_is_asked_for(server, before, after, filter_):
    assert server.marked_since(before, after) == filter_


@pytest.mark.parametrize(
    ("server", "watermark", "cookie"),
    [
        (OPENLDAP, [CSN.format(1, "000")], f"rid=000,csn={CSN.format(1, '000')}"),
        (
            OPENLDAP,
            [CSN.format(1, "001"), CSN.format(2, "002")],
            f"rid=000,csn={CSN.format(1, '001')};{CSN.format(2, '002')}",
        ),
        (OPENLDAP, [], ""),
        (OPENLDAP, [CSN.format(1, "000"), "nonsense"], ""),
        (DS389, ["a/userroot#9"], ""),
        (ACTIVE_DIRECTORY, [f"{CONTROLLER}#12872"], ""),
    ],
)
def test_how_far_the_hub_is_is_told_as_the_server_writes_it(server, watermark, cookie):
    assert server.sync_cookie(watermark) == cookie


# Locks, ranges, passwords -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("server", "attributes", "answer"),
    [
        (OPENLDAP, {"pwdaccountlockedtime": [b"000001010000Z"]}, True),
        (OPENLDAP, {"pwdaccountlockedtime": [b"20261002080000Z"]}, False),
        (OPENLDAP, {"nsaccountlock": [b"true"]}, False),
        (DS389, {"nsaccountlock": [b"true"]}, True),
        (DS389, {"nsaccountlock": [b"TRUE"]}, True),
        (DS389, {"nsaccountlock": [b"false"]}, False),
        (DS389, {"accountunlocktime": [b"20261002080000Z"]}, False),
        (ACTIVE_DIRECTORY, {"useraccountcontrol": [b"512"]}, False),
        (ACTIVE_DIRECTORY, {"useraccountcontrol": [b"514"]}, True),
        (ACTIVE_DIRECTORY, {"useraccountcontrol": [b"66050"]}, True),
        # LOCKOUT alone, which ends by itself.
        (ACTIVE_DIRECTORY, {"useraccountcontrol": [b"528"]}, False),
        (ACTIVE_DIRECTORY, {"useraccountcontrol": [b"what"]}, True),
        (OPENLDAP, {}, False),
        (DS389, {}, False),
        (ACTIVE_DIRECTORY, {}, False),
    ],
)
def test_a_lock_for_good_shows(server, attributes, answer):
    assert server.is_locked(attributes) is answer


@every_server
def test_what_shows_a_lock_is_among_what_is_read(server):
    rules = rules_from(server, mapping={"person": {"locked": "", "login": "mail"}})

    assert server.locked in rules.person_attributes
    assert server.person.get("locked", "pwdAccountLockedTime") == server.locked


def test_a_large_group_is_read_to_its_end():
    parts = [
        {"cn": [b"Tous"], "member": [], "member;range=0-1499": [b"a", b"b"]},
        {"member;Range=1500-2999": [b"c"]},
        {"member;range=3000-*": [b"d"]},
    ]

    first = ACTIVE_DIRECTORY.ranged(parts[0])
    second = ACTIVE_DIRECTORY.ranged(parts[1])

    assert (first.attribute, first.start, first.wanted) == ("member", 1500, "member;range=1500-*")
    assert second.wanted == "member;range=3000-*"
    assert ACTIVE_DIRECTORY.ranged(parts[2]) is None
    assert whole(parts) == {"cn": [b"Tous"], "member": [b"a", b"b", b"c", b"d"]}


def test_a_group_that_came_whole_has_no_next_part():
    assert ACTIVE_DIRECTORY.ranged({"member": [b"a"], "member;binary": [b"b"]}) is None
    assert OPENLDAP.ranged({"member;range=0-1499": [b"a"]}) is None
    assert whole([{"cn": [b"Tous"], "member": [b"a"]}]) == {"cn": [b"Tous"], "member": [b"a"]}


@pytest.mark.parametrize(
    ("server", "authorisation", "answer"),
    [
        (OPENLDAP, "dn:uid=NOEMIE,dc=x", True),
        (OPENLDAP, "dn:uid=autre,dc=x", False),
        (OPENLDAP, "", False),
        (OPENLDAP, "dn:", False),
        (OPENLDAP, "u:X\\noemie", False),
        (DS389, "dn: uid=noemie,dc=x", True),
        (ACTIVE_DIRECTORY, "u:ALIZARINE\\Noemie", True),
        (ACTIVE_DIRECTORY, "u:ALIZARINE\\autre", False),
        (ACTIVE_DIRECTORY, "u:ALIZARINE\\", False),
        (ACTIVE_DIRECTORY, "", False),
        (ACTIVE_DIRECTORY, "dn:uid=noemie,dc=x", False),
    ],
)
def test_who_am_i_is_compared_with_the_entry(server, authorisation, answer):
    attributes = {"samaccountname": [b"noemie"]}

    assert server.is_same(authorisation, "uid=noemie,dc=x", attributes) is answer
    assert not server.is_same(authorisation, "", {})


def test_only_active_directory_has_its_own_writing_of_a_password():
    assert quoted_password("été!") == b'"\x00\xe9\x00t\x00\xe9\x00!\x00"\x00'
    assert ACTIVE_DIRECTORY.password_change is PasswordChange.ATTRIBUTE
    assert OPENLDAP.password_change is DS389.password_change is PasswordChange.OPERATION


@pytest.mark.parametrize(
    ("code", "answer"), [("532", True), ("773", True), ("52e", False), ("533", False), ("775", False)]
)
def test_an_expired_password_is_told_from_a_wrong_one(code, answer):
    told = f"80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data {code}, v3839"

    assert ACTIVE_DIRECTORY.is_expired(told) is answer
    assert not OPENLDAP.is_expired(told)


def test_a_wrong_old_password_is_told_from_a_new_one_that_is_refused():
    wrong = "00000056: Constraint violation - check_password_restrictions: The old password specified doesn't match!"
    weak = "0000052D: Constraint violation - check_password_restrictions: password is too young to change!"

    assert ACTIVE_DIRECTORY.is_wrong_old(wrong)
    assert not ACTIVE_DIRECTORY.is_wrong_old(weak)
    assert not OPENLDAP.is_wrong_old(wrong)


# Which server, and what it can do -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("root", "server"),
    [
        ({"objectClass": [b"top", b"OpenLDAProotDSE"]}, OPENLDAP),
        ({"vendorName": [b"389 Project"], "vendorVersion": [b"389-Directory/2.3.1 B2025.016.1616"]}, DS389),
        ({"vendorVersion": [b"389-Directory/1.4.4.19"]}, DS389),
        ({"supportedCapabilities": [b"1.2.840.113556.1.4.800", b"1.2.840.113556.1.4.1670"]}, ACTIVE_DIRECTORY),
        (
            {
                "vendorName": [b"Samba Team (https://www.samba.org)"],
                "supportedCapabilities": [b"1.2.840.113556.1.4.800"],
            },
            ACTIVE_DIRECTORY,
        ),
        # Lightweight Directory Services: no domain, no sAMAccountName.
        ({"supportedCapabilities": [b"1.2.840.113556.1.4.1851"]}, None),
        ({"vendorName": [b"Apache Software Foundation"]}, None),
        ({}, None),
    ],
)
def test_a_server_is_recognised_by_its_root_entry(root, server):
    assert recognise(root) is server


CAN = {
    "supportedControl": [PAGING, ASSERTION, POST_READ, PASSWORD_POLICY],
    "supportedExtension": [MODIFY_PASSWORD, WHO_AM_I],
}
SAMPLE = {
    "entryuuid": [str(NOEMIE).encode()],
    "entrycsn": [CSN.format(1, "000").encode()],
}
ALL = {"samples": [SAMPLE], "watermark": (CSN.format(1, "000"),), "has_writer": True}


def missing(abilities) -> dict[str, str]:
    return {ability.what: ability.why for ability in abilities.each if not ability.can}


def test_a_complete_server_can_do_everything():
    abilities = abilities_of(OPENLDAP, Probed(CAN, **ALL))

    assert missing(abilities) == {}
    assert abilities.write.why == "by_assertion"
    assert list(abilities.codes) == list(words.ABILITIES)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"watermark": ()}, {"probe": "watermark_hidden"}),
        ({"has_writer": False}, {"reset_password": "no_writer", "write": "no_writer"}),
        ({"samples": []}, {"read": "nothing_found", "pivot": "nothing_read"}),
        ({"samples": [SAMPLE, {"entrycsn": [b"x"]}]}, {"read": "identity_hidden", "pivot": "nothing_read"}),
        # One entry whose mark is hidden would never be read again.
        ({"samples": [SAMPLE, {"entryuuid": SAMPLE["entryuuid"]}]}, {"pivot": "mark_hidden"}),
    ],
)
def test_what_the_reader_does_not_see_cannot_be_used(changes, expected):
    assert missing(abilities_of(OPENLDAP, Probed(CAN, **{**ALL, **changes}))) == expected


def test_what_a_server_does_not_offer_cannot_be_used():
    abilities = abilities_of(OPENLDAP, Probed({}, **ALL))

    assert missing(abilities) == dict.fromkeys(
        ["page", "policy", "change_password", "reset_password", "whoami"], "not_offered"
    )
    assert abilities.write.why == "by_value"


def test_active_directory_needs_no_operation_to_change_a_password():
    """And says nothing of extensions at all where it is Samba, which answers all the same."""
    root = {"supportedControl": [PAGING]}
    sample = {"objectguid": [NOEMIE.bytes_le], "usnchanged": [b"4711"]}

    watermark = ACTIVE_DIRECTORY.watermark_of({"highestcommittedusn": [b"4711"]}, "one")
    abilities = abilities_of(ACTIVE_DIRECTORY, Probed(root, [sample], "one", watermark, "u:X\\hub", True))

    assert missing(abilities) == {}
    assert (abilities.policy.why, abilities.write.why) == ("by_message", "by_value")


def test_a_controller_that_does_not_say_which_it_is_cannot_be_followed():
    """Behind the domain's name another one may answer next time, and count otherwise."""
    sample = {"objectguid": [NOEMIE.bytes_le], "usnchanged": [b"4711"]}
    watermark = ACTIVE_DIRECTORY.watermark_of({"highestcommittedusn": [b"4711"]}, "")

    abilities = abilities_of(ACTIVE_DIRECTORY, Probed(CAN, [sample], "", watermark, has_writer=True))

    assert missing(abilities) == {"pivot": "mark_hidden", "probe": "watermark_hidden"}


def test_numbers_of_a_server_that_no_longer_counts_are_not_believed():
    """389 Directory Server without its plug-in: every entry keeps its last number, whatever happens to it."""
    sample = {**shown(DS389, NOEMIE), "entryusn": [b"43"], "modifytimestamp": [b"20261128190957Z"]}

    counting = abilities_of(DS389, Probed(CAN, [sample], "one", ("one/userroot#43",)))
    stopped = abilities_of(DS389, Probed(CAN, [sample], "one", ()))

    assert counting.pivot.can
    assert (stopped.pivot.why, stopped.probe.why) == ("mark_hidden", "watermark_hidden")


def every_answer() -> list:
    entries: tuple[list, ...] = ([], [SAMPLE], [{}], [{"entryuuid": SAMPLE["entryuuid"]}])
    probes = [
        Probed(root, samples, "", watermark, has_writer=has_writer)
        for root in (CAN, {})
        for samples in entries
        for watermark in ((), ALL["watermark"])
        for has_writer in (True, False)
    ]
    return [
        ability for server in SERVERS.values() for probed in probes for ability in abilities_of(server, probed).each
    ]


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_answer_has_its_sentence_and_none_is_left_over(language):
    said = {f"{ability.what}.{ability.why}" for ability in every_answer()}

    with override(language):
        sentences = [words.why(ability) for ability in every_answer()]

    assert said == set(words.WHY)
    assert not any("{" in sentence or "()" in sentence for sentence in sentences)


def test_what_could_be_changed_is_said_only_where_something_is_missing():
    good, bad = abilities_of(DS389, Probed({}, [shown(DS389, NOEMIE)])), abilities_of(OPENLDAP, Probed(CAN, **ALL))

    assert "USN" in str(words.hint(ServerKind.DS389, good.probe))
    assert words.hint(ServerKind.OPENLDAP, bad.probe) == ""
