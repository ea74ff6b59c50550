"""Everything sealed at rest, sealed again under the first of the keys: after this the older ones may be thrown away."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TypeVar

from allauth.mfa.models import Authenticator
from django.db import models, transaction

from audit import keyring
from audit.sealing import reseal
from audit.services import record
from audit.types import SYSTEM, Action, Actor, Entry
from consent.directions import selectors as directions
from consent.models import Directions, ErasureHolder, ErasureRun
from directory.ldap import sources
from directory.models import DirectorySource
from directory.services.sources import SECRETS
from idp.clients import SECRET_PURPOSE
from idp.models import OutgoingMail, SigningKey, Tool
from idp.services import erasures
from idp.services.accounts import mails
from idp.signin import secrets

Row = TypeVar("Row", bound=models.Model)
FACTOR_FIELDS = ("secret", "seed", "salt")
TOOL_FIELDS = ("sealed_client_secret", "previous_sealed_client_secret")


@transaction.atomic
def reseal_all(*, actor: Actor = SYSTEM, now: datetime) -> dict[str, int]:
    """Returns how many of each kind were sealed again.  Raises ``InvalidToken`` at what no given key opens."""
    counts = {
        "signing_keys": _each(SigningKey.objects.all(), _reseal_key),
        "tools": _each(Tool.objects.all(), _reseal_tool),
        "factors": _each(Authenticator.objects.all(), _reseal_factor),
        "directories": _each(DirectorySource.objects.all(), _reseal_source),
        "erasures": _each(ErasureRun.objects.all(), _reseal_run) + _each(ErasureHolder.objects.all(), _reseal_holder),
        "directions": _each(Directions.objects.all(), _reseal_directions),
        "mails": _each(OutgoingMail.objects.all(), _reseal_mail),
        "person_keys": keyring.reseal_all(),
    }
    record(Entry(Action.KEY_RESEALED, actor=actor, facts=dict(counts), at=now))
    return counts


def _each(rows: models.QuerySet[Row], change: Callable[[Row], Iterator[str]]) -> int:
    count = 0
    # Locked: a secret that is changed meanwhile must not be put back.
    for row in rows.select_for_update(of=("self",)):
        changed = list(change(row))
        if changed:
            row.save(update_fields=changed)
            count += 1
    return count


def _reseal_key(row: SigningKey) -> Iterator[str]:
    if row.private:
        row.private = reseal(bytes(row.private))
        yield "private"


def _reseal_source(row: DirectorySource) -> Iterator[str]:
    for name in SECRETS.values():
        sealed = bytes(getattr(row, name))
        if sealed:
            setattr(row, name, reseal(sealed, purpose=sources.SECRET_PURPOSE))
            yield name


def _reseal_mail(row: OutgoingMail) -> Iterator[str]:
    if row.sealed:
        row.sealed = reseal(bytes(row.sealed), purpose=mails.PURPOSE)
        yield "sealed"


def _reseal_run(row: ErasureRun) -> Iterator[str]:
    if row.reply_sealed:
        row.reply_sealed = reseal(bytes(row.reply_sealed), purpose=erasures.PURPOSE)
        yield "reply_sealed"


def _reseal_holder(row: ErasureHolder) -> Iterator[str]:
    if row.known_sealed:
        row.known_sealed = reseal(bytes(row.known_sealed), purpose=erasures.PURPOSE)
        yield "known_sealed"


def _reseal_directions(row: Directions) -> Iterator[str]:
    row.sealed = reseal(bytes(row.sealed), purpose=directions.PURPOSE)
    yield "sealed"


def _reseal_tool(row: Tool) -> Iterator[str]:
    for name in TOOL_FIELDS:
        sealed = getattr(row, name)
        if sealed is not None:
            setattr(row, name, reseal(bytes(sealed), purpose=SECRET_PURPOSE))
            yield name


def _reseal_factor(row: Authenticator) -> Iterator[str]:
    sealed = {name: row.data[name] for name in FACTOR_FIELDS if name in row.data}
    if sealed:
        row.data |= {
            name: reseal(text.encode(), purpose=secrets.PURPOSE).decode("ascii") for name, text in sealed.items()
        }
        yield "data"
