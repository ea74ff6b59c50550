"""What follows when allauth says that somebody proved something.  Connected by ``IdpConfig.ready``."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.signals import authentication_step_completed, user_logged_in
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added, authenticator_removed, authenticator_used
from django.contrib import messages
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy

from audit.types import Action
from directory.models import Member
from idp.models import HubSession
from idp.selectors import live_session
from idp.services import sessions
from idp.services.accounts import alarms, attempts, browsers, invitations, recovery_codes
from idp.services.accounts.factors import is_synced
from idp.signin import allauth_parts, browser, journal, shown_codes, standing
from idp.signin.methods import Proof, key_method, proof_of
from idp.types import SECOND_FACTORS

PASSWORD_DOUBTFUL = gettext_lazy(
    "Vous avez signalé une connexion qui n’était pas de vous, et votre mot de passe n’a pas changé depuis : changez-le."
)


@receiver(user_logged_in, dispatch_uid="idp.begin_session")
@transaction.atomic
def begin_session(*, request: HttpRequest, user: Member, response: HttpResponse | None = None, **_: Any) -> None:
    """Every step of sign-in is done; Django has changed the session key already (fixation)."""
    now = timezone.now()
    sessions.hold(user.pk)
    proof = _proof(request, user)
    if proof is None:
        raise PermissionError("signed in without a password or a passkey")
    begun = browser.begin(request, user, response, now=now)
    where = sessions.Where(begun.browser, begun.browser.label, browser.place_of(request))
    if begun.is_new:
        browsers.tell(member=user, label=where.label, network=where.network, now=now)
    sessions.start_session(request, member=user, methods=proof.methods, acr=proof.acr, now=now, where=where)
    attempts.succeeded(user.pk)
    invitations.end_for_arrival(member_id=user.pk, now=now)
    if alarms.password_is_doubtful(user.pk):
        messages.warning(request, PASSWORD_DOUBTFUL)


@receiver(authentication_step_completed, dispatch_uid="idp.note_step")
def note_step(*, request: HttpRequest, user: Member, method: str, **details: Any) -> None:
    """A step inside a running session: a confirmation or an enrolment.  Steps of a sign-in wait for its end."""
    # OWASP ASVS 7.2.4: a session that gains rights gets a new key.  So does one at the door: what is half proved in it
    # is nothing for whoever has planted or copied its cookie before.
    if request.session.session_key:
        request.session.cycle_key()
    if not request.user.is_authenticated or sessions.SESSION_FIELD not in request.session:
        return
    note_proof(request, user, method=_named(method, details))


@receiver(authenticator_added, dispatch_uid="idp.count_enrolment")
def count_enrolment(*, request: HttpRequest, user: Member, authenticator: Authenticator, **_: Any) -> None:
    """Proving the new factor was a proof: without this the member would be asked for it again at once.

    Recovery codes come with the first one.
    """
    journal.factor_changed(request, action=Action.FACTOR_ADDED, member_id=user.pk, kind=authenticator.type)
    browser.offer_to_end_others(request, user.pk)
    if authenticator.type not in SECOND_FACTORS:
        return
    allauth_parts.record_enrolment(request, user, authenticator)
    if recovery_codes.of(user.pk) is None:
        _row, codes = recovery_codes.make(member_id=user.pk, now=timezone.now())
        shown_codes.keep(request, codes)
        journal.factor_changed(request, action=Action.FACTOR_ADDED, member_id=user.pk, kind="recovery_codes")


@receiver(authenticator_removed, dispatch_uid="idp.forget_factor")
def forget_factor(*, request: HttpRequest, user: Member, authenticator: Authenticator, **_: Any) -> None:
    """No session of the member claims any longer what can no longer be proved, in whichever browser."""
    journal.factor_changed(request, action=Action.FACTOR_REMOVED, member_id=user.pk, kind=authenticator.type)
    browser.offer_to_end_others(request, user.pk)
    if authenticator.type in SECOND_FACTORS:
        standing.settle(request, user, now=timezone.now())


@receiver(authenticator_used, dispatch_uid="idp.tell_of_recovery")
def tell_of_recovery(*, user: Member, authenticator: Authenticator, **_: Any) -> None:
    """NIST SP 800-63B-4 §4.2.3: a recovery is told by another way than the one it happened on."""
    if authenticator.type == Authenticator.Type.RECOVERY_CODES:
        left = recovery_codes.left(user.pk) or 0
        get_adapter().send_notification_mail("mfa/email/recovery_code_used", user, {"left": left})


@transaction.atomic
def note_proof(request: HttpRequest, member: Member, *, method: str) -> None:
    """Bring the hub session's ``auth_time``, ``amr`` and ``acr`` in line with the steps of the browser session."""
    sessions.hold(member.pk)
    proof = _proof(request, member)
    session = live_session(request.session.get(sessions.SESSION_FIELD))
    if proof is None or session is None:
        return
    if proof.acr == session.acr and proof.at <= session.auth_time:
        HubSession.objects.filter(pk=session.pk).update(
            session_key=request.session.session_key or "", methods=list(proof.methods)
        )
        journal.confirmed_in_part(request, member_id=member.pk, method=method)
        return
    sessions.note_authentication(request, methods=proof.methods, acr=proof.acr, now=proof.at)


def _proof(request: HttpRequest, member: Member) -> Proof | None:
    return proof_of(allauth_parts.records_of(request, member), second_factor=allauth_parts.has_second_factor(member))


def _named(method: str, details: dict[str, Any]) -> str:
    """The step in the words of the wire (RFC 8176)."""
    if method == "password":
        return "pwd"
    if details.get("type") != Authenticator.Type.WEBAUTHN:
        return "otp" if details.get("type") == Authenticator.Type.TOTP else "mfa"
    factor = Authenticator.objects.filter(pk=details.get("id")).first()
    return key_method(synced=factor is not None and is_synced(factor))
