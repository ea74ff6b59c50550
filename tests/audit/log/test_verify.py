"""What the verifier sees, and what it says that it cannot see: the attacks and faults the log was made against."""

import ast
import base64
import json
import re
import sys
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from string import Formatter

import pytest

from audit import bundle, merkle, verify
from audit.bundle import Disclosed, Folder
from audit.note import Algorithm, Checkpoint, SigningKey, cosign, sign
from audit.parts import GONE, Part, Role
from audit.zipping import Archive
from tests.audit.log.hub import ACCESS, LEDGER, START, THIEF, WITNESS, Log, export, history, key_of, zipped

KEY = key_of(ACCESS).verifier.text
WITNESS_KEY = WITNESS.verifier.text


@pytest.fixture(scope="module")
def honest():
    """Six hundred entries, signed at every hundred."""
    return history()


def check(folder, *keys, saved=(), witnesses=(), hub=""):
    """``saved``: notes that somebody kept."""
    return verify.verify(
        str(folder),
        [verify.key_of(key) for key in keys or [KEY]],
        [(f"kept-{number}", note) for number, note in enumerate(saved)],
        [verify.key_of(key) for key in witnesses],
        hub=hub,
    )


def found(report, kind=None):
    return [one.code for one in report.findings if kind in (None, one.kind)]


def unproved(report):
    return [code for code, _ in report.not_proved]


def bent(entry):
    """Another entry, as well-formed as this one."""
    return entry.replace(b'"rc":"access"', b'"rc":"acress"')


# --- What is sound


def test_an_honest_export_is_sound_and_says_what_that_does_not_prove(honest, tmp_path):
    report = check(export(tmp_path, honest))

    assert (report.verdict, found(report)) == ("sound", [])
    assert report.logs[0]["entries"] == 600
    assert report.logs[0]["disclosed"] == {"c": 600, "s": 600, "x": 600}
    assert unproved(report) == ["nothing_held", "split", "truth", "due", "copies", "clock", "queue", "unsigned"]


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 512, 513])
def test_logs_of_every_shape_are_sound(tmp_path, size):
    log = Log()
    log.sign()
    for _ in range(size):
        log.record(roles="c")
        if log.size % 50 == 0:
            log.sign()
    log.sign()

    assert check(export(tmp_path, log)).verdict == "sound"


def test_a_tree_with_a_full_tile_of_full_tiles_is_sound_at_every_checkpoint(tmp_path):
    """65,536 entries fill the tile at level 1; entries are many, so they are made at once and have one part."""
    log = Log()
    log.record(roles="c")
    shape = log.entries[0]
    log = Log()
    entries = [shape.replace(shape[7:15], b"%08x" % number, 1) for number in range(65_700)]
    log.entries = entries
    log.tiles.update(merkle.append(log.tiles, 0, [merkle.leaf_hash(entry) for entry in entries]))
    for size in (1, 255, 256, 257, 65_535, 65_536, 65_537, 65_700):
        checkpoint = Checkpoint(log.key.name, size, merkle.root(log.tiles, size))
        log.notes.append(sign(checkpoint.text, log.key, at=START))

    report = check(export(tmp_path, log, withheld={ACCESS: {"c": 65_700}}))

    assert (report.verdict, found(report)) == ("sound", [])


def test_a_zip_is_read_like_a_folder(honest, tmp_path):
    report = check(zipped(tmp_path / "export.zip", honest))

    assert (report.verdict, report.logs[0]["entries"]) == ("sound", 600)


def test_a_zip_can_be_written_to_what_only_goes_forward(honest, tmp_path):
    """An answer to a browser, for example."""

    class Answer:
        def __init__(self):
            self.content = b""

        def write(self, content):
            self.content += content
            return len(content)

        def flush(self):
            pass

    answer = Answer()
    archive = Archive(answer)
    honest.write(archive)
    bundle.write_manifest(archive, kind=bundle.WHOLE, hub="alizarine.example", created="2026-11-29T04:00:00Z")
    archive.close()
    (tmp_path / "export.zip").write_bytes(answer.content)

    assert check(tmp_path / "export.zip").verdict == "sound"


def test_the_same_checkpoint_many_times_costs_no_more_than_once(honest, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(verify, "holds", lambda *arguments: asked.append(1) or True)
    log = replace_parts(honest, honest.parts)
    log.notes = [*honest.notes[:1] * 1000, honest.notes[-1]]

    report = check(export(tmp_path, log))

    assert (report.verdict, len(asked)) == ("sound", 2)


def test_events_since_the_newest_checkpoint_are_no_part_of_the_export(tmp_path):
    log = history(300)
    log.record()

    report = check(export(tmp_path, replace_parts(log, log.parts[:-3])))

    assert (report.verdict, report.logs[0]["size"]) == ("sound", 300)


def replace_parts(log, parts):
    other = Log(log.name, log.key)
    other.tiles, other.entries, other.notes, other.events = log.tiles, log.entries, log.notes, log.events
    other.parts = list(parts)
    return other


# --- Entries changed, removed, moved, added


@pytest.mark.parametrize("place", [0, 99, 100, 255, 256, 599])
def test_a_changed_entry_is_seen_wherever_it_is(honest, tmp_path, place):
    log = replace_parts(honest, honest.parts)
    log.entries = [*honest.entries]
    log.entries[place] = bent(log.entries[place])

    report = check(export(tmp_path, log))

    # The last of 256 is betrayed by the tile that it fills, the others by the next checkpoint.
    assert (report.verdict, found(report)) == ("tampered", ["tile" if place == 255 else "root"])
    if place != 255:
        assert report.findings[0].fields["size"] == -(-(place + 1) // 100) * 100


def overwrite(folder, entries):
    """Entries in the files of an export that had six hundred."""
    for number, name in enumerate(["000", "001", "002.p/88"]):
        path = folder / "log" / ACCESS / "tile" / "entries" / name
        path.write_bytes(merkle.entry_bundle(entries[number * 256 : number * 256 + 256]))
    return folder


@pytest.mark.parametrize(
    "bend",
    [
        lambda entry: entry.replace(b"[[", b"[ ["),
        lambda entry: entry.replace(b'["s"', b'["c"'),
        lambda entry: entry.replace(b'["c"', b'["x"'),
        lambda entry: entry.replace(b'["s"', b'["z"'),
        lambda entry: entry.replace(b'"v":1', b'"v":2'),
        lambda entry: entry.replace(b'"ts":', b'"ts":0'),
        lambda entry: entry[:21] + b"7" + entry[22:],  # no version 4
        lambda entry: entry + b"\n",
        lambda entry: b"",
    ],
)
def test_what_is_no_entry_is_told_even_when_it_was_signed(tmp_path, bend):
    log = history(3)
    log.add(bend(log.entries[0]))
    log.sign()

    report = check(export(tmp_path, log))

    assert (report.verdict, found(report)) == ("tampered", ["entry"])
    assert report.findings[0].fields["index"] == 3


def test_a_removed_entry_is_seen(honest, tmp_path):
    export(tmp_path, replace_parts(honest, honest.parts[:-3]))

    report = check(overwrite(tmp_path, honest.entries[:-1]))

    assert found(report, "tampered") == ["short"]
    assert report.findings[0].fields["count"] == 599


def test_an_entry_removed_from_the_middle_is_seen(honest, tmp_path):
    gone = verify.ENTRY(honest.entries[300])[1].decode()
    export(tmp_path, replace_parts(honest, [one for one in honest.parts if str(one.reference) != gone]))

    assert found(check(overwrite(tmp_path, honest.entries[:300] + honest.entries[301:])), "tampered") == ["root"]


def test_an_export_with_fewer_entries_than_were_signed_is_not_written(honest, tmp_path):
    with pytest.raises(ValueError, match="600 entries are signed, and there are 599"):
        honest.write(Folder(tmp_path), entries=honest.entries[:-1])


def test_a_tail_that_was_cut_while_checkpoints_stayed_is_seen(honest, tmp_path):
    export(tmp_path, honest)
    (tmp_path / "log" / ACCESS / "tile" / "entries" / "002.p" / "88").unlink()

    report = check(tmp_path)

    assert (report.verdict, found(report)) == ("tampered", ["short"])
    assert report.findings[0].fields["count"] == 512


def test_a_tail_cut_with_its_checkpoints_is_not_seen_and_that_is_said(honest, tmp_path):
    log = replace_parts(honest, honest.parts[:1500])
    log.notes = honest.notes[:-1]

    report = check(export(tmp_path, log))

    assert (report.verdict, report.logs[0]["size"]) == ("sound", 500)
    assert "nothing_held" in unproved(report)


def test_the_same_is_seen_by_whoever_kept_the_newest_checkpoint(honest, tmp_path):
    log = replace_parts(honest, honest.parts[:1500])
    log.notes = honest.notes[:-1]

    report = check(export(tmp_path, log), saved=[honest.notes[-1]])

    assert (report.verdict, found(report)) == ("tampered", ["longer"])


def test_two_neighbours_swapped_are_seen(tmp_path):
    log = history(at=START)
    log.entries[41], log.entries[42] = log.entries[42], log.entries[41]
    log.parts[123:126], log.parts[126:129] = log.parts[126:129], log.parts[123:126]

    assert found(check(export(tmp_path, log)), "tampered") == ["root"]


def test_a_forged_entry_is_seen(honest, tmp_path):
    log = replace_parts(honest, honest.parts[:-3])
    forged = Log()
    forged.record(at=START + 300)
    log.entries = honest.entries[:299] + forged.entries + honest.entries[299:]

    assert found(check(export(tmp_path, log)), "tampered") == ["root"]


def test_entries_after_the_signed_ones_in_the_last_file_are_seen(honest, tmp_path):
    export(tmp_path, honest)
    last = tmp_path / "log" / ACCESS / "tile" / "entries" / "002.p" / "88"
    last.write_bytes(last.read_bytes() + merkle.entry_bundle([honest.entries[0].replace(b'"ts":17', b'"ts":18')]))

    assert found(check(tmp_path), "tampered") == ["bundle"]


def test_a_doubled_entry_is_seen(honest, tmp_path):
    log = replace_parts(honest, honest.parts[:-3])
    log.entries = honest.entries[:300] + honest.entries[299:]

    assert found(check(export(tmp_path, log)), "tampered") == ["root"]


def test_a_doubled_entry_is_seen_even_when_the_key_was_stolen_to_sign_it(honest, tmp_path):
    log = honest.rebuilt([*honest.entries, honest.entries[-1]])

    report = check(export(tmp_path, log))

    assert found(report, "tampered") == ["doubled"]
    assert report.findings[0].fields["id"].encode() in honest.entries[-1]


def test_a_doubled_entry_is_seen_among_more_than_memory_should_hold(honest, tmp_path, monkeypatch):
    monkeypatch.setattr(verify.Identifiers, "IN_MEMORY", 1600)
    log = honest.rebuilt([*honest.entries, honest.entries[3].replace(b'"ts":17', b'"ts":18')])

    assert check(export(tmp_path / "honest", honest)).verdict == "sound"
    assert found(check(export(tmp_path / "doubled", log)), "tampered") == ["doubled"]


# --- The key stolen


def test_a_middle_rewritten_by_a_key_thief_is_seen_by_whoever_kept_a_checkpoint(honest, tmp_path):
    log = honest.rebuilt([bent(entry) if number == 250 else entry for number, entry in enumerate(honest.entries)])
    kept = honest.notes[3]

    report = check(export(tmp_path, log), saved=[kept])

    assert (report.verdict, found(report)) == ("tampered", ["equivocation"])
    assert kept in report.findings[0].said(0)
    assert log.notes[3] in report.findings[0].said(1)


def test_a_rewriting_that_signs_at_other_sizes_is_seen_too(honest, tmp_path):
    log = honest.rebuilt([bent(entry) if number == 250 else entry for number, entry in enumerate(honest.entries)])
    log.notes = log.notes[-1:]

    report = check(export(tmp_path, log), saved=[honest.notes[3]])

    assert (report.verdict, found(report)) == ("tampered", ["root"])


def test_a_rewriting_before_which_nothing_was_kept_is_not_seen_and_that_is_said(honest, tmp_path):
    log = honest.rebuilt([bent(entry) if number == 250 else entry for number, entry in enumerate(honest.entries)])

    report = check(export(tmp_path, log))

    assert report.verdict == "sound"
    assert "nothing_held" in unproved(report)


def test_what_came_after_the_kept_checkpoint_is_not_protected_by_it_and_that_is_said(honest, tmp_path):
    log = honest.rebuilt([bent(entry) if number == 250 else entry for number, entry in enumerate(honest.entries)])

    report = check(export(tmp_path, log), saved=[honest.notes[1]])

    assert (report.verdict, report.logs[0]["held"]) == ("sound", 200)
    assert "since_held" in unproved(report)


def test_a_checkpoint_by_another_key_is_refused(honest, tmp_path):
    log = honest.rebuilt(honest.entries, key=key_of(ACCESS, THIEF))

    report = check(export(tmp_path, log))

    assert (report.verdict, found(report)) == ("unknown", ["unknown_key"])


def test_a_signature_that_does_not_hold_is_refused(honest, tmp_path):
    export(tmp_path, honest)
    (tmp_path / "log" / ACCESS / "checkpoint").write_text(honest.notes[-1].replace("\n600\n", "\n601\n"))

    report = check(tmp_path)

    assert (report.verdict, found(report)) == ("tampered", ["signature"])


def test_a_checkpoint_that_only_a_witness_signed_is_no_checkpoint_of_the_log(honest, tmp_path):
    export(tmp_path, honest)
    text = honest.notes[-1].rpartition("\n\n")[0] + "\n"
    (tmp_path / "log" / ACCESS / "checkpoint").write_text(sign(text, WITNESS, at=START + 700))

    report = check(tmp_path, witnesses=[WITNESS_KEY])

    assert (report.verdict, found(report)) == ("unknown", ["unknown_key"])


@pytest.mark.parametrize(
    "more", ["— \n", "nonsense\n", "— name nonsense!\n", "— name AAA\n", "— name AB==\n", "\n", "— name AAAA", "\n\n"]
)
def test_a_line_that_is_no_signature_makes_no_note(honest, tmp_path, more):
    export(tmp_path, honest)
    (tmp_path / "log" / ACCESS / "checkpoint").write_text(honest.notes[-1] + more)

    report = check(tmp_path)

    assert (report.verdict, found(report)) == ("unknown", ["note"])


def test_two_roots_for_one_size_are_told_with_both_notes(honest, tmp_path):
    other = honest.rebuilt([bent(honest.entries[0]), *honest.entries[1:]])
    log = replace_parts(honest, honest.parts)
    log.notes = [other.notes[2], *honest.notes]

    report = check(export(tmp_path, log))

    assert (report.verdict, found(report)) == ("tampered", ["equivocation"])
    assert report.findings[0].fields["size"] == 300
    assert honest.notes[2] in report.findings[0].said(0)
    assert other.notes[2] in report.findings[0].said(0)


# --- Time


def test_a_clock_set_back_in_a_signed_batch_is_seen(tmp_path):
    log = Log()
    log.record(at=START + 10)
    log.record(at=START + 9)
    log.sign()

    report = check(export(tmp_path, log))

    assert (report.verdict, found(report)) == ("tampered", ["falls"])
    assert report.findings[0].fields["index"] == 1


def test_an_entry_sealed_long_before_what_it_tells_of_is_seen(tmp_path):
    log = Log()
    log.record(at=START, happened=START + 119)
    log.sign()
    assert check(export(tmp_path / "near", log)).verdict == "sound"

    log.record(at=START, happened=START + 120)
    log.sign()

    assert found(check(export(tmp_path / "far", log)), "tampered") == ["early"]


def test_an_entry_sealed_long_after_what_it_tells_of_is_remarked(tmp_path):
    """A sequencer that stood still for an hour leaves these: the log says so, and is sound."""
    log = Log()
    log.record(at=START, happened=START - 120)
    log.record(at=START, happened=START - 121)
    log.record(at=START, happened=START - 3600)
    log.sign()

    report = check(export(tmp_path, log))

    assert (report.verdict, found(report)) == ("sound", ["late"])
    assert report.findings[0].fields | {"log": ACCESS} == {"log": ACCESS, "count": 2, "index": 1}


# --- Parts


def test_a_disclosed_value_that_was_altered_is_seen(honest, tmp_path):
    first = honest.parts[0]
    altered = Disclosed(first.reference, first.part._replace(text=first.part.text.replace("louty", "pads")))

    report = check(export(tmp_path, replace_parts(honest, [altered, *honest.parts[1:]])))

    assert (report.verdict, found(report)) == ("tampered", ["part"])
    assert report.findings[0].fields["role"] == "c"


@pytest.mark.parametrize("change", ["role", "salt", "twice", "stranger", "order", "of_another"])
def test_a_part_belongs_to_one_entry_and_one_role_once(honest, tmp_path, change):
    first, second, *rest = honest.parts
    parts = {
        "role": [Disclosed(first.reference, first.part._replace(role=Role.SUBJECT)), *rest],
        "salt": [Disclosed(first.reference, first.part._replace(salt=bytes(32))), second, *rest],
        "twice": [first, first, second, *rest],
        "stranger": [first, second, Disclosed(first.reference, Part(Role.ACTOR, bytes(32), "{}")), *rest],
        "order": [*rest, first, second],
        "of_another": [first, second, Disclosed(first.reference, rest[-1].part), *rest],
    }[change]

    report = check(export(tmp_path, replace_parts(honest, parts)))

    assert report.verdict == "tampered"
    assert found(report, "tampered")[0] == ("stray" if change == "order" else "part")


def test_an_erased_person_leaves_a_sound_log_in_which_their_parts_are_missing(tmp_path):
    log = history(300)
    erased = log.erase([one.reference for one in log.parts if one.part.role is Role.SUBJECT][::7])
    log.sign()

    report = check(export(tmp_path, log))

    assert (report.verdict, found(report)) == ("sound", [])
    assert erased == 86
    assert sum(report.logs[0]["committed"].values()) - sum(report.logs[0]["disclosed"].values()) == erased


def test_a_part_that_is_gone_and_not_announced_is_told(honest, tmp_path):
    report = check(export(tmp_path, replace_parts(honest, [*honest.parts[:4], *honest.parts[5:]])))

    assert (report.verdict, found(report)) == ("tampered", ["balance"])
    assert report.findings[0].fields == {"log": ACCESS, "role": "s", "missing": 1, "gone": 0, "held": 0}


def test_a_part_that_was_announced_as_erased_and_is_still_there_is_told(tmp_path):
    log = history(300)
    kept = list(log.parts)
    log.erase([log.parts[0].reference])
    log.sign()

    report = check(export(tmp_path, replace_parts(log, [*kept, *log.parts[-1:]])))

    assert (report.verdict, found(report)) == ("tampered", ["balance", "balance"])


def test_parts_that_the_sender_withholds_are_counted_apart(honest, tmp_path):
    shown = [one for one in honest.parts if one.part.role is not Role.NETWORK]

    report = check(export(tmp_path, replace_parts(honest, shown), withheld={ACCESS: {"x": 600}}))

    assert (report.verdict, "unsigned" in unproved(report)) == ("sound", True)
    said = verify.as_text(report, 0)
    assert "« personne » : 600 divulguées, aucune absente" in said
    assert "« réseau » : 0 divulguée, 600 absentes, dont 600 retenues par l’expéditeur" in said


@pytest.mark.parametrize(
    "gone",
    [
        {"access-2026h2": 3},
        [1],
        {"access-2026h2": {"s": "1"}},
        {"access-2026h2": {"s": True}},
        {"access-2026h2": {"s": None}},
        "x",
    ],
)
def test_an_erasure_that_does_not_say_what_is_told(tmp_path, gone):
    log = history(100)
    log.record("audit:retention:run", common={GONE: gone}, roles="c")
    log.sign()

    assert found(check(export(tmp_path, log)), "tampered") == ["erasure"]


def test_no_announcement_takes_back_what_another_announced(tmp_path):
    log = history(100)
    for count in (5, -5):
        log.record("audit:retention:run", common={GONE: {log.name: {"s": count}}}, roles="c")
    log.sign()

    assert found(check(export(tmp_path, log)), "tampered") == ["erasure"]


def test_erasures_of_one_log_may_be_announced_in_another(tmp_path):
    access, ledger = history(200), history(50, name=LEDGER)
    access.parts = [one for one in access.parts if one.part.role is not Role.NETWORK]
    ledger.record("audit:retention:run", common={GONE: {ACCESS: {"x": 200}}}, roles="c")
    ledger.sign()
    keys = KEY, key_of(LEDGER).verifier.text

    assert check(export(tmp_path / "both", access, ledger), *keys).verdict == "sound"
    assert found(check(export(tmp_path / "one", access)), "tampered") == ["balance"]


def test_a_balance_is_not_drawn_from_a_log_that_does_not_hold(tmp_path):
    """The announcements are in it: what they said is not known, and nobody is accused of not announcing."""
    access, ledger = history(200), history(50, name=LEDGER)
    access.parts = [one for one in access.parts if one.part.role is not Role.NETWORK]
    ledger.record("audit:retention:run", common={GONE: {ACCESS: {"x": 200}}}, roles="c")
    ledger.sign()
    ledger.entries[3] = bent(ledger.entries[3])

    report = check(export(tmp_path, access, ledger), KEY, key_of(LEDGER).verifier.text)

    assert (report.verdict, found(report)) == ("tampered", ["root"])


# --- Keys, witnesses, origins


def test_another_cooperatives_export_is_refused(tmp_path):
    theirs = history(100, key=SigningKey("garance.example/audit/access-2026h2", Algorithm.ED25519, bytes([5]) * 32))

    report = check(export(tmp_path, theirs))

    assert (report.verdict, found(report)) == ("unknown", ["unknown_key"])
    assert report.findings[0].fields["found"] == "garance.example/audit/access-2026h2"


def test_a_key_speaks_for_its_own_log_only(tmp_path):
    log = history(100)
    foreign = Checkpoint("garance.example/audit/access-2026h2", 100, merkle.root(log.tiles, 100))
    log.notes = [sign(foreign.text, log.key, at=START)]

    report = check(export(tmp_path, log))

    assert (report.verdict, found(report)) == ("tampered", ["origin"])


def test_a_checkpoint_of_another_log_among_the_older_ones_is_told(honest, tmp_path):
    ledger = history(10, name=LEDGER)
    log = replace_parts(honest, honest.parts)
    log.notes = [ledger.notes[-1], *honest.notes]

    report = check(export(tmp_path, log), KEY, ledger.key.verifier.text)

    assert (report.verdict, found(report)) == ("tampered", ["origin"])


def test_a_log_is_called_by_its_name(honest, tmp_path):
    export(tmp_path, honest)
    (tmp_path / "log" / ACCESS).rename(tmp_path / "log" / "ledger-2026")

    assert found(check(tmp_path), "tampered") == ["origin"]


def test_a_log_may_change_keys_and_needs_all_of_them_to_be_read(tmp_path):
    log, next_key = history(200), key_of(ACCESS, bytes([8]) * 32)
    log.record()
    log.sign(key=next_key)

    assert check(export(tmp_path, log), KEY, next_key.verifier.text).verdict == "sound"
    report = check(tmp_path, next_key.verifier.text)
    assert (report.verdict, found(report)) == ("unknown", ["unknown_key"])


def test_a_second_signature_by_ml_dsa_44_is_passed_over(tmp_path):
    log = history(100)
    second = key_of(ACCESS, algorithm=Algorithm.ML_DSA_44)
    log.notes = [cosign(note, second, at=START) for note in log.notes]

    assert check(export(tmp_path, log)).verdict == "sound"
    with pytest.raises(verify.Problem, match="key_kind"):
        check(tmp_path, second.verifier.text)


@pytest.mark.parametrize("content", [b"\1" + bytes(31), b"\1" + bytes(33), b"\2" + bytes(32), b"\6" + bytes(1312), b""])
def test_a_key_of_another_kind_or_length_is_not_used(content):
    identifier = sha256(b"name\n" + content).hexdigest()[:8]

    with pytest.raises(verify.Problem, match="key_kind"):
        verify.key_of(f"name+{identifier}+{base64.b64encode(content).decode()}")


def test_what_a_witness_saw_is_told_and_held(tmp_path):
    log = history(300)
    for number in (0, 1):
        log.notes[number] = cosign(log.notes[number], WITNESS, at=START + 200)
    log.notes = [log.notes[1], log.notes[0], log.notes[2]]

    report = check(export(tmp_path, log), witnesses=[WITNESS_KEY])

    assert (report.verdict, report.logs[0]["held"]) == ("sound", 200)
    assert report.logs[0]["witnessed"] == {WITNESS.name: 200}
    assert unproved(report)[0] == "since_held"
    assert "split" not in unproved(report)


def test_one_log_that_is_held_does_not_hold_another(tmp_path):
    access, ledger = history(100), history(50, name=LEDGER)

    report = check(export(tmp_path, access, ledger), KEY, ledger.key.verifier.text, saved=access.notes)

    assert report.verdict == "sound"
    assert unproved(report)[:2] == ["since_held", "nothing_held"]


def test_a_witness_who_signed_nothing_here_is_told(honest, tmp_path):
    report = check(export(tmp_path, honest), witnesses=[WITNESS_KEY])

    assert (report.verdict, found(report)) == ("unknown", ["unwitnessed"])


def test_a_witness_line_that_does_not_hold_is_refused(tmp_path):
    log = history(100)
    forged = replace(WITNESS, seed=THIEF)
    line = cosign(log.notes[0], forged, at=START).removeprefix(log.notes[0])
    signature = verify.unbase64(line.split()[2])
    log.notes[0] += line.replace(
        line.split()[2], verify.base64.b64encode(WITNESS.verifier.identifier + signature[4:]).decode()
    )

    report = check(export(tmp_path, log), witnesses=[WITNESS_KEY])

    assert (report.verdict, found(report)) == ("tampered", ["signature"])


def test_entries_dated_after_the_witness_who_saw_them_are_told(tmp_path):
    log = Log()
    log.record(at=START + 3600)
    log.sign(WITNESS, at=START)

    report = check(export(tmp_path, log), witnesses=[WITNESS_KEY])

    assert (report.verdict, found(report)) == ("tampered", ["after_witness"])


def test_a_kept_checkpoint_of_another_log_or_key_says_nothing(honest, tmp_path):
    export(tmp_path, honest)
    ledger = history(10, name=LEDGER)

    stranger = check(tmp_path, saved=[honest.rebuilt(honest.entries, key=key_of(ACCESS, THIEF)).notes[0]])
    other = check(tmp_path, KEY, key_of(LEDGER).verifier.text, saved=ledger.notes)

    assert (stranger.verdict, found(stranger)) == ("unknown", ["unknown_key"])
    assert (other.verdict, found(other)) == ("unknown", ["unused_key", "other_log"])


def test_several_kept_checkpoints_may_lie_in_one_file(honest, tmp_path):
    report = check(export(tmp_path, honest), saved=["\n".join(honest.notes[:3])])

    assert (report.verdict, report.logs[0]["held"]) == ("sound", 300)


# --- The tree's own files


def test_a_tile_that_does_not_match_is_told_and_one_that_is_missing_is_remarked(honest, tmp_path):
    tiles = tmp_path / "log" / ACCESS / "tile"
    for path in ("0/000", "0/002.p/88", "1/000.p/2"):
        export(tmp_path, honest)
        content = bytearray((tiles / path).read_bytes())
        content[-1] ^= 1
        (tiles / path).write_bytes(content)

        assert found(check(tmp_path), "tampered") == ["tile"]

    export(tmp_path, honest)
    (tiles / "0/000").unlink()
    report = check(tmp_path)
    assert (report.verdict, found(report)) == ("sound", ["no_tiles"])


def test_files_that_nobody_signed_are_named(honest, tmp_path):
    export(tmp_path, honest)
    (tmp_path / "log" / ACCESS / "tile" / "entries" / "003").write_bytes(b"more")
    (tmp_path / "NOTES.txt").write_text("Bonjour")

    report = check(tmp_path)

    assert (report.verdict, found(report)) == ("sound", ["ignored"])
    assert report.findings[0].fields["files"] == "NOTES.txt, log/access-2026h2/tile/entries/003"


# --- One person


def person(folder, log, numbers=(3, 10, 17, 299), **changes):
    log.write_person(Folder(folder), list(numbers), **changes)
    bundle.write_manifest(Folder(folder), kind=bundle.PERSON, hub="alizarine.example", created="2026-11-29T04:00:00Z")
    return folder


def test_one_persons_entries_are_proved_without_the_others(honest, tmp_path):
    report = check(person(tmp_path, honest), saved=[honest.notes[-1]])

    assert (report.verdict, found(report)) == ("sound", [])
    assert (report.logs[0]["entries"], report.logs[0]["disclosed"]) == (4, {"c": 4, "s": 4})
    assert unproved(report)[:3] == ["since_held", "split", "rest"]
    assert all(b'"x"' not in line for line in (tmp_path / "log" / ACCESS / "parts.jsonl").read_bytes().splitlines())


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda one: one._replace(entry=bent(one.entry)), "inclusion"),
        (lambda one: one._replace(number=one.number + 1), "inclusion"),
        (lambda one: one._replace(proof=one.proof[:-1]), "inclusion"),
        (lambda one: one._replace(proof=[*one.proof, bytes(32)]), "inclusion"),
        (lambda one: one._replace(proof=[bytes(32), *one.proof[1:]]), "inclusion"),
        (lambda one: one._replace(number=600), "line"),
        (lambda one: one._replace(number=-1), "line"),
        (lambda one: one._replace(number=True), "line"),
        (lambda one: one._replace(proof=[b"short"]), "line"),
        (lambda one: one._replace(proof=[bytes(32)] * 65), "line"),
    ],
)
def test_a_proof_that_was_bent_is_seen(honest, tmp_path, change, code):
    proved = [
        bundle.Proved(number, honest.entries[number], merkle.Prover(honest.tiles, 600).proof(number))
        for number in (3, 299)
    ]

    report = check(person(tmp_path, honest, (), proved=[proved[0], change(proved[1])]))

    assert (report.verdict, found(report)) == ("tampered", [code])


def test_a_persons_entries_are_told_once_and_in_order(honest, tmp_path):
    for number, numbers in enumerate([(3, 3), (10, 3)]):
        report = check(person(tmp_path / str(number), honest, numbers))

        assert (report.verdict, found(report)) == ("tampered", ["line"])


def test_a_kept_checkpoint_of_another_size_is_not_compared_with_one_persons_export(honest, tmp_path):
    """One that is newer than the export says nothing against it: this is no log whose end could be missing."""
    log = replace_parts(honest, honest.parts)
    log.notes = honest.notes[:4]
    person(tmp_path, log)

    for kept in (honest.notes[0], honest.notes[-1]):
        report = check(tmp_path, saved=[kept])

        assert (report.verdict, found(report)) == ("unknown", ["not_compared"])


def test_a_kept_checkpoint_of_any_size_is_compared_where_the_log_is_published(honest, tmp_path):
    log = replace_parts(honest, honest.parts)
    log.notes = honest.notes[:4]
    export_of_some = tmp_path / "some"
    person(export_of_some, log)
    honest.write(Folder(tmp_path / "hub"))

    for kept in (honest.notes[0], honest.notes[-1]):
        report = check(export_of_some, saved=[kept], hub=str(tmp_path / "hub" / "log"))

        assert (report.verdict, found(report)) == ("sound", [])
        assert "nothing_held" not in unproved(report)


def test_a_kept_checkpoint_of_another_history_is_seen_where_the_log_is_published(honest, tmp_path):
    other = honest.rebuilt([bent(honest.entries[0]), *honest.entries[1:]])
    log = replace_parts(honest, honest.parts)
    log.notes = honest.notes[:4]
    person(tmp_path / "some", log)
    honest.write(Folder(tmp_path / "hub"))

    for kept in (other.notes[0], other.notes[-1]):
        report = check(tmp_path / "some", saved=[kept], hub=str(tmp_path / "hub" / "log"))

        assert (report.verdict, found(report)) == ("tampered", ["inconsistent"])


def test_a_hub_that_does_not_answer_proves_nothing(honest, tmp_path):
    log = replace_parts(honest, honest.parts)
    log.notes = honest.notes[:4]
    person(tmp_path / "some", log)

    report = check(tmp_path / "some", saved=[honest.notes[0]], hub=str(tmp_path / "nowhere"))

    assert (report.verdict, found(report)) == ("unknown", ["missing"])


def test_two_roots_are_told_to_one_person_too(honest, tmp_path):
    other = honest.rebuilt([bent(honest.entries[0]), *honest.entries[1:]])

    report = check(person(tmp_path, honest), saved=[other.notes[-1]])

    assert (report.verdict, found(report)) == ("tampered", ["equivocation"])


# --- The answer


def test_the_answer_is_complete_in_both_languages_and_for_programs(honest, tmp_path):
    log = replace_parts(honest, honest.parts)
    log.notes = honest.notes[:-1]
    report = check(export(tmp_path, log), saved=[honest.notes[-1]])

    french, english = (verify.as_text(report, lang) for lang in (0, 1))
    answer = json.loads(verify.as_json(report, 0))

    assert french.startswith("Export de alizarine.example, fait le 2026-11-29T04:00:00Z.\n")
    assert "FALSIFIÉ" in french
    assert "access-2026h2 : kept-0 atteste 600 entrées, l’export n’en a que 500" in french
    assert "Ce que cette vérification ne prouve pas :" in french
    assert "access-2026h2: kept-0 attests 600 entries, the export has 500" in english
    assert (answer["verdict"], answer["exit"]) == ("tampered", 1)
    assert [one["code"] for one in answer["findings"]] == ["longer"]
    assert [one["code"] for one in answer["not_proved"]] == unproved(report)


@pytest.mark.parametrize(
    ("events", "french", "english"),
    [
        (0, "0 entrée signée, 0 vérifiée, ", "0 entries signed, 0 checked, "),
        (1, "1 entrée signée, 1 vérifiée, ", "1 entry signed, 1 checked, "),
        (2, "2 entrées signées, 2 vérifiées, ", "2 entries signed, 2 checked, "),
    ],
)
def test_one_is_said_as_one(tmp_path, events, french, english):
    log = Log()
    for _ in range(events):
        log.record(roles="c")
    log.sign()

    report = check(export(tmp_path, log))

    assert french in verify.as_text(report, 0)
    assert " ; 1 point de contrôle." in verify.as_text(report, 0)
    assert english in verify.as_text(report, 1)
    assert "; 1 checkpoint." in verify.as_text(report, 1)


def test_no_sentence_says_one_of_many():
    """A number stands before a word only where that word has both its forms."""
    for table in (verify.WORDS, verify.NOT_PROVED, verify.SAID):
        for code, sentence in table.items():
            for lang in (0, 1):
                names = {name for _, name, _, _ in Formatter().parse(sentence[lang]) if name}
                said = verify.say(sentence, lang, **dict.fromkeys(names, 1))
                assert not re.search(
                    r"\b1 (\w+ )?(entrées|entries|fichiers|files|points|checkpoints|\w+ées)\b", said
                ), code


def test_every_sentence_exists_twice_and_takes_the_same_fields():
    def fields(text):
        return sorted({name for _, name, _, _ in Formatter().parse(text) if name})

    for table in (verify.WORDS, verify.NOT_PROVED, verify.SAID):
        for code, (french, english) in table.items():
            assert french != english, code
            assert fields(french) == fields(english), code


def test_the_verifier_is_the_standard_library_of_python_3_9():
    source = Path(verify.__file__).read_text()
    tree = ast.parse(source, feature_version=(3, 9))

    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}

    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names


# --- Logs that were destroyed


def destroying(gone, **changes):
    """A ledger that says that this log was destroyed, and quotes the last that was signed of it."""
    ledger = Log(LEDGER)
    ledger.record(roles="c")
    said = {"log": gone.name, "log_size": gone.size, "log_head": gone.notes[-1], **changes}
    ledger.record("audit:log:destroy", common={"facts": said}, roles="c")
    ledger.sign()
    return ledger


LEDGER_KEY = key_of(LEDGER).verifier.text


def test_a_destroyed_log_is_believed_of_which_the_last_checkpoint_was_kept(honest, tmp_path):
    folder = export(tmp_path, destroying(honest))

    unkept = check(folder, LEDGER_KEY)
    kept = check(folder, LEDGER_KEY, KEY, saved=honest.notes[-1:])

    assert (unkept.verdict, "destroyed" in unproved(unkept)) == ("sound", True)
    assert (kept.verdict, "destroyed" in unproved(kept)) == ("sound", False)
    assert "détruit, il avait 600 entrées" in verify.as_text(kept, 0)


def test_a_witness_who_signed_the_last_checkpoint_is_believed(tmp_path):
    gone = history(10)
    gone.notes.append(cosign(gone.notes[-1], WITNESS, at=START + 11))

    report = check(export(tmp_path, destroying(gone)), LEDGER_KEY, KEY, witnesses=[WITNESS_KEY])

    assert (report.verdict, "destroyed" in unproved(report)) == ("sound", False)


def test_a_log_that_was_longer_than_what_is_said_to_be_destroyed_was_cut(honest, tmp_path):
    shorter = Log()
    shorter.entries, shorter.notes = honest.entries[:500], [honest.notes[4]]

    report = check(export(tmp_path, destroying(shorter)), LEDGER_KEY, KEY, saved=honest.notes[-1:])

    assert (report.verdict, found(report)) == ("tampered", ["destroyed_short"])


def test_an_older_checkpoint_cannot_tell_what_came_after_it(honest, tmp_path):
    report = check(export(tmp_path, destroying(honest)), LEDGER_KEY, KEY, saved=honest.notes[1:2])

    assert (report.verdict, found(report)) == ("unknown", ["destroyed_later"])


def test_another_story_of_a_destroyed_log_is_seen(honest, tmp_path):
    report = check(export(tmp_path, destroying(history(600))), LEDGER_KEY, KEY, saved=honest.notes[-1:])

    assert (report.verdict, found(report)) == ("tampered", ["equivocation"])


def test_a_last_checkpoint_that_the_logs_own_key_did_not_sign_is_refused(honest, tmp_path):
    forged = history(600, key=key_of(ACCESS, THIEF))

    report = check(export(tmp_path, destroying(forged)), LEDGER_KEY, KEY)

    assert report.verdict != "sound"


@pytest.mark.parametrize(
    "changes", [{"log": LEDGER}, {"log_size": 599}, {"log_head": "x"}, {"log_head": None}, {"log": None}]
)
def test_an_entry_of_destruction_that_says_nothing_clear_is_refused(honest, tmp_path, changes):
    report = check(export(tmp_path, destroying(honest, **changes)), LEDGER_KEY)

    assert (report.verdict, found(report)) == ("tampered", ["destruction"])
