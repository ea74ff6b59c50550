"""The officer reads the journal: for a purpose, by pseudonyms, on the record, and nobody else does."""

import re
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from audit import selectors, services
from audit.forms import JournalForm
from audit.models import Event, SavedSearch
from audit.reading import exports, views
from audit.reading.people import PSEUDONYM, People
from audit.services import record, record_all
from audit.types import Action, Actor, Cursor, Entry, EventFilter, Ground, Purpose, Reading
from audit.words import sentence
from directory.models import Collective, DirectorySource
from tests.support.cast import browser_of, make_member, make_tool, reader_of

pytestmark = pytest.mark.django_db
JOURNAL, PURPOSE = reverse("audit:journal"), reverse("audit:purpose")
SEARCH, SEARCHES, ALL = reverse("audit:search"), reverse("audit:searches"), reverse("audit:reveal_all")
EXPORT = reverse("audit:export", args=["csv"])
PAGES = [JOURNAL, PURPOSE, EXPORT, ALL, reverse("audit:reveal", args=["A7F3-K2MD"])]


def text_of(response):
    return plain(unescape(response.content.decode()))


def plain(text):
    return text.replace("\u202f", " ").replace("\u00a0", " ")


def lines(action=Action.JOURNAL_READ):
    return list(Event.objects.filter(action=action).order_by("pk"))


def reading_of(browser):
    kept = browser.session["audit.reading"]
    since = timezone.datetime.fromisoformat(kept["since"])
    return Reading(UUID(kept["id"]), dpo_of(browser), Purpose(kept["purpose"]), kept["case"], since)


def dpo_of(browser):
    return Event.objects.filter(action=Action.READING_OPENED).latest("pk").actor_id


def pseudonym_in(browser, person):
    return People(reading_of(browser)).pseudonym(person.pk)


def searched(browser, **criteria):
    """The page that a search leads to."""
    return browser.post(SEARCH, criteria, follow=True)


# Who may


@pytest.mark.parametrize("url", PAGES)
def test_a_stranger_is_sent_to_sign_in(url):
    response = Client().get(url)

    assert response.status_code == 302
    assert response["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize("url", PAGES)
def test_a_member_who_is_not_the_officer_is_refused_and_that_is_recorded(member, url):
    response = browser_of(member).get(url)

    assert response.status_code == 403
    line = Event.objects.get(action=Action.ACCESS_REFUSED)
    assert (line.actor_id, line.refused, line.reason) == (member.pk, True, "role_missing")
    assert not lines()


@pytest.mark.parametrize("url", [SEARCH, SEARCHES, PURPOSE, ALL])
def test_what_is_sent_by_others_is_refused_as_well(member, url):
    assert browser_of(member).post(url, {"purpose": "internal_control"}).status_code == 403
    assert Event.objects.filter(action=Action.ACCESS_REFUSED).count() == 1


def test_a_member_who_asks_over_and_over_is_few_lines(member, other_member, monkeypatch):
    monkeypatch.setattr(services, "MINUTE", timedelta(days=1))
    asking = browser_of(member)

    answers = {asking.get(EXPORT).status_code for _ in range(services.REFUSED_PAGES_A_MINUTE + 5)}
    browser_of(other_member).get(EXPORT)

    refused = Event.objects.filter(action=Action.ACCESS_REFUSED)
    assert answers == {403}
    assert refused.done_by(member).count() == services.REFUSED_PAGES_A_MINUTE
    assert refused.done_by(other_member).count() == 1


def test_other_roles_do_not_open_the_journal(member):
    member.role_grants.create(role="technician")
    member.role_grants.create(role="office")

    assert browser_of(member).get(JOURNAL).status_code == 403


# Why


@pytest.mark.gdpr("G34")
@pytest.mark.parametrize("url", [JOURNAL, EXPORT, ALL])
def test_nothing_is_read_before_it_is_said_why(dpo, happened, url):
    response = browser_of(dpo).get(url, {"result": "refused"})

    assert response.status_code == 302
    assert urlsplit(response["Location"]).path == PURPOSE
    assert parse_qs(urlsplit(response["Location"]).query)["next"] == [f"{url}?result=refused"]
    assert not lines()


def test_whoever_said_why_goes_on_to_where_they_were_going_and_it_is_on_the_record(dpo, happened):
    browser = browser_of(dpo)

    answer = browser.post(PURPOSE, {"purpose": "member_request", "case": "2026-17", "next": f"{JOURNAL}?tool=louty"})
    page = text_of(browser.get(answer["Location"]))

    assert answer["Location"] == f"{JOURNAL}?tool=louty"
    assert 'data-purpose="member_request"' in page
    assert "dossier 2026-17" in page
    (said,) = lines(Action.READING_OPENED)
    (read,) = lines()
    assert (said.actor_id, said.facts["purpose"], said.facts["case"]) == (dpo.pk, "member_request", "2026-17")
    assert {**read.facts, "page": "audit:journal"} == {**said.facts, "filters": ["tool"]}


ELSEWHERE = [
    "https://evil.example/journal/",
    "//evil.example",
    "/compte/",
    "",
    "/journal",
    "/journal/../compte/",
    "/journal/..//evil.example/",
    "/journal/%2e%2e/compte/",
    "/journal/..\\compte/",
    "/journal/\t../compte/",
    "/journal/no-such-page/",
]


@pytest.mark.parametrize("address", ELSEWHERE)
def test_saying_why_leads_to_the_journal_and_nowhere_else(dpo, address):
    answer = browser_of(dpo).post(PURPOSE, {"purpose": "internal_control", "next": address})

    assert answer["Location"] == JOURNAL


@pytest.mark.parametrize("address", ELSEWHERE)
def test_a_name_that_was_shown_leads_to_the_journal_and_nowhere_else(dpo, member, happened, address):
    browser = reader_of(dpo)
    url = reverse("audit:reveal", args=[pseudonym_in(browser, member)])

    assert browser.post(url, {"ground": "answer", "next": address})["Location"] == JOURNAL


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"purpose": "curiosity"},
        {"purpose": "internal_control", "case": "Amélie"},
        {"purpose": "internal_control", "case": "Amelie.Roux-1984"},
        {"purpose": "internal_control", "case": "1984roux"},
    ],
)
def test_a_purpose_is_one_of_the_list_and_a_case_is_a_number(dpo, form):
    browser = browser_of(dpo)

    answer = browser.post(PURPOSE, {**form, "next": EXPORT})

    assert answer.status_code == 422
    assert f'value="{EXPORT}"' in answer.content.decode()
    assert browser.get(JOURNAL).status_code == 302
    assert not lines(Action.READING_OPENED)


def test_after_half_an_hour_it_is_asked_again(dpo, happened):
    browser = reader_of(dpo)
    session = browser.session
    kept = session["audit.reading"]
    session["audit.reading"] = {**kept, "since": (timezone.now() - timedelta(minutes=31)).isoformat()}
    session.save()

    assert urlsplit(browser.get(JOURNAL)["Location"]).path == PURPOSE


def test_a_search_that_came_too_late_is_sent_again_with_all_that_was_typed(dpo, member, happened):
    browser = browser_of(dpo)

    asked = browser.post(SEARCH, {"member": "Amélie", "result": "refused"})
    page = asked.content.decode()
    answer = browser.post(
        PURPOSE, {"purpose": "member_request", "next": SEARCH, "again": "True", "member": "Amélie", "result": "refused"}
    )

    assert 'type="hidden" name="member" value="Amélie"' in page
    assert 'name="result" value="refused"' in page
    assert (answer.status_code, answer["Location"]) == (307, SEARCH)


@pytest.mark.parametrize("url", [ALL, SEARCHES])
def test_what_came_too_late_keeps_the_criteria_of_its_address(dpo, happened, url):
    browser = browser_of(dpo)

    asked = browser.post(f"{url}?tool=louty", {"name": "Louty"})
    answer = browser.post(PURPOSE, {"purpose": "internal_control", "next": f"{url}?tool=louty", "again": "True"})

    assert f'name="next" value="{url}?tool=louty"' in asked.content.decode()
    assert (answer.status_code, answer["Location"]) == (307, f"{url}?tool=louty")


def test_the_purpose_of_one_is_not_that_of_another_in_the_same_browser(dpo, member):
    browser = reader_of(dpo)
    kept = browser.session["audit.reading"]
    member.role_grants.create(role="dpo")
    other = browser_of(member)
    session = other.session
    session["audit.reading"] = kept
    session.save()

    assert other.get(JOURNAL).status_code == 302


# Who is who


@pytest.mark.gdpr("G25")
def test_people_appear_under_pseudonyms(dpo, member, other_member, happened):
    browser = reader_of(dpo)

    page = text_of(browser.get(JOURNAL))

    assert f"Membre {pseudonym_in(browser, member)} se connecte." in page
    for person in (member, other_member):
        for personal in (person.display_name, person.login, person.family_name, str(person.pk)):
            assert personal not in page
    assert f"{dpo.display_name} consulte le journal." in page


def test_a_pseudonym_is_the_same_for_the_same_case_and_no_other(dpo, member, settings):
    reading = Reading(uuid4(), dpo.pk, Purpose.MEMBER_REQUEST, "2026-17", timezone.now())

    def called(**other):
        values = {each: getattr(reading, each) for each in ("id", "reader", "purpose", "case", "since")} | other
        return People(Reading(**values)).pseudonym(member.pk)

    first = called()
    others = [called(case="2026-18"), called(purpose=Purpose.SECURITY_INCIDENT), called(reader=uuid4())]
    settings.KEY_ENCRYPTION_KEY = "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA="

    assert PSEUDONYM.fullmatch(first)
    assert called() not in (first, *others), "nobody finds it out without the hub's key"
    assert len({first, *others}) == 4


def test_the_same_words_with_another_reading_are_the_same_pseudonym(dpo, member):
    names = {
        People(Reading(uuid4(), dpo.pk, Purpose.MEMBER_REQUEST, "", timezone.now())).pseudonym(member.pk)
        for _ in range(3)
    }

    assert len(names) == 1


def test_one_name_is_shown_for_a_reason_and_the_person_can_see_that(dpo, member, other_member, happened):
    browser = reader_of(dpo, purpose="member_request")
    url = reverse("audit:reveal", args=[pseudonym_in(browser, member)])

    asked = browser.get(url, {"next": f"{JOURNAL}?tool=louty"})
    without = browser.post(url, {"next": f"{JOURNAL}?tool=louty"})
    answer = browser.post(url, {"ground": "answer", "next": f"{JOURNAL}?tool=louty"})
    page = text_of(browser.get(JOURNAL))

    assert (asked.status_code, without.status_code) == (200, 422)
    assert answer["Location"] == f"{JOURNAL}?tool=louty"
    assert "Amélie Roux se connecte." in page
    assert other_member.display_name not in page
    (line,) = lines(Action.PERSON_REVEALED)
    assert (line.actor_id, line.subject_id) == (dpo.pk, member.pk)
    assert (line.facts["ground"], line.facts["purpose"]) == ("answer", "member_request")


def test_whoever_was_looked_for_reads_so_with_the_purpose(dpo, member, happened):
    reader_of(dpo, purpose="authority_request").post(SEARCH, {"member": "Amélie"}, follow=True)

    page = text_of(browser_of(member).get(reverse("consent:activity"), {"kind": "regards"}))

    told = page[page.index('<ol class="timeline">') :].split("</ol>")[0]
    assert "La personne déléguée à la protection des données lit votre nom dans le journal." in told
    assert "La personne déléguée à la protection des données cherche vos lignes dans le journal." in told
    assert told.count("Demande d’une autorité") == 2


def test_a_name_is_shown_for_one_reading_only(dpo, member, happened):
    browser = reader_of(dpo)
    browser.post(reverse("audit:reveal", args=[pseudonym_in(browser, member)]), {"ground": "answer"})
    browser.post(PURPOSE, {"purpose": "internal_control"})

    assert member.display_name not in text_of(browser.get(JOURNAL))


@pytest.mark.parametrize("pseudonym", ["A7F3-K2MD", "a7f3-k2md", "A7F3", "A7F3-K2MDX", "A7F3-KIMD"])
def test_a_pseudonym_that_nobody_has_is_not_found(dpo, happened, pseudonym):
    assert reader_of(dpo).get(f"/journal/personnes/{pseudonym}/").status_code == 404


def test_all_names_of_a_result_are_a_line_about_each(dpo, member, other_member, happened):
    browser = reader_of(dpo)

    asked = text_of(browser.get(ALL, {"action": Action.DISCLOSED.value}))
    answer = reveal_all(browser, action=Action.DISCLOSED.value)
    page = text_of(browser.get(JOURNAL))

    assert "Montrer le nom de 2 personnes" in asked
    assert answer["Location"] == f"{JOURNAL}?action=consent%3Adata%3Adisclose"
    assert "Amélie Roux" in page
    assert "Bachir Haddad" in page
    told = lines(Action.PERSON_REVEALED)
    assert {line.subject_id for line in told} == {member.pk, other_member.pk}
    assert {line.facts["together"] for line in told} == {2}


def test_where_every_name_is_shown_already_there_is_nothing_to_ask(dpo, happened):
    browser = reader_of(dpo)
    reveal_all(browser, since="2020-01-01")

    assert browser.get(ALL, {"since": "2020-01-01"})["Location"] == f"{JOURNAL}?since=2020-01-01"
    assert len(lines(Action.PERSON_REVEALED)) == 2


def test_too_many_names_at_once_are_refused_and_that_is_recorded(dpo, happened, monkeypatch):
    monkeypatch.setattr(views, "MOST_REVEALED", 1)
    browser = reader_of(dpo)

    answer = browser.post(f"{ALL}?since=2020-01-01", {"ground": "investigate"})

    assert answer.status_code == 422
    assert 'id="too-many"' in answer.content.decode()
    (line,) = lines(Action.PERSON_REVEALED)
    assert (line.refused, line.reason, line.subject_id) == (True, "too_many_people", None)
    assert "Amélie" not in text_of(browser.get(JOURNAL))


def test_everybody_at_once_is_refused_and_that_is_recorded(dpo, happened):
    browser = reader_of(dpo)

    offered = browser.get(JOURNAL).content.decode()
    answer = browser.post(ALL, {"ground": "investigate", "shown": shown(browser, since="2020-01-01")})

    assert 'id="journal-reveal"' not in offered
    assert answer.status_code == 422
    assert 'id="no-criteria"' in answer.content.decode()
    (line,) = lines(Action.PERSON_REVEALED)
    assert (line.refused, line.reason, line.subject_id) == (True, "no_criteria", None)


def test_people_who_were_not_shown_yet_are_shown_before_their_names(dpo, member, other_member, happened):
    browser = reader_of(dpo)
    seen = shown(browser, action=Action.DISCLOSED.value)
    third = make_member("chloe", "Chloé Petit")
    record(Entry(Action.DISCLOSED, Actor(third.pk), third.pk))

    url = f"{ALL}?action={Action.DISCLOSED.value}"
    answers = [browser.post(url, {"ground": "investigate", **sent}) for sent in ({}, {"shown": seen})]
    before = lines(Action.PERSON_REVEALED)
    again = reveal_all(browser, action=Action.DISCLOSED.value)

    assert [answer.status_code for answer in answers] == [409, 409]
    assert 'id="people-changed"' in answers[1].content.decode()
    assert "Montrer le nom de 3 personnes" in text_of(answers[1])
    assert before == []
    assert again.status_code == 302
    assert len(lines(Action.PERSON_REVEALED)) == 3


def test_whether_anybody_is_in_a_result_is_told_on_the_record_only(dpo, member, happened):
    browser = reader_of(dpo, purpose="member_request")

    about = {"member": pseudonym_in(browser, member)}

    answers = [browser.get(ALL, {**about, **more}).status_code for more in ({}, {"result": "refused"})]

    assert answers == [200, 302]
    assert [(line.subject_id, line.facts["view"]) for line in lines()] == [(member.pk, "reveal_all")] * 2


def shown(browser, **criteria):
    """What the page says of whom it would name."""
    return re.search(r'name="shown" value="(\w+)"', browser.get(ALL, criteria).content.decode())[1]


def reveal_all(browser, **criteria):
    address = f"{ALL}?{urlencode(criteria)}"
    return browser.post(address, {"ground": "investigate", "shown": shown(browser, **criteria)})


def test_a_reason_for_names_is_one_of_those_that_are_offered(dpo, member, happened):
    browser = reader_of(dpo)
    url = reverse("audit:reveal", args=[pseudonym_in(browser, member)])

    assert browser.post(url, {"ground": Ground.SEARCHED.value}).status_code == 422
    assert not lines(Action.PERSON_REVEALED)


# Looking for somebody


@pytest.mark.parametrize("text", ["Amélie", "amelie.roux"])
def test_a_name_that_is_looked_for_is_in_no_address_and_the_person_can_see_it(dpo, member, happened, text):
    browser = reader_of(dpo, purpose="member_request")

    answer = browser.post(SEARCH, {"member": text, "result": "accepted"})
    page = text_of(browser.get(answer["Location"]))

    assert answer["Location"] == f"{JOURNAL}?member={pseudonym_in(browser, member)}&result=accepted"
    assert "Amélie Roux se connecte." in page
    assert "Bachir" not in page
    (told,) = lines(Action.PERSON_REVEALED)
    (read,) = lines()
    assert (told.actor_id, told.subject_id, told.facts["ground"]) == (dpo.pk, member.pk, "searched")
    assert (read.subject_id, read.facts["filters"]) == (member.pk, ["member", "result"])
    assert [line.facts["results"] for line in lines(Action.MEMBERS_SEARCHED)] == [1]
    assert text not in str([event.facts for event in Event.objects.all()])


def test_looking_again_for_whom_one_has_found_is_no_second_reveal(dpo, member, happened):
    browser = reader_of(dpo)

    for _ in range(2):
        browser.post(SEARCH, {"member": "Amélie"})

    assert len(lines(Action.PERSON_REVEALED)) == 1


def test_whoever_is_looked_for_by_a_pseudonym_keeps_it_and_can_see_it(dpo, member, happened):
    browser = reader_of(dpo)
    pseudonym = pseudonym_in(browser, member)

    page = text_of(searched(browser, member=pseudonym.lower()))

    assert f"Membre {pseudonym} se connecte." in page
    assert "Amélie" not in page
    assert not lines(Action.PERSON_REVEALED)
    assert lines()[-1].subject_id == member.pk


def test_of_several_people_of_a_name_one_is_chosen_before_anything_is_read(dpo, member, happened):
    namesake = make_member("amelie.faure", "Amélie Faure")
    browser = reader_of(dpo)

    asked = browser.post(SEARCH, {"member": "amelie", "tool": "louty"})
    page = text_of(asked)
    before = [*lines(), *lines(Action.PERSON_REVEALED)]
    pseudonyms = [pseudonym_in(browser, each) for each in (member, namesake)]
    answer = searched(browser, member=choice_in(page, "Amélie Roux"), tool="louty")

    assert "Amélie Roux" in page
    assert "Amélie Faure" in page
    assert '<input type="hidden" name="tool" value="louty">' in page
    assert before == []
    assert not [each for each in pseudonyms if each in page]
    assert "Louty reçoit des données sur Amélie Roux." in text_of(answer)
    assert [line.subject_id for line in lines(Action.PERSON_REVEALED)] == [member.pk]
    assert not Event.objects.about(namesake).exists()


def choice_in(page, name):
    return re.search(rf'value="(\w+)">[^<]*<span class="visually-hidden"> {name}<', page)[1]


def test_what_was_chosen_in_another_reading_is_nobody(dpo, member, happened):
    make_member("amelie.faure", "Amélie Faure")
    browser = reader_of(dpo)
    choice = choice_in(text_of(browser.post(SEARCH, {"member": "amelie"})), "Amélie Roux")
    browser.post(PURPOSE, {"purpose": "internal_control"})

    answer = browser.post(SEARCH, {"member": choice})

    assert answer.status_code == 400
    assert "Cette liste a trop attendu" in text_of(answer)
    assert not lines(Action.PERSON_REVEALED)


def test_a_choice_is_none_in_an_address(dpo, member, happened):
    browser = reader_of(dpo)

    assert browser.get(JOURNAL, {"member": People(reading_of(browser)).choice(member.pk)}).status_code == 400


def test_a_name_in_an_address_is_not_looked_for(dpo, member, happened):
    answer = reader_of(dpo).get(JOURNAL, {"member": "Amélie"})

    assert answer.status_code == 400
    assert "Un nom ne va pas dans une adresse" in text_of(answer)
    assert not lines()


def test_a_pseudonym_of_another_case_leads_to_nobody(dpo, member, happened):
    pseudonym = pseudonym_in(reader_of(dpo, case="1"), member)

    assert "Personne n’a ce pseudonyme" in text_of(reader_of(dpo, case="2").get(JOURNAL, {"member": pseudonym}))


def test_nobody_of_this_name_says_so(dpo, happened):
    page = text_of(reader_of(dpo).post(SEARCH, {"member": "zzz"}))

    assert "Aucun membre de ce nom." in page
    assert 'value="zzz"' in page


@pytest.mark.parametrize(("text", "results"), [("Roux", 1), ("zzz", 0)])
def test_a_name_that_is_looked_for_beside_what_cannot_be_read_is_on_the_record(dpo, member, text, results):
    answer = reader_of(dpo).post(SEARCH, {"member": text, "since": "x"})

    assert answer.status_code == 400
    (line,) = lines(Action.MEMBERS_SEARCHED)
    assert (line.actor_id, line.facts["results"], line.facts["purpose"]) == (dpo.pk, results, "internal_control")


# Looking for words


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("reçoit données", [Action.DISCLOSED, Action.DISCLOSED]),
        ("RECOIT donnees louty", [Action.DISCLOSED]),
        ("lout", [Action.DISCLOSED]),
        ("connexion refusée", [Action.SIGN_IN_REFUSED]),
        ("injoignable", [Action.SYNC_FAILED]),
        ("annuaire échoue", [Action.SYNC_FAILED]),
        ("membre connecte", [Action.SIGN_IN, Action.SIGN_IN]),
        ("refus", [Action.SIGN_IN_REFUSED]),
        ("reçoit connecte", []),
        ("l’annuaire", [Action.SYNC_FAILED]),
    ],
)
def test_words_are_found_in_the_sentences_as_they_are_shown(dpo, happened, words, found):
    assert actions(dpo, words=words) == found


def test_a_line_names_the_directory_and_the_collective_that_it_is_about(dpo, happened, django_assert_num_queries):
    one, two = (DirectorySource.objects.create(name=name) for name in ("Annuaire Garance", "Annuaire Pastel"))
    pole = Collective.objects.create(name="Teinturerie", slug="teinturerie")
    record(
        Entry(Action.SOURCE_ADDED, Actor(member=dpo.pk), facts={"source": one.pk}),
        Entry(Action.SYNC_APPLIED, facts={"run": 1, "source": two.pk}),
        Entry(
            Action.COLLECTIVE_MARKED, Actor(member=dpo.pk), facts={"collective": str(pole.pk), "change": "sensitive"}
        ),
        Entry(Action.SYNC_APPLIED, facts={"run": 1}),
        Entry(Action.COLLECTIVE_CHANGED, facts={"collective": str(uuid4())}),
        Entry(Action.SYNC_ASKED, Actor(member=dpo.pk), facts={"source": 4711}),
    )
    one.name = "Annuaire Indigo"
    one.save()

    with django_assert_num_queries(3):
        events = selectors.page(selectors.events(EventFilter()), Cursor(), size=6).events
        said = [plain(sentence(event)) for event in reversed(events)]

    assert said == [
        f"{dpo} ajoute un annuaire : Annuaire Indigo.",
        "L’annuaire est synchronisé : Annuaire Pastel.",
        f"{dpo} dit si un collectif est sensible : Teinturerie.",
        "L’annuaire est synchronisé : annuaire non précisé.",
        "Un collectif suit l’annuaire : collectif supprimé.",
        f"{dpo} demande une synchronisation de l’annuaire : annuaire supprimé n° 4711.",
    ]
    assert said == [plain(sentence(Event.objects.get(pk=event.pk))) for event in reversed(events)]
    assert actions(dpo, words="indigo") == [Action.SOURCE_ADDED]
    assert actions(dpo, words="teinturerie") == [Action.COLLECTIVE_MARKED]
    exported = [plain(row[3]) for row in exports.table(selectors.events(EventFilter()), people_of(dpo)) if row[3:]]
    assert said[1] in exported


def test_words_are_found_in_the_language_of_the_reader(dpo, happened):
    with translation.override("en"):
        assert actions(dpo, words="receives data") == [Action.DISCLOSED, Action.DISCLOSED]
        assert "No sentence" in form_of(dpo, words="reçoit").errors["words"][0]


def test_a_pseudonym_is_a_word_too(dpo, member, happened):
    reading = Reading(uuid4(), dpo.pk, Purpose.INTERNAL_CONTROL, "", timezone.now())
    pseudonym = People(reading).pseudonym(member.pk)

    assert actions(dpo, words=f"{pseudonym} connecte") == [Action.SIGN_IN]


@pytest.mark.parametrize("url", [JOURNAL, EXPORT, reverse("audit:pictures"), ALL])
def test_whoever_is_found_by_a_word_can_see_it(dpo, member, other_member, happened, url):
    browser = reader_of(dpo)
    one, two = (pseudonym_in(browser, each) for each in (member, other_member))

    for words in (f"{one} connecte", f"{two} {one} {one}"):
        browser.get(url, {"words": words})

    assert [line.subject_id for line in lines()] == [member.pk, other_member.pk, member.pk]
    assert {"member"} & {name for line in lines() for name in line.facts["filters"]} == set()


def test_whoever_is_looked_for_twice_at_once_has_one_line(dpo, member, happened):
    browser = reader_of(dpo)
    pseudonym = pseudonym_in(browser, member)

    browser.get(JOURNAL, {"member": pseudonym, "words": pseudonym})

    assert [line.subject_id for line in lines()] == [member.pk]


def test_a_name_is_no_word_and_gets_into_no_address(dpo, happened):
    browser = reader_of(dpo)

    answer = browser.post(SEARCH, {"words": "amélie connecte"})

    assert answer.status_code == 400
    page = text_of(answer)
    told = page[page.index('id="journal-errors"') :].partition("</div>")[0]
    assert '<a href="#id_words">Mots ou référence</a> : Aucune phrase' in told
    assert "ne contient « amelie »" in told
    assert "les mots d’une phrase, un outil, un motif, un pseudonyme, une référence" in told


@pytest.mark.parametrize("words", ["a", "l’", "…", "A7F3-K2MD"])
def test_what_no_sentence_can_have_finds_no_line_and_says_so(dpo, happened, words):
    assert "Aucune phrase du journal ne contient" in form_of(dpo, words=words).errors["words"][0]


@pytest.mark.parametrize("signs", [8, 13, 18, 23, 36])
@pytest.mark.parametrize("write", [str, str.upper, " {}, ".format])
def test_a_line_is_found_by_the_beginning_of_its_reference(dpo, happened, signs, write):
    line = Event.objects.order_by("pk").first()

    found = form_of(dpo, words=write(str(line.reference)[:signs]))

    assert found.is_valid(), found.errors
    assert [event.pk for event in found.rows] == [line.pk]


def test_a_reference_of_no_line_finds_none_and_is_one_condition_among_others(dpo, member, happened):
    line = Event.objects.filter(action=Action.SIGN_IN).first()
    other = "00000000" if str(line.reference)[0] != "0" else "ffffffff"

    assert actions(dpo, words=other) == []
    assert actions(dpo, words=f"connecte {str(line.reference)[:8]}") == [Action.SIGN_IN]
    assert actions(dpo, words=f"retire {str(line.reference)[:8]}") == []


@pytest.mark.parametrize("signs", [7, 9, 12, 35])
def test_what_is_no_whole_group_of_a_reference_finds_no_line_and_says_so(dpo, happened, signs):
    reference = "deadbeef-dead-4bee-8bee-deadbeefdead"

    assert "référence" in form_of(dpo, words=reference[:signs]).errors["words"][0]


def test_a_line_of_a_closed_tool_is_found_by_its_name(dpo, member):
    tool = make_tool("vieux", "Vieux carnet", state="closed")
    record(Entry(Action.TOOL_CLOSED, Actor(member.pk), tool=tool.pk))

    assert actions(dpo, words="vieux") == [Action.TOOL_CLOSED]


def people_of(dpo):
    return People(Reading(uuid4(), dpo.pk, Purpose.INTERNAL_CONTROL, "", timezone.now()))


def form_of(dpo, **criteria):
    return JournalForm(criteria, people_of(dpo))


def actions(dpo, **criteria):
    form = form_of(dpo, **criteria)
    assert form.is_valid(), form.errors
    return [event.action for event in form.rows.order_by("pk")]


def test_a_period_is_counted_from_today(dpo, member):
    now = timezone.now()
    for days in (0, 5, 20, 100, 400):
        record(Entry(Action.SIGN_IN, Actor(member.pk), member.pk, at=now - timedelta(days=days)))

    found = [len(actions(dpo, period=each, by="self")) for each in ("day", "week", "month", "half", "")]

    assert found == [1, 2, 3, 4, 5]
    assert len(actions(dpo, period="day", since="2020-01-01", by="self")) == 5


# The page


def test_the_officer_reads_sentences_references_and_refusals(dpo, happened):
    page = text_of(reader_of(dpo).get(JOURNAL))

    for said in ("Louty reçoit des données sur Membre", "Adresse e-mail", "bad_password"):
        assert said in page, said
    assert str(Event.objects.latest("pk").reference) in page


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"since": "2026-02-31"}, "Cette date n’existe pas"),
        ({"until": "hier"}, "Cette date n’existe pas"),
        ({"since": "2026-11-18", "until": "2026-11-16"}, "La fin vient avant le début."),
        ({"tool": "no-such"}, "Aucun outil « no-such »."),
        ({"action": "idp:nothing"}, "Aucune action « idp:nothing »."),
        ({"before": "x"}, "repartez de la première"),
        ({"after": "9" * 30}, "repartez de la première"),
        ({"hour": "24"}, "repartez de la première"),
        ({"member": "a\x00b"}, "Membre"),
        ({"period": "century"}, "Période"),
    ],
)
def test_a_criterion_that_cannot_be_read_is_said_and_nothing_is_lost(dpo, happened, query, said):
    browser = reader_of(dpo)

    for response in (
        browser.get(JOURNAL, {"words": "connecte", **query}),
        browser.post(SEARCH, {"words": "connecte", **query}),
    ):
        page = text_of(response)
        assert response.status_code == 400
        assert said in page
        assert "journal-table" not in page
        assert 'value="connecte"' in page
    assert not lines()


def test_a_date_that_no_calendar_knows_stays_where_it_was_typed(dpo):
    page = text_of(reader_of(dpo).get(JOURNAL, {"since": "31/02/26", "until": "2026-11-16"}))

    assert '<input type="text" name="since" value="31/02/26"' in page
    assert '<input type="date" name="until" value="2026-11-16"' in page


def test_nothing_found_says_so_and_offers_a_way_on(dpo, happened):
    page = text_of(reader_of(dpo).get(JOURNAL, {"action": Action.KEY_GONE.value}))

    assert "Rien ne correspond à ces critères." in page
    assert "Voir tout le journal" in page


def test_a_page_keeps_its_criteria_from_page_to_page(dpo, member):
    record_all([Entry(Action.SIGN_IN, Actor(member=member.pk), member.pk)] * 60)
    browser = reader_of(dpo)

    first = text_of(searched(browser, action=Action.SIGN_IN.value, member="amelie"))
    link = re.search(r'rel="next" href="([^"]+)"', first)[1]
    second = text_of(browser.get(JOURNAL + link))

    assert first.count('role="row" data-action') == 50
    assert second.count('role="row" data-action') == 10
    assert "amelie" not in link.lower()


def test_markup_in_a_name_stays_text(dpo, db):
    person = make_member("robert", "<script>alert(1)</script>")
    record(Entry(Action.SIGN_IN, Actor(member=person.pk), person.pk))
    browser = reader_of(dpo)

    answer = searched(browser, member="robert")

    assert b"<script>alert" not in answer.content
    assert b"&lt;script&gt;alert" in answer.content


def test_the_page_takes_few_statements(dpo, happened, django_assert_max_num_queries):
    browser = reader_of(dpo)
    browser.get(JOURNAL)

    # Session, person, roles; the form's tools and reasons, this reading's line with its part in a savepoint, the lines,
    # the names that were asked for, the searches that were kept;
    # for the words, the names of directories and collectives.
    with django_assert_max_num_queries(17):
        browser.get(JOURNAL, {"result": "refused", "words": "connexion"})


# What is kept


def test_criteria_are_kept_under_a_name_without_whom_they_were_about(dpo, member, happened):
    browser = reader_of(dpo)
    query = f"member={pseudonym_in(browser, member)}&result=refused&period=week"

    browser.post(f"{SEARCHES}?{query}", {"name": "Refus de la semaine"})
    browser.post(f"{SEARCHES}?result=refused&period=month", {"name": "Refus du mois"})
    page = text_of(browser.get(JOURNAL))

    assert 'href="/journal/?period=week&result=refused">Refus de la semaine' in page
    assert [each.query for each in selectors.saved_searches(dpo.pk)] == [
        "period=week&result=refused",
        "period=month&result=refused",
    ]


def test_a_search_of_the_same_name_takes_the_place_of_the_other(dpo):
    browser = reader_of(dpo)
    for result in ("refused", "accepted"):
        browser.post(f"{SEARCHES}?result={result}", {"name": "Résultats"})

    assert SavedSearch.objects.get().query == "result=accepted"


def test_what_is_kept_is_its_owners_alone(dpo, member):
    member.role_grants.create(role="dpo")
    mine, other = reader_of(dpo), reader_of(member)
    mine.post(f"{SEARCHES}?result=refused", {"name": "Refus"})
    kept = SavedSearch.objects.get()

    other.post(SEARCHES, {"drop": kept.pk})
    seen = text_of(other.get(JOURNAL))
    for number in ("9" * 30, "x", "١"):
        assert mine.post(SEARCHES, {"drop": number}).status_code == 302
    still = SavedSearch.objects.count()
    mine.post(SEARCHES, {"drop": kept.pk})

    assert ">Refus<" not in seen
    assert (still, SavedSearch.objects.count()) == (1, 0)


@pytest.mark.parametrize("name", ["", "x" * 61])
def test_a_name_that_does_not_do_is_said_beside_its_field(dpo, happened, name):
    answer = reader_of(dpo).post(f"{SEARCHES}?result=refused", {"name": name})

    assert answer.status_code == 422
    assert 'id="keep-search" open' in answer.content.decode()
    assert len(lines()) == 1, "its page has lines of the journal on it"


def test_there_is_an_end_to_what_is_kept(dpo, monkeypatch):
    monkeypatch.setattr(views, "MOST_SEARCHES", 1)
    browser = reader_of(dpo)
    browser.post(SEARCHES, {"name": "Une"})

    assert "1 au plus" in text_of(browser.post(SEARCHES, {"name": "Deux"}))
    assert SavedSearch.objects.count() == 1
