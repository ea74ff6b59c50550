"""Lists are sorted by a key beside each name, as a French reader looks for it."""

from django.db import migrations, models

from directory.models.fields import OrderKey
from directory.normalise import order_key

AT_ONCE = 500
NAMES = (("Member", "display_name", 400), ("Collective", "name", 255))


def fill(apps, schema_editor):
    for model, name, length in NAMES:
        table = apps.get_model("directory", model).objects
        rows = []
        for row in table.only("pk", name).iterator(AT_ONCE):
            row.order_key = order_key(getattr(row, name))[:length]
            rows.append(row)
        table.bulk_update(rows, ["order_key"], batch_size=AT_ONCE)


class Migration(migrations.Migration):
    dependencies = [("directory", "0008_look_again")]

    operations = [
        migrations.AlterModelOptions("collective", {"ordering": ["kind", "order_key", "id"]}),
        migrations.AddField("collective", "order_key", OrderKey(of="name", max_length=255)),
        migrations.AddField("member", "order_key", OrderKey(of="display_name", max_length=400)),
        migrations.AddIndex("member", models.Index(fields=["order_key", "id"], name="member_order")),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
