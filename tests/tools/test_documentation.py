"""What is generated is current, and the README says what the commands do."""

from hub.env import ROOT
from tools import settings_table
from tools.checks import APPS


def test_the_table_of_settings_tells_of_every_setting():
    assert settings_table.table() in settings_table.PAGE.read_text(encoding="utf-8")


def test_each_of_the_two_commands_stands_alone_on_a_line_of_the_readme():
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()

    assert lines.count("./trousseau demo") == 1
    assert lines.count("./trousseau test") == 1


def test_every_pin_is_exact():
    for name in ("requirements.txt", "requirements-dev.txt"):
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
            assert not line or line.startswith(("#", "-r ")) or "==" in line, line


def test_the_checks_look_at_every_app():
    apps = {path.parent.name for path in ROOT.glob("*/apps.py")}

    assert apps == set(APPS)
