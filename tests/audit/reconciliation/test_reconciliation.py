"""What the tables say and the journal does not: found, kept, told, and settled with a reason."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import call_command
from django.db import transaction
from django.db.models import QuerySet
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit import signer
from audit.models import Event, Gap, Leaf, Pending, Reconciliation
from audit.reconciliation import selectors, services, sources
from audit.reconciliation.services import FIRST, reconcile, reconcile_nightly, settle
from audit.reconciliation.sources import SETTLED
from audit.sequencer import sequence
from audit.services import record
from audit.types import SYSTEM, Action, Actor, Entry
from consent.models import Consent, Disclosure
from consent.services import answer, end_consent
from directory.models import RoleGrant
from directory.services import grant_role
from directory.types import Role
from idp.models import AccessToken, HubSession
from tests.support.cast import browser_of, notice_of
from tests.support.oidc import sign_in

pytestmark = pytest.mark.django_db
PAGE = reverse("audit:reconciliation")


@pytest.fixture
def later():
    """After what the tests did has settled."""
    return timezone.now() + 2 * SETTLED


@pytest.fixture
def compared(member, other_member, dpo):
    """What the cast made of itself, without a word in the journal, was compared before."""
    reconcile(now=timezone.now() + SETTLED)
    Gap.objects.all().delete()


def open_gaps():
    return [(gap.source, gap.row) for gap in selectors.open_gaps()]


def forget(lines):
    """Behind the back of the ORM, which refuses."""
    lines._raw_delete(lines.db)


# What is compared


def test_a_normal_journey_leaves_no_gap(compared, member, agenda, later):
    browser = sign_in(member)
    body = agenda.exchange(agenda.code(browser, scope="openid profile offline_access")).json()
    agenda.refresh(body["refresh_token"])
    agenda.userinfo(body["access_token"])
    browser.post("/deconnexion/")

    run = reconcile(now=later)

    assert open_gaps() == []
    assert run.found == 0
    # A session and its end, a code, two tokens of each kind, what was disclosed; and the lines themselves.
    assert run.examined >= 9


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        (Action.SIGN_IN, {"idp.session"}),
        (Action.SIGN_OUT, {"idp.session_end"}),
        (Action.CODE_ISSUED, {"idp.code"}),
        (Action.TOKEN_ISSUED, {"idp.refresh_token"}),
        (Action.DISCLOSED, {"consent.disclosure"}),
    ],
)
def test_a_line_that_was_taken_out_of_the_journal_is_missed(compared, member, agenda, later, action, expected):
    browser = sign_in(member)
    agenda.exchange(agenda.code(browser, scope="openid profile offline_access"))
    browser.post("/deconnexion/")
    forget(Event.objects.filter(pk=Event.objects.filter(action=action).latest("pk").pk))

    reconcile(now=later)

    assert {source for source, _ in open_gaps()} == expected


def test_a_decision_and_its_withdrawal_are_missed_each(compared, member, formation, later):
    about = {"member_id": member.pk, "tool_id": formation.pk, "actor": Actor(member.pk), "now": timezone.now()}
    answer(**about, notice_id=notice_of(formation), accepted=frozenset({"phone"}), language="fr")
    end_consent(**about)
    forget(Event.objects.filter(action__in=(Action.CONSENT_GIVEN, Action.CONSENT_WITHDRAWN)))

    reconcile(now=later)

    row = str(Consent.objects.get().pk)
    assert open_gaps() == [("consent.decision", row), ("consent.withdrawal", row)]


@pytest.mark.parametrize(
    ("make", "source"),
    [
        (
            lambda member, tool: HubSession.objects.create(
                **_times("started_at", "auth_time", "last_seen_at", "expires_at"), member=member
            ),
            "idp.session",
        ),
        (
            lambda member, tool: AccessToken.objects.create(
                user=member, application=tool, token="", token_checksum="a", expires=timezone.now(), scope="openid"
            ),
            "idp.access_token",
        ),
        (lambda member, tool: RoleGrant.objects.create(member=member, role="office"), "directory.role"),
        (
            lambda member, tool: Disclosure.objects.create(
                **_times("at", "last_at"),
                day=timezone.localdate(),
                member=member,
                tool=tool,
                channel="userinfo",
                items=[],
            ),
            "consent.disclosure",
        ),
    ],
)
def test_a_row_that_was_put_in_behind_the_hub_is_found(compared, member, wiki, later, make, source):
    row = make(member, wiki.tool)

    reconcile(now=later)

    assert open_gaps() == [(source, str(row.pk))]
    gap = Gap.objects.get()
    assert (gap.settled_at, gap.found_by.found) == (None, 1)


@pytest.mark.parametrize("days", [-3, -4000, 4000], ids=["days ago", "years ago", "years ahead"])
@pytest.mark.parametrize(
    ("make", "at", "source"),
    [
        (
            lambda member: RoleGrant.objects.create(member=member, role="technician", pk=-7),
            "granted_at",
            "directory.role",
        ),
        (lambda member: Authenticator.objects.create(user=member, type="totp", data={}), "created_at", "idp.factor"),
    ],
    ids=["role", "factor"],
)
def test_no_date_and_no_number_hides_a_row_that_was_put_in(compared, member, later, make, at, source, days):
    row = make(member)
    type(row).objects.filter(pk=row.pk).update(**{at: timezone.now() + timedelta(days=days)})

    reconcile(now=later)

    assert open_gaps() == [(source, str(row.pk))]
    assert reconcile(now=later + timedelta(days=1)).found == 0, "it is known"


@pytest.mark.parametrize("days", [-3, -4000, 4000], ids=["days ago", "years ago", "years ahead"])
def test_a_decision_that_was_put_in_with_another_date_is_found(compared, member, formation, later, days):
    about = {"member_id": member.pk, "tool_id": formation.pk, "actor": Actor(member.pk), "now": timezone.now()}
    answer(**about, notice_id=notice_of(formation), accepted=frozenset({"phone"}), language="fr")
    # The line of the one that was given covers for no other.
    given = Consent.objects.get()
    elsewhen = timezone.now() + timedelta(days=days)
    row = Consent(member=member, tool=formation, notice=given.notice, decision="given", at=elsewhen, ended_at=elsewhen)
    row.save()

    reconcile(now=later)

    assert open_gaps() == [("consent.decision", str(row.pk))]
    assert reconcile(now=later + timedelta(days=1)).found == 0, "it is known"


@pytest.mark.parametrize(
    "change", [{"role": "technician"}, {"granted_by": None}, {"ends_at": None}, {"member": "another"}], ids=str
)
def test_a_role_that_was_changed_behind_the_hub_is_found(member, other_member, dpo, later, change):
    row = RoleGrant.objects.create(member=member, role="office", granted_by=dpo, ends_at=later + FIRST)
    RoleGrant.objects.filter(pk=row.pk).update(granted_at=later - timedelta(days=90))
    reconcile(now=timezone.now() + SETTLED)
    Gap.objects.all().delete()
    RoleGrant.objects.filter(pk=row.pk).update(**change | ({"member": other_member} if "member" in change else {}))

    reconcile(now=later)

    assert open_gaps() == [("directory.role", str(row.pk))]


def test_a_role_whose_end_somebody_changed_by_the_page_is_no_gap_and_covers_for_no_other(compared, member, later):
    row = RoleGrant.objects.create(member=member, role="office")
    RoleGrant.objects.filter(pk=row.pk).update(granted_at=later - timedelta(days=90))
    reconcile(now=later)
    Gap.objects.all().delete()
    # Before the comparison and not yet within its window.
    night = later + timedelta(days=1)
    grant_role(member_id=member.pk, role=Role.OFFICE, actor=SYSTEM, now=night, ends_at=night + FIRST)
    reconcile(now=night + timedelta(minutes=3))
    legitimate = open_gaps()
    grant_role(member_id=member.pk, role=Role.OFFICE, actor=SYSTEM, now=night + FIRST / 2, ends_at=night + 2 * FIRST)
    extra = RoleGrant.objects.create(member=member, role="technician")
    RoleGrant.objects.filter(pk=extra.pk).update(granted_at=later - timedelta(days=90))

    reconcile(now=night + FIRST)

    assert legitimate == []
    assert open_gaps() == [("directory.role", str(extra.pk))]


def _times(*names):
    return dict.fromkeys(names, timezone.now())


def test_a_token_more_than_lines_is_found_however_many_there_are(compared, member, wiki, later):
    browser = sign_in(member)
    for _ in range(3):
        wiki.exchange(wiki.code(browser))
    extra = AccessToken.objects.create(
        user=member, application=wiki.tool, token="", token_checksum="a", expires=timezone.now(), scope="openid"
    )

    reconcile(now=later)

    assert open_gaps() == [("idp.access_token", str(extra.pk))]


def test_lines_about_somebody_else_do_not_cover_for_it(compared, member, other_member, wiki, later):
    with transaction.atomic():
        record(Entry(Action.ROLE_GRANTED, subject=other_member.pk))
    row = RoleGrant.objects.create(member=member, role="office")

    reconcile(now=later)

    assert open_gaps() == [("directory.role", str(row.pk))]


# The log itself


def test_a_line_without_its_place_and_a_place_without_its_line_are_found(compared, member, later, settings, tmp_path):
    settings.AUDIT_DIR = tmp_path / "audit"
    for _ in range(3):
        with transaction.atomic():
            record(Entry(Action.NOTICE_SEEN, Actor(member.pk), member.pk))
    taken, unplaced, _ = Event.objects.filter(action=Action.NOTICE_SEEN).order_by("pk")
    Pending.objects.filter(reference=unplaced.reference).delete()
    while sequence(now=timezone.now()):
        pass
    signer.sign_due(now=timezone.now())
    forget(Event.objects.filter(pk=taken.pk))

    reconcile(now=later)

    assert set(open_gaps()) == {("audit.line", str(unplaced.reference)), ("audit.entry", str(taken.reference))}


def test_a_line_whose_erasure_was_announced_is_no_gap(compared, member, later):
    with transaction.atomic():
        record(Entry(Action.NOTICE_SEEN, Actor(member.pk), member.pk))
        record(Entry(Action.JOURNAL_READ))
    while sequence(now=timezone.now()):
        pass
    gone = Event.objects.get(action=Action.NOTICE_SEEN)
    log = Leaf.objects.get(reference=gone.reference).log
    forget(Event.objects.filter(pk=gone.pk))
    announcing = Event.objects.get(action=Action.JOURNAL_READ)
    QuerySet.update(
        Event.objects.filter(pk=announcing.pk), action="audit:person:erase", facts={"gone": {log.name: {"c": 1}}}
    )

    reconcile(now=later)

    assert open_gaps() == []


# Windows


def test_each_comparison_goes_on_where_the_last_one_ended(compared, member, later):
    first = Reconciliation.objects.get()

    second = reconcile(now=later)
    third = reconcile(now=later + timedelta(days=1))

    assert (second.since, third.since) == (first.until, second.until)
    assert first.until - first.since == FIRST


def test_what_was_compared_before_may_be_compared_again(compared, member, later, monkeypatch):
    with transaction.atomic():
        record(Entry(Action.ROLE_GRANTED, subject=member.pk))
    row = RoleGrant.objects.create(member=member, role="office")
    reconcile(now=later)
    forget(Event.objects.filter(action=Action.ROLE_GRANTED))
    monkeypatch.setattr(timezone, "now", lambda: later + timedelta(hours=1))

    call_command("reconcile", stdout=StringIO())
    before = [gap for gap in open_gaps() if gap == ("directory.role", str(row.pk))]
    call_command("reconcile", "--days", "2", stdout=StringIO())

    assert before == []
    assert ("directory.role", str(row.pk)) in open_gaps()


def test_what_has_not_settled_waits_for_the_next_one(compared, member):
    row = RoleGrant.objects.create(member=member, role="office")

    reconcile(now=timezone.now())
    before = open_gaps()
    reconcile(now=timezone.now() + 2 * SETTLED)

    assert before == []
    assert open_gaps() == [("directory.role", str(row.pk))]


def test_a_gap_is_found_once_and_stays_settled(compared, member, dpo, later):
    RoleGrant.objects.create(member=member, role="office")
    reconcile(now=later)
    settle(
        gaps=[Gap.objects.get(source="directory.role").pk], settlement="An accident.", actor=Actor(dpo.pk), now=later
    )
    Reconciliation.objects.filter(pk=Reconciliation.objects.latest("pk").pk).update(until=later - FIRST)

    reconcile(now=later + timedelta(minutes=1))

    assert not any(source == "directory.role" for source, _ in open_gaps())


def test_the_worker_compares_once_a_night(member, later, monkeypatch):
    night = timezone.localtime(later).replace(hour=3, minute=0)

    assert reconcile_nightly(now=night.replace(hour=1)) is None
    assert reconcile_nightly(now=night) is not None
    assert reconcile_nightly(now=night + timedelta(hours=2)) is None
    assert reconcile_nightly(now=night + timedelta(days=1)) is not None


def test_two_workers_of_a_night_make_one_comparison(member, later, monkeypatch):
    night = timezone.localtime(later).replace(hour=3, minute=0)
    monkeypatch.setattr(services, "_keep", _first_come(services._keep, night))

    assert reconcile_nightly(now=night) is None
    assert Reconciliation.objects.count() == 1


def _first_come(keep, night):
    def another_first(run, *arguments):
        keep(Reconciliation(night=night.date(), leaf=0, at=night, examined=0, found=0), *arguments)
        return keep(run, *arguments)

    return another_first


def test_no_more_is_kept_than_anybody_reads(compared, member, later, monkeypatch):
    monkeypatch.setattr(services, "GAPS_KEPT", 2)
    for role in ("office", "technician", "dpo"):
        RoleGrant.objects.create(member=member, role=role)

    run = reconcile(now=later)

    assert (run.found, Gap.objects.count()) == (3, 2)


def test_a_comparison_takes_few_statements_however_much_there_is(
    compared, member, louty, later, django_assert_max_num_queries
):
    with transaction.atomic():
        Disclosure.objects.insert(
            [
                {
                    **_times("at", "last_at"),
                    "day": timezone.localdate(),
                    "member_id": member.pk,
                    "tool_id": louty.pk,
                    "channel": "userinfo",
                    "items": [],
                    "profile": str(number),
                }
                for number in range(500)
            ]
        )

    # Two for each source, four more for the collectives, five for what is held, two for what is compared row by row,
    # four for the log, the window, what is kept with its line; and two for each of six whose rows have numbers.
    with django_assert_max_num_queries(2 * len(sources.sources()) + 25 + 2 * 6):
        assert reconcile(now=later).found == 500


def test_every_source_has_words_and_lines_that_there_are():
    for source in sources.sources():
        assert str(source.label) != source.code
        assert all(action in Action for action in sources.expected_of(source.code))
    assert sources.label_of("gone.since") == "gone.since"


# Telling


def test_a_comparison_and_its_settling_are_on_the_record(compared, member, dpo, later):
    RoleGrant.objects.create(member=member, role="office")

    run = reconcile(now=later)
    gap = Gap.objects.get()
    settled = settle(gaps=[gap.pk], settlement="Restored from a backup.", actor=Actor(dpo.pk), now=later)
    again = settle(gaps=[gap.pk], settlement="Once more.", actor=Actor(dpo.pk), now=later)

    assert (settled, again) == (1, 0)
    line = Event.objects.filter(action=Action.JOURNAL_COMPARED).latest("pk")
    assert (line.refused, line.facts) == (
        True,
        {"comparison": run.pk, "examined": run.examined, "found": 1},
    )
    line = Event.objects.get(action=Action.GAP_SETTLED)
    assert (line.actor_id, line.facts) == (dpo.pk, {"gap": gap.pk, "compared": "directory.role"})
    assert "Restored" not in json.dumps([*Event.objects.values_list("facts", flat=True)])


def test_health_says_how_many_are_open(compared, member, later):
    assert Client().get("/healthz").json()["journal_gaps"] == 0
    RoleGrant.objects.create(member=member, role="office")
    reconcile(now=later)

    assert Client().get("/healthz").json()["journal_gaps"] == 1


def test_the_command_says_the_same_to_programs_and_people(compared, member, later, monkeypatch):
    row = RoleGrant.objects.create(member=member, role="office")
    monkeypatch.setattr(timezone, "now", lambda: later)

    for_programs, for_people = StringIO(), StringIO()
    call_command("reconcile", "--json", stdout=for_programs)
    call_command("reconcile", stdout=for_people)

    told = json.loads(for_programs.getvalue())
    assert told["found"] == 1
    assert [(gap["source"], gap["row"]) for gap in told["open"]] == [("directory.role", str(row.pk))]
    assert f"directory.role {row.pk}" in for_people.getvalue()


# The page


def test_the_officer_sees_what_is_missing_and_settles_it_with_a_reason(compared, member, dpo, later):
    row = RoleGrant.objects.create(member=member, role="office")
    reconcile(now=later)
    browser, gap = browser_of(dpo), Gap.objects.get(source="directory.role", row=row.pk)

    page = browser.get(PAGE).content.decode()
    answer = browser.post(PAGE, {"gap": [gap.pk], "settlement": "Base rétablie du 28, voir le dossier."}, follow=True)

    assert "Rôles attribués" in page
    assert "Rôle attribué" in page
    assert f"<code>n°\u00a0{row.pk}</code>" in page
    gap.refresh_from_db()
    assert gap.settled_at is not None
    assert "Base rétablie du 28" in answer.content.decode()
    assert "1 écart est réglé." in answer.content.decode()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"settlement": "Base rétablie du 28."}, "Cochez au moins un écart."),
        ({"gap": ["987654"], "settlement": "Base rétablie du 28."}, "rechargez la page"),
        ({"gap": ["x"], "settlement": "Base rétablie du 28."}, "rechargez la page"),
        ({"gap": "own", "settlement": "bof"}, "10"),
        ({"gap": "own"}, "obligatoire"),
    ],
)
def test_without_a_gap_or_a_reason_nothing_is_settled(compared, member, dpo, later, typed, said):
    RoleGrant.objects.create(member=member, role="office")
    reconcile(now=later)
    number = Gap.objects.get(source="directory.role").pk

    answer = browser_of(dpo).post(PAGE, {**typed, "gap": number if typed.get("gap") == "own" else typed.get("gap", [])})

    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not Gap.objects.exclude(settled_at=None).exists()


def test_before_the_first_night_the_page_says_so(dpo):
    assert "Aucun rapprochement encore" in browser_of(dpo).get(PAGE).content.decode()


def test_nobody_else_sees_it(member):
    assert browser_of(member).get(PAGE).status_code == 403
    assert Client().get(PAGE).status_code == 302
    assert Event.objects.get(action=Action.ACCESS_REFUSED).actor_id == member.pk
