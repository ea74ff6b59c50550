"""``manage.py sync_directory``: one pass over the directory, by hand.

Exit codes: 0 done (anomalies of single entries included; also a pass that another one overtook), 1 refused by the
directory or misconfigured, 2 wrong usage, 3 removals are held and wait for an approval, 4 the directory does not
answer.  After 1 and 4 nobody was changed and the run is marked failed.
"""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from directory.models import SyncRun
from directory.services import synchronise
from directory.types import DirectoryRefused, DirectoryUnavailable, RunStatus

HELD, UNAVAILABLE = 3, 4
LISTED = 20
VERBS = {
    "join": "joined",
    "edit": "changed",
    "end": "ended",
    "return": "returned",
    "new": "new",
}
EXPLAINED = {
    "no_login": "no usable uid: no sign-in by login",
    "no_mail": "no mail: sign-in by login only",
    "mail_invalid": "an address that is none: left out",
    "mail_shared": "an address held by several people: nobody signs in by it",
    "login_shared": "a login held by several people: nobody signs in by it",
    "login_reused": "a login that somebody gone had: a new account, nothing inherited",
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
    "last_administrator": "the last technician would be gone",
    "people": "people who would be gone or suspended",
    "groups": "collectives that would be gone",
    "memberships": "memberships that would end",
}


class Command(BaseCommand):
    help = "Brings members and collectives in step with the directory."
    exit_code = 0

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="show what would change; write nothing")
        parser.add_argument("--json", action="store_true", help="print the whole report as JSON")
        parser.add_argument(
            "--approve-large",
            metavar="DIGEST",
            default="",
            help="apply the removals that were held, if they are still exactly those this digest was shown for",
        )

    def run_from_argv(self, argv: list[str]) -> None:
        super().run_from_argv(argv)
        if self.exit_code:
            sys.exit(self.exit_code)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            run = synchronise(now=timezone.now(), dry_run=options["dry_run"], approved=options["approve_large"])
        except DirectoryUnavailable as error:
            raise CommandError(f"the directory does not answer ({error}); nobody was changed", returncode=UNAVAILABLE)  # noqa: B904
        except DirectoryRefused as error:
            raise CommandError(f"the directory refuses ({error}); nobody was changed")  # noqa: B904
        if options["json"]:
            self.stdout.write(json.dumps(_as_json(run, dry_run=options["dry_run"]), ensure_ascii=False, indent=1))
        elif run.status == RunStatus.INTERRUPTED:
            self.stdout.write(f"Run {run.pk}: another pass read later and was through first; nothing was written.")
        elif options["verbosity"] > 0:
            self._tell(run, dry_run=options["dry_run"], every=options["verbosity"] > 1)
        if run.status == RunStatus.HELD:
            self.exit_code = HELD

    def _tell(self, run: SyncRun, *, dry_run: bool, every: bool) -> None:
        counts = run.counts
        self.stdout.write("Nothing was written (dry run). A real pass would give:" if dry_run else f"Run {run.pk}:")
        self.stdout.write(
            "  people: {people_joined} joined, {people_changed} changed, {people_ended} ended, "
            "{people_returned} returned\n"
            "  collectives: {groups_new} new, {groups_changed} changed, {groups_ended} ended, "
            "{groups_returned} returned\n"
            "  memberships: {memberships_set} set, {memberships_removed} removed; "
            "leads: {leads_added} added, {leads_removed} removed".format(**counts)
        )
        for line in self._shortened([*run.report["people"], *run.report["groups"]], every):
            self.stdout.write(f"    {VERBS[line['verb']]}: {line['dn']}{_what(line)}")
        for code in sorted({issue["code"] for issue in run.report["issues"]}):
            found = [issue for issue in run.report["issues"] if issue["code"] == code]
            self.stdout.write(f"  {len(found)} × {code}: {EXPLAINED.get(code, code)}")
            for issue in self._shortened(found, every):
                self.stdout.write(f"    {issue['dn']}" + (f" ({issue['detail']})" if issue["detail"] else ""))
        for held in run.report["held"]:
            self.stdout.write(
                f"  HELD: {held['count']} × {held['what']} (at most {held['limit']}): "
                f"{HELD_EXPLAINED.get(held['what'], 'values that would be emptied')}"
            )
        if run.report["held"]:
            self.stdout.write(
                f"  To let exactly these go: manage.py sync_directory --approve-large {run.report['approval']}"
            )

    def _shortened(self, lines: list[dict[str, Any]], every: bool) -> list[dict[str, Any]]:
        if every or len(lines) <= LISTED:
            return lines
        self.stdout.write(f"    the first {LISTED} of {len(lines)} (all of them: -v 2 or --json)")
        return lines[:LISTED]


def _what(line: dict[str, Any]) -> str:
    parts = [f" {line['state']} ({line['reason']})"] if line.get("state") and line["verb"] != "join" else []
    if line.get("items"):
        parts.append(": " + ", ".join(line["items"]))
    return "".join(parts)


def _as_json(run: SyncRun, *, dry_run: bool) -> dict[str, Any]:
    return {"run": run.pk, "dry_run": dry_run, "status": run.status, "counts": run.counts, **run.report}
