"""A child of the seventh report, in the hub's environment: made-up members, and searches among them."""

import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any
from uuid import uuid4

import django
from django.db import connection
from django.utils import timezone

GIVEN = "Amélie Bachir Chloé Daniel Élodie Farid Gaëlle Hugo Inès Jules Karim Léa Maël Noémie Paul Rania Solène Zoé"
PARTS = [
    "ber",
    "bou",
    "car",
    "cas",
    "del",
    "dou",
    "fer",
    "gar",
    "lau",
    "mar",
    "mou",
    "pel",
    "per",
    "rou",
    "sal",
    "ter",
    "val",
    "vil",
]
ENDS = ["ard", "eau", "et", "ier", "in", "on", "ot", "oux", "ac", "ez"]
TRADES = [
    "Relieuse",
    "Menuisier",
    "Graphiste",
    "Céramiste",
    "Traductrice",
    "Paysagiste",
    "Photographe",
    "Boulangère",
    "Luthier",
    "Formateur",
]
SKILLS = [
    "dorure",
    "vannerie",
    "devis",
    "semences",
    "accessibilité",
    "portrait",
    "comptabilité",
    "ébénisterie",
    "fermentation",
    "théâtre",
]
COLLECTIVES = 40
AT_ONCE, NAMES = 2_000, 10


def main() -> None:
    django.setup()
    connection.ensure_connection()
    work: dict[str, Callable[..., dict[str, Any]]] = {"fill": fill, "search": search}
    print(json.dumps({}), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps(work[order.pop("do")](**order)), flush=True)


def fill(*, people: int) -> dict[str, Any]:
    """So many; most show their trade, skills and place to all, one in five to their collectives, one in ten nothing."""
    from directory.models import Collective, Member, Membership, Profile
    from directory.normalise import order_key
    from directory.places import communes

    dice = random.Random(people)  # noqa: S311 (the same people in every run)
    Member.objects.all().delete()
    Collective.objects.all().delete()
    now = timezone.now()
    groups = Collective.objects.bulk_create(Collective(slug=f"c{n}", name=f"Pôle {n}") for n in range(COLLECTIVES))
    places = list(communes.communes())[:5_000]
    made, profiles, memberships = [], [], []
    for number in range(people):
        given = dice.choice(GIVEN.split())
        family = (dice.choice(PARTS) + dice.choice(PARTS) + dice.choice(ENDS)).capitalize()
        name = f"{given} {family}"
        member = Member(
            login=f"p{number}", entry_uuid=uuid4(), display_name=name, given_name=given, family_name=family,
            order_key=order_key(name), trade=dice.choice(TRADES), updated_at=now,
        )  # fmt: skip
        made.append(member)
        memberships += [Membership(member=member, collective=each) for each in dice.sample(groups, 2)]
        if number % 10:
            skills: Any = dice.sample(SKILLS, 3)
            audience = "collectives" if number % 5 == 1 else "everybody"
            profiles.append(
                Profile(
                    member=member,
                    skills=skills,
                    place=dice.choice(places),
                    updated_at=now,
                    presentation="Je travaille **avec plaisir** près de chez moi, et je partage mes outils.",
                    audiences=dict.fromkeys(("trade", "skills", "place", "presentation"), audience),
                )
            )
    Member.objects.bulk_create(made, batch_size=AT_ONCE)
    Membership.objects.bulk_create(memberships, batch_size=AT_ONCE)
    Profile.objects.bulk_create(profiles, batch_size=AT_ONCE)
    return {}


def search(*, rounds: int) -> dict[str, Any]:
    """Each kind of question ten times a round, then as whole pages; a change before some, and none at all."""
    from django.test import Client

    from directory.models import Member, Profile
    from directory.people import cards
    from directory.people import search as people
    from directory.people.index import Wanted
    from launcher.people import services

    reader = Member.objects.earliest("order_key")
    who = cards.reader(reader)
    asked = list(_asked(Member.objects.values_list("display_name", flat=True)[:NAMES]))
    people.find(Wanted("x"), who)
    times = [_ms(partial(_found, wanted, who)) for _ in range(rounds) for wanted, _query in asked]
    # It is their time that is measured here, not their limit.
    services.PAGES_A_DAY = 10**9
    client = Client(SERVER_NAME="localhost")
    client.force_login(reader)
    pages = [_ms(partial(_answered, client, query)) for _wanted, query in asked]
    profile = Profile.objects.earliest("member_id")
    changed, anew = [], []
    for _ in range(10):
        Profile.objects.filter(pk=profile.pk).update(updated_at=timezone.now())
        changed.append(_ms(partial(people.find, Wanted("roux"), who)))
    for _ in range(3):
        people.forget()
        anew.append(_ms(partial(people.find, Wanted("roux"), who)))
    return {
        "search": _p95(clock for clock, _own in times),
        "search_own": _p95(own for _clock, own in times),
        "page": _p95(clock for clock, _own in pages),
        "page_own": _p95(own for _clock, own in pages),
        "changed": statistics.median(own for _clock, own in changed),
        "anew": statistics.median(own for _clock, own in anew),
    }


def _asked(names: Any) -> Iterator[tuple[Any, dict[str, str]]]:
    """A name with a slip, a part of one, a trade, a skill, a place, a postcode, and nobody."""
    from directory.people.index import Wanted
    from directory.places import communes

    lodeve = communes.meant("Lodève")
    near = communes.within(lodeve, 50) if lodeve else {}
    for name in names:
        slip = name[:2] + name[3] + name[2] + name[4:]
        for text in (slip, name.split()[-1][:4], "relieuse", "comptabilite", "34700", "personne de ce nom"):
            yield Wanted(text), {"q": text}
        yield Wanted("", places=near), {"pres": "Lodève", "km": "50"}


def _found(wanted: Any, who: Any) -> None:
    """Its first page."""
    from directory.people import cards, search

    cards.cards(search.find(wanted, who).ids[:24], who)


def _answered(client: Any, query: dict[str, str]) -> None:
    if client.get("/membres/", query).status_code != 200:
        raise RuntimeError("no page, nothing measured")


def _ms(work: Callable[[], object]) -> tuple[float, float]:
    """On the clock, and of one's own processor."""
    began, busy = time.perf_counter(), time.process_time()
    work()
    return (time.perf_counter() - began) * 1000, (time.process_time() - busy) * 1000


def _p95(times: Iterable[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


if __name__ == "__main__":
    main()
