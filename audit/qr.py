"""Text as a picture that a telephone reads back, character for character."""

from base64 import b64encode
from io import BytesIO
from typing import Any

import qrcode
from qrcode.image.pil import PilImage
from qrcode.image.svg import SvgPathImage


def png(text: str) -> bytes:
    """For mails, whose readers show no SVG."""
    return _drawn(text, PilImage)


def svg_data_uri(text: str) -> str:
    """For pages, and sharp on paper."""
    return "data:image/svg+xml;base64," + b64encode(_drawn(text, SvgPathImage)).decode()


def _drawn(text: str, factory: Any) -> bytes:
    # Level L: paper and screens lose no corner, and fewer squares are larger ones.
    code: Any = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_L, box_size=6)
    code.add_data(text.encode())
    file = BytesIO()
    code.make_image(image_factory=factory).save(file)
    return file.getvalue()
