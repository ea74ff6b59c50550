"""Which of this app's rows a line of the journal must stand beside.

When a member's row was written last says little: the directory's own numbers change it without anybody's data changing.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import chain, groupby

from django.db.models import Value
from django.utils.translation import gettext_lazy as _

from audit.models import Event
from audit.reconciliation.sources import AT_ONCE, Source, Standing, Told, Whole, Wholes
from audit.types import Action
from directory.models import Collective, Departure, Member, Membership, RoleGrant, SyncRun

# A first pass over a large directory writes for minutes, and its lines have one time.
A_PASS = timedelta(minutes=15)

# Who stands where follows from these; the lines do not all say where somebody stood.
OF_PEOPLE = (
    Action.STATUS_CHANGED,
    Action.MEMBER_JOINED,
    Action.MEMBER_CHANGED,
    Action.MEMBER_LEFT,
    Action.MEMBER_RETURNED,
    Action.LOCAL_ACCOUNT_CREATED,
    Action.INVITED,
)


def _collectives() -> Iterator[Whole]:
    """Each with its members and its leads: tools open by the former, rights come with the latter."""
    members = Membership.objects.values_list("collective_id", "member_id", "direct")
    leads = Collective.leads.through.objects.values_list("collective_id", "member_id", Value("lead"))
    for collective, rows in groupby(sorted(chain(members, leads), key=str), key=lambda row: row[0]):
        listed = [f"{member} {how}" for _collective, member, how in rows]
        yield Whole(str(collective), len(listed), sha256("\n".join(listed).encode()).hexdigest())


def _told_of_collectives(since: datetime) -> Callable[[str], Told]:
    """What passes over the directory and changes of status may have done; an erasure takes its person out of all."""
    came: Counter[str] = Counter()
    left: Counter[str] = Counter()
    lines = Event.objects.filter(action=Action.COLLECTIVE_CHANGED, at__gte=since).values_list("facts", flat=True)
    for facts in lines.iterator(AT_ONCE):
        collective = str(facts.get("collective", ""))
        came[collective] += int(facts.get("members_set", 0)) + int(facts.get("leads_added", 0))
        left[collective] += int(facts.get("members_removed", 0)) + int(facts.get("leads_removed", 0))
    moved = Event.objects.filter(action__in=OF_PEOPLE, at__gte=since).count()
    erased = Member.objects.filter(erased_at__gte=since).count()
    of_status = {str(pk) for pk in Collective.objects.exclude(status="").values_list("pk", flat=True)}

    def told(collective: str) -> Told:
        by_status = moved if collective in of_status else 0
        # Whoever led a collective and was in it leaves twice.
        return Told(came[collective] + by_status, left[collective] + by_status + 2 * erased)

    return told


SOURCES = (
    Wholes(
        "directory.collective",
        _("Membres et responsables des collectifs"),
        (Action.COLLECTIVE_CHANGED, Action.STATUS_CHANGED),
        _collectives,
        _told_of_collectives,
        slack=A_PASS,
    ),
    Source(
        "directory.member",
        _("Personnes arrivées"),
        (Action.MEMBER_JOINED, Action.LOCAL_ACCOUNT_CREATED, Action.INVITED),
        Member.objects.all,
        at="created_at",
        person="pk",
        slack=A_PASS,
    ),
    Source(
        "directory.state",
        _("Comptes ouverts et fermés par l’annuaire"),
        (Action.MEMBER_JOINED, Action.MEMBER_LEFT, Action.MEMBER_RETURNED, Action.MEMBER_CHANGED),
        lambda: Member.objects.exclude(state_since=None),
        at="state_since",
        person="pk",
        slack=A_PASS,
    ),
    Source(
        "directory.hold",
        _("Suspensions et départs"),
        (Action.MEMBER_SUSPENDED, Action.MEMBER_LEFT, Action.MEMBER_RESUMED, Action.MEMBER_RETURNED),
        lambda: Member.objects.exclude(hold_since=None),
        at="hold_since",
        person="pk",
    ),
    Source(
        "directory.departure",
        _("Départs datés"),
        (Action.DEPARTURE_PLANNED,),
        Departure.objects.all,
        at="planned_at",
        person="member",
    ),
    Standing(
        "directory.role",
        _("Rôles attribués"),
        (Action.ROLE_GRANTED,),
        RoleGrant.objects.all,
        at="granted_at",
        person="member",
        holds=("role", "granted_by", "ends_at"),
    ),
    Source(
        "directory.run",
        _("Passages de l’annuaire qui ont changé quelque chose"),
        (Action.SYNC_APPLIED,),
        lambda: SyncRun.objects.filter(counts__written__gt=0),
        at="ended_at",
        slack=A_PASS,
    ),
)
