"""What accounts are measured against: each line of these lists has a test that names it, or a reason for none."""

import ast
import re
from collections import defaultdict
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent

ASVS = {
    "6.2.1": "at least 8 characters, here 15",
    "6.2.3": "changing a password asks for the current one",
    "6.2.4": "refused when among the 3,000 most common that fit the rule",
    "6.2.5": "no composition rule",
    "6.2.7": "paste, managers and a show button work",
    "6.2.8": "checked as typed: nothing cut, no case folding",
    "6.2.9": "at least 64 characters accepted",
    "6.2.10": "no forced periodic change",
    "6.2.12": "refused when in a list of breached passwords",
    "6.3.1": "throttling as documented, on by default",
    "6.3.2": "no default account after installation",
    "6.3.3": "a second factor, or a combination as strong",
    "6.3.4": "no side door weaker than the main one",
    "6.3.7": "the person is told of changed credentials and odd sign-ins",
    "6.3.8": "existing and unknown accounts cannot be told apart",
    "6.4.1": "first secrets are random, short-lived, and replaced",
    "6.4.3": "a reset never skips the second factor",
    "6.4.6": "an administrator starts a reset and never chooses the password",
    "6.5.1": "codes are used once",
    "6.5.2": "recovery codes are stored hashed",
    "6.5.4": "codes have at least 20 bits",
    "6.5.5": "codes live briefly",
    "7.2.3": "reference tokens of at least 128 bits from a secure generator",
    "7.2.4": "a new identifier at sign-in and step-up; the old one is dead",
    "7.3.1": "an idle limit on the server",
    "7.3.2": "an absolute limit on the server",
    "7.4.1": "after signing out, the old cookie is refused",
    "7.4.2": "disabling an account ends all its sessions",
    "7.4.3": "after a change of factors, ending the others is offered",
    "7.4.4": "signing out is visible on each page",
    "7.4.5": "administrators end one person's sessions",
    "7.5.1": "changing mail or factors asks for fresh proof",
    "7.5.2": "a member sees and ends their sessions",
    "7.5.3": "sensitive acts ask for a second factor",
    "7.6.1": "hub sessions and tool sessions end as documented",
    "7.6.2": "no session is created without an act of the person",
}
NIST = {
    "1": "at least 15 characters where the password stands alone",
    "2": "at least 64 accepted; spaces and Unicode, normalised once",
    "3": "no composition rule, no periodic change",
    "4": "whole password compared with a block list; a refusal tells why",
    "5": "whole password verified",
    "6": "managers, autofill and paste allowed",
    "7": "no hints, no secret questions",
    "8": "salted slow hash, cost updated over time",
    "9": "at most 100 consecutive failures before the factor is blocked",
    "10": "one-time codes refused at second use",
    "12": "mail is no out-of-band factor, nor SMS",
    "13": "a phishing-resistant option is offered",
    "14": "overall limits of sessions",
    "15": "the person is told when a factor is added or recovery is used",
}
ANSSI = {
    "R5": "a secure generator for all secrets",
    "R8": "no SMS",
    "R9": "the history of a factor's life",
    "R10": "a limit on each factor",
    "R12": "limits of sessions",
    "R13": "protected storage of verifiers",
    "R14": "a failure never tells which factor failed",
    "R15": "factors end",
    "R18": "their revocation is immediate",
    "R21": "length by sensitivity",
    "R22": "no low maximum",
    "R24": "no expiry for ordinary accounts",
    "R27": "strength counts personal data out",
    "R28": "salts of at least 128 bits",
    "R29": "a memory-hard function",
    "R30": "a recovery procedure, as strong as signing in",
    "R39": "possession preferred to inherence",
}
CNIL = {
    "2": "enough guesses with throttling",
    "4": "no periodic change",
    "5": "never stored or sent readable",
    "6": "a specialised, salted, slow hash",
    "7": "renewed by a link of limited life, not by a mailed password",
    "8": "no secret questions",
    "9": "throttled after five failures, at most 25 tries a day",
    "10": "nothing in a manager's way",
    "12": "enumeration not possible",
    "13": "the policy is written and shown, with help",
}
# What has no test here, and why.
APART = {
    (
        "ANSSI MFA",
        "R23",
    ): "complexity rules: NIST and ASVS forbid them; length, block list and an estimate stand for them",
    ("ANSSI MFA", "R25"): "expiry of privileged passwords is the directory's own policy; the hub obeys what it answers",
    ("CNIL 2022-100", "1"): "no password of the hub stands without throttling: row 2 is the one that applies",
    ("CNIL 2022-100", "3"): "for secrets as short as a PIN, of which the hub has none",
    (
        "NIST SP 800-63B-4",
        "11",
    ): "nothing sent by mail is a factor here: a reset link, good for half an hour because mail "
    "servers hold mails back, still asks for the second factor",
    ("CNIL 2022-100", "11"): "telling people of a breach is the office's act; suspension and forced change serve it",
}
LISTS = {"OWASP ASVS": ASVS, "NIST SP 800-63B-4": NIST, "ANSSI MFA": ANSSI, "CNIL 2022-100": CNIL}


def marked() -> dict[str, set[str]]:
    """Sections by document, as the tests name them; ``R15/R18`` and ``1, 2`` name two."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted(TESTS.rglob("test_*.py")):
        if "node_modules" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.spec":
                document, section = (_constant(each) for each in node.args[:2])
                found[document] |= set(re.split(r"[/,;]\s*", section))
    return found


def _constant(node: ast.expr) -> str:
    """The lists are named in full; a document that has a name of its own in its file is none of them."""
    return str(node.value) if isinstance(node, ast.Constant) else ""


def test_every_line_of_the_lists_has_a_test_that_names_it():
    named = marked()

    missing = {
        (document, row): what
        for document, rows in LISTS.items()
        for row, what in rows.items()
        if row not in named[document]
    }
    assert missing == {}


def test_no_test_names_a_line_that_is_on_no_list():
    named = marked()

    unknown = {
        (document, row)
        for document in ("NIST SP 800-63B-4", "ANSSI MFA", "CNIL 2022-100")
        for row in named[document]
        if row not in LISTS[document] and (document, row) not in APART
    }
    assert unknown == set()
