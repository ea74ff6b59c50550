"""One door each: codes, tokens, access, redirects, endings.  Read from the code, so that no second one opens."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
APPS = ("hub", "launcher", "news", "collectives", "idp", "consent", "branding", "directory", "audit")
WRITES = {"create", "bulk_create", "get_or_create", "update_or_create", "save", "insert"}


def sources():
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path, ast.parse(path.read_text())


def functions_where(found):
    """The functions that hold a node of interest, as ``module.function``."""
    names = set()
    for path, tree in sources():
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and any(found(inner) for inner in ast.walk(node)):
                names.add(f"{module}.{node.name}")
    return names


def creates(model):
    def found(node):
        if not isinstance(node, ast.Call):
            return False
        if isinstance(node.func, ast.Name):
            return node.func.id == model
        called = ast.unparse(node.func)
        return called.startswith(f"{model}.objects.") and called.rpartition(".")[2] in WRITES

    return found


def calls(name):
    return lambda node: isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == name


@pytest.mark.parametrize(
    ("model", "door"),
    [
        ("Grant", {"idp.services.codes.issue"}),
        ("AccessToken", {"idp.services.tokens.save_tokens"}),
        ("RefreshToken", {"idp.services.tokens._save_refresh_token"}),
        ("DeviceGrant", {"idp.services.device.start"}),
        ("KnownSubject", {"idp.services.subjects.keep"}),
    ],
)
def test_one_function_issues_each_kind_of_credential(model, door):
    assert functions_where(creates(model)) == door


def test_tokens_are_saved_by_the_token_endpoint_alone():
    assert functions_where(calls("save_tokens")) == {"idp.oauth.validator.save_bearer_token"}
    assert functions_where(calls("token_response")) == {"idp.views.tokens.token"}


def test_a_code_is_issued_by_the_steps_of_the_authorization_endpoint_alone():
    issuing = functions_where(lambda node: calls("issue")(node) and "codes" in ast.unparse(node.func))

    assert len(issuing) == 1
    assert issuing.pop().startswith("idp.views.")


@pytest.mark.incident("CVE-2024-38371")
def test_one_rule_says_who_may_enter():
    def looks_at_everyone(node):
        return isinstance(node, ast.keyword) and node.arg == "everyone"

    # The operator's command writes it; beside the rule, what tells its parts reads it, and nobody else.
    assert functions_where(looks_at_everyone) == {
        "idp.access._open_to",
        "idp.access.why",
        "idp.management.commands.open_tool.handle",
    }


def test_redirect_addresses_are_compared_in_one_place():
    def compares(node):
        return isinstance(node, ast.Compare) and "redirect_uri_list" in ast.unparse(node)

    # A registration that is sent again is compared with itself; the answer's address never is elsewhere.
    assert functions_where(compares) <= {"idp.services.registration._differs"}


def test_what_tools_hold_is_ended_in_one_place():
    def ends(node):
        called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
        return called.startswith("AccessToken.objects.filter") and called.endswith(".delete")

    assert functions_where(ends) == {
        "idp.services.sessions._end_tool_sessions",
        # A tool's own tokens belong to no session: they go with the tool.
        "idp.services.tools.close_tool",
        # So do those that a tool was given to act at another: they go with the pair.
        "idp.services.tools._end_exchanged",
        # A token of no family that can be refreshed, with what was exchanged for it.
        "idp.services.tokens.revoke",
        # What others hold to act at a tool goes with the agreement that tool rested on.
        "idp.services.tokens.end_read_by",
        "idp.services.tokens.revoke_code_family",
        "idp.services.tokens.revoke_family",
    }


def test_no_page_decides_by_a_role_of_its_own():
    def reads_roles(node):
        return isinstance(node, ast.Attribute) and node.attr == "roles"

    assert functions_where(reads_roles) == {
        "directory.access.may",
        "directory.access.roles_to_give",
        "directory.services.changing.check_not_made_for_this",
        "directory.services.changing.check_not_above",
        "directory.selectors.has_role",
        # Whether a role asks for a second factor, and the page that tells members what is known of them.
        "idp.gate.is_second_factor_due",
        "consent.display.person.known",
        # Of the two who destroy a log one is the data protection officer; the right itself is asked for besides.
        "directory.services.destructions.check_pair",
    }
    assert functions_where(calls("has_role")) == set()


def test_nobody_is_signed_in_by_anybody_else():
    """No impersonation: a session begins where its own member has proved who they are, and nowhere else."""
    assert functions_where(calls("start_session")) == {"idp.signin.receivers.begin_session"}
    assert functions_where(calls("force_login")) == set()


def test_an_account_is_held_back_in_one_place():
    def writes_hold(node):
        if isinstance(node, ast.Assign):
            return any(
                isinstance(t, ast.Tuple) and any(ast.unparse(e) == "member.hold" for e in t.elts) for t in node.targets
            )
        return (
            isinstance(node, ast.Call)
            and any(word.arg == "hold" for word in node.keywords)
            and "update" in ast.unparse(node.func)
        )

    assert functions_where(writes_hold) == {"directory.services.holds.set_hold"}
