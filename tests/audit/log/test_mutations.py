"""Every byte of an export, changed: what is signed betrays it, and what is not signed is listed here."""

import json
from functools import lru_cache

import pytest

from audit import verify
from audit.bundle import PERSON, Folder, write_manifest
from audit.note import cosign
from tests.audit.log.hub import ACCESS, HUB, START, WITNESS, export, history, key_of, zipped

KEYS = [verify.key_of(key_of(ACCESS).verifier.text)]
WITNESSES = [verify.key_of(WITNESS.verifier.text)]
# One bit, and the bit by which letters differ from their capitals and from digits, spaces and line ends.
CHANGES = (lambda place: 1 << place % 8, lambda place: 0x20)


@pytest.fixture
def small():
    """Five entries, three checkpoints, a witness."""
    log = history(5, every=2)
    log.notes[1] = cosign(log.notes[1], WITNESS, at=START + 10)
    return log


@pytest.fixture(autouse=True)
def _signatures_are_checked_once(monkeypatch):
    """The same signature of the same message holds or does not: thousands of exports share theirs."""
    monkeypatch.setattr(verify, "holds", lru_cache(maxsize=100_000)(verify.holds))


def outcomes(path, saved=()):
    return verify.verify(str(path), KEYS, [("kept", note) for note in saved], WITNESSES)


def changed_one_by_one(folder):
    """Gives (file, place) while that byte is another."""
    for file in sorted(one for one in folder.rglob("*") if one.is_file()):
        original = file.read_bytes()
        for place in range(len(original)):
            for change in CHANGES:
                content = bytearray(original)
                content[place] ^= change(place)
                file.write_bytes(content)
                yield file.relative_to(folder).as_posix(), place
        file.write_bytes(original)


def unsigned_places(manifest):
    """Of manifest.json: who says to have made it, when, and the white space between."""
    values = json.loads(manifest)
    places = {at for at, sign in enumerate(manifest) if sign in b" \n"}
    for name in ("created", "hub"):
        start = manifest.index(values[name].encode())
        places |= set(range(start, start + len(values[name])))
    return places


def test_ten_thousand_changes_and_none_unseen_in_what_is_signed(small, tmp_path):
    export(tmp_path, small)
    manifest = (tmp_path / "manifest.json").read_bytes()
    assert outcomes(tmp_path, small.notes[:1]).verdict == "sound"
    count, unseen, codes = 0, set(), set()

    for file, place in changed_one_by_one(tmp_path):
        report = outcomes(tmp_path, small.notes[:1])
        count += 1
        codes |= {one.code for one in report.findings}
        if report.verdict == "sound":
            unseen.add((file, place))

    assert count > 10_000
    assert "failed" not in codes
    assert unseen <= {("manifest.json", place) for place in unsigned_places(manifest)}


def test_the_list_of_what_is_not_signed_has_no_byte_too_many(small, tmp_path):
    export(tmp_path, small)
    manifest = (tmp_path / "manifest.json").read_bytes()

    for place in unsigned_places(manifest):
        other = b"\t" if manifest[place] in b" \n" else b"x"
        (tmp_path / "manifest.json").write_bytes(manifest[:place] + other + manifest[place + 1 :])

        assert outcomes(tmp_path).verdict == "sound", place


def test_no_change_to_one_persons_export_is_unseen(small, tmp_path):
    small.write_person(Folder(tmp_path), [1, 4], roles="cs")
    write_manifest(Folder(tmp_path), kind=PERSON, hub=HUB, created="2026-11-29T04:00:00Z")
    manifest = (tmp_path / "manifest.json").read_bytes()
    signatures = [verify.key_of(key_of(ACCESS).verifier.text)], []

    def verdict():
        report = verify.verify(str(tmp_path), signatures[0], [], signatures[1])
        return report.verdict, {one.code for one in report.findings}

    assert verdict() == ("sound", set())
    unseen = set()
    for file, place in changed_one_by_one(tmp_path):
        found, codes = verdict()
        assert "failed" not in codes
        if found == "sound":
            unseen.add((file, place))

    assert unseen <= {("manifest.json", place) for place in unsigned_places(manifest)}


def test_a_zip_with_a_changed_byte_says_what_it_said_or_is_not_sound(small, tmp_path):
    """A zip has bytes that mean nothing, dates for example: then what is read is what was written.

    A tile under another name is a file that is not looked at, which is said.
    """

    def contents(path):
        opened = verify.Export(str(path))
        read = {name: opened.read(name, 1 << 20) for name in opened.names}
        opened.close()
        return read

    path = zipped(tmp_path / "export.zip", small)
    original, wanted = path.read_bytes(), contents(path)
    seen = 0

    for place in range(0, len(original), 2):
        content = bytearray(original)
        content[place] ^= 1 << place % 7
        path.write_bytes(content)
        report = outcomes(path)
        assert "failed" not in [one.code for one in report.findings]
        if report.verdict == "sound" and "ignored" not in [one.code for one in report.findings]:
            assert contents(path) == wanted, place
        seen += report.verdict != "sound"

    assert seen > len(original) / 4
