"""The pages where letters are written, tried and sent; and the one that ends them, from a mail."""

from http import HTTPStatus
from typing import cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from directory.models import Member
from directory.policy import Right
from idp.gate import actor_of, check, opened_by
from idp.services import refusals
from idp.signin.allauth_parts import network_of
from news import letters, selectors
from news.forms import LetterForm
from news.models import Letter
from news.receiving import READINGS_A_MINUTE, private
from news.types import NewsRefused
from news.words import LETTERS

PER_PAGE = 30


@opened_by(Right.RUN_COLLECTIVE, page="news:letters")
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    found = Paginator(letters.written(cast(Member, request.user)), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "news/letters.html", {"page": found})


@opened_by(Right.RUN_COLLECTIVE, page="news:letter_write")
@require_http_methods(["GET", "HEAD", "POST"])
def write(request: HttpRequest) -> HttpResponse:
    mine = list(selectors.led(cast(Member, request.user)))
    form = LetterForm(request.POST if request.method == "POST" else None, collectives=mine)
    if not form.is_bound:
        form.initial.setdefault("collective", request.GET.get("collectif", ""))
    if not form.is_bound or not form.is_valid():
        return _form(request, form)
    actor, now = actor_of(request), timezone.now()
    made = letters.write(collective=form.chosen, content=form.content, actor=actor, now=now)
    return HttpResponseRedirect(reverse("news:letter", args=[made.pk]), status=HTTPStatus.SEE_OTHER)


@opened_by(Right.RUN_COLLECTIVE, page="news:letter_change")
@require_http_methods(["GET", "HEAD", "POST"])
def change(request: HttpRequest, letter_id: int) -> HttpResponse:
    letter = _letter_or_404(request, letter_id, page="news:letter_change")
    if letter.sent_at is not None:
        return _not_done(request, letter_id, "letter_sent")
    data = request.POST if request.method == "POST" else None
    form = LetterForm(data, collectives=[letter.collective], letter=letter)
    if not form.is_bound or not form.is_valid():
        return _form(request, form, letter)
    try:
        letters.change(letter_id=letter_id, content=form.content, actor=actor_of(request), now=timezone.now())
    except NewsRefused as refused:
        return _not_done(request, letter_id, refused.reason)
    return HttpResponseRedirect(reverse("news:letter", args=[letter_id]), status=HTTPStatus.SEE_OTHER)


@opened_by(Right.RUN_COLLECTIVE, page="news:letter")
@require_safe
def one(request: HttpRequest, letter_id: int) -> HttpResponse:
    """As it will be read and by how many; once sent, what became of it."""
    letter = _letter_or_404(request, letter_id, page="news:letter")
    subject, body = letters.preview(letter, cast(Member, request.user))
    context: dict[str, object] = {"letter": letter, "subject": subject, "body": body}
    if letter.sent_at is None:
        context["count"] = letters.recipients(letter).count()
    else:
        context["state"] = letters.state_of(letter)
    return render(request, "news/letter.html", context)


@opened_by(Right.RUN_COLLECTIVE, page="news:letter_try")
@require_POST
def try_out(request: HttpRequest, letter_id: int) -> HttpResponse:
    _letter_or_404(request, letter_id, page="news:letter_try")
    try:
        letters.try_out(letter_id=letter_id, member=cast(Member, request.user), now=timezone.now())
    except NewsRefused as refused:
        return _not_done(request, letter_id, refused.reason)
    messages.success(request, _("Un essai part à votre adresse."))
    return HttpResponseRedirect(reverse("news:letter", args=[letter_id]), status=HTTPStatus.SEE_OTHER)


@opened_by(Right.RUN_COLLECTIVE, page="news:letter_send")
@require_POST
def send(request: HttpRequest, letter_id: int) -> HttpResponse:
    """``to``: how many people were shown to get it."""
    _letter_or_404(request, letter_id, page="news:letter_send")
    shown = request.POST.get("to", "")
    expected = int(shown) if shown.isascii() and shown.isdigit() and len(shown) < 10 else -1
    try:
        letters.send(letter_id=letter_id, expected=expected, actor=actor_of(request), now=timezone.now())
    except NewsRefused as refused:
        return _not_done(request, letter_id, refused.reason)
    messages.success(request, _("La lettre part. Cette page dit où elle en est."))
    return HttpResponseRedirect(reverse("news:letter", args=[letter_id]), status=HTTPStatus.SEE_OTHER)


@opened_by(Right.RUN_COLLECTIVE, page="news:letter_drop")
@require_POST
def drop(request: HttpRequest, letter_id: int) -> HttpResponse:
    _letter_or_404(request, letter_id, page="news:letter_drop")
    try:
        letters.drop(letter_id=letter_id, actor=actor_of(request), now=timezone.now())
    except NewsRefused as refused:
        return _not_done(request, letter_id, refused.reason)
    messages.success(request, _("Le brouillon est supprimé."))
    return HttpResponseRedirect(reverse("news:letters"), status=HTTPStatus.SEE_OTHER)


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def mute(request: HttpRequest, token: str) -> HttpResponse:
    """As ``receiving.unsubscribe``, of the letters of one collective (RFC 8058 §3.2)."""
    now = timezone.now()
    if not refusals.allowed("news_unsubscribe", network=network_of(request), limit=READINGS_A_MINUTE, now=now):
        return HttpResponse(status=HTTPStatus.TOO_MANY_REQUESTS, headers={"Retry-After": "60"})
    delivery = letters.delivery_of(token)
    if delivery is None:
        raise Http404
    if request.method == "POST":
        letters.mute(member_id=delivery.member_id, collective_id=delivery.letter.collective_id, now=now)
    context = {"of": delivery.letter.collective, "is_done": request.method == "POST"}
    return private(render(request, "news/mute.html", context))


def _letter_or_404(request: HttpRequest, letter_id: int, *, page: str) -> Letter:
    """Raises ``PermissionDenied`` where it is another’s, after a line in the journal."""
    letter = get_object_or_404(Letter.objects.select_related("collective", "author"), pk=letter_id)
    check(request, Right.RUN_COLLECTIVE, letter.collective, page=page)
    return letter


def _form(request: HttpRequest, form: LetterForm, letter: Letter | None = None) -> HttpResponse:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "news/letter_write.html", {"form": form, "letter": letter}, status=status)


def _not_done(request: HttpRequest, letter_id: int, reason: str) -> HttpResponse:
    messages.error(request, str(LETTERS[reason]))
    return HttpResponseRedirect(reverse("news:letter", args=[letter_id]), status=HTTPStatus.SEE_OTHER)
