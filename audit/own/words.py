"""One's own lines in sentences: « vous », and nobody's name.

Who looked at a file is told by what they do in the cooperative: their name is theirs (GDPR art. 15(4), CJEU C-579/21).
"""

from dataclasses import dataclass
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from audit import words
from audit.models import Event
from audit.types import Action, By

Text = str | Promise

OFFICE: Text = _("Quelqu’un de la structure")
A_MEMBER: Text = _("Un membre")
OFFICER: Text = _("La personne déléguée à la protection des données")
LEAD: Text = _("Une personne responsable du collectif")
SOMEBODY: Text = _("Une personne habilitée de la coopérative")
# Whose right it takes; what several roles may do is done by somebody who may.
ROLES: dict[str, Text] = {
    Action.JOURNAL_READ: OFFICER,
    Action.PERSON_REVEALED: OFFICER,
    Action.INCIDENT_LISTED: OFFICER,
    Action.EVIDENCE_NAMED: OFFICER,
    Action.CARD_OPENED: A_MEMBER,
    Action.MEMBER_WRITTEN_TO: A_MEMBER,
    Action.MEMBERSHIP_GIVEN: LEAD,
    Action.MEMBERSHIP_TAKEN: LEAD,
    Action.MEMBER_CONSULTED: OFFICE,
    Action.ACCOUNT_UNLOCKED: OFFICE,
    Action.FACTORS_RESET: OFFICE,
    Action.INVITED: OFFICE,
    Action.ALARM_SETTLED: OFFICE,
    Action.RECOVERY_ASKED: OFFICE,
    Action.RECOVERY_APPROVED: OFFICE,
    Action.RECOVERY_REFUSED: OFFICE,
    Action.MEMBER_SUSPENDED: OFFICE,
    Action.MEMBER_RESUMED: OFFICE,
    Action.DEPARTURE_PLANNED: OFFICE,
    Action.DEPARTURE_CANCELLED: OFFICE,
}

# Words of the protocol, and what is said better by whoever knows what it was for.
# ``processing`` is told with its reasons by whoever owns it.
TECHNICAL = frozenset(
    {"attempts", "binding", "channel", "endpoint", "processing", "refresh", "repeated", "resources", "scopes"}
)

# What somebody did, said to them.
DONE: dict[str, Text] = {
    Action.SIGN_IN: _("Vous vous connectez."),
    Action.SIGN_OUT: _("Vous vous déconnectez."),
    Action.REAUTHENTICATED: _("Vous confirmez votre identité."),
    Action.TOOL_SESSION_ENDED: _("Vous fermez {tool}."),
    Action.FACTOR_ADDED: _("Vous ajoutez une double vérification."),
    Action.FACTOR_REMOVED: _("Vous retirez une double vérification."),
    Action.FACTOR_RENAMED: _("Vous renommez un moyen de connexion."),
    Action.PASSWORD_CHANGED: _("Vous changez de mot de passe."),
    Action.LINK_OPENED: _("Vous ouvrez un lien reçu."),
    Action.BROWSER_ADDED: _("Vous vous connectez depuis un nouveau navigateur."),
    Action.BROWSER_TRUSTED: _("Vous faites confiance à un navigateur."),
    Action.BROWSER_FORGOTTEN: _("Vous oubliez un navigateur."),
    Action.ALARM_RAISED: _("Vous signalez : ce n’était pas moi."),
    Action.AUTHORIZATION_REFUSED: _("Vous ne pouvez pas ouvrir {tool}."),
    Action.CODE_ISSUED: _("Vous ouvrez {tool}."),
    Action.ADMISSION_ASKED: _("Vous demandez l’accès à {tool}."),
    Action.ADMISSION_GRANTED: _("Vous répondez à une demande d’accès : {tool}."),
    Action.ADMISSION_REFUSED: _("Vous répondez à une demande d’accès : {tool}."),
    Action.ADMISSION_ENDED: _("Vous mettez fin à un accès : {tool}."),
    Action.DEVICE_OPENED: _("Vous saisissez le code d’un appareil : {tool}."),
    Action.DEVICE_APPROVED: _("Vous reliez un appareil à {tool}."),
    Action.DEVICE_DENIED: _("Vous ne reliez pas l’appareil : {tool}."),
    Action.PAGE_ARRANGED: _("Vous rangez vos outils."),
    Action.FAVOURITE_CHANGED: _("Vous changez vos favoris : {tool}."),
    Action.COLLECTIVE_DESCRIBED: _("Vous modifiez la page d’un collectif."),
    Action.MEMBERSHIP_GIVEN: _("Vous ajoutez une autre personne à un collectif."),
    Action.MEMBERSHIP_TAKEN: _("Vous retirez une autre personne d’un collectif."),
    Action.COLLECTIVE_FOLLOWED: _("Vous changez les collectifs que vous suivez."),
    Action.NOTICE_SEEN: _("Vous lisez l’information sur {tool}."),
    Action.HUB_NOTICE_SEEN: _("Vous lisez ce que Trousseau garde."),
    Action.CONSENT_GIVEN: _("Vous donnez votre accord à {tool}."),
    Action.CONSENT_ASKED: _("{tool} vous demande votre accord."),
    Action.CONSENT_REFUSED: _("Vous refusez votre accord à {tool}."),
    Action.CONSENT_WITHDRAWN: _("Vous retirez votre accord à {tool}."),
    Action.OBJECTED: _("Vous vous opposez à ce que {tool} reçoive des données."),
    Action.OBJECTION_ENDED: _("Vous ne vous opposez plus à ce que {tool} reçoive des données."),
    Action.REQUEST_MADE: _("Vous faites une demande sur vos données."),
    Action.REQUEST_MESSAGED: _("Vous écrivez un message sur une demande."),
    Action.REQUEST_WITHDRAWN: _("Vous reprenez une demande."),
    Action.RESTRICTION_ENDED: _("Vous levez le gel de vos données."),
    Action.REQUEST_READ: _("Vous ouvrez la demande d’une autre personne."),
    Action.DIRECTIONS_LEFT: _("Vous laissez des directives pour après votre décès."),
    Action.DIRECTIONS_CHANGED: _("Vous modifiez vos directives pour après votre décès."),
    Action.DIRECTIONS_WITHDRAWN: _("Vous retirez vos directives pour après votre décès."),
    Action.DIRECTIONS_READ: _("Vous ouvrez les directives d’une autre personne."),
    Action.OWN_DATA_DOWNLOADED: _("Vous emportez vos données."),
    Action.PAGE_CHANGED: _("Vous choisissez ce que les autres membres voient de vous."),
    Action.PROFILE_CHANGED: _("Vous modifiez vos coordonnées."),
    Action.PROFILE_REFUSED: _("Votre modification de coordonnées est refusée."),
    Action.ACCESS_REFUSED: _("Une page vous est refusée."),
    Action.BRIEF_CHANGED: _("Vous écrivez ou modifiez une brève."),
    Action.BRIEF_REMOVED: _("Vous retirez une brève."),
    Action.BRIEF_RESTORED: _("Vous remettez une brève."),
    Action.DIGEST_CHOSEN: _("Vous choisissez quand recevoir les brèves par courrier."),
    Action.LETTER_WRITTEN: _("Vous écrivez ou modifiez une lettre aux membres d’un collectif."),
    Action.LETTER_SENT: _("Vous envoyez une lettre aux membres d’un collectif."),
    Action.LETTERS_HEARD: _("Vous acceptez de nouveau les lettres d’un collectif."),
    Action.FEED_MADE: _("Vous créez une adresse de flux pour des brèves."),
    Action.FEED_ENDED: _("Vous supprimez une adresse de flux."),
    Action.PEOPLE_SEARCHED: _("Vous consultez le trombinoscope."),
    Action.CARD_OPENED: _("Vous ouvrez la fiche d’un autre membre dans le trombinoscope."),
    Action.MEMBER_WRITTEN_TO: _("Vous écrivez à un autre membre par le trombinoscope."),
    Action.MEMBERS_SEARCHED: _("Vous cherchez parmi les membres."),
    Action.MEMBER_CONSULTED: _("Vous ouvrez la fiche d’une autre personne."),
    Action.COLLECTIVE_CONSULTED: _("Vous ouvrez la liste des membres d’un collectif sensible."),
    Action.JOURNAL_READ: _("Vous consultez le journal."),
    Action.PERSON_REVEALED: _("Vous levez le pseudonyme d’une autre personne dans le journal."),
    Action.INCIDENT_LISTED: _(
        "Vous prenez le nom et l’adresse d’une autre personne pour lui écrire après une violation."
    ),
    Action.EVIDENCE_NAMED: _("Vous nommez une autre personne dans un dossier de contrôle."),
    Action.LOG_EXPORTED: _("Vous exportez les preuves."),
}
# What happened to somebody, said to them; {who} did it, where it was a person.
HAPPENED: dict[str, Text] = {
    Action.SIGN_IN_REFUSED: _("Une connexion à votre compte est refusée."),
    Action.SIGN_OUT: _("Votre session prend fin."),
    Action.TOOL_SESSION_ENDED: _("Votre session dans {tool} est fermée."),
    Action.FACTOR_DOUBTED: _("Votre clé d’accès a peut-être un double."),
    Action.FACTORS_RESET: _("Votre double vérification repart de zéro."),
    Action.FACTOR_REQUIRED: _("La double vérification vous devient nécessaire."),
    Action.PASSWORD_CHANGED: _("Votre mot de passe est changé."),
    Action.PASSWORD_REFUSED: _("Un nouveau mot de passe est refusé."),
    Action.RESET_ASKED: _("Un nouveau mot de passe est demandé pour votre compte."),
    Action.INVITED: _("{who} vous invite."),
    Action.ACCOUNT_UNLOCKED: _("{who} débloque votre compte."),
    Action.ALARM_SETTLED: _("{who} a traité votre alerte."),
    Action.RECOVERY_ASKED: _("{who} demande la récupération de votre compte."),
    Action.RECOVERY_APPROVED: _("{who} accepte la récupération de votre compte."),
    Action.RECOVERY_REFUSED: _("{who} refuse la récupération de votre compte."),
    Action.RECOVERY_CANCELLED: _("La récupération de votre compte s’arrête."),
    Action.MAIL_SENT: _("Un courrier part pour vous."),
    Action.MAIL_FAILED: _("Un courrier pour vous n’est pas parti."),
    Action.MEMBERSHIP_GIVEN: _("{who} vous ajoute à un collectif."),
    Action.MEMBERSHIP_TAKEN: _("{who} vous retire d’un collectif."),
    Action.MEMBER_CONSULTED: _("{who} ouvre votre fiche."),
    Action.CARD_OPENED: _("{who} ouvre votre fiche du trombinoscope."),
    Action.MEMBER_WRITTEN_TO: _("{who} vous écrit par le trombinoscope."),
    Action.LETTERS_MUTED: _("Les lettres d’un collectif ne vous sont plus envoyées."),
    Action.DIGEST_CHOSEN: _("Les brèves ne vous sont plus envoyées par courrier."),
    Action.JOURNAL_READ: _("{who} cherche vos lignes dans le journal."),
    Action.PERSON_REVEALED: _("{who} lit votre nom dans le journal."),
    Action.EVIDENCE_NAMED: _("{who} vous nomme dans un dossier de contrôle, pour une autorité ou un contrôle interne."),
    Action.INCIDENT_LISTED: _("{who} prend votre nom et votre adresse pour vous écrire : {tool} a été touché."),
    Action.ADMISSION_GRANTED: _("{who} vous accorde l’accès à {tool}."),
    Action.ADMISSION_REFUSED: _("{who} vous refuse l’accès à {tool}."),
    Action.ADMISSION_ENDED: _("Votre accès à {tool} prend fin."),
    Action.CODE_REPLAYED: _("{tool} présente un accès déjà utilisé : tous ses accès à votre compte sont retirés."),
    Action.TOKEN_ISSUED: _("{tool} reçoit un accès en votre nom."),
    Action.TOKEN_REFRESHED: _("{tool} prolonge son accès en votre nom."),
    Action.TOKEN_REVOKED: _("{tool} perd son accès en votre nom."),
    Action.LOGOUT_DELIVERED: _("{tool} reçoit l’avis de votre déconnexion."),
    Action.LOGOUT_FAILED: _("{tool} n’a pas reçu l’avis de votre déconnexion."),
    Action.OBJECTION_REFUSED: _("{who} refuse votre opposition : {tool} reçoit à nouveau ces données."),
    Action.DISCLOSED: _("{tool} reçoit des données sur vous."),
    Action.DISCLOSED_AGAIN: _("{tool} a reçu plusieurs fois ces données sur vous dans la journée."),
    Action.REQUEST_MADE: _("{who} enregistre une demande en votre nom."),
    Action.REQUEST_READ: _("{who} ouvre votre demande."),
    Action.DIRECTIONS_READ: _("{who} ouvre vos directives pour après votre décès."),
    Action.REQUEST_MESSAGED: _("{who} vous écrit au sujet d’une demande."),
    Action.REQUEST_NOTED: _("{who} joint une note ou une pièce à votre demande."),
    Action.REQUEST_PAUSED: _("{who} vous demande un justificatif, le délai s’arrête."),
    Action.REQUEST_RESUMED: _("{who} a vérifié votre identité pour une demande."),
    Action.REQUEST_EXTENDED: _("{who} prolonge de deux mois le délai de votre demande."),
    Action.REQUEST_ANSWERED: _("{who} répond à votre demande."),
    Action.REQUEST_REFUSED: _("{who} refuse votre demande."),
    Action.REQUEST_EMPTIED: _("Les textes et pièces d’une ancienne demande sont effacés."),
    Action.RESTRICTED: _("{who} gèle vos données."),
    Action.RESTRICTION_ANNOUNCED: _("{who} vous annonce la fin du gel de vos données."),
    Action.RESTRICTION_ENDED: _("{who} lève le gel de vos données."),
    Action.REQUEST_REMINDED: _("L’échéance de votre demande est rappelée à qui doit répondre."),
    Action.CONSENT_WITHDRAWN: _("Votre accord à {tool} prend fin."),
    Action.ERASURE_CONFIRMED: _("{tool} a effacé ce qui y était détenu sur vous."),
    Action.ERASURE_ASKED: _("Un effacement de vos données est demandé."),
    Action.ERASURE_APPROVED: _("Un effacement de vos données est accepté."),
    Action.ERASURE_DROPPED: _("Un effacement de vos données est abandonné."),
    Action.ERASURE_TOLD: _("{tool} est prié d’effacer ce qui y est détenu sur vous."),
    Action.ERASURE_READ: _("Le contact de {tool} lit la demande d’effacer ce qui vous concerne."),
    Action.ERASURE_DECLINED: _("{tool} n’efface pas ce qui y est détenu sur vous."),
    Action.ERASURE_CLOSED: _("Un effacement de vos données est clos."),
    Action.MEMBER_JOINED: _("Vous arrivez de l’annuaire."),
    Action.MEMBER_CHANGED: _("L’annuaire met votre fiche à jour."),
    Action.MEMBER_LEFT: _("Votre compte est fermé."),
    Action.ABSENCE_ENDED: _("Votre absence de l’annuaire compte maintenant comme un départ."),
    Action.MEMBER_RETURNED: _("Votre compte est rouvert."),
    Action.MEMBER_SUSPENDED: _("{who} suspend votre compte."),
    Action.MEMBER_RESUMED: _("{who} lève la suspension de votre compte."),
    Action.LOCAL_ACCOUNT_CREATED: _("Un compte de secours est créé pour vous."),
    Action.DEPARTURE_PLANNED: _("{who} date votre départ."),
    Action.DEPARTURE_CANCELLED: _("{who} annule votre départ."),
    Action.DEPARTURE_ANNOUNCED: _("Votre départ est annoncé."),
    Action.STATUS_CHANGED: _("Votre statut change."),
    Action.ROLE_GRANTED: _("{who} vous attribue un rôle."),
    Action.ROLE_REVOKED: _("{who} vous retire un rôle."),
}


@dataclass(frozen=True, slots=True)
class Told:
    """A line as it is told: ``code`` is what to quote when something is wrong with it."""

    event: Event
    code: str
    sentence: str
    by: str
    facts: tuple[tuple[str, str], ...]
    reason: str


def tell(event: Event, person: UUID, *, also: tuple[tuple[str, str], ...] = ()) -> Told:
    """No statement, where its keys and tools were read with it; ``also``: what only apps above know of it."""
    own = _is_own(event, person)
    patterns = DONE if own else HAPPENED if event.subject_id == person else {}
    pattern = patterns.get(event.action) or gettext("{what}.")
    tool = words.tool_name(event.tool, event.tool_id)
    who = _who(event, own=own)
    sentence = str(pattern).format(what=event.get_action_display(), tool=tool, who=who)
    place = event.place if is_place_theirs(event, person) else {}
    named = [(words.place_label(name), words.name(name, said)) for name, said in place.items()]
    facts = (*words.facts(event, but=TECHNICAL), *also, *named)
    reason = words.reason(event) if event.reason else ""
    return Told(event, code_of(event), sentence, who, facts, reason)


def code_of(event: Event) -> str:
    """The beginning of the reference: enough to find one line among one person's."""
    return str(event.reference)[:8]


def is_place_theirs(event: Event, person: UUID) -> bool:
    """From where somebody else acted on their account is not theirs to know."""
    return _is_own(event, person) or (event.actor_id is None and event.subject_id == person)


def _is_own(event: Event, person: UUID) -> bool:
    return event.by in (By.SELF, By.MEMBER) and event.actor_id == person


def _who(event: Event, *, own: bool) -> str:
    if own:
        return gettext("Vous")
    if event.by == By.TOOL:
        return words.tool_name(event.actor_tool, event.actor_tool_id)
    if event.by == By.MEMBER:
        return str(ROLES.get(event.action, SOMEBODY))
    return gettext("Trousseau")
