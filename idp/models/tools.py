"""The tool: an OAuth client and its sheet's technical half."""

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import get_language
from oauth2_provider.models import AbstractApplication

from idp.protocol.redirects import why_not_registrable
from idp.types import AuthMethod, Section, SubjectType, ToolKind, ToolState


class Tool(AbstractApplication):
    """A connected tool.  Secrets are stored as SHA-256 digests: they are random, not chosen (RFC 6749 §2.3.1)."""

    slug = models.SlugField(max_length=60, unique=True)
    kind = models.CharField(max_length=8, choices=ToolKind.choices, default=ToolKind.OIDC)
    state = models.CharField(max_length=12, choices=ToolState.choices, default=ToolState.OPEN)

    # What members see.
    tagline = models.CharField(max_length=120, blank=True)
    tagline_en = models.CharField(max_length=120, blank=True)
    keywords = models.CharField(max_length=300, blank=True)
    section = models.CharField(max_length=12, choices=Section.choices, default=Section.OTHER)
    monogram = models.CharField(max_length=3, blank=True)
    hue = models.PositiveSmallIntegerField(default=12)
    launch_url = models.CharField(max_length=500, blank=True)
    order = models.PositiveSmallIntegerField(default=100)

    # Who may enter: closed unless a collective of the member is listed, or everyone is let in.
    everyone = models.BooleanField(default=False)
    collectives = models.ManyToManyField("directory.Collective", blank=True, related_name="tools")

    # How it speaks.
    client_secret = models.CharField(max_length=64, blank=True, editable=False)
    previous_client_secret = models.CharField(max_length=64, blank=True, editable=False)
    previous_client_secret_until = models.DateTimeField(null=True, editable=False)
    hash_client_secret = True
    algorithm = models.CharField(max_length=10, choices=[("RS256", "RS256")], default="RS256")
    token_endpoint_auth_method = models.CharField(max_length=24, choices=AuthMethod.choices, default=AuthMethod.BASIC)
    pkce_required = models.BooleanField(default=True)
    subject_type = models.CharField(max_length=10, choices=SubjectType.choices, default=SubjectType.PAIRWISE)
    sector = models.CharField(max_length=255, blank=True)
    scopes = models.CharField(max_length=255, default="openid profile email")
    claims_in_id_token = models.BooleanField(default=True)
    offline_access = models.BooleanField(default=False)
    backchannel_logout_uri = models.CharField(max_length=500, blank=True)

    class Meta(AbstractApplication.Meta):
        ordering = ["section", "order", "name"]

    def clean(self) -> None:
        """Addresses are refused before they are stored.  The toolkit's checks would look for keys it has not."""
        addresses = {
            "redirect_uris": self.redirect_uri_list,
            "post_logout_redirect_uris": self.post_logout_redirect_uri_list,
            "backchannel_logout_uri": tuple(filter(None, [self.backchannel_logout_uri])),
            "launch_url": tuple(filter(None, [self.launch_url])),
        }
        problems = {
            field: [f"{uri} {why}" for uri in uris if (why := why_not_registrable(uri))]
            for field, uris in addresses.items()
        }
        if self.kind == ToolKind.OIDC and not self.redirect_uri_list:
            problems["redirect_uris"].append("a connected tool needs at least one")
        if any(problems.values()):
            raise ValidationError({field: why for field, why in problems.items() if why})

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
