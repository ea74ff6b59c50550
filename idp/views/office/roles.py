"""Who does what in the hub, until when; and which collectives need a second factor."""

from datetime import datetime, time
from typing import cast

from django import forms
from django.conf import settings
from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from audit.days import DayField
from directory import selectors as directory_selectors
from directory import services as directory_services
from directory.access import roles_to_give
from directory.models import Collective, RoleGrant
from directory.policy import Right
from directory.types import CannotChange, Role
from idp.gate import actor_of, opened_by
from idp.signin import reauth
from idp.views.office.acts import PROOF, said


class GrantForm(forms.Form):
    """Whom, what, until when."""

    who = forms.CharField(label=gettext_lazy("Identifiant ou e-mail du membre"), max_length=254)
    role = forms.ChoiceField(label=gettext_lazy("Rôle"), choices=Role.choices)
    last_day = DayField(label=gettext_lazy("Dernier jour (facultatif)"), required=False)

    def clean_last_day(self) -> object:
        day = self.cleaned_data["last_day"]
        if day and day < timezone.localdate():
            raise forms.ValidationError(_("Ce jour est passé."))
        return day

    @property
    def ends_at(self) -> datetime | None:
        """The moment after the last day, by the cooperative's clock."""
        day = self.cleaned_data["last_day"]
        return timezone.make_aware(datetime.combine(day, time.max)) if day else None


@opened_by(Right.SEE_ROLES, page="idp:office_roles")
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    return _page(request, GrantForm())


@opened_by(Right.GRANT_ROLES, page="idp:office_grant")
@require_POST
def grant(request: HttpRequest) -> HttpResponse:
    """Give a role.  Whoever decides over others' rights proves once more who they are."""
    actor = actor_of(request)
    form = GrantForm(request.POST)
    member = None
    if form.is_valid():
        member = directory_selectors.find_for_sign_in(form.cleaned_data["who"])
        if member is None:
            form.add_error("who", _("Aucun membre actif ne porte cet identifiant ou cette adresse."))
    if member is None:
        return _page(request, form, status=422)
    if (asked := _must_prove(request)) is not None:
        return asked
    role, now = Role(form.cleaned_data["role"]), timezone.now()
    try:
        directory_services.grant_role(member_id=member.pk, role=role, actor=actor, now=now, ends_at=form.ends_at)
        text = _("%(who)s a maintenant le rôle « %(role)s ».")
        messages.success(request, text % {"role": role.label, "who": member.display_name})
    except CannotChange as error:
        messages.error(request, said(error.reason))
    return HttpResponseRedirect(reverse("idp:office_roles"))


@opened_by(Right.GRANT_ROLES, page="idp:office_revoke")
@require_POST
def revoke(request: HttpRequest) -> HttpResponse:
    actor = actor_of(request)
    number = request.POST.get("grant", "")
    is_number = number.isascii() and number.isdecimal() and len(number) < 19
    held = get_object_or_404(RoleGrant.objects.select_related("member"), pk=int(number) if is_number else 0)
    if (asked := _must_prove(request)) is not None:
        return asked
    try:
        directory_services.revoke_role(member_id=held.member_id, role=Role(held.role), actor=actor, now=timezone.now())
        text = _("%(who)s n’a plus le rôle « %(role)s ».")
        messages.success(request, text % {"role": Role(held.role).label, "who": held.member.display_name})
    except CannotChange as error:
        messages.error(request, said(error.reason))
    return HttpResponseRedirect(reverse("idp:office_roles"))


@opened_by(Right.SET_FACTOR_POLICY, page="idp:office_rule")
@require_POST
def rule(request: HttpRequest) -> HttpResponse:
    """Ask a collective's members for a second factor, or stop asking."""
    actor = actor_of(request)
    collective = get_object_or_404(
        Collective, slug=request.POST.get("collective", "").replace("\x00", ""), present=True
    )
    if (asked := _must_prove(request)) is not None:
        return asked
    now = timezone.now()
    since = now if request.POST.get("needed") else None
    directory_services.require_second_factor(collective_id=collective.pk, since=since, actor=actor, now=now)
    if since:
        text = _(
            "« %(name)s » : la double vérification est demandée. Chacun a un délai pour l’ajouter, et reçoit un e-mail."
        )
    else:
        text = _("« %(name)s » : la double vérification n’est plus demandée.")
    messages.success(request, text % {"name": collective.name})
    return HttpResponseRedirect(reverse("idp:office_roles") + "#regles")


def _page(request: HttpRequest, form: GrantForm, status: int = 200) -> HttpResponse:
    gives = roles_to_give(request.user)
    grants = RoleGrant.objects.select_related("member", "granted_by").order_by("role", "member__order_key")
    collectives = list(Collective.objects.filter(present=True).annotate(people=Count("memberships")))
    now = timezone.now()
    # Only what is theirs to give is offered; any other answer is refused, and written down, by the service.
    offered = cast(forms.ChoiceField, form.fields["role"])
    offered.choices = [(role.value, role.label) for role in Role if role in gives]
    context = {
        "form": form,
        "grants": [
            (each, each.member_id != request.user.pk and each.role in gives) for each in grants if each.is_in_force(now)
        ],
        "roles_need_factor": settings.ROLES_NEED_SECOND_FACTOR,
        "ruled": [each for each in collectives if each.second_factor_from],
        "others": [each for each in collectives if not each.second_factor_from],
    }
    return render(request, "idp/office/roles.html", context, status=status)


def _must_prove(request: HttpRequest) -> HttpResponse | None:
    if reauth.proof_since(request, timezone.now() - PROOF):
        return None
    messages.info(request, _("Confirmez d’abord que c’est vous, puis recommencez."))
    return reauth.must_reauthenticate(request, reverse("idp:office_roles"))
