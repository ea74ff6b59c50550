"""Photos, for those who may see them."""

from typing import cast
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags
from django.views.decorators.http import require_safe

from audit.types import Action, Entry
from directory import photos
from directory.models import Member
from directory.people import cards
from idp.gate import actor_of
from idp.services import refusals

# Asked about at each use: who may see it, and whether it is still there, is not left to a browser's cache.
CACHING = "private, no-cache"


@login_required
@require_safe
def photo(request: HttpRequest, member_id: UUID) -> HttpResponse:
    """Somebody else's, and none, look the same."""
    if not cards.may_see_photo(cast(Member, request.user), member_id):
        line = Entry(
            Action.ACCESS_REFUSED,
            actor=actor_of(request),
            refused=True,
            reason="not_yours",
            facts={"page": "idp:photo"},
        )
        refusals.note(line, network=str(request.user.pk), now=timezone.now())
        raise Http404
    digest = photos.digest_of(member_id)
    if not digest:
        raise Http404
    etag = f'"{digest}"'
    if etag in parse_etags(request.headers.get("If-None-Match", "")):
        return cast(HttpResponse, _with_headers(HttpResponseNotModified(), etag))
    content = photos.content_of(member_id, digest)
    if not content:
        raise Http404
    return cast(HttpResponse, _with_headers(HttpResponse(content, content_type="image/webp"), etag))


def _with_headers(response: HttpResponseBase, etag: str) -> HttpResponseBase:
    response["ETag"] = etag
    response["Cache-Control"] = CACHING
    # By nobody else's page, and never as anything but a picture (nosniff is everywhere).
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["Content-Disposition"] = "inline"
    patch_vary_headers(response, ["Cookie"])
    return response
