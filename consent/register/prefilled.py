"""What the hub itself does with personal data, as records of the register: the hub is its own first example.

In French, as the register is; a page in English finds its own words by them.  A sentence here is true of the product,
or it does not stand here.
"""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import date
from itertools import chain
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, override

from consent.register.types import Content, Data, Parties, Party, People, Purpose, Recipient, Rubric
from consent.types import Ending, LegalBasis, RecipientRole

INTERNAL = RecipientRole.INTERNAL
TECHNICAL = gettext_noop(
    "Connexions chiffrées (TLS) et politique de contenu stricte.\n"
    "Double vérification demandée aux rôles ; clés d’accès et codes à usage unique pour les membres.\n"
    "Secrets chiffrés ou conservés en empreinte ; identifiants différents pour chaque outil.\n"
    "Journal signé, vérifiable hors de Trousseau, où les valeurs personnelles n’entrent pas."
)
ORGANISATIONAL = gettext_noop(
    "Rôles étroits : la structure gère les comptes, la technique les outils, la protection des données le journal.\n"
    "Chaque consultation d’une fiche ou du journal s’inscrit au journal.\n"
    "Récupérer un compte demande deux personnes de la structure."
)
SECURITY = gettext_noop(
    "Sans trace des connexions, ni la coopérative ni la personne ne pourrait reconnaître une intrusion. "
    "Le réseau est abrégé, les durées sont courtes, chacun lit ses propres lignes ; aucun usage pour suivre le travail."
)
KNOWING = gettext_noop(
    "Une coopérative est faite de gens qui travaillent ensemble et votent ensemble : ils doivent pouvoir se trouver. "
    "Rien d’autre que le nom et les collectifs ordinaires ne se voit sans le choix de la personne, "
    "qui peut aussi ne pas figurer dans la liste, sans donner de raison."
)

BELONGING = gettext_noop(
    "Qui fait partie d’un collectif doit en lire les nouvelles ; qui en est responsable, pouvoir écrire et accueillir. "
    "Une pression suffit pour arrêter les lettres d’un collectif. "
    "Personne ne sait qui lit quoi, ni qui masque une brève."
)

# What the record of a tool says of each of them (``policy.from_sheet``).
OF_TOOLS = (
    gettext_noop("celles et ceux qui ouvrent l’outil"),
    gettext_noop("Annuaire de la coopérative ; Trousseau transmet les données à l’ouverture de l’outil."),
)


def own_records(*, today: date, leaver_days: int, idle_hours: int, session_days: int) -> dict[str, Content]:
    """By the name under which each is written once; periods that the operator chooses come in."""
    members = People(_("Membres de la coopérative"), _("entrepreneur·es, salarié·es de la structure, associé·es"))
    directory = Data(
        Rubric.IDENTITY,
        _("Nom, prénom, identifiant, adresse e-mail, téléphones, adresse postale, langue, photo"),
        _("%(days)s jours") % {"days": leaver_days},
        _("le départ de la coopérative"),
        Ending.DELETE,
    )
    return {
        "hub-connexion": Content(
            name=_("Connexion et sessions"),
            created=today,
            software="Trousseau",
            purposes=(
                Purpose(
                    _("Reconnaître chaque membre et ouvrir ses outils par une seule connexion."), LegalBasis.CONTRACT
                ),
                Purpose(
                    _("Protéger les comptes : reconnaître une connexion inhabituelle et avertir la personne."),
                    LegalBasis.LEGITIMATE_INTEREST,
                    _(SECURITY),
                    today,
                ),
            ),
            technical=_(TECHNICAL),
            organisational=_(ORGANISATIONAL),
            data=(
                Data(
                    Rubric.CONNECTION,
                    _("Sessions ouvertes, outils ouverts, navigateur"),
                    _("%(days)s jours au plus (%(hours)s heures sans usage)")
                    % {"days": session_days, "hours": idle_hours},
                    _("la connexion"),
                    Ending.DELETE,
                ),
                Data(
                    Rubric.CONNECTION,
                    _("Dates de début et de fin des sessions, sous l’identifiant interne du membre"),
                    _("aussi longtemps que Trousseau est en service"),
                    _("la connexion"),
                    Ending.DELETE,
                ),
                Data(
                    Rubric.CONNECTION,
                    _("Nom du navigateur et réseau abrégé d’une session finie, courriers de sécurité, liens envoyés"),
                    _("90 jours"),
                    _("la fin de la session ou l’envoi"),
                    Ending.DELETE,
                ),
                Data(
                    Rubric.CONNECTION,
                    _("Moyens de double vérification (clés d’accès, secrets chiffrés, codes de secours en empreinte)"),
                    _("la durée du compte"),
                    _("leur ajout"),
                    Ending.DELETE,
                ),
            ),
            people=(members,),
            recipients=(Recipient(_("Structure"), INTERNAL), Recipient(_("Équipe technique"), INTERNAL)),
            source=_("La personne elle-même ; l’annuaire de la coopérative pour l’identité."),
        ),
        "hub-annuaire": Content(
            name=_("Annuaire des membres"),
            created=today,
            software=_("Trousseau, annuaire LDAP"),
            purposes=(
                Purpose(
                    _("Tenir à jour l’identité, les coordonnées et les collectifs des membres pour leurs outils."),
                    LegalBasis.CONTRACT,
                ),
            ),
            technical=_(TECHNICAL),
            organisational=_(ORGANISATIONAL),
            data=(
                directory,
                Data(
                    Rubric.PROFESSIONAL,
                    _("Métier, nom d’activité, numéro de membre, statut, collectifs, dates d’arrivée et de départ"),
                    _("%(days)s jours") % {"days": leaver_days},
                    _("le départ de la coopérative"),
                    Ending.DELETE,
                ),
                Data(
                    Rubric.CONNECTION,
                    _("Date du dernier changement de chaque donnée, sans sa valeur"),
                    _("%(days)s jours") % {"days": leaver_days},
                    _("le départ de la coopérative"),
                    Ending.DELETE,
                ),
            ),
            people=(members, People(_("Anciens membres"), _("jusqu’à l’effacement de leurs coordonnées"))),
            recipients=(
                Recipient(_("Structure"), INTERNAL),
                Recipient(_("Responsables de collectif"), INTERNAL),
            ),
            source=_("L’annuaire de la coopérative ; la personne elle-même pour les coordonnées qu’elle corrige."),
        ),
        "hub-trombinoscope": Content(
            name=_("Trombinoscope"),
            created=today,
            software="Trousseau",
            purposes=(
                Purpose(
                    _("Permettre aux membres de se connaître et de se joindre : nom et collectifs ordinaires."),
                    LegalBasis.LEGITIMATE_INTEREST,
                    _(KNOWING),
                    today,
                ),
                Purpose(
                    _("Montrer ce que chaque personne choisit d’ouvrir, à ses collectifs ou à tous les membres."),
                    LegalBasis.CONSENT,
                ),
            ),
            technical=_(TECHNICAL),
            organisational=_(
                "Tout est fermé au départ, donnée par donnée.\n"
                "Ce qui est fermé n’est ni affiché, ni trouvé, ni exporté.\n"
                "Pages et fiches limitées par jour ; chaque fiche ouverte s’inscrit au journal de la personne."
            ),
            data=(
                Data(
                    Rubric.IDENTITY,
                    _("Photo, adresse e-mail et téléphones de l’annuaire, quand la personne les ouvre"),
                    _("jusqu’à ce que la personne les ferme"),
                    _("le choix de la personne"),
                    Ending.DELETE,
                ),
                Data(
                    Rubric.PROFESSIONAL,
                    _("Savoir-faire, présentation, liens, commune ou département, destinataires de chaque donnée"),
                    _("90 jours"),
                    _("le départ de la coopérative"),
                    Ending.DELETE,
                ),
            ),
            people=(members,),
            recipients=(Recipient(_("Membres de la coopérative, selon le choix de chaque personne"), INTERNAL),),
            source=_("La personne elle-même ; l’annuaire de la coopérative pour ce qu’il sait déjà d’elle."),
        ),
        "hub-collectifs": Content(
            name=_("Vie des collectifs"),
            created=today,
            software="Trousseau",
            purposes=(
                Purpose(
                    _("Donner aux membres les nouvelles de leurs collectifs : brèves, lettres, page du collectif."),
                    LegalBasis.LEGITIMATE_INTEREST,
                    _(BELONGING),
                    today,
                ),
                Purpose(
                    _("Suivre d’autres collectifs, recevoir les brèves par courrier ou dans un lecteur de flux."),
                    LegalBasis.CONSENT,
                ),
                Purpose(
                    _("Laisser les responsables d’un collectif y ajouter et en retirer des membres."),
                    LegalBasis.LEGITIMATE_INTEREST,
                    _(BELONGING),
                    today,
                ),
            ),
            technical=_(TECHNICAL),
            organisational=_(
                "Un collectif sensible ne liste personne, n’a pas de flux, et rien de lui ne part par courrier.\n"
                "Qui est ajouté ou retiré l’apprend par courrier ; le changement s’annule pendant 30 jours."
            ),
            data=(
                Data(
                    Rubric.PROFESSIONAL,
                    _("Collectifs suivis, rythme du courrier, lettres arrêtées, brèves masquées, adresses de flux"),
                    _("jusqu’à ce que la personne y mette fin, %(days)s jours au plus") % {"days": leaver_days},
                    _("le départ de la coopérative"),
                    Ending.DELETE,
                ),
                Data(
                    Rubric.PROFESSIONAL,
                    _("Brèves et lettres, avec le nom de qui les a écrites"),
                    _("1 an"),
                    _("la fin de la brève, ou l’envoi de la lettre"),
                    Ending.DELETE,
                ),
                Data(
                    Rubric.PROFESSIONAL,
                    _("Entrées et sorties d’un collectif, avec le nom de qui les a faites"),
                    _("30 jours"),
                    _("le changement"),
                    Ending.DELETE,
                ),
            ),
            people=(members,),
            recipients=(Recipient(_("Membres de la coopérative, ou du collectif seul"), INTERNAL),),
            source=_("La personne elle-même ; les responsables de collectif."),
        ),
        "hub-acces": Content(
            name=_("Accès aux outils et transmissions"),
            created=today,
            software="Trousseau",
            purposes=(
                Purpose(
                    _("Décider qui entre dans quel outil, selon les collectifs et les rôles."), LegalBasis.CONTRACT
                ),
                Purpose(
                    _("Noter quelles données vont à quel outil, les informations lues, les accords et les retraits."),
                    LegalBasis.LEGAL_DUTY,
                ),
            ),
            technical=_(TECHNICAL),
            organisational=_(ORGANISATIONAL),
            data=(
                Data(
                    Rubric.CONNECTION,
                    _("Ouvertures d’outils et transmissions au journal, en noms de données, jamais en valeurs"),
                    _("12 mois"),
                    _("l’ouverture de l’outil"),
                    Ending.DELETE,
                ),
                Data(
                    Rubric.CONNECTION,
                    _(
                        "Registre des transmissions : outil, noms des données, date,"
                        " sous l’identifiant interne du membre"
                    ),
                    _("aussi longtemps que Trousseau est en service"),
                    _("la transmission"),
                    Ending.DELETE,
                ),
                Data(
                    Rubric.PROFESSIONAL,
                    _("Informations lues, accords donnés, refusés et retirés"),
                    _("5 ans"),
                    _("la fin de la relation avec la coopérative"),
                    Ending.DELETE,
                ),
                Data(
                    Rubric.PROFESSIONAL,
                    _("Rôles donnés et retirés dans Trousseau"),
                    _("3 ans"),
                    _("le don ou le retrait du rôle"),
                    Ending.DELETE,
                ),
            ),
            people=(members,),
            recipients=(
                Recipient(_("Structure"), INTERNAL),
                Recipient(_("Délégué·e à la protection des données"), INTERNAL),
            ),
            source=_("Trousseau, au moment où l’outil s’ouvre."),
        ),
        "hub-journal": Content(
            name=_("Journal des événements"),
            created=today,
            software="Trousseau",
            purposes=(
                Purpose(
                    _("Détecter et comprendre les incidents de sécurité, et prouver ce qui a été fait des données."),
                    LegalBasis.LEGITIMATE_INTEREST,
                    _(SECURITY),
                    today,
                ),
            ),
            technical=_(TECHNICAL),
            organisational=_(ORGANISATIONAL) + "\n" + _("Le journal se lit sous pseudonymes, une raison donnée."),
            data=(
                Data(
                    Rubric.CONNECTION,
                    _("Connexions et refus de connexion"),
                    _("12 mois"),
                    _("l’événement"),
                    Ending.DELETE,
                ),
                Data(Rubric.CONNECTION, _("Réseau abrégé"), _("6 mois"), _("l’événement"), Ending.DELETE),
                Data(
                    Rubric.CONNECTION,
                    _("Consultations : qui a regardé quelle fiche ou quelle partie du journal"),
                    _("3 ans"),
                    _("la consultation"),
                    Ending.DELETE,
                ),
                Data(
                    Rubric.PROFESSIONAL,
                    _("Gestes sur les comptes et l’annuaire (3 ans), réglages et outils (5 ans)"),
                    _("3 à 5 ans"),
                    _("l’événement"),
                    Ending.DELETE,
                ),
            ),
            people=(members, People(_("Personnes qui ont un rôle"), _("structure, technique, protection des données"))),
            recipients=(Recipient(_("Délégué·e à la protection des données"), INTERNAL),),
            source=_("Trousseau, au moment de l’événement."),
        ),
        "hub-demandes": Content(
            name=_("Demandes des membres"),
            created=today,
            software="Trousseau",
            purposes=(
                Purpose(
                    _("Répondre aux demandes des personnes sur leurs données, dans les délais, et pouvoir le prouver."),
                    LegalBasis.LEGAL_DUTY,
                ),
                Purpose(_("Aider un membre à retrouver son compte."), LegalBasis.CONTRACT),
            ),
            technical=_(TECHNICAL),
            organisational=_(ORGANISATIONAL),
            data=(
                Data(
                    Rubric.IDENTITY,
                    _("Justificatifs d’identité joints à une demande"),
                    _("30 jours"),
                    _("la vérification de l’identité"),
                    Ending.DELETE,
                ),
                Data(
                    Rubric.IDENTITY,
                    _("Autres fichiers joints à une demande ou à sa réponse"),
                    _("1 an"),
                    _("la fin de la demande"),
                    Ending.DELETE,
                ),
                Data(
                    Rubric.IDENTITY,
                    _("Demandes, messages et lettres"),
                    _("5 ans"),
                    _("la fin de la demande"),
                    Ending.DELETE,
                ),
                Data(
                    Rubric.PERSONAL,
                    _("Directives pour après un décès et personne à joindre, chiffrées, si la personne en laisse"),
                    _("%(days)s jours") % {"days": leaver_days},
                    _("le départ de la coopérative"),
                    Ending.DELETE,
                ),
                Data(
                    Rubric.IDENTITY,
                    _("Ligne du registre des demandes : sorte, dates, empreintes"),
                    _("6 ans"),
                    _("la fin de la demande"),
                    Ending.DELETE,
                ),
                Data(
                    Rubric.CONNECTION,
                    _("Dates des relevés de données emportés par la personne"),
                    _("3 ans"),
                    _("la demande"),
                    Ending.DELETE,
                ),
                Data(
                    Rubric.IDENTITY,
                    _("Noms des coordonnées corrigées par la personne"),
                    _("3 ans"),
                    _("la correction"),
                    Ending.DELETE,
                ),
                Data(
                    Rubric.CONNECTION,
                    _("Récupérations de compte et alertes traitées"),
                    _("12 mois"),
                    _("leur traitement"),
                    Ending.DELETE,
                ),
            ),
            people=(members,),
            recipients=(
                Recipient(_("Structure"), INTERNAL),
                Recipient(_("Délégué·e à la protection des données"), INTERNAL),
            ),
            source=_("La personne elle-même."),
        ),
    }


def english(**periods: int) -> dict[str, str]:
    """What each of these sentences is in English."""
    told = []
    for language in ("fr", "en"):
        with override(language):
            own = [text for each in own_records(today=date.min, **periods).values() for text in _texts(each)]
            told.append([*own, *map(_, OF_TOOLS)])
    return dict(zip(*told, strict=True))


def _texts(value: Any) -> Iterator[str]:
    """In the order of the fields, as the register keeps them."""
    if type(value) is str:
        yield value
    elif isinstance(value, tuple):
        yield from chain.from_iterable(map(_texts, value))
    elif is_dataclass(value):
        yield from chain.from_iterable(_texts(getattr(value, each.name)) for each in fields(value))


def parties_from(*, cooperative: str, office: str, officer: str) -> Parties:
    """What the settings know; addresses are the officer's to write."""
    return Parties(controller=Party(name=cooperative, mail=office), officer=Party(mail=officer))
