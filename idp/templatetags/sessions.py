"""Words for browsers, networks and proofs, and how many sessions a member has open."""

from collections.abc import Iterable

from django import template
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from idp import networks, user_agents
from idp.selectors import sessions_of
from idp.signin.browser import OFFER_FIELD

register = template.Library()


@register.filter
def browser_words(label: str) -> str:
    return label or _("Navigateur inconnu")


@register.filter
def is_phone(label: str) -> bool:
    return user_agents.is_phone(label)


@register.filter
def network_words(kept: str) -> str:
    """« réseau 82.64… », or the name of one of the cooperative's own."""
    if not kept:
        return _("réseau inconnu")
    return kept if networks.has_name(kept) else _("réseau %(network)s") % {"network": networks.shown(kept)}


@register.filter
def network_name(kept: str) -> str:
    """The same without the word, beside a heading that says it."""
    return networks.shown(kept) if kept else _("inconnu")


@register.filter
def proof_words(methods: Iterable[str]) -> str:
    """How somebody signed in, from ``amr`` (RFC 8176 §2)."""
    proved = set(methods)
    if proved & {"hwk", "swk", "pop"}:
        return _("clé d’accès") if "pwd" not in proved else _("mot de passe et clé d’accès")
    if "otp" in proved:
        return _("mot de passe et code")
    return _("mot de passe et code de secours") if "mfa" in proved else _("mot de passe")


@register.simple_tag
def open_sessions(request: HttpRequest) -> dict[str, object]:
    """How many sessions are open, and whether a change of factors makes it worth ending the others."""
    count = sessions_of(request.user.pk, timezone.now()).count() if request.user.is_authenticated else 0
    return {"count": count, "offer": bool(request.session.get(OFFER_FIELD)) and count > 1}
