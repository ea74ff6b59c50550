"""What the hub itself does with personal data, as records of the register: the hub is its own first example.

In French, as the register is.  A sentence here is true of the product, or it does not stand here.
"""

from datetime import date

from consent.register.types import Content, Data, Parties, Party, People, Purpose, Recipient, Rubric
from consent.types import Ending, LegalBasis, RecipientRole

MEMBERS = People("Membres de la coopérative", "entrepreneur·es, salarié·es de la structure, associé·es")
INTERNAL = RecipientRole.INTERNAL
TECHNICAL = (
    "Connexions chiffrées (TLS) et politique de contenu stricte.\n"
    "Double vérification demandée aux rôles ; clés d’accès et codes à usage unique pour les membres.\n"
    "Secrets chiffrés ou conservés en empreinte ; identifiants différents pour chaque outil.\n"
    "Journal signé, vérifiable hors de Trousseau, où les valeurs personnelles n’entrent pas."
)
ORGANISATIONAL = (
    "Rôles étroits : la structure gère les comptes, la technique les outils, la protection des données le journal.\n"
    "Chaque consultation d’une fiche ou du journal s’inscrit au journal.\n"
    "Récupérer un compte demande deux personnes de la structure."
)
SECURITY = (
    "Sans trace des connexions, ni la coopérative ni la personne ne pourrait reconnaître une intrusion. "
    "Le réseau est abrégé, les durées sont courtes, chacun lit ses propres lignes ; aucun usage pour suivre le travail."
)


def own_records(*, today: date, leaver_days: int, idle_hours: int, session_days: int) -> dict[str, Content]:
    """By the name under which each is written once; periods that the operator chooses come in."""
    directory = Data(
        Rubric.IDENTITY,
        "Nom, prénom, identifiant, adresse e-mail, téléphones, adresse postale, langue, photo",
        f"{leaver_days} jours",
        "le départ de la coopérative",
        Ending.DELETE,
    )
    return {
        "hub-connexion": Content(
            name="Connexion et sessions",
            created=today,
            software="Trousseau",
            purposes=(
                Purpose("Reconnaître chaque membre et ouvrir ses outils par une seule connexion.", LegalBasis.CONTRACT),
                Purpose(
                    "Protéger les comptes : reconnaître une connexion inhabituelle et avertir la personne.",
                    LegalBasis.LEGITIMATE_INTEREST,
                    SECURITY,
                    today,
                ),
            ),
            technical=TECHNICAL,
            organisational=ORGANISATIONAL,
            data=(
                Data(
                    Rubric.CONNECTION,
                    "Sessions ouvertes, outils ouverts, navigateur",
                    f"{session_days} jours au plus ({idle_hours} heures sans usage)",
                    "la connexion",
                    Ending.DELETE,
                ),
                Data(
                    Rubric.CONNECTION,
                    "Dates de début et de fin des sessions, sous l’identifiant interne du membre",
                    "aussi longtemps que Trousseau est en service",
                    "la connexion",
                    Ending.DELETE,
                ),
                Data(
                    Rubric.CONNECTION,
                    "Nom du navigateur et réseau abrégé d’une session finie, courriers de sécurité, liens envoyés",
                    "90 jours",
                    "la fin de la session ou l’envoi",
                    Ending.DELETE,
                ),
                Data(
                    Rubric.CONNECTION,
                    "Moyens de double vérification (clés d’accès, secrets chiffrés, codes de secours en empreinte)",
                    "la durée du compte",
                    "leur ajout",
                    Ending.DELETE,
                ),
            ),
            people=(MEMBERS,),
            recipients=(Recipient("Structure", INTERNAL), Recipient("Équipe technique", INTERNAL)),
            source="La personne elle-même ; l’annuaire de la coopérative pour l’identité.",
        ),
        "hub-annuaire": Content(
            name="Annuaire des membres",
            created=today,
            software="Trousseau, annuaire LDAP",
            purposes=(
                Purpose(
                    "Tenir à jour l’identité, les coordonnées et les collectifs des membres pour leurs outils.",
                    LegalBasis.CONTRACT,
                ),
            ),
            technical=TECHNICAL,
            organisational=ORGANISATIONAL,
            data=(
                directory,
                Data(
                    Rubric.PROFESSIONAL,
                    "Métier, nom d’activité, numéro de membre, statut, collectifs, dates d’arrivée et de départ",
                    f"{leaver_days} jours",
                    "le départ de la coopérative",
                    Ending.DELETE,
                ),
            ),
            people=(MEMBERS, People("Anciens membres", "jusqu’à l’effacement de leurs coordonnées")),
            recipients=(
                Recipient("Structure", INTERNAL),
                Recipient("Responsables de collectif", INTERNAL),
            ),
            source="L’annuaire de la coopérative ; la personne elle-même pour les coordonnées qu’elle corrige.",
        ),
        "hub-acces": Content(
            name="Accès aux outils et transmissions",
            created=today,
            software="Trousseau",
            purposes=(
                Purpose("Décider qui entre dans quel outil, selon les collectifs et les rôles.", LegalBasis.CONTRACT),
                Purpose(
                    "Noter quelles données vont à quel outil, les informations lues, les accords et les retraits.",
                    LegalBasis.LEGAL_DUTY,
                ),
            ),
            technical=TECHNICAL,
            organisational=ORGANISATIONAL,
            data=(
                Data(
                    Rubric.CONNECTION,
                    "Ouvertures d’outils et transmissions au journal, en noms de données, jamais en valeurs",
                    "12 mois",
                    "l’ouverture de l’outil",
                    Ending.DELETE,
                ),
                Data(
                    Rubric.CONNECTION,
                    "Registre des transmissions : outil, noms des données, date, sous l’identifiant interne du membre",
                    "aussi longtemps que Trousseau est en service",
                    "la transmission",
                    Ending.DELETE,
                ),
                Data(
                    Rubric.PROFESSIONAL,
                    "Informations lues, accords donnés, refusés et retirés",
                    "5 ans",
                    "la fin de la relation avec la coopérative",
                    Ending.DELETE,
                ),
                Data(
                    Rubric.PROFESSIONAL,
                    "Rôles donnés et retirés dans Trousseau",
                    "3 ans",
                    "le don ou le retrait du rôle",
                    Ending.DELETE,
                ),
            ),
            people=(MEMBERS,),
            recipients=(
                Recipient("Structure", INTERNAL),
                Recipient("Délégué·e à la protection des données", INTERNAL),
            ),
            source="Trousseau, au moment où l’outil s’ouvre.",
        ),
        "hub-journal": Content(
            name="Journal des événements",
            created=today,
            software="Trousseau",
            purposes=(
                Purpose(
                    "Détecter et comprendre les incidents de sécurité, et prouver ce qui a été fait des données.",
                    LegalBasis.LEGITIMATE_INTEREST,
                    SECURITY,
                    today,
                ),
            ),
            technical=TECHNICAL,
            organisational=ORGANISATIONAL + "\nLe journal se lit sous pseudonymes, une raison donnée.",
            data=(
                Data(Rubric.CONNECTION, "Connexions et refus de connexion", "12 mois", "l’événement", Ending.DELETE),
                Data(Rubric.CONNECTION, "Réseau abrégé", "6 mois", "l’événement", Ending.DELETE),
                Data(
                    Rubric.CONNECTION,
                    "Consultations : qui a regardé quelle fiche ou quelle partie du journal",
                    "3 ans",
                    "la consultation",
                    Ending.DELETE,
                ),
                Data(
                    Rubric.PROFESSIONAL,
                    "Gestes sur les comptes et l’annuaire (3 ans), réglages et outils (5 ans)",
                    "3 à 5 ans",
                    "l’événement",
                    Ending.DELETE,
                ),
            ),
            people=(MEMBERS, People("Personnes qui ont un rôle", "structure, technique, protection des données")),
            recipients=(Recipient("Délégué·e à la protection des données", INTERNAL),),
            source="Trousseau, au moment de l’événement.",
        ),
        "hub-demandes": Content(
            name="Demandes des membres",
            created=today,
            software="Trousseau",
            purposes=(
                Purpose(
                    "Répondre aux demandes des personnes sur leurs données, dans les délais, et pouvoir le prouver.",
                    LegalBasis.LEGAL_DUTY,
                ),
                Purpose("Aider un membre à retrouver son compte.", LegalBasis.CONTRACT),
            ),
            technical=TECHNICAL,
            organisational=ORGANISATIONAL,
            data=(
                Data(
                    Rubric.IDENTITY,
                    "Demandes, messages, lettres et pièces",
                    "5 ans",
                    "la fin de la demande",
                    Ending.DELETE,
                ),
                Data(
                    Rubric.CONNECTION,
                    "Dates des relevés de données emportés par la personne",
                    "3 ans",
                    "la demande",
                    Ending.DELETE,
                ),
                Data(
                    Rubric.IDENTITY,
                    "Noms des coordonnées corrigées par la personne",
                    "3 ans",
                    "la correction",
                    Ending.DELETE,
                ),
                Data(
                    Rubric.CONNECTION,
                    "Récupérations de compte et alertes traitées",
                    "12 mois",
                    "leur traitement",
                    Ending.DELETE,
                ),
            ),
            people=(MEMBERS,),
            recipients=(
                Recipient("Structure", INTERNAL),
                Recipient("Délégué·e à la protection des données", INTERNAL),
            ),
            source="La personne elle-même.",
        ),
    }


def parties_from(*, cooperative: str, office: str, officer: str) -> Parties:
    """What the settings know; addresses are the officer's to write."""
    return Parties(controller=Party(name=cooperative, mail=office), officer=Party(mail=officer))
