"""Processes of one hub whose clocks run thousands of times faster, all alike: for rotations under load.

``python -m tests.support.key_servers serve|work DATABASE START SPEED`` — ``START`` is the real second at which the
hub's time equals the real one.  A server prints its port; it signs and reads hints over HTTP, beside the real key set.
"""

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

ROOT = Path(__file__).resolve().parent.parent.parent
ROTATION = timedelta(hours=6)
# Long beside the minute of a process and the ten of a tool: a stalled test machine loses hours in a second.
AHEAD = timedelta(hours=5)


class Fast:
    """The hub's time: the real one, seen from ``start`` on through a magnifying glass."""

    def __init__(self, start: float, speed: float) -> None:
        self.start, self.speed = start, speed

    def seconds(self) -> float:
        return self.start + (time.time() - self.start) * self.speed

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds(), UTC)


class Process:
    """One of the hub's processes, ended with the test by its own id."""

    def __init__(self, kind: str, database: Path, clock: Fast) -> None:
        arguments = [kind, str(database), repr(clock.start), repr(clock.speed)]
        self.child = subprocess.Popen(
            [sys.executable, "-m", "tests.support.key_servers", *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(database),
        )

    def address(self) -> str:
        assert self.child.stdout is not None
        return f"http://127.0.0.1:{int(self.child.stdout.readline())}"

    def end(self) -> str:
        """Returns what it had printed."""
        self.child.terminate()
        text, _ = self.child.communicate(timeout=20)
        return text


def environment(database: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "CACHE_URL")}
    return {
        **kept,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "TROUSSEAU_DATA_DIR": str(database.parent),
        "TROUSSEAU_LOG_LEVEL": "ERROR",
    }


def prepare(database: Path) -> None:
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(command, cwd=ROOT, check=True, env=environment(database))


def _set_up(clock: Fast) -> None:
    import django

    django.setup()
    from django.conf import settings
    from django.utils import timezone

    from idp.services.keys import registry

    timezone.now = clock.now
    vars(registry)["monotonic"] = clock.seconds
    settings.KEY_ROTATION, settings.KEY_PUBLISH_AHEAD = ROTATION, AHEAD
    settings.KEY_SET_MARGIN, settings.KEY_HINT_PERIOD = timedelta(minutes=30), timedelta(days=30)
    settings.ALLOWED_HOSTS = ["127.0.0.1"]


def _work(clock: Fast) -> None:
    """The worker's job, as often as it can: several of these race."""
    from django.db import OperationalError

    from idp.services import keys

    while True:
        try:
            keys.rotate_due(now=clock.now())
        except OperationalError as error:
            # SQLite's one writer was busy for too long: the worker tries again at its next turn.
            print(type(error).__name__, flush=True)
        time.sleep(0.02)


def _serve() -> None:
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application

    from idp.services import keys

    hub = get_wsgi_application()

    def application(environ, start_response):
        algorithm = environ["QUERY_STRING"]
        if environ["PATH_INFO"] == "/sign":
            answer = keys.sign({"iss": settings.ISSUER, "sub": "someone"}, alg=algorithm)
        elif environ["PATH_INFO"] == "/hint":
            answer = json.dumps(keys.verify(environ["QUERY_STRING"]))
        else:
            return hub(environ, start_response)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [answer.encode()]

    class Threaded(ThreadingMixIn, WSGIServer):
        daemon_threads = True

    class Quiet(WSGIRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            return

    with make_server("127.0.0.1", 0, application, Threaded, Quiet) as server:
        print(server.server_port, flush=True)
        server.serve_forever()


def main() -> None:
    kind, _database, start, speed = sys.argv[1:]
    clock = Fast(float(start), float(speed))
    _set_up(clock)
    if kind == "serve":
        _serve()
    _work(clock)


if __name__ == "__main__":
    main()
