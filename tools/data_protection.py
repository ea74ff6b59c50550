"""Writes docs/data-protection.md: what the law asks of the hub, what it does, and which tests say so; ``--check`` only
compares.

A requirement without a test must be said to be missing, and one with a test must not.
"""

import argparse
import sys
from dataclasses import dataclass

from tools.marks import ROOT, listed, marked

PAGE = ROOT / "docs" / "data-protection.md"
HEAD = """# What data protection law asks, and what the hub does

Each row is a requirement, with the articles it comes from (of the GDPR where nothing else is said), what the hub does
about it, and the tests that hold it, gathered from their marks (`@pytest.mark.gdpr("G4")`). Written by
`tools/data_protection.py`; a check keeps it true. It is no legal advice: the data protection officer decides, and the
hub makes the decision visible.

**Missing** says what is not built, or not in the hands of any program.

| | articles | what the hub does | tests |
| --- | --- | --- | --- |
"""


@dataclass(frozen=True, slots=True)
class Requirement:
    code: str
    articles: str
    does: str
    missing: str = ""


REQUIREMENTS = (
    Requirement(
        "G1",
        "4(11), 7",
        "Every switch is off until the member turns it on. Going on with and without what is optional are two "
        "buttons of one size, side by side; leaving the page is a refusal.",
    ),
    Requirement(
        "G2",
        "7(1), recital 42",
        "A decision keeps who, when, where, the version and language of the text, and item by item what was "
        "granted and refused; the text as it was shown is kept in each language with its digest in the journal. A"
        " member and the officer can open it.",
    ),
    Requirement(
        "G3",
        "7(2)",
        "The page that asks for agreement asks for nothing else: no terms, no sign-in, no charter.",
    ),
    Requirement(
        "G4",
        "7(3)",
        "Agreement is taken back in “Mes données” by one click, said before it is given; tokens and sessions of "
        "that tool end in the same transaction. Single items can be taken back, too.",
    ),
    Requirement(
        "G5",
        "7(4)",
        "A tool opens for whoever refuses all that can be refused; one test goes through every sheet.",
    ),
    Requirement(
        "G6",
        "5(1)(a), 12",
        "Of everything that left, a member reads what, to whom, why, on what basis, since when, and how to stop it.",
    ),
    Requirement(
        "G7",
        "5(1)(b), 6(4)",
        "Only what is on the sheet in force leaves, for the purpose that names it; a changed sheet is a new "
        "version that is shown before anything more leaves. A tool that came from another hub may be given up to 90 "
        "days to keep to that. What left otherwise is a finding.",
    ),
    Requirement(
        "G8",
        "5(1)(c), 25(2)",
        "A tool without a sheet gets its own identifiers; a scope alone releases nothing, save to a tool that came "
        "from another hub while it is given time, and then never what anybody had a say in.",
    ),
    Requirement(
        "G9",
        "5(1)(d), 16",
        "Members correct their details where the directory lets them, and tools read the corrected value next "
        "time they ask. Until a tool that holds an item has surely received it since its last change, the member and "
        "the officer read so, without a value; what waits for two weeks is before the officer.",
    ),
    Requirement(
        "G10",
        "5(1)(e)",
        "Data in the register has a period, what it starts with and what follows it, or is not saved; what the "
        "hub holds of people goes category by category at night, by the code of erasure, on the record.",
    ),
    Requirement(
        "G11",
        "5(2), 24",
        "The journal and a member's own lines are exported with proofs that one file of Python checks; so is the "
        "register, on any day; one package for an inspection holds what is asked and no more, with its digests.",
    ),
    Requirement(
        "G12",
        "6(1)",
        "A purpose has exactly one legal basis, which decides the rights over it; a tool with a legitimate "
        "interest is switched on once somebody has weighed it, with a date.",
    ),
    Requirement(
        "G13",
        "9",
        "A collective marked sensitive is named to no tool, in no report and no list of its members; sensitive "
        "data of the register needs its ground.",
    ),
    Requirement(
        "G14",
        "12(3)",
        "A request is due a month after its receipt, reckoned by Regulation 1182/71 with French holidays; it is "
        "extended with a reason within that month; reminders come seven days before and when it is over.",
    ),
    Requirement(
        "G15",
        "12(4)",
        "A refusal has a reason, names the CNIL and the courts, and is due within the month; a later one is "
        "marked as late.",
    ),
    Requirement(
        "G16",
        "12(5), 12(6)",
        "Whoever is signed in takes their own record at once, for nothing, and asks without further proof; a "
        "doubt about a letter stops the clock, with its days given back.",
    ),
    Requirement(
        "G17",
        "13, 14",
        "Before a tool opens, its notice says purposes, bases, data, source, recipient, period, rights and whom to"
        " ask, in French and English, and what changed since the last time.",
    ),
    Requirement(
        "G18",
        "15(1), (3)",
        "A member's record has their data with its source, decisions, and each transmission with the tool by "
        "name; their activity tells who looked, when and for what purpose.",
    ),
    Requirement(
        "G19",
        "15(4)",
        "Whoever looked is told by what they do in the cooperative, never by name.",
    ),
    Requirement(
        "G20",
        "17, 19",
        "Who left is erased from the hub with the retention period, journal included; each tool that holds "
        "something is told, reminded, and answers; the person has the list.",
        "Tools are told by mail: no SCIM, no RISC event.",
    ),
    Requirement(
        "G21",
        "18",
        "From a restriction on nothing of the person leaves but the tool's own identifiers; the member sees it, "
        "and is told before it ends.",
    ),
    Requirement(
        "G22",
        "20",
        "The hub knows on which bases portability holds, and says it on the page of each tool. What members gave on "
        "agreement or contract is a file of its own, with a published schema; the page says what is not in it and why.",
    ),
    Requirement(
        "G23",
        "21(1), (4)",
        "Where a purpose rests on a legitimate interest or a public task, an objection has its own switch on the "
        "notice and in “Mes données”, and stops what leaves at once. It is a request with its month: it stays stopped "
        "once upheld, and ends only where the officer refuses in a letter with grounds and the way to complain.",
    ),
    Requirement(
        "G24",
        "22",
        "No score closes an account: limits slow down, and people decide.",
    ),
    Requirement(
        "G25",
        "25(1)",
        "Periods are the short ones, people in the journal are pseudonyms, and a journal is read for a purpose; a"
        " longer period needs a reason and leaves a line.",
    ),
    Requirement(
        "G26",
        "26, 28",
        "A sheet says what its recipient is, on which contract, until when; without it the tool is not opened, "
        "and an ended contract is a hole of the register. So is a processor's contract whose eight points of "
        "article 28(3) were not ticked or explained, whose further processors were not asked, or whose text is not "
        "attached.",
    ),
    Requirement(
        "G27",
        "30(1)",
        "The register has every field of the article, in the CNIL's layout, fed by the sheets of the tools.",
    ),
    Requirement(
        "G28",
        "30(2)",
        "What is done for others has its own kind of record, with those for whom it is done.",
    ),
    Requirement(
        "G29",
        "30(3), (4)",
        "The register of any past day is shown and exported; every version stays.",
    ),
    Requirement(
        "G30",
        "32",
        "Keys and sealed parts are encrypted, tools know people by pseudonyms, and backups can be tried. Measures, "
        "restore tests and reviews are dated lines that stay; the officer's day asks for what is older than a year.",
    ),
    Requirement(
        "G31",
        "33",
        "Every breach is kept, notified or not, with a clock of 72 hours (a dated setting), who was held by a "
        "tool meanwhile, the fields of the notification, and later parts.",
    ),
    Requirement(
        "G32",
        "34",
        "The letter to people is drafted in French and English, edited and kept by version; who was told, when "
        "and how is part of the file.",
    ),
    Requirement(
        "G33",
        "35",
        "The nine criteria are asked of each processing, with outcome, date and the officer's advice, kept by "
        "version also when the answer is no, and asked again after three years.",
    ),
    Requirement(
        "G34",
        "38(3), (5), 39",
        "The officer reads everything about processing and changes no line; what they look at is on the record, "
        "with its purpose.",
    ),
    Requirement(
        "G35",
        "44–49",
        "A sheet names the country and the safeguard; “none” is an answer, silence is none.",
    ),
    Requirement(
        "G36",
        "Act of 1978, art. 82",
        "Five cookies (session, forms, language, known browser, sign-out of tools), each needed for what the"
        " person asks for; nothing is measured. The page about what the hub keeps lists them.",
    ),
    Requirement(
        "G37",
        "Act of 1978, art. 85",
        "A member may leave directions and somebody to speak to, changed and withdrawn at any time; sealed, opened by "
        "the officer alone once the person has left, by an act that stands in the journal. Whoever asks for an "
        "erasure, or dates a departure, reads that there are some.",
    ),
    Requirement(
        "G38",
        "Labour code L1121-1, L1222-4, L2312-38",
        "The journal is a record of the register, with its periods, and each member reads their own lines. Whoever "
        "is invited reads what it is for, and what it is not for, by a text whose digest is on the record; whoever "
        "came otherwise finds it on the page of tools until they have read it, and again where it changes.",
        "Consulting the works council is an act of the cooperative.",
    ),
)


class Untrue(Exception):
    """The table says something else than the marks."""


def tests_of() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {each.code: [] for each in REQUIREMENTS}
    for codes, test in marked("gdpr"):
        for code in codes:
            if code not in found:
                raise Untrue(f"{test} speaks for {code}, which is no requirement")
            found[code].append(test)
    return found


def table(found: dict[str, list[str]]) -> str:
    lines = []
    for each in REQUIREMENTS:
        if bool(each.does) != bool(found[each.code]):
            wanting = "no test is marked for it" if each.does else "tests are marked for it: say what the hub does"
            raise Untrue(f"{each.code}: {wanting}")
        said = " ".join(part for part in (each.does, f"**Missing:** {each.missing}" if each.missing else "") if part)
        lines.append(f"| {each.code} | {each.articles} | {said} | {listed(found[each.code])} |\n")
    return HEAD + "".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    try:
        wanted = table(tests_of())
    except Untrue as error:
        print(error)
        return 1
    if not arguments.check:
        PAGE.write_text(wanted, encoding="utf-8")
        return 0
    if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != wanted:
        print("docs/data-protection.md does not tell of the tests' marks as they are")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
