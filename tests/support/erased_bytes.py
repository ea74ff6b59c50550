"""A member who signs in, agrees, gets mails, leaves and is erased; where their name is found after that.

    python -m tests.support.erased_bytes FOLDER

Runs on a database of its own, which the environment names; tells what it found as one line of JSON.
"""

import json
import logging
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone


def live(member, other) -> None:
    """What the hub writes of somebody in the years in between."""
    from audit import place
    from audit.services import record
    from audit.types import Action, Actor, Entry
    from directory.models import SyncIssue, SyncRun
    from idp.services.accounts import lifecycle_mails
    from tests.support.cast import browser_of

    now = timezone.now()
    browser = browser_of(member)
    for address in ("/", reverse("idp:sessions"), reverse("idp:my_details")):
        browser.get(address)
    browser_of(other).get(f"/journal/?member={member.login}")
    run = SyncRun.objects.create(started_at=now)
    SyncIssue.objects.create(
        entry_uuid=member.entry_uuid, dn=member.dn, code="mail_shared", first_run=run, last_run=run
    )
    with transaction.atomic(), place.coming_from(lambda: {"address": "192.0.2.0/24"}):
        record(
            Entry(Action.SIGN_IN, Actor(member.pk), member.pk),
            Entry(Action.CONSENT_GIVEN, Actor(member.pk), member.pk),
            Entry(Action.MEMBER_CONSULTED, Actor(other.pk), member.pk),
        )
        lifecycle_mails.departure("planned", member, last_day=now.date(), now=now)


def stored() -> bytes:
    """Every byte of the database: its files with what is written ahead, or its dump."""
    if connection.vendor == "sqlite":
        name = str(settings.DATABASES["default"]["NAME"])
        return b"".join(path.read_bytes() for path in Path(name).parent.glob(Path(name).name + "*"))
    command = ["pg_dump", "--dbname", os.environ["DATABASE_URL"]]
    return subprocess.run(command, capture_output=True, check=True).stdout


def main() -> None:
    folder = Path(sys.argv[1])
    django.setup()
    call_command("migrate", verbosity=0)
    call_command("createcachetable", verbosity=0)
    logging.getLogger().addHandler(logging.FileHandler(folder / "technical.log"))
    logging.getLogger().setLevel(logging.DEBUG)
    from audit.models import PersonKey
    from directory import services
    from directory.models import Member, RoleGrant
    from directory.types import MemberState, Role
    from tests.support.cast import make_member
    from tests.support.keeping import carried_out, settle, verified

    # Names that occur nowhere else.
    member = make_member(
        "zephirine.quillard",
        "Zéphirine Quillard",
        phone="+33 4 65 71 77 31",
        mobile="+33 6 39 98 77 32",
        employee_number="AL-77733",
        postal_address="77 impasse des Quillards",
    )
    other = make_member("solene.garrigue", "Solène Garrigue")
    RoleGrant.objects.create(member=other, role=Role.DPO)
    words = [member.login, member.email, member.display_name, "Zéphirine", "Quillard", member.phone, member.mobile]
    words += [member.employee_number, member.postal_address, member.dn]
    live(member, other)
    settle()
    before = stored()
    Member.objects.filter(pk=member.pk).update(
        state=MemberState.LEFT, state_since=timezone.now() - settings.LEAVER_RETENTION - timedelta(days=1)
    )
    erased = services.erase_leavers(now=timezone.now())
    settle()
    carried_out()
    PersonKey.objects.exclude(retired_at=None).update(retired_at=timezone.now() - timedelta(hours=1))
    carried_out()
    settle()
    told = verified(folder)
    export = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix != ".log")
    everything = b"".join(path.read_bytes() for path in settings.DATA_DIR.rglob("*") if path.is_file())
    texts = {"database": stored(), "export": export, "log": (folder / "technical.log").read_bytes()}
    texts["data folder"] = everything
    found = {
        place: sorted({word for word in words if word.lower().encode() in text.lower()})
        for place, text in texts.items()
    }
    known = sum(word.encode() in before for word in words)
    print(json.dumps({"erased": erased, "verdict": told["verdict"], "known": known, "found": found}))


if __name__ == "__main__":
    main()
