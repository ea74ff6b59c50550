"""Whatever is written, a pass with looks before its list comes to what it comes to without them."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from demo.slapd import DirectoryNotStarted, EmbeddedDirectory
from directory.models import Collective, DirectorySource, Member, SyncRun
from directory.services import first_looks, synchronise
from directory.types import MemberState, RunStatus
from tests.support.early import BASE, PEOPLE
from tests.support.mirror import content, difference, put_back
from tests.support.slapd import settle

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 11, 23, 8, tzinfo=UTC)
# Beyond a day: what went in one step does not count in the next.
STEP = timedelta(hours=25)
FEW = {"people": 3, "memberships": 6, "leads": 3, "emptied": 2}
STEPS = 30


def written(chance: random.Random, number: int) -> str:
    """One change by somebody who keeps the directory, as they come."""
    people = list(Member.objects.filter(dn__endswith=PEOPLE, state=MemberState.ACTIVE).order_by("dn"))
    groups = list(Collective.objects.filter(present=True, dn__gt="").order_by("dn"))
    (one, other), (group, inner) = chance.sample(people, 2), chance.sample(groups, 2)
    inside = list(Member.objects.filter(memberships__collective=group, memberships__direct=True).order_by("dn"))
    out = chance.choice(inside or people)

    def changed(dn: str, what: str) -> str:
        return f"dn: {dn}\nchangetype: modify\n{what}\n"

    def renamed(dn: str, name: str, below: str = "") -> str:
        moved = f"newsuperior: {below}\n" if below else ""
        return f"dn: {dn}\nchangetype: modrdn\nnewrdn: {name}\ndeleteoldrdn: {0 if below else 1}\n{moved}"

    address = chance.choice([other.email, f"neuf{number}@alizarine.example"])
    status = chance.choice(["permanente", "associé", "stagiaire"])
    nested = f"member: {inner.dn}\n" if number % 3 == 0 else ""
    return chance.choice(
        [
            changed(group.dn, f"delete: member\nmember: {out.dn}"),
            changed(group.dn, f"delete: member\nmember: {out.dn}\n-\nadd: description\ndescription: Sans lui"),
            changed(group.dn, f"add: member\nmember: {one.dn}"),
            changed(group.dn, f"add: member\nmember: {inner.dn}"),
            changed(group.dn, f"replace: owner\nowner: {one.dn}"),
            changed(group.dn, f"replace: description\ndescription: Texte {number}"),
            changed(one.dn, "replace: mobile"),
            changed(one.dn, f"replace: mobile\nmobile: +33 6 39 98 {number % 90 + 10} 66"),
            changed(one.dn, f"replace: employeeType\nemployeeType: {status}"),
            changed(one.dn, f"replace: mail\nmail: {address}"),
            changed(one.dn, "replace: pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z"),
            renamed(one.dn, f"uid=neuf.{number}"),
            renamed(one.dn, one.dn.split(",")[0], f"ou=anciens,ou=personnes,{BASE}"),
            renamed(group.dn, f"cn=Neuf {number}"),
            f"dn: {one.dn}\nchangetype: delete\n",
            f"dn: {group.dn}\nchangetype: delete\n",
            f"dn: cn=P{number},{PEOPLE}\nchangetype: add\nobjectClass: inetOrgPerson\nuid: p{number}\n"
            f"cn: P {number}\nsn: P\nmail: p{number}@alizarine.example\n",
            f"dn: cn=G{number},ou=poles,ou=groupes,{BASE}\nchangetype: add\nobjectClass: groupOfNames\n"
            f"cn: G{number}\nbusinessCategory: pôle\nmember: {one.dn}\nmember: {other.dn}\n{nested}",
        ]
    )


def told(run: SyncRun) -> dict[str, Any]:
    counts = {name: count for name, count in run.counts.items() if name != "written"}
    return {"status": run.status, "counts": counts, "gone": run.report.get("gone"), "issues": run.report["issues"]}


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often a look has written something."""
    counted: Counter[str] = Counter()
    real = first_looks.FirstLooks._write

    def write(self: first_looks.FirstLooks, *arguments: Any) -> None:
        counted["written"] += 1
        real(self, *arguments)

    monkeypatch.setattr(first_looks.FirstLooks, "_write", write)
    return counted


@pytest.mark.parametrize("seed", range(2))
def test_with_looks_and_without_it_comes_to_the_same(small_directory: EmbeddedDirectory, monkeypatch, looked, seed):
    chance, now = random.Random(seed), MONDAY  # noqa: S311 no secret
    synchronise(now=now)
    DirectorySource.objects.update(ceilings=FEW | {f"{what}_share": 0.0 for what in FEW})
    for step in range(STEPS):
        changes = [written(chance, 10 * step + number) for number in range(chance.choice([1, 1, 2, 3]))]
        for each in changes:
            # Of a group that has no other member, or an entry that was renamed just now.
            try:
                small_directory.modify(each)
            except DirectoryNotStarted:
                continue
        settle(small_directory)
        now += STEP
        with put_back(), monkeypatch.context() as patch:
            patch.setattr(first_looks, "MOST", -1)
            alone, came_to = told(synchronise(now=now)), content()

        run = synchronise(now=now)

        assert not difference(content(), came_to), changes
        assert told(run) == alone, changes
        if run.status == RunStatus.HELD:
            synchronise(now=now, allow_large=True)
        for _ in range(3):
            synchronise(now=now)

    assert looked["written"] > STEPS / 3
