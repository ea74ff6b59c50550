"""Changing the look: checked, written, and told to the journal in one transaction."""

import hashlib
from datetime import datetime

from django.db import transaction

from audit.differences import differences
from audit.services import record
from audit.types import Action, Actor, Entry
from branding import colours
from branding.models import ONLY, Look
from branding.selectors import renew_now_and_after
from branding.types import LookRefused
from directory import pictures
from directory.pictures import PhotoRefused

MAX_LOGO_BYTES = 2_000_000
TEXTS = ("name_fr", "name_en", "short_name", "accent", "second")


def change(
    *,
    name_fr: str,
    name_en: str,
    short_name: str,
    accent: str,
    second: str,
    actor: Actor,
    now: datetime,
    logo: bytes | None = None,
) -> bool:
    """Whether anything is another thing now.  ``logo``: as it was sent; empty takes it away, None leaves it.

    Raises ``LookRefused``, after a line in the journal.
    """
    try:
        wanted = {
            "name_fr": name_fr,
            "name_en": name_en,
            "short_name": short_name,
            **_colours(accent=accent, second=second),
        }
        drawn = _drawn(logo) if logo else logo
    except LookRefused as refused:
        facts: dict[str, object] = {"properties": [refused.field]}
        with transaction.atomic():
            record(Entry(Action.LOOK_CHANGED, actor, refused=True, reason=refused.reason, facts=facts, at=now))
        raise
    with transaction.atomic():
        look, _made = Look.objects.select_for_update().get_or_create(pk=ONLY, defaults={"changed_at": now})
        before = _told(look)
        for name, value in wanted.items():
            setattr(look, name, value)
        if drawn is not None:
            look.logo = drawn
        facts = differences(before, _told(look), untold={"logo"})
        if not facts["properties"]:
            return False
        look.changed_at = now
        look.save()
        record(Entry(Action.LOOK_CHANGED, actor, facts=facts, at=now))
        renew_now_and_after()
    return True


@transaction.atomic
def restore(*, actor: Actor, now: datetime) -> bool:
    """Back to what the hub shows by itself; nothing of what was chosen is kept."""
    look = Look.objects.select_for_update().filter(pk=ONLY).first()
    if look is None:
        return False
    facts = differences(_told(look), _told(Look()), untold={"logo"})
    look.delete()
    record(Entry(Action.LOOK_CHANGED, actor, facts=facts, at=now))
    renew_now_and_after()
    return True


def _colours(**given: str) -> dict[str, str]:
    """Both, each of which can be read in both themes; or none."""
    if not any(given.values()):
        return dict.fromkeys(given, "")
    parsed: dict[str, str] = {}
    for field, text in given.items():
        try:
            parsed[field] = colours.parse(text)
        except ValueError as error:
            raise LookRefused("colour_unreadable", field=field) from error
        if not colours.can_be_read(parsed[field]):
            raise LookRefused("colour_weak", field=field, nearest=colours.nearest(parsed[field]))
    return parsed


def _drawn(raw: bytes) -> bytes:
    if len(raw) > MAX_LOGO_BYTES:
        raise LookRefused("too_heavy", field="logo")
    try:
        return pictures.read_logo(raw).shown()
    except PhotoRefused as refused:
        raise LookRefused(refused.reason, field="logo") from refused


def _told(look: Look) -> dict[str, object]:
    logo = bytes(look.logo)
    return {name: getattr(look, name) for name in TEXTS} | {"logo": hashlib.sha256(logo).hexdigest() if logo else ""}
