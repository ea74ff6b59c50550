"""What members of the demonstration show of themselves: most of them something, some nothing, as people are."""

from datetime import datetime

from audit.types import Actor
from directory.models import Member, Membership, Profile
from directory.places import communes
from directory.services.showing import Page, show
from directory.types import Audience, Kind, MemberState, Shown

# By the pole somebody is in, several sets each; whoever is in none has those of the office.
SKILLS = {
    "Pôle Alimentation & restauration": (("cuisine", "traiteur", "fermentation"), ("pain au levain", "conserves")),
    "Pôle Artisanat d’art": (("reliure", "papier", "dorure"), ("vannerie", "tissage"), ("émail", "tournage")),
    "Pôle Bâtiment & éco-construction": (("menuiserie", "ébénisterie", "restauration"), ("enduits", "terre crue")),
    "Pôle Bien-être & santé": (("relaxation", "respiration"), ("plantes", "alimentation")),
    "Pôle Communication & graphisme": (("affiche", "mise en page", "logo"), ("réseaux sociaux", "rédaction")),
    "Pôle Culture & spectacle vivant": (("animation", "écriture", "théâtre"), ("conte", "chant"), ("régie", "lumière")),
    "Pôle Formation & conseil": (("formation", "animation de réunion"), ("gestion", "devis", "relation client")),
    "Pôle Image & son": (("photographie", "portrait", "tirage"), ("montage", "prise de son")),
    "Pôle Langues & écriture": (("traduction", "relecture"), ("occitan", "récit de vie")),
    "Pôle Numérique": (("site web", "accessibilité", "Django"), ("cartographie", "logiciel libre")),
    "Pôle Paysage & jardins": (("permaculture", "taille douce", "semences"), ("arbres", "potager")),
    "Pôle Services à la personne": (("courrier", "démarches"), ("coiffure", "aide à domicile")),
}
OF_OFFICE = (("comptabilité", "gestion", "Louty"), ("contrats", "accompagnement"))
WORDS = (
    "Je travaille **avec la coopérative**, surtout près de chez moi.\n\n- disponible le mardi\n- prête mes outils",
    "Volontiers pour un *café* et un coup de main.",
    "",
)
TO_ALL = (Shown.TRADE, Shown.SKILLS, Shown.PRESENTATION, Shown.LINKS, Shown.PLACE, Shown.CONTACT, Shown.PHOTO)
TO_COLLECTIVES = (Shown.EMAIL, Shown.MOBILE)


def show_themselves(now: datetime) -> int:
    """Once: what somebody changed in the demonstration stays; returns how many did."""
    if Profile.objects.exists():
        return 0
    members = Member.objects.filter(state=MemberState.ACTIVE).exclude(entry_uuid=None).order_by("login")
    poles = dict(Membership.objects.filter(collective__kind=Kind.POLE).values_list("member", "collective__name"))
    shown = [member for number, member in enumerate(members) if number % 5 != 4]
    for number, member in enumerate(shown):
        commune = communes.meant(f"{member.postal_code} {member.town}") or communes.meant(member.town)
        place = "" if commune is None else commune.department if number % 4 == 3 else commune.code
        skills = SKILLS.get(poles.get(member.pk, ""), OF_OFFICE)
        page = Page(
            skills=skills[number % len(skills)],
            presentation=WORDS[number % len(WORDS)],
            links=("https://exemple.fr/atelier",) if number % 3 == 0 else (),
            place=place,
            audiences={
                **dict.fromkeys(map(str, TO_ALL), Audience.EVERYBODY.value),
                **dict.fromkeys(map(str, TO_COLLECTIVES), Audience.COLLECTIVES.value),
            },
        )
        show(member_id=member.pk, page=page, actor=Actor(member=member.pk), now=now)
    return len(shown)
