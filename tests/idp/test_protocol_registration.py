"""The names of tools: which ones look alike, and which letters a program may use."""

import pytest

from idp.protocol.errors import ProtocolError
from idp.protocol.registration import Offered, likeness, parse

OFFERED = Offered(
    auth_methods=("client_secret_basic",),
    assertion_algorithms=("RS256",),
    signing=("RS256",),
    encryption=(),
    encryption_methods=(),
    request_objects=(),
    scopes=("openid", "profile", "email"),
    acr_values=("1",),
)


def named(name: str) -> str:
    return parse({"redirect_uris": ["https://tool.example/cb"], "client_name": name}, offered=OFFERED).name


@pytest.mark.parametrize(
    "name",
    [
        "Wiki",
        "WIKI",
        " wiki ",
        "W i k i",
        "Wiki\u2800",
        "Wiki\u3164",
        "Wiki\u115f",
        "Wiki\u034f",
        "W\ufe0fiki",
        "W\U000e0101iki",
        "Wi\u200bki",
        "Wiki\u00a0",
        "\uff37\uff49\uff4b\uff49",
        "\U0001d416\U0001d422\U0001d424\U0001d422",
        "\u24cciki",
        "W\u0131ki",
        "W\u0131\u0307ki",
        "W\u00edki",
        "Wik\u0131\u0323",
        "W1ki",
        "Wlki",
        "VViki",
        "W|ki",
        "Wiki.",
        "\u00ab Wiki \u00bb",
        "Wi\u00adki",
        "Wi\u02bcki",
        "W\u0456ki",
        "W\u03b9k\u03b9",
        "\u051d\u0456\u043a\u0456",
        "\u051c\u0406\u041a\u0406",
    ],
)
def test_names_that_are_taken_for_each_other_have_one_likeness(name):
    assert likeness(name) == likeness("Wiki")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Trousseau", "Tr\u03bfusseau"),
        ("Trousseau", "TROUSSEAU"),
        ("Coopérative Alizarine", "Cooperative  A1izarine"),
        ("Œuvres", "OEUVRES"),
        ("Copy", "\u0441\u043e\u0440\u0443"),
        ("Notes", "Ν\u03bftes"),
        ("Forum", "Forurn"),
        ("Trousseau", "Trou5seau"),
    ],
)
def test_other_names_too(one, other):
    assert likeness(one) == likeness(other)


@pytest.mark.parametrize("other", ["Wiki 2", "Wikis", "Viki", "Wiki bis", "Agenda", "Trousseau"])
def test_names_that_nobody_confuses_differ(other):
    assert likeness(other) != likeness("Wiki")


@pytest.mark.parametrize("name", ["", " ", "\u3164\u115f", "\u2800", "\u034f\ufe0f", "…!", "\u02bc"])
def test_what_shows_nothing_has_no_likeness(name):
    assert likeness(name) == ""


@pytest.mark.spec("RFC 7591", "2")
@pytest.mark.parametrize(
    "name",
    [
        *("Carnet partagé", "L’atelier n° 3", "Œuvres & C++", "Ağaç şehri", "Tiếng Việt", "Łódź", "📚 Livres", "2048"),
        *("Заметки", "Σημειώσεις", "ملاحظات ٣", "הערות", "ノートブック", "笔记 2", "노트", "Wiki\u0301"),
    ],
)
def test_a_name_in_one_script_is_taken_as_it_is(name):
    assert named(name) == name


@pytest.mark.spec("RFC 7591", "5")
@pytest.mark.parametrize(
    "name",
    [
        "W\u0456ki",
        "Wik\u03b9",
        *(
            "Tro\u222asseau",
            "\u22a4rousseau",
            "Tr\u25cbusseau",
            "Sa\u2223\u2223e",
            "Sa\u0964\u0964e",
            "Sa!!e",
            "Sa\u23d0e",
        ),
        "Заметки o",
        "Ν\u03bftes",
        "ノート W",
        "\u1d21iki",
        "W\u026aki",
        "Wi\u0261i",
        "\ua4ea\ua4f2\ua4d7\ua4f2",
        "\u13b3\u0399",
        "L\u3007uty",
        "L\u09e6uty",
        "\U0001f166iki",
        "\U0001f1fciki",
        "Wik\u0365",
        "\u0585\u057d",
        "W\u2c9fki",
    ],
)
def test_a_name_that_mixes_scripts_or_borrows_letters_is_refused(name):
    with pytest.raises(ProtocolError) as refused:
        named(name)

    assert (refused.value.code, refused.value.detail) == ("invalid_client_metadata", "name_letters")


@pytest.mark.spec("RFC 7591", "5")
@pytest.mark.parametrize("name", ["\u3164\u3164", "\u2800", "\u034f", "…", "\u02bc\u02bc"])
def test_a_name_that_shows_nothing_is_refused(name):
    with pytest.raises(ProtocolError) as refused:
        named(name)

    assert refused.value.detail == "name_invisible"


def test_a_tool_without_a_name_is_called_by_its_host():
    assert named("") == named("  ") == "tool.example"
