"""Long values on narrow screens: where they break, and how they are grouped."""

import pytest

from hub.templatetags.typography import in_fours, readable


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("noemie.ferrand@alizarine.example", "noemie.<wbr>ferrand<wbr>@alizarine.<wbr>example"),
        ("Trousseau <hub@alizarine.example>", "Trousseau &lt;hub<wbr>@alizarine.<wbr>example&gt;"),
        ("+33639980001", "+33\u00a06\u00a039\u00a098\u00a000\u00a001"),
        ("+32470123456", "+32470123456"),
        ("Rue du 8 mai, bât. C", "Rue du 8 mai, bât. C"),
        ("<b>@x.y", "&lt;b&gt;<wbr>@x.<wbr>y"),
    ],
)
def test_a_value_breaks_and_groups_where_a_reader_would(value: str, shown: str) -> None:
    assert readable(value) == shown


def test_a_key_is_shown_by_fours_and_copied_without_spaces() -> None:
    assert in_fours("ABCDEFGHIJ") == "<span>ABCD</span><wbr><span>EFGH</span><wbr><span>IJ</span>"
    assert in_fours("<i>&") == "<span>&lt;i&gt;&amp;</span>"
