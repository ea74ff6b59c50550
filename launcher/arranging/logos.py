"""Logos of tools: taken in as photos are, made anew, kept under their digest."""

import hashlib
from datetime import datetime

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from audit.services import record
from audit.types import Action, Actor, Entry
from directory import pictures
from directory.pictures import PhotoRefused
from idp.models import Tool
from launcher.models import Logo

MAX_BYTES = 2_000_000


def read(file: "UploadedFile[bytes] | None") -> bytes:
    """Raises ``PhotoRefused``, before anything is read of what is too heavy."""
    if file is None or not file.size:
        raise PhotoRefused("unreadable")
    if file.size > MAX_BYTES:
        raise PhotoRefused("too_heavy")
    raw: bytes = file.read()
    return raw


def give(*, tool: Tool, raw: bytes, actor: Actor, now: datetime) -> None:
    """Raises ``PhotoRefused``."""
    content = pictures.logo(raw)
    digest = hashlib.sha256(content).hexdigest()
    with transaction.atomic():
        values = {"content": content, "digest": digest, "updated_at": now}
        Logo.objects.update_or_create(tool=tool, defaults=values)
        record(_line(tool, actor=actor, now=now))


@transaction.atomic
def remove(*, tool: Tool, actor: Actor, now: datetime) -> None:
    if Logo.objects.filter(tool=tool).delete()[0]:
        record(_line(tool, actor=actor, now=now))


def note_refused(*, tool: Tool, reason: str, actor: Actor, now: datetime) -> None:
    facts: dict[str, object] = {"properties": ["logo"]}
    record(Entry(Action.TOOL_CHANGED, actor=actor, tool=tool.pk, refused=True, reason=reason, facts=facts, at=now))


def _line(tool: Tool, *, actor: Actor, now: datetime) -> Entry:
    facts: dict[str, object] = {"properties": ["logo"]}
    return Entry(Action.TOOL_CHANGED, actor=actor, tool=tool.pk, reason="shown", facts=facts, at=now)
