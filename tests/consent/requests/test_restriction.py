"""What is restricted is kept and does not leave, on every path by which claims do (GDPR article 18)."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.models import Event
from audit.types import Action, Actor
from consent import policy, selectors, services
from consent.findings import rules
from consent.findings.types import Restricted, Sent
from consent.ledger import services as ledger
from consent.models import Disclosure, Restriction
from consent.policy import asked_items
from consent.requests import services as requests
from consent.requests.types import Kind, RequestRefused
from consent.types import ALWAYS, Channel, Decision, Disclosed, LegalBasis, Standing, Terms
from tests.support.cast import ALL_SCOPES, MONDAY, TUESDAY, WEDNESDAY, browser_of, notice_of

pytestmark = pytest.mark.django_db
ASKED = asked_items(ALL_SCOPES)


@pytest.fixture
def officer(dpo):
    return Actor(member=dpo.pk)


@pytest.fixture
def opened(member, louty, formation):
    """Both tools get what is on their sheets."""
    for tool in (louty, formation):
        services.answer(
            member_id=member.pk,
            tool_id=tool.pk,
            notice_id=notice_of(tool),
            accepted=frozenset({"phone"}),
            actor=Actor(member=member.pk),
            language="fr",
            now=MONDAY,
        )


@pytest.fixture
def frozen(ask, opened, officer):
    """The member's data is restricted for all tools."""
    request = ask(Kind.RESTRICTION)
    requests.restrict(of=request, text="Le temps de vérifier", actor=officer, now=TUESDAY)
    return request


def leaves(member, tool):
    return selectors.release(member.pk, tool.pk, ASKED).items - ALWAYS


def lines(action):
    return list(Event.objects.filter(action=action).order_by("pk"))


@pytest.mark.gdpr("G21")
def test_nothing_leaves_for_any_tool_and_it_is_recorded(frozen, member, louty, formation):
    assert leaves(member, louty) == leaves(member, formation) == frozenset()

    (line,) = lines(Action.RESTRICTED)
    assert (line.subject_id, line.facts["request"]) == (member.pk, frozen.reference)
    assert "vérifier" not in str(line.facts)


def test_one_tool_alone_is_kept_from_it(ask, opened, officer, member, louty, formation):
    request = ask(Kind.RESTRICTION, tool_id=louty.pk)

    requests.restrict(of=request, text="Le temps de vérifier", actor=officer, now=TUESDAY)

    assert leaves(member, louty) == frozenset()
    assert leaves(member, formation) == {"name", "email", "phone"}
    assert not selectors.may_be_told(member.pk, louty.pk)
    assert selectors.may_be_told(member.pk, formation.pk)


def test_nobody_else_is_concerned(frozen, other_member, louty):
    services.answer(
        member_id=other_member.pk,
        tool_id=louty.pk,
        notice_id=notice_of(louty),
        accepted=frozenset(),
        actor=Actor(member=other_member.pk),
        language="fr",
        now=TUESDAY,
    )

    assert leaves(other_member, louty) == {"name", "email", "employee_number"}


def test_a_decision_taken_meanwhile_changes_nothing(frozen, member, formation):
    services.answer(
        member_id=member.pk,
        tool_id=formation.pk,
        notice_id=notice_of(formation),
        accepted=frozenset({"phone", "trade"}),
        actor=Actor(member=member.pk),
        language="fr",
        now=WEDNESDAY,
    )

    assert leaves(member, formation) == frozenset()


def test_what_leaves_meanwhile_is_never_booked_as_consent(frozen, member, formation):
    release = selectors.release(member.pk, formation.pk, ASKED)

    assert release.legal_basis == "contract"
    assert release.consent is None


def test_the_rule_alone_says_so():
    terms = Terms(1, 1, (LegalBasis.CONTRACT,), {"name": LegalBasis.CONTRACT})
    standing = Standing(1, 1, Decision.INFORMED, frozenset({"name"}))

    assert policy.release(terms, standing, ASKED).items == ALWAYS | {"name"}
    assert policy.release(terms, replace(standing, restricted=True), ASKED).items == ALWAYS
    assert policy.settled(terms, replace(standing, restricted=True)), "nobody is asked again"


def test_it_costs_no_statement(opened, frozen, member, louty):
    selectors.terms(louty.pk)

    with CaptureQueriesContext(connection) as counted:
        selectors.release(member.pk, louty.pk, ASKED)

    assert len(counted) == 1


@pytest.mark.gdpr("G21")
def test_it_ends_once_the_person_was_told_the_day_before(frozen, officer, member, louty):
    with pytest.raises(RequestRefused, match="end_not_announced"):
        requests.free(of=frozen, actor=officer, now=WEDNESDAY)
    requests.announce_end(of=frozen, text="C’est vérifié", actor=officer, now=WEDNESDAY)
    with pytest.raises(RequestRefused, match="end_not_announced"):
        requests.free(of=frozen, actor=officer, now=WEDNESDAY + timedelta(hours=23))
    assert leaves(member, louty) == frozenset()

    requests.free(of=frozen, actor=officer, now=WEDNESDAY + timedelta(days=1))

    assert leaves(member, louty) == {"name", "email", "employee_number"}
    assert len(lines(Action.RESTRICTION_ANNOUNCED)) == len(lines(Action.RESTRICTION_ENDED)) == 1


def test_whoever_asked_for_it_ends_it_when_they_like(frozen, member, louty):
    requests.free(of=frozen, actor=Actor(member=member.pk), now=TUESDAY)

    assert leaves(member, louty)
    with pytest.raises(RequestRefused, match="not_restricted"):
        requests.free(of=frozen, actor=Actor(member=member.pk), now=TUESDAY)


def test_it_outlives_the_request_that_it_came_with(frozen, officer, member, louty):
    requests.answer(of=frozen, text="C’est fait.", files=(), actor=officer, now=WEDNESDAY)

    assert leaves(member, louty) == frozenset()
    requests.announce_end(of=frozen, text="C’est vérifié", actor=officer, now=WEDNESDAY)


def test_it_is_made_once_and_announced_once(frozen, officer):
    with pytest.raises(RequestRefused, match="restricted_already"):
        requests.restrict(of=frozen, text="Encore", actor=officer, now=TUESDAY)
    requests.announce_end(of=frozen, text="C’est vérifié", actor=officer, now=TUESDAY)
    with pytest.raises(RequestRefused, match="end_announced_already"):
        requests.announce_end(of=frozen, text="Encore", actor=officer, now=TUESDAY)

    row = Restriction.objects.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        Restriction.objects.create(member_id=row.member_id, request_id=row.request_id, at=TUESDAY)


def test_what_leaves_all_the_same_is_found(member, louty):
    sent = Sent(member.pk, louty.pk, frozenset({"name"}), 1, 0, WEDNESDAY, WEDNESDAY)

    def found(**values):
        restricted = Restricted(**{"member": member.pk, "tool": None, "since": TUESDAY, **values})
        return rules.ended([sent], [], [], {}, [restricted])

    assert [each.items for each in found()] == [("name",)]
    assert found(tool=louty.pk)
    assert not found(tool=louty.pk + 1)
    assert not found(until=WEDNESDAY)
    assert not found(since=WEDNESDAY + timedelta(days=1))


def test_the_ledger_has_no_item_of_what_is_restricted(frozen, member, louty):
    release = selectors.release(member.pk, louty.pk, ASKED)

    with transaction.atomic():
        ledger.disclose([Disclosed(member.pk, louty.pk, Channel.USERINFO, release.items, release)], now=WEDNESDAY)

    assert set(Disclosure.objects.get().items) <= ALWAYS


@pytest.mark.gdpr("G21")
def test_the_member_sees_it_and_ends_it(frozen, member, louty):
    browser, address = browser_of(member), f"/mes-donnees/demandes/{frozen.reference}/"
    assert "data-frozen" in browser.get("/mes-donnees/").content.decode()
    assert 'id="frozen"' in browser.get(address).content.decode()

    assert browser.post(f"{address}degeler/").status_code == 302

    assert leaves(member, louty)
    assert 'id="frozen"' not in browser.get(address).content.decode()
    assert browser.post(f"{address}degeler/").status_code == 302
    assert lines(Action.ACCESS_REFUSED)[0].reason == "not_restricted"


def test_the_officer_restricts_tells_and_frees_on_the_workbench(ask, opened, dpo, member, louty):
    request, browser = ask(Kind.RECTIFICATION, now=timezone.now()), browser_of(dpo)
    address = f"/demandes/{request.reference}/"

    browser.post(address, {"act": "restrict", "restrict-text": "Le temps de corriger"})
    assert leaves(member, louty) == frozenset()
    assert 'id="restrict-form"' not in browser.get(address).content.decode()
    browser.post(address, {"act": "announce", "announce-text": "C’est corrigé"})
    early = browser.post(address, {"act": "free", "free-text": ""})

    assert early.status_code == 422
    assert "un jour au moins avant" in early.content.decode()
    Restriction.objects.update(announced_at=timezone.now() - timedelta(days=2))
    assert browser.post(address, {"act": "free", "free-text": ""}).status_code == 302
    assert leaves(member, louty)
