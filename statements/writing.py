"""Rows that are added and marked on the hot paths, by names of columns and without an object for each row."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import chain
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, models, transaction
from django.utils import timezone

Row = Mapping[str, Any]
# Values in one statement: PostgreSQL takes 65,535, SQLite as it was built, 32,766 at least.
MAX_VALUES = 30_000
# From so many rows on PostgreSQL is sent them by COPY: a twentieth of the work, and a round trip or two more.
COPIED = 200
# Texts kept: one for each number of rows that comes again and again.
MAX_TEXTS = 200


@dataclass(frozen=True, slots=True)
class _Column:
    """``name`` is what a row calls it: for a relation, the name of its key; ``stored`` is the database's name."""

    name: str
    stored: str
    adapted: Callable[..., Any]
    default: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class _Table:
    columns: tuple[_Column, ...]
    names: frozenset[str]


class InsertingQuerySet(models.QuerySet[Any]):
    """A query set that can also add rows as they stand; to be inherited by the manager of a table that grows fast."""

    def insert(self, rows: Sequence[Row]) -> None:
        """Add the rows, a few thousand to a statement; a column that a row does not name gets its default.

        Neither ``save`` nor a signal has a part in it, and nothing is returned.  Raises ``TypeError`` for a name that
        is no column.
        """
        model: type[models.Model] = self.model
        table = _table_of(model)
        # Looked up once: each look at the name of this thread's connection costs more than most values do.
        to = transaction.get_connection()
        values: list[list[Any]] = []
        for row in rows:
            _check_names(model, row)
            values.append(
                [
                    column.adapted(row[column.name] if column.name in row else column.default(), to)
                    for column in table.columns
                ]
            )
        if to.vendor == "postgresql" and len(values) >= COPIED:
            _copy(model, values)
            return
        at_once = MAX_VALUES // len(table.columns)
        for start in range(0, len(values), at_once):
            part = values[start : start + at_once]
            _run(_insertion(model, len(part)), list(chain.from_iterable(part)))


class MarkingQuerySet(InsertingQuerySet):
    """A query set whose rows, once added, are marked one by one: as used, as revoked."""

    def mark(self, pk: Any, **values: Any) -> None:
        """Write these columns of the row with this key; raises ``TypeError`` for a name that is no column."""
        model: type[models.Model] = self.model
        _check_names(model, values)
        columns = _table_of(model).columns
        adapted = [column.adapted(values[column.name], connection) for column in columns if column.name in values]
        _run(_marking(model, frozenset(values)), [*adapted, model._meta.pk.get_db_prep_value(pk, connection)])


def _check_names(model: type[models.Model], named: Row) -> None:
    """Raises ``TypeError``."""
    known = _table_of(model).names
    if not known.issuperset(named):
        raise TypeError(f"{model.__name__} has no column {', '.join(sorted(named.keys() - known))}")


def _run(text: str, values: Sequence[Any]) -> None:
    # As ``save`` does: what the database refused must not be forgotten by whoever holds the transaction.
    with transaction.mark_for_rollback_on_error(using=DEFAULT_DB_ALIAS), connection.cursor() as cursor:
        cursor.execute(text, values)


def _copy(model: type[models.Model], values: Sequence[Sequence[Any]]) -> None:
    """All or nothing, as one statement."""
    with (
        transaction.mark_for_rollback_on_error(using=DEFAULT_DB_ALIAS),
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(_copying(model)) as copy,
    ):
        for row in values:
            copy.write_row(row)


@cache
def _table_of(model: type[models.Model]) -> _Table:
    columns = tuple(
        _Column(field.attname, str(field.column), _adapted_of(field), _default_of(field))
        for field in model._meta.local_concrete_fields
        if not isinstance(field, models.AutoField)
    )
    return _Table(columns, frozenset(column.name for column in columns))


def _adapted_of(field: "models.Field[Any, Any]") -> Callable[..., Any]:
    adapted: Callable[..., Any] = field.get_db_prep_save
    if type(field) not in (models.CharField, models.TextField):
        return adapted
    # Most values are texts in columns for texts, which stay as they are.
    return lambda value, to: value if type(value) is str else adapted(value, to)


def _default_of(field: "models.Field[Any, Any]") -> Callable[[], Any]:
    if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
        return timezone.now
    default: Callable[[], Any] = field.get_default
    return default


# Names come from the models and are quoted by the database's rules; values are sent beside the text.


@lru_cache(MAX_TEXTS)
def _insertion(model: type[models.Model], count: int) -> str:
    quoted, columns = connection.ops.quote_name, _table_of(model).columns
    named = ", ".join(quoted(column.stored) for column in columns)
    places = ", ".join([f"({', '.join(['%s'] * len(columns))})"] * count)
    return f"INSERT INTO {quoted(model._meta.db_table)} ({named}) VALUES {places}"  # noqa: S608


@cache
def _copying(model: type[models.Model]) -> str:
    quoted = connection.ops.quote_name
    named = ", ".join(quoted(column.stored) for column in _table_of(model).columns)
    return f"COPY {quoted(model._meta.db_table)} ({named}) FROM STDIN"


@cache
def _marking(model: type[models.Model], names: frozenset[str]) -> str:
    quoted, columns = connection.ops.quote_name, _table_of(model).columns
    changes = ", ".join(f"{quoted(column.stored)} = %s" for column in columns if column.name in names)
    key = quoted(str(model._meta.pk.column))
    return f"UPDATE {quoted(model._meta.db_table)} SET {changes} WHERE {key} = %s"  # noqa: S608
