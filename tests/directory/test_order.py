"""Lists of people and collectives stand as a French reader looks for them, on either database."""

import base64
from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from demo.slapd import EmbeddedDirectory
from directory import following
from directory.models import Collective, Member, RoleGrant
from directory.normalise import order_key
from directory.services import erase_leavers, synchronise
from directory.types import MemberState, Role
from tests.support.cast import make_member
from tests.support.cost import counted
from tests.support.migrations import migrate
from tests.support.oidc import sign_in
from tests.support.passes import MONDAY, TUESDAY
from tests.support.slapd import settle

pytestmark = pytest.mark.django_db
IN_ORDER = ["amélie Roux", "Élodie Faure", "Jean-Paul Bon", "Jean Petit", "Zoé Ader"]


@pytest.fixture
def people() -> list[Member]:
    # Written in an order of their own, with keys that follow no name.
    return [make_member(f"p{place}", IN_ORDER[place]) for place in (3, 1, 4, 0, 2)]


def places() -> dict[str, tuple[str, str]]:
    """Of every row, the key that is kept and the one that its name has now."""
    found = {str(each.pk): (each.order_key, order_key(each.display_name)) for each in Member.objects.all()}
    return found | {str(each.pk): (each.order_key, order_key(each.name)) for each in Collective.objects.all()}


def assert_true_to_their_names() -> None:
    assert [each for each in places().values() if each[0] != each[1]] == []


def test_the_database_sorts_by_the_key_byte_by_byte(people: list[Member]) -> None:
    names = ["Ада", "zoe_b", "zoe1b", "4L Trophy", "Ævar"]
    odd = [make_member(f"odd{place}", name) for place, name in enumerate(names)]

    found = list(Member.objects.order_by("order_key").values_list("order_key", flat=True))

    assert found == sorted(order_key(each.display_name) for each in [*people, *odd])


def test_the_list_of_the_office_is_in_order_from_page_to_page_at_one_cost(people: list[Member]) -> None:
    karim = make_member("karim.x", "Édouard Karim")
    RoleGrant.objects.create(member=karim, role=Role.OFFICE)
    desk = sign_in(karim, methods=("pwd", "otp", "mfa"), acr="2")
    with counted() as few:
        page = desk.get(reverse("idp:office")).content.decode()
    shown = [name for _, name in sorted((page.index(f">{name}</a>"), name) for name in IN_ORDER)]
    for number in range(60):
        make_member(f"q{number}", f"É{number:02} Martin")

    with counted() as many:
        pages = [desk.get(reverse("idp:office"), {"page": number}).context["page"] for number in (1, 2, 3)]

    names = [each.display_name for page in pages for each in page.object_list]
    assert shown == IN_ORDER
    assert names == sorted(names, key=order_key)
    assert len(names) == 66
    assert len(many.statements) == 3 * len(few.statements)


def test_those_who_are_absent_since_the_same_moment_are_in_order(people: list[Member]) -> None:
    Member.objects.update(state=MemberState.MISSING, state_since=timezone.now())

    assert [each.display_name for each in following.absent()] == IN_ORDER


def test_whoever_writes_a_name_writes_its_place(small_directory: EmbeddedDirectory, settings) -> None:
    """A first pass, which inserts without objects; a later one, which renames; the end of the retention period."""
    synchronise(now=MONDAY)
    assert_true_to_their_names()
    person = Member.objects.exclude(dn="").order_by("pk")[0]
    group = Collective.objects.exclude(dn="").order_by("pk")[0]
    branch = group.dn.partition(",")[2]
    small_directory.modify(
        f"dn: {person.dn}\nchangetype: modify\nreplace: displayName\ndisplayName:: w4lsaXNlIFpheQ==\n"
    )
    small_directory.modify(
        f"dn: {group.dn}\nchangetype: modrdn\nnewrdn: cn=Etudes\ndeleteoldrdn: 1\nnewsuperior: {branch}\n"
    )
    settle(small_directory)

    synchronise(now=TUESDAY)

    person.refresh_from_db()
    group.refresh_from_db()
    assert (person.display_name, person.order_key) == ("Élise Zay", "elise zay")
    assert (group.name, group.order_key) == ("Etudes", "etudes")
    assert_true_to_their_names()
    Member.objects.filter(pk=person.pk).update(state=MemberState.LEFT, state_since=TUESDAY, source=None)
    assert erase_leavers(now=TUESDAY + settings.LEAVER_RETENTION + timedelta(days=1)) == 1
    assert Member.objects.get(pk=person.pk).order_key == "ancien membre"


def test_a_key_that_is_longer_than_its_column_is_cut(small_directory: EmbeddedDirectory) -> None:
    """One letter of Arabic typography stands for eighteen: of one such name a whole pass would fail."""
    synchronise(now=MONDAY)
    name = base64.b64encode(("ﷺ" * 30).encode()).decode()
    small_directory.modify(
        "dn: uid=long,ou=membres,ou=personnes,dc=alizarine,dc=example\nchangetype: add\nobjectClass: inetOrgPerson\n"
        f"uid: long\ncn: Long\nsn: Long\ndisplayName:: {name}\n"
    )

    synchronise(now=TUESDAY)

    assert len(Member.objects.get(login="long").order_key) == 400


@pytest.mark.django_db(transaction=True)
def test_names_of_the_release_before_get_their_places(people: list[Member]) -> None:
    Collective.objects.create(slug="e", name="Équipe")
    migrate([("directory", "0008_look_again")])
    with connection.cursor() as cursor:
        columns = {each.name for each in connection.introspection.get_table_description(cursor, "directory_member")}
    assert "order_key" not in columns

    migrate()

    assert_true_to_their_names()
    assert [each.display_name for each in Member.objects.order_by("order_key")] == IN_ORDER
