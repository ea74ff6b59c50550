"""Photos: whatever a directory or a person gives, decoded within limits and made anew.  No Django, no clock.

Nothing is served, kept or written back as it came: a file that is a picture and a page at once, the place where a
portrait was taken, a preview of what was cut away, all of it stays behind.
"""

import hashlib
import re
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from io import BytesIO

from PIL import Image, ImageOps, UnidentifiedImageError

# As telephones make them; of what is kept, nothing is larger for it.
MAX_BYTES = 15_000_000
# Looked at in the header, before anything is decoded: a few kilobytes may stand for gigabytes of pixels.
MAX_PIXELS = 25_000_000
# Forty bytes are one scan more of a progressive JPEG (ITU-T T.81 annex G), which goes over the whole picture again: two
# hundred kilobytes of them take half a minute.  Cameras write ten.
MAX_SCANS = 100
# What has a length behind it: not TEM, RSTn and SOI (T.81 table B.1), behind which libjpeg goes on at once.
MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]")
START_OF_SCAN, END_OF_IMAGE = 0xDA, 0xD9
# Decoders are where the holes are (CVE-2023-4863, CVE-2024-28219 …): three formats, and none of Pillow's forty others.
FORMATS = ("JPEG", "PNG", "WEBP")
# As pages show it, at most, and on a screen twice as fine; as the directory keeps it.
SHOWN, KEPT, LOGO = 256, 512, 128
SHOWN_QUALITY, KEPT_QUALITY = 80, 85
# A logo is read from a distance and never fills a page.
LOGO_WIDTH, LOGO_HEIGHT = 640, 192
# A picture beside a text, across a page on a screen twice as fine.
ILLUSTRATION, ILLUSTRATION_QUALITY = 1280, 75
# Exif 2.32 §4.6.4: how the camera was held.
ORIENTATION = 0x0112
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# One at a time in a process: a hundred kilobytes may stand for hundreds of megabytes of pixels, and warnings are caught
# for all threads at once.
ALONE = threading.Lock()
# In the digest: what is made otherwise is made again.
VERSION = b"1"


class PhotoRefused(ValueError):
    """No photo that can be shown; ``reason`` is a code: too_heavy, too_large, unreadable."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Photo:
    """A square portrait, in pixels alone."""

    image: Image.Image

    def shown(self) -> bytes:
        """WebP, for pages."""
        return _encoded(self.image, SHOWN, "WEBP", quality=SHOWN_QUALITY, method=4)

    def kept(self) -> bytes:
        """JPEG (RFC 2798 §2.6), for a directory."""
        return _encoded(self.image, KEPT, "JPEG", quality=KEPT_QUALITY, optimize=True)


@dataclass(frozen=True, slots=True)
class Logo:
    """A mark in its own proportions, clear where it was clear."""

    image: Image.Image

    def shown(self) -> bytes:
        """PNG: few colours, sharp edges."""
        out = BytesIO()
        self.image.save(out, "PNG", optimize=True)
        return out.getvalue()


@dataclass(frozen=True, slots=True)
class Frame:
    """Which square of a picture is kept: where it stands along the long side, and how much of the short side it is.

    ``along``: 0 is the left or the top, 1 the right or the bottom.
    """

    along: float = 0.35
    share: float = 1.0


# A head is in the upper part of a portrait.
USUAL = Frame()


def digest_of(raw: bytes) -> str:
    """Of a photo as it came; another one where it would be made otherwise."""
    return hashlib.sha256(VERSION + raw).hexdigest()


def read(raw: bytes, frame: Frame = USUAL) -> Photo:
    """Raises ``PhotoRefused``."""
    return Photo(_decoded(raw, partial(_square, frame=frame)))


def read_logo(raw: bytes) -> Logo:
    """Raises ``PhotoRefused``."""
    return Logo(_decoded(raw, _whole))


def logo(raw: bytes) -> bytes:
    """A tool's mark: the whole of it, on a white square, WebP.  Raises ``PhotoRefused``."""
    mark = _decoded(raw, _whole)
    mark.thumbnail((LOGO, LOGO))
    square = Image.new("RGB", (LOGO, LOGO), (255, 255, 255))
    square.paste(mark, ((LOGO - mark.width) // 2, (LOGO - mark.height) // 2), mark)
    return _encoded(square, LOGO, "WEBP", quality=KEPT_QUALITY, method=6)


def illustration(raw: bytes) -> bytes:
    """A picture of any shape, the whole of it, upright, WebP.  Raises ``PhotoRefused``."""
    drawn = _decoded(raw, _upright)
    return _encoded(drawn, drawn.width, "WEBP", quality=ILLUSTRATION_QUALITY, method=4)


def measured(kept: bytes) -> tuple[int, int]:
    """How wide and high a picture is that was made here: by its header, for the place that a page leaves for it."""
    with Image.open(BytesIO(kept), formats=("WEBP",)) as found:
        return found.size


def _decoded(raw: bytes, made: Callable[[Image.Image], Image.Image]) -> Image.Image:
    if len(raw) > MAX_BYTES:
        raise PhotoRefused("too_heavy")
    if raw.startswith(b"\xff\xd8") and _scans(raw) > MAX_SCANS:
        raise PhotoRefused("unreadable")
    try:
        # What Pillow only warns of is refused: it is nobody's portrait.
        with ALONE, warnings.catch_warnings(), Image.open(BytesIO(raw), formats=FORMATS) as opened:
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return made(opened)
    except PhotoRefused:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PhotoRefused("too_large") from error
    # Decoders raise what they like on a spoilt file: struct.error, IndexError, SyntaxError, MemoryError …
    except (UnidentifiedImageError, Exception) as error:
        raise PhotoRefused("unreadable") from error


def _scans(raw: bytes) -> int:
    """How many scans the first picture of a JPEG has (T.81 annex B): what its segments hold, or follows it, is none."""
    count, place = 0, 2
    while (found := MARKER.search(raw, place)) is not None and raw[found.end() - 1] != END_OF_IMAGE:
        count += raw[found.end() - 1] == START_OF_SCAN
        length = int.from_bytes(raw[found.end() : found.end() + 2], "big")
        place = found.end() + max(length, 2)
    return count


def _whole(opened: Image.Image) -> Image.Image:
    """Nothing is cut away but an empty margin; pixels alone, as with portraits."""
    _check_size(opened)
    opened.load()
    clear = opened.convert("RGBA")
    if (drawn := clear.getchannel("A").getbbox()) is None:
        raise PhotoRefused("unreadable")
    clear = clear.crop(drawn)
    clear.thumbnail((LOGO_WIDTH, LOGO_HEIGHT))
    fresh = Image.new("RGBA", clear.size)
    fresh.paste(clear)
    return fresh


def _check_size(opened: Image.Image) -> None:
    width, height = opened.size
    if width * height > MAX_PIXELS:
        raise PhotoRefused("too_large")


def _square(opened: Image.Image, frame: Frame) -> Image.Image:
    _check_size(opened)
    # A JPEG is decoded at a fraction of its size where that is enough.
    least = round(KEPT * 2 / frame.share)
    opened.draft("RGB", (least, least))
    opened.load()
    plain = _on_white(opened)
    # Small first: a turned copy of what is large would cost as much again.
    plain = plain.reduce(max(1, min(plain.size) // least))
    turn = TURNS.get(opened.getexif().get(ORIENTATION, 1))
    plain = plain.transpose(turn) if turn is not None else plain
    plain = _framed(plain, frame)
    side = min(KEPT, *plain.size)
    fitted = ImageOps.fit(plain, (side, side))
    # Pixels into a new picture: nothing else of the file comes along.
    fresh = Image.new("RGB", fitted.size)
    fresh.paste(fitted)
    return fresh


def _upright(opened: Image.Image) -> Image.Image:
    """Nothing is cut away; pixels alone, as with portraits."""
    _check_size(opened)
    opened.draft("RGB", (ILLUSTRATION, ILLUSTRATION))
    opened.load()
    plain = _on_white(opened)
    plain.thumbnail((ILLUSTRATION, ILLUSTRATION))
    turn = TURNS.get(opened.getexif().get(ORIENTATION, 1))
    plain = plain.transpose(turn) if turn is not None else plain
    fresh = Image.new("RGB", plain.size)
    fresh.paste(plain)
    return fresh


def _framed(plain: Image.Image, frame: Frame) -> Image.Image:
    """The square, across the short side in its middle."""
    width, height = plain.size
    side = max(1, round(min(width, height) * frame.share))
    across = (min(width, height) - side) // 2
    along = round((max(width, height) - side) * frame.along)
    left, top = (along, across) if width > height else (across, along)
    return plain.crop((left, top, left + side, top + side))


def _on_white(opened: Image.Image) -> Image.Image:
    """What is transparent is white, as on paper."""
    if "A" not in opened.getbands() and "transparency" not in opened.info:
        return opened if opened.mode == "RGB" else opened.convert("RGB")
    clear = opened if opened.mode == "RGBA" else opened.convert("RGBA")
    white = Image.new("RGB", clear.size, (255, 255, 255))
    white.paste(clear, mask=clear.getchannel("A"))
    return white


def _encoded(image: Image.Image, side: int, kind: str, **options: int | bool) -> bytes:
    smaller = image if image.width <= side else image.resize((side, side))
    out = BytesIO()
    smaller.save(out, kind, **options)
    return out.getvalue()
