"""The cards of what is here already: findings, the register, decisions of members, the log of proof."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from audit import mailing, witnesses
from audit.models import Destruction
from audit.proof import selectors as proof
from audit.reconciliation import selectors as reconciliation
from consent.findings import selectors as findings
from consent.findings.types import Level
from consent.models import Consent, Objection
from consent.protection.selectors import CONTRACT_ENDS
from consent.protection.types import Card, Urgency
from consent.register import policy
from consent.register import selectors as register
from consent.register.types import Listed
from consent.types import WITHDRAWN

LATELY = timedelta(days=7)
# How long a comparison that runs each night may be ago.
NIGHT = timedelta(days=2)


def of_findings(now: datetime) -> Iterator[Card]:
    levels = [each.level for each in findings.open_findings(now=now)]
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
        said = _("À regarder : ce qui est déclaré sans servir, ou que les membres n’ont pas encore lu.")
        yield Card("findings", _("Autres constats"), said, Urgency.KNOW, address, others)
    if not levels:
        said = _("Ce qui a été transmis en 90 jours est ce qui est déclaré et accepté.")
        yield Card("findings", _("Constats"), said, Urgency.CALM, address)


def of_the_register(now: datetime) -> Iterator[Card]:
    """Holes, and contracts that end; two statements."""
    today = timezone.localdate(now)
    found = register.register_on(today)
    address = reverse("register:list")
    holed = sum(bool(policy.holes(each.content, each.kind, today=today)) for each in found.records)
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
        said = _("Ce qui arrive n’est pas signé : la technique doit le savoir.")
        yield Card("unsigned", _("Journal non signé"), said, Urgency.NOW, address)
    elif not contradicted:
        signed = [getattr(each, "signed_at", None) for each in logs]
        last = max((at for at in signed if at), default=None)
        said = _("Signé pour la dernière fois le %(when)s.") % {"when": _moment(last)} if last else _("Rien à signer.")
        yield Card("log", _("Journal"), said, Urgency.CALM, address)
    if standing.refusal is not None:
        said = _("L’horloge est douteuse : rien n’est effacé tant que vous ne l’avez pas confirmée.")
        yield Card("clock", _("Durées de conservation arrêtées"), said, Urgency.NOW, reverse("audit:keeping"))
    mailed = mailing.last_mailing()
    if mailed and mailed[1] in (mailing.MailOutcome.FAILED, mailing.MailOutcome.TO_NOBODY):
        said = _("Le dernier courrier des relevés n’est parvenu à personne.")
        yield Card("mails", _("Relevés non envoyés"), said, Urgency.NOW, address)
    if not mailing.is_kept_outside(now):
        said = _("Personne hors de portée de la technique ne garde les relevés : une réécriture ne se verrait pas.")
        yield Card("outside", _("Journal gardé nulle part ailleurs"), said, Urgency.SOON, address)


def of_the_comparison(now: datetime) -> Iterator[Card]:
    """What the journal lacks beside the tables; two statements."""
    address = reverse("audit:reconciliation")
    gaps, last = reconciliation.open_gaps().count(), reconciliation.runs().first()
    if gaps:
        said = _("Des faits sont dans les tables et pas dans le journal : chacun s’explique et se règle.")
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
        said = _("Un registre de preuve clos serait détruit : il faut l’avis d’une deuxième personne.")
        yield Card("destructions", _("Destructions proposées"), said, Urgency.NOW, reverse("audit:proof"), waiting)


SOURCES = (of_findings, of_the_register, of_decisions, of_the_log, of_the_comparison, of_destructions)


def _day(day: date) -> str:
    return date_format(day, "SHORT_DATE_FORMAT")


def _moment(at: datetime) -> str:
    return date_format(timezone.localtime(at), "SHORT_DATETIME_FORMAT")
