"""From a decision to its record: ISO/IEC TS 27560:2023 in its own field names, and as linked data in terms of the DPV.

Values in, values out.  The mapping of fields to terms is that of the DPVCG's guide (W3C community group report of
1 August 2024).
"""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID, uuid5

from consent import policy
from consent.dpv import BASES, CONTEXT, PERSONAL_DATA, RECIPIENTS
from consent.receipts.types import Decided, Happened, State
from consent.register.types import Party
from consent.types import ITEMS, Decision, Face, LegalBasis, Origin, RecipientRole, face_of

SCHEMA = "ISO/IEC TS 27560:2023"
PROFILE = "https://w3id.org/dpv/schema/dpv-27560#receipt-eu-gdpr"
JURISDICTION = "FR"
AUTHORITY = {
    "party_id": "authority",
    "party_name": "Commission nationale de l’informatique et des libertés (CNIL)",
    "party_type": "data protection authority",
    "party_role": "authority",
    "party_address": "3 place de Fontenoy, TSA 80715, 75334 Paris Cedex 07, France",
    "party_contact": "https://www.cnil.fr/fr/plaintes",
}
# GDPR articles 15 to 18 and 77 always; 7(3), 20 and 21 by what the data rests on.
RIGHTS = ("access", "rectification", "erasure", "restriction", "complaint")
RIGHTS_BY_BASIS: dict[str, tuple[str, ...]] = {
    LegalBasis.CONSENT: ("withdrawal of consent", "portability"),
    LegalBasis.CONTRACT: ("portability",),
    LegalBasis.LEGITIMATE_INTEREST: ("objection",),
    LegalBasis.PUBLIC_TASK: ("objection",),
}
ARTICLES = {
    "access": "eu-gdpr:A15",
    "rectification": "eu-gdpr:A16",
    "erasure": "eu-gdpr:A17",
    "restriction": "eu-gdpr:A18",
    "portability": "eu-gdpr:A20",
    "objection": "eu-gdpr:A21",
    "complaint": "eu-gdpr:A77",
    "withdrawal of consent": "eu-gdpr:A7-3",
}
STATUS = {
    State.REQUESTED: "dpv:ConsentRequested",
    State.GIVEN: "dpv:ConsentGiven",
    State.REFUSED: "dpv:ConsentRefused",
    State.TAKEN_BACK: "dpv:ConsentWithdrawn",
    # The text that was agreed to is no longer the one in force, so nothing more leaves on it.
    State.EXPIRED: "dpv:ConsentExpired",
    # Another decision took its place: this one permits nothing any more.
    State.TERMINATED: "dpv:ConsentStatusInvalidForProcessing",
}
# What the person did not do.
BY_CONTROLLER = (State.REQUESTED, State.EXPIRED)
NOTICES = (State.ACKNOWLEDGED, *BY_CONTROLLER)
METHODS = {
    Origin.PAGE: "page shown before the tool opens",
    Origin.CHOICE: "choice made among one’s own data",
    Origin.OWN_DATA: "objection made among one’s own data",
}
ROLES = {RecipientRole.PROCESSOR: "processor", RecipientRole.JOINT: "joint controller"}


def number_of(hub: str, consent: int) -> UUID:
    """The same for good: receipts that were handed out at different times are of one record."""
    return uuid5(UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8"), f"{hub}/consent/{consent}")


def state_at_first(decision: str, content: Mapping[str, Any], granted: Iterable[str]) -> State:
    """Going on with every switch off opens the tool, and agrees to nothing."""
    if decision == Decision.INFORMED:
        return State.ACKNOWLEDGED
    agreed = decision == Decision.GIVEN and not policy.agreeable(content).isdisjoint(granted)
    return State.GIVEN if agreed else State.REFUSED


def record_of(decided: Decided, proof: Iterable[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """Header, processing, parties and events (6.3.3 to 6.3.7); ``proof`` is what of the log goes along."""
    shown = decided.shown
    return {
        "schema_version": SCHEMA,
        "record_id": str(decided.number),
        "receipt_id": str(uuid5(decided.number, str(len(decided.events)))),
        "pii_principal_id": decided.principal,
        "pii_processing": {
            "privacy_notice": {
                "version": shown.version,
                "address": shown.address,
                "sha256": shown.digest,
                **({"page_sha256": shown.page_digest} if shown.page_digest else {}),
            },
            "language": shown.language,
            "service": {"id": decided.tool, "name": decided.tool_name, "processing": _said(shown, "processing")},
            **(
                {"register": dict(zip(("record", "version"), decided.register, strict=True))}
                if decided.register
                else {}
            ),
            "purposes": [_purpose(decided, each) for each in _purposes(decided)],
        },
        "party_identification": _parties(decided),
        "events": [_event(decided, each) for each in decided.events],
        "log_proof": list(proof),
    }


def linked_of(decided: Decided, proof: Iterable[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """The same as JSON-LD; the context stands inside, so that reading it asks no network."""
    record = record_of(decided)
    processing = record["pii_processing"]
    return {
        "@context": {**CONTEXT, "schema": "https://schema.org/"},
        "@id": f"urn:uuid:{record['record_id']}",
        "@type": "dpv:ConsentReceipt",
        "dcterms:conformsTo": PROFILE,
        "dcterms:identifier": record["receipt_id"],
        "dpv:hasRecord": {"@type": "dpv:ConsentRecord", "dcterms:identifier": record["record_id"]},
        "dpv:hasDataSubject": {"@type": "dpv:DataSubject", "dpv:hasIdentifier": decided.principal},
        "dpv:hasConsentStatus": [
            {
                "@type": STATUS[each.state],
                "dpv:isIndicatedAtTime": {"@value": each.at.isoformat(), "@type": "xsd:dateTime"},
                "dpv:isIndicatedBy": {
                    "@id": "dpv:DataController" if each.state in BY_CONTROLLER else "dpv:DataSubject"
                },
            }
            for each in decided.events
            if each.state in STATUS
        ],
        "dpv:hasNotice": {
            "@type": "dpv:PrivacyNotice",
            "@id": decided.shown.address,
            "dcterms:hasVersion": str(decided.shown.version),
            "dcterms:language": decided.shown.language,
            "dcterms:identifier": f"sha256:{decided.shown.digest}",
        },
        "dpv:hasJurisdiction": {"@id": f"https://w3id.org/dpv/loc#{JURISDICTION}"},
        "dpv:hasProcess": [_process(decided, each, processing) for each in processing["purposes"]],
        "dpv:hasEntity": [_entity(each) for each in record["party_identification"]],
        "record": record_of(decided, proof),
    }


def _purposes(decided: Decided) -> list[dict[str, Any]]:
    return list(policy.in_purposes(decided.shown.content)["purposes"])


def _purpose(decided: Decided, told: Mapping[str, Any]) -> dict[str, Any]:
    basis = told["legal_basis"]
    return {
        "purpose": _words(told["purpose"], decided.shown.language),
        "lawful_basis": BASES[LegalBasis(basis)],
        "pii_information": [_item(decided, each, basis) for each in told["items"]],
        "pii_controllers": ["controller"],
        "collection_method": METHODS[decided.origin],
        "processing_method": "released to the tool when the member opens it",
        "storage_locations": sorted({each.country for each in decided.recipients if each.country}),
        "retention_period": _words(told["retention"], decided.shown.language),
        "processing_locations": sorted({each.country for each in decided.recipients if each.country}),
        "jurisdiction": JURISDICTION,
        "recipient_third_parties": ["recipient"],
        "withdrawal_method": decided.withdrawal if basis == LegalBasis.CONSENT else "",
        "privacy_rights": [*RIGHTS, *RIGHTS_BY_BASIS.get(basis, ())],
        "authority_party": "authority",
    }


def _item(decided: Decided, told: Mapping[str, Any], basis: str) -> dict[str, Any]:
    code = told["item"]
    return {
        "pii_type": PERSONAL_DATA.get(code, "dpv:PersonalData"),
        "pii_attribute_id": code,
        "label": decided.labels.get(code, code),
        "claims": list(ITEMS[code].claims) if code in ITEMS else [],
        "reason": _words(told["why"], decided.shown.language),
        "pii_optional": face_of(basis) != Face.INFORMATION,
        "special_pii_category": False,
        "released": code in decided.granted,
    }


def _parties(decided: Decided) -> list[dict[str, Any]]:
    recipients = decided.recipients
    role = next((each.role for each in recipients if each.role), "")
    said = decided.shown.content
    found = [
        _party("controller", "controller", "organisation", decided.parties.controller),
        _party("officer", "data protection officer", "organisation", decided.parties.officer),
        {
            "party_id": "recipient",
            "party_name": said.get("recipient") or next((each.name for each in recipients), "") or decided.tool_name,
            "party_type": "organisation",
            "party_role": ROLES.get(RecipientRole(role), "recipient") if role else "recipient",
            "party_address": ", ".join(each.country for each in recipients if each.country),
            "party_contact": said.get("contact") or next((each.contact for each in recipients), ""),
            "term": RECIPIENTS[RecipientRole(role)] if role else "dpv:Recipient",
        },
        AUTHORITY,
    ]
    return [each for each in found if each["party_name"]]


def _party(number: str, role: str, kind: str, party: Party) -> dict[str, Any]:
    address = (party.address, f"{party.postcode} {party.town}".strip(), party.country)
    return {
        "party_id": number,
        "party_name": party.name,
        "party_type": kind,
        "party_role": role,
        "party_address": ", ".join(each for each in address if each),
        "party_contact": party.mail or party.phone,
    }


def _event(decided: Decided, each: Happened) -> dict[str, Any]:
    return {
        "event_time": each.at.isoformat(),
        # As long as the text stays the same, or until it is withdrawn.
        "validity_duration": "until withdrawn or replaced" if each.state is State.GIVEN else "",
        "entity_id": "controller" if each.state in BY_CONTROLLER else decided.principal,
        "event_type": "notice" if each.state in NOTICES else "explicit",
        "event_state": each.state.value,
        **({"log_entry": str(each.entry)} if each.entry else {}),
    }


def _process(decided: Decided, purpose: Mapping[str, Any], processing: Mapping[str, Any]) -> dict[str, Any]:
    withdrawal = purpose["withdrawal_method"]
    return {
        "@type": "dpv:Process",
        "dpv:hasPurpose": {"@type": "dpv:Purpose", "dcterms:description": purpose["purpose"]},
        "dpv:hasService": {"@type": "dpv:Service", "dcterms:title": processing["service"]["name"]},
        "dpv:hasLegalBasis": {"@id": purpose["lawful_basis"]},
        "dpv:hasPersonalData": [
            {
                "@type": ["dpv:PersonalData", each["pii_type"]],
                "dcterms:identifier": each["pii_attribute_id"],
                "dcterms:title": each["label"],
                "dcterms:description": each["reason"],
                "dpv:hasNecessity": {"@id": "dpv:Optional" if each["pii_optional"] else "dpv:Required"},
            }
            for each in purpose["pii_information"]
        ],
        "dpv:hasProcessing": {"@id": "dpv:DiscloseByTransmission"},
        "dpv:hasStorageCondition": {"@type": "dpv:StorageCondition", "dpv:hasDuration": purpose["retention_period"]},
        "dpv:hasRight": [{"@id": ARTICLES[each]} for each in purpose["privacy_rights"]],
        **({"dpv:hasWithdrawalMethod": withdrawal} if withdrawal else {}),
    }


def _entity(party: Mapping[str, Any]) -> dict[str, Any]:
    terms = {
        "controller": "dpv:DataController",
        "officer": "dpv:DataProtectionOfficer",
        "authority": "dpv:DataProtectionAuthority",
    }
    said = {
        "dpv:hasName": party["party_name"],
        "dpv:hasAddress": party["party_address"],
        "dpv:hasContact": party["party_contact"],
    }
    kind = terms.get(party["party_id"]) or party["term"]
    return {"@type": kind, "dpv:hasIdentifier": party["party_id"]} | {name: each for name, each in said.items() if each}


def _said(shown: Any, part: str) -> str:
    return _words(shown.content.get(part, ""), shown.language)


def _words(told: Any, language: str) -> str:
    """A text of a notice in the language that it was read in; French where it has no other."""
    if isinstance(told, Mapping):
        return str((told.get("en") if language.startswith("en") else "") or told.get("fr", ""))
    return str(told)
