"""From the bytes of a directory to the values of the hub.  No Django, no clock, no connection.

Whatever is wrong with a value is collected as a ``Problem`` and the rest of the entry is kept: a person is never
lost for a bad telephone number.
"""

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import idna

from audit.letters import without_accents

MAX_MAIL = 254
# Bytes; PostgreSQL refuses to index more than some 2,700.
MAX_NAME_KEY = 1000
MAX_LOCAL_PART = 64
# Answers kept of what many entries have in common: a domain, the upper part of a name.
KEPT = 2000

# Attribute types that have several spellings (RFC 4519, RFC 4524): one name each.
TYPE_ALIASES = {
    "commonname": "cn",
    "2.5.4.3": "cn",
    "surname": "sn",
    "2.5.4.4": "sn",
    "countryname": "c",
    "2.5.4.6": "c",
    "localityname": "l",
    "2.5.4.7": "l",
    "stateorprovincename": "st",
    "2.5.4.8": "st",
    "streetaddress": "street",
    "2.5.4.9": "street",
    "organizationname": "o",
    "2.5.4.10": "o",
    "organizationalunitname": "ou",
    "2.5.4.11": "ou",
    "userid": "uid",
    "0.9.2342.19200300.100.1.1": "uid",
    "domaincomponent": "dc",
    "0.9.2342.19200300.100.1.25": "dc",
}
# Zero width, bidirectional overrides, byte order mark: invisible, and they make one name look like another.
INVISIBLE = re.compile("[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]")
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
CONTROL_BUT_LINES = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f]")
SPACES = re.compile(r"\s+")
WORDS = re.compile(r"\w+")
# Within a word (d’Arc), where a dash is between two.
APOSTROPHES = re.compile("['’ʼ]")
# Letters that Unicode does not take apart.
LIGATURES = str.maketrans({"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d"})
# Words of printable characters that are alike in every normal form, parted by one space each: ASCII; and Latin letters,
# dashes and quotation marks, which only NFC leaves alone.
PLAIN_ASCII = re.compile("[!-~]+(?: [!-~]+)*")
_LATIN = "[!-~\u00a1-\u00ac\u00ae-\u024f\u2010-\u2015\u2018-\u201f]+"
PLAIN_LATIN = re.compile(f"{_LATIN}(?: {_LATIN})*")
# The same, several of them: a line each.
PLAIN_LINES = re.compile(f"{_LATIN}(?:[ \\n]{_LATIN})*")
# An address that is its own key, once its host is.
PLAIN_MAIL = re.compile(r"[a-z0-9_-]{1,20}(?:\.[a-z0-9_-]{1,20}){0,2}@([a-z0-9.-]+)")
UNSAFE_IN_MAIL = re.compile(r'[\s\x00-\x1f\x7f-\x9f<>()\[\]\\,;:"]')
# The first part of nearly every name: nothing in it is escaped, folded or trimmed; more follows.
_WORD = "[A-Za-z0-9._@'-]+"
PLAIN_RDN = re.compile(f"([A-Za-z][A-Za-z0-9-]*)=({_WORD}(?: {_WORD})*),(?=[A-Za-z0-9])")
# A plain first part of the two types that name people nearly everywhere, whose spelling is not to be looked up.
PLAIN_PERSON = re.compile(f"(?:[Uu][Ii][Dd]|[Cc][Nn])={_WORD}(?: {_WORD})*")
PHONE_SPACES = re.compile(r"[\s.\-/  ]")
PHONE_MARKS = str.maketrans("", "", " .-/()\t\n\v\f\r\x1c\x1d\x1e\x1f")
# As a French number mostly stands in a directory.
PLAIN_PHONE = re.compile(r"\+33 ?[1-9](?: ?[0-9]{2}){4}")
FRENCH_NUMBER = re.compile("0[1-9][0-9]{8}")
E164 = re.compile(r"\+[1-9][0-9]{7,14}")


class InvalidName(ValueError):
    """A text that is no distinguished name."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing about one entry that a person should settle; ``detail`` names attributes and entries, not values."""

    code: str
    detail: str = ""


@dataclass(slots=True)
class Values:
    """The attributes of one entry, read one by one; what was wrong with them adds up in ``problems``."""

    attributes: Mapping[str, Sequence[bytes]]
    problems: list[Problem] = field(default_factory=list)
    # What stands alone in its attribute, and is clean.
    plain: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.plain = _plain_of(self.attributes)

    def texts(self, name: str, *, lines: bool = False) -> list[str]:
        """The clean, non-empty values, in an order that does not depend on the server's."""
        key = name.lower()
        if plain := self.plain.get(key):
            return [plain]
        found = set()
        for raw in self.attributes.get(key, ()):
            try:
                text = raw.decode("utf-8")
            except UnicodeDecodeError:
                self._note("value_not_utf8", name)
                continue
            cleaned = clean(text, lines=lines)
            if CONTROL_BUT_LINES.search(text) or (not lines and "\n" in text) or INVISIBLE.search(text):
                self._note("characters_removed", name)
            if cleaned:
                found.add(cleaned)
        return sorted(found, key=lambda text: (text.casefold(), text))

    def text(self, name: str, limit: int, *, lines: bool = False) -> str:
        """One value (RFC 4511 §4.1.7: the server's order means nothing), cut at the limit."""
        if plain := self.plain.get(name.lower()):
            return plain if len(plain) <= limit else self.cut(name, plain, limit)
        return self.cut(name, next(iter(self.texts(name, lines=lines)), ""), limit)

    def cut(self, name: str, text: str, limit: int) -> str:
        if len(text) <= limit:
            return text
        self._note("value_cut", name)
        return text[:limit].rstrip()

    def phone(self, name: str, limit: int) -> str:
        if (plain := self.plain.get(name.lower())) and (number := e164(plain)):
            return self.cut(name, number, limit)
        texts = self.texts(name)
        numbers = [number for number in map(e164, texts) if number]
        if texts and not numbers:
            self._note("phone_unclear", name)
        # The rule comes before the order: a number that can be dialled, else what is written.
        return self.cut(name, next(iter([*sorted(numbers), *texts]), ""), limit)

    def _note(self, code: str, detail: str) -> None:
        problem = Problem(code, detail)
        if problem not in self.problems:
            self.problems.append(problem)


def _plain_of(attributes: Mapping[str, Sequence[bytes]]) -> dict[str, str]:
    """Nearly every value: nothing of it has to be cleaned, nothing is noted.

    All of an entry in one look, which is half the time of reading it; one by one where that finds something.
    """
    try:
        raws = [raw for (raw,) in attributes.values()]
        text = b"\n".join(raws).decode("utf-8")
    except ValueError:  # several values of one attribute, or no UTF-8
        text = ""
    if PLAIN_LINES.fullmatch(text) and len(texts := text.split("\n")) == len(attributes):
        return dict(zip(attributes, texts, strict=True))
    singles = ((name, values[0]) for name, values in attributes.items() if len(values) == 1)
    return {name: plain for name, raw in singles if (plain := _plain(raw))}


def _plain(raw: bytes) -> str:
    """Empty for what is not."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    return text if PLAIN_LATIN.fullmatch(text) else ""


def clean(text: str, *, lines: bool = False) -> str:
    """NFC, trimmed, one space for any run of them; no control, invisible or direction-changing character."""
    if lines:
        kept = (clean(line) for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
        return "\n".join(line for line in kept if line)
    if PLAIN_LATIN.fullmatch(text):
        return text
    # A control character parts words as a space would: "Léa\nRoux" is not "LéaRoux".
    text = INVISIBLE.sub("", CONTROL.sub(" ", text))
    return unicodedata.normalize("NFC", SPACES.sub(" ", text).strip())


def login_key(text: str) -> str:
    """What two spellings of one login have in common, as slapd compares them (caseIgnoreMatch, RFC 4518).

    Empty, and so nobody's, for what cannot be a login.
    """
    if PLAIN_ASCII.fullmatch(text):
        return text.lower()
    return "" if CONTROL.search(text) else fold(text)


def order_key(text: str) -> str:
    """By what a French reader finds a name in a list: its letters, whatever their accents and case."""
    return " ".join(filter(None, map(_order_key, text.split())))


@lru_cache(KEPT)
def _order_key(word: str) -> str:
    """Of one word; many people share a given name, or a family name."""
    letters = fold(word)
    if not letters.isascii():
        letters = without_accents(letters.translate(LIGATURES))
    return " ".join(WORDS.findall(APOSTROPHES.sub("", letters)))


def mail_key(text: str) -> str:
    """The address as it is compared, or empty when it is none (RFC 5321 §4.5.3.1, RFC 5891)."""
    if (plain := PLAIN_MAIL.fullmatch(text)) and _host(plain[1]) == plain[1] and len(text) <= MAX_MAIL:
        return text
    local, at, domain = unicodedata.normalize("NFC", text.strip()).partition("@")
    if not (local and at and domain) or "@" in domain or len(local.encode()) > MAX_LOCAL_PART:
        return ""
    if UNSAFE_IN_MAIL.search(local + domain) or INVISIBLE.search(local):
        return ""
    if local.startswith(".") or local.endswith(".") or ".." in local:
        return ""
    host = _host(domain)
    if not host:
        return ""
    key = f"{unicodedata.normalize('NFC', local.casefold())}@{host}"
    return key if len(key) <= MAX_MAIL else ""


def logins_like(mail: str) -> tuple[str, ...]:
    """The logins that somebody types who types this address: with its host in ASCII, and as it is read (RFC 5891)."""
    local, _at, host = mail.partition("@")
    if "xn--" not in host:
        return (login_key(mail),) if mail else ()
    try:
        return login_key(mail), login_key(f"{local}@{idna.decode(host)}")
    except (idna.IDNAError, UnicodeError):
        return (login_key(mail),)


@lru_cache(KEPT)
def _host(domain: str) -> str:
    """RFC 5891; empty for what is no name of a host.  Many people share one domain."""
    try:
        return idna.encode(domain, uts46=True, transitional=False).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError):
        return ""


def opaque(password: str) -> str:
    """A password as it is kept and compared: RFC 8265 §4.2.2, OpaqueString.

    One kind of space, and composed letters: what another keyboard or system writes for the same keys.  Nothing is cut,
    trimmed or folded.  Raises ``ValueError`` for what no keyboard writes.
    """
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in password):
        raise ValueError("a control character")
    spaced = "".join(" " if unicodedata.category(character) == "Zs" else character for character in password)
    return unicodedata.normalize("NFC", spaced)


def e164(text: str) -> str:
    """The number in ITU-T E.164, when only one reading is possible; else empty.

    National numbers are read as French ones: ten digits, the first a zero.
    """
    if PLAIN_PHONE.fullmatch(text):
        return text.replace(" ", "")
    digits = text.replace("(0)", "").translate(PHONE_MARKS)
    if not digits.isascii():
        digits = PHONE_SPACES.sub("", digits)
    if digits.startswith("00"):
        digits = "+" + digits[2:]
    if FRENCH_NUMBER.fullmatch(digits):
        digits = "+33" + digits[1:]
    # "+33 06 …" writes both prefixes: the zero is the national one.
    elif digits.startswith("+330") and FRENCH_NUMBER.fullmatch(digits[3:]):
        digits = "+33" + digits[4:]
    return digits if E164.fullmatch(digits) else ""


def postal_address(text: str) -> str:
    """RFC 4517 §3.3.28: lines are parted by ``$``; ``\\24`` and ``\\5C`` stand for the characters themselves."""
    lines = text.split("$")
    if "\\" not in text and PLAIN_LATIN.fullmatch(text):
        return "\n".join(filter(None, map(str.strip, lines)))
    unescaped = (line.replace("\\24", "$").replace("\\5C", "\\").replace("\\5c", "\\") for line in lines)
    return clean("\n".join(unescaped), lines=True)


def fold(text: str) -> str:
    """Compatibility forms and case made one (UAX #31: NFKC and folding repeated until nothing changes)."""
    if PLAIN_ASCII.fullmatch(text):
        return text.lower()
    for _ in range(4):
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
        folded = SPACES.sub(" ", INVISIBLE.sub("", folded)).strip()
        if folded == text:
            break
        text = folded
    return text


# Distinguished names (RFC 4514) ----------------------------------------------------------------------------


def dn_key(dn: str) -> str:
    """A text equal for two spellings of one name: case, escapes, type aliases, spaces, order inside an RDN.

    Raises ``InvalidName``.
    """
    if plain := PLAIN_RDN.match(dn):
        kind = plain[1].lower()
        upper = _upper_key(dn[plain.end() :])
        return f"{TYPE_ALIASES.get(kind, kind)}={plain[2].lower()},{upper}"
    return _key(dn)


def _key(dn: str) -> str:
    return ",".join("+".join(sorted(f"{kind}={_quote(fold(value))}" for kind, value in rdn)) for rdn in parse_dn(dn))


@lru_cache(KEPT)
def _upper_key(dn: str) -> str:
    """Of what many names have in common: the branch they are in."""
    return _key(dn)


def name_key(key: str) -> str:
    """A key of ``dn_key`` as it is kept: one too long for an index of the database gives way to its digest."""
    raw = key.encode("utf-8", "surrogatepass")
    if len(raw) <= MAX_NAME_KEY and "\0" not in key and key.isprintable():
        return key
    return "sha256:" + hashlib.sha256(raw).hexdigest()


def name_keys(names: Sequence[bytes]) -> set[str]:
    """``name_key`` of ``dn_key`` of each; what is no name keeps its text, behind a mark that no name begins with.

    Of a large group most are one plain word below one branch: a branch is looked at once.
    """
    keys: set[str] = set()
    uppers: dict[str, str] = {}
    is_short = max(map(len, names), default=0) <= MAX_NAME_KEY // 4
    for raw in names:
        text = raw.decode("utf-8", "replace")
        first, _, upper = text.partition(",")
        if is_short and PLAIN_PERSON.fullmatch(first):
            if upper not in uppers:
                uppers[upper] = _plain_upper(upper)
            if uppers[upper]:
                keys.add(first.lower() + uppers[upper])
                continue
        try:
            keys.add(name_key(dn_key(text)))
        except InvalidName:
            keys.add(name_key(f"?{text}"))
    return keys


def _plain_upper(upper: str) -> str:
    """What follows the first part of a key of a name below this branch; empty where the whole has to be looked at."""
    try:
        key = "," + _upper_key(upper)
    except InvalidName:
        return ""
    begins_plain = upper[:1].isascii() and upper[:1].isalnum()
    return key if begins_plain and len(key.encode()) <= MAX_NAME_KEY // 2 and name_key(key) == key else ""


def is_under(key: str, base_key: str) -> bool:
    """Whether the entry of this key is the base or below it.  Both are results of ``dn_key``."""
    return key == base_key or key.endswith("," + base_key)


def first_value(dn: str, kind: str) -> str:
    """The value of this type in the first RDN, or empty."""
    return next((value for name, value in parse_dn(dn)[0] if name == kind), "")


def parse_dn(dn: str) -> list[list[tuple[str, str]]]:
    """RDNs, each a list of (type, value): types in one spelling, values without escapes."""
    if not dn.strip():
        return []
    return [[_assertion(part) for part in _split(rdn, "+")] for rdn in _split(dn, ",")]


def _split(text: str, separator: str) -> list[str]:
    parts, start, escaped = [], 0, False
    for index, character in enumerate(text):
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == separator:
            parts.append(text[start:index])
            start = index + 1
    return [*parts, text[start:]]


def _assertion(text: str) -> tuple[str, str]:
    kind, equals, value = text.partition("=")
    kind = kind.strip().lower().removeprefix("oid.")
    if not equals or not re.fullmatch(r"[a-z][a-z0-9-]*|[0-9]+(\.[0-9]+)+", kind):
        raise InvalidName(f"no attribute type and value: {len(text)} characters")
    return TYPE_ALIASES.get(kind, kind), _unescape(value.lstrip(" "))


def _unescape(text: str) -> str:
    if text.startswith("#"):
        return _from_ber(text[1:].strip())
    out, index, kept = bytearray(), 0, 0
    while index < len(text):
        character = text[index]
        if character == "\\":
            pair = text[index + 1 : index + 3]
            if re.fullmatch("[0-9a-fA-F]{2}", pair):
                out.append(int(pair, 16))
                index += 3
            elif index + 1 < len(text):
                out += text[index + 1].encode("utf-8", "surrogatepass")
                index += 2
            else:
                raise InvalidName("a backslash at the end")
            kept = len(out)
            continue
        if character in '"<>;' or character == "\0":
            raise InvalidName("a character that must be escaped")
        out += character.encode("utf-8", "surrogatepass")
        index += 1
    while len(out) > kept and out.endswith(b" "):
        out.pop()
    try:
        return out.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidName("not UTF-8") from error


def _from_ber(digits: str) -> str:
    """RFC 4514 §2.4: ``#`` and the BER of the value; short strings are read, anything else stays as it is."""
    try:
        raw = bytes.fromhex(digits)
    except ValueError as error:
        raise InvalidName("not hexadecimal") from error
    if len(raw) >= 2 and raw[1] < 128 and len(raw) == raw[1] + 2:
        try:
            return raw[2:].decode("utf-8")
        except UnicodeDecodeError:
            pass
    return "#" + digits.lower()


def _quote(value: str) -> str:
    return re.sub(r"([\\,+])", r"\\\1", value)
