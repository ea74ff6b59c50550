"""Rows that are added and marked on the hot paths, by names of columns and without an object for each row."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache, lru_cache, singledispatch
from itertools import chain, islice
from operator import itemgetter
from types import NoneType
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connection, models, transaction
from django.utils import timezone
from psycopg import Binary
from psycopg.types.json import Jsonb

Row = Mapping[str, Any]
# Values in one statement: PostgreSQL takes 65,535, SQLite as it was built, 32,766 at least.
MAX_VALUES = 30_000
# From so many rows on PostgreSQL is sent them by COPY: a twentieth of the work, and a round trip or two more.
COPIED = 200
# Of these kinds of column, what the database's driver takes as it is: most values are of that type.
TAKEN: Mapping[type[Any], type] = {
    models.CharField: str,
    models.TextField: str,
    models.BinaryField: bytes,
    models.UUIDField: UUID,
}
# What would end a value of COPY, or a row, or begin something else than itself (its text format); nothing else does.
MARKS = ("\\", "\n", "\r", "\t")
# Values of one column that are made ready at once.
LOOKED_AT = 500
# Tables in one statement: each has fewer than ``COPIED`` rows, and so the values stay within what is taken.
MAX_TABLES = 8
# Texts kept: one for each number of rows that comes again and again.
MAX_TEXTS = 200


@dataclass(frozen=True, slots=True)
class _Column:
    """``name`` is what a row calls it: for a relation, the name of its key; ``stored`` is the database's name."""

    name: str
    stored: str
    adapted: Callable[..., Any]
    default: Callable[[], Any]
    # Whether rows that name no value get one each.
    differs: bool
    # Of which type the database's driver takes a value as it is.
    taken: type | None

    def of(self, row: Row, to: Any) -> Any:
        value = row[self.name] if self.name in row else self.default()
        return value if type(value) is self.taken else self.adapted(value, to)

    def of_all(self, rows: Sequence[Row], to: Any, named: AbstractSet[str]) -> list[Any]:
        name, default = self.name, self.default
        if name in named:
            try:
                values = [*map(itemgetter(name), rows)]
            except KeyError:
                values = [row[name] if name in row else default() for row in rows]
        elif self.differs:
            values = [default() for _ in rows]
        else:
            values = [default()] * len(rows)
        if set(map(type, values)) != {self.taken}:
            values = _by_runs(values, lambda value: value if type(value) is self.taken else self.adapted(value, to))
        return values


@dataclass(frozen=True, slots=True)
class _Table:
    columns: tuple[_Column, ...]
    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class Merging:
    """What becomes of a row whose ``same`` columns say what another row says that is ``open``: whose column of that
    name is null.  The other row takes its number, its later and its earlier.  A unique index must know the same.
    """

    same: tuple[str, ...]
    open: str
    summed: str = ""
    highest: tuple[str, ...] = ()
    lowest: tuple[str, ...] = ()


# Told of each row whether it is the first of the same.
Told = Callable[[list[bool]], None]


@dataclass(frozen=True, slots=True)
class _Few:
    """A table, and a few rows for it; ``then``: who waits for what became of rows that are merged."""

    model: type[models.Model]
    rows: list[list[Any]]
    merged: bool = False
    then: Told | None = None


@dataclass(frozen=True, slots=True)
class _Waiting:
    """Rows that are sent later, by which connection, and how deep in transactions that will be."""

    to: Any
    depth: tuple[bool, int]
    rows: list[_Few]


_waiting: ContextVar[_Waiting | None] = ContextVar("waiting", default=None)


class InsertingQuerySet(models.QuerySet[Any]):
    """A query set that can also add rows as they stand; to be inherited by the manager of a table that grows fast."""

    def insert(self, rows: Sequence[Row]) -> None:
        """Add the rows, a few thousand to a statement; a column that a row does not name gets its default.

        Neither ``save`` nor a signal has a part in it, and nothing is returned.  Raises ``TypeError`` for a name that
        is no column.
        """
        model: type[models.Model] = self.model
        table = _table_of(model)
        named = set().union(*rows)
        _check_names(model, named)
        waiting = _waiting.get()
        # Looked up once: each look at the name of this thread's connection costs more than most values do.
        to = waiting.to if waiting else transaction.get_connection()
        if len(rows) < COPIED:
            few = [[column.of(row, to) for column in table.columns] for row in rows]
            if waiting is None or waiting.depth != _depth(to):
                # Deeper down, what takes back the savepoint has to take these back too.
                _insert(model, few, to)
            elif few:
                waiting.rows.append(_Few(model, few))
            return
        columns = _columns(table, rows, named, to)
        if to.vendor == "postgresql":
            _copy(model, columns)
        else:
            _insert(model, chain.from_iterable(zip(*some, strict=True) for some in columns), to)


@contextmanager
def together() -> Iterator[None]:
    """The few rows that are inserted within are sent at its end: on PostgreSQL in one statement, whatever their tables.

    A round trip costs more than most rows do.  Until the end nobody finds them, and what the database refuses is
    raised there; where something else is raised, nothing is sent.  Within a savepoint that began meanwhile nothing
    waits for an end outside it.
    """
    outer = _waiting.get()
    to = outer.to if outer else transaction.get_connection()
    depth = _depth(to)
    if outer is not None and outer.depth == depth:
        yield  # the end of the outer one will do
        return
    waiting = _Waiting(to, depth, [])
    token = _waiting.set(waiting)
    try:
        yield
    finally:
        _waiting.reset(token)
    _insert_together(waiting.rows, to)


class MergingQuerySet(InsertingQuerySet):
    """A query set that can also merge rows into those that say the same, as the table's ``Merging`` has it."""

    def merge(self, rows: Sequence[Row], then: Told | None = None) -> None:
        """As ``insert``, a few rows, no two of them of the same; ``then`` is called once they are there."""
        if not rows:
            return
        model: type[models.Model] = self.model
        _check_names(model, set().union(*rows))
        waiting = _waiting.get()
        to, columns = waiting.to if waiting else transaction.get_connection(), _table_of(model).columns
        few = _Few(model, [[column.of(row, to) for column in columns] for row in rows], True, then)
        if waiting is None or waiting.depth != _depth(to):
            _insert_together([few], to)
        else:
            waiting.rows.append(few)


class MarkingQuerySet(InsertingQuerySet):
    """A query set whose rows, once added, are marked one by one: as used, as revoked."""

    def mark(self, pk: Any, **values: Any) -> None:
        """Write these columns of the row with this key; raises ``TypeError`` for a name that is no column."""
        model: type[models.Model] = self.model
        _check_names(model, values)
        to, columns = transaction.get_connection(), _table_of(model).columns
        adapted = [column.of(values, to) for column in columns if column.name in values]
        _run(_marking(model, frozenset(values)), [*adapted, model._meta.pk.get_db_prep_value(pk, to)], to)


def _depth(to: Any) -> tuple[bool, int]:
    """Each ``atomic`` within another adds one, whether it has a savepoint or not."""
    return to.in_atomic_block, len(to.savepoint_ids)


def _columns(table: _Table, rows: Sequence[Row], named: AbstractSet[str], to: Any) -> Iterator[list[list[Any]]]:
    """Column by column: most of them are not named at all, or hold the same value in every row.

    Some hundred rows at a time: of more, what was looked at has left the processor's memory when it is looked at again.
    """
    for start in range(0, len(rows), LOOKED_AT):
        some = rows[start : start + LOOKED_AT]
        yield [column.of_all(some, to, named) for column in table.columns]


def _by_runs(values: Iterable[Any], made: Callable[[Any], Any]) -> list[Any]:
    """What is made of each; of the very same value in many rows, one after the other, once."""
    before = found = object()
    all_found = []
    for value in values:
        if value is not before:
            before, found = value, made(value)
        all_found.append(found)
    return all_found


def _insert(model: type[models.Model], values: Iterable[Sequence[Any]], to: Any) -> None:
    remaining, at_once = iter(values), MAX_VALUES // len(_table_of(model).columns)
    while part := list(islice(remaining, at_once)):
        _run(_insertion(model, len(part)), list(chain.from_iterable(part)), to)


def _insert_together(waiting: Sequence[_Few], to: Any) -> None:
    told = []
    for some in _statements(waiting, MAX_TABLES if to.vendor == "postgresql" else 1):
        text = _insertions(tuple((few.model, len(few.rows), few.merged, few.then is not None) for few in some))
        last = some[-1]
        found = _run(text, [value for few in some for row in few.rows for value in row], to, answered=bool(last.then))
        if last.then:
            told.append((last.then, _firsts(last, found)))
    for then, firsts in told:
        then(firsts)


def _statements(waiting: Sequence[_Few], at_once: int) -> Iterator[list[_Few]]:
    """The tables of one statement each: one where only one can be, and whoever is answered is the last of theirs."""
    some: list[_Few] = []
    for few in sorted(waiting, key=lambda few: few.then is not None):
        some.append(few)
        if few.then or len(some) == at_once:
            yield some
            some = []
    if some:
        yield some


def _firsts(few: _Few, found: Sequence[Sequence[Any]]) -> list[bool]:
    """A row whose number is all that there is of the same is the first; answers come in no order."""
    merging, names = _merging_of(few.model), [column.name for column in _table_of(few.model).columns]
    numbers = {tuple(map(str, same)): number for *same, number in found}
    same, number = [names.index(name) for name in merging.same], names.index(merging.summed)
    return [numbers[tuple(str(row[place]) for place in same)] == row[number] for row in few.rows]


def _check_names(model: type[models.Model], named: Iterable[str]) -> None:
    """Raises ``TypeError``."""
    known = _table_of(model).names
    if not known.issuperset(named):
        raise TypeError(f"{model.__name__} has no column {', '.join(sorted(set(named) - known))}")


def _run(text: str, values: Sequence[Any], to: Any, *, answered: bool = False) -> list[Any]:
    # As ``save`` does: what the database refused must not be forgotten by whoever holds the transaction.
    with transaction.mark_for_rollback_on_error(using=DEFAULT_DB_ALIAS), to.cursor() as cursor:
        cursor.execute(text, values)
        return cursor.fetchall() if answered else []


def _copy(model: type[models.Model], columns: Iterable[Sequence[Sequence[Any]]]) -> None:
    """All or nothing, as one statement.

    The rows are made texts here: the driver would look at each value by itself, which is half the time of a COPY.
    """
    with (
        transaction.mark_for_rollback_on_error(using=DEFAULT_DB_ALIAS),
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(_copying(model)) as copy,
    ):
        for some in columns:
            lines = zip(*map(_texts, some), strict=True)
            copy.write(_encoded("\n".join([*map("\t".join, lines), ""])))


def _encoded(text: str) -> bytes:
    with suppress(UnicodeEncodeError):
        return text.encode()
    # Not within the other, which carries what is written of hundreds of people.
    raise ValueError("half a character is no text")


def _texts(values: Sequence[Any]) -> Sequence[str]:
    """A column as COPY reads it."""
    if values[0] is values[-1] and values.count(values[0]) == len(values):
        return [_text(values[0])] * len(values)
    kinds = set(map(type, values))
    if kinds == {str}:
        whole = "".join(values)
        return [_escaped(value) for value in values] if any(mark in whole for mark in MARKS) else values
    if len(kinds) == 1:
        return [*map(_text.dispatch(*kinds), values)]
    return [_text(value) for value in values]


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace("\r", r"\r").replace("\t", r"\t")


@singledispatch
def _text(value: object) -> str:
    """As PostgreSQL reads what comes to its driver; raises ``TypeError`` for what is of no kind that is known here."""
    raise TypeError(f"COPY is sent no {type(value).__name__}")


_text.register(NoneType, lambda value: r"\N")
_text.register(str, _escaped)
_text.register(bool, lambda value: "t" if value else "f")
_text.register(int, int.__repr__)
_text.register(bytes, lambda value: rf"\\x{value.hex()}")
_text.register(UUID, lambda value: f"{value.int:032x}")
_text.register(date, date.isoformat)
_text.register(datetime, datetime.isoformat)
# Each part with its sign: the first of several may count for all (``IntervalStyle``).
_text.register(timedelta, lambda value: f"{value.days:+} days {value.seconds:+} s {value.microseconds:+} microseconds")
# As Django hands them over.
_text.register(Binary, lambda value: _text(bytes(value.obj)))
_text.register(Jsonb, lambda value: _escaped(value.dumps(value.obj)))


@cache
def _table_of(model: type[models.Model]) -> _Table:
    columns = tuple(
        _Column(
            field.attname,
            str(field.column),
            field.get_db_prep_save,
            _default_of(field),
            _differs(field),
            _taken_of(field),
        )
        for field in model._meta.local_concrete_fields
        if not isinstance(field, models.AutoField)
    )
    return _Table(columns, frozenset(column.name for column in columns))


def _kind_of(field: "models.Field[Any, Any]") -> type[Any]:
    return type(field.target_field if isinstance(field, models.ForeignKey) else field)


def _taken_of(field: "models.Field[Any, Any]") -> type | None:
    taken = TAKEN.get(_kind_of(field))
    return None if taken is UUID and not connection.features.has_native_uuid_field else taken


def _default_of(field: "models.Field[Any, Any]") -> Callable[[], Any]:
    if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
        return timezone.now
    default: Callable[[], Any] = field.get_default
    return default


def _differs(field: "models.Field[Any, Any]") -> bool:
    return field.has_default() and callable(field.default)


# Names come from the models and are quoted by the database's rules; values are sent beside the text.


@lru_cache(MAX_TEXTS)
def _insertion(model: type[models.Model], count: int, merged: bool = False, answered: bool = False) -> str:
    quoted, columns = connection.ops.quote_name, _table_of(model).columns
    named = ", ".join(quoted(column.stored) for column in columns)
    places = ", ".join([f"({', '.join(['%s'] * len(columns))})"] * count)
    text = f"INSERT INTO {quoted(model._meta.db_table)} ({named}) VALUES {places}"  # noqa: S608
    if merged:
        text += f" {_merged(model)}"
    if answered:
        merging = _merging_of(model)
        text += f" RETURNING {', '.join(map(_stored(model), (*merging.same, merging.summed)))}"
    return text


def _merged(model: type[models.Model]) -> str:
    merging, table, same = _merging_of(model), connection.ops.quote_name(model._meta.db_table), _stored(model)

    def of_both(function: str, name: str) -> str:
        before, added = f"{table}.{same(name)}", f"excluded.{same(name)}"
        if connection.vendor == "postgresql":
            return f"{same(name)} = {function}({before}, {added})"
        # There the greater of something and nothing is nothing.
        plain = {"GREATEST": "MAX", "LEAST": "MIN"}[function]
        return f"{same(name)} = {plain}(COALESCE({before}, {added}), COALESCE({added}, {before}))"

    changes = [f"{same(name)} = {table}.{same(name)} + excluded.{same(name)}" for name in [merging.summed] if name]
    changes += [of_both("GREATEST", name) for name in merging.highest]
    changes += [of_both("LEAST", name) for name in merging.lowest]
    named = ", ".join(map(same, merging.same))
    return f"ON CONFLICT ({named}) WHERE {same(merging.open)} IS NULL DO UPDATE SET {', '.join(changes)}"


def _merging_of(model: Any) -> Merging:
    merging: Merging = model.merging
    return merging


def _stored(model: type[models.Model]) -> Callable[[str], str]:
    """How the database calls a column, by what a row calls it."""
    stored = {column.name: connection.ops.quote_name(column.stored) for column in _table_of(model).columns}
    return stored.__getitem__


@lru_cache(MAX_TEXTS)
def _insertions(tables: tuple[tuple[type[models.Model], int, bool, bool], ...]) -> str:
    """One statement: those before the last stand in its WITH clause, where PostgreSQL runs them too."""
    *before, last = (_insertion(*table) for table in tables)
    named = ", ".join(f"i{number} AS ({text})" for number, text in enumerate(before))
    return f"WITH {named} {last}" if named else last


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
