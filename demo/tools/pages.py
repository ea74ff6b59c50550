"""The two tools' pages: a little everyday content, and what the hub handed over."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from demo.tools import texts
from demo.tools.config import CONFIG

# Claims about the answer itself rather than about the person.
TECHNICAL = frozenset({"iss", "aud", "azp", "exp", "iat", "nbf", "jti", "nonce", "auth_time", "at_hash", "acr", "amr"})
# The person's pseudonyms here: personal data too, shown last.
IDENTIFIERS = ("sub", "sid")
MOMENTS = frozenset({"exp", "iat", "nbf", "auth_time"})


@dataclass(frozen=True, slots=True)
class Received:
    """One claim as it came, and by which answers of the hub."""

    name: str
    label: str
    value: str
    id_token: bool
    userinfo: bool


def received(answers: dict[str, dict[str, Any]], words: dict[str, str]) -> tuple[list[Received], list[Received]]:
    """Everything that came, personal data first, then the technical part."""
    id_token, userinfo = answers.get("id_token", {}), answers.get("userinfo", {})
    personal: list[Received] = []
    technical: list[Received] = []
    for name in sorted({*id_token, *userinfo}, key=lambda each: (each in IDENTIFIERS, each)):
        claim = Received(
            name,
            words.get(f"claim_{name}", name),
            shown(name, userinfo.get(name, id_token.get(name)), words),
            name in id_token,
            name in userinfo,
        )
        (technical if name in TECHNICAL else personal).append(claim)
    return personal, technical


def shown(name: str, value: Any, words: dict[str, str]) -> str:
    if name in MOMENTS and isinstance(value, int):
        return timezone.localtime(datetime.fromtimestamp(value, UTC)).strftime("%d/%m/%Y %H:%M:%S")
    if isinstance(value, bool):
        return words["yes"] if value else words["no"]
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, dict) and "formatted" in value:
        return str(value["formatted"])
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return ", ".join(value) or "–"
    if isinstance(value, list) and all(isinstance(part, dict) and "displayName" in part for part in value):
        return ", ".join(str(part["displayName"]) for part in value) or "–"
    return json.dumps(value, ensure_ascii=False)


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    if not request.user.is_authenticated:
        return render(request, "tools/welcome.html")
    personal, technical = received(request.session.get("received", {}), texts.words())
    known = {claim.name: claim.value for claim in personal}
    context = {
        "personal": personal,
        "technical": technical,
        "greeting": known.get("given_name") or known.get("name") or "",
        "person": known.get("name") or texts.words()["member"],
        "today": date.today(),
        **(louty() if CONFIG.name == "louty" else formation()),
    }
    return render(request, f"tools/{CONFIG.name}.html", context)


@require_safe
def health(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


def louty() -> dict[str, Any]:
    """A month of somebody's invoices, the same for everyone."""
    today = date.today()
    lines = (
        ("F-122", "Biocoop du Clapas", 2150, 1, "draft"),
        ("F-121", "Médiathèque de Ganges", 1275, 3, "sent"),
        ("F-120", "Atelier du Pic", 620, 9, "paid"),
        ("F-119", "Mairie de Lodève", 1840, 16, "paid"),
        ("F-118", "Jardins de l’Hérault", 480, 28, "late"),
    )
    words = texts.words()
    invoices = [
        {
            "number": number,
            "client": client,
            "amount": amount,
            "date": today - timedelta(days=age),
            "state": state,
            "label": words[f"state_{state}"],
        }
        for number, client, amount, age, state in lines
    ]
    return {
        "invoices": invoices,
        "billed": sum(amount for *_, amount, _, state in lines if state != "draft"),
        "collected": sum(amount for *_, amount, _, state in lines if state == "paid"),
        "expected": sum(amount for *_, amount, _, state in lines if state in ("sent", "late")),
    }


def formation() -> dict[str, Any]:
    """The courses of the season."""
    today = date.today()
    words = texts.words()
    courses = (
        ("price", 6, 7, 4),
        ("accounting", 13, 3, 9),
        ("speaking", 20, 14, 2),
        ("safety", 27, 7, 0),
        ("website", 41, 14, 6),
        ("cooperate", 55, 7, 11),
    )
    return {
        "courses": [
            {
                "key": key,
                "title": words[f"course_{key}"],
                "about": words[f"course_{key}_about"],
                "date": today + timedelta(days=days),
                "hours": hours,
                "places": places,
            }
            for key, days, hours, places in courses
        ]
    }
