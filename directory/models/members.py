"""Members: who they are, where they stand, what they may do."""

import uuid
from datetime import datetime
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils import timezone
from django.utils.functional import cached_property

from directory.models.fields import OrderKey
from directory.types import Hold, MailState, MemberState, Role, Status


class MemberManager(BaseUserManager["Member"]):
    def get_by_natural_key(self, username: str | None) -> "Member":
        return self.get(pk=username or "")

    def active(self) -> "models.QuerySet[Member]":
        """Those who may enter: present in the directory, and held back by nobody."""
        return self.filter(state=MemberState.ACTIVE, hold=Hold.NONE)


class Member(AbstractBaseUser):
    """A person.  ``id`` is the hub's identifier for life; ``entry_uuid`` ties it to one directory entry."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    entry_uuid = models.UUIDField(null=True, unique=True, editable=False)
    # Whose entry it is: one source, for as long as that source is in use.
    source = models.ForeignKey(
        "directory.DirectorySource", models.PROTECT, null=True, editable=False, related_name="members"
    )
    dn = models.TextField(blank=True, editable=False)
    dn_key = models.TextField(blank=True, editable=False)
    csn = models.CharField(max_length=120, blank=True, editable=False)
    # Of everything that was read of the entry, and of the mapping: what has the same one is not looked at again.
    digest = models.CharField(max_length=32, blank=True, editable=False)

    state = models.CharField(max_length=10, choices=MemberState.choices, default=MemberState.ACTIVE)
    state_reason = models.CharField(max_length=60, blank=True)
    state_since = models.DateTimeField(null=True, blank=True)
    # Of somebody whose entry is missing: how long the source had been followed then (``followed_for``), and when their
    # absence had lasted so long that it counts as a departure.
    absent_from = models.DurationField(null=True, editable=False)
    absent_for_good_at = models.DateTimeField(null=True, editable=False)
    # Beside the directory’s word: suspended by the office, or gone at the end of a dated departure.
    hold = models.CharField(max_length=10, choices=Hold.choices, default=Hold.NONE, blank=True)
    hold_reason = models.CharField(max_length=60, blank=True)
    hold_since = models.DateTimeField(null=True, blank=True)
    # Where somebody stands in the cooperative; its history is in ``StatusPeriod``.
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.UNKNOWN, blank=True)
    # Until when a second factor may be missing; empty where none is asked for.
    second_factor_by = models.DateTimeField(null=True, blank=True)
    # Contact details were removed at the end of the retention period.
    erased_at = models.DateTimeField(null=True, blank=True)

    login = models.CharField(max_length=255, blank=True)
    login_key = models.CharField(max_length=255, blank=True)
    login_ambiguous = models.BooleanField(default=False)
    email = models.CharField(max_length=254, blank=True)
    email_key = models.CharField(max_length=254, blank=True)
    email_state = models.CharField(max_length=8, choices=MailState.choices, default=MailState.NONE)

    display_name = models.CharField(max_length=400)
    order_key = OrderKey(of="display_name", max_length=400)
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

    # Said by the backend of the person it has just let in: why another password must be chosen first.
    must_change_password: str = ""
    # And of a password that is right: seconds until it is over, and how many more times one that is over lets in.
    password_expires_in: int | None = None
    password_graces: int | None = None

    USERNAME_FIELD = "id"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = MemberManager()

    class Meta:
        indexes = [
            models.Index(fields=["state"], name="member_state"),
            models.Index(fields=["dn_key"], name="member_dn_key"),
            # Not ``db_index``: PostgreSQL would keep a second index of each, for beginnings, which nobody asks for.
            models.Index(fields=["login_key"], name="member_login_key"),
            models.Index(fields=["email_key"], name="member_email_key"),
            models.Index(fields=["order_key", "id"], name="member_order"),
        ]

    def __str__(self) -> str:
        return self.display_name

    def get_username(self) -> str:
        return str(self.pk)

    @property
    def is_active(self) -> bool:  # type: ignore[override]
        return self.state == MemberState.ACTIVE and self.hold == Hold.NONE

    @property
    def is_absent(self) -> bool:
        """Missing from the directory, and nobody knows yet whether they have left."""
        return self.state == MemberState.MISSING and self.absent_for_good_at is None and self.hold != Hold.LEFT

    @property
    def is_local(self) -> bool:
        """An account of the hub’s own, without an entry in the directory: the way in when the directory is lost."""
        return self.entry_uuid is None

    def has_usable_password(self) -> bool:
        """A directory password counts: it is what re-authentication asks for.

        Without this, account flows find no way to confirm a directory member and let them through.
        """
        return self.entry_uuid is not None or super().has_usable_password()

    @property
    def has_own_password(self) -> bool:
        """A password that the hub keeps itself; never for somebody of the directory, whatever the row says."""
        return self.is_local and super().has_usable_password()

    @cached_property
    def roles(self) -> frozenset[Role]:
        now = timezone.now()
        return frozenset(Role(grant.role) for grant in self.role_grants.all() if grant.is_in_force(now))


class RoleGrant(models.Model):
    """A role of a person in the hub; given and taken back by people, never by the directory."""

    member = models.ForeignKey(Member, models.CASCADE, related_name="role_grants")
    role = models.CharField(max_length=12, choices=Role.choices)
    granted_at = models.DateTimeField(auto_now_add=True)
    granted_by = models.ForeignKey(Member, models.SET_NULL, null=True, related_name="+")
    ends_at = models.DateTimeField(null=True, blank=True)
    reminded_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["member", "role"], name="one_grant_per_role")]

    def __str__(self) -> str:
        return f"{self.role} {self.member_id}"

    def is_in_force(self, now: datetime) -> bool:
        """Nothing waits for the worker: a role is over at its end, whether its row is gone yet or not."""
        return self.ends_at is None or now < self.ends_at


class StatusPeriod(models.Model):
    """One stretch of a member’s way through the cooperative, from its first day to the day after its last."""

    member = models.ForeignKey(Member, models.CASCADE, related_name="status_periods")
    status = models.CharField(max_length=12, choices=Status.choices)
    since = models.DateField()
    until = models.DateField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["member"], condition=models.Q(until=None), name="one_present_status")
        ]
        ordering = ["since", "id"]

    def __str__(self) -> str:
        return f"{self.status} {self.member_id} {self.since}"


class Departure(models.Model):
    """A dated end: announced, reminded of, carried out after its last day, or called off."""

    member = models.ForeignKey(Member, models.CASCADE, related_name="departures")
    last_day = models.DateField()
    planned_by = models.ForeignKey(Member, models.SET_NULL, null=True, related_name="+")
    planned_at = models.DateTimeField()
    announced_at = models.DateTimeField(null=True)
    reminded_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["member"], condition=models.Q(done_at=None, cancelled_at=None), name="one_planned_departure"
            )
        ]
        indexes = [models.Index(fields=["last_day"], name="departure_day")]
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"departure {self.member_id} {self.last_day}"
