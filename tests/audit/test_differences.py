"""What an event says of a change: which fields, and from what to what where that may be told."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from audit import words
from audit.differences import LONGEST, differences
from audit.models import Event
from audit.types import SYSTEM, Action
from consent.services import declare
from directory import services as directory_services
from directory.models import Collective, DirectorySource
from directory.services import sources
from directory.types import Role
from idp.services.tools import pair_tools, register_tool, set_access
from idp.types import GrantType, ToolState
from tests.support.cast import LOUTY, make_member, with_items


def test_names_and_values_of_what_is_another_thing_now():
    before = {
        "name": "Wiki",
        "order": 1,
        "open": False,
        "scopes": {"a"},
        "same": "x",
        "mapping": {"mail": "m", "sn": "s"},
    }
    after = {"name": "Wiki", "order": 2, "open": True, "scopes": {"b", "a"}, "same": "x", "mapping": {"mail": "n"}}

    assert differences(before, after) == {
        "properties": ["mapping", "open", "order", "scopes"],
        "changes": {
            "mapping.mail": ["m", "n"],
            "mapping.sn": ["s", ""],
            "open": ["false", "true"],
            "order": ["1", "2"],
            "scopes": ["a", "a b"],
        },
    }
    assert differences(after, after) == {"properties": []}


def test_what_is_secret_or_long_or_of_no_plain_name_is_only_said_to_have_changed():
    before = {"secret": "a", "keys": {"x": "1"}, "long": "", "mapping": {"né": "a"}}
    after = {"secret": "b", "keys": {"x": "2"}, "long": "y" * (LONGEST + 1), "mapping": {"né": "b"}}

    assert differences(before, after, untold={"secret", "keys"}) == {
        "properties": ["keys", "long", "mapping", "secret"]
    }


# Where it is used -------------------------------------------------------------------------------------------------

pytestmark = pytest.mark.django_db


def last(action):
    return Event.objects.filter(action=action).latest("pk")


def registered(**values):
    given = {
        "slug": "wiki",
        "name": "Wiki",
        "actor": SYSTEM,
        "now": timezone.now(),
        "redirect_uris": ["https://w.example/cb"],
    }
    return register_tool(**given | values)


@pytest.fixture
def pole(db):
    return Collective.objects.create(entry_uuid=make_member("x.y", "X Y").pk, name="Reliure", slug="reliure")


def test_a_tool_says_what_became_of_its_card_addresses_scopes_level_and_doors(pole):
    registered()
    given = {"tagline": "Nos pages", "scopes": "openid email", "required_acr": "2", "hue": 40}
    registered(name="Le wiki", redirect_uris=["https://w.example/new"], collectives=["reliure"], properties=given)

    changes = last(Action.TOOL_CHANGED).facts["changes"]

    assert changes["name"] == ["Wiki", "Le wiki"]
    assert changes["redirect_uris"] == ["https://w.example/cb", "https://w.example/new"]
    assert changes["collectives"] == ["", "reliure"]
    assert changes["tagline"] == ["", "Nos pages"]
    assert (changes["required_acr"][1], changes["scopes"][1], changes["hue"][1]) == ("2", "openid email", "40")
    assert ("différences", True) in [
        (label, "nom : Wiki → Le wiki" in said) for label, said in words.facts(last(Action.TOOL_CHANGED))
    ]


def test_who_may_enter_alone_is_a_change_of_a_tool(pole):
    registered()

    registered(collectives=["reliure"])
    registered(collectives=["reliure"])

    line = Event.objects.get(action=Action.TOOL_CHANGED)
    assert line.facts == {"properties": ["collectives"], "changes": {"collectives": ["", "reliure"]}}


def test_secrets_keys_and_addresses_of_people_are_in_no_line():
    secret = registered().client_secret
    another = "s" * 40
    registered(client_secret=another, properties={"contacts": "marie@w.example"})

    facts = last(Action.TOOL_CHANGED).facts

    assert {"secret", "contacts"} <= set(facts["properties"])
    for said in (secret, another, "marie@w.example"):
        assert said not in str(facts)
    assert not {"secret", "contacts"} & facts.get("changes", {}).keys()


def test_what_follows_the_path_of_an_address_is_in_no_line():
    registered(properties={"launch_url": "https://w.example/in?login=marie&key=abc"})
    registered(properties={"launch_url": "https://w.example/in?login=paul"})
    query_alone = last(Action.TOOL_CHANGED).facts
    registered(properties={"launch_url": "https://w.example/new?login=paul"})
    path_too = last(Action.TOOL_CHANGED).facts

    assert query_alone == {"properties": ["launch_url"]}
    assert path_too["changes"] == {"launch_url": ["https://w.example/in?…", "https://w.example/new?…"]}
    assert not any(said in str(last(Action.TOOL_CREATED).facts) for said in ("marie", "abc"))


@pytest.mark.parametrize("address", ["org.example.app:/cb?login=marie", "ldaps://d.example/dc=x??sub?(uid=marie)"])
def test_nor_is_it_of_addresses_of_other_kinds(address):
    told = differences({"name": "A"}, {"name": "B", "address": address})["changes"]

    assert told["name"] == ["A", "B"]
    assert told["address"][1].endswith("?…")
    assert "marie" not in str(told)


def test_opening_and_pairing_say_what_was_before(pole):
    for slug in ("source", "target"):
        given = {
            "grant_types": f"{GrantType.CODE} {GrantType.EXCHANGE}",
            "resource_identifier": f"https://{slug}.example",
        }
        registered(slug=slug, name=slug, properties={**given, "everyone": True})
    now = timezone.now()
    set_access(slug="source", state=ToolState.OPEN, everyone=False, collectives=["reliure"], actor=SYSTEM, now=now)
    for scopes in (["read"], ["read", "write"]):
        pair_tools(source="source", target="target", scopes=scopes, actor=SYSTEM, now=now)

    assert last(Action.TOOL_CHANGED).facts["changes"] == {"collectives": ["", "reliure"], "everyone": ["true", "false"]}
    assert last(Action.TOOLS_PAIRED).facts["changes"] == {"scopes": ["read", "read write"]}


def test_a_sheet_says_what_is_new_in_it_but_the_address_of_its_contact(louty):
    *kept, gone = LOUTY.items
    sheet = replace(with_items(LOUTY, *kept, retention="Dix ans"), contact="marie@louty.example")
    declare(tool_id=louty.pk, sheet=sheet, actor=SYSTEM, now=timezone.now())

    facts = last(Action.SHEET_DECLARED).facts

    assert facts["changes"]["retention.1"] == [LOUTY.purposes[0].retention, "Dix ans"]
    assert facts["changes"][f"items.{gone.item}"] == ["contract", ""]
    assert "contact" in facts["properties"]
    assert "marie" not in str(facts)


def test_a_directory_says_what_became_of_its_settings_and_of_passwords_that_they_changed():
    source = sources.add_source(name="Grappe", uri="ldaps://a.example", actor=SYSTEM, now=timezone.now())
    wanted = {"uri": "ldaps://b.example", "mapping": {"mail": "rfc822Mailbox"}, "bind_password": "très secret"}
    wanted["bind_dn"] = "uid=marie,dc=example"
    wanted |= {"people_filter": "(!(uid=marie.curie))", "groups_filter": "(!(member=uid=marie,dc=example))"}
    sources.change_source(source_id=source.pk, changes=wanted, actor=SYSTEM, now=timezone.now())

    assert last(Action.SOURCE_ADDED).facts["changes"] == {"name": ["", "Grappe"], "uri": ["", "ldaps://a.example"]}
    facts = last(Action.SOURCE_CHANGED).facts
    assert facts["properties"] == ["bind_dn", "bind_password", "groups_filter", "mapping", "people_filter", "uri"]
    assert "marie" not in str(facts)
    assert facts["changes"] == {"uri": ["ldaps://a.example", "ldaps://b.example"]}
    assert "secret" not in str(facts)


def test_the_directory_of_the_settings_is_told_of_once(settings):
    from directory.ldap.sources import settings_source

    settings.LDAP = {"uri": "ldap://127.0.0.1:1"}

    assert settings_source() == settings_source()

    assert Event.objects.get(action=Action.SOURCE_ADDED).facts["source"] == DirectorySource.objects.get().pk


def test_a_rule_and_a_role_say_from_when_to_when(pole, member):
    now = timezone.now()
    for since in (now, now + timedelta(days=3)):
        directory_services.require_second_factor(collective_id=pole.pk, since=since, actor=SYSTEM, now=now)
    for days in (5, 9):
        ends = now + timedelta(days=days)
        directory_services.grant_role(member_id=member.pk, role=Role.OFFICE, actor=SYSTEM, now=now, ends_at=ends)

    rule = last(Action.FACTOR_POLICY_CHANGED).facts["changes"]
    assert rule == {"second_factor_from": [str(now), str(now + timedelta(days=3))]}
    role = last(Action.ROLE_GRANTED).facts["changes"]
    assert role == {"ends_at": [str(now + timedelta(days=5)), str(now + timedelta(days=9))]}
