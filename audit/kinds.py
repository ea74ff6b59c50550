"""What every kind of event comes with: in which log it stands, how long it is kept, whether the network is noted."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from audit.types import Action


class Family(TextChoices):
    """The two series of logs: what has to be proved for years, and what is forgotten by the half-year."""

    LEDGER = "ledger", _("Accords, comptes et réglages")
    ACCESS = "access", _("Connexions, transmissions et consultations")


class Retention(TextChoices):
    """The classes of the rule that says for how long the parts of an event are kept; the entry names its own."""

    SIGN_IN = "sign-in", _("Connexions et courriers")
    RELEASE = "release", _("Ouvertures d’outils et transmissions")
    LOOK_UP = "look-up", _("Consultations")
    CONSENT = "consent", _("Informations et accords")
    ACCOUNT = "account", _("Comptes et rôles")
    DIRECTORY = "directory", _("Annuaire")
    ADMINISTRATION = "administration", _("Outils, clés et réglages")


FAMILIES = {
    Retention.SIGN_IN: Family.ACCESS,
    Retention.RELEASE: Family.ACCESS,
    Retention.LOOK_UP: Family.ACCESS,
    Retention.CONSENT: Family.LEDGER,
    Retention.ACCOUNT: Family.LEDGER,
    Retention.DIRECTORY: Family.LEDGER,
    Retention.ADMINISTRATION: Family.LEDGER,
}

ACTIONS: dict[Retention, tuple[Action, ...]] = {
    Retention.SIGN_IN: (
        Action.SIGN_IN,
        Action.SIGN_IN_REFUSED,
        Action.REAUTHENTICATED,
        Action.SIGN_OUT,
        Action.TOOL_SESSION_ENDED,
        Action.LINK_OPENED,
        Action.LINK_REFUSED,
        Action.RESET_ASKED,
        Action.RESET_REFUSED,
        Action.BROWSER_ADDED,
        Action.BROWSER_TRUSTED,
        Action.BROWSER_FORGOTTEN,
        Action.LOGOUT_REFUSED,
        Action.LOGOUT_DELIVERED,
        Action.LOGOUT_FAILED,
        Action.LOGOUT_RETRIED,
        Action.MAIL_SENT,
        Action.MAIL_FAILED,
        Action.FAVOURITE_CHANGED,
        Action.WITNESS_REFUSED,
    ),
    Retention.RELEASE: (
        Action.AUTHORIZATION_REFUSED,
        Action.CODE_ISSUED,
        Action.CODE_REPLAYED,
        Action.TOKEN_ISSUED,
        Action.TOKEN_REFRESHED,
        Action.TOKEN_REFUSED,
        Action.TOKEN_REVOKED,
        Action.DEVICE_STARTED,
        Action.DEVICE_OPENED,
        Action.DEVICE_APPROVED,
        Action.DEVICE_DENIED,
        Action.DEVICE_REFUSED,
        Action.DISCLOSED,
        Action.DISCLOSED_AGAIN,
    ),
    Retention.LOOK_UP: (
        Action.MEMBER_CONSULTED,
        Action.MEMBERS_SEARCHED,
        Action.COLLECTIVE_CONSULTED,
        Action.READING_OPENED,
        Action.JOURNAL_READ,
        Action.PERSON_REVEALED,
        Action.ACCESS_REFUSED,
        Action.OWN_DATA_DOWNLOADED,
    ),
    Retention.CONSENT: (
        Action.SHEET_DECLARED,
        Action.RELEASE_DESCRIBED,
        Action.ERASURE_CONFIRMED,
        Action.HOLDINGS_REBUILT,
        Action.NOTICE_SEEN,
        Action.HUB_NOTICE_SEEN,
        Action.CONSENT_GIVEN,
        Action.CONSENT_REFUSED,
        Action.CONSENT_WITHDRAWN,
        Action.OBJECTED,
        Action.OBJECTION_ENDED,
    ),
    Retention.ACCOUNT: (
        Action.FACTOR_ADDED,
        Action.FACTOR_REMOVED,
        Action.FACTOR_RENAMED,
        Action.FACTOR_DOUBTED,
        Action.FACTORS_RESET,
        Action.FACTOR_REQUIRED,
        Action.PASSWORD_CHANGED,
        Action.PASSWORD_REFUSED,
        Action.INVITED,
        Action.INVITATION_ENDED,
        Action.FIRST_ACCOUNT_MADE,
        Action.ACCOUNT_UNLOCKED,
        Action.ALARM_RAISED,
        Action.ALARM_SETTLED,
        Action.RECOVERY_ASKED,
        Action.RECOVERY_APPROVED,
        Action.RECOVERY_REFUSED,
        Action.RECOVERY_CANCELLED,
        Action.ACT_REFUSED,
        Action.MEMBER_SUSPENDED,
        Action.MEMBER_RESUMED,
        Action.MEMBER_ERASED,
        Action.LOCAL_ACCOUNT_CREATED,
        Action.DEPARTURE_PLANNED,
        Action.DEPARTURE_CANCELLED,
        Action.DEPARTURE_ANNOUNCED,
        Action.STATUS_CHANGED,
        Action.ROLE_GRANTED,
        Action.ROLE_REVOKED,
    ),
    Retention.DIRECTORY: (
        Action.SYNC_APPLIED,
        Action.SYNC_HELD,
        Action.SYNC_FAILED,
        Action.SYNC_ASKED,
        Action.SYNC_APPROVED,
        Action.SYNC_APPROVAL_REFUSED,
        Action.ISSUE_ACKNOWLEDGED,
        Action.PROFILE_CHANGED,
        Action.PROFILE_REFUSED,
        Action.MEMBER_JOINED,
        Action.MEMBER_CHANGED,
        Action.MEMBER_LEFT,
        Action.ABSENCE_ENDED,
        Action.MEMBER_RETURNED,
        Action.COLLECTIVE_CHANGED,
    ),
    Retention.ADMINISTRATION: (
        Action.TOOL_CREATED,
        Action.TOOL_CHANGED,
        Action.TOOL_CLOSED,
        Action.TOOL_REFUSED,
        Action.TOOLS_PAIRED,
        Action.TOOLS_PARTED,
        Action.SECRET_ROTATED,
        Action.REGISTRATION_ALLOWED,
        Action.REGISTRATION_REFUSED,
        Action.KEY_ROTATED,
        Action.KEY_ACTIVATED,
        Action.KEY_RETIRED,
        Action.KEY_GONE,
        Action.KEY_RESEALED,
        Action.SOURCE_ADDED,
        Action.SOURCE_CHANGED,
        Action.SOURCE_TESTED,
        Action.SOURCE_RETIRED,
        Action.FACTOR_POLICY_CHANGED,
        Action.COLLECTIVE_MARKED,
        Action.LOG_OPENED,
        Action.LOG_SIGNED,
        Action.LOG_NOT_SIGNED,
        Action.LOG_CLOSED,
        Action.LOG_GIVEN_UP,
        Action.LOG_EXPORTED,
        Action.CHECKPOINTS_MAILED,
        Action.CONTRADICTION_MAILED,
        Action.LOG_DESTRUCTION_PROPOSED,
        Action.LOG_DESTRUCTION_APPROVED,
        Action.LOG_DESTRUCTION_WITHDRAWN,
        Action.LOG_DESTROYED,
        Action.PERSON_ERASED,
        Action.RETENTION_RUN,
        Action.RETENTION_REFUSED,
        Action.RETENTION_CONFIRMED,
        Action.RETENTION_CHANGED,
        Action.HOLD_PUT,
        Action.HOLD_LIFTED,
        Action.MAILS_KEPT,
        Action.REGISTER_CHANGED,
        Action.REGISTER_CLOSED,
        Action.REGISTER_EXPORTED,
        Action.REGISTER_IMPORTED,
        Action.WITNESS_ADDED,
        Action.WITNESS_TRUSTED,
        Action.WITNESS_ENDED,
        Action.WITNESS_CONTRADICTS,
        Action.STREAM_FAILED,
        Action.STREAM_RESUMED,
        Action.JOURNAL_COMPARED,
        Action.GAP_SETTLED,
    ),
}
RETENTION: dict[str, Retention] = {action.value: each for each, actions in ACTIONS.items() for action in actions}

# Where somebody was, cut short, helps against intruders here; anywhere else it would be kept for nothing.
NETWORK_NOTED = frozenset(
    {
        Action.SIGN_IN,
        Action.SIGN_IN_REFUSED,
        Action.REAUTHENTICATED,
        Action.RESET_ASKED,
        Action.LINK_OPENED,
        Action.BROWSER_ADDED,
        Action.FACTOR_ADDED,
        Action.FACTOR_REMOVED,
        Action.FACTORS_RESET,
        Action.PASSWORD_CHANGED,
        Action.PASSWORD_REFUSED,
        Action.RECOVERY_ASKED,
        Action.RECOVERY_APPROVED,
        Action.ROLE_GRANTED,
        Action.ALARM_RAISED,
    }
)
