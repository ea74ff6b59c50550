"""Requests against a database: their steps, their clock, and what the journal has of them."""

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

import pytest

from audit.models import Event
from audit.types import Action, Actor, AppendOnlyError
from consent import services as consent_services
from consent.requests import letters, selectors, services
from consent.requests.models import RequestFile, RequestStep, SubjectRequest
from consent.requests.types import Came, Face, Identity, Kind, Letter, RequestRefused, State, Step, Upload
from consent.types import Holds
from tests.support.cast import MONDAY, TUESDAY, WEDNESDAY, notice_of
from tests.support.races import together

pytestmark = pytest.mark.django_db
REFUSAL = "Rien ne nous y oblige. Vous pouvez saisir la CNIL ou le tribunal judiciaire."


def after(days):
    return MONDAY + timedelta(days=days)


def lines(action):
    return list(Event.objects.filter(action=action).order_by("pk"))


def again(request):
    return SubjectRequest.objects.get(pk=request.pk)


def steps(request):
    return [each.step for each in RequestStep.objects.filter(request=request).order_by("pk")]


@pytest.fixture
def officer(dpo):
    return Actor(member=dpo.pk)


def enter(member, officer, *, received_on=date(2026, 11, 9), now=MONDAY, **values):
    said = {"kind": Kind.ACCESS, "text": "Bonjour", "tool_id": None, "came": Came.PAPER, "language": "fr", **values}
    return services.enter(member_id=member.pk, received_on=received_on, actor=officer, now=now, **said)


def test_a_request_has_a_number_a_deadline_and_a_line_without_a_word_of_it(ask, member):
    request = ask(text="Mon adresse secrète est fausse", kind=Kind.RECTIFICATION)

    assert (request.reference, request.due_on, request.identity) == ("D-2026-001", date(2026, 12, 16), Identity.SESSION)
    (line,) = lines(Action.REQUEST_MADE)
    assert line.subject_id == member.pk
    assert line.facts["request"] == "D-2026-001"
    assert (line.facts["request_kind"], line.facts["due_on"]) == ("rectification", "2026-12-16")
    assert "secrète" not in str(line.facts)


def test_numbers_follow_each_other_in_a_year(ask):
    assert [ask().reference, ask().reference] == ["D-2026-001", "D-2026-002"]


@pytest.mark.django_db(transaction=True)
def test_two_who_ask_at_once_get_a_number_each(ask, other_member, member):
    made = together(lambda: ask().reference, lambda: ask(by=other_member).reference)

    assert sorted(made) == ["D-2026-001", "D-2026-002"]


@pytest.mark.parametrize("kind", [Kind.RECTIFICATION, Kind.OBJECTION, Kind.COMPLAINT])
def test_what_needs_words_is_not_asked_without(ask, kind):
    with pytest.raises(RequestRefused, match="text_missing"):
        ask(kind, text=" ")

    assert not SubjectRequest.objects.exists()


def test_a_tool_that_holds_nothing_is_no_tool_to_ask_about(ask, louty):
    with pytest.raises(RequestRefused, match="tool_unknown"):
        ask(Kind.ERASURE, tool_id=louty.pk)


def test_the_rights_on_one_tool_are_those_of_its_purposes(ask, member, louty):
    consent_services.answer(
        member_id=member.pk,
        tool_id=louty.pk,
        notice_id=notice_of(louty),
        accepted=frozenset(),
        actor=Actor(member=member.pk),
        language="fr",
        now=MONDAY,
    )

    with pytest.raises(RequestRefused, match="kind_not_possible"):
        ask(Kind.OBJECTION, tool_id=louty.pk)

    assert ask(Kind.ERASURE, tool_id=louty.pk).tool_id == louty.pk
    assert {each.applies for each in selectors.rights(Kind.OBJECTION, member.pk, louty.pk)} == {Holds.NO}
    assert ask(Kind.OBJECTION), "the hub's own journal rests on legitimate interest"


def test_nobody_asks_without_end(ask):
    for day in range(services.MOST_OPEN):
        ask(now=after(day))

    with pytest.raises(RequestRefused, match="too_many_open"):
        ask(now=after(services.MOST_OPEN))


def test_what_is_taken_back_at_once_is_not_asked_without_end_either(ask, member):
    for _ in range(services.MOST_A_DAY):
        services.withdraw(of=ask(), actor=Actor(member=member.pk), now=MONDAY)

    with pytest.raises(RequestRefused, match="too_many_today"):
        ask()

    assert ask(now=TUESDAY)


@pytest.mark.django_db(transaction=True)
def test_of_many_asked_at_once_no_more_are_open_than_of_one_after_the_other(ask):
    for _ in range(services.MOST_OPEN - 1):
        ask()

    def one_more():
        with suppress(RequestRefused):
            ask(now=TUESDAY)

    together(*[one_more] * 4)

    assert SubjectRequest.objects.count() == services.MOST_OPEN


def test_what_came_by_letter_runs_since_it_came_and_its_writer_is_not_known_yet(filled, member, officer):
    request = enter(member, officer)

    assert (request.received_on, request.due_on) == (date(2026, 11, 9), date(2026, 12, 9))
    assert request.identity == Identity.UNCHECKED
    assert lines(Action.REQUEST_MADE)[0].facts["came"] == "paper"


@pytest.mark.parametrize("day", [date(2026, 11, 17), date(2020, 1, 1)])
def test_a_request_did_not_come_tomorrow_nor_long_ago(filled, member, officer, day):
    with pytest.raises(RequestRefused, match="day_wrong"):
        enter(member, officer, received_on=day)


def test_nothing_is_answered_to_somebody_who_may_be_another(filled, member, officer):
    request = enter(member, officer)

    with pytest.raises(RequestRefused, match="identity_unchecked"):
        services.answer(of=request, text="Voici", files=(), actor=officer, now=MONDAY)

    services.settle_identity(of=request, text="Reconnue au guichet", actor=officer, now=TUESDAY)
    services.answer(of=request, text="Voici", files=(), actor=officer, now=TUESDAY)
    assert again(request).state == State.ANSWERED
    assert again(request).paused_days == 0, "nothing was asked of them"


@pytest.mark.gdpr("G16")
def test_a_doubt_stops_the_clock_and_its_days_are_given_back(ask, officer):
    request = ask()

    services.ask_identity(of=request, text="Un doute", actor=officer, now=after(2))

    waiting = again(request)
    assert (waiting.state, waiting.identity) == (State.WAITING, Identity.DOUBTED)
    assert waiting.clock_on(date(2027, 3, 1)).face == Face.STOPPED
    assert not selectors.to_remind(date(2026, 12, 20))
    services.settle_identity(of=request, text="Vu au guichet", actor=officer, now=after(9))
    settled = again(request)
    assert (settled.state, settled.paused_days, settled.due_on) == (State.OPEN, 7, date(2026, 12, 23))
    assert lines(Action.REQUEST_PAUSED)[0].subject_id == request.member_id
    assert lines(Action.REQUEST_RESUMED)[0].facts["due_on"] == "2026-12-23"


def test_a_proof_is_asked_for_once_at_a_time(ask, officer):
    request = ask()
    services.ask_identity(of=request, text="Un doute", actor=officer, now=TUESDAY)

    with pytest.raises(RequestRefused, match="identity_asked_already"):
        services.ask_identity(of=request, text="Encore", actor=officer, now=TUESDAY)


@pytest.mark.gdpr("G14")
def test_an_extension_comes_within_the_first_month_and_once(ask, officer):
    request = ask()

    services.extend(of=request, text="Beaucoup de demandes", actor=officer, now=after(30))

    assert again(request).due_on == date(2027, 2, 16)
    with pytest.raises(RequestRefused, match="extended_already"):
        services.extend(of=request, text="Encore", actor=officer, now=after(30))
    late = ask()
    with pytest.raises(RequestRefused, match="extension_late"):
        services.extend(of=late, text="Trop tard", actor=officer, now=after(31))


def test_an_extension_has_a_reason(ask, officer):
    request = ask()
    start = selectors.template(Letter.EXTENSION, "fr").text

    with pytest.raises(RequestRefused, match="blank_left"):
        services.extend(of=request, text=start, actor=officer, now=TUESDAY)


@pytest.mark.gdpr("G15")
@pytest.mark.parametrize("text", ["Non.", "Saisissez la CNIL.", "Allez au tribunal."])
def test_a_refusal_names_the_authority_and_the_courts(ask, officer, text):
    request = ask()

    with pytest.raises(RequestRefused, match="remedies_missing"):
        services.refuse(of=request, text=text, actor=officer, now=TUESDAY)

    assert again(request).is_open


@pytest.mark.gdpr("G15")
@pytest.mark.parametrize(("days", "late"), [(30, False), (31, True)])
def test_a_refusal_is_due_within_the_month_even_where_it_was_extended(ask, officer, days, late):
    request = ask()
    services.extend(of=request, text="Beaucoup de demandes", actor=officer, now=TUESDAY)

    services.refuse(of=request, text=REFUSAL, actor=officer, now=after(days))

    assert again(request).state == State.REFUSED
    assert lines(Action.REQUEST_REFUSED)[0].facts["late"] is late


def test_an_answer_goes_with_its_files_under_their_digests(ask, officer):
    request = ask()
    file = Upload("releve.json", "application/json", b"{}")

    services.answer(of=request, text="Voici.", files=[file], actor=officer, now=WEDNESDAY)

    kept = RequestFile.objects.get()
    assert (bytes(kept.content), kept.name, kept.size) == (b"{}", "releve.json", 2)
    (line,) = lines(Action.REQUEST_ANSWERED)
    assert line.facts["files"] == [kept.digest]
    assert line.facts["digest"] == kept.step.digest
    assert line.facts["letter"] == "answer_access fr 0"
    assert (again(request).state, again(request).closed_on) == (State.ANSWERED, date(2026, 11, 18))


@pytest.mark.parametrize("act", ["answer", "refuse", "extend", "ask_identity", "message", "reply", "withdraw"])
def test_nothing_more_happens_to_what_is_over(ask, officer, act):
    request = ask()
    services.withdraw(of=request, actor=officer, now=TUESDAY)
    said = {} if act == "withdraw" else {"text": REFUSAL} | ({"files": ()} if act == "answer" else {})

    with pytest.raises(RequestRefused, match="request_over"):
        getattr(services, act)(of=request, actor=officer, now=WEDNESDAY, **said)


def test_evidence_is_added_when_all_is_over_and_the_person_does_not_see_it(ask, officer):
    request = ask()
    services.answer(of=request, text="Voici.", files=(), actor=officer, now=TUESDAY)

    file = Upload("avis.pdf", "application/pdf", b"%PDF")
    services.note(of=request, text="Accusé de réception", files=[file], actor=officer, now=WEDNESDAY)

    assert [each.step for each in selectors.steps(request, notes=True)] == [Step.MADE, Step.ANSWERED, Step.NOTE]
    assert [each.step for each in selectors.steps(request, notes=False)] == [Step.MADE, Step.ANSWERED]
    number = RequestFile.objects.get().pk
    assert selectors.file(request, number, notes=False) is None
    assert selectors.file(request, number, notes=True)


def test_messages_go_both_ways_and_not_without_end(ask, member, officer):
    request = ask()
    services.message(of=request, text="Laquelle ?", actor=officer, now=TUESDAY)

    for _ in range(services.MOST_REPLIES_A_DAY):
        services.reply(of=request, text="Celle de Lodève", actor=Actor(member=member.pk), now=TUESDAY)
    with pytest.raises(RequestRefused, match="too_many_messages"):
        services.reply(of=request, text="Et encore", actor=Actor(member=member.pk), now=TUESDAY)

    assert len(lines(Action.REQUEST_MESSAGED)) == services.MOST_REPLIES_A_DAY + 1


def test_steps_are_only_added(ask):
    step = ask().steps.get()

    with pytest.raises(AppendOnlyError):
        step.save()
    with pytest.raises(AppendOnlyError):
        RequestStep.objects.update(step=Step.NOTE)
    with pytest.raises(AppendOnlyError):
        RequestStep.objects.all().delete()


def test_looking_at_a_request_is_one_line_for_a_while(ask, officer, member):
    request = ask()

    for minutes in (0, 5, 20):
        services.note_read(of=request, actor=officer, now=TUESDAY + timedelta(minutes=minutes))
    services.note_read(of=request, actor=Actor(member=member.pk), now=TUESDAY)

    assert [each.actor_id for each in lines(Action.REQUEST_READ)] == [officer.member] * 2


def test_what_is_due_first_stands_first_and_what_stands_still_last(ask, filled, other_member, officer):
    late = ask(now=TUESDAY)
    stopped = ask(now=MONDAY)
    services.ask_identity(of=stopped, text="Un doute", actor=officer, now=TUESDAY)
    first = enter(other_member, officer, received_on=date(2026, 11, 2))

    assert [each.pk for each in selectors.waiting()] == [first.pk, late.pk, stopped.pk]


@pytest.mark.gdpr("G14")
def test_a_deadline_is_recalled_seven_days_before_and_once_when_it_is_over(ask):
    request = ask()

    told = [
        bool(services.begin_reminding(again(request), now=MONDAY + timedelta(days=days)))
        for days in (20, 22, 23, 24, 30, 31, 32)
    ]

    assert told == [False, False, True, False, False, True, False]
    assert [each.facts["overdue"] for each in lines(Action.REQUEST_REMINDED)] == [False, True]


def test_a_deadline_that_moves_is_recalled_again(ask, officer):
    request = ask()
    assert services.begin_reminding(request, now=after(23))
    services.extend(of=request, text="Beaucoup de demandes", actor=officer, now=after(24))

    assert not services.begin_reminding(request, now=after(25))
    assert services.begin_reminding(request, now=datetime(2027, 2, 9, 9, tzinfo=UTC))


# Letters ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", letters.LANGUAGES)
@pytest.mark.parametrize("letter", Letter)
def test_every_letter_comes_with_the_hub_and_may_be_kept_as_it_is(letter, language):
    text = letters.shipped(letter, language)

    assert letters.problem_of_template(letter, text) == ""
    assert "{reference}" in text
    assert "CNIL" in text or letter == Letter.IDENTITY


def test_a_letter_is_changed_and_what_it_was_stays(db, officer):
    for number, text in enumerate(["Bonjour {nom}.", "Bonsoir {nom}."]):
        services.change_letter(
            letter=Letter.ANSWER_ACCESS, language="fr", version=number, text=text, actor=officer, now=MONDAY
        )

    assert selectors.template(Letter.ANSWER_ACCESS, "fr").text == "Bonsoir {nom}."
    assert [each.version for each in selectors.versions(Letter.ANSWER_ACCESS, "fr")] == [2, 1]
    assert selectors.template(Letter.ANSWER_ACCESS, "en").version == 0
    assert [each.facts["version"] for each in lines(Action.LETTER_CHANGED)] == [1, 2]


@pytest.mark.parametrize(
    ("letter", "version", "text", "code"),
    [
        (Letter.ANSWER_ACCESS, 0, "Bonjour {prenom}", "place_unknown"),
        (Letter.ANSWER_ACCESS, 0, "  ", "text_missing"),
        (Letter.ANSWER_ACCESS, 1, "Bonjour", "letter_changed"),
        (Letter.REFUSAL, 0, "Non.", "remedies_missing"),
    ],
)
def test_a_letter_that_could_not_be_sent_is_not_kept(db, officer, letter, version, text, code):
    with pytest.raises(RequestRefused, match=code):
        services.change_letter(letter=letter, language="fr", version=version, text=text, actor=officer, now=MONDAY)
