"""Copies of a notice as members see it: what stood on the screen when somebody read it or agreed."""

from hashlib import sha256

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.translation import override

from consent.display import groups
from consent.models import Notice, NoticeCopy, Processing
from consent.types import ITEMS, LegalBasis

# In place of a member's own values.
VALUES = dict.fromkeys(ITEMS, "…")


def make(processing: Processing, notice: Notice) -> dict[str, str]:
    """Keep a copy in every language of the hub; returns their digests by language."""
    made = NoticeCopy.objects.bulk_create(_copy(processing, notice, code) for code, _name in settings.LANGUAGES)
    return {each.language: each.digest for each in made}


def _copy(processing: Processing, notice: Notice, language: str) -> NoticeCopy:
    context = {
        "tool": processing.tool,
        "processing": processing,
        "notice": notice,
        "asks": any(each.legal_basis == LegalBasis.CONSENT for each in processing.purposes.all()),
        "groups": groups(processing, VALUES),
        "dpo_contact": settings.DPO_CONTACT,
    }
    with override(language):
        html = render_to_string("consent/notice_copy.html", context)
    return NoticeCopy(notice=notice, language=language, html=html, digest=sha256(html.encode()).hexdigest())
