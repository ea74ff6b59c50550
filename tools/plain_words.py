"""Are the sentences of the pages short, and free of the words of our trade?  In French and in English.

And does no line break before a French mark?

What members read is held strictly.  Whoever runs the hub reads longer sentences and meets the words of their own work;
their pages are named here, so that a new page is a member's until somebody says otherwise.
"""

import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from tools.messages import CATALOGUE, gather

MEMBER_WORDS, STAFF_WORDS = 19, 32
# Pages and words of the office, the technician and the data protection officer, and of programs.
STAFF = (
    *(
        "audit/",
        "launcher/arranging",
        "launcher/templates/launcher/arranging",
        "directory/",
        "branding/",
        "consent/findings",
        "consent/register",
        "consent/incidents",
        "consent/evidence",
    ),
    *("consent/screening", "consent/protection", "consent/erasures", "consent/requests/letters", "consent/ledger"),
    *(
        "consent/templates/consent/register",
        "consent/templates/consent/incidents",
        "consent/templates/consent/evidence",
    ),
    *("consent/templates/consent/screening", "consent/templates/consent/protection"),
    *("idp/views/office", "idp/views/directory", "idp/views/erasures", "idp/views/look", "idp/views/deliveries"),
    *(
        "idp/views/destructions",
        "idp/templates/idp/office",
        "idp/templates/idp/directory",
        "idp/templates/idp/erasures",
    ),
    *("idp/templates/idp/deliveries", "idp/templates/idp/destructions", "idp/templates/idp/look", "idp/management"),
    *(
        "idp/erasures",
        "idp/services",
        "idp/protocol",
        "idp/words",
        "idp/compared",
        "consent/types",
        "hub/templates/hub/style",
        "hub/templates/hub/mailbox",
    ),
)
# What a member should never have to know; the word to write instead, in either language.
JARGON = {
    r"OAuth|OIDC|OpenID|SAML|LDAP|SCIM|JWT|JSON Web|API|SSO|IdP|SIEM|slapd": "say what it does for the reader",
    r"MFA|2FA|TOTP|OTP|WebAuthn|FIDO2?|U2F": "double vérification, clé d’accès",
    r"tokens?|jetons?|scopes?|endpoints?|back-?ends?|front-?ends?|providers?": "say what it does for the reader",
    r"callbacks?|redirect(?:ion)? URIs?|payloads?|hash(?:es)?|claims?": "say what it does for the reader",
    r"UUID|DN|CSRF|HTTPS?|TLS|DNS|URL|IP": "say what it is for",
    r"bugs?|crash(?:es)?|timeouts?|cache|proxy": "say what happened",
    r"utilisateurs?|utilisatrices?|users?": "membre, vous",
    r"veuillez|merci de": "the imperative, politely: « Choisissez… »",
    r"cliquez ici|click here": "name where the link leads",
    r"prestataire d’identité|fournisseur d’identité|identity provider": "Trousseau",
}
# On pages of staff the words of their work stay; these are nobody's.
EVERYWHERE = {r"veuillez|merci de", r"cliquez ici|click here"}
# « tu » is for friends.
FAMILIAR = re.compile(r"(?<!est )(?<!été )\b(?:tu|toi|ton|ta|tes|te)\b|\bt’", re.IGNORECASE)
# No line begins with one of these marks or ends with «; one space sees to it everywhere, U+00A0, not a narrow one too.
LOOSE = re.compile("[^\\S\u00a0][:;?!»]|«[^\\S\u00a0]|\u202f")
# These stay as they were written: the version of a text is made of its words (whoever was shown it would be shown it
# anew), and the register keeps its own in French, by which their English is found.
KEPT = ("hub/templates/account/notice_text", "consent/register/prefilled")
ENDS = re.compile(r"(?<=[.!?…])[\s»]+|\n+|\s*[;:]\s+| · | – ")
WORD = re.compile(r"[\w%({][\w’'()%{}.@-]*")
ENTRY = re.compile(r'^(msgid|msgid_plural|msgstr|msgstr\[\d\]|msgctxt)? ?"(.*)"$')


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence to translate, with its English, and where it stands."""

    places: tuple[str, ...]
    french: tuple[str, ...]
    english: tuple[str, ...]

    @property
    def is_of_members(self) -> bool:
        return any(not place.startswith(STAFF) for place in self.places)

    @property
    def is_kept(self) -> bool:
        return any(place.startswith(KEPT) for place in self.places)


def texts(places: Path, catalogue: Path) -> Iterator[Text]:
    known = {key: strings for key, _, strings in _entries(catalogue)}
    for key, where, _ in _entries(places):
        if key[1:] != ("",):
            yield Text(where, key[1:], known.get(key, ()))


def problems(text: Text) -> Iterator[str]:
    """What is wrong with it, for whoever wrote it."""
    most = MEMBER_WORDS if text.is_of_members else STAFF_WORDS
    for said in (*text.french, *text.english):
        for sentence in ENDS.split(said):
            if (count := len(WORD.findall(sentence))) > most:
                yield f"{count} words, {most} at most: {sentence.strip()}"
        for pattern, instead in JARGON.items():
            if not text.is_of_members and pattern not in EVERYWHERE:
                continue
            if found := re.search(rf"(?<![\w@./-])(?:{pattern})(?![\w@])", _visible(said), _case(pattern)):
                yield f"“{found[0]}” ({instead}): {said}"
    for said in text.french:
        if found := FAMILIAR.search(said):
            yield f"“{found[0]}” (vous): {said}"
        if (found := LOOSE.search(said)) and not text.is_kept:
            yield f"“{found[0]}” (a no-break space, U+00A0): {said}"


def _case(pattern: str) -> re.RegexFlag:
    """Acronyms are written in capitals."""
    return re.NOFLAG if pattern.split("|")[0].isupper() or "OAuth" in pattern else re.IGNORECASE


def _visible(said: str) -> str:
    """Without the names of what is filled in."""
    return re.sub(r"%\(\w+\)s|\{\w+\}", "", said)


def _entries(path: Path) -> Iterator[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]]:
    """Context and sentences, places, translations: as much of the format as xgettext and msgmerge write."""
    for block in path.read_text(encoding="utf-8").split("\n\n"):
        places: list[str] = []
        parts: dict[str, str] = {}
        now = ""
        for line in block.splitlines():
            if line.startswith("#: "):
                places += [each.removesuffix(".py") for each in line[3:].split()]
            elif (entry := ENTRY.match(line)) is not None:
                now = entry[1] or now
                parts[now] = parts.get(now, "") + entry[2].replace('\\"', '"').replace("\\n", "\n")
        sentences = tuple(parts[name] for name in ("msgid", "msgid_plural") if name in parts)
        strings = tuple(value for name, value in parts.items() if name.startswith("msgstr") and value)
        yield (parts.get("msgctxt", ""), *sentences), tuple(places), strings


def main() -> int:
    settings.configure()  # templatize asks for nothing but the presence of settings
    with tempfile.TemporaryDirectory() as folder:
        places = gather(Path(folder), location="file")
        found = [
            f"{text.places[0] if text.places else '?'}: {problem}"
            for text in texts(places, CATALOGUE)
            for problem in problems(text)
        ]
    sys.stderr.write("".join(f"{each}\n" for each in found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
