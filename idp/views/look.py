"""The technician's page of the look: name, logo, two colours; tried before they are saved, and given up again."""

from http import HTTPStatus
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from branding import colours, selectors, services, words
from branding.selectors import ACCENT, SECOND
from branding.types import LookRefused
from directory.policy import Right
from idp.gate import actor_of, opened_by

COLOURS = {"accent": ACCENT, "second": SECOND}


class LookForm(forms.Form):
    """Empty names and the first colours stand for what the hub shows by itself."""

    name_fr = forms.CharField(
        label=gettext_lazy("Nom de la coopérative"),
        max_length=80,
        required=False,
        help_text=gettext_lazy("En haut de chaque page, dans les courriers et les documents. Vide : celui d’origine."),
    )
    name_en = forms.CharField(
        label=gettext_lazy("Nom en anglais"),
        max_length=80,
        required=False,
        help_text=gettext_lazy("Pour qui lit en anglais. Vide : le nom français."),
    )
    short_name = forms.CharField(
        label=gettext_lazy("Nom court"),
        max_length=12,
        required=False,
        help_text=gettext_lazy("Sous l’icône, sur un téléphone. Douze caractères au plus."),
    )
    logo = forms.FileField(
        label=gettext_lazy("Logo"),
        required=False,
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp"}),
        help_text=gettext_lazy("PNG, JPEG ou WebP, 2 Mo au plus. L’icône carrée en est tirée."),
    )
    remove_logo = forms.BooleanField(label=gettext_lazy("Retirer le logo"), required=False)
    accent = forms.CharField(
        label=gettext_lazy("Couleur principale"),
        max_length=7,
        widget=forms.TextInput(attrs={"type": "color"}),
        help_text=gettext_lazy("Boutons, liens et titres choisis."),
    )
    second = forms.CharField(
        label=gettext_lazy("Seconde couleur"),
        max_length=7,
        widget=forms.TextInput(attrs={"type": "color"}),
        help_text=gettext_lazy("Ce qui est au repos : informations et étiquettes."),
    )

    @property
    def chosen(self) -> dict[str, str]:
        """The colours, or none where they are the hub's own."""
        given = {name: self.cleaned_data[name].strip().lower() for name in COLOURS}
        return dict.fromkeys(given, "") if given == COLOURS else given


@opened_by(Right.CHANGE_LOOK, page="idp:look")
@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    if request.method == "GET":
        return _page(request, LookForm(initial=_standing()))
    data = request.POST.copy()
    taken = {name: value for name in COLOURS if (value := request.POST.get(f"take_{name}"))}
    for name, value in taken.items():
        data[name] = value
    if taken or data.get("try"):
        return _page(request, LookForm(initial=data.dict()), tried=_two(data))
    form = LookForm(data, request.FILES)
    if int(request.META.get("CONTENT_LENGTH") or 0) > settings.FILE_UPLOAD_MAX_MEMORY_SIZE:
        # The whole of it was read and kept nowhere: no file is in the form.
        form.add_error("logo", _said("too_heavy"))
    if not form.is_valid():
        return _page(request, form, tried=_two(data), status=HTTPStatus.UNPROCESSABLE_ENTITY)
    sent = form.cleaned_data["logo"]
    logo = sent.read() if sent else (b"" if form.cleaned_data["remove_logo"] else None)
    try:
        changed = services.change(
            **{name: form.cleaned_data[name].strip() for name in ("name_fr", "name_en", "short_name")},
            **form.chosen,
            logo=logo,
            actor=actor_of(request),
            now=timezone.now(),
        )
    except LookRefused as refused:
        form.add_error(refused.field, _said(refused.reason, refused.nearest))
        return _page(request, form, tried=_two(data), status=HTTPStatus.UNPROCESSABLE_ENTITY)
    messages.success(request, _("C’est enregistré.") if changed else _("Rien n’a changé."))
    return HttpResponseRedirect(reverse("idp:look"))


@opened_by(Right.CHANGE_LOOK, page="idp:look_restore")
@require_POST
def restore(request: HttpRequest) -> HttpResponse:
    if services.restore(actor=actor_of(request), now=timezone.now()):
        messages.success(request, _("Le nom, le logo et les couleurs d’origine sont de retour."))
    else:
        messages.info(request, _("Rien n’a changé."))
    return HttpResponseRedirect(reverse("idp:look"))


@opened_by(Right.CHANGE_LOOK, page="idp:look_try")
@require_safe
def attempt(request: HttpRequest) -> HttpResponse:
    """What the two colours give, as a part of the page: asked for while somebody chooses."""
    # A part that is put into the page, and no page: opened by itself it is read as it stands.
    return render(request, "idp/look_try.html", _tried(_two(request.GET)), content_type="text/plain; charset=utf-8")


@opened_by(Right.CHANGE_LOOK, page="idp:look_try_style")
@require_safe
def attempt_style(request: HttpRequest) -> HttpResponse:
    tokens = colours.style_sheet(**_two(request.GET))
    return HttpResponse(f"@layer page{{.try{{{tokens}}}}}\n", content_type="text/css; charset=utf-8")


def _page(
    request: HttpRequest, form: LookForm, *, tried: dict[str, str] | None = None, status: int = 200
) -> HttpResponse:
    look = selectors.shown()
    # What stands where nothing is chosen.
    form.fields["name_fr"].widget.attrs.setdefault("placeholder", settings.COOPERATIVE)
    two = tried or {"accent": look.accent or ACCENT, "second": look.second or SECOND}
    return render(request, "idp/look.html", {"form": form, **_tried(two)}, status=status)


def _standing() -> dict[str, str]:
    row = selectors.row()
    if row is None:
        return dict(COLOURS)
    return {
        **{name: getattr(row, name) for name in ("name_fr", "name_en", "short_name")},
        **{name: getattr(row, name) or first for name, first in COLOURS.items()},
    }


def _two(data: Any) -> dict[str, str]:
    """The two colours of a form or an address; what is none is the hub's own."""
    found = {}
    for name, first in COLOURS.items():
        try:
            found[name] = colours.parse(data.get(name, ""))
        except ValueError:
            found[name] = first
    return found


def _tried(two: dict[str, str]) -> dict[str, Any]:
    judged = []
    for name, colour in two.items():
        weakest: dict[tuple[str, str], colours.Pair] = {}
        for pair in sorted(colours.pairs_of(colour), key=lambda each: each.ratio / each.needed):
            weakest.setdefault((pair.theme, pair.use), pair)
        least = [(words.THEMES[theme], words.USES[use], pair) for (theme, use), pair in sorted(weakest.items())]
        readable = colours.can_be_read(colour)
        judged.append(
            {
                "name": name,
                "label": words.FIELDS[name],
                "colour": colour,
                "readable": readable,
                "nearest": "" if readable else colours.nearest(colour),
                "least": least,
            }
        )
    return {"judged": judged, "two": two, "themes": words.THEMES}


def _said(reason: str, nearest: str = "") -> str:
    if reason == "colour_weak":
        return _("Cette couleur se lit mal sur nos pages. La plus proche qui se lit est %(colour)s.") % {
            "colour": nearest
        }
    said = {
        "colour_unreadable": _("Ce n’est pas une couleur. Exemple : #9d2139."),
        "too_heavy": _("Ce fichier est trop lourd : 2 Mo au plus."),
        "too_large": _("Cette image est trop grande. Réduisez-la, puis recommencez."),
        "unreadable": _("Cette image ne se lit pas. Prenez un fichier PNG, JPEG ou WebP."),
    }
    return said[reason]
