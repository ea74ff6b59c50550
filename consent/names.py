"""What the journal, which knows no data items, calls the codes of this app."""

from consent import display
from consent.contracts import words as contracts
from consent.directions import words as directions
from consent.erasures import words as erasures
from consent.erasures.types import Ground, Refusal
from consent.evidence import words as evidence
from consent.findings.types import Kind as Finding
from consent.incidents import words as incidents
from consent.modes import words as modes
from consent.protection import words as protection
from consent.register import words as register
from consent.requests import words as requests
from consent.requests.types import Came, Kind
from consent.safety import words as safety
from consent.screening import words as screening
from consent.types import Download, Mode

CODES = (
    ("came", dict(Came.choices).get),
    ("categories", display.category_name),
    ("channel", display.channel_name),
    ("criteria", screening.CRITERIA.get),
    ("download", dict(Download.choices).get),
    ("erasure_ground", dict(Ground.choices).get),
    ("fields", register.FIELDS.get),
    ("finding", dict(Finding.choices).get),
    ("incident_step", incidents.STEPS.get),
    ("items", display.item_label),
    ("language", display.language_name),
    ("legal_basis", display.basis_name),
    ("letter", requests.letter_name),
    ("missing", register.HOLES.get),
    ("outcome", screening.OUTCOMES.get),
    ("page", screening.PAGES.get),
    ("page", contracts.PAGES.get),
    ("page", safety.PAGES.get),
    ("page", evidence.PAGES.get),
    ("page", incidents.PAGES.get),
    ("page", register.PAGES.get),
    ("page", requests.PAGES.get),
    ("page", protection.PAGES.get),
    ("processing", display.processing_name),
    ("reason", display.ENDINGS.get),
    ("reason", register.REFUSALS.get),
    ("reason", modes.REFUSALS.get),
    ("reason", incidents.REFUSALS.get),
    ("reason", screening.REFUSALS.get),
    ("reason", contracts.REFUSALS.get),
    ("reason", safety.REFUSALS.get),
    ("reason", requests.REFUSALS.get),
    ("reason", protection.REFUSALS.get),
    ("reason", erasures.REFUSALS.get),
    ("reason", directions.REFUSALS.get),
    ("refusal", dict(Refusal.choices).get),
    ("refused_items", display.item_label),
    ("request_kind", dict(Kind.choices).get),
    ("tool_mode", dict(Mode.choices).get),
    ("safety", safety.KINDS.get),
    ("safety_result", safety.RESULTS.get),
)
