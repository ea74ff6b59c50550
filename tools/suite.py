"""Writes what the conformance suite of the OpenID Foundation is configured with: see docs/certification.md."""

import argparse
import json
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from joserfc.jwk import KeySet, RSAKey

Entry = dict[str, Any]
DAYS = 90
# Under which names the suite's plans look for the tools, in the order of the command line.
NAMES = {"basic": ("client", "client2", "client_secret_post"), "logout": ("client",), "fapi": ("client", "client2")}
# The hub's pages, as the suite matches addresses.
SIGN_IN, CONFIRM = "/compte/connexion/*", "/compte/confirmer/*"
AUTHORIZE, LOGOUT, SIGNED_OUT = "/oidc/authorize*", "/oidc/logout*", "/deconnexion/faite/*"
# What the suite photographs: it waits for words in an element, then puts the picture where one is wanted.
PHOTOGRAPH, IF_WANTED = "update-image-placeholder", "update-image-placeholder-optional"

AGAIN = ("oidcc-prompt-login", "oidcc-max-age-1")
UNKNOWN_ADDRESS = ("oidcc-ensure-registered-redirect-uri",)
BAD_SIGN_OUT = tuple(
    f"oidcc-rp-initiated-logout-{name}"
    for name in (
        "bad-post-logout-redirect-uri",
        "modified-id-token-hint",
        "no-id-token-hint",
        "query-added-to-post-logout-redirect-uri",
        "bad-id-token-hint",
    )
)
ASKS_AT_SIGN_OUT = tuple(
    f"oidcc-rp-initiated-logout-{name}" for name in ("no-params", "only-state", "no-post-logout-redirect-uri")
)
# A page of the suite's own in a real browser; and a first visit that must be left alone.
BY_HAND = (
    "oidcc-session-management-rp-initiated-logout",
    "fapi2-security-profile-final-par-ensure-reused-request-uri-prior-to-auth-completion-succeeds",
)
REFUSES = ("fapi2-security-profile-final-user-rejects-authentication",)
BAD_REQUEST = tuple(
    f"fapi2-security-profile-final-{name}"
    for name in (
        "ensure-unsigned-authorization-request-without-using-par-fails",
        "ensure-redirect-uri-in-authorization-request",
        "par-attempt-reuse-request_uri",
        "par-attempt-to-use-expired-request_uri",
        "par-attempt-to-use-request_uri-for-different-client",
    )
)


class Automation:
    """What the suite's browser does on the pages of this hub, for this member; a newcomer is who refuses."""

    def __init__(self, hub: str, suite: str, member: list[str], newcomer: list[str]) -> None:
        self.hub, self.suite, self.member, self.newcomer = hub, suite, member, newcomer

    def task(self, name: str, match: str, *commands: list[Any], optional: bool = True) -> Entry:
        return {"task": name, "match": match, "optional": optional, "commands": list(commands)}

    def wait(self, element: str, photograph: str) -> list[Any]:
        return ["wait", "id", element, 10, ".+", photograph]

    def arrived(self, *, optional: bool = False) -> Entry:
        shown = ["wait", "id", "submission_complete", 10]
        return self.task("Back at the suite", f"{self.suite}/test/a/*", shown, optional=optional)

    def error(self, match: str, *, optional: bool = False) -> Entry:
        return self.task("Error page", self.hub + match, self.wait("error-page", PHOTOGRAPH), optional=optional)

    def sign_in(self, *, photograph: bool = False, refuses: bool = False) -> list[Entry]:
        login, password = self.newcomer if refuses else self.member

        def form(element: str) -> list[list[Any]]:
            shown = [self.wait(element, IF_WANTED)] if photograph else []
            return [*shown, ["text", "id", "id_password", password], ["click", "css", f"#{element} [type=submit]"]]

        answer = "consent-refuse" if refuses else "consent-accept"
        return [
            self.task("Sign in", self.hub + SIGN_IN, ["text", "id", "id_login", login], *form("sign-in-form")),
            self.task("Confirm identity", self.hub + CONFIRM, *form("reauthenticate-form")),
            self.task("What the tool gets", self.hub + AUTHORIZE, ["click", "id", answer, "optional"]),
        ]

    def browser(self) -> list[Entry]:
        """Of every module that has no entry of its own."""
        onward = self.task("Signed out", self.hub + SIGNED_OUT, ["click", "id", "logged-out-return", "optional"])
        returned = {"task": "Back at the suite", "match": f"{self.suite}/test/a/*/post_logout_redirect*"}
        return [
            {"match": self.hub + AUTHORIZE, "tasks": [*self.sign_in(), self.arrived()]},
            {"match": self.hub + LOGOUT, "tasks": [onward, returned]},
        ]

    def override(self) -> Entry:
        ordinary = self.browser()[0]
        confirmed = self.task("Confirm", self.hub + LOGOUT, ["click", "id", "logout-confirm"])
        done = self.task("Signed out", self.hub + SIGNED_OUT, self.wait("logged-out", PHOTOGRAPH), optional=False)

        def at(match: str, *tasks: Entry) -> Entry:
            return {"match": self.hub + match, "tasks": list(tasks)}

        return {
            **_each(AGAIN, at(AUTHORIZE, *self.sign_in(photograph=True), self.arrived())),
            **_each(UNKNOWN_ADDRESS, at(AUTHORIZE, self.error(AUTHORIZE))),
            **_each(BAD_SIGN_OUT, ordinary, at(LOGOUT, self.error(LOGOUT))),
            **_each(ASKS_AT_SIGN_OUT, ordinary, at(LOGOUT, confirmed, done)),
            **_each(BY_HAND),
            **_each(REFUSES, at(AUTHORIZE, *self.sign_in(refuses=True), self.arrived())),
            **_each(
                BAD_REQUEST,
                at(AUTHORIZE, *self.sign_in(), self.error(AUTHORIZE, optional=True), self.arrived(optional=True)),
            ),
        }


def _each(modules: Iterable[str], *entries: Entry) -> Entry:
    return {module: {"browser": list(entries)} for module in modules}


def configuration(
    plan: str,
    tools: list[Entry],
    *,
    member: list[str],
    newcomer: list[str],
    keys: list[Path],
    certificates: list[Path],
) -> Entry:
    """For a plan, from what ``add_tool --json`` printed of its tools."""
    callback = urlsplit(tools[0]["redirect_uris"][0])
    suite, alias = f"{callback.scheme}://{callback.netloc}", callback.path.split("/")[3]
    hub = tools[0]["issuer"]
    automation = Automation(hub, suite, member, newcomer)
    override = automation.override()
    found: Entry = {
        "alias": alias,
        "description": f"Trousseau at {hub}",
        "server": {"discoveryUrl": f"{hub}/.well-known/openid-configuration"},
        "browser": automation.browser(),
        "override": {name: entry for name, entry in override.items() if name.startswith("fapi") == (plan == "fapi")},
    }
    for name, tool in zip(NAMES[plan], tools, strict=True):
        found[name] = {"client_id": tool["client_id"]}
        if plan != "fapi":
            found[name]["client_secret"] = tool["client_secret"]
    if plan == "fapi":
        found["resource"] = {"resourceUrl": f"{hub}/oidc/userinfo"}
        for name, key in zip(NAMES[plan], keys, strict=True):
            found[name] |= {"scope": "openid email offline_access", "jwks": json.loads(key.read_text())}
            found[name] |= {"dpop_signing_alg": "PS256"}
        for name, base in zip(("mtls", "mtls2"), certificates, strict=False):
            found[name] = {"cert": base.with_suffix(".crt").read_text(), "key": base.with_suffix(".key").read_text()}
    return found


def make_key(base: Path) -> list[Path]:
    """One RSA key as the hub, the suite and a TLS handshake want it: public, private, and with a certificate."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, base.name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=DAYS))
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    named = RSAKey.import_key(pem, {"use": "sig", "alg": "PS256", "kid": base.name})
    written = {
        ".public.jwks": json.dumps(KeySet([named]).as_dict(private=False)).encode(),
        ".private.jwks": json.dumps(KeySet([named]).as_dict(private=True)).encode(),
        ".crt": certificate.public_bytes(Encoding.PEM),
        ".key": pem,
    }
    paths = [base.with_suffix(suffix) for suffix in written]
    for path, octets in zip(paths, written.values(), strict=True):
        path.touch(mode=0o600)
        path.write_bytes(octets)
    return paths


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    key = actions.add_parser("key", help="makes NAME.public.jwks, NAME.private.jwks, NAME.crt and NAME.key")
    key.add_argument("name", type=Path)
    for plan, names in NAMES.items():
        action = actions.add_parser(
            plan, help=f"prints the configuration, from {len(names)} answers of add_tool --json"
        )
        action.add_argument("tools", type=Path, nargs=len(names), metavar="TOOL.json")
        action.add_argument("--member", nargs=2, required=True, metavar=("LOGIN", "PASSWORD"))
        if plan == "fapi":
            action.add_argument("--newcomer", nargs=2, required=True, metavar=("LOGIN", "PASSWORD"))
            action.add_argument("--key", type=Path, nargs=2, required=True, metavar="NAME.private.jwks")
            action.add_argument("--certificate", type=Path, nargs=2, default=[], metavar="NAME")
    return parser


def main() -> int:
    asked = parser().parse_args()
    if asked.action == "key":
        print("\n".join(map(str, make_key(asked.name))))
        return 0
    tools = [json.loads(path.read_text(encoding="utf-8")) for path in asked.tools]
    found = configuration(
        asked.action,
        tools,
        member=asked.member,
        newcomer=getattr(asked, "newcomer", asked.member),
        keys=getattr(asked, "key", []),
        certificates=getattr(asked, "certificate", []),
    )
    print(json.dumps(found, ensure_ascii=False, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
