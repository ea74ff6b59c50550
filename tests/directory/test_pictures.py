"""Photos from wherever: decoded within limits, and made anew."""

import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image

from directory import pictures
from directory.pictures import MAX_BYTES, PhotoRefused

PLACE = b"43.6108N 3.8767E"


def picture(kind: str = "JPEG", size: tuple[int, int] = (300, 400), mode: str = "RGB", **options: object) -> bytes:
    out = BytesIO()
    Image.effect_noise(size, 60).convert(mode).save(out, kind, **options)
    return out.getvalue()


def with_place() -> bytes:
    """As a telephone writes it: where, with what, and lying on its side."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "Telephone of Noemie"
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (43.0, 36.0, 39.0)
    return picture(exif=exif.tobytes() + PLACE, comment=PLACE)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_header(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))


def bomb(width: int, height: int) -> bytes:
    """A few kilobytes that unfold to a white plane of any size."""
    packer = zlib.compressobj(9)
    row = b"\0" + b"\xff" * width
    packed = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    return png_header(width, height) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_each_of_the_three_formats_comes_to_a_small_square(kind):
    photo = pictures.read(picture(kind))

    shown, kept = Image.open(BytesIO(photo.shown())), Image.open(BytesIO(photo.kept()))
    assert (shown.format, shown.size) == ("WEBP", (256, 256))
    assert (kept.format, kept.size) == ("JPEG", (300, 300))


def test_a_large_one_is_made_smaller_and_a_small_one_is_not_blown_up():
    large, small = pictures.read(picture(size=(2400, 1800), quality=10)), pictures.read(picture(size=(40, 60)))

    assert Image.open(BytesIO(large.kept())).size == (512, 512)
    assert Image.open(BytesIO(small.shown())).size == (40, 40)


@pytest.mark.parametrize("mode", ["L", "RGBA", "LA", "P", "1", "I;16", "CMYK"])
def test_every_kind_of_colour_can_be_shown(mode):
    kind = "JPEG" if mode == "CMYK" else "PNG"
    out = BytesIO()
    Image.new(mode, (64, 64)).save(out, kind)

    assert Image.open(BytesIO(pictures.read(out.getvalue()).shown())).size == (64, 64)


def test_what_is_transparent_is_white():
    out = BytesIO()
    Image.new("RGBA", (64, 64), (0, 0, 0, 0)).save(out, "PNG")

    assert pictures.read(out.getvalue()).image.getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.spec("OWASP ASVS", "5.2.2")
def test_the_place_where_it_was_taken_is_gone_from_both():
    raw = with_place()
    assert b"Telephone of Noemie" in raw
    assert PLACE in raw

    photo = pictures.read(raw)

    for made in (photo.shown(), photo.kept()):
        assert b"Telephone" not in made
        assert PLACE not in made
        assert not Image.open(BytesIO(made)).getexif()
        assert b"Exif" not in made


def test_a_portrait_that_lies_on_its_side_stands_up_again():
    out = BytesIO()
    upright = Image.new("RGB", (100, 100), "white")
    upright.paste("black", (0, 0, 100, 50))
    exif = Image.Exif()
    exif[0x0112] = 6
    upright.save(out, "JPEG", exif=exif.tobytes())

    turned = pictures.read(out.getvalue()).image

    assert turned.getpixel((90, 50))[0] < 50
    assert turned.getpixel((10, 50))[0] > 200


@pytest.mark.spec("OWASP ASVS", "5.2.1")
def test_more_bytes_than_the_limit_are_not_looked_at():
    with pytest.raises(PhotoRefused, match="too_heavy"):
        pictures.read(b"\xff\xd8" + bytes(MAX_BYTES))


@pytest.mark.spec("OWASP ASVS", "5.2.6")
def test_more_pixels_than_the_limit_are_refused_by_the_header_alone():
    """Only a header: what would be decoded is not even there."""
    with pytest.raises(PhotoRefused, match="too_large"):
        pictures.read(png_header(5001, 5000) + chunk(b"IDAT", b""))


def test_a_decompression_bomb_is_refused_before_it_unfolds(monkeypatch):
    raw = bomb(6000, 6000)
    assert len(raw) < 60_000
    unfolded = []
    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", lambda self: unfolded.append(self.size))

    with pytest.raises(PhotoRefused, match="too_large"):
        pictures.read(raw)

    assert unfolded == []


def test_a_bomb_beyond_pillows_own_limit_is_refused_too():
    with pytest.raises(PhotoRefused, match="too_large"):
        pictures.read(png_header(60_000, 60_000) + chunk(b"IDAT", b""))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"\x89PNG\r\n\x1a\n" + bytes(range(200)),
        picture()[:900],
        picture("GIF"),
        picture("BMP"),
        picture("TIFF"),
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
        png_header(10, 10) + chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(80_000_000))) + chunk(b"IEND", b""),
    ],
    ids=["empty", "svg", "spoilt png", "cut jpeg", "gif", "bmp", "tiff", "postscript", "text bomb"],
)
@pytest.mark.spec("OWASP ASVS", "5.2.2")
def test_anything_else_is_unreadable(raw):
    with pytest.raises(PhotoRefused, match="unreadable"):
        pictures.read(raw)


def test_a_file_that_is_a_picture_and_a_page_at_once_is_only_a_picture_afterwards():
    raw = picture(comment=b"<script>alert(1)</script>") + b"<script>alert(2)</script>"

    photo = pictures.read(raw)

    assert b"script" not in photo.shown() + photo.kept()
