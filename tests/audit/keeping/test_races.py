"""Several workers, an erasure and a run of the rules over the same lines at once: each part goes, and is told, once."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from audit import keyring, place, services
from audit.keeping import erasure, retention, turns
from audit.models import Event, PersonKey, Removal
from audit.types import Action, Actor, Entry, RemovalState
from directory.models import Member
from tests.audit.keeping.test_retention import old, ran  # noqa: F401 fixtures
from tests.support.keeping import carried_out, is_sound, settle
from tests.support.races import in_the_middle, meets_inside, together

pytestmark = pytest.mark.django_db(transaction=True)


def test_workers_at_once_take_each_part_once(ran, member, exports, monkeypatch):  # noqa: F811
    monkeypatch.setattr(erasure, "AT_ONCE", 3)
    monkeypatch.setattr(retention, "AT_ONCE", 4)
    run = retention.begin(now=timezone.now())
    with transaction.atomic():
        services.erase_person(member.pk, now=timezone.now())
    erased = Removal.objects.get(kind="erasure")

    def erase():
        for _ in range(20):
            erasure.step(erased.pk, now=timezone.now())

    def keep():
        for _ in range(20):
            retention.step(run.pk)

    together(erase, keep, erase, keep)
    # Whoever finds another at it goes away again, and may have done so twenty times: the worker comes back, too.
    erase()
    keep()

    assert not Event.objects.about(member).exclude(action=Action.CONSENT_GIVEN).exists()
    assert Event.objects.filter(action=Action.RETENTION_RUN).count() == 1
    settle()
    assert is_sound(exports)


# Written at the end of an erasure ----------------------------------------------------------------------------------


def erased(member):
    """All that was written of them is gone, and no process remembers a key: the worker's next turn is the last."""
    Member.objects.filter(pk=member.pk).update(erased_at=timezone.now())
    with transaction.atomic():
        services.erase_person(member.pk, now=timezone.now())
    carried_out()
    PersonKey.objects.exclude(retired_at=None).update(retired_at=timezone.now() - timedelta(minutes=20))
    return Removal.objects.get(kind="erasure")


def written(member):
    with transaction.atomic():
        services.record(Entry(Action.SIGN_OUT, Actor(member.pk), member.pk))


def assert_nobody(member):
    event = Event.objects.filter(action=Action.SIGN_OUT).latest("pk")
    assert (event.subject_key_id, event.subject_sealed, event.network_sealed) == (None, None, None)
    assert not PersonKey.objects.filter(person=member.pk, lasting=False).exists()


@pytest.mark.usefixtures("happened")
def test_what_is_written_of_somebody_after_their_erasure_names_nobody(member, other_member, exports):
    erased(member)
    carried_out()
    assert Removal.objects.get(kind="erasure").state == RemovalState.OVER

    written(member)
    with transaction.atomic(), place.coming_from(lambda: {"address": "192.0.2.0/24"}):
        services.record(Entry(Action.MEMBER_CONSULTED, Actor(other_member.pk), member.pk))

    assert_nobody(member)
    looked = Event.objects.filter(action=Action.MEMBER_CONSULTED).latest("pk")
    assert (looked.subject_id, looked.actor_id, looked.by) == (None, other_member.pk, "member")
    settle()
    assert is_sound(exports)


@meets_inside
@pytest.mark.usefixtures("happened")
def test_whoever_writes_while_an_erasure_ends_writes_of_nobody(member):
    removal = erased(member)

    in_the_middle(
        lambda: erasure.step(removal.pk, now=timezone.now()), lambda: written(member), at=(erasure, "_end_of_pass")
    )

    assert Removal.objects.get(kind="erasure").state == RemovalState.OVER
    assert_nobody(member)


@meets_inside
@pytest.mark.usefixtures("happened")
def test_an_erasure_does_not_end_before_what_is_being_written(member, exports):
    removal = erased(member)

    in_the_middle(
        lambda: written(member), lambda: erasure.step(removal.pk, now=timezone.now()), at=(keyring, "keys_of")
    )
    meanwhile = Removal.objects.get(kind="erasure").state
    settle()
    erased(member)
    carried_out()

    assert meanwhile != RemovalState.OVER
    assert Removal.objects.get(kind="erasure").state == RemovalState.OVER
    assert not Event.objects.filter(action=Action.SIGN_OUT).exists()
    assert not PersonKey.objects.filter(person=member.pk, lasting=False).exists()


@pytest.mark.usefixtures("happened")
def test_a_key_that_an_erasure_left_behind_is_taken_up_at_night(member, exports):
    removal = erased(member)
    written(member)
    settle()
    # As the release before left it.
    Removal.objects.filter(pk=removal.pk).update(person=None, state=RemovalState.OVER, ended_at=timezone.now())
    assert keyring.left_behind() == {member.pk}

    turns.night(now=timezone.now().replace(hour=12))
    carried_out()
    PersonKey.objects.exclude(retired_at=None).update(retired_at=timezone.now() - timedelta(minutes=20))
    carried_out()

    assert keyring.left_behind() == set()
    assert not Event.objects.filter(action=Action.SIGN_OUT).exists()
    settle()
    assert is_sound(exports)


@pytest.mark.usefixtures("happened")
def test_whoever_came_back_is_written_of_again(member):
    erased(member)
    carried_out()
    Member.objects.filter(pk=member.pk).update(erased_at=None)

    written(member)

    assert Event.objects.filter(action=Action.SIGN_OUT).latest("pk").subject_id == member.pk
    assert keyring.left_behind() == set()
