"""The keys of tools: registered or fetched, trusted within limits, used to encrypt."""

import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwe, jws
from joserfc.jwk import ECKey, OctKey, RSAKey

from idp import outgoing
from idp.protocol.algorithms import ENCRYPTION_METHODS
from idp.services import client_keys
from idp.services.client_keys import KeysUnavailable, encrypt, verification_keys, why_not_usable
from tests.support.key_addresses import address, key_set, made, sends, trickles
from tests.support.logout import wait_for


@dataclass
class FakeTool:
    client_jwks: object = None
    client_jwks_uri: str = ""
    self_registered: bool = False


@dataclass
class Clock:
    seconds: float = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture(autouse=True)
def _nothing_known():
    client_keys.forget()
    yield
    client_keys.forget()


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(client_keys, "monotonic", clock)
    return clock


@pytest.fixture
def site():
    with address() as found:
        yield found


@pytest.fixture
def quick(monkeypatch):
    """Deadlines of a test's length."""
    monkeypatch.setattr(outgoing, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(client_keys, "WAIT_SECONDS", 0.2)


def kids(tool, **asked):
    return [key.kid for key in verification_keys(tool, **asked)]


# Registered keys ---------------------------------------------------------------------------------------------


@pytest.mark.spec("RFC 7591", "2")
@pytest.mark.parametrize("kind", ["RS256", "ES256", "Ed25519"])
def test_a_registered_key_verifies_what_the_tool_signed(kind):
    key = made(kind, kid="one", use="sig")
    token = jws.serialize_compact({"alg": kind, "kid": "one"}, "hello", key, algorithms=[kind])

    read = jws.deserialize_compact(token, verification_keys(FakeTool(key_set(key))), algorithms=[kind])

    assert read.payload == b"hello"


@pytest.mark.spec("RFC 9864", "2.2")
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
@pytest.mark.parametrize("alg", ["EdDSA", "Ed25519"])
@pytest.mark.parametrize("named", ["EdDSA", "Ed25519", None])
def test_both_names_of_ed25519_are_one_algorithm(alg, named):
    key = made("Ed25519", kid="one")
    document = {**key.as_dict(private=False), **({"alg": named} if named else {})}
    token = jws.serialize_compact({"alg": alg, "kid": "one"}, "hello", key, algorithms=[alg])

    read = jws.deserialize_compact(token, verification_keys(FakeTool({"keys": [document]})), algorithms=[alg])

    assert read.payload == b"hello"


def test_a_key_for_encryption_verifies_nothing():
    tool = FakeTool(key_set(made("RS256", kid="sig", use="sig"), made("RSA-OAEP-256", kid="enc", use="enc")))

    assert kids(tool) == ["sig"]


@pytest.mark.parametrize(
    ("tool", "code"),
    [
        (FakeTool(), "no_keys"),
        (FakeTool({"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}), "jwks_unusable"),
        (FakeTool(key_set(made("ECDH-ES", use="enc"))), "no_signing_key"),
    ],
)
def test_a_tool_without_a_key_to_verify_with_says_so(tool, code):
    with pytest.raises(KeysUnavailable, match=code):
        verification_keys(tool)


RSA, EC = made("RS256"), made("ES256")
PUBLIC = RSA.as_dict(private=False)
NESTED: list[object] = []
for _ in range(5_000):
    NESTED = [NESTED]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["sig", "AQAB"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
SOUND = [made(kind).as_dict(private=False) for kind in ("RS256", "ES256", "Ed25519", "X25519")]
MEMBERS = ["kty", "crv", "n", "e", "x", "y", "kid", "use", "alg", "key_ops", "x5c", "x5t", "x5t#S256", "x5u", "ext"]


@pytest.mark.spec("RFC 7517", "5")
@pytest.mark.parametrize(
    ("jwks", "word"),
    [
        (None, "RFC 7517"),
        ([], "RFC 7517"),
        ({}, "RFC 7517"),
        ({"keys": "x"}, "RFC 7517"),
        ({"keys": ["x"]}, "RFC 7517"),
        ({"keys": []}, "no key"),
        ({"keys": [{"kty": "AKP", "alg": "ML-DSA-44"}]}, "no key"),
        ({"keys": [{"kty": ["RSA"]}]}, "no key"),
        ({"keys": [RSA.as_dict(private=True)]}, "private"),
        ({"keys": [EC.as_dict(private=True)]}, "private"),
        ({"keys": [OctKey.generate_key(256).as_dict(private=True)]}, "symmetric"),
        ({"keys": [{**PUBLIC, "n": "sXchDaQebHnPiGvyDOAT4saGEUetSyo9MKLOoWFsueri23bOdgWp4Dy1Wl"}]}, "RSA key"),
        ({"keys": [{**PUBLIC, "n": "A" + "_" * 4_000}]}, "RSA key"),
        ({"keys": [{**PUBLIC, "e": PUBLIC["n"]}]}, "RSA key"),
        ({"keys": [{**PUBLIC, "n": 5}]}, "RSA key"),
        ({"keys": [{**PUBLIC, "e": "Ag"}]}, "members say"),
        ({"keys": [{**PUBLIC, "kid": 5}]}, "members say"),
        ({"keys": [{**PUBLIC, "kid": NESTED}, {**PUBLIC, "kid": "a"}]}, "members say"),
        ({"keys": [{**PUBLIC, "use": ["sig"]}]}, "members say"),
        ({"keys": [{**PUBLIC, "key_ops": [{}]}]}, "members say"),
        ({"keys": [{**EC.as_dict(private=False), "crv": ["P-256"]}]}, "no key"),
        ({"keys": [{**EC.as_dict(private=False), "crv": {}}]}, "no key"),
        ({"keys": [{**EC.as_dict(private=False), "x": "AAAA"}]}, "members say"),
        ({"keys": [{**PUBLIC, "kid": "a"}, {**PUBLIC, "kid": "a"}]}, "same kid"),
        ({"keys": [{**PUBLIC, "kid": str(number)} for number in range(21)]}, "more than 20"),
    ],
)
def test_a_key_set_that_nobody_should_use_is_refused_with_its_reason(jwks, word):
    assert word in (why_not_usable(jwks) or "")


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(SOUND), st.dictionaries(st.sampled_from(MEMBERS), JSON, min_size=1, max_size=3))
def test_whatever_a_member_of_a_key_holds_the_set_is_taken_or_refused(sound, changed):
    jwks = {"keys": [{**sound, **changed}, {**PUBLIC, "kid": "other"}]}

    if why_not_usable(jwks):
        with pytest.raises(KeysUnavailable, match="jwks_unusable"):
            verification_keys(FakeTool(jwks))
        return
    assert "other" in kids(FakeTool(jwks))
    # The set is sound; a key whose key_ops forbid it still encrypts nothing.
    with suppress(KeysUnavailable):
        encrypt(FakeTool(jwks), "x", alg="RSA-OAEP-256", enc="A256GCM")


@given(JSON | st.fixed_dictionaries({"keys": JSON}))
def test_whatever_is_no_key_set_is_refused(jwks):
    assert why_not_usable(jwks)


def test_a_fault_of_a_library_makes_a_key_set_unusable_and_no_more(monkeypatch, caplog):
    monkeypatch.setattr(client_keys.JWKRegistry, "import_key", lambda _: 1 / 0)

    assert "members say" in (why_not_usable({"keys": [PUBLIC]}) or "")
    assert "ZeroDivisionError" in caplog.text
    assert PUBLIC["n"] not in caplog.text


@pytest.mark.parametrize(
    "jwks",
    [
        key_set(RSA, EC, made("Ed25519"), made("X25519"), ECKey.generate_key("P-384"), RSAKey.generate_key(3072)),
        {"keys": [{"kty": "AKP", "alg": "ML-DSA-44", "pub": "x"}, PUBLIC]},
        {"keys": [{**PUBLIC, "x5c": ["MIIB"], "unknown": 1, "key_ops": ["verify"]}]},
    ],
)
def test_a_sound_key_set_is_taken_with_members_that_nobody_knows(jwks):
    assert why_not_usable(jwks) is None


# Fetched keys ------------------------------------------------------------------------------------------------


@pytest.mark.spec("OIDC Core", "10.1.1")
def test_fetched_keys_are_kept_for_ten_minutes(site, clock):
    site.answer = sends(key_set(made("ES256", kid="one")))
    tool = FakeTool(client_jwks_uri=site.uri + "?v=1")

    for _ in range(5):
        assert kids(tool, kid="one") == ["one"]
        clock.seconds += 119
    assert site.paths == ["/jwks.json?v=1"]
    clock.seconds += 10
    kids(tool)

    assert len(site.paths) == 2


@pytest.mark.spec("OIDC Core", "10.1.1")
def test_a_tool_may_change_its_key_and_is_looked_up_again_once_a_minute_at_most(site, clock):
    site.answer = sends(key_set(made("ES256", kid="one")))
    tool = FakeTool(client_jwks_uri=site.uri)
    kids(tool)
    site.answer = sends(key_set(made("ES256", kid="two")))

    at_once = kids(tool, kid="two")
    clock.seconds += 60
    a_minute_later = kids(tool, kid="two")
    for number in range(50):
        kids(tool, kid=f"made-up-{number}")

    assert at_once == ["one"]
    assert a_minute_later == ["two"]
    assert len(site.paths) == 2


def test_many_requests_at_once_fetch_once(site):
    site.answer = sends(key_set(made("ES256", kid="one")), after=0.02)
    tool, found, together = FakeTool(client_jwks_uri=site.uri), [], threading.Barrier(12)

    def one():
        together.wait()
        found.append(kids(tool, kid="one"))

    threads = [threading.Thread(target=one) for _ in range(12)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert found == [["one"]] * 12
    assert len(site.paths) == 1


def test_a_slow_tool_holds_one_thread_and_the_others_shortly(site, quick):
    site.answer = trickles
    tool, waited = FakeTool(client_jwks_uri=site.uri), []

    def one():
        start = time.monotonic()
        with pytest.raises(KeysUnavailable):
            verification_keys(tool)
        waited.append(time.monotonic() - start)

    threads = [threading.Thread(target=one) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert len(site.paths) == 1
    # One calls, one waits for it, and for the rest there is no place: threads are few, and nobody proved anything yet.
    assert sorted(waited)[3] < client_keys.PLACE_SECONDS + 0.1
    assert sorted(waited)[4] < 0.45
    assert max(waited) < 1.5


@contextmanager
def silence(*, kept: int, self_registered: bool):
    """An address that keeps silent while three tools' keys are asked for there; ``kept`` of them hold a thread."""

    def ask(tool):
        with suppress(KeysUnavailable):
            verification_keys(tool)

    with address() as silent:
        silent.answer = trickles
        uris = [f"{silent.uri}?{number}" for number in range(3)]
        tools = [FakeTool(client_jwks_uri=uri, self_registered=self_registered) for uri in uris]
        threads = [threading.Thread(target=ask, args=[tool]) for tool in tools]
        for each in threads:
            each.start()
        assert wait_for(lambda: len(silent.paths) == kept)
        yield
        for each in threads:
            each.join()
        assert len(silent.paths) == kept


def test_tools_that_registered_themselves_and_keep_silent_hold_up_no_other(site, monkeypatch):
    monkeypatch.setattr(outgoing, "ANSWER_SECONDS", 1.5)
    site.answer = sends(key_set(made("ES256", kid="one")))

    with silence(kept=client_keys.PLACES_FOR_STRANGERS, self_registered=True):
        with pytest.raises(KeysUnavailable, match="jwks_uri_busy"):
            verification_keys(FakeTool(client_jwks_uri=site.uri, self_registered=True))
        found = kids(FakeTool(client_jwks_uri=site.uri))

    assert found == ["one"]


def test_silent_tools_that_an_operator_connected_hold_so_many_threads_and_no_more(site, monkeypatch):
    monkeypatch.setattr(outgoing, "ANSWER_SECONDS", 1.5)
    site.answer = sends(key_set(made("ES256", kid="one")))

    with silence(kept=client_keys.PLACES, self_registered=False):
        with pytest.raises(KeysUnavailable, match="jwks_uri_busy"):
            verification_keys(FakeTool(client_jwks_uri=site.uri))
        found = kids(FakeTool(client_jwks_uri=site.uri, self_registered=True))

    assert found == ["one"]


@pytest.mark.incident("CVE-2026-4366", "CVE-2023-44469", "canaille 0.3.7")
@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (sends(b"<html>", **{"Content-Type": "text/html"}), "not_json"),
        (sends(["keys"]), "not_an_object"),
        (sends(b"[" * 60_000), "not_json"),
        (sends(b"\xff\xfe{"), "not_json"),
        (sends(b"NaN"), "not_an_object"),
        (sends(b" " * 65_537 + b"{}"), "too_large"),
        (sends({"keys": []}, status=404), "http_404"),
        (sends({"keys": []}, status=302, Location="http://127.0.0.1:1/"), "http_302"),
        (trickles, "timeout"),
        (lambda handler: handler.wfile.write(b"not http at all\r\n\r\n"), "unreachable"),
        (lambda handler: None, "unreachable"),
        (sends({"keys": []}), "jwks_unusable"),
        (sends({"keys": [RSA.as_dict(private=True)]}), "jwks_unusable"),
    ],
)
def test_an_address_that_does_not_behave_gives_no_keys(site, quick, answer, code):
    site.answer = answer

    with pytest.raises(KeysUnavailable, match=code):
        verification_keys(FakeTool(client_jwks_uri=site.uri))


@pytest.mark.incident("CVE-2026-4366", "CVE-2023-44469", "canaille 0.3.7")
def test_a_redirect_is_not_followed(site, quick):
    site.answer = sends({}, status=302, Location=site.uri + "/elsewhere")

    with pytest.raises(KeysUnavailable):
        verification_keys(FakeTool(client_jwks_uri=site.uri))

    assert site.paths == ["/jwks.json"]


@pytest.mark.incident("CVE-2026-4366", "CVE-2023-44469", "canaille 0.3.7")
@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "10.0.0.1", "169.254.169.254", "[::ffff:10.0.0.1]"]
)
def test_a_private_address_is_not_called(site, settings, host):
    settings.OUTGOING_NETWORKS = []
    uri = site.uri.replace("127.0.0.1", host)

    with pytest.raises(KeysUnavailable, match="jwks_uri_address"):
        verification_keys(FakeTool(client_jwks_uri=uri))

    assert site.paths == []


def test_a_failure_is_remembered_for_a_quarter_of_a_minute(site, clock):
    site.answer = sends({}, status=500)
    tool = FakeTool(client_jwks_uri=site.uri)
    for _ in range(10):
        with pytest.raises(KeysUnavailable, match="http_500"):
            verification_keys(tool)
    asked = len(site.paths)
    site.answer = sends(key_set(made("ES256", kid="one")))
    clock.seconds += 15

    assert asked == 1
    assert kids(tool) == ["one"]


@pytest.mark.parametrize("document", [{"kty": "EC", "crv": ["P-256"], "x": "A", "y": "A"}, {**PUBLIC, "kid": ["a"]}])
def test_an_odd_key_set_is_fetched_once_in_a_quarter_of_a_minute(site, clock, document):
    site.answer = sends({"keys": [document]})
    for _ in range(5):
        with pytest.raises(KeysUnavailable, match="jwks_unusable"):
            verification_keys(FakeTool(client_jwks_uri=site.uri))
    asked = len(site.paths)
    clock.seconds += 15
    with pytest.raises(KeysUnavailable, match="jwks_unusable"):
        verification_keys(FakeTool(client_jwks_uri=site.uri))

    assert (asked, len(site.paths)) == (1, 2)


def test_a_fault_of_ours_while_fetching_is_remembered_like_an_outage(clock, monkeypatch):
    asked = []
    monkeypatch.setattr(outgoing, "get_json", lambda uri, **_: asked.append(uri) or 1 / 0)

    for _ in range(5):
        with pytest.raises(KeysUnavailable, match="jwks_uri_fault"):
            verification_keys(FakeTool(client_jwks_uri="https://tool.example/jwks"))

    assert len(asked) == 1


def test_while_its_address_is_down_a_tool_keeps_its_keys_for_an_hour(site, clock):
    site.answer = sends(key_set(made("ES256", kid="one")))
    tool = FakeTool(client_jwks_uri=site.uri)
    kids(tool)
    site.answer = sends({}, status=503)

    clock.seconds += 3_500
    still = kids(tool)
    clock.seconds += 200

    assert still == ["one"]
    with pytest.raises(KeysUnavailable, match="http_503"):
        verification_keys(tool)


def test_a_key_set_that_turns_unusable_takes_the_old_keys_with_it(site, clock):
    site.answer = sends(key_set(made("ES256", kid="one")))
    tool = FakeTool(client_jwks_uri=site.uri)
    kids(tool)
    site.answer = sends({"keys": []})
    clock.seconds += 601

    with pytest.raises(KeysUnavailable, match="jwks_unusable"):
        verification_keys(tool)


@pytest.mark.incident("CVE-2025-2559")
def test_only_so_many_addresses_are_remembered(monkeypatch, site):
    monkeypatch.setattr(client_keys, "MAX_ADDRESSES", 3)
    site.answer = sends(key_set(made("ES256", kid="one")))

    for number in range(6):
        kids(FakeTool(client_jwks_uri=f"{site.uri}?{number}"))

    assert len(client_keys._addresses) == 3


# Encryption --------------------------------------------------------------------------------------------------


@pytest.mark.spec("OIDC Core", "10.2")
@pytest.mark.parametrize("enc", ENCRYPTION_METHODS)
@pytest.mark.parametrize(
    ("alg", "kind"),
    [
        ("RSA-OAEP-256", "RSA-OAEP-256"),
        ("ECDH-ES", "ECDH-ES"),
        ("ECDH-ES", "X25519"),
        ("ECDH-ES+A256KW", "ECDH-ES"),
        ("ECDH-ES+A256KW", "X25519"),
    ],
)
def test_the_tool_alone_reads_what_is_encrypted_for_it(alg, kind, enc):
    mine = made(kind, kid="enc", use="enc")
    tool = FakeTool(key_set(made("RS256", kid="sig", use="sig"), mine))

    token = encrypt(tool, "signed.token.here", alg=alg, enc=enc)

    read = jwe.decrypt_compact(token, mine, algorithms=[alg, enc])
    assert read.plaintext == b"signed.token.here"
    header = {name: value for name, value in read.headers().items() if name != "epk"}
    assert header == {"alg": alg, "enc": enc, "kid": "enc", "cty": "JWT"}


@pytest.mark.parametrize(
    ("members", "chosen"),
    [
        ([{"kid": "plain"}, {"kid": "enc", "use": "enc"}], "enc"),
        ([{"kid": "enc", "use": "enc"}, {"kid": "both", "use": "enc", "alg": "RSA-OAEP-256"}], "both"),
        ([{"kid": "other", "use": "enc", "alg": "RSA-OAEP"}, {"kid": "plain"}], "plain"),
        ([{"use": "enc"}], None),
    ],
)
def test_the_key_that_says_most_clearly_that_it_is_for_this_is_taken(members, chosen):
    ready = [made("RSA-OAEP-256", **each) for each in members]

    token = encrypt(FakeTool(key_set(*ready)), "x", alg="RSA-OAEP-256", enc="A256GCM", cty="")

    header = jws.extract_compact(".".join([token.split(".")[0], "", ""]).encode()).headers()
    assert header.get("kid") == chosen
    assert "cty" not in header


@pytest.mark.parametrize(
    ("tool", "alg", "enc", "code"),
    [
        (FakeTool(key_set(made("RS256", use="sig"))), "RSA-OAEP-256", "A256GCM", "no_encryption_key"),
        (FakeTool(key_set(made("ES256"))), "RSA-OAEP-256", "A256GCM", "no_encryption_key"),
        (FakeTool(key_set(made("Ed25519"))), "ECDH-ES", "A256GCM", "no_encryption_key"),
        (FakeTool(key_set(RSA)), "RSA1_5", "A256GCM", "encryption_unsupported"),
        (FakeTool(key_set(RSA)), "RSA-OAEP", "A256GCM", "encryption_unsupported"),
        (FakeTool(key_set(RSA)), "dir", "A256GCM", "encryption_unsupported"),
        (FakeTool(key_set(RSA)), "RSA-OAEP-256", "none", "encryption_unsupported"),
    ],
)
def test_nothing_is_encrypted_by_half(tool, alg, enc, code):
    with pytest.raises(KeysUnavailable, match=code):
        encrypt(tool, "x", alg=alg, enc=enc)


def test_a_key_for_encryption_published_since_is_found(site, clock):
    site.answer = sends(key_set(made("ES256", kid="one", use="sig")))
    tool = FakeTool(client_jwks_uri=site.uri)
    with pytest.raises(KeysUnavailable):
        encrypt(tool, "x", alg="RSA-OAEP-256", enc="A256GCM")
    site.answer = sends(key_set(made("RSA-OAEP-256", kid="enc", use="enc")))
    clock.seconds += 60

    assert encrypt(tool, "x", alg="RSA-OAEP-256", enc="A256GCM").count(".") == 4
