"""Who gets what at each address of the hub: the whole of it, to be read in one go.

``test_access_matrix.py`` asks the hub for every cell; ``tools/access_table.py`` makes docs/access.md from it.  A route
that is in ``urls.py`` and not here fails the test: decide who may see it, then write its row.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Who(StrEnum):
    """Whoever may come along; ``HALF`` has given the password and not the second factor yet."""

    NOBODY = "stranger"
    HALF = "half signed in"
    MEMBER = "member"
    LEAD = "lead"
    OFFICE = "office"
    DPO = "DPO"
    TECHNICIAN = "technician"
    SUSPENDED = "suspended"
    LEFT = "left"


class Answer(StrEnum):
    """What the hub does with a request."""

    PAGE = "page"
    DONE = "done"
    SIGN_IN = "sign-in"
    FORBIDDEN = "refused"
    NO_METHOD = "no such method"
    ABSENT = "not found"
    UNPROVED = "needs a tool’s proof"
    UNREADABLE = "needs a well-formed request"
    CODE = "asks for the code"


OUT = (Who.NOBODY, Who.HALF, Who.SUSPENDED, Who.LEFT)
IN = tuple(who for who in Who if who not in OUT)
Answers = Mapping[Who, Answer]


def all_get(answer: Answer) -> Answers:
    """The same for everybody, signed in or not."""
    return dict.fromkeys(Who, answer)


def members(answer: Answer) -> Answers:
    """Whoever is signed in; the others are sent to the sign-in page."""
    return dict.fromkeys(OUT, Answer.SIGN_IN) | dict.fromkeys(IN, answer)


def only(*who: Who, answer: Answer) -> Answers:
    """These roles; other members are refused, and strangers sent to sign in."""
    return members(Answer.FORBIDDEN) | dict.fromkeys(who, answer)


@dataclass(frozen=True)
class Row:
    """One address, or one kind of object behind it.  ``form`` is what a POST sends, ``objects`` fill the address."""

    route: str
    get: Answers
    post: Answers
    about: str = ""
    objects: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)


NO = all_get(Answer.NO_METHOD)
PAGE, DONE, FORBIDDEN, ABSENT = Answer.PAGE, Answer.DONE, Answer.FORBIDDEN, Answer.ABSENT
UNPROVED, UNREADABLE, CODE = Answer.UNPROVED, Answer.UNREADABLE, Answer.CODE
OWN, OTHERS = {"slug": "ouvert"}, {"slug": "reserve"}

TABLE = (
    # Everybody -------------------------------------------------------------------------------------------------
    Row("account_login", members(DONE) | dict.fromkeys(OUT, PAGE), members(DONE) | dict.fromkeys(OUT, PAGE)),
)
