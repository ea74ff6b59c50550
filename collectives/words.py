"""Words for the codes that the pages of collectives write to the journal."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

PAGES: dict[str, str | Promise] = {
    "collectives:describe": _("page d’un collectif"),
    "collectives:members": _("membres d’un collectif"),
    "collectives:member": _("ajout ou retrait d’un membre"),
}
PROPERTIES: dict[str, str | Promise] = {
    "presentation": _("présentation"),
    "joining": _("comment rejoindre"),
    "links": _("liens"),
    "folder": _("dossier du nuage"),
    "calendar": _("agenda du nuage"),
}
CHANGES: dict[str, str | Promise] = {
    "undone": _("annulation"),
}
# Why nothing was changed, to whoever leads the collective.
REFUSALS: dict[str, str | Promise] = {
    "not_run_here": _("Les membres de ce collectif ne se changent pas ici. Demandez à la structure."),
    "not_led": _("Vous n’êtes plus responsable de ce collectif. Rien n’est changé."),
    "own_membership": _("Personne ne s’ajoute soi-même. Demandez à une autre personne responsable, ou à la structure."),
    "not_of_this_directory": _("Cette personne n’est pas dans l’annuaire de ce collectif. Demandez à la structure."),
    "not_active": _("Le compte de cette personne n’est pas actif. Rien n’est changé."),
    "through_another": _("Cette personne est là par un autre collectif. Retirez-la de celui-là."),
    "last_member": _("C’est la dernière personne : un collectif ne reste pas vide. Ajoutez d’abord quelqu’un."),
    "changed_meanwhile": _("L’annuaire a changé entre-temps. Rouvrez la page, puis recommencez."),
    "change_uncertain": _("L’annuaire s’est tu pendant l’écriture. Regardez dans une minute si c’est fait."),
    "DirectoryUnavailable": _("L’annuaire ne répond pas. Rien n’est changé : réessayez dans quelques minutes."),
    "DirectoryRefused": _("L’annuaire refuse ce changement. Rien n’est changé : prévenez la structure."),
}
