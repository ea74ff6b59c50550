"""Exports made to mislead or exhaust: answered with a sentence and a status, never a traceback."""

import json
import os
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from audit import bundle, verify
from audit.bundle import Folder
from audit.note import Algorithm, Checkpoint, SigningKey, sign
from audit.zipping import Archive
from tests.audit.log.hub import ACCESS, LEDGER, WITNESS, export, history, key_of, zipped

KEY = key_of(ACCESS).verifier.text
VERIFY = Path(verify.__file__)
LOG = f"log/{ACCESS}/"


@pytest.fixture(scope="module")
def honest():
    return history(300)


def run(*arguments, env=None):
    """As the reader of an export runs it: alone, without the project."""
    return subprocess.run(
        [sys.executable, "-I", str(VERIFY), *map(str, arguments)], capture_output=True, text=True, env=env, timeout=120
    )


def asked(capsys, folder, *more):
    """The status and the answer, from inside."""
    status = verify.main([str(folder), "--key", KEY, "--json", *more])
    answer = json.loads(capsys.readouterr().out)
    assert answer["exit"] == status
    return status, [one["code"] for one in answer["findings"]]


# --- As a program


def test_an_honest_export_ends_with_zero_and_in_french(honest, tmp_path):
    done = run(export(tmp_path, honest), "--key", KEY)

    assert (done.returncode, done.stderr) == (0, "")
    assert "SAIN : rien de ce qui est signé n’a été changé." in done.stdout
    assert "Aucun point de contrôle gardé hors du hub" in done.stdout


def test_a_zip_and_english_and_a_terminal_without_unicode(honest, tmp_path):
    zipped(tmp_path / "export.zip", honest)

    done = run(tmp_path / "export.zip", "--key", KEY, "--lang", "en", env={"LC_ALL": "C", "PYTHONIOENCODING": "ascii"})

    assert (done.returncode, done.stderr) == (0, "")
    assert "SOUND" in done.stdout


def test_the_export_brings_its_verifier_and_says_how_to_use_it(honest, tmp_path):
    bundle.write_guide(Folder(export(tmp_path, honest)), keys="https://hub.example/keys")
    guide = (tmp_path / "LISEZ-MOI.txt").read_text()
    keys = tmp_path.with_name("keys.txt")
    keys.write_text(f"# what the hub publishes\n\n{KEY}\n")

    for line, verdict in [
        ("python3 -I verify.py . --keys FICHIER", "SAIN"),
        ("python3 -I verify.py . --keys FILE --lang en", "SOUND"),
    ]:
        assert f"    {line}\n" in guide
        command = [sys.executable, *line.replace("FICHIER", str(keys)).replace("FILE", str(keys)).split()[1:]]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        assert verdict in done.stdout
        assert "verify.py" not in done.stdout


def test_a_list_of_keys_may_have_those_of_other_logs_and_of_kinds_to_come(honest, tmp_path):
    folder = export(tmp_path / "export", honest)
    later = SigningKey(KEY.partition("+")[0], Algorithm.ML_DSA_44, bytes(32)).verifier.text
    keys = tmp_path / "keys.txt"
    keys.write_text(f"{key_of(LEDGER).verifier.text}\n{later}\n{KEY}\n")

    assert run(folder, "--keys", str(keys)).returncode == 0
    keys.write_text("<!DOCTYPE html>\n")
    assert run(folder, "--keys", str(keys)).returncode == 2
    assert run(folder, "--keys", str(tmp_path / "none")).returncode == 2


def test_a_module_planted_beside_the_verifier_is_not_loaded(honest, tmp_path):
    """Python looks beside a program for what it imports, unless told ``-I``, as the guide says."""
    bundle.write_guide(Folder(export(tmp_path, honest)), keys="https://hub.example/keys")
    (tmp_path / "zipfile.py").write_text("raise SystemExit(77)")

    alone = subprocess.run([sys.executable, "-I", "verify.py", ".", "--key", KEY], cwd=tmp_path, capture_output=True)
    trusting = subprocess.run([sys.executable, "verify.py", ".", "--key", KEY], cwd=tmp_path, capture_output=True)

    assert (alone.returncode, trusting.returncode) == (0, 77)


def test_a_tampered_export_ends_with_one(honest, tmp_path):
    export(tmp_path / "export", honest)
    parts = tmp_path / "export" / LOG / "parts.jsonl"
    parts.write_text(parts.read_text().replace("louty", "pads", 1))
    (tmp_path / "kept").write_text(honest.notes[0])

    done = run(tmp_path / "export", "--key", KEY, "--saved", tmp_path / "kept", "--json")

    assert (done.returncode, done.stderr) == (1, "")
    assert [one["code"] for one in json.loads(done.stdout)["findings"]] == ["part"]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["EXPORT"],
        ["EXPORT", "--key", "nonsense"],
        ["EXPORT", "--key", KEY.replace("f025", "f026")],
        ["EXPORT", "--key", WITNESS.verifier.text],
        ["EXPORT", "--key", KEY, "--witness", "nonsense"],
        ["EXPORT", "--key", KEY, "--saved", "no-such-file"],
        ["EXPORT", "--key", KEY, "--saved", "EXPORT"],
        ["no-such-export", "--key", KEY],
        ["EXPORT", "--key", KEY, "--lang", "de"],
    ],
)
def test_what_cannot_be_told_ends_with_two(honest, tmp_path, arguments):
    folder = str(export(tmp_path, honest))

    done = run(*(argument.replace("EXPORT", folder) for argument in arguments))

    assert done.returncode == 2
    assert "Traceback" not in done.stdout + done.stderr
    assert done.stdout + done.stderr


# --- Files that are missing, or something else


@pytest.mark.parametrize(
    ("file", "status", "code"),
    [
        ("manifest.json", 2, "missing"),
        (LOG + "checkpoint", 2, "missing"),
        (LOG + "parts.jsonl", 2, "missing"),
        (LOG + "tile/entries/000", 1, "short"),
        (LOG + "tile/0/000", 0, "no_tiles"),
    ],
)
def test_a_missing_file_is_named(honest, tmp_path, capsys, file, status, code):
    export(tmp_path, honest)
    (tmp_path / file).unlink()

    assert asked(capsys, tmp_path) == (status, [code])


@pytest.mark.parametrize(
    "content", [b"", b"\0", b"\xff" * 50, b"{}", b"[]", b"null", b"[" * 100_000, b'{"a":' * 100_000]
)
@pytest.mark.parametrize(
    "file",
    [
        "manifest.json",
        LOG + "checkpoint",
        LOG + "checkpoints",
        LOG + "parts.jsonl",
        LOG + "tile/entries/000",
        LOG + "tile/0/000",
    ],
)
def test_nonsense_in_any_file_is_answered(honest, tmp_path, capsys, file, content):
    export(tmp_path, honest)
    (tmp_path / file).write_bytes(content)

    status, codes = asked(capsys, tmp_path)

    if (file, content) != (LOG + "checkpoints", b""):
        assert status in (1, 2)
    assert "failed" not in codes


@pytest.mark.parametrize("name", ["format", "kind", "hub", "created", "withheld"])
@pytest.mark.parametrize(
    "value", [None, 7, "x", [], {"x": 1}, {"x": {"y": 1}}, {"x": {"s": "1"}}, {"x": {"s": -1}}, "\x1b[2J", "\x9b2J"]
)
def test_a_manifest_of_another_shape_is_not_guessed_at(honest, tmp_path, capsys, name, value):
    export(tmp_path, honest)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps(manifest | {name: value}))

    expected = (0, []) if name in ("hub", "created") and value == "x" else (2, ["manifest"])
    assert asked(capsys, tmp_path) == expected


def test_an_export_without_a_log_says_so(tmp_path, capsys):
    export(tmp_path)

    assert asked(capsys, tmp_path) == (2, ["no_log"])


def test_a_part_in_which_text_is_no_text_is_answered(honest, tmp_path, capsys):
    for number, line in enumerate(
        [
            {"id": 1, "json": "{}", "role": "c", "salt": "A" * 43},
            {"id": "x", "json": 1, "role": "c", "salt": "A" * 43},
            {"id": "x", "json": "{}", "role": [], "salt": "A" * 43},
            {"id": "x", "json": "{}", "role": "c", "salt": 3},
            {"id": "x", "json": "{}", "role": "c", "salt": "A" * 42 + "B"},
            {"id": "x", "json": "\ud800", "role": "c", "salt": "A" * 43},
            {"id": "x", "json": "{}", "role": "cs", "salt": "A" * 43},
            {"id": "x", "json": "{}", "role": "c", "salt": "A" * 43, "more": 1},
        ]
    ):
        export(tmp_path / str(number), honest)
        (tmp_path / str(number) / LOG / "parts.jsonl").write_text(json.dumps(line) + "\n")

        assert asked(capsys, tmp_path / str(number)) == (1, ["line"]), line


# --- Names and sizes


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "/etc/passwd",
        "log/../../evil",
        "log//x",
        "log/./x",
        "C:/evil",
        "log\\evil",
        "a\nb",
        "a\x9bb",
        "x" * 301,
    ],
)
def test_a_zip_with_tricks_in_its_names_is_refused(honest, tmp_path, capsys, name):
    path = zipped(tmp_path / "export.zip", honest)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(zipfile.ZipInfo(name), b"")

    assert asked(capsys, path) == (2, ["path"])


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_zip_with_the_same_name_twice_is_refused(honest, tmp_path, capsys):
    path = zipped(tmp_path / "export.zip", honest)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("manifest.json", b"{}")

    assert asked(capsys, path) == (2, ["path"])


def test_a_folder_with_links_is_refused(honest, tmp_path, capsys):
    secret = tmp_path / "secret"
    secret.write_text("not yours")
    for place in ("file", "log/link"):
        folder = export(tmp_path / place.replace("/", "-"), honest)
        os.symlink(secret if place == "file" else tmp_path, folder / place)

        assert asked(capsys, folder) == (2, ["path"])


def test_a_file_that_swells_is_read_no_further_than_it_may(honest, tmp_path, capsys):
    """A kilobyte of zip for a megabyte of nothing: manifest, checkpoint and one endless line."""
    for name, limit in [
        ("manifest.json", verify.MANIFEST_LIMIT),
        (LOG + "checkpoint", verify.NOTE_LIMIT),
        (LOG + "parts.jsonl", verify.LINE_LIMIT),
        (LOG + "tile/entries/000", 256 * 65537),
        (LOG + "tile/0/000", 256 * 32),
    ]:
        path = tmp_path / f"{name.replace('/', '-')}.zip"
        with path.open("wb") as file:
            archive = Archive(file)
            export_with(archive, honest, name, [b" " * limit, b" " * 10])
            archive.close()

        assert asked(capsys, path) == (2, ["too_large"]), name


def export_with(sink, log, name, chunks):
    """The export, with one file replaced."""

    class Replacing:
        def put(self, path, content):
            sink.put(path, chunks if path == name else content)

    log.write(Replacing())
    bundle.write_manifest(Replacing(), kind=bundle.WHOLE, hub="alizarine.example", created="2026-11-29T04:00:00Z")


def test_too_many_files_are_not_counted_twice(honest, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(verify, "FILES_LIMIT", 5)

    assert asked(capsys, export(tmp_path, honest)) == (2, ["too_large"])


def test_a_signed_size_beyond_everything_ends_at_the_first_missing_entry(honest, tmp_path, capsys):
    export(tmp_path, honest)
    huge = sign(Checkpoint(honest.key.name, 10**17, bytes(32)).text, honest.key, at=0)
    (tmp_path / LOG / "checkpoint").write_text(huge)

    status, codes = asked(capsys, tmp_path)

    assert (status, codes) == (1, ["short"])


def test_a_zip_that_is_damaged_encrypted_or_none_is_answered(honest, tmp_path, capsys):
    path = zipped(tmp_path / "export.zip", honest)
    content = path.read_bytes()
    at = content.index(b"parts.jsonl") + 200
    first = content.index(b"PK\x01\x02")
    encrypted = content[: first + 8] + b"\x09\0" + content[first + 10 :]
    method = content[: first + 10] + struct.pack("<H", 99) + content[first + 12 :]
    for number, damaged in enumerate(
        [
            b"",
            b"PK",
            content[:-30],
            content[: len(content) // 2],
            content[:at] + b"\0\0\0\0" + content[at + 4 :],
            encrypted,
            method,
        ]
    ):
        damaged_path = tmp_path / f"{number}.zip"
        damaged_path.write_bytes(damaged)
        assert damaged != content

        status, codes = asked(capsys, damaged_path)

        # Damage inside a compressed file may come out as other content before its checksum tells.
        assert (status, codes) in [(2, ["unreadable"]), (1, ["line"])][: 2 if number == 4 else 1], number


def test_what_nobody_foresaw_is_a_sentence_too(honest, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(verify, "check_log", lambda *arguments: 1 / 0)

    assert asked(capsys, export(tmp_path, honest)) == (2, ["failed"])


def test_memory_does_not_grow_with_a_line(tmp_path):
    """Lines are read to a limit, not to their end."""
    Folder(tmp_path).put("log/x/parts.jsonl", [b"x" * (verify.LINE_LIMIT * 2)])
    export_of = verify.Export(str(tmp_path))

    with pytest.raises(verify.Problem, match="too_large"):
        next(export_of.lines("log/x/parts.jsonl"))
