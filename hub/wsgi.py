"""Entry point of the web server."""

import os

from django.core.wsgi import get_wsgi_application

from hub.postgresql import base

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.settings")
application = get_wsgi_application()
# Browsers and tools give up after ten; a statement of a request takes milliseconds.
base.answer_seconds = 3.0
