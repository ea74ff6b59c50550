"""``manage.py run_retention``: what has been kept long enough, and letting it go now rather than at night."""

import json
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from audit import words
from audit.keeping import changes, data, holds, retention, turns
from audit.models import Removal
from audit.parts import Role
from audit.types import SYSTEM, Actor, KeepingError, RemovalState
from directory.management.people import whoever_may
from directory.policy import Right

SAID_EVERY_SECONDS = 2.0


class Command(BaseCommand):
    help = "Lets go what the rules no longer keep, in the journal and beside it; with --dry-run, counts it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="count only; write nothing")
        parser.add_argument("--json", action="store_true", help="the answer as JSON")
        parser.add_argument("--as", dest="login", metavar="LOGIN", help="whose word this is; a data protection officer")
        parser.add_argument(
            "--clock-is-right",
            action="store_true",
            help="go on although it did not run for more than a week; needs --as",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        if options["dry_run"]:
            told = {each.value: _named(counts) for each, counts in retention.counted(now).items()}
            held = sorted(each.value for each in holds.held_classes(now))
            others = {each.category.code: each.due for each in data.clocks(now) if each.category.is_ruled}
            answer = {"rules": changes.current().version, "goes": told, "held": held, "data": others}
            self._say(options, answer, [*_others(others), *_table(told, held)])
            return
        if options["clock_is_right"] and options["login"] is None:
            raise CommandError("Somebody has to say so: --as LOGIN, of a data protection officer.")
        actor = (
            SYSTEM
            if options["login"] is None
            else Actor(whoever_may(Right.READ_JOURNAL, options["login"], who="may say what is kept").pk)
        )
        run = turns.begin(actor=actor, now=now)
        if run.state == RemovalState.REFUSED and options["clock_is_right"]:
            try:
                retention.confirm(actor=actor, now=now)
            except KeepingError as error:
                raise CommandError(f"{error}: {words.name('reason', str(error))}") from None
            run = turns.begin(actor=actor, now=now)
        if run.state == RemovalState.REFUSED:
            raise CommandError(
                f"It is {now:%Y-%m-%d %H:%M %Z}, more than a week after the last run: is the clock right? "
                "Nothing was let go. If it is: --clock-is-right --as LOGIN, or the page “Conservation” of the journal."
            )
        said = time.monotonic()
        while retention.step(run.pk):
            if time.monotonic() - said > SAID_EVERY_SECONDS:
                said = time.monotonic()
                count = Removal.objects.get(pk=run.pk).count
                self.stderr.write(f"… {count}")
        run.refresh_from_db()
        others = data.finish()
        answer = {"rules": run.rules, "state": run.state, "gone": run.said, "data": others}
        lines = [f"{log}: {', '.join(f'{role} {n}' for role, n in roles.items())}" for log, roles in run.said.items()]
        self._say(options, answer, [*_others(others), *lines, f"{run.count} parts gone"])

    def _say(self, options: dict[str, Any], answer: dict[str, object], lines: list[str]) -> None:
        self.stdout.write(json.dumps(answer) if options["json"] else "\n".join(lines))


def _others(counts: dict[str, int]) -> list[str]:
    """What the hub holds beside the journal."""
    return [f"{code:15}{number:>10}" for code, number in sorted(counts.items()) if number]


def _named(counts: dict[Role, int]) -> dict[str, int]:
    return {role.value: number for role, number in counts.items()}


def _table(told: dict[str, dict[str, int]], held: list[str]) -> list[str]:
    lines = [f"{'':15}{'facts':>10}{'subject':>10}{'actor':>10}{'network':>10}"]
    lines += [f"{name:15}" + "".join(f"{number:>10}" for number in counts.values()) for name, counts in told.items()]
    return [*lines, *(f"{name:15} on hold" for name in held), "Nothing was written (dry run)."]
