"""Entry point of a demonstration tool's server."""

import os

from django.core.wsgi import get_wsgi_application

os.environ["DJANGO_SETTINGS_MODULE"] = "demo.tools.settings"
application = get_wsgi_application()
