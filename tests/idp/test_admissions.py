"""Access to a tool that one asks for: who sees it, who answers, and that everything ends with it."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.keeping import data
from audit.models import Event
from audit.types import SYSTEM, Action
from consent.own import sources
from directory.models import Collective, Member, Membership, RoleGrant
from directory.types import Hold, Role
from idp import access
from idp.models import AccessToken, Admission, LogoutDelivery, RefreshToken, Tool, ToolSession
from idp.services import admissions as services
from idp.services.accounts import attached, lifecycle
from idp.services.tools import NotDeclared, close_tool
from idp.types import AdmissionRefused, AdmissionState, MailKind
from tests.consent.test_pages import text_of
from tests.support.cast import make_member, make_tool
from tests.support.links import waiting
from tests.support.oidc import sign_in

pytestmark = pytest.mark.django_db
PAGE, ASK, BACK = "/outils/plans/acces/", "/outils/plans/acces/demander/", "/outils/plans/acces/reprendre/"
INBOX = "/acces-demandes/"


@pytest.fixture
def plans(db) -> Tool:
    return make_tool(
        "plans", "Plans", everyone=False, requestable=True, backchannel_logout_uri="https://plans.example/out"
    )


@pytest.fixture
def owner(plans) -> Member:
    person = make_member("paule.x", "Paule X")
    plans.owners.add(person)
    return person


@pytest.fixture
def asker(db) -> Member:
    return make_member("amelie.x", "Amélie X")


@pytest.fixture
def office(db) -> Client:
    person = make_member("karim.x", "Karim X")
    RoleGrant.objects.create(member=person, role=Role.OFFICE)
    return sign_in(person)


def asked(asker: Member, plans: Tool) -> Admission:
    return services.ask(member=asker, tool=plans, reason="Pour le chantier de Sète", now=timezone.now())


def granted(asker: Member, plans: Tool, owner: Member, days: int = 30) -> Admission:
    row = asked(asker, plans)
    now = timezone.now()
    services.grant(admission_id=row.pk, ends_at=now + timedelta(days=days), answer="", person=owner, now=now)
    return Admission.objects.get()


def told() -> list[tuple[str, dict[str, str]]]:
    return [(mail["to"], mail) for mail in waiting(MailKind.ADMISSION)]


def lines(action: Action) -> list[Event]:
    return list(Event.objects.filter(action=action).order_by("pk"))


# Seeing and asking ---------------------------------------------------------------------------------------------


def test_a_tool_to_ask_for_stands_apart_with_its_state_in_words(plans, asker):
    browser = sign_in(asker)
    before = browser.get("/").content.decode()

    asked(asker, plans)

    after = browser.get("/").content.decode()
    assert 'id="shelf-locked"' in before
    assert f'href="{PAGE}"' in before
    assert "/outils/plans/ouvrir/" not in before
    assert "demandé, en attente d’une réponse" in after


def test_a_tool_that_is_not_asked_for_stays_unseen(plans, asker):
    Tool.objects.update(requestable=False)
    browser = sign_in(asker)

    assert "Plans" not in browser.get("/").content.decode()
    assert browser.get(PAGE).status_code == 404
    assert browser.post(ASK, {"reason": "x"}).status_code == 404
    assert not Admission.objects.exists()


def test_the_collectives_that_would_open_it_lead_to_their_pages(plans, asker):
    plans.collectives.add(Collective.objects.create(entry_uuid=uuid4(), name="Pôle bois", slug="bois"))

    page = sign_in(asker).get(PAGE).content.decode()

    assert f'<a href="{reverse("collectives:one", args=["bois"])}">Pôle bois</a>' in page


def test_asking_reaches_the_owner_without_the_reason_in_the_mail(plans, owner, asker):
    answer = sign_in(asker).post(ASK, {"reason": "Pour le chantier de Sète"})

    assert answer["Location"] == PAGE
    row = Admission.objects.get()
    ((to, mail),) = told()
    assert to == owner.email
    assert f"/acces-demandes/{row.pk}/" in mail["body"]
    assert "Sète" not in mail["body"]
    (line,) = lines(Action.ADMISSION_ASKED)
    assert (line.actor_id, line.subject_id, line.tool_id) == (asker.pk, asker.pk, plans.pk)
    assert "Sète" not in str(line.facts)


def test_without_an_owner_the_office_is_written_to(plans, asker, settings):
    asked(asker, plans)

    assert [to for to, _mail in told()] == [settings.OFFICE_CONTACT]


def test_an_owner_who_left_is_not_written_to_and_the_office_is(plans, owner, asker, settings):
    Member.objects.filter(pk=owner.pk).update(hold=Hold.LEFT)

    asked(asker, plans)

    assert [to for to, _mail in told()] == [settings.OFFICE_CONTACT]


def test_two_clicks_are_one_request(plans, asker):
    browser = sign_in(asker)

    for _ in range(2):
        browser.post(ASK, {"reason": "Pour le chantier"})

    assert Admission.objects.count() == 1
    assert len(lines(Action.ADMISSION_ASKED)) == 1


def test_the_database_holds_one_live_request_too(plans, asker):
    asked(asker, plans)

    with pytest.raises(IntegrityError), transaction.atomic():
        Admission.objects.create(member=asker, tool=plans, reason="x", asked_at=timezone.now())


def test_a_request_needs_a_reason(plans, asker):
    answer = sign_in(asker).post(ASK, {"reason": "  "})

    assert answer.status_code == 422
    assert 'id="id_reason_error"' in answer.content.decode()


def test_whoever_may_enter_has_nothing_to_ask(plans, asker):
    Tool.objects.update(everyone=True)

    answer = sign_in(asker).post(ASK, {"reason": "x"}, follow=True)

    assert "ne se demande pas" in text_of(answer)
    assert not Admission.objects.exists()


def test_a_request_is_taken_back_and_made_again_the_next_day(plans, asker):
    browser = sign_in(asker)
    browser.post(ASK, {"reason": "Pour le chantier"})

    browser.post(BACK)

    assert Admission.objects.get().state == AdmissionState.TAKEN_BACK
    assert lines(Action.ADMISSION_ENDED)[0].reason == "taken_back"
    browser.post(ASK, {"reason": "Encore"})
    assert Admission.objects.count() == 1, "each asking writes to somebody: not twice a day"
    Admission.objects.update(asked_at=timezone.now() - timedelta(days=2))
    browser.post(ASK, {"reason": "Encore"})
    assert Admission.objects.count() == 2


# Answering -----------------------------------------------------------------------------------------------------


def test_the_owner_reads_grants_and_the_member_comes_in(plans, owner, asker):
    row = asked(asker, plans)
    browser, day = sign_in(owner), timezone.localdate() + timedelta(days=30)
    assert "attend votre réponse" in browser.get("/").content.decode()
    assert "Pour le chantier de Sète" in browser.get(f"{INBOX}{row.pk}/").content.decode()

    browser.post(f"{INBOX}{row.pk}/", {"grant": "1", "until": day.isoformat(), "answer": "Bienvenue"})

    assert access.may_enter(asker, plans)
    assert sign_in(asker).get("/outils/plans/ouvrir/")["Location"] == plans.launch_url
    (line,) = lines(Action.ADMISSION_GRANTED)
    assert (line.actor_id, line.subject_id) == (owner.pk, asker.pk)
    assert told()[-1][0] == asker.email
    assert "Bienvenue" not in told()[-1][1]["body"]


def test_a_refusal_says_why_on_the_page_and_not_in_the_mail(plans, owner, asker):
    row = asked(asker, plans)

    sign_in(owner).post(f"{INBOX}{row.pk}/", {"refuse": "1", "answer": "Réservé au bureau d’études"})

    assert not access.may_enter(asker, plans)
    assert "Réservé au bureau d’études" in sign_in(asker).get(PAGE).content.decode()
    assert "bureau" not in told()[-1][1]["body"]
    assert len(lines(Action.ADMISSION_REFUSED)) == 1


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"refuse": "1", "answer": ""}, "answer"),
        ({"grant": "1", "until": ""}, "until"),
        ({"grant": "1", "until": "2020-01-01"}, "until"),
        ({"grant": "1", "until": "2999-01-01"}, "until"),
    ],
)
def test_an_answer_that_lacks_something_is_not_sent(plans, owner, asker, form, field):
    row = asked(asker, plans)

    answer = sign_in(owner).post(f"{INBOX}{row.pk}/", form)

    assert answer.status_code == 422
    assert f'id="id_{field}_error"' in answer.content.decode()
    assert Admission.objects.get().is_asked


def test_the_office_answers_too(plans, owner, asker, office):
    row = asked(asker, plans)
    day = timezone.localdate() + timedelta(days=3)

    office.post(f"{INBOX}{row.pk}/", {"grant": "1", "until": day.isoformat()})

    assert access.may_enter(asker, plans)


def test_nobody_else_answers_and_the_refusal_is_written_down(plans, asker):
    row = asked(asker, plans)
    stranger, other = make_member("zoe.x", "Zoé X"), make_tool("autre", "Autre")
    browser = sign_in(stranger)
    assert browser.get(INBOX).status_code == 403
    assert lines(Action.ACCESS_REFUSED)[0].facts == {"page": "idp:admissions"}

    other.owners.add(stranger)

    assert browser.get(f"{INBOX}{row.pk}/").status_code == 404
    assert browser.post(f"{INBOX}{row.pk}/", {"refuse": "1", "answer": "x"}).status_code == 404
    assert Admission.objects.get().is_asked


def test_an_owner_does_not_answer_themselves(plans, owner):
    row = asked(owner, plans)
    day = (timezone.localdate() + timedelta(days=3)).isoformat()

    assert sign_in(owner).post(f"{INBOX}{row.pk}/", {"grant": "1", "until": day}).status_code == 404

    with pytest.raises(AdmissionRefused, match="own_request"):
        services.grant(
            admission_id=row.pk,
            ends_at=timezone.now() + timedelta(days=3),
            answer="",
            person=owner,
            now=timezone.now(),
        )
    (line,) = lines(Action.ADMISSION_GRANTED)
    assert (line.refused, line.reason) == (True, "own_request")
    assert not access.may_enter(owner, plans)


def test_two_answers_are_one(plans, owner, asker, office):
    row = asked(asker, plans)
    sign_in(owner).post(f"{INBOX}{row.pk}/", {"refuse": "1", "answer": "Non"})
    day = (timezone.localdate() + timedelta(days=3)).isoformat()

    office.post(f"{INBOX}{row.pk}/", {"grant": "1", "until": day})

    assert Admission.objects.get().state == AdmissionState.REFUSED
    assert lines(Action.ADMISSION_GRANTED)[0].reason == "settled"


# The end -------------------------------------------------------------------------------------------------------


def test_after_its_day_the_decision_says_no_whether_or_not_the_worker_came(plans, owner, asker):
    granted(asker, plans, owner)

    Admission.objects.update(ends_at=timezone.now() - timedelta(seconds=1))

    assert not access.may_enter(asker, plans)
    assert not access.why(asker, plans).may_enter


def test_what_is_attached_ends_with_it(wiki, asker, owner):
    tool = wiki.tool
    Tool.objects.filter(pk=tool.pk).update(
        everyone=False, requestable=True, offline_access=True, backchannel_logout_uri="https://wiki.example/out"
    )
    tool.refresh_from_db()
    granted(asker, tool, owner)
    tokens = wiki.exchange(wiki.code(sign_in(asker), scope="openid offline_access", prompt="consent")).json()
    assert wiki.userinfo(tokens["access_token"]).status_code == 200
    Admission.objects.update(ends_at=timezone.now() - timedelta(seconds=1))

    lifecycle.turn(now=timezone.now())

    assert Admission.objects.get().state == AdmissionState.EXPIRED
    assert wiki.userinfo(tokens["access_token"]).status_code == 401
    assert not AccessToken.objects.exists()
    assert not RefreshToken.objects.filter(revoked=None).exists()
    assert not ToolSession.objects.filter(ended_at=None).exists()
    assert LogoutDelivery.objects.count() == 1
    assert lines(Action.ADMISSION_ENDED)[0].reason == "expired"
    assert lines(Action.TOOL_SESSION_ENDED)[0].reason == "access_ended"
    assert told()[-1][0] == asker.email


def test_whoever_comes_in_by_a_collective_meanwhile_stays(plans, owner, asker):
    row = granted(asker, plans, owner)
    crowd = Collective.objects.create(entry_uuid=uuid4(), name="Études", slug="etudes")
    Membership.objects.create(collective=crowd, member=asker)
    plans.collectives.add(crowd)

    services.end(admission_id=row.pk, actor=SYSTEM, now=timezone.now())

    assert access.may_enter(asker, plans)
    assert access.why(asker, plans).collectives == (crowd,)


def test_the_owner_ends_it_before_its_day(plans, owner, asker):
    row = granted(asker, plans, owner)

    sign_in(owner).post(f"{INBOX}{row.pk}/", {"end": "1"})

    assert not access.may_enter(asker, plans)
    assert Admission.objects.get().state == AdmissionState.ENDED


def test_the_member_gives_it_back(plans, owner, asker):
    granted(asker, plans, owner)

    sign_in(asker).post(BACK)

    assert not access.may_enter(asker, plans)
    assert Admission.objects.get().state == AdmissionState.TAKEN_BACK


def test_a_closed_tool_is_closed_to_whoever_was_let_in(plans, owner, asker):
    granted(asker, plans, owner)

    close_tool(slug="plans", actor=SYSTEM, now=timezone.now(), reason="over")

    assert not access.may_enter(asker, plans)
    assert Admission.objects.get().state == AdmissionState.ENDED


def test_whoever_left_does_not_come_in_by_it(plans, owner, asker):
    granted(asker, plans, owner)
    Member.objects.filter(pk=asker.pk).update(hold=Hold.LEFT)
    asker.refresh_from_db()

    assert not access.may_enter(asker, plans)
    assert not access.requestable(asker).exists()


# Why -----------------------------------------------------------------------------------------------------------


def test_an_unknown_tool_and_one_that_is_not_shown_look_the_same(plans, asker):
    Tool.objects.update(requestable=False)
    browser = sign_in(asker)

    pages = [browser.get(f"/outils/{slug}/acces/").content.decode() for slug in ("inconnu", "plans")]

    unknown, hidden = (page[page.index('id="not-shown"') : page.index("</main>")] for page in pages)
    assert unknown == hidden
    assert len(lines(Action.AUTHORIZATION_REFUSED)) == 2


def test_why_not_names_collectives_but_no_sensitive_one(plans, asker):
    for name, sensitive in (("Études", False), ("Entraide", True)):
        plans.collectives.add(
            Collective.objects.create(entry_uuid=uuid4(), name=name, slug=name.lower()[1:], sensitive=sensitive)
        )

    page = text_of(sign_in(asker).get(PAGE))

    assert "Études" in page
    assert "Entraide" not in page


@pytest.mark.parametrize("everyone", [True, False])
@pytest.mark.parametrize("state", ["open", "maintenance", "closed"])
@pytest.mark.parametrize("through", ["nothing", "collective", "admission", "past"])
def test_the_reasons_are_those_of_the_one_decision(plans, owner, asker, everyone, state, through):
    if through in ("admission", "past"):
        granted(asker, plans, owner)
    if through == "past":
        Admission.objects.update(ends_at=timezone.now() - timedelta(days=1))
    if through == "collective":
        crowd = Collective.objects.create(entry_uuid=uuid4(), name="Études", slug="etudes")
        Membership.objects.create(collective=crowd, member=asker)
        plans.collectives.add(crowd)
    Tool.objects.update(everyone=everyone, state=state)

    why = access.why(asker, plans)

    assert why.may_enter == access.may_enter(asker, plans)
    assert why.may_enter == (why.is_active and why.is_open and bool(why.everyone or why.collectives or why.until))


def test_the_page_of_a_closed_door_leads_to_why(plans, asker):
    browser = sign_in(asker)

    page = browser.get("/outils/plans/ouvrir/").content.decode()

    assert "../acces/" in page
    assert "Pourquoi n’ai-je pas accès" in page


# The rule ------------------------------------------------------------------------------------------------------


@pytest.fixture
def technician(db) -> Client:
    person = make_member("lea.x", "Léa X")
    RoleGrant.objects.create(member=person, role=Role.TECHNICIAN)
    return sign_in(person)


def test_the_technician_says_who_answers_by_name(plans, technician):
    paule = make_member("paule.x", "Paule X")
    Tool.objects.update(kind="link", requestable=False)

    technician.post("/accueil/outils/plans/demandes/", {"requestable": "on", "owners": "paule.x\n"})

    plans.refresh_from_db()
    assert plans.requestable
    assert list(plans.owners.all()) == [paule]
    (line,) = lines(Action.TOOL_CHANGED)
    assert line.facts["properties"] == ["owners", "requestable"]
    assert "paule" not in str(line.facts)


def test_an_unknown_owner_is_named_and_nothing_changes(plans, technician):
    Tool.objects.update(requestable=False)

    answer = technician.post("/accueil/outils/plans/demandes/", {"requestable": "on", "owners": "personne.x"})

    assert answer.status_code == 422
    assert "personne.x" in answer.content.decode()
    assert not Tool.objects.get().requestable


def test_a_tool_the_register_does_not_know_is_not_asked_for(plans, technician):
    Tool.objects.update(requestable=False)

    answer = technician.post("/accueil/outils/plans/demandes/", {"requestable": "on", "owners": ""})

    assert answer.status_code == 422
    assert not Tool.objects.get().requestable
    assert len(lines(Action.TOOL_REFUSED)) == 1
    with pytest.raises(NotDeclared):
        services.set_rule(slug="plans", requestable=True, owners=[], actor=SYSTEM, now=timezone.now())


# What is kept --------------------------------------------------------------------------------------------------


def test_a_member_takes_what_they_asked_with_their_data(plans, owner, asker):
    granted(asker, plans, owner)
    section = next(each for each in sources.sections() if each.name == "admissions")

    (row,) = section.rows(asker.pk)

    assert row.data["reason"] == "Pour le chantier de Sète"
    assert row.data["state"] == "granted"


def test_what_was_asked_goes_with_the_member(plans, asker):
    asked(asker, plans)

    attached.forget([asker.pk], now=timezone.now())

    assert not Admission.objects.exists()


def test_what_is_over_has_a_period_and_what_runs_has_none(plans, owner, asker):
    granted(asker, plans, owner)
    category = next(each for each in data.categories() if each.code == "admissions")
    later = timezone.now() + timedelta(days=400)
    assert not category.due(later, ()).exists()

    services.take_back(member=asker, tool=plans, now=timezone.now())

    assert category.due(later, ()).count() == 1
