"""Builds the word lists of ``idp/wordlists`` from openly licensed packages: rarely, by hand; the result is committed.

``.venv/bin/python -m tools.wordlists FOLDER``, where FOLDER holds what ``npm pack`` gave for the packages of
``idp/wordlists/README.md``, each unpacked under its own name.  The hub itself reads nothing but the result.
"""

import gzip
import json
import re
import sys
import unicodedata
from collections.abc import Iterable
from pathlib import Path

TARGET = Path(__file__).resolve().parent.parent / "idp" / "wordlists"
# Five of these hold 60 bits, and a little more: 2 ** 12 words are 12 bits each.
PHRASE_WORDS = 4_608
SHORTEST, LONGEST = 4, 8
# Words of violence, illness, insult and of peoples and faiths begin like these: nobody wants one as their password.
UNKIND_STEMS = re.compile(
    "abatt|abus|about|agon|alleman|american|anglai|arabe|arme|arnaq|assas|attaq|bagarr|bais|ball|batard|bit|blesse|bomb|"
    "bord|bouff|brut|cadav|cancer|cath|cercu|chat|chi|clope|coc|cog|comba|con[dns]|couill|crach|cram|crev|crim|cru|cuit|cul|"
    "damn|dealer|debil|deces|defunt|demon|deuil|diab|dieu|dingue|divorc|drag|drog|egorg|emmerd|enc|enfer|enterr|esclav|"
    "etran|exec|expl|faib|famin|fess|feu|flic|fling|fou|frap|fum|fus|gay|gifl|girl|gorg|gos|gras|gros|guer|hain|hais|"
    "harcel|heroi|honte|horr|humil|hurl|idiot|imbec|immig|immon|infect|islam|ivr|jesus|juif|lesb|massac|merd|meurt|meurs|"
    "minab|miser|moch|morb|mort|mour|musul|mutil|naz|nich|niqu|noi?r|noy|obe|obs|odieu|otage|pendu|peni|perver|pest|pis|"
    "plaie|poiso|poit|porc|porn|prison|pui?t|raci|racail|rag|rebel|ruin|russe|sale|salop|sang|satan|sein|sex|sida|soldat|"
    "souff|strip|stupid|suici|suppli|tapett|taul|terr|tomb|tort|toxi|trahi|tromp|tu[aeo]|tum|urin|vagi|ventr|venge|"
    "vieil|vierg|viol|viru|vole|vom"
)


def main(folder: Path) -> None:
    refused = _load(folder / "language-common" / "src" / "passwords.json")
    common = _load(folder / "language-fr" / "src" / "commonWords.json")
    names = [
        *_load(folder / "language-fr" / "src" / "firstnames.json"),
        *_load(folder / "language-fr" / "src" / "lastnames.json"),
    ]
    real = set(_load(folder / "an-array-of-french-words" / "index.json"))
    rude = set((folder / "french-badwords-list" / "list.txt").read_text(encoding="utf-8").split())
    _write(TARGET / "refused.txt.gz", sorted({word.casefold() for word in refused}))
    # By frequency: where a word stands tells how many guesses it costs.
    _write(TARGET / "french.txt.gz", dict.fromkeys([*common, *names]))
    phrase = list(_phrase_words(common, real, set(names) | rude))[:PHRASE_WORDS]
    if len(phrase) < PHRASE_WORDS:
        raise SystemExit(f"only {len(phrase)} words are left for phrases")
    (TARGET / "phrase.txt").write_text("\n".join(sorted(phrase)) + "\n", encoding="utf-8")


def _phrase_words(common: list[str], real: set[str], unwanted: set[str]) -> Iterable[str]:
    """Words that everybody writes in one way: no accent, and none whose accented sister exists."""
    accented = {_plain(word) for word in common if _plain(word) != word}
    fit = re.compile(f"[a-z]{{{SHORTEST},{LONGEST}}}")
    return (
        word
        for word in dict.fromkeys(common)
        if fit.fullmatch(word) and word in real and word not in unwanted | accented and not UNKIND_STEMS.match(word)
    )


def _plain(word: str) -> str:
    return "".join(each for each in unicodedata.normalize("NFD", word) if not unicodedata.combining(each))


def _load(path: Path) -> list[str]:
    words: list[str] = json.loads(path.read_text(encoding="utf-8"))
    return words


def _write(path: Path, words: Iterable[str]) -> None:
    # No time and no name inside: the same lists give the same bytes.
    path.write_bytes(gzip.compress(("\n".join(words) + "\n").encode(), mtime=0))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
