"""The journal in pictures: every line is in a bar, every bar leads to its lines, and a table says the same."""

import re
from datetime import datetime, timedelta
from html import unescape
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse
from django.utils import timezone

from audit.models import Event
from audit.reading.pictures import HEIGHT, MOST_ROWS, WIDTH
from audit.services import record, record_all
from audit.types import Action, Actor, Entry
from tests.support.cast import browser_of, make_tool, reader_of

pytestmark = pytest.mark.django_db
PICTURES = reverse("audit:pictures")
PARIS = ZoneInfo("Europe/Paris")
FEBRUARY = datetime(2026, 2, 3, 9, 30, tzinfo=PARIS)


def text_of(response):
    return unescape(response.content.decode()).replace("\u202f", " ").replace("\u00a0", " ")


def bars_of(page):
    """Of the time line: (address, what it says, x, and the heights of what was accepted and refused)."""
    found = []
    for bar in re.findall(r'<a href="([^"]+)" tabindex="-1" aria-label="([^"]+)">(.*?)</a>', page, re.S):
        rect = r'class="line-chart__(\w+)" x="([\d.]+)" y="[\d.]+" width="[\d.]+" height="([\d.]+)'
        rects = re.findall(rect, bar[2])
        heights = {kind: float(height) for kind, _, height in rects}
        found.append((bar[0], bar[1], float(rects[0][1]), heights.get("accepted", 0), heights.get("refused", 0)))
    return found


def table_of(page, title):
    table = page[page.index(f">{title}</h2>") :].split("</table>")[0]
    row = r'<tr><th scope="row"><a href="([^"]+)">([^<]+)</a>.*?<td class="number">(\d+)'
    rows = re.findall(row, table, re.S)
    return [(label, int(count), address) for address, label, count in rows]


@pytest.fixture
def february(member, louty):
    """Six lines on two days of one month."""
    Event.objects.all()._raw_delete("default")
    record(
        Entry(Action.SIGN_IN, Actor(member.pk), member.pk, at=FEBRUARY),
        Entry(Action.DISCLOSED, Actor(tool=louty.pk), member.pk, louty.pk, at=FEBRUARY + timedelta(hours=1)),
        Entry(Action.DISCLOSED, Actor(tool=louty.pk), member.pk, louty.pk, at=FEBRUARY + timedelta(hours=1)),
        Entry(Action.SIGN_IN, Actor(member.pk), member.pk, at=FEBRUARY + timedelta(days=4)),
        Entry(Action.SIGN_IN_REFUSED, subject=member.pk, refused=True, reason="bad_password", at=FEBRUARY),
        Entry(Action.TOKEN_REFUSED, Actor(tool=louty.pk), refused=True, reason="wrong", at=FEBRUARY),
    )


MONTH = {"since": "2026-02-01", "until": "2026-02-28"}


def test_others_do_not_see_them_and_the_officer_says_why_first(dpo, member):
    assert browser_of(member).get(PICTURES).status_code == 403
    assert Event.objects.get(action=Action.ACCESS_REFUSED).facts == {"page": "audit:pictures"}
    assert browser_of(dpo).get(PICTURES)["Location"].startswith(reverse("audit:purpose"))


def test_every_day_with_lines_is_a_bar_as_tall_as_they_are_many(dpo, february):
    page = text_of(reader_of(dpo).get(PICTURES, MONTH))

    first, second = bars_of(page)

    assert "6 lignes" in page
    assert "dont 2 refus" in page
    assert (first[1], second[1]) == ("3 février 2026 : 5", "7 février 2026 : 1")
    assert (first[3], first[4]) == (HEIGHT * 3 / 5, HEIGHT * 2 / 5)
    assert (second[3], second[4]) == (HEIGHT / 5, 0)
    assert second[2] - first[2] == pytest.approx(4 * WIDTH / 28, abs=0.1)


def test_a_bar_leads_to_a_narrower_picture_and_at_last_to_its_lines(dpo, february):
    browser = reader_of(dpo)
    day = text_of(browser.get(bars_of(text_of(browser.get(PICTURES, MONTH)))[0][0]))
    hours = bars_of(day)

    page = text_of(browser.get(hours[1][0]))

    assert [said for _, said, *_ in hours] == ["03/02/2026, 9 h 00 : 3", "03/02/2026, 10 h 00 : 2"]
    assert hours[1][0].startswith(reverse("audit:journal"))
    assert re.findall(r'<tr role="row" data-action="([^"]+)"', page) == [Action.DISCLOSED.value] * 2


def test_the_table_says_the_same_as_the_picture(dpo, february):
    page = text_of(reader_of(dpo).get(PICTURES, MONTH))
    table = page[page.index('id="time-table"') :].split("</table>")[0]

    rows = re.findall(r'<a href="([^"]+)">([^<]+)</a></th><td class="number">(\d+)', table)

    assert [(address, f"{label} : {count}") for address, label, count in rows] == [bar[:2] for bar in bars_of(page)]


def test_lines_are_counted_by_family_action_tool_and_reason(dpo, february):
    browser = reader_of(dpo)
    page = text_of(browser.get(PICTURES, MONTH))

    def counted(title):
        return [(label, count) for label, count, _ in table_of(page, title)]

    assert counted("Par résultat") == [("Accepté", 4), ("Refusé", 2)]
    assert counted("Par famille") == [("Ouvertures d’outils et transmissions", 3), ("Connexions et courriers", 3)]
    assert counted("Par action")[0] == ("Données transmises à un outil", 2)
    assert counted("Par outil") == [("Louty", 3)]
    assert {count for _, count in counted("Par motif")} == {1}
    for title in ("Par résultat", "Par famille", "Par action", "Par outil", "Par motif"):
        for _, count, address in table_of(page, title):
            lines = text_of(browser.get(address)).count('<tr role="row" data-action')
            assert lines == count, (title, address)


@pytest.mark.parametrize(
    ("criteria", "said"),
    [
        ({"since": "2026-02-03", "until": "2026-02-03"}, "Heure par heure"),
        ({"since": "2026-02-01", "until": "2026-04-30"}, "Jour par jour"),
        ({"since": "2025-12-01", "until": "2026-10-30"}, "Semaine par semaine"),
        ({"since": "2001-01-01", "until": "2026-02-28"}, "Jour par jour"),
    ],
)
def test_time_is_drawn_as_finely_as_there_is_room(dpo, february, criteria, said):
    page = text_of(reader_of(dpo).get(PICTURES, criteria))

    assert said in page
    assert sum(int(label.rpartition(" ")[2]) for _, label, *_ in bars_of(page)) == 6 - (said == "Heure par heure")


def test_years_are_drawn_by_the_month(dpo, february, member):
    record(Entry(Action.SIGN_IN, Actor(member.pk), member.pk, at=FEBRUARY - timedelta(days=900)))

    bars = bars_of(text_of(reader_of(dpo).get(PICTURES, {"until": "2026-02-28"})))

    assert [label for _, label, *_ in bars] == ["août 2023 : 1", "février 2026 : 6"]
    assert "since=2023-08-01&until=2023-08-31" in bars[0][0]


def test_the_hour_that_comes_twice_is_one_bar_with_all_its_lines(dpo, february, member):
    for hour in (0, 1):
        at = datetime(2025, 10, 26, hour, 30, tzinfo=ZoneInfo("UTC"))
        record(Entry(Action.SIGN_IN, Actor(member.pk), member.pk, at=at))

    page = text_of(reader_of(dpo).get(PICTURES, {"since": "2025-10-26", "until": "2025-10-26"}))

    assert [label for _, label, *_ in bars_of(page)] == ["26/10/2025, 2 h 00 : 2"]


def test_what_does_not_fit_a_picture_is_counted_below_it(dpo, member):
    tools = [make_tool(f"outil-{number:02}", f"Outil {number:02}") for number in range(MOST_ROWS + 2)]
    Event.objects.all()._raw_delete("default")
    record(*(Entry(Action.DISCLOSED, Actor(tool=tool.pk), member.pk, tool.pk, at=FEBRUARY) for tool in tools))

    page = text_of(reader_of(dpo).get(PICTURES, MONTH))

    assert len(table_of(page, "Par outil")) == MOST_ROWS
    assert "et 2 autres, 2 lignes en tout" in page


def test_without_criteria_the_last_month_is_drawn(dpo, member):
    now = timezone.now()
    record_all([Entry(Action.SIGN_IN, Actor(member.pk), member.pk, at=now - timedelta(days=n)) for n in (2, 60)])

    page = text_of(reader_of(dpo).get(PICTURES, {"action": Action.SIGN_IN.value}))

    assert [label.rpartition(" ")[2] for _, label, *_ in bars_of(page)] == ["1"]


def test_where_there_is_nothing_to_draw_the_page_says_so(dpo, february):
    page = text_of(reader_of(dpo).get(PICTURES, {"since": "2020-01-01", "until": "2020-01-02"}))

    assert "Rien à dessiner" in page
    assert "<svg id" not in page


def test_a_criterion_that_cannot_be_read_is_said_and_nothing_is_counted(dpo, february):
    response = reader_of(dpo).get(PICTURES, {"since": "hier"})

    assert response.status_code == 400
    assert "Cette date n’existe pas" in text_of(response)
    assert not Event.objects.filter(action=Action.JOURNAL_READ).exists()


def test_looking_at_pictures_is_on_the_record(dpo, february):
    reader_of(dpo).get(PICTURES, MONTH)

    facts = Event.objects.get(action=Action.JOURNAL_READ).facts
    assert (facts["view"], facts["filters"], facts["purpose"]) == ("pictures", ["since", "until"], "internal_control")


def test_a_search_from_the_pictures_comes_back_to_them(dpo, member, february):
    answer = reader_of(dpo).post(reverse("audit:search"), {"here": "pictures", "result": "refused", **MONTH})

    assert answer["Location"] == f"{PICTURES}?result=refused&since=2026-02-01&until=2026-02-28"


def test_the_pictures_take_few_statements_however_many_lines(dpo, february, django_assert_max_num_queries):
    browser = reader_of(dpo)
    browser.get(PICTURES, MONTH)

    # As the journal, and the names of tools once more, the times, actions, tools and reasons.
    with django_assert_max_num_queries(17):
        browser.get(PICTURES, MONTH)
