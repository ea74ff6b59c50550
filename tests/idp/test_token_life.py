"""Random lives of tokens against a small model: what is alive in the model works, and nothing else does."""

from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from audit.types import Actor
from directory.types import Hold, MemberState
from idp.models import AccessToken, RefreshToken
from idp.models.tools import forget_tools
from idp.protocol.tokens import digest
from idp.services import keys, withdrawal
from idp.types import AuthMethod
from tests.support.cast import make_member
from tests.support.oidc import connect, sign_in


class TokenLife(RuleBasedStateMachine):
    """One member, one tool.  A family is alive until reuse, revocation, withdrawal, sign-out, suspension or its end."""

    refresh_tokens = Bundle("refresh_tokens")

    def __init__(self):
        super().__init__()
        self.alive: set[int] = set()
        self.access: dict[str, int] = {}
        self.current: dict[int, str] = {}
        self.families = 0

    @initialize()
    def begin(self):
        for model in (AccessToken, RefreshToken):
            model.objects.all().delete()
        forget_tools()
        keys.ensure_key(now=timezone.now())
        self.member = make_member(f"m{timezone.now().timestamp()}".replace(".", ""), "Membre")
        slug = f"agenda-{self.member.pk.hex[:8]}"
        self.party = connect(slug, offline_access=True, token_endpoint_auth_method=AuthMethod.POST)
        self.browser = sign_in(self.member)

    def end_all(self):
        self.alive.clear()

    @rule(target=refresh_tokens)
    def issue(self):
        code = self.party.code(self.browser, scope="openid offline_access")
        told = self.party.exchange(code).json()
        self.families += 1
        self.alive.add(self.families)
        self.access[told["access_token"]] = self.families
        self.current[self.families] = told["refresh_token"]
        return self.families, told["refresh_token"]

    @rule(target=refresh_tokens, known=refresh_tokens)
    def refresh(self, known):
        """With the current token it works; with an older one it is a reuse and ends the family."""
        family, token = known
        response = self.party.refresh(token)
        works = family in self.alive and self.current[family] == token
        assert response.status_code == (200 if works else 400), response.content
        if not works:
            self.alive.discard(family)
            return family, token
        told = response.json()
        self.access[told["access_token"]] = family
        self.current[family] = told["refresh_token"]
        return family, told["refresh_token"]

    @rule(known=consumes(refresh_tokens))
    def revoke(self, known):
        family, token = known
        self.party.post("/oidc/revoke", {"token": token, **self.party.credentials()})
        self.alive.discard(family)

    @rule()
    def withdraw(self):
        actor = Actor(member=self.member.pk)
        withdrawal.withdraw(member_id=self.member.pk, tool=self.party.tool, actor=actor, now=timezone.now())
        self.end_all()

    @rule()
    def sign_out_and_in(self):
        self.browser.post("/deconnexion/")
        self.end_all()
        self.browser = sign_in(self.member)

    @rule(
        account=st.sampled_from(
            [{"state": MemberState.LOCKED}, {"state": MemberState.LEFT}, {"hold": Hold.SUSPENDED}, {"hold": Hold.LEFT}]
        )
    )
    def suspend_and_return(self, account):
        type(self.member).objects.filter(pk=self.member.pk).update(**account)
        for token in self.access:
            assert self.party.userinfo(token).status_code == 401
        type(self.member).objects.filter(pk=self.member.pk).update(state=MemberState.ACTIVE, hold=Hold.NONE)

    @rule(known=refresh_tokens)
    def expire(self, known):
        family, _token = known
        rows = RefreshToken.objects.filter(user=self.member)
        digests = rows.filter(token_family__in=self._families(family))
        digests.update(expires=timezone.now() - timedelta(seconds=1))
        AccessToken.objects.filter(family__in=self._families(family)).delete()
        self.alive.discard(family)

    def _families(self, family):
        row = RefreshToken.objects.filter(token_checksum=digest(self.current[family])).first()
        return [row.token_family] if row else []

    @invariant()
    def only_what_is_alive_works(self):
        for token, family in self.access.items():
            expected = 200 if family in self.alive else 401
            assert self.party.userinfo(token).status_code == expected


@pytest.mark.incident(
    "django-oauth-toolkit#1816", "django-oauth-toolkit#1510", "django-oauth-toolkit#746", "django-oauth-toolkit#1617"
)
@pytest.mark.django_db(transaction=True)
def test_a_random_life_of_tokens_keeps_to_the_model():
    """Each example begins with a member and a tool of its own."""
    few = settings(max_examples=12, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck))

    run_state_machine_as_test(TokenLife, settings=few)
