"""Photos from wherever: decoded within limits, and made anew."""

import re
import struct
import subprocess
import sys
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from directory import pictures
from directory.pictures import MAX_BYTES, PhotoRefused

ROOT = Path(__file__).resolve().parents[2]
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


@pytest.mark.parametrize("orientation", range(1, 9))
def test_however_a_camera_was_held_the_head_is_up(orientation):
    """As Pillow's own turning of the whole picture, which would cost as much memory again."""
    image = Image.new("RGB", (200, 200), (0, 0, 255))
    image.paste((255, 0, 0), (0, 0, 100, 50))
    exif = Image.Exif()
    exif[0x0112] = orientation
    out = BytesIO()
    image.save(out, "PNG", exif=exif.tobytes())
    right = ImageOps.exif_transpose(Image.open(BytesIO(out.getvalue()))).convert("RGB")

    turned = pictures.read(out.getvalue()).image

    assert [turned.getpixel(place) for place in PLACES] == [right.getpixel(place) for place in PLACES]


PLACES = [(10, 10), (190, 10), (10, 190), (190, 190), (80, 10), (10, 80), (120, 190), (190, 120)]

MEASURE = """
import re, sys
from directory import pictures
def peak():
    # Of this program alone: what getrusage(2) tells is inherited from whoever started it.
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])
raw = open(sys.argv[1], "rb").read()
before = peak()
pictures.read(raw).kept()
print((peak() - before) // 1024)
"""


def test_the_largest_photo_costs_no_more_than_its_pixels_and_once_again(tmp_path):
    """Of 25 million pixels with transparency, four bytes each: 100 MB, and as much on white."""
    Image.new("RGBA", (5000, 5000), (10, 200, 30, 128)).save(tmp_path / "clear.png")
    assert (tmp_path / "clear.png").stat().st_size < 200_000

    told = subprocess.run(
        [sys.executable, "-c", MEASURE, tmp_path / "clear.png"], cwd=ROOT, check=True, capture_output=True, text=True
    )

    assert int(told.stdout) < 300


def of_a_telephone(*, progressive: bool = False) -> bytes:
    """Twelve million pixels with the grain of a sensor, lying on their side, with a preview and a place."""
    red, green, blue = (Image.effect_noise((4032, 3024), sigma) for sigma in (30, 34, 38))
    preview = BytesIO()
    Image.effect_noise((160, 120), 30).save(preview, "JPEG")
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8825)[1] = "N"
    out = BytesIO()
    told = exif.tobytes() + PLACE + preview.getvalue()
    whole = Image.merge("RGB", (red, green, blue))
    whole.save(out, "JPEG", quality=93, exif=told, progressive=progressive)
    return out.getvalue()


@pytest.mark.parametrize("progressive", [False, True])
def test_a_photo_as_a_telephone_makes_it_costs_little_and_is_kept_small(tmp_path, progressive):
    raw = of_a_telephone(progressive=progressive)
    assert 5_000_000 < len(raw) < MAX_BYTES
    (tmp_path / "telephone.jpg").write_bytes(raw)

    began = time.process_time()
    photo = pictures.read(raw)
    took = time.process_time() - began
    told = subprocess.run(
        [sys.executable, "-c", MEASURE, tmp_path / "telephone.jpg"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )

    assert photo.image.size == (512, 512)
    assert len(photo.kept()) < 200_000
    assert len(photo.shown()) < 60_000
    assert PLACE not in photo.kept() + photo.shown()
    assert took < 5
    # Megabytes: it is decoded at half its size; a progressive one keeps its coefficients until the last scan.
    assert int(told.stdout) < (65 if progressive else 55)


def scans_of(count: int) -> bytes:
    """A progressive JPEG of 25 million pixels, one of whose scans is said so many times."""
    out = BytesIO()
    Image.new("RGB", (5000, 5000), (200, 100, 50)).save(out, "JPEG", progressive=True)
    raw = out.getvalue()
    places = [found.start() for found in re.finditer(rb"\xff\xda", raw)]
    scan = raw[places[1] : places[1] + 42]
    return raw[: places[1]] + scan * count + raw[places[1] :]


@pytest.mark.spec("OWASP ASVS", "5.2.6")
def test_a_jpeg_of_a_thousand_scans_is_refused_before_it_is_decoded(monkeypatch):
    raw = scans_of(1000)
    monkeypatch.setattr("PIL.JpegImagePlugin.JpegImageFile.load", lambda self: pytest.fail("decoded"))

    with pytest.raises(PhotoRefused, match="unreadable"):
        pictures.read(raw)


def test_scans_are_not_hidden_behind_a_marker_that_has_no_length(monkeypatch):
    """T.81 table B.1: TEM and SOI stand alone; what looks like their length is the next marker already."""
    raw = scans_of(300)
    place = raw.index(b"\xff\xda")

    for alone in (b"\xff\x01", b"\xff\xd8"):
        assert pictures._scans(raw[:place] + alone + raw[place:]) == pictures._scans(raw) > 300


def test_scans_are_counted_in_the_picture_and_neither_in_its_segments_nor_behind_it():
    """As a telephone appends a film of what was before."""
    plain = picture(comment=b"\xff\xda" * 300) + b"\0\0" + b"\xff\xda\0\2" * 300

    assert pictures._scans(plain) == 1
    assert pictures._scans(picture(progressive=True)) == 10
    assert pictures._scans(scans_of(50)) == 60
    assert pictures.read(plain).image.size == (300, 300)


@pytest.mark.parametrize("raw", [b"\xff\xd8", b"\xff\xd8\xff\xda", b"\xff\xd8" + b"\xff\xda\x00\x00" * 50])
def test_a_jpeg_that_ends_anywhere_is_counted_to_its_end(raw):
    with pytest.raises(PhotoRefused, match="unreadable"):
        pictures.read(raw)


def test_photos_are_decoded_one_after_the_other(monkeypatch):
    inside, most = 0, 0
    real = pictures._square

    def counting(opened, frame):
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        time.sleep(0.02)
        try:
            return real(opened, frame)
        finally:
            inside -= 1

    monkeypatch.setattr(pictures, "_square", counting)
    raw = picture()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(pictures.read, [raw] * 8))

    assert most == 1


@pytest.mark.parametrize(
    ("size", "frame", "colour"),
    [
        ((900, 300), pictures.Frame(0), "red"),
        ((900, 300), pictures.Frame(0.5), "green"),
        ((900, 300), pictures.Frame(1), "blue"),
        ((300, 900), pictures.Frame(0), "red"),
        ((300, 900), pictures.Frame(1), "blue"),
        ((300, 900), pictures.Frame(0.5, 0.5), "green"),
    ],
)
def test_the_square_that_is_kept_is_the_one_that_was_chosen(size, frame, colour):
    """Three squares in a row, one above the other or side by side."""
    whole = Image.new("RGB", size)
    step = (300, 0) if size[0] > size[1] else (0, 300)
    for number, each in enumerate(("red", "green", "blue")):
        whole.paste(Image.new("RGB", (300, 300), each), (step[0] * number, step[1] * number))
    raw = BytesIO()
    whole.save(raw, "PNG")

    kept = pictures.read(raw.getvalue(), frame).image

    assert kept.size[0] == kept.size[1] == round(300 * frame.share)
    middle = kept.getpixel((kept.size[0] // 2, kept.size[1] // 2))
    assert middle == Image.new("RGB", (1, 1), colour).getpixel((0, 0))
    assert kept.getpixel((2, 2)) == middle
