"""What stands in somebody's way, in words: to the office, and to the member themself."""

from dataclasses import dataclass
from datetime import date, datetime

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from directory.types import SuspensionReason
from idp.standing import Act, Ask, Code, Obstacle

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Said:
    """An obstacle as a page or a mail shows it."""

    obstacle: Obstacle
    title: str
    text: str
    whom: str


# {at} is a day or a moment, {reason} the words of a reason.  To the office: of the member; to the member: to them.
OFFICE: dict[Code, tuple[Text, Text]] = {
    Code.LEFT: (_("Départ passé"), _("Le compte est fermé depuis le {at}, à la fin d’un départ daté.")),
    Code.LEFT_DIRECTORY: (
        _("Rangé parmi les anciens membres"),
        _("L’annuaire range cette personne parmi les anciens membres."),
    ),
    Code.SUSPENDED: (_("Compte suspendu"), _("La structure a suspendu ce compte le {at} : {reason}.")),
    Code.LOCKED: (_("Verrouillé dans l’annuaire"), _("L’annuaire verrouille ce compte. Il s’y déverrouille.")),
    Code.MISSING: (_("Absent de l’annuaire"), _("La fiche de cette personne n’est plus dans l’annuaire.")),
    Code.SOURCE_RETIRED: (
        _("Son annuaire n’est plus suivi"),
        _(
            "Plus rien ne vérifie son mot de passe : seule une clé d’accès la fait entrer. "
            "Elle entrera de nouveau par mot de passe quand un annuaire suivi aura sa fiche."
        ),
    ),
    Code.REMOVAL_WAITS: (
        _("Fiche disparue de l’annuaire"),
        _("Sa fiche n’y est plus, et son retrait attend une décision : aucun mot de passe n’ouvre en attendant."),
    ),
    Code.NO_NAME: (
        _("Aucun identifiant"),
        _("La fiche n’a ni identifiant ni adresse e-mail utilisable : rien ne mène à ce compte."),
    ),
    Code.SHARED_NAME: (
        _("Identifiant porté par deux fiches"),
        _("Deux fiches de l’annuaire portent le même identifiant : il ne mène à aucune des deux."),
    ),
    Code.LOGIN_IS_MAIL: (
        _("Identifiant qui est l’adresse e-mail d’une autre personne"),
        _("Tapé à la connexion, il désigne deux personnes : il ne fait entrer ni l’une ni l’autre."),
    ),
    Code.MAIL_IS_LOGIN: (
        _("Adresse e-mail qui est l’identifiant d’une autre personne"),
        _("Tapée à la connexion, elle désigne deux personnes : elle ne fait entrer ni l’une ni l’autre."),
    ),
    Code.BLOCKED: (
        _("Trop d’essais"),
        _("Trop de mots de passe ou de codes faux : les essais reprennent le {at}. Une clé d’accès entre quand même."),
    ),
    Code.FACTOR_MISSING: (
        _("Double vérification à ajouter"),
        _("Elle est obligatoire depuis le {at}. À la prochaine connexion, Trousseau la fait ajouter avant tout."),
    ),
    Code.INVITATION_NEVER: (
        _("Jamais invité·e"),
        _("Cette personne n’est jamais venue et n’a reçu aucune invitation."),
    ),
    Code.INVITATION_WAITING: (_("Invitation en route"), _("L’e-mail part dans un instant.")),
    Code.INVITATION_SENT: (
        _("Invitation envoyée, pas encore ouverte"),
        _("L’e-mail est parti. Il se trouve peut-être parmi les indésirables."),
    ),
    Code.INVITATION_OPENED: (
        _("Invitation ouverte, pas terminée"),
        _("Le lien a été ouvert, mais le mot de passe n’a pas été choisi."),
    ),
    Code.INVITATION_NOT_SENT: (
        _("Invitation non envoyée"),
        _("L’e-mail n’a pas pu partir. Vérifiez l’adresse, puis recommencez."),
    ),
    Code.INVITATION_EXPIRED: (_("Invitation périmée"), _("Le lien n’a pas servi à temps.")),
    Code.FACTOR_DUE: (
        _("Double vérification bientôt obligatoire"),
        _("Elle sera nécessaire à partir du {at}, et n’est pas encore ajoutée."),
    ),
    Code.MAIL_MISSING: (_("Pas d’adresse e-mail"), _("Ni invitation ni mot de passe oublié ne peuvent arriver.")),
    Code.MAIL_SHARED: (
        _("Adresse e-mail partagée"),
        _("Deux fiches portent cette adresse : aucun lien n’y est envoyé, il pourrait être lu par quelqu’un d’autre."),
    ),
    Code.MAIL_INVALID: (_("Adresse e-mail illisible"), _("Aucun e-mail ne peut y arriver.")),
    Code.LEAVING: (_("Départ prévu"), _("Le compte sera fermé après le {at}.")),
}
MEMBER: dict[Code, tuple[Text, Text]] = {
    Code.LEFT: (_("Votre compte est fermé"), _("Il l’est depuis le {at}, après la date de départ convenue.")),
    Code.LEFT_DIRECTORY: (_("Votre compte est fermé"), _("La coopérative vous compte parmi ses anciens membres.")),
    Code.SUSPENDED: (_("Votre compte est suspendu"), _("La structure l’a suspendu le {at} : {reason}.")),
    Code.LOCKED: (_("Votre compte est verrouillé"), _("Il a été verrouillé dans l’annuaire de la coopérative.")),
    Code.MISSING: (_("Votre compte est fermé"), _("Votre fiche n’est plus dans l’annuaire de la coopérative.")),
    Code.SOURCE_RETIRED: (
        _("Votre mot de passe ne sert plus"),
        _("Trousseau ne suit plus l’annuaire où il se trouve. Si vous avez une clé d’accès, elle fonctionne encore."),
    ),
    Code.REMOVAL_WAITS: (
        _("Votre fiche n’est plus dans l’annuaire"),
        _("La coopérative doit dire si c’est voulu. En attendant, votre mot de passe ne peut pas être vérifié."),
    ),
    Code.NO_NAME: (
        _("Il manque votre identifiant"),
        _("Votre fiche n’a ni identifiant ni adresse e-mail utilisable."),
    ),
    Code.SHARED_NAME: (
        _("Votre identifiant désigne deux personnes"),
        _("Connectez-vous avec votre adresse e-mail en attendant que la structure le corrige."),
    ),
    Code.LOGIN_IS_MAIL: (
        _("Votre identifiant est l’adresse e-mail d’une autre personne"),
        _(
            "Il ne fait entrer personne. "
            "En attendant, connectez-vous avec votre adresse e-mail, si elle n’est qu’à vous."
        ),
    ),
    Code.MAIL_IS_LOGIN: (
        _("Votre adresse e-mail est l’identifiant d’une autre personne"),
        _("Elle ne fait entrer personne. En attendant, connectez-vous avec votre identifiant, s’il n’est qu’à vous."),
    ),
    Code.BLOCKED: (
        _("Trop d’essais ont été faits"),
        _("Votre mot de passe sera de nouveau accepté le {at}. Si vous avez une clé d’accès, elle fonctionne déjà."),
    ),
    Code.FACTOR_MISSING: (
        _("Une double vérification vous est demandée"),
        _("Elle est obligatoire depuis le {at}. À la prochaine connexion, Trousseau vous aide à l’ajouter."),
    ),
    Code.INVITATION_NEVER: (_("Vous n’êtes pas encore venu·e"), _("Demandez une invitation à la structure.")),
    Code.INVITATION_WAITING: (_("Votre invitation part"), _("Elle arrive dans quelques minutes.")),
    Code.INVITATION_SENT: (
        _("Une invitation vous attend"),
        _("Cherchez-la dans vos e-mails et parmi les indésirables."),
    ),
    Code.INVITATION_OPENED: (_("Votre invitation n’est pas terminée"), _("Reprenez le lien reçu par e-mail.")),
    Code.INVITATION_NOT_SENT: (_("Votre invitation n’est pas partie"), _("Vérifiez votre adresse avec la structure.")),
    Code.INVITATION_EXPIRED: (_("Votre invitation est périmée"), _("Demandez-en une autre à la structure.")),
    Code.FACTOR_DUE: (
        _("Une double vérification sera nécessaire"),
        _("Ajoutez-la avant le {at} : après, rien ne s’ouvrira sans elle."),
    ),
    Code.MAIL_MISSING: (
        _("Votre adresse e-mail manque"),
        _("En cas d’oubli du mot de passe, Trousseau ne pourra pas vous écrire."),
    ),
    Code.MAIL_SHARED: (
        _("Votre adresse e-mail est aussi celle d’une autre personne"),
        _("En cas d’oubli du mot de passe, Trousseau ne vous écrira pas : l’autre pourrait lire le lien."),
    ),
    Code.MAIL_INVALID: (
        _("Votre adresse e-mail est illisible"),
        _("En cas d’oubli du mot de passe, Trousseau ne pourra pas vous écrire."),
    ),
    Code.LEAVING: (_("Votre départ est prévu"), _("Votre compte sera fermé après le {at}.")),
}
WHOM_TO_OFFICE: dict[Ask, Text] = {
    Ask.OFFICE: _("Vous pouvez agir ici."),
    Ask.DIRECTORY: _("À corriger dans l’annuaire, par qui le tient."),
    Ask.TECHNIQUE: _("C’est à la technique d’agir."),
    Ask.MEMBER: _("C’est au membre d’agir."),
    Ask.NOBODY: _("Il n’y a qu’à attendre."),
}
WHOM_TO_MEMBER: dict[Ask, Text] = {
    Ask.OFFICE: _("Écrivez à la structure."),
    Ask.DIRECTORY: _("Écrivez à la structure : elle fait corriger l’annuaire."),
    Ask.TECHNIQUE: _("Écrivez à la structure."),
    Ask.MEMBER: _("C’est à vous d’agir."),
    Ask.NOBODY: _("Il n’y a qu’à attendre."),
}
ACTS: dict[Act, Text] = {
    Act.RESUME: _("Lever la suspension"),
    Act.UNLOCK: _("Débloquer"),
    Act.INVITE: _("Envoyer une invitation"),
    Act.WELCOME_BACK: _("Rouvrir le compte"),
    Act.CANCEL_DEPARTURE: _("Annuler le départ"),
}


def to_office(obstacle: Obstacle) -> Said:
    return _said(obstacle, OFFICE[obstacle.code], WHOM_TO_OFFICE[obstacle.ask])


def to_member(obstacle: Obstacle) -> Said:
    return _said(obstacle, MEMBER[obstacle.code], WHOM_TO_MEMBER[obstacle.ask])


def _said(obstacle: Obstacle, words: tuple[Text, Text], whom: Text) -> Said:
    title, text = words
    reasons = dict(SuspensionReason.choices)
    reason = str(reasons.get(obstacle.reason, obstacle.reason))
    return Said(obstacle, str(title), str(text).format(at=_at(obstacle.at), reason=reason), str(whom))


def _at(at: datetime | date | None) -> str:
    if isinstance(at, datetime):
        here = localtime(at)
        return f"{date_format(here, 'DATE_FORMAT')}, {date_format(here, 'TIME_FORMAT')}"
    return date_format(at, "DATE_FORMAT") if at else "—"
