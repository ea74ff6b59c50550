"""The verifier's own Ed25519, against the vectors of the specification, a library, and the edges of the curve."""

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from audit import note, verify
from audit.verify import ORDER, P, holds, keys_of, signed
from tests.audit.log import hub

SEED = bytes([7]) * 32
# RFC 8032 §7.1: secret, public, message, signature.
RFC_8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
    (
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ),
]
# The eight points of small order, each in every way that 32 bytes can be read as it.
SMALL_ORDER = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
]


def library_says(public, message, signature):
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


@pytest.mark.spec("RFC 8032", "7.1")
@pytest.mark.parametrize(("secret", "public", "message", "signature"), RFC_8032)
def test_the_vectors_of_the_specification(secret, public, message, signature):
    secret, public, message, signature = map(bytes.fromhex, (secret, public, message, signature))

    assert keys_of(secret)[2] == public
    assert signed(secret, message) == signature
    assert holds(public, message, signature)
    assert not holds(public, message + b"\0", signature)


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200))
@settings(max_examples=60, deadline=None)
def test_a_library_and_the_verifier_sign_alike_and_believe_each_other(seed, message):
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public = private.public_key().public_bytes_raw()

    assert keys_of(seed)[2] == public
    assert signed(seed, message) == private.sign(message)
    assert holds(public, message, private.sign(message))


@given(st.binary(min_size=32, max_size=32), st.integers(0, 511), st.integers(0, 255))
@settings(max_examples=80, deadline=None)
def test_no_bit_of_a_signature_or_key_can_change(seed, place, key_place):
    public, signature = keys_of(seed)[2], signed(seed, b"message")

    changed = int.from_bytes(signature, "little") ^ 1 << place
    changed_key = int.from_bytes(public, "little") ^ 1 << key_place

    assert not holds(public, b"message", changed.to_bytes(64, "little"))
    assert not holds(changed_key.to_bytes(32, "little"), b"message", signature)


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=64, max_size=64))
@settings(max_examples=150, deadline=None)
def test_noise_is_no_signature(public, signature):
    assert holds(public, b"message", signature) == library_says(public, b"message", signature)


@pytest.mark.spec("RFC 8032", "5.1.7")
def test_the_second_half_is_written_in_one_way():
    """Adding the group's order gives a second signature of the same message, where that is not refused."""
    public, signature = keys_of(SEED)[2], signed(SEED, b"message")
    s = int.from_bytes(signature[32:], "little")
    assert holds(public, b"message", signature)

    for other in (s + ORDER, s + 2 * ORDER, s | 1 << 255):
        assert not holds(public, b"message", signature[:32] + other.to_bytes(32, "little"))


@pytest.mark.spec("RFC 8032", "5.1.3")
def test_a_point_is_written_in_one_way():
    for y in range(19):  # y + P still fits in 255 bits
        for sign in (0, 1 << 255):
            assert verify.point((y + P | sign).to_bytes(32, "little")) is None
    assert verify.point((1 | 1 << 255).to_bytes(32, "little")) is None, "zero has no sign"
    assert verify.point((2).to_bytes(32, "little")) is None, "no such point"
    assert verify.encoded(verify.point(verify.encoded(verify.BASE))) == verify.encoded(verify.BASE)


@pytest.mark.parametrize("point", SMALL_ORDER)
def test_a_key_of_small_order_signs_nothing(point):
    """With such a key one signature, this one, holds for one message in eight or for all, and nobody signed."""
    key = bytes.fromhex(point)

    for half in map(bytes.fromhex, SMALL_ORDER):
        for message in (b"a", b"b", b"c", b"d"):
            assert not holds(key, message, half + bytes(32))


def test_a_key_of_small_order_is_refused_with_an_ordinary_first_half():
    """The neutral point as key: 5·B is 5·B whatever was signed, and the library believes it."""
    key, half = verify.encoded(verify.NEUTRAL), verify.encoded(verify.times(5, verify.BASE))
    signature = half + (5).to_bytes(32, "little")

    assert library_says(key, b"any message", signature)
    assert not holds(key, b"any message", signature)


def test_a_first_half_of_small_order_is_refused():
    """Its signer chose the nonce 0: the equation holds, and the library believes it."""
    scalar, _, public = keys_of(SEED)
    half = verify.encoded(verify.NEUTRAL)
    k = int.from_bytes(verify.sha512(half + public + b"message").digest(), "little") % ORDER
    signature = half + (k * scalar % ORDER).to_bytes(32, "little")

    assert library_says(public, b"message", signature)
    assert not holds(public, b"message", signature)


def test_what_has_another_length_is_no_signature():
    public, signature = keys_of(SEED)[2], signed(SEED, b"message")

    assert holds(public, b"message", signature)
    for wrong in (b"", signature[:-1], signature + b"\0", signature[:32]):
        assert not holds(public, b"message", wrong)


def test_two_keys_of_one_name_and_identifier_do_not_hide_each_other():
    log, witness = hub.key_of(hub.ACCESS), hub.WITNESS
    both = note.sign(note.Checkpoint(log.name, 4, bytes(32)).text, log, witness, at=hub.START)
    logs, known = [verify.key_of(log.verifier.text)], verify.key_of(witness.verifier.text)
    other = known._replace(public=keys_of(bytes([3]) * 32)[2])

    for keys in ([known, other], [other, known]):
        assert verify.checkpoint_of("note", both, logs, keys).times == {logs[0]: 0, known: hub.START}
    with pytest.raises(verify.Problem):
        verify.checkpoint_of("note", both, logs, [other])
