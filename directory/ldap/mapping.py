"""From an entry of the directory to a person or a group of the plan.  Values in, values out."""

import hashlib
import re
from array import array
from collections.abc import Mapping, Sequence
from itertools import chain
from uuid import UUID

from directory.ldap.plan import Group, Person
from directory.ldap.rules import Rules
from directory.normalise import (
    Problem,
    Values,
    dn_key,
    first_value,
    fold,
    is_under,
    login_key,
    mail_key,
    name_key,
    name_keys,
    postal_address,
)
from directory.types import Kind, MailState, MemberState

Attributes = Mapping[str, Sequence[bytes]]
NOTHING: Sequence[bytes] = ()
UNCLEAN = re.compile(rb"[\x00-\x1f\x7f]")

LIMITS = {
    "login": 255,
    "display_name": 400,
    "given_name": 400,
    "family_name": 400,
    "phone": 32,
    "mobile": 32,
    "trade": 200,
    "employee_number": 40,
    "employee_type": 60,
    "business_name": 200,
    "postal_address": 2000,
    "postal_code": 20,
    "town": 120,
    "language": 12,
    "description": 4000,
    "name": 255,
}


def state_of(key: str, attributes: Attributes, rules: Rules) -> tuple[MemberState, str]:
    """Where an entry is and whether it is locked decide if its holder may enter."""
    if rules.former_key and is_under(key, rules.former_key):
        return MemberState.LEFT, "former_branch"
    if rules.server.is_locked(attributes):
        return MemberState.LOCKED, "locked_for_good"
    return MemberState.ACTIVE, ""


def digest_of(dn: str, attributes: Attributes, names: Sequence[str], rules: Rules) -> str:
    """Of everything that is made of an entry: the same one comes to the same person or group.

    In whichever order the server gives the values (RFC 4511 §4.1.7).  ``names``: in lower case.
    """
    values = [attributes.get(name, NOTHING) for name in names]
    counts = [*map(len, values)]
    flat = list(chain.from_iterable(values))
    if max(counts, default=0) > 1:
        flat = [value for several in values for value in sorted(several)]
    head = f"{rules.digest}\0{dn}\0".encode("utf-8", "surrogatepass")
    # Of how many values, each of so many bytes.
    lengths = array("Q", [*counts, *map(len, flat)]).tobytes()
    return hashlib.blake2b(b"".join((head, lengths, *flat)), digest_size=16).hexdigest()


def person_from(uuid: UUID, dn: str, csn: str, attributes: Attributes, rules: Rules) -> Person:
    names = rules.person
    values = Values(attributes)
    key = dn_key(dn)
    state, reason = state_of(key, attributes, rules)
    login, login_of = _login(values, dn, names["login"])
    mail, mail_of, mail_state = _mail(values, names["email"], rules.mail_domain)
    given = values.text(names["given_name"], LIMITS["given_name"])
    family = values.text(names["family_name"], LIMITS["family_name"])
    details = {
        "login": login,
        "login_key": login_of,
        "email": mail,
        "email_key": mail_of,
        "display_name": _shown(values, names, given, family, login),
        "given_name": given,
        "family_name": family,
        "phone": values.phone(names["phone"], LIMITS["phone"]),
        "mobile": values.phone(names["mobile"], LIMITS["mobile"]),
        "trade": values.text(names["trade"], LIMITS["trade"]),
        "employee_number": values.text(names["employee_number"], LIMITS["employee_number"]),
        "employee_type": values.text(names["employee_type"], LIMITS["employee_type"]),
        "business_name": values.text(names["business_name"], LIMITS["business_name"]),
        "postal_address": postal_address(values.text(names["postal_address"], LIMITS["postal_address"], lines=True)),
        "postal_code": values.text(names["postal_code"], LIMITS["postal_code"]),
        "town": values.text(names["town"], LIMITS["town"]),
        "language": values.text(names["language"], LIMITS["language"]),
    }
    digest = digest_of(dn, attributes, rules.person_keys, rules)
    return Person(
        uuid, dn, name_key(key), csn, state, reason, mail_state, details, digest=digest, problems=tuple(values.problems)
    )


def _login(values: Values, dn: str, attribute: str) -> tuple[str, str]:
    """The one in the entry's name when there are several; and its key.  A login cut short would be another person's.

    Its key may be longer than itself: one letter of Arabic typography stands for eighteen (NFKC).
    """
    plain = values.plain.get(attribute.lower(), "")
    if 0 < len(plain) <= LIMITS["login"] and len(key := login_key(plain)) <= LIMITS["login"]:
        return plain, key
    keys = {text: login_key(text) for text in values.texts(attribute)}
    logins = [text for text, key in keys.items() if max(len(text), len(key)) <= LIMITS["login"]]
    if not logins:
        values.problems.append(Problem("no_login"))
        return "", ""
    named = fold(first_value(dn, attribute.lower())) if len(logins) > 1 else ""
    login = next((text for text in logins if fold(text) == named), logins[0])
    return login, keys[login]


def _mail(values: Values, attribute: str, domain: str) -> tuple[str, str, MailState]:
    """The address in the organisation's domain, else the alphabetically first: the same at every pass; and its key."""
    if (plain := values.plain.get(attribute.lower())) and (key := mail_key(plain)):
        return plain, key, MailState.OK
    raws = values.attributes.get(attribute.lower(), ())
    texts = values.texts(attribute)
    keys = {text: key for text in texts if (key := mail_key(text))}
    if not raws:
        values.problems.append(Problem("no_mail"))
        return "", "", MailState.NONE
    # A line feed in an address is an attack on mail headers: such a value is refused, not repaired.
    unclean = list(filter(UNCLEAN.search, raws))
    if unclean:
        spoilt = {Values({attribute.lower(): [raw]}).text(attribute, 10_000) for raw in unclean}
        keys = {text: key for text, key in keys.items() if text not in spoilt}
    if len(keys) < len(texts) or unclean:
        values.problems.append(Problem("mail_invalid"))
    if not keys:
        return "", "", MailState.INVALID
    good = sorted(keys, key=lambda text: (keys[text], text))
    own = [text for text in good if keys[text].endswith("@" + domain)]
    mail = (own or good)[0]
    return mail, keys[mail], MailState.OK


def _shown(values: Values, names: Mapping[str, str], given: str, family: str, login: str) -> str:
    """displayName, else both names, else cn, else whatever there is."""
    shown = values.text(names["display_name"], LIMITS["display_name"])
    both = f"{given} {family}" if given and family else ""
    common = values.text(names["common_name"], LIMITS["display_name"])
    best = shown or both or common or family or given or login
    return values.cut(names["display_name"], best, LIMITS["display_name"])


def group_from(uuid: UUID, dn: str, csn: str, attributes: Attributes, rules: Rules, digest: str = "") -> Group:
    """``digest``: that of ``digest_of``, where it is known already: a large group is half a megabyte."""
    names = rules.group
    values = Values(attributes)
    texts = values.texts(names["name"])
    named = fold(first_value(dn, names["name"].lower()))
    name = next((text for text in texts if fold(text) == named), texts[0] if texts else "")
    words = values.texts(names["kind"])
    kind = next((rules.kinds[fold(text)] for text in words if fold(text) in rules.kinds), Kind.OTHER)
    if kind == Kind.OTHER:
        values.problems.append(Problem("group_kind_unknown" if words else "group_kind_missing"))
    return Group(
        uuid,
        dn,
        name_key(dn_key(dn)),
        csn,
        values.cut(names["name"], name, LIMITS["name"]),
        kind,
        values.text(names["description"], LIMITS["description"], lines=True),
        member_keys=_keys(attributes, rules.member_attributes),
        lead_keys=_keys(attributes, (names["lead"],)),
        digest=digest or digest_of(dn, attributes, rules.group_keys, rules),
        problems=tuple(values.problems),
    )


def _keys(attributes: Attributes, names: Sequence[str]) -> tuple[str, ...]:
    """Names as they are compared."""
    return tuple(sorted(name_keys([value for name in names for value in attributes.get(name.lower(), ())])))
