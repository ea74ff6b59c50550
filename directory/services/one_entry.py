"""One entry, taken over between two passes: what was just read or written of somebody is not asked for again."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import transaction

from directory.ldap import mapping, sources
from directory.ldap.apply import apply_between
from directory.ldap.config import LdapConfig
from directory.ldap.connection import Entry
from directory.ldap.neighbours import load_mirror
from directory.ldap.plan import ALL_WAITS, Observed, Person, at_once, make_plan
from directory.models import Collective, DirectorySource, Member, SyncRun
from directory.normalise import InvalidName, dn_key, is_under
from directory.runs import last_read, one_at_a_time
from directory.services import statuses
from directory.types import MemberState, SourceState


def take_over(
    source: DirectorySource,
    entry: Entry,
    *,
    now: datetime,
    run: SyncRun | None = None,
    mark: str | None = None,
    told: Collection[str] = (),
) -> Member | None:
    """Bring the mirror up to this entry, by the same normalising, plan and writing as a pass; its member, or nobody.

    ``entry``: with the server's ``pivots`` and everything that is mapped of a person, as ``Reading.people`` gives it;
    its values are believed, so it must have been read just now.  ``mark``: ``Reading.mark_of(entry)``; without it the
    entry's own, where that can be told without asking which server answered.  ``run``: the pass that issues are written
    under, the last one if none is named.  ``told``: items that the caller's own line of the journal names.

    Additions and edits only: an entry that would end somebody, or that has left its scope, changes nothing here and
    waits for a pass, which proves absences and keeps ceilings; so does everything while the source is not believed or
    what many would lose waits.  Before the first pass nobody is taken over.  One transaction (or part of the caller's),
    a line for each person and group that changed, ``addresses_changed`` where a mail address is another one.
    Raises ``DirectoryRefused`` for a source that is not configured.
    """
    config = sources.of(source)
    person = _person(entry, config, mark)
    with transaction.atomic():
        # In the order of a pass: its lock first, then the source's row.
        one_at_a_time()
        source = DirectorySource.objects.select_for_update(no_key=True).get(pk=source.pk)
        last = last_read(source)
        known = Member.objects.filter(entry_uuid=person.entry_uuid).first()
        if last is None or not _may_take(source, last, person, known, config):
            return _own(source, known)
        observed = Observed(people=(person,), placeholders=config.rules.placeholders, is_complete=False)
        plan = make_plan(load_mirror(source, observed, context_csn=()), observed, config.ceilings)
        if last.report.get("held") and (plan.memberships_removed or plan.leads_removed):
            # Groups are known as they were read, also where what they would take away waits: they take nothing here.
            return _own(source, known)
        applied = apply_between(run or last, plan, now, told=told)
        if applied.arrived:
            statuses.begin(applied.arrived, now=now)
        if applied.changed:
            statuses.settle(now=now, only=applied.changed)
        # refint renames members of groups a moment later and without a mark: the next pass reads the groups whole.
        if plan.unsettled or known is None or known.dn != person.dn:
            source.look_again = True
            source.save(update_fields=["look_again"])
        return _own(source, Member.objects.filter(entry_uuid=person.entry_uuid).first())


def take_over_group(source: DirectorySource, entry: Entry, *, person: UUID, now: datetime, mark: str) -> bool:
    """Bring the mirror up to this group, into which the hub has just put a person, or out of which it took them.

    Whether it could: nothing is taken over where anybody else would lose anything by it, nor while the source is not
    believed or something waits; the next pass sees to it then.  One transaction (or part of the caller's).
    Raises ``DirectoryRefused`` for a source that is not configured.
    """
    config = sources.of(source)
    uuid = config.server.identity_of(entry.attributes)
    group = mapping.group_from(uuid, entry.dn, mark, entry.attributes, config.rules)
    with transaction.atomic():
        one_at_a_time()
        source = DirectorySource.objects.select_for_update(no_key=True).get(pk=source.pk)
        last = last_read(source)
        known = Collective.objects.filter(entry_uuid=uuid, source=source, present=True).first()
        if last is None or known is None or source.state != SourceState.ACTIVE or last.report.get("held"):
            return _later(source)
        observed = Observed(groups=(group,), placeholders=config.rules.placeholders, is_complete=False)
        mirror = load_mirror(source, observed, context_csn=())
        plan = make_plan(mirror, observed, config.ceilings)
        others = {pair for pair in plan.memberships_removed if pair[1] != person} | plan.leads_removed
        if plan.held or others or known.dn != entry.dn:
            return _later(source)
        apply_between(last, plan, now)
        if plan.unsettled:
            _later(source)
        return True


def _later(source: DirectorySource) -> bool:
    source.look_again = True
    source.save(update_fields=["look_again"])
    return False


def _person(entry: Entry, config: LdapConfig, mark: str | None) -> Person:
    server = config.server
    if mark is None:
        # A count of one server among several means nothing without its name: the next pass reads such an entry again.
        mark = "" if server.marks_need_watermark else server.mark_of(entry.attributes)
    uuid = server.identity_of(entry.attributes)
    return mapping.person_from(uuid, entry.dn, mark, entry.attributes, config.rules)


def _may_take(source: DirectorySource, last: SyncRun, person: Person, known: Member | None, config: LdapConfig) -> bool:
    if source.state != SourceState.ACTIVE or not _is_in_scope(person.dn, config):
        return False
    held = {at_once(str(each["what"])) for each in last.report.get("held", ())}
    # An older content, or a right that the reader lost: one by one, entries would pass under the ceiling.
    if held & ALL_WAITS or any(what.startswith("attribute ") for what in held):
        return False
    if person.state != MemberState.ACTIVE and (known is None or known.state == MemberState.ACTIVE):
        return False
    if known is None or known.state != person.state:
        return True
    # Nothing was written to it since: what looks otherwise is a right of the reader's, which a whole reading judges.
    return not person.csn or (known.csn, known.dn) != (person.csn, person.dn)


def _is_in_scope(dn: str, config: LdapConfig) -> bool:
    try:
        return is_under(dn_key(dn), dn_key(config.people_base))
    except InvalidName:
        return False


def _own(source: DirectorySource, member: Member | None) -> Member | None:
    """Whoever another source shows is not this one's to speak of."""
    return member if member is not None and member.source_id == source.pk else None
