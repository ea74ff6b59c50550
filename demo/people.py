"""What members of the demonstration show of themselves: most of them something, some nothing, as people are."""

from datetime import datetime

from audit.types import Actor
from directory.models import Member, Profile
from directory.places import communes
from directory.services.showing import Page, show
from directory.types import Audience, MemberState, Shown

SKILLS = (
    ("devis", "relation client", "formation"),
    ("reliure", "papier", "dorure"),
    ("permaculture", "taille douce", "semences"),
    ("site web", "accessibilité", "Django"),
    ("photographie", "portrait", "tirage"),
    ("comptabilité", "gestion", "Louty"),
    ("menuiserie", "ébénisterie", "restauration"),
    ("cuisine", "traiteur", "fermentation"),
    ("animation", "écriture", "théâtre"),
)
WORDS = (
    "Je travaille **avec la coopérative**, surtout dans le Lodévois.\n\n- disponible le mardi\n- prête mes outils",
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
    shown = [member for number, member in enumerate(members) if number % 5 != 4]
    for number, member in enumerate(shown):
        commune = communes.meant(f"{member.postal_code} {member.town}") or communes.meant(member.town)
        place = "" if commune is None else commune.department if number % 4 == 3 else commune.code
        page = Page(
            skills=SKILLS[number % len(SKILLS)],
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
