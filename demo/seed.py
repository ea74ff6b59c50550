"""The demonstration's tools, sheets and roles.  Every start brings them in line; what is in line stays untouched.

Runs inside the hub's settings, called by ``demo.prepare``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from django.utils import timezone

from audit.types import SYSTEM
from consent import services as consent_services
from consent.register import policy as register_policy
from consent.register import selectors as register
from consent.register import services as register_services
from consent.register.models import RegisterRecord
from consent.types import (
    Ending,
    Engagement,
    LegalBasis,
    Purpose,
    RecipientRole,
    Safeguard,
    Sheet,
    SheetItem,
)
from directory import services as directory_services
from directory.ldap.rules import MEMBERSHIPS
from directory.ldap.sources import settings_source
from directory.models import Collective, Member, RoleGrant
from directory.types import Kind, Role
from idp.services.tools import connect_tool
from idp.types import AuthMethod, ToolKind, ToolState

SPARE_ORIGIN = "http://localhost:9999"
ROLES = (
    ("karim.benali", Role.OFFICE),
    ("mireille.vidal", Role.DPO),
    ("lea.martinez-roux", Role.TECHNICIAN),
)


@dataclass(frozen=True, slots=True)
class Seed:
    """One tool as it should be."""

    slug: str
    name: str
    properties: Mapping[str, Any]
    sheet: Sheet | None = None
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    kinds: tuple[Kind, ...] = ()
    confidential: bool = field(default=False)


LOUTY_SHEET = Sheet(
    processing="Gestion de l’activité des entrepreneur·es",
    processing_en="Managing members’ activity",
    recipient="Louty",
    contact="structure@alizarine.example",
    engagement=Engagement(
        role=RecipientRole.PROCESSOR,
        contract="Contrat de sous-traitance LY-2024-03",
        contract_end=date(2031, 12, 31),
        country="France",
        safeguard=Safeguard.EEA,
        since="leur transmission à l’outil",
        ending=Ending.ARCHIVE,
    ),
    purposes=(
        Purpose(
            text="Établir vos factures, suivre votre compte d’activité et préparer vos bulletins de paie.",
            text_en="To issue your invoices, keep your activity account and prepare your payslips.",
            legal_basis=LegalBasis.CONTRACT,
            retention="dix ans après la clôture de l’exercice",
            retention_en="ten years after the end of the financial year",
            items=(
                SheetItem("name", "pour afficher votre nom", "to show your name"),
                SheetItem("given_name", "pour vos bulletins de paie", "for your payslips"),
                SheetItem("family_name", "pour vos bulletins de paie", "for your payslips"),
                SheetItem("email", "pour vous prévenir d’un paiement", "to tell you of a payment"),
                SheetItem("employee_number", "pour retrouver votre contrat", "to find your contract"),
                SheetItem("business_name", "pour l’en-tête de vos factures", "for the head of your invoices"),
            ),
        ),
        Purpose(
            text="Comparer l’activité des pôles, pour l’assemblée générale.",
            text_en="To compare the clusters’ activity, for the general meeting.",
            legal_basis=LegalBasis.LEGITIMATE_INTEREST,
            retention="jusqu’à l’assemblée générale suivante",
            retention_en="until the next general meeting",
            items=(SheetItem("groups", "pour compter l’activité de votre pôle", "to count your cluster’s activity"),),
        ),
    ),
)
FORMATION_SHEET = Sheet(
    processing="Inscription aux formations",
    processing_en="Registering for courses",
    recipient="Logiciel de formation",
    contact="formation@alizarine.example",
    engagement=Engagement(role=RecipientRole.SEPARATE, country="France", safeguard=Safeguard.EEA, ending=Ending.DELETE),
    purposes=(
        Purpose(
            text="Vous inscrire aux formations que vous choisissez et vous remettre vos attestations.",
            text_en="To register you for the courses you choose and give you your certificates.",
            legal_basis=LegalBasis.CONTRACT,
            retention="trois ans après votre dernière formation",
            retention_en="three years after your last course",
            items=(
                SheetItem("name", "pour la feuille d’émargement", "for the attendance sheet"),
                SheetItem("given_name", "pour vous accueillir par votre prénom", "to greet you by your first name"),
                SheetItem("email", "pour vous envoyer la convocation", "to send you the invitation"),
            ),
        ),
        Purpose(
            text="Vous joindre plus vite et vous proposer des formations qui vous conviennent.",
            text_en="To reach you faster and offer you courses that suit you.",
            legal_basis=LegalBasis.CONSENT,
            retention="un an après votre dernière formation",
            retention_en="one year after your last course",
            items=(
                SheetItem("phone", "pour vous prévenir d’un report de dernière minute", "to tell you of a late change"),
                SheetItem("town", "pour proposer les formations près de chez vous", "to offer courses near you"),
                SheetItem("trade", "pour proposer les formations de votre métier", "to offer courses of your trade"),
            ),
        ),
    ),
)
SPARE_SHEET = Sheet(
    processing="Essai d’un outil",
    processing_en="Trying a tool",
    contact="structure@alizarine.example",
    engagement=Engagement(
        role=RecipientRole.INTERNAL,
        country="France",
        safeguard=Safeguard.EEA,
        since="le début de l’essai",
        ending=Ending.DELETE,
    ),
    purposes=(
        Purpose(
            text="Essayer la connexion d’un outil avant de l’ouvrir aux membres.",
            text_en="To try connecting a tool before it opens to members.",
            legal_basis=LegalBasis.LEGITIMATE_INTEREST,
            retention="le temps de l’essai",
            retention_en="for the time of the trial",
            items=(
                SheetItem("name", "pour reconnaître le compte d’essai", "to recognise the trial account"),
                SheetItem("email", "pour reconnaître le compte d’essai", "to recognise the trial account"),
            ),
        ),
    ),
)


def _spare(slug: str, name: str, **properties: Any) -> Seed:
    origin = f"{SPARE_ORIGIN}/{slug}"
    public = properties.get("token_endpoint_auth_method") == AuthMethod.NONE
    return Seed(
        slug=slug,
        name=name,
        properties={
            "tagline": "Pour essayer un outil à vous",
            "tagline_en": "For trying a tool of your own",
            "section": "other",
            "launch_url": f"{origin}/",
            "everyone": True,
            "backchannel_logout_uri": f"{origin}/backchannel-logout",
            "scopes": "openid profile email groups",
            "order": 900,
            "token_endpoint_auth_method": AuthMethod.EITHER,
            **properties,
        },
        sheet=SPARE_SHEET,
        redirect_uris=(f"{origin}/callback",),
        post_logout_redirect_uris=(f"{origin}/signed-out",),
        confidential=not public,
    )


def _link(slug: str, name: str, section: str, tagline: tuple[str, str], hue: int, **more: Any) -> Seed:
    kinds = more.pop("kinds", ())
    properties = {
        "kind": ToolKind.LINK,
        "section": section,
        "tagline": tagline[0],
        "tagline_en": tagline[1],
        "hue": hue,
        "launch_url": f"https://{slug}.alizarine.example/",
        "everyone": not kinds,
        **more,
    }
    return Seed(slug=slug, name=name, properties=properties, kinds=kinds)


LINKS = (
    _link(
        "compta",
        "Comptes d’activité",
        "management",
        ("Vos soldes et vos bulletins de paie", "Your balances and your payslips"),
        150,
        keywords="comptabilité bulletin salaire solde paie",
        order=20,
    ),
    _link(
        "devis",
        "Devis et contrats",
        "management",
        ("Modèles de devis, relecture des contrats", "Quote templates, contracts read over"),
        200,
        keywords="modèle assurance juridique",
        order=30,
    ),
    _link(
        "fichiers",
        "Fichiers",
        "files",
        ("Vos dossiers et ceux de vos collectifs", "Your folders and those of your groups"),
        225,
        keywords="nextcloud documents partage drive",
        order=10,
    ),
    _link(
        "agenda",
        "Agenda",
        "files",
        ("Rendez-vous, salles et matériel", "Appointments, rooms and equipment"),
        255,
        keywords="calendrier réservation salle nextcloud",
        order=20,
    ),
    _link(
        "courriel",
        "Courriel",
        "files",
        ("Votre boîte en @alizarine.example", "Your @alizarine.example mailbox"),
        285,
        keywords="mail webmail messagerie roundcube",
        order=30,
    ),
    _link(
        "bibliotheque",
        "Bibliothèque de métier",
        "learning",
        ("Guides, fiches et retours d’expérience", "Guides, notes and lessons learnt"),
        45,
        keywords="guide fiche ressources documentation",
        order=20,
    ),
    _link(
        "visio",
        "Visio",
        "together",
        ("Une salle par collectif, sans compte à créer", "A room for each group, no account needed"),
        330,
        keywords="réunion appel vidéo jitsi bigbluebutton",
        order=10,
    ),
    _link(
        "wiki",
        "Wiki",
        "together",
        ("Ce que la coopérative sait, écrit ensemble", "What the cooperative knows, written together"),
        105,
        keywords="procédures règlement mode d’emploi",
        order=20,
    ),
    _link(
        "forum",
        "Forum",
        "together",
        ("Questions, coups de main, petites annonces", "Questions, helping hands, small ads"),
        15,
        keywords="discussion entraide annonce discourse",
        monogram="Fm",
        order=30,
        state=ToolState.MAINTENANCE,
    ),
    _link(
        "assemblee",
        "Assemblée",
        "together",
        ("Ordres du jour, pouvoirs et votes", "Agendas, proxies and votes"),
        0,
        keywords="vote conseil instance procès-verbal",
        order=40,
        kinds=(Kind.BOARD,),
        requestable=True,
    ),
    _link(
        "equipe",
        "Accompagnement",
        "other",
        ("Le tableau de bord de l’équipe", "The office team’s board"),
        180,
        keywords="accompagnement structure rendez-vous",
        order=10,
        kinds=(Kind.TEAM,),
    ),
)
SPARES = (
    _spare("essai-un", "Outil d’essai 1", hue=60, monogram="E1"),
    _spare(
        "essai-deux",
        "Outil d’essai 2",
        hue=75,
        monogram="E2",
        offline_access=True,
        scopes="openid profile email groups offline_access",
    ),
    _spare("essai-public", "Outil d’essai public", hue=90, monogram="EP", token_endpoint_auth_method=AuthMethod.NONE),
)


def _stand_in(slug: str, name: str, port: int, sheet: Sheet, **properties: Any) -> Seed:
    origin = f"http://localhost:{port}"
    return Seed(
        slug=slug,
        name=name,
        properties={
            "launch_url": f"{origin}/connexion/",
            # By number: the call comes from the hub's own process, and no name may lead it elsewhere.
            "backchannel_logout_uri": f"http://127.0.0.1:{port}/deconnexion/hub/",
            "everyone": True,
            "order": 10,
            **properties,
        },
        sheet=sheet,
        redirect_uris=(f"{origin}/oidc/callback/",),
        post_logout_redirect_uris=(f"{origin}/au-revoir/",),
        confidential=True,
    )


def let_leads_change_members() -> None:
    """Before the directory is first read: from then on it is a technician's to switch."""
    source = settings_source()
    if not source.members.exists():
        source.writable = sorted({*source.writable, MEMBERSHIPS})
        source.save(update_fields=["writable"])


def stand_ins(ports: Mapping[str, int]) -> tuple[Seed, ...]:
    return (
        _stand_in(
            "louty",
            "Louty",
            ports["louty"],
            LOUTY_SHEET,
            section="management",
            tagline="Factures, dépenses et suivi de votre activité",
            tagline_en="Invoices, expenses and your activity at a glance",
            keywords="facture devis note de frais activité gestion",
            hue=195,
            monogram="Lo",
            scopes="openid profile email groups",
            claims_in_id_token=False,
        ),
        _stand_in(
            "formation",
            "Formation",
            ports["formation"],
            FORMATION_SHEET,
            section="learning",
            tagline="S’inscrire, suivre, recevoir ses attestations",
            tagline_en="Register, follow, receive your certificates",
            keywords="cours stage catalogue attestation apprendre",
            hue=30,
            monogram="Fo",
            scopes="openid profile email phone",
            token_endpoint_auth_method=AuthMethod.POST,
        ),
    )


WEIGHED = (
    "Intérêt : connaître l’activité ou vérifier une connexion. Nécessité : rien de plus que les données de la fiche. "
    "Effet sur les membres : faible, chacun en est informé et peut s’y opposer."
)


def weigh(tool_id: int, *, now: datetime) -> None:
    """What the data protection officer wrote before the tool opened: how each legitimate interest was weighed."""
    row = RegisterRecord.objects.get(tool_id=tool_id)
    standing = register.last(row)
    content = register_policy.content_of(standing.content)
    purposes = tuple(
        replace(each, balancing=WEIGHED, balanced_on=timezone.localdate(now))
        if each.basis == LegalBasis.LEGITIMATE_INTEREST
        else each
        for each in content.purposes
    )
    content = replace(content, purposes=purposes)
    register_services.change(of=row, content=content, version=standing.version, actor=SYSTEM, note="", now=now)


def seed(*, ports: Mapping[str, int], client_secrets: Mapping[str, str], now: datetime) -> dict[str, dict[str, Any]]:
    """Bring tools, sheets and roles in line; return each connected tool's credentials by slug."""
    credentials: dict[str, dict[str, Any]] = {}
    for wanted in (*stand_ins(ports), *LINKS, *SPARES):
        slugs = Collective.objects.filter(kind__in=wanted.kinds, present=True).values_list("slug", flat=True)
        secret = client_secrets[wanted.slug] if wanted.confidential else ""
        properties = dict(wanted.properties)
        order: dict[str, Any] = {
            "slug": wanted.slug,
            "name": wanted.name,
            "sheet": wanted.sheet,
            "actor": SYSTEM,
            "now": now,
            "redirect_uris": wanted.redirect_uris,
            "post_logout_redirect_uris": wanted.post_logout_redirect_uris,
            "client_secret": secret,
        }
        if wanted.sheet and not RegisterRecord.objects.filter(tool__slug=wanted.slug).exists():
            shut = connect_tool(**order, properties={**properties, "state": ToolState.CLOSED, "everyone": False})
            weigh(shut.tool.pk, now=now)
            properties = {"state": ToolState.OPEN, **properties}
        registered = connect_tool(**order, collectives=list(slugs), properties=properties)
        if wanted.sheet:
            credentials[wanted.slug] = {
                "client_id": registered.tool.client_id,
                "client_secret": secret,
                "redirect_uris": list(wanted.redirect_uris),
                "post_logout_redirect_uris": list(wanted.post_logout_redirect_uris),
                "backchannel_logout_uri": wanted.properties["backchannel_logout_uri"],
            }
    consent_services.fill_register(now=now)
    for login, role in ROLES:
        member = Member.objects.filter(login_key=login, login_ambiguous=False).first()
        if member and not RoleGrant.objects.filter(member=member, role=role).exists():
            directory_services.grant_role(member_id=member.pk, role=role, actor=SYSTEM, now=now)
    return credentials
