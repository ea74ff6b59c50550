"""The outbox of mails: written with the change that they tell of, sent by the worker, retried and visibly given up.

A mail may hold a link that opens an account: its text is sealed while it waits, and gone once it has left.
"""

import json
import logging
import re
import time
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from smtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import get_connection
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import translation

from audit.sealing import InvalidToken, seal, unseal
from audit.services import record
from audit.types import Action, Entry
from branding import selectors as branding
from directory.models import Member
from directory.types import MailState
from idp.models import AccountLink, OutgoingMail
from idp.services.accounts import letters
from idp.types import MailKind, OutgoingState

log = logging.getLogger("idp.mails")

PURPOSE = "trousseau outgoing mail"
KEPT = timedelta(days=3)
BACK_OFF = tuple(timedelta(seconds=s) for s in (15, 60, 300, 900, 3600, 3 * 3600))
# Longer than a turn and the longest call; a worker killed while sending leaves the rows due again after it.
LEASE = timedelta(minutes=2)
# As many in one turn, and for as long, as leave the worker's other jobs their time: endings wait for no slow server.
AT_ONCE, TURN = 20, timedelta(seconds=10)
# Written to whoever has a charge, not to whoever has an account: the signature says so.
FOR_STAFF = frozenset(
    {
        "absence_office",
        "alarm_office",
        "checkpoints",
        "contradiction",
        "departure_office",
        "destruction_proposed",
        "directory_alarm",
        "erasure_asked",
        "recovery_to_decide",
        "request_officer",
        "request_reminder",
        "role_office",
        "role_reminder_office",
    }
)


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a mail."""

    name: str
    media_type: str
    content: bytes


def address_of(member: Member) -> str:
    """Where this member's mails go: the directory's address, where it is one person's."""
    return member.email if member.email_state == MailState.OK else ""


def language_of(member: Member) -> str:
    """The member's language where the hub speaks it, else the hub's own."""
    wanted = member.language.partition("-")[0].lower()
    return wanted if wanted in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE


def queue(
    *,
    kind: MailKind,
    template: str,
    member: Member,
    now: datetime,
    context: Mapping[str, Any] | None = None,
    link: AccountLink | None = None,
    address: str = "",
    kept: timedelta = KEPT,
) -> OutgoingMail | None:
    """Put a mail into the outbox, inside the caller's transaction; nothing where there is no address to send it to.

    ``template`` names ``idp/mail/<template>.txt``, whose first line is the subject; it is written in the member's
    language.  ``context`` may hold a link: the text is sealed.  ``kept`` is how long it is worth sending.
    """
    subject, body = rendered(template, member, context or {})
    return queue_text(
        kind=kind, member=member, subject=subject, body=body, now=now, link=link, address=address, kept=kept
    )


def rendered(
    template: str, member: Member | None, context: Mapping[str, Any], *, language: str = ""
) -> tuple[str, str]:
    """Subject and text of a mail, as the member would get it: also what the office sees beforehand.

    Without a member, it is written in the hub’s language.
    """
    spoken = language or (language_of(member) if member else settings.LANGUAGE_CODE)
    known = {
        "member": member,
        "cooperative": branding.cooperative(spoken),
        "office_contact": settings.OFFICE_CONTACT,
        "dpo_contact": settings.DPO_CONTACT,
        "origin": settings.ORIGIN,
        **context,
    }
    with translation.override(spoken):
        text = render_to_string(f"idp/mail/{template}.txt", known).strip()
    subject, _line, body = text.partition("\n")
    return subject.strip(), signed(body, template, known, language=spoken)


def signed(body: str, template: str, context: Mapping[str, Any], *, language: str) -> str:
    """The text with what ends every mail: whose it is, why it is sent, and where the hub stands."""
    known = {
        "cooperative": branding.cooperative(language),
        "origin": settings.ORIGIN,
        **context,
        "template": template,
        "for_staff": FOR_STAFF,
    }
    with translation.override(language):
        signature = render_to_string("idp/mail/signature.txt", known).strip()
    # What a condition of the template left empty is no paragraph.
    plain = re.sub(r"\n{3,}", "\n\n", body.strip())
    return f"{plain}{letters.SIGNATURE}{signature}\n"


def queue_text(
    *,
    kind: MailKind,
    member: Member | None,
    subject: str,
    body: str,
    now: datetime,
    link: AccountLink | None = None,
    address: str = "",
    kept: timedelta = KEPT,
    files: Sequence[Attachment] = (),
    reply_to: str = "",
    language: str = "",
    unsubscribe: str = "",
) -> OutgoingMail | None:
    """As ``queue``, for a text that was written elsewhere; ``reply_to`` where somebody gave their own address.

    ``language`` is the one it was written in, where that is neither the member's nor, without one, the hub's;
    ``unsubscribe``: of what is sent to many, the address that ends it by one POST without signing in.
    """
    to = address or (address_of(member) if member else "")
    if "@" not in to:
        # The office may be reached by telephone.
        return None
    attached = [(each.name, each.media_type, b64encode(each.content).decode()) for each in files]
    said = {
        "to": to,
        "subject": " ".join(subject.split()),
        "body": body,
        "files": attached,
        "reply_to": reply_to,
        "language": language or (language_of(member) if member else settings.LANGUAGE_CODE),
    }
    if unsubscribe:
        said["unsubscribe"] = unsubscribe
    content = json.dumps(said)
    return OutgoingMail.objects.create(
        member=member,
        kind=kind,
        link=link,
        sealed=seal(content.encode(), purpose=PURPOSE),
        created_at=now,
        next_at=now,
        expires_at=now + kept,
    )


def send_due(*, now: datetime) -> int:
    """Send what is due; returns how many left.  A server that does not answer is left alone until the next turn.

    A mail that cannot be sent stands in the way of no other.
    """
    sent, begun = 0, time.monotonic()
    rows = _take(now)
    for number, mail in enumerate(rows):
        if time.monotonic() - begun > TURN.total_seconds():
            _give_back(rows[number:], now)
            break
        try:
            _send(mail)
        except SMTPRecipientsRefused as error:
            codes = [code for code, _text in error.recipients.values()]
            _settle(mail, now, "refused", final=all(500 <= code < 600 for code in codes))
        except SMTPResponseException as error:
            # RFC 5321 §4.2.1: 5yz is a lasting no, 4yz one for now.
            _settle(mail, now, f"smtp_{error.smtp_code}", final=500 <= error.smtp_code < 600)
        except (OSError, SMTPException) as error:
            log.warning("a mail could not be sent: %s", type(error).__name__)
            _settle(mail, now, "unreachable", final=False)
            _give_back(rows[number + 1 :], now + BACK_OFF[0])
            break
        except InvalidToken:
            log.error("mail %s cannot be decrypted: has the key encryption key changed?", mail.pk)
            _settle(mail, now, "unreadable", final=True)
        except Exception as error:
            # An address or a text that no mail can be made of stays so.
            log.error("mail %s cannot be sent: %s", mail.pk, type(error).__name__)
            _settle(mail, now, "unsendable", final=isinstance(error, ValueError))
        else:
            _settle(mail, now, "", final=True)
            sent += 1
    return sent


@transaction.atomic
def _take(now: datetime) -> list[OutgoingMail]:
    """The next few, each taken by one worker: until the lease is over nobody else sends them."""
    due = OutgoingMail.objects.filter(state=OutgoingState.WAITING, next_at__lte=now).order_by("next_at", "pk")
    rows = list(due.select_for_update(skip_locked=True)[:AT_ONCE])
    OutgoingMail.objects.filter(pk__in=[row.pk for row in rows]).update(next_at=now + LEASE)
    return rows


def _give_back(rows: Sequence[OutgoingMail], due: datetime) -> None:
    """Taken and not tried."""
    waiting = OutgoingMail.objects.filter(pk__in=[row.pk for row in rows], state=OutgoingState.WAITING)
    waiting.update(next_at=due)


def _send(mail: OutgoingMail) -> None:
    content = json.loads(unseal(bytes(mail.sealed), purpose=PURPOSE))
    host = urlsplit(settings.ORIGIN).hostname or "localhost"
    # What a mail that waits since the release before does not say yet: files, language, whom to answer.
    message = letters.letter(
        subject=content["subject"],
        body=content["body"],
        language=content.get("language", settings.LANGUAGE_CODE),
        files=[(name, b64decode(attached), media_type) for name, media_type, attached in content.get("files", ())],
        to=content["to"],
        reply_to=content.get("reply_to", ""),
        # The same number at every attempt: a mail that was taken before the answer was lost is recognised.
        # RFC 3834 §5: nobody's absence notice should answer.
        headers={
            "Message-ID": f"<trousseau-mail-{mail.pk}@{host}>",
            "Auto-Submitted": "auto-generated",
            **_unsubscribe(content.get("unsubscribe", "")),
        },
    )
    message.connection = get_connection()
    message.send()


def _unsubscribe(address: str) -> dict[str, str]:
    """RFC 8058 §3.1: a mail program ends it by one POST, without opening a page."""
    if not address:
        return {}
    return {"List-Unsubscribe": f"<{address}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


@transaction.atomic
def _settle(taken: OutgoingMail, now: datetime, result: str, *, final: bool) -> None:
    """Write down what came of one attempt.  ``result`` is empty for a mail that left."""
    mail = OutgoingMail.objects.select_for_update(no_key=True).filter(pk=taken.pk, state=OutgoingState.WAITING).first()
    if mail is None:
        # Its member was erased while it was on its way.
        return
    mail.attempts += 1
    mail.last_result = result
    if result and not final:
        mail.next_at = now + BACK_OFF[min(mail.attempts, len(BACK_OFF)) - 1]
        final = mail.next_at >= mail.expires_at
    if final:
        mail.state = OutgoingState.FAILED if result else OutgoingState.SENT
        mail.done_at, mail.sealed = now, b""
        record(
            Entry(
                Action.MAIL_FAILED if result else Action.MAIL_SENT,
                subject=mail.member_id,
                refused=bool(result),
                reason=result and RESULTS.get(result, "mail_refused"),
                facts={"mail": str(mail.kind), "attempts": mail.attempts},
                at=now,
            )
        )
    mail.save(update_fields=["attempts", "last_result", "next_at", "state", "done_at", "sealed"])


# What came of an attempt, as the journal's reason.
RESULTS = {
    "refused": "mail_refused",
    "unreachable": "mail_unreachable",
    "unreadable": "mail_unreadable",
    "unsendable": "mail_unreadable",
}
