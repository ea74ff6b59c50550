"""Photos of a real directory: read apart, of whoever's entry changed, a few at a time."""

# python-ldap fills its module with names at run time: a type checker sees none of them.
# mypy: disable-error-code="attr-defined"

import base64
from datetime import timedelta
from io import BytesIO

import ldap
import pytest
from PIL import Image

from audit.models import Event
from audit.types import Action, Actor
from demo.slapd import EmbeddedDirectory
from directory import pictures
from directory.ldap import sources
from directory.ldap.reading import Reading, reading
from directory.models import DirectorySource, Member, MemberPhoto, SyncIssue
from directory.services import erase_leavers, erasure, photos, profile, synchronise
from directory.services.profile import ProfileRefused
from directory.services.turns import Follower
from directory.types import DirectoryRefused, DirectoryUnavailable
from tests.directory.test_one_entry import LATER, MONDAY, NOEMIE, change
from tests.directory.test_pictures import bomb, picture, with_place
from tests.support.slapd import five_weeks_later

pytestmark = pytest.mark.django_db


@pytest.fixture
def own(own_directory: EmbeddedDirectory) -> EmbeddedDirectory:
    synchronise(now=MONDAY)
    return own_directory


@pytest.fixture
def source(own) -> DirectorySource:
    return sources.settings_source()


@pytest.fixture
def noemie(own) -> Member:
    return Member.objects.get(login_key="noemie.ferrand")


def put(server: EmbeddedDirectory, *raws: bytes) -> None:
    lines = "".join(f"jpegPhoto:: {base64.b64encode(raw).decode()}\n" for raw in raws)
    server.modify(f"dn: {NOEMIE}\nchangetype: modify\nreplace: jpegPhoto\n{lines}")


def there() -> list[bytes]:
    with reading(sources.load()) as read:
        entry = read.people_by("login", "noemie.ferrand")[0]
        return list(read.attributes_of(entry.dn, ["jpegPhoto"]).get("jpegphoto", ()))


def of(member: Member) -> bytes:
    return bytes(MemberPhoto.objects.get(member=member).content)


# What the directory has -----------------------------------------------------------------------------------------------


def test_entries_that_are_not_shown_stand_in_nobodys_way_and_keep_what_they_have(own, source, monkeypatch):
    monkeypatch.setattr(photos, "LISTED", 3)
    first = list(Member.objects.filter(source=source).exclude(state="left").order_by("pk")[:3])
    kept = MemberPhoto.objects.create(member=first[0], content=b"a photo", digest="0", looked_at=MONDAY)
    MemberPhoto.objects.filter(pk=kept.pk).update(looked_at=MONDAY - timedelta(days=400))
    shown = Reading.photos

    def without_the_first(self, identities):
        gone = {each.entry_uuid.hex for each in first}
        return (entry for entry in shown(self, identities) if self.identity_of(entry) not in gone)

    monkeypatch.setattr(Reading, "photos", without_the_first)

    looked_at = [photos.follow(source=source, now=MONDAY + number * timedelta(seconds=1)) for number in range(4)]

    assert sum(looked_at) >= 6
    assert bytes(MemberPhoto.objects.get(pk=kept.pk).content) == b"a photo"


def withheld(monkeypatch: pytest.MonkeyPatch, whose: Member, error: Exception) -> list[int]:
    """An answer with this photo in it does not come to its end; of each question, how many entries it was about."""
    asked, shown = [], Reading.photos

    def photos_of(self, identities):
        asked.append(len(identities))
        if whose.entry_uuid.hex in identities:
            raise error
        return shown(self, identities)

    monkeypatch.setattr(Reading, "photos", photos_of)
    return asked


# As python-ldap raises it: no memory, and no end.
@pytest.mark.parametrize("error", [MemoryError(), ldap.TIMEOUT({"result": -5}), ldap.SERVER_DOWN({"result": -1})])
def test_a_photo_that_cannot_be_taken_costs_nobody_else_theirs(own, source, noemie, monkeypatch, error):
    put(own, picture())
    synchronise(now=MONDAY)
    photos.follow(source=source, now=MONDAY)
    before = of(noemie)
    everybody = Member.objects.filter(state__in=["active", "locked"])
    everybody.update(csn="another")
    asked = withheld(monkeypatch, noemie, error)

    looked_at = [photos.follow(source=source, now=LATER) for _ in range(9)]

    assert sum(looked_at) == everybody.count()
    assert not everybody.exclude(photo__looked_at=LATER).exists()
    assert asked.count(photos.AT_ONCE) >= 2
    # Once among others and once alone, then not again until the entry changes.
    assert asked.count(1) == photos.AT_ONCE
    assert of(noemie) == before
    issue = SyncIssue.objects.get(entry_uuid=noemie.entry_uuid, code="photo_refused", resolved_at=None)
    assert issue.detail == "too_heavy"
    assert not Event.objects.about(noemie).filter(action=Action.MEMBER_CHANGED).exists()


def test_a_photo_that_could_not_be_taken_is_asked_for_when_its_entry_changes_or_a_day_later(
    own, source, noemie, monkeypatch
):
    photos.follow(source=source, now=MONDAY)
    put(own, picture(size=(300, 300)))
    synchronise(now=LATER)
    before = of(noemie)
    with monkeypatch.context() as once:
        asked = withheld(once, noemie, MemoryError())
        assert photos.follow(source=source, now=LATER) == 1
        assert photos.follow(source=source, now=LATER) == 0
        assert asked == [1, 1]
        later = LATER + photos.AGAIN_EVERY + timedelta(seconds=1)
        assert photos.follow(source=source, now=later) == 1
        assert asked == [1] * 4
    assert of(noemie) == before

    change(own, NOEMIE, "mobile", "06 39 98 77 66")
    synchronise(now=later)

    assert photos.follow(source=source, now=later) == 1
    assert of(noemie) != before
    assert not SyncIssue.objects.filter(code="photo_refused", entry_uuid=noemie.entry_uuid, resolved_at=None).exists()


def test_where_finding_the_one_takes_all_the_time_there_is_the_rest_of_its_ten_come_after_everybody_else(
    own, source, monkeypatch
):
    everybody = Member.objects.filter(state__in=["active", "locked"])
    first = everybody.order_by("pk").first()
    asked = withheld(monkeypatch, first, ldap.TIMEOUT({"result": -5}))
    times = iter([0.0, 0.0, 99.0])
    with monkeypatch.context() as slow:
        slow.setattr(photos, "monotonic", lambda: next(times, 99.0))

        assert photos.follow(source=source, now=MONDAY, seconds=60.0) == 1

    assert asked == [photos.AT_ONCE, 1]
    looked_at = [photos.follow(source=source, now=LATER) for _ in range(9)]
    assert sum(looked_at) == everybody.count() - 1
    assert asked.count(1) <= 2


def test_a_server_that_goes_away_among_photos_gives_up_nobody(own, source, noemie, monkeypatch):
    def goes(self, identities):
        own.stop()
        raise ldap.SERVER_DOWN({"result": -1})

    monkeypatch.setattr(Reading, "photos", goes)

    with pytest.raises(DirectoryUnavailable):
        photos.follow(source=source, now=MONDAY)

    assert not MemberPhoto.objects.exists()
    assert not SyncIssue.objects.filter(code="photo_refused").exists()


def test_a_reader_who_may_not_see_photos_gives_up_nobody(own, source, monkeypatch):
    def refuses(self, identities):
        raise ldap.INSUFFICIENT_ACCESS({"result": 50})

    monkeypatch.setattr(Reading, "photos", refuses)

    with pytest.raises(DirectoryRefused):
        photos.follow(source=source, now=MONDAY)

    assert not MemberPhoto.objects.exists()


def test_a_pass_reads_no_photo(own):
    asked = [line for line in own.log_file.read_text().splitlines() if "SRCH attr=" in line]

    assert asked
    assert not any("jpegPhoto" in line for line in asked)
    assert not MemberPhoto.objects.exists()


def test_everybodys_photo_is_looked_at_once(own, source):
    looked_at = photos.follow(source=source, now=MONDAY)

    assert looked_at == Member.objects.filter(state__in=["active", "locked"]).count()
    assert MemberPhoto.objects.exclude(content=b"").count() > 50
    assert photos.follow(source=source, now=LATER) == 0
    # What comes with somebody's arrival has the line of that.
    assert not Event.objects.filter(action=Action.MEMBER_CHANGED).exists()


def test_a_new_photo_is_shown_small_and_told_in_the_journal(own, source, noemie):
    photos.follow(source=source, now=MONDAY)
    put(own, picture(size=(800, 600)))
    synchronise(now=LATER)

    assert photos.follow(source=source, now=LATER) == 1

    assert Image.open(BytesIO(of(noemie))).size == (256, 256)
    (line,) = Event.objects.about(noemie).filter(action=Action.MEMBER_CHANGED)
    assert line.facts == {"items": ["photo"]}


def test_where_it_was_taken_stays_behind(own, source, noemie):
    put(own, with_place())
    synchronise(now=LATER)
    photos.follow(source=source, now=LATER)

    assert not Image.open(BytesIO(of(noemie))).getexif()
    assert b"Telephone" not in of(noemie)


def test_an_entry_that_changed_otherwise_has_the_same_photo_without_making_it_again(own, source, noemie, monkeypatch):
    put(own, picture())
    synchronise(now=LATER)
    photos.follow(source=source, now=LATER)
    before = of(noemie)
    change(own, NOEMIE, "mobile", "06 39 98 77 66")
    synchronise(now=LATER)
    monkeypatch.setattr(pictures, "read", None)

    assert photos.follow(source=source, now=LATER) == 1
    assert of(noemie) == before
    assert photos.follow(source=source, now=LATER) == 0


def test_a_photo_that_is_gone_from_the_directory_is_gone_here(own, source, noemie):
    put(own, picture())
    synchronise(now=MONDAY)
    photos.follow(source=source, now=MONDAY)
    own.modify(f"dn: {NOEMIE}\nchangetype: modify\ndelete: jpegPhoto\n")
    synchronise(now=LATER)
    photos.follow(source=source, now=LATER)

    assert of(noemie) == b""


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(range(200)), "unreadable"),
        (bomb(6000, 6000), "too_large"),
        (b"\xff\xd8" + bytes(pictures.MAX_BYTES), "too_heavy"),
    ],
    ids=["spoilt", "bomb", "heavy"],
)
def test_a_bad_photo_is_an_issue_and_costs_nobody_anything(own, source, noemie, raw, reason):
    put(own, picture())
    synchronise(now=MONDAY)
    photos.follow(source=source, now=MONDAY)
    others = MemberPhoto.objects.exclude(member=noemie).exclude(content=b"").count()
    put(own, raw)
    change(own, NOEMIE, "mobile", "06 39 98 77 66")
    synchronise(now=LATER)
    photos.follow(source=source, now=LATER)
    noemie.refresh_from_db()

    issue = SyncIssue.objects.get(entry_uuid=noemie.entry_uuid, code="photo_refused")
    assert (issue.detail, issue.resolved_at, issue.source) == (reason, None, source)
    assert of(noemie) == b""
    assert (noemie.mobile, noemie.is_active) == ("+33639987766", True)
    assert MemberPhoto.objects.exclude(member=noemie).exclude(content=b"").count() == others


def test_a_pass_does_not_settle_what_it_has_not_looked_at_and_a_good_photo_does(own, source, noemie):
    put(own, b"no photo")
    synchronise(now=MONDAY)
    photos.follow(source=source, now=MONDAY)
    change(own, NOEMIE, "mobile", "06 39 98 77 66")
    synchronise(now=LATER)
    still_open = SyncIssue.objects.filter(code="photo_refused", entry_uuid=noemie.entry_uuid, resolved_at=None)
    assert still_open.exists()

    put(own, picture())
    synchronise(now=LATER)
    photos.follow(source=source, now=LATER)

    assert not still_open.exists()


def test_the_quirks_of_the_data_come_to_what_is_expected(own, source):
    photos.follow(source=source, now=MONDAY)

    (refused,) = SyncIssue.objects.filter(code="photo_refused")
    assert refused.dn.startswith("uid=photo.fausse,")
    assert refused.detail == "unreadable"
    assert of(Member.objects.get(login="photo.fausse")) == b""
    # Forty kilobytes of noise, taken, and made smaller.
    shown = Image.open(BytesIO(of(Member.objects.get(login="photo.lourde"))))
    assert shown.format == "WEBP"
    assert shown.size == (pictures.SHOWN, pictures.SHOWN)


def test_a_photo_that_is_taken_away_in_the_directory_goes_here(own, source):
    edgar = Member.objects.get(login="efface.tout")
    photos.follow(source=source, now=MONDAY)
    before = of(edgar)
    five_weeks_later(own)

    synchronise(now=LATER)
    photos.follow(source=source, now=LATER)

    assert before
    assert of(edgar) == b""


def test_few_are_in_memory_at_once(own, source, monkeypatch):
    asked = []
    real = Reading.photos

    def counting(self, wanted):
        asked.append(len(wanted))
        return real(self, wanted)

    monkeypatch.setattr(Reading, "photos", counting)

    photos.follow(source=source, now=MONDAY)

    assert max(asked) == photos.AT_ONCE


def test_what_does_not_fit_in_the_time_waits_for_the_next_call(own, source, monkeypatch):
    times = iter([0.0, 1.0, 2.0, 99.0])
    monkeypatch.setattr(photos, "monotonic", lambda: next(times, 0.0))

    first = photos.follow(source=source, now=MONDAY, seconds=60.0)
    second = photos.follow(source=source, now=MONDAY)

    assert first == 2 * photos.AT_ONCE
    assert first + second == Member.objects.filter(state__in=["active", "locked"]).count()


def test_a_server_that_is_away_costs_nobody_their_photo(own, source, noemie):
    put(own, picture())
    synchronise(now=MONDAY)
    photos.follow(source=source, now=MONDAY)
    before = of(noemie)
    Member.objects.update(csn="another")
    own.stop()

    assert photos.follow_quietly(source=source, now=LATER) == 0
    assert of(noemie) == before


def test_a_source_without_a_photo_in_its_mapping_is_not_asked(own, source):
    source.mapping = {"person": {"photo": ""}}
    source.save()

    assert photos.follow(source=source, now=MONDAY) == 0


def test_the_worker_follows_photos_with_its_passes(own_directory):
    follower = Follower(photo_seconds=60.0)

    follower.turn(now=MONDAY)
    follower.close()

    assert MemberPhoto.objects.exclude(content=b"").count() > 50


def test_whoever_changes_does_not_wait_for_the_photos_of_others(own_directory, monkeypatch):
    follower, look, batches = Follower(photo_seconds=60.0), photos._look_at, []

    def looked_at(*given, **named):
        if not batches:
            change(own_directory, NOEMIE, "title", "Relieuse d’art")
        batches.append(1)
        return look(*given, **named)

    monkeypatch.setattr(photos, "_look_at", looked_at)

    follower.turn(now=MONDAY)
    assert len(batches) == 1
    follower.turn(now=MONDAY)
    follower.close()

    assert Member.objects.get(login_key="noemie.ferrand").trade == "Relieuse d’art"
    assert len(batches) > 1


def leave(server: EmbeddedDirectory) -> None:
    """Put away among the former members."""
    server.modify(
        f"dn: {NOEMIE}\nchangetype: modrdn\nnewrdn: uid=noemie.ferrand\ndeleteoldrdn: 0\n"
        "newsuperior: ou=anciens,ou=personnes,dc=alizarine,dc=example\n"
    )


def test_erasing_somebody_erases_their_photo(own, source, noemie, settings):
    put(own, picture())
    synchronise(now=MONDAY)
    photos.follow(source=source, now=MONDAY)
    leave(own)
    synchronise(now=MONDAY)
    assert MemberPhoto.objects.filter(member=noemie).exists()

    later = MONDAY + settings.LEAVER_RETENTION * 2
    # Nobody is erased while their return could not be seen.
    synchronise(now=later)
    held = erasure.waiting(now=later)
    erase_leavers(now=later, approved=held.digest if held else "")

    assert not MemberPhoto.objects.filter(member=noemie).exists()


def test_whoever_left_is_not_looked_at_again(own, source, noemie):
    photos.follow(source=source, now=MONDAY)
    put(own, picture())
    leave(own)
    synchronise(now=LATER)

    photos.follow(source=source, now=LATER)

    assert not MemberPhoto.objects.filter(member=noemie, looked_at=LATER).exists()


# What members send ----------------------------------------------------------------------------------------------------


def send(member: Member, raw: bytes) -> None:
    profile.change_photo(member_id=member.pk, raw=raw, actor=Actor(member=member.pk), now=LATER)


def test_a_photo_that_is_sent_goes_to_the_directory_made_anew_and_is_shown_at_once(own, source, noemie):
    send(noemie, with_place())

    (kept,) = there()
    assert Image.open(BytesIO(kept)).format == "JPEG"
    assert not Image.open(BytesIO(kept)).getexif()
    assert Image.open(BytesIO(of(noemie))).format == "WEBP"
    (line,) = Event.objects.filter(action=Action.PROFILE_CHANGED)
    assert (line.subject, line.facts) == (noemie, {"items": ["photo"]})


def test_what_was_sent_is_not_read_back_and_told_again(own, source, noemie):
    send(noemie, picture())

    synchronise(now=LATER)
    photos.follow(source=source, now=LATER)

    assert not Event.objects.about(noemie).filter(action=Action.MEMBER_CHANGED).exists()
    assert MemberPhoto.objects.get(member=noemie).digest == pictures.digest_of(there()[0])


def test_a_photo_that_was_sent_is_not_fetched_to_be_looked_at(own, source, noemie):
    photos.follow(source=source, now=MONDAY)

    send(noemie, picture())
    synchronise(now=LATER)

    assert photos.follow(source=source, now=LATER) == 0


def test_a_photo_is_taken_away_in_both_places(own, noemie):
    send(noemie, picture())

    send(noemie, b"")

    assert there() == []
    assert of(noemie) == b""


def test_another_photo_of_the_entry_stays_behind_the_new_one(own, noemie):
    put(own, b"\xff\xd8first", b"\xff\xd8second")
    first, second = there()

    send(noemie, picture())

    assert there()[1:] == [second]
    assert first not in there()


@pytest.mark.parametrize(
    ("raw", "reason"), [(b"no photo", "unreadable"), (bomb(6000, 6000), "too_large")], ids=["spoilt", "bomb"]
)
def test_what_is_no_photo_is_refused_before_the_directory_is_asked(own, noemie, raw, reason):
    own.stop()

    with pytest.raises(ProfileRefused, match=reason):
        send(noemie, raw)

    (line,) = Event.objects.filter(action=Action.PROFILE_REFUSED)
    assert (line.reason, line.facts) == (reason, {"items": ["photo"]})
    assert not MemberPhoto.objects.filter(member=noemie).exists()


def test_with_the_directory_away_the_photo_of_before_stays(own, noemie):
    send(noemie, picture())
    before = of(noemie)
    own.stop()

    with pytest.raises(ProfileRefused, match="DirectoryUnavailable"):
        send(noemie, picture(size=(90, 90)))

    assert of(noemie) == before


def test_a_photo_that_is_not_writable_is_refused(own, noemie):
    DirectorySource.objects.update(writable=["mobile"])

    with pytest.raises(ProfileRefused, match="not_writable"):
        send(noemie, picture())
