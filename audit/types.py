"""Values of the journal that other apps may use."""

from dataclasses import dataclass, field, fields
from datetime import date, datetime
from uuid import UUID

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Action(TextChoices):
    """The closed list of what can happen: ``app:subject:verb`` with its sentence."""

    SIGN_IN = "idp:session:start", _("Connexion")
    SIGN_IN_REFUSED = "idp:session:refuse", _("Connexion refusée")
    REAUTHENTICATED = "idp:session:confirm", _("Identité confirmée")
    SIGN_OUT = "idp:session:end", _("Déconnexion")
    TOOL_SESSION_ENDED = "idp:tool_session:end", _("Session d’un outil fermée")
    FACTOR_ADDED = "idp:factor:add", _("Double vérification ajoutée")
    FACTOR_REMOVED = "idp:factor:remove", _("Double vérification retirée")
    FACTOR_RENAMED = "idp:factor:rename", _("Moyen de connexion renommé")
    FACTOR_DOUBTED = "idp:factor:doubt", _("Clé d’accès peut-être copiée")
    FACTORS_RESET = "idp:factor:reset", _("Double vérification remise à zéro")
    PASSWORD_CHANGED = "idp:password:change", _("Mot de passe changé")
    PASSWORD_REFUSED = "idp:password:refuse", _("Mot de passe refusé")
    INVITED = "idp:invitation:send", _("Invitation envoyée")
    INVITATION_ENDED = "idp:invitation:end", _("Invitation annulée")
    LINK_OPENED = "idp:link:open", _("Lien ouvert")
    LINK_REFUSED = "idp:link:refuse", _("Lien refusé")
    RESET_ASKED = "idp:reset:ask", _("Mot de passe oublié")
    RESET_REFUSED = "idp:reset:refuse", _("Demande de mot de passe oublié sans suite")
    FIRST_ACCOUNT_MADE = "idp:account:first", _("Lien de la première personne de la technique créé")
    ACCOUNT_UNLOCKED = "idp:account:unlock", _("Compte débloqué")
    BROWSER_ADDED = "idp:browser:add", _("Nouveau navigateur")
    BROWSER_TRUSTED = "idp:browser:trust", _("Navigateur déclaré de confiance")
    BROWSER_FORGOTTEN = "idp:browser:forget", _("Navigateur oublié")
    ALARM_RAISED = "idp:alarm:raise", _("Alerte « ce n’était pas moi »")
    ALARM_SETTLED = "idp:alarm:settle", _("Alerte traitée")
    RECOVERY_ASKED = "idp:recovery:ask", _("Récupération de compte demandée")
    RECOVERY_APPROVED = "idp:recovery:approve", _("Récupération de compte acceptée")
    RECOVERY_REFUSED = "idp:recovery:refuse", _("Récupération de compte refusée")
    RECOVERY_CANCELLED = "idp:recovery:cancel", _("Récupération de compte annulée")
    MAIL_SENT = "idp:mail:send", _("Courrier envoyé")
    MAIL_FAILED = "idp:mail:fail", _("Courrier non envoyé")
    MEMBER_CONSULTED = "idp:member:consult", _("Fiche d’un membre consultée")
    ACT_REFUSED = "idp:member:refuse", _("Action refusée sur un compte")
    MEMBERS_SEARCHED = "idp:member:search", _("Membres recherchés")
    AUTHORIZATION_REFUSED = "idp:authorization:refuse", _("Ouverture d’un outil refusée")
    CODE_ISSUED = "idp:code:issue", _("Code remis à un outil")
    CODE_REPLAYED = "idp:code:replay", _("Code rejoué, jetons révoqués")
    TOKEN_ISSUED = "idp:token:issue", _("Jetons remis à un outil")
    TOKEN_REFRESHED = "idp:token:refresh", _("Jetons renouvelés")
    TOKEN_REFUSED = "idp:token:refuse", _("Jetons refusés à un outil")
    TOKEN_REVOKED = "idp:token:revoke", _("Jetons révoqués")
    LOGOUT_REFUSED = "idp:logout:refuse", _("Demande de déconnexion refusée")
    LOGOUT_DELIVERED = "idp:logout:deliver", _("Déconnexion transmise à l’outil")
    LOGOUT_FAILED = "idp:logout:fail", _("Déconnexion non transmise")
    LOGOUT_RETRIED = "idp:logout:retry", _("Avis de déconnexion relancés")
    TOOL_CREATED = "idp:tool:create", _("Outil connecté")
    TOOL_CHANGED = "idp:tool:change", _("Outil modifié")
    TOOL_CLOSED = "idp:tool:close", _("Outil retiré")
    TOOLS_PAIRED = "idp:pair:allow", _("Échange de jetons entre deux outils autorisé")
    TOOLS_PARTED = "idp:pair:end", _("Échange de jetons entre deux outils terminé")
    SECRET_ROTATED = "idp:tool:secret", _("Secret d’un outil renouvelé")
    REGISTRATION_ALLOWED = "idp:registration:allow", _("Droit d’enregistrer un outil donné")
    REGISTRATION_REFUSED = "idp:registration:refuse", _("Enregistrement d’un outil refusé")
    DEVICE_STARTED = "idp:device:start", _("Code d’appareil remis à un outil")
    DEVICE_OPENED = "idp:device:open", _("Code d’appareil saisi")
    DEVICE_APPROVED = "idp:device:approve", _("Appareil relié")
    DEVICE_DENIED = "idp:device:deny", _("Appareil refusé")
    DEVICE_REFUSED = "idp:device:refuse", _("Code d’appareil non accepté")
    KEY_ROTATED = "idp:key:rotate", _("Clé de signature créée")
    KEY_ACTIVATED = "idp:key:activate", _("Clé de signature mise en service")
    KEY_RETIRED = "idp:key:retire", _("Clé de signature retirée du service")
    KEY_GONE = "idp:key:forget", _("Clé de signature hors d’usage")
    KEY_RESEALED = "idp:key:reseal", _("Secrets chiffrés avec une nouvelle clé")
    FAVOURITE_CHANGED = "launcher:favourite:change", _("Favori modifié")
    SHEET_DECLARED = "consent:sheet:declare", _("Fiche de traitement déclarée")
    NOTICE_SEEN = "consent:notice:see", _("Information lue")
    HUB_NOTICE_SEEN = "idp:notice:see", _("Information de Trousseau lue")
    CONSENT_GIVEN = "consent:grant:give", _("Accord donné")
    CONSENT_REFUSED = "consent:grant:refuse", _("Accord refusé")
    CONSENT_WITHDRAWN = "consent:grant:withdraw", _("Accord retiré")
    DISCLOSED = "consent:data:disclose", _("Données transmises à un outil")
    OWN_DATA_DOWNLOADED = "consent:data:download", _("Relevé de ses données téléchargé")
    SYNC_APPLIED = "directory:sync:apply", _("Annuaire synchronisé")
    SYNC_HELD = "directory:sync:hold", _("Synchronisation retenue")
    SYNC_FAILED = "directory:sync:fail", _("Synchronisation en échec")
    SYNC_ASKED = "directory:sync:ask", _("Synchronisation demandée")
    SYNC_APPROVED = "directory:sync:approve", _("Retraits retenus acceptés")
    SYNC_APPROVAL_REFUSED = "directory:sync:refuse", _("Accord sur des retraits refusé")
    SOURCE_ADDED = "directory:source:add", _("Annuaire ajouté")
    SOURCE_CHANGED = "directory:source:change", _("Réglages d’un annuaire modifiés")
    SOURCE_TESTED = "directory:source:test", _("Connexion à un annuaire essayée")
    SOURCE_RETIRED = "directory:source:retire", _("Annuaire retiré")
    ISSUE_ACKNOWLEDGED = "directory:issue:acknowledge", _("Anomalie de l’annuaire vue")
    PROFILE_CHANGED = "directory:profile:change", _("Coordonnées modifiées par le membre")
    PROFILE_REFUSED = "directory:profile:refuse", _("Modification de coordonnées refusée")
    MEMBER_JOINED = "directory:member:join", _("Membre ajouté")
    MEMBER_CHANGED = "directory:member:change", _("Membre modifié")
    MEMBER_LEFT = "directory:member:leave", _("Membre parti ou suspendu")
    ABSENCE_ENDED = "directory:member:absent", _("Absence devenue départ")
    MEMBER_RETURNED = "directory:member:return", _("Membre revenu")
    MEMBER_SUSPENDED = "directory:member:suspend", _("Compte suspendu")
    MEMBER_RESUMED = "directory:member:resume", _("Suspension levée")
    MEMBER_ERASED = "directory:member:erase", _("Coordonnées effacées")
    LOCAL_ACCOUNT_CREATED = "directory:member:create", _("Compte de secours créé")
    DEPARTURE_PLANNED = "directory:departure:plan", _("Départ daté")
    DEPARTURE_CANCELLED = "directory:departure:cancel", _("Départ annulé")
    DEPARTURE_ANNOUNCED = "directory:departure:announce", _("Départ annoncé")
    STATUS_CHANGED = "directory:status:change", _("Statut modifié")
    FACTOR_POLICY_CHANGED = "directory:policy:change", _("Règle de double vérification modifiée")
    FACTOR_REQUIRED = "directory:policy:apply", _("Double vérification demandée à un membre")
    COLLECTIVE_CHANGED = "directory:collective:change", _("Collectif modifié")
    COLLECTIVE_MARKED = "directory:collective:mark", _("Collectif sensible, ou non")
    ROLE_GRANTED = "directory:role:grant", _("Rôle attribué")
    ROLE_REVOKED = "directory:role:revoke", _("Rôle retiré")
    JOURNAL_READ = "audit:journal:read", _("Journal consulté")
    ACCESS_REFUSED = "audit:page:refuse", _("Accès à une page refusé")


class AppendOnlyError(RuntimeError):
    """Somebody tried to change or remove a line that is only ever added."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: a member, a tool, or the hub itself (neither)."""

    member: UUID | None = None
    tool: int | None = None


SYSTEM = Actor()


@dataclass(frozen=True, slots=True)
class Entry:
    """One line to be written.  ``facts`` holds identifiers, counts and names of items, never values."""

    action: Action
    actor: Actor = SYSTEM
    subject: UUID | None = None
    tool: int | None = None
    session: UUID | None = None
    refused: bool = False
    reason: str = ""
    facts: dict[str, object] = field(default_factory=dict)
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class EventFilter:
    """What the reader of the journal asked for; empty means everything.

    ``member`` is looked for, without accents or case, in the names and logins of those who acted and of those
    concerned; ``since`` and ``until`` are whole days, both included, in the hub's time zone.
    """

    member: str = ""
    tool: str = ""
    action: str = ""
    since: date | None = None
    until: date | None = None
    refused: bool = False

    @property
    def used(self) -> tuple[str, ...]:
        """The names of the criteria in use: a line of the journal may hold these, never what was typed."""
        return tuple(name.name for name in fields(self) if getattr(self, name.name))


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the journal: lines older than ``before``, or newer than ``after``."""

    before: int | None = None
    after: int | None = None
