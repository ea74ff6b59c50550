"""Somebody who asks, and the officer who answers."""

from collections.abc import Callable
from typing import Any

import pytest

from audit.types import Actor
from consent.requests import services
from consent.requests.models import SubjectRequest
from consent.requests.types import Kind
from consent.services import fill_register
from directory.models import Member
from tests.support.cast import MONDAY


@pytest.fixture
def filled(db) -> None:
    """The register holds the hub's own processings, on which rights depend."""
    fill_register(now=MONDAY)


@pytest.fixture
def ask(filled, member) -> Callable[..., SubjectRequest]:
    """The member asks for something."""

    def made(kind: Kind = Kind.ACCESS, *, now: Any = MONDAY, by: Member = member, **values: Any) -> SubjectRequest:
        said = {"text": "Qui a reçu mon adresse ?", "tool_id": None, "language": "fr", **values}
        return services.make(member_id=by.pk, kind=kind, actor=Actor(member=by.pk), now=now, **said)

    return made
