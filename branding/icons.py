"""The square icon of the hub, for home screens and tabs: the logo on paper, or two keys on the accent.  No Django."""

from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from math import cos, radians, sin

from PIL import Image, ImageDraw

PAPER = (255, 253, 249, 255)
# Drawn larger, then made small: edges come out smooth.
FINER = 4
# Android cuts a circle of 80 % out of what it calls maskable (W3C, Web Application Manifest §"purpose").
SAFE = 0.56


# Twice what mails show, so that fine screens have their share, and how much paper stands around a logo.
MARK_WIDTH, MARK_HEIGHT, MARK_MARGIN = 440, 112, 16


@dataclass(frozen=True, slots=True)
class Mark:
    """The head of a mail: PNG, and how large it is."""

    content: bytes
    width: int
    height: int

    def width_at(self, height: int) -> int:
        return round(self.width * height / self.height)


@lru_cache(maxsize=4)
def mark(*, accent: str, logo: bytes) -> Mark:
    """The whole logo on a plate of paper, which it can be read on whatever the ground; or the icon without one."""
    if not logo:
        return Mark(png(side=MARK_HEIGHT, accent=accent, logo=b"", bleeds=False), MARK_HEIGHT, MARK_HEIGHT)
    with Image.open(BytesIO(logo), formats=("PNG",)) as opened:
        drawn = opened.convert("RGBA")
    drawn.thumbnail((MARK_WIDTH - 2 * MARK_MARGIN, MARK_HEIGHT - 2 * MARK_MARGIN), Image.Resampling.LANCZOS)
    plate = Image.new("RGBA", (drawn.width + 2 * MARK_MARGIN, MARK_HEIGHT))
    ImageDraw.Draw(plate).rounded_rectangle((0, 0, plate.width - 1, plate.height - 1), MARK_MARGIN, fill=PAPER)
    plate.alpha_composite(drawn, (MARK_MARGIN, (MARK_HEIGHT - drawn.height) // 2))
    out = BytesIO()
    plate.save(out, "PNG", optimize=True)
    return Mark(out.getvalue(), plate.width, plate.height)


@lru_cache(maxsize=16)
def png(*, side: int, accent: str, logo: bytes, bleeds: bool) -> bytes:
    """``bleeds``: the ground goes to the edge, for a system that cuts the shape itself."""
    large = side * FINER
    ground = PAPER if logo else (*_rgb(accent), 255)
    icon = Image.new("RGBA", (large, large))
    corner = 0 if bleeds else round(large * 0.22)
    ImageDraw.Draw(icon).rounded_rectangle((0, 0, large - 1, large - 1), corner, fill=ground)
    if logo:
        _logo(icon, logo, round(large * (SAFE if bleeds else 0.8)))
    else:
        _keys(icon, large * (SAFE if bleeds else 0.74))
    out = BytesIO()
    icon.resize((side, side), Image.Resampling.LANCZOS).save(out, "PNG", optimize=True)
    return out.getvalue()


def _logo(icon: Image.Image, logo: bytes, room: int) -> None:
    with Image.open(BytesIO(logo), formats=("PNG",)) as opened:
        mark = opened.convert("RGBA")
    scale = min(room / mark.width, room / mark.height)
    mark = mark.resize((max(1, round(mark.width * scale)), max(1, round(mark.height * scale))))
    icon.alpha_composite(mark, ((icon.width - mark.width) // 2, (icon.height - mark.height) // 2))


def _keys(icon: Image.Image, room: float) -> None:
    """A ring and a key, as the icon of the tab has them."""
    unit = room / 30
    middle = icon.width / 2
    x, y = middle + 7 * unit, middle - 7 * unit
    draw = ImageDraw.Draw(icon)

    def circle(radius: float, fill: tuple[int, int, int, int] | None = None, *, at: float = 0.0) -> None:
        cx, cy = _turned(x, y, 0, at * unit)
        draw.ellipse((cx - radius * unit, cy - radius * unit, cx + radius * unit, cy + radius * unit), fill=fill)

    hole = icon.getpixel((round(middle), 2))
    assert isinstance(hole, tuple)  # noqa: S101
    ground = (int(hole[0]), int(hole[1]), int(hole[2]), 255)
    circle(9.6, (255, 255, 255, 190))
    circle(6.8, ground)
    circle(5.6, (255, 255, 255, 255), at=10)
    shape = ((-2, 14), (-2, 31), (0, 33.2), (2, 31), (2, 30), (5.6, 30), (5.6, 27), (2, 27), (2, 24.6), (4.7, 24.6))
    blade = (*shape, (4.7, 21.6), (2, 21.6), (2, 14))
    draw.polygon([_turned(x, y, px * unit, py * unit) for px, py in blade], fill=(255, 255, 255, 255))
    circle(2.3, ground, at=10)


def _turned(x: float, y: float, dx: float, dy: float) -> tuple[float, float]:
    """From the middle of the ring, 45 degrees down to the left."""
    turn = radians(45)
    return x + dx * cos(turn) - dy * sin(turn), y + dx * sin(turn) + dy * cos(turn)


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
