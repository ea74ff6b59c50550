"""The technical log: JSON lines on standard error, without paths, queries or values of requests."""

import json
import logging
from typing import Any


class Lines(logging.Formatter):
    """One JSON object a line.

    Django puts the request's path into the messages of ``django.request`` and ``django.security``, and the path
    of some pages carries a key or a name: of these only the status, the route and the kind of error are kept.
    """

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        if record.name.startswith(("django.request", "django.security", "django.server")):
            line |= self._of_request(record)
        elif record.name == "hub.request":
            line |= json.loads(record.getMessage())
        else:
            line["message"] = record.getMessage()
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
            line["where"] = self._where(record)
        return json.dumps(line, ensure_ascii=False)

    @staticmethod
    def _of_request(record: logging.LogRecord) -> dict[str, Any]:
        request = getattr(record, "request", None)
        match = getattr(request, "resolver_match", None)
        return {
            "message": "request",
            "status": getattr(record, "status_code", None),
            "route": match.view_name if match else "none",
            "request": getattr(request, "request_id", ""),
        }

    @staticmethod
    def _where(record: logging.LogRecord) -> list[str]:
        """File, line and function of each frame; the error's own text may quote a value and stays out."""
        trace = record.exc_info[2] if record.exc_info else None
        frames = []
        while trace is not None:
            code = trace.tb_frame.f_code
            frames.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_name}")
            trace = trace.tb_next
        return frames[-12:]


def configuration(level: str) -> dict[str, Any]:
    """The value of ``LOGGING``."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": "hub.logs.Lines"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": {"handlers": [], "level": level, "propagate": True},
            "django.server": {"handlers": [], "propagate": True},
            # Below warnings these write requests, and with them codes, tokens and addresses of tools.
            "oauthlib": {"level": "WARNING"},
            "oauth2_provider": {"level": "WARNING"},
            "urllib3": {"level": "WARNING"},
            # These tell of every page and glyph, and name what a document holds.
            "weasyprint": {"level": "ERROR"},
            "fontTools": {"level": "ERROR"},
        },
    }
