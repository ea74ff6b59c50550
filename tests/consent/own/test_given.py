"""What a member gave, for another service: by basis, in the published format."""

import hashlib
import json
import re
import zipfile
from io import BytesIO
from uuid import uuid4

import pytest
from django.urls import reverse

from audit.models import Event
from audit.types import Action, Actor
from collectives.models import Follow
from consent import policy, services
from consent.own import given, sources
from consent.register.models import RegisterRecord, RegisterVersion
from consent.types import Holds, LegalBasis, Right
from directory.models import Collective, MemberPhoto
from directory.services.showing import Page, show
from idp.models import Admission
from launcher.models import Arrangement, Favourite
from news.models import Subscription
from news.types import Rhythm
from tests.consent.test_pages import go_on, text_of
from tests.support.cast import WEDNESDAY, browser_of

pytestmark = [pytest.mark.django_db, pytest.mark.gdpr("G22")]
TAKE, GIVEN = reverse("consent:take"), reverse("consent:take_given")
NOW = WEDNESDAY
PHOTO = b"RIFF-a-photo-WEBP"
PORTABLE = [each for each in LegalBasis if policy.rights(each)[Right.PORTABILITY] == Holds.YES]


@pytest.fixture(autouse=True)
def lived(member, formation, louty):
    """Somebody who gave a bit of everything, and of whom others noted things."""
    services.fill_register(now=NOW)
    go_on(member, formation, "phone")
    MemberPhoto.objects.create(member=member, content=PHOTO, digest="d", looked_at=NOW)
    page = Page(skills=["dorure"], presentation="Je **relie**.", links=["https://relieuse.example/"], place="34142")
    show(member_id=member.pk, page=page, actor=Actor(member.pk), now=NOW)
    Favourite.objects.create(member=member, tool=louty)
    Arrangement.objects.create(member=member, order=[louty.pk, formation.pk])
    binders = Collective.objects.create(entry_uuid=uuid4(), slug="reliure", name="Reliure")
    Follow.objects.create(member=member, collective=binders, since=NOW)
    Subscription.objects.create(member=member, rhythm=Rhythm.WEEKLY, told_at=NOW)
    Admission.objects.create(member=member, tool=louty, reason="Pour mes factures", answer="D’accord", asked_at=NOW)


def archive_of(member):
    answer = browser_of(member).post(GIVEN)
    assert answer.status_code == 200
    return zipfile.ZipFile(BytesIO(b"".join(answer.streaming_content)))


def told_of(member):
    return json.loads(archive_of(member).read(given.DATA))


def based_on(own, *bases):
    """An officer writes that this processing of the hub rests on something else."""
    standing = RegisterVersion.objects.get(record=RegisterRecord.objects.get(own=own), ended_at=None)
    content = standing.content | {"purposes": [standing.content["purposes"][0] | {"basis": each} for each in bases]}
    RegisterVersion.objects.filter(pk=standing.pk).update(ended_at=NOW)
    RegisterVersion.objects.create(
        record=standing.record, version=standing.version + 1, content=content, digest="x", started_at=NOW
    )


def fits(value, schema, root):
    """As JSON Schema has it, of the words that ours uses; an unknown word raises."""
    if "$ref" in schema:
        return fits(value, root["$defs"][schema["$ref"].rsplit("/", 1)[1]], root)
    kinds = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}
    for word, told in schema.items():
        match word:
            case "$schema" | "$id" | "$defs" | "title" | "description" | "format":
                pass
            case "type":
                assert isinstance(value, kinds[told]), (value, told)
            case "const":
                assert value == told
            case "enum":
                assert value in told, (value, told)
            case "pattern":
                assert re.search(told, value), (value, told)
            case "required":
                assert set(told) <= value.keys(), (value, told)
            case "properties":
                for name in told.keys() & value.keys():
                    fits(value[name], told[name], root)
            case "additionalProperties":
                for name in value.keys() - schema.get("properties", {}).keys():
                    assert told is not False, name
                    fits(value[name], told, root)
            case "items":
                for each in value:
                    fits(each, told, root)
            case _:
                raise AssertionError(f"{word} is not checked here")
    return True


def test_the_file_has_what_was_given_part_by_part_and_fits_the_schema_beside_it(member):
    archive = archive_of(member)

    assert set(archive.namelist()) == {given.DATA, given.SCHEMA, given.PHOTO, given.CARD}
    schema, told = (json.loads(archive.read(name)) for name in (given.SCHEMA, given.DATA))
    assert fits(told, schema, schema)
    parts = told["parts"]
    assert list(parts) == [each.name for each in sources.given()] == list(schema["properties"]["parts"]["properties"])
    assert parts["details"]["data"]["trade"] == "Relieuse"
    assert parts["photo"]["data"]["sha256"] == hashlib.sha256(archive.read(given.PHOTO)).hexdigest()
    assert archive.read(given.PHOTO) == PHOTO
    assert parts["profile"]["data"] == {
        "skills": ["dorure"],
        "presentation": "Je **relie**.",
        "links": ["https://relieuse.example/"],
        "place": {"code": "34142", "name": "Lodève (34)"},
    }
    assert [(each["tool"], each["agreed"], each["refused"]) for each in parts["choices"]["data"]] == [
        ("formation", ["phone"], ["trade"])
    ]
    assert parts["admissions"]["data"][0]["reason"] == "Pour mes factures"
    assert parts["arrangement"]["data"] == {"favourites": ["louty"], "order": ["louty", "formation"]}
    assert [(each["collective"], each["name"]) for each in parts["followed_collectives"]["data"]] == [
        ("reliure", "Reliure")
    ]
    assert parts["news_by_mail"] == {"bases": ["consent"], "data": {"rhythm": "weekly"}}
    assert Event.objects.get(action=Action.OWN_DATA_DOWNLOADED).facts == {"download": "given"}


def test_a_schema_that_is_not_kept_to_is_seen(member):
    archive = archive_of(member)
    schema, told = (json.loads(archive.read(name)) for name in (given.SCHEMA, given.DATA))
    told["parts"]["details"]["data"]["employee_number"] = "AL-00417"

    with pytest.raises(AssertionError, match="employee_number"):
        fits(told, schema, schema)


def test_what_others_gave_assigned_or_noted_is_not_in_it(member):
    told = json.dumps(told_of(member), ensure_ascii=False)

    for theirs in (f'"{member.login}"', "AL-00417", "D’accord", str(member.pk), "sessions", "disclosures", "listed"):
        assert theirs not in told, theirs


@pytest.mark.parametrize("basis", list(LegalBasis))
def test_only_what_rests_on_agreement_or_contract_is_in_it(member, basis):
    based_on("hub-annuaire", basis.value)

    archive = archive_of(member)
    told = json.loads(archive.read(given.DATA))

    portable = basis in PORTABLE
    assert portable == (basis in (LegalBasis.CONSENT, LegalBasis.CONTRACT))
    assert ("details" in told["parts"]) == ("photo" in told["parts"]) == portable
    assert ({given.CARD, given.PHOTO} <= set(archive.namelist())) == portable
    assert (given.PHOTO in archive.namelist()) == portable
    out = {each["processing"]: each["bases"] for each in told["left_out"]}
    assert ("Annuaire des membres" in out) == (not portable)
    if not portable:
        assert out["Annuaire des membres"] == [basis.value]


def test_beside_a_basis_that_lets_it_another_is_not_named_as_one(member):
    told = told_of(member)

    # Sign-in rests on contract and on a legitimate interest, the list of members on that and on agreement.
    assert told["parts"]["arrangement"]["bases"] == ["contract"]
    assert told["parts"]["profile"]["bases"] == ["consent"]


def test_a_processing_that_is_closed_or_was_never_written_gives_nothing(member):
    RegisterVersion.objects.filter(record__own="hub-trombinoscope", ended_at=None).update(ended_at=NOW)

    assert "profile" not in told_of(member)["parts"]


def test_whoever_wants_no_news_any_more_gave_nothing_of_it(member):
    Subscription.objects.update(rhythm=Rhythm.NEVER)

    assert "news_by_mail" not in told_of(member)["parts"]


def test_an_agreement_that_was_taken_back_is_a_refusal_since_then(member, formation):
    services.end_consent(member_id=member.pk, tool_id=formation.pk, actor=Actor(member.pk), now=NOW)

    (choice,) = told_of(member)["parts"]["choices"]["data"]

    assert (choice["agreed"], choice["refused"], choice["at"]) == ([], ["phone", "trade"], NOW.isoformat())


def test_the_page_says_what_is_in_it_and_what_is_not_and_why(member):
    page = browser_of(member).get(TAKE)

    told = text_of(page)
    inside, outside = told.split('id="given-not"')
    for said in ("Vos coordonnées", "exécution du contrat", "Vos choix, outil par outil"):
        assert said in inside, said
    assert "Vous ne l’avez pas donné" in outside
    assert re.search(r"« Journal des événements ».{0,120}intérêt légitime", outside, re.DOTALL)
