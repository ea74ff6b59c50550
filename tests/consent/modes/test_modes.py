"""Tools that came from another hub and are given time: what leaves, what never does, and what is written of it."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.models import Event, ReleaseProfile
from audit.types import SYSTEM, Action, Actor, AppendOnlyError
from consent import selectors, services
from consent.findings import selectors as findings
from consent.findings import services as deciding
from consent.findings.types import DecisionInvalid, Kind, Level, Stopped
from consent.ledger import services as ledger
from consent.models import Disclosure, ToolMode
from consent.modes import selectors as modes
from consent.modes import services as choosing
from consent.modes.types import Chosen, ModeInvalid
from consent.policy import asked_items
from consent.requests import services as requests
from consent.requests.types import Kind as RequestKind
from consent.selectors import forget_sheets
from consent.types import ALWAYS, Channel, Disclosed, LegalBasis, Mode
from tests.consent.test_services import go_on, new_version, withdraw
from tests.support.cast import AGENDA, ALL_SCOPES, FORMATION, make_tool, with_items

pytestmark = pytest.mark.django_db
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
WHY = "L’éditeur corrige les portées qu’il demande."
# What the scopes of Louty ask for, and its sheet does not declare.
BESIDE = {"given_name", "family_name", "login", "language", "phone", "town", "trade", "business_name"}
SCOPES = frozenset({"openid", "profile", "email", "phone"})


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture(autouse=True)
def _freshly_read(db):
    forget_sheets()


def imported(tool, now):
    type(tool).objects.filter(pk=tool.pk).update(imported_on=timezone.localdate(now))
    tool.refresh_from_db()


def choose(tool, mode=Mode.WARN, *, now, days=30, reason=WHY, actor=SYSTEM):
    until = None if mode == Mode.ENFORCE else timezone.localdate(now) + days * DAY
    return choosing.choose(
        tool_id=tool.pk, chosen=Chosen(mode, until), reason=reason, imported_on=tool.imported_on, actor=actor, now=now
    )


def released(member, tool, scopes=SCOPES):
    return selectors.release(member.pk, tool.pk, asked_items(scopes))


def send(member, tool, now, scopes=SCOPES):
    leaving = released(member, tool, scopes)
    with transaction.atomic():
        ledger.disclose([Disclosed(member.pk, tool.pk, Channel.USERINFO, leaving.items, leaving)], now=now)
    return leaving


def f1(now):
    return [each for each in findings.findings(now=now) if each.kind == Kind.UNDECLARED]


# What leaves -------------------------------------------------------------------------------------------------


@pytest.mark.gdpr("G8")
@pytest.mark.parametrize("mode", [Mode.WARN, Mode.OBSERVE])
def test_a_tool_that_is_given_time_gets_what_it_asks_for_beside_its_sheet(member, louty, mode, now):
    imported(louty, now)
    go_on(member, louty)
    before = released(member, louty)

    choose(louty, mode, now=now)

    after = released(member, louty)
    assert before.undeclared == frozenset()
    assert (after.items - before.items, after.undeclared, after.mode) == (BESIDE, BESIDE, mode)


@pytest.mark.gdpr("G8")
def test_going_back_to_the_sheet_counts_at_once_even_where_another_process_knows_nothing_of_it(member, louty, now):
    imported(louty, now)
    go_on(member, louty)
    choose(louty, now=now)
    known = dict(selectors._sheets) or {louty.pk: selectors.read_in_force(louty.pk)}

    choose(louty, Mode.ENFORCE, now=now + MINUTE, reason="")
    selectors._sheets.update(known)

    assert selectors._sheets[louty.pk].chosen.mode == Mode.WARN
    assert released(member, louty).undeclared == frozenset()


@pytest.mark.parametrize(
    "end",
    [
        lambda tool, now: ToolMode(tool=tool, mode=Mode.WARN, since=now, until=timezone.localdate(now) - DAY).save(),
        lambda tool, now: type(tool).objects.filter(pk=tool.pk).update(imported_on=None),
        lambda tool, now: ToolMode(tool=tool, mode=Mode.ENFORCE, since=now).save(),
    ],
    ids=["over", "no longer imported", "strict"],
)
def test_a_mode_that_is_over_is_the_strict_one(member, louty, end, now):
    imported(louty, now)
    go_on(member, louty)
    choose(louty, now=now)

    end(louty, now)
    forget_sheets()

    assert released(member, louty).undeclared == frozenset()
    assert modes.lenient(now=now) == []


@pytest.mark.gdpr("G3", "G8")
def test_what_any_sheet_asked_consent_for_never_leaves_beside_it(member, other_member, formation, now):
    imported(formation, now)
    go_on(member, formation, "phone")
    new_version(formation, with_items(FORMATION, purpose=1, legal_basis=LegalBasis.CONSENT, items=FORMATION.items[2:3]))
    go_on(member, formation, "phone")
    choose(formation, now=now)

    assert "trade" not in released(member, formation).items
    assert {"town", "business_name"} <= released(member, formation).undeclared


@pytest.mark.gdpr("G8", "G23")
def test_what_a_member_ever_objected_to_or_refused_never_leaves_beside_the_sheet(member, other_member, now):
    tool = make_tool("agenda", "Agenda")
    imported(tool, now)
    services.declare(tool_id=tool.pk, sheet=AGENDA, actor=SYSTEM, now=now)
    purpose = selectors.sheet(tool.pk).purposes.get(legal_basis=LegalBasis.LEGITIMATE_INTEREST)
    for person in (member, other_member):
        go_on(person, tool)
    objection = services.object_to(member_id=member.pk, purpose_id=purpose.pk, actor=Actor(member.pk), now=now)
    shorter = type(AGENDA)(AGENDA.processing, AGENDA.purposes[:1])
    services.declare(tool_id=tool.pk, sheet=shorter, actor=SYSTEM, now=now)
    for person in (member, other_member):
        go_on(person, tool)
    choose(tool, now=now)

    against, open_to = released(member, tool), released(other_member, tool)
    services.end_objection(member_id=member.pk, objection_id=objection.pk, actor=Actor(member.pk), now=now)
    taken_back = released(member, tool)

    assert {"email", "phone"} <= open_to.undeclared
    assert not {"email", "phone"} & (against.items | taken_back.items)
    assert "town" in against.undeclared


@pytest.mark.gdpr("G4", "G21")
@pytest.mark.parametrize("keep", ["withdrawn", "restricted", "unsettled"])
def test_nothing_leaves_of_whoever_withdrew_is_restricted_or_has_not_read_the_text(member, formation, keep, now):
    services.fill_register(now=now)
    imported(formation, now)
    go_on(member, formation, "phone")
    choose(formation, now=now)
    assert released(member, formation).undeclared

    if keep == "withdrawn":
        withdraw(member, formation, now=now)
    elif keep == "restricted":
        request = requests.make(
            member_id=member.pk,
            kind=RequestKind.RESTRICTION,
            text="Le temps de vérifier.",
            tool_id=None,
            language="fr",
            actor=Actor(member.pk),
            now=now,
        )
        requests.restrict(of=request, text="Le temps de vérifier.", actor=SYSTEM, now=now)
    else:
        new_version(formation, with_items(FORMATION, retention="Dix ans."), now=now)

    assert released(member, formation).items == ALWAYS


@pytest.mark.gdpr("G8")
def test_without_a_sheet_a_tool_gets_its_identifiers_whatever_a_row_says(member, bare_tool, now):
    imported(bare_tool, now)
    ToolMode.objects.create(tool=bare_tool, mode=Mode.WARN, since=now, until=timezone.localdate(now))

    assert released(member, bare_tool).items == ALWAYS
    with pytest.raises(ModeInvalid, match="no_sheet"):
        choose(bare_tool, now=now)


def test_only_a_tool_that_is_not_strict_costs_a_statement_more(member, louty, now):
    imported(louty, now)
    go_on(member, louty)

    def cost():
        standing = selectors.standing(member.pk, louty.pk)
        selectors.terms(louty.pk)
        with CaptureQueriesContext(connection) as counted:
            selectors.release_on(member.pk, louty.pk, standing, asked_items(SCOPES))
        return len(counted)

    strict = cost()
    choose(louty, now=now)

    assert (strict, cost()) == (0, 1)


# Choosing ----------------------------------------------------------------------------------------------------


@pytest.mark.gdpr("G25")
def test_a_choice_is_a_row_that_stays_and_a_line_without_the_reason(member, louty, now):
    imported(louty, now)

    row = choose(louty, now=now, actor=Actor(member.pk))

    assert (row.by, row.reason, row.until) == (member, WHY, timezone.localdate(now) + 30 * DAY)
    line = Event.objects.get(action=Action.TOOL_MODE_SET)
    assert line.tool == louty
    assert line.facts == {"tool_mode": "warn", "until": row.until.isoformat()}
    for change in (row.save, row.delete, ToolMode.objects.all().delete, lambda: ToolMode.objects.update(mode="")):
        with pytest.raises(AppendOnlyError):
            change()


def test_going_back_twice_is_written_once(louty, now):
    imported(louty, now)
    choose(louty, now=now)

    again = [choose(louty, Mode.ENFORCE, now=now + number * MINUTE, reason="") for number in (1, 2)]

    assert [row is None for row in again] == [False, True]
    assert Event.objects.filter(action=Action.TOOL_MODE_SET).count() == 2


@pytest.mark.parametrize(
    ("days", "marked", "problem"), [(91, True, "until_far"), (-1, True, "until_past"), (3, False, "not_imported")]
)
def test_what_may_not_be_chosen_is_not(louty, days, marked, problem, now):
    if marked:
        imported(louty, now)

    with pytest.raises(ModeInvalid, match=problem):
        choose(louty, now=now, days=days)

    assert not ToolMode.objects.exists()


@pytest.mark.parametrize(("mode", "until"), [(Mode.WARN, False), (Mode.ENFORCE, True)])
def test_the_table_has_no_mode_without_an_end_and_no_end_of_the_strict_one(louty, mode, until, now):
    with pytest.raises(IntegrityError), transaction.atomic():
        ToolMode.objects.create(tool=louty, mode=mode, since=now, until=timezone.localdate(now) if until else None)


# What is written of it ---------------------------------------------------------------------------------------


@pytest.mark.gdpr("G7")
@pytest.mark.parametrize(("mode", "level"), [(Mode.WARN, Level.WARNED), (Mode.OBSERVE, Level.OBSERVED)])
def test_what_leaves_so_is_in_the_ledger_by_its_mode_and_found_at_its_level(member, louty, mode, level, now):
    imported(louty, now)
    go_on(member, louty)
    send(member, louty, now)
    choose(louty, mode, now=now)

    send(member, louty, now + MINUTE)

    strict, by_mode = Disclosure.objects.order_by("pk")
    assert (strict.mode, by_mode.mode) == ("", mode)
    told = ReleaseProfile.objects.get(name=by_mode.profile).facts
    assert told["tool_mode"] == mode
    assert "tool_mode" not in ReleaseProfile.objects.get(name=strict.profile).facts
    (finding,) = f1(now + DAY)
    assert (finding.level, finding.tool, finding.count) == (level, louty.pk, 1)
    assert set(finding.items) == BESIDE
    with pytest.raises(DecisionInvalid, match="by_mode"):
        deciding.decide(code=finding.code, reason=WHY, until=None, actor=SYSTEM, now=now + DAY)


def test_what_had_no_value_is_not_said_to_have_left(member, louty, now):
    imported(louty, now)
    go_on(member, louty)
    choose(louty, now=now)
    leaving = released(member, louty)
    with transaction.atomic():
        only = leaving.items - BESIDE
        ledger.disclose([Disclosed(member.pk, louty.pk, Channel.USERINFO, only, leaving)], now=now)

    assert Disclosure.objects.get().mode == ""
    assert f1(now + DAY) == []


@pytest.mark.gdpr("G7")
def test_a_row_that_says_a_mode_in_which_its_tool_never_was_is_an_alarm(member, louty, now):
    imported(louty, now)
    go_on(member, louty)
    choose(louty, now=now)
    leaving = released(member, louty)
    choose(louty, Mode.ENFORCE, now=now + MINUTE, reason="")

    with transaction.atomic():
        late = Disclosed(member.pk, louty.pk, Channel.USERINFO, leaving.items, leaving)
        ledger.disclose([late], now=now + 5 * MINUTE)

    (finding,) = f1(now + DAY)
    assert (finding.level, finding.mode) == (Level.ALARM, "")


# Before it is chosen -----------------------------------------------------------------------------------------


def test_what_would_leave_besides_is_told_from_what_left_lately(member, other_member, louty, now):
    imported(louty, now)
    for person in (member, other_member):
        go_on(person, louty)
        send(person, louty, now - DAY)
    send(member, louty, now - DAY + MINUTE)
    send(member, louty, now - 100 * DAY)

    more = findings.let_out(louty.pk, asked_items(SCOPES), now=now)

    assert more == Stopped(3, 2, tuple(sorted(BESIDE)))
    assert findings.let_out(louty.pk, asked_items({"openid"}), now=now) == Stopped()


def test_the_preview_leaves_out_what_would_not_leave_either(member, formation, now):
    imported(formation, now)
    go_on(member, formation)
    send(member, formation, now - DAY)
    choose(formation, now=now)

    more = findings.let_out(formation.pk, asked_items(ALL_SCOPES), now=now)

    assert set(more.items) == released(member, formation, ALL_SCOPES).undeclared
    assert not {"phone", "trade"} & set(more.items)
