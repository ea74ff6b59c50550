"""The tool: an OAuth client and its sheet's technical half."""

import threading
from typing import Any

from cachetools import TTLCache
from django.core.exceptions import ValidationError
from django.db import DatabaseError, models, transaction
from django.utils.translation import get_language
from oauth2_provider.models import AbstractApplication

from idp.models.tool_rules import problems_of
from idp.protocol.redirects import origin_of
from idp.types import (
    AccessTokenFormat,
    AuthMethod,
    GrantType,
    SecurityProfile,
    SigningAlgorithm,
    SubjectType,
    ToolKind,
    ToolState,
)

TOOL_SECONDS = 5
_known: TTLCache[tuple[tuple[str, str | int], ...], "Tool"] = TTLCache(maxsize=2000, ttl=TOOL_SECONDS)
_iframe_origins: TTLCache[None, frozenset[str]] = TTLCache(maxsize=1, ttl=TOOL_SECONDS)
_last_iframe_origins: frozenset[str] | None = None
_known_lock = threading.Lock()


def forget_tools() -> None:
    """Read every tool again at its next use: after a change made by this process."""
    with _known_lock:
        _known.clear()
        _iframe_origins.clear()


class ToolQuerySet(models.QuerySet["Tool"]):
    def update(self, **changes: Any) -> int:
        count = super().update(**changes)
        _forget_now_and_after()
        return count

    def registered(self, client_id: str) -> "Tool | None":
        """The tool of this identifier, as this process knew it at most ``TOOL_SECONDS`` ago.  Not to be changed.

        A tool is read at every request and changes a few times a year.  Closing one counts at once all the same:
        the access decision asks the database.  Identifiers nobody has are not kept, or guesses would fill the memory.
        """
        return self._kept(client_id=client_id)

    def of_resource(self, identifier: str) -> "Tool | None":
        """The tool that is this resource (RFC 8707), kept for as long; ``None`` for an address outside the hub."""
        return self._kept(resource_identifier=identifier)

    def known(self, pk: int) -> "Tool":
        """The tool behind a row that names it, kept for as long.  Raises ``DoesNotExist``."""
        found = self._kept(pk=pk)
        if found is None:
            raise Tool.DoesNotExist(f"tool {pk}")
        return found

    def _kept(self, **named: str | int) -> "Tool | None":
        key = tuple(named.items())
        with _known_lock:
            known = _known.get(key)
        if known is None:
            known = self.filter(**named).first()
            if known is not None:
                with _known_lock:
                    # Whoever was asked for by a name comes again by the rows that lead to it.
                    _known[key] = _known[(("pk", known.pk),)] = known
        return known

    def session_iframe_origins(self) -> frozenset[str]:
        """Origins of the tools that watch the session (OIDC Session Management §3), as known a few seconds ago.

        Empty: no tool does, and the page is neither announced nor served.
        """
        global _last_iframe_origins
        with _known_lock:
            known = _iframe_origins.get(None)
        if known is None:
            watching = self.filter(session_iframe=True, kind=ToolKind.OIDC).exclude(state=ToolState.CLOSED)
            try:
                known = frozenset(origin_of(uri) for tool in watching for uri in tool.redirect_uri_list)
            except DatabaseError:
                # As with the keys: metadata go on with what is known while the database is away.
                if _last_iframe_origins is None:
                    raise
                known = _last_iframe_origins
            with _known_lock:
                _iframe_origins[None] = _last_iframe_origins = known
        return known


def _forget_now_and_after() -> None:
    forget_tools()
    transaction.on_commit(forget_tools)


class Tool(AbstractApplication):
    """A connected tool.  Secrets are stored as SHA-256 digests: they are random, not chosen (RFC 6749 §2.3.1)."""

    slug = models.SlugField(max_length=60, unique=True)
    kind = models.CharField(max_length=8, choices=ToolKind.choices, default=ToolKind.OIDC)
    state = models.CharField(max_length=12, choices=ToolState.choices, default=ToolState.OPEN)

    # What members see.
    tagline = models.CharField(max_length=120, blank=True)
    tagline_en = models.CharField(max_length=120, blank=True)
    keywords = models.CharField(max_length=300, blank=True)
    # A word for the section where it stands: the launcher knows which there are, and takes an unknown one for the last.
    section = models.SlugField(max_length=40, default="other", db_index=False)
    monogram = models.CharField(max_length=3, blank=True)
    hue = models.PositiveSmallIntegerField(default=12)
    launch_url = models.CharField(max_length=500, blank=True)
    order = models.PositiveSmallIntegerField(default=100)

    # Who may enter: closed unless a collective of the member is listed, or everyone is let in.
    everyone = models.BooleanField(default=False)
    collectives = models.ManyToManyField("directory.Collective", blank=True, related_name="tools")
    # Those who may not enter see that it exists, and may ask its owners; the office, where it has none.
    requestable = models.BooleanField(default=False)
    owners = models.ManyToManyField("directory.Member", blank=True, related_name="owned_tools")

    # When it came from another hub, if it did: then it may be given time to do with what its sheet declares.
    imported_on = models.DateField(null=True, blank=True)

    # How it speaks.
    client_secret = models.CharField(max_length=64, blank=True, editable=False)
    previous_client_secret = models.CharField(max_length=64, blank=True, editable=False)
    previous_client_secret_until = models.DateTimeField(null=True, editable=False)
    hash_client_secret = True
    # ``client_secret_jwt`` needs the secret itself: encrypted with the key from outside the database.
    sealed_client_secret = models.BinaryField(null=True, editable=False)
    previous_sealed_client_secret = models.BinaryField(null=True, editable=False)
    token_endpoint_auth_method = models.CharField(max_length=30, choices=AuthMethod.choices, default=AuthMethod.BASIC)
    client_jwks = models.JSONField(null=True, blank=True)
    client_jwks_uri = models.CharField(max_length=500, blank=True)
    tls_client_auth_subject_dn = models.CharField(max_length=500, blank=True)
    tls_client_auth_san_dns = models.CharField(max_length=255, blank=True)
    tls_client_auth_san_uri = models.CharField(max_length=500, blank=True)
    grant_types = models.CharField(max_length=255, default=GrantType.CODE)
    pkce_required = models.BooleanField(default=True)
    subject_type = models.CharField(max_length=10, choices=SubjectType.choices, default=SubjectType.PAIRWISE)
    sector = models.CharField(max_length=255, blank=True)
    scopes = models.CharField(max_length=255, default="openid profile email")
    claims_in_id_token = models.BooleanField(default=True)
    offline_access = models.BooleanField(default=False)
    security_profile = models.CharField(
        max_length=14, choices=SecurityProfile.choices, default=SecurityProfile.NONE, blank=True
    )
    require_pushed_authorization_requests = models.BooleanField(default=False)
    require_signed_request_object = models.BooleanField(default=False)
    default_max_age = models.PositiveIntegerField(null=True, blank=True)
    required_acr = models.CharField(max_length=20, blank=True)

    # What its answers look like.  An empty algorithm means: not signed, not encrypted.
    algorithm = models.CharField(max_length=10, choices=SigningAlgorithm.choices, default=SigningAlgorithm.RS256)
    id_token_encrypted_response_alg = models.CharField(max_length=20, blank=True)
    id_token_encrypted_response_enc = models.CharField(max_length=20, blank=True)
    userinfo_signed_response_alg = models.CharField(max_length=10, choices=SigningAlgorithm.choices, blank=True)
    userinfo_encrypted_response_alg = models.CharField(max_length=20, blank=True)
    userinfo_encrypted_response_enc = models.CharField(max_length=20, blank=True)
    introspection_signed_response_alg = models.CharField(max_length=10, choices=SigningAlgorithm.choices, blank=True)
    authorization_signed_response_alg = models.CharField(max_length=10, choices=SigningAlgorithm.choices, blank=True)

    # Access tokens.  ``resource_identifier`` names the tool as a resource; ``resources`` are those it may ask for.
    access_token_format = models.CharField(
        max_length=8, choices=AccessTokenFormat.choices, default=AccessTokenFormat.OPAQUE
    )
    resource_identifier = models.CharField(max_length=500, blank=True)
    resources = models.TextField(blank=True)
    dpop_bound_access_tokens = models.BooleanField(default=False)
    tls_client_certificate_bound_access_tokens = models.BooleanField(default=False)
    refresh_grace_seconds = models.PositiveSmallIntegerField(default=0)

    # Signing out.
    backchannel_logout_uri = models.CharField(max_length=500, blank=True)
    frontchannel_logout_uri = models.CharField(max_length=500, blank=True)
    frontchannel_logout_session_required = models.BooleanField(default=True)
    session_iframe = models.BooleanField(default=False)

    # Dynamic registration (RFC 7591): how it came, and the digest of the token that manages it.
    self_registered = models.BooleanField(default=False, editable=False)
    registration_access_token = models.CharField(max_length=64, blank=True, editable=False)
    client_uri = models.CharField(max_length=500, blank=True)
    logo_uri = models.CharField(max_length=500, blank=True)
    policy_uri = models.CharField(max_length=500, blank=True)
    tos_uri = models.CharField(max_length=500, blank=True)
    contacts = models.TextField(blank=True)

    objects = ToolQuerySet.as_manager()

    class Meta(AbstractApplication.Meta):
        ordering = ["order", "name"]

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **kwargs)
        _forget_now_and_after()

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        gone: tuple[int, dict[str, int]] = super().delete(*args, **kwargs)
        _forget_now_and_after()
        return gone

    def clean(self) -> None:
        """What does not fit together is refused before it is stored.  The toolkit would look for keys it has not."""
        problems = problems_of(self)
        if problems:
            raise ValidationError({field: list(why) for field, why in problems.items()})

    @property
    def signs_in_here(self) -> bool:
        """Whether what it gets of members it gets from here; what a mere link is told elsewhere nobody sees."""
        return self.kind == ToolKind.OIDC

    @property
    def is_open(self) -> bool:
        """Whether it is there for anybody."""
        return self.state != ToolState.CLOSED

    @property
    def shown_tagline(self) -> str:
        return (self.tagline_en if (get_language() or "fr").startswith("en") else "") or self.tagline

    @property
    def redirect_uri_list(self) -> tuple[str, ...]:
        return tuple(self.redirect_uris.split())

    @property
    def post_logout_redirect_uri_list(self) -> tuple[str, ...]:
        return tuple(self.post_logout_redirect_uris.split())

    @property
    def sector_identifier(self) -> str:
        """OpenID Connect Core §8.1: tools of one sector share a subject; by default each is its own."""
        return self.sector or f"tool:{self.client_id}"

    @property
    def is_fapi(self) -> bool:
        """Whether the tool keeps to FAPI 2.0, in either of its two profiles."""
        return self.security_profile != SecurityProfile.NONE

    @property
    def needs_pkce(self) -> bool:
        """Only a confidential tool outside FAPI can be let off, and only by the operator (RFC 9700 §2.1.1)."""
        return self.pkce_required or self.is_fapi or self.client_type == self.CLIENT_PUBLIC

    @property
    def grant_type_list(self) -> tuple[str, ...]:
        """The grants this tool may use at the token endpoint."""
        refresh = (str(GrantType.REFRESH),) if self.offline_access else ()
        return (*self.grant_types.split(), *refresh)

    @property
    def resource_list(self) -> tuple[str, ...]:
        """RFC 8707: the resources this tool may name."""
        return tuple(self.resources.split())


class ToolPair(models.Model):
    """An operator's permission: a tool holding a member's token may exchange it for one of another (RFC 8693)."""

    source = models.ForeignKey(Tool, models.CASCADE, related_name="pairs_out")
    target = models.ForeignKey(Tool, models.CASCADE, related_name="pairs_in")
    scopes = models.CharField(max_length=255, default="openid")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "target"], name="one_pair_per_direction")]

    def __str__(self) -> str:
        return f"{self.source_id} -> {self.target_id}"


class InitialAccessToken(models.Model):
    """Lets its holder register tools (RFC 7591 §1.2); given by an operator, stored as a digest."""

    digest = models.CharField(max_length=64, unique=True)
    label = models.CharField(max_length=120)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    uses_left = models.PositiveSmallIntegerField(default=1)
    # What an operator allows for a test run: tools that everybody may enter at once, and that need no PKCE.
    opens = models.BooleanField(default=False)
    relaxes_pkce = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.label
