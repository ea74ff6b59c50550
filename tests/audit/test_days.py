"""Days that somebody types: what no clock can reckon with is said beside the field, and breaks no page."""

import re
from pathlib import Path

import pytest
from django.urls import reverse

from consent.incidents.models import Incident
from tests.support.cast import browser_of, reader_of

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]
APPS = ("audit", "consent", "directory", "hub", "idp", "launcher")
ENDS = ("0001-01-01", "9999-12-31")


@pytest.mark.parametrize("field", ["since", "until"])
@pytest.mark.parametrize("day", ENDS)
def test_a_member_may_ask_for_any_day_of_their_activity(member, field, day):
    page = browser_of(member).get(reverse("consent:activity"), {field: day})

    assert page.status_code == 400
    assert "Une date entre 1900 et 2200." in page.content.decode()


def test_a_member_may_ask_for_any_month_of_their_history(member):
    assert browser_of(member).get(reverse("consent:history"), {"month": "9999-12"}).status_code == 400


@pytest.mark.parametrize("day", ENDS)
@pytest.mark.parametrize("page", ["/journal/", "/journal/export.csv", "/journal/images/"])
def test_the_officer_may_ask_for_any_day_of_the_journal(dpo, page, day):
    assert reader_of(dpo).get(page, {"since": day, "until": day}).status_code == 400


@pytest.mark.parametrize("day", ENDS)
def test_evidence_is_made_of_days_that_there_are(dpo, day):
    page = browser_of(dpo).post(reverse("evidence:page"), {"since": day, "until": "2026-11-16"})

    assert page.status_code == 422


@pytest.mark.parametrize("day", ENDS)
@pytest.mark.parametrize("field", ["aware", "began", "ended"])
def test_a_breach_of_no_time_is_not_kept_for_it_would_be_shown_by_no_page(dpo, field, day):
    said = {"title": "Vol", "natures": "confidentiality", "aware": "2026-11-16T09:00"} | {field: f"{day}T00:00"}

    page = browser_of(dpo).post(reverse("incidents:new"), said)

    assert page.status_code == 422
    assert page.context["form"].errors[field]
    assert not Incident.objects.exists()


def test_every_day_that_is_typed_is_read_in_one_way():
    """Another field would let years in that the pages cannot reckon with."""
    files = [path for app in APPS for path in (ROOT / app).rglob("*.py")]
    loose = [path.name for path in files if re.search(r"forms\.(Split)?Date(Time)?Field\(", path.read_text())]

    assert loose == []
