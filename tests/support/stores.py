"""What is tried at hundreds of places is shared out among the databases that the tests run on."""

from collections.abc import Sequence
from typing import TypeVar

from django.db import connection

T = TypeVar("T")


def every_other(items: Sequence[T]) -> Sequence[T]:
    """Half of these on SQLite, the other half on PostgreSQL: what a wire or a moment does depends on neither."""
    return items[connection.vendor == "postgresql" :: 2]
