"""Once a member is erased, their name, login, mail and telephone are nowhere: not one byte of what the hub keeps."""

import json
import subprocess
import sys

import pytest

from tests.audit.log.test_killed import own_database  # noqa: F401 a fixture
from tools.checks import ROOT


@pytest.mark.gdpr("G20", "G30")
def test_no_byte_of_database_exports_or_logs_names_somebody_who_was_erased(own_database, tmp_path):  # noqa: F811
    folder = tmp_path / "exports"
    folder.mkdir()
    command = [sys.executable, "-m", "tests.support.erased_bytes", str(folder)]
    ended = subprocess.run(command, cwd=ROOT, env=own_database, capture_output=True, text=True, timeout=900)

    assert ended.returncode == 0, ended.stderr[-2000:]
    told = json.loads(ended.stdout.splitlines()[-1])
    assert (told["erased"], told["verdict"]) == (1, "sound")
    # They were there before: name, login, mail, telephones, number, address, place in the directory.
    assert told["known"] >= 9
    assert told["found"] == {"database": [], "export": [], "log": [], "data folder": []}
