"""Reading for the page of tools."""

from collections.abc import Callable, Iterable, Sequence
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
from idp.models import Admission, Tool
from idp.types import AdmissionState
from launcher import cards
from launcher.models import Arrangement, Favourite, Logo, Section

RECENT = 5
Put = Callable[[Iterable[cards.Card]], tuple[cards.Shelf, ...]]


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
    by_collective: bool
    is_own_order: bool
    one_key: bool


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


def _by_section(member: Member) -> Put:
    sections = list(sections_for(member))
    return lambda found: cards.shelves(found, sections, rest=rest())


def _by_collective(member: Member, tools: Sequence[Tool]) -> Put:
    """A tool stands with the first of the member's collectives that opens it; what is open to all stands apart."""
    some = [tool.pk for tool in tools if not tool.everyone]
    links = Tool.collectives.through.objects.filter(
        tool_id__in=some, collective__present=True, collective__memberships__member=member
    )
    rows = links.order_by("-collective__name").values_list("tool_id", "collective__slug", "collective__name")
    of_tool = {pk: cards.Rest(name, slug=f"collectif-{slug}", icon="together") for pk, slug, name in rows}
    return lambda found: cards.by_collective(found, of_tool, rest=cards.Rest(_("Ouverts à tous")))


def board(member: Member, query: str = "") -> Board:
    """Five statements, however many tools: those one may enter, one’s own order, the last opened, the sections, those
    to ask for."""
    tools = list(idp_selectors.tools_for(member).annotate(**_beside(member, timezone.now())))
    own = Arrangement.objects.filter(member=member).first() or Arrangement(member=member)
    tools = cards.in_own_order(tools, own.order)
    by_tool = {tool.pk: cards.card(tool) for tool in tools}
    recent = [tool.pk for tool in idp_selectors.recently_opened(member, tools, RECENT)]
    put = _by_collective(member, tools) if own.by_collective else _by_section(member)
    everything = [each for shelf in put(by_tool.values()) for each in shelf.cards]
    asked = Admission.objects.filter(member=member, tool=OuterRef("pk"), state=AdmissionState.ASKED)
    to_ask = access.requestable(member).annotate(logo_digest=F("logo__digest"), asked=Exists(asked))
    locked = [cards.card(tool) for tool in to_ask]
    found = cards.matching(everything, query)
    found_locked = cards.matching(locked, query)
    return Board(
        # A search answers once: what is found, in its place, without the repeats on top.
        favourites=() if query else tuple(each for each in everything if each.favourite),
        recents=() if query else tuple(by_tool[pk] for pk in recent if not by_tool[pk].favourite),
        shelves=put(found),
        by_collective=own.by_collective,
        is_own_order=bool(own.order),
        one_key=own.one_key,
        locked=tuple(found_locked),
        troubled=tuple(each for each in found if each.is_troubled),
        found=len(found) + len(found_locked),
        total=len(everything) + len(locked),
        is_empty=not everything,
    )


def waiting_answers(member: Member) -> int:
    """How many wait for this person's answer; one statement, whoever it is."""
    return admissions.waiting(member).count()
