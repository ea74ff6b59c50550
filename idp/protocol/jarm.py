"""Signed authorization answers (JARM)."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

# JARM §2.1 recommends ten minutes at most; the code inside lives a minute.
LIFETIME = timedelta(minutes=5)
RESPONSE_MODES = {
    "jwt": "query.jwt",
    "query.jwt": "query.jwt",
    "form_post.jwt": "form_post.jwt",
}


def payload(
    parameters: Mapping[str, str], *, issuer: str, client_id: str, now: datetime, lifetime: timedelta = LIFETIME
) -> dict[str, Any]:
    """JARM §2.1: the answer's parameters, errors included, with who answers, for whom and until when.

    Those three win over parameters of the same name.  Empty parameters were not sent and do not leave.
    """
    answer: dict[str, Any] = {name: value for name, value in parameters.items() if value}
    answer.update(iss=issuer, aud=client_id, exp=int((now + lifetime).timestamp()))
    return answer
