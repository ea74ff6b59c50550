"""Values of the cooperative's look that other apps may use."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shown:
    """What pages and mails show.  ``is_own`` is false where the cooperative has chosen nothing yet."""

    names: tuple[tuple[str, str], ...]
    short_name: str
    accent: str
    second: str
    logo: str = ""
    digest: str = ""
    is_own: bool = False

    def name(self, language: str) -> str:
        """In this language; in French where it has none."""
        names = dict(self.names)
        return names.get(language.partition("-")[0]) or names["fr"]

    @property
    def has_own_colours(self) -> bool:
        return bool(self.accent)


class LookRefused(Exception):
    """A look that cannot be; ``reason`` is a code, ``nearest`` the colour that would do in place of the one given."""

    def __init__(self, reason: str, *, field: str = "", nearest: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.field = field
        self.nearest = nearest
