from typing import Any

from django.db import migrations, models
from django.db.models.functions import TruncDate


def close_what_there_is(apps: Any, _editor: Any) -> None:
    """A row that is older than this stands for one release, and nothing more is counted on it."""
    rows = apps.get_model("consent", "Disclosure").objects
    rows.update(last_at=models.F("at"), day=TruncDate("at"), closed_at=models.F("at"))


class Migration(migrations.Migration):

    dependencies = [
        ("consent", "0004_objections"),
    ]

    operations = [
        migrations.AddField("disclosure", "profile", models.CharField(blank=True, default="", max_length=22), False),
        migrations.AddField("disclosure", "decision", models.BigIntegerField(default=0)),
        migrations.AddField("disclosure", "count", models.PositiveIntegerField(default=1)),
        migrations.AddField("disclosure", "last_at", models.DateTimeField(null=True)),
        migrations.AddField("disclosure", "day", models.DateField(null=True)),
        migrations.AddField("disclosure", "closed_at", models.DateTimeField(null=True)),
        migrations.RunPython(close_what_there_is, migrations.RunPython.noop),
        migrations.AlterField("disclosure", "last_at", models.DateTimeField()),
        migrations.AlterField("disclosure", "day", models.DateField()),
        migrations.AddConstraint(
            "disclosure",
            models.UniqueConstraint(
                fields=["member", "profile", "decision", "day"],
                condition=models.Q(closed_at=None),
                name="one_open_disclosure",
            ),
        ),
        migrations.AddConstraint(
            "disclosure",
            models.CheckConstraint(condition=models.Q(count__gte=1), name="disclosure_counted"),
        ),
    ]
