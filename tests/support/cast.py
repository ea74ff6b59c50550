"""The people and tools that most tests speak of."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from audit.types import SYSTEM
from consent import selectors, services
from consent.types import LegalBasis, Purpose, Sheet, SheetItem
from directory.models import Member, RoleGrant
from directory.types import MailState, MemberState, Role
from idp.models import Tool

MONDAY = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(days=1)
WEDNESDAY = MONDAY + timedelta(days=2)
ALL_SCOPES = frozenset({"openid", "profile", "email", "phone", "address", "groups"})

LOUTY = Sheet(
    processing="Gestion de l’activité",
    processing_en="Running one’s business",
    purposes=(
        Purpose(
            text="Établir vos factures et votre bulletin de paie.",
            text_en="Make your invoices and your payslip.",
            legal_basis=LegalBasis.CONTRACT,
            retention="Le temps du contrat, puis cinq ans.",
            retention_en="As long as the contract, then five years.",
            items=(
                SheetItem("name", "Figure sur vos factures.", "Shown on your invoices."),
                SheetItem("email", "Vous prévenir d’un paiement.", "Tell you of a payment."),
                SheetItem("employee_number", "Retrouver votre dossier.", "Find your file."),
            ),
        ),
    ),
)
FORMATION = Sheet(
    processing="Inscription aux formations",
    processing_en="Signing up for courses",
    recipient="Atelier Savoirs, Montpellier",
    purposes=(
        Purpose(
            text="Vous inscrire aux formations que vous choisissez.",
            text_en="Sign you up for the courses you choose.",
            legal_basis=LegalBasis.CONTRACT,
            retention="Un an après la dernière formation.",
            retention_en="One year after the last course.",
            items=(
                SheetItem("name", "Établir votre attestation.", "Make out your certificate."),
                SheetItem("email", "Envoyer la convocation.", "Send the invitation."),
            ),
        ),
        Purpose(
            text="Vous joindre vite et vous proposer d’autres formations.",
            text_en="Reach you fast and suggest other courses.",
            legal_basis=LegalBasis.CONSENT,
            retention="Six mois après la dernière formation.",
            retention_en="Six months after the last course.",
            items=(
                SheetItem("phone", "Vous joindre le jour même.", "Reach you on the day."),
                SheetItem("trade", "Proposer des formations proches.", "Suggest courses close to it."),
            ),
        ),
    ),
)
# What may be objected to, beside what a contract asks for.
AGENDA = Sheet(
    processing="Agenda partagé",
    processing_en="Shared calendar",
    purposes=(
        Purpose("Afficher vos rendez-vous.", LegalBasis.CONTRACT, "Un an.", (SheetItem("name", "Vous nommer."),)),
        Purpose(
            "Vous rappeler les vôtres.",
            LegalBasis.LEGITIMATE_INTEREST,
            "Un mois.",
            (SheetItem("email", "Écrire la veille."), SheetItem("phone", "Appeler le jour même.")),
        ),
    ),
)


def with_items(sheet: Sheet, *items: SheetItem, purpose: int = 0, **changes: Any) -> Sheet:
    """The same sheet, one of its purposes with these items, or saying something else."""
    purposes = list(sheet.purposes)
    purposes[purpose] = replace(purposes[purpose], **({"items": items} if items else {}), **changes)
    return replace(sheet, purposes=tuple(purposes))


def make_member(login: str, name: str, **values: object) -> Member:
    """An active member of the directory; every personal value is a word that occurs nowhere else."""
    given, _, family = name.partition(" ")
    return Member.objects.create(
        **{
            "entry_uuid": uuid4(),
            "dn": f"uid={login},ou=personnes,dc=alizarine,dc=example",
            "dn_key": f"uid={login},ou=personnes,dc=alizarine,dc=example",
            "state": MemberState.ACTIVE,
            "login": login,
            "login_key": login,
            "email": f"{login}@canari.example",
            "email_key": f"{login}@canari.example",
            "email_state": MailState.OK,
            "display_name": name,
            "given_name": given,
            "family_name": family,
            **values,
        }
    )


def make_tool(slug: str, name: str, **values: object) -> Tool:
    return Tool.objects.create(
        **{
            "slug": slug,
            "name": name,
            "client_id": f"{slug}-client",
            "client_type": Tool.CLIENT_CONFIDENTIAL,
            "authorization_grant_type": Tool.GRANT_AUTHORIZATION_CODE,
            "redirect_uris": f"http://localhost:9999/{slug}/callback",
            "launch_url": f"http://localhost:9999/{slug}/",
            "scopes": "openid profile email phone",
            "monogram": name[:2],
            "hue": 3,
            "everyone": True,
            **values,
        }
    )


def browser_of(member: Member) -> Client:
    """A signed-in browser, for tests that are not about signing in."""
    client = Client()
    client.force_login(member, backend="directory.backends.DirectoryBackend")
    return client


def reader_of(member: Member, purpose: str = "internal_control", case: str = "") -> Client:
    """A browser in which the officer has said why the journal is read."""
    client = browser_of(member)
    client.post("/journal/raison/", {"purpose": purpose, "case": case})
    return client


def helping(client: Client, purpose: str = "access_repair") -> Client:
    """The browser of somebody of the office who has said why they open members' records."""
    client.post("/structure/raison/", {"purpose": purpose})
    return client


def notice_of(tool: Tool) -> int:
    """The notice in force: what a page would have shown."""
    sheet = selectors.sheet(tool.pk)
    assert sheet is not None
    return sheet.notice.pk


@pytest.fixture
def member(db) -> Member:
    return make_member(
        "amelie.roux",
        "Amélie Roux",
        phone="+33 4 65 71 00 01",
        mobile="+33 6 39 98 00 01",
        trade="Relieuse",
        employee_number="AL-00417",
        postal_address="12 rue du Canari",
        postal_code="34000",
        town="Montpellier",
        language="fr",
    )


@pytest.fixture
def other_member(db) -> Member:
    return make_member("bachir.haddad", "Bachir Haddad", mobile="+33 6 39 98 00 02", trade="Luthier")


@pytest.fixture
def dpo(db) -> Member:
    person = make_member("solene.garrigue", "Solène Garrigue")
    RoleGrant.objects.create(member=person, role=Role.DPO)
    return person


@pytest.fixture
def louty(db) -> Tool:
    """A tool that runs on the contract: members are informed, not asked."""
    tool = make_tool("louty", "Louty")
    services.declare(tool_id=tool.pk, sheet=LOUTY, actor=SYSTEM, now=MONDAY)
    return tool


@pytest.fixture
def formation(db) -> Tool:
    """A tool that runs on consent: two needed items, two optional ones."""
    tool = make_tool("formation", "Formation")
    services.declare(tool_id=tool.pk, sheet=FORMATION, actor=SYSTEM, now=MONDAY)
    return tool


@pytest.fixture
def bare_tool(db) -> Tool:
    """A tool without a sheet."""
    return make_tool("carnet", "Carnet")
