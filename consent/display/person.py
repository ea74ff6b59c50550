"""What the hub knows of a member, and where it comes from."""

from dataclasses import dataclass
from datetime import date

from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from consent.display.words import Text, language_name
from directory.models import Member, StatusPeriod
from directory.types import Kind, MailState


@dataclass(frozen=True, slots=True)
class Known:
    """Something the hub knows of the member, and where it comes from."""

    label: Text
    value: str
    source: Text


def known(member: Member) -> list[Known]:
    """Every field the hub can hold about a member, with its source; empty where it holds nothing."""
    directory: Text = _("annuaire de la coopérative")
    mail = member.email
    if mail and member.email_state != MailState.OK:
        mail = f"{mail} ({member.get_email_state_display()})"
    fields: list[tuple[Text, str]] = [
        (_("Nom affiché"), member.display_name),
        (_("Prénom"), member.given_name),
        (_("Nom de famille"), member.family_name),
        (_("Identifiant de connexion"), member.login),
        (_("Adresse e-mail"), mail),
        (_("Téléphone fixe"), member.phone),
        (_("Téléphone mobile"), member.mobile),
        (_("Métier"), member.trade),
        (_("Nom d’activité"), member.business_name),
        (_("Numéro de membre"), member.employee_number),
        (_("Statut dans la coopérative"), member.employee_type),
        (_("Adresse postale"), member.postal_address),
        (_("Code postal"), member.postal_code),
        (_("Commune"), member.town),
        (_("Langue"), language_name(member.language)),
        (_("Photo"), gettext("enregistrée") if getattr(member, "has_photo", False) else ""),
        (_("Collectifs"), ", ".join(sorted(_collectives(member)))),
        (_("État du compte"), str(member.get_state_display())),
    ]
    rows = [Known(label, value, directory) for label, value in fields]
    office: Text = _("décidé par la structure")
    held = str(member.get_hold_display()) if member.hold else ""
    planned = [each for each in member.departures.all() if each.done_at is None and each.cancelled_at is None]
    rows.append(Known(_("Suspension ou départ"), held, office))
    rows.append(Known(_("Dernier jour prévu"), ", ".join(_day(each.last_day) for each in planned), office))
    path = ", ".join(_stretch(period) for period in member.status_periods.all())
    rows.append(Known(_("Parcours dans la coopérative"), path, _("tenu par Trousseau d’après l’annuaire")))
    roles = ", ".join(sorted(str(role.label) for role in member.roles))
    rows.append(Known(_("Rôles dans Trousseau"), roles, _("attribués dans Trousseau")))
    rows.append(Known(_("Identifiant interne"), str(member.pk), _("créé par Trousseau")))
    return rows


def _collectives(member: Member) -> list[str]:
    """A status is told apart from the groups somebody works in."""
    found = [each.collective for each in member.memberships.all()]
    return [collective.name for collective in found if collective.kind != Kind.STATUS]


def _stretch(period: StatusPeriod) -> str:
    label = str(period.get_status_display())
    if period.until is None:
        return gettext("{status} depuis le {since}").format(status=label, since=_day(period.since))
    since, until = _day(period.since), _day(period.until)
    return gettext("{status} du {since} au {until}").format(status=label, since=since, until=until)


def _day(day: date) -> str:
    return date_format(day, "SHORT_DATE_FORMAT")
