"""Columns of a kind of their own."""

from collections.abc import Iterable
from typing import Any

from django.db import models

from directory.normalise import order_key


class OrderKey(models.CharField):  # type: ignore[type-arg]
    """The place of a name in a list, written with it by whatever writes the row.

    Compared byte by byte on either database: PostgreSQL alone would sort as the machine’s language says.
    """

    def __init__(self, *, of: str, **options: Any) -> None:
        self.of = of
        super().__init__(**{"editable": False, "blank": True, "default": "", **options})

    def deconstruct(self) -> Any:
        name, path, args, options = super().deconstruct()
        return name, path, args, {**options, "of": self.of}

    def db_parameters(self, connection: Any) -> Any:
        collation = "C" if connection.vendor == "postgresql" else None
        return {**super().db_parameters(connection), "collation": collation}

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        value = order_key(str(getattr(model_instance, self.of)))
        setattr(model_instance, self.attname, value)
        return value

    def get_prep_value(self, value: str) -> str:
        """The key may be longer than the name: one letter of Arabic typography stands for eighteen (NFKC)."""
        return str(super().get_prep_value(value))[: self.max_length]


class Keys(models.TextField):  # type: ignore[type-arg]
    """Keys of names (``normalise.name_key``), a line each: none of them has the end of a line in it.

    As JSON, those of thirty thousand people take PostgreSQL three times as long to write, and seven times to read.
    """

    def from_db_value(self, value: str | None, _expression: object, _connection: object) -> list[str]:
        # None: there is no such row, in what was read beside another one.
        return self.to_python(value or "")

    def to_python(self, value: str | Iterable[str]) -> list[str]:
        return value.split("\n")[:-1] if isinstance(value, str) else list(value)

    def get_prep_value(self, value: Iterable[str]) -> str:
        return "\n".join([*value, ""])

    def value_to_string(self, obj: models.Model) -> str:
        return self.get_prep_value(self.value_from_object(obj))
