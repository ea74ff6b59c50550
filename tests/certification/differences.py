"""Where the two providers answer differently, and both may: DIFFERENCES.md says why, the tests assert each side."""

from typing import TypeVar

from tests.certification.providers import Provider

Answer = TypeVar("Answer")


def difference(number: str, op: Provider, *, hub: Answer, oracle: Answer) -> Answer:
    """What this provider does, as written down under this number."""
    return hub if op.is_hub else oracle
