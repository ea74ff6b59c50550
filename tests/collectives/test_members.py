"""Members of a collective put in and taken out by whoever leads it, in a real directory."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.account.internal.flows.login import _AUTHENTICATION_METHODS_USER_SESSION_KEY
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.models import Event
from audit.types import Action, Actor
from collectives.kept import categories
from collectives.members import policy, selectors, services
from collectives.members.services import TOLD_A_DAY, MembershipRefused
from collectives.models import MembershipChange
from directory.ldap import writing
from directory.ldap.reading import reading
from directory.ldap.rules import MEMBERSHIPS, WRITABLE
from directory.ldap.sources import of, settings_source
from directory.models import Collective, DirectorySource, Member, Membership, RoleGrant
from directory.services import synchronise
from directory.services.memberships import is_run_here
from directory.types import Hold, Kind, Role, SourceState
from idp.access import enterable
from idp.models import Admission, OutgoingMail
from idp.services.accounts.mails import send_due
from idp.types import AdmissionState
from launcher.people import services as people
from tests.support.cast import browser_of, make_tool

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture
def own(own_directory):
    synchronise(now=NOW)
    DirectorySource.objects.update(writable=[*WRITABLE, MEMBERSHIPS])
    return own_directory


@pytest.fixture
def choir(own) -> Collective:
    """A self-run one that somebody leads."""
    found = Collective.objects.filter(kind=Kind.SELF_RUN, leads__state="active", leads__hold="").order_by("order_key")
    return found.distinct()[0]


@pytest.fixture
def lead(choir) -> Member:
    return choir.leads.get()


@pytest.fixture
def outsider(choir, lead) -> Member:
    people = Member.objects.active().filter(source=choir.source).exclude(memberships__collective=choir)
    return people.exclude(pk=lead.pk).order_by("login")[0]


@pytest.fixture
def insider(choir, lead) -> Member:
    inside = Member.objects.active().filter(memberships__collective=choir, memberships__direct=True)
    return inside.exclude(pk=lead.pk).order_by("login")[0]


def change(collective: Collective, member: Member, by: Member, *, joins: bool, **given) -> bool:
    return services.change(
        collective_id=collective.pk, member_id=member.pk, joins=joins, actor=Actor(by.pk), now=NOW, **given
    )


def names_there(collective: Collective) -> set[str]:
    """Whom the directory itself names in it."""
    with reading(of(settings_source())) as read:
        (entry,) = read.groups([UUID(str(collective.entry_uuid)).hex])
    return {value.decode().lower() for value in entry.attributes["member"]}


def is_in(collective: Collective, member: Member) -> bool:
    return Membership.objects.filter(collective=collective, member=member, direct=True).exists()


def refusals() -> list[tuple[str, str]]:
    lines = Event.objects.filter(action__in=[Action.MEMBERSHIP_GIVEN, Action.MEMBERSHIP_TAKEN], refused=True)
    return [(line.action, line.reason) for line in lines]


# The change ----------------------------------------------------------------------------------------------------


def test_a_lead_puts_somebody_in_the_directory_first_and_the_mirror_says_it_at_once(choir, lead, outsider):
    assert change(choir, outsider, lead, joins=True)

    assert outsider.dn.lower() in names_there(choir)
    assert is_in(choir, outsider)
    line = Event.objects.get(action=Action.MEMBERSHIP_GIVEN)
    assert (line.subject, line.actor, line.told["collective"]) == (outsider, lead, str(choir.pk))


def test_a_lead_takes_somebody_out_and_everybody_else_stays(choir, lead, insider):
    before = names_there(choir)

    assert change(choir, insider, lead, joins=False)

    assert before - names_there(choir) == {insider.dn.lower()}
    assert not is_in(choir, insider)
    assert Event.objects.get(action=Action.MEMBERSHIP_TAKEN).subject == insider


def test_the_next_pass_has_nothing_to_do(choir, lead, insider, outsider):
    change(choir, outsider, lead, joins=True)
    change(choir, insider, lead, joins=False)

    assert synchronise(now=NOW + timedelta(minutes=1)).counts["written"] == 0


def test_what_is_so_already_writes_nothing(choir, lead, insider):
    assert change(choir, insider, lead, joins=True)

    assert not MembershipChange.objects.exists()
    assert not Event.objects.filter(action=Action.MEMBERSHIP_GIVEN).exists()


def test_a_group_that_holds_this_one_gains_and_loses_with_it(choir, lead, outsider, own):
    outer = Collective.objects.filter(kind=Kind.BOARD).exclude(memberships__member=outsider).order_by("order_key")[0]
    own.modify(f"dn: {outer.dn}\nchangetype: modify\nadd: member\nmember: {choir.dn}\n")
    synchronise(now=NOW)

    change(choir, outsider, lead, joins=True)
    assert Membership.objects.get(collective=outer, member=outsider).direct is False
    change(choir, outsider, lead, joins=False)

    assert not Membership.objects.filter(collective=outer, member=outsider).exists()


@pytest.mark.parametrize(("joins", "said"), [(True, "vous a ajouté·e au"), (False, "vous a retiré·e du")])
def test_whoever_is_put_in_or_taken_out_is_told_by_whom_and_whom_to_ask(
    choir, lead, outsider, insider, settings, joins, said
):
    person = outsider if joins else insider

    change(choir, person, lead, joins=joins)

    assert send_due(now=NOW) == 1
    (sent,) = mail.outbox
    assert sent.to == [person.email]
    assert choir.name in sent.subject
    assert f"{lead.display_name} {said} collectif « {choir.name} »" in sent.body
    assert reverse("collectives:one", args=[choir.slug]) in sent.body
    assert settings.OFFICE_CONTACT in sent.body


def test_nobody_is_told_of_what_they_did_themselves_or_of_what_was_so_already(choir, lead, insider):
    change(choir, insider, lead, joins=True)
    change(choir, lead, lead, joins=False)

    assert not OutgoingMail.objects.exists()


def test_in_and_out_again_and_again_fills_no_mailbox(choir, lead, outsider):
    for number in range(10):
        change(choir, outsider, lead, joins=number % 2 == 0)

    assert OutgoingMail.objects.count() == TOLD_A_DAY
    assert MembershipChange.objects.filter(member=outsider).count() == 10


# What is refused -----------------------------------------------------------------------------------------------


def refused(*given, **named) -> str:
    with pytest.raises(MembershipRefused) as error:
        change(*given, **named)
    return error.value.reason


def test_nothing_is_written_where_the_source_does_not_let_it(choir, lead, outsider):
    DirectorySource.objects.update(writable=list(WRITABLE))

    assert refused(choir, outsider, lead, joins=True) == "not_run_here"
    assert outsider.dn.lower() not in names_there(choir)
    assert refusals() == [(Action.MEMBERSHIP_GIVEN, "not_run_here")]


def test_it_is_off_until_somebody_lets_it(own_directory):
    assert MEMBERSHIPS not in settings_source().writable


def test_a_paused_directory_is_not_written_to(choir, lead, outsider):
    DirectorySource.objects.update(state=SourceState.PAUSED)

    assert refused(choir, outsider, lead, joins=True) == "not_run_here"


@pytest.mark.gdpr("G13")
def test_of_a_sensitive_one_nothing_is_changed_here(choir, lead, outsider):
    Collective.objects.filter(pk=choir.pk).update(sensitive=True)

    assert refused(choir, outsider, lead, joins=True) == "not_run_here"


def test_whoever_does_not_lead_it_changes_nobody(choir, insider, outsider):
    RoleGrant.objects.create(member=insider, role=Role.OFFICE)

    assert refused(choir, outsider, insider, joins=True) == "not_led"
    assert refused(choir, insider, insider, joins=False) == "not_led"


def test_nobody_opens_tools_to_themselves(choir, lead):
    if is_in(choir, lead):
        change(choir, lead, lead, joins=False)

    assert refused(choir, lead, lead, joins=True) == "own_membership"


def test_somebody_whose_account_is_not_active_is_taken_out_and_not_put_in(choir, lead, insider, outsider):
    Member.objects.filter(pk__in=[insider.pk, outsider.pk]).update(hold=Hold.SUSPENDED)

    assert refused(choir, outsider, lead, joins=True) == "not_active"
    assert change(choir, insider, lead, joins=False)


def test_somebody_without_an_entry_is_in_no_directory(choir, lead, outsider):
    local = Member.objects.create(login="secours", login_key="secours", display_name="Compte de secours")

    assert refused(choir, local, lead, joins=True) == "not_of_this_directory"


def test_whoever_is_there_through_another_one_is_not_taken_out_here(choir, lead, outsider):
    Membership.objects.create(collective=choir, member=outsider, direct=False)

    assert refused(choir, outsider, lead, joins=False) == "through_another"


def test_the_last_one_stays(choir, lead, own):
    inside = list(Member.objects.filter(memberships__collective=choir, memberships__direct=True).order_by("login"))
    for each in inside[1:]:
        change(choir, each, lead, joins=False)

    assert refused(choir, inside[0], lead, joins=False) == "last_member"
    assert names_there(choir) == {inside[0].dn.lower()}
    assert is_in(choir, inside[0])
    assert refusals() == [(Action.MEMBERSHIP_TAKEN, "last_member")]


def test_a_group_that_is_gone_is_a_conflict(choir, lead, outsider, own):
    own.modify(f"dn: {choir.dn}\nchangetype: delete\n")

    assert refused(choir, outsider, lead, joins=True) == "changed_meanwhile"


def test_a_directory_that_is_down_is_said_and_nothing_is_changed(choir, lead, outsider, own):
    own.stop()

    assert refused(choir, outsider, lead, joins=True) == "DirectoryUnavailable"
    assert not is_in(choir, outsider)
    assert refusals() == [(Action.MEMBERSHIP_GIVEN, "DirectoryUnavailable")]


def test_what_others_changed_meanwhile_is_kept_and_taken_away_by_no_one_but_a_pass(choir, lead, insider, outsider, own):
    """Somebody else took a member out in the directory: the pass, which has ceilings, tells it."""
    own.modify(f"dn: {choir.dn}\nchangetype: modify\ndelete: member\nmember: {insider.dn}\n")

    assert change(choir, outsider, lead, joins=True) is False

    assert outsider.dn.lower() in names_there(choir)
    assert DirectorySource.objects.get().look_again
    synchronise(now=NOW + timedelta(minutes=1))
    assert is_in(choir, outsider)
    assert not is_in(choir, insider)


@pytest.mark.parametrize("joins", [True, False])
def test_somebody_who_does_the_same_in_that_very_moment_is_no_conflict(
    choir, lead, insider, outsider, own, joins, monkeypatch
):
    who = outsider if joins else insider
    real, left = writing._modify, [f"{'add' if joins else 'delete'}: member\nmember: {who.dn}\n"]

    def modify(*given):
        while left:
            own.modify(f"dn: {choir.dn}\nchangetype: modify\n{left.pop()}")
        return real(*given)

    monkeypatch.setattr(writing, "_modify", modify)
    change(choir, who, lead, joins=joins)

    assert (who.dn.lower() in names_there(choir)) is joins
    synchronise(now=NOW + timedelta(minutes=1))
    assert is_in(choir, who) is joins


def test_somebody_else_who_comes_in_that_very_moment_stays(choir, lead, insider, outsider, own, monkeypatch):
    real, left = writing._modify, [f"add: member\nmember: {outsider.dn}\n"]

    def modify(*given):
        while left:
            own.modify(f"dn: {choir.dn}\nchangetype: modify\n{left.pop()}")
        return real(*given)

    monkeypatch.setattr(writing, "_modify", modify)
    change(choir, insider, lead, joins=False)

    there = names_there(choir)
    assert outsider.dn.lower() in there
    assert insider.dn.lower() not in there
    assert is_in(choir, outsider)


# The effect ----------------------------------------------------------------------------------------------------


def test_what_is_shown_before_is_what_happens(choir, lead, insider, outsider):
    compta = make_tool("compta", "Compta", everyone=False)
    agenda = make_tool("agenda", "Agenda")
    for each in (compta, agenda):
        each.collectives.add(choir)
    # One who keeps it by another one loses nothing.
    other = Collective.objects.exclude(pk=choir.pk).filter(memberships__member=insider, kind=Kind.TERRITORY).first()

    gains = selectors.effect(choir, outsider, joins=True)
    assert (gains.opened, gains.closed) == ([compta], [])
    change(choir, outsider, lead, joins=True)
    assert set(enterable(outsider)) == {compta, agenda}

    loses = selectors.effect(choir, insider, joins=False)
    assert (loses.opened, loses.closed) == ([], [compta])
    if other is not None:
        compta.collectives.add(other)
        assert selectors.effect(choir, insider, joins=False).closed == []
        compta.collectives.remove(other)
    change(choir, insider, lead, joins=False)
    assert set(enterable(insider)) == {agenda}


def test_the_effect_tells_nothing_of_a_sensitive_collective_nor_of_what_was_given_to_one_person(choir, insider):
    compta = make_tool("compta", "Compta", everyone=False)
    secret = Collective.objects.create(entry_uuid=uuid4(), name="Syndicat", slug="syndicat", sensitive=True)
    compta.collectives.add(choir, secret)
    alone = selectors.effect(choir, insider, joins=False)

    Membership.objects.create(collective=secret, member=insider)
    Admission.objects.create(
        tool=compta,
        member=insider,
        reason="Mes factures",
        state=AdmissionState.GRANTED,
        asked_at=NOW,
        ends_at=NOW + timedelta(days=9),
    )

    assert alone == selectors.effect(choir, insider, joins=False) == selectors.Effect([], [compta])


def test_what_a_sensitive_collective_lists_is_not_run_here(choir, lead, outsider):
    between = Collective.objects.create(entry_uuid=uuid4(), name="Atelier", slug="atelier")
    secret = Collective.objects.create(entry_uuid=uuid4(), name="Syndicat", slug="syndicat", sensitive=True)
    between.nested.add(choir)
    assert is_run_here(choir)

    secret.nested.add(between)

    assert not is_run_here(choir)
    with pytest.raises(MembershipRefused, match="not_run_here"):
        change(choir, outsider, lead, joins=True)
    assert outsider.dn.lower() not in names_there(choir)


def test_whom_the_directory_no_longer_calls_lead_changes_nothing_there(own, choir, lead, outsider, insider):
    """The mirror is behind until the next pass."""
    own.modify(f"dn: {choir.dn}\nchangetype: modify\nreplace: owner\nowner: {insider.dn}\n")

    with pytest.raises(MembershipRefused, match="not_led"):
        change(choir, outsider, lead, joins=True)

    assert outsider.dn.lower() not in names_there(choir)
    assert refusals() == [(Action.MEMBERSHIP_GIVEN, "not_led")]


def test_whoever_may_not_enter_anything_gains_nothing(choir, outsider):
    make_tool("compta", "Compta", everyone=False).collectives.add(choir)
    outsider.hold = Hold.SUSPENDED

    assert selectors.effect(choir, outsider, joins=True).opened == []


@pytest.mark.parametrize(
    ("direct", "changed", "joins", "then"),
    [
        ((), "a", True, {"a", "b", "c"}),
        (("a",), "a", False, set()),
        (("a", "c"), "a", False, {"b", "c"}),
        (("a", "x"), "a", False, {"x", "b", "c"}),
    ],
)
def test_what_holds_a_collective_comes_and_goes_with_it(direct, changed, joins, then):
    holders = {"a": ["b"], "b": ["c"], "c": ["b"], "x": ["b"]}

    assert policy.afterwards(direct, changed, joins=joins, holders=holders) == then


# The pages -----------------------------------------------------------------------------------------------------


def proved(member: Member) -> Client:
    """A browser whose holder has just proved who they are."""
    browser = browser_of(member)
    session = browser.session
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": "password", "at": timezone.now().timestamp()}]
    session[_AUTHENTICATION_METHODS_USER_SESSION_KEY] = session["_auth_user_id"]
    session.save()
    return browser


def address(collective: Collective, member: Member) -> str:
    return reverse("collectives:member", args=[collective.slug, member.pk])


def test_the_page_shows_who_is_in_it_and_finds_who_is_not(choir, lead, insider, outsider):
    browser = browser_of(lead)
    page = reverse("collectives:members", args=[choir.slug])

    assert insider.display_name in browser.get(page).text
    found = browser.get(page, {"q": outsider.display_name}).text
    assert f'href="{address(choir, outsider)}"' in found
    assert 'id="nobody-found"' in browser.get(page, {"q": "zzzzzzz"}).text
    assert 'id="no-changes"' in found


def test_the_effect_stands_before_the_button_and_nothing_changes_by_looking(choir, lead, insider):
    make_tool("compta", "Compta Canari", everyone=False).collectives.add(choir)

    text = browser_of(lead).get(address(choir, insider)).text

    assert "Compta Canari" in text
    assert 'id="closes"' in text
    assert text.index('id="closes"') < text.index('name="joins" value="0"')
    assert is_in(choir, insider)


def test_a_change_is_made_and_undone_from_the_pages_each_with_author_and_line(choir, lead, insider):
    browser = proved(lead)

    assert browser.post(address(choir, insider), {"joins": "0"}).status_code == 303
    assert not is_in(choir, insider)
    change = MembershipChange.objects.get()
    page = browser.get(reverse("collectives:members", args=[choir.slug])).text
    assert f"{address(choir, insider)}?annule={change.pk}" in page
    assert lead.display_name in page
    shown = browser.get(address(choir, insider), {"annule": change.pk}).text
    assert f'name="undoes" value="{change.pk}"' in shown
    browser.post(address(choir, insider), {"joins": "1", "undoes": change.pk})

    assert is_in(choir, insider)
    change.refresh_from_db()
    assert change.undone_at is not None
    assert Event.objects.get(action=Action.MEMBERSHIP_GIVEN).told["change"] == "undone"


def test_it_can_be_undone_for_thirty_days(choir, lead, insider):
    change(choir, insider, lead, joins=False)
    row = MembershipChange.objects.get()

    assert selectors.undoable(choir, row.pk, NOW + timedelta(days=30, seconds=-1)) == row
    assert selectors.undoable(choir, row.pk, NOW + timedelta(days=30)) is None
    assert list(selectors.changes(choir, NOW + timedelta(days=30))) == []


def test_a_search_for_somebody_to_add_is_one_of_the_days_pages(choir, lead, outsider, monkeypatch):
    monkeypatch.setattr(people, "PAGES_A_DAY", 1)
    browser, page = browser_of(lead), reverse("collectives:members", args=[choir.slug])

    first, second = (browser.get(page, {"q": outsider.display_name}).content.decode() for _ in range(2))

    assert str(outsider.pk) in first
    assert str(outsider.pk) not in second
    assert "beaucoup de recherches" in second
    assert Event.objects.get(refused=True).reason == "too_many_pages"


def test_rows_go_after_thirty_days_whether_anybody_changes_anything_or_not(choir, lead, insider):
    MembershipChange.objects.create(collective=choir, member=insider, joins=True, by=lead, at=NOW - timedelta(days=31))
    kept = MembershipChange.objects.create(collective=choir, member=insider, joins=False, by=lead, at=NOW)
    (category,) = categories()

    rows = category.due(NOW - timedelta(days=category.days), [])
    assert category.go(list(rows.values_list("pk", flat=True)), NOW) == 1

    assert list(MembershipChange.objects.all()) == [kept]


def test_the_change_of_another_collective_undoes_nothing_here(choir, lead, insider):
    other = Collective.objects.create(entry_uuid=uuid4(), name="Vigne", slug="vigne")
    row = MembershipChange.objects.create(collective=other, member=insider, joins=False, by=lead, at=NOW)

    assert selectors.undoable(choir, row.pk, NOW) is None
    change(choir, insider, lead, joins=False)
    change(choir, insider, lead, joins=True, undoes=row.pk)

    row.refresh_from_db()
    assert row.undone_at is None


def test_what_was_shown_is_what_is_done_whoever_was_faster(choir, lead, insider):
    browser = proved(lead)

    browser.post(address(choir, insider), {"joins": "1"})

    assert is_in(choir, insider)
    assert not MembershipChange.objects.exists()


def test_it_is_asked_first_who_is_there(choir, lead, insider):
    row = MembershipChange.objects.create(collective=choir, member=insider, joins=True, by=lead, at=timezone.now())

    answer = browser_of(lead).post(address(choir, insider), {"joins": "0", "undoes": row.pk})

    assert answer.status_code == 302
    # The way back knows what was to be undone.
    assert f"%3Fannule%3D{row.pk}" in answer["Location"]
    assert is_in(choir, insider)


def test_nothing_changes_while_the_journal_is_not_signed_where_that_was_chosen(
    choir, lead, insider, settings, monkeypatch
):
    settings.JOURNAL_BEFORE_ADMINISTRATION = True
    monkeypatch.setattr("audit.proof.selectors.is_behind", lambda _now: True)

    assert proved(lead).post(address(choir, insider), {"joins": "0"}).status_code == 503
    assert is_in(choir, insider)


def test_a_refusal_is_said_in_words_and_nothing_is_lost(choir, lead, insider, own):
    browser = proved(lead)
    own.stop()

    answer = browser.post(address(choir, insider), {"joins": "0"})

    assert answer.status_code == 503
    assert 'id="refused"' in answer.text
    assert is_in(choir, insider)


def test_whoever_is_only_in_it_is_refused_with_a_line(choir, insider, outsider):
    browser = browser_of(insider)

    assert browser.get(reverse("collectives:members", args=[choir.slug])).status_code == 403
    assert browser.post(address(choir, outsider), {"joins": "1"}).status_code == 403
    assert Event.objects.filter(action=Action.ACCESS_REFUSED).count() == 2


def test_somebody_who_is_in_no_list_is_not_found_to_be_put_in(choir, lead, outsider):
    from directory.models import Profile

    Profile.objects.create(member=outsider, listed=False, updated_at=NOW)

    assert browser_of(lead).get(address(choir, outsider)).status_code == 404
