"""« Mes données »: who received what, what is known, and what one agreed to."""

import base64
import json
from collections.abc import Iterator
from datetime import datetime
from typing import cast

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from consent import display, selectors, services
from directory import photos
from directory.models import Member

PER_PAGE = 50


@login_required
@require_safe
def mine(request: HttpRequest) -> HttpResponse:
    member = selectors.known_member(cast(Member, request.user).pk)
    tool = request.GET.get("tool", "").replace("\x00", "")[:60]
    relations = selectors.relations(member.pk)
    known = display.known(member)
    context = {
        "relations": relations,
        "page": Paginator(selectors.ledger(member.pk, tool), PER_PAGE).get_page(request.GET.get("page")),
        "chosen": tool,
        "chosen_tool": next((each.tool for each in relations if each.tool.slug == tool), None),
        "known": [each for each in known if each.value],
        "unknown": [each for each in known if not each.value],
    }
    return render(request, "consent/mine.html", context)


@login_required
@require_safe
def download(request: HttpRequest) -> StreamingHttpResponse:
    """The member's own record, streamed: a long history is not held in memory, and has no ceiling."""
    member = selectors.known_member(cast(Member, request.user).pk)
    now = timezone.now()
    services.note_download(member_id=member.pk, now=now)
    response = StreamingHttpResponse(_own_record(member, now), content_type="application/json; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="mes-donnees-{timezone.localdate():%Y-%m-%d}.json"'
    response["Cache-Control"] = "no-store, private"
    return response


def _photo(member: Member) -> str | None:
    """As an address that holds its own content (RFC 2397)."""
    content = photos.content_of(member.pk, photos.digest_of(member.pk))
    return f"data:image/webp;base64,{base64.b64encode(content).decode()}" if content else None


def _own_record(member: Member, now: datetime) -> Iterator[str]:
    head = {
        "format": "trousseau/own-record/1",
        "generated_at": now.isoformat(),
        "member": str(member.pk),
        "known": display.exported(member),
        "photo": _photo(member),
        "decisions": selectors.export_decisions(member.pk),
    }
    yield json.dumps(head, ensure_ascii=False, indent=1)[:-2] + ',\n "disclosures": ['
    separator = "\n  "
    for row in selectors.export(member.pk):
        yield separator + json.dumps(row, ensure_ascii=False)
        separator = ",\n  "
    yield "\n ]\n}\n"
