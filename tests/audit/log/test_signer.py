"""What was signed once is never contradicted, whatever became of the database."""

from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from itertools import pairwise

import pytest
from django.core.management import CommandError, call_command

from audit import merkle, note, signer
from audit.heads import Heads
from audit.models import Checkpoint, Event, Leaf, Log, Pending, Tile
from audit.sequencer import DatabaseTiles, sequence
from audit.services import record
from audit.types import Action, Entry, Trouble
from tests.support.cast import MONDAY

pytestmark = pytest.mark.django_db
LATER = MONDAY + timedelta(seconds=1)


@pytest.fixture(autouse=True)
def heads(settings, tmp_path, member) -> Heads:
    settings.AUDIT_DIR = tmp_path / "audit"
    Pending.objects.all().delete()
    return Heads(settings.AUDIT_DIR)


@pytest.fixture
def signed(heads) -> Log:
    """A log of five entries, signed."""
    grow(5)
    sign()
    return access()


def grow(count: int = 1) -> None:
    record(*(Entry(Action.FAVOURITE_CHANGED, at=MONDAY) for _ in range(count)))
    sequence(now=LATER)


def sign() -> int:
    return signer.sign_due(now=LATER)


def access() -> Log:
    return Log.objects.get(family="access", closed_at=None)


def opened(text: str, log: Log) -> note.Checkpoint:
    return note.open_note(text, note.VerifierKey.parse(log.key)).checkpoint


def cut(log: Log, size: int) -> None:
    """The database as it was when the log was this long."""
    kept = [
        merkle.leaf_hash(bytes(each)) for each in log.leaves.order_by("index").values_list("entry", flat=True)[:size]
    ]
    log.leaves.filter(index__gte=size).delete()
    log.checkpoints.filter(size__gt=size).delete()
    log.tiles.all().delete()
    for (level, number), hashes in merkle.append(DatabaseTiles(log), 0, kept).items():
        Tile.objects.create(log=log, level=level, number=number, hashes=hashes)
    Log.objects.filter(pk=log.pk).update(size=size)


def test_a_log_is_signed_as_long_as_it_is(signed):
    text = signed.checkpoints.get().note

    checkpoint = opened(text, signed)

    assert (checkpoint.origin, checkpoint.size) == (f"localhost:8000/audit/{signed.name}", 5)
    assert checkpoint.root == merkle.root(DatabaseTiles(signed), 5)


def test_its_public_key_stands_in_the_ledger_and_the_secret_one_outside(signed, heads, settings):
    line = Event.objects.get(action=Action.LOG_OPENED, facts__log=signed.name)

    assert line.facts["log_key"] == signed.key
    secret = settings.AUDIT_DIR / f"{signed.name}.key"
    assert secret.stat().st_mode & 0o777 == 0o600
    assert settings.AUDIT_DIR.stat().st_mode & 0o777 == 0o700
    assert heads.key(signed.name).startswith("PRIVATE+KEY+")


def test_what_has_not_grown_is_not_signed_again(signed):
    sign()
    signatures = Checkpoint.objects.filter(log=signed).count()

    assert (sign(), Checkpoint.objects.filter(log=signed).count()) == (0, signatures)


def test_looking_whether_a_log_has_grown_costs_little(signed, django_assert_max_num_queries):
    while sequence(now=LATER) or sign():
        pass

    # The logs, and of each whether the last that was signed is known.
    with django_assert_max_num_queries(1 + Log.objects.count()):
        sign()


def test_every_signature_leads_on_from_the_one_before(signed):
    for count in (1, 250, 3, 300):
        grow(count)
        sign()

    notes = [opened(each.note, signed) for each in signed.checkpoints.order_by("size")]
    assert [each.size for each in notes] == [5, 6, 256, 259, 559]
    tiles = DatabaseTiles(access())
    for before, after in pairwise(notes):
        proof = merkle.consistency_proof(tiles, before.size, after.size)
        merkle.check_consistency(before.size, after.size, before.root, after.root, proof)


def test_a_restored_database_is_not_signed_and_that_is_said_once(signed, heads):
    grow(3)
    sign()
    cut(signed, 5)

    assert [sign(), sign()] == [0, 0]

    assert access().trouble == Trouble.SHORTER
    lines = Event.objects.filter(action=Action.LOG_NOT_SIGNED)
    assert [(line.reason, line.facts["log"]) for line in lines] == [("log_shorter", signed.name)]
    assert opened(heads.head(signed.name), signed).size == 8


def test_a_restored_database_that_grew_again_is_not_signed_either(signed):
    """The fork that a signer without a memory of its own would sign."""
    grow(3)
    sign()
    cut(signed, 5)
    grow(4)

    assert sign() == 0

    assert access().trouble == Trouble.ANOTHER_STORY


def test_an_entry_that_was_rewritten_is_not_signed(signed):
    leaf = signed.leaves.get(index=2)
    Leaf.objects.filter(pk=leaf.pk).update(entry=bytes(leaf.entry).replace(b'"v":1', b'"v":2'))
    cut(signed, 5)
    grow()

    sign()

    assert access().trouble == Trouble.ANOTHER_STORY
    assert signed.checkpoints.count() == 1


def test_killed_between_the_file_and_the_database_it_goes_on_from_the_file(signed, heads):
    grow()
    sign()
    text = heads.head(signed.name)
    signed.checkpoints.filter(size=6).delete()

    assert sign() == 0
    assert signed.checkpoints.get(size=6).note == text
    assert access().trouble == ""


def test_killed_between_the_tree_and_the_signature_it_signs_what_is_there(signed, monkeypatch):
    def killed(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(signer.Heads, "write_head", killed)
    grow(4)
    with pytest.raises(KeyboardInterrupt):
        sign()
    monkeypatch.undo()

    assert sign() >= 1
    assert signed.checkpoints.filter(size=9).exists()


@pytest.mark.parametrize(
    ("name", "content", "trouble"),
    [
        ("key", None, Trouble.KEY_MISSING),
        ("key", "PRIVATE+KEY+nothing", Trouble.KEY_MISSING),
        ("checkpoint", None, Trouble.HEAD_MISSING),
        ("checkpoint", "localhost\n5\n", Trouble.HEAD_UNREADABLE),
        ("checkpoint", "", Trouble.HEAD_UNREADABLE),
        ("checkpoint", b"\xff\xfe", Trouble.HEAD_UNREADABLE),
        ("key", b"\xff\xfe", Trouble.KEY_MISSING),
    ],
)
def test_without_its_files_the_signer_makes_up_nothing(signed, settings, name, content, trouble):
    path = settings.AUDIT_DIR / f"{signed.name}.{name}"
    path.unlink() if content is None else path.write_bytes(content if isinstance(content, bytes) else content.encode())
    grow()

    sign()

    assert access().trouble == trouble
    assert signed.checkpoints.count() == 1


def test_what_is_wrong_with_one_log_is_not_wrong_with_the_others(signed, settings, monkeypatch):
    def of_one(log, *args):
        return 1 / 0 if log.pk == signed.pk else True

    monkeypatch.setattr(signer, "_sign", of_one)

    assert sign() == 1
    assert access().trouble == Trouble.UNKNOWN


def test_a_log_that_was_emptied_is_not_well(signed):
    cut(signed, 0)

    sign()

    assert access().trouble == Trouble.SHORTER


def test_without_the_memory_of_the_first_signature_no_second_story_is_signed(signed, settings):
    signed.checkpoints.all().delete()
    (settings.AUDIT_DIR / f"{signed.name}.checkpoint").write_text("")
    grow()

    sign()

    assert access().trouble == Trouble.HEAD_UNREADABLE
    assert not signed.checkpoints.exists()


def test_a_log_keeps_its_name_when_the_hub_gets_another(signed, settings):
    settings.ORIGIN = "https://sso.example.org"
    grow()
    sign()

    names = {opened(each.note, signed).origin for each in signed.checkpoints.all()}
    assert names == {f"localhost:8000/audit/{signed.name}"}


def test_what_another_worker_has_just_signed_is_not_a_database_that_was_cut(signed, monkeypatch):
    """The logs are read once nobody else signs any more."""
    enter = Heads.alone

    @contextmanager
    def slowly(self):
        with enter(self):
            grow(3)
            monkeypatch.setattr(Heads, "alone", enter)
        sign()
        with enter(self) as alone:
            yield alone

    monkeypatch.setattr(Heads, "alone", slowly)

    sign()

    assert access().trouble == ""


def test_another_key_is_not_taken_for_the_one_of_the_log(signed, settings):
    other = note.SigningKey(signer.origin_of(signed), note.Algorithm.ED25519, bytes(32))
    (settings.AUDIT_DIR / f"{signed.name}.key").write_text(other.text)
    grow()

    sign()

    assert access().trouble == Trouble.KEY_CHANGED


def test_a_folder_that_cannot_be_written_is_said_and_nothing_is_signed(signed, monkeypatch):
    def full(*args):
        raise OSError("no space left on device")

    monkeypatch.setattr(signer.Heads, "write_head", full)
    grow()

    assert sign() == 0
    assert access().trouble == Trouble.FILES

    monkeypatch.undo()
    assert sign() >= 1
    assert access().trouble == ""
    assert Event.objects.filter(action=Action.LOG_SIGNED, facts__log=signed.name).count() == 1


def test_a_folder_that_is_not_ours_is_said_too(signed, settings):
    settings.AUDIT_DIR = settings.AUDIT_DIR / f"{signed.name}.key" / "below a file"
    grow()

    assert sign() == 0
    assert access().trouble == Trouble.FILES


def test_a_log_that_is_closed_and_signed_to_its_end_is_left_alone(signed, settings, django_assert_num_queries):
    Log.objects.update(closed_at=LATER)
    sequence(now=LATER + timedelta(days=190))
    while sign():
        pass
    (settings.AUDIT_DIR / f"{signed.name}.key").unlink()

    assert sign() == 0

    signed.refresh_from_db()
    assert signed.trouble == ""


def test_two_workers_of_a_machine_do_not_sign_at_once(signed, heads):
    grow()

    with heads.alone() as alone:
        assert alone
        assert sign() == 0

    assert sign() >= 1


# The way on ---------------------------------------------------------------------------------------------------


def test_a_log_that_cannot_be_signed_is_given_up_and_the_next_one_says_what_was_held(signed, heads):
    grow(3)
    sign()
    head = heads.head(signed.name)
    cut(signed, 5)
    sign()
    told = StringIO()

    call_command("renew_log", signed.name, stdout=told)
    grow()
    sign()

    following = access()
    assert told.getvalue().strip() == following.name == f"{signed.name}.2"
    line = Event.objects.get(action=Action.LOG_GIVEN_UP)
    assert line.facts == {"log": signed.name, "log_size": 5, "log_next": following.name, "log_head": head}
    assert opened(following.checkpoints.get().note, following).size == following.size >= 1
    assert Log.objects.get(pk=signed.pk).trouble == ""


@pytest.mark.parametrize(("name", "code"), [("nobody", "log_unknown"), (None, "log_is_well")])
def test_a_log_that_is_well_or_unknown_is_not_given_up(signed, name, code):
    with pytest.raises(CommandError, match=code):
        call_command("renew_log", name or signed.name)

    assert Log.objects.filter(given_up=True).count() == 0


def test_who_gives_a_log_up_stands_in_the_journal(signed, dpo, member):
    cut(signed, 2)
    sign()
    for nobody in ("nobody", member.login):
        with pytest.raises(CommandError, match="nobody who keeps the proof"):
            call_command("renew_log", signed.name, "--as", nobody)
    assert Log.objects.filter(given_up=True).count() == 0

    call_command("renew_log", signed.name, "--as", dpo.login, stdout=StringIO())

    assert Event.objects.get(action=Action.LOG_GIVEN_UP).actor_id == dpo.pk


def test_the_command_says_how_each_log_is(signed):
    told = StringIO()

    call_command("renew_log", stdout=told)

    assert f"{signed.name}: 5; well" in told.getvalue().splitlines()
