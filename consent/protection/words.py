"""Names for the officer's pages, and what findings mean."""

from django.utils.translation import gettext_lazy as _

from consent.findings.types import Kind
from consent.protection.types import Text

PAGES: dict[str, Text] = {
    "protection:home": _("espace de la protection des données"),
    "protection:findings": _("constats"),
    "protection:matrix": _("comparaison du déclaré et du transmis"),
    "protection:matrix_tool": _("comparaison du déclaré et du transmis, pour un outil"),
}
# Why each kind of finding matters, and what can be done about it.
WHY: dict[Kind, Text] = {
    Kind.UNDECLARED: _("Un outil a reçu ce qu’aucune fiche ne lui donne : la coopérative ne peut pas dire pourquoi."),
    Kind.NOT_AGREED: _("L’accord du membre est le seul fondement de cet envoi, et il manquait à ce moment-là."),
    Kind.ENDED: _("Le membre avait mis fin à ces envois, ou n’était plus là."),
    Kind.OUTDATED: _("Ces membres se fient à un texte qui ne vaut plus."),
    Kind.UNOBSERVED: _("Une donnée qui ne sert pas n’a pas à être sur la fiche (minimisation, article 5(1)(c))."),
}
TO_DO: dict[Kind, Text] = {
    Kind.UNDECLARED: _("Demandez à la technique d’où vient l’envoi ; déclarez la donnée ou faites-la retirer."),
    Kind.NOT_AGREED: _("Demandez à la technique d’où vient l’envoi, puis faites effacer ces données chez l’outil."),
    Kind.ENDED: _("Demandez à la technique d’où vient l’envoi, puis faites effacer ces données chez l’outil."),
    Kind.OUTDATED: _("Rien : le nouveau texte leur est présenté à leur prochaine ouverture de l’outil."),
    Kind.UNOBSERVED: _("Demandez à qui tient l’outil s’il en a besoin ; sinon, faites-la retirer de la fiche."),
}
# What one of each kind counts.
COUNTED: dict[Kind, Text] = {
    Kind.UNDECLARED: _("transmissions"),
    Kind.NOT_AGREED: _("transmissions"),
    Kind.ENDED: _("transmissions"),
    Kind.OUTDATED: _("membres"),
    Kind.UNOBSERVED: _("données"),
}
