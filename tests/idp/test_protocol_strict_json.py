"""JSON from strangers has one meaning or none."""

import json
import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol.strict_json import Ambiguous, loads

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(JSON_VALUES)
def test_what_json_can_say_is_read_as_said(value):
    text = json.dumps(value, ensure_ascii=False)

    assert loads(text, max_chars=10**6, max_depth=30) == value
    assert loads(text.encode(), max_chars=10**6, max_depth=30) == value


@pytest.mark.spec("RFC 7519", "4")
@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":2}',
        '{"x":{"a":1,"a":1}}',
        '{"a":1,"\\u0061":2}',
        "NaN",
        "[Infinity]",
        "[-Infinity]",
        "[1e999]",
        "[-1e999]",
        "9" * 5000,
        '"\\ud800"',
        '{"\\udfff":1}',
        "[" * 13 + "]" * 13,
        "[" * 100_000,
        "",
        " ",
        "{",
        "'a'",
        "\ufeff{}",
        "{}{}",
        b"\xff",
        b'"\xed\xa0\x80"',
    ],
)
def test_what_two_readers_may_understand_differently_is_refused(text):
    with pytest.raises(Ambiguous):
        loads(text, max_chars=200_000)


def test_the_limits_are_the_last_that_pass():
    assert loads("[" * 12 + "]" * 12, max_chars=24, max_depth=12)
    with pytest.raises(Ambiguous):
        loads("[" * 12 + "]" * 12, max_chars=23, max_depth=12)


@given(st.text() | st.binary() | st.text(alphabet='{}[]":,0123456789eE+-.\\u nulltrefasNI', max_size=60))
def test_no_text_raises_anything_else(text):
    with suppress(Ambiguous):
        value = loads(text, max_chars=1000)
        assert not isinstance(value, float) or math.isfinite(value)
