"""Reading for the page of tools."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.db.models.expressions import Combinable
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from directory.models import Member
from idp import access, admissions
from idp import selectors as idp_selectors
from idp.models import Admission
from idp.types import AdmissionState
from launcher import cards
from launcher.models import Favourite, Logo, Section

RECENT = 5


@dataclass(frozen=True, slots=True)
class Board:
    """Everything the page shows, in its order."""

    favourites: tuple[cards.Card, ...]
    recents: tuple[cards.Card, ...]
    shelves: tuple[cards.Shelf, ...]
    locked: tuple[cards.Card, ...]
    troubled: tuple[cards.Card, ...]
    found: int
    total: int
    is_empty: bool


def sections_for(member: Member) -> QuerySet[Section]:
    """The sections that this member sees, in their order."""
    mine = Q(collective__present=True, collective__memberships__member=member)
    return Section.objects.filter(Q(collective=None) | mine).distinct()


def rest() -> cards.Rest:
    return cards.Rest(_("Autres outils"))


def logo(digest: str) -> bytes:
    content = Logo.objects.filter(digest=digest).values_list("content", flat=True).first()
    return bytes(content or b"")


def _in_language(field: str) -> Combinable:
    if not (get_language() or "fr").startswith("en"):
        return F(field)
    return Case(When(**{f"{field}_en": ""}, then=F(field)), default=F(f"{field}_en"))


def _beside(member: Member, now: datetime) -> dict[str, Combinable]:
    """What a card says that is not the tool's own, read with it."""
    return {
        "logo_digest": F("logo__digest"),
        "down_since": F("condition__down_since"),
        "said": Case(When(condition__said_until__gt=now, then=_in_language("condition__said")), default=Value("")),
        "favourite": Exists(Favourite.objects.filter(member_id=member.pk, tool_id=OuterRef("pk"))),
    }


def board(member: Member, query: str = "") -> Board:
    """Four statements, however many tools: those one may enter, the last opened, the sections, those to ask for."""
    tools = list(idp_selectors.tools_for(member).annotate(**_beside(member, timezone.now())))
    by_tool = {tool.pk: cards.card(tool) for tool in tools}
    recent = [tool.pk for tool in idp_selectors.recently_opened(member, tools, RECENT)]
    sections = list(sections_for(member))
    everything = [each for shelf in cards.shelves(by_tool.values(), sections, rest=rest()) for each in shelf.cards]
    asked = Admission.objects.filter(member=member, tool=OuterRef("pk"), state=AdmissionState.ASKED)
    to_ask = access.requestable(member).annotate(logo_digest=F("logo__digest"), asked=Exists(asked))
    locked = [cards.card(tool) for tool in to_ask]
    found = cards.matching(everything, query)
    found_locked = cards.matching(locked, query)
    return Board(
        # A search answers once: what is found, in its place, without the repeats on top.
        favourites=() if query else tuple(each for each in everything if each.favourite),
        recents=() if query else tuple(by_tool[pk] for pk in recent if not by_tool[pk].favourite),
        shelves=cards.shelves(found, sections, rest=rest()),
        locked=tuple(found_locked),
        troubled=tuple(each for each in found if each.is_troubled),
        found=len(found) + len(found_locked),
        total=len(everything) + len(locked),
        is_empty=not everything,
    )


def waiting_answers(member: Member) -> int:
    """How many wait for this person's answer; one statement, whoever it is."""
    return admissions.waiting(member).count()
