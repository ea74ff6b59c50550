"""Words for the codes that the pages of collectives write to the journal."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

PAGES: dict[str, str | Promise] = {
    "collectives:describe": _("page d’un collectif"),
}
PROPERTIES: dict[str, str | Promise] = {
    "presentation": _("présentation"),
    "joining": _("comment rejoindre"),
    "links": _("liens"),
}
