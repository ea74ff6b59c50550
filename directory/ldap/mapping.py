"""From an entry of the directory to a person or a group of the plan.  Values in, values out."""

from collections.abc import Sequence
from uuid import UUID

from directory.ldap.plan import KINDS, Group, Person
from directory.normalise import (
    Problem,
    Values,
    dn_key,
    first_value,
    fold,
    is_under,
    login_key,
    mail_key,
    postal_address,
)
from directory.types import Kind, MailState, MemberState

# Locked for good; any other time is a lock that ends by itself, which only the server's bind can judge.
LOCKED_FOR_GOOD = b"000001010000Z"
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


def state_of(key: str, former_key: str, locked: Sequence[bytes]) -> tuple[MemberState, str]:
    """Where an entry is and whether it is locked decide if its holder may enter."""
    if is_under(key, former_key):
        return MemberState.LEFT, "former_branch"
    if LOCKED_FOR_GOOD in locked:
        return MemberState.LOCKED, "locked_for_good"
    return MemberState.ACTIVE, ""


def person_from(
    uuid: UUID, dn: str, csn: str, attributes: dict[str, Sequence[bytes]], *, former_key: str, mail_domain: str
) -> Person:
    values = Values(attributes)
    key = dn_key(dn)
    state, reason = state_of(key, former_key, attributes.get("pwdaccountlockedtime", ()))
    login = _login(values, dn)
    mail, mail_state = _mail(values, mail_domain)
    given, family = values.text("givenName", LIMITS["given_name"]), values.text("sn", LIMITS["family_name"])
    details = {
        "login": login,
        "login_key": login_key(login),
        "email": mail,
        "email_key": mail_key(mail),
        "display_name": _shown(values, given, family, login),
        "given_name": given,
        "family_name": family,
        "phone": values.phone("telephoneNumber", LIMITS["phone"]),
        "mobile": values.phone("mobile", LIMITS["mobile"]),
        "trade": values.text("title", LIMITS["trade"]),
        "employee_number": values.text("employeeNumber", LIMITS["employee_number"]),
        "employee_type": values.text("employeeType", LIMITS["employee_type"]),
        "business_name": values.text("o", LIMITS["business_name"]),
        "postal_address": postal_address(values.text("postalAddress", LIMITS["postal_address"], lines=True)),
        "postal_code": values.text("postalCode", LIMITS["postal_code"]),
        "town": values.text("l", LIMITS["town"]),
        "language": values.text("preferredLanguage", LIMITS["language"]),
    }
    return Person(uuid, dn, key, csn, state, reason, mail_state, details, problems=tuple(values.problems))


def _login(values: Values, dn: str) -> str:
    """The one in the entry's name when there are several.  A login cut short would be another person's."""
    logins = [text for text in values.texts("uid") if len(text) <= LIMITS["login"]]
    if not logins:
        values.problems.append(Problem("no_login"))
        return ""
    named = fold(first_value(dn, "uid"))
    return next((text for text in logins if fold(text) == named), logins[0])


def _mail(values: Values, domain: str) -> tuple[str, MailState]:
    """The address in the organisation's domain, else the alphabetically first: the same at every pass."""
    texts = values.texts("mail")
    good = sorted((text for text in texts if mail_key(text)), key=lambda text: (mail_key(text), text))
    if not values.attributes.get("mail"):
        values.problems.append(Problem("no_mail"))
        return "", MailState.NONE
    # A line feed in an address is an attack on mail headers: such a value is refused, not repaired.
    unclean = [raw for raw in values.attributes["mail"] if any(byte < 32 or byte == 127 for byte in raw)]
    if unclean:
        spoilt = {Values({"mail": [raw]}).text("mail", 10_000) for raw in unclean}
        good = [text for text in good if text not in spoilt]
    if len(good) < len(texts) or unclean:
        values.problems.append(Problem("mail_invalid"))
    if not good:
        return "", MailState.INVALID
    own = [text for text in good if mail_key(text).endswith("@" + domain)]
    return (own or good)[0], MailState.OK


def _shown(values: Values, given: str, family: str, login: str) -> str:
    """displayName, else both names, else cn, else whatever there is."""
    shown = values.text("displayName", LIMITS["display_name"])
    both = f"{given} {family}" if given and family else ""
    common = values.text("cn", LIMITS["display_name"])
    return values.cut("displayName", shown or both or common or family or given or login, LIMITS["display_name"])


def group_from(uuid: UUID, dn: str, csn: str, attributes: dict[str, Sequence[bytes]]) -> Group:
    values = Values(attributes)
    names = values.texts("cn")
    named = fold(first_value(dn, "cn"))
    name = next((text for text in names if fold(text) == named), names[0] if names else "")
    kinds = values.texts("businessCategory")
    kind = next((KINDS[fold(text)] for text in kinds if fold(text) in KINDS), Kind.OTHER)
    if kind == Kind.OTHER:
        values.problems.append(Problem("group_kind_unknown" if kinds else "group_kind_missing"))
    return Group(
        uuid,
        dn,
        dn_key(dn),
        csn,
        values.cut("cn", name, LIMITS["name"]),
        kind,
        values.text("description", LIMITS["description"], lines=True),
        member_dns=_dns(attributes, "member"),
        lead_dns=_dns(attributes, "owner"),
        problems=tuple(values.problems),
    )


def _dns(attributes: dict[str, Sequence[bytes]], name: str) -> tuple[str, ...]:
    return tuple(sorted(raw.decode("utf-8", "replace") for raw in attributes.get(name, ())))
