"""A collective with its lead and a member, and somebody of another one."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from audit.types import Actor
from directory.models import Collective, Member, Membership
from news import services
from news.models import Brief
from news.services import Content
from news.types import Audience
from tests.support.cast import make_member


@pytest.fixture
def wood(db) -> Collective:
    return Collective.objects.create(entry_uuid=uuid4(), name="Pôle bois", slug="bois")


@pytest.fixture
def lead(wood) -> Member:
    person = make_member("lea.x", "Léa X")
    wood.leads.add(person)
    return person


@pytest.fixture
def insider(wood) -> Member:
    person = make_member("ines.x", "Inès X")
    Membership.objects.create(collective=wood, member=person)
    return person


@pytest.fixture
def outsider(db) -> Member:
    return make_member("omar.x", "Omar X")


@pytest.fixture
def tell(wood, lead):
    """Publish a piece of news of the collective, or of the whole cooperative."""

    def made(title="Séchoir", *, of="wood", now=None, **more) -> Brief:
        now = now or timezone.now()
        values = {"title": title, "text": "Le **séchoir** est réparé.", "audience": Audience.NEAR, "is_draft": False}
        content = Content(**values | {"since": now - timedelta(hours=1)} | more)
        of = wood if of == "wood" else of
        return services.write(collective=of, content=content, actor=Actor(lead.pk), now=now)

    return made
