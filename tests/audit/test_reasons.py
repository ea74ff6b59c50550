"""Every reason that the code can write to the journal has its words, in both languages.  Read from the source."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import translation

from audit import words

ROOT = Path(__file__).resolve().parent.parent.parent
APPS = ("audit", "collectives", "consent", "directory", "branding", "hub", "idp", "launcher", "news")
# Where a reason is said: the keywords that carry one, and the place it has among the arguments of what refuses.
KEYWORDS = {"reason", "detail"}
PLACES = {
    "Attempt": 1,
    "CannotChange": 0,
    "CannotInvite": 0,
    "ClientRefused": 0,
    "CodeRefused": 0,
    "NotOurs": 0,
    "OutgoingFailed": 0,
    "OutgoingRefused": 0,
    "Refused": 0,
    "TokenRefused": 0,
    "_of": 1,
    "_refuse": 0,
    "_wrong": 1,
    "note_refusal": 2,
}
# What answers with a reason, and tables of reasons.
FUNCTIONS = {
    "why_unusable",
    "why_not",
    "state_of",
    "_absence",
    "_result",
    "why_not_granted",
    "why_not_revoked",
    "why_incompatible",
}
TABLES = {"REASONS", "WITHDRAWN", "REPLACED", "reason"}
# Errors of tokens are told with the kind of token that they were found in.
IN_TOKENS = {
    "idp/protocol/jose.py": ("assertion_", "dpop_", "request_object_"),
    "idp/protocol/assertions.py": ("assertion_",),
    "idp/protocol/dpop.py": ("dpop_",),
    "idp/protocol/request_objects.py": ("request_object_",),
    "idp/services/keys/registry.py": ("hint_",),
}
PREFIXED = {
    "AssertionInvalid": "assertion_",
    "DPoPInvalid": "dpop_",
    "RequestObjectInvalid": "request_object_",
}


def constants() -> Iterator[tuple[str, str]]:
    """The texts that modules give a name, wherever it is used: with each name what it stands for."""
    for app in APPS:
        for path in (ROOT / app).rglob("*.py"):
            for node in ast.parse(path.read_text()).body:
                match node:
                    case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text))):
                        yield name, text
                    case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
                        for name, value in zip(names, values, strict=True):
                            if isinstance(name, ast.Name) and isinstance(value, ast.Constant) and value.value:
                                yield name.id, str(value.value)


CONSTANTS = list(constants())


def texts(node: ast.AST | None) -> Iterator[str]:
    """The texts that an expression may come to: constants, named ones too, and both ends of a choice."""
    match node:
        case ast.Constant(value=str(text)) if text:
            yield text
        case ast.Name(id=name):
            yield from (text for known, text in CONSTANTS if known == name)
        case ast.IfExp(body=one, orelse=other):
            yield from texts(one)
            yield from texts(other)
        case ast.Dict(values=values) | ast.Tuple(elts=values):
            for value in values:
                yield from texts(value)
        case ast.Call(args=args) if ast.unparse(node.func).endswith(".get"):
            yield from texts(args[-1])


def found_in(path: Path) -> Iterator[str]:
    prefixes = IN_TOKENS.get(str(path.relative_to(ROOT)), ("",))
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Call(func=func, args=args, keywords=keywords):
                name = ast.unparse(func).rpartition(".")[2]
                if name in PLACES and len(args) > PLACES[name]:
                    told = texts(args[PLACES[name]])
                    yield from (prefix + code for code in told for prefix in prefixes)
                for keyword in keywords:
                    if keyword.arg in KEYWORDS:
                        yield from (PREFIXED.get(name, "") + code for code in texts(keyword.value))
                if name == "ProtocolError" and not any(keyword.arg == "detail" for keyword in keywords):
                    # Without a detail the error's own code is the reason.
                    yield from texts(args[0])
            case ast.FunctionDef(name=name, args=arguments):
                for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
                    if argument.arg in KEYWORDS:
                        yield from texts(default)
                if name in FUNCTIONS:
                    for inner in ast.walk(node):
                        if isinstance(inner, ast.Return):
                            values = inner.value.elts[1:] if isinstance(inner.value, ast.Tuple) else [inner.value]
                            yield from (code for value in values for code in texts(value))
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name in TABLES:
                yield from texts(value)


REASONS = sorted(
    {
        code
        for app in APPS
        for path in sorted((ROOT / app).rglob("*.py"))
        if "migrations" not in path.parts and path != ROOT / app / "words.py"
        for code in found_in(path)
    }
)


def test_the_reading_finds_what_it_looks_for() -> None:
    assert {"sign_out", "tool_asked", "agreement_ended", "wrong", "role_missing", "dpop_htu", "entry_gone"} <= set(
        REASONS
    )
    assert len(REASONS) > 200


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("code", REASONS)
def test_every_reason_has_its_words(code: str, language: str) -> None:
    with translation.override(language):
        said = words.name("reason", code)

    assert said != code, f"{code} has no words: add them to words.py of the app that writes it"
    assert "_" not in said


def test_a_reason_that_nobody_knows_stays_as_it_is() -> None:
    assert words.name("reason", "from_the_future") == "from_the_future"
