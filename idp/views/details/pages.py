"""« Mes coordonnées »: seen, corrected, and whatever kept a correction from being saved, with nothing typed lost."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from audit.types import Action, Entry
from consent.display import language_name
from directory import following, photos
from directory import words as directory_words
from directory.models import Member
from directory.services import profile
from directory.services.profile import ProfileRefused
from idp.gate import actor_of
from idp.services import refusals
from idp.views.details.forms import LABELS, PHONES, SEEN, DetailsForm, at_home, same, unit_of

# A person types; each of these asks the directory twice and may decode a photo.
SAVES_A_MINUTE = 10
STATUS = {
    "changed_meanwhile": HTTPStatus.CONFLICT,
    "change_uncertain": HTTPStatus.SERVICE_UNAVAILABLE,
    "DirectoryUnavailable": HTTPStatus.SERVICE_UNAVAILABLE,
    "DirectoryRefused": HTTPStatus.SERVICE_UNAVAILABLE,
    "too_many_corrections": HTTPStatus.TOO_MANY_REQUESTS,
}
# Said beside the field that they are about.
OF_A_FIELD = frozenset({"too_heavy", "too_large", "unreadable", "value_unfit", "not_writable"})


@dataclass(frozen=True, slots=True)
class Fixed:
    """What is only read here."""

    label: str
    value: str


@login_required
@require_http_methods(["GET", "POST"])
def mine(request: HttpRequest) -> HttpResponse:
    member = cast(Member, request.user)
    if request.method == "POST":
        return _save(request, member)
    items = profile.writable(member)
    return _page(request, member, DetailsForm(items, _typed(member), _seen(member)))


def _save(request: HttpRequest, member: Member) -> HttpResponse:
    now = timezone.now()
    form = _sent(request, member)
    if not refusals.allowed("details", network=str(member.pk), limit=SAVES_A_MINUTE, now=now):
        actor, reason = actor_of(request), "too_many_corrections"
        line = Entry(Action.PROFILE_REFUSED, actor=actor, subject=member.pk, refused=True, reason=reason, at=now)
        refusals.note(line, network=str(member.pk), now=now)
        return _refused(request, member, form, ProfileRefused(reason))
    if not form.is_valid():
        again = "photo" in request.FILES
        return _page(request, member, form, photo_again=again, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    photo = None
    try:
        # First: it meets nobody else's change, and would have to be chosen anew after one that does.
        photo = _save_photo(request, member, form, now)
        items = _save_items(request, member, form, now)
    except ProfileRefused as refused:
        if photo is not None:
            messages.success(request, _("Votre photo est enregistrée."))
        return _refused(request, member, form, refused, photo_again=photo is None and "photo" in request.FILES)
    _tell(request, [each for each in (photo, items) if each is not None])
    return HttpResponseRedirect(reverse("idp:my_details"), status=HTTPStatus.SEE_OTHER)


def _sent(request: HttpRequest, member: Member) -> DetailsForm:
    """With every field that was sent, even where it may no longer be written: the service refuses, nothing is lost."""
    sent = {item for item in LABELS if SEEN + item in request.POST}
    writable = profile.writable(member)
    clashes = [item for item in request.POST.getlist("clash") if item in LABELS]
    items = sent | (writable & {"photo"})
    return DetailsForm(items, _typed(member), {}, clashes=clashes, data=request.POST, files=request.FILES)


def _save_photo(request: HttpRequest, member: Member, form: DetailsForm, now: datetime) -> profile.Saved | None:
    given = form.cleaned_data.get("photo")
    actor = actor_of(request)
    if isinstance(given, UploadedFile):
        if (given.size or 0) > settings.FILE_UPLOAD_MAX_MEMORY_SIZE:
            raise profile.refuse(member_id=member.pk, reason="too_heavy", items=("photo",), actor=actor, now=now)
        raw = given.read()
        if not raw:
            raise profile.refuse(member_id=member.pk, reason="unreadable", items=("photo",), actor=actor, now=now)
        return profile.change_photo(member_id=member.pk, raw=raw, actor=actor, now=now, frame=form.frame)
    if form.cleaned_data.get("remove_photo"):
        return profile.change_photo(member_id=member.pk, raw=b"", actor=actor, now=now)
    return None


def _save_items(request: HttpRequest, member: Member, form: DetailsForm, now: datetime) -> profile.Saved | None:
    wanted = form.wanted
    if not wanted:
        return None
    return profile.change_profile(member_id=member.pk, wanted=wanted, seen=form.seen, actor=actor_of(request), now=now)


def _tell(request: HttpRequest, saved: Collection[profile.Saved]) -> None:
    if not saved:
        messages.info(request, _("Rien n’a changé."))
    elif all(each.is_shown for each in saved):
        messages.success(request, _("C’est enregistré dans l’annuaire de la coopérative."))
    else:
        messages.success(
            request, _("C’est enregistré dans l’annuaire de la coopérative. Cette page le montrera dans un moment.")
        )


def _refused(
    request: HttpRequest, member: Member, form: DetailsForm, refused: ProfileRefused, *, photo_again: bool = False
) -> HttpResponse:
    """The form as it was sent, with what is wrong: beside the field where it is about one."""
    status = STATUS.get(refused.reason, HTTPStatus.UNPROCESSABLE_ENTITY)
    if refused.reason == "changed_meanwhile" and refused.now:
        form = _to_choose(member, form, refused)
        told = (
            "" if form.clashing else _("Pas enregistré : votre fiche changeait au même moment. Enregistrez de nouveau.")
        )
        return _page(request, member, form, told=told, photo_again=photo_again, status=status)
    text = str(directory_words.profile_refusal(refused.reason))
    placed = [item for item in refused.items if item in form.fields]
    if placed and refused.reason in OF_A_FIELD:
        for item in placed:
            form.add_error(item, text)
        return _page(request, member, form, photo_again=photo_again and "photo" not in placed, status=status)
    uncertain = refused.reason == "change_uncertain"
    return _page(request, member, form, told=text, uncertain=uncertain, photo_again=photo_again, status=status)


def _to_choose(member: Member, form: DetailsForm, refused: ProfileRefused) -> DetailsForm:
    """What was typed and what is there now, beside each other; what nobody typed is shown as it is now."""
    member.refresh_from_db()
    seen, typed, wanted = form.seen, form.typed, form.wanted
    fresh = {**_seen(member), **refused.now}
    clashes = {
        unit_of(item)[0] for item, text in refused.now.items() if item in seen and not same(item, text, seen[item])
    }
    kept = {item for first in clashes for item in unit_of(first)} | wanted.keys()
    values = {**_spaced(fresh), **{item: text for item, text in typed.items() if item in kept}}
    return DetailsForm(form.items + _photo_of(form), values, fresh, clashes=clashes)


def _photo_of(form: DetailsForm) -> tuple[str, ...]:
    return ("photo",) if "photo" in form.fields else ()


def _seen(member: Member) -> dict[str, str]:
    return {item: str(getattr(member, item)) for item in LABELS}


def _typed(member: Member) -> dict[str, str]:
    return _spaced(_seen(member))


def _spaced(values: Mapping[str, str]) -> dict[str, str]:
    """French numbers as people write them at home; others as they are."""
    return {item: at_home(text) if item in PHONES else text for item, text in values.items()}


def _page(
    request: HttpRequest,
    member: Member,
    form: DetailsForm,
    *,
    told: str = "",
    uncertain: bool = False,
    photo_again: bool = False,
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    values = _seen(member)
    context = {
        "form": form,
        "can_correct": bool(form.fields),
        "fixed": [
            Fixed(str(label), language_name(values[item]) if item == "language" else values[item])
            for item, label in LABELS.items()
            if item not in form.items and values[item]
        ],
        "photo": photos.digest_of(member.pk),
        "to_review": following.own_issues(member),
        "member": member,
        "told": told,
        "photo_again": photo_again,
        "uncertain": uncertain,
    }
    return render(request, "idp/details.html", context, status=status)
