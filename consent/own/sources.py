"""Which sections and parts there are: the apps above hand over what they alone hold."""

from consent.own.types import Part, Section

_sections: dict[str, Section] = {}
_given: dict[str, Part] = {}


def include(*sections: Section) -> None:
    """Called once by each app, when the apps are ready."""
    _sections.update({each.name: each for each in sections})


def sections() -> list[Section]:
    return sorted(_sections.values(), key=lambda each: each.place)


def include_given(*parts: Part) -> None:
    """As ``include``, of what people gave themselves."""
    _given.update({each.name: each for each in parts})


def given() -> list[Part]:
    return sorted(_given.values(), key=lambda each: each.place)
