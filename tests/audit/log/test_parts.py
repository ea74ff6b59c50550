"""Entries without personal data, and the parts they commit to."""

import json
import re
from uuid import UUID, uuid1, uuid4

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from audit import parts
from audit.parts import Part, PartsError, Role, canonical, entry_bytes, make_part, open_part, parse_entry, seal_part

REFERENCE = UUID("0f8fad5b-d9cb-469f-a165-70867728950e")
KEY, OTHER_KEY = bytes(range(32)), bytes(32)
COMMON = Part(Role.COMMON, bytes(32), '{"at":1790000000000000}')

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(1 - 2**53, 2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="ascii"), max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


def an_entry(**changes):
    values = {
        "reference": REFERENCE,
        "event": "idp:session:start",
        "at": 1_790_000_000,
        "retention": "access",
        "commitments": [(Role.COMMON, bytes(32)), (Role.NETWORK, b"\xff" * 32)],
    }
    return entry_bytes(**values | changes)


@pytest.mark.spec("RFC 8785", "3.2")
@given(values)
@settings(max_examples=400, deadline=None)
def test_canonical_text_is_what_another_implementation_writes(value):
    text = canonical(value)

    assert text.encode() == rfc8785.dumps(value)
    assert json.loads(text) == value


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        float("nan"),
        2**53,
        -(2**53),
        b"text",
        {1: "a"},
        {"é": 1},
        {"a": {None: 1}},
        [object()],
        {"a"},
        "\ud800",
        uuid4(),
    ],
    ids=repr,
)
def test_what_others_could_read_otherwise_is_not_written(value):
    with pytest.raises(PartsError):
        canonical(value)
    with pytest.raises(PartsError):
        canonical({"facts": [value]})


def test_the_same_facts_are_committed_to_differently_each_time():
    one, other = (make_part(Role.SUBJECT, {"member": str(REFERENCE)}) for _ in range(2))

    assert one.text == other.text == f'{{"member":"{REFERENCE}"}}'
    assert one.facts == {"member": str(REFERENCE)}
    assert len(one.salt) == 32
    assert one.commitment != other.commitment


def test_the_commitment_is_to_salt_and_text_and_passes_for_no_leaf():
    # printf '\x10' + 32 zero bytes + {"at":1790000000000000}, through sha256sum.
    assert COMMON.commitment.hex() == "bdca03f4351123a19bd8f21d5308ba76f15557973ae794b3b2850b9b7d5803f5"


def test_an_entry_is_canonical_json_in_the_agreed_fields():
    entry = an_entry()

    assert json.loads(entry) == {
        "v": 1,
        "id": str(REFERENCE),
        "ty": "idp:session:start",
        "ts": 1_790_000_000,
        "rc": "access",
        "p": [["c", "A" * 43], ["x", "_" * 42 + "8"]],
    }
    assert entry == rfc8785.dumps(json.loads(entry))


@given(
    st.uuids(version=4),
    st.from_regex(r"[a-z0-9_:.-]{1,60}", fullmatch=True),
    st.integers(0, 10**15 - 1),
    st.sets(st.sampled_from(Role), min_size=1),
    st.binary(min_size=32, max_size=32),
)
@settings(deadline=None)
def test_an_entry_reads_back_as_it_was_written(reference, event, at, roles, digest):
    commitments = tuple((role, digest) for role in Role if role in roles)

    entry = entry_bytes(reference=reference, event=event, at=at, retention="ledger", commitments=commitments)

    assert parse_entry(entry) == (reference, event, at, "ledger", commitments)


@pytest.mark.parametrize(
    "changes",
    [
        {"reference": uuid1()},
        {"event": ""},
        {"event": 'x","v":2,"y":"'},
        {"event": "é"},
        {"at": -1},
        {"at": 1.5},
        {"at": 10**15},
        {"retention": "A"},
        {"commitments": []},
        {"commitments": [(Role.COMMON, bytes(31))]},
        {"commitments": [("z", bytes(32))]},
        {"commitments": [(Role.COMMON, bytes(32)), (Role.COMMON, bytes(32))]},
        {"commitments": [(Role.SUBJECT, bytes(32)), (Role.COMMON, bytes(32))]},
    ],
    ids=repr,
)
def test_what_is_no_entry_is_not_written(changes):
    with pytest.raises(PartsError):
        an_entry(**changes)


def test_an_entry_has_one_spelling():
    entry = an_entry()
    spellings = [
        b"",
        entry + b"\n",
        b" " + entry,
        entry.replace(b":1}", b":2}"),
        entry.replace(b'"v":1', b'"v":1.0'),
        entry.replace(b'"rc"', b'"rC"'),
        entry.replace(b'":"', b'": "'),
        entry.replace(b"1790000000", b"01790000000"),
        entry.replace(b"A" * 43, b"A" * 42 + b"B"),
        entry.replace(b'["c","' + b"A" * 43 + b'"],', b""),
        entry.replace(b'["c"', b'["x"'),
        entry.replace(b"-469f-", b"-169f-"),
        entry.replace(b"0f8fad5b", b"0F8FAD5B"),
        json.dumps(json.loads(entry)).encode(),
    ]
    assert parse_entry(entry).reference == REFERENCE

    read = []
    for spelling in spellings:
        try:
            read.append(parse_entry(spelling))
        except PartsError:
            continue

    # One of them is another entry, that of the network part alone; nothing reads as two.
    assert [one.commitments for one in read] == [((Role.NETWORK, b"\xff" * 32),)]


def test_a_sealed_part_opens_for_its_entry_role_and_key_alone():
    sealed = seal_part(KEY, COMMON, reference=REFERENCE)

    assert open_part(KEY, sealed, role=Role.COMMON, reference=REFERENCE) == COMMON
    for key, content, role, reference in [
        (OTHER_KEY, sealed, Role.COMMON, REFERENCE),
        (KEY, sealed, Role.SUBJECT, REFERENCE),
        (KEY, sealed, Role.COMMON, uuid4()),
        (KEY, sealed[:-1], Role.COMMON, REFERENCE),
        (KEY, sealed[:-1] + bytes([sealed[-1] ^ 1]), Role.COMMON, REFERENCE),
        (KEY, bytes([sealed[0] ^ 1]) + sealed[1:], Role.COMMON, REFERENCE),
        (KEY, b"", Role.COMMON, REFERENCE),
    ]:
        with pytest.raises(PartsError, match=re.escape(str(reference))):
            open_part(key, content, role=role, reference=reference)


def test_a_part_is_sealed_differently_each_time_and_keeps_its_commitment():
    part = make_part(Role.SUBJECT, {"nom": "Noémie"})

    one, other = (seal_part(KEY, part, reference=REFERENCE) for _ in range(2))

    assert one != other
    assert one[:12] != other[:12], "a nonce was used twice"
    assert "Noémie".encode() not in one
    assert open_part(KEY, one, role=Role.SUBJECT, reference=REFERENCE).commitment == part.commitment


def test_base64_without_padding_comes_back_as_it_went():
    for length in range(40):
        content = bytes(range(215, 215 + length))

        text = parts.base64url(content)

        assert "=" not in text
        assert parts.from_base64url(text) == content
