"""The evidence pack: one file, what was asked and no more, that an inspector checks without the hub."""

import hashlib
import io
import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from audit import signer, verify, witnesses
from audit.models import Event, Log
from audit.note import Algorithm, SigningKey, cosign
from audit.sequencer import sequence
from audit.types import SYSTEM, Action, Actor
from consent import services as consent_services
from consent.evidence import packing, selectors
from consent.evidence.selectors import Found
from consent.evidence.types import Scope
from consent.incidents import services as incidents
from consent.models import Consent
from consent.screening import services as screening
from consent.screening.types import Outcome, Screening
from tests.consent.incidents.test_policy import FACTS
from tests.consent.ledger.leaving import leave
from tests.consent.register.conftest import ENGAGED_LOUTY
from tests.consent.test_services import go_on
from tests.support.cast import FORMATION, browser_of, make_tool

pytestmark = pytest.mark.django_db
PAGE = "/dossier/"
GARANCE = SigningKey("garance.example/temoin", Algorithm.ED25519_COSIGNATURE, bytes([9]) * 32)
NOW = timezone.now()
TODAY = timezone.localdate(NOW)
DAYS = {"since": str(TODAY - timedelta(days=30)), "until": str(TODAY)}


@pytest.fixture
def officer(dpo):
    return browser_of(dpo)


@pytest.fixture
def happened(dpo, member, other_member, settings, tmp_path_factory):
    """Two tools with a record each, decisions, a transmission, a breach, a screening; signed."""
    settings.AUDIT_DIR = tmp_path_factory.mktemp("audit")
    louty, formation = make_tool("louty", "Louty"), make_tool("formation", "Formation")
    consent_services.declare(tool_id=louty.pk, sheet=ENGAGED_LOUTY, actor=SYSTEM, now=NOW - timedelta(hours=3))
    consent_services.declare(tool_id=formation.pk, sheet=FORMATION, actor=SYSTEM, now=NOW - timedelta(hours=3))
    go_on(member, louty, now=NOW - timedelta(hours=2))
    go_on(other_member, formation, "phone", now=NOW - timedelta(hours=2))
    leave(member, louty, "name", now=NOW - timedelta(hours=2))
    actor = Actor(dpo.pk)
    facts = replace(FACTS, aware=NOW - timedelta(hours=1))
    breach = incidents.open_incident(facts=facts, actor=actor, now=NOW - timedelta(hours=1))
    window = {"since": NOW - timedelta(days=1), "until": NOW}
    incidents.ask(reference=breach, tool_id=louty.pk, **window, actor=actor, now=NOW - timedelta(hours=1))
    no = Screening(timezone.localdate(NOW - timedelta(hours=3)), (), Outcome.NOT_DUE, "Aucun critère.")
    screening.screen(of=louty.register_record, screening=no, version=0, actor=actor, now=NOW - timedelta(hours=1))
    sign()
    return louty, formation


def sign():
    for _ in range(2):
        while sequence(now=timezone.now()):
            pass
        signer.sign_due(now=timezone.now())


def taken(browser, **said):
    answer = browser.post(PAGE, DAYS | said)
    assert answer.status_code == 200, answer.content.decode()[:2000]
    return zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))


def text(archive, path):
    return archive.read(path).decode("utf-8-sig")


def lines(action):
    return list(Event.objects.filter(action=action).order_by("pk"))


def test_it_is_checked_by_somebody_who_does_not_trust_us(officer, happened, tmp_path):
    archive = taken(officer)
    archive.extractall(tmp_path)

    logs = {path.name for path in (tmp_path / "journal" / "log").iterdir()}
    keys = [word for log in Log.objects.filter(name__in=logs) for word in ("--key", log.key)]
    command = [sys.executable, "-I", "journal/verify.py", "journal", *keys, "--json"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path)

    told = json.loads(ended.stdout)
    assert (ended.returncode, told["verdict"]) == (0, "sound"), told
    assert sum(log["entries"] for log in told["logs"]) > 5


def test_what_a_witness_signed_goes_along(officer, happened, tmp_path):
    witnesses.add(key=GARANCE.verifier.text, owner="Garance", actor=Actor(), now=timezone.now())
    for log in Log.objects.all():
        seen = cosign(log.checkpoints.latest("size").note, GARANCE, at=int(timezone.now().timestamp()))
        witnesses.receive(log_name=log.name, text=seen, now=timezone.now())
    taken(officer).extractall(tmp_path)

    report = verify.verify(
        str(tmp_path / "journal"),
        [verify.key_of(each.key) for each in Log.objects.all()],
        [],
        [verify.key_of(GARANCE.verifier.text)],
    )

    assert report.verdict == "sound", [each.said(1) for each in report.findings]
    assert all(each["witnessed"].get(GARANCE.name) for each in report.logs)


def test_every_file_has_its_digest_and_the_list_of_them_stands_in_the_journal(officer, happened):
    archive = taken(officer)

    *files, last = archive.namelist()
    listed = dict(line.split("  ")[::-1] for line in archive.read(last).decode().splitlines())
    assert last == packing.SUMS
    assert list(listed) == files, "in the order of the file"
    assert all(hashlib.sha256(archive.read(path)).hexdigest() == listed[path] for path in files)
    asked, made = lines(Action.EVIDENCE_ASKED)[0], lines(Action.EVIDENCE_MADE)[0]
    assert made.facts["digest"] == hashlib.sha256(archive.read(last)).hexdigest()
    assert (made.facts["files"], made.facts["pack"]) == (len(files), asked.facts["pack"])
    assert made.facts["digest"] in officer.get(PAGE).content.decode()


def test_the_order_of_the_files_is_always_the_same(officer, happened):
    first, second = taken(officer).namelist(), taken(officer).namelist()

    assert first == second
    assert first[:4] == ["LISEZ-MOI.txt", "READ-ME.txt", "registre/registre.ods", "registre/registre.json"]


@pytest.mark.gdpr("G11")
def test_it_has_every_part_that_an_inspection_asks_for(officer, happened):
    archive = taken(officer)

    assert "Gestion de l’activité" in text(archive, "registre/registre.json")
    assert "O-001;1;" in text(archive, "registre/versions.csv")
    copies = [name for name in archive.namelist() if name.startswith("informations/louty-v1-")]
    assert len(copies) == 2
    rows = text(archive, "informations/informations.csv").splitlines()
    assert any(hashlib.sha256(archive.read(copies[0])).hexdigest() in row for row in rows)
    assert "formation;1;given;1" in text(archive, "consentements/nombres.csv")
    assert json.loads(text(archive, "analyses/examens.json"))[0]["said"]["outcome"] == "not_due"
    assert json.loads(text(archive, "analyses/mises-en-balance.json")) == []
    assert json.loads(text(archive, "violations/violations.json"))[0]["steps"][1]["said"]["people"] == 1
    assert json.loads(text(archive, "conservation/regles.json"))[0]["version"] == 0
    assert "journal/verify.py" in archive.namelist()
    guide = text(archive, "LISEZ-MOI.txt")
    assert lines(Action.EVIDENCE_ASKED)[0].facts["pack"] in guide
    assert "sha256sum -c empreintes.sha256" in guide


def test_of_one_processing_it_says_nothing_of_another(officer, happened):
    louty, formation = happened
    archive = taken(officer, records=[formation.register_record.reference])

    whole = b"".join(archive.read(name) for name in archive.namelist() if not name.endswith("verify.py")).decode(
        errors="replace"
    )
    assert "Louty" not in whole
    assert ENGAGED_LOUTY.processing not in whole
    assert json.loads(text(archive, "violations/violations.json")) == []
    assert json.loads(text(archive, "analyses/examens.json")) == []
    found = Found(Scope((formation.register_record.reference,), TODAY - timedelta(days=2), TODAY), NOW)
    assert set(found.lines().values_list("tool_id", flat=True)) == {formation.pk}
    assert found.lines().filter(action=Action.REGISTER_CHANGED).exists()
    of_louty = Found(Scope((louty.register_record.reference,), TODAY - timedelta(days=2), TODAY), NOW)
    assert of_louty.lines().filter(action=Action.INCIDENT_OPENED).exists()
    assert len(of_louty.breaches()) == 1


def test_days_before_anything_happened_have_nothing(officer, happened):
    long_ago = TODAY - timedelta(days=400)
    archive = taken(officer, since=str(long_ago), until=str(long_ago))

    assert len(text(archive, "consentements/decisions.csv").splitlines()) == 1
    assert json.loads(text(archive, "violations/violations.json")) == []


def test_nobody_is_named_unless_a_reason_was_stated(officer, happened, member, other_member):
    archive = taken(officer)

    whole = b"".join(archive.read(name) for name in archive.namelist()).decode(errors="replace")
    for person in (member, other_member):
        for personal in (str(person.pk), person.display_name, person.email, person.login):
            assert personal not in whole
    assert not lines(Action.EVIDENCE_NAMED)
    people = {row.split(";")[0] for row in text(archive, "consentements/decisions.csv").splitlines()[1:]}
    pack = UUID(lines(Action.EVIDENCE_MADE)[0].facts["pack"])
    call = packing.pseudonyms(pack)
    assert people == {call(None, member.pk), call(None, other_member.pk)}, "the hub alone can tell"
    again = text(taken(officer), "consentements/decisions.csv")
    assert not any(person in again for person in people), "another word in another pack"


def test_with_a_reason_they_are_named_and_each_has_a_line(officer, happened, member, other_member):
    asked = officer.post(PAGE, DAYS | {"named": "on"})
    assert 'id="purpose-form"' in asked.content.decode()
    assert not lines(Action.EVIDENCE_ASKED)

    officer.post("/dossier/raison/", {"next": PAGE, "purpose": "authority_request"})
    archive = taken(officer, named="on")

    assert member.display_name in text(archive, "consentements/decisions.csv")
    assert {each.subject_id for each in lines(Action.EVIDENCE_NAMED)} == {member.pk, other_member.pk}
    assert lines(Action.EVIDENCE_ASKED)[0].facts["purpose"] == "authority_request"


def test_the_digest_of_a_receipt_is_of_the_decision_as_it_was_taken(happened):
    row = Consent.objects.select_related("notice").latest("pk")
    before = packing.receipt(row)

    row.ended_at = NOW
    assert packing.receipt(row) == before, "its end is told beside it"
    row.items = ["email"]
    assert packing.receipt(row) != before


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"since": ""}, "since"),
        ({"until": str(TODAY + timedelta(days=1))}, "until"),
        ({"until": str(TODAY - timedelta(days=40))}, "until"),
        ({"records": ["X-1"]}, "records"),
    ],
)
def test_days_and_records_that_are_none_are_said_to_be(officer, happened, said, field):
    answer = officer.post(PAGE, DAYS | said)

    assert answer.status_code == 422
    assert f'id="id_{field}_error"' in answer.content.decode()
    assert not lines(Action.EVIDENCE_ASKED)


def test_closed_records_may_be_asked_about_too(happened):
    assert [reference for reference, _name in selectors.choices(TODAY)] == ["O-001", "O-002"]
