"""Where somebody stands in the cooperative, from what the directory says of them.  Values in, values out."""

from functools import lru_cache

from directory.normalise import fold
from directory.types import Hold, MemberState, Status

# The directory is kept by hand: each cooperative writes these its own way, in both genders.
WORDS = {
    Status.CANDIDATE: ("candidat", "candidate", "candidat·e", "candidate·e", "en candidature", "porteur de projet"),
    Status.CAPE: ("cape", "en cape", "contrat cape", "contrat d'appui", "appui au projet"),
    Status.EMPLOYEE: (
        "entrepreneur salarié",
        "entrepreneure salariée",
        "entrepreneuse salariée",
        "entrepreneur·e salarié·e",
        "entrepreneur-salarié",
        "entrepreneure-salariée",
        "ese",
        "cesa",
    ),
    Status.ASSOCIATE: (
        "associé",
        "associée",
        "associé·e",
        "entrepreneur salarié associé",
        "entrepreneure salariée associée",
        "entrepreneuse salariée associée",
        "entrepreneur·e salarié·e associé·e",
        "sociétaire",
    ),
    Status.STAFF: (
        "structure",
        "permanent",
        "permanente",
        "permanent·e",
        "équipe permanente",
        "équipe",
        "salarié structure",
    ),
}
# Who has a collective of their own: those who may enter.
WITH_COLLECTIVE = (Status.CANDIDATE, Status.CAPE, Status.EMPLOYEE, Status.ASSOCIATE, Status.STAFF)
# Its name is data, in the cooperative’s language, as the names of the directory’s groups are.
COLLECTIVE_NAMES = {
    Status.CANDIDATE: "Candidat·es",
    Status.CAPE: "Membres en CAPE",
    Status.EMPLOYEE: "Entrepreneur·es salarié·es",
    Status.ASSOCIATE: "Associé·es",
    Status.STAFF: "Équipe permanente (statut)",
}


@lru_cache(1000)
def _key(text: str) -> str:
    return fold(text).replace("’", "'").replace("‑", "-")


_BY_WORD = {_key(word): status for status, words in WORDS.items() for word in words}


def has_left(state: str, hold: str, *, is_absent_for_good: bool) -> bool:
    """An absence is no departure before it has lasted: the entry may be back tomorrow."""
    return hold == Hold.LEFT or state == MemberState.LEFT or (state == MemberState.MISSING and is_absent_for_good)


def status_of(employee_type: str, *, is_gone: bool) -> Status:
    """``is_gone``: no longer in the cooperative, which is no word of ``employeeType``; a suspended member is not."""
    if is_gone:
        return Status.LEAVER
    return _BY_WORD.get(_key(employee_type), Status.UNKNOWN)
