"""What the sessions of a member still prove once one of their factors is gone."""

from datetime import datetime
from importlib import import_module
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest

from directory.models import Member
from idp.models import HubSession
from idp.selectors import live_session
from idp.services import sessions
from idp.services.accounts import alarms
from idp.signin import allauth_parts
from idp.signin.methods import Proof, proof_of


@transaction.atomic
def settle(request: HttpRequest, member: Member, *, now: datetime) -> None:
    """Those that another factor carries go on; the others fall back to the password, or end where there was none.

    Where nothing is left of the present one, whoever called ends it: not under its own request.
    """
    sessions.hold(member.pk)
    here = live_session(request.session.get(sessions.SESSION_FIELD))
    carried: list[UUID] = [here.pk] if here else []
    allauth_parts.keep_records(request, allauth_parts.records_of(request, member))
    second_factor = allauth_parts.has_second_factor(member)
    for session in HubSession.objects.filter(member=member, ended_at=None).exclude(pk__in=carried):
        proof = _proof_in(session, member, second_factor=second_factor)
        if proof is not None and proof.acr == session.acr:
            sessions.restate(session, methods=proof.methods)
            carried.append(session.pk)
    sessions.weaken(member.pk, but=carried, now=now)
    proof = proof_of(allauth_parts.records_of(request, member), second_factor=second_factor)
    if here is None or proof is None:
        return
    if proof.acr == here.acr:
        sessions.restate(here, methods=proof.methods)
    else:
        sessions.note_authentication(request, methods=proof.methods, acr=proof.acr, now=proof.at)


def proves_nothing(request: HttpRequest, member: Member) -> bool:
    """Nothing is left of what this session was begun with: the passkey that opened it, without a password, is gone."""
    second_factor = allauth_parts.has_second_factor(member)
    return proof_of(allauth_parts.records_of(request, member), second_factor=second_factor) is None


def is_overtaken(request: HttpRequest, member: Member) -> bool:
    """Has everything of this member ended since this sign-in, which is not complete, proved the password?

    Somebody who knew the former one may have waited at the second step, or where the directory asks for another.
    """
    proved = allauth_parts.password_at(request, member)
    return proved is not None and alarms.ended_since(member.pk, proved)


def _proof_in(session: HubSession, member: Member, *, second_factor: bool) -> Proof | None:
    store: Any = import_module(settings.SESSION_ENGINE).SessionStore
    if not session.session_key:
        return None
    records = allauth_parts.records_in(store(session.session_key), member)
    return proof_of(records, second_factor=second_factor)
