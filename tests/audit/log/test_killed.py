"""A thousand kills at random points: no event is lost, none is doubled, and no two signatures contradict each other."""

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from tools.checks import ROOT

# On each of the two databases that the tests run on.
KILLS = 500
SEED = 20261129


@pytest.fixture
def own_database(tmp_path: Path) -> dict[str, str]:
    """The environment of a hub with a database that nobody else uses, on the server of these tests."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "TROUSSEAU_DATA_DIR": str(tmp_path)}
    if "DATABASE_URL" in os.environ:
        server = os.environ["DATABASE_URL"]
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute("DROP DATABASE IF EXISTS killed")
            connection.execute("CREATE DATABASE killed")
        environment["DATABASE_URL"] = urlsplit(server)._replace(path="/killed").geturl()
    return environment


def test_a_sequencer_killed_again_and_again_loses_and_doubles_nothing(own_database):
    seed = SEED + ("DATABASE_URL" in own_database)
    command = [sys.executable, "-m", "tests.support.killing", str(KILLS), str(seed)]
    ended = subprocess.run(command, cwd=ROOT, env=own_database, capture_output=True, text=True, timeout=1500)

    assert ended.returncode == 0, ended.stderr[-2000:]
    told = json.loads(ended.stdout)
    assert told["same"]
    assert told["written"] == told["sequenced"] > KILLS
    assert told["waiting"] == 0
    # They lived long enough to be killed in the middle of something.
    assert told["sequenced_meanwhile"] > KILLS
    assert told["signed_meanwhile"] > 25
    assert told["wrong"] == []
