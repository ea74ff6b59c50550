"""What the office's pages and the member's own page of security say of an account."""

from typing import Any, cast

from django import template
from django.http import HttpRequest
from django.utils import timezone

from directory.models import Member
from idp import accounts
from idp.models import Recovery
from idp.selectors import acts_on
from idp.standing import obstacles
from idp.standing_words import to_member
from idp.types import RecoveryState

register = template.Library()
ACTS_SHOWN = 10


@register.inclusion_tag("idp/account_warnings.html", takes_context=True)
def account_warnings(context: dict[str, Any]) -> dict[str, Any]:
    """To the member: what somebody asked for in their name, and what will keep them out."""
    request = cast(HttpRequest, context["request"])
    member, now = cast(Member, request.user), timezone.now()
    asked = Recovery.objects.filter(member=member, state=RecoveryState.ASKED, expires_at__gt=now)
    found = obstacles(accounts.facts_of(member, now), now)
    return {
        "request": request,
        "csrf_token": context.get("csrf_token"),
        "recovery": asked.select_related("asked_by").first(),
        # Who needs a second factor reads so in a notice of its own.
        "obstacles": [to_member(each) for each in found if not each.code.startswith("factor")],
        "office_contact": context.get("office_contact"),
    }


@register.inclusion_tag("idp/account_acts.html", takes_context=True)
def account_acts(context: dict[str, Any]) -> dict[str, Any]:
    """To the member: what others did on their account."""
    member = cast(Member, cast(HttpRequest, context["request"]).user)
    return {"acts": acts_on(member, limit=ACTS_SHOWN)}
