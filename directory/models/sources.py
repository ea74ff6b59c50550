"""Directories that the hub follows."""

from datetime import timedelta

from django.db import models

from directory.types import Mode, ServerKind, SourceState


class DirectorySource(models.Model):
    """One directory: where it is, as whom it is read, what its words mean here, and how far it was followed.

    The connection of the one named in the operator's settings (``from_settings``) is theirs, and is not kept here.
    """

    name = models.CharField(max_length=80, unique=True)
    state = models.CharField(max_length=8, choices=SourceState.choices, default=SourceState.DRAFT)
    from_settings = models.BooleanField(default=False, editable=False)

    server = models.CharField(max_length=20, choices=ServerKind.choices, default=ServerKind.OPENLDAP)
    # One, or several of the same content, parted by spaces: the next is tried when one is down.
    uri = models.CharField(max_length=500, blank=True)
    start_tls = models.BooleanField(default=True)
    # Certificates of authorities (PEM); empty: those of the machine.
    authorities = models.TextField(blank=True)
    bind_dn = models.CharField(max_length=500, blank=True)
    write_dn = models.CharField(max_length=500, blank=True)
    # Sealed with a key outside the database.
    bind_secret = models.BinaryField(default=bytes, editable=False)
    write_secret = models.BinaryField(default=bytes, editable=False)
    timeout_seconds = models.FloatField(default=3.0)

    base = models.CharField(max_length=500, blank=True)
    people_base = models.CharField(max_length=500, blank=True)
    groups_base = models.CharField(max_length=500, blank=True)
    former_base = models.CharField(max_length=500, blank=True)
    people_filter = models.CharField(max_length=500, blank=True)
    groups_filter = models.CharField(max_length=500, blank=True)
    # What differs from the server's usual attributes, kinds and ceilings; ``directory.ldap.mapping`` knows the rest.
    mapping = models.JSONField(default=dict, blank=True)
    kinds = models.JSONField(default=dict, blank=True)
    writable = models.JSONField(default=list, blank=True)
    ceilings = models.JSONField(default=dict, blank=True)

    abilities = models.JSONField(default=dict, editable=False)
    probed_at = models.DateTimeField(null=True, editable=False)
    # The steps of the setting-up that went well with the settings as they are.
    tried = models.JSONField(default=list, editable=False)

    # How far it was followed.
    watermark = models.TextField(blank=True, editable=False)
    # Something may still move there without a mark, or is to be read by other settings: soon, and groups as a whole.
    look_again = models.BooleanField(default=False, editable=False)
    mapping_digest = models.CharField(max_length=32, blank=True, editable=False)
    read_at = models.DateTimeField(null=True, editable=False)
    deep_at = models.DateTimeField(null=True, editable=False)
    # For how long, in all, it has been read without a gap and without anything waiting: the time by which absences are
    # counted.  And until when that was so; empty while something waits.
    followed_for = models.DurationField(default=timedelta, editable=False)
    followed_until = models.DateTimeField(null=True, editable=False)
    # Why it could not be read, since when, and from when on it is tried again.
    failing_since = models.DateTimeField(null=True, editable=False)
    failures = models.PositiveIntegerField(default=0, editable=False)
    retry_at = models.DateTimeField(null=True, editable=False)
    # What was told of it by mail, and when: by kind.
    told = models.JSONField(default=dict, editable=False)
    # What somebody asked for in the pages: the worker does it at its next turn.
    wanted = models.CharField(max_length=8, choices=Mode.choices, blank=True, editable=False)
    wanted_dry = models.BooleanField(default=False, editable=False)
    wanted_by = models.ForeignKey("directory.Member", models.SET_NULL, null=True, editable=False, related_name="+")
    # Exactly these removals may go: the digest that was shown for them.
    approval = models.CharField(max_length=32, blank=True, editable=False)
    approved_by = models.ForeignKey("directory.Member", models.SET_NULL, null=True, editable=False, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["from_settings"], condition=models.Q(from_settings=True), name="one_source_from_settings"
            )
        ]
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name
