"""Which sections there are: the apps above hand over what they alone hold."""

from consent.own.types import Section

_sections: dict[str, Section] = {}


def include(*sections: Section) -> None:
    """Called once by each app, when the apps are ready."""
    _sections.update({each.name: each for each in sections})


def sections() -> list[Section]:
    return sorted(_sections.values(), key=lambda each: each.place)
