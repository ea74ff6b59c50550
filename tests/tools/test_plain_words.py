"""The words of the pages: what is too long, or of our trade, fails the build."""

import pytest

from tools.plain_words import Text, problems

MEMBERS, STAFF = ("launcher/templates/launcher/home.html",), ("idp/templates/idp/directory/home.html",)
TWENTY = " ".join(["mot"] * 20) + "."


def found(french: str, english: str = "Words.", places: tuple[str, ...] = MEMBERS) -> list[str]:
    return list(problems(Text(places, (french,), (english,))))


def test_a_sentence_of_twenty_words_is_too_long_for_members_and_not_for_staff():
    assert len(found(TWENTY)) == 1
    assert found(TWENTY, places=STAFF) == []
    assert len(found(" ".join(["mot"] * 33), places=STAFF)) == 1


def test_two_sentences_are_counted_apart():
    assert found(" ".join(["mot"] * 15) + ". " + " ".join(["mot"] * 15) + ".") == []


def test_what_is_on_a_page_of_both_is_on_a_page_of_members():
    assert len(found(TWENTY, places=MEMBERS + STAFF)) == 1


@pytest.mark.parametrize(
    "said",
    [
        *("Le jeton est refusé.", "Votre client OIDC.", "Le serveur LDAP.", "Activez la 2FA.", "Le cache est plein."),
        *("Veuillez patienter.", "Cliquez ici.", "Les utilisateurs.", "Ouvrez cette URL."),
    ],
)
def test_a_word_of_the_trade_fails_in_french(said: str):
    assert len(found(said)) == 1


def test_a_word_of_the_trade_fails_in_english_too():
    assert len(found("Une phrase.", "The token was refused.")) == 1


@pytest.mark.parametrize(
    "said",
    ["Écrivez à dpo@ldap.example.", "%(token)s", "{user} entre.", "Elle s’est tue.", "Le DPO."],
)
def test_what_only_looks_like_one_does_not(said: str):
    assert found(said) == []


def test_nobody_is_called_tu():
    assert len(found("Choisis ton outil.")) == 1
    assert found("L’annuaire s’est tu.") == []


def test_staff_meet_the_words_of_their_work_but_are_asked_plainly():
    assert found("Le jeton est refusé.", places=STAFF) == []
    assert len(found("Veuillez patienter.", places=STAFF)) == 1


@pytest.mark.parametrize(
    "said",
    [
        *("Voici : tout.", "D’abord ; ensuite.", "Et vous ?", "Voilà !", "«\u00a0Suivre »", "« Suivre\u00a0»"),
        *("Voici\n: tout.", "Voici\u2009: tout.", "Et vous\u202f?", "«\u202fSuivre\u202f»", "10\u202f000"),
    ],
)
@pytest.mark.parametrize("places", [MEMBERS, STAFF])
def test_a_space_at_which_a_line_would_break_before_a_mark_fails(said: str, places: tuple[str, ...]):
    [problem] = found(said, places=places)

    assert "U+00A0" in problem


@pytest.mark.parametrize(
    "said", ["Voici\u00a0: tout, «\u00a0Suivre\u00a0» aussi\u00a0!", "https://a.example/?b", "9:30", "Un.\n\nDeux."]
)
def test_a_no_break_space_does_not(said: str):
    assert found(said) == []


def test_a_mark_of_english_stands_as_english_has_it():
    assert found("Voici\u00a0:", "Here : it is.") == []


def test_a_text_whose_words_are_kept_keeps_its_spaces():
    assert found("Voici : tout.", places=("hub/templates/account/notice_text.html",)) == []
    assert found("Voici : tout.", places=("consent/register/prefilled",)) == []
