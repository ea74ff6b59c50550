"""Each fact takes one line of its own; checked against an assignment that tries them all."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from audit.reconciliation.matching import Fact, Line, unmatched

START = datetime(2026, 11, 29, tzinfo=UTC)
SLACK = timedelta(seconds=2)


def at(seconds):
    return START + timedelta(seconds=seconds)


def facts(*seconds, about="a"):
    return [Fact(at(second), about, str(number)) for number, second in enumerate(seconds)]


def lines(*seconds, about="a"):
    return [Line(at(second), about) for second in seconds]


def rows(found):
    return [fact.row for fact in found]


@pytest.mark.parametrize(
    ("happened", "told", "missing"),
    [
        ((1, 5, 9), (1, 5, 9), []),
        ((1, 5, 9), (0, 7, 11), []),
        ((1, 5, 9), (1, 9), ["1"]),
        ((5, 5, 5), (5, 5), ["2"]),
        ((5,), (8,), ["0"]),
        ((5,), (), ["0"]),
        ((), (5,), []),
        # The line before is taken by the fact before: the one after is what is left.
        ((4, 5), (4, 7), []),
        ((4, 5, 6), (3, 4), ["2"]),
    ],
)
def test_a_fact_without_a_line_of_its_own_is_missing_one(happened, told, missing):
    assert rows(unmatched(facts(*happened), lines(*told), SLACK)) == missing


def test_lines_about_others_do_not_count():
    assert rows(unmatched(facts(5), lines(5, about="b"), SLACK)) == ["0"]


def fewest_missing(happened, told):
    """By trying every assignment."""
    if not happened:
        return 0
    first, rest = happened[0], happened[1:]
    near = {place for place, line in enumerate(told) if abs(line - first) <= 2}
    return min(
        [1 + fewest_missing(rest, told), *(fewest_missing(rest, told[:place] + told[place + 1 :]) for place in near)]
    )


def test_nothing_is_called_missing_that_could_have_had_a_line():
    random = Random(7)  # noqa: S311
    for _ in range(300):
        happened = sorted(random.choices(range(12), k=random.randint(0, 5)))
        told = sorted(random.choices(range(12), k=random.randint(0, 5)))

        found = rows(unmatched(facts(*happened), lines(*told), SLACK))

        assert len(found) == fewest_missing(happened, told), (happened, told)


def test_what_is_far_behind_is_not_kept():
    def many():
        for second in range(100_000):
            yield Line(at(second), second % 1000)

    kept = unmatched(facts(99_999, about=999), many(), SLACK)

    assert rows(kept) == []
