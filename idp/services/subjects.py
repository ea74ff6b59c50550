"""Subjects that follow a login name: given once, and never to somebody else (OpenID Connect Core §2)."""

from django.db import IntegrityError, transaction

from directory.models import Member
from idp import claims
from idp.models import KnownSubject, Tool
from idp.types import SubjectType

NAMELESS = "membre"


def given(member: Member, tool: Tool) -> str:
    """How this tool is told who the member is, now or from now on: never empty, never another's."""
    known = claims.subject(member, tool)
    if known:
        return known
    with transaction.atomic():
        keep(member, tool)
        return claims.subject(member, tool)


def keep(member: Member, tool: Tool) -> None:
    """Give this member a subject at this tool before it is told to it.  Call inside a transaction.

    The login name where it is free; else the name with a number, since whoever had the name before still owns what
    the tool keeps under it.  Nothing to do for pairwise subjects, which are derived from the member.
    """
    if tool.subject_type != SubjectType.LOGIN:
        return
    known = KnownSubject.objects.filter(sector=tool.sector_identifier)
    if known.filter(member=member).exists():
        return
    for number in range(1, 1000):
        name = member.login or NAMELESS
        value = name if number == 1 else f"{name}~{number}"
        if value == tool.client_id or known.filter(value=value).exists():
            continue
        try:
            with transaction.atomic():
                KnownSubject.objects.create(sector=tool.sector_identifier, value=value, member=member)
        except IntegrityError:
            # Two browsers at once: either ours is there now, or the name went to somebody else.
            if known.filter(member=member).exists():
                return
            continue
        return
    raise RuntimeError("no free subject for this login name")
