"""Changing the sections, the order of the tools in them, and the links to tools that know nothing of the hub."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from secrets import token_hex
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.text import slugify

from audit.differences import differences
from audit.services import record
from audit.types import Action, Actor, Entry
from directory.models import Collective
from idp.models import Tool
from idp.services.presentation import present
from idp.services.tools import register_tool
from idp.types import ToolKind
from launcher import cards
from launcher.models import Section

LONGEST = 30
NAMED = ("name", "name_en", "icon")
# For an address that others take at the same moment.
TRIES = 3


@dataclass(frozen=True, slots=True)
class Link:
    """A tool that signs its members in itself: where it is, and who sees its tile."""

    name: str
    launch_url: str
    everyone: bool
    collectives: Iterable[Collective]


@transaction.atomic
def add_section(
    *, name: str, name_en: str, icon: str, collective: Collective | None, actor: Actor, now: datetime
) -> Section:
    """At the end of the page."""
    last = Section.objects.order_by("-order").values_list("order", flat=True).first()
    order = 0 if last is None else last + 1
    section = Section.objects.create(
        slug=_free_slug(name, Section.objects.all(), otherwise="rubrique"),
        name=name,
        name_en=name_en,
        icon=icon,
        collective=collective,
        order=order,
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


def add_link(*, link: Link, actor: Actor, now: datetime) -> Tool:
    """In no section yet, so at the end of the page.  Of a name that a tool has, or had once, it is another tool."""
    for _ in range(TRIES):
        # Somebody else may take the same address meanwhile.
        with suppress(IntegrityError), transaction.atomic():
            slug = _free_slug(link.name, Tool.objects.all(), otherwise="lien")
            return _put_link(slug, link, actor, now, is_new=True)
    with transaction.atomic():
        return _put_link(f"lien-{token_hex(4)}", link, actor, now, is_new=True)


@transaction.atomic
def change_link(*, slug: str, link: Link, actor: Actor, now: datetime) -> Tool:
    """Raises ``Tool.DoesNotExist`` where no link has this slug: a connected tool does not become one."""
    Tool.objects.select_for_update(no_key=True).get(slug=slug, kind=ToolKind.LINK)
    return _put_link(slug, link, actor, now)


def _put_link(slug: str, link: Link, actor: Actor, now: datetime, *, is_new: bool = False) -> Tool:
    return register_tool(
        slug=slug,
        name=link.name,
        properties={"kind": ToolKind.LINK, "launch_url": link.launch_url, "everyone": link.everyone},
        collectives=[each.slug for each in link.collectives],
        actor=actor,
        now=now,
        reason="link",
        is_new=is_new,
    ).tool


def _free_slug(name: str, rows: QuerySet[Any], *, otherwise: str) -> str:
    wanted = slugify(name)[:LONGEST].strip("-") or otherwise
    taken = set(rows.filter(slug__startswith=wanted).values_list("slug", flat=True))
    numbered = (f"{wanted}-{number}" for number in range(2, len(taken) + 3))
    return next(slug for slug in (wanted, *numbered) if slug not in taken)


def _facts(section: Section) -> dict[str, object]:
    told: dict[str, object] = {name: str(getattr(section, name)) for name in NAMED}
    return told | {"collective": section.collective.slug if section.collective else ""}


def _line(slug: str, before: dict[str, object], after: dict[str, object], *, actor: Actor, now: datetime) -> Entry:
    facts: dict[str, object] = {"section": slug, **differences(before, after)}
    return Entry(Action.SECTION_CHANGED, actor=actor, facts=facts, at=now)
