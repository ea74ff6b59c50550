"""Makes the hub's data ready in one process: tables, keys, static files, directory, tools.

A child of ``demo.run``, with the hub's environment.  Reads its orders as JSON on standard input
and answers with the tools' credentials in the file named there.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import django
from django.core.management import call_command
from django.utils import timezone


def step(text: str) -> None:
    print(text, flush=True)


def main() -> None:
    orders: dict[str, Any] = json.load(sys.stdin)
    os.environ["DJANGO_SETTINGS_MODULE"] = "hub.settings"
    django.setup()
    from demo.news import tell
    from demo.pages import describe_collectives
    from demo.people import show_themselves
    from demo.seed import let_leads_change_members, seed

    step("database tables")
    call_command("migrate", interactive=False, verbosity=0)
    call_command("createcachetable", verbosity=0)
    call_command("ensure_keys", verbosity=0)
    step("style sheets and pictures")
    call_command("collectstatic", interactive=False, verbosity=0)
    step("members and collectives from the directory")
    let_leads_change_members()
    call_command("sync_directory", verbosity=0)
    step("tools, their sheets, roles")
    credentials = seed(ports=orders["ports"], client_secrets=orders["client_secrets"], now=timezone.now())
    show_themselves(timezone.now())
    describe_collectives(timezone.now())
    tell(timezone.now())
    answer = Path(orders["answer"])
    half = answer.with_suffix(".half")
    half.touch(mode=0o600)
    half.write_text(json.dumps(credentials), encoding="utf-8")
    half.replace(answer)


if __name__ == "__main__":
    main()
