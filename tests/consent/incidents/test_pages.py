"""The pages of breaches: the clock, the helper, the drafts, and the list behind its reason."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from audit.models import Event
from audit.types import SYSTEM, Action
from consent import services as consent
from consent.incidents import selectors
from consent.models import IncidentStep
from consent.types import RecipientRole
from tests.consent.ledger.leaving import leave
from tests.consent.register.conftest import ENGAGED_LOUTY
from tests.consent.register.test_policy import ENGAGED
from tests.support.cast import browser_of

pytestmark = pytest.mark.django_db
LIST, NEW = "/violations/", "/violations/nouvelle/"
ONE = f"{LIST}V-{timezone.localdate().year}-001/"
EVIL = '<script>alert("x")</script>'


def local(at):
    return timezone.localtime(at).strftime("%Y-%m-%dT%H:%M")


NOW = timezone.now()
AWARE = NOW - timedelta(hours=10)
FACTS = {"title": "Ordinateur volé", "natures": ["confidentiality"], "aware": local(AWARE), "happened": EVIL}


@pytest.fixture
def officer(dpo):
    return browser_of(dpo)


@pytest.fixture
def noted(officer):
    assert officer.post(NEW, FACTS).status_code == 302
    return ONE


def write(officer, noted, step, **said):
    version = IncidentStep.objects.latest("number").number
    return officer.post(f"{noted}{step}/", {"version": version, **said})


def page(officer, address):
    answer = officer.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def lines(action):
    return list(Event.objects.filter(action=action).order_by("pk"))


def test_an_empty_register_says_what_the_page_is_for(officer):
    assert 'id="incidents-empty"' in page(officer, LIST)
    assert 'href="/violations/"' in page(officer, "/registre/")


def test_a_tool_that_answers_for_its_data_itself_is_said_to_tell_the_authority(
    officer, noted, member, louty, formation
):
    engaged = replace(ENGAGED, role=RecipientRole.SEPARATE)
    consent.declare(tool_id=louty.pk, sheet=replace(ENGAGED_LOUTY, engagement=engaged), actor=SYSTEM, now=AWARE)
    consent.fill_register(now=AWARE)
    for tool in (louty, formation):
        officer.post(f"{noted}compter/", {"tool": tool.pk, "since": local(AWARE), "until": local(NOW)})

    told = page(officer, noted)

    assert told.count("data-separate") == 1
    assert "Louty est responsable distinct" in told


def test_a_breach_is_noted_and_its_clock_runs(officer, noted):
    shown = page(officer, LIST)
    one = page(officer, noted)

    assert "data-running" in shown
    assert 'data-pace="undecided"' in one
    left = (AWARE.replace(second=0, microsecond=0) + timedelta(hours=72) - timezone.now()) // timedelta(minutes=1)
    assert any(f"Il reste {m // 60} h {m % 60} min" in one for m in (left, left + 1))
    assert "<script>alert" not in one


@pytest.mark.parametrize(
    ("said", "field"),
    [({"title": ""}, "title"), ({"natures": []}, "natures"), ({"aware": "hier"}, "aware"), ({"aware": ""}, "aware")],
)
def test_what_is_missing_is_said_beside_its_field_and_nothing_is_lost(officer, said, field):
    answer = officer.post(NEW, {**FACTS, "measures": "Compte fermé.", **said})

    assert answer.status_code == 422
    assert f'id="id_{field}_error"' in answer.content.decode()
    assert "Compte fermé." in answer.content.decode()
    assert not IncidentStep.objects.exists()


@pytest.mark.gdpr("G31", "G32")
def test_the_whole_way_from_the_theft_to_the_closed_file(officer, noted):
    assert write(officer, noted, "risque", risk="some", reason="Noms et adresses.").status_code == 302
    assert 'data-pace="to_notify"' in page(officer, noted)
    assert write(officer, noted, "clore", reason="").status_code == 422
    sent = {"phase": "initial", "at": local(NOW), "number": "2026-1"}
    assert write(officer, noted, "avertir-cnil", **sent).status_code == 302
    assert write(officer, noted, "avertir-cnil", **sent).status_code == 422
    assert write(officer, noted, "avertir-cnil", **sent | {"phase": "complement"}).status_code == 302
    told = {"at": local(NOW), "how": "Courriel", "people": "3"}
    assert write(officer, noted, "avertir-personnes", **told).status_code == 302
    assert write(officer, noted, "clore", reason="").status_code == 302

    shown = page(officer, noted)
    assert 'data-pace="notified"' in shown
    assert shown.count("data-step=") == 6
    assert "data-running" not in page(officer, LIST)
    refused = [each for each in lines(Action.INCIDENT_CHANGED) if each.refused]
    assert [(each.reason, each.facts["incident_step"]) for each in refused] == [
        ("incident_invalid", "closing"),
        ("incident_invalid", "notice"),
    ]


def test_after_the_delay_it_says_why(officer):
    officer.post(NEW, FACTS | {"aware": local(NOW - timedelta(hours=80))})
    sent = {"phase": "initial", "at": local(NOW)}

    assert 'data-pace="late"' in page(officer, ONE)
    assert 'id="id_late_error"' in write(officer, ONE, "avertir-cnil", **sent).content.decode()
    assert write(officer, ONE, "avertir-cnil", **sent, late="Personne de garde.").status_code == 302
    assert "Personne de garde." in page(officer, ONE)


def test_somebody_else_wrote_meanwhile(officer, noted):
    write(officer, noted, "risque", risk="none", reason="Chiffré.")

    answer = officer.post(f"{noted}clore/", {"version": 1, "reason": "Fini"})

    assert answer.status_code == 422
    assert "entre-temps" in answer.content.decode()
    assert "Fini" in answer.content.decode()
    assert lines(Action.INCIDENT_CHANGED)[-1].reason == "incident_changed"


def test_the_helper_counts_and_the_list_opens_for_a_reason(officer, noted, member, other_member, louty):
    leave(member, louty, "name", "email", now=AWARE)
    leave(other_member, louty, "groups", now=AWARE)
    ask = {"tool": louty.pk, "since": local(AWARE - timedelta(hours=1)), "until": local(NOW)}

    assert officer.post(f"{noted}compter/", ask | {"since": "?"}).status_code == 422
    assert officer.post(f"{noted}compter/", ask).status_code == 302
    shown = page(officer, noted)
    assert 'data-count="2"' in shown
    assert '<dd id="known-people">2, 7</dd>' in shown
    assert "peut être sensible" in shown
    assert member.email not in shown

    officer.post(f"{noted}compter/", ask)
    told = [officer.post(f"{noted}comptages/3/ecarter/", follow=True).content.decode() for _ in range(2)]
    assert [text in each for text, each in zip(("est écarté", "déjà écarté"), told, strict=True)] == [True, True]
    assert 'data-count="3"' not in told[0]

    people = f"{noted}personnes/2/"
    asked = officer.get(people)
    assert asked.status_code == 302
    assert asked.url.startswith("/violations/raison/")
    assert officer.post("/violations/raison/", {"next": people}).status_code == 422
    assert officer.post("/violations/raison/", {"next": people, "purpose": "security_incident"}).url == people
    assert member.email not in page(officer, people)
    assert lines(Action.INCIDENT_LISTED) == []
    taken = b"".join(officer.post(people)).decode()

    assert {each.subject_id for each in lines(Action.INCIDENT_LISTED)} == {member.pk, other_member.pk}
    assert member.email in taken
    assert other_member.email in taken
    assert taken.endswith("Fin. Nombre de personnes : 2\r\n")


def test_what_left_within_the_last_minute_of_the_window_is_concerned(officer, noted, member, louty):
    minute = AWARE.replace(second=0, microsecond=0)
    leave(member, louty, "name", now=minute + timedelta(seconds=40))

    officer.post(f"{noted}compter/", {"tool": louty.pk, "since": local(minute), "until": local(minute)})

    assert selectors.incidents(NOW)[0].people == 1


def test_a_list_of_another_answer_is_not_found(officer, noted):
    officer.post("/violations/raison/", {"next": LIST, "purpose": "security_incident"})

    assert officer.get(f"{noted}personnes/7/").status_code == 404


@pytest.mark.gdpr("G32")
def test_the_drafts_say_what_the_file_says_and_are_kept_by_version(officer, noted, member, louty):
    leave(member, louty, "name", "email", now=AWARE)
    officer.post(f"{noted}compter/", {"tool": louty.pk, "since": local(AWARE), "until": local(NOW)})

    first = page(officer, f"{noted}notification/")
    assert "Personnes concernées, environ : 1" in first
    assert "Adresse e-mail" in first
    french, english = (page(officer, f"{noted}lettre-{each}.html") for each in ("fr", "en"))
    assert "Bonjour" in french
    assert "propre à l’outil" not in french
    assert "Email address" in english or "E-mail address" in english
    assert write(officer, noted, "notification", nature="Vol", data="Noms").status_code == 302
    assert write(officer, noted, "lettre", fr="Bonjour, un vol.", en="Hello, a theft.").status_code == 302
    assert "Hello, a theft." in page(officer, f"{noted}lettre-en.html")
    assert "Vol" in page(officer, f"{noted}notification.html")
    taken = json.loads(b"".join(officer.get(f"{noted}notification.json")))
    assert {each["field"]: each["text"] for each in taken["form"]}["data"] == "Noms"
    assert IncidentStep.objects.filter(kind__in=["form", "letter"]).count() == 2
    assert lines(Action.INCIDENTS_EXPORTED)[-1].facts["export"] == "json"


@pytest.mark.parametrize(("kind", "start"), [("csv", b"\xef\xbb\xbf"), ("ods", b"PK")])
def test_the_register_leaves_as_a_file_and_that_is_on_the_record(officer, noted, kind, start):
    assert b"".join(officer.get(f"/violations/export.{kind}")).startswith(start)
    assert lines(Action.INCIDENTS_EXPORTED)[0].facts == {"export": kind, "lines": 1}


def test_a_cell_of_the_file_is_no_formula(officer):
    officer.post(NEW, FACTS | {"title": "=1+1"})

    assert "'=1+1" in b"".join(officer.get("/violations/export.csv")).decode()


def test_what_is_none_is_not_found(officer):
    for address in (ONE, f"{ONE}risque/", f"{ONE}notification.json", f"{ONE}lettre-fr.html"):
        assert officer.get(address).status_code == 404
    assert selectors.incidents(NOW) == []


def test_a_step_that_is_none_is_not_found(officer, noted):
    assert officer.get(f"{noted}oublier/").status_code == 404
