"""Letters without their accents, for whoever looks for something and types them or not."""

import unicodedata


def without_accents(text: str) -> str:
    """The letters that these are made of (NFKD), without the marks on them; case and ligatures stay."""
    return "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))
