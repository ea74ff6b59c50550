"""A domain controller for tests: what Samba's answered when it was asked the same, as a connection of python-ldap.

As small as what the hub asks: paged searches below a base, one entry by its name, binds, and changes of a password.
"""

# python-ldap fills its module with names at run time.
# mypy: disable-error-code="attr-defined"

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import ldap
import ldap.controls.libldap

BASE = "DC=alizarine,DC=example"
SETTINGS = f"CN=NTDS Settings,CN=DC1,CN=Configuration,{BASE}"
REFUSED = "80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data {}, v1db1"
SINCE = re.compile(r"uSNChanged>=([0-9]+)")
GUID = re.compile(r"objectGUID=((?:\\[0-9a-f]{2}){16})")


@dataclass
class Controller:
    """``most_values``: how many values of an attribute one answer holds (``MaxValRange``)."""

    invocation_id: UUID = field(default_factory=uuid4)
    usn: int = 4000
    most_values: int = 1500
    entries: dict[str, dict[str, list[bytes]]] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def add(self, kind: str, name: str, unit: str, **attributes: list[str] | str) -> str:
        dn = f"CN={name},OU={unit},{BASE}"
        given = {key: [value] if isinstance(value, str) else value for key, value in attributes.items()}
        self.entries[dn] = {
            "objectClass": [kind.encode()],
            "objectGUID": [uuid4().bytes_le],
            "cn": [name.encode()],
            **{key: [value.encode() for value in values] for key, values in given.items()},
        }
        self.touch(dn)
        return dn

    def person(self, login: str, unit: str = "membres", password: str = "", **attributes: str) -> str:
        own = {
            "sAMAccountName": login,
            "sn": login.title(),
            "givenName": "Noémie",
            "mail": f"{login}@alizarine.example",
        }
        dn = self.add("user", login, unit, **{**own, "userAccountControl": "512", **attributes})
        self.passwords[dn] = password
        return dn

    def touch(self, dn: str, **attributes: str) -> None:
        self.usn += 1
        self.entries[dn] |= {name: [value.encode()] for name, value in attributes.items()}
        self.entries[dn]["uSNChanged"] = [str(self.usn).encode()]

    def rename(self, dn: str, to: str) -> None:
        """Of an entry or a branch.  Members are links: groups follow, unmarked, as do the people of a branch."""

        def renamed(name: str) -> str:
            return name[: -len(dn)] + to if name == dn or name.endswith("," + dn) else name

        if dn in self.entries:
            self.touch(dn)
        self.usn += 1
        self.entries = {renamed(name): attributes for name, attributes in self.entries.items()}
        self.passwords = {renamed(name): password for name, password in self.passwords.items()}
        for attributes in self.entries.values():
            for link in {"member", "managedBy"} & attributes.keys():
                attributes[link] = [renamed(value.decode()).encode() for value in attributes[link]]

    def connection(self, *_: Any, **__: Any) -> "Connection":
        return Connection(self)


class Connection:
    """What ``ldap.initialize`` would give."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._bound = ""
        self._found: list[Any] = []

    def set_option(self, *_: Any) -> None:
        pass

    def unbind_ext(self) -> None:
        pass

    # Reading ------------------------------------------------------------------------------------------------

    def search_ext(
        self,
        base: str,
        scope: int,
        filter_: str,
        attributes: list[str],
        serverctrls: Sequence[Any] = (),
        sizelimit: int = 0,
    ) -> int:
        self._controller.asked += attributes
        wanted = {bytes.fromhex(found.replace("\\", "")) for found in GUID.findall(filter_)}
        kind = b"group" if "objectClass=group" in filter_ else b"user" if "objectClass=user" in filter_ else b""
        since = max(map(int, SINCE.findall(filter_)), default=0)
        # Without pages it gives as many as it was asked for, and never a thousand (``MaxPageSize``).
        assert all(paging.size <= 1000 for paging in serverctrls)
        assert serverctrls or 0 < sizelimit < 1000
        self._found = [
            (dn, self._answer(entry, attributes))
            for dn, entry in self._controller.entries.items()
            if dn.endswith(base)
            and (not kind or kind in entry["objectClass"])
            and (not wanted or entry["objectGUID"][0] in wanted)
            and int(entry["uSNChanged"][0]) >= since
        ]
        return 1

    def result3(self, *_: Any, **__: Any) -> tuple[int, list[Any], int, list[Any]]:
        done = ldap.controls.libldap.SimplePagedResultsControl(True, size=0, cookie=b"")
        # The last is a reference to another part of the forest.
        return ldap.RES_SEARCH_RESULT, [*self._found, (None, ["ldaps://other.example/"])], 1, [done]

    def search_ext_s(self, dn: str, scope: int, filter_: str, attributes: list[str]) -> list[Any]:
        self._controller.asked += attributes
        if dn == SETTINGS:
            return [(dn, {"invocationId": [self._controller.invocation_id.bytes_le]})]
        if not dn:
            usn = str(self._controller.usn).encode()
            return [("", {"highestCommittedUSN": [usn], "dsServiceName": [SETTINGS.encode()]})]
        return [(dn, self._answer(self._controller.entries[dn], attributes))]

    def _answer(self, entry: dict[str, list[bytes]], attributes: list[str]) -> dict[str, list[bytes]]:
        answer: dict[str, list[bytes]] = {}
        for asked in attributes:
            name, _, part = asked.partition(";range=")
            start = int(part.partition("-")[0]) if part else 0
            values = entry.get(name, [])
            end = start + self._controller.most_values
            if part or end < len(values):
                last = "*" if end >= len(values) else str(end - 1)
                answer[f"{name};range={start}-{last}"] = values[start:end]
            elif values:
                answer[name] = values
        return answer

    # Who is there -------------------------------------------------------------------------------------------

    def simple_bind_s(self, dn: str, password: str, serverctrls: Sequence[Any] = ()) -> tuple[Any, ...]:
        entry = self._controller.entries.get(dn, {})
        if self._controller.passwords.get(dn) != password:
            raise ldap.INVALID_CREDENTIALS({"result": 49, "info": REFUSED.format("52e")})
        if int(entry["userAccountControl"][0]) & 2:
            raise ldap.INVALID_CREDENTIALS({"result": 49, "info": REFUSED.format("533")})
        if entry.get("pwdLastSet") == [b"0"]:
            raise ldap.INVALID_CREDENTIALS({"result": 49, "info": REFUSED.format("773")})
        self._bound = entry["sAMAccountName"][0].decode()
        return 97, [], 1, []

    def whoami_s(self) -> str:
        return f"u:ALIZARINE\\{self._bound}"

    def passwd_s(self, *_: Any, **__: Any) -> None:
        info = "Extended Operation(1.3.6.1.4.1.4203.1.11.1) not supported"
        raise ldap.PROTOCOL_ERROR({"result": 2, "info": info})

    def modify_s(self, dn: str, changes: list[tuple[int, str, list[bytes]]]) -> None:
        for order, name, values in changes:
            if name != "unicodePwd":
                raise ldap.NO_SUCH_ATTRIBUTE({"result": 16})
            (password,) = (value.decode("utf-16-le") for value in values)
            assert password[0] == password[-1] == '"'
            if order == ldap.MOD_DELETE and password[1:-1] != self._controller.passwords[dn]:
                info = "00000056: Constraint violation - check_password_restrictions: The old password doesn't match!"
                raise ldap.CONSTRAINT_VIOLATION({"result": 19, "info": info})
            if order == ldap.MOD_DELETE:
                continue
            if len(password) < 12:
                info = "0000052D: Constraint violation - check_password_restrictions: the password is too short!"
                raise ldap.CONSTRAINT_VIOLATION({"result": 19, "info": info})
            self._controller.passwords[dn] = password[1:-1]
        self._controller.touch(dn)
