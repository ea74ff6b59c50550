"""A mail address that changes in the directory: what was sent to the old one is worth nothing, and both hear of it."""

import json
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest
from django.conf import settings
from django.utils import timezone

from audit.sealing import unseal
from audit.types import SYSTEM
from directory.models import Member
from directory.types import Hold, MailState
from idp.models import AccountLink, OutgoingMail
from idp.services.accounts import addresses, links, mails
from idp.types import LinkKind
from tests.support.cast import MONDAY


def told() -> list[tuple[str, str]]:
    found = []
    for mail in OutgoingMail.objects.order_by("pk"):
        content = json.loads(unseal(bytes(mail.sealed), purpose=mails.PURPOSE))
        found.append((content["to"], content["body"]))
    return found


def move(member: Member, to: str, state: MailState = MailState.OK) -> dict[UUID, str]:
    former = {member.pk: member.email}
    Member.objects.filter(pk=member.pk).update(email=to, email_key=to, email_state=state)
    return former


@pytest.mark.spec("OWASP ASVS", "6.3.7")
def test_both_addresses_are_told_and_neither_is_named_to_the_other(member):
    old = member.email

    addresses.changed(move(member, "nouvelle@canari.example"), now=MONDAY)

    (first, to_old), (second, to_new) = told()
    assert [first, second] == [old, "nouvelle@canari.example"]
    assert "nouvelle@canari.example" not in to_old
    assert old not in to_new
    assert settings.OFFICE_CONTACT in to_old


def test_links_sent_to_the_old_address_end(member):
    links.issue(member_id=member.pk, kind=LinkKind.RESET, actor=SYSTEM, lifetime=timedelta(hours=1), now=timezone.now())

    addresses.changed(move(member, "nouvelle@canari.example"), now=timezone.now())

    assert AccountLink.objects.get(member=member).ended_at is not None


def test_an_address_that_is_another_members_by_now_hears_nothing(member, other_member):
    former = move(member, "nouvelle@canari.example")
    Member.objects.filter(pk=other_member.pk).update(email=former[member.pk])

    addresses.changed(former, now=MONDAY)

    assert [to for to, _body in told()] == ["nouvelle@canari.example"]


@pytest.mark.parametrize("how", ["none before", "closed", "shared now"])
def test_nobody_is_written_to_for_nothing(member, how):
    old = member.email
    former = move(member, "nouvelle@canari.example", MailState.SHARED if how == "shared now" else MailState.OK)
    if how == "none before":
        former = {member.pk: ""}
    if how == "closed":
        Member.objects.filter(pk=member.pk).update(hold=Hold.SUSPENDED)

    addresses.changed(former, now=MONDAY)

    expected: Sequence[str] = [old] if how == "shared now" else []
    assert [to for to, _body in told()] == expected
