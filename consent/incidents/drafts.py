"""What the first drafts say: of the notice to the authority, and of the letter to people.  Both are then edited."""

from datetime import datetime

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import override

from branding import selectors as branding
from consent.incidents import policy, words
from consent.incidents.types import Form, Letter, Standing
from consent.register.types import Parties
from consent.types import ALWAYS

LANGUAGES = ("fr", "en")


def form_of(standing: Standing, parties: Parties) -> Form:
    """In French, whatever the reader's language is: the CNIL reads it."""
    with override("fr"):
        facts, counts = standing.facts, [each for _number, each in standing.counts]
        named = {code: words.item(code) for code in policy.held(counts, lambda each: each.items)}
        sensitive = [
            words.sensitive(code) for code in dict.fromkeys(code for each in counts for code in each.sensitive)
        ]
        data = [
            "\n".join(words.category(code) for code in policy.held(counts, lambda each: each.categories)),
            f"En détail : {', '.join(named.values())}" if named else "",
            f"Pouvant relever des articles 9 ou 10 : {', '.join(sensitive)}" if sensitive else "",
        ]
        dates = [
            ("Début", facts.began),
            ("Fin", facts.ended),
            ("Constat", facts.noticed),
            ("Connaissance", facts.aware),
        ]
        controller, officer = parties.controller, parties.officer
        telling = [f"{_moment(each.at)} : {each.people} personnes, {each.how}" for each in standing.tellings]
        return Form(
            controller=", ".join(
                filter(None, (controller.name or branding.cooperative(), controller.address, controller.town))
            ),
            contact=", ".join(
                part for part in (officer.name, officer.mail or settings.DPO_CONTACT, officer.phone) if part
            ),
            dates="\n".join(f"{what} : {_moment(at)}" for what, at in dates if at is not None),
            nature="\n".join(str(each.label).capitalize() for each in facts.natures),
            circumstances=facts.happened,
            data="\n".join(part for part in data if part),
            people="Membres de la coopérative, présents ou partis, dont l’outil détient des données." if counts else "",
            numbers="\n".join(
                f"{what} : {number}"
                for what, number in (
                    ("Personnes concernées, environ", policy.people_of(standing)),
                    ("Enregistrements concernés, environ", policy.entries_of(standing)),
                )
                if number is not None
            ),
            consequences=facts.consequences,
            measures=facts.measures,
            telling="\n".join(telling) or "Pas encore.",
        )


def letter_of(standing: Standing) -> Letter:
    """Article 34(2): what happened, what may come of it, what is done, whom to ask."""
    said = {}
    for language in LANGUAGES:
        with override(language):
            counts = [each for _number, each in standing.counts]
            context = {
                "facts": standing.facts,
                "began": _moment(standing.facts.began),
                # The tool's own identifiers tell a reader nothing.
                "data": [
                    words.item(code) for code in policy.held(counts, lambda each: each.items) if code not in ALWAYS
                ],
                "tools": list(dict.fromkeys(each.tool_name for each in counts)),
                "cooperative": branding.cooperative(),
                "contact": settings.DPO_CONTACT,
            }
            said[language] = render_to_string(f"consent/incidents/letter_{language}.txt", context).strip()
    return Letter(**said)


def _moment(at: datetime | None) -> str:
    return date_format(localtime(at), "j F Y, H:i") if at else ""
