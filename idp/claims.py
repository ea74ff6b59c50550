"""A member's values, by data item: the only place where a member becomes claims."""

from collections.abc import Collection
from typing import Any

from django.conf import settings

from directory.models import Member
from directory.types import Kind, MailState
from idp.models import KnownSubject, Tool
from idp.protocol.tokens import pairwise_subject
from idp.types import SubjectType

Values = dict[str, dict[str, Any]]


def subject(member: Member, tool: Tool) -> str:
    """How this tool knows this member, pairwise unless the operator said otherwise; empty where it does not yet."""
    if tool.subject_type == SubjectType.LOGIN:
        known = KnownSubject.objects.filter(sector=tool.sector_identifier, member=member).values_list(
            "value", flat=True
        )
        # Empty until one is given: whoever tells it to the tool asks ``services.subjects.given``.
        return known.first() or ""
    return pairwise_subject(salt=settings.PAIRWISE_SALT.encode(), sector=tool.sector_identifier, member=str(member.pk))


def values(member: Member, items: Collection[str]) -> Values:
    """What the hub knows of these items, by claim; one query more where collectives are asked for."""
    known: Values = {
        "name": {"name": member.display_name},
        "given_name": {"given_name": member.given_name},
        "family_name": {"family_name": member.family_name},
        "login": {"preferred_username": member.login},
        "language": {"locale": member.language},
        "phone": _phone(member),
        "town": {"locality": member.town},
        "trade": {"headline": member.trade},
        "business_name": {"organisation": member.business_name},
        "employee_number": {"employee_number": member.employee_number},
        "email": _email(member),
        "address": {"address": _address(member)},
    }
    if "groups" in items:
        # A sensitive collective (health, union, staff representation) never leaves by this list: article 9.  Nor does
        # a status, which is another thing to know of somebody than the groups they work in.
        found = member.collectives.filter(present=True, sensitive=False)
        names = found.exclude(kind=Kind.STATUS).order_by("name")
        known["groups"] = {"groups": list(names.values_list("name", flat=True))}
    return {item: claims for item, claims in known.items() if item in items}


def shown(member: Member, items: Collection[str]) -> dict[str, str]:
    """The same values as text, for the page that tells the member what will leave."""
    texts = {}
    for item, claims in values(member, items).items():
        value = next(iter(claims.values()), "")
        if isinstance(value, list):
            value = ", ".join(value)
        elif isinstance(value, dict):
            value = value.get("formatted", "")
        texts[item] = str(value or "")
    return texts


def _email(member: Member) -> dict[str, Any]:
    if member.email_state != MailState.OK:
        return {"email": ""}
    return {"email": member.email, "email_verified": True}


def _phone(member: Member) -> dict[str, Any]:
    number = member.mobile or member.phone
    # Nobody has called it: the directory has it from the member.
    return {"phone_number": number, "phone_number_verified": False} if number else {"phone_number": ""}


def _address(member: Member) -> dict[str, str] | None:
    if not member.postal_address:
        return None
    parts = {"formatted": member.postal_address, "postal_code": member.postal_code, "locality": member.town}
    # OpenID Connect Core §5.1.1: what is not known is left out, never blank.
    return {name: part for name, part in parts.items() if part}
