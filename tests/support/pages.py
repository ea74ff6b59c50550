"""Every page of the hub that somebody gets without naming anything, by the table of who may see what."""

from collections.abc import Callable, Iterator

from django.urls import reverse

from tests.hub.access import TABLE, Answer, Row, Who
from tests.support.demo import Demo, Visitor

PURPOSES = {"office": "access_repair", "dpo": "internal_control"}
# The narrowest first: each page once, by whoever has the least reason to be there.
ROLES = {
    "stranger": Who.NOBODY,
    "member": Who.MEMBER,
    "office": Who.OFFICE,
    "dpo": Who.DPO,
    "technician": Who.TECHNICIAN,
}
Enter = Callable[[str, str], object]


def pages_of(role: str) -> list[Row]:
    found: dict[str, Row] = {}
    for row in TABLE:
        first = next((name for name, who in ROLES.items() if row.get[who] in (Answer.PAGE, Answer.WHY)), None)
        if first == role and not row.objects and not row.query:
            found.setdefault(row.route, row)
    return list(found.values())


def pages(demo: Demo, visitor: Visitor, role: str, enter: Enter | None = None) -> Iterator[str]:
    """The names of the pages, each open; files and answers to programs are none.  ``enter`` opens one."""
    go = enter or (lambda _name, address: visitor.page.goto(address))
    for row in pages_of(role):
        address = demo.hub.rstrip("/") + reverse(row.route)
        if "text/html" not in visitor.context.request.get(address).headers.get("content-type", ""):
            continue
        go(row.route, address)
        if visitor.page.locator("#purpose-form").count() and role in PURPOSES:
            yield f"{row.route}-why"
            offered = [
                each.get_attribute("value") for each in visitor.page.locator("#purpose-form [name=purpose]").all()
            ]
            visitor.say_why(PURPOSES[role] if PURPOSES[role] in offered else offered[0] or "")
            go(row.route, address)
        yield row.route
