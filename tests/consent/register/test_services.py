"""Versions of the register, what sheets feed into it, and what it says on a past day: against a database."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction

from audit.models import Event
from audit.types import SYSTEM, Action, Actor, AppendOnlyError
from consent import services as consent_services
from consent.models import Processing
from consent.register import policy, selectors, services
from consent.register.models import RegisterRecord, RegisterVersion
from consent.register.types import Kind, Parties, Party, RecordKept, RegisterChanged, RegisterInvalid
from consent.types import LegalBasis, SheetInvalid
from directory.models import RoleGrant
from idp.models import Tool
from idp.types import ToolState
from tests.consent.register.conftest import ENGAGED_LOUTY
from tests.consent.register.test_policy import FULL
from tests.support.cast import LOUTY, MONDAY, TUESDAY, WEDNESDAY, make_tool, with_items
from tests.support.races import together

pytestmark = pytest.mark.django_db


def change(record, *, version=1, now=TUESDAY, actor=SYSTEM, note="revue annuelle", reopens=False, **values):
    content = policy.content_of(selectors.last(record).content)
    return services.change(
        of=record,
        content=replace(content, **values),
        version=version,
        actor=actor,
        note=note,
        now=now,
        reopens=reopens,
    )


def on(day, reference):
    found = {each.reference: each for each in selectors.register_on(day).records}
    return found.get(reference)


def lines(action=Action.REGISTER_CHANGED):
    return list(Event.objects.filter(action=action).order_by("pk"))


def test_a_change_makes_a_version_with_its_author_time_and_note(paie, dpo):
    change(paie, technical="Chiffrement et sauvegarde", actor=Actor(member=dpo.pk))

    first, second = RegisterVersion.objects.filter(record=paie).order_by("version")
    assert (first.content["technical"], first.ended_at) == ("Chiffrement", TUESDAY)
    assert (second.version, second.author, second.note, second.started_at, second.ended_at) == (
        *(2, dpo, "revue annuelle", TUESDAY, None),
    )
    assert lines()[-1].facts["fields"] == ["technical"]
    assert (lines()[-1].facts["record"], lines()[-1].facts["version"]) == ("T-001", 2)


def test_no_value_of_the_register_is_in_the_journal(paie):
    change(paie, technical="Mot-clé-canari")

    assert "canari" not in str([line.facts for line in lines()])


def test_saying_the_same_makes_no_version_and_no_line(paie):
    before = len(lines())

    change(paie)

    assert RegisterVersion.objects.count() == 1
    assert len(lines()) == before


@pytest.mark.gdpr("G29")
def test_any_past_day_can_be_shown(paie):
    change(paie, technical="Autre", now=WEDNESDAY)

    assert on(date(2026, 11, 15), "T-001") is None
    assert on(date(2026, 11, 16), "T-001").content.technical == "Chiffrement"
    assert on(date(2026, 11, 17), "T-001").content.technical == "Chiffrement"
    assert on(date(2026, 11, 18), "T-001").content.technical == "Autre"
    assert on(date(2026, 11, 18), "T-001").updated == date(2026, 11, 18)


def test_a_past_day_is_one_statement(paie, engaged, django_assert_num_queries):
    with django_assert_num_queries(1):
        selectors.register_on(date(2026, 11, 16))


def test_a_closed_record_is_there_until_its_day_and_its_versions_stay(paie):
    services.close(of=paie, version=1, actor=SYSTEM, note="logiciel arrêté", now=WEDNESDAY)

    assert on(date(2026, 11, 17), "T-001") is not None
    assert on(date(2026, 11, 18), "T-001") is None
    assert [each.end_note for each in selectors.closed()] == ["logiciel arrêté"]
    assert lines(Action.REGISTER_CLOSED)[0].facts == {"record": "T-001", "version": 1}


def test_a_closed_record_comes_back_as_a_new_version(paie):
    services.close(of=paie, version=1, actor=SYSTEM, note="", now=TUESDAY)

    change(paie, now=WEDNESDAY, reopens=True)

    assert on(date(2026, 11, 17), "T-001") is None
    assert on(date(2026, 11, 18), "T-001").version == 2


def test_whoever_did_not_see_it_closed_does_not_open_it_again(paie):
    services.close(of=paie, version=1, actor=SYSTEM, note="", now=TUESDAY)

    with pytest.raises(RegisterChanged):
        change(paie, technical="D’avant", now=WEDNESDAY)

    assert selectors.current(paie) is None


@pytest.mark.parametrize("version", [0, 1, 3])
def test_what_is_closed_is_what_was_shown(paie, version):
    change(paie, technical="Autre")

    with pytest.raises(RegisterChanged):
        services.close(of=paie, version=version, actor=SYSTEM, note="", now=WEDNESDAY)

    assert selectors.current(paie).version == 2
    assert lines(Action.REGISTER_CLOSED) == []


def test_a_record_is_closed_once(paie):
    services.close(of=paie, version=1, actor=SYSTEM, note="fini", now=TUESDAY)

    with pytest.raises(RegisterChanged):
        services.close(of=paie, version=1, actor=SYSTEM, note="encore", now=WEDNESDAY)


def test_a_version_is_never_changed_nor_removed(paie):
    row = selectors.current(paie)

    with pytest.raises(AppendOnlyError):
        row.save()
    with pytest.raises(AppendOnlyError):
        row.delete()
    with pytest.raises(AppendOnlyError):
        RegisterVersion.objects.all().delete()
    with pytest.raises(AppendOnlyError):
        RegisterVersion.objects.all().update(content={})


def test_one_version_is_in_force(paie):
    row = selectors.current(paie)

    with pytest.raises(IntegrityError), transaction.atomic():
        RegisterVersion.objects.create(
            record=paie, version=2, content=row.content, digest=row.digest, started_at=TUESDAY
        )


def test_whoever_saw_an_older_version_does_not_overwrite_the_newer(paie):
    change(paie, technical="Autre")

    with pytest.raises(RegisterChanged):
        change(paie, technical="Encore autre", version=1)


def test_what_is_not_complete_is_not_saved(paie):
    with pytest.raises(RegisterInvalid, match=r"data\.0\.period: missing"):
        change(paie, data=(replace(FULL.data[0], period=" "),))

    assert RegisterVersion.objects.count() == 1


def test_references_follow_each_other_and_are_not_given_twice(paie):
    assert add(kind=Kind.PROCESSOR) == "T-002"
    with pytest.raises(RegisterInvalid, match="reference: taken"):
        add("T-001")


def add(reference="", kind=Kind.CONTROLLER):
    return services.add(kind=kind, content=FULL, actor=SYSTEM, note="", now=MONDAY, reference=reference)


@pytest.mark.parametrize("reference", ["ORGANISME", "HUB-CONNEXION", "hub-autre", "O-" + "9" * 22, "T-0000001"])
def test_a_reference_that_the_hub_gives_is_taken_by_nobody(db, reference):
    with pytest.raises(RegisterInvalid, match="reference: reserved"):
        add(reference)

    consent_services.fill_register(now=MONDAY)


def test_nobody_adds_a_second_organisation(db):
    with pytest.raises(RegisterInvalid, match="kind"):
        add(kind=Kind.PARTIES)


def test_the_longest_number_leaves_the_series_open(db):
    add("T-999999")

    assert [add(), add()] == ["T-001", "T-002"]


def test_a_longer_number_from_before_is_passed_over(paie):
    RegisterRecord.objects.create(reference="T-" + "9" * 22)

    assert add() == "T-002"


# The organisation -----------------------------------------------------------------------------------------------


def test_the_parties_are_written_once_and_have_versions(db):
    first, second = (Parties(controller=Party(name=name)) for name in ("Alizarine", "Alizarine SCOP"))

    services.change_parties(parties=first, version=0, actor=SYSTEM, note="", now=MONDAY)
    services.change_parties(parties=second, version=1, actor=SYSTEM, note="", now=WEDNESDAY)

    assert selectors.register_on(date(2026, 11, 17)).parties == first
    assert selectors.register_on(date(2026, 11, 18)).parties == second
    assert lines()[-1].facts["fields"] == ["controller"]
    with pytest.raises(RegisterChanged):
        services.change_parties(parties=first, version=1, actor=SYSTEM, note="", now=WEDNESDAY)
    with pytest.raises(RegisterInvalid, match=r"controller.name"):
        services.change_parties(parties=Parties(), version=2, actor=SYSTEM, note="", now=WEDNESDAY)


# Sheets ---------------------------------------------------------------------------------------------------------


def declare(tool, sheet, now=WEDNESDAY):
    return consent_services.declare(tool_id=tool.pk, sheet=sheet, actor=SYSTEM, now=now)


@pytest.mark.gdpr("G27")
def test_a_sheet_in_force_is_a_record_of_the_register(engaged):
    listed = on(date(2026, 11, 16), "O-001")

    assert (listed.content.name, listed.content.software, listed.from_tool) == (LOUTY.processing, "Louty", True)
    assert listed.content.notice == "version 1"


def test_a_new_sheet_makes_a_version_that_keeps_what_the_officer_wrote(engaged):
    change(engaged.register_record, technical="Chiffrement", reviewed=date(2026, 11, 17))

    declare(engaged, with_items(ENGAGED_LOUTY, text="Tenir vos comptes."))

    listed = on(date(2026, 11, 18), "O-001")
    assert (listed.version, listed.content.purposes[0].text) == (3, "Tenir vos comptes.")
    assert (listed.content.technical, listed.content.reviewed) == ("Chiffrement", date(2026, 11, 17))
    assert set(lines()[-1].facts["fields"]) == {"purposes", "notice"}


def test_a_renewed_contract_makes_a_version_of_the_register_and_asks_no_member_again(engaged):
    renewed = replace(ENGAGED_LOUTY.engagement, contract_end=date(2029, 12, 31))

    declare(engaged, replace(ENGAGED_LOUTY, engagement=renewed))

    assert Processing.objects.filter(tool=engaged).count() == 1
    assert on(date(2026, 11, 18), "O-001").content.recipients[0].contract_end == date(2029, 12, 31)
    assert on(date(2026, 11, 17), "O-001").content.recipients[0].contract_end == date(2027, 12, 31)


def test_what_comes_from_a_sheet_is_not_changed_in_the_register(engaged):
    shown = policy.content_of(selectors.last(engaged.register_record).content)

    change(engaged.register_record, purposes=(), data=(), recipients=(), name="Autre", technical="Chiffrement")

    after = policy.content_of(selectors.last(engaged.register_record).content)
    assert after == replace(shown, technical="Chiffrement")


def test_how_an_interest_was_weighed_is_the_officers(db):
    tool = make_tool("wiki", "Wiki")
    declare(tool, with_items(ENGAGED_LOUTY, legal_basis=LegalBasis.LEGITIMATE_INTEREST), now=MONDAY)
    row = selectors.current(tool.register_record)
    purpose = policy.content_of(row.content).purposes[0]
    assert "balancing" in policy.holes(policy.content_of(row.content), Kind.CONTROLLER, today=date(2026, 11, 16))

    weighed = replace(purpose, balancing="Pesé.", balanced_on=date(2026, 11, 17))
    change(tool.register_record, purposes=(weighed,))

    assert on(date(2026, 11, 17), "O-001").content.purposes == (weighed,)


def test_the_record_of_a_tool_that_is_open_is_not_closed(engaged):
    with pytest.raises(RecordKept):
        services.close(of=engaged.register_record, version=1, actor=SYSTEM, note="", now=TUESDAY)

    Tool.objects.filter(pk=engaged.pk).update(state=ToolState.CLOSED)
    services.close(of=engaged.register_record, version=1, actor=SYSTEM, note="", now=TUESDAY)
    assert selectors.current(engaged.register_record) is None


def test_a_sheet_and_its_record_stand_or_fall_together(engaged, monkeypatch):
    monkeypatch.setattr(policy, "from_sheet", lambda *_, **__: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        declare(engaged, with_items(ENGAGED_LOUTY, text="Tenir vos comptes."))

    assert Processing.objects.filter(tool=engaged).count() == 1


def test_a_sheet_that_contradicts_itself_is_not_declared(engaged):
    engagement = replace(ENGAGED_LOUTY.engagement, contract="")

    with pytest.raises(SheetInvalid, match="contract"):
        declare(engaged, replace(ENGAGED_LOUTY, engagement=engagement))


def test_the_history_of_a_tool_that_is_removed_stays(engaged):
    Processing.objects.filter(tool=engaged).delete()

    engaged.delete()

    assert RegisterRecord.objects.get(reference="O-001").tool is None
    assert on(date(2026, 11, 16), "O-001").content.software == "Louty"


# What is filled in from the start -------------------------------------------------------------------------------


@pytest.mark.gdpr("G27", "G38")
def test_the_hubs_own_processings_are_written_once(db, settings):
    settings.LEAVER_RETENTION = timedelta(days=200)

    assert consent_services.fill_register(now=MONDAY) == 8
    assert consent_services.fill_register(now=TUESDAY) == 0

    register = selectors.register_on(date(2026, 11, 16))
    assert [each.reference for each in register.records] == [
        *("HUB-ACCES", "HUB-ANNUAIRE", "HUB-COLLECTIFS", "HUB-CONNEXION"),
        *("HUB-DEMANDES", "HUB-JOURNAL", "HUB-TROMBINOSCOPE"),
    ]
    assert register.parties.controller.name == settings.COOPERATIVE
    assert "200 jours" in str(on(date(2026, 11, 16), "HUB-ANNUAIRE").content.data)
    for each in register.records:
        policy.check(each.content)
        holes = policy.holes(each.content, each.kind, today=date(2026, 11, 16))
        assert holes == ["assessment", "review"], "what only the officer can say"


def test_what_the_officer_made_of_them_stays(db):
    consent_services.fill_register(now=MONDAY)
    change(selectors.record("HUB-JOURNAL"), technical="Autre")

    consent_services.fill_register(now=WEDNESDAY)

    assert on(date(2026, 11, 18), "HUB-JOURNAL").content.technical == "Autre"


def test_sheets_from_before_the_register_come_in_with_their_holes(louty):
    RegisterVersion.objects.all()._raw_delete("default")
    RegisterRecord.objects.all().delete()

    consent_services.fill_register(now=TUESDAY)

    listed = on(date(2026, 11, 17), "O-001")
    assert listed.content.purposes[0].text == LOUTY.purposes[0].text
    assert set(policy.missing_to_open(listed.content, today=date(2026, 11, 17))) == {
        *("period", "role", "contact", "country"),
    }
    assert Tool.objects.get(pk=louty.pk).is_open, "a running tool goes on"


@pytest.mark.django_db(transaction=True)
def test_two_changes_at_once_make_one_version():
    services.add(kind=Kind.CONTROLLER, content=FULL, actor=SYSTEM, note="", now=MONDAY)
    record = selectors.record("T-001")

    def one(text):
        try:
            return change(record, technical=text).version
        except RegisterChanged:
            return None

    answers = together(lambda: one("A"), lambda: one("B"))

    assert sorted(answers, key=str) == [2, None]


@pytest.mark.django_db(transaction=True)
def test_two_records_at_once_have_two_references():
    def one():
        return services.add(kind=Kind.CONTROLLER, content=FULL, actor=SYSTEM, note="", now=MONDAY)

    assert sorted(together(one, one, one)) == ["T-001", "T-002", "T-003"]


def test_an_author_who_goes_leaves_the_version(paie, dpo):
    change(paie, technical="X", actor=Actor(member=dpo.pk))
    RoleGrant.objects.all().delete()

    dpo.delete()

    assert selectors.last(paie).author is None
