"""When what is known of somebody last changed: names and moments, never values."""

from django.db import models


class ItemChange(models.Model):
    """The last change of one item of a member, kept for whoever was told the value of before (GDPR art. 5(1)(d), 19).

    ``item`` as tools are told it (``corrections.ITEMS_OF``).  What leaves after ``sure_from`` surely is the new value;
    between the two nobody can say.
    """

    id = models.BigAutoField(primary_key=True)
    member = models.ForeignKey("directory.Member", models.CASCADE, related_name="item_changes", db_index=False)
    item = models.CharField(max_length=40)
    at = models.DateTimeField()
    sure_from = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["member", "item"], name="one_last_change")]

    def __str__(self) -> str:
        return f"{self.item} of {self.member_id}"
