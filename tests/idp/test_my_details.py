"""« Mes coordonnées »: what is shown, what is saved in the directory, and how nothing that was typed is lost."""

import ast
import base64
import json
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import ldap
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import translation
from django.utils.html import escape
from PIL import Image

from audit.models import Event
from audit.types import Action
from demo.slapd import EmbeddedDirectory
from directory import follow_words, pictures, words
from directory.ldap import writing
from directory.models import DirectorySource, Member, MemberPhoto
from directory.services import photos as photo_service
from directory.services import profile, synchronise
from directory.services.profile import ProfileRefused
from directory.types import ChangeUncertain, SourceState
from idp.services import refusals
from idp.views.details import pages
from tests.directory.test_one_entry import MONDAY, NOEMIE, change
from tests.directory.test_pictures import bomb, picture, with_place
from tests.support.cast import make_member
from tests.support.cost import counted
from tests.support.oidc import sign_in

pytestmark = pytest.mark.django_db
PAGE = "/compte/coordonnees/"
NEW = "06 39 98 77 66"


@pytest.fixture
def own(small_directory: EmbeddedDirectory) -> EmbeddedDirectory:
    synchronise(now=MONDAY)
    return small_directory


@pytest.fixture
def noemie(own) -> Member:
    return Member.objects.get(login_key="noemie.ferrand")


@pytest.fixture
def browser(noemie) -> Client:
    return sign_in(noemie)


def opened(browser: Client) -> dict[str, Any]:
    """The fields as a browser would send them back untouched."""
    return sent(browser.get(PAGE))


def sent(page: Any) -> dict[str, Any]:
    form = page.context["form"]
    found = {name: form[name].value() or "" for name in form.fields if name not in ("photo", "remove_photo")}
    return found | ({"clash": list(form.clashing)} if form.clashing else {})


def save(browser: Client, fields: dict[str, Any], **changes: Any) -> Any:
    with patch.object(refusals, "MINUTE", 86_400):
        return browser.post(PAGE, {**fields, **changes})


def refused() -> list[tuple[str, list[str]]]:
    lines = Event.objects.filter(action=Action.PROFILE_REFUSED, refused=True).order_by("pk")
    return [(line.reason, line.facts.get("items", [])) for line in lines]


def there(own: EmbeddedDirectory, attribute: str) -> list[str]:
    """As any other tool reads it, and not the hub."""
    told = own.search("-b", NOEMIE, "-s", "base", "(objectClass=*)", attribute)
    return [line.partition(": ")[2] for line in told.splitlines() if line.lower().startswith(attribute.lower() + ":")]


def text_of(page: Any) -> str:
    return str(page.content.decode())


def photo_file(raw: bytes, name: str = "moi.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, raw, content_type="image/jpeg")


# What is shown -----------------------------------------------------------------------------------------------


def test_the_page_says_what_may_be_corrected_here_and_whom_to_ask_for_the_rest(browser, noemie):
    page = browser.get(PAGE)

    assert page.status_code == 200
    assert page.context["form"]["mobile"].value().replace(" ", "")[1:] == noemie.mobile[3:]
    fixed = {row.label: row.value for row in page.context["fixed"]}
    assert fixed["Adresse e-mail"] == noemie.email
    assert "Téléphone mobile" not in fixed
    assert 'id="fixed"' in text_of(page)
    assert "mailto:" in text_of(page).partition('id="fixed"')[2]
    assert page["Cache-Control"] == "no-store, private"


def test_my_data_leads_there(browser):
    assert f'href="{PAGE}"' in text_of(browser.get("/mes-donnees/"))


def test_a_stranger_is_sent_to_sign_in(own):
    for answer in (Client().get(PAGE), Client().post(PAGE, {"mobile": NEW, "seen_mobile": ""})):
        assert answer.status_code == 302
        assert "/compte/connexion/" in answer["Location"]
    assert refused() == []


def test_an_account_of_the_hubs_own_has_nothing_to_correct_and_is_told_so(db):
    browser = sign_in(make_member("secours.x", "Secours", entry_uuid=None))

    page = browser.get(PAGE)

    assert 'id="nothing-to-correct"' in text_of(page)
    assert "details-form" not in text_of(page)


def test_where_members_correct_nothing_the_page_says_whom_to_ask(browser):
    DirectorySource.objects.update(writable=[])

    page = browser.get(PAGE)

    assert "details-form" not in text_of(page)
    assert "mailto:" in text_of(page).partition('id="nothing-to-correct"')[2]


def test_only_what_the_source_marks_is_offered(browser):
    DirectorySource.objects.update(writable=["mobile", "email", "login", "employee_number"])

    form = browser.get(PAGE).context["form"]

    assert form.items == ("mobile",)
    assert "photo" not in form.fields


# Saving ------------------------------------------------------------------------------------------------------


@pytest.mark.gdpr("G9")
def test_a_number_is_corrected_in_the_directory_and_on_the_page(browser, own, noemie):
    answer = save(browser, opened(browser), mobile=NEW)
    page = browser.get(answer["Location"])

    assert answer.status_code == 303
    assert there(own, "mobile") == [NEW]
    assert page.context["form"]["mobile"].value() == NEW
    assert "enregistré dans l’annuaire" in text_of(page)


def test_only_what_was_typed_is_written(browser, own, noemie):
    fields = opened(browser)
    change(own, NOEMIE, "title", "Enlumineuse")

    save(browser, fields, mobile=NEW)

    assert there(own, "title") == ["Enlumineuse"]
    (line,) = Event.objects.filter(action=Action.PROFILE_CHANGED)
    assert line.facts == {"items": ["mobile"]}


def test_an_address_of_several_lines_comes_and_goes_as_it_is(browser, own, noemie):
    save(browser, opened(browser), postal_address="3 rue du Lez\r\nBât. B\r\n", town="Sète")
    again = save(browser, opened(browser))
    noemie.refresh_from_db()

    assert there(own, "postalAddress") or there(own, "postalAddress:")
    assert noemie.postal_address == "3 rue du Lez\nBât. B"
    assert again.status_code == 303
    assert Event.objects.filter(action=Action.PROFILE_CHANGED).count() == 1


def test_nothing_typed_writes_nothing(browser, own):
    with patch.object(writing, "write", side_effect=AssertionError):
        answer = save(browser, opened(browser))

    assert "Rien n’a changé" in text_of(browser.get(answer["Location"]))


def test_the_same_number_written_otherwise_is_no_change(browser, noemie):
    fields = opened(browser)

    save(browser, fields, mobile=noemie.mobile)

    assert not Event.objects.filter(action=Action.PROFILE_CHANGED).exists()


def test_a_number_that_cannot_be_dialled_is_said_beside_its_field(browser, own):
    before = there(own, "mobile")

    page = save(browser, opened(browser), mobile="voir avec Léa", town="Sète")

    assert page.status_code == 422
    assert "mobile" in page.context["form"].errors
    assert 'href="#id_mobile"' in text_of(page).partition('id="wrong"')[2]
    assert page.context["form"]["town"].value() == "Sète"
    assert there(own, "mobile") == before


def test_the_form_is_of_no_use_from_another_site(noemie):
    browser = Client(enforce_csrf_checks=True)
    browser.cookies = sign_in(noemie).cookies

    assert browser.post(PAGE, {"mobile": NEW, "seen_mobile": ""}).status_code == 403


@pytest.mark.incident("CVE-2026-42849")
def test_what_is_typed_is_text_on_the_page_whatever_it_looks_like(browser, own):
    own.stop()

    page = save(browser, opened(browser), trade="<script>alert(1)</script>")

    assert "<script>alert" not in text_of(page)
    assert "&lt;script&gt;alert(1)" in text_of(page)


# What somebody else changed ----------------------------------------------------------------------------------


def test_a_conflict_shows_both_and_keeps_everything_typed(browser, own):
    fields = opened(browser)
    change(own, NOEMIE, "mobile", "06 39 98 55 55")

    page = save(browser, fields, mobile=NEW, trade="Relieuse")

    assert page.status_code == 409
    (clash,) = page.context["form"].clashes
    assert (clash.theirs, clash.mine) == ("06 39 98 55 55", NEW)
    assert page.context["form"]["trade"].value() == "Relieuse"
    assert there(own, "mobile") == ["06 39 98 55 55"]
    assert there(own, "title") != ["Relieuse"]
    assert refused() == [("changed_meanwhile", ["mobile", "trade"])]


@pytest.mark.parametrize(("choice", "mobile"), [("mine", NEW), ("theirs", "06 39 98 55 55")])
def test_one_of_both_is_chosen_and_the_rest_is_saved_with_it(browser, own, choice, mobile):
    fields = opened(browser)
    change(own, NOEMIE, "mobile", "06 39 98 55 55")
    page = save(browser, fields, mobile=NEW, trade="Relieuse")

    answer = save(browser, sent(page), choice_mobile=choice)

    assert answer.status_code == 303
    assert there(own, "mobile") == [mobile]
    assert there(own, "title") == ["Relieuse"]


def test_without_a_choice_it_is_asked_again_and_nothing_is_saved(browser, own):
    fields = opened(browser)
    change(own, NOEMIE, "mobile", "06 39 98 55 55")
    page = save(browser, fields, mobile=NEW)

    again = save(browser, {name: value for name, value in sent(page).items() if name != "choice_mobile"})

    assert again.status_code == 422
    assert "Choisissez l’une des deux versions" in text_of(again)
    assert [(each.theirs, each.mine) for each in again.context["form"].clashes] == [("06 39 98 55 55", NEW)]
    assert there(own, "mobile") == ["06 39 98 55 55"]


def test_what_is_wrong_with_the_chosen_version_is_said_beside_it(browser, own):
    DirectorySource.objects.update(mapping={"person": {"trade": "telephoneNumber", "phone": ""}})
    synchronise(now=MONDAY, allow_large=True)
    fields = opened(browser)
    change(own, NOEMIE, "telephoneNumber", "04 67 00 00 01")
    page = save(browser, fields, trade="Reliure d’été")

    again = save(browser, sent(page), choice_trade="mine")

    assert again.status_code == 422
    assert len(again.context["form"].clashes[0].errors) == 1
    assert again.context["form"].clashes[0].errors[0] in text_of(again)


def test_changed_once_more_while_they_chose_they_choose_again(browser, own):
    fields = opened(browser)
    change(own, NOEMIE, "mobile", "06 39 98 55 55")
    page = save(browser, fields, mobile=NEW)
    change(own, NOEMIE, "mobile", "06 39 98 44 44")

    again = save(browser, sent(page), choice_mobile="mine")

    assert again.status_code == 409
    assert [(each.theirs, each.mine) for each in again.context["form"].clashes] == [("06 39 98 44 44", NEW)]


def test_an_address_is_chosen_as_a_whole(browser, own, noemie):
    fields = opened(browser)
    change(own, NOEMIE, "postalCode", "30999")

    page = save(browser, fields, town="Sète")
    (clash,) = page.context["form"].clashes
    save(browser, sent(page), choice_postal_address="theirs")

    assert "30999" in clash.theirs
    assert noemie.postal_code in clash.mine
    assert "Sète" in clash.mine
    assert there(own, "postalCode") == ["30999"]
    assert there(own, "l") == [noemie.town]


def test_an_entry_that_is_gone_is_told_and_the_form_kept(browser, own):
    fields = opened(browser)
    own.modify(f"dn: {NOEMIE}\nchangetype: delete\n")

    page = save(browser, fields, mobile=NEW)

    assert page.status_code == 409
    assert "n’est plus à sa place" in text_of(page)
    assert page.context["form"]["mobile"].value() == NEW


# What the directory does -------------------------------------------------------------------------------------


def test_with_the_directory_away_it_says_not_saved_and_keeps_the_form(browser, own):
    fields = opened(browser)
    own.stop()

    page = save(browser, fields, mobile=NEW, trade="Relieuse")

    assert page.status_code == 503
    assert "Pas enregistré" in text_of(page)
    assert (page.context["form"]["mobile"].value(), page.context["form"]["trade"].value()) == (NEW, "Relieuse")
    assert refused() == [("DirectoryUnavailable", ["mobile", "trade"])]


def test_the_page_opens_with_the_directory_away(browser, own):
    own.stop()

    assert browser.get(PAGE).status_code == 200


def test_an_answer_that_was_lost_is_called_uncertain_and_may_be_sent_again(browser, own, monkeypatch):
    fields = opened(browser)

    def lost(*_arguments: object) -> None:
        raise ChangeUncertain("the answer was lost")

    # The order is carried out, its answer is lost, and nothing can be asked.
    library: Any = ldap
    order = library.ldapobject.SimpleLDAPObject.modify_ext_s

    def carried_out(*arguments: Any, **options: Any) -> None:
        order(*arguments, **options)
        raise library.SERVER_DOWN

    with monkeypatch.context() as patched:
        patched.setattr(writing, "_looked_up", lost)
        patched.setattr(library.ldapobject.SimpleLDAPObject, "modify_ext_s", carried_out)
        page = save(browser, fields, mobile=NEW)

    assert page.status_code == 503
    assert "nous ne savons pas" in text_of(page)
    assert refused() == [("change_uncertain", ["mobile"])]
    assert there(own, "mobile") == [NEW]
    assert save(browser, sent(page)).status_code == 303
    assert len(refused()) == 1


def test_a_value_that_the_directory_does_not_take_is_said_beside_its_field(browser, own):
    # An attribute for telephone numbers, where the form expects none.
    DirectorySource.objects.update(mapping={"person": {"trade": "telephoneNumber", "phone": ""}})
    synchronise(now=MONDAY, allow_large=True)

    page = save(browser, opened(browser), trade="Reliure d’été", town="Sète")

    assert page.status_code == 422
    assert list(page.context["form"].errors) == ["trade"]
    assert page.context["form"]["town"].value() == "Sète"
    assert refused() == [("value_unfit", ["trade"])]


def test_what_the_write_account_may_not_write_is_said_beside_its_field(browser, own):
    DirectorySource.objects.update(writable=["given_name", "mobile"])

    page = save(browser, opened(browser), given_name="Noémi")

    assert page.status_code == 422
    assert "given_name" in page.context["form"].errors
    assert refused() == [("not_writable", ["given_name"])]


def test_a_source_that_was_paused_meanwhile_saves_nothing_and_loses_nothing(browser, own):
    fields = opened(browser)
    DirectorySource.objects.update(state=SourceState.PAUSED)

    page = save(browser, fields, mobile=NEW)

    assert page.status_code == 422
    assert page.context["form"]["mobile"].value() == NEW
    assert refused() == [("not_writable", ["mobile"])]


@pytest.mark.parametrize("item", ["email", "login", "family_name", "employee_number"])
def test_a_field_that_was_added_by_hand_is_refused(browser, own, item, noemie):
    page = save(browser, opened(browser), **{item: "autre@alizarine.example", f"seen_{item}": getattr(noemie, item)})

    assert page.status_code == 422
    assert refused() == [("not_writable", [item])]


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("reason", sorted(words.PROFILE_REFUSALS))
def test_whatever_the_reason_it_is_said_and_nothing_typed_is_lost(browser, monkeypatch, reason, language):
    fields = opened(browser) | {"mobile": NEW, "trade": "Relieuse", "postal_address": "3 rue du Lez\nBât. B"}

    def refusing(**_asked: object) -> None:
        raise ProfileRefused(reason, ["mobile"])

    monkeypatch.setattr(profile, "change_profile", refusing)
    page = browser.post(PAGE, fields, headers={"accept-language": language})

    with translation.override(language):
        assert escape(str(words.PROFILE_REFUSALS[reason])) in text_of(page)
    assert page.status_code >= 400
    for item in ("mobile", "trade", "postal_address"):
        assert page.context["form"][item].value() == fields[item]


def test_every_reason_of_a_refused_correction_has_its_sentence():
    """Read from the code of the service and of the page."""
    said = set()
    for module in (profile, pages, pictures):
        for node in ast.walk(ast.parse(Path(str(module.__file__)).read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in words.REASONS:
                said.add(node.value)

    assert said == set(words.PROFILE_REFUSALS)


def test_too_many_in_a_minute_are_told_to_wait_and_keep_what_they_typed(browser, own, noemie):
    fields = opened(browser)
    for _ in range(pages.SAVES_A_MINUTE):
        save(browser, fields)

    page = save(browser, fields, mobile=NEW)

    assert page.status_code == 429
    assert page.context["form"]["mobile"].value() == NEW
    assert refused() == [("too_many_corrections", [])]
    assert there(own, "mobile") != [NEW]


# Photos ------------------------------------------------------------------------------------------------------


@pytest.mark.spec("OWASP ASVS", "14.2.8")
@pytest.mark.incident("canaille, photos as they came")
@pytest.mark.parametrize("page", ["consent:mine", "mfa_index"])
def test_the_page_is_found_from_my_data_and_from_security(browser, page):
    answer = browser.get(reverse(page))

    assert f'href="{PAGE}" id="my-details"' in text_of(answer)


def test_a_photo_is_made_anew_kept_in_the_directory_and_shown(browser, own, noemie):
    raw = with_place()

    answer = save(browser, opened(browser), photo=photo_file(raw))
    shown = browser.get(f"/photos/{noemie.pk}/")

    assert answer.status_code == 303
    assert f"/photos/{noemie.pk}/" in text_of(browser.get(PAGE))
    assert shown["Content-Type"] == "image/webp"
    assert Image.open(BytesIO(shown.content)).format == "WEBP"
    kept = base64.b64decode("".join(_base64(own, "jpegPhoto")))
    assert Image.open(BytesIO(kept)).format == "JPEG"
    assert b"Telephone" not in kept
    assert b"3.8767E" not in kept
    assert kept != raw


def _base64(own: EmbeddedDirectory, attribute: str) -> list[str]:
    told = own.search("-b", NOEMIE, "-s", "base", "-o", "ldif-wrap=no", "(objectClass=*)", attribute)
    return [line.partition(":: ")[2] for line in told.splitlines() if line.startswith(attribute + "::")]


def test_a_photo_and_a_number_are_saved_together(browser, own):
    save(browser, opened(browser), photo=photo_file(picture()), mobile=NEW)

    assert there(own, "mobile") == [NEW]
    assert MemberPhoto.objects.exclude(content=b"").count() == 1
    items = [line.facts["items"] for line in Event.objects.filter(action=Action.PROFILE_CHANGED).order_by("pk")]
    assert items == [["photo"], ["mobile"]]


def test_a_photo_is_removed_everywhere(browser, own, noemie):
    save(browser, opened(browser), photo=photo_file(picture()))

    save(browser, opened(browser), remove_photo="on")

    assert _base64(own, "jpegPhoto") == []
    assert browser.get(f"/photos/{noemie.pk}/").status_code == 404
    assert f"/photos/{noemie.pk}/" not in text_of(browser.get(PAGE))


@pytest.mark.incident("kanidm, images of tools")
@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"\xff\xd8" + b"0" * pictures.MAX_BYTES, "too_heavy"),
        (b"\xff\xd8" + b"0" * (pictures.MAX_BYTES + 3_000_000), "too_heavy"),
        (bomb(6000, 5000), "too_large"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "unreadable"),
        (b"GIF89a" + b"0" * 200, "unreadable"),
        (b"", "unreadable"),
    ],
    ids=["over 15 MB", "over what is kept in memory", "too many pixels", "SVG", "GIF", "empty"],
)
def test_a_photo_that_is_refused_is_said_beside_it_and_the_rest_is_kept(browser, own, raw, reason):
    before = _base64(own, "jpegPhoto")

    page = save(browser, opened(browser), photo=photo_file(raw), mobile=NEW)

    assert page.status_code == 422
    assert page.context["form"].errors["photo"]
    # By what it is, not by what its button says.
    assert '<a href="#id_photo">Photo</a>' in text_of(page)
    assert page.context["form"]["mobile"].value() == NEW
    assert refused() == [(reason, ["photo"])]
    assert there(own, "mobile") != [NEW]
    assert _base64(own, "jpegPhoto") == before


def test_a_photo_that_waits_for_the_rest_of_the_form_is_asked_for_again(browser, own):
    page = save(browser, opened(browser), photo=photo_file(picture()), mobile="voir avec Léa")

    assert 'id="photo-again"' in text_of(page)
    assert not MemberPhoto.objects.exclude(content=b"").exists()


def test_a_photo_is_saved_even_where_the_rest_meets_a_conflict_and_that_is_said(browser, own):
    fields = opened(browser)
    change(own, NOEMIE, "mobile", "06 39 98 55 55")

    page = save(browser, fields, mobile=NEW, photo=photo_file(picture()))

    assert page.status_code == 409
    assert "Votre photo est enregistrée" in text_of(page)
    assert 'id="photo-again"' not in text_of(page)


def test_a_photo_is_not_taken_where_the_source_does_not_mark_it(browser, own):
    DirectorySource.objects.update(writable=["mobile"])
    before = _base64(own, "jpegPhoto")

    save(browser, opened(browser), photo=photo_file(picture()))

    assert _base64(own, "jpegPhoto") == before
    assert not MemberPhoto.objects.exclude(content=b"").exists()


def test_a_photo_is_served_for_browsers_to_keep_and_to_ask_about(browser, noemie):
    save(browser, opened(browser), photo=photo_file(picture()))
    first = browser.get(f"/photos/{noemie.pk}/")

    again = browser.get(f"/photos/{noemie.pk}/", headers={"if-none-match": first["ETag"]})

    assert (again.status_code, again.content) == (304, b"")
    for answer in (first, again):
        assert answer["Cache-Control"] == "private, no-cache"
        assert "Cookie" in answer["Vary"]
        assert answer["ETag"] == f'"{MemberPhoto.objects.get().digest}"'
    assert first["X-Content-Type-Options"] == "nosniff"
    assert first["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.spec("OWASP ASVS", "8.2.2")
def test_nobody_sees_somebody_elses_photo_and_asking_is_written_down(browser, own, noemie):
    save(browser, opened(browser), photo=photo_file(picture()))
    other = Member.objects.exclude(pk=noemie.pk).filter(state="active").first()

    theirs = sign_in(other).get(f"/photos/{noemie.pk}/")
    nobodys = sign_in(other).get("/photos/00000000-0000-4000-8000-00000000dead/")

    assert (theirs.status_code, nobodys.status_code) == (404, 404)
    lines = Event.objects.done_by(other).filter(action=Action.ACCESS_REFUSED, reason="not_yours")
    assert [line.facts for line in lines] == [{"page": "idp:photo"}] * 2


def test_a_stranger_learns_nothing_of_a_photo(browser, noemie):
    save(browser, opened(browser), photo=photo_file(picture()))

    answers = [Client().get(f"/photos/{pk}/") for pk in (noemie.pk, "00000000-0000-4000-8000-00000000dead")]

    assert [answer.status_code for answer in answers] == [302, 302]
    assert all(answer.content == b"" for answer in answers)


def test_a_photo_of_the_directory_is_shown_once_it_was_looked_at(browser, own, noemie):
    raw = base64.b64encode(picture()).decode()
    own.modify(f"dn: {NOEMIE}\nchangetype: modify\nreplace: jpegPhoto\njpegPhoto:: {raw}\n")
    synchronise(now=MONDAY)
    photo_service.follow(source=noemie.source, now=MONDAY)

    assert browser.get(f"/photos/{noemie.pk}/").status_code == 200


def test_my_record_says_that_there_is_a_photo_and_holds_it(browser):
    save(browser, opened(browser), photo=photo_file(picture()))

    record = json.loads(b"".join(browser.get("/mes-donnees/telecharger/donnees/")))

    assert {"field": "Photo", "value": "enregistrée", "source": "annuaire de la coopérative"} in record["known"]
    kept = base64.b64decode(record["photo"].removeprefix("data:image/webp;base64,"))
    assert Image.open(BytesIO(kept)).format == "WEBP"


def test_my_record_without_a_photo_says_nothing_of_one(browser):
    save(browser, opened(browser), remove_photo="on")

    record = json.loads(b"".join(browser.get("/mes-donnees/telecharger/donnees/")))

    assert record["photo"] is None
    assert "Photo" not in {row["field"] for row in record["known"]}


# What it costs -----------------------------------------------------------------------------------------------


def test_what_a_correction_costs_the_database(as_in_production, browser):
    """Who asks and their source, twice; taking the entry over as a pass would; the line in the journal."""
    fields = opened(browser)

    with counted() as cost:
        answer = save(browser, fields, mobile=NEW)

    assert answer.status_code == 303
    assert len(cost.statements) <= 22, cost.statements


def test_what_the_page_and_a_photo_cost_the_database(as_in_production, browser, noemie):
    save(browser, opened(browser), photo=photo_file(picture()))

    with counted() as page:
        browser.get(PAGE)
    with counted() as photo:
        etag = browser.get(f"/photos/{noemie.pk}/")["ETag"]
    with counted() as again:
        browser.get(f"/photos/{noemie.pk}/", headers={"if-none-match": etag})

    # The person, their source, their photo, what is to be put right in their entry, their roles for the navigation.
    assert len(page.statements) <= 5, page.statements
    assert len(photo.statements) <= 3, photo.statements
    assert len(again.statements) <= 2, again.statements


# What is wrong in one's entry ----------------------------------------------------------------------------------------


def test_whoever_has_something_to_put_right_in_their_entry_reads_it_there(own, noemie, browser):
    assert 'id="to-review"' not in browser.get(PAGE).content.decode()
    other = Member.objects.get(login_key="karim.benali")
    own.modify(
        f"dn: {noemie.dn}\nchangetype: modify\nreplace: mail\nmail: {other.email}\n-\n"
        "replace: telephoneNumber\ntelephoneNumber: 12 34\n"
    )
    synchronise(now=MONDAY + timedelta(minutes=1))

    page = browser.get(PAGE).content.decode()

    assert 'id="to-review"' in page
    assert str(follow_words.OWN_ISSUES["mail_shared"]) in page
    assert str(follow_words.OWN_ISSUES["phone_unclear"]) in page
    assert other.display_name not in page.partition('id="to-review"')[2].partition("</section>")[0]
    assert 'id="to-review"' in sign_in(other).get(PAGE).content.decode()

    own.modify(
        f"dn: {noemie.dn}\nchangetype: modify\nreplace: mail\nmail: {noemie.email}\n-\n"
        "replace: telephoneNumber\ntelephoneNumber: +33 6 39 98 77 66\n"
    )
    synchronise(now=MONDAY + timedelta(minutes=2))

    assert 'id="to-review"' not in browser.get(PAGE).content.decode()


def test_everything_that_can_be_wrong_with_a_person_is_said_to_them():
    of_groups = {code for code in follow_words.ISSUES if code.startswith("group_")}
    told_to_others = {"login_reused", "entry_elsewhere"}

    assert set(follow_words.OWN_ISSUES) == set(follow_words.ISSUES) - of_groups - told_to_others
