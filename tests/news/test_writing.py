"""Writing news: who may for whom, what is kept of it, and what the journal says."""

from datetime import timedelta
from io import BytesIO
from uuid import uuid4

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from audit.keeping.data import category
from audit.models import Event
from audit.types import Action, Actor
from directory.models import Collective, RoleGrant
from directory.types import Role
from idp.models import OutgoingMail
from idp.services.accounts.mails import send_due
from news import services
from news.models import Brief
from news.policy import UNDO
from news.selectors import written
from news.types import Audience, NewsRefused
from tests.support.cast import make_member
from tests.support.oidc import sign_in

pytestmark = pytest.mark.django_db
WRITE = reverse("news:write")
TYPED = {"collective": "bois", "title": "Séchoir", "text": "Il est **réparé**.", "audience": "near"}
JOURNALED = (Action.BRIEF_CHANGED, Action.BRIEF_REMOVED, Action.BRIEF_RESTORED)


def lines():
    return list(Event.objects.filter(action__in=JOURNALED).order_by("pk"))


@pytest.fixture
def office(db):
    person = make_member("odile.x", "Odile X")
    RoleGrant.objects.create(member=person, role=Role.OFFICE)
    return person


def file_of(kind="PNG"):
    out = BytesIO()
    Image.new("RGB", (2000, 900), (120, 60, 20)).save(out, kind)
    out.seek(0)
    out.name = "photo.png"
    return out


def test_a_lead_publishes_for_their_collective_and_the_journal_holds_no_word_of_it(lead, wood):
    answer = sign_in(lead).post(WRITE, {**TYPED, "picture": file_of(), "picture_alt": "Une étuve"})

    brief = Brief.objects.get()
    assert answer.status_code == 303
    assert answer.url == reverse("news:brief", args=[brief.pk])
    assert (brief.collective, brief.author, brief.is_draft) == (wood, lead, False)
    assert Image.open(BytesIO(brief.picture)).size == (1280, 576)
    line = lines()[0]
    assert line.told["brief"] == brief.pk
    assert line.told["collective"] == str(wood.pk)
    assert line.told["standing"] == "published"
    assert not {"Séchoir", "réparé", "étuve"} & set(str(line.told).split())
    assert "Séchoir" not in str(line.told)
    assert "Une étuve" not in str(line.told)


@pytest.mark.parametrize("of", ["autre", "", "nulle-part"])
def test_a_lead_writes_for_no_other_collective_and_not_for_all(lead, of):
    other = Collective.objects.create(entry_uuid=uuid4(), name="Autre", slug="autre")

    answer = sign_in(lead).post(WRITE, {**TYPED, "collective": of})

    assert answer.status_code == 422
    assert not Brief.objects.exists()
    assert other.briefs.count() == 0


def test_another_collectives_news_are_closed_to_a_lead_and_the_refusal_is_recorded(lead, tell):
    other = Collective.objects.create(entry_uuid=uuid4(), name="Autre", slug="autre")
    theirs, browser = tell(of=other), sign_in(lead)

    for method, act in (("get", "change"), ("post", "change"), ("post", "remove"), ("post", "restore")):
        ask = getattr(browser, method)
        assert ask(reverse(f"news:{act}", args=[theirs.pk]), TYPED).status_code == 403
        assert Event.objects.filter(action=Action.ACCESS_REFUSED).latest("pk").told["page"] == f"news:{act}"
    assert Brief.objects.get(pk=theirs.pk).removed_at is None


def test_the_office_speaks_to_everybody_and_not_for_a_collective(office, tell):
    browser = sign_in(office)

    assert browser.post(WRITE, {**TYPED, "collective": "bois"}).status_code == 422
    assert browser.post(WRITE, {**TYPED, "collective": ""}).status_code == 303

    made = Brief.objects.get()
    assert (made.collective, made.audience) == (None, Audience.EVERYBODY)
    assert browser.get(reverse("news:change", args=[tell().pk])).status_code == 403


def test_whoever_speaks_for_all_and_leads_reads_what_the_choice_is_about(office, lead, wood):
    said = "Ce qui vient de toute la coopérative est lu par tout le monde."

    assert said not in sign_in(lead).get(WRITE).content.decode()
    wood.leads.add(office)

    assert said in sign_in(office).get(WRITE).content.decode()


def test_whoever_leads_nothing_writes_nothing(insider, lead):
    assert sign_in(insider).get(WRITE).status_code == 403
    assert sign_in(insider).post(WRITE, TYPED).status_code == 403
    assert WRITE not in sign_in(insider).get(reverse("news:all")).content.decode()
    assert WRITE in sign_in(lead).get(reverse("news:all")).content.decode()


def test_a_sensitive_collective_cannot_speak_to_everybody(lead, wood):
    Collective.objects.filter(pk=wood.pk).update(sensitive=True)

    sign_in(lead).post(WRITE, {**TYPED, "audience": "everybody"})

    assert Brief.objects.get().audience == Audience.NEAR


def test_a_draft_is_read_by_its_writers_until_it_is_published(lead):
    browser = sign_in(lead)
    answer = browser.post(WRITE, {**TYPED, "draft": "1"})
    brief = Brief.objects.get()
    assert brief.is_draft
    assert "<strong>réparé</strong>" in browser.get(answer.url).content.decode()

    browser.post(reverse("news:change", args=[brief.pk]), TYPED)

    brief.refresh_from_db()
    assert not brief.is_draft
    assert brief.since <= timezone.now()
    assert [line.told["standing"] for line in lines()] == ["draft", "published"]


def test_it_begins_and_ends_when_it_is_said(lead):
    sign_in(lead).post(WRITE, {**TYPED, "since": "2100-03-01T08:00", "until": "2100-03-02"})

    brief = Brief.objects.get()
    assert timezone.localtime(brief.since).isoformat() == "2100-03-01T08:00:00+01:00"
    assert timezone.localtime(brief.until).isoformat() == "2100-03-03T00:00:00+01:00"
    page = sign_in(lead).get(reverse("news:change", args=[brief.pk])).content.decode()
    assert 'value="2100-03-02"' in page


def test_what_waits_for_its_hour_says_when_it_comes_and_which_day_is_its_last(lead):
    browser = sign_in(lead)
    answer = browser.post(WRITE, {**TYPED, "since": "2100-03-01T08:00", "until": "2100-03-02"})

    page = browser.get(answer.url).content.decode().replace("\u00a0", " ")

    assert "Elle paraît le 1 mars 2100, 8 h 00." in page
    assert "Dernier jour où on la lit : 2 mars 2100." in page
    assert "Modifier ou publier" not in page


@pytest.mark.parametrize("sensitive", [True, False])
def test_the_form_speaks_of_sensitive_collectives_to_whoever_leads_one(lead, wood, sensitive):
    Collective.objects.filter(pk=wood.pk).update(sensitive=sensitive)

    assert ("collectif sensible" in sign_in(lead).get(WRITE).content.decode()) is sensitive


@pytest.mark.parametrize(
    "wrong",
    [
        {"title": ""},
        {"text": "x" * 4001},
        {"until": "2020-01-01"},
        {"since": "2100-03-05T08:00", "until": "2100-03-01"},
        {"audience": "world"},
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(lead, wrong):
    assert sign_in(lead).post(WRITE, {**TYPED, **wrong}).status_code == 422
    assert not Brief.objects.exists()


def test_a_file_that_is_no_picture_is_refused_with_a_line(lead):
    spoilt = BytesIO(b"<script>alert(1)</script>")
    spoilt.name = "x.png"

    answer = sign_in(lead).post(WRITE, {**TYPED, "picture": spoilt})

    assert answer.status_code == 422
    assert not Brief.objects.exists()
    line = lines()[0]
    assert (line.refused, line.reason, line.told["properties"]) == (True, "unreadable", ["picture"])


def test_a_picture_stays_until_it_is_replaced_or_taken_away(lead, tell):
    brief = tell(picture=file_of().read(), picture_alt="Une étuve")
    browser, address = sign_in(lead), reverse("news:change", args=[brief.pk])

    browser.post(address, {**TYPED, "picture_alt": "Une étuve"})
    assert Brief.objects.get().picture_digest == brief.picture_digest

    browser.post(address, {**TYPED, "drop_picture": "on", "picture_alt": "Une étuve"})
    assert (Brief.objects.get().picture_digest, Brief.objects.get().picture_alt) == ("", "")


def test_the_same_once_more_changes_nothing_and_says_nothing(lead):
    browser = sign_in(lead)
    browser.post(WRITE, {**TYPED, "since": "2100-03-01T08:00"})
    brief = Brief.objects.get()

    browser.post(reverse("news:change", args=[brief.pk]), {**TYPED, "since": "2100-03-01T08:00"})

    assert len(lines()) == 1


def test_what_is_removed_is_seen_by_nobody_and_can_be_put_back_as_a_draft(lead, insider, tell):
    brief, browser = tell(), sign_in(lead)

    browser.post(reverse("news:remove", args=[brief.pk]))

    assert sign_in(insider).get(reverse("news:brief", args=[brief.pk])).status_code == 404
    assert browser.post(reverse("news:change", args=[brief.pk]), {**TYPED, "title": "Autre"}).status_code == 302
    assert Brief.objects.get().title == "Séchoir"
    assert reverse("news:restore", args=[brief.pk]) in browser.get(reverse("news:written")).content.decode()

    browser.post(reverse("news:restore", args=[brief.pk]))

    brief.refresh_from_db()
    assert (brief.removed_at, brief.is_draft) == (None, True)
    assert [line.action for line in lines()] == list(JOURNALED)


def test_the_office_withdraws_what_it_reads_of_a_collective_changes_nothing_and_the_leads_hear_of_it(
    office, lead, insider, tell
):
    brief = tell("Mots de trop", audience=Audience.EVERYBODY)
    there = sign_in(office)
    page, remove = reverse("news:brief", args=[brief.pk]), reverse("news:remove", args=[brief.pk])
    assert "withdraw-form" in there.get(page).content.decode()
    assert there.get(reverse("news:change", args=[brief.pk])).status_code == 403

    assert there.post(remove).url == reverse("news:all")

    assert sign_in(insider).get(page).status_code == 404
    assert "Mots de trop" in sign_in(lead).get(reverse("news:written")).content.decode()
    assert [(line.action, line.actor) for line in lines()[-1:]] == [(Action.BRIEF_REMOVED, office)]
    assert send_due(now=timezone.now()) == 1
    (sent,) = mail.outbox
    assert sent.to == [lead.email]
    assert office.display_name in sent.body
    assert "Mots de trop" not in sent.body


def test_of_a_collective_without_leads_nobody_is_said_to_be_told(office, lead, wood, tell):
    brief = tell("Mots de trop", audience=Audience.EVERYBODY)
    wood.leads.clear()

    page = sign_in(office).post(reverse("news:remove", args=[brief.pk]), follow=True).content.decode()

    assert "La brève est retirée." in page
    assert "prévenu" not in page
    assert not OutgoingMail.objects.exists()


def test_the_office_withdraws_nothing_that_it_does_not_read(office, tell):
    brief = tell("Entre nous", audience=Audience.NEAR)

    assert sign_in(office).post(reverse("news:remove", args=[brief.pk])).status_code == 403

    assert Brief.objects.get(pk=brief.pk).removed_at is None
    assert Event.objects.filter(action=Action.ACCESS_REFUSED).latest("pk").told["page"] == "news:remove"


def test_a_lead_who_removes_their_own_gets_no_mail(lead, tell):
    brief = tell("Ancien")

    sign_in(lead).post(reverse("news:remove", args=[brief.pk]))

    assert not OutgoingMail.objects.exists()


def test_after_thirty_days_it_is_too_late_and_then_it_is_gone(lead, tell):
    now = timezone.now()
    brief = tell()
    services.remove(brief_id=brief.pk, actor=Actor(lead.pk), now=now - UNDO)

    with pytest.raises(NewsRefused, match="brief_not_restored"):
        services.restore(brief_id=brief.pk, actor=Actor(lead.pk), now=now)
    assert brief not in set(written(lead, now))

    rule = category("removed_briefs")
    assert list(rule.due(now - UNDO - timedelta(seconds=1), ())) == []
    due = list(rule.due(now, ()))
    assert due == [brief]
    assert list(rule.due(now, [lead.pk])) == []
    assert rule.go([brief.pk], now) == 1
    assert not Brief.objects.exists()


def test_a_lead_who_leads_no_longer_writes_no_longer(lead, wood, tell):
    brief, browser = tell(), sign_in(lead)
    wood.leads.remove(lead)

    assert browser.post(reverse("news:change", args=[brief.pk]), TYPED).status_code == 403
    assert browser.get(WRITE).status_code == 403
