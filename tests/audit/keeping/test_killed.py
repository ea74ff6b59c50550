"""Whatever is killed when: every part that went was announced once, and everything that was to go went."""

import json
import subprocess
import sys

from tests.audit.log.test_killed import own_database  # noqa: F401 a fixture
from tests.support.killing_keeping import EACH, GONE_FOR_GOOD
from tools.checks import ROOT

KILLS = 60
SEED = 20261130


def test_erasures_and_a_run_that_are_killed_again_and_again_end_as_if_nothing_had_happened(own_database, tmp_path):  # noqa: F811
    folder = tmp_path / "exports"
    folder.mkdir()
    command = [sys.executable, "-m", "tests.support.killing_keeping", str(KILLS), str(SEED), str(folder)]
    ended = subprocess.run(command, cwd=ROOT, env=own_database, capture_output=True, text=True, timeout=1500)

    assert ended.returncode == 0, ended.stderr[-2000:]
    told = json.loads(ended.stdout)
    assert told["wrong"] == []
    assert (told["left"], told["open"], told["names"]) == (0, 0, 0)
    # The run of before, the one that was killed, and each erasure.
    assert told["over"] == GONE_FOR_GOOD + 2
    assert told["announced"] == 1
    # Agreements stay as proof, and are still theirs.
    assert told["kept"] == GONE_FOR_GOOD * EACH
    # So does who acted on others' accounts.
    assert told["acts"] == GONE_FOR_GOOD * EACH
    # It was looked at in the middle.
    assert told["looked"] > 0
