"""Which of this app's rows a line of the journal must stand beside."""

from django.utils.translation import gettext_lazy as _

from audit.reconciliation.sources import Numbered, Source, Standing
from audit.types import Action
from consent.models import Consent, Disclosure, Objection, Restriction
from consent.types import WITHDRAWN, Origin

SOURCES = (
    Numbered(
        "consent.decision",
        _("Informations lues et accords"),
        (Action.NOTICE_SEEN, Action.CONSENT_GIVEN, Action.CONSENT_REFUSED),
        lambda: Consent.objects.exclude(origin=Origin.OWN_DATA),
        at="at",
        person="member",
        tool="tool",
    ),
    Source(
        "consent.withdrawal",
        _("Accords retirés"),
        (Action.CONSENT_WITHDRAWN,),
        lambda: Consent.objects.filter(ended_reason=WITHDRAWN),
        at="ended_at",
        person="member",
        tool="tool",
    ),
    Numbered(
        "consent.followed",
        _("Décisions qui suivent une opposition"),
        (Action.OBJECTED, Action.OBJECTION_ENDED, Action.OBJECTION_REFUSED),
        lambda: Consent.objects.filter(origin=Origin.OWN_DATA),
        at="at",
        person="member",
        tool="tool",
    ),
    Standing(
        "consent.objection",
        _("Oppositions"),
        (Action.OBJECTED,),
        Objection.objects.all,
        at="at",
        person="member",
        tool="tool",
        holds=("purpose", "items"),
    ),
    Source(
        "consent.objection_end",
        _("Oppositions levées"),
        (Action.OBJECTION_ENDED, Action.OBJECTION_REFUSED),
        lambda: Objection.objects.exclude(ended_at=None),
        at="ended_at",
        person="member",
        tool="tool",
    ),
    Standing(
        "consent.restriction",
        _("Gels de données"),
        (Action.RESTRICTED,),
        Restriction.objects.all,
        at="at",
        person="member",
        tool="tool",
        holds=("tool",),
    ),
    Source(
        "consent.restriction_end",
        _("Gels levés"),
        (Action.RESTRICTION_ENDED,),
        lambda: Restriction.objects.exclude(ended_at=None),
        at="ended_at",
        person="member",
        tool="tool",
    ),
    Numbered(
        "consent.disclosure",
        _("Données transmises à un outil"),
        (Action.DISCLOSED,),
        Disclosure.objects.all,
        at="at",
        person="member",
        tool="tool",
    ),
    Source(
        "consent.repeated",
        _("Données transmises plusieurs fois dans une journée"),
        (Action.DISCLOSED_AGAIN,),
        lambda: Disclosure.objects.filter(count__gt=1),
        at="closed_at",
        person="member",
        tool="tool",
    ),
)
