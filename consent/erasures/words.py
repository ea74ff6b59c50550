"""What pages and the journal call the codes of erasures."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# Why one is not asked for, agreed to, answered or closed.
REFUSALS: dict[str, str | Promise] = {
    "erasure_open": _("un effacement de ces données est déjà en cours"),
    "erasure_over": _("cet effacement est terminé"),
    "erasure_elsewhere": _("cet effacement n’en est plus là"),
    "erasure_unknown": _("effacement inconnu"),
    "erasure_answered": _("l’outil a déjà répondu"),
    "nothing_held": _("cet outil ne détient rien sur cette personne"),
    "hold_person": _("un effacement est suspendu pour cette personne : la suspension se lève d’abord"),
    "holders_waited_for": _("des outils ont encore le temps de répondre"),
    "holders_to_call": _("des outils sont encore à joindre"),
    "asker_gone": _("la personne qui l’a demandé n’est plus là"),
}
