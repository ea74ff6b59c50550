"""Starts one tool: its tables first, then its server in this very process."""

import os
import sys
from urllib.parse import urlsplit

import django
from django.core.management import call_command

from demo.tools.config import CONFIG


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "demo.tools.settings"
    CONFIG.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    django.setup()
    call_command("migrate", run_syncdb=True, interactive=False, verbosity=0)
    call_command("clearsessions", verbosity=0)
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1"]
    command += ["--port", str(urlsplit(CONFIG.origin).port), "--workers", "1", "--blocking-threads", "4", "--no-ws"]
    os.execv(sys.executable, [*command, "demo.tools.wsgi:application"])  # noqa: S606 - no shell wanted


if __name__ == "__main__":
    main()
