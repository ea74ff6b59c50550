"""The witness: somebody else's computer that looks at the log now and then, and signs what it saw."""

import http.server
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import pytest

from audit import merkle, verify
from audit.bundle import Folder
from audit.note import NoteError, SigningKey, VerifierKey, open_note
from tests.audit.log.hub import ACCESS, LEDGER, THIEF, export, history, key_of

KEY = key_of(ACCESS).verifier.text


class Witness:
    """A key, what it keeps between two visits, and what it says."""

    def __init__(self, folder, capsys):
        self.folder, self.capsys = folder, capsys
        self.state, self.secret = folder / "state", folder / "secret"
        verify.main(["witness", "--new-key", str(self.secret), "--name", "garance.example/temoin"])
        self.key = VerifierKey.parse(capsys.readouterr().out.strip())

    def visits(self, source, *more, key=KEY):
        status = verify.main(
            ["witness", str(source), "--key", key, "--state", str(self.state), "--witness-key", str(self.secret), *more]
        )
        said = self.capsys.readouterr()
        assert "Traceback" not in said.err
        return status, said.out, said.err


@pytest.fixture
def witness(tmp_path, capsys):
    return Witness(tmp_path, capsys)


def published(folder, log):
    log.write(Folder(folder))
    return folder / "log" / log.name


@pytest.fixture
def grown(tmp_path):
    """The same log, published at 300 and at 600 entries."""
    log = history(300)
    published(tmp_path / "300", log)
    for _ in range(300):
        log.record(roles="c")
    log.sign()
    published(tmp_path / "600", log)
    return tmp_path, log


def test_a_new_key_is_the_owners_alone_and_is_not_made_twice(witness, tmp_path):
    assert witness.secret.stat().st_mode & 0o777 == 0o600
    private = SigningKey.parse(witness.secret.read_text())
    assert private.verifier == witness.key

    assert verify.main(["witness", "--new-key", str(witness.secret), "--name", "other"]) == 2
    assert SigningKey.parse(witness.secret.read_text()) == private
    assert verify.main(["witness", "--new-key", str(tmp_path / "other"), "--name", "two words"]) == 2
    assert verify.main(["witness", "--new-key", str(tmp_path / "no" / "folder"), "--name", "name"]) == 2


@pytest.mark.spec("C2SP tlog-cosignature", "Ed25519 signed message")
def test_the_first_visit_believes_the_second_compares(witness, grown):
    folder, log = grown

    status, first, err = witness.visits(folder / "300" / "log" / ACCESS)
    assert (status, "premier passage" in err) == (0, True)
    status, second, err = witness.visits(folder / "600" / "log" / ACCESS)

    assert (status, err) == (0, "")
    for note, size in ((first, 300), (second, 600)):
        opened = open_note(note, log.key.verifier, witness.key)
        assert opened.checkpoint.size == size
        assert opened.signatures[witness.key] > 1_700_000_000
    assert witness.state.read_text() == second


def test_what_a_witness_signed_is_believed_by_the_verifier(witness, grown):
    folder, log = grown
    witness.visits(folder / "600" / "log" / ACCESS)
    export(folder / "export", log)

    report = verify.verify(
        str(folder / "export"),
        [verify.key_of(KEY)],
        [("kept", witness.state.read_text())],
        [verify.key_of(witness.key.text)],
    )

    assert (report.verdict, report.logs[0]["witnessed"]) == ("sound", {"garance.example/temoin": 600})


@pytest.mark.parametrize(
    "sizes", [(1, 2), (1, 600), (255, 256), (256, 257), (256, 512), (300, 512), (512, 513), (3, 600)]
)
def test_any_growth_is_followed(witness, tmp_path, sizes):
    log = history(1, every=10**6)
    for size in sizes:
        while log.size < size:
            log.record(roles="c")
        log.sign()
        status, _, err = witness.visits(published(tmp_path / str(size), log))

        assert status == 0, err


def test_both_roots_come_from_the_same_hashes():
    """At every pair of sizes around the edges of tiles; and no hash can be changed for one root alone."""
    leaves = [merkle.leaf_hash(b"%d" % number) for number in range(66_000)]
    tiles = merkle.append({}, 0, leaves)
    shown = {place: [tile[at : at + 32] for at in range(0, len(tile), 32)] for place, tile in tiles.items()}

    def roots(old, new):
        return verify.both_roots(lambda level, number: shown[level, number], old, 0, new)

    for new in [2, 3, 7, 8, 9, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 66_000]:
        for old in {1, 2, 3, new // 3, new // 2, new - 256, new - 1} & set(range(1, new)):
            assert roots(old, new) == (merkle.root_of(leaves[:old]), merkle.root_of(leaves[:new]))

    honest = roots(300, 1000)
    shown[0, 1][43] = bytes(32)
    assert not set(roots(300, 1000)) & set(honest)


def test_a_log_that_did_not_grow_is_signed_again_with_the_time(witness, grown):
    folder, log = grown
    witness.visits(folder / "300" / "log" / ACCESS)

    status, again, _ = witness.visits(folder / "300" / "log" / ACCESS)

    assert status == 0
    assert open_note(again, log.key.verifier, witness.key).checkpoint.size == 300


def refused(witness, source, code, before, **options):
    """Nothing is signed, what was kept stays, and both notes are shown."""
    status, out, err = witness.visits(source, **options)
    sentence = verify.WORDS[code][0].partition("{")[0]
    assert (status, out, witness.state.read_text()) == (1, "", before)
    assert sentence in err
    assert before in err
    assert (Path(source) / "checkpoint").read_text() in err


def test_a_log_that_shrank_is_refused_with_both_notes(witness, grown):
    folder, _ = grown
    _, before, _ = witness.visits(folder / "600" / "log" / ACCESS)

    refused(witness, folder / "300" / "log" / ACCESS, "back", before)


def rewritten(log, place):
    return log.rebuilt(
        [one.replace(b"access", b"acress") if at == place else one for at, one in enumerate(log.entries)]
    )


@pytest.mark.parametrize("place", [0, 255, 256, 299])
def test_a_log_that_was_rewritten_is_refused_with_both_notes(witness, grown, place):
    folder, log = grown
    _, before, _ = witness.visits(folder / "300" / "log" / ACCESS)

    refused(witness, published(folder / "rewritten", rewritten(log, place)), "inconsistent", before)


def test_two_roots_for_one_size_are_refused_with_both_notes(witness, grown):
    folder, log = grown
    _, before, _ = witness.visits(folder / "600" / "log" / ACCESS)

    refused(witness, published(folder / "rewritten", rewritten(log, 0)), "equivocation", before)


@pytest.mark.parametrize("honestly", [["0/000", "0/001"], ["0/000", "0/001", "0/002.p/88", "1/000.p/2"]])
def test_tiles_that_lie_convince_nobody(witness, grown, honestly):
    """The tree was rewritten and its server shows tiles of the honest one, some or all: both roots must come out."""
    folder, log = grown
    _, before, _ = witness.visits(folder / "300" / "log" / ACCESS)
    source = published(folder / "lying", rewritten(log, 0))
    honest = folder / "600" / "log" / ACCESS
    for tile in honestly:
        (source / "tile" / tile).write_bytes((honest / "tile" / tile).read_bytes())

    refused(witness, source, "inconsistent", before)


def test_a_tile_that_filled_up_since_serves_and_one_that_is_gone_tells_nothing(witness, grown):
    folder, _ = grown
    _, before, _ = witness.visits(folder / "300" / "log" / ACCESS)
    source = folder / "600" / "log" / ACCESS
    full = source / "tile" / "0" / "002"
    partial = source / "tile" / "0" / "002.p" / "88"
    kept = partial.read_bytes()
    partial.unlink()

    status, out, err = witness.visits(source)
    assert (status, out, witness.state.read_text()) == (2, "", before)
    assert "002.p/88 manque" in err

    full.write_bytes(kept + bytes(8192 - len(kept)))
    assert witness.visits(source)[0] == 0


@pytest.mark.parametrize("size", [300, 8000])
def test_a_tile_of_another_length_tells_nothing(witness, grown, size):
    folder, _ = grown
    witness.visits(folder / "300" / "log" / ACCESS)
    (folder / "600" / "log" / ACCESS / "tile" / "0" / "001").write_bytes(bytes(size))

    assert witness.visits(folder / "600" / "log" / ACCESS)[0] == 2


def test_another_key_or_another_log_is_not_signed(witness, grown):
    folder, log = grown
    stranger = published(folder / "stranger", log.rebuilt(log.entries, key=key_of(ACCESS, THIEF)))

    status, out, err = witness.visits(stranger)
    assert (status, out, "aucune des clés" in err) == (2, "", True)
    assert not witness.state.exists()

    witness.visits(folder / "300" / "log" / ACCESS)
    ledger = history(10, name=LEDGER)
    status, out, _ = witness.visits(published(folder, ledger), "--key", KEY, key=ledger.key.verifier.text)
    assert (status, out) == (2, "")


def test_what_it_kept_is_checked_before_it_is_believed(witness, grown):
    folder, _ = grown
    for nonsense in ("", "nonsense", witness.secret.read_text()):
        witness.state.write_text(nonsense)

        status, out, _ = witness.visits(folder / "300" / "log" / ACCESS)

        assert (status, out, witness.state.read_text()) == (2, "", nonsense)


@pytest.mark.parametrize("secret", ["", "nonsense", key_of(ACCESS).text, "PRIVATE+KEY++00000000+BA=="])
def test_a_key_that_is_no_witnesss_signs_nothing(witness, grown, secret):
    witness.secret.write_text(secret)

    assert witness.visits(grown[0] / "300" / "log" / ACCESS)[0] == 2
    assert not witness.state.exists()


def test_what_it_saw_is_kept_before_it_is_shown(witness, grown, monkeypatch):
    """A signature that left and was not kept would let the log show something else at the next visit."""
    monkeypatch.setattr(verify.os, "replace", lambda *names: (_ for _ in ()).throw(OSError("disk full")))

    status, out, err = witness.visits(grown[0] / "300" / "log" / ACCESS)

    assert (status, out) == (2, "")
    assert "ne s’écrit pas" in err


def test_a_log_is_looked_at_over_http(witness, grown, tmp_path):
    folder, _ = grown
    handler = partial(QuietHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        try:
            statuses = [witness.visits(f"{address}/{size}/log/{ACCESS}/")[0] for size in (300, 600)]
            missing = witness.visits(f"{address}/nowhere")
            broken = witness.visits(f"{address}/broken")
        finally:
            server.shutdown()

    assert statuses == [0, 0]
    assert (missing[0], "checkpoint manque" in missing[2]) == (2, True)
    assert (broken[0], "(500)" in broken[2]) == (2, True)
    assert witness.visits(f"{address}/600/log/{ACCESS}")[0] == 2, "nobody listens any more"


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/broken"):
            self.send_error(500)
        else:
            super().do_GET()

    def log_message(self, *arguments):
        pass


def test_an_endless_checkpoint_is_not_read_to_its_end(witness, tmp_path):
    (tmp_path / "checkpoint").write_bytes(b"x" * (verify.NOTE_LIMIT + 1))

    status, out, err = witness.visits(tmp_path)

    assert (status, out, "démesuré" in err) == (2, "", True)


def test_the_witness_runs_alone(grown, tmp_path):
    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-I", verify.__file__, "witness", *map(str, arguments)], capture_output=True, text=True
        )

    made = run("--new-key", tmp_path / "secret", "--name", "garance.example/temoin")
    key = VerifierKey.parse(made.stdout.strip())
    more = ["--key", KEY, "--state", tmp_path / "state", "--witness-key", tmp_path / "secret", "--lang", "en"]
    first = run(grown[0] / "600" / "log" / ACCESS, *more, "--out", tmp_path / "cosigned")
    back = run(grown[0] / "300" / "log" / ACCESS, *more)
    nothing = run()

    assert (first.returncode, first.stdout, first.stderr) == (0, "", "first visit: nothing to compare with\n")
    assert open_note((tmp_path / "cosigned").read_text(), key)
    assert (back.returncode, "the log has shrunk" in back.stderr) == (1, True)
    assert (nothing.returncode, "usage: verify.py witness" in nothing.stderr) == (2, True)
    with pytest.raises(NoteError):
        open_note((grown[0] / "600" / "log" / ACCESS / "checkpoint").read_text(), key)
