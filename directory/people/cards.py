"""Cards of members, each with what its reader may see and nothing else: the one place where that is decided."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import OuterRef, Prefetch, QuerySet, Subquery

from directory import photos
from directory.models import Collective, Member, Membership, Profile
from directory.people import links, policy
from directory.places import communes
from directory.types import Kind, MailState, Shown


@dataclass(frozen=True, slots=True)
class Reader:
    """Who looks: ``collectives`` are those they are in."""

    member: UUID
    collectives: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class Group:
    """A collective as a card names it."""

    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class Card:
    """What one reader may see of one member; whatever is closed to them is empty."""

    member: UUID
    name: str
    given_name: str
    collectives: tuple[Group, ...]
    photo: str = ""
    trade: str = ""
    business: str = ""
    skills: tuple[str, ...] = ()
    presentation: str = ""
    links: tuple[tuple[str, str], ...] = ()
    place: str = ""
    place_name: str = ""
    email: str = ""
    mobile: str = ""
    phone: str = ""
    can_be_written_to: bool = False

    @property
    def initials(self) -> str:
        words = self.name.split()
        return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper()

    @property
    def hue_step(self) -> int:
        """One of the twenty-four hues, the same at every visit."""
        return self.member.int % 24


def reader(member: Member) -> Reader:
    return Reader(member.pk, frozenset(groups().filter(member=member).values_list("collective_id", flat=True)))


def colleague(member: Member) -> Reader:
    """Somebody who has every collective of this member in common, and is nobody."""
    return Reader(UUID(int=0), reader(member).collectives)


def stranger() -> Reader:
    """A member who has nothing in common with anybody."""
    return Reader(UUID(int=0), frozenset())


def listed() -> QuerySet[Member]:
    """Those who stand in the list: active, with an entry, and not against it."""
    return Member.objects.active().filter(erased_at=None).exclude(entry_uuid=None).exclude(profile__listed=False)


def groups() -> QuerySet[Membership]:
    """Those by which people are near each other: a status is no collective."""
    return Membership.objects.filter(collective__present=True).exclude(collective__kind=Kind.STATUS)


def rows(members: QuerySet[Member]) -> QuerySet[Member]:
    """With all that a card is made of, in two statements."""
    theirs = groups().select_related("collective").order_by("collective__order_key", "collective_id")
    photo = photos.shown().filter(member=OuterRef("pk")).values("digest")
    found = members.select_related("profile").annotate(photo_digest=Subquery(photo[:1]))
    return found.prefetch_related(Prefetch("memberships", queryset=theirs, to_attr="groups"))


def cards(ids: Sequence[UUID], who: Reader) -> list[Card]:
    """Of those who are still listed, in this order."""
    found = {member.pk: card(member, who) for member in rows(listed().filter(pk__in=ids))}
    return [found[pk] for pk in ids if pk in found]


def own(member: Member, who: Reader) -> Card:
    """One’s own, as this reader would see it, whether one is listed or not."""
    return card(rows(Member.objects.filter(pk=member.pk)).get(), who)


def card(member: Member, who: Reader) -> Card:
    """Of a row of ``rows``."""
    theirs = [each.collective for each in member.groups]  # type: ignore[attr-defined]
    near = policy.are_near([each.pk for each in theirs], who.collectives)
    profile = profile_of(member)
    shown = policy.open_items(profile.audiences, near=near) if profile else frozenset()

    def opened(item: Shown, value: str) -> str:
        return value if item in shown else ""

    place = opened(Shown.PLACE, profile.place) if profile else ""
    has_mail = bool(member.email) and member.email_state == MailState.OK
    return Card(
        member=member.pk,
        name=member.display_name,
        given_name=member.given_name or member.display_name,
        collectives=tuple(Group(each.slug, each.name) for each in theirs if may_be_named(each, who)),
        photo=opened(Shown.PHOTO, getattr(member, "photo_digest", None) or ""),
        trade=opened(Shown.TRADE, member.trade),
        business=opened(Shown.BUSINESS, member.business_name),
        skills=tuple(profile.skills) if profile and Shown.SKILLS in shown else (),
        presentation=opened(Shown.PRESENTATION, profile.presentation) if profile else "",
        links=tuple((each, links.shown(each)) for each in profile.links) if profile and Shown.LINKS in shown else (),
        place=place,
        place_name=communes.label_of(place),
        email=opened(Shown.EMAIL, member.email if has_mail else ""),
        mobile=opened(Shown.MOBILE, member.mobile),
        phone=opened(Shown.PHONE, member.phone),
        can_be_written_to=Shown.CONTACT in shown and has_mail,
    )


def may_see_photo(person: Member, member_id: UUID) -> bool:
    """One’s own, and those that their holders opened to whoever asks."""
    if not person.is_active:
        return False
    return person.pk == member_id or any(each.photo for each in cards([member_id], reader(person)))


def profile_of(member: Member) -> Profile | None:
    """Read with the row where it was asked for."""
    found: Profile | None = getattr(member, "profile", None)
    return found


def may_be_named(collective: Collective, who: Reader) -> bool:
    """Who is in a sensitive one is known to those who are in it (GDPR art. 9)."""
    return not collective.sensitive or collective.pk in who.collectives
