"""Members correcting their entry in a real 389 Directory Server, which knows no assertions."""

import pytest

from audit.models import Event
from audit.types import Action, Actor
from directory import photos, pictures
from directory.ldap import writing
from directory.models import Member
from directory.services import synchronise
from directory.services.profile import ProfileRefused, Saved, change_photo, change_profile
from directory.types import ServerKind
from tests.directory.test_ds389_pass import MONDAY, NOEMIE, TUESDAY, change, follow, noemie
from tests.directory.test_pictures import picture
from tests.support.ds389 import Ds389

pytestmark = pytest.mark.django_db
MINE, THEIRS = "06 39 98 77 66", "06 39 98 55 55"


@pytest.fixture
def followed(settings, fresh_ds389: Ds389) -> Ds389:
    follow(settings, fresh_ds389, ServerKind.DS389)
    synchronise(now=MONDAY)
    return fresh_ds389


def correct(member: Member, **wanted: str) -> Saved:
    seen = {item: getattr(member, item) for item in (*wanted, "postal_address", "postal_code", "town")}
    return change_profile(member_id=member.pk, wanted=wanted, seen=seen, actor=Actor(member=member.pk), now=TUESDAY)


def held(server: Ds389, attribute: str) -> list[str]:
    told = server.search("-b", NOEMIE, "-s", "base", "(objectClass=*)", attribute)
    return [line.partition(": ")[2] for line in told.splitlines() if line.startswith(f"{attribute}:")]


def test_a_correction_is_there_and_shown_at_once_and_no_pass_repeats_it(followed):
    saved = correct(noemie(), mobile=MINE, town="Agde")
    run = synchronise(now=TUESDAY)

    assert saved.is_shown
    assert (held(followed, "mobile"), held(followed, "l")) == ([MINE], ["Agde"])
    assert (noemie().mobile, noemie().town) == ("+33639987766", "Agde")
    assert run.counts["written"] == 0
    assert Event.objects.filter(action=Action.PROFILE_CHANGED).count() == 1


def test_a_change_by_somebody_else_is_a_conflict(followed):
    seen = noemie()
    change(followed, NOEMIE, f"replace: mobile\nmobile: {THEIRS}\n")

    with pytest.raises(ProfileRefused) as refused:
        correct(seen, mobile=MINE)

    assert (refused.value.reason, refused.value.now) == ("changed_meanwhile", {"mobile": "+33639985555"})
    assert held(followed, "mobile") == [THEIRS]
    assert noemie().mobile == "+33639985555"


def test_a_change_between_reading_and_writing_is_seen_by_the_value_that_is_gone(followed, monkeypatch):
    seen, real, others = noemie(), writing._modify, iter([THEIRS])

    def meanwhile(*given):
        for number in others:
            change(followed, NOEMIE, f"replace: mobile\nmobile: {number}\n")
        return real(*given)

    monkeypatch.setattr(writing, "_modify", meanwhile)
    with pytest.raises(ProfileRefused, match="changed_meanwhile"):
        correct(seen, mobile=MINE)

    assert held(followed, "mobile") == [THEIRS]


def test_what_the_write_account_may_not_write_is_refused_by_the_server(followed):
    with pytest.raises(ProfileRefused) as refused:
        correct(noemie(), trade="Relieuse")

    assert (refused.value.reason, refused.value.items) == ("not_writable", ("trade",))


def test_a_photo_is_kept_shown_and_removed(followed):
    member = noemie()

    change_photo(member_id=member.pk, raw=picture(), actor=Actor(member=member.pk), now=TUESDAY)
    shown = photos.digest_of(member.pk)
    change_photo(member_id=member.pk, raw=b"", actor=Actor(member=member.pk), now=TUESDAY)

    assert len(shown) == len(pictures.digest_of(b""))
    assert photos.digest_of(member.pk) == ""
    assert held(followed, "jpegPhoto") == []
