"""A record that the officer wrote, and a tool whose sheet has every answer."""

from dataclasses import replace

import pytest

from audit.types import SYSTEM
from consent import services as consent_services
from consent.register import services
from consent.register.models import RegisterRecord
from consent.register.types import Kind
from idp.models import Tool
from tests.consent.register.test_policy import ENGAGED, FULL
from tests.support.cast import LOUTY, MONDAY, make_tool

ENGAGED_LOUTY = replace(LOUTY, contact="dpo@louty.example", engagement=ENGAGED)


@pytest.fixture
def paie(db) -> RegisterRecord:
    reference = services.add(kind=Kind.CONTROLLER, content=FULL, actor=SYSTEM, note="", now=MONDAY)
    return RegisterRecord.objects.get(reference=reference)


@pytest.fixture
def engaged(db) -> Tool:
    tool = make_tool("louty", "Louty")
    consent_services.declare(tool_id=tool.pk, sheet=ENGAGED_LOUTY, actor=SYSTEM, now=MONDAY)
    return tool
