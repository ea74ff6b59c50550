"""Changing the sections, and the order of the tools in them."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.text import slugify

from audit.differences import differences
from audit.services import record
from audit.types import Action, Actor, Entry
from directory.models import Collective
from idp.models import Tool
from idp.services.presentation import present
from launcher import cards
from launcher.models import Section

LONGEST = 30
NAMED = ("name", "name_en", "icon")


@transaction.atomic
def add_section(
    *, name: str, name_en: str, icon: str, collective: Collective | None, actor: Actor, now: datetime
) -> Section:
    """At the end of the page."""
    last = Section.objects.order_by("-order").values_list("order", flat=True).first()
    order = 0 if last is None else last + 1
    section = Section.objects.create(
        slug=_free_slug(name), name=name, name_en=name_en, icon=icon, collective=collective, order=order
    )
    record(_line(section.slug, {}, _facts(section), actor=actor, now=now))
    return section


@transaction.atomic
def change_section(
    *, slug: str, name: str, name_en: str, icon: str, collective: Collective | None, actor: Actor, now: datetime
) -> None:
    """Its slug stays: tools name it.  Raises ``Section.DoesNotExist``."""
    section = Section.objects.select_for_update().get(slug=slug)
    before = _facts(section)
    section.name, section.name_en, section.icon, section.collective = name, name_en, icon, collective
    section.save()
    if before != _facts(section):
        record(_line(slug, before, _facts(section), actor=actor, now=now))


@transaction.atomic
def remove_section(*, slug: str, actor: Actor, now: datetime) -> None:
    """Its tools stand at the end of the page from now on.  Raises ``Section.DoesNotExist``."""
    section = Section.objects.select_for_update().get(slug=slug)
    before = _facts(section)
    section.delete()
    record(_line(slug, before, {}, actor=actor, now=now))


@transaction.atomic
def move_section(*, slug: str, up: bool, actor: Actor, now: datetime) -> None:
    """One place up or down; nothing for the first and the last."""
    found = list(Section.objects.select_for_update())
    slugs = [each.slug for each in found]
    moved = cards.moved(slugs, slug, up=up)
    if moved == slugs:
        return
    by_slug = {each.slug: each for each in found}
    for order, each in enumerate(moved):
        by_slug[each].order = order
    Section.objects.bulk_update(found, ["order"])
    record(_line(slug, {"order": slugs}, {"order": moved}, actor=actor, now=now))


@transaction.atomic
def move_tool(*, tools: Sequence[Tool], slug: str, up: bool, actor: Actor, now: datetime) -> None:
    """One place up or down among these, which are those of its section in their order."""
    slugs = [tool.slug for tool in tools]
    moved = cards.moved(slugs, slug, up=up)
    if moved == slugs:
        return
    for order, each in enumerate(moved, 1):
        present(slug=each, shown={"order": order * 10}, actor=actor, now=now)


def _free_slug(name: str) -> str:
    wanted = slugify(name)[:LONGEST].strip("-") or "rubrique"
    taken = set(Section.objects.filter(slug__startswith=wanted).values_list("slug", flat=True))
    numbered = (f"{wanted}-{number}" for number in range(2, len(taken) + 3))
    return next(slug for slug in (wanted, *numbered) if slug not in taken)


def _facts(section: Section) -> dict[str, object]:
    told: dict[str, object] = {name: str(getattr(section, name)) for name in NAMED}
    return told | {"collective": section.collective.slug if section.collective else ""}


def _line(slug: str, before: dict[str, object], after: dict[str, object], *, actor: Actor, now: datetime) -> Entry:
    facts: dict[str, object] = {"section": slug, **differences(before, after)}
    return Entry(Action.SECTION_CHANGED, actor=actor, facts=facts, at=now)
