"""Witnesses as the hub meets them: what it keeps of theirs, what it refuses, and what they hold against it."""

import subprocess
import sys
from datetime import datetime, timedelta

import pytest
from django.conf import settings as hub_settings
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit import mailing, merkle, signer, verify, witnesses
from audit.bundle import Folder
from audit.exporting import export_logs
from audit.heads import Heads
from audit.kinds import RETENTION, Retention
from audit.models import Checkpoint, Contradiction, Cosignature, Event, Log, Mailing, Tile, Witness
from audit.note import Algorithm, SigningKey, VerifierKey, cosign, open_note, sign
from audit.note import Checkpoint as Point
from audit.sequencer import DatabaseTiles, sequence
from audit.services import record
from audit.types import Action, Actor, Entry, WitnessError
from directory.models import Member, RoleGrant
from directory.types import Role
from tests.support.cast import browser_of, make_member

pytestmark = pytest.mark.django_db
GARANCE = SigningKey("garance.example/temoin", Algorithm.ED25519_COSIGNATURE, bytes([9]) * 32)
PASTEL = SigningKey("pastel.example/temoin", Algorithm.ML_DSA_44, bytes([5]) * 32)
STRANGER = SigningKey("inconnu.example/temoin", Algorithm.ED25519_COSIGNATURE, bytes([8]) * 32)
PAGE = reverse("audit:proof")


def grow(events: int = 1) -> None:
    with transaction.atomic():
        record(*[Entry(Action.FAVOURITE_CHANGED) for _ in range(events)])
    while sequence(now=timezone.now()):
        pass
    signer.sign_due(now=timezone.now())


@pytest.fixture
def log(settings, tmp_path) -> Log:
    settings.AUDIT_DIR = tmp_path / "audit"
    grow(300)
    grow(0)
    return Log.objects.get(family="access")


@pytest.fixture
def garance(log) -> Witness:
    return add(GARANCE)


@pytest.fixture
def technician(db) -> Member:
    person = make_member("tea.martin", "Téa Martin")
    RoleGrant.objects.create(member=person, role=Role.TECHNICIAN)
    return person


def add(key: SigningKey, *, outside: bool = False, at: datetime | None = None) -> Witness:
    at = at or timezone.now()
    witness = witnesses.add(key=key.verifier.text, owner="Coopérative Garance", actor=Actor(), now=at)
    if outside:
        witnesses.trust(witness_id=witness.pk, actor=Actor(), now=at)
    return witness


def newest(log: Log) -> Checkpoint:
    return log.checkpoints.order_by("-size")[0]


def seconds(at: datetime | None = None) -> int:
    return int((at or timezone.now()).timestamp())


def send(log: Log | str, text: str | bytes, client: Client | None = None):
    name = log if isinstance(log, str) else log.name
    return (client or Client()).post(f"/audit/{name}/cosignatures", text, content_type="text/plain; charset=utf-8")


def own_key(log: Log) -> SigningKey:
    return SigningKey.parse(Heads(hub_settings.AUDIT_DIR).key(log.name) or "")


# What it keeps -------------------------------------------------------------------------------------------------------


@pytest.mark.spec("C2SP tlog-cosignature", "Format")
@pytest.mark.parametrize("key", [GARANCE, PASTEL], ids=["Ed25519", "ML-DSA-44"])
def test_a_line_of_a_witness_is_kept_with_its_checkpoint(log, key):
    witness = add(key)
    sent = cosign(newest(log).note, key, at=seconds())

    answer = send(log, sent)

    assert (answer.status_code, answer.content) == (200, b"kept\n")
    kept = Cosignature.objects.get()
    assert (kept.checkpoint, kept.witness, kept.line) == (newest(log), witness, sent.split("\n")[-2])
    assert 0 <= seconds(kept.received_at) - seconds(kept.at) <= 2
    assert newest(log).note == Checkpoint.objects.get(pk=kept.checkpoint_id).note, "what the signer said stays as it is"
    assert signer.sign_due(now=timezone.now()) == 0


def test_sent_again_the_newest_line_counts(log, garance):
    note, now = newest(log).note, timezone.now()
    for ago in (30, 5, 60):
        assert send(log, cosign(note, GARANCE, at=seconds(now - timedelta(seconds=ago)))).status_code == 200

    assert seconds(Cosignature.objects.get().at) == seconds(now - timedelta(seconds=5))


def test_a_checkpoint_that_is_gone_comes_back_with_its_witness(log, garance):
    old = newest(log)
    Checkpoint.objects.filter(pk=old.pk).delete()
    grow(5)

    assert send(log, cosign(old.note, GARANCE, at=seconds())).status_code == 200

    back = Checkpoint.objects.get(log=log, size=old.size)
    assert back.note == old.note


def test_several_witnesses_sign_one_checkpoint_and_exports_carry_their_lines(log, garance, tmp_path):
    add(PASTEL)
    note = cosign(cosign(newest(log).note, GARANCE, at=seconds()), PASTEL, at=seconds())
    seen = newest(log).size
    assert send(log, note).status_code == 200
    grow(50)

    export_logs(Folder(tmp_path / "export"), with_people=True, now=timezone.now())

    keys = [verify.key_of(each.key) for each in Log.objects.all()]
    report = verify.verify(str(tmp_path / "export"), keys, [], [verify.key_of(GARANCE.verifier.text)])
    assert report.verdict == "sound", [each.said(1) for each in report.findings]
    found = {each["log"]: each["witnessed"] for each in report.logs}
    assert found[log.name] == {GARANCE.name: seen}
    assert "split" not in {code for code, _ in report.not_proved}


# What it refuses -----------------------------------------------------------------------------------------------------


def broken(note: str) -> str:
    *lines, last, _ = note.split("\n")
    at = last.rindex(" ") + 20
    return "\n".join([*lines, last[:at] + ("A" if last[at] != "A" else "B") + last[at + 1 :], ""])


@pytest.mark.parametrize(
    ("bend", "status", "reason"),
    [
        (lambda note: note, 403, "witness_unknown"),
        (lambda note: cosign(note, STRANGER, at=seconds()), 403, "witness_unknown"),
        (lambda note: broken(cosign(note, GARANCE, at=seconds())), 403, "witness_signature"),
        (lambda note: cosign(note, GARANCE, at=seconds() + 300), 403, "witness_clock"),
        (lambda note: cosign(note, GARANCE, at=2**62), 403, "witness_clock"),
        (lambda note: cosign(note, GARANCE, at=seconds() - 300), 403, "witness_clock"),
    ],
)
def test_what_does_not_hold_is_refused_and_that_is_recorded(log, garance, bend, status, reason):
    answer = send(log, bend(newest(log).note))

    assert (answer.status_code, answer.content.decode().strip()) == (status, reason)
    line = Event.objects.get(action=Action.WITNESS_REFUSED)
    assert (line.refused, line.reason) == (True, reason)
    assert (Cosignature.objects.count(), Contradiction.objects.count()) == (0, 0)


@pytest.mark.parametrize(
    ("bend", "status", "reason"),
    [
        (lambda note: "", 400, "witness_unreadable"),
        (lambda note: b"\xff\xfe", 400, "witness_unreadable"),
        (lambda note: "x" * 50_001, 400, "witness_unreadable"),
        (lambda note: "nonsense", 404, "witness_log"),
        (broken, 404, "witness_log"),
        (
            lambda note: "\n".join(note.split("\n")[:4]) + "\n" + cosign(note, GARANCE, at=1).split("\n")[-2] + "\n",
            404,
            "witness_log",
        ),
    ],
)
def test_what_the_log_never_signed_is_refused_and_leaves_no_line(log, garance, bend, status, reason):
    answer = send(log, bend(newest(log).note))

    assert (answer.status_code, answer.content.decode().strip()) == (status, reason)
    assert not Event.objects.filter(action=Action.WITNESS_REFUSED).exists()
    assert (Cosignature.objects.count(), Contradiction.objects.count()) == (0, 0)


def test_a_checkpoint_of_another_log_is_not_this_ones(log, garance):
    ledger = Log.objects.get(family="ledger")
    sent = cosign(newest(ledger).note, GARANCE, at=seconds())

    assert send(log, sent).status_code == 404
    assert send(ledger, sent).status_code == 200
    assert send("access-1999h1", sent).status_code == 404
    assert not Event.objects.filter(action=Action.WITNESS_REFUSED).exists()


def test_a_witness_that_was_ended_counts_no_more_and_what_it_signed_stays(log, garance):
    sent = cosign(newest(log).note, GARANCE, at=seconds())
    send(log, sent)

    witnesses.end(witness_id=garance.pk, actor=Actor(), now=timezone.now())

    assert send(log, sent).status_code == 403
    assert Cosignature.objects.count() == 1
    assert add(GARANCE).pk != garance.pk


def test_a_log_that_was_given_up_takes_no_more(log, garance):
    Log.objects.filter(pk=log.pk).update(given_up=True)

    assert send(log, cosign(newest(log).note, GARANCE, at=seconds())).status_code == 410


def test_a_flood_is_stopped_and_leaves_no_line(log, garance):
    statuses = [send(log, "nonsense").status_code for _ in range(90)]

    assert statuses == [404] * 60 + [429] * 30
    assert not Event.objects.filter(action=Action.WITNESS_REFUSED).exists()


def test_a_flood_from_everywhere_leaves_a_line_a_minute(log, garance):
    """Checkpoints are public: whoever sends one back unsigned is refused for a reason that is written."""
    note = newest(log).note
    for network in range(20):
        client = Client(REMOTE_ADDR=f"2001:db8:0:{network:x}::1")
        assert {send(log, note, client).status_code for _ in range(5)} == {403}

    assert Event.objects.filter(action=Action.WITNESS_REFUSED).count() <= 2, "the minute may turn meanwhile"
    assert RETENTION[Action.WITNESS_REFUSED] is Retention.SIGN_IN


def test_what_is_not_published_takes_nothing(log, garance, settings):
    settings.PUBLISH_LOG = "nothing"

    assert send(log, cosign(newest(log).note, GARANCE, at=seconds())).status_code == 404


# What they hold against it -------------------------------------------------------------------------------------------


def rewritten(log: Log) -> str:
    """Another tree at the newest size, signed with the log's own key."""
    size = newest(log).size
    tiles: dict[tuple[int, int], bytes] = merkle.append(
        DatabaseTiles(Log()), 0, [merkle.leaf_hash(b"%d" % number) for number in range(size)]
    )
    Tile.objects.filter(log=log).delete()
    Tile.objects.bulk_create(Tile(log=log, level=at[0], number=at[1], hashes=each) for at, each in tiles.items())
    point = Point(own_key(log).name, size, merkle.root(DatabaseTiles(log), size))
    return sign(point.text, own_key(log), at=seconds())


def test_a_witness_that_holds_another_root_raises_an_alarm_once(log, garance, dpo, client):
    held = cosign(newest(log).note, GARANCE, at=seconds())
    rewritten(log)

    answers = [send(log, held) for _ in range(3)]

    assert [(each.status_code, each.content) for each in answers] == [(409, b"witness_contradicts\n")] * 3
    line = Event.objects.get(action=Action.WITNESS_CONTRADICTS)
    assert (line.reason, line.facts["log"], line.facts["witness"]) == ("witness_other_root", log.name, GARANCE.name)
    assert Contradiction.objects.get().note == held
    page = browser_of(dpo).get(PAGE).content.decode()
    assert f'data-contradicted="{log.name}"' in page
    assert "contredit à" in page
    assert 'id="proof-well"' not in page
    assert client.get("/healthz").json()["journal_contradicted"] == [log.name]
    Log.objects.filter(pk=log.pk).update(given_up=True)
    assert client.get("/healthz").json()["journal_contradicted"] == []
    page = browser_of(dpo).get(PAGE).content.decode()
    assert f'data-contradicted="{log.name}"' in page, "giving a log up does not silence a witness"
    assert 'id="proof-well"' not in page


def test_a_witness_that_saw_more_than_there_is_raises_an_alarm(log, garance):
    held = cosign(newest(log).note, GARANCE, at=seconds())
    Log.objects.filter(pk=log.pk).update(size=log.size - 5)

    assert send(log, held).status_code == 409
    assert Event.objects.get(action=Action.WITNESS_CONTRADICTS).reason == "witness_longer"


def test_tiles_that_are_gone_are_a_contradiction_too(log, garance):
    held = cosign(newest(log).note, GARANCE, at=seconds())
    Tile.objects.filter(log=log).delete()

    assert send(log, held).status_code == 409


# What the pages say --------------------------------------------------------------------------------------------------


def test_the_hub_nags_until_a_witness_out_of_reach_signs(log, dpo, technician, member, client):
    witness = add(GARANCE)
    send(log, cosign(newest(log).note, GARANCE, at=seconds()))

    for person, told in ((dpo, True), (technician, True), (member, False)):
        assert ('id="kept-nowhere"' in browser_of(person).get("/").content.decode()) is told
    assert client.get("/healthz").json()["journal_kept_outside"] is False, "nobody has said whose it is"

    browser_of(dpo).post(reverse("audit:witness_trust", args=[witness.pk]))

    assert 'id="kept-nowhere"' not in browser_of(dpo).get("/").content.decode()
    assert 'id="kept-nowhere"' not in browser_of(technician).get(PAGE).content.decode()
    assert client.get("/healthz").json()["journal_kept_outside"] is True
    later = timezone.now() + timedelta(days=4)
    assert not mailing.is_kept_outside(later), "it fell silent"
    assert [each.is_silent for each in witnesses.watch(later)] == [True]
    assert [each.is_silent for each in witnesses.watch(timezone.now())] == [False]


def test_a_witness_that_never_signed_is_silent_after_some_days(log):
    add(GARANCE, at=timezone.now() - timedelta(days=4))

    assert [(each.seen_at, each.is_silent) for each in witnesses.watch(timezone.now())] == [(None, True)]


def test_mails_that_leave_and_are_kept_are_enough(log, dpo):
    now = timezone.now()
    browser_of(dpo).post(reverse("audit:mails_kept"))
    assert not mailing.is_kept_outside(now), "none has left"

    record(Entry(Action.MAIL_SENT, subject=dpo.pk, facts={"mail": "checkpoints", "attempts": 1}, at=now))

    assert mailing.is_kept_outside(now)
    assert not mailing.is_kept_outside(now + timedelta(days=4)), "they leave no more"
    assert mailing.mails_kept_at(now + timedelta(days=182)) is not None
    assert mailing.mails_kept_at(now + timedelta(days=184)) is None, "asked again"
    line = Event.objects.get(action=Action.MAILS_KEPT)
    assert line.actor_id == dpo.pk


@pytest.mark.parametrize(
    ("events", "told", "outcome"),
    [
        ([], 2, "waits"),
        ([Action.MAIL_SENT], 2, "left"),
        ([Action.MAIL_SENT, Action.MAIL_FAILED], 2, "failed"),
        ([], 0, "to_nobody"),
    ],
)
def test_the_page_says_what_became_of_the_days_mail(log, dpo, events, told, outcome):
    now = timezone.now()
    Mailing.objects.create(day=now.date(), at=now, told=told)
    record(*[Entry(each, facts={"mail": "checkpoints"}, at=now) for each in events])
    record(Entry(Action.MAIL_FAILED, facts={"mail": "reset"}, at=now))

    assert f'data-mailing="{outcome}"' in browser_of(dpo).get(PAGE).content.decode()


def test_a_technician_adds_a_witness_and_cannot_say_whose_it_is(log, technician):
    browser = browser_of(technician)

    answer = browser.post(reverse("audit:witness_add"), {"owner": "Garance", "key": GARANCE.verifier.text + " "})

    witness = Witness.objects.get()
    assert (answer.status_code, witness.owner, witness.outside) == (302, "Garance", False)
    assert Event.objects.get(action=Action.WITNESS_ADDED).facts == {"witness": GARANCE.name}
    page = browser.get(PAGE).content.decode()
    assert f'data-witness="{GARANCE.name}"' in page
    for name in ("witness_trust", "witness_end"):
        url = reverse(f"audit:{name}", args=[witness.pk])
        assert url not in page
        assert browser.post(url).status_code == 403
    assert browser.post(reverse("audit:mails_kept")).status_code == 403
    assert Event.objects.filter(action=Action.ACCESS_REFUSED).count() == 3
    witness.refresh_from_db()
    assert (witness.outside, witness.ended_at) == (False, None)


@pytest.mark.parametrize(
    "key",
    ["", "nonsense", GARANCE.text, SigningKey("a.example", Algorithm.ED25519, bytes(32)).verifier.text, "own", "known"],
    ids=["empty", "nonsense", "private", "without time", "of a log", "known"],
)
def test_what_is_no_key_of_a_witness_is_told_and_kept_typed(log, garance, dpo, key):
    typed = {"own": log.key, "known": GARANCE.verifier.text}.get(key, key)

    answer = browser_of(dpo).post(reverse("audit:witness_add"), {"owner": "Essai", "key": typed})

    assert answer.status_code == 422
    assert 'value="Essai"' in answer.content.decode()
    assert Witness.objects.count() == 1


def named(name: str, algorithm: Algorithm = Algorithm.ED25519_COSIGNATURE) -> str:
    return SigningKey(name, algorithm, bytes([3]) * 32).verifier.text


@pytest.mark.parametrize("name", [GARANCE.name, "GARANCE.example/temoin", "ｇarance.example/temoin", "log"])
@pytest.mark.parametrize("algorithm", [Algorithm.ED25519_COSIGNATURE, Algorithm.ML_DSA_44])
def test_a_name_is_of_one_key_even_once_its_witness_was_ended(log, garance, dpo, name, algorithm):
    witnesses.end(witness_id=garance.pk, actor=Actor(), now=timezone.now())
    key = named(own_key(log).name if name == "log" else name, algorithm)

    answer = browser_of(dpo).post(reverse("audit:witness_add"), {"owner": "Essai", "key": key})

    assert answer.status_code == 422
    assert "déjà pris" in answer.content.decode()
    assert Witness.objects.count() == 1


@pytest.mark.parametrize("unseen", ["\u202e", "\u200b", "\u2066", "\ufeff", "\u00ad", "\ue000"])
def test_a_name_has_no_signs_that_nobody_sees(log, unseen):
    with pytest.raises(WitnessError, match="witness_name_unseen"):
        witnesses.add(key=named(f"pastel{unseen}.example"), owner="Essai", actor=Actor(), now=timezone.now())

    assert not Witness.objects.exists()


def test_what_is_done_to_witnesses_is_recorded_once(log, garance, dpo):
    browser = browser_of(dpo)
    for _ in range(2):
        browser.post(reverse("audit:witness_trust", args=[garance.pk]))
    for _ in range(2):
        browser.post(reverse("audit:witness_end", args=[garance.pk]))

    for action in (Action.WITNESS_TRUSTED, Action.WITNESS_ENDED):
        assert Event.objects.get(action=action).actor_id == dpo.pk
    assert 'id="no-witness"' in browser.get(PAGE).content.decode()


# A witness that runs -------------------------------------------------------------------------------------------------


def run(folder, *arguments) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", verify.__file__, "witness", *map(str, arguments), "--lang", "en"]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder)


@pytest.mark.django_db(transaction=True)
def test_a_witness_follows_every_log_of_a_hub_tells_it_and_catches_it(log, tmp_path, live_server):
    made = run(tmp_path, "--new-key", "secret", "--name", "garance.example/temoin")
    key = VerifierKey.parse(made.stdout.strip())
    visit = (f"{live_server.url}/audit/", "--state", "seen", "--witness-key", "secret", "--post", "--out", "kept")

    stranger = run(tmp_path, *visit)
    witnesses.add(key=key.text, owner="Garance", actor=Actor(), now=timezone.now())
    known = run(tmp_path, *visit)
    grow(20)
    again = run(tmp_path, *visit)

    assert stranger.returncode == 2
    assert "403 witness_unknown" in stranger.stderr
    assert (known.returncode, known.stderr) == (0, ""), "what it saw as a stranger was kept"
    assert (again.returncode, again.stderr) == (0, "")
    for one in Log.objects.all():
        assert Cosignature.objects.filter(checkpoint=newest(one)).count() == 1
    kept = verify.notes_in((tmp_path / "kept").read_text())
    assert {open_note(each, key).checkpoint.origin for each in kept} == {
        VerifierKey.parse(one.key).name for one in Log.objects.all()
    }

    forged = rewritten(log)
    Checkpoint.objects.filter(log=log, size=newest(log).size).update(note=forged)
    caught = run(tmp_path, *visit)

    assert caught.returncode == 1
    assert "two different roots" in caught.stderr
    assert Contradiction.objects.get().log == log
    assert Event.objects.filter(action=Action.WITNESS_CONTRADICTS).count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_log_that_is_no_longer_listed_or_has_another_key_is_told(log, tmp_path, live_server):
    run(tmp_path, "--new-key", "secret", "--name", "garance.example/temoin")
    visit = (f"{live_server.url}/audit", "--state", "seen", "--witness-key", "secret")
    assert run(tmp_path, *visit).returncode == 0

    other = SigningKey(own_key(log).name, Algorithm.ED25519, bytes([66]) * 32)
    point = open_note(newest(log).note, VerifierKey.parse(log.key)).checkpoint
    Log.objects.filter(pk=log.pk).update(key=other.verifier.text)
    Checkpoint.objects.filter(pk=newest(log).pk).update(note=sign(point.text, other, at=seconds()))
    changed = run(tmp_path, *visit)
    Log.objects.filter(pk=log.pk).update(key="")
    hidden = run(tmp_path, *visit)

    assert (changed.returncode, "none of the keys you gave has signed" in changed.stderr) == (2, True)
    assert (hidden.returncode, "shows no longer" in hidden.stderr) == (2, True)
