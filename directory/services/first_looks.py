"""What was written since the pass before, carried out while a pass still lists everybody.

Of a hundred thousand people a list takes a second or two, and longer on a busy machine.  The pass would find all of it
too: these looks carry out what entries say that were written (``only_written``), and close the accounts of those whose
own entry says so, or whom the server says are gone and who are nowhere in it (``only_ends``).
"""

from collections.abc import Collection
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import datetime
from math import inf
from time import monotonic
from uuid import UUID

from django.db import transaction

from directory.ldap import sources
from directory.ldap.apply import Early, apply_early
from directory.ldap.config import LdapConfig
from directory.ldap.connection import told_errors
from directory.ldap.neighbours import known_entries, newly_named, some_known
from directory.ldap.observe import ENTRY_GONE, Known, Seen, by_marks
from directory.ldap.plan import EARLY, Observed, Plan, only_ends, only_values, only_written, together
from directory.ldap.reading import Pivots, Reading, reading
from directory.ldap.report import report_of
from directory.ldap.servers import went_back
from directory.models import DirectorySource, SyncRun
from directory.normalise import dn_key, name_key
from directory.policy import time_followed
from directory.runs import last_read, one_at_a_time
from directory.services import statuses
from directory.services.deciding import decide
from directory.services.roles import end_roles_of_leavers
from directory.types import DirectoryRefused, DirectoryUnavailable, MemberState

# People, and as many groups; of more, a pass over everybody is the shorter way.
MOST = 50
# While a pass reads, it is asked so often whether somebody has written meanwhile.
EVERY_SECONDS = 0.5
# After a look of a second, so much less often: the pass has to come to its end.
LONGER = 10.0
# A server that did not answer when it was asked who is gone is not asked again for so long.
UNASKED_SECONDS = 900.0
_unasked: dict[int, float] = {}


def ask_again() -> None:
    """Whoever did not answer when they were asked who is gone is asked again."""
    _unasked.clear()


class FirstLooks:
    """Those of one pass; ``early`` is what they have carried out, for its report."""

    def __init__(self, run: SyncRun, source: DirectorySource, ldap: LdapConfig, before: SyncRun, now: datetime) -> None:
        self.early: Early | None = None
        self._run, self._source, self._ldap, self._before, self._now = run, source, ldap, before, now
        self._watermark = tuple(before.watermark.split())
        # What a look has left to the pass, the next one sees with what has come since.
        self._since = self._watermark
        self._waits = False
        self._looked_at, self._took = monotonic(), 0.0
        self._kept = ExitStack()
        self._other: Reading | None = None

    def __enter__(self) -> "FirstLooks":
        return self

    def __exit__(self, *_: object) -> None:
        self._kept.close()

    def take(self, read: Reading) -> None:
        """Carry out what was written since the last look, as far as it need not wait for the list.

        A refusal of the server's is left to the pass, which asks more of it.  Raises ``DirectoryUnavailable``.
        """
        began = monotonic()
        try:
            self._take(read)
        finally:
            self._looked_at = monotonic()
            self._took = self._looked_at - began

    def _take(self, read: Reading) -> None:
        with suppress(DirectoryRefused), told_errors():
            told = read.watermark()
            # Nothing was written; or it is another server of the same content, which has not come as far.
            if told == self._watermark or went_back(self._watermark, told):
                return
            before, self._watermark = self._watermark, told
            self._look_for_the_gone(read, before)
            found = None if self._waits else read.marked_since(self._since, told, most=MOST)
            if found is not None and self._take_all_of(read, found):
                self._since = told

    def _take_all_of(self, read: Reading, found: Pivots) -> bool:
        known = known_entries(self._source, column="csn", only={*found.people, *found.groups})
        observed = by_marks(read, self._ldap, found, known)
        if not (observed.people or observed.groups):
            return True
        if not self._is_the_same(read, known):
            return False
        return self._carry_out(observed, known, there=self._where_they_were(read, observed))

    def take_meanwhile(self) -> None:
        """Between two pages of the pass's own list, on another connection: on the same one, slapd would end the list
        there, as if that were everybody.
        """
        if not self._watermark or monotonic() < self._looked_at + EVERY_SECONDS * max(1.0, self._took * LONGER):
            return
        try:
            if self._other is None:
                self._other = self._kept.enter_context(reading(self._ldap))
            self.take(self._other)
        except (DirectoryUnavailable, DirectoryRefused):
            # The pass has its own answer to wait for, and says what is to be said.
            self._looked_at = inf

    def _look_for_the_gone(self, read: Reading, since: tuple[str, ...]) -> None:
        """Absence is a claim to be proved, the server's own as well: each is looked up, and some of the others too."""
        said = self._said_gone(read, since)
        known = known_entries(self._source, column="csn", only=said) if said else Known()
        if not known.people:
            return
        nowhere = known.people.keys() - read.locate(known.people).keys()
        if len(nowhere) < len(known.people):
            # Gone and put back, perhaps: then the server has taken them out of their groups, and marked none of those.
            self._source.look_again = True
        if not nowhere or not read.locate(some_known(self._source, but=nowhere)):
            return
        observed = Observed(
            located={UUID(hex=each): ENTRY_GONE for each in nowhere},
            placeholders=self._ldap.rules.placeholders,
            context_csn=self._watermark,
            is_complete=False,
        )
        self._carry_out(observed, known)

    def _said_gone(self, read: Reading, since: tuple[str, ...]) -> frozenset[str]:
        """Whoever cannot or will not say so is not to hold up the pass, which needs no word of it."""
        if monotonic() < _unasked.get(self._source.pk, 0):
            return frozenset()
        try:
            with told_errors():
                return read.said_gone(since, most=MOST)
        except DirectoryRefused:
            return frozenset()
        except DirectoryUnavailable:
            _unasked[self._source.pk] = monotonic() + UNASKED_SECONDS
            return frozenset()

    def _is_the_same(self, read: Reading, known: Known) -> bool:
        """Whether this is the directory that is known: another one behind the same name shows only strangers."""
        return bool(known.people or known.groups or read.locate(some_known(self._source)))

    def _where_they_were(self, read: Reading, observed: Observed) -> frozenset[UUID]:
        """Of those whom a group names now, or no longer, who is a person of this name still: nobody's place was taken,
        and who is taken out was taken out by somebody, and not by the server because they are gone.
        """
        named = newly_named(self._source, observed.groups, most=MOST)
        found = {read.identity_of(entry): entry.dn for entry in read.people(named)} if named else {}
        return frozenset(UUID(hex=each) for each, dn in found.items() if name_key(dn_key(dn)) == named[each])

    @transaction.atomic
    def _carry_out(self, observed: Observed, known: Known, *, there: frozenset[UUID] = frozenset()) -> bool:
        """First whose account closes; what else there is, is decided as it is then.  Returns whether that was all.

        Where something waits for a person, nothing more of this pass goes before it.
        """
        one_at_a_time()
        last = last_read(self._source)
        source = DirectorySource.objects.select_for_update(no_key=True).get(pk=self._source.pk)
        # Another pass has come between, or somebody has changed the settings.
        if last is None or last.pk != self._before.pk:
            return False
        if source.state != self._source.state or sources.of(source) != self._ldap:
            return False
        plan = decide(source, self._ldap, observed, known, "csn", self._before, self._now)
        if plan.held:
            self._waits = True
            return False
        ends = only_ends(plan, observed.located.keys())
        if ends.changes:
            self._write(source, ends)
            plan = decide(source, self._ldap, observed, known, "csn", self._before, self._now)
        written = self._written(plan, observed, there) if observed.people or observed.groups else Plan()
        if written.changes:
            self._write(source, written)
        return written is plan

    def _write(self, source: DirectorySource, plan: Plan) -> None:
        earlier = self.early or Early(Plan(), 0)
        told = together(earlier.plan, plan)
        changed = set().union(*(change.changes for change in plan.people if change.verb != "join"))
        if "state" in changed:
            # Their groups are looked at by whichever is next.
            DirectorySource.objects.filter(pk=source.pk).update(look_again=True)
            self._source.look_again = True
            source.followed_for = time_followed(source.followed_for, source.followed_until, self._now)
        self._run.source = source
        applied = apply_early(self._run, plan, self._now)
        if applied.arrived:
            statuses.begin(applied.arrived, now=self._now)
        if not changed.isdisjoint({"state", "employee_type"}):
            statuses.settle(now=self._now, only=applied.changed)
        if "state" in changed:
            end_roles_of_leavers(now=self._now)
        self.early = Early(told, earlier.written + applied.written)
        # Whatever becomes of this pass: somebody reads it, and what is gone counts for the day.
        report_of(self._run, told, self._now).counts["written"] = self.early.written
        self._run.save(update_fields=["report", "counts"])

    def _written(self, plan: Plan, observed: Observed, there: frozenset[UUID]) -> Plan:
        if not only_written(plan, observed, there):
            return only_values(plan, observed)
        return Plan() if self._takes_a_place(plan) else plan

    def _takes_a_place(self, plan: Plan) -> bool:
        """Whether a person or a group comes under a DN that another has, or had: groups may name that one by it yet."""
        people = {str(change.changes["dn_key"]) for change in plan.people if change.verb == "join"}
        groups = {str(change.changes["dn_key"]) for change in plan.groups if change.verb == "new"}
        others = self._source.members.filter(dn_key__in=people)
        other_groups = self._source.collectives.filter(dn_key__in=groups)
        return (bool(people) and others.exists()) or (bool(groups) and other_groups.exists())


def gone_early(source: DirectorySource) -> frozenset[UUID]:
    """Whom looks have found gone, and what that comes to for others was decided by no pass yet."""
    gone = source.members.filter(state=MemberState.MISSING, csn=EARLY, entry_uuid__isnull=False)
    return frozenset(uuid for uuid in gone.values_list("entry_uuid", flat=True) if uuid)


def with_gone(seen: Seen, gone: Collection[UUID]) -> Seen:
    """What a pass saw, and those beside it; not whom it sees again."""
    left = set(gone).difference(person.entry_uuid for person in seen.observed.people) if gone else set()
    if not left:
        return seen
    located = {**dict.fromkeys(left, ENTRY_GONE), **seen.observed.located}
    return replace(seen, observed=replace(seen.observed, located=located), stirred=True)


def settle_gone(source: DirectorySource, gone: Collection[UUID]) -> None:
    """It is decided."""
    if gone:
        source.members.filter(state=MemberState.MISSING, csn=EARLY, entry_uuid__in=gone).update(csn="", digest="")
