"""A closed log that nobody needs goes whole: as two people agreed, after an export that was checked, on the record."""

import json
import subprocess
import sys
import time
from datetime import timedelta
from html import unescape
from io import StringIO

import pytest
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.account.internal.flows.login import _AUTHENTICATION_METHODS_USER_SESSION_KEY
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from audit.keeping import destruction, holds, retention, turns
from audit.kinds import Retention
from audit.models import Checkpoint, Destruction, Event, Leaf, Log, Removal, Tile
from audit.parts import parse_entry
from audit.types import SYSTEM, Action, Actor
from directory import services
from directory.models import Member, RoleGrant
from directory.types import Role
from idp.types import MailKind
from tests.audit.keeping.test_retention import old, ran  # noqa: F401 fixtures
from tests.support.cast import browser_of, make_member
from tests.support.keeping import carried_out, is_sound, settle, verified
from tests.support.links import waiting

pytestmark = pytest.mark.django_db
PAGE = reverse("idp:destructions")


@pytest.fixture
def technician(db):
    person = make_member("yann.kerdreux", "Yann Kerdreux")
    RoleGrant.objects.create(member=person, role=Role.TECHNICIAN)
    return person


@pytest.fixture
def finished(ran, dpo, technician):  # noqa: F811
    """The oldest log of sign-ins: closed, and nothing of anybody is left in it."""
    retention.begin(now=timezone.now())
    carried_out()
    settle()
    return Log.objects.filter(family="access").order_by("pk").first()


def told_by(*arguments):
    out = StringIO()
    call_command("destroy_log", *map(str, arguments), stdout=out)
    return out.getvalue()


def destroy(log, target, *, first="solene.garrigue", second="yann.kerdreux"):
    agreed(log, first=first, second=second)
    return told_by(log.name, "--export", target)


def agreed(log, *, first="solene.garrigue", second="yann.kerdreux"):
    for login, act in ((first, "proposer"), (second, "accepter")):
        said(login, log, act)


def said(login, log, act):
    """What the page answers to this person, who has just proved two factors."""
    browser = proved(Member.objects.get(login=login))
    browser.post(reverse("idp:destruction", args=[log.name, act]))
    return unescape(browser.get(PAGE).content.decode())


def proved(person, *, ago=0):
    """A browser whose session proved the password and a code so many seconds ago."""
    factor, _new = Authenticator.objects.get_or_create(user=person, type="totp", defaults={"data": {"secret": "x"}})
    Authenticator.objects.filter(pk=factor.pk).update(created_at=timezone.now() - timedelta(days=1))
    browser, at = browser_of(person), time.time() - ago
    session = browser.session
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [
        {"method": "password", "at": at, "reauthenticated": True},
        {"method": "mfa", "at": at, "reauthenticated": True, "type": "totp", "id": factor.pk},
    ]
    session[_AUTHENTICATION_METHODS_USER_SESSION_KEY] = session["_auth_user_id"]
    session.save()
    return browser


def rows_of(log):
    references = Leaf.objects.filter(log=log).values("reference")
    return (
        Leaf.objects.filter(log=log).count(),
        Event.objects.filter(reference__in=references).count(),
        Tile.objects.filter(log=log).count(),
        Checkpoint.objects.filter(log=log).count(),
    )


def test_two_people_destroy_a_log_and_its_last_checkpoint_stands_in_the_ledger(finished, exports, dpo, technician):
    last = finished.checkpoints.order_by("-size").first()
    kinds = [parse_entry(bytes(entry)).event for entry in finished.leaves.values_list("entry", flat=True)]

    told = destroy(finished, exports / "last")
    settle()

    assert f"{finished.name}: {last.size} entries" in told
    assert rows_of(finished) == (0, 0, 0, 0)
    line = Event.objects.get(action=Action.LOG_DESTROYED)
    assert (line.subject_id, line.actor_id) == (dpo.pk, technician.pk)
    assert (line.facts["log_head"], line.facts["log_size"]) == (last.note, last.size)
    assert line.facts["types"] == {kind: kinds.count(kind) for kind in set(kinds)}
    proposal = Destruction.objects.get()
    assert (proposal.proposed_by, proposal.approved_by) == (dpo, technician)
    assert is_sound(exports)
    page = browser_of(dpo).get("/journal/preuve/").content.decode()
    assert "détruit" in page
    assert f'data-unsigned="{finished.name}"' not in page


def test_what_was_destroyed_is_in_the_export_that_was_checked(finished, exports):
    destroy(finished, exports / "last")

    folder = exports / "last"
    keys = [
        part
        for log in Log.objects.exclude(key="")
        for part in ("--key", log.key)
        if (folder / "log" / log.name).exists()
    ]
    command = [sys.executable, "-I", str(folder / "verify.py"), str(folder), *keys, "--json"]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, timeout=60).stdout)

    assert told["verdict"] == "sound"
    assert finished.name in {log["log"] for log in told["logs"]}


def test_whoever_kept_the_last_checkpoint_believes_it_and_others_are_told(finished, exports, tmp_path):
    last = finished.checkpoints.order_by("-size").first()
    destroy(finished, exports / "last")
    settle()
    kept = tmp_path / "kept.txt"
    kept.write_text(last.note)

    nothing_kept = verified(exports)
    both = verified_with(exports, kept)

    assert (nothing_kept["verdict"], both["verdict"]) == ("sound", "sound")
    assert "destroyed" in [each["code"] for each in nothing_kept["not_proved"]]
    assert [each["held"] for each in both["destroyed"]] == [True]
    assert "destroyed" not in [each["code"] for each in both["not_proved"]]


def verified_with(exports, kept):
    target = exports / f"export-{len(list(exports.iterdir()))}"
    call_command("export_log", str(target), stdout=StringIO())
    keys = [part for log in Log.objects.exclude(key="") for part in ("--key", log.key)]
    command = [sys.executable, "-I", str(target / "verify.py"), str(target), *keys, "--saved", str(kept), "--json"]
    return json.loads(subprocess.run(command, capture_output=True, text=True, timeout=60).stdout)


@pytest.mark.parametrize("killed_after", [0, 1, 2])
def test_a_destruction_that_is_killed_is_finished_at_night(finished, exports, monkeypatch, killed_after):
    monkeypatch.setattr(destruction, "AT_ONCE", 2)
    whole, calls = destruction._rows_go, []

    def killed(log):
        calls.append(log)
        if len(calls) > killed_after:
            raise KeyboardInterrupt
        return whole(log)

    monkeypatch.setattr(destruction, "_rows_go", killed)
    with pytest.raises(KeyboardInterrupt):
        destroy(finished, exports / "last")
    settle()
    half = is_sound(exports)
    monkeypatch.setattr(destruction, "_rows_go", whole)
    Removal.objects.filter(kind="retention").update(began_at=timezone.now() - timedelta(days=2))

    turns.night(now=timezone.now().replace(hour=12))

    assert half
    assert rows_of(finished) == (0, 0, 0, 0)
    assert Event.objects.filter(action=Action.LOG_DESTROYED).count() == 1


# Who --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "command", "reason"),
    [
        ("solene.garrigue", "solene.garrigue", "not_approved", "same_person"),
        ("yann.kerdreux", "second.technicien", "not_approved", "no_officer"),
        ("solene.garrigue", "amelie.roux", "not_approved", "role_missing"),
        ("amelie.roux", "solene.garrigue", "not_proposed", "role_missing"),
    ],
)
def test_it_takes_two_people_with_the_right_and_one_of_them_the_officer(
    finished, exports, member, first, second, command, reason
):
    other = make_member("second.technicien", "Second Technicien")
    RoleGrant.objects.create(member=other, role=Role.TECHNICIAN)

    with pytest.raises(CommandError, match=command):
        destroy(finished, exports / "last", first=first, second=second)

    assert rows_of(finished)[0] > 0
    assert not (exports / "last").exists()
    assert not Event.objects.filter(action=Action.LOG_DESTROYED).exists()
    assert Event.objects.filter(reason=reason, refused=True).exists()


def test_a_technician_may_propose_and_the_officer_agree(finished, exports):
    destroy(finished, exports / "last", first="yann.kerdreux", second="solene.garrigue")

    assert rows_of(finished) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [("yann.kerdreux", "solene.garrigue", "proposer"), ("solene.garrigue", "yann.kerdreux", "approver")],
)
def test_whoever_lost_the_role_since_agreed_to_nothing(finished, exports, technician, first, second, reason):
    agreed(finished, first=first, second=second)
    technician.role_grants.all().delete()

    with pytest.raises(CommandError, match=f"{reason}_may_not"):
        told_by(finished.name, "--export", exports / "last")


def test_a_proposer_who_lost_the_role_proposed_nothing(finished, technician):
    said("yann.kerdreux", finished, "proposer")
    technician.role_grants.all().delete()

    page = said("solene.garrigue", finished, "accepter")

    assert "La personne qui l’a proposé n’en a plus le droit." in page
    line = Event.objects.get(action=Action.LOG_DESTRUCTION_APPROVED)
    assert (line.refused, line.reason, line.facts) == (True, "proposer_may_not", {"log": finished.name})


@pytest.mark.parametrize(
    ("first", "second"), [("yann.kerdreux", "a.nouvelle"), ("a.nouvelle", "yann.kerdreux")], ids=["agrees", "proposes"]
)
@pytest.mark.parametrize(
    ("giver", "days", "reason"),
    [
        ("yann.kerdreux", 0, "role_from_the_other"),
        ("yann.kerdreux", 6, "role_from_the_other"),
        ("second.technicien", -1, "role_too_new"),
        ("second.technicien", 2, "role_too_new"),
        ("second.technicien", 4, ""),
        (None, 0, ""),
    ],
)
def test_nobody_is_both_by_an_account_that_they_or_an_accomplice_have_just_made(
    finished, first, second, giver, days, reason
):
    other = make_member("second.technicien", "Second Technicien")
    RoleGrant.objects.create(member=other, role=Role.TECHNICIAN)
    made = make_member("a.nouvelle", "Agnès Nouvelle")
    given_by = Member.objects.get(login=giver) if giver else None
    grant = RoleGrant.objects.create(member=made, role=Role.DPO, granted_by=given_by)

    said(first, finished, "proposer")
    given_at = Destruction.objects.get().proposed_at - timedelta(days=days)
    RoleGrant.objects.filter(pk=grant.pk).update(granted_at=given_at)
    said(second, finished, "accepter")

    line = Event.objects.get(action=Action.LOG_DESTRUCTION_APPROVED)
    assert (line.refused, line.reason) == (bool(reason), reason)
    assert (Destruction.objects.get().approved_at is None) is bool(reason)


def test_a_role_that_was_over_and_is_given_again_is_new(finished, technician):
    made, other = make_member("a.nouvelle", "Agnès Nouvelle"), make_member("second.technicien", "Second Technicien")
    RoleGrant.objects.create(member=other, role=Role.TECHNICIAN)
    long_ago = timezone.now() - timedelta(days=400)
    grant = RoleGrant.objects.create(member=made, role=Role.DPO, ends_at=long_ago + timedelta(days=9))
    RoleGrant.objects.filter(pk=grant.pk).update(granted_at=long_ago)
    services.grant_role(member_id=made.pk, role=Role.DPO, actor=Actor(other.pk), now=timezone.now())

    agreed(finished, first="yann.kerdreux", second="a.nouvelle")

    assert Event.objects.get(action=Action.LOG_DESTRUCTION_APPROVED).reason == "role_too_new"


@pytest.mark.parametrize("login", ["solene.garrigue", "yann.kerdreux"])
def test_either_of_the_two_may_think_better_of_it(finished, exports, login):
    agreed(finished)

    page = said(login, finished, "renoncer")

    assert "Proposer la destruction" in page
    line = Event.objects.get(action=Action.LOG_DESTRUCTION_WITHDRAWN)
    assert (line.refused, line.actor.login, line.facts) == (False, login, {"log": finished.name})
    with pytest.raises(CommandError, match="not_proposed"):
        told_by(finished.name, "--export", exports / "last")


def test_nobody_else_takes_it_back_nor_what_nobody_proposed(finished):
    other = make_member("second.technicien", "Second Technicien")
    RoleGrant.objects.create(member=other, role=Role.TECHNICIAN)
    url = reverse("idp:destruction", args=[finished.name, "renoncer"])

    early = said("solene.garrigue", finished, "renoncer")
    mine = said("solene.garrigue", finished, "proposer")
    theirs = said("second.technicien", finished, "renoncer")

    assert "Personne ne l’a proposé" in early
    assert url in mine
    assert "Seule une des deux personnes peut y renoncer." in theirs
    assert url not in theirs
    lines = Event.objects.filter(action=Action.LOG_DESTRUCTION_WITHDRAWN, refused=True).order_by("pk")
    assert [line.reason for line in lines] == ["not_proposed", "not_of_the_two"]
    assert Destruction.objects.get().approved_at is None


def test_a_proposal_is_mailed_to_all_officers_and_technicians(finished, dpo, technician, member):
    said("yann.kerdreux", finished, "proposer")
    said("yann.kerdreux", finished, "proposer")

    found = waiting(MailKind.SECURITY)

    assert sorted(mail["to"] for mail in found) == sorted([dpo.email, technician.email])
    for mail in found:
        assert finished.name in mail["subject"]
        assert f"Yann Kerdreux propose de détruire le registre de preuve {finished.name}." in mail["body"]
        assert PAGE in mail["body"]


def test_it_takes_two_factors_of_these_minutes(finished, dpo):
    url = reverse("idp:destruction", args=[finished.name, "proposer"])

    without = browser_of(dpo).post(url)
    line = Event.objects.get(action=Action.ACCESS_REFUSED)
    stale = proved(dpo, ago=3600).post(url)

    assert without["Location"] == reverse("mfa_index")
    assert (line.reason, line.facts["page"]) == ("second_factor_missing", "idp:destruction")
    assert stale["Location"].startswith(reverse("account_reauthenticate"))
    assert not Destruction.objects.exists()


def test_the_page_says_who_wants_what_and_offers_it_to_whoever_may_still_agree(finished):
    newer = Log.objects.filter(family="access").order_by("pk")[2]
    url = reverse("idp:destruction", args=[finished.name, "accepter"])

    fresh = said("solene.garrigue", newer, "proposer")
    mine = said("solene.garrigue", finished, "proposer")
    twice = said("yann.kerdreux", finished, "proposer")
    over = said("yann.kerdreux", finished, "accepter")

    assert "Il contient encore ce qui parle de personnes." in fresh
    assert "Solène Garrigue propose de le détruire." in mine
    assert url not in mine
    assert "Quelqu’un l’a déjà proposé." in twice
    assert url in twice
    assert "Solène Garrigue et Yann Kerdreux sont d’accord." in over
    assert f"destroy_log {finished.name} --export" in over


def test_an_act_that_is_none_and_a_log_that_is_none_are_not_found(finished, dpo):
    browser = proved(dpo)

    assert browser.post(reverse("idp:destruction", args=[finished.name, "refuser"])).status_code == 404
    assert browser.post(reverse("idp:destruction", args=["access-1999h1", "proposer"])).status_code == 404


def test_a_proposal_is_over_after_a_week(finished, exports):
    said("solene.garrigue", finished, "proposer")
    Destruction.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    said("yann.kerdreux", finished, "accepter")
    assert Event.objects.get(action=Action.LOG_DESTRUCTION_APPROVED).reason == "not_proposed"
    agreed(finished)
    Destruction.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(CommandError, match="not_proposed"):
        told_by(finished.name, "--export", exports / "last")

    destroy(finished, exports / "last")
    assert rows_of(finished) == (0, 0, 0, 0)


def test_what_nobody_proposed_is_not_destroyed(finished, exports):
    with pytest.raises(CommandError, match="not_proposed"):
        told_by(finished.name, "--export", exports / "last")

    assert not (exports / "last").exists()


# Which ------------------------------------------------------------------------------------------------------------


def refused(log, exports, code):
    said("solene.garrigue", log, "proposer")
    assert Event.objects.get(action=Action.LOG_DESTRUCTION_PROPOSED).reason == code
    with pytest.raises(CommandError, match=code):
        told_by(log.name, "--export", exports / "last")
    assert not Event.objects.filter(action=Action.LOG_DESTROYED).exists()


def test_a_log_that_still_speaks_of_somebody_stays(finished, exports):
    newer = Log.objects.filter(family="access").order_by("pk")[2]

    refused(newer, exports, "log_has_people")


def test_a_log_that_is_open_stays(finished, exports):
    refused(Log.objects.get(family="access", closed_at=None), exports, "log_not_over")


def test_a_log_that_is_not_signed_to_its_end_stays(finished, exports):
    Log.objects.filter(pk=finished.pk).update(size=finished.size + 1)

    refused(finished, exports, "log_not_over")


def test_a_log_whose_class_is_held_stays(finished, exports):
    holds.put(actor=SYSTEM, retention=Retention.SIGN_IN, why="Contrôle", now=timezone.now())

    refused(finished, exports, "log_held")


def test_a_log_of_which_something_went_unannounced_stays(finished, exports):
    Removal.objects.create(kind="retention", began_at=timezone.now(), unsaid={finished.name: {"s": 1}})

    refused(finished, exports, "log_has_unsaid")


def test_a_log_that_announces_what_left_another_stays(finished, exports):
    """The run of this test stands in the newest ledger, which its year’s end would close."""
    ledger = Log.objects.get(family="ledger", closed_at=None)
    QuerySet.update(
        Event.objects.all(),
        subject_sealed=None,
        actor_sealed=None,
        network_sealed=None,
        subject_key=None,
        actor_key=None,
    )
    Log.objects.filter(pk=ledger.pk).update(closed_at=timezone.now())

    refused(ledger, exports, "log_needed")


def test_a_log_is_destroyed_once_and_a_name_that_is_none_says_so(finished, exports):
    destroy(finished, exports / "last")

    for name, code in ((finished.name, "log_gone"), ("access-1999h1", "log_unknown")):
        with pytest.raises(CommandError, match=code):
            told_by(name, "--export", exports / "again")


def test_an_export_that_does_not_come_out_right_destroys_nothing(finished, exports):
    agreed(finished)
    Leaf.objects.filter(log=finished, index=1).update(entry=b"x")

    with pytest.raises(CommandError, match="export_not_sound"):
        told_by(finished.name, "--export", exports / "last")

    assert rows_of(finished)[0] == finished.size
    assert Log.objects.get(pk=finished.pk).destroyed_at is None


def test_a_folder_that_is_there_already_is_left_alone(finished, exports):
    (exports / "last").mkdir()

    with pytest.raises(CommandError, match="target_exists"):
        destroy(finished, exports / "last")
    assert not Event.objects.filter(action=Action.LOG_DESTROYED).exists()
