"""What waits is said in words, on its page, in the journal and by the command."""

import pytest
from django.utils.translation import override

from directory import follow_words, words
from directory.ldap.plan.types import ALL_WAITS, HOLDS_PEOPLE, today
from directory.management.commands.sync_directory import EXPLAINED, HELD_EXPLAINED

BY_NUMBER = ("people", "groups", "memberships", "leads", "attribute phone")
WAITS = [*ALL_WAITS, *HOLDS_PEOPLE, "taken_over", "others", *BY_NUMBER, *map(today, BY_NUMBER)]


@pytest.mark.parametrize("language", ["fr", "en"])
def test_each_kind_of_what_waits_has_words_of_its_own(language):
    with override(language):
        titles = {what: follow_words.held_title(what) for what in WAITS}
        said = {what: str(words.held(what)) for what in WAITS}
        advice = {what: follow_words.held_advice(what) for what in WAITS}

    for told in (titles, said, advice):
        assert all(told.values())
        assert len(set(told.values())) == len(set(WAITS))
    assert not set(titles.values()) & set(WAITS)


def test_the_command_explains_them_too():
    assert {what for what in WAITS if not what.startswith("attribute")} == set(HELD_EXPLAINED)


def test_what_is_to_be_settled_is_explained_at_the_terminal_as_on_the_page():
    assert set(follow_words.ISSUES) == set(EXPLAINED)
