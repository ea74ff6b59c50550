"""What stood on the screen is kept: by version, by language, without anybody's values."""

from hashlib import sha256

import pytest
from django.urls import reverse

from audit.models import Event
from audit.types import SYSTEM, Action, Actor
from consent import selectors, services
from consent.models import NoticeCopy
from tests.support.cast import FORMATION, TUESDAY, WEDNESDAY, browser_of, notice_of, with_items

pytestmark = pytest.mark.django_db


def copies_of(tool):
    return {each.language: each for each in selectors.sheet(tool.pk).notice.copies.all()}


def read(member, tool):
    services.answer(
        member_id=member.pk,
        tool_id=tool.pk,
        notice_id=notice_of(tool),
        accepted=frozenset(),
        actor=Actor(member=member.pk),
        language="fr",
        now=TUESDAY,
    )


@pytest.mark.gdpr("G2")
def test_a_sheet_in_force_has_a_copy_in_every_language_and_the_journal_its_digest(formation):
    kept = copies_of(formation)

    assert set(kept) == {"fr", "en"}
    assert "Vous inscrire aux formations que vous choisissez." in kept["fr"].html
    assert "Sign you up for the courses you choose." in kept["en"].html
    assert "Formation demande votre accord" in kept["fr"].html
    assert kept["fr"].html.count("checkbox") == 2
    assert "checked" not in kept["fr"].html
    told = Event.objects.get(action=Action.SHEET_DECLARED, tool_id=formation.pk).facts["copies"]
    assert told == {code: sha256(each.html.encode()).hexdigest() for code, each in kept.items()}


def test_a_new_version_leaves_the_old_copy_as_it_was(formation):
    before = copies_of(formation)["fr"].html

    services.declare(
        tool_id=formation.pk, sheet=with_items(FORMATION, retention="Dix ans."), actor=SYSTEM, now=WEDNESDAY
    )

    assert NoticeCopy.objects.count() == 4
    assert NoticeCopy.objects.filter(html=before).exists()
    assert "Dix ans." in copies_of(formation)["fr"].html


@pytest.mark.gdpr("G2")
def test_whoever_decided_sees_the_text_again_in_either_language(member, formation):
    read(member, formation)
    services.declare(
        tool_id=formation.pk, sheet=with_items(FORMATION, retention="Dix ans."), actor=SYSTEM, now=WEDNESDAY
    )
    browser, mine = browser_of(member), reverse("consent:mine")
    decided = member.consents.get().notice_id
    address = reverse("consent:notice", args=[decided])
    assert address in browser.get(mine).content.decode()

    french, english = (browser.get(address, {"lang": code}).content.decode() for code in ("fr", "en"))

    assert "Un an après la dernière formation." in french
    assert "Dix ans." not in french
    assert "One year after the last course." in english


@pytest.mark.parametrize("number", ["its own", "none"])
def test_a_text_one_did_not_decide_about_is_not_found_and_that_is_on_the_record(member, formation, number):
    wanted = notice_of(formation) if number == "its own" else 999_999

    answer = browser_of(member).get(reverse("consent:notice", args=[wanted]))

    assert answer.status_code == 404
    assert Event.objects.get(action=Action.ACCESS_REFUSED).reason == "not_yours"


def test_what_an_operator_writes_is_text(member, formation):
    sheet = with_items(FORMATION, text='<script>alert("x")</script>')
    services.declare(tool_id=formation.pk, sheet=sheet, actor=SYSTEM, now=WEDNESDAY)
    read(member, formation)

    page = browser_of(member).get(reverse("consent:notice", args=[notice_of(formation)])).content.decode()

    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page


def test_the_page_is_light(member, formation):
    read(member, formation)

    page = browser_of(member).get(reverse("consent:notice", args=[notice_of(formation)]))

    assert len(page.content) < 20_000
