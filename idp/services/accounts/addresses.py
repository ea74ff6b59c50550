"""A mail address that is another one in the directory: links sent to the old one end, and both are told."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from directory.models import Member
from idp.services.accounts import links, mails
from idp.types import LinkKind, MailKind


def changed(former: Mapping[UUID, str], *, now: datetime) -> None:
    """In the transaction of the pass.  ``former``: by member, the address they had, or nothing.

    Somebody else may read at the old address, and whoever changed it may not be the member: the old one hears of it
    too (OWASP ASVS 6.3.7), without the new one being named.
    """
    for member in Member.objects.filter(pk__in=list(former)).order_by("pk"):
        links.end_all(member.pk, now=now, kinds=[LinkKind.INVITATION, LinkKind.RESET])
        old = former[member.pk]
        if not member.is_active or not old:
            continue
        for address in dict.fromkeys((old, mails.address_of(member))):
            # Where it may be another person's by now, nobody is told of somebody else's account.
            if address and not _is_anothers(address, member):
                context = {"is_new": address != old}
                mails.queue(
                    kind=MailKind.SECURITY,
                    template="address_changed",
                    member=member,
                    address=address,
                    context=context,
                    now=now,
                )


def _is_anothers(address: str, member: Member) -> bool:
    return Member.objects.filter(email__iexact=address).exclude(pk=member.pk).exists()
