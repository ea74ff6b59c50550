"""Reading photos: what there is to show.  Who may see it is said with all else of a card (``people.cards``)."""

from uuid import UUID

from django.db.models import QuerySet

from directory.models import MemberPhoto


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
