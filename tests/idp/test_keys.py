"""Signing keys: made, published, used, rotated by plan and by command, gone."""

import base64
import hashlib
import hmac
import json
import threading
from datetime import datetime, timedelta
from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from joserfc import jws, jwt
from joserfc.jwk import KeySet

from audit import sealing
from audit.models import Event
from audit.parts import Role
from audit.services import record
from audit.types import Action, Entry
from directory.ldap import sources
from directory.models import DirectorySource
from idp.models import OutgoingMail, SigningKey
from idp.services import keys
from idp.services.accounts import mails
from idp.services.keys import registry
from idp.types import KeyState, MailKind, SigningAlgorithm
from tests.support.oidc import sign_in

ISSUER = "http://localhost:8000"
ALGORITHMS = list(SigningAlgorithm.values)
DAY = timedelta(days=1)
AHEAD = timedelta(hours=48)
pytestmark = pytest.mark.filterwarnings("error::joserfc.errors.SecurityWarning", "error::DeprecationWarning:joserfc")


@pytest.fixture
def clock(monkeypatch, signing_key):
    """The hub's time, which moves when it is told to; a minute at least, so that processes look again."""
    return Clock(monkeypatch)


class Clock:
    def __init__(self, monkeypatch):
        from django.utils import timezone

        self.now = timezone.now()
        self.start = self.now
        monkeypatch.setattr("django.utils.timezone.now", lambda: self.now)
        monkeypatch.setattr(registry, "monotonic", lambda: (self.now - self.start).total_seconds())
        keys.forget_registry()

    def move(self, by: timedelta) -> datetime:
        self.now += by
        return self.now


def claims(**changes):
    return {"iss": ISSUER, "sub": "someone", **changes}


def header(token):
    part = token.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def published(client=None):
    return (client or Client()).get("/oidc/jwks").json()["keys"]


def of(algorithm):
    return SigningKey.objects.filter(algorithm=algorithm)


def told(action):
    return [event.facts["algorithm"] for event in Event.objects.filter(action=action)]


# Made and used -----------------------------------------------------------------------------------------------


@pytest.mark.spec("RFC 7518", "3.1")
@pytest.mark.spec("RFC 9864", "2.2")
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_each_algorithm_signs_what_a_tool_verifies_with_the_key_set(signing_key, algorithm):
    token = keys.sign(claims(), alg=algorithm)

    read = jwt.decode(token, KeySet.import_key_set({"keys": published()}), algorithms=[algorithm])

    assert read.claims["sub"] == "someone"
    assert header(token)["alg"] == algorithm
    assert keys.verify(token)["sub"] == "someone"


def test_the_algorithms_are_those_with_a_key(clock):
    assert keys.algorithms() == ("RS256", "PS256", "ES256", "Ed25519")

    SigningKey.objects.exclude(algorithm="ES256").delete()
    clock.move(timedelta(minutes=2))

    assert keys.algorithms() == ("ES256",)
    with pytest.raises(LookupError):
        keys.sign(claims(), alg="RS256")


@pytest.mark.spec("RFC 7638", "3")
def test_a_key_is_named_by_its_thumbprint(signing_key):
    for key in published():
        members = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x")}[key["kty"]]
        text = json.dumps({name: key[name] for name in members}, separators=(",", ":"), sort_keys=True)
        digest = hashlib.sha256(text.encode()).digest()

        assert key["kid"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@pytest.mark.spec("RFC 7517", "5")
def test_the_key_set_names_use_and_algorithm_and_holds_nothing_private(signing_key):
    found = published()

    assert sorted(key["alg"] for key in found) == sorted(ALGORITHMS)
    assert {key["use"] for key in found} == {"sig"}
    assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & {name for key in found for name in key}
    assert len({key["n"] for key in found if key["kty"] == "RSA"}) == 2


def test_private_halves_are_encrypted_with_a_key_that_the_database_has_not(signing_key, settings):
    stored = bytes(SigningKey.objects.get(algorithm="ES256").private)

    assert b'"d"' not in stored
    assert json.loads(Fernet(settings.KEY_ENCRYPTION_KEY).decrypt(stored))["d"]


def test_ensuring_twice_makes_no_second_key(signing_key):
    call_command("ensure_keys", verbosity=0)

    assert SigningKey.objects.count() == 4
    assert sorted(told(Action.KEY_ROTATED)) == sorted(ALGORITHMS)


def test_a_key_added_in_another_process_is_found_at_once_by_who_needs_it(db, clock):
    SigningKey.objects.all().delete()
    keys.forget_registry()
    assert keys.algorithms() == ()
    clock.move(timedelta(seconds=6))
    known = registry._registry

    keys.ensure_keys(now=clock.now)
    registry._registry = known

    assert keys.verify(keys.sign(claims()))["sub"] == "someone"


# What is verified --------------------------------------------------------------------------------------------


def forged(algorithm="RS256", payload=None, **head):
    """A token as the hub would sign it, but for the header's members given here."""
    key = registry._signer(algorithm)
    named = {"alg": algorithm, "kid": key.kid, "typ": "JWT", **head}
    named = {name: value for name, value in named.items() if value is not None}
    text = json.dumps(claims() if payload is None else payload)
    return jws.serialize_compact(named, text, key.private, algorithms=[algorithm])


@pytest.mark.spec("RFC 8725", "3.11")
@pytest.mark.parametrize("typ", ["at+jwt", "logout+jwt", "token-introspection+jwt", "dpop+jwt"])
def test_another_kind_of_token_is_no_id_token(signing_key, typ):
    token = keys.sign(claims(), typ=typ)

    with pytest.raises(keys.NotOurs, match="typ"):
        keys.verify(token)
    assert keys.verify(token, types=frozenset({typ}))["sub"] == "someone"


def test_an_expired_token_is_read_and_left_to_the_caller(signing_key):
    assert keys.verify(keys.sign(claims(exp=1)))["exp"] == 1


@pytest.mark.spec("RFC 8725", "3.1")
def test_an_rsa_key_of_one_algorithm_verifies_nothing_of_the_other(signing_key):
    ours = registry._signer("RS256")
    bare = ours.private.import_key({n: v for n, v in ours.private.as_dict(private=True).items() if n != "alg"})
    token = jws.serialize_compact({"alg": "PS256", "kid": ours.kid}, json.dumps(claims()), bare, algorithms=["PS256"])

    with pytest.raises(keys.NotOurs, match="alg"):
        keys.verify(token)


@pytest.mark.spec("RFC 8725", "2.1")
def test_the_public_key_is_no_secret_for_hmac(signing_key):
    key = registry._signer("RS256")
    head = {"alg": "HS256", "kid": key.kid, "typ": "JWT"}
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (head, claims())]
    mac = hmac.digest(key.public.as_pem(), b".".join(parts), "sha256")
    token = b".".join([*parts, base64.urlsafe_b64encode(mac).rstrip(b"=")]).decode()

    with pytest.raises(keys.NotOurs, match="alg"):
        keys.verify(token)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda: "",
        lambda: "a.b.c",
        lambda: "é" * 10,
        lambda: "a" * 20_000,
        lambda: forged(kid=None),
        lambda: forged(kid="unknown"),
        lambda: forged(payload=["a", "list"]),
        lambda: forged(payload={"iss": "https://other.example"}),
        lambda: keys.sign(claims())[:-8] + "AAAAAAAA",
        lambda: keys.sign(claims()).rsplit(".", 1)[0] + ".",
        lambda: "eyJhbGciOiJub25lIn0." + keys.sign(claims()).split(".")[1] + ".",
        lambda: base64.urlsafe_b64encode(b"[" * 9_000).decode() + ".e30.",
    ],
)
def test_what_the_hub_did_not_sign_is_refused(signing_key, spoil):
    with pytest.raises(keys.NotOurs):
        keys.verify(spoil())


def test_strangers_tokens_do_not_make_a_query_each(clock, django_assert_num_queries):
    keys.document()
    clock.move(timedelta(seconds=10))

    with django_assert_num_queries(1):
        for number in range(20):
            with pytest.raises(keys.NotOurs):
                keys.verify(forged(kid=f"unknown-{number}"))


# Rotated by plan ---------------------------------------------------------------------------------------------


def test_nothing_is_due_before_its_time(clock):
    assert keys.rotate_due(now=clock.move(87 * DAY)) == 0

    assert SigningKey.objects.count() == 4


def test_a_key_is_published_before_it_signs_and_its_predecessor_verifies_after(clock, settings):
    old = header(keys.sign(claims()))["kid"]
    hint = keys.sign(claims())

    keys.rotate_due(now=clock.move(88 * DAY))
    clock.move(timedelta(seconds=61))
    waiting = {key["kid"] for key in published() if key["alg"] == "RS256"}
    signs_still = header(keys.sign(claims()))["kid"]
    clock.move(2 * DAY)
    signs_now = header(keys.sign(claims()))["kid"]

    assert signs_still == old
    assert signs_now != old
    assert waiting == {old, signs_now}
    assert keys.verify(hint)["sub"] == "someone"


def test_a_process_changes_keys_on_the_second_without_looking(clock, django_assert_num_queries):
    keys.rotate_due(now=clock.move(88 * DAY))
    clock.move(2 * DAY - timedelta(seconds=30))
    before = header(keys.sign(claims()))["kid"]

    with django_assert_num_queries(0):
        clock.move(timedelta(seconds=30))
        after = header(keys.sign(claims()))["kid"]

    assert before != after


def test_a_retired_key_leaves_the_set_then_verifies_hints_then_nothing(clock):
    hint = keys.sign(claims())
    old = header(hint)["kid"]

    keys.rotate_due(now=clock.move(88 * DAY))
    clock.move(2 * DAY + DAY)
    still_there = old in {key["kid"] for key in published()}
    clock.move(timedelta(minutes=12))
    gone_from_set = old not in {key["kid"] for key in published()}
    clock.move(363 * DAY)
    late = keys.verify(hint)
    clock.move(2 * DAY)

    assert still_there
    assert gone_from_set
    assert late["sub"] == "someone"
    with pytest.raises(keys.NotOurs, match="kid"):
        keys.verify(hint)


def test_the_journal_tells_each_state_and_the_private_half_goes_with_retirement(clock):
    first = of("ES256").get()

    keys.rotate_due(now=clock.move(88 * DAY))
    keys.rotate_due(now=clock.move(2 * DAY))
    first.refresh_from_db()
    kept_for_late_clocks = bool(first.private)
    keys.rotate_due(now=clock.move(timedelta(minutes=16)))
    first.refresh_from_db()

    assert kept_for_late_clocks
    assert (first.noted, bytes(first.private)) == (KeyState.RETIRED, b"")
    assert told(Action.KEY_ACTIVATED).count("ES256") == 1
    assert told(Action.KEY_RETIRED).count("ES256") == 1
    for _ in range(5):
        keys.rotate_due(now=clock.move(80 * DAY))
    first.refresh_from_db()
    assert first.noted == KeyState.GONE
    assert told(Action.KEY_GONE).count("ES256") == 1
    assert keys.rotate_due(now=clock.now) == 0


def test_a_worker_that_slept_through_the_day_still_publishes_ahead(clock):
    keys.rotate_due(now=clock.move(200 * DAY))

    assert of("RS256").get(retired_at=None).active_at == clock.now + AHEAD
    assert header(keys.sign(claims()))["kid"] == of("RS256").exclude(retired_at=None).get().kid


@pytest.mark.spec("OIDC Core", "10.1.1")
def test_a_member_signs_in_before_during_and_after_each_of_three_rotations(clock, wiki, member):
    """The tool keeps the key set as long as it is told to and looks nothing up otherwise."""
    kept, until, kids = None, clock.now, set()
    for _ in range(3):
        for step in (86 * DAY, 2 * DAY, AHEAD - timedelta(seconds=30), timedelta(seconds=30), timedelta(seconds=1)):
            clock.move(step)
            keys.rotate_due(now=clock.now)
            if clock.now >= until:
                answer = Client().get("/oidc/jwks")
                kept = KeySet.import_key_set(answer.json())
                until = clock.now + timedelta(seconds=int(answer["Cache-Control"].partition("max-age=")[2]))
            tokens = wiki.exchange(wiki.code(sign_in(member))).json()

            read = jwt.decode(tokens["id_token"], kept, algorithms=["RS256"])

            kids.add(read.header["kid"])
    assert len(kids) == 4


# Caching -----------------------------------------------------------------------------------------------------


@pytest.mark.spec("OIDC Core", "10.1.1")
def test_the_key_set_may_be_kept_until_it_is_due_to_change(clock):
    def max_age():
        return Client().get("/oidc/jwks")["Cache-Control"]

    assert max_age() == "public, max-age=600"
    clock.now = max(row.active_at for row in SigningKey.objects.all()) + 88 * DAY
    clock.move(timedelta(seconds=-200))
    assert max_age() in ("public, max-age=199", "public, max-age=200")
    keys.rotate_due(now=clock.move(timedelta(seconds=200)))
    assert max_age() == "public, max-age=600"


def test_an_unchanged_key_set_is_not_sent_twice(clock):
    first = Client().get("/oidc/jwks")

    again = Client().get("/oidc/jwks", headers={"If-None-Match": first["ETag"]})
    keys.rotate(now=clock.now)
    changed = Client().get("/oidc/jwks", headers={"If-None-Match": first["ETag"]})

    assert (again.status_code, again["Cache-Control"]) == (304, first["Cache-Control"])
    assert changed.status_code == 200


def test_keys_are_read_once_a_minute_at_most(clock, django_assert_num_queries):
    keys.sign(claims())

    with django_assert_num_queries(0):
        for _ in range(3):
            clock.move(timedelta(seconds=19))
            keys.verify(keys.sign(claims()))
            published()
    with django_assert_num_queries(1):
        clock.move(timedelta(seconds=4))
        keys.sign(claims())
        published()


def test_a_key_is_parsed_once(clock, monkeypatch):
    keys.sign(claims())
    monkeypatch.setattr(registry.JWKRegistry, "import_key", None)

    clock.move(timedelta(minutes=5))

    assert keys.verify(keys.sign(claims()))


def test_while_the_database_is_away_the_known_keys_go_on(clock, monkeypatch, caplog):
    keys.sign(claims())

    def broken(known):
        raise registry.DatabaseError

    monkeypatch.setattr(registry, "_read", broken)
    clock.move(timedelta(minutes=5))

    assert keys.verify(keys.sign(claims()))
    assert "going on with those known" in caplog.text


# By command --------------------------------------------------------------------------------------------------


def run(*arguments):
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_rotating_by_command_publishes_and_a_second_time_changes_nothing(clock):
    first = json.loads(run("rotate_keys", "--json"))
    second = json.loads(run("rotate_keys", "--json"))

    assert first == second
    assert {each["algorithm"] for each in first} == set(ALGORITHMS)
    assert datetime.fromisoformat(first[0]["active_at"]) == clock.now + AHEAD
    assert SigningKey.objects.count() == 8


def test_one_algorithm_alone_may_be_rotated(clock):
    run("rotate_keys", "--algorithm", "PS256")

    assert {row.algorithm for row in SigningKey.objects.exclude(retired_at=None)} == {"PS256"}


def test_a_stolen_key_is_believed_no_more_from_this_moment_on(clock):
    stolen = keys.sign(claims())
    keys.rotate(now=clock.now)

    text = run("rotate_keys", "--algorithm", "RS256", "--now")

    fresh = keys.sign(claims())
    assert header(fresh)["kid"] != header(stolen)["kid"]
    assert [key["kid"] for key in published() if key["alg"] == "RS256"] == [header(fresh)["kid"]]
    with pytest.raises(keys.NotOurs, match="kid"):
        keys.verify(stolen)
    assert [bytes(row.private) for row in of("RS256").exclude(gone_at=None)] == [b"", b""]
    assert "Members stay signed in" in text
    assert {event.reason for event in Event.objects.filter(action=Action.KEY_GONE)} == {"compromised"}
    assert told(Action.KEY_GONE) == ["RS256", "RS256"]


def test_another_process_follows_a_replacement_within_a_minute(clock):
    stolen = keys.sign(claims())
    known = registry.registry()

    keys.rotate(now=clock.now, algorithm="RS256", at_once=True)
    fresh = keys.sign(claims())
    registry._registry = known
    clock.move(timedelta(seconds=6))
    follows_the_new = keys.verify(fresh)
    clock.move(timedelta(seconds=60))

    assert follows_the_new["sub"] == "someone"
    with pytest.raises(keys.NotOurs):
        keys.verify(stolen)


def test_a_replacement_at_the_time_of_a_planned_change_leaves_one_key(clock):
    keys.rotate_due(now=clock.move(88 * DAY))

    keys.rotate(now=clock.now, at_once=True)
    keys.rotate_due(now=clock.move(3 * DAY))

    assert of("RS256").filter(retired_at=None).count() == 1
    assert keys.verify(keys.sign(claims()))


# Two at once -------------------------------------------------------------------------------------------------


def at_once(work, count=6):
    together, failures = threading.Barrier(count), []

    def one():
        try:
            together.wait()
            work()
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(count)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return failures


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("start", ["nothing", "due", "by_hand"])
def test_workers_that_rotate_at_the_same_time_make_one_key(start, settings):
    if connection.vendor == "sqlite":
        pytest.skip("threads share SQLite's database in memory; test_key_rotation_live.py has processes")
    from django.utils import timezone

    keys.forget_registry()
    now = timezone.now()
    if start != "nothing":
        keys.ensure_keys(now=now)
    later = now + 89 * DAY

    work = {
        "nothing": lambda: keys.ensure_keys(now=now),
        "due": lambda: keys.rotate_due(now=later),
        "by_hand": lambda: keys.rotate(now=now),
    }[start]
    failures = at_once(work)

    assert failures == []
    expected = 1 if start == "nothing" else 2
    assert [of(name).count() for name in ALGORITHMS] == [expected] * 4
    assert [of(name).filter(retired_at=None).count() for name in ALGORITHMS] == [1] * 4
    keys.forget_registry()


# The encrypting key ------------------------------------------------------------------------------------------


def test_the_encrypting_key_is_changed_without_losing_a_signing_key(signing_key, settings):
    old, new = settings.KEY_ENCRYPTION_KEY, Fernet.generate_key().decode()
    hint = keys.sign(claims())
    settings.KEY_ENCRYPTION_KEY = f"{new} {old}"
    keys.forget_registry()
    both = keys.verify(keys.sign(claims()))

    text = run("reseal_secrets")
    settings.KEY_ENCRYPTION_KEY = new
    keys.forget_registry()

    assert both["sub"] == keys.verify(keys.sign(claims()))["sub"] == keys.verify(hint)["sub"]
    assert "signing_keys: 4" in text
    assert Event.objects.get(action=Action.KEY_RESEALED).facts["signing_keys"] == 4


def test_everything_that_is_sealed_opens_with_the_new_key_alone(settings, member):
    """A directory, a mail that waits, and whom the journal is about."""
    old, new = settings.KEY_ENCRYPTION_KEY, Fernet.generate_key().decode()
    source = DirectorySource.objects.create(
        name="A",
        bind_secret=sealing.seal(b"reader", purpose=sources.SECRET_PURPOSE),
        write_secret=sealing.seal(b"writer", purpose=sources.SECRET_PURPOSE),
    )
    mails.queue_text(kind=MailKind.SECURITY, member=member, subject="Objet", body="Corps", now=timezone.now())
    with transaction.atomic():
        record(Entry(Action.SIGN_OUT, subject=member.pk))

    settings.KEY_ENCRYPTION_KEY = f"{new} {old}"
    text = run("reseal_secrets")
    settings.KEY_ENCRYPTION_KEY = new

    source.refresh_from_db()
    secrets = (source.bind_secret, source.write_secret)
    opened = [sealing.unseal(bytes(each), purpose=sources.SECRET_PURPOSE) for each in secrets]
    assert opened == [b"reader", b"writer"]
    assert b"Corps" in sealing.unseal(bytes(OutgoingMail.objects.get().sealed), purpose=mails.PURPOSE)
    line = Event.objects.get(action=Action.SIGN_OUT)
    assert line.part(Role.SUBJECT).facts == {"person": str(member.pk)}
    assert "person_keys: 1" in text


def test_resealing_without_the_old_key_changes_nothing(signing_key, settings):
    before = bytes(of("RS256").get().private)
    settings.KEY_ENCRYPTION_KEY = Fernet.generate_key().decode()

    with pytest.raises(CommandError):
        run("reseal_secrets")

    assert bytes(of("RS256").get().private) == before


def test_a_signing_key_that_cannot_be_opened_signs_nothing_but_verifies(signing_key, settings, caplog):
    hint = keys.sign(claims())
    settings.KEY_ENCRYPTION_KEY = Fernet.generate_key().decode()
    keys.forget_registry()

    assert keys.algorithms() == ()
    assert keys.verify(hint)["sub"] == "someone"
    assert "not given any more" in caplog.text
    run("rotate_keys", "--now")
    keys.forget_registry()
    assert keys.algorithms() == tuple(ALGORITHMS)


def test_what_is_sealed_for_one_purpose_does_not_open_for_another():
    sealed = sealing.seal(b"secret", purpose="one")

    assert sealing.unseal(sealed, purpose="one") == b"secret"
    for other in ("two", ""):
        with pytest.raises(sealing.InvalidToken):
            sealing.unseal(sealed, purpose=other)


def test_a_key_is_wrapped_for_one_purpose_and_one_of_the_hubs_keys(settings):
    key, old = bytes(range(32)), settings.KEY_ENCRYPTION_KEY
    wrapped = sealing.wrap(key, purpose="one")

    assert sealing.unwrap(wrapped, purpose="one") == key
    assert key not in wrapped
    assert sealing.wrap(key, purpose="one") != wrapped
    settings.KEY_ENCRYPTION_KEY = f"{Fernet.generate_key().decode()} {old}"
    assert sealing.unwrap(wrapped, purpose="one") == key
    for spoiled in (b"", wrapped[:-1], wrapped[:20] + bytes([wrapped[20] ^ 1]) + wrapped[21:]):
        with pytest.raises(sealing.InvalidToken):
            sealing.unwrap(spoiled, purpose="one")
    with pytest.raises(sealing.InvalidToken):
        sealing.unwrap(wrapped, purpose="two")
    settings.KEY_ENCRYPTION_KEY = Fernet.generate_key().decode()
    with pytest.raises(sealing.InvalidToken):
        sealing.unwrap(wrapped, purpose="one")
