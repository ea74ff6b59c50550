"""Signed checkpoints, against what Go's implementations wrote and against the specifications' rules."""

import base64
from pathlib import Path

import pytest

from audit import note
from audit.note import Algorithm, Checkpoint, NoteError, SigningKey, VerifierKey, cosign, open_note, sign

VECTORS = Path(__file__).parent / "vectors"
ORIGIN = "alizarine.example/audit/access-2026h2"
CHECKPOINT = Checkpoint(ORIGIN, 4, base64.b64decode("03433YdqldU8DtfB3a5EFPPi2eApP3tZHpEDE4tJe40="))
NOW = 1_790_000_000

# Written by golang.org/x/mod/sumdb/note v0.43.0 and github.com/transparency-dev/formats v0.1.1, seeds of 7s and of 9s.
GO_NOTE = (VECTORS / "checkpoint.note").read_text()
GO_LOG_KEY = "PRIVATE+KEY+alizarine.example/audit/access-2026h2+f025f686+AQcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH"
GO_LOG = "alizarine.example/audit/access-2026h2+f025f686+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs"
GO_WITNESS = "garance.example/temoin+0988cfb2+BP0XJDhaoMdbZPt4zWAvodmR/ev3axPFjtcC6sg16fYY"
GO_ML_DSA_44 = (VECTORS / "ml-dsa-44.vkey").read_text().strip()
GO_SIGNED_AT = 1_795_922_458
# The example of Go's documentation.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETERS_NOTE = """If you think cryptography is the answer to your problem,
then you don't know what your problem is.

— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
"""

LOG = SigningKey(ORIGIN, Algorithm.ED25519, bytes([7]) * 32)
WITNESS = SigningKey("garance.example/temoin", Algorithm.ED25519_COSIGNATURE, bytes([9]) * 32)
ML_DSA_44 = SigningKey(ORIGIN, Algorithm.ML_DSA_44, bytes([8]) * 32)


@pytest.mark.spec("C2SP tlog-checkpoint", "Note text")
def test_a_checkpoint_is_three_lines():
    assert CHECKPOINT.text == f"{ORIGIN}\n4\n03433YdqldU8DtfB3a5EFPPi2eApP3tZHpEDE4tJe40=\n"
    assert Checkpoint.parse(CHECKPOINT.text) == CHECKPOINT


@pytest.mark.spec("C2SP tlog-checkpoint", "Note text")
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("\n4\n", "\n04\n"),
        ("\n4\n", "\n-4\n"),
        ("\n4\n", "\n+4\n"),
        ("\n4\n", "\n٤\n"),
        ("\n4\n", "\n" + "9" * 20 + "\n"),
        ("\n4\n", "\n"),
        ("40=", "40"),
        ("Je40=", "Je41="),
        ("0343", "03-3"),
        ("03433Ydq", ""),
        ("\n03", "\nmore\n03"),
        ("40=\n", "40=\nan extension\n"),
        ("40=\n", "40=\nrest"),
        ("40=\n", "40="),
        ("alizarine", "ali zarine"),
        (ORIGIN, ""),
    ],
)
def test_what_is_spelled_otherwise_is_no_checkpoint(before, after):
    changed = CHECKPOINT.text.replace(before, after)
    assert changed != CHECKPOINT.text

    with pytest.raises(NoteError):
        Checkpoint.parse(changed)


@pytest.mark.spec("C2SP signed-note", "Ed25519 signatures")
def test_the_note_of_gos_documentation_opens():
    opened = open_note(PETERS_NOTE, VerifierKey.parse(PETER))

    assert opened.text == PETERS_NOTE.partition("\n\n")[0] + "\n"
    with pytest.raises(NoteError, match="does not hold"):
        open_note(PETERS_NOTE.replace("crypto", "krypto"), VerifierKey.parse(PETER))


@pytest.mark.spec("C2SP tlog-cosignature", "Format")
@pytest.mark.spec("C2SP tlog-cosignature", "Ed25519 signed message")
@pytest.mark.spec("C2SP tlog-cosignature", "ML-DSA-44 signed message")
def test_a_note_that_go_signed_in_three_ways_opens():
    log, witness, ml_dsa_44 = (VerifierKey.parse(key) for key in (GO_LOG, GO_WITNESS, GO_ML_DSA_44))

    opened = open_note(GO_NOTE, log, witness, ml_dsa_44)

    assert opened.checkpoint == CHECKPOINT
    assert opened.signatures == {log: None, witness: GO_SIGNED_AT, ml_dsa_44: GO_SIGNED_AT}


@pytest.mark.spec("C2SP signed-note", "Signatures")
def test_the_hub_signs_as_go_does_byte_for_byte():
    assert (LOG.text, LOG.verifier.text, WITNESS.verifier.text) == (GO_LOG_KEY, GO_LOG, GO_WITNESS)

    ours = sign(CHECKPOINT.text, LOG, WITNESS, at=GO_SIGNED_AT)

    assert GO_NOTE.startswith(ours)
    assert len(GO_NOTE.removeprefix(ours).splitlines()) == 1, "ML-DSA-44, whose signatures differ each time"


@pytest.mark.parametrize("key", [LOG, WITNESS, ML_DSA_44], ids=lambda key: key.algorithm.name)
def test_what_a_key_signs_opens_with_it_and_with_no_other(key):
    signed = sign(CHECKPOINT.text, key, at=NOW)
    other = SigningKey(key.name, key.algorithm, bytes(32)).verifier
    renamed = SigningKey("other.example/log", key.algorithm, key.seed).verifier

    opened = open_note(signed, key.verifier, other, renamed)

    assert opened.signatures == {key.verifier: None if key is LOG else NOW}
    for stranger in (other, renamed):
        with pytest.raises(NoteError, match="no key that is known"):
            open_note(signed, stranger)


@pytest.mark.parametrize("key", [LOG, WITNESS, ML_DSA_44], ids=lambda key: key.algorithm.name)
def test_no_byte_of_a_signed_checkpoint_can_change(key):
    signed = sign(CHECKPOINT.text, key, at=NOW).encode()

    for place in range(0, len(signed), 29 if key is ML_DSA_44 else 1):
        changed = bytearray(signed)
        changed[place] ^= 1
        with pytest.raises((NoteError, UnicodeDecodeError)):
            open_note(changed.decode(), key.verifier)


@pytest.mark.spec("C2SP signed-note", "Signatures")
def test_lines_of_unknown_keys_are_passed_over_and_one_bad_line_of_a_known_key_is_enough():
    signed = sign(CHECKPOINT.text, LOG, at=NOW)
    witnessed = cosign(signed, WITNESS, at=NOW)
    forged = signed + witnessed.removeprefix(signed).replace("CYjPsgAAAAB", "CYjPsgAAAAA")

    assert open_note(witnessed, LOG.verifier).signatures == {LOG.verifier: None}
    assert open_note(forged, LOG.verifier).signatures == {LOG.verifier: None}
    with pytest.raises(NoteError, match="temoin does not hold"):
        open_note(forged, LOG.verifier, WITNESS.verifier)


@pytest.mark.spec("C2SP signed-note", "Signatures")
def test_sixteen_signatures_are_read_and_a_thousand_are_not():
    line = sign(CHECKPOINT.text, WITNESS, at=NOW).rpartition("\n\n")[2]
    signed = sign(CHECKPOINT.text, LOG, at=NOW)

    assert open_note(signed + line * 15, LOG.verifier)
    with pytest.raises(NoteError, match="this is no note"):
        open_note(signed + line * 100, LOG.verifier)
    with pytest.raises(NoteError, match="this is no note"):
        open_note("x" * note.MAX_NOTE + signed, LOG.verifier)


@pytest.mark.spec("C2SP signed-note", "Format")
@pytest.mark.parametrize(
    "change",
    [
        lambda signed: "",
        lambda signed: "\n",
        lambda signed: CHECKPOINT.text,
        lambda signed: CHECKPOINT.text + "\n",
        lambda signed: "\n" + signed.partition("\n\n")[2],
        lambda signed: signed[:-1],
        lambda signed: signed + "\n",
        lambda signed: signed + "anything",
        lambda signed: signed.replace("—", "-"),
        lambda signed: signed.replace("— ", "—  "),
        lambda signed: "\r" + signed,
        lambda signed: signed.replace("— ", "—\t"),
        lambda signed: signed + f"— {ORIGIN} AAAA\n",
        lambda signed: signed + f"— {ORIGIN} ====\n",
        lambda signed: signed.replace("\n— ", "\n— a\u2028— "),
    ],
)
def test_what_is_no_note_does_not_open(change):
    with pytest.raises(NoteError, match=r"is no|no key"):
        open_note(change(sign(CHECKPOINT.text, LOG, at=NOW)), LOG.verifier)


@pytest.mark.parametrize("key", [GO_LOG, GO_WITNESS, PETER])
def test_a_key_with_a_character_changed_or_cut_is_no_key(key):
    assert VerifierKey.parse(key).text == key
    for place in range(len(key)):
        for wrong in (key[:place] + chr(ord(key[place]) + 1) + key[place + 1 :], key[:place], key[place + 1 :]):
            with pytest.raises(NoteError):
                VerifierKey.parse(wrong)
    for algorithm in (0, 2, 5, 255):
        content = bytes([algorithm]) + bytes(32)
        with pytest.raises(NoteError):
            VerifierKey.parse(f"a+00000000+{base64.b64encode(content).decode()}")


def test_a_signing_key_comes_back_from_its_text_and_does_not_show_itself():
    for key in (LOG, WITNESS, ML_DSA_44):
        assert SigningKey.parse(key.text + "\n") == key
        assert key.seed.hex() not in repr(key)
        assert repr(key.seed) not in repr(key)
        with pytest.raises(NoteError):
            SigningKey.parse(key.text.replace("PRIVATE", "PUBLIC"))
        with pytest.raises(NoteError):
            SigningKey.parse(key.verifier.text)
        short = base64.b64encode(bytes([key.algorithm]) + key.seed[1:]).decode()
        with pytest.raises(NoteError):
            SigningKey.parse(f"PRIVATE+KEY+{key.name}+{key.verifier.identifier.hex()}+{short}")


def test_what_cannot_be_signed_is_not():
    with pytest.raises(NoteError):
        sign("no newline", LOG, at=NOW)
    with pytest.raises(NoteError):
        sign("a carriage\r\n", LOG, at=NOW)
    with pytest.raises(NoteError, match="time"):
        sign(CHECKPOINT.text, WITNESS, at=2**63)
    with pytest.raises(NoteError, match="checkpoint"):
        sign("any text\n", ML_DSA_44, at=NOW)
    with pytest.raises(NoteError, match="too long"):
        sign(Checkpoint("x" * 256, 0, bytes(32)).text, ML_DSA_44, at=NOW)


def test_two_keys_of_one_name_and_identifier_do_not_hide_each_other(monkeypatch):
    """Four bytes are an afternoon's work for whoever wants a witness to be heard no more."""
    other = SigningKey(WITNESS.name, Algorithm.ED25519_COSIGNATURE, bytes([3]) * 32)
    identifier = WITNESS.verifier.identifier
    monkeypatch.setattr(VerifierKey, "identifier", property(lambda key: identifier))
    one = sign(CHECKPOINT.text, WITNESS, at=NOW)

    for keys in ([WITNESS, other], [other, WITNESS]):
        known = [key.verifier for key in keys]
        assert open_note(one, *known).signatures == {WITNESS.verifier: NOW}
        assert len(open_note(cosign(one, other, at=NOW), *known).signatures) == 2
    both = cosign(one, other, at=NOW)
    assert note.line_of(both, WITNESS.verifier) == one.split("\n")[-2]
    assert note.line_of(both, other.verifier) == both.split("\n")[-2]
    with pytest.raises(NoteError, match="does not hold"):
        open_note(one.replace(CHECKPOINT.text, CHECKPOINT.text.replace("\n4\n", "\n5\n")), *known)
