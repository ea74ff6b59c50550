"""Looking whether tools are there: a few at a time, beside the worker's other jobs, which wait for no slow tool."""

from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime

from django.db.models import F, Q, QuerySet

from idp import outgoing
from idp.types import ToolState
from launcher.conditions import policy, services
from launcher.models import Condition

AT_ONCE = 4


def due(now: datetime) -> QuerySet[Condition]:
    """Those not looked at lately, the longest ago first; nobody waits for a closed tool."""
    late = Q(checked_at=None) | Q(checked_at__lte=now - policy.EVERY)
    rows = Condition.objects.filter(late).exclude(check_url="").exclude(tool__state=ToolState.CLOSED)
    return rows.order_by(F("checked_at").asc(nulls_first=True))


def look(url: str) -> str:
    """Empty where something answers, else a code.  No member is in it: the same request each time, without cookies."""
    try:
        status = outgoing.get_status(url)
    except (outgoing.OutgoingRefused, outgoing.OutgoingFailed) as error:
        return str(error)
    return "" if policy.is_there(status) else f"http_{status}"


class Looker:
    """Calls in threads of its own, the database in the worker's."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="conditions")
        self._going: dict[int, tuple[str, Future[str]]] = {}

    def turn(self, *, now: datetime) -> int:
        """Write down what was found, begin what is due.  Returns how many calls go on."""
        for tool_id, (url, future) in list(self._going.items()):
            if future.done():
                del self._going[tool_id]
                services.note_looked(tool_id=tool_id, url=url, result=future.result(), now=now)
        free = AT_ONCE - len(self._going)
        for row in due(now).exclude(pk__in=self._going)[:free] if free else ():
            self._going[row.pk] = row.check_url, self._pool.submit(look, row.check_url)
        return len(self._going)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
