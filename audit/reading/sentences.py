"""Looking for words in the sentences of the journal, which are nowhere kept as text.

A word is looked for among those that a sentence can be made of: patterns, tools, directories, collectives, reasons and
pseudonyms.  What matches there becomes a condition on columns, so that the database does the rest, whatever the
language of the reader.  The beginning of a line's reference finds that line.  The name of a person is none of these
words: it is found by the criterion for people, which is on the record, and never gets into an address.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext as _

from audit import selectors, words
from audit.reading.people import PSEUDONYM, People
from audit.selectors import fold
from audit.types import Action, By

_WORD = re.compile(r"[^\W_]+")
# Members quote the beginning of a line's reference, some all of it.
_REFERENCE = re.compile(r"(?<![\w-])[0-9a-f]{8}(?:(?:-[0-9a-f]{4}){0,3}|(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?![\w-])")


class UnknownWord(ValueError):
    """No sentence can have this word in it."""


def conditions(
    text: str, people: People, tools: list[tuple[str, str]], reasons: list[str]
) -> tuple[list[Q], list[UUID]]:
    """One for each word of ``text``; lines that meet them all have all the words.  And whom pseudonyms among them name.

    Raises ``UnknownWord``.
    """
    references = _REFERENCE.findall(text.casefold())
    rest, mentioned = _without_pseudonyms(_REFERENCE.sub(" ", text.casefold()), people)
    things = {fact: words.names_of(fact) for fact in words.THINGS} if rest.strip() else {}
    found = [selectors.of_reference(each) for each in references]
    found += [selectors.concerning(person) for person in mentioned]
    # One letter is what is left of « l’outil », and no use by itself.
    found += [_condition(word, tools, reasons, things) for word in _WORD.findall(fold(rest)) if len(word) > 1]
    if text.strip() and not found:
        raise UnknownWord(text.strip())
    return found, mentioned


def _without_pseudonyms(text: str, people: People) -> tuple[str, list[UUID]]:
    found = []
    for pseudonym in PSEUDONYM.findall(text.upper()):
        person = people.find(pseudonym)
        if person is None:
            raise UnknownWord(pseudonym)
        found.append(person)
    return PSEUDONYM.sub(" ", text.upper()), found


def _condition(
    word: str, tools: list[tuple[str, str]], reasons: list[str], things: Mapping[str, Mapping[Any, str]]
) -> Q:
    either = Q()
    if actions := [action for action in Action if _begins(word, _pattern(action))]:
        either |= Q(action__in=actions)
    if slugs := [slug for slug, name in tools if _begins(word, name)]:
        either |= Q(tool__slug__in=slugs, action__in=_with("tool"))
        either |= Q(actor_tool__slug__in=slugs, action__in=_with("who"))
    for fact, names in things.items():
        if numbers := [number for number, name in names.items() if _begins(word, name)]:
            either |= Q(**{f"facts__{fact}__in": numbers}, action__in=_with(fact))
    if codes := [code for code in reasons if _begins(word, words.name("reason", code))]:
        either |= Q(reason__in=codes)
    if _begins(word, _("Trousseau")):
        either |= Q(by=By.HUB, action__in=_with("who"))
    if _begins(word, _("Membre %(pseudonym)s") % {"pseudonym": ""}):
        either |= Q(subject_key__isnull=False, action__in=_with("subject"))
        either |= Q(by__in=[By.SELF, By.MEMBER], action__in=_with("who"))
    if _begins(word, _("Refus")):
        either |= Q(refused=True)
    if not either:
        raise UnknownWord(word)
    return either


def _pattern(action: str) -> str:
    return re.sub(r"\{\w+\}", " ", str(words.SENTENCES[action]))


def _with(place: str) -> Iterable[str]:
    return [action for action, pattern in words.SENTENCES.items() if f"{{{place}}}" in str(pattern)]


def _begins(word: str, text: str) -> bool:
    return any(each.startswith(word) for each in _words(text))


def _words(text: str) -> Iterator[str]:
    return (found[0] for found in _WORD.finditer(fold(text)))
