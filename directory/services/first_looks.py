"""What was written since the pass before, carried out while a pass still lists everybody.

Of a hundred thousand people a list takes a second or two, and longer on a busy machine.  Nothing is proved by these
looks, and the pass would find all of it too: they carry out only what adds and corrects (``only_gives``).
"""

from contextlib import ExitStack, suppress
from datetime import datetime
from math import inf
from time import monotonic

from django.db import transaction

from directory.ldap import sources
from directory.ldap.apply import Early, apply_early
from directory.ldap.config import LdapConfig
from directory.ldap.connection import told_errors
from directory.ldap.neighbours import known_entries, some_known
from directory.ldap.observe import Known, by_marks
from directory.ldap.plan import Observed, Plan, only_gives, together
from directory.ldap.reading import Reading, reading
from directory.models import DirectorySource, SyncRun
from directory.runs import last_read, one_at_a_time
from directory.services import statuses
from directory.services.deciding import decide
from directory.types import DirectoryRefused, DirectoryUnavailable, MemberState

# People, and as many groups; of more, a pass over everybody is the shorter way.
MOST = 50
# While a pass reads, it is asked so often whether somebody has written meanwhile.
EVERY_SECONDS = 0.5


class FirstLooks:
    """Those of one pass; ``early`` is what they have carried out, for its report."""

    def __init__(self, run: SyncRun, source: DirectorySource, ldap: LdapConfig, before: SyncRun, now: datetime) -> None:
        self.early: Early | None = None
        self._run, self._source, self._ldap, self._before, self._now = run, source, ldap, before, now
        self._watermark = tuple(before.watermark.split())
        self._looked_at = monotonic()
        self._kept = ExitStack()
        self._other: Reading | None = None

    def __enter__(self) -> "FirstLooks":
        return self

    def __exit__(self, *_: object) -> None:
        self._kept.close()

    def take(self, read: Reading) -> None:
        """Carry out what was added or corrected since the last look; nothing where anything of it has to wait.

        A refusal of the server's is left to the pass, which asks more of it.  Raises ``DirectoryUnavailable``.
        """
        self._looked_at = monotonic()
        with suppress(DirectoryRefused), told_errors():
            since, self._watermark = self._watermark, read.watermark()
            found = read.marked_since(since, self._watermark, most=MOST)
            if found is None:
                return
            known = known_entries(self._source, column="csn", only={*found.people, *found.groups})
            observed = by_marks(read, self._ldap, found, known)
            if (observed.people or observed.groups) and self._is_the_same(read, known):
                self._carry_out(observed, known)

    def take_meanwhile(self) -> None:
        """Between two pages of the pass's own list, on another connection: on the same one, slapd would end the list
        there, as if that were everybody.
        """
        if not self._watermark or monotonic() < self._looked_at + EVERY_SECONDS:
            return
        try:
            if self._other is None:
                self._other = self._kept.enter_context(reading(self._ldap))
            self.take(self._other)
        except (DirectoryUnavailable, DirectoryRefused):
            # The pass has its own answer to wait for, and says what is to be said.
            self._looked_at = inf

    def _is_the_same(self, read: Reading, known: Known) -> bool:
        """Whether this is the directory that is known: another one behind the same name shows only strangers."""
        return bool(known.people or known.groups or read.locate(some_known(self._source)))

    @transaction.atomic
    def _carry_out(self, observed: Observed, known: Known) -> None:
        one_at_a_time()
        last = last_read(self._source)
        source = DirectorySource.objects.select_for_update(no_key=True).get(pk=self._source.pk)
        # Another pass has come between, or somebody has changed the settings.
        if last is None or last.pk != self._before.pk:
            return
        if source.state != self._source.state or sources.of(source) != self._ldap:
            return
        plan = decide(source, self._ldap, observed, known, "csn", self._before, self._now)
        if not only_gives(plan, observed) or _takes_a_place(source, plan):
            return
        applied = apply_early(self._run, plan, self._now)
        if applied.arrived:
            statuses.begin(applied.arrived, now=self._now)
        earlier = self.early or Early(Plan(), 0)
        self.early = Early(together(earlier.plan, plan), earlier.written + applied.written)


def _takes_a_place(source: DirectorySource, plan: Plan) -> bool:
    """Whether somebody comes in under the DN of somebody of whom nobody knows yet that they are gone."""
    places = [str(change.changes["dn_key"]) for change in plan.people if change.verb == "join"]
    return bool(places) and source.members.filter(dn_key__in=places).exclude(state=MemberState.MISSING).exists()
