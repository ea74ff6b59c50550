"""From bytes to values: rules without a directory and without a database."""

import re
import string
from unittest import mock

import ldap.dn
import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory import normalise
from directory.normalise import (
    InvalidName,
    Values,
    clean,
    dn_key,
    e164,
    fold,
    is_under,
    login_key,
    mail_key,
    name_key,
    name_keys,
    order_key,
    parse_dn,
    postal_address,
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("JP.Dupont", "jp.dupont"),
        (" marie  claude ", "marie claude"),
        ("marie\u00a0claude", "marie claude"),
        ("ﬁona", "fiona"),
        ("He\u0301le\u0300ne", "Hélène"),
        ("Strauß", "STRAUSS"),
    ],
)
def test_spellings_of_one_login_have_one_key(one, other):
    assert login_key(one) == login_key(other) != ""


@pytest.mark.parametrize("text", ["", "  ", "noemie\x00.ferrand", "a\nb", "\u200b"])
def test_what_cannot_be_a_login_has_no_key(text):
    assert login_key(text) == ""


@given(st.text())
def test_a_key_of_a_key_is_itself(text):
    key = login_key(text)

    assert login_key(key) == key


@given(st.text())
def test_cleaning_twice_is_cleaning_once(text):
    assert clean(clean(text)) == clean(text)
    assert clean(clean(text, lines=True), lines=True) == clean(text, lines=True)


@given(st.text())
def test_clean_text_has_no_control_character(text):
    assert not any(ord(character) < 32 or ord(character) == 127 for character in clean(text))
    assert "\0" not in clean(text, lines=True)


def test_names_are_in_the_order_in_which_a_french_reader_looks_for_them():
    names = [
        "Zoé Ader",
        "émile Zola",
        "Elodie Roy",
        "Éric Aubin",
        "Jean-Luc Dur",
        "Jean Petit",
        "JEANNE Bon",
        "Œdipe Fy",
    ]

    assert sorted(names, key=order_key) == [
        *("Elodie Roy", "émile Zola", "Éric Aubin", "Jean-Luc Dur", "Jean Petit", "JEANNE Bon", "Œdipe Fy", "Zoé Ader")
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [("Élodie", "elodie"), ("Jean-Paul", "Jean Paul"), ("d’Arc", "DARC"), ("Cœur", "coeur"), ("Łukasz", "lukasz")],
)
def test_spellings_of_one_name_have_one_place(one, other):
    assert order_key(one) == order_key(other) != ""


@given(st.text())
def test_a_place_has_itself_for_its_place(text):
    assert order_key(order_key(text)) == order_key(text)


@pytest.mark.parametrize(
    ("mail", "key"),
    [
        ("Casse.Courriel@alizarine.example", "casse.courriel@alizarine.example"),
        ("accueil@ALIZARINE.EXAMPLE", "accueil@alizarine.example"),
        (" a@b.example ", "a@b.example"),
        ("zoé@exemple.example", "zoé@exemple.example"),
        ("zoe@Bücher.example", "zoe@xn--bcher-kva.example"),
    ],
)
def test_one_address_has_one_key(mail, key):
    assert mail_key(mail) == key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@",
        "a@",
        "@b.example",
        "a@b@c.example",
        "a b@c.example",
        "a@b.example\nBcc: x@y.example",
        "a@b.example, c@d.example",
        "a\x00@b.example",
        "<a@b.example>",
        "a..b@c.example",
        "a@-b.example",
        "a@b..example",
        "x" * 65 + "@b.example",
        "a@" + "x" * 250 + ".example",
        "a\u202e@b.example",
    ],
)
def test_what_is_no_address_has_no_key(text):
    assert mail_key(text) == ""


@given(st.text())
def test_a_mail_key_is_stable_and_has_one_at(text):
    key = mail_key(text)

    assert key == "" or (key.count("@") == 1 and mail_key(key) == key)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("06 39 98 12 34", "+33639981234"),
        ("06.39.98.12.34", "+33639981234"),
        ("0639981234", "+33639981234"),
        ("+33 6 39 98 12 34", "+33639981234"),
        ("+33 (0)6 39 98 12 34", "+33639981234"),
        ("+33 06 39 98 12 34", "+33639981234"),
        ("0033 6 39 98 12 34", "+33639981234"),
        ("+49 30 1234567", "+49301234567"),
    ],
)
def test_a_number_with_one_reading_becomes_e164(text, number):
    assert e164(text) == number


@pytest.mark.parametrize(
    "text", ["", "12 34", "39 98 12 34", "06 39 98 12", "poste 12", "+0123456789", "06 39 98 12 34 ou 35"]
)
def test_a_number_with_several_readings_is_not_guessed(text):
    assert e164(text) == ""


def test_an_unclear_number_is_kept_as_written_and_told():
    values = Values({"mobile": [b"poste 12"]})

    assert values.phone("mobile", 32) == "poste 12"
    assert [problem.code for problem in values.problems] == ["phone_unclear"]


def test_an_address_has_its_lines():
    assert (
        postal_address("3 rue des Genêts$34000 Montpellier$5 \\24 \\5C")
        == "3 rue des Genêts\n34000 Montpellier\n5 $ \\"
    )


def test_the_order_of_values_does_not_matter():
    one, other = Values({"cn": [b"Jo", b"Ana", b"ana"]}), Values({"cn": [b"ana", b"Jo", b"Ana"]})

    assert one.text("cn", 99) == other.text("cn", 99) == "Ana"


def test_what_is_not_utf8_is_left_out_and_told():
    values = Values({"cn": [b"\xff\xfe", "Léa".encode()]})

    assert values.text("cn", 99) == "Léa"
    assert [problem.code for problem in values.problems] == ["value_not_utf8"]


@pytest.mark.parametrize("raw", ["L\u202eéa", "Lé\x00a", "L\u200béa"])
def test_invisible_and_control_characters_are_removed_and_told(raw):
    values = Values({"cn": [raw.encode()]})

    assert "\x00" not in values.text("cn", 99)
    assert [problem.code for problem in values.problems] == ["characters_removed"]


def test_a_value_too_long_is_cut_and_told():
    values = Values({"title": [b"x" * 300]})

    assert len(values.text("title", 200)) == 200
    assert [problem.code for problem in values.problems] == ["value_cut"]


# Distinguished names -------------------------------------------------------------------------------------------


@pytest.mark.spec("RFC 4514", "3")
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("UID=jp.dupont,OU=Membres,dc=x", "uid=JP.Dupont,ou=membres,dc=x"),
        ("uid=a, ou=b , dc=c", "uid=a,ou=b,dc=c"),
        ("cn=Virgule\\, Jean,dc=x", "cn=Virgule\\2C Jean,dc=x"),
        ("cn=a\\ ,dc=x", "cn=a,dc=x"),
        ("cn=Zo\\C3\\A9,dc=x", "cn=ZOÉ,dc=x"),
        ("2.5.4.3=a,dc=x", "commonName=a,dc=x"),
        ("OID.2.5.4.3=a,dc=x", "cn=a,dc=x"),
        ("cn=a+uid=b,dc=x", "uid=b+cn=a,dc=x"),
        ("cn=#0C0161,dc=x", "cn=a,dc=x"),
    ],
)
def test_spellings_of_one_name_have_one_key(one, other):
    assert dn_key(one) == dn_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("cn=a\\,ou=b,dc=x", "cn=a,ou=b,dc=x"),
        ("cn=Plus \\+ Moins,dc=x", "cn=Plus +Moins=x,dc=x"),
        ("cn=a\\+uid=b,dc=x", "cn=a+uid=b,dc=x"),
        ("cn=a\\\\,dc=x", "cn=a,dc=x"),
    ],
)
def test_two_names_have_two_keys(one, other):
    assert dn_key(one) != dn_key(other)


@pytest.mark.parametrize(
    "text", ["Léa", "cn", "=a", "cn=a,,dc=x", "cn=a;b", 'cn="a",dc=x', "cn=a\\", "cn=\\FF,dc=x", "cn=#zz"]
)
def test_what_is_no_name_is_refused(text):
    with pytest.raises(InvalidName):
        dn_key(text)


VALUES = st.text(alphabet=string.ascii_letters + " éàœ,+\"\\<>;=#'", min_size=1).filter(str.strip)


@given(st.lists(st.tuples(st.sampled_from(["cn", "uid", "ou"]), VALUES), min_size=1, max_size=4))
def test_names_are_read_as_libldap_reads_them(rdns):
    dn = ldap.dn.dn2str([[(kind, value, 1)] for kind, value in rdns])

    assert parse_dn(dn) == [[(kind, value)] for kind, value in rdns]
    assert parse_dn(dn) == [[(kind, value) for kind, value, _ in rdn] for rdn in ldap.dn.str2dn(dn)]


NAMES_AS_SENT = st.one_of(
    st.binary(max_size=20),
    st.tuples(
        st.sampled_from(["uid", "UID", "cn", "userid", "uıd", "ou", "2.5.4.3"]),
        st.one_of(st.text(alphabet="aB1 .-_@'+\\\u212aé", max_size=8), st.just("a" * 300)),
        st.sampled_from(
            ["", ",", ",OU=Membres,dc=x", ",ou=Équipe,dc=x", ", ou=b,dc=x", ",ou=b", ",a", ",ou=" + "ﷺ" * 90]
        ),
    ).map(lambda parts: f"{parts[0]}={parts[1]}{parts[2]}".encode()),
)


@given(st.lists(NAMES_AS_SENT, max_size=4))
def test_many_names_have_the_keys_that_each_has_alone(names):
    def alone(raw: bytes) -> str:
        text = raw.decode("utf-8", "replace")
        try:
            return name_key(dn_key(text))
        except InvalidName:
            return name_key(f"?{text}")

    assert name_keys(names) == set(map(alone, names))


@given(st.text())
def test_any_text_is_a_name_or_refused(text):
    try:
        key = dn_key(text)
    except InvalidName:
        return
    assert isinstance(key, str)


def test_a_branch_is_not_a_prefix_of_text():
    assert is_under(dn_key("uid=a,ou=anciens,dc=x"), dn_key("ou=anciens,dc=x"))
    assert not is_under(dn_key("uid=a,ou=tres-anciens,dc=x"), dn_key("ou=anciens,dc=x"))
    assert not is_under(dn_key("cn=a\\,ou\\=anciens\\,dc\\=x"), dn_key("ou=anciens,dc=x"))


@given(st.text())
def test_folding_is_stable(text):
    assert fold(fold(text)) == fold(text)


# The short ways --------------------------------------------------------------------------------------------------

NEVER = re.compile("(?!)")
# What the short ways take, what they just do not, and what only looks like it.
EDGES = "aZ9 .-_@'’–“”éÿŉǅſßÉ\u0301\u00a0\u00ad\u200b\u2028ﬁ\u212b\t\n\x00,+=\\\\#\"<>;"
EDGE_TEXTS = st.text(alphabet=EDGES, max_size=12)
EDGE_NAMES = st.lists(
    st.tuples(st.sampled_from(["uid", "CN", "cn ", "oid.2.5.4.3", "2.5.4.3", "surname", "x-y", ""]), EDGE_TEXTS),
    min_size=1,
    max_size=3,
).map(lambda rdns: ",".join(f"{kind}={value}" for kind, value in rdns))


def the_long_way():
    return mock.patch.multiple(
        normalise, PLAIN_ASCII=NEVER, PLAIN_LATIN=NEVER, PLAIN_LINES=NEVER, PLAIN_PHONE=NEVER, PLAIN_RDN=NEVER
    )


def key_or_none(dn: str) -> str | None:
    try:
        return dn_key(dn)
    except InvalidName:
        return None


@given(EDGE_NAMES)
def test_a_name_has_one_key_the_short_way_and_the_long_one(dn):
    with the_long_way():
        long = key_or_none(dn)

    assert key_or_none(dn) == long


@given(EDGE_TEXTS)
def test_a_text_comes_to_one_value_the_short_way_and_the_long_one(text):
    values = {"a": [text.encode()]}
    with the_long_way():
        long = [(fold(text), login_key(text), mail_key(text)), Values(values).texts("a"), Values(values).text("a", 8)]

    assert [
        (fold(text), login_key(text), mail_key(text)),
        Values(values).texts("a"),
        Values(values).text("a", 8),
    ] == long


@given(st.from_regex(normalise.PLAIN_PHONE, fullmatch=True) | st.text(alphabet="+03 69.()", max_size=20))
def test_a_telephone_number_is_one_the_short_way_and_the_long_one(text):
    values = {"a": [text.encode()]}
    with the_long_way():
        long = e164(text), Values(values).phone("a", 12)

    assert (e164(text), Values(values).phone("a", 12)) == long


@given(st.text() | EDGE_TEXTS)
def test_the_place_of_a_name_is_that_of_its_words(text):
    """Each word is looked up by itself; together they come to what the whole would."""
    assert order_key(text) == normalise._order_key.__wrapped__(text)


def test_every_character_of_a_plain_text_stays_as_it_is():
    plain = [chr(number) for number in range(0x3000) if normalise.PLAIN_LATIN.fullmatch(chr(number))]

    assert len(plain) > 500
    assert [clean(character) for character in plain] == plain
    assert clean("".join(plain)) == "".join(plain)
