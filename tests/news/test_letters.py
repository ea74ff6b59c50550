"""Letters of a collective: seen and tried before, sent once to those they were shown for, ended by each."""

import json
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.models import Event
from audit.sealing import unseal
from audit.types import Action, Actor
from collectives.models import Follow
from directory.models import Collective, Member, Membership
from directory.signals import members_erased
from directory.types import Hold, MailState
from idp.models import OutgoingMail
from idp.services.accounts import mails
from idp.types import OutgoingState
from news import letters
from news.letters import A_SECOND, LETTERS_A_DAY, TRIALS_A_DAY
from news.models import Delivery, Letter, Mute
from news.types import NewsRefused
from tests.support.cast import make_member
from tests.support.oidc import sign_in

pytestmark = pytest.mark.django_db
TYPED = {"collective": "bois", "subject": "Assemblée", "text": "Bonjour,\nsamedi à 10 h."}


@pytest.fixture
def follower(wood) -> Member:
    person = make_member("fanny.x", "Fanny X")
    Follow.objects.create(member=person, collective=wood, since=timezone.now())
    return person


@pytest.fixture
def draft(wood, lead):
    def made(**more) -> Letter:
        content = letters.Content(**{"subject": "Assemblée", "text": "Samedi à 10 h."} | more)
        return letters.write(collective=wood, content=content, actor=Actor(lead.pk), now=timezone.now())

    return made


def send(letter, expected=1, now=None):
    return letters.send(
        letter_id=letter.pk, expected=expected, actor=Actor(letter.author_id), now=now or timezone.now()
    )


def posted():
    rows = OutgoingMail.objects.filter(kind="letter").order_by("pk")
    return [json.loads(unseal(bytes(row.sealed), purpose=mails.PURPOSE)) for row in rows]


def test_a_lead_writes_sees_tries_and_sends(lead, insider, outsider):
    browser = sign_in(lead)

    page = browser.post(reverse("news:letter_write"), TYPED, follow=True)
    letter = Letter.objects.get()
    html = page.content.decode()
    assert "samedi à 10 h." in html
    assert "Envoyer à 1 personne" in html
    assert not OutgoingMail.objects.exists()

    browser.post(reverse("news:letter_try", args=[letter.pk]))
    assert [each["to"] for each in posted()] == [lead.email]
    assert Letter.objects.get().sent_at is None

    browser.post(reverse("news:letter_send", args=[letter.pk]), {"to": "1"})
    trial, sent = posted()
    assert (sent["to"], sent["subject"]) == (insider.email, "Assemblée")
    assert "Léa X vous écrit au nom de « Pôle bois ».\n\n> Bonjour,\n> samedi à 10 h.\n\n-- \n" in sent["body"]
    assert "Léa X vous écrit au nom de « Pôle bois »" in sent["body"]
    assert sent["unsubscribe"] in sent["body"]
    assert "unsubscribe" not in trial
    assert sent["reply_to"] == ""
    assert lead.email not in sent["body"]
    page = browser.get(reverse("news:letter", args=[letter.pk])).content.decode()
    assert 'id="state"' in page
    assert 'id="send-form"' not in page


def test_the_journal_says_who_wrote_to_how_many_and_no_word_of_it(lead, insider, draft):
    letter = draft(subject="Canari", text="Perruche")
    send(letter)

    line = Event.objects.get(action=Action.LETTER_SENT)
    assert line.told["recipients"] == 1
    assert line.told["collective"] == str(letter.collective_id)
    lines = str([each.told for each in Event.objects.all()])
    assert "Canari" not in lines
    assert "Perruche" not in lines


def test_it_goes_to_followers_only_where_that_was_chosen(insider, follower, draft):
    send(draft())
    assert [each["to"] for each in posted()] == [insider.email]

    send(draft(to_followers=True), expected=2)
    assert {each["to"] for each in posted()[1:]} == {insider.email, follower.email}


@pytest.mark.gdpr("G13")
def test_a_sensitive_collective_writes_to_no_follower(wood, insider, follower, draft):
    letter = draft(to_followers=True)
    Collective.objects.filter(pk=wood.pk).update(sensitive=True)

    send(letter)

    assert [each["to"] for each in posted()] == [insider.email]
    assert wood.name not in posted()[0]["body"]
    page = Client().get(urlsplit(posted()[0]["unsubscribe"]).path)
    assert page.status_code == 200
    assert wood.name not in page.content.decode()


def test_whoever_is_suspended_or_has_no_address_of_their_own_gets_none(wood, insider, draft):
    for login, values in (("a.x", {"hold": Hold.SUSPENDED}), ("b.x", {"email_state": MailState.SHARED})):
        Membership.objects.create(collective=wood, member=make_member(login, f"{login} X", **values))

    letter = draft()
    send(letter, expected=2)

    letter.refresh_from_db()
    assert [each["to"] for each in posted()] == [insider.email]
    assert (letter.recipients, letter.without_address) == (1, 1)


def test_it_is_sent_once(insider, draft):
    letter = draft()
    send(letter)

    with pytest.raises(NewsRefused, match="letter_sent"):
        send(letter)
    with pytest.raises(NewsRefused, match="letter_sent"):
        letters.change(
            letter_id=letter.pk, content=letters.Content("x", "y"), actor=Actor(letter.author_id), now=timezone.now()
        )
    assert len(posted()) == 1


def test_it_does_not_go_to_others_than_were_shown(wood, lead, insider, draft):
    letter = draft()
    Membership.objects.create(collective=wood, member=make_member("new.x", "Nouveau X"))

    answer = sign_in(lead).post(reverse("news:letter_send", args=[letter.pk]), {"to": "1"}, follow=True)

    assert "vient de changer" in answer.content.decode()
    assert posted() == []
    line = Event.objects.get(action=Action.LETTER_SENT)
    assert (line.refused, line.reason) == (True, "others_than_shown")


@pytest.mark.parametrize("shown", ["", "x", "-1", "9" * 30, "١"])
def test_a_count_that_is_none_sends_nothing(lead, insider, draft, shown):
    letter = draft()

    assert sign_in(lead).post(reverse("news:letter_send", args=[letter.pk]), {"to": shown}).status_code == 303
    assert posted() == []


def test_a_collective_writes_a_few_times_a_day_and_the_refusal_is_recorded(insider, draft):
    now = timezone.now()
    for _each in range(LETTERS_A_DAY):
        send(draft(), now=now)
    one_more = draft()

    with pytest.raises(NewsRefused, match="too_many_letters"):
        send(one_more, now=now + timedelta(hours=23))
    assert Event.objects.get(action=Action.LETTER_SENT, refused=True).reason == "too_many_letters"

    send(one_more, now=now + timedelta(hours=25))
    assert len(posted()) == LETTERS_A_DAY + 1


def test_trials_have_an_end(lead, draft):
    letter, now = draft(), timezone.now()
    for _each in range(TRIALS_A_DAY):
        letters.try_out(letter_id=letter.pk, member=lead, now=now)

    with pytest.raises(NewsRefused, match="too_many_trials"):
        letters.try_out(letter_id=letter.pk, member=lead, now=now)


def test_a_letter_to_many_lets_other_mails_pass(wood, draft):
    for number in range(2 * A_SECOND + 1):
        Membership.objects.create(collective=wood, member=make_member(f"m{number}.x", f"M{number} X"))
    now = timezone.now()

    send(draft(), expected=2 * A_SECOND + 1, now=now)

    due = OutgoingMail.objects.filter(kind="letter", next_at__lte=now)
    assert due.count() == A_SECOND
    assert OutgoingMail.objects.latest("next_at").next_at == now + timedelta(seconds=2)


def test_what_became_of_it_is_counted_and_nobody_is_named(lead, insider, wood, draft):
    others = [make_member(f"m{number}.x", f"M{number} X") for number in range(2)]
    Membership.objects.bulk_create(Membership(collective=wood, member=each) for each in others)
    letter = draft()
    send(letter, expected=3)
    left, lost, _waits = OutgoingMail.objects.order_by("pk")
    OutgoingMail.objects.filter(pk=left.pk).update(state=OutgoingState.SENT)
    OutgoingMail.objects.filter(pk=lost.pk).update(state=OutgoingState.FAILED)

    assert letters.state_of(letter) == letters.State(waiting=1, sent=1, failed=1)
    page = sign_in(lead).get(reverse("news:letter", args=[letter.pk])).content.decode()
    assert not any(each.display_name in page for each in (insider, *others))


def test_another_collectives_letters_are_closed_to_a_lead(lead, draft):
    other = Collective.objects.create(entry_uuid=uuid4(), name="Autre", slug="autre")
    content = letters.Content("Objet", "Texte")
    theirs = letters.write(collective=other, content=content, actor=Actor(lead.pk), now=timezone.now())
    browser = sign_in(lead)

    for route in ("letter", "letter_change"):
        assert browser.get(reverse(f"news:{route}", args=[theirs.pk])).status_code == 403
    for route in ("letter_change", "letter_try", "letter_send", "letter_drop"):
        assert browser.post(reverse(f"news:{route}", args=[theirs.pk]), {**TYPED, "to": "0"}).status_code == 403
        assert Event.objects.filter(action=Action.ACCESS_REFUSED).latest("pk").told["page"] == f"news:{route}"
    assert browser.post(reverse("news:letter_write"), {**TYPED, "collective": "autre"}).status_code == 422
    assert posted() == []


def test_a_draft_can_be_dropped(lead, draft):
    letter = draft()

    sign_in(lead).post(reverse("news:letter_drop", args=[letter.pk]))

    assert not Letter.objects.exists()


def test_answers_go_to_the_lead_only_where_they_chose_so(lead, insider, draft):
    send(draft(gives_address=True))

    assert posted()[0]["reply_to"] == lead.email


# Wanting none -------------------------------------------------------------------------------------------------------


@pytest.fixture
def ends(insider, draft) -> str:
    """The path that ends them, from a mail."""
    send(draft())
    return urlsplit(posted()[0]["unsubscribe"]).path


@pytest.mark.spec("RFC 8058", "3.2")
def test_one_post_ends_the_letters_of_this_collective_and_of_no_other(ends, insider, wood, draft):
    program = Client(enforce_csrf_checks=True)
    assert 'id="mute-form"' in program.get(ends).content.decode()
    assert not Mute.objects.exists()

    assert program.post(ends, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert program.post(ends, {"List-Unsubscribe": "One-Click"}).status_code == 200

    assert [(each.member_id, each.collective_id) for each in Mute.objects.all()] == [(insider.pk, wood.pk)]
    assert str(insider.pk) not in ends
    assert Event.objects.get(action=Action.LETTERS_MUTED).subject_id == insider.pk
    assert letters.recipients(draft()).count() == 0


def test_an_address_that_was_made_up_ends_nothing(ends):
    number, _, rest = ends.rstrip("/").rpartition("/")[2].partition(":")

    for token in (f"{int(number) + 1}:{rest}", f"{number}:x", "x"):
        assert Client().post(reverse("news:mute", args=[token])).status_code == 404
    assert not Mute.objects.exists()


def test_a_member_takes_letters_again(ends, insider, wood):
    Client().post(ends)
    browser = sign_in(insider)
    assert 'id="muted"' in browser.get(reverse("news:receive")).content.decode()

    browser.post(reverse("news:unmute", args=[wood.slug]))

    assert not Mute.objects.exists()
    assert Event.objects.filter(action=Action.LETTERS_HEARD).count() == 1


def test_all_of_it_goes_with_the_member(ends, insider, lead):
    Client().post(ends)

    members_erased.send(sender=None, member_ids=[insider.pk, lead.pk], named=[], now=timezone.now())

    assert not Mute.objects.exists()
    assert not Delivery.objects.exists()
    assert Letter.objects.get().author_id is None
