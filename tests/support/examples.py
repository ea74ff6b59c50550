"""One thing of each kind in a demonstration, so that each page about one thing has something to show.

Runs inside the hub's settings, called beside a running demonstration: ``furnish``.
"""

import time
from datetime import datetime, timedelta
from io import BytesIO
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from PIL import Image

from audit.keeping import holds
from audit.types import Actor
from consent import selectors as sheets
from consent import services as consents
from consent.contracts import policy as contract_policy
from consent.contracts import services as contracts
from consent.contracts.types import Further, Point, Terms, Text
from consent.erasures import services as erasure_sheets
from consent.erasures.types import Ground
from consent.incidents import services as incidents
from consent.incidents.types import Facts, Nature
from consent.ledger import services as ledger
from consent.models import Processing
from consent.register import policy as register_policy
from consent.register import selectors as register
from consent.register.models import RegisterRecord
from consent.requests import services as requests
from consent.requests.types import Kind, Upload
from consent.types import ALWAYS, Channel, Disclosed
from demo.run import ACCOUNTS
from demo.slapd import EmbeddedDirectory
from directory.models import Collective, Member, SyncRun
from directory.types import Hold, RunStatus
from idp.models import Tool
from idp.services import admissions, erasures
from idp.services.accounts import invitations
from news import digests, letters
from news import services as news
from news.types import Audience, Rhythm
from tests.support.demo import Demo

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


# More than three of a hundred at once, which is what a directory loses without a word.
GONE = 15


def furnish(demo: Demo) -> None:
    """And people are taken out of the directory: so many that a person has to decide."""
    gone = run(demo, "make()").splitlines()
    server = EmbeddedDirectory(demo.data / "slapd")
    server.port = urlsplit(demo.told["ldap"]["uri"]).port or 0
    server.modify("".join(f"dn: {dn}\nchangetype: delete\n\n" for dn in gone))
    run(demo, "wait_until_held()")


def run(demo: Demo, call: str) -> str:
    return demo.manage("shell", "-v", "0", "-c", f"from tests.support import examples; examples.{call}")


def wait_until_held() -> None:
    """The worker hears of it by itself."""
    for _ in range(120):
        if SyncRun.objects.filter(status=RunStatus.HELD).exists():
            return
        time.sleep(0.5)
    raise AssertionError("the directory was not read")


def make() -> None:
    """Prints who may go."""
    now = timezone.now()
    people = {role: Member.objects.get(login=login) for role, login, *_ in ACCOUNTS}
    _of_a_member(people["member"], now)
    _of_a_lead(people["lead"], now)
    _of_the_office(people, now)
    _of_the_officer(people, now)
    for member in _strangers_to_it(people).order_by("display_name")[:GONE]:
        print(member.dn)


def _of_a_member(member: Member, now: datetime) -> None:
    """An agreement; a request for data, answered with a file; another for a tool; news by mail."""
    tool = Tool.objects.get(slug="formation")
    terms = sheets.terms(tool.pk)
    assert terms is not None
    consents.answer(
        member_id=member.pk,
        tool_id=tool.pk,
        notice_id=terms.notice,
        accepted=frozenset({"trade"}),
        actor=Actor(member.pk),
        language="fr",
        now=now,
    )
    _tell(member, tool, now)
    asked = requests.make(
        member_id=member.pk,
        kind=Kind.ACCESS,
        text="Tout ce que la coopérative sait de moi.",
        tool_id=None,
        actor=Actor(member.pk),
        language="fr",
        now=now,
    )
    officer = Member.objects.get(login="mireille.vidal")
    files = [Upload("mes-contrats.pdf", "application/pdf", PDF)]
    requests.answer(of=asked, text="Voici ce que nous savons de vous.", files=files, actor=Actor(officer.pk), now=now)
    board = Tool.objects.get(slug="assemblee")
    admissions.ask(member=member, tool=board, reason="Je tiens le secrétariat cette année.", now=now)
    digests.choose(member_id=member.pk, rhythm=Rhythm.DAILY, actor=Actor(member.pk), now=now - timedelta(days=2))


def _of_a_lead(lead: Member, now: datetime) -> None:
    """A collective that they may change, with news in a picture, a letter, and one that left."""
    led = Collective.objects.filter(leads=lead, present=True).order_by("order_key").first()
    assert led is not None
    drawn = BytesIO()
    Image.new("RGB", (640, 360), "#8fb3a3").save(drawn, "PNG")
    content = news.Content(
        "Le four à pain est réparé",
        "Il chauffe **tous les mardis**. Apportez votre pâte.",
        Audience.EVERYBODY,
        is_draft=False,
        since=now - timedelta(hours=1),
        until=now + timedelta(days=30),
        picture=drawn.getvalue(),
        picture_alt="Le four, ouvert",
    )
    news.write(collective=led, content=content, actor=Actor(lead.pk), now=now)
    draft = letters.Content("Assemblée du pôle", "Samedi à 10 h, **à l’atelier**.", to_followers=True)
    letters.write(collective=led, content=draft, actor=Actor(lead.pk), now=now)
    sent = letters.write(
        collective=led, content=letters.Content("Le four", "Il chauffe."), actor=Actor(lead.pk), now=now
    )
    letters.send(letter_id=sent.pk, expected=letters.recipients(sent).count(), actor=Actor(lead.pk), now=now)
    digests.send_due(now=now)


def _of_the_office(people: dict[str, Member], now: datetime) -> None:
    """Somebody who was invited, and somebody who left, of whom a tool must forget everything."""
    invited, left = _strangers_to_it(people).order_by("-display_name")[:2]
    invitations.invite(member_id=invited.pk, actor=Actor(people["office"].pk), now=now)
    _tell(left, Tool.objects.get(slug="formation"), now)
    Member.objects.filter(pk=left.pk).update(hold=Hold.LEFT, hold_since=now)
    run = erasure_sheets.ask(
        actor=Actor(people["dpo"].pk), member_id=left.pk, tool_id=None, now=now, ground=Ground.WITHDRAWN
    )
    erasures.approve(run_id=run.pk, actor=Actor(people["office"].pk), now=now)


def _strangers_to_it(people: dict[str, Member]) -> QuerySet[Member]:
    """Who never came, and has no part in anything here."""
    never = Member.objects.active().filter(email_state="ok", hub_sessions=None, role_grants=None, leads=None)
    return never.exclude(pk__in=[each.pk for each in people.values()])


def _of_the_officer(people: dict[str, Member], now: datetime) -> None:
    """A breach with its count, a contract with its text, a sheet that nobody needs, and what must not go yet."""
    officer = Actor(people["dpo"].pk)
    louty, training = Tool.objects.get(slug="louty"), Tool.objects.get(slug="formation")
    facts = Facts(
        title="Ordinateur volé dans le train",
        natures=(Nature.CONFIDENTIALITY,),
        aware=now - timedelta(hours=2),
        hours=72,
        happened="Sac volé, avec une session ouverte.",
    )
    reference = incidents.open_incident(facts=facts, actor=officer, now=now)
    # A day for which the ledger is written while nobody waits for it.
    until = now + timedelta(minutes=1)
    incidents.ask(
        reference=reference, tool_id=training.pk, since=now - timedelta(days=1), until=now, actor=officer, now=until
    )
    record = RegisterRecord.objects.get(tool=louty)
    (recipient,) = contract_policy.processors(register_policy.content_of(register.last(record).content))
    terms = Terms(held=tuple(Point), explained={}, further=(Further("Serveurs du Canal", "France", "Hébergement"),))
    contracts.keep(
        of=record,
        recipient=recipient,
        terms=terms,
        text=Text("contrat.pdf", PDF),
        version=0,
        actor=officer,
        now=now,
    )
    # What ``import_tools`` notes of a tool that comes from another hub.
    Tool.objects.filter(slug="essai-deux").update(imported_on=timezone.localdate(now))
    unused = Processing.objects.filter(ended_at=None, tool__slug="essai-un")
    unused.update(started_at=now - timedelta(days=100))
    holds.put(actor=officer, person=people["member"].pk, why="Un litige est en cours.", now=now)


def _tell(member: Member, tool: Tool, now: datetime) -> None:
    """What the tool was told of them, as if it had asked."""
    asked = frozenset({"name", "email"})
    release = sheets.release(member.pk, tool.pk, asked)
    with transaction.atomic():
        ledger.disclose([Disclosed(member.pk, tool.pk, Channel.USERINFO, asked | ALWAYS, release)], now=now)
