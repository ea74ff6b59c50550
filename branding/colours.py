"""Two colours of a cooperative: the shades that pages make of them, and whether these can be read.  Values in and out.

A cooperative chooses each colour as it is on paper.  On dark ground the same hue is made lighter, until it can be read
there: nobody chooses four colours.  Contrast is WCAG 2.2's (1.4.3, 1.4.11), shades are made in OKLCH, whose lightness
is what the eye sees.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from math import atan2, cos, hypot, radians, sin

HEX = re.compile(r"#[0-9a-f]{6}")
TEXT, PART = 4.5, 3.0
WHITE = "#ffffff"
# The grounds of hub.css, on which colours stand; a test reads them there.
LIGHT = {"paper": "#f7f1e8", "surface": "#fffdf9", "sunken": "#efe6d9"}
DARK = {"paper": "#181412", "surface": "#241e1b", "sunken": "#100d0b"}
STEP = 0.004
Lch = tuple[float, float, float]
Rgb = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Shades:
    """One colour in both themes: as text and line, as the fill under white words, under the pointer, and as a wash."""

    light: str
    dark: str
    fill_light: str
    fill_dark: str
    strong_light: str
    strong_dark: str
    wash_light: str
    wash_dark: str


@dataclass(frozen=True, slots=True)
class Pair:
    """A colour on a ground, and what it needs there."""

    theme: str
    use: str
    colour: str
    ground: str
    needed: float

    @property
    def ratio(self) -> float:
        return contrast(self.colour, self.ground)

    @property
    def passes(self) -> bool:
        return self.ratio >= self.needed


def parse(text: str) -> str:
    """``#rrggbb`` in small letters; raises ``ValueError``."""
    colour = text.strip().lower()
    if re.fullmatch(r"#[0-9a-f]{3}", colour):
        colour = "#" + "".join(each * 2 for each in colour[1:])
    if not HEX.fullmatch(colour):
        raise ValueError("no colour")
    return colour


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, contrast ratio."""
    brighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    red, green, blue = _linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@cache
def shades_of(colour: str) -> Shades:
    """Whether they can be read is what ``pairs_of`` says: on light ground the colour stays what it is."""
    lightness, chroma, hue = _lch(colour)
    wash_light, wash_dark = _hex((0.935, min(chroma, 0.022), hue)), _hex((0.27, min(chroma, 0.038), hue))
    grounds = [*DARK.values(), wash_dark]
    dark = _first(
        ((each, min(chroma, 0.115), hue) for each in _steps(max(lightness, 0.74), up=True)),
        lambda shade: all(contrast(shade, ground) >= TEXT for ground in grounds),
    )
    # Under white words, and still a part that can be told from the page.
    fill_dark = _first(
        ((each, min(chroma, 0.17), hue) for each in _steps(0.60, up=False)), lambda shade: contrast(WHITE, shade) >= 5
    )
    strong_dark = _first(
        ((each, min(chroma, 0.17), hue) for each in _steps(0.66, up=False)),
        lambda shade: contrast(WHITE, shade) >= TEXT,
    )
    return Shades(
        light=colour,
        dark=dark,
        fill_light=colour,
        fill_dark=fill_dark,
        strong_light=_hex((max(lightness - 0.07, 0.0), chroma, hue)),
        strong_dark=strong_dark,
        wash_light=wash_light,
        wash_dark=wash_dark,
    )


def pairs_of(colour: str) -> list[Pair]:
    """Everything this colour is used for, in both themes."""
    shades = shades_of(colour)
    pairs: list[Pair] = []
    for theme, grounds, text, fill, strong, wash in (
        ("light", LIGHT, shades.light, shades.fill_light, shades.strong_light, shades.wash_light),
        ("dark", DARK, shades.dark, shades.fill_dark, shades.strong_dark, shades.wash_dark),
    ):
        pairs += [Pair(theme, "text", text, ground, TEXT) for ground in (*grounds.values(), wash)]
        pairs += [Pair(theme, "label", WHITE, ground, TEXT) for ground in (fill, strong)]
        pairs += [Pair(theme, "part", fill, ground, PART) for ground in grounds.values()]
    return pairs


def can_be_read(colour: str) -> bool:
    return all(pair.passes for pair in pairs_of(colour))


def nearest(colour: str) -> str:
    """The same hue, only as much darker as it takes; itself where it can be read."""
    if can_be_read(colour):
        return colour
    lightness, chroma, hue = _lch(colour)
    return _first(((each, chroma, hue) for each in _steps(lightness, up=False)), can_be_read)


def style_sheet(accent: str, second: str) -> str:
    """What replaces the tokens of hub.css: one rule in the same layer, after it."""
    first, rest = shades_of(accent), shades_of(second)
    tokens = {
        "accent": (first.light, first.dark),
        "accent-fill": (first.fill_light, first.fill_dark),
        "accent-fill-strong": (first.strong_light, first.strong_dark),
        "accent-wash": (first.wash_light, first.wash_dark),
        "rest": (rest.light, rest.dark),
        "rest-wash": (rest.wash_light, rest.wash_dark),
    }
    return "".join(f"--{name}:light-dark({light},{dark});" for name, (light, dark) in tokens.items())


def _steps(start: float, *, up: bool) -> Iterable[float]:
    count = int((1 - start if up else start) / STEP) + 2
    return (min(1.0, max(0.0, start + (STEP if up else -STEP) * each)) for each in range(count))


def _first(candidates: Iterable[Lch], passes: Callable[[str], bool]) -> str:
    """White and black end every row, and pass."""
    shade = ""
    for each in candidates:
        shade = _hex(each)
        if passes(shade):
            break
    return shade


# sRGB (IEC 61966-2-1) and OKLab (B. Ottosson, 2020).
def _linear(colour: str) -> Rgb:
    values = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in values)
    return red, green, blue


def _lch(colour: str) -> Lch:
    red, green, blue = _linear(colour)
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    middle = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    lightness = 0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short
    a = 1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short
    b = 0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short
    return lightness, hypot(a, b), atan2(b, a) * 180 / 3.141592653589793


def _hex(lch: Lch) -> str:
    """What the screen cannot show loses colour, never hue or lightness."""
    lightness, chroma, hue = lch
    for share in range(20, -1, -1):
        rgb = _rgb(lightness, chroma * share / 20, hue)
        if all(-0.0005 <= each <= 1.0005 for each in rgb):
            break
    encoded = (12.92 * each if each <= 0.0031308 else 1.055 * each ** (1 / 2.4) - 0.055 for each in map(_held, rgb))
    return "#" + "".join(f"{round(each * 255):02x}" for each in encoded)


def _held(value: float) -> float:
    return min(1.0, max(0.0, value))


def _rgb(lightness: float, chroma: float, hue: float) -> Rgb:
    a, b = chroma * cos(radians(hue)), chroma * sin(radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short,
    )
