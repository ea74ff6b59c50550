"""A directory that is not believed, in mails: what an acceptance would do."""

from uuid import uuid4

import pytest
from django.utils import timezone

from directory import following
from directory.models import DirectorySource, RoleGrant, SyncRun
from directory.types import Role, RunStatus
from idp.services.accounts import lifecycle
from idp.types import MailKind
from tests.support.cast import make_member
from tests.support.links import waiting


def would(source: DirectorySource, people: int) -> SyncRun:
    """A pass that holds the end of so many people back."""
    counts = dict.fromkeys(following.reports.COUNTS.values(), 0) | {"people_ended": people}
    lines = [
        {"verb": "end", "entry": str(uuid4()), "dn": f"uid=personne-{number:03},dc=x", "items": [], "state": "missing"}
        for number in range(people)
    ]
    parts = {"people": lines, "groups": [], "memberships": {}, "leads": {}}
    return SyncRun.objects.create(
        source=source,
        started_at=timezone.now(),
        status=RunStatus.HELD,
        counts={"held": people, "waits_wholly": 1},
        report={
            "held": [{"what": "server_went_back", "count": people, "limit": 0, "before": 0}],
            "approval": "a" * 16,
            "would": {"counts": counts, **parts},
        },
    )


@pytest.mark.parametrize(
    ("people", "said"), [(7, "L’accepter ferait 7 changements."), (0, "L’accepter ne changerait rien pour personne.")]
)
def test_a_mail_says_what_an_acceptance_would_change_and_that_nothing_goes_on(db, settings, people, said):
    settings.OFFICE_CONTACT = "bureau@alizarine.example"
    RoleGrant.objects.create(member=make_member("tea.x", "Téa X", email="tea@alizarine.example"), role=Role.TECHNICIAN)
    would(DirectorySource.objects.create(name="Grappe", state="active"), people)

    lifecycle.turn(now=timezone.now())

    mails = waiting(MailKind.DIRECTORY)
    assert len(mails) == 2
    for mail in mails:
        assert mail["subject"] == "Le contenu de l’annuaire attend une décision (Grappe)"
        assert said in mail["body"]
        assert "rien de ce qu’il montre n’est cru" in mail["body"]
        assert "continue" not in mail["body"]
        assert "retrait" not in mail["body"]
