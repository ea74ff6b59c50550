"""What is to be settled in the directory."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Count, QuerySet

from audit.selectors import fold as unaccented
from directory import follow_words as words
from directory.following.names import Named, group_names, people_by_entry, short
from directory.models import Member, SyncIssue

# What everybody's rows say of two entries that share it.
SHARED = {"login_shared", "mail_shared", "login_is_mail"}
# Of an issue, where there may be many.
SHOWN = ("entry_uuid", "dn", "detail", "code", "first_run__started_at", "acknowledged_by", "source__name")
ORDER = {code: place for place, code in enumerate(words.ISSUES)}


@dataclass(frozen=True, slots=True)
class ToSettle:
    """One thing to settle: who is concerned (both, where two share something), and the rows that say so."""

    ids: tuple[int, ...]
    people: tuple[Named, ...]
    detail: str = ""
    since: datetime | None = None
    seen_by: str = ""
    # Of which directory.
    source: str = ""


@dataclass(frozen=True, slots=True)
class Kindred:
    """All that has the same cure."""

    code: str
    title: str
    advice: str
    count: int
    shown: tuple[ToSettle, ...] = ()


def open_issues(*, seen: bool = False) -> QuerySet[SyncIssue]:
    """Those that are there now; the ones that somebody lives with apart."""
    return SyncIssue.objects.filter(resolved_at=None, acknowledged_by__isnull=not seen)


def own_issues(member: Member) -> list[str]:
    """What is to be put right in somebody's own entry, in words for them, whether or not others live with it."""
    if member.entry_uuid is None:
        return []
    rows = SyncIssue.objects.filter(resolved_at=None, entry_uuid=member.entry_uuid, code__in=words.OWN_ISSUES)
    codes = sorted(set(rows.values_list("code", flat=True)), key=lambda code: ORDER[code])
    return [str(words.OWN_ISSUES[code]) for code in codes]


def issues(*, seen: bool = False, each: int = 5) -> list[Kindred]:
    """By what to do, the gravest first, some of each."""
    counts = dict(open_issues(seen=seen).values_list("code").annotate(count=Count("pk")))
    return [
        _kindred(code, counts[code], to_settle(code, seen=seen, start=0, end=each))
        for code in sorted(counts, key=lambda code: (ORDER.get(code, len(ORDER)), code))
    ]


def kindred(code: str, *, seen: bool, start: int, end: int) -> Kindred:
    count = open_issues(seen=seen).filter(code=code).count()
    return _kindred(code, count, to_settle(code, seen=seen, start=start, end=end))


def _kindred(code: str, count: int, shown: Sequence[ToSettle]) -> Kindred:
    title, advice = words.issue(code)
    return Kindred(code, str(title), str(advice), count, tuple(shown))


def to_settle(code: str, *, seen: bool, start: int, end: int) -> list[ToSettle]:
    """Where several share one thing, one line for all of them."""
    rows = open_issues(seen=seen).filter(code=code).select_related("first_run", "acknowledged_by", "source")
    found = list(rows.only(*SHOWN).order_by("pk")) if code in SHARED else list(rows.order_by("pk")[start:end])
    people = people_by_entry(str(row.entry_uuid) for row in found)
    groups = group_names(str(row.entry_uuid) for row in found if str(row.entry_uuid) not in people)

    def of(row: SyncIssue) -> Named:
        member = people.get(str(row.entry_uuid))
        name = member.display_name if member else groups.get(str(row.entry_uuid)) or short(row.dn)
        return Named(name, row.dn, member=member.pk if member else None)

    if code not in SHARED:
        return [_settled(row, (of(row),), _detail(row)) for row in found]
    sets: dict[frozenset[str], list[SyncIssue]] = {}
    for row in found:
        sets.setdefault(frozenset({row.dn, *row.detail.split("; ")}), []).append(row)
    lines = []
    for dns, together in sorted(sets.items(), key=lambda each: min(row.pk for row in each[1]))[start:end]:
        by_dn = {row.dn: of(row) for row in together}
        everybody = tuple(by_dn.get(dn) or Named(short(dn), dn) for dn in sorted(dns - {""}))
        line = _settled(together[0], everybody, "")
        # Two that share a name may be of two directories.
        names = " · ".join(sorted({row.source.name for row in together if row.source}, key=unaccented))
        lines.append(replace(line, ids=tuple(row.pk for row in together), source=names))
    return lines


def _settled(row: SyncIssue, people: tuple[Named, ...], detail: str) -> ToSettle:
    seen_by = row.acknowledged_by.display_name if row.acknowledged_by else ""
    source = row.source.name if row.source else ""
    return ToSettle((row.pk,), people, detail, row.first_run.started_at, seen_by, source)


def _detail(row: SyncIssue) -> str:
    """Names of attributes, a count, or names of groups: never the identifier of an entry."""
    return "" if row.code in ("login_reused", "entry_elsewhere") else row.detail.replace(" of ", "/")
