"""Members correcting their own entry: the directory first, then the mirror, in one go."""

from dataclasses import replace

import pytest

from audit.models import Event
from audit.sealing import seal
from audit.types import SYSTEM, Action, Actor
from directory.ldap import sources, writing
from directory.ldap.reading import reading
from directory.ldap.servers import OPENLDAP
from directory.models import DirectorySource, Member
from directory.services import profile, synchronise
from directory.services.profile import ProfileRefused, Saved, change_profile
from directory.types import SourceState
from idp.models import OutgoingMail
from tests.directory.test_one_entry import LATER, MONDAY, NOEMIE, change
from tests.support.slapd import ZOE

pytestmark = pytest.mark.django_db


@pytest.fixture
def own(own_directory):
    synchronise(now=MONDAY)
    return own_directory


@pytest.fixture
def noemie(own) -> Member:
    return Member.objects.get(login_key="noemie.ferrand")


def correct(member: Member, *, actor: Actor | None = None, **wanted: str) -> Saved:
    seen = {item: getattr(member, item) for item in (*wanted, "postal_address", "postal_code", "town")}
    return change_profile(
        member_id=member.pk, wanted=wanted, seen=seen, actor=actor or Actor(member=member.pk), now=LATER
    )


def refusals() -> list[tuple[str, object]]:
    lines = Event.objects.filter(action=Action.PROFILE_REFUSED, refused=True)
    return [(line.reason, line.facts["items"]) for line in lines]


def mobile_there(login: str = "noemie.ferrand") -> list[bytes]:
    with reading(sources.load()) as read:
        return list(read.people_by("login", login)[0].attributes.get("mobile", ()))


def test_a_correction_is_in_the_directory_and_in_the_mirror_at_once(own, noemie):
    saved = correct(noemie, mobile="06 39 98 77 66", town="Sète")
    noemie.refresh_from_db()

    assert saved == Saved(noemie, is_shown=True)
    assert (noemie.mobile, noemie.town) == ("+33639987766", "Sète")
    assert mobile_there() == [b"06 39 98 77 66"]


def test_its_line_names_the_items_and_whoever_changed_them_and_no_value(own, noemie):
    correct(noemie, mobile="06 39 98 77 66", town="Sète")

    (line,) = Event.objects.filter(action=Action.PROFILE_CHANGED)
    assert line.subject == noemie
    assert line.actor == noemie
    assert line.facts == {"items": ["mobile", "town"]}
    # One line: the directory does not tell it again as its own.
    assert not Event.objects.filter(action=Action.MEMBER_CHANGED, at=LATER).exists()


def test_the_next_pass_has_nothing_to_do(own, noemie):
    correct(noemie, mobile="06 39 98 77 66")

    assert synchronise(now=LATER).counts["written"] == 0


def test_what_somebody_else_changed_beside_comes_along_under_the_directorys_name(own, noemie):
    change(own, NOEMIE, "title", "Enlumineuse")

    correct(noemie, mobile="06 39 98 77 66")
    noemie.refresh_from_db()

    assert noemie.trade == "Enlumineuse"
    assert [line.facts for line in Event.objects.filter(action=Action.MEMBER_CHANGED, at=LATER)] == [
        {"items": ["trade"]}
    ]


def test_nothing_else_than_before_writes_nothing(own, noemie):
    saved = correct(noemie, town=noemie.town)

    assert saved.is_shown
    assert not Event.objects.filter(action=Action.PROFILE_CHANGED).exists()


def test_a_conflict_shows_what_is_there_now_and_brings_the_mirror_up_to_it(own, noemie):
    change(own, NOEMIE, "mobile", "06 39 98 55 55")

    with pytest.raises(ProfileRefused) as refused:
        correct(noemie, mobile="06 39 98 77 66")
    noemie.refresh_from_db()

    assert (refused.value.reason, refused.value.now) == ("changed_meanwhile", {"mobile": "+33639985555"})
    assert mobile_there() == [b"06 39 98 55 55"]
    assert noemie.mobile == "+33639985555"
    assert refusals() == [("changed_meanwhile", ["mobile"])]


def test_of_an_entry_that_is_gone_there_is_nothing_to_show(own, noemie):
    own.modify(f"dn: {NOEMIE}\nchangetype: delete\n")

    with pytest.raises(ProfileRefused) as refused:
        correct(noemie, mobile="06 39 98 77 66")

    assert (refused.value.reason, refused.value.now) == ("changed_meanwhile", {})
    assert refusals() == [("changed_meanwhile", ["mobile"])]


def test_the_mark_that_came_with_the_correction_is_the_mirrors(own, noemie, monkeypatch):
    """Of a server whose marks mean nothing without its name, the entry alone would have none."""
    config = replace(sources.of(noemie.source), server=replace(OPENLDAP, marks_need_watermark=True))
    monkeypatch.setattr(sources, "of", lambda _source: config)

    saved = correct(noemie, mobile="06 39 98 77 66")

    assert saved.is_shown
    assert saved.member.csn


def test_sent_again_in_full_knowledge_it_is_saved(own, noemie):
    change(own, NOEMIE, "mobile", "06 39 98 55 55")
    with pytest.raises(ProfileRefused):
        correct(noemie, mobile="06 39 98 77 66")
    noemie.refresh_from_db()

    correct(noemie, mobile="06 39 98 77 66")

    assert mobile_there() == [b"06 39 98 77 66"]


def test_half_of_an_address_is_not_put_to_half_of_another(own, noemie):
    change(own, NOEMIE, "postalCode", "30999")

    with pytest.raises(ProfileRefused) as refused:
        correct(noemie, town="Sète")

    assert refused.value.reason == "changed_meanwhile"
    assert refused.value.now == {
        "postal_address": noemie.postal_address,
        "postal_code": "30999",
        "town": noemie.town,
    }


def test_what_is_already_as_it_was_wanted_is_no_conflict(own, noemie):
    """An order whose answer was lost is sent again by whoever gave it."""
    change(own, NOEMIE, "mobile", "06 39 98 77 66")

    saved = correct(noemie, mobile="06 39 98 77 66")

    assert saved.is_shown
    assert refusals() == []


def test_nobody_corrects_for_somebody_else(own, noemie):
    other = Member.objects.exclude(pk=noemie.pk).filter(state="active").first()
    before = mobile_there()

    for actor in (Actor(member=other.pk), SYSTEM):
        with pytest.raises(ProfileRefused, match="not_own_entry"):
            correct(noemie, actor=actor, mobile="06 39 98 77 66")

    assert mobile_there() == before
    assert refusals() == [("not_own_entry", ["mobile"])] * 2


def test_somebody_suspended_corrects_nothing(own, noemie):
    Member.objects.filter(pk=noemie.pk).update(hold="suspended")

    with pytest.raises(ProfileRefused, match="no_entry"):
        correct(noemie, mobile="06 39 98 77 66")


def test_an_account_of_the_hubs_own_has_nothing_to_correct(own):
    local = Member.objects.create(display_name="Secours", login="secours", login_key="secours")

    with pytest.raises(ProfileRefused, match="no_entry"):
        correct(local, mobile="06 39 98 77 66")

    assert profile.writable(local) == frozenset()
    assert refusals() == [("no_entry", ["mobile"])]


@pytest.mark.parametrize("item", ["email", "login", "family_name", "employee_type"])
def test_what_is_not_writable_is_refused_with_its_line(own, noemie, item):
    with pytest.raises(ProfileRefused, match="not_writable"):
        correct(noemie, **{item: "x"})

    assert refusals() == [("not_writable", [item])]


def test_where_the_hub_may_not_write_nobody_is_shown_a_form(own, noemie, settings):
    assert profile.writable(noemie)
    settings.LDAP = {**settings.LDAP, "write_password": ""}

    assert profile.writable(noemie) == frozenset()


def test_a_source_that_lets_members_correct_nothing_is_believed(own, noemie):
    DirectorySource.objects.update(writable=[])
    noemie.refresh_from_db()

    assert profile.writable(noemie) == frozenset()
    with pytest.raises(ProfileRefused, match="not_writable"):
        correct(noemie, mobile="06 39 98 77 66")


def test_a_source_that_is_not_followed_is_not_written_to(own, noemie):
    DirectorySource.objects.update(state=SourceState.PAUSED)
    noemie.refresh_from_db()

    assert profile.writable(noemie) == frozenset()
    with pytest.raises(ProfileRefused, match="not_writable"):
        correct(noemie, mobile="06 39 98 77 66")


def test_what_the_write_account_may_not_write_is_told_for_its_item(own, noemie):
    DirectorySource.objects.update(writable=["given_name"])

    with pytest.raises(ProfileRefused) as refused:
        correct(noemie, given_name="Noémi")

    assert (refused.value.reason, refused.value.items) == ("not_writable", ("given_name",))


def test_a_value_that_the_directory_does_not_take_is_told_for_its_item(own, noemie):
    with pytest.raises(ProfileRefused) as refused:
        correct(noemie, phone="été", town="Sète")

    assert (refused.value.reason, refused.value.items) == ("value_unfit", ("phone",))
    assert refusals() == [("value_unfit", ["phone"])]


def test_with_the_directory_away_nothing_is_saved_anywhere(own, noemie):
    own.stop()

    with pytest.raises(ProfileRefused, match="DirectoryUnavailable"):
        correct(noemie, mobile="06 39 98 77 66")
    before = noemie.mobile
    noemie.refresh_from_db()

    assert noemie.mobile == before
    assert refusals() == [("DirectoryUnavailable", ["mobile"])]


def test_a_directory_that_falls_silent_in_the_middle_leaves_it_uncertain(own, noemie, monkeypatch):
    real = writing._orders

    def stopping(wanted):
        own.stop()
        return real(wanted)

    monkeypatch.setattr(writing, "_orders", stopping)

    with pytest.raises(ProfileRefused, match="change_uncertain"):
        correct(noemie, mobile="06 39 98 77 66")

    assert refusals() == [("change_uncertain", ["mobile"])]


def test_a_write_account_that_is_refused_is_nobodys_fault_here(own, noemie, settings):
    settings.LDAP = {**settings.LDAP, "write_password": "wrong"}

    with pytest.raises(ProfileRefused, match="DirectoryRefused"):
        correct(noemie, mobile="06 39 98 77 66")


def test_a_correction_sends_no_mail_and_ends_no_session(own, noemie):
    correct(noemie, mobile="06 39 98 77 66")

    assert not OutgoingMail.objects.exists()


def test_where_the_mirror_waits_the_correction_is_saved_and_shown_later(own, noemie):
    """A source that is held is written to all the same: what its holder typed is right, whatever else is wrong."""
    last = noemie.source.runs.latest("pk")
    last.status, last.report = "held", {"held": [{"what": "server_went_back", "count": 1, "limit": 0}]}
    last.save()

    saved = correct(noemie, mobile="06 39 98 77 66")

    assert not saved.is_shown
    assert mobile_there() == [b"06 39 98 77 66"]
    assert Event.objects.filter(action=Action.PROFILE_CHANGED).count() == 1


def test_each_directory_is_written_to_as_its_own_source_says(second):
    """Zoé's has no write account; nothing of hers is written to the other one with it."""
    synchronise(now=MONDAY, source=second.source)
    zoe = Member.objects.get(login=ZOE)

    with pytest.raises(ProfileRefused, match="not_writable"):
        correct(zoe, mobile="06 39 98 77 66")

    assert zoe.source == second.source
    assert profile.writable(zoe) == frozenset()


def test_a_second_directory_with_a_write_account_of_its_own_is_corrected(second):
    second.source.write_dn = second.server.admin_dn
    second.source.write_secret = seal(second.server.admin_password.encode(), purpose=sources.SECRET_PURPOSE)
    second.source.writable = ["mobile"]
    second.source.save()
    synchronise(now=MONDAY, source=second.source)
    zoe = Member.objects.get(login=ZOE)

    saved = correct(zoe, mobile="06 39 98 77 66")

    assert saved.is_shown
    assert "mobile: 06 39 98 77 66" in second.server.search("-b", zoe.dn, "-s", "base", "(objectClass=*)", "mobile")
