"""The pages about directories: set up step by step, read, decided upon, settled.  A real slapd answers."""

import re
import time
from datetime import timedelta
from uuid import uuid4

import pytest
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.account.internal.flows.login import _AUTHENTICATION_METHODS_USER_SESSION_KEY
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.models import Event
from audit.types import SYSTEM, Action
from audit.words import reason
from demo.slapd import EmbeddedDirectory
from directory import following, services
from directory.ldap import probing, sources
from directory.ldap.plan import Ceilings
from directory.ldap.report import LISTED
from directory.models import DirectorySource, Member, RoleGrant, SyncIssue, SyncRun
from directory.runs import fail
from directory.services import synchronise
from directory.services.turns import Follower
from directory.types import Hold, MemberState, Role, RunStatus, SourceState
from idp.types import ToolState
from idp.views.directory import setup as pages
from tests.support.cast import browser_of, helping, make_member, make_tool
from tests.support.oidc import sign_in
from tests.support.slapd import settle
from tests.support.slapd_control import give_certificate

STEPS = ("adresse", "chiffrement", "compte", "branches", "correspondance", "possibilites", "essai")
CANARY = "canari-horloge-bleue"
LIMITS = {
    name: str(number)
    for what, first, second in (
        ("people", 5, 3),
        ("groups", 3, 10),
        ("memberships", 30, 10),
        ("leads", 5, 20),
        ("emptied", 10, 20),
    )
    for name, number in ((what, first), (f"{what}_share", second))
} | {"others": "0"}


def proved(browser: Client, ago: timedelta = timedelta(0)) -> Client:
    """The password was given that long ago."""
    session = browser.session
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": "password", "at": time.time() - ago.total_seconds()}]
    session[_AUTHENTICATION_METHODS_USER_SESSION_KEY] = session["_auth_user_id"]
    session.save()
    return browser


def with_role(login: str, name: str, role: Role) -> Client:
    person = make_member(login, name, entry_uuid=None)
    RoleGrant.objects.create(member=person, role=role)
    return proved(sign_in(person))


@pytest.fixture
def lea(db) -> Client:
    return with_role("lea.x", "Léa X", Role.TECHNICIAN)


@pytest.fixture
def karim(db) -> Client:
    return with_role("karim.x", "Karim X", Role.OFFICE)


@pytest.fixture
def away(small_directory, settings) -> EmbeddedDirectory:
    """A directory that nobody has told the hub of yet."""
    settings.LDAP = {}
    return small_directory


def text_of(answer) -> str:
    return answer.content.decode()


def lines(action: Action) -> list[tuple[bool, str]]:
    return list(Event.objects.filter(action=action).order_by("pk").values_list("refused", "reason"))


def at(source: DirectorySource, step: str) -> str:
    return reverse("idp:directory_step", args=[source.pk, step])


def ask(browser: Client, source: DirectorySource, act: str, **form: str):
    return browser.post(reverse("idp:directory_act", args=[source.pk, act]), form, follow=True)


def drafted(server: EmbeddedDirectory, **changes: object) -> DirectorySource:
    """Everything said that a person would say."""
    now = timezone.now()
    source = services.add_source(name="Grappe", uri=server.uri, actor=SYSTEM, now=now)
    for said in (
        {"authorities": server.ca_file.read_text()},
        {"bind_dn": server.reader_dn, "bind_password": server.reader_password, "base": server.base, **changes},
    ):
        services.change_source(source_id=source.pk, changes=said, actor=SYSTEM, now=now)
    source.refresh_from_db()
    return source


def test_the_home_page_and_the_source_count_the_same_people(lea):
    """Those who may enter: whoever is suspended is not among them."""
    source = DirectorySource.objects.create(name="Siège", state=SourceState.ACTIVE)
    for number, hold in enumerate((Hold.NONE, Hold.NONE, Hold.SUSPENDED)):
        make_member(f"p{number}", f"Personne {number}", source=source, hold=hold)

    home = lea.get(reverse("idp:directory"))
    page = lea.get(reverse("idp:directory_source", args=[source.pk]))

    assert [row.people for row in home.context["rows"]] == [2]
    assert page.context["people"] == 2
    assert [row.barred for row in home.context["rows"]] == [page.context["barred"]] == [1]
    assert "et 1 sans accès" in text_of(home)
    assert "Personnes connues sans accès" in text_of(page)


@pytest.mark.parametrize(
    ("opened", "said"), [(0, "Aucun outil n’est ouvert"), (1, "ouvrir 1 outil,"), (3, "ouvrir 3 outils,")]
)
def test_whoever_follows_a_directory_reads_first_how_many_tools_open_to_its_people(lea, opened, said):
    now = timezone.now()
    source = DirectorySource.objects.create(
        name="Grappe", state=SourceState.DRAFT, probed_at=now, uri="ldaps://a.example"
    )
    SyncRun.objects.create(
        source=source, dry=True, started_at=now, status=RunStatus.OK, counts={"people_joined": 12, "people_barred": 2}
    )
    for number in range(opened):
        make_tool(f"outil-{number}", f"Outil {number}")
    make_tool("ferme", "Fermé", state=ToolState.CLOSED)
    make_tool("reserve", "Réservé", everyone=False)

    page = text_of(lea.get(at(source, "essai")))

    told = page[page.index('id="opens"') :]
    assert said in told.partition("</p>")[0]
    assert "dont 2 qui ne pourront pas entrer" in page
    assert told.index("suivre/") > 0, "before the button"


@pytest.mark.parametrize(("issues", "said"), [(60, "qu’un autre annuaire fait déjà entrer"), (0, "vérifiez les b")])
def test_a_directory_that_brings_nobody_says_so_and_why(lea, issues, said):
    now = timezone.now()
    source = DirectorySource.objects.create(
        name="Grappe", state=SourceState.DRAFT, probed_at=now, uri="ldaps://a.example"
    )
    SyncRun.objects.create(
        source=source, dry=True, started_at=now, status=RunStatus.OK, counts={"people_joined": 0, "issues": issues}
    )

    page = text_of(lea.get(at(source, "essai")))

    assert said in page[page.index('id="nothing"') :].partition("</p>")[0]
    assert 'id="opens"' not in page


def test_a_directory_whose_people_came_before_is_not_said_to_bring_nobody(lea):
    now = timezone.now()
    source = DirectorySource.objects.create(
        name="Grappe", state=SourceState.PAUSED, probed_at=now, uri="ldaps://a.example"
    )
    SyncRun.objects.create(source=source, dry=True, started_at=now, status=RunStatus.OK, counts={"people_joined": 0})
    Member.objects.filter(pk=make_member("anna.x", "Anna X").pk).update(source=source)

    page = text_of(lea.get(at(source, "essai")))

    assert 'id="nothing"' not in page
    assert "suivre/" in page


# Step by step ------------------------------------------------------------------------------------------------


def test_a_technician_sets_a_directory_up_from_the_address_to_its_first_people(lea, away):
    seen: list[str] = []

    def send(step: str, **form: str) -> str:
        answer = lea.post(at(source, step), form)
        seen.append(text_of(answer))
        assert answer.status_code == 200, seen[-1]
        assert 'id="go-on"' in seen[-1]
        return seen[-1]

    made = lea.post(reverse("idp:directory_add"), {"name": "Grappe", "uri": away.uri})
    source = DirectorySource.objects.get()
    assert done(lea, source) == ["Adresse"]
    assert made.url == at(source, "chiffrement")
    page = send("chiffrement", authorities=away.ca_file.read_text())
    assert "Une autorité connue répond de ce certificat" in page
    assert "127.0.0.1, localhost" in page
    page = send("compte", bind_dn=away.reader_dn, bind_password=away.reader_password)
    assert "L’annuaire reconnaît le compte de lecture" in page
    # What the server says of itself stands in the next step already.
    assert f'value="{away.base}"' in text_of(lea.get(at(source, "branches")))
    page = send("branches", server="openldap", base=away.base)
    assert "<strong>60</strong>" in page
    form = pages.MappingForm(source)
    usual = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
    page = send("correspondance", **usual)
    assert page.count('<details class="card sample"') == 6
    page = send("possibilites", **LIMITS)
    assert "contextCSN" in page
    assert 'id="trial-acts"' in text_of(lea.get(at(source, "essai")))

    assert done(lea, source) == ["Adresse", "Chiffrement", "Compte", "Branches", "Correspondance", "Possibilités"]

    # The worker reads for show, then for good.
    follower = Follower()
    answer = ask(lea, source, "a-blanc", back="essai")
    assert 'id="running"' in text_of(answer)
    assert answer.headers["Refresh"] == "2"
    follower.turn(now=timezone.now())
    page = text_of(lea.get(at(source, "essai")))
    assert "Voici ce qui changerait" in page
    assert Member.objects.exclude(source=None).count() == 0
    assert done(lea, source)[-1] == "Lecture à blanc"
    # Whoever comes back later finds what was shown, and the way on from there.
    page = text_of(lea.get(reverse("idp:directory_source", args=[source.pk])))
    assert "Dernière lecture à blanc" in page
    assert "Continuer\xa0: suivre cet annuaire" in page
    assert f'<a href="{at(source, "essai")}">Revenir aux réglages' in page_of(lea, SyncRun.objects.get(dry=True))
    answer = ask(lea, source, "suivre", back="essai")
    assert answer.redirect_chain[-1][0] == reverse("idp:directory_source", args=[source.pk])
    follower.turn(now=timezone.now())
    follower.close()
    # What it showed has come, and is not said to be coming any more.
    page = text_of(lea.get(at(source, "essai")))
    assert "Voici ce qui changerait" not in page
    assert 'id="followed"' in page
    assert "Lire à blanc" in page
    assert "Dernière lecture à blanc" not in text_of(lea.get(reverse("idp:directory_source", args=[source.pk])))

    run = SyncRun.objects.filter(dry=True).get()
    assert Member.objects.filter(source=source).count() == run.counts["people_joined"] == 60
    may_enter = lea.get(reverse("idp:directory_source", args=[source.pk])).context["people"]
    assert may_enter == run.counts["people_joined"] - run.counts["people_barred"]
    steps = [event.facts["source_step"] for event in Event.objects.filter(action=Action.SOURCE_TESTED).order_by("pk")]
    assert steps == ["address", "tls", "account", "bases", "mapping", "abilities"]
    told = "".join(str(event.facts) + event.reason for event in Event.objects.all())
    assert away.reader_password not in told + "".join(seen)
    person = Member.objects.filter(source=source).first()
    assert person.email
    assert person.email not in told


def done(browser: Client, source: DirectorySource) -> list[str]:
    """The steps that are marked as done."""
    page = text_of(browser.get(at(source, "adresse")))
    found = re.findall(r'class="is-done".*?>([^<>]+)<span class="visually-hidden"> \(réussie\)', page)
    return found


def test_a_step_is_done_until_what_it_tried_is_another_thing(lea, away):
    source = drafted(away)
    for step in ("adresse", "chiffrement", "compte"):
        form = {
            "chiffrement": {"authorities": away.ca_file.read_text()},
            "compte": {"bind_dn": away.reader_dn, "bind_password": away.reader_password},
        }
        assert lea.post(at(source, step), form.get(step, {"name": "Grappe", "uri": away.uri})).status_code == 200
    assert done(lea, source) == ["Adresse", "Chiffrement", "Compte"]

    lea.post(at(source, "compte"), {"bind_dn": away.reader_dn, "bind_password": CANARY})
    assert done(lea, source) == ["Adresse", "Chiffrement"]

    services.change_source(source_id=source.pk, changes={"authorities": ""}, actor=SYSTEM, now=timezone.now())
    assert done(lea, source) == ["Adresse"]


@pytest.mark.parametrize(
    "typed",
    [
        "http://127.0.0.1:8000",
        "file:///etc/passwd",
        "ldapi://%2Fvar%2Frun%2Fldapi",
        "ldap://",
        "ldap://nom@127.0.0.1",
        "ldap://127.0.0.1/dc=x??sub",
        "ldap://127.0.0.1:99999",
        "ldap://127.0.0.1 gopher://127.0.0.1",
        "ldaps://127.0.0.1 ldap://127.0.0.1",
        "ldaps://127.0.0.1,127.0.0.2",
    ],
)
@pytest.mark.spec("OWASP ASVS", "1.3.6")
def test_an_address_that_is_of_no_directory_is_asked_nothing(lea, monkeypatch, typed):
    monkeypatch.setattr(probing, "reach", lambda uri: pytest.fail(f"asked {uri}"))

    answer = lea.post(reverse("idp:directory_add"), {"name": "Grappe", "uri": typed})

    assert answer.status_code == 422
    assert 'id="id_uri_error"' in text_of(answer)
    assert not DirectorySource.objects.exists()


def test_the_name_of_a_directory_is_one_line_as_it_is_part_of_the_subject_of_mails(lea):
    form = pages.AddressForm(None, {"name": "Grappe\r\nBcc: x@y.example\u202e", "uri": "ldaps://a.example"})

    assert form.is_valid()
    assert form.changes["name"] == "Grappe Bcc: x@y.example"
    assert not pages.AddressForm(None, {"name": "\u200b", "uri": "ldaps://a.example"}).is_valid()


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("annuaire.exemple.fr", "ldaps://annuaire.exemple.fr"),
        ("annuaire.exemple.fr:389", "ldap://annuaire.exemple.fr:389"),
        ("LDAPS://Annuaire.exemple.fr/", "ldaps://annuaire.exemple.fr"),
        ("ldaps://[::1]:1389  ldaps://b.exemple.fr", "ldaps://[::1]:1389 ldaps://b.exemple.fr"),
    ],
)
def test_an_address_is_written_as_a_server_reads_it(lea, typed, kept):
    form = pages.AddressForm(None, {"name": "Grappe", "uri": typed})

    assert form.is_valid(), form.errors
    assert form.changes["uri"] == kept


def test_an_address_where_nobody_answers_is_kept_and_said_beside_its_field(lea):
    answer = lea.post(reverse("idp:directory_add"), {"name": "Grappe", "uri": "ldap://127.0.0.1:9"}, follow=True)

    page = text_of(answer)
    source = DirectorySource.objects.get()
    assert answer.redirect_chain == [(at(source, "adresse"), 302)]
    assert "Ce serveur refuse la connexion à ce port" in page
    assert "id_uri_error" in page
    assert lines(Action.SOURCE_TESTED) == [(True, "source_connection_refused")]
    # Said once: whoever comes back later reads what is kept, not what was.
    assert "id_uri_error" not in text_of(lea.get(at(source, "adresse")))


def test_two_directories_have_two_names(lea, away):
    drafted(away)

    answer = lea.post(reverse("idp:directory_add"), {"name": "GRAPPE", "uri": away.uri})

    assert answer.status_code == 422
    assert "porte déjà ce nom" in text_of(answer)


def test_a_certificate_of_an_unknown_authority_is_shown_and_not_believed(lea, away):
    source = drafted(away)

    answer = lea.post(at(source, "chiffrement"), {"authorities": ""})

    page = text_of(answer)
    assert answer.status_code == 422
    assert 'id="certificate"' in page
    assert "CN=Alizarine demonstration authority" in page
    assert "que Trousseau ne connaît pas" in page
    assert 'id="forgotten"' in page
    assert 'id="go-on"' not in page
    assert lines(Action.SOURCE_TESTED) == [(True, "source_authority_unknown")]


def test_where_another_authority_was_pasted_it_is_said_that_it_is_not_that_one(lea, away):
    source = drafted(away)
    with_another = away.ca_file.read_text()
    give_certificate(away, "other authority")

    page = text_of(lea.post(at(source, "chiffrement"), {"authorities": with_another}))

    assert "n’est pas celle de ce serveur" in page
    assert 'id="id_authorities_error"' in page
    assert "que Trousseau ne connaît pas" not in page


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("canari", "pas un certificat au format PEM"),
        ("-----BEGIN CERTIFICATE-----\ncanari\n-----END CERTIFICATE-----", "incomplet ou abîmé"),
        ("-----BEGIN CERTIFICATE-----\ncanari", "incomplet ou abîmé"),
        ("-----BEGIN PRIVATE KEY-----\ncanari\n-----END PRIVATE KEY-----", "contient une clé privée"),
    ],
)
def test_what_is_no_certificate_is_not_kept(lea, away, typed, said):
    source = drafted(away)

    answer = lea.post(at(source, "chiffrement"), {"authorities": typed})

    assert answer.status_code == 422
    assert said in text_of(answer)
    source.refresh_from_db()
    assert source.authorities == away.ca_file.read_text()


@pytest.mark.spec("OWASP ASVS", "14.2.1")
def test_a_wrong_password_is_said_beside_its_field_and_shown_nowhere(lea, away, caplog):
    source = drafted(away)

    answer = lea.post(at(source, "compte"), {"bind_dn": away.reader_dn, "bind_password": CANARY})

    page = text_of(answer)
    assert answer.status_code == 422
    assert 'id="id_bind_password_error"' in page
    assert "Laissez vide pour le garder" not in page
    assert lines(Action.SOURCE_TESTED) == [(True, "source_wrong_password")]
    told = "".join(str(event.facts) for event in Event.objects.all())
    assert CANARY not in page + told + caplog.text + text_of(lea.get(at(source, "compte")))
    assert CANARY.encode() not in bytes(DirectorySource.objects.get().bind_secret)


def test_another_address_forgets_the_password_and_says_so(lea, away):
    source = drafted(away)

    answer = lea.post(at(source, "adresse"), {"name": "Grappe", "uri": away.tls_uri})

    assert 'id="forgotten"' in text_of(answer)
    source.refresh_from_db()
    assert (source.uri, bytes(source.bind_secret)) == (away.tls_uri, b"")
    page = text_of(lea.post(at(source, "compte"), {"bind_dn": away.reader_dn, "bind_password": ""}))
    assert "Donnez le mot de passe de ce compte" in page


@pytest.mark.parametrize(
    ("typed", "field", "reason"),
    [
        ({"people_base": "ou=nulle-part,dc=alizarine,dc=example"}, "people_base", "source_no_such_branch"),
        ({"groups_filter": "(objectClass=groupOfNames"}, "groups_filter", "source_filter_unreadable"),
        ({"people_filter": "(uid=personne)"}, "people_filter", "source_nobody_found"),
        # Whoever left would be let in.
        ({"former_base": "ou=ancien,ou=personnes,dc=alizarine,dc=example"}, "former_base", "source_no_former_branch"),
    ],
)
def test_a_branch_that_finds_nobody_says_which_and_shows_where_else(lea, away, typed, field, reason):
    source = drafted(away)

    answer = lea.post(at(source, "branches"), {"server": "openldap", "base": away.base, **typed})

    page = text_of(answer)
    assert answer.status_code == 422
    assert f'id="id_{field}_error"' in page
    assert "ou=personnes," in page
    assert lines(Action.SOURCE_TESTED) == [(True, reason)]


def test_a_wrong_root_is_said_at_the_root_and_not_at_what_was_left_empty(lea, away):
    source = drafted(away)

    page = text_of(lea.post(at(source, "branches"), {"server": "openldap", "base": "dc=alizarine,dc=exemple"}))

    assert 'id="id_base_error"' in page
    assert 'id="id_people_base_error"' not in page
    assert 'id="id_groups_base_error"' not in page
    groups = f"ou=groupes,{away.base}"
    page = text_of(lea.post(at(source, "branches"), {"server": "openldap", "base": "dc=faux", "groups_base": groups}))
    assert 'id="id_base_error"' in page
    assert 'id="id_groups_base_error"' not in page


def test_a_branch_of_those_who_left_that_is_there_is_nothing_to_say(lea, away):
    source = drafted(away)
    form = {"server": "openldap", "base": away.base, "former_base": f"ou=anciens,ou=personnes,{away.base}"}

    page = text_of(lea.post(at(source, "branches"), form))

    assert 'id="go-on"' in page
    assert lines(Action.SOURCE_TESTED) == [(False, "")]


@pytest.mark.parametrize("field", ["base", "people_base", "former_base"])
def test_what_is_no_name_of_a_branch_gets_the_example_of_one(lea, away, field):
    typed = {"server": "openldap", "base": away.base, field: "personnes"}

    page = text_of(lea.post(at(drafted(away), "branches"), typed))

    assert f'id="id_{field}_error"' in page
    assert "ou=personnes,dc=exemple,dc=fr" in page
    assert "cn=lecture" not in page


def test_settings_that_fail_in_a_pause_say_that_members_cannot_enter_meanwhile(lea, away):
    source = drafted(away)
    DirectorySource.objects.filter(pk=source.pk).update(state=SourceState.ACTIVE, mapping_digest="x")
    page = text_of(lea.get(reverse("idp:directory_source", args=[source.pk])))
    assert "servent tout de suite à la connexion par mot de passe" in page
    ask(lea, source, "pause")
    wrong = {"bind_dn": away.reader_dn, "bind_password": CANARY}

    # Nobody is shut out of a directory that has no members here.
    assert 'id="shut-out"' not in text_of(lea.post(at(source, "compte"), wrong))
    make_member("paul.x", "Paul X", source=source)
    assert 'id="shut-out"' in text_of(lea.post(at(source, "compte"), wrong))
    right = wrong | {"bind_password": away.reader_password}
    assert 'id="shut-out"' not in text_of(lea.post(at(source, "compte"), right))


def test_what_is_no_name_of_an_entry_is_not_kept(lea, away):
    source = drafted(away)

    answer = lea.post(at(source, "branches"), {"server": "openldap", "base": "alizarine.example"})

    assert answer.status_code == 422
    assert "pas un nom de branche" in text_of(answer)
    source.refresh_from_db()
    assert source.base == away.base


def test_whether_those_who_lead_a_collective_change_its_members_is_a_box_that_is_off(lea, away):
    source = drafted(away)
    form = pages.MappingForm(source)
    usual = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
    assert usual.pop("memberships") is False

    lea.post(at(source, "correspondance"), usual)
    source.refresh_from_db()
    assert "memberships" not in source.writable
    lea.post(at(source, "correspondance"), usual | {"memberships": "on"})
    source.refresh_from_db()

    assert "memberships" in source.writable
    assert (
        "checked"
        in re.search(r'<input[^>]*name="memberships"[^>]*>', text_of(lea.get(at(source, "correspondance"))))[0]
    )


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"person-phone": "userPassword"}, "tient des mots de passe"),
        ({"person-phone": "USERPASSWORD"}, "tient des mots de passe"),
        ({"person-phone": "tele phone)(uid=*"}, "pas un nom d’attribut"),
        ({"person-login": ""}, "obligatoire"),
        ({"writable": "login"}, "writable"),
    ],
)
def test_a_mapping_never_reads_passwords_nor_what_is_no_attribute(lea, away, typed, said):
    source = drafted(away)
    form = pages.MappingForm(source)
    usual = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}

    answer = lea.post(at(source, "correspondance"), usual | typed)

    assert answer.status_code == 422
    assert said in text_of(answer)
    source.refresh_from_db()
    assert (source.mapping, source.writable) == ({}, [])
    assert lines(Action.SOURCE_TESTED) == []


def test_a_mistyped_attribute_shows_in_the_samples_before_anybody_is_read(lea, away):
    source = drafted(away)
    form = pages.MappingForm(source)
    usual = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}

    page = text_of(lea.post(at(source, "correspondance"), usual | {"person-phone": "telefon"}))

    assert 'id="absent-attributes"' in page
    assert "telefon" in page[page.index('id="absent-attributes"') :].partition("</p>")[0]
    source.refresh_from_db()
    assert source.mapping == {"person": {"phone": "telefon"}}


def test_the_limits_are_kept_as_they_differ_and_hold_what_is_beyond(lea, away):
    source = drafted(away)

    page = text_of(lea.post(at(source, "possibilites"), LIMITS | {"people": "0", "people_share": "1", "others": "12"}))

    assert 'id="abilities"' in page
    source.refresh_from_db()
    assert source.ceilings == {"people": 0, "people_share": 0.01, "others": 12}
    assert sources.of(source).ceilings == Ceilings(people=0, people_share=0.01, others=12)
    assert 'name="people_share" value="1"' in text_of(lea.get(at(source, "possibilites")))
    assert Event.objects.filter(action=Action.SOURCE_CHANGED).order_by("pk").last().facts["properties"] == ["ceilings"]


@pytest.mark.parametrize(
    "typed", [{"people": "-1"}, {"groups_share": "101"}, {"emptied": "x"}, {"memberships": ""}, {"others": "-1"}]
)
def test_what_is_no_limit_is_not_kept_and_tries_nothing(lea, away, typed):
    source = drafted(away)

    answer = lea.post(at(source, "possibilites"), LIMITS | typed)

    assert answer.status_code == 422
    assert f'id="id_{next(iter(typed))}_error"' in text_of(answer)
    assert 'id="ceilings" open' in text_of(answer)
    source.refresh_from_db()
    assert (source.ceilings, source.probed_at) == ({}, None)
    assert lines(Action.SOURCE_TESTED) == []


@pytest.mark.spec("OWASP ASVS", "3.5.3")
def test_reading_a_step_asks_the_server_nothing(lea, away):
    source = drafted(away)
    settle(away)
    before = away.log_file.read_text().count(" ACCEPT ")

    for step in STEPS:
        assert lea.get(at(source, step)).status_code == 200
    lea.get(reverse("idp:directory_source", args=[source.pk]))

    assert away.log_file.read_text().count(" ACCEPT ") == before
    assert lines(Action.SOURCE_TESTED) == []


# Who confirmed that it is them -------------------------------------------------------------------------------


@pytest.mark.spec("OWASP ASVS", "7.5.3")
def test_whoever_did_not_give_a_password_for_long_sets_nothing_up(lea, away):
    source = drafted(away)
    proved(lea, timedelta(minutes=31))

    made = lea.post(reverse("idp:directory_add"), {"name": "Autre", "uri": away.uri})
    changed = lea.post(at(source, "adresse"), {"name": "Autre", "uri": "ldap://127.0.0.2"})
    asked = lea.post(reverse("idp:directory_act", args=[source.pk, "retirer"]))

    for answer in (made, changed, asked):
        assert answer.status_code == 302
        assert answer.url.startswith(reverse("account_reauthenticate"))
    source = DirectorySource.objects.get()
    assert (source.name, source.uri, source.state) == ("Grappe", away.uri, SourceState.DRAFT)


def test_a_form_that_was_opened_in_time_can_still_be_sent(lea, away):
    source = drafted(away)

    assert lea.get(at(source, "adresse")).status_code == 200
    proved(lea, timedelta(minutes=16))
    assert lea.get(at(source, "adresse")).status_code == 302
    assert lea.post(at(source, "adresse"), {"name": "Grappe", "uri": away.uri}).status_code == 200


@pytest.mark.parametrize("who", ["office", "member"])
def test_only_technicians_set_directories_up_and_a_refusal_has_its_line(db, away, karim, who):
    source = drafted(away)
    browser = karim if who == "office" else proved(browser_of(make_member("paul.x", "Paul X")))

    for url in (reverse("idp:directory_add"), at(source, "compte")):
        assert browser.get(url).status_code == 403
        assert browser.post(url, {"name": "Autre", "uri": away.uri}).status_code == 403
    assert browser.post(reverse("idp:directory_act", args=[source.pk, "suivre"])).status_code == 403

    assert Event.objects.filter(action=Action.ACCESS_REFUSED).count() >= 3
    assert "add-source" not in text_of(karim.get(reverse("idp:directory")))
    assert "source-acts" not in text_of(karim.get(reverse("idp:directory_source", args=[source.pk])))


# On and off --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("act", "action", "reason"),
    [
        ("suivre", Action.SOURCE_CHANGED, "source_not_tried"),
        ("pause", Action.SOURCE_CHANGED, "source_not_followed"),
        ("lire", Action.SYNC_ASKED, "source_not_followed"),
        ("tout-lire", Action.SYNC_ASKED, "source_not_followed"),
        ("a-blanc", Action.SYNC_ASKED, "source_not_probed"),
    ],
)
def test_an_act_that_does_not_fit_says_why_and_has_its_line(lea, away, act, action, reason):
    source = drafted(away)

    page = text_of(ask(lea, source, act))

    assert 'class="notice notice--error"' in page
    assert (True, reason) in lines(action)
    assert reason not in page
    source.refresh_from_db()
    assert (source.state, source.wanted) == (SourceState.DRAFT, "")


@pytest.mark.parametrize(("act", "probed", "step"), [("suivre", True, "essai"), ("a-blanc", False, "possibilites")])
def test_what_has_to_be_done_first_is_where_the_refusal_leads(lea, away, act, probed, step):
    source = drafted(away)
    DirectorySource.objects.filter(pk=source.pk).update(probed_at=timezone.now() if probed else None)

    answer = ask(lea, source, act)

    assert answer.redirect_chain[-1][0] == at(source, step)
    assert "notice--error" in text_of(answer)


def test_a_paused_directory_goes_on_at_once_or_by_the_step_with_the_reading_for_show(lea, away):
    source = drafted(away)
    DirectorySource.objects.filter(pk=source.pk).update(state=SourceState.PAUSED, mapping_digest="x")
    url = reverse("idp:directory_source", args=[source.pk])

    def acts() -> str:
        page = text_of(lea.get(url))
        return page[page.index('id="source-acts"') : page.index('id="settings-title"')]

    assert "Reprendre" in acts()
    services.change_source(source_id=source.pk, changes={"base": "dc=y"}, actor=SYSTEM, now=timezone.now())
    assert "Reprendre" not in acts()
    assert f'href="{at(source, "possibilites")}"' in acts(), "what it allows is asked again first"
    assert "Les réglages ont changé" in acts()
    DirectorySource.objects.filter(pk=source.pk).update(probed_at=timezone.now())
    assert f'href="{at(source, "essai")}"' in acts()


def test_each_way_to_read_says_what_it_does(lea, small_directory):
    page = text_of(lea.get(reverse("idp:directory_source", args=[sources.settings_source().pk])))

    acts = page[page.index('id="source-acts"') : page.index("</ul>", page.index('id="source-acts"'))]
    assert acts.count("<li") == acts.count("<form") == 3
    assert "Rien ne change." in acts


def test_a_directory_is_paused_changed_retired_and_asked_for_nothing_more(lea, away):
    source = drafted(away)
    DirectorySource.objects.filter(pk=source.pk).update(state=SourceState.ACTIVE, mapping_digest="x")

    # Followed: its settings can be tried, and nothing that is typed is kept.
    page = text_of(lea.post(at(source, "branches"), {"server": "openldap", "base": "dc=autre"}))
    assert 'id="fixed"' in page
    assert "<strong>60</strong>" in page
    source.refresh_from_db()
    assert source.base == away.base

    assert "est en pause" in text_of(ask(lea, source, "pause"))
    assert 'id="fixed"' not in text_of(lea.get(at(source, "branches")))
    assert "est retiré" in text_of(ask(lea, source, "retirer"))
    page = text_of(ask(lea, source, "lire"))
    assert "notice--error" in page
    assert lines(Action.SYNC_ASKED) == [(True, "source_retired")]
    assert "1 annuaire retiré" in text_of(lea.get(reverse("idp:directory")))


def test_members_of_a_retired_directory_keep_their_account_and_the_office_reads_why_no_password_opens_it(
    lea, karim, away
):
    source = drafted(away)
    member = make_member("paul.x", "Paul X", source=source)
    url = reverse("idp:directory_source", args=[source.pk])

    page = text_of(lea.get(url))
    assert "les mots de passe de ses comptes de lecture et d’écriture sont oubliés" in page
    assert "n’entrent plus par mot de passe" in page
    assert "Membres qui peuvent entrer" in page
    office = reverse("idp:office_member", args=[member.pk])
    helping(karim)
    assert 'data-obstacle="source_retired"' not in text_of(karim.get(office))
    ask(lea, source, "retirer")

    page = text_of(lea.get(url))
    assert "Membres qui peuvent entrer" not in page
    assert "Membres qui gardent leur compte" in page
    page = text_of(karim.get(office))
    assert 'data-obstacle="source_retired"' in page
    assert "Son annuaire n’est plus suivi" in page
    assert "ne peut pas entrer" in page


@pytest.mark.django_db
def test_the_connection_of_the_operators_settings_is_shown_tried_and_not_changed(lea, small_directory):
    source = sources.settings_source()

    page = text_of(lea.post(at(source, "adresse"), {"name": "Autre", "uri": "ldap://127.0.0.2"}))

    assert 'id="from-settings"' in page
    assert small_directory.uri in page
    assert "répond" in page
    # There the settings name a file: it is shown, tried, and not taken for what somebody has typed.
    answer = lea.post(at(source, "chiffrement"), {})
    assert answer.status_code == 200
    assert "errorlist" not in text_of(answer)
    assert str(small_directory.ca_file) in text_of(answer)
    page = text_of(lea.get(at(source, "compte")))
    assert small_directory.reader_dn in page
    assert small_directory.reader_password not in page
    # What stands there while nothing is said is of this directory.
    assert f"ou=groupes,{small_directory.base}" in text_of(lea.get(at(source, "branches")))
    source.refresh_from_db()
    assert source.name != "Autre"


def test_a_pass_that_is_asked_for_is_said_to_be_coming_and_asked_once(lea, small_directory):
    source = sources.settings_source()

    answer = ask(lea, source, "tout-lire")
    again = ask(lea, source, "lire")

    assert 'id="wanted"' in text_of(answer)
    assert answer.headers["Refresh"] == "2"
    assert "déjà demandée" in text_of(again)
    assert lines(Action.SYNC_ASKED) == [(False, ""), (True, "pass_asked_already")]
    Follower().turn(now=timezone.now())
    run = SyncRun.objects.latest("pk")
    page = text_of(lea.get(reverse("idp:directory_run", args=[run.pk])))
    assert "demandée par Léa X" in page


# Passes ------------------------------------------------------------------------------------------------------


@pytest.fixture
def followed(db, small_directory) -> DirectorySource:
    """Read an hour ago."""
    synchronise(now=timezone.now() - timedelta(hours=1))
    return sources.settings_source()


def members_of(server: EmbeddedDirectory) -> list[Member]:
    return list(Member.objects.filter(state=MemberState.ACTIVE, dn__contains="ou=membres").order_by("login"))


def page_of(browser: Client, run: SyncRun, **query: str) -> str:
    return text_of(browser.get(reverse("idp:directory_run", args=[run.pk]), query))


def test_the_list_tells_of_places_in_collectives_and_a_report_without_news_where_anomalies_are(karim, followed):
    now = timezone.now()
    moved = {"memberships_set": 2, "memberships_removed": 37, "leads_added": 1, "leads_removed": 1, "written": 41}
    SyncRun.objects.create(source=followed, started_at=now, status=RunStatus.OK, counts=moved)
    quiet = {"people_barred": 3, "issues": 7, "written": 2}
    run = SyncRun.objects.create(source=followed, started_at=now, status=RunStatus.PROBLEMS, counts=quiet)

    rows = text_of(karim.get(reverse("idp:directory_runs"))).split("<tr ")[1:]

    told = next(row for row in rows if "37 appartenances retirées" in row)
    for part in ("2 appartenances ajoutées", "1 responsable de plus", "1 responsable de moins"):
        assert part in told
    assert "rien de neuf" not in told
    assert any("rien de neuf" in row for row in rows if f"/{run.pk}/" in row)
    page = page_of(karim, run)
    assert "7 anomalies sont à régler" in page
    assert f'href="{reverse("idp:directory_issues")}"' in page[page.index('id="nothing-changed"') :]


def test_a_report_names_who_changed_and_which_items_and_no_value(karim, followed, small_directory):
    person, other = members_of(small_directory)[:2]
    small_directory.modify(
        f"dn: {person.dn}\nchangetype: modify\nreplace: telephoneNumber\ntelephoneNumber: +33 4 65 71 99 99\n-\n"
        f"replace: title\ntitle: Canarieuse\n\ndn: {other.dn}\nchangetype: delete\n"
    )

    run = synchronise(now=timezone.now())
    page = page_of(karim, run)

    changed = page[page.index('data-list="people-edit"') :]
    assert person.display_name in changed
    assert ">Téléphone<" in changed
    assert ">Métier<" in changed
    assert "Canarieuse" not in page
    assert "71 99 99" not in page
    gone = page[page.index('data-list="people-end"') : page.index('data-list="people-edit"')]
    assert other.display_name in gone
    assert "fiche disparue de l’annuaire" in gone
    listed = text_of(karim.get(reverse("idp:directory_runs")))
    assert "1 compte fermé" in listed
    assert "1 fiche modifiée" in listed


def test_a_reading_that_broke_off_says_what_it_had_done_before(karim, followed, small_directory, cut_off):
    person, other = members_of(small_directory)[:2]
    small_directory.modify(
        f"dn: {person.dn}\nchangetype: modify\nreplace: title\ntitle: Canarieuse\n\n"
        f"dn: {other.dn}\nchangetype: delete\n"
    )

    for _ in range(2):
        cut_off(timezone.now())
    nothing_more, run = SyncRun.objects.order_by("-pk")[:2]

    page = page_of(karim, run)
    assert "rien n’a changé" not in page
    assert "Ce qui suit a été fait avant qu’elle ne s’arrête, et reste." in page
    assert other.display_name in page[page.index('data-list="people-end"') : page.index('data-list="people-edit"')]
    assert person.display_name in page[page.index('data-list="people-edit"') :]
    assert "La lecture n’a pas abouti\xa0: rien n’a changé" in page_of(karim, nothing_more)
    listed = text_of(karim.get(reverse("idp:directory_runs")))
    assert listed.count("1 compte fermé") == listed.count("1 fiche modifiée") == 1


def test_a_report_says_whether_an_address_and_a_login_serve(karim, followed, small_directory):
    one, two = members_of(small_directory)[:2]
    small_directory.modify(f"dn: {one.dn}\nchangetype: modify\nreplace: mail\nmail: {two.email}\n")

    page = page_of(karim, synchronise(now=timezone.now()))

    assert page.count("Adresse e-mail\xa0: partagée") == 2
    assert ">Adresse e-mail<" not in page
    assert two.email not in page


def test_what_was_only_looked_at_again_is_neither_counted_nor_listed(karim, followed, small_directory):
    person = members_of(small_directory)[0]
    small_directory.modify(f"dn: {person.dn}\nchangetype: modify\nadd: description\ndescription: rien à lire\n")

    run = synchronise(now=timezone.now())

    assert (run.counts["written"], run.counts["people_changed"]) == (1, 0)
    assert 'id="nothing-changed"' in page_of(karim, run)


def test_a_reading_that_was_interrupted_does_not_say_that_all_is_the_same(karim, followed):
    run = SyncRun.objects.create(source=followed, started_at=timezone.now(), status=RunStatus.INTERRUPTED)

    page = page_of(karim, run)

    assert "Cette lecture s’est arrêtée avant sa fin." in page
    assert "disaient déjà la même chose" not in page


def test_a_long_list_is_read_page_by_page(karim, followed):
    run = SyncRun.objects.latest("pk")

    some = page_of(karim, run)
    all_ = [page_of(karim, run, liste="people-join", page=str(number)) for number in (1, 2, 3)]

    assert some.count('class="change"') < 60 <= sum(page.count('class="change"') for page in all_)
    assert "?liste=people-join" in some
    url = reverse("idp:directory_run", args=[run.pk])
    assert karim.get(url, {"liste": "secret"}).status_code == 404


def test_a_report_of_thousands_counts_also_what_it_has_no_room_for(karim, db):
    lines = [{"verb": "join", "entry": "x", "dn": f"uid=personne-{number},dc=x"} for number in range(LISTED)]
    run = SyncRun.objects.create(
        source=DirectorySource.objects.create(name="Grande"),
        started_at=timezone.now(),
        status=RunStatus.OK,
        counts={"people_joined": LISTED + 500, "people_ended": 3, "groups_new": 7},
        report={"people": lines},
    )

    page = page_of(karim, run)

    joined = page[page.index('data-list="people-join"') : page.index('data-list="people-end"')]
    assert ">2500<" in joined
    assert "500 ne tiennent pas dans ce rapport" in joined
    assert "personne-0" in joined
    assert "3 ne tiennent pas dans ce rapport" in page
    assert 'data-list="groups-new"' not in page


def test_a_reading_for_show_says_that_nothing_was_changed(lea, followed, small_directory):
    person = members_of(small_directory)[0]
    small_directory.modify(f"dn: {person.dn}\nchangetype: delete\n")

    ask(lea, followed, "a-blanc")
    Follower().turn(now=timezone.now())
    run = SyncRun.objects.filter(dry=True).get()
    page = page_of(lea, run)

    assert 'id="dry"' in page
    assert person.display_name in page
    person.refresh_from_db()
    assert person.state == MemberState.ACTIVE


def test_a_reading_for_show_names_memberships_by_what_it_has_itself_and_counts_the_others(karim, db):
    person, group, nobody = (str(uuid4()) for _ in range(3))
    run = SyncRun.objects.create(
        source=DirectorySource.objects.create(name="Neuf"),
        started_at=timezone.now(),
        status=RunStatus.OK,
        dry=True,
        counts={"people_joined": 1, "groups_new": 1, "memberships_set": 2},
        report={
            "people": [{"verb": "join", "entry": person, "dn": "uid=nouvelle.personne,dc=x"}],
            "groups": [{"verb": "new", "entry": group, "dn": "cn=Tisserandes,dc=x"}],
            "memberships": {"set": [[group, person], [group, nobody]], "removed": []},
        },
    )

    page = page_of(karim, run)

    joined = page[page.index('data-list="memberships-set"') :]
    assert "nouvelle.personne" in joined
    assert "entre dans «\xa0Tisserandes\xa0»" in joined
    assert joined.count('class="change"') == 1
    assert "1 n’est pas nommée" in joined
    assert ">?<" not in joined
    assert "«\xa0?\xa0»" not in joined
    assert "1 n’est pas nommée" in page_of(karim, run, liste="memberships-set")


def test_the_report_of_a_held_reading_names_who_waits_and_leads_to_the_list(karim, held):
    gone = Member.objects.filter(dn__contains="ou=membres").order_by("login")[:8]
    run = following.waiting_of(held)

    page = page_of(karim, run)

    waits = page[page.index('id="held"') : page.index("</section>", page.index('id="held"'))]
    assert all(person.display_name in waits for person in gone)
    waiting = reverse("idp:directory_waiting", args=[held.pk])
    assert f'href="{waiting}"' in waits
    # What was decided since leads nowhere.
    decide(karim, held, read="1", digest=digest_of(held))
    Follower().turn(now=timezone.now())
    assert waiting not in page_of(karim, run)


def test_names_are_in_the_order_in_which_people_look_for_them(held):
    people = list(Member.objects.filter(dn__contains="ou=membres").order_by("login")[:8])
    for person, name in zip(people, ("Lou", "Léo", "lea", "Zoé", "Éva", "Ana", "Max", "Ève"), strict=True):
        Member.objects.filter(pk=person.pk).update(display_name=name)

    (kind,) = following.what_waits(following.waiting_of(held))

    assert [line.name for line in kind.lines] == ["Ana", "Éva", "Ève", "lea", "Léo", "Lou", "Max", "Zoé"]


def test_a_reading_that_failed_says_so_in_words(lea, karim, followed, small_directory):
    small_directory.stop()
    Follower().turn(now=timezone.now())

    run = SyncRun.objects.latest("pk")
    page = page_of(lea, run)

    assert "L’annuaire n’a pas répondu" in page
    assert "rien n’a changé" in page
    assert "DirectoryUnavailable" not in page
    assert "joignable" in page
    # What to do is a step away for whoever can, there and on the page of the directory.
    connection = at(followed, "adresse")
    assert f'href="{connection}">Essayer la connexion' in page
    assert "joignable" in text_of(lea.get(reverse("idp:directory_source", args=[followed.pk])))
    assert "La technique peut essayer" in page_of(karim, run)


def test_a_reading_that_broke_has_words_in_the_journal_too(followed):
    run = SyncRun.objects.create(source=followed, started_at=timezone.now())

    fail(run, "OperationalError", timezone.now())

    line = Event.objects.get(action=Action.SYNC_FAILED)
    assert (line.reason, reason(line)) == ("reading_broke", "erreur interne pendant la lecture")
    assert line.facts == {"run": run.pk, "source": followed.pk}


def test_a_refusal_of_the_directory_is_said_without_the_librarys_name_of_it(karim, followed):
    run = SyncRun.objects.create(source=followed, started_at=timezone.now(), status=RunStatus.FAILED)
    for error, said in (
        ("DirectoryRefused: INVALID_CREDENTIALS", "a refusé la lecture\xa0: compte ou mot de passe refusé. Essayez"),
        ("DirectoryRefused: AN_ERROR_OF_ITS_OWN", "a refusé la lecture. Essayez la connexion"),
        ("DirectoryUnavailable: TIMEOUT", "n’a pas répondu. Son serveur"),
    ):
        SyncRun.objects.filter(pk=run.pk).update(error=error)
        page = page_of(karim, run)
        assert said in page
        assert error.partition(": ")[2] not in page


def test_a_quiet_reading_says_that_both_agreed_and_a_link_to_one_before_it_is_no_dead_end(karim, followed):
    quiet = [synchronise(now=timezone.now() + timedelta(minutes=number)) for number in (1, 2)]

    assert 'id="nothing-changed"' in page_of(karim, quiet[1])
    answer = karim.get(reverse("idp:directory_run", args=[quiet[0].pk]), follow=True)
    assert answer.redirect_chain == [(reverse("idp:directory_runs"), 302)]
    assert "une plus récente dit la même chose" in text_of(answer)
    assert karim.get(reverse("idp:directory_run", args=[quiet[1].pk + 1])).status_code == 404


def test_a_reading_with_anomalies_is_no_plain_success(karim, followed):
    run = SyncRun.objects.create(source=followed, started_at=timezone.now(), status=RunStatus.PROBLEMS)

    assert '<span class="badge badge--wait">réussie, avec des anomalies' in page_of(karim, run)


def test_the_passes_of_one_directory_apart(karim, followed):
    other = DirectorySource.objects.create(name="Invités")
    SyncRun.objects.create(source=other, started_at=timezone.now(), status=RunStatus.OK)
    url = reverse("idp:directory_runs")

    def rows(**query: str) -> int:
        return text_of(karim.get(url, query)).count("<tr role")

    assert (rows(), rows(annuaire=str(other.pk)), rows(annuaire=str(followed.pk))) == (3, 2, 2)
    for wrong in ("0", "x", "9" * 30, "²"):
        assert karim.get(url, {"annuaire": wrong}).status_code == 404


# What waits --------------------------------------------------------------------------------------------------


@pytest.fixture
def held(followed, small_directory) -> DirectorySource:
    """Eight people were deleted, five may go without a word."""
    for person in members_of(small_directory)[:8]:
        small_directory.modify(f"dn: {person.dn}\nchangetype: delete\n")
    settle(small_directory)
    synchronise(now=timezone.now())
    return followed


def digest_of(source: DirectorySource) -> str:
    run = following.waiting_of(source)
    assert run is not None
    return str(run.report["approval"])


def decide(browser: Client, source: DirectorySource, **form: str):
    return browser.post(reverse("idp:directory_approve", args=[source.pk]), form, follow=True)


def test_the_office_reads_who_would_go_and_approves_exactly_that(karim, held):
    gone = list(Member.objects.filter(dn__contains="ou=membres").order_by("login")[:8])
    for page in ("idp:directory", "idp:office"):
        assert f'data-waiting="{held.pk}"' in text_of(karim.get(reverse(page)))
    page = text_of(karim.get(reverse("idp:directory_waiting", args=[held.pk])))
    assert all(person.display_name in page for person in gone)
    assert "Accepter ces 8 retraits" in page
    assert digest_of(held) in page

    answer = decide(karim, held, read="1", digest=digest_of(held))

    assert 'id="approved"' in text_of(answer)
    assert "approve-form" not in text_of(answer)
    assert lines(Action.SYNC_APPROVED) == [(False, "")]
    before = following.waiting_of(held)
    assert 'id="outcome"' not in page_of(karim, before)
    Follower().turn(now=timezone.now())
    assert Member.objects.filter(state=MemberState.MISSING).count() == 8
    assert 'id="nothing-waits"' in text_of(karim.get(reverse("idp:directory_waiting", args=[held.pk])))
    run = SyncRun.objects.filter(approved_by__isnull=False).get()
    assert "retraits acceptés par Karim X" in page_of(karim, run)
    outcome = page_of(karim, before).partition('id="outcome"')[2].partition("</p>")[0]
    assert "Accepté par Karim X." in outcome
    assert reverse("idp:directory_run", args=[run.pk]) in outcome
    assert 'id="held"' in page_of(karim, before)


@pytest.mark.parametrize(
    ("limit", "settings_of_it"),
    [
        ("SIZELIMIT_EXCEEDED", ("olcLimits, size", "nsSizeLimit", "MaxPageSize")),
        ("TIMELIMIT_EXCEEDED", ("olcLimits, time", "nsTimeLimit", "MaxQueryDuration")),
        ("ADMINLIMIT_EXCEEDED", ("olcLimits, size.unchecked", "nsLookThroughLimit")),
    ],
)
def test_which_limit_stopped_a_reading_is_named_with_its_setting(karim, followed, limit, settings_of_it):
    error = f"DirectoryRefused: {limit}"
    run = SyncRun.objects.create(source=followed, started_at=timezone.now(), status=RunStatus.FAILED, error=error)

    page = page_of(karim, run)

    assert "limite de l’annuaire atteinte" in page
    assert all(name in page for name in settings_of_it)


def test_a_list_that_changed_after_it_was_accepted_is_read_again_and_nobody_went(karim, held, small_directory):
    before = following.waiting_of(held)
    page = reverse("idp:directory_waiting", args=[held.pk])
    decide(karim, held, read="1", digest=digest_of(held))
    small_directory.modify(f"dn: {members_of(small_directory)[-1].dn}\nchangetype: delete\n")
    settle(small_directory)

    Follower().turn(now=timezone.now())

    assert Member.objects.filter(state=MemberState.MISSING).count() == 0
    told = text_of(karim.get(page))
    assert 'id="other-list"' in told
    assert "Accepter ces 9 retraits" in told
    assert "La liste a changé depuis." in page_of(karim, before)


def test_whoever_accepts_while_the_directory_is_away_is_told_that_it_waits(karim, held):
    DirectorySource.objects.update(failing_since=timezone.now())

    page = text_of(decide(karim, held, read="1", digest=digest_of(held)))

    assert "L’annuaire ne répond pas" in page
    assert "dans un instant" not in page
    assert "take-back-form" in page

    page = text_of(decide(karim, held, take_back="1"))

    assert "approve-form" in page
    held.refresh_from_db()
    assert (held.approval, held.approved_by) == ("", None)
    assert lines(Action.SYNC_APPROVAL_TAKEN_BACK) == [(False, "")]
    assert "plus d’accord à annuler" in text_of(decide(karim, held, take_back="1"))
    assert lines(Action.SYNC_APPROVAL_TAKEN_BACK) == [(False, "")]


def test_what_waits_of_a_paused_directory_is_decided_when_it_is_followed_again(karim, held):
    DirectorySource.objects.update(state=SourceState.PAUSED)

    page = text_of(decide(karim, held, read="1", digest=digest_of(held)))

    assert 'id="not-followed"' in page
    assert "approve-form" not in page
    assert lines(Action.SYNC_APPROVAL_REFUSED) == [(True, "source_not_followed")]
    held.refresh_from_db()
    assert held.approval == ""


def test_what_went_before_is_counted_with_what_waits(karim, held):
    run = following.waiting_of(held)
    assert "depuis hier" not in text_of(karim.get(reverse("idp:directory_waiting", args=[held.pk])))
    run.report["held"][0] |= {"before": 6, "limit": 11, "count": 7}
    run.save(update_fields=["report"])

    page = text_of(karim.get(reverse("idp:directory_waiting", args=[held.pk])))

    assert "avec 6 depuis hier\xa0: 13" in page
    assert "7, avec 6 depuis hier\xa0: 13, pour 11 au plus" in page_of(karim, run)
    assert "quittent aussi leurs collectifs" in page
    assert "remettez-la aussi dans ses groupes" in page


def test_whoever_reloads_the_address_of_a_decision_is_shown_the_list_again(karim, held):
    """The box was forgotten; the page that says so is chosen in another language."""
    address = reverse("idp:directory_approve", args=[held.pk])
    assert karim.post(address, {"digest": digest_of(held)}).status_code == 422

    answer = karim.get(address)

    assert (answer.status_code, answer.url) == (302, reverse("idp:directory_waiting", args=[held.pk]))
    assert lines(Action.SYNC_APPROVED) == []


def test_whoever_of_the_list_cannot_enter_already_is_marked(karim, held):
    run = following.waiting_of(held)
    gone = Member.objects.get(entry_uuid=run.report["held_names"][0].split(" ")[1])
    assert "verrouillé</span>" not in text_of(karim.get(reverse("idp:directory_waiting", args=[held.pk])))

    Member.objects.filter(pk=gone.pk).update(state=MemberState.LOCKED)

    page = text_of(karim.get(reverse("idp:directory_waiting", args=[held.pk])))
    assert (
        page[page.index(f">{gone.display_name}<") :].split("</li>")[0].endswith('<span class="badge">verrouillé</span>')
    )


def test_nobody_approves_what_they_did_not_say_to_have_read(karim, held):
    answer = decide(karim, held, digest=digest_of(held))

    assert answer.status_code == 422
    assert 'id="approve-error"' in text_of(answer)
    held.refresh_from_db()
    assert held.approval == ""


@pytest.mark.parametrize("digest", ["", "0" * 16, CANARY * 9])
def test_an_approval_of_another_list_is_refused_with_its_line(karim, held, digest):
    answer = decide(karim, held, read="1", digest=digest)

    assert "Ce ne sont plus les mêmes retraits" in text_of(answer)
    assert lines(Action.SYNC_APPROVAL_REFUSED) == [(True, "others_wait")]
    held.refresh_from_db()
    assert held.approval == ""


def test_a_list_that_changed_while_it_was_read_is_asked_for_again(karim, held, small_directory):
    shown = digest_of(held)
    small_directory.modify(f"dn: {members_of(small_directory)[-1].dn}\nchangetype: delete\n")
    settle(small_directory)
    synchronise(now=timezone.now())

    answer = decide(karim, held, read="1", digest=shown)

    page = text_of(answer)
    assert "Ce ne sont plus les mêmes retraits" in page
    assert "Accepter ces 9 retraits" in page
    assert Member.objects.filter(state=MemberState.MISSING).count() == 0


def test_an_accident_that_is_mended_waits_for_nobody_any_more(karim, followed, small_directory):
    people = members_of(small_directory)[:8]
    # Moved out of the members and back: the same entries.
    for person in people:
        rdn = person.dn.split(",")[0]
        small_directory.modify(
            f"dn: {person.dn}\nchangetype: moddn\nnewrdn: {rdn}\ndeleteoldrdn: 0\n"
            f"newsuperior: ou=services,{small_directory.base}\n"
        )
    settle(small_directory)
    synchronise(now=timezone.now())
    digest = digest_of(followed)
    for person in people:
        rdn, _, branch = person.dn.partition(",")
        small_directory.modify(
            f"dn: {rdn},ou=services,{small_directory.base}\nchangetype: moddn\nnewrdn: {rdn}\ndeleteoldrdn: 0\n"
            f"newsuperior: {branch}\n"
        )
    settle(small_directory)
    synchronise(now=timezone.now())

    answer = decide(karim, followed, read="1", digest=digest)

    assert "Plus rien n’attend ici" in text_of(answer)
    assert "Cela n’attend plus." in page_of(karim, SyncRun.objects.filter(status=RunStatus.HELD).get())
    assert lines(Action.SYNC_APPROVAL_REFUSED) == [(True, "nothing_waits")]


def test_an_approval_takes_a_fresh_proof_and_the_right(karim, held):
    proved(karim, timedelta(minutes=31))
    answer = karim.post(reverse("idp:directory_approve", args=[held.pk]), {"read": "1", "digest": digest_of(held)})
    assert answer.url.startswith(reverse("account_reauthenticate"))
    # That the list was read is kept for the way back, once, and for this very list.
    waiting = reverse("idp:directory_waiting", args=[held.pk])
    ticked = 'name="read" value="1" checked'
    assert ticked in text_of(karim.get(waiting))
    assert ticked not in text_of(karim.get(waiting))
    karim.post(reverse("idp:directory_approve", args=[held.pk]), {"read": "1", "digest": "another"})
    assert ticked not in text_of(karim.get(waiting))

    member = proved(browser_of(make_member("paul.x", "Paul X")))
    answer = member.post(reverse("idp:directory_approve", args=[held.pk]), {"read": "1", "digest": digest_of(held)})
    assert answer.status_code == 403
    assert Event.objects.filter(action=Action.ACCESS_REFUSED).exists()
    held.refresh_from_db()
    assert held.approval == ""


# To settle ---------------------------------------------------------------------------------------------------


def test_two_people_with_one_address_are_both_named_and_laid_aside_together(karim, followed, small_directory):
    one, two = members_of(small_directory)[:2]
    for person in (one, two):
        small_directory.modify(f"dn: {person.dn}\nchangetype: modify\nreplace: mail\nmail: memes@canari.example\n")
    synchronise(now=timezone.now())
    url = reverse("idp:directory_issues")

    page = text_of(karim.get(url))
    card = page[page.index('data-issue="mail_shared"') :]
    assert one.display_name in card
    assert two.display_name in card
    assert "memes@canari.example" not in page
    ids = list(SyncIssue.objects.filter(code="mail_shared").values_list("pk", flat=True))
    assert len(ids) == 2

    seen = text_of(karim.post(reverse("idp:directory_issue"), {"issue": ids}, follow=True))
    assert "2 anomalies sont mises de côté" in seen
    assert 'data-issue="mail_shared"' not in seen
    aside = text_of(karim.get(url, {"liste": "vues"}))
    assert "mise de côté par Karim X" in aside
    back = text_of(karim.post(reverse("idp:directory_issue"), {"issue": ids, "undo": "1"}, follow=True))
    assert "2 anomalies sont de nouveau à régler" in back
    assert len(lines(Action.ISSUE_ACKNOWLEDGED)) == 4

    # Settled where it belongs, it goes by itself.
    small_directory.modify(f"dn: {two.dn}\nchangetype: modify\nreplace: mail\nmail: {two.email}\n")
    synchronise(now=timezone.now())
    assert 'data-issue="mail_shared"' not in text_of(karim.get(url))


def test_an_issue_says_of_which_directory_where_there_are_several(karim, db):
    source = DirectorySource.objects.create(name="Grappe", state=SourceState.ACTIVE)
    run = SyncRun.objects.create(source=source, started_at=timezone.now(), status=RunStatus.PROBLEMS)
    for code, detail in (("no_mail", ""), ("mail_shared", "uid=y,dc=x")):
        SyncIssue.objects.create(
            source=source, entry_uuid=uuid4(), dn="uid=x,dc=x", code=code, detail=detail, first_run=run, last_run=run
        )
    url = reverse("idp:directory_issues")

    assert "Grappe ·" not in text_of(karim.get(url))
    DirectorySource.objects.create(name="Invités", state=SourceState.PAUSED)
    assert text_of(karim.get(url)).count("Grappe ·") == 2


@pytest.mark.parametrize("typed", ["", "x", "4711", "9" * 30, "²"])
def test_what_is_no_issue_is_not_settled(karim, db, typed):
    assert karim.post(reverse("idp:directory_issue"), {"issue": typed}).status_code == 404
    assert karim.get(reverse("idp:directory_issues"), {"quoi": typed or "x"}).status_code == 404


# Absent ------------------------------------------------------------------------------------------------------


def test_who_is_absent_stands_with_the_reason_the_dates_and_the_way_back(karim, followed, small_directory, settings):
    person = members_of(small_directory)[0]
    assert 'id="nobody-absent"' in text_of(karim.get(reverse("idp:directory_absent")))
    small_directory.modify(f"dn: {person.dn}\nchangetype: delete\n")
    now = timezone.now()
    synchronise(now=now)

    page = text_of(karim.get(reverse("idp:directory_absent")))

    assert person.display_name in page
    # The groups are the directory's own: its server may have taken the person out of them.
    assert "rend tout" not in page
    assert page.count("aussi dans ses groupes") == 1
    assert "Fiche disparue" in page[page.index('id="cures"') :]
    # The absence is not a departure yet: it becomes one first.
    until = timezone.localtime(now + settings.ABSENCE + settings.LEAVER_RETENTION)
    assert "pas avant le" in page
    assert f'datetime="{until:%Y-%m-%d}"' in page
    assert "1 personne absente" in text_of(karim.get(reverse("idp:directory")))


# How old -----------------------------------------------------------------------------------------------------


def test_the_first_page_says_how_old_it_is_and_names_the_directory_that_is_not_read(karim, followed):
    home = reverse("idp:directory")
    DirectorySource.objects.filter(pk=followed.pk).update(read_at=timezone.now())
    assert 'data-age="fresh"' in text_of(karim.get(home))
    assert "L’annuaire a été lu à l’instant." in text_of(karim.get(home))

    now = timezone.now()
    DirectorySource.objects.create(
        name="Invités", state=SourceState.ACTIVE, read_at=now - timedelta(hours=2), failing_since=now, failures=1
    )
    DirectorySource.objects.create(name="Nouveau", state=SourceState.ACTIVE)
    DirectorySource.objects.create(name="Brouillon", state=SourceState.DRAFT)
    page = text_of(karim.get(home))

    assert "«\xa0Invités\xa0» ne se lit plus depuis" in page
    assert "«\xa0Nouveau\xa0» n’a encore jamais été lu" in page
    assert "«\xa0Brouillon\xa0»" not in page
    assert 'data-age="fresh"' not in page

    DirectorySource.objects.filter(name="Invités").update(failing_since=None)
    page = text_of(karim.get(home))
    assert "«\xa0Invités\xa0» a été lu il y a 2\xa0heures." in page
    assert "C’est long" in page


def test_without_any_directory_the_first_page_says_what_to_do(lea, karim):
    assert 'id="no-source"' in text_of(lea.get(reverse("idp:directory")))
    assert "La technique peut en ajouter un" in text_of(karim.get(reverse("idp:directory")))
