"""The register of breaches as a file (article 33(5)), a notice as JSON, and the list of those to write to."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import override

from audit.reading import ods
from audit.reading.exports import safe_cell
from consent.incidents import policy, words
from consent.incidents.selectors import Addressee, Known
from consent.incidents.types import Form

Row = list[str]


def headings() -> Row:
    return [
        _("Référence"),
        _("Titre"),
        _("Nature"),
        _("Début"),
        _("Fin"),
        _("Constat"),
        _("Connaissance"),
        _("À notifier avant"),
        _("Outils"),
        _("Personnes"),
        _("Enregistrements"),
        _("Catégories de données"),
        _("Ce qui s’est passé"),
        _("Conséquences"),
        _("Mesures"),
        _("Risque"),
        _("Motif du risque"),
        _("CNIL avertie"),
        _("Motif du retard"),
        _("Personnes averties"),
        _("État"),
        _("Clos"),
    ]


def cells(known: Known) -> Row:
    standing, facts = known.standing, known.standing.facts
    counts = [each for _number, each in standing.counts]
    return [
        known.incident.reference,
        facts.title,
        "\n".join(str(each.label) for each in facts.natures),
        *(_moment(at) for at in (facts.began, facts.ended, facts.noticed, facts.aware, facts.deadline)),
        "\n".join(dict.fromkeys(each.tool_name for each in counts)),
        *("" if number is None else str(number) for number in (known.people, known.entries)),
        "\n".join(words.category(code) for code in policy.held(counts, lambda each: each.categories)),
        facts.happened,
        facts.consequences,
        facts.measures,
        str(standing.decision.risk.label) if standing.decision else "",
        standing.decision.reason if standing.decision else "",
        "\n".join(f"{_moment(each.at)} {each.phase.label} {each.number}".strip() for each in standing.notices),
        "\n".join(each.late for each in standing.notices if each.late),
        "\n".join(f"{_moment(each.at)} {each.people} {each.how}" for each in standing.tellings),
        str(known.clock.pace.label),
        (standing.closing.reason or _("oui")) if standing.closing else "",
    ]


def ods_of(found: Iterable[Known]) -> Iterator[bytes]:
    with override("fr"):
        rows = [cells(each) for each in found]
        return ods.ods(_("Violations"), headings(), rows)


def csv_of(found: Iterable[Known]) -> Iterator[bytes]:
    """UTF-8 with its mark, semicolons: what a French spreadsheet opens by itself."""
    with override("fr"):
        yield from _csv([headings(), *(cells(each) for each in found)])


def json_of(found: Iterable[Known]) -> Iterator[bytes]:
    """Step by step, as it was written; of who wrote it nothing."""
    told = [
        {
            "reference": each.incident.reference,
            "opened": each.incident.opened_at.isoformat(),
            "steps": [
                {
                    "number": row.number,
                    "kind": row.kind,
                    "at": row.at.isoformat(),
                    "said": row.content,
                    "digest": row.digest,
                }
                for row in each.steps
            ],
        }
        for each in found
    ]
    yield json.dumps(told, ensure_ascii=False, indent=1).encode() + b"\n"


def form_json(reference: str, form: Form) -> bytes:
    with override("fr"):
        told = [
            {"field": name, "heading": str(label), "text": getattr(form, name)}
            for name, label in words.HEADINGS.items()
        ]
    said = {"reference": reference, "form": told}
    return json.dumps(said, ensure_ascii=False, indent=1).encode() + b"\n"


def people_csv(people: Iterable[Addressee]) -> Iterator[bytes]:
    """Names and addresses, and what was held; how many they are stands last: a file without it was cut on its way."""
    yield from _csv([[_("Nom"), _("Adresse e-mail"), _("Données détenues"), _("Détenues depuis")]])
    count = 0
    for each in people:
        member, concerned = each.member, each.concerned
        held = ", ".join(words.item(code) for code in concerned.items)
        name, mail = (str(member), member.email) if member else ("", "")
        yield from _csv([[name or _("personne effacée"), mail, held, _moment(concerned.since)]], mark=False)
        count += 1
    yield from _csv([[_("Fin. Nombre de personnes : %(count)s") % {"count": count}]], mark=False)


def _csv(rows: list[Row], *, mark: bool = True) -> Iterator[bytes]:
    out = io.StringIO()
    csv.writer(out, delimiter=";", lineterminator="\r\n").writerows([safe_cell(each) for each in row] for row in rows)
    yield (b"\xef\xbb\xbf" if mark else b"") + out.getvalue().encode()


def _moment(at: datetime | None) -> str:
    return localtime(at).isoformat(sep=" ", timespec="minutes")[:16] if at else ""


Writer = Callable[[Iterable[Known]], Iterator[bytes]]
KINDS: dict[str, tuple[Writer, Any]] = {
    "ods": (ods_of, ods.TYPE),
    "csv": (csv_of, "text/csv; charset=utf-8"),
}
