"""Over journeys that nobody planned: nothing leaves but what is declared, and the ledger says what was on the wire.

A tool that came from another hub may be given time: then what it asks for leaves too, marked as such, and never what
anybody had a say in.  What may leave is told here by a model of its own, which shares no line with the rules that it
watches.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from audit import keyring, releases
from audit.models import Event
from audit.types import SYSTEM, Action, Actor
from consent import services as consent_services
from consent.findings import selectors as findings
from consent.findings.types import Level
from consent.ledger import holdings
from consent.ledger import services as ledger
from consent.models import Disclosure, Objection, ProcessingPurpose, Restriction
from consent.modes import services as choosing
from consent.modes.types import Chosen
from consent.requests import services as requests
from consent.requests.types import Kind
from consent.selectors import forget_sheets
from consent.types import ALWAYS, ITEMS, Channel, Face, LegalBasis, Mode, Purpose, Sheet, SheetItem, face_of
from directory.models import Member
from idp.models import Tool
from idp.models.tools import forget_tools
from idp.services import keys
from tests.support.cast import AGENDA, FORMATION, LOUTY
from tests.support.oidc import Party, connect, sign_in

pytestmark = pytest.mark.django_db
SCOPES = ("profile", "email", "phone", "address", "groups")
API = "https://api.alizarine.example/"
# From 23:58 until what began before midnight is over.
MIDNIGHT = timedelta(minutes=8)
BASES = (LegalBasis.CONTRACT, LegalBasis.LEGITIMATE_INTEREST, LegalBasis.CONSENT)
EVERYTHING = set(ITEMS) - ALWAYS
SHEETS = {"louty": LOUTY, "formation": FORMATION, "agenda": AGENDA, "sans-fiche": None}

named = st.sets(st.sampled_from(sorted(ITEMS.keys() - ALWAYS)))
# A tool's next sheet: on which basis it asks for each item, if it asks for it at all.
declared = st.dictionaries(st.sampled_from(sorted(ITEMS.keys() - ALWAYS)), st.sampled_from(BASES), min_size=1)
steps = st.one_of(
    st.tuples(st.just("opens"), st.sets(st.sampled_from(SCOPES)), st.booleans()),
    st.tuples(st.just("answers"), named, st.booleans()),
    st.tuples(st.sampled_from(["reads", "reads", "introspects", "refreshes", "refuses", "is_withdrawn"])),
    st.tuples(st.just("chooses"), named),
    st.tuples(st.sampled_from(["is_objected_to", "is_forgiven"])),
    st.tuples(st.just("declares"), declared),
    st.tuples(st.sampled_from(["erases", "a_day_ends"])),
    st.tuples(st.just("is_given"), st.sampled_from(Mode), st.integers(0, 3)),
    st.tuples(st.sampled_from(["is_restricted", "is_free_again"])),
)
journeys = st.lists(st.tuples(st.sampled_from(sorted(SHEETS)), steps), min_size=5, max_size=30)


@dataclass
class Clock:
    now: datetime

    def __call__(self) -> datetime:
        return self.now

    def moves(self) -> bool:
        """Over midnight, then to the same minute of the evening; whether a whole day went by."""
        late = timezone.localtime(self.now).hour == 23
        self.now += MIDNIGHT if late else timedelta(days=1) - MIDNIGHT
        return not late


def sheet_of(bases) -> Sheet:
    purposes = [
        Purpose(f"Servir ({basis}).", basis, "Un an.", tuple(SheetItem(item, "Servir.") for item in sorted(named)))
        for basis in BASES
        if (named := [item for item, its in bases.items() if its == basis])
    ]
    return Sheet("Un traitement", tuple(purposes))


def items_in(claims) -> frozenset[str]:
    return frozenset(item.code for item in ITEMS.values() if set(item.claims) & set(claims))


@dataclass
class Told:
    """What the member has said of a tool so far, and what its sheet says."""

    sheet: Sheet | None
    settled: bool = False
    accepted: frozenset[str] = frozenset()
    objected: frozenset[str] = frozenset()
    # Until which day it gets what it asks for beside its sheet; what it never gets so.
    lenient_until: date | None = None
    never: frozenset[str] = frozenset()

    def under(self, face: Face) -> frozenset[str]:
        purposes = self.sheet.purposes if self.sheet else ()
        return frozenset(each.item for one in purposes if face_of(one.legal_basis) == face for each in one.items)

    @property
    def may_leave(self) -> frozenset[str]:
        if not self.settled:
            return ALWAYS
        optional = self.under(Face.CONSENT) & self.accepted
        return ALWAYS | self.under(Face.INFORMATION) | (self.under(Face.OBJECTION) - self.objected) | optional

    @property
    def declared(self) -> frozenset[str]:
        return frozenset(each.item for each in self.sheet.items) if self.sheet else frozenset()

    def warned(self, today: date) -> frozenset[str]:
        """What leaves besides, while the tool is given time."""
        if not self.settled or not self.sheet or self.lenient_until is None or today > self.lenient_until:
            return frozenset()
        return frozenset(EVERYTHING) - self.declared - self.never

    def says_no(self, items: Iterable[str]) -> None:
        self.never |= frozenset(items)


@dataclass
class World:
    """A member's browser, four tools, and whoever listens on the wire."""

    member: Member
    clock: "Clock"
    wire: Counter = field(default_factory=Counter)
    # How often something undeclared was seen to leave; whether the member's data is restricted.
    beside: int = 0
    is_kept: bool = False

    def __post_init__(self):
        self.browser = sign_in(self.member)
        self.reader = connect("api", resource_identifier=API)
        self.parties = {
            slug: connect(slug, scopes=" ".join(("openid", *SCOPES)), offline_access=True, resources=API)
            for slug in SHEETS
        }
        self.told = {slug: Told(None) for slug in SHEETS}
        Tool.objects.update(imported_on=timezone.localdate(self.clock.now))
        # The member answers and objects in all tools; here nobody looks at what they ask the office.
        consent_services.fill_register(now=self.clock.now)
        self.held, self.for_reader = {}, {}
        for slug, sheet in SHEETS.items():
            if sheet:
                self.declare(slug, sheet)

    def seen(self, slug, channel, claims) -> None:
        found, told = items_in(claims), self.told[slug]
        may = ALWAYS if self.is_kept else told.may_leave | told.warned(timezone.localdate(self.clock.now))
        assert found <= may, (slug, channel, found - may)
        assert not found & told.never - told.declared
        self.wire[self.parties[slug].tool.pk, channel, found] += 1
        if found - told.declared - ALWAYS:
            self.beside += 1

    def declare(self, slug, sheet) -> None:
        told = self.told[slug]
        consent_services.declare(tool_id=self.parties[slug].tool.pk, sheet=sheet, actor=SYSTEM, now=self.clock.now)
        if sheet != told.sheet:
            self.told[slug] = told = replace(told, sheet=sheet, settled=False)
            # On no other ground than an agreement, ever.
            told.says_no(told.under(Face.CONSENT))
        # An objection is over where another basis asks for the item; it waits where nothing does.
        told.objected -= told.under(Face.INFORMATION) | told.under(Face.CONSENT)

    # What can happen -------------------------------------------------------------------------------------------

    def opens(self, slug: str, scopes: set[str], at_reader: bool) -> None:
        party: Party = self.parties[slug]
        scope = " ".join(["openid", "offline_access", *sorted(scopes)])
        place = party.authorize(self.browser, scope=scope, resource=API if at_reader else None).get("Location", "")
        if "code=" not in place:
            return
        body = party.exchange(place.split("code=")[1].split("&")[0]).json()
        self.held[slug] = body
        self.receives(slug, body, at_reader)

    def receives(self, slug: str, body, at_reader: bool) -> None:
        self.for_reader[slug] = at_reader
        self.seen(slug, Channel.ID_TOKEN, self.parties[slug].claims(body["id_token"]))
        if at_reader:
            self.wire[self.reader.tool.pk, Channel.ACCESS_TOKEN, frozenset({"identifier"})] += 1

    def answers(self, slug: str, accepted: set[str], objecting: bool) -> None:
        """On the page that the tool's opening shows."""
        page = self.parties[slug].authorize(self.browser, scope=f"openid {' '.join(SCOPES)}", prompt="consent")
        fields = dict(re.findall(r'name="(request|notice)" value="([^"]*)"', page.content.decode()))
        if len(fields) < 2:
            return
        told, against = self.told[slug], self.purpose(slug) if objecting else None
        form = {**fields, "answer": "accept", "items": sorted(accepted)}
        said = self.browser.post("/oidc/consent", {**form, **({"objections": against.pk} if against else {})})
        assert said.status_code == 303
        told.settled, told.accepted = True, frozenset(accepted)
        if against:
            told.objected |= {each.item for each in against.items.all()}
        told.says_no(told.objected)

    def refuses(self, slug: str) -> None:
        page = self.parties[slug].authorize(self.browser, scope=f"openid {' '.join(SCOPES)}", prompt="consent")
        fields = dict(re.findall(r'name="(request|notice)" value="([^"]*)"', page.content.decode()))
        if len(fields) < 2:
            return
        self.browser.post("/oidc/consent", {**fields, "answer": "refuse"})
        told = self.told[slug]
        told.says_no(told.declared)
        if told.under(Face.CONSENT):
            told.settled = False

    def reads(self, slug: str) -> None:
        if slug in self.held:
            answer = self.parties[slug].userinfo(self.held[slug]["access_token"])
            if answer.status_code == 200:
                self.seen(slug, Channel.USERINFO, answer.json())

    def refreshes(self, slug: str) -> None:
        if slug in self.held:
            answer = self.parties[slug].refresh(self.held[slug]["refresh_token"])
            if answer.status_code == 200:
                self.held[slug] = answer.json()
                self.receives(slug, self.held[slug], self.for_reader[slug])

    def introspects(self, slug: str) -> None:
        """Who a token is about, and nothing else that is in the catalogue."""
        if slug in self.held:
            reader = self.reader if self.for_reader[slug] else self.parties[slug]
            told = reader.post("/oidc/introspect", {"token": self.held[slug]["access_token"], **reader.credentials()})
            found = items_in(told.json())
            assert found == ({"identifier"} if told.json()["active"] else set())
            if found:
                self.wire[reader.tool.pk, Channel.INTROSPECTION, found] += 1

    def is_withdrawn(self, slug: str) -> None:
        self.browser.post(f"/outils/{slug}/retrait/")
        if self.told[slug].under(Face.CONSENT):
            self.told[slug].settled = False

    def chooses(self, slug: str, accepted: set[str]) -> None:
        told, sheet = self.told[slug], self.sheet(slug)
        if sheet and told.settled and told.under(Face.CONSENT):
            self.browser.post(f"/mes-donnees/choix/{sheet.notice.pk}/", {"items": sorted(accepted)})
            told.accepted = frozenset(accepted)

    def is_objected_to(self, slug: str) -> None:
        if purpose := self.purpose(slug):
            self.browser.post(f"/mes-donnees/opposition/{purpose.pk}/")
            self.told[slug].objected |= {each.item for each in purpose.items.all()}
            self.told[slug].says_no(self.told[slug].objected)

    def is_forgiven(self, slug: str) -> None:
        objections = Objection.objects.filter(tool=self.parties[slug].tool, ended_at=None)
        for objection in objections:
            self.browser.post(f"/mes-donnees/opposition/{objection.pk}/retirer/")
        self.told[slug].objected = frozenset()

    def declares(self, slug: str, bases) -> None:
        self.declare(slug, sheet_of(bases))

    def is_given(self, slug: str, mode: Mode, days: int) -> None:
        """Time, or none any more; only tools with a sheet are."""
        today, tool = timezone.localdate(self.clock.now), self.parties[slug].tool
        until = None if mode == Mode.ENFORCE else today + timedelta(days=days)
        if until and not self.told[slug].sheet:
            return
        choosing.choose(
            tool_id=tool.pk,
            chosen=Chosen(mode, until),
            reason="L’éditeur corrige.",
            imported_on=today,
            actor=SYSTEM,
            now=self.clock.now,
        )
        self.told[slug].lenient_until = until

    def is_restricted(self, _slug: str) -> None:
        if not self.is_kept:
            request = requests.make(
                member_id=self.member.pk,
                kind=Kind.RESTRICTION,
                text="Le temps de vérifier.",
                tool_id=None,
                language="fr",
                actor=Actor(self.member.pk),
                now=self.clock.now,
            )
            requests.restrict(of=request, text="Le temps de vérifier.", actor=SYSTEM, now=self.clock.now)
            self.is_kept = True

    def is_free_again(self, _slug: str) -> None:
        Restriction.objects.filter(ended_at=None).update(ended_at=self.clock.now)
        self.is_kept = False

    def erases(self, slug: str) -> None:
        ledger.confirm_erasure(
            member_id=self.member.pk,
            tool_id=self.parties[slug].tool.pk,
            actor=Actor(self.member.pk),
            now=self.clock.now,
        )

    def a_day_ends(self, slug: str) -> None:
        """Tokens outlive midnight, and sessions do not outlive the day after it."""
        if self.clock.moves():
            keys.ensure_keys(now=self.clock.now)
            self.browser = sign_in(self.member)
        ledger.close_days(now=self.clock.now)

    def sheet(self, slug: str):
        return self.parties[slug].tool.processings.filter(ended_at=None).first()

    def purpose(self, slug: str) -> ProcessingPurpose | None:
        found = ProcessingPurpose.objects.filter(
            processing=self.sheet(slug), legal_basis=LegalBasis.LEGITIMATE_INTEREST
        )
        return found.first() if self.sheet(slug) else None


def on_the_ledger() -> Counter:
    counted: Counter = Counter()
    for row in Disclosure.objects.all():
        counted[row.tool_id, row.channel, frozenset(row.items)] += row.count
    return counted


def lived(member: Member, journey) -> World:
    """What is on the wire is what may leave, and what the ledger has; then it is as if nothing had been."""
    clock = Clock(timezone.localtime().replace(hour=23, minute=58))
    with transaction.atomic(), patch("django.utils.timezone.now", clock):
        for forget in (forget_sheets, forget_tools, keyring.forget, releases.forget):
            forget()
        world = World(member, clock)

        for slug, (step, *how) in journey:
            getattr(world, step)(slug, *how)

        assert on_the_ledger() == world.wire
        assert Event.objects.filter(action=Action.DISCLOSED).count() == Disclosure.objects.count()
        assert holdings.differences() == {}
        found = findings.findings(now=clock.now)
        assert [each for each in found if each.level == Level.ALARM] == []
        by_mode = [each for each in found if each.level in (Level.WARNED, Level.OBSERVED)]
        assert sum(each.count for each in by_mode) == world.beside
        ledger.close_days(now=clock.now + timedelta(days=1))
        assert on_the_ledger() == world.wire
        transaction.set_rollback(True)
    return world


OPEN = ("opens", set(SCOPES), False)
SHORTER = ("declares", {"name": LegalBasis.CONTRACT})


def at(slug: str, *steps: tuple[Any, ...]) -> list[tuple[str, tuple[Any, ...]]]:
    return [(slug, step) for step in steps]


GIVEN_TIME = [
    # What it asks for leaves, identity token and userinfo alike.
    *at("formation", ("answers", EVERYTHING, False), ("is_given", Mode.WARN, 1), OPEN, ("reads",)),
    *at("sans-fiche", ("is_given", Mode.WARN, 1)),
    # What was on its sheet by contract leaves too; what was there for those who agree does not, whatever they said.
    *at("formation", SHORTER, ("reads",), ("answers", set(), False), OPEN, ("reads",)),
    # Nothing of somebody whose data is restricted.
    *at("formation", ("is_restricted",), ("reads",), ("is_free_again",)),
    # What was objected to stays back, when no sheet speaks of it any more too.
    *at("agenda", ("answers", set(), True), SHORTER, ("answers", set(), False)),
    *at("agenda", ("is_given", Mode.OBSERVE, 3), OPEN, ("is_forgiven",), ("reads",)),
    # Back to the sheet in one click; and by itself, once the last day is over.
    *at("agenda", ("is_given", Mode.ENFORCE, 0), ("reads",), OPEN, ("introspects",)),
    *at("formation", ("a_day_ends",), OPEN, ("reads",), ("a_day_ends",), ("a_day_ends",)),
    *at("formation", OPEN, ("reads",), ("refreshes",)),
]


@pytest.mark.gdpr("G7")
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(journey=journeys)
@example(
    journey=[
        ("formation", ("answers", EVERYTHING, False)),
        *[("formation", step) for step in (OPEN, ("reads",), ("reads",), ("a_day_ends",), ("reads",))],
        *[("formation", step) for step in (("chooses", {"trade"}), ("reads",), ("is_withdrawn",), ("reads",))],
        *[("formation", step) for step in (("answers", set(), False), OPEN, ("refreshes",), ("introspects",))],
        *[("agenda", step) for step in (("answers", set(), True), OPEN, ("reads",), ("is_forgiven",), ("reads",))],
        *[("agenda", step) for step in (("is_objected_to",), ("refreshes",), ("reads",), ("erases",), ("reads",))],
        ("agenda", ("declares", {"email": LegalBasis.CONTRACT, "phone": LegalBasis.CONSENT})),
        *[("agenda", step) for step in (("reads",), ("answers", EVERYTHING, False), ("reads",))],
        *[("louty", step) for step in (("answers", set(), False), ("opens", set(SCOPES), True), ("introspects",))],
        *[("louty", step) for step in (("refreshes",), ("refuses",), ("reads",))],
        *[("sans-fiche", step) for step in (OPEN, ("reads",), ("introspects",), ("is_withdrawn",), ("reads",))],
    ]
)
@example(journey=GIVEN_TIME)
def test_what_leaves_is_declared_and_the_ledger_counts_it_by_the_names_of_items(signing_key, member, journey):
    lived(member, journey)


@pytest.mark.gdpr("G7")
@pytest.mark.parametrize(("steps", "left"), [(4, 2), (5, 2), (10, 4), (13, 4), (20, 6), (24, 6), (27, 8), (32, 8)])
def test_what_leaves_besides_is_seen_to_leave_while_a_tool_is_given_time(signing_key, member, steps, left):
    assert lived(member, GIVEN_TIME[:steps]).beside == left
