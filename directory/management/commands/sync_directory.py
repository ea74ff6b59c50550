"""``manage.py sync_directory``: one pass over each directory, or over one of them, by hand.

Exit codes: 0 done (anomalies of single entries included; also a pass that another one overtook), 1 refused by a
directory or misconfigured, 2 wrong usage, 3 removals are held and wait for an approval, 4 a directory does not answer.
After 1 and 4 nobody of that directory was changed and the run is marked failed.  With several directories each is read,
whatever became of the others, and the code is that of the gravest end: 4, then 1, then 3.  A directory that is not
followed is read for show only.
"""

import json
import shlex
import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, TypeVar

from django.core.management.base import BaseCommand, CommandError, OutputWrapper
from django.utils import timezone

from directory.following import Named, named, names_in, parts_of, what_waits, would_of
from directory.ldap.observe import Tell, quiet
from directory.ldap.sources import active_sources, in_use, settings_source
from directory.models import DirectorySource, SyncIssue, SyncRun
from directory.services import synchronise
from directory.types import DirectoryRefused, DirectoryUnavailable, Mode, RunStatus, SourceState

T = TypeVar("T")
REFUSED, USAGE, HELD, UNAVAILABLE = 1, 2, 3, 4
GRAVEST_FIRST = (UNAVAILABLE, REFUSED, HELD, USAGE)
PHASES = {"pivots": "seen", "details": "changed", "entries": "read"}
LISTED = 20
VERBS = {
    "join": "joined",
    "edit": "changed",
    "end": "ended",
    "return": "returned",
    "new": "new",
}
PAIRS = {
    "memberships-set": "memberships set",
    "memberships-removed": "memberships removed",
    "leads-added": "leads added",
    "leads-removed": "leads removed",
}
EXPLAINED = {
    "no_login": "no usable uid: no sign-in by login",
    "no_mail": "no mail: sign-in by login only",
    "mail_invalid": "an address that is none: left out",
    "mail_shared": "an address held by several people: nobody signs in by it",
    "login_is_mail": "a login that is somebody else's address: nobody signs in by it",
    "login_shared": "a login held by several people: nobody signs in by it",
    "login_reused": "a login that somebody gone had: a new account, nothing inherited",
    "entry_elsewhere": "an entry that another directory brought: followed there only",
    "value_not_utf8": "a value that is not UTF-8: left out",
    "value_cut": "a value too long: cut",
    "characters_removed": "control or invisible characters: removed",
    "phone_unclear": "a telephone number that can be read in several ways: kept as written",
    "group_member_unknown": "members that are no entry: skipped",
    "group_lead_unknown": "a lead that is nobody: skipped",
    "group_in_itself": "a group that is its own member: ignored",
    "group_cycle": "groups that hold each other: they share their members",
    "group_kind_unknown": "a kind that is not in the mapping: kept as other",
    "group_kind_missing": "no kind: kept as other",
}
HELD_EXPLAINED = {
    "server_went_back": "the server's content is older than it was (a restored backup?): nothing was changed",
    "nothing_in_common": "not one known person is in it (another server?): nothing was changed",
    "people_today": "too many people would be gone in one day",
    "last_administrator": "the last technician would be gone",
    "people": "people who would be gone or suspended",
    "taken_over": "people and collectives of a retired directory that would be this one's",
    "others": "people of other directories who would lose their login or address: shared, it opens nothing",
    "groups": "collectives that would be gone",
    "groups_today": "too many collectives would be gone in one day",
    "memberships": "memberships that would end",
    "memberships_today": "too many memberships would end in one day",
    "leads": "people who would no longer lead a collective",
    "leads_today": "too many people would no longer lead a collective in one day",
}


class Command(BaseCommand):
    help = "Brings members and collectives in step with the directory."
    exit_code = 0

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--source", metavar="NAME", default="", help="only the directory of this name")
        parser.add_argument("--dry-run", action="store_true", help="show what would change; write nothing")
        parser.add_argument("--deep", action="store_true", help="read every attribute of everybody, changed or not")
        parser.add_argument("--json", action="store_true", help="print the whole report as JSON")
        parser.add_argument(
            "--approve",
            metavar="PLAN",
            default="",
            help="apply the removals that were held, if they are still exactly those of the plan with this digest",
        )

    def run_from_argv(self, argv: list[str]) -> None:
        super().run_from_argv(argv)
        if self.exit_code:
            sys.exit(self.exit_code)

    def handle(self, *args: Any, **options: Any) -> None:
        sources = self._sources(options["source"], dry_run=options["dry_run"])
        if options["approve"] and len(sources) > 1:
            raise CommandError("an approval is for the plan of one directory: name it with --source", returncode=USAGE)
        ends, reports = [], []
        for source in sources:
            if len(sources) > 1 and not options["json"] and options["verbosity"]:
                self.stdout.write(f"{source.name}:")
            end, report = self._one(source, options)
            ends.append(end)
            reports.append(report)
        if options["json"]:
            told = reports[0] if len(reports) == 1 else reports
            self.stdout.write(json.dumps(told, ensure_ascii=False, indent=1))
        self.exit_code = next((code for code in GRAVEST_FIRST if code in ends), 0)

    def _sources(self, name: str, *, dry_run: bool) -> list[DirectorySource]:
        if not name:
            try:
                # Says in its own words that none is configured.
                return active_sources() or [settings_source()]
            except DirectoryRefused as error:
                raise CommandError(
                    f"the directory refuses ({error}); nobody was changed", returncode=REFUSED
                ) from error
        found = [source for source in in_use() if source.name == name]
        if not found:
            names = ", ".join(source.name for source in in_use()) or "none"
            raise CommandError(f"no directory is called {name}; there are: {names}", returncode=USAGE)
        if not dry_run and found[0].state != SourceState.ACTIVE:
            raise CommandError(
                f"{name} is not followed ({found[0].state}): it is read for show only, with --dry-run; "
                "the pages of the directory follow it, once a dry run was seen",
                returncode=USAGE,
            )
        return found

    def _one(self, source: DirectorySource, options: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """One directory: the exit code, and what ``--json`` tells."""
        dry_run = options["dry_run"]
        is_watched = self.stderr.isatty() and options["verbosity"]
        try:
            with _progress(self.stderr) if is_watched else nullcontext(quiet) as tell:
                run = synchronise(
                    now=timezone.now(),
                    source=source,
                    mode=Mode.DEEP if options["deep"] else Mode.PIVOT,
                    dry_run=dry_run,
                    approved=options["approve"],
                    tell=tell,
                )
        except (DirectoryUnavailable, DirectoryRefused) as error:
            is_away = isinstance(error, DirectoryUnavailable)
            said = "does not answer" if is_away else "refuses"
            self.stderr.write(f"the directory {source.name} {said} ({error}); nobody is lost by it")
            code = UNAVAILABLE if is_away else REFUSED
            return code, {
                "source": source.name,
                "status": RunStatus.FAILED,
                "error": f"{type(error).__name__}: {error}",
            }
        if not options["json"]:
            if run.status == RunStatus.INTERRUPTED:
                self.stdout.write(f"Run {run.pk}: another pass read later and was through first; this one is given up.")
            elif options["verbosity"] > 0:
                self._tell(run, dry_run=dry_run, every=options["verbosity"] > 1)
        if options["approve"] and not run.report.get("lifted"):
            self.stderr.write(f"No plan {options['approve']} waits: nothing was let go.")
            return HELD if run.status == RunStatus.HELD else USAGE, _as_json(run, dry_run=dry_run)
        return HELD if run.status == RunStatus.HELD else 0, _as_json(run, dry_run=dry_run)

    def _tell(self, run: SyncRun, *, dry_run: bool, every: bool) -> None:
        self.stdout.write("Nothing was written (dry run). A real pass would give:" if dry_run else f"Run {run.pk}:")
        self._tell_changes(run.counts, run.report, every)
        issues = _issues(run)
        for code in sorted({issue["code"] for issue in issues}):
            found = [issue for issue in issues if issue["code"] == code]
            self.stdout.write(f"  {len(found)} × {code}: {EXPLAINED.get(code, code)}")
            for issue in self._shortened(found, every):
                self.stdout.write(f"    {issue['dn']}" + (f" ({issue['detail']})" if issue["detail"] else ""))
        for held, waiting in zip(run.report["held"], what_waits(run), strict=True):
            self.stdout.write(
                f"  HELD: {held['count']} × {held['what']} (at most {held['limit']}): "
                f"{HELD_EXPLAINED.get(held['what'], 'values that would be emptied')}"
            )
            # Where everything waits, all of them are among the differences.
            self._tell_names(() if "would" in run.report else waiting.lines, every)
        if (would := would_of(run)) is not None:
            self.stdout.write("  To accept it would give:")
            self._tell_changes(would.counts, would.report, every)
            known = names_in(would)
            for part, lines in parts_of(would).items():
                if part in PAIRS:
                    self.stdout.write(f"    {PAIRS[part]}:")
                    self._tell_names(named(part, lines, known), every)
        if run.report["held"] and run.source is not None:
            approval = f"--source {shlex.quote(run.source.name)} --approve {run.report['approval']}"
            self.stdout.write(f"  To let exactly these go: sync_directory {approval}")

    def _tell_changes(self, counts: dict[str, int], report: dict[str, Any], every: bool) -> None:
        self.stdout.write(
            "  people: {people_joined} joined, {people_changed} changed, {people_ended} ended, "
            "{people_returned} returned, {people_taken_over} taken over\n"
            "  collectives: {groups_new} new, {groups_changed} changed, {groups_ended} ended, "
            "{groups_returned} returned, {groups_taken_over} taken over\n"
            "  memberships: {memberships_set} set, {memberships_removed} removed; "
            "leads: {leads_added} added, {leads_removed} removed".format(**counts)
        )
        for line in self._shortened([*report["people"], *report["groups"]], every):
            self.stdout.write(f"    {VERBS[line['verb']]}: {line['dn']}{_what(line)}")

    def _tell_names(self, lines: Sequence[Named], every: bool) -> None:
        for each in self._shortened(lines, every):
            self.stdout.write("    " + " ".join(filter(None, (each.name, each.other and f"({each.other})"))))

    def _shortened(self, lines: Sequence[T], every: bool) -> Sequence[T]:
        if every or len(lines) <= LISTED:
            return lines
        self.stdout.write(f"    the first {LISTED} of {len(lines)} (all of them: -v 2 or --json)")
        return lines[:LISTED]


@contextmanager
def _progress(terminal: OutputWrapper) -> Iterator[Tell]:
    """For whoever waits: one line, written over, and gone once there is something else to read."""
    width = 0

    def write(text: str) -> None:
        nonlocal width
        # In no colour: what goes to this stream is red otherwise, and this is no error.
        terminal.write("\r" + text.ljust(width), style_func=str, ending="")
        width = len(text)

    def tell(phase: str, count: int) -> None:
        write(f"{PHASES.get(phase, phase)}: {count}")

    try:
        yield tell
    finally:
        write("")
        write("")


def _issues(run: SyncRun) -> list[dict[str, Any]]:
    """What this pass found, and what stands from before: whoever did not change is not looked at again."""
    told = {(issue["entry"], issue["code"]) for issue in run.report.get("issues", ())}
    before = SyncIssue.objects.filter(source=run.source, resolved_at=None).order_by("code", "dn")
    return [
        *run.report.get("issues", ()),
        *(
            {"entry": str(issue.entry_uuid), "dn": issue.dn, "code": issue.code, "detail": issue.detail}
            for issue in before
            if (str(issue.entry_uuid), issue.code) not in told
        ),
    ]


def _what(line: dict[str, Any]) -> str:
    parts = [f" {line['state']} ({line['reason']})"] if line.get("state") and line["verb"] != "join" else []
    if line.get("items"):
        parts.append(": " + ", ".join(line["items"]))
    return "".join(parts)


def _as_json(run: SyncRun, *, dry_run: bool) -> dict[str, Any]:
    return {
        "run": run.pk,
        "source": run.source.name if run.source else "",
        "mode": run.mode,
        "dry_run": dry_run,
        "status": run.status,
        "counts": run.counts,
        **run.report,
        "issues": _issues(run),
    }
