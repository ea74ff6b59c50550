"""Data of the release before, whose sheets had one purpose."""

from collections.abc import Iterator

import pytest
from django.utils import timezone

from consent import policy, selectors
from consent.requests.models import RequestFile
from consent.types import ALWAYS, Decision, LegalBasis
from tests.support.cast import ALL_SCOPES, make_member, make_tool
from tests.support.migrations import migrate

BEFORE = [("consent", "0002_channels")]


@pytest.fixture
def whole(transactional_db: None) -> Iterator[None]:
    yield
    migrate()


def test_a_sheet_becomes_one_with_one_purpose_and_decisions_stand(whole):
    member, tool = make_member("amelie", "Amélie Roux"), make_tool("formation", "Formation")
    before = migrate(BEFORE).loader.project_state(BEFORE).apps
    processing = before.get_model("consent", "Processing").objects.create(
        tool_id=tool.pk,
        version=3,
        name="Formations",
        purpose="Vous inscrire.",
        purpose_en="Sign you up.",
        legal_basis="consent",
        retention="Un an.",
        started_at=timezone.now(),
    )
    for order, (item, optional) in enumerate([("name", False), ("phone", True)]):
        processing.items.create(item=item, why="Vous nommer.", optional=optional, order=order)
    content = {
        "processing": {"fr": "Formations", "en": ""},
        "purpose": {"fr": "Vous inscrire.", "en": "Sign you up."},
        "legal_basis": "consent",
        "retention": {"fr": "Un an.", "en": ""},
        "recipient": "",
        "contact": "",
        "items": [
            {"item": item, "why": {"fr": "Vous nommer.", "en": ""}, "optional": optional}
            for item, optional in [("name", False), ("phone", True)]
        ],
    }
    notice = before.get_model("consent", "Notice").objects.create(
        processing=processing, version=3, digest="0" * 64, content=content, created_at=timezone.now()
    )
    before.get_model("consent", "Consent").objects.create(
        member_id=member.pk,
        tool_id=tool.pk,
        notice=notice,
        decision=Decision.GIVEN,
        items=["name"],
        refused_items=["phone"],
        language="fr",
        at=timezone.now(),
    )

    migrate()

    sheet = selectors.sheet(tool.pk)
    (purpose,) = sheet.purposes.all()
    assert (purpose.text, purpose.text_en, purpose.retention) == ("Vous inscrire.", "Sign you up.", "Un an.")
    assert [item.item for item in purpose.items.all()] == ["name", "phone"]
    terms = selectors.read_in_force(tool.pk).terms
    assert terms.bases == {"name": LegalBasis.CONSENT, "phone": LegalBasis.CONSENT}
    release = selectors.release(member.pk, tool.pk, policy.asked_items(ALL_SCOPES))
    assert release.items - ALWAYS == {"name"}, "as it was agreed to"
    assert selectors.question(member.pk, tool.pk, policy.asked_items(ALL_SCOPES)) is None, "and nobody is asked again"


def test_proofs_of_identity_are_told_from_other_files_of_before(whole):
    member = make_member("amelie", "Amélie Roux")
    before = migrate([("consent", "0019_examined_objections")])
    models = before.loader.project_state([("consent", "0019_examined_objections")]).apps
    now = timezone.now()

    def requested(number, came, *steps, identity="checked"):
        request = models.get_model("consent", "SubjectRequest").objects.create(
            reference=f"D-2026-{number:03d}", member_id=member.pk, kind="access", came=came, language="fr",
            identity=identity, received_on=now.date(), due_on=now.date(),
        )  # fmt: skip
        for step in steps:
            made = request.steps.create(step=step, at=now)
            if step in ("note", "answered"):
                made.files.create(name=f"{number}-{step}", media_type="x", size=1, digest="x", content=b"x")

    requested(1, "paper", "made", "note", "identity_settled", "answered")
    requested(2, "paper", "made", "identity_settled", "note", "answered")
    requested(3, "page", "made", "note", "answered", identity="session")
    requested(4, "page", "made", "note", "identity_asked", "note", "identity_settled", identity="checked")
    requested(5, "mail", "made", "note", identity="unchecked")

    migrate()

    told = RequestFile.objects.order_by("step__request", "pk").values_list("name", "proves_identity")
    assert [each for each in told if each[1]] == [("1-note", True), ("4-note", True), ("5-note", True)]
    assert RequestFile.objects.count() == 9
