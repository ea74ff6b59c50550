"""What only the provider holds of somebody, for the file they take with them: names of things, never secrets."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.db.models import Prefetch
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from consent.own.sections import moment, text_of
from consent.own.types import Part, Row, Section
from directory.models import Member
from idp import claims, networks
from idp.models import Admission, Browser, HubSession, Tool, ToolSession
from idp.words import FACTORS


def _sessions(person: UUID) -> Iterator[Row]:
    opened = Prefetch("tool_sessions", ToolSession.objects.select_related("tool").order_by("pk"))
    for row in HubSession.objects.filter(member_id=person).order_by("-started_at").prefetch_related(opened):
        tools = list(row.tool_sessions.all())
        told = {
            "started_at": text_of(row.started_at),
            "last_seen_at": text_of(row.last_seen_at),
            "ended_at": text_of(row.ended_at),
            "ended_reason": row.ended_reason,
            "browser": row.label,
            "network": row.network,
            "methods": row.methods,
            "tools": [
                {"tool": each.tool.slug, "opened_at": text_of(each.first_at), "ended_at": text_of(each.ended_at)}
                for each in tools
            ],
        }
        said = [gettext("Depuis le {day}").format(day=moment(row.started_at)), row.label]
        said += [networks.shown(row.network)] if row.network else []
        said += [", ".join(each.tool.name for each in tools)]
        said += [gettext("fermée le {day}").format(day=moment(row.ended_at))] if row.ended_at else []
        yield Row(told, " · ".join(filter(None, said)))


def _factors(person: UUID) -> Iterator[Row]:
    for row in Authenticator.objects.filter(user_id=person).order_by("created_at"):
        name = str(row.data.get("name", "")) if row.type == Authenticator.Type.WEBAUTHN else ""
        told = {
            "kind": row.type,
            "name": name,
            "created_at": text_of(row.created_at),
            "last_used_at": text_of(row.last_used_at),
        }
        kind = str(FACTORS.get(row.type, row.type))
        said = gettext("{kind}, depuis le {day}").format(
            kind=f"{kind} « {name} »" if name else kind, day=moment(row.created_at)
        )
        yield Row(told, said)


def _browsers(person: UUID) -> Iterator[Row]:
    for row in Browser.objects.filter(member_id=person).order_by("-last_seen_at"):
        told = {
            "browser": row.label,
            "first_seen_at": text_of(row.first_seen_at),
            "last_seen_at": text_of(row.last_seen_at),
            "trusted_until": text_of(row.trusted_until),
            "ended_at": text_of(row.ended_at),
        }
        said = gettext("{browser}, depuis le {day}").format(browser=row.label, day=moment(row.first_seen_at))
        yield Row(told, said)


def _identifiers(person: UUID) -> Iterator[Row]:
    """How each tool that received anything knows them."""
    member = Member.objects.get(pk=person)
    for tool in Tool.objects.filter(disclosures__member=member).distinct().order_by("name"):
        if subject := claims.subject(member, tool):
            said = gettext("{tool} vous connaît sous {subject}").format(tool=tool.name, subject=subject)
            yield Row({"tool": tool.slug, "subject": subject}, said)


def _admissions(person: UUID) -> Iterator[Row]:
    for row in Admission.objects.filter(member_id=person).select_related("tool"):
        told = {
            "tool": row.tool.slug,
            "state": row.state,
            "reason": row.reason,
            "asked_at": text_of(row.asked_at),
            "answer": row.answer,
            "decided_at": text_of(row.decided_at),
            "ends_at": text_of(row.ends_at),
            "ended_at": text_of(row.ended_at),
        }
        said = [row.tool.name, row.get_state_display(), f"« {row.reason} »", f"« {row.answer} »" if row.answer else ""]
        said += [gettext("jusqu’au {day}").format(day=moment(row.ends_at))] if row.ends_at else []
        yield Row(told, " · ".join(filter(None, said)))


SECTIONS = (
    Section("admissions", _("Mes accès demandés"), _admissions, place=64),
    Section("sessions", _("Mes sessions"), _sessions, place=60),
    Section("factors", _("Mes moyens de connexion"), _factors, place=61),
    Section("browsers", _("Mes navigateurs connus"), _browsers, place=62),
    Section("identifiers", _("Mes identifiants chez les outils"), _identifiers, place=63),
)


def _asked(person: UUID) -> list[dict[str, Any]]:
    """In their own words; what was answered is another's."""
    rows = Admission.objects.filter(member_id=person).exclude(reason="").select_related("tool").order_by("pk")
    return [{"tool": row.tool.slug, "reason": row.reason, "at": text_of(row.asked_at)} for row in rows]


GIVEN = (Part("admissions", _("Pourquoi vous avez demandé un outil"), "hub-acces", _asked, place=40),)
