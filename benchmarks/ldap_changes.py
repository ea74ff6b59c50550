"""A morning's changes to the demonstration directory, so many at a time and never the same person twice."""

import re
import time
from collections.abc import Iterator
from typing import LiteralString, NamedTuple

from benchmarks import meters
from demo.slapd import EmbeddedDirectory

# Of a hundred changes, and what is left are edits.
JOINS, LEAVES, RENAMES, GROUPS = 10, 5, 5, 10
MIX = f"{100 - JOINS - LEAVES - RENAMES - GROUPS} edits, {JOINS} joins, {LEAVES} leaves, {RENAMES} renames, "
MIX += f"{GROUPS} group changes of a hundred"
# For each of these slapd rewrites groups by itself, which takes it minutes where there are many and the groups large.
MOST_MOVED = 25
MIX += f"; at most {MOST_MOVED} leaves and as many renames, then edits"
TRADE: LiteralString = "SELECT trade FROM directory_member WHERE id = %(member)s"
LOGIN: LiteralString = "SELECT login FROM directory_member WHERE id = %(member)s"
STATE: LiteralString = "SELECT state FROM directory_member WHERE id = %(member)s"
INSIDE: LiteralString = """
    SELECT CASE WHEN EXISTS (
        SELECT 1 FROM directory_membership JOIN directory_collective ON directory_collective.id = collective_id
        WHERE member_id = %(member)s AND dn = %(group)s
    ) THEN 'in' ELSE 'out' END
"""


class One(NamedTuple):
    """A change to one person, in LDIF, and what the hub is asked to know whether it has it, of a member and a group.

    ``wanted``: its answer then; where that is empty, a name that nobody had before.
    """

    change: str
    asked: LiteralString
    wanted: str = ""
    closes: bool = False


ONE = {
    "corrected": One("dn: {person}\nchangetype: modify\nreplace: title\ntitle: {name}", TRADE),
    "locked": One(
        "dn: {person}\nchangetype: modify\nreplace: pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z",
        STATE,
        "locked",
        closes=True,
    ),
    "renamed": One("dn: {person}\nchangetype: modrdn\nnewrdn: uid={name}\ndeleteoldrdn: 1", LOGIN),
    "taken out of a group": One("dn: {group}\nchangetype: modify\ndelete: member\nmember: {person}", INSIDE, "out"),
    "deleted": One("dn: {person}\nchangetype: delete", STATE, "missing", closes=True),
}
SETTLE_SECONDS = 300.0
# slapd has nothing left to do when it was seen to use no time in so many looks in a row.
LOOK_SECONDS, QUIET_LOOKS = 0.5, 3


class Changes:
    """What is done by ``ldapmodify``; ``slapd`` then rewrites groups by itself (refint), and that is waited for."""

    def __init__(self, directory: EmbeddedDirectory) -> None:
        self._directory = directory
        self._base = directory.base
        found = directory.search(
            "-b", f"ou=membres,ou=personnes,{self._base}", "(&(uid=*)(!(pwdAccountLockedTime=*)))", "uid"
        )
        self._people = iter(re.findall(r"^dn: (uid=.+)$", found, re.MULTILINE))
        found = directory.search("-b", f"ou=groupes,{self._base}", "(objectClass=groupOfNames)", "1.1")
        # Those whose name is plain ASCII: the others come in base64.
        self._groups = re.findall(r"^dn: (.+)$", found, re.MULTILINE)
        self._round = 0

    def make(self, count: int) -> float:
        """Returns how many seconds it took until the directory was at rest."""
        self._round += 1
        began = time.perf_counter()
        self._directory.modify("\n".join(self._written(count)))
        self.settle()
        return time.perf_counter() - began

    def next_one(self) -> tuple[str, str]:
        """Somebody to whom nothing was done yet, and a group that they are in, by their names in the directory."""
        for person in self._people:
            named = f"(&(objectClass=groupOfNames)(member={person}))"
            found = self._directory.search("-b", f"ou=groupes,{self._base}", named, "1.1")
            for group in re.findall(r"^dn: (.+)$", found, re.MULTILINE):
                return person, group
        raise RuntimeError("everybody is changed already")

    def change_one(self, what: str, person: str, group: str) -> str:
        """One of ``ONE``; returns what the hub is to answer then."""
        self._round += 1
        name = f"neuf.{self._round}"
        self._directory.modify(ONE[what].change.format(person=person, group=group, name=name) + "\n")
        return ONE[what].wanted or name

    def _written(self, count: int) -> Iterator[str]:
        joined: list[str] = []
        left = renamed = 0
        for number in range(count):
            place, name = number % 100 if count > 100 else number * 100 // count, f"nouveau.{self._round}.{number}"
            if place < JOINS:
                joined.append(f"uid={name},ou=membres,ou=personnes,{self._base}")
                yield (
                    f"dn: {joined[-1]}\nchangetype: add\nobjectClass: inetOrgPerson\nuid: {name}\ncn: Nour {name}\n"
                    f"sn: {name}\ngivenName: Nour\ndisplayName: Nour {name}\nmail: {name}@alizarine.example\n"
                    f"employeeType: salarié\ntelephoneNumber: +33 4 67 00 00 00\n"
                )
            elif place < JOINS + GROUPS:
                # Whoever has just joined: nobody of them is in a group yet.
                group = self._groups[(self._round + number) % len(self._groups)]
                yield f"dn: {group}\nchangetype: modify\nadd: member\nmember: {joined.pop()}\n"
            elif place < JOINS + GROUPS + LEAVES and left < MOST_MOVED:
                left += 1
                yield f"dn: {next(self._people)}\nchangetype: delete\n"
            elif JOINS + GROUPS + LEAVES <= place < JOINS + GROUPS + LEAVES + RENAMES and renamed < MOST_MOVED:
                renamed += 1
                name = f"renomme.{self._round}.{number}"
                yield f"dn: {next(self._people)}\nchangetype: modrdn\nnewrdn: uid={name}\ndeleteoldrdn: 1\n"
            else:
                yield _edit(next(self._people), f"Métier {self._round}")

    def settle(self) -> None:
        """refint works in the background, in groups that look the same for seconds, and leaves no change mark.

        Whoever measured meanwhile would count its work as their own.
        """
        slapd = [self._directory.pid or 0]
        deadline, before, quiet = time.monotonic() + SETTLE_SECONDS, meters.cpu_seconds(slapd), 0
        while quiet < QUIET_LOOKS:
            if time.monotonic() > deadline:
                raise RuntimeError("slapd does not come to rest")
            time.sleep(LOOK_SECONDS)
            used = meters.cpu_seconds(slapd)
            quiet = quiet + 1 if used == before else 0
            before = used


def _edit(dn: str, trade: str) -> str:
    return f"dn: {dn}\nchangetype: modify\nreplace: title\ntitle: {trade}\n"
