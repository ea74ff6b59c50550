"""What a directory's settings are typed into, one form a step.

What is only known by asking the server is no error here: it is kept, tried, and said beside its field.
"""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.forms.utils import ErrorDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from directory import follow_words, following
from directory.ldap import probing
from directory.models import DirectorySource
from directory.normalise import clean
from directory.types import Kind, ServerKind

ATTRIBUTE = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,99}")
PORTS = {"389": "ldap", "636": "ldaps", "3268": "ldap", "3269": "ldaps"}
KINDS = (Kind.POLE, Kind.SELF_RUN, Kind.TERRITORY, Kind.TEAM, Kind.BOARD)


class StepForm(forms.Form):
    """One step; ``changes`` is what it asks of the source."""

    def __init__(self, source: DirectorySource | None, data: Any = None, *, fixed: bool = False) -> None:
        self.source = source
        self.told = ErrorDict()
        super().__init__(data, initial=self.kept(source) if source is not None else None)
        for field in self.fields.values():
            field.disabled = fixed

        self.told = ErrorDict()

    def kept(self, source: DirectorySource) -> dict[str, object]:
        own = {name: getattr(source, name) for name in self.base_fields if hasattr(source, name)}
        return own | (following.settings_connection() if source.from_settings else {})

    def tell(self, wrong: Iterable[tuple[str, str]]) -> None:
        """What the server said, beside the fields it is about (or above them all)."""
        for name, text in wrong:
            self.told.setdefault(name or NON_FIELD_ERRORS, self.error_class()).append(text)

    @property
    def errors(self) -> ErrorDict:
        return self.told or super().errors

    @property
    def changes(self) -> dict[str, object]:
        return dict(self.cleaned_data)


def _name_field(label: Any, help_text: Any = "", *, required: bool = False) -> forms.CharField:
    field = forms.CharField(label=label, help_text=help_text, required=required, max_length=500)
    field.widget.attrs |= {"spellcheck": "false", "autocapitalize": "off", "autocomplete": "off"}
    return field


class AddressForm(StepForm):
    name = forms.CharField(
        label=gettext_lazy("Nom"), max_length=80, help_text=gettext_lazy("Celui que vous lirez dans ces pages.")
    )
    uri = _name_field(
        gettext_lazy("Adresse"),
        gettext_lazy(
            "ldaps://annuaire.exemple.fr, ou ldap:// avec StartTLS. Plusieurs serveurs : séparés par un espace."
        ),
        required=True,
    )

    def clean_name(self) -> str:
        # One line: it is part of the subject of mails.
        name: str = clean(self.cleaned_data["name"])
        if not name:
            raise forms.ValidationError(self.fields["name"].error_messages["required"])
        others = DirectorySource.objects.filter(name__iexact=name)
        if self.source is not None:
            others = others.exclude(pk=self.source.pk)
        if others.exists():
            raise forms.ValidationError(_("Un annuaire porte déjà ce nom."))
        return name

    def clean_uri(self) -> str:
        found = [_address(each) for each in self.cleaned_data["uri"].split()]
        if len({each.partition("://")[0] for each in found}) > 1:
            raise forms.ValidationError(_("Commencez toutes les adresses de la même façon : ldaps://, ou ldap://."))
        return " ".join(found)


def _address(text: str) -> str:
    """With its scheme, which the usual port tells where nothing else does."""
    if "://" not in text:
        text = f"{PORTS.get(text.rpartition(':')[2], 'ldaps')}://{text}"
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        raise forms.ValidationError(_("« %(text)s » : le port n’en est pas un."), params={"text": text}) from None
    if url.scheme not in ("ldap", "ldaps"):
        raise forms.ValidationError(
            _("« %(text)s » : une adresse d’annuaire commence par ldap:// ou ldaps://."), params={"text": text}
        )
    if not url.hostname or "," in url.hostname or url.username or url.path.strip("/") or url.query or url.fragment:
        raise forms.ValidationError(
            _("« %(text)s » : donnez seulement le nom du serveur, et son port s’il n’est pas habituel."),
            params={"text": text},
        )
    host = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
    return f"{url.scheme}://{host}" + (f":{port}" if port else "")


class TlsForm(StepForm):
    authorities = forms.CharField(
        label=gettext_lazy("Certificat de votre autorité (facultatif)"),
        required=False,
        max_length=100_000,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false", "autocomplete": "off"}),
        help_text=gettext_lazy(
            "Au format PEM. Vide : les autorités du serveur de Trousseau. La vérification ne se désactive pas."
        ),
    )

    def clean_authorities(self) -> str:
        text: str = self.cleaned_data["authorities"].replace("\r\n", "\n").strip()
        if not text:
            return ""
        if "PRIVATE KEY" in text:
            raise forms.ValidationError(
                _("Ce texte contient une clé privée : ne la donnez à personne. Collez seulement le certificat.")
            )
        if "-----BEGIN CERTIFICATE-----" not in text:
            raise forms.ValidationError(
                _(
                    "Ce n’est pas un certificat au format PEM. Ouvrez le fichier dans un éditeur de texte et collez-le "
                    "en entier : il commence par -----BEGIN CERTIFICATE-----."
                )
            )
        try:
            found = x509.load_pem_x509_certificates(text.encode())
        except ValueError:
            found = []
        if not found:
            raise forms.ValidationError(
                _(
                    "Ce certificat est incomplet ou abîmé. Collez-le de nouveau, de -----BEGIN CERTIFICATE----- "
                    "à -----END CERTIFICATE-----, ces deux lignes comprises."
                )
            )
        return text


class AccountForm(StepForm):
    bind_dn = _name_field(
        gettext_lazy("Compte de lecture"), gettext_lazy("Il lit les personnes et les groupes. Il n’écrit rien.")
    )
    bind_password = forms.CharField(
        label=gettext_lazy("Son mot de passe"),
        required=False,
        max_length=500,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    write_dn = _name_field(
        gettext_lazy("Compte d’écriture (facultatif)"),
        gettext_lazy("Il remplace les mots de passe oubliés et corrige les fiches."),
    )
    write_password = forms.CharField(
        label=gettext_lazy("Son mot de passe"),
        required=False,
        max_length=500,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, source: DirectorySource | None, data: Any = None, *, fixed: bool = False) -> None:
        super().__init__(source, data, fixed=fixed)
        for name, secret in (("bind_password", "bind_secret"), ("write_password", "write_secret")):
            if source is not None and getattr(source, secret):
                self.fields[name].help_text = _("Il est enregistré. Laissez vide pour le garder.")

    def tell(self, wrong: Iterable[tuple[str, str]]) -> None:
        super().tell(wrong)
        for name in self.told:
            # A password that was refused is not one to keep.
            if name in self.fields:
                self.fields[name].help_text = ""


class BasesForm(StepForm):
    server = forms.ChoiceField(label=gettext_lazy("Sorte d’annuaire"), choices=ServerKind.choices)
    base = _name_field(gettext_lazy("Racine"), gettext_lazy("Tout ce que tient cet annuaire."), required=True)
    people_base = _name_field(gettext_lazy("Branche des personnes"))
    people_filter = _name_field(gettext_lazy("Filtre des personnes"))
    groups_base = _name_field(gettext_lazy("Branche des groupes"))
    groups_filter = _name_field(gettext_lazy("Filtre des groupes"))
    former_base = _name_field(
        gettext_lazy("Branche des anciens membres"), gettext_lazy("Qui y est rangé n’entre plus.")
    )

    def __init__(self, source: DirectorySource | None, data: Any = None, *, fixed: bool = False) -> None:
        super().__init__(source, data, fixed=fixed)
        if source is not None:
            for name, usual in following.usual_places(source).items():
                self.fields[name].widget.attrs["placeholder"] = usual
            if source.from_settings:
                for name in ("base", "people_base", "groups_base"):
                    self.fields[name].disabled = True
                    self.fields[name].required = False

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        for name in ("base", "people_base", "groups_base", "former_base"):
            if given.get(name) and not probing.is_name(given[name]):
                self.add_error(name, str(follow_words.ADVICE["branch_unreadable"]))
        return given

    @property
    def changes(self) -> dict[str, object]:
        own = dict(self.cleaned_data)
        if self.source is not None and self.source.from_settings:
            own = {name: value for name, value in own.items() if name not in ("base", "people_base", "groups_base")}
        return own


class MappingForm(StepForm):
    """Which attribute gives which item, which words which kind of collective, and what members may correct."""

    def __init__(self, source: DirectorySource | None, data: Any = None, *, fixed: bool = False) -> None:
        assert source is not None  # noqa: S101 there is no mapping without a source
        self.rows = following.mapping_of(source)
        super().__init__(source, data, fixed=fixed)
        for part in ("person", "group"):
            for row in self.rows[part]:
                field = forms.CharField(label=row.label, required=row.needed, max_length=120, initial=row.attribute)
                field.widget.attrs |= {"spellcheck": "false", "autocapitalize": "off", "autocomplete": "off"}
                field.disabled = fixed
                self.fields[f"{part}-{row.item}"] = field
        words = following.kind_words(source)
        for kind in KINDS:
            self.fields[f"kind-{kind.value}"] = forms.CharField(
                label=str(kind.label).capitalize(),
                required=False,
                max_length=400,
                initial=", ".join(words.get(kind, ())),
                disabled=fixed,
            )
        choices = [(row.item, row.label) for row in self.rows["person"] if row.may_be_writable]
        self.fields["writable"] = forms.MultipleChoiceField(
            label=_("Ce que les membres corrigent eux-mêmes"),
            choices=choices,
            required=False,
            initial=[item for item in source.writable if item != following.MEMBERSHIPS],
            widget=forms.CheckboxSelectMultiple,
            disabled=fixed,
        )

        self.fields["memberships"] = forms.BooleanField(
            label=_("Les responsables d’un collectif y ajoutent et en retirent des membres"),
            help_text=_(
                "Le compte d’écriture doit pouvoir modifier les groupes. Ce qu’un groupe ouvre change avec lui."
            ),
            required=False,
            initial=following.MEMBERSHIPS in source.writable,
            disabled=fixed,
        )

    def kept(self, source: DirectorySource) -> dict[str, object]:
        return {}

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        for name, value in list(given.items()):
            if not name.startswith(("person-", "group-")) or not value:
                continue
            if not ATTRIBUTE.fullmatch(value):
                self.add_error(name, _("Ce n’est pas un nom d’attribut. Exemple : telephoneNumber"))
            elif following.holds_passwords(value):
                self.add_error(name, _("Cet attribut tient des mots de passe : il ne se lit jamais."))
        return given

    @property
    def changes(self) -> dict[str, object]:
        """Only what differs from the server's usual words is kept."""
        given = self.cleaned_data
        mapping: dict[str, dict[str, str]] = {}
        for part in ("person", "group"):
            own = {row.item: given[f"{part}-{row.item}"] for row in self.rows[part]}
            others = {row.item: own[row.item] for row in self.rows[part] if own[row.item] != row.usual}
            if others:
                mapping[part] = others
        words = {
            kind: [word.strip() for word in given[f"kind-{kind.value}"].split(",") if word.strip()] for kind in KINDS
        }
        return {
            "mapping": mapping,
            "kinds": following.kinds_from(words),
            "writable": [
                *(item for item in given["writable"] if item),
                *([following.MEMBERSHIPS] if given["memberships"] else []),
            ],
        }

    @property
    def person_fields(self) -> list[forms.BoundField]:
        return [self[f"person-{row.item}"] for row in self.rows["person"]]

    @property
    def group_fields(self) -> list[forms.BoundField]:
        return [self[f"group-{row.item}"] for row in self.rows["group"]]

    @property
    def kind_fields(self) -> list[forms.BoundField]:
        return [self[f"kind-{kind.value}"] for kind in KINDS]


class CeilingsForm(StepForm):
    """How much may go in one pass, and in one day, without a person's word: a number, or a share of all if more.

    ``others`` has no share: of whom another directory lets in, none is this one's to give away.
    """

    def __init__(self, source: DirectorySource | None, data: Any = None, *, fixed: bool = False) -> None:
        assert source is not None  # noqa: S101 there are no limits without a source
        super().__init__(source, data, fixed=fixed)
        self.usual = following.usual_ceilings()
        kept = self.usual | source.ceilings
        for name, label in follow_words.CEILINGS.items():
            self.fields[name] = forms.IntegerField(
                label=str(label),
                help_text=str(follow_words.CEILINGS_EXPLAINED.get(name, "")),
                min_value=0,
                max_value=100_000,
                initial=kept[name],
                disabled=fixed,
            )
            if (share := f"{name}_share") in kept:
                self.fields[share] = forms.IntegerField(
                    label=_("ou pour cent"),
                    min_value=0,
                    max_value=100,
                    initial=round(kept[share] * 100),
                    disabled=fixed,
                )

    def kept(self, source: DirectorySource) -> dict[str, object]:
        return {}

    @property
    def changes(self) -> dict[str, object]:
        """Only what differs from the usual is kept."""
        given = {name: value / 100 if name.endswith("_share") else value for name, value in self.cleaned_data.items()}
        return {"ceilings": {name: value for name, value in given.items() if value != self.usual[name]}}

    @property
    def limits(self) -> list[list[forms.BoundField]]:
        """Each number with its share, where it has one."""
        names = ((name, f"{name}_share") for name in follow_words.CEILINGS)
        return [[self[field] for field in both if field in self.fields] for both in names]


class NothingForm(StepForm):
    """A step that asks for nothing."""
