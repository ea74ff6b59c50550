"""Reading collectives: which there are, who leads them, what they hold, and how many are in them."""

from uuid import UUID

from django.db.models import Count, Prefetch, Q, QuerySet

from audit.selectors import fold, has_words
from directory.models import Collective, Member
from directory.types import Kind

LISTS = {
    "ouverts": Q(present=True),
    "sensibles": Q(sensitive=True),
    "fermes": Q(present=False),
}


def collectives(which: str = "ouverts", text: str = "") -> QuerySet[Collective]:
    """By name, with their leads, ``people`` and how many of them are in it by themselves, ``direct``.

    A status is where somebody stands, no group that anybody keeps: it is not among them.
    """
    rows = _kept().filter(LISTS[which]).select_related("source").prefetch_related(_leads())
    if text:
        rows = rows.filter(pk__in=_matching(text))
    there = Q(memberships__member__erased_at=None)
    counts = {
        "people": Count("memberships", filter=there),
        "direct": Count("memberships", filter=there & Q(memberships__direct=True)),
    }
    return rows.annotate(**counts).order_by("order_key", "pk")


def collective(slug: str) -> Collective | None:
    """One of them with its leads, and the others that it holds (``nested``) or that hold it (``nested_in``)."""
    others = [Prefetch(name, queryset=_kept().filter(present=True).order_by("order_key")) for name in NESTING]
    return _kept().select_related("source").prefetch_related(_leads(), *others).filter(slug=slug).first()


NESTING = ("nested", "nested_in")


def _kept() -> QuerySet[Collective]:
    return Collective.objects.exclude(kind=Kind.STATUS)


def _leads() -> "Prefetch[str, QuerySet[Member], str]":
    return Prefetch("leads", queryset=Member.objects.filter(erased_at=None).order_by("order_key", "pk"))


def _matching(text: str) -> list[UUID]:
    """Those whose name holds every word of this, without accents or case (SQLite folds no accents)."""
    words = fold(text).split()
    return [pk for pk, name in _kept().values_list("pk", "name") if has_words(words, name)]
