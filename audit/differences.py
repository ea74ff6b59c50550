"""What a change changed, as the facts of its event hold it."""

import re
from collections.abc import Collection, Mapping

# Longer ones, such as a certificate or the words of a notice, are only said to have changed.
LONGEST = 200
# What follows the path of an address may name somebody, or let them in.
QUERY = re.compile(r"([a-z][a-z0-9+.-]*:/[^\s?#]*)[?#]\S*", re.IGNORECASE)
ADDED_UP = (list, tuple, set, frozenset)


def differences(
    before: Mapping[str, object], after: Mapping[str, object], *, untold: Collection[str] = ()
) -> dict[str, object]:
    """``properties``: the names of what is another thing now; ``changes``: from what to what, by name.

    Of ``untold``, which are secret or about somebody, the name alone; of addresses, nothing past their path.  Mappings
    are compared name by name.
    """
    was, stands = _flat(before), _flat(after)
    names = sorted(name for name in was.keys() | stands.keys() if was.get(name) != stands.get(name))
    changes = {
        name: [QUERY.sub(r"\1?…", text(value)) for value in (was.get(name), stands.get(name))]
        for name in names
        if name.partition(".")[0] not in untold and name.isascii()
    }
    told = {name: pair for name, pair in changes.items() if pair[0] != pair[1] and max(map(len, pair)) <= LONGEST}
    properties = list(dict.fromkeys(name.partition(".")[0] for name in names))
    return {"properties": properties, **({"changes": told} if told else {})}


def text(value: object) -> str:
    """The same in every language: it is compared, and read beside what stood there before."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, ADDED_UP):
        items = [text(each) for each in value]
        return " ".join(sorted(items) if isinstance(value, set | frozenset) else items)
    return str(value)


def _flat(values: Mapping[str, object]) -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= {f"{name}.{key}": each for key, each in value.items()}
        else:
            flat[name] = value
    return flat
