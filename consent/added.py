"""Rows that are added and never changed: what was written once stands, and what is wrong is put right by another."""

from typing import Any, NoReturn

from django.db import models

from audit.types import AppendOnlyError


class AddedQuerySet(models.QuerySet[Any]):
    def update(self, **_: Any) -> NoReturn:
        raise AppendOnlyError(f"{self.model._meta.label}: rows are never changed")

    def delete(self) -> NoReturn:
        raise AppendOnlyError(f"{self.model._meta.label}: rows are never removed")


class Added(models.Model):
    """To be inherited; raises ``AppendOnlyError`` for whatever is not the first ``save``."""

    objects = AddedQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError(f"{self._meta.label}: rows are never changed")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnlyError(f"{self._meta.label}: rows are never removed")
