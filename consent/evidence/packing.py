"""The pack, file by file and in one order; everything streams, and the digests of all files come last.

LISEZ-MOI.txt, READ-ME.txt   what this is and how it is checked
registre/                    the register on the last day, and each version with its digest
informations/                what members saw, and its digests
consentements/               decisions and objections, each with the digest of its receipt; how many
analyses/                    screenings of impact assessments, balancing tests
contrats/                    what the officer read in each contract of a processor, and the texts
mesures/                     security measures, restore tests and reviews, with their days
violations/                  the register of breaches
conservation/                the rules of retention of the journal, and when they were applied
journal/                     lines with their proof, checkpoints with the lines of witnesses, and the verifier
empreintes.sha256            the digest of every file before it; its own digest stands in the journal
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.template.loader import render_to_string
from django.utils.timezone import localtime

from audit.keeping import rules
from audit.reading import proving
from audit.reading.exports import safe_cell
from audit.sealing import keyed_digest
from audit.zipping import File
from branding import selectors as branding
from consent.evidence.selectors import Found
from consent.incidents import exports as breaches
from consent.models import Consent, ContractFile, ContractVersion, Objection
from consent.policy import digest
from consent.register import exports as register
from consent.screening import selectors as screenings

SUMS = "empreintes.sha256"
PURPOSE = "consent.evidence"
Row = list[str]
# How somebody is called.
Call = Callable[[Any, UUID], str]


def pseudonyms(pack: UUID) -> Call:
    """By a word that is the same in all of this pack and in no other; only this hub can tell of whom it is."""
    return lambda _member, person: keyed_digest(pack.bytes + person.bytes, purpose=PURPOSE)[:8].hex()


def names(member: Any, person: UUID) -> str:
    return str(member)


def pack(found: Found, *, number: UUID, call: Call, finish: Callable[[str, int], None]) -> Iterator[File]:
    """Every file; ``finish`` is told of the digest of the list of digests, and of how many files it lists."""
    sums: list[str] = []
    for path, content in _files(found, number, call):
        hashed = sha256()
        yield path, _through(content, hashed)
        sums.append(f"{hashed.hexdigest()}  {path}\n")
    listed = "".join(sums).encode()
    yield SUMS, [listed]
    finish(sha256(listed).hexdigest(), len(sums))


def _through(content: Iterable[bytes], hashed: Any) -> Iterator[bytes]:
    for piece in content:
        hashed.update(piece)
        yield piece


def _files(found: Found, number: UUID, call: Call) -> Iterator[File]:
    context = {
        "found": found,
        "scope": found.scope,
        "number": number,
        "cooperative": branding.cooperative(),
        "sums": SUMS,
    }
    for name in ("LISEZ-MOI.txt", "READ-ME.txt"):
        yield name, [render_to_string(f"consent/evidence/{name}", context).encode()]
    standing = found.register()
    yield "registre/registre.ods", register.ods_of(standing)
    yield "registre/registre.json", register.json_of(standing)
    yield "registre/versions.csv", _csv(_versions(found))
    for copy in found.copies().iterator(100):
        yield f"informations/{_copy_name(copy)}", [copy.html.encode()]
    yield "informations/informations.csv", _csv(_copies(found))
    yield "consentements/nombres.csv", _csv(_counts(found))
    yield "consentements/decisions.csv", _csv(_decisions(found, call))
    yield "consentements/oppositions.csv", _csv(_objections(found, call))
    yield "analyses/examens.json", _json(_screenings(found))
    yield "analyses/mises-en-balance.json", _json(_weighed(standing))
    contracts = found.contracts()
    yield "contrats/contrats.json", _json(map(_contract, contracts))
    for digest_of in sorted({row.file.digest for row in contracts if row.file}):
        yield f"contrats/{digest_of}.pdf", [bytes(ContractFile.objects.get(digest=digest_of).content)]
    yield "mesures/mesures.csv", _csv(_safety(found))
    breach = found.breaches()
    yield "violations/violations.ods", breaches.ods_of(breach)
    yield "violations/violations.json", breaches.json_of(breach)
    yield "conservation/regles.json", _json(_rules(found))
    yield "conservation/passages.csv", _csv(_runs(found))
    for path, content in proving.proofs(found.lines(), shown=lambda _person: False, now=found.now):
        yield f"journal/{path}", content


def _versions(found: Found) -> Iterator[Row]:
    yield ["reference", "version", "du", "au", "empreinte"]
    for row in found.versions().iterator(500):
        yield [row.record.reference, str(row.version), _at(row.started_at), _at(row.ended_at), row.digest]


def _copy_name(copy: Any) -> str:
    return f"{copy.notice.processing.tool.slug}-v{copy.notice.version}-{copy.language}.html"


def _copies(found: Found) -> Iterator[Row]:
    yield ["fichier", "outil", "version", "langue", "depuis", "empreinte du texte", "empreinte de la page"]
    for each in found.copies().iterator(100):
        notice = each.notice
        said = [_copy_name(each), notice.processing.tool.slug, str(notice.version), each.language]
        yield [*said, _at(notice.created_at), notice.digest, each.digest]


def _counts(found: Found) -> Iterator[Row]:
    yield ["outil", "version de l’information", "decision", "nombre"]
    for (tool, version, decision), count in sorted(found.counts().items()):
        yield [tool, str(version), decision, str(count)]


def _decisions(found: Found, call: Call) -> Iterator[Row]:
    yield [
        *("personne", "outil", "version de l’information", "empreinte du texte", "decision", "accepte", "refuse"),
        *("lieu", "langue", "le", "fin", "motif de fin", "empreinte du recu"),
    ]
    for row in found.decisions().iterator(500):
        yield [
            call(row.member, row.member_id),
            row.tool.slug,
            str(row.notice.version),
            row.notice.digest,
            row.decision,
            " ".join(row.items),
            " ".join(row.refused_items),
            row.origin,
            row.language,
            _at(row.at),
            _at(row.ended_at),
            row.ended_reason,
            receipt(row),
        ]


def receipt(row: Consent) -> str:
    """The digest of a decision with the text it was about, whoever took it: of the record itself it says nothing."""
    said = {
        "number": row.pk,
        "member": str(row.member_id),
        "notice": row.notice.digest,
        "decision": row.decision,
        "items": row.items,
        "refused_items": row.refused_items,
        "origin": row.origin,
        "language": row.language,
        "at": row.at.isoformat(),
    }
    return digest(said)


def _objections(found: Found, call: Call) -> Iterator[Row]:
    yield ["personne", "outil", "finalite", "donnees", "le", "fin", "examen"]
    rows: Iterable[Objection] = found.objections().iterator(500)
    for row in rows:
        said = [call(row.member, row.member_id), row.tool.slug, row.purpose.text, " ".join(row.items)]
        yield [*said, _at(row.at), _at(row.ended_at), row.request.state if row.request else ""]


def _screenings(found: Found) -> Iterator[dict[str, Any]]:
    for record in found.records:
        for row, _said in screenings.versions(record)[::-1]:
            if row.at < found.until:
                told = {"version": row.version, "register_version": row.register_version, "digest": row.digest}
                yield {"reference": record.reference, "at": row.at.isoformat(), **told, "said": row.content}


def _contract(row: ContractVersion) -> dict[str, Any]:
    told = {"reference": row.record.reference, "recipient": row.recipient, "version": row.version}
    told |= {"at": row.at.isoformat(), "digest": row.digest, "said": row.content}
    return told | ({"file": f"{row.file.digest}.pdf", "name": row.file.name} if row.file else {"file": None})


def _safety(found: Found) -> Iterator[Row]:
    yield ["jour", "sorte", "par", "quoi", "resultat", "ce qu’il en ressort", "note le", "empreinte"]
    for row in found.safety().iterator(500):
        said = [row.on.isoformat(), row.kind, row.who, row.what, row.result, row.note]
        yield [*said, _at(row.at), row.digest]


def _weighed(standing: Any) -> Iterator[dict[str, Any]]:
    for each in standing.records:
        for row in each.content.purposes:
            if row.balancing:
                told = {"purpose": row.text, "on": row.balanced_on.isoformat(), "balancing": row.balancing}
                yield {"reference": each.reference, "version": each.version, **told}


def _rules(found: Found) -> Iterator[dict[str, Any]]:
    yield {"version": 0, "at": None, "why": "", "periods": rules.to_json(rules.DEFAULTS)}
    for row in found.rules():
        yield {"version": row.pk, "at": row.at.isoformat(), "why": row.why, "periods": row.periods}


def _runs(found: Found) -> Iterator[Row]:
    yield ["commence", "fini", "etat", "regles", "parties effacees"]
    for row in found.runs().iterator(500):
        yield [_at(row.began_at), _at(row.ended_at), row.state, str(row.rules), str(row.count)]


def _json(rows: Iterable[Any]) -> Iterator[bytes]:
    """A list, row by row."""
    before = "[\n"
    for row in rows:
        yield f"{before}{json.dumps(row, ensure_ascii=False, sort_keys=True)}".encode()
        before = ",\n"
    yield b"[]\n" if before == "[\n" else b"\n]\n"


def _csv(rows: Iterable[Row]) -> Iterator[bytes]:
    """UTF-8 with its mark, semicolons, nothing that a spreadsheet takes for a formula."""
    yield b"\xef\xbb\xbf"
    for row in rows:
        out = io.StringIO()
        csv.writer(out, delimiter=";", lineterminator="\r\n").writerow([safe_cell(each) for each in row])
        yield out.getvalue().encode()


def _at(at: datetime | None) -> str:
    return localtime(at).isoformat(timespec="seconds") if at else ""
