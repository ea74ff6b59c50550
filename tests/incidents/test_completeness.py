"""Every incident of this area that is known to us is replayed by a test, and every replay names one of them."""

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent

# What happened there, in one sentence, by public reference (a CVE, a GHSA, an issue, or the release that told of it).
ADDRESSES = {
    "CVE-2026-7504": "Keycloak: several @ in a redirect address fooled the check.",
    "CVE-2026-3872": "Keycloak: dot segments with a semicolon left the registered path.",
    "CVE-2024-8883": "Keycloak: a client registered on loopback could be answered anywhere.",
    "CVE-2026-9086": "Keycloak: script and data addresses passed in another letter case.",
    "GHSA-9vm7-v8wj-3fqw": "Keycloak: a wrapped form-post mode sent answers to any address.",
    "CVE-2024-21637": "authentik: a form posted its answer to a script address.",
    "CVE-2024-52289": "authentik: registered addresses were read as patterns.",
    "CVE-2026-41569": "authentik: registered addresses were read as prefixes.",
    "django-oauth-toolkit#1719": "The error of prompt=none went to an address that nobody had checked.",
    "django-oauth-toolkit 3.4.1": "Query, path parameters, user info and fragment were compared loosely.",
    "django-allauth 65.14.1": "The return address of sign-in led to other sites.",
    "LemonLDAP::NG, clients without addresses": "A client without registered addresses accepted all of them.",
    "CVE-2023-49097": "Zitadel: links were built from a header of the request.",
    "GHSA-93m4-mfpg-c3xf": "Zitadel: the same once more.",
    "CVE-2025-64101": "Zitadel: the same a third time.",
    "GHSA-pfrf-9r5f-73f5": "Zitadel: the same a fourth time.",
}
MIXED_UP = {
    "GHSA-2wvm-8mvp-22qv": "Pocket ID: prompt=none passed by the list of those let in.",
    "GHSA-qh6q-598w-w6m2": "Pocket ID: a wrong operator let another client redeem a code.",
    "GHSA-xqxv-4jc2-x56x": "Zitadel: a grant was not bound to the client it was given to.",
    "CVE-2026-16089": "Keycloak: a grant was not bound to the client it was given to.",
    "django-oauth-toolkit#727": "A client revoked the tokens of another.",
    "CVE-2024-22403": "Nextcloud: authorization codes had no end.",
    "CVE-2024-23647": "authentik: PKCE could be taken out of a request.",
    "CVE-2024-47077": "authentik: the token of one provider was accepted by another.",
    "CVE-2024-52287": "authentik: scopes were not limited on client credentials and device grants.",
    "CVE-2024-38371": "authentik: the device grant did not ask who may enter.",
    "CVE-2026-7571": "Keycloak: the implicit flow came back when a request was tampered with.",
    "django-oauth-toolkit#1819": "Another person could confirm a device's code.",
    "django-oauth-toolkit#1734": "User codes came from a weak generator.",
    "canaille 0.3.6": "Registration tokens were tied to no client, or not signed; one switch opened two doors.",
    "GHSA-hjj4-hfjm-fmrj": "Authelia: a name in a Basic header was not brought to its canonical form.",
    "CVE-2026-49448": "authentik: a field that decides ownership could be sent.",
    "CVE-2024-37905": "authentik: rights on tokens could be sent with a form.",
}
DEAD_THINGS = {
    "CVE-2026-43983": "Pocket ID: refresh went on after consent was withdrawn and the account disabled.",
    "GHSA-w6p7-2fxx-4f44": "Pocket ID: refresh went on after the group was lost.",
    "pocket-id#1458": "Refresh went on after the session had ended.",
    "keycloak#45647": "Parallel refreshes raced past the detection of reuse.",
    "keycloak#43734": "An offline session kept a scope that had been taken away.",
    "GHSA-895x-rfqp-jh5c": "Keycloak: a token outlived the scope it was for.",
    "GHSA-rg35-5v25-mqvp": "Keycloak: the identifier of a session was used again.",
    "keycloak#35813": "Revocation ended a part of what it should have.",
    "django-oauth-toolkit#1816": "The grace period brought tokens back that had been revoked on purpose.",
    "django-oauth-toolkit#1510": "Refresh and rotation disagreed in an edge case.",
    "django-oauth-toolkit#746": "Refresh tokens past their end were good until a purge ran.",
    "django-oauth-toolkit#1617": "Within the grace period a token several generations old was good.",
    "CVE-2025-53942": "authentik: somebody inactive was still given tokens.",
    "django-allauth 65.13": "Somebody inactive kept what they held as a client's user.",
    "CVE-2025-29928": "authentik: a deleted session was still good.",
    "CVE-2025-64521": "authentik: a service account outlived its deactivation.",
    "CVE-2025-64708": "authentik: invitations were good a little past their end.",
    "CVE-2026-45284": "Nextcloud: somebody removed from the directory still signed in.",
    "CVE-2026-19607": "Keycloak: an account was taken over through a user name that had become free.",
}
SIGN_IN = {
    "kanidm, origin of a passkey": "The origin of a passkey was compared by its end.",
    "django-allauth 65.8.1": "A success cleared the count of its network.",
    "CVE-2026-18963": "Keycloak: a reset begun for one person was finished as another.",
    "canaille 0.2.0": "A reset passed by the second factor.",
    "CVE-2026-16072": "Keycloak: the links of invitations could be read by others.",
    "CVE-2026-7507": "Keycloak: a sign-in session could be planted in somebody's browser.",
    "GHSA-8g9r-9wjw-37j4": "Keycloak: a factor was removed without fresh proof.",
    "CVE-2026-49443": "authentik: an empty form let people through a step.",
    "CVE-2026-54730": "authentik: a step was taken as done without being checked.",
    "CVE-2024-47070": "authentik: a forged forwarding header passed by the password.",
    "django-allauth 65.15.1": "A forged forwarding header escaped the limits.",
    "CVE-2024-52946": "LemonLDAP::NG: the level of a session was wrong on a side path.",
    "CVE-2023-28862": "LemonLDAP::NG: the second factor was passed by on a side path.",
    "CVE-2026-12804": "LemonLDAP::NG: the level of a session was wrong once more.",
    "CVE-2025-24806": "Authelia: tries by name and by mail were counted apart.",
    "CVE-2025-64102": "Zitadel: one-time codes could be guessed without limit.",
    "GHSA-xrw9-r35x-x878": "Zitadel: one-time codes could be guessed without limit, elsewhere.",
    "CVE-2026-16103": "Keycloak: the lock did not hold on a side channel.",
    "CVE-2026-9798": "Keycloak: the lock did not hold on another side channel.",
    "django-allauth, blank passwords": "An empty password was accepted.",
}
OUTGOING_AND_CRYPTO = {
    "CVE-2026-4366": "Keycloak: the provider fetched internal addresses, through redirects too.",
    "CVE-2023-44469": "LemonLDAP::NG: request_uri made the provider fetch internal addresses.",
    "canaille 0.3.7": "Fetches were neither limited nor guarded, and a change was made without proof of origin.",
    "CVE-2024-52948": "LemonLDAP::NG: a change was made without proof of origin.",
    "CVE-2024-48933": "LemonLDAP::NG: a script came in by a parameter of the sign-in page.",
    "CVE-2024-52947": "LemonLDAP::NG: a script came in by a parameter of another page.",
    "CVE-2025-31510": "LemonLDAP::NG: a script came in by a parameter once more.",
    "CVE-2026-42849": "authentik: a script came in by a profile.",
    "CVE-2026-27962": "Authlib: a key in the token's own header was trusted.",
    "CVE-2024-37568": "Authlib: a public key was accepted as the secret of an HMAC.",
    "CVE-2025-61920": "Authlib: a huge token exhausted the memory.",
    "CVE-2025-2559": "Keycloak: tokens of strangers filled a cache.",
    "CVE-2026-16100": "Keycloak: names that strangers made up filled memory.",
    "CVE-2025-59518": "LemonLDAP::NG: a value of the configuration reached a shell.",
    "CVE-2025-13467": "Keycloak: an attribute of the directory was read as a frozen object.",
    "canaille, photos as they came": "Photos kept where and with what they were taken.",
    "kanidm, images of tools": "A picture could be a script, or unfold to more than memory holds.",
    "kanidm, comparison of secrets": "A secret was compared in variable time.",
    "django-oauth-toolkit#1735": "Secrets of clients were written to the log.",
    "django-oauth-toolkit#1736": "Tokens and codes stood in clear in the admin's lists.",
    "django-oauth-toolkit#1737": "Tokens were signed with the hash of a secret.",
    "user_oidc#1380": "Nextcloud: a secret was written to the log.",
    "CVE-2026-40166": "authentik: a secret stood inside a nested answer.",
    "CVE-2024-42490": "authentik: keys could be read without the right to.",
    "CVE-2026-55106": "authentik: a page of inspection answered without sign-in.",
    "canaille 0.0.71": "The about page showed the configuration.",
    "CVE-2026-16071": "Keycloak: what was typed became part of a search in the directory.",
    "keycloak#26112": "An entry outside the base of people was found.",
    "CVE-2026-35563": "The certificate of another host was accepted for the directory's.",
}
RIGHTS = {
    "CVE-2026-37981": "Keycloak: a narrow role could look people up.",
    "CVE-2026-2366": "Keycloak: a narrow role could look people up elsewhere.",
    "CVE-2026-9099": "Keycloak: moving a group gave rights over it.",
    "CVE-2026-18201": "Keycloak: the administration answered whose role did not open it.",
    "CVE-2026-4629": "Keycloak: the same in another part of the administration.",
    "CVE-2026-14615": "Keycloak: the same in a third part of the administration.",
}
KNOWN = ADDRESSES | MIXED_UP | DEAD_THINGS | SIGN_IN | OUTGOING_AND_CRYPTO | RIGHTS


def replays() -> Iterator[tuple[str, str]]:
    """Each reference with the test that carries it, read from the code: a test that is not collected counts as well."""
    for path in sorted(TESTS.rglob("test_*.py")):
        if "node_modules" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test_"):
                continue
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.incident":
                    for reference in mark.args:
                        assert isinstance(reference, ast.Constant), f"{path}: a reference is written out"
                        yield str(reference.value), f"{path.relative_to(TESTS)}::{node.name}"


def test_every_known_incident_is_replayed_and_every_replay_is_of_a_known_one():
    replayed = {reference for reference, _test in replays()}

    assert sorted(set(KNOWN) - replayed) == [], "nobody replays these"
    assert sorted(replayed - set(KNOWN)) == [], "these are not on the list"


def test_every_test_of_this_folder_but_the_plain_way_names_an_incident():
    carrying = {test for _reference, test in replays()}
    here = Path(__file__).parent
    written = {
        f"{path.relative_to(TESTS)}::{node.name}"
        for path in here.glob("test_*.py")
        if path != Path(__file__)
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }

    assert written - carrying == {"incidents/test_addresses.py::test_the_registered_address_is_answered"}


def test_the_groups_share_no_incident():
    groups = (ADDRESSES, MIXED_UP, DEAD_THINGS, SIGN_IN, OUTGOING_AND_CRYPTO, RIGHTS)

    assert sum(map(len, groups)) == len(KNOWN)
    assert all(sentence.endswith(".") for sentence in KNOWN.values())
