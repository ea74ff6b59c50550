"""Members choosing what the others see of them: their own words, and the audience of each thing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import transaction

from audit.services import record
from audit.types import Action, Actor, Entry
from directory.models import Member, Profile
from directory.people import policy
from directory.types import CannotChange


@dataclass(frozen=True, slots=True)
class Page:
    """What somebody shows; ``audiences`` by item."""

    listed: bool = True
    skills: Sequence[str] = ()
    presentation: str = ""
    links: Sequence[str] = ()
    place: str = ""
    audiences: Mapping[str, str] = field(default_factory=dict)


@transaction.atomic
def show(*, member_id: UUID, page: Page, actor: Actor, now: datetime) -> tuple[str, ...]:
    """Keep the page as it is wanted; returns what changed.  Raises ``CannotChange`` for anybody else’s."""
    # Taken first: two forms of one person, sent at once, are two changes.
    member = Member.objects.select_for_update(no_key=True).filter(pk=member_id).first()
    if member is None or not member.is_active:
        raise CannotChange("member_unknown")
    if actor.member != member_id:
        raise CannotChange("not_own_entry")
    profile = Profile.objects.filter(pk=member_id).first() or Profile(member=member)
    changed = _changed(profile, page)
    if not changed:
        return ()
    profile.updated_at = now
    profile.save()
    facts: dict[str, object] = {"items": list(changed)}
    record(Entry(Action.PAGE_CHANGED, actor=actor, subject=member_id, facts=facts, at=now))
    return changed


def _changed(profile: Profile, page: Page) -> tuple[str, ...]:
    """The items whose content or audience becomes another one."""
    wanted = {
        "listed": page.listed,
        "skills": list(page.skills),
        "presentation": page.presentation,
        "links": list(page.links),
        "place": page.place,
    }
    changed = {name for name, value in wanted.items() if getattr(profile, name) != value}
    for name, value in wanted.items():
        setattr(profile, name, value)
    before, after = policy.cleaned(profile.audiences), policy.cleaned(page.audiences)
    changed |= {item for item in before.keys() | after.keys() if before.get(item) != after.get(item)}
    profile.audiences = after
    return tuple(sorted(changed))
