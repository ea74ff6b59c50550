"""The pass over a real directory, with every nasty case in it."""

import json
import os
import re
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any
from unicodedata import normalize
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from audit.models import Event
from audit.selectors import matching_members
from audit.types import SYSTEM, Action
from demo.slapd import EmbeddedDirectory
from directory import selectors
from directory.ldap import passwords as client
from directory.ldap.sources import load
from directory.models import Collective, DirectorySource, Member, Membership, SyncIssue, SyncRun
from directory.services import grant_role, passes, revoke_role, synchronise
from directory.signals import members_ended
from directory.types import DirectoryRefused, DirectoryUnavailable, Kind, MailState, MemberState, Role, RunStatus
from idp.models import OutgoingMail
from tests.support.slapd import five_weeks_later, ldap_settings, settle

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 11, 23, 8, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(days=1)
PEOPLE = "ou=membres,ou=personnes,dc=alizarine,dc=example"


@pytest.fixture
def synced(own_directory: EmbeddedDirectory) -> EmbeddedDirectory:
    synchronise(now=MONDAY)
    return own_directory


def quirk(server: EmbeddedDirectory, case: str) -> UUID:
    return UUID(next(row["entryUUID"] for row in server.manifest["quirks"] if row["id"] == case))


def quirky(server: EmbeddedDirectory, case: str) -> Member:
    return Member.objects.get(entry_uuid=quirk(server, case))


def collective(server: EmbeddedDirectory, case: str) -> Collective:
    return Collective.objects.get(entry_uuid=quirk(server, case))


def logins(found: Collective, **conditions: Any) -> set[str]:
    return set(found.memberships.filter(**conditions).values_list("member__login", flat=True))


def snapshot() -> dict[str, list[Any]]:
    """Every row that a pass may write, but the runs."""
    return {
        model.__name__: list(model.objects.order_by("pk").values())
        for model in (Member, Collective, Membership, SyncIssue, Collective.leads.through, Event)
    }


# The first pass --------------------------------------------------------------------------------------------------


def test_everybody_and_every_group_is_in_the_mirror(synced):
    told = synced.manifest["snapshot1"]

    assert Member.objects.count() == told["people"]
    assert Member.objects.filter(state=MemberState.ACTIVE).count() == told["active"]
    assert Member.objects.filter(state=MemberState.LEFT).count() == told["former"]
    assert Member.objects.filter(state=MemberState.LOCKED).count() == told["locked_in_place"]
    assert Member.objects.filter(email="").count() == told["without_mail"]
    assert Collective.objects.exclude(kind=Kind.STATUS).count() == told["groups"]
    # Everybody arrived: nobody's address has changed.
    assert not OutgoingMail.objects.exists()


def test_kinds_and_leads_come_from_the_directory(synced):
    pole = Collective.objects.get(name="Pôle Numérique")

    assert pole.kind == Kind.POLE
    assert pole.slug == "pole-numerique"
    assert [lead.login for lead in pole.leads.all()] == ["benoit.de-la-tour"]


def test_each_quirk_of_a_person_comes_to_what_is_expected(synced):
    one, two = quirky(synced, "shared-mail-1"), quirky(synced, "shared-mail-2")
    nfd, nfc = quirky(synced, "nfd-name"), quirky(synced, "nfc-name")

    assert quirky(synced, "no-mail").email_state == MailState.NONE
    assert selectors.find_for_sign_in("sans.courriel") == quirky(synced, "no-mail")
    assert one.email_state == two.email_state == MailState.SHARED
    assert selectors.find_for_sign_in(one.email) is None
    assert selectors.find_for_sign_in(one.login) == one
    assert selectors.find_for_sign_in(two.login) == two
    assert quirky(synced, "uid-uppercase").login == "JP.Dupont"
    assert selectors.find_for_sign_in("jp.dupont") == selectors.find_for_sign_in("JP.DUPONT")
    assert selectors.find_for_sign_in("Marie  Claude") == quirky(synced, "uid-space")
    assert quirky(synced, "multi-mail").email == "dora.double@alizarine.example"
    assert quirky(synced, "multi-cn").display_name == "Joséphine Multi"
    assert quirky(synced, "no-display-name").display_name == "Odile Sansaffichage"
    assert quirky(synced, "trailing-space").display_name == "Fanny Finale"
    assert quirky(synced, "trailing-space").trade == "Graphiste"
    assert (nfd.given_name, nfd.family_name) == (nfc.given_name, nfc.family_name) == ("Hélène", "Brémond-Gély")
    assert nfd != nfc
    assert quirky(synced, "base64-value").trade == ":deux-points en tête"
    assert quirky(synced, "base64-value").business_name == "finit par une espace"
    assert len(quirky(synced, "name-300").display_name) >= 300
    assert quirky(synced, "apostrophes").family_name == "O'Neill d’Haussonville"
    assert quirky(synced, "minimal").family_name == "Minimal"
    assert quirky(synced, "minimal").email == quirky(synced, "minimal").trade == ""
    for case in ("photo-40k", "photo-not-jpeg", "extra-class", "dn-comma", "dn-plus", "dn-unicode", "dn-quote-hash"):
        assert quirky(synced, case).state == MemberState.ACTIVE


@pytest.mark.parametrize(
    ("typed", "cases"),
    [
        (normalize("NFC", "Hélène Brémond"), {"nfd-name", "nfc-name"}),
        (normalize("NFD", "Hélène Brémond"), {"nfd-name", "nfc-name"}),
        ("o'neill d'haussonville", {"apostrophes"}),
        ("O’Neill d’Haussonville", {"apostrophes"}),
        ("oeuvrard", {"dn-unicode"}),
    ],
)
def test_the_office_and_the_journal_find_a_quirk_however_it_is_typed(synced, typed, cases):
    expected = {quirky(synced, case).pk for case in cases}

    assert set(selectors.matching(typed)) == expected
    assert matching_members(typed).keys() == expected


def test_each_quirk_of_a_group_comes_to_what_is_expected(synced):
    inner = collective(synced, "nested-inner")
    cycle = [logins(collective(synced, case)) for case in ("cycle-a", "cycle-b", "cycle-c")]

    assert len(logins(collective(synced, "ghost-member"))) == 2
    assert logins(collective(synced, "only-ghost")) == set()
    assert logins(collective(synced, "placeholder-member")) == set()
    assert collective(synced, "empty-description").description == ""
    assert collective(synced, "blank-description").description == ""
    assert len(logins(collective(synced, "nested-outer"), direct=True)) == 1
    assert len(logins(collective(synced, "nested-outer"), direct=False)) == 2
    assert logins(inner) < logins(collective(synced, "nested-middle")) < logins(collective(synced, "nested-outer"))
    assert len(cycle[0]) == 3
    assert cycle[0] == cycle[1] == cycle[2]
    assert len(logins(collective(synced, "self-cycle"))) == 1
    assert Collective.objects.filter(name="Comptabilité & paie").count() == 2
    assert logins(collective(synced, "odd-dn-member")) == {"virgule", "plus", "dn.unicode", "diese"}
    assert logins(collective(synced, "member-other-case")) == {"JP.Dupont"}
    assert collective(synced, "multi-cn-group").name == "Deux noms"
    assert collective(synced, "unknown-kind").kind == Kind.OTHER


def test_every_anomaly_is_explained_in_the_report(synced):
    told = {(issue["code"], issue["entry"]) for issue in SyncRun.objects.get().report["issues"]}

    assert told == {
        (code, str(quirk(synced, case)))
        for code, cases in {
            "no_mail": ["no-mail", "minimal"],
            "mail_shared": ["shared-mail-1", "shared-mail-2"],
            "group_member_unknown": ["ghost-member", "only-ghost"],
            "group_cycle": ["cycle-a", "cycle-b", "cycle-c"],
            "group_in_itself": ["self-cycle"],
            "group_kind_unknown": ["unknown-kind"],
        }.items()
        for case in cases
    }
    assert SyncRun.objects.get().status == RunStatus.PROBLEMS


def test_the_second_pass_writes_nothing_but_its_run(synced):
    before = snapshot()

    run = synchronise(now=TUESDAY)

    assert snapshot() == before
    assert run.counts["written"] == 0
    assert SyncRun.objects.get(pk=run.pk).started_at == TUESDAY


def test_quiet_passes_do_not_pile_up(synced):
    for hour in range(5):
        synchronise(now=TUESDAY + timedelta(hours=hour))

    assert SyncRun.objects.count() == 2
    assert selectors.directory_age(TUESDAY + timedelta(hours=5)) == timedelta(hours=1)


def test_a_dry_run_writes_nothing_at_all(own_directory):
    run = synchronise(now=MONDAY, dry_run=True)

    assert run.counts["people_joined"] == own_directory.manifest["snapshot1"]["people"]
    assert run.pk is None
    # But that there is a directory: its row is made when it is first read.
    assert Event.objects.get().action == Action.SOURCE_ADDED
    assert not any(rows for name, rows in snapshot().items() if name != "Event")
    assert not SyncRun.objects.exists()


# Five weeks later --------------------------------------------------------------------------------------------------


def test_renamed_swapped_and_cleared_values_arrive(synced):
    one, two = quirky(synced, "swap-1"), quirky(synced, "swap-2")
    garden = Collective.objects.get(name="Jardin partagé")
    five_weeks_later(synced)

    synchronise(now=TUESDAY)

    assert quirky(synced, "swap-1").email == two.email
    assert quirky(synced, "swap-2").email == one.email
    assert quirky(synced, "swap-1").email_state == MailState.OK
    assert quirky(synced, "case-mail-change").email == "casse.courriel@alizarine.example"
    assert quirky(synced, "cleared-later").trade == quirky(synced, "cleared-later").mobile == ""
    assert quirky(synced, "moved-later").state == MemberState.ACTIVE
    assert logins(collective(synced, "cycle-c")) < logins(collective(synced, "cycle-a"))
    assert "group_cycle" not in set(SyncIssue.objects.filter(resolved_at=None).values_list("code", flat=True))
    renamed = Collective.objects.get(pk=garden.pk)
    assert renamed.name == "Jardin partagé de Celleneuve"
    assert renamed.slug == garden.slug
    assert renamed.memberships.count() > 0
    assert logins(collective(synced, "member-other-case")) == {"jp.dupont-martin"}
    assert synchronise(now=TUESDAY).counts["written"] == 0


@pytest.mark.incident("CVE-2026-19607")
def test_a_reused_login_is_a_new_person_who_inherits_nothing(synced):
    old = quirky(synced, "reuuid-later")
    grant_role(member_id=old.pk, role=Role.OFFICE, actor=SYSTEM, now=MONDAY)
    synced.modify(synced.changes_file.read_bytes())

    synchronise(now=TUESDAY)

    new = selectors.find_for_sign_in(old.login)
    assert new is not None
    assert new.pk != old.pk
    assert new.entry_uuid != old.entry_uuid
    assert not selectors.has_role(new, Role.OFFICE)
    assert Member.objects.get(pk=old.pk).state == MemberState.MISSING
    assert SyncIssue.objects.filter(entry_uuid=new.entry_uuid, code="login_reused").exists()


def test_the_same_entry_that_returns_is_the_same_member(synced):
    member = Member.objects.get(login="noemie.ferrand")
    away = f"dn: {member.dn}\nchangetype: modrdn\nnewrdn: uid=noemie.ferrand\ndeleteoldrdn: 1\nnewsuperior: "
    synced.modify(f"{away}ou=services,{synced.base}\n")
    synchronise(now=TUESDAY)
    gone = Member.objects.get(pk=member.pk)
    synced.modify(away.replace(PEOPLE, f"ou=services,{synced.base}") + f"{PEOPLE}\n")

    synchronise(now=TUESDAY)

    back = Member.objects.get(pk=member.pk)
    assert (gone.state, gone.state_reason) == (MemberState.MISSING, "out_of_scope")
    assert back.state == MemberState.ACTIVE
    assert back.state_since == TUESDAY


def test_a_listener_that_fails_undoes_the_whole_pass(synced):
    member = Member.objects.get(login="noemie.ferrand")
    synced.modify(f"dn: {member.dn}\nchangetype: delete\n")

    def fail(**_):
        raise RuntimeError("no")

    members_ended.connect(fail)
    try:
        with pytest.raises(RuntimeError):
            synchronise(now=TUESDAY)
    finally:
        members_ended.disconnect(fail)

    assert Member.objects.get(pk=member.pk).state == MemberState.ACTIVE
    assert SyncRun.objects.first().status == RunStatus.FAILED


# Accidents -----------------------------------------------------------------------------------------------------------


def test_a_directory_that_is_down_loses_nobody(synced):
    before = snapshot()
    synced.stop()

    with pytest.raises(DirectoryUnavailable):
        synchronise(now=TUESDAY)

    run = SyncRun.objects.first()
    assert run.status == RunStatus.FAILED
    assert run.error.startswith("DirectoryUnavailable")
    assert Event.objects.filter(action=Action.SYNC_FAILED, refused=True).count() == 1
    assert {**snapshot(), "Event": []} == {**before, "Event": []}
    assert selectors.directory_age(TUESDAY) == timedelta(days=1)


def test_a_failure_that_lasts_is_told_once(synced):
    synced.stop()

    for hour in range(3):
        with pytest.raises(DirectoryUnavailable):
            synchronise(now=TUESDAY + timedelta(hours=hour))

    assert SyncRun.objects.filter(status=RunStatus.FAILED).count() == 1
    assert Event.objects.filter(action=Action.SYNC_FAILED).count() == 1


def test_a_frozen_directory_is_given_up_in_bounded_time(synced, settings):
    settings.LDAP = ldap_settings(synced, timeout_seconds=0.5)
    began = time.monotonic()

    with synced.paused(), pytest.raises(DirectoryUnavailable):
        synchronise(now=TUESDAY)

    assert time.monotonic() - began < 5


def test_a_size_limit_is_a_failure_and_not_a_departure(synced):
    before = snapshot()
    limits = "dn: olcDatabase={1}mdb,cn=config\nchangetype: modify\ndelete: olcLimits\n"
    synced.modify(limits)
    synced.modify(
        "dn: olcDatabase={-1}frontend,cn=config\nchangetype: modify\nreplace: olcSizeLimit\nolcSizeLimit: 300\n"
    )

    with pytest.raises(DirectoryRefused, match="SIZELIMIT"):
        synchronise(now=TUESDAY)

    assert {**snapshot(), "Event": []} == {**before, "Event": []}


def test_a_branch_that_becomes_invisible_is_held_and_loses_nobody(synced):
    active = Member.objects.filter(state=MemberState.ACTIVE).count()
    hide = (
        "dn: olcDatabase={1}mdb,cn=config\nchangetype: modify\nadd: olcAccess\n"
        f'olcAccess: {{0}}to dn.subtree="{PEOPLE}" by * none\n'
    )
    synced.modify(hide)

    run = synchronise(now=TUESDAY)

    assert run.status == RunStatus.HELD
    assert {"people", "memberships"} >= {held["what"] for held in run.report["held"]} > set()
    assert Member.objects.filter(state=MemberState.ACTIVE).count() == active
    assert Event.objects.filter(action=Action.SYNC_HELD).count() == 1


def test_a_wrong_reader_password_is_a_failure(synced, settings):
    settings.LDAP = ldap_settings(synced, bind_password="wrong")

    with pytest.raises(DirectoryRefused, match="INVALID_CREDENTIALS"):
        synchronise(now=TUESDAY)

    assert SyncRun.objects.first().status == RunStatus.FAILED


def test_departures_beyond_the_ceiling_wait_for_a_person(synced):
    going = list(Member.objects.filter(dn__endswith=PEOPLE, state=MemberState.ACTIVE, leads=None)[:20])
    synced.modify("\n".join(f"dn: {member.dn}\nchangetype: delete\n" for member in going if member.dn.isascii()))
    settle(synced)
    count = sum(member.dn.isascii() for member in going)

    held = synchronise(now=TUESDAY)
    again = synchronise(now=TUESDAY)
    approved = synchronise(now=TUESDAY, approved=held.report["approval"])

    assert held.status == again.status == RunStatus.HELD
    assert held.counts["people_ended"] == 0
    assert again.counts["written"] == 0
    assert approved.counts["people_ended"] == count
    assert Event.objects.filter(action=Action.SYNC_HELD).count() == 1
    assert Member.objects.count() == synced.manifest["snapshot1"]["people"]


def test_malformed_values_cost_nobody_their_account(synced):
    synced.modify(
        f"dn: uid=noemie.ferrand,{PEOPLE}\nchangetype: modify\n"
        "replace: mail\nmail:: bm9lbWllAEBhbGl6YXJpbmUuZXhhbXBsZQ==\n-\n"  # a NUL in the address
        "replace: mobile\nmobile: poste 12\n-\n"
        "replace: title\ntitle:: Q8OpcmFtaXN0ZeKAriBldGM=\n"  # a right-to-left override
    )

    synchronise(now=TUESDAY)

    member = Member.objects.get(login="noemie.ferrand")
    codes = set(SyncIssue.objects.filter(entry_uuid=member.entry_uuid, resolved_at=None).values_list("code", flat=True))
    assert member.state == MemberState.ACTIVE
    assert (member.email, member.email_state) == ("", MailState.INVALID)
    assert member.mobile == "poste 12"
    assert member.trade == "Céramiste etc"
    assert codes >= {"mail_invalid", "phone_unclear", "characters_removed"}


def test_an_older_backup_changes_nothing(synced):
    SyncRun.objects.update(watermark="20991231000000.000000Z#000000#000#000000")
    synced.modify(f"dn: uid=noemie.ferrand,{PEOPLE}\nchangetype: delete\n")

    run = synchronise(now=TUESDAY)

    assert run.status == RunStatus.HELD
    assert [held["what"] for held in run.report["held"]] == ["server_went_back"]
    assert Member.objects.get(login="noemie.ferrand").state == MemberState.ACTIVE
    assert SyncIssue.objects.filter(resolved_at=None).exists()


def test_a_pass_that_was_overtaken_applies_nothing(synced, monkeypatch):
    real = passes.by_pivots

    def slow(*arguments, **options):
        seen = real(*arguments, **options)
        synced.modify(f"dn: uid=noemie.ferrand,{PEOPLE}\nchangetype: delete\n")
        monkeypatch.setattr(passes, "by_pivots", real)
        synchronise(now=TUESDAY)
        return seen

    monkeypatch.setattr(passes, "by_pivots", slow)

    run = synchronise(now=TUESDAY)

    assert run.status == RunStatus.INTERRUPTED
    assert Member.objects.get(login="noemie.ferrand").state == MemberState.MISSING


def test_a_killed_pass_is_called_interrupted_by_the_next(synced):
    killed = SyncRun.objects.create(started_at=MONDAY, source=DirectorySource.objects.get())

    synchronise(now=TUESDAY)

    assert SyncRun.objects.get(pk=killed.pk).status == RunStatus.INTERRUPTED


# What is asked of the directory ------------------------------------------------------------------------------------


def test_user_password_is_never_requested(synced):
    client.check_password(load(), Member.objects.get(login="noemie.ferrand").entry_uuid, "alizarine-garrigue")

    asked = {name for line in re.findall(r"SRCH attr=(.*)", synced.log_file.read_text()) for name in line.split()}
    rules = load().rules
    constant = {*rules.person_attributes, *rules.group_attributes, "entryUUID", "entryCSN", "contextCSN"}
    assert asked
    assert asked <= constant
    assert not {name.lower() for name in constant} & {"userpassword", "*", "+"}


def test_a_certificate_of_somebody_else_is_refused(synced, settings, directory_server):
    for uri in ({}, {"uri": synced.tls_uri}):
        settings.LDAP = ldap_settings(synced, ca_file="/etc/ssl/certs/ca-certificates.crt", **uri)

        with pytest.raises(DirectoryUnavailable):
            synchronise(now=TUESDAY)


def test_the_environment_and_ldap_conf_cannot_switch_verification_off(tmp_path):
    (tmp_path / "ldap.conf").write_text("TLS_REQCERT never\n")
    told = (
        "import directory.ldap.connection, ldap;"
        "print(ldap.get_option(ldap.OPT_X_TLS_REQUIRE_CERT) == ldap.OPT_X_TLS_NEVER)"
    )
    for source in ({"LDAPTLS_REQCERT": "never"}, {"LDAPCONF": str(tmp_path / "ldap.conf")}):
        environment = {name: value for name, value in os.environ.items() if name != "LDAPNOINIT"}

        done = subprocess.run(
            [sys.executable, "-c", told], env={**environment, **source}, capture_output=True, text=True, check=True
        )

        assert done.stdout.strip() == "False"


def test_ldaps_works_as_well(own_directory, settings):
    settings.LDAP = ldap_settings(own_directory, uri=own_directory.tls_uri)

    assert synchronise(now=MONDAY).counts["people_joined"] > 400


def test_a_distant_directory_without_tls_is_refused(settings):
    settings.LDAP = {"uri": "ldap://ldap.alizarine.example", "base": "dc=alizarine,dc=example", "start_tls": False}

    with pytest.raises(DirectoryRefused, match="without TLS"):
        load()


def test_no_directory_is_refused_in_words(settings):
    settings.LDAP = {"uri": "", "base": ""}

    with pytest.raises(DirectoryRefused, match="TROUSSEAU_LDAP_URI"):
        load()


# Roles ---------------------------------------------------------------------------------------------------------------


def test_a_role_is_given_once_and_taken_back(synced):
    member = Member.objects.get(login="lea.martinez-roux")

    grant_role(member_id=member.pk, role=Role.TECHNICIAN, actor=SYSTEM, now=MONDAY)
    grant_role(member_id=member.pk, role=Role.TECHNICIAN, actor=SYSTEM, now=MONDAY)
    held = selectors.has_role(Member.objects.get(pk=member.pk), Role.DPO, Role.TECHNICIAN)
    revoke_role(member_id=member.pk, role=Role.TECHNICIAN, actor=SYSTEM, now=TUESDAY)

    assert held
    assert not selectors.has_role(Member.objects.get(pk=member.pk), Role.TECHNICIAN)
    assert Event.objects.about(member.pk).filter(action=Action.ROLE_GRANTED).count() == 1
    assert Event.objects.about(member.pk).filter(action=Action.ROLE_REVOKED).count() == 1


def test_a_role_is_given_by_command(synced):
    out = StringIO()

    call_command("grant_role", "mireille.vidal", "dpo", stdout=out)

    assert selectors.has_role(Member.objects.get(login="mireille.vidal"), Role.DPO)
    assert out.getvalue() == "mireille.vidal has the role dpo\n"
    with pytest.raises(CommandError):
        call_command("grant_role", "personne", "dpo")


def test_a_role_that_does_not_go_with_another_is_refused_by_command(synced):
    call_command("grant_role", "mireille.vidal", "dpo", verbosity=0)

    with pytest.raises(CommandError, match="does not go with another"):
        call_command("grant_role", "mireille.vidal", "office")


def test_a_role_is_taken_back_by_command(synced):
    call_command("grant_role", "mireille.vidal", "dpo", verbosity=0)
    out = StringIO()

    call_command("grant_role", "mireille.vidal", "dpo", "--revoke", stdout=out)

    assert not selectors.has_role(Member.objects.get(login="mireille.vidal"), Role.DPO)
    assert out.getvalue() == "mireille.vidal no longer has the role dpo\n"


def test_somebody_who_left_has_no_role_any_more(synced):
    member = Member.objects.get(login="ines.oliveira")
    grant_role(member_id=member.pk, role=Role.DPO, actor=SYSTEM, now=MONDAY)

    assert not selectors.has_role(member, Role.DPO)


def test_a_journal_line_holds_names_of_items_and_no_value(synced):
    synced.modify(f"dn: uid=noemie.ferrand,{PEOPLE}\nchangetype: modify\nreplace: title\ntitle: Potière secrète\n")

    synchronise(now=TUESDAY)

    event = Event.objects.get(action=Action.MEMBER_CHANGED)
    assert event.facts["items"] == ["trade"]
    assert "secrète" not in json.dumps(list(Event.objects.values_list("facts", "reason")), ensure_ascii=False)


def test_collectives_of_a_member_hold_nested_ones_and_no_ended_ones(synced):
    member = Member.objects.get(memberships__collective__entry_uuid=quirk(synced, "nested-inner"))
    expected = set(member.collectives.filter(present=True).values_list("pk", flat=True))

    assert selectors.collective_ids(member) == expected
    assert collective(synced, "nested-outer").pk in expected
