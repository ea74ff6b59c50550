"""What is generated is current, and the README says what the commands do."""

import argparse
import json
import re
from fnmatch import fnmatchcase
from itertools import chain

from django.urls import reverse

from hub.env import ROOT
from idp.management.commands import add_tool
from idp.signin.forms import SignInForm
from tests.certification.modules import MODULES
from tools import settings_table, suite
from tools.checks import APPS

HUB = "https://hub.example"
CERTIFICATION = ROOT / "docs" / "certification.md"
TOOL = {
    "issuer": HUB,
    "client_id": "conf",
    "client_secret": "secret",
    "redirect_uris": ["https://suite.example/test/a/alias/callback?dummy1=lorem"],
}


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


# The conformance suite ------------------------------------------------------------------------------------------------


def configured(plan, tmp_path):
    key = suite.make_key(tmp_path / "conf")[1]
    return suite.configuration(
        plan,
        [TOOL] * len(suite.NAMES[plan]),
        member=["noemie", "one"],
        newcomer=["benoit", "two"],
        keys=[key, key],
        certificates=[tmp_path / "conf", tmp_path / "conf"],
    )


def entries(plan, tmp_path):
    found = configured(plan, tmp_path)
    return [*found["browser"], *chain.from_iterable(each["browser"] for each in found["override"].values())]


def options(parser):
    return {name for action in parser._actions for name in action.option_strings}


def test_the_suite_looks_for_elements_that_the_templates_have(tmp_path):
    texts = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("*/templates/**/*.html"))
    fields = {field.id_for_label for field in SignInForm()}
    known = set(re.findall(r'\bid="([a-z-]+)"', texts)) | fields | {"submission_complete"}

    for plan in suite.NAMES:
        for task in chain.from_iterable(entry["tasks"] for entry in entries(plan, tmp_path)):
            for _command, how, what, *_rest in task.get("commands", []):
                assert how in ("id", "css")
                assert what.removeprefix("#").removesuffix(" [type=submit]") in known, what


def test_the_suite_waits_on_pages_that_the_hub_has(tmp_path):
    names = ("account_login", "account_reauthenticate", "idp:authorize", "idp:end_session", "idp:logged_out")
    pages = {f"{HUB}{reverse(name)}" for name in names} | {"https://suite.example/test/a/alias/post_logout_redirect"}

    matches = {
        each["match"] for plan in suite.NAMES for entry in entries(plan, tmp_path) for each in (entry, *entry["tasks"])
    }

    assert {page for page in pages if any(fnmatchcase(page, match) for match in matches)} == pages
    assert [match for match in matches if not any(fnmatchcase(page, match) for page in pages)] == []


def test_the_suite_is_told_of_modules_that_exist(tmp_path):
    known = set().union(*MODULES.values())

    assert {name for plan in suite.NAMES for name in configured(plan, tmp_path)["override"]} <= known


def test_who_refuses_at_the_suite_is_not_who_agrees(tmp_path):
    override = configured("fapi", tmp_path)["override"]

    (refuses,) = (json.dumps(override[name]) for name in suite.REFUSES)

    assert "benoit" in refuses
    assert "noemie" not in refuses
    assert "consent-accept" not in refuses


def test_the_suite_gets_the_private_key_and_the_hub_the_public_one(tmp_path):
    public, private, *_pem = suite.make_key(tmp_path / "conf")
    found = configured("fapi", tmp_path)

    assert "d" not in json.loads(public.read_text())["keys"][0]
    assert len(found["client"]["jwks"]["keys"]) == 1
    assert "d" in found["client"]["jwks"]["keys"][0]
    assert private.stat().st_mode & 0o077 == 0
    assert found["mtls"]["cert"].startswith("-----BEGIN CERTIFICATE")


def test_the_page_about_certification_names_options_and_variables_that_exist():
    parser = argparse.ArgumentParser()
    add_tool.Command().add_arguments(parser)
    plans = (action for action in suite.parser()._actions if isinstance(action, argparse._SubParsersAction))
    known = options(parser) | set().union(*(options(each) for each in next(plans).choices.values()))
    text = CERTIFICATION.read_text(encoding="utf-8")

    named = set(re.findall(r"(?<=[\s`\"])--[a-z][a-z-]*", text))
    variables = set(re.findall(r"TROUSSEAU_[A-Z_]+[A-Z]", text)) - {"TROUSSEAU_CLIENT_CERTIFICATE"}

    assert len(named) > 20
    assert named <= known
    assert variables <= set(re.findall(r"TROUSSEAU_[A-Z_]+", settings_table.table()))


def test_the_page_about_certification_names_every_plan():
    text = CERTIFICATION.read_text(encoding="utf-8")

    assert [plan for plan in MODULES if f"`{plan.split()[0]}`" not in text] == []
