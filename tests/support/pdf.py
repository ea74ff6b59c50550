"""What is inside a PDF, without a reader: its objects, unpacked."""

import re
import zlib


def opened(document: bytes) -> str:
    """Everything a PDF says of itself, and what its compressed streams say."""
    parts = [document]
    for packed in re.findall(rb"stream\r?\n(.*?)endstream", document, re.DOTALL):
        try:
            parts.append(zlib.decompress(packed))
        except zlib.error:
            continue
    return b"\n".join(parts).decode("latin-1")
