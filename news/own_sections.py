"""What the news hold of a member, for the file they take with them."""

from collections.abc import Iterator
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from consent.own.sections import moment, text_of
from consent.own.types import Part, Row, Section
from directory.models import Member
from news import selectors
from news.models import Brief, Dismissal, FeedLink, Letter, Mute, Subscription
from news.types import Rhythm


def _written(person: UUID) -> Iterator[Row]:
    """Others may have written it anew since, in a collective whose brèves this person reads no more."""
    readable = _readable(person)
    for row in Brief.objects.filter(author_id=person).select_related("collective").defer("picture").order_by("pk"):
        if row.pk not in readable and row.changed_at != row.written_at:
            told = {"written_at": text_of(row.written_at), "readable": False}
            said = gettext("{day} : une brève modifiée depuis, que vous ne pouvez plus lire.")
            yield Row(told, said.format(day=moment(row.written_at)))
            continue
        told = {
            "collective": row.collective.slug if row.collective else "",
            "title": row.title,
            "text": row.text,
            "written_at": text_of(row.written_at),
        }
        yield Row(told, row.title)


def _put_aside(person: UUID) -> Iterator[Row]:
    readable = _readable(person)
    rows = Dismissal.objects.filter(member_id=person).order_by("pk")
    for brief, title in rows.values_list("brief", "brief__title"):
        if brief in readable:
            yield Row({"title": title}, title)
        else:
            yield Row({"readable": False}, gettext("Une brève que vous ne pouvez plus lire."))


def _readable(person: UUID) -> set[int]:
    """The brèves that reach them at this moment, or that they may still change."""
    member, now = Member.objects.get(pk=person), timezone.now()
    found = (selectors.reaching(member, now), selectors.written(member, now))
    return {number for rows in found for number in rows.values_list("pk", flat=True)}


def _feeds(person: UUID) -> Iterator[Row]:
    rows = FeedLink.objects.filter(member_id=person).select_related("collective").order_by("pk")
    for row in rows:
        yield Row({"collective": row.collective.slug, "made_at": text_of(row.made_at)}, row.collective.name)


def _by_mail(person: UUID) -> Iterator[Row]:
    for row in Subscription.objects.filter(member_id=person):
        yield Row({"rhythm": row.rhythm}, row.get_rhythm_display())


def _letters(person: UUID) -> Iterator[Row]:
    for row in Letter.objects.filter(author_id=person).select_related("collective").order_by("pk"):
        told = {"collective": row.collective.slug, "subject": row.subject, "text": row.text}
        yield Row({**told, "sent_at": text_of(row.sent_at)}, row.subject)


def _muted(person: UUID) -> Iterator[Row]:
    for row in Mute.objects.filter(member_id=person).select_related("collective").order_by("pk"):
        yield Row({"collective": row.collective.slug}, row.collective.name)


SECTIONS = (
    Section("briefs", _("Les brèves que j’ai écrites"), _written, place=73),
    Section("briefs_put_aside", _("Les brèves masquées"), _put_aside, place=74),
    Section("news_feeds", _("Mes adresses de flux"), _feeds, place=75),
    Section("news_by_mail", _("Les brèves par courrier"), _by_mail, place=76),
    Section("letters_written", _("Les lettres que j’ai écrites"), _letters, place=77),
    Section("letters_muted", _("Les collectifs dont je ne veux plus de lettres"), _muted, place=78),
)


def _rhythm(person: UUID) -> dict[str, str]:
    row = Subscription.objects.filter(member_id=person).exclude(rhythm=Rhythm.NEVER).first()
    return {"rhythm": row.rhythm} if row else {}


GIVEN = (Part("news_by_mail", _("Le rythme auquel vous recevez les brèves"), "hub-collectifs", _rhythm, place=61),)
