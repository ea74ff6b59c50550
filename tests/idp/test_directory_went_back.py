"""A directory that is not believed, on the pages and in mails: what an acceptance would do, and that it does that."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.types import Action
from demo.slapd import EmbeddedDirectory
from directory import following
from directory.models import DirectorySource, Member, RoleGrant, SyncRun
from directory.services import synchronise
from directory.services.turns import Follower
from directory.types import MemberState, Role, RunStatus
from idp.services.accounts import lifecycle
from idp.types import MailKind
from tests.idp.test_directory_pages import ask, decide, digest_of, followed, karim, lea, lines, page_of, text_of
from tests.support.cast import make_member
from tests.support.links import waiting
from tests.support.slapd import add_person
from tests.support.slapd_control import backup, restore

__all__ = ["followed", "karim", "lea"]
BRANCH = "ou=membres,ou=personnes,dc=alizarine,dc=example"


@pytest.fixture
def older(followed: DirectorySource, small_directory: EmbeddedDirectory) -> DirectorySource:
    """Somebody had another trade and somebody came; then a backup of before was restored, and looked at."""
    kept = backup(small_directory)
    small_directory.modify(f"dn: {changed().dn}\nchangetype: modify\nreplace: title\ntitle: Canarieuse\n")
    add_person(small_directory, "neuve.venue", "alizarine-neuve", branch=BRANCH, cn="Neuve Venue")
    synchronise(now=timezone.now() - timedelta(minutes=30))
    restore(small_directory, kept)
    synchronise(now=timezone.now())
    return followed


def changed() -> Member:
    return Member.objects.filter(dn__endswith=BRANCH, state=MemberState.ACTIVE).order_by("login")[0]


def waiting_page(browser: Client, source: DirectorySource) -> str:
    return text_of(browser.get(reverse("idp:directory_waiting", args=[source.pk])))


def list_of(page: str, code: str) -> str:
    return page[page.index(f'data-list="{code}"') :].partition("</section>")[0]


def test_the_office_reads_what_an_older_content_would_change_and_accepts_exactly_that(karim, older):
    person, new = changed(), Member.objects.get(login="neuve.venue")
    page = waiting_page(karim, older)
    assert "Changements en attente" in page
    assert "Ce qui se fera si vous acceptez\xa0: 2 changements" in page
    assert person.display_name in list_of(page, "people-edit")
    assert ">Métier<" in list_of(page, "people-edit")
    assert "Canarieuse" not in page
    assert new.display_name in list_of(page, "people-end")
    assert "J’ai lu la liste\xa0: 2 changements se feront" in page
    assert "Accepter ces 2 changements" in page
    assert "retraits se feront" not in page
    assert "remettez-la aussi dans ses groupes" not in page

    decide(karim, older, read="1", digest=digest_of(older))
    Follower().turn(now=timezone.now())

    person.refresh_from_db()
    new.refresh_from_db()
    assert (person.trade == "Canarieuse", new.state) == (False, MemberState.MISSING)
    assert lines(Action.SYNC_APPROVED) == [(False, "")]
    assert 'id="nothing-waits"' in waiting_page(karim, older)
    run = SyncRun.objects.latest("pk")
    done = page_of(karim, run)
    assert person.display_name in list_of(done, "people-edit")
    assert new.display_name in list_of(done, "people-end")
    assert 'id="would"' not in done
    held = SyncRun.objects.filter(status=RunStatus.HELD).latest("pk")
    assert "Accepté par Karim X." in page_of(karim, held)


def test_the_report_of_that_reading_lists_it_too_and_the_list_of_readings_counts_it(karim, older):
    run = following.waiting_of(older)

    page = page_of(karim, run)

    assert "Ce qu’un accord ferait" in page
    assert changed().display_name in list_of(page, "people-edit")
    assert 'id="nothing-changed"' not in page
    assert "2 changements en attente" in text_of(karim.get(reverse("idp:directory_runs")))
    alone = page_of(karim, run, attente="people-end")
    assert Member.objects.get(login="neuve.venue").display_name in list_of(alone, "people-end")
    assert 'data-list="people-edit"' not in alone
    address = reverse("idp:directory_run", args=[run.pk])
    assert [karim.get(address, {name: "people-end"}).status_code for name in ("attente", "liste")] == [200, 404]


def test_a_difference_that_came_meanwhile_is_read_first_and_nothing_was_done(karim, older, small_directory):
    decide(karim, older, read="1", digest=digest_of(older))
    other = Member.objects.filter(dn__endswith=BRANCH, state=MemberState.ACTIVE).order_by("-login")[1]
    small_directory.modify(f"dn: {other.dn}\nchangetype: modify\nreplace: title\ntitle: Luthière\n")

    Follower().turn(now=timezone.now())

    page = waiting_page(karim, older)
    assert "Accepter ces 3 changements" in page
    assert other.display_name in list_of(page, "people-edit")
    assert lines(Action.SYNC_APPROVAL_REFUSED) == [(True, "others_wait")]
    assert changed().trade == "Canarieuse"
    assert Member.objects.get(login="neuve.venue").state == MemberState.ACTIVE


def test_a_reading_for_show_lists_what_would_be_asked(lea, older):
    ask(lea, older, "a-blanc")

    Follower().turn(now=timezone.now())

    page = page_of(lea, SyncRun.objects.filter(dry=True).get())
    assert "Serait retenu pour une décision" in page
    assert changed().display_name in list_of(page, "people-edit")


def would(source: DirectorySource, people: int) -> SyncRun:
    """A pass that holds the end of so many people back."""
    counts = dict.fromkeys(following.reports.COUNTS.values(), 0) | {"people_ended": people}
    lines = [
        {"verb": "end", "entry": str(uuid4()), "dn": f"uid=personne-{number:03},dc=x", "items": [], "state": "missing"}
        for number in range(people)
    ]
    parts = {"people": lines, "groups": [], "memberships": {}, "leads": {}}
    return SyncRun.objects.create(
        source=source,
        started_at=timezone.now(),
        status=RunStatus.HELD,
        counts={"held": people, "waits_wholly": 1},
        report={
            "held": [{"what": "server_went_back", "count": people, "limit": 0, "before": 0}],
            "approval": "a" * 16,
            "would": {"counts": counts, **parts},
        },
    )


def test_of_many_the_first_are_named_and_a_page_names_the_others(karim, db):
    source = DirectorySource.objects.create(name="Grande", state="active")
    run = would(source, 60)

    page = waiting_page(karim, source)

    listed = list_of(page, "people-end")
    assert listed.count('class="change"') == 25
    assert "Voir les 35 autres" in listed
    link = f"{reverse('idp:directory_run', args=[run.pk])}?attente=people-end"
    assert link in listed
    pages = [text_of(karim.get(f"{link}&page={number}")) for number in (1, 2, 3)]
    assert [each.count('class="change"') for each in pages] == [25, 25, 10]
    assert "attente=people-end&amp;page=2" in pages[0]


def test_a_content_that_differs_in_nothing_is_said_to(karim, db):
    source = DirectorySource.objects.create(name="Pareille", state="active")
    would(source, 0)

    page = waiting_page(karim, source)

    assert 'id="no-difference"' in page
    assert "Accepter ce contenu" in page
    assert "J’ai lu\xa0: rien ne changera" in page


@pytest.mark.parametrize(
    ("people", "said"), [(7, "L’accepter ferait 7 changements."), (0, "L’accepter ne changerait rien pour personne.")]
)
def test_a_mail_says_what_an_acceptance_would_change_and_that_nothing_goes_on(db, settings, people, said):
    settings.OFFICE_CONTACT = "bureau@alizarine.example"
    RoleGrant.objects.create(member=make_member("tea.x", "Téa X", email="tea@alizarine.example"), role=Role.TECHNICIAN)
    would(DirectorySource.objects.create(name="Grappe", state="active"), people)

    lifecycle.turn(now=timezone.now())

    mails = waiting(MailKind.DIRECTORY)
    assert len(mails) == 2
    for mail in mails:
        assert mail["subject"] == "Le contenu de l’annuaire attend une décision (Grappe)"
        assert said in mail["body"]
        assert "rien de ce qu’il montre n’est cru" in mail["body"]
        assert "continue" not in mail["body"]
        assert "retrait" not in mail["body"]
