"""The register as a file, at any day: a workbook in the CNIL's layout, a table, and JSON with terms of the DPV."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from django.utils.text import capfirst
from django.utils.translation import gettext, override

from audit import pdf
from audit.reading import ods
from audit.reading.exports import safe_cell
from branding import selectors as branding
from consent.dpv import BASES, CONTEXT, RECIPIENTS
from consent.register import cnil, policy
from consent.register.types import SENSITIVE, Kind, Listed, Register, Rubric
from consent.types import Ending, LegalBasis, RecipientRole

# Characters of records in one document: three seconds of a processor, where thirty records are one.
MOST_PRINTED = 40_000
ENDINGS = {Ending.DELETE: "dpv:Erase", Ending.ANONYMISE: "dpv:Anonymise", Ending.ARCHIVE: "dpv:Store"}
PERSONAL_DATA = {
    Rubric.IDENTITY: "pd:Identifying",
    Rubric.PERSONAL: "pd:Social",
    Rubric.PROFESSIONAL: "pd:Professional",
    Rubric.ECONOMIC: "pd:Financial",
    Rubric.CONNECTION: "pd:Tracking",
    Rubric.LOCATION: "pd:Location",
    Rubric.ORIGIN: "pd:EthnicOrigin",
    Rubric.OPINIONS: "pd:PoliticalOpinion",
    Rubric.BELIEFS: "pd:PhilosophicalBelief",
    Rubric.UNION: "pd:TradeUnionMembership",
    Rubric.GENETIC: "pd:Genetic",
    Rubric.BIOMETRIC: "pd:Biometric",
    Rubric.HEALTH: "pd:Health",
    Rubric.SEX_LIFE: "pd:Sexual",
    Rubric.OFFENCES: "pd:CriminalConviction",
    Rubric.NATIONAL_NUMBER: "pd:OfficialID",
}


def ods_of(register: Register) -> Iterator[bytes]:
    with override("fr"):
        return ods.workbook(gettext("Registre des traitements"), cnil.sheets_of(register))


def csv_of(register: Register) -> Iterator[bytes]:
    """UTF-8 with its mark, semicolons: what a French spreadsheet opens by itself."""
    with override("fr"):
        rows = cnil.table_of(register)
    out = io.StringIO()
    csv.writer(out, delimiter=";", lineterminator="\r\n").writerows([safe_cell(each) for each in row] for row in rows)
    yield b"\xef\xbb\xbf"
    yield out.getvalue().encode()


def json_of(register: Register) -> Iterator[bytes]:
    """As linked data, each record beside its own fields, so that nothing is lost to the vocabulary."""
    with override("fr"):
        told = {
            "@context": CONTEXT,
            "@type": "dpv:RecordOfProcessingActivities",
            "dcterms:language": "fr",
            "dcterms:date": {"@value": register.on.isoformat(), "@type": "xsd:date"},
            "dpv:hasDataController": _party("dpv:DataController", register.parties.controller),
            "dpv:hasDataProtectionOfficer": _party("dpv:DataProtectionOfficer", register.parties.officer),
            "dpv:hasRepresentative": _party("dpv:Representative", register.parties.representative),
            "dpv:hasJointDataControllers": _party("dpv:JointDataControllers", register.parties.joint),
            "dpv:hasProcess": [_process(each) for each in register.records],
        }
    yield json.dumps(told, ensure_ascii=False, indent=1).encode() + b"\n"


def _process(each: Listed) -> dict[str, Any]:
    content = each.content
    return {
        "@type": "dpv:Process",
        "dcterms:identifier": each.reference,
        "dcterms:title": content.name,
        "dcterms:created": content.created.isoformat(),
        "dcterms:modified": each.updated.isoformat(),
        "dpv:hasEntity": "dpv:DataProcessor" if each.kind is Kind.PROCESSOR else "dpv:DataController",
        "dpv:hasPurpose": [
            {
                "@type": "dpv:Purpose",
                "dcterms:description": row.text,
                "dpv:hasLegalBasis": {"@id": BASES[LegalBasis(row.basis)]} if row.basis else None,
            }
            for row in content.purposes
        ],
        "dpv:hasPersonalData": [
            {
                "@type": [
                    PERSONAL_DATA.get(row.rubric, "dpv:PersonalData"),
                    *(["dpv:SpecialCategoryPersonalData"] if row.rubric in SENSITIVE else []),
                ],
                "dcterms:description": row.description,
                "dpv:hasStorageCondition": {
                    "@type": "dpv:StorageCondition",
                    "dpv:hasDuration": row.period,
                    "dcterms:description": policy.delay_said(row),
                    "dpv:hasProcessing": {"@id": ENDINGS[Ending(row.ending)]} if row.ending else None,
                },
            }
            for row in content.data
        ],
        "dpv:hasDataSubject": [
            {"@type": "dpv:DataSubject", "dcterms:title": row.category, "dcterms:description": row.precision}
            for row in content.people
        ],
        "dpv:hasRecipient": [
            {
                "@type": RECIPIENTS[RecipientRole(row.role)] if row.role else "dpv:Recipient",
                "dpv:hasName": row.name,
                "dpv:hasContact": row.contact,
                "dpv:hasCountry": row.country,
            }
            for row in content.recipients
        ],
        "dpv:hasDataTransfer": [
            {
                "@type": "dpv:Transfer",
                "dpv:hasRecipient": row.organisation,
                "dpv:hasThirdCountry": row.country,
                "dpv:hasTransferSafeguard": str(row.safeguard),
            }
            for row in content.transfers
        ],
        "dpv:hasTechnicalMeasure": content.technical,
        "dpv:hasOrganisationalMeasure": content.organisational,
        "dpv:hasDataSource": content.source,
        "record": {"kind": each.kind.value, "version": each.version, **policy.to_json(content)},
    }


def _party(kind: str, party: Any) -> dict[str, str] | None:
    if not party.name and not party.mail:
        return None
    address = " ".join(each for each in (party.address, party.postcode, party.town, party.country) if each)
    named = {"dpv:hasName": party.name, "dpv:hasAddress": address, "dpv:hasContact": party.mail or party.phone}
    return {"@type": kind} | {name: said for name, said in named.items() if said}


def volumes(register: Register) -> list[Register]:
    """In so many documents it is printed: each is set within seconds, in the process that answers everybody else.

    A record is never parted, and every record is in one.
    """
    found: list[list[Listed]] = [[]]
    weight = 0
    for each in register.records:
        more = len(str(each.content))
        if found[-1] and weight + more > MOST_PRINTED:
            found.append([])
            weight = 0
        found[-1].append(each)
        weight += more
    return [replace(register, records=tuple(some)) for some in found]


def pdf_of(register: Register, *, number: int = 1, of: int = 1) -> Iterator[bytes]:
    """To print, or to hand over as it stands; who the cooperative is stands once, before the records."""
    with override("fr"):
        actors = cnil.actors_of(register.parties)
        records = [
            (each, [_printed(part) for part in cnil.sections_of(each, register.parties) if part.title != actors.title])
            for each in register.records
        ]
        context = {
            "title": _volume_title(number, of),
            "author": register.parties.controller.name or branding.cooperative(),
            "register": register,
            "actors": _printed(actors),
            "records": records,
        }
    yield pdf.pdf_of("consent/register/pdf.html", context, language="fr", accent=branding.shown().accent)


def _volume_title(number: int, of: int) -> str:
    if of == 1:
        return gettext("Registre des traitements")
    return gettext("Registre des traitements, partie {number} sur {of}").format(number=number, of=of)


def _printed(part: cnil.Section) -> cnil.Section:
    """On paper nobody asks which columns are the model's."""

    def name(column: str) -> str:
        return "" if column == cnil.DESCRIPTION else capfirst(column.removeprefix(cnil.OURS))

    rows = [(name(row), [(name(column), value) for column, value in said]) for row, said in part.rows]
    return cnil.Section(part.title, rows)


Writer = Callable[[Register], Iterable[bytes]]
KINDS: dict[str, tuple[Writer, str]] = {
    "ods": (ods_of, ods.TYPE),
    "csv": (csv_of, "text/csv; charset=utf-8"),
    "json": (json_of, "application/ld+json"),
    "pdf": (pdf_of, pdf.TYPE),
}
