"""Values of the journal that other apps may use."""

from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
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
    ALARM_RAISED = "idp:alarm:raise", _("Alerte « ce n’était pas moi »")
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
    COLLECTIVE_CONSULTED = "idp:collective:consult", _("Membres d’un collectif sensible consultés")
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
    TOOL_REFUSED = "idp:tool:refuse", _("Mise en service d’un outil refusée")
    TOOLS_PAIRED = "idp:pair:allow", _("Échange de jetons entre deux outils autorisé")
    TOOLS_PARTED = "idp:pair:end", _("Échange de jetons entre deux outils terminé")
    ADMISSION_ASKED = "idp:admission:ask", _("Accès à un outil demandé")
    ADMISSION_GRANTED = "idp:admission:grant", _("Accès à un outil accordé")
    ADMISSION_REFUSED = "idp:admission:refuse", _("Accès à un outil refusé")
    ADMISSION_ENDED = "idp:admission:end", _("Fin d’un accès accordé ou demandé")
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
    LOOK_CHANGED = "branding:look:change", _("Nom, logo ou couleurs modifiés")
    PEOPLE_SEARCHED = "launcher:people:search", _("Trombinoscope consulté")
    CARD_OPENED = "launcher:people:open", _("Fiche du trombinoscope ouverte")
    MEMBER_WRITTEN_TO = "launcher:people:write", _("Message envoyé par le trombinoscope")
    SECTION_CHANGED = "launcher:section:change", _("Rubrique de la page des outils modifiée")
    PAGE_ARRANGED = "launcher:page:arrange", _("Ordre de ses outils modifié")
    BRIEF_CHANGED = "news:brief:change", _("Brève écrite ou modifiée")
    BRIEF_REMOVED = "news:brief:remove", _("Brève retirée")
    BRIEF_RESTORED = "news:brief:restore", _("Brève remise")
    DIGEST_CHOSEN = "news:digest:choose", _("Brèves par courrier choisies ou arrêtées")
    LETTER_WRITTEN = "news:letter:write", _("Lettre d’un collectif écrite, modifiée ou supprimée")
    LETTER_SENT = "news:letter:send", _("Lettre d’un collectif envoyée")
    LETTERS_MUTED = "news:letter:mute", _("Lettres d’un collectif arrêtées")
    LETTERS_HEARD = "news:letter:hear", _("Lettres d’un collectif acceptées à nouveau")
    FEED_MADE = "news:feed:make", _("Adresse de flux créée")
    FEED_ENDED = "news:feed:end", _("Adresse de flux supprimée")
    FAVOURITE_CHANGED = "launcher:favourite:change", _("Favori modifié")
    COLLECTIVE_DESCRIBED = "collectives:page:change", _("Page d’un collectif modifiée")
    COLLECTIVE_FOLLOWED = "collectives:follow:change", _("Collectif suivi, ou non")
    SHEET_DECLARED = "consent:sheet:declare", _("Fiche de traitement déclarée")
    TOOL_MODE_SET = "consent:mode:set", _("Mode d’un outil choisi")
    REGISTER_CHANGED = "consent:register:change", _("Registre des traitements modifié")
    REGISTER_CLOSED = "consent:register:close", _("Fiche du registre des traitements close")
    REGISTER_EXPORTED = "consent:register:export", _("Registre des traitements exporté")
    REGISTER_IMPORTED = "consent:register:import", _("Fichier importé dans le registre des traitements")
    FINDING_DECIDED = "consent:finding:decide", _("Constat réglé ou accepté")
    INCIDENT_OPENED = "consent:incident:open", _("Violation de données notée")
    INCIDENT_CHANGED = "consent:incident:change", _("Dossier d’une violation de données complété")
    INCIDENT_COUNTED = "consent:incident:count", _("Personnes concernées par une violation comptées")
    INCIDENT_LISTED = "consent:incident:list", _("Nom et adresse pris pour écrire après une violation")
    INCIDENTS_EXPORTED = "consent:incident:export", _("Violations de données exportées")
    DECISIONS_EXPORTED = "consent:decision:export", _("Décompte des accords exporté")
    SCREENING_MADE = "consent:screening:make", _("Besoin d’une analyse d’impact examiné")
    CONTRACT_KEPT = "consent:contract:keep", _("Contrat d’un sous-traitant lu")
    SAFETY_NOTED = "consent:safety:note", _("Mesure ou essai de sécurité noté")
    EVIDENCE_ASKED = "consent:evidence:ask", _("Dossier de contrôle demandé")
    EVIDENCE_NAMED = "consent:evidence:name", _("Personne nommée dans un dossier de contrôle")
    EVIDENCE_MADE = "consent:evidence:make", _("Dossier de contrôle remis")
    NOTICE_SEEN = "consent:notice:see", _("Information lue")
    HUB_NOTICE_SEEN = "idp:notice:see", _("Information de Trousseau lue")
    CONSENT_GIVEN = "consent:grant:give", _("Accord donné")
    CONSENT_ASKED = "consent:grant:ask", _("Accord demandé")
    CONSENT_REFUSED = "consent:grant:refuse", _("Accord refusé")
    CONSENT_WITHDRAWN = "consent:grant:withdraw", _("Accord retiré")
    OBJECTED = "consent:objection:make", _("Opposition faite")
    OBJECTION_ENDED = "consent:objection:end", _("Opposition levée")
    OBJECTION_REFUSED = "consent:objection:refuse", _("Opposition refusée")
    REQUEST_MADE = "consent:request:make", _("Demande sur ses données reçue")
    REQUEST_READ = "consent:request:read", _("Demande consultée")
    REQUEST_MESSAGED = "consent:request:message", _("Message écrit sur une demande")
    REQUEST_NOTED = "consent:request:note", _("Note ou pièce jointe à une demande")
    REQUEST_PAUSED = "consent:request:pause", _("Justificatif demandé, délai suspendu")
    REQUEST_RESUMED = "consent:request:resume", _("Identité vérifiée pour une demande")
    REQUEST_EXTENDED = "consent:request:extend", _("Délai d’une demande prolongé")
    REQUEST_ANSWERED = "consent:request:answer", _("Demande répondue")
    REQUEST_REFUSED = "consent:request:refuse", _("Demande refusée")
    REQUEST_WITHDRAWN = "consent:request:withdraw", _("Demande reprise")
    REQUEST_REMINDED = "consent:request:remind", _("Échéance d’une demande rappelée")
    REQUEST_EMPTIED = "consent:request:empty", _("Textes et pièces d’une demande effacés")
    RESTRICTED = "consent:restriction:make", _("Données d’un membre gelées")
    RESTRICTION_ANNOUNCED = "consent:restriction:announce", _("Fin d’un gel annoncée")
    RESTRICTION_ENDED = "consent:restriction:end", _("Gel des données d’un membre levé")
    LETTER_CHANGED = "consent:letter:change", _("Modèle de lettre modifié")
    DISCLOSED = "consent:data:disclose", _("Données transmises à un outil")
    DISCLOSED_AGAIN = "consent:data:repeat", _("Données transmises plusieurs fois dans la journée")
    ERASURE_CONFIRMED = "consent:holding:end", _("Effacement confirmé par un outil")
    ERASURE_ASKED = "consent:erasure:ask", _("Effacement demandé")
    ERASURE_APPROVED = "consent:erasure:approve", _("Effacement accepté par une seconde personne")
    ERASURE_DROPPED = "consent:erasure:drop", _("Effacement abandonné")
    ERASURE_TOLD = "consent:erasure:tell", _("Effacement demandé à un outil")
    ERASURE_READ = "consent:erasure:read", _("Demande d’effacement lue par un outil")
    ERASURE_DECLINED = "consent:erasure:decline", _("Effacement refusé par un outil")
    ERASURE_CLOSED = "consent:erasure:close", _("Effacement clos")
    HOLDINGS_REBUILT = "consent:holding:rebuild", _("Données détenues par les outils recalculées")
    RELEASE_DESCRIBED = "consent:release:describe", _("Contenu d’une transmission décrit")
    OWN_DATA_DOWNLOADED = "consent:data:download", _("Relevé de ses données téléchargé")
    DIRECTIONS_LEFT = "consent:directions:leave", _("Directives laissées pour après un décès")
    DIRECTIONS_CHANGED = "consent:directions:change", _("Directives pour après un décès modifiées")
    DIRECTIONS_WITHDRAWN = "consent:directions:withdraw", _("Directives pour après un décès retirées")
    DIRECTIONS_READ = "consent:directions:read", _("Directives pour après un décès lues")
    SYNC_APPLIED = "directory:sync:apply", _("Annuaire synchronisé")
    SYNC_HELD = "directory:sync:hold", _("Synchronisation retenue")
    SYNC_FAILED = "directory:sync:fail", _("Synchronisation en échec")
    SYNC_ASKED = "directory:sync:ask", _("Synchronisation demandée")
    SYNC_APPROVED = "directory:sync:approve", _("Retraits retenus acceptés")
    SYNC_APPROVAL_TAKEN_BACK = "directory:sync:unapprove", _("Accord sur des retraits annulé")
    SYNC_APPROVAL_REFUSED = "directory:sync:refuse", _("Accord sur des retraits refusé")
    SOURCE_ADDED = "directory:source:add", _("Annuaire ajouté")
    SOURCE_CHANGED = "directory:source:change", _("Réglages d’un annuaire modifiés")
    SOURCE_TESTED = "directory:source:test", _("Connexion à un annuaire essayée")
    SOURCE_RETIRED = "directory:source:retire", _("Annuaire retiré")
    ISSUE_ACKNOWLEDGED = "directory:issue:acknowledge", _("Anomalie de l’annuaire vue")
    PAGE_CHANGED = "directory:page:change", _("Ce qu’un membre montre de soi modifié")
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
    MEMBERSHIP_GIVEN = "directory:membership:give", _("Membre ajouté à un collectif")
    MEMBERSHIP_TAKEN = "directory:membership:take", _("Membre retiré d’un collectif")
    COLLECTIVE_MARKED = "directory:collective:mark", _("Collectif sensible, ou non")
    ROLE_GRANTED = "directory:role:grant", _("Rôle attribué")
    ROLE_REVOKED = "directory:role:revoke", _("Rôle retiré")
    READING_OPENED = "audit:reading:open", _("Raison de consulter donnée")
    JOURNAL_READ = "audit:journal:read", _("Journal consulté")
    PERSON_REVEALED = "audit:person:reveal", _("Pseudonyme levé dans le journal")
    ACCESS_REFUSED = "audit:page:refuse", _("Accès à une page refusé")
    LOG_OPENED = "audit:log:open", _("Registre de preuve ouvert")
    LOG_SIGNED = "audit:log:sign", _("Signature d’un registre de preuve reprise")
    LOG_NOT_SIGNED = "audit:log:refuse", _("Registre de preuve non signé")
    LOG_CLOSED = "audit:log:close", _("Registre de preuve clos")
    LOG_GIVEN_UP = "audit:log:abandon", _("Registre de preuve abandonné")
    LOG_EXPORTED = "audit:log:export", _("Preuves exportées")
    CHECKPOINTS_MAILED = "audit:log:mail", _("Relevés du journal envoyés")
    CONTRADICTION_MAILED = "audit:log:alarm", _("Contradictions du journal annoncées par courrier")
    LOG_DESTRUCTION_PROPOSED = "audit:log:propose", _("Destruction d’un registre de preuve proposée")
    LOG_DESTRUCTION_APPROVED = "audit:log:approve", _("Destruction d’un registre de preuve acceptée")
    LOG_DESTRUCTION_WITHDRAWN = "audit:log:withdraw", _("Destruction d’un registre de preuve abandonnée")
    LOG_DESTROYED = "audit:log:destroy", _("Registre de preuve détruit")
    PERSON_ERASED = "audit:person:erase", _("Personne effacée du journal")
    RETENTION_RUN = "audit:retention:run", _("Durées de conservation appliquées")
    RETENTION_REFUSED = "audit:retention:refuse", _("Conservation arrêtée, l’horloge est douteuse")
    RETENTION_CONFIRMED = "audit:retention:confirm", _("Conservation reprise")
    RETENTION_CHANGED = "audit:retention:change", _("Durée de conservation modifiée")
    DATA_PURGED = "audit:data:purge", _("Données effacées à la fin de leur durée")
    HOLD_PUT = "audit:hold:put", _("Effacement suspendu")
    HOLD_LIFTED = "audit:hold:lift", _("Suspension d’effacement levée")
    MAILS_KEPT = "audit:mail:keep", _("Relevés gardés, dit la protection des données")
    WITNESS_ADDED = "audit:witness:add", _("Témoin ajouté")
    WITNESS_TRUSTED = "audit:witness:trust", _("Témoin déclaré hors de portée")
    WITNESS_ENDED = "audit:witness:end", _("Témoin retiré")
    WITNESS_REFUSED = "audit:witness:refuse", _("Signature de témoin refusée")
    STREAM_FAILED = "audit:stream:fail", _("Copie vers le SIEM interrompue")
    STREAM_RESUMED = "audit:stream:resume", _("Copie vers le SIEM reprise")
    WITNESS_CONTRADICTS = "audit:witness:contradict", _("Registre contredit par un témoin")
    JOURNAL_COMPARED = "audit:journal:compare", _("Journal rapproché des tables")
    GAP_SETTLED = "audit:gap:settle", _("Écart du journal réglé")


# A purpose is stated anew after this long: by then it is another look.
READING_LASTS = timedelta(minutes=30)


class Trouble(TextChoices):
    """Why a log is not signed; each needs a person."""

    SHORTER = "log_shorter", _("la base en contient moins que ce qui a été signé")
    ANOTHER_STORY = "log_another_story", _("la base ne contient plus ce qui a été signé")
    KEY_MISSING = "log_key_missing", _("la clé de signature manque ou n’est pas lisible")
    KEY_CHANGED = "log_key_changed", _("la clé de signature n’est pas celle de ce registre")
    HEAD_MISSING = "log_head_missing", _("le dernier relevé signé manque")
    HEAD_UNREADABLE = "log_head_unreadable", _("le dernier relevé signé n’est pas lisible")
    UNKNOWN = "log_unknown_trouble", _("la signature échoue, le journal technique dit pourquoi")
    FILES = "log_files", _("le dossier des clés ne se lit ou ne s’écrit pas")


class RemovalKind(TextChoices):
    """Why parts of the journal go."""

    ERASURE = "erasure", _("effacement d’une personne")
    RETENTION = "retention", _("fin des durées de conservation")
    DATA = "data", _("fin des durées, données tenues par Trousseau")


class RemovalState(TextChoices):
    """How far an erasure or a run of the rules is."""

    GOING = "going", _("en cours")
    HELD = "held", _("suspendu")
    # Nothing is left; keys that other processes may still remember are waited for.
    SWEEPING = "sweeping", _("presque fini")
    REFUSED = "refused", _("arrêté : l’horloge est douteuse")
    OVER = "over", _("fait")
    # It was refused, and the clock came right by itself.
    DROPPED = "dropped", _("sans suite")


class By(TextChoices):
    """Whose doing an event was; stays when nobody can tell any more which member it was."""

    HUB = "hub", _("Trousseau")
    SELF = "self", _("la personne concernée")
    MEMBER = "member", _("quelqu’un d’autre")
    TOOL = "tool", _("un outil")


class Purpose(TextChoices):
    """Why people are looked at: closed, so that it can be counted, and said to whoever was looked up."""

    MEMBER_REQUEST = "member_request", _("Demande d’un membre")
    ACCESS_REPAIR = "access_repair", _("Accès à rétablir")
    ARRIVAL_OR_DEPARTURE = "arrival_or_departure", _("Arrivée ou départ")
    DIRECTORY_CHECK = "directory_check", _("Vérification de l’annuaire")
    SECURITY_INCIDENT = "security_incident", _("Incident de sécurité")
    INTERNAL_CONTROL = "internal_control", _("Contrôle interne")
    AUTHORITY_REQUEST = "authority_request", _("Demande d’une autorité")
    TECHNICAL_CHECK = "technical_check", _("Vérification technique")


TO_READ_THE_JOURNAL = (
    Purpose.MEMBER_REQUEST,
    Purpose.SECURITY_INCIDENT,
    Purpose.INTERNAL_CONTROL,
    Purpose.AUTHORITY_REQUEST,
    Purpose.TECHNICAL_CHECK,
)


class Ground(TextChoices):
    """Why somebody's name was needed."""

    SEARCHED = "searched", _("La personne a été cherchée par son nom")
    ANSWER = "answer", _("Répondre à la personne")
    WARN = "warn", _("Prévenir la personne")
    INVESTIGATE = "investigate", _("Comprendre un incident")
    HAND_OVER = "hand_over", _("Fournir une preuve à une autorité")


class AppendOnlyError(RuntimeError):
    """Somebody tried to change or remove a line that is only ever added."""


class KeepingError(Exception):
    """What was asked of retention, erasure or a hold is not possible; the code says why."""


class LogError(Exception):
    """What was asked of a log makes no sense; the code says why."""


class WitnessError(Exception):
    """What came from a witness, or was said to be one, is not taken; the code says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: a member, a tool, or the hub itself (neither).  ``session`` is the one they did it in."""

    member: UUID | None = None
    tool: int | None = None
    session: UUID | None = None


SYSTEM = Actor()


@dataclass(frozen=True, slots=True)
class Entry:
    """One line to be written.  ``facts`` holds identifiers, counts and names of items; of people never values, of
    settings from what to what (``audit.differences``), secrets apart.

    ``session`` is the subject's; where there is none, that of whoever did it.
    """

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
class Reading:
    """One stated purpose, for a while: of reading the journal, or of looking at members' records.

    In the journal pseudonyms hold for its reader, purpose and case, names for it alone.  ``case`` is the number of a
    file kept elsewhere, and never words.
    """

    id: UUID
    reader: UUID
    purpose: Purpose
    case: str
    since: datetime
    lasts: timedelta = READING_LASTS

    @property
    def until(self) -> datetime:
        return self.since + self.lasts

    @property
    def why(self) -> dict[str, object]:
        """What every line about a look says of it."""
        case = {"case": self.case} if self.case else {}
        return {"purpose": self.purpose.value, **case, "reading": str(self.id)}


@dataclass(frozen=True, slots=True)
class EventFilter:
    """What the reader of the journal asked for; empty means everything.

    ``member`` did it or is concerned; ``words`` are looked for in the sentences, and ``mentioned`` are those whose
    pseudonyms are among them.  ``since`` and ``until`` are whole days, both included, in the hub's time zone, and
    ``hour`` is one of theirs.
    """

    member: UUID | None = None
    words: str = ""
    mentioned: tuple[UUID, ...] = ()
    tool: str = ""
    family: str = ""
    action: str = ""
    by: str = ""
    result: str = ""
    reason: str = ""
    since: date | None = None
    until: date | None = None
    hour: int | None = None

    @property
    def used(self) -> tuple[str, ...]:
        """The names of the criteria in use: a line of the journal may hold these, never what was typed."""
        criteria = [each.name for each in fields(self) if each.name != "mentioned"]
        return tuple(name for name in criteria if getattr(self, name) not in (None, ""))

    @property
    def people(self) -> tuple[UUID, ...]:
        """Whom it looks for, each once."""
        return tuple(dict.fromkeys([self.member, *self.mentioned] if self.member else self.mentioned))


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the journal: lines older than ``before``, or newer than ``after``."""

    before: int | None = None
    after: int | None = None
