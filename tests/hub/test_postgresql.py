"""PostgreSQL as the hub speaks to it."""

from datetime import UTC, datetime

import pytest
from django.conf import settings
from django.db import DataError, connection

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif("sqlite" in settings.DATABASES["default"]["ENGINE"], reason="about PostgreSQL"),
]


def read(text: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz", [text])
        (value,) = cursor.fetchone()
    return value


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-28 14:03:09+00", datetime(2026, 11, 28, 14, 3, 9, tzinfo=UTC)),
        ("2026-11-28 15:03:09.5+01", datetime(2026, 11, 28, 14, 3, 9, 500_000, tzinfo=UTC)),
        ("2026-02-28 23:59:59.000001+00", datetime(2026, 2, 28, 23, 59, 59, 1, tzinfo=UTC)),
        ("0001-01-01 00:00:00+00", datetime(1, 1, 1, tzinfo=UTC)),
        ("9999-12-31 23:59:59.999999+00", datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)),
    ],
)
def test_a_moment_is_read_to_the_microsecond(text, moment):
    value = read(text)

    assert value == moment
    assert value.tzinfo is not None


@pytest.mark.parametrize("text", ["infinity", "0044-03-15 12:00:00+00 BC"])
def test_what_python_has_no_moment_for_is_the_drivers_error(text):
    with pytest.raises(DataError):
        read(text)
