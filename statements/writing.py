"""Rows that are added on the hot paths: an ``INSERT`` by names of columns, without an object for each row."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import connections, models, transaction
from django.utils import timezone

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Column:
    """``name`` is what a row calls it: for a relation, the name of its identifier."""

    name: str
    adapted: Callable[..., Any]
    default: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class _Table:
    columns: tuple[_Column, ...]
    names: frozenset[str]


class InsertingQuerySet(models.QuerySet[Any]):
    """A query set that can also add rows as they stand; to be inherited by the manager of a table that grows fast."""

    def insert(self, rows: Sequence[Row]) -> None:
        """Add the rows by one statement; a column that a row does not name gets its default.

        Neither ``save`` nor a signal has a part in it, and nothing is returned.  Raises ``TypeError`` for a name that
        is no column.
        """
        if not rows:
            return
        model: type[models.Model] = self.model
        table, connection = _table_of(model), connections[self.db]
        values: list[Any] = []
        for row in rows:
            if not table.names.issuperset(row):
                raise TypeError(f"{model.__name__} has no column {', '.join(sorted(row.keys() - table.names))}")
            values += [
                column.adapted(row[column.name] if column.name in row else column.default(), connection)
                for column in table.columns
            ]
        text = _statement(model, len(rows), connection.ops.quote_name)
        with transaction.mark_for_rollback_on_error(using=self.db), connection.cursor() as cursor:
            cursor.execute(text, values)


@cache
def _table_of(model: type[models.Model]) -> _Table:
    columns = tuple(
        _Column(field.attname, field.get_db_prep_save, _default_of(field))
        for field in model._meta.local_concrete_fields
        if not isinstance(field, models.AutoField)
    )
    return _Table(columns, frozenset(column.name for column in columns))


def _default_of(field: "models.Field[Any, Any]") -> Callable[[], Any]:
    if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
        return timezone.now
    default: Callable[[], Any] = field.get_default
    return default


@cache
def _statement(model: type[models.Model], count: int, quoted: Callable[[str | None], str]) -> str:
    columns = [field.column for field in model._meta.local_concrete_fields if not isinstance(field, models.AutoField)]
    places = f"({', '.join(['%s'] * len(columns))})"
    named = ", ".join(map(quoted, columns))
    # Names of tables and columns from the models, quoted by the database's rules; values are sent beside the text.
    return f"INSERT INTO {quoted(model._meta.db_table)} ({named}) VALUES {', '.join([places] * count)}"  # noqa: S608
