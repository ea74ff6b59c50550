"""What went wrong between other providers and their directories, done to this one and a real slapd."""

import pytest
from django.test import Client

from demo import slapd
from directory.ldap import passwords as ldap_client
from directory.ldap import sources
from directory.models import Member
from directory.types import DirectoryRefused, DirectoryUnavailable
from tests.support.signin import NOEMIE_PASSWORD, try_to_sign_in
from tests.support.slapd import ldap_settings

CANARY = "canariinjecte"
# RFC 4515 §3: what means something in a filter; RFC 4514 §2.4: what does in a name.
TYPED = [
    f"*){CANARY}",
    f"noemie.ferrand)({CANARY}=*",
    f"*)(uid=*))(|(uid={CANARY}",
    f"noemie.ferrand\\2a{CANARY}",
    f"noemie.ferrand,ou=autre,{CANARY}",
    f"{CANARY}@*",
]


@pytest.mark.incident("CVE-2026-16071")
@pytest.mark.parametrize("typed", TYPED)
def test_nothing_that_is_typed_becomes_part_of_a_question_to_the_directory(
    client: Client, noemie, own_directory, typed
):
    try_to_sign_in(client, typed, NOEMIE_PASSWORD)

    assert "_auth_user_id" not in client.session
    asked = own_directory.log_file.read_text(errors="replace")
    assert "SRCH" in asked, "the log tells what was asked"
    assert CANARY not in asked


@pytest.mark.incident("keycloak#26112")
def test_an_entry_outside_the_base_of_people_is_nobody_who_enters(client: Client, noemie, settings, own_directory):
    settings.LDAP = settings.LDAP | {"people_base": f"ou=groupes,{own_directory.base}"}

    try_to_sign_in(client, "noemie.ferrand", NOEMIE_PASSWORD)

    assert "_auth_user_id" not in client.session


@pytest.mark.incident("CVE-2026-35563")
@pytest.mark.parametrize("start_tls", [True, False])
def test_the_certificate_must_be_that_of_the_host_that_was_named(
    noemie, settings, own_directory, monkeypatch, start_tls
):
    """The same authority, and a certificate of another address."""
    entry = Member.objects.get(pk=noemie.pk).entry_uuid
    with monkeypatch.context() as patched:
        patched.setattr(slapd, "HOST", "192.0.2.1")
        slapd._make_certificate(own_directory.folder / "tls")
    own_directory.stop()
    own_directory.start(ldaps=True)
    uri = own_directory.uri if start_tls else own_directory.tls_uri
    settings.LDAP = ldap_settings(own_directory, uri=uri, start_tls=start_tls)

    with pytest.raises((DirectoryUnavailable, DirectoryRefused)):
        ldap_client.check_password(sources.load(), entry, NOEMIE_PASSWORD)

    assert "BIND dn=" not in own_directory.log_file.read_text(errors="replace").rpartition("slapd starting")[2]
