"""Names for what the register's codes stand for, on its pages and in the journal."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

Text = str | Promise

FIELDS: dict[str, Text] = {
    "name": _("nom"),
    "created": _("créé le"),
    "software": _("logiciel"),
    "clients": _("responsables servis"),
    "purposes": _("finalités"),
    "technical": _("mesures techniques"),
    "organisational": _("mesures organisationnelles"),
    "data": _("données et durées"),
    "people": _("personnes concernées"),
    "recipients": _("destinataires"),
    "transfers": _("transferts"),
    "source": _("origine des données"),
    "assessment": _("analyse d’impact"),
    "assessment_note": _("analyse d’impact, précisions"),
    "reviewed": _("dernier examen"),
    "notice": _("information des membres"),
    "controller": _("responsable de traitement"),
    "officer": _("délégué·e à la protection des données"),
    "representative": _("représentant"),
    "joint": _("responsable conjoint"),
}
HOLES: dict[str, Text] = {
    "processing": _("la fiche de traitement"),
    "purpose": _("la finalité"),
    "basis": _("la base légale d’une finalité"),
    "balancing": _("la mise en balance d’un intérêt légitime"),
    "data": _("les données"),
    "period": _("une durée, son point de départ ou ce que deviennent les données"),
    "ground": _("ce qui autorise des données sensibles (article 9 ou 10)"),
    "people": _("les personnes concernées"),
    "recipient": _("les destinataires"),
    "role": _("le rôle d’un destinataire"),
    "contract": _("le contrat d’un destinataire et sa date de fin"),
    "contract_over": _("un contrat en cours : le sien est terminé"),
    "contract_points": _("la lecture du contrat d’un sous-traitant, point par point"),
    "contract_further": _("les sous-traitants d’un sous-traitant"),
    "contract_file": _("le contrat signé d’un sous-traitant"),
    "contact": _("le contact d’un destinataire"),
    "country": _("le pays où vont les données"),
    "safeguard": _("la garantie d’un transfert"),
    "no_safeguard": _("une garantie : un transfert n’en a aucune"),
    "measures": _("les mesures de sécurité"),
    "source": _("l’origine des données"),
    "assessment": _("l’examen de l’analyse d’impact"),
    "review": _("un premier examen de la fiche"),
    "clients": _("les responsables pour qui la coopérative traite ces données"),
}
PROBLEMS: dict[str, Text] = {
    "missing": _("À remplir."),
    "too_long": _("Trop long."),
    "too_many": _("Trop de lignes."),
    "semicolon": _("Sans point-virgule."),
    "no_link": _("Une adresse commence par https:// ou http://."),
    "balancing_undated": _("La mise en balance et sa date vont ensemble."),
    "unreadable": _("Valeur inconnue."),
    "file_too_big": _("Ce fichier est trop gros : 2 Mo au plus, et pas plus de quelques centaines de fiches."),
    "file_no_spreadsheet": _("Ce fichier n’est pas un tableur ODS qui se lit."),
    "file_entities": _("Ce fichier contient ce qu’un tableur n’a pas à contenir : il n’est pas lu."),
    "no_category": _("Cette catégorie n’est pas du modèle."),
    "no_day": _("Une date s’écrit 16/11/2026."),
    "no_reference": _("Une référence a des majuscules, des chiffres et des tirets, 24 au plus."),
    "twice": _("Deux feuilles ont cette référence."),
    "other_parties": _("L’organisme n’est pas le même que sur les autres feuilles."),
    "other_kind": _("La coopérative n’y a pas le même rôle (responsable ou sous-traitant) qu’au registre."),
    "record_closed": _("Cette fiche est close au registre : reprenez-la d’abord."),
    "from_sheet": _("Cela vient de la fiche de l’outil, et ne se change que là."),
    "taken": _("Cette référence est déjà prise."),
    "reserved": _("Cette référence est réservée : ORGANISME, HUB-…, et les O- et T- de plus de six chiffres."),
}
# Why a file was not imported, or something not done, for those who read the journal.
REFUSALS: dict[str, Text] = {
    "file_too_big": _("fichier trop gros"),
    "file_no_spreadsheet": _("fichier illisible"),
    "file_entities": _("fichier suspect"),
    "cells_wrong": _("erreurs dans le fichier"),
    "file_missing": _("aucun fichier"),
    "plan_not_shown": _(
        "ce qui était à confirmer n’avait pas été montré à cette personne, ou l’était depuis trop longtemps"
    ),
    "register_changed": _("registre changé entre-temps"),
    "record_kept": _("fiche d’un outil ouvert"),
}
PAGES: dict[str, Text] = {
    "register:list": _("registre des traitements"),
    "register:record": _("fiche du registre"),
    "register:versions": _("versions d’une fiche du registre"),
    "register:edit": _("modification d’une fiche du registre"),
    "register:new": _("nouvelle fiche du registre"),
    "register:close": _("clôture d’une fiche du registre"),
    "register:parties": _("organisme du registre"),
    "register:export": _("export du registre"),
    "register:import": _("import dans le registre"),
}


def said(text: str, english: Mapping[str, str]) -> SafeString:
    """What the register says, which is in French: on a page in another language in its words, or marked as French."""
    if not text or (get_language() or "fr").startswith("fr"):
        return conditional_escape(text)
    if text in english:
        return conditional_escape(english[text])
    return format_html('<span lang="fr">{}</span>', text)


def field(code: str) -> Text:
    return FIELDS.get(code, code)


def hole(code: str) -> Text:
    return HOLES.get(code, code)


def problem(code: str) -> str:
    return str(PROBLEMS.get(code, code))
