"""Values of the directory that other apps may use."""

from dataclasses import dataclass

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class MemberState(TextChoices):
    ACTIVE = "active", _("actif")
    LEFT = "left", _("parti")
    LOCKED = "locked", _("verrouillé")
    MISSING = "missing", _("absent de l’annuaire")


class Hold(TextChoices):
    """What the cooperative itself decided about an account, whatever the directory says of the entry."""

    NONE = "", _("aucune")
    SUSPENDED = "suspended", _("suspendu")
    LEFT = "left", _("parti")


class SuspensionReason(TextChoices):
    """Why the office suspends an account; the member reads it."""

    SECURITY = "security", _("par sécurité")
    ASKED = "asked", _("à la demande du membre")
    ABSENCE = "absence", _("longue absence")
    OTHER = "other", _("autre raison")


class Status(TextChoices):
    """Where somebody stands in the cooperative; the directory’s words are mapped to these."""

    UNKNOWN = "", _("non précisé")
    CANDIDATE = "candidate", _("candidat·e")
    CAPE = "cape", _("en CAPE")
    EMPLOYEE = "employee", _("entrepreneur·e salarié·e")
    ASSOCIATE = "associate", _("associé·e")
    STAFF = "staff", _("équipe permanente")
    LEAVER = "leaver", _("ancien membre")


class MailState(TextChoices):
    OK = "ok", _("utilisable")
    NONE = "none", _("aucune")
    INVALID = "invalid", _("invalide")
    SHARED = "shared", _("partagée")


class Kind(TextChoices):
    """Kinds of collective; the directory's words are mapped to these."""

    POLE = "pole", _("pôle")
    SELF_RUN = "self_run", _("collectif auto-géré")
    TERRITORY = "territory", _("collectif territorial")
    TEAM = "team", _("équipe")
    BOARD = "board", _("instance")
    STATUS = "status", _("statut")
    OTHER = "other", _("autre")


class Audience(TextChoices):
    """To whom somebody opens one thing about themselves."""

    NOBODY = "", _("Personne")
    COLLECTIVES = "collectives", _("Mes collectifs")
    EVERYBODY = "everybody", _("Tous les membres")


class Shown(TextChoices):
    """What somebody may show of themselves, beside their name and their collectives; in the order of a card."""

    PHOTO = "photo", _("Photo")
    TRADE = "trade", _("Métier")
    BUSINESS = "business", _("Nom d’activité")
    SKILLS = "skills", _("Savoir-faire")
    PRESENTATION = "presentation", _("Présentation")
    LINKS = "links", _("Liens")
    PLACE = "place", _("Lieu")
    CONTACT = "contact", _("M’écrire par Trousseau")
    EMAIL = "email", _("Adresse e-mail")
    MOBILE = "mobile", _("Téléphone mobile")
    PHONE = "phone", _("Téléphone fixe")


class Role(TextChoices):
    """What a person may do in the hub itself, beside being a member."""

    OFFICE = "office", _("structure")
    DPO = "dpo", _("délégué·e à la protection des données")
    TECHNICIAN = "technician", _("technicien·ne")


class ServerKind(TextChoices):
    """Kinds of directory server; ``directory.ldap.servers`` knows how they differ."""

    OPENLDAP = "openldap", _("OpenLDAP")
    DS389 = "ds389", _("389 Directory Server")
    ACTIVE_DIRECTORY = "active_directory", _("Active Directory")


class SourceState(TextChoices):
    """Nothing is read of a draft by itself; what a retired one had may become another source’s."""

    DRAFT = "draft", _("en préparation")
    ACTIVE = "active", _("suivi")
    PAUSED = "paused", _("en pause")
    RETIRED = "retired", _("retiré")


class Mode(TextChoices):
    """How much a pass reads: what changed, or everything."""

    PIVOT = "pivot", _("différences")
    DEEP = "deep", _("lecture complète")


class RunStatus(TextChoices):
    RUNNING = "running", _("en cours")
    OK = "ok", _("réussie")
    PROBLEMS = "problems", _("réussie, avec des anomalies")
    HELD = "held", _("retenue")
    FAILED = "failed", _("en échec")
    INTERRUPTED = "interrupted", _("interrompue")


class DirectoryUnavailable(Exception):
    """The directory does not answer (or not in time); says nothing about anybody's password."""


class PartlyUnavailable(DirectoryUnavailable):
    """One of several directories does not answer, and no other says yes.

    ``looked``: another one saw the password, and said no.  Whoever typed it is told the same in either case.
    """

    def __init__(self, *, looked: bool) -> None:
        super().__init__("one of the directories does not answer")
        self.looked = looked


class DirectoryRefused(Exception):
    """The directory answers, but refuses or limits what the hub asks (reader's password, size limit, …)."""


class ChangeUncertain(DirectoryUnavailable):
    """The directory fell silent with an order in hand: whether it was carried out is not known."""


class CannotChange(Exception):
    """A change of an account, a departure or a role that the rules refuse; ``reason`` has its words in ``words.py``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Waiting:
    """So many changes at once that a person should look first; ``digest`` names exactly these, for their approval."""

    count: int
    digest: str
