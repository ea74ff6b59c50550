"""Names for the officer's pages, and what findings mean."""

from django.utils.translation import gettext_lazy as _

from consent.findings.types import Kind
from consent.protection.types import Text

PAGES: dict[str, Text] = {
    "protection:home": _("espace de la protection des données"),
    "protection:findings": _("constats"),
    "protection:finding": _("décision sur un constat"),
    "protection:tools": _("outils, contrats et transferts"),
    "protection:corrections": _("corrections à transmettre"),
    "protection:directions": _("directives laissées pour après un décès"),
    "protection:notices": _("informations données aux membres"),
    "protection:notice": _("information donnée aux membres, telle que montrée"),
    "protection:decisions": _("accords et refus par finalité"),
    "protection:export": _("export des accords et refus"),
    "protection:matrix": _("comparaison du déclaré et du transmis"),
    "protection:matrix_tool": _("comparaison du déclaré et du transmis, pour un outil"),
}
# Why each kind of finding matters, and what can be done about it.
WHY: dict[Kind, Text] = {
    Kind.UNDECLARED: _("Un outil a reçu ce qu’aucune fiche ne lui donne : la coopérative ne peut pas dire pourquoi."),
    Kind.NOT_AGREED: _("L’accord du membre est le seul fondement de cet envoi, et il manquait à ce moment-là."),
    Kind.ENDED: _("Le membre avait mis fin à ces envois, ou n’était plus là."),
    Kind.GROWN: _("Ce membre a lu un texte qui n’en parlait pas : il ne pouvait pas s’y attendre."),
    Kind.OUTDATED: _("Ces membres se fient à un texte qui ne vaut plus."),
    Kind.UNOBSERVED: _("Une donnée qui ne sert pas n’a pas à être sur la fiche (minimisation, article 5(1)(c))."),
    Kind.EMPTY: _("L’outil la demande et fonctionne sans l’avoir jamais reçue : elle n’est pas nécessaire."),
    Kind.OVERDUE: _("Ce que la fiche promet n’est plus vrai, ou n’a pas été revu (articles 28, 35 et 44)."),
    Kind.SENSITIVE: _("Être de ce collectif dit quelque chose de sensible (article 9), et l’outil l’a su avant."),
    Kind.LOOKUPS: _("Regarder les autres sans raison est une fuite ; un pic a souvent une bonne raison, aussi."),
    Kind.UNLOGGED: _("Ce que le journal ne dit pas ne se prouve pas."),
    Kind.KEPT: _("La coopérative a effacé ces personnes ; un outil garde encore ce qu’il avait reçu d’elles."),
}
TO_DO: dict[Kind, Text] = {
    Kind.UNDECLARED: _("Demandez à la technique d’où vient l’envoi ; déclarez la donnée ou faites-la retirer."),
    Kind.NOT_AGREED: _("Demandez à la technique d’où vient l’envoi, puis faites effacer ces données chez l’outil."),
    Kind.ENDED: _("Demandez à la technique d’où vient l’envoi, puis faites effacer ces données chez l’outil."),
    Kind.GROWN: _("Demandez à la technique d’où vient l’envoi, puis faites effacer ces données chez l’outil."),
    Kind.OUTDATED: _("Rien : le nouveau texte leur est présenté à leur prochaine ouverture de l’outil."),
    Kind.UNOBSERVED: _("Demandez à qui tient l’outil s’il en a besoin ; sinon, faites-la retirer de la fiche."),
    Kind.EMPTY: _("Faites-la retirer de la fiche, ou acceptez-la si elle doit servir bientôt."),
    Kind.OVERDUE: _("Renouvelez le contrat, choisissez une garantie ou revoyez l’analyse, puis corrigez la fiche."),
    Kind.SENSITIVE: _("Faites effacer la liste des collectifs chez l’outil, ou écrivez pourquoi elle peut y rester."),
    Kind.LOOKUPS: _("Lisez qui a consulté quoi, demandez pourquoi à la personne, puis réglez."),
    Kind.UNLOGGED: _("Expliquez chaque écart dans le rapprochement."),
    Kind.KEPT: _("Relancez l’outil jusqu’à ce qu’il confirme l’effacement."),
}
# Of what leaves undeclared while its tool is given time.
BY_MODE: tuple[Text, Text] = (
    _("La technique laisse du temps à cet outil, qui vient d’un autre service. Rien n’autorise durablement cet envoi."),
    _("Faites déclarer ces données si elles servent ; sinon, faites revenir l’outil à sa fiche."),
)
# What one of each kind counts.
COUNTED: dict[Kind, Text] = {
    Kind.UNDECLARED: _("transmissions"),
    Kind.NOT_AGREED: _("transmissions"),
    Kind.ENDED: _("transmissions"),
    Kind.GROWN: _("transmissions"),
    Kind.OUTDATED: _("membres"),
    Kind.UNOBSERVED: _("données"),
    Kind.EMPTY: _("données"),
    Kind.OVERDUE: _("points à reprendre"),
    Kind.SENSITIVE: _("membres"),
    Kind.LOOKUPS: _("personnes"),
    Kind.UNLOGGED: _("faits"),
    Kind.KEPT: _("membres"),
}
# What no finding sees, said beside those that there are.
UNSEEN: tuple[Text, ...] = (
    _("Ce qu’un outil lit lui-même dans l’annuaire LDAP, ou reçoit d’un simple lien."),
    _("F7, transmis pour qui n’ouvre pas l’outil : Trousseau n’envoie rien en masse, ni par LDAP, ni par SCIM."),
    _("Les durées écrites en toutes lettres sur les fiches : seuls les membres effacés sont suivis chez les outils."),
    _("Si une consultation était dans les fonctions de la personne : seul leur nombre se compare."),
)
# Why a decision about a finding is not taken.
PROBLEMS: dict[str, Text] = {
    "until_missing": _("Dites jusqu’à quand."),
    "until_past": _("Ce jour est passé."),
    "until_far": _("Un an au plus : vous y reviendrez alors."),
    "not_accepted": _("Cela ne s’accepte pas : dites ce qui a été fait."),
    "by_mode": _("Cela s’arrête avec le mode de l’outil, que tient la technique."),
    "elsewhere": _("Cela se règle dans le rapprochement, fait par fait."),
}
# What the parts of a finding about the register stand for; the others are items of data.
OVERDUE: dict[str, Text] = {
    "contract_over": _("contrat terminé"),
    "safeguard": _("garantie du transfert à dire"),
    "no_safeguard": _("transfert sans garantie"),
    "assessment": _("analyse d’impact à examiner, les données sont sensibles"),
    "assessment_old": _("analyse d’impact de plus de trois ans"),
}
# Why one was not taken, for those who read the journal.
REFUSALS: dict[str, Text] = {
    "finding_gone": _("constat qui n’y est plus"),
    "until_missing": _("sans date de fin"),
    "until_far": _("pour plus d’un an"),
    "not_accepted": _("constat qui ne s’accepte pas"),
    "by_mode": _("constat que le mode de l’outil explique"),
}
