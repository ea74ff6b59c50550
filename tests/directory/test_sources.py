"""Directories set up, switched on and off, and asked for; removals approved; issues laid aside.  With their lines."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic
from uuid import uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtensionOID, NameOID

from audit.models import Event
from audit.types import SYSTEM, Action, Actor
from demo.slapd import EmbeddedDirectory
from directory import following, selectors, services
from directory.ldap import probing, sources
from directory.ldap.plan import Ceilings
from directory.ldap.probing import Branches, Known, Reached, Samples, Secured, Trouble
from directory.ldap.servers import Abilities
from directory.models import DirectorySource, Member, RoleGrant, SyncIssue, SyncRun
from directory.services import synchronise, trials
from directory.services.turns import Follower
from directory.types import CannotChange, Kind, MemberState, Mode, Role, RunStatus, ServerKind, SourceState
from tests.support.cast import make_member

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 11, 23, 8, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(days=1)


@pytest.fixture
def lea(db) -> Actor:
    lea = make_member("lea.x", "Léa X", entry_uuid=None)
    RoleGrant.objects.create(member=lea, role=Role.TECHNICIAN)
    return Actor(member=lea.pk)


def drafted(server: EmbeddedDirectory, actor: Actor, **changes: object) -> DirectorySource:
    """A source of the pages, with everything said that a person would say."""
    source = services.add_source(name="Grappe", uri=server.uri, actor=actor, now=MONDAY)
    said = {
        "authorities": server.ca_file.read_text(),
        "bind_dn": server.reader_dn,
        "bind_password": server.reader_password,
        "base": server.base,
        **changes,
    }
    services.change_source(
        source_id=source.pk, changes={"authorities": said.pop("authorities")}, actor=actor, now=MONDAY
    )
    services.change_source(source_id=source.pk, changes=said, actor=actor, now=MONDAY)
    source.refresh_from_db()
    return source


def lines(action: Action) -> list[tuple[bool, str]]:
    return list(Event.objects.filter(action=action).order_by("pk").values_list("refused", "reason"))


@pytest.fixture
def unset(settings) -> None:
    """No directory in the operator's settings."""
    settings.LDAP = {}


# Settings ------------------------------------------------------------------------------------------------------


def test_a_source_that_was_added_is_a_draft_and_is_not_read(unset, directory_server, lea):
    source = drafted(directory_server, lea)

    assert Follower().turn(now=MONDAY) == 0
    assert (source.state, Member.objects.exclude(source=None).count()) == (SourceState.DRAFT, 0)
    assert lines(Action.SOURCE_ADDED) == [(False, "")]


def test_a_password_is_sealed_kept_where_nothing_is_typed_and_in_no_line(unset, directory_server, lea):
    source = drafted(directory_server, lea)

    services.change_source(source_id=source.pk, changes={"bind_password": ""}, actor=lea, now=MONDAY)
    source.refresh_from_db()

    assert directory_server.reader_password.encode() not in bytes(source.bind_secret)
    assert sources.of(source).bind_password == directory_server.reader_password
    told = [event.facts for event in Event.objects.filter(action=Action.SOURCE_CHANGED).order_by("pk")]
    assert told[-1] == {
        "source": source.pk,
        "properties": ["base", "bind_dn", "bind_password"],
        "changes": {"base": ["", "dc=alizarine,dc=example"]},
    }
    assert not any(directory_server.reader_password in str(each) for each in told)


@pytest.mark.parametrize("changes", [{"uri": "ldap://127.0.0.2:389"}, {"authorities": ""}])
def test_another_server_is_never_handed_the_password_of_this_one(unset, directory_server, lea, changes):
    source = drafted(directory_server, lea)

    services.change_source(source_id=source.pk, changes=changes, actor=lea, now=TUESDAY)

    source.refresh_from_db()
    assert (bytes(source.bind_secret), bytes(source.write_secret)) == (b"", b"")


def test_the_connection_of_the_operators_settings_is_not_changed_here(shared_directory, lea):
    source = sources.settings_source()
    services.pause(source_id=source.pk, actor=lea, now=MONDAY)

    with pytest.raises(CannotChange, match="source_from_settings"):
        services.change_source(source_id=source.pk, changes={"uri": "ldap://127.0.0.2"}, actor=lea, now=MONDAY)
    with pytest.raises(CannotChange, match="source_from_settings"):
        services.retire(source_id=source.pk, actor=lea, now=MONDAY)
    services.change_source(source_id=source.pk, changes={"kinds": {"cercle": "team"}}, actor=lea, now=MONDAY)

    assert lines(Action.SOURCE_CHANGED)[1] == (True, "source_from_settings")
    assert lines(Action.SOURCE_RETIRED) == [(True, "source_from_settings")]
    assert sources.of(DirectorySource.objects.get()).rules.kinds["cercle"] == Kind.TEAM


def test_a_source_that_is_followed_is_paused_before_it_is_changed(shared_directory, lea):
    source = sources.settings_source()

    with pytest.raises(CannotChange, match="source_followed"):
        services.change_source(source_id=source.pk, changes={"former_base": "ou=x"}, actor=lea, now=MONDAY)
    services.pause(source_id=source.pk, actor=lea, now=MONDAY)
    changed = services.change_source(source_id=source.pk, changes={"former_base": "ou=x"}, actor=lea, now=MONDAY)

    assert changed == ("former_base",)
    assert lines(Action.SOURCE_CHANGED)[0] == (True, "source_followed")


@pytest.mark.parametrize("act", [services.activate, services.pause, services.retire])
def test_a_source_that_is_not_there_is_refused_and_recorded(lea, act):
    with pytest.raises(CannotChange, match="source_unknown"):
        act(source_id=4711, actor=lea, now=MONDAY)

    assert Event.objects.filter(refused=True, reason="source_unknown").count() == 1


# Trying --------------------------------------------------------------------------------------------------------


def test_each_step_of_a_sound_setup_says_what_it_found(unset, directory_server, lea):
    source = drafted(directory_server, lea, base="", write_dn=directory_server.writer_dn, write_password="x")

    reached = trials.try_address(source, actor=lea, now=MONDAY)
    secured = trials.try_tls(source, actor=lea, now=MONDAY)
    reader, writer = trials.try_account(source, actor=lea, now=MONDAY)
    source.refresh_from_db()
    found = trials.try_bases(source, actor=lea, now=MONDAY)
    samples = trials.try_mapping(source, actor=lea, now=MONDAY)
    able = trials.try_abilities(source, actor=lea, now=MONDAY)

    assert reached == Reached(((directory_server.uri, None),))
    assert isinstance(secured, Secured)
    assert secured.trouble is None
    assert secured.certificate is not None
    assert {"127.0.0.1", "localhost"} <= set(secured.certificate.names)
    assert secured.certificate.fingerprint.count(":") == 31
    assert reader == Known(f"dn:{directory_server.reader_dn}")
    assert isinstance(writer, Trouble)
    assert writer.code == "wrong_password"
    # What the server said of itself is kept where nobody had said anything.
    assert (source.base, source.server) == (directory_server.base, ServerKind.OPENLDAP)
    assert isinstance(found, Branches)
    assert (found.people, found.groups) == (
        directory_server.manifest["snapshot1"]["people"],
        directory_server.manifest["snapshot1"]["groups"],
    )
    assert f"ou=personnes,{directory_server.base}" in found.units
    assert isinstance(samples, Samples)
    assert (len(samples.people), len(samples.groups)) == (3, 3)
    login = next(line for line in samples.people[0].lines if line.item == "login")
    assert (login.attribute, login.values, bool(login.comes_to)) == ("uid", 1, True)
    assert isinstance(able, Abilities)
    assert (able.read.can, able.pivot.can, able.probe.can) == (True, True, True)
    source.refresh_from_db()
    assert (source.probed_at, source.abilities["probe"]) == (MONDAY, "watermark_shown")


def test_what_is_tried_is_recorded_by_its_step_and_nothing_of_what_was_read(unset, directory_server, lea, caplog):
    source = drafted(directory_server, lea)

    samples = trials.try_mapping(source, actor=lea, now=MONDAY)

    line = Event.objects.get(action=Action.SOURCE_TESTED)
    facts = {"source": source.pk, "source_step": "mapping", "results": 6}
    assert (line.actor_id, line.facts) == (lea.member, facts)
    values = [line.comes_to for each in samples.people for line in each.lines if len(line.comes_to) > 8]
    assert values
    assert not [value for value in values if value in caplog.text]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("Noémie Ferrand", "Nxxxxx Fxxxxxx"),
        ("noemie.ferrand@alizarine.example", "nxxxxx.fxxxxxx@axxxxxxxx.exxxxxx"),
        ("+33467000000", "+00000000000"),
        ("12 bis, rue de l’Épi\n34000 Sète", "00 xxx, xxx xx x’xxx\n00000 Sxxx"),
        ("Oui", "xxx"),
        ("", ""),
    ],
)
def test_of_a_value_its_shape_is_shown(value, shown):
    assert probing.shape(value) == shown


@pytest.mark.parametrize(
    ("dn", "shown"),
    [
        ("uid=noemie.ferrand,ou=membres,dc=x", "uid=nxxxxx.fxxxxxx,ou=membres,dc=x"),
        ("cn=Ferrand\\, Noémie,ou=membres", "cn=Fxxxxxx\\, Nxxxxx,ou=membres"),
        ("Noémie", "Nxxxxx"),
    ],
)
def test_of_the_name_of_an_entry_the_branch_is_shown_and_the_shape(dn, shown):
    assert probing._place(dn) == shown


@pytest.mark.parametrize("as_groups", [False, True])
def test_nobody_is_told_by_the_samples_what_any_attribute_says_of_people(unset, directory_server, lea, as_groups):
    base = f"ou=membres,ou=personnes,{directory_server.base}"
    values = re.findall(
        r"^(?:uid|cn|mail|telephoneNumber|postalAddress): (.+)$", directory_server.search("-b", base), re.M
    )
    source = drafted(directory_server, lea, people_base=base)
    changes: dict[str, object] = {"mapping": {"person": {"trade": "postalAddress", "town": "telephoneNumber"}}}
    if as_groups:
        changes = {
            "groups_base": base,
            "groups_filter": "(objectClass=inetOrgPerson)",
            "mapping": {"group": {"name": "mail", "description": "telephoneNumber"}},
        }
    services.change_source(source_id=source.pk, changes=changes, actor=lea, now=MONDAY)
    source.refresh_from_db()

    samples = trials.try_mapping(source, actor=lea, now=MONDAY)

    told = repr(samples)
    assert len(values) > 100
    assert samples.people
    assert samples.groups
    assert not [value for value in values if value in told]


def wrong(source: DirectorySource, actor: Actor, now: datetime = MONDAY, **changes: object) -> DirectorySource:
    services.change_source(source_id=source.pk, changes=changes, actor=actor, now=now)
    source.refresh_from_db()
    return source


def test_an_address_where_nobody_answers_and_one_that_does_not_exist(unset, lea):
    source = services.add_source(name="A", uri="ldap://127.0.0.1:9 ldap://nulle-part.invalid", actor=lea, now=MONDAY)

    found = trials.try_address(source, actor=lea, now=MONDAY)

    assert [trouble.code for _, trouble in found.addresses] == ["connection_refused", "name_unknown"]
    assert lines(Action.SOURCE_TESTED) == [(True, "source_connection_refused")]


@contextmanager
def listening(answer: bytes | None) -> Iterator[int]:
    """A port of loopback that says this to whoever has spoken, in two parts, and closes; nothing at all for None."""
    server = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = server.accept()
                with connection, suppress(OSError):
                    if answer is None:
                        over.wait(10)
                        continue
                    connection.recv(512)
                    connection.sendall(answer[:1])
                    connection.sendall(answer[1:])

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        over.set()
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(5)


@pytest.fixture
def web() -> Iterator[int]:
    """A real HTTP server."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.mark.parametrize(("scheme", "code"), [("ldap", "not_ldap"), ("ldaps", "no_tls")])
def test_a_port_where_something_else_answers_is_no_directory(unset, web, lea, scheme, code):
    source = services.add_source(name="A", uri=f"{scheme}://127.0.0.1:{web}", actor=lea, now=MONDAY)

    found = trials.try_address(source, actor=lea, now=MONDAY)

    assert found.trouble == Trouble(code)
    assert lines(Action.SOURCE_TESTED) == [(True, f"source_{code}")]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (None, "no_answer"),
        (b"220 mail.example ESMTP\r\n", "not_ldap"),
        (b"0 x is no message\n", "not_ldap"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "not_ldap"),
        (b"", "not_ldap"),
        (b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x34\x04\x00\x04\x00", ""),
        (b"\x30\x84\x00\x00\x00\x10\x02\x01\x01\x78\x84\x00\x00\x00\x07\x0a\x01\x34\x04\x00\x04\x00", ""),
    ],
    ids=["silent", "SMTP", "text like a message", "TLS alert", "closed", "no TLS here", "no TLS here, by Windows"],
)
def test_what_answers_is_asked_whether_it_is_a_directory(unset, lea, monkeypatch, answer, code):
    monkeypatch.setattr(probing, "SECONDS", 1.0)
    with listening(answer) as port:
        began = monotonic()
        found = probing.reach(f"ldap://127.0.0.1:{port}")
        took = monotonic() - began

    assert found.trouble == (Trouble(code) if code else None)
    assert took < 2


def test_silent_addresses_take_no_time_from_the_next_and_a_page_few_seconds(unset, directory_server, monkeypatch):
    monkeypatch.setattr(probing, "SECONDS", 2.0)
    with listening(None) as port:
        began = monotonic()
        found = probing.reach(f"ldap://127.0.0.1:{port} ldap://localhost:{port} {directory_server.uri}")
        took = monotonic() - began
        secured = probing.reach(directory_server.tls_uri)

    assert [trouble.code if trouble else "" for _, trouble in found.addresses] == ["no_answer", "no_answer", ""]
    assert found.trouble is None
    assert took < 2.5
    assert secured == Reached(((directory_server.tls_uri, None),))


def test_a_certificate_of_an_unknown_authority_is_shown_and_refused(unset, directory_server, lea):
    source = wrong(drafted(directory_server, lea), lea, authorities="")

    found = trials.try_tls(source, actor=lea, now=MONDAY)

    assert found.certificate is not None
    assert found.trouble.code == "authority_unknown"


def for_another_name(server: EmbeddedDirectory) -> None:
    """Give it a certificate that is its own authority, for a name that is not where it answers."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "autre.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=900))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("autre.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    form = serialization.PrivateFormat.PKCS8
    (server.folder / "tls" / "server.pem").write_bytes(pem)
    (server.folder / "tls" / "ca.pem").write_bytes(pem)
    (server.folder / "tls" / "server.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    )


@pytest.mark.parametrize("names", [b"\x30\x02\xa3\x00", b"\xff\xff", b"", b"\x30\x04\x82\x02\xc3\xa9"])
def test_a_certificate_that_says_odd_things_of_itself_is_shown_as_far_as_it_can_be_read(names):
    """Whoever answers at an address writes what they like in it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "moc.elpmaxe\u202e")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, MONDAY, TUESDAY)
        .add_extension(x509.UnrecognizedExtension(ExtensionOID.SUBJECT_ALTERNATIVE_NAME, names), False)
        .sign(key, hashes.SHA256())
    )

    shown = probing.certificate_from(x509.load_der_x509_certificate(made.public_bytes(serialization.Encoding.DER)))

    assert shown.subject == "CN=moc.elpmaxe"


def test_a_certificate_of_another_name_is_refused_even_of_a_known_authority(unset, fresh_directory, lea):
    fresh_directory.stop()
    for_another_name(fresh_directory)
    fresh_directory.start()
    source = drafted(fresh_directory, lea)

    found = trials.try_tls(source, actor=lea, now=MONDAY)
    reader, _ = trials.try_account(source, actor=lea, now=MONDAY)

    assert found.certificate.names == ("autre.example",)
    assert found.trouble.code == "certificate_name"
    assert isinstance(reader, Trouble), "the password goes nowhere"


def test_ldaps_at_the_port_of_ldap_is_no_tls(unset, directory_server, lea):
    source = wrong(drafted(directory_server, lea), lea, uri=f"ldaps://127.0.0.1:{directory_server.port}")

    found = trials.try_tls(source, actor=lea, now=MONDAY)

    assert found == Secured(None, Trouble("no_tls"))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"bind_password": "canari-faux"}, "wrong_password"),
        ({"bind_dn": "ce n'est pas un nom"}, "dn_unreadable"),
        ({"bind_dn": ""}, "no_account"),
    ],
)
def test_an_account_that_is_not_let_in_says_why(unset, directory_server, lea, changes, code):
    source = wrong(drafted(directory_server, lea), lea, **changes)

    reader, _ = trials.try_account(source, actor=lea, now=MONDAY)

    assert isinstance(reader, Trouble)
    assert reader.code == code


@pytest.mark.parametrize(
    ("changes", "part", "code"),
    [
        ({"people_base": "ou=nulle-part,dc=alizarine,dc=example"}, "people", "no_such_branch"),
        ({"groups_filter": "(objectClass=groupOfNames"}, "groups", "filter_unreadable"),
    ],
)
def test_a_branch_or_a_filter_that_finds_nothing_says_which(unset, directory_server, lea, changes, part, code):
    source = wrong(drafted(directory_server, lea), lea, **changes)

    found = trials.try_bases(source, actor=lea, now=MONDAY)

    assert getattr(found, part).code == code
    assert isinstance(getattr(found, "groups" if part == "people" else "people"), int)


def test_a_silent_server_costs_a_page_few_seconds_and_is_said_to_be_silent(unset, fresh_directory, lea):
    source = drafted(fresh_directory, lea)

    with fresh_directory.paused():
        began = datetime.now(UTC)
        reader, _ = trials.try_account(source, actor=lea, now=MONDAY)
        took = datetime.now(UTC) - began

    assert isinstance(reader, Trouble)
    assert reader.code in ("no_answer", "no_connection")
    assert took < timedelta(seconds=8)


# On and off ----------------------------------------------------------------------------------------------------


def test_nothing_is_followed_before_a_reading_for_show_with_these_very_settings(unset, directory_server, lea):
    source = drafted(directory_server, lea)
    follower = Follower()

    def refused(reason: str) -> None:
        with pytest.raises(CannotChange, match=reason):
            services.activate(source_id=source.pk, actor=lea, now=MONDAY)

    refused("source_not_tried")
    with pytest.raises(CannotChange, match="source_not_probed"):
        services.ask_pass(source_id=source.pk, mode=Mode.DEEP, dry=True, actor=lea, now=MONDAY)
    trials.try_abilities(source, actor=lea, now=MONDAY)
    services.ask_pass(source_id=source.pk, mode=Mode.DEEP, dry=True, actor=lea, now=MONDAY)
    assert follower.turn(now=MONDAY + timedelta(seconds=1)) == 1
    run = SyncRun.objects.get()
    assert (run.dry, run.asked_by_id, run.status in (RunStatus.OK, RunStatus.PROBLEMS)) == (True, lea.member, True)
    assert run.counts["people_joined"] > 400
    assert Member.objects.exclude(source=None).count() == 0

    # Another setting: what was shown counts no longer.
    wrong(source, lea, people_base=f"ou=membres,ou=personnes,{directory_server.base}", now=TUESDAY)
    refused("source_not_tried")
    source.refresh_from_db()
    trials.try_abilities(source, actor=lea, now=TUESDAY)
    services.ask_pass(source_id=source.pk, mode=Mode.DEEP, dry=True, actor=lea, now=TUESDAY)
    follower.turn(now=TUESDAY + timedelta(seconds=1))
    services.activate(source_id=source.pk, actor=lea, now=TUESDAY)
    follower.turn(now=TUESDAY + timedelta(seconds=2))
    follower.close()

    assert (
        Member.objects.filter(source=source).count() == SyncRun.objects.filter(dry=True).first().counts["people_joined"]
    )
    assert [reason for refused_, reason in lines(Action.SOURCE_CHANGED) if refused_] == ["source_not_tried"] * 2
    assert lines(Action.SYNC_ASKED) == [(True, "source_not_probed"), (False, ""), (False, "")]


def test_a_paused_source_is_read_no_more_and_nobody_loses_anything(own_directory, lea):
    synchronise(now=MONDAY)
    source = sources.settings_source()
    services.pause(source_id=source.pk, actor=lea, now=MONDAY)
    before = Member.objects.active().count()
    own_directory.modify("dn: uid=noemie.ferrand,ou=membres,ou=personnes,dc=alizarine,dc=example\nchangetype: delete\n")

    assert Follower().turn(now=TUESDAY) == 0

    assert Member.objects.active().count() == before
    with pytest.raises(CannotChange, match="source_not_followed"):
        services.pause(source_id=source.pk, actor=lea, now=MONDAY)
    with pytest.raises(CannotChange, match="source_not_followed"):
        services.ask_pass(source_id=source.pk, mode=Mode.PIVOT, dry=False, actor=lea, now=TUESDAY)
    # Its settings were read for real: it goes on where it was.
    services.activate(source_id=source.pk, actor=lea, now=TUESDAY)
    with pytest.raises(CannotChange, match="source_followed_already"):
        services.activate(source_id=source.pk, actor=lea, now=TUESDAY)


def test_a_pass_is_asked_for_once(shared_directory, lea):
    source = sources.settings_source()
    services.ask_pass(source_id=source.pk, mode=Mode.DEEP, dry=False, actor=lea, now=MONDAY)

    with pytest.raises(CannotChange, match="pass_asked_already"):
        services.ask_pass(source_id=source.pk, mode=Mode.PIVOT, dry=True, actor=lea, now=MONDAY)

    source.refresh_from_db()
    assert (source.wanted, source.wanted_dry, source.wanted_by_id) == (Mode.DEEP, False, lea.member)


def test_a_retired_source_forgets_its_passwords_and_is_asked_for_nothing(unset, directory_server, lea):
    source = drafted(directory_server, lea)
    services.retire(source_id=source.pk, actor=lea, now=MONDAY)

    source.refresh_from_db()
    assert (source.state, bytes(source.bind_secret)) == (SourceState.RETIRED, b"")
    for act in (
        lambda: services.activate(source_id=source.pk, actor=lea, now=MONDAY),
        lambda: services.retire(source_id=source.pk, actor=lea, now=MONDAY),
        lambda: services.ask_pass(source_id=source.pk, mode=Mode.DEEP, dry=True, actor=lea, now=MONDAY),
        lambda: services.change_source(source_id=source.pk, changes={"base": "dc=x"}, actor=lea, now=MONDAY),
    ):
        with pytest.raises(CannotChange, match="source_retired"):
            act()


def test_what_there_was_to_settle_in_a_retired_source_is_settled_with_it(unset, lea):
    source, other = (
        services.add_source(name=name, uri="ldap://127.0.0.1:9", actor=lea, now=MONDAY) for name in ("A", "B")
    )
    for each in (source, other):
        run = SyncRun.objects.create(source=each, started_at=MONDAY, status=RunStatus.PROBLEMS)
        SyncIssue.objects.create(
            source=each, entry_uuid=uuid4(), dn="uid=x,dc=x", code="no_mail", first_run=run, last_run=run
        )

    services.retire(source_id=source.pk, actor=lea, now=TUESDAY)

    assert SyncIssue.objects.get(source=source).resolved_at == TUESDAY
    assert [issue.source for issue in following.open_issues()] == [other]


# What waits ----------------------------------------------------------------------------------------------------


@pytest.fixture
def held(own_directory, monkeypatch, lea) -> DirectorySource:
    """Seven people were deleted; five may go without a word."""
    synchronise(now=MONDAY)
    monkeypatch.setattr(Ceilings, "__init__", _low)
    found = Member.objects.filter(state=MemberState.ACTIVE, dn__contains="ou=membres").order_by("login")[:20]
    own_directory.modify("".join(f"dn: {each.dn}\nchangetype: delete\n\n" for each in found))
    synchronise(now=TUESDAY)
    return sources.settings_source()


_own = Ceilings.__init__


def _low(self, **given: object) -> None:
    _own(self, **{"people": 5, "people_share": 0.01, "memberships": 10_000, **given})


def test_exactly_what_was_shown_is_approved_and_the_worker_does_it(held, lea):
    run = following.waiting_of(held)
    assert run is not None
    people = next(each for each in following.what_waits(run) if each.what == "people")
    assert (people.count, len(people.lines), people.left_out) == (20, 20, 0)
    assert people.total > 400
    assert 0 < people.limit_share < people.share < 100
    assert all(line.name and line.member for line in people.lines)

    services.approve(source_id=held.pk, digest=run.report["approval"], actor=lea, now=TUESDAY)
    assert Member.objects.filter(state=MemberState.MISSING).count() == 0
    Follower().turn(now=TUESDAY + timedelta(seconds=1))

    assert Member.objects.filter(state=MemberState.MISSING).count() == 20
    assert lines(Action.SYNC_APPROVED) == [(False, "")]
    done = SyncRun.objects.filter(dry=False).first()
    assert done.approved_by_id == lea.member
    assert following.waiting_of(held) is None


def test_an_approval_of_others_than_those_that_wait_is_refused_with_a_line(held, own_directory, lea):
    run = following.waiting_of(held)
    one_more = Member.objects.filter(state=MemberState.ACTIVE, dn__contains="ou=membres").order_by("-login")[0]
    own_directory.modify(f"dn: {one_more.dn}\nchangetype: delete\n")
    synchronise(now=TUESDAY + timedelta(hours=1))

    with pytest.raises(CannotChange, match="others_wait"):
        services.approve(source_id=held.pk, digest=run.report["approval"], actor=lea, now=TUESDAY)
    with pytest.raises(CannotChange, match="others_wait"):
        services.approve(source_id=held.pk, digest="", actor=lea, now=TUESDAY)

    held.refresh_from_db()
    assert held.approval == ""
    assert lines(Action.SYNC_APPROVAL_REFUSED) == [(True, "others_wait")] * 2
    assert Member.objects.filter(state=MemberState.MISSING).count() == 0


def test_nothing_is_approved_where_nothing_waits(shared_directory, lea):
    source = sources.settings_source()

    with pytest.raises(CannotChange, match="nothing_waits"):
        services.approve(source_id=source.pk, digest="0" * 16, actor=lea, now=MONDAY)

    assert lines(Action.SYNC_APPROVAL_REFUSED) == [(True, "nothing_waits")]


# Issues --------------------------------------------------------------------------------------------------------


def test_an_issue_is_laid_aside_taken_up_again_and_comes_back_when_it_changes(own_directory, lea):
    synchronise(now=MONDAY)
    issue = SyncIssue.objects.filter(code="no_mail", resolved_at=None).first()

    assert services.acknowledge(issue_ids=[issue.pk], actor=lea, now=MONDAY) == 1
    assert services.acknowledge(issue_ids=[issue.pk], actor=lea, now=MONDAY) == 0
    assert issue not in following.open_issues()
    assert issue in following.open_issues(seen=True)
    assert services.take_up_again(issue_ids=[issue.pk], actor=lea, now=MONDAY) == 1
    assert issue in following.open_issues()

    told = [event.facts for event in Event.objects.filter(action=Action.ISSUE_ACKNOWLEDGED).order_by("pk")]
    assert told == [
        {"source": issue.source_id, "issue": "no_mail"},
        {"source": issue.source_id, "issue": "no_mail", "undone": True},
    ]


def test_two_people_with_one_address_are_one_thing_to_settle_and_both_are_named(own_directory, lea):
    synchronise(now=MONDAY)

    shared = next(each for each in following.issues() if each.code == "mail_shared")

    assert shared.count == 2 * len(shared.shown)
    for line in shared.shown:
        assert len(line.people) == len(line.ids) == 2
        assert len({each.member for each in line.people} - {None}) == 2


# Reading -------------------------------------------------------------------------------------------------------


def test_the_age_says_since_when_it_fails_and_when_it_is_tried_again(own_directory, lea):
    follower = Follower()
    follower.turn(now=MONDAY)
    (good,) = following.ages(MONDAY + timedelta(minutes=1))
    own_directory.stop()
    later = MONDAY + timedelta(minutes=20)
    follower.turn(now=later)
    follower.close()

    (bad,) = following.ages(later + timedelta(seconds=1))

    assert (good.failing_since, good.is_late) == (None, False)
    assert (bad.failing_since, bad.read_at) == (later, MONDAY)
    assert bad.retry_at is not None
    assert following.ages(later + timedelta(hours=1))[0].is_late


def test_what_failed_is_over_once_the_directory_answers_that_nothing_changed(own_directory, lea, monkeypatch):
    """No reading follows where nothing changed: the one that failed stays the last of the list."""
    follower = Follower()
    follower.turn(now=MONDAY)
    own_directory.stop()
    failed = MONDAY + timedelta(seconds=20)
    follower.turn(now=failed)
    (during,) = following.ages(failed)
    (broken,) = following.sources()
    own_directory.start(own_directory.port, ldaps=True)
    back = failed + timedelta(seconds=30)

    follower.turn(now=back)

    follower.close()
    (after,) = following.ages(back)
    (well,) = following.sources()
    assert (during.failing_since, broken.is_failing) == (failed, True)
    assert well.last.status == RunStatus.FAILED
    assert (after.failing_since, after.error, after.read_at, well.is_failing) == (None, "", back, False)


def test_of_two_directories_the_age_is_that_of_the_one_that_is_not_read(second, lea):
    follower = Follower()
    follower.turn(now=MONDAY)
    second.server.stop()
    later = MONDAY + timedelta(minutes=20)
    follower.turn(now=later)
    follower.close()

    bad, good = following.ages(later + timedelta(minutes=15))

    assert (bad.source.name, bad.failing_since, bad.read_at, bad.is_late) == ("Invités", later, MONDAY, True)
    assert (good.failing_since, good.read_at, good.is_late) == (None, later, False)
    assert selectors.directory_age(later) == timedelta(minutes=20)


def test_a_kind_is_kept_as_it_differs_and_a_usual_word_can_be_taken_out(lea):
    given = {Kind.POLE: ["Pôle"], Kind.TEAM: ["cercle", "structure"], Kind.BOARD: [], Kind.SELF_RUN: ["auto-géré"]}

    kept = following.kinds_from(given)

    assert kept == {"Pôle": "pole", "cercle": "team", "conseil": "other", "territorial": "other"}


def test_the_hub_itself_may_ask_too(shared_directory):
    source = sources.settings_source()

    services.ask_pass(source_id=source.pk, mode=Mode.PIVOT, dry=False, actor=SYSTEM, now=MONDAY)

    source.refresh_from_db()
    assert source.wanted_by_id is None
