"""From a decision to its record, without a database."""

from datetime import timedelta
from uuid import UUID

import pytest

from consent import policy as notices
from consent.receipts import policy
from consent.receipts.types import Decided, Happened, Shown, State
from consent.register.types import Parties, Party, Recipient
from consent.types import Origin, RecipientRole
from tests.support.cast import AGENDA, FORMATION, TUESDAY, WEDNESDAY

HUB = "https://cle.alizarine.example"
LINE = UUID("11111111-1111-4111-8111-111111111111")


def decided(sheet=FORMATION, language="fr", **changes):
    said = {
        "number": policy.number_of(HUB, 7),
        "principal": "pairwise-7",
        "hub": HUB,
        "tool": "formation",
        "tool_name": "Formation",
        "shown": Shown(2, "d" * 64, language, f"{HUB}/information/3/", notices.notice_content(sheet)),
        "granted": ("name", "email", "phone"),
        "refused": ("trade",),
        "origin": Origin.PAGE,
        "events": (Happened(TUESDAY, State.GIVEN, LINE),),
        "withdrawal": f"{HUB}/mes-donnees/#outil-formation",
        "parties": Parties(Party("Coopérative Alizarine", "1 rue", "34000", "Montpellier", "France"), Party("Solène")),
        "recipients": (Recipient("Atelier Savoirs", RecipientRole.PROCESSOR, country="France"),),
        "register": ("O-0001", 1),
        "labels": {"phone": "Téléphone"},
    }
    return Decided(**{**said, **changes})


@pytest.mark.spec("ISO/IEC TS 27560:2023", "6.3.3")
def test_the_header_names_schema_record_receipt_and_person():
    record = policy.record_of(decided())

    assert record["schema_version"] == "ISO/IEC TS 27560:2023"
    assert record["record_id"] == str(policy.number_of(HUB, 7))
    assert record["pii_principal_id"] == "pairwise-7"
    assert UUID(record["receipt_id"]) != UUID(record["record_id"])


@pytest.mark.spec("ISO/IEC TS 27560:2023", "6.3.3")
def test_another_receipt_of_the_same_record_comes_with_its_next_event():
    ended = decided(events=(Happened(TUESDAY, State.GIVEN), Happened(WEDNESDAY, State.TAKEN_BACK)))

    before, after = policy.record_of(decided()), policy.record_of(ended)

    assert before["record_id"] == after["record_id"]
    assert before["receipt_id"] != after["receipt_id"]


@pytest.mark.spec("ISO/IEC TS 27560:2023", "6.3.4")
def test_every_purpose_has_the_fields_of_processing():
    processing = policy.record_of(decided())["pii_processing"]

    assert (processing["privacy_notice"]["version"], processing["language"]) == (2, "fr")
    assert processing["register"] == {"record": "O-0001", "version": 1}
    contract, consent = processing["purposes"]
    for purpose in (contract, consent):
        for name in ("purpose", "retention_period", "pii_controllers", "storage_locations", "jurisdiction"):
            assert purpose[name], name
    assert [each["lawful_basis"] for each in (contract, consent)] == ["eu-gdpr:A6-1-b", "eu-gdpr:A6-1-a"]
    assert consent["withdrawal_method"] == f"{HUB}/mes-donnees/#outil-formation"
    assert contract["withdrawal_method"] == "", "a contract is not withdrawn from here"
    assert "withdrawal of consent" in consent["privacy_rights"]


@pytest.mark.spec("ISO/IEC TS 27560:2023", "6.3.5")
def test_every_item_says_what_it_is_whether_it_is_optional_and_what_was_decided():
    purposes = policy.record_of(decided())["pii_processing"]["purposes"]

    items = {each["pii_attribute_id"]: each for purpose in purposes for each in purpose["pii_information"]}
    assert {code: each["pii_optional"] for code, each in items.items()} == {
        "name": False,
        "email": False,
        "phone": True,
        "trade": True,
    }
    assert {code for code, each in items.items() if each["released"]} == {"name", "email", "phone"}
    assert (items["phone"]["pii_type"], items["phone"]["label"]) == ("pd:TelephoneNumber", "Téléphone")


@pytest.mark.spec("ISO/IEC TS 27560:2023", "6.3.6")
def test_the_parties_are_the_cooperative_its_officer_whoever_receives_and_the_authority():
    parties = policy.record_of(decided())["party_identification"]

    assert [each["party_id"] for each in parties] == ["controller", "officer", "recipient", "authority"]
    assert parties[0]["party_address"] == "1 rue, 34000 Montpellier, France"
    assert (parties[2]["party_name"], parties[2]["party_role"]) == ("Atelier Savoirs, Montpellier", "processor")


@pytest.mark.spec("ISO/IEC TS 27560:2023", "6.3.7")
def test_events_are_a_list_that_grows_and_each_names_its_line():
    events = policy.record_of(
        decided(events=(Happened(TUESDAY, State.GIVEN, LINE), Happened(TUESDAY + timedelta(days=9), State.TAKEN_BACK)))
    )["events"]

    assert [each["event_state"] for each in events] == ["consent given", "consent withdrawn"]
    assert events[0] == {
        "event_time": TUESDAY.isoformat(),
        "validity_duration": "until withdrawn or replaced",
        "entity_id": "pairwise-7",
        "event_type": "explicit",
        "event_state": "consent given",
        "log_entry": str(LINE),
    }


@pytest.mark.parametrize(
    ("decision", "granted", "state"),
    [
        ("given", ["name", "phone"], State.GIVEN),
        ("given", ["name"], State.REFUSED),
        ("refused", [], State.REFUSED),
        ("informed", ["name"], State.ACKNOWLEDGED),
    ],
)
def test_going_on_without_anything_optional_is_no_agreement(decision, granted, state):
    assert policy.state_at_first(decision, notices.notice_content(FORMATION), granted) is state


def test_the_record_is_in_the_language_that_was_read_and_in_french_where_there_is_no_other():
    english = policy.record_of(decided(language="en"))["pii_processing"]["purposes"][0]
    untranslated = policy.record_of(decided(AGENDA, language="en"))["pii_processing"]["purposes"][0]

    assert english["purpose"] == "Sign you up for the courses you choose."
    assert untranslated["purpose"] == "Afficher vos rendez-vous."


def test_what_may_be_objected_to_is_no_consent_and_cannot_be_withdrawn():
    _contract, interest = policy.record_of(decided(AGENDA))["pii_processing"]["purposes"]

    assert (interest["lawful_basis"], interest["withdrawal_method"]) == ("eu-gdpr:A6-1-f", "")
    assert "objection" in interest["privacy_rights"]


def test_linked_data_has_its_context_inside_and_terms_that_it_declares():
    linked = policy.linked_of(decided())

    prefixes = set(linked["@context"])
    assert not isinstance(linked["@context"], str), "a context by its address would ask the network"

    def terms(value):
        if isinstance(value, dict):
            for name, content in value.items():
                yield from [name] if ":" in name else []
                yield from terms(content) if name not in ("@context", "record", "@id") else ()
                yield from [content] if name == "@id" and isinstance(content, str) and "://" not in content else []
        elif isinstance(value, list):
            for each in value:
                yield from terms(each)

    used = {term for term in terms(linked) if not term.startswith("urn:")}
    assert {term.partition(":")[0] for term in used} <= prefixes
    assert {"dpv:hasConsentStatus", "dpv:hasLegalBasis", "dpv:hasPersonalData", "eu-gdpr:A6-1-a"} <= used
    assert linked["dpv:hasConsentStatus"][0]["@type"] == "dpv:ConsentGiven"
    assert linked["record"] == policy.record_of(decided()), "nothing is lost to the vocabulary"


def test_a_notice_that_was_read_has_no_status_of_consent():
    linked = policy.linked_of(decided(events=(Happened(TUESDAY, State.ACKNOWLEDGED),)))

    assert linked["dpv:hasConsentStatus"] == []
