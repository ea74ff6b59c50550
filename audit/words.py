"""Human sentences for the lines of the journal, and names for the codes in their facts."""

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import lru_cache
from typing import Any

from django.utils.dateparse import parse_date, parse_datetime
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.timezone import localtime
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from audit.kinds import Retention
from audit.models import Event
from audit.parts import Role
from audit.types import Action, By, Ground, Purpose, Trouble

Text = str | Promise
Namer = Callable[[str], Text | None]
# A member, or nothing where the row is gone, and their identifier, or nothing where that is gone too.
CallPerson = Callable[[Any, Any], str]
# What these are called now, as facts number them; all there are, where none is asked for.
LookUp = Callable[[Collection[Any] | None], Mapping[Any, str]]

# {who} did it, {subject} is concerned, {tool} is the tool; {source} and {collective} are called as they are now.
# Present tense, and never « de » before a name: no agreement and no elision to guess.
SENTENCES: dict[str, Text] = {
    Action.SIGN_IN: _("{who} se connecte."),
    Action.SIGN_IN_REFUSED: _("Une connexion est refusée pour {subject}."),
    Action.REAUTHENTICATED: _("{who} confirme son identité."),
    Action.SIGN_OUT: _("Fin de session pour {subject}."),
    Action.TOOL_SESSION_ENDED: _("{subject} n’a plus de session ouverte dans {tool}."),
    Action.FACTOR_ADDED: _("{who} ajoute une double vérification."),
    Action.FACTOR_REMOVED: _("{who} retire une double vérification."),
    Action.FACTOR_RENAMED: _("{who} renomme un moyen de connexion."),
    Action.FACTOR_DOUBTED: _("La clé d’accès qui sert pour {subject} a peut-être un double."),
    Action.FACTORS_RESET: _("La double vérification repart de zéro pour {subject}."),
    Action.PASSWORD_CHANGED: _("Nouveau mot de passe pour {subject}."),
    Action.PASSWORD_REFUSED: _("Un nouveau mot de passe est refusé pour {subject}."),
    Action.INVITED: _("{who} invite {subject}."),
    Action.INVITATION_ENDED: _("L’invitation faite à {subject} ne sert plus."),
    Action.LINK_OPENED: _("{subject} ouvre un lien reçu."),
    Action.LINK_REFUSED: _("Un lien n’est pas accepté."),
    Action.RESET_ASKED: _("Un nouveau mot de passe est demandé pour {subject}."),
    Action.RESET_REFUSED: _("Une demande de mot de passe reste sans suite."),
    Action.FIRST_ACCOUNT_MADE: _("Un lien est créé pour la première personne de la technique."),
    Action.ACCOUNT_UNLOCKED: _("{who} débloque le compte : {subject}."),
    Action.BROWSER_ADDED: _("{subject} se connecte depuis un nouveau navigateur."),
    Action.BROWSER_TRUSTED: _("{subject} fait confiance à un navigateur."),
    Action.BROWSER_FORGOTTEN: _("Un navigateur n’est plus reconnu pour {subject}."),
    Action.ALARM_RAISED: _("{subject} signale : ce n’était pas moi."),
    Action.ALARM_SETTLED: _("{who} a traité l’alerte : {subject}."),
    Action.RECOVERY_ASKED: _("{who} demande la récupération du compte : {subject}."),
    Action.RECOVERY_APPROVED: _("{who} accepte la récupération du compte : {subject}."),
    Action.RECOVERY_REFUSED: _("{who} refuse la récupération du compte : {subject}."),
    Action.RECOVERY_CANCELLED: _("La récupération du compte s’arrête : {subject}."),
    Action.MAIL_SENT: _("Un courrier part pour {subject}."),
    Action.MAIL_FAILED: _("Un courrier pour {subject} n’est pas parti."),
    Action.MEMBER_CONSULTED: _("{who} ouvre la fiche : {subject}."),
    Action.ACT_REFUSED: _("{who} ne peut pas faire cela sur ce compte : {subject}."),
    Action.MEMBERS_SEARCHED: _("{who} cherche parmi les membres."),
    Action.COLLECTIVE_CONSULTED: _("{who} ouvre la liste des membres d’un collectif sensible : {collective}."),
    Action.AUTHORIZATION_REFUSED: _("{subject} ne peut pas ouvrir {tool}."),
    Action.CODE_ISSUED: _("{subject} ouvre {tool}."),
    Action.CODE_REPLAYED: _("{tool} présente un code déjà utilisé pour {subject} : ses jetons sont révoqués."),
    Action.TOKEN_ISSUED: _("{tool} reçoit des jetons pour {subject}."),
    Action.TOKEN_REFRESHED: _("{tool} renouvelle ses jetons pour {subject}."),
    Action.TOKEN_REFUSED: _("{tool} demande des jetons : refus."),
    Action.TOKEN_REVOKED: _("{tool} perd ses jetons pour {subject}."),
    Action.LOGOUT_REFUSED: _("{tool} demande une déconnexion : refus."),
    Action.LOGOUT_DELIVERED: _("{tool} reçoit l’avis de déconnexion pour {subject}."),
    Action.LOGOUT_FAILED: _("{tool} n’a pas reçu l’avis de déconnexion pour {subject}."),
    Action.LOGOUT_RETRIED: _("{who} relance les avis de déconnexion pour {tool}."),
    Action.TOOL_CREATED: _("{who} connecte {tool}."),
    Action.ADMISSION_ASKED: _("{subject} demande l’accès à {tool}."),
    Action.ADMISSION_GRANTED: _("{who} accorde l’accès à {tool} : {subject}."),
    Action.ADMISSION_REFUSED: _("{who} refuse l’accès à {tool} : {subject}."),
    Action.ADMISSION_ENDED: _("L’accès à {tool}, demandé ou accordé, prend fin : {subject}."),
    Action.TOOL_CHANGED: _("{who} modifie {tool}."),
    Action.TOOL_CLOSED: _("{who} retire {tool}."),
    Action.TOOL_REFUSED: _("{tool} n’est pas mis en service : sa fiche est incomplète."),
    Action.TOOLS_PAIRED: _("{who} autorise {tool} à agir auprès d’un autre outil."),
    Action.TOOLS_PARTED: _("{who} n’autorise plus {tool} à agir auprès d’un autre outil."),
    Action.SECRET_ROTATED: _("{who} renouvelle le secret : {tool}."),
    Action.REGISTRATION_ALLOWED: _("{who} donne le droit d’enregistrer des outils."),
    Action.REGISTRATION_REFUSED: _("L’enregistrement d’un outil est refusé."),
    Action.DEVICE_STARTED: _("{tool} demande un code pour un appareil."),
    Action.DEVICE_OPENED: _("{who} saisit le code d’un appareil : {tool}."),
    Action.DEVICE_APPROVED: _("{who} relie un appareil à {tool}."),
    Action.DEVICE_DENIED: _("{who} ne relie pas l’appareil : {tool}."),
    Action.DEVICE_REFUSED: _("Un code d’appareil saisi par {who} n’est pas accepté."),
    Action.KEY_ROTATED: _("Une nouvelle clé de signature est créée."),
    Action.KEY_ACTIVATED: _("Une clé de signature entre en service."),
    Action.KEY_RETIRED: _("Une clé de signature ne signe plus."),
    Action.KEY_GONE: _("Une clé de signature n’est plus reconnue."),
    Action.KEY_RESEALED: _("Les secrets sont chiffrés avec une nouvelle clé."),
    Action.SECTION_CHANGED: _("{who} modifie les rubriques de la page des outils."),
    Action.PAGE_ARRANGED: _("{who} range ses outils."),
    Action.BRIEF_CHANGED: _("{who} écrit ou modifie une brève."),
    Action.BRIEF_REMOVED: _("{who} retire une brève."),
    Action.BRIEF_RESTORED: _("{who} remet une brève."),
    Action.DIGEST_CHOSEN: _("Les brèves par courrier changent de rythme : {subject}."),
    Action.LETTER_WRITTEN: _("{who} écrit ou modifie une lettre : {collective}."),
    Action.LETTER_SENT: _("{who} envoie une lettre aux membres : {collective}."),
    Action.LETTERS_MUTED: _("Plus de lettres pour {subject} : {collective}."),
    Action.LETTERS_HEARD: _("De nouveau des lettres pour {subject} : {collective}."),
    Action.FEED_MADE: _("{who} se donne une adresse de flux pour les brèves d’un collectif : {collective}."),
    Action.FEED_ENDED: _("{who} supprime une adresse de flux : {collective}."),
    Action.FAVOURITE_CHANGED: _("{who} change ses favoris : {tool}."),
    Action.COLLECTIVE_DESCRIBED: _("{who} modifie la page d’un collectif : {collective}."),
    Action.COLLECTIVE_FOLLOWED: _("{who} suit un collectif, ou ne le suit plus : {collective}."),
    Action.SHEET_DECLARED: _("{who} déclare une nouvelle version de fiche : {tool}."),
    Action.TOOL_MODE_SET: _("{who} choisit ce que {tool} reçoit en plus de sa fiche."),
    Action.REGISTER_CHANGED: _("{who} modifie le registre des traitements."),
    Action.REGISTER_CLOSED: _("{who} clôt une fiche du registre des traitements."),
    Action.REGISTER_EXPORTED: _("{who} exporte le registre des traitements."),
    Action.REGISTER_IMPORTED: _("{who} importe un fichier dans le registre des traitements."),
    Action.FINDING_DECIDED: _("{who} règle ou accepte un constat."),
    Action.INCIDENT_OPENED: _("{who} note une violation de données."),
    Action.INCIDENT_CHANGED: _("{who} complète le dossier d’une violation de données."),
    Action.INCIDENT_COUNTED: _("{who} compte les personnes dont {tool} détenait des données."),
    Action.INCIDENT_LISTED: _("{who} prend le nom et l’adresse de {subject} pour lui écrire après une violation."),
    Action.INCIDENTS_EXPORTED: _("{who} exporte des violations de données."),
    Action.DECISIONS_EXPORTED: _("{who} exporte le décompte des accords."),
    Action.SCREENING_MADE: _("{who} examine s’il faut une analyse d’impact."),
    Action.CONTRACT_KEPT: _("{who} lit le contrat d’un sous-traitant."),
    Action.SAFETY_NOTED: _("{who} note une mesure ou un essai de sécurité."),
    Action.EVIDENCE_ASKED: _("{who} demande un dossier de contrôle."),
    Action.EVIDENCE_NAMED: _("{who} nomme {subject} dans un dossier de contrôle."),
    Action.EVIDENCE_MADE: _("{who} emporte un dossier de contrôle."),
    Action.NOTICE_SEEN: _("{subject} lit l’information sur {tool}."),
    Action.HUB_NOTICE_SEEN: _("{subject} lit ce que Trousseau garde."),
    Action.CONSENT_GIVEN: _("{subject} donne son accord à {tool}."),
    Action.CONSENT_ASKED: _("{tool} demande un accord à {subject}, qui lit la question."),
    Action.CONSENT_REFUSED: _("{subject} refuse son accord à {tool}."),
    Action.CONSENT_WITHDRAWN: _("L’accord donné par {subject} à {tool} prend fin."),
    Action.OBJECTED: _("{subject} s’oppose à ce que {tool} reçoive des données."),
    Action.OBJECTION_REFUSED: _("{who} refuse l’opposition de {subject} : {tool} reçoit à nouveau ces données."),
    Action.OBJECTION_ENDED: _("{subject} ne s’oppose plus à ce que {tool} reçoive des données."),
    Action.REQUEST_MADE: _("{who} enregistre une demande : {subject}."),
    Action.REQUEST_READ: _("{who} ouvre une demande : {subject}."),
    Action.REQUEST_MESSAGED: _("{who} écrit sur une demande : {subject}."),
    Action.REQUEST_NOTED: _("{who} joint une note ou une pièce à une demande : {subject}."),
    Action.REQUEST_PAUSED: _("{who} demande un justificatif, le délai s’arrête : {subject}."),
    Action.REQUEST_RESUMED: _("{who} a vérifié l’identité de qui fait une demande : {subject}."),
    Action.REQUEST_EXTENDED: _("{who} prolonge de deux mois le délai d’une demande : {subject}."),
    Action.REQUEST_ANSWERED: _("{who} répond à une demande : {subject}."),
    Action.REQUEST_REFUSED: _("{who} refuse une demande : {subject}."),
    Action.REQUEST_WITHDRAWN: _("{who} reprend sa demande."),
    Action.REQUEST_REMINDED: _("L’échéance d’une demande est rappelée : {subject}."),
    Action.REQUEST_EMPTIED: _("Les textes et pièces d’une ancienne demande sont effacés : {subject}."),
    Action.RESTRICTED: _("{who} gèle les données de {subject}."),
    Action.RESTRICTION_ANNOUNCED: _("{who} annonce à {subject} la fin du gel de ses données."),
    Action.RESTRICTION_ENDED: _("{who} lève le gel des données de {subject}."),
    Action.LOOK_CHANGED: _("{who} change le nom, le logo ou les couleurs de la coopérative."),
    Action.LETTER_CHANGED: _("{who} modifie un modèle de lettre."),
    Action.DISCLOSED: _("{tool} reçoit des données sur {subject}."),
    Action.DISCLOSED_AGAIN: _("{tool} a reçu plusieurs fois ces données sur {subject} dans la journée."),
    Action.ERASURE_CONFIRMED: _("{tool} a effacé ce qui y était détenu sur {subject}."),
    Action.ERASURE_ASKED: _("{who} demande un effacement pour {subject}."),
    Action.ERASURE_APPROVED: _("{who} accepte un effacement pour {subject}."),
    Action.ERASURE_DROPPED: _("{who} abandonne un effacement pour {subject}."),
    Action.ERASURE_TOLD: _("{tool} est prié d’effacer ce qui y est détenu sur {subject}."),
    Action.ERASURE_READ: _("Le contact de {tool} lit la demande d’effacement qui concerne {subject}."),
    Action.ERASURE_DECLINED: _("{tool} n’efface pas ce qui y est détenu sur {subject}."),
    Action.ERASURE_CLOSED: _("{who} clôt un effacement pour {subject}."),
    Action.HOLDINGS_REBUILT: _("{who} recalcule, à partir des transmissions, ce que les outils détiennent."),
    Action.RELEASE_DESCRIBED: _("Ce que {tool} peut recevoir ainsi est décrit une fois."),
    Action.OWN_DATA_DOWNLOADED: _("{who} emporte ses propres données."),
    Action.DIRECTIONS_LEFT: _("{who} laisse des directives pour après son décès."),
    Action.DIRECTIONS_CHANGED: _("{who} modifie ses directives pour après son décès."),
    Action.DIRECTIONS_WITHDRAWN: _("{who} retire ses directives pour après son décès."),
    Action.DIRECTIONS_READ: _("{who} ouvre les directives laissées pour après un décès : {subject}."),
    Action.SYNC_APPLIED: _("L’annuaire est synchronisé : {source}."),
    Action.SYNC_HELD: _("Une synchronisation de l’annuaire est retenue et attend une décision : {source}."),
    Action.SYNC_FAILED: _("Une synchronisation de l’annuaire échoue : {source}."),
    Action.SYNC_ASKED: _("{who} demande une synchronisation de l’annuaire : {source}."),
    Action.SYNC_APPROVED: _("{who} accepte des retraits qui attendaient : {source}."),
    Action.SYNC_APPROVAL_TAKEN_BACK: _("{who} annule un accord sur des retraits qui attendaient : {source}."),
    Action.SYNC_APPROVAL_REFUSED: _("{who} n’a pas pu accepter des retraits : {source}."),
    Action.SOURCE_ADDED: _("{who} ajoute un annuaire : {source}."),
    Action.SOURCE_CHANGED: _("{who} modifie les réglages d’un annuaire : {source}."),
    Action.SOURCE_TESTED: _("{who} essaie la connexion à un annuaire : {source}."),
    Action.SOURCE_RETIRED: _("{who} retire un annuaire : {source}."),
    Action.ISSUE_ACKNOWLEDGED: _("{who} a vu une anomalie de l’annuaire : {source}."),
    Action.PEOPLE_SEARCHED: _("{who} consulte le trombinoscope."),
    Action.CARD_OPENED: _("{who} ouvre une fiche du trombinoscope : {subject}."),
    Action.MEMBER_WRITTEN_TO: _("{who} écrit par le trombinoscope : {subject}."),
    Action.PAGE_CHANGED: _("{who} choisit ce que les autres membres voient : {subject}."),
    Action.PROFILE_CHANGED: _("{who} modifie des coordonnées : {subject}."),
    Action.PROFILE_REFUSED: _("Une modification de coordonnées est refusée : {subject}."),
    Action.MEMBER_JOINED: _("{subject} arrive de l’annuaire."),
    Action.MEMBER_CHANGED: _("L’annuaire met à jour {subject}."),
    Action.MEMBER_LEFT: _("Compte fermé pour {subject}."),
    Action.ABSENCE_ENDED: _("L’absence de {subject} compte maintenant comme un départ."),
    Action.MEMBER_RETURNED: _("Compte rouvert pour {subject}."),
    Action.MEMBER_SUSPENDED: _("{who} suspend le compte : {subject}."),
    Action.MEMBER_RESUMED: _("{who} lève la suspension : {subject}."),
    Action.MEMBER_ERASED: _("Les coordonnées sont effacées : {subject}."),
    Action.LOCAL_ACCOUNT_CREATED: _("Un compte de secours est créé : {subject}."),
    Action.DEPARTURE_PLANNED: _("{who} date le départ : {subject}."),
    Action.DEPARTURE_CANCELLED: _("{who} annule le départ : {subject}."),
    Action.DEPARTURE_ANNOUNCED: _("Le départ est annoncé : {subject}."),
    Action.STATUS_CHANGED: _("Changement de statut pour {subject}."),
    Action.FACTOR_POLICY_CHANGED: _("{who} change la règle de double vérification."),
    Action.FACTOR_REQUIRED: _("La double vérification devient nécessaire pour {subject}."),
    Action.COLLECTIVE_CHANGED: _("Un collectif suit l’annuaire : {collective}."),
    Action.MEMBERSHIP_GIVEN: _("{who} ajoute {subject} à un collectif : {collective}."),
    Action.MEMBERSHIP_TAKEN: _("{who} retire {subject} d’un collectif : {collective}."),
    Action.COLLECTIVE_MARKED: _("{who} dit si un collectif est sensible : {collective}."),
    Action.ROLE_GRANTED: _("{who} attribue un rôle à {subject}."),
    Action.ROLE_REVOKED: _("{who} retire un rôle à {subject}."),
    Action.READING_OPENED: _("{who} dit pourquoi consulter."),
    Action.JOURNAL_READ: _("{who} consulte le journal."),
    Action.PERSON_REVEALED: _("{who} lève le pseudonyme : {subject}."),
    Action.ACCESS_REFUSED: _("Une page est refusée à {who}."),
    Action.LOG_OPENED: _("Un registre de preuve s’ouvre."),
    Action.LOG_SIGNED: _("Un registre de preuve est de nouveau signé."),
    Action.LOG_NOT_SIGNED: _("Un registre de preuve n’est pas signé."),
    Action.LOG_CLOSED: _("Un registre de preuve est clos."),
    Action.LOG_GIVEN_UP: _("Un registre de preuve est abandonné, un autre prend la suite."),
    Action.LOG_EXPORTED: _("{who} exporte les preuves."),
    Action.CHECKPOINTS_MAILED: _("Les relevés du journal partent par courrier."),
    Action.CONTRADICTION_MAILED: _("Ce qui contredit le journal est annoncé par courrier."),
    Action.LOG_DESTRUCTION_PROPOSED: _("{who} propose de détruire un registre de preuve."),
    Action.LOG_DESTRUCTION_APPROVED: _("{who} accepte la destruction d’un registre de preuve."),
    Action.LOG_DESTRUCTION_WITHDRAWN: _("{who} renonce à la destruction d’un registre de preuve."),
    Action.LOG_DESTROYED: _("{who} et {subject} détruisent un registre de preuve."),
    Action.PERSON_ERASED: _("Une personne est effacée du journal."),
    Action.RETENTION_RUN: _("Ce dont la durée de conservation est passée quitte le journal."),
    Action.RETENTION_REFUSED: _("Rien ne quitte le journal : l’horloge a peut-être sauté."),
    Action.RETENTION_CONFIRMED: _("{who} confirme l’heure : les durées de conservation s’appliquent de nouveau."),
    Action.RETENTION_CHANGED: _("{who} change une durée de conservation."),
    Action.DATA_PURGED: _("Ce dont la durée de conservation est passée est effacé de Trousseau."),
    Action.HOLD_PUT: _("{who} suspend un effacement."),
    Action.HOLD_LIFTED: _("{who} lève la suspension d’un effacement."),
    Action.MAILS_KEPT: _("{who} dit garder les courriers avec les relevés."),
    Action.WITNESS_ADDED: _("{who} ajoute un témoin du journal."),
    Action.WITNESS_TRUSTED: _("{who} dit qu’un témoin est hors de portée de l’administration."),
    Action.WITNESS_ENDED: _("{who} retire un témoin du journal."),
    Action.WITNESS_REFUSED: _("Une signature de témoin n’est pas acceptée."),
    Action.STREAM_FAILED: _("La copie du journal vers le SIEM ne passe plus."),
    Action.STREAM_RESUMED: _("La copie du journal vers le SIEM reprend."),
    Action.WITNESS_CONTRADICTS: _("Un témoin tient un relevé que le registre ne contient plus."),
    Action.JOURNAL_COMPARED: _("Le journal est rapproché de ce que disent les tables."),
    Action.GAP_SETTLED: _("{who} règle un écart du journal."),
}
# What sentences call by its name, by the fact that numbers it: where a line does not say which, and where it is gone.
THINGS: dict[str, tuple[Text, Text]] = {
    "source": (_("annuaire non précisé"), _("annuaire supprimé n° {id}")),
    "collective": (_("collectif non précisé"), _("collectif supprimé")),
}
FACTS: dict[str, Text] = {
    "items": _("données"),
    "refused_items": _("données refusées"),
    "categories": _("catégories"),
    "channel": _("voie"),
    "legal_basis": _("base légale"),
    "tool_mode": _("mode de l’outil"),
    "processing": _("traitement"),
    "profile": _("profil"),
    "notice": _("information"),
    "consent": _("accord"),
    "objection": _("opposition"),
    "version": _("version"),
    "digest": _("empreinte"),
    "page_digest": _("empreinte de la page"),
    "erasure": _("effacement"),
    "data": _("données"),
    "gone_data": _("effacés"),
    "days_before": _("jours avant"),
    "days_after": _("jours après"),
    "erasures": _("effacements"),
    "erasure_ground": _("motif d’effacement"),
    "refusal": _("raison du refus"),
    "confirmed": _("confirmés"),
    "declined": _("refusés"),
    "silent": _("sans réponse"),
    "holders": _("détenteurs"),
    "reminders": _("relances"),
    "by_mail": _("par courrier électronique"),
    "copies": _("copies de la page montrée"),
    "page": _("page"),
    "pages": _("pages"),
    "address_given": _("adresse donnée"),
    "action": _("action"),
    "attempts": _("essais"),
    "notices": _("avis"),
    "language": _("langue"),
    "methods": _("preuves"),
    "scopes": _("portées demandées"),
    "target": _("outil visé"),
    "filters": _("critères"),
    "export": _("export"),
    "refresh": _("jeton de renouvellement"),
    "properties": _("réglages"),
    "changes": _("différences"),
    "kid": _("clé"),
    "device": _("appareil"),
    "registration": _("droit d’enregistrement"),
    "uses": _("usages"),
    "overlap_hours": _("heures de recouvrement"),
    "overlap_minutes": _("minutes de recouvrement"),
    "everyone": _("tout le monde"),
    "collectives": _("collectifs"),
    "opens": _("ouvert à tout le monde"),
    "relaxes_pkce": _("sans PKCE"),
    "step": _("étape"),
    "factor": _("moyen"),
    "role": _("rôle"),
    "favourite": _("favori"),
    "followed": _("suivi"),
    "state": _("état"),
    "run": _("passage"),
    "held": _("en attente"),
    "approval": _("empreinte à approuver"),
    "collective": _("collectif"),
    "section": _("rubrique"),
    "brief": _("brève"),
    "news_letter": _("lettre"),
    "recipients": _("destinataires"),
    "rhythm": _("rythme"),
    "standing": _("état de la brève"),
    "audience": _("pour"),
    "change": _("changement"),
    "members_set": _("membres ajoutés"),
    "members_removed": _("membres retirés"),
    "memberships_set": _("appartenances ajoutées"),
    "memberships_removed": _("appartenances retirées"),
    "leads_added": _("responsables ajoutés"),
    "leads_removed": _("responsables retirés"),
    "people_joined": _("arrivées"),
    "people_changed": _("fiches modifiées"),
    "people_ended": _("départs"),
    "people_returned": _("retours"),
    "people_taken_over": _("personnes reprises d’un annuaire retiré"),
    "people_barred": _("arrivées sans accès"),
    "groups_new": _("nouveaux collectifs"),
    "groups_changed": _("collectifs modifiés"),
    "groups_ended": _("collectifs fermés"),
    "groups_returned": _("collectifs rouverts"),
    "groups_taken_over": _("collectifs repris d’un annuaire retiré"),
    "issues": _("anomalies"),
    "written": _("lignes écrites"),
    "algorithm": _("algorithme"),
    "active_at": _("mise en service"),
    "resources": _("ressources"),
    "binding": _("jetons liés à"),
    "own_account": _("au nom de l’outil"),
    "repeated": _("réponse répétée"),
    "endpoint": _("demande"),
    "refusals_this_minute": _("refus dans la minute"),
    "exchanged_by": _("outil qui échange"),
    "act": _("geste"),
    "link": _("lien"),
    "link_kind": _("sorte de lien"),
    "mail": _("courrier"),
    "browser": _("navigateur"),
    "browsers": _("navigateurs"),
    "sessions": _("sessions"),
    "last_day": _("dernier jour"),
    "absent_since": _("absence depuis le"),
    "ends_at": _("jusqu’au"),
    "admission": _("accès demandé"),
    "by": _("avant le"),
    "status": _("statut"),
    "former_status": _("statut précédent"),
    "recovery": _("récupération"),
    "by_hand": _("remis en main propre"),
    "alarm": _("alerte"),
    "results": _("résultats"),
    "told": _("personnes prévenues"),
    "alarms": _("contradictions"),
    "suspension": _("raison"),
    "required": _("exigée"),
    "source": _("annuaire"),
    "source_step": _("essai"),
    "source_state": _("état de l’annuaire"),
    "mode": _("lecture"),
    "dry": _("à blanc"),
    "issue": _("anomalie"),
    "undone": _("remise à régler"),
    "log": _("registre de preuve"),
    "log_key": _("clé publique"),
    "log_size": _("lignes"),
    "log_head": _("dernier relevé"),
    "log_next": _("suite"),
    "logs": _("registres de preuve"),
    "witness": _("témoin"),
    "stream": _("destination"),
    "with_people": _("avec les personnes"),
    "gone": _("parties effacées"),
    "over": _("empreinte des places"),
    "cut_date": _("arrêté au"),
    "rules": _("règles, version"),
    "last_run": _("passage précédent"),
    "retention": _("catégorie"),
    "kept_before": _("avant"),
    "kept_after": _("après"),
    "loosened": _("garde plus longtemps"),
    "hold": _("suspension"),
    "types": _("lignes par sorte"),
    "purpose": _("pourquoi"),
    "case": _("dossier"),
    "reading": _("consultation"),
    "ground": _("nom levé pour"),
    "together": _("personnes en même temps"),
    "lines": _("lignes"),
    "question": _("question"),
    "download": _("emporté"),
    "view": _("vue"),
    "comparison": _("rapprochement"),
    "examined": _("faits examinés"),
    "found": _("écarts"),
    "gap": _("écart"),
    "compared": _("source"),
    "times": _("nombre de fois"),
    "held_items": _("données détenues"),
    "held_wrong": _("corrections"),
    "first_at": _("première fois"),
    "last_at": _("dernière fois"),
    "record": _("fiche"),
    "safety": _("sorte de ligne"),
    "safety_day": _("jour"),
    "safety_result": _("résultat"),
    "finding": _("constat"),
    "fields": _("champs"),
    "missing": _("manque"),
    "register_day": _("registre au"),
    "created": _("fiches créées"),
    "changed": _("fiches modifiées"),
    "problems": _("erreurs"),
    "request": _("demande"),
    "request_kind": _("sorte de demande"),
    "came": _("arrivée par"),
    "received_on": _("reçue le"),
    "due_on": _("échéance"),
    "late": _("hors délai"),
    "overdue": _("échéance passée"),
    "letter": _("lettre"),
    "restriction": _("gel"),
    "files": _("pièces"),
    "incident": _("violation"),
    "pack": _("dossier de contrôle"),
    "records": _("traitements"),
    "first_day": _("du"),
    "until_day": _("au"),
    "outcome": _("conclusion"),
    "criteria": _("critères"),
    "incident_step": _("étape"),
    "people": _("personnes"),
}
# Days and moments, as people read them.
MOMENTS = frozenset(
    {
        *("by", "ends_at", "last_day", "absent_since", "cut_date", "last_run", "first_at", "last_at"),
        *("register_day", "received_on", "due_on"),
        *("register_day", "first_day", "until_day"),
    }
)
# Numbers of rows, digests, names of settings: for whoever looks a line up, not for whoever reads them all.
ASIDE = frozenset(
    {
        "alarm",
        "approval",
        "brief",
        "news_letter",
        "browser",
        "collective",
        "comparison",
        "consent",
        "device",
        "digest",
        "erasure",
        "exchanged_by",
        "gap",
        "kid",
        "link",
        "log_head",
        "log_key",
        "notice",
        "objection",
        "hold",
        "over",
        "page_digest",
        "profile",
        "properties",
        "reading",
        "recovery",
        "registration",
        "restriction",
        "run",
        "source",
        "target",
    }
)
# Numbers too, which their owner may know how to call.
NUMBERED = frozenset({"processing"})
PLACES: dict[str, Text] = {"network": _("réseau"), "browser": _("navigateur")}
CRITERIA: dict[str, Text] = {
    "member": _("membre"),
    "words": _("mots"),
    "mentioned": _("pseudonymes parmi les mots"),
    "tool": _("outil"),
    "family": _("famille"),
    "action": _("action"),
    "by": _("auteur"),
    "result": _("résultat"),
    "reason": _("motif"),
    "since": _("depuis"),
    "until": _("jusqu’au"),
    "hour": _("heure"),
    # Of lines that an earlier version wrote.
    "refused": _("refus seulement"),
}
# Why something about retention is not done.
KEEPING: dict[str, Text] = {
    "network_outlives": _("le réseau ne peut pas être gardé plus longtemps que les personnes"),
    "facts_first": _("les personnes ne peuvent pas être gardées plus longtemps que les faits"),
    "look_ups_shown": _("les consultations se gardent six mois au moins, avec qui les a faites"),
    "months": _("une durée va de 0 à 600 mois"),
    "days": _("cette durée est trop courte pour cette catégorie, ou dépasse un siècle"),
    "period_fixed": _("cette durée est réglée par l’exploitant"),
    "why_missing": _("il faut dire pourquoi"),
    "hold_of_what": _("dites de qui, ou de quelle catégorie"),
    "until_past": _("cette date est passée"),
    "hold_over": _("cette suspension est déjà levée"),
    "rules_changed": _("quelqu’un a changé les règles entre-temps"),
    "nothing_changed": _("rien n’a changé"),
    "log_unknown": _("aucun registre n’a ce nom"),
    "log_gone": _("ce registre est déjà détruit"),
    "log_not_over": _("ce registre n’est pas clos, ou pas signé jusqu’au bout"),
    "log_held": _("une suspension protège ce qu’il contient"),
    "log_has_people": _("il contient encore ce qui parle de personnes"),
    "log_has_unsaid": _("ce qui vient d’en partir n’est pas encore annoncé"),
    "log_needed": _("il annonce ce qui est parti d’un registre qui existe encore"),
    "not_proposed": _("personne ne l’a proposé ces derniers jours"),
    "already_proposed": _("quelqu’un l’a déjà proposé"),
    "not_approved": _("personne d’autre n’a accepté ces derniers jours"),
    "same_person": _("il faut une autre personne que celle qui l’a proposé"),
    "proposer_may_not": _("la personne qui l’a proposé n’en a plus le droit"),
    "approver_may_not": _("la personne qui l’a accepté n’en a plus le droit"),
    "not_of_the_two": _("seule une des deux personnes peut y renoncer"),
    "role_from_the_other": _("l’une des deux a reçu son rôle de l’autre"),
    "no_officer": _("il faut que l’une des deux soit déléguée à la protection des données"),
    "target_exists": _("ce dossier existe déjà"),
    "export_not_sound": _("l’export ne se vérifie pas"),
    "witness_clock": _("aucun témoin extérieur n’a signé à une semaine de cette date : la sienne fait foi"),
    "nothing_refused": _("rien n’attend de confirmation"),
}
# Of the parts of an event.
ROLES: dict[Role, Text] = {
    Role.COMMON: _("faits"),
    Role.SUBJECT: _("personne concernée"),
    Role.ACTOR: _("auteur"),
    Role.NETWORK: _("réseau"),
}
_OWN: dict[str, dict[str, Text]] = {
    "reason": {
        "role_missing": _("rôle manquant"),
        "too_many_people": _("trop de personnes à la fois"),
        "no_criteria": _("aucun critère"),
        "journal_behind": _("journal non signé"),
        "nobody_to_write_to": _("personne à qui écrire"),
        **KEEPING,
        "clock_jumped": _("plus d’une semaine depuis le passage précédent"),
        "stream_certificate": _("le certificat du serveur n’est pas le bon"),
        "stream_tls": _("TLS échoue"),
        "stream_unconfirmed": _("le serveur ne confirme pas ce qu’il a lu"),
        "stream_timeout": _("le serveur ne répond pas à temps"),
        "stream_unreachable": _("le serveur ne répond pas"),
        "stream_file": _("le fichier ne s’écrit pas"),
        "stream_fault": _("l’envoi échoue, le journal technique dit pourquoi"),
        "witness_signature": _("une signature ne tient pas"),
        "witness_log": _("le relevé n’est pas de ce registre"),
        "witness_unknown": _("aucun témoin connu n’a signé"),
        "witness_clock": _("l’heure signée n’est pas la bonne"),
        "witness_given_up": _("le registre est abandonné"),
        "witness_unreadable": _("ce n’est pas un relevé"),
        "witness_throttled": _("trop d’envois à la fois"),
        "witness_longer": _("le témoin a vu plus de lignes qu’il n’y en a"),
        "witness_other_root": _("le témoin a vu d’autres lignes"),
        **{each.value: each.label for each in Trouble},
    },
    "stays": {
        "outlives": _("preuve à garder, même effacée la personne (RGPD, article 17, 3, e)"),
        "hold_class": _("cette catégorie est suspendue"),
        "hold_person": _("une suspension protège cette personne"),
    },
    "retention": {each.value: each.label for each in Retention},
    "role": {each.value: label for each, label in ROLES.items()},
    "page": {
        "audit:journal": _("journal"),
        "audit:purpose": _("raison de consulter le journal"),
        "audit:search": _("recherche dans le journal"),
        "audit:reveal": _("pseudonyme à lever"),
        "audit:reveal_all": _("pseudonymes à lever"),
        "audit:searches": _("recherches gardées"),
        "audit:export": _("export du journal"),
        "audit:pictures": _("journal en images"),
        "audit:lookups": _("qui a consulté quoi"),
        "audit:proof": _("preuve du journal"),
        "audit:checkpoint": _("relevé signé"),
        "audit:checkpoints": _("relevés à garder"),
        "audit:witness_add": _("ajout d’un témoin"),
        "audit:witness_trust": _("témoin hors de portée"),
        "audit:witness_end": _("retrait d’un témoin"),
        "audit:mails_kept": _("courriers gardés"),
        "audit:keeping": _("conservation"),
        "audit:reconciliation": _("rapprochement du journal"),
    },
    "filters": CRITERIA,
    "view": {
        "pictures": _("en images"),
        "lookups": _("qui a consulté quoi"),
        "keeping": _("conservation"),
        "reveal_all": _("pseudonymes à lever"),
    },
    "purpose": {each.value: each.label for each in Purpose},
    "ground": {each.value: each.label for each in Ground},
    "stream": {"syslog": _("serveur syslog"), "file": _("fichier")},
    "action": {action.value: action.label for action in Action},
}
_namers: dict[str, list[Namer]] = {fact: [names.get] for fact, names in _OWN.items()}
_look_ups: dict[str, LookUp] = {}
# Called by what stands in a row: whoever owns it knows for how long that holds.
FROM_ROWS = frozenset({"processing"})


def name_codes(fact: str, namer: Namer) -> None:
    """Let the app that owns codes of a fact, or of a line's reason, say them in words; called when the apps are ready.

    A namer answers nothing, or the code itself, for what is not its own: the next one is asked.
    """
    _namers.setdefault(fact, []).append(namer)
    _named.cache_clear()


def name_things(fact: str, look_up: LookUp) -> None:
    """Let the app that owns what a fact of ``THINGS`` numbers call it by its name; called when the apps are ready."""
    _look_ups[fact] = look_up


def names_of(fact: str, numbers: Collection[Any] | None = None) -> Mapping[Any, str]:
    """What these things are called, or all there are.  One statement."""
    return _look_ups[fact](numbers) if fact in _look_ups else {}


def call_things(events: Collection[Event]) -> None:
    """Look up what these lines name, all at once.  One statement for each sort of thing that is among them."""
    for event in events:
        event.called = {}
    for fact in THINGS:
        numbers = {event.pk: number for event in events if (number := _number(event, fact)) is not None}
        names = names_of(fact, set(numbers.values())) if numbers else {}
        for event in events:
            if (called := names.get(numbers.get(event.pk))) is not None:
                event.called = {**(event.called or {}), fact: called}


def _number(event: Event, fact: str) -> Any:
    """Which of these things the sentence of a line is about."""
    return event.told.get(fact) if f"{{{fact}}}" in str(SENTENCES.get(event.action, "")) else None


def name(fact: str, code: str) -> str:
    """The code in words; one that nobody knows stays as it is."""
    return _in_words(fact, code) if fact in FROM_ROWS else _named(get_language(), fact, code)


# The lines of one person say few codes, thousands of times.
@lru_cache(4096)
def _named(language: str | None, fact: str, code: str) -> str:
    return _in_words(fact, code)


def _in_words(fact: str, code: str) -> str:
    for namer in _namers.get(fact, []):
        said = namer(code)
        if said and str(said) != code:
            return str(said)
    return code


def sentence(event: Event, call: CallPerson | None = None) -> str:
    """What happened, in one sentence; whoever is gone is named by their identifier.

    ``call`` says how people are called, where that is not by their names.
    """
    pattern = str(SENTENCES.get(event.action) or event.get_action_display())
    call = call or person
    tool = tool_name(event.tool, event.tool_id)
    things = {fact: _thing(event, fact) for fact in THINGS}
    return pattern.format(who=actor(event, call), subject=_subject(event, call), tool=tool, **things)


def _thing(event: Event, fact: str) -> str:
    untold, gone = THINGS[fact]
    number = _number(event, fact)
    if number is None:
        return str(untold)
    if event.called is None:
        call_things([event])
    return (event.called or {}).get(fact) or str(gone).format(id=number)


def reason(event: Event) -> str:
    return name("reason", event.reason)


def facts(event: Event, *, but: frozenset[str] = frozenset()) -> list[tuple[str, str]]:
    """What the facts of a line say, as (label, words)."""
    return [(label, said) for fact, label, said in _told(event) if fact not in ASIDE and fact not in but]


def particulars(event: Event) -> list[tuple[str, str]]:
    """The facts of a line that stand aside, as (label, words)."""
    return [(label, said) for fact, label, said in _told(event) if fact in ASIDE]


def _told(event: Event) -> list[tuple[str, str, str]]:
    known = event.told
    return [
        (fact, _label(get_language(), fact), _words(fact, value))
        for fact, value in known.items()
        if value not in (None, "", [])
    ]


@lru_cache(1024)
def _label(language: str | None, fact: str) -> str:
    return str(FACTS.get(fact, fact))


def actor(event: Event, call: CallPerson) -> str:
    """Whoever did it: somebody, a tool, or the hub."""
    if event.by in (By.SELF, By.MEMBER):
        return call(event.actor, event.actor_id)
    if event.by == By.TOOL:
        return tool_name(event.actor_tool, event.actor_tool_id)
    return gettext("Trousseau")


def _subject(event: Event, call: CallPerson) -> str:
    if event.subject_id is not None:
        return call(event.subject, event.subject_id)
    return gettext("une personne inconnue")


def person(member: Any, member_id: object) -> str:
    """By their name, as everywhere but in the officer's reading of the journal."""
    if member_id is None:
        return gettext("une personne effacée")
    return str(member) if member is not None else gettext("membre effacé {id}").format(id=str(member_id))


def place_label(name: str) -> str:
    """What a part of a place is called: the network, the browser."""
    return str(PLACES.get(name, name))


def tool_name(tool: Any, tool_id: object) -> str:
    if tool_id is None:
        return gettext("un outil inconnu")
    return str(tool.name) if tool is not None else gettext("outil supprimé n° {id}").format(id=tool_id)


def _words(fact: str, value: object) -> str:
    if isinstance(value, bool):
        return gettext("oui") if value else gettext("non")
    if fact == "changes" and isinstance(value, dict):
        return ", ".join(f"{_property(each)} : {was or '–'} → {stands or '–'}" for each, (was, stands) in value.items())
    if isinstance(value, dict):
        # Counts, by what they count, and perhaps by log and by what they count.
        return ", ".join(f"{name('role', str(each))} : {_words('period', said)}" for each, said in value.items())
    if isinstance(value, Iterable) and not isinstance(value, str | dict):
        return ", ".join(name(fact, str(each)) for each in value)
    if fact in ASIDE | NUMBERED and isinstance(value, int):
        named = name(fact, str(value))
        return gettext("n° {number}").format(number=value) if named == str(value) else named
    if fact in MOMENTS:
        return _moment(str(value))
    if fact == "period" and isinstance(value, str):
        return period(value)
    text = name(fact, str(value))
    # A digest is compared by its beginning; the export has it whole.
    return text[:12] + "…" if fact in ("digest", "page_digest") else text


def _property(code: str) -> str:
    """``mapping.mail``: a part of a setting, by the name of the whole."""
    whole, _dot, part = code.partition(".")
    return f"{name('properties', whole)} {part}".strip()


def period(code: str) -> str:
    """For how long something is kept, as a line about a change has it: ``12``, ``60+end outlives``, ``log``."""
    length, _space, outlives = code.partition(" ")
    months, _plus, end = length.partition("+")
    if months == "log":
        said = gettext("aussi longtemps que le registre")
    elif end:
        said = gettext("%(n)s mois après le départ") % {"n": months}
    else:
        # Short as it is, it stays on one line.
        said = (gettext("%(n)s mois") % {"n": months}).replace(" ", "\u00a0")
    return gettext("{said}, même après un effacement").format(said=said) if outlives else said


def _moment(text: str) -> str:
    try:
        day = parse_date(text)
        at = None if day else parse_datetime(text)
    except ValueError:
        return text
    if at is not None:
        return date_format(localtime(at) if at.tzinfo else at, "SHORT_DATETIME_FORMAT")
    return date_format(day, "SHORT_DATE_FORMAT") if day else text
