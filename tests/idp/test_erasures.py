"""An erasure from beginning to end: asked, agreed to by a second person, done here, answered by each holder, closed."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from functools import partial
from html import unescape

import pytest
from django.apps import apps
from django.conf import settings
from django.core import signing
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.keeping import holds
from audit.models import Event
from audit.sealing import unseal
from audit.types import SYSTEM, Action, Actor
from consent import services as consent_services
from consent.erasures import services as sheet
from consent.erasures.models import ErasureHolder, ErasureRun
from consent.erasures.types import AnsweredBy, ErasureRefused, Ground, HolderState, Part, RunState, Stays
from consent.models import Holding
from consent.requests import services as requests
from consent.requests.types import Kind
from consent.types import ALWAYS, LegalBasis, Purpose, SheetItem
from directory.models import Member, RoleGrant
from directory.services import erase_leavers
from directory.types import Hold, Role
from idp.models import OutgoingMail
from idp.services import erasures
from idp.services.accounts import mails
from idp.types import MailKind
from tests.audit.keeping.test_destruction import proved
from tests.consent.ledger.leaving import leave
from tests.consent.test_services import go_on
from tests.support.cast import FORMATION, LOUTY, MONDAY, TUESDAY, WEDNESDAY, browser_of, make_member, with_items
from tests.support.cost import counted
from tests.support.races import together

pytestmark = pytest.mark.django_db
CONTACT = "donnees@savoirs.example"


@pytest.fixture
def office(db):
    person = make_member("karim.benali", "Karim Benali")
    RoleGrant.objects.create(member=person, role=Role.OFFICE)
    return person


@pytest.fixture
def course(formation):
    """The tool, with a contact that can be written to."""
    consent_services.declare(tool_id=formation.pk, sheet=replace(FORMATION, contact=CONTACT), actor=SYSTEM, now=MONDAY)
    return formation


@pytest.fixture
def payroll(louty):
    """A tool that keeps a number by law, and whose contact has a telephone only."""
    law = Purpose("Tenir la paie.", LegalBasis.LEGAL_DUTY, "Cinq ans.", (SheetItem("employee_number", "Paie."),))
    rest = with_items(LOUTY, SheetItem("name", "Factures."), SheetItem("email", "Paiements."))
    both = replace(rest, purposes=(*rest.purposes, law), contact="04 67 00 00 00")
    consent_services.declare(tool_id=louty.pk, sheet=both, actor=SYSTEM, now=MONDAY)
    return louty


@pytest.fixture
def held(member, course, payroll):
    """Both tools hold something of the member."""
    for tool in (course, payroll):
        go_on(member, tool)
    leave(member, course, "name", "email", now=MONDAY)
    leave(member, payroll, "name", "employee_number", now=MONDAY)
    return member


@pytest.fixture
def gone(held):
    Member.objects.filter(pk=held.pk).update(hold=Hold.LEFT, hold_since=MONDAY)
    held.refresh_from_db()
    return held


def asked(dpo, member, tool=None, now=TUESDAY, **more):
    actor, where = Actor(dpo.pk), tool.pk if tool else None
    return sheet.ask(**{"actor": actor, "member_id": member.pk, "tool_id": where, "now": now} | more)


def approved(dpo, office, member, tool=None, now=TUESDAY):
    run = asked(dpo, member, tool, now)
    return erasures.approve(run_id=run.pk, actor=Actor(office.pk), now=now)


def states(run):
    return {holder.tool.slug: holder.state for holder in run.holders.select_related("tool")}


def path_of(run, tool):
    return "/effacement/" + secret_of(run, tool) + "/"


def secret_of(run, tool):
    return erasures.address_of(run.holders.get(tool=tool)).rstrip("/").rpartition("/")[2]


def letters(to=""):
    rows = OutgoingMail.objects.filter(kind=MailKind.ERASURE).order_by("pk")
    found = [json.loads(unseal(bytes(row.sealed), purpose=mails.PURPOSE)) for row in rows]
    return [each for each in found if to in each["to"]]


def refusals():
    rows = Event.objects.filter(refused=True).order_by("pk")
    return [(row.action, row.reason) for row in rows]


# Asked -------------------------------------------------------------------------------------------------------


def test_the_whole_account_of_somebody_who_is_there_is_not_erased(dpo, held):
    with pytest.raises(ErasureRefused, match="still_there"):
        asked(dpo, held)

    assert refusals() == [(Action.ERASURE_ASKED, "still_there")]
    assert not ErasureRun.objects.exists()


def test_what_a_tool_does_not_hold_is_not_asked_of_it(dpo, member, course):
    with pytest.raises(ErasureRefused, match="nothing_held"):
        asked(dpo, member, course)


def test_the_same_is_not_asked_twice(dpo, held, course):
    asked(dpo, held, course)

    with pytest.raises(ErasureRefused, match="erasure_open"):
        asked(dpo, held, course)


def test_the_preview_says_what_goes_what_stays_and_why(gone):
    lines = {(line.part, line.stays) for line in erasures.preview(gone.pk, held=False, now=TUESDAY)}
    on_hold = {line.stays for line in erasures.preview(gone.pk, held=True, now=TUESDAY)}

    assert {(Part.DETAILS, ""), (Part.SOURCE, Stays.SOURCE), (Part.DISCLOSURES, Stays.PROOF)} <= lines
    assert on_hold == {Stays.HOLD, Stays.SOURCE}


def test_whoever_has_to_decide_is_written_to_without_a_name(dpo, office, held, course, payroll):
    asked(dpo, held, course)
    asked(held, held, payroll)

    to_office, to_officer = letters()
    assert (to_office["to"], to_officer["to"]) == (settings.OFFICE_CONTACT, settings.DPO_CONTACT)
    assert "Roux" not in to_office["body"] + to_officer["body"]
    assert "/effacements/" in to_office["body"]


# Two people --------------------------------------------------------------------------------------------------


def test_whoever_asked_does_not_agree(dpo, office, gone):
    run = asked(dpo, gone)

    with pytest.raises(ErasureRefused, match="same_person"):
        erasures.approve(run_id=run.pk, actor=Actor(dpo.pk), now=TUESDAY)

    gone.refresh_from_db()
    assert gone.erased_at is None
    assert refusals() == [(Action.ERASURE_APPROVED, "same_person")]


def test_neither_was_made_by_the_other_nor_yesterday(dpo, gone):
    accomplice = make_member("eve.martin", "Eve Martin")
    grant = RoleGrant.objects.create(member=accomplice, role=Role.OFFICE, granted_by=dpo)
    run = asked(dpo, gone, now=timezone.now())

    for by, why in ((dpo, "role_from_the_other"), (make_member("a.b", "A B"), "role_too_new")):
        RoleGrant.objects.filter(pk=grant.pk).update(granted_by=by)
        with pytest.raises(ErasureRefused, match=why):
            erasures.approve(run_id=run.pk, actor=Actor(accomplice.pk), now=timezone.now())


def test_a_member_without_a_role_agrees_to_nothing(dpo, other_member, gone):
    run = asked(dpo, gone)

    with pytest.raises(ErasureRefused, match="approver_may_not"):
        erasures.approve(run_id=run.pk, actor=Actor(other_member.pk), now=TUESDAY)


def test_a_hold_lets_nothing_go_until_it_is_lifted(dpo, office, gone):
    run = asked(dpo, gone)
    hold = holds.put(actor=Actor(dpo.pk), person=gone.pk, why="Litige", now=TUESDAY)

    with pytest.raises(ErasureRefused, match="hold_person"):
        erasures.approve(run_id=run.pk, actor=Actor(office.pk), now=TUESDAY)
    holds.lift(actor=Actor(dpo.pk), hold_id=hold.pk, why="Jugé", now=TUESDAY)
    erasures.approve(run_id=run.pk, actor=Actor(office.pk), now=TUESDAY)

    gone.refresh_from_db()
    assert gone.erased_at == TUESDAY


# Carried out -------------------------------------------------------------------------------------------------


def test_the_account_is_erased_here_and_each_holder_has_its_row(dpo, office, gone, course, payroll):
    run = approved(dpo, office, gone)

    gone.refresh_from_db()
    assert (gone.email, gone.phone, gone.display_name, gone.erased_at) == ("", "", "Ancien membre", TUESDAY)
    assert states(run) == {"formation": HolderState.TOLD, "louty": HolderState.BY_HAND}
    kept = run.holders.get(tool=payroll)
    assert {each["item"]: each["why"] for each in kept.kept} == {
        "employee_number": "legal_duty",
        "identifier": "legal_duty",
        "session": "legal_duty",
    }
    assert kept.items == ["name"]
    assert set(run.holders.get(tool=course).items) == {"name", "email", *ALWAYS}


def test_a_holder_is_written_to_without_a_word_about_the_person(dpo, office, gone, course, payroll):
    approved(dpo, office, gone)

    [letter] = letters(to=CONTACT)
    for value in ("Amélie", "Roux", "amelie", "AL-00417", str(gone.pk)):
        assert value not in letter["subject"] + letter["body"]
    assert "/effacement/" in letter["body"]


def test_what_only_one_tool_holds_goes_there_and_the_account_stays(dpo, office, held, course, payroll):
    run = approved(dpo, office, held, course)

    held.refresh_from_db()
    assert held.erased_at is None
    assert states(run) == {"formation": HolderState.KEPT}, "all of it is under the contract"


def test_one_tool_erases_what_was_agreed_to_and_keeps_what_the_contract_needs(dpo, office, member, course):
    go_on(member, course, "phone")
    leave(member, course, "name", "phone", now=MONDAY)

    run = approved(dpo, office, member, course)
    erasures.answer_by_link(secret=secret_of(run, course), confirmed=True, refusal="", note="", now=WEDNESDAY)

    assert run.holders.get().items == ["phone"]
    assert set(Holding.objects.filter(ended_at=None).values_list("item", flat=True)) == {"name", *ALWAYS}


def test_the_member_asks_a_tool_and_the_officer_is_the_second_person(dpo, member, course):
    go_on(member, course, "phone")
    leave(member, course, "phone", now=MONDAY)
    run = sheet.ask(actor=Actor(member.pk), member_id=member.pk, tool_id=course.pk, now=TUESDAY)

    erasures.approve(run_id=run.pk, actor=Actor(dpo.pk), now=TUESDAY)

    run.refresh_from_db()
    assert (run.ground, run.state, run.approved_by) == (Ground.WITHDRAWN, RunState.GOING, dpo)


def test_at_the_end_of_the_retention_period_the_tools_are_told_too(gone, course, payroll):
    later = MONDAY + timedelta(days=400)

    erase_leavers(now=later)

    run = ErasureRun.objects.get()
    assert (run.is_by_rule, run.asked_by, run.state) == (True, None, RunState.GOING)
    assert states(run) == {"formation": HolderState.TOLD, "louty": HolderState.BY_HAND}
    assert erasures.known_as(run.holders.get(tool=course)).keys() == {"identifier"}
    assert [letter["to"] for letter in letters()] == [CONTACT]
    assert Event.objects.get(action=Action.ERASURE_ASKED).reason == "retention_over"


def test_what_the_rule_began_ends_by_itself_once_everybody_answered(gone, course, payroll):
    later = MONDAY + timedelta(days=400)
    erase_leavers(now=later)
    run = ErasureRun.objects.get()

    erasures.turn(now=later)
    before = ErasureRun.objects.get().state
    for holder in run.holders.all():
        sheet.answer(holder_id=holder.pk, confirmed=True, by=AnsweredBy.CONTACT, now=later)
    erasures.turn(now=later)

    assert (before, ErasureRun.objects.get().state) == (RunState.GOING, RunState.CLOSED)


def test_two_people_who_erase_begin_one_sheet_and_not_another_by_rule(dpo, office, gone, course, payroll):
    approved(dpo, office, gone)

    assert ErasureRun.objects.count() == 1


# Reminders ---------------------------------------------------------------------------------------------------


@pytest.mark.gdpr("G20")
def test_a_holder_is_reminded_after_seven_and_fourteen_days_and_then_no_more(dpo, office, gone, course, payroll):
    run, count = approved(dpo, office, gone), []

    for day in range(0, 40):
        count.append(erasures.turn(now=TUESDAY + timedelta(days=day)))

    assert [day for day, number in enumerate(count) if number] == [7, 14]
    assert states(run)["formation"] == HolderState.SILENT
    assert len({re.search(r"\S*/effacement/\S+", letter["body"])[0] for letter in letters(to=CONTACT)}) == 1
    assert [row.facts["reminders"] for row in Event.objects.filter(action=Action.ERASURE_TOLD).order_by("pk")] == [
        0,
        1,
        2,
    ]


def test_after_an_outage_one_reminder_makes_up_for_both(dpo, office, gone, course, payroll):
    approved(dpo, office, gone)

    numbers = [erasures.turn(now=TUESDAY + timedelta(days=day)) for day in (15, 15, 16)]

    assert numbers == [1, 0, 0]


# Answered by a contact without an account ----------------------------------------------------------------------


def test_the_contact_reads_whom_and_what_and_confirms_once(dpo, office, gone, course, payroll):
    run = approved(dpo, office, gone)
    browser, path = Client(), path_of(run, course)

    shown = browser.get(path)
    again = browser.get(path)
    done = browser.post(path, {"answer": "erased"})
    late = browser.post(path, {"answer": "refused", "refusal": "claim"})

    assert "Amélie Roux" in unescape(shown.content.decode())
    assert (shown.status_code, again.status_code, done.status_code, late.status_code) == (200, 200, 200, 410)
    assert shown["Referrer-Policy"] == "same-origin"
    holder = run.holders.get(tool=course)
    assert (holder.state, holder.answered_by, bytes(holder.known_sealed)) == (
        HolderState.CONFIRMED,
        AnsweredBy.CONTACT,
        b"",
    )
    assert not Holding.objects.filter(tool=course, ended_at=None).exists()
    line = Event.objects.get(action=Action.ERASURE_CONFIRMED)
    assert (line.actor_tool, line.tool) == (course, course)
    assert refusals() == [(Action.LINK_REFUSED, "link_used")]


def test_reading_whom_it_is_about_has_a_line_the_first_time_of_each_day(dpo, office, gone, course, payroll):
    run = approved(dpo, office, gone)
    path = path_of(run, course)

    def lines():
        return Event.objects.filter(action=Action.ERASURE_READ).order_by("pk")

    Client().get(path)
    Client().get(path)
    assert lines().count() == 1
    holder = run.holders.get(tool=course)
    assert lines()[0].facts == {"erasure": run.pk, "items": holder.items}
    assert (lines()[0].actor_tool, lines()[0].tool) == (course, course)

    sheet.note_read(holder, now=timezone.now() + timedelta(days=1))
    assert lines().count() == 2
    assert Client().get("/effacement/x/").status_code == 404
    assert lines().count() == 2


def test_once_it_is_answered_the_link_shows_nothing_of_anybody(dpo, office, gone, course, payroll):
    run = approved(dpo, office, gone)
    path = path_of(run, course)
    Client().post(path, {"answer": "refused", "refusal": "claim"})

    told = unescape(Client().get(path).content.decode())

    assert not any(each in told for each in ("Amélie", "Roux", "amelie.roux"))
    assert not Event.objects.filter(action=Action.ERASURE_READ).exists()


def test_a_refusal_has_its_reason_and_no_words_in_the_journal(dpo, office, gone, course, payroll):
    run = approved(dpo, office, gone)
    browser, path = Client(), path_of(run, course)

    bare = browser.post(path, {"answer": "refused", "note": "Litige Perlimpinpin"})
    browser.post(path, {"answer": "refused", "refusal": "claim", "note": "Litige Perlimpinpin"})

    assert bare.status_code == 422
    assert "Litige Perlimpinpin" in unescape(bare.content.decode()), "nothing that was typed is lost"
    holder = run.holders.get(tool=course)
    assert (holder.state, holder.refusal, holder.note) == (HolderState.REFUSED, "claim", "Litige Perlimpinpin")
    assert Event.objects.get(action=Action.ERASURE_DECLINED).facts["refusal"] == "claim"
    assert not Event.objects.filter(facts__icontains="Perlimpinpin").exists()
    assert Holding.objects.filter(tool=course, ended_at=None).exists()


def test_invented_changed_and_old_links_open_nothing_and_have_their_line(dpo, office, gone, course, payroll):
    run = approved(dpo, office, gone)
    holder = run.holders.get(tool=course)
    signed = signing.Signer(salt=erasures.SALT)

    for secret, why in (
        ("x", "link_unknown"),
        (secret_of(run, course)[:-1], "link_unknown"),
        (signed.sign(f"{holder.pk}.other"), "link_unknown"),
    ):
        with pytest.raises(erasures.LinkRefused, match=why):
            erasures.find(secret, now=TUESDAY)
    with pytest.raises(erasures.LinkRefused, match="link_expired"):
        erasures.find(secret_of(run, course), now=TUESDAY + timedelta(days=45))

    assert Client().get("/effacement/x/").status_code == 404
    assert refusals() == [(Action.LINK_REFUSED, "link_unknown")]


def test_nobody_tries_links_for_ever(db):
    browser = Client()

    # Thirty a minute: wherever the minute ends, one of the two has more.
    codes = [browser.get("/effacement/x/").status_code for _ in range(62)]

    assert codes[0] == 404
    assert 429 in codes


# Closed ------------------------------------------------------------------------------------------------------


@pytest.mark.gdpr("G20")
def test_it_closes_once_everybody_answered_with_a_letter_that_lists_who_was_told(dpo, office, gone, course, payroll):
    run = approved(dpo, office, gone)
    with pytest.raises(ErasureRefused, match="holders_waited_for"):
        erasures.close(run_id=run.pk, actor=Actor(dpo.pk), now=WEDNESDAY)
    for tool, said in ((course, {"confirmed": True}), (payroll, {"confirmed": False, "refusal": "claim"})):
        holder = run.holders.get(tool=tool)
        sheet.answer(holder_id=holder.pk, by=AnsweredBy.OFFICER, actor=Actor(dpo.pk), now=WEDNESDAY, **said)
    run.holders.filter(tool=course).update(note="Fait.\n\nOuvrez :\nhttps://canari.example/\n\n-- \nLa coopérative")

    closed = erasures.close(run_id=run.pk, actor=Actor(dpo.pk), now=WEDNESDAY)

    letter = letters()[-1]
    # What the holder wrote stays between its quotation marks, on one line.
    assert "«\xa0Fait. Ouvrez : https://canari.example/ -- La coopérative\xa0»\n" in letter["body"]
    assert letter["to"] == "amelie.roux@canari.example"
    assert "Formation" in letter["body"]
    assert "Louty" in letter["body"]
    assert "article 19" in letter["body"]
    assert (closed.state, closed.letter_mailed, bytes(closed.reply_sealed)) == (RunState.CLOSED, True, b"")
    assert not ErasureHolder.objects.exclude(known_sealed=b"").exists()
    line = Event.objects.get(action=Action.ERASURE_CLOSED, refused=False)
    assert (line.facts["confirmed"], line.facts["declined"], line.facts["silent"]) == (1, 1, 0)


def test_once_it_is_closed_no_row_of_the_hub_names_the_person(dpo, office, gone, course, payroll):
    run = approved(dpo, office, gone)

    def rows():
        return [str(row) for model in apps.get_models() for row in model._default_manager.values()]

    for holder in run.holders.all():
        sheet.answer(holder_id=holder.pk, confirmed=True, by=AnsweredBy.CONTACT, now=WEDNESDAY)
    erasures.close(run_id=run.pk, actor=Actor(dpo.pk), now=WEDNESDAY)

    for value in ("Amélie", "Roux", "amelie.roux", "AL-00417", "12 rue du Canari", "+33 6 39 98 00 01"):
        assert [row for row in rows() if value in row] == []


@pytest.mark.django_db(transaction=True)
def test_two_answers_at_once_are_one(dpo, office, gone, course, payroll):
    run = approved(dpo, office, gone)
    secret, said = secret_of(run, course), []

    def answer(confirmed):
        try:
            said.append(
                erasures.answer_by_link(
                    secret=secret, confirmed=confirmed, refusal="" if confirmed else "claim", note="", now=WEDNESDAY
                )
            )
        except erasures.LinkRefused as refused:
            said.append(refused.reason)

    together(partial(answer, True), partial(answer, False))

    assert sorted(isinstance(each, ErasureHolder) for each in said) == [False, True]
    assert "link_used" in said
    held = Holding.objects.filter(tool=course, ended_at=None).exists()
    assert held == (run.holders.get(tool=course).state == HolderState.REFUSED)


@pytest.mark.django_db(transaction=True)
def test_two_who_agree_at_once_erase_once_and_write_once(dpo, office, gone, course, payroll):
    another = make_member("lucie.faure", "Lucie Faure")
    RoleGrant.objects.create(member=another, role=Role.OFFICE)
    run, refused = asked(dpo, gone), []

    def agree(person):
        try:
            erasures.approve(run_id=run.pk, actor=Actor(person.pk), now=TUESDAY)
        except ErasureRefused as refusal:
            refused.append(refusal.reason)

    together(partial(agree, office), partial(agree, another))

    assert refused == ["erasure_elsewhere"]
    assert len(letters(to=CONTACT)) == 1
    assert run.holders.count() == 2


def test_a_silent_holder_does_not_keep_it_open_for_ever(dpo, office, member, course):
    go_on(member, course, "phone")
    leave(member, course, "phone", now=MONDAY)
    run = approved(dpo, office, member, course)
    late = TUESDAY + timedelta(days=21)
    erasures.turn(now=late)

    closed = erasures.close(run_id=run.pk, actor=Actor(dpo.pk), now=late)

    assert closed.state == RunState.CLOSED
    with pytest.raises(erasures.LinkRefused, match="link_ended"):
        erasures.find(secret_of(run, course), now=late)


def test_given_up_before_anything_went_nothing_goes(dpo, office, gone):
    run = asked(dpo, gone)

    sheet.drop(run_id=run.pk, actor=Actor(office.pk), now=WEDNESDAY)

    with pytest.raises(ErasureRefused, match="erasure_over"):
        erasures.approve(run_id=run.pk, actor=Actor(office.pk), now=WEDNESDAY)
    gone.refresh_from_db()
    assert gone.erased_at is None


# Pages -------------------------------------------------------------------------------------------------------


def opened(person):
    browser = proved(person)
    browser.post(reverse("idp:erasure_purpose"), {"purpose": "member_request"})
    return browser


def test_the_officer_asks_the_office_agrees_and_the_officer_closes(dpo, office, gone, course, payroll):
    officer, second = opened(dpo), opened(office)
    values = {"member": "amelie.roux", "tool": "", "ground": "not_needed"}

    preview = unescape(officer.post(reverse("idp:erasure_ask"), values).content.decode())
    assert not ErasureRun.objects.exists()
    officer.post(reverse("idp:erasure_ask"), {**values, "member": str(gone.pk), "confirm": "1"})
    run = ErasureRun.objects.get()
    alone = officer.post(reverse("idp:erasure_approve", args=[run.pk]), follow=True)
    shown = unescape(second.get(reverse("idp:erasure", args=[run.pk])).content.decode())
    second.post(reverse("idp:erasure_approve", args=[run.pk]))

    for page in (preview, shown):
        assert "Amélie Roux" in page
        assert "obligation légale" in page
    assert "erasure-approve" not in alone.content.decode()
    run.refresh_from_db()
    assert run.state == RunState.GOING
    after = unescape(officer.get(reverse("idp:erasure", args=[run.pk])).content.decode())
    assert "Ancien membre" in after
    assert "Amélie" not in after
    assert "Amélie Roux" in unescape(officer.get(reverse("idp:erasure_letter", args=[run.pk])).content.decode())


def test_whoever_is_still_there_is_not_previewed_as_if_they_had_left(dpo, held):
    values = {"member": "amelie.roux", "tool": "", "ground": "not_needed"}

    page = opened(dpo).post(reverse("idp:erasure_ask"), values)

    told = unescape(page.content.decode())
    assert page.status_code == 422
    assert "son départ se date d’abord" in told
    assert "Numéro de membre" not in told


@pytest.mark.gdpr("G20")
def test_what_is_erased_what_stays_and_why_is_told_and_is_the_answer_of_the_request(dpo, office, member, course):
    go_on(member, course, "phone")
    leave(member, course, "name", "phone", now=MONDAY)
    asks = {"member_id": member.pk, "kind": Kind.ERASURE, "text": "Tout.", "tool_id": course.pk, "language": "fr"}
    made = requests.make(**asks, actor=Actor(member.pk), now=MONDAY)
    case = reverse("requests:case", args=[made.reference])
    officer = opened(dpo)
    before = unescape(officer.get(case).content.decode())
    start = unescape(officer.get(reverse("idp:erasure_ask"), {"demande": made.reference}).content.decode())
    run = approved(dpo, office, member, course)
    listed = [officer.get(reverse("idp:erasures")).content.decode()]
    erasures.answer_by_link(secret=secret_of(run, course), confirmed=True, refusal="", note="", now=WEDNESDAY)
    listed.append(officer.get(reverse("idp:erasures")).content.decode())

    erasures.close(run_id=run.pk, actor=Actor(dpo.pk), now=WEDNESDAY)

    assert [listed[0].count("à clore"), listed[1].count("à clore")] == [0, 1]
    assert "[dites quoi, et quand]" in before
    assert 'value="amelie.roux"' in start
    letter = letters()[-1]
    after = unescape(officer.get(case).content.decode())
    for told in (each.replace("\u00a0", " ") for each in (letter["body"], after)):
        assert "- Formation : Téléphone" in told
        assert "le contrat en a besoin tant que la personne est là" in told
        assert "- Formation : effacement confirmé" in told
    assert "sont effacées" not in letter["subject"]
    assert "[dites quoi" not in after


def test_the_list_names_nobody_and_costs_the_same_for_many(dpo, office, held, course, payroll):
    browser = opened(dpo)
    asked(dpo, held, course)

    def statements():
        with counted() as cost:
            page = browser.get(reverse("idp:erasures")).content.decode()
        assert "Roux" not in page
        return len(cost.statements)

    one = statements()
    asked(dpo, held, payroll)

    assert statements() == one


def test_a_sheet_opens_for_a_purpose_and_to_those_who_may(dpo, office, held, other_member, course):
    run = asked(dpo, held, course)
    page = reverse("idp:erasure", args=[run.pk])

    assert browser_of(dpo).get(page).status_code == 302
    assert browser_of(other_member).get(page).status_code == 403
    assert (Action.ACCESS_REFUSED, "role_missing") in refusals()


def test_nobody_agrees_without_two_factors_of_these_minutes(dpo, office, gone, course, payroll):
    run = asked(dpo, gone)
    address = reverse("idp:erasure_approve", args=[run.pk])

    bare = browser_of(office).post(address)
    stale = proved(office, ago=3600).post(address)

    assert bare["Location"] == reverse("mfa_index")
    assert "/compte/" in stale["Location"]
    run.refresh_from_db()
    assert run.state == RunState.ASKED
    assert (Action.ACCESS_REFUSED, "second_factor_missing") in refusals()


def test_the_officer_notes_what_a_contact_said_by_telephone(dpo, office, gone, course, payroll):
    run = approved(dpo, office, gone)
    holder = run.holders.get(tool=payroll)
    browser, address = opened(dpo), reverse("idp:erasure_holder", args=[run.pk, holder.pk])

    shown = unescape(browser.get(address).content.decode())
    bad = browser.post(address, {"answer": "refused"})
    browser.post(address, {"answer": "erased", "note": "Au téléphone"})
    twice = browser.post(address, {"answer": "erased"}, follow=True)

    assert "Amélie Roux" in shown
    assert bad.status_code == 422
    holder.refresh_from_db()
    assert (holder.state, holder.answered_by, holder.note) == (
        HolderState.CONFIRMED,
        AnsweredBy.OFFICER,
        "Au téléphone",
    )
    assert "déjà répondu" in unescape(twice.content.decode())
    assert (Action.ERASURE_DECLINED, "erasure_answered") in refusals()
    assert Event.objects.get(action=Action.ERASURE_CONFIRMED).actor_id == dpo.pk


def test_what_a_member_asks_of_a_tool_is_given_up_by_whoever_decides_about_it_alone(dpo, office, held, course):
    run = asked(held, held, course)
    address = reverse("idp:erasure_drop", args=[run.pk])

    refused = opened(office).post(address)
    shown = unescape(opened(office).get(reverse("idp:erasure", args=[run.pk])).content.decode())

    run.refresh_from_db()
    assert (refused.status_code, run.state) == (403, RunState.ASKED)
    assert address not in shown
    assert (Action.ACCESS_REFUSED, "role_missing") in refusals()
    opened(dpo).post(address)
    run.refresh_from_db()
    assert run.state == RunState.DROPPED


def test_whose_name_is_read_on_a_page_of_a_sheet_has_a_line(dpo, office, member, course):
    go_on(member, course, "phone")
    leave(member, course, "name", "phone", now=MONDAY)
    run = approved(dpo, office, member, course)
    pages = (
        reverse("idp:erasure_letter", args=[run.pk]),
        reverse("idp:erasure_holder", args=[run.pk, run.holders.get().pk]),
    )

    def consulted():
        return Event.objects.about(member.pk).filter(action=Action.MEMBER_CONSULTED).count()

    for number, address in enumerate(pages, 1):
        assert "Amélie Roux" in unescape(opened(dpo).get(address).content.decode())
        assert consulted() == number


def test_there_is_no_letter_before_anything_was_done(dpo, held, course):
    run = asked(dpo, held, course)

    answer = opened(dpo).get(reverse("idp:erasure_letter", args=[run.pk]))

    assert answer["Location"] == reverse("idp:erasure", args=[run.pk])
