"""Queries of the hot paths, composed once per thread: Django would build and compile the same text at every request.

A query is written as ever, with ``Given`` where a value will stand; running it costs the statement and the rows.
"""

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Field, Model, QuerySet, Value
from django.db.models.query import ModelIterable

M = TypeVar("M", bound=Model)


class Given(Value):
    """The place of a value that each run brings under this name."""

    def __init__(self, name: str, output_field: "Field[Any, Any]") -> None:
        super().__init__(name, output_field)

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        return "%s", [self]

    def adapted(self, value: object, connection: Any) -> object:
        """As the field would send it to this database."""
        return self.output_field.get_db_prep_value(value, connection)


class Prepared(Generic[M]):
    """The first row of a query, which must be able to find one row at most.

    ``compose`` is called once per thread, and must not depend on anything that changes.
    """

    def __init__(self, compose: Callable[[], "QuerySet[M]"]) -> None:
        self._compose = compose
        self._kept = threading.local()

    def first(self, **given: object) -> M | None:
        connection = connections[DEFAULT_DB_ALIAS]
        rows, compiler, statement, places = self._composed(connection)
        values = tuple(
            place.adapted(given[place.value], connection) if isinstance(place, Given) else place for place in places
        )
        compiler.as_sql = lambda: (statement, values)
        return next(iter(ModelIterable(rows)), None)

    def _composed(self, connection: Any) -> tuple[Any, Any, str, tuple[Any, ...]]:
        kept: tuple[Any, Any, str, tuple[Any, ...]] | None = getattr(self._kept, "composed", None)
        if kept is None or kept[1].connection is not connection:
            rows: Any = self._compose()
            compiler = rows.query.get_compiler(DEFAULT_DB_ALIAS)
            statement, places = compiler.as_sql()
            converters = compiler.get_converters([column for column, _, _ in compiler.select])
            compiler.get_converters = lambda _columns: converters
            composite = compiler.has_composite_fields([column for column, _, _ in compiler.select])
            compiler.has_composite_fields = lambda _columns: composite
            # What ``ModelIterable`` asks the query for is what was composed here.
            rows.query.get_compiler = lambda *args, **kwargs: compiler
            kept = self._kept.composed = rows, compiler, statement, tuple(places)
        return kept
