"""Names and sentences of requests: on their pages, in their mails and in the journal."""

from dataclasses import dataclass
from datetime import date

from django.utils.functional import Promise
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from consent.requests.models import SubjectRequest
from consent.requests.types import Clock, Face, Kind, Letter, Step
from consent.types import Holds

Text = str | Promise

# What each right is, to whoever thinks of using it.
HELP: dict[str, Text] = {
    Kind.ACCESS: _("Savoir ce que la coopérative détient sur vous, et en recevoir une copie."),
    Kind.RECTIFICATION: _("Ce qui est faux ou incomplet, et que vous ne pouvez pas corriger ici vous-même."),
    Kind.ERASURE: _("Ce que rien n’oblige à garder est effacé, ici et chez les outils qui l’ont reçu."),
    Kind.RESTRICTION: _("Vos données sont gardées, mais plus rien ne part : le temps de vérifier ou de décider."),
    Kind.PORTABILITY: _("Recevoir dans un format ouvert ce que vous avez donné, pour le confier à qui vous voulez."),
    Kind.OBJECTION: _("Un usage qui ne tient ni à votre contrat ni à la loi doit cesser."),
    Kind.COMPLAINT: _("Dire qu’une règle n’est pas respectée, ou que quelque chose ne va pas avec vos données."),
}
# What is asked, said of somebody else.
ASKED: dict[str, Text] = {
    Kind.ACCESS: _("consulter ses données"),
    Kind.RECTIFICATION: _("faire corriger ses données"),
    Kind.ERASURE: _("faire effacer ses données"),
    Kind.RESTRICTION: _("geler ses données"),
    Kind.PORTABILITY: _("emporter ses données"),
    Kind.OBJECTION: _("s’opposer à un usage"),
    Kind.COMPLAINT: _("réclamation"),
}
APPLIES: dict[str, Text] = {
    Holds.YES: _("s’applique"),
    Holds.CONDITIONAL: _("s’applique si rien n’oblige à garder"),
    Holds.BY_WITHDRAWAL: _("par le retrait de l’accord"),
    Holds.NO: _("ne s’applique pas"),
}
# What happened, told to whoever asked.
TOLD: dict[str, Text] = {
    Step.MADE: _("Votre demande est enregistrée"),
    Step.MESSAGE: _("Message de la personne déléguée à la protection des données"),
    Step.REPLY: _("Votre message"),
    Step.IDENTITY_ASKED: _("Un justificatif vous est demandé : le délai s’arrête"),
    Step.IDENTITY_SETTLED: _("Votre identité est vérifiée"),
    Step.EXTENDED: _("Le délai est prolongé de deux mois"),
    Step.ANSWERED: _("Réponse"),
    Step.REFUSED: _("Refus"),
    Step.WITHDRAWN: _("Vous avez repris votre demande"),
    Step.RESTRICTED: _("Vos données sont gelées : elles restent ici, et plus rien ne part"),
    Step.END_ANNOUNCED: _("Le gel de vos données va prendre fin"),
    Step.FREED: _("Vos données ne sont plus gelées"),
}
PROBLEMS: dict[str, Text] = {
    "too_many_open": _("Vous avez déjà dix demandes en cours. Complétez l’une d’elles par un message."),
    "too_many_today": _("Assez de demandes pour aujourd’hui : elles seront toutes lues. Revenez demain."),
    "too_many_messages": _("Assez de messages pour aujourd’hui : ils seront tous lus. Revenez demain."),
    "text_missing": _("Écrivez quelques mots : sans eux, personne ne sait quoi faire."),
    "text_long": _("C’est trop long : 5 000 signes au plus, 10 000 pour une lettre."),
    "tool_unknown": _("Cet outil ne détient rien de cette personne."),
    "kind_not_possible": _(
        "Ce droit ne s’applique à aucun de ces usages. Une réclamation est toujours possible : choisissez-la."
    ),
    "day_wrong": _("Une date entre aujourd’hui et il y a trois ans."),
    "request_over": _("Cette demande est terminée : rien n’a été envoyé."),
    "identity_asked_already": _("Un justificatif est déjà demandé."),
    "identity_known": _("L’identité est déjà vérifiée."),
    "identity_unchecked": _("Vérifiez d’abord l’identité : rien n’est envoyé à quelqu’un d’autre."),
    "extended_already": _("Le délai est déjà prolongé ; il ne l’est qu’une fois."),
    "extension_late": _("Le premier mois est passé : le délai ne peut plus être prolongé."),
    "restricted_already": _("C’est déjà gelé."),
    "not_restricted": _("Rien n’est gelé."),
    "end_announced_already": _("La fin du gel est déjà annoncée."),
    "end_not_announced": _("La personne est prévenue d’abord, un jour au moins avant."),
    "file_big": _("Ce fichier est trop gros : 10 Mo au plus."),
    "blank_left": _("Complétez ce qui est entre crochets."),
    "place_unknown": _("Un nom entre accolades n’est pas de la liste."),
    "remedies_missing": _("Un refus nomme la CNIL et le tribunal (article 12 du RGPD)."),
    "letter_changed": _("Une autre version a été enregistrée entre-temps. Rouvrez la page pour partir d’elle."),
    "try_again": _("Plusieurs demandes sont arrivées en même temps. Recommencez."),
    "member_unknown": _("Personne ne porte ce nom."),
}
# The same for those who read the journal.
REFUSALS: dict[str, Text] = {
    "too_many_open": _("trop de demandes en cours"),
    "too_many_today": _("trop de demandes dans la journée"),
    "too_many_messages": _("trop de messages dans la journée"),
    "text_missing": _("rien n’est écrit"),
    "text_long": _("texte trop long"),
    "tool_unknown": _("outil qui ne détient rien"),
    "kind_not_possible": _("droit qui ne s’applique pas"),
    "day_wrong": _("date impossible"),
    "request_over": _("demande terminée"),
    "identity_asked_already": _("justificatif déjà demandé"),
    "identity_known": _("identité déjà vérifiée"),
    "identity_unchecked": _("identité non vérifiée"),
    "extended_already": _("délai déjà prolongé"),
    "extension_late": _("prolongation hors délai"),
    "restricted_already": _("déjà gelé"),
    "not_restricted": _("rien n’est gelé"),
    "end_announced_already": _("fin du gel déjà annoncée"),
    "end_not_announced": _("fin du gel pas annoncée la veille au moins"),
    "file_big": _("fichier trop gros"),
    "blank_left": _("lettre à compléter"),
    "place_unknown": _("nom inconnu dans une lettre"),
    "remedies_missing": _("refus sans CNIL ni tribunal"),
    "letter_changed": _("lettre changée entre-temps"),
    "try_again": _("plusieurs demandes en même temps"),
    "member_unknown": _("membre introuvable"),
}
PAGES: dict[str, Text] = {
    "requests:mine": _("mes demandes"),
    "requests:own": _("une de mes demandes"),
    "requests:withdraw": _("reprise d’une demande"),
    "requests:unfreeze": _("levée d’un gel"),
    "requests:file": _("pièce d’une réponse"),
    "requests:inbox": _("demandes"),
    "requests:enter": _("saisie d’une demande"),
    "requests:case": _("une demande"),
    "requests:evidence": _("pièce d’une demande"),
    "requests:letters": _("modèles de lettres"),
    "requests:letter": _("modèle de lettre"),
}


def letter_name(said: str) -> Text:
    """What a letter was written from, as its step keeps it: which one, language, version."""
    code, *more = said.split()
    return " ".join([str(dict(Letter.choices).get(code, code)), *more])


def problem(code: str) -> str:
    return str(PROBLEMS.get(code, code))


def remaining(request: SubjectRequest, today: date) -> str:
    """The clock in words."""
    clock = request.clock_on(today)
    if clock.face == Face.OVER:
        return str(request.get_state_display())
    if clock.face == Face.OVERDUE:
        said = ngettext("En retard de %(n)s jour", "En retard de %(n)s jours", clock.days_over)
        return said % {"n": clock.days_over}
    if clock.face == Face.STOPPED:
        return _now("Délai suspendu")
    if clock.days_left == 0:
        return _now("Dernier jour")
    return ngettext("Encore %(n)s jour", "Encore %(n)s jours", clock.days_left) % {"n": clock.days_left}


WIDTH = 100


@dataclass(frozen=True, slots=True)
class Picture:
    """The clock, drawn: how much of its time is gone, where the first month ends, and what stands still."""

    elapsed: int
    first: int | None
    face: Face

    @property
    def rest(self) -> int:
        return WIDTH - self.elapsed


def picture(clock: Clock, today: date) -> Picture:
    whole = max((clock.due - clock.received).days, 1)

    def place(day: date) -> int:
        return max(0, min(WIDTH, round((day - clock.received).days * WIDTH / whole)))

    first = place(clock.first_due) if clock.first_due != clock.due else None
    return Picture(place(today), first, clock.face)
