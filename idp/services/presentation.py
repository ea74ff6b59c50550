"""What members see of a tool: its line, its words, its letters and its place."""

from collections.abc import Mapping
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction

from audit.differences import differences
from audit.services import record
from audit.types import Action, Actor, Entry
from idp.models import Tool

# The rest of a tool says who may enter and how it speaks: that is its operator's.
SHOWN = frozenset({"tagline", "tagline_en", "keywords", "section", "monogram", "order"})


@transaction.atomic
def present(*, slug: str, shown: Mapping[str, object], actor: Actor, now: datetime) -> Tool:
    """Raises ``ValidationError``; nothing is changed then, nor written down where nothing is another."""
    if not shown.keys() <= SHOWN:
        raise ValidationError({"slug": ["this is more than what members see"]})
    tool = Tool.objects.select_for_update(no_key=True).filter(slug=slug).first()
    if tool is None:
        raise ValidationError({"slug": ["no tool of this name"]})
    before = {name: getattr(tool, name) for name in shown}
    for name, value in shown.items():
        setattr(tool, name, value)
    if before == dict(shown):
        return tool
    tool.clean_fields(exclude=[field.name for field in Tool._meta.fields if field.name not in shown])
    tool.save(update_fields=[*shown, "updated"])
    facts = differences(before, shown)
    record(Entry(Action.TOOL_CHANGED, actor=actor, tool=tool.pk, reason="shown", facts=facts, at=now))
    return tool
