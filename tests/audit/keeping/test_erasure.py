"""A person leaves the journal: what is about them goes, what must stay stays, and the log is as sound as before."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from audit import keyring, services
from audit.keeping import erasure, holds, retention, turns
from audit.kinds import Retention
from audit.models import Event, Log, Pending, PersonKey, Removal
from audit.parts import GONE, Role
from audit.sequencer import sequence
from audit.services import record
from audit.types import Action, Actor, Entry, RemovalState
from tests.support.keeping import carried_out, is_sound, settle

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("happened")]
LATER = timedelta(minutes=20)


def erase(person, now=None):
    with transaction.atomic():
        services.erase_person(person.pk, now=now or timezone.now())


def later():
    """No process remembers a key any more."""
    PersonKey.objects.exclude(retired_at=None).update(retired_at=timezone.now() - LATER)
    carried_out()


def parts_of(action):
    """Roles that are still there, by row."""
    rows = Event.objects.filter(action=action).order_by("pk")
    return ["".join(role for role in Role if row.part(role)) for row in rows]


def test_what_is_about_somebody_goes_and_what_is_about_others_stays(member, other_member, exports):
    erase(member)
    carried_out()

    # Their own sign-in as a whole, the other's untouched; the agreement is proof.
    assert parts_of(Action.SIGN_IN) == ["csx"]
    assert Event.objects.get(action=Action.SIGN_IN).subject == other_member
    assert parts_of(Action.DISCLOSED) == []
    assert parts_of(Action.CONSENT_GIVEN) == ["cs"]
    # Whoever gave them a role did so, to somebody who is gone; who suspended whom is still told.
    assert parts_of(Action.ROLE_GRANTED) == ["cax"]
    assert parts_of(Action.MEMBER_SUSPENDED) == ["csa"]
    assert parts_of(Action.TOOL_CHANGED) == ["ca"]
    settle()
    assert is_sound(exports)


def test_who_acted_on_others_is_told_after_they_left_until_its_own_period_ends(member, other_member, exports):
    now = timezone.now()
    record(Entry(Action.LOG_EXPORTED, Actor(other_member.pk)))
    settle()
    shown = [(line.retention, line.role) for line in erasure.preview(other_member.pk, now) if line.stays == "outlives"]
    erase(other_member)
    settle()
    later()

    assert {Retention.LOOK_UP, Retention.ACCOUNT, Retention.ADMINISTRATION} == {each for each, _role in shown}
    assert Removal.objects.get().state == RemovalState.OVER
    for action in (Action.MEMBER_CONSULTED, Action.ROLE_GRANTED, Action.LOG_EXPORTED):
        event = Event.objects.get(action=action)
        assert (event.actor_id, event.actor_key.lasting, event.part(Role.NETWORK)) == (other_member.pk, True, None)
    goes = [retention.counted(now + timedelta(days=days))[Retention.LOOK_UP][Role.ACTOR] for days in (35 * 30, 37 * 31)]
    assert goes == [0, 1]
    settle()
    assert is_sound(exports)


def test_the_entry_that_announces_it_counts_by_log_and_role_and_names_nobody(member):
    erase(member)
    carried_out()

    event = Event.objects.get(action=Action.PERSON_ERASED)
    access, ledger = (Log.objects.get(family=family).name for family in ("access", "ledger"))
    assert event.facts[GONE] == {access: {"c": 2, "s": 3, "x": 1}, ledger: {"s": 1}}
    assert (event.subject_id, event.actor_id, event.by) == (None, None, "hub")
    assert len(event.facts["over"]) == 43
    told = str(event.facts)
    assert str(member.pk) not in told
    assert member.pk.hex not in told


def test_keys_go_once_no_process_can_remember_them_and_what_was_written_meanwhile_goes_too(member, exports):
    erase(member)
    settle()
    carried_out()
    state = Removal.objects.get().state
    # Another process, which has heard of nothing.
    old = PersonKey.objects.exclude(retired_at=None).get(person=member.pk)
    keyring._kept[member.pk, old.half_year] = keyring.Key(old.pk, keyring.secret_of(old)), 1e12
    record(Entry(Action.SIGN_OUT, Actor(member.pk), member.pk))
    late = Event.objects.latest("pk")
    assert late.subject_key_id == old.pk
    keyring.forget()
    settle()

    later()

    assert state == RemovalState.SWEEPING
    assert not Event.objects.filter(pk=late.pk).exists()
    assert not PersonKey.objects.filter(pk=old.pk).exists()
    removal = Removal.objects.get()
    assert (removal.state, removal.person, removal.salt) == (RemovalState.OVER, None, None)
    settle()
    assert is_sound(exports)
    # The agreement alone says who it was, under a key that no copy of before has.
    assert [event.action for event in Event.objects.about(member)] == [Action.CONSENT_GIVEN]


def test_what_is_written_of_somebody_while_they_leave_goes_with_them(member, other_member, louty, exports):
    """Under a key that is made for it: the end of a session, a hold and its end."""
    actor, now = Actor(other_member.pk), timezone.now()
    erase(member)
    record(Entry(Action.LOGOUT_DELIVERED, subject=member.pk, tool=louty.pk, facts={"attempts": 1}))
    hold = holds.put(actor=actor, person=member.pk, why="Instance", now=now)
    holds.lift(actor=actor, hold_id=hold.pk, why="Jugement rendu", now=now)
    settle()
    carried_out()
    record(Entry(Action.LOGOUT_DELIVERED, subject=member.pk, tool=louty.pk, facts={"attempts": 2}))
    settle()
    later()
    settle()
    later()

    hold.refresh_from_db()
    assert Removal.objects.get().state == RemovalState.OVER
    assert [event.action for event in Event.objects.about(member)] == [Action.CONSENT_GIVEN]
    assert list(PersonKey.objects.filter(person=member.pk).values_list("lasting", flat=True)) == [True]
    assert (hold.person, hold.why) == (None, "Instance")
    assert is_sound(exports)


def test_what_a_person_does_who_came_back_is_not_sealed_with_what_outlived_them(member):
    erase(member)
    settle()
    later()

    record(Entry(Action.SIGN_IN, Actor(member.pk), member.pk))

    assert not Event.objects.latest("pk").subject_key.lasting


def test_what_has_no_place_yet_waits_for_one(member, exports):
    record(Entry(Action.SIGN_OUT, Actor(member.pk), member.pk))
    erase(member)

    carried_out()
    waits = Event.objects.filter(action=Action.SIGN_OUT, subject_sealed__isnull=False).exists()
    state = Removal.objects.get().state
    settle()
    sound_meanwhile = is_sound(exports)
    carried_out()

    assert (waits, state, sound_meanwhile) == (True, RemovalState.GOING, True)
    assert not Event.objects.filter(action=Action.SIGN_OUT).exists()
    assert Removal.objects.get().state == RemovalState.SWEEPING
    settle()
    assert is_sound(exports)


def test_what_was_never_signed_of_a_log_that_was_given_up_goes_unannounced(member, exports):
    record(Entry(Action.SIGN_OUT, Actor(member.pk), member.pk))
    sequence(now=timezone.now())
    log = Log.objects.get(family="access")
    Log.objects.filter(pk=log.pk).update(trouble="log_shorter")
    services.renew_log(name=log.name, head="", now=timezone.now())
    settle()

    erase(member)
    carried_out()

    assert not Event.objects.filter(action=Action.SIGN_OUT).exists()
    assert Removal.objects.get().state == RemovalState.SWEEPING
    settle()
    assert is_sound(exports)


@pytest.mark.parametrize("signed", [False, True])
def test_the_log_is_sound_at_every_moment_of_an_erasure(member, exports, monkeypatch, signed):
    """Before anything is announced, before that is signed, and after; each log alone too."""
    monkeypatch.setattr(erasure, "AT_ONCE", 2)
    erase(member)

    while turns.turn(now=timezone.now()):
        if signed:
            settle()
        assert is_sound(exports)

    assert is_sound(exports)
    settle()
    for log in Log.objects.all():
        assert is_sound(exports, "--log", log.name)


def test_a_hold_about_somebody_stops_their_erasure_until_it_is_lifted(member, other_member):
    now = timezone.now()
    hold = holds.put(actor=Actor(other_member.pk), person=member.pk, why="Instance en cours", now=now)
    erase(member)
    carried_out()
    held = Removal.objects.get().state, Event.objects.filter(action=Action.PERSON_ERASED).count()

    holds.lift(actor=Actor(other_member.pk), hold_id=hold.pk, why="Jugement rendu", now=now)
    carried_out()

    assert held == (RemovalState.HELD, 0)
    assert parts_of(Action.DISCLOSED) == []


def test_a_hold_about_a_class_keeps_that_class_and_the_rest_goes(member, other_member, exports):
    actor, now = Actor(other_member.pk), timezone.now()
    hold = holds.put(actor=actor, retention=Retention.RELEASE, why="Contrôle", now=now)
    erase(member)
    carried_out()
    held = Removal.objects.get().state, parts_of(Action.DISCLOSED), parts_of(Action.SIGN_IN)
    settle()
    sound = is_sound(exports)

    holds.lift(actor=actor, hold_id=hold.pk, why="Contrôle fini", now=now)
    settle()
    carried_out()

    assert held == (RemovalState.HELD, ["cs"], ["csx"])
    assert sound
    assert parts_of(Action.DISCLOSED) == []
    assert Removal.objects.get().state == RemovalState.SWEEPING
    settle()
    assert is_sound(exports)


def test_a_hold_about_one_keeps_what_somebody_else_did_to_them(member, other_member):
    holds.put(actor=Actor(), person=other_member.pk, why="Plainte", now=timezone.now())
    erase(member)

    carried_out()

    assert parts_of(Action.MEMBER_SUSPENDED) == ["csa"]
    assert Removal.objects.get().state == RemovalState.HELD


def test_asking_twice_is_one_erasure_and_a_person_who_came_back_can_be_erased_again(member, exports):
    erase(member)
    erase(member)
    assert Removal.objects.count() == 1
    settle()
    later()
    record(Entry(Action.SIGN_IN, Actor(member.pk), member.pk))
    settle()

    erase(member)
    later()

    assert Removal.objects.filter(state=RemovalState.OVER).count() == 2
    assert not Event.objects.filter(action=Action.SIGN_IN, subject_key__person=member.pk).exists()
    settle()
    assert is_sound(exports)


def test_erasing_needs_the_transaction_of_its_change(member, django_db_blocker):
    from unittest.mock import patch

    with patch("audit.services.transaction.get_connection") as connection:
        connection.return_value.in_atomic_block = False
        with pytest.raises(transaction.TransactionManagementError):
            services.erase_person(member.pk, now=timezone.now())


def test_one_erasure_that_fails_keeps_no_other_from_its_end(member, other_member, monkeypatch, caplog):
    erase(member)
    erase(other_member)
    whole = erasure.step
    first = Removal.objects.order_by("pk").first().pk
    monkeypatch.setattr(erasure, "step", lambda pk, now: 1 / 0 if pk == first else whole(pk, now=now))

    carried_out()

    assert list(Removal.objects.order_by("pk").values_list("state", flat=True)) == ["going", "sweeping"]
    assert str(member.pk) not in caplog.text


def test_nothing_to_do_costs_one_statement(django_assert_num_queries):
    Pending.objects.all().delete()

    with django_assert_num_queries(1):
        assert not turns.turn(now=timezone.now())


def test_only_one_place_opens_the_door_by_which_parts_leave():
    from pathlib import Path

    root = Path(__file__).resolve().parents[3]
    apps = ("audit", "collectives", "consent", "directory", "branding", "hub", "idp", "launcher", "news")
    files = [path for app in apps for path in (root / app).rglob("*.py")]
    users = {
        door: {str(path.relative_to(root)) for path in files if f".{door}(" in path.read_text()}
        for door in ("let_go", "put_under", "_raw_delete")
    }
    assert users == {
        "let_go": {"audit/keeping/parts.py"},
        "put_under": {"audit/keeping/erasure.py"},
        "_raw_delete": {"audit/models/events.py"},
    }
