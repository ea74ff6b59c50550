import json

from django.db import migrations, models

from directory.models.fields import Keys

NAMES = ("member_keys", "lead_keys", "unknown_keys")


def to_lines(apps, schema_editor):
    rewrite(apps, lambda text: "\n".join([*json.loads(text), ""]))


def to_json(apps, schema_editor):
    rewrite(apps, lambda text: json.dumps(text.split("\n")[:-1]))


def rewrite(apps, change):
    rows = apps.get_model("directory", "Collective").objects.all()
    for pk in rows.values_list("pk", flat=True):
        texts = rows.values(*NAMES).get(pk=pk)
        rows.filter(pk=pk).update(**{name: change(text) for name, text in texts.items()})


def leave_uncompressed(apps, schema_editor):
    """Compressing the names of a large group takes PostgreSQL longer than all else about its row."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE directory_collective ALTER COLUMN member_keys SET STORAGE EXTERNAL")


class Migration(migrations.Migration):

    dependencies = [
        ("directory", "0009_order_key"),
    ]

    # Between JSON and lines they are plain texts, whose content is written anew.
    operations = [
        *(
            migrations.AlterField(model_name="collective", name=name, field=models.TextField(default="[]"))
            for name in NAMES
        ),
        migrations.RunPython(leave_uncompressed, migrations.RunPython.noop),
        migrations.RunPython(to_lines, to_json),
        *(
            migrations.AlterField(
                model_name="collective",
                name=name,
                field=Keys(default=list, editable=False),
            )
            for name in NAMES
        ),
    ]
