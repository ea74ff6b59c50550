"""What a member takes along of the news: never what others wrote where they may no longer read."""

import pytest
from django.utils import timezone

from audit.types import Actor
from directory.models import Membership
from news import own_sections, services
from news.models import Dismissal
from news.services import Content
from news.types import Audience

pytestmark = pytest.mark.django_db


def told_of(person, name):
    (section,) = [each for each in own_sections.SECTIONS if each.name == name]
    return list(section.rows(person.pk))


@pytest.fixture
def rewritten(tell, lead):
    brief = tell("Séchoir")
    content = Content(title="Canari", text="Secret.", audience=Audience.NEAR, is_draft=False, since=brief.since)
    services.change(brief_id=brief.pk, content=content, actor=Actor(), now=timezone.now())
    return brief


def test_what_they_wrote_is_theirs_while_they_may_change_or_read_it(rewritten, lead, wood):
    assert told_of(lead, "briefs")[0].data["text"] == "Secret."

    wood.leads.clear()
    Membership.objects.create(collective=wood, member=lead)

    assert told_of(lead, "briefs")[0].data["title"] == "Canari"


def test_what_others_wrote_since_is_not_told_to_whoever_left(rewritten, lead, wood):
    wood.leads.clear()

    (row,) = told_of(lead, "briefs")

    assert row.data == {"written_at": rewritten.written_at.isoformat(), "readable": False}
    assert "Canari" not in row.said
    assert "Séchoir" not in row.said


def test_their_own_words_that_nobody_changed_stay_theirs(tell, lead, wood):
    tell("Séchoir")
    wood.leads.clear()

    assert told_of(lead, "briefs")[0].data["title"] == "Séchoir"


def test_what_they_put_aside_is_named_while_it_reaches_them(tell, insider, wood):
    Dismissal.objects.create(member=insider, brief=tell("Séchoir"))
    assert told_of(insider, "briefs_put_aside")[0].data == {"title": "Séchoir"}

    Membership.objects.all().delete()

    (row,) = told_of(insider, "briefs_put_aside")
    assert row.data == {"readable": False}
    assert "Séchoir" not in row.said
