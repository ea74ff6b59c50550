"""Two pieces of news, so that the demonstration has some to read."""

from datetime import datetime, timedelta

from audit.types import SYSTEM, Actor
from directory.models import Collective
from news.models import Brief
from news.services import Content, write
from news.types import Audience

OF_ALL = (
    "L’accueil ferme vendredi après-midi",
    "L’accueil est fermé **vendredi dès midi**. Les virements partent comme d’habitude.\n\n"
    "Pour une urgence, écrivez à la structure : quelqu’un lit les messages chaque matin.",
)
OF_A_COLLECTIVE = (
    "Atelier ouvert samedi",
    "Le pôle ouvre son atelier samedi de 10 h à 17 h :\n\n- visite libre,\n- café à 11 h,\n- vente à l’atelier.\n\n"
    "Venez avec vos proches.",
)


def tell(now: datetime) -> None:
    """Once: what somebody changed or removed since is theirs."""
    if Brief.objects.exists():
        return
    until = now + timedelta(days=30)
    title, text = OF_ALL
    content = Content(title, text, Audience.EVERYBODY, is_draft=False, since=now - timedelta(days=2), until=until)
    write(collective=None, content=content, actor=SYSTEM, now=now)
    led = Collective.objects.filter(present=True, sensitive=False, kind="pole", leads__isnull=False)
    pole = led.order_by("order_key", "pk").distinct().first()
    lead = pole.leads.order_by("order_key", "pk").first() if pole else None
    if pole is None or lead is None:
        return
    title, text = OF_A_COLLECTIVE
    content = Content(title, text, Audience.EVERYBODY, is_draft=False, since=now - timedelta(days=1), until=until)
    write(collective=pole, content=content, actor=Actor(lead.pk), now=now)
