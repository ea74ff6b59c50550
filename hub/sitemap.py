"""The pages of the hub by their names, and who may open each: the second way around, beside the menu (RGAA 12.1)."""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from directory.policy import Right


@dataclass(frozen=True, slots=True)
class Page:
    """``right`` opens it; without one it is every member's."""

    route: str
    title: str | Promise
    right: Right | None = None


@dataclass(frozen=True, slots=True)
class Part:
    name: str
    title: str | Promise
    pages: tuple[Page, ...]


OF_STRANGERS = Part(
    "enter",
    _("Entrer"),
    (Page("account_login", _("Se connecter")), Page("account_forgotten", _("Mot de passe oublié"))),
)
OF_EVERYBODY = Part(
    "hub",
    _("À propos"),
    (Page("accessibility", _("Accessibilité")), Page("consent:proof", _("Vérifier ma preuve"))),
)
OF_MEMBERS = (
    Part(
        "tools",
        _("Mes outils"),
        (
            Page("launcher:home", _("Mes outils")),
            Page("launcher:order", _("Ranger mes outils")),
            Page("idp:device", _("Relier un appareil")),
            Page("idp:admissions", _("Accès demandés"), Right.ANSWER_ADMISSIONS),
            Page("launcher:arrange", _("Régler la page des outils"), Right.ARRANGE_TOOLS),
            Page("launcher:section_add", _("Ajouter une rubrique"), Right.ARRANGE_TOOLS),
            Page("launcher:link_add", _("Ajouter un lien"), Right.ARRANGE_TOOLS),
        ),
    ),
    Part(
        "people",
        _("Trombinoscope"),
        (
            Page("launcher:people", _("Trombinoscope")),
            Page("launcher:my_page", _("Ma fiche")),
            Page("launcher:my_page_preview", _("Comme un collègue me voit")),
            Page("collectives:list", _("Collectifs")),
        ),
    ),
    Part(
        "news",
        _("Brèves"),
        (
            Page("news:all", _("Brèves")),
            Page("news:receive", _("Recevoir les brèves")),
            Page("news:written", _("Brèves à modifier"), Right.WRITE_NEWS),
            Page("news:write", _("Écrire une brève"), Right.WRITE_NEWS),
            Page("news:letters", _("Lettres aux membres"), Right.RUN_COLLECTIVE),
            Page("news:letter_write", _("Écrire une lettre"), Right.RUN_COLLECTIVE),
        ),
    ),
    Part(
        "data",
        _("Mes données"),
        (
            Page("consent:mine", _("Mes données")),
            Page("idp:my_details", _("Mes coordonnées")),
            Page("consent:activity", _("Mon activité")),
            Page("consent:history", _("Mon historique")),
            Page("consent:agreements", _("Mes accords")),
            Page("requests:mine", _("Mes demandes")),
            Page("consent:directions", _("Mes directives")),
            Page("consent:take", _("Télécharger mes données")),
            Page("account_notice", _("Ce que Trousseau garde, et ses cookies")),
        ),
    ),
    Part(
        "security",
        _("Sécurité"),
        (
            Page("mfa_index", _("Sécurité")),
            Page("mfa_choose", _("Ajouter une double vérification")),
            Page("account_passkey_offer", _("Entrer sans mot de passe")),
            Page("account_password", _("Changer mon mot de passe")),
            Page("idp:sessions", _("Mes appareils et sessions")),
            Page("idp:sessions_end_all", _("Tout fermer ?")),
            Page("idp:sessions_not_me", _("Ce n’était pas moi")),
        ),
    ),
    Part(
        "office",
        _("Structure"),
        (
            Page("idp:office", _("Aider les membres"), Right.FIND_MEMBERS),
            Page("idp:office_collectives", _("Collectifs"), Right.MARK_COLLECTIVES),
            Page("idp:office_roles", _("Rôles et règles"), Right.SEE_ROLES),
            Page("idp:directory", _("Annuaire"), Right.SEE_DIRECTORY),
            Page("idp:directory_runs", _("Lectures de l’annuaire"), Right.SEE_DIRECTORY),
            Page("idp:directory_issues", _("Anomalies de l’annuaire"), Right.SEE_DIRECTORY),
            Page("idp:directory_absent", _("Absents de l’annuaire"), Right.SEE_DIRECTORY),
        ),
    ),
    Part(
        "technical",
        _("Technique"),
        (
            Page("idp:deliveries", _("Avis de déconnexion"), Right.SEE_DELIVERIES),
            Page("idp:look", _("Nom, logo et couleurs"), Right.CHANGE_LOOK),
            Page("idp:tool_modes", _("Outils repris d’ailleurs"), Right.SET_TOOL_MODES),
        ),
    ),
    Part(
        "protection",
        _("Protection des données"),
        (
            Page("protection:home", _("Protection des données"), Right.KEEP_REGISTER),
            Page("protection:findings", _("Constats"), Right.KEEP_REGISTER),
            Page("protection:matrix", _("Déclaré et transmis"), Right.KEEP_REGISTER),
            Page("protection:tools", _("Outils, contrats et transferts"), Right.KEEP_REGISTER),
            Page("protection:notices", _("Informations données aux membres"), Right.KEEP_REGISTER),
            Page("protection:corrections", _("Corrections à transmettre"), Right.KEEP_REGISTER),
            Page("protection:decisions", _("Accords et refus par finalité"), Right.KEEP_REGISTER),
            Page("register:list", _("Registre des traitements"), Right.KEEP_REGISTER),
            Page("register:new", _("Nouvelle fiche"), Right.KEEP_REGISTER),
            Page("register:parties", _("Organisme et contacts"), Right.KEEP_REGISTER),
            Page("register:import", _("Importer un registre"), Right.KEEP_REGISTER),
            Page("requests:inbox", _("Demandes"), Right.ANSWER_REQUESTS),
            Page("requests:enter", _("Saisir une demande"), Right.ANSWER_REQUESTS),
            Page("requests:letters", _("Modèles de lettres"), Right.ANSWER_REQUESTS),
            Page("idp:erasures", _("Effacements"), Right.SEE_ERASURES),
            Page("idp:erasure_ask", _("Nouvel effacement"), Right.FOLLOW_ERASURES),
            Page("screening:list", _("Analyses d’impact"), Right.KEEP_REGISTER),
            Page("contracts:list", _("Contrats de sous-traitance"), Right.KEEP_REGISTER),
            Page("safety:page", _("Mesures de sécurité"), Right.KEEP_REGISTER),
            Page("incidents:list", _("Violations de données"), Right.KEEP_REGISTER),
            Page("incidents:new", _("Nouvelle violation"), Right.KEEP_REGISTER),
            Page("evidence:page", _("Dossier de contrôle"), Right.KEEP_REGISTER),
        ),
    ),
    Part(
        "journal",
        _("Journal"),
        (
            Page("audit:journal", _("Consulter le journal"), Right.READ_JOURNAL),
            Page("audit:lookups", _("Qui a consulté quoi"), Right.READ_JOURNAL),
            Page("audit:pictures", _("Journal en images"), Right.READ_JOURNAL),
            Page("audit:keeping", _("Conservation"), Right.READ_JOURNAL),
            Page("audit:keeping_trial", _("Ce qui partirait maintenant"), Right.READ_JOURNAL),
            Page("audit:keeping_hold", _("Suspendre un effacement"), Right.READ_JOURNAL),
            Page("audit:keeping_clocks", _("Horloges"), Right.READ_JOURNAL),
            Page("audit:keeping_person", _("Voir ce qui partirait d’une personne"), Right.READ_JOURNAL),
            Page("audit:reconciliation", _("Rapprochement du journal"), Right.READ_JOURNAL),
            Page("audit:proof", _("Preuve du journal"), Right.KEEP_PROOF),
            Page("audit:checkpoints", _("Relevés à garder"), Right.KEEP_PROOF),
            Page("idp:destructions", _("Registres clos"), Right.DESTROY_LOGS),
        ),
    ),
)


def parts(*, is_member: bool, may: Callable[[Right], bool]) -> list[Part]:
    """Those with something to open, each with what this person may open of it."""
    if not is_member:
        return [OF_STRANGERS, OF_EVERYBODY]
    open_here = [
        Part(part.name, part.title, tuple(page for page in part.pages if page.right is None or may(page.right)))
        for part in OF_MEMBERS
    ]
    return [*(part for part in open_here if part.pages), OF_EVERYBODY]
