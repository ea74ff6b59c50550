"""« Mon activité »: one's own lines, whole, in plain words, and nobody's name."""

from collections import Counter
from datetime import date, timedelta
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from audit.models import Event, PersonKey
from audit.own import selectors, words
from audit.own.selectors import Seen
from audit.own.types import Kind, OwnFilter
from audit.place import coming_from
from audit.services import record, record_all
from audit.types import SYSTEM, Action, Actor, Entry
from consent import activity, services
from consent.ledger import services as ledger
from consent.types import Channel, Disclosed, Release
from tests.consent.ledger.leaving import leave
from tests.support.cast import AGENDA, MONDAY, TUESDAY, WEDNESDAY, browser_of, make_member, make_tool

pytestmark = pytest.mark.django_db
PAGE = reverse("consent:activity")
PLACE = {"network": "82.64.0.0/16", "browser": "Firefox, Linux"}


@pytest.fixture
def happened(member, other_member, dpo, louty):
    """What a member did, what was sent of them and who looked; and as much of somebody else."""
    with coming_from(lambda: PLACE):
        record(Entry(Action.SIGN_IN, Actor(member.pk), member.pk, facts={"methods": ["pwd", "otp"]}, at=MONDAY))
        record(Entry(Action.ROLE_GRANTED, Actor(other_member.pk), member.pk, facts={"role": "office"}, at=MONDAY))
    sheet = louty.processings.get()
    release = Release(processing=sheet.pk, notice=sheet.notice.pk, legal_basis="contract")
    sent = Disclosed(member.pk, louty.pk, Channel.USERINFO, frozenset({"email"}), release)
    record(Entry(Action.CODE_ISSUED, Actor(member.pk), member.pk, louty.pk, at=TUESDAY))
    ledger.disclose([sent], now=TUESDAY)
    record(
        Entry(Action.NOTICE_SEEN, Actor(member.pk), member.pk, louty.pk, at=TUESDAY),
        Entry(Action.MEMBER_CONSULTED, Actor(other_member.pk), member.pk, at=WEDNESDAY),
        Entry(Action.JOURNAL_READ, Actor(dpo.pk), member.pk, facts={"filters": ["member"]}, at=WEDNESDAY),
        Entry(Action.MEMBER_CHANGED, SYSTEM, member.pk, at=WEDNESDAY),
        Entry(Action.MEMBER_CONSULTED, Actor(member.pk), other_member.pk, at=WEDNESDAY),
        Entry(Action.SIGN_IN, Actor(other_member.pk), other_member.pk, at=WEDNESDAY),
        Entry(Action.SYNC_APPLIED, at=WEDNESDAY),
    )


def text_of(response):
    return unescape(response.content.decode()).replace("\u202f", " ").replace("\u00a0", " ")


def actions(member, **wanted):
    keys = selectors.keys_of(member.pk)
    return [event.action for event in selectors.lines(keys, OwnFilter(**wanted))][::-1]


@pytest.mark.gdpr("G38")
def test_each_line_of_somebody_is_of_one_kind_and_no_line_of_others_is_there(member, happened):
    everything = actions(member)

    by_kind = {kind: actions(member, kind=kind) for kind in Kind}
    assert by_kind == {
        Kind.SIGN_INS: [Action.SIGN_IN],
        Kind.RELEASES: [Action.CODE_ISSUED, Action.DISCLOSED],
        Kind.AGREEMENTS: [Action.NOTICE_SEEN],
        Kind.LOOKED: [Action.MEMBER_CONSULTED, Action.JOURNAL_READ],
        Kind.ACCOUNT: [Action.ROLE_GRANTED, Action.MEMBER_CHANGED],
        Kind.DUTIES: [Action.MEMBER_CONSULTED],
    }
    assert sorted(everything) == sorted(action for found in by_kind.values() for action in found)
    counted = Counter()
    for each in selectors.hours(selectors.keys_of(member.pk), OwnFilter()):
        counted[each.kind] += each.count
    assert counted == {kind: len(found) for kind, found in by_kind.items()}


def test_lines_are_found_by_tool_and_by_day(member, louty, happened):
    assert actions(member, tool="louty") == [Action.CODE_ISSUED, Action.DISCLOSED, Action.NOTICE_SEEN]
    assert actions(member, until=MONDAY.date()) == [Action.SIGN_IN, Action.ROLE_GRANTED]
    assert actions(member, since=WEDNESDAY.date(), kind=Kind.ACCOUNT) == [Action.MEMBER_CHANGED]


@pytest.mark.gdpr("G6")
def test_the_page_says_what_for_whom_why_from_where_and_by_which_code(member, happened):
    page = text_of(browser_of(member).get(PAGE))

    for said in (
        "Vous vous connectez.",
        "preuves : mot de passe, code de l’application",
        "réseau : 82.64…",
        "navigateur : Firefox, Linux",
        "Vous ouvrez Louty.",
        "Louty reçoit des données sur vous.",
        "données : Adresse e-mail",
        "quand : à la demande de l’outil, pendant votre visite",
        "traitement : Gestion de l’activité",
        "pourquoi : Établir vos factures et votre bulletin de paie.",
        "base légale : exécution du contrat",
        "Vous lisez l’information sur Louty.",
        "L’annuaire met votre fiche à jour.",
        "Vous ouvrez la fiche d’une autre personne.",
    ):
        assert said in page, said
    for unsaid in ("jeton", "userinfo", "portées"):
        assert unsaid not in page, unsaid
    for event in Event.objects.about(member):
        assert f"<code>{str(event.reference)[:8]}</code>" in page


@pytest.mark.gdpr("G19")
def test_who_looked_is_told_by_what_they_do_and_never_by_name(member, other_member, dpo, happened):
    page = text_of(browser_of(member).get(PAGE, {"kind": "regards"}))

    assert "Quelqu’un de la structure ouvre votre fiche." in page
    assert "La personne déléguée à la protection des données cherche vos lignes dans le journal." in page
    everything = text_of(browser_of(member).get(PAGE))
    for person in (other_member, dpo):
        for personal in (person.display_name, person.given_name, person.login, str(person.pk)):
            assert personal not in everything


def test_from_where_somebody_else_acted_is_not_told(member, happened):
    page = text_of(browser_of(member).get(PAGE, {"kind": "compte"}))

    assert "Une personne habilitée de la coopérative vous attribue un rôle." in page
    assert "82.64" not in page


def test_from_where_a_stranger_tried_is_told(member):
    with coming_from(lambda: PLACE):
        record(Entry(Action.SIGN_IN_REFUSED, subject=member.pk, refused=True, reason="bad_password"))

    page = text_of(browser_of(member).get(PAGE))

    assert "Une connexion à votre compte est refusée." in page
    assert "82.64" in page


def test_nothing_yet_and_nothing_found_each_say_so(member, happened):
    newcomer = browser_of(make_member("nadia", "Nadia Ferrand"))

    assert "Rien encore" in text_of(newcomer.get(PAGE))
    assert "Personne n’a regardé votre fiche" in text_of(newcomer.get(PAGE, {"kind": "regards"}))
    assert "Rien ne correspond" in text_of(browser_of(member).get(PAGE, {"until": "2020-01-01"}))


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"kind": "tout"}, "Cette sorte n’existe pas."),
        ({"tool": "no-such"}, "Aucune de vos lignes ne parle de cet outil."),
        ({"since": "31/02/26"}, "Cette date n’existe pas."),
        ({"since": "2026-11-18", "until": "2026-11-16"}, "La fin vient avant le début."),
        ({"before": "x"}, "repartez de la première"),
        ({"after": "9" * 30}, "repartez de la première"),
    ],
)
def test_a_criterion_that_cannot_be_read_is_said(member, happened, query, said):
    response = browser_of(member).get(PAGE, query)

    assert response.status_code == 400
    assert said in text_of(response)
    assert 'class="timeline"' not in text_of(response)


def test_a_page_keeps_its_criteria_from_page_to_page(member):
    record_all([Entry(Action.SIGN_IN, Actor(member.pk), member.pk)] * 60)
    browser = browser_of(member)

    first = text_of(browser.get(PAGE, {"kind": "connexions"}))
    link = first[first.index('rel="next" href="') + len('rel="next" href="') :].split('"')[0]
    second = text_of(browser.get(PAGE + link))

    assert (first.count("timeline__item"), second.count("timeline__item")) == (50, 10)
    assert "kind=connexions" in link
    assert 'rel="prev"' in second


def test_lines_whose_key_is_gone_are_nobodys(member, happened):
    PersonKey.objects.filter(person=member.pk).delete()

    assert actions(member) == []


def test_a_stranger_signs_in_first():
    assert Client().get(PAGE).status_code == 302


def test_the_page_takes_few_statements_however_much_there_is(member, happened, django_assert_max_num_queries):
    record_all([Entry(Action.SIGN_IN, Actor(member.pk), member.pk)] * 200)
    browser = browser_of(member)

    # Session and person, what the menu asks, the keys, the tools, the lines, their sheets, the picture.
    with django_assert_max_num_queries(12):
        browser.get(PAGE)


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_line_is_a_sentence_whoever_did_it(action, language, member, other_member, louty):
    for actor in (Actor(member.pk), Actor(other_member.pk), Actor(tool=louty.pk), SYSTEM):
        record(Entry(action, actor, member.pk, louty.pk))
    record(Entry(action, Actor(member.pk), other_member.pk, louty.pk))

    with translation.override(language):
        page = selectors.lines(selectors.keys_of(member.pk), OwnFilter())
        told = [words.tell(event, member.pk) for event in page]

    assert len(told) == 5
    for line in told:
        assert line.sentence.endswith(".")
        assert "{" not in line.sentence
        assert other_member.display_name not in line.sentence


# The picture


def seen(*days, kind=Kind.SIGN_INS):
    return [Seen(day, 10, kind, count) for day, count in days]


@pytest.mark.parametrize(
    ("length", "stretches", "first"),
    [(2, 2, "16/11/2026"), (31, 31, "16/11/2026"), (40, 6, "semaine du 16/11/2026"), (300, 11, "novembre 2026")],
)
def test_the_picture_has_a_bar_for_each_day_week_or_month(length, stretches, first):
    begin = date(2026, 11, 16)

    with translation.override("fr"):
        drawn = activity.picture(seen((begin, 4), (begin + timedelta(days=length - 1), 1)))

    assert len(drawn.stretches) == stretches
    assert drawn.stretches[0] == first
    (lane,) = drawn.lanes
    assert (lane.total, lane.counts[0], lane.counts[-1]) == (5, 4, 1)
    assert [bar.place for bar in lane.bars] == [0, stretches - 1]
    assert [row for _, row in drawn.rows] == [[4], [1]]


def test_the_picture_shows_a_year_and_says_so():
    drawn = activity.picture(seen((date(2024, 1, 1), 9), (date(2026, 11, 16), 1)))

    assert drawn.cut
    assert drawn.lanes[0].total == 1


def test_a_single_day_is_drawn_hour_by_hour():
    day = date(2026, 11, 16)

    drawn = activity.picture([Seen(day, 9, Kind.SIGN_INS, 2), Seen(day, 18, Kind.RELEASES, 1)])

    assert len(drawn.stretches) == 24
    assert [[bar.place for bar in lane.bars] for lane in drawn.lanes] == [[9], [18]]
    assert [row for _, row in drawn.rows] == [[2, 0], [0, 1]]
    assert activity.picture([]) is None


def test_every_kind_has_its_lane_and_the_table_the_same_numbers(member, happened):
    drawn = activity.picture(selectors.hours(selectors.keys_of(member.pk), OwnFilter()))
    page = text_of(browser_of(member).get(PAGE))

    assert {lane.kind for lane in drawn.lanes} == set(Kind)
    assert page.count('class="lanes__strip"') == len(Kind)
    assert [sum(column) for column in zip(*(row for _, row in drawn.rows), strict=True)] == [
        lane.total for lane in drawn.lanes
    ]


def test_the_tools_offered_are_those_of_ones_own_lines(member, other_member, louty, formation, happened):
    record(Entry(Action.CODE_ISSUED, Actor(other_member.pk), other_member.pk, formation.pk))

    assert selectors.tools_in(selectors.keys_of(member.pk)) == [("louty", "Louty")]


def test_an_objection_is_told_without_its_number(member):
    tool = make_tool("agenda", "Agenda")
    services.declare(tool_id=tool.pk, sheet=AGENDA, actor=SYSTEM, now=MONDAY)
    purpose = tool.processings.get().purposes.get(legal_basis="legitimate_interest")
    leave(member, tool, now=TUESDAY)
    services.object_to(member_id=member.pk, purpose_id=purpose.pk, actor=Actor(member.pk), now=TUESDAY)

    (line,) = activity.tell(Event.objects.filter(action=Action.OBJECTED), member.pk)

    assert "opposez" in line.sentence
    assert "opposition" not in dict(line.facts)


def test_the_proof_page_names_the_file_of_keys_in_the_reader_s_language(member):
    page = browser_of(member).get(reverse("consent:proof"), HTTP_ACCEPT_LANGUAGE="en").content.decode()

    assert "--keys keys.txt --lang en" in page
    assert 'download="keys.txt"' in page
    assert "cles.txt" not in page
