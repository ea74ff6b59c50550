"""The technician's pages of what a tool still gets beside its sheet, and who is told."""

from datetime import timedelta
from html import unescape

import pytest
from django.urls import reverse
from django.utils import timezone

from audit.models import Event
from audit.types import SYSTEM, Action
from consent.models import Disclosure, ToolMode
from consent.modes import services as choosing
from consent.modes.types import Chosen
from consent.selectors import forget_sheets
from consent.types import Mode
from directory.models import RoleGrant
from directory.types import Role
from tests.consent.ledger.leaving import leave
from tests.consent.test_services import go_on
from tests.support.cast import browser_of, make_member

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
WHY = "L’éditeur corrige ce qu’il demande."
LIST = reverse("idp:tool_modes")


def page_of(tool, name="idp:tool_mode"):
    return reverse(name, args=[tool.slug])


def text_of(response) -> str:
    return unescape(" ".join(response.content.decode().split()))


def form(mode=Mode.WARN, days=30, **changes):
    return {"mode": mode.value, "until": (timezone.localdate() + days * DAY).isoformat(), "reason": WHY, **changes}


@pytest.fixture
def technician(db):
    person = make_member("lea.martinez", "Léa Martinez")
    RoleGrant.objects.create(member=person, role=Role.TECHNICIAN)
    return browser_of(person)


@pytest.fixture
def imported(louty):
    louty.imported_on = timezone.localdate() - 3 * DAY
    louty.save()
    forget_sheets()
    return louty


def give_time(tool, mode=Mode.WARN, days=30):
    choosing.choose(
        tool_id=tool.pk,
        chosen=Chosen(mode, timezone.localdate() + days * DAY),
        reason=WHY,
        imported_on=tool.imported_on,
        actor=SYSTEM,
        now=timezone.now(),
    )


# The technician ----------------------------------------------------------------------------------------------


def test_the_list_has_tools_that_came_from_elsewhere_and_no_other(technician, imported, formation):
    strict = text_of(technician.get(LIST))
    give_time(imported)
    lenient = text_of(technician.get(LIST))

    assert "ne part pas" in strict
    assert "part encore, jusqu’au" in lenient
    assert "Formation" not in strict + lenient


def test_a_hub_without_such_tools_says_how_one_is_marked(technician, louty):
    assert "--imported-on" in text_of(technician.get(LIST))


@pytest.mark.gdpr("G25")
def test_what_would_leave_is_shown_before_it_is_chosen_and_the_choice_counts_at_once(technician, imported, member):
    go_on(member, imported)
    leave(member, imported, "name", now=timezone.now() - DAY, times=2)

    before = text_of(technician.get(page_of(imported)))
    answer = technician.post(page_of(imported), form())

    assert "En 90 jours, 2 transmissions auraient porté davantage. 1 membre est concerné." in before
    assert "Téléphone" in before
    assert (answer.status_code, answer["Location"]) == (302, page_of(imported))
    assert (ToolMode.objects.get().mode, ToolMode.objects.get().reason) == ("warn", WHY)
    assert "Ce qui n’est pas sur sa fiche part encore" in text_of(technician.get(page_of(imported)))
    assert Event.objects.get(action=Action.TOOL_MODE_SET).facts["tool_mode"] == "warn"


@pytest.mark.gdpr("G8")
def test_one_click_goes_back_to_the_sheet_and_a_second_changes_nothing(technician, imported):
    give_time(imported)

    first = text_of(technician.post(page_of(imported, "idp:tool_strict"), follow=True))
    second = text_of(technician.post(page_of(imported, "idp:tool_strict"), follow=True))

    assert "Plus rien ne part en dehors de la fiche." in first
    assert "Rien n’a changé" in second
    assert [row.mode for row in ToolMode.objects.all()] == ["enforce", "warn"]


def test_what_going_back_would_stop_is_shown(technician, imported, member):
    go_on(member, imported)
    give_time(imported)
    leave(member, imported, "name", "town", now=timezone.now(), times=3)

    page = text_of(technician.get(page_of(imported)))

    assert "S’en tenir à la fiche aurait arrêté 3 transmissions en 90 jours." in page
    assert Disclosure.objects.get().mode == "warn"


@pytest.mark.parametrize(
    ("changes", "told", "reason"),
    [
        ({"days": 91}, "90 jours au plus", "until_far"),
        ({"days": -1}, "Ce jour est passé.", "until_past"),
        ({"reason": ""}, "", ""),
        ({"until": ""}, "", ""),
        ({"mode_": "enforce"}, "", ""),
    ],
)
def test_what_is_wrong_is_said_and_nothing_changes(technician, imported, changes, told, reason):
    sent = form(**{name: value for name, value in changes.items() if name != "mode_"})
    sent |= {"mode": changes["mode_"]} if "mode_" in changes else {}

    answer = technician.post(page_of(imported), sent)

    assert answer.status_code == 422
    assert told in text_of(answer)
    assert not ToolMode.objects.exists()
    refused = Event.objects.filter(action=Action.ACCESS_REFUSED)
    assert [line.reason for line in refused] == ([reason] if reason else [])


@pytest.mark.parametrize(("slug", "told"), [("louty", "not-imported"), ("carnet", "no-sheet")])
def test_a_tool_that_is_given_no_time_is_refused_with_a_line(technician, louty, bare_tool, slug, told):
    bare_tool.imported_on = timezone.localdate()
    bare_tool.save()
    tool = louty if slug == "louty" else bare_tool

    page = technician.get(page_of(tool)).content.decode()
    answer = technician.post(page_of(tool), form())

    assert f'id="{told}"' in page
    assert 'id="mode-form"' not in page
    assert answer.status_code == 422
    assert Event.objects.get(action=Action.ACCESS_REFUSED).reason == told.replace("-", "_")


@pytest.mark.parametrize("name", ["idp:tool_mode", "idp:tool_strict"])
def test_others_change_nothing_and_the_refusal_is_in_the_journal(dpo, member, imported, name):
    give_time(imported)

    for person in (dpo, member):
        assert browser_of(person).post(page_of(imported, name), form()).status_code == 403

    assert ToolMode.objects.count() == 1
    assert {line.facts["page"] for line in Event.objects.filter(action=Action.ACCESS_REFUSED)} == {name}


# Who is told -------------------------------------------------------------------------------------------------


@pytest.mark.gdpr("G6")
@pytest.mark.parametrize(("mode", "told"), [(Mode.WARN, True), (Mode.OBSERVE, False)])
def test_a_member_reads_it_on_the_card_of_the_tool_where_they_are_to_be_told(member, imported, mode, told):
    go_on(member, imported)
    give_time(imported, mode)

    page = browser_of(member).get(reverse("consent:mine"))

    assert (f'id="warned-{imported.slug}"' in page.content.decode()) is told
    said = "Cet outil reçoit encore des données que sa fiche ne déclare pas, jusqu’au"
    assert (said in text_of(page)) is told


@pytest.mark.gdpr("G6")
def test_nothing_is_said_once_it_is_over(member, dpo, imported):
    go_on(member, imported)
    give_time(imported)
    choosing.choose(
        tool_id=imported.pk,
        chosen=Chosen(Mode.ENFORCE, None),
        reason="",
        imported_on=imported.imported_on,
        actor=SYSTEM,
        now=timezone.now(),
    )

    assert "warned-" not in browser_of(member).get(reverse("consent:mine")).content.decode()
    assert 'data-card="modes"' not in browser_of(dpo).get(reverse("protection:home")).content.decode()


@pytest.mark.gdpr("G25", "G34")
@pytest.mark.parametrize("mode", [Mode.WARN, Mode.OBSERVE])
def test_the_officer_is_told_on_the_first_page_the_tool_s_and_its_record(member, dpo, imported, mode):
    go_on(member, imported)
    give_time(imported, mode)
    leave(member, imported, "name", "town", now=timezone.now())
    officer = browser_of(dpo)

    home = officer.get(reverse("protection:home")).content.decode()
    tool = text_of(officer.get(reverse("protection:matrix_tool", args=[imported.slug])))
    record = officer.get(reverse("register:record", args=[imported.register_record.reference]))
    findings = officer.get(reverse("protection:findings")).content.decode()

    assert 'data-card="modes"' in home
    assert 'data-card="alarms"' not in home
    assert WHY in tool
    assert 'id="tool-mode"' in record.content.decode()
    assert f'data-finding="F1-{imported.pk}-{mode}"' in findings
    assert "Dire ce qui a été fait" not in findings
    # It is not for the officer to settle: it ends with the mode.
    assert officer.get(reverse("protection:finding", args=[f"F1-{imported.pk}-{mode}"])).status_code == 302
