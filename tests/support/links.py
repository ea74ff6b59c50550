"""Links of mails as their readers find them."""

import json
import re
from typing import Any

from django.test import Client
from django.urls import reverse

from audit.sealing import unseal
from idp.models import OutgoingMail
from idp.services.accounts.mails import PURPOSE
from tests.support.signin import NEW_PASSWORD

LINK = re.compile(r"https?://\S+/compte/lien/\S+/")


def waiting(kind: str = "") -> list[dict[str, str]]:
    """The mails in the outbox, opened: oldest first."""
    rows = OutgoingMail.objects.filter(kind=kind) if kind else OutgoingMail.objects.all()
    return [json.loads(unseal(bytes(row.sealed), purpose=PURPOSE)) for row in rows.order_by("pk") if row.sealed]


def link_in(body: str) -> str:
    """The path of the one link in a text."""
    (found,) = LINK.findall(body)
    return "/" + found.split("/", 3)[3]


def ask_for_reset(client: Client, identifier: str, **headers: str) -> Any:
    return client.post(reverse("account_forgotten"), {"identifier": identifier}, headers=headers or None)


def follow(client: Client, path: str) -> Any:
    """Open a link and go on from the page it leads to, as far as the first step of the sign-in."""
    opened = client.get(path)
    if opened.status_code != 302:
        return opened
    client.get(opened["Location"])
    return client.post(reverse("account_link_page"))


def choose(client: Client, new: str = NEW_PASSWORD, **more: str) -> Any:
    return client.post(reverse("account_choose_password"), {"new": new, **more})
