"""What passes did."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import QuerySet

from directory import follow_words as words
from directory.following.names import Named, group_names, people_by_entry, short
from directory.ldap.plan import UNTOLD
from directory.ldap.report import LISTED
from directory.models import DirectorySource, Member, SyncRun

# What a pass counted, which is right however much of it the report has room for.
COUNTS = {
    "people-join": "people_joined",
    "people-end": "people_ended",
    "people-return": "people_returned",
    "people-taken": "people_taken_over",
    "people-edit": "people_changed",
    "groups-new": "groups_new",
    "groups-end": "groups_ended",
    "groups-return": "groups_returned",
    "groups-taken": "groups_taken_over",
    "groups-edit": "groups_changed",
    "memberships-set": "memberships_set",
    "memberships-removed": "memberships_removed",
    "leads-added": "leads_added",
    "leads-removed": "leads_removed",
}
PAIRS = ("memberships-", "leads-")


def runs(source: DirectorySource | None = None) -> QuerySet[SyncRun]:
    """Every pass, the latest first; its report is read where it is shown."""
    found = SyncRun.objects.select_related("source", "asked_by", "approved_by").defer("report").order_by("-id")
    return found.filter(source=source) if source is not None else found


def parts_of(run: SyncRun) -> dict[str, list[Any]]:
    """What a report tells, by kind of change.  Whoever comes back from a retired directory is told of twice."""
    report = run.report or {}
    parts: dict[str, list[Any]] = {code: [] for code in words.VERBS}
    for kind in ("people", "groups"):
        for line in report.get(kind, []):
            if line.get("taken_over"):
                parts[f"{kind}-taken"].append(line)
            if not line.get("taken_over") or line["verb"] != "edit":
                parts[f"{kind}-{line['verb']}"].append(line)
    for kind, verbs in (("memberships", ("set", "removed")), ("leads", ("added", "removed"))):
        for verb in verbs:
            parts[f"{kind}-{verb}"] = report.get(kind, {}).get(verb, [])
    parts["issues"] = report.get("issues", [])
    return {code: lines for code, lines in parts.items() if lines}


def left_out(run: SyncRun) -> dict[str, int]:
    """By kind of change, how many the report of a very large pass does not list."""
    found: dict[str, int] = {}
    parts = parts_of(run)
    for part, name in COUNTS.items():
        kind, _dash, verb = part.partition("-")
        told = (run.report or {}).get(kind) or []
        room = told if isinstance(told, list) else told.get(verb, [])
        missing = run.counts.get(name, 0) - len(parts.get(part, []))
        if len(room) >= LISTED and missing > 0:
            found[part] = missing
    return found


def names_in(run: SyncRun) -> dict[str, str]:
    """What a report itself calls people and groups: of those who are nowhere else, where it is for show."""
    report = run.report or {}
    return {line["entry"]: short(line["dn"]) for kind in ("people", "groups") for line in report.get(kind, [])}


def nameable(part: str, lines: Sequence[Any], known: Mapping[str, str]) -> list[Any]:
    """Without the pairs of a person and a group of which one has no name any more, neither here nor in the report."""
    if not part.startswith(PAIRS):
        return list(lines)
    groups = group_names(group for group, _ in lines if group not in known)
    people = people_by_entry(person for _, person in lines if person not in known)
    return [
        (group, person)
        for group, person in lines
        if (group in known or group in groups) and (person in known or person in people)
    ]


def named(part: str, lines: Sequence[Any], known: Mapping[str, str] | None = None) -> list[Named]:
    """These lines of one part, with the names of whom they are about.  ``known``: how the report calls the others."""
    if part.startswith(PAIRS):
        others = known or {}
        groups = {**others, **group_names((group for group, _ in lines), beside_people=True)}
        people = people_by_entry(person for _, person in lines)
        return [
            Named(
                people[person].display_name if person in people else others.get(person, "?"),
                member=people[person].pk if person in people else None,
                other=groups.get(group, "?"),
            )
            for group, person in lines
        ]
    entries = [line["entry"] for line in lines]
    people = people_by_entry(entries)
    groups = group_names(entries) if part != "people-join" else {}
    return [_named(part, line, people, groups) for line in lines]


def _named(part: str, line: Mapping[str, Any], people: Mapping[str, Member], groups: Mapping[str, str]) -> Named:
    entry, dn = line["entry"], line["dn"]
    member = people.get(entry)
    name = member.display_name if member else groups.get(entry) or short(dn)
    if part == "issues":
        return Named(name, dn, why=str(words.issue(line["code"])[0]), member=member.pk if member else None)
    # An address that is no longer usable, or is again, is another one too.
    untold = UNTOLD | ({"email"} if "email_state" in line else set())
    items = tuple(sorted({words.changed(each, line) for each in line.get("items", []) if each not in untold} - {""}))
    if part in ("people-end", "people-return", "people-join"):
        items = ()
    return Named(name, dn, items, str(line.get("reason", "")), member.pk if member else None)
