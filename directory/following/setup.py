"""What a source is set to, and what is usual where nothing is said."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from django.conf import settings

from directory import follow_words as words
from directory.ldap.plan import Ceilings
from directory.ldap.rules import GROUP, KINDS, NEVER_WRITABLE, PERSON, may_be_read, may_be_written
from directory.ldap.servers import SERVERS
from directory.models import DirectorySource
from directory.normalise import fold
from directory.types import Kind, ServerKind

NEEDED = {"person": {"login"}, "group": {"name", "member"}}


@dataclass(frozen=True, slots=True)
class Mapped:
    """One item: which attribute gives it, which one usually does on such a server."""

    item: str
    label: str
    attribute: str
    usual: str
    needed: bool
    may_be_writable: bool


def mapping_of(source: DirectorySource) -> dict[str, list[Mapped]]:
    server = SERVERS[ServerKind(source.server)]
    usual = {"person": {**PERSON, **server.person}, "group": {**GROUP, **server.group}}
    return {
        part: [
            Mapped(
                item,
                str(words.item(item)).capitalize(),
                source.mapping.get(part, {}).get(item, attribute),
                attribute,
                item in NEEDED[part],
                part == "person" and item not in NEVER_WRITABLE,
            )
            for item, attribute in names.items()
        ]
        for part, names in usual.items()
    }


def kind_words(source: DirectorySource) -> dict[Kind, list[str]]:
    """By kind, the directory's words for it."""
    found: dict[Kind, list[str]] = {}
    for word, kind in {**{word: kind.value for word, kind in KINDS.items()}, **source.kinds}.items():
        if kind in Kind.values:
            found.setdefault(Kind(kind), []).append(word)
    return found


def kinds_from(given: Mapping[Kind, Sequence[str]]) -> dict[str, str]:
    """As a source keeps them: a usual word that nobody wants any more stands for no kind."""
    wanted = {word: kind.value for kind, all_ in given.items() for word in all_}
    folded = {fold(word) for word in wanted}
    taken_out = {word: Kind.OTHER.value for word in KINDS if fold(word) not in folded}
    return {word: kind for word, kind in {**wanted, **taken_out}.items() if KINDS.get(word) != kind}


def settings_connection() -> dict[str, object]:
    """What the operator's settings say of their directory, to be shown; of passwords nothing."""
    given = getattr(settings, "LDAP", {})
    shown = ("uri", "base", "people_base", "groups_base", "bind_dn", "write_dn")
    return {**{name: given.get(name) or "" for name in shown}, "authorities": str(given.get("ca_file") or "")}


def holds_passwords(attribute: str) -> bool:
    return not may_be_read(attribute)


def is_writable(item: str, person: Mapping[str, str], source: DirectorySource) -> bool:
    """Whether members may correct this item, where ``person`` says which attribute each item has."""
    server = SERVERS[ServerKind(source.server)]
    return may_be_written(item, {**PERSON, **server.person, **person}, server)


def usual_places(source: DirectorySource) -> dict[str, str]:
    """Where it is looked for, and by which filter, where nothing else is said."""
    server = SERVERS[ServerKind(source.server)]
    given = settings_connection() if source.from_settings else {}
    base = str(given.get("base") or source.base or "dc=exemple,dc=fr")
    people = str(given.get("people_base") or source.people_base or server.people_base(base))
    return {
        "base": "dc=exemple,dc=fr",
        "people_base": server.people_base(base),
        "people_filter": server.people_filter,
        "groups_base": server.groups_base(base),
        "groups_filter": server.groups_filter,
        "former_base": f"ou=anciens,{people}",
    }


def usual_ceilings() -> dict[str, float]:
    """How much may go in one pass without a person's word, where nothing else is said."""
    return asdict(Ceilings())
