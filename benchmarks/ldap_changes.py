"""A morning's changes to the demonstration directory, so many at a time and never the same person twice."""

import re
import time
from collections.abc import Iterator

from benchmarks import meters
from demo.slapd import EmbeddedDirectory

# Of a hundred changes, and what is left are edits.
JOINS, LEAVES, RENAMES, GROUPS = 10, 5, 5, 10
MIX = f"{100 - JOINS - LEAVES - RENAMES - GROUPS} edits, {JOINS} joins, {LEAVES} leaves, {RENAMES} renames, "
MIX += f"{GROUPS} group changes of a hundred"
# For each of these slapd rewrites groups by itself, which takes it minutes where there are many and the groups large.
MOST_MOVED = 25
MIX += f"; at most {MOST_MOVED} leaves and as many renames, then edits"
# What is done to one person, and how the hub is to have it then.
ONE = {
    "corrected": ("trade", "Métier", "modify\nreplace: title\ntitle: {}"),
    "locked": ("state", "locked", "modify\nreplace: pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z"),
    "renamed": ("login", "renomme", "modrdn\nnewrdn: uid={}\ndeleteoldrdn: 1"),
    "deleted": ("state", "missing", "delete"),
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
        self._next = ""

    def make(self, count: int) -> float:
        """Returns how many seconds it took until the directory was at rest."""
        self._round += 1
        began = time.perf_counter()
        self._directory.modify("\n".join(self._written(count)))
        self.settle()
        return time.perf_counter() - began

    def next_login(self) -> str:
        """Of whoever ``change_one`` will change."""
        self._next = next(self._people)
        return self._next.partition(",")[0].removeprefix("uid=")

    def change_one(self, what: str) -> tuple[str, str]:
        """One of ``ONE``; returns the column of the mirror in which it is to show, and as what."""
        self._round += 1
        column, wanted, change = ONE[what]
        name = f"{wanted}.{self._round}" if column != "state" else wanted
        self._directory.modify(f"dn: {self._next}\nchangetype: {change.format(name)}\n")
        return column, name

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
