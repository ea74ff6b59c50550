"""One of two directories is in other hands: whatever it shows, it speaks of its own people and of nobody else.

Its server gives entries the identity, the login and the address of whom it likes.
"""

# python-ldap fills its module with names at run time: a type checker sees none of them.
# mypy: disable-error-code="attr-defined"

from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import ldap
import ldap.controls
import ldap.modlist
import pytest
from django.contrib.auth import authenticate
from django.db.models import Count, QuerySet

from audit.models import Event
from audit.sealing import seal
from audit.types import Action, Actor
from demo.slapd import EmbeddedDirectory
from directory import asking, backends, following, services
from directory.ldap.sources import SECRET_PURPOSE
from directory.models import Collective, DirectorySource, Member, Membership, SyncIssue, SyncRun
from directory.services import synchronise, turns
from directory.types import CannotChange, MailState, Mode, PartlyUnavailable, RunStatus, SourceState
from tests.support.cast import make_member
from tests.support.signin import NEW_PASSWORD, NOEMIE, NOEMIE_PASSWORD
from tests.support.slapd import GUESTS, ZOE, ZOE_PASSWORD, Second

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 11, 23, 8, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(days=1)
WEDNESDAY = TUESDAY + timedelta(days=1)
# Lets whoever manages a server write what it otherwise writes by itself (draft-zeilenga-ldap-relax-03).
RELAX = ldap.controls.RequestControl("1.3.6.1.4.1.4203.666.5.12", True)


@pytest.fixture
def two(own_directory, second: Second, monkeypatch: pytest.MonkeyPatch) -> Second:
    monkeypatch.setattr(backends, "REFUSAL_SECONDS", 0.0)
    synchronise(now=MONDAY)
    synchronise(now=MONDAY, source=second.source)
    return second


def planted(two: Second, dn: str, **attributes: str | list[str]) -> None:
    """An entry of the second server, with an identity of somebody's choice."""
    connection = ldap.initialize(two.server.uri)
    connection.set_option(ldap.OPT_X_TLS_CACERTFILE, str(two.server.ca_file))
    connection.set_option(ldap.OPT_X_TLS_NEWCTX, 0)
    connection.start_tls_s()
    connection.simple_bind_s(f"cn=admin,{two.server.base}", two.server.admin_password)
    entry = {
        name: [each.encode() for each in ([value] if isinstance(value, str) else value)]
        for name, value in attributes.items()
    }
    connection.add_ext_s(dn, ldap.modlist.addModlist(entry), serverctrls=[RELAX])
    connection.unbind_s()


def sign_in(name: str, password: str) -> Member | None:
    found = authenticate(None, username=name, password=password)
    return found if isinstance(found, Member) else None


def pairs() -> set[tuple[object, object, bool]]:
    return set(Membership.objects.values_list("collective_id", "member_id", "direct"))


def test_a_group_with_the_identity_of_anothers_takes_nobody_out_of_it(two):
    theirs = Collective.objects.filter(source__from_settings=True, leads__isnull=False)
    few = theirs.annotate(people=Count("members", distinct=True)).filter(people__range=(2, 20))
    group = few.order_by("people").first()
    before, leads = pairs(), set(group.leads.all())
    planted(
        two,
        f"cn=imposteur,{GUESTS}",
        objectClass="groupOfNames",
        cn="imposteur",
        member=f"uid={ZOE},{GUESTS}",
        owner=f"uid={ZOE},{GUESTS}",
        entryUUID=str(group.entry_uuid),
    )

    synchronise(now=TUESDAY, source=two.source)

    group.refresh_from_db()
    assert pairs() == before
    assert set(group.leads.all()) == leads
    assert group.source.from_settings
    issue = SyncIssue.objects.get(code="entry_elsewhere", entry_uuid=group.entry_uuid)
    assert (issue.source, issue.resolved_at) == (two.source, None)
    # One more pass, and what is taken over at a sign-in, say nothing else; that it is gone does.
    synchronise(now=TUESDAY + timedelta(minutes=1), source=two.source)
    two.server.modify(f"dn: uid={ZOE},{GUESTS}\nchangetype: modify\nreplace: title\ntitle: Vannière\n")
    assert sign_in(ZOE, ZOE_PASSWORD).trade == "Vannière"
    issue.refresh_from_db()
    assert issue.resolved_at is None
    two.server.modify(f"dn: cn=imposteur,{GUESTS}\nchangetype: delete\n")
    synchronise(now=TUESDAY + timedelta(minutes=2), source=two.source)
    issue.refresh_from_db()
    assert issue.resolved_at == TUESDAY + timedelta(minutes=2)


def test_a_person_with_the_identity_of_anothers_is_that_person_in_no_way(two):
    noemie = Member.objects.get(login=NOEMIE)
    before = Member.objects.filter(pk=noemie.pk).values().get()
    planted(
        two,
        f"uid=imposteur,{GUESTS}",
        objectClass="inetOrgPerson",
        uid="imposteur",
        cn="imposteur",
        sn="imposteur",
        mail="imposteur@alizarine.example",
        userPassword=NEW_PASSWORD,
        entryUUID=str(noemie.entry_uuid),
    )

    # Before any pass has seen it, at the door, and by a pass.
    assert sign_in("imposteur", NEW_PASSWORD) is None
    assert sign_in(NOEMIE, NEW_PASSWORD) is None
    synchronise(now=TUESDAY, source=two.source)
    assert sign_in("imposteur", NEW_PASSWORD) is None

    assert Member.objects.filter(pk=noemie.pk).values().get() == before
    assert sign_in(NOEMIE, NOEMIE_PASSWORD) == noemie


@pytest.mark.parametrize("by", ["login", "mail", "login like a mail"])
def test_no_directory_takes_the_name_of_the_hubs_own_account(two, by):
    """It is the way in when directories are lost or lie; and what its holder types is shown to none of them."""
    spare = Member.objects.create(login="secours", login_key="secours", display_name="Secours")
    spare.email = spare.email_key = "secours@alizarine.example"
    spare.email_state = "ok"
    spare.set_password(NEW_PASSWORD)
    spare.save()
    name = "secours" if by == "login" else "secours@alizarine.example"
    uid = name if by != "mail" else "autre"
    planted(
        two,
        f"uid={uid},{GUESTS}",
        objectClass="inetOrgPerson",
        uid=uid,
        cn="x",
        sn="x",
        mail="secours@alizarine.example" if by == "mail" else "autre@alizarine.example",
        userPassword=NOEMIE_PASSWORD,
    )
    synchronise(now=TUESDAY, source=two.source)

    assert sign_in(name, NEW_PASSWORD) == spare
    assert sign_in(name, NOEMIE_PASSWORD) is None


def test_a_name_that_a_silent_directory_may_know_is_not_proved_to_another(two, own_directory, monkeypatch):
    """Of two who have one login, that one of them is out of sight just now makes it nobody else's."""
    two.add(NOEMIE, NEW_PASSWORD, mail="n@ailleurs.example")
    synchronise(now=TUESDAY, source=two.source)
    shown = []
    bind = asking.passwords._bind

    def seen(config, deadline, entry, password):
        shown.append(password)
        return bind(config, deadline, entry, password)

    monkeypatch.setattr(asking.passwords, "_bind", seen)
    own_directory.stop()

    with pytest.raises(PartlyUnavailable):
        sign_in(NOEMIE, NOEMIE_PASSWORD)

    assert NOEMIE_PASSWORD not in shown


def test_a_directory_whose_content_breaks_the_hub_holds_up_no_other(two, own_directory, monkeypatch):
    """Whatever it was that was not foreseen: it fails, is told, and is tried again later."""
    first = DirectorySource.objects.get(from_settings=True)
    passed = []

    def broken(*, source, **others):
        if source == first:
            raise ValueError("of a kind that nobody thought of")
        passed.append(source)

    monkeypatch.setattr(turns, "synchronise", broken)
    follower = turns.Follower()

    assert follower.turn(now=TUESDAY) == 2

    assert passed == [two.source]
    first.refresh_from_db()
    assert (first.failing_since, first.failures) == (TUESDAY, 1)
    assert first.retry_at > TUESDAY


def test_a_login_that_grows_when_it_is_compared_is_no_login_and_stops_nobody_elses_pass(two):
    long = "\ufdfa" * 20
    two.add("longue", NEW_PASSWORD)
    two.server.modify(
        f"dn: uid=longue,{GUESTS}\nchangetype: modify\nadd: uid\nuid:: {b64encode(long.encode()).decode()}\n"
    )
    two.server.modify(
        f"dn: uid=longue,{GUESTS}\nchangetype: modrdn\nnewrdn: cn=longue\ndeleteoldrdn: 0\n\n"
        f"dn: cn=longue,{GUESTS}\nchangetype: modify\ndelete: uid\nuid: longue\n"
    )

    synchronise(now=TUESDAY, source=two.source)

    member = Member.objects.get(dn=f"cn=longue,{GUESTS}")
    assert (member.login, member.login_key) == ("", "")
    assert SyncIssue.objects.filter(entry_uuid=member.entry_uuid, code="no_login").exists()


@pytest.fixture
def retired(two) -> DirectorySource:
    """The first directory is retired, as where another server takes its place."""
    DirectorySource.objects.filter(from_settings=True).update(state=SourceState.RETIRED)
    return DirectorySource.objects.get(from_settings=True)


def test_nobody_of_a_retired_directory_becomes_anothers_that_waited_for_it(two, retired):
    noemie = Member.objects.get(login=NOEMIE)
    group = Collective.objects.filter(source=retired, memberships__isnull=False).first()
    known, before = Member.objects.filter(pk=noemie.pk).values().get(), pairs()
    person = {"objectClass": "inetOrgPerson", "cn": "x", "sn": "x", "userPassword": NEW_PASSWORD}
    dn = f"uid=imposteur,{GUESTS}"
    planted(two, dn, uid="imposteur", mail="i@ailleurs.example", entryUUID=str(noemie.entry_uuid), **person)
    named = {"objectClass": "groupOfNames", "cn": "imposteur", "member": dn}
    planted(two, f"cn=imposteur,{GUESTS}", entryUUID=str(group.entry_uuid), **named)
    two.add("seule", NEW_PASSWORD)

    assert sign_in("imposteur", NEW_PASSWORD) is None
    run = synchronise(now=TUESDAY, source=two.source)

    assert {each["what"]: each["count"] for each in run.report["held"]}["taken_over"] == 2
    assert sign_in("imposteur", NEW_PASSWORD) is None
    assert Member.objects.filter(pk=noemie.pk).values().get() == known
    assert pairs() == before
    assert Member.objects.filter(login="seule").exists(), "whoever else comes, comes"
    # The same person after all, by somebody's word.
    run = synchronise(now=TUESDAY, source=two.source, approved=run.report["approval"])
    assert run.status != RunStatus.HELD
    assert sign_in("imposteur", NEW_PASSWORD) == noemie


def test_the_first_reading_of_the_directory_that_takes_its_place_takes_everybody_over(two, retired, own_directory):
    made = {"authorities": own_directory.ca_file.read_text(), "bind_dn": own_directory.reader_dn}
    secret = seal(own_directory.reader_password.encode(), purpose=SECRET_PURPOSE)
    new = DirectorySource.objects.create(
        name="B", state=SourceState.ACTIVE, uri=own_directory.uri, bind_secret=secret, base=own_directory.base, **made
    )
    known = Member.objects.filter(source=retired, state="active").count()

    run = synchronise(now=TUESDAY, source=new)

    assert run.status != RunStatus.HELD
    assert Member.objects.filter(source=new, state="active").count() == known
    # The report says who, and counts nobody twice.
    parts = following.parts_of(run)
    assert len(parts["people-taken"]) == run.counts["people_taken_over"] == Member.objects.filter(source=new).count()
    assert len(parts["groups-taken"]) == run.counts["groups_taken_over"] > 0
    assert not parts.keys() & {"people-edit", "groups-edit"}
    assert run.counts["people_changed"] == run.counts["groups_changed"] == 0


@pytest.mark.parametrize("at_once", [1, 6])
def test_people_of_a_directory_do_not_lose_their_names_to_another(two, at_once):
    """At once or bit by bit: it waits for a person, and whoever is there goes on signing in."""
    victims = list(
        Member.objects.active()
        .filter(source__from_settings=True, login_ambiguous=False, email_state="ok")
        .exclude(login__in=["", NOEMIE])
        .order_by("login")[:6]
    )
    run = None
    for start in range(0, 6, at_once):
        for number, victim in enumerate(victims[start : start + at_once], start):
            two.add(f"x{number}", NEW_PASSWORD, mail=victim.email)
        run = synchronise(now=TUESDAY, source=two.source)

    assert run.status == RunStatus.HELD
    assert [each["what"] for each in run.report["held"]] == ["others"]
    assert not Member.objects.filter(pk__in=[each.pk for each in victims], email_state="shared").exists()
    # Whoever else comes is let in meanwhile.
    two.add("seule", NEW_PASSWORD)
    synchronise(now=TUESDAY, source=two.source)
    assert Member.objects.active().filter(login="seule").exists()
    # A person's word, for exactly these.
    run = synchronise(now=TUESDAY, source=two.source, approved=run.report["approval"])
    assert run.status != RunStatus.HELD
    assert Member.objects.filter(pk__in=[each.pk for each in victims], email_state="shared").count() == 6


def test_the_first_reading_of_a_directory_takes_nobodys_name_either(own_directory, second):
    """Nothing of its own can be lost yet, and so much of others."""
    synchronise(now=MONDAY)
    victim = Member.objects.active().get(login=NOEMIE)
    second.add(NOEMIE, NEW_PASSWORD)
    second.add("seule", NEW_PASSWORD)

    run = synchronise(now=MONDAY, source=second.source)

    assert run.status == RunStatus.HELD
    assert [each["what"] for each in run.report["held"]] == ["others"]
    victim.refresh_from_db()
    assert not victim.login_ambiguous
    assert Member.objects.active().filter(source=second.source, login="seule").exists(), "whoever else comes is let in"
    approved = synchronise(now=TUESDAY, source=second.source, approved=run.report["approval"])
    assert approved.status != RunStatus.HELD


def test_a_directory_that_is_retired_gives_back_what_its_people_were_called(own_directory, second, monkeypatch):
    monkeypatch.setattr(backends, "REFUSAL_SECONDS", 0.0)
    synchronise(now=MONDAY)
    second.add(NOEMIE, NEW_PASSWORD)
    run = synchronise(now=MONDAY, source=second.source)
    synchronise(now=MONDAY, source=second.source, approved=run.report["approval"])
    noemie = Member.objects.get(login=NOEMIE, source__from_settings=True)
    assert noemie.login_ambiguous
    assert sign_in(NOEMIE, NOEMIE_PASSWORD) is None

    DirectorySource.objects.filter(pk=second.source.pk).update(state=SourceState.PAUSED)
    services.retire(source_id=second.source.pk, actor=Actor(), now=TUESDAY)

    noemie.refresh_from_db()
    assert not noemie.login_ambiguous
    assert noemie.email_state == "ok"
    assert sign_in(NOEMIE, NOEMIE_PASSWORD) == noemie
    assert sign_in(NOEMIE, NEW_PASSWORD) is None
    assert not following.to_settle("login_shared", seen=False, start=0, end=9)
    lines = Event.objects.about(noemie).filter(action=Action.MEMBER_CHANGED, at=TUESDAY)
    assert {line.facts["items"][0] for line in lines} == {"login_ambiguous", "email_state"}
    synchronise(now=TUESDAY, mode=Mode.DEEP)
    assert sign_in(NOEMIE, NOEMIE_PASSWORD) == noemie, "and no pass takes it away again"


def test_as_many_as_somebody_allowed_lose_their_names_without_asking_again(two):
    two.source.ceilings = {"others": 1}
    two.source.save()
    victims = list(Member.objects.active().filter(source__from_settings=True, email_state="ok").order_by("login")[:2])
    two.add("x0", NEW_PASSWORD, mail=victims[0].email)

    first = synchronise(now=TUESDAY, source=two.source)
    two.add("x1", NEW_PASSWORD, mail=victims[1].email)
    second = synchronise(now=TUESDAY, source=two.source)

    assert first.status != RunStatus.HELD
    assert [(each["what"], each["limit"]) for each in second.report["held"]] == [("others", 1)]
    victims[0].refresh_from_db()
    victims[1].refresh_from_db()
    assert (victims[0].email_state, victims[1].email_state) == ("shared", "ok")


@pytest.mark.parametrize("settled_by", ["the one with the login", "the one with the address"])
def test_a_login_that_is_an_address_of_another_directory_takes_it_from_nobody(two, own_directory, settled_by):
    """Both are typed in one place: without a word, the address would have meant nobody any more."""
    noemie = Member.objects.get(login=NOEMIE)
    dn = f"cn=Ève,{GUESTS}"
    two.add("eve", NEW_PASSWORD, mail="eve@ailleurs.example")
    two.server.modify(
        f"dn: uid=eve,{GUESTS}\nchangetype: modrdn\nnewrdn: cn=Ève\ndeleteoldrdn: 0\n\n"
        f"dn: {dn}\nchangetype: modify\nreplace: uid\nuid: {noemie.email}\n"
    )

    held = synchronise(now=TUESDAY, source=two.source)

    assert [each["what"] for each in held.report["held"]] == ["others"]
    assert not Member.objects.filter(source=two.source, dn=dn).exists()
    assert sign_in(noemie.email, NEW_PASSWORD) is None
    # A person's word for it: the word is nobody's, each has another, and both are told.
    synchronise(now=TUESDAY, source=two.source, approved=held.report["approval"])
    eve = Member.objects.get(source=two.source, dn=dn)
    assert sign_in(noemie.email, NOEMIE_PASSWORD) is sign_in(noemie.email, NEW_PASSWORD) is None
    assert (sign_in(NOEMIE, NOEMIE_PASSWORD), sign_in(eve.email, NEW_PASSWORD)) == (noemie, eve)
    (told,) = following.to_settle("login_is_mail", seen=False, start=0, end=9)
    assert {each.member for each in told.people} == {noemie.pk, eve.pk}

    if settled_by == "the one with the login":
        two.server.modify(f"dn: {dn}\nchangetype: modify\nreplace: uid\nuid: eve\n")
        synchronise(now=TUESDAY + timedelta(minutes=1), source=two.source)
        assert sign_in(noemie.email, NOEMIE_PASSWORD) == noemie
    else:
        own_directory.modify(f"dn: {noemie.dn}\nchangetype: modify\nreplace: mail\nmail: autre@alizarine.example\n")
        synchronise(now=TUESDAY + timedelta(minutes=1))
        assert sign_in(noemie.email, NEW_PASSWORD) == eve
    assert not following.open_issues().filter(code="login_is_mail").exists()


def test_an_entry_that_two_directories_show_beside_its_own_is_told_of_each_and_settled_for_each(two):
    """One row for both went from one to the other at every pass, and was settled when either stopped showing it."""
    noemie = Member.objects.get(login=NOEMIE)
    branches = [GUESTS, f"ou=autres,{two.server.base}"]
    two.server.modify(f"dn: {branches[1]}\nchangetype: add\nobjectClass: organizationalUnit\nou: autres\n")
    third = DirectorySource.objects.get(pk=two.source.pk)
    third.pk, third.name = None, "Autres"
    third.people_base = third.groups_base = branches[1]
    third.watermark = third.mapping_digest = ""
    third.read_at = third.deep_at = None
    third.save()
    about = {
        "objectClass": "inetOrgPerson",
        "uid": "imposteur",
        "cn": "imposteur",
        "sn": "imposteur",
        "entryUUID": str(noemie.entry_uuid),
    }
    for branch in branches:
        planted(two, f"uid=imposteur,{branch}", **about)
    synchronise(now=TUESDAY, source=two.source)
    synchronise(now=TUESDAY, source=third)
    told = SyncIssue.objects.filter(code="entry_elsewhere", entry_uuid=noemie.entry_uuid).order_by("pk")
    rows = list(told.values())

    runs = [synchronise(now=TUESDAY, source=each) for each in (two.source, third, two.source, third)]

    assert {(row["source_id"], row["dn"], row["resolved_at"]) for row in rows} == {
        (two.source.pk, f"uid=imposteur,{branches[0]}", None),
        (third.pk, f"uid=imposteur,{branches[1]}", None),
    }
    assert list(told.values()) == rows
    assert [run.counts["written"] for run in runs] == [0, 0, 0, 0]
    # One of them no longer shows it: the other still does.
    two.server.modify(f"dn: uid=imposteur,{GUESTS}\nchangetype: delete\n")
    synchronise(now=WEDNESDAY, source=two.source)
    synchronise(now=WEDNESDAY, source=third)
    assert dict(told.values_list("source", "resolved_at")) == {two.source.pk: WEDNESDAY, third.pk: None}


def test_a_login_taken_again_is_settled_by_the_directory_that_gives_another(two, own_directory):
    """Found by the directory of whoever is gone, and mended in that of whoever came."""
    noemie = Member.objects.get(login=NOEMIE)
    two.add("noemie", NEW_PASSWORD)
    two.server.modify(f"dn: uid=noemie,{GUESTS}\nchangetype: modrdn\nnewrdn: cn=noemie\ndeleteoldrdn: 0\n")
    dn = f"cn=noemie,{GUESTS}"
    DirectorySource.objects.update(ceilings={"others": 9})
    two.source.refresh_from_db()
    two.server.modify(f"dn: {dn}\nchangetype: modify\nreplace: uid\nuid: {NOEMIE}\n")
    synchronise(now=TUESDAY, source=two.source)
    own_directory.modify(f"dn: {noemie.dn}\nchangetype: delete\n")
    synchronise(now=TUESDAY)
    told = SyncIssue.objects.filter(code="login_reused", resolved_at=None)
    assert [issue.dn for issue in told] == [dn]

    two.server.modify(f"dn: {dn}\nchangetype: modify\nreplace: uid\nuid: noemie.autre\n")
    synchronise(now=WEDNESDAY, source=two.source)

    assert not told.all()


@pytest.mark.spec("OWASP ASVS", "6.3.8")
def test_a_paused_directory_that_is_away_does_not_tell_who_its_members_are(two):
    DirectorySource.objects.filter(pk=two.source.pk).update(state=SourceState.PAUSED)
    two.server.stop()

    for name in (ZOE, NOEMIE, "nobody.at.all", f"{ZOE}@alizarine.example"):
        with pytest.raises(PartlyUnavailable):
            sign_in(name, "ce-n-est-pas-le-bon")


def test_nobody_becomes_a_member_by_a_directory_that_is_paused(two, monkeypatch):
    DirectorySource.objects.filter(pk=two.source.pk).update(state=SourceState.PAUSED)
    two.add("nouvelle", NEW_PASSWORD)
    shown = []
    bind = asking.passwords._bind
    monkeypatch.setattr(asking.passwords, "_bind", lambda *given: shown.append(given[-1]) or bind(*given))

    assert sign_in("nouvelle", NEW_PASSWORD) is None

    assert len(shown) == 2
    assert NEW_PASSWORD not in shown
    assert not Member.objects.filter(login="nouvelle").exists()


# Bit by bit -----------------------------------------------------------------------------------------------------------


def gone(own: EmbeddedDirectory, count: int) -> None:
    for member in Member.objects.active().filter(source__from_settings=True, role_grants=None).order_by("dn")[:count]:
        own.modify(f"dn: {member.dn}\nchangetype: delete\n")


def active() -> int:
    return Member.objects.active().filter(source__from_settings=True).count()


def test_a_directory_that_empties_bit_by_bit_comes_to_the_ceiling_all_the_same(own_directory):
    synchronise(now=MONDAY)
    source = DirectorySource.objects.get()
    before = active()
    limit = max(5, int(before * 0.03))
    half = limit // 2 + 1

    gone(own_directory, half)
    assert synchronise(now=MONDAY + timedelta(minutes=1)).status != RunStatus.HELD
    gone(own_directory, half)
    run = synchronise(now=MONDAY + timedelta(minutes=2))

    assert (run.status, [each["what"] for each in run.report["held"]]) == (RunStatus.HELD, ["people_today"])
    assert active() == before - half
    # A person's word for exactly these; from then on the day's count begins anew.
    run = synchronise(now=MONDAY + timedelta(minutes=3), approved=run.report["approval"])
    assert run.status != RunStatus.HELD
    assert active() == before - 2 * half
    gone(own_directory, 1)
    assert synchronise(now=MONDAY + timedelta(minutes=4)).status != RunStatus.HELD
    assert active() == before - 2 * half - 1
    assert source.members.count() == Member.objects.exclude(source=None).count()


def groups_end(own: EmbeddedDirectory, count: int) -> None:
    for group in groups().filter(nested=None, nested_in=None).order_by("dn")[:count]:
        own.modify(f"dn: {group.dn}\nchangetype: delete\n")


def memberships_end(own: EmbeddedDirectory, count: int) -> None:
    """From the largest group on: whoever is first in it leads it, perhaps, and a group may not be empty."""
    for group in groups().filter(nested=None, nested_in=None).annotate(n=Count("memberships")).order_by("-n", "dn"):
        names = list(group.memberships.order_by("member__dn").values_list("member__dn", flat=True))[1 : count + 1]
        if names:
            values = "".join(f"member: {name}\n" for name in names)
            own.modify(f"dn: {group.dn}\nchangetype: modify\ndelete: member\n{values}")
        count -= len(names)


def leads_end(own: EmbeddedDirectory, count: int) -> None:
    for group in groups().exclude(leads=None).order_by("dn")[:count]:
        own.modify(f"dn: {group.dn}\nchangetype: modify\nreplace: owner\n")


def phones_end(own: EmbeddedDirectory, count: int) -> None:
    for member in with_phone().order_by("dn")[:count]:
        own.modify(f"dn: {member.dn}\nchangetype: modify\nreplace: telephoneNumber\n")


def groups() -> QuerySet[Collective]:
    return Collective.objects.filter(present=True, source__from_settings=True, dn__gt="")


def memberships() -> QuerySet[Membership]:
    return Membership.objects.filter(collective__in=groups())


def leads() -> QuerySet[Any]:
    return Collective.leads.through.objects.filter(collective__in=groups())


def with_phone() -> QuerySet[Member]:
    return Member.objects.exclude(state="missing").filter(phone__gt="")


@pytest.mark.parametrize(
    ("what", "there", "end", "floor", "share"),
    [
        ("groups_today", groups, groups_end, 3, 0.10),
        ("memberships_today", memberships, memberships_end, 30, 0.10),
        ("leads_today", leads, leads_end, 5, 0.20),
        ("attribute_today phone", with_phone, phones_end, 10, 0.20),
    ],
)
def test_so_do_its_groups_and_what_people_have(own_directory, what, there, end, floor, share):
    synchronise(now=MONDAY)
    before = there().count()
    half = max(floor, int(before * share)) // 2 + 1

    end(own_directory, half)
    assert synchronise(now=MONDAY + timedelta(minutes=1)).status != RunStatus.HELD
    end(own_directory, half)
    run = synchronise(now=MONDAY + timedelta(minutes=2))

    assert [(each["what"], each["count"]) for each in run.report["held"]] == [(what, half)]
    assert there().count() == before - half
    (waiting,) = following.what_waits(run)
    assert len(waiting.lines) == half
    # The day after, what went on Monday counts no more; and a person's word counts at once.
    later = synchronise(now=MONDAY + timedelta(days=1, minutes=5), dry_run=True)
    assert later.status != RunStatus.HELD
    run = synchronise(now=MONDAY + timedelta(minutes=3), approved=run.report["approval"])
    assert run.status != RunStatus.HELD
    assert there().count() == before - 2 * half
    end(own_directory, 1)
    assert synchronise(now=MONDAY + timedelta(minutes=4)).status != RunStatus.HELD
    assert there().count() == before - 2 * half - 1


def test_whoever_came_back_before_makes_up_for_nobody_who_goes_afterwards(own_directory):
    """After a bad hour everybody is back: as many would have gone again, one by one, without a word."""
    run = synchronise(now=MONDAY)
    limit = max(5, int(active() * 0.03))
    SyncRun.objects.create(
        source=run.source,
        started_at=MONDAY + timedelta(minutes=1),
        status=RunStatus.OK,
        watermark=run.watermark,
        counts={**run.counts, "people_joined": 0, "people_returned": 30},
        report={**run.report, "gone": {"people": -30}},
    )
    ends = []
    for minute in range(2, 5):
        gone(own_directory, limit // 2)
        ends.append(synchronise(now=MONDAY + timedelta(minutes=minute)).status == RunStatus.HELD)

    assert ends == [False, False, True]


def test_what_went_the_day_before_counts_no_more(own_directory):
    synchronise(now=MONDAY)
    limit = max(5, int(active() * 0.03))

    gone(own_directory, limit)
    assert synchronise(now=MONDAY + timedelta(minutes=1)).status != RunStatus.HELD
    gone(own_directory, limit - 2)

    assert synchronise(now=MONDAY + timedelta(hours=25)).status != RunStatus.HELD


def test_a_pass_that_was_under_way_when_its_source_was_paused_and_pointed_elsewhere_changes_nothing(two):
    two.source.refresh_from_db()
    office = Actor(member=make_member("lea.x", "Léa X", entry_uuid=None).pk)
    # Of those changes that wait until everybody is listed: somebody has to settle it.
    two.server.modify(f"dn: uid={ZOE},{GUESTS}\nchangetype: modify\nreplace: mail\nmail: nul\n")
    before = Member.objects.get(login=ZOE).email_state

    def tell(phase, _count):
        if phase == "pivots":
            services.pause(source_id=two.source.pk, actor=office, now=TUESDAY)
            changes = {"uri": "ldaps://ailleurs.example"}
            services.change_source(source_id=two.source.pk, changes=changes, actor=office, now=TUESDAY)

    run = synchronise(now=TUESDAY, source=two.source, tell=tell)

    two.source.refresh_from_db()
    assert two.source.state == SourceState.PAUSED
    assert run.status == RunStatus.INTERRUPTED
    assert Member.objects.get(login=ZOE).email_state == before != MailState.INVALID
    # Nothing of the new settings counts as tried by that.
    with pytest.raises(CannotChange, match="source_not_tried"):
        services.activate(source_id=two.source.pk, actor=office, now=TUESDAY)
