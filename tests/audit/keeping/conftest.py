"""A history of two people, signed; and how it is checked."""

from pathlib import Path

import pytest
from django.db import transaction
from django.utils import timezone

from audit import place
from audit.services import record
from audit.types import Action, Actor, Entry
from tests.support.keeping import settle


@pytest.fixture
def exports(settings, tmp_path) -> Path:
    settings.AUDIT_DIR = tmp_path / "audit"
    folder = tmp_path / "exports"
    folder.mkdir()
    return folder


@pytest.fixture
def happened(exports, member, other_member, louty) -> None:
    """Two people did this and that, to themselves and to each other."""
    happen(member, other_member, louty)


def happen(member, other_member, louty, at=None) -> None:
    with transaction.atomic(), place.coming_from(lambda: {"address": "192.0.2.0/24"}):
        record(
            Entry(Action.SIGN_IN, Actor(member.pk), member.pk, at=at),
            Entry(Action.CONSENT_GIVEN, Actor(member.pk), member.pk, louty.pk, facts={"items": ["phone"]}, at=at),
            Entry(Action.DISCLOSED, Actor(tool=louty.pk), member.pk, louty.pk, facts={"items": ["email"]}, at=at),
            Entry(Action.ROLE_GRANTED, Actor(other_member.pk), member.pk, facts={"role": "office"}, at=at),
            Entry(Action.MEMBER_SUSPENDED, Actor(member.pk), other_member.pk, reason="misuse", at=at),
            Entry(Action.TOOL_CHANGED, Actor(member.pk), tool=louty.pk, at=at),
            Entry(Action.SIGN_IN, Actor(other_member.pk), other_member.pk, at=at),
            Entry(Action.MEMBER_CONSULTED, Actor(other_member.pk), member.pk, at=at),
        )
    settle(now=at or timezone.now())
