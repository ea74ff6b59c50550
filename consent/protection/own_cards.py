"""The cards of what is here already: findings, the register, decisions of members, the log of proof."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from django.db.models import F
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from audit import mailing, witnesses
from audit.models import Destruction
from audit.proof import selectors as proof
from audit.reconciliation import selectors as reconciliation
from consent.contracts.selectors import holes as missing_contracts
from consent.corrections import selectors as corrections
from consent.erasures.models import ErasureHolder, ErasureRun
from consent.erasures.types import HolderState, RunState
from consent.findings import selectors as findings
from consent.findings.types import Level
from consent.incidents import selectors as incidents
from consent.models import Consent, Objection
from consent.modes import selectors as modes
from consent.protection.selectors import CONTRACT_ENDS
from consent.protection.types import Card, Urgency
from consent.register import policy
from consent.register import selectors as register
from consent.register.types import Listed
from consent.requests import selectors as requests
from consent.requests.types import State
from consent.safety import selectors as safety
from consent.safety.words import DUE
from consent.screening import selectors as screening
from consent.types import WITHDRAWN

LATELY = timedelta(days=7)
# From when on a tool that never asks again has to be told otherwise.
LATE = timedelta(days=14)
# How long a comparison that runs each night may be ago.
NIGHT = timedelta(days=2)


def of_findings(now: datetime) -> Iterator[Card]:
    # What a tool's mode lets out has a card of its own.
    levels = [each.level for each in findings.open_findings(now=now) if not each.mode]
    address = reverse("protection:findings")
    alarms, tasks = levels.count(Level.ALARM), levels.count(Level.TASK)
    others = len(levels) - alarms - tasks
    if alarms:
        said = ngettext(
            "Un écart qui ne doit jamais arriver entre ce qui est déclaré et ce qui est transmis.",
            "Des écarts qui ne doivent jamais arriver entre ce qui est déclaré et ce qui est transmis.",
            alarms,
        )
        yield Card("alarms", _("Écarts graves"), said, Urgency.NOW, address, alarms)
    if tasks:
        said = ngettext("Un constat attend votre décision.", "Des constats attendent votre décision.", tasks)
        yield Card("tasks", _("Constats à traiter"), said, Urgency.SOON, address, tasks)
    if others:
        said = _("À regarder : ce qui est déclaré sans servir, ou que les membres n’ont pas encore lu.")
        yield Card("findings", _("Autres constats"), said, Urgency.KNOW, address, others)
    if not levels:
        said = _("Ce qui a été transmis en 90 jours est ce qui est déclaré et accepté.")
        yield Card("findings", _("Constats"), said, Urgency.CALM, address)


def of_modes(now: datetime) -> Iterator[Card]:
    """Tools that are given time to do with their sheets; one statement."""
    if rows := modes.lenient(now=now):
        said = ngettext(
            "Un outil reçoit encore des données que sa fiche ne déclare pas, jusqu’au %(day)s.",
            "Des outils reçoivent encore des données que leur fiche ne déclare pas ; le premier, jusqu’au %(day)s.",
            len(rows),
        ) % {"day": _day(rows[0].until)}  # type: ignore[arg-type]
        first = reverse("protection:matrix_tool", args=[rows[0].tool.slug])
        address = first if len(rows) == 1 else reverse("protection:matrix")
        yield Card("modes", _("Outils au-delà de leur fiche"), said, Urgency.SOON, address, len(rows))


def of_the_register(now: datetime) -> Iterator[Card]:
    """Holes, those of contracts among them, and contracts that end; three statements."""
    today = timezone.localdate(now)
    found = register.register_on(today)
    address = reverse("register:list")
    unread = missing_contracts(found.records)
    holed = sum(
        bool(policy.holes(each.content, each.kind, today=today) or unread[each.reference]) for each in found.records
    )
    if holed:
        said = ngettext("Une fiche attend une réponse.", "Des fiches attendent une réponse.", holed)
        yield Card("register", _("Fiches à compléter"), said, Urgency.SOON, address, holed)
    else:
        yield Card("register", _("Registre"), _("Chaque fiche a toutes ses réponses."), Urgency.CALM, address)
    if not found.parties.controller.name:
        said = _("Le registre ne dit pas encore qui est responsable de traitement.")
        yield Card("parties", _("Organisme à écrire"), said, Urgency.SOON, reverse("register:parties"))
    ends = [(end, each) for each in found.records for end in contract_ends(each)]
    over = sorted((end, each.reference) for end, each in ends if end < today)
    soon = sorted((end, each.reference) for end, each in ends if today <= end <= today + CONTRACT_ENDS)
    tools = reverse("protection:tools")
    if over:
        said = _("Le premier est terminé depuis le %(day)s.") % {"day": _day(over[0][0])}
        yield Card("contracts_over", _("Contrats terminés"), said, Urgency.NOW, tools, len(over))
    if soon:
        said = _("Le premier se termine le %(day)s.") % {"day": _day(soon[0][0])}
        yield Card("contracts_end", _("Contrats à renouveler"), said, Urgency.SOON, tools, len(soon))


def contract_ends(record: Listed) -> list[date]:
    return [each.contract_end for each in record.content.recipients if each.contract_end]


def of_decisions(now: datetime) -> Iterator[Card]:
    """Withdrawals and objections of the last days; two statements."""
    since, address = now - LATELY, reverse("protection:decisions")
    withdrawn = Consent.objects.filter(ended_reason=WITHDRAWN, ended_at__gt=since).count()
    objected = Objection.objects.filter(at__gt=since).count()
    if withdrawn:
        said = _("Ces 7 derniers jours. Les outils concernés n’ont plus rien reçu depuis.")
        yield Card("withdrawals", _("Accords retirés"), said, Urgency.KNOW, address, withdrawn)
    if objected:
        said = _("Ces 7 derniers jours. Plus rien ne part pour ces usages.")
        yield Card("objections", _("Oppositions"), said, Urgency.KNOW, address, objected)
    if not withdrawn and not objected:
        said = _("Ni retrait, ni opposition ces 7 derniers jours.")
        yield Card("decisions", _("Décisions des membres"), said, Urgency.CALM, address)


def of_the_log(now: datetime) -> Iterator[Card]:
    """Whether it is signed, contradicted by nobody, and kept where those who run the hub cannot reach it."""
    address = reverse("audit:proof")
    logs = list(proof.logs())
    standing, contradicted = proof.standing(logs, now), witnesses.contradicted()
    if contradicted:
        said = _("Un témoin a vu un autre journal que celui d’ici.")
        yield Card("contradicted", _("Journal contredit"), said, Urgency.NOW, address, len(contradicted))
    if not standing.is_well:
        said = _("Ce qui arrive n’est pas signé : la technique doit le savoir.")
        yield Card("unsigned", _("Journal non signé"), said, Urgency.NOW, address)
    elif not contradicted:
        signed = [getattr(each, "signed_at", None) for each in logs]
        last = max((at for at in signed if at), default=None)
        said = _("Signé pour la dernière fois le %(when)s.") % {"when": _moment(last)} if last else _("Rien à signer.")
        yield Card("log", _("Journal"), said, Urgency.CALM, address)
    if standing.refusal is not None:
        said = _("L’horloge est douteuse : rien n’est effacé tant que vous ne l’avez pas confirmée.")
        yield Card("clock", _("Durées de conservation arrêtées"), said, Urgency.NOW, reverse("audit:keeping"))
    mailed = mailing.last_mailing()
    if mailed and mailed[1] in (mailing.MailOutcome.FAILED, mailing.MailOutcome.TO_NOBODY):
        said = _("Le dernier courrier des relevés n’est parvenu à personne.")
        yield Card("mails", _("Relevés non envoyés"), said, Urgency.NOW, address)
    if not mailing.is_kept_outside(now):
        said = _("Personne hors de portée de la technique ne garde les relevés : une réécriture ne se verrait pas.")
        yield Card("outside", _("Journal gardé nulle part ailleurs"), said, Urgency.SOON, address)


def of_the_comparison(now: datetime) -> Iterator[Card]:
    """What the journal lacks beside the tables; two statements."""
    address = reverse("audit:reconciliation")
    gaps, last = reconciliation.open_gaps().count(), reconciliation.runs().first()
    if gaps:
        said = _("Des faits sont dans les tables et pas dans le journal : chacun s’explique et se règle.")
        yield Card("gaps", _("Journal incomplet"), said, Urgency.NOW, address, gaps)
    elif last is None or now - last.at > NIGHT:
        said = _("La comparaison de nuit du journal et des tables n’a pas eu lieu.")
        yield Card("comparison", _("Rapprochement en retard"), said, Urgency.SOON, address)
    else:
        said = _("Rapproché des tables le %(when)s, il n’y manque rien.") % {"when": _moment(last.at)}
        yield Card("comparison", _("Rapprochement"), said, Urgency.CALM, address)


def of_destructions(now: datetime) -> Iterator[Card]:
    """Closed logs whose destruction waits for a second person; one statement."""
    waiting = Destruction.objects.filter(done_at=None, approved_at=None, expires_at__gt=now).count()
    if waiting:
        said = _("Un registre de preuve clos serait détruit : il faut l’avis d’une deuxième personne.")
        yield Card("destructions", _("Destructions proposées"), said, Urgency.NOW, reverse("audit:proof"), waiting)


def of_requests(now: datetime) -> Iterator[Card]:
    """What members ask and is not answered yet; one statement."""
    today, address = timezone.localdate(now), reverse("requests:inbox")
    ends = [each.due_on for each in requests.waiting() if each.state == State.OPEN]
    late = sum(end < today for end in ends)
    near = sum(today <= end <= today + LATELY for end in ends)
    if late:
        said = ngettext("La réponse à une demande est en retard.", "Les réponses à des demandes sont en retard.", late)
        yield Card("requests_late", _("Demandes en retard"), said, Urgency.NOW, address, late)
    if near:
        said = _("La première réponse est due le %(day)s.") % {"day": _day(min(e for e in ends if e >= today))}
        yield Card("requests_near", _("Demandes à répondre cette semaine"), said, Urgency.NOW, address, near)
    if rest := len(ends) - late - near:
        said = ngettext("Une demande attend sa réponse.", "Des demandes attendent leur réponse.", rest)
        yield Card("requests", _("Demandes en cours"), said, Urgency.SOON, address, rest)
    if not ends:
        yield Card("requests", _("Demandes"), _("Aucune demande n’attend de réponse."), Urgency.CALM, address)


def of_breaches(now: datetime) -> Iterator[Card]:
    """Breaches whose clock runs, or whose people are to be told; two statements."""
    address, waits = reverse("incidents:list"), incidents.due(now)
    if waits:
        said = _("La première échéance est le %(when)s.") % {"when": _moment(waits[0].at)}
        yield Card("breaches", _("Violations de données à traiter"), said, Urgency.NOW, address, len(waits))
    else:
        yield Card("breaches", _("Violations"), _("Aucune n’attend de décision."), Urgency.CALM, address)


def of_screenings(now: datetime) -> Iterator[Card]:
    """Processings about which nobody asked whether an impact assessment is due; two statements."""
    address, waits = reverse("screening:list"), len(screening.due(now))
    if waits:
        said = ngettext(
            "Un traitement attend l’examen des neuf critères.",
            "Des traitements attendent l’examen des neuf critères.",
            waits,
        )
        yield Card("screenings", _("Analyses d’impact à examiner"), said, Urgency.SOON, address, waits)


def of_safety(now: datetime) -> Iterator[Card]:
    """What is to be tried or looked at again; one statement."""
    waits = safety.due(now)
    if waits:
        said = " ".join(str(DUE[kind]) for kind in waits)
        yield Card("safety", _("Essais de sécurité à faire"), said, Urgency.SOON, reverse("safety:page"), len(waits))


def of_erasures(now: datetime) -> Iterator[Card]:
    """What members want erased and waits for the officer, and holders that answer nothing; two statements."""
    address = reverse("idp:erasures")
    wished = ErasureRun.objects.filter(state=RunState.ASKED, asked_by=F("member")).count()
    if wished:
        said = ngettext(
            "Un membre demande l’effacement de ce qu’un outil a reçu : c’est à vous de l’accepter.",
            "Des membres demandent l’effacement de ce que des outils ont reçu : c’est à vous de les accepter.",
            wished,
        )
        yield Card("erasures_wished", _("Effacements demandés"), said, Urgency.NOW, address, wished)
    silent = ErasureHolder.objects.filter(
        run__state=RunState.GOING, state__in=(HolderState.BY_HAND, HolderState.SILENT)
    ).count()
    if silent:
        said = ngettext(
            "Un outil n’a pas répondu, ou ne peut pas être prévenu d’ici : joignez son contact.",
            "Des outils n’ont pas répondu, ou ne peuvent pas être prévenus d’ici : joignez leurs contacts.",
            silent,
        )
        yield Card("erasures_silent", _("Effacements à relancer"), said, Urgency.SOON, address, silent)


def of_corrections(now: datetime) -> Iterator[Card]:
    """Tools that have had an old value for days; three statements, where something changed."""
    if rows := corrections.undelivered(before=now - LATE):
        said = ngettext(
            "Un outil n’a pas reçu d’ici ce qui a changé, au plus tôt le %(day)s.",
            "Des outils n’ont pas reçu d’ici ce qui a changé, au plus tôt le %(day)s.",
            len(rows),
        ) % {"day": _day(timezone.localdate(rows[0].since))}
        address = reverse("protection:corrections")
        yield Card("corrections", _("Corrections non transmises"), said, Urgency.SOON, address, len(rows))


SOURCES = (
    of_breaches,
    of_requests,
    of_erasures,
    of_corrections,
    of_findings,
    of_modes,
    of_the_register,
    of_screenings,
    of_safety,
    of_decisions,
    of_the_log,
    of_the_comparison,
    of_destructions,
)


def _day(day: date) -> str:
    return date_format(day, "SHORT_DATE_FORMAT")


def _moment(at: datetime) -> str:
    return date_format(timezone.localtime(at), "SHORT_DATETIME_FORMAT")
