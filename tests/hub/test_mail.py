"""The address of a mail server says where, as whom and under which protection."""

import os
import subprocess
import sys

import pytest

from hub import mail
from hub.env import ROOT
from hub.mail import Server


@pytest.mark.parametrize(
    ("url", "port", "tls_first", "starttls"),
    [
        ("smtps://mail.example", 465, True, False),
        ("smtp+tls://mail.example", 587, False, True),
        ("smtp://localhost", 25, False, False),
        ("smtps://mail.example:2465", 2465, True, False),
        ("smtp+tls://mail.example:2587/", 2587, False, True),
    ],
)
def test_each_protection_has_its_port_unless_another_is_named(url, port, tls_first, starttls):
    told = mail.server(url)

    assert told is not None
    assert (told.port, told.tls_first, told.starttls) == (port, tls_first, starttls)


def test_user_and_password_may_hold_every_character():
    told = mail.server("smtps://hub%40example.org:p%40ss%3A%2F%23%25@mail.example")

    assert told == Server("mail.example", 465, "hub@example.org", "p@ss:/#%", tls_first=True, starttls=False)
    assert "p@ss" not in repr(told)


def test_the_settings_follow_a_secret_file(tmp_path):
    (tmp_path / "trousseau_mail_url").write_text("smtps://hub:secret@mail.example\n", encoding="utf-8")
    outer = {name: value for name, value in os.environ.items() if not name.startswith("TROUSSEAU_")}
    environment = {**outer, "TROUSSEAU_SECRETS_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "hub.settings"}
    names = "EMAIL_HOST EMAIL_PORT EMAIL_HOST_USER EMAIL_HOST_PASSWORD EMAIL_USE_SSL EMAIL_USE_TLS"

    told = subprocess.run(
        [sys.executable, "-c", f"from hub import settings; print(*(getattr(settings, n) for n in {names.split()}))"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert told.stdout.split() == ["mail.example", "465", "hub", "secret", "True", "False"]
