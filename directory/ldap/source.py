"""What a pass starts from: the directory as it is now, and the mirror as it was left."""

from dataclasses import dataclass, replace
from uuid import UUID

from directory.ldap import client, config
from directory.ldap.mapping import group_from, person_from
from directory.ldap.plan import DETAILS, Group, Mirror, Observed, Person
from directory.models import Collective, Member, Membership, RoleGrant
from directory.normalise import dn_key
from directory.types import Hold, Kind, MailState, MemberState, Role


@dataclass(frozen=True, slots=True)
class Source:
    """One complete observation."""

    observed: Observed

    @property
    def watermark(self) -> str:
        return " ".join(self.observed.context_csn)


def read() -> Source:
    """Read the directory, and look up by itself every entry that should be there and was not seen."""
    ldap = config.load()
    seen = client.observe(ldap)
    former_key = dn_key(ldap.former_base)
    observed = Observed(
        people=tuple(
            person_from(
                entry.uuid,
                entry.dn,
                entry.csn,
                entry.attributes,
                former_key=former_key,
                mail_domain=ldap.mail_domain,
            )
            for entry in seen.people
        ),
        groups=tuple(group_from(entry.uuid, entry.dn, entry.csn, entry.attributes) for entry in seen.groups),
        people_base_key=dn_key(ldap.people_base),
        groups_base_key=dn_key(ldap.groups_base),
        placeholders=frozenset(map(dn_key, ldap.placeholders)),
        context_csn=seen.context_csn,
    )
    missing = _expected() - {entry.uuid for entry in (*seen.people, *seen.groups)}
    found = client.look_up(ldap, missing)
    return Source(replace(observed, located={uuid: found.get(uuid) for uuid in missing}))


def _expected() -> set[UUID]:
    people = Member.objects.filter(entry_uuid__isnull=False).exclude(state=MemberState.MISSING)
    groups = Collective.objects.filter(present=True, entry_uuid__isnull=False)
    uuids = (*people.values_list("entry_uuid", flat=True), *groups.values_list("entry_uuid", flat=True))
    return {uuid for uuid in uuids if uuid}


def load_mirror(*, context_csn: tuple[str, ...]) -> Mirror:
    people = {
        member.entry_uuid: _known(member, member.entry_uuid)
        for member in Member.objects.all()
        if member.entry_uuid is not None
    }
    # A status is no group of the directory: its collective has no entry, and no pass touches it.
    groups = {each.entry_uuid: each for each in Collective.objects.all() if each.entry_uuid is not None}
    entry_of = {collective.pk: uuid for uuid, collective in groups.items()}
    memberships = Membership.objects.values_list("collective__entry_uuid", "member__entry_uuid", "direct")
    leads = Collective.leads.through.objects.values_list("collective_id", "member__entry_uuid")
    administrators = RoleGrant.objects.filter(role=Role.TECHNICIAN, member__entry_uuid__isnull=False)
    return Mirror(
        people=people,
        groups={uuid: _known_group(collective, uuid) for uuid, collective in groups.items()},
        memberships={(group, person): direct for group, person, direct in memberships if group and person},
        leads=frozenset((entry_of[group], person) for group, person in leads if person and group in entry_of),
        administrators=frozenset(
            uuid for uuid in administrators.values_list("member__entry_uuid", flat=True) if uuid in people
        ),
        context_csn=context_csn,
    )


def _known(member: Member, entry_uuid: UUID) -> Person:
    return Person(
        entry_uuid,
        member.dn,
        member.dn_key,
        member.csn,
        MemberState(member.state),
        member.state_reason,
        MailState(member.email_state),
        {name: getattr(member, name) for name in DETAILS},
        login_ambiguous=member.login_ambiguous,
        is_held=member.hold != Hold.NONE,
        is_erased=member.erased_at is not None,
    )


def _known_group(collective: Collective, entry_uuid: UUID) -> Group:
    return Group(
        entry_uuid,
        collective.dn,
        collective.dn_key,
        collective.csn,
        collective.name,
        Kind(collective.kind),
        collective.description,
        present=collective.present,
    )
