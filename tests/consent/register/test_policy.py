"""What may be saved in the register, what is missing, and what a sheet becomes: without a database."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.register import policy
from consent.register.types import (
    SENSITIVE,
    Assessment,
    Content,
    Data,
    Kind,
    People,
    Purpose,
    Recipient,
    RegisterInvalid,
    Rubric,
    Transfer,
)
from consent.types import Ending, Engagement, LegalBasis, RecipientRole, Safeguard, SheetInvalid
from tests.support.cast import FORMATION, LOUTY, with_items

TODAY = date(2026, 11, 16)
FULL = Content(
    name="Paie",
    created=TODAY,
    software="Louty",
    purposes=(Purpose("Établir les bulletins de paie.", LegalBasis.CONTRACT),),
    technical="Chiffrement",
    organisational="Habilitations",
    data=(Data(Rubric.ECONOMIC, "Salaire", "5 ans", "la fin du contrat", Ending.ARCHIVE),),
    people=(People("Salarié·es"),),
    recipients=(Recipient("Louty", RecipientRole.PROCESSOR, "dpo@louty.example", "C-17", date(2027, 12, 31)),),
    source="La personne",
    assessment=Assessment.NOT_NEEDED,
    reviewed=TODAY,
)
ENGAGED = Engagement(
    role=RecipientRole.PROCESSOR,
    contract="C-17",
    contract_end=date(2027, 12, 31),
    country="France",
    safeguard=Safeguard.EEA,
    since="la fin du contrat",
    ending=Ending.DELETE,
)


def problems_of(content: Content) -> dict[str, str]:
    with pytest.raises(RegisterInvalid) as refused:
        policy.check(content)
    return refused.value.problems


def test_a_whole_record_is_accepted_and_has_no_hole():
    policy.check(FULL)

    assert policy.holes(FULL, Kind.CONTROLLER, today=TODAY) == []


@pytest.mark.gdpr("G10")
@pytest.mark.parametrize("part", ["period", "start", "ending"])
def test_data_without_a_period_a_trigger_or_an_end_cannot_be_saved(part):
    data = replace(FULL.data[0], **{part: ""})

    assert problems_of(replace(FULL, data=(data,))) == {f"data.0.{part}": "missing"}


@pytest.mark.parametrize(
    ("changed", "place", "why"),
    [
        ({"name": ""}, "name", "missing"),
        ({"purposes": ()}, "purposes.0.text", "missing"),
        ({"purposes": (Purpose("Prospection", LegalBasis.LEGITIMATE_INTEREST, "Pesé."),)}, *2 * ("",)),
        ({"transfers": (Transfer("X", "Chine", "", "javascript:alert(1)"),)}, "transfers.0.link", "no_link"),
        ({"transfers": (Transfer("X", "Chine", "", "https://x.example/ onclick"),)}, "transfers.0.link", "no_link"),
        ({"people": (People(""),)}, "people.0.category", "missing"),
        ({"technical": "x" * 4001}, "technical", "too_long"),
        ({"people": (People("x"),) * (policy.MOST_ROWS + 1)}, "people", "too_many"),
        ({"data": (replace(FULL.data[0], period="5 ans ; ou plus"),)}, "data.0.period", "semicolon"),
    ],
)
def test_what_cannot_be_saved_is_told_by_its_place(changed, place, why):
    found = problems_of(replace(FULL, **changed))

    assert found == ({place: why} if place else {"purposes.0.balanced_on": "balancing_undated"})


@pytest.mark.gdpr("G12", "G26", "G33")
@pytest.mark.parametrize(
    ("changed", "hole"),
    [
        ({"purposes": (Purpose("Écrire."),)}, "basis"),
        ({"purposes": (Purpose("Écrire.", LegalBasis.LEGITIMATE_INTEREST),)}, "balancing"),
        ({"data": ()}, "data"),
        ({"data": (Data(Rubric.HEALTH, "Arrêts", "1 an", "la reprise", Ending.DELETE),)}, "ground"),
        ({"people": ()}, "people"),
        ({"recipients": ()}, "recipient"),
        ({"recipients": (Recipient("X"),)}, "role"),
        ({"recipients": (Recipient("X", RecipientRole.PROCESSOR, "x@x.example"),)}, "contract"),
        ({"recipients": (replace(FULL.recipients[0], contract_end=date(2026, 11, 15)),)}, "contract_over"),
        ({"recipients": (replace(FULL.recipients[0], contact=""),)}, "contact"),
        ({"transfers": (Transfer("X", "Chine"),)}, "safeguard"),
        ({"transfers": (Transfer("X", "Chine", Safeguard.NONE),)}, "no_safeguard"),
        ({"technical": ""}, "measures"),
        ({"source": ""}, "source"),
        ({"assessment": ""}, "assessment"),
        ({"reviewed": None}, "review"),
    ],
)
def test_what_is_not_said_is_a_hole(changed, hole):
    assert policy.holes(replace(FULL, **changed), Kind.CONTROLLER, today=TODAY) == [hole]


@pytest.mark.gdpr("G28")
def test_a_processor_says_for_whom():
    assert policy.holes(FULL, Kind.PROCESSOR, today=TODAY) == ["clients"]


def sheet_said(sheet=LOUTY, before=None, **engagement):
    said = replace(sheet, contact="structure@x.example", engagement=replace(ENGAGED, **engagement))
    return policy.from_sheet(said, software="Louty", notice="version 1", today=TODAY, before=before)


def test_a_sheet_becomes_a_record_and_its_own_identifiers_are_in_it():
    content = sheet_said()

    assert content.name == "Gestion de l’activité"
    assert content.purposes == (Purpose(LOUTY.purposes[0].text, LegalBasis.CONTRACT, fed=True),)
    assert [row.rubric for row in content.data] == [Rubric.IDENTITY, Rubric.PROFESSIONAL, Rubric.CONNECTION]
    assert content.data[0].description == "Nom affiché, Adresse e-mail"
    assert "Identifiant propre à l’outil" in content.data[2].description
    assert {(row.period, row.start, row.ending) for row in content.data} == {
        ("Le temps du contrat, puis cinq ans", "la fin du contrat", Ending.DELETE)
    }
    assert content.recipients[0].role == RecipientRole.PROCESSOR
    assert content.transfers == ()
    assert policy.missing_to_open(content, today=TODAY) == []


@pytest.mark.gdpr("G12")
def test_a_sheet_of_several_purposes_keeps_each_with_its_basis():
    content = policy.from_sheet(FORMATION, software="Formation", notice="", today=TODAY)

    assert [row.basis for row in content.purposes] == [LegalBasis.CONTRACT, LegalBasis.CONSENT]
    kept = [(row.rubric, row.description, row.period) for row in content.data]
    assert kept == [
        (Rubric.IDENTITY, "Nom affiché, Adresse e-mail", "Un an"),
        (Rubric.IDENTITY, "Téléphone (facultatif)", "Six mois"),
        (Rubric.PROFESSIONAL, "Métier (facultatif)", "Six mois"),
        (Rubric.CONNECTION, "Identifiant propre à l’outil, Numéro de session propre à l’outil", "Un an"),
    ]


@pytest.mark.gdpr("G26", "G35")
@pytest.mark.parametrize(
    ("engagement", "missing"),
    [
        ({"role": ""}, ["role"]),
        ({"contract": ""}, ["contract"]),
        ({"contract_end": None}, ["contract"]),
        ({"contract_end": date(2026, 11, 15)}, ["contract_over"]),
        ({"country": ""}, ["country"]),
        ({"country": "États-Unis"}, ["safeguard"]),
        ({"country": "États-Unis", "safeguard": Safeguard.CLAUSES}, []),
        ({"country": "États-Unis", "safeguard": Safeguard.NONE}, []),
        ({"ending": ""}, ["period"]),
        ({"since": ""}, ["period"]),
        ({"role": RecipientRole.INTERNAL, "contract": "", "contract_end": None}, []),
    ],
)
def test_a_tool_is_not_switched_on_before_its_sheet_has_every_answer(engagement, missing):
    assert policy.missing_to_open(sheet_said(**engagement), today=TODAY) == missing


def test_a_legitimate_interest_is_weighed_before_its_tool_is_switched_on():
    content = sheet_said(with_items(LOUTY, legal_basis=LegalBasis.LEGITIMATE_INTEREST))
    weighed = replace(content.purposes[0], balancing="Pesé.", balanced_on=TODAY)

    assert policy.missing_to_open(content, today=TODAY) == ["balancing"]
    assert policy.missing_to_open(replace(content, purposes=(weighed,)), today=TODAY) == []


def test_a_tool_without_a_sheet_lacks_all_of_it():
    assert policy.missing_to_open(None, today=TODAY) == ["processing"]


def test_what_the_officer_wrote_does_not_keep_a_tool_closed():
    content = replace(sheet_said(), recipients=(*sheet_said().recipients, Recipient("Un service")))

    assert policy.missing_to_open(content, today=TODAY) == []
    assert "role" in policy.holes(content, Kind.CONTROLLER, today=TODAY)


def test_a_new_sheet_keeps_what_the_officer_wrote():
    officers = replace(
        sheet_said(),
        technical="Chiffrement",
        data=(*sheet_said().data, Data(Rubric.UNION, "Mandat", "1 an", "le mandat", Ending.DELETE, "9(2)(b)")),
    )

    after = sheet_said(sheet=FORMATION, before=officers)

    assert after.technical == "Chiffrement"
    assert after.data[-1].rubric == Rubric.UNION
    assert after.purposes[0].text == FORMATION.purposes[0].text
    assert "Numéro de membre" not in str(after.data)


@pytest.mark.gdpr("G12")
@pytest.mark.parametrize("text", ["Tenir vos comptes.", " Tenir  vos comptes.\r\nEt les vérifier. "])
def test_a_balancing_test_holds_for_the_purpose_it_was_made_for(text):
    interest = with_items(LOUTY, legal_basis=LegalBasis.LEGITIMATE_INTEREST, text=text)
    weighed = replace(
        sheet_said(interest),
        purposes=(replace(sheet_said(interest).purposes[0], balancing="Pesé.", balanced_on=TODAY),),
    )

    assert sheet_said(interest, before=weighed).purposes[0].balancing == "Pesé."
    assert sheet_said(with_items(interest, text="Autre chose."), before=weighed).purposes[0].balancing == ""


@pytest.mark.parametrize(
    ("engagement", "said"),
    [
        (Engagement(role=RecipientRole.PROCESSOR), "contract"),
        (Engagement(role=RecipientRole.PROCESSOR, contract="C-17"), "day it ends"),
        (Engagement(country="États-Unis", safeguard=Safeguard.EEA), "outside the European Economic Area"),
        (Engagement(safeguard=Safeguard.CLAUSES), "country is empty"),
    ],
)
def test_a_sheet_that_contradicts_itself_is_refused(engagement, said):
    with pytest.raises(SheetInvalid, match=said):
        policy.check_engagement(replace(LOUTY, engagement=engagement))


@pytest.mark.gdpr("G35")
@pytest.mark.parametrize("country", ["France", "FRANCE", "Grèce", "Suède", "fr", " Norvège "])
def test_a_country_of_the_area_is_known_as_people_write_it(country):
    assert policy.is_in_eea(country)


@pytest.mark.parametrize(
    ("text", "period", "start"),
    [
        ("trois ans après votre dernière formation", "trois ans", "votre dernière formation"),
        ("Un an après la dernière formation.", "Un an", "la dernière formation"),
        ("6 mois à compter de la collecte", "6 mois", "la collecte"),
        ("6 mois à compter du départ", "6 mois", "le départ"),
        ("1 an à partir d’une demande", "1 an", "une demande"),
        ("le temps de l’essai", "le temps de l’essai", ""),
        ("Le temps du contrat, puis cinq ans.", "Le temps du contrat, puis cinq ans", ""),
    ],
)
def test_a_period_is_taken_apart_where_its_words_say_from_when(text, period, start):
    assert policy.split_retention(text) == (period, start)


SAYABLE = st.text(st.characters(codec="utf-8", exclude_characters=";"), max_size=60).map(
    lambda text: policy.tidy(People(text)).category
)


@given(SAYABLE.filter(bool), SAYABLE.filter(bool), st.sampled_from(Ending))
def test_a_delay_in_one_cell_comes_apart_again(period, start, ending):
    row = Data(Rubric.OTHER, "x", period, start, ending)

    if start != "–":
        assert policy.delay_read(policy.delay_said(row)) == (period, start, ending)


@pytest.mark.parametrize(
    ("cell", "read"),
    [
        ("5 ans après la fin du contrat", ("5 ans", "la fin du contrat", Ending.DELETE)),
        ("5 ans après le départ, puis archivage", ("5 ans", "le départ, puis archivage", Ending.ARCHIVE)),
        ("5 ans", ("5 ans", "", Ending.DELETE)),
    ],
)
def test_a_delay_that_somebody_else_wrote_is_read_as_far_as_it_goes(cell, read):
    assert policy.delay_read(cell) == read


def test_differences_are_told_by_field_and_by_row():
    after = replace(FULL, technical="Chiffrement et double vérification", people=(*FULL.people, People("Stagiaires")))

    found = {each.field: (each.before, each.after) for each in policy.differences(FULL, after)}

    assert found == {
        "technical": ("Chiffrement", "Chiffrement et double vérification"),
        "people": ("", "Stagiaires"),
    }
    assert policy.differences(None, FULL) == []
    assert policy.differences(FULL, FULL) == []


def test_what_is_stored_comes_back_and_what_is_not_known_is_refused():
    assert policy.content_of(policy.to_json(FULL)) == FULL
    with pytest.raises(RegisterInvalid):
        policy.content_of(policy.to_json(FULL) | {"extra": 1})
    with pytest.raises(RegisterInvalid):
        policy.content_of(policy.to_json(FULL) | {"assessment": "peut-être"})


def test_the_sensitive_rubrics_are_the_ten_of_the_model():
    assert len(SENSITIVE) == 10
    assert Rubric.OTHER not in SENSITIVE


def test_a_letter_has_so_many_marks_and_no_more():
    said = policy.tidy(People("e" + "\u0316\u0301" * 2000)).category

    assert len(said) <= 1 + policy.MOST_MARKS
    assert policy.tidy(People(said)).category == said
    twofold = policy.tidy(People("e" + "\u0344" * 30)).category
    assert policy.tidy(People(twofold)).category == twofold
    assert policy.tidy(People("e\u0301te\u0301")).category == "été"
