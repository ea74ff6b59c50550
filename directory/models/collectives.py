"""Collectives: groups of the directory, and who is in them."""

import uuid

from django.db import models

from directory.models.fields import Keys, OrderKey
from directory.models.members import Member
from directory.types import Kind, Status


class Collective(models.Model):
    """A group of the directory: pôle, self-run group, territory, team or board.

    A status has one as well, without an entry: who stands there is in it, so that tools open to a status as to a pôle.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    entry_uuid = models.UUIDField(unique=True, null=True, editable=False)
    status = models.CharField(max_length=12, choices=Status.choices, blank=True, editable=False)
    source = models.ForeignKey(
        "directory.DirectorySource", models.PROTECT, null=True, editable=False, related_name="collectives"
    )
    dn = models.TextField(blank=True, editable=False)
    dn_key = models.TextField(blank=True, editable=False)
    csn = models.CharField(max_length=120, blank=True, editable=False)
    digest = models.CharField(max_length=32, blank=True, editable=False)
    # Keys of the names that the entry lists, as they came: what they mean is worked out again when others change.
    member_keys = Keys(default=list, editable=False)
    lead_keys = Keys(default=list, editable=False)
    # Those of them that are nobody, for now.
    unknown_keys = Keys(default=list, editable=False)
    slug = models.SlugField(max_length=120, unique=True)
    name = models.CharField(max_length=255)
    order_key = OrderKey(of="name", max_length=255)
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.OTHER)
    description = models.TextField(blank=True)
    sensitive = models.BooleanField(default=False)
    present = models.BooleanField(default=True)
    # From when on its members need a second factor; the hub’s own rule, never the directory’s.
    second_factor_from = models.DateTimeField(null=True, blank=True)
    leads = models.ManyToManyField(Member, related_name="leads")
    members = models.ManyToManyField(Member, through="Membership", related_name="collectives")
    # Groups that this one lists as members; their people are its own.
    nested = models.ManyToManyField("self", symmetrical=False, related_name="nested_in", editable=False)

    class Meta:
        ordering = ["kind", "order_key", "id"]
        indexes = [models.Index(fields=["dn_key"], name="collective_dn_key")]
        constraints = [
            models.UniqueConstraint(fields=["status"], condition=~models.Q(status=""), name="one_collective_per_status")
        ]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A member in a collective; ``direct`` is false when it comes through a nested group."""

    # Found by the index of the constraint below.
    member = models.ForeignKey(Member, models.CASCADE, related_name="memberships", db_index=False)
    collective = models.ForeignKey(Collective, models.CASCADE, related_name="memberships")
    direct = models.BooleanField(default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["member", "collective"], name="one_membership")]

    def __str__(self) -> str:
        return f"{self.member_id} in {self.collective_id}"
