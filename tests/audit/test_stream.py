"""The journal told to a SIEM: a real receiver over TLS, in every mood; and a file that others rotate."""

import json
import socket
import ssl
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID
from django.utils import timezone

from audit.models import Event, Leaf, StreamCursor
from audit.sequencer import sequence
from audit.services import record
from audit.stream import ocsf, sending, targets
from audit.stream.sending import Streamer
from audit.stream.targets import Lines, Syslog
from audit.types import Action, Actor, Entry
from directory.models import Member
from tests.support.cast import browser_of
from tests.support.nginx import Holder, Mint
from tests.support.siem import Siem, siem

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def mint(tmp_path_factory) -> Mint:
    return Mint(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def authority(mint) -> Holder:
    return mint.make("Autorité", authority=True)


@pytest.fixture(scope="module")
def certificate(mint, authority) -> Holder:
    return mint.make("siem", by=authority, names=["localhost"], purpose=ExtendedKeyUsageOID.SERVER_AUTH)


@pytest.fixture
def receiver(certificate) -> Iterator[Siem]:
    with siem(certificate.chain, certificate.secret) as running:
        yield running


def syslog(receiver: Siem, authority: Holder, **more) -> Syslog:
    return Syslog("localhost", receiver.port, "cles.example", authority.chain, **more)


def happen(*entries: Entry) -> list[Leaf]:
    """The events as they stand in the log, the new ones last."""
    record(*entries)
    while sequence(now=timezone.now()):
        pass
    return list(Leaf.objects.order_by("pk"))


def begin(*to) -> Streamer:
    """Switched on now, with nothing behind."""
    streamer = Streamer(to)
    streamer.turn(now=timezone.now())
    return streamer


def settle(streamer: Streamer, now=None) -> None:
    """One batch on its way, and what came of it written down."""
    now = now or timezone.now()
    streamer.turn(now=now)
    for each in list(streamer._under_way.values()):
        each.answer.exception(30)
    streamer.turn(now=now)
    for each in list(streamer._under_way.values()):
        each.answer.exception(30)


def bodies(receiver: Siem) -> list[dict]:
    return [json.loads(frame[frame.index(b"] {") + 2 :]) for frame in receiver.frames()]


def uids(receiver: Siem) -> list[str]:
    return [each["metadata"]["uid"] for each in bodies(receiver)]


# What is told --------------------------------------------------------------------------------------------------------


def test_every_kind_of_event_has_its_class_and_every_class_its_names():
    assert set(ocsf.MAPPING) == set(Action.values), "each Action once"
    for kind, activity in ocsf.MAPPING.values():
        assert activity == ocsf.OTHER or activity in ocsf.ACTIVITY_NAMES[kind]
        assert kind in ocsf.CLASS_NAMES
        assert kind // 1000 in ocsf.CATEGORY_NAMES


@pytest.mark.parametrize("action", Action)
def test_every_kind_of_event_is_told_with_what_its_class_requires(action, member):
    happen(Entry(action, subject=member.pk, actor=Actor(member=member.pk), facts={"items": ["canari-valeur"]}))

    told = next(
        each for each in sending.documents(list(Leaf.objects.all())) if each["metadata"]["event_code"] == action
    )

    assert told["type_uid"] == told["class_uid"] * 100 + told["activity_id"]
    assert told["category_uid"] == told["class_uid"] // 1000
    assert {"time", "severity_id", "metadata", "activity_id", "message", "status_id", "actor"} <= told.keys()
    needed = {
        ocsf.Class.FINDING: {"finding_info"},
        ocsf.Class.ACCOUNT_CHANGE: {"user"},
        ocsf.Class.AUTHENTICATION: {"user"},
        ocsf.Class.USER_ACCESS: {"user", "privileges"},
        ocsf.Class.GROUP_MANAGEMENT: {"group"},
        ocsf.Class.ENTITY_MANAGEMENT: {"entity"},
        ocsf.Class.API_ACTIVITY: {"api", "src_endpoint"},
    }
    assert needed[told["class_uid"]] <= told.keys()
    assert "canari" not in json.dumps(told)


def test_people_are_pseudonyms_that_are_the_same_from_line_to_line(member, other_member, settings):
    happen(
        Entry(Action.SIGN_IN, actor=Actor(member=member.pk), subject=member.pk),
        Entry(Action.MEMBER_CONSULTED, actor=Actor(member=other_member.pk), subject=member.pk),
        Entry(Action.ROLE_GRANTED, actor=Actor(member=other_member.pk), subject=member.pk),
    )
    said = {each["metadata"]["event_code"]: each for each in sending.documents(list(Leaf.objects.all()))}
    signed_in, consulted, granted = (
        said[each] for each in (Action.SIGN_IN, Action.MEMBER_CONSULTED, Action.ROLE_GRANTED)
    )

    own = signed_in["user"]["uid"]
    assert signed_in["actor"]["user"]["uid"] == granted["user"]["uid"] == own
    assert consulted["actor"]["user"]["uid"] == granted["actor"]["user"]["uid"] != own
    everything = json.dumps([signed_in, consulted, granted])
    for person in (member, other_member):
        for said in (str(person.pk), person.pk.hex, person.login, person.display_name, person.email):
            assert said not in everything

    settings.PAIRWISE_SALT = "another"
    assert sending.name_outside(member.pk) != own
    settings.STREAM_PEOPLE = "member"
    assert str(member.pk) in json.dumps(sending.documents(list(Leaf.objects.all())))


def test_whoever_was_erased_is_nobody(member):
    happen(Entry(Action.SIGN_IN, actor=Actor(member=member.pk), subject=member.pk))
    Event.objects.get(action=Action.SIGN_IN).subject_key.delete()

    (told,) = sending.documents(list(Leaf.objects.all()))

    assert "uid" not in told["user"]


@pytest.mark.spec("RFC 5424", "6")
@pytest.mark.spec("RFC 5425", "4.3")
def test_a_message_is_framed_as_the_specification_says():
    told = ocsf.Told(
        reference="r",
        sequence=2**31 + 4,
        log="access-2026h2",
        at=timezone.datetime(2026, 11, 16, 9, 0, 0, 123456, tzinfo=timezone.get_fixed_timezone(60)),
        action="idp:session:refuse",
        label="Sign-in refused",
        by="hub",
        refused=True,
        reason="bad_password",
        subject="s",
        actor="",
        tool="wiki",
        actor_tool="",
    )
    framed = targets.frame(ocsf.document(told), "cles.example")

    length, _, message = framed.partition(b" ")
    head, _, body = message.partition(b"] ")
    assert int(length) == len(message)
    # Log audit (13) times 8 plus notice (5); MSGID holds no space.
    start = b'<109>1 2026-11-16T08:00:00.123+00:00 cles.example trousseau - idp:session:refuse [meta sequenceId="'
    assert head == start + b'5"'
    assert json.loads(body)["status_code"] == "bad_password"
    assert message.isascii()


# To a receiver -------------------------------------------------------------------------------------------------------


def test_events_arrive_in_the_order_of_the_log_and_once(receiver, authority):
    happen(Entry(Action.FAVOURITE_CHANGED))
    streamer = begin(syslog(receiver, authority))
    before = Leaf.objects.count()
    leaves = happen(*[Entry(Action.FAVOURITE_CHANGED) for _ in range(700)], Entry(Action.CONSENT_GIVEN))[before:]

    for _ in range(3):
        settle(streamer)

    assert uids(receiver) == [str(leaf.reference) for leaf in leaves], "from when it was switched on"
    cursor = StreamCursor.objects.get(name="syslog")
    assert (cursor.leaf, cursor.last_error, cursor.attempts) == (leaves[-1].pk, "", 0)
    assert [each.waiting for each in [sending._standing(cursor, timezone.now())]] == [0]


@pytest.mark.spec("RFC 5425", "4.4")
def test_a_server_that_goes_without_an_answer_has_taken_nothing_unless_the_operator_says_so(receiver, authority):
    receiver.mood = "leave"
    begin(syslog(receiver, authority))
    happen(Entry(Action.FAVOURITE_CHANGED))
    now = timezone.now()

    settle(Streamer([syslog(receiver, authority)]), now)
    strict = StreamCursor.objects.get()
    settle(Streamer([syslog(receiver, authority, confirms=False)]), now + timedelta(minutes=1))

    assert (strict.leaf, strict.last_error) == (0, "stream_unconfirmed")
    assert StreamCursor.objects.get().last_error == ""
    assert len(receiver.frames()) == 2, "at least once"


def test_the_hub_shows_its_own_certificate_where_it_has_one(mint, authority, certificate, tmp_path):
    own = mint.make("hub", by=authority)
    both = tmp_path / "own.pem"
    both.write_bytes(own.chain.read_bytes() + own.secret.read_bytes())
    with siem(certificate.chain, certificate.secret, clients=authority.chain) as strict:
        without, named = begin(syslog(strict, authority)), syslog(strict, authority, certificate=both)
        happen(Entry(Action.FAVOURITE_CHANGED))
        settle(without)
        refused = StreamCursor.objects.get().last_error
        settle(Streamer([named]), timezone.now() + timedelta(minutes=1))

        assert refused == "stream_tls", "its refusal is no answer"
        assert len(strict.frames()) == 1
        assert "hub" in strict.shown[0]


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def test_a_server_that_is_down_loses_nothing_and_gets_it_all_when_it_is_back(authority, certificate):
    port = closed_port()
    streamer = begin(Syslog("localhost", port, "cles.example", authority.chain))
    leaves = happen(Entry(Action.FAVOURITE_CHANGED), Entry(Action.CONSENT_GIVEN))
    now = timezone.now()

    tried = []
    for seconds in range(0, 30):
        before = StreamCursor.objects.get().attempts
        settle(streamer, now + timedelta(seconds=seconds))
        tried += [seconds] * (StreamCursor.objects.get().attempts - before)
    cursor = StreamCursor.objects.get()
    assert (cursor.last_error, cursor.leaf) == ("stream_unreachable", 0)
    assert tried == [0, 1, 6, 21], "ever later"

    with siem(certificate.chain, certificate.secret, port=port) as back:
        settle(streamer, now + timedelta(minutes=10))
        assert uids(back) == [str(leaf.reference) for leaf in leaves]
    assert StreamCursor.objects.get().failing_since is None


def test_a_stranger_in_its_place_gets_nothing(mint, certificate, authority):
    stranger = mint.make("Autre autorité", authority=True)
    impostor = mint.make("siem", by=stranger, names=["localhost"], purpose=ExtendedKeyUsageOID.SERVER_AUTH)
    other_name = mint.make("siem", by=authority, names=["ailleurs.example"], purpose=ExtendedKeyUsageOID.SERVER_AUTH)
    begin(syslog(Siem(port=closed_port()), authority))
    happen(Entry(Action.FAVOURITE_CHANGED))
    now = timezone.now()
    for number, shown in enumerate((impostor, other_name)):
        with siem(shown.chain, shown.secret) as wrong:
            settle(Streamer([syslog(wrong, authority)]), now + timedelta(minutes=number))

            assert StreamCursor.objects.get().last_error == "stream_certificate"
            assert wrong.taken == []


def test_a_cut_connection_is_sent_again(receiver, authority):
    receiver.mood = "cut"
    streamer = begin(syslog(receiver, authority))
    leaves = happen(*[Entry(Action.FAVOURITE_CHANGED) for _ in range(300)])
    now = timezone.now()

    settle(streamer, now)
    failed = StreamCursor.objects.get()
    receiver.mood = "take"
    settle(streamer, now + timedelta(minutes=1))

    assert (failed.leaf, bool(failed.last_error)) == (0, True)
    assert uids(receiver) == [str(leaf.reference) for leaf in leaves]


def test_a_server_that_says_nothing_keeps_nobody_waiting(receiver, authority, monkeypatch):
    monkeypatch.setattr(targets, "SEND_SECONDS", 2.0)
    receiver.mood = "stall"
    streamer = begin(syslog(receiver, authority))
    happen(Entry(Action.FAVOURITE_CHANGED))

    begun = time.monotonic()
    streamer.turn(now=timezone.now())
    assert time.monotonic() - begun < 1.5, "the worker goes on"
    settle(streamer)

    assert StreamCursor.objects.get().last_error == "stream_timeout"


def test_a_worker_that_was_killed_sends_it_again_and_two_send_it_once(receiver, authority):
    streamer = begin(syslog(receiver, authority))
    leaves = happen(Entry(Action.FAVOURITE_CHANGED))
    now = timezone.now()
    streamer.turn(now=now)

    other = Streamer([syslog(receiver, authority)])
    settle(other, now + timedelta(seconds=30))
    assert len(uids(receiver)) <= 1, "another worker has it"
    other.close(now=now)
    settle(Streamer([syslog(receiver, authority)]), now + timedelta(seconds=61))

    assert uids(receiver) == [str(leaf.reference) for leaf in leaves] * 2, "at least once"
    assert StreamCursor.objects.get().leaf == leaves[-1].pk


def test_a_long_silence_is_told_once_and_so_is_its_end(receiver, authority, client, dpo, settings):
    settings.STREAM_URL, settings.STREAM_CA_FILE = f"syslog+tls://localhost:{closed_port()}", authority.chain
    streamer = begin(*sending.configured())
    happen(Entry(Action.FAVOURITE_CHANGED))
    now = timezone.now()
    for minutes in range(0, 20):
        settle(streamer, now + timedelta(minutes=minutes))

    line = Event.objects.get(action=Action.STREAM_FAILED)
    assert (line.reason, line.facts) == ("stream_unreachable", {"stream": "syslog"})
    assert client.get("/healthz").json()["stream"][0]["error"] == "stream_unreachable"
    assert 'data-stream="syslog"' in browser_of(dpo).get("/journal/preuve/").content.decode()
    settle(Streamer([syslog(receiver, authority)]), now + timedelta(hours=1))
    assert Event.objects.filter(action=Action.STREAM_RESUMED).count() == 1
    assert client.get("/healthz").json()["stream"][0]["error"] == ""


def test_nothing_to_send_costs_two_statements_and_no_target_none(receiver, authority, django_assert_num_queries):
    streamer = begin(syslog(receiver, authority))
    with django_assert_num_queries(2):
        streamer.turn(now=timezone.now())
    with django_assert_num_queries(0):
        Streamer([]).turn(now=timezone.now())


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("syslog+tls://siem.example", ("siem.example", 6514)),
        ("syslog+tls://siem.example:10514/", ("siem.example", 10514)),
        *(
            (url, None)
            for url in ("syslog://siem.example", "siem.example", "syslog+tls://", "syslog+tls://a@b", "x:y:z")
        ),
        *((url, None) for url in ("syslog+tls://b/path", "syslog+tls://b:999999", "syslog+tls://b?x=1")),
    ],
)
def test_an_address_is_told_or_refused_at_the_start(url, told):
    assert targets.server(url) == told


# Into a file ---------------------------------------------------------------------------------------------------------


def lines_of(path: Path) -> list[str]:
    return [json.loads(line)["metadata"]["uid"] for line in path.read_text().splitlines()]


def test_a_file_gets_a_line_for_each_event_and_may_be_renamed_at_any_time(tmp_path):
    path = tmp_path / "journal.jsonl"
    streamer = begin(Lines(path))
    first = happen(Entry(Action.FAVOURITE_CHANGED))
    settle(streamer)
    path.rename(tmp_path / "journal.jsonl.1")
    second = happen(Entry(Action.FAVOURITE_CHANGED))[len(first) :]
    settle(streamer)

    assert lines_of(tmp_path / "journal.jsonl.1") == [str(leaf.reference) for leaf in first]
    assert lines_of(path) == [str(leaf.reference) for leaf in second]
    assert path.stat().st_mode & 0o007 == 0


def test_a_file_that_cannot_be_written_waits_and_holds_up_no_other(tmp_path, receiver, authority):
    folder = tmp_path / "away"
    streamer = begin(Lines(folder / "journal.jsonl"), syslog(receiver, authority))
    leaves = happen(Entry(Action.FAVOURITE_CHANGED))
    now = timezone.now()
    settle(streamer, now)

    assert StreamCursor.objects.get(name="file").last_error == "stream_file"
    assert uids(receiver) == [str(leaf.reference) for leaf in leaves]
    folder.mkdir()
    settle(streamer, now + timedelta(minutes=1))
    assert lines_of(folder / "journal.jsonl") == [str(leaf.reference) for leaf in leaves]


def test_no_half_line_stays_when_the_disk_is_full(tmp_path, monkeypatch, member: Member):
    path = tmp_path / "journal.jsonl"
    streamer = begin(Lines(path))
    first = happen(Entry(Action.FAVOURITE_CHANGED))
    settle(streamer)
    with monkeypatch.context() as patched:
        patched.setattr("audit.stream.targets.os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left")))
        leaves = happen(Entry(Action.FAVOURITE_CHANGED))
        settle(streamer)
        assert lines_of(path) == [str(leaf.reference) for leaf in first]
    settle(streamer, timezone.now() + timedelta(minutes=1))

    assert lines_of(path) == [str(leaf.reference) for leaf in leaves]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ssl.SSLCertVerificationError(), "stream_certificate"),
        (ssl.SSLError(), "stream_tls"),
        (TimeoutError(), "stream_timeout"),
        (socket.gaierror(), "stream_unreachable"),
        (ConnectionResetError(), "stream_unreachable"),
        (OSError(28, "/secret/path"), "stream_file"),
        (ValueError("odile@alizarine.example"), "stream_fault"),
    ],
)
def test_what_went_wrong_is_a_code_without_any_value(error, code):
    assert sending.why(error) == code
