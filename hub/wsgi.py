"""Entry point of the web server."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

from hub.postgresql import base

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.settings")
_django = get_wsgi_application()
# Browsers and tools give up after ten; a statement of a request takes milliseconds.
base.answer_seconds = 3.0


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Everything is read as UTF-8.  Django would look for whatever codec a request names, before any error page."""
    kind, _, parameters = environ.get("CONTENT_TYPE", "").partition(";")
    if "charset" in parameters.lower():
        kept = [each for each in parameters.split(";") if "charset" not in each.lower()]
        environ["CONTENT_TYPE"] = ";".join([kind, *kept])
    answer: Iterable[bytes] = _django(environ, start_response)
    return answer
