"""What a member takes with them is checked by a program that knows nothing of the hub."""

import json
import subprocess
import sys
import tracemalloc
import zipfile
from io import BytesIO
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.db.models import QuerySet
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from audit import bundle, keyring, merkle, releases, signer
from audit.bundle import Folder
from audit.models import Event, Leaf, Log, PersonKey, Tile
from audit.own.exporting import export_person
from audit.own.types import NothingProved
from audit.place import coming_from
from audit.proving import AT_ONCE
from audit.sequencer import DatabaseTiles, sequence
from audit.services import record, record_all
from audit.types import Action, Actor, Entry
from consent import taking
from consent.activity import tell
from consent.ledger import services as ledger
from consent.types import Channel, Disclosed, Release
from tests.support.cast import browser_of

pytestmark = pytest.mark.django_db
PLACE = {"network": "82.64.0.0/16", "browser": "Firefox, Linux"}
TAKE = reverse("consent:take_lines")


def signed():
    for _ in range(3):
        while sequence(now=timezone.now()):
            pass
        signer.sign_due(now=timezone.now())


@pytest.fixture(autouse=True)
def happened(settings, tmp_path, member, other_member, dpo, louty):
    settings.AUDIT_DIR = tmp_path / "audit"
    with coming_from(lambda: PLACE):
        record(Entry(Action.SIGN_IN, Actor(member.pk), member.pk, facts={"methods": ["pwd"]}))
        record(Entry(Action.SIGN_IN, Actor(other_member.pk), other_member.pk))
        record(Entry(Action.ROLE_GRANTED, Actor(other_member.pk), member.pk, facts={"role": "office"}))
    facts = {"items": ["email"], "legal_basis": "contract", "processing": louty.processings.get().pk}
    record(
        Entry(Action.DISCLOSED, Actor(tool=louty.pk), member.pk, louty.pk, facts=facts),
        Entry(Action.CONSENT_GIVEN, Actor(member.pk), member.pk, louty.pk, facts={"items": ["phone"]}),
        Entry(Action.MEMBER_CONSULTED, Actor(other_member.pk), member.pk),
        Entry(Action.JOURNAL_READ, Actor(dpo.pk), member.pk, facts={"filters": ["member"]}),
        Entry(Action.MEMBER_CONSULTED, Actor(member.pk), other_member.pk),
        Entry(Action.DISCLOSED, Actor(tool=louty.pk), other_member.pk, louty.pk, facts=facts),
    )
    signed()


def taken(folder: Path, member, **wanted) -> Path:
    export_person(Folder(folder), member.pk, tell=tell, now=timezone.now(), **wanted)
    return folder


def verified(export: Path, *arguments: str, keys: str | None = None) -> tuple[int, dict]:
    """With the published keys, in a Python that sees nothing but itself."""
    published = export.parent / "keys.txt"
    published.write_bytes(Client().get(reverse("log_keys")).content)
    chosen = ["--keys", str(published)] if keys is None else ["--key", keys]
    program = export / "verify.py" if export.is_dir() else Path("audit/verify.py")
    command = [sys.executable, "-I", str(program), str(export), *chosen, *arguments, "--json"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return ended.returncode, json.loads(ended.stdout)


def content_of(export: Path) -> bytes:
    files = [path for path in export.rglob("*") if path.is_file() and path.name != "verify.py"]
    return b"".join(path.read_bytes() for path in files)


def parts_of(export: Path) -> list[dict]:
    return [json.loads(line) for path in sorted(export.rglob("parts.jsonl")) for line in path.read_text().splitlines()]


@pytest.mark.gdpr("G11")
def test_what_somebody_takes_is_sound(tmp_path, member):
    code, told = verified(taken(tmp_path / "export", member))

    assert (code, told["verdict"]) == (0, "sound"), told
    assert told["manifest"]["kind"] == "person"
    assert {log["log"].split("-")[0]: log["entries"] for log in told["logs"]} == {"ledger": 2, "access": 5}


@pytest.mark.gdpr("G19")
def test_theirs_is_there_in_clear_and_whatever_says_who_others_are_is_not(tmp_path, member, other_member, dpo):
    export = taken(tmp_path / "export", member)

    content = content_of(export)
    for person in (other_member, dpo):
        for personal in (str(person.pk), person.login, person.display_name, person.given_name):
            assert personal.encode() not in content
    told = verified(export)[1]
    (access,) = (log for log in told["logs"] if log["log"].startswith("access"))
    (ledger,) = (log for log in told["logs"] if log["log"].startswith("ledger"))
    assert access["disclosed"] == {"c": 5, "s": 4, "a": 1, "x": 1}
    assert ledger["disclosed"] == {"c": 2, "s": 2}
    # Who looked, twice, and whose file they opened themself; who gave them a role, and from where.
    assert told["manifest"]["withheld"] == {access["log"]: {"a": 2, "s": 1}, ledger["log"]: {"a": 1, "x": 1}}
    assert [part["json"] for part in parts_of(export) if part["role"] == "x"] == [
        json.dumps(PLACE, sort_keys=True, separators=(",", ":"))
    ]


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (
            "mes-lignes.html",
            ["Vous vous connectez.", "Quelqu’un de la structure ouvre votre fiche.", "Gestion de l’activité"],
        ),
        ("my-lines.html", ["You sign in.", "Somebody of the office opens your file.", "Running one’s business"]),
    ],
)
def test_the_same_lines_are_told_in_sentences_in_both_languages(tmp_path, member, page, said):
    export = taken(tmp_path / "export", member)

    told = (export / page).read_text()
    for sentence in said:
        assert sentence in told, sentence
    proofs = [json.loads(line) for path in export.rglob("proofs.jsonl") for line in path.read_text().splitlines()]
    for proof in proofs:
        assert f"<code>{json.loads(proof['entry'])['id'][:8]}</code>" in told
    assert told.count("<li>") == len(proofs) == 7
    assert not any(word in told for word in ("<script", "src=", "stylesheet")), "it asks nobody for anything"


def test_it_is_still_sound_when_some_of_its_parts_were_erased(tmp_path, member):
    QuerySet.update(Event.objects.about(member).filter(action=Action.SIGN_IN), network_sealed=None)
    QuerySet.update(Event.objects.filter(action=Action.DISCLOSED), subject_sealed=None)

    code, told = verified(taken(tmp_path / "export", member))

    assert (code, told["verdict"]) == (0, "sound"), told
    assert "x" not in next(log for log in told["logs"] if log["log"].startswith("access"))["disclosed"]


def test_an_export_made_before_an_erasure_stays_sound(tmp_path, member):
    export = taken(tmp_path / "export", member)
    PersonKey.objects.filter(person=member.pk).delete()
    keyring.forget()

    assert verified(export)[0] == 0
    with pytest.raises(NothingProved):
        taken(tmp_path / "later", member)


@pytest.mark.parametrize("name", ["proofs.jsonl", "parts.jsonl", "checkpoint"])
def test_a_byte_that_was_changed_is_found(tmp_path, member, name):
    export = taken(tmp_path / "export", member)
    for path in export.rglob(name):
        content = bytearray(path.read_bytes())
        at = content.index(b'"', len(content) // 2) - 3 if name != "checkpoint" else content.rindex(b"\n", 0, -2) - 9
        content[at] = ord("a") if content[at] != ord("a") else ord("b")
        path.write_bytes(content)

    assert verified(export)[0] != 0


def test_a_line_told_otherwise_is_tampered_with(tmp_path, member):
    export = taken(tmp_path / "export", member)
    for path in export.rglob("parts.jsonl"):
        path.write_text(path.read_text().replace('\\"email\\"', '\\"phone\\"'))

    assert verified(export)[0] == 1


def test_a_line_taken_from_another_log_is_tampered_with(tmp_path, member):
    export = taken(tmp_path / "export", member)
    access, ledger = sorted(export.rglob("proofs.jsonl"))
    access.write_bytes(ledger.read_bytes())

    assert verified(export)[0] == 1


def test_a_key_of_another_hub_proves_nothing(tmp_path, member):
    export = taken(tmp_path / "export", member)

    assert verified(export, keys=Log.objects.get(family="access").key)[0] == 2


def test_what_a_line_says_by_a_name_is_there_with_its_own_proof(tmp_path, member, other_member, louty, formation):
    for person, tool, item in ((member, louty, "email"), (member, louty, "email"), (other_member, formation, "phone")):
        sent = Disclosed(person.pk, tool.pk, Channel.ID_TOKEN, frozenset({item}), Release())
        with transaction.atomic():
            ledger.disclose([sent], now=timezone.now())
    signed()
    named = Event.objects.about(member).filter(action=Action.DISCLOSED, facts__profile__isnull=False)[0]

    export = taken(tmp_path / "export", member)
    receipt = taken(tmp_path / "receipt", member, lines=[named.reference])

    for each in (export, receipt):
        assert verified(each)[0] == 0
        (text,) = [
            row["json"]
            for parts in each.rglob("parts.jsonl")
            for row in map(json.loads, parts.read_text().splitlines())
            if '"items"' in row["json"] and named.facts["profile"] in row["json"]
        ]
        said = json.loads(text)
        assert said["facts"]["items"] == ["email"]
        facts = {name: value for name, value in said["facts"].items() if name != "profile"}
        assert releases.name_of(said["tool"], facts) == named.facts["profile"]
        assert not any("phone" in parts.read_text() for parts in receipt.rglob("parts.jsonl"))


def test_a_receipt_is_one_line_with_its_proof(tmp_path, member):
    line = Event.objects.about(member).get(action=Action.CONSENT_GIVEN)

    code, told = verified(taken(tmp_path / "receipt", member, lines=[line.reference]))

    assert code == 0, told
    assert [log["entries"] for log in told["logs"]] == [1]


def test_a_line_of_somebody_else_is_not_to_be_had(tmp_path, other_member, member):
    line = Event.objects.about(other_member).filter(action=Action.SIGN_IN).get()

    with pytest.raises(NothingProved):
        taken(tmp_path / "receipt", member, lines=[line.reference])


def test_proofs_take_few_statements_however_many_entries_there_are(tmp_path, member):
    def statements(target):
        with CaptureQueriesContext(connection) as counted:
            taken(tmp_path / target, member)
        return len(counted)

    few = statements("few")
    record_all([Entry(Action.SIGN_IN, Actor(member.pk), member.pk)] * (3 * AT_ONCE))
    signed()
    many = statements("many")

    # For each log what witnesses signed; for each batch of 256: the events and the tiles, and in each language the
    # sheets that its lines name.
    assert few <= 21
    assert many - few <= 3 * 2 + 2
    assert verified(tmp_path / "many")[1]["logs"][0]["entries"] > 3 * AT_ONCE


def test_an_export_of_many_entries_needs_no_more_memory_than_one_of_few(tmp_path, member):
    def peak(target):
        tracemalloc.start()
        taken(tmp_path / target, member)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    def add(count):
        record_all([Entry(Action.SIGN_IN, Actor(member.pk), member.pk)] * count)
        signed()

    add(2 * AT_ONCE)
    taken(tmp_path / "warm", member)
    few = peak("few")
    add(4 * AT_ONCE)
    many = peak("many")

    assert many < 1.5 * few, (few, many)


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 512, 700, 65_535, 65_536, 65_537, 66_000])
def test_the_tiles_that_are_expected_are_all_that_a_proof_asks_for(size):
    class Asked(dict):
        def tile(self, level, number):
            return self[level, number]

    leaves = [merkle.leaf_hash(number.to_bytes(4, "big")) for number in range(size)]
    tiles = merkle.append(Asked(), 0, leaves)
    root = merkle.root(Asked(tiles), size)
    for index in {0, 1, size // 2, size - 2, size - 1, 65_535} & set(range(size)):
        wanted = merkle.tiles_for([index], size)
        proof = merkle.Prover(Asked({place: tiles[place] for place in wanted}), size).proof(index)
        merkle.check_inclusion(leaves[index], index, size, proof, root)


# By the page


def zip_of(response) -> zipfile.ZipFile:
    return zipfile.ZipFile(BytesIO(b"".join(response.streaming_content)))


def test_a_member_takes_their_lines_and_that_is_on_the_record(tmp_path, member):
    response = browser_of(member).post(TAKE)

    target = tmp_path / "mine.zip"
    target.write_bytes(b"".join(response.streaming_content))
    code, told = verified(target)
    assert (code, told["verdict"]) == (0, "sound"), told
    assert response["Content-Disposition"].startswith("attachment")
    assert "no-store" in response["Cache-Control"]
    line = Event.objects.get(action=Action.OWN_DATA_DOWNLOADED)
    assert (line.actor_id, line.subject_id, line.facts) == (member.pk, member.pk, {"download": "lines"})


def test_a_member_takes_one_line(tmp_path, member):
    line = Event.objects.about(member).get(action=Action.CONSENT_GIVEN)

    archive = zip_of(browser_of(member).post(TAKE, {"line": str(line.reference)}))

    (proofs,) = (name for name in archive.namelist() if name.endswith("proofs.jsonl"))
    assert json.loads(json.loads(archive.read(proofs))["entry"])["id"] == str(line.reference)
    assert Event.objects.get(action=Action.OWN_DATA_DOWNLOADED).facts == {"download": "line"}


@pytest.mark.parametrize("line", ["nonsense", str(uuid4()), "theirs"])
def test_a_line_that_is_not_theirs_is_refused_and_recorded(member, other_member, line):
    if line == "theirs":
        line = str(Event.objects.about(other_member).filter(action=Action.SIGN_IN).get().reference)

    assert browser_of(member).post(TAKE, {"line": line}).status_code == 404
    refused = Event.objects.get(action=Action.ACCESS_REFUSED)
    assert (refused.actor_id, refused.reason) == (member.pk, "not_yours")
    assert not Event.objects.filter(action=Action.OWN_DATA_DOWNLOADED).exists()


def test_so_many_in_an_hour_are_enough_and_that_is_recorded(member, monkeypatch):
    monkeypatch.setattr(taking, "DOWNLOADS_AN_HOUR", 2)
    browser = browser_of(member)
    assert [browser.post(TAKE).status_code for _ in range(2)] == [200, 200]

    answer = browser.post(TAKE, follow=True)

    assert answer.redirect_chain == [(reverse("consent:proof"), 302)]
    assert "Assez pour cette heure" in answer.content.decode()
    assert Event.objects.filter(action=Action.OWN_DATA_DOWNLOADED).count() == 2
    assert Event.objects.get(action=Action.ACCESS_REFUSED).reason == "downloads_enough"


def test_what_is_not_signed_yet_is_said(member):
    record(Entry(Action.SIGN_OUT, Actor(member.pk), member.pk))
    line = Event.objects.get(action=Action.SIGN_OUT)

    answer = browser_of(member).post(TAKE, {"line": str(line.reference)}, follow=True)

    assert "Ce n’est pas encore signé" in answer.content.decode()
    assert answer.redirect_chain == [(reverse("consent:activity"), 302)]
    assert not Event.objects.filter(action=Action.OWN_DATA_DOWNLOADED).exists(), "nothing left"


def test_taking_is_a_form_and_needs_somebody(member):
    assert browser_of(member).get(TAKE).status_code == 405
    assert Client().post(TAKE).status_code == 302


def test_everybody_finds_the_keys_and_the_program_and_how(member):
    stranger = Client()

    keys = stranger.get("/audit/keys")
    program = stranger.get("/audit/verify.py")
    page = stranger.get(reverse("consent:proof")).content.decode()

    lines = keys.content.decode().splitlines()
    assert lines == list(Log.objects.order_by("-pk").values_list("key", flat=True))
    assert program.content == Path("audit/verify.py").read_bytes()
    assert all(key in page for key in lines)
    assert "take-lines" not in page
    assert "take-lines" in browser_of(member).get(reverse("consent:proof")).content.decode()


def test_the_guide_says_where_the_keys_are(tmp_path, member, settings):
    guide = (taken(tmp_path / "export", member) / "LISEZ-MOI.txt").read_text()

    assert f"{settings.ORIGIN}/audit/keys" in guide
    assert bundle.GUIDE.count("{keys}") == 2


def test_tiles_that_were_not_expected_are_read_alone(member):
    log = Log.objects.get(family="access")
    assert Leaf.objects.filter(log=log).count() == log.size
    assert DatabaseTiles(log).tile(0, 0) == bytes(Tile.objects.get(log=log, level=0, number=0).hashes)
