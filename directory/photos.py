"""Reading photos: whose anybody may see, and what there is to show."""

from uuid import UUID

from django.db.models import QuerySet

from directory.models import Member, MemberPhoto


def may_see(person: Member, member_id: UUID) -> bool:
    """One's own.  Others' stay closed until their holders can say to whom they are open."""
    return person.is_active and person.pk == member_id


def shown() -> QuerySet[MemberPhoto]:
    """Those that there is something to show of."""
    return MemberPhoto.objects.exclude(content=b"")


def digest_of(member_id: UUID) -> str:
    """Of the photo that is shown, or empty where there is none."""
    return shown().filter(member=member_id).values_list("digest", flat=True).first() or ""


def content_of(member_id: UUID, digest: str) -> bytes:
    """WebP; empty where the photo is another one by now."""
    content = MemberPhoto.objects.filter(member=member_id, digest=digest).values_list("content", flat=True).first()
    return bytes(content or b"")
