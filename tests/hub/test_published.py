"""The log over HTTP for witnesses: a hub that runs, the program that a witness runs, and what is kept back."""

import subprocess
import sys

import pytest
from django.conf import settings
from django.db import transaction
from django.test import Client
from django.utils import timezone

from audit import merkle, signer, verify
from audit.heads import Heads
from audit.models import Checkpoint, Leaf, Log, Tile
from audit.note import Checkpoint as checkpoint
from audit.note import SigningKey, VerifierKey, open_note, sign
from audit.sequencer import DatabaseTiles, sequence
from audit.services import record
from audit.types import Action, Entry
from tests.support.oidc import sign_in

pytestmark = pytest.mark.django_db


def grow(events: int = 1) -> None:
    with transaction.atomic():
        record(*[Entry(Action.FAVOURITE_CHANGED) for _ in range(events)])
    while sequence(now=timezone.now()):
        pass
    signer.sign_due(now=timezone.now())


@pytest.fixture
def log(settings, tmp_path) -> Log:
    settings.AUDIT_DIR = tmp_path / "audit"
    grow(600)
    grow(0)
    return Log.objects.get(family="access")


def rewrite(log: Log, index: int) -> None:
    """What whoever holds the database and the signer's key can do: another tree, longer by one, and signed."""
    entries = [bytes(entry) for entry in log.leaves.order_by("index").values_list("entry", flat=True)]
    entries[index] = entries[index].replace(b'"rc":"', b'"rc":"x')
    tiles = merkle.append(DatabaseTiles(Log()), 0, [merkle.leaf_hash(each) for each in (*entries, b"{}")])
    log.tiles.all().delete()
    Tile.objects.bulk_create(
        Tile(log=log, level=level, number=number, hashes=hashes) for (level, number), hashes in tiles.items()
    )
    key = SigningKey.parse(Heads(settings.AUDIT_DIR).key(log.name) or "")
    root = merkle.root(DatabaseTiles(log), len(entries) + 1)
    note = sign(checkpoint(key.name, len(entries) + 1, root).text, key, at=1_800_000_000)
    Checkpoint.objects.create(log=log, size=len(entries) + 1, note=note, at=timezone.now())


def fetched(client: Client, log: Log, path: str):
    return client.get(f"/audit/{log.name}/{path}")


def test_the_address_of_a_log_is_its_name(log, client):
    """C2SP tlog-checkpoint: the origin is the log's address without its scheme."""
    note = fetched(client, log, "checkpoint")

    opened = open_note(note.content.decode(), VerifierKey.parse(log.key))
    assert opened.checkpoint.origin == f"localhost:8000/audit/{log.name}"
    assert note.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert note.headers["Cache-Control"] == "public, max-age=5"


def test_every_log_has_its_key_in_the_list(log, client):
    assert client.get("/audit/keys").content.decode().split() == [each.key for each in Log.objects.order_by("-pk")]


@pytest.mark.spec("C2SP tlog-tiles", "Merkle Tree")
def test_the_tree_is_there_in_full_and_for_ever(log, client):
    size = log.checkpoints.order_by("-size")[0].size
    assert size >= 600
    for level, number, width in merkle.tiles_of(size):
        answer = fetched(client, log, merkle.tile_path(level, number, width))

        assert answer.content == DatabaseTiles(log).tile(level, number)[: width * 32]
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert "immutable" in answer.headers["Cache-Control"]


@pytest.mark.parametrize(
    "path",
    [
        *("tile/0/999", "tile/0/002", "tile/0/002.p/255", "tile/7/000", "tile/64/000"),
        *("tile/0/0", "tile/0/x000/000", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p/999"),
        *("tile/0/x999/x999/x999/x999/x999/x999", "tile/0/../000", "tile/00/000", "tile//000", "tile/entries/999"),
        *("tile/entries/x999/x999/x999/x999/x999/999", "tile/entries/x036/x028/x797/x018/x963/967.p/255"),
        "tile/63/x999/x999/x999/x999/x999/999",
    ],
)
def test_what_is_no_tile_of_it_is_not_there(log, client, path, settings):
    settings.PUBLISH_LOG = "entries"

    assert fetched(client, log, path).status_code == 404


def test_entries_are_kept_back_unless_the_operator_publishes_them(log, client, settings):
    assert fetched(client, log, "tile/entries/000").status_code == 404

    settings.PUBLISH_LOG = "entries"
    shown = merkle.entries_of(fetched(client, log, "tile/entries/001").content)

    assert shown == [
        bytes(each.entry) for each in Leaf.objects.filter(log=log, index__range=(256, 511)).order_by("index")
    ]
    assert merkle.entries_of(fetched(client, log, "tile/entries/002.p/3").content) == [
        bytes(each.entry) for each in Leaf.objects.filter(log=log, index__range=(512, 514)).order_by("index")
    ]
    settings.PUBLISH_LOG = "nothing"
    for path in ("checkpoint", "tile/0/000", "tile/entries/000"):
        assert fetched(client, log, path).status_code == 404
    log.refresh_from_db()
    assert log.key in client.get("/audit/keys").content.decode().split(), "exports name this address"


def test_each_costs_one_statement_and_knows_nobody(log, member, settings, django_assert_num_queries):
    settings.PUBLISH_LOG = "entries"
    browser = sign_in(member)
    for path in (
        "keys",
        *(f"{log.name}/{rest}" for rest in ("checkpoint", "tile/0/000", "tile/1/000.p/2", "tile/entries/000")),
    ):
        with django_assert_num_queries(1):
            answer = browser.get(f"/audit/{path}")
        assert answer.status_code == 200, path
        assert not answer.cookies
        assert "Cookie" not in answer.headers.get("Vary", "")
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_nothing_is_written_there(log, client, method):
    assert getattr(client, method)(f"/audit/{log.name}/checkpoint").status_code == 405


def witness(folder, *arguments) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", verify.__file__, "witness", *map(str, arguments), "--lang", "en"]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder)


@pytest.mark.django_db(transaction=True)
def test_a_witness_follows_a_hub_that_runs(settings, tmp_path, live_server):
    settings.AUDIT_DIR = tmp_path / "audit"
    for _ in range(2):
        grow(300)
    log = Log.objects.get(family="access")
    secret = tmp_path / "secret"
    key = VerifierKey.parse(witness(tmp_path, "--new-key", secret, "--name", "garance.example/temoin").stdout.strip())
    visit = (
        f"{live_server.url}/audit/{log.name}",
        "--key",
        log.key,
        "--state",
        tmp_path / "state",
        "--witness-key",
        secret,
    )

    first = witness(tmp_path, *visit)
    grow(400)
    second = witness(tmp_path, *visit)

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    sizes = [open_note(each.stdout, key).checkpoint.size for each in (first, second)]
    assert sizes[1] - sizes[0] >= 400

    rewrite(log, 3)
    third = witness(tmp_path, *visit)

    assert third.returncode == 1
    assert "the log was rewritten" in third.stderr
