"""Members and collectives: the hub's synced copy of the directory."""

import uuid
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils.functional import cached_property

from directory.types import Kind, MailState, MemberState, Role, RunStatus


class MemberManager(BaseUserManager["Member"]):
    def get_by_natural_key(self, username: str | None) -> "Member":
        return self.get(pk=username or "")


class Member(AbstractBaseUser):
    """A person.  ``id`` is the hub's identifier for life; ``entry_uuid`` ties it to one directory entry."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    entry_uuid = models.UUIDField(null=True, unique=True, editable=False)
    dn = models.TextField(blank=True, editable=False)
    dn_key = models.TextField(blank=True, editable=False)
    csn = models.CharField(max_length=80, blank=True, editable=False)

    state = models.CharField(max_length=10, choices=MemberState.choices, default=MemberState.ACTIVE)
    state_reason = models.CharField(max_length=60, blank=True)
    state_since = models.DateTimeField(null=True, blank=True)

    login = models.CharField(max_length=255, blank=True)
    login_key = models.CharField(max_length=255, blank=True, db_index=True)
    login_ambiguous = models.BooleanField(default=False)
    email = models.CharField(max_length=254, blank=True)
    email_key = models.CharField(max_length=254, blank=True, db_index=True)
    email_state = models.CharField(max_length=8, choices=MailState.choices, default=MailState.NONE)

    display_name = models.CharField(max_length=400)
    given_name = models.CharField(max_length=400, blank=True)
    family_name = models.CharField(max_length=400, blank=True)
    phone = models.CharField(max_length=32, blank=True)
    mobile = models.CharField(max_length=32, blank=True)
    trade = models.CharField(max_length=200, blank=True)
    employee_number = models.CharField(max_length=40, blank=True)
    employee_type = models.CharField(max_length=60, blank=True)
    business_name = models.CharField(max_length=200, blank=True)
    postal_address = models.TextField(blank=True)
    postal_code = models.CharField(max_length=20, blank=True)
    town = models.CharField(max_length=120, blank=True)
    language = models.CharField(max_length=12, blank=True)

    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    # The journal and the sessions know when somebody signed in, and per session: no field of Django's for it.
    last_login = None

    USERNAME_FIELD = "id"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = MemberManager()

    class Meta:
        indexes = [models.Index(fields=["state"], name="member_state")]

    def __str__(self) -> str:
        return self.display_name

    def get_username(self) -> str:
        return str(self.pk)

    @property
    def is_active(self) -> bool:  # type: ignore[override]
        return self.state == MemberState.ACTIVE

    def has_usable_password(self) -> bool:
        """A directory password counts: it is what re-authentication asks for.

        Without this, account flows find no way to confirm a directory member and let them through.
        """
        return self.entry_uuid is not None or super().has_usable_password()

    @cached_property
    def roles(self) -> frozenset[Role]:
        return frozenset(Role(grant.role) for grant in self.role_grants.all())


class RoleGrant(models.Model):
    """A role of a person in the hub; given and taken back by people, never by the directory."""

    member = models.ForeignKey(Member, models.CASCADE, related_name="role_grants")
    role = models.CharField(max_length=12, choices=Role.choices)
    granted_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["member", "role"], name="one_grant_per_role")]

    def __str__(self) -> str:
        return f"{self.role} {self.member_id}"


class Collective(models.Model):
    """A group of the directory: pôle, self-run group, territory, team or board."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    entry_uuid = models.UUIDField(unique=True, editable=False)
    dn = models.TextField(editable=False)
    dn_key = models.TextField(editable=False)
    csn = models.CharField(max_length=80, blank=True, editable=False)
    slug = models.SlugField(max_length=120, unique=True)
    name = models.CharField(max_length=255)
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.OTHER)
    description = models.TextField(blank=True)
    sensitive = models.BooleanField(default=False)
    present = models.BooleanField(default=True)
    leads = models.ManyToManyField(Member, related_name="leads")
    members = models.ManyToManyField(Member, through="Membership", related_name="collectives")

    class Meta:
        ordering = ["kind", "name"]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A member in a collective; ``direct`` is false when it comes through a nested group."""

    member = models.ForeignKey(Member, models.CASCADE, related_name="memberships")
    collective = models.ForeignKey(Collective, models.CASCADE, related_name="memberships")
    direct = models.BooleanField(default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["member", "collective"], name="one_membership")]

    def __str__(self) -> str:
        return f"{self.member_id} in {self.collective_id}"


class SyncRun(models.Model):
    """One pass over the directory and what came of it."""

    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    status = models.CharField(max_length=12, choices=RunStatus.choices, default=RunStatus.RUNNING)
    error = models.CharField(max_length=80, blank=True)
    watermark = models.TextField(blank=True)
    counts = models.JSONField(default=dict)
    report = models.JSONField(default=dict)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"run {self.pk} {self.status}"


class SyncIssue(models.Model):
    """Something about one entry that a person should settle; one row per entry and code, not per run."""

    entry_uuid = models.UUIDField()
    dn = models.TextField()
    code = models.CharField(max_length=40)
    detail = models.CharField(max_length=400, blank=True)
    first_run = models.ForeignKey(SyncRun, models.CASCADE, related_name="issues_opened")
    last_run = models.ForeignKey(SyncRun, models.CASCADE, related_name="issues_seen")
    resolved_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["entry_uuid", "code"], name="one_issue_per_entry_and_code")]

    def __str__(self) -> str:
        return f"{self.code} {self.entry_uuid}"
